//! JPEG pictures against OpenCV and Pillow: the same bytes.

use crate::support::reference::golden;
use kinolens::video::Video;
use md5::{Digest, Md5};

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
    hex.as_bytes().as_chunks::<2>().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}

#[test]
fn pixels_are_those_of_opencv_and_pillow() {
    let dir = tempfile::tempdir().unwrap();
    let made = golden("extra_jpeg.json");
    let files = made["files"].as_array().unwrap();
    assert!(files.len() > 25, "{}", files.len());
    for (number, file) in files.iter().enumerate() {
        let name = file["name"].as_str().unwrap();
        let path = dir.path().join(format!("{number}.jpg"));
        std::fs::write(&path, bytes(file["jpeg"].as_str().unwrap())).unwrap();
        let video = Video::open(&path).unwrap();
        let frame = video.frame(0).unwrap();
        let size = [frame.image.width, frame.image.height].map(u64::from);
        assert_eq!(size, ["width", "height"].map(|k| file[k].as_u64().unwrap()), "{name}");
        assert_eq!((video.info().width, video.info().height), (frame.image.width, frame.image.height), "{name}");
        let digest = Md5::digest(frame.image.data.as_slice());
        assert_eq!(digest.as_slice(), bytes(file["rgb_md5"].as_str().unwrap()), "{name}");
    }
}

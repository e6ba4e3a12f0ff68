//! The viewer's frames: never wait, nearest first, exact soon after, within the budget.

use kinolens::domain::RgbImage;
use kinolens::video::{FrameServer, Shown, VideoWriter};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A folder of pictures is a video too: frame `n` is of one colour, `n`.
fn folder(dir: &Path, frames: u32) {
    for n in 0..frames {
        let image = image::RgbImage::from_pixel(32, 16, image::Rgb([n as u8, 0, 0]));
        image.save(dir.join(format!("{n:04}.png"))).unwrap();
    }
}

fn colour(image: &RgbImage) -> u8 {
    image.data[0]
}

fn wait_exact(server: &FrameServer, path: &Path, index: u32) -> Shown {
    let started = Instant::now();
    loop {
        let shown = server.request(path, index);
        if shown.exact || shown.error.is_some() || started.elapsed() > Duration::from_secs(10) {
            return shown;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn frames_arrive_exact_and_stay_within_the_budget() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), 60);
    let budget = 20 * 32 * 16 * 3;
    let server = FrameServer::new(budget, Arc::new(|| {}));
    for index in [0, 40, 39, 38, 59, 3] {
        let shown = wait_exact(&server, dir.path(), index);
        assert!(shown.exact, "{:?}", shown.error);
        let frame = shown.frame.unwrap();
        assert_eq!((frame.index, colour(&frame.image)), (index, index as u8));
        assert!(server.usage().0 <= budget, "{:?}", server.usage());
    }
}

#[test]
fn the_nearest_frame_is_shown_meanwhile_and_neighbours_become_ready() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), 60);
    let server = FrameServer::new(1 << 20, Arc::new(|| {}));
    assert!(server.request(dir.path(), 10).frame.is_none());
    wait_exact(&server, dir.path(), 10);
    let first = server.request(dir.path(), 50);
    assert!(!first.exact && first.frame.is_some());
    wait_exact(&server, dir.path(), 50);
    // Standing still, the frames around get ready without being asked for.
    // Frames around 10 count in the usage too, so its size alone says nothing: wait until it stays.
    let (mut held, mut since) = (server.usage().0, Instant::now());
    while since.elapsed() < Duration::from_millis(300) {
        std::thread::sleep(Duration::from_millis(2));
        if server.usage().0 != held {
            (held, since) = (server.usage().0, Instant::now());
        }
    }
    assert!(server.request(dir.path(), 49).exact);
    assert!(server.request(dir.path(), 51).exact);
}

#[test]
fn what_cannot_be_shown_is_a_sentence() {
    let server = FrameServer::new(1 << 20, Arc::new(|| {}));
    let shown = wait_exact(&server, Path::new("/nowhere/video.mp4"), 0);
    let error = shown.error.expect("an error");
    assert!(error.contains("/nowhere/video.mp4"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), 3);
    let past = wait_exact(&server, dir.path(), 7);
    assert!(past.error.is_some_and(|e| e.contains("3 frames")));
}

#[test]
fn a_file_that_is_gone_is_not_shown_from_memory_and_comes_back_with_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    let write = || {
        let mut writer = VideoWriter::create(&path, 64, 64, 10.0).unwrap();
        let picture = RgbImage::new(64, 64, vec![90; 64 * 64 * 3]).unwrap();
        (0..5).for_each(|_| writer.push(&picture).unwrap());
        writer.finish().unwrap();
    };
    let server = FrameServer::new(1 << 28, Arc::new(|| {}));
    // Shown exactly (true), or not at all but with a sentence.
    let until = |shown: bool| {
        let begun = Instant::now();
        loop {
            let answer = server.request(&path, 0);
            if if shown { answer.exact } else { answer.frame.is_none() && answer.error.is_some() } {
                return;
            }
            assert!(begun.elapsed().as_secs() < 20, "waited in vain: {shown}, {:?}", answer.error);
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    write();
    until(true);
    std::fs::remove_file(&path).unwrap();
    until(false);
    write();
    until(true);
}

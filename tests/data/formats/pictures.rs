//! Pictures that tables list: the set of human actions in stills.

use super::names;
use crate::support::datasets::{open, temp, try_open, warns, write};
use kinolens::domain::{Dataset, Label, Reason, Split};
use std::path::Path;

fn picture(path: impl AsRef<Path>) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::new(8, 6).save(path).unwrap();
}

fn made(r: &Path, training: &str) {
    for n in 1..=4 {
        picture(r.join(format!("train/Image_{n}.jpg")));
    }
    picture(r.join("train/Image_5.JPG"));
    for n in 1..=2 {
        picture(r.join(format!("test/Image_{n}.jpg")));
    }
    write(r.join("Training_set.csv"), training);
    write(r.join("Testing_set.csv"), "filename\nImage_1.jpg\nImage_4.jpg\n");
}

fn table(data: &Dataset) -> Vec<(&str, Split, u32, &str)> {
    let class =
        |v: &kinolens::domain::VideoEntry| v.labels.at(0).and_then(Label::class).map_or("", |c| data.classes.name(c));
    data.videos.iter().map(|v| (v.name.as_str(), v.split, v.frames(), class(v))).collect()
}

#[test]
fn every_picture_is_a_video_of_one_frame_in_its_own_split() {
    for (separator, swapped) in [(',', false), (';', true), ('\t', false)] {
        let rows = [
            ("filename", "label"),
            ("Image_1.jpg", "sleeping"),
            ("Image_2.jpg", "\"calling, loud \""),
            ("Image_2.jpg", "sleeping"),
            ("Image_5.JPG", "sleeping"),
            ("Image_4.jpg", ""),
            ("Image_9.jpg", "sleeping"),
            ("", "sleeping"),
        ];
        let row = |(a, b): (&str, &str)| match swapped {
            true => format!("{b}{separator}{a}\n"),
            false => format!("{a}{separator}{b}\n"),
        };
        let root = temp();
        let r = root.path();
        made(r, &rows.map(row).concat());
        let data = open(r);
        assert_eq!(data.format, "picture-csv");
        let classes: Vec<_> = data.classes.classes.iter().map(|c| (c.name.as_str(), c.source.as_deref())).collect();
        assert_eq!(classes, [("calling, loud", None), ("sleeping", None)]);
        assert_eq!(
            table(&data),
            [
                ("test/Image_1.jpg", Split::Test, 1, ""),
                ("train/Image_1.jpg", Split::Train, 1, "sleeping"),
                ("train/Image_2.jpg", Split::Train, 1, "calling, loud"),
                ("train/Image_4.jpg", Split::Train, 1, ""),
                ("train/Image_5.JPG", Split::Train, 1, "sleeping"),
            ]
        );
        let ledger = &data.ledger;
        let of = |entries: &[kinolens::domain::LedgerEntry]| {
            let name = |e: &kinolens::domain::LedgerEntry| e.file.file_name().unwrap().to_string_lossy().into_owned();
            entries.iter().map(|e| (name(e), e.line, e.reason)).collect::<Vec<_>>()
        };
        let (train, test) = ("Training_set.csv".to_owned(), "Testing_set.csv".to_owned());
        assert_eq!((ledger.rows, ledger.used()), (9, 3));
        assert_eq!(
            of(&ledger.ignored),
            [
                // A picture of that name lies in the folder of the other split only.
                (test.clone(), 3, Reason::MissingVideo),
                (train.clone(), 4, Reason::Conflict),
                (train.clone(), 7, Reason::MissingVideo),
                (train.clone(), 8, Reason::NoVideo),
            ]
        );
        assert_eq!(of(&ledger.adjusted), [(train.clone(), 3, Reason::Trimmed)]);
        assert_eq!(of(&ledger.unlabelled), [(test, 2, Reason::NoLabel), (train, 6, Reason::NoLabel)]);
        let left: Vec<_> = ledger.unlisted.iter().map(|p| p.strip_prefix(r).unwrap().to_path_buf()).collect();
        assert_eq!(left, [Path::new("test/Image_2.jpg"), Path::new("train/Image_3.jpg")]);
        assert!(warns(&data, "", &["Image_3.jpg", "no part of the dataset"]), "{:#?}", data.warnings);
    }
}

#[test]
fn numbers_of_classes_keep_their_order_and_missing_labels_are_no_class() {
    let root = temp();
    let r = root.path();
    made(r, "filename,label\nImage_1.jpg,10\nImage_2.jpg,9\nImage_3.jpg,-1\nImage_4.jpg,10.0\n");
    let data = open(r);
    let classes: Vec<_> = data.classes.classes.iter().map(|c| (c.id, c.source.as_deref())).collect();
    assert_eq!(classes, [(9, Some("9")), (10, Some("10"))]);
    let train: Vec<_> = table(&data).into_iter().filter(|v| v.1 == Split::Train).map(|v| v.3).collect();
    assert_eq!(train, ["class 10", "class 9", "", "class 10"]);
}

#[test]
fn a_training_table_that_cannot_be_read_is_not_left_out() {
    let root = temp();
    let r = root.path();
    made(r, "filename,label\nImage_1.jpg,\"sleeping\n");
    let error = try_open(r).unwrap_err().to_string();
    assert!(error.contains("Training_set.csv") && error.contains("line 2") && error.contains("quote"), "{error}");
    let utf16: Vec<u8> = "\u{feff}filename,label\nImage_1.jpg,x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(r.join("Training_set.csv"), utf16).unwrap();
    let error = try_open(r).unwrap_err().to_string();
    assert!(error.contains("Training_set.csv") && error.contains("UTF-16"), "{error}");
    // What is only evaluated may be left out.
    made(r, "filename,label\nImage_1.jpg,sleeping\n");
    write(r.join("Testing_set.csv"), "where\nImage_1.jpg\n");
    let data = open(r);
    assert_eq!(names(&data), ["train/Image_1.jpg"]);
    assert!(warns(&data, "Testing_set.csv", &["left out", "where"]), "{:#?}", data.warnings);
}

#[test]
fn tables_of_videos_and_of_clips_are_other_formats() {
    let root = temp();
    let r = root.path();
    picture(r.join("videos/a.jpg"));
    picture(r.join("videos/b.jpg"));
    write(r.join("train.csv"), "clip_path,label\na.jpg,x\nb.jpg,y\n");
    assert_eq!(open(r).format, "ucf-csv");
    write(r.join("train.csv"), "filename,label\na.jpg,x\nb.mp4,y\n");
    assert_eq!(open(r).format, "ucf-csv");
}

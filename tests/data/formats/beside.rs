//! What lies beside the videos and is not used, and folders that are no classes.

use super::names;
use crate::support::datasets::{open, temp, try_open, video, warns, write};
use kinolens::domain::{Dataset, Split};
use std::path::Path;

fn class_names(data: &Dataset) -> Vec<&str> {
    data.classes.classes.iter().map(|c| c.name.as_str()).collect()
}

fn file(path: impl AsRef<Path>) {
    write(path, "");
}

fn two_classes(root: &Path) {
    for class in ["jump", "wave"] {
        for s in 1..=2 {
            file(root.join(class).join(format!("s{s}_{class}.mp4")));
        }
    }
}

#[test]
fn folders_that_hold_videos_are_entered_and_never_classes() {
    for inner in ["UCF-101", "videos", "data", "my collection", "Dataset/Clips", "x/UCF-101"] {
        let root = temp();
        two_classes(&root.path().join(inner));
        let data = open(root.path());
        assert_eq!((data.format.as_str(), class_names(&data)), ("class-folders", vec!["jump", "wave"]), "{inner}");
        assert_eq!(data.videos.len(), 4);
        assert!(names(&data).iter().all(|n| n.starts_with(inner)));
    }
    let root = temp();
    for (part, split) in [("Train", Split::Train), ("VALIDATION", Split::Val), ("test", Split::Test)] {
        two_classes(&root.path().join("videos").join(part));
        let data = open(root.path());
        assert!(data.videos.iter().filter(|v| v.name.contains(part)).all(|v| v.split == split), "{part}");
        assert_eq!(class_names(&data), ["jump", "wave"]);
    }
}

#[test]
fn folders_of_videos_without_classes_are_unlabelled() {
    let root = temp();
    let r = root.path();
    for path in ["train/a.mp4", "train/b.mp4", "val/c.mp4"] {
        file(r.join(path));
    }
    let data = open(r);
    assert_eq!((data.format.as_str(), data.classes.len()), ("single", 0));
    let splits: Vec<_> = data.videos.iter().map(|v| (v.name.as_str(), v.split)).collect();
    assert_eq!(splits, [("train/a.mp4", Split::Train), ("train/b.mp4", Split::Train), ("val/c.mp4", Split::Val)]);
    assert!(data.videos.iter().all(|v| v.labels.is_empty()));
    let root = temp();
    for clip in ["one", "two"] {
        video(root.path().join("frames").join(clip), 3);
    }
    let data = open(root.path());
    assert_eq!((data.format.as_str(), names(&data)), ("single", vec!["frames/one", "frames/two"]));
}

#[test]
fn people_between_class_and_clip_are_no_classes() {
    let root = temp();
    for person in ["person01", "person02"] {
        file(root.path().join("walk").join(person).join("clip.avi"));
    }
    let data = open(root.path());
    assert_eq!(class_names(&data), ["walk"]);
    assert_eq!(data.videos.iter().map(|v| v.subject.as_str()).collect::<Vec<_>>(), ["person01", "person02"]);
}

#[test]
fn what_is_left_out_of_class_folders_is_told() {
    let root = temp();
    let r = root.path();
    two_classes(r);
    file(r.join("test/later.mp4"));
    file(r.join("stray.mp4"));
    let data = open(r);
    assert_eq!((data.format.as_str(), class_names(&data)), ("class-folders", vec!["jump", "wave"]));
    assert!(warns(&data, "test", &["no folder of a class"]), "{:#?}", data.warnings);
    assert!(warns(&data, "", &["1 video lies beside the class folders"]), "{:#?}", data.warnings);
}

#[test]
fn labels_beside_class_folders_that_are_not_used_are_told_with_the_reason() {
    let root = temp();
    let r = root.path();
    two_classes(r);
    write(r.join("train.csv"), "clip,mood\ns1_jump,good\n");
    write(r.join("labels.csv"), "path,class\njump/s1_jump.mp4,wave\n");
    write(r.join("annotations/all.json"), "{\"s1_jump\": [1, 2]}");
    write(r.join("annotations/names.json"), "{\"x\": 1}");
    write(r.join("th.json"), "{\"taxonomy\": [], \"v1\": {\"annotations\": []}}");
    write(r.join("notes.txt"), "s2_wave is blurred\n");
    write(r.join("README.txt"), "Recorded in spring.\n");
    let data = open(r);
    assert_eq!((data.format.as_str(), class_names(&data)), ("class-folders", vec!["jump", "wave"]));
    for (file, words) in [
        ("train.csv", &["not used", "clip, mood", "'class'"][..]),
        ("labels.csv", &["not used", "open the file itself"]),
        ("annotations/all.json", &["not used", "not read"]),
        ("th.json", &["not used", "not read"]),
        ("notes.txt", &["not used"]),
    ] {
        assert!(warns(&data, file, words), "{file} {:#?}", data.warnings);
    }
    assert!(!data.warnings.iter().any(|w| w.path.ends_with("README.txt") || w.path.ends_with("names.json")));
}

#[test]
fn a_list_that_is_not_understood_never_makes_classes_of_folders() {
    for (list, text, words) in [
        ("train.csv", "clip,mood\na,good\n", &["train.csv line 1", "clip, mood"][..]),
        ("train.csv", "a;Swiping Right\nb;Swiping Left\n", &["train.csv", "Swiping Right"]),
        ("train.csv", "", &["train.csv is empty"]),
        ("annotations/val.csv", "nowhere/x.mp4 3\n", &["val.csv"]),
        ("something-train.json", "[{\"id\": \"clip_a\", \"template\": \"x\"}]", &["something-train.json"]),
    ] {
        for folder in ["videos", "20bn-clips", "train"] {
            let root = temp();
            let r = root.path();
            for clip in ["clip_a", "clip_b"] {
                file(r.join(folder).join(format!("{clip}.mp4")));
            }
            write(r.join(list), text);
            let error = try_open(r).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{list} {folder}: {word} in {error}");
            }
        }
    }
}

#[test]
fn lists_of_hmdb_are_no_lists_of_numbers() {
    let root = temp();
    let r = root.path();
    for class in ["run", "walk"] {
        file(r.join(format!("hmdb51_org/{class}/{class} 1.avi")));
        write(r.join(format!("splits/{class}_test_split1.txt")), &format!("{class} 1.avi 2 \n"));
    }
    // The tag is the split, and the file the class.
    let data = open(r);
    assert_eq!((data.format.as_str(), class_names(&data)), ("hmdb51-splits", vec!["run", "walk"]));
    assert!(data.videos.len() == 2 && data.videos.iter().all(|v| v.split == Split::Test));
    let error = try_open(r.join("splits/run_test_split1.txt")).unwrap_err().to_string();
    assert!(error.contains("run_test_split1.txt") && error.contains("HMDB51"), "{error}");
}

#[test]
fn what_other_formats_call_lists_is_refused_and_not_misread() {
    // Excluded seconds, a list of JSON, frames below splits: none of it is a class.
    for (list, text, folder, words) in [
        ("annotations/ava_train_excluded.csv", "clip_a,0903\n", "videos", &["line 1", "'0903'"][..]),
        ("train.json", "[{\"id\": \"clip_a\"}]", "train", &["train.json"]),
        ("Training_set.csv", "filename,mood\nclip_a.mp4,good\n", "train", &["Training_set.csv", "filename, mood"]),
    ] {
        let root = temp();
        let r = root.path();
        for clip in ["clip_a", "clip_b"] {
            if list == "train.json" {
                video(r.join(folder).join(clip), 2);
            } else {
                file(r.join(folder).join(format!("{clip}.mp4")));
            }
        }
        write(r.join(list), text);
        let error = try_open(r).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{list}: {word} in {error}");
        }
    }
}

#[test]
fn folders_of_one_namesake_or_of_people_are_no_classes() {
    let root = temp();
    let r = root.path();
    for name in ["mouse_a", "mouse_b"] {
        file(r.join(format!("DATA/{name}/{name}.mp4")));
        write(r.join(format!("DATA/{name}/{name}_labels.csv")), ",background,dig\n0,1,0\n");
    }
    let data = open(r);
    // The classes are those of the tables, not the folders.
    let names: Vec<&str> = data.classes.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!((data.format.as_str(), names, data.videos.len()), ("deepethogram", vec!["background", "dig"], 2));
    let one = temp();
    file(one.path().join("DATA/m/m.mp4"));
    assert_eq!(open(one.path()).classes.len(), 0);
    let root = temp();
    for person in ["P01", "P02"] {
        file(root.path().join(format!("EPIC-KITCHENS/{person}/videos/{person}_101.MP4")));
    }
    assert!(try_open(root.path()).map_or(0, |d| d.classes.len()) == 0);
}

#[test]
fn folders_called_after_a_split_and_what_they_hold_are_no_classes() {
    for (train, val) in [("train_videos", "val_videos"), ("clips-train", "clips-test"), ("training_set", "test set")] {
        let root = temp();
        for path in [format!("{train}/a.mp4"), format!("{train}/b.mp4"), format!("{val}/c.mp4")] {
            file(root.path().join(path));
        }
        let data = open(root.path());
        assert_eq!((data.classes.len(), data.videos.len()), (0, 3), "{train}");
        assert!(data.videos.iter().all(|v| (v.split == Split::Train) == v.name.starts_with(train)), "{train}");
        let root = temp();
        two_classes(&root.path().join(train));
        two_classes(&root.path().join(val));
        let data = open(root.path());
        assert_eq!(class_names(&data), ["jump", "wave"], "{train}");
        assert!(data.videos.iter().all(|v| v.split != Split::Unassigned), "{train}");
    }
    // A class may hold such a word.
    let root = temp();
    for class in ["train_dog", "test_tube"] {
        file(root.path().join(class).join("a.mp4"));
        file(root.path().join(class).join("b.mp4"));
    }
    assert_eq!(class_names(&open(root.path())), ["test_tube", "train_dog"]);
}

#[test]
fn files_that_speak_of_the_classes_are_named_and_so_are_videos_in_no_class() {
    let root = temp();
    two_classes(root.path());
    write(root.path().join("project.json"), r#"{"metadata": {"1_a": {"z": [0.1, 0.4], "av": {"1": "jump"}}}}"#);
    write(root.path().join("coding.tsv"), "start_s\tstop_s\tcode\n0.1\t0.5\tA\n");
    write(root.path().join("settings.json"), r#"{"zoom": 3}"#);
    file(root.path().join("intro.mp4"));
    let data = open(root.path());
    assert_eq!(class_names(&data), ["jump", "wave"]);
    for told in ["project.json", "coding.tsv", "intro.mp4"] {
        let says = |w: &kinolens::domain::DatasetWarning| w.path.ends_with(told) || w.message.contains(told);
        assert!(data.warnings.iter().any(says), "{told}: {:?}", data.warnings);
    }
    assert!(data.warnings.iter().all(|w| !w.path.ends_with("settings.json")), "{:?}", data.warnings);
}

#[test]
fn the_only_list_is_read_whatever_it_is_called() {
    let root = temp();
    for n in 1..=4 {
        file(root.path().join(format!("videos/d{n}.mp4")));
    }
    let rows = "split;category;filename\ntrain;lift;d1.mp4\ntrain;drop;d2.mp4\ntrain;lift;d3.mp4\ntest;drop;d4.mp4\n";
    write(root.path().join("annotations.csv"), rows);
    let data = open(root.path());
    assert_eq!((data.format.as_str(), class_names(&data)), ("ucf-csv", vec!["drop", "lift"]));
    let test: Vec<&str> = data.videos.iter().filter(|v| v.split == Split::Test).map(|v| v.name.as_str()).collect();
    assert_eq!(test, ["videos/d4.mp4"]);
    // Of two nobody knows which is meant.
    write(root.path().join("other.csv"), rows);
    assert_eq!(open(root.path()).classes.len(), 0);
}

#[test]
fn a_picture_beside_the_videos_of_a_class_is_told_and_a_fault_of_a_list_is_said_once() {
    let root = temp();
    for name in ["run/a.mp4", "run/b.mp4", "walk/c.mp4"] {
        write(root.path().join(name), "");
    }
    image::RgbImage::new(8, 6).save(root.path().join("run/thumb.jpg")).unwrap();
    let data = open(root.path());
    assert!(warns(&data, "run", &["1 picture", "one frame", "thumb.jpg"]), "{:#?}", data.warnings);
    assert!(!warns(&data, "walk", &["picture"]), "{:#?}", data.warnings);

    let root = temp();
    write(root.path().join("videos/v0.mp4"), "");
    write(root.path().join("train.csv"), "id,action\n1,up\n");
    let said = try_open(root.path()).unwrap_err().to_string();
    let reason = said.split_once("train.csv: ").unwrap().1.split_once(". No other layout").unwrap().0;
    assert_eq!(said.matches(reason).count(), 1, "{reason}: {said}");
    assert_eq!(said.matches("cannot read").count(), 1, "{said}");
}

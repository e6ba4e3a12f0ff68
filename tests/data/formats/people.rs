//! Folders of people and of classes, one inside the other, and links among them.

use crate::support::datasets::{open, temp, video, warns, write};
use kinolens::domain::Dataset;
use std::collections::BTreeSet;
use std::path::Path;

/// Class and subject of every video.
fn seen(data: &Dataset) -> BTreeSet<(String, String, String)> {
    let class = |v: &kinolens::domain::VideoEntry| {
        v.labels.at(0).and_then(|l| l.class()).map_or(String::new(), |c| data.classes.name(c).to_owned())
    };
    data.videos.iter().map(|v| (v.name.clone(), class(v), v.subject.clone())).collect()
}

fn clip(path: impl AsRef<Path>) {
    write(path, "");
}

fn about_people(data: &Dataset) -> Vec<&str> {
    let words = ["people", "other way round"];
    data.warnings.iter().map(|w| w.message.as_str()).filter(|m| words.iter().any(|w| m.contains(w))).collect()
}

#[test]
fn folders_of_people_hold_those_of_classes_where_names_tell() {
    for people in
        [["p01", "p02"], ["s3", "s4"], ["person07", "Person08"], ["subject_2", "subject_11"], ["user1", "user2"]]
    {
        for (split, inside) in [("", true), ("", false), ("train/", true)] {
            let root = temp();
            let mut expected = BTreeSet::new();
            for person in people {
                for class in ["walk", "run"] {
                    let (outer, inner) = if inside { (person, class) } else { (class, person) };
                    for number in 0..2 {
                        let name = format!("{split}{outer}/{inner}/clip{number}.mp4");
                        clip(root.path().join(&name));
                        expected.insert((name, class.to_owned(), person.to_owned()));
                    }
                }
            }
            let data = open(root.path());
            let names: Vec<&str> = data.classes.classes.iter().map(|c| c.name.as_str()).collect();
            assert_eq!(names, ["run", "walk"], "{people:?} {split} {inside}");
            // The subject of the other order is found by rules that do not know every word.
            if inside || !people[0].starts_with("user") {
                assert_eq!(seen(&data), expected);
            }
            let said = about_people(&data);
            assert_eq!(said.len(), usize::from(inside), "{people:?} {split} {inside}: {said:?}");
        }
    }
    // A person who does not do all, and pictures of frames.
    let root = temp();
    video(root.path().join("p01/walk"), 4);
    video(root.path().join("p01/run"), 5);
    video(root.path().join("p02/walk"), 6);
    let data = open(root.path());
    let frames: Vec<(&str, u32)> = data.videos.iter().map(|v| (v.name.as_str(), v.frames())).collect();
    assert_eq!(frames, [("p01/run", 5), ("p01/walk", 4), ("p02/walk", 6)]);
    assert_eq!(data.videos.iter().map(|v| v.subject.as_str()).collect::<Vec<_>>(), ["p01", "p01", "p02"]);
}

#[test]
fn where_nothing_tells_it_is_said_and_where_something_does_it_is_not() {
    let made = |outer: &[&str], inner: &[&str]| {
        let root = temp();
        for o in outer {
            inner.iter().for_each(|i| clip(root.path().join(format!("{o}/{i}/clip.mp4"))));
        }
        let data = open(root.path());
        (data, root)
    };
    for (outer, inner) in [(["anna", "ben"], ["run", "walk"]), (["run", "walk"], ["anna", "ben"])] {
        let (data, _root) = made(&outer, &inner);
        let said = about_people(&data);
        assert!(said.len() == 1 && outer.iter().chain(&inner).all(|n| said[0].contains(n)), "{said:?}");
    }
    let (data, _root) = made(&["p01", "p02"], &["s1", "s2"]);
    assert!(about_people(&data)[0].contains("named like people"), "{:?}", data.warnings);
    for inner in [&["cam1", "cam2"][..], &["session_1", "session_2"], &["videos"], &["p01", "p02"], &["day1", "day2"]] {
        let (data, _root) = made(&["run", "walk"], inner);
        assert_eq!(about_people(&data), Vec::<&str>::new(), "{inner:?}");
    }
    // Other folders in each class.
    let root = temp();
    for name in ["walk/anna", "walk/ben", "run/carla", "run/ben"] {
        clip(root.path().join(name).join("clip.mp4"));
    }
    assert_eq!(about_people(&open(root.path())), Vec::<&str>::new());
    // People with videos directly in their folders.
    let root = temp();
    for name in ["p01/a.mp4", "p02/a.mp4"] {
        clip(root.path().join(name));
    }
    assert!(about_people(&open(root.path()))[0].contains("named like people"));
}

#[cfg(unix)]
#[test]
fn links_to_nothing_and_to_a_folder_around_them_are_named() {
    use std::os::unix::fs::symlink;
    let root = temp();
    let r = root.path();
    video(r.join("walk/v0"), 4);
    video(r.join("run/v1"), 5);
    video(r.join("elsewhere_not_here/v2"), 3);
    symlink("/gone/a.mp4", r.join("walk/a.mp4")).unwrap();
    symlink("/gone/jump", r.join("jump")).unwrap();
    symlink("/gone/labels.csv", r.join("labels.csv")).unwrap();
    symlink("..", r.join("run/loop")).unwrap();
    symlink(".", r.join("run/itself")).unwrap();
    // A link that leads elsewhere is followed.
    symlink(r.join("elsewhere_not_here"), r.join("linked")).unwrap();
    let data = open(r);
    assert!(warns(&data, "walk/a.mp4", &["link to a file that does not exist"]), "{:#?}", data.warnings);
    assert!(warns(&data, "jump", &["/gone/jump", "does not exist"]), "{:#?}", data.warnings);
    assert!(warns(&data, "labels.csv", &["/gone/labels.csv"]), "{:#?}", data.warnings);
    assert!(warns(&data, "run/loop", &["it lies in"]) && warns(&data, "run/itself", &["it lies in"]));
    let names: Vec<&str> = data.videos.iter().filter(|v| v.facts.is_some()).map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["elsewhere_not_here/v2", "linked/v2", "run/v1", "walk/v0"]);
    // A picture of a frame folder.
    std::fs::remove_file(r.join("run/v1/00002.png")).unwrap();
    symlink("/gone/2.png", r.join("run/v1/00002.png")).unwrap();
    std::fs::remove_file(r.join("walk/v0/00003.png")).unwrap();
    symlink("/gone/3.png", r.join("walk/v0/00003.png")).unwrap();
    let data = open(r);
    let gaps = |name: &str| {
        let video = data.videos.iter().find(|v| v.name == name).unwrap();
        (video.frames(), video.facts.as_ref().unwrap().gaps.clone())
    };
    assert_eq!((gaps("run/v1"), gaps("walk/v0")), ((5, vec![(2, 3)]), (4, vec![(3, 4)])), "{:#?}", data.warnings);
    assert!(warns(&data, "walk/v0", &["00003.png"]), "{:#?}", data.warnings);
}

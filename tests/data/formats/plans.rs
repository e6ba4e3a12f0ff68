//! Which subjects and videos train, validate and test.

use super::*;

/// `subjects` people, each doing two classes once.
pub(super) fn class_folders(root: &Path, subjects: usize) {
    for s in 0..subjects {
        for class in ["jump", "wave"] {
            video(root.join(class).join(format!("s{s}_{class}")), 20);
            video(root.join(class).join(format!("s{s}_{class}_mirror")), 20);
        }
    }
}

#[test]
fn plans_never_leak_subjects_and_do_not_depend_on_the_seed() {
    let root = temp();
    class_folders(root.path(), 10);
    let data = open(root.path());
    let mut config = RunConfig::reference();
    let p = plan(&data, &config).unwrap();
    let subjects = |split| p.subjects(&data, split);
    let (train, val, test) = (subjects(Split::Train), subjects(Split::Val), subjects(Split::Test));
    assert_eq!((test.len(), val.len(), train.len()), (3, 1, 6), "0.3 of 10, then 0.2 of 7");
    let all: BTreeSet<_> = train.iter().chain(&val).chain(&test).collect();
    assert_eq!(all.len(), 10, "nobody is in two parts");
    // 20 frames give one window of 16 at 0 for either stride; 4 videos a subject.
    assert_eq!((p.train.len(), p.val.len(), p.test.len()), (24, 4, 12));
    assert_eq!(p.class_counts(Split::Train), [12, 12]);
    config.seed = 7;
    assert_eq!(plan(&data, &config).unwrap().parts, p.parts);

    config.data.validation = Validation::TestSplit;
    let on_test = plan(&data, &config).unwrap();
    assert_eq!((on_test.val.clone(), on_test.train.len()), (on_test.test.clone(), 28));
    config.data.validation = Validation::Off;
    assert!(plan(&data, &config).unwrap().val.is_empty());
    config.data.fraction = 0.25;
    let some = plan(&data, &config).unwrap();
    assert_eq!(some.train.len(), 7);
    assert_eq!(some.test, p.test);
    assert_eq!(some.assignments(&data).count(), 40);
}

#[test]
fn plans_follow_the_datasets_own_split_and_take_validation_from_training_subjects() {
    let root = temp();
    let r = root.path();
    let mut split = String::from("subject,split\n");
    for s in 1..=8 {
        video(r.join(format!("anon/s{s:02}")), 40);
        write(r.join(format!("label/s{s:02}.csv")), &rows(true, &[(-1, 20), (0, 10), (1, 10)]));
        split += &format!("s{s:02},{}\n", if s <= 5 { "train" } else { "test" });
    }
    write(r.join("split.csv"), &split);
    let data = open(r);
    let mut config = RunConfig::reference();
    let p = plan(&data, &config).unwrap();
    assert_eq!(p.subjects(&data, Split::Test), ["s06", "s07", "s08"]);
    assert_eq!(p.subjects(&data, Split::Val).len(), 1);
    assert_eq!(p.subjects(&data, Split::Train).len(), 4);
    let trained: BTreeSet<_> = p.train.iter().map(|c| c.video).collect();
    assert!(p.val.iter().chain(&p.test).all(|c| !trained.contains(&c.video)));
    // Windows at 0, 8, 16, 24 of 40 frames: background / background (12 of 16) / class 0 (10 of 16) / class 1 (10 of 16).
    let starts: Vec<_> = p.train.iter().filter(|c| c.video == p.train[0].video).map(|c| (c.start, c.label)).collect();
    assert_eq!(starts, [(16, Some(Label::Class(0))), (24, Some(Label::Class(1)))]);

    config.data.background_class = true;
    let with = plan(&data, &config).unwrap();
    assert_eq!(with.classes.name(2), "background");
    assert_eq!(with.class_counts(Split::Train), [4, 4, 8]);
    config.data.background_class = false;
    config.clip.label = LabelRule::Pure;
    assert_eq!(plan(&data, &config).unwrap().train.len(), 0, "no window is pure");

    config.clip.label = LabelRule::Majority;
    config.model.num_classes = Some(17);
    let padded = plan(&data, &config).unwrap();
    assert_eq!((padded.classes.len(), padded.train.clone()), (17, p.train.clone()));
    config.model.num_classes = Some(1);
    assert!(plan(&data, &config).unwrap_err().to_string().contains("num_classes"));
}

#[test]
fn videos_without_subjects_are_divided_with_their_mirrored_copies() {
    let root = temp();
    for name in ["anna", "bert", "cleo", "dora", "emil", "fred"] {
        for class in ["jump", "wave"] {
            video(root.path().join(class).join(format!("{name}_{class}")), 20);
            video(root.path().join(class).join(format!("{name}_{class}_mirror")), 20);
        }
    }
    let data = open(root.path());
    let p = plan(&data, &RunConfig::reference()).unwrap();
    for (i, v) in data.videos.iter().enumerate().filter(|(_, v)| v.name.ends_with("mirror")) {
        let original = v.name.trim_end_matches("_mirror");
        let at = data.videos.iter().position(|o| o.name == original).unwrap();
        assert_eq!(p.parts[i], p.parts[at], "{}", v.name);
    }
    // 2 of 6 in each class; then one of the four left.
    assert_eq!(p.class_counts(Split::Test), [4, 4]);
    assert_eq!(p.class_counts(Split::Val), [2, 2]);
    assert_eq!(p.class_counts(Split::Train), [6, 6]);
}

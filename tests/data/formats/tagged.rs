//! HMDB51 with its official splits, and the choice of a fold.

use crate::support::datasets::{open, temp, video, warns, write};
use kinolens::config::DataConfig;
use kinolens::data::{detect, open_with_cache};
use kinolens::domain::{Dataset, Label, Reason, Split};
use kinolens::progress::Silent;
use std::path::Path;

/// Two classes with a clip of the same name in both; the second fold has other tags.
fn made(r: &Path, lists: &str) {
    for class in ["wave_test_split", "run"] {
        for clip in ["#1 (a);b!_0", "up&down_1", "[x]_2"] {
            video(r.join("hmdb51_org").join(class).join(clip), 3);
        }
        let rows = |a: u8, b: u8, c: u8| {
            format!(
                "#1 (a);b!_0.avi {a} \r\nup&down_1.avi {b} \r\n[x]_2.avi {c} \r\nup&down_1.avi 7 \r\ngone_3.avi 1 \r\n"
            )
        };
        write(r.join(format!("{lists}{class}_test_split1.txt")), &rows(1, 2, 0));
        write(r.join(format!("{lists}{class}_test_split2.txt")), &rows(2, 1, 1));
    }
}

fn table(data: &Dataset) -> Vec<(&str, Split, &str)> {
    let class =
        |v: &kinolens::domain::VideoEntry| v.labels.at(0).and_then(Label::class).map_or("", |c| data.classes.name(c));
    data.videos.iter().map(|v| (v.name.as_str(), v.split, class(v))).collect()
}

fn with(r: &Path, config: &DataConfig) -> Result<Dataset, kinolens::data::DataError> {
    open_with_cache(r, config, None, &Silent)
}

#[test]
fn tags_say_the_split_and_files_the_class() {
    for lists in ["testTrainMulti_7030_splits/", "splits/", ""] {
        let root = temp();
        let r = root.path();
        made(r, lists);
        let data = open(r);
        assert_eq!(data.format, "hmdb51-splits", "{lists}");
        let classes: Vec<_> = data.classes.classes.iter().map(|c| (c.name.as_str(), c.source.as_deref())).collect();
        assert_eq!(classes, [("run", None), ("wave_test_split", None)]);
        assert_eq!(
            table(&data),
            [
                ("hmdb51_org/run/#1 (a);b!_0", Split::Train, "run"),
                ("hmdb51_org/run/[x]_2", Split::Unassigned, "run"),
                ("hmdb51_org/run/up&down_1", Split::Test, "run"),
                ("hmdb51_org/wave_test_split/#1 (a);b!_0", Split::Train, "wave_test_split"),
                ("hmdb51_org/wave_test_split/[x]_2", Split::Unassigned, "wave_test_split"),
                ("hmdb51_org/wave_test_split/up&down_1", Split::Test, "wave_test_split"),
            ]
        );
        assert!(data.videos.iter().all(|v| v.subject.is_empty()));
        assert_eq!((data.ledger.rows, data.ledger.used()), (10, 6));
        let ignored: Vec<_> = data.ledger.ignored.iter().map(|e| (e.line, e.reason)).collect();
        let of_one = [(4, Reason::BadTag), (5, Reason::MissingVideo)];
        assert_eq!(ignored, [of_one, of_one].concat());
        assert!(warns(&data, "run_test_split1.txt", &["line 4", "'7'", "no tag"]), "{:#?}", data.warnings);
        assert!(warns(&data, "gone_3.avi", &["run_test_split1.txt line 5"]), "{:#?}", data.warnings);
    }
}

#[test]
fn a_fold_is_chosen_by_number() {
    let root = temp();
    let r = root.path();
    made(r, "splits/");
    let in_test = |data: Dataset| -> Vec<String> {
        data.videos.into_iter().filter(|v| v.split == Split::Test).map(|v| v.name).collect()
    };
    let second = ["hmdb51_org/run/#1 (a);b!_0", "hmdb51_org/wave_test_split/#1 (a);b!_0"];
    let choices = vec![("fold".to_owned(), "2".to_owned())];
    let chosen = with(r, &DataConfig { choices, ..DataConfig::default() }).unwrap();
    let fold: Vec<_> = chosen.choices.iter().map(|c| (c.key.as_str(), c.value.as_str(), c.options.len())).collect();
    assert_eq!(fold, [("fold", "2", 2)]);
    assert_eq!(in_test(chosen), second);
    assert_eq!(in_test(with(r, &DataConfig { fold: Some(2), ..DataConfig::default() }).unwrap()), second);
    for config in [
        DataConfig { choices: vec![("fold".into(), "5".into())], ..DataConfig::default() },
        DataConfig { fold: Some(5), ..DataConfig::default() },
    ] {
        let error = with(r, &config).unwrap_err().to_string();
        assert!(error.contains('5') && error.contains("1, 2"), "{error}");
    }
}

#[test]
fn files_called_so_that_hold_no_tags_are_no_splits() {
    let root = temp();
    let r = root.path();
    for class in ["run", "walk"] {
        video(r.join(format!("videos/{class}/{class} 1")), 3);
    }
    write(r.join("all_test_split1.txt"), "run/run 1 0\nwalk/walk 1 1\n");
    assert!(detect(r).map_or(true, |(format, _)| format.id != "hmdb51-splits"));
    write(r.join("run_test_split1.txt"), "run 1.avi 1\n");
    assert_eq!(detect(r).unwrap().0.id, "hmdb51-splits");
}

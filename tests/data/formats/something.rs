//! Something-Something V2 and what newer releases of Jester have in common with it.

use super::names;
use crate::support::datasets::{open, temp, try_open, video, warns, write};
use kinolens::domain::{Dataset, Reason, Split};
use std::path::Path;

const LABELS: &str = "{\"Pushing something from left to right\": \"1\",\r\n\"Holding something\": 10,\r\n\"Tipping something over\": \"0\"}";

fn train() -> String {
    let record = |id: &str, template: &str| {
        format!(
            "{{\"id\": {id}, \"label\": \"holding a cup\", \"template\": \"{template}\", \"placeholders\": [\"a cup\"]}}"
        )
    };
    let records = [
        record("\"11\"", "Holding [something]"),
        record("12", " Tipping [something] over "),
        record("\"11\"", "Holding [something]"),
        record("\"13\"", "Eating [something]"),
        record("\"14\"", "Holding [something]"),
        "5".to_owned(),
        "{\"template\": \"Holding [something]\"}".to_owned(),
        "{\"id\": \"15\"}".to_owned(),
    ];
    format!("[\r\n{}\r\n]", records.join(",\r\n"))
}

fn made(r: &Path, prefix: &str, folder: &str) {
    for (id, split) in [
        ("11", "train"),
        ("12", "train"),
        ("13", "train"),
        ("15", "train"),
        ("21", "validation"),
        ("31", "test"),
        ("32", "test"),
    ] {
        video(r.join(folder.replace("SPLIT", split)).join(id), 4);
    }
    write(r.join(format!("{prefix}labels.json")), LABELS);
    write(r.join(format!("{prefix}train.json")), &train());
    let validation = "[\n {\n  \"id\": \"21\",\n  \"template\": \"Pushing [something] from left to right\"\n }\n]\n";
    write(r.join(format!("{prefix}validation.json")), validation);
    write(r.join(format!("{prefix}test.json")), "[{\"id\": \"31\"},\n{\"id\": \"32\"}]");
}

/// Name, split and class of every instance, with the line of its record.
fn table(data: &Dataset) -> Vec<(&str, Split, Option<&str>, u32)> {
    let of = |v: &kinolens::domain::VideoEntry| {
        v.instances
            .iter()
            .map(|i| (i.label.classes().first().map(|c| data.classes.name(*c)), i.line))
            .collect::<Vec<_>>()
    };
    let rows = data.videos.iter().flat_map(|v| of(v).into_iter().map(|(c, line)| (v.name.as_str(), v.split, c, line)));
    rows.collect()
}

#[test]
fn templates_without_brackets_are_the_classes_in_the_order_of_their_numbers() {
    for (prefix, folder) in [
        ("", "frames"),
        ("something-something-v2-", "20bn-something-something-v2"),
        ("labels/", "SPLIT"),
        ("labels/something-something-v2-", "videos/SPLIT"),
    ] {
        let root = temp();
        let r = root.path();
        made(r, prefix, folder);
        let data = open(r);
        assert_eq!(data.format, "something-v2", "{prefix}");
        let classes: Vec<_> =
            data.classes.classes.iter().map(|c| (c.source.as_deref().unwrap(), c.name.as_str())).collect();
        let truth = [
            ("0", "Tipping something over"),
            ("1", "Pushing something from left to right"),
            ("10", "Holding something"),
        ];
        assert_eq!(classes, truth);
        let at = |id: &str, split: &str| format!("{}/{id}", folder.replace("SPLIT", split));
        let (a, b, e) = (at("11", "train"), at("12", "train"), at("15", "train"));
        let (c, d, f) = (at("21", "validation"), at("31", "test"), at("32", "test"));
        let mut truth = vec![
            (a.as_str(), Split::Train, Some("Holding something"), 2),
            (b.as_str(), Split::Train, Some("Tipping something over"), 3),
            (e.as_str(), Split::Train, None, 9),
            (c.as_str(), Split::Val, Some("Pushing something from left to right"), 2),
            (d.as_str(), Split::Test, None, 1),
            (f.as_str(), Split::Test, None, 2),
        ];
        let mut seen = table(&data);
        seen.sort();
        truth.sort();
        assert_eq!(seen, truth, "{prefix} {folder}");
        let ledger = &data.ledger;
        assert_eq!((ledger.rows, ledger.used(), ledger.unlabelled.len()), (11, 3, 3));
        let ignored: Vec<_> = ledger.ignored.iter().map(|e| (e.line, e.reason)).collect();
        let bad = Reason::BadNumber;
        assert_eq!(
            ignored,
            [(4, Reason::Duplicate), (5, Reason::UnknownClass), (6, Reason::MissingVideo), (7, bad), (8, bad)]
        );
        assert_eq!(ledger.adjusted.iter().map(|e| (e.line, e.reason)).collect::<Vec<_>>(), [(3, Reason::Trimmed)]);
        assert!(warns(&data, "train.json", &["line 5", "'Eating something'", "labels.json"]), "{:#?}", data.warnings);
        assert!(warns(&data, "train.json", &["line 7", "5"]) && warns(&data, "train.json", &["line 8", "no id"]));
        assert!(warns(&data, "14", &["train.json line 6"]), "{:#?}", data.warnings);
    }
}

#[test]
fn answers_label_the_test_ids_they_name() {
    let root = temp();
    let r = root.path();
    made(r, "", "frames");
    write(r.join("test-answers.csv"), "31;Holding something\n99;Holding something\n");
    let data = open(r);
    let test: Vec<_> = table(&data).into_iter().filter(|v| v.1 == Split::Test).map(|v| (v.0, v.2, v.3)).collect();
    assert_eq!(test, [("frames/31", Some("Holding something"), 1), ("frames/32", None, 2)]);
    assert_eq!(data.ledger.rows, 11);
    assert!(warns(&data, "test-answers.csv", &["99", "line 2", "test.json"]), "{:#?}", data.warnings);
    // Without the list of ids they are that list.
    std::fs::remove_file(r.join("test.json")).unwrap();
    write(r.join("test-answers.csv"), "31;Holding something\n32;What\n");
    let data = open(r);
    let test: Vec<_> = table(&data).into_iter().filter(|v| v.1 == Split::Test).map(|v| (v.0, v.2, v.3)).collect();
    assert_eq!(test, [("frames/31", Some("Holding something"), 1)]);
    assert!(warns(&data, "test-answers.csv", &["line 2", "'What'"]), "{:#?}", data.warnings);
}

#[test]
fn answers_belong_to_jester_too() {
    let root = temp();
    let r = root.path();
    (1..=4).for_each(|id| video(r.join(format!("20bn-jester-v1/{id}")), 3));
    write(r.join("jester-v1-labels.csv"), "Swiping Right\nNo gesture \n");
    write(r.join("jester-v1-train.csv"), "1;Swiping Right \n2;No gesture\n");
    write(r.join("jester-v1-test.csv"), "3\n4\n");
    write(r.join("jester-v1-test-answers.csv"), "4;No gesture\n");
    let data = open(r);
    let rows = table(&data);
    let truth = [
        ("20bn-jester-v1/1", Split::Train, Some("Swiping Right"), 1),
        ("20bn-jester-v1/2", Split::Train, Some("No gesture"), 2),
        ("20bn-jester-v1/3", Split::Test, None, 1),
        ("20bn-jester-v1/4", Split::Test, Some("No gesture"), 2),
    ];
    assert_eq!((data.format.as_str(), rows), ("jester", truth.to_vec()));
    let adjusted: Vec<_> = data.ledger.adjusted.iter().map(|e| (e.line, e.reason)).collect();
    assert_eq!(adjusted, [(1, Reason::Trimmed)]);
}

#[test]
fn damaged_files_are_refused_by_line() {
    for (file, text, words) in [
        ("labels.json", "{\"A\": \"0\",\n\"B\": \"0\"}", &["labels.json", "line 2", "number 0", "line 1"][..]),
        ("labels.json", "{\"A\": \"0\",\n\"B", &["labels.json", "line 2", "ends too early"]),
        ("labels.json", "[\"A\", \"B\"]", &["labels.json", "line 1", "a list"]),
        ("labels.json", "{}", &["labels.json", "no class"]),
        ("train.json", "[{\"id\": \"1\",\n\"template\": \"A\"},\n{\"id", &["train.json", "line 3", "ends too early"]),
        ("train.json", "{\"1\": {\"template\": \"A\"}}", &["train.json", "line 1", "an object", "a list"]),
        ("train.json", "[{\"id\": \"1\", \"template\": NaN}]", &["train.json", "line 1", "NaN"]),
        ("validation.json", "[{\"id\": \"1\"}\n{\"id\": \"2\"}]", &["validation.json", "line 2", "comma"]),
    ] {
        let root = temp();
        let r = root.path();
        (1..=2).for_each(|id| video(r.join(format!("frames/{id}")), 3));
        write(r.join("labels.json"), "{\"A\": \"0\"}");
        write(r.join("train.json"), "[{\"id\": \"1\", \"template\": \"[A]\"}]");
        assert_eq!(names(&open(r)), ["frames/1"]);
        write(r.join(file), text);
        let error = try_open(r).unwrap_err().to_string();
        assert!(words.iter().all(|w| error.contains(w)), "{file}: {words:?} in {error}");
    }
}

#[test]
fn an_empty_folder_is_a_missing_video() {
    let root = temp();
    let r = root.path();
    video(r.join("frames/1"), 3);
    write(r.join("frames/2/.DS_Store"), "");
    write(r.join("labels.json"), "{\"A\": \"0\"}");
    write(r.join("train.json"), "[{\"id\": \"1\", \"template\": \"[A]\"},\n{\"id\": \"2\", \"template\": \"[A]\"}]");
    let data = open(r);
    assert_eq!(names(&data), ["frames/1"]);
    let ignored: Vec<_> = data.ledger.ignored.iter().map(|e| (e.line, e.reason)).collect();
    assert_eq!(ignored, [(2, Reason::EmptyFolder)]);
    assert!(warns(&data, "frames/2", &["train.json line 2", "without pictures"]), "{:#?}", data.warnings);
}

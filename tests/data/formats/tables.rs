//! Tables with assigned columns.

use super::{by_name, names};
use crate::support::datasets::{temp, try_open, video, warns, write};
use kinolens::config::{DataConfig, TableColumns};
use kinolens::data::{DataError, open_with_cache};
use kinolens::domain::{Dataset, Split};
use kinolens::progress::Silent;
use std::path::Path;

fn assigned(path: &Path, file: &str, columns: &str, unit: &str) -> Result<Dataset, DataError> {
    let table = TableColumns::parse(file, columns, Some(unit)).unwrap();
    open_with_cache(path, &DataConfig { table: Some(table), ..DataConfig::default() }, None, &Silent)
}

fn instances(data: &Dataset, video: &str) -> Vec<String> {
    let name = |c: Option<&usize>| c.map_or("-".to_owned(), |c| data.classes.name(*c).to_owned());
    let all = by_name(data, video).instances.iter();
    all.map(|i| format!("{}..{} {} line {}", i.start, i.end, name(i.label.classes().first()), i.line)).collect()
}

fn left_out(data: &Dataset) -> Vec<String> {
    data.ledger.ignored.iter().map(|e| format!("{} {}", e.line, e.reason.name())).collect()
}

#[test]
fn columns_and_units_are_assigned() {
    let root = temp();
    let r = root.path();
    video(r.join("a 1"), 20);
    video(r.join("b/c"), 20);
    let rows = "Wer;Was;von;bis;Datei;Teil\nute;wave;2;5;a 1;Training\n;rest;5;9;A 1;train\nole;wave;1;3;c;dev\n\
                ole;wave;3;3;c;dev\nole;wave;7;4;c;val\nole;;1;2;c;val\nole;wave;x;2;c;val\nole;wave;18;30;c;val\n\
                ole;rest;30;31;c;val\nole;rest;1;2;gone;val\nole;-1;4;6;c;val\n";
    write(r.join("t.csv"), rows);
    // Nobody guesses.
    assert!(try_open(r).map_or(true, |d| d.format != "table"));
    let columns = "path=datei,class=Was,start=von,end=bis,subject=Wer,split=Teil";
    let data = assigned(r, "t.csv", columns, "frames-0").unwrap();
    assert_eq!((data.format.as_str(), names(&data)), ("table", vec!["a 1", "b/c"]));
    assert_eq!(instances(&data, "a 1"), ["2..5 wave line 2", "5..9 rest line 3"]);
    assert_eq!(instances(&data, "b/c"), ["1..3 wave line 4", "4..6 - line 12", "18..20 wave line 9"]);
    let a = by_name(&data, "a 1");
    assert_eq!((a.subject.as_str(), a.split, by_name(&data, "b/c").split), ("ute", Split::Train, Split::Val));
    let reasons =
        ["5 empty-interval", "6 start-after-end", "7 no-class", "8 bad-number", "10 past-end", "11 missing-video"];
    assert_eq!(left_out(&data), reasons);
    assert_eq!((data.ledger.rows, data.ledger.used(), data.ledger.unlabelled.len()), (11, 4, 1));
    let adjusted: Vec<String> =
        data.ledger.adjusted.iter().map(|e| format!("{} {}", e.line, e.reason.name())).collect();
    assert_eq!(adjusted, ["3 case", "9 end-past-end"]);
    assert!(warns(&data, "t.csv", &["line 8", "'x'"]), "{:#?}", data.warnings);
    let data = assigned(r, "t.csv", columns, "frames-1").unwrap();
    assert_eq!(
        instances(&data, "b/c"),
        ["0..3 wave line 4", "2..3 wave line 5", "3..6 - line 12", "17..20 wave line 9"]
    );
    // Whole videos, unlabelled.
    let data = assigned(r, "t.csv", "path=5", "s").unwrap();
    assert_eq!(instances(&data, "a 1"), ["0..20 - line 2"]);
    for (columns, words) in
        [("path=Ort", ["line 1", "'Ort'", "Datei"]), ("path=Datei,start=von", ["line 1", "start and end", "together"])]
    {
        let said = assigned(r, "t.csv", columns, "s").unwrap_err().to_string();
        assert!(said.contains("t.csv") && words.iter().all(|w| said.contains(w)), "{said}");
    }
    assert!(assigned(r, "none.csv", columns, "s").unwrap_err().to_string().contains("none.csv"));
}

#[test]
fn lines_of_json_and_tables_without_a_header_are_tables_too() {
    let root = temp();
    let r = root.path();
    video(r.join("a"), 9);
    video(r.join("b"), 9);
    write(
        r.join("t.jsonl"),
        "{\"v\": \"a\", \"label\": 7}\n\n{\"label\": 10, \"v\": \"b\", \"x\": [1]}\n{\"v\": \"b\"\n[1]\n",
    );
    let data = assigned(r, "t.jsonl", "path=v,class=label", "s").unwrap();
    let classes: Vec<_> = data.classes.classes.iter().map(|c| (c.name.as_str(), c.source.as_deref())).collect();
    assert_eq!(classes, [("class 7", Some("7")), ("class 10", Some("10"))]);
    assert_eq!(instances(&data, "b"), ["0..9 class 10 line 3"]);
    assert_eq!(left_out(&data), ["4 bad-number", "5 bad-number"]);
    write(r.join("t.tsv"), "a\t0\t3\twalk 10\nb\t3\t6\twalk 9\n");
    let data = assigned(r, "t.tsv", "path=1,start=2,end=3,class=4", "frames").unwrap();
    assert_eq!(instances(&data, "a"), ["0..3 walk 10 line 1"]);
    assert_eq!(data.classes.classes[0].name, "walk 9");
    write(r.join("t.json"), "[{\"v\": \"a\"}]\n");
    let said = assigned(r, "t.json", "path=v", "s").unwrap_err().to_string();
    assert!(said.contains("t.json") && said.contains("line 1") && said.contains("one object a line"), "{said}");
}

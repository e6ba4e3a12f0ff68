//! The first rows of tables of any layout, and how they are read while somebody assigns their columns.

use crate::support::datasets::{temp, video, write};
use kinolens::config::{DataConfig, TableColumns, TimeUnit};
use kinolens::data::{PreviewRow, TablePreview, is_table, open_with_cache, table_preview};
use kinolens::progress::Silent;
use std::path::Path;

fn columns(columns: &str, unit: &str) -> TableColumns {
    TableColumns::parse("", columns, Some(unit)).unwrap()
}

fn preview(file: &Path, assigned: &TableColumns) -> TablePreview {
    table_preview(file, assigned, 12).unwrap()
}

/// How a row is read, its faults behind exclamation marks.
fn read(row: &PreviewRow) -> String {
    let reading = row.reading.as_ref().unwrap();
    let said = |r: &Result<String, String>| match r {
        Ok(words) => words.clone(),
        Err(why) => format!("! {why}"),
    };
    [&reading.video, &reading.class, &reading.part].map(said).join(" | ")
}

#[test]
fn rows_are_read_as_the_dataset_reads_them() {
    let root = temp();
    let r = root.path();
    for name in ["clips/a", "clips/b"] {
        video(r.join(name), 10);
    }
    let file = r.join("rows.csv");
    write(
        &file,
        "clip;what;from;to;who\na;nod;0;2;p1\na;bow;2;6;p1\nb;nod;3;9;p2\nb;bow;4;x;p2\ngone;bow;1;2;p2\n;nod;1;2;\n",
    );
    assert!(is_table(&file) && !is_table(&r.join("none.csv")) && !is_table(r));
    let first = preview(&file, &TableColumns::default());
    let titles: Vec<&str> = first.columns.iter().map(|c| c.title.as_str()).collect();
    assert_eq!((titles, first.total), (vec!["clip", "what", "from", "to", "who"], 6));
    assert_eq!(first.suggested.path, "clip", "what the names say");
    assert!(first.rows.iter().all(|row| row.reading.is_none()));
    assert_eq!((first.rows[1].line, first.rows[1].cells[1].as_str()), (3, "bow"));

    let assigned = columns("path=clip,class=what,start=from,end=to,subject=who", "frames-0");
    let shown = preview(&file, &assigned);
    let said: Vec<String> = shown.rows.iter().map(read).collect();
    assert_eq!(said[0], "clips/a | nod | frames 0 to 1");
    assert_eq!(said[1], "clips/a | bow | frames 2 to 5");
    assert_eq!(said[2], "clips/b | nod | frames 3 to 8");
    assert_eq!(said[3], "clips/b | bow | ! 'x' is no frame number");
    assert!(said[4].starts_with("! there is no video 'gone' below"), "{}", said[4]);
    assert!(said[5].starts_with("! it names no video"), "{}", said[5]);
    assert_eq!(shown.rows[2].reading.as_ref().unwrap().further, "p2");
    // The same is read when it is opened, and the file alone is a dataset.
    let config = DataConfig { table: Some(assigned), ..DataConfig::default() };
    let data = open_with_cache(&file, &config, None, &Silent).unwrap();
    let parts: Vec<String> = data
        .videos
        .iter()
        .flat_map(|v| v.instances.iter().map(|i| format!("{} {}..{}", v.name, i.start, i.end)))
        .collect();
    assert_eq!(parts, ["clips/a 0..2", "clips/a 2..6", "clips/b 3..9"]);
    assert_eq!((data.ledger.rows, data.ledger.used()), (6, 3));

    let fault = preview(&file, &columns("path=klip", "s")).fault.unwrap();
    assert!(fault.contains("no column 'klip'") && fault.contains("clip, what"), "{fault}");
    let fault = preview(&file, &columns("path=clip,start=from", "s")).fault.unwrap();
    assert!(fault.contains("start and end"), "{fault}");
    assert_eq!(read(&preview(&file, &columns("path=clip", "s")).rows[0]), "clips/a |  | the whole video");
    assert_eq!(
        read(&preview(&file, &columns("path=clip,class=what,start=from,end=to", "ms")).rows[1]),
        "clips/a | bow | 0.002 s to 0.006 s"
    );
    assert_eq!(
        read(&preview(&file, &columns("path=clip,class=what,start=from,end=to", "frames-1")).rows[1]),
        "clips/a | bow | frames 1 to 5"
    );
}

#[test]
fn tables_without_names_go_by_numbers_and_json_lines_by_keys() {
    let root = temp();
    let r = root.path();
    video(r.join("a"), 5);
    let file = r.join("plain.tsv");
    write(&file, "a\t3\n./a\t7\n");
    let first = preview(&file, &TableColumns::default());
    let keys: Vec<(&str, &str)> = first.columns.iter().map(|c| (c.key.as_str(), c.title.as_str())).collect();
    assert_eq!((keys, first.total), (vec![("1", "column 1"), ("2", "column 2")], 2));
    let shown = preview(&file, &columns("path=1,class=2", "s"));
    assert_eq!(
        shown.rows.iter().map(read).collect::<Vec<_>>(),
        ["a | class 3 | the whole video", "a | class 7 | the whole video"]
    );
    // Names that are the same are called by their places.
    let file = r.join("twice.csv");
    write(&file, "file,label,label,note\na,nod,n,x\n");
    let made = preview(&file, &TableColumns::default()).columns;
    let keys: Vec<(&str, &str)> = made.iter().map(|c| (c.key.as_str(), c.title.as_str())).collect();
    assert_eq!(keys, [("file", "file"), ("2", "label (column 2)"), ("3", "label (column 3)"), ("note", "note")]);
    let file = r.join("rows.jsonl");
    write(&file, "{\"video\": \"a\", \"action\": \"nod\", \"start_frame\": 1, \"end_frame\": 3}\n");
    let first = preview(&file, &TableColumns::default());
    let s = &first.suggested;
    assert_eq!((s.path.as_str(), s.class.as_deref(), s.unit), ("video", Some("action"), TimeUnit::Frames));
    assert_eq!((s.start.as_deref(), s.end.as_deref()), (Some("start_frame"), Some("end_frame")));
    assert_eq!(read(&preview(&file, s).rows[0]), "a | nod | frames 1 to 2");
    write(r.join("empty.csv"), "");
    assert_eq!(preview(&r.join("empty.csv"), &TableColumns::default()).fault.as_deref(), Some("the file is empty"));
    assert!(table_preview(&r.join("none.csv"), &TableColumns::default(), 5).is_err());
}

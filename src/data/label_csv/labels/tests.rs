//! Label files as text, and what is read of them.

use super::*;

fn read(text: &str) -> Result<LabelFile, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    read_labels(file.path()).map_err(|e| e.to_string())
}

/// Frames as (start, end, class).
fn frames(file: &LabelFile) -> Vec<(u32, u32, String)> {
    let class = |c: &RawClass| match c {
        RawClass::Background => "-".to_owned(),
        RawClass::Number(n) => n.to_string(),
        RawClass::Name(n) => n.to_string(),
    };
    let of = |s: &RawSegment| match s.at {
        Extent::Frames { start, end } => (start, end, class(&s.class)),
        Extent::Span { first, stop } => (first, stop, class(&s.class) + "?"),
        Extent::Seconds { start, end } => {
            ((start * 1000.0).round() as u32, (end * 1000.0).round() as u32, class(&s.class) + " ms")
        }
    };
    file.segments.iter().map(of).collect()
}

fn segments(parts: &[(u32, u32, &str)]) -> Vec<(u32, u32, String)> {
    parts.iter().map(|(a, b, c)| (*a, *b, (*c).to_owned())).collect()
}

#[test]
fn labels_read_with_and_without_header() {
    for text in [
        "frame_number,column1,column2\n0,7,-1\n1,7,-1\n2,8,3\n3,8,3\n5,8,3\n",
        "0,7,-1\r\n1,7,-1\r\n2,8,3\r\n3,8,3\r\n5,8,3\r\n",
        "\u{feff}class;frame\n-1;0\n-1;1\n3;2\n3;3\n3;5\n",
        "0\t7\t-1.0\n1\t7\t-1.0\n2\t8\t3.0\n3\t8\t3.0\n5\t8\t3.0",
        "0,7,-1\r1,7,-1\r2,8,3\r3,8,3\r5,8,3\r",
        "0,0;7,0;-1,0\n1,0;7,0;-1,0\n2,0;8,0;3,0\n3,0;8,0;3,0\n5,0;8,0;3,0\n",
        "video,frame,subject_id,action\ns.mp4,0,7,-1\ns.mp4,1,7,-1\ns.mp4,2,7,3\ns.mp4,3,7,3\ns.mp4,5,7,3\n",
        "Frame Number,comment,Label\n0,\"a, b\nc\",-1\n1,,-1\n2,,3\n3,,3\n5,,3\n",
    ] {
        let file = read(text).unwrap();
        assert_eq!(frames(&file), segments(&[(0, 2, "-"), (2, 4, "3"), (5, 6, "3")]), "{text:?}");
        assert!(file.notes.is_empty(), "{:?}", file.notes);
    }
}

#[test]
fn bad_and_repeated_rows_are_named_and_survived() {
    let file = read("0,0,1\nzero,0,1\n1,0,1\n-4,0,1\n2,0\n1,0,2\n").unwrap();
    assert_eq!(frames(&file), segments(&[(0, 1, "1"), (1, 2, "2")]));
    let notes = file.notes.join("\n");
    for part in ["line 2", "line 4", "line 5", "line 3 and again in line 6"] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
    let file = read("frame,class\n0,1\n1,\n2,1\n3,oops\n").unwrap();
    assert_eq!(frames(&file), segments(&[(0, 1, "1"), (2, 3, "1")]));
    let notes = file.notes.join("\n");
    assert!(notes.contains("1 rows have no class, the first in line 3") && notes.contains("line 5"), "{notes}");
}

#[test]
fn classes_may_be_names_or_have_names_beside_them() {
    let file = read("frame,action\n0,Background\n1,walk\n2,walk\n3,sit down\n4,-1\n").unwrap();
    assert_eq!(frames(&file), segments(&[(0, 1, "-"), (1, 3, "walk"), (3, 4, "sit down"), (4, 5, "-")]));
    for text in [
        "frame,label,label_name\n0,4,walk\n1,7,sit\n2,-1,none\n",
        "class_name,frame,class_id\nwalk,0,4\nsit,1,7\nx,2,-1\n",
    ] {
        let file = read(text).unwrap();
        assert_eq!(frames(&file), segments(&[(0, 1, "4"), (1, 2, "7"), (2, 3, "-")]), "{text}");
        assert_eq!(file.names, BTreeMap::from([(4, "walk".to_owned()), (7, "sit".to_owned())]));
    }
    let error = read("frame,label,label_name\n0,4,walk\n1,4,run\n").unwrap_err();
    assert!(error.contains("line 3") && error.contains("'run'") && error.contains("'walk'"), "{error}");
}

#[test]
fn intervals_and_times_are_read_where_the_header_says_so() {
    let spans = read("start_frame,stop_frame,class\n0,19,-1\n20,39,1\n").unwrap();
    assert_eq!(frames(&spans), segments(&[(0, 19, "-?"), (20, 39, "1?")]));
    let known = read("Start Frame;End Frame (exclusive);Label\n0;20;-1\n20;40;1\n9;3;1\n").unwrap();
    assert_eq!(frames(&known), segments(&[(0, 20, "-"), (20, 40, "1")]));
    assert!(known.notes[0].contains("line 4") && known.notes[0].contains("start lies after the end"));
    for text in [
        "start_s,stop_s,action\n0.0,0.8,walk\n0.8,1.6,jump\n",
        "label;start;end\nwalk;0,0;0,8\njump;0,8;1,6\n",
        "Start (ms)\tStop (ms)\tClass\n0\t800\twalk\n800\t1600\tjump\n",
        "time_start,time_end,activity\n00:00:00.0,00:00:00.8,walk\n0:00.8,0:01.6,jump\n",
    ] {
        assert_eq!(frames(&read(text).unwrap()), segments(&[(0, 800, "walk ms"), (800, 1600, "jump ms")]), "{text}");
    }
    let moments = read("time,class\n0.0,walk\n0.1,walk\n0.2,jump\n0.6,jump\n0.7,walk\n").unwrap();
    assert_eq!(
        frames(&moments),
        segments(&[(0, 200, "walk ms"), (200, 300, "jump ms"), (600, 700, "jump ms"), (700, 800, "walk ms")])
    );
    // Once a second is a sample of one frame, not a second of labels.
    assert_eq!(
        frames(&read("time,class\n0,1\n1,1\n2,2\n").unwrap()),
        segments(&[(0, 0, "1 ms"), (1000, 1000, "1 ms"), (2000, 2000, "2 ms")])
    );
}

#[test]
fn one_column_a_class_is_read_unless_two_are_seen_at_once() {
    for text in [
        ",background,walk,jump\n0,1,0,0\n1,0,1,0\n2,0,1,0\n3,0,0,1\n4,-1,-1,-1\n",
        "frame,walk,jump\n0,0,0\n1,1,0\n2,1,0\n3,0,1\n4,-1,-1\n",
    ] {
        let file = read(text).unwrap();
        assert_eq!(frames(&file), segments(&[(0, 1, "-"), (1, 3, "walk"), (3, 4, "jump")]), "{text}");
        assert_eq!(file.columns, ["walk", "jump"]);
    }
    let error = read("frame,walk,jump\n0,0,0\n1,1,1\n").unwrap_err();
    for part in ["line 3", "'walk'", "'jump'"] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn what_cannot_be_told_is_refused_with_its_columns() {
    for (text, parts) in [
        ("subject,confidence,label\n1,0.5,2\n", &["line 1", "subject, confidence, label", "'frame'", "'class'"][..]),
        ("frame,score\n0,0.25\n1,0.5\n", &["frame, score", "'class'"]),
        ("start,stop,class\n0,19,1\n20,39,2\n", &["'start'", "'stop'", "frames or seconds", "start_s"]),
        ("0,19,-1\n20,39,1\n40,59,2\n", &["line 1", "intervals", "start_frame,stop_frame,class"]),
        ("0.0,walk\n0.1,walk\n", &["line 2", "0.1", "no frame number"]),
        ("0,1,2,3\n1,1,2,3\n", &["line 1", "4 columns"]),
        ("video,frame,class\na.mp4,0,1\nb.mp4,0,2\n", &["line 3", "'a.mp4'", "'b.mp4'"]),
        ("frame,action,category\n0,walk,sport\n1,run,sport\n2,walk,rest\n", &["line 3", "'action'", "'category'"]),
    ] {
        let error = read(text).map(|f| frames(&f)).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}

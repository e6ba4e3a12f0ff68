//! Class lists as people have them.

use kinolens::train::read_classes;

fn names(file: &str, text: &str) -> Result<Vec<String>, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(file);
    std::fs::write(&path, text).unwrap();
    let set = read_classes(&path.display().to_string()).map_err(|e| e.to_string())?;
    Ok(set.classes.into_iter().map(|c| c.name).collect())
}

#[test]
fn every_usual_list_is_read_in_output_order() {
    for (file, text) in [
        ("a.txt", "run\njump\nsit down\n"),
        ("a.txt", "\u{feff}1 run\r\n2 jump\r\n3 sit down\r\n"),
        ("a.txt", "1. run\n2. jump\n3. sit down\n"),
        ("a.txt", "2 sit down\n0 run\n1 jump\n"),
        ("a.txt", "run 0\njump 1\nsit down 2\n"),
        ("a.txt", "sit down,3\nrun,1\njump,2\n"),
        ("a.txt", "\"run\"\n'jump'\n\"sit down\"\n"),
        ("labels_map.txt", r#"{"0": "run", "1": "jump", "2": "sit down"}"#),
        ("labels", "0: run\n1: jump\n2: sit down"),
        ("a.json", r#"["run", "jump", "sit down"]"#),
        ("a.json", r#"{"jump": "1", "run": "0", "sit down": "2"}"#),
        ("a.json", r#"{"sit down": 2, "run": 0, "jump": 1}"#),
        ("a.json", r#"{"sit down": 2.0, "run": 0.0, "jump": 1.0}"#),
        ("a.json", r#"{"2": "sit down", "1": "jump", "0": "run"}"#),
        // As the lists of Kinetics that PyTorchVideo gives out.
        ("a.json", r#"{"\"sit down\"": 2, "run": 0, "\"jump\"": 1}"#),
        ("a.json", r#"{"0": ["n1", "run"], "1": ["n2", "jump"], "2": ["n3", "sit down"]}"#),
        ("a.json", r#"[{"name": "run"}, {"name": "jump"}, {"name": "sit down"}]"#),
        ("a.json", r#"[{"name": "sit down", "id": 3}, {"name": "run", "id": 1}, {"name": "jump", "id": 2}]"#),
        ("a.json", r#"[[2, "sit down"], [0, "run"], [1, "jump"]]"#),
        ("a.json", r#"[["sit down", 2], ["run", 0], ["jump", 1]]"#),
        ("a.json", r#"{"classes": ["run", "jump", "sit down"], "version": 3}"#),
        (
            "a.json",
            r#"{"info": {"year": 2020}, "categories": [{"id": 2, "name": "jump"}, {"id": 1, "name": "run"}, {"id": 3, "name": "sit down"}]}"#,
        ),
        ("a.json", r#"{"class_to_idx": {"jump": 1, "run": 0, "sit down": 2}}"#),
        ("a.json", r#"{"kinetics": ["run", "jump", "sit down"]}"#),
        (
            "config.json",
            r#"{"architectures": ["VideoMAE"], "dropout": 0.5, "use_mean": true, "note": null,
                "id2label": {"0": "run", "1": "jump", "2": "sit down"}, "label2id": {"jump": 1, "run": 0, "sit down": 2}}"#,
        ),
        ("a.csv", "run\njump\nsit down\n"),
        ("a.csv", "id,name\n1,jump\n0,run\n2,sit down\n"),
        ("a.csv", "id;name\n1;jump\n0;run\n2;\"sit down\"\n"),
        ("a.csv", "action\nrun\njump\nsit down\n"),
        ("a.csv", "class,frames,id\nsit down,9,2\nrun,7,0\njump,5,1\n"),
        ("a.csv", "0,run\n1,jump\n2,sit down\n"),
        ("a.tsv", "0\trun\n1\tjump\n2\tsit down\n"),
        ("a.ron", r#"["run", "jump", "sit down"]"#),
        ("a.ron", r#"(classes: [(id: 0, name: "run"), (id: 1, name: "jump"), (id: 7, name: "sit down")])"#),
    ] {
        assert_eq!(
            names(file, text).as_deref(),
            Ok(&["run", "jump", "sit down"].map(String::from)[..]),
            "{file} {text}"
        );
    }
    // Names that begin or end with numbers are names.
    assert_eq!(names("a.txt", "2 steps\n7 steps\n").unwrap(), ["2 steps", "7 steps"]);
    assert_eq!(names("a.txt", "action 1\naction 2\n").unwrap(), ["action 1", "action 2"]);
    assert_eq!(names("a.json", r#"{"0": "180", "1": "360"}"#).unwrap(), ["180", "360"]);
    let counted = read_classes("3").unwrap();
    assert_eq!(counted.classes.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["class 0", "class 1", "class 2"]);
}

#[test]
fn a_list_that_cannot_be_right_is_refused_in_a_sentence() {
    for (file, text, words) in [
        ("a.txt", "", ["lists no classes", "a name a line"]),
        ("a.txt", "run\n\njump\nrun\n", ["'run' twice", "lines 1 and 4"]),
        ("a.txt", "0 run\n1 jump\n3 sit\n", ["number 2 is missing", "line 3"]),
        ("a.txt", "1 run\n2 jump\n2 sit\n", ["number 2 is there twice", "lines 2 and 3"]),
        ("a.pbtxt", "item {\n  name: \"run\"\n  id: 1\n}\n", ["line 1", "a name a line"]),
        ("a.json", "{\"run\": 0,\n \"jump\": 2}", ["number 1 is missing", "line 2"]),
        ("a.json", "{\"0\": \"run\",\n\"1\": \"jump\",\n\"1\": \"sit\"}", ["number 1 is there twice", "lines 2 and 3"]),
        ("a.json", "[\"run\",\n\n\"\"]", ["has no name", "line 3"]),
        ("a.json", "[\"run\",\n\"jump\",\n\"run\"]", ["'run' twice", "lines 1 and 3"]),
        ("a.json", r#"{"run": 5}"#, ["begin at 5", "line 1"]),
        ("a.json", "{\n\"run\": 0,\n\"jump\": true}", ["'jump' (line 3)", "a JSON list of names"]),
        ("a.json", "[1, 2]", ["no name", "entry 1"]),
        ("a.json", "[\"run\", null]", ["no name", "entry 2"]),
        ("a.json", "[\"run\"\n\"jump\"]", ["no JSON", "line 2"]),
        ("a.json", "{", ["no JSON", "line 1"]),
        ("a.json", r#"{"0": "1", "1": "2", "2": "0"}"#, ["cannot be told apart", "a name a line"]),
        (
            "a.json",
            r#"{"id2label": {"0": "run", "1": "jump"}, "label2id": {"run": 1, "jump": 0}}"#,
            ["id2label", "label2id"],
        ),
        ("a.ron", "7", ["no list of names", "a name a line"]),
        ("a.csv", "id,name\n0,run\n1,\n", ["has no name", "line 3"]),
        ("a.csv", "nr_of_class,wort\n0,run\n1,jump\n", ["headings that are not known", "line 1"]),
        ("a.csv", "n01,run\nn02,jump\n", ["none is named 'name'", "line 1"]),
        ("a.csv", "id,name\n0,run\n2,jump\n", ["number 1 is missing", "line 3"]),
    ] {
        let error = names(file, text).expect_err(text);
        for word in words {
            assert!(error.contains(word) && error.contains(file), "{file} {text}: '{word}' is missing in: {error}");
        }
    }
    for given in ["0", "-1", "nowhere.txt", "100000000"] {
        let error = read_classes(given).unwrap_err().to_string();
        assert!(error.contains(given), "{error}");
    }
}

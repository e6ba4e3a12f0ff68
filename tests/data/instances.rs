//! What is read of samples of public formats, sound and broken ones, row by row: classes, videos, instances, and the ledger,
//! held to the truth that lies beside them.

use crate::support::datasets::outside;
use kinolens::config::{DataConfig, TableColumns};
use kinolens::data::{DataError, instance_list, open_with_cache};
use kinolens::progress::Silent;
use serde_json::{Value, json};
use std::path::Path;

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The settings under which a truth holds.
fn settings(choices: &Value) -> DataConfig {
    let mut config = DataConfig::default();
    if !text(choices, "table").is_empty() {
        let [file, columns, unit] = ["table", "columns", "unit"].map(|key| text(choices, key));
        config.table = Some(TableColumns::parse(file, columns, Some(unit)).unwrap());
        return config;
    }
    for (key, value) in choices.as_object().into_iter().flatten() {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        config.choices.push((key.clone(), value));
    }
    config
}

/// Everything that is read of a dataset.
fn read(path: &Path, choices: &Value) -> Result<Value, DataError> {
    let dataset = open_with_cache(path, &settings(choices), None, &Silent)?;
    Ok(serde_json::to_value(instance_list(&dataset)).unwrap())
}

fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(n) => json!((n.as_f64().unwrap() * 1e3).round() / 1e3),
        Value::Array(all) => all.iter().map(rounded).collect(),
        other => other.clone(),
    }
}

fn class(class: &Value) -> String {
    json!([class["index"], class["source"], class["name"], class["background"] == json!(true)]).to_string()
}

fn video(video: &Value) -> String {
    let keys = ["path", "name", "kind", "frames", "fps", "width", "height", "subject", "split"];
    Value::from(keys.map(|key| video[key].clone()).to_vec()).to_string()
}

/// What must agree of an instance; its file and line only where the truth has them.
fn instance(instance: &Value) -> String {
    let exact = ["video", "start_frame", "end_frame", "classes", "key_frame"].map(|key| instance[key].clone());
    let near = ["start_s", "end_s", "box", "boxes"].map(|key| rounded(&instance[key]));
    json!([exact, instance["background"] == json!(true), near]).to_string()
}

/// Entries of a ledger, each as often as it has rows; the word for a reason is free, what was adjusted is not.
fn entries(ledger: &Value, key: &str) -> Vec<String> {
    let entry = |e: &Value| {
        let reason = if key == "adjusted" { text(e, "reason") } else { "" };
        let line = json!([e["file"], e["line"], reason]).to_string();
        std::iter::repeat_n(line, e["rows"].as_u64().unwrap_or(1) as usize)
    };
    items(ledger, key).iter().flat_map(entry).collect()
}

/// Compares what is listed in any order.
fn compare(what: &str, mut is: Vec<String>, mut should: Vec<String>, faults: &mut Vec<String>) {
    is.sort();
    should.sort();
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        let mut left = b.to_vec();
        let mut take = |x: &&String| match left.iter().position(|y| y == *x) {
            Some(at) => {
                left.swap_remove(at);
                false
            }
            None => true,
        };
        a.iter().filter(|x| take(x)).take(5).cloned().collect()
    };
    if is != should {
        let (more, less) = (only(&is, &should), only(&should, &is));
        faults.push(format!("{what}: too many {more:#?}, missing {less:#?}"));
    }
}

/// Where what is read differs from the truth.
fn differences(list: &Value, truth: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for key in ["format", "task"] {
        if list[key] != truth[key] {
            faults.push(format!("{key} is {}, should be {}", list[key], truth[key]));
        }
    }
    let of = |value: &Value, key: &str, each: fn(&Value) -> String| -> Vec<String> {
        items(value, key).iter().map(each).collect()
    };
    if of(list, "classes", class) != of(truth, "classes", class) {
        faults.push(format!("classes are {}, should be {}", list["classes"], truth["classes"]));
    }
    compare("videos", of(list, "videos", video), of(truth, "videos", video), &mut faults);
    compare("instances", of(list, "instances", instance), of(truth, "instances", instance), &mut faults);
    for known in items(truth, "instances").iter().filter(|i| i["line"].is_u64()) {
        let place = |i: &Value| (i["file"].clone(), i["line"].clone());
        let mut same = items(list, "instances").iter().filter(|i| instance(i) == instance(known)).peekable();
        if same.peek().is_some() && !same.any(|i| place(i) == place(known)) {
            faults.push(format!("an instance should stand in {:?}: {}", place(known), instance(known)));
        }
    }
    let (ledger, known) = (&list["ledger"], &truth["ledger"]);
    for key in ["rows", "used"] {
        if ledger[key] != known[key] {
            faults.push(format!("{key} of the ledger are {}, should be {}", ledger[key], known[key]));
        }
    }
    for key in ["unlabelled", "ignored", "adjusted"] {
        compare(key, entries(ledger, key), entries(known, key), &mut faults);
    }
    let unlisted = |l: &Value| items(l, "videos_unlisted").iter().map(Value::to_string).collect::<Vec<_>>();
    compare("unlisted videos", unlisted(ledger), unlisted(known), &mut faults);
    for (key, count) in truth["counts"].as_object().into_iter().flatten() {
        if list["counts"][key] != *count {
            faults.push(format!("{key} are {}, should be {count}", list["counts"][key]));
        }
    }
    faults
}

/// Every row of the files is used, unlabelled or ignored.
fn adds_up(list: &Value) -> Vec<String> {
    let ledger = &list["ledger"];
    let count = |key: &str| entries(ledger, key).len() as u64;
    let sum = ledger["used"].as_u64().unwrap() + count("unlabelled") + count("ignored");
    let wrong = ledger["rows"].as_u64() != Some(sum);
    wrong.then(|| format!("{} rows, but {sum} used, unlabelled and ignored", ledger["rows"])).into_iter().collect()
}

/// True where a warning names a file and a line, as far as they are given.
fn warns(list: &Value, message: &Value) -> bool {
    let leaf = text(message, "file").rsplit('/').next().unwrap_or_default();
    let line = message["line"].as_u64().map_or_else(String::new, |n| format!("line {n}"));
    items(list, "warnings").iter().any(|w| {
        let sentence = format!("{} {}", text(w, "path"), text(w, "message"));
        sentence.contains(leaf) && sentence.contains(&line)
    })
}

/// Where a refusal does not say what it must.
fn unsaid(error: &DataError, message: &Value) -> Vec<String> {
    let said = error.to_string();
    let leaf = text(message, "file").rsplit('/').next().unwrap_or_default();
    let line = message["line"].as_u64().map_or_else(String::new, |n| format!("line {n}"));
    let missing = [leaf, &line, text(message, "says")].map(str::to_owned);
    let missing = missing.into_iter().filter(|part| !said.to_lowercase().contains(&part.to_lowercase()));
    missing.map(|part| format!("'{part}' is missing in: {said}")).collect()
}

/// What is wrong with a broken variant, as its entry says.
fn wrong_variant(root: &Path, entry: &Value) -> Vec<String> {
    let truth = &entry["truth"];
    let choices = if truth.is_object() { &truth["choices"] } else { &entry["choices"] };
    match (read(&root.join(text(entry, "path")), choices), text(entry, "outcome")) {
        (Err(error), "refuses") => unsaid(&error, &entry["message"]),
        (Err(error), outcome) => vec![format!("refused, should be {outcome}: {error}")],
        (Ok(_), "refuses") => vec!["opened, should be refused".to_owned()],
        (Ok(list), _) => {
            let mut faults = if truth.is_object() { differences(&list, truth) } else { Vec::new() };
            faults.extend(adds_up(&list));
            if entry["message"].is_object() && !warns(&list, &entry["message"]) {
                faults.push(format!("no warning says {}: {:#}", entry["message"], list["warnings"]));
            }
            faults
        }
    }
}

/// The folder of samples and what is expected of them.
fn samples() -> Option<(std::path::PathBuf, Value)> {
    let root = outside("KINOLENS_VIDEOS", "../shared/data")?.join("annotations");
    let expected = serde_json::from_slice(&std::fs::read(root.join("expected.json")).unwrap()).unwrap();
    Some((root, expected))
}

fn told(all: Vec<(String, Vec<String>)>, least: usize) {
    assert!(all.len() >= least, "only {} samples", all.len());
    let faults: Vec<String> = all
        .into_iter()
        .filter(|(_, faults)| !faults.is_empty())
        .map(|(name, faults)| format!("{name}:\n  {}", faults.join("\n  ")))
        .collect();
    assert!(faults.is_empty(), "{} differ\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn samples_of_all_formats_are_read_row_by_row() {
    let Some((root, expected)) = samples() else { return };
    let of = |(name, truth): (&String, &Value)| {
        let faults = match read(&root.join(text(truth, "path")), &truth["choices"]) {
            Ok(list) => differences(&list, truth).into_iter().chain(adds_up(&list)).collect(),
            Err(error) => vec![format!("refused: {error}")],
        };
        (name.clone(), faults)
    };
    told(expected["formats"].as_object().unwrap().iter().map(of).collect(), 26);
}

#[test]
fn broken_variants_are_read_or_refused_row_by_row() {
    let Some((root, expected)) = samples() else { return };
    // Some are made by a program and lie nowhere.
    let lie = expected["malformed"].as_object().unwrap().iter().filter(|(_, entry)| entry["path"].is_string());
    told(lie.map(|(name, entry)| (name.clone(), wrong_variant(&root, entry))).collect(), 60);
}

#[test]
fn the_comparison_sees_what_differs() {
    let truth = json!({
        "format": "x", "task": "single-label", "classes": [{"index": 0, "source": null, "name": "a"}],
        "videos": [{"path": "v", "frames": 3}],
        "instances": [{"video": "v", "start_frame": 0, "end_frame": 2, "classes": [0], "file": "f", "line": 2}],
        "ledger": {"rows": 3, "used": 1, "unlabelled": [], "ignored": [{"file": "f", "line": 3, "rows": 2}], "adjusted": []},
        "counts": {"videos": {"train": 1}},
    });
    assert_eq!((differences(&truth, &truth), adds_up(&truth)), (Vec::new(), Vec::new()));
    for (pointer, value) in [
        ("/task", json!("multi-label")),
        ("/classes/0/source", json!("0")),
        ("/videos/0/frames", json!(4)),
        ("/instances/0/end_frame", json!(3)),
        ("/instances/0/line", json!(9)),
        ("/ledger/used", json!(2)),
        ("/ledger/ignored/0/line", json!(4)),
        ("/ledger/ignored/0/rows", json!(1)),
        ("/counts/videos/train", json!(2)),
    ] {
        let mut other = truth.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        assert_eq!(differences(&other, &truth).len(), 1, "{pointer}");
    }
    let mut short = truth.clone();
    short["ledger"]["rows"] = json!(4);
    assert_eq!(adds_up(&short).len(), 1);
}

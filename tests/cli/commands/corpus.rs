//! Every dataset format of a corpus of samples: trained on, evaluated and explained with a small network.

use super::*;

/// The smallest clips; nothing is left out.
const SMALL: &str = "--model small-3d --batch-size 4 --seed 3 --device cpu --workers 1 --epochs 1 --set clip.length=4 \
                     --set clip.width=24 --set clip.height=24";

/// Words of the command line that choose what a sample's truth holds under, without spaces inside a word.
fn chosen(choices: &Value) -> Vec<String> {
    if let Some(table) = choices["table"].as_str() {
        let word = |key: &str| choices[key].as_str().unwrap_or_default().to_owned();
        return ["--table", table, "--columns", &word("columns"), "--unit", &word("unit")].map(str::to_owned).to_vec();
    }
    let value = |v: &Value| match v {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let all = choices.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null());
    all.flat_map(|(k, v)| ["--choose".to_owned(), format!("{k}={}", value(v))]).collect()
}

fn run_words(cache: &Path, words: &[String]) -> String {
    let mut command = Command::cargo_bin("kinolens").unwrap();
    let out = command.env("KINOLENS_CACHE", cache).args(words).timeout(std::time::Duration::from_secs(120)).output();
    let out = out.unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "kinolens {}\n{said}", words.join(" "));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn every_format_is_trained_on_evaluated_and_explained() {
    let Some(corpus) = crate::support::datasets::outside("KINOLENS_ANNOTATIONS", "../shared/data/annotations") else {
        return;
    };
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(corpus.join("expected.json")).unwrap()).unwrap();
    let temp = tempfile::tempdir().unwrap();
    for (name, entry) in truth["formats"].as_object().unwrap() {
        let data = corpus.join(entry["path"].as_str().unwrap()).display().to_string();
        let run = temp.path().join(name).display().to_string();
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let cache = temp.path().join("cache");
        let mut train = vec!["train".to_owned(), data.clone(), "--out".to_owned(), run.clone()];
        train.extend(words(SMALL));
        train.extend(chosen(&entry["choices"]));
        run_words(&cache, &train);
        // What was chosen is remembered with the run.
        let evaluated = run_words(&cache, &["evaluate", &run, &data, "--split", "all", "--json"].map(str::to_owned));
        let report: Value = serde_json::from_str(&evaluated).unwrap();
        assert!(report["clips"].as_u64().unwrap() > 0, "{name}: {report}");
        let classes = list(&report["classes"]["classes"]).len();
        assert_eq!(classes, list(&entry["classes"]).len(), "{name}");
        let maps = temp.path().join(format!("{name} maps")).display().to_string();
        let explain = ["explain", &run, &data, "--num-samples", "1", "--split", "all", "--out", &maps, "--json"];
        let explained: Value = serde_json::from_str(&run_words(&cache, &explain.map(str::to_owned))).unwrap();
        assert_eq!(list(&explained["samples"]).len(), 1, "{name}");
    }
}

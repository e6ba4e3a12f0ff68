//! What a newcomer gets wrong, and the sentence that helps.

use super::*;
use std::fs;

fn told(code: i32, words: &str) -> String {
    let out = command(&fixture().path("cache"), words).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(code), "kinolens {words}\n{said}");
    said
}

fn holds(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "'{word}' is missing in: {text}");
    }
}

/// Two folders of frames, called as classes of each split.
fn frames(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for n in 0..6_u32 {
        let picture = image::RgbImage::from_pixel(16, 12, image::Rgb([40 * n as u8, 9, 9]));
        picture.save(dir.join(format!("{n:03}.png"))).unwrap();
    }
}

#[test]
fn training_videos_that_cannot_be_opened_are_counted_and_the_first_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    for class in ["sit", "stand"] {
        frames(&root.join("test").join(class).join("whole"));
        let train = root.join("train").join(class);
        fs::create_dir_all(&train).unwrap();
        for n in 1..=2 {
            fs::write(train.join(format!("{n}.mp4")), "no video\n").unwrap();
        }
    }
    let words =
        format!("train {} --out {} --preset demo --device cpu", root.display(), dir.path().join("run").display());
    let said = told(1, &words);
    holds(
        &said,
        &["4 videos of the training split cannot be opened", "train/sit/1.mp4", "text file", "kinolens probe"],
    );
    assert!(!dir.path().join("run").exists());
    // By itself such a file is an error, and not a dataset without frames.
    let one = root.join("train/sit/1.mp4");
    let said = told(1, &format!("inspect {}", one.display()));
    assert!(said.ends_with("1.mp4: it is a text file, not a video\n"), "{said}");
    // In a folder it is a warning.
    let report = document(&format!("inspect {}", root.display()));
    assert!(report["warnings"].to_string().contains("1.mp4"), "{}", report["warnings"]);
}

#[test]
fn a_quick_look_leaves_what_was_given_and_says_what_it_takes() {
    let (f, dir) = (fixture(), tempfile::tempdir().unwrap());
    let run = dir.path().join("run");
    let said = ok(&format!("train {} --out {} --epochs 1 {TINY} --debug", f.data(), run.display())) + &log(&run);
    let config = fs::read_to_string(run.join("config.ron")).unwrap();
    holds(&config, &["fraction: 0.4", "workers: 1"]);
    holds(&said, &["a quick look: data.fraction = 0.4", "training.workers = 1"]);
    let words = TINY.replace("--set data.fraction=0.4", "--set training.workers=0").replace("--workers 1", "");
    let run = dir.path().join("other");
    ok(&format!("train {} --out {} --epochs 1 {words} --debug", f.data(), run.display()));
    holds(&fs::read_to_string(run.join("config.ron")).unwrap(), &["fraction: 0.05", "workers: 0"]);
    holds(&log(&run), &["a quick look: data.fraction = 0.05", "training.workers = 0"]);
}

fn log(run: &Path) -> String {
    fs::read_to_string(run.join("log.txt")).unwrap()
}

#[test]
fn statistics_of_layers_that_no_step_would_gather_are_told() {
    let (f, dir) = (fixture(), tempfile::tempdir().unwrap());
    let run = dir.path().join("run");
    let train = |more: &str| format!("train {} --out {} --force --epochs 1 {TINY} {more}", f.data(), run.display());
    let said = told(0, &train("--set training.statistics_every=100000"));
    holds(&said, &["training.statistics_every is 100000", "optimizer steps", "no statistics of layers are written"]);
    holds(&log(&run), &["no statistics of layers are written"]);
    assert!(!told(0, &train("--set training.statistics_every=1")).contains("no statistics"));
}

#[test]
fn the_test_of_rates_goes_where_it_is_sent() {
    let f = fixture();
    let words = format!("train {} --find-rate {TINY}", f.data());
    let found = document(&format!("{words} --find-rate-from 1e-4 --find-rate-to 1e-2 --find-rate-steps 3"));
    let rates: Vec<f64> = list(&found["points"]).iter().map(|p| p["rate"].as_f64().unwrap()).collect();
    // Equal factors: the middle is the geometric mean of both ends.
    for (rate, wanted) in rates.iter().zip([1e-4, 1e-3, 1e-2]) {
        assert!((rate / wanted - 1.0).abs() < 1e-9, "{rates:?}");
    }
    assert_eq!(rates.len(), 3);
    fails(2, &format!("{words} --find-rate-from 0.1 --find-rate-to 0.01"), &["--find-rate-from", "rise", "0.1"]);
    fails(2, &format!("{words} --find-rate-steps 1"), &["at least 2 steps"]);
    fails(2, &format!("train {} --out x --find-rate-from 0.1", f.data()), &["--find-rate"]);
}

#[test]
fn maps_against_the_same_class_and_seeds_given_twice_are_refused() {
    let (f, dir) = (fixture(), tempfile::tempdir().unwrap());
    for class in ["predicted", "true", "squat"] {
        let words = format!("explain {} {} --class {class} --against {class}", f.run(), f.data());
        fails(2, &words, &["are the same class", "--against"]);
    }
    let plan = dir.path().join("plan.ron");
    for (seeds, words) in [("[1, 2, 1]", ["lists 1 twice", "list it once"]), ("[]", ["lists none", "[1, 2, 3]"])] {
        fs::write(&plan, format!("(data: \"{}\", preset: \"demo\", seeds: {seeds})", f.data())).unwrap();
        fails(2, &format!("experiment {} --dry-run", plan.display()), &words);
    }
}

#[test]
fn tables_tell_the_unit_they_are_read_in_and_words_they_do_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    frames(&root.join("a"));
    let rows = "clip,what,from,to,part\na,nod,0,1,train\na,bow,1,2,holdout\n";
    fs::write(root.join("labels.csv"), rows).unwrap();
    let data = root.display();
    let columns = "--columns path=clip,class=what,start=from,end=to,split=part";
    let warnings = |words: &str| document(&format!("inspect {data} {words}"))["warnings"].to_string();
    let said = warnings(&format!("--table labels.csv {columns}"));
    holds(&said, &["nothing states what start and end count", "read as seconds", "frames-1"]);
    holds(&said, &["line 3: unknown split 'holdout'", "train, val or test"]);
    assert!(!warnings(&format!("--table labels.csv {columns} --unit s")).contains("nothing states"));
    // However the table is named, it is the one in use.
    for table in [root.join("labels.csv"), root.join("../data/labels.csv")] {
        let said = warnings(&format!("--table {} {columns} --unit s", table.display()));
        assert!(!said.contains("not used"), "{}: {said}", table.display());
    }
    let video = fixture().video();
    let said = told(1, &format!("inspect {data} --table {video} {columns}"));
    holds(&said, &["it is a video", "no table"]);
    assert!(!said.contains("UTF-16"), "{said}");
}

#[test]
fn layouts_are_listed_when_asked_for() {
    let f = fixture();
    let found = document(&format!("inspect {} --layouts", f.data()));
    let of = |id: &str| list(&found).iter().find(|l| l["format"] == id).cloned().unwrap();
    assert_eq!((&of("exercise")["fits"], &of("elan")["fits"]), (&true.into(), &false.into()));
    assert!(of("elan")["reason"].as_str().is_some_and(|r| !r.is_empty()));
    let text = ok(&format!("inspect {} --layouts", f.data()));
    holds(&text, &["class-folders", "looks for folders named after classes"]);
    let empty = tempfile::tempdir().unwrap();
    let said = told(1, &format!("inspect {}", empty.path().display()));
    holds(&said, &["not a dataset in a known layout: it is empty", "hint: ", "--layouts"]);
    assert!(said.len() < 500, "{said}");
}

#[test]
fn intervals_name_their_method_and_unit() {
    let (f, dir) = (fixture(), tempfile::tempdir().unwrap());
    let out = dir.path().join("out").display().to_string();
    let words = format!("evaluate {} {} --split val --out {out}", f.run(), f.data());
    assert_eq!(document(&words)["accuracy_interval_method"], "Wilson, over clips");
    holds(&ok(&format!("{words} --force")), &["Wilson, over clips]"]);
    let compared = document(&format!("compare {0} {0}/checkpoints/best_loss {1} --split all", f.run(), f.data()));
    assert_eq!(compared["interval_method"], "percentile bootstrap, 2000 paired samples over 3 subjects");
}

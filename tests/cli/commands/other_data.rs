//! What scores mean on other people's files: pictures that are damaged, sets whose names are alike, sets that were moved.

use super::{TINY, command, document, fixture, list, ok_in};
use std::path::Path;

/// What a command that must succeed says on standard error.
fn told(cache: &Path, words: &str) -> String {
    let out = command(cache, words).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "kinolens {words}\n{said}");
    said
}

#[test]
fn a_damaged_picture_ends_no_training() {
    let root = tempfile::tempdir().unwrap();
    for class in ["jump", "walk"] {
        for person in 0..6_u32 {
            let dir = root.path().join("data").join(class).join(format!("s{person}_{class}"));
            std::fs::create_dir_all(&dir).unwrap();
            for n in 1..=12_u32 {
                let picture = image::RgbImage::from_fn(24, 18, |x, y| {
                    let up = if class == "jump" { x } else { 23 - x };
                    image::Rgb([(up * 9 + n * 3) as u8, (y * 11 + person * 30) as u8, 9])
                });
                picture.save(dir.join(format!("img_{n:05}.jpg"))).unwrap();
            }
        }
    }
    // In training, validation and testing, whoever is in which.
    let broken: Vec<_> = (0..6).map(|s| root.path().join(format!("data/walk/s{s}_walk/img_{:05}.jpg", 11))).collect();
    for (i, path) in broken.iter().enumerate() {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() * i / 6]).unwrap();
    }
    let at = |name: &str| root.path().join(name).display().to_string();
    let report = document(&format!("inspect {}", at("data")));
    for path in &broken {
        let path = path.display().to_string();
        let named = list(&report["warnings"]).iter().any(|w| w["message"].as_str().unwrap().contains(&path));
        assert!(named, "{path} is not named in {}", report["warnings"]);
    }
    let cache = root.path().join("cache");
    let said = told(
        &cache,
        &format!(
            "train {} --out {} --epochs 1 {TINY} --set clip.train_stride=4 --set data.fraction=1",
            at("data"),
            at("run")
        ),
    );
    assert!(said.contains("left out") && said.contains("_walk"), "{said}");
    assert!(root.path().join("run/checkpoints/last/state.ron").is_file());
    let said = told(&cache, &format!("evaluate {} {} --split test --out {}", at("run"), at("data"), at("judged")));
    assert!(said.contains("left out because pictures are missing or damaged"), "{said}");
    // Every frame of a whole video gets an answer all the same.
    let video = at("data/walk/s2_walk");
    let text = ok_in(&cache, &format!("predict {} {video} --json", at("run")));
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(list(&said["frames"]).len(), 12);
}

#[test]
fn equal_names_make_no_equal_dataset() {
    let f = fixture();
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name).display().to_string();
    let cache = root.path().join("cache");
    // Another lab with subjects of the same names, all of them to be judged.
    ok_in(&cache, &format!("demo {} --subjects 3 --seed 4711", at("lab")));
    let names: Vec<String> = ["s01", "s02", "s03"].map(|s| format!("{s},test\n")).to_vec();
    std::fs::write(root.path().join("lab/split.csv"), format!("subject,split\n{}", names.concat())).unwrap();
    let judged = |data: &str, out: &str| {
        let out = at(out);
        let said = told(&cache, &format!("evaluate {} {data} --split test --out {out}", f.run()));
        let csv = std::fs::read_to_string(Path::new(&out).join("predictions_test.csv")).unwrap();
        let subjects: std::collections::BTreeSet<String> = ["s01", "s02", "s03"]
            .into_iter()
            .filter(|s| csv.lines().skip(1).any(|l| l.contains(&format!("{s}.mp4"))))
            .map(str::to_owned)
            .collect();
        (subjects.len(), said)
    };
    let (subjects, said) = judged(&at("lab"), "lab-judged");
    assert_eq!(subjects, 3, "{said}");
    assert!(!said.contains("has changed") && said.contains("subjects named"), "{said}");
    // The run's own set, moved: its split.
    let copied = std::process::Command::new("cp").arg("-r").arg(f.data()).arg(at("moved")).status().unwrap();
    assert!(copied.success());
    let (subjects, said) = judged(&at("moved"), "moved-judged");
    assert_eq!(subjects, 1, "{said}");
    assert!(!said.contains("has changed") && !said.contains("subjects named"), "{said}");
    // Moved and relabelled: still the run's split, and it is said.
    let labels = root.path().join("moved/label/s01.csv");
    let text = std::fs::read_to_string(&labels).unwrap();
    let shorter: Vec<&str> = text.lines().take(40).collect();
    std::fs::write(&labels, shorter.join("\n")).unwrap();
    let (subjects, said) = judged(&at("moved"), "relabelled-judged");
    assert_eq!(subjects, 1, "{said}");
    assert!(said.contains("has changed"), "{said}");
    // A file that was trained on is known under any name.
    let split = std::fs::read_to_string(f.path("run/split.csv")).unwrap();
    let trained = split.lines().find(|l| l.contains(",train,")).unwrap().split(',').next().unwrap();
    std::fs::copy(f.path("data").join(trained), root.path().join("lab/dataset/anon/s02.mp4")).unwrap();
    let (_, said) = judged(&at("lab"), "leaking-judged");
    assert!(said.contains("were trained on, byte by byte") && said.contains("s02.mp4"), "{said}");
}

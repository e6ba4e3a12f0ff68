//! Wrong arguments, interruptions, and large datasets.

use super::*;

/// Started several times by a launcher, a program without MPI would do all the work as often, in one folder; and so would one
/// with another MPI than the launcher's.
#[test]
fn several_processes_that_cannot_meet_are_refused_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let words = if cfg!(feature = "mpi") { "the launcher belongs to another MPI" } else { "was built without MPI" };
    let out = dir.path().join("never");
    for (rank, said) in [("0", 1), ("1", 0)] {
        let mut command = Command::cargo_bin("kinolens").unwrap();
        command.env("OMPI_COMM_WORLD_SIZE", "2").env("OMPI_COMM_WORLD_RANK", rank);
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        let output = command.args(["train", "nowhere", "--out"]).arg(&out).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), text.matches(words).count()), (Some(2), said), "{text}");
    }
    assert!(!out.exists());
}

#[test]
fn nothing_is_overwritten_and_wrong_arguments_are_named() {
    let f = fixture();
    let (data, run, new) = (f.data(), f.run(), f.path("unmade").display().to_string());
    let text = f.path("text.mp4");
    std::fs::write(&text, "no video here\n").unwrap();
    let text = text.display();
    let empty = f.path("empty-folder");
    std::fs::create_dir_all(&empty).unwrap();
    let bare = f.path("bare-run");
    std::fs::create_dir_all(&bare).unwrap();
    for file in ["config.ron", "classes.ron", "split.csv", "environment.ron"] {
        std::fs::copy(f.path("run").join(file), bare.join(file)).unwrap();
    }
    let before = std::fs::read(f.path("run/config.ron")).unwrap();
    fails(2, &format!("train {data} --out {run}"), &["exists already", "--resume", "--force"]);
    assert_eq!(std::fs::read(f.path("run/config.ron")).unwrap(), before, "the refused run was touched");
    for (set, words) in [
        ("--preset nope", &["'nope'", "demo"][..]),
        ("--preset smal-clips", &["did you mean 'small-clips'?"]),
        ("--model nope", &["'nope'", "small-3d"]),
        ("--model mobilenet-3d", &["did you mean 'mobilenet-v2-3d'?"]),
        ("--set model.id=nope", &["'nope'", "small-3d"]),
        ("--set training.epoch=3", &["training.epoch", "did you mean 'epochs'"]),
        ("--set training.epochs=many", &["training.epochs"]),
        ("--set training.epochs", &["key=value"]),
        ("--epochs 0", &["training.epochs"]),
        ("--config nope.ron", &["nope.ron"]),
        ("--resume nope --preset demo", &["nope"]),
    ] {
        let code = if set.starts_with("--resume") { 1 } else { 2 };
        let out = if code == 1 { String::new() } else { format!("--out {new}") };
        fails(code, &format!("train {data} {out} {set}"), words);
    }
    fails(2, &format!("train {data}"), &["--out"]);
    fails(1, &format!("train {text} --out {new}"), &["text file", "text.mp4"]);
    fails(1, &format!("train {} --out {new}", empty.display()), &["empty-folder", "not a dataset"]);
    assert!(!f.path("unmade").exists(), "a refused training left a folder");
    fails(1, &format!("inspect {new}"), &["unmade", "does not exist"]);
    fails(1, &format!("probe {text}"), &["text.mp4", "text file"]);
    fails(1, &format!("probe {new}"), &["unmade", "no such file"]);
    fails(1, &format!("predict {run} {text}"), &["text.mp4", "text file"]);
    fails(1, &format!("evaluate {} {data}", bare.display()), &["bare-run", "no checkpoint", "train it first"]);
    fails(1, &format!("evaluate {run}/checkpoints/nope {data}"), &["'nope'", "best_loss"]);
    fails(1, &format!("evaluate {run}/checkpoints/best_acuracy {data}"), &["did you mean 'best_accuracy'?"]);
    fails(1, &format!("evaluate {data} {data}"), &["no run folder"]);
    fails(2, &format!("evaluate {run} {data} --split nope"), &["train", "test"]);
    for (option, words) in [
        ("--method nope", &["'nope'", "hirescam"][..]),
        ("--method gradcam++", &["did you mean 'grad-cam++'?"]),
        ("--layer nope", &["'nope'", "stage3"]),
        ("--layer stag3", &["did you mean 'stage3'?"]),
        ("--layer motion", &["'motion'", "stage3"]),
        ("--class nope", &["'nope'", "squat"]),
        ("--class Sqat", &["did you mean 'squat'?"]),
        ("--class predict", &["did you mean 'predicted'?"]),
        ("--clip nope.mp4:3", &["nope.mp4"]),
        ("--clip s1.mp4:3", &["did you mean 's01.mp4'?"]),
        ("--clip s01.mp4:99999", &["99999", "frames"]),
        ("--clip s01.mp4", &["VIDEO:START"]),
        ("--color-map nope", &["'nope'", "turbo"]),
        ("--color-map turo", &["did you mean 'turbo'?"]),
        ("--alpha 2", &["alpha", "between 0 and 1"]),
        ("--num-samples 0", &["--num-samples"]),
    ] {
        fails(2, &format!("explain {run} {data} {option}"), words);
    }
    fails(2, "models --classes 0", &["--classes"]);
    fails(2, "bench --clip 16,112", &["16,112,112"]);
    fails(2, &format!("demo {new} --subjects 0"), &["0 subjects"]);
    fails(2, &format!("demo {run}"), &["already holds"]);
    // A folder below a file cannot be made, whoever asks.
    fails(
        1,
        &format!("demo {run}/config.ron/new"),
        &["cannot make the folder", "config.ron/new", "choose another folder"],
    );
    fails(2, "probe", &["<VIDEO>"]);
}

/// Ctrl+C asks for a checkpoint, leaves with 130, and the run goes on from there to the epochs asked for.
#[cfg(unix)]
#[test]
fn an_interrupted_training_goes_on() {
    let f = fixture();
    let out = f.path("interrupted");
    let words = format!("train {} --out {} --epochs 3 --json {TINY}", f.data(), out.display());
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("kinolens"))
        .env("KINOLENS_CACHE", f.path("cache"))
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let step = lines.by_ref().map(Result::unwrap).find(|l| l.contains("\"event\":\"step\""));
    assert!(step.is_some(), "no step before the end");
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("--resume"), "{said}");
    assert!(!rest.iter().any(|l| l.contains("\"finished\"")), "it finished before it was interrupted");
    assert!(out.join("checkpoints/last/state.ron").is_file(), "no checkpoint was written");

    let text = ok(&format!("train {} --resume {} --json", f.data(), out.display()));
    let events = events(&text);
    assert_eq!(kinds(&events).last(), Some(&"finished"));
    let history = std::fs::read_to_string(out.join("training_metrics.csv")).unwrap();
    assert_eq!(history.lines().count(), 4, "a header and three epochs:\n{history}");
}

/// Runs a command and gives its output, its seconds and the most memory it held, in MiB (0 where that is not told).
fn measured(cache: &Path, words: &str) -> (Value, f64, u64) {
    let start = std::time::Instant::now();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("kinolens"))
        .env("KINOLENS_CACHE", cache)
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut output, &mut text).map(|_| text)
    });
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        peak = peak.max(kib / 1024);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let seconds = start.elapsed().as_secs_f64();
    assert!(child.wait().unwrap().success(), "kinolens {words}");
    (serde_json::from_str(&reader.join().unwrap().unwrap()).unwrap(), seconds, peak)
}

/// 60 subjects and 28,000 windows: at once and small when the videos are indexed, and never from a stale index.
#[test]
fn inspecting_a_large_dataset_again_is_quick_and_never_stale() {
    const FRAMES: u32 = 5_000;
    let folder = tempfile::tempdir().unwrap();
    let (data, cache) = (folder.path().join("data"), folder.path().join("cache"));
    for part in ["dataset/anon", "label"] {
        std::fs::create_dir_all(data.join(part)).unwrap();
    }
    let film = |name: &str, frames: u32| {
        let path = folder.path().join(name);
        let mut writer = kinolens::video::VideoWriter::create(&path, 32, 32, 30.0).unwrap();
        for n in 0..frames {
            let level = (n % 200) as u8;
            writer.push(&kinolens::domain::RgbImage::new(32, 32, vec![level; 32 * 32 * 3]).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        path
    };
    let long = film("long.mp4", FRAMES);
    let labels: String = (0..FRAMES).map(|n| format!("{n},0,{}\n", n / 320 % 16)).collect();
    let mut split = String::from("subject,split\n");
    for subject in 1..=60 {
        let name = format!("s{subject:02}");
        std::fs::copy(&long, data.join(format!("dataset/anon/{name}.mp4"))).unwrap();
        std::fs::write(data.join(format!("label/{name}.csv")), &labels).unwrap();
        split += &format!("{name},{}\n", if subject <= 30 { "train" } else { "test" });
    }
    std::fs::write(data.join("split.csv"), split).unwrap();
    let words = format!("inspect {} --json", data.display());
    let (first, _, _) = measured(&cache, &words);
    let windows = |report: &Value| list(&report["classes"]).iter().filter_map(|c| c["clips"].as_u64()).sum::<u64>();
    // Windows that start at 0, 8, … and 0, 16, … and lie inside the video.
    let fit = |stride: u32| u64::from((FRAMES - 16) / stride + 1);
    assert_eq!(windows(&first), 30 * (fit(8) + fit(16)));
    assert!(windows(&first) >= 28_000);

    let (again, seconds, peak) = measured(&cache, &words);
    assert_eq!(again, first);
    eprintln!("inspected again in {seconds:.2} s and {peak} MiB");
    assert!(seconds < 2.0, "{seconds:.2} s");
    assert!(peak < 300, "{peak} MiB");

    // Another film under a name that is known already.
    let short = film("short.mp4", 500);
    std::fs::copy(short, data.join("dataset/anon/s07.mp4")).unwrap();
    let (changed, _, _) = measured(&cache, &words);
    let of = |report: &Value, name: &str| {
        let videos = list(&report["video_properties"]);
        videos.iter().find(|v| v["path"].as_str().is_some_and(|p| p.ends_with(name))).unwrap()["frames"].clone()
    };
    assert_eq!((of(&changed, "s07.mp4"), of(&changed, "s08.mp4")), (500.into(), FRAMES.into()));
    assert!(windows(&changed) < windows(&first));
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    fails(2, "publish run1 run2", &["there is no command and no file 'publish'", "evaluate"]);
    fails(2, "evalute run1 data", &["did you mean 'evaluate'?"]);
}

//! Several processes of the real program under `mpirun`, on one machine: over TCP, killed, slowed down, out of disk space, and in
//! two networks.

use crate::support::bars::{bars, config, train};
use kinolens::config::{OptimizerKind, RunConfig};
use kinolens::model::{ArrayValues, read_safetensors};
use kinolens::progress::Silent;
use kinolens::run_folder::{CONTROL_FILE, MODEL_FILE, RunDir, TrainEnd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Seconds after which a process is taken to hang. No test waits for less than a minute: the machine may be busy.
const LONG: u64 = 240;

/// These tests one after the other: each starts several processes, and some of them are about time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until there is something.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(LONG), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a training under `mpirun` gets, whatever the machine.
fn launcher(processes: usize, log: &Path) -> Command {
    let mut command = Command::new("mpirun");
    command
        .args(["-n", &processes.to_string(), "--oversubscribe"])
        // No shared memory: what goes between machines goes by TCP.
        .args(["--mca", "btl", "self,tcp", "--mca", "btl_tcp_if_include", "lo", "--mca", "mpi_yield_when_idle", "1"])
        .args(["--mca", "orte_base_help_aggregate", "0"])
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .env("RAYON_NUM_THREADS", "1")
        .env("KINOLENS_CACHE", log.with_extension("cache"))
        .env("KINOLENS_PEER_TIMEOUT", LONG.to_string())
        .stdin(Stdio::null());
    command
}

/// A dataset, a configuration in a file, and where runs go.
struct Place {
    dir: tempfile::TempDir,
    config: RunConfig,
}

impl Place {
    fn new(mut config: RunConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        bars(&dir.path().join("data"));
        config.training.workers = 1;
        let place = Self { dir, config };
        std::fs::write(place.path("config.ron"), place.config.to_ron()).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Arguments of a training in the folder `out`.
    fn arguments(&self, out: &Path, resume: bool) -> Vec<std::ffi::OsString> {
        let mut words = vec![env!("CARGO_BIN_EXE_kinolens").into(), "train".into(), self.path("data").into()];
        if resume {
            words.extend(["--resume".into(), out.into()]);
        } else {
            words.extend(["--out".into(), out.into(), "--config".into(), self.path("config.ron").into()]);
        }
        words
    }

    fn start(&self, processes: usize, out: &Path, resume: bool) -> Child {
        let mut command = launcher(processes, out);
        command.args(self.arguments(out, resume)).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("mpirun is installed")
    }

    fn run(&self, processes: usize, out: &Path, resume: bool) -> Output {
        self.start(processes, out, resume).wait_with_output().unwrap()
    }

    fn fine(&self, processes: usize, out: &Path, resume: bool) {
        let output = self.run(processes, out, resume);
        assert!(output.status.success(), "{}", text(&output));
    }
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits for a child that must end within so many seconds.
fn ends_within(mut child: Child, seconds: u64) -> Output {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(seconds) {
            // The launcher takes its processes with it.
            signal("-TERM", child.id() as i32);
            std::thread::sleep(Duration::from_secs(5));
            let _ = child.kill();
            panic!("not at its end after {seconds} s: {}", text(&child.wait_with_output().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

/// Numbers of the processes that train in the folder `out`, without the launcher.
fn trainers(out: &Path) -> Vec<i32> {
    let wanted = out.display().to_string();
    let of = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_string_lossy().parse::<i32>().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let words: Vec<String> = line.split(|b| *b == 0).map(|w| String::from_utf8_lossy(w).into_owned()).collect();
        (words.first()? == env!("CARGO_BIN_EXE_kinolens") && words.contains(&wanted)).then_some(pid)
    };
    let mut found: Vec<i32> = std::fs::read_dir("/proc").unwrap().flatten().filter_map(of).collect();
    found.sort_unstable();
    found
}

fn signal(name: &str, pid: i32) {
    let _ = Command::new("kill").args([name, &pid.to_string()]).stderr(Stdio::null()).status();
}

fn weights(run: &Path) -> Vec<(String, Vec<u32>)> {
    let folder = RunDir::open(run).unwrap().checkpoint(Some("last")).unwrap().path;
    let bits = |values| match values {
        ArrayValues::F32(values) => values.into_iter().map(f32::to_bits).collect(),
        ArrayValues::I64(values) => values.into_iter().map(|v| v as u32).collect(),
    };
    read_safetensors(&folder.join(MODEL_FILE)).unwrap().into_iter().map(|a| (a.name, bits(a.values))).collect()
}

fn apart(a: &[(String, Vec<u32>)], b: &[(String, Vec<u32>)]) -> f32 {
    assert_eq!(a.iter().map(|x| &x.0).collect::<Vec<_>>(), b.iter().map(|x| &x.0).collect::<Vec<_>>());
    let pairs = a.iter().zip(b).flat_map(|(a, b)| a.1.iter().zip(&b.1));
    pairs.map(|(a, b)| (f32::from_bits(*a) - f32::from_bits(*b)).abs()).fold(0.0, f32::max)
}

/// Without dropout and batch statistics, which depend on who shares a batch.
fn independent(epochs: u32) -> RunConfig {
    let mut config = config(epochs);
    config.model.dropout = Some(0.0);
    config.model.freeze = Some("norms".into());
    config.optimizer.kind = OptimizerKind::Sgd { momentum: 0.9, nesterov: true };
    config.optimizer.learning_rate = 0.02;
    config
}

fn end_of(run: &Path) -> Option<TrainEnd> {
    RunDir::open(run).ok()?.checkpoint(Some("last")).ok()?.state.end
}

fn log_of(run: &Path) -> String {
    std::fs::read_to_string(run.join("log.txt")).unwrap_or_default()
}

#[test]
fn one_two_and_three_processes_come_to_the_weights_of_one_that_was_never_launched() {
    let _turn = turn();
    let place = Place::new(independent(1));
    let whole = place.path("whole");
    let dataset = crate::support::bars::open(&place.path("data"));
    train(&dataset, &place.config, &whole, false, &Silent).unwrap();
    for processes in [1, 2, 3] {
        let out = place.path(&format!("run{processes}"));
        place.fine(processes, &out, false);
        let found = apart(&weights(&out), &weights(&whole));
        assert!(found < 1e-6, "{processes} processes: {found}");
        let environment = RunDir::open(&out).unwrap().environment().unwrap();
        assert_eq!(environment.processes.len(), if processes == 1 { 0 } else { processes });
        assert_eq!(end_of(&out), Some(TrainEnd::Completed));
    }
    // Evaluated together as alone.
    let evaluated = |processes: usize| {
        let out = place.path(&format!("results{processes}"));
        let mut command = launcher(processes, &out);
        command.arg(env!("CARGO_BIN_EXE_kinolens")).arg("evaluate").args([&whole, &place.path("data")]);
        let output = command.args(["--split", "all", "--json", "--out"]).arg(&out).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
        (document["accuracy"].clone(), document["loss"].clone(), document["confusion"].clone())
    };
    assert_eq!(evaluated(1), evaluated(3));
}

/// A document without the time it was made at.
fn undated(output: &Output) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                fields.remove("made_unix");
                fields.values_mut().for_each(strip);
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    assert!(output.status.success(), "{}", text(output));
    let mut document = serde_json::from_slice(&output.stdout).expect("one document");
    strip(&mut document);
    document
}

#[test]
fn what_several_processes_predict_explain_test_and_survey_is_what_one_says() {
    let _turn = turn();
    let place = Place::new(independent(1));
    let (run, data) = (place.path("run"), place.path("data"));
    train(&crate::support::bars::open(&data), &place.config, &run, false, &Silent).unwrap();
    let video = data.join("down/person01_down");
    let words = |text: &str| -> Vec<std::ffi::OsString> {
        let path = |word: &str| match word {
            "RUN" => run.clone().into_os_string(),
            "DATA" => data.clone().into_os_string(),
            "VIDEO" => video.clone().into_os_string(),
            word => word.into(),
        };
        text.split(' ').map(path).collect()
    };
    for asked in [
        "predict RUN VIDEO --json",
        "explain RUN DATA --split all --num-samples 7 --json --raw",
        "explain RUN DATA --split all --num-samples 3 --misclassified-only --json --raw",
        "motion-test RUN DATA --split all --json",
        "look-inside RUN VIDEO --dataset DATA --split all --clips 9 --json",
    ] {
        let alone = Command::new(env!("CARGO_BIN_EXE_kinolens")).args(words(asked)).output().unwrap();
        let mut together = launcher(3, &place.path("x"));
        together.arg(env!("CARGO_BIN_EXE_kinolens")).args(words(asked));
        assert!(undated(&alone) == undated(&together.output().unwrap()), "{asked}");
    }
    // Tables are written once, with the same bytes.
    let tables = |processes: usize| {
        let out = place.path(&format!("tables{processes}"));
        let mut command = launcher(processes, &out);
        command.arg(env!("CARGO_BIN_EXE_kinolens")).args(words("predict RUN VIDEO --out")).arg(&out);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        ["windows.csv", "frames.csv"].map(|name| std::fs::read(out.join(name)).unwrap())
    };
    assert_eq!(tables(1), tables(2));
}

#[test]
fn asked_to_stop_by_a_file_all_end_with_a_checkpoint_and_go_on_to_the_same_bits() {
    let _turn = turn();
    // With dropout, batch statistics and Adam.
    let mut config = config(10);
    // A checkpoint after every step, so that there is one soon.
    config.training.checkpoint_minutes = 1e-9;
    let place = Place::new(config);
    let whole = place.path("whole");
    place.fine(2, &whole, false);
    let out = place.path("run");
    let child = place.start(2, &out, false);
    wait_for("a checkpoint", || out.join("checkpoints/last").exists().then_some(()));
    std::fs::write(out.join(CONTROL_FILE), "stop\n").unwrap();
    let output = ends_within(child, LONG);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output));
    assert!(text(&output).contains("resume with: kinolens train"), "{}", text(&output));
    assert_eq!(end_of(&out), Some(TrainEnd::Stopped));
    assert!(!out.join(CONTROL_FILE).exists());
    // A process that stands still for a while changes nothing.
    let child = place.start(2, &out, true);
    let second = wait_for("two processes", || trainers(&out).get(1).copied());
    std::thread::sleep(Duration::from_millis(300));
    signal("-STOP", second);
    std::thread::sleep(Duration::from_secs(2));
    signal("-CONT", second);
    let output = ends_within(child, LONG);
    assert!(output.status.success(), "{}", text(&output));
    assert!(weights(&out) == weights(&whole), "the resumed run is another one");
}

#[test]
fn a_process_that_is_killed_ends_all_and_loses_nothing_that_was_kept() {
    const KILLS: u32 = 10;
    let _turn = turn();
    let mut config = config(12);
    // A checkpoint after every step, so that every attempt goes on.
    config.training.checkpoint_minutes = 1e-9;
    let place = Place::new(config);
    let whole = place.path("whole");
    let begun = Instant::now();
    let child = place.start(2, &whole, false);
    wait_for("a checkpoint", || whole.join("checkpoints/last").exists().then_some(()));
    let beginning = begun.elapsed();
    let output = ends_within(child, LONG);
    assert!(output.status.success(), "{}", text(&output));
    // Somewhere from its first moment to a good part of the training; all attempts together hardly come to the end.
    let most = beginning + (begun.elapsed() - beginning) / (KILLS + 2);
    let out = place.path("run");
    let (mut random, mut kills) = (0x9e37_79b9_u64 ^ u64::from(std::process::id()), 0);
    while kills < KILLS && end_of(&out) != Some(TrainEnd::Completed) {
        let mut child = place.start(2, &out, RunDir::is_run(&out));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let members = wait_for("two processes", || {
            let ended = child.try_wait().unwrap().is_some();
            assert!(!ended, "after {kills} kills the launcher ended by itself: {}", log_of(&out));
            Some(trainers(&out)).filter(|found| found.len() == 2)
        });
        std::thread::sleep(most.mul_f64((random >> 33) as f64 / f64::from(1_u32 << 31)));
        signal("-KILL", members[(random >> 20) as usize % members.len()]);
        let killed = Instant::now();
        let output = ends_within(child, LONG);
        if output.status.success() {
            break;
        }
        kills += 1;
        let said = text(&output);
        assert!(said.contains("signal 9") || said.contains("asked to end"), "kill {kills}: {said}");
        assert!(killed.elapsed() < Duration::from_secs(60), "kill {kills}: {:?}", killed.elapsed());
        wait_for("the other one's end", || trainers(&out).is_empty().then_some(()));
        if RunDir::is_run(&out) {
            let run = RunDir::open(&out).unwrap();
            run.checkpoints().iter().for_each(|name| drop(run.checkpoint(Some(name)).unwrap()));
        }
    }
    eprintln!("killed {kills} times");
    if end_of(&out) != Some(TrainEnd::Completed) {
        place.fine(2, &out, RunDir::is_run(&out));
    }
    assert!(kills >= 5, "the training was over after {kills} kills");
    assert!(weights(&out) == weights(&whole), "after {kills} kills the run is another one");
}

#[test]
fn a_full_disk_ends_all_with_a_sentence_and_a_whole_checkpoint() {
    let _turn = turn();
    let place = Place::new(config(200));
    let disk = place.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "none"]).arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("not tested: a small file system cannot be mounted here");
        return;
    }
    let out = disk.join("run");
    let child = place.start(2, &out, false);
    wait_for("a checkpoint", || out.join("checkpoints/last").exists().then_some(()));
    let filled = std::fs::write(disk.join("ballast"), vec![1_u8; 12 << 20]);
    let output = ends_within(child, LONG);
    let kept = RunDir::open(&out).and_then(|run| run.checkpoint(Some("last")));
    let whole = kept.map(|checkpoint| read_safetensors(&checkpoint.path.join(MODEL_FILE)).is_ok());
    let _ = Command::new("umount").arg(&disk).status();
    assert!(filled.is_err(), "the disk has room");
    let said = text(&output);
    assert!(!output.status.success() && said.contains("rank 0 of 2") && said.contains("cannot write"), "{said}");
    assert!(whole.is_ok_and(|whole| whole), "the last checkpoint is not whole: {said}");
}

#[test]
fn what_one_process_does_is_refused_to_several() {
    let _turn = turn();
    let place = Place::new(config(1));
    let mut command = launcher(2, &place.path("x"));
    let output = command.arg(env!("CARGO_BIN_EXE_kinolens")).arg("inspect").arg(place.path("data")).output().unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.matches("all else is done by one").count(), 1, "{said}");
    // What is wrong with the arguments is said once.
    let mut command = launcher(3, &place.path("x"));
    let words = ["train", "nowhere", "--out", "unmade", "--set", "training.epochs=0"];
    let output = command.arg(env!("CARGO_BIN_EXE_kinolens")).args(words).output().unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.matches("training.epochs").count(), 1, "{said}");
}

/// Two networks that a cable joins, as of two machines; gone with it.
struct Cable {
    here: String,
    there: String,
    agent: PathBuf,
}

impl Cable {
    /// `None` where this account may not make networks.
    fn new(place: &Place) -> Option<Self> {
        let id = std::process::id();
        let cable = Self { here: format!("kla{id}"), there: format!("klb{id}"), agent: place.path("agent") };
        let (here, there) = (&cable.here, &cable.there);
        for words in [
            format!("netns add {here}"),
            format!("netns add {there}"),
            format!("link add eth0 netns {here} type veth peer name eth0 netns {there}"),
            format!("-n {here} addr add 10.77.0.1/24 dev eth0"),
            format!("-n {there} addr add 10.77.0.2/24 dev eth0"),
            format!("-n {here} link set lo up"),
            format!("-n {there} link set lo up"),
            format!("-n {here} link set eth0 up"),
            format!("-n {there} link set eth0 up"),
        ] {
            let done = Command::new("ip").args(words.split(' ')).stderr(Stdio::null()).status();
            if !done.is_ok_and(|status| status.success()) {
                eprintln!("not tested: this account may not make networks (ip {words})");
                return None;
            }
        }
        // In place of ssh: called with a host and a command.
        std::fs::write(&cable.agent, format!("#!/bin/sh\nshift\nexec ip netns exec {there} sh -c \"$*\"\n")).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&cable.agent, executable).unwrap();
        Some(cable)
    }

    fn start(&self, place: &Place, out: &Path, resume: bool) -> Child {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.here, "mpirun", "-n", "2", "--host", "10.77.0.1,10.77.0.2"]);
        command.args(["--mca", "plm_rsh_agent"]).arg(&self.agent).args(["--mca", "btl", "self,tcp"]);
        // The launcher itself notices that a machine is gone: otherwise it waits for it although no process lives any more.
        for (what, seconds) in [("time", "10"), ("intvl", "5"), ("probes", "3")] {
            command.args(["--mca", &format!("oob_tcp_keepalive_{what}"), seconds]);
        }
        for network in ["btl_tcp_if_include", "oob_tcp_if_include"] {
            command.args(["--mca", network, "10.77.0.0/24"]);
        }
        for name in ["RAYON_NUM_THREADS", "KINOLENS_CACHE", "KINOLENS_PEER_TIMEOUT"] {
            command.args(["-x", name]);
        }
        command
            .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
            .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
            .env("RAYON_NUM_THREADS", "1")
            .env("KINOLENS_CACHE", out.with_extension("cache"))
            .env("KINOLENS_PEER_TIMEOUT", "30")
            .args(place.arguments(out, resume))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for name in [&self.here, &self.there] {
            let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
        }
    }
}

#[test]
fn two_networks_train_together_and_end_when_the_cable_is_pulled() {
    let _turn = turn();
    let mut config = config(6);
    config.training.checkpoint_minutes = 1e-9;
    let place = Place::new(config);
    let Some(cable) = Cable::new(&place) else { return };
    let whole = place.path("whole");
    let output = ends_within(cable.start(&place, &whole, false), LONG);
    assert!(output.status.success(), "{}", text(&output));
    let out = place.path("run");
    let child = cable.start(&place, &out, false);
    wait_for("a checkpoint", || out.join("checkpoints/last").exists().then_some(()));
    let words = format!("-n {} link set eth0 down", cable.here);
    assert!(Command::new("ip").args(words.split(' ')).status().unwrap().success());
    let output = ends_within(child, LONG);
    assert!(!output.status.success(), "{}", text(&output));
    wait_for("the end of the process behind the cable", || trainers(&out).is_empty().then_some(()));
    // One machine goes on with what both began, as two processes.
    place.fine(2, &out, true);
    assert!(weights(&out) == weights(&whole), "the resumed run is another one");
}

//! What several commands share: running a job, and reading what names a dataset, a run, a checkpoint.

use super::args::{ClassMatchArg, ConfigArgs, ReadingArgs, SplitArg};
use super::monitor::TerminalMonitor;
use super::reading::data_config_of;
use super::{Exit, FAILED, INTERRUPTED, USAGE};
use crate::config::{DataConfig, Preset, RunConfig};
use crate::domain::{Dataset, VideoEntry, nearest};
use crate::files::run_place;
use crate::jobs::kinds::{CompareRuns, OpenDataset};
use crate::jobs::{
    CheckpointRef, ClassMatch, ClipRef, Done, Identity, JobError, JobKind, LaneState, SplitChoice, run_kind,
};
use crate::peers::{PeerError, of_process};
use crate::progress::Monitor;
use crate::run_folder::RunDir;
use anyhow::anyhow;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

pub(super) type Outcome = Result<ExitCode, Exit>;

/// Runs one job in this thread with progress on standard error.
pub(super) fn run_job<K: JobKind>(kind: K, monitor: &dyn Monitor, state: &mut LaneState) -> Result<K::Answer, Exit> {
    match run_kind(kind, state, monitor) {
        Ok(Done::Finished(answer)) => Ok(answer),
        Ok(Done::Cancelled(_)) => Err(Exit::Interrupted),
        // Anything else that goes wrong is told, interrupted or not.
        Err(JobError::Stopped) => Err(Exit::Interrupted),
        Err(error) => Err(Exit::Failed(error.into())),
    }
}

/// What became of something that all processes do, once all know of it: where it failed in one, none goes on.
pub(super) fn agreed<T>(own: Result<T, Exit>) -> Result<T, Exit> {
    let peers = of_process();
    if peers.is_alone() {
        return own;
    }
    let failed = |error: &anyhow::Error| Err(PeerError::Launch(error.to_string()));
    let (told, code) = match &own {
        Ok(_) => (Ok(()), 0),
        Err(Exit::Usage(error)) => (failed(error), USAGE),
        Err(Exit::Failed(error)) => (failed(error), FAILED),
        Err(Exit::Interrupted | Exit::Elsewhere(_)) => (Err(PeerError::Stopped), INTERRUPTED),
    };
    let Err(agreed) = peers.agree(told, |e| *e == PeerError::Stopped) else { return own };
    // Whichever ends first, all end with the same code.
    let code = peers.max(u64::from(code)).map_err(|e| Exit::Failed(e.into()))? as u8;
    match agreed {
        error if error.is_told_elsewhere() => Err(Exit::Elsewhere(code)),
        PeerError::Stopped => Err(Exit::Interrupted),
        _ => own,
    }
}

/// The configuration of the first process for all; the others need neither its files nor its run.
pub(super) fn config_for_all(own: impl FnOnce() -> Result<RunConfig, Exit>) -> Result<RunConfig, Exit> {
    let peers = of_process();
    let own = agreed(if peers.leads() { own().map(Some) } else { Ok(None) })?;
    let text = peers.broadcast(own.as_ref().map(RunConfig::to_ron).unwrap_or_default().into_bytes())?;
    match own {
        Some(config) => Ok(config),
        None => RunConfig::from_ron(&String::from_utf8_lossy(&text)).map_err(|why| Exit::Failed(anyhow!(why))),
    }
}

/// Opens a dataset, a video or a frame folder; in all processes or in none.
pub(super) fn open_dataset(path: &Path, data: &DataConfig, state: &mut LaneState) -> Result<Arc<Dataset>, Exit> {
    let monitor = TerminalMonitor::new(false, 0);
    agreed(run_job(OpenDataset { path: path.to_path_buf(), data: data.clone() }, &monitor, state))
}

/// As [`open_dataset`], with all videos of a large dataset looked into.
pub(super) fn open_whole(path: &Path, data: &DataConfig, state: &mut LaneState) -> Result<Arc<Dataset>, Exit> {
    let dataset = open_dataset(path, data, state)?;
    let monitor = TerminalMonitor::new(false, 0);
    match crate::data::look_into_all(&dataset, &monitor) {
        Err(crate::data::DataError::Stopped) => Err(Exit::Interrupted),
        known => known.map_err(|e| Exit::Failed(e.into())),
    }
}

/// Says once a video what is wrong with it, as `probe` does.
pub(super) fn say_warnings(dataset: &Dataset) {
    if !of_process().leads() {
        return;
    }
    let mut said = std::collections::HashSet::new();
    for warning in dataset.warnings.iter().filter(|w| said.insert((&w.path, &w.message))) {
        eprintln!("warning: {}: {}", warning.path.display(), warning.message);
    }
}

/// Preset or file, then `--set`. Errors here are usage errors.
pub(super) fn resolve_config(args: &ConfigArgs, default_preset: Option<&str>) -> Result<RunConfig, Exit> {
    let resolve = || -> Result<RunConfig, crate::config::ConfigError> {
        let mut config = match (&args.config, args.preset.as_deref().or(default_preset)) {
            (Some(file), _) => RunConfig::load(file)?,
            (None, Some(name)) => Preset::find(name)?.config()?,
            (None, None) => RunConfig::reference(),
        };
        for assignment in &args.set {
            config.set(assignment)?;
        }
        config.validate()?;
        Ok(config)
    };
    resolve().map_err(|e| Exit::Usage(e.into()))
}

pub(super) fn split_choice(split: SplitArg) -> SplitChoice {
    match split {
        SplitArg::Train => SplitChoice::Train,
        SplitArg::Val => SplitChoice::Val,
        SplitArg::Test => SplitChoice::Test,
        SplitArg::All => SplitChoice::All,
    }
}

/// `RUN` or `RUN/checkpoints/NAME` as a reference.
pub(super) fn checkpoint_ref(path: &Path) -> CheckpointRef {
    let inside = path.parent().filter(|p| p.file_name().is_some_and(|n| n == "checkpoints")).and_then(Path::parent);
    match (inside, path.file_name()) {
        (Some(run), Some(name)) => {
            CheckpointRef { run: run.to_path_buf(), name: Some(name.to_string_lossy().into_owned()) }
        }
        _ => CheckpointRef { run: path.to_path_buf(), name: None },
    }
}

/// Runs and, last, the dataset they are asked about: the last path is one where it is no run.
pub(super) fn runs_and_dataset(paths: &[PathBuf]) -> Result<(&[PathBuf], Option<&Path>), Exit> {
    let is_run = |path: &PathBuf| RunDir::is_run(&checkpoint_ref(path).run);
    let (runs, dataset) = match paths.split_last() {
        Some((last, runs)) if !runs.is_empty() && last.exists() && !is_run(last) => (runs, Some(last.as_path())),
        _ => (paths, None),
    };
    runs.iter().try_for_each(|run| require_run(run))?;
    Ok((runs, dataset))
}

/// The comparison that is asked for: runs and, last, the dataset, which is read as the first run's was. Its warnings are said.
pub(super) fn comparison_of(
    paths: &[PathBuf],
    split: Option<SplitArg>,
    class_match: ClassMatch,
    (time, seed): (bool, u64),
    state: &mut LaneState,
) -> Result<CompareRuns, Exit> {
    let (runs, dataset) = runs_and_dataset(paths)?;
    let dataset = match (runs.first(), dataset) {
        (Some(first), Some(path)) => {
            Some(open_dataset(path, &data_config_of(first, path, &ReadingArgs::default())?, state)?)
        }
        _ => None,
    };
    dataset.as_deref().into_iter().for_each(say_warnings);
    let runs = runs.iter().map(|r| checkpoint_ref(r)).collect();
    Ok(CompareRuns { runs, dataset, split: split.map(split_choice), class_match, time, seed })
}

/// Says what of a run is damaged or missing.
pub(super) fn say_problems(problems: &[impl std::fmt::Display]) {
    problems.iter().for_each(|problem| eprintln!("warning: {problem}"));
}

/// As [`say_problems`], of the files of a run itself.
pub(super) fn say_damage(run: &Path) -> Result<(), Exit> {
    say_problems(&RunDir::open(run)?.damage());
    Ok(())
}

/// Fails early, and as a usage error, when the run is not there.
pub(super) fn require_run(path: &Path) -> Result<(), Exit> {
    let run = checkpoint_ref(path).run;
    if RunDir::is_run(&run) {
        return Ok(());
    }
    let what = match run_place(&std::path::absolute(&run).unwrap_or_else(|_| run.clone())) {
        _ if !run.exists() => "does not exist".to_owned(),
        _ if run.is_file() => {
            "is a file and no run folder ('kinolens import' makes a run of a file of weights)".to_owned()
        }
        Some(place) => format!("is {place}"),
        None if crate::data::detect(&run).is_ok() => {
            let run = run.display();
            return Err(Exit::Failed(anyhow!(
                "{run} holds videos and is no run folder; name the run before the dataset or video"
            )));
        }
        None => "has no config.ron and classes.ron, so it is no run folder".to_owned(),
    };
    Err(Exit::Failed(anyhow!("{} {what}; name a folder that 'kinolens train --out' made", run.display())))
}

/// What `--map-classes` says.
pub(super) fn class_match(given: &ClassMatchArg) -> Result<ClassMatch, Exit> {
    ClassMatch::parse(&given.map_classes).map_err(|reason| Exit::Usage(anyhow!("--map-classes {reason}")))
}

/// Adds which weights a document comes from: `run`, `checkpoint`, `epoch`, `step`, `made_unix`.
pub(super) fn name_weights(document: &mut Value, identity: &Identity) {
    document["run"] = json!(identity.run);
    document["checkpoint"] = json!(identity.checkpoint);
    document["epoch"] = json!(identity.epoch);
    document["step"] = json!(identity.step);
    document["made_unix"] = json!(identity.made_unix);
}

/// `VIDEO:START`, where VIDEO is a name in the dataset or the end of one, and may be left out for a single video.
pub(super) fn parse_clip(text: &str, dataset: &Dataset) -> Result<ClipRef, Exit> {
    let usage = |m: String| Exit::Usage(anyhow!(m));
    let (video, start) = text.rsplit_once(':').unwrap_or(("", text));
    let start: u32 =
        start.parse().map_err(|_| usage(format!("--clip '{text}': write VIDEO:START, for example s05.mp4:120")))?;
    let matches: Vec<_> = dataset
        .videos
        .iter()
        .filter(|v| {
            video.is_empty()
                || v.name == video
                || v.path.as_os_str() == video
                || v.name.ends_with(&format!("/{video}"))
                || v.path.file_stem().is_some_and(|s| s == video)
        })
        .collect();
    match matches.as_slice() {
        // Of a video that nobody looked into, whoever looks into it tells.
        [one] if one.is_pending() || start < one.frames().max(1) => Ok(ClipRef::window(&one.name, start)),
        [one] => Err(usage(format!("--clip '{text}': {} has only {} frames", one.name, one.frames()))),
        [] => {
            let name = |v: &'_ VideoEntry| v.name.rsplit('/').next().unwrap_or_default().to_owned();
            let names: Vec<String> = dataset.videos.iter().map(name).collect();
            let meant = nearest(video, names.iter().map(String::as_str));
            let meant = meant.map_or(String::new(), |m| format!("; did you mean '{m}'?"));
            Err(usage(format!("--clip '{text}': the dataset has no video '{video}'{meant}")))
        }
        many => Err(usage(format!(
            "--clip '{text}': {} videos are named '{video}'; write the path as 'inspect' lists it",
            many.len()
        ))),
    }
}

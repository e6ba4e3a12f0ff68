//! Opening and closing datasets and runs.

use super::importing;
use super::inside;
use super::looking;
use super::outbox::{say, start};
use super::{tables, watching};
use crate::config::{DataConfig, TableColumns};
use crate::domain::{Choice, Dataset, LabelMap};
use crate::jobs::RunView;
use crate::jobs::kinds::{ImportWeights, MakeDemo, OpenDataset, OpenRun};
use crate::run_folder::Evaluation;
use crate::ui::action::OpenAction;
use crate::ui::arrangement::{DatasetArrangement, Reading};
use crate::ui::disk::{Question, Then};
use crate::ui::selection::default_view;
use crate::ui::state::{
    AppState, ChoiceForm, Dialog, EvaluationEntry, ExportForm, ImportForm, LabelMapForm, PathPurpose, Recent, Severity,
};
use crate::ui::video_rows::Rows;
use crate::ui::workers::Workers;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Entries kept in the list of recent items.
const RECENT: usize = 12;

/// Opens, closes and imports.
pub(super) fn fulfil(state: &mut AppState, workers: &dyn Workers, action: OpenAction) {
    match action {
        OpenAction::PathChosen(purpose, path) => path_chosen(state, workers, purpose, path),
        OpenAction::NoFileDialog(purpose) => {
            let told = "This system shows no file dialog: type the path here instead.";
            no_file_dialog(state, workers, purpose, told);
        }
        OpenAction::FileDialogFailed(purpose, reason) => {
            let told =
                format!("The file dialog of this system ended by an internal error ({reason}): type the path instead.");
            say(state, Severity::Error, "file dialog", told.clone());
            no_file_dialog(state, workers, purpose, &told);
        }
        OpenAction::OpenAny(path) => any(state, workers, path),
        OpenAction::OpenDataset(path) => dataset(state, workers, path),
        OpenAction::Choose(path, choices) => {
            state.dialog = None;
            let kept = reading_of(state, &path);
            match assigned_anew(Reading { choices, ..kept }) {
                Ok(reading) => read_dataset(state, workers, path, reading),
                Err(sentence) => say(state, Severity::Error, "open dataset", sentence),
            }
        }
        OpenAction::AskTable(path) => ask_table(state, workers, path, false),
        OpenAction::AssignTable(form) => tables::assign(state, workers, *form),
        OpenAction::OpenTable(path, columns) => {
            state.dialog = None;
            let label_map = reading_of(state, &path).label_map;
            let reading = Reading { table: Some(*columns), label_map, ..Reading::default() };
            read_dataset(state, workers, path, reading);
        }
        OpenAction::AskLabelMap => {
            let form = state.dataset.as_deref().map(LabelMapForm::of);
            state.dialog = form.map(|form| Dialog::LabelMap(Box::new(form)));
        }
        OpenAction::Relabel(map) => {
            state.dialog = None;
            relabel(state, workers, *map);
        }
        OpenAction::OpenRun(path) => run(state, workers, path),
        OpenAction::WatchRun(path) => watching::begin(state, workers, path),
        OpenAction::StopWatching => watching::end(state),
        OpenAction::MakeDemo(dir) => demo(state, workers, dir),
        OpenAction::OpenDemo => looking::await_answer(state, workers, Question::DemoFolder, Then::Demo),
        OpenAction::ReloadDataset => reload(state, workers),
        OpenAction::CloseDataset => close_dataset(state),
        OpenAction::CloseRun(path) => close_run(state, &path),
        OpenAction::ClearRecent => state.recent.clear(),
        OpenAction::AskImport(weights) => importing::ask(state, weights),
        OpenAction::Import { weights, config, classes, out } => {
            state.dialog = None;
            start(state, workers, ImportWeights { weights, config, classes, out, force: false }, false);
        }
        OpenAction::LookIntoWeights(query) => importing::look_into(state, workers, query),
    }
}

fn path_chosen(state: &mut AppState, workers: &dyn Workers, purpose: PathPurpose, path: PathBuf) {
    if matches!(state.dialog, Some(Dialog::Path { .. })) {
        state.dialog = None;
    }
    match purpose {
        PathPurpose::Dataset => any(state, workers, path),
        PathPurpose::OpenTable => ask_table(state, workers, path, false),
        PathPurpose::Run => run(state, workers, path),
        PathPurpose::WatchedRun => watching::begin(state, workers, path),
        PathPurpose::Demo => demo(state, workers, path),
        PathPurpose::Export => {
            if let Some(Dialog::Export(form)) = &state.dialog {
                let form = ExportForm { out: path.display().to_string(), ..form.clone() };
                state.dialog = Some(Dialog::Export(form));
            }
        }
        PathPurpose::Import => importing::ask(state, Some(path)),
        PathPurpose::ClassList => {
            if let Some(Dialog::Import(form)) = &state.dialog {
                let form = ImportForm { list: path.display().to_string(), ..(**form).clone() };
                importing::set(state, form);
            }
        }
        PathPurpose::Drawing => {
            if let Some(svg) = state.inside.drawing.take() {
                looking::await_answer(state, workers, Question::SaveText(path.clone(), svg), Then::TellSaved(path));
            }
        }
        PathPurpose::InsidePage => inside::write_page(state, workers, path),
        PathPurpose::FirstWeights | PathPurpose::FirstRun => {
            state.first_weights = (state.first_weights.0 + 1, path);
        }
        // What is written there is written by the file that was asked to.
        PathPurpose::Table(_)
        | PathPurpose::Report
        | PathPurpose::Drawn(_)
        | PathPurpose::Video
        | PathPurpose::NewPlan
        | PathPurpose::Plan => {}
    }
}

/// Offers a field to type the path into, with a note on why.
pub(super) fn no_file_dialog(state: &mut AppState, workers: &dyn Workers, purpose: PathPurpose, note: &str) {
    // These have a field for the path themselves.
    if matches!(state.dialog, Some(Dialog::Export(_) | Dialog::ExportLabels(_) | Dialog::Import(_))) {
        return;
    }
    let recent = state.recent.first().map_or_else(String::new, |r| r.path().display().to_string());
    let text = match purpose {
        PathPurpose::Demo | PathPurpose::Drawing => String::new(),
        // A run is no dataset, and a dataset no run.
        PathPurpose::Dataset => state.last_opened(|r| matches!(r, Recent::Dataset(_))),
        PathPurpose::Run | PathPurpose::WatchedRun => state.last_opened(|r| matches!(r, Recent::Run(_))),
        PathPurpose::Table(_)
        | PathPurpose::Report
        | PathPurpose::Drawn(_)
        | PathPurpose::Video
        | PathPurpose::NewPlan
        | PathPurpose::InsidePage => state.place_for(purpose),
        _ => recent,
    };
    state.dialog = Some(Dialog::Path { purpose, text, note: Some(note.to_owned()) });
    if purpose == PathPurpose::Demo {
        looking::await_answer(state, workers, Question::DemoFolder, Then::Suggest);
    }
}

/// Opens whatever is at a path, once the disk has said what that is.
pub(super) fn any(state: &mut AppState, workers: &dyn Workers, path: PathBuf) {
    looking::await_answer(state, workers, Question::At(path.clone()), Then::Open(path));
}

pub(super) fn dataset(state: &mut AppState, workers: &dyn Workers, path: PathBuf) {
    let reading = reading_of(state, &path);
    read_dataset(state, workers, path, reading);
}

/// How a dataset was read last time.
fn reading_of(state: &AppState, path: &Path) -> Reading {
    match &state.dataset {
        Some(open) if open.root == path => state.reading.clone(),
        _ => state.arrangements.dataset(path).map(|d| d.reading.clone()).unwrap_or_default(),
    }
}

fn read_dataset(state: &mut AppState, workers: &dyn Workers, path: PathBuf, reading: Reading) {
    start(state, workers, OpenDataset { path, data: reading.into_config(DataConfig::default()) }, false);
}

/// Shows the dialog that assigns the columns of a table, as they were assigned last time.
pub(super) fn ask_table(state: &mut AppState, workers: &dyn Workers, path: PathBuf, unrecognised: bool) {
    let known = reading_of(state, &path).table;
    tables::ask(state, workers, path, unrecognised, known);
}

/// Choices of a table whose columns were assigned say how they are assigned now.
fn assigned_anew(reading: Reading) -> Result<Reading, String> {
    let chosen = |key: &str| reading.choices.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let (Some(before), Some(columns)) = (&reading.table, chosen("columns")) else { return Ok(reading) };
    let file = chosen("table").unwrap_or(&before.file);
    let table = Some(TableColumns::parse(file, columns, chosen("unit"))?);
    Ok(Reading { table, choices: Vec::new(), ..reading })
}

/// Reads the open dataset again with a label map.
pub(super) fn relabel(state: &mut AppState, workers: &dyn Workers, label_map: LabelMap) {
    let Some(root) = state.dataset.as_ref().map(|d| d.root.clone()) else { return };
    let kept = reading_of(state, &root);
    read_dataset(state, workers, root, Reading { label_map, ..kept });
}

/// A dataset that cannot be read with its label map any more is to be opened without it next time.
pub(super) fn put_label_map_aside(state: &mut AppState, root: &Path) -> bool {
    let open = state.dataset.as_ref().is_some_and(|d| d.root == root);
    let kept = state.arrangements.dataset(root).filter(|d| !d.reading.label_map.is_empty() && !open).cloned();
    let Some(mut kept) = kept else { return false };
    kept.reading.label_map = LabelMap::default();
    state.arrangements.keep_dataset(root, kept);
    true
}

/// The files of a dataset leave something open: asks for it, over what was answered before.
pub(super) fn ask(state: &mut AppState, path: PathBuf, choice: Choice, answered: Vec<(String, String)>) {
    state.dialog = Some(Dialog::Choices(Box::new(ChoiceForm { path, answered, choice })));
}

pub(super) fn run(state: &mut AppState, workers: &dyn Workers, path: PathBuf) {
    start(state, workers, OpenRun { path }, false);
}

pub(super) fn demo(state: &mut AppState, workers: &dyn Workers, dir: PathBuf) {
    start(state, workers, MakeDemo { dir, subjects: 12, seed: 42, pose_videos: false, force: false }, false);
}

pub(super) fn reload(state: &mut AppState, workers: &dyn Workers) {
    if let Some(root) = state.dataset.as_ref().map(|d| d.root.clone()) {
        dataset(state, workers, root);
    }
}

/// Puts away what was arranged for the open dataset; what is open next begins without it.
fn put_away(state: &mut AppState) {
    let Some(root) = state.dataset.as_ref().map(|d| d.root.clone()) else { return };
    let arrangement = DatasetArrangement::of(state);
    state.arrangements.keep_dataset(&root, arrangement);
    (state.filter, state.order, state.draft) = Default::default();
    (state.marks, state.video_tags) = Default::default();
    let selection = &mut state.selection;
    (selection.video, selection.clip, selection.frame, selection.class) = (None, None, 0, None);
    // Undo would bring back the filter and the video of another dataset.
    state.undo.clear();
    state.redo.clear();
}

pub(super) fn close_dataset(state: &mut AppState) {
    put_away(state);
    state.dataset = None;
    state.video_by_name.clear();
    state.warnings_by_video.clear();
    refilter(state);
    state.explain.clear();
    state.inside.clear();
    state.video_predictions.clear();
    state.playback.playing = false;
    state.welcome = true;
}

pub(super) fn close_run(state: &mut AppState, path: &Path) {
    state.runs.retain(|r| r.path != path);
    state.evaluations.retain(|e| e.run != path);
    state.explain.forget_run(path);
    state.inside.forget_run(path);
    state.video_predictions.retain(|(c, _), _| c.run != path);
    if !state.unsaved_notes.contains_key(path) {
        state.notes.remove(path);
    }
    state.selection.networks.iter_mut().for_each(|n| *n = n.take().filter(|n| n.run != path));
    // Which one is used instead is for the person to say.
    if state.selection.run.as_deref() == Some(path) {
        state.selection.use_network(None, None);
    }
}

/// A dataset was opened.
pub(super) fn dataset_opened(state: &mut AppState, dataset: Arc<Dataset>, reading: Reading) {
    let same = state.dataset.as_ref().is_some_and(|d| d.root == dataset.root);
    remember(state, Recent::Dataset(dataset.root.clone()));
    state.video_by_name = dataset.videos.iter().enumerate().map(|(i, v)| (v.name.clone(), i)).collect();
    state.warnings_by_video = warnings_by_video(&dataset);
    if !same || state.dataset.as_ref().is_some_and(|d| d.fingerprint != dataset.fingerprint) {
        state.explain.clear();
        state.inside.clear();
        state.video_predictions.clear();
    }
    let arrangement = if same {
        DatasetArrangement::of(state)
    } else {
        let before = state.dataset.is_none().then(|| state.draft.clone());
        put_away(state);
        let kept = state.arrangements.dataset(&dataset.root).cloned();
        // A training set up before anything was open was meant for this one.
        kept.unwrap_or_else(|| DatasetArrangement { draft: before.unwrap_or_default(), ..Default::default() })
    };
    if same && state.reading.label_map != reading.label_map {
        // What somebody said of classes that are called otherwise now.
        state.class_matches.retain(|(_, root), _| *root != dataset.root);
    }
    let corrected = dataset.corrections.as_ref().map(|c| c.all.clone()).unwrap_or_default();
    if same && corrected != state.corrections() {
        // Undo would write corrections over those that somebody else made.
        state.undo.clear();
        state.redo.clear();
    }
    // What could not be written is not what was read.
    state.correcting.unsaved.retain(|root, u| *root != dataset.root || u.saving.is_some());
    state.dataset = Some(dataset.clone());
    state.reading = reading;
    state.welcome = false;
    restore(state, &dataset, arrangement);
    refilter(state);
    if state.selection.video.is_none() {
        let first = state.filtered.first().and_then(|i| dataset.videos.get(*i));
        state.selection.video = first.map(|v| v.name.clone());
        state.selection.frame = 0;
    }
}

/// Takes over what was arranged for the dataset, as far as it still exists.
fn restore(state: &mut AppState, dataset: &Dataset, wanted: DatasetArrangement) {
    (state.filter, state.order, state.draft) = (wanted.filter, wanted.order, wanted.draft);
    state.video_tags = Arc::new(wanted.tags);
    state.marks.videos.retain(|name| state.video_by_name.contains_key(name));
    let known = |name: &str| state.video_by_name.get(name).and_then(|i| dataset.videos.get(*i));
    let video = wanted.video.as_deref().and_then(known);
    let last = video.map_or(0, |v| v.frames().saturating_sub(1));
    let selection = &mut state.selection;
    selection.video = video.map(|v| v.name.clone());
    selection.frame = if video.is_some() { wanted.frame.min(last) } else { 0 };
    selection.clip = wanted.clip.filter(|c| Some(&c.video) == selection.video.as_ref());
    selection.class = wanted.class.and_then(|name| dataset.classes.by_name(&name));
    if selection.views.is_empty() {
        selection.views = vec![default_view()];
    }
}

/// More is known of the videos of the open dataset than before; names and order are the same.
pub(super) fn known_better(state: &mut AppState) {
    if let Some(dataset) = state.dataset.clone() {
        state.warnings_by_video = warnings_by_video(&dataset);
    }
    refilter(state);
}

fn warnings_by_video(dataset: &Dataset) -> HashMap<usize, Vec<String>> {
    // Videos are many, warnings are not.
    let mut told: HashMap<&OsStr, Vec<String>> = HashMap::new();
    for warning in &dataset.warnings {
        told.entry(warning.path.as_os_str()).or_default().push(warning.message.clone());
    }
    let of = |(i, v): (usize, &crate::domain::VideoEntry)| Some((i, told.get(v.path.as_os_str())?.clone()));
    dataset.videos.iter().enumerate().filter_map(of).collect()
}

/// Finds the videos that the filter lets pass.
pub(super) fn refilter(state: &mut AppState) {
    state.filtered_revision += 1;
    let parts = state.run_parts.parts.as_ref().map(|p| p.as_slice());
    let found = state.dataset.as_ref().map(|dataset| {
        Rows { dataset, parts, warnings: &state.warnings_by_video, tags: &state.video_tags }.passing(&state.filter.text)
    });
    state.filtered = found.unwrap_or_default();
}

/// A run was read from disk, or read again.
pub(super) fn run_opened(state: &mut AppState, run: Arc<RunView>, choose: bool) {
    remember(state, Recent::Run(run.path.clone()));
    let changed = state.run_at(&run.path).is_some_and(|old| **old != *run);
    let told = state.run_at(&run.path).map(|old| old.problems.clone()).unwrap_or_default();
    for problem in run.problems.iter().filter(|p| !told.contains(p)) {
        say(state, Severity::Warning, "open run", problem.clone());
    }
    if changed {
        state.explain.forget_run(&run.path);
        state.inside.forget_run(&run.path);
        state.video_predictions.retain(|(c, _), _| c.run != run.path);
    }
    for (evaluation, predictions) in &run.evaluations {
        evaluation_known(
            state,
            EvaluationEntry { run: run.path.clone(), evaluation: evaluation.clone(), predictions: predictions.clone() },
        );
    }
    if let Some(live) = state.training.as_mut().filter(|live| live.run.path == run.path) {
        live.take_over(&run);
    }
    match state.runs.iter_mut().find(|r| r.path == run.path) {
        Some(slot) => *slot = run.clone(),
        None => state.runs.insert(0, run.clone()),
    }
    if let Some(problem) = &run.notes_problem {
        say(state, Severity::Warning, "open run", format!("The notes of this run cannot be shown: {problem}."));
    }
    // What was written in this session is newer than the file.
    if !state.notes.contains_key(&run.path) {
        state.notes.insert(run.path.clone(), run.notes.clone());
        state.notes_revision += 1;
    }
    let restored = state.restoring_runs.remove(&run.path) && state.selection.run.is_some();
    if state.selection.run.as_ref() != Some(&run.path) && (state.selection.run.is_none() || (choose && !restored)) {
        let checkpoint = state.first_checkpoint(&run);
        state.selection.use_network(Some(run.path.clone()), checkpoint);
    }
    name_checkpoints(state, &run);
    state.welcome = false;
    if state.dataset.is_none() && run.dataset_root.as_os_str().is_empty() {
        say(
            state,
            Severity::Info,
            "open run",
            format!("{} does not say which dataset it was trained on: open one to look at clips.", run.path.display()),
        );
    }
}

/// Takes the run's default where no checkpoint of it is chosen, or one that is gone: what is in use has a name.
fn name_checkpoints(state: &mut AppState, run: &RunView) {
    let first = state.first_checkpoint(run);
    let named = |name: &Option<String>| name.as_deref().is_some_and(|n| run.checkpoint(n).is_some());
    let selection = &mut state.selection;
    if selection.run.as_ref() == Some(&run.path) && !named(&selection.checkpoint) {
        selection.checkpoint.clone_from(&first);
    }
    for network in selection.networks.iter_mut().flatten().filter(|n| n.run == run.path) {
        if !named(&network.name) {
            network.name.clone_from(&first);
        }
    }
}

/// An evaluation replaces the earlier one of the same run, checkpoint, split and data.
pub(super) fn evaluation_known(state: &mut AppState, entry: EvaluationEntry) {
    let key = |e: &EvaluationEntry| {
        let Evaluation { checkpoint, split, dataset, dataset_fingerprint, .. } = e.evaluation.as_ref();
        (e.run.clone(), checkpoint.clone(), split.clone(), dataset.clone(), dataset_fingerprint.clone())
    };
    let new = key(&entry);
    state.evaluations.retain(|e| key(e) != new);
    state.evaluations.insert(0, entry);
}

fn remember(state: &mut AppState, item: Recent) {
    state.recent.retain(|r| *r != item);
    state.recent.insert(0, item);
    state.recent.truncate(RECENT);
}

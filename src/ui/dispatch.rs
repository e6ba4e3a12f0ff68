//! The only code that changes the state and the only one that hands jobs to the workers.

mod events;
mod importing;
mod looking;
mod networks;
mod notes;
mod opening;
mod time;

pub use events::drain;
pub use looking::{Then, settle};
pub use notes::keep_notes;
pub use time::advance;

use super::action::Action;
use super::disk::Question;
use super::explain;
use super::selection::default_view;
use super::state::{
    AppState, Dialog, ExportForm, JobStatus, JobView, Memento, Message, PathPurpose, Severity, ThemeChoice, Workspace,
};
use super::workers::Workers;
use crate::cam;
use crate::jobs::kinds::{ImportWeights, PredictVideo};
use crate::jobs::{ClipRef, ExplainRequest, Job, JobId, OnStop};
use crate::progress::Flow;
use std::time::{Duration, Instant};

/// What only the window system can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Put text on the clipboard.
    Copy(String),
    /// Show the platform's file dialog.
    FileDialog(PathPurpose),
    /// Close the window.
    Quit,
}

/// Undo steps kept.
const UNDO_DEPTH: usize = 100;

/// What one gesture of a person asks for: a click, a drag, a key press.
#[derive(Debug)]
pub struct Gesture {
    /// Its wishes, in order.
    pub actions: Vec<Action>,
    /// Tells a gesture that goes on over several calls (a drag, a held key) from others; `None` for one that is over.
    pub id: Option<u64>,
}

impl From<Action> for Gesture {
    fn from(action: Action) -> Self {
        Self { actions: vec![action], id: None }
    }
}

/// Fulfils what a gesture asks for. Undo takes all of it back at once.
pub fn apply(state: &mut AppState, workers: &dyn Workers, gesture: Gesture, effects: &mut Vec<Effect>) {
    let before = gesture.actions.iter().any(remembers).then(|| memento(state));
    let (workspace, mut changed) = (state.workspace, false);
    for action in gesture.actions {
        let remembered = remembers(&action).then(|| memento(state));
        match action {
            Action::Undo => undo(state),
            Action::Redo => redo(state),
            Action::Copy(text) => effects.push(Effect::Copy(text)),
            Action::Quit => effects.push(Effect::Quit),
            Action::QuitNow => {
                state.forced = true;
                effects.push(Effect::Quit);
            }
            Action::AskPath(purpose) => effects.push(Effect::FileDialog(purpose)),
            other => apply_plain(state, workers, other),
        }
        networks::follow(state);
        changed |= remembered.is_some_and(|b| b != memento(state) || state.workspace != workspace);
    }
    if let Some(before) = before.filter(|_| changed) {
        let led_elsewhere = (state.workspace != workspace).then_some(workspace);
        keep_step(state, Memento { workspace: led_elsewhere, ..before }, gesture.id);
    }
}

/// Makes an undo step of what was before a gesture, or lets the step it began with stand for all of it.
fn keep_step(state: &mut AppState, before: Memento, gesture: Option<u64>) {
    state.redo.clear();
    let goes_on = gesture.is_some() && state.undo_gesture == gesture;
    state.undo_gesture = gesture;
    match state.undo.last_mut().filter(|_| goes_on) {
        Some(step) => step.workspace = step.workspace.or(before.workspace),
        None => state.undo.push(before),
    }
    if state.undo.len() > UNDO_DEPTH {
        state.undo.remove(0);
    }
}

/// Wishes that undo takes back. Moving through time is not among them: it would bury everything else.
fn remembers(action: &Action) -> bool {
    let moves_focus_only = matches!(action, Action::SetActiveView(_));
    (chooses(action) && !moves_focus_only) || changes_drawing(action) || matches!(action, Action::Error(_))
}

/// Wishes that [`choose`] fulfils.
fn chooses(action: &Action) -> bool {
    matches!(
        action,
        Action::SelectVideo(_)
            | Action::StepVideo(_)
            | Action::SelectClip(_)
            | Action::ReviewClip(_)
            | Action::FollowPlayhead
            | Action::SelectClass(_)
            | Action::SelectCell(_)
            | Action::SelectRun(_)
            | Action::SelectCheckpoint(_)
            | Action::UseNetwork(_)
            | Action::SelectSplit(_)
            | Action::SetHeatView(..)
            | Action::SetViewCount(_)
            | Action::SetActiveView(_)
            | Action::CycleMethod
            | Action::SetFilter(_)
    )
}

/// Wishes that [`draw_settings`] fulfils.
fn changes_drawing(action: &Action) -> bool {
    matches!(
        action,
        Action::SetView(_)
            | Action::ToggleHeat
            | Action::ToggleMask
            | Action::ToggleSkeleton
            | Action::ToggleCaption
            | Action::ChangeAlpha(_)
    )
}

fn apply_plain(state: &mut AppState, workers: &dyn Workers, action: Action) {
    match action {
        chosen if chooses(&chosen) => choose(state, chosen),
        drawing if changes_drawing(&drawing) => draw_settings(state, drawing),
        Action::PathChosen(purpose, path) => opening::path_chosen(state, workers, purpose, path),
        Action::NoFileDialog(purpose) => {
            opening::no_file_dialog(
                state,
                workers,
                purpose,
                "This system shows no file dialog: type the path here instead.",
            );
        }
        Action::FileDialogFailed(purpose, reason) => {
            let told =
                format!("The file dialog of this system ended by an internal error ({reason}): type the path instead.");
            say(state, Severity::Error, "file dialog", told.clone());
            opening::no_file_dialog(state, workers, purpose, &told);
        }
        Action::OpenAny(path) => opening::any(state, workers, path),
        Action::OpenDataset(path) => opening::dataset(state, workers, path),
        Action::OpenRun(path) => opening::run(state, workers, path),
        Action::MakeDemo(dir) => opening::demo(state, workers, dir),
        Action::OpenDemo => looking::await_answer(state, workers, Question::DemoFolder, Then::Demo),
        Action::ReloadDataset => opening::reload(state, workers),
        Action::CloseDataset => opening::close_dataset(state),
        Action::CloseRun(path) => opening::close_run(state, &path),
        Action::ClearRecent => state.recent.clear(),
        Action::Seek(_) | Action::Step(_) | Action::First | Action::Last | Action::Edge(_) | Action::Error(_) => {
            time::seek(state, &action);
        }
        Action::TogglePlay | Action::ChangeSpeed(_) | Action::SetSpeed(_) | Action::ToggleLoop => {
            time::transport(state, &action);
        }
        Action::StartTraining { .. }
        | Action::Control(..)
        | Action::Evaluate(..)
        | Action::AskClasses(..)
        | Action::SetClasses(..)
        | Action::PredictVideo
        | Action::ExplainVideo
        | Action::Export(_)
        | Action::AskExport
        | Action::SetNote(..)
        | Action::MeasureBody(_)
        | Action::AskImport(_)
        | Action::Import { .. }
        | Action::LookIntoWeights(_)
        | Action::StopAndQuit
        | Action::ClearJobs => work(state, workers, action),
        _ => window(state, action),
    }
}

fn choose(state: &mut AppState, action: Action) {
    let selection = &mut state.selection;
    match action {
        Action::SelectVideo(name) => time::select_video(state, &name),
        Action::StepVideo(by) => time::step_video(state, by),
        Action::SelectClip(clip) => time::select_clip(state, clip),
        Action::ReviewClip(clip) => {
            time::select_clip(state, clip);
            state.workspace = Workspace::Review;
            state.welcome = false;
        }
        Action::FollowPlayhead => selection.clip = None,
        Action::SelectClass(class) => selection.class = class,
        Action::SelectCell(cell) => selection.cell = cell,
        Action::SelectRun(_) | Action::SelectCheckpoint(_) | Action::UseNetwork(_) => networks::choose(state, action),
        Action::SelectSplit(split) => {
            selection.split = split;
            selection.cell = None;
        }
        Action::SetHeatView(index, view) => {
            if let Some(slot) = selection.views.get_mut(index) {
                *slot = view;
            }
            state.explain.retry();
        }
        Action::SetViewCount(count) => set_view_count(state, count),
        Action::SetActiveView(index) => selection.activate(index),
        Action::CycleMethod => {
            let active = selection.active_view;
            if let Some(view) = selection.views.get_mut(active) {
                view.method = method_after(&view.method);
            }
        }
        Action::SetFilter(filter) => {
            state.filter = filter;
            opening::refilter(state);
        }
        _ => {}
    }
}

/// The method after this one in the registry, wrapping around.
fn method_after(id: &str) -> String {
    let next = cam::METHODS.iter().position(|m| m.id == id).map_or(0, |i| (i + 1) % cam::METHODS.len().max(1));
    cam::METHODS.get(next).map_or_else(|| id.to_owned(), |m| m.id.to_owned())
}

/// More views differ by method, so that a second one shows something at once.
fn set_view_count(state: &mut AppState, count: usize) {
    let count = count.clamp(1, 4);
    let selection = &mut state.selection;
    // The active view and its network stay, also where fewer are left.
    selection.settle();
    if selection.active_view >= count {
        selection.views.swap(0, selection.active_view);
        selection.networks.swap(0, selection.active_view);
        state.explain.swap_views(0, selection.active_view);
        selection.active_view = 0;
    }
    selection.views.truncate(count);
    selection.networks.truncate(count);
    while selection.views.len() < count {
        let mut view = selection.views.last().cloned().unwrap_or_else(default_view);
        view.method = method_after(&view.method);
        selection.networks.push(selection.networks.last().cloned().flatten());
        selection.views.push(view);
    }
}

fn draw_settings(state: &mut AppState, action: Action) {
    let view = &mut state.view;
    match action {
        Action::SetView(settings) => *view = settings,
        Action::ToggleHeat => view.heat = !view.heat,
        Action::ToggleMask => view.mask = !view.mask,
        Action::ToggleSkeleton => view.skeleton = !view.skeleton,
        Action::ToggleCaption => view.caption = !view.caption,
        // In hundredths, as its slider shows it: the slider would correct anything else, which is another change.
        Action::ChangeAlpha(by) => view.alpha = ((view.alpha + by).clamp(0.0, 1.0) * 100.0).round() / 100.0,
        _ => {}
    }
}

fn work(state: &mut AppState, workers: &dyn Workers, action: Action) {
    match action {
        Action::StartTraining { config, out, resume } => {
            let Some(dataset) = state.dataset.clone() else {
                return say(state, Severity::Error, "train", "There is no dataset to train on: open one first.");
            };
            if state.live_training().is_some() {
                return say(
                    state,
                    Severity::Warning,
                    "train",
                    "A training is running: stop it before starting another.",
                );
            }
            events::begin_training(state, workers, dataset, *config, out, resume);
        }
        Action::Control(job, flow) => control(state, workers, job, flow),
        Action::Evaluate(checkpoint, split) => networks::evaluate(state, workers, checkpoint, split),
        Action::AskClasses(run, then) => networks::ask_classes(state, &run, then),
        Action::SetClasses(run, said, then) => networks::set_classes(state, workers, run, said, then),
        Action::PredictVideo => predict_video(state, workers),
        Action::ExplainVideo => explain_video(state, workers),
        Action::Export(request) => {
            state.dialog = None;
            start(state, workers, *request, false);
        }
        Action::AskExport => ask_export(state, workers),
        Action::SetNote(clip, note) => notes::set(state, &clip, note),
        Action::MeasureBody(clips) => measure_body(state, workers, clips),
        Action::AskImport(weights) => importing::ask(state, weights),
        Action::Import { weights, config, classes, out } => {
            state.dialog = None;
            start(state, workers, ImportWeights { weights, config, classes, out, force: false }, false);
        }
        Action::LookIntoWeights(wish) if state.weights.get(&wish).is_none() => {
            let id = start(state, workers, wish.job(), true);
            state.weights.asked(wish, id);
        }
        Action::StopAndQuit => {
            // What a stop does not end is waited for.
            let ends = |j: &&JobView| j.status.is_live() && j.job.on_stop() != OnStop::Ignored;
            let running: Vec<JobId> = state.jobs.iter().filter(ends).map(|j| j.id).collect();
            for job in running {
                control(state, workers, job, Flow::Stop);
            }
            state.leaving = true;
        }
        Action::ClearJobs => state.jobs.retain(|j| j.status.is_live()),
        _ => {}
    }
}

fn control(state: &mut AppState, workers: &dyn Workers, id: JobId, flow: Flow) {
    let Some(job) = state.jobs.iter_mut().find(|j| j.id == id && j.status.is_live()) else { return };
    job.status = match flow {
        Flow::Continue if job.started.is_none() => JobStatus::Queued,
        Flow::Continue => JobStatus::Running,
        Flow::Pause => JobStatus::Paused,
        Flow::Finish | Flow::Stop => JobStatus::Stopping,
    };
    workers.control(id, flow);
}

/// Asks for the predictions along the chosen video; does nothing while that is under way.
pub(super) fn predict_video(state: &mut AppState, workers: &dyn Workers) {
    let (Some(checkpoint), Some(dataset), Some(video)) =
        (state.selection.checkpoint_ref(), state.dataset.clone(), state.selection.video.clone())
    else {
        return say(state, Severity::Warning, "predict", "Choose a video and a run first.");
    };
    let same = |j: &JobView| {
        j.status.is_live()
            && matches!(&j.job, Job::PredictVideo(kind) if kind.checkpoint == checkpoint && kind.video == video)
    };
    if !state.jobs.iter().any(same) {
        start(state, workers, PredictVideo { checkpoint, dataset, video }, false);
    }
}

fn explain_video(state: &mut AppState, workers: &dyn Workers) {
    let (Some(checkpoint), Some(dataset), Some(video)) =
        (state.selection.checkpoint_ref(), state.dataset.clone(), state.selection.video.clone())
    else {
        return say(state, Severity::Warning, "heatmap", "Choose a video and a run first.");
    };
    let (_, stride) = state.window_geometry();
    let clips = (0..state.frames()).step_by(stride as usize);
    let clips: Vec<ClipRef> = clips.map(|start| ClipRef { video: video.clone(), start }).collect();
    let (maps, class_match) = (vec![state.selection.view()], state.class_match(&checkpoint.run));
    let request = ExplainRequest { checkpoint, dataset, clips, maps, on_body: false, class_match };
    start(state, workers, request, false);
}

fn measure_body(state: &mut AppState, workers: &dyn Workers, clips: Vec<ClipRef>) {
    let (Some(checkpoint), Some(dataset)) = (state.selection.checkpoint_ref(), state.dataset.clone()) else { return };
    let (maps, class_match) = (vec![state.selection.view()], state.class_match(&checkpoint.run));
    let request = ExplainRequest { checkpoint, dataset, clips, maps, on_body: true, class_match };
    start(state, workers, request, false);
}

fn ask_export(state: &mut AppState, workers: &dyn Workers) {
    let Some(run) = state.run().map(|r| r.path.clone()) else {
        return say(state, Severity::Warning, "export", "Choose a run first: its heatmaps are what is exported.");
    };
    // Whether a folder may be written to depends on how it is now.
    state.disk.forget();
    state.dialog = Some(Dialog::Export(ExportForm {
        this_clip: state.selection.video.is_some(),
        num_samples: 8,
        misclassified_only: false,
        alpha: state.view.alpha,
        fps: 10.0,
        out: String::new(),
        replace: false,
    }));
    looking::await_answer(state, workers, Question::ExportFolder(run), Then::Suggest);
}

fn window(state: &mut AppState, action: Action) {
    match action {
        Action::SetWorkspace(workspace) => {
            state.workspace = workspace;
            state.welcome = false;
        }
        Action::SetDialog(Some(Dialog::Import(form))) => importing::set(state, *form),
        // Help over a dialog covers it and must not lose what was typed there.
        Action::SetDialog(Some(Dialog::Keys)) if state.dialog.as_ref().is_some_and(|d| *d != Dialog::Keys) => {
            state.keys_over = true;
        }
        Action::SetDialog(None) if state.keys_over => state.keys_over = false,
        Action::SetDialog(dialog) => state.dialog = dialog,
        Action::OpenPalette => state.dialog = Some(Dialog::Palette { query: String::new(), chosen: 0 }),
        Action::ShowMessages(on) => state.show_messages = on,
        Action::ClearMessages => state.messages.clear(),
        Action::ShowJobs(on) => state.show_jobs = on,
        Action::ShowWelcome(on) => state.welcome = on,
        Action::SetTheme(theme) => state.theme = theme,
        Action::ToggleTheme => {
            state.theme = match state.theme {
                ThemeChoice::Dark => ThemeChoice::Light,
                ThemeChoice::Light => ThemeChoice::Dark,
            }
        }
        Action::ResetLayout => state.layout_generation += 1,
        Action::ShowEpoch(epoch) => state.epoch_shown = epoch,
        Action::SetOrder(order) => state.order = order,
        Action::SetDraft(draft) => state.draft = *draft,
        Action::Arrange(arrangement) => {
            if let Some(run) = state.selection.run.clone() {
                state.arrangements.keep_run(&run, arrangement);
            }
        }
        _ => {}
    }
}

fn memento(state: &AppState) -> Memento {
    let (selection, view, filter) = (state.selection.clone(), state.view.clone(), state.filter.clone());
    Memento { selection, view, filter, workspace: None }
}

/// Brings back a memento; what was before is the memento of the way back.
fn restore(state: &mut AppState, memento: Memento) -> Memento {
    let mut back = self::memento(state);
    state.selection = memento.selection;
    state.view = memento.view;
    state.filter = memento.filter;
    if let Some(workspace) = memento.workspace {
        back.workspace = Some(std::mem::replace(&mut state.workspace, workspace));
    }
    state.undo_gesture = None;
    opening::refilter(state);
    back
}

fn undo(state: &mut AppState) {
    if let Some(step) = state.undo.pop() {
        let back = restore(state, step);
        state.redo.push(back);
    }
}

fn redo(state: &mut AppState) {
    if let Some(step) = state.redo.pop() {
        let back = restore(state, step);
        state.undo.push(back);
    }
}

/// Hands a job to its lane and lists it.
pub(super) fn start(state: &mut AppState, workers: &dyn Workers, job: impl Into<Job>, quiet: bool) -> JobId {
    let job = job.into();
    let id = workers.start(job.clone());
    state.jobs.push(JobView {
        id,
        title: job.title(),
        quiet,
        status: JobStatus::Queued,
        stage: None,
        fraction: None,
        eta_s: None,
        started: None,
        ended: None,
        job,
    });
    // The list is for people; ended quiet work is of no interest to them.
    if state.jobs.len() > 200 {
        let drop = state.jobs.iter().position(|j| !j.status.is_live());
        drop.map(|i| state.jobs.remove(i));
    }
    id
}

/// Adds a sentence to the message list.
pub(super) fn say(state: &mut AppState, severity: Severity, source: &str, text: impl Into<String>) {
    let text = text.into();
    if let Some(last) = state.messages.last_mut()
        && last.text == text
        && last.source == source
    {
        last.count += 1;
        last.at = Instant::now();
        return;
    }
    state.messages.push(Message { severity, text, source: source.to_owned(), at: Instant::now(), count: 1 });
    if state.messages.len() > 1000 {
        state.messages.remove(0);
    }
}

/// Keeps the explanation of the shown clip coming; returns when to look again.
pub fn keep_explaining(state: &mut AppState, workers: &dyn Workers, now: Instant) -> Option<Duration> {
    let wanted = explain::wanted(state);
    let step = state.explain.step(wanted, now);
    match step {
        explain::Step::Idle => None,
        explain::Step::Wait(time) => Some(time),
        explain::Step::Abandon(job) => {
            workers.control(job, Flow::Stop);
            None
        }
        explain::Step::Start(wish) => {
            if let Some(job) = explain::job_of(state, &wish) {
                let id = start(state, workers, job, true);
                state.explain.started(id, wish);
            }
            None
        }
    }
}

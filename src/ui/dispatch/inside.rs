//! Looking inside networks: choosing layers and channels, asking for their outputs, kernels and surveys.

use super::Effect;
use super::outbox::{say, start};
use crate::jobs::kinds::ReadKernels;
use crate::jobs::{JobId, Output};
use crate::progress::Flow;
use crate::ui::action::InsideAction;
use crate::ui::inside;
use crate::ui::state::{AppState, LookStep, PathPurpose, Severity};
use crate::ui::workers::Workers;
use std::time::{Duration, Instant};

/// Why there is no page.
const NO_PAGE: &str = "A page is made for a clip: choose one in Data or Evaluate, and a run.";
/// The source of what is said here.
const SOURCE: &str = "inside";

pub(super) fn fulfil(state: &mut AppState, workers: &dyn Workers, action: InsideAction, effects: &mut Vec<Effect>) {
    match action {
        InsideAction::ChooseLayer(layer) => choose_layer(state, layer),
        InsideAction::ChooseChannel(layer, channel) => state.inside.choose_channel(layer, channel),
        InsideAction::Show(settings) => {
            state.inside.settings = settings;
            state.inside.retry();
        }
        InsideAction::Measure => measure(state, workers),
        InsideAction::ReadKernels(query) => {
            let layers = vec![query.layer.clone()];
            let job = ReadKernels { checkpoint: query.checkpoint.clone(), layers, over_checkpoints: false };
            let id = start(state, workers, job, true);
            state.inside.reads_kernels(id, query);
        }
        InsideAction::ReadMotion => read_motion(state, workers),
        InsideAction::SetSurvey(form) => state.inside.form = form,
        InsideAction::Survey => survey(state, workers),
        InsideAction::SaveDrawing(svg) => {
            state.inside.drawing = Some(svg);
            effects.push(Effect::FileDialog(PathPurpose::Drawing));
        }
        InsideAction::SavePage => match inside::page_job(state, std::path::PathBuf::new()) {
            Some(_) => effects.push(Effect::FileDialog(PathPurpose::InsidePage)),
            None => say(state, Severity::Warning, SOURCE, NO_PAGE),
        },
    }
}

/// Looks at a layer, with the heatmap of the active view where one can be made at it.
fn choose_layer(state: &mut AppState, layer: String) {
    let Some(run) = state.run().cloned() else { return };
    let active = state.selection.active_view;
    if run.layers.contains(&layer)
        && let Some(view) = state.selection.views.get_mut(active)
    {
        view.layer = Some(layer.clone());
        state.explain.retry();
    }
    let beside = state.selection.view().layer;
    state.inside.choose(run.path.clone(), layer, beside);
    state.inside.retry();
}

fn measure(state: &mut AppState, workers: &dyn Workers) {
    let Some(job) = inside::measure_job(state) else {
        let text = "Layers are measured with a clip: choose one in Data or Evaluate, and a run.";
        return say(state, Severity::Warning, SOURCE, text);
    };
    let run = job.checkpoint.run.clone();
    if state.inside.measuring(&run).is_none() {
        let id = start(state, workers, job, false);
        state.inside.measures(id, run);
    }
}

fn read_motion(state: &mut AppState, workers: &dyn Workers) {
    let Some(checkpoint) = state.selection.checkpoint_ref() else { return };
    let run = checkpoint.run.clone();
    if state.inside.reading_motion(&run).is_none() {
        let job = ReadKernels { checkpoint, layers: Vec::new(), over_checkpoints: true };
        let id = start(state, workers, job, false);
        state.inside.reads_motion(id, run);
    }
}

/// Has the page written to a file.
pub(super) fn write_page(state: &mut AppState, workers: &dyn Workers, out: std::path::PathBuf) {
    match inside::page_job(state, out) {
        Some(job) => drop(start(state, workers, job, false)),
        None => say(state, Severity::Warning, SOURCE, NO_PAGE),
    }
}

fn survey(state: &mut AppState, workers: &dyn Workers) {
    let form = state.inside.form;
    let checkpoint = state.selection.checkpoint_ref();
    let Some(job) = checkpoint.and_then(|c| inside::survey_job(state, c, form)) else {
        let text = "A survey needs a dataset and a run: open both first.";
        return say(state, Severity::Warning, SOURCE, text);
    };
    let checkpoint = job.checkpoint.clone();
    if state.inside.surveying().is_none() {
        let id = start(state, workers, job, false);
        state.inside.surveys(id, checkpoint);
    }
}

/// Keeps the layers on screen coming, and frees those of other clips; returns when to look again.
pub fn keep_looking(state: &mut AppState, workers: &dyn Workers, now: Instant) -> Option<Duration> {
    let (checkpoint, clip) = (state.selection.checkpoint_ref(), state.explained_clip());
    state.inside.keep_only(checkpoint.as_ref().zip(clip.as_ref()));
    let wanted = inside::wanted(state);
    match state.inside.step(&wanted, now) {
        LookStep::Idle => None,
        LookStep::Wait(time) => Some(time),
        LookStep::Abandon(job) => {
            workers.control(job, Flow::Stop);
            None
        }
        LookStep::Start(query) => {
            if let Some(job) = inside::job_of(state, &query) {
                let id = start(state, workers, job, true);
                state.inside.started(id, query);
            }
            None
        }
    }
}

/// Takes over what a job answered.
pub(super) fn answered(state: &mut AppState, job: JobId, output: Output) {
    match output {
        Output::Inside(view) => state.inside.looked(job, view),
        Output::Kernels(view) => state.inside.read(job, view),
        Output::Survey(survey) => state.inside.surveyed(job, survey),
        _ => {}
    }
}

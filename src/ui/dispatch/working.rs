//! Starting work, ending it, and asking for what it needs.

use super::looking;
use super::outbox::{control, say, start};
use super::{following, indexing, leading, networks, notes, watching};
use crate::config::RunConfig;
use crate::jobs::kinds::{FindRate, PredictVideo};
use crate::jobs::{ClipRef, ExplainRequest, Job, JobId, OnStop, SplitChoice};
use crate::progress::Flow;
use crate::train::RateRange;
use crate::ui::action::WorkAction;
use crate::ui::disk::{Question, Then};
use crate::ui::state::{AppState, Dialog, ExportForm, JobView, LabelExportForm, RateView, Severity};
use crate::ui::workers::Workers;

pub(super) fn fulfil(state: &mut AppState, workers: &dyn Workers, action: WorkAction) {
    match action {
        WorkAction::StartTraining { config, out, resume } => leading::train(state, workers, *config, out, resume),
        WorkAction::FindRate(config) => find_rate(state, workers, *config),
        WorkAction::UseRate(rate) => state.chosen_rate = (state.chosen_rate.0 + 1, rate),
        WorkAction::Control(job, flow) => control(state, workers, job, flow),
        WorkAction::Evaluate(checkpoint, split) => networks::evaluate(state, workers, checkpoint, split),
        WorkAction::StartDraft => leading::start_draft(state, workers),
        WorkAction::ControlTraining(flow) => {
            if let Some(job) = state.live_training().map(|(live, _)| live.job) {
                control(state, workers, job, flow);
            }
        }
        WorkAction::AskWatched(flow) => watching::ask(state, workers, flow),
        WorkAction::EvaluateInUse(split) => leading::evaluate(state, workers, split),
        WorkAction::Next(step) => leading::next(state, workers, step),
        WorkAction::FollowTraining(on) => following::set(state, workers, on),
        WorkAction::AskClasses(run, then) => networks::ask_classes(state, &run, then),
        WorkAction::SetClasses(run, said, then) => networks::set_classes(state, workers, run, said, then),
        WorkAction::PredictVideo => predict_video(state, workers),
        WorkAction::ExplainVideo => explain_video(state, workers),
        WorkAction::Export(request) => {
            state.dialog = None;
            start(state, workers, *request, false);
        }
        WorkAction::AskExport => ask_export(state, workers),
        WorkAction::ExportLabels(kind) => {
            state.dialog = None;
            start(state, workers, *kind, false);
        }
        WorkAction::AskExportLabels => ask_export_labels(state, workers),
        WorkAction::SetNote(clip, note) => notes::set(state, &clip, note),
        WorkAction::MeasureBody(clips) => measure_body(state, workers, clips),
        WorkAction::StopAndQuit => {
            // What a stop does not end is waited for.
            let ends = |j: &&JobView| j.status.is_live() && j.job.on_stop() != OnStop::Ignored;
            let running: Vec<JobId> = state.jobs.iter().filter(ends).map(|j| j.id).collect();
            for job in running {
                control(state, workers, job, Flow::Stop);
            }
            state.leaving = true;
        }
        WorkAction::IndexFirst(positions) => state.index.first = positions,
        WorkAction::IndexOn => indexing::go_on(state, workers),
        WorkAction::PreviewAugmentation(query) => {
            if let Some(job) = query.job().filter(|_| state.augmentation.lacks(&query)) {
                let id = start(state, workers, job, true);
                state.augmentation.asked(*query, id);
            }
        }
        WorkAction::ClearJobs => state.jobs.retain(|j| j.status.is_live()),
    }
}

fn find_rate(state: &mut AppState, workers: &dyn Workers, config: RunConfig) {
    let Some(dataset) = state.dataset.clone() else {
        return say(state, Severity::Error, "learning rate", "There is no dataset to train on: open one first.");
    };
    if state.live_job(|job| matches!(job, Job::FindRate(_))).is_some() {
        return;
    }
    let config = Box::new(state.reading.training(&dataset, config));
    let job = start(state, workers, FindRate { dataset, config, range: RateRange::default() }, false);
    state.rate_test = RateView { job: Some(job), ..RateView::default() };
}

/// Asks for the predictions along the chosen video; does nothing while that is under way.
fn predict_video(state: &mut AppState, workers: &dyn Workers) {
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
    let clips: Vec<ClipRef> = clips.map(|start| ClipRef::window(&video, start)).collect();
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

fn ask_export_labels(state: &mut AppState, workers: &dyn Workers) {
    let Some(root) = state.dataset.as_ref().map(|d| d.root.clone()) else {
        return say(state, Severity::Warning, "labels", "Open a dataset first: its labels are what is exported.");
    };
    state.disk.forget();
    state.dialog = Some(Dialog::ExportLabels(LabelExportForm {
        tool: None,
        split: SplitChoice::All,
        predictions: false,
        out: String::new(),
        replace: false,
    }));
    looking::await_answer(state, workers, Question::LabelFolder(root), Then::Suggest);
}

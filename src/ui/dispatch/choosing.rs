//! Choosing what is looked at: videos, clips, classes, cells, networks, views, the filter.

use super::{marking, networks, opening, time};
use crate::cam;
use crate::domain::PoolingRule;
use crate::jobs::{CheckpointRef, ClipRef, HeatRequest, SplitChoice, TargetClass};
use crate::ui::action::ChooseAction;
use crate::ui::selection::default_view;
use crate::ui::state::{AppState, Workspace};

pub(super) fn fulfil(state: &mut AppState, action: ChooseAction) {
    let selection = &mut state.selection;
    match action {
        ChooseAction::SelectVideo(name) => time::select_video(state, &name),
        ChooseAction::StepVideo(by) => time::step_video(state, by),
        ChooseAction::SelectClip(clip) => time::select_clip(state, clip),
        ChooseAction::ReviewClip(clip) => {
            time::select_clip(state, clip);
            state.workspace = Workspace::Review;
            state.welcome = false;
        }
        ChooseAction::ReviewBoth(clip, networks, split) => review_both(state, clip, *networks, split),
        ChooseAction::SelectView(clip, view) => time::select_view(state, clip, view),
        ChooseAction::StepView(by) => time::step_view(state, by),
        ChooseAction::FollowPlayhead => (selection.clip, selection.seen) = (None, None),
        ChooseAction::SelectClass(class) => selection.class = class,
        ChooseAction::SelectCell(cell) => selection.cell = cell,
        ChooseAction::SelectRun(run) => networks::use_run(state, run),
        ChooseAction::SelectCheckpoint(name) => networks::use_checkpoint(state, name),
        ChooseAction::UseNetwork(checkpoint) => networks::use_network(state, checkpoint),
        ChooseAction::SelectSplit(split) => {
            selection.split = split;
            selection.cell = None;
        }
        ChooseAction::SetHeatView(index, view) => {
            if let Some(slot) = selection.views.get_mut(index) {
                *slot = view;
            }
            state.explain.retry();
        }
        ChooseAction::SetViewCount(count) => set_view_count(state, count),
        ChooseAction::SetActiveView(index) => selection.activate(index),
        ChooseAction::CycleMethod => {
            let active = selection.active_view;
            if let Some(view) = selection.views.get_mut(active) {
                view.method = method_after(&view.method);
            }
        }
        ChooseAction::Mark(marks) => marking::mark(state, marks),
        ChooseAction::TagVideos(videos, tag, on) => marking::tag(state, &videos, &tag, on),
        ChooseAction::SetFilter(filter) => {
            state.filter = filter;
            opening::refilter(state);
        }
    }
}

/// Shows a clip with two networks: the first two views are of these and show the same map.
fn review_both(state: &mut AppState, clip: ClipRef, networks: [CheckpointRef; 2], split: SplitChoice) {
    let selection = &mut state.selection;
    selection.split = split;
    let method = HeatRequest { layer: None, target: TargetClass::Predicted, against: None, ..selection.view() };
    if selection.views.len() < 2 {
        selection.views = vec![method.clone(); 2];
    }
    for (view, network) in networks.into_iter().enumerate().rev() {
        selection.activate(view);
        selection.use_network(Some(network.run), network.name);
        if let Some(slot) = selection.views.get_mut(view) {
            slot.clone_from(&method);
        }
    }
    state.explain.retry();
    time::select_clip(state, clip);
    state.workspace = Workspace::Review;
    state.welcome = false;
}

/// The method after this one in the registry, wrapping around.
fn method_after(id: &str) -> String {
    let next = cam::METHODS.iter().position(|m| m.id == id).map_or(0, |i| (i + 1) % cam::METHODS.len().max(1));
    cam::METHODS.get(next).map_or_else(|| id.to_owned(), |m| m.id.to_owned())
}

/// A further view that shows something else at once: another method, then the class of the label instead of the predicted
/// one, then a weight for each time step.
fn next_view(views: &[HeatRequest]) -> HeatRequest {
    let first = views.first().cloned().unwrap_or_else(default_view);
    let wanted = match views.len() {
        0 | 1 => HeatRequest { method: method_after(&first.method), ..first.clone() },
        2 => {
            let target = match first.target {
                TargetClass::True => TargetClass::Predicted,
                TargetClass::Predicted | TargetClass::Class(_) => TargetClass::True,
            };
            HeatRequest { target, against: None, ..first.clone() }
        }
        _ => {
            let pooling = match first.pooling {
                PoolingRule::SpaceTime => PoolingRule::PerTimeStep,
                PoolingRule::PerTimeStep => PoolingRule::SpaceTime,
            };
            HeatRequest { pooling, ..first.clone() }
        }
    };
    // Never what another view shows already.
    if views.contains(&wanted) { HeatRequest { method: method_after(&wanted.method), ..wanted } } else { wanted }
}

/// Shows so many views.
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
        let view = next_view(&selection.views);
        selection.networks.push(selection.networks.last().cloned().flatten());
        selection.views.push(view);
    }
}

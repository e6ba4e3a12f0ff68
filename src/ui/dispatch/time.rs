//! Moving through videos, clips and frames.

use super::outbox::say;
use crate::domain::Cut;
use crate::jobs::ClipRef;
use crate::ui::action::TimeAction;
use crate::ui::state::{AppState, Playback, Severity};

/// Chooses a video; its first frame becomes current.
pub(super) fn select_video(state: &mut AppState, name: &str) {
    if !state.video_by_name.contains_key(name) {
        return say(
            state,
            Severity::Warning,
            "select",
            format!("The open dataset has no video '{name}': open the dataset the clip comes from."),
        );
    }
    if state.selection.video.as_deref() != Some(name) {
        state.selection.video = Some(name.to_owned());
        state.selection.frame = 0;
        (state.selection.clip, state.selection.seen) = (None, None);
        state.playback.playing = false;
    }
}

/// Chooses a neighbour in the filtered list.
pub(super) fn step_video(state: &mut AppState, by: i64) {
    let Some(dataset) = state.dataset.clone() else { return };
    let list = &state.filtered;
    let current = state.video().and_then(|(i, _)| list.iter().position(|v| *v == i));
    let last = list.len() as i64 - 1;
    let next = match current {
        Some(at) => (at as i64 + by).clamp(0, last.max(0)),
        None => 0,
    };
    if let Some(video) = list.get(next as usize).and_then(|i| dataset.videos.get(*i)) {
        select_video(state, &video.name);
    }
}

/// Chooses a clip and goes to its first frame.
pub(super) fn select_clip(state: &mut AppState, clip: ClipRef) {
    select_video(state, &clip.video);
    if state.selection.video.as_ref() == Some(&clip.video) {
        state.selection.frame = clip.start.min(state.frames().saturating_sub(1));
        state.playback.playing = false;
        (state.selection.clip, state.selection.seen) = (Some(clip), None);
    }
}

/// Chooses a clip and a view of it, and goes to the first frame that is shown.
pub(super) fn select_view(state: &mut AppState, clip: ClipRef, view: Option<ClipRef>) {
    select_clip(state, clip);
    if state.selection.clip.is_none() {
        return;
    }
    state.selection.seen = view;
    if let Some(first) = state.frames_of_view().and_then(|frames| frames.first().copied()) {
        state.selection.frame = first;
    }
}

/// Goes to another view of the clip under the playhead; before the first and behind the last is the clip as one look.
pub(super) fn step_view(state: &mut AppState, by: i64) {
    let Some(clip) = state.clip_with_views() else { return };
    let views = state.views(&clip);
    if views.is_empty() {
        return say(
            state,
            Severity::Info,
            "views",
            "The run in use sees each clip once: clip.clips and clip.crops of its configuration are 1.",
        );
    }
    let now = state.selection.view_of(&clip).and_then(|seen| views.iter().position(|v| v == seen));
    let places = views.len() as i64 + 1;
    let next = (now.map_or(0, |at| at as i64 + 1) + by).rem_euclid(places);
    let view = usize::try_from(next - 1).ok().and_then(|at| views.get(at)).cloned();
    select_view(state, clip, view);
}

/// The frame of a view that lies `by` places from the one shown.
fn step_in_view(frames: &[u32], now: u32, by: i64) -> Option<u32> {
    let at = frames.partition_point(|f| *f <= now).saturating_sub(1) as i64;
    let last = frames.len() as i64 - 1;
    frames.get(at.saturating_add(by).clamp(0, last.max(0)) as usize).copied()
}

/// Moves through time, or sets how time runs.
pub(super) fn fulfil(state: &mut AppState, action: TimeAction) {
    let now = i64::from(state.selection.frame);
    let last = state.frames().saturating_sub(1);
    match action {
        TimeAction::Seek(frame) => seek(state, i64::from(frame)),
        TimeAction::Step(by) => {
            if state.frames() > 0 {
                state.playback.playing = false;
            }
            match state.frames_of_view() {
                Some(frames) => {
                    let next = step_in_view(&frames, state.selection.frame, by);
                    seek(state, next.map_or(now, i64::from));
                }
                None => seek(state, now + by),
            }
        }
        TimeAction::First => seek(state, i64::from(first_and_last(state, last).0)),
        TimeAction::Last => seek(state, i64::from(first_and_last(state, last).1)),
        TimeAction::Edge(forward) => {
            if let Some(frame) = edge(state, state.selection.frame, last, forward) {
                seek(state, i64::from(frame));
            }
        }
        TimeAction::Error(forward) => {
            if state.frames() > 0 {
                next_error(state, forward);
            }
        }
        TimeAction::TogglePlay => {
            let (first, end) = first_and_last(state, last);
            let playback = &mut state.playback;
            playback.playing = !playback.playing && last > 0;
            playback.carry_s = 0.0;
            if playback.playing && !playback.loop_clip && state.selection.frame >= end {
                state.selection.frame = first;
            }
        }
        TimeAction::SetSpeed(speed) => state.playback.speed = speed.clamp(0.05, 16.0),
        TimeAction::ChangeSpeed(faster) => {
            let (speeds, now) = (Playback::SPEEDS, state.playback.speed);
            let next = if faster {
                speeds.iter().find(|s| **s > now + 1e-3)
            } else {
                speeds.iter().rfind(|s| **s < now - 1e-3)
            };
            state.playback.speed = next.copied().unwrap_or(now);
        }
        TimeAction::ToggleLoop => {
            state.playback.loop_clip = !state.playback.loop_clip;
            // Looping pins the clip one is in: otherwise the playhead would drag it along.
            if state.playback.loop_clip && state.selection.clip.is_none() {
                state.selection.clip = state.explained_clip();
            }
        }
    }
}

/// The first and the last frame there is to go to: of the view that is shown, or of the video.
fn first_and_last(state: &AppState, last: u32) -> (u32, u32) {
    let of_view = state.frames_of_view();
    of_view.and_then(|frames| Some((*frames.first()?, *frames.last()?))).unwrap_or((0, last))
}

/// Goes to a frame, or to the nearest the video has; in the clip of a view that is shown, to the nearest of the view.
fn seek(state: &mut AppState, frame: i64) {
    if let Some(last) = state.frames().checked_sub(1) {
        state.selection.frame = frame.clamp(0, i64::from(last)) as u32;
        state.playback.carry_s = 0.0;
        if let Some(frames) = state.frames_of_view() {
            let now = state.selection.frame;
            state.selection.frame = frames.into_iter().min_by_key(|f| f.abs_diff(now)).unwrap_or(now);
        }
    }
}

/// The next or previous first frame of a label segment (or of the gap after one).
fn edge(state: &AppState, now: u32, last: u32, forward: bool) -> Option<u32> {
    let (_, video) = state.video()?;
    let mut edges: Vec<u32> = video.class_spans().flat_map(|s| [s.start, s.end]).collect();
    edges.extend([0, last]);
    edges.retain(|e| *e <= last);
    edges.sort_unstable();
    edges.dedup();
    if forward { edges.into_iter().find(|e| *e > now) } else { edges.into_iter().rfind(|e| *e < now) }
}

/// The next or previous clip the network got wrong, in this video or a later one.
fn next_error(state: &mut AppState, forward: bool) {
    let Some(entry) = state.evaluation() else {
        return say(
            state,
            Severity::Info,
            "errors",
            "There is no evaluation of this run yet, so errors are not known: evaluate it first.",
        );
    };
    let wrong = state.errors_in_order(entry);
    let here = (state.video().map_or(0, |(i, _)| i), state.selection.frame);
    // The start of the clip one stands in counts as here, so that repeated presses move on.
    let here = match &state.selection.clip {
        Some(clip) if Some(&clip.video) == state.selection.video.as_ref() => (here.0, clip.start),
        _ => here,
    };
    let place = |(video, start, _): &(usize, u32, Cut)| (*video, *start);
    let chosen = if forward {
        wrong.iter().find(|w| place(w) > here).or(wrong.first())
    } else {
        wrong.iter().rfind(|w| place(w) < here).or(wrong.last())
    };
    let name = chosen.and_then(|(v, start, cut)| {
        let video = state.dataset.as_ref()?.videos.get(*v)?;
        Some(ClipRef { video: video.name.clone(), start: *start, cut: *cut })
    });
    match name {
        Some(clip) => select_clip(state, clip),
        None => say(state, Severity::Info, "errors", "This evaluation has no wrong clip in the open dataset."),
    }
}

/// Lets `seconds` of real time pass; returns how long until the next frame is due, `None` when time stands.
pub fn advance(state: &mut AppState, seconds: f64) -> Option<std::time::Duration> {
    if !state.playback.playing {
        return None;
    }
    let Some(last) = state.frames().checked_sub(1) else {
        state.playback.playing = false;
        return None;
    };
    let frame_s = 1.0 / (state.fps() * f64::from(state.playback.speed));
    // A long pause (a hidden window) must not jump far ahead.
    let passed = state.playback.carry_s + seconds.clamp(0.0, 0.5);
    let frames = (passed / frame_s).floor();
    state.playback.carry_s = passed - frames * frame_s;
    if let Some(of_view) = state.frames_of_view() {
        play_view(state, &of_view, frames as i64);
    } else {
        play_video(state, last, frames as u32);
    }
    let left = frame_s - state.playback.carry_s;
    state.playback.playing.then(|| std::time::Duration::from_secs_f64(left.clamp(0.001, 1.0)))
}

/// Lets the frames of a view go by one after another, as the network is shown them.
fn play_view(state: &mut AppState, frames: &[u32], by: i64) {
    let at = frames.partition_point(|f| *f <= state.selection.frame).saturating_sub(1) as i64;
    let next = at.saturating_add(by);
    let length = frames.len().max(1) as i64;
    if !state.playback.loop_clip && next >= length {
        state.playback.playing = false;
    }
    let at = if state.playback.loop_clip { next % length } else { next.min(length - 1) };
    if let Some(frame) = frames.get(at as usize) {
        state.selection.frame = *frame;
    }
}

/// Lets so many frames of the video go by.
fn play_video(state: &mut AppState, last: u32, by: u32) {
    let mut frame = state.selection.frame.saturating_add(by);
    let (span, _) = state.window_geometry();
    match &state.selection.clip {
        Some(clip) if state.playback.loop_clip && state.selection.video.as_ref() == Some(&clip.video) => {
            let length = clip.end(span).min(last + 1).saturating_sub(clip.start.min(last)).max(1);
            frame = clip.start.min(last) + frame.saturating_sub(clip.start.min(last)) % length;
        }
        _ if frame > last => {
            frame = last;
            state.playback.playing = false;
        }
        _ => {}
    }
    state.selection.frame = frame;
}

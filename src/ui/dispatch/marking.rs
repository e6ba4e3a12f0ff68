//! Picking out videos together, and tagging them.

use super::opening;
use crate::ui::state::{AppState, Marks, VideoTags};
use std::sync::Arc;

/// Picks out videos; those the dataset does not have are left out.
pub(super) fn mark(state: &mut AppState, mut marks: Marks) {
    marks.videos.retain(|name| state.video_by_name.contains_key(name));
    state.marks = marks;
}

/// Puts a tag on videos, or takes it off.
pub(super) fn tag(state: &mut AppState, videos: &[String], tag: &str, on: bool) {
    let known = videos.iter().filter(|name| state.video_by_name.contains_key(*name));
    let tags: &mut VideoTags = Arc::make_mut(&mut state.video_tags);
    for name in known {
        tags.set(name, tag, on);
    }
    opening::refilter(state);
}

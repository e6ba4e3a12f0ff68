//! Checks that there is a classification task: at least two classes.

use super::limited::Limited;
use crate::domain::{Dataset, Label, VideoEntry};
use std::collections::BTreeSet;

/// Tells of a dataset all of whose labels are of one class.
pub(super) fn tell(dataset: &Dataset, warnings: &mut Limited) {
    let segments = dataset.videos.iter().flat_map(VideoEntry::class_spans);
    let seen: BTreeSet<Label> = segments.map(|s| s.label).collect();
    let classes: Vec<usize> = seen.iter().filter_map(|l| l.class()).collect();
    let [only] = classes.as_slice() else { return };
    let background = seen.contains(&Label::Background);
    warnings.push("one class", &dataset.root, alone(dataset.classes.name(*only), background));
}

/// Why one class is no task, and what makes it one.
pub(super) fn alone(class: &str, background: bool) -> String {
    let advice = if background {
        "add examples of others, or set data.background_class to true to tell it from the background"
    } else {
        "add examples of others"
    };
    format!(
        "all labelled clips are of one class, '{class}': whoever always says so is right in 100 %, so there is nothing to \
         learn or to evaluate; {advice}"
    )
}

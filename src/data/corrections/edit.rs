//! From an edit of what is shown to corrections of what the files say.

use super::apply::joined;
use crate::domain::{Correction, Dataset, Instance, InstanceLabel, LabelledPart, VideoEntry};

/// One change of the labels of a video. Annotations go by their position in [`VideoEntry::instances`], frames from 0 with the end
/// outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelEdit {
    /// Gives an annotation other edges. Where frames have one label each, a neighbour that touched it moves along and others give
    /// way.
    Move {
        /// The annotation.
        part: usize,
        /// First frame.
        start: u32,
        /// One past the last frame.
        end: u32,
    },
    /// Moves the edge between annotations: those that end there, and those that begin there.
    Edge {
        /// First frame behind it.
        frame: u32,
        /// Where it goes.
        to: u32,
    },
    /// Gives an annotation another label.
    Relabel {
        /// The annotation.
        part: usize,
        /// What it shows.
        label: InstanceLabel,
    },
    /// Makes two annotations of one.
    Split {
        /// The annotation.
        part: usize,
        /// First frame of the second.
        at: u32,
        /// What the second shows.
        rest: InstanceLabel,
    },
    /// Takes an annotation away.
    Delete {
        /// The annotation.
        part: usize,
    },
    /// Labels some frames: an annotation of its own, or, where frames have one label each, in place of what they were.
    Paint {
        /// First frame.
        start: u32,
        /// One past the last frame.
        end: u32,
        /// What they show.
        label: InstanceLabel,
    },
}

/// Why no label of a dataset can be corrected as it is open now; `None` where labels can be.
pub fn labels_are_fixed(dataset: &Dataset) -> Option<&'static str> {
    dataset.mapped.is_some().then_some(
        "Corrections are of the classes in the files: take the label map off (Data, Label map…), correct, and put it on \
         again.",
    )
}

/// The corrections of a video after an edit, in place of those it has. `note` says why it was made.
///
/// # Errors
/// A sentence where the edit cannot be made.
pub fn edited(
    dataset: &Dataset,
    video: &VideoEntry,
    edit: &LabelEdit,
    made_unix: u64,
    note: &str,
) -> Result<Vec<Correction>, String> {
    if let Some(why) = labels_are_fixed(dataset) {
        return Err(why.into());
    }
    if video.frames() == 0 {
        return Err(format!(
            "{} was not looked into yet, or cannot be read: its labels cannot be corrected.",
            video.name
        ));
    }
    let runs = dataset.joins_runs();
    let now = changed(&video.instances, video.frames(), runs, edit)?;
    let kept = dataset.corrections.as_deref();
    let known = kept.and_then(|c| c.videos.get(&video.name));
    let source = known.map_or(video.instances.as_slice(), |k| k.source.as_slice());
    let unfit = |at: usize| known.is_some_and(|k| k.unfit.iter().any(|(place, _)| *place == at));
    let before = kept.map_or(&[][..], |c| c.all.of(&video.name));
    let (left, fit): (Vec<_>, Vec<_>) = before.iter().cloned().enumerate().partition(|(at, _)| unfit(*at));
    let fit: Vec<Correction> = fit.into_iter().map(|(_, c)| c).collect();
    let parts = |of: &[Instance]| of.iter().map(|i| LabelledPart::of(i, &dataset.classes)).collect();
    let mut out = between(parts(source), parts(&now), fit, made_unix, note);
    // Of runs they would keep all others from holding.
    if !runs {
        out.extend(left.into_iter().map(|(_, c)| c));
    }
    Ok(out)
}

/// The annotations after an edit.
fn changed(parts: &[Instance], frames: u32, runs: bool, edit: &LabelEdit) -> Result<Vec<Instance>, String> {
    let mut out = parts.to_vec();
    let gone = || "The annotation is not there any more.".to_owned();
    match edit {
        LabelEdit::Move { part, start, end } => {
            let (start, end) = within(*start, *end, frames)?;
            let old = out.get(*part).cloned().ok_or_else(gone)?;
            if runs {
                out.remove(*part);
                for other in &mut out {
                    if other.end == old.start && start > old.start {
                        other.end = start;
                    }
                    if other.start == old.end && end < old.end {
                        other.start = end;
                    }
                }
                out = without(out, start, end);
                out.push(Instance { start, end, ..old });
            } else if let Some(one) = out.get_mut(*part) {
                (one.start, one.end) = (start, end);
            }
        }
        LabelEdit::Edge { frame, to } => {
            let to = (*to).min(frames);
            let (touching, others): (Vec<_>, Vec<_>) =
                out.into_iter().partition(|i| i.end == *frame || i.start == *frame);
            if touching.is_empty() {
                return Err("There is no edge any more.".into());
            }
            let moved = touching.into_iter().map(|i| match i.end == *frame {
                true => Instance { end: to, ..i },
                false => Instance { start: to, ..i },
            });
            let moved: Vec<Instance> = moved.filter(|i| i.start < i.end).collect();
            out = if runs { without(others, to.min(*frame), to.max(*frame)) } else { others };
            out.extend(moved);
        }
        LabelEdit::Relabel { part, label } => out.get_mut(*part).ok_or_else(gone)?.label = label.clone(),
        LabelEdit::Split { part, at, rest } => {
            let one = out.get_mut(*part).ok_or_else(gone)?;
            if *at <= one.start || *at >= one.end {
                return Err("Move the playhead into the annotation to split it there.".into());
            }
            if runs && one.label == *rest {
                return Err("Frames have one label each here: give what is behind the split another class.".into());
            }
            let second = Instance { start: *at, label: rest.clone(), seconds: None, ..one.clone() };
            (one.end, one.seconds) = (*at, None);
            out.push(second);
        }
        LabelEdit::Delete { part } => {
            out.get(*part).ok_or_else(gone)?;
            out.remove(*part);
        }
        LabelEdit::Paint { start, end, label } => {
            let (start, end) = within(*start, *end, frames)?;
            if runs {
                out = without(out, start, end);
            }
            out.push(Instance { start, end, label: label.clone(), ..Instance::default() });
        }
    }
    out.sort_by_key(|i| (i.start, i.end, i.line));
    Ok(if runs { joined(out) } else { out })
}

fn within(start: u32, end: u32, frames: u32) -> Result<(u32, u32), String> {
    let end = end.min(frames);
    if start < end { Ok((start, end)) } else { Err("An annotation needs one frame at least.".into()) }
}

/// Annotations without some frames.
fn without(parts: Vec<Instance>, start: u32, end: u32) -> Vec<Instance> {
    let cut = |part: Instance| {
        let before = Instance { end: part.end.min(start), ..part.clone() };
        let after = Instance { start: part.start.max(end), ..part };
        [before, after].into_iter().filter(|p| p.start < p.end)
    };
    let apart = |part: Instance| -> Vec<Instance> {
        match part.end <= start || part.start >= end {
            true => vec![part],
            false => cut(part).collect(),
        }
    };
    parts.into_iter().flat_map(apart).collect()
}

/// What leads from the annotations of the files to those there are now; corrections that are the same as before stay as they
/// are.
fn between(
    files: Vec<LabelledPart>,
    now: Vec<LabelledPart>,
    before: Vec<Correction>,
    made_unix: u64,
    note: &str,
) -> Vec<Correction> {
    let (mut removed, mut added) = (files, now);
    removed.retain(|part| match added.iter().position(|a| a == part) {
        Some(at) => {
            added.remove(at);
            false
        }
        None => true,
    });
    let mut out = Vec::new();
    for correction in before {
        let from = correction.original.as_ref().map(|part| removed.iter().position(|p| p == part));
        let to = correction.corrected.as_ref().map(|part| added.iter().position(|p| p == part));
        // Only what still changes one annotation into another; the rest may belong to others now.
        if let (Some(Some(from)), Some(Some(to))) = (from, to) {
            removed.remove(from);
            added.remove(to);
            out.push(correction);
        } else if let (None, Some(Some(to))) = (from, to) {
            added.remove(to);
            out.push(correction);
        }
    }
    let new = |original, corrected| Correction { original, corrected, made_unix, note: note.to_owned() };
    for (from, to) in pairs(&removed, &added) {
        let original = removed.iter().position(|p| *p == from).map(|at| removed.remove(at));
        let corrected = added.iter().position(|p| *p == to).map(|at| added.remove(at));
        if original.is_some() && corrected.is_some() {
            out.push(new(original, corrected));
        } else {
            // One of them became something else already.
            removed.extend(original);
            added.extend(corrected);
        }
    }
    out.extend(added.into_iter().map(|part| new(None, Some(part))));
    out.extend(removed.into_iter().map(|part| new(Some(part), None)));
    let place = |c: &Correction| c.corrected.as_ref().or(c.original.as_ref()).map(|p| (p.start, p.end));
    out.sort_by_key(place);
    out
}

/// Which annotation may have become which, the likeliest first: of the same class before others, then those that share the
/// most frames.
fn pairs(from: &[LabelledPart], to: &[LabelledPart]) -> Vec<(LabelledPart, LabelledPart)> {
    let shared = |a: &LabelledPart, b: &LabelledPart| a.end.min(b.end).saturating_sub(a.start.max(b.start));
    let all = from.iter().flat_map(|a| to.iter().map(move |b| (a, b)));
    let mut near: Vec<_> = all.filter(|(a, b)| shared(a, b) > 0).collect();
    near.sort_by_key(|(a, b)| (a.label != b.label, std::cmp::Reverse(shared(a, b)), b.start, a.start));
    near.into_iter().map(|(a, b)| (a.clone(), b.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::with_corrections;
    use crate::domain::{ClassSet, Corrections, VideoFacts};
    use std::sync::Arc;

    fn one(start: u32, end: u32, class: usize) -> Instance {
        Instance { start, end, label: InstanceLabel::Class(class), ..Instance::default() }
    }

    fn dataset(parts: &[Instance], instance_wise: bool) -> Dataset {
        let video = VideoEntry {
            name: "v".into(),
            instances: parts.to_vec(),
            facts: Some(VideoFacts { frames: 100, ..VideoFacts::default() }),
            ..VideoEntry::default()
        };
        Dataset {
            classes: ClassSet::from_names(["a", "b", "c"]),
            videos: vec![video],
            instance_wise,
            ..Dataset::default()
        }
    }

    /// The dataset after an edit, by way of corrections.
    fn after(dataset: Dataset, edit: LabelEdit) -> Dataset {
        let corrections = edited(&dataset, &dataset.videos[0], &edit, 7, "").unwrap();
        let mut all = dataset.corrections.as_ref().map_or_else(Corrections::default, |c| (*c.all).clone());
        all.set("v", corrections);
        with_corrections(dataset, Arc::new(all)).unwrap()
    }

    fn spans(dataset: &Dataset) -> Vec<(u32, u32, usize)> {
        dataset.videos[0].instances.iter().map(|i| (i.start, i.end, i.label.classes()[0])).collect()
    }

    fn words(dataset: &Dataset) -> Vec<String> {
        dataset.corrections.iter().flat_map(|c| c.all.of("v")).map(Correction::words).collect()
    }

    #[test]
    fn edges_of_runs_move_their_neighbours_and_back_is_no_correction() {
        let start = dataset(&[one(0, 20, 0), one(20, 50, 1), one(60, 80, 0)], false);
        let now = after(start.clone(), LabelEdit::Move { part: 0, start: 0, end: 15 });
        assert_eq!(spans(&now), [(0, 15, 0), (15, 50, 1), (60, 80, 0)]);
        assert_eq!(
            words(&now),
            ["a, frames 0 to 19 becomes a, frames 0 to 14", "b, frames 20 to 49 becomes b, frames 15 to 49"]
        );
        // However far: what shares more frames with its neighbour is still itself.
        let wide = after(start.clone(), LabelEdit::Edge { frame: 20, to: 45 });
        assert_eq!(
            words(&wide),
            ["a, frames 0 to 19 becomes a, frames 0 to 44", "b, frames 20 to 49 becomes b, frames 45 to 49"]
        );
        // Over the gap and a neighbour that did not touch it.
        let far = after(now.clone(), LabelEdit::Move { part: 1, start: 15, end: 70 });
        assert_eq!(spans(&far), [(0, 15, 0), (15, 70, 1), (70, 80, 0)]);
        let back = after(now, LabelEdit::Move { part: 1, start: 20, end: 50 });
        assert_eq!((spans(&back), words(&back).len()), (spans(&start), 0));
    }

    #[test]
    fn instances_that_overlap_change_alone() {
        let start = dataset(&[one(0, 20, 0), one(10, 50, 1)], true);
        let now = after(start, LabelEdit::Move { part: 0, start: 0, end: 30 });
        assert_eq!(spans(&now), [(0, 30, 0), (10, 50, 1)]);
        let now = after(now, LabelEdit::Relabel { part: 0, label: InstanceLabel::Class(2) });
        assert_eq!(words(&now), ["a, frames 0 to 19 becomes c, frames 0 to 29"], "one correction, of the files");
        let now = after(now, LabelEdit::Split { part: 1, at: 40, rest: InstanceLabel::Class(1) });
        assert_eq!(spans(&now), [(0, 30, 2), (10, 40, 1), (40, 50, 1)]);
        let now = after(now, LabelEdit::Delete { part: 2 });
        assert_eq!(
            words(&now),
            ["a, frames 0 to 19 becomes c, frames 0 to 29", "b, frames 10 to 49 becomes b, frames 10 to 39"]
        );
        let now = after(now, LabelEdit::Paint { start: 90, end: 200, label: InstanceLabel::Class(0) });
        assert_eq!(spans(&now).last(), Some(&(90, 100, 0)));
        assert!(words(&now).contains(&"a, frames 90 to 99 is added".to_owned()));
        let now = after(now, LabelEdit::Delete { part: 0 });
        assert!(words(&now).contains(&"a, frames 0 to 19 is removed".to_owned()), "{:?}", words(&now));
    }

    #[test]
    fn an_edge_moves_what_lies_on_both_sides_of_it() {
        for instance_wise in [false, true] {
            let start = dataset(&[one(0, 20, 0), one(20, 50, 1)], instance_wise);
            assert_eq!(spans(&after(start.clone(), LabelEdit::Edge { frame: 20, to: 26 })), [(0, 26, 0), (26, 50, 1)]);
            assert_eq!(spans(&after(start.clone(), LabelEdit::Edge { frame: 20, to: 3 })), [(0, 3, 0), (3, 50, 1)]);
            let none = edited(&start, &start.videos[0], &LabelEdit::Edge { frame: 21, to: 3 }, 0, "");
            assert!(none.unwrap_err().contains("no edge"));
        }
    }

    #[test]
    fn painted_runs_cut_what_was_there() {
        let start = dataset(&[one(0, 50, 0)], false);
        let now = after(start.clone(), LabelEdit::Paint { start: 10, end: 20, label: InstanceLabel::Class(1) });
        assert_eq!(spans(&now), [(0, 10, 0), (10, 20, 1), (20, 50, 0)]);
        let same = edited(
            &start,
            &start.videos[0],
            &LabelEdit::Split { part: 0, at: 5, rest: InstanceLabel::Class(0) },
            0,
            "",
        );
        assert!(same.unwrap_err().contains("another class"));
        let none = edited(&start, &start.videos[0], &LabelEdit::Move { part: 0, start: 30, end: 30 }, 0, "");
        assert!(none.unwrap_err().contains("one frame"));
        let gone = edited(&start, &start.videos[0], &LabelEdit::Delete { part: 3 }, 0, "");
        assert!(gone.unwrap_err().contains("not there"));
    }
}

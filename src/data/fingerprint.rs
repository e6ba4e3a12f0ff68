//! A digest of what a dataset says, so that a run can tell whether it changed since.
//!
//! Of a large dataset, which is opened without looking into its videos, the digest is of its lists alone: it must not depend
//! on how many videos somebody looked into. Whether files changed is told there by their contents, which a run remembers
//! video by video.

use super::formats::{Clock, Draft, DraftVideo, Span, place_of};
use crate::domain::{ClassSet, Dataset, Fate, InstanceLabel, Label, Segment, Task};
use md5::{Digest, Md5};

/// Hexadecimal digest of bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    to_hex(&Md5::digest(bytes))
}

/// Digits of a digest.
pub(super) fn to_hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// Digest of names, sizes, lengths, labels, subjects, splits and classes. Paths and dates are left out on purpose: a
/// copy of a dataset is the same dataset.
pub(super) fn of(dataset: &Dataset, sizes: &[u64]) -> String {
    let mut digest = begin(&dataset.format, &dataset.classes);
    for (i, video) in dataset.videos.iter().enumerate() {
        for text in [&video.name, &video.subject] {
            digest.update(text);
            digest.update([0]);
        }
        digest.update(video.split.name());
        digest.update(sizes.get(i).copied().unwrap_or_default().to_le_bytes());
        digest.update(video.frames().to_le_bytes());
        for (start, end) in video.facts.iter().flat_map(|f| &f.gaps) {
            digest.update(start.to_le_bytes());
            digest.update(end.to_le_bytes());
        }
        let mut add = |s: &Segment| segment(&mut digest, s);
        match dataset.task {
            Task::SingleLabel => video.labels.segments().iter().for_each(&mut add),
            Task::MultiLabel => video.class_spans().for_each(|s| add(&s)),
        }
    }
    if dataset.task == Task::MultiLabel {
        digest.update(dataset.task.name());
    }
    to_hex(&digest.finalize())
}

fn begin(format: &str, classes: &ClassSet) -> Md5 {
    let mut digest = Md5::new();
    digest.update(format);
    for class in &classes.classes {
        digest.update(class.id.to_le_bytes());
        digest.update(&class.name);
        digest.update([0]);
    }
    digest
}

fn segment(digest: &mut Md5, s: &Segment) {
    digest.update(s.start.to_le_bytes());
    digest.update(s.end.to_le_bytes());
    let class = match s.label {
        Label::Background => u64::MAX,
        Label::Class(c) => c as u64,
    };
    digest.update(class.to_le_bytes());
}

/// Digest of what the lists of a large dataset say: names, subjects, splits, classes, and the rows of every video.
pub(super) fn of_lists(format: &str, draft: &Draft) -> String {
    let mut digest = begin(format, &draft.classes);
    digest.update("lists");
    draft.videos.iter().for_each(|video| rows(&mut digest, video));
    digest.update(draft.task.name());
    to_hex(&digest.finalize())
}

/// Of a dataset that was opened from its lists and has just been read with a label map: its fingerprint without the map, and
/// what the map makes of each class.
pub(super) fn of_mapped(dataset: &Dataset) -> String {
    let mut digest = begin(&dataset.format, &dataset.classes);
    digest.update(&dataset.fingerprint);
    for fate in dataset.mapped.iter().flat_map(|m| &m.fates.0) {
        let (kind, class) = match fate {
            Fate::Class(class) => (1_u8, *class as u64),
            Fate::Background => (2, 0),
            Fate::LeftOut => (3, 0),
        };
        digest.update([kind]);
        digest.update(class.to_le_bytes());
    }
    to_hex(&digest.finalize())
}

fn rows(digest: &mut Md5, video: &DraftVideo) {
    for text in [&video.entry.name, &video.entry.subject] {
        digest.update(text);
        digest.update([0]);
    }
    digest.update(video.entry.split.name());
    let number = |rate: Option<f64>| rate.unwrap_or_default().to_le_bytes();
    digest.update(number(video.rate));
    match &video.clock {
        Clock::Video => {}
        Clock::Frames { rate } => digest.update(number(*rate)),
        Clock::Labels { count, rate, .. } => {
            digest.update(count.to_le_bytes());
            digest.update(number(*rate));
        }
        Clock::Cut { cut, .. } => digest.update([1, u8::from(*cut == Some(true)), u8::from(cut.is_none())]),
    }
    video.entry.labels.segments().iter().for_each(|s| segment(digest, s));
    for row in &video.annotations {
        let (kind, from, to) = place_of(row.span);
        digest.update([kind]);
        digest.update(from.to_le_bytes());
        digest.update(to.to_le_bytes());
        if let Span::First(count) = row.span {
            digest.update(count.to_le_bytes());
        }
        digest.update([u8::from(row.label == InstanceLabel::Background)]);
        row.label.classes().iter().for_each(|c| digest.update((*c as u64).to_le_bytes()));
    }
    digest.update([0xFF]);
}

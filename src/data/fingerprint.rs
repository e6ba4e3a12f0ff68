//! A digest of what a dataset says, so that a run can tell whether it changed since.

use crate::domain::{Dataset, Label, Segment, Task};
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
    let mut digest = Md5::new();
    digest.update(&dataset.format);
    for class in &dataset.classes.classes {
        digest.update(class.id.to_le_bytes());
        digest.update(&class.name);
        digest.update([0]);
    }
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
        let mut add = |s: &Segment| {
            digest.update(s.start.to_le_bytes());
            digest.update(s.end.to_le_bytes());
            let class = match s.label {
                Label::Background => u64::MAX,
                Label::Class(c) => c as u64,
            };
            digest.update(class.to_le_bytes());
        };
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

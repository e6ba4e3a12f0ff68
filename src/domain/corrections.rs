//! Corrections of labels: what stands in place of an annotation of the files, kept apart from them, so that the files of a
//! dataset stay as their maker published them and every correction can be taken back.

use super::{ClassSet, Instance, InstanceLabel};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a part is labelled with, by the names that classes have in the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PartLabel {
    /// No class is given.
    #[default]
    Unlabelled,
    /// None of the classes.
    Background,
    /// One class, or several at once.
    Classes(Vec<String>),
}

impl PartLabel {
    /// A label in names.
    pub fn of(label: &InstanceLabel, classes: &ClassSet) -> Self {
        match label {
            InstanceLabel::Unlabelled => Self::Unlabelled,
            InstanceLabel::Background => Self::Background,
            other => Self::Classes(other.classes().iter().map(|c| classes.name(*c).to_owned()).collect()),
        }
    }

    /// The label in classes of a dataset.
    ///
    /// # Errors
    /// The name of a class that there is not.
    pub fn resolve(&self, classes: &ClassSet) -> Result<InstanceLabel, String> {
        match self {
            Self::Unlabelled => Ok(InstanceLabel::Unlabelled),
            Self::Background => Ok(InstanceLabel::Background),
            Self::Classes(names) => {
                let found: Result<Vec<usize>, String> =
                    names.iter().map(|name| classes.by_name(name).ok_or_else(|| name.clone())).collect();
                Ok(InstanceLabel::of(found?))
            }
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Unlabelled => "unlabelled".into(),
            Self::Background => "background".into(),
            Self::Classes(names) => names.join(" + "),
        }
    }
}

/// A labelled part of a video: `start..end` in frames, the end outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledPart {
    /// First frame.
    pub start: u32,
    /// One past the last frame.
    pub end: u32,
    /// What it shows.
    pub label: PartLabel,
}

impl LabelledPart {
    /// What an annotation says.
    pub fn of(instance: &Instance, classes: &ClassSet) -> Self {
        Self { start: instance.start, end: instance.end, label: PartLabel::of(&instance.label, classes) }
    }

    /// `squat, frames 10 to 49`.
    pub fn words(&self) -> String {
        format!("{}, frames {} to {}", self.label.words(), self.start, self.end.saturating_sub(1))
    }
}

/// One correction: what the files say, and what stands in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The annotation of the files; `None` for one that they do not have.
    #[serde(deserialize_with = "written")]
    pub original: Option<LabelledPart>,
    /// What stands in its place; `None` where it is taken away.
    #[serde(deserialize_with = "written")]
    pub corrected: Option<LabelledPart>,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub made_unix: u64,
    /// Why, in words; may be empty.
    #[serde(default)]
    pub note: String,
}

/// A part that a file names, or says to be none: one that it leaves out is refused, since that would take an annotation away.
fn written<'de, D: Deserializer<'de>>(from: D) -> Result<Option<LabelledPart>, D::Error> {
    Option::deserialize(from)
}

/// What a correction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrectionKind {
    /// An annotation has other edges or another class.
    Changed,
    /// An annotation that the files do not have.
    Added,
    /// An annotation of the files that is taken away.
    Removed,
}

impl Correction {
    /// What it does.
    pub fn kind(&self) -> CorrectionKind {
        match (&self.original, &self.corrected) {
            (None, _) => CorrectionKind::Added,
            (_, None) => CorrectionKind::Removed,
            _ => CorrectionKind::Changed,
        }
    }

    /// `squat, frames 10 to 49 becomes lunge, frames 10 to 49`.
    pub fn words(&self) -> String {
        match (&self.original, &self.corrected) {
            (Some(from), Some(to)) => format!("{} becomes {}", from.words(), to.words()),
            (None, Some(to)) => format!("{} is added", to.words()),
            (Some(from), None) => format!("{} is removed", from.words()),
            (None, None) => "nothing".into(),
        }
    }
}

/// All corrections of a dataset, by name of the video.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Corrections {
    /// Corrections in order of time. Each speaks of the files, never of another correction.
    pub videos: BTreeMap<String, Vec<Correction>>,
    /// Labels that somebody has looked at and found right: they are no longer listed as doubtful.
    pub confirmed: BTreeMap<String, Vec<LabelledPart>>,
}

impl Corrections {
    /// True where there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.videos.is_empty() && self.confirmed.is_empty()
    }

    /// Those of a video.
    pub fn of(&self, video: &str) -> &[Correction] {
        self.videos.get(video).map_or(&[], Vec::as_slice)
    }

    /// Replaces those of a video.
    pub fn set(&mut self, video: &str, corrections: Vec<Correction>) {
        match corrections.is_empty() {
            true => drop(self.videos.remove(video)),
            false => drop(self.videos.insert(video.to_owned(), corrections)),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.videos.values().map(|v| v.len() as u64).sum()
    }

    /// True where somebody found this label right.
    pub fn is_confirmed(&self, video: &str, part: &LabelledPart) -> bool {
        self.confirmed.get(video).is_some_and(|parts| parts.contains(part))
    }

    /// Notes that a label is right, or takes that back.
    pub fn confirm(&mut self, video: &str, part: LabelledPart, right: bool) {
        let parts = self.confirmed.entry(video.to_owned()).or_default();
        parts.retain(|p| *p != part);
        if right {
            parts.push(part);
            parts.sort_by_key(|p| (p.start, p.end));
        }
        self.confirmed.retain(|_, parts| !parts.is_empty());
    }
}

/// How many corrections hold, and how many do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CorrectionCounts {
    /// Annotations with other edges or another class.
    pub changed: u64,
    /// Annotations that the files do not have.
    pub added: u64,
    /// Annotations of the files that are taken away.
    pub removed: u64,
    /// Corrections that do not fit the files any more.
    pub not_applied: u64,
}

impl CorrectionCounts {
    /// True where there are none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Corrections that hold.
    pub fn applied(&self) -> u64 {
        self.changed + self.added + self.removed
    }

    /// `12 annotations corrected (10 changed, 1 added, 1 removed), 2 not applied`.
    pub fn words(&self) -> String {
        let many = if self.applied() == 1 { "annotation" } else { "annotations" };
        let not = if self.not_applied > 0 { format!(", {} not applied", self.not_applied) } else { String::new() };
        format!(
            "{} {many} corrected ({} changed, {} added, {} removed){not}",
            self.applied(),
            self.changed,
            self.added,
            self.removed
        )
    }
}

/// A video whose labels are corrected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CorrectedVideo {
    /// Its annotations as the files have them, in classes of the files.
    pub source: Vec<Instance>,
    /// Positions of corrections that do not fit them, each with the reason.
    pub unfit: Vec<(usize, String)>,
}

/// The corrections that a dataset is opened with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatasetCorrections {
    /// Where they are kept; `None` until the first is saved.
    pub file: Option<PathBuf>,
    /// All of them.
    pub all: std::sync::Arc<Corrections>,
    /// Videos with corrections that were looked into.
    pub videos: BTreeMap<String, CorrectedVideo>,
    /// Names of videos that corrections speak of and that the dataset does not have.
    pub missing: Vec<String>,
    /// The fingerprint of the files without corrections and without a label map.
    pub fingerprint: String,
}

impl DatasetCorrections {
    /// How many hold; those of videos that nobody looked into yet count as if they did.
    pub fn counts(&self) -> CorrectionCounts {
        let mut out = CorrectionCounts::default();
        for (video, corrections) in &self.all.videos {
            let unfit = self.videos.get(video).map_or(&[][..], |v| v.unfit.as_slice());
            let missing = self.missing.contains(video);
            for (at, correction) in corrections.iter().enumerate() {
                match correction.kind() {
                    _ if missing || unfit.iter().any(|(place, _)| *place == at) => out.not_applied += 1,
                    CorrectionKind::Changed => out.changed += 1,
                    CorrectionKind::Added => out.added += 1,
                    CorrectionKind::Removed => out.removed += 1,
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_go_by_names() {
        let classes = ClassSet::from_names(["squat", "lunge"]);
        for label in [
            InstanceLabel::Unlabelled,
            InstanceLabel::Background,
            InstanceLabel::Class(1),
            InstanceLabel::of(vec![1, 0]),
        ] {
            assert_eq!(PartLabel::of(&label, &classes).resolve(&classes), Ok(label));
        }
        let gone = PartLabel::Classes(vec!["squat".into(), "jump".into()]);
        assert_eq!(gone.resolve(&classes), Err("jump".into()));
        assert_eq!(gone.words(), "squat + jump");
    }

    #[test]
    fn counts_tell_what_does_not_hold() {
        let part = |start, end| Some(LabelledPart { start, end, label: PartLabel::Background });
        let one = |original, corrected| Correction { original, corrected, ..Correction::default() };
        let mut all = Corrections::default();
        all.set("a", vec![one(part(0, 5), part(0, 6)), one(None, part(8, 9)), one(part(6, 8), None)]);
        all.set("gone", vec![one(part(0, 5), None)]);
        let unfit = CorrectedVideo { unfit: vec![(0, "no".into())], ..CorrectedVideo::default() };
        let dataset = DatasetCorrections {
            all: all.into(),
            videos: [("a".to_owned(), unfit)].into(),
            missing: vec!["gone".into()],
            ..DatasetCorrections::default()
        };
        let counts = dataset.counts();
        assert_eq!(counts, CorrectionCounts { changed: 0, added: 1, removed: 1, not_applied: 2 });
        assert_eq!(counts.words(), "2 annotations corrected (0 changed, 1 added, 1 removed), 2 not applied");
    }
}

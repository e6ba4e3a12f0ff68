//! Who is drawn when a sample is drawn anew: clips of one person are no independent trials.

use super::shared::SharedClip;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// With fewer units than this an interval is coarse, and each one's difference is told beside it.
pub const FEW_UNITS: usize = 8;

/// What is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// People, with all their clips.
    Subjects,
    /// Videos, with all their clips, where the dataset knows no people.
    Videos,
    /// Single clips, where all are of one video.
    #[default]
    Clips,
}

impl Unit {
    /// Name of one.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Subjects => "subject",
            Self::Videos => "video",
            Self::Clips => "clip",
        }
    }
}

/// What was drawn for intervals, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resampled {
    /// What is drawn.
    pub unit: Unit,
    /// How many there are.
    pub count: usize,
    /// True where all clips show one person: then intervals say nothing about others.
    pub one_subject: bool,
}

impl Resampled {
    /// True for so few units that an interval is coarse.
    pub fn few(&self) -> bool {
        self.count < FEW_UNITS
    }
}

/// The unit of every clip.
#[derive(Clone, Debug, Default)]
pub struct Units {
    /// What is drawn.
    pub resampled: Resampled,
    /// Position of the unit of each clip.
    pub of_clip: Vec<usize>,
    /// Names of the units; positions where they are single clips.
    pub names: Vec<String>,
}

impl Units {
    /// Subjects, where every clip has one and there are at least two; else videos; single clips where all are of one video.
    pub fn of(clips: &[SharedClip]) -> Self {
        let subjects = group(clips.iter().map(|c| c.subject.as_str()));
        let known = clips.iter().all(|c| !c.subject.is_empty());
        let one_subject = known && subjects.1.len() == 1;
        let (unit, (of_clip, names)) = if known && subjects.1.len() > 1 {
            (Unit::Subjects, subjects)
        } else {
            let videos = group(clips.iter().map(|c| c.video.as_str()));
            match videos.1.len() {
                0 | 1 => (Unit::Clips, ((0..clips.len()).collect(), (0..clips.len()).map(|i| i.to_string()).collect())),
                _ => (Unit::Videos, videos),
            }
        };
        Self { resampled: Resampled { unit, count: names.len(), one_subject }, of_clip, names }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.names.len()
    }
}

/// Positions of names in the order of their first appearance.
fn group<'a>(names: impl Iterator<Item = &'a str>) -> (Vec<usize>, Vec<String>) {
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    let mut known = Vec::new();
    let mut of_each = Vec::new();
    for name in names {
        let next = known.len();
        let found = *at.entry(name).or_insert(next);
        if found == next {
            known.push(name.to_owned());
        }
        of_each.push(found);
    }
    (of_each, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_come_before_videos_and_videos_before_clips() {
        let of = |clips: &[(&str, &str)]| {
            let clip = |(i, (video, subject)): (usize, &(&str, &str))| SharedClip {
                video: (*video).into(),
                subject: (*subject).into(),
                start: i as u32,
                ..SharedClip::default()
            };
            let units = Units::of(&clips.iter().enumerate().map(clip).collect::<Vec<_>>());
            (units.resampled.unit, units.of_clip, units.resampled.one_subject)
        };
        assert_eq!(of(&[("v", "p"), ("w", "q"), ("x", "p")]), (Unit::Subjects, vec![0, 1, 0], false));
        assert_eq!(of(&[("v", "p"), ("w", ""), ("v", "p")]), (Unit::Videos, vec![0, 1, 0], false));
        assert_eq!(of(&[("v", "p"), ("w", "p")]), (Unit::Videos, vec![0, 1], true));
        assert_eq!(of(&[("v", ""), ("v", "")]), (Unit::Clips, vec![0, 1], false));
        assert_eq!(of(&[]), (Unit::Clips, vec![], false));
    }
}

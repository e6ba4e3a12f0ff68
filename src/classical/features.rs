//! What a baseline looks at in a clip.

use super::grey::{Directions, Grey};
use super::hog::hog;
use super::looks::colour_histogram;
use super::motion::{
    CELLS, PARTS, history_directions, motion_directions, motion_energy, motion_gradients, motion_history,
};
use crate::domain::RgbImage;

/// Bins of unsigned directions, as Dalal and Triggs take them.
pub(super) const UNSIGNED: Directions = Directions::Unsigned(9);
/// Bins of signed directions.
pub(super) const SIGNED: usize = 8;

/// A set of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeatureSet {
    /// Colours and edges of the middle frame.
    Looks,
    /// How much changes where, when and which way.
    Motion,
    /// Edges of the motion history image.
    History,
    /// Joint angles and speeds.
    Poses,
}

impl FeatureSet {
    /// Every set.
    pub const ALL: [Self; 4] = [Self::Looks, Self::Motion, Self::History, Self::Poses];

    /// Its part of an id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Looks => "looks",
            Self::Motion => "motion",
            Self::History => "history",
            Self::Poses => "poses",
        }
    }

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Looks => "Looks of the middle frame",
            Self::Motion => "Motion energy and directions",
            Self::History => "Motion history",
            Self::Poses => "Poses",
        }
    }

    /// What it is, one sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Looks => "Colours and edges (HOG) of one frame: when it does as well, the task needs no motion.",
            Self::Motion => "Frame differences, their gradients and directions, in 4x4 cells over thirds of the clip.",
            Self::History => "HOG of the motion history image: where motion was, and how long ago.",
            Self::Poses => "Joint angles and speeds over thirds of the clip, of datasets with poses.",
        }
    }

    /// The features of the frames of a clip, in order; none of [`FeatureSet::Poses`], which
    /// [`pose_features`](super::pose_features) gives. Their number depends on the size of the frames alone.
    pub fn of_frames(self, frames: &[RgbImage]) -> Vec<f32> {
        let grey = || frames.iter().map(Grey::of).collect::<Vec<_>>();
        match self {
            Self::Looks => frames.get(frames.len() / 2).map_or_else(Vec::new, |middle| {
                let mut features = colour_histogram(middle);
                features.extend(hog(&Grey::of(middle), 255.0, UNSIGNED));
                features
            }),
            Self::Motion => {
                let frames = grey();
                let mut features = motion_energy(&frames, CELLS, PARTS);
                features.extend(motion_gradients(&frames, CELLS, PARTS, SIGNED));
                features.extend(motion_directions(&frames, CELLS, PARTS, SIGNED));
                features
            }
            Self::History => {
                let history = motion_history(&grey());
                let mut features = hog(&history, 1.0, Directions::Signed(SIGNED));
                features.extend(history_directions(&history, CELLS, SIGNED));
                features
            }
            Self::Poses => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_features_follows_from_the_size() {
        let frame = |v: u8| RgbImage::new(32, 24, vec![v; 32 * 24 * 3]).unwrap();
        let frames = [frame(10), frame(200), frame(10)];
        let count = |set: FeatureSet| set.of_frames(&frames).len();
        // 4x3 cells make 3x2 blocks of 2x2 cells.
        assert_eq!(count(FeatureSet::Looks), 64 + 6 * 4 * 9);
        assert_eq!(count(FeatureSet::Motion), 3 * 16 * (1 + 8 + 8));
        assert_eq!(count(FeatureSet::History), 6 * 4 * 8 + 16 * 8);
        assert_eq!(count(FeatureSet::Poses), 0);
        assert!(FeatureSet::Looks.of_frames(&[]).is_empty());
    }
}

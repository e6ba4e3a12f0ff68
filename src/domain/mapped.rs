//! What a dataset remembers of the label map it was read with.

use super::ClassInfo;
use super::fates::Fates;
use super::label_map::{ClassChange, LabelMap};

/// A class of a dataset before its label map, with what labels it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceClass {
    /// The class.
    pub class: ClassInfo,
    /// Annotations with it; of single-label frames their runs.
    pub instances: u64,
    /// Frames that exist and show it, once a video.
    pub frames: u64,
}

/// What a label map has made of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct MappedClasses {
    /// The map.
    pub map: LabelMap,
    /// The classes before, as the dataset has them.
    pub sources: Vec<SourceClass>,
    /// What became of each of them.
    pub fates: Fates,
    /// Which classes are not what they were.
    pub changes: Vec<ClassChange>,
    /// [`Dataset::fingerprint`] without the map.
    pub fingerprint: String,
}

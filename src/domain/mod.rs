//! Plain types every layer speaks: classes, labels, videos, clips, frames, heatmaps, results.
//!
//! Nothing here knows a file format, a tensor library or a window.

mod class;
mod class_match;
mod clip;
mod corrections;
mod dataset;
mod fates;
mod frame;
mod frame_use;
mod glossary;
mod heat;
mod indexing;
mod instance;
mod label;
mod label_map;
mod ledger;
mod mapped;
mod nearest;
mod number;
mod path;
mod pose;
mod relabelled;
mod score;
mod split_choice;
mod task;

pub use class::{ClassId, ClassInfo, ClassSet};
pub use class_match::ClassMatch;
pub use clip::{Clip, ClipGeometry, CropView, Cut, FrameSampling, LabelRule, TimeView};
pub use corrections::{
    CorrectedVideo, Correction, CorrectionCounts, CorrectionKind, Corrections, DatasetCorrections, LabelledPart,
    PartLabel,
};
pub use dataset::{Choice, Copies, Dataset, DatasetWarning, MaskSource, Split, VideoEntry, VideoFacts};
pub use fates::{Fate, Fates};
pub use frame::{GrayImage, RgbImage};
pub use frame_use::{FrameUse, NoClip, ShortPart, ShortParts, UnusedFrames};
pub use glossary::{GLOSSARY, Term};
pub use heat::{HeatMap, MapPooling, MaskShare, PoolingRule};
pub use indexing::{Indexing, Noticed, Opaque, Unread};
pub use instance::{FrameBox, Instance, InstanceDetails, InstanceLabel, MODIFIERS};
pub use label::{Label, LabelTrack, Segment};
pub use label_map::{Becomes, ClassChange, ClassMapping, ClassRule, LabelMap, LabelMapError};
pub use ledger::{Ledger, LedgerEntry, Reason};
pub use mapped::{MappedClasses, SourceClass};
pub use nearest::{choices, listed, nearest};
pub use number::{bytes, counted, duration, grouped};
pub use path::{is_system_name, leaf, name_text, natural, serialize_path, shell_quoted};
pub use pose::{Keypoint, PoseTrack, Skeleton};
pub use score::{SAID_AT, argmax, said};
pub use split_choice::SplitChoice;
pub use task::Task;

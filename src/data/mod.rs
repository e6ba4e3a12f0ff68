//! Datasets: formats, labels, windows, statistics, sampling, augmentation, loading.
//!
//! [`open()`] turns a path into a [`crate::domain::Dataset`]; [`plan()`] decides which windows of it a run trains, validates
//! and tests on; a [`ClipSource`] decodes them once and a [`Loader`] hands them out in batches. A new format is one file in
//! `formats/` and one row of [`FORMATS`].

mod augment;
mod batch_memory;
mod class_targets;
mod content;
mod corrections;
mod crops;
pub mod demo;
mod disk_cache;
mod drawn_clip;
mod duplicates;
mod error;
mod fingerprint;
mod folds;
mod formats;
mod frame_decoding;
mod frame_disk;
mod frame_memory;
mod frame_numbers;
mod frame_use;
mod hold;
mod instance_list;
mod integrity;
mod label_csv;
mod label_export;
mod limited;
mod loader;
mod look;
mod masks;
mod names;
mod open;
mod plan;
mod poses;
mod preprocess;
mod rate_hint;
mod resize;
mod rules;
mod sampler;
mod sampling;
mod scan;
mod source;
mod statistics;
mod task;
mod times;
mod tracks;
mod video_facts;
mod windows;

pub use augment::Draw;
pub use batch_memory::Pixels;
pub use class_targets::{ClassTargets, clip_classes};
pub use corrections::{
    CORRECTIONS_FILE, LabelEdit, LabelFiles, NO_CORRECTIONS, corrected, corrections_document, each_correction, edited,
    is_label_output, labels_are_fixed, save_corrections, with_corrections, write_labels,
};
pub use crops::{Region, by_shorter_side, crop, crop_at};
pub use drawn_clip::{DrawnClip, times_drawn};
pub use error::DataError;
pub use folds::{Fold, folds};
pub use formats::{
    FORMATS, FormatSpec, PreviewRow, RowReading, TableColumn, TablePreview, detect, is_table, layouts, table_preview,
};
pub use frame_use::{frame_use, frame_use_tables, frame_uses};
pub use hold::{as_configured, labels_of};
pub use instance_list::{InstanceList, instance_list, mapped_classes};
pub use label_export::{LabelTool, SaidPart, WrittenLabels, export_labels};
pub use loader::{Batch, Loader, LoaderOptions, Share, UNLABELLED};
pub use look::{Conclusion, Looked, Part, conclude, look, look_into, look_into_all, require_known};
pub use masks::load_mask;
pub use open::{LARGE, open, open_above, open_with_cache};
pub use plan::{ClipPlan, assign, labelled_clips, plan, plan_with};
pub(crate) use plan::{copies_across, left_out};
pub use poses::{coco_skeleton, load_poses};
pub use preprocess::Normalizer;
pub use resize::{Resizer, Sparse};
pub use sampler::{Sampler, class_counts, inverse_frequency_weights};
pub use sampling::{FrameRule, SegmentDraws, dense_draw, dense_starts, even_starts, segment_centres};
pub use source::ClipSource;
pub use statistics::{ClassStatistics, SplitStatistics, Statistics, VideoProperties, statistics};
pub use windows::{clip_label, clips_of, covering_windows, views_of, window_label, window_starts, windows};

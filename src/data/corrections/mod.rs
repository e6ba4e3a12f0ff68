//! Corrections of labels, kept apart from the files of a dataset: where they are, how they are laid over what the files say,
//! how an edit becomes corrections, and labels written with them.
//!
//! A correction names the annotation that it replaces. Where the files do not say that any more it is told and not applied.
//! Of frames that have one label each the corrections of a video depend on each other: all of them hold, or none.

mod apply;
mod edit;
mod file;
mod label_files;
mod list;

pub use apply::{corrected, with_corrections};
pub use edit::{LabelEdit, edited, labels_are_fixed};
pub use file::{CORRECTIONS_FILE, NO_CORRECTIONS, save_corrections};
pub use label_files::{LabelFiles, is_label_output, write_labels};
pub use list::{corrections_document, each as each_correction};

pub(super) use apply::{correct_all, correct_entry, file_classes, fingerprint};
pub(super) use file::open;

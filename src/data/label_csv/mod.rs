//! The tables of datasets: label files, split files and lists of videos as spreadsheets, scripts and annotation tools
//! write them.
//!
//! | module | tells |
//! |---|---|
//! | `text` | text of a file, whatever its encoding and line ends |
//! | `records` | rows of a CSV file with the lines they stand in |
//! | `numbers` | numbers and times of cells |
//! | `columns` | what columns are called |
//! | `intervals` | parts of videos in frames and seconds |
//! | `labels`, `splits` | label files, split files |

pub(super) mod columns;
pub(super) mod intervals;
mod labels;
pub(super) mod numbers;
pub(super) mod records;
mod splits;
pub(super) mod text;

pub(super) use labels::{BACKGROUND_ID, LabelFile, RawClass, read_labels};
pub(super) use records::separator;
pub(super) use splits::{SplitTable, read_splits, split_word};
pub(super) use text::read_bytes;

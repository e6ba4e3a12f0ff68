//! From several runs to an answer: the same clips, tables, tests, intervals.
//!
//! [`EvaluatedRun`] is a run with its evaluation. [`Comparison::of`] finds the clips that all runs share ([`share`]), says
//! what differs in data, split and labels, and compares scores, classes and settings; [`statistics`] tells whether a
//! difference is luck. [`Comparison::write`] writes the tables ([`Table`]). [`motion`] asks what of a clip a network needs,
//! [`report`] makes one HTML file of it all, and [`experiment`] pools the folds of many trainings of one plan.

mod comparison;
mod error;
mod evaluated;
pub mod experiment;
mod label_issues;
pub mod motion;
mod pairs;
pub mod report;
pub mod search;
mod sets;
mod settings;
mod shared;
pub mod statistics;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod units;
pub mod words;

pub use comparison::{ComparedRun, Comparison, SeedSpread};
pub use error::CompareError;
pub use evaluated::{EvaluatedRun, Facts, name_apart};
pub use label_issues::{EdgeIssue, LabelIssue, LabelIssues};
pub use pairs::{ClassDifference, FourLists, Pair, UnitDifference};
pub use sets::SetScores;
pub use settings::{Setting, SettingKind, differing, seed_groups};
pub use shared::{SharedClip, SharedClips, share};
pub use statistics::Score;
pub use table::{Cell, Table, TableFormat};
pub use tables::is_comparison_file;
pub use units::{FEW_UNITS, Resampled, Unit, Units};
pub use words::Metric;

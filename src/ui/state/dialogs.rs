//! The dialogs, with what was typed into them.

use super::label_form::LabelMapForm;
use super::table_form::TableForm;
use crate::compare::TableFormat;
use crate::data::LabelTool;
use crate::domain::Choice;
use crate::jobs::{CheckpointRef, SplitChoice};
use crate::ui::drawn::Form;
use std::path::PathBuf;

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathPurpose {
    /// A dataset folder, a video or a frame folder.
    Dataset,
    /// A table whose columns are assigned.
    OpenTable,
    /// A run folder.
    Run,
    /// A run folder that another process trains in.
    WatchedRun,
    /// Where the demo dataset goes.
    Demo,
    /// Where heatmap videos go.
    Export,
    /// Weights to make a run of.
    Import,
    /// A list of the classes of such weights.
    ClassList,
    /// Weights a training starts from.
    FirstWeights,
    /// A run whose weights a training starts from.
    FirstRun,
    /// Where the drawing of a network goes.
    Drawing,
    /// The file of a page on the inside of a network.
    InsidePage,
    /// The file of a table.
    Table(TableFormat),
    /// The file of a report.
    Report,
    /// The file of a picture or a plot.
    Drawn(Form),
    /// The file of a video with heatmaps.
    Video,
    /// A plan of many trainings.
    Plan,
    /// Where such a plan is written.
    NewPlan,
}

impl PathPurpose {
    /// Name of the file where a new one is written; `None` where something is opened.
    pub fn new_file(self) -> Option<String> {
        match self {
            Self::Table(format) => Some(format!("table.{}", format.extension())),
            Self::Report => Some("report.html".to_owned()),
            Self::NewPlan => Some("plan.ron".to_owned()),
            Self::InsidePage => Some("inside.html".to_owned()),
            Self::Drawn(form) => Some(format!("figure.{}", form.extension())),
            Self::Video => Some("heatmaps.mp4".to_owned()),
            _ => None,
        }
    }
}

/// The export dialog.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportForm {
    /// Only the clip on screen, instead of a random draw.
    pub this_clip: bool,
    /// Random samples.
    pub num_samples: usize,
    /// Sample only clips the network gets wrong.
    pub misclassified_only: bool,
    /// Weight of the heatmap.
    pub alpha: f32,
    /// Frames a second.
    pub fps: f64,
    /// Folder.
    pub out: String,
    /// Replace the samples of an earlier export in that folder.
    pub replace: bool,
}

/// The dialog that writes labels as files.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelExportForm {
    /// For which tool; `None` is the layout of the dataset.
    pub tool: Option<LabelTool>,
    /// The videos of which part; a layout of its own takes all.
    pub split: SplitChoice,
    /// Write what the network in use predicts beside them.
    pub predictions: bool,
    /// Folder.
    pub out: String,
    /// Replace files of the same names there.
    pub replace: bool,
}

/// Where the classes of imported weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportClasses {
    /// Numbers, as many as the weights have.
    Numbered,
    /// The open dataset.
    Dataset,
    /// A list in a file.
    List,
}

/// The dialog that makes a run of PyTorch weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportForm {
    /// The weight file, or a run.
    pub weights: String,
    /// The network, where somebody said it; otherwise what the weights look like.
    pub model: Option<String>,
    /// The preset whose clips and normalisation are taken; `None` takes what is usual for the network.
    pub preset: Option<usize>,
    /// Where the classes come from; `None` takes the dataset's where their number fits, or else numbers.
    pub classes: Option<ImportClasses>,
    /// The file that lists the classes.
    pub list: String,
    /// The run folder as typed; empty takes the suggestion.
    pub out: String,
}

/// The dialog that says which class of a run each class of the dataset is.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassForm {
    /// The run.
    pub run: PathBuf,
    /// For each class of the dataset the output of the run it is; `None` leaves its clips out.
    pub outputs: Vec<Option<usize>>,
    /// What was asked for and waits for the answer.
    pub then: Option<(CheckpointRef, SplitChoice)>,
}

/// The dialog that asks for what the files of a dataset leave open.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceForm {
    /// The dataset.
    pub path: PathBuf,
    /// What was answered before: key and value.
    pub answered: Vec<(String, String)>,
    /// What is asked, with the answer so far.
    pub choice: Choice,
}

/// A window on top of the others; at most one.
#[derive(Clone, Debug, PartialEq)]
pub enum Dialog {
    /// Type a path; shown when the platform has no file dialog, or on request.
    Path {
        /// What it is for.
        purpose: PathPurpose,
        /// The text so far.
        text: String,
        /// Why this field is here, when it replaces a file dialog.
        note: Option<String>,
    },
    /// Export heatmaps.
    Export(ExportForm),
    /// Write labels as files.
    ExportLabels(LabelExportForm),
    /// Make a run of PyTorch weights.
    Import(Box<ImportForm>),
    /// Say which class of a run each class of the dataset is.
    Classes(Box<ClassForm>),
    /// Say what the files of a dataset leave open.
    Choices(Box<ChoiceForm>),
    /// Say what the columns of a table are.
    Table(Box<TableForm>),
    /// Say what becomes of the classes of the dataset.
    LabelMap(Box<LabelMapForm>),
    /// Work is running that closing would end.
    Leave,
    /// Every key.
    Keys,
    /// What this program is.
    About,
    /// The words of the field.
    Glossary,
    /// Every command, searchable.
    Palette {
        /// The text so far.
        query: String,
        /// Position in the filtered list.
        chosen: usize,
    },
}

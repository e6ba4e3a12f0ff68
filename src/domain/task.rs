use serde::{Deserialize, Serialize};

/// How many classes a clip may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Exactly one: softmax, accuracy, confusion matrix.
    #[default]
    SingleLabel,
    /// Any number of them: a sigmoid a class, average precision, co-occurrence in place of a confusion matrix.
    MultiLabel,
}

impl Task {
    /// Multi-label where one of the two is.
    pub fn with(self, other: Self) -> Self {
        if self == Task::MultiLabel { self } else { other }
    }

    /// True for [`Task::SingleLabel`], which files leave out.
    pub fn is_single(&self) -> bool {
        *self == Task::SingleLabel
    }

    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Task::SingleLabel => "single-label",
            Task::MultiLabel => "multi-label",
        }
    }
}

//! Which part of a dataset is evaluated.

use super::Split;
use serde::{Deserialize, Serialize};

/// Which clips to evaluate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SplitChoice {
    /// The clips the run trained on.
    Train,
    /// The clips the run was validated on.
    Val,
    /// The held-out clips.
    #[default]
    Test,
    /// Every labelled clip.
    All,
}

impl SplitChoice {
    /// True where videos of a part are meant; `None` is a video of no part that is known.
    pub fn takes(self, part: Option<Split>) -> bool {
        match self {
            SplitChoice::Train => part == Some(Split::Train),
            SplitChoice::Val => part == Some(Split::Val),
            SplitChoice::Test => part == Some(Split::Test),
            SplitChoice::All => true,
        }
    }

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            SplitChoice::Train => Split::Train.name(),
            SplitChoice::Val => Split::Val.name(),
            SplitChoice::Test => Split::Test.name(),
            SplitChoice::All => "all",
        }
    }
}

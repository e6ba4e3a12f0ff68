//! How classes of a dataset and outputs of a network are matched.

use serde::{Deserialize, Serialize};

/// How the classes of a dataset are found among those of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClassMatch {
    /// By name. By number only where the run has no names, as imported weights without a list of classes.
    #[default]
    Auto,
    /// By number, because somebody said so.
    ByNumber,
    /// These pairs of a dataset's class and a run's, or nothing for a class that is left out; classes that are in no pair
    /// by name.
    Pairs(Vec<(String, String)>),
    /// Not at all: the videos count as unlabelled.
    Unlabelled,
}

impl ClassMatch {
    /// True where nobody said anything.
    pub fn is_auto(&self) -> bool {
        *self == Self::Auto
    }

    /// Reads what `--map-classes` is given: `DATASET=RUN` pairs, `numbers`, or `none`.
    ///
    /// # Errors
    /// A sentence for anything else.
    pub fn parse(given: &[String]) -> Result<Self, String> {
        match given {
            [] => return Ok(Self::Auto),
            [word] if word == "numbers" => return Ok(Self::ByNumber),
            [word] if word == "none" => return Ok(Self::Unlabelled),
            _ => {}
        }
        let pair = |text: &String| {
            let (from, to) = text.split_once('=').ok_or_else(|| {
                format!("'{text}': write DATASET_CLASS=RUN_CLASS, or numbers, or none for videos without labels")
            })?;
            Ok((from.trim().to_owned(), to.trim().to_owned()))
        };
        given.iter().map(pair).collect::<Result<_, String>>().map(Self::Pairs)
    }
}

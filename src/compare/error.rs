use crate::render::RenderError;
use crate::run_folder::RunError;

/// Why runs could not be compared, or a report not be written. Every message is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// An evaluation without what was said about each clip.
    #[error(
        "the evaluation of {run} on '{split}' has no predictions beside it, so its clips cannot be compared; evaluate it again"
    )]
    NoPredictions {
        /// Name of the run.
        run: String,
        /// Split evaluated.
        split: String,
    },
    /// An evaluation of clips with several classes, where clips have one.
    #[error(
        "the evaluation of {run} on '{split}' is of a multi-label task; labels in doubt are looked for among clips with one \
         class each"
    )]
    MultiLabel {
        /// Name of the run.
        run: String,
        /// Split evaluated.
        split: String,
    },
    /// Some evaluations are of clips with several classes, some of clips with one.
    #[error(
        "the evaluation of {several} is of a multi-label task, that of {single} is not: they have no score in common; evaluate \
         both on the same dataset, or compare runs of one task"
    )]
    MixedTasks {
        /// A run with several classes a clip.
        several: String,
        /// A run with one.
        single: String,
    },
    /// The evaluations have nothing in common.
    #[error("{}", nothing_shared(.runs, .notes))]
    NothingShared {
        /// The runs with how many clips each was evaluated on.
        runs: Vec<(String, usize)>,
        /// What differs between them.
        notes: Vec<String>,
    },
    /// A figure could not be drawn or written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A file could not be written.
    #[error(transparent)]
    Run(#[from] RunError),
}

fn nothing_shared(runs: &[(String, usize)], notes: &[String]) -> String {
    let counts: Vec<String> = runs.iter().map(|(name, clips)| format!("{name}: {clips} clips")).collect();
    let why = if notes.is_empty() { String::new() } else { format!("; {}", notes.join("; ")) };
    format!(
        "no clip was evaluated with the same label by all of the runs ({}){why}; evaluate them on the same dataset and split",
        counts.join(", ")
    )
}

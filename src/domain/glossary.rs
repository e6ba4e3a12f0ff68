//! The words of the field that texts of the program use, and the words they replace.

/// A term with its meaning.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// The word.
    pub name: &'static str,
    /// What it means here.
    pub meaning: &'static str,
    /// Words that no text uses in its place.
    pub instead_of: &'static [&'static str],
}

const fn term(name: &'static str, meaning: &'static str, instead_of: &'static [&'static str]) -> Term {
    Term { name, meaning, instead_of }
}

/// Every term; `docs/glossary.md` lists the same.
pub const GLOSSARY: &[Term] = &[
    term(
        "evaluate",
        "Compute a network's predictions for every clip of a split and the scores that follow from them.",
        &["judge", "judged", "judging"],
    ),
    term(
        "predicted",
        "The class with the highest probability for a clip; in a multi-label task every class at a probability of one half or more.",
        &["called", "said"],
    ),
    term("most confident", "With the highest probability of the predicted class.", &["surest"]),
    term(
        "majority class",
        "The class with most clips; always predicting it is the baseline a network has to beat.",
        &["commonest"],
    ),
    term(
        "default checkpoint",
        "The checkpoint of a run that is taken where none is named: the one with the best validation, else the last.",
        &["best there is"],
    ),
    term(
        "default layer",
        "The layer that heatmaps of a network are computed at where none is chosen.",
        &["usual layer"],
    ),
    term(
        "from scratch",
        "With randomly initialised weights, nothing taken from a file or an earlier training.",
        &["fresh", "left fresh"],
    ),
    term(
        "earlier training",
        "A training that ended before, whose weights or checkpoints can be used.",
        &["training of before"],
    ),
    term(
        "resume",
        "Continue a stopped training from its last checkpoint, with the same data order and optimizer state.",
        &["go on with"],
    ),
    term(
        "architecture default",
        "The value that the published architecture has for an option.",
        &["the network's own"],
    ),
    term("optimizer", "The rule by which gradients move weights: SGD, Adam, AdamW.", &["optimiser", "optimisers"]),
    term(
        "horizontal flip",
        "Augmentation that flips a clip left to right with a probability.",
        &["mirror", "mirrored"],
    ),
    term(
        "balanced sampling",
        "Sampling clips with replacement so that every class occurs equally often.",
        &["balanced draw", "random draw"],
    ),
    term(
        "clips per epoch",
        "How many clips an epoch samples; all training clips where it is off.",
        &["clips an epoch"],
    ),
];

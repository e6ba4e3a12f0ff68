//! What a job is to do next.

/// What a job should do next, as its owner sees it, the more urgent the later. Polled between steps, so it never queues behind
/// work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// Go on.
    #[default]
    Continue,
    /// Wait without losing state until the flow changes.
    Pause,
    /// Finish the current epoch or sample, then end with a checkpoint.
    Finish,
    /// End as soon as possible, with a checkpoint.
    Stop,
}

impl Flow {
    /// Each with the word that asks for it in a file.
    pub const WORDS: [(Self, &str); 4] =
        [(Self::Continue, "continue"), (Self::Pause, "pause"), (Self::Finish, "finish"), (Self::Stop, "stop")];

    /// What a word asks for.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|w| w.1.eq_ignore_ascii_case(word.trim())).map(|w| w.0)
    }

    /// The word that asks for it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|w| w.0 == self).map_or("continue", |w| w.1)
    }
}

/// Why processes can no longer work together. Every message is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Another process failed, which tells of it itself.
    #[error("rank {rank} on {host} failed: {sentence}")]
    Other {
        /// Which one.
        rank: usize,
        /// Its machine.
        host: String,
        /// What it said.
        sentence: String,
    },
    /// One of them was asked to stop.
    #[error("stopped")]
    Stopped,
    /// Another process is no longer there.
    #[error("another process of this job is gone")]
    Gone,
    /// They were not started as they should.
    #[error("{0}")]
    Launch(String),
    /// A process differs from the first one in what all must have in common.
    #[error("{0}")]
    Differs(String),
    /// A state that the program rules out.
    #[error("an internal error: {0}; this is a fault of the program, please report it")]
    Internal(&'static str),
}

impl PeerError {
    /// True where another process tells of the failure.
    pub fn is_told_elsewhere(&self) -> bool {
        matches!(self, Self::Other { .. })
    }
}

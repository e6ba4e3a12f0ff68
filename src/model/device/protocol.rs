//! The protocol between the program and the process that tests a device.

use serde::{Deserialize, Serialize};

/// The hidden subcommand under which the program tests a device instead of doing anything else.
pub const SUBCOMMAND: &str = "probe-device";
/// A device that might compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Candidate {
    /// The first NVIDIA GPU, through CUDA.
    Cuda,
    /// The first graphics card.
    Discrete,
    /// The first GPU within a processor.
    Integrated,
    /// The first GPU of a virtual machine.
    Virtual,
    /// A driver that computes on the CPU.
    Software,
}

/// What the testing process writes, one a line: first what it found, then how that did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Line {
    /// There is nothing to test.
    Absent(String),
    /// This is about to be tested.
    Found { candidate: Candidate, adapter: String, driver: String },
    /// It works.
    Passed,
    /// It computes something else, or refuses.
    Failed(String),
}

/// What can be asked of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceRequest {
    /// The first NVIDIA GPU, through CUDA.
    Cuda,
    /// The best GPU the platform's graphics interface has.
    Gpu,
    /// The GPU of this kind and number.
    Another(Candidate, usize),
}

/// The kinds that can be numbered, by the word for them.
const NUMBERED: [(&str, Candidate); 4] = [
    ("cuda", Candidate::Cuda),
    ("discrete", Candidate::Discrete),
    ("integrated", Candidate::Integrated),
    ("virtual", Candidate::Virtual),
];

pub(super) fn argument(wanted: DeviceRequest) -> String {
    match wanted {
        DeviceRequest::Cuda => "cuda".to_owned(),
        DeviceRequest::Gpu => "gpu".to_owned(),
        DeviceRequest::Another(candidate, index) => {
            let word = NUMBERED.iter().find(|(_, c)| *c == candidate).map_or("none", |(word, _)| word);
            format!("{word}:{index}")
        }
    }
}

/// A kind and a number, as [`argument`] writes them.
pub(super) fn numbered(wanted: &str) -> Option<(Candidate, usize)> {
    let (word, index) = wanted.split_once(':')?;
    let (_, candidate) = NUMBERED.iter().find(|(w, _)| *w == word)?;
    Some((*candidate, index.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_device_is_the_one_that_was_meant() {
        for (_, candidate) in NUMBERED {
            assert_eq!(numbered(&argument(DeviceRequest::Another(candidate, 3))), Some((candidate, 3)));
        }
        for text in ["gpu", "cuda", "software:1", "discrete:", "discrete:-1"] {
            assert_eq!(numbered(text), None, "{text}");
        }
    }
}

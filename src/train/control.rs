//! What a running training is asked to do by a file in its folder: for those who see the folder but not the process, such as a
//! training on other machines.

use crate::files;
use crate::progress::Flow;
use crate::run_folder::CONTROL_FILE;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// The file, and what it said last.
pub(super) struct Control {
    path: PathBuf,
    looked: Option<Instant>,
    asked: Flow,
    /// What it says where that is no word of ours.
    unknown: Option<String>,
    told: bool,
}

impl Control {
    /// Of a run that is taken up now; what was asked of an earlier process is over.
    pub fn of(run: &Path) -> Self {
        let mut control =
            Self { path: run.join(CONTROL_FILE), looked: None, asked: Flow::Continue, unknown: None, told: false };
        control.done();
        control
    }

    /// What is asked for, and a line for the log where that is new.
    pub fn poll(&mut self) -> (Flow, Option<String>) {
        if self.looked.is_some_and(|at| at.elapsed() < EVERY) {
            return (self.asked, None);
        }
        self.looked = Some(Instant::now());
        let text = files::read_text(&self.path, 64).unwrap_or_default();
        let (asked, word) = match Flow::of_word(&text) {
            Some(flow) => (flow, None),
            None if text.trim().is_empty() => (Flow::Continue, None),
            // Half written, or no word of ours: as it was.
            None => (self.asked, Some(text.trim().to_owned())),
        };
        let line = (asked != self.asked).then(|| format!("asked to {} by the file {CONTROL_FILE}", asked.word()));
        // Twice the same is not half written.
        let again = word.is_some() && word == self.unknown;
        let told = word.as_ref().filter(|_| again && !self.told).map(|word| {
            let words = Flow::WORDS.map(|(_, word)| word).join(", ");
            format!("warning: the file {CONTROL_FILE} says '{word}' and is passed over; it may say {words}")
        });
        (self.unknown, self.told) = (word, again);
        self.asked = asked;
        (asked, line.or(told))
    }

    /// Removes the file, so that it does not end the next process too.
    pub fn done(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        self.asked = Flow::Continue;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_the_folder_is_obeyed_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(CONTROL_FILE);
        std::fs::write(&file, "stop").unwrap();
        let mut control = Control::of(dir.path());
        assert!(!file.exists() && control.poll() == (Flow::Continue, None));
        let mut asked = |text: &str| {
            std::fs::write(&file, text).unwrap();
            control.looked = None;
            control.poll()
        };
        let line = |word: &str| Some(format!("asked to {word} by the file control"));
        assert_eq!(asked("Pause\n"), (Flow::Pause, line("pause")));
        assert_eq!(asked("pau"), (Flow::Pause, None));
        // Still the same: it was not half written. It is told once.
        let told = asked("pau").1.unwrap();
        assert!(told.starts_with("warning") && told.contains("'pau'") && told.contains("finish"), "{told}");
        assert_eq!(asked("pau"), (Flow::Pause, None));
        assert_eq!(asked("continue"), (Flow::Continue, line("continue")));
        assert_eq!(asked("finish"), (Flow::Finish, line("finish")));
        assert_eq!(asked(""), (Flow::Continue, line("continue")));
        assert_eq!(asked("stop"), (Flow::Stop, line("stop")));
        // Between two looks it is what it was.
        std::fs::remove_file(&file).unwrap();
        assert_eq!(control.poll(), (Flow::Stop, None));
        control.done();
        control.looked = None;
        assert_eq!(control.poll(), (Flow::Continue, None));
    }
}

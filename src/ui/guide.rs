//! What to do next in every state of the window, and how that is called.

use super::derived::Same;
use super::state::{AppState, NextStep, Recent};
use crate::jobs::{Job, SplitChoice};
use crate::run_folder::ConfusedPair;
use std::path::Path;

impl AppState {
    /// What leads on from here, the first of it first. Nothing where there is no dataset, and where nothing can be done.
    pub fn next_steps(&self) -> Vec<NextStep> {
        let Some(dataset) = &self.dataset else { return Vec::new() };
        if self.live_training().is_some() {
            return vec![NextStep::Watch];
        }
        let Some(run) = self.run() else {
            let labelled = dataset.pending() > 0 || !dataset.classes.is_empty();
            return labelled.then_some(NextStep::Train).into_iter().collect();
        };
        if self.is_foreign(run) || run.checkpoints.is_empty() {
            return Vec::new();
        }
        let busy = self.live_job(|job| matches!(job, Job::Evaluate(_))).is_some();
        let mut steps = Vec::new();
        match self.evaluation() {
            None if !busy => steps.push(NextStep::Evaluate),
            Some(_) if self.worst_confusion().is_some() => steps.push(NextStep::WorstConfusion),
            _ => {}
        }
        steps.push(NextStep::Heatmaps);
        steps
    }

    /// Pairs of classes that the evaluation in sight confuses, most clips first; those said beside each other where clips
    /// have several classes.
    pub fn confused_pairs(&self) -> Option<std::rc::Rc<Vec<ConfusedPair>>> {
        let evaluation = &self.evaluation()?.evaluation;
        Some(self.leading.confused.get(Same::of(evaluation), || match evaluation.multi_label {
            None => evaluation.confused_pairs(),
            Some(_) => evaluation.said_beside(),
        }))
    }

    /// The pair of classes with most clips that were confused.
    pub fn worst_confusion(&self) -> Option<ConfusedPair> {
        self.confused_pairs()?.first().cloned()
    }

    /// Where something of a kind was opened last; empty where nothing was.
    pub fn last_opened(&self, is: impl Fn(&Recent) -> bool) -> String {
        self.recent.iter().find(|r| is(r)).map_or_else(String::new, |r| r.path().display().to_string())
    }

    /// What a next step is called on its button.
    pub fn name_of_step(&self, step: &NextStep) -> String {
        match step {
            NextStep::Train => "Train on this dataset".into(),
            NextStep::Watch => "Watch it learn".into(),
            NextStep::Evaluate => format!("Evaluate on {}", SplitChoice::Test.name()),
            NextStep::Heatmaps => "See heatmaps".into(),
            NextStep::WorstConfusion => {
                let Some((pair, entry)) = self.worst_confusion().zip(self.evaluation()) else {
                    return "Look at the worst confusion".into();
                };
                let classes = &entry.evaluation.classes;
                let name = |class: usize| super::widgets::text::elide_middle(classes.name(class), 20);
                format!("Worst: {} as {} ({})", name(pair.truth), name(pair.predicted), pair.count)
            }
            NextStep::OpenFolder(_) => "Open folder".into(),
        }
    }
}

/// What a file is that cannot be a dataset, by its ending; `None` where it could be one.
pub fn kind_of_file(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?.to_lowercase();
    let kinds: [(&str, &[&str]); 7] = [
        ("a text file", &["txt", "md", "rst", "log", "rtf"]),
        ("a document", &["pdf", "doc", "docx", "odt", "ppt", "pptx", "xls", "xlsx", "ods"]),
        ("an archive", &["zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar"]),
        ("a program or its source", &["py", "ipynb", "rs", "c", "cpp", "h", "js", "sh", "exe", "m"]),
        ("a sound file", &["wav", "mp3", "flac", "aac", "m4a"]),
        ("a web page", &["html", "htm"]),
        ("a single picture", &["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff"]),
    ];
    kinds.into_iter().find(|(_, endings)| endings.contains(&ending.as_str())).map(|(kind, _)| kind)
}

/// One sentence for something that is no dataset, with what the formats said as its details.
pub fn no_dataset(path: &Path, details: &str) -> Option<String> {
    let kind = kind_of_file(path)?;
    let name = path.file_name()?.to_string_lossy();
    let unpack = if kind == "an archive" { "unpack it, and " } else { "" };
    Some(format!("{name} is {kind}: {unpack}open a folder of videos, or one video.\n{details}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_mistakes_are_one_sentence_with_details() {
        let told = no_dataset(Path::new("/a/note.TXT"), "Looked for: lists").unwrap();
        assert_eq!(told, "note.TXT is a text file: open a folder of videos, or one video.\nLooked for: lists");
        assert!(no_dataset(Path::new("/a/videos.zip"), "").unwrap().contains("unpack it"));
        assert_eq!(no_dataset(Path::new("/a/clip.mp4"), ""), None);
        assert_eq!(no_dataset(Path::new("/a/folder"), ""), None);
    }
}

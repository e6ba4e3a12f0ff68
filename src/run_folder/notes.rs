//! What people wrote about single clips of a run: tags and notes, kept beside it in `notes.ron`.

use super::RunError;
use super::files::{read_text, ron_fault, ron_text, write_atomic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The file in a run folder.
pub const NOTES_FILE: &str = "notes.ron";

/// What is written about one clip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClipNote {
    /// Short words to find the clip by, in the order they were given.
    pub tags: Vec<String>,
    /// Anything else.
    pub text: String,
}

impl ClipNote {
    /// True when nothing is written.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.text.trim().is_empty()
    }

    /// Adds a tag, or takes it off when it is there. Blanks around it do not count; an empty one is no tag.
    pub fn toggle(&mut self, tag: &str) {
        let tag = tag.trim();
        match self.tags.iter().position(|t| t == tag) {
            Some(at) => drop(self.tags.remove(at)),
            None if tag.is_empty() => {}
            None => self.tags.push(tag.to_owned()),
        }
    }
}

/// The notes of a run, by video and first frame of the clip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notes {
    videos: BTreeMap<String, BTreeMap<u32, ClipNote>>,
}

impl Notes {
    /// Reads the notes of a run; none are there when nobody wrote any.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn load(run: &Path) -> Result<Self, RunError> {
        let path = run.join(NOTES_FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let damaged = |e: ron::error::SpannedError| RunError::Damaged {
            path: path.clone(),
            reason: format!("{}; repair it or move it away to begin anew", ron_fault(&e)),
        };
        ron::from_str(&read_text(&path)?).map_err(damaged)
    }

    /// Writes the notes into the run's folder.
    ///
    /// # Errors
    /// A folder that cannot be written to; the earlier file then stays as it was.
    pub fn save(&self, run: &Path) -> Result<(), RunError> {
        let path = run.join(NOTES_FILE);
        write_atomic(&path, ron_text(self)?.as_bytes())
    }

    /// What is written about a clip.
    pub fn get(&self, video: &str, start: u32) -> Option<&ClipNote> {
        self.videos.get(video)?.get(&start)
    }

    /// Replaces what is written about a clip; an empty note takes it away.
    pub fn set(&mut self, video: &str, start: u32, note: ClipNote) {
        if !note.is_empty() {
            self.videos.entry(video.to_owned()).or_default().insert(start, note);
        } else if let Some(clips) = self.videos.get_mut(video) {
            clips.remove(&start);
            if clips.is_empty() {
                self.videos.remove(video);
            }
        }
    }

    /// Every tag with the number of clips that have it, in alphabetical order.
    pub fn tags(&self) -> BTreeMap<&str, usize> {
        let mut tags = BTreeMap::new();
        for tag in self.videos.values().flat_map(BTreeMap::values).flat_map(|n| &n.tags) {
            *tags.entry(tag.as_str()).or_default() += 1;
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_survive_the_disk_and_empty_ones_leave_no_trace() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(Notes::load(run.path()).unwrap(), Notes::default());
        let mut notes = Notes::default();
        let mut note = ClipNote { tags: Vec::new(), text: "the \"bar\"\nis cut".into() };
        for tag in [" label is wrong ", "", "occluded", "occluded"] {
            note.toggle(tag);
        }
        assert_eq!(note.tags, ["label is wrong"]);
        notes.set("test/s05.mp4", 480, note.clone());
        notes.set("a.mp4", 0, ClipNote { tags: vec!["label is wrong".into()], text: String::new() });
        notes.save(run.path()).unwrap();
        let read = Notes::load(run.path()).unwrap();
        assert_eq!(read, notes);
        assert_eq!(read.get("test/s05.mp4", 480), Some(&note));
        assert_eq!(read.tags().into_iter().collect::<Vec<_>>(), [("label is wrong", 2)]);
        notes.set("a.mp4", 0, ClipNote { tags: Vec::new(), text: "  ".into() });
        notes.set("test/s05.mp4", 480, ClipNote::default());
        assert_eq!(notes, Notes::default());
    }

    #[test]
    fn a_damaged_file_is_named() {
        let run = tempfile::tempdir().unwrap();
        std::fs::write(run.path().join(NOTES_FILE), "{\"a.mp4\": {").unwrap();
        let error = Notes::load(run.path()).unwrap_err().to_string();
        assert!(error.contains(NOTES_FILE) && error.contains("damaged"), "{error}");
    }
}

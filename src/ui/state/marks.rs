//! Videos that were picked out together, and the tags people gave them.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Tags of videos, by the name of the video.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VideoTags(BTreeMap<String, BTreeSet<String>>);

impl VideoTags {
    /// The tags of a video, in alphabetical order.
    pub fn of(&self, video: &str) -> impl Iterator<Item = &str> {
        self.0.get(video).into_iter().flatten().map(String::as_str)
    }

    /// True where a video has a tag, whatever its case.
    pub fn has(&self, video: &str, tag: &str) -> bool {
        self.of(video).any(|t| t.to_lowercase() == tag)
    }

    /// True where no video has a tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a tag on a video, or takes it off.
    pub fn set(&mut self, video: &str, tag: &str, on: bool) {
        let tag = tag.trim();
        if tag.is_empty() {
            return;
        }
        let tags = self.0.entry(video.to_owned()).or_default();
        if on {
            tags.insert(tag.to_owned());
        } else {
            tags.remove(tag);
        }
        if tags.is_empty() {
            self.0.remove(video);
        }
    }

    /// Every tag with the number of videos that have it.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for tag in self.0.values().flatten() {
            *counts.entry(tag.as_str()).or_default() += 1;
        }
        counts
    }

    /// The tags of every video, as the rows of a table: name, tab, tags with commas between them.
    pub fn table(&self) -> String {
        let row = |(video, tags): (&String, &BTreeSet<String>)| {
            format!("{video}\t{}\n", tags.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        std::iter::once("video\ttags\n".to_owned()).chain(self.0.iter().map(row)).collect()
    }
}

/// Videos that were picked out, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The videos.
    pub videos: BTreeSet<String>,
    /// The one that was picked last: a range begins there.
    pub from: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_and_go_and_are_counted() {
        let mut tags = VideoTags::default();
        for (video, tag) in [("a", "dark"), ("b", " dark "), ("b", "Blurred"), ("c", "")] {
            tags.set(video, tag, true);
        }
        assert_eq!(tags.counts().into_iter().collect::<Vec<_>>(), [("Blurred", 1), ("dark", 2)]);
        assert!(tags.has("b", "blurred") && !tags.has("c", ""));
        assert_eq!(tags.table(), "video\ttags\na\tdark\nb\tBlurred, dark\n");
        tags.set("a", "dark", false);
        tags.set("b", "dark", false);
        tags.set("b", "Blurred", false);
        assert!(tags.is_empty());
    }
}

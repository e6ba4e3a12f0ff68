//! Whether a dataset is the one a run was trained on, and which of its videos are which of the run's.
//!
//! Names do not tell: people number their subjects alike everywhere. The place and the content of the files do.

use crate::domain::{Dataset, Split};
use crate::run_folder::SplitRow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

fn canonical(path: &Path) -> std::path::PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// True for the dataset whose videos the rows of `split.csv` tell of: at its place or moved, as it was or changed.
///
/// At its place it is another one only when none of its files has a content that the run knows. Elsewhere it is the same
/// when more than half of the run's videos are more than half of it. Runs of earlier versions do not know contents; then the
/// place counts, or the fingerprint.
pub(super) fn is_same(rows: &[SplitRow], root: &Path, fingerprint: &str, dataset: &Dataset) -> bool {
    let here = !root.as_os_str().is_empty() && canonical(root) == canonical(&dataset.root);
    let then: HashSet<&str> = rows.iter().map(|r| r.content.as_str()).filter(|c| !c.is_empty()).collect();
    let now: HashSet<&str> = dataset.videos.iter().map(|v| v.content()).filter(|c| !c.is_empty()).collect();
    if then.is_empty() || now.is_empty() {
        return here || (!fingerprint.is_empty() && fingerprint == dataset.fingerprint);
    }
    let both = then.intersection(&now).count();
    if here { both > 0 } else { 2 * both > then.len() && 2 * both > now.len() }
}

/// The part each video of the run's own dataset played, by position: found by its content, else by its name.
pub(super) fn parts(rows: &[SplitRow], dataset: &Dataset) -> Vec<Split> {
    let by_name: HashMap<&str, &SplitRow> = rows.iter().map(|r| (r.video.as_str(), r)).collect();
    let mut by_content: HashMap<&str, Split> = HashMap::new();
    for row in rows.iter().filter(|r| !r.content.is_empty()) {
        let part = by_content.entry(&row.content).or_insert(row.part);
        // Of equal files one was trained on: then all were.
        if row.part == Split::Train {
            *part = Split::Train;
        }
    }
    let part = |v: &crate::domain::VideoEntry| {
        let row = by_name.get(v.name.as_str());
        let known = |row: &&&SplitRow| row.content.is_empty() || v.content().is_empty() || row.content == v.content();
        match (row.filter(known), by_content.get(v.content())) {
            (Some(row), _) => row.part,
            // Renamed: the name it had is not in the dataset any more, or means something else.
            (None, Some(part)) => *part,
            // Changed in place.
            (None, None) => row.map_or(Split::Unassigned, |r| r.part),
        }
    };
    dataset.videos.iter().map(part).collect()
}

/// Videos of another dataset whose files the run was trained on, by position.
pub(super) fn trained_on(rows: &[SplitRow], dataset: &Dataset) -> BTreeSet<usize> {
    let trained = rows.iter().filter(|r| r.part == Split::Train && !r.content.is_empty());
    let contents: HashSet<&str> = trained.map(|r| r.content.as_str()).collect();
    let known = |v: &crate::domain::VideoEntry| contents.contains(v.content());
    dataset.videos.iter().enumerate().filter(|(_, v)| known(v)).map(|(i, _)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LabelTrack, VideoEntry, VideoFacts};

    fn dataset(root: &str, videos: &[(&str, &str)]) -> Dataset {
        let entry = |(name, content): &(&str, &str)| VideoEntry {
            path: Path::new(root).join(name),
            name: (*name).into(),
            subject: String::new(),
            split: Split::Unassigned,
            labels: LabelTrack::default(),
            instances: Vec::new(),
            masks: None,
            poses: None,
            pose_video: None,
            stated_rate: None,
            facts: Some(VideoFacts { frames: 9, content: (*content).into(), ..VideoFacts::default() }),
            unread: None,
        };
        Dataset { root: root.into(), videos: videos.iter().map(entry).collect(), ..Dataset::default() }
    }

    fn rows(videos: &[(&str, &str, Split)]) -> Vec<SplitRow> {
        let row = |(video, content, part): &(&str, &str, Split)| SplitRow {
            video: (*video).into(),
            content: (*content).into(),
            part: *part,
            ..SplitRow::default()
        };
        videos.iter().map(row).collect()
    }

    const RUN: [(&str, &str, Split); 3] =
        [("s1", "a", Split::Train), ("s2", "b", Split::Train), ("s3", "c", Split::Test)];

    #[test]
    fn names_never_make_a_dataset_the_same() {
        let same =
            |root: &str, videos: &[(&str, &str)]| is_same(&rows(&RUN), Path::new("/home"), "f", &dataset(root, videos));
        assert!(same("/home", &[("s1", "a"), ("s2", "b"), ("s3", "c")]));
        assert!(same("/moved", &[("s1", "a"), ("s2", "b"), ("s3", "c")]));
        assert!(same("/renamed", &[("x1", "a"), ("x2", "b"), ("x3", "c")]));
        // Moved, with a video mended and one added.
        assert!(same("/moved", &[("s1", "a"), ("s2", "mended"), ("s3", "c")]));
        assert!(same("/home", &[("s1", "a"), ("s2", "mended"), ("s3", "mended too"), ("s4", "d")]));
        assert!(!same("/other", &[("s1", "x"), ("s2", "y"), ("s3", "z")]));
        assert!(!same("/home", &[("s1", "x"), ("s2", "y"), ("s3", "z")]), "another set at the same place");
        // A large set that holds the small one is another one.
        assert!(!same("/other", &[("s1", "a"), ("s2", "b"), ("s3", "c"), ("4", "d"), ("5", "e"), ("6", "f")]));
        // An earlier version did not note contents.
        let old = rows(&RUN.map(|(n, _, p)| (n, "", p)));
        let moved = Dataset { fingerprint: "f".into(), ..dataset("/moved", &[("s1", "a")]) };
        assert!(is_same(&old, Path::new("/home"), "f", &moved));
        assert!(is_same(&old, Path::new("/home"), "g", &dataset("/home", &[("s1", "a")])));
        assert!(!is_same(&old, Path::new("/home"), "g", &dataset("/other", &[("s1", "a"), ("s2", "b"), ("s3", "c")])));
    }

    #[test]
    fn parts_follow_contents_before_names() {
        let (train, test, none) = (Split::Train, Split::Test, Split::Unassigned);
        let of = |videos: &[(&str, &str)]| parts(&rows(&RUN), &dataset("/d", videos));
        assert_eq!(of(&[("s1", "a"), ("s2", "b"), ("s3", "c"), ("s4", "d")]), [train, train, test, none]);
        // Two that swapped their names.
        assert_eq!(of(&[("s1", "c"), ("s3", "a")]), [test, train]);
        assert_eq!(of(&[("s3", "mended"), ("new name", "c")]), [test, test]);
        let twice = rows(&[("s1", "a", test), ("s2", "a", train)]);
        assert_eq!(parts(&twice, &dataset("/d", &[("other", "a")])), [train]);
        assert_eq!(trained_on(&rows(&RUN), &dataset("/e", &[("q", "c"), ("r", "b")])), BTreeSet::from([1]));
    }
}

//! People in folds: each is tested on once, by a network that was trained on the others.

use super::DataError;
use crate::config::Folds;
use crate::domain::{Dataset, Split, VideoEntry, counted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A division of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// Its name in run folders; empty where the dataset is divided as it is.
    pub name: String,
    /// The people tested on; none where the dataset is divided as it is.
    pub tested: Vec<String>,
}

/// The folds of a dataset. Groups are filled with the person of most labelled videos first, each into the group that has the
/// fewest so far: the same people always form the same groups, whatever the seed.
///
/// # Errors
/// Labelled videos whose person is not known, and fewer people than groups.
pub fn folds(dataset: &Dataset, folds: Folds) -> Result<Vec<Fold>, DataError> {
    let groups = match folds {
        Folds::Dataset => return Ok(vec![Fold::default()]),
        Folds::LeaveOneSubjectOut => None,
        Folds::BySubject(groups) => Some(groups),
    };
    let usable = |v: &&VideoEntry| v.frames() > 0 && v.is_labelled();
    let mut people: BTreeMap<&str, usize> = BTreeMap::new();
    let mut nobody = 0_u64;
    for video in dataset.videos.iter().filter(usable) {
        match video.subject.as_str() {
            "" => nobody += 1,
            subject => *people.entry(subject).or_default() += 1,
        }
    }
    let root = dataset.root.display();
    if nobody > 0 {
        return Err(DataError::Plan(format!(
            "folds by subject need to know who is in a video, and {} of {root} {} nobody; set data.subject_pattern, or divide \
             as the dataset does",
            counted(nobody, "labelled video"),
            if nobody == 1 { "names" } else { "name" }
        )));
    }
    let groups = groups.unwrap_or(people.len());
    if people.len() < groups.max(2) {
        return Err(DataError::Plan(format!(
            "{} people are too few for {} folds in {root}",
            people.len(),
            groups.max(2)
        )));
    }
    let mut by_size: Vec<(&str, usize)> = people.into_iter().collect();
    by_size.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut filled: Vec<(usize, Vec<String>)> = vec![(0, Vec::new()); groups];
    for (subject, videos) in by_size {
        if let Some((size, members)) = filled.iter_mut().min_by_key(|(size, members)| (*size, members.len())) {
            *size += videos;
            members.push(subject.to_owned());
        }
    }
    let digits = groups.to_string().len();
    let fold = |(i, (_, mut tested)): (usize, (usize, Vec<String>))| {
        tested.sort();
        Fold { name: format!("fold{:0digits$}", i + 1), tested }
    };
    Ok(filled.into_iter().enumerate().map(fold).collect())
}

impl Fold {
    /// The dataset divided so: the people tested on are its test part, all others are trained on, and validation is taken
    /// from those as the configuration says. The fingerprint stays: it is of the files.
    pub fn of(&self, dataset: &Arc<Dataset>) -> Arc<Dataset> {
        if self.tested.is_empty() {
            return dataset.clone();
        }
        let mut out = Dataset::clone(dataset);
        for video in &mut out.videos {
            video.split = if self.tested.contains(&video.subject) { Split::Test } else { Split::Train };
        }
        Arc::new(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Label, LabelTrack, Segment, VideoFacts};

    fn dataset(videos: &[(&str, &str)]) -> Dataset {
        let entry = |(name, subject): &(&str, &str)| VideoEntry {
            path: name.into(),
            name: (*name).into(),
            subject: (*subject).into(),
            split: Split::Val,
            labels: LabelTrack::from_segments(vec![Segment { start: 0, end: 9, label: Label::Class(0) }]),
            instances: Vec::new(),
            masks: None,
            poses: None,
            pose_video: None,
            facts: Some(VideoFacts { frames: 9, ..VideoFacts::default() }),
            ..VideoEntry::default()
        };
        Dataset { videos: videos.iter().map(entry).collect(), ..Dataset::default() }
    }

    #[test]
    fn each_person_is_tested_on_once_and_groups_are_of_equal_size() {
        let d = dataset(&[("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b"), ("c1", "c"), ("d1", "d")]);
        let tested =
            |f: Folds| folds(&d, f).unwrap().into_iter().map(|f| (f.name, f.tested.join("+"))).collect::<Vec<_>>();
        let pair = |n: &str, s: &str| (n.to_owned(), s.to_owned());
        assert_eq!(
            tested(Folds::LeaveOneSubjectOut),
            [pair("fold1", "a"), pair("fold2", "b"), pair("fold3", "c"), pair("fold4", "d")]
        );
        // By hand: a (3 videos) alone with the last one that comes, b (2) with c (1): 3 + 1 and 2 + 1.
        assert_eq!(tested(Folds::BySubject(2)), [pair("fold1", "a+d"), pair("fold2", "b+c")]);
        let second = folds(&d, Folds::BySubject(2)).unwrap().remove(1).of(&Arc::new(d.clone()));
        let parts: Vec<Split> = second.videos.iter().map(|v| v.split).collect();
        let (train, test) = (Split::Train, Split::Test);
        assert_eq!(parts, [train, train, train, test, test, test, train], "what was validation is trained on too");
    }

    #[test]
    fn people_who_are_not_known_and_too_few_are_sentences() {
        let told = |d: &Dataset, f| folds(d, f).unwrap_err().to_string();
        let unknown = dataset(&[("a1", "a"), ("b1", "")]);
        assert!(
            told(&unknown, Folds::LeaveOneSubjectOut).contains("1 labelled video of"),
            "{}",
            told(&unknown, Folds::LeaveOneSubjectOut)
        );
        assert!(told(&dataset(&[("a1", "a"), ("b1", "b")]), Folds::BySubject(3)).contains("too few for 3 folds"));
        assert!(told(&dataset(&[("a1", "a")]), Folds::LeaveOneSubjectOut).contains("too few"));
        assert_eq!(folds(&unknown, Folds::Dataset).unwrap(), [Fold::default()]);
    }
}

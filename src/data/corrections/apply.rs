//! Corrections laid over what the files say.

use crate::data::fingerprint::hex;
use crate::data::tracks::track_of;
use crate::domain::{
    ClassSet, CorrectedVideo, Correction, Corrections, Dataset, DatasetCorrections, Instance, LabelTrack, LabelledPart,
    PartLabel, Task, VideoEntry,
};
use std::path::PathBuf;
use std::sync::Arc;

/// What corrections of a video are laid over.
#[derive(Clone, Copy)]
struct Ground<'a> {
    /// Classes as the files have them.
    classes: &'a ClassSet,
    frames: u32,
    task: Task,
}

/// The annotations of a video with its corrections, and those corrections that do not fit, with the reason. With `runs` frames
/// have one label each; of a task of one class no part has several.
pub fn corrected(
    source: &[Instance],
    corrections: &[Correction],
    classes: &ClassSet,
    frames: u32,
    (task, runs): (Task, bool),
) -> (Vec<Instance>, Vec<(usize, String)>) {
    let ground = Ground { classes, frames, task };
    let parts: Vec<LabelledPart> = source.iter().map(|i| LabelledPart::of(i, classes)).collect();
    let mut taken = vec![false; source.len()];
    let (mut changed, mut unfit) = (Vec::new(), Vec::new());
    for (at, correction) in corrections.iter().enumerate() {
        let place = match &correction.original {
            None => None,
            Some(original) => {
                let free =
                    |(i, part): (usize, &LabelledPart)| (part == original && taken.get(i) == Some(&false)).then_some(i);
                match parts.iter().enumerate().find_map(free) {
                    Some(i) => Some(i),
                    None => {
                        unfit.push((at, "the files do not say that any more".to_owned()));
                        continue;
                    }
                }
            }
        };
        match ground.made(place.and_then(|i| source.get(i)), correction.corrected.as_ref()) {
            Err(why) => unfit.push((at, why)),
            Ok(instance) => {
                place.and_then(|i| taken.get_mut(i)).into_iter().for_each(|t| *t = true);
                changed.extend(instance.map(|made| (at, made)));
            }
        }
    }
    let kept = || source.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(i, _)| i);
    if runs {
        for (at, made) in &changed {
            let others = changed.iter().filter(|(other, _)| other != at).map(|(_, other)| other).chain(kept());
            if let Some(other) = others.into_iter().find(|o| o.start < made.end && made.start < o.end) {
                let other = LabelledPart::of(other, classes).words();
                unfit.push((*at, format!("it overlaps {other}, and frames have one label each: correct that one too")));
            }
        }
    }
    if runs && !unfit.is_empty() {
        let known: Vec<usize> = unfit.iter().map(|(at, _)| *at).collect();
        let others = (0..corrections.len()).filter(|at| !known.contains(at));
        let why = "another correction of the video does not fit, and labels of its frames depend on each other";
        unfit.extend(others.map(|at| (at, why.to_owned())).collect::<Vec<_>>());
        return (source.to_vec(), unfit);
    }
    let mut out: Vec<Instance> = kept().chain(changed.iter().map(|(_, made)| made)).cloned().collect();
    out.sort_by_key(|i| (i.start, i.end, i.line));
    (if runs { joined(out) } else { out }, unfit)
}

impl Ground<'_> {
    /// The annotation that stands in place of one of the files, or is added.
    fn made(&self, original: Option<&Instance>, part: Option<&LabelledPart>) -> Result<Option<Instance>, String> {
        let Some(part) = part else { return Ok(None) };
        if part.end <= part.start {
            return Err("it leaves no frame".into());
        }
        if part.end > self.frames {
            return Err(format!("it reaches past the end of the video, which has {} frames", self.frames));
        }
        if let (PartLabel::Classes(names), Task::SingleLabel) = (&part.label, self.task)
            && names.len() > 1
        {
            return Err(format!("it names {} classes, and clips of this dataset have one each", names.len()));
        }
        let label = part.label.resolve(self.classes).map_err(|name| format!("there is no class called '{name}'"))?;
        let mut out = original.cloned().unwrap_or_default();
        if (out.start, out.end) != (part.start, part.end) {
            out.seconds = None;
        }
        (out.start, out.end, out.label) = (part.start, part.end, label);
        if let Some(details) = &mut out.details {
            details.boxes.retain(|b| b.frame < part.end && b.end > part.start);
            details.boxes.iter_mut().for_each(|b| (b.frame, b.end) = (b.frame.max(part.start), b.end.min(part.end)));
            details.key_frame = details.key_frame.filter(|f| (part.start..part.end).contains(f));
        }
        Ok(Some(out))
    }
}

/// Runs of equal labels that touch are one.
pub(super) fn joined(parts: Vec<Instance>) -> Vec<Instance> {
    let mut out: Vec<Instance> = Vec::with_capacity(parts.len());
    for part in parts {
        match out.last_mut() {
            Some(last) if last.end == part.start && last.label == part.label => {
                last.end = part.end;
                last.seconds = last.seconds.zip(part.seconds).map(|((start, _), (_, end))| (start, end));
            }
            _ => out.push(part),
        }
    }
    out
}

/// Classes as the files of a dataset have them.
pub(in crate::data) fn file_classes(dataset: &Dataset) -> ClassSet {
    match &dataset.mapped {
        Some(mapped) => ClassSet { classes: mapped.sources.iter().map(|s| s.class.clone()).collect() },
        None => dataset.classes.clone(),
    }
}

/// Corrects a video that was looked into, its labels still in classes of the files. Gives sentences on what does not fit.
pub(in crate::data) fn correct_entry(
    corrections: &mut DatasetCorrections,
    entry: &mut VideoEntry,
    classes: &ClassSet,
    how: (Task, bool),
) -> Vec<(PathBuf, String)> {
    let of_video = corrections.all.of(&entry.name);
    // Of a file that cannot be read nothing is known; that is told already.
    if of_video.is_empty() || entry.facts.is_none() {
        return Vec::new();
    }
    let (instances, unfit) = corrected(&entry.instances, of_video, classes, entry.frames(), how);
    let file = corrections.file.clone().unwrap_or_default();
    let told = unfit.iter().filter_map(|(at, why)| {
        let correction = of_video.get(*at)?;
        let (video, words) = (&entry.name, correction.words());
        Some((file.clone(), format!("{video}: {words}: {why}; it is not applied, correct the label anew or remove it")))
    });
    let told = told.collect();
    let source = std::mem::replace(&mut entry.instances, instances);
    relay(entry, how.0);
    corrections.videos.insert(entry.name.clone(), CorrectedVideo { source, unfit });
    told
}

/// Lays the annotations of a video over its frames again.
fn relay(entry: &mut VideoEntry, task: Task) {
    entry.labels = match task {
        Task::MultiLabel => LabelTrack::default(),
        Task::SingleLabel => track_of(&entry.instances, entry.frames()).0,
    };
}

/// Corrects all videos of a dataset that were looked into and whose labels are still in classes of the files. Gives by position
/// of the video what does not fit.
pub(in crate::data) fn correct_all(
    dataset: &mut Dataset,
    mut corrections: DatasetCorrections,
) -> Vec<(usize, PathBuf, String)> {
    let classes = file_classes(dataset);
    let how = (dataset.task, dataset.joins_runs());
    let mut told = Vec::new();
    for (at, video) in dataset.videos.iter_mut().enumerate().filter(|(_, v)| !v.is_pending()) {
        let of_video = correct_entry(&mut corrections, video, &classes, how);
        told.extend(of_video.into_iter().map(|(file, sentence)| (at, file, sentence)));
    }
    dataset.corrections = Some(Box::new(corrections));
    told
}

/// The fingerprint of files with corrections; that of the files alone where nothing is corrected.
pub(in crate::data) fn fingerprint(files: &str, all: &Corrections) -> String {
    if all.videos.is_empty() {
        return files.to_owned();
    }
    let mut text = format!("corrections\0{files}\0");
    for (video, corrections) in &all.videos {
        for correction in corrections {
            text += &format!("{video}\0{:?}\0{:?}\0", correction.original, correction.corrected);
        }
    }
    hex(text.as_bytes())
}

/// The same dataset with other corrections, where it was read without a label map: only videos whose corrections changed are
/// touched. `None` where there is a label map: it has to be read anew.
pub fn with_corrections(mut dataset: Dataset, all: Arc<Corrections>) -> Result<Dataset, Box<Dataset>> {
    if dataset.mapped.is_some() {
        return Err(Box::new(dataset));
    }
    let mut kept = match dataset.corrections.take() {
        Some(kept) => *kept,
        None => DatasetCorrections { fingerprint: dataset.fingerprint.clone(), ..DatasetCorrections::default() },
    };
    let before = std::mem::replace(&mut kept.all, all);
    let how = (dataset.task, dataset.joins_runs());
    let changed = |name: &str| before.of(name) != kept.all.of(name);
    let names: Vec<usize> =
        (0..dataset.videos.len()).filter(|i| dataset.videos.get(*i).is_some_and(|v| changed(&v.name))).collect();
    for at in names {
        let Some(video) = dataset.videos.get_mut(at).filter(|v| !v.is_pending()) else { continue };
        if let Some(known) = kept.videos.remove(&video.name) {
            video.instances = known.source;
        }
        correct_entry(&mut kept, video, &dataset.classes, how);
        if kept.all.of(&video.name).is_empty() {
            relay(video, how.0);
        }
    }
    dataset.fingerprint = fingerprint(&kept.fingerprint, &kept.all);
    dataset.corrections = Some(Box::new(kept)).filter(|c| !c.all.is_empty() || c.file.is_some());
    Ok(dataset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{InstanceLabel, Label, Segment, VideoFacts};

    fn one(start: u32, end: u32, class: usize) -> Instance {
        Instance { start, end, label: InstanceLabel::Class(class), ..Instance::default() }
    }

    fn part(start: u32, end: u32, class: &str) -> Option<LabelledPart> {
        Some(LabelledPart { start, end, label: PartLabel::Classes(vec![class.into()]) })
    }

    fn change(original: Option<LabelledPart>, corrected: Option<LabelledPart>) -> Correction {
        Correction { original, corrected, ..Correction::default() }
    }

    fn spans(parts: &[Instance]) -> Vec<(u32, u32, usize)> {
        parts.iter().map(|i| (i.start, i.end, i.label.classes()[0])).collect()
    }

    #[test]
    fn a_correction_replaces_what_it_names_and_nothing_else() {
        let classes = ClassSet::from_names(["a", "b"]);
        let source = [one(0, 10, 0), one(5, 20, 1), one(5, 20, 1)];
        let all = [
            change(part(5, 20, "b"), part(6, 20, "a")),
            change(None, part(30, 40, "b")),
            change(part(0, 10, "a"), None),
            change(part(0, 9, "a"), part(0, 8, "a")),
            change(part(5, 20, "b"), part(5, 41, "b")),
            change(part(5, 20, "b"), part(5, 20, "c")),
        ];
        let (now, unfit) = corrected(&source, &all, &classes, 40, (Task::SingleLabel, false));
        assert_eq!(spans(&now), [(5, 20, 1), (6, 20, 0), (30, 40, 1)]);
        let told: Vec<_> = unfit.iter().map(|(at, why)| (*at, why.as_str())).collect();
        assert_eq!(told.iter().map(|t| t.0).collect::<Vec<_>>(), [3, 4, 5]);
        assert!(told[0].1.contains("any more") && told[1].1.contains("40 frames") && told[2].1.contains("'c'"));
    }

    #[test]
    fn of_runs_all_corrections_hold_or_none_and_equal_neighbours_are_one() {
        let classes = ClassSet::from_names(["a", "b"]);
        let source = [one(0, 10, 0), one(10, 20, 1), one(20, 30, 0)];
        let both = [change(part(0, 10, "a"), part(0, 12, "a")), change(part(10, 20, "b"), part(12, 20, "b"))];
        let (now, unfit) = corrected(&source, &both, &classes, 30, (Task::SingleLabel, true));
        assert_eq!((spans(&now), unfit.len()), (vec![(0, 12, 0), (12, 20, 1), (20, 30, 0)], 0));
        let (now, _) = corrected(
            &source,
            &[change(part(10, 20, "b"), part(10, 20, "a"))],
            &classes,
            30,
            (Task::SingleLabel, true),
        );
        assert_eq!(spans(&now), [(0, 30, 0)]);
        let stale = [both[0].clone(), change(part(10, 19, "b"), part(12, 19, "b"))];
        let (now, unfit) = corrected(&source, &stale, &classes, 30, (Task::SingleLabel, true));
        assert_eq!((spans(&now).as_slice(), unfit.len()), (spans(&source).as_slice(), 2));
        // Frames of two labels, and labels of two classes, would be counted as only one of them.
        let over = [change(part(10, 20, "b"), part(5, 20, "b"))];
        let (now, unfit) = corrected(&source, &over, &classes, 30, (Task::SingleLabel, true));
        assert_eq!(spans(&now), spans(&source));
        assert!(unfit[0].1.contains("overlaps a, frames 0 to 9"), "{unfit:?}");
        let two = Some(LabelledPart { start: 0, end: 10, label: PartLabel::Classes(vec!["a".into(), "b".into()]) });
        let two = [change(part(0, 10, "a"), two)];
        assert!(corrected(&source, &two, &classes, 30, (Task::SingleLabel, false)).1[0].1.contains("2 classes"));
        assert!(corrected(&source, &two, &classes, 30, (Task::MultiLabel, false)).1.is_empty());
    }

    #[test]
    fn a_dataset_is_corrected_and_taken_back_in_place() {
        let class = Label::Class;
        let video = VideoEntry {
            name: "v".into(),
            labels: LabelTrack::from_segments(vec![Segment { start: 0, end: 10, label: class(0) }]),
            instances: vec![one(0, 10, 0)],
            facts: Some(VideoFacts { frames: 20, ..VideoFacts::default() }),
            ..VideoEntry::default()
        };
        let dataset = Dataset {
            classes: ClassSet::from_names(["a", "b"]),
            videos: vec![video],
            fingerprint: "files".into(),
            ..Dataset::default()
        };
        let mut all = Corrections::default();
        all.set("v", vec![change(part(0, 10, "a"), part(0, 4, "b"))]);
        let now = with_corrections(dataset.clone(), Arc::new(all)).unwrap();
        assert_eq!(now.videos[0].labels.segments(), [Segment { start: 0, end: 4, label: class(1) }]);
        assert!(now.fingerprint != "files" && now.corrections.is_some());
        let back = with_corrections(now, Arc::default()).unwrap();
        assert_eq!(back.videos[0].labels, dataset.videos[0].labels);
        assert_eq!((back.fingerprint.as_str(), back.corrections), ("files", None));
    }
}

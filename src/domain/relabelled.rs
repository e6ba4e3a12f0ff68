//! Datasets whose labels are put into other classes.

use super::fates::Fates;
use super::mapped::{MappedClasses, SourceClass};
use super::{ClassInfo, ClassMapping, ClassSet, Dataset, LabelMap, Task, VideoEntry};

impl Fates {
    /// All labels of a video; `runs` as for [`Fates::instances`].
    pub fn relabel(&self, video: &mut VideoEntry, runs: bool) {
        video.labels = self.track(&video.labels);
        video.instances = self.instances(&video.instances, runs);
    }
}

/// Counts the labels of a video, which are those of the dataset itself.
fn count(sources: &mut [SourceClass], video: &VideoEntry) {
    for class in video.instances.iter().flat_map(|i| i.label.classes()) {
        sources.iter_mut().skip(*class).take(1).for_each(|c| c.instances += 1);
    }
    for (label, frames) in video.frames_by_label() {
        let Some(class) = label.class() else { continue };
        sources.iter_mut().skip(class).take(1).for_each(|c| c.frames += frames);
    }
}

impl MappedClasses {
    /// Puts the labels of a video that was looked into since into the classes of the map; `runs` as for
    /// [`Fates::instances`].
    pub fn relabel(&mut self, video: &mut VideoEntry, runs: bool) {
        count(&mut self.sources, video);
        self.fates.relabel(video, runs);
    }
}

impl Dataset {
    /// True where its annotations are runs of equal labels, so that two that become equal and touch are one.
    pub fn joins_runs(&self) -> bool {
        !self.instance_wise && self.task == Task::SingleLabel
    }

    /// The label map it was read with; an empty one where there was none.
    pub fn label_map(&self) -> LabelMap {
        self.mapped.as_ref().map(|m| m.map.clone()).unwrap_or_default()
    }

    /// Its classes before the label map, with what labels them.
    pub fn source_classes(&self) -> Vec<SourceClass> {
        if let Some(mapped) = &self.mapped {
            return mapped.sources.clone();
        }
        let of = |class: &ClassInfo| SourceClass { class: class.clone(), ..SourceClass::default() };
        let mut out: Vec<SourceClass> = self.classes.classes.iter().map(of).collect();
        self.videos.iter().filter(|v| !v.is_pending()).for_each(|video| count(&mut out, video));
        out
    }

    /// The fingerprint of its files, whatever its label map.
    pub fn files_fingerprint(&self) -> &str {
        self.mapped.as_ref().map_or(&self.fingerprint, |m| &m.fingerprint)
    }

    /// Puts all labels into the classes of a label map that was resolved for it. The fingerprint is left to the caller; the
    /// ledger knows already which rows are left out.
    pub fn apply(&mut self, map: &LabelMap, mapping: &ClassMapping) {
        let sources = self.source_classes();
        let runs = self.joins_runs();
        // The others are relabelled when somebody looks into them.
        for video in self.videos.iter_mut().filter(|v| !v.is_pending()) {
            mapping.fates.relabel(video, runs);
        }
        let before: ClassSet = std::mem::replace(&mut self.classes, mapping.classes.clone());
        self.mapped = Some(Box::new(MappedClasses {
            map: map.clone(),
            sources,
            fates: mapping.fates.clone(),
            changes: mapping.changes(&before),
            fingerprint: self.fingerprint.clone(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Instance, InstanceLabel, VideoFacts};

    fn one(start: u32, end: u32, label: InstanceLabel) -> Instance {
        Instance { start, end, label, ..Instance::default() }
    }

    #[test]
    fn a_dataset_remembers_its_own_classes() {
        let mut dataset = Dataset {
            classes: ClassSet::from_numbered(["a", "b", "c"]),
            instance_wise: true,
            fingerprint: "files".into(),
            videos: vec![VideoEntry {
                instances: vec![one(0, 5, InstanceLabel::Class(0)), one(5, 9, InstanceLabel::Class(2))],
                facts: Some(VideoFacts { frames: 8, ..VideoFacts::default() }),
                ..VideoEntry::default()
            }],
            ..Dataset::default()
        };
        let map = LabelMap::parse(&["c=a".into(), "b=".into()], &[]).unwrap();
        let mapping = map.resolve(&dataset.classes).unwrap();
        dataset.apply(&map, &mapping);
        assert_eq!(
            dataset.classes.classes,
            [ClassInfo { source: Some("0 + 2".into()), ..ClassInfo::numbered(0, "a") }]
        );
        assert_eq!(dataset.videos[0].classes(), [0]);
        let sources: Vec<_> =
            dataset.source_classes().into_iter().map(|s| (s.class.name, s.instances, s.frames)).collect();
        assert_eq!(sources, [("a".to_owned(), 1, 5), ("b".to_owned(), 0, 0), ("c".to_owned(), 1, 3)]);
        assert_eq!((dataset.files_fingerprint(), dataset.label_map()), ("files", map));
    }
}

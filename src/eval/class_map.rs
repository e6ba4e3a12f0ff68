//! Which output of a network each class of a dataset is, and with it the true output of a clip: the one rule for
//! evaluating, explaining and the window.

use crate::config::RunConfig;
use crate::data::{FrameRule, clip_classes, clip_label, labels_of};
use crate::domain::{
    ClassChange, ClassId, ClassInfo, ClassMatch, ClassSet, Clip, Dataset, Fate, Fates, Instance, Label, LabelMap,
    LabelTrack, Task, VideoEntry, choices, listed,
};
use std::collections::HashMap;

/// Why classes cannot be matched. Every message is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassMatchError {
    /// Both sides have names, and none in common.
    #[error(
        "the run knows none of its classes: it has {}, the run has {}; say which class is which, or take the run or the \
         dataset that belongs to it",
        listed(.dataset, LISTED), listed(.run, LISTED)
    )]
    Foreign {
        /// Names of the dataset's classes.
        dataset: Vec<String>,
        /// Names of the run's classes.
        run: Vec<String>,
    },
    /// A pair names a class the dataset does not have.
    #[error("it has no class '{name}'; it has {known}")]
    NotInDataset {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A pair names a class the run does not have.
    #[error("the run has no class '{name}'; it has {known}")]
    NotInRun {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// Names in a sentence before the rest are only counted.
const LISTED: usize = 8;

/// How classes came to be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matched {
    Names,
    Numbers,
    Said,
    Nothing,
}

/// The output of a run that each class of a dataset is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMap {
    /// What each class of the dataset is: an output, background, or nothing.
    fates: Fates,
    /// Classes of the dataset that the run does not know.
    unknown: Vec<ClassId>,
    /// What the label map of the run makes of the dataset's classes.
    changes: Vec<ClassChange>,
    matched: Matched,
    /// The run's classes before background: those that a dataset can label.
    known: Vec<ClassInfo>,
    /// The output of background frames, where the run has one.
    background: Option<ClassId>,
    /// How many classes a clip may have.
    task: Task,
}

impl ClassMap {
    /// Matches the classes of a dataset with those of a run. `background` tells that the run has the class that
    /// background frames form; no class of a dataset is matched with it, nor with what stands behind it.
    ///
    /// # Errors
    /// Names on both sides and none in common, and pairs whose names are not there.
    pub fn of(
        dataset: &ClassSet,
        run: &ClassSet,
        background: bool,
        chosen: &ClassMatch,
    ) -> Result<Self, ClassMatchError> {
        Self::of_mapped(dataset, run, background, chosen, &LabelMap::default())
    }

    /// As [`ClassMap::of`], of a run that was trained with a label map and a dataset that was read without one: the map
    /// says what its classes are, as far as it speaks of them.
    ///
    /// # Errors
    /// As [`ClassMap::of`].
    pub fn of_mapped(
        dataset: &ClassSet,
        run: &ClassSet,
        background: bool,
        chosen: &ClassMatch,
        label_map: &LabelMap,
    ) -> Result<Self, ClassMatchError> {
        let background = run.classes.iter().position(|c| background && c.id == -1);
        let run = run.classes.get(..background.unwrap_or(run.len())).unwrap_or_default();
        let by_name: HashMap<&str, ClassId> = run.iter().enumerate().rev().map(|(i, c)| (c.name.as_str(), i)).collect();
        let fitting = label_map.fitting(dataset);
        let mapping = fitting.resolve(dataset).ok().filter(|m| !fitting.is_empty() && !m.classes.is_empty());
        let changes = mapping.as_ref().map(|m| m.changes(dataset)).unwrap_or_default();
        let output = |name: &str| by_name.get(name).copied().map(Fate::Class);
        let named = || -> Vec<Option<Fate>> {
            let of = |(at, class): (ClassId, &ClassInfo)| match &mapping {
                None => output(&class.name),
                Some(mapping) => match mapping.fates.of(at) {
                    Fate::Class(new) => output(mapping.classes.name(new)),
                    other => Some(other),
                },
            };
            dataset.classes.iter().enumerate().map(of).collect()
        };
        let numbered = || -> Vec<Option<Fate>> {
            dataset.classes.iter().map(|c| run.iter().position(|r| r.id == c.id).map(Fate::Class)).collect()
        };
        let names_of = |classes: &[ClassInfo]| classes.iter().map(|c| c.name.clone()).collect();
        let (fates, matched) = match chosen {
            ClassMatch::Unlabelled => (vec![None; dataset.len()], Matched::Nothing),
            ClassMatch::ByNumber => (numbered(), Matched::Numbers),
            ClassMatch::Pairs(pairs) => (paired(pairs, dataset, run, &by_name, named())?, Matched::Said),
            // The run's own classes, of which several may have one name.
            ClassMatch::Auto if dataset.classes == run => {
                ((0..run.len()).map(|at| Some(Fate::Class(at))).collect(), Matched::Names)
            }
            ClassMatch::Auto => {
                let fates = named();
                if dataset.is_empty() || fates.iter().any(|f| matches!(f, Some(Fate::Class(_)))) {
                    (fates, Matched::Names)
                } else if run.iter().all(|c| is_number(&c.name)) {
                    (numbered(), Matched::Numbers)
                } else {
                    return Err(ClassMatchError::Foreign { dataset: names_of(&dataset.classes), run: names_of(run) });
                }
            }
        };
        let unknown = fates.iter().enumerate().filter(|(_, f)| f.is_none()).map(|(at, _)| at).collect();
        Ok(Self {
            fates: Fates(fates.into_iter().map(|f| f.unwrap_or(Fate::LeftOut)).collect()),
            unknown,
            changes: if matches!(matched, Matched::Names | Matched::Said) { changes } else { Vec::new() },
            matched,
            known: run.to_vec(),
            background,
            task: Task::SingleLabel,
        })
    }

    /// The same for clips that may have several classes, where `task` is of that kind.
    pub fn of_task(self, task: Task) -> Self {
        Self { task, ..self }
    }

    /// How many classes a clip may have.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The output that a class of the dataset is.
    pub fn output(&self, class: ClassId) -> Option<ClassId> {
        self.fates.class(class)
    }

    /// The class of the dataset that an output is; the first of several, `None` for what no class of it is matched with.
    pub fn class_of(&self, output: ClassId) -> Option<ClassId> {
        self.fates.0.iter().position(|f| *f == Fate::Class(output))
    }

    /// What the label map of the run makes of the dataset's classes; none where it has none, or the dataset was read with
    /// it.
    pub fn changes(&self) -> &[ClassChange] {
        &self.changes
    }

    /// Labels of a video of the dataset as the run counts them: their classes are outputs, and what the run does not know
    /// is unlabelled.
    fn relabelled(&self, labels: &LabelTrack) -> LabelTrack {
        self.fates.track(labels)
    }

    /// As [`ClassMap::relabelled`], of the instances.
    fn instances(&self, video: &VideoEntry) -> Vec<Instance> {
        self.fates.instances(&video.instances, false)
    }

    /// The dataset as the run would have labelled it, after [`as_configured`](crate::data::as_configured): its classes are
    /// those of the run before background, and classes the run does not know are unlabelled.
    pub fn dataset(&self, dataset: &Dataset) -> Dataset {
        let mut out = dataset.clone();
        out.classes = ClassSet { classes: self.known.clone() };
        for video in &mut out.videos {
            video.instances = self.instances(video);
            video.labels = self.relabelled(&video.labels);
        }
        out.task = self.task;
        out
    }

    /// The true outputs of a clip of `video`, a video of the dataset: by its instances and labels as `config`, that of the
    /// run, wants them. None where the clip has no label that the run knows; more than one only in a multi-label task.
    pub fn truths(&self, video: &VideoEntry, clip: &Clip, config: &RunConfig) -> Vec<ClassId> {
        if self.task == Task::SingleLabel {
            return self.truth(video, clip, config).into_iter().collect();
        }
        let labels = self.relabelled(&labels_of(video, config));
        let facts = video.facts.clone();
        let known = VideoEntry { labels, instances: self.instances(video), facts, ..VideoEntry::default() };
        clip_classes(&known, clip, FrameRule::of(&config.clip), self.background)
    }

    /// The true output of a clip of `video`, a video of the dataset: that of the instance it is cut from, else by the labels
    /// as `config`, that of the run, wants them. `None` where the clip has no label that the run knows. In a multi-label
    /// task the first of [`ClassMap::truths`].
    pub fn truth(&self, video: &VideoEntry, clip: &Clip, config: &RunConfig) -> Option<ClassId> {
        if self.task == Task::MultiLabel {
            return self.truths(video, clip, config).first().copied();
        }
        let cut = (clip.cut.start, clip.cut.end);
        if let Some(instance) = video.instances.iter().find(|i| (i.start, i.end) == cut) {
            return match self.fates.instance(&instance.label).single()? {
                Label::Class(output) => Some(output),
                Label::Background => self.background,
            };
        }
        let labels = self.relabelled(&labels_of(video, config));
        match clip_label(&labels, clip, video.frames(), &config.clip)? {
            Label::Class(output) => Some(output),
            Label::Background => self.background,
        }
    }

    /// The true output that a prediction of a clip is held against: of several the predicted one if it is among them, else
    /// the first.
    pub fn truth_beside(
        &self,
        predicted: ClassId,
        video: &VideoEntry,
        clip: &Clip,
        config: &RunConfig,
    ) -> Option<ClassId> {
        let truths = self.truths(video, clip, config);
        if truths.contains(&predicted) { Some(predicted) } else { truths.first().copied() }
    }

    /// Positions of the dataset's classes that the run does not know.
    pub fn unknown(&self) -> impl Iterator<Item = ClassId> + '_ {
        self.unknown.iter().copied()
    }

    /// True when there are classes and the run knows none of them.
    pub fn is_empty(&self) -> bool {
        !self.fates.0.is_empty() && self.fates.0.iter().all(|f| *f == Fate::LeftOut)
    }

    /// What to know about the way classes were matched, as sentences.
    pub fn notes(&self, dataset: &ClassSet, run: &ClassSet) -> Vec<String> {
        let mut out = Vec::new();
        match self.matched {
            Matched::Numbers => out.push("classes were matched by their numbers, not by their names".to_owned()),
            Matched::Said => {
                let pairs: Vec<String> = (0..dataset.len())
                    .filter_map(|c| Some((dataset.name(c), run.name(self.output(c)?))))
                    .filter(|(a, b)| a != b)
                    .map(|(a, b)| format!("{a} is {b}"))
                    .collect();
                if !pairs.is_empty() {
                    out.push(format!("classes were matched by hand: {}", listed(&pairs, LISTED)));
                }
            }
            Matched::Names | Matched::Nothing => {}
        }
        if !self.changes.is_empty() {
            let words = ClassChange::words(&self.changes);
            out.push(format!("the label map of the run is applied: {}", listed(&words, LISTED)));
        }
        let unknown: Vec<String> = self.unknown().map(|c| dataset.name(c).to_owned()).collect();
        if !unknown.is_empty() && !self.is_empty() {
            out.push(format!(
                "the run does not know these classes; their clips were left out: {}",
                listed(&unknown, LISTED)
            ));
        }
        out
    }
}

/// What somebody said of classes, over what their names say.
fn paired(
    pairs: &[(String, String)],
    dataset: &ClassSet,
    run: &[ClassInfo],
    by_name: &HashMap<&str, ClassId>,
    mut fates: Vec<Option<Fate>>,
) -> Result<Vec<Option<Fate>>, ClassMatchError> {
    let known = |names: &[ClassInfo], name: &str| choices(name, names.iter().map(|c| c.name.as_str()));
    for (from, to) in pairs {
        let at = dataset.by_name(from).ok_or_else(|| ClassMatchError::NotInDataset {
            name: from.clone(),
            known: known(&dataset.classes, from),
        })?;
        let unknown = || ClassMatchError::NotInRun { name: to.clone(), known: known(run, to) };
        let to = match to.is_empty() {
            true => None,
            false => Some(Fate::Class(by_name.get(to.as_str()).copied().ok_or_else(unknown)?)),
        };
        if let Some(slot) = fates.get_mut(at) {
            *slot = to;
        }
    }
    Ok(fates)
}

/// True for a name that is only a number, as classes get that nobody named.
fn is_number(name: &str) -> bool {
    let number = name.strip_prefix("class ").unwrap_or(name);
    let number = number.strip_suffix(" (unused)").unwrap_or(number);
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ClassTargets;
    use crate::domain::{ClassInfo, InstanceLabel, Segment, VideoFacts};

    fn set(names: &[(i64, &str)]) -> ClassSet {
        let classes = names.iter().map(|(id, name)| ClassInfo::named(*id, *name)).collect();
        ClassSet { classes }
    }

    fn outputs(dataset: &ClassSet, run: &ClassSet, chosen: &ClassMatch) -> Vec<Option<usize>> {
        let map = ClassMap::of(dataset, run, false, chosen).unwrap();
        (0..dataset.len()).map(|c| map.output(c)).collect()
    }

    #[test]
    fn names_decide_whatever_the_numbers_are() {
        let dataset = set(&[(0, "squat"), (1, "lunge"), (2, "plank")]);
        let run = set(&[(2, "lunge"), (0, "jump"), (1, "squat")]);
        assert_eq!(outputs(&dataset, &run, &ClassMatch::Auto), [Some(2), Some(0), None]);
        let map = ClassMap::of(&dataset, &run, false, &ClassMatch::Auto).unwrap();
        assert_eq!(
            map.notes(&dataset, &run),
            ["the run does not know these classes; their clips were left out: plank"]
        );
    }

    #[test]
    fn the_label_map_of_a_run_says_what_classes_of_a_plain_dataset_are() {
        let map = LabelMap::parse(
            &["squat=legs".into(), "lunge=legs".into(), "idle=".into(), "rest=@background".into()],
            &[],
        );
        let map = map.unwrap();
        let dataset = set(&[(0, "squat"), (1, "lunge"), (2, "idle"), (3, "rest"), (4, "plank"), (5, "new")]);
        let run = set(&[(0, "plank"), (1, "legs")]);
        let mapped = ClassMap::of_mapped(&dataset, &run, false, &ClassMatch::Auto, &map).unwrap();
        let outputs: Vec<_> = (0..6).map(|c| mapped.output(c)).collect();
        assert_eq!(outputs, [Some(1), Some(1), None, None, Some(0), None]);
        assert_eq!(mapped.unknown().collect::<Vec<_>>(), [5]);
        let label = |class| mapped.fates.label(Label::Class(class));
        assert_eq!((label(2), label(3)), (None, Some(Label::Background)));
        let notes = mapped.notes(&dataset, &run);
        assert!(notes[0].contains("legs = squat + lunge, left out: idle, background = rest"), "{notes:?}");
        assert!(notes[1].ends_with("their clips were left out: new") && notes.len() == 2, "{notes:?}");
        // Classes that are named as the run names them need no map.
        let own = ClassMap::of_mapped(&run, &run, false, &ClassMatch::Auto, &map).unwrap();
        assert_eq!((own.output(0), own.output(1), own.changes().len()), (Some(0), Some(1), 0));
        // What is said comes before it.
        let said = ClassMatch::Pairs(vec![("squat".into(), "plank".into())]);
        let mapped = ClassMap::of_mapped(&dataset, &run, false, &said, &map).unwrap();
        assert_eq!((mapped.output(0), mapped.output(1)), (Some(0), Some(1)));
    }

    #[test]
    fn foreign_names_are_refused_and_numbers_count_only_where_the_run_has_no_names() {
        let dataset = set(&[(0, "squat"), (1, "lunge")]);
        let foreign = set(&[(0, "bend"), (1, "jack")]);
        let error = ClassMap::of(&dataset, &foreign, false, &ClassMatch::Auto).unwrap_err().to_string();
        for word in ["squat, lunge", "bend, jack", "say which class is which"] {
            assert!(error.contains(word), "{error}");
        }
        let numbered = set(&[(0, "class 0"), (1, "class 1"), (2, "class 2 (unused)")]);
        assert_eq!(outputs(&dataset, &numbered, &ClassMatch::Auto), [Some(0), Some(1)]);
        let map = ClassMap::of(&dataset, &numbered, false, &ClassMatch::Auto).unwrap();
        assert!(map.notes(&dataset, &numbered)[0].contains("by their numbers"));
        // A dataset of numbers and a run of names: a guess, so somebody has to say it.
        let bare = set(&[(0, "class 0"), (1, "class 1")]);
        assert!(ClassMap::of(&bare, &foreign, false, &ClassMatch::Auto).is_err());
        assert_eq!(outputs(&bare, &foreign, &ClassMatch::ByNumber), [Some(0), Some(1)]);
        // Nothing is labelled: nothing to match.
        assert!(ClassMap::of(&ClassSet::default(), &foreign, false, &ClassMatch::Auto).is_ok());
    }

    #[test]
    fn what_is_said_is_done_and_what_cannot_be_is_refused() {
        let dataset = set(&[(0, "squat"), (1, "lunge"), (2, "jack")]);
        let run = set(&[(0, "bend"), (1, "jack")]);
        let said = ClassMatch::parse(&["squat=bend".into(), "lunge = bend".into()]).unwrap();
        assert_eq!(outputs(&dataset, &run, &said), [Some(0), Some(0), Some(1)]);
        assert_eq!(outputs(&dataset, &run, &ClassMatch::Unlabelled), [None, None, None]);
        let left_out = ClassMatch::parse(&["squat=bend".into(), "jack=".into()]).unwrap();
        assert_eq!(outputs(&dataset, &run, &left_out), [Some(0), None, None]);
        let fails = |pair: &str| {
            let said = ClassMatch::parse(&[pair.to_owned()]).unwrap();
            ClassMap::of(&dataset, &run, false, &said).unwrap_err().to_string()
        };
        assert!(fails("squad=bend").contains("did you mean 'squat'"));
        assert!(fails("squat=bent").contains("the run has no class 'bent'"));
        assert!(ClassMatch::parse(&["squat".into()]).unwrap_err().contains("DATASET_CLASS=RUN_CLASS"));
    }

    #[test]
    fn nothing_is_matched_with_background() {
        let run = set(&[(0, "squat"), (-1, "background"), (1, "class 1 (unused)")]);
        let dataset = set(&[(0, "squat"), (1, "background")]);
        let map = ClassMap::of(&dataset, &run, true, &ClassMatch::Auto).unwrap();
        assert_eq!((map.output(0), map.output(1)), (Some(0), None));
    }

    #[test]
    fn the_run_s_own_classes_are_matched_one_by_one_though_two_have_one_name() {
        let own = set(&[(0, "open"), (1, "open"), (2, "close")]);
        assert_eq!(outputs(&own, &own, &ClassMatch::Auto), [Some(0), Some(1), Some(2)]);
        let map = ClassMap::of(&own, &own, false, &ClassMatch::Auto).unwrap();
        assert_eq!((map.class_of(1), map.class_of(3)), (Some(1), None));
        assert!(map.notes(&own, &own).is_empty());
    }

    #[test]
    fn an_output_is_the_class_of_the_dataset_that_is_matched_with_it() {
        let (dataset, run) = (set(&[(0, "squat"), (1, "lunge"), (2, "jack")]), set(&[(0, "bend"), (1, "jack")]));
        let said = ClassMatch::parse(&["squat=".into(), "lunge=bend".into()]).unwrap();
        let map = ClassMap::of(&dataset, &run, false, &said).unwrap();
        assert_eq!([0, 1, 2].map(|output| map.class_of(output)), [Some(1), Some(2), None]);
    }

    #[test]
    fn the_truths_of_a_clip_are_those_of_its_instances_that_the_run_knows() {
        let dataset = set(&[(0, "walk"), (1, "talk"), (2, "eat")]);
        let run = set(&[(0, "talk"), (1, "walk"), (-1, "background")]);
        let mut config = RunConfig::default();
        (config.clip.length, config.clip.step) = (8, 1);
        let instance = |start, end, label| Instance { start, end, label, ..Instance::default() };
        let video = VideoEntry {
            instances: vec![
                instance(0, 8, InstanceLabel::of(vec![0, 2])),
                instance(2, 6, InstanceLabel::Class(1)),
                instance(8, 16, InstanceLabel::Class(2)),
                instance(16, 24, InstanceLabel::Background),
            ],
            facts: Some(VideoFacts { frames: 24, ..VideoFacts::default() }),
            ..VideoEntry::default()
        };
        let map = ClassMap::of(&dataset, &run, true, &ClassMatch::Auto).unwrap().of_task(Task::MultiLabel);
        let window = |start| Clip::window(0, start);
        let truths = [0, 8, 16].map(|start| map.truths(&video, &window(start), &config));
        assert_eq!(truths, [vec![0, 1], vec![], vec![2]], "talk and walk in outputs; eat is not known; background");
        let truth = |start| map.truth(&video, &window(start), &config);
        assert_eq!((truth(0), truth(8)), (Some(0), None));
        let beside = |predicted| map.truth_beside(predicted, &video, &window(0), &config);
        assert_eq!([0, 1, 2].map(beside), [Some(0), Some(1), Some(0)]);
        // The dataset in the run's classes says the same.
        let videos = vec![video];
        let own = map.dataset(&Dataset { classes: dataset, task: Task::MultiLabel, videos, ..Dataset::default() });
        let targets = ClassTargets::new(&own, FrameRule::of(&config.clip), Some(own.classes.len()));
        let of = |start| targets.of(&window(start));
        assert_eq!([0, 8, 16].map(of), truths);
    }

    #[test]
    fn the_truth_of_a_clip_is_voted_by_outputs_and_rests_are_background() {
        let dataset = set(&[(0, "squat"), (1, "lunge"), (2, "jack"), (3, "plank")]);
        let run = set(&[(0, "jack"), (1, "bend"), (-1, "background"), (2, "class 2 (unused)")]);
        let mut config = RunConfig::default();
        (config.clip.length, config.clip.step) = (8, 1);
        let labels = |segments: &[(u32, u32, Label)]| {
            let segment = |(start, end, label): &(u32, u32, Label)| Segment { start: *start, end: *end, label: *label };
            LabelTrack::from_segments(segments.iter().map(segment).collect())
        };
        let facts = VideoFacts { frames: 8, ..VideoFacts::default() };
        let [squat, lunge, jack, plank] = [0, 1, 2, 3].map(Label::Class);
        let said = ClassMatch::parse(&["squat=bend".into(), "lunge=bend".into()]).unwrap();
        let map = ClassMap::of(&dataset, &run, true, &said).unwrap();
        let video = |frames: &[(u32, u32, Label)]| VideoEntry {
            path: "v.mp4".into(),
            name: "v.mp4".into(),
            subject: String::new(),
            split: Default::default(),
            labels: labels(frames),
            instances: Vec::new(),
            masks: None,
            poses: None,
            pose_video: None,
            stated_rate: None,
            facts: Some(facts.clone()),
            unread: None,
        };
        let truth = |frames: &[(u32, u32, Label)]| map.truth(&video(frames), &Clip::window(0, 0), &config);
        // Two and three frames of one output win against three of another.
        assert_eq!(truth(&[(0, 2, jack), (2, 4, squat), (4, 7, lunge), (7, 8, jack)]), Some(1));
        assert_eq!(truth(&[(0, 5, jack), (5, 8, squat)]), Some(0));
        assert_eq!(truth(&[(0, 5, plank), (5, 8, jack)]), None);
        assert_eq!(truth(&[(0, 5, Label::Background), (5, 8, jack)]), Some(2));
        let unlabelled = ClassMap::of(&dataset, &run, true, &ClassMatch::Unlabelled).unwrap();
        assert_eq!(unlabelled.truth(&video(&[(0, 8, jack)]), &Clip::window(0, 0), &config), None);
    }
}

//! The motion test of one run or several.

use crate::compare::motion::{Asked, MotionReport, MotionTest, ask, judge, shared_clips};
use crate::data::{ClassTargets, FrameRule};
use crate::domain::{ClassId, ClassMatch, Clip, Dataset, SplitChoice, Task, counted, leaf};
use crate::eval::evaluated_clips;
use crate::files;
use crate::jobs::error::JobError;
use crate::jobs::kept_motion::{kept_at, kept_tests};
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known;
use crate::jobs::lane::{LaneState, open_checkpoint};
use crate::jobs::requests::CheckpointRef;
use crate::progress::Monitor;
use crate::run_folder::{Checkpoint, Identity, results_folder};
use std::sync::Arc;

/// Tests what of a clip networks need.
#[derive(Clone, Debug)]
pub struct TestMotion {
    /// The networks.
    pub runs: Vec<CheckpointRef>,
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// Which clips.
    pub split: SplitChoice,
    /// How labels become classes of the runs.
    pub class_match: ClassMatch,
    /// Most clips, evenly spread over the split; all without a word.
    pub most: Option<usize>,
    /// Seed of shuffled frames and of the bootstrap for intervals.
    pub seed: u64,
}

/// A checkpoint with the clips an evaluation would evaluate, in the dataset as its run labels it.
struct Tested {
    checkpoint: Checkpoint,
    dataset: Arc<Dataset>,
    clips: Vec<(Clip, ClassId)>,
    /// All true classes of each clip, in a multi-label task.
    truths: Option<Vec<Vec<ClassId>>>,
}

impl JobKind for TestMotion {
    type Answer = Arc<MotionReport>;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        format!("motion test of {}", counted(self.runs.len() as u64, "run"))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let tested = self.runs.iter().map(|run| self.tested(run, monitor)).collect::<Result<Vec<_>, _>>()?;
        let several = |t: &&Tested| t.truths.is_some();
        if let (Some(one), Some(other)) = (tested.iter().find(several), tested.iter().find(|t| !several(t))) {
            return Err(JobError::Missing(format!(
                "{} is of a multi-label task, {} is not: they have no score in common; test them one by one",
                leaf(one.checkpoint.home()),
                leaf(other.checkpoint.home())
            )));
        }
        let lists: Vec<_> = tested.iter().map(Tested::names).collect();
        let chosen = shared_clips(&lists, self.most);
        if chosen.iter().all(Vec::is_empty) {
            return Err(JobError::Missing(
                "the runs share no clip with the same label on this dataset and split; test them one by one".into(),
            ));
        }
        let notes = notes(&tested, &chosen);
        let mut tests = Vec::with_capacity(tested.len());
        for ((reference, tested), chosen) in self.runs.iter().zip(&tested).zip(chosen) {
            tests.push(self.test(reference, tested, &chosen, state, monitor)?);
        }
        Ok(Done::Finished(Arc::new(MotionReport { notes, tests })))
    }

    fn output(report: Self::Answer) -> Output {
        Output::MotionReport(report)
    }
}

impl TestMotion {
    fn tested(&self, reference: &CheckpointRef, monitor: &dyn Monitor) -> Result<Tested, JobError> {
        let checkpoint = open_checkpoint(reference)?;
        if let Some(baseline) = checkpoint.baseline() {
            return Err(JobError::Missing(format!(
                "{} is a classical baseline ({}): its features stand for motion or looks already, and altered clips are shown to \
                 networks only; leave it out of the motion test, and compare it by its accuracy",
                checkpoint.home().display(),
                baseline.title()
            )));
        }
        let dataset = known::of_split(&checkpoint, &self.dataset, self.split, monitor)?;
        let (dataset, clips) = evaluated_clips(&checkpoint, &dataset, self.split, &self.class_match)?;
        let several = checkpoint.state.task.with(self.dataset.task) == Task::MultiLabel;
        let config = &checkpoint.state.config;
        let background = config.data.background_class.then_some(dataset.classes.len());
        let targets = several.then(|| ClassTargets::new(&dataset, FrameRule::of(&config.clip), background));
        let truths = targets.map(|t| clips.iter().map(|(clip, _)| t.of(clip)).collect());
        Ok(Tested { checkpoint, dataset, clips, truths })
    }

    fn test(
        &self,
        reference: &CheckpointRef,
        tested: &Tested,
        chosen: &[usize],
        state: &mut LaneState,
        monitor: &dyn Monitor,
    ) -> Result<MotionTest, JobError> {
        let loaded = state.load(reference, monitor)?;
        let config = &loaded.checkpoint.state.config;
        let clips: Vec<(Clip, ClassId)> = chosen.iter().filter_map(|i| tested.clips.get(*i).copied()).collect();
        let truths: Vec<Vec<ClassId>> =
            chosen.iter().filter_map(|i| tested.truths.as_ref()?.get(*i).cloned()).collect();
        let asked = Asked {
            network: &loaded.network,
            config,
            dataset: &tested.dataset,
            clips: &clips,
            truths: &truths,
            trained: loaded.checkpoint.state.task,
            seed: self.seed,
        };
        let (clips, answers) = ask(&asked, monitor)?;
        let identity = Identity { split: Some(self.split.name().to_owned()), ..Identity::of(&loaded.checkpoint) };
        let test = MotionTest {
            name: leaf(tested.checkpoint.home()),
            identity,
            model: config.model.id.clone(),
            dataset: self.dataset.root.display().to_string(),
            dataset_fingerprint: self.dataset.fingerprint.clone(),
            split: self.split.name().to_owned(),
            ..judge(&loaded.checkpoint.state.classes, &clips, &answers, self.seed)
        };
        if monitor.peers().leads() {
            keep(&tested.checkpoint, &self.dataset, &test)?;
        }
        Ok(test)
    }
}

impl Tested {
    /// Video, first frame and class names of every clip.
    fn names(&self) -> Vec<(String, u32, String)> {
        let classes = &self.checkpoint.state.classes;
        let name = |(i, (clip, class)): (usize, &(Clip, ClassId))| {
            let video = self.dataset.videos.get(clip.video).map(|v| v.name.clone()).unwrap_or_default();
            let label = match self.truths.as_ref().and_then(|t| t.get(i)) {
                None => classes.name(*class).to_owned(),
                Some(truths) => {
                    let mut names: Vec<&str> = truths.iter().map(|c| classes.name(*c)).collect();
                    names.sort_unstable();
                    names.join(" + ")
                }
            };
            (video, clip.start, label)
        };
        self.clips.iter().enumerate().map(name).collect()
    }
}

/// What is left out because not all runs have it.
fn notes(tested: &[Tested], chosen: &[Vec<usize>]) -> Vec<String> {
    let left_out = |(tested, chosen): (&Tested, &Vec<usize>)| {
        let (all, some) = (tested.clips.len(), chosen.len());
        (some < all).then(|| {
            let name = leaf(tested.checkpoint.home());
            format!("{some} of the {all} clips that an evaluation of {name} would take were tested")
        })
    };
    tested.iter().zip(chosen).filter_map(left_out).collect()
}

/// Keeps a test beside the evaluations of its checkpoint, for reports.
fn keep(checkpoint: &Checkpoint, dataset: &Dataset, test: &MotionTest) -> Result<(), JobError> {
    let folder = results_folder(checkpoint, dataset);
    let path = kept_at(&folder, &test.split);
    let failed = |source| JobError::Write { path: path.clone(), source };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    files::replace(&path, serde_json::to_string_pretty(test).unwrap_or_default().as_bytes()).map_err(failed)
}

/// The motion test of a checkpoint on a split of a dataset, by its fingerprint, that was made earlier; `None` where there
/// is none.
pub(super) fn kept(checkpoint: &Checkpoint, fingerprint: &str, split: &str) -> Option<MotionTest> {
    let fits = |t: &MotionTest| {
        (t.identity.checkpoint == checkpoint.name && t.identity.step == checkpoint.state.step)
            && t.dataset_fingerprint == fingerprint
            && t.split == split
    };
    kept_tests(checkpoint.home()).into_iter().find(fits)
}

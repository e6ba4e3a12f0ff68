//! Runs side by side: which, what came back, and what of it is looked at.

use super::{AppState, JobView, PathPurpose};
use crate::compare::motion::{MotionReport, MotionTest};
use crate::compare::{Comparison, Pair};
use crate::domain::counted;
use crate::jobs::kinds::{CompareRuns, OverlayVideo};
use crate::jobs::{CheckpointRef, Compared, Job, SplitChoice};
use crate::ui::derived::{Derived, Same};
use crate::ui::drawn::{Drawn, Form};
use crate::ui::selection::MatrixSelection;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What came back from a comparison.
#[derive(Clone, Debug)]
pub struct FoundComparison {
    /// What was compared, in the order of the runs in it.
    pub networks: Vec<CheckpointRef>,
    /// The answer.
    pub compared: Arc<Compared>,
}

/// A motion test with what it was asked about.
#[derive(Clone, Debug)]
pub struct FoundMotion {
    /// The networks, in the order of the tests in the report.
    pub networks: Vec<CheckpointRef>,
    /// Which clips.
    pub split: SplitChoice,
    /// The answer.
    pub report: Arc<MotionReport>,
}

/// What is written once somebody has said where.
#[derive(Clone, Debug)]
pub enum ToWrite {
    /// A table, as the text of its file.
    Table(String),
    /// A report on runs.
    Report(Box<CompareRuns>),
    /// A picture or a plot.
    Drawn(Form, Drawn),
    /// A video with heatmaps; its file is filled in.
    Video(Box<OverlayVideo>),
}

/// Everything the window knows of runs side by side.
#[derive(Debug)]
pub struct Comparing {
    /// What is compared, once somebody chose: the first is A.
    pub chosen: Option<Vec<CheckpointRef>>,
    /// Clips of the open dataset, or whatever all of the runs were evaluated on.
    pub split: Option<SplitChoice>,
    /// Also time a forward pass of each.
    pub time: bool,
    /// The newest answer.
    pub found: Option<FoundComparison>,
    /// Why there is no newer one.
    pub failure: Option<String>,
    /// Position of the pair that is looked at.
    pub pair: usize,
    /// Position of the list of clips that is looked at, in the order of `FourLists::named`.
    pub list: usize,
    /// The part of the confusion matrices its clips must lie in, in the numbering of the comparison.
    pub cell: Option<MatrixSelection>,
    /// Motion tests of this session, newest first.
    pub motion: Vec<FoundMotion>,
    /// Motion tests that lie with the runs, put together for several of them.
    kept_motion: Derived<Vec<Same<MotionReport>>, Arc<MotionReport>>,
    /// The report written last.
    pub report: Option<PathBuf>,
    /// What a place is being asked for.
    pub to_write: Option<ToWrite>,
}

/// The list of clips that is shown first: what the second run has fixed.
const FIRST_LIST: usize = 1;

impl Default for Comparing {
    fn default() -> Self {
        Self {
            chosen: None,
            split: Some(SplitChoice::Test),
            time: false,
            found: None,
            failure: None,
            pair: 0,
            list: FIRST_LIST,
            cell: None,
            motion: Vec::new(),
            kept_motion: Derived::default(),
            report: None,
            to_write: None,
        }
    }
}

impl Comparing {
    /// The comparison that is shown.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.found.as_ref().map(|f| &f.compared.comparison)
    }

    /// The pair that is looked at, with the comparison it is of.
    pub fn pair(&self) -> Option<(&Comparison, &Pair)> {
        let comparison = self.comparison()?;
        Some((comparison, comparison.pairs.get(self.pair).or(comparison.pairs.first())?))
    }

    /// The networks of that pair.
    pub fn pair_networks(&self) -> Option<[CheckpointRef; 2]> {
        let (_, pair) = self.pair()?;
        let networks = &self.found.as_ref()?.networks;
        Some([networks.get(pair.a)?.clone(), networks.get(pair.b)?.clone()])
    }

    /// Names of the runs of that pair.
    pub fn pair_names(&self) -> Option<[&str; 2]> {
        let (comparison, pair) = self.pair()?;
        let name = |run: usize| comparison.runs.get(run).map(|r| r.name.as_str());
        Some([name(pair.a)?, name(pair.b)?])
    }

    /// Takes in the answer to a comparison.
    pub fn take(&mut self, networks: Vec<CheckpointRef>, compared: Arc<Compared>) {
        let same = self.found.as_ref().is_some_and(|f| f.networks == networks);
        if !same {
            (self.pair, self.list) = (0, FIRST_LIST);
        }
        self.cell = None;
        self.failure = None;
        self.found = Some(FoundComparison { networks, compared });
    }
}

/// Motion tests that were made one by one, as one report.
fn together(kept: &[&Arc<MotionReport>]) -> MotionReport {
    let tests: Vec<_> = kept.iter().flat_map(|report| report.tests.iter().cloned()).collect();
    let clips = |test: &MotionTest| test.scores.first().map_or(0, |s| s.clips);
    let mut notes = Vec::new();
    if tests.iter().any(|t| clips(t) != tests.first().map_or(0, clips)) {
        let counts: Vec<String> =
            tests.iter().map(|t| format!("{} on {}", t.name, counted(clips(t), "clip"))).collect();
        notes.push(format!("the tests were made one by one, not on the same clips: {}", counts.join(", ")));
    }
    MotionReport { notes, tests }
}

impl AppState {
    /// What is compared next, A first: what was chosen, or before that the two runs opened last.
    pub fn to_compare(&self) -> Vec<CheckpointRef> {
        if let Some(chosen) = &self.comparing.chosen {
            return chosen.clone();
        }
        let newest = self.runs.iter().filter(|r| !r.checkpoints.is_empty()).take(2);
        let mut networks: Vec<CheckpointRef> =
            newest.map(|run| CheckpointRef { run: run.path.clone(), name: self.first_checkpoint(run) }).collect();
        networks.reverse();
        networks
    }

    /// A file to offer for what is written, beside the runs.
    pub fn place_for(&self, purpose: PathPurpose) -> String {
        let name = purpose.new_file().unwrap_or_default();
        let run = self.to_compare().into_iter().next().map(|n| n.run).or_else(|| self.selection.run.clone());
        let folder = run.as_deref().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
        folder.join(name).display().to_string()
    }

    /// The newest motion test of these networks on these clips: of this session, or those that lie with the runs.
    pub fn motion_of(&self, networks: &[CheckpointRef], split: SplitChoice) -> Option<Arc<MotionReport>> {
        let here = self.comparing.motion.iter().find(|m| m.networks == networks && m.split == split);
        if let Some(found) = here {
            return Some(found.report.clone());
        }
        let kept: Vec<&Arc<MotionReport>> =
            networks.iter().map(|network| self.kept_motion(network, split)).collect::<Option<_>>()?;
        if let [one] = kept.as_slice() {
            return Some((*one).clone());
        }
        let key = kept.iter().map(|report| Same::of(report)).collect();
        Some(Arc::clone(&self.comparing.kept_motion.get(key, || Arc::new(together(&kept)))))
    }

    /// The motion test of these very weights on the open dataset that lies with their run.
    fn kept_motion(&self, network: &CheckpointRef, split: SplitChoice) -> Option<&Arc<MotionReport>> {
        let run = self.run_at(&network.run)?;
        let name = network.name.as_deref().or_else(|| run.default_checkpoint())?;
        let (step, fingerprint) = (run.checkpoint(name)?.step, &self.dataset.as_ref()?.fingerprint);
        run.motion.iter().find(|report| {
            report.tests.iter().all(|t| {
                (t.identity.checkpoint == name && t.identity.step == step)
                    && t.dataset_fingerprint == *fingerprint
                    && t.split == split.name()
            })
        })
    }

    /// The comparison under way.
    pub fn comparing_job(&self) -> Option<&JobView> {
        self.live_job(|job| matches!(job, Job::CompareRuns(_)))
    }

    /// The newest live job of a kind.
    pub fn live_job(&self, is: impl Fn(&Job) -> bool) -> Option<&JobView> {
        self.jobs.iter().rev().find(|j| j.status.is_live() && is(&j.job))
    }
}

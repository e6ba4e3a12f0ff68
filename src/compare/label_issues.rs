//! Labels in doubt: clips that networks which never saw them confidently call something else (confident learning, Northcutt,
//! Jiang & Chuang 2021), and edges of labelled segments that lie elsewhere than where the probability crosses.

use super::error::CompareError;
use super::evaluated::EvaluatedRun;
use super::shared::{numbering, renumbered, require_one_class};
use super::table::{Cell, Table};
use super::words::percent;
use crate::domain::{ClassSet, Cut, Dataset, Split, VideoEntry, argmax, counted};
use crate::run_folder::files::{create_dir, write_atomic};
use crate::run_folder::{Prediction, RunError};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Name of the table of clips.
const CLIPS_FILE: &str = "label_issues.csv";
/// Name of the table of edges.
const EDGES_FILE: &str = "edge_issues.csv";

/// A clip whose label is in doubt.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LabelIssue {
    /// Name of the video in the dataset.
    pub video: String,
    /// Subject, empty when unknown.
    pub subject: String,
    /// First frame.
    pub start: u32,
    /// The part of the video it is taken from.
    #[serde(skip_serializing_if = "Cut::is_window_of_video")]
    pub cut: Cut,
    /// The label, by position in [`LabelIssues::classes`].
    pub label: usize,
    /// What it looks like instead.
    pub suggested: usize,
    /// Probability of the label, the mean over runs.
    pub label_probability: f32,
    /// Probability of what it looks like.
    pub suggested_probability: f32,
    /// True where another class is as probable as it is on average for clips of that class, and the likeliest such: the
    /// label is likely wrong. Otherwise the clip is only ambiguous.
    pub likely_wrong: bool,
    /// Share of runs that do not say what most say; 0 where all agree or there is one.
    pub disagreement: f32,
    /// Runs that were asked.
    pub runs: usize,
    /// True where every run asked was trained on the video, which makes its word weak: networks learn wrong labels by heart.
    pub trained_on: bool,
}

impl LabelIssue {
    /// Probability of the label minus that of what it looks like; -1 is a sure contradiction.
    pub fn margin(&self) -> f32 {
        self.label_probability - self.suggested_probability
    }
}

/// An edge between two labelled segments that lies elsewhere than where the probability crosses.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EdgeIssue {
    /// Name of the video in the dataset.
    pub video: String,
    /// Subject, empty when unknown.
    pub subject: String,
    /// Label before the edge, by position in [`LabelIssues::classes`].
    pub before: usize,
    /// Label behind it.
    pub after: usize,
    /// First frame of the segment behind the edge.
    pub frame: u32,
    /// Where it would be by the probabilities.
    pub proposed: u32,
    /// How many frames lie between the windows on both sides of the crossing: the proposal is no finer.
    pub resolution: u32,
}

impl EdgeIssue {
    /// Frames from the edge to the proposed one; negative where that is earlier.
    pub fn shift(&self) -> i64 {
        i64::from(self.proposed) - i64::from(self.frame)
    }
}

/// Labels in doubt, the most doubtful first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LabelIssues {
    /// Names of the classes of all runs.
    pub classes: Vec<String>,
    /// Clips looked at.
    pub clips: usize,
    /// Clips whose label is likely wrong, and behind them those that are ambiguous: nothing that all runs are sure of.
    pub issues: Vec<LabelIssue>,
    /// Edges looked at; `None` where the dataset was not named.
    pub edges_seen: Option<usize>,
    /// Edges in doubt, the farthest first.
    pub edges: Vec<EdgeIssue>,
    /// What limits the answer, as sentences.
    pub notes: Vec<String>,
}

/// A clip with what the runs said about it.
struct Asked<'a> {
    first: &'a Prediction,
    label: usize,
    /// `[run][class]`
    said: Vec<Vec<f32>>,
    trained_on: bool,
}

impl Asked<'_> {
    /// The mean over runs.
    fn mean(&self) -> Vec<f32> {
        let classes = self.said.first().map_or(0, Vec::len);
        let of = |class: usize| self.said.iter().filter_map(|row| row.get(class)).sum::<f32>();
        (0..classes).map(|class| of(class) / self.said.len().max(1) as f32).collect()
    }
}

impl LabelIssues {
    /// Looks at every clip that any of the runs was evaluated on: folds of a cross-validation each bring clips of their own.
    /// Where some runs were not trained on the video of a clip, only these are asked. `dataset` tells where edges are.
    ///
    /// # Errors
    /// An evaluation without predictions, or of a multi-label task.
    pub fn of(runs: &[EvaluatedRun], dataset: Option<&Dataset>) -> Result<Self, CompareError> {
        require_one_class(runs)?;
        let (classes, to_shared) = numbering(runs);
        let asked = ask(runs, &to_shared, &classes);
        let means: Vec<Vec<f32>> = asked.iter().map(Asked::mean).collect();
        let thresholds = thresholds(&asked, &means, classes.len());
        let mut issues: Vec<LabelIssue> =
            asked.iter().zip(&means).filter_map(|(clip, mean)| issue(clip, mean, &thresholds)).collect();
        issues.sort_by(|a, b| {
            let order = b.likely_wrong.cmp(&a.likely_wrong).then(a.margin().total_cmp(&b.margin()));
            order.then_with(|| (&a.video, a.start).cmp(&(&b.video, b.start)))
        });
        let mut notes = doubts(runs);
        let learned = asked.iter().filter(|c| c.trained_on).count();
        if learned > 0 {
            notes.push(format!(
                "{} of {} are of videos that every run asked was trained on: networks learn wrong labels by heart; train on \
                 other folds to hear of them",
                learned,
                counted(asked.len() as u64, "clip")
            ));
        }
        let (edges_seen, edges) = match dataset {
            None => {
                notes.push("edges of labelled segments were not looked at: name the dataset to see them".into());
                (None, Vec::new())
            }
            Some(dataset) => {
                let (seen, edges) = edges(runs, dataset, &asked, &means);
                (Some(seen), edges)
            }
        };
        let names = classes.classes.iter().map(|c| c.name.clone()).collect();
        Ok(Self { classes: names, clips: asked.len(), issues, edges_seen, edges, notes })
    }

    /// Name of a class.
    pub fn class(&self, class: usize) -> &str {
        self.classes.get(class).map_or("", String::as_str)
    }

    /// The clips as a table.
    pub fn clip_table(&self) -> Table {
        let header = [
            "video",
            "subject",
            "start",
            "label",
            "looks like",
            "p(label)",
            "p(looks like)",
            "likely wrong",
            "disagreement",
            "runs",
            "trained on",
        ];
        let mut table = Table::new("Clips whose label is in doubt", header);
        let yes = |b: bool| Cell::text(if b { "yes" } else { "no" });
        for i in &self.issues {
            table.rows.push(vec![
                Cell::text(i.video.clone()),
                Cell::text(i.subject.clone()),
                Cell::count(Some(u64::from(i.start))),
                Cell::text(self.class(i.label)),
                Cell::text(self.class(i.suggested)),
                Cell::number(Some(f64::from(i.label_probability)), percent),
                Cell::number(Some(f64::from(i.suggested_probability)), percent),
                yes(i.likely_wrong),
                Cell::number(Some(f64::from(i.disagreement)), percent),
                Cell::count(Some(i.runs as u64)),
                yes(i.trained_on),
            ]);
        }
        table
    }

    /// The edges as a table.
    pub fn edge_table(&self) -> Table {
        let header = ["video", "subject", "before", "after", "frame", "proposed", "shift", "resolution"];
        let mut table = Table::new("Edges of segments in doubt", header);
        for e in &self.edges {
            table.rows.push(vec![
                Cell::text(e.video.clone()),
                Cell::text(e.subject.clone()),
                Cell::text(self.class(e.before)),
                Cell::text(self.class(e.after)),
                Cell::count(Some(u64::from(e.frame))),
                Cell::count(Some(u64::from(e.proposed))),
                Cell::number(Some(e.shift() as f64), |v| format!("{v:+}")),
                Cell::count(Some(u64::from(e.resolution))),
            ]);
        }
        table
    }

    /// Writes both tables as CSV.
    ///
    /// # Errors
    /// A folder or file that cannot be written.
    pub fn write(&self, dir: &Path) -> Result<Vec<PathBuf>, RunError> {
        create_dir(dir)?;
        let tables = [(CLIPS_FILE, self.clip_table()), (EDGES_FILE, self.edge_table())];
        let mut out = Vec::with_capacity(tables.len());
        for (name, table) in tables {
            let path = dir.join(name);
            write_atomic(&path, table.csv().as_bytes())?;
            out.push(path);
        }
        Ok(out)
    }

    /// True for the name of a file that [`LabelIssues::write`] makes.
    pub fn is_file(name: &str) -> bool {
        [CLIPS_FILE, EDGES_FILE].contains(&name)
    }
}

/// What makes the word of the runs weak: scores near that of always predicting the majority class, and other classes.
fn doubts(runs: &[EvaluatedRun]) -> Vec<String> {
    let weak = |r: &&EvaluatedRun| {
        r.evaluation.accuracy_interval.high > 0.0
            && r.evaluation.accuracy_interval.low <= r.evaluation.majority_baseline
    };
    let mut out: Vec<String> = runs
        .iter()
        .filter(weak)
        .map(|r| {
            format!(
                "{} is not clearly better than always predicting the majority class ({} against {}): what it says of labels means \
                 little",
                r.name,
                percent(r.evaluation.accuracy),
                percent(r.evaluation.majority_baseline)
            )
        })
        .collect();
    let names =
        |r: &EvaluatedRun| -> HashSet<String> { r.evaluation.classes.classes.iter().map(|c| c.name.clone()).collect() };
    if let [first, rest @ ..] = runs
        && rest.iter().any(|r| names(r) != names(first))
    {
        out.push(
            "the runs know different classes: of a clip only those are asked that give it the same label as the first"
                .into(),
        );
    }
    out
}

/// Every clip with what the runs said that were not trained on its video, or else all of them. Of runs that give it
/// different labels the first counts.
fn ask<'a>(runs: &'a [EvaluatedRun], to_shared: &[Vec<usize>], classes: &ClassSet) -> Vec<Asked<'a>> {
    let trained: Vec<HashSet<&str>> = runs
        .iter()
        .map(|r| r.split.iter().filter(|row| row.part == Split::Train).map(|row| row.video.as_str()).collect())
        .collect();
    let mut places: HashMap<(&str, u32, Cut), usize> = HashMap::new();
    let mut found: Vec<(usize, Vec<(usize, &Prediction)>)> = Vec::new();
    for (run, numbers) in to_shared.iter().enumerate() {
        for p in runs.get(run).into_iter().flat_map(|r| &r.predictions.clips) {
            let Some(label) = numbers.get(p.truth).copied() else { continue };
            let place = *places.entry((p.video.as_str(), p.start, p.cut)).or_insert_with(|| {
                found.push((label, Vec::new()));
                found.len() - 1
            });
            if let Some((known, of_runs)) = found.get_mut(place)
                && *known == label
            {
                of_runs.push((run, p));
            }
        }
    }
    let asked = |(label, of_runs): (usize, Vec<(usize, &'a Prediction)>)| {
        let fresh = |(run, p): &(usize, &Prediction)| !trained.get(*run).is_some_and(|t| t.contains(p.video.as_str()));
        let trained_on = !of_runs.iter().any(fresh);
        let said = of_runs
            .iter()
            .filter(|pair| trained_on || fresh(pair))
            .filter_map(|(run, p)| Some(renumbered(p, to_shared.get(*run)?, classes.len()).probabilities))
            .collect();
        Some(Asked { first: of_runs.first()?.1, label, said, trained_on })
    };
    found.into_iter().filter_map(asked).collect()
}

/// How probable a class is on average for clips labelled so; above 1 for a class without clips.
fn thresholds(asked: &[Asked<'_>], means: &[Vec<f32>], classes: usize) -> Vec<f32> {
    let mut sums = vec![(0.0_f64, 0_u64); classes];
    // Those that were learned by heart would raise them.
    let fair = asked.iter().any(|c| !c.trained_on);
    for (clip, mean) in asked.iter().zip(means).filter(|(c, _)| !fair || !c.trained_on) {
        if let (Some((sum, count)), Some(p)) = (sums.get_mut(clip.label), mean.get(clip.label)) {
            *sum += f64::from(*p);
            *count += 1;
        }
    }
    sums.into_iter().map(|(sum, count)| if count > 0 { (sum / count as f64) as f32 } else { 2.0 }).collect()
}

/// A clip's label in doubt; `None` where the label is the likeliest class and all runs say so.
fn issue(clip: &Asked<'_>, mean: &[f32], thresholds: &[f32]) -> Option<LabelIssue> {
    let votes: Vec<usize> = clip.said.iter().map(|row| argmax(row)).collect();
    let count = |class: usize| votes.iter().filter(|v| **v == class).count();
    let most = votes.iter().map(|v| count(*v)).max()?;
    if votes.iter().all(|v| *v == clip.label) {
        return None;
    }
    let largest = |a: &(usize, f32), b: &(usize, f32)| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0));
    let others = || mean.iter().copied().enumerate().filter(|(class, _)| *class != clip.label);
    // As confident learning counts: the likeliest of the classes that reach their threshold, the label among them.
    let reaching = mean.iter().copied().enumerate().filter(|(class, p)| thresholds.get(*class).is_some_and(|t| p >= t));
    let confident = reaching.max_by(largest).filter(|(class, _)| *class != clip.label);
    let (suggested, suggested_probability) = confident.or_else(|| others().max_by(largest))?;
    Some(LabelIssue {
        video: clip.first.video.clone(),
        subject: clip.first.subject.clone(),
        start: clip.first.start,
        cut: clip.first.cut,
        label: clip.label,
        suggested,
        label_probability: mean.get(clip.label).copied().unwrap_or(0.0),
        suggested_probability,
        likely_wrong: confident.is_some(),
        disagreement: 1.0 - most as f32 / votes.len() as f32,
        runs: votes.len(),
        trained_on: clip.trained_on,
    })
}

/// A window of a video on its timeline.
struct Placed<'a> {
    clip: &'a Asked<'a>,
    mean: &'a [f32],
    /// Frame in its middle.
    centre: f64,
}

/// Edges between labelled segments, how many there are and those in doubt.
fn edges(runs: &[EvaluatedRun], dataset: &Dataset, asked: &[Asked<'_>], means: &[Vec<f32>]) -> (usize, Vec<EdgeIssue>) {
    let reach = runs.first().map_or(0, |r| r.config.clip.length.saturating_sub(1) * r.config.clip.step.max(1));
    let mut by_video: BTreeMap<&str, Vec<Placed<'_>>> = BTreeMap::new();
    for (clip, mean) in asked.iter().zip(means).filter(|(c, _)| c.first.cut.is_window_of_video()) {
        let centre = f64::from(clip.first.start) + f64::from(reach) / 2.0;
        by_video.entry(&clip.first.video).or_default().push(Placed { clip, mean, centre });
    }
    let entries: HashMap<&str, &VideoEntry> = dataset.videos.iter().map(|v| (v.name.as_str(), v)).collect();
    let (mut seen, mut out) = (0, Vec::new());
    for (video, mut windows) in by_video {
        windows.sort_by(|a, b| a.centre.total_cmp(&b.centre));
        let Some(entry) = entries.get(video) else { continue };
        let starts: Vec<u32> = entry.labels.segments().iter().map(|s| s.start).collect();
        let groups: Vec<&[Placed<'_>]> = windows.chunk_by(|a, b| a.clip.label == b.clip.label).collect();
        for pair in groups.windows(2) {
            let [before, after] = pair else { continue };
            let (Some(last), Some(first)) = (before.last(), after.first()) else { continue };
            let between = |s: &u32| f64::from(*s) > last.centre && f64::from(*s) <= first.centre + 1.0;
            let Some(frame) = starts.iter().copied().find(between) else { continue };
            seen += 1;
            let both: Vec<&Placed<'_>> = before.iter().chain(after.iter()).collect();
            out.extend(crossing(&both, frame).filter(|e| e.shift().unsigned_abs() > u64::from(e.resolution)));
        }
    }
    out.sort_by_key(|e| (std::cmp::Reverse(e.shift().unsigned_abs()), e.video.clone(), e.frame));
    (seen, out)
}

/// Where the class behind an edge becomes more probable than the one before it, nearest to the edge; `None` where it never
/// does.
fn crossing(windows: &[&Placed<'_>], frame: u32) -> Option<EdgeIssue> {
    let (first, last) = (windows.first()?, windows.last()?);
    let (before, after) = (first.clip.label, last.clip.label);
    let lead = |w: &Placed<'_>| {
        let p = |class: usize| f64::from(w.mean.get(class).copied().unwrap_or(0.0));
        p(after) - p(before)
    };
    let crossings = windows.windows(2).filter_map(|pair| {
        let [a, b] = pair else { return None };
        let (from, to) = (lead(a), lead(b));
        if from > 0.0 || to <= 0.0 {
            return None;
        }
        let at = a.centre + (b.centre - a.centre) * (-from / (to - from));
        Some((at, (b.centre - a.centre).ceil().max(1.0) as u32))
    });
    let distance = |at: f64| (at - f64::from(frame)).abs();
    let (at, resolution) = crossings.min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)))?;
    let prediction = first.clip.first;
    Some(EdgeIssue {
        video: prediction.video.clone(),
        subject: prediction.subject.clone(),
        before,
        after,
        frame,
        // What lies on a frame but for rounding is that frame.
        proposed: (at - 1e-3).ceil().max(0.0) as u32,
        resolution,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClassInfo, Label, LabelTrack, Segment};
    use crate::run_folder::{Evaluation, Predictions, SplitRow};
    use std::sync::Arc;

    fn run(rows: &[(&str, u32, usize, [f32; 3])], trained: &[&str]) -> EvaluatedRun {
        let class = |name: &str| ClassInfo { name: name.into(), ..ClassInfo::default() };
        let classes = ClassSet { classes: ["a", "b", "c"].map(class).to_vec() };
        let clips = rows
            .iter()
            .map(|(video, start, truth, p)| Prediction {
                video: (*video).into(),
                start: *start,
                truth: *truth,
                predicted: argmax(p),
                probabilities: p.to_vec(),
                ..Prediction::default()
            })
            .collect();
        let split = trained
            .iter()
            .map(|v| SplitRow { video: (*v).into(), part: Split::Train, ..SplitRow::default() })
            .collect();
        EvaluatedRun {
            evaluation: Arc::new(Evaluation { classes, ..Evaluation::default() }),
            predictions: Arc::new(Predictions { clips }),
            split,
            ..EvaluatedRun::default()
        }
    }

    #[test]
    fn a_sure_contradiction_is_likely_wrong_and_an_unsure_one_ambiguous() {
        // Thresholds by hand: a (0.9 + 0.8 + 0.1) / 3 = 0.6, b (0.7 + 0.9 + 0.3) / 3 = 0.6333, c 1.
        let rows = [
            ("v", 0, 0, [0.9, 0.1, 0.0]),
            ("v", 1, 0, [0.8, 0.1, 0.1]),
            ("wrong", 0, 0, [0.1, 0.85, 0.05]),
            ("v", 2, 1, [0.2, 0.7, 0.1]),
            ("v", 3, 1, [0.1, 0.9, 0.0]),
            ("unsure", 0, 1, [0.4, 0.3, 0.3]),
            ("v", 4, 2, [0.0, 0.0, 1.0]),
        ];
        let found = LabelIssues::of(&[run(&rows, &[])], None).unwrap();
        let told: Vec<_> =
            found.issues.iter().map(|i| (i.video.as_str(), i.label, i.suggested, i.likely_wrong)).collect();
        assert_eq!(told, [("wrong", 0, 1, true), ("unsure", 1, 0, false)]);
        assert!((found.issues[0].margin() + 0.75).abs() < 1e-6);
        assert_eq!((found.clips, found.edges_seen), (7, None));
        assert!(found.notes.iter().any(|n| n.contains("name the dataset")), "{:?}", found.notes);
    }

    #[test]
    fn those_that_never_saw_a_clip_are_asked_and_folds_bring_clips_of_their_own() {
        // The first run learned the label of x by heart; the second never saw it.
        let first = run(&[("x", 0, 0, [1.0, 0.0, 0.0]), ("y", 0, 1, [0.1, 0.8, 0.1])], &["x"]);
        let second = run(&[("x", 0, 0, [0.2, 0.8, 0.0]), ("z", 0, 1, [0.6, 0.4, 0.0])], &["z"]);
        let found = LabelIssues::of(&[first, second], None).unwrap();
        assert_eq!(found.clips, 3);
        let x = found.issues.iter().find(|i| i.video == "x").unwrap();
        assert_eq!((x.runs, x.trained_on, x.label_probability), (1, false, 0.2));
        let z = found.issues.iter().find(|i| i.video == "z").unwrap();
        assert!(z.trained_on, "the only run that was asked has learned it");
        assert!(found.notes.iter().any(|n| n.contains("1 of 3 clips")), "{:?}", found.notes);
        // Of three that disagree one is in the minority.
        let said = [[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.1, 0.9, 0.0]];
        let three: Vec<_> = said.iter().map(|p| run(&[("v", 0, 0, *p)], &[])).collect();
        let issue = &LabelIssues::of(&three, None).unwrap().issues[0];
        assert!((issue.disagreement - 1.0 / 3.0).abs() < 1e-6 && issue.runs == 3, "{issue:?}");
    }

    #[test]
    fn an_edge_is_proposed_where_the_probability_crosses() {
        // Windows of one frame every 10 frames; labelled b from frame 45, but b leads from 72 on:
        // p(b) - p(a) is -0.2 at 70 and 0.8 at 80, so it is 0 at 72.
        let p = |start: u32| match start {
            0..=60 => [0.9, 0.1, 0.0],
            70 => [0.6, 0.4, 0.0],
            _ => [0.1, 0.9, 0.0],
        };
        let rows: Vec<_> = (0..=10).map(|i| ("v", i * 10, usize::from(i * 10 >= 45), p(i * 10))).collect();
        let fresh = |rows: &[(&str, u32, usize, [f32; 3])]| run(rows, &[]).predictions;
        let mut run = run(&rows, &[]);
        (run.config.clip.length, run.config.clip.step) = (1, 1);
        let segment = |start, end, class| Segment { start, end, label: Label::Class(class) };
        let labels = LabelTrack::from_segments(vec![segment(0, 45, 0), segment(45, 110, 1)]);
        let entry = VideoEntry { name: "v".into(), labels, ..VideoEntry::default() };
        let dataset = Dataset { videos: vec![entry], ..Dataset::default() };
        let found = LabelIssues::of(std::slice::from_ref(&run), Some(&dataset)).unwrap();
        assert_eq!(found.edges_seen, Some(1));
        let edge = &found.edges[0];
        assert_eq!((edge.frame, edge.proposed, edge.shift(), edge.resolution), (45, 72, 27, 10));
        assert_eq!((edge.before, edge.after), (0, 1));
        // An edge where the probabilities have it is in no doubt.
        let labels = LabelTrack::from_segments(vec![segment(0, 72, 0), segment(72, 110, 1)]);
        let rows: Vec<_> = (0..=10).map(|i| ("v", i * 10, usize::from(i * 10 >= 72), p(i * 10))).collect();
        let clips = fresh(&rows);
        run.predictions = clips;
        let entry = VideoEntry { name: "v".into(), labels, ..VideoEntry::default() };
        let dataset = Dataset { videos: vec![entry], ..Dataset::default() };
        let found = LabelIssues::of(&[run], Some(&dataset)).unwrap();
        assert_eq!((found.edges_seen, found.edges.len()), (Some(1), 0));
    }
}

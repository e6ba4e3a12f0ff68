//! Files of an evaluation: JSON for programs, CSV for spreadsheets, Markdown for people.

use super::files::{create_dir, csv_text, read_json, with_remedy, write_atomic};
use super::{Evaluation, MultiLabel, Prediction, Predictions, RunDir, RunError};
use crate::domain::{SAID_AT, TimeView};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Rows in each list of the error analysis.
const LISTED: usize = 20;

/// Two classes and how often the first was taken for the second.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfusedPair {
    /// The label (output position).
    pub truth: usize,
    /// What was said.
    pub predicted: usize,
    /// Clips.
    pub count: u64,
    /// Share of the label's clips.
    pub share: f64,
}

/// Right and evaluated clips of a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectScore {
    /// Subject as the dataset names it.
    pub subject: String,
    /// Clips right.
    pub correct: u64,
    /// Clips evaluated.
    pub clips: u64,
}

impl SubjectScore {
    /// Share of clips that are right, 0…1.
    pub fn accuracy(&self) -> f64 {
        if self.clips == 0 { 0.0 } else { self.correct as f64 / self.clips as f64 }
    }
}

impl Evaluation {
    /// Names of several classes.
    pub fn names(&self, classes: &[usize]) -> String {
        classes.iter().map(|c| self.classes.name(*c)).collect::<Vec<_>>().join(BETWEEN)
    }

    /// In a multi-label evaluation: pairs of classes of which the second was said of clips labelled with the first (rightly
    /// where they are labelled with both), most clips first. The share is of the clips labelled with the first.
    pub fn said_beside(&self) -> Vec<ConfusedPair> {
        let Some(several) = &self.multi_label else { return Vec::new() };
        let mut pairs = Vec::new();
        for (truth, row) in several.co_occurrence.counts.iter().enumerate() {
            let support = self.per_class.get(truth).map_or(0, |c| c.support);
            for (predicted, count) in row.iter().copied().enumerate().filter(|(p, n)| *p != truth && *n > 0) {
                pairs.push(ConfusedPair { truth, predicted, count, share: count as f64 / support.max(1) as f64 });
            }
        }
        pairs.sort_by(|a, b| b.count.cmp(&a.count).then(b.share.total_cmp(&a.share)));
        pairs
    }

    /// Pairs of classes that were mistaken for each other, most clips first.
    pub fn confused_pairs(&self) -> Vec<ConfusedPair> {
        let mut pairs = Vec::new();
        for (truth, row) in self.confusion.counts.iter().enumerate() {
            let support: u64 = row.iter().sum();
            for (predicted, count) in row.iter().copied().enumerate() {
                if predicted != truth && count > 0 {
                    pairs.push(ConfusedPair { truth, predicted, count, share: count as f64 / support as f64 });
                }
            }
        }
        pairs.sort_by(|a, b| b.count.cmp(&a.count).then(b.share.total_cmp(&a.share)));
        pairs
    }
}

impl Predictions {
    /// Wrong clips, most confident first.
    pub fn errors(&self) -> Vec<&Prediction> {
        let mut wrong: Vec<&Prediction> = self.clips.iter().filter(|c| !c.correct()).collect();
        wrong.sort_by(|a, b| b.confidence().total_cmp(&a.confidence()));
        wrong
    }

    /// Subjects with their scores, hardest first; empty where the dataset knows no subjects.
    pub fn subjects(&self) -> Vec<SubjectScore> {
        let mut scores: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for clip in self.clips.iter().filter(|c| !c.subject.is_empty()) {
            let score = scores.entry(&clip.subject).or_default();
            score.0 += u64::from(clip.correct());
            score.1 += 1;
        }
        let mut subjects: Vec<SubjectScore> = scores
            .into_iter()
            .map(|(subject, (correct, clips))| SubjectScore { subject: subject.to_owned(), correct, clips })
            .collect();
        subjects.sort_by(|a, b| a.accuracy().total_cmp(&b.accuracy()));
        subjects
    }
}

/// What lies in the `results/` of a run.
#[derive(Debug, Default)]
pub struct Results {
    /// Evaluations, oldest first: one a checkpoint, split and dataset. One without its predictions has none.
    pub evaluations: Vec<(Evaluation, Predictions)>,
    /// Files that cannot be read, with what to do.
    pub damage: Vec<RunError>,
}

/// What mends a file of an evaluation.
const EVALUATE_AGAIN: &str = "this evaluation is left out; evaluate the checkpoint again, which writes it anew";
/// What mends the predictions of one.
const PREDICT_AGAIN: &str =
    "the evaluation is shown without its clips; evaluate the checkpoint again, which writes them anew";

impl RunDir {
    /// Reads the evaluations of this run. Those of earlier versions, which kept one a split, lie in `results/` itself.
    pub fn results(&self) -> Results {
        let results = self.results_dir();
        let entries = std::fs::read_dir(&results).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
        folders.sort();
        folders.insert(0, results);
        let mut damage = Vec::new();
        let mut found: Vec<(PathBuf, Evaluation)> = Vec::new();
        for (path, read) in folders.iter().flat_map(|f| read_evaluations(f)) {
            match read {
                Ok(evaluation) => found.push((path, evaluation)),
                Err(error) => damage.push(error),
            }
        }
        found.sort_by_key(|(_, e)| e.made_unix);
        let same = |a: &Evaluation, b: &Evaluation| {
            let data = |e: &Evaluation| match e.dataset_fingerprint.is_empty() {
                true => e.dataset.clone(),
                false => e.dataset_fingerprint.clone(),
            };
            (&a.checkpoint, &a.split, data(a)) == (&b.checkpoint, &b.split, data(b))
        };
        let newest = |i: usize| !found[i + 1..].iter().any(|(_, later)| same(later, &found[i].1));
        let keep: Vec<bool> = (0..found.len()).map(newest).collect();
        let kept = found.iter().zip(keep).filter(|(_, keep)| *keep);
        let mut evaluations = Vec::new();
        for ((path, evaluation), _) in kept {
            let file = path.with_file_name(format!("predictions_{}.json", evaluation.split));
            let predictions = match file.exists() {
                true => read_json(&file).map_err(|e| with_remedy(e, PREDICT_AGAIN)),
                false => Ok(Predictions::default()),
            };
            evaluations.push((
                evaluation.clone(),
                predictions.unwrap_or_else(|error| {
                    damage.push(error);
                    Predictions::default()
                }),
            ));
        }
        Results { evaluations, damage }
    }
}

/// The evaluations whose files lie in a folder, by name of the file.
pub(super) fn read_evaluations(dir: &Path) -> Vec<(PathBuf, Result<Evaluation, RunError>)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.retain(|n| n.starts_with("evaluation_") && n.ends_with(".json"));
    names.sort();
    names
        .into_iter()
        .map(|n| {
            let path = dir.join(n);
            let read = read_json(&path).map_err(|e| with_remedy(e, EVALUATE_AGAIN));
            (path, read)
        })
        .collect()
}

/// Writes every file of an evaluation into `dir` and gives their paths: `evaluation_SPLIT.json`,
/// `predictions_SPLIT.{csv,json}`, `confusion_SPLIT.csv`, `confusion_normalised_SPLIT.csv`, `per_class_SPLIT.csv`,
/// `error_analysis_SPLIT.md`; where clips were seen in several views also `views_SPLIT.csv`. In a multi-label evaluation
/// `co_occurrence_SPLIT.csv` takes the place of both matrices. What is left of an earlier one with other files is removed.
pub fn write_results(dir: &Path, evaluation: &Evaluation, predictions: &Predictions) -> Result<Vec<PathBuf>, RunError> {
    create_dir(dir)?;
    let split = &evaluation.split;
    let [counts, shares, together, views] =
        ["confusion", "confusion_normalised", "co_occurrence", "views"].map(|name| format!("{name}_{split}.csv"));
    let mut files = vec![
        (format!("evaluation_{split}.json"), json(evaluation)),
        (format!("predictions_{split}.csv"), predictions_csv(evaluation, predictions)),
        (format!("predictions_{split}.json"), json(predictions)),
        (format!("per_class_{split}.csv"), per_class_csv(evaluation)),
        (format!("error_analysis_{split}.md"), error_analysis(evaluation, predictions)),
    ];
    let mut stale = match &evaluation.multi_label {
        None => {
            files.push((counts, matrix_csv(evaluation, &evaluation.confusion.counts)));
            files.push((shares, matrix_csv(evaluation, &evaluation.confusion.normalised())));
            vec![together]
        }
        Some(several) => {
            files.push((together, co_occurrence_csv(evaluation, several)));
            vec![counts, shares]
        }
    };
    match evaluation.views {
        Some(_) => files.push((views, views_csv(evaluation, predictions))),
        None => stale.push(views),
    }
    for name in stale {
        let _ = std::fs::remove_file(dir.join(name));
    }
    files
        .into_iter()
        .map(|(name, text)| {
            let path = dir.join(name);
            write_atomic(&path, text.as_bytes())?;
            Ok(path)
        })
        .collect()
}

fn json(value: &impl serde::Serialize) -> String {
    // Reports hold plain numbers and text, which always serialise.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|w| (*w).to_owned()).collect()
}

/// The table of clips, one a row.
pub(crate) fn predictions_csv(evaluation: &Evaluation, predictions: &Predictions) -> String {
    let name = |class: usize| evaluation.classes.name(class).to_owned();
    let mut header =
        words(&["video", "subject", "start", "true", "predicted", "correct", "probability", "margin", "loss"]);
    let several = evaluation.multi_label.is_some();
    if several {
        header.push("said".to_owned());
    }
    header.extend(evaluation.classes.classes.iter().map(|c| format!("p_{}", c.name)));
    let rows = predictions.clips.iter().map(|c| {
        let mut row = vec![
            c.video.clone(),
            c.subject.clone(),
            c.start.to_string(),
            evaluation.names(c.true_classes()),
            name(c.predicted),
            c.correct().to_string(),
            c.confidence().to_string(),
            c.margin().to_string(),
            c.loss.to_string(),
        ];
        if several {
            row.push(evaluation.names(&c.said_classes()));
        }
        row.extend(c.probabilities.iter().map(f32::to_string));
        row
    });
    csv_text(&header, rows)
}

/// Between names of classes in one cell.
const BETWEEN: &str = "; ";

fn co_occurrence_csv(evaluation: &Evaluation, several: &MultiLabel) -> String {
    let mut header = words(&["labelled \\ said"]);
    header.extend(evaluation.classes.classes.iter().map(|c| c.name.clone()));
    header.extend(words(&["none predicted", "clips"]));
    let rows = several.co_occurrence.counts.iter().enumerate().map(|(truth, row)| {
        let mut cells = vec![evaluation.classes.name(truth).to_owned()];
        cells.extend(row.iter().map(u64::to_string));
        cells.push(several.said_nothing.get(truth).copied().unwrap_or(0).to_string());
        cells.push(evaluation.per_class.get(truth).map_or(0, |c| c.support).to_string());
        cells
    });
    csv_text(&header, rows)
}

/// One row a view. `clip` and `crop` count from 0.
fn views_csv(evaluation: &Evaluation, predictions: &Predictions) -> String {
    let name = |class: usize| evaluation.classes.name(class).to_owned();
    let mut header =
        words(&["video", "subject", "start", "end", "clip", "crop", "true", "predicted", "correct", "probability"]);
    header.extend(evaluation.classes.classes.iter().map(|c| format!("p_{}", c.name)));
    let rows = predictions.clips.iter().flat_map(|p| p.views.iter().map(move |v| (p, v))).map(|(p, v)| {
        let clip = if let TimeView::Fixed { index, .. } = v.cut.time { index } else { 0 };
        // A window of a whole video ends where it ends.
        let end = if v.cut.end == u32::MAX { String::new() } else { v.cut.end.to_string() };
        let mut row = vec![
            p.video.clone(),
            p.subject.clone(),
            p.start.to_string(),
            end,
            clip.to_string(),
            v.cut.crop.index.to_string(),
            evaluation.names(p.true_classes()),
            name(v.predicted),
            p.true_classes().contains(&v.predicted).to_string(),
            v.probabilities.get(v.predicted).copied().unwrap_or(0.0).to_string(),
        ];
        row.extend(v.probabilities.iter().map(f32::to_string));
        row
    });
    csv_text(&header, rows)
}

fn matrix_csv<N: ToString>(evaluation: &Evaluation, matrix: &[Vec<N>]) -> String {
    let mut header = words(&["true \\ predicted"]);
    header.extend(evaluation.classes.classes.iter().map(|c| c.name.clone()));
    let rows = matrix.iter().enumerate().map(|(truth, row)| {
        let mut cells = vec![evaluation.classes.name(truth).to_owned()];
        cells.extend(row.iter().map(N::to_string));
        cells
    });
    csv_text(&header, rows)
}

fn per_class_csv(evaluation: &Evaluation) -> String {
    let rows = evaluation.per_class.iter().map(|c| {
        vec![c.class.clone(), c.precision.to_string(), c.recall.to_string(), c.f1.to_string(), c.support.to_string()]
    });
    let header = words(&["class", "precision", "recall", "f1", "support"]);
    let Some(several) = &evaluation.multi_label else { return csv_text(&header, rows) };
    let header = header.into_iter().chain(words(&["average_precision"])).collect::<Vec<_>>();
    let ap = several.average_precision.iter().map(|ap| ap.map_or(String::new(), |ap| ap.to_string()));
    csv_text(&header, rows.zip(ap).map(|(row, ap)| row.into_iter().chain([ap]).collect()))
}

/// What went wrong, in the order in which a person would look at it.
fn error_analysis(e: &Evaluation, predictions: &Predictions) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = analyse(&mut out, e, predictions);
    out
}

fn analyse(out: &mut String, e: &Evaluation, predictions: &Predictions) -> std::fmt::Result {
    let errors = predictions.errors();
    writeln!(out, "# Errors of {} on {}\n", e.checkpoint, e.split)?;
    if let Some(several) = &e.multi_label {
        return analyse_several(out, e, several, predictions);
    }
    writeln!(
        out,
        "{} of {} clips are wrong: accuracy {:.2} % (95 % interval {:.1}-{:.1} %, Wilson, over clips), mean class accuracy {:.2} %, \
         always predicting the majority class {:.2} %.\n",
        errors.len(),
        e.clips,
        100.0 * e.accuracy,
        100.0 * e.accuracy_interval.low,
        100.0 * e.accuracy_interval.high,
        100.0 * e.mean_class_accuracy,
        100.0 * e.majority_baseline,
    )?;
    for warning in &e.warnings {
        writeln!(out, "- {warning}")?;
    }

    writeln!(out, "\n## Most confused pairs\n\n| true | predicted | clips | of the class |\n|---|---|---:|---:|")?;
    for p in e.confused_pairs().iter().take(LISTED) {
        let (truth, said) = (cell(e.classes.name(p.truth)), cell(e.classes.name(p.predicted)));
        writeln!(out, "| {truth} | {said} | {} | {:.1} % |", p.count, 100.0 * p.share)?;
    }
    writeln!(out, "\n## Most confident errors\n")?;
    clip_table(out, e, &errors)?;

    let mut undecided: Vec<&Prediction> = predictions.clips.iter().collect();
    undecided.sort_by(|a, b| a.margin().total_cmp(&b.margin()));
    writeln!(out, "\n## Least decided clips\n")?;
    clip_table(out, e, &undecided)?;
    hardest_subjects(out, predictions)
}

fn clip_table(out: &mut String, e: &Evaluation, clips: &[&Prediction]) -> std::fmt::Result {
    writeln!(out, "| video | start | true | predicted | probability | margin |\n|---|---:|---|---|---:|---:|")?;
    for c in clips.iter().take(LISTED) {
        let (truth, said) = (cell(&e.names(c.true_classes())), cell(e.classes.name(c.predicted)));
        let (p, m) = (c.confidence(), c.margin());
        writeln!(out, "| {} | {} | {truth} | {said} | {p:.3} | {m:.3} |", cell(&c.video), c.start)?;
    }
    Ok(())
}

/// The same where clips have several classes.
fn analyse_several(
    out: &mut String,
    e: &Evaluation,
    several: &MultiLabel,
    predictions: &Predictions,
) -> std::fmt::Result {
    writeln!(
        out,
        "Multi-label: mAP {:.2} % over {} classes (an order by chance {:.2} %); the most probable class is among the labels of \
         {:.2} % of {} clips (95 % interval {:.1}-{:.1} %, Wilson, over clips). A class is predicted at a probability of {SAID_AT} or more.\n",
        100.0 * several.map,
        several.average_precision.iter().flatten().count(),
        100.0 * several.chance,
        100.0 * e.accuracy,
        e.clips,
        100.0 * e.accuracy_interval.low,
        100.0 * e.accuracy_interval.high,
    )?;
    for warning in &e.warnings {
        writeln!(out, "- {warning}")?;
    }
    writeln!(out, "\n## Classes, the weakest first\n")?;
    writeln!(out, "| class | AP | precision | recall | clips | none predicted |\n|---|---:|---:|---:|---:|---:|")?;
    let mut classes: Vec<(usize, f64)> =
        several.average_precision.iter().enumerate().filter_map(|(c, ap)| Some((c, (*ap)?))).collect();
    classes.sort_by(|a, b| a.1.total_cmp(&b.1));
    for (class, ap) in classes {
        let Some(c) = e.per_class.get(class) else { continue };
        let silent = several.said_nothing.get(class).copied().unwrap_or(0);
        let (name, precision, recall) = (cell(&c.class), c.precision, c.recall);
        writeln!(out, "| {name} | {ap:.3} | {precision:.3} | {recall:.3} | {} | {silent} |", c.support)?;
    }
    writeln!(
        out,
        "\n## Most often predicted beside\n\n| labelled | predicted | clips | of the class |\n|---|---|---:|---:|"
    )?;
    for p in e.said_beside().iter().take(LISTED) {
        let (truth, said) = (cell(e.classes.name(p.truth)), cell(e.classes.name(p.predicted)));
        writeln!(out, "| {truth} | {said} | {} | {:.1} % |", p.count, 100.0 * p.share)?;
    }
    writeln!(out, "\n## Most confident errors\n")?;
    clip_table(out, e, &predictions.errors())?;
    hardest_subjects(out, predictions)
}

fn hardest_subjects(out: &mut String, predictions: &Predictions) -> std::fmt::Result {
    let subjects = predictions.subjects();
    if !subjects.is_empty() {
        writeln!(out, "\n## Hardest subjects\n\n| subject | accuracy | wrong | clips |\n|---|---:|---:|---:|")?;
        for s in subjects.iter().take(LISTED) {
            let (name, wrong) = (cell(&s.subject), s.clips - s.correct);
            writeln!(out, "| {name} | {:.1} % | {wrong} | {} |", 100.0 * s.accuracy(), s.clips)?;
        }
    }
    Ok(())
}

/// Text that cannot break out of a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

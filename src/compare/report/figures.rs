//! The figures of a report, with their data.

use crate::compare::comparison::{ComparedRun, Comparison};
use crate::compare::evaluated::EvaluatedRun;
use crate::compare::motion::MotionReport;
use crate::compare::words::percent;
use crate::progress::EpochReport;
use crate::render::RenderError;
use crate::render::plots::{
    CoOccurrence, Scene, class_comparison, co_occurrence_matrix, confusion_difference, confusion_matrix, run_curves,
};
use crate::run_folder::MultiLabel;
use crate::run_folder::files::csv_text;

/// A figure: name of its files, what it shows, the drawing and its data.
pub(super) struct Figure {
    pub name: String,
    pub caption: String,
    pub scene: Scene,
    pub csv: String,
}

/// A figure that has something to show.
fn drawn(
    name: String,
    caption: &str,
    scene: Result<Scene, RenderError>,
    csv: String,
) -> Result<Option<Figure>, RenderError> {
    match scene {
        Ok(scene) => Ok(Some(Figure { name, caption: caption.to_owned(), scene, csv })),
        Err(RenderError::NothingToPlot { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A value of an epoch.
type OfEpoch = fn(&EpochReport) -> Option<f64>;

/// Losses and accuracies of all runs over epochs.
pub(super) fn curves(runs: &[EvaluatedRun]) -> Result<Vec<Figure>, RenderError> {
    let wanted: [(&str, &str, &str, bool, OfEpoch); 5] = [
        ("training_loss", "Training loss", "loss", false, |e| Some(f64::from(e.train_loss))),
        ("validation_loss", "Validation loss", "loss", false, |e| e.val_loss.map(f64::from)),
        ("training_accuracy", "Training accuracy", "accuracy (share of clips)", true, |e| {
            Some(f64::from(e.train_accuracy))
        }),
        ("validation_accuracy", "Validation accuracy", "accuracy (share of clips)", true, |e| {
            e.val_accuracy.filter(|_| e.val_map.is_none()).map(f64::from)
        }),
        ("validation_map", "Validation mAP", "mean average precision", true, |e| e.val_map.map(f64::from)),
    ];
    let mut out = Vec::new();
    for (name, title, unit, shares, of) in wanted {
        let values: Vec<(String, crate::render::plots::EpochValues)> =
            runs.iter().map(|r| (r.name.clone(), r.history.iter().map(|e| (e.epoch, of(e))).collect())).collect();
        let header = ["run", "epoch", unit].map(str::to_owned);
        let rows = values.iter().flat_map(|(name, values)| {
            values
                .iter()
                .map(move |(e, v)| vec![name.clone(), e.to_string(), v.map_or(String::new(), |v| v.to_string())])
        });
        let csv = csv_text(&header, rows);
        out.extend(drawn(name.to_owned(), title, run_curves(title, unit, &values, shares), csv)?);
    }
    Ok(out)
}

/// Recall of every class that has clips, a bar a run; average precision in a multi-label task.
pub(super) fn per_class(comparison: &Comparison) -> Result<Option<Figure>, RenderError> {
    let (file, title, axis) = match comparison.metric.of_sets() {
        true => ("average_precision_per_class", "Average precision per class", "average precision"),
        false => ("recall_per_class", "Recall per class", "recall"),
    };
    let value = |r: &ComparedRun, class: usize, recall: f64| match comparison.metric.of_sets() {
        true => r.average_precision(class),
        false => Some(recall),
    };
    let of = |r: &ComparedRun, class: usize| r.evaluation.per_class.get(class).cloned().unwrap_or_default();
    let shown = |class: &usize| comparison.runs.first().is_some_and(|r| of(r, *class).support > 0);
    let classes: Vec<usize> = (0..comparison.classes.len()).filter(shown).collect();
    let names: Vec<String> = classes.iter().filter_map(|c| comparison.classes.get(*c).cloned()).collect();
    let runs: Vec<(String, Vec<Option<f64>>)> = comparison
        .runs
        .iter()
        .map(|r| (r.name.clone(), classes.iter().map(|c| value(r, *c, of(r, *c).recall)).collect()))
        .collect();
    let scene = class_comparison(title, axis, &names, &runs);
    drawn(file.to_owned(), title, scene, comparison.per_class().csv())
}

/// The normalised confusion matrix of every run; co-occurrence in a multi-label task.
pub(super) fn matrices(comparison: &Comparison) -> Result<Vec<Figure>, RenderError> {
    let mut out = Vec::new();
    for (i, run) in comparison.runs.iter().enumerate() {
        if let Some(several) = &run.evaluation.multi_label {
            out.extend(together(comparison, i, run, several)?);
            continue;
        }
        let counts = &run.evaluation.confusion.counts;
        let header: Vec<String> =
            std::iter::once("true \\ predicted".to_owned()).chain(comparison.classes.clone()).collect();
        let rows = counts
            .iter()
            .zip(&comparison.classes)
            .map(|(row, name)| std::iter::once(name.clone()).chain(row.iter().map(u64::to_string)).collect());
        let caption = format!("Confusion matrix of {} ({} right)", run.name, percent(run.accuracy.value));
        let scene = confusion_matrix(counts, &comparison.classes, true);
        out.extend(drawn(format!("confusion_{}", i + 1), &caption, scene, csv_text(&header, rows))?);
    }
    Ok(out)
}

/// Which classes a run says of clips labelled with each.
fn together(
    comparison: &Comparison,
    at: usize,
    run: &ComparedRun,
    several: &MultiLabel,
) -> Result<Option<Figure>, RenderError> {
    let supports: Vec<u64> = run.evaluation.per_class.iter().map(|c| c.support).collect();
    let header: Vec<String> = std::iter::once("labelled \\ said".to_owned())
        .chain(comparison.classes.clone())
        .chain(["none predicted".to_owned()])
        .collect();
    let rows = several.co_occurrence.counts.iter().zip(&comparison.classes).zip(&several.said_nothing);
    let rows = rows.map(|((row, name), silent)| {
        std::iter::once(name.clone()).chain(row.iter().chain([silent]).map(u64::to_string)).collect()
    });
    let caption = format!("What {} says of clips labelled with each class (mAP {})", run.name, percent(several.map));
    let figure = CoOccurrence {
        average_precision: &several.average_precision,
        map: several.map,
        counts: &several.co_occurrence.counts,
        said_nothing: &several.said_nothing,
    };
    let scene = co_occurrence_matrix(&figure, &supports, &comparison.classes);
    drawn(format!("co_occurrence_{}", at + 1), &caption, scene, csv_text(&header, rows))
}

/// The difference matrix of every pair.
pub(super) fn differences(comparison: &Comparison) -> Result<Vec<Figure>, RenderError> {
    let name = |run: usize| comparison.runs.get(run).map_or("", |r| r.name.as_str());
    let mut out = Vec::new();
    for (i, pair) in comparison.pairs.iter().enumerate() {
        let what = if comparison.metric.of_sets() { "Co-occurrence (labelled, predicted)" } else { "Confusion matrix" };
        let title = format!("{what} of {} minus that of {}", name(pair.a), name(pair.b));
        let scene = confusion_difference(&title, &pair.confusion_difference, &comparison.classes);
        let file = format!("{}_{}_{}", comparison.difference_name(), pair.a + 1, pair.b + 1);
        out.extend(drawn(file, &title, scene, comparison.confusion_difference_csv(i))?);
    }
    Ok(out)
}

/// Accuracy under every alteration of the motion test, a bar a run.
pub(super) fn motion(report: &MotionReport) -> Result<Option<Figure>, RenderError> {
    let alterations = crate::compare::motion::Alteration::ALL;
    let names: Vec<String> = alterations.iter().map(|a| a.title().to_owned()).collect();
    let of = |t: &crate::compare::motion::MotionTest| -> Vec<Option<f64>> {
        alterations.iter().map(|a| t.score(*a).map(crate::compare::motion::AlteredScore::score)).collect()
    };
    let runs: Vec<(String, Vec<Option<f64>>)> = report.tests.iter().map(|t| (t.name.clone(), of(t))).collect();
    let metric = report.metric();
    let title = if metric.of_sets() { "mAP on altered clips" } else { "Accuracy on altered clips" };
    let scene = class_comparison(title, metric.name(), &names, &runs);
    drawn("motion_test".to_owned(), title, scene, report.rows().csv())
}

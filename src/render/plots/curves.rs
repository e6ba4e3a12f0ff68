//! Curves over epochs.

use super::axes::{LABEL, PAGE, Panel, Scale, axes, legend, legend_line, page};
use super::class_name;
use super::scene::{Align, SOFT_INK, Scene};
use crate::domain::counted;
use crate::progress::{EpochReport, best_epoch, lowest_loss_epoch};
use crate::render::RenderError;
use crate::render::palette::class_color;

/// Colours of the two parts; the same in every curve.
const TRAIN: usize = 0;
const VALIDATION: usize = 1;

/// One curve; `None` and values that are not finite are gaps.
struct Curve {
    name: String,
    color: [u8; 3],
    values: Vec<(f64, Option<f64>)>,
}

impl Curve {
    fn of(name: &str, color: [u8; 3], history: &[EpochReport], value: impl Fn(&EpochReport) -> Option<f64>) -> Self {
        let values = history.iter().map(|e| (f64::from(e.epoch), value(e).filter(|v| v.is_finite()))).collect();
        Self { name: name.into(), color, values }
    }

    fn has_data(&self) -> bool {
        self.values.iter().any(|(_, v)| v.is_some())
    }

    fn draw(&self, scene: &mut Scene, panel: Panel, x: Scale, y: Scale, width: f32) {
        for run in self.values.split(|(_, v)| v.is_none()) {
            let points: Vec<(f32, f32)> = run
                .iter()
                .filter_map(|(epoch, v)| Some((panel.x(x.share(*epoch)?), panel.y(y.share((*v)?)?))))
                .collect();
            // Few points are marked; a point between gaps would not be seen otherwise.
            if points.len() == 1 || (self.values.len() <= 30 && width > 2.0) {
                points.iter().for_each(|p| scene.dot(*p, width + 1.0, self.color));
            }
            scene.line(points, self.color, width);
        }
    }
}

fn epochs(history: &[EpochReport]) -> Scale {
    let number = |e: Option<&EpochReport>| e.map_or(0.0, |e| f64::from(e.epoch));
    Scale::exact(number(history.first()), number(history.last()))
}

fn some_epoch(history: &[EpochReport], what: &str) -> Result<(), RenderError> {
    if history.is_empty() {
        return Err(nothing(what, "the run has no finished epoch yet"));
    }
    Ok(())
}

pub(super) fn nothing(what: &str, hint: &'static str) -> RenderError {
    RenderError::NothingToPlot { what: what.into(), hint }
}

const WHOLE: Panel = Panel { left: 110.0, top: 120.0, right: 1165.0, bottom: 675.0 };

/// An epoch worth a mark: its number, what it is, and the line its label stands in.
type EpochMark = (u32, &'static str, u32);

/// A page with curves, a legend line and marked epochs.
fn single(
    title: &str,
    subtitle: &str,
    curves: &[Curve],
    history: &[EpochReport],
    y: (Scale, &str),
    marks: &[EpochMark],
) -> Scene {
    let mut scene = page(PAGE.1, title, subtitle);
    let x = epochs(history);
    axes(&mut scene, WHOLE, (x, "epoch", true), (y.0, y.1, false));
    marks.iter().for_each(|mark| mark_epoch(&mut scene, WHOLE, x, *mark));
    curves.iter().for_each(|c| c.draw(&mut scene, WHOLE, x, y.0, 3.0));
    if curves.len() > 1 {
        let entries: Vec<_> = curves.iter().map(|c| (c.name.clone(), c.color)).collect();
        legend_line(&mut scene, WHOLE.left, 96.0, &entries);
    }
    scene
}

/// The best epoch of a run.
fn best_mark(history: &[EpochReport]) -> Option<EpochMark> {
    best_epoch(history).map(|e| (e.epoch, "best", 0))
}

/// The epoch of the lowest validation loss, where that is not the best one.
fn lowest_loss_mark(history: &[EpochReport]) -> Option<EpochMark> {
    let lowest = lowest_loss_epoch(history).map(|e| (e.epoch, "lowest loss", 1))?;
    best_epoch(history).is_none_or(|best| best.epoch != lowest.0).then_some(lowest)
}

/// A vertical line at an epoch, with its number.
fn mark_epoch(scene: &mut Scene, panel: Panel, x: Scale, (epoch, name, row): EpochMark) {
    let Some(share) = x.share(f64::from(epoch)) else { return };
    let at = panel.x(share);
    scene.line_faint(vec![(at, panel.top), (at, panel.bottom)], SOFT_INK, 1.5, 0.55);
    let align = if share > 0.85 { Align::Right } else { Align::Left };
    let at = if share > 0.85 { at - 7.0 } else { at + 7.0 };
    let y = panel.top + 9.0 + row as f32 * 1.4 * LABEL;
    scene.text((at, y), &format!("{name}: epoch {epoch}"), LABEL - 1.0, SOFT_INK, align);
}

fn losses(history: &[EpochReport]) -> Vec<Curve> {
    let mut curves = vec![
        Curve::of("training", class_color(TRAIN), history, |e| Some(f64::from(e.train_loss))),
        Curve::of("validation", class_color(VALIDATION), history, |e| e.val_loss.map(f64::from)),
    ];
    curves.retain(Curve::has_data);
    curves
}

fn accuracies(history: &[EpochReport]) -> Vec<Curve> {
    let mut curves = vec![
        Curve::of("training", class_color(TRAIN), history, |e| Some(f64::from(e.train_accuracy))),
        Curve::of("validation", class_color(VALIDATION), history, |e| e.val_accuracy.map(f64::from)),
    ];
    curves.retain(Curve::has_data);
    curves
}

fn around(curves: &[Curve], from_zero: bool) -> Scale {
    Scale::around(curves.iter().flat_map(|c| c.values.iter().filter_map(|(_, v)| *v)), from_zero)
}

fn last_words(history: &[EpochReport]) -> String {
    let Some(last) = history.last() else { return String::new() };
    let count = counted(history.len() as u64, "epoch");
    let score = last
        .score()
        .map_or(String::new(), |s| format!(", validation {} {:.1} % at the end", last.score_name(), s * 100.0));
    format!("{count}{score}")
}

/// Training and validation loss over epochs.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without an epoch.
pub fn loss_curves(history: &[EpochReport]) -> Result<Scene, RenderError> {
    some_epoch(history, "the loss")?;
    let curves = losses(history);
    let scale = around(&curves, true);
    let marks: Vec<EpochMark> = best_mark(history).into_iter().chain(lowest_loss_mark(history)).collect();
    Ok(single("Loss", &last_words(history), &curves, history, (scale, "loss"), &marks))
}

/// Training and validation accuracy over epochs, 0…1.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without an epoch.
pub fn accuracy_curves(history: &[EpochReport]) -> Result<Scene, RenderError> {
    some_epoch(history, "the accuracy")?;
    let y = (Scale::exact(0.0, 1.0), "accuracy (share of clips)");
    let marks: Vec<EpochMark> = best_mark(history).into_iter().collect();
    Ok(single("Accuracy", &last_words(history), &accuracies(history), history, y, &marks))
}

/// Mean average precision of the validation over epochs, 0…1.
///
/// # Errors
/// [`RenderError::NothingToPlot`] where no epoch has one, as in a task with one class a clip.
pub fn map_curve(history: &[EpochReport]) -> Result<Scene, RenderError> {
    let curve = Curve::of("validation", class_color(VALIDATION), history, |e| e.val_map.map(f64::from));
    if !curve.has_data() {
        return Err(nothing("mean average precision", "the run is of no multi-label task, or has no validation part"));
    }
    let y = (Scale::exact(0.0, 1.0), "mean average precision");
    let marks: Vec<EpochMark> = best_mark(history).into_iter().collect();
    Ok(single("Mean average precision", &last_words(history), &[curve], history, y, &marks))
}

/// Learning rate over epochs, logarithmic when it spans more than a decade.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without an epoch.
pub fn learning_rate_curve(history: &[EpochReport]) -> Result<Scene, RenderError> {
    some_epoch(history, "the learning rate")?;
    let scale = rate_scale(history);
    let kind = if scale.is_log() { "logarithmic" } else { "linear" };
    Ok(single("Learning rate", kind, &[rate(history)], history, (scale, "learning rate"), &[]))
}

fn rate(history: &[EpochReport]) -> Curve {
    Curve::of("learning rate", class_color(4), history, |e| Some(e.learning_rate))
}

fn rate_scale(history: &[EpochReport]) -> Scale {
    Scale::log_if_wide(&history.iter().map(|e| e.learning_rate).collect::<Vec<_>>())
}

/// Loss, accuracy, learning rate and generalisation gap (training minus validation accuracy) on one page.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without an epoch.
pub fn training_overview(history: &[EpochReport]) -> Result<Scene, RenderError> {
    some_epoch(history, "the training")?;
    let mut scene = page(PAGE.1, "Training overview", &last_words(history));
    let x = epochs(history);
    let (losses, accuracies) = (losses(history), accuracies(history));
    let gap = [Curve::of("gap", class_color(3), history, |e| Some(f64::from(e.train_accuracy - e.val_accuracy?)))];
    let entries: Vec<_> = [("training", TRAIN), ("validation", VALIDATION)]
        .map(|(name, color)| (name.to_owned(), class_color(color)))
        .into();
    legend_line(&mut scene, 900.0, 34.0, &entries);
    let panel = |column: usize, row: usize| {
        let (left, top) = ([100.0, 690.0][column], [95.0, 425.0][row]);
        Panel { left, top, right: left + 480.0, bottom: top + 240.0 }
    };
    let rate = [rate(history)];
    let parts: [(&[Curve], Scale, &str, Panel); 4] = [
        (&losses, around(&losses, true), "loss", panel(0, 0)),
        (&accuracies, Scale::exact(0.0, 1.0), "accuracy", panel(1, 0)),
        (&rate, rate_scale(history), "learning rate", panel(0, 1)),
        (&gap, around(&gap, true), "generalisation gap", panel(1, 1)),
    ];
    for (curves, y, name, panel) in parts {
        axes(&mut scene, panel, (x, "epoch", true), (y, name, false));
        curves.iter().for_each(|c| c.draw(&mut scene, panel, x, y, 2.5));
        if !curves.iter().any(Curve::has_data) {
            let middle = ((panel.left + panel.right) / 2.0, (panel.top + panel.bottom) / 2.0);
            scene.text(middle, "no validation part", LABEL, SOFT_INK, Align::Centre);
        }
    }
    Ok(scene)
}

/// What the score of each class is: a name for titles, and one for an axis.
pub(super) fn class_score_names(history: &[EpochReport]) -> (&'static str, &'static str) {
    match history.iter().any(|e| !e.per_class_ap.is_empty()) {
        true => ("Average precision", "average precision"),
        false => ("Accuracy", "accuracy (share of clips)"),
    }
}

/// Validation accuracy of each class over epochs; average precision in a multi-label task. With `top`, only that many classes: half of them the best at the
/// end, half the worst.
///
/// # Errors
/// [`RenderError::NothingToPlot`] when no epoch knows any class's accuracy.
pub fn per_class_curves(history: &[EpochReport], classes: &[String], top: Option<usize>) -> Result<Scene, RenderError> {
    let ranked = ranked_classes(history);
    if ranked.is_empty() {
        return Err(nothing("the accuracy per class", "the run has no validation part"));
    }
    let mut chosen = match top {
        Some(n) if n < ranked.len() => {
            let best = n.div_ceil(2);
            [&ranked[..best], &ranked[ranked.len() - (n - best)..]].concat()
        }
        _ => ranked.clone(),
    };
    let (what, axis) = class_score_names(history);
    let (title, subtitle) = if chosen.len() < ranked.len() {
        let counts = (chosen.len().div_ceil(2), chosen.len() / 2);
        (
            format!("{what} per class: best and worst"),
            format!("the {} best and the {} worst of {} classes at the end", counts.0, counts.1, ranked.len()),
        )
    } else {
        chosen.sort_by_key(|(class, _)| *class);
        (format!("{what} per class"), format!("{} classes, validation", ranked.len()))
    };
    let mut scene = page(PAGE.1, &title, &subtitle);
    let panel = Panel { right: 920.0, top: 95.0, ..WHOLE };
    let (x, y) = (epochs(history), Scale::exact(0.0, 1.0));
    axes(&mut scene, panel, (x, "epoch", true), (y, axis, false));
    let width = if chosen.len() > 20 { 1.5 } else { 2.5 };
    let mut entries = Vec::new();
    for (class, last) in &chosen {
        let value = |e: &EpochReport| e.class_scores().get(*class).copied().flatten().map(f64::from);
        let curve = Curve::of("", class_color(*class), history, value);
        curve.draw(&mut scene, panel, x, y, width);
        entries.push((format!("{:.0} %  {}", last * 100.0, class_name(classes, *class)), class_color(*class)));
    }
    legend(&mut scene, 945.0, panel.top - 5.0, 735.0, &entries);
    Ok(scene)
}

/// A value over epochs: epoch and value, `None` where it was not measured.
pub type EpochValues = Vec<(u32, Option<f64>)>;

/// The same value of several runs over their epochs: `runs` are names with (epoch, value); what is not there is a gap.
///
/// # Errors
/// [`RenderError::NothingToPlot`] when no run has a value.
pub fn run_curves(
    title: &str,
    y_name: &str,
    runs: &[(String, EpochValues)],
    shares: bool,
) -> Result<Scene, RenderError> {
    let curves: Vec<Curve> = runs
        .iter()
        .enumerate()
        .map(|(i, (name, values))| Curve {
            name: name.clone(),
            color: class_color(i),
            values: values.iter().map(|(e, v)| (f64::from(*e), v.filter(|v| v.is_finite()))).collect(),
        })
        .filter(Curve::has_data)
        .collect();
    if curves.is_empty() {
        return Err(nothing(title, "no run has a finished epoch"));
    }
    let y = if shares { Scale::exact(0.0, 1.0) } else { around(&curves, true) };
    let epochs = || curves.iter().flat_map(|c| c.values.iter().map(|(e, _)| *e));
    let x = Scale::exact(epochs().fold(f64::MAX, f64::min), epochs().fold(0.0, f64::max));
    let mut scene = page(PAGE.1, title, &counted(curves.len() as u64, "run"));
    let panel = Panel { right: 920.0, top: 95.0, ..WHOLE };
    axes(&mut scene, panel, (x, "epoch", true), (y, y_name, false));
    curves.iter().for_each(|c| c.draw(&mut scene, panel, x, y, 2.5));
    let entries: Vec<_> = curves.iter().map(|c| (c.name.clone(), c.color)).collect();
    legend(&mut scene, 945.0, panel.top - 5.0, 735.0, &entries);
    Ok(scene)
}

/// Classes with their last known score, best first.
pub(super) fn ranked_classes(history: &[EpochReport]) -> Vec<(usize, f32)> {
    let classes = history.iter().map(|e| e.class_scores().len()).max().unwrap_or(0);
    let last = |class: usize| {
        let known = history.iter().rev().find_map(|e| e.class_scores().get(class).copied().flatten());
        known.filter(|a| a.is_finite())
    };
    let mut ranked: Vec<(usize, f32)> = (0..classes).filter_map(|c| Some((c, last(c)?))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}

//! Bars: counts and scores per class, histograms.

use super::axes::{LABEL, NAME, PAGE, Panel, Scale, axes, frame, legend_line, names, number, page};
use super::curves::{class_score_names, nothing, ranked_classes};
use super::scene::{Align, GRID, INK, SOFT_INK, Scene};
use super::{ClassScores, CoOccurrence, SplitCounts, class_name};
use crate::progress::EpochReport;
use crate::render::RenderError;
use crate::render::font::{fit_text, text_width};
use crate::render::palette::{BACKGROUND, class_color};

/// Splits are told apart by how full their bars are, because the colour says the class.
const SPLIT_OPACITY: [f32; 4] = [1.0, 0.55, 0.3, 0.18];
/// Widest a class name gets.
const NAME_ROOM: f32 = 230.0;

/// A horizontal bar with what it says at its end.
pub(super) struct Bar {
    pub(super) value: f64,
    pub(super) label: String,
    pub(super) color: [u8; 3],
    pub(super) opacity: f32,
}

/// The colour thinned with the page's white; opaque, so that grid lines do not show through.
fn faint(color: [u8; 3], share: f32) -> [u8; 3] {
    color.map(|v| crate::render::compose::mix(255, v, share))
}

/// Rows of horizontal bars: horizontal, so that names of any length can be read.
pub(super) fn rows(scene: &mut Scene, panel: Panel, scale: Scale, x_name: &str, groups: &[(String, Vec<Bar>)]) {
    for (value, label) in scale.ticks(7, false) {
        let Some(at) = scale.share(value).map(|s| panel.x(s)) else { continue };
        scene.line(vec![(at, panel.top), (at, panel.bottom)], GRID, 1.0);
        scene.text((at, panel.bottom + 16.0), &label, LABEL, SOFT_INK, Align::Centre);
    }
    let row = panel.height() / groups.len().max(1) as f32;
    for (i, (name, bars)) in groups.iter().enumerate() {
        let size = (row * 0.6).clamp(9.0, LABEL);
        let (top, thick) = (panel.top + i as f32 * row, row * 0.8 / bars.len().max(1) as f32);
        let name = fit_text(name, size, NAME_ROOM);
        scene.text((panel.left - 10.0, top + row / 2.0), &name, size, INK, Align::Right);
        for (k, bar) in bars.iter().enumerate() {
            let y = top + row * 0.1 + k as f32 * thick;
            let end = scale.share(bar.value).map_or(panel.left, |s| panel.x(s));
            // A sliver of space between the bars of a group.
            scene.rect((panel.left, y), (end, y + (thick - 1.0).max(1.0)), faint(bar.color, bar.opacity));
            let size = (thick * 0.85).min(LABEL - 1.0);
            if size >= 8.5 {
                scene.text((end + 6.0, y + thick / 2.0), &bar.label, size, INK, Align::Left);
            }
        }
    }
    frame(scene, panel);
    scene.text(((panel.left + panel.right) / 2.0, panel.bottom + 42.0), x_name, NAME, INK, Align::Centre);
}

/// A page high enough for the rows, and the panel for them.
pub(super) fn row_page(title: &str, subtitle: &str, labels: &[String], bars: usize) -> (Scene, Panel) {
    let height = PAGE.1.max(190 + labels.len() as u32 * (16 * bars as u32).max(18));
    let widest = labels.iter().map(|l| text_width(l, LABEL)).fold(40.0, f32::max).min(NAME_ROOM);
    let panel = Panel { left: 50.0 + widest, top: 115.0, right: 1110.0, bottom: height as f32 - 70.0 };
    (page(height, title, subtitle), panel)
}

/// Frames or clips (`unit`) of each class, one bar a split.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a class or a split.
pub fn class_counts(title: &str, unit: &str, classes: &[String], splits: &[SplitCounts]) -> Result<Scene, RenderError> {
    if classes.is_empty() || splits.is_empty() {
        return Err(nothing(title, "the dataset has no labelled class"));
    }
    let totals: Vec<String> = splits
        .iter()
        .map(|s| format!("{}: {} {unit}", s.split, number(s.per_class.iter().sum::<u64>() as f64, 0)))
        .collect();
    let (mut scene, panel) = row_page(title, &totals.join("   "), classes, splits.len());
    let count = |split: &SplitCounts, class: usize| split.per_class.get(class).copied().unwrap_or(0) as f64;
    let all = splits.iter().flat_map(|s| (0..classes.len()).map(move |c| count(s, c)));
    let groups: Vec<(String, Vec<Bar>)> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let bar = |(k, split): (usize, &SplitCounts)| Bar {
                value: count(split, class),
                label: number(count(split, class), 0),
                color: class_color(class),
                opacity: SPLIT_OPACITY[k.min(SPLIT_OPACITY.len() - 1)],
            };
            (name.clone(), splits.iter().enumerate().map(bar).collect())
        })
        .collect();
    rows(&mut scene, panel, Scale::around(all, true), unit, &groups);
    let entries: Vec<(String, [u8; 3])> = splits
        .iter()
        .enumerate()
        .map(|(k, s)| {
            let opacity = SPLIT_OPACITY[k.min(SPLIT_OPACITY.len() - 1)];
            (s.split.clone(), faint(BACKGROUND, opacity))
        })
        .collect();
    legend_line(&mut scene, panel.left, 92.0, &entries);
    Ok(scene)
}

/// Validation accuracy of each class at the end, best first; average precision in a multi-label task.
///
/// # Errors
/// [`RenderError::NothingToPlot`] when no epoch knows any class's accuracy.
pub fn final_accuracy(history: &[EpochReport], classes: &[String]) -> Result<Scene, RenderError> {
    let ranked = ranked_classes(history);
    if ranked.is_empty() {
        return Err(nothing("the accuracy per class", "the run has no validation part"));
    }
    let labels: Vec<String> = ranked.iter().map(|(class, _)| class_name(classes, *class)).collect();
    let mean = ranked.iter().map(|r| f64::from(r.1)).sum::<f64>() / ranked.len() as f64;
    let subtitle = format!("validation, last epoch; mean over classes {:.1} % (line)", mean * 100.0);
    let (what, axis) = class_score_names(history);
    let (mut scene, panel) = row_page(&format!("{what} per class at the end"), &subtitle, &labels, 1);
    let scored: Vec<(usize, f64)> = ranked.iter().map(|(class, score)| (*class, f64::from(*score))).collect();
    one_bar_each(&mut scene, panel, axis, labels, &scored, mean);
    Ok(scene)
}

/// Average precision of each class of a multi-label task, best first; classes that no clip shows have none.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a class that a clip shows.
pub fn average_precision_bars(together: &CoOccurrence<'_>, scores: &[ClassScores]) -> Result<Scene, RenderError> {
    let known = together.average_precision.iter().enumerate().filter_map(|(class, ap)| Some((class, (*ap)?)));
    let mut ranked: Vec<(usize, f64)> = known.collect();
    if ranked.is_empty() {
        return Err(nothing("the average precision", "no clip shows a class"));
    }
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let label = |class: usize| {
        scores.get(class).map_or_else(|| format!("class {class}"), |s| format!("{} ({})", s.class, s.support))
    };
    let labels: Vec<String> = ranked.iter().map(|(class, _)| label(*class)).collect();
    let subtitle = format!("in brackets: true clips; mAP {:.1} % (line)", together.map * 100.0);
    let (mut scene, panel) = row_page("Average precision per class", &subtitle, &labels, 1);
    one_bar_each(&mut scene, panel, "average precision", labels, &ranked, together.map);
    Ok(scene)
}

/// One bar a class from 0 to 1, and a line at their mean.
fn one_bar_each(scene: &mut Scene, panel: Panel, axis: &str, labels: Vec<String>, scores: &[(usize, f64)], mean: f64) {
    let bar = |(class, score): &(usize, f64)| Bar {
        value: *score,
        label: format!("{:.1} %", score * 100.0),
        color: class_color(*class),
        opacity: 1.0,
    };
    let groups: Vec<_> = labels.into_iter().zip(scores.iter().map(|s| vec![bar(s)])).collect();
    let scale = Scale::exact(0.0, 1.0);
    rows(scene, panel, scale, axis, &groups);
    if let Some(share) = scale.share(mean) {
        scene.line_faint(vec![(panel.x(share), panel.top), (panel.x(share), panel.bottom)], INK, 1.5, 0.6);
    }
}

/// Precision, recall and F1 of each class.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a class.
pub fn class_scores(scores: &[ClassScores]) -> Result<Scene, RenderError> {
    if scores.is_empty() {
        return Err(nothing("the scores per class", "the evaluation has no class"));
    }
    let labels: Vec<String> = scores.iter().map(|s| format!("{} ({})", s.class, s.support)).collect();
    let subtitle = "in brackets: true clips (support)";
    let (mut scene, panel) = row_page("Precision, recall and F1 per class", subtitle, &labels, 3);
    // One hue a measure: the class is named beside its bars, the measures have to be told apart.
    let colors = [class_color(0), class_color(1), class_color(2)];
    let groups: Vec<_> = labels
        .into_iter()
        .zip(scores)
        .map(|(label, s)| {
            let bar = |(value, color): (f64, [u8; 3])| Bar { value, label: format!("{value:.2}"), color, opacity: 1.0 };
            (label, [s.precision, s.recall, s.f1].into_iter().zip(colors).map(bar).collect())
        })
        .collect();
    rows(&mut scene, panel, Scale::exact(0.0, 1.0), "score (0…1)", &groups);
    let entries: Vec<_> = ["precision", "recall", "F1"].map(str::to_owned).into_iter().zip(colors).collect();
    legend_line(&mut scene, panel.left, 92.0, &entries);
    Ok(scene)
}

/// One score (0…1) of every class in several runs, one bar a run; `None` leaves a bar out.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a class or a run.
pub fn class_comparison(
    title: &str,
    x_name: &str,
    classes: &[String],
    runs: &[(String, Vec<Option<f64>>)],
) -> Result<Scene, RenderError> {
    if classes.is_empty() || runs.is_empty() {
        return Err(nothing(title, "no class has a clip"));
    }
    let (mut scene, panel) = row_page(title, "", classes, runs.len());
    let groups: Vec<(String, Vec<Bar>)> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let bar = |(i, (_, values)): (usize, &(String, Vec<Option<f64>>))| {
                let value = values.get(class).copied().flatten();
                let label = value.map_or_else(String::new, |v| format!("{:.0} %", 100.0 * v));
                Bar { value: value.unwrap_or(0.0), label, color: class_color(i), opacity: 1.0 }
            };
            (name.clone(), runs.iter().enumerate().map(bar).collect())
        })
        .collect();
    rows(&mut scene, panel, Scale::exact(0.0, 1.0), x_name, &groups);
    let entries: Vec<_> = runs.iter().enumerate().map(|(i, (name, _))| (name.clone(), class_color(i))).collect();
    legend_line(&mut scene, panel.left, 92.0, &entries);
    Ok(scene)
}

/// How often values occur, in at most 30 equal bins. Values that are not finite are left out.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a finite value.
pub fn histogram(title: &str, x_name: &str, y_name: &str, values: &[f64]) -> Result<Scene, RenderError> {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if finite.is_empty() {
        return Err(nothing(title, "no video could be opened"));
    }
    let mut sorted = finite.clone();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let count = ((finite.len() as f64).sqrt().ceil() as usize * 2).clamp(5, 30);
    let span = if high > low { high - low } else { 1.0 };
    let start = if high > low { low } else { low - 0.5 };
    let mut bins = vec![0_u64; count];
    for v in &finite {
        let bin = ((v - start) / span * count as f64) as usize;
        bins[bin.min(count - 1)] += 1;
    }
    let median = sorted[sorted.len() / 2];
    let subtitle = format!(
        "{} {y_name}; shortest {}, median {}, longest {} {x_name}",
        finite.len(),
        number(low, 1),
        number(median, 1),
        number(high, 1)
    );
    let mut scene = page(PAGE.1, title, &subtitle);
    let panel = Panel { left: 110.0, top: 100.0, right: 1165.0, bottom: 675.0 };
    let x = Scale::exact(start, start + span);
    let y = Scale::around(bins.iter().map(|b| *b as f64), true);
    axes(&mut scene, panel, (x, x_name, false), (y, y_name, true));
    for (i, n) in bins.iter().enumerate().filter(|(_, n)| **n > 0) {
        let edge = |k: usize| panel.x(k as f32 / count as f32);
        let top = y.share(*n as f64).map_or(panel.bottom, |s| panel.y(s));
        scene.rect((edge(i) + 1.0, top), (edge(i + 1) - 1.0, panel.bottom), class_color(0));
        scene.text(((edge(i) + edge(i + 1)) / 2.0, top - 11.0), &n.to_string(), LABEL - 2.0, SOFT_INK, Align::Centre);
    }
    frame(&mut scene, panel);
    names(&mut scene, panel, x_name, y_name);
    Ok(scene)
}

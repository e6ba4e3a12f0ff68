//! Plots of one clip seen by a network: probabilities of classes, values of a layer, kernels over time.

use super::axes::{PAGE, Panel, Scale, axes, legend_line, page};
use super::bars::{Bar, row_page, rows};
use super::curves::nothing;
use super::scene::Scene;
use crate::render::RenderError;
use crate::render::palette::class_color;

/// Classes shown, at most.
const MOST: usize = 20;
const WHOLE: Panel = Panel { left: 110.0, top: 110.0, right: 1165.0, bottom: 675.0 };

/// The probabilities of a clip's classes as bars, the most probable first and at most twenty; the true class is marked by its name.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a class.
pub fn class_probabilities(
    classes: &[String],
    probabilities: &[f32],
    truth: Option<usize>,
) -> Result<Scene, RenderError> {
    let mut ranked: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let Some((predicted, _)) = ranked.first().copied() else {
        return Err(nothing("the probabilities", "the network has no class"));
    };
    // The true class is shown wherever it stands.
    let mut shown: Vec<(usize, f32)> = ranked.iter().take(MOST).copied().collect();
    if let Some(row) = truth.and_then(|t| ranked.iter().find(|r| r.0 == t)).filter(|r| !shown.contains(r)) {
        shown.push(*row);
    }
    let name = |class: usize| super::class_name(classes, class);
    let labels: Vec<String> = shown
        .iter()
        .map(|(class, _)| if truth == Some(*class) { format!("{} (true)", name(*class)) } else { name(*class) })
        .collect();
    let right = match truth {
        Some(t) if t == predicted => "right".to_owned(),
        Some(t) => format!("wrong, the true class is {}", name(t)),
        None => "without a label".to_owned(),
    };
    let (mut scene, panel) =
        row_page("Probability of each class", &format!("{}: {right}", name(predicted)), &labels, 1);
    let bar = |(class, p): &(usize, f32)| Bar {
        value: f64::from(*p),
        label: format!("{:.1} %", p * 100.0),
        color: class_color(*class),
        opacity: 1.0,
    };
    let groups: Vec<_> = labels.into_iter().zip(shown.iter().map(|r| vec![bar(r)])).collect();
    rows(&mut scene, panel, Scale::exact(0.0, 1.0), "probability", &groups);
    Ok(scene)
}

/// How often values of a layer occur, in equal bins from `low` to `high`, on a logarithmic axis where the bins span more than a decade.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a value.
pub fn value_histogram(
    title: &str,
    subtitle: &str,
    (low, high): (f64, f64),
    counts: &[u64],
) -> Result<Scene, RenderError> {
    if counts.iter().all(|n| *n == 0) {
        return Err(nothing(title, "no value is finite"));
    }
    let mut scene = page(PAGE.1, title, subtitle);
    let x = Scale::exact(low, high);
    let y = Scale::log_if_wide(&counts.iter().map(|n| *n as f64).collect::<Vec<_>>());
    axes(&mut scene, WHOLE, (x, "value", false), (y, "values", false));
    for (i, n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        let edge = |k: usize| WHOLE.x(k as f32 / counts.len() as f32);
        // A single value still shows on a logarithmic axis.
        let top = y.share(*n as f64).map_or(WHOLE.bottom, |s| WHOLE.y(s)).min(WHOLE.bottom - 2.0);
        scene.rect((edge(i) + 1.0, top), ((edge(i + 1) - 1.0).max(edge(i) + 2.0), WHOLE.bottom), class_color(0));
    }
    Ok(scene)
}

/// Curves over steps, each with its name: kernels over time, or shares over checkpoints (named on the axis).
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a curve of two steps.
pub fn named_curves(
    title: &str,
    subtitle: &str,
    (x_name, y_name): (&str, &str),
    curves: &[(String, Vec<(f64, f64)>)],
) -> Result<Scene, RenderError> {
    let points = || curves.iter().flat_map(|c| &c.1);
    if curves.iter().all(|c| c.1.len() < 2) {
        return Err(nothing(title, "there is only one step"));
    }
    let mut scene = page(PAGE.1, title, subtitle);
    let ends = points().fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(p.0), b.max(p.0)));
    let (x, y) = (Scale::exact(ends.0, ends.1), Scale::around(points().map(|p| p.1), false));
    axes(&mut scene, WHOLE, (x, x_name, true), (y, y_name, false));
    for (i, (_, curve)) in curves.iter().enumerate() {
        let at = |p: &(f64, f64)| Some((WHOLE.x(x.share(p.0)?), WHOLE.y(y.share(p.1)?)));
        scene.line(curve.iter().filter_map(at).collect(), class_color(i), 2.5);
    }
    let entries: Vec<_> = curves.iter().enumerate().map(|(i, c)| (c.0.clone(), class_color(i))).collect();
    if entries.len() <= 8 {
        legend_line(&mut scene, WHOLE.left, 88.0, &entries);
    }
    Ok(scene)
}

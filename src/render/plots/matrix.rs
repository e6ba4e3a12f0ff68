//! Matrix plots: confusion matrices, accuracy per class and epoch.

use super::axes::{LABEL, NAME, PAGE, Panel, number, page};
use super::curves::{class_score_names, nothing};
use super::scene::{Align, INK, SOFT_INK, Scene};
use super::{CoOccurrence, class_name};
use crate::progress::EpochReport;
use crate::render::RenderError;
use crate::render::compose::mix;
use crate::render::font::{fit_text, text_width};
use crate::render::palette::{class_color, text_on};

/// Cells without a value.
const MISSING: [u8; 3] = [238, 238, 240];
/// Deepest colour of a cell.
const DEEP: [u8; 3] = [12, 62, 138];
/// Widest a class name gets.
const NAME_ROOM: f32 = 190.0;

/// White at 0 through blue to a deep blue at 1; 0 itself stays white, so that empty cells are seen as such.
fn shade(share: f64) -> [u8; 3] {
    let share = (share as f32).clamp(0.0, 1.0);
    let middle = [96, 160, 216];
    let (from, to, at) =
        if share < 0.5 { ([246, 249, 253], middle, share * 2.0) } else { (middle, DEEP, share * 2.0 - 1.0) };
    [0, 1, 2].map(|c| mix(from[c], to[c], at))
}

/// A cell's colour and text.
struct Cell {
    color: [u8; 3],
    text: String,
}

/// The confusion matrix: rows are true classes, columns predicted ones. `normalised` divides each row by its sum (the
/// diagonal is then the recall).
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a class.
pub fn confusion_matrix(counts: &[Vec<u64>], classes: &[String], normalised: bool) -> Result<Scene, RenderError> {
    let n = counts.len();
    if n == 0 {
        return Err(nothing("the confusion matrix", "the evaluation has no class"));
    }
    let names: Vec<String> = (0..n).map(|c| class_name(classes, c)).collect();
    let count = |t: usize, p: usize| counts[t].get(p).copied().unwrap_or(0);
    let row_sum = |t: usize| (0..n).map(|p| count(t, p)).sum::<u64>();
    let (total, right) = ((0..n).map(row_sum).sum::<u64>(), (0..n).map(|c| count(c, c)).sum::<u64>());
    let largest = (0..n).flat_map(|t| (0..n).map(move |p| count(t, p))).max().unwrap_or(0).max(1);
    let cell = |t: usize, p: usize| {
        let value = count(t, p);
        if normalised {
            let sum = row_sum(t);
            if sum == 0 {
                return Cell { color: MISSING, text: String::new() };
            }
            let share = value as f64 / sum as f64;
            let text = if value == 0 { String::new() } else { format!("{share:.2}") };
            Cell { color: if value == 0 { [255; 3] } else { shade(share) }, text }
        } else {
            let color = if value == 0 { [255; 3] } else { shade(value as f64 / largest as f64) };
            Cell { color, text: if value == 0 { String::new() } else { value.to_string() } }
        }
    };
    let title = if normalised { "Confusion matrix, shares of the true class" } else { "Confusion matrix, clips" };
    let share = if total > 0 { right as f64 / total as f64 * 100.0 } else { 0.0 };
    let subtitle = format!("{} of {} clips right ({share:.1} %)", number(right as f64, 0), number(total as f64, 0));
    let look = Grid { title, subtitle: &subtitle, across: &names, under: "predicted class", beside: "true class" };
    let (mut scene, panel) = grid(&look, &names, cell);
    let top_label = if normalised { "1.0".into() } else { number(largest as f64, 0) };
    shade_bar(&mut scene, panel, &top_label, if normalised { "share" } else { "clips" });
    Ok(scene)
}

/// What stands around a matrix of classes.
struct Grid<'a> {
    title: &'a str,
    subtitle: &'a str,
    /// Names of the columns.
    across: &'a [String],
    under: &'a str,
    beside: &'a str,
}

/// A page with a matrix: rows of `names`, columns of `look.across`.
fn grid(look: &Grid<'_>, names: &[String], cell: impl Fn(usize, usize) -> Cell) -> (Scene, Panel) {
    let (rows, columns) = (names.len(), look.across.len());
    let longest = |names: &[String]| names.iter().map(|l| text_width(l, LABEL)).fold(40.0, f32::max).min(NAME_ROOM);
    let (beside, widest) = (longest(names), longest(look.across));
    let height = PAGE.1.max(150 + widest as u32 + rows as u32 * 15);
    let mut scene = page(height, look.title, look.subtitle);
    let left = 70.0 + beside;
    let bottom = height as f32 - 55.0 - widest;
    let side = ((1060.0 - left) / columns as f32).min((bottom - 90.0) / rows as f32 * 1.7);
    let panel = Panel { left, top: 90.0, right: left + side * columns as f32, bottom };
    field(&mut scene, panel, (rows, columns), cell);
    class_names_left(&mut scene, panel, names);
    let step = panel.width() / columns as f32;
    let size = (step * 0.8).clamp(8.0, LABEL);
    for (c, name) in look.across.iter().enumerate() {
        let x = panel.left + (c as f32 + 0.5) * step;
        if widest < step - 8.0 {
            scene.text((x, panel.bottom + 16.0), name, size, INK, Align::Centre);
        } else {
            scene.text_upwards((x, panel.bottom + 9.0), &fit_text(name, size, NAME_ROOM), size, INK, Align::Right);
        }
    }
    let middle = (panel.left + panel.right) / 2.0;
    let under = if widest < step - 8.0 { 42.0 } else { widest + 30.0 };
    scene.text((middle, panel.bottom + under), look.under, NAME, INK, Align::Centre);
    scene.text_upwards((24.0, (panel.top + panel.bottom) / 2.0), look.beside, NAME, INK, Align::Centre);
    (scene, panel)
}

/// Which classes were said of clips labelled with each class, in a multi-label task, as shares of these clips: rows are
/// labels, columns what was said at one half or more, the last of them where nothing was. `supports` are the labelled clips.
/// Several classes are said of one clip, so that a row does not add up to 1; the diagonal is the recall.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a class.
pub fn co_occurrence_matrix(
    together: &CoOccurrence<'_>,
    supports: &[u64],
    classes: &[String],
) -> Result<Scene, RenderError> {
    let n = together.counts.len();
    if n == 0 {
        return Err(nothing("the co-occurrence matrix", "the evaluation has no class"));
    }
    let names: Vec<String> = (0..n).map(|c| class_name(classes, c)).collect();
    let across: Vec<String> = names.iter().cloned().chain(["none predicted".to_owned()]).collect();
    let cell = |labelled: usize, said: usize| {
        let row = together.counts.get(labelled).map_or(&[][..], Vec::as_slice);
        let silent = together.said_nothing.get(labelled).copied();
        let count = row.get(said).copied().or(silent).unwrap_or(0);
        match supports.get(labelled).copied().unwrap_or(0) {
            0 => Cell { color: MISSING, text: String::new() },
            _ if count == 0 => Cell { color: [255; 3], text: String::new() },
            clips => {
                let share = count as f64 / clips as f64;
                Cell { color: shade(share), text: format!("{share:.2}") }
            }
        }
    };
    let subtitle = format!(
        "mAP {:.1} %; several classes of a clip may be predicted: rows do not add up to 1",
        together.map * 100.0
    );
    let look = Grid {
        title: "Co-occurrence: predicted for clips labelled with each class, shares",
        subtitle: &subtitle,
        across: &across,
        under: "predicted (probability of one half or more)",
        beside: "labelled",
    };
    let (mut scene, panel) = grid(&look, &names, cell);
    shade_bar(&mut scene, panel, "1.0", "share");
    Ok(scene)
}

/// What the confusion matrix of one network has more (blue) or less (orange) than that of another, in clips: rows are true
/// classes, columns predicted ones.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a class.
pub fn confusion_difference(title: &str, difference: &[Vec<i64>], classes: &[String]) -> Result<Scene, RenderError> {
    let n = difference.len();
    if n == 0 {
        return Err(nothing("the difference of two confusion matrices", "the evaluations have no class"));
    }
    let names: Vec<String> = (0..n).map(|c| class_name(classes, c)).collect();
    let largest = difference.iter().flatten().map(|v| v.unsigned_abs()).max().unwrap_or(0).max(1);
    let cell = |t: usize, p: usize| {
        let value = difference[t].get(p).copied().unwrap_or(0);
        let share = value.unsigned_abs() as f64 / largest as f64;
        let color = match value {
            0 => [255; 3],
            1.. => shade(share),
            _ => less(share),
        };
        Cell { color, text: if value == 0 { String::new() } else { format!("{value:+}") } }
    };
    let subtitle = "clips; blue: more in the first, orange: more in the second";
    let look = Grid { title, subtitle, across: &names, under: "predicted class", beside: "true class" };
    Ok(grid(&look, &names, cell).0)
}

/// White at 0 through orange to brown at 1.
fn less(share: f64) -> [u8; 3] {
    let share = (share as f32).clamp(0.0, 1.0);
    let (from, to, at) = if share < 0.5 {
        ([254, 247, 240], [240, 160, 80], share * 2.0)
    } else {
        ([240, 160, 80], [140, 62, 10], share * 2.0 - 1.0)
    };
    [0, 1, 2].map(|c| mix(from[c], to[c], at))
}

/// Validation accuracy, or average precision in a multi-label task, of each class (rows) over epochs (columns); grey where unknown.
///
/// # Errors
/// [`RenderError::NothingToPlot`] when no epoch knows any class's accuracy.
pub fn class_accuracy_map(history: &[EpochReport], classes: &[String]) -> Result<Scene, RenderError> {
    let value = |class: usize, epoch: usize| {
        let known = history.get(epoch).and_then(|e| e.class_scores().get(class).copied().flatten());
        known.filter(|a| a.is_finite())
    };
    let n = history.iter().map(|e| e.class_scores().len()).max().unwrap_or(0);
    if !(0..n).any(|c| (0..history.len()).any(|e| value(c, e).is_some())) {
        return Err(nothing("the accuracy per class", "the run has no validation part"));
    }
    let names: Vec<String> = (0..n).map(|c| class_name(classes, c)).collect();
    let widest = names.iter().map(|l| text_width(l, LABEL)).fold(40.0, f32::max).min(NAME_ROOM);
    let height = PAGE.1.max(160 + n as u32 * 15);
    let title = format!("{} per class over epochs", class_score_names(history).0);
    let mut scene = page(height, &title, "validation; grey: no clip of the class");
    let panel = Panel { left: 55.0 + widest, top: 90.0, right: 1060.0, bottom: height as f32 - 70.0 };
    let columns = history.len();
    field(&mut scene, panel, (n, columns), |class, epoch| {
        value(class, epoch).map_or(Cell { color: MISSING, text: String::new() }, |a| Cell {
            color: shade(f64::from(a)),
            text: format!("{:.0}", a * 100.0),
        })
    });
    class_names_left(&mut scene, panel, &names);
    let every = (columns as f32 * 40.0 / panel.width()).ceil().max(1.0) as usize;
    for (i, e) in history.iter().enumerate().filter(|(i, _)| i % every == 0) {
        let x = panel.left + (i as f32 + 0.5) * panel.width() / columns as f32;
        scene.text((x, panel.bottom + 16.0), &e.epoch.to_string(), LABEL, SOFT_INK, Align::Centre);
    }
    scene.text(((panel.left + panel.right) / 2.0, panel.bottom + 44.0), "epoch", NAME, INK, Align::Centre);
    shade_bar(&mut scene, panel, "100 %", "accuracy");
    Ok(scene)
}

/// Cells with their texts where those fit.
fn field(scene: &mut Scene, panel: Panel, (rows, columns): (usize, usize), cell: impl Fn(usize, usize) -> Cell) {
    let (w, h) = (panel.width() / columns as f32, panel.height() / rows as f32);
    let size = (w * 0.38).min(h * 0.5).min(LABEL + 3.0);
    let mut texts = Vec::new();
    let edge = |k: f32| k.round();
    for r in 0..rows {
        for c in 0..columns {
            let made = cell(r, c);
            let from = (edge(panel.left + c as f32 * w), edge(panel.top + r as f32 * h));
            let to = (edge(panel.left + (c + 1) as f32 * w), edge(panel.top + (r + 1) as f32 * h));
            scene.rect(from, to, made.color);
            if !made.text.is_empty() && size >= 7.0 && text_width(&made.text, size) <= w - 2.0 {
                texts.push(((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0, made));
            }
        }
    }
    for (x, y, made) in texts {
        scene.text((x, y), &made.text, size, text_on(made.color), Align::Centre);
    }
    if w >= 5.0 && h >= 5.0 {
        let line = |scene: &mut Scene, a, b| scene.line_faint(vec![a, b], [200, 203, 210], 0.5, 0.8);
        for r in 0..=rows {
            let y = edge(panel.top + r as f32 * h);
            line(scene, (panel.left, y), (panel.right, y));
        }
        for c in 0..=columns {
            let x = edge(panel.left + c as f32 * w);
            line(scene, (x, panel.top), (x, panel.bottom));
        }
    }
}

/// Names of the rows, each with a patch of its colour.
fn class_names_left(scene: &mut Scene, panel: Panel, names: &[String]) {
    let step = panel.height() / names.len().max(1) as f32;
    let size = (step * 0.8).clamp(8.0, LABEL);
    for (c, name) in names.iter().enumerate() {
        let y = panel.top + (c as f32 + 0.5) * step;
        let half = (step * 0.4).min(7.0);
        scene.rect((panel.left - 12.0, y - half), (panel.left - 6.0, y + half), class_color(c));
        scene.text((panel.left - 18.0, y), &fit_text(name, size, NAME_ROOM), size, INK, Align::Right);
    }
}

/// What the shades mean.
fn shade_bar(scene: &mut Scene, panel: Panel, top: &str, name: &str) {
    let left = panel.right + 30.0;
    let (high, low) = (panel.top + 24.0, panel.top + 244.0_f32.min(panel.height()));
    let steps = 64;
    for i in 0..steps {
        let y = |k: usize| low - (low - high) * k as f32 / steps as f32;
        scene.rect((left, y(i + 1)), (left + 16.0, y(i)), shade((i as f64 + 0.5) / f64::from(steps as u32)));
    }
    scene.text((left, panel.top + 8.0), name, LABEL, INK, Align::Left);
    scene.text((left + 22.0, high + 5.0), top, LABEL, SOFT_INK, Align::Left);
    scene.text((left + 22.0, low - 5.0), "0", LABEL, SOFT_INK, Align::Left);
}

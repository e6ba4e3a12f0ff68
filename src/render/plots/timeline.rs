//! Labels of whole videos, one bar each.

use super::axes::{LABEL, NAME, PAGE, Panel, Scale, legend, page};
use super::curves::nothing;
use super::scene::{Align, GRID, INK, SOFT_INK, Scene};
use super::{LabelBar, class_name};
use crate::domain::counted;
use crate::render::RenderError;
use crate::render::font::{fit_text, text_width};
use crate::render::palette::{BACKGROUND, UNLABELLED, class_color};
use std::collections::BTreeSet;

/// Most bars on a page; of more videos the first are shown, and the page says so.
const MOST: usize = 80;

/// The label track of each video along its time, in class colours.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without a video.
pub fn label_overview(classes: &[String], bars: &[LabelBar]) -> Result<Scene, RenderError> {
    let shown: Vec<&LabelBar> = bars.iter().filter(|b| b.seconds.is_finite() && b.seconds > 0.0).take(MOST).collect();
    if shown.is_empty() {
        return Err(nothing("the label overview", "no video could be opened"));
    }
    let subtitle = if shown.len() < bars.len() {
        format!("{} of {}", shown.len(), counted(bars.len() as u64, "video"))
    } else {
        counted(shown.len() as u64, "video")
    };
    let widest = shown.iter().map(|b| text_width(&b.name, LABEL)).fold(30.0, f32::max).min(180.0);
    let height = PAGE.1.max(170 + shown.len() as u32 * 14);
    let mut scene = page(height, "Labels over time", &subtitle);
    let panel = Panel { left: 45.0 + widest, top: 90.0, right: 950.0, bottom: height as f32 - 70.0 };
    let scale = Scale::exact(0.0, shown.iter().map(|b| b.seconds).fold(0.0, f64::max));
    let x = |seconds: f64| scale.share(seconds).map(|s| panel.x(s));
    for (value, label) in scale.ticks(8, false) {
        let Some(at) = x(value) else { continue };
        scene.line(vec![(at, panel.top), (at, panel.bottom)], GRID, 1.0);
        scene.text((at, panel.bottom + 16.0), &label, LABEL, SOFT_INK, Align::Centre);
    }
    let row = (panel.height() / shown.len() as f32).min(60.0);
    let size = (row * 0.75).clamp(8.0, LABEL);
    let mut present = BTreeSet::new();
    for (i, bar) in shown.iter().enumerate() {
        let (top, bottom) = (panel.top + (i as f32 + 0.12) * row, panel.top + (i as f32 + 0.88) * row);
        let name = fit_text(&bar.name, size, 180.0);
        scene.text((panel.left - 10.0, (top + bottom) / 2.0), &name, size, INK, Align::Right);
        if let Some(end) = x(bar.seconds) {
            scene.rect((panel.left, top), (end, bottom), UNLABELLED);
        }
        for (from, to, class) in &bar.parts {
            let (Some(a), Some(b)) = (x(*from), x(to.min(bar.seconds))) else { continue };
            present.insert(*class);
            scene.rect((a, top), (b.max(a + 0.5), bottom), class.map_or(BACKGROUND, class_color));
        }
    }
    scene.text(((panel.left + panel.right) / 2.0, panel.bottom + 44.0), "seconds", NAME, INK, Align::Centre);
    let named = |class: &Option<usize>| match class {
        Some(class) => (class_name(classes, *class), class_color(*class)),
        None => ("background".to_owned(), BACKGROUND),
    };
    // First what every dataset has; a long list of classes may be cut short.
    let mut entries = vec![("unlabelled".to_owned(), UNLABELLED)];
    entries.extend(present.iter().map(named));
    legend(&mut scene, 980.0, 90.0, height as f32 - 20.0, &entries);
    Ok(scene)
}

//! The page of a plot: title, axes with round numbers, grid, legend.

use super::scene::{Align, GRID, INK, SOFT_INK, Scene};
use crate::render::font::{fit_text, text_width};

/// Usual size of a plot.
pub(super) const PAGE: (u32, u32) = (1200, 750);
/// Size of the title.
const TITLE: f32 = 26.0;
/// Size of axis names.
pub(super) const NAME: f32 = 18.0;
/// Size of numbers and labels.
pub(super) const LABEL: f32 = 15.0;

/// A linear or logarithmic axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    /// From exactly `low` to exactly `high`; an empty range is widened.
    pub fn exact(low: f64, high: f64) -> Self {
        if high > low { Self { low, high, log: false } } else { Self { low: low - 0.5, high: low + 0.5, log: false } }
    }

    /// Around the finite values among `values`, with some air, and down to 0 when `from_zero`.
    pub fn around(values: impl IntoIterator<Item = f64>, from_zero: bool) -> Self {
        let finite: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        let high = finite.iter().copied().fold(f64::MIN, f64::max);
        let low = finite.iter().copied().fold(f64::MAX, f64::min);
        if finite.is_empty() {
            return Self::exact(0.0, 1.0);
        }
        let low = if from_zero { low.min(0.0) } else { low };
        let air = if high > low { (high - low) * 0.06 } else { (high.abs() * 0.5).max(0.5) };
        Self::exact(if low == 0.0 { 0.0 } else { low - air }, high + air)
    }

    /// Logarithmic over the positive values when they span more than one decade, linear from 0 else.
    pub fn log_if_wide(values: &[f64]) -> Self {
        let positive = || values.iter().copied().filter(|v| v.is_finite() && *v > 0.0);
        let (low, high) = (positive().fold(f64::MAX, f64::min), positive().fold(0.0, f64::max));
        if high > 0.0 && high / low > 10.0 {
            Self { low: (low.log10() + 1e-6).floor().max(-30.0), high: (high.log10() - 1e-6).ceil(), log: true }
        } else {
            Self::around(values.iter().copied(), true)
        }
    }

    /// True when steps are factors.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// 0 at the low end, 1 at the high end; `None` when the value cannot be shown.
    pub fn share(&self, value: f64) -> Option<f32> {
        let value = if self.log { (value > 0.0).then(|| value.log10())? } else { value };
        let share = (value - self.low) / (self.high - self.low);
        share.is_finite().then_some(share.clamp(0.0, 1.0) as f32)
    }

    /// Round values to mark, with their labels; whole numbers only where `whole`.
    pub fn ticks(&self, about: usize, whole: bool) -> Vec<(f64, String)> {
        if self.log {
            let (low, high) = (self.low.ceil() as i32, self.high.floor() as i32);
            let step = ((high - low) as usize / about.max(1) + 1).max(1);
            return (low..=high).step_by(step).map(|e| (10f64.powi(e), format!("1e{e}"))).collect();
        }
        let raw = (self.high - self.low) / about.max(1) as f64;
        let magnitude = 10f64.powf(raw.log10().floor());
        let mut step = [1.0, 2.0, 5.0, 10.0].map(|m| m * magnitude).into_iter().find(|s| *s >= raw).unwrap_or(raw);
        if whole {
            step = step.max(1.0).round();
        }
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        let digits = if step >= 1.0 { 0 } else { (-step.log10().floor()).clamp(0.0, 12.0) as usize };
        (first..=last.min(first.saturating_add(1000)))
            .map(|k| {
                let value = k as f64 * step;
                (value, if step.abs() < 1e-5 && value != 0.0 { format!("{value:.1e}") } else { number(value, digits) })
            })
            .collect()
    }
}

/// A number with thousands separated by a thin gap.
pub(super) fn number(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut out = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) && whole.len() > 4 {
            out.push(' ');
        }
        out.push(c);
    }
    let sign = if value < 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0') { "−" } else { "" };
    fraction.map_or_else(|| format!("{sign}{out}"), |f| format!("{sign}{out}.{f}"))
}

/// The rectangle in which data is drawn, in points of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Panel {
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub fn x(&self, share: f32) -> f32 {
        self.left + share * self.width()
    }

    pub fn y(&self, share: f32) -> f32 {
        self.bottom - share * self.height()
    }
}

/// A page with its title, and what it says below the title.
pub(super) fn page(height: u32, title: &str, subtitle: &str) -> Scene {
    let mut scene = Scene::new(PAGE.0, height);
    let room = PAGE.0 as f32 - 60.0;
    scene.text((30.0, 34.0), &fit_text(title, TITLE, room), TITLE, INK, Align::Left);
    if !subtitle.is_empty() {
        scene.text((30.0, 63.0), &fit_text(subtitle, LABEL, room), LABEL, SOFT_INK, Align::Left);
    }
    scene
}

/// Grid, numbers and names of both axes: scale, name, whole numbers only.
pub(super) fn axes(scene: &mut Scene, panel: Panel, x: (Scale, &str, bool), y: (Scale, &str, bool)) {
    let across = ((panel.width() / 95.0) as usize).clamp(2, 12);
    let up = ((panel.height() / 60.0) as usize).clamp(2, 10);
    for (value, label) in y.0.ticks(up, y.2) {
        let Some(at) = y.0.share(value).map(|s| panel.y(s)) else { continue };
        scene.line(vec![(panel.left, at), (panel.right, at)], GRID, 1.0);
        scene.text((panel.left - 9.0, at), &label, LABEL, SOFT_INK, Align::Right);
    }
    for (value, label) in x.0.ticks(across, x.2) {
        let Some(at) = x.0.share(value).map(|s| panel.x(s)) else { continue };
        scene.line(vec![(at, panel.bottom), (at, panel.bottom + 5.0)], SOFT_INK, 1.0);
        scene.text((at, panel.bottom + 17.0), &label, LABEL, SOFT_INK, Align::Centre);
    }
    frame(scene, panel);
    names(scene, panel, x.1, y.1);
}

/// The left and lower edge of a panel.
pub(super) fn frame(scene: &mut Scene, panel: Panel) {
    let corner = [(panel.left, panel.top), (panel.left, panel.bottom), (panel.right, panel.bottom)];
    scene.line(corner.to_vec(), SOFT_INK, 1.0);
}

/// Names of the axes, outside their numbers.
pub(super) fn names(scene: &mut Scene, panel: Panel, x: &str, y: &str) {
    let middle = (panel.left + panel.right) / 2.0;
    scene.text((middle, panel.bottom + 44.0), x, NAME, INK, Align::Centre);
    let side = (panel.left - 72.0).max(18.0);
    scene.text_upwards((side, (panel.top + panel.bottom) / 2.0), y, NAME, INK, Align::Centre);
}

/// Names with a patch of their colour, in columns to the right of `left`; returns nothing that does not fit, but says
/// how many are missing.
pub(super) fn legend(scene: &mut Scene, left: f32, top: f32, bottom: f32, entries: &[(String, [u8; 3])]) {
    let right = scene.width as f32 - 16.0;
    let row = ((bottom - top) / entries.len().max(1) as f32).clamp(15.0, 24.0);
    let size = (row * 0.7).clamp(11.0, LABEL);
    let fit = ((bottom - top) / row).floor().max(1.0) as usize;
    let shown = if entries.len() <= fit { entries.len() } else { fit - 1 };
    for (i, (name, color)) in entries.iter().take(shown).enumerate() {
        let y = top + (i as f32 + 0.5) * row;
        scene.rect((left, y - 5.0), (left + 18.0, y + 5.0), *color);
        scene.text((left + 25.0, y), &fit_text(name, size, right - left - 25.0), size, INK, Align::Left);
    }
    if shown < entries.len() {
        let y = top + (shown as f32 + 0.5) * row;
        let rest = format!("and {} more", entries.len() - shown);
        scene.text((left + 25.0, y), &rest, size, SOFT_INK, Align::Left);
    }
}

/// The same in one line above the panel, for few entries.
pub(super) fn legend_line(scene: &mut Scene, left: f32, y: f32, entries: &[(String, [u8; 3])]) {
    let mut x = left;
    for (name, color) in entries {
        scene.rect((x, y - 5.0), (x + 20.0, y + 5.0), *color);
        scene.text((x + 27.0, y), name, LABEL, INK, Align::Left);
        x += 27.0 + text_width(name, LABEL) + 26.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let labels = |s: Scale, n| s.ticks(n, false).into_iter().map(|t| t.1).collect::<Vec<_>>();
        assert_eq!(labels(Scale::exact(0.0, 1.0), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Scale::exact(-3.0, 64000.0), 4), ["0", "20 000", "40 000", "60 000"]);
        assert_eq!(labels(Scale::log_if_wide(&[1e-3, 1e-5]), 8), ["1e-5", "1e-4", "1e-3"]);
        assert_eq!(Scale::exact(1.0, 2.0).ticks(9, true).into_iter().map(|t| t.1).collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn ranges_hold_whatever_comes() {
        for values in [vec![], vec![f64::NAN], vec![3.0], vec![0.0, 0.0], vec![-1.0, 1.0], vec![f64::INFINITY, 2.0]] {
            let scale = Scale::around(values.clone(), false);
            assert!(scale.low < scale.high, "{values:?}");
            assert!(!scale.ticks(6, false).is_empty());
            assert!(Scale::log_if_wide(&values).ticks(6, false).len() < 1000);
        }
        assert_eq!(Scale::exact(0.0, 2.0).share(f64::NAN), None);
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(number(28413.0, 0), "28 413");
        assert_eq!(number(-0.001, 2), "0.00");
        assert_eq!(number(-1.25, 2), "−1.25");
    }
}

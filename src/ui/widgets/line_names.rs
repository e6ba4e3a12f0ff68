//! Names of curves where they end: who reads a curve need not look it up in a legend.

use crate::ui::theme;
use crate::ui::widgets::text;
use egui::{Color32, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Height of a name.
pub const ROW: f32 = 15.0;
/// Longest name in letters.
const LETTERS: usize = 18;

/// A curve's name and where the curve ends.
#[derive(Clone, Debug)]
pub struct LineName<'a> {
    /// The name.
    pub name: &'a str,
    /// Colour of the curve.
    pub color: Color32,
    /// Height on screen at which the curve ends; `None` for one that is hidden or has no value.
    pub end: Option<f32>,
    /// The curve is drawn.
    pub on: bool,
}

/// Width that the longest of these names takes beside a plot.
pub fn width<'a>(ui: &Ui, names: impl Iterator<Item = &'a str>) -> f32 {
    let font = theme::caption().resolve(ui.style());
    let one =
        |name: &str| ui.painter().layout_no_wrap(text::elide(name, LETTERS), font.clone(), Color32::WHITE).size().x;
    names.map(one).fold(0.0, f32::max) + 14.0
}

/// Heights of rows of [`ROW`] points that are wanted at `wanted`, moved as little as keeps them apart and within
/// `low..high`. `wanted` is in order.
pub fn apart(wanted: &[f32], (low, high): (f32, f32)) -> Vec<f32> {
    let mut at = Vec::with_capacity(wanted.len());
    let mut next = low;
    for y in wanted {
        let y = y.max(next);
        at.push(y);
        next = y + ROW;
    }
    let mut most = high - ROW;
    for y in at.iter_mut().rev() {
        *y = y.min(most);
        most = *y - ROW;
    }
    at
}

/// Draws the names into `column` right of a plot. Gives the one that was clicked.
pub fn show<'a>(ui: &Ui, column: Rect, chart: &str, names: &[LineName<'a>]) -> Option<&'a str> {
    let p = theme::palette(ui);
    let font = theme::caption().resolve(ui.style());
    let mut order: Vec<&LineName<'a>> = names.iter().collect();
    // Hidden ones below the others.
    let place = |n: &LineName<'_>| n.end.map_or(column.bottom(), |y| y - ROW / 2.0);
    order.sort_by(|a, b| place(a).total_cmp(&place(b)));
    let wanted: Vec<f32> = order.iter().map(|n| place(n)).collect();
    let mut clicked = None;
    for (n, y) in order.into_iter().zip(apart(&wanted, (column.top(), column.bottom()))) {
        let ground = p.panel;
        let color = if n.on { theme::ink(n.color, ground) } else { p.muted };
        let galley = ui.painter().layout_no_wrap(text::elide(n.name, LETTERS), font.clone(), color);
        let rect = Rect::from_min_size(pos2(column.left(), y), vec2(galley.size().x + 12.0, ROW));
        let response = ui.interact(rect, ui.scope_id().with(("curve", chart, n.name)), Sense::click());
        let label = format!("{} in {chart}", n.name);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, n.on, &label));
        if let Some(end) = n.end {
            let middle = rect.center().y;
            let line = [pos2(column.left() + 1.0, end), pos2(column.left() + 8.0, middle)];
            ui.painter().line_segment(line, Stroke::new(1.0, n.color.gamma_multiply(0.7)));
        }
        let at = pos2(rect.left() + 10.0, rect.center().y - galley.size().y / 2.0);
        let right = at.x + galley.size().x;
        ui.painter().galley(at, galley, color);
        if !n.on || response.hovered() {
            let y = if n.on { rect.bottom() - 1.0 } else { rect.center().y };
            ui.painter().hline(at.x..=right, y, Stroke::new(1.0, color));
        }
        if response.on_hover_text(if n.on { "Click to hide this curve" } else { "Click to show this curve" }).clicked()
        {
            clicked = Some(n.name);
        }
    }
    clicked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_at_the_ends_of_their_curves_and_give_way_where_they_meet() {
        assert_eq!(apart(&[10.0, 60.0], (0.0, 100.0)), [10.0, 60.0]);
        assert_eq!(apart(&[50.0, 52.0, 54.0], (0.0, 200.0)), [50.0, 65.0, 80.0]);
        // At the border they are pushed back.
        assert_eq!(apart(&[90.0, 95.0], (0.0, 100.0)), [70.0, 85.0]);
        assert_eq!(apart(&[-20.0], (0.0, 100.0)), [0.0]);
        assert!(apart(&[], (0.0, 1.0)).is_empty());
    }
}

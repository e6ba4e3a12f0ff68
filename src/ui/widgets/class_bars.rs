//! Precision, recall, F1 and support of every class as sortable bars; in a multi-label task average precision too.

use super::matrix::MatrixPick;
use crate::run_folder::ClassMetrics;
use crate::ui::theme;
use egui::{Align2, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

/// What rows are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BarSort {
    /// As the network's outputs.
    Index,
    /// Right among predicted.
    Precision,
    /// Right among true.
    Recall,
    /// Harmonic mean of both, the weakest class first.
    #[default]
    F1,
    /// Clips.
    Support,
    /// Average precision, in a multi-label task; elsewhere as [`BarSort::F1`].
    AveragePrecision,
}

/// What the bars are of.
#[derive(Clone, Copy, Debug)]
pub struct ClassBars<'a> {
    /// One a class, in output order.
    pub metrics: &'a [ClassMetrics],
    /// Average precision of each class, in a multi-label task; `None` where no clip shows the class.
    pub average_precision: Option<&'a [Option<f64>]>,
}

/// What the widget remembers.
#[derive(Clone, Debug, Default)]
pub struct BarState {
    /// Order.
    pub sort: BarSort,
    /// Largest first.
    pub descending: bool,
}

/// Classes in the order asked for; equal values keep the order of the outputs.
pub fn order(bars: ClassBars<'_>, state: &BarState) -> Vec<usize> {
    let ClassBars { metrics, average_precision } = bars;
    let mut order: Vec<usize> = (0..metrics.len()).collect();
    let value = |c: &usize| {
        metrics.get(*c).map_or(0.0, |m| match state.sort {
            BarSort::AveragePrecision => {
                average_precision.map_or(m.f1, |ap| ap.get(*c).copied().flatten().unwrap_or(f64::INFINITY))
            }
            BarSort::Index => *c as f64,
            BarSort::Precision => m.precision,
            BarSort::Recall => m.recall,
            BarSort::F1 => m.f1,
            BarSort::Support => m.support as f64,
        })
    };
    order.sort_by(|a, b| value(a).total_cmp(&value(b)));
    if state.descending {
        order.reverse();
    }
    order
}

const ROW: f32 = 22.0;

/// Where the columns of a row stand.
struct Columns {
    name: f32,
    bar: f32,
    support: f32,
}

impl Columns {
    fn new(width: f32, bars: usize) -> Self {
        let support = 52.0;
        let name = (width * 0.34).clamp(70.0, 170.0);
        Self { name, bar: ((width - name - support) / bars as f32).max(40.0), support }
    }

    fn rect(&self, row: Rect, column: usize) -> Rect {
        let left = row.left() + self.name + self.bar * column as f32;
        Rect::from_min_size(pos2(left, row.top()), vec2(self.bar, row.height()))
    }
}

/// Draws the table; returns the clips to show when something was clicked: a class by its name, recall or F1, what was
/// called a class by its precision.
pub fn show(
    ui: &mut Ui,
    bars: ClassBars<'_>,
    selected: Option<MatrixPick>,
    state: &mut BarState,
) -> Option<MatrixPick> {
    let metrics = bars.metrics;
    if metrics.is_empty() {
        ui.weak("There is no class to show.");
        return None;
    }
    header(ui, state, bars.average_precision.is_some());
    let order = order(bars, state);
    let mut picked = None;
    let gap = std::mem::replace(&mut ui.spacing_mut().item_spacing.y, 0.0);
    egui::ScrollArea::vertical().id_salt("class bars").auto_shrink([false, false]).show_rows(
        ui,
        ROW,
        order.len(),
        |ui, range| {
            for class in order.get(range).unwrap_or_default() {
                if let Some(m) = metrics.get(*class) {
                    let ap = bars.average_precision.map(|ap| ap.get(*class).copied().flatten());
                    picked = row(ui, *class, m, ap, selected).or(picked);
                }
            }
        },
    );
    ui.spacing_mut().item_spacing.y = gap;
    picked
}

fn header(ui: &mut Ui, state: &mut BarState, with_ap: bool) {
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let columns = Columns::new(row.width(), 3 + usize::from(with_ap));
    let support = Rect::from_min_max(pos2(row.right() - columns.support, row.top()), row.max);
    let class = Rect::from_min_size(row.min, vec2(columns.name, row.height()));
    let ap = with_ap.then(|| {
        (
            BarSort::AveragePrecision,
            "AP",
            columns.rect(row, 0),
            "Average precision: clips in the order of its probability",
        )
    });
    let first = usize::from(with_ap);
    let heads = [
        (BarSort::Index, "Class", class, "Order of the network's outputs"),
        (BarSort::Precision, "Precision", columns.rect(row, first), "Correct among the clips predicted as the class"),
        (BarSort::Recall, "Recall", columns.rect(row, first + 1), "Right among the clips that show it"),
        (BarSort::F1, "F1", columns.rect(row, first + 2), "Harmonic mean of precision and recall"),
        (BarSort::Support, "Clips", support, "Clips that show it"),
    ];
    for (sort, text, rect, help) in heads.into_iter().chain(ap) {
        let on = state.sort == sort;
        let response = ui.interact(rect, ui.scope_id().with(("sort", text)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, format!("sort by {text}")));
        let color =
            if on || response.hovered() { ui.visuals().strong_text_color() } else { ui.visuals().weak_text_color() };
        let font = egui::TextStyle::Small.resolve(ui.style());
        let text_rect = ui.painter().text(rect.left_center() + vec2(3.0, 0.0), Align2::LEFT_CENTER, text, font, color);
        if on {
            triangle(ui, text_rect.right_center() + vec2(8.0, 0.0), state.descending, color);
        }
        if response.on_hover_text(help).clicked() {
            if on {
                state.descending = !state.descending;
            } else {
                *state = BarState { sort, descending: sort == BarSort::Support };
            }
        }
    }
}

fn triangle(ui: &Ui, center: egui::Pos2, down: bool, color: egui::Color32) {
    let d = if down { 1.0 } else { -1.0 };
    let points = vec![center + vec2(-3.5, -2.0 * d), center + vec2(3.5, -2.0 * d), center + vec2(0.0, 3.0 * d)];
    ui.painter().add(egui::Shape::convex_polygon(points, color, egui::Stroke::NONE));
}

/// A class. `ap` is its average precision, in a multi-label task.
fn row(
    ui: &mut Ui,
    class: usize,
    m: &ClassMetrics,
    ap: Option<Option<f64>>,
    selected: Option<MatrixPick>,
) -> Option<MatrixPick> {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let columns = Columns::new(rect.width(), 3 + usize::from(ap.is_some()));
    let (this_row, this_column) = (MatrixPick::Row(class), MatrixPick::Column(class));
    if selected == Some(this_row) || selected == Some(this_column) {
        ui.painter().rect_filled(rect, 3.0, ui.visuals().selection.bg_fill.gamma_multiply(0.35));
    }
    let mut picked = None;
    let mut click = |ui: &Ui, rect: Rect, key: &str, label: String, help: &str, pick: MatrixPick| {
        let response = ui.interact(rect, ui.scope_id().with((key, class)), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
        let lit = response.hovered() || response.has_focus();
        if response.on_hover_text(format!("{label}. {help}")).clicked() {
            picked = Some(pick);
        }
        lit
    };
    let name_rect = Rect::from_min_size(rect.min, vec2(columns.name, rect.height()));
    let lit =
        click(ui, name_rect, "name", format!("{}: {} clips", m.class, m.support), "Click for its clips", this_row);
    let ink = if lit { ui.visuals().strong_text_color() } else { ui.visuals().text_color() };
    let font = FontId::proportional(theme::BODY);
    ui.painter().circle_filled(rect.left_center() + vec2(7.0, 0.0), 4.0, theme::class_color(class));
    let mut job = egui::text::LayoutJob::simple_singleline(m.class.clone(), font.clone(), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(columns.name - 22.0);
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(pos2(rect.left() + 16.0, rect.center().y - galley.size().y / 2.0), galley, ink);
    let cells = [
        ("precision", m.precision, this_column, "Click for the clips predicted as the class"),
        ("recall", m.recall, this_row, "Click for its clips"),
        ("F1", m.f1, this_row, "Click for its clips"),
    ];
    let ap = ap.map(|ap| ("average precision", ap.unwrap_or(0.0), this_row, "Click for its clips"));
    for (i, (what, value, pick, help)) in ap.into_iter().chain(cells).enumerate() {
        let cell = columns.rect(rect, i);
        let lit = click(ui, cell, what, format!("{what} of {}: {value:.2}", m.class), help, pick);
        bar(ui, cell.shrink2(vec2(3.0, 4.0)), value, class, m.support, lit);
    }
    let at = pos2(rect.right() - 6.0, rect.center().y);
    ui.painter().text(at, Align2::RIGHT_CENTER, m.support.to_string(), font, ui.visuals().weak_text_color());
    picked
}

fn bar(ui: &Ui, rect: Rect, value: f64, class: usize, support: u64, lit: bool) {
    let painter = ui.painter();
    painter.rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
    let share = if value.is_finite() { value.clamp(0.0, 1.0) as f32 } else { 0.0 };
    let color = theme::class_color(class).gamma_multiply(if lit { 0.95 } else { 0.7 });
    painter.rect_filled(rect.with_max_x(rect.left() + rect.width() * share), 2.0, color);
    let text = if support == 0 && value == 0.0 { "–".to_owned() } else { format!("{value:.2}") };
    let font = FontId::proportional(theme::SMALL);
    // The number stands beside the bar's end where there is room, inside it otherwise: it never covers the end itself.
    let end = rect.left() + rect.width() * share;
    let inside = rect.width() * (1.0 - share) < 30.0;
    let (at, align, ink) = if inside {
        (
            pos2(end - 4.0, rect.center().y),
            Align2::RIGHT_CENTER,
            theme::text_on(ui.visuals().extreme_bg_color.blend(color)),
        )
    } else {
        (pos2(end + 4.0, rect.center().y), Align2::LEFT_CENTER, ui.visuals().text_color())
    };
    painter.text(at, align, text, font, ink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weakest_class_comes_first_and_a_second_click_turns_the_order() {
        let m = |f1, support| ClassMetrics { f1, support, ..ClassMetrics::default() };
        let metrics = [m(0.9, 5), m(0.2, 50), m(0.5, 1)];
        let bars = ClassBars { metrics: &metrics, average_precision: None };
        let by = |sort, descending| order(bars, &BarState { sort, descending });
        assert_eq!(by(BarSort::F1, false), [1, 2, 0]);
        assert_eq!(by(BarSort::F1, true), [0, 2, 1]);
        assert_eq!(by(BarSort::Support, true), [1, 0, 2]);
        assert_eq!(by(BarSort::Index, false), [0, 1, 2]);
        assert_eq!(by(BarSort::AveragePrecision, false), by(BarSort::F1, false));
        let ap = ClassBars { average_precision: Some(&[Some(0.4), None, Some(0.3)]), ..bars };
        let state = BarState { sort: BarSort::AveragePrecision, descending: false };
        assert_eq!(order(ap, &state), [2, 0, 1], "a class that no clip shows comes last");
    }
}

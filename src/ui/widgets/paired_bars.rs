//! Classes in two runs: recall (average precision where clips show several classes) of one above that of the other, with what was gained and lost.

use crate::compare::ClassDifference;
use crate::ui::selection::MatrixSelection;
use crate::ui::theme;
use egui::{Align2, Color32, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// What rows are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PairSort {
    /// What the second run lost most first.
    #[default]
    Difference,
    /// As the network's outputs.
    Index,
    /// The most clips first.
    Support,
    /// The least likely to be luck first.
    Luck,
}

impl PairSort {
    /// Every order.
    pub const ALL: [PairSort; 4] = [Self::Difference, Self::Index, Self::Support, Self::Luck];

    /// Name in the picker.
    pub fn name(self) -> &'static str {
        match self {
            Self::Difference => "what B lost most first",
            Self::Index => "as the outputs",
            Self::Support => "most clips first",
            Self::Luck => "least likely luck first",
        }
    }
}

/// Positions of the classes that have clips, in an order; equal ones as the outputs.
pub fn order(classes: &[ClassDifference], sort: PairSort) -> Vec<usize> {
    let mut order: Vec<usize> = (0..classes.len()).filter(|c| classes[*c].support > 0).collect();
    let value = |c: &usize| {
        classes.get(*c).map_or(0.0, |class| match sort {
            PairSort::Difference => class.change(),
            PairSort::Index => 0.0,
            PairSort::Support => -(class.support as f64),
            PairSort::Luck => class.p,
        })
    };
    order.sort_by(|a, b| value(a).total_cmp(&value(b)));
    order
}

const ROW: f32 = 34.0;
/// Room for the numbers at the right.
const NUMBERS: f32 = 190.0;

/// Draws the classes; gives the one that was clicked. `runs` are the positions of the two runs, for their colours.
pub fn show(
    ui: &mut Ui,
    classes: &[ClassDifference],
    order: &[usize],
    runs: [usize; 2],
    names: [&str; 2],
    selected: Option<MatrixSelection>,
) -> Option<usize> {
    let mut picked = None;
    let gap = std::mem::replace(&mut ui.spacing_mut().item_spacing.y, 0.0);
    egui::ScrollArea::vertical().id_salt("paired bars").auto_shrink([false, false]).show_rows(
        ui,
        ROW,
        order.len(),
        |ui, range| {
            for class in order.get(range).unwrap_or_default() {
                let Some(of) = classes.get(*class) else { continue };
                if row(ui, *class, of, runs, names, selected == Some(MatrixSelection::Row(*class))) {
                    picked = Some(*class);
                }
            }
        },
    );
    ui.spacing_mut().item_spacing.y = gap;
    picked
}

fn row(ui: &mut Ui, class: usize, of: &ClassDifference, runs: [usize; 2], names: [&str; 2], selected: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let percent = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{:.1} %", 100.0 * v));
    let [a, b] = of.values();
    let sentence = format!(
        "{}: {} {} by {}, {} by {}; {} clips, {} fixed, {} broken, p {:.3}, Holm {:.3}",
        of.class,
        of.measure(),
        percent(a),
        names[0],
        percent(b),
        names[1],
        of.support,
        of.fixed,
        of.broken,
        of.p,
        of.p_holm
    );
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &sentence));
    let p = theme::palette(ui);
    if selected || response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 3.0, if selected { p.accent_soft } else { p.card });
    }
    let name = (rect.width() * 0.24).clamp(70.0, 200.0);
    let mut job = egui::text::LayoutJob::simple_singleline(of.class.clone(), FontId::proportional(theme::BODY), p.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(name - 22.0);
    let galley = ui.painter().layout_job(job);
    ui.painter().circle_filled(rect.left_center() + vec2(7.0, 0.0), 4.0, theme::class_color(class));
    ui.painter().galley(pos2(rect.left() + 16.0, rect.center().y - galley.size().y / 2.0), galley, p.text);
    let bars = Rect::from_min_max(
        pos2(rect.left() + name, rect.top() + 3.0),
        pos2((rect.right() - NUMBERS).max(rect.left() + name + 40.0), rect.bottom() - 3.0),
    );
    let (upper, lower) = bars.split_top_bottom_at_fraction(0.5);
    for (area, run, value) in [(upper, runs[0], a), (lower, runs[1], b)] {
        bar(ui, area.shrink2(vec2(3.0, 1.0)), theme::class_color(run), value.unwrap_or(0.0));
    }
    let change = 100.0 * of.change();
    let ink = match (of.p_holm < 0.05, change > 0.0) {
        (false, _) => p.muted,
        (true, true) => p.good,
        (true, false) => p.bad,
    };
    let font = FontId::proportional(theme::SMALL);
    let right = rect.right() - 6.0;
    let upper = format!("{change:+.1} points   {} clips", of.support);
    let lower = format!("{} fixed, {} broken, Holm p {:.3}", of.fixed, of.broken, of.p_holm);
    ui.painter().text(pos2(right, rect.center().y - 7.5), Align2::RIGHT_CENTER, upper, font.clone(), ink);
    ui.painter().text(pos2(right, rect.center().y + 7.5), Align2::RIGHT_CENTER, lower, font, p.muted);
    response.on_hover_text(format!("{sentence}. Click for its clips")).clicked()
}

fn bar(ui: &Ui, rect: Rect, color: Color32, share: f64) {
    let p = theme::palette(ui);
    let painter = ui.painter();
    painter.rect_filled(rect, 2.0, p.well);
    let share = if share.is_finite() { share.clamp(0.0, 1.0) as f32 } else { 0.0 };
    painter.rect_filled(rect.with_max_x(rect.left() + rect.width() * share), 2.0, color.gamma_multiply(0.85));
    let text = format!("{:.0} %", 100.0 * share);
    let end = rect.left() + rect.width() * share;
    let font = FontId::proportional(theme::SMALL);
    if rect.width() * (1.0 - share) < 34.0 {
        let ink = theme::text_on(p.well.blend(color.gamma_multiply(0.85)));
        painter.text(pos2(end - 4.0, rect.center().y), Align2::RIGHT_CENTER, text, font, ink);
    } else {
        painter.text(pos2(end + 4.0, rect.center().y), Align2::LEFT_CENTER, text, font, p.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_come_in_the_order_asked_for_and_those_without_clips_not_at_all() {
        let class = |a: f64, b: f64, support: u64, p: f64| ClassDifference {
            class: String::new(),
            support,
            recall_a: Some(a),
            recall_b: Some(b),
            p,
            p_holm: p,
            ..ClassDifference::default()
        };
        let classes =
            [class(0.5, 0.9, 4, 0.5), class(0.0, 0.0, 0, 1.0), class(0.9, 0.2, 9, 0.2), class(0.5, 0.5, 5, 1.0)];
        let by = |sort| order(&classes, sort);
        assert_eq!(by(PairSort::Difference), [2, 3, 0]);
        assert_eq!(by(PairSort::Index), [0, 2, 3]);
        assert_eq!(by(PairSort::Support), [2, 3, 0]);
        assert_eq!(by(PairSort::Luck), [2, 0, 3]);
    }
}

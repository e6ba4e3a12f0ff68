//! The confusion matrix of one run minus that of another: which mistakes one makes more often.

use crate::ui::selection::MatrixSelection;
use crate::ui::theme;
use egui::{Align2, Color32, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct MatrixDifference<'a> {
    /// Clips of the first run minus those of the second, `[true][predicted]`.
    pub counts: &'a [Vec<i64>],
    /// Names of the classes.
    pub classes: &'a [String],
    /// Names of the two runs.
    pub runs: [&'a str; 2],
    /// The largest absolute count of cells off the diagonal and on it.
    pub most: u64,
    /// Clips show several classes: cells count classes said of clips labelled with a class, rightly or not.
    pub several: bool,
}

impl<'a> MatrixDifference<'a> {
    /// With the largest count found.
    pub fn new(counts: &'a [Vec<i64>], classes: &'a [String], runs: [&'a str; 2]) -> Self {
        let most = counts.iter().flatten().map(|n| n.unsigned_abs()).max().unwrap_or(0);
        Self { counts, classes, runs, most, several: false }
    }

    fn count(&self, truth: usize, predicted: usize) -> i64 {
        self.counts.get(truth).and_then(|row| row.get(predicted)).copied().unwrap_or(0)
    }

    fn class(&self, at: usize) -> &str {
        self.classes.get(at).map_or("?", String::as_str)
    }

    /// `3 more clips of 'squat' called 'lunge' by run b than by run a`.
    pub fn sentence(&self, truth: usize, predicted: usize) -> String {
        let n = self.count(truth, predicted);
        let (more, less) = if n >= 0 { (self.runs[0], self.runs[1]) } else { (self.runs[1], self.runs[0]) };
        let (truth_name, said) = (self.class(truth), self.class(predicted));
        let what = match (truth == predicted, self.several) {
            (true, _) => format!("'{truth_name}' recognised"),
            (false, true) => format!("'{truth_name}' of which '{said}' is predicted"),
            (false, false) => format!("'{truth_name}' predicted as '{said}'"),
        };
        match n.unsigned_abs() {
            0 => format!("as many clips of {what} by both"),
            1 => format!("1 more clip of {what} by {more} than by {less}"),
            n => format!("{n} more clips of {what} by {more} than by {less}"),
        }
    }
}

const MIN_CELL: f32 = 11.0;
const MAX_CELL: f32 = 52.0;
/// Width of a cell against its height, at most.
const WIDEST: f32 = 2.4;

/// Draws the matrix in the space there is; gives the cell that was clicked.
pub fn show(ui: &mut Ui, m: &MatrixDifference<'_>, selected: Option<MatrixSelection>) -> Option<MatrixSelection> {
    let n = m.classes.len();
    if n == 0 {
        ui.weak("There is no class to show.");
        return None;
    }
    let line = ui.text_style_height(&egui::TextStyle::Body) + 6.0;
    let size = vec2(ui.available_width(), (ui.available_height() - line).max(60.0));
    let (outer, grid) = ui.allocate_exact_size(size, Sense::hover());
    grid.widget_info(|| {
        let what = if m.several { "co-occurrence" } else { "confusion matrix" };
        WidgetInfo::labeled(Role::Grid, true, format!("{what} of {} minus that of {}", m.runs[0], m.runs[1]))
    });
    let letters = m.classes.iter().map(|c| c.chars().count()).max().unwrap_or(0) as f32;
    let side = (letters * 6.2 + 18.0).clamp(60.0, (outer.width() * 0.3).max(60.0));
    let top = (letters * 6.2 + 14.0).clamp(30.0, (outer.height() * 0.4).max(30.0));
    let body = Rect::from_min_max(pos2(outer.left() + side, outer.top() + top), outer.max);
    // Wider than high where the room is, for the numbers.
    let high = ((body.height() - 12.0) / n as f32).clamp(MIN_CELL, MAX_CELL).floor();
    let wide = ((body.width() - 12.0) / n as f32).clamp(MIN_CELL, MAX_CELL).min(high * WIDEST).floor();
    let cell = vec2(wide, high);
    let mut hovered = None;
    let mut picked = None;
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(body).id_salt("difference cells"));
    let scroll = egui::ScrollArea::both().id_salt("difference").auto_shrink([false, false]).show(&mut child, |ui| {
        let (area, _) = ui.allocate_exact_size(cell * n as f32, Sense::hover());
        let clip = ui.clip_rect();
        let within = |from: f32, length: f32, side: f32| {
            let first = (from.max(0.0) / side) as usize;
            first.min(n)..(first + (length / side).ceil() as usize + 1).min(n)
        };
        for truth in within(clip.top() - area.top(), clip.height(), cell.y) {
            for predicted in within(clip.left() - area.left(), clip.width(), cell.x) {
                let at = area.min + vec2(predicted as f32, truth as f32) * cell;
                let rect = Rect::from_min_size(at, cell);
                let pick = MatrixSelection::Cell { truth, predicted };
                let response = one(ui, m, (truth, predicted), rect, selected == Some(pick));
                if response.hovered() || response.has_focus() {
                    hovered = Some((truth, predicted));
                }
                if response.clicked() {
                    picked = Some(pick);
                }
            }
        }
    });
    let offset = scroll.state.clamped_offset();
    names(ui, m, outer, body, cell, offset);
    let told = hovered.map(|(t, p)| m.sentence(t, p)).unwrap_or_else(|| {
        let besides = if m.several { ", on its own or among others" } else { "" };
        format!(
            "Rows are what clips show, columns what was predicted{besides}: how many more clips {} has there than {}. Click a cell to see \
             its clips.",
            m.runs[0], m.runs[1]
        )
    });
    ui.add(egui::Label::new(egui::RichText::new(told).color(ui.visuals().weak_text_color())).truncate());
    picked
}

/// Colour of a cell: what speaks for the first run in one hue, what speaks for the second in the other.
fn fill(dark: bool, n: i64, diagonal: bool, most: u64) -> Color32 {
    let share = n.unsigned_abs() as f32 / most.max(1) as f32;
    // More clips recognised, or fewer mistakes.
    let for_first = (n > 0) == diagonal;
    if n == 0 || for_first { theme::ramp(dark, share) } else { theme::ramp_wrong(dark, share) }
}

fn one(
    ui: &Ui,
    m: &MatrixDifference<'_>,
    (truth, predicted): (usize, usize),
    rect: Rect,
    selected: bool,
) -> egui::Response {
    let n = m.count(truth, predicted);
    // Where clips show several classes, what is said off the diagonal is no mistake by itself.
    let fill = fill(ui.visuals().dark_mode, n, m.several || truth == predicted, m.most);
    let painter = ui.painter();
    painter.rect_filled(rect.shrink(if rect.width() >= 16.0 { 1.0 } else { 0.5 }), 1.5, fill);
    let digits = m.most.max(1).ilog10() as f32 + 2.0;
    if n != 0 && rect.width() >= digits * 7.0 + 2.0 && rect.height() >= MIN_CELL {
        let font = FontId::proportional((rect.height() * 0.5).clamp(theme::SMALL, theme::BODY));
        painter.text(rect.center(), Align2::CENTER_CENTER, format!("{n:+}"), font, theme::text_on(fill));
    }
    let response = ui.interact(rect, ui.scope_id().with(("difference", truth, predicted)), Sense::CLICK);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, m.sentence(truth, predicted)));
    if selected || response.hovered() {
        let color = if selected { ui.visuals().selection.stroke.color } else { ui.visuals().text_color() };
        painter.rect_stroke(rect, 2.0, Stroke::new(1.5, color), StrokeKind::Inside);
    }
    response
}

/// Names of rows and columns, which stay in sight.
fn names(ui: &Ui, m: &MatrixDifference<'_>, outer: Rect, body: Rect, cell: egui::Vec2, offset: egui::Vec2) {
    let font = FontId::proportional((cell.y * 0.62).clamp(theme::SMALL, theme::BODY));
    let ink = ui.visuals().text_color();
    let side = Rect::from_min_max(pos2(outer.left(), body.top()), pos2(body.left(), outer.bottom()));
    let above = Rect::from_min_max(pos2(body.left(), outer.top()), pos2(outer.right(), body.top()));
    let fitted = |text: &str, width: f32| {
        let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font.clone(), ink);
        job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(8.0));
        ui.painter().layout_job(job)
    };
    for (i, name) in m.classes.iter().enumerate() {
        let y = body.top() + (i as f32 + 0.5) * cell.y - offset.y;
        if side.y_range().contains(y) {
            let galley = fitted(name, side.width() - 10.0);
            let at = pos2(side.right() - 6.0 - galley.size().x, y - galley.size().y / 2.0);
            ui.painter().with_clip_rect(side.intersect(ui.clip_rect())).galley(at, galley, ink);
        }
        let x = body.left() + (i as f32 + 0.5) * cell.x - offset.x;
        if above.x_range().contains(x) {
            let galley = fitted(name, above.height() - 8.0);
            let at = pos2(x - galley.size().y / 2.0, above.bottom() - 4.0);
            let turned = egui::epaint::TextShape::new(at, galley, ink).with_angle(-std::f32::consts::FRAC_PI_2);
            ui.painter().with_clip_rect(above.intersect(ui.clip_rect())).add(turned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_says_who_has_more() {
        let counts = [vec![2, -1], vec![0, -3]];
        let classes = ["squat".to_owned(), "lunge".to_owned()];
        let m = MatrixDifference::new(&counts, &classes, ["a", "b"]);
        assert_eq!(m.most, 3);
        assert_eq!(m.sentence(0, 0), "2 more clips of 'squat' recognised by a than by b");
        assert_eq!(m.sentence(0, 1), "1 more clip of 'squat' predicted as 'lunge' by b than by a");
        assert_eq!(m.sentence(1, 0), "as many clips of 'lunge' predicted as 'squat' by both");
        assert_eq!(m.sentence(1, 1), "3 more clips of 'lunge' recognised by b than by a");
    }

    #[test]
    fn fewer_mistakes_and_more_hits_have_one_hue() {
        assert_eq!(fill(true, 3, true, 3), fill(true, -3, false, 3));
        assert_eq!(fill(true, -3, true, 3), fill(true, 3, false, 3));
        assert_ne!(fill(true, 3, true, 3), fill(true, -3, true, 3));
    }
}

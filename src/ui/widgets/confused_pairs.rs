//! Pairs of classes that were confused, most clips first: a click shows the clips.

use super::matrix::{Matrix, MatrixPick};
use super::text;
use crate::run_folder::ConfusedPair;
use crate::ui::theme;
use egui::{Align2, Rect, RichText, Role, Sense, Ui, Vec2, WidgetInfo, pos2};

const ROW: f32 = 22.0;

/// Draws the list; gives the cell whose row was clicked.
pub fn show(
    ui: &mut Ui,
    pairs: &[ConfusedPair],
    matrix: &Matrix<'_>,
    selected: Option<MatrixPick>,
) -> Option<MatrixPick> {
    if pairs.is_empty() {
        ui.weak("No two classes are confused.");
        return None;
    }
    let most = pairs.first().map_or(1, |p| p.count).max(1) as f32;
    let mut picked = None;
    egui::ScrollArea::vertical().id_salt("confused pairs").auto_shrink(false).show_rows(
        ui,
        ROW,
        pairs.len(),
        |ui, rows| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for pair in pairs.get(rows).unwrap_or_default() {
                let pick = MatrixPick::Cell { truth: pair.truth, predicted: pair.predicted };
                if row(ui, pair, matrix, most, selected == Some(pick)).clicked() {
                    picked = Some(pick);
                }
            }
        },
    );
    picked
}

fn row(ui: &mut Ui, pair: &ConfusedPair, matrix: &Matrix<'_>, most: f32, chosen: bool) -> egui::Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), ROW), Sense::click());
    let name = |class: usize| matrix.classes.name(class);
    let (truth, predicted) = (name(pair.truth), name(pair.predicted));
    let told = format!("{truth} confused with {predicted}: {} ({:.0} %)", pair.count, pair.share * 100.0);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, &told));
    let fill = if chosen {
        p.accent_soft
    } else if response.hovered() || response.has_focus() {
        p.card
    } else {
        p.panel
    };
    ui.painter().rect_filled(rect, 3.0, fill);
    let font = theme::caption().resolve(ui.style());
    let painter = ui.painter_at(rect);
    // Numbers at the right, a bar behind them, names in what is left.
    let numbers = 78.0;
    let bar = Rect::from_min_max(pos2(rect.right() - numbers, rect.top() + 4.0), rect.max - Vec2::new(0.0, 4.0));
    let part = Rect::from_min_size(bar.min, Vec2::new(bar.width() * pair.count as f32 / most, bar.height()));
    painter.rect_filled(part, 2.0, theme::ramp_wrong(ui.visuals().dark_mode, 0.45));
    let number = format!("{}  {:.0} %", pair.count, pair.share * 100.0);
    painter.text(pos2(rect.right() - 5.0, rect.center().y), Align2::RIGHT_CENTER, number, font.clone(), p.text);
    let room = ((rect.width() - numbers - 40.0) / 2.0 / (font.size * 0.52)).max(6.0) as usize;
    let mut x = rect.left() + 5.0;
    for (i, (class, name)) in [(pair.truth, truth), (pair.predicted, predicted)].into_iter().enumerate() {
        if i == 1 {
            let verb = if matrix.together.is_some() { "with" } else { "as" };
            x = painter.text(pos2(x, rect.center().y), Align2::LEFT_CENTER, verb, font.clone(), p.muted).right() + 6.0;
        }
        painter.circle_filled(pos2(x + 3.0, rect.center().y), 3.0, theme::class_color(class));
        let text = text::elide_middle(name, room);
        x = painter.text(pos2(x + 10.0, rect.center().y), Align2::LEFT_CENTER, text, font.clone(), p.text).right()
            + 6.0;
    }
    response.on_hover_ui(|ui| {
        ui.label(&told);
        ui.label(RichText::new("A click shows the clips").weak());
    })
}

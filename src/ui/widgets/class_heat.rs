//! Accuracy of every class over the epochs, or average precision in a multi-label task, as a grid of shades.

use crate::domain::ClassSet;
use crate::progress::EpochReport;
use crate::ui::theme;
use egui::{Align2, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// Draws one row a class and one column an epoch. Returns the class whose row was clicked.
pub fn show(
    ui: &mut Ui,
    history: &[EpochReport],
    classes: &ClassSet,
    chosen: &[usize],
    max_height: f32,
) -> Option<usize> {
    let rows = history.iter().map(|e| e.class_scores().len()).max().unwrap_or(0);
    if rows == 0 {
        ui.weak("Accuracy of each class appears here after the first validation.");
        return None;
    }
    let mut clicked = None;
    let height = ((max_height - 22.0) / rows as f32).clamp(11.0, 24.0);
    egui::ScrollArea::vertical()
        .id_salt("class heat")
        .max_height(max_height - 22.0)
        .auto_shrink([false, true])
        .show_rows(ui, height - ui.spacing().item_spacing.y, rows, |ui, range| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for class in range {
                if row(ui, history, classes, class, height, chosen.contains(&class)) {
                    clicked = Some(class);
                }
            }
        });
    scale(ui, history);
    clicked
}

const NAME_WIDTH: f32 = 110.0;
const VALUE_WIDTH: f32 = 40.0;

fn row(ui: &mut Ui, history: &[EpochReport], classes: &ClassSet, class: usize, height: f32, chosen: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let last = history.iter().rev().find_map(|e| e.class_scores().get(class).copied().flatten());
    let text = last.map_or_else(|| "–".to_owned(), |v| format!("{:.0} %", v * 100.0));
    response.widget_info(|| {
        WidgetInfo::selected(
            Role::CheckBox,
            true,
            chosen,
            format!("{} over the epochs, last {text}", classes.name(class)),
        )
    });
    let font = FontId::proportional((height * 0.8).clamp(theme::SMALL, theme::BODY));
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let ink = if chosen { ui.visuals().strong_text_color() } else { ui.visuals().text_color() };
    painter.circle_filled(
        pos2(rect.left() + 6.0, rect.center().y),
        if chosen { 4.5 } else { 3.0 },
        theme::class_color(class),
    );
    let mut job = egui::text::LayoutJob::simple_singleline(classes.name(class).to_owned(), font.clone(), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(NAME_WIDTH - 18.0);
    let name = painter.layout_job(job);
    painter.galley(pos2(rect.left() + 14.0, rect.center().y - name.size().y / 2.0), name, ink);
    painter.text(rect.right_center() - vec2(2.0, 0.0), Align2::RIGHT_CENTER, text, font, ink);
    let grid = grid_rect(rect);
    let dark = ui.visuals().dark_mode;
    // No more columns than pixels: of several epochs in one column the last is shown.
    let columns = history.len().min(grid.width().max(1.0) as usize).max(1);
    let width = grid.width() / columns as f32;
    for column in 0..columns {
        let Some(epoch) = history.get((column + 1) * history.len() / columns - 1) else { continue };
        let cell =
            Rect::from_min_size(pos2(grid.left() + column as f32 * width, grid.top()), vec2(width, grid.height()));
        let gap = if width > 5.0 { 0.5 } else { 0.0 };
        match epoch.class_scores().get(class).copied().flatten().filter(|v| v.is_finite()) {
            Some(value) => {
                let fill = theme::ramp(dark, value);
                painter.rect_filled(cell.shrink(gap), 0.0, fill);
            }
            None => {
                let faint = theme::of(dark).no_value;
                painter.hline(cell.shrink(1.0).x_range(), cell.center().y, egui::Stroke::new(1.0, faint));
            }
        }
    }
    if let Some(pointer) = response.hover_pos().filter(|p| grid.contains(*p)) {
        let column = (((pointer.x - grid.left()) / width) as usize).min(columns - 1);
        if let Some(epoch) = history.get((column + 1) * history.len() / columns - 1) {
            let value = epoch.class_scores().get(class).copied().flatten();
            response.show_tooltip_text(match value {
                Some(v) if epoch.val_map.is_some() => {
                    format!("{}: average precision {:.1} % after epoch {}", classes.name(class), v * 100.0, epoch.epoch)
                }
                Some(v) => format!("{}: {:.1} % right after epoch {}", classes.name(class), v * 100.0, epoch.epoch),
                None => format!("{}: no validation clip in epoch {}", classes.name(class), epoch.epoch),
            });
        }
    }
    response.clicked()
}

fn grid_rect(row: Rect) -> Rect {
    let right = (row.right() - VALUE_WIDTH).max(row.left() + NAME_WIDTH + 1.0);
    Rect::from_min_max(pos2(row.left() + NAME_WIDTH, row.top()), pos2(right, row.bottom() - 1.0))
}

/// First and last epoch under the grid, and what shades mean.
fn scale(ui: &mut Ui, history: &[EpochReport]) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let grid = grid_rect(rect);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let weak = ui.visuals().weak_text_color();
    let (first, last) = (history.first().map_or(0, |e| e.epoch), history.last().map_or(0, |e| e.epoch));
    ui.painter().text(grid.left_center(), Align2::LEFT_CENTER, format!("epoch {first}"), font.clone(), weak);
    if last != first {
        ui.painter().text(grid.right_center(), Align2::RIGHT_CENTER, last.to_string(), font.clone(), weak);
    }
    let bar = Rect::from_center_size(grid.center(), vec2(90.0_f32.min(grid.width() * 0.3), 7.0));
    for i in 0..30 {
        let x = bar.left() + bar.width() * i as f32 / 30.0;
        let cell = Rect::from_min_size(pos2(x, bar.top()), vec2(bar.width() / 30.0 + 0.5, bar.height()));
        ui.painter().rect_filled(cell, 0.0, theme::ramp(ui.visuals().dark_mode, i as f32 / 29.0));
    }
    ui.painter().text(bar.left_center() - vec2(5.0, 0.0), Align2::RIGHT_CENTER, "0 %", font.clone(), weak);
    ui.painter().text(bar.right_center() + vec2(5.0, 0.0), Align2::LEFT_CENTER, "100 %", font, weak);
}

//! A table of figures: its first column and its headings stay while the rest scrolls, a click on a heading sorts.

use crate::compare::{Table, TableFormat};
use crate::ui::theme;
use egui::{Align2, FontId, Pos2, Rect, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

/// The order of a table: a column, and whether its largest value comes first.
pub type TableOrder = Option<(usize, bool)>;

/// A table as it is drawn, made when its values or its order change.
#[derive(Clone, Debug, Default)]
pub struct ShownTable {
    /// The table in its order.
    pub table: Table,
    widths: Vec<f32>,
    right: Vec<bool>,
}

const ROW: f32 = 22.0;
const HEADER: f32 = 34.0;
const FONT: f32 = theme::BODY;
/// About the width of a letter.
const LETTER: f32 = 7.2;
const GAP: f32 = 16.0;
/// A column is at most so wide; longer text is cut, and shown whole under the pointer.
const WIDEST: f32 = 260.0;

impl ShownTable {
    /// A table in an order.
    pub fn of(table: &Table, order: TableOrder) -> Self {
        let table = table.sorted_by(order);
        let letters = |text: &str| text.chars().count();
        let width = |(i, heading): (usize, &String)| {
            let cells = table.rows.iter().filter_map(|r| r.get(i)).map(|c| letters(c.shown())).max().unwrap_or(0);
            // A heading has two lines, and none of its words is broken.
            let word = heading.split_whitespace().map(letters).max().unwrap_or(0);
            let two_lines = letters(heading).div_ceil(2) + 2;
            (cells.max(word).max(two_lines.min(letters(heading))) as f32 * LETTER + GAP).min(WIDEST)
        };
        let widths = table.header.iter().enumerate().map(width).collect();
        let right = (0..table.header.len()).map(|i| table.right(i)).collect();
        Self { table, widths, right }
    }

    fn width(&self, column: usize) -> f32 {
        self.widths.get(column).copied().unwrap_or(GAP)
    }
}

/// Draws a table in the space there is; gives the order a click asked for.
pub fn show(ui: &mut Ui, salt: &str, shown: &ShownTable, order: TableOrder) -> Option<TableOrder> {
    let table = &shown.table;
    let outer = Rect::from_min_size(ui.cursor().min, ui.available_size());
    ui.allocate_rect(outer, Sense::hover());
    let first = shown.width(0).min(outer.width() * 0.5);
    let body = Rect::from_min_max(pos2(outer.left() + first, outer.top() + HEADER), outer.max);
    let total: f32 = (1..table.header.len()).map(|c| shown.width(c)).sum();
    let size = vec2(total, table.rows.len() as f32 * ROW);
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(body).id_salt((salt, "cells")));
    let scroll = egui::ScrollArea::both().id_salt((salt, "table")).auto_shrink([false, false]).show(&mut child, |ui| {
        let (area, _) = ui.allocate_exact_size(size, Sense::hover());
        let rows = visible(ui.clip_rect().top() - area.top(), ui.clip_rect().height(), table.rows.len());
        for row in rows {
            stripe(
                ui,
                row,
                Rect::from_min_size(
                    pos2(area.left(), area.top() + row as f32 * ROW),
                    vec2(size.x.max(body.width()), ROW),
                ),
            );
            let mut x = area.left();
            for column in 1..table.header.len() {
                let rect = Rect::from_min_size(pos2(x, area.top() + row as f32 * ROW), vec2(shown.width(column), ROW));
                x = rect.right();
                if ui.is_rect_visible(rect) {
                    cell(ui, shown, row, column, rect, ui.clip_rect());
                }
            }
        }
    });
    let offset = scroll.state.clamped_offset();
    // The first column follows the rows, the headings follow the columns.
    let side =
        Rect::from_min_max(pos2(outer.left(), body.top()), pos2(body.left(), outer.bottom())).intersect(ui.clip_rect());
    for row in visible(offset.y, body.height(), table.rows.len()) {
        let rect = Rect::from_min_size(pos2(outer.left(), body.top() + row as f32 * ROW - offset.y), vec2(first, ROW));
        let painter = ui.painter().with_clip_rect(side);
        if row % 2 == 1 {
            painter.rect_filled(rect, 0.0, theme::palette(ui).card.gamma_multiply(0.6));
        }
        cell(ui, shown, row, 0, rect, side);
    }
    headings(ui, shown, order, outer, body, offset)
}

/// Rows in sight.
fn visible(offset: f32, height: f32, rows: usize) -> std::ops::Range<usize> {
    let first = (offset.max(0.0) / ROW).floor() as usize;
    let count = (height.max(0.0) / ROW).ceil() as usize + 1;
    first.min(rows)..first.saturating_add(count).min(rows)
}

fn stripe(ui: &Ui, row: usize, rect: Rect) {
    if row % 2 == 1 {
        ui.painter().rect_filled(rect, 0.0, theme::palette(ui).card.gamma_multiply(0.6));
    }
}

/// Text in one line, at the right for numbers.
fn cell(ui: &Ui, shown: &ShownTable, row: usize, column: usize, rect: Rect, clip: Rect) {
    let table = &shown.table;
    let Some(value) = table.rows.get(row).and_then(|r| r.get(column)) else { return };
    let text = value.shown();
    let p = theme::palette(ui);
    let ink = if text == "-" { p.muted } else { p.text };
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(FONT), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width((rect.width() - GAP * 0.75).max(8.0));
    let galley = ui.painter().layout_job(job);
    let cut = galley.elided;
    let right = shown.right.get(column).copied().unwrap_or(false);
    let x = if right { rect.right() - GAP / 2.0 - galley.size().x } else { rect.left() + GAP / 4.0 };
    let at = pos2(x, rect.center().y - galley.size().y / 2.0);
    ui.painter().with_clip_rect(clip.intersect(ui.clip_rect())).galley(at, galley, ink);
    let Some(seen) = Some(rect.intersect(clip)).filter(|r| r.is_positive()) else { return };
    let response = ui.interact(seen, ui.scope_id().with(("cell", row, column)), Sense::hover());
    let named = || {
        let of = table.rows.get(row).and_then(|r| r.first()).map_or("", |c| c.shown());
        let heading = table.header.get(column).map_or("", String::as_str);
        if column == 0 { text.to_owned() } else { format!("{heading} of {of}: {text}") }
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Cell, true, named()));
    if cut {
        response.on_hover_text(named());
    }
}

fn headings(
    ui: &Ui,
    shown: &ShownTable,
    order: TableOrder,
    outer: Rect,
    body: Rect,
    offset: Vec2,
) -> Option<TableOrder> {
    let mut asked = None;
    let top = Rect::from_min_max(outer.min, pos2(outer.right(), body.top()));
    ui.painter().rect_filled(top, 0.0, theme::palette(ui).card);
    let rest = Rect::from_min_max(pos2(body.left(), top.top()), top.max);
    let mut x = body.left() - offset.x;
    for (column, heading) in shown.table.header.iter().enumerate() {
        let (rect, zone) = if column == 0 {
            (Rect::from_min_max(top.min, pos2(body.left(), top.bottom())), top)
        } else {
            let rect = Rect::from_min_size(pos2(x, top.top()), vec2(shown.width(column), HEADER));
            x = rect.right();
            (rect, rest)
        };
        let seen = rect.intersect(zone).intersect(ui.clip_rect());
        if !seen.is_positive() {
            continue;
        }
        let response = ui.interact(seen, ui.scope_id().with(("heading", column)), Sense::click());
        let on = order.filter(|(c, _)| *c == column);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, on.is_some(), format!("Sort by {heading}")));
        let p = theme::palette(ui);
        let ink = if on.is_some() || response.hovered() || response.has_focus() { p.text } else { p.muted };
        let mut job = egui::text::LayoutJob::simple(
            heading.clone(),
            FontId::proportional(theme::SMALL),
            ink,
            rect.width() - GAP * 0.6,
        );
        job.wrap.max_rows = 2;
        let right = shown.right.get(column).copied().unwrap_or(false);
        job.halign = if right { egui::Align::RIGHT } else { egui::Align::LEFT };
        let galley = ui.painter().layout_job(job);
        let left = if right { rect.right() - GAP / 2.0 } else { rect.left() + GAP / 4.0 };
        let painter = ui.painter().with_clip_rect(seen);
        painter.galley(pos2(left, rect.center().y - galley.size().y / 2.0), galley, ink);
        if let Some((_, down)) = on {
            arrow(&painter, pos2(rect.right() - 4.0, rect.bottom() - 5.0), down, ink);
        }
        if response.on_hover_text(format!("Sort by {heading}")).clicked() {
            // The largest first, then the smallest, then as it was.
            asked = Some(match on {
                None => Some((column, column > 0)),
                Some((_, down)) if down == (column > 0) => Some((column, !down)),
                Some(_) => None,
            });
        }
    }
    asked
}

fn arrow(painter: &egui::Painter, tip: Pos2, down: bool, color: egui::Color32) {
    let d = if down { 1.0 } else { -1.0 };
    let points = vec![tip + vec2(-3.5, -2.0 * d), tip + vec2(3.5, -2.0 * d), tip + vec2(0.0, 3.0 * d)];
    painter.add(egui::Shape::convex_polygon(points, color, egui::Stroke::NONE));
}

/// Buttons that save a table; gives the form that was asked for. `what` names the table to a screen reader.
pub fn save_buttons(ui: &mut Ui, what: &str) -> Option<TableFormat> {
    let mut asked = None;
    ui.weak("Save");
    for format in TableFormat::ALL {
        let button = ui.button(format.title());
        let name = format!("Save {what} as {}", format.title());
        button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if button.on_hover_text(name.clone()).clicked() {
            asked = Some(format);
        }
    }
    asked
}

/// A dot in the colour of a run.
pub fn run_dot(ui: &mut Ui, run: usize) {
    let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 7.5, theme::class_color(run));
    let letter = letter(run);
    let font = FontId::proportional(theme::SMALL);
    let ink = theme::text_on(theme::class_color(run));
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, letter, font, ink);
}

/// `A`, `B`, … of a run; nothing behind `Z`.
pub fn letter(run: usize) -> String {
    u8::try_from(run).ok().filter(|r| *r < 26).map_or_else(String::new, |r| char::from(b'A' + r).to_string())
}

//! A confusion matrix, or in a multi-label task the matrix of what was said together with each label, that people can ask:
//! hover for the sentence, click or arrow keys and Enter for the clips.

use crate::ui::theme;
use egui::{
    self, Align2, Color32, FontId, Key, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

pub use super::matrix_counts::{Matrix, MatrixMode, MatrixSort, Together, title};
pub use crate::ui::selection::MatrixSelection as MatrixPick;

/// What the widget remembers.
#[derive(Clone, Debug)]
pub struct MatrixState {
    /// Shades and numbers.
    pub mode: MatrixMode,
    /// Order.
    pub sort: MatrixSort,
    /// Only counts are known: no cell leads to its clips.
    pub counts_only: bool,
    /// All cells are in sight, however small they become.
    pub fit: bool,
    /// Size of cells, against what is usual in the room there is.
    pub zoom: f32,
    /// Only classes called like this, and those they are confused with.
    pub search: String,
    /// Cell under the keyboard, as positions on screen (row, column).
    cursor: (usize, usize),
}

impl Default for MatrixState {
    fn default() -> Self {
        Self {
            mode: MatrixMode::default(),
            sort: MatrixSort::default(),
            counts_only: false,
            fit: false,
            zoom: 1.0,
            search: String::new(),
            cursor: (0, 0),
        }
    }
}

/// Draws the matrix in the space there is; returns what was clicked or chosen with Enter.
pub fn show(
    ui: &mut Ui,
    matrix: &Matrix<'_>,
    selected: Option<MatrixPick>,
    state: &mut MatrixState,
) -> Option<MatrixPick> {
    let order = matrix.order_of(state.sort, &state.search);
    if order.is_empty() {
        let missing = format!("No class is named '{}'.", state.search.trim());
        ui.weak(if state.search.trim().is_empty() { "There is no class to show." } else { missing.as_str() });
        return None;
    }
    // The line of the sentence is reserved before the cells, so that nothing moves under the pointer.
    let line = ui.text_style_height(&egui::TextStyle::Body) + 6.0;
    let space = vec2(ui.available_width(), (ui.available_height() - line).max(60.0));
    let (rect, grid) = ui.allocate_exact_size(space, Sense::focusable_noninteractive());
    if ui.rect_contains_pointer(rect) {
        let pinch = ui.input(|i| i.zoom_delta());
        if (pinch - 1.0).abs() > 1e-3 {
            (state.zoom, state.fit) = ((state.zoom * pinch).clamp(ZOOM.0, ZOOM.1), false);
        }
    }
    let layout = MatrixLayout::new(ui, matrix, (&order, state), rect);
    let mut out = Outcome { hovered: None, picked: None };
    let columns = matrix.columns(&order);
    keyboard(ui, &grid, (&order, &columns), state, &mut out);
    cells(ui, matrix, &order, selected, state, &layout, grid.has_focus(), &mut out);
    grid.widget_info(|| {
        let enter = if state.counts_only { "" } else { ", Enter opens the clips" };
        let what = match matrix.together {
            None => "confusion matrix, rows are true classes, columns predicted ones",
            Some(_) => "co-occurrence matrix, rows are labels, columns the classes predicted for their clips",
        };
        let text = format!("{what}; arrow keys move{enter}");
        WidgetInfo::labeled(Role::Grid, true, text)
    });
    if grid.has_focus() && out.hovered.is_none() {
        out.hovered = order.get(state.cursor.0).zip(columns.get(state.cursor.1)).map(|(t, p)| cell_pick(*t, *p));
    }
    let sentence = out.hovered.or(selected).map_or_else(
        || {
            let clips = if state.counts_only { "" } else { " Click a cell to see its clips." };
            match matrix.together {
                None => format!("Rows are what clips show, columns what the network predicted.{clips}"),
                Some(_) => {
                    format!("Rows are labels, columns the classes predicted for their clips, also together.{clips}")
                }
            }
        },
        |p| matrix.sentence(p, state.mode),
    );
    ui.add(egui::Label::new(egui::RichText::new(sentence).color(ui.visuals().weak_text_color())).truncate());
    out.picked
}

fn cell_pick(truth: usize, predicted: usize) -> MatrixPick {
    MatrixPick::Cell { truth, predicted }
}

struct Outcome {
    hovered: Option<MatrixPick>,
    picked: Option<MatrixPick>,
}

/// What the cells say and how they are sorted, for a row of controls.
pub fn controls(ui: &mut Ui, state: &mut MatrixState, together: bool) {
    let title = if together { "Co-occurrence" } else { "Confusion" };
    ui.label(egui::RichText::new(title).text_style(theme::section()));
    ui.add_space(4.0);
    for (mode, text, help) in [
        (MatrixMode::Counts, "Counts", "Clips in each cell"),
        (MatrixMode::ByRow, "By row", "Per cent of the true class: the diagonal is recall"),
        (MatrixMode::ByColumn, "By column", "Per cent of the clips predicted as the class: the diagonal is precision"),
    ] {
        ui.selectable_value(&mut state.mode, mode, text).on_hover_text(help);
    }
    ui.add_space(8.0);
    let label = ui.weak("sort");
    let name = |s| match s {
        MatrixSort::Index => "by index",
        MatrixSort::Support => "by support",
        MatrixSort::Confusion => "most confused first",
    };
    egui::ComboBox::from_id_salt("matrix sort")
        .selected_text(name(state.sort))
        .show_ui(ui, |ui| {
            for sort in [MatrixSort::Index, MatrixSort::Support, MatrixSort::Confusion] {
                ui.selectable_value(&mut state.sort, sort, name(sort));
            }
        })
        .response
        .labelled_by(label.id);
}

/// Classes from which on they are searched for and do not all fit.
const MANY: usize = 12;

/// How large cells are, and which classes are shown, where there are many.
pub fn size_controls(ui: &mut Ui, state: &mut MatrixState, classes: usize) {
    if classes <= MANY {
        return;
    }
    ui.toggle_value(&mut state.fit, "Fit").on_hover_text("All cells in sight (Ctrl and the wheel change their size)");
    for (sign, name, factor) in [("−", "Smaller cells", 1.0 / 1.25), ("+", "Larger cells", 1.25)] {
        let response = ui.button(sign);
        super::text::name(&response, name);
        if response.on_hover_text(name).clicked() {
            (state.zoom, state.fit) = ((state.zoom * factor).clamp(ZOOM.0, ZOOM.1), false);
        }
    }
    let field = egui::TextEdit::singleline(&mut state.search).hint_text("Find a class").desired_width(110.0);
    let response = ui.add(field);
    super::text::name(&response, "Find a class of the matrix");
    response.on_hover_text("Classes whose names have this, and those they are confused with");
}

/// The width that a matrix of so many classes never needs more than.
pub fn widest(classes: usize) -> f32 {
    LONGEST_NAME + 70.0 + WIDEST_CELL * classes as f32
}

/// Where everything goes: labels stay in place while the cells scroll.
struct MatrixLayout {
    rect: Rect,
    cells: Rect,
    cell: Vec2,
    label_font: FontId,
    column_font: FontId,
    number_font: Option<FontId>,
    rotated: bool,
}

/// High enough for the digits of the smallest text.
const MIN_CELL: f32 = 11.0;
/// Cells of a matrix that fits whatever its size.
const FIT_CELL: f32 = 1.0;
/// Names at the left are no wider; what is longer loses its middle.
const LONGEST_NAME: f32 = 140.0;
/// Names closer to each other than this are left out.
const NAME_GAP: f32 = 11.0;
/// Bounds of the size of cells.
const ZOOM: (f32, f32) = (0.2, 6.0);
const MAX_CELL: f32 = 58.0;
/// Cells are wider than high where the room is: names of columns then need no turning, which leaves height for cells.
const WIDEST_CELL: f32 = 72.0;
/// Lines of a column's name that is not turned.
const NAME_LINES: usize = 3;
const COLUMN_FONT: f32 = theme::SMALL;

impl MatrixLayout {
    fn new(ui: &Ui, matrix: &Matrix<'_>, (order, state): (&[usize], &MatrixState), rect: Rect) -> Self {
        let (fit, zoom) = (state.fit, state.zoom);
        let least = if fit { FIT_CELL } else { MIN_CELL };
        let (n, columns) = (order.len() as f32, matrix.columns(order));
        let across = columns.len() as f32;
        let rough = ((rect.width() - 110.0) / across).min((rect.height() - 84.0) / n).clamp(least, MAX_CELL) * zoom;
        let label_font = FontId::proportional((rough * 0.62).clamp(theme::SMALL, theme::BODY));
        let names = || columns.iter().map(|c| matrix.column_name(*c));
        let widest = names().map(|name| fitted(ui.painter(), name, &label_font, Color32::WHITE, f32::MAX).size().x);
        let widest = widest.fold(0.0_f32, f32::max).min(LONGEST_NAME);
        let left = (widest + 52.0).clamp(70.0, (rect.width() * 0.34).max(70.0));
        let wide = ((rect.width() - left) / across).floor();
        let column_font = FontId::proportional(COLUMN_FONT);
        let straight = straight(ui.painter(), names(), &column_font, wide.min(WIDEST_CELL) - 4.0);
        let top = match straight {
            Some(height) => height + 8.0,
            None => (widest + 10.0).clamp(24.0, (rect.height() * if fit { 0.25 } else { 0.42 }).max(24.0)),
        };
        let cells = Rect::from_min_max(pos2(rect.left() + left, rect.top() + top), rect.max);
        // Low cells in half points: of ten rows the tenth would be lost.
        let round = |side: f32| if fit || side < 16.0 { (side * 2.0).floor() / 2.0 } else { side.floor() };
        let high = round((cells.height() / n).clamp(least, MAX_CELL));
        // Turned names say which column is whose only where columns are not much wider than they are high.
        let most = if straight.is_some() { WIDEST_CELL } else { high * 1.5 };
        let across_each = if fit { (rect.width() - left) / across } else { wide };
        let cell = vec2(round(across_each.clamp(least, most.max(least))), high.min(round(across_each.max(least))));
        let cell = if fit || zoom == 1.0 { cell } else { (cell * zoom).floor().max(Vec2::splat(FIT_CELL)) };
        let number = FontId::proportional((cell.y.min(cell.x) * 0.5).clamp(theme::SMALL, theme::BODY));
        // The longest number decides for all: some with and some without one would read as empty cells.
        let longest = match state.mode {
            MatrixMode::Counts => highest(matrix, order).to_string(),
            MatrixMode::ByRow | MatrixMode::ByColumn => "100".to_owned(),
        };
        let room = fitted(ui.painter(), &longest, &number, Color32::WHITE, f32::MAX).size().x + 4.0;
        let number_font = (cell.y >= MIN_CELL && cell.x >= room).then_some(number);
        let column_font = if straight.is_some() { column_font } else { label_font.clone() };
        Self { rect, cells, cell, label_font, column_font, number_font, rotated: straight.is_none() }
    }
}

/// The largest count of all cells that are shown.
fn highest(matrix: &Matrix<'_>, order: &[usize]) -> u64 {
    let columns = matrix.columns(order);
    let row = |t: &usize| columns.iter().map(|p| matrix.count(*t, *p)).max();
    order.iter().filter_map(row).max().unwrap_or(0)
}

/// The height of the highest name when all are written straight, or nothing when one would be cut or broken.
fn straight<'a>(
    painter: &egui::Painter,
    names: impl Iterator<Item = &'a str>,
    font: &FontId,
    width: f32,
) -> Option<f32> {
    let mut highest = 0.0_f32;
    for name in names {
        let word = |word: &str| fitted(painter, word, font, Color32::WHITE, f32::MAX).size().x;
        if name.split_whitespace().any(|w| word(w) > width) {
            return None;
        }
        let galley = wrapped(painter, name, font, Color32::WHITE, width);
        if galley.elided {
            return None;
        }
        highest = highest.max(galley.size().y);
    }
    Some(highest)
}

/// `text` in a few lines, centred.
fn wrapped(
    painter: &egui::Painter,
    text: &str,
    font: &FontId,
    color: Color32,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple(text.to_owned(), font.clone(), color, width.max(8.0));
    job.wrap.max_rows = NAME_LINES;
    job.halign = egui::Align::Center;
    painter.layout_job(job)
}

#[expect(clippy::too_many_arguments, reason = "one drawing step of `show`, cut out for length only")]
fn cells(
    ui: &mut Ui,
    matrix: &Matrix<'_>,
    order: &[usize],
    selected: Option<MatrixPick>,
    state: &mut MatrixState,
    layout: &MatrixLayout,
    focused: bool,
    out: &mut Outcome,
) {
    let side = vec2(matrix.columns(order).len() as f32, order.len() as f32) * layout.cell;
    let view = Rect::from_min_size(layout.cells.min, layout.cells.size().min(side + vec2(12.0, 12.0)));
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(view).id_salt("matrix cells"));
    let scroll = egui::ScrollArea::both().id_salt("matrix scroll").auto_shrink([false, false]).show(&mut child, |ui| {
        let (area, _) = ui.allocate_exact_size(side, Sense::hover());
        draw_cells(ui, matrix, order, selected, state, layout, focused, area, out);
    });
    labels(ui, matrix, order, selected, layout, scroll.state.clamped_offset(), out);
}

#[expect(clippy::too_many_arguments, reason = "one drawing step of `show`, cut out for length only")]
fn draw_cells(
    ui: &Ui,
    matrix: &Matrix<'_>,
    order: &[usize],
    selected: Option<MatrixPick>,
    state: &mut MatrixState,
    layout: &MatrixLayout,
    focused: bool,
    area: Rect,
    out: &mut Outcome,
) {
    let dark = ui.visuals().dark_mode;
    let columns = matrix.columns(order);
    let top = highest(matrix, order).max(1) as f32;
    let gap = match layout.cell.min_elem() {
        // Of the smallest cells nothing would be left.
        side if side < 4.0 => 0.0,
        side if side < 16.0 => 0.5,
        _ => 1.0,
    };
    let painter = ui.painter();
    let mut outlined = Vec::new();
    for (i, truth) in order.iter().copied().enumerate() {
        for (j, predicted) in columns.iter().copied().enumerate() {
            let min = area.min + vec2(j as f32, i as f32) * layout.cell;
            let rect = Rect::from_min_size(min, layout.cell);
            if !ui.is_rect_visible(rect) {
                continue;
            }
            let pick = cell_pick(truth, predicted);
            let count = matrix.count(truth, predicted);
            let share = matrix.share(state.mode, truth, predicted);
            let shade = if state.mode == MatrixMode::Counts { share / top } else { share };
            let fill = if truth == predicted { theme::ramp(dark, shade) } else { theme::ramp_wrong(dark, shade) };
            painter.rect_filled(rect.shrink(gap), 1.5, fill);
            if let Some(font) = layout.number_font.as_ref().filter(|_| count > 0) {
                let text =
                    if state.mode == MatrixMode::Counts { count.to_string() } else { format!("{:.0}", share * 100.0) };
                painter.text(rect.center(), Align2::CENTER_CENTER, text, font.clone(), theme::text_on(fill));
            }
            let response = ui.interact(rect, ui.scope_id().with(("cell", truth, predicted)), Sense::CLICK);
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, title(pick, matrix)));
            if response.hovered() {
                out.hovered = Some(pick);
                outlined.push((rect, Stroke::new(1.5, ui.visuals().text_color())));
            }
            if response.clicked() {
                out.picked = Some(pick);
                state.cursor = (i, j);
            }
            if selected == Some(pick) || (focused && state.cursor == (i, j)) {
                outlined.push((rect, Stroke::new(2.0, ui.visuals().selection.stroke.color)));
            }
            if focused && state.cursor == (i, j) && ui.input(|i| i.events.iter().any(is_arrow)) {
                ui.scroll_to_rect(rect, None);
            }
        }
    }
    match selected {
        Some(MatrixPick::Row(c)) => outlined.extend(order.iter().position(|o| *o == c).map(|i| {
            let min = area.min + vec2(0.0, i as f32 * layout.cell.y);
            (
                Rect::from_min_size(min, vec2(area.width(), layout.cell.y)),
                Stroke::new(2.0, ui.visuals().selection.stroke.color),
            )
        })),
        Some(MatrixPick::Column(c)) => outlined.extend(columns.iter().position(|o| *o == c).map(|j| {
            let min = area.min + vec2(j as f32 * layout.cell.x, 0.0);
            (
                Rect::from_min_size(min, vec2(layout.cell.x, area.height())),
                Stroke::new(2.0, ui.visuals().selection.stroke.color),
            )
        })),
        _ => {}
    }
    for (rect, stroke) in outlined {
        painter.rect_stroke(rect, 2.0, stroke, StrokeKind::Inside);
    }
}

fn is_arrow(event: &egui::Event) -> bool {
    matches!(
        event,
        egui::Event::Key { key: Key::ArrowUp | Key::ArrowDown | Key::ArrowLeft | Key::ArrowRight, pressed: true, .. }
    )
}

/// Names along the sides; they stay in view while the cells scroll, and a click takes the whole row or column.
fn labels(
    ui: &Ui,
    matrix: &Matrix<'_>,
    order: &[usize],
    selected: Option<MatrixPick>,
    layout: &MatrixLayout,
    offset: Vec2,
    out: &mut Outcome,
) {
    let side = Rect::from_min_max(
        pos2(layout.rect.left(), layout.cells.top()),
        pos2(layout.cells.left(), layout.rect.bottom()),
    );
    let above =
        Rect::from_min_max(pos2(layout.cells.left(), layout.rect.top()), pos2(layout.rect.right(), layout.cells.top()));
    let hovered = out.hovered;
    let lit = |pick: MatrixPick| {
        [hovered, selected].into_iter().flatten().any(|p| match (p, pick) {
            (MatrixPick::Cell { truth, .. }, MatrixPick::Row(c)) => truth == c,
            (MatrixPick::Cell { predicted, .. }, MatrixPick::Column(c)) => predicted == c,
            (a, b) => a == b,
        })
    };
    let mut one = |zone: Rect, rect: Rect, pick: MatrixPick, draw: &dyn Fn(&egui::Painter, Color32)| {
        let visible = rect.intersect(zone);
        if !visible.is_positive() {
            return;
        }
        let response = ui.interact(visible, ui.scope_id().with(("label", pick)), Sense::CLICK);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, title(pick, matrix)));
        let color =
            if lit(pick) || response.hovered() { ui.visuals().strong_text_color() } else { ui.visuals().text_color() };
        draw(&ui.painter().with_clip_rect(zone.intersect(ui.clip_rect())), color);
        if response.hovered() {
            out.hovered = Some(pick);
        }
        if response.clicked() {
            out.picked = Some(pick);
        }
    };
    // Of names that would lie over each other only some are written; the one under the pointer always is.
    let every = |side: f32| ((NAME_GAP / side.max(0.1)).ceil() as usize).max(1);
    let (each_row, each_column) = (every(layout.cell.y), every(layout.cell.x));
    for (k, class) in order.iter().copied().enumerate() {
        if k % each_row != 0 && !lit(MatrixPick::Row(class)) {
            continue;
        }
        let along = k as f32 * layout.cell;
        let row =
            Rect::from_min_size(pos2(side.left(), side.top() + along.y - offset.y), vec2(side.width(), layout.cell.y));
        one(side, row, MatrixPick::Row(class), &|painter, color| {
            let support = painter.layout_no_wrap(
                matrix.row(class).to_string(),
                layout.label_font.clone(),
                ui.visuals().weak_text_color(),
            );
            let right = row.right() - 6.0;
            let width = row.width() - support.size().x - 30.0;
            let name = middle_fitted(painter, matrix.classes.name(class), &layout.label_font, color, width);
            painter.galley(
                pos2(right - support.size().x, row.center().y - support.size().y / 2.0),
                support.clone(),
                color,
            );
            let x = right - support.size().x - 8.0 - name.size().x;
            painter.galley(pos2(x, row.center().y - name.size().y / 2.0), name, color);
            let dot = pos2(x - 8.0, row.center().y);
            painter.circle_filled(dot, (layout.cell.y * 0.25).clamp(2.0, 4.0), theme::class_color(class));
        });
    }
    for (k, class) in matrix.columns(order).into_iter().enumerate() {
        if k % each_column != 0 && !lit(MatrixPick::Column(class)) {
            continue;
        }
        let along = k as f32 * layout.cell;
        let column = Rect::from_min_size(
            pos2(above.left() + along.x - offset.x, above.top()),
            vec2(layout.cell.x, above.height()),
        );
        one(above, column, MatrixPick::Column(class), &|painter, color| {
            let (text, font) = (matrix.column_name(class), &layout.column_font);
            let (name, at, angle) = if layout.rotated {
                let name = middle_fitted(painter, text, font, color, above.height() - 8.0);
                let at = pos2(column.center().x - name.size().y / 2.0, column.bottom() - 4.0);
                (name, at, -std::f32::consts::FRAC_PI_2)
            } else {
                let name = wrapped(painter, text, font, color, layout.cell.x - 4.0);
                let at = pos2(column.center().x, column.bottom() - 4.0 - name.size().y);
                (name, at, 0.0)
            };
            painter.add(egui::epaint::TextShape::new(at, name, color).with_angle(angle));
        });
    }
}

/// `text` in one line no wider than `width`, with its middle left out where it does not fit: classes of one family begin
/// alike and end in what tells them apart.
fn middle_fitted(
    painter: &egui::Painter,
    text: &str,
    font: &FontId,
    color: Color32,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let whole = fitted(painter, text, font, color, f32::MAX);
    if whole.size().x <= width {
        return whole;
    }
    let letters = text.chars().count() as f32;
    let room = (letters * width.max(8.0) / whole.size().x).floor() as usize;
    // Letters differ in width: one less until it fits, or else the end is cut away too.
    let mut shorter =
        (3..=room.max(3)).rev().map(|n| fitted(painter, &super::text::elide_middle(text, n), font, color, f32::MAX));
    shorter.find(|g| g.size().x <= width).unwrap_or_else(|| fitted(painter, text, font, color, width))
}

/// `text` in one line no wider than `width`, with an ellipsis when it does not fit.
fn fitted(
    painter: &egui::Painter,
    text: &str,
    font: &FontId,
    color: Color32,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font.clone(), color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(8.0));
    painter.layout_job(job)
}

fn keyboard(
    ui: &Ui,
    grid: &egui::Response,
    (order, columns): (&[usize], &[usize]),
    state: &mut MatrixState,
    out: &mut Outcome,
) {
    let (last, last_column) = (order.len().saturating_sub(1), columns.len().saturating_sub(1));
    state.cursor = (state.cursor.0.min(last), state.cursor.1.min(last_column));
    if !grid.has_focus() {
        return;
    }
    super::navigation::keep_navigation(ui.ctx(), grid.id);
    let arrows = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(grid.id, arrows));
    ui.input_mut(|input| {
        let mut pressed = |key| input.consume_key(egui::Modifiers::NONE, key);
        let (row, column) = &mut state.cursor;
        if pressed(Key::ArrowUp) {
            *row = row.saturating_sub(1);
        }
        if pressed(Key::ArrowDown) {
            *row = (*row + 1).min(last);
        }
        if pressed(Key::ArrowLeft) {
            *column = column.saturating_sub(1);
        }
        if pressed(Key::ArrowRight) {
            *column = (*column + 1).min(last_column);
        }
        if pressed(Key::Enter) {
            out.picked = order.get(*row).zip(columns.get(*column)).map(|(t, p)| cell_pick(*t, *p));
        }
    });
}

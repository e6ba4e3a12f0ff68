//! Scores: the number of a page with its interval drawn, and quiet figures beside it.

use crate::ui::theme;
use egui::{Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

/// A share 0…1 with its confidence interval and what it has to beat.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    /// The value.
    pub value: f64,
    /// Lower end; the value itself where no interval is known.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What guessing reaches.
    pub baseline: f64,
}

/// Width of the line from 0 to 100 %.
const WIDTH: f32 = 190.0;

/// A card with a name, a large value, its interval on a line from 0 to 100 %, and a line of small text.
pub fn headline(ui: &mut Ui, name: &str, value: &str, small: &str, help: &str, interval: Interval) {
    let p = theme::palette(ui);
    let frame = egui::Frame::new().fill(p.card).corner_radius(6.0).inner_margin(egui::Margin::symmetric(14, 8));
    let response = frame
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.vertical(|ui| {
                ui.label(RichText::new(name).small().color(p.muted));
                ui.label(RichText::new(value).text_style(theme::title()));
                line(ui, interval);
                ui.label(RichText::new(small).small().color(p.muted));
            });
        })
        .response;
    response.on_hover_text(help);
}

/// The interval as a bar, the value as a point, and the baseline as a mark on a line from 0 to 100 %.
fn line(ui: &mut Ui, of: Interval) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, 14.0), Sense::hover());
    let share = |v: f64| if v.is_finite() { v.clamp(0.0, 1.0) as f32 } else { 0.0 };
    let x = |v: f64| rect.left() + share(v) * rect.width();
    let percent = |v: f64| format!("{:.1} %", share(v) * 100.0);
    let words = format!(
        "{}, interval {} to {}, baseline {}",
        percent(of.value),
        percent(of.low),
        percent(of.high),
        percent(of.baseline)
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &words));
    let y = rect.center().y;
    let painter = ui.painter();
    painter.hline(rect.x_range(), y, Stroke::new(2.0, p.line));
    if of.value.is_finite() {
        let bar = Rect::from_x_y_ranges(x(of.low)..=x(of.high).max(x(of.low) + 1.0), y - 3.0..=y + 3.0);
        painter.rect_filled(bar, 3.0, p.val.gamma_multiply(0.6));
        painter.circle(egui::pos2(x(of.value), y), 4.0, p.val, Stroke::new(1.5, p.card));
    }
    if of.baseline.is_finite() && of.baseline > 0.0 {
        painter.vline(x(of.baseline), y - 6.0..=y + 6.0, Stroke::new(1.5, p.muted));
    }
    response.on_hover_text(words);
}

/// A name, a value and a line of small text; as wide as they need, so that figures wrap.
pub fn figure(ui: &mut Ui, name: &str, value: &str, small: &str, help: &str) {
    let p = theme::palette(ui);
    let rows = [(name, theme::caption()), (value, theme::section()), (small, theme::caption())];
    let sizes = rows.each_ref().map(|(text, style)| {
        let font = style.resolve(ui.style());
        ui.painter().layout_no_wrap((*text).to_owned(), font, p.text).size()
    });
    let size = sizes.iter().fold(egui::Vec2::ZERO, |s, row| vec2(s.x.max(row.x), s.y + row.y)).ceil();
    let inner = ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (text, style) in rows {
            let color = if style == theme::section() { p.text } else { p.muted };
            ui.add(egui::Label::new(RichText::new(text).text_style(style).color(color)).extend());
        }
    });
    inner.response.on_hover_text(help);
}

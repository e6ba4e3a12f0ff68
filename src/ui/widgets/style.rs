//! Small building blocks that panels share.

use egui::{Color32, Ui};

/// A sentence with a coloured bar at its left, for warnings and errors that must not be overlooked.
pub fn notice(ui: &mut Ui, color: Color32, text: &str) {
    notice_with(ui, color, |ui| drop(ui.label(text)));
}

/// As [`notice`], with more than a sentence in it.
pub fn notice_with(ui: &mut Ui, color: Color32, add: impl FnOnce(&mut Ui)) {
    let frame = egui::Frame::new()
        .fill(color.gamma_multiply(0.12))
        .inner_margin(egui::Margin { left: 10, right: 8, top: 4, bottom: 4 })
        .corner_radius(3.0);
    let response = frame
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            add(ui);
        })
        .response;
    let mut bar = response.rect;
    bar.set_width(3.0);
    ui.painter().rect_filled(bar, 1.0, color);
}

/// What to do next where there is nothing to show yet. True when the button was pressed.
pub fn empty_state(ui: &mut Ui, title: &str, text: &str, button: Option<&str>) -> bool {
    let mut pressed = false;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.3).clamp(8.0, 160.0));
        ui.label(egui::RichText::new(title).heading());
        ui.add_space(4.0);
        ui.scope(|ui| {
            ui.set_max_width(440.0);
            ui.label(egui::RichText::new(text).color(ui.visuals().weak_text_color()));
        });
        if let Some(label) = button {
            ui.add_space(10.0);
            pressed = ui.add(egui::Button::new(label).min_size(egui::vec2(160.0, 30.0))).clicked();
        }
    });
    pressed
}

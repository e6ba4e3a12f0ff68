//! What the widgets of the dashboards share: colours with a meaning, short texts, small building blocks.

use egui::{Color32, Ui};

/// The mark of the best value.
pub const GOLD: Color32 = Color32::from_rgb(0xE0, 0xA2, 0x1B);

/// Colour of training curves.
pub fn train_color(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0x5B, 0xA8, 0xF5) } else { Color32::from_rgb(0x1C, 0x6F, 0xC4) }
}

/// Colour of validation curves.
pub fn val_color(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0xF5, 0x9B, 0x52) } else { Color32::from_rgb(0xC9, 0x5F, 0x0C) }
}

/// Colour of single measurements that are neither (learning rate, gradient norm).
pub fn plain_color(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0x7F, 0xC9, 0x9A) } else { Color32::from_rgb(0x2B, 0x82, 0x4C) }
}

/// Colour of an error sentence.
pub fn error_color(ui: &Ui) -> Color32 {
    ui.visuals().error_fg_color
}

/// Colour of a warning sentence.
pub fn warn_color(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0xF2, 0xC1, 0x4E) } else { Color32::from_rgb(0x9A, 0x62, 0x00) }
}

/// Colour of something good.
pub fn good_color(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0x6C, 0xCB, 0x8C) } else { Color32::from_rgb(0x1E, 0x7B, 0x3F) }
}

/// Colour of a class, the same everywhere in the window.
pub fn class_color(class: usize) -> Color32 {
    crate::ui::theme::class_color(class)
}

/// Colour of a share 0…1 on a scale from the background to the accent; dark text reads on the lower part in the light
/// theme, light text in the dark one (see [`ramp_ink`]).
pub fn ramp(dark: bool, share: f32) -> Color32 {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    // Low shares must differ from nothing at all: the eye looks for the few wrong clips.
    let t = share.powf(0.7);
    let stops: [[f32; 3]; 3] = if dark {
        [[30.0, 33.0, 40.0], [38.0, 92.0, 140.0], [126.0, 206.0, 244.0]]
    } else {
        [[235.0, 239.0, 244.0], [122.0, 178.0, 224.0], [16.0, 74.0, 138.0]]
    };
    mix(&stops, t)
}

/// The same scale for mistakes: from the background to a warm hue.
pub fn ramp_wrong(dark: bool, share: f32) -> Color32 {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let t = share.powf(0.6);
    let stops: [[f32; 3]; 3] = if dark {
        [[30.0, 33.0, 40.0], [140.0, 70.0, 40.0], [252.0, 160.0, 96.0]]
    } else {
        [[235.0, 239.0, 244.0], [244.0, 176.0, 130.0], [172.0, 58.0, 10.0]]
    };
    mix(&stops, t)
}

fn mix(stops: &[[f32; 3]; 3], t: f32) -> Color32 {
    let (a, b, f) = if t < 0.5 { (stops[0], stops[1], t * 2.0) } else { (stops[1], stops[2], t * 2.0 - 1.0) };
    let c = |i: usize| (a[i] + (b[i] - a[i]) * f).round() as u8;
    Color32::from_rgb(c(0), c(1), c(2))
}

/// Black or white, whichever reads on `background`.
pub fn ink_on(background: Color32) -> Color32 {
    let [r, g, b, _] = background.to_array().map(f32::from);
    if 0.299 * r + 0.587 * g + 0.114 * b > 140.0 { Color32::from_gray(20) } else { Color32::from_gray(245) }
}

/// `text`, cut in the middle of nothing: the first `max` characters, with an ellipsis when some are missing.
pub fn elide(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Seconds as people say them: `42 s`, `3:05 min`, `2:10 h`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    let s = seconds.round() as u64;
    match s {
        0..60 if seconds < 9.95 && seconds != seconds.round() => format!("{seconds:.1} s"),
        0..60 => format!("{s} s"),
        60..3600 => format!("{}:{:02} min", s / 60, s % 60),
        _ => format!("{}:{:02} h", s / 3600, (s % 3600) / 60),
    }
}

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

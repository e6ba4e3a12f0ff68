//! Every sentence that was said: toasts while it is new, a list that keeps it.

use crate::ui::action::{SystemAction, WindowAction};
use crate::ui::panel::PanelCx;
use crate::ui::panels::next_steps;
use crate::ui::state::{AppState, Message, Severity};
use crate::ui::theme::{self, Palette};
use egui::{Color32, RichText};
use std::time::{Duration, Instant};

/// How long a toast stays.
fn stay(severity: Severity) -> Duration {
    match severity {
        Severity::Info => Duration::from_secs(4),
        Severity::Warning => Duration::from_secs(7),
        Severity::Error => Duration::from_secs(12),
    }
}

fn color(severity: Severity, p: &Palette) -> Color32 {
    match severity {
        Severity::Info => p.plain,
        Severity::Warning => p.warn,
        Severity::Error => p.bad,
    }
}

/// When the next toast goes away; `None` when none is shown.
pub fn next_change(state: &AppState, now: Instant) -> Option<Duration> {
    let left = |m: &Message| stay(m.severity).checked_sub(now.saturating_duration_since(m.at));
    state.messages.iter().rev().take(8).filter_map(left).min().map(|d| d + Duration::from_millis(20))
}

/// New sentences, above the status bar on the right.
pub fn toasts(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    if cx.state.show_messages {
        return;
    }
    let now = Instant::now();
    let fresh = |m: &&Message| now.saturating_duration_since(m.at) < stay(m.severity);
    let shown: Vec<Message> = cx.state.messages.iter().rev().take(8).filter(fresh).take(3).cloned().collect();
    if shown.is_empty() {
        return;
    }
    let p = theme::palette(ui);
    let area = egui::Area::new(egui::Id::unique("toasts"))
        .anchor(egui::Align2::RIGHT_BOTTOM, [-14.0, -34.0])
        .order(egui::Order::Foreground);
    area.show(ui.ctx(), |ui| {
        ui.set_max_width(400.0);
        for message in shown.iter().rev() {
            let frame = egui::Frame::new()
                .fill(p.card)
                .stroke(egui::Stroke::new(1.0, color(message.severity, &p)))
                .corner_radius(7)
                .inner_margin(egui::Margin::symmetric(12, 8));
            frame.show(ui, |ui| {
                ui.set_width(370.0);
                let shown = ui.label(RichText::new(message.parts().0).text_style(egui::TextStyle::Body));
                let id = ui.scope_id().with(("toast", &message.text));
                let response = ui.interact(shown.rect, id, egui::Sense::click());
                response.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Message: {}", message.text))
                });
                if response.on_hover_text("Show all messages").clicked() {
                    cx.send(WindowAction::ShowMessages(true));
                }
                next_steps::row(ui, cx, &message.offers);
            });
        }
    });
}

/// The list.
pub fn window(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    if !cx.state.show_messages {
        return;
    }
    let mut open = !super::jobs::escaped(ui, cx);
    let state = cx.state;
    egui::Window::new("Messages")
        .open(&mut open)
        .collapsible(false)
        .default_width(520.0)
        .anchor(egui::Align2::RIGHT_BOTTOM, [-14.0, -34.0])
        .show(ui.ctx(), |ui| list(ui, cx, state));
    if !open {
        cx.send(WindowAction::ShowMessages(false));
    }
}

fn list(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, state: &AppState) {
    if state.messages.is_empty() {
        ui.weak("Nothing to report.");
        return;
    }
    let p = theme::palette(ui);
    egui::ScrollArea::vertical().max_height(320.0).stick_to_bottom(true).show(ui, |ui| {
        for message in &state.messages {
            ui.horizontal_top(|ui| {
                let (rect, _) = ui.allocate_exact_size(egui::Vec2::new(10.0, 18.0), egui::Sense::hover());
                ui.painter().circle_filled(rect.center(), 4.0, color(message.severity, &p));
                ui.vertical(|ui| {
                    let times = if message.count > 1 { format!(" ({} times)", message.count) } else { String::new() };
                    ui.label(
                        RichText::new(format!("{}{times}", message.source)).text_style(theme::caption()).color(p.muted),
                    );
                    let (told, details) = message.parts();
                    ui.label(told);
                    if let Some(details) = details {
                        let id = ("details", &message.text);
                        egui::CollapsingHeader::new("Details").id_salt(id).show(ui, |ui| ui.label(details));
                    }
                    next_steps::row(ui, cx, &message.offers);
                });
            });
            ui.add_space(2.0);
        }
    });
    ui.horizontal(|ui| {
        if ui.button("Copy all").clicked() {
            let lines: Vec<String> = state.messages.iter().map(|m| format!("{}: {}", m.source, m.text)).collect();
            cx.send(SystemAction::Copy(lines.join("\n")));
        }
        if ui.button("Clear messages").clicked() {
            cx.send(WindowAction::ClearMessages);
        }
    });
}

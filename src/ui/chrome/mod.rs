//! Everything around the panels: bars, welcome page, dialogs, messages.
//!
//! Drawn before the panels in the order of the screen: top bar, banners, status bar, then the tiles of the workspace; dialogs,
//! the palette and toasts lie over them.

pub mod choices;
mod classes;
pub mod dialogs;
mod export_labels;
mod first_task;
pub mod help;
pub mod import;
pub mod jobs;
mod label_map;
pub mod messages;
pub mod palette;
pub mod status_bar;
mod table;
pub mod top_bar;
pub mod welcome;

use super::layout::Layout;
use super::panel::PanelCx;
use super::state::{Dialog, Workspace};
use super::theme;
use super::widgets::class_notice;

/// Draws the whole window.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, layout: &mut Layout) {
    let p = theme::palette(ui);
    let bar = egui::Frame::new().fill(p.base).inner_margin(egui::Margin::symmetric(10, 5));
    egui::Panel::top("top bar").frame(bar).show_separator_line(false).show(ui, |ui| top_bar::ui(ui, cx));
    let bar = egui::Frame::new().fill(p.base).inner_margin(egui::Margin::symmetric(10, 3));
    egui::Panel::bottom("status bar").frame(bar).show_separator_line(false).show(ui, |ui| status_bar::ui(ui, cx));
    egui::CentralPanel::no_frame().show(ui, |ui| {
        ui.painter().rect_filled(ui.max_rect(), 0.0, p.base);
        if cx.state.welcome {
            welcome::ui(ui, cx);
        } else {
            first_task::ui(ui, cx);
            // In Review and Evaluate the panels that show the network say it; in Data every panel shows its split.
            if let Some(run) = cx.state.run().filter(|_| cx.state.workspace == Workspace::Data).cloned() {
                class_notice::show(ui, cx, &run);
            }
            layout.ui(ui, cx);
        }
    });
    messages::window(ui, cx);
    messages::toasts(ui, cx);
    jobs::window(ui, cx);
    match &cx.state.dialog {
        _ if cx.state.keys_over => help::keys(ui, cx),
        Some(Dialog::Path { .. }) => dialogs::path(ui, cx),
        Some(Dialog::Export(_)) => dialogs::export(ui, cx),
        Some(Dialog::ExportLabels(_)) => export_labels::ui(ui, cx),
        Some(Dialog::Import(_)) => import::ui(ui, cx),
        Some(Dialog::Classes(_)) => classes::ui(ui, cx),
        Some(Dialog::Choices(_)) => choices::ui(ui, cx),
        Some(Dialog::LabelMap(_)) => label_map::ui(ui, cx),
        Some(Dialog::Table(_)) => table::ui(ui, cx),
        Some(Dialog::Leave) => dialogs::leave(ui, cx),
        Some(Dialog::Keys) => help::keys(ui, cx),
        Some(Dialog::About) => help::about(ui, cx),
        Some(Dialog::Glossary) => help::glossary(ui, cx),
        Some(Dialog::Palette { .. }) => palette::ui(ui, cx),
        None => {}
    }
    drop_target(ui);
}

/// A frame over everything while a file hovers above the window.
fn drop_target(ui: &egui::Ui) {
    if ui.input(|i| i.raw.hovered_files.is_empty()) {
        return;
    }
    let p = theme::palette(ui);
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop target"));
    let painter = ui.ctx().layer_painter(layer);
    let rect = ui.ctx().content_rect();
    painter.rect_filled(rect, 0.0, p.base.gamma_multiply(0.94));
    painter.rect_stroke(rect.shrink(18.0), 10.0, egui::Stroke::new(2.0, p.accent), egui::StrokeKind::Inside);
    let text = "Drop a dataset folder, a run folder, a video or PyTorch weights";
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        text,
        egui::TextStyle::Heading.resolve(ui.style()),
        p.text,
    );
}

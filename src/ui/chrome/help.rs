//! Every key, and what this program is.

use crate::domain::GLOSSARY;
use crate::ui::action::WindowAction;
use crate::ui::commands::{COMMANDS, Menu};
use crate::ui::panel::PanelCx;
use crate::ui::theme;
use egui::RichText;

/// What the mouse does; keys stand in the command table.
const MOUSE: &[(&str, &str)] = &[
    ("Click or drag on the timeline", "go to that frame"),
    ("Wheel on the timeline", "zoom at the pointer"),
    ("Right drag on the timeline", "pan"),
    ("Double click on the timeline", "fit the whole video"),
    ("Wheel or drag on the network graph", "zoom at the pointer, move"),
    ("Drag on the map of clips", "choose the clips in a box or lasso"),
    ("Drag a panel's tab", "dock it elsewhere"),
    ("Drop a folder or a video on the window", "open it"),
];

/// All keys.
pub fn keys(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let mut open = true;
    let response = egui::Modal::new(egui::Id::unique("keys")).show(ui.ctx(), |ui| {
        ui.set_width(720.0);
        ui.heading("All keys");
        egui::ScrollArea::vertical().max_height(480.0).show(ui, |ui| {
            ui.columns_const(|[left, right]: &mut [egui::Ui; 2]| {
                group(left, Menu::Playback);
                group(right, Menu::View);
                group(right, Menu::File);
                group(right, Menu::Run);
                group(right, Menu::Edit);
                group(right, Menu::Help);
                section(left, "Mouse");
                for (what, does) in MOUSE {
                    left.label(RichText::new(*what).strong());
                    left.label(RichText::new(format!("    {does}")).weak());
                }
            });
        });
        open = !ui.button("Close").clicked();
    });
    if !open || response.should_close() {
        cx.send(WindowAction::SetDialog(None));
    }
}

fn section(ui: &mut egui::Ui, title: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(title).text_style(theme::section()));
}

fn group(ui: &mut egui::Ui, menu: Menu) {
    section(ui, menu.title());
    let p = theme::palette(ui);
    egui::Grid::new(("keys", menu.title())).num_columns(2).spacing([14.0, 3.0]).show(ui, |ui| {
        for command in COMMANDS.iter().filter(|c| c.menu == menu && !c.keys.is_empty()) {
            let keys: Vec<String> = command.keys.iter().map(|k| k.text()).collect();
            let text = RichText::new(keys.join("  or  ")).monospace().color(p.text).background_color(p.card);
            ui.label(text);
            ui.label(command.title);
            ui.end_row();
        }
    });
}

/// What this program is.
pub fn about(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let mut open = true;
    let response = egui::Modal::new(egui::Id::unique("about")).show(ui.ctx(), |ui| {
        ui.set_width(380.0);
        ui.heading(format!("kinolens {}", env!("CARGO_PKG_VERSION")));
        ui.label(env!("CARGO_PKG_DESCRIPTION"));
        ui.add_space(4.0);
        ui.weak(format!("Networks run on: {}", cx.state.device));
        ui.weak("Licence: MIT or Apache-2.0");
        open = !ui.button("Close").clicked();
    });
    if !open || response.should_close() {
        cx.send(WindowAction::SetDialog(None));
    }
}

/// The words of the field that the window uses.
pub fn glossary(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let mut open = true;
    let response = egui::Modal::new(egui::Id::unique("glossary")).show(ui.ctx(), |ui| {
        ui.set_width(560.0);
        ui.heading("Glossary");
        egui::ScrollArea::vertical().max_height(440.0).show(ui, |ui| {
            for term in GLOSSARY {
                ui.label(RichText::new(term.name).strong());
                ui.label(RichText::new(term.meaning).weak());
                ui.add_space(4.0);
            }
        });
        open = !ui.button("Close").clicked();
    });
    if !open || response.should_close() {
        cx.send(WindowAction::SetDialog(None));
    }
}

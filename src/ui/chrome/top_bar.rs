//! Menus, workspaces, running jobs, device, theme.

use super::jobs;
use crate::domain::leaf;
use crate::ui::action::{OpenAction, WindowAction};
use crate::ui::commands::{COMMANDS, Menu, keys_of};
use crate::ui::panel::PanelCx;
use crate::ui::state::Workspace;
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use egui::{RichText, Sense, Vec2};

/// Draws the bar.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    egui::MenuBar::new().ui(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for menu in Menu::ALL {
            self::menu(ui, cx, menu);
        }
        ui.add_space(10.0);
        workspaces(ui, cx);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let dark = ui.visuals().dark_mode;
            let (icon, label) =
                if dark { (Icon::Sun, "Switch to the light theme") } else { (Icon::Moon, "Switch to the dark theme") };
            if icons::button(ui, icon, label).clicked() {
                cx.send(WindowAction::ToggleTheme);
            }
            device(ui, cx);
            jobs::chips(ui, cx);
        });
    });
}

fn menu(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, menu: Menu) {
    ui.menu_button(menu.title(), |ui| {
        ui.set_min_width(230.0);
        for command in COMMANDS.iter().filter(|c| c.menu == menu) {
            let mut button = egui::Button::new(command.title);
            if let Some(key) = command.keys.first() {
                button = button.shortcut_text(key.text());
            }
            if ui.add_enabled((command.enabled)(cx.state), button).clicked() {
                cx.send((command.action)());
                ui.close();
            }
        }
        if menu == Menu::File && !cx.state.recent.is_empty() {
            ui.separator();
            ui.label(RichText::new("Recent").text_style(theme::caption()).weak());
            for item in cx.state.recent.iter().take(6) {
                let name = leaf(item.path());
                if ui.button(format!("Open again: {name}")).on_hover_text(item.path().display().to_string()).clicked() {
                    cx.send(OpenAction::OpenAny(item.path().to_path_buf()));
                    ui.close();
                }
            }
        }
    });
}

/// The tabs. A bar under the chosen one, in the accent colour.
fn workspaces(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let p = theme::palette(ui);
    for workspace in Workspace::ALL {
        let chosen = cx.state.workspace == workspace && !cx.state.welcome;
        let font = egui::TextStyle::Button.resolve(ui.style());
        let color = if chosen { p.text } else { p.muted };
        let galley = ui.painter().layout_no_wrap(workspace.title().to_owned(), font, color);
        let size = Vec2::new(galley.size().x + 22.0, 26.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let title = workspace.title();
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Tab, true, chosen, title));
        if response.hovered() || chosen {
            ui.painter().rect_filled(rect, 5.0, if chosen { p.card } else { p.panel });
        }
        let at = rect.center() - galley.size() / 2.0;
        ui.painter().galley(at, galley, color);
        if chosen {
            let line = egui::Rect::from_min_max(
                rect.left_bottom() - Vec2::new(-8.0, 2.5),
                rect.right_bottom() - Vec2::new(8.0, 0.5),
            );
            ui.painter().rect_filled(line, 1.0, p.accent);
        }
        if response.on_hover_text(keys_of(&format!("{title} workspace"))).clicked() {
            cx.send(WindowAction::SetWorkspace(workspace));
        }
    }
}

fn device(ui: &mut egui::Ui, cx: &PanelCx<'_>) {
    if cx.state.device.is_empty() {
        return;
    }
    let p = theme::palette(ui);
    egui::Frame::new().fill(p.card).corner_radius(10).inner_margin(egui::Margin::symmetric(8, 2)).show(ui, |ui| {
        ui.label(RichText::new(&cx.state.device).text_style(theme::caption()).color(p.muted))
            .on_hover_text("What networks run on. Choose it in the configuration of a training.");
    });
}

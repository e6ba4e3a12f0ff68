//! Ctrl+P: every command by name.

use crate::ui::action::WindowAction;
use crate::ui::commands::{COMMANDS, Command};
use crate::ui::panel::PanelCx;
use crate::ui::state::Dialog;
use crate::ui::theme;
use egui::{Key, RichText};

/// Commands whose title holds the letters of the query in order; better matches first.
fn matching(query: &str) -> Vec<&'static Command> {
    let mut found: Vec<(usize, &Command)> =
        COMMANDS.iter().filter_map(|c| score(&c.title.to_lowercase(), &query.to_lowercase()).map(|s| (s, c))).collect();
    found.sort_by_key(|(score, _)| *score);
    found.into_iter().map(|(_, c)| c).collect()
}

/// Lower is better: 0 for a match of the whole query at a word's start, then anywhere, then scattered letters.
fn score(title: &str, query: &str) -> Option<usize> {
    let query = query.trim();
    if query.is_empty() || title.starts_with(query) {
        return Some(0);
    }
    if let Some(at) = title.find(query) {
        return Some(if title[..at].ends_with(' ') { 1 } else { 2 });
    }
    let mut rest = title.chars();
    let mut gaps = 3;
    for wanted in query.chars().filter(|c| !c.is_whitespace()) {
        gaps += rest.position(|c| c == wanted)?;
    }
    Some(gaps)
}

/// The palette.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::Palette { query, chosen }) = &cx.state.dialog else { return };
    let (mut query, mut chosen) = (query.clone(), *chosen);
    let before = (query.clone(), chosen);
    let mut picked: Option<&'static Command> = None;
    let area =
        egui::Modal::default_area(egui::Id::unique("command palette")).anchor(egui::Align2::CENTER_TOP, [0.0, 70.0]);
    let response = egui::Modal::new(egui::Id::unique("command palette")).area(area).show(ui.ctx(), |ui| {
        ui.set_width(480.0);
        let (down, up, enter) = ui.input_mut(|i| {
            let mut press = |key| i.consume_key(egui::Modifiers::NONE, key);
            (press(Key::ArrowDown), press(Key::ArrowUp), press(Key::Enter))
        });
        let field =
            egui::TextEdit::singleline(&mut query).desired_width(f32::INFINITY).hint_text("What do you want to do?");
        let field = ui.add(field);
        crate::ui::widgets::text::name(&field, "Search commands");
        field.request_focus();
        let found = matching(&query);
        if field.changed() {
            chosen = 0;
        }
        chosen = (chosen + usize::from(down)).min(found.len().saturating_sub(1)).saturating_sub(usize::from(up));
        egui::ScrollArea::vertical().max_height(330.0).show(ui, |ui| {
            for (i, command) in found.iter().enumerate() {
                let enabled = (command.enabled)(cx.state);
                let response = row(ui, command, i == chosen, enabled);
                if i == chosen && (down || up) {
                    response.scroll_to_me(None);
                }
                if enabled && (response.clicked() || (enter && i == chosen)) {
                    picked = Some(command);
                }
            }
            if found.is_empty() {
                ui.weak("No command matches.");
            }
        });
    });
    if let Some(command) = picked {
        cx.send(WindowAction::SetDialog(None));
        cx.send((command.action)());
    } else if response.should_close() {
        cx.send(WindowAction::SetDialog(None));
    } else if (query.clone(), chosen) != before {
        cx.send(WindowAction::SetDialog(Some(Dialog::Palette { query, chosen })));
    }
}

fn row(ui: &mut egui::Ui, command: &Command, chosen: bool, enabled: bool) -> egui::Response {
    let p = theme::palette(ui);
    let keys = command.keys.first().map_or_else(String::new, |k| k.text());
    let menu = RichText::new(format!("{}  {keys}", command.menu.title())).text_style(theme::caption()).color(p.muted);
    let button = egui::Button::selectable(chosen, command.title)
        .right_text(menu)
        .min_size(egui::vec2(ui.available_width(), 24.0));
    ui.add_enabled(enabled, button)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_find_commands_and_whole_words_come_first() {
        let titles: Vec<&str> = matching("next fr").iter().map(|c| c.title).collect();
        assert_eq!(titles.first(), Some(&"Next frame"));
        assert!(matching("mkdemo").iter().any(|c| c.title.starts_with("Make the demo")));
        assert!(matching("zzzz").is_empty());
        assert_eq!(matching("").len(), COMMANDS.len());
    }
}

//! Ctrl+P: every action and every thing by name.

use crate::ui::action::WindowAction;
use crate::ui::finder::{self, FinderKey, Thing};
use crate::ui::panel::PanelCx;
use crate::ui::state::{AppState, Dialog};
use crate::ui::theme;
use egui::{Key, RichText};
use std::sync::Arc;

/// What a query finds; looked for again only when it, or what it is answered from, is another one.
fn found(ui: &egui::Ui, state: &AppState, query: &str) -> Arc<Vec<Thing>> {
    let (id, key) = (egui::Id::unique("palette finds"), FinderKey::of(state, query));
    if let Some((of, known)) = ui.data(|d| d.get_temp::<(FinderKey, Arc<Vec<Thing>>)>(id))
        && of == key
    {
        return known;
    }
    let known = Arc::new(finder::find(state, query));
    ui.data_mut(|d| d.insert_temp(id, (key, known.clone())));
    known
}

/// The palette.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::Palette { query, chosen }) = &cx.state.dialog else { return };
    let (mut query, mut chosen) = (query.clone(), *chosen);
    let before = (query.clone(), chosen);
    let mut picked: Option<Thing> = None;
    let area =
        egui::Modal::default_area(egui::Id::unique("command palette")).anchor(egui::Align2::CENTER_TOP, [0.0, 70.0]);
    let response = egui::Modal::new(egui::Id::unique("command palette")).area(area).show(ui.ctx(), |ui| {
        ui.set_width(540.0);
        let (down, up, enter) = ui.input_mut(|i| {
            let mut press = |key| i.consume_key(egui::Modifiers::NONE, key);
            (press(Key::ArrowDown), press(Key::ArrowUp), press(Key::Enter))
        });
        let hint = "An action, a video, a class, a clip, a run, a setting…";
        let field = egui::TextEdit::singleline(&mut query).desired_width(f32::INFINITY).hint_text(hint);
        let field = ui.add(field);
        crate::ui::widgets::text::name(&field, "Search commands");
        field.request_focus();
        let found = found(ui, cx.state, &query);
        if field.changed() {
            chosen = 0;
        }
        chosen = (chosen + usize::from(down)).min(found.len().saturating_sub(1)).saturating_sub(usize::from(up));
        egui::ScrollArea::vertical().max_height(330.0).show(ui, |ui| {
            for (i, thing) in found.iter().enumerate() {
                let enabled = finder::enabled(cx.state, &thing.target);
                let response = row(ui, thing, i == chosen, enabled);
                if i == chosen && (down || up) {
                    response.scroll_to_me(None);
                }
                if enabled && (response.clicked() || (enter && i == chosen)) {
                    picked = Some(thing.clone());
                }
            }
            if found.is_empty() {
                ui.weak("Nothing matches.");
            }
        });
    });
    if let Some(thing) = picked {
        cx.send(WindowAction::SetDialog(None));
        cx.actions.extend(finder::actions(cx.state, &thing.target));
    } else if response.should_close() {
        cx.send(WindowAction::SetDialog(None));
    } else if (query.clone(), chosen) != before {
        cx.send(WindowAction::SetDialog(Some(Dialog::Palette { query, chosen })));
    }
}

fn row(ui: &mut egui::Ui, thing: &Thing, chosen: bool, enabled: bool) -> egui::Response {
    let p = theme::palette(ui);
    let kind = RichText::new(&thing.kind).text_style(theme::caption()).color(p.muted);
    let button = egui::Button::selectable(chosen, &thing.title)
        .right_text(kind)
        .truncate()
        .min_size(egui::vec2(ui.available_width(), 24.0));
    ui.add_enabled(enabled, button)
}

//! Tags of a clip as a row of buttons, and the menu that puts them on.

use super::text;
use crate::run_folder::{ClipNote, Notes};
use crate::ui::theme;
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{RichText, Ui};

/// Tags offered before anybody has made one.
const USUAL: [&str; 4] = ["label is wrong", "ambiguous", "occluded", "interesting"];

/// Tags in use, the usual ones after them.
pub fn known(notes: Option<&Notes>) -> Vec<String> {
    let mut known: Vec<String> = notes.map(|n| n.tags().into_keys().map(str::to_owned).collect()).unwrap_or_default();
    known.extend(USUAL.into_iter().filter(|u| !known.iter().any(|k| k == u)).map(str::to_owned).collect::<Vec<_>>());
    known
}

/// A menu that puts tags on a clip or takes them off; the changed note when something was done. `fresh` is the text of
/// a new tag while it is typed.
pub fn menu(ui: &mut Ui, note: &ClipNote, notes: Option<&Notes>, fresh: &mut String) -> Option<ClipNote> {
    let mut changed: Option<ClipNote> = None;
    // Several tags may be put on in one go.
    let stays = MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    let button = MenuButton::new("Tag…").config(stays);
    // What stands before the button may change by what is done in the menu, which must stay the same menu.
    let (response, _) = ui
        .push_id("tag menu", |ui| {
            button.ui(ui, |ui| {
                ui.set_min_width(170.0);
                for tag in known(notes) {
                    let mut on = note.tags.contains(&tag);
                    if ui.checkbox(&mut on, &tag).changed() {
                        changed.get_or_insert_with(|| note.clone()).toggle(&tag);
                    }
                }
                ui.separator();
                let field = ui.add(egui::TextEdit::singleline(fresh).hint_text("new tag, Enter").desired_width(150.0));
                text::name(&field, "New tag");
                if field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) && !fresh.trim().is_empty() {
                    let note = changed.get_or_insert_with(|| note.clone());
                    if !note.tags.iter().any(|t| t == fresh.trim()) {
                        note.toggle(fresh);
                    }
                    fresh.clear();
                }
            })
        })
        .inner;
    response.on_hover_text("Put tags on the clip; they are saved with the run");
    changed
}

/// The tags of a clip; a click takes one off.
pub fn row(ui: &mut Ui, note: &ClipNote) -> Option<ClipNote> {
    let p = theme::palette(ui);
    let mut changed = None;
    for tag in &note.tags {
        let button = egui::Button::new(RichText::new(format!("{tag} ×")).text_style(theme::caption())).fill(p.card);
        let response = ui.add(button);
        text::name(&response, &format!("Remove tag {tag}"));
        if response.on_hover_text("Take this tag off").clicked() {
            let mut note = note.clone();
            note.toggle(tag);
            changed = Some(note);
        }
    }
    changed
}

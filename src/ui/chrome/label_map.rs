//! The table that says what becomes of the classes of the open dataset.

use super::dialogs::{answer, buttons};
use crate::domain::{LabelMap, grouped, leaf};
use crate::ui::action::{OpenAction, WindowAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{Dialog, LabelMapForm, RowTarget};
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::text;
use crate::ui::{Action, theme};
use egui::{RichText, Ui, Vec2};

/// Height of a row.
const ROW: f32 = 26.0;
/// Widths of the columns: place, class, annotations, frames, new name, what it becomes.
const WIDTHS: [f32; 6] = [52.0, 170.0, 78.0, 84.0, 150.0, 170.0];

/// Draws the dialog.
pub fn ui(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::LabelMap(form)) = &cx.state.dialog else { return };
    let before = (**form).clone();
    let mut form = before.clone();
    let mut done: Option<Action> = None;
    let response = egui::Modal::new(egui::Id::unique("label map dialog")).show(ui.ctx(), |ui| {
        ui.set_width(WIDTHS.iter().sum::<f32>() + 60.0);
        ui.heading("Label map");
        let told = format!(
            "What the classes in the files of {} are from here on. It is kept with the dataset and with its runs; the files stay \
             as they are.",
            leaf(&form.root)
        );
        ui.label(RichText::new(told).weak());
        ui.add_space(6.0);
        head(ui);
        let count = form.rows.len();
        let most = (ui.ctx().content_rect().height() - 260.0).clamp(120.0, 420.0);
        let area = egui::ScrollArea::vertical().max_height(most).auto_shrink([false, true]);
        area.show_rows(ui, ROW, count, |ui, range| {
            let mut shift = None;
            for at in range {
                shift = row(ui, &mut form, at).or(shift);
            }
            if let Some((at, by)) = shift {
                form.shift(at, by);
            }
        });
        if form.rows != before.rows {
            form.check();
        }
        ui.add_space(6.0);
        let p = theme::palette(ui);
        match &form.checked {
            Err(sentence) => drop(ui.colored_label(p.bad, sentence)),
            Ok(map) => drop(ui.label(RichText::new(summary(&form, map)).weak())),
        }
        buttons(ui, |ui| {
            let map = form.checked.clone().ok().filter(|map| *map != form.before);
            let button = egui::Button::new(RichText::new("Apply").color(p.on_accent)).fill(p.accent);
            let help = "Reads the dataset again with these classes; Undo takes it back";
            if ui.add_enabled(map.is_some(), button).on_hover_text(help).clicked() {
                done = map.map(|map| Action::Open(OpenAction::Relabel(Box::new(map))));
            }
            if ui.button("Cancel").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
            if ui.button("Reset").on_hover_text("Every class as it is in the files").clicked() {
                form.reset();
                form.check();
            }
        });
    });
    let changed = (form != before).then(|| Dialog::LabelMap(Box::new(form)));
    answer(cx, done, response.should_close(), changed);
}

/// How many classes there are then.
fn summary(form: &LabelMapForm, map: &LabelMap) -> String {
    let kept = form.rows.iter().filter(|r| r.target == RowTarget::Itself).count();
    let now = if *map == form.before { "as it was read" } else { "not applied yet" };
    format!("{kept} of {} classes stay, {now}", form.rows.len())
}

fn head(ui: &mut Ui) {
    ui.horizontal(|ui| {
        for (title, width) in
            ["order", "class in the files", "annotations", "frames", "name", "becomes"].iter().zip(WIDTHS)
        {
            cell(ui, width, |ui| drop(ui.label(RichText::new(*title).text_style(theme::caption()).weak())));
        }
    });
}

fn cell(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) {
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(Vec2::new(width, ROW - ui.spacing().item_spacing.y), layout, |ui| {
        ui.set_min_width(width);
        ui.set_max_width(width);
        add(ui);
    });
}

/// A row; by how many places which row is to be moved.
fn row(ui: &mut Ui, form: &mut LabelMapForm, at: usize) -> Option<(usize, isize)> {
    let mut shift = None;
    let class = form.rows.get(at)?.class;
    let source = form.sources.get(class)?.clone();
    let own = source.class.name.as_str();
    let last = form.rows.len() - 1;
    ui.horizontal(|ui| {
        cell(ui, WIDTHS[0], |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.add_enabled_ui(at > 0, |ui| {
                if icons::small_button(ui, Icon::Up, &format!("Move {own} up")).clicked() {
                    shift = Some((at, -1));
                }
            });
            ui.add_enabled_ui(at < last, |ui| {
                if icons::small_button(ui, Icon::Down, &format!("Move {own} down")).clicked() {
                    shift = Some((at, 1));
                }
            });
        });
        cell(ui, WIDTHS[1], |ui| {
            let number = source.class.source.as_ref().map_or_else(String::new, |n| format!("  no. {n}"));
            let label = egui::Label::new(format!("{own}{number}")).truncate();
            ui.add(label).on_hover_text(own);
        });
        for (width, n) in WIDTHS.into_iter().skip(2).zip([source.instances, source.frames]) {
            cell(ui, width, |ui| drop(ui.label(RichText::new(grouped(n)).weak())));
        }
        let becomes = targets(form, class);
        let Some(row) = form.rows.get_mut(at) else { return };
        cell(ui, WIDTHS[4], |ui| {
            let field = egui::TextEdit::singleline(&mut row.name).desired_width(WIDTHS[4] - 12.0);
            let field = ui.add_enabled(row.target == RowTarget::Itself, field);
            text::name(&field, &format!("New name of {own}"));
        });
        cell(ui, WIDTHS[5], |ui| {
            let shown = match row.target {
                RowTarget::Itself => "a class of its own".to_owned(),
                RowTarget::Background => "background".to_owned(),
                RowTarget::LeftOut => "left out".to_owned(),
                RowTarget::Into(class) => {
                    becomes.iter().find(|(c, _)| *c == class).map_or_else(String::new, |(_, n)| n.clone())
                }
            };
            let combo = egui::ComboBox::from_id_salt(("becomes", class)).width(WIDTHS[5] - 10.0).truncate();
            let response = combo.selected_text(shown).show_ui(ui, |ui| {
                ui.selectable_value(&mut row.target, RowTarget::Itself, "a class of its own");
                ui.selectable_value(&mut row.target, RowTarget::Background, "background");
                ui.selectable_value(&mut row.target, RowTarget::LeftOut, "left out");
                ui.separator();
                for (class, name) in &becomes {
                    ui.selectable_value(&mut row.target, RowTarget::Into(*class), format!("part of {name}"));
                }
            });
            text::name(&response.response, &format!("What becomes of {own}"));
        });
    });
    shift
}

/// The classes that this one can become a part of, with the names they get.
fn targets(form: &LabelMapForm, class: usize) -> Vec<(usize, String)> {
    let others = form.rows.iter().filter(|r| r.class != class && r.target == RowTarget::Itself);
    others.map(|r| (r.class, r.name.clone())).collect()
}

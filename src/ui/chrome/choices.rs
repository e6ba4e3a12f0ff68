//! The dialog that asks for what the files of a dataset leave open, before it is opened.

use super::dialogs::{answer, buttons};
use crate::domain::leaf;
use crate::ui::action::{OpenAction, WindowAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::Dialog;
use crate::ui::widgets::choice_rows;
use crate::ui::{Action, theme};
use egui::{RichText, Ui};

/// Draws the dialog.
pub fn ui(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::Choices(form)) = &cx.state.dialog else { return };
    let before = (**form).clone();
    let mut form = before.clone();
    let mut done: Option<Action> = None;
    let response = egui::Modal::new(egui::Id::unique("choices dialog")).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        ui.heading(format!("How is {} to be read?", leaf(&form.path)));
        ui.label(
            RichText::new("Its files leave this open. The answer is kept with the dataset and with its runs.").weak(),
        );
        ui.add_space(6.0);
        egui::ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
            choice_rows::rows(ui, &mut form.choice);
        });
        ui.add_space(6.0);
        let p = theme::palette(ui);
        buttons(ui, |ui| {
            let button = egui::Button::new(RichText::new("Open").color(p.on_accent)).fill(p.accent);
            if ui.add_enabled(!form.choice.value.is_empty(), button).clicked() {
                let mut values = form.answered.clone();
                values.push((form.choice.key.clone(), form.choice.value.clone()));
                done = Some(Action::Open(OpenAction::Choose(form.path.clone(), values)));
            }
            if ui.button("Cancel").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
        });
    });
    let changed = (form != before).then(|| Dialog::Choices(Box::new(form)));
    answer(cx, done, response.should_close(), changed);
}

//! What to know about the classes of a run where they are not those of the dataset, before anything is computed.

use super::style;
use crate::domain::ClassMatch;
use crate::jobs::RunView;
use crate::ui::action::WorkAction;
use crate::ui::networks::ClassNotice;
use crate::ui::panel::PanelCx;
use crate::ui::{Action, theme};
use egui::Ui;
use std::sync::Arc;

/// Says how the classes of a run stand to those of the dataset, where that is not plain: foreign ones with what can be
/// done, others in a line.
pub fn show(ui: &mut Ui, cx: &mut PanelCx<'_>, run: &Arc<RunView>) {
    let told = cx.state.class_notice(run);
    let Some(ClassNotice { foreign, text }) = told.as_ref() else { return };
    let p = theme::palette(ui);
    let mut actions = Vec::new();
    notice(ui, if *foreign { p.bad } else { p.warn }, text, |ui| {
        buttons(ui, run, &mut actions);
        let help = "Predictions and heatmaps without a true class; nothing can be evaluated";
        if *foreign && ui.button("Use without labels").on_hover_text(help).clicked() {
            actions.push(Action::Work(WorkAction::SetClasses(run.path.clone(), ClassMatch::Unlabelled, None)));
        }
    });
    cx.actions.extend(actions);
}

fn buttons(ui: &mut Ui, run: &RunView, actions: &mut Vec<Action>) {
    let help = "A table of which class of the run each class of the dataset is";
    if ui.button("Map classes…").on_hover_text(help).clicked() {
        actions.push(Action::Work(WorkAction::AskClasses(run.path.clone(), None)));
    }
}

/// A sentence with buttons behind it, or below it where it is long.
fn notice(ui: &mut Ui, color: egui::Color32, text: &str, buttons: impl FnOnce(&mut Ui)) {
    style::notice_with(ui, color, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(text);
            buttons(ui);
        });
    });
    ui.add_space(4.0);
}

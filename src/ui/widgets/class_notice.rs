//! What to know about the classes of a run where they are not those of the dataset, before anything is computed.

use super::style;
use crate::domain::{leaf, listed};
use crate::eval::{ClassMatch, ClassMatchError};
use crate::jobs::RunView;
use crate::ui::panel::PanelCx;
use crate::ui::{Action, theme};
use egui::Ui;
use std::sync::Arc;

/// Names in a sentence before the rest are only counted.
const LISTED: usize = 4;

/// Says how the classes of a run stand to those of the dataset, where that is not plain: foreign ones with what can be
/// done, others in a line.
pub fn show(ui: &mut Ui, cx: &mut PanelCx<'_>, run: &Arc<RunView>) {
    let name = leaf(&run.path);
    let (dataset, p) = (cx.state.classes().clone(), theme::palette(ui));
    if cx.state.dataset.is_none() || dataset.is_empty() {
        return;
    }
    let mut actions = Vec::new();
    match cx.state.class_map(run) {
        Err(reason) => {
            let text = match &reason {
                ClassMatchError::Foreign { dataset, run } => format!(
                    "The classes of {name} are not those of this dataset. The dataset has {}; {name} has {}. Nothing is \
                     computed before you say which is which.",
                    listed(dataset, LISTED),
                    listed(run, LISTED)
                ),
                other => format!("The classes of {name} cannot be matched: {other}."),
            };
            notice(ui, p.bad, &text, |ui| {
                buttons(ui, run, &mut actions);
                let said = ClassMatch::Unlabelled;
                let help = "Predictions and heatmaps without a true class; nothing can be evaluated";
                if ui.button("Use without labels").on_hover_text(help).clicked() {
                    actions.push(Action::SetClasses(run.path.clone(), said, None));
                }
            });
        }
        Ok(map) => {
            let mut notes = map.notes(&dataset, &run.classes);
            if map.is_empty() {
                notes.push("the labels of this dataset are not used".to_owned());
            }
            if !notes.is_empty() {
                let text = format!("{name}: {}.", notes.join("; "));
                notice(ui, p.warn, &text, |ui| buttons(ui, run, &mut actions));
            }
        }
    }
    cx.actions.extend(actions);
}

fn buttons(ui: &mut Ui, run: &RunView, actions: &mut Vec<Action>) {
    let help = "A table of which class of the run each class of the dataset is";
    if ui.button("Map classes…").on_hover_text(help).clicked() {
        actions.push(Action::AskClasses(run.path.clone(), None));
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

//! What to do next, as buttons.

use crate::ui::action::WorkAction;
use crate::ui::panel::PanelCx;
use crate::ui::state::{NextStep, Workspace};
use crate::ui::theme;
use egui::{RichText, Ui};
use std::path::Path;

/// These steps as a row of buttons, the first in the accent colour.
pub fn row(ui: &mut Ui, cx: &mut PanelCx<'_>, steps: &[NextStep]) {
    if steps.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        for (i, step) in steps.iter().enumerate() {
            button(ui, cx, step, i == 0);
        }
    });
}

/// One step as a button.
pub fn button(ui: &mut Ui, cx: &mut PanelCx<'_>, step: &NextStep, primary: bool) {
    let p = theme::palette(ui);
    let name = cx.state.name_of_step(step);
    let button = match primary && !matches!(step, NextStep::OpenFolder(_)) {
        true => egui::Button::new(RichText::new(name).color(p.on_accent)).fill(p.accent),
        false => egui::Button::new(name),
    };
    if ui.add(button).clicked() {
        cx.send(WorkAction::Next(step.clone()));
    }
}

/// What follows a training that has ended, where the run on screen is the one in use.
pub fn after_training(ui: &mut Ui, cx: &mut PanelCx<'_>, run: &Path) {
    let state = cx.state;
    if state.workspace != Workspace::Train || state.selection.run.as_deref() != Some(run) {
        return;
    }
    let steps = state.next_steps();
    if !steps.contains(&NextStep::Watch) {
        row(ui, cx, &steps);
    }
}

//! The dialog that writes labels as files: in the layout of the dataset, or for another tool.

use super::dialogs::{answer, buttons};
use crate::data::LabelTool;
use crate::jobs::SplitChoice;
use crate::jobs::kinds::ExportLabels;
use crate::ui::Action;
use crate::ui::action::{WindowAction, WorkAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{AppState, Dialog, LabelExportForm};
use crate::ui::theme;
use egui::RichText;
use std::path::{Path, PathBuf};

/// What a choice writes, in a line.
fn told(tool: Option<LabelTool>) -> &'static str {
    match tool {
        None => "Label files like those of the dataset, or a table, with all corrections; kinolens reads them again.",
        Some(LabelTool::FiftyOne) => "Temporal detections and a dataset as JSON.",
        Some(LabelTool::Coco) => "One JSON file of videos, categories and annotations with their frames.",
        Some(LabelTool::Cvat) => "One XML file a video, in the form of CVAT for video 1.1.",
    }
}

/// Draws the dialog.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::ExportLabels(before)) = &cx.state.dialog else { return };
    let mut form = before.clone();
    let mut done: Option<Action> = None;
    let response = egui::Modal::new(egui::Id::unique("label export dialog")).show(ui.ctx(), |ui| {
        ui.set_width(460.0);
        ui.heading("Export labels");
        fields(ui, cx.state, &mut form);
        ui.add(egui::Label::new(RichText::new(told(form.tool)).weak()).wrap());
        let p = theme::palette(ui);
        // The layout of the dataset is written in the classes of its files.
        let mapped = form.tool.is_none() && cx.state.dataset.as_ref().is_some_and(|d| d.mapped.is_some());
        if mapped {
            let why = "A label map is on: take it off (Edit, Label map…) to write labels in the classes of the files.";
            ui.add(egui::Label::new(RichText::new(why).color(p.warn)).wrap());
        }
        let out = form.out.trim().to_owned();
        let found = cx.state.disk.at(Path::new(&out)).value().map(|found| found.taken);
        match found {
            Some(true) => {
                ui.colored_label(p.warn, "This folder is not empty: name another, or replace files of the same names.");
                ui.checkbox(&mut form.replace, "Replace files of the same names");
            }
            Some(false) => {}
            None => drop(ui.weak("Looking at the folder…")),
        }
        buttons(ui, |ui| {
            let button = egui::Button::new(RichText::new("Export").color(p.on_accent)).fill(p.accent);
            let free = found == Some(false) || (found == Some(true) && form.replace);
            if ui.add_enabled(free && !out.is_empty() && !mapped, button).clicked() {
                done = kind(cx.state, &form).map(|kind| Action::Work(WorkAction::ExportLabels(Box::new(kind))));
            }
            if ui.button("Cancel").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
        });
    });
    let changed = (form != *before).then_some(Dialog::ExportLabels(form));
    answer(cx, done, response.should_close(), changed);
}

fn fields(ui: &mut egui::Ui, state: &AppState, form: &mut LabelExportForm) {
    egui::Grid::new("label export fields").num_columns(2).spacing([12.0, 8.0]).show(ui, |ui| {
        ui.label("For");
        ui.horizontal_wrapped(|ui| {
            ui.radio_value(&mut form.tool, None, "kinolens");
            for tool in LabelTool::ALL {
                ui.radio_value(&mut form.tool, Some(tool), tool.title());
            }
        });
        ui.end_row();
        let other = form.tool.is_some();
        let label = ui.label("Videos").id;
        let chosen = if other { form.split } else { SplitChoice::All };
        let split = ui.add_enabled_ui(other, |ui| {
            let combo = egui::ComboBox::from_id_salt("label export split").selected_text(chosen.name());
            let shown = combo.show_ui(ui, |ui| {
                for split in [SplitChoice::All, SplitChoice::Train, SplitChoice::Val, SplitChoice::Test] {
                    ui.selectable_value(&mut form.split, split, split.name());
                }
            });
            shown.response
        });
        split.inner.labelled_by(label);
        ui.end_row();
        ui.label("");
        let network = state.identity();
        let text = match &network {
            Some(network) => format!("Predictions of {network} beside them"),
            None => "Predictions of a network beside them (choose a run first)".to_owned(),
        };
        let mut on = form.predictions && other && network.is_some();
        let response = ui.add_enabled(other && network.is_some(), egui::Checkbox::new(&mut on, text));
        if response.changed() {
            form.predictions = on;
        }
        ui.end_row();
        let label = ui.label("Folder").id;
        ui.add(egui::TextEdit::singleline(&mut form.out).desired_width(330.0)).labelled_by(label);
        ui.end_row();
    });
}

/// The job that was filled in.
fn kind(state: &AppState, form: &LabelExportForm) -> Option<ExportLabels> {
    let checkpoint = state.selection.checkpoint_ref();
    let predictions = checkpoint.filter(|_| form.predictions && form.tool.is_some());
    let class_match = predictions.as_ref().map(|c| state.class_match(&c.run)).unwrap_or_default();
    Some(ExportLabels {
        dataset: state.dataset.clone()?,
        split: if form.tool.is_some() { form.split } else { SplitChoice::All },
        tool: form.tool,
        predictions,
        class_match,
        out: PathBuf::from(form.out.trim()),
    })
}

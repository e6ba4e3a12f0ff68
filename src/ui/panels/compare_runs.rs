//! Which runs are compared, on what, and the buttons that start it.

use super::compare_parts::outdated;
use crate::domain::leaf;
use crate::jobs::{CheckpointRef, Job, RunView, SplitChoice};
use crate::progress::Flow;
use crate::ui::action::{CompareAction, SystemAction, WorkAction};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{JobStatus, PathPurpose};
use crate::ui::widgets::{network_pick, style, table_view, text};
use crate::ui::{Action, AppState, theme};
use egui::{RichText, Ui};
use std::sync::Arc;

/// The panel.
#[derive(Default)]
pub struct CompareRunsPanel {
    /// Words that the names of listed runs hold.
    filter: String,
}

/// With more runs than this there is a field to find one.
const MANY: usize = 12;

impl Panel for CompareRunsPanel {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        ui.horizontal(|ui| {
            ui.label(RichText::new("Runs").text_style(theme::section()));
            if ui.button("Open a run…").clicked() {
                cx.send(SystemAction::AskPath(PathPurpose::Run));
            }
        });
        if state.runs.is_empty() {
            let next = state.awaited_run().unwrap_or_else(|| "Train two, or open their folders.".into());
            ui.add(egui::Label::new(RichText::new(format!("No run is open. {next}")).weak()).wrap());
            return;
        }
        let chosen = state.to_compare();
        buttons(ui, cx, &chosen);
        ui.separator();
        if state.runs.len() > MANY {
            let field =
                egui::TextEdit::singleline(&mut self.filter).hint_text("Find a run").desired_width(f32::INFINITY);
            ui.add(field).accessible_name("Find a run");
        } else {
            self.filter.clear();
        }
        let words = self.filter.to_lowercase();
        let runs: Vec<Arc<RunView>> =
            state.runs.iter().filter(|r| leaf(&r.path).to_lowercase().contains(words.trim())).cloned().collect();
        let mut asked = None;
        egui::ScrollArea::vertical().id_salt("runs to compare").auto_shrink([false, false]).show(ui, |ui| {
            if runs.len() > 2 {
                ui.horizontal(|ui| {
                    if ui.button("All").on_hover_text("Choose every run on the list").clicked() {
                        let all = runs.iter().rev().filter(|r| !r.checkpoints.is_empty());
                        asked = Some(all.map(|r| network(state, r)).collect());
                    }
                    if ui.button("None").clicked() {
                        asked = Some(Vec::new());
                    }
                });
            }
            for run in &runs {
                if let Some(networks) = self::run(ui, state, run, &chosen) {
                    asked = Some(networks);
                }
            }
        });
        if let Some(networks) = asked {
            cx.send(CompareAction::Choose(networks));
        }
    }
}

fn network(state: &AppState, run: &RunView) -> CheckpointRef {
    CheckpointRef { run: run.path.clone(), name: state.first_checkpoint(run) }
}

/// A run with its box, and the checkpoint that is compared; gives what is chosen after a click.
fn run(ui: &mut Ui, state: &AppState, run: &RunView, chosen: &[CheckpointRef]) -> Option<Vec<CheckpointRef>> {
    let name = leaf(&run.path);
    let at = chosen.iter().position(|n| n.run == run.path);
    let mut asked = None;
    ui.horizontal(|ui| {
        let mut on = at.is_some();
        let usable = !run.checkpoints.is_empty();
        let title = text::elide_middle(&name, 26);
        let response = ui.add_enabled(usable, egui::Checkbox::new(&mut on, title));
        response
            .widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, usable, on, format!("Compare {name}")));
        if response.on_hover_text(run.path.display().to_string()).changed() {
            let mut networks = chosen.to_vec();
            match at {
                Some(at) => drop(networks.remove(at)),
                None => networks.push(network(state, run)),
            }
            asked = Some(networks);
        }
        if let Some(at) = at {
            table_view::run_dot(ui, at);
        }
        if state.live_training().is_some_and(|(live, _)| live.run.path == run.path) {
            ui.label(RichText::new("training").text_style(theme::caption()).color(theme::palette(ui).accent));
        }
    });
    if !usable_note(ui, run) {
        return asked;
    }
    if let Some(network) = at.and_then(|at| chosen.get(at)).filter(|_| run.checkpoints.len() > 1) {
        ui.indent(("checkpoint of", &run.path), |ui| {
            let now = network.name.as_deref();
            let shown = now.map_or_else(|| "default".to_owned(), |n| network_pick::weights(run, n));
            let combo = egui::ComboBox::from_id_salt(("compared checkpoint", &run.path))
                .selected_text(&shown)
                .truncate()
                .width(ui.available_width().min(200.0));
            let response = combo
                .show_ui(ui, |ui| {
                    if let Some(picked) = network_pick::checkpoints(ui, run, now) {
                        let other = |n: &CheckpointRef| match n.run == run.path {
                            true => CheckpointRef { name: Some(picked.clone()), ..n.clone() },
                            false => n.clone(),
                        };
                        asked = Some(chosen.iter().map(other).collect());
                    }
                })
                .response;
            text::name(&response, &format!("Checkpoint of {name}"));
            response.on_hover_text(shown);
        });
    }
    asked
}

/// Says where a run has nothing to compare; true when it has.
fn usable_note(ui: &mut Ui, run: &RunView) -> bool {
    if run.checkpoints.is_empty() {
        ui.indent(("no checkpoint", &run.path), |ui| ui.weak("no checkpoint yet"));
        return false;
    }
    true
}

/// On which clips, what else is measured, and the buttons.
fn buttons(ui: &mut Ui, cx: &mut PanelCx<'_>, chosen: &[CheckpointRef]) {
    let state = cx.state;
    let comparing = &state.comparing;
    let mut asked: Vec<Action> = Vec::new();
    ui.horizontal(|ui| {
        let label = ui.weak("Clips");
        let name = |split: Option<SplitChoice>| match split.filter(|_| state.dataset.is_some()) {
            Some(split) => format!("{} of this dataset", split.name()),
            None => "as they were evaluated".to_owned(),
        };
        let splits = [SplitChoice::Test, SplitChoice::Val, SplitChoice::Train, SplitChoice::All].map(Some);
        egui::ComboBox::from_id_salt("compared clips")
            .selected_text(name(comparing.split))
            .width(ui.available_width().min(200.0))
            .truncate()
            .show_ui(ui, |ui| {
                let usable = splits.into_iter().filter(|_| state.dataset.is_some()).chain([None]);
                for split in usable {
                    let row = ui.selectable_label(comparing.split == split, name(split));
                    let help = "Runs that were not evaluated there are evaluated first";
                    let row = if split.is_some() { row.on_hover_text(help) } else { row };
                    if row.clicked() {
                        asked.push(CompareAction::SetSplit(split).into());
                    }
                }
            })
            .response
            .labelled_by(label.id);
    });
    let mut time = comparing.time;
    let help = "Also time a forward pass of one clip of each network on this machine";
    if ui.checkbox(&mut time, "Time per clip").on_hover_text(help).changed() {
        asked.push(CompareAction::SetTime(time).into());
    }
    let busy = state.comparing_job();
    let ready = chosen.len() > 1 && busy.is_none();
    let p = theme::palette(ui);
    ui.horizontal_wrapped(|ui| {
        let button = match ready {
            true => egui::Button::new(RichText::new("Compare runs").color(p.on_accent)).fill(p.accent),
            false => egui::Button::new("Compare runs"),
        };
        let why = if busy.is_some() { "A comparison is under way" } else { "Choose at least two runs" };
        if ui.add_enabled(ready, button).on_disabled_hover_text(why).clicked() {
            asked.push(CompareAction::Start.into());
        }
        let some = !chosen.is_empty();
        let help = "One HTML file: tables, tests, curves, errors with maps over them";
        let report = ui.add_enabled(some, egui::Button::new("Report…")).on_hover_text(help);
        if report.on_disabled_hover_text("Choose a run").clicked() {
            asked.push(CompareAction::AskReport(chosen.to_vec(), comparing.split).into());
        }
    });
    progress(ui, state, &mut asked);
    if let Some(sentence) = &comparing.failure {
        style::notice(ui, p.bad, sentence);
    }
    if comparing.found.as_ref().is_some_and(|f| outdated(state, f)) && busy.is_none() {
        style::notice(ui, p.warn, "What is shown is of other runs or checkpoints than are chosen here: compare again.");
    }
    report_line(ui, state, &mut asked);
    asked.into_iter().for_each(|a| cx.send(a));
}

/// What the comparison or report under way is doing.
fn progress(ui: &mut Ui, state: &AppState, asked: &mut Vec<Action>) {
    let Some(job) = state.live_job(|job| matches!(job, Job::CompareRuns(_) | Job::WriteReport(_))) else { return };
    ui.horizontal_wrapped(|ui| {
        ui.spinner();
        let stage = match &job.stage {
            Some((label, done, total)) if *total > 0 => format!("{label} {done} / {total}"),
            Some((label, ..)) => format!("{label}…"),
            None if job.status == JobStatus::Queued => "waiting for its turn".into(),
            None => "starting…".into(),
        };
        ui.weak(stage);
        if ui.button("Stop").clicked() {
            asked.push(WorkAction::Control(job.id, Flow::Stop).into());
        }
    });
}

/// The report written last, with a button that opens it.
pub(super) fn report_line(ui: &mut Ui, state: &AppState, asked: &mut Vec<Action>) {
    let Some(path) = &state.comparing.report else { return };
    ui.horizontal(|ui| {
        let name = format!("Report: {}", text::elide_middle(&leaf(path), 24));
        ui.add(egui::Label::new(RichText::new(name).weak()).truncate()).on_hover_text(path.display().to_string());
        if ui.button("Open report").clicked() {
            asked.push(CompareAction::ShowFile(path.clone()).into());
        }
    });
}

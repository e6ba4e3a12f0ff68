//! What of a clip networks need: accuracy on clips whose time or picture was altered, beside that on clips as they are.

use super::compare_parts::sentence;
use crate::compare::motion::MotionReport;
use crate::compare::words;
use crate::domain::{counted, leaf};
use crate::jobs::{CheckpointRef, Job, SplitChoice};
use crate::progress::Flow;
use crate::ui::action::{CompareAction, WorkAction};
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{JobStatus, JobView, Workspace};
use crate::ui::widgets::table_view::{self, ShownTable, TableOrder};
use crate::ui::widgets::{style, text};
use crate::ui::{AppState, theme};
use egui::{RichText, Ui};

/// Which table is shown: accuracies, or recalls of the classes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Accuracy,
    Classes(usize),
}

/// The panel.
pub struct MotionTestPanel {
    /// At most so many clips, spread over the split; `None` takes all.
    most: Option<usize>,
    part: Part,
    order: TableOrder,
    shown: Derived<(Same<MotionReport>, Part, TableOrder), ShownTable>,
}

/// Clips taken where not all are.
const SOME_CLIPS: usize = 200;

impl Default for MotionTestPanel {
    fn default() -> Self {
        Self { most: None, part: Part::Accuracy, order: None, shown: Derived::default() }
    }
}

/// What is tested: the network in use in Evaluate, all that are chosen in Compare.
pub(super) fn asked(state: &AppState) -> (Vec<CheckpointRef>, SplitChoice) {
    if state.workspace == Workspace::Compare {
        return (state.to_compare(), state.comparing.split.unwrap_or_default());
    }
    let network = state
        .selection
        .checkpoint_ref()
        .map(|n| CheckpointRef { name: n.name.or_else(|| state.checkpoint_name().map(str::to_owned)), ..n });
    (network.into_iter().collect(), state.selection.split)
}

fn table(report: &MotionReport, part: Part) -> crate::compare::Table {
    match part {
        Part::Accuracy => report.table(),
        Part::Classes(run) => report.classes(run),
    }
}

impl Panel for MotionTestPanel {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let (networks, split) = asked(state);
        if networks.is_empty() {
            style::empty_state(ui, "No run is chosen", "The motion test asks what of a clip a network needs.", None);
            return;
        }
        self.controls(ui, cx, &networks, split);
        let Some(report) = state.motion_of(&networks, split) else {
            if running(state).is_none() {
                let text = "Shows the network clips as they are, with the middle frame frozen, shuffled, reversed, flipped, \
                            and with only the body or only the background, and tells which of these it can do without.";
                style::empty_state(ui, "Not tested yet", text, None);
            }
            return;
        };
        let report = &report;
        for note in &report.notes {
            style::notice(ui, theme::palette(ui).warn, note);
        }
        self.findings(ui, report);
        self.tables(ui, cx, report);
    }
}

/// The motion test under way.
fn running(state: &AppState) -> Option<&JobView> {
    state.live_job(|job| matches!(job, Job::TestMotion(_)))
}

impl MotionTestPanel {
    fn controls(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, networks: &[CheckpointRef], split: SplitChoice) {
        let state = cx.state;
        let busy = running(state);
        ui.horizontal_wrapped(|ui| {
            let names: Vec<String> = networks.iter().map(|n| leaf(&n.run)).collect();
            let what = text::elide(&names.join(", "), 48);
            ui.label(format!("{what} on {} clips", split.name())).on_hover_text(names.join("\n"));
            let mut some = self.most.is_some();
            if ui.checkbox(&mut some, "At most").on_hover_text("Clips spread evenly over the split").changed() {
                self.most = some.then_some(SOME_CLIPS);
            }
            if let Some(most) = &mut self.most {
                ui.add(egui::DragValue::new(most).range(10..=1_000_000).suffix(" clips")).accessible_name("Most clips");
            }
            let ready = state.dataset.is_some() && busy.is_none();
            let p = theme::palette(ui);
            let button = match ready {
                true => egui::Button::new(RichText::new("Test motion").color(p.on_accent)).fill(p.accent),
                false => egui::Button::new("Test motion"),
            };
            let why = if busy.is_some() { "A motion test is running" } else { "Open a dataset first" };
            if ui.add_enabled(ready, button).on_disabled_hover_text(why).clicked() {
                cx.send(CompareAction::TestMotion(networks.to_vec(), split, self.most));
            }
            let Some(job) = busy else { return };
            ui.spinner();
            match &job.stage {
                Some((label, done, total)) if *total > 0 => drop(ui.weak(format!("{label} {done} / {total}"))),
                Some((label, ..)) => drop(ui.weak(format!("{label}…"))),
                None if job.status == JobStatus::Queued => drop(ui.weak("waiting for its turn")),
                None => drop(ui.weak("starting…")),
            }
            if ui.button("Stop").clicked() {
                cx.send(WorkAction::Control(job.id, Flow::Stop));
            }
        });
        let failed = state.jobs.iter().rev().find(|j| matches!(j.job, Job::TestMotion(_))).map(|j| &j.status);
        if let Some(JobStatus::Failed(sentence)) = failed {
            style::notice(ui, theme::palette(ui).bad, sentence);
        }
    }

    /// What it comes to, run by run.
    fn findings(&self, ui: &mut Ui, report: &MotionReport) {
        let height = (ui.available_height() * 0.4).max(60.0);
        egui::ScrollArea::vertical().id_salt("findings").max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            for test in &report.tests {
                if report.tests.len() > 1 {
                    ui.label(RichText::new(format!("{} ({})", test.name, test.model)).text_style(theme::section()));
                }
                for finding in &test.findings {
                    sentence(ui, finding, !test.causes.is_empty());
                }
                for missing in &test.missing {
                    ui.weak(missing);
                }
            }
            if let Some(test) = report.tests.first() {
                let clips = test.scores.first().map_or(0, |s| s.clips);
                ui.weak(format!(
                    "{} of '{}'. {}",
                    counted(clips, "clip"),
                    test.split,
                    words::intervals(&test.resampled)
                ));
            }
        });
    }

    fn tables(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, report: &std::sync::Arc<MotionReport>) {
        let before = self.part;
        ui.horizontal_wrapped(|ui| {
            let sets = report.metric().of_sets();
            let (score, classes) =
                if sets { ("mAP", "Average precision per class") } else { ("Accuracy", "Recall per class") };
            ui.selectable_value(&mut self.part, Part::Accuracy, score);
            for (i, test) in report.tests.iter().enumerate() {
                let title = match report.tests.len() {
                    1 => classes.to_owned(),
                    _ => format!("{classes}: {}", text::elide_middle(&test.name, 24)),
                };
                ui.selectable_value(&mut self.part, Part::Classes(i), title);
            }
            ui.add_space(8.0);
            if let Some(format) = table_view::save_buttons(ui, "motion test") {
                cx.send(CompareAction::SaveTable(format, Box::new(table(report, self.part))));
            }
        });
        if matches!(self.part, Part::Classes(run) if run >= report.tests.len()) {
            self.part = Part::Accuracy;
        }
        if self.part != before {
            self.order = None;
        }
        let key = (Same::of(report), self.part, self.order);
        let shown = self.shown.get(key, || ShownTable::of(&table(report, self.part), self.order));
        if let Some(order) = table_view::show(ui, "motion", &shown, self.order) {
            self.order = order;
            ui.ctx().request_repaint();
        }
    }
}

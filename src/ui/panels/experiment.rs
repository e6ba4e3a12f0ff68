//! The runs of a plan: every one of them before anything is trained, then a queue.

use super::experiment_form::PlanForm;
use crate::domain::{counted, duration, leaf, listed};
use crate::jobs::LaidOut;
use crate::ui::action::{ExperimentAction, SystemAction};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{Experiment, PathPurpose, QueueRow, RowStatus};
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::{style, text};
use crate::ui::{Action, AppState, theme};
use egui::{Color32, Key, Modifiers, RichText, Sense, Ui, vec2};

/// The panel.
#[derive(Default)]
pub struct ExperimentPanel {
    form: PlanForm,
    /// The form is open although a plan is laid out.
    making: bool,
    /// The folder of the runs as typed.
    folder: Option<String>,
}

/// Height of a row.
const ROW: f32 = 25.0;

impl Panel for ExperimentPanel {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let mut asked: Vec<Action> = Vec::new();
        self.source(ui, cx.state, &mut asked);
        if self.making || cx.state.experiment.is_none() {
            self.form.show(ui, cx);
            ui.separator();
        }
        if let Some(experiment) = &cx.state.experiment {
            self.plan(ui, cx.state, experiment, &mut asked);
        }
        if asked.iter().chain(cx.actions.iter()).any(|a| matches!(a, Action::Experiment(ExperimentAction::LayOut(..))))
        {
            (self.making, self.folder) = (false, None);
        }
        asked.into_iter().for_each(|a| cx.send(a));
    }
}

impl ExperimentPanel {
    /// Where the plan comes from.
    fn source(&mut self, ui: &mut Ui, state: &AppState, asked: &mut Vec<Action>) {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Experiment").strong()).on_hover_text(
                "Many trainings of one plan, one after the other, and compared: the same as kinolens experiment",
            );
            let ready = state.dataset.is_some();
            if ui.add_enabled(ready, egui::Button::new("Open a plan…")).clicked() {
                self.folder = None;
                asked.push(SystemAction::AskPath(PathPurpose::Plan).into());
            }
            let Some(experiment) = &state.experiment else { return };
            if ui.selectable_label(self.making, "Make a plan…").clicked() {
                self.making = !self.making;
            }
            if ui.button("Save the plan…").clicked() {
                asked.push(ExperimentAction::Save.into());
            }
            let free = experiment.running().is_none();
            let close = ui.add_enabled(free, egui::Button::new("Close the plan"));
            if close.on_hover_text("Takes the list off the window; what was trained stays").clicked() {
                asked.push(ExperimentAction::Close.into());
            }
        });
    }

    /// A plan: its state, its buttons, its queue.
    fn plan(&mut self, ui: &mut Ui, state: &AppState, experiment: &Experiment, asked: &mut Vec<Action>) {
        let p = theme::palette(ui);
        let source = experiment.kept.source.as_deref().map_or_else(|| "made here".to_owned(), leaf);
        let open = state.dataset.as_ref().is_some_and(|d| d.root == experiment.kept.dataset);
        ui.horizontal(|ui| {
            ui.label(format!("Plan: {}", text::elide_middle(&source, 30)));
            let label = ui.label("Folder of its runs");
            let mut folder = self.folder.clone().unwrap_or_else(|| experiment.kept.out.display().to_string());
            let field = egui::TextEdit::singleline(&mut folder).desired_width((ui.available_width() - 130.0).max(80.0));
            let response = ui.add_enabled(experiment.running().is_none(), field).labelled_by(label.id);
            if response.changed() {
                self.folder = Some(folder.clone());
            }
            let other = self.folder.as_ref().is_some_and(|f| f.trim() != experiment.kept.out.display().to_string());
            if ui.add_enabled(other && !folder.trim().is_empty(), egui::Button::new("Use this folder")).clicked() {
                asked.push(ExperimentAction::SetFolder(folder.trim().into()).into());
                self.folder = None;
            }
        });
        if let Some(sentence) = &experiment.failure {
            style::notice(ui, p.bad, sentence);
            if ui.button("Look again").clicked() {
                asked.push(ExperimentAction::LookAgain.into());
            }
        }
        if !open {
            let name = leaf(&experiment.kept.dataset);
            style::notice(ui, p.warn, &format!("The plan is of another dataset: open {name} to resume it."));
        }
        let Some(laid_out) = &experiment.laid_out else {
            if experiment.asking.is_some() {
                ui.weak("Laying out the plan…");
            }
            return;
        };
        if let Some(search) = &laid_out.plan.search {
            let epochs = laid_out.runs.iter().map(|r| r.config.training.epochs).max().unwrap_or(0);
            let rounds = search.rounds(search.trials() as usize, epochs);
            let told: Vec<String> = rounds.iter().map(|(n, until)| format!("{n} up to epoch {until}")).collect();
            ui.weak(format!(
                "A search: {}. The validation score of the best epoch decides; test clips are not looked at to choose.",
                told.join(", then ")
            ));
        }
        self.buttons(ui, state, experiment, open, asked);
        ui.separator();
        queue(ui, state, experiment, laid_out, asked);
    }

    fn buttons(&self, ui: &mut Ui, state: &AppState, experiment: &Experiment, open: bool, asked: &mut Vec<Action>) {
        let p = theme::palette(ui);
        let count = |is: fn(&RowStatus) -> bool| experiment.rows.iter().filter(|r| is(&r.status)).count();
        let waiting = count(|s| matches!(s, RowStatus::Waiting));
        let done = count(|s| matches!(s, RowStatus::Done(_)));
        let failed = count(|s| matches!(s, RowStatus::Failed(_)));
        let skipped = count(|s| matches!(s, RowStatus::Skipped));
        ui.horizontal_wrapped(|ui| {
            let held = state.experiment_held();
            let another = state.live_training().is_some() && experiment.running().is_none();
            if experiment.going && !held {
                if ui.button("Pause all").on_hover_text("Holds the run in training and begins no other").clicked() {
                    asked.push(ExperimentAction::Pause.into());
                }
            } else {
                let ready = open && !another && (held || waiting > 0);
                let name = if held || done > 0 { "Go on" } else { "Start" };
                let button = match ready {
                    true => egui::Button::new(RichText::new(name).color(p.on_accent)).fill(p.accent),
                    false => egui::Button::new(name),
                };
                let why = if another { "Another training is running" } else { "Nothing waits to be trained" };
                if ui.add_enabled(ready, button).on_disabled_hover_text(why).clicked() {
                    asked.push(ExperimentAction::Start.into());
                }
            }
            let several = done > 1 || !experiment.chosen.is_empty();
            let compare = ui.add_enabled(several && open, egui::Button::new("Compare these runs"));
            let help = "Evaluates what is not evaluated yet, and shows the runs side by side";
            if compare.on_hover_text(help).on_disabled_hover_text("Two runs have to be trained first").clicked() {
                asked.push(ExperimentAction::Compare.into());
            }
            let mut told = vec![counted(experiment.rows.len() as u64, "run")];
            for (n, word) in [(done, "trained"), (waiting, "waiting"), (failed, "failed"), (skipped, "left out")] {
                if n > 0 {
                    told.push(format!("{n} {word}"));
                }
            }
            ui.label(told.join(", "));
            match state.experiment_left().filter(|s| *s > 0.0) {
                Some(seconds) => drop(ui.weak(format!("about {} left", duration(seconds)))),
                None if waiting > 0 => drop(ui.weak("how long it takes is known after the first epochs")),
                None => {}
            }
        });
    }
}

/// Widths of the columns: name, network, seed, tested on, epochs, score.
type Widths = [f32; 6];

/// Names are as wide as the longest needs, and a column that says nothing is left out: the state gets the rest.
fn widths(experiment: &Experiment, laid_out: &LaidOut) -> Widths {
    let letters = experiment.rows.iter().map(|r| r.name.chars().count()).max().unwrap_or(0);
    let networks = laid_out.runs.iter().map(|r| r.config.model.id.len()).max().unwrap_or(0);
    let tested = if laid_out.folds.iter().all(|f| f.tested.is_empty()) { 0.0 } else { 84.0 };
    let wide = |letters: usize, least: f32, most: f32| (letters as f32 * 7.4 + 8.0).clamp(least, most);
    [wide(letters, 70.0, 260.0), wide(networks, 70.0, 150.0), 40.0, tested, 58.0, 112.0]
}

/// The queue, a row a run.
fn queue(ui: &mut Ui, state: &AppState, experiment: &Experiment, laid_out: &LaidOut, asked: &mut Vec<Action>) {
    let p = theme::palette(ui);
    let widths = widths(experiment, laid_out);
    ui.horizontal(|ui| {
        ui.allocate_exact_size(vec2(HANDLE, 16.0), Sense::hover());
        for (name, width) in ["run", "network", "seed", "tested on", "epochs", "validation"].iter().zip(widths) {
            cell(ui, width, name, p.muted);
        }
        ui.add_space(2.0 * 20.0 + ui.spacing().item_spacing.x);
        ui.weak("state");
    });
    egui::ScrollArea::both().id_salt("queue").auto_shrink([false, false]).show_rows(
        ui,
        ROW,
        experiment.rows.len(),
        |ui, range| {
            for at in range {
                if let Some(row) = experiment.rows.get(at) {
                    one(
                        ui,
                        state,
                        (experiment, laid_out, widths),
                        (at, row),
                        experiment.chosen.contains(&row.name),
                        asked,
                    );
                }
            }
        },
    );
}

/// Width of the handle of a row.
const HANDLE: f32 = 12.0;

fn cell(ui: &mut Ui, width: f32, text: &str, color: Color32) {
    if width <= 0.0 {
        return;
    }
    let (rect, _) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
    let label = egui::Label::new(RichText::new(text).color(color)).truncate();
    let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(*ui.layout()));
    inner.add(label);
}

/// How a row reads, and in which colour.
fn status(ui: &Ui, state: &AppState, experiment: &Experiment, row: &QueueRow, chosen: bool) -> (String, Color32) {
    let p = theme::palette(ui);
    match &row.status {
        _ if chosen => ("trained; the best of its line".to_owned(), p.good),
        RowStatus::Waiting => {
            let what = if row.resume { "waits, goes on where it was" } else { "waits" };
            let left = experiment.seconds_left(row).map_or_else(String::new, |s| format!(", about {}", duration(s)));
            (format!("{what}{left}"), p.text)
        }
        RowStatus::Skipped => ("left out".to_owned(), p.muted),
        RowStatus::Done(true) => ("trained before, loaded".to_owned(), p.good),
        RowStatus::Done(false) => ("trained".to_owned(), p.good),
        RowStatus::Failed(sentence) => (format!("failed: {sentence}"), p.bad),
        RowStatus::Running(job) => {
            let job = state.job(*job);
            let share = job.and_then(|j| j.fraction).map_or_else(String::new, |f| format!(" {:.0} %", 100.0 * f));
            let left = job.and_then(|j| j.eta_s).map_or_else(String::new, |s| format!(", {} left", duration(s)));
            let held = if state.experiment_held() { "held at" } else { "training" };
            (format!("{held}{share}{left}"), p.accent)
        }
    }
}

/// One run: its handle, its figures, what can be done with it.
fn one(
    ui: &mut Ui,
    state: &AppState,
    (experiment, laid_out, widths): (&Experiment, &LaidOut, Widths),
    (at, row): (usize, &QueueRow),
    chosen: bool,
    asked: &mut Vec<Action>,
) {
    let p = theme::palette(ui);
    let Some(planned) = laid_out.runs.get(row.run) else { return };
    let tested = laid_out.folds.get(planned.fold).map(|f| listed(&f.tested, 2)).unwrap_or_default();
    // Of the run in training the window knows more than the disk told.
    let live = state.training.as_ref().filter(|t| row.status == RowStatus::Running(t.job)).map(|t| &t.run.history);
    let epochs = live.and_then(|h| h.last()).map_or(row.epochs(), |e| e.epoch);
    let best = live.map_or_else(|| row.best(), |history| crate::progress::best_epoch(history));
    let score = best.and_then(|e| Some(format!("{} {:.1} %", e.score_name(), 100.0 * e.score()?)));
    let (words, color) = status(ui, state, experiment, row, chosen);
    let mut moved = None;
    let shown = ui.horizontal(|ui| {
        let handle = ui.allocate_exact_size(vec2(HANDLE, 18.0), Sense::click_and_drag()).1;
        dots(ui, &handle);
        handle.widget_info(|| {
            egui::WidgetInfo::labeled(
                egui::Role::Button,
                true,
                format!("Drag {}, number {} of the queue", row.name, at + 1),
            )
        });
        handle.dnd_set_drag_payload(row.name.clone());
        if handle.has_focus() {
            for (key, by) in [(Key::ArrowUp, -1), (Key::ArrowDown, 1)] {
                if ui.input_mut(|i| i.consume_key(Modifiers::ALT, key)) {
                    moved = Some(by);
                }
            }
        }
        handle.on_hover_text("Drag it to another place; Alt+Up and Alt+Down move it too");
        let texts = [
            row.name.clone(),
            planned.config.model.id.clone(),
            planned.config.seed.to_string(),
            tested,
            format!("{epochs} / {}", planned.config.training.epochs),
            score.unwrap_or_else(|| "–".to_owned()),
        ];
        for (text, width) in texts.iter().zip(widths) {
            cell(ui, width, text, p.text);
        }
        let name = row.name.clone();
        for (icon, verb, by) in [(Icon::Up, "Up", -1), (Icon::Down, "Down", 1)] {
            let place = if by < 0 { "Earlier" } else { "Later" };
            let response = icons::small_button(ui, icon, &format!("{place} in the queue"));
            text::name(&response, &format!("{verb} {name}"));
            if response.clicked() {
                moved = Some(by);
            }
        }
        match &row.status {
            RowStatus::Waiting | RowStatus::Running(_) => {
                if named(ui, "Skip", &name).clicked() {
                    asked.push(ExperimentAction::Skip(name, true).into());
                }
            }
            RowStatus::Skipped => {
                if named(ui, "Take in", &name).clicked() {
                    asked.push(ExperimentAction::Skip(name, false).into());
                }
            }
            RowStatus::Failed(_) => {
                if named(ui, "Retry", &name).clicked() {
                    asked.push(ExperimentAction::Retry(name.clone()).into());
                }
                if named(ui, "Skip", &name).clicked() {
                    asked.push(ExperimentAction::Skip(name, true).into());
                }
            }
            RowStatus::Done(_) => {}
        }
        let label = ui.add(egui::Label::new(RichText::new(&words).color(color)).truncate());
        label.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{}: {words}", row.name)));
        label.on_hover_text(words.as_str());
    });
    if let Some(by) = moved {
        asked.push(ExperimentAction::Move(row.name.clone(), by).into());
    }
    let response = shown.response;
    if response.dnd_hover_payload::<String>().is_some() {
        let rect = response.rect;
        ui.painter().hline(rect.x_range(), rect.top(), egui::Stroke::new(2.0, p.accent));
    }
    if let Some(dragged) = response.dnd_release_payload::<String>() {
        asked.push(ExperimentAction::MoveTo((*dragged).clone(), at).into());
    }
}

/// The dots by which a row is taken.
fn dots(ui: &Ui, handle: &egui::Response) {
    let p = theme::palette(ui);
    let color = if handle.hovered() || handle.dragged() || handle.has_focus() { p.text } else { p.muted };
    for (x, y) in [(0.3, 0.3), (0.7, 0.3), (0.3, 0.5), (0.7, 0.5), (0.3, 0.7), (0.7, 0.7)] {
        ui.painter().circle_filled(handle.rect.lerp_inside(vec2(x, y)), 1.0, color);
    }
}

/// A button whose accessible name says which run it is of.
fn named(ui: &mut Ui, verb: &str, run: &str) -> egui::Response {
    let response = ui.button(verb);
    text::name(&response, &format!("{verb} {run}"));
    response
}

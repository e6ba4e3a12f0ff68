//! What is trained and how: preset, form, run folder, and the buttons that start and stop it.

use super::train_rate::TrainRate;
use crate::config::{PRESETS, RunConfig};
use crate::domain::leaf;
use crate::process_usage::memory_of_machine;
use crate::progress::Flow;
use crate::ui::action::{SystemAction, WindowAction, WorkAction};
use crate::ui::arrangement::{Draft, preset};
use crate::ui::awaited::Awaited;
use crate::ui::disk::{Answer, Question};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{JobStatus, PathPurpose};
use crate::ui::widgets::config_form::{self, FormState};
use crate::ui::widgets::form_rows::Around;
use crate::ui::widgets::split_preview::SplitPreview;
use crate::ui::widgets::text;
use crate::ui::{Action, AppState, theme};
use egui::Ui;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// The panel.
pub struct TrainConfig {
    preset: usize,
    base: RunConfig,
    config: RunConfig,
    form: FormState,
    /// How the dataset would be divided.
    split: SplitPreview,
    /// The run folder as typed; empty takes the suggestion.
    out: String,
    suggested: (Option<PathBuf>, String),
    /// How often first weights had been chosen in a dialog when they were last taken over.
    first_weights: u64,
    file: String,
    /// The file that is being read or written.
    file_asked: Option<Question>,
    file_note: Option<Result<String, String>>,
    /// Root of the dataset that this is set up for.
    dataset: Option<PathBuf>,
    /// The training set up for it, as it was last sent or taken over.
    sent: Draft,
    /// How often settings had been looked for from elsewhere when that was last taken over.
    looked_for: u64,
    /// The learning-rate range test.
    rate: TrainRate,
    /// How often a learning rate had been chosen when one was last taken over.
    rate_chosen: u64,
    /// What was kept last.
    kept: Option<(usize, RunConfig, String)>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        let config = preset(0);
        Self {
            preset: 0,
            base: config.clone(),
            kept: Some((0, config.clone(), String::new())),
            config,
            form: FormState::default(),
            split: SplitPreview::default(),
            out: String::new(),
            suggested: (None, String::new()),
            first_weights: 0,
            file: String::new(),
            file_asked: None,
            file_note: None,
            dataset: None,
            sent: Draft::default(),
            looked_for: 0,
            rate: TrainRate::default(),
            rate_chosen: 0,
        }
    }
}

impl Panel for TrainConfig {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        self.follow(cx.state);
        self.take_file(cx.state);
        self.preset_row(ui, cx.state);
        self.file_line(ui);
        self.folder_row(ui, cx.state);
        self.buttons(ui, cx);
        let sound = config_form::fault(&self.config).is_none();
        self.rate.show(ui, cx, &self.config, sound);
        ui.separator();
        let search =
            egui::TextEdit::singleline(&mut self.form.search).hint_text("Search settings").desired_width(f32::INFINITY);
        ui.add(search).accessible_name("Search settings");
        if self.first_weights != cx.state.first_weights.0 {
            let (count, path) = cx.state.first_weights.clone();
            self.first_weights = count;
            self.config.model.init_from = Some(path);
        }
        if self.rate_chosen != cx.state.chosen_rate.0 {
            (self.rate_chosen, self.config.optimizer.learning_rate) = cx.state.chosen_rate;
        }
        let around = Around {
            classes: cx.state.classes().len(),
            task: cx.state.dataset.as_ref().map(|d| d.task).unwrap_or_default(),
            training_clips: self.split.training_clips(&self.config).filter(|_| cx.state.dataset.is_some()),
            memory: memory_of_machine().filter(|_| cx.state.device.starts_with("CPU")),
            weights: &cx.state.weights,
            actions: RefCell::default(),
        };
        egui::ScrollArea::vertical().id_salt("form").auto_shrink([false, false]).show(ui, |ui| {
            if let Some(dataset) = cx.state.dataset.as_ref().filter(|_| self.form.search.trim().is_empty()) {
                self.split.show(ui, dataset, &self.config);
            }
            config_form::show(ui, &mut self.config, &self.base, &around, &mut self.form);
        });
        let asked = around.actions.into_inner();
        cx.actions.extend(asked);
        self.keep(cx);
    }
}

impl TrainConfig {
    /// Takes over what was set up for the dataset that is open now.
    fn follow(&mut self, state: &AppState) {
        let root = state.dataset.as_ref().map(|d| d.root.clone());
        if self.looked_for != state.leading.settings.0 {
            (self.looked_for, self.form.search) = state.leading.settings.clone();
        }
        // Also where it was set up elsewhere, by name in the palette.
        if root == self.dataset && state.draft == self.sent {
            return;
        }
        self.dataset = root;
        self.sent.clone_from(&state.draft);
        let (index, base, config) = state.draft.configs();
        (self.preset, self.base, self.config) = (index.unwrap_or(usize::MAX), base, config);
        self.out.clone_from(&state.draft.out);
        self.kept = Some((self.preset, self.config.clone(), self.out.clone()));
        self.file_note = None;
    }

    /// Has what was changed kept with the dataset, once it can be used.
    fn keep(&mut self, cx: &mut PanelCx<'_>) {
        let same = |(preset, config, out): &(usize, RunConfig, String)| {
            *preset == self.preset && *config == self.config && *out == self.out
        };
        if self.kept.as_ref().is_some_and(same) || config_form::fault(&self.config).is_some() {
            return;
        }
        self.kept = Some((self.preset, self.config.clone(), self.out.clone()));
        let named = PRESETS.get(self.preset).map(|p| p.name.to_owned());
        let changed = self.config != self.base;
        self.sent = Draft {
            base: if named.is_none() { self.base.to_ron() } else { String::new() },
            preset: named.unwrap_or_default(),
            config: if changed { self.config.to_ron() } else { String::new() },
            out: self.out.clone(),
        };
        cx.send(WindowAction::SetDraft(Box::new(self.sent.clone())));
    }

    fn preset_row(&mut self, ui: &mut Ui, state: &AppState) {
        ui.horizontal(|ui| {
            let label = ui.label("Preset");
            let name = PRESETS.get(self.preset).map_or("from a file", |p| p.name);
            let mut chosen = None;
            egui::ComboBox::from_id_salt("preset")
                .selected_text(name)
                .width(150.0)
                .show_ui(ui, |ui| {
                    for (i, p) in PRESETS.iter().enumerate() {
                        if ui.selectable_label(i == self.preset, p.name).on_hover_text(p.summary).clicked() {
                            chosen = Some(i);
                        }
                    }
                })
                .response
                .labelled_by(label.id);
            if let Some(index) = chosen {
                self.preset = index;
                self.base = preset(index);
                self.config = self.base.clone();
                self.file_note = None;
            }
            if self.config != self.base && ui.button("Reset all").on_hover_text("Back to the preset's values").clicked()
            {
                self.config = self.base.clone();
            }
            ui.menu_button("File", |ui| self.file_menu(ui, state));
        });
        if let Some(p) = PRESETS.get(self.preset) {
            ui.add(egui::Label::new(egui::RichText::new(p.summary).weak()).wrap());
        }
    }

    /// Opens and saves the configuration as the RON that the command line takes.
    fn file_menu(&mut self, ui: &mut Ui, state: &AppState) {
        ui.set_min_width(300.0);
        ui.label("Configuration file (RON), as on the command line");
        let field = egui::TextEdit::singleline(&mut self.file).hint_text("/path/to/config.ron");
        ui.add(field.desired_width(f32::INFINITY)).accessible_name("Configuration file");
        let path = PathBuf::from(self.file.trim());
        ui.horizontal(|ui| {
            let named = !self.file.trim().is_empty();
            let free = named && self.file_asked.is_none();
            let mut asked = None;
            if ui.add_enabled(free, egui::Button::new("Open file")).clicked() {
                asked = Some(Question::Config(path.clone()));
            }
            if ui.add_enabled(free, egui::Button::new("Save file")).clicked() {
                asked = Some(Question::SaveText(path.clone(), self.config.to_ron()));
            }
            if let Some(question) = asked {
                self.file_note = None;
                state.disk.ask_first(question.clone());
                self.file_asked = Some(question);
                self.take_file(state);
            }
        });
    }

    /// What became of the file that was opened or saved; the menu closes with the click.
    fn file_line(&self, ui: &mut Ui) {
        match &self.file_note {
            _ if self.file_asked.is_some() => drop(ui.weak("waiting for the disk…")),
            Some(Ok(note)) => drop(ui.weak(note)),
            Some(Err(error)) => {
                ui.add(egui::Label::new(egui::RichText::new(error).color(theme::palette(ui).bad)).wrap());
            }
            None => {}
        }
    }

    /// Takes over what became of the file that was asked for.
    fn take_file(&mut self, state: &AppState) {
        let Some(question) = &self.file_asked else { return };
        let (Question::Config(path) | Question::SaveText(path, _)) = question else { return };
        self.file_note = Some(match state.disk.known(question) {
            Awaited::Pending(_) => return,
            Awaited::Ready(Answer::Config(Ok(config))) => {
                let note = format!("Read {}.", path.display());
                self.preset = usize::MAX;
                self.base = RunConfig::clone(&config);
                self.config = *config;
                Ok(note)
            }
            Awaited::Ready(Answer::Saved(Ok(()))) => Ok(format!("Saved {}.", path.display())),
            Awaited::Ready(Answer::Config(Err(told)) | Answer::Saved(Err(told))) | Awaited::Unavailable(told) => {
                Err(told)
            }
            Awaited::NotAsked | Awaited::Ready(_) => Err(format!("{} was not read: try again.", path.display())),
        });
        self.file_asked = None;
    }

    fn folder_row(&mut self, ui: &mut Ui, state: &AppState) {
        let root = state.dataset.as_ref().map(|d| d.root.clone());
        // A new name after each training, so that Start never meets a folder that is taken.
        let gone = |name: &str| state.disk.at(Path::new(name)).value().is_some_and(|found| found.exists);
        let stale = self.suggested.1.is_empty() || gone(&self.suggested.1);
        if self.suggested.0 != root || (stale && state.live_training().is_none()) {
            let name = PRESETS.get(self.preset).map_or("run", |p| p.name);
            match state.disk.run_folder(root.as_deref(), name).value().map(|path| path.display().to_string()) {
                // That was the answer before there was something.
                Some(known) if stale && known == self.suggested.1 => state.disk.forget(),
                Some(free) => self.suggested = (root.clone(), free),
                None => self.suggested.1.clear(),
            }
        }
        ui.horizontal(|ui| {
            let label = ui.label("Run folder");
            let hint = self.suggested.1.clone();
            let field = egui::TextEdit::singleline(&mut self.out).hint_text(hint.clone());
            ui.add(field.desired_width(ui.available_width()))
                .labelled_by(label.id)
                .on_hover_text(format!("Where checkpoints, curves and results go. Left empty: {hint}"));
        });
    }

    fn out(&self) -> PathBuf {
        let typed = self.out.trim();
        PathBuf::from(if typed.is_empty() { self.suggested.1.as_str() } else { typed })
    }

    fn buttons(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        if let Some((run, job)) = cx.state.live_training() {
            let (id, paused, stopping) = (run.job, job.status == JobStatus::Paused, job.status == JobStatus::Stopping);
            let mut flow = None;
            ui.horizontal_wrapped(|ui| {
                if paused {
                    if primary(ui, "Resume", true).clicked() {
                        flow = Some(Flow::Continue);
                    }
                } else if ui.add_enabled(!stopping, egui::Button::new("Pause")).clicked() {
                    flow = Some(Flow::Pause);
                }
                let finish = ui.add_enabled(!stopping, egui::Button::new("Finish epoch"));
                if finish.on_hover_text("Ends after this epoch, with a checkpoint").clicked() {
                    flow = Some(Flow::Finish);
                }
                if ui.button("Stop now").on_hover_text("Ends at once, with a checkpoint to go on from").clicked() {
                    flow = Some(Flow::Stop);
                }
                if stopping {
                    ui.weak("stopping…");
                }
            });
            if let Some(flow) = flow {
                cx.send(WorkAction::Control(id, flow));
            }
            return;
        }
        let out = self.out();
        let obstacle = self.obstacle(cx.state, &out);
        let resumable = cx.state.run().filter(|r| r.resumable).map(|r| (r.path.clone(), r.config.clone()));
        let mut action = None;
        ui.horizontal_wrapped(|ui| {
            if primary(ui, "Start training", obstacle.is_none()).clicked() {
                action = Some(Action::Work(WorkAction::StartTraining {
                    config: Box::new(self.config.clone()),
                    out,
                    resume: false,
                }));
            }
            if let Some((path, config)) = resumable.filter(|_| cx.state.dataset.is_some()) {
                let name = leaf(&path);
                let button = ui.button(format!("Resume {}", text::elide(&name, 24)));
                if button.on_hover_text("Continues exactly where the chosen run ended, with its own settings").clicked()
                {
                    action = Some(Action::Work(WorkAction::StartTraining {
                        config: Box::new(config),
                        out: path,
                        resume: true,
                    }));
                }
            }
            if cx.state.dataset.is_none() && ui.button("Open a dataset…").clicked() {
                action = Some(Action::System(SystemAction::AskPath(PathPurpose::Dataset)));
            }
        });
        if let Some(sentence) = obstacle {
            ui.add(egui::Label::new(egui::RichText::new(sentence).small().weak()).wrap());
        }
        if let Some(action) = action {
            cx.send(action);
        }
    }

    /// Why Start cannot be pressed.
    fn obstacle(&self, state: &AppState, out: &Path) -> Option<String> {
        if state.dataset.is_none() {
            return Some("There is no dataset to train on: open one first.".into());
        }
        match state.disk.at(out).value().filter(|_| !out.as_os_str().is_empty()) {
            None => return Some("Looking whether the run folder is free…".into()),
            Some(found) if found.taken => {
                return Some(format!("{} is taken: choose another run folder.", out.display()));
            }
            Some(_) => {}
        }
        let fault = config_form::fault(&self.config).or_else(|| self.form.impossible.clone());
        fault.map(|_| "A setting below is marked red: correct it first.".into())
    }
}

/// A button in the accent colour.
fn primary(ui: &mut Ui, text: &str, enabled: bool) -> egui::Response {
    let p = theme::palette(ui);
    let button = if enabled {
        egui::Button::new(egui::RichText::new(text).color(p.on_accent)).fill(p.accent)
    } else {
        egui::Button::new(text)
    };
    ui.add_enabled(enabled, button)
}

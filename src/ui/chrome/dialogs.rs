//! File dialogs of the platform, and the dialogs of our own.

use crate::compare::TableFormat;
use crate::domain::leaf;
use crate::jobs::{ExportRequest, SplitChoice};
use crate::progress::panic_reason;
use crate::render::OverlayParams;
use crate::ui::Action;
use crate::ui::action::{OpenAction, SystemAction, WindowAction, WorkAction};
use crate::ui::awaited::Wake;
use crate::ui::panel::PanelCx;
use crate::ui::state::{AppState, Dialog, ExportForm, PathPurpose};
use crate::ui::theme;
use crate::ui::widgets::picture::params;
use egui::{Key, RichText};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// An answer faster than this came from a system that shows no dialog.
const NO_DIALOG: Duration = Duration::from_millis(400);

/// How a file dialog ended.
enum Answer {
    Chosen(PathBuf),
    Cancelled,
    NoDialog,
    /// It ended by an internal error; the reason.
    Failed(String),
}

/// Shows a dialog that begins in a folder, and waits for the path.
type Show = fn(PathPurpose, Option<PathBuf>) -> Option<PathBuf>;

/// The platform's file dialogs, each on a thread of its own so that the window goes on.
pub struct FileDialogs {
    wake: Wake,
    sender: SyncSender<(PathPurpose, Answer)>,
    receiver: Receiver<(PathPurpose, Answer)>,
    open: bool,
    /// The window lost the focus since a dialog was asked for: one is shown.
    covered: bool,
    show: Show,
}

impl FileDialogs {
    /// `wake` is called when a dialog closes.
    pub fn new(wake: Wake) -> Self {
        Self::with(wake, show_native)
    }

    /// Of a system that shows none, so that paths are typed.
    pub fn none(wake: Wake) -> Self {
        Self::with(wake, |_, _| None)
    }

    fn with(wake: Wake, show: Show) -> Self {
        let (sender, receiver) = sync_channel(4);
        Self { wake, sender, receiver, open: false, covered: false, show }
    }

    /// Shows a dialog unless one is open.
    pub fn open(&mut self, purpose: PathPurpose, state: &AppState) {
        if self.open {
            return;
        }
        (self.open, self.covered) = (true, false);
        let (sender, wake) = (self.sender.clone(), self.wake.clone());
        let start = state.recent.first().and_then(|r| r.path().parent()).map(PathBuf::from);
        let show = self.show;
        let ask = move || {
            let asked = Instant::now();
            // The dialog must answer whatever happens, or no other one would ever be shown.
            let answer = match catch_unwind(AssertUnwindSafe(|| show(purpose, start))) {
                Ok(Some(path)) => Answer::Chosen(path),
                // Nobody reads and presses Cancel this fast: the system has no dialog.
                Ok(None) if asked.elapsed() < NO_DIALOG => Answer::NoDialog,
                Ok(None) => Answer::Cancelled,
                Err(panic) => Answer::Failed(panic_reason(panic.as_ref())),
            };
            // The receiver is gone only when the window is; then nobody waits for the answer.
            let _ = sender.send((purpose, answer));
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("file dialog".into()).spawn(ask) {
            log::error!("a thread for the file dialog cannot be started: {error}");
            let _ = self.sender.send((purpose, Answer::NoDialog));
            (self.wake)();
        }
    }

    /// What was answered since the last call. `focused` tells whether the window has the focus.
    ///
    /// A dialog that is shown takes the focus. Where none did, nothing was shown, however long the system took to find
    /// that out.
    pub fn answers(&mut self, focused: bool) -> Vec<Action> {
        self.covered |= self.open && !focused;
        let shown = self.covered || !cfg!(target_os = "linux");
        let answers: Vec<(PathPurpose, Answer)> = self.receiver.try_iter().collect();
        if !answers.is_empty() {
            self.open = false;
        }
        let action = |(purpose, answer)| match answer {
            Answer::Chosen(path) => Some(Action::Open(OpenAction::PathChosen(purpose, path))),
            Answer::NoDialog => Some(Action::Open(OpenAction::NoFileDialog(purpose))),
            Answer::Failed(reason) => Some(Action::Open(OpenAction::FileDialogFailed(purpose, reason))),
            Answer::Cancelled if !shown => Some(Action::Open(OpenAction::NoFileDialog(purpose))),
            Answer::Cancelled => None,
        };
        answers.into_iter().filter_map(action).collect()
    }
}

/// The platform's own dialog.
fn show_native(purpose: PathPurpose, start: Option<PathBuf>) -> Option<PathBuf> {
    let mut dialog = rfd::FileDialog::new().set_title(title(purpose));
    if let Some(folder) = start {
        dialog = dialog.set_directory(folder);
    }
    if let Some(name) = purpose.new_file() {
        return dialog.set_file_name(name).save_file();
    }
    match extensions(purpose) {
        Some((name, endings)) if purpose == PathPurpose::Drawing => {
            dialog.add_filter(name, endings).set_file_name("network.svg").save_file()
        }
        Some((name, endings)) => dialog.add_filter(name, endings).add_filter("all files", &["*"]).pick_file(),
        None => dialog.pick_folder(),
    }
}

/// Name and endings of the files that are asked for; `None` where a folder is.
fn extensions(purpose: PathPurpose) -> Option<(&'static str, &'static [&'static str])> {
    match purpose {
        PathPurpose::Import | PathPurpose::FirstWeights => {
            Some(("weights", &["pth", "pt", "safetensors", "bin", "ckpt"]))
        }
        PathPurpose::Drawing => Some(("drawings", &["svg"])),
        PathPurpose::Plan => Some(("plans", &["ron"])),
        PathPurpose::OpenTable => Some(("tables", &["csv", "tsv", "tab", "txt", "json", "jsonl", "ndjson"])),
        PathPurpose::ClassList => Some(("class lists", &["txt", "csv", "json", "ron"])),
        PathPurpose::Dataset
        | PathPurpose::Run
        | PathPurpose::WatchedRun
        | PathPurpose::Demo
        | PathPurpose::Export
        | PathPurpose::FirstRun
        | PathPurpose::Table(_)
        | PathPurpose::Drawn(_)
        | PathPurpose::Video
        | PathPurpose::Report
        | PathPurpose::NewPlan
        | PathPurpose::InsidePage => None,
    }
}

fn title(purpose: PathPurpose) -> &'static str {
    match purpose {
        PathPurpose::Dataset => "Open a dataset",
        PathPurpose::OpenTable => "Open a table",
        PathPurpose::Run => "Open a run",
        PathPurpose::WatchedRun => "Watch a run",
        PathPurpose::Demo => "Make the demo dataset in",
        PathPurpose::Export => "Export heatmaps to",
        PathPurpose::Import => "Import PyTorch weights",
        PathPurpose::ClassList => "Open a list of classes",
        PathPurpose::FirstWeights => "Weights to start from",
        PathPurpose::FirstRun => "Run to start from",
        PathPurpose::Drawing => "Save the drawing of the network as",
        PathPurpose::InsidePage => "Save the page as",
        PathPurpose::Table(TableFormat::Csv) => "Save the table as CSV",
        PathPurpose::Table(TableFormat::Json) => "Save the table as JSON",
        PathPurpose::Table(TableFormat::Markdown) => "Save the table as Markdown",
        PathPurpose::Table(TableFormat::Latex) => "Save the table as LaTeX",
        PathPurpose::Report => "Write the report to",
        PathPurpose::Drawn(_) => "Save the figure as",
        PathPurpose::Video => "Save the video as",
        PathPurpose::Plan => "Open a plan",
        PathPurpose::NewPlan => "Save the plan as",
    }
}

fn verb(purpose: PathPurpose) -> &'static str {
    match purpose {
        PathPurpose::Dataset | PathPurpose::Run | PathPurpose::OpenTable | PathPurpose::Plan => "Open",
        PathPurpose::WatchedRun => "Watch it",
        PathPurpose::Demo => "Make it here",
        PathPurpose::Drawing | PathPurpose::InsidePage => "Save",
        PathPurpose::Export | PathPurpose::FirstRun => "Use this folder",
        PathPurpose::Import | PathPurpose::ClassList | PathPurpose::FirstWeights => "Use this file",
        PathPurpose::Table(_) | PathPurpose::Drawn(_) | PathPurpose::Video | PathPurpose::NewPlan => "Save",
        PathPurpose::Report => "Write it",
    }
}

/// A field to type a path into.
pub fn path(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::Path { purpose, text, note }) = &cx.state.dialog else { return };
    let (purpose, note) = (*purpose, note.clone());
    let mut text = text.clone();
    let before = text.clone();
    let mut done: Option<Action> = None;
    let response = egui::Modal::new(egui::Id::unique("path dialog")).show(ui.ctx(), |ui| {
        ui.set_width(460.0);
        ui.heading(title(purpose));
        if let Some(note) = &note {
            ui.label(RichText::new(note).weak());
        }
        ui.add_space(4.0);
        let field = egui::TextEdit::singleline(&mut text).desired_width(f32::INFINITY).hint_text("/path/to/folder");
        let field = ui.add(field);
        crate::ui::widgets::text::name(&field, "Path");

        field.request_focus();
        let entered = ui.input(|i| i.key_pressed(Key::Enter));
        let path = home_expanded(text.trim());
        let problem = problem(cx.state, purpose, &path);
        let p = theme::palette(ui);
        match &problem {
            Some(sentence) if !text.trim().is_empty() => drop(ui.colored_label(p.warn, sentence)),
            _ => drop(ui.label(" ")),
        }
        buttons(ui, |ui| {
            let ready = problem.is_none();
            let button = egui::Button::new(RichText::new(verb(purpose)).color(p.on_accent)).fill(p.accent);
            if ui.add_enabled(ready, button).clicked() || (entered && ready) {
                done = Some(Action::Open(OpenAction::PathChosen(purpose, path)));
            }
            if ui.button("Cancel").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
        });
    });
    let changed = (text != before).then_some(Dialog::Path { purpose, text, note });
    answer(cx, done, response.should_close(), changed);
}

/// A path as it was typed, with `~` as the home folder.
fn home_expanded(text: &str) -> PathBuf {
    // From the environment: nothing is asked of the disk.
    let home = std::env::home_dir;
    match text.strip_prefix('~').map(|rest| (rest, home())) {
        Some(("", Some(home))) => home,
        Some((rest, Some(home))) if rest.starts_with(['/', '\\']) => home.join(rest.trim_start_matches(['/', '\\'])),
        _ => PathBuf::from(text),
    }
}

/// What a dialog came to in this frame: a button, a click beside it, or other contents.
pub(super) fn answer(cx: &mut PanelCx<'_>, done: Option<Action>, close: bool, changed: Option<Dialog>) {
    if let Some(action) = done {
        cx.send(action);
    } else if close {
        cx.send(WindowAction::SetDialog(None));
    } else if changed.is_some() {
        cx.send(WindowAction::SetDialog(changed));
    }
}

/// A row of buttons at the right, the most important one first.
pub(super) fn buttons(ui: &mut egui::Ui, add: impl FnOnce(&mut egui::Ui)) {
    // A layout from the right takes all the height it is given, and a dialog has no height of its own.
    let size = egui::vec2(ui.available_width(), ui.spacing().interact_size.y + 4.0);
    ui.allocate_ui_with_layout(size, egui::Layout::right_to_left(egui::Align::Center), add);
}

/// Why a path cannot be used, as a sentence.
fn problem(state: &AppState, purpose: PathPurpose, path: &Path) -> Option<String> {
    if path.as_os_str().is_empty() {
        return Some("Type a path.".into());
    }
    match purpose {
        PathPurpose::Demo | PathPurpose::Export | PathPurpose::Drawing => None,
        // The platform's dialog asks before it gives a file that is there; this field does not.
        PathPurpose::Table(_)
        | PathPurpose::Report
        | PathPurpose::Drawn(_)
        | PathPurpose::Video
        | PathPurpose::NewPlan
        | PathPurpose::InsidePage => match state.disk.at(path).value() {
            None => Some("Looking whether the name is free…".into()),
            Some(found) if found.exists => {
                Some(format!("There is something at {}: name another file.", path.display()))
            }
            Some(_) => None,
        },
        // What the disk has not answered to yet is left to whoever opens it.
        _ if state.disk.at(path).value().is_none_or(|found| found.exists) => None,
        _ => Some(format!("There is nothing at {}.", path.display())),
    }
}

/// What closing the window would end.
pub fn leave(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let running: Vec<String> = cx.state.work_to_lose().filter(|j| !j.quiet).map(|j| j.title.clone()).collect();
    let notes = cx.state.unsaved_notes.iter().filter(|(_, u)| u.failed).map(|(run, _)| leaf(run));
    let corrections =
        cx.state.correcting.unsaved.iter().filter(|(_, u)| u.failed.is_some()).map(|(root, _)| leaf(root));
    let failed: Vec<String> = notes.chain(corrections).collect();
    let mut done: Option<Action> = None;
    let response = egui::Modal::new(egui::Id::unique("leave dialog")).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        ui.heading(if running.is_empty() { "Notes are not saved" } else { "Work is running" });
        if !failed.is_empty() {
            ui.label(format!(
                "Notes or corrections of {} could not be written (the messages tell why). They are lost if you leave without them.",
                failed.join(", ")
            ));
        }
        if !running.is_empty() {
            ui.label(format!("Still running: {}.", running.join(", ")));
            ui.weak("A training stops with a checkpoint and can be resumed; anything else starts over.");
        }
        ui.add_space(6.0);
        let p = theme::palette(ui);
        buttons(ui, |ui| {
            if cx.state.leaving {
                if ui.button("Leave now").on_hover_text("Without waiting for the checkpoint").clicked() {
                    done = Some(Action::System(SystemAction::QuitNow));
                }
                ui.weak("stopping…");
                ui.spinner();
                return;
            }
            let text = if running.is_empty() { "Save and leave" } else { "Stop and leave" };
            let button = egui::Button::new(RichText::new(text).color(p.on_accent)).fill(p.accent);
            if ui.add(button).clicked() {
                done = Some(Action::Work(WorkAction::StopAndQuit));
            }
            if !failed.is_empty() && ui.button("Leave without the notes").clicked() {
                done = Some(Action::System(SystemAction::QuitNow));
            }
            if ui.button("Stay").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
        });
    });
    let close = response.should_close() && !cx.state.leaving;
    answer(cx, done, close, None);
}

/// The export dialog.
pub fn export(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::Export(form)) = &cx.state.dialog else { return };
    let before = form.clone();
    let mut form = form.clone();
    let clip = cx.state.explained_clip();
    let mut done: Option<Action> = None;
    let response = egui::Modal::new(egui::Id::unique("export dialog")).show(ui.ctx(), |ui| {
        ui.set_width(460.0);
        ui.heading("Export heatmaps");
        ui.weak("Each clip becomes original.mp4, heatmap.mp4, overlay.mp4, side_by_side.mp4 and metadata.txt.");
        if let Some(identity) = cx.state.identity() {
            ui.label(format!("Heatmaps of {identity}"));
        }
        ui.weak("Drawn as on screen: colour map, scale, threshold, smooth or cells, contours.");
        ui.add_space(4.0);
        export_fields(ui, &mut form, clip.as_ref().map(|c| format!("{} from frame {}", c.video, c.start)));
        let p = theme::palette(ui);
        let out = form.out.trim().to_owned();
        let occupied = cx.state.disk.holds_export(Path::new(&out)).value();
        match occupied {
            Some(true) => {
                ui.colored_label(p.warn, "This folder holds an earlier export: name another, or replace it.");
                ui.checkbox(&mut form.replace, "Replace the earlier export");
            }
            Some(false) => {}
            None => drop(ui.weak("Looking at the folder…")),
        }
        buttons(ui, |ui| {
            let request = export_request(cx.state, &form);
            let button = egui::Button::new(RichText::new("Export").color(p.on_accent)).fill(p.accent);
            let free = occupied == Some(false) || (occupied == Some(true) && form.replace);
            if ui.add_enabled(request.is_some() && free && !out.is_empty(), button).clicked() {
                done = request.map(|r| Action::Work(WorkAction::Export(Box::new(r))));
            }
            if ui.button("Cancel").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
        });
    });
    let changed = (form != before).then_some(Dialog::Export(form));
    answer(cx, done, response.should_close(), changed);
}

fn export_fields(ui: &mut egui::Ui, form: &mut ExportForm, clip: Option<String>) {
    egui::Grid::new("export fields").num_columns(2).spacing([12.0, 8.0]).show(ui, |ui| {
        ui.label("Clips");
        ui.radio_value(&mut form.this_clip, true, "The clip on screen").on_hover_text(clip.unwrap_or_default());
        ui.end_row();
        ui.label("");
        ui.radio_value(&mut form.this_clip, false, "A random sample");
        ui.end_row();
        let label = ui.label("Samples").id;
        ui.add_enabled(!form.this_clip, egui::DragValue::new(&mut form.num_samples).range(1..=1000)).labelled_by(label);
        ui.end_row();
        ui.label("");
        ui.add_enabled(
            !form.this_clip,
            egui::Checkbox::new(&mut form.misclassified_only, "Only clips the network gets wrong"),
        );
        ui.end_row();
        let label = ui.label("Weight of the heatmap").id;
        ui.add(egui::Slider::new(&mut form.alpha, 0.0..=1.0)).labelled_by(label);
        ui.end_row();
        let label = ui.label("Frames a second").id;
        ui.add(egui::DragValue::new(&mut form.fps).range(1.0..=120.0)).labelled_by(label);
        ui.end_row();
        let label = ui.label("Folder").id;
        ui.add(egui::TextEdit::singleline(&mut form.out).desired_width(290.0)).labelled_by(label);
        ui.end_row();
    });
}

fn export_request(state: &AppState, form: &ExportForm) -> Option<ExportRequest> {
    let clips = if form.this_clip { vec![state.explained_clip()?] } else { Vec::new() };
    let checkpoint = state.selection.checkpoint_ref()?;
    // Views of other networks have layers this one has not.
    let selection = &state.selection;
    let views = selection.views.iter().enumerate();
    let maps = views.filter(|(i, _)| selection.network(*i).as_ref() == Some(&checkpoint)).map(|(_, v)| v.clone());
    let maps = maps.collect();
    Some(ExportRequest {
        class_match: state.class_match(&checkpoint.run),
        checkpoint,
        dataset: state.dataset.clone()?,
        clips,
        view: None,
        num_samples: form.num_samples,
        split: if form.this_clip { SplitChoice::All } else { state.selection.split },
        misclassified_only: form.misclassified_only && !form.this_clip,
        maps,
        look: OverlayParams { alpha: form.alpha, ..params(&state.view, false) },
        fps: form.fps,
        seed: 42,
        out: Some(PathBuf::from(form.out.trim())),
        replace: form.replace,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Waits for the answers of a dialog.
    fn answers(dialogs: &mut FileDialogs) -> Vec<Action> {
        let begun = Instant::now();
        while dialogs.open {
            let answers = dialogs.answers(true);
            if !answers.is_empty() {
                return answers;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "the dialog never answers");
            std::thread::sleep(Duration::from_millis(2));
        }
        Vec::new()
    }

    #[test]
    fn a_dialog_that_panics_is_a_sentence_and_the_next_one_opens() {
        let show: Show = |purpose, _| {
            assert!(purpose != PathPurpose::Dataset, "the portal is gone");
            Some(PathBuf::from("/a/run"))
        };
        let mut dialogs = FileDialogs::with(Arc::new(|| {}), show);
        let state = AppState::default();
        dialogs.open(PathPurpose::Dataset, &state);
        let first = answers(&mut dialogs);
        assert!(
            matches!(first.as_slice(), [Action::Open(OpenAction::FileDialogFailed(PathPurpose::Dataset, r))] if r.contains("portal is gone")),
            "{first:?}"
        );
        dialogs.open(PathPurpose::Run, &state);
        let second = answers(&mut dialogs);
        assert!(
            matches!(second.as_slice(), [Action::Open(OpenAction::PathChosen(PathPurpose::Run, p))] if p.ends_with("run"))
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dialog_that_never_took_the_focus_was_not_shown() {
        let slow: Show = |_, _| {
            std::thread::sleep(NO_DIALOG + Duration::from_millis(50));
            None
        };
        let answer = |focused: bool| {
            let mut dialogs = FileDialogs::with(Arc::new(|| {}), slow);
            dialogs.open(PathPurpose::Dataset, &AppState::default());
            let begun = Instant::now();
            let mut all = Vec::new();
            while dialogs.open {
                all.extend(dialogs.answers(focused));
                assert!(begun.elapsed() < Duration::from_secs(10), "the dialog never answers");
                std::thread::sleep(Duration::from_millis(2));
            }
            all
        };
        assert!(matches!(answer(true).as_slice(), [Action::Open(OpenAction::NoFileDialog(PathPurpose::Dataset))]));
        assert!(answer(false).is_empty(), "somebody cancelled it");
    }
}

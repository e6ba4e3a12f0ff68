//! Dataset → split → subject → video, and runs → checkpoints.

use crate::domain::{ClassChange, Dataset, Split, counted, leaf};
use crate::jobs::{CheckpointRef, RunView};
use crate::ui::action::{ChooseAction, CompareAction, OpenAction, SystemAction, WindowAction};
use crate::ui::derived::Same;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{ClipIndex, Filter, PathPurpose, Workspace};
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::{network_pick, text};
use egui::RichText;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of a group before one has to ask for the rest; a tree of ten thousand rows helps nobody.
const ROWS: usize = 200;

/// The tree.
#[derive(Default)]
pub struct Explorer {
    /// The grouping of the videos shown last, and what it was made from.
    groups: Vec<Group>,
    made_from: Option<(Same<Dataset>, u64, Same<Vec<Split>>)>,
}

/// Videos of one split: of that of the run in use, or of the dataset's own where the run has none for it.
struct Group {
    split: Split,
    videos: usize,
    subjects: Vec<(String, Vec<usize>)>,
}

impl Panel for Explorer {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        filter_box(ui, cx);
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            match cx.state.dataset.clone() {
                Some(dataset) => self.dataset(ui, cx, &dataset),
                None => {
                    ui.weak("No dataset is open.");
                    if ui.button("Open a dataset…").clicked() {
                        cx.send(SystemAction::AskPath(PathPurpose::Dataset));
                    }
                }
            }
            ui.add_space(8.0);
            runs(ui, cx);
        });
    }
}

/// The filter, shared with the table of videos.
pub fn filter_box(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let mut text = cx.state.filter.text.clone();
    let hint = "filter: name, split, class, warning";
    let field = egui::TextEdit::singleline(&mut text).hint_text(hint).desired_width(f32::INFINITY);
    let response = ui.add(field);
    text::name(&response, "Filter videos");
    if response.changed() {
        cx.send(ChooseAction::SetFilter(Filter { text }));
    }
}

impl Explorer {
    fn regroup(&mut self, cx: &PanelCx<'_>, dataset: &Arc<Dataset>) {
        let parts = Same::maybe(cx.state.run_parts.parts.as_ref());
        let from = Some((Same::of(dataset), cx.state.filtered_revision, parts));
        if self.made_from == from {
            return;
        }
        let mut splits: BTreeMap<Split, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for index in &cx.state.filtered {
            if let Some(video) = dataset.videos.get(*index) {
                let split = cx.state.part_in_run(*index).unwrap_or(video.split);
                splits.entry(split).or_default().entry(&video.subject).or_default().push(*index);
            }
        }
        let group = |(split, subjects): (Split, BTreeMap<&str, Vec<usize>>)| Group {
            split,
            videos: subjects.values().map(Vec::len).sum(),
            subjects: subjects.into_iter().map(|(subject, videos)| (subject.to_owned(), videos)).collect(),
        };
        self.groups = splits.into_iter().map(group).collect();
        self.made_from = from;
    }

    fn dataset(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Arc<Dataset>) {
        self.regroup(cx, dataset);
        let shown = cx.state.filtered.len();
        let total = dataset.videos.len();
        let count = if shown == total || shown == 0 {
            counted(total as u64, "video")
        } else {
            cx.state.narrowed().unwrap_or_default()
        };
        ui.label(RichText::new(&dataset.name).text_style(theme::section()))
            .on_hover_text(dataset.root.display().to_string());
        let of = dataset.mapped.as_ref().map_or_else(String::new, |m| format!(" of {} in the files", m.sources.len()));
        let told = format!("{count} · {} · {}{of}", dataset.format, counted(dataset.classes.len() as u64, "class"));
        ui.add(egui::Label::new(RichText::new(&told).text_style(theme::caption()).weak()).truncate())
            .on_hover_text(told);
        super::indexing(ui, cx);
        let mapped = dataset.mapped.as_ref().map(|m| ClassChange::words(&m.changes));
        let help = match &mapped {
            None => "Rename classes, make several one, leave some out, put them in order".to_owned(),
            Some(words) => words.join("\n"),
        };
        if ui.button("Label map…").on_hover_text(help).clicked() {
            cx.send(OpenAction::AskLabelMap);
        }
        if shown == 0 && total > 0 {
            ui.weak(cx.state.narrowed().unwrap_or_default());
            if ui.button("Clear the filter").clicked() {
                cx.send(ChooseAction::SetFilter(Filter::default()));
            }
        }
        let run = cx.state.run().filter(|_| cx.state.run_parts.parts.is_some()).map(|r| leaf(&r.path));
        if let Some(run) = &run {
            let text = RichText::new(format!("split of run {run}")).text_style(theme::caption()).weak();
            let help = "Which part each video plays in the run in use; another run may have another split";
            ui.add(egui::Label::new(text).truncate()).on_hover_text(help);
        }
        let clips = cx.state.evaluation().map(|entry| cx.state.clips_by_video(entry));
        for group in &self.groups {
            // What is in no part of a run is not what the dataset calls unassigned.
            let name = match (&run, group.split) {
                (Some(_), Split::Unassigned) => "not used",
                (_, split) => split.name(),
            };
            let title = format!("{name} ({})", group.videos);
            let open = group.videos <= 60 || self.groups.len() == 1;
            egui::CollapsingHeader::new(title).id_salt(("split", group.split)).default_open(open).show(ui, |ui| {
                for (subject, videos) in group.subjects.iter().take(ROWS) {
                    self::subject(ui, cx, dataset, (subject, videos), group.split, clips.as_deref());
                }
                if group.subjects.len() > ROWS {
                    ui.weak(format!("and {} more subjects: use the filter", group.subjects.len() - ROWS));
                }
            });
        }
    }
}

fn subject(
    ui: &mut egui::Ui,
    cx: &mut PanelCx<'_>,
    dataset: &Dataset,
    (subject, videos): (&str, &[usize]),
    split: Split,
    clips: Option<&ClipIndex>,
) {
    // A level with a single entry says nothing.
    if videos.len() == 1 || subject.is_empty() {
        return rows(ui, cx, dataset, videos, clips);
    }
    let title = format!("{subject} ({})", videos.len());
    egui::CollapsingHeader::new(title)
        .id_salt(("subject", split, subject))
        .show(ui, |ui| rows(ui, cx, dataset, videos, clips));
}

fn rows(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset, videos: &[usize], clips: Option<&ClipIndex>) {
    for index in videos.iter().take(ROWS) {
        video(ui, cx, dataset, *index, clips);
    }
    if videos.len() > ROWS {
        ui.weak(format!("and {} more: use the filter", videos.len() - ROWS));
    }
}

fn video(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset, index: usize, clips: Option<&ClipIndex>) {
    let Some(video) = dataset.videos.get(index) else { return };
    let p = theme::palette(ui);
    let chosen = cx.state.selection.video.as_deref() == Some(video.name.as_str());
    let errors = clips.and_then(|c| c.of_video(&video.name)).map_or(0, |c| c.errors);
    let warnings = cx.state.warnings_by_video.get(&index).map_or(0, Vec::len);
    let leaf = video.name.rsplit('/').next().unwrap_or(&video.name);
    let mut notes = Vec::new();
    if errors > 0 {
        notes.push(format!("{errors} wrong"));
    }
    if warnings > 0 {
        notes.push(format!("{warnings} warn"));
    }
    let color = if errors > 0 { p.bad } else { p.warn };
    let mut button = egui::Button::selectable(chosen, leaf).truncate().min_size(egui::vec2(ui.available_width(), 20.0));
    if !notes.is_empty() {
        button = button.right_text(RichText::new(notes.join(" ")).text_style(theme::caption()).color(color));
    }
    let response = ui.add(button);
    if chosen && !ui.clip_rect().intersects(response.rect) {
        // Keep the chosen video in sight when it was chosen elsewhere.
        if ui.data(|d| d.get_temp::<String>(egui::Id::unique("explorer shown"))).as_deref() != Some(&video.name) {
            response.scroll_to_me(Some(egui::Align::Center));
        }
    }
    if chosen {
        ui.data_mut(|d| d.insert_temp(egui::Id::unique("explorer shown"), video.name.clone()));
    }
    if response.on_hover_text(&video.name).clicked() {
        cx.send(ChooseAction::SelectVideo(video.name.clone()));
    }
}

fn runs(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.label(RichText::new("Runs").text_style(theme::section()));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icons::small_button(ui, Icon::Folder, "Open a run").clicked() {
                cx.send(SystemAction::AskPath(PathPurpose::Run));
            }
            if cx.state.runs.len() > 1
                && ui
                    .button("Compare…")
                    .on_hover_text("Runs side by side: tables, tests, fixed and broken clips")
                    .clicked()
            {
                cx.send(CompareAction::Open);
            }
        });
    });
    training(ui, cx);
    if cx.state.runs.is_empty() {
        let awaited = cx.state.awaited_run();
        ui.weak(awaited.unwrap_or_else(|| "None open. Train one, or open a run folder.".into()));
    }
    let runs: Vec<Arc<RunView>> = cx.state.runs.clone();
    for run in runs {
        self::run(ui, cx, &run);
    }
}

/// The run in training, until its first checkpoint makes it one of the list.
fn training(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let Some((live, job)) = cx.state.live_training() else { return };
    if cx.state.run_at(&live.run.path).is_some() {
        return;
    }
    let p = theme::palette(ui);
    let name = leaf(&live.run.path);
    let done = job.fraction.map_or_else(|| "starts".to_owned(), |f| format!("{:.0} %", f * 100.0));
    let right = RichText::new(format!("training {done}")).text_style(theme::caption()).color(p.accent);
    let button = egui::Button::selectable(false, text::elide_middle(&name, 22)).truncate().right_text(right);
    let response = ui.add(button.min_size(egui::vec2(ui.available_width(), 20.0)));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{name}, in training")));
    if response.on_hover_text("Watch it learn. Its checkpoints can be used as soon as they are written.").clicked() {
        cx.send(WindowAction::SetWorkspace(Workspace::Train));
    }
}

/// A run and its checkpoints. A click on the run opens or closes its list; another network comes into use only by a click
/// on one of its checkpoints, and that is told.
fn run(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, run: &RunView) {
    let p = theme::palette(ui);
    let name = leaf(&run.path);
    let selection = &cx.state.selection;
    let in_use = selection.run.as_ref() == Some(&run.path);
    let mut title = egui::text::LayoutJob::default();
    let body = egui::TextStyle::Body.resolve(ui.style());
    let small = theme::caption().resolve(ui.style());
    let format = |font: &egui::FontId, color| egui::TextFormat::simple(font.clone(), color);
    // Beside the triangle, and before what is said of it.
    let said = if in_use { 50.0 } else { 0.0 } + if run.problems.is_empty() { 0.0 } else { 60.0 };
    let letters = ((ui.available_width() - 22.0 - said) / 7.4).clamp(8.0, 40.0) as usize;
    title.append(&text::elide_middle(&name, letters), 0.0, format(&body, if in_use { p.text } else { p.muted }));
    if in_use {
        title.append("  in use", 0.0, format(&small, p.accent));
    }
    if !run.problems.is_empty() {
        title.append("  damaged", 0.0, format(&small, p.warn));
    }
    let head = egui::CollapsingHeader::new(title).id_salt(("run", &run.path)).default_open(in_use).show(ui, |ui| {
        for checkpoint in &run.checkpoints {
            let chosen = in_use && cx.state.checkpoint_name() == Some(&checkpoint.name);
            let title = network_pick::title(run, checkpoint);
            // The default is the first; there is no room to say it on every row.
            let button = egui::Button::selectable(chosen, network_pick::weights(run, &checkpoint.name)).truncate();
            let response = ui.add(button.min_size(egui::vec2(ui.available_width(), 20.0)));
            let spoken = if chosen { format!("{title} of {name}, in use") } else { format!("Use {title} of {name}") };
            response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, chosen, &spoken));
            if response.on_hover_text(&spoken).clicked() && !chosen {
                let name = Some(checkpoint.name.clone());
                cx.send(ChooseAction::UseNetwork(CheckpointRef { run: run.path.clone(), name }));
            }
        }
        if run.checkpoints.is_empty() {
            ui.weak("no checkpoint yet");
        }
        for problem in &run.problems {
            ui.label(RichText::new(problem).text_style(theme::caption()).color(p.warn));
        }
    });
    let told = if in_use { "in use" } else { "click a checkpoint to use it" };
    let mut help = vec![run.path.display().to_string(), told.to_owned()];
    help.extend(run.problems.iter().cloned());
    let header = head.header_response.on_hover_text(help.join("\n"));
    header.context_menu(|ui| {
        if ui.add_enabled(!in_use, egui::Button::new("Use this run")).clicked() {
            cx.send(ChooseAction::UseNetwork(CheckpointRef { run: run.path.clone(), name: None }));
            ui.close();
        }
        let another = !in_use && cx.state.run().is_some() && !run.checkpoints.is_empty();
        if ui.add_enabled(another, egui::Button::new("Compare with the run in use")).clicked() {
            cx.send(CompareAction::With(run.path.clone()));
            ui.close();
        }
        if ui.button("Open folder").clicked() {
            cx.send(CompareAction::ShowFile(run.path.clone()));
            ui.close();
        }
        if ui.button("Take off the list").clicked() {
            cx.send(OpenAction::CloseRun(run.path.clone()));
            ui.close();
        }
    });
}

//! What the panels of the Inside workspace share: what they say while there is nothing to show, the answer of the network for
//! the chosen layer, and the survey over the clips of a split.

use crate::domain::{bytes, counted};
use crate::inside::{LayerStatistics, ReceptiveField};
use crate::jobs::{InsideView, LayerSurvey, LayerView, RunView, SplitChoice};
use crate::model::ModuleTree;
use crate::progress::Flow;
use crate::ui::action::{InsideAction, SystemAction, WindowAction, WorkAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{PathPurpose, Workspace};
use crate::ui::theme;
use crate::ui::widgets::{class_notice, style};
use egui::{RichText, Ui};
use std::sync::Arc;

/// The network in use; says what to do where there is none.
pub fn network(ui: &mut Ui, cx: &mut PanelCx<'_>) -> Option<(Arc<RunView>, Arc<ModuleTree>)> {
    let Some(run) = cx.state.run().cloned() else {
        let awaited = cx.state.awaited_run();
        let text = awaited.as_deref().unwrap_or(
            "Train one, open a run, or import weights: its network is drawn here, with what its layers give for a clip.",
        );
        if style::empty_state(ui, "No run is chosen", text, Some("Open a run…")) {
            cx.send(SystemAction::AskPath(PathPurpose::Run));
        }
        return None;
    };
    match cx.state.modules_of(&run).as_ref() {
        Ok(tree) => Some((run, tree.clone())),
        Err(sentence) => {
            style::empty_state(ui, "There are no layers to look into", sentence, None);
            None
        }
    }
}

/// The network, where also a clip is chosen and the classes of the run are not foreign to the dataset.
pub fn with_clip(ui: &mut Ui, cx: &mut PanelCx<'_>) -> Option<(Arc<RunView>, Arc<ModuleTree>)> {
    let (run, tree) = network(ui, cx)?;
    if cx.state.dataset.is_none() {
        let text = "What layers give is computed for clips: open the dataset, or a video of your own.";
        if style::empty_state(ui, "No dataset is open", text, Some("Open a dataset…")) {
            cx.send(SystemAction::AskPath(PathPurpose::Dataset));
        }
        return None;
    }
    class_notice::show(ui, cx, &run);
    if cx.state.is_foreign(&run) {
        return None;
    }
    if cx.state.explained_clip().is_none() {
        let text = "Choose a clip in Data or Evaluate: what the layers give for it appears here.";
        if style::empty_state(ui, "No clip is chosen", text, Some("Go to Data")) {
            cx.send(WindowAction::SetWorkspace(Workspace::Data));
        }
        return None;
    }
    Some((run, tree))
}

/// What the network gave at a layer.
pub struct Shown {
    /// The answer.
    pub view: Arc<InsideView>,
    /// Position of the layer in it.
    at: usize,
    /// It was asked for in another way; the right answer is on its way.
    pub late: bool,
}

impl Shown {
    /// The layer.
    pub fn layer(&self) -> Option<&LayerView> {
        self.view.layers.get(self.at)
    }
}

/// What the network gave at a layer for the clip under the playhead; says what is awaited, or why there is nothing.
pub fn look(ui: &mut Ui, cx: &mut PanelCx<'_>, layer: &str) -> Option<Shown> {
    let query = cx.state.look_query(layer)?;
    let store = &cx.state.inside;
    let shown = |(view, of): (&Arc<InsideView>, &LayerView), late| {
        let at = view.layers.iter().position(|l| l.statistics.layer == of.statistics.layer)?;
        Some(Shown { view: view.clone(), at, late })
    };
    if let Some(found) = store.look(&query) {
        return shown(found, false);
    }
    if let Some(sentence) = store.failure(&query).map(str::to_owned) {
        let p = theme::palette(ui);
        style::notice_with(ui, p.bad, |ui| {
            ui.label(sentence);
            if ui.button("Try again").clicked() {
                cx.send(InsideAction::Show(cx.state.inside.settings));
            }
        });
        return None;
    }
    if let Some(found) = store.earlier_look(&query) {
        return shown(found, true);
    }
    ui.weak(format!("Computing {layer} for frame {} of {}…", query.clip.start, query.clip.video));
    None
}

/// The name of a layer, cut where there is no room, with all of it under the pointer.
pub fn layer_name(ui: &mut Ui, layer: &str, shape: [usize; 4]) {
    let text = format!("{layer}   {}", crate::inside::shape_label(shape));
    let size = bytes((shape.iter().product::<usize>() * size_of::<f32>()) as u64);
    ui.add(egui::Label::new(RichText::new(text).text_style(theme::section())).truncate())
        .on_hover_text(format!("{layer}: channels × time × height × width, {size} for a clip"));
}

/// The survey of the weights in use.
pub fn survey(cx: &PanelCx<'_>) -> Option<Arc<LayerSurvey>> {
    cx.state.inside.survey(&cx.state.selection.checkpoint_ref()?).cloned()
}

/// What is surveyed, and the button that begins it; while a survey is under way, how far it is.
pub fn survey_bar(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    if let Some(job) = cx.state.inside.surveying() {
        let view = cx.state.job(job);
        let stage = view.and_then(|v| v.stage.clone());
        ui.horizontal(|ui| {
            let (text, share) = match &stage {
                Some((what, done, total)) if *total > 0 => {
                    (format!("{what}: {done} of {total}"), *done as f32 / *total as f32)
                }
                Some((what, ..)) => (what.clone(), 0.0),
                None => ("waiting for its turn".to_owned(), 0.0),
            };
            let width = (ui.available_width() - 80.0).clamp(80.0, 320.0);
            ui.add(egui::ProgressBar::new(share).desired_width(width).text(text));
            if ui.button("Stop").on_hover_text("Ends the survey").clicked() {
                cx.send(WorkAction::Control(job, Flow::Stop));
            }
        });
        return;
    }
    let mut form = cx.state.inside.form;
    let mut begin = false;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label("Survey");
        let drag = egui::DragValue::new(&mut form.clips).range(1..=1_000_000).speed(5.0);
        ui.name_inputs("Clips of the survey", |ui| ui.add(drag))
            .on_hover_text("Sampled at random; all where there are fewer");
        ui.label("clips of");
        let combo = egui::ComboBox::from_id_salt("survey split").width(64.0).selected_text(form.split.name());
        ui.name_inputs("Split of the survey", |ui| {
            combo
                .show_ui(ui, |ui| {
                    for split in [SplitChoice::Train, SplitChoice::Val, SplitChoice::Test, SplitChoice::All] {
                        ui.selectable_value(&mut form.split, split, split.name());
                    }
                })
                .response
        });
        ui.checkbox(&mut form.over_checkpoints, "all checkpoints")
            .on_hover_text("The same clips with every checkpoint of the run: when did channels die?");
        begin =
            ui.button("Begin").on_hover_text("Statistics, examples and the map, in one pass over the clips").clicked();
    });
    if form != cx.state.inside.form {
        cx.send(InsideAction::SetSurvey(form));
    }
    if begin {
        cx.send(InsideAction::Survey);
    }
}

/// What to do where a survey is missing: its bar under a sentence.
pub fn no_survey(ui: &mut Ui, cx: &mut PanelCx<'_>, text: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(text).color(theme::palette(ui).muted));
    ui.add_space(4.0);
    survey_bar(ui, cx);
}

/// In how many clips a channel fires, in words: `in 0 of 200 clips`.
pub fn fires(statistics: &LayerStatistics, channel: usize) -> Option<String> {
    let clips = statistics.fires_in.get(channel)?;
    Some(format!("fires in {clips} of {}", counted(statistics.clips, "clip")))
}

/// The part of the clip a cell is made from, in words.
pub fn field_words(field: &ReceptiveField, cell: [usize; 3], frames: &[u32]) -> String {
    let [[first, behind], [top, bottom], [left, right]] = field.cell(cell);
    let number = |at: usize| frames.get(at).or(frames.last()).copied().unwrap_or(0);
    let (from, to) = (number(first), number(behind.saturating_sub(1)));
    format!("frames {from} to {to}, {} rows, {} columns", bottom - top, right - left)
}

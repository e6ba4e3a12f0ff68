//! The clips behind a number: those of the chosen cell, row or column, or every wrong one.

use super::clip_menu;
use crate::data::FrameRule;
use crate::domain::Dataset;
use crate::jobs::{ClipRef, HeatRequest};
use crate::run_folder::{Prediction, Predictions};
use crate::ui::AppState;
use crate::ui::action::{ChooseAction, WindowAction, WorkAction};
use crate::ui::arrangement::RunArrangement;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{EvaluationEntry, Workspace};
use crate::ui::theme;
use crate::ui::thumbs::Thumbs;
use crate::ui::widgets::clip_grid::{self, CardMenu, ClipCard, ClipEvent};
use crate::ui::widgets::clip_order::{self, ClipSort};
use crate::ui::widgets::matrix::{self, Matrix, MatrixPick};
use crate::ui::widgets::view_votes::{self, ViewVotes};
use crate::ui::widgets::{style, tags};
use egui::{RichText, Ui};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the cards on screen were made from.
#[derive(Clone, PartialEq)]
struct CardsKey {
    predictions: Same<Predictions>,
    dataset: Same<Dataset>,
    cell: Option<MatrixPick>,
    sort: ClipSort,
    wrong_only: bool,
    tag: Option<String>,
    notes: u64,
    /// What the heat on the body was measured with, when cards are sorted by it.
    heat: Option<(u64, HeatRequest)>,
}

/// The panel.
#[derive(Default)]
pub struct EvaluateClips {
    /// How the clips of the run are looked at.
    by: RunArrangement,
    /// The same for which run, as it was taken over.
    seen: (Option<PathBuf>, RunArrangement),
    /// A new tag while it is typed.
    fresh: String,
    /// Clips whose heat was asked to be measured, so that it is asked for once.
    measured: Vec<ClipRef>,
    /// Whether any video has masks.
    masks: Derived<Same<Dataset>, bool>,
    /// The tags of the run, and how many clips have each.
    tags: Derived<(Option<PathBuf>, u64), BTreeMap<String, usize>>,
    /// How the views of the chosen clip voted.
    votes: ViewVotes,
    key: Option<CardsKey>,
    cards: Vec<ClipCard>,
    thumbs: Option<Thumbs>,
}

impl Panel for EvaluateClips {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let Some(entry) = state.evaluation() else {
            ui.weak("The clips behind a number appear here once a checkpoint has been evaluated.");
            return;
        };
        if let Some(epoch) = state.epoch_shown {
            let text = format!(
                "The matrix above counts the validation of epoch {epoch}. A run keeps how many clips lie in each cell, not \
                 which ones: to see clips, evaluate a checkpoint on the val split."
            );
            style::empty_state(ui, "The clips of this epoch are not kept", &text, None);
            return;
        }
        let cell = state.selection.cell;
        let seen = (state.selection.run.clone(), state.run_arrangement());
        if self.seen != seen {
            self.by.clone_from(&seen.1);
            self.seen = seen;
        }
        let masks = self.has_masks(state);
        if self.by.clips == ClipSort::OffBody && !masks {
            self.by.clips = ClipSort::default();
        }
        let before = self.by.clone();
        let fresh = self.refresh(state, entry);
        let classes = &entry.evaluation.classes;
        let shown = Matrix::of(&entry.evaluation);
        ui.horizontal_wrapped(|ui| {
            let title = match (cell, &self.by.tag) {
                (Some(pick), None) => matrix::title(pick, &shown),
                (Some(pick), Some(tag)) => {
                    format!("{}, of them tagged '{tag}': {}", matrix::title(pick, &shown), self.cards.len())
                }
                (None, Some(tag)) => format!("Clips tagged '{tag}': {}", self.cards.len()),
                (None, None) if entry.evaluation.multi_label.is_some() => {
                    format!("Every clip whose most probable class is wrong: {}", self.cards.len())
                }
                (None, None) => format!("Every wrong clip: {}", self.cards.len()),
            };
            ui.label(RichText::new(title).text_style(theme::section()));
            if cell.is_some() && ui.button("Show every wrong clip").clicked() {
                cx.send(ChooseAction::SelectCell(None));
            }
            ui.add_space(8.0);
            let label = ui.weak("sorted");
            egui::ComboBox::from_id_salt("clip order")
                .selected_text(self.by.clips.name())
                .show_ui(ui, |ui| {
                    for sort in ClipSort::ALL.into_iter().filter(|s| *s != ClipSort::OffBody || masks) {
                        ui.selectable_value(&mut self.by.clips, sort, sort.name());
                    }
                })
                .response
                .labelled_by(label.id);
            if matches!(cell, Some(MatrixPick::Row(_) | MatrixPick::Column(_))) {
                ui.checkbox(&mut self.by.wrong_only, "Only wrong ones");
            }
            self.tags(ui, cx);
            clip_grid::size_slider(ui);
            ui.weak("Click chooses, double click or Enter shows the heatmap");
        });
        if self.by != before {
            let RunArrangement { clips, wrong_only, tag, .. } = self.by.clone();
            cx.send(WindowAction::Arrange(RunArrangement { clips, wrong_only, tag, ..state.run_arrangement() }));
        }
        if fresh {
            self.measure(cx);
        }
        self.views(ui, cx, entry);
        if self.cards.is_empty() {
            let text = if cell.is_some() { "No clip lies here." } else { "No clip is wrong." };
            ui.weak(text);
            return;
        }
        let thumbs = self.thumbs.get_or_insert_with(|| Thumbs::of_window(ui.ctx()));
        let menu: CardMenu<'_> = &mut |ui, card| clip_menu::show(ui, cx, card);
        match clip_grid::grid(ui, &self.cards, classes, thumbs, state.selection.clip.as_ref(), menu) {
            Some(ClipEvent::Select(clip)) => cx.send(ChooseAction::SelectClip(clip)),
            Some(ClipEvent::Open(clip)) => cx.send(ChooseAction::ReviewClip(clip)),
            None => {}
        }
    }
}

impl EvaluateClips {
    fn has_masks(&self, state: &AppState) -> bool {
        let any = || state.dataset.as_ref().is_some_and(|d| d.videos.iter().any(|v| v.masks.is_some()));
        *self.masks.get(Same::maybe(state.dataset.as_ref()), any)
    }

    /// How the views of the chosen clip voted, where it was seen in several; a view that is chosen is shown in Review.
    fn views(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, entry: &EvaluationEntry) {
        let state = cx.state;
        let Some(clip) = &state.selection.clip else { return };
        let Some(prediction) = state.prediction_of(entry, clip) else { return };
        let Some(text) = view_votes::summary(prediction, &entry.evaluation.classes) else { return };
        let mut chosen = None;
        egui::CollapsingHeader::new(text).id_salt("views of the chosen clip").show(ui, |ui| {
            chosen = self.votes.table(ui, state, clip, Some(entry));
        });
        if let Some(view) = chosen {
            cx.send(ChooseAction::SelectView(clip.clone(), Some(view)));
            cx.send(WindowAction::SetWorkspace(Workspace::Review));
        }
    }

    /// The tags of the run as a filter, and the menu that tags the chosen clip.
    fn tags(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let notes = state.selection.run.as_ref().and_then(|run| state.notes.get(run));
        let tags = self.tags.get((state.selection.run.clone(), state.notes_revision), || {
            let tags = notes.map(crate::run_folder::Notes::tags).unwrap_or_default();
            tags.into_iter().map(|(tag, clips)| (tag.to_owned(), clips)).collect()
        });
        if self.by.tag.as_deref().is_some_and(|t| !tags.contains_key(t)) {
            self.by.tag = None;
        }
        if !tags.is_empty() {
            let label = ui.weak("tag");
            egui::ComboBox::from_id_salt("clip tag")
                .selected_text(self.by.tag.as_deref().unwrap_or("any"))
                .width(70.0)
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut self.by.tag, None, "any");
                    for (tag, clips) in tags.iter() {
                        ui.selectable_value(&mut self.by.tag, Some(tag.clone()), format!("{tag} ({clips})"));
                    }
                })
                .response
                .labelled_by(label.id);
        }
        let Some(clip) = state.selection.clip.clone() else { return };
        if state.run().is_none_or(|r| r.notes_problem.is_some()) {
            return;
        }
        let note = state.note(&clip).cloned().unwrap_or_default();
        if let Some(note) = tags::menu(ui, &note, notes, &mut self.fresh) {
            cx.send(WorkAction::SetNote(clip, note));
        }
    }

    /// Asks for the heat on the body of the clips on screen, when they are sorted by it.
    fn measure(&mut self, cx: &mut PanelCx<'_>) {
        if self.by.clips != ClipSort::OffBody {
            return;
        }
        let Some(checkpoint) = cx.state.selection.checkpoint_ref() else { return };
        let view = cx.state.selection.view();
        let known =
            |clip: &ClipRef| cx.state.explain.answer(&checkpoint, clip).is_some_and(|a| a.on_body.contains_key(&view));
        let missing: Vec<ClipRef> = self.cards.iter().map(|c| c.clip.clone()).filter(|c| !known(c)).collect();
        // Asked for once: a clip without an answer failed or was cancelled, which was told.
        if !missing.is_empty() && missing.iter().any(|c| !self.measured.contains(c)) {
            self.measured.clone_from(&missing);
            cx.send(WorkAction::MeasureBody(missing));
        } else if missing.is_empty() {
            self.measured.clear();
        }
    }

    /// Makes the cards again when anything they depend on has changed; true when it did.
    fn refresh(&mut self, state: &AppState, entry: &EvaluationEntry) -> bool {
        let cell = state.selection.cell;
        let key = CardsKey {
            predictions: Same::of(&entry.predictions),
            dataset: Same::maybe(state.dataset.as_ref()),
            cell,
            sort: self.by.clips,
            wrong_only: self.by.wrong_only,
            tag: self.by.tag.clone(),
            notes: state.notes_revision,
            heat: (self.by.clips == ClipSort::OffBody).then(|| (state.explain.generation(), state.selection.view())),
        };
        if self.key.as_ref() == Some(&key) {
            return false;
        }
        let wanted = |p: &&Prediction| match cell {
            None => self.by.tag.is_some() || !p.correct(),
            Some(c @ MatrixPick::Cell { .. }) => c.holds(p),
            Some(c) => c.holds(p) && !(self.by.wrong_only && c.is_right(p)),
        };
        let notes = state.notes.get(&entry.run);
        let note = |p: &Prediction| notes.and_then(|n| n.get(&p.video, p.start));
        let tagged = |p: &&Prediction| match &self.by.tag {
            Some(tag) => note(p).is_some_and(|n| n.tags.contains(tag)),
            None => true,
        };
        let checkpoint = state.selection.checkpoint_ref();
        let view = state.selection.view();
        let share = |clip: &ClipRef| {
            let answer = state.explain.answer(checkpoint.as_ref()?, clip)?;
            answer.on_body.get(&view).copied().flatten().map(|s| s.of_heat())
        };
        let rule = FrameRule::of(&state.run_at(&entry.run).map(|r| r.config.clip.clone()).unwrap_or_default());
        self.cards = entry
            .predictions
            .clips
            .iter()
            .filter(wanted)
            .filter(tagged)
            .map(|p| {
                let video = state.video_named(&p.video);
                let clip = ClipRef { video: p.video.clone(), start: p.start, cut: p.cut };
                ClipCard {
                    on_body: share(&clip),
                    other: None,
                    tags: note(p).map(|n| n.tags.clone()).unwrap_or_default(),
                    path: video.map(|v| v.path.clone()),
                    frames: rule.numbers(&clip.clip(0), video.map_or(u32::MAX, |v| v.frames())),
                    clip,
                    truth: p.truth,
                    truths: p.truths.clone(),
                    predicted: p.predicted,
                    said: (!p.truths.is_empty()).then(|| p.said_classes()),
                    confidence: p.confidence(),
                    margin: p.margin(),
                    loss: p.loss,
                }
            })
            .collect();
        clip_order::sort(&mut self.cards, self.by.clips);
        self.key = Some(key);
        true
    }
}

//! The clips behind a number: those of the chosen cell, row or column, or every wrong one.

use crate::eval::Prediction;
use crate::jobs::ClipRef;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::EvaluationEntry;
use crate::ui::thumbs::Thumbs;
use crate::ui::widgets::clip_grid::{self, ClipCard, ClipEvent, ClipSort};
use crate::ui::widgets::matrix::{self, Matrix, MatrixPick};
use crate::ui::{Action, AppState};
use egui::{RichText, Ui};
use std::sync::Arc;

/// What the cards on screen were made from.
#[derive(Clone, PartialEq)]
struct Key {
    predictions: usize,
    dataset: usize,
    cell: Option<MatrixPick>,
    sort: ClipSort,
    wrong_only: bool,
}

/// The panel.
#[derive(Default)]
pub struct EvaluateClips {
    sort: ClipSort,
    wrong_only: bool,
    key: Option<Key>,
    cards: Vec<ClipCard>,
    thumbs: Option<Thumbs>,
}

impl Panel for EvaluateClips {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let Some(entry) = state.evaluation() else {
            ui.weak("The clips behind a number appear here once a checkpoint has been judged.");
            return;
        };
        let cell = state.selection.cell;
        self.refresh(state, entry);
        let classes = &entry.evaluation.classes;
        let shown = Matrix { confusion: &entry.evaluation.confusion, classes };
        ui.horizontal_wrapped(|ui| {
            let title = match cell {
                Some(pick) => matrix::title(pick, &shown),
                None => format!("Every wrong clip: {}", self.cards.len()),
            };
            ui.label(RichText::new(title).strong());
            if cell.is_some() && ui.small_button("Show every wrong clip").clicked() {
                cx.send(Action::SelectCell(None));
            }
            ui.add_space(8.0);
            let label = ui.weak("sorted");
            egui::ComboBox::from_id_salt("clip order")
                .selected_text(self.sort.name())
                .show_ui(ui, |ui| {
                    for sort in ClipSort::ALL {
                        ui.selectable_value(&mut self.sort, sort, sort.name());
                    }
                })
                .response
                .labelled_by(label.id);
            if matches!(cell, Some(MatrixPick::Row(_) | MatrixPick::Column(_))) {
                ui.checkbox(&mut self.wrong_only, "Only wrong ones");
            }
            ui.weak("Click chooses, double click or Enter shows the heatmap");
        });
        if self.cards.is_empty() {
            let text = if cell.is_some() { "No clip lies here." } else { "No clip is wrong." };
            ui.weak(text);
            return;
        }
        let thumbs = self.thumbs.get_or_insert_with(|| Thumbs::of_window(ui.ctx()));
        match clip_grid::grid(ui, &self.cards, classes, thumbs, state.selection.clip.as_ref()) {
            Some(ClipEvent::Select(clip)) => cx.send(Action::SelectClip(clip)),
            Some(ClipEvent::Open(clip)) => cx.send(Action::ReviewClip(clip)),
            None => {}
        }
    }
}

impl EvaluateClips {
    /// Makes the cards again when anything they depend on has changed.
    fn refresh(&mut self, state: &AppState, entry: &EvaluationEntry) {
        let cell = state.selection.cell;
        let key = Key {
            predictions: Arc::as_ptr(&entry.predictions) as usize,
            dataset: state.dataset.as_ref().map_or(0, |d| Arc::as_ptr(d) as usize),
            cell,
            sort: self.sort,
            wrong_only: self.wrong_only,
        };
        if self.key.as_ref() == Some(&key) {
            return;
        }
        let wanted = |p: &&Prediction| match cell {
            None => !p.correct(),
            Some(MatrixPick::Cell { .. }) => cell.is_some_and(|c| c.contains(p.truth, p.predicted)),
            Some(c) => c.contains(p.truth, p.predicted) && !(self.wrong_only && p.correct()),
        };
        let geometry = state.run_at(&entry.run).map(|r| r.config.clip.clone()).unwrap_or_default().geometry();
        self.cards = entry
            .predictions
            .clips
            .iter()
            .filter(wanted)
            .map(|p| {
                let video = state.video_named(&p.video);
                ClipCard {
                    clip: ClipRef { video: p.video.clone(), start: p.start },
                    path: video.map(|v| v.path.clone()),
                    frames: geometry.frame_numbers(p.start, video.map_or(u32::MAX, |v| v.frames())).collect(),
                    truth: p.truth,
                    predicted: p.predicted,
                    confidence: p.confidence(),
                    margin: p.margin(),
                    loss: p.loss,
                    tags: Vec::new(),
                }
            })
            .collect();
        clip_grid::sort(&mut self.cards, self.sort);
        self.key = Some(key);
    }
}

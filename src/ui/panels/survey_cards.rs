//! Clips of a survey as cards.

use super::clip_menu;
use crate::domain::ClassSet;
use crate::jobs::SurveyClip;
use crate::ui::AppState;
use crate::ui::action::ChooseAction;
use crate::ui::panel::PanelCx;
use crate::ui::thumbs::Thumbs;
use crate::ui::widgets::clip_grid::{self, CardMenu, CardNote, ClipCard, ClipEvent};
use egui::Ui;

/// A grid of cards with its pictures.
#[derive(Default)]
pub struct Cards {
    thumbs: Option<Thumbs>,
}

impl Cards {
    /// Draws the cards; a click chooses a clip, a double click or Enter shows it in Review.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PanelCx<'_>,
        cards: &(Vec<ClipCard>, Vec<CardNote>),
        classes: &ClassSet,
    ) {
        let thumbs = self.thumbs.get_or_insert_with(|| Thumbs::of_window(ui.ctx()));
        let state = cx.state;
        let chosen = state.selection.clip.as_ref();
        let menu: CardMenu<'_> = &mut |ui, card| clip_menu::show(ui, cx, card);
        match clip_grid::noted(ui, (&cards.0, &cards.1), classes, thumbs, chosen, menu) {
            Some(ClipEvent::Select(clip)) => cx.send(ChooseAction::SelectClip(clip)),
            Some(ClipEvent::Open(clip)) => cx.send(ChooseAction::ReviewClip(clip)),
            None => {}
        }
    }
}

/// The card of a clip, with what is said of it.
pub fn card(state: &AppState, clip: &SurveyClip, said: String) -> (ClipCard, CardNote) {
    let card = ClipCard {
        clip: clip.clip.clone(),
        path: state.video_named(&clip.clip.video).map(|v| v.path.clone()),
        frames: clip.frames.clone(),
        truth: clip.truth.unwrap_or(clip.predicted),
        truths: Vec::new(),
        predicted: clip.predicted,
        said: None,
        other: None,
        confidence: clip.probability,
        margin: f32::NAN,
        loss: f32::NAN,
        tags: Vec::new(),
        on_body: None,
    };
    (card, CardNote { said, mark: None, labelled: clip.truth.is_some() })
}

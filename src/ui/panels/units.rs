//! Units by example: the clips that excite a channel most, with the place and the time of it.

use super::{inside_parts, survey_cards};
use crate::domain::counted;
use crate::inside::{Example, ReceptiveField};
use crate::jobs::{LayerSurvey, SurveyClip};
use crate::ui::AppState;
use crate::ui::action::InsideAction;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::widgets::clip_grid::{CardNote, ClipCard};
use egui::{RichText, Ui};
use std::sync::Arc;

/// The cards of one channel of one layer.
type CardsKey = (Same<LayerSurvey>, Same<crate::domain::Dataset>, usize, usize);

/// The panel.
#[derive(Default)]
pub struct Units {
    cards: Derived<CardsKey, (Vec<ClipCard>, Vec<CardNote>)>,
    grid: survey_cards::Cards,
}

impl Panel for Units {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some((_, tree)) = inside_parts::with_clip(ui, cx) else { return };
        let Some(layer) = cx.state.inside_layer() else { return };
        let Some(survey) = inside_parts::survey(cx) else {
            let text = "What does a channel look for? Survey clips of a split to see those that excite it most.";
            return inside_parts::no_survey(ui, cx, text);
        };
        let Some((at, examples)) = survey.examples.iter().enumerate().find(|(_, e)| e.layer == layer) else {
            let text = format!("The last survey of these weights did not look at {layer}: begin another one.");
            return inside_parts::no_survey(ui, cx, &text);
        };
        let channels = examples.channels.len();
        let channel = cx.state.inside.channel(&layer).unwrap_or(0).min(channels.saturating_sub(1));
        let [_, height, width] = tree.clip;
        let field = survey.fields.get(at).and_then(Option::as_ref);
        head(ui, cx, &survey, &layer, (channel, channels));
        if let Some(field) = field {
            let ([t, h, w], [dt, dh, dw]) = (field.size(), field.step());
            let text =
                format!("each cell is made from {t} frames, {h} rows, {w} columns; the next lies {dt}, {dh}, {dw} on");
            ui.add(egui::Label::new(RichText::new(&text).text_style(theme::caption()).weak()).truncate())
                .on_hover_text(text);
        }
        let list = examples.channels.get(channel).map(Vec::as_slice).unwrap_or_default();
        if list.is_empty() {
            let text = format!(
                "Channel {channel} fires in none of the {} surveyed.",
                counted(survey.clips.len() as u64, "clip")
            );
            ui.label(text);
            return;
        }
        let key = (Same::of(&survey), Same::maybe(cx.state.dataset.as_ref()), at, channel);
        let cards = self.cards.get(key, || {
            let of = |e: &Example| survey.clips.get(e.clip).map(|clip| card(cx.state, clip, e, field, (height, width)));
            list.iter().filter_map(of).unzip()
        });
        self.grid.ui(ui, cx, &cards, &survey.classes);
    }
}

/// Which channel, and the way to the one before and behind.
fn head(
    ui: &mut Ui,
    cx: &mut PanelCx<'_>,
    survey: &Arc<LayerSurvey>,
    layer: &str,
    (channel, channels): (usize, usize),
) {
    let clips = counted(survey.clips.len() as u64, "clip");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let mut next = channel;
        let last = channels.saturating_sub(1);
        let drag = egui::DragValue::new(&mut next).range(0..=last).speed(0.1);
        ui.label("Channel");
        ui.name_inputs("Channel of the examples", |ui| ui.add(drag));
        let text = format!("of {channels}, {layer}: what excites it most of {clips} of '{}'", survey.split.name());
        ui.add(egui::Label::new(&text).truncate()).on_hover_text(&text);
        if next != channel {
            cx.send(InsideAction::ChooseChannel(layer.to_owned(), next));
        }
    });
    if let Some(fires) =
        survey.statistics.iter().find(|s| s.layer == layer).and_then(|s| inside_parts::fires(s, channel))
    {
        ui.label(RichText::new(fires).text_style(theme::caption()).weak());
    }
}

/// The card of an example: the frames and the part of the picture that its cell is made from.
fn card(
    state: &AppState,
    clip: &SurveyClip,
    example: &Example,
    field: Option<&ReceptiveField>,
    (height, width): (usize, usize),
) -> (ClipCard, CardNote) {
    let Some(field) = field else { return survey_cards::card(state, clip, format!("{:.3}", example.value)) };
    let [[first, behind], rows, columns] = field.cell(example.cell);
    let frames: Vec<u32> = clip.frames.get(first..behind.min(clip.frames.len())).unwrap_or_default().to_vec();
    let span = match (frames.first(), frames.last()) {
        (Some(from), Some(to)) => format!(", frames {from} to {to}"),
        _ => String::new(),
    };
    let (card, note) = survey_cards::card(state, clip, format!("{:.3}{span}", example.value));
    let [x, y, w, h] = clip.region;
    let across = |at: usize| x + w * at as f32 / width.max(1) as f32;
    let down = |at: usize| y + h * at as f32 / height.max(1) as f32;
    let mark = Some([across(columns[0]), down(rows[0]), across(columns[1]), down(rows[1])]);
    let frames = if frames.is_empty() { clip.frames.clone() } else { frames };
    (ClipCard { frames, ..card }, CardNote { mark, ..note })
}

//! The clips of two runs in four lists: both right, fixed, broken, both wrong.

use super::clip_menu;
use super::compare_parts::{notes, pair};
use crate::data::FrameRule;
use crate::domain::{ClassSet, Dataset};
use crate::jobs::{ClipRef, Compared, SplitChoice};
use crate::ui::AppState;
use crate::ui::action::{ChooseAction, CompareAction};
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::selection::MatrixSelection;
use crate::ui::thumbs::Thumbs;
use crate::ui::widgets::clip_grid::{self, CardMenu, ClipCard, ClipEvent};
use crate::ui::widgets::clip_order::{self, ClipSort};
use egui::Ui;

/// What the cards are made from: the comparison, the dataset, pair, list, part of the matrix, order.
type CardsKey = (Same<Compared>, Same<Dataset>, usize, usize, Option<MatrixSelection>, ClipSort);

/// The panel.
#[derive(Default)]
pub struct CompareClips {
    sort: ClipSort,
    cards: Derived<CardsKey, Vec<ClipCard>>,
    classes: Derived<Same<Compared>, ClassSet>,
    thumbs: Option<Thumbs>,
}

/// What each list means.
const HELP: [&str; 4] = [
    "Both runs have these right. Double click or Enter shows a clip with both heatmaps.",
    "Wrong in A, right in B. Double click or Enter shows a clip with both heatmaps.",
    "Right in A, wrong in B. Double click or Enter shows a clip with both heatmaps.",
    "Both runs have these wrong. Double click or Enter shows a clip with both heatmaps.",
];

impl Panel for CompareClips {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let comparing = &state.comparing;
        let (Some(found), Some((comparison, shown))) = (&comparing.found, comparing.pair()) else {
            ui.weak("The clips that one run has right and another wrong appear here.");
            return;
        };
        // Room for the cards counts here: that nothing differs is said above.
        if !comparison.notes.is_empty() {
            notes(ui, comparison);
        }
        let lists = shown.lists.named();
        ui.horizontal_wrapped(|ui| {
            pair(ui, cx);
            ui.separator();
            for (i, (name, clips)) in lists.iter().enumerate() {
                let text = format!("{name} ({})", clips.len());
                let help = HELP.get(i).copied().unwrap_or_default();
                let whole =
                    if comparison.metric.of_sets() { "Right is who says exactly the true classes. " } else { "" };
                let row = ui.selectable_label(comparing.list == i, text).on_hover_text(format!("{whole}{help}"));
                if row.clicked() {
                    cx.send(CompareAction::ShowList(i));
                }
            }
            ui.add_space(8.0);
            let label = ui.weak("sorted");
            egui::ComboBox::from_id_salt("compared clip order")
                .selected_text(self.sort.name())
                .show_ui(ui, |ui| {
                    for sort in ClipSort::ALL.into_iter().filter(|s| *s != ClipSort::OffBody) {
                        ui.selectable_value(&mut self.sort, sort, sort.name());
                    }
                })
                .response
                .labelled_by(label.id);
            if let Some(cell) = comparing.cell {
                if ui.button("Show all").on_hover_text("Clips of every class").clicked() {
                    cx.send(CompareAction::ShowCell(None));
                }
                ui.weak(cell_title(cell, &comparison.classes));
            }
        });
        let key = (
            Same::of(&found.compared),
            Same::maybe(state.dataset.as_ref()),
            comparing.pair,
            comparing.list,
            comparing.cell,
            self.sort,
        );
        let cards = self.cards.get(key, || cards(state, comparing.list, self.sort));
        let classes = self.classes.get(Same::of(&found.compared), || ClassSet::from_names(comparison.classes.clone()));
        if cards.is_empty() {
            ui.weak(if comparing.cell.is_some() { "No clip of this list lies there." } else { "This list is empty." });
            return;
        }
        let thumbs = self.thumbs.get_or_insert_with(|| Thumbs::of_window(ui.ctx()));
        let menu: CardMenu<'_> = &mut |ui, card| clip_menu::show(ui, cx, card);
        match clip_grid::grid(ui, &cards, &classes, thumbs, state.selection.clip.as_ref(), menu) {
            Some(ClipEvent::Select(clip)) => cx.send(ChooseAction::SelectClip(clip)),
            Some(ClipEvent::Open(clip)) => review(cx, clip),
            None => {}
        }
    }
}

/// Looks at a clip with both networks.
fn review(cx: &mut PanelCx<'_>, clip: ClipRef) {
    let Some(networks) = cx.state.comparing.pair_networks() else { return };
    let name = cx.state.comparing.comparison().map(|c| c.split.as_str()).unwrap_or_default();
    let splits = [SplitChoice::Test, SplitChoice::Val, SplitChoice::Train, SplitChoice::All];
    let split = splits.into_iter().find(|s| s.name() == name).unwrap_or(cx.state.selection.split);
    cx.send(ChooseAction::ReviewBoth(clip, Box::new(networks), split));
}

fn cell_title(cell: MatrixSelection, classes: &[String]) -> String {
    let name = |c: usize| classes.get(c).map_or("?", String::as_str);
    match cell {
        MatrixSelection::Row(truth) => format!("clips of {}", name(truth)),
        MatrixSelection::Column(predicted) => format!("predicted as {} by A or B", name(predicted)),
        MatrixSelection::Cell { truth, predicted } => {
            format!("clips of {} predicted as {} by A or B", name(truth), name(predicted))
        }
    }
}

/// The cards of a list: what B said of each clip, and beside it what A said.
fn cards(state: &AppState, list: usize, sort: ClipSort) -> Vec<ClipCard> {
    let Some((comparison, pair)) = state.comparing.pair() else { return Vec::new() };
    let (Some(a), Some(b)) = (comparison.runs.get(pair.a), comparison.runs.get(pair.b)) else { return Vec::new() };
    let lists = pair.lists.named();
    let clips = lists.get(list).map_or(&[][..], |(_, clips)| *clips);
    let networks = state.comparing.pair_networks();
    let run = networks.and_then(|[_, b]| state.run_at(&b.run).cloned());
    let rule = FrameRule::of(&run.map(|r| r.config.clip.clone()).unwrap_or_default());
    let mut cards: Vec<ClipCard> = clips
        .iter()
        .filter_map(|at| Some((comparison.clips.get(*at)?, a.answers.get(*at)?, b.answers.get(*at)?)))
        .filter(|(_, a, b)| state.comparing.cell.is_none_or(|cell| cell.holds(a) || cell.holds(b)))
        .map(|(clip, a, b)| {
            let video = state.video_named(&clip.video);
            let place = ClipRef { video: clip.video.clone(), start: clip.start, cut: clip.cut };
            let said = comparison.names(&a.said_classes());
            let said = if said.is_empty() { "nothing".to_owned() } else { said };
            ClipCard {
                path: video.map(|v| v.path.clone()),
                frames: rule.numbers(&place.clip(0), video.map_or(u32::MAX, |v| v.frames())),
                clip: place,
                truth: clip.truth,
                truths: b.truths.clone(),
                predicted: b.predicted,
                said: (!b.truths.is_empty()).then(|| b.said_classes()),
                confidence: b.confidence(),
                margin: b.margin(),
                loss: b.loss,
                tags: Vec::new(),
                on_body: None,
                other: Some(format!("A: {said} {:.2}", a.confidence())),
            }
        })
        .collect();
    clip_order::sort(&mut cards, sort);
    cards
}

//! The clips of a survey as points: those that look alike to the network lie beside each other.

use super::{inside_parts, survey_cards};
use crate::domain::{Split, counted};
use crate::inside::ClipMap;
use crate::jobs::{ClipRef, LayerSurvey, SurveyClip};
use crate::ui::action::ChooseAction;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::clip_grid::{CardNote, ClipCard};
use crate::ui::widgets::scatter::{self, Points, ScatterEvent, ScatterState, Tool};
use egui::{Color32, Rect, RichText, Sense, Ui, Vec2, pos2};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Names of a legend before there are only colours.
const NAMES: usize = 12;
/// Pairs listed before there is only a number.
const PAIRS: usize = 50;
/// What the trustworthiness says.
const TRUST: &str = "Trustworthiness: 1 where the five nearest on the map are the nearest in all features, less where strangers lie between.";

/// What points are coloured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ColorBy {
    #[default]
    Class,
    Subject,
    Split,
    Correctness,
}

impl ColorBy {
    const ALL: [Self; 4] = [Self::Class, Self::Subject, Self::Split, Self::Correctness];

    fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Subject => "subject",
            Self::Split => "split",
            Self::Correctness => "right or wrong",
        }
    }
}

/// How points are arranged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Arranged {
    #[default]
    Components,
    Neighbours,
}

impl Arranged {
    const ALL: [Self; 2] = [Self::Components, Self::Neighbours];

    fn name(self) -> &'static str {
        match self {
            Self::Components => "Components",
            Self::Neighbours => "Neighbours",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Components => "Along the first two principal components: distances are distances.",
            Self::Neighbours => {
                "By t-SNE: who lies beside whom means something. Distances between groups, their sizes and the axes do not."
            }
        }
    }
}

/// What follows from a survey and an arrangement alone.
#[derive(Default)]
struct Cloud {
    places: Vec<Vec2>,
    subjects: Vec<String>,
    by_clip: HashMap<ClipRef, usize>,
}

/// Cards with their notes.
type NotedCards = (Vec<ClipCard>, Vec<CardNote>);

/// The panel.
#[derive(Default)]
pub struct ClipMapPanel {
    by: ColorBy,
    arranged: Arranged,
    cloud: Derived<(Same<LayerSurvey>, Arranged), Cloud>,
    scatter: ScatterState<(Same<LayerSurvey>, ColorByKey)>,
    chosen: Vec<usize>,
    /// Counts changes of those.
    revision: u64,
    of: Same<LayerSurvey>,
    cards: Derived<(Same<LayerSurvey>, u64), NotedCards>,
    grid: survey_cards::Cards,
}

/// How points are arranged and coloured, on which ground, and which choice is marked.
type ColorByKey = (u8, u8, bool, u64);

impl Panel for ClipMapPanel {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        if inside_parts::with_clip(ui, cx).is_none() {
            return;
        }
        let survey = inside_parts::survey(cx);
        let Some((survey, map)) = survey.as_ref().and_then(|s| Some((s, s.map.as_ref()?))) else {
            let text = "A map of clips needs a survey: the features before the classifier for clips of a split, along their first two \
                        principal components, or arranged by their neighbours.";
            return inside_parts::no_survey(ui, cx, text);
        };
        if self.of != Same::of(survey) {
            (self.of, self.chosen) = (Same::of(survey), Vec::new());
            self.revision += 1;
            self.scatter.fit();
        }
        let arranged = self.arranged;
        let cloud = self.cloud.get((Same::of(survey), arranged), || cloud_of(survey, map, arranged));
        self.controls(ui, survey, map);
        let space = ui.available_rect_before_wrap();
        let middle = space.left() + space.width() * 0.55;
        let left = Rect::from_min_max(space.min, pos2(middle, space.bottom() - 20.0));
        let below = Rect::from_min_max(pos2(space.left(), left.bottom() + 2.0), pos2(middle, space.bottom()));
        let right = Rect::from_min_max(pos2(middle + 8.0, space.top()), space.max);
        self.points(ui, cx, left, survey, &cloud);
        ui.scope_builder(egui::UiBuilder::new().max_rect(below), |ui| self.legend(ui, survey, &cloud));
        ui.scope_builder(egui::UiBuilder::new().max_rect(right), |ui| {
            ui.set_clip_rect(right.intersect(ui.clip_rect()));
            self.beside(ui, cx, survey, map, &cloud);
        });
    }
}

impl ClipMapPanel {
    fn controls(&mut self, ui: &mut Ui, survey: &LayerSurvey, map: &ClipMap) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            let combo = egui::ComboBox::from_id_salt("points coloured by").width(110.0).selected_text(self.by.name());
            ui.name_inputs("Points coloured by", |ui| {
                combo
                    .show_ui(ui, |ui| {
                        for by in ColorBy::ALL {
                            ui.selectable_value(&mut self.by, by, by.name());
                        }
                    })
                    .response
            });
            for arranged in Arranged::ALL.into_iter().filter(|_| map.neighbours.is_some()) {
                let button = egui::Button::selectable(self.arranged == arranged, arranged.name());
                if ui.add(button).on_hover_text(arranged.help()).clicked() {
                    self.arranged = arranged;
                    self.scatter.fit();
                }
            }
            ui.separator();
            for tool in Tool::ALL {
                if ui.add(egui::Button::selectable(self.scatter.tool == tool, tool.name())).clicked() {
                    self.scatter.tool = tool;
                }
            }
            if ui.button("All points").on_hover_text("Wheel zooms, right drag moves").clicked() {
                self.scatter.fit();
            }
            let text = format!(
                "{} of '{}', {}: {}",
                counted(survey.clips.len() as u64, "clip"),
                survey.split.name(),
                survey.map_layer,
                arranged_words(map, self.arranged)
            );
            ui.add(egui::Label::new(RichText::new(&text).text_style(theme::caption()).weak()).truncate())
                .on_hover_text(format!("{text}\n{TRUST}"));
        });
    }

    fn points(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, rect: Rect, survey: &Arc<LayerSurvey>, cloud: &Cloud) {
        let p = theme::palette(ui);
        let by = self.by;
        let color = |i: usize| survey.clips.get(i).map_or(p.muted, |c| color_of(by, c, cloud, &p));
        let told = |i: usize| survey.clips.get(i).map_or_else(String::new, |c| told(c, survey));
        let name = format!("Map of {}", counted(survey.clips.len() as u64, "clip"));
        let current = cx.state.selection.clip.as_ref().and_then(|c| cloud.by_clip.get(c)).copied();
        let points = Points {
            places: &cloud.places,
            key: (Same::of(survey), (self.arranged as u8, by as u8, ui.visuals().dark_mode, self.revision)),
            color: &color,
            chosen: &self.chosen,
            current,
            told: &told,
            name: &name,
        };
        let clip = |i: usize| survey.clips.get(i).map(|c| c.clip.clone());
        match scatter::show(ui, rect, &mut self.scatter, &points) {
            Some(ScatterEvent::Pick(i)) => clip(i).into_iter().for_each(|c| cx.send(ChooseAction::SelectClip(c))),
            Some(ScatterEvent::Open(i)) => clip(i).into_iter().for_each(|c| cx.send(ChooseAction::ReviewClip(c))),
            Some(ScatterEvent::Choose(chosen)) => {
                self.chosen = chosen;
                self.revision += 1;
            }
            None => {}
        }
    }

    /// What the colours mean.
    fn legend(&self, ui: &mut Ui, survey: &LayerSurvey, cloud: &Cloud) {
        let p = theme::palette(ui);
        let rows: Vec<(Color32, &str)> = match self.by {
            ColorBy::Class => {
                let names = survey.classes.classes.iter().enumerate();
                names.map(|(i, c)| (theme::class_color(i), c.name.as_str())).collect()
            }
            ColorBy::Subject => {
                cloud.subjects.iter().enumerate().map(|(i, s)| (theme::class_color(i), s.as_str())).collect()
            }
            ColorBy::Split => {
                let splits = [Split::Train, Split::Val, Split::Test];
                splits.into_iter().map(|s| (split_color(s, &p), s.name())).collect()
            }
            ColorBy::Correctness => vec![(p.good, "right"), (p.bad, "wrong"), (p.muted, "no label")],
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (color, name) in rows.iter().take(NAMES) {
                let (dot, _) = ui.allocate_exact_size(Vec2::splat(8.0), Sense::hover());
                ui.painter().rect_filled(dot, 1.0, *color);
                let short = crate::ui::widgets::text::elide(if name.is_empty() { "unnamed" } else { name }, 14);
                ui.label(RichText::new(short).small()).on_hover_text(*name);
            }
            if rows.len() > NAMES {
                ui.label(RichText::new(format!("and {} more", rows.len() - NAMES)).small());
            }
        });
    }

    /// The clips that were chosen; else the nearest to the clip in use, and those too much alike.
    fn beside(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, survey: &Arc<LayerSurvey>, map: &ClipMap, cloud: &Cloud) {
        if !self.chosen.is_empty() {
            let chosen = &self.chosen;
            let cards = self.cards.get((Same::of(survey), self.revision), || {
                chosen
                    .iter()
                    .filter_map(|i| survey.clips.get(*i))
                    .map(|c| survey_cards::card(cx.state, c, said(c, survey)))
                    .unzip()
            });
            ui.label(
                RichText::new(format!("Chosen: {}", counted(chosen.len() as u64, "clip"))).text_style(theme::section()),
            );
            return self.grid.ui(ui, cx, &cards, &survey.classes);
        }
        egui::ScrollArea::vertical().id_salt("beside the map").auto_shrink([false, false]).show(ui, |ui| {
            let here = cx.state.selection.clip.as_ref().and_then(|c| cloud.by_clip.get(c)).copied();
            match here.and_then(|i| Some((survey.clips.get(i)?, map.points.get(i)?))) {
                Some((clip, point)) => {
                    ui.label(RichText::new(format!("Nearest to {}", name_of(clip))).text_style(theme::section()));
                    for (other, distance) in &point.nearest {
                        let Some(clip) = survey.clips.get(*other) else { continue };
                        let share = map.share(*distance) * 100.0;
                        let text = format!("{}  {share:.0} % of the usual distance", name_of(clip));
                        row(ui, cx, clip, &text, &told(clip, survey));
                    }
                }
                None => drop(ui.weak("Click a point: the clips that look most alike to the network are listed here. Drag a box or a lasso to see clips.")),
            }
            near(ui, cx, survey);
        });
    }
}

/// Clips of different splits that look nearly the same.
fn near(ui: &mut Ui, cx: &mut PanelCx<'_>, survey: &LayerSurvey) {
    if survey.near.is_empty() {
        return;
    }
    ui.add_space(6.0);
    let p = theme::palette(ui);
    let pairs = counted(survey.near.len() as u64, "pair");
    let text = format!(
        "{pairs} of clips of different splits look nearly the same to the network: watch them before you believe a score."
    );
    crate::ui::widgets::style::notice(ui, p.warn, &text);
    for pair in survey.near.iter().take(PAIRS) {
        let (Some(a), Some(b)) = (survey.clips.get(pair.a), survey.clips.get(pair.b)) else { continue };
        let text = format!(
            "{} ({}) and {} ({}), {:.1} % of the usual distance",
            name_of(a),
            a.split.name(),
            name_of(b),
            b.split.name(),
            pair.distance * 100.0
        );
        row(ui, cx, a, &text, &told(a, survey));
    }
}

/// A clip in a line; a click chooses it, a double click shows it in Review.
fn row(ui: &mut Ui, cx: &mut PanelCx<'_>, clip: &SurveyClip, text: &str, help: &str) {
    let on = cx.state.selection.clip.as_ref() == Some(&clip.clip);
    let response = ui.add(egui::Button::selectable(on, text).truncate()).on_hover_text(format!("{text}\n{help}"));
    if response.double_clicked() {
        cx.send(ChooseAction::ReviewClip(clip.clip.clone()));
    } else if response.clicked() {
        cx.send(ChooseAction::SelectClip(clip.clip.clone()));
    }
}

fn cloud_of(survey: &LayerSurvey, map: &ClipMap, arranged: Arranged) -> Cloud {
    let along = |i: usize, place: &[f64]| place.get(i).copied().unwrap_or(0.0);
    let places = match (&map.neighbours, arranged) {
        (Some(near), Arranged::Neighbours) => scatter::places(near.places.iter().map(|[x, y]| (*x, *y))),
        _ => scatter::places(map.points.iter().map(|p| (along(0, &p.place), along(1, &p.place)))),
    };
    let subjects: BTreeSet<&String> = survey.clips.iter().map(|c| &c.subject).collect();
    Cloud {
        places,
        subjects: subjects.into_iter().cloned().collect(),
        by_clip: survey.clips.iter().enumerate().map(|(i, c)| (c.clip.clone(), i)).collect(),
    }
}

/// What holds of an arrangement, and how far it may be trusted.
fn arranged_words(map: &ClipMap, arranged: Arranged) -> String {
    let trust = |t: Option<f64>| t.map_or_else(String::new, |t| format!(", trustworthiness {t:.2}"));
    match (&map.neighbours, arranged) {
        (Some(near), Arranged::Neighbours) => {
            format!("t-SNE of perplexity {:.0}{}", near.perplexity, trust(near.trustworthiness))
        }
        _ => {
            let explained: Vec<String> = map.explained.iter().take(2).map(|e| format!("{:.0} %", e * 100.0)).collect();
            format!("the axes hold {} of the variance{}", explained.join(" and "), trust(map.trustworthiness))
        }
    }
}

fn split_color(split: Split, p: &Palette) -> Color32 {
    match split {
        Split::Train => p.train,
        Split::Val => p.val,
        Split::Test => p.plain,
        Split::Unassigned => p.muted,
    }
}

fn color_of(by: ColorBy, clip: &SurveyClip, cloud: &Cloud, p: &Palette) -> Color32 {
    match by {
        ColorBy::Class => clip.truth.map_or(p.muted, theme::class_color),
        ColorBy::Subject => cloud.subjects.binary_search(&clip.subject).map_or(p.muted, theme::class_color),
        ColorBy::Split => split_color(clip.split, p),
        ColorBy::Correctness => match clip.truth {
            Some(truth) if truth == clip.predicted => p.good,
            Some(_) => p.bad,
            None => p.muted,
        },
    }
}

fn name_of(clip: &SurveyClip) -> String {
    format!("{}:{}", clip.clip.video, clip.clip.start)
}

/// What the network says of a clip, in a few words.
fn said(clip: &SurveyClip, survey: &LayerSurvey) -> String {
    let name = survey.classes.name(clip.predicted);
    match clip.truth {
        Some(truth) if truth == clip.predicted => format!("recognised {:.2}", clip.probability),
        _ => format!("predicted as {name} {:.2}", clip.probability),
    }
}

fn told(clip: &SurveyClip, survey: &LayerSurvey) -> String {
    let truth = clip.truth.map_or("no label", |t| survey.classes.name(t));
    let subject = if clip.subject.is_empty() { String::new() } else { format!(", {}", clip.subject) };
    format!("{}: {truth}, {}, {}{subject}", name_of(clip), said(clip, survey), clip.split.name())
}

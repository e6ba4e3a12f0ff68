//! How the values of a layer are spread for this clip and over many, and which channels do nothing.

use super::inside_parts;
use crate::domain::{counted, grouped};
use crate::inside::{Histogram, LayerStatistics};
use crate::jobs::{LayerSurvey, RunView};
use crate::ui::action::{ChooseAction, InsideAction};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::widgets::{network_pick, style};
use egui::{Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use std::sync::Arc;

/// Idle channels listed before there is only a number.
const LISTED: usize = 60;

/// The panel.
#[derive(Default)]
pub struct LayerStatisticsPanel;

impl Panel for LayerStatisticsPanel {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some((run, _)) = inside_parts::with_clip(ui, cx) else { return };
        let Some(layer) = cx.state.inside_layer() else { return };
        egui::ScrollArea::vertical().id_salt("layer statistics").auto_shrink([false, false]).show(ui, |ui| {
            checkpoints(ui, cx, &run);
            if let Some(shown) = inside_parts::look(ui, cx, &layer)
                && let Some(of) = shown.layer()
            {
                inside_parts::layer_name(ui, &layer, of.statistics.shape);
                summary(ui, cx, &of.statistics, "This clip");
            }
            ui.add_space(4.0);
            ui.separator();
            match statistics_of(cx, &run, &layer) {
                Found::Here(survey, weights, at) => {
                    inside_parts::survey_bar(ui, cx);
                    let all = statistics_with(&survey, weights);
                    let Some(statistics) = all.get(at) else { return };
                    let split = survey.split.name();
                    summary(ui, cx, statistics, &format!("{} of '{split}'", counted(statistics.clips, "clip")));
                    over(ui, cx, &survey, &layer);
                    table(ui, cx, all, &layer);
                }
                Found::OtherLayers => {
                    let text = format!("The last survey of these weights did not look at {layer}: begin another one.");
                    inside_parts::no_survey(ui, cx, &text);
                }
                Found::Nothing => {
                    let text =
                        "One clip makes no dead channel. Survey clips of a split to see which channels never fire.";
                    inside_parts::no_survey(ui, cx, text);
                }
            }
        });
    }
}

/// What is known over many clips.
enum Found {
    /// The survey, the position of the weights in use among its other checkpoints where it is not of them, and the layer's
    /// position.
    Here(Arc<LayerSurvey>, Option<usize>, usize),
    OtherLayers,
    Nothing,
}

/// The statistics of all layers of a survey: with its own weights, or with those of another checkpoint.
fn statistics_with(survey: &LayerSurvey, weights: Option<usize>) -> &[LayerStatistics] {
    match weights {
        None => &survey.statistics,
        Some(at) => survey.over_checkpoints.get(at).map_or(&[], |of| &of.statistics),
    }
}

/// The statistics of the weights in use: of a survey of their own, or of one over all checkpoints.
fn statistics_of(cx: &PanelCx<'_>, run: &RunView, layer: &str) -> Found {
    let name = cx.state.checkpoint_name();
    let step = name.and_then(|n| run.checkpoint(n)).map(|c| c.step);
    let over = cx.state.inside.survey_over(&run.path).and_then(|survey| {
        // Of checkpoints at one step only one was looked at.
        let named = survey.over_checkpoints.iter().position(|of| Some(of.identity.checkpoint.as_str()) == name);
        let at = named.or_else(|| survey.over_checkpoints.iter().position(|of| Some(of.identity.step) == step))?;
        Some((survey.clone(), Some(at)))
    });
    let own = inside_parts::survey(cx).map(|survey| (survey, None));
    let mut seen = false;
    for (survey, weights) in [own, over].into_iter().flatten() {
        seen = true;
        if let Some(at) = statistics_with(&survey, weights).iter().position(|s| s.layer == layer) {
            return Found::Here(survey, weights, at);
        }
    }
    if seen { Found::OtherLayers } else { Found::Nothing }
}

/// A slider over the checkpoints of the run, in the order they were trained.
fn checkpoints(ui: &mut Ui, cx: &mut PanelCx<'_>, run: &Arc<RunView>) {
    let mut all: Vec<(u64, &str)> = run.checkpoints.iter().map(|c| (c.step, c.name.as_str())).collect();
    if all.len() < 2 {
        return;
    }
    all.sort_unstable();
    let now = cx.state.checkpoint_name();
    let at = all.iter().position(|(_, name)| Some(*name) == now).unwrap_or(0);
    let mut next = at;
    ui.horizontal(|ui| {
        let label = ui.label(RichText::new("Checkpoint").text_style(theme::caption()).weak());
        ui.spacing_mut().slider_width = (ui.available_width() * 0.4).clamp(60.0, 220.0);
        let slider = egui::Slider::new(&mut next, 0..=all.len() - 1).show_value(false);
        ui.add(slider).labelled_by(label.id).on_hover_text("The checkpoint in use, in the order they were trained");
        let text = now.map_or_else(String::new, |name| network_pick::weights(run, name));
        ui.add(egui::Label::new(RichText::new(&text).text_style(theme::caption())).truncate()).on_hover_text(&text);
    });
    if next != at
        && let Some((_, name)) = all.get(next)
    {
        cx.send(ChooseAction::SelectCheckpoint(Some((*name).to_owned())));
    }
}

fn summary(ui: &mut Ui, cx: &mut PanelCx<'_>, s: &LayerStatistics, title: &str) {
    let p = theme::palette(ui);
    ui.add_space(2.0);
    ui.label(RichText::new(title).text_style(theme::section()));
    if let Some(warning) = s.warning() {
        style::notice(ui, if s.not_finite > 0 { p.bad } else { p.warn }, &warning);
    }
    histogram(ui, &s.histogram, &format!("Histogram of {}, {title}", s.layer));
    let text = format!(
        "mean {:.4}   std {:.4}   {:.4} to {:.4}   zeros {:.1} %",
        s.mean,
        s.std,
        s.min,
        s.max,
        s.zero_share * 100.0
    );
    ui.label(RichText::new(text).text_style(theme::caption()));
    let idle = s.idle().unwrap_or_else(|| "every channel does something".to_owned());
    ui.label(RichText::new(format!("{idle}.")).text_style(theme::caption()));
    idle_channels(ui, cx, s);
}

/// Channels that do nothing, each a button.
fn idle_channels(ui: &mut Ui, cx: &mut PanelCx<'_>, s: &LayerStatistics) {
    for (channels, what) in [(&s.dead, "dead"), (&s.saturated, "saturated"), (&s.constant, "constant")] {
        if channels.is_empty() || s.clips < 2 {
            continue;
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(3.0, 3.0);
            ui.label(RichText::new(what).text_style(theme::caption()).weak());
            for channel in channels.iter().take(LISTED) {
                let help = inside_parts::fires(s, *channel).unwrap_or_default();
                let button = ui.small_button(channel.to_string());
                button.widget_info(|| {
                    WidgetInfo::labeled(Role::Button, true, format!("Channel {channel}, {what}, {help}"))
                });
                if button.on_hover_text(help).clicked() {
                    cx.send(InsideAction::ChooseChannel(s.layer.clone(), *channel));
                }
            }
            if channels.len() > LISTED {
                ui.weak(format!("and {} more", channels.len() - LISTED));
            }
        });
    }
}

/// Bars of a histogram; the bin under the pointer is told.
fn histogram(ui: &mut Ui, h: &Histogram, name: &str) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 74.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{name}: {:.4} to {:.4}", h.low, h.high)));
    ui.painter().rect_filled(rect, 3.0, p.well);
    let plot = Rect::from_min_max(rect.min + vec2(4.0, 4.0), rect.max - vec2(4.0, 14.0));
    let most = h.counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    let bins = h.counts.len().max(1) as f32;
    let width = plot.width() / bins;
    let pointed =
        response.hover_pos().map(|at| (((at.x - plot.left()) / width) as usize).min(h.counts.len().saturating_sub(1)));
    for (i, count) in h.counts.iter().enumerate() {
        let tall = if *count > 0 { (*count as f32 / most * plot.height()).max(1.0) } else { 0.0 };
        let x = plot.left() + i as f32 * width;
        let bar =
            Rect::from_min_max(pos2(x, plot.bottom() - tall), pos2((x + width - 0.5).max(x + 0.5), plot.bottom()));
        ui.painter().rect_filled(bar, 0.0, if pointed == Some(i) { p.accent } else { p.train });
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    let text = |at, align, value: f64| ui.painter().text(at, align, format!("{value:.3}"), font.clone(), p.muted);
    text(rect.left_bottom() + vec2(4.0, -1.0), egui::Align2::LEFT_BOTTOM, h.low);
    text(rect.right_bottom() + vec2(-4.0, -1.0), egui::Align2::RIGHT_BOTTOM, h.high);
    if let Some(bin) = pointed {
        let edge = |i: usize| h.low + (h.high - h.low) * i as f64 / f64::from(bins);
        let count = grouped(h.counts.get(bin).copied().unwrap_or(0));
        response.on_hover_text(format!("{:.4} to {:.4}: {count} values", edge(bin), edge(bin + 1)));
    }
}

/// Dead channels of the layer in every checkpoint that was surveyed.
fn over(ui: &mut Ui, cx: &mut PanelCx<'_>, survey: &LayerSurvey, layer: &str) {
    if survey.over_checkpoints.len() < 2 {
        return;
    }
    let p = theme::palette(ui);
    ui.add_space(4.0);
    ui.label(RichText::new("Dead channels over training").text_style(theme::section()));
    let now = cx.state.checkpoint_name().map(str::to_owned);
    for of in &survey.over_checkpoints {
        let Some(s) = of.statistics.iter().find(|s| s.layer == layer) else { continue };
        let (dead, all) = (s.dead.len(), s.channels());
        let text = format!("{}: {dead} of {all}", of.identity.weights());
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::click());
        let on = Some(&of.identity.checkpoint) == now.as_ref();
        response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, on, &text));
        let fill = if on || response.hovered() { p.accent_soft } else { p.well };
        ui.painter().rect_filled(rect, 2.0, fill);
        let share = dead as f32 / all.max(1) as f32;
        let bar = Rect::from_min_size(rect.min, vec2(rect.width() * share, rect.height()));
        ui.painter().rect_filled(bar, 2.0, p.bad.gamma_multiply(0.5));
        let font = theme::caption().resolve(ui.style());
        ui.painter().text(rect.left_center() + vec2(6.0, 0.0), egui::Align2::LEFT_CENTER, &text, font, p.text);
        if response.on_hover_text("Use this checkpoint").clicked() {
            cx.send(ChooseAction::SelectCheckpoint(Some(of.identity.checkpoint.clone())));
        }
    }
}

/// All layers of the survey.
fn table(ui: &mut Ui, cx: &mut PanelCx<'_>, all: &[LayerStatistics], chosen: &str) {
    ui.add_space(4.0);
    ui.label(RichText::new("Layers of the survey").text_style(theme::section()));
    egui::Grid::new("layers of the survey").num_columns(5).spacing([10.0, 2.0]).striped(false).show(ui, |ui| {
        for head in ["layer", "dead", "saturated", "constant", "zeros"] {
            ui.label(RichText::new(head).text_style(theme::caption()).weak());
        }
        ui.end_row();
        for s in all {
            let name = crate::ui::widgets::text::elide_middle(&s.layer, 22);
            if ui.selectable_label(s.layer == chosen, name).on_hover_text(&s.layer).clicked() {
                cx.send(InsideAction::ChooseLayer(s.layer.clone()));
            }
            for idle in [&s.dead, &s.saturated, &s.constant] {
                ui.label(format!("{} of {}", idle.len(), s.channels()));
            }
            ui.label(format!("{:.0} %", s.zero_share * 100.0));
            ui.end_row();
        }
    });
}

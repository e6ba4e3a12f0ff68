//! What is explained and how it is drawn.

use crate::cam;
use crate::domain::{ClassSet, PoolingRule, leaf};
use crate::jobs::{HeatRequest, TargetClass};
use crate::model::{MODELS, lies_inside};
use crate::render::COLOR_MAPS;
use crate::ui::Action;
use crate::ui::action::{ChooseAction, DrawAction, WorkAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{HeatScale, ViewMode, ViewSettings};
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::network_pick;
use egui::{ComboBox, RichText};

/// Where no class is taken off the explained one.
const NO_OTHER: &str = "none";

/// Layers that are found without a search.
const FEW_LAYERS: usize = 12;

/// Layout and number of views, and below them what the active view shows.
pub fn top(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        for (mode, icon, name, help) in [
            (ViewMode::Frame, Icon::Frame, "Frame", "The frame without the heatmap"),
            (ViewMode::Overlay, Icon::Heat, "Overlay", "The frame under the heatmap"),
            (ViewMode::SideBySide, Icon::Both, "Both", "The frame, and beside it the frame under the heatmap"),
        ] {
            let button = icons::word_toggle(ui, icon, name, cx.state.view.mode == mode);
            if button.on_hover_text(help).clicked() {
                cx.send(DrawAction::SetView(ViewSettings { mode, ..cx.state.view.clone() }));
            }
        }
        ui.separator();
        ui.label(RichText::new("Views").text_style(theme::caption()).weak());
        for n in [1, 2, 4] {
            let button = egui::Button::selectable(cx.state.selection.views.len() == n, format!("{n}"));
            let response =
                ui.add(button).on_hover_text(if n == 1 { "One view".to_owned() } else { format!("{n} linked views") });
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{n} views")));
            if response.clicked() {
                cx.send(ChooseAction::SetViewCount(n));
            }
        }
        ui.separator();
        let can = cx.state.run().is_some();
        if ui.add_enabled(can, egui::Button::new("Export…")).on_hover_text("Write heatmap videos (Ctrl+E)").clicked()
        {
            cx.send(WorkAction::AskExport);
        }
        if cx.state.selection.views.len() > 1 {
            let text = format!(
                "these fields set view {}; click another picture to set that one",
                cx.state.selection.active_view + 1
            );
            ui.label(RichText::new(text).text_style(theme::caption()).weak());
        }
    });
    selectors(ui, cx);
    ui.add_space(2.0);
}

/// Run, checkpoint, method, layer and class of the active view, each under its name.
fn selectors(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    const GAP: f32 = 6.0;
    let index = cx.state.selection.active_view;
    let view = cx.state.selection.view();
    let mut next = view.clone();
    let mut actions = Vec::new();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        // What is long gets more; wider than they need they are hard to read across.
        let room = (ui.available_width() - 5.0 * GAP).min(1000.0);
        run(ui, cx, room * 0.21, &mut actions);
        checkpoint(ui, cx, room * 0.24, &mut actions);
        method(ui, room * 0.16, &mut next);
        layer(ui, cx, room * 0.13, &mut next);
        class(ui, cx, room * 0.13, &mut next);
        against(ui, cx, room * 0.13, &mut next);
    });
    if next != view {
        actions.push(Action::Choose(ChooseAction::SetHeatView(index, next)));
    }
    cx.actions.extend(actions);
}

/// A combo box under its name.
fn captioned(ui: &mut egui::Ui, name: &str, width: f32, text: &str, help: &str, add: impl FnOnce(&mut egui::Ui)) {
    let size = egui::vec2(width, 38.0);
    ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 1.0;
        let caption = ui.label(RichText::new(name).text_style(theme::caption()).weak());
        let combo = ComboBox::from_id_salt(name).width(width).selected_text(RichText::new(text)).truncate();
        let response = combo.show_ui(ui, add).response.labelled_by(caption.id);
        response.on_hover_text(if text.is_empty() { help.to_owned() } else { format!("{text}\n{help}") });
    });
}

/// The runs that are open, to choose the one in use.
pub fn run(ui: &mut egui::Ui, cx: &PanelCx<'_>, width: f32, actions: &mut Vec<Action>) {
    let state = cx.state;
    let chosen = state.selection.run.as_deref();
    let text = chosen.map_or_else(|| "choose a run".to_owned(), leaf);
    captioned(ui, "Run", width, &text, "Whose network this view shows; views may differ", |ui| {
        if let Some(path) = network_pick::runs(ui, state, chosen) {
            actions.push(Action::Choose(ChooseAction::SelectRun(Some(path))));
        }
    });
}

/// The checkpoints of the run in use, to choose from.
pub fn checkpoint(ui: &mut egui::Ui, cx: &PanelCx<'_>, width: f32, actions: &mut Vec<Action>) {
    let state = cx.state;
    let Some(run) = state.run() else {
        return captioned(ui, "Checkpoint", width, "–", "Choose a run first", |_| {});
    };
    let name = state.checkpoint_name();
    let text = name.map_or_else(|| "none yet".to_owned(), |n| network_pick::weights(run, n));
    captioned(ui, "Checkpoint", width, &text, "Which weights of the run", |ui| {
        if let Some(name) = network_pick::checkpoints(ui, run, name) {
            actions.push(Action::Choose(ChooseAction::SelectCheckpoint(Some(name))));
        }
    });
}

/// A combo box whose accessible name says what is chosen for what.
fn combo(ui: &mut egui::Ui, name: &str, width: f32, text: &str, add: impl FnOnce(&mut egui::Ui)) {
    let combo = ComboBox::new(name, "").width(width).selected_text(RichText::new(text)).truncate();
    let response = ui.name_inputs(name, |ui| combo.show_ui(ui, add).response);
    response.on_hover_text(name);
}

fn method(ui: &mut egui::Ui, width: f32, view: &mut HeatRequest) {
    let title = cam::METHODS.iter().find(|m| m.id == view.method).map_or(view.method.as_str(), |m| m.title).to_owned();
    captioned(ui, "Method", width, &title, "How the heatmap is computed", |ui| {
        for method in cam::METHODS {
            let hover = format!("{} ({})", method.summary, method.paper);
            ui.selectable_value(&mut view.method, method.id.to_owned(), method.title).on_hover_text(hover);
        }
        ui.separator();
        ui.selectable_value(&mut view.pooling, PoolingRule::SpaceTime, "pooled over T,H,W")
            .on_hover_text("One weight a channel for the whole clip, as pytorch-grad-cam does.");
        ui.selectable_value(&mut view.pooling, PoolingRule::PerTimeStep, "pooled per time step")
            .on_hover_text("One weight a channel and time step, as mmaction2 does.");
    });
}

fn layer(ui: &mut egui::Ui, cx: &PanelCx<'_>, width: f32, view: &mut HeatRequest) {
    let run = cx.state.run().cloned();
    let usual = run.as_ref().and_then(|r| MODELS.iter().find(|m| m.id == r.config.model.id)).map(|m| m.default_layer);
    let default = usual.map_or_else(|| "default".to_owned(), |id| format!("{id} (default)"));
    let text = view.layer.as_deref().or(usual).unwrap_or("default").to_owned();
    captioned(ui, "Layer", width, &text, "The layer whose activations are weighted", |ui| {
        // As wide with blocks open as with all of them closed.
        ui.set_width(230.0);
        ui.selectable_value(&mut view.layer, None, default).on_hover_text("The default layer of this network.");
        let layers: Vec<&str> = run.iter().flat_map(|r| r.layers.iter().map(String::as_str)).collect();
        let search = search(ui, layers.len());
        ui.separator();
        if search.is_empty() {
            // Last layers first: they are what people look at.
            for block in layers.iter().rev().filter(|id| parent(id, &layers).is_none()) {
                branch(ui, block, &layers, &mut view.layer);
            }
            return;
        }
        let found: Vec<&&str> = layers.iter().rev().filter(|id| id.to_lowercase().contains(&search)).collect();
        if found.is_empty() {
            ui.weak("No layer matches.");
        }
        for id in found {
            ui.selectable_value(&mut view.layer, Some((*id).to_owned()), *id);
        }
    });
}

/// A field to search a long list of layers with; what was typed, in lower case.
fn search(ui: &mut egui::Ui, layers: usize) -> String {
    if layers <= FEW_LAYERS {
        return String::new();
    }
    let id = ui.scope_id().with("layer search");
    let mut typed: String = ui.data(|d| d.get_temp(id)).unwrap_or_default();
    let field = ui.add(egui::TextEdit::singleline(&mut typed).hint_text("Search layers").desired_width(f32::INFINITY));
    crate::ui::widgets::text::name(&field, "Search layers");
    ui.data_mut(|d| d.insert_temp(id, typed.clone()));
    typed.trim().to_lowercase()
}

/// The innermost other layer that a layer lies in.
fn parent<'a>(id: &str, layers: &[&'a str]) -> Option<&'a str> {
    layers.iter().filter(|outer| lies_inside(id, outer)).max_by_key(|outer| outer.len()).copied()
}

/// A layer, and under it those that lie in it.
fn branch(ui: &mut egui::Ui, id: &str, layers: &[&str], chosen: &mut Option<String>) {
    let inside: Vec<&&str> = layers.iter().rev().filter(|l| parent(l, layers) == Some(id)).collect();
    let within = chosen.as_ref().is_some_and(|c| lies_inside(c, id));
    if inside.is_empty() {
        ui.horizontal(|ui| {
            // Under the names that have a triangle before them.
            ui.add_space(ui.spacing().indent);
            ui.selectable_value(chosen, Some(id.to_owned()), id);
        });
        return;
    }
    let key = ui.make_persistent_id(("layer", id));
    egui::collapsing_header::CollapsingState::load_with_default_open(ui.ctx(), key, within)
        .show_header(ui, |ui| ui.selectable_value(chosen, Some(id.to_owned()), id))
        .body(|ui| inside.iter().for_each(|l| branch(ui, l, layers, chosen)));
}

fn class(ui: &mut egui::Ui, cx: &PanelCx<'_>, width: f32, view: &mut HeatRequest) {
    let none = ClassSet::default();
    let classes = cx.state.run().map_or(&none, |r| &r.classes);
    captioned(ui, "For", width, target_name(view.target, classes), "The class that is explained", |ui| {
        for (target, name) in targets(classes) {
            ui.selectable_value(&mut view.target, target, name);
        }
    });
}

/// The class that is explained, as a list without a caption.
pub fn class_choice(ui: &mut egui::Ui, cx: &PanelCx<'_>, name: &str, width: f32, view: &mut HeatRequest) {
    let none = ClassSet::default();
    let classes = cx.state.run().map_or(&none, |r| &r.classes);
    combo(ui, name, width, target_name(view.target, classes), |ui| {
        for (target, name) in targets(classes) {
            ui.selectable_value(&mut view.target, target, name);
        }
    });
}

/// The class taken off the explained one.
fn against(ui: &mut egui::Ui, cx: &PanelCx<'_>, width: f32, view: &mut HeatRequest) {
    let none = ClassSet::default();
    let classes = cx.state.run().map_or(&none, |r| &r.classes);
    let text = view.against.map_or(NO_OTHER, |t| target_name(t, classes));
    captioned(
        ui,
        "Rather than",
        width,
        text,
        "A class taken off it: what speaks for the one rather than the other",
        |ui| {
            ui.selectable_value(&mut view.against, None, NO_OTHER).on_hover_text("What speaks for the class only.");
            for (target, name) in targets(classes) {
                ui.selectable_value(&mut view.against, Some(target), name).on_hover_text(
                    "What speaks for the one class rather than for this one: the difference is explained.",
                );
            }
        },
    );
}

fn target_name(target: TargetClass, classes: &ClassSet) -> &str {
    match target {
        TargetClass::Predicted => "predicted",
        TargetClass::True => "true",
        TargetClass::Class(c) => classes.name(c),
    }
}

/// Everything that can be explained.
fn targets(classes: &ClassSet) -> impl Iterator<Item = (TargetClass, &str)> {
    let named = (0..classes.len()).map(TargetClass::Class);
    [TargetClass::Predicted, TargetClass::True].into_iter().chain(named).map(|t| (t, target_name(t, classes)))
}

/// Height of the controls at the foot of a panel: what they took before, as they wrap where there is little room; `usual`
/// when they were never drawn.
pub fn foot(ui: &egui::Ui, usual: f32) -> f32 {
    let id = ui.scope_id().with("height of the foot");
    ui.data(|d| d.get_temp(id)).unwrap_or(usual)
}

/// Keeps what they took now; where that is another height than `before`, the frame is drawn again with it.
pub fn keep_foot(ui: &egui::Ui, before: f32, drawn: egui::Rect) {
    let taken = drawn.height().ceil() + 4.0;
    if (taken - before).abs() > 0.5 {
        let id = ui.scope_id().with("height of the foot");
        ui.data_mut(|d| d.insert_temp(id, taken));
        ui.ctx().request_discard("the controls at the foot have other rows");
    }
}

/// How the overlay looks.
pub fn bottom(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let before = cx.state.view.clone();
    let mut view = before.clone();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.spacing_mut().slider_width = if ui.available_width() < 870.0 { 36.0 } else { 70.0 };
        let small = |text: &str| RichText::new(text).text_style(theme::caption());
        if icons::word_toggle(ui, Icon::Heat, "Heat", view.heat).on_hover_text("Heatmap on or off (H)").clicked() {
            view.heat = !view.heat;
        }
        let label = ui.label(small("alpha")).id;
        ui.add(egui::Slider::new(&mut view.alpha, 0.0..=1.0).fixed_decimals(2))
            .labelled_by(label)
            .on_hover_text("Weight of the heatmap (- and =)");
        let label = ui.label(small("threshold")).id;
        ui.add(egui::Slider::new(&mut view.threshold, 0.0..=1.0).fixed_decimals(2))
            .labelled_by(label)
            .on_hover_text("Heat below this share stays invisible");
        let title = COLOR_MAPS.iter().find(|m| m.id == view.color_map).map_or("?", |m| m.title);
        combo(ui, "Colour map", 64.0, title, |ui| {
            for map in &COLOR_MAPS {
                ui.selectable_value(&mut view.color_map, map.id.to_owned(), map.title).on_hover_text(map.note);
            }
        });
        scale(ui, &mut view);
        cells(ui, &mut view);
        opacity(ui, &mut view);
        contours(ui, &mut view);
    });
    if view != before {
        cx.send(DrawAction::SetView(view));
    }
}

/// What lies between the cells of the map.
fn cells(ui: &mut egui::Ui, view: &mut ViewSettings) {
    let rows = [
        ((true, false), "smooth", "Straight lines between the centres of cells"),
        ((true, true), "cubic", "Cubic curves between the centres of cells: no edges where cells meet"),
        ((false, false), "cells", "The map's true grid"),
    ];
    let now = (view.smooth, view.smooth && view.cubic);
    let title = rows.iter().find(|(value, ..)| *value == now).map_or("?", |(_, title, _)| *title);
    combo(ui, "Interpolation", 62.0, title, |ui| {
        for (value, title, help) in rows {
            if ui.selectable_label(value == now, title).on_hover_text(help).clicked() {
                (view.smooth, view.cubic) = value;
            }
        }
    });
}

/// How the weight of the heatmap is spread.
fn opacity(ui: &mut egui::Ui, view: &mut ViewSettings) {
    let title = if view.alpha_follows_heat { "by heat" } else { "even" };
    combo(ui, "Opacity", 62.0, title, |ui| {
        ui.selectable_value(&mut view.alpha_follows_heat, true, "by heat")
            .on_hover_text("Cold places keep the picture; the weight grows with the heat");
        ui.selectable_value(&mut view.alpha_follows_heat, false, "even")
            .on_hover_text("The same weight everywhere: cold places are tinted too");
    });
}

/// Width of the switch of contour lines.
const CONTOURS: f32 = 92.0;

/// Contour lines on or off; they follow what lies between the cells, so without interpolation there are none.
fn contours(ui: &mut egui::Ui, view: &mut ViewSettings) {
    let on = view.contours && view.smooth;
    // What is drawn in a part of its own does not wrap by itself.
    if ui.available_size_before_wrap().x < CONTOURS {
        ui.end_row();
    }
    let response = ui.add_enabled_ui(view.smooth, |ui| icons::word_toggle(ui, Icon::Contours, "contours", on)).inner;
    let response = response
        .on_hover_text("Lines at a quarter, half and three quarters of the scale")
        .on_disabled_hover_text("Contours follow the interpolated map: choose smooth or cubic to see them");
    if response.clicked() {
        view.contours = !view.contours;
    }
}

fn scale(ui: &mut egui::Ui, view: &mut ViewSettings) {
    let text = match view.scale {
        HeatScale::Frame => "per frame",
        HeatScale::Clip => "per clip",
        HeatScale::Fixed(_) => "fixed",
    };
    combo(ui, "Scale", 62.0, text, |ui| {
        ui.selectable_value(&mut view.scale, HeatScale::Clip, "per clip")
            .on_hover_text("1 is the largest value of the clip.");
        ui.selectable_value(&mut view.scale, HeatScale::Frame, "per frame").on_hover_text(
            "1 is the largest value of the moment: every moment peaks at 1, so moments cannot be compared.",
        );
        let fixed = matches!(view.scale, HeatScale::Fixed(_));
        if ui
            .selectable_label(fixed, "fixed")
            .on_hover_text("1 is a value you set, so that clips can be compared.")
            .clicked()
            && !fixed
        {
            view.scale = HeatScale::Fixed(1.0);
        }
    });
    if let HeatScale::Fixed(max) = &mut view.scale {
        let drag = egui::DragValue::new(max).speed(0.01).range(1e-6..=1e6);
        ui.name_inputs("Fixed scale", |ui| ui.add(drag));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_lie_in_the_innermost_block_that_has_their_name() {
        let layers = ["layer1", "layer1.0", "layer1.0.conv1", "layer10", "features.18"];
        let of = |id| parent(id, &layers);
        assert_eq!(of("layer1.0.conv1"), Some("layer1.0"));
        assert_eq!(of("layer1.0"), Some("layer1"));
        assert_eq!((of("layer10"), of("layer1"), of("features.18")), (None, None, None));
    }
}

//! Frame by frame with heatmaps.

use super::review_features::{FeatureViews, arrange, baseline_of};
use super::{figures, review_controls, transport, viewer};
use crate::cam;
use crate::classical::Baseline;
use crate::domain::{HeatMap, leaf};
use crate::jobs::HeatRequest;
use crate::render::ClipPosition;
use crate::ui::action::{ChooseAction, SystemAction, WindowAction};
use crate::ui::awaited::Awaited;
use crate::ui::committed::Committed;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{AppState, PathPurpose, ViewMode, Workspace};
use crate::ui::theme;
use crate::ui::theme::overlay;
use crate::ui::widgets::class_notice;
use crate::ui::widgets::color_bar;
use crate::ui::widgets::picture::{self, HeatLayer, Picture};
use crate::ui::widgets::zoom;
use egui::{Align2, Rect, Sense, Stroke, StrokeKind, Vec2};

/// The viewer.
#[derive(Default)]
pub struct Review {
    features: FeatureViews,
}

impl Panel for Review {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        if cx.state.video().is_none() {
            ui.weak("Open a dataset and choose a video to look at.");
            if ui.button("Open a dataset…").clicked() {
                cx.send(SystemAction::AskPath(PathPurpose::Dataset));
            }
            return;
        }
        review_controls::top(ui, cx);
        foreign(ui, cx);
        let space = ui.available_rect_before_wrap();
        // At the foot: transport, and how the overlay looks, in as many rows as it took before.
        let bar = review_controls::foot(ui, 62.0);
        let stage = Rect::from_min_max(space.min, space.max - Vec2::new(0.0, bar));
        self.stage(ui, cx, stage);
        let below = Rect::from_min_max(egui::pos2(space.min.x, space.max.y - bar + 4.0), space.max);
        let foot = ui.scope_builder(egui::UiBuilder::new().max_rect(below), |ui| {
            transport::ui(ui, cx, false);
            review_controls::bottom(ui, cx);
        });
        review_controls::keep_foot(ui, bar, foot.response.rect);
    }
}

/// What to know about the classes of the runs on screen, each run once.
fn foreign(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let selection = &cx.state.selection;
    let mut paths: Vec<_> = (0..selection.views.len()).filter_map(|v| selection.network(v)).map(|n| n.run).collect();
    paths.dedup();
    let mut seen = Vec::new();
    for path in paths {
        if !seen.contains(&path)
            && let Some(run) = cx.state.run_at(&path).cloned()
        {
            class_notice::show(ui, cx, &run);
            seen.push(path);
        }
    }
}

/// A place on the stage: the plain frame, or a linked view.
#[derive(Clone, Copy)]
enum Cell {
    Frame,
    View(usize),
}

impl Review {
    fn stage(&self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>, rect: Rect) {
        let views = cx.state.selection.views.len();
        let selection = &cx.state.selection;
        let has_run = (0..views).any(|v| selection.network(v).is_some_and(|n| cx.state.run_at(&n.run).is_some()));
        let mut cells: Vec<Cell> = Vec::new();
        if !has_run || cx.state.view.mode != ViewMode::Overlay {
            cells.push(Cell::Frame);
        }
        if has_run && cx.state.view.mode != ViewMode::Frame {
            cells.extend((0..views).map(Cell::View));
        }
        let aspect = cx.services.shown().map_or(1.0, |s| s.image.width as f32 / s.image.height.max(1) as f32);
        let no_run = !has_run;
        let layers: Vec<HeatLayer> = match cx.services.shown() {
            Some(frame) => {
                let requests = cx.state.selection.views.iter().enumerate();
                requests.map(|(view, request)| heat_layer(cx.state, frame, view, request)).collect()
            }
            None => Vec::new(),
        };
        let strip = if no_run || cx.state.view.mode == ViewMode::Frame { 0.0 } else { STRIP };
        let count = if no_run { 2 } else { cells.len() };
        let places = arrange(rect, count, (aspect, strip));
        for (cell, place) in cells.iter().zip(&places) {
            let picture = Rect::from_min_max(place.min, place.max - Vec2::new(0.0, strip));
            match cell {
                Cell::Frame => frame_alone(ui, cx, picture),
                Cell::View(index) => {
                    self.view(ui, cx, picture, *index, &layers);
                    let strip = Rect::from_min_max(egui::pos2(place.left(), picture.bottom()), place.max);
                    told_below(ui, strip, &layers, *index);
                }
            }
        }
        if no_run && let Some(place) = places.get(1) {
            no_run_yet(ui, cx, *place);
        }
    }
}

/// Height of what is said below a map.
const STRIP: f32 = 34.0;

/// The frame without heat, with its menu.
fn frame_alone(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, rect: Rect) {
    viewer::show_frame(ui, cx, rect, 10, "Picture");
    viewer::frame_menu(ui, cx, rect, 10);
}

/// The truth about a map, below it.
fn told_below(ui: &egui::Ui, rect: Rect, layers: &[HeatLayer], index: usize) {
    let p = theme::palette(ui);
    let text = below(layers, index).replace('\n', ", ");
    let late = layers.get(index).is_none_or(|l| l.map.is_none() || l.late);
    let color = if late { p.warn } else { p.muted };
    let font = theme::caption().resolve(ui.style());
    let mut job = egui::text::LayoutJob::simple(text, font, color, (rect.width() - 6.0).max(30.0));
    job.wrap.max_rows = 2;
    job.halign = egui::Align::Center;
    let galley = ui.painter().layout_job(job);
    ui.painter_at(rect).galley(egui::pos2(rect.center().x, rect.top() + 2.0), galley, color);
    let full = layers.get(index).map_or_else(String::new, |l| l.badge.clone());
    let response = ui.interact(rect, ui.scope_id().with(("told below", index)), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("About view {}", index + 1)));
    response.on_hover_text(full);
}

impl Review {
    /// A linked view: what the features of a baseline saw, or the heatmap of a network.
    fn view(&self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>, rect: Rect, index: usize, layers: &[HeatLayer]) {
        let baseline = baseline_of(cx.state, index).filter(|_| cx.state.view.heat);
        if baseline.is_none_or(|baseline| !self.features.show(ui, cx, rect, (index, baseline))) {
            return view(ui, cx, rect, index, layers);
        }
        if cx.state.selection.views.len() > 1 {
            choose(ui, cx, rect, index, true);
        }
    }
}

/// What a view answers to: a click makes it the active one where there are several, a double click shows all of the picture.
fn choose(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, at: Rect, index: usize, many: bool) -> egui::Response {
    let id = ui.make_persistent_id(("choose view", index));
    let response = ui.interact(at, id, Sense::click());
    let told = if many { format!("Use view {}", index + 1) } else { "Menu of the heatmap".to_owned() };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &told));
    if many && index == cx.state.selection.active_view {
        ui.painter().rect_stroke(at, 2.0, Stroke::new(2.0, theme::palette(ui).accent), StrokeKind::Inside);
    }
    if response.double_clicked() {
        zoom::set(ui.ctx(), zoom::Zoom::default());
    }
    if response.clicked() && many {
        cx.send(ChooseAction::SetActiveView(index));
    }
    response
}

fn no_run_yet(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, rect: Rect) {
    let p = theme::palette(ui);
    ui.painter().rect_filled(rect, 4.0, p.card);
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect.shrink(24.0)), |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space((ui.available_height() * 0.3).max(4.0));
            ui.label(egui::RichText::new("No run is chosen").heading());
            let awaited = cx.state.awaited_run();
            let next = match cx.state.runs.is_empty() {
                true => awaited.as_deref().unwrap_or("Train one, or open a run."),
                false => "Choose a run at the top.",
            };
            ui.label(format!("Heatmaps need a trained network. {next}"));
            ui.add_space(8.0);
            if ui.button(if awaited.is_some() { "Watch it learn" } else { "Go to Train" }).clicked() {
                cx.send(WindowAction::SetWorkspace(Workspace::Train));
            }
            if ui.button("Open a run…").clicked() {
                cx.send(SystemAction::AskPath(PathPurpose::Run));
            }
        });
    });
}

fn view(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, rect: Rect, index: usize, layers: &[HeatLayer]) {
    let many = cx.state.selection.views.len() > 1;
    let Some(frame) = cx.services.shown() else {
        return viewer::show_frame(ui, cx, rect, 20 + index as u64, "Heatmap");
    };
    let Some(layer) = layers.get(index) else { return };
    let name = format!("Heatmap view {}: {}", index + 1, layer.badge);
    let heat = cx.state.view.heat.then_some(layer);
    let shown = Picture { view: 20 + index as u64, frame, heat, name: &name };
    // The picture keeps its place when heat comes and goes.
    let wide = rect.width() > color_bar::LEAST;
    let mapped = layer.map.as_ref().filter(|_| cx.state.view.heat && wide);
    let space = if wide { rect.with_max_x(rect.right() - color_bar::ROOM) } else { rect };
    let at = picture::show(ui, cx, space, &shown);
    let volume = mapped.map(|map| cx.services.volumes.of(map));
    if let Some(volume) = volume.as_deref().and_then(Option::as_ref) {
        let params = picture::params(&cx.state.view, layer.late);
        let most = params.scale_value(&volume.heat, layer.position);
        color_bar::show(ui, space.with_min_x(at.left()), &params, most, index);
    }
    picture::caption(ui, cx.state, frame, at);
    if layer.map.is_none() || layer.late {
        picture::badge(ui, at, Align2::RIGHT_TOP, &layer.badge, overlay::NOTE);
    }
    if let Some([left, top, width, height]) = layer.map.as_ref().map(|m| m.region).filter(|r| *r != HeatMap::WHOLE) {
        // The part of the picture that was seen, and where alone there is heat.
        let whole = zoom::of(ui.ctx()).whole(at);
        let corner = whole.min + Vec2::new(left, top) * whole.size();
        let seen = Rect::from_min_size(corner, Vec2::new(width, height) * whole.size());
        ui.painter_at(at).rect_stroke(seen, 0.0, Stroke::new(1.0, overlay::MUTED), StrokeKind::Inside);
    }
    let response = choose(ui, cx, at, index, many);
    let caption = format!("frame {}   {}\n{}", frame.index, cx.state.label_names(&frame.labels), layer.badge);
    figures::still(&response, cx, frame, heat, &caption);
}

/// The name of a method for people; its id where it is none of the registry's.
fn method_title(id: &str) -> &str {
    cam::METHODS.iter().find(|m| m.id == id).map_or(id, |m| m.title)
}

/// The map that belongs to the frame on screen, and the truth about it.
pub fn heat_layer(state: &AppState, frame: &Committed, view: usize, request: &HeatRequest) -> HeatLayer {
    let nothing = |badge: String| HeatLayer {
        map: None,
        position: ClipPosition { frame: 0, frames: 1 },
        late: false,
        badge,
        parts: Vec::new(),
    };
    let method = method_title(&request.method);
    if !state.view.heat {
        return nothing("heatmap is off (H)".into());
    }
    let Some(checkpoint) = state.selection.network(view) else { return nothing("choose a run".into()) };
    let Some(run) = state.run_at(&checkpoint.run) else {
        return nothing(format!("{} is not open: choose another run", leaf(&checkpoint.run)));
    };
    if state.is_foreign(run) {
        return nothing(format!("the classes of {} are not those of this dataset: map them first", leaf(&run.path)));
    }
    if let Some(baseline) = Baseline::find(&run.config.model.id) {
        return nothing(format!(
            "{} is a classical baseline ({}): it has no heatmaps",
            leaf(&run.path),
            baseline.title()
        ));
    }
    let Some(clip) = state.clip_of(Some(&run.path), &frame.video, frame.index) else {
        return nothing(String::new());
    };
    let (answer, map, late) = match state.explain.map(view, &checkpoint, &clip, request) {
        Awaited::Ready((answer, map)) => (answer, map.clone(), false),
        // Dimmed.
        Awaited::Pending(Some((answer, map))) => (answer, map.clone(), true),
        Awaited::NotAsked | Awaited::Pending(None) => return nothing(format!("computing {method}…")),
        Awaited::Unavailable(sentence) => return nothing(sentence),
    };
    let at = answer.position_of(frame.index);
    let position = ClipPosition { frame: at, frames: answer.frames.len().max(1) };
    if late {
        let badge = format!("computing {method}…");
        return HeatLayer { map: Some(map), position, late, badge, parts: Vec::new() };
    }
    let [t, h, w] = map.shape;
    let scale = match state.view.scale {
        super::super::state::HeatScale::Frame => "normalised per frame",
        super::super::state::HeatScale::Clip => "normalised per clip",
        super::super::state::HeatScale::Fixed(_) => "fixed scale",
    };
    let silent = if map.clip_max() <= 0.0 { "; nothing speaks for this class" } else { "" };
    let against = match (map.against, request.against) {
        (Some(other), _) => format!(" rather than {}", answer.classes.name(other)),
        // Asked for, but both turned out to be one class.
        (None, Some(_)) => " only".to_owned(),
        (None, None) => String::new(),
    };
    let identity = [leaf(&checkpoint.run), answer.identity.weights()];
    let identity = identity.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    let seen = state.selection.view_of(&clip).map(|view| view.cut.view_words(state.is_wide(view)));
    let parts = vec![
        identity,
        seen.map_or_else(String::new, |view| format!("view {view}")),
        format!("{t}×{h}×{w} cells"),
        map.layer.clone(),
        format!("{} for {}{against}", method_title(&map.method), answer.classes.name(map.class)),
        map.pooling.short().to_owned(),
        format!("{scale}{silent}"),
    ];
    let badge = match parts.as_slice() {
        [identity, view, rest @ ..] => {
            let view = if view.is_empty() { String::new() } else { format!("{view}: ") };
            format!("{identity}\n{view}{}", rest.join(", "))
        }
        _ => String::new(),
    };
    HeatLayer { map: Some(map), position, late, badge, parts }
}

/// What is said below a map: where there are several, only what differs between them.
fn below(layers: &[HeatLayer], at: usize) -> String {
    let Some(layer) = layers.get(at) else { return String::new() };
    let told: Vec<&HeatLayer> = layers.iter().filter(|l| !l.parts.is_empty()).collect();
    if layer.parts.is_empty() || told.len() < 2 {
        return layer.badge.clone();
    }
    let differs = |part: usize| told.iter().any(|other| other.parts.get(part) != layer.parts.get(part));
    let said = layer.parts.iter().enumerate().filter(|(i, said)| differs(*i) && !said.is_empty());
    let said: Vec<&str> = said.map(|(_, said)| said.as_str()).collect();
    // The same map twice is said to be so.
    if said.is_empty() { layer.parts.get(4).cloned().unwrap_or_default() } else { said.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_arranged_to_be_large_and_inside() {
        let rect = Rect::from_min_size(egui::pos2(5.0, 7.0), Vec2::new(800.0, 400.0));
        for n in 1..=5 {
            let places = arrange(rect, n, (400.0 / 550.0, 0.0));
            assert_eq!(places.len(), n);
            assert!(places.iter().all(|p| rect.expand(0.1).contains_rect(*p)), "{n}: {places:?}");
        }
        // Two upright pictures in a wide place stand side by side.
        let two = arrange(rect, 2, (400.0 / 550.0, 0.0));
        assert!(two[1].left() > two[0].right());
        // Four of them, and the frame, stand in two rows: larger than in one.
        let five =
            arrange(Rect::from_min_size(egui::pos2(0.0, 0.0), Vec2::new(800.0, 600.0)), 5, (400.0 / 550.0, 34.0));
        assert!(five[3].top() > five[0].bottom() && five[1].left() > five[0].right(), "{five:?}");
        // Wide pictures in a high place lie above each other.
        let high = Rect::from_min_size(egui::pos2(0.0, 0.0), Vec2::new(400.0, 800.0));
        let two = arrange(high, 2, (16.0 / 9.0, 34.0));
        assert!(two[1].top() > two[0].bottom());
    }

    #[test]
    fn below_several_maps_only_what_differs_is_said() {
        let layer = |method: &str, pooled: &str| {
            let parts = ["run · last", "", "2×7×7 cells", "block5", method, pooled, "normalised per clip"];
            let position = ClipPosition { frame: 0, frames: 1 };
            HeatLayer {
                map: None,
                position,
                late: false,
                badge: parts.join(", "),
                parts: parts.map(str::to_owned).to_vec(),
            }
        };
        let two = [layer("Grad-CAM for lunge", "pooled"), layer("HiResCAM for lunge", "pooled")];
        assert_eq!(below(&two, 0), "Grad-CAM for lunge");
        assert_eq!(below(&two[..1], 0), two[0].badge);
        let same = [layer("Grad-CAM for lunge", "pooled"), layer("Grad-CAM for lunge", "pooled")];
        assert_eq!(below(&same, 1), "Grad-CAM for lunge");
        let pooled = [layer("Grad-CAM for lunge", "pooled"), layer("Grad-CAM for lunge", "per time step")];
        assert_eq!(below(&pooled, 1), "per time step");
    }
}

//! Labels, predictions and heat along the video, under one playhead.

use super::timeline_edit::LabelEditing;
use super::timeline_overview;
use super::timeline_tracks::{self as tracks, Known, Lanes, Strip};
use crate::data::labels_are_fixed;
use crate::jobs::CheckpointRef;
use crate::ui::AppState;
use crate::ui::action::TimeAction;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::Workspace;
use crate::ui::theme;
use crate::ui::widgets::text;
use egui::{Align2, PointerButton, Rect, Sense, Stroke, Vec2};
use std::rc::Rc;

/// Width of the names at the left.
const NAMES: f32 = 74.0;
/// Height of the row of frame numbers.
const RULER: f32 = 18.0;

/// The timeline with the part of the video it shows.
#[derive(Default)]
pub struct Timeline {
    video: Option<String>,
    /// First and last frame in sight, with fractions.
    range: (f64, f64),
    /// The frame that was last brought into sight.
    followed: u32,
    /// What is known along the video.
    known: Known,
    editing: LabelEditing,
}

impl Panel for Timeline {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let frames = cx.state.frames();
        if frames == 0 {
            let pending = cx.state.video().is_some_and(|(_, video)| video.is_pending());
            ui.weak(match pending {
                true => "Its labels appear here as soon as the video is indexed.",
                false => "Choose a video to see its labels along time.",
            });
            return;
        }
        if self.video != cx.state.selection.video {
            self.video.clone_from(&cx.state.selection.video);
            self.range = (0.0, f64::from(frames));
        }
        let space = ui.available_rect_before_wrap();
        let id = ui.make_persistent_id("timeline");
        let tracks = Rect::from_min_max(space.min, space.max - Vec2::new(0.0, timeline_overview::HEIGHT));
        let response = ui.interact(tracks, id, Sense::click_and_drag());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ScrollView, true, "Timeline"));
        let space = tracks;
        let body = Rect::from_min_max(space.min + Vec2::new(NAMES, 0.0), space.max);
        let strip = Strip { rect: body, range: self.range, frames };
        self.interact(ui, cx, &response, &strip);
        let strip = Strip { range: self.range, ..strip };
        self.follow(cx);
        let (labels, lanes, bottom) = draw(ui, cx, space, &strip, &self.known);
        // Right below the rows: what is left over lies below it in one piece.
        let below = egui::pos2(body.left(), bottom.min(space.bottom()));
        let below = Rect::from_min_size(below, Vec2::new(body.width(), timeline_overview::HEIGHT));
        if let Some(range) = timeline_overview::show(ui, cx, below, self.range) {
            self.range = range;
            ui.ctx().request_repaint();
        }
        if let Some(rect) = labels {
            self.editing.ui(ui, cx, &strip, rect, &lanes);
        }
        self.switch(ui, cx, space);
    }
}

impl Timeline {
    /// Turns editing of labels on and off, above the names of the rows.
    fn switch(&mut self, ui: &mut egui::Ui, cx: &PanelCx<'_>, space: Rect) {
        let place = Rect::from_min_size(space.min, Vec2::new(NAMES - 6.0, RULER));
        let word = egui::RichText::new("Edit").text_style(theme::caption());
        let button = egui::Button::selectable(self.editing.on, word).min_size(place.size());
        let help =
            "Drag edges of segments, or click one: its class, split, delete. Corrections are kept apart from the files";
        let fixed = cx.state.dataset.as_deref().and_then(labels_are_fixed);
        self.editing.on &= fixed.is_none();
        let response = ui.add_enabled_ui(fixed.is_none(), |ui| ui.put(place, button)).inner;
        let response = response.on_hover_text(help).on_disabled_hover_text(fixed.unwrap_or_default());
        text::name(&response, "Edit labels");
        if response.clicked() {
            self.editing.on = !self.editing.on;
        }
    }

    fn interact(&mut self, ui: &egui::Ui, cx: &mut PanelCx<'_>, response: &egui::Response, strip: &Strip) {
        let all = f64::from(strip.frames);
        if response.double_clicked() {
            self.range = (0.0, all);
            return;
        }
        if response.hovered()
            && let Some(pointer) = response.hover_pos()
        {
            let (scroll, zoom) = ui.input(|i| (i.smooth_scroll_delta(), i.zoom_delta()));
            let factor = f64::from((-scroll.y / 200.0).exp() / zoom);
            if (factor - 1.0).abs() > 1e-4 {
                let at = strip.frame_at(pointer.x);
                let width = ((self.range.1 - self.range.0) * factor).clamp(8.0_f64.min(all), all);
                let share = (at - self.range.0) / (self.range.1 - self.range.0).max(1e-9);
                self.set_range(at - share * width, width, all);
            }
            if scroll.x.abs() > 0.1 {
                let width = self.range.1 - self.range.0;
                let by = f64::from(scroll.x) / f64::from(strip.rect.width().max(1.0)) * width;
                self.set_range(self.range.0 - by, width, all);
            }
        }
        if response.dragged_by(PointerButton::Secondary) || response.dragged_by(PointerButton::Middle) {
            let width = self.range.1 - self.range.0;
            let by = f64::from(response.drag_delta().x) / f64::from(strip.rect.width().max(1.0)) * width;
            self.set_range(self.range.0 - by, width, all);
        }
        let scrub = response.dragged_by(PointerButton::Primary) || response.clicked_by(PointerButton::Primary);
        if scrub && let Some(pointer) = response.interact_pointer_pos() {
            let frame = strip.frame_at(pointer.x).floor().clamp(0.0, all - 1.0) as u32;
            if frame != cx.state.selection.frame {
                cx.send(TimeAction::Seek(frame));
            }
        }
    }

    fn set_range(&mut self, start: f64, width: f64, all: f64) {
        let start = start.clamp(0.0, (all - width).max(0.0));
        self.range = (start, start + width);
    }

    /// Keeps the playhead in sight while it moves by itself or by keys.
    fn follow(&mut self, cx: &PanelCx<'_>) {
        // Whoever scrolls away from a playhead that stands may look there.
        if std::mem::replace(&mut self.followed, cx.state.selection.frame) == cx.state.selection.frame {
            return;
        }
        let (start, end) = self.range;
        let frame = f64::from(cx.state.selection.frame);
        let width = end - start;
        if width < f64::from(cx.state.frames()) && (frame < start || frame >= end) {
            self.set_range(frame - width * 0.2, width, f64::from(cx.state.frames()));
        }
    }
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowOf {
    Labels,
    /// What a network says, by its position among those shown.
    Said(usize),
    Heat,
}

/// The networks whose predictions have a row: those of the views in Review, where they differ, else the one in use.
fn networks(state: &AppState, review: bool) -> Vec<(&'static str, Option<CheckpointRef>)> {
    const VIEWS: [&str; 4] = ["view 1", "view 2", "view 3", "view 4"];
    let selection = &state.selection;
    let mut out: Vec<(&'static str, Option<CheckpointRef>)> = Vec::new();
    let views = if review { selection.views.len() } else { 0 };
    for (view, name) in VIEWS.into_iter().enumerate().take(views) {
        let network = selection.network(view);
        if out.iter().all(|(_, known)| *known != network) {
            out.push((name, network));
        }
    }
    match out.as_slice() {
        [] | [_] => vec![("prediction", selection.checkpoint_ref())],
        _ => out,
    }
}

/// Draws the rows; gives the place of the labels, their lanes, and where the rows end.
fn draw(ui: &egui::Ui, cx: &PanelCx<'_>, space: Rect, strip: &Strip, known: &Known) -> (Option<Rect>, Rc<Lanes>, f32) {
    let p = theme::palette(ui);
    let review = cx.state.workspace == Workspace::Review;
    let networks = networks(cx.state, review);
    let spans: Vec<_> = networks.iter().map(|(_, network)| known.spans(cx.state, network.clone())).collect();
    let mut rows = vec![(RowOf::Labels, "labels")];
    let told = |i: &usize| review || spans.get(*i).is_some_and(|s| !s.is_empty());
    rows.extend(networks.iter().enumerate().filter(|(i, _)| told(i)).map(|(i, (name, _))| (RowOf::Said(i), *name)));
    rows.extend(review.then_some((RowOf::Heat, "heat")));
    let gap = 5.0;
    let lanes = known.lanes(cx.state);
    let room = space.height() - RULER - gap * rows.len() as f32;
    let height = (room / rows.len().max(1) as f32).clamp(12.0, 60.0);
    // Lanes take what the other rows leave.
    let others = rows.len().saturating_sub(1) as f32 * 22.0;
    let tall = (lanes.count as f32 * 15.0).min(room - others).max(height);
    let height =
        if lanes.count > 1 { height.min(((room - tall) / (rows.len() - 1).max(1) as f32).max(12.0)) } else { height };
    let font = theme::caption().resolve(ui.style());
    tracks::ruler(ui, strip, Rect::from_min_size(strip.rect.min, Vec2::new(strip.rect.width(), RULER)), cx.state.fps());
    let mut labels = None;
    let mut y = space.top() + RULER + 2.0;
    for (row, name_of_row) in &rows {
        let height = if *row == RowOf::Labels && lanes.count > 1 { tall } else { height };
        let rect = Rect::from_min_size(egui::pos2(strip.rect.left(), y), Vec2::new(strip.rect.width(), height));
        let name = egui::pos2(space.left() + 2.0, rect.center().y);
        ui.painter().text(name, Align2::LEFT_CENTER, *name_of_row, font.clone(), p.muted);
        ui.painter().rect_filled(rect, 3.0, p.well);
        match *row {
            RowOf::Labels => {
                tracks::labels(ui, cx, strip, rect, &lanes);
                tracks::corrections(ui, strip, rect, &known.corrected(cx.state));
                labels = Some(rect);
            }
            RowOf::Said(i) => {
                let network = networks.get(i).and_then(|(_, n)| n.as_ref()).filter(|_| networks.len() > 1);
                tracks::predictions(ui, cx, strip, rect, spans.get(i).map_or(&[], |s| s.as_slice()), network);
            }
            RowOf::Heat => tracks::heat(ui, cx, strip, rect, &known.bars(cx.state)),
        }
        y += height + gap;
    }
    let tracks_rect = Rect::from_min_max(strip.rect.min, egui::pos2(strip.rect.right(), y - gap));
    if review {
        tracks::clip_window(ui, cx, strip, tracks_rect);
    }
    playhead(ui, cx, strip, tracks_rect);
    (labels, lanes, y)
}

fn playhead(ui: &egui::Ui, cx: &PanelCx<'_>, strip: &Strip, rect: Rect) {
    let p = theme::palette(ui);
    let frame = f64::from(cx.state.selection.frame);
    let (x0, x1) = (strip.x_of(frame), strip.x_of(frame + 1.0));
    let painter = ui.painter_at(rect.expand2(Vec2::new(6.0, 0.0)));
    if x1 - x0 > 3.0 {
        let cell = Rect::from_x_y_ranges(x0..=x1, rect.y_range());
        painter.rect_filled(cell, 0.0, p.accent.gamma_multiply(0.25));
    }
    let x = (x0 + x1) / 2.0;
    // Below the ruler's numbers, which it would hide.
    let head = rect.top() + RULER - 5.0;
    painter.line_segment([egui::pos2(x, head + 6.0), egui::pos2(x, rect.bottom())], Stroke::new(1.5, p.accent));
    let head = [egui::pos2(x - 5.0, head), egui::pos2(x + 5.0, head), egui::pos2(x, head + 8.0)];
    painter.add(egui::Shape::convex_polygon(head.to_vec(), p.accent, Stroke::NONE));
}

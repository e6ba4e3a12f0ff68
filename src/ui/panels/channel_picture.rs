//! One channel large over the frame, and what of the frame its cells are made from.

use super::inside_parts::{Shown, field_words};
use crate::domain::{HeatMap, MapPooling};
use crate::inside::LayerActivation;
use crate::jobs::{InsideView, LayerView};
use crate::render::ClipPosition;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::PanelCx;
use crate::ui::theme::{self, overlay};
use crate::ui::widgets::picture::{self, HeatLayer, Picture};
use crate::ui::widgets::zoom;
use egui::{Align2, Rect, Shape, Stroke, StrokeKind, Ui, pos2};
use std::sync::Arc;

/// Number of the view among all pictures of the window.
const VIEW: u64 = 40;

/// Keeps the channel as a map.
#[derive(Default)]
pub struct ChannelPicture {
    map: Derived<(Same<LayerActivation>, usize), Arc<HeatMap>>,
}

impl ChannelPicture {
    /// Draws the chosen channel, or the first one, over the frame on screen.
    pub fn ui(&self, ui: &mut Ui, cx: &mut PanelCx<'_>, rect: Rect, shown: &Shown) {
        let (Some(of), Some(frame)) = (shown.layer(), cx.services.shown()) else {
            return super::viewer::show_frame(ui, cx, rect, VIEW, "Channel over the frame");
        };
        let layer = of.statistics.layer.as_str();
        let first = || of.ranked.first().map(|s| s.channel);
        let channel = cx.state.inside.channel(layer).filter(|c| *c < of.statistics.shape[0]).or_else(first);
        // The frame on screen may still be one of another clip.
        let here = cx.state.clip_at(&frame.video, frame.index).is_some_and(|clip| clip == shown.view.clip);
        let (Some(channel), true) = (channel, here) else {
            return super::viewer::show_frame(ui, cx, rect, VIEW, "Channel over the frame");
        };
        let Some(activation) = &of.activation else { return };
        let map = self.map.get((Same::of(activation), channel), || Arc::new(map_of(&shown.view, activation, channel)));
        let at = shown.view.frames.partition_point(|f| *f <= frame.index).saturating_sub(1);
        let badge = badge(of, &map, channel, shown.late);
        let position = ClipPosition { frame: at, frames: shown.view.frames.len().max(1) };
        let heat = HeatLayer { map: Some((*map).clone()), position, late: shown.late, badge, parts: Vec::new() };
        let name = format!("Channel over the frame: {}", heat.badge);
        let drawn = Picture { view: VIEW, frame, heat: cx.state.view.heat.then_some(&heat), name: &name };
        let inner = picture::show(ui, cx, rect, &drawn);
        picture::badge(ui, inner, Align2::RIGHT_TOP, &heat.badge, overlay::MUTED);
        let (time, _) = activation.time_cell(at, position.frames);
        let whole = zoom::of(ui.ctx()).whole(inner);
        let mut within = ui.new_child(egui::UiBuilder::new().max_rect(inner));
        within.set_clip_rect(inner.intersect(ui.clip_rect()));
        field(&within, whole, of, &shown.view, (time, activation.shape), cx.state.inside.settings.field);
    }
}

fn map_of(view: &InsideView, activation: &LayerActivation, channel: usize) -> HeatMap {
    let [_, t, h, w] = activation.shape;
    let cells = activation.cells();
    HeatMap {
        method: "activation".to_owned(),
        layer: activation.layer.clone(),
        class: view.predicted,
        against: None,
        shape: [t, h, w],
        values: activation.values.get(channel * cells..(channel + 1) * cells).unwrap_or_default().to_vec(),
        pooling: MapPooling::None,
        region: view.region,
    }
}

fn badge(of: &LayerView, map: &HeatMap, channel: usize, late: bool) -> String {
    let [t, h, w] = map.shape;
    let low = map.values.iter().copied().fold(0.0, f32::min);
    let below = if low < 0.0 { format!("; values below 0 (down to {low:.3}) are not drawn") } else { String::new() };
    let late = if late { "\nwhat was asked for last is being computed…" } else { "" };
    let (layer, channels) = (&of.statistics.layer, of.statistics.shape[0]);
    format!("channel {channel} of {channels}, {layer}\n{t}×{h}×{w} cells, at most {:.3}{below}{late}", map.clip_max())
}

/// The part of the picture of some rows and columns of the clip.
fn part(inner: Rect, view: &InsideView, [[top, bottom], [left, right]]: [[usize; 2]; 2]) -> Rect {
    let [_, height, width] = view.tree.clip;
    let [x, y, w, h] = view.region;
    let across = |at: usize| inner.left() + (x + at as f32 / width.max(1) as f32 * w) * inner.width();
    let down = |at: usize| inner.top() + (y + at as f32 / height.max(1) as f32 * h) * inner.height();
    Rect::from_min_max(pos2(across(left), down(top)), pos2(across(right), down(bottom)))
}

/// The receptive field of the cell under the pointer, or of the middle one with what really moves it.
fn field(
    ui: &Ui,
    inner: Rect,
    of: &LayerView,
    view: &InsideView,
    (time, [_, _, height, width]): (usize, [usize; 4]),
    on: bool,
) {
    let Some(field) = of.field.as_ref().filter(|_| on) else { return };
    let p = theme::palette(ui);
    let [x, y, w, h] = view.region;
    let seen = Rect::from_min_size(
        inner.min + egui::vec2(x * inner.width(), y * inner.height()),
        egui::vec2(w * inner.width(), h * inner.height()),
    );
    let pointer = ui.input(|i| i.pointer.hover_pos()).filter(|at| seen.contains(*at));
    let cell = pointer.map(|at| {
        let share = (at - seen.min) / seen.size();
        let place = |share: f32, cells: usize| ((share * cells as f32) as usize).min(cells.saturating_sub(1));
        [time, place(share.y, height), place(share.x, width)]
    });
    let painter = ui.painter_at(inner);
    let words = |what: &str, cell| format!("{what}: {}", field_words(field, cell, &view.frames));
    let (cell, mut text) = match cell {
        Some(cell) => (cell, words("this cell is made from", cell)),
        None => (field.middle(), words("the middle cell is made from", field.middle())),
    };
    let [_, rows, columns] = field.cell(cell);
    painter.rect_stroke(part(inner, view, [rows, columns]), 0.0, Stroke::new(1.5, p.accent), StrokeKind::Inside);
    if pointer.is_none()
        && let Some([frames, rows, columns]) = of.effective.as_ref().and_then(|e| e.held)
    {
        let rect = part(inner, view, [rows, columns]);
        let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
        painter.extend(Shape::dashed_line(&corners, Stroke::new(1.5, p.gold), 5.0, 4.0));
        let size = |[from, to]: [usize; 2]| to - from;
        text += &format!(
            "\n95 % of what moves it (dashed): {} frames, {} rows, {} columns",
            size(frames),
            size(rows),
            size(columns)
        );
    }
    picture::badge(ui, inner, Align2::LEFT_BOTTOM, &text, overlay::TEXT);
}

//! What a classical baseline saw of the clip on screen, in place of a heatmap.

use crate::classical::{Baseline, FeaturePicture};
use crate::domain::leaf;
use crate::jobs::{CheckpointRef, ClipRef};
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::PanelCx;
use crate::ui::state::AppState;
use crate::ui::theme;
use crate::ui::theme::overlay;
use crate::ui::widgets::picture;
use egui::{Align2, Color32, Rect, Role, Sense, TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo, pos2};
use std::sync::Arc;

/// Answers whose pictures are kept as textures.
const KEPT: usize = 8;

/// Which pictures.
type Key = (CheckpointRef, ClipRef, Same<Vec<FeaturePicture>>);

/// Pictures of features as textures.
pub struct FeatureViews {
    textures: Derived<Key, Vec<TextureHandle>>,
}

impl Default for FeatureViews {
    fn default() -> Self {
        Self { textures: Derived::keeping(KEPT) }
    }
}

/// Divides a rectangle into `n` places such that pictures of this shape, each with a strip below it, become as large as
/// possible.
pub fn arrange(rect: Rect, n: usize, (aspect, strip): (f32, f32)) -> Vec<Rect> {
    let n = n.max(1);
    let gap = 6.0;
    let size = |columns: usize| {
        let rows = n.div_ceil(columns);
        let w = (rect.width() - gap * (columns - 1) as f32) / columns as f32;
        let h = (rect.height() - gap * (rows - 1) as f32) / rows as f32;
        Vec2::new(w.max(1.0), h.max(1.0))
    };
    let picture = |s: Vec2| s.x.min((s.y - strip).max(1.0) * aspect);
    // Of equally large ones the least wide.
    let columns = (1..=n).rev().max_by(|a, b| picture(size(*a)).total_cmp(&picture(size(*b)))).unwrap_or(1);
    let cell = size(columns);
    let place = |i: usize| {
        let at = Vec2::new((i % columns) as f32 * (cell.x + gap), (i / columns) as f32 * (cell.y + gap));
        Rect::from_min_size(rect.min + at, cell)
    };
    (0..n).map(place).collect()
}

/// The baseline of a view, where its run is one.
pub fn baseline_of(state: &AppState, view: usize) -> Option<Baseline> {
    let network = state.selection.network(view)?;
    Baseline::find(&state.run_at(&network.run)?.config.model.id)
}

impl FeatureViews {
    /// Draws what the features of a view's baseline saw of the clip under the playhead; false where there is nothing to draw yet.
    pub fn show(&self, ui: &mut Ui, cx: &PanelCx<'_>, rect: Rect, (view, baseline): (usize, Baseline)) -> bool {
        let Some(frame) = cx.services.shown() else { return false };
        let Some(network) = cx.state.selection.network(view) else { return false };
        let clip = cx.state.clip_of(Some(&network.run), &frame.video, frame.index);
        let Some((clip, answer)) = clip.and_then(|c| Some((c.clone(), cx.state.explain.answer(&network, &c)?))) else {
            return false;
        };
        let pictures: &Arc<Vec<FeaturePicture>> = &answer.pictures;
        if pictures.is_empty() {
            return false;
        }
        let textures = self.textures.get((network.clone(), clip, Same::of(pictures)), || {
            let load = |p: &FeaturePicture| {
                let size = [p.image.width as usize, p.image.height as usize];
                let colors = egui::ColorImage::from_rgb(size, &p.image.data);
                ui.ctx().load_texture(p.id, colors, TextureOptions::LINEAR)
            };
            pictures.iter().map(load).collect()
        });
        ui.painter().rect_filled(rect, 4.0, theme::palette(ui).stage);
        let places = arrange(rect, pictures.len(), (frame_aspect(cx), 0.0));
        for ((one, texture), place) in pictures.iter().zip(textures.iter()).zip(places) {
            // In the shape that people see the frame in.
            let aspect = frame_aspect(cx);
            let size = match aspect > place.aspect_ratio() {
                true => Vec2::new(place.width(), place.width() / aspect),
                false => Vec2::new(place.height() * aspect, place.height()),
            };
            let at = Rect::from_center_size(place.center(), size);
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), at, whole, Color32::WHITE);
            let id = ui.make_persistent_id(("features", view, one.id));
            let response = ui.interact(at, id, Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &one.title));
            picture::badge(ui, at, Align2::LEFT_BOTTOM, &one.title, overlay::MUTED);
        }
        let who = format!("{} · {}", leaf(&network.run), baseline.title());
        picture::badge(ui, rect, Align2::RIGHT_TOP, &who, overlay::MUTED);
        true
    }
}

fn frame_aspect(cx: &PanelCx<'_>) -> f32 {
    cx.services.shown().map_or(1.0, |s| s.image.width as f32 / s.image.height.max(1) as f32)
}

//! The picture on screen with mask, skeleton, caption and heatmap.

use crate::domain::{GrayImage, HeatMap};
use crate::render::contour::contour_picture;
use crate::render::overlay_gpu::{OverlayRenderer, OverlayUniforms};
use crate::render::{Blend, COLOR_MAPS, ClipPosition, HeatVolume, OverlayParams, Region, color_map, composite};
use crate::ui::awaited::Awaited;
use crate::ui::committed::Committed;
use crate::ui::panel::PanelCx;
use crate::ui::services::Volume;
use crate::ui::state::{AppState, ViewSettings};
use crate::ui::theme;
use crate::ui::theme::overlay;
use crate::ui::widgets::zoom;
use eframe::egui_wgpu;
use egui::{Align2, Color32, Rect, Shape, Stroke, Vec2};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A heatmap over the frame on screen.
#[derive(Clone, Debug)]
pub struct HeatLayer {
    /// The map, when there is one.
    pub map: Option<Arc<HeatMap>>,
    /// Which frame of its clip is shown.
    pub position: ClipPosition,
    /// The map is another one of the same clip while the right one is computed.
    pub late: bool,
    /// The truth about the map, for people.
    pub badge: String,
    /// The same in parts, so that of several maps only what differs is said beside each; none where there is no map.
    pub parts: Vec<String>,
}

/// What one picture shows.
pub struct Picture<'a> {
    /// Tells views apart; one number per place on screen.
    pub view: u64,
    /// The frame.
    pub frame: &'a Committed,
    /// The heatmap.
    pub heat: Option<&'a HeatLayer>,
    /// Accessible name.
    pub name: &'a str,
}

/// The largest rectangle of the frame's shape in the middle of `rect`.
pub fn fit(rect: Rect, width: u32, height: u32) -> Rect {
    if width == 0 || height == 0 || !rect.is_positive() {
        return Rect::from_center_size(rect.center(), Vec2::ZERO);
    }
    let scale = (rect.width() / width as f32).min(rect.height() / height as f32);
    Rect::from_center_size(rect.center(), Vec2::new(width as f32, height as f32) * scale)
}

/// Settings of the overlay as the compositor wants them.
pub fn params(view: &ViewSettings, dim: bool) -> OverlayParams {
    OverlayParams {
        alpha: if dim { view.alpha * 0.4 } else { view.alpha },
        threshold: view.threshold,
        color_map: color_map(&view.color_map).unwrap_or(&COLOR_MAPS[0]),
        interpolation: view.interpolation(),
        scale: view.scale,
        blend: if view.alpha_follows_heat { Blend::FollowsHeat } else { Blend::Constant },
        contours: view.contours,
        region: Region::FULL,
    }
}

/// Draws a picture into `rect` and returns where it lies.
pub fn show(ui: &mut egui::Ui, cx: &PanelCx<'_>, rect: Rect, picture: &Picture<'_>) -> Rect {
    let p = theme::palette(ui);
    let image = &picture.frame.image;
    ui.painter().rect_filled(rect, 4.0, p.stage);
    let inner = fit(rect, image.width, image.height);
    // Whole pixels, so that the GPU pass and egui agree about the edges.
    let scale = ui.pixels_per_point();
    let snap = |v: f32| (v * scale).round() / scale;
    let inner = Rect::from_min_max(
        egui::pos2(snap(inner.min.x), snap(inner.min.y)),
        egui::pos2(snap(inner.max.x), snap(inner.max.y)),
    );
    let id = ui.id_of_view(picture.view);
    let response = ui.interact(inner, id, egui::Sense::click_and_drag());
    zoom::interact(&response, inner);
    let whole = zoom::of(ui.ctx()).whole(inner);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, picture.name));
    if inner.width() < 1.0 || inner.height() < 1.0 {
        return inner;
    }
    let volume = picture.heat.and_then(|h| h.map.as_ref()).map(|m| cx.services.volumes.of(m));
    let volume = volume.as_deref().and_then(Option::as_ref);
    let params = params(&cx.state.view, picture.heat.is_some_and(|h| h.late));
    let heat = volume.zip(picture.heat.map(|h| h.position));
    if cx.services.gpu {
        paint_gpu(ui, (inner, whole), picture, heat, params);
    } else {
        paint_cpu(ui, cx, (inner, whole), picture, heat, &params);
    }
    if !matches!(cx.services.frame(), Awaited::Ready(_)) {
        ui.painter().rect_filled(inner, 0.0, overlay::DIMMED);
    }
    if let Some(mask) = &picture.frame.mask {
        paint_mask(ui, cx, (inner, whole), picture, mask);
    }
    if cx.state.view.skeleton {
        paint_skeleton(ui, (inner, whole), picture.frame);
    }
    paint_boxes(ui, cx, (inner, whole), picture.frame);
    inner
}

/// The part of a picture that fills `seen` where all of it would fill `whole`.
fn part(seen: Rect, whole: Rect) -> Region {
    let share = |at: egui::Pos2| (at - whole.min) / whole.size().max(Vec2::splat(1e-3));
    let (from, to) = (share(seen.min), share(seen.max));
    if seen == whole { Region::FULL } else { Region { x0: from.x, y0: from.y, x1: to.x, y1: to.y } }
}

/// Boxes of the annotations that hold for the frame on screen, with their classes.
fn paint_boxes(ui: &egui::Ui, cx: &PanelCx<'_>, (seen, rect): (Rect, Rect), frame: &Committed) {
    let Some(video) = cx.state.video_named(&frame.video) else { return };
    let at = frame.index;
    let painter = ui.painter_at(seen);
    let font = theme::caption().resolve(ui.style());
    for instance in video.instances.iter().filter(|i| i.start <= at && at < i.end) {
        let Some(details) = &instance.details else { continue };
        let i = details.boxes.partition_point(|b| b.end <= at);
        let Some(found) = details.boxes.get(i).filter(|b| b.frame <= at) else { continue };
        let [left, top, right, bottom] = found.corners;
        let place = |x: f32, y: f32| rect.min + Vec2::new(x * rect.width(), y * rect.height());
        let area = Rect::from_min_max(place(left, top), place(right, bottom));
        let color = instance.label.classes().first().map_or(theme::palette(ui).muted, |c| theme::class_color(*c));
        painter.rect_stroke(area, 2.0, Stroke::new(2.0, color), egui::StrokeKind::Inside);
        let name = crate::ui::panels::instance_name(cx.state, instance);
        let text = painter.layout_no_wrap(name.clone(), font.clone(), theme::text_on(color));
        let label = Rect::from_min_size(area.min, text.size() + Vec2::new(6.0, 2.0));
        painter.rect_filled(label, 2.0, color);
        painter.galley(label.min + Vec2::new(3.0, 1.0), text, theme::text_on(color));
        let id = ui.make_persistent_id(("box", frame.index, instance.line, found.frame));
        let response = ui.interact(label.intersect(seen), id, egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("Box: {name}")));
    }
}

/// Ids of views do not depend on the order in which they are drawn.
trait ViewIds {
    fn id_of_view(&self, view: u64) -> egui::Id;
}

impl ViewIds for egui::Ui {
    fn id_of_view(&self, view: u64) -> egui::Id {
        self.make_persistent_id(("picture", view))
    }
}

struct Pass {
    view: u64,
    image: crate::domain::RgbImage,
    generation: u64,
    heat: Option<HeatVolume>,
    heat_generation: u64,
    uniforms: OverlayUniforms,
}

impl egui_wgpu::CallbackTrait for Pass {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &egui_wgpu::ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut egui_wgpu::CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(renderer) = resources.get_mut::<OverlayRenderer>() {
            // A view that cannot be uploaded shows the ground instead; the reason goes to the log once a frame.
            if let Err(error) = renderer.upload_frame(queue, self.view, &self.image, self.generation) {
                log::warn!("{error}");
            }
            if let Err(error) = renderer.upload_heat(queue, self.view, self.heat.as_ref(), self.heat_generation) {
                log::warn!("{error}");
            }
            renderer.prepare(queue, self.view, &self.uniforms);
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &egui_wgpu::CallbackResources,
    ) {
        if let Some(renderer) = resources.get::<OverlayRenderer>() {
            renderer.paint(pass, self.view);
        }
    }
}

fn paint_gpu(
    ui: &egui::Ui,
    (rect, whole): (Rect, Rect),
    picture: &Picture<'_>,
    heat: Option<(&Volume, ClipPosition)>,
    params: OverlayParams,
) {
    let scale = ui.pixels_per_point();
    let viewport = [(rect.width() * scale).round() as u32, (rect.height() * scale).round() as u32];
    let (volume, position) = heat.unzip();
    let pass = Pass {
        view: picture.view,
        image: picture.frame.image.clone(),
        generation: picture.frame.generation,
        heat: volume.map(|v| v.heat.clone()),
        heat_generation: volume.map_or(0, |v| v.generation),
        uniforms: OverlayUniforms { params, position, source: part(rect, whole), viewport },
    };
    ui.painter().add(egui_wgpu::Callback::new_paint_callback(rect, pass));
}

fn paint_cpu(
    ui: &egui::Ui,
    cx: &PanelCx<'_>,
    place @ (rect, _): (Rect, Rect),
    picture: &Picture<'_>,
    heat: Option<(&Volume, ClipPosition)>,
    params: &OverlayParams,
) {
    let mut hasher = DefaultHasher::new();
    picture.frame.generation.hash(&mut hasher);
    if let Some((volume, position)) = &heat {
        (volume.generation, position.frame, position.frames, format!("{params:?}")).hash(&mut hasher);
    }
    // Lines are drawn at the size of the screen, not at that of the frame: there they would grow with it.
    let plain = OverlayParams { contours: false, ..*params };
    texture(ui, cx, picture.view, hasher.finish(), place, || {
        let image = match &heat {
            Some((volume, position)) => composite(&picture.frame.image, &volume.heat, *position, &plain),
            None => picture.frame.image.clone(),
        };
        egui::ColorImage::from_rgb([image.width as usize, image.height as usize], &image.data)
    });
    let Some((volume, position)) = heat.filter(|_| params.contours) else { return };
    let scale = ui.pixels_per_point();
    let viewport = [rect.width(), rect.height()].map(|side| (side * scale).round().max(1.0) as u32);
    viewport.hash(&mut hasher);
    texture(ui, cx, picture.view | 2 << 32, hasher.finish(), place, || {
        let pixels = contour_picture(&volume.heat, position, params, viewport);
        egui::ColorImage::from_rgba_premultiplied(viewport.map(|side| side as usize), &pixels)
    });
}

/// Draws a texture that is made anew only when `made_from` changes.
fn texture(
    ui: &egui::Ui,
    cx: &PanelCx<'_>,
    key: u64,
    made_from: u64,
    (seen, whole): (Rect, Rect),
    make: impl FnOnce() -> egui::ColorImage,
) {
    let mut textures = cx.services.textures.borrow_mut();
    match textures.get_mut(&key) {
        Some((old, _)) if *old == made_from => {}
        Some((old, handle)) => {
            handle.set(make(), egui::TextureOptions::LINEAR);
            *old = made_from;
        }
        None => {
            let handle = ui.ctx().load_texture(format!("view {key}"), make(), egui::TextureOptions::LINEAR);
            textures.insert(key, (made_from, handle));
        }
    }
    if let Some((_, handle)) = textures.get(&key) {
        let Region { x0, y0, x1, y1 } = part(seen, whole);
        let uv = Rect::from_min_max(egui::pos2(x0, y0), egui::pos2(x1, y1));
        ui.painter().image(handle.id(), seen, uv, Color32::WHITE);
    }
}

/// The inside tinted, the rim drawn: where the body is, without hiding it.
fn paint_mask(ui: &egui::Ui, cx: &PanelCx<'_>, place: (Rect, Rect), picture: &Picture<'_>, mask: &Arc<GrayImage>) {
    let made_from = Arc::as_ptr(&mask.data).cast::<u8>() as u64 ^ picture.frame.generation.rotate_left(32);
    texture(ui, cx, picture.view | 1 << 32, made_from, place, || mask_picture(mask));
}

fn mask_picture(mask: &GrayImage) -> egui::ColorImage {
    let (w, h) = (mask.width as usize, mask.height as usize);
    let inside = |x: usize, y: usize| mask.data.get(y * w + x).is_some_and(|v| *v > 0);
    let [tint, rim] = overlay::mask();
    let mut pixels = vec![Color32::TRANSPARENT; w * h];
    for y in 0..h {
        for x in 0..w {
            if inside(x, y) {
                let edge = x == 0
                    || y == 0
                    || !inside(x - 1, y)
                    || !inside(x, y - 1)
                    || (x + 1 < w && !inside(x + 1, y))
                    || (y + 1 < h && !inside(x, y + 1));
                if let Some(pixel) = pixels.get_mut(y * w + x) {
                    *pixel = if edge { rim } else { tint };
                }
            }
        }
    }
    egui::ColorImage::new([w, h], pixels)
}

fn paint_skeleton(ui: &egui::Ui, (seen, rect): (Rect, Rect), frame: &Committed) {
    let Some(poses) = &frame.poses else { return };
    let joints = frame.joints();
    let scale =
        Vec2::new(rect.width() / frame.image.width.max(1) as f32, rect.height() / frame.image.height.max(1) as f32);
    let at = |i: usize| {
        let joint = joints.get(i).filter(|j| j.confidence > 0.05)?;
        Some((rect.min + Vec2::new(joint.x, joint.y) * scale, joint.confidence))
    };
    let painter = ui.painter_at(seen);
    let bone = overlay::BONE;
    for (a, b) in &poses.skeleton.bones {
        if let (Some((a, ca)), Some((b, cb))) = (at(*a), at(*b)) {
            let color = bone.gamma_multiply(ca.min(cb).clamp(0.25, 1.0));
            painter.add(Shape::line_segment([a, b], Stroke::new(4.0, overlay::BONE_SHADOW)));
            painter.add(Shape::line_segment([a, b], Stroke::new(2.0, color)));
        }
    }
    for i in 0..joints.len() {
        if let Some((pos, _)) = at(i) {
            painter.circle(pos, 2.6, overlay::JOINT, Stroke::new(1.0, overlay::JOINT_RIM));
        }
    }
}

/// Text on a dark ground in a corner of a picture.
pub fn badge(ui: &egui::Ui, rect: Rect, corner: Align2, text: &str, color: Color32) {
    if text.is_empty() {
        return;
    }
    let font = theme::caption().resolve(ui.style());
    let galley = ui.painter().layout(text.to_owned(), font, color, (rect.width() - 24.0).max(40.0));
    let space = rect.shrink(6.0);
    let at = corner.align_size_within_rect(galley.size() + Vec2::new(12.0, 6.0), space);
    ui.painter().rect_filled(at, 4.0, overlay::PLATE);
    ui.painter().galley(at.min + Vec2::new(6.0, 3.0), galley, color);
}

/// The caption of the frame on screen: its number, time and label.
pub fn caption(ui: &egui::Ui, state: &AppState, frame: &Committed, rect: Rect) {
    // Below a picture of another video it would be read as belonging to the chosen one.
    if !state.view.caption || state.selection.video.as_ref() != Some(&frame.video) {
        return;
    }
    let text = format!("frame {}   {}", frame.index, state.label_names(&frame.labels));
    let color = match frame.labels.first() {
        Some(crate::domain::Label::Class(c)) => theme::class_color(*c),
        _ => overlay::MUTED,
    };
    badge(ui, rect, Align2::LEFT_BOTTOM, &text, overlay::TEXT);
    let bar = Rect::from_min_size(rect.left_bottom() + Vec2::new(0.0, -3.0), Vec2::new(rect.width(), 3.0));
    ui.painter().rect_filled(bar, 0.0, color);
}

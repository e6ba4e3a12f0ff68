//! The mark of the program.

use crate::ui::services::Services;
use egui::{Rect, Sense, Ui, Vec2, WidgetInfo, pos2};

/// Where its texture is kept among those of the views, whose numbers are small.
const KEY: u64 = u64::MAX;

/// The picture of the window's icon, as RGBA.
pub fn pixels() -> egui::ColorImage {
    let picture = image::load_from_memory(include_bytes!("../../../assets/icon/kinolens-128.png")).unwrap_or_default();
    let rgba = picture.into_rgba8();
    let size = [rgba.width() as usize, rgba.height() as usize];
    egui::ColorImage::from_rgba_unmultiplied(size, &rgba)
}

/// Draws the mark, so many points wide.
pub fn show(ui: &mut Ui, services: &Services, side: f32) {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, "kinolens"));
    let mut textures = services.textures.borrow_mut();
    let (_, texture) = textures
        .entry(KEY)
        .or_insert_with(|| (0, ui.ctx().load_texture("mark", pixels(), egui::TextureOptions::LINEAR)));
    ui.painter().image(texture.id(), rect, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), egui::Color32::WHITE);
}

//! The whole video in one line below the timeline, with the part in sight as a scroll bar.

use crate::ui::panel::PanelCx;
use crate::ui::theme;
use egui::{Rect, Sense, Stroke, StrokeKind, Vec2};

/// Height of the line with the gap above it.
pub const HEIGHT: f32 = 16.0;
/// The smallest part that can be taken hold of, in points.
const HANDLE: f32 = 14.0;
/// Labelled parts drawn at most: more are narrower than a point.
const SPANS: usize = 3000;

/// Draws it; gives the part in sight from now on where somebody moved it.
pub fn show(ui: &mut egui::Ui, cx: &PanelCx<'_>, rect: Rect, range: (f64, f64)) -> Option<(f64, f64)> {
    let p = theme::palette(ui);
    let frames = f64::from(cx.state.frames());
    let bar = Rect::from_min_max(rect.min + Vec2::new(0.0, 4.0), rect.max);
    if frames < 1.0 || bar.width() < 40.0 {
        return None;
    }
    let x = |frame: f64| bar.left() + (frame / frames) as f32 * bar.width();
    let painter = ui.painter_at(bar);
    painter.rect_filled(bar, 3.0, p.well);
    if let Some((_, video)) = cx.state.video() {
        for span in video.class_spans().take(SPANS) {
            let part = Rect::from_x_y_ranges(x(f64::from(span.start))..=x(f64::from(span.end)), bar.y_range());
            painter.rect_filled(part.shrink2(Vec2::new(0.0, 3.0)), 1.0, theme::label_color(Some(span.label), &p));
        }
    }
    let now = x(f64::from(cx.state.selection.frame) + 0.5);
    painter.vline(now, bar.y_range(), Stroke::new(1.0, p.accent));
    let (start, end) = range;
    let seen = Rect::from_x_y_ranges(x(start)..=x(end).max(x(start) + HANDLE), bar.y_range());
    let all = end - start >= frames - 0.5;
    let id = ui.make_persistent_id("timeline overview");
    let response = ui.interact(bar, id, Sense::click_and_drag());
    let told = format!("Overview of the video, frames {start:.0} to {:.0} in sight", (end - 1.0).max(start));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ScrollBar, true, &told));
    if !all {
        let hot = response.hovered() || response.dragged();
        painter.rect_filled(seen, 3.0, p.text.gamma_multiply(if hot { 0.28 } else { 0.16 }));
        painter.rect_stroke(seen, 3.0, Stroke::new(1.0, p.muted), StrokeKind::Inside);
    }
    let width = end - start;
    let of_frames = |points: f32| f64::from(points / bar.width()) * frames;
    let wanted = match response.interact_pointer_pos() {
        _ if all => return None,
        Some(_) if response.dragged() => start + of_frames(response.drag_delta().x),
        Some(at) if response.clicked() && !seen.contains(at) => of_frames(at.x - bar.left()) - width / 2.0,
        _ => return None,
    };
    let start = wanted.clamp(0.0, (frames - width).max(0.0));
    Some((start, start + width))
}

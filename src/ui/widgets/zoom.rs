//! How large the picture is shown and which part of it: one for all views, so that they stay comparable.

use egui::{Context, Id, PointerButton, Rect, Response, Vec2};

/// The largest enlargement.
const MOST: f32 = 16.0;
/// Enlargement of one press of a button.
pub const STEP: f32 = 1.5;

/// An enlargement and the place of the picture, 0…1, that is in the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// 1 shows the whole picture.
    pub scale: f32,
    /// Across and down.
    pub center: [f32; 2],
}

impl Default for Zoom {
    fn default() -> Self {
        Self { scale: 1.0, center: [0.5, 0.5] }
    }
}

impl Zoom {
    /// Enlarged by a factor, with the place `at` of the picture where it was on screen.
    pub fn by(self, factor: f32, at: [f32; 2]) -> Self {
        let scale = (self.scale * factor).clamp(1.0, MOST);
        let ratio = self.scale / scale;
        let center = [0, 1].map(|axis| at[axis] + (self.center[axis] - at[axis]) * ratio);
        Self { scale, center }.within()
    }

    /// Moved by a share of the picture.
    fn moved(self, by: [f32; 2]) -> Self {
        Self { center: [self.center[0] - by[0], self.center[1] - by[1]], ..self }.within()
    }

    /// Nothing beside the picture is shown.
    fn within(self) -> Self {
        let half = 0.5 / self.scale.max(1.0);
        Self { center: self.center.map(|c| c.clamp(half, 1.0 - half)), ..self }
    }

    /// Where the whole picture lies when the part in sight fills `rect`.
    pub fn whole(self, rect: Rect) -> Rect {
        let size = rect.size() * self.scale;
        let middle = Vec2::new(self.center[0], self.center[1]) * size;
        Rect::from_min_size(rect.center() - middle, size)
    }
}

fn id() -> Id {
    Id::unique("zoom of pictures")
}

/// How pictures are shown now.
pub fn of(ctx: &Context) -> Zoom {
    ctx.data(|d| d.get_temp(id())).unwrap_or_default()
}

/// Shows pictures otherwise from now on.
pub fn set(ctx: &Context, zoom: Zoom) {
    if of(ctx) != zoom {
        ctx.data_mut(|d| d.insert_temp(id(), zoom));
        ctx.request_repaint();
    }
}

/// What the pointer does with a picture that fills `rect`: the wheel zooms, dragging moves, a double click shows all of it.
pub fn interact(response: &Response, rect: Rect) {
    let ctx = &response.ctx;
    let now = of(ctx);
    let mut next = now;
    if response.double_clicked() {
        next = Zoom::default();
    }
    if response.dragged_by(PointerButton::Primary) || response.dragged_by(PointerButton::Middle) {
        let whole = now.whole(rect).size();
        let by = response.drag_delta();
        next = next.moved([by.x / whole.x.max(1.0), by.y / whole.y.max(1.0)]);
    }
    if response.contains_pointer()
        && let Some(pointer) = ctx.pointer_hover_pos()
    {
        let (scroll, pinch) = ctx.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
        let factor = (scroll / 200.0).exp() * pinch;
        if (factor - 1.0).abs() > 1e-4 {
            let whole = now.whole(rect);
            let at = (pointer - whole.min) / whole.size().max(Vec2::splat(1.0));
            next = next.by(factor, [at.x, at.y]);
        }
    }
    set(ctx, next);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_under_the_pointer_stays_and_nothing_beside_the_picture_is_shown() {
        let rect = Rect::from_min_size(egui::pos2(10.0, 20.0), Vec2::new(400.0, 200.0));
        let at = [0.4, 0.6];
        let on_screen = |zoom: Zoom| {
            let whole = zoom.whole(rect);
            whole.min + Vec2::new(at[0], at[1]) * whole.size()
        };
        let before = on_screen(Zoom::default());
        let near = Zoom::default().by(2.0, at);
        assert!((on_screen(near) - before).length() < 0.01);
        assert_eq!(Zoom::default().whole(rect), rect);
        let edge = near.moved([9.0, -9.0]).whole(rect);
        assert!(edge.contains_rect(rect.shrink(0.01)), "{edge:?}");
        assert_eq!(near.by(0.01, at), Zoom::default());
        assert_eq!(Zoom::default().by(1e9, at).scale, MOST);
    }
}

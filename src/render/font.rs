//! Text in pictures: the typeface of the window, rasterised glyph by glyph.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use std::sync::OnceLock;

/// The typeface of the window and of pictures: Inter with tabular figures (SIL Open Font License, `assets/fonts`).
pub mod files {
    /// For text.
    pub const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
    /// For headings.
    pub const SEMIBOLD: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");
}

/// The one font of plots and captions; `None` only if the embedded file were damaged.
fn font() -> Option<&'static FontRef<'static>> {
    static FONT: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    FONT.get_or_init(|| FontRef::try_from_slice(files::REGULAR).ok()).as_ref()
}

/// The scale that makes one em `size` pixels.
fn scale(font: &FontRef<'_>, size: f32) -> PxScale {
    let em = font.units_per_em().unwrap_or(1000.0);
    PxScale::from(size * font.height_unscaled() / em)
}

/// Width of a line of text, in pixels.
pub(super) fn text_width(text: &str, size: f32) -> f32 {
    let Some(font) = font() else { return 0.0 };
    let scaled = font.as_scaled(scale(font, size));
    let mut before = None;
    text.chars().fold(0.0, |width, c| {
        let glyph = scaled.glyph_id(c);
        let kern = before.replace(glyph).map_or(0.0, |b| scaled.kern(b, glyph));
        width + kern + scaled.h_advance(glyph)
    })
}

/// Calls `paint(x, y, coverage)` for the pixels of a line of text that starts at the origin, its base line at `y = 0`.
/// Rotated text runs upwards.
pub(super) fn rasterise(
    text: &str,
    size: f32,
    origin: (f32, f32),
    upwards: bool,
    mut paint: impl FnMut(i32, i32, f32),
) {
    let Some(font) = font() else { return };
    let scaled = font.as_scaled(scale(font, size));
    let (mut pen, mut before) = (0.0, None);
    for c in text.chars() {
        let id = scaled.glyph_id(c);
        pen += before.replace(id).map_or(0.0, |b| scaled.kern(b, id));
        // Upright text keeps the fraction of its origin; rotated text is placed on whole pixels.
        let (fx, fy) = if upwards { (0.0, 0.0) } else { origin };
        let glyph = id.with_scale_and_position(scaled.scale(), ab_glyph::point(pen + fx, fy));
        if let Some(outline) = font.outline_glyph(glyph) {
            let bounds = outline.px_bounds();
            outline.draw(|x, y, coverage| {
                let (x, y) = (x as i32 + bounds.min.x as i32, y as i32 + bounds.min.y as i32);
                if upwards {
                    paint(origin.0.round() as i32 + y, origin.1.round() as i32 - x, coverage);
                } else {
                    paint(x, y, coverage);
                }
            });
        }
        pen += scaled.h_advance(id);
    }
}

/// The text, or its beginning with an ellipsis, whichever fits `width` pixels.
pub(super) fn fit_text(text: &str, size: f32, width: f32) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let short: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if text_width(&short, size) <= width {
            return short;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_measured_and_drawn_where_it_should_be() {
        assert_eq!(text_width("", 20.0), 0.0);
        let width = text_width("Grad-CAM", 20.0);
        assert!((60.0..130.0).contains(&width), "{width}");
        let (mut ink, mut right, mut bottom) = (0.0, 0, i32::MIN);
        rasterise("Grad-CAM", 20.0, (0.0, 0.0), false, |x, y, c| {
            ink += c;
            right = right.max(x);
            bottom = bottom.max(y);
        });
        assert!(ink > 100.0 && (right as f32) <= width && bottom <= 1, "{ink} {right} {bottom}");
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(fit_text("squat", 14.0, 100.0), "squat");
        let short = fit_text("a very long name of an exercise", 14.0, 80.0);
        assert!(short.ends_with('…') && text_width(&short, 14.0) <= 80.0, "{short}");
        assert_eq!(fit_text("x", 14.0, 0.0), "");
    }
}

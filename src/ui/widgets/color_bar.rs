//! The colours of a heatmap with the values they stand for, beside the picture.

use super::series::number;
use crate::render::{Blend, OverlayParams};
use crate::ui::theme;
use egui::{Align2, Color32, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Room that a bar and its numbers take right of a picture.
pub const ROOM: f32 = 66.0;
/// A picture narrower than this is worth more than its bar.
pub const LEAST: f32 = 260.0;

const WIDTH: f32 = 10.0;
const HIGHEST: f32 = 240.0;
const STRIPS: usize = 64;

/// Draws the bar right of `picture`: from the map's zero to `most`, the value that has the last colour. Colours are as
/// strong as over the picture.
pub fn show(ui: &Ui, picture: Rect, params: &OverlayParams, most: f32, view: usize) {
    let p = theme::palette(ui);
    let height = (picture.height() - 16.0).clamp(20.0, HIGHEST);
    let bar = Rect::from_min_size(pos2(picture.right() + 8.0, picture.bottom() - 8.0 - height), vec2(WIDTH, height));
    let value = if most > 0.0 { number(f64::from(most)) } else { "0".to_owned() };
    let title = params.color_map.title;
    let words = format!("Colours of view {}: {title}, 0 to {value}", view + 1);
    let response = ui.interact(bar.expand(3.0), ui.scope_id().with(("colour bar", view)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &words));
    let painter = ui.painter();
    painter.rect_filled(bar, 0.0, p.stage);
    let at = |share: f32| bar.bottom() - share * bar.height();
    for i in 0..STRIPS {
        let (low, high) = (i as f32 / STRIPS as f32, (i + 1) as f32 / STRIPS as f32);
        let v = (low + high) / 2.0;
        let hidden = params.threshold > 0.0 && v < params.threshold;
        let opacity = match params.blend {
            _ if hidden => 0.0,
            Blend::FollowsHeat => params.alpha * v,
            Blend::Constant => params.alpha,
        };
        let strip = Rect::from_x_y_ranges(bar.x_range(), at(high)..=at(low));
        painter.rect_filled(strip, 0.0, strip_color(params, v).gamma_multiply(opacity.clamp(0.0, 1.0)));
    }
    let line = Stroke::new(1.0, p.muted);
    painter.rect_stroke(bar, 0.0, Stroke::new(1.0, p.line), egui::StrokeKind::Outside);
    let font = theme::caption().resolve(ui.style());
    let [half, whole] = [most / 2.0, most].map(short);
    for (share, text, length) in [(0.0, "0", 6.0), (0.5, half.as_str(), 3.0), (1.0, whole.as_str(), 3.0)] {
        if share == 0.5 && (most <= 0.0 || height < 80.0) {
            continue;
        }
        let y = at(share);
        painter.hline(bar.right()..=bar.right() + length, y, line);
        painter.text(pos2(bar.right() + 8.0, y), Align2::LEFT_CENTER, text, font.clone(), p.muted);
    }
    if params.threshold > 0.0 {
        painter.hline(bar.left() - 3.0..=bar.right() + 3.0, at(params.threshold.min(1.0)), Stroke::new(1.5, p.text));
    }
    let nothing = if most > 0.0 { "" } else { " Nothing speaks for this class." };
    response.on_hover_text(format!(
        "{title}, from the map's zero to {value}. Values below 0 speak against the class and are not drawn.{nothing}"
    ));
}

/// A value in two digits: more have no room, and nobody reads them off a bar.
fn short(value: f32) -> String {
    match value {
        v if v <= 0.0 || !v.is_finite() => "0".to_owned(),
        v if (0.001..9999.5).contains(&v) => {
            let digits = (1 - v.log10().floor() as i32).clamp(0, 4) as usize;
            number(format!("{v:.digits$}").parse().unwrap_or(f64::from(v)))
        }
        v => format!("{v:.1e}"),
    }
}

fn strip_color(params: &OverlayParams, v: f32) -> Color32 {
    let [r, g, b] = params.color_map.sample(v).map(|c| (c * 255.0).round() as u8);
    theme::opaque([r, g, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_bar_have_two_digits() {
        let texts = [1.0, 0.01134, 0.005668, 0.000_123, 27.4, 0.0, 31_000.0].map(short);
        assert_eq!(texts, ["1", "0.011", "0.0057", "1.2e-4", "27", "0", "3.1e4"]);
    }
}

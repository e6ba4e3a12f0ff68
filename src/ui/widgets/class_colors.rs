//! Class colours.

/// Colour of a class by its position.
pub fn class_color(class: usize) -> [u8; 3] {
    // Golden-angle steps of hue keep neighbours apart.
    let hue = (class as f32 * 0.381_966 + 0.58).fract();
    let light = if class % 2 == 0 { 0.62 } else { 0.72 };
    let color = egui::ecolor::Hsva::new(hue, 0.62, light + 0.2, 1.0);
    let [r, g, b] = color.to_srgb();
    [r, g, b]
}

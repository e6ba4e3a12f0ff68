//! Colours of classes: one palette for timeline, plots, matrix and lists.
//!
//! Made in OKLCH (Ottosson 2020), where distance is what the eye sees. The first colours are chosen by hand for
//! pleasant charts of few classes; each further one is the colour farthest from all before it, and from the greys of
//! the background. All have a lightness that reads on white and on near-black.

use std::sync::OnceLock;

/// Different colours before the palette repeats.
pub const PALETTE_SIZE: usize = 64;

/// Background frames and "other".
pub const BACKGROUND: [u8; 3] = [128, 132, 140];
/// Frames without a label; lighter than [`BACKGROUND`].
pub const UNLABELLED: [u8; 3] = [188, 191, 197];

/// Lightness, chroma, hue (degrees) of the first colours; the first is not the blue of what can be clicked in the window.
const FIRST: [[f32; 3]; 10] = [
    [0.71, 0.11, 205.0], // cyan
    [0.70, 0.17, 52.0],  // orange
    [0.62, 0.17, 148.0], // green
    [0.59, 0.21, 25.0],  // red
    [0.58, 0.19, 300.0], // violet
    [0.60, 0.16, 255.0], // blue
    [0.68, 0.19, 350.0], // pink
    [0.72, 0.14, 95.0],  // mustard
    [0.53, 0.08, 60.0],  // brown
    [0.57, 0.12, 118.0], // olive
];

/// The colour of the class at a position; repeats after [`PALETTE_SIZE`].
pub fn class_color(class: usize) -> [u8; 3] {
    let palette = palette();
    palette[class % palette.len()]
}

/// Black or white, whichever is easier to read on `background`.
pub fn text_on(background: [u8; 3]) -> [u8; 3] {
    let light = relative_luminance(background);
    // Contrast (WCAG 2): (lighter + 0.05) / (darker + 0.05); white has luminance 1, near-black about 0.01.
    if 1.05 / (light + 0.05) >= (light + 0.05) / 0.06 { [255; 3] } else { [24, 24, 28] }
}

/// Luminance of linear light, 0…1.
pub fn relative_luminance(rgb: [u8; 3]) -> f32 {
    let [r, g, b] = rgb.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn palette() -> &'static [[u8; 3]; PALETTE_SIZE] {
    static PALETTE: OnceLock<[[u8; 3]; PALETTE_SIZE]> = OnceLock::new();
    PALETTE.get_or_init(|| {
        let mut colors = [BACKGROUND; PALETTE_SIZE];
        for (color, lch) in colors.iter_mut().zip(FIRST) {
            *color = oklch(lch).unwrap_or(BACKGROUND);
        }
        let candidates: Vec<([u8; 3], [f32; 3])> = candidates();
        let greys = [BACKGROUND, UNLABELLED].map(oklab);
        let near = |lab: [f32; 3], others: &[[f32; 3]]| others.iter().fold(f32::MAX, |d, o| d.min(distance(lab, *o)));
        let mut chosen: Vec<[f32; 3]> = greys.iter().copied().chain(FIRST.map(oklab_of)).collect();
        let mut gaps: Vec<f32> = candidates.iter().map(|(_, lab)| near(*lab, &chosen)).collect();
        for slot in colors.iter_mut().skip(FIRST.len()) {
            let best = gaps.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
            let Some((index, _)) = best else { break };
            let (color, lab) = candidates[index];
            *slot = color;
            chosen.push(lab);
            for (gap, (_, other)) in gaps.iter_mut().zip(&candidates) {
                *gap = gap.min(distance(lab, *other));
            }
        }
        colors
    })
}

/// Displayable colours that read on white and on near-black, with their OKLab coordinates.
fn candidates() -> Vec<([u8; 3], [f32; 3])> {
    let mut out = Vec::new();
    for lightness in [0.48, 0.54, 0.60, 0.66, 0.72, 0.77_f32] {
        for chroma in [0.07, 0.11, 0.15, 0.19, 0.23_f32] {
            for hue in (0..360).step_by(6) {
                let lch = [lightness, chroma, hue as f32];
                if let Some(rgb) = oklch(lch).filter(|rgb| reads_on_both_themes(*rgb)) {
                    out.push((rgb, oklab_of(lch)));
                }
            }
        }
    }
    out
}

/// Contrast (WCAG 2) of at least 2 with white and 2.5 with near-black: enough for lines, bars and filled cells.
fn reads_on_both_themes(rgb: [u8; 3]) -> bool {
    let light = relative_luminance(rgb);
    1.05 / (light + 0.05) >= 2.0 && (light + 0.05) / 0.06 >= 2.5
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    // Lightness counts more: in thin lines and small cells it separates better than hue.
    let d = [(a[0] - b[0]) * 1.4, a[1] - b[1], a[2] - b[2]];
    (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
}

fn oklab_of([l, c, h]: [f32; 3]) -> [f32; 3] {
    let (sin, cos) = h.to_radians().sin_cos();
    [l, c * cos, c * sin]
}

/// OKLCH to sRGB; `None` outside the gamut.
pub fn oklch(lch: [f32; 3]) -> Option<[u8; 3]> {
    let [lightness, a, b] = oklab_of(lch);
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let linear = [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ];
    if linear.iter().any(|v| !(-0.0005..=1.0005).contains(v)) {
        return None;
    }
    Some(linear.map(|v| {
        let v = v.clamp(0.0, 1.0);
        let encoded = if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
        (encoded * 255.0).round() as u8
    }))
}

/// sRGB to OKLab.
pub fn oklab(rgb: [u8; 3]) -> [f32; 3] {
    let [r, g, b] = rgb.map(linear);
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

fn linear(byte: u8) -> f32 {
    let v = f32::from(byte) / 255.0;
    if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(a: [u8; 3], b: [u8; 3]) -> f32 {
        let (x, y) = (relative_luminance(a), relative_luminance(b));
        (x.max(y) + 0.05) / (x.min(y) + 0.05)
    }

    /// Known pairs: white, and sRGB red as published with OKLab.
    #[test]
    fn conversions_agree_with_published_values() {
        let white = oklab([255; 3]);
        assert!((white[0] - 1.0).abs() < 1e-3 && white[1].abs() < 1e-3 && white[2].abs() < 1e-3, "{white:?}");
        let red = oklab([255, 0, 0]);
        for (got, want) in red.iter().zip([0.627_96, 0.224_86, 0.125_85]) {
            assert!((got - want).abs() < 1e-3, "{red:?}");
        }
        assert_eq!(oklch([0.627_96, 0.257_68, 29.234]).unwrap(), [255, 0, 0]);
        assert_eq!(oklch([0.7, 0.4, 145.0]), None);
    }

    #[test]
    fn first_colors_are_in_gamut_and_far_apart() {
        for lch in FIRST {
            assert!(oklch(lch).is_some(), "{lch:?} cannot be displayed");
        }
        for (count, least) in [(10, 0.08), (24, 0.06), (PALETTE_SIZE, 0.03)] {
            for i in 0..count {
                for j in 0..i {
                    let d = distance(oklab(class_color(i)), oklab(class_color(j)));
                    assert!(d >= least, "classes {j} {:?} and {i} {:?}: {d}", class_color(j), class_color(i));
                }
            }
        }
    }

    #[test]
    fn colors_read_on_light_and_dark() {
        for i in 0..PALETTE_SIZE {
            let color = class_color(i);
            assert!(contrast(color, [255; 3]) >= 1.9, "{i} {color:?} on white: {}", contrast(color, [255; 3]));
            assert!(contrast(color, [24, 24, 28]) >= 2.3, "{i} {color:?} on black: {}", contrast(color, [24, 24, 28]));
            assert!(contrast(color, text_on(color)) >= 3.5, "text on {i} {color:?}");
        }
    }

    #[test]
    fn the_palette_repeats() {
        assert_eq!(class_color(3), class_color(3 + PALETTE_SIZE));
        assert_ne!(class_color(3), class_color(4));
    }
}

//! How the window looks: two palettes, spacing, type sizes, and the few colours that carry meaning.

#![expect(clippy::disallowed_methods, reason = "the one place where colours are defined")]

use super::state::ThemeChoice;
use crate::domain::Label;
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, Vec2, Visuals};

/// The colours of one theme.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Behind everything.
    pub base: Color32,
    /// Panels.
    pub panel: Color32,
    /// Cards and bars inside a panel.
    pub card: Color32,
    /// Text fields and plots.
    pub well: Color32,
    /// Buttons.
    pub button: Color32,
    /// Buttons under the pointer.
    pub button_hover: Color32,
    /// Thin lines between things.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Text of less weight.
    pub muted: Color32,
    /// What is chosen, what is primary.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// The ground of chosen rows.
    pub accent_soft: Color32,
    /// Good.
    pub good: Color32,
    /// Doubtful.
    pub warn: Color32,
    /// Failed or wrong.
    pub bad: Color32,
    /// Training curves.
    pub train: Color32,
    /// Validation curves.
    pub val: Color32,
    /// Curves of single measurements that are neither (learning rate, gradient norm).
    pub plain: Color32,
    /// The mark of the best value.
    pub gold: Color32,
    /// A cell of a table of shares where there is no value.
    pub no_value: Color32,
    /// Behind pictures; nearly the same in both themes, so that pictures look the same.
    pub stage: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Palette = Palette {
    base: rgb(0x101317),
    panel: rgb(0x171b21),
    card: rgb(0x1f242c),
    well: rgb(0x0f1216),
    button: rgb(0x272e38),
    button_hover: rgb(0x333c49),
    line: rgb(0x2c333e),
    text: rgb(0xdde3ea),
    muted: rgb(0x939eac),
    accent: rgb(0x4c9dff),
    on_accent: rgb(0x06121f),
    accent_soft: rgb(0x1d3655),
    good: rgb(0x52c98a),
    warn: rgb(0xf0b54a),
    bad: rgb(0xf2706b),
    train: rgb(0x5ba8f5),
    val: rgb(0xf59b52),
    plain: rgb(0x7fc99a),
    gold: rgb(0xe0a21b),
    no_value: rgb(0x303030),
    stage: rgb(0x0a0c0f),
};

const LIGHT: Palette = Palette {
    base: rgb(0xe6e9ee),
    panel: rgb(0xf8f9fb),
    card: rgb(0xeef1f5),
    well: rgb(0xffffff),
    button: rgb(0xe3e8ef),
    button_hover: rgb(0xd5dce6),
    line: rgb(0xcfd6df),
    text: rgb(0x1b232d),
    muted: rgb(0x576372),
    accent: rgb(0x1766d1),
    on_accent: rgb(0xffffff),
    accent_soft: rgb(0xcfe2fb),
    good: rgb(0x0f7643),
    warn: rgb(0x9a6200),
    bad: rgb(0xc0302b),
    train: rgb(0x1c6fc4),
    val: rgb(0xc95f0c),
    plain: rgb(0x2b824c),
    gold: rgb(0xe0a21b),
    no_value: rgb(0xe2e2e2),
    stage: rgb(0x14171b),
};

/// The palette of the theme a `Ui` is drawn in.
pub fn palette(ui: &egui::Ui) -> Palette {
    of(ui.visuals().dark_mode)
}

/// The palette by mode.
pub fn of(dark: bool) -> Palette {
    if dark { DARK } else { LIGHT }
}

/// Colour of a class by its position; the same in timeline, plots, matrix and lists.
pub fn class_color(class: usize) -> Color32 {
    let [r, g, b] = crate::render::class_color(class);
    Color32::from_rgb(r, g, b)
}

/// Colour of a label; unlabelled frames have none.
pub fn label_color(label: Option<Label>, palette: &Palette) -> Color32 {
    match label {
        None => Color32::TRANSPARENT,
        Some(Label::Background) => palette.muted.gamma_multiply(0.35),
        Some(Label::Class(c)) => class_color(c),
    }
}

/// Black or white, whichever reads better on a colour.
pub fn text_on(color: Color32) -> Color32 {
    let [r, g, b, _] = color.to_array();
    let luma = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
    if luma > 140.0 { rgb(0x10141a) } else { Color32::WHITE }
}

/// Colour of a share 0…1 on a scale from the background to the accent; dark text reads on the lower part in the light
/// theme, light text in the dark one (see [`text_on`]).
pub fn ramp(dark: bool, share: f32) -> Color32 {
    let stops: [[f32; 3]; 3] = if dark {
        [[30.0, 33.0, 40.0], [38.0, 92.0, 140.0], [126.0, 206.0, 244.0]]
    } else {
        [[235.0, 239.0, 244.0], [122.0, 178.0, 224.0], [16.0, 74.0, 138.0]]
    };
    shade(&stops, share, 0.7)
}

/// The same scale for mistakes: from the background to a warm hue.
pub fn ramp_wrong(dark: bool, share: f32) -> Color32 {
    let stops: [[f32; 3]; 3] = if dark {
        [[30.0, 33.0, 40.0], [140.0, 70.0, 40.0], [252.0, 160.0, 96.0]]
    } else {
        [[235.0, 239.0, 244.0], [244.0, 176.0, 130.0], [172.0, 58.0, 10.0]]
    };
    shade(&stops, share, 0.6)
}

/// The colour of a share 0…1 between three stops. Low shares must differ from nothing at all: the eye looks for the few
/// wrong clips, so `power` is below 1.
fn shade(stops: &[[f32; 3]; 3], share: f32, power: f32) -> Color32 {
    let t = if share.is_finite() { share.clamp(0.0, 1.0).powf(power) } else { 0.0 };
    let (a, b, f) = if t < 0.5 { (stops[0], stops[1], t * 2.0) } else { (stops[1], stops[2], t * 2.0 - 1.0) };
    let c = |i: usize| (a[i] + (b[i] - a[i]) * f).round() as u8;
    Color32::from_rgb(c(0), c(1), c(2))
}

/// Colours of what is written and drawn over frames; frames look the same in both themes, and so do these.
pub mod overlay {
    use super::rgb;
    use egui::Color32;

    /// Text.
    pub const TEXT: Color32 = Color32::WHITE;
    /// Text of less weight.
    pub const MUTED: Color32 = Color32::from_gray(200);
    /// What waits, or belongs to something else.
    pub const NOTE: Color32 = rgb(0xffd68c);
    /// What failed.
    pub const ERROR: Color32 = rgb(0xffb0a8);
    /// The ground of text.
    pub const PLATE: Color32 = Color32::from_black_alpha(175);
    /// Laid over a frame that is not the one asked for.
    pub const DIMMED: Color32 = Color32::from_black_alpha(70);
    /// The ground of a thumbnail.
    pub const EMPTY: Color32 = Color32::from_gray(14);
    /// How far a thumbnail has played.
    pub const PROGRESS: Color32 = Color32::from_rgba_premultiplied(190, 190, 190, 190);
    /// Bones of a skeleton, the shadow of their lines and of their joints.
    pub const BONE: Color32 = rgb(0xffd65c);
    /// The shadow of bones.
    pub const BONE_SHADOW: Color32 = Color32::from_black_alpha(110);
    /// Joints.
    pub const JOINT: Color32 = Color32::WHITE;
    /// The rim of joints.
    pub const JOINT_RIM: Color32 = Color32::from_black_alpha(160);

    /// The body's mask: its area and its rim.
    pub fn mask() -> [Color32; 2] {
        [Color32::from_rgba_unmultiplied(60, 170, 255, 70), Color32::from_rgba_unmultiplied(120, 205, 255, 230)]
    }
}

/// Text sizes between "small" and "body", for captions and table cells.
pub fn caption() -> TextStyle {
    TextStyle::Name("caption".into())
}

/// Large text of cards and page heads.
pub fn title() -> TextStyle {
    TextStyle::Name("title".into())
}

/// Puts both themes into the context; call once at the start.
pub fn install(ctx: &egui::Context) {
    for (theme, palette) in [(Theme::Dark, DARK), (Theme::Light, LIGHT)] {
        ctx.style_mut_of(theme, |style| {
            style.text_styles = [
                (TextStyle::Small, 10.5, FontFamily::Proportional),
                (caption(), 11.5, FontFamily::Proportional),
                (TextStyle::Body, 13.0, FontFamily::Proportional),
                (TextStyle::Button, 13.0, FontFamily::Proportional),
                (TextStyle::Heading, 17.0, FontFamily::Proportional),
                (title(), 26.0, FontFamily::Proportional),
                (TextStyle::Monospace, 12.0, FontFamily::Monospace),
            ]
            .into_iter()
            .map(|(name, size, family)| (name, FontId::new(size, family)))
            .collect();
            let spacing = &mut style.spacing;
            spacing.item_spacing = Vec2::new(8.0, 6.0);
            spacing.button_padding = Vec2::new(9.0, 4.0);
            spacing.interact_size = Vec2::new(32.0, 24.0);
            spacing.menu_margin = Margin::same(6);
            spacing.window_margin = Margin::same(14);
            spacing.indent = 14.0;
            spacing.slider_width = 96.0;
            spacing.combo_width = 90.0;
            spacing.icon_width = 15.0;
            spacing.icon_width_inner = 9.0;
            spacing.scroll = egui::style::ScrollStyle::thin();
            style.visuals = visuals(theme == Theme::Dark, &palette);
            style.animation_time = 0.08;
        });
    }
}

/// Switches the theme.
pub fn choose(ctx: &egui::Context, choice: ThemeChoice) {
    let theme = match choice {
        ThemeChoice::Dark => Theme::Dark,
        ThemeChoice::Light => Theme::Light,
    };
    if ctx.theme() != theme {
        ctx.set_theme(theme);
    }
}

fn visuals(dark: bool, p: &Palette) -> Visuals {
    let mut v = if dark { Visuals::dark() } else { Visuals::light() };
    let radius = CornerRadius::same(5);
    let stroke = |color| Stroke::new(1.0, color);
    v.panel_fill = p.panel;
    v.window_fill = p.panel;
    v.window_stroke = stroke(p.line);
    v.window_corner_radius = CornerRadius::same(9);
    v.menu_corner_radius = CornerRadius::same(7);
    let shadow = |blur| Shadow {
        offset: [0, 4],
        blur,
        spread: 0,
        color: Color32::from_black_alpha(if dark { 130 } else { 45 }),
    };
    v.window_shadow = shadow(22);
    v.popup_shadow = shadow(12);
    v.extreme_bg_color = p.well;
    v.text_edit_bg_color = Some(p.well);
    v.faint_bg_color = p.card;
    v.code_bg_color = p.card;
    v.hyperlink_color = p.accent;
    v.warn_fg_color = p.warn;
    v.error_fg_color = p.bad;
    v.weak_text_color = Some(p.muted);
    v.selection.bg_fill = p.accent_soft;
    v.selection.stroke = stroke(if dark { rgb(0xcfe4ff) } else { rgb(0x0d3f86) });
    v.slider_trailing_fill = true;
    v.striped = false;
    v.indent_has_left_vline = false;
    let w = &mut v.widgets;
    w.noninteractive.bg_fill = p.panel;
    w.noninteractive.weak_bg_fill = p.panel;
    w.noninteractive.bg_stroke = stroke(p.line);
    w.noninteractive.fg_stroke = stroke(p.text);
    w.inactive.bg_fill = p.button;
    w.inactive.weak_bg_fill = p.button;
    w.inactive.bg_stroke = Stroke::NONE;
    w.inactive.fg_stroke = stroke(p.text);
    w.hovered.bg_fill = p.button_hover;
    w.hovered.weak_bg_fill = p.button_hover;
    w.hovered.bg_stroke = stroke(p.line);
    w.hovered.fg_stroke = stroke(p.text);
    w.active.bg_fill = p.accent_soft;
    w.active.weak_bg_fill = p.accent_soft;
    w.active.bg_stroke = stroke(p.accent);
    w.active.fg_stroke = stroke(p.text);
    w.open.bg_fill = p.button_hover;
    w.open.weak_bg_fill = p.button_hover;
    w.open.bg_stroke = stroke(p.line);
    w.open.fg_stroke = stroke(p.text);
    for state in [&mut w.noninteractive, &mut w.inactive, &mut w.hovered, &mut w.active, &mut w.open] {
        state.corner_radius = radius;
        state.expansion = 0.0;
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast ratio of WCAG 2.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let channel = |c: u8| {
            let c = f32::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = |c: Color32| 0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b());
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        for p in [DARK, LIGHT] {
            for ground in [p.panel, p.card, p.well, p.button, p.accent_soft] {
                assert!(contrast(p.text, ground) >= 7.0, "text on {ground:?}: {}", contrast(p.text, ground));
            }
            for ground in [p.panel, p.card] {
                for color in [p.muted, p.accent, p.good, p.warn, p.bad] {
                    assert!(contrast(color, ground) >= 4.4, "{color:?} on {ground:?}: {}", contrast(color, ground));
                }
            }
            assert!(contrast(p.on_accent, p.accent) >= 4.5);
        }
    }
}

//! How the window looks: two palettes, spacing, type sizes, and the few colours that carry meaning.

#![expect(clippy::disallowed_methods, reason = "the one place where colours are defined")]

use super::state::ThemeChoice;
use crate::domain::Label;
use crate::render::font_files;
use crate::render::palette::relative_luminance;
use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme,
    ThemePreference, Vec2, Visuals,
};

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
    /// What can be done: links, primary buttons, focus, what is chosen.
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
    muted: rgb(0x9faab8),
    accent: rgb(0x62aaff),
    on_accent: rgb(0x06121f),
    accent_soft: rgb(0x1d3655),
    good: rgb(0x52c98a),
    warn: rgb(0xf0b54a),
    bad: rgb(0xf78a85),
    train: rgb(0xb39dfa),
    val: rgb(0x3fc6b4),
    plain: rgb(0x9fb3c8),
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
    muted: rgb(0x4c5765),
    accent: rgb(0x0f56b8),
    on_accent: rgb(0xffffff),
    accent_soft: rgb(0xcfe2fb),
    good: rgb(0x0b6238),
    warn: rgb(0x7d4f00),
    bad: rgb(0xa82320),
    train: rgb(0x6a45c9),
    val: rgb(0x0a6b60),
    plain: rgb(0x4a5d70),
    gold: rgb(0x7a5600),
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

/// A colour of a picture or a table.
pub const fn opaque([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
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

/// Colour of a label's segment on a timeline.
pub fn segment_color(label: Option<Label>, palette: &Palette) -> Color32 {
    match label {
        Some(Label::Class(c)) => segment(class_color(c)),
        other => label_color(other, palette),
    }
}

/// The least contrast of text with its ground (WCAG 2, level AA).
pub const LEAST_CONTRAST: f32 = 4.5;

/// Contrast of two opaque colours, 1…21 (WCAG 2).
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let [a, b] = [a, b].map(|c| relative_luminance([c.r(), c.g(), c.b()]));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Black or white, whichever reads better on a colour; one of them always has [`LEAST_CONTRAST`].
pub fn text_on(color: Color32) -> Color32 {
    if contrast(color, Color32::BLACK) > contrast(color, Color32::WHITE) { Color32::BLACK } else { Color32::WHITE }
}

/// A colour in which text reads on a ground: the colour itself where it does, else mixed with as little of the ground's
/// opposite as it takes.
pub fn ink(color: Color32, ground: Color32) -> Color32 {
    let towards = text_on(ground);
    let mixed = (0..=20).map(|i| color.lerp_to_gamma(towards, i as f32 / 20.0));
    mixed.into_iter().find(|c| contrast(*c, ground) >= LEAST_CONTRAST).unwrap_or(towards)
}

/// A class's colour as the ground of segments: as dark as white text needs.
pub fn segment(color: Color32) -> Color32 {
    let darker = (0..=20).map(|i| color.lerp_to_gamma(Color32::BLACK, i as f32 / 20.0));
    darker.into_iter().find(|c| contrast(*c, Color32::WHITE) >= LEAST_CONTRAST + 0.1).unwrap_or(Color32::BLACK)
}

/// The text on a segment whose colour lies over `under`: white, or the theme's text where little of the colour is left.
pub fn segment_text(color: Color32, under: Color32, p: &Palette) -> Color32 {
    let ground = under.blend(color);
    [Color32::WHITE, p.text].into_iter().find(|c| contrast(*c, ground) >= LEAST_CONTRAST).unwrap_or(text_on(ground))
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

/// Small text of captions and table cells; nothing is smaller.
pub const SMALL: f32 = 11.0;
/// Text, buttons and fields.
pub const BODY: f32 = 13.0;
/// Page and dialog heads.
pub const HEADING: f32 = 16.0;
/// The one number or name of a page.
pub const TITLE: f32 = 24.0;

/// Captions and table cells.
pub fn caption() -> TextStyle {
    TextStyle::Name("caption".into())
}

/// The heading of a part of a panel: as large as text, and heavier.
pub fn section() -> TextStyle {
    TextStyle::Name("section".into())
}

/// Large text of cards and page heads.
pub fn title() -> TextStyle {
    TextStyle::Name("title".into())
}

/// The heavier weight of the typeface.
pub fn heavy() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// Inter before the fonts that egui ships, which have the symbols it lacks.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    for (name, data) in [("inter", font_files::REGULAR), ("inter semibold", font_files::SEMIBOLD)] {
        fonts.font_data.insert(name.into(), FontData::from_static(data).into());
    }
    let others = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let before = |name: &str| std::iter::once(name.to_owned()).chain(others.iter().cloned()).collect();
    fonts.families.insert(FontFamily::Proportional, before("inter"));
    fonts.families.insert(heavy(), before("inter semibold"));
    fonts
}

/// Puts both themes into the context; call once at the start.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    for (theme, palette) in [(Theme::Dark, DARK), (Theme::Light, LIGHT)] {
        ctx.style_mut_of(theme, |style| {
            style.text_styles = [
                (TextStyle::Small, SMALL, FontFamily::Proportional),
                (caption(), SMALL, FontFamily::Proportional),
                (TextStyle::Body, BODY, FontFamily::Proportional),
                (TextStyle::Button, BODY, FontFamily::Proportional),
                (section(), BODY, heavy()),
                (TextStyle::Heading, HEADING, heavy()),
                (title(), TITLE, heavy()),
                (TextStyle::Monospace, SMALL, FontFamily::Monospace),
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

/// Switches the theme, and how large everything is drawn.
pub fn choose(ctx: &egui::Context, choice: ThemeChoice, scale: f32) {
    let theme = match choice {
        ThemeChoice::Dark => ThemePreference::Dark,
        ThemeChoice::Light => ThemePreference::Light,
        ThemeChoice::System => ThemePreference::System,
    };
    if ctx.options(|o| o.theme_preference) != theme {
        ctx.set_theme(theme);
    }
    if ctx.zoom_factor() != scale {
        ctx.set_zoom_factor(scale);
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
    use crate::render::palette::PALETTE_SIZE;

    /// Relative luminance and contrast ratio as WCAG 2 writes them down, apart from the code under test.
    fn ratio(a: Color32, b: Color32) -> f32 {
        let channel = |c: u8| {
            let c = f32::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = |c: Color32| 0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b());
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_colour_of_text_reads_on_every_ground_in_both_themes() {
        for (dark, p) in [(true, DARK), (false, LIGHT)] {
            let soft = [p.good, p.warn, p.bad, p.muted].map(|c| p.panel.blend(c.gamma_multiply(0.12)));
            let grounds = [p.base, p.panel, p.card, p.well, p.button, p.button_hover, p.accent_soft];
            let texts = [p.text, p.muted, p.accent, p.good, p.warn, p.bad, p.gold, p.train, p.val, p.plain];
            for ground in grounds.into_iter().chain(soft) {
                for text in texts {
                    assert!(ratio(text, ground) >= 4.5, "{text:?} on {ground:?}: {}", ratio(text, ground));
                }
                assert!(ratio(p.text, ground) >= 7.0, "text on {ground:?}: {}", ratio(p.text, ground));
            }
            assert!(ratio(p.on_accent, p.accent) >= 4.5);
            let v = visuals(dark, &p);
            assert!(ratio(v.selection.stroke.color, p.accent_soft) >= 4.5);
            for share in (0..=100).map(|i| i as f32 / 100.0) {
                for fill in [ramp(dark, share), ramp_wrong(dark, share)] {
                    assert!(ratio(text_on(fill), fill) >= 4.5, "text on {fill:?}");
                }
            }
            for class in 0..PALETTE_SIZE {
                let color = class_color(class);
                assert!(ratio(text_on(color), color) >= 4.5, "text on class {class}");
                for ground in grounds {
                    assert!(ratio(ink(color, ground), ground) >= 4.5, "class {class} as text on {ground:?}");
                }
                assert!(ratio(Color32::WHITE, segment(color)) >= 4.5, "white on the segment of class {class}");
                for opacity in (0..=20).map(|i| i as f32 / 20.0) {
                    let fill = segment(color).gamma_multiply(opacity);
                    let text = segment_text(fill, p.panel, &p);
                    assert!(ratio(text, p.panel.blend(fill)) >= 4.5, "class {class} at {opacity}");
                }
            }
        }
    }

    #[test]
    fn text_over_pictures_reads_on_the_darkest_and_the_brightest() {
        for picture in [Color32::BLACK, Color32::WHITE] {
            let plate = picture.blend(overlay::PLATE);
            for text in [overlay::TEXT, overlay::MUTED, overlay::NOTE, overlay::ERROR] {
                assert!(ratio(text, plate) >= 4.5, "{text:?} on {plate:?}: {}", ratio(text, plate));
            }
        }
    }

    #[test]
    fn the_accent_is_no_class_and_no_curve() {
        for p in [DARK, LIGHT] {
            let far = |a: Color32, b: Color32| {
                let [a, b] = [a, b].map(|c| crate::render::palette::oklab([c.r(), c.g(), c.b()]));
                ((a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)).sqrt()
            };
            for color in [class_color(0), p.train, p.val, p.plain, p.gold] {
                assert!(far(p.accent, color) > 0.06, "{color:?} has the hue of {:?}", p.accent);
            }
        }
    }

    #[test]
    fn figures_are_tabular_and_both_weights_have_the_letters_of_europe() {
        use ab_glyph::{Font, FontRef};
        for file in [font_files::REGULAR, font_files::SEMIBOLD] {
            let font = FontRef::try_from_slice(file).unwrap();
            let width = |c: char| font.h_advance_unscaled(font.glyph_id(c));
            for digit in '0'..='9' {
                assert_eq!(width(digit), width('0'), "{digit}");
            }
            for letter in "aZäßéłøčğΩжЙ…–×−→≥".chars() {
                assert_ne!(font.glyph_id(letter).0, 0, "{letter} is missing");
            }
        }
    }
}

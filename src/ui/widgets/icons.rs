//! Icons as painted shapes, so that they look the same with every font. A button with an icon always has a name.

use crate::ui::theme;
use egui::{Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Vec2};

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A triangle to the right.
    Play,
    /// Two bars.
    Pause,
    /// A square.
    Stop,
    /// Bar and triangle to the left.
    First,
    /// Triangle and bar to the right.
    Last,
    /// A chevron to the left.
    Back,
    /// A chevron to the right.
    Forward,
    /// A round arrow.
    Loop,
    /// A folder.
    Folder,
    /// A four-pointed star.
    Spark,
    /// A rising line.
    Chart,
    /// A sun.
    Sun,
    /// A moon.
    Moon,
    /// A triangle with an exclamation mark.
    Warning,
    /// A magnifying glass.
    Search,
    /// A cross.
    Close,
    /// A chevron up.
    Up,
    /// A chevron down.
    Down,
    /// An eye.
    Eye,
    /// An eye crossed out.
    EyeOff,
    /// A body's outline.
    Mask,
    /// Joints and bones.
    Skeleton,
    /// Lines of text.
    Caption,
    /// Rings around a hot place.
    Heat,
    /// Lines of equal height.
    Contours,
    /// A frame.
    Frame,
    /// Two frames beside each other.
    Both,
}

/// A flat button with an icon; `label` is its accessible name and tooltip.
pub fn button(ui: &mut egui::Ui, icon: Icon, label: &str) -> Response {
    sized(ui, icon, label, Vec2::new(28.0, 24.0), false)
}

/// A flat button with a smaller icon.
pub fn small_button(ui: &mut egui::Ui, icon: Icon, label: &str) -> Response {
    sized(ui, icon, label, Vec2::splat(20.0), false)
}

/// A button that can be on.
pub fn toggle(ui: &mut egui::Ui, icon: Icon, label: &str, on: bool) -> Response {
    sized(ui, icon, label, Vec2::new(28.0, 24.0), on)
}

/// A button with an icon and a word that can be on; the word is its accessible name.
pub fn word_toggle(ui: &mut egui::Ui, icon: Icon, word: &str, on: bool) -> Response {
    let p = theme::palette(ui);
    let enabled = ui.is_enabled();
    let color = match (enabled, on) {
        (false, _) => p.muted.gamma_multiply(0.5),
        (true, true) => ui.visuals().selection.stroke.color,
        (true, false) => p.text,
    };
    let galley = ui.painter().layout_no_wrap(word.to_owned(), theme::caption().resolve(ui.style()), color);
    let size = Vec2::new(galley.size().x + 30.0, 24.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, enabled, on, word));
    let fill = match (on, response.hovered() && enabled) {
        (true, _) => p.accent_soft,
        (false, true) => p.button_hover,
        (false, false) => Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, 5.0, fill);
    let square = Rect::from_center_size(rect.left_center() + Vec2::new(13.0, 0.0), Vec2::splat(13.0));
    paint(ui.painter(), square, icon, color);
    let at = Pos2::new(rect.left() + 23.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, color);
    response
}

fn sized(ui: &mut egui::Ui, icon: Icon, label: &str, size: Vec2, on: bool) -> Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| {
        if on {
            egui::WidgetInfo::selected(egui::Role::Button, enabled, on, label)
        } else {
            egui::WidgetInfo::labeled(egui::Role::Button, enabled, label)
        }
    });
    let fill = if on {
        p.accent_soft
    } else if response.hovered() && enabled {
        p.button_hover
    } else {
        Color32::TRANSPARENT
    };
    ui.painter().rect_filled(rect, 5.0, fill);
    let color = match (enabled, on) {
        (false, _) => p.muted.gamma_multiply(0.5),
        (true, true) => p.accent,
        (true, false) => p.text,
    };
    let side = size.min_elem() * 0.56;
    paint(ui.painter(), Rect::from_center_size(rect.center(), Vec2::splat(side)), icon, color);
    response.on_hover_text(label)
}

/// Paints an icon into a square.
pub fn paint(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let at = |x: f32, y: f32| Pos2::new(rect.left() + x * rect.width(), rect.top() + y * rect.height());
    let line = Stroke::new((rect.width() * 0.11).max(1.2), color);
    let fill = |points: Vec<Pos2>| Shape::convex_polygon(points, color, Stroke::NONE);
    let path = |points: Vec<Pos2>| Shape::line(points, line);
    let bar = |x0: f32, x1: f32| Shape::rect_filled(Rect::from_min_max(at(x0, 0.08), at(x1, 0.92)), 1.0, color);
    let shapes = match icon {
        Icon::Play => vec![fill(vec![at(0.2, 0.05), at(0.95, 0.5), at(0.2, 0.95)])],
        Icon::Pause => vec![bar(0.16, 0.4), bar(0.6, 0.84)],
        Icon::Stop => vec![Shape::rect_filled(Rect::from_min_max(at(0.14, 0.14), at(0.86, 0.86)), 1.5, color)],
        Icon::First => vec![bar(0.08, 0.22), fill(vec![at(0.92, 0.08), at(0.92, 0.92), at(0.3, 0.5)])],
        Icon::Last => vec![bar(0.78, 0.92), fill(vec![at(0.08, 0.08), at(0.7, 0.5), at(0.08, 0.92)])],
        Icon::Back => vec![path(vec![at(0.68, 0.1), at(0.28, 0.5), at(0.68, 0.9)])],
        Icon::Forward => vec![path(vec![at(0.32, 0.1), at(0.72, 0.5), at(0.32, 0.9)])],
        Icon::Up => vec![path(vec![at(0.1, 0.68), at(0.5, 0.28), at(0.9, 0.68)])],
        Icon::Down => vec![path(vec![at(0.1, 0.32), at(0.5, 0.72), at(0.9, 0.32)])],
        Icon::Loop => round_arrow(rect, line, color),
        Icon::Folder => vec![path(vec![
            at(0.04, 0.86),
            at(0.04, 0.16),
            at(0.36, 0.16),
            at(0.48, 0.3),
            at(0.96, 0.3),
            at(0.96, 0.86),
            at(0.04, 0.86),
        ])],
        Icon::Spark => vec![path(vec![
            at(0.5, 0.0),
            at(0.6, 0.4),
            at(1.0, 0.5),
            at(0.6, 0.6),
            at(0.5, 1.0),
            at(0.4, 0.6),
            at(0.0, 0.5),
            at(0.4, 0.4),
            at(0.5, 0.0),
        ])],
        Icon::Chart => vec![
            path(vec![at(0.05, 0.05), at(0.05, 0.95), at(0.98, 0.95)]),
            path(vec![at(0.2, 0.75), at(0.42, 0.45), at(0.6, 0.58), at(0.92, 0.12)]),
        ],
        Icon::Sun => sun(rect, line, color),
        Icon::Moon => moon(rect, color),
        Icon::Warning => vec![
            path(vec![at(0.5, 0.06), at(0.97, 0.92), at(0.03, 0.92), at(0.5, 0.06)]),
            Shape::line_segment([at(0.5, 0.36), at(0.5, 0.62)], line),
            Shape::circle_filled(at(0.5, 0.77), line.width * 0.7, color),
        ],
        Icon::Search => vec![
            Shape::circle_stroke(at(0.42, 0.42), rect.width() * 0.3, line),
            Shape::line_segment([at(0.65, 0.65), at(0.95, 0.95)], line),
        ],
        Icon::Eye => eye(rect, line, color),
        Icon::EyeOff => {
            let mut shapes = eye(rect, line, color);
            shapes.push(Shape::line_segment([at(0.1, 0.9), at(0.9, 0.1)], line));
            shapes
        }
        Icon::Mask => vec![
            Shape::circle_filled(at(0.5, 0.22), rect.width() * 0.2, color),
            fill(vec![at(0.12, 1.0), at(0.2, 0.58), at(0.5, 0.46), at(0.8, 0.58), at(0.88, 1.0)]),
        ],
        Icon::Skeleton => {
            let bones = vec![at(0.15, 0.95), at(0.4, 0.55), at(0.5, 0.12), at(0.6, 0.55), at(0.88, 0.95)];
            let joints = bones.iter().map(|p| Shape::circle_filled(*p, rect.width() * 0.11, color)).collect::<Vec<_>>();
            std::iter::once(path(bones)).chain(joints).collect()
        }
        Icon::Caption => vec![
            path(vec![at(0.05, 0.25), at(0.95, 0.25)]),
            path(vec![at(0.05, 0.55), at(0.95, 0.55)]),
            path(vec![at(0.05, 0.85), at(0.6, 0.85)]),
        ],
        Icon::Heat => vec![
            Shape::circle_filled(at(0.5, 0.5), rect.width() * 0.2, color),
            Shape::circle_stroke(at(0.5, 0.5), rect.width() * 0.42, line),
        ],
        Icon::Contours => vec![
            Shape::ellipse_stroke(at(0.5, 0.5), rect.size() * Vec2::new(0.48, 0.38), line),
            Shape::ellipse_stroke(at(0.55, 0.5), rect.size() * Vec2::new(0.2, 0.14), line),
        ],
        Icon::Frame => vec![path(vec![at(0.04, 0.12), at(0.96, 0.12), at(0.96, 0.88), at(0.04, 0.88), at(0.04, 0.12)])],
        Icon::Both => vec![
            path(vec![at(0.02, 0.15), at(0.98, 0.15), at(0.98, 0.85), at(0.02, 0.85), at(0.02, 0.15)]),
            path(vec![at(0.5, 0.15), at(0.5, 0.85)]),
        ],
        Icon::Close => vec![
            Shape::line_segment([at(0.15, 0.15), at(0.85, 0.85)], line),
            Shape::line_segment([at(0.85, 0.15), at(0.15, 0.85)], line),
        ],
    };
    painter.extend(shapes);
}

fn eye(rect: Rect, line: Stroke, color: Color32) -> Vec<Shape> {
    let c = rect.center();
    vec![
        Shape::ellipse_stroke(c, rect.size() * Vec2::new(0.5, 0.32), line),
        Shape::circle_filled(c, rect.width() * 0.16, color),
    ]
}

fn round_arrow(rect: Rect, line: Stroke, color: Color32) -> Vec<Shape> {
    let (c, r) = (rect.center(), rect.width() * 0.4);
    let at = |turn: f32| c + r * Vec2::angled(turn * std::f32::consts::TAU);
    let arc: Vec<Pos2> = (0..=20).map(|i| at(-0.18 + 0.82 * i as f32 / 20.0)).collect();
    let tip = at(-0.18);
    let s = rect.width() * 0.22;
    let head = vec![tip + Vec2::new(-s, -s * 0.9), tip + Vec2::new(s, -s * 0.2), tip + Vec2::new(-s * 0.3, s)];
    vec![Shape::line(arc, line), Shape::convex_polygon(head, color, Stroke::NONE)]
}

fn sun(rect: Rect, line: Stroke, color: Color32) -> Vec<Shape> {
    let (c, r) = (rect.center(), rect.width() / 2.0);
    let ray = |i: usize| {
        let d = Vec2::angled(i as f32 / 8.0 * std::f32::consts::TAU);
        Shape::line_segment([c + d * r * 0.68, c + d * r], line)
    };
    std::iter::once(Shape::circle_filled(c, r * 0.42, color)).chain((0..8).map(ray)).collect()
}

/// A crescent: an outer arc and an inner arc, as thin quads because the shape is not convex.
fn moon(rect: Rect, color: Color32) -> Vec<Shape> {
    let (c, r) = (rect.center(), rect.width() / 2.0);
    let steps = 16;
    let point = |i: usize, inner: bool| {
        let t = (i as f32 / steps as f32 - 0.5) * 2.0; // -1 … 1 along the crescent
        let y = t * r * 0.95;
        let outer_x = -(r * r - y * y).max(0.0).sqrt();
        let bulge = if inner { (1.0 - t * t) * r * 1.05 } else { 0.0 };
        c + Vec2::new(outer_x * 0.9 + bulge + r * 0.25, y)
    };
    let quad = |i| {
        let corners = vec![point(i, false), point(i, true), point(i + 1, true), point(i + 1, false)];
        Shape::convex_polygon(corners, color, Stroke::new(0.5, color))
    };
    (0..steps).map(quad).collect()
}

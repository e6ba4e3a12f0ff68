//! Points of a plane as one mesh, to zoom, drag, and choose from with a box or a lasso.

use crate::ui::derived::Derived;
use crate::ui::theme;
use egui::{Color32, Mesh, PointerButton, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, vec2};
use std::sync::Arc;

/// Side of a point.
const POINT: f32 = 5.0;
/// How near the pointer has to be.
const NEAR: f32 = 9.0;

/// What dragging does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Chooses what lies in a box.
    #[default]
    Box,
    /// Chooses what lies inside a line.
    Lasso,
    /// Moves the map.
    Move,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Box, Self::Lasso, Self::Move];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Box => "Box",
            Self::Lasso => "Lasso",
            Self::Move => "Move",
        }
    }
}

/// Where the middle of the plane lies on the screen and how far it is enlarged.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sight {
    center: Vec2,
    zoom: f32,
}

impl Default for Sight {
    fn default() -> Self {
        Self { center: vec2(0.5, 0.5), zoom: 1.0 }
    }
}

/// What a mesh was made from.
type MeshKey<K> = (K, [u32; 4], [u32; 3]);

/// What the widget remembers; `K` tells points and colours apart.
pub struct ScatterState<K> {
    /// What dragging does.
    pub tool: Tool,
    sight: Sight,
    drawn: Vec<Pos2>,
    mesh: Derived<MeshKey<K>, Arc<Mesh>>,
}

impl<K> Default for ScatterState<K> {
    fn default() -> Self {
        Self { tool: Tool::default(), sight: Sight::default(), drawn: Vec::new(), mesh: Derived::default() }
    }
}

impl<K> ScatterState<K> {
    /// Shows all points again.
    pub fn fit(&mut self) {
        self.sight = Sight::default();
    }
}

/// What somebody did with the points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScatterEvent {
    /// Chose one.
    Pick(usize),
    /// Wants to look at one frame by frame.
    Open(usize),
    /// Chose those in a box or lasso.
    Choose(Vec<usize>),
}

/// The points and how they look.
pub struct Points<'a, K> {
    /// Where they lie, 0…1 to the right and down.
    pub places: &'a [Vec2],
    /// Another key where places, colours or what is chosen are others.
    pub key: K,
    /// The colour of each.
    pub color: &'a dyn Fn(usize) -> Color32,
    /// Chosen ones, with a rim.
    pub chosen: &'a [usize],
    /// The one that is looked at.
    pub current: Option<usize>,
    /// What one is, under the pointer.
    pub told: &'a dyn Fn(usize) -> String,
    /// Accessible name of all.
    pub name: &'a str,
}

/// The middle of the plane on the screen, and the length of its side: both axes have the same scale.
fn plane(rect: Rect) -> (Pos2, f32) {
    (rect.center(), rect.shrink(10.0).size().min_elem().max(1.0))
}

/// Where a place lies on the screen.
fn on_screen(rect: Rect, sight: Sight, place: Vec2) -> Pos2 {
    let (center, side) = plane(rect);
    center + (place - sight.center) * sight.zoom * side
}

/// Draws the points into `rect`.
pub fn show<K: PartialEq + Clone>(
    ui: &mut Ui,
    rect: Rect,
    state: &mut ScatterState<K>,
    points: &Points<'_, K>,
) -> Option<ScatterEvent> {
    let p = theme::palette(ui);
    let response = ui.interact(rect, ui.make_persistent_id("scatter"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, points.name));
    move_about(ui, rect, state, &response);
    ui.painter().rect_filled(rect, 4.0, p.well);
    let sight = state.sight;
    let bits = |r: Rect| [r.left(), r.top(), r.right(), r.bottom()].map(f32::to_bits);
    let key = (points.key.clone(), bits(rect), [sight.center.x, sight.center.y, sight.zoom].map(f32::to_bits));
    let mesh = state.mesh.get(key, || Arc::new(mesh_of(rect, sight, points, p.text)));
    let painter = ui.painter_at(rect);
    painter.add(Shape::Mesh((*mesh).clone()));
    let at = |i: usize| points.places.get(i).map(|place| on_screen(rect, sight, *place));
    if let Some(place) = points.current.and_then(at) {
        painter.circle_stroke(place, 8.0, Stroke::new(2.0, p.accent));
    }
    let mut event = drag(ui, rect, state, points, &response);
    let pointed = response.hover_pos().and_then(|pointer| nearest(rect, sight, points.places, pointer));
    if let Some((index, place)) = pointed.and_then(|i| Some((i, at(i)?))) {
        painter.circle_stroke(place, 6.0, Stroke::new(1.5, p.text));
        if response.double_clicked() {
            event = Some(ScatterEvent::Open(index));
        } else if response.clicked() {
            event = Some(ScatterEvent::Pick(index));
        }
        response.on_hover_text((points.told)(index));
    } else if response.double_clicked() {
        state.fit();
    } else if response.clicked() && !points.chosen.is_empty() {
        event = Some(ScatterEvent::Choose(Vec::new()));
    }
    event
}

/// A square a point, and a larger one below those that are chosen.
fn mesh_of<K>(rect: Rect, sight: Sight, points: &Points<'_, K>, rim: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    let squares = points.places.len() + points.chosen.len();
    mesh.reserve_vertices(squares * 4);
    mesh.reserve_triangles(squares * 2);
    for place in points.chosen.iter().filter_map(|i| points.places.get(*i)) {
        let at = on_screen(rect, sight, *place);
        mesh.add_colored_rect(Rect::from_center_size(at, Vec2::splat(POINT + 4.0)), rim);
    }
    for (i, place) in points.places.iter().enumerate() {
        let at = on_screen(rect, sight, *place);
        mesh.add_colored_rect(Rect::from_center_size(at, Vec2::splat(POINT)), (points.color)(i));
    }
    mesh
}

/// Zooms by the wheel, moves by the other buttons or by the tool for it.
fn move_about<K>(ui: &Ui, rect: Rect, state: &mut ScatterState<K>, response: &egui::Response) {
    let (middle, side) = plane(rect);
    let scale = side * state.sight.zoom;
    let moves = response.dragged_by(PointerButton::Secondary)
        || response.dragged_by(PointerButton::Middle)
        || (state.tool == Tool::Move && response.dragged());
    if moves {
        state.sight.center -= response.drag_delta() / scale;
    }
    if let Some(pointer) = response.hover_pos() {
        let (scroll, zoom) = ui.input(|i| (i.smooth_scroll_delta(), i.zoom_delta()));
        let next = (state.sight.zoom * zoom * (scroll.y / 240.0).exp()).clamp(0.5, 200.0);
        if (next - state.sight.zoom).abs() > 1e-6 {
            let under = state.sight.center + (pointer - middle) / scale;
            state.sight.center = under - (pointer - middle) / (side * next);
            state.sight.zoom = next;
        }
    }
}

/// Draws the box or lasso while it is dragged, and chooses what lies in it in the end.
fn drag<K>(
    ui: &Ui,
    rect: Rect,
    state: &mut ScatterState<K>,
    points: &Points<'_, K>,
    response: &egui::Response,
) -> Option<ScatterEvent> {
    if state.tool == Tool::Move {
        return None;
    }
    if response.drag_started_by(PointerButton::Primary) {
        state.drawn.clear();
        state.drawn.extend(ui.input(|i| i.pointer.press_origin()));
    }
    if response.dragged_by(PointerButton::Primary)
        && let Some(at) = response.interact_pointer_pos()
        && state.drawn.last() != Some(&at)
    {
        state.drawn.push(at);
    }
    let line = outline(state.tool, &state.drawn);
    let p = theme::palette(ui);
    if line.len() > 2 {
        let closed = line.iter().copied().chain(line.first().copied()).collect();
        ui.painter_at(rect).add(Shape::line(closed, Stroke::new(1.5, p.accent)));
    }
    if !response.drag_stopped_by(PointerButton::Primary) {
        return None;
    }
    state.drawn.clear();
    let sight = state.sight;
    let inside = |i: &usize| points.places.get(*i).is_some_and(|place| holds(&line, on_screen(rect, sight, *place)));
    Some(ScatterEvent::Choose((0..points.places.len()).filter(inside).collect()))
}

/// The line around what is chosen.
fn outline(tool: Tool, drawn: &[Pos2]) -> Vec<Pos2> {
    match (tool, drawn) {
        (Tool::Box, [first, .., last]) => {
            let r = Rect::from_two_pos(*first, *last);
            vec![r.left_top(), r.right_top(), r.right_bottom(), r.left_bottom()]
        }
        (Tool::Lasso, drawn) => drawn.to_vec(),
        _ => Vec::new(),
    }
}

/// True for a point inside a closed line: a ray from it crosses the line an odd number of times.
fn holds(line: &[Pos2], at: Pos2) -> bool {
    let mut inside = false;
    for (i, a) in line.iter().enumerate() {
        let Some(b) = line.get((i + 1) % line.len()) else { continue };
        if (a.y > at.y) != (b.y > at.y) && at.x < (b.x - a.x) * (at.y - a.y) / (b.y - a.y) + a.x {
            inside = !inside;
        }
    }
    inside
}

/// The point nearest to the pointer, if any is near.
fn nearest(rect: Rect, sight: Sight, places: &[Vec2], pointer: Pos2) -> Option<usize> {
    let far = places.iter().map(|place| on_screen(rect, sight, *place).distance_sq(pointer));
    let (index, distance) = far.enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
    (distance <= NEAR * NEAR).then_some(index)
}

/// Places 0…1 of points along two axes, both with the same scale, the second upwards.
pub fn places(points: impl Iterator<Item = (f64, f64)> + Clone) -> Vec<Vec2> {
    let fold = |pick: fn((f64, f64)) -> f64| {
        let values = points.clone().map(pick).filter(|v| v.is_finite());
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (x, y) = (fold(|p| p.0), fold(|p| p.1));
    let size = (x.1 - x.0).max(y.1 - y.0);
    if !size.is_finite() || size <= 0.0 {
        return points.map(|_| vec2(0.5, 0.5)).collect();
    }
    let middle = ((x.0 + x.1) / 2.0, (y.0 + y.1) / 2.0);
    let place =
        |(px, py): (f64, f64)| vec2((0.5 + (px - middle.0) / size) as f32, (0.5 - (py - middle.1) / size) as f32);
    points.map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn a_lasso_holds_what_lies_inside_its_bends() {
        // A U: what lies between its arms is outside.
        let line =
            [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (7.0, 10.0), (7.0, 3.0), (3.0, 3.0), (3.0, 10.0), (0.0, 10.0)];
        let line: Vec<Pos2> = line.iter().map(|(x, y)| pos2(*x, *y)).collect();
        let at = |x, y| holds(&line, pos2(x, y));
        assert_eq!([at(5.0, 1.0), at(1.5, 8.0), at(8.5, 8.0)], [true; 3]);
        assert_eq!([at(5.0, 6.0), at(-1.0, 5.0), at(5.0, 11.0)], [false; 3]);
        let line = outline(Tool::Box, &[pos2(4.0, 4.0), pos2(9.0, 1.0), pos2(1.0, 2.0)]);
        assert!(holds(&line, pos2(2.0, 3.0)) && !holds(&line, pos2(2.0, 1.0)));
    }

    #[test]
    fn places_keep_the_shape_of_the_cloud() {
        let found = places([(0.0, 0.0), (4.0, 0.0), (2.0, 2.0)].into_iter());
        assert_eq!(found, [vec2(0.0, 0.75), vec2(1.0, 0.75), vec2(0.5, 0.25)]);
        assert_eq!(places([(1.0, 1.0); 2].into_iter()), [vec2(0.5, 0.5); 2]);
    }
}

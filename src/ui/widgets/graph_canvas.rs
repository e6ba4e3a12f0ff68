//! A network drawn from left to right, to zoom, drag and walk through.

use crate::inside::{Graph, GraphEdge, GraphNode, NodeRole, shape_label};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::text::drawable;
use egui::epaint::CubicBezierShape;
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Color32, FontId, Key, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

/// Scales that can be reached.
const SCALES: (f32, f32) = (0.12, 2.5);
/// Below this scale there are no letters.
const LETTERS: f32 = 0.5;
/// The graph is not made smaller than this when it is fitted.
const READABLE: f32 = 0.8;
/// Side of the button that opens or closes a module.
const BUTTON: f32 = 16.0;

/// Which part of the graph is in sight.
#[derive(Clone, Debug, Default)]
pub struct CanvasState {
    /// Where the graph's upper left corner lies, from that of the canvas; `None` before the graph was fitted.
    offset: Option<Vec2>,
    scale: f32,
    /// The size of the canvas it was fitted to, as long as nobody moved it.
    fitted: Option<Vec2>,
    /// The module that was brought into sight last.
    shown: Option<String>,
}

impl CanvasState {
    /// Fits the graph again.
    pub fn fit(&mut self) {
        self.offset = None;
    }

    /// Brings the chosen module into sight again.
    pub fn look(&mut self) {
        self.shown = None;
    }
}

/// What somebody did with the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphEvent {
    /// Chose a module.
    Choose(String),
    /// Wants to see what is inside a module.
    Expand(String),
    /// Wants to see a module as one.
    Collapse(String),
}

/// What is marked in the graph.
#[derive(Clone, Copy, Debug)]
pub struct Marks<'a> {
    /// The chosen module.
    pub chosen: Option<&'a str>,
    /// Modules that were searched for.
    pub found: &'a [String],
}

/// Where things lie on the screen.
#[derive(Clone, Copy)]
struct View {
    origin: Pos2,
    scale: f32,
}

impl View {
    fn at(self, (x, y): (f32, f32)) -> Pos2 {
        self.origin + vec2(x, y) * self.scale
    }

    fn rect(self, place: (f32, f32), size: (f32, f32)) -> Rect {
        Rect::from_min_size(self.at(place), vec2(size.0, size.1) * self.scale)
    }

    /// Letters of a size, in steps, so that zooming makes no font for every size.
    fn font(self, size: f32) -> FontId {
        FontId::proportional((size * self.scale * 2.0).round() / 2.0)
    }
}

/// Draws the graph into what is left of `ui`.
pub fn show(ui: &mut Ui, state: &mut CanvasState, graph: &Graph, marks: Marks<'_>) -> Option<GraphEvent> {
    let p = theme::palette(ui);
    let rect = ui.available_rect_before_wrap();
    let id = ui.make_persistent_id("network graph");
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let focus = ui.interact(rect, id.with("keys"), Sense::focusable_noninteractive());
    focus.widget_info(|| {
        let text = "network graph; arrow keys go from module to module, Enter opens one, Backspace closes it";
        WidgetInfo::labeled(Role::Tree, true, text)
    });
    if response.clicked() || response.drag_started() {
        focus.request_focus();
    }
    move_about(ui, state, graph, rect, &response);
    let chosen = marks.chosen.and_then(|m| graph.node_of(m));
    bring_into_sight(state, graph, rect, marks.chosen, chosen);
    let view = View { origin: rect.min + state.offset.unwrap_or_default(), scale: state.scale };
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 4.0, p.well);
    let mut event = groups(ui, &painter, view, rect, graph, &p);
    graph.edges.iter().for_each(|edge| draw_edge(&painter, view, rect, graph, edge, &p));
    let most = largest(graph);
    for (index, node) in graph.nodes.iter().enumerate() {
        let place = view.rect(node.place, node.size);
        if !rect.intersects(place.expand(16.0)) {
            continue;
        }
        let look =
            NodeLook { chosen: chosen == Some(index), found: node.modules.iter().any(|m| marks.found.contains(m)) };
        draw_node(&painter, view, place, node, most, look, &p);
        event = touch(ui, rect, place, node, look, view.scale, &focus).or(event);
    }
    if focus.has_focus() {
        painter.rect_stroke(rect, 4.0, Stroke::new(1.0, p.accent), StrokeKind::Inside);
    }
    keyboard(ui, &focus, graph, chosen).or(event)
}

/// Zooms by the wheel, drags, and fits on a double click.
fn move_about(ui: &Ui, state: &mut CanvasState, graph: &Graph, rect: Rect, response: &Response) {
    if response.double_clicked() {
        state.fit();
    }
    if state.fitted.is_some_and(|size| size != rect.size()) {
        state.fit();
    }
    if state.offset.is_none() {
        let room = rect.shrink(6.0).size();
        let fitting = (room.x / graph.size.0.max(1.0)).min(room.y / graph.size.1.max(1.0));
        state.scale = fitting.clamp(READABLE, 1.2);
        let down = ((rect.height() - graph.size.1 * state.scale) / 2.0).max(0.0);
        (state.offset, state.shown, state.fitted) = (Some(vec2(0.0, down)), None, Some(rect.size()));
    }
    let Some(offset) = &mut state.offset else { return };
    if response.dragged() {
        *offset += response.drag_delta();
        state.fitted = None;
    }
    if let Some(pointer) = ui.input(|i| i.pointer.hover_pos()).filter(|at| rect.contains(*at))
        && ui.rect_contains_pointer(rect)
    {
        let (scroll, zoom) = ui.input(|i| (i.smooth_scroll_delta(), i.zoom_delta()));
        let scale = (state.scale * zoom * (scroll.y / 240.0).exp()).clamp(SCALES.0, SCALES.1);
        let at = pointer - rect.min - *offset;
        *offset += at * (1.0 - scale / state.scale) + vec2(scroll.x, 0.0);
        if (scale - state.scale).abs() > 1e-6 || scroll.x.abs() > 0.1 {
            state.fitted = None;
        }
        state.scale = scale;
    }
    // Some of it stays in sight.
    let size = vec2(graph.size.0, graph.size.1) * state.scale;
    let edge = 60.0_f32;
    offset.x = offset.x.clamp(edge.min(rect.width()) - size.x, (rect.width() - edge).max(0.0));
    offset.y = offset.y.clamp(edge.min(rect.height()) - size.y, (rect.height() - edge).max(0.0));
}

/// Moves the graph where a module was chosen that lies out of sight.
fn bring_into_sight(state: &mut CanvasState, graph: &Graph, rect: Rect, module: Option<&str>, node: Option<usize>) {
    if state.shown.as_deref() == module {
        return;
    }
    state.shown = module.map(str::to_owned);
    let (Some(node), Some(offset)) = (node.and_then(|n| graph.nodes.get(n)), &mut state.offset) else { return };
    let view = View { origin: rect.min + *offset, scale: state.scale };
    let place = view.rect(node.place, node.size);
    if !rect.shrink(8.0).contains_rect(place) {
        *offset += rect.center() - place.center();
    }
}

/// The largest parameters, bytes and seconds of any node.
fn largest(graph: &Graph) -> [f64; 3] {
    let of = |value: &dyn Fn(&GraphNode) -> f64| graph.nodes.iter().map(value).fold(0.0, f64::max);
    [of(&|n| n.parameters as f64), of(&|n| n.bytes as f64), of(&|n| n.seconds.unwrap_or(0.0))]
}

/// Colours of the bars: parameters, memory, time.
pub fn bar_colors(p: &Palette) -> [Color32; 3] {
    [p.train, p.val, p.plain]
}

fn groups(ui: &Ui, painter: &Painter, view: View, rect: Rect, graph: &Graph, p: &Palette) -> Option<GraphEvent> {
    let mut event = None;
    for group in &graph.groups {
        let place = view.rect(group.place, group.size);
        if !rect.intersects(place) {
            continue;
        }
        painter.rect(place, 6.0, p.panel.gamma_multiply(0.6), Stroke::new(1.0, p.line), StrokeKind::Inside);
        let side = (BUTTON * view.scale).max(11.0);
        let button = Rect::from_min_size(place.min + Vec2::splat(3.0), Vec2::splat(side));
        if view.scale >= LETTERS {
            let room = place.width() - side - 12.0;
            let text = format!("{}  {}", group.module, group.title);
            line(painter, pos2(button.right() + 4.0, place.top() + 4.0), &text, view.font(theme::SMALL), p.muted, room);
        }
        if sign(ui, painter, rect, button, &group.module, false, p) {
            event = Some(GraphEvent::Collapse(group.module.clone()));
        }
    }
    event
}

/// The small button that opens or closes a module.
fn sign(ui: &Ui, painter: &Painter, rect: Rect, place: Rect, module: &str, opens: bool, p: &Palette) -> bool {
    let seen = place.intersect(rect);
    if !seen.is_positive() {
        return false;
    }
    let name = format!("{} {module}", if opens { "Expand" } else { "Collapse" });
    let response = ui.interact(seen, ui.make_persistent_id(("graph sign", &name)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let fill = if response.hovered() { p.button_hover } else { p.button };
    painter.rect_filled(place, 3.0, fill);
    let (center, arm) = (place.center(), place.width() * 0.25);
    let stroke = Stroke::new(1.4, p.text);
    painter.line_segment([center - vec2(arm, 0.0), center + vec2(arm, 0.0)], stroke);
    if opens {
        painter.line_segment([center - vec2(0.0, arm), center + vec2(0.0, arm)], stroke);
    }
    response.on_hover_text(name).clicked()
}

/// A line of text that ends in an ellipsis where there is no room.
fn line(painter: &Painter, at: Pos2, text: &str, font: FontId, color: Color32, room: f32) {
    if room < 8.0 {
        return;
    }
    let mut job = LayoutJob::simple_singleline(drawable(text), font, color);
    job.wrap = TextWrapping::truncate_at_width(room);
    let galley = painter.layout_job(job);
    painter.galley(at, galley, color);
}

fn draw_edge(painter: &Painter, view: View, rect: Rect, graph: &Graph, edge: &GraphEdge, p: &Palette) {
    let Some((from, to)) = graph.nodes.get(edge.from).zip(graph.nodes.get(edge.to)) else { return };
    let start = view.at((from.place.0 + from.size.0, from.place.1 + from.size.1 / 2.0));
    let end = view.at((to.place.0, to.place.1 + to.size.1 / 2.0));
    let low = graph.passes_under(edge).map(|low| view.at((0.0, low)).y);
    let bounds = Rect::from_two_pos(start, end).union(Rect::from_center_size(start, Vec2::splat(1.0)));
    let bounds = low.map_or(bounds, |low| bounds.union(Rect::from_two_pos(start, pos2(end.x, low))));
    if !rect.intersects(bounds.expand(20.0)) {
        return;
    }
    let stroke = Stroke::new((1.3 * view.scale).clamp(0.7, 2.0), p.muted);
    let points = match low {
        Some(low) => {
            let step = 22.0 * view.scale;
            let mut points = bent(start, pos2(start.x + step * 2.0, low));
            points.extend(bent(pos2(end.x - step * 2.0, low), end));
            points
        }
        None => {
            // A way parts from others at its beginning, and comes to them at its end.
            let bend = (end.x - start.x).min(92.0 * view.scale);
            let joins = !matches!(to.role, NodeRole::Module | NodeRole::Input);
            let from = if joins { end.x - bend } else { start.x };
            let mut points = vec![start];
            points.extend(bent(pos2(from, start.y), pos2(from + bend, end.y)));
            points.push(end);
            points
        }
    };
    if edge.shortcut {
        painter.extend(Shape::dashed_line(&points, stroke, 5.0, 3.0));
    } else {
        painter.add(Shape::line(points, stroke));
    }
    let head = 4.0 * view.scale;
    painter.line_segment([end, end - vec2(head * 1.3, head)], stroke);
    painter.line_segment([end, end - vec2(head * 1.3, -head)], stroke);
    if view.scale >= LETTERS
        && let Some(place) = graph.label_place(edge)
    {
        painter.text(view.at(place), Align2::CENTER_BOTTOM, edge.label(), view.font(theme::SMALL), p.muted);
    }
}

/// A line from left to right that leaves and arrives level.
fn bent(from: Pos2, to: Pos2) -> Vec<Pos2> {
    if (from.y - to.y).abs() < 0.5 {
        return vec![from, to];
    }
    let middle = (from.x + to.x) / 2.0;
    let points = [from, pos2(middle, from.y), pos2(middle, to.y), to];
    CubicBezierShape::from_points_stroke(points, false, Color32::TRANSPARENT, Stroke::NONE).flatten(Some(0.4))
}

#[derive(Clone, Copy)]
struct NodeLook {
    chosen: bool,
    found: bool,
}

fn draw_node(
    painter: &Painter,
    view: View,
    place: Rect,
    node: &GraphNode,
    most: [f64; 3],
    look: NodeLook,
    p: &Palette,
) {
    let small = !matches!(node.role, NodeRole::Module | NodeRole::Input);
    let round = if small { place.height() / 2.0 } else { 5.0 * view.scale };
    let stroke = match look {
        NodeLook { chosen: true, .. } => Stroke::new(2.0, p.accent),
        NodeLook { found: true, .. } => Stroke::new(2.0, p.gold),
        _ => Stroke::new(1.0, p.line),
    };
    let fill = if look.chosen { p.accent_soft } else { p.card };
    painter.rect(place, round, fill, stroke, StrokeKind::Inside);
    if small {
        let title = if node.role == NodeRole::Join { "||" } else { node.title.as_str() };
        painter.text(place.center(), Align2::CENTER_CENTER, title, view.font(theme::BODY), p.text);
        return;
    }
    let pad = 8.0 * view.scale;
    let room = place.width() - 2.0 * pad;
    if view.scale >= LETTERS {
        let sign = if node.expandable { BUTTON * view.scale } else { 0.0 };
        let at = |y: f32| pos2(place.left() + pad, place.top() + y * view.scale);
        let name = match node.modules.as_slice() {
            [first, .., _] => format!("{first}  ×{}", node.modules.len()),
            [one] if !one.is_empty() => one.clone(),
            _ => node.title.clone(),
        };
        line(painter, at(5.0), &name, view.font(theme::BODY), p.text, room - sign);
        let below = if node.role == NodeRole::Input { shape_label(node.shape) } else { node.title.clone() };
        line(painter, at(22.0), &below, view.font(theme::SMALL), p.muted, room);
    }
    let values = [node.parameters as f64, node.bytes as f64, node.seconds.unwrap_or(0.0)];
    for (i, ((value, most), color)) in values.into_iter().zip(most).zip(bar_colors(p)).enumerate() {
        if most > 0.0 && value > 0.0 && node.role == NodeRole::Module {
            let size = vec2(((value / most) as f32 * room).max(1.0), 6.0 * view.scale);
            let top = place.top() + (43.0 + 9.0 * i as f32) * view.scale;
            painter.rect_filled(Rect::from_min_size(pos2(place.left() + pad, top), size), 1.0, color);
        }
    }
    if node.shrinks_time {
        let bar = Rect::from_min_max(pos2(place.right() - 4.0 * view.scale, place.top()), place.max);
        painter.rect_filled(bar, 1.0, p.bad);
        if view.scale >= LETTERS {
            let text = format!("T {} to {}", node.input[1], node.shape[1]);
            painter.text(
                place.right_bottom() + vec2(0.0, 1.0),
                Align2::RIGHT_TOP,
                text,
                view.font(theme::SMALL),
                p.bad,
            );
        }
    }
}

/// What the pointer does with a node.
fn touch(
    ui: &Ui,
    rect: Rect,
    place: Rect,
    node: &GraphNode,
    look: NodeLook,
    scale: f32,
    focus: &Response,
) -> Option<GraphEvent> {
    let module = node.modules.first().filter(|_| node.role == NodeRole::Module)?;
    let seen = place.intersect(rect);
    if !seen.is_positive() {
        return None;
    }
    let response = ui.interact(seen, ui.make_persistent_id(("graph node", module)), Sense::click());
    let told = drawable(&node.told());
    response.widget_info(|| WidgetInfo::selected(Role::TreeItem, true, look.chosen, &told));
    let mut event = None;
    if response.clicked() {
        focus.request_focus();
        event = Some(GraphEvent::Choose(module.clone()));
    }
    let help = if node.expandable { "\nDouble click or Enter: what is inside" } else { "" };
    if response.double_clicked() && node.expandable {
        event = Some(GraphEvent::Expand(module.clone()));
    }
    response.on_hover_text(format!("{told}{help}"));
    if node.expandable {
        let side = (BUTTON * scale).max(11.0);
        let button =
            Rect::from_min_size(pos2(place.right() - side - 6.0 * scale, place.top() + 3.0), Vec2::splat(side));
        if sign(ui, &ui.painter_at(rect), rect, button, module, true, &theme::palette(ui)) {
            event = Some(GraphEvent::Expand(module.clone()));
        }
    }
    event
}

fn keyboard(ui: &Ui, focus: &Response, graph: &Graph, chosen: Option<usize>) -> Option<GraphEvent> {
    if !focus.has_focus() {
        return None;
    }
    super::navigation::keep_navigation(ui.ctx(), focus.id);
    let filter = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(focus.id, filter));
    let keys = [Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown, Key::Enter, Key::Backspace];
    let pressed = ui.input_mut(|input| keys.into_iter().find(|key| input.consume_key(egui::Modifiers::NONE, *key)))?;
    let module = |node: usize| graph.nodes.get(node).and_then(|n| n.modules.first()).cloned();
    let Some(at) = chosen else {
        let first = graph.nodes.iter().position(|n| n.role == NodeRole::Module)?;
        return module(first).map(GraphEvent::Choose);
    };
    match pressed {
        Key::Enter => {
            let node = graph.nodes.get(at).filter(|n| n.expandable)?;
            node.modules.first().cloned().map(GraphEvent::Expand)
        }
        Key::Backspace => {
            let module = module(at)?;
            let inside = |g: &&crate::inside::GraphGroup| crate::model::lies_inside(&module, &g.module);
            graph.groups.iter().rev().find(inside).map(|g| GraphEvent::Collapse(g.module.clone()))
        }
        key => module(neighbour(graph, at, key)?).map(GraphEvent::Choose),
    }
}

/// The module one comes to from another by an arrow: along the edges to the left and right, past joints; up and down the
/// nearest way beside it.
fn neighbour(graph: &Graph, at: usize, key: Key) -> Option<usize> {
    let is_module = |node: &usize| graph.nodes.get(*node).is_some_and(|n| n.role == NodeRole::Module);
    let forth = key == Key::ArrowRight;
    if forth || key == Key::ArrowLeft {
        let mut now = at;
        for _ in 0..graph.nodes.len() {
            // The way that is not passed by comes first.
            let next = graph.edges.iter().filter(|e| if forth { e.from == now } else { e.to == now });
            now = next.min_by_key(|e| e.shortcut).map(|e| if forth { e.to } else { e.from })?;
            if is_module(&now) {
                return Some(now);
            }
        }
        return None;
    }
    let middle = |n: &GraphNode| vec2(n.place.0 + n.size.0 / 2.0, n.place.1 + n.size.1 / 2.0);
    let here = middle(graph.nodes.get(at)?);
    let down = key == Key::ArrowDown;
    let beside = graph.nodes.iter().enumerate().filter(|(i, n)| {
        let apart = middle(n) - here;
        *i != at && is_module(i) && apart.x.abs() < n.size.0 && if down { apart.y > 1.0 } else { apart.y < -1.0 }
    });
    let distance = |n: &GraphNode| (middle(n) - here).length();
    beside.min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b))).map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;
    use crate::model::ModuleTree;
    use std::collections::BTreeSet;

    #[test]
    fn arrows_walk_along_the_ways_of_an_inception_block() {
        let config = ModelConfig { id: "i3d".into(), ..ModelConfig::default() };
        let tree = ModuleTree::of(&config, 5, [16, 224, 224]).unwrap();
        let block = tree.trunk.iter().find(|m| m.parts.ways().len() == 4).unwrap().id.clone();
        let graph = Graph::of(&tree, &BTreeSet::from([block.clone()]), None);
        let name = |node: usize| graph.nodes[node].modules[0].clone();
        let inside: Vec<usize> =
            (0..graph.nodes.len()).filter(|n| crate::model::lies_inside(&name(*n), &block)).collect();
        // The first way stands highest; below it the other three, in their order.
        let mut at = inside.iter().copied().find(|n| graph.nodes[*n].role == NodeRole::Module).unwrap();
        let mut seen = vec![name(at)];
        while let Some(next) = neighbour(&graph, at, Key::ArrowDown) {
            at = next;
            seen.push(name(at));
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
        // Behind the join comes the next block, and before the block the one before.
        let mut right = at;
        while crate::model::lies_inside(&name(right), &block) {
            right = neighbour(&graph, right, Key::ArrowRight).unwrap();
        }
        let order: Vec<&str> = tree.trunk.iter().map(|m| m.id.as_str()).collect();
        let place = order.iter().position(|id| *id == block).unwrap();
        assert_eq!(name(right), order[place + 1]);
        assert_eq!(neighbour(&graph, 1, Key::ArrowLeft), None, "the clip is no module");
    }
}

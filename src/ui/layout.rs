//! Workspaces as trees of tiles. Panels can be dragged, docked and resized; the arrangement is saved with the panels'
//! string ids, and a panel that no longer exists is dropped when it is read back.

use super::panel::{Panel, PanelCx};
use super::panels::{self, PANELS};
use super::state::Workspace;
use super::theme;
use super::widgets::navigation;
use egui_tiles::{Container, Linear, LinearDir, SimplificationOptions, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A pane: the string id of a panel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pane(pub String);

/// The shape of a default layout.
enum Node {
    Pane(&'static str),
    Tabs(&'static [&'static str]),
    Row(&'static [(f32, Node)]),
    Column(&'static [(f32, Node)]),
}

use Node::{Column, Row, Tabs};

const fn pane(id: &'static str) -> Node {
    Node::Pane(id)
}

const DATA: Node = Row(&[
    (0.17, pane("explorer")),
    (
        0.61,
        Column(&[
            (
                0.72,
                Row(&[
                    (0.61, Tabs(&["videos", "statistics", "warnings", "ledger", "augmentation"])),
                    (0.39, pane("viewer")),
                ]),
            ),
            (0.28, pane("timeline")),
        ]),
    ),
    (0.22, pane("inspector")),
]);

const TRAIN: Node = Row(&[(0.3, pane("train-config")), (0.7, Tabs(&["train-live", "experiment", "augmentation"]))]);

const EVALUATE: Node =
    Column(&[(0.69, Tabs(&["evaluate-report", "motion-test", "label-issues"])), (0.31, pane("evaluate-clips"))]);

const REVIEW: Node = Row(&[
    (0.16, pane("explorer")),
    (0.64, Column(&[(0.74, pane("review")), (0.26, pane("timeline"))])),
    (0.2, pane("inspector")),
]);

const INSIDE: Node = Column(&[
    (0.36, pane("network-graph")),
    (0.64, Row(&[(0.64, Tabs(&["activations", "kernels", "clip-map"])), (0.36, Tabs(&["layer-statistics", "units"]))])),
]);

const COMPARE: Node = Row(&[
    (0.21, pane("compare-runs")),
    (
        0.79,
        Column(&[
            (
                0.6,
                Tabs(&[
                    "compare-table",
                    "compare-curves",
                    "compare-classes",
                    "compare-difference",
                    "compare-settings",
                    "motion-test",
                    "label-issues",
                ]),
            ),
            (0.4, pane("compare-clips")),
        ]),
    ),
]);

fn default_node(workspace: Workspace) -> &'static Node {
    match workspace {
        Workspace::Data => &DATA,
        Workspace::Train => &TRAIN,
        Workspace::Evaluate => &EVALUATE,
        Workspace::Review => &REVIEW,
        Workspace::Inside => &INSIDE,
        Workspace::Compare => &COMPARE,
    }
}

fn tree_id(workspace: Workspace) -> egui::Id {
    egui::Id::unique(("kinolens workspace", workspace.id()))
}

/// The layout a workspace has at first.
pub fn default_tree(workspace: Workspace) -> Tree<Pane> {
    let mut tiles = Tiles::default();
    match plant(default_node(workspace), &mut tiles) {
        Some(root) => Tree::new(tree_id(workspace), root, tiles),
        None => Tree::empty(tree_id(workspace)),
    }
}

fn plant(node: &Node, tiles: &mut Tiles<Pane>) -> Option<TileId> {
    let known = |id: &str| panels::find(id).is_some();
    match node {
        Node::Pane(id) => known(id).then(|| tiles.insert_pane(Pane((*id).to_owned()))),
        Tabs(ids) => {
            let children: Vec<TileId> =
                ids.iter().filter(|id| known(id)).map(|id| tiles.insert_pane(Pane((*id).to_owned()))).collect();
            (!children.is_empty()).then(|| tiles.insert_tab_tile(children))
        }
        Row(parts) => linear(LinearDir::Horizontal, parts, tiles),
        Column(parts) => linear(LinearDir::Vertical, parts, tiles),
    }
}

fn linear(dir: LinearDir, parts: &[(f32, Node)], tiles: &mut Tiles<Pane>) -> Option<TileId> {
    let planted: Vec<(f32, TileId)> =
        parts.iter().filter_map(|(share, node)| plant(node, tiles).map(|id| (*share, id))).collect();
    if planted.is_empty() {
        return None;
    }
    let mut linear = Linear::new(dir, planted.iter().map(|(_, id)| *id).collect());
    for (share, id) in planted {
        linear.shares.set_share(id, share);
    }
    Some(tiles.insert_container(Container::Linear(linear)))
}

/// The trees of all workspaces and the panels in them.
pub struct Layout {
    trees: HashMap<&'static str, Tree<Pane>>,
    panels: HashMap<&'static str, Box<dyn Panel>>,
    generation: u64,
    /// How often a panel had been asked for, and the focus to go on, when that was last done.
    asked: (u64, u64),
}

/// Saved form: a tree by workspace id.
pub type SavedLayout = HashMap<String, Tree<Pane>>;

impl Layout {
    /// The saved layout where it can be used, the default elsewhere.
    pub fn new(mut saved: SavedLayout) -> Self {
        let mut trees = HashMap::new();
        for workspace in Workspace::ALL {
            let tree = saved.remove(workspace.id()).filter(|t| usable(t, workspace));
            trees.insert(workspace.id(), tree.unwrap_or_else(|| default_tree(workspace)));
        }
        let panels = PANELS.iter().map(|spec| (spec.id, (spec.build)())).collect();
        Self { trees, panels, generation: 0, asked: (0, 0) }
    }

    /// What is saved.
    pub fn save(&self) -> SavedLayout {
        self.trees.iter().map(|(id, tree)| ((*id).to_owned(), tree.clone())).collect()
    }

    /// Draws the chosen workspace.
    pub fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let workspace = cx.state.workspace;
        if self.generation != cx.state.layout_generation {
            self.generation = cx.state.layout_generation;
            self.trees.insert(workspace.id(), default_tree(workspace));
        }
        let Some(tree) = self.trees.get_mut(workspace.id()) else { return };
        let (panel, focus) = (&cx.state.leading.panel, cx.state.leading.focus);
        if self.asked.0 != panel.0 {
            self.asked.0 = panel.0;
            let id = panel.1.clone();
            tree.make_active(|_, tile| matches!(tile, Tile::Pane(Pane(pane)) if *pane == id));
            ui.memory_mut(|m| m.request_focus(navigation::panel_id(&id)));
        }
        let mut behaviour = Tiling { panels: &mut self.panels, cx, drawn: Vec::new() };
        tree.ui(&mut behaviour, ui);
        let drawn = behaviour.drawn;
        if self.asked.1 != focus.0 {
            self.asked.1 = focus.0;
            focus_next(ui, drawn, focus.1);
        }
    }
}

/// Lets the keyboard go to the panel behind the one that has it, from left to right and from top to bottom.
fn focus_next(ui: &egui::Ui, mut drawn: Vec<(String, egui::Rect)>, forward: bool) {
    drawn.sort_by(|(_, a), (_, b)| a.left().total_cmp(&b.left()).then(a.top().total_cmp(&b.top())));
    let focused = ui.memory(|m| m.focused());
    let place = focused.and_then(|id| ui.ctx().read_response(id)).map(|r| r.rect.center());
    let own = |(id, _): &(String, egui::Rect)| focused == Some(navigation::panel_id(id));
    let holds = |(_, rect): &(String, egui::Rect)| place.is_some_and(|at| rect.contains(at));
    let now = drawn.iter().position(own).or_else(|| drawn.iter().position(holds));
    let count = drawn.len();
    let next = match (now, forward) {
        (None, true) => 0,
        (None, false) => count.saturating_sub(1),
        (Some(at), true) => (at + 1) % count.max(1),
        (Some(at), false) => (at + count.max(1) - 1) % count.max(1),
    };
    if let Some((id, _)) = drawn.get(next) {
        ui.memory_mut(|m| m.request_focus(navigation::panel_id(id)));
        ui.ctx().request_repaint();
    }
}

/// A saved tree is used when every pane still exists, belongs here, and no panel of the default is missing.
fn usable(tree: &Tree<Pane>, workspace: Workspace) -> bool {
    let panes: Vec<&str> = tree
        .tiles
        .tiles()
        .filter_map(|t| match t {
            Tile::Pane(Pane(id)) => Some(id.as_str()),
            Tile::Container(_) => None,
        })
        .collect();
    let known = panes.iter().all(|id| panels::find(id).is_some_and(|s| s.workspaces.contains(&workspace)));
    let fresh = default_tree(workspace);
    let complete = fresh.tiles.tiles().all(|t| match t {
        Tile::Pane(Pane(id)) => panes.contains(&id.as_str()),
        Tile::Container(_) => true,
    });
    known && complete && tree.root.is_some()
}

/// Between the border of a panel and what it shows.
const PADDING: f32 = 12.0;

/// The corner by which a panel is moved: dots that appear under the pointer. True when a drag begins.
fn grip(ui: &egui::Ui, panel: egui::Rect, title: &str) -> bool {
    let rect = egui::Rect::from_min_size(panel.right_top() - egui::vec2(PADDING, 0.0), egui::Vec2::splat(PADDING));
    let id = ui.make_persistent_id(("move panel", title));
    let response = ui.interact(rect, id, egui::Sense::DRAG);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Group, true, format!("Panel {title}")));
    let p = theme::palette(ui);
    let color = if response.hovered() || response.dragged() { p.text } else { p.line };
    for (x, y) in [(0.35, 0.35), (0.65, 0.35), (0.35, 0.65), (0.65, 0.65)] {
        ui.painter().circle_filled(rect.lerp_inside(egui::vec2(x, y)), 1.0, color);
    }
    let response = response.on_hover_cursor(egui::CursorIcon::Grab).on_hover_text(format!("Drag to move {title}"));
    response.drag_started()
}

struct Tiling<'a, 'b> {
    panels: &'a mut HashMap<&'static str, Box<dyn Panel>>,
    cx: &'a mut PanelCx<'b>,
    /// The panels in sight, and where they are.
    drawn: Vec<(String, egui::Rect)>,
}

impl egui_tiles::Behavior<Pane> for Tiling<'_, '_> {
    fn pane_ui(&mut self, ui: &mut egui::Ui, _tile: TileId, pane: &mut Pane) -> egui_tiles::UiResponse {
        let p = theme::palette(ui);
        let space = ui.max_rect();
        ui.painter().rect_filled(space, 0.0, p.panel);
        self.drawn.push((pane.0.clone(), space));
        let own = ui.interact(space, navigation::panel_id(&pane.0), egui::Sense::focusable_noninteractive());
        let title = panels::find(&pane.0).map_or("?", |s| s.title);
        own.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Group, true, format!("{title} panel")));
        if own.has_focus() {
            let stroke = egui::Stroke::new(1.5, p.accent);
            ui.painter().rect_stroke(space, 2.0, stroke, egui::StrokeKind::Inside);
        }
        egui::Frame::new().inner_margin(PADDING).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            match self.panels.get_mut(pane.0.as_str()) {
                Some(panel) => panel.ui(ui, self.cx),
                None => drop(ui.weak("This panel does not exist in this version.")),
            }
        });
        let title = panels::find(&pane.0).map_or("?", |s| s.title);
        if grip(ui, space, title) { egui_tiles::UiResponse::DragStarted } else { egui_tiles::UiResponse::None }
    }

    /// A bar with one tab tells nothing that the panel does not; it can be moved by its grip.
    fn is_tab_bar_visible(&self, _tile: TileId, tabs: &egui_tiles::Tabs) -> bool {
        tabs.children.len() > 1
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> egui::WidgetText {
        panels::find(&pane.0).map_or("?", |s| s.title).into()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }

    fn tab_bar_height(&self, _style: &egui::Style) -> f32 {
        26.0
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        1.0
    }

    fn min_size(&self) -> f32 {
        90.0
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        theme::of(visuals.dark_mode).base
    }

    fn tab_bg_color(
        &self,
        visuals: &egui::Visuals,
        _tiles: &Tiles<Pane>,
        _tile: TileId,
        state: &egui_tiles::TabState,
    ) -> egui::Color32 {
        let p = theme::of(visuals.dark_mode);
        if state.active { p.panel } else { p.base }
    }

    fn tab_outline_stroke(
        &self,
        _visuals: &egui::Visuals,
        _tiles: &Tiles<Pane>,
        _tile: TileId,
        _state: &egui_tiles::TabState,
    ) -> egui::Stroke {
        egui::Stroke::NONE
    }

    fn tab_bar_hline_stroke(&self, _visuals: &egui::Visuals) -> egui::Stroke {
        egui::Stroke::NONE
    }

    fn tab_text_color(
        &self,
        visuals: &egui::Visuals,
        _tiles: &Tiles<Pane>,
        _tile: TileId,
        state: &egui_tiles::TabState,
    ) -> egui::Color32 {
        let p = theme::of(visuals.dark_mode);
        if state.active { p.text } else { p.muted }
    }

    fn resize_stroke(&self, style: &egui::Style, state: egui_tiles::ResizeState) -> egui::Stroke {
        let p = theme::of(style.visuals.dark_mode);
        match state {
            egui_tiles::ResizeState::Idle => egui::Stroke::new(1.0, p.line),
            egui_tiles::ResizeState::Hovering => egui::Stroke::new(3.0, p.line),
            egui_tiles::ResizeState::Dragging => egui::Stroke::new(3.0, p.accent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_survives_saving_and_foreign_panels_are_refused() {
        let layout = Layout::new(SavedLayout::new());
        let text = ron::to_string(&layout.save()).unwrap();
        let back: SavedLayout = ron::from_str(&text).unwrap();
        assert!(text.contains("\"explorer\""), "panels are saved by their string ids");
        for workspace in Workspace::ALL {
            let default = default_tree(workspace);
            if default.root.is_some() {
                assert!(usable(&back[workspace.id()], workspace), "{}", workspace.title());
            }
        }
        let other: SavedLayout = ron::from_str(&text.replace("\"explorer\"", "\"gone\"")).unwrap();
        assert!(!usable(&other["data"], Workspace::Data));
    }
}

//! Workspaces as trees of tiles. Panels can be dragged, docked and resized; the arrangement is saved with the panels'
//! string ids, and a panel that no longer exists is dropped when it is read back.

use super::panel::{Panel, PanelCx};
use super::panels::{self, PANELS};
use super::state::Workspace;
use super::theme;
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

const EVALUATE: Node = Column(&[(0.69, Tabs(&["evaluate-report", "motion-test"])), (0.31, pane("evaluate-clips"))]);

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
        Self { trees, panels, generation: 0 }
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
        let mut behaviour = Tiling { panels: &mut self.panels, cx };
        tree.ui(&mut behaviour, ui);
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

struct Tiling<'a, 'b> {
    panels: &'a mut HashMap<&'static str, Box<dyn Panel>>,
    cx: &'a mut PanelCx<'b>,
}

impl egui_tiles::Behavior<Pane> for Tiling<'_, '_> {
    fn pane_ui(&mut self, ui: &mut egui::Ui, _tile: TileId, pane: &mut Pane) -> egui_tiles::UiResponse {
        let p = theme::palette(ui);
        ui.painter().rect_filled(ui.max_rect(), 0.0, p.panel);
        egui::Frame::new().inner_margin(egui::Margin::symmetric(8, 6)).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            match self.panels.get_mut(pane.0.as_str()) {
                Some(panel) => panel.ui(ui, self.cx),
                None => drop(ui.weak("This panel does not exist in this version.")),
            }
        });
        egui_tiles::UiResponse::None
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
        3.0
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
            egui_tiles::ResizeState::Idle => egui::Stroke::NONE,
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

//! The network drawn: what is inside what, what goes along, and what it costs.

use super::{inside_parts, review_controls};
use crate::inside::{Graph, graph_svg};
use crate::jobs::RunView;
use crate::model::{ModuleTree, lies_inside};
use crate::ui::action::InsideAction;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::widgets::graph_canvas::{self, CanvasState, GraphEvent, Marks};
use egui::{RichText, Ui};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// What the graph on screen was made from.
type GraphKey = (Same<ModuleTree>, u64, Same<HashMap<String, f64>>);

/// The panel.
#[derive(Default)]
pub struct NetworkGraph {
    /// Open modules, by run.
    open: HashMap<PathBuf, BTreeSet<String>>,
    /// Counts changes of those.
    revision: u64,
    graph: Derived<GraphKey, Graph>,
    canvas: CanvasState,
    /// The run whose graph was drawn last.
    drawn: Option<PathBuf>,
    /// What is searched for.
    typed: String,
    found: Derived<(Same<ModuleTree>, String), Vec<String>>,
}

impl Panel for NetworkGraph {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some((run, tree)) = inside_parts::network(ui, cx) else { return };
        if self.drawn.as_ref() != Some(&run.path) {
            self.drawn = Some(run.path.clone());
            self.canvas = CanvasState::default();
            self.revision += 1;
        }
        let layer = cx.state.inside_layer();
        let seconds = cx.state.inside.seconds(&run.path).cloned();
        let open = self.open.get(&run.path).cloned().unwrap_or_default();
        let key = (Same::of(&tree), self.revision, Same::maybe(seconds.as_ref()));
        let graph = self.graph.get(key, || Graph::of(&tree, &open, seconds.as_deref()));
        let found = self.found(&tree);
        self.controls(ui, cx, &run, (&tree, &graph), &found);
        let marks = Marks { chosen: layer.as_deref(), found: &found };
        match graph_canvas::show(ui, &mut self.canvas, &graph, marks) {
            Some(GraphEvent::Choose(module)) => cx.send(InsideAction::ChooseLayer(module)),
            Some(GraphEvent::Expand(module)) => {
                self.change(&run, |open| open.extend([module.clone()]));
                cx.send(InsideAction::ChooseLayer(module));
            }
            Some(GraphEvent::Collapse(module)) => {
                self.change(&run, |open| open.retain(|m| *m != module && !lies_inside(m, &module)));
                cx.send(InsideAction::ChooseLayer(module));
            }
            None => {}
        }
    }
}

impl NetworkGraph {
    fn change(&mut self, run: &RunView, change: impl FnOnce(&mut BTreeSet<String>)) {
        change(self.open.entry(run.path.clone()).or_default());
        self.revision += 1;
        self.canvas.look();
    }

    /// Modules whose path or title has what is searched for.
    fn found(&self, tree: &Arc<ModuleTree>) -> Rc<Vec<String>> {
        let wanted = self.typed.trim().to_lowercase();
        self.found.get((Same::of(tree), wanted.clone()), || {
            let fits = |text: &str| text.to_lowercase().contains(&wanted);
            let modules = tree.modules().into_iter().filter(|m| !wanted.is_empty() && (fits(&m.id) || fits(&m.title)));
            modules.map(|m| m.id.clone()).collect()
        })
    }

    fn controls(
        &mut self,
        ui: &mut Ui,
        cx: &mut PanelCx<'_>,
        run: &Arc<RunView>,
        (tree, graph): (&Arc<ModuleTree>, &Graph),
        found: &[String],
    ) {
        let mut actions = Vec::new();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let room = ui.available_width().min(1300.0);
            review_controls::run(ui, cx, room * 0.13, &mut actions);
            review_controls::checkpoint(ui, cx, room * 0.15, &mut actions);
            let size = egui::vec2(room * 0.12, 38.0);
            ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Max), |ui| {
                self.search(ui, cx, run, found, room * 0.12);
            });
            ui.separator();
            if ui.button("Expand all").clicked() {
                self.change(run, |open| *open = Graph::expand_all(tree));
            }
            if ui.button("Collapse all").clicked() {
                self.change(run, BTreeSet::clear);
                self.canvas.fit();
            }
            if ui.button("Fit").on_hover_text("Double click beside the modules does the same").clicked() {
                self.canvas.fit();
            }
            ui.separator();
            let measuring = cx.state.inside.measuring(&run.path).is_some();
            let button = egui::Button::new(if measuring { "Measuring…" } else { "Measure time" });
            let help = "Computes the clip layer by layer and shows how long each module takes";
            if ui.add_enabled(!measuring, button).on_hover_text(help).clicked() {
                cx.send(InsideAction::Measure);
            }
            if ui.button("Save drawing…").on_hover_text("Writes the graph as it is open now, as SVG").clicked() {
                cx.send(InsideAction::SaveDrawing(graph_svg(graph, tree.title)));
            }
            let help =
                "Writes the clip, what every layer gives for it, and the kernels of the chosen layer to one HTML file";
            if ui.button("Save as page…").on_hover_text(help).clicked() {
                cx.send(InsideAction::SavePage);
            }
            legend(ui, graph);
        });
        cx.actions.extend(actions);
    }

    /// A field to search layers with, and the way from one that was found to the next.
    fn search(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, run: &Arc<RunView>, found: &[String], width: f32) {
        let field = egui::TextEdit::singleline(&mut self.typed).hint_text("Search layers").desired_width(width);
        let response = ui.add(field);
        crate::ui::widgets::text::name(&response, "Search the network");
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        if self.typed.trim().is_empty() {
            return;
        }
        let at = cx.state.inside_layer().and_then(|layer| found.iter().position(|m| *m == layer));
        let text = match (found.len(), at) {
            (0, _) => "none".to_owned(),
            (all, Some(at)) => format!("{} of {all}", at + 1),
            (all, None) => format!("{all} found"),
        };
        ui.label(RichText::new(text).text_style(theme::caption()).weak());
        let next = ui.add_enabled(!found.is_empty(), egui::Button::new("Next")).clicked() || entered;
        let Some(module) = found.get(at.map_or(0, |at| at + 1)).or(found.first()).filter(|_| next) else { return };
        self.change(run, |open| {
            // Everything around it is opened.
            let parts: Vec<&str> = module.split('.').collect();
            open.extend((1..parts.len()).filter_map(|n| parts.get(..n)).map(|p| p.join(".")));
        });
        if entered {
            response.request_focus();
        }
        cx.send(InsideAction::ChooseLayer(module.clone()));
    }
}

/// Room of the legend.
const LEGEND: f32 = 330.0;

/// What the bars and marks mean.
fn legend(ui: &mut Ui, graph: &Graph) {
    let p = theme::palette(ui);
    let measured = graph.nodes.iter().any(|n| n.seconds.is_some());
    let [parameters, memory, time] = graph_canvas::bar_colors(&p);
    let rows = [(parameters, "parameters"), (memory, "memory"), (time, "time"), (p.bad, "time shrinks")];
    // In one piece: a mark without its word means nothing.
    if ui.available_size_before_wrap().x < LEGEND {
        ui.end_row();
    }
    for (color, name) in rows.into_iter().filter(|(_, name)| measured || *name != "time") {
        let (rect, _) = ui.allocate_exact_size(egui::vec2(10.0, 6.0), egui::Sense::hover());
        ui.painter().rect_filled(rect, 1.0, color);
        ui.label(RichText::new(name).text_style(theme::caption()).weak());
    }
}

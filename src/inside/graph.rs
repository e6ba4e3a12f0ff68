//! A network as a graph that is drawn from left to right: modules collapsed or expanded, equal neighbours as one.

use crate::domain::{bytes, grouped};
use crate::model::{LayerKind, Module, ModuleParts, ModuleTree};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// Size of a node, in points.
pub(super) const NODE: (f32, f32) = (158.0, 74.0);
/// Size of a node that only joins ways.
pub(super) const JOINT: (f32, f32) = (26.0, 26.0);
/// Room for an edge with its label.
pub(super) const ACROSS: f32 = 92.0;
/// Room between ways.
const BETWEEN: f32 = 26.0;
/// Room around what is inside an expanded module, and above it for its title.
const AROUND: (f32, f32) = (18.0, 26.0);

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeRole {
    /// The clip.
    Input,
    /// A module, or several equal ones in a row.
    Module,
    /// The sum of two ways.
    Add,
    /// Channels of several ways side by side.
    Join,
    /// The product of two ways.
    Multiply,
}

/// A node of a [`Graph`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GraphNode {
    /// What it stands for.
    pub role: NodeRole,
    /// Ids of the modules it stands for: one, or those of equal neighbours. Of a joint, the module whose ways it joins.
    pub modules: Vec<String>,
    /// For people.
    pub title: String,
    /// What the module is; `None` for the clip and for joints.
    pub kind: Option<LayerKind>,
    /// Form of the input: channels, time, height, width.
    pub input: [usize; 4],
    /// Form of the output.
    pub shape: [usize; 4],
    /// Numbers learned, of all modules it stands for.
    pub parameters: usize,
    /// Bytes of the outputs of all layers inside, for one clip of 32-bit floats.
    pub bytes: usize,
    /// Measured seconds of one clip, of all modules it stands for.
    pub seconds: Option<f64>,
    /// True where there are fewer steps of time behind it than before.
    pub shrinks_time: bool,
    /// True for a module that can be expanded.
    pub expandable: bool,
    /// Upper left corner, in points.
    pub place: (f32, f32),
    /// Width and height.
    pub size: (f32, f32),
}

impl GraphNode {
    /// What it is, in a line: `block1.conv: 3x3x3 convolution, 64×16×56×56 from …`.
    pub fn told(&self) -> String {
        let time = self.seconds.map_or(String::new(), |s| format!(", {:.1} ms", s * 1000.0));
        let modules = match self.modules.as_slice() {
            [first, .., last] => format!("{first} to {last}: "),
            [one] if !one.is_empty() => format!("{one}: "),
            _ => String::new(),
        };
        format!(
            "{modules}{}, {} from {}, {} parameters, {} of activations{time}",
            self.title,
            shape_label(self.shape),
            shape_label(self.input),
            grouped(self.parameters as u64),
            bytes(self.bytes as u64)
        )
    }
}

/// A way from node to node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GraphEdge {
    /// Position of the node it starts at.
    pub from: usize,
    /// Position of the node it ends at.
    pub to: usize,
    /// Form of what goes along: channels, time, height, width.
    pub shape: [usize; 4],
    /// True where it passes by modules of the same block.
    pub shortcut: bool,
}

impl GraphEdge {
    /// `64×16×56×56`.
    pub fn label(&self) -> String {
        shape_label(self.shape)
    }
}

/// `64×16×56×56`; only units where there is one cell.
pub fn shape_label([c, t, h, w]: [usize; 4]) -> String {
    if [t, h, w] == [1; 3] { c.to_string() } else { format!("{c}×{t}×{h}×{w}") }
}

/// The frame around what is inside an expanded module.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GraphGroup {
    /// The module.
    pub module: String,
    /// For people.
    pub title: String,
    /// Upper left corner, in points.
    pub place: (f32, f32),
    /// Width and height.
    pub size: (f32, f32),
}

/// A network as a graph with places for its nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Graph {
    /// The nodes, in forward order.
    pub nodes: Vec<GraphNode>,
    /// The ways between them.
    pub edges: Vec<GraphEdge>,
    /// Frames of expanded modules, outer before inner.
    pub groups: Vec<GraphGroup>,
    /// Width and height of all of it.
    pub size: (f32, f32),
}

impl Graph {
    /// Of a network, with the modules in `expanded` opened (the outermost are closed unless they are in it), and `seconds` of
    /// every module where they were measured ([`super::layer_seconds`]).
    pub fn of(tree: &ModuleTree, expanded: &BTreeSet<String>, seconds: Option<&HashMap<String, f64>>) -> Self {
        let mut layout = Layout { expanded, seconds, graph: Self::default() };
        let [t, h, w] = tree.clip;
        let clip = [3, t, h, w];
        let input = layout.node(GraphNode {
            role: NodeRole::Input,
            title: "clip".to_owned(),
            ..plain(NodeRole::Input, String::new(), clip, clip)
        });
        let all: Vec<&Module> = tree.trunk.iter().chain(&tree.head).collect();
        let (way, _) = layout.way(&all, input, false);
        let mut whole = Placed::of(input, NODE);
        whole.append(way);
        whole.settle(&mut layout.graph);
        layout.graph
    }

    /// Everything opened.
    pub fn expand_all(tree: &ModuleTree) -> BTreeSet<String> {
        let open = tree.modules().into_iter().filter(|m| !matches!(m.parts, ModuleParts::Leaf(_)));
        open.map(|m| m.id.clone()).collect()
    }

    /// Where the middle of the lower edge of an edge's label lies; `None` where another edge from the same node has it.
    pub fn label_place(&self, edge: &GraphEdge) -> Option<(f32, f32)> {
        let first = self.edges.iter().find(|e| e.from == edge.from)?;
        let from = self.nodes.get(edge.from).filter(|_| first.to == edge.to)?;
        Some((from.place.0 + from.size.0 + ACROSS / 2.0, from.place.1 + from.size.1 / 2.0 - 6.0))
    }

    /// How low an edge has to go that passes by modules of the same block on its own line; `None` where it need not.
    pub fn passes_under(&self, edge: &GraphEdge) -> Option<f32> {
        let (from, to) = self.nodes.get(edge.from).zip(self.nodes.get(edge.to)).filter(|_| edge.shortcut)?;
        let middle = |n: &GraphNode| n.place.1 + n.size.1 / 2.0;
        let (left, y) = (from.place.0 + from.size.0, middle(from));
        let between = self.nodes.iter().filter(|n| n.place.0 > left && n.place.0 + n.size.0 < to.place.0);
        let under = between.map(|n| n.place.1 + n.size.1).filter(|bottom| *bottom > y).fold(y, f32::max);
        (y == middle(to) && under > y).then_some(under + 14.0)
    }

    /// The node that stands for a module or holds it; `None` for what is no module.
    pub fn node_of(&self, module: &str) -> Option<usize> {
        let holds = |n: &GraphNode| n.modules.iter().any(|m| m == module || crate::model::lies_inside(module, m));
        self.nodes.iter().position(|n| n.role == NodeRole::Module && holds(n))
    }
}

/// A node without module.
fn plain(role: NodeRole, module: String, input: [usize; 4], shape: [usize; 4]) -> GraphNode {
    let title = match role {
        NodeRole::Add => "+",
        NodeRole::Join => "join",
        NodeRole::Multiply => "×",
        NodeRole::Input | NodeRole::Module => "",
    };
    let size = if role == NodeRole::Input { NODE } else { JOINT };
    GraphNode {
        role,
        modules: vec![module],
        title: title.to_owned(),
        kind: None,
        input,
        shape,
        parameters: 0,
        bytes: 0,
        seconds: None,
        shrinks_time: false,
        expandable: false,
        place: (0.0, 0.0),
        size,
    }
}

/// Nodes and frames placed relative to the line they hang on: a way enters at the left on `y = 0` and leaves at the right.
#[derive(Debug, Default)]
struct Placed {
    width: f32,
    above: f32,
    below: f32,
    nodes: Vec<(usize, f32, f32)>,
    groups: Vec<(usize, f32, f32)>,
}

impl Placed {
    fn of(node: usize, (width, height): (f32, f32)) -> Self {
        let half = height / 2.0;
        Self { width, above: half, below: half, nodes: vec![(node, 0.0, -half)], groups: Vec::new() }
    }

    /// Adds another at an offset.
    fn add(&mut self, other: Self, dx: f32, dy: f32) {
        let moved = |(i, x, y): (usize, f32, f32)| (i, x + dx, y + dy);
        self.nodes.extend(other.nodes.into_iter().map(moved));
        self.groups.extend(other.groups.into_iter().map(moved));
        self.width = self.width.max(dx + other.width);
        self.above = self.above.max(other.above - dy);
        self.below = self.below.max(other.below + dy);
    }

    /// Adds another behind, with room for an edge.
    fn append(&mut self, other: Self) {
        if other.nodes.is_empty() {
            return;
        }
        let dx = if self.nodes.is_empty() { 0.0 } else { self.width + ACROSS };
        self.add(other, dx, 0.0);
    }

    /// Gives nodes and frames their places.
    fn settle(self, graph: &mut Graph) {
        let margin = 20.0;
        let at = |x: f32, y: f32| (x + margin, y + self.above + margin);
        for (i, x, y) in &self.nodes {
            graph.nodes.get_mut(*i).into_iter().for_each(|n| n.place = at(*x, *y));
        }
        for (i, x, y) in &self.groups {
            graph.groups.get_mut(*i).into_iter().for_each(|g| g.place = at(*x, *y));
        }
        graph.size = (self.width + 2.0 * margin, self.above + self.below + 2.0 * margin);
    }
}

struct Layout<'a> {
    expanded: &'a BTreeSet<String>,
    seconds: Option<&'a HashMap<String, f64>>,
    graph: Graph,
}

impl Layout<'_> {
    fn node(&mut self, node: GraphNode) -> usize {
        self.graph.nodes.push(node);
        self.graph.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, shortcut: bool) {
        let shape = self.graph.nodes.get(from).map_or([0; 4], |n| n.shape);
        self.graph.edges.push(GraphEdge { from, to, shape, shortcut });
    }

    fn opened(&self, module: &Module) -> bool {
        self.expanded.contains(&module.id) && !matches!(module.parts, ModuleParts::Leaf(_))
    }

    /// Modules in a row behind a node: what was placed, and the node it ends at.
    fn way(&mut self, modules: &[&Module], from: usize, shortcut: bool) -> (Placed, usize) {
        let (mut placed, mut end, mut rest) = (Placed::default(), from, modules);
        while let Some((first, behind)) = rest.split_first() {
            let shortcut = shortcut && end == from;
            if self.opened(first) {
                let (inside, at) = self.open(first, end);
                placed.append(inside);
                (end, rest) = (at, behind);
                continue;
            }
            let equal = behind.iter().take_while(|m| !self.opened(m) && alike(first, m)).count();
            let (together, behind) = rest.split_at(equal + 1);
            let node = self.module(together);
            self.edge(end, node, shortcut);
            placed.append(Placed::of(node, NODE));
            (end, rest) = (node, behind);
        }
        (placed, end)
    }

    /// A node for equal modules.
    fn module(&mut self, together: &[&Module]) -> usize {
        let Some((first, last)) = together.first().zip(together.last()) else { return 0 };
        let seconds = self.seconds.map(|s| together.iter().filter_map(|m| s.get(&m.id)).sum());
        self.node(GraphNode {
            role: NodeRole::Module,
            modules: together.iter().map(|m| m.id.clone()).collect(),
            title: first.title.clone(),
            kind: Some(first.kind),
            input: first.input,
            shape: last.shape,
            parameters: together.iter().map(|m| m.parameters).sum(),
            bytes: together.iter().map(|m| output_bytes(m)).sum(),
            seconds,
            shrinks_time: last.shape[1] < first.input[1],
            expandable: !matches!(first.parts, ModuleParts::Leaf(_)),
            place: (0.0, 0.0),
            size: NODE,
        })
    }

    /// What is inside a module, in a frame.
    fn open(&mut self, module: &Module, from: usize) -> (Placed, usize) {
        let group = self.graph.groups.len();
        self.graph.groups.push(GraphGroup {
            module: module.id.clone(),
            title: module.title.clone(),
            place: (0.0, 0.0),
            size: (0.0, 0.0),
        });
        let (inside, end) = match &module.parts {
            ModuleParts::Leaf(_) => (Placed::default(), from),
            ModuleParts::Sequence(inside) => self.way(&every(inside), from, false),
            ModuleParts::Gated(inside) => {
                self.joined(module, from, &[every(inside), Vec::new()], NodeRole::Multiply, module.shape)
            }
            ModuleParts::Branches(ways) => {
                let ways: Vec<Vec<&Module>> = ways.iter().map(|w| every(w)).collect();
                self.joined(module, from, &ways, NodeRole::Join, module.shape)
            }
            ModuleParts::Residual { branch, shortcut, after } => {
                let sum = branch.last().map_or(module.input, |m| m.shape);
                let (mut placed, joint) =
                    self.joined(module, from, &[every(branch), every(shortcut)], NodeRole::Add, sum);
                let (after, end) = self.way(&every(after), joint, false);
                placed.append(after);
                (placed, end)
            }
        };
        let (side, top) = AROUND;
        let mut framed = Placed::default();
        let (width, height) = (inside.width + 2.0 * side, inside.above + inside.below + side + top);
        let above = inside.above + top;
        framed.add(inside, side, 0.0);
        framed.width = width;
        framed.groups.insert(0, (group, 0.0, -above));
        (framed.above, framed.below) = (above, height - above);
        self.graph.groups.get_mut(group).into_iter().for_each(|g| g.size = (width, height));
        (framed, end)
    }

    /// Ways from the same node below each other, and the node that joins them.
    fn joined(
        &mut self,
        module: &Module,
        from: usize,
        ways: &[Vec<&Module>],
        role: NodeRole,
        shape: [usize; 4],
    ) -> (Placed, usize) {
        let (mut placed, mut ends, mut below) = (Placed::default(), Vec::new(), None::<f32>);
        for (i, way) in ways.iter().enumerate() {
            let (part, end) = self.way(way, from, role == NodeRole::Add && i > 0);
            ends.push((end, way.is_empty()));
            // The first stands on the line, the others below; one without modules takes the room of an edge.
            let above = if part.nodes.is_empty() { 6.0 } else { part.above };
            let dy = below.map_or(0.0, |below| below + BETWEEN + above);
            below = Some(dy + if part.nodes.is_empty() { 6.0 } else { part.below });
            placed.add(part, 0.0, dy);
            placed.below = placed.below.max(below.unwrap_or(0.0));
        }
        let joint = self.node(plain(role, module.id.clone(), module.input, shape));
        for (end, passes) in ends {
            self.edge(end, joint, passes);
        }
        placed.append(Placed::of(joint, JOINT));
        (placed, joint)
    }
}

fn every(modules: &[Module]) -> Vec<&Module> {
    modules.iter().collect()
}

/// Bytes of the outputs of all layers inside.
fn output_bytes(module: &Module) -> usize {
    match module.parts.ways().as_slice() {
        [] => module.shape.iter().product::<usize>() * size_of::<f32>(),
        ways => ways.iter().flat_map(|way| way.iter()).map(output_bytes).sum(),
    }
}

/// True for modules that are the same but for their place.
fn alike(a: &Module, b: &Module) -> bool {
    let leaf = |m: &Module| matches!(m.parts, ModuleParts::Leaf(_));
    let own = |m: &Module| (m.kind, m.input, m.shape, m.parameters);
    if own(a) != own(b) || std::mem::discriminant(&a.parts) != std::mem::discriminant(&b.parts) {
        return false;
    }
    if let (ModuleParts::Leaf(x), ModuleParts::Leaf(y)) = (&a.parts, &b.parts) {
        return x == y && a.title == b.title;
    }
    let (x, y) = (a.parts.ways(), b.parts.ways());
    !leaf(a)
        && x.len() == y.len()
        && x.iter().zip(&y).all(|(x, y)| x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| alike(x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;
    use crate::model::MODELS;

    fn tree(id: &str, clip: [usize; 3]) -> ModuleTree {
        ModuleTree::of(&ModelConfig { id: id.into(), ..ModelConfig::default() }, 5, clip).unwrap()
    }

    #[test]
    fn equal_blocks_in_a_row_are_one_node() {
        let tree = tree("resnet-50", [8, 224, 224]);
        let graph = Graph::of(&tree, &BTreeSet::from(["layer3".to_owned()]), None);
        let repeated: Vec<(usize, &str)> = graph
            .nodes
            .iter()
            .filter(|n| n.modules.len() > 1)
            .map(|n| (n.modules.len(), n.modules[0].as_str()))
            .collect();
        // The first block halves the picture; the five behind it are equal.
        assert_eq!(repeated, [(5, "layer3.1")]);
        assert_eq!(graph.node_of("layer3.4.conv2"), graph.node_of("layer3.1"));
        assert_eq!(graph.node_of("layer4.0.conv1"), graph.nodes.iter().position(|n| n.modules[0] == "layer4"));
        assert_eq!(graph.groups.len(), 1);
    }

    #[test]
    fn time_is_marked_where_it_shrinks() {
        let graph = Graph::of(&tree("c3d", [16, 112, 112]), &BTreeSet::new(), None);
        let marked: Vec<&str> = graph.nodes.iter().filter(|n| n.shrinks_time).map(|n| n.modules[0].as_str()).collect();
        assert_eq!(marked, ["block2", "block3", "block4", "block5"]);
        assert_eq!(graph.edges[1].label(), "64×16×56×56");
        let total: usize = graph.nodes.iter().map(|n| n.parameters).sum();
        assert_eq!(total, 27_797_137 - 12 * 257, "C3D at 17 classes has 12 rows of 257 more");
    }

    #[test]
    fn no_two_nodes_of_any_network_overlap_and_every_node_is_reached() {
        for spec in MODELS {
            let (t, h, w) = spec.input;
            let tree = tree(spec.id, [t, h, w].map(|n| n as usize));
            for expanded in [BTreeSet::new(), Graph::expand_all(&tree)] {
                let graph = Graph::of(&tree, &expanded, None);
                for (i, a) in graph.nodes.iter().enumerate() {
                    let inside = a.place.0 >= 0.0 && a.place.1 >= 0.0;
                    let (right, bottom) = (a.place.0 + a.size.0, a.place.1 + a.size.1);
                    assert!(inside && right <= graph.size.0 && bottom <= graph.size.1, "{} {a:?}", spec.id);
                    assert!(i == 0 || graph.edges.iter().any(|e| e.to == i), "{}: nothing leads to {a:?}", spec.id);
                    for b in &graph.nodes[..i] {
                        let apart = b.place.0 + b.size.0 <= a.place.0
                            || right <= b.place.0
                            || b.place.1 + b.size.1 <= a.place.1
                            || bottom <= b.place.1;
                        assert!(apart, "{}: {a:?} lies over {b:?}", spec.id);
                    }
                }
                for edge in &graph.edges {
                    let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
                    assert!(from.place.0 + from.size.0 < to.place.0, "{}: {from:?} is not left of {to:?}", spec.id);
                }
            }
        }
    }
}

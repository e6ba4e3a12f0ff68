//! A graph as an SVG document.

use super::graph::{Graph, GraphEdge, GraphNode, NodeRole, shape_label};
use super::page::escaped;
use std::fmt::Write;

const INK: &str = "#22242a";
const SOFT: &str = "#62666f";
const EDGE: &str = "#9aa0ad";
const FRAME: &str = "#d5d8df";
const FILL: &str = "#f4f6fa";
/// Colour of the mark where time shrinks.
const MARK: &str = "#d0342c";
/// Parameters, memory, time.
const BARS: [(&str, &str); 3] = [("parameters", "#3b7dd8"), ("memory", "#e08a2e"), ("time", "#3f9b52")];
/// Width of a character of a label of 11 points, about.
const CHARACTER: f32 = 6.3;

/// The graph from left to right: on each edge channels×time×height×width; on each node its title and id, how often it is repeated,
/// and bars for its share of parameters, of the memory of activations and, where measured, of time, each against the largest
/// node; a red mark where there are fewer steps of time behind a node than before.
pub fn graph_svg(graph: &Graph, title: &str) -> String {
    let (width, height) = (graph.size.0.max(520.0), graph.size.1 + 56.0);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
         {height:.0}\" font-family=\"sans-serif\" font-size=\"11\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\
         <text x=\"20\" y=\"26\" font-size=\"17\" fill=\"{INK}\">{}</text>",
        escaped(title)
    );
    legend(&mut out, graph);
    let _ = write!(out, "<g transform=\"translate(0 48)\">");
    for group in &graph.groups {
        let ((x, y), (w, h)) = (group.place, group.size);
        let _ = write!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"8\" fill=\"none\" stroke=\"{FRAME}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{SOFT}\">{} {}</text>",
            x + 9.0,
            y + 16.0,
            escaped(&group.module),
            escaped(&group.title)
        );
    }
    graph.edges.iter().for_each(|edge| draw_edge(&mut out, graph, edge));
    let largest = |of: &dyn Fn(&GraphNode) -> f64| graph.nodes.iter().map(of).fold(0.0, f64::max);
    let most =
        [largest(&|n| n.parameters as f64), largest(&|n| n.bytes as f64), largest(&|n| n.seconds.unwrap_or(0.0))];
    graph.nodes.iter().for_each(|node| draw_node(&mut out, node, most));
    out += "</g></svg>";
    out
}

fn legend(out: &mut String, graph: &Graph) {
    let measured = graph.nodes.iter().any(|n| n.seconds.is_some());
    let mut x = 20.0;
    for (name, color) in BARS.into_iter().filter(|(name, _)| measured || *name != "time") {
        let _ = write!(
            out,
            "<rect x=\"{x}\" y=\"38\" width=\"12\" height=\"6\" fill=\"{color}\"/><text x=\"{}\" y=\"45\" fill=\"{SOFT}\">{name}\
             </text>",
            x + 17.0
        );
        x += 34.0 + name.len() as f32 * CHARACTER;
    }
    let _ = write!(
        out,
        "<rect x=\"{x}\" y=\"35\" width=\"4\" height=\"12\" fill=\"{MARK}\"/><text x=\"{}\" y=\"45\" fill=\"{SOFT}\">fewer steps of \
         time</text>",
        x + 9.0
    );
}

fn draw_edge(out: &mut String, graph: &Graph, edge: &GraphEdge) {
    let Some((from, to)) = graph.nodes.get(edge.from).zip(graph.nodes.get(edge.to)) else { return };
    let right = |n: &GraphNode| (n.place.0 + n.size.0, n.place.1 + n.size.1 / 2.0);
    let ((x1, y1), (x2, y2)) = (right(from), (to.place.0, to.place.1 + to.size.1 / 2.0));
    let dash = if edge.shortcut { " stroke-dasharray=\"5 3\"" } else { "" };
    // What passes by modules on the same line goes below them.
    let path = if let Some(low) = graph.passes_under(edge) {
        format!(
            "M{x1:.1} {y1:.1} C{:.1} {low:.1} {:.1} {low:.1} {:.1} {low:.1} L{:.1} {low:.1} C{:.1} {low:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}",
            x1 + 20.0,
            x1 + 20.0,
            x1 + 46.0,
            x2 - 46.0,
            x2 - 20.0,
            x2 - 20.0
        )
    } else {
        // A way parts from others at its beginning, and comes to them at its end.
        let bend = ((x2 - x1) / 4.0).min(23.0);
        let from = if matches!(to.role, NodeRole::Module | NodeRole::Input) { x1 } else { x2 - 4.0 * bend };
        let (middle, end) = (from + 2.0 * bend, from + 4.0 * bend);
        format!(
            "M{x1:.1} {y1:.1} L{from:.1} {y1:.1} C{middle:.1} {y1:.1} {middle:.1} {y2:.1} {end:.1} {y2:.1} L{x2:.1} {y2:.1}"
        )
    };
    let _ = write!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"{EDGE}\" stroke-width=\"1.4\"{dash}/>");
    let _ = write!(
        out,
        "<path d=\"M{:.1} {:.1} L{x2:.1} {y2:.1} L{:.1} {:.1}\" fill=\"none\" stroke=\"{EDGE}\" stroke-width=\"1.4\"/>",
        x2 - 5.0,
        y2 - 4.0,
        x2 - 5.0,
        y2 + 4.0
    );
    if let Some((x, y)) = graph.label_place(edge) {
        let _ = write!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"10\" fill=\"{SOFT}\">{}</text>",
            edge.label()
        );
    }
}

fn draw_node(out: &mut String, node: &GraphNode, most: [f64; 3]) {
    let ((x, y), (w, h)) = (node.place, node.size);
    let _ = write!(out, "<g><title>{}</title>", escaped(&node.told()));
    let round = if node.size.0 < 40.0 { h / 2.0 } else { 6.0 };
    let _ = write!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"{round:.1}\" fill=\"{FILL}\" stroke=\"{EDGE}\"/>"
    );
    if !matches!(node.role, NodeRole::Module | NodeRole::Input) {
        let title = if node.role == NodeRole::Join { "||" } else { node.title.as_str() };
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{INK}\">{title}</text></g>",
            x + w / 2.0,
            y + h / 2.0 + 4.0
        );
        return;
    }
    let line = |out: &mut String, at: f32, text: &str, color: &str| {
        let _ = write!(out, "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{}</text>", x + 8.0, y + at, escaped(text));
    };
    let room = ((w - 16.0) / CHARACTER) as usize;
    line(out, 16.0, &shortened(&node.title, room), INK);
    match node.modules.as_slice() {
        [first, .., _] => {
            let count = format!(" ×{}", node.modules.len());
            line(out, 31.0, &(shortened(first, room.saturating_sub(count.chars().count())) + &count), SOFT);
        }
        [one] if !one.is_empty() => line(out, 31.0, &shortened(one, room), SOFT),
        _ => line(out, 31.0, &shape_label(node.shape), SOFT),
    }
    if node.role == NodeRole::Module {
        let values = [node.parameters as f64, node.bytes as f64, node.seconds.unwrap_or(0.0)];
        for (i, ((value, most), (_, color))) in values.into_iter().zip(most).zip(BARS).enumerate() {
            if most > 0.0 && (i < 2 || node.seconds.is_some()) {
                let length = (value / most) as f32 * (w - 16.0);
                let _ = write!(
                    out,
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"6\" fill=\"{color}\"/>",
                    x + 8.0,
                    y + 41.0 + 9.0 * i as f32
                );
            }
        }
    }
    if node.shrinks_time {
        let _ = write!(
            out,
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"4\" height=\"{h:.1}\" fill=\"{MARK}\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\" fill=\"{MARK}\">T {} to {}</text>",
            x + w - 4.0,
            x + w,
            y + h + 12.0,
            node.input[1],
            node.shape[1]
        );
    }
    *out += "</g>";
}

/// The text, or its beginning and an ellipsis.
fn shortened(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;
    use crate::model::ModuleTree;
    use std::collections::BTreeSet;

    #[test]
    fn the_drawing_says_shapes_repeats_and_where_time_shrinks() {
        let config = ModelConfig { id: "mobilenet-v2-3d".into(), ..ModelConfig::default() };
        let tree = ModuleTree::of(&config, 5, [16, 128, 128]).unwrap();
        let svg = graph_svg(&Graph::of(&tree, &BTreeSet::new(), None), "a < b & \"c\"");
        // The three blocks of 64 channels behind the first, which halves the picture.
        for said in ["32×16×64×64", " ×3<", "T 16 to 8", "a &lt; b &amp; &quot;c&quot;"] {
            assert!(svg.contains(said), "{said} is not in the drawing");
        }
        assert!(!svg.contains("time</text><rect"), "nothing was measured");
        assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
    }
}

//! A network as the tree of its modules: what is inside what, in which order, and beside what.

use super::builder::{Builder, LayerInfo, LayerKind};
use super::error::ModelError;
use super::layers::{FusedPart, Node, Structure};
use super::ops::Activation;
use super::parts::Parts;
use super::reach::Reach;
use super::registry::ModelSpec;
use crate::config::ModelConfig;
use std::collections::HashMap;

/// A layer or a group of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The path PyTorch knows it by.
    pub id: String,
    /// What it is.
    pub kind: LayerKind,
    /// For people.
    pub title: String,
    /// Form of the input: channels, time, height, width.
    pub input: [usize; 4],
    /// Form of the output.
    pub shape: [usize; 4],
    /// Numbers it learns, with what is inside it.
    pub parameters: usize,
    /// The largest value its output can have, where a clamp ends it (6 for ReLU6).
    pub ceiling: Option<f32>,
    /// What is inside it.
    pub parts: ModuleParts,
}

/// What is inside a [`Module`].
#[derive(Clone, Debug, PartialEq)]
pub enum ModuleParts {
    /// Nothing; how far it looks.
    Leaf(Reach),
    /// Modules one after the other.
    Sequence(Vec<Module>),
    /// `after(branch(x) + shortcut(x))`; a shortcut without modules hands `x` on.
    Residual {
        /// The way that is added to.
        branch: Vec<Module>,
        /// The way beside it.
        shortcut: Vec<Module>,
        /// What follows the sum.
        after: Vec<Module>,
    },
    /// Ways from the same input, whose channels are laid side by side.
    Branches(Vec<Vec<Module>>),
    /// `x` times what the modules make of it.
    Gated(Vec<Module>),
}

impl ModuleParts {
    /// The ways inside it, each a sequence; none in a leaf.
    pub fn ways(&self) -> Vec<&[Module]> {
        match self {
            Self::Leaf(_) => Vec::new(),
            Self::Sequence(inside) | Self::Gated(inside) => vec![inside],
            Self::Residual { branch, shortcut, after } => vec![branch, shortcut, after],
            Self::Branches(ways) => ways.iter().map(Vec::as_slice).collect(),
        }
    }
}

/// A network as the tree of its modules.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleTree {
    /// Name of the network for people.
    pub title: &'static str,
    /// The clip: frames, rows, columns.
    pub clip: [usize; 3],
    /// Modules from the clip to the features before the pooling, in order.
    pub trunk: Vec<Module>,
    /// The pooling and the classifier.
    pub head: Vec<Module>,
}

impl ModuleTree {
    /// Of the network `config` names, for `classes` and clips of (frames, rows, columns); no weights are made.
    ///
    /// # Errors
    /// As [`super::Network::build`].
    pub fn of(config: &ModelConfig, classes: usize, clip: [usize; 3]) -> Result<Self, ModelError> {
        let spec = ModelSpec::of(config)?;
        let classes = config.num_classes.unwrap_or(classes);
        if classes == 0 {
            return Err(ModelError::NoClasses);
        }
        let mut builder = Builder::outline(spec.title, clip);
        let parts = spec.add(&mut builder, config, classes)?;
        Ok(Self::walk(spec.title, clip, &parts, &builder.layers))
    }

    fn walk(title: &'static str, clip: [usize; 3], parts: &Parts, layers: &[LayerInfo]) -> Self {
        let infos: HashMap<&str, &LayerInfo> = layers.iter().map(|l| (l.id.as_str(), l)).collect();
        let [t, h, w] = clip;
        let trunk = along(&parts.body, [3, t, h, w], &infos);
        let first = layers.iter().rposition(|l| l.kind == LayerKind::GlobalPool && !l.cam).unwrap_or(layers.len());
        let mut input = trunk.last().map_or([3, t, h, w], |m| m.shape);
        let head = layers.iter().skip(first).map(|info| {
            // All cells of a clip come together in the pooling.
            let reach = if info.kind == LayerKind::GlobalPool { Reach::Clip } else { Reach::Point };
            let input = std::mem::replace(&mut input, info.shape);
            named(info, input, info.shape, None, ModuleParts::Leaf(reach))
        });
        Self { title, clip, head: head.collect(), trunk }
    }

    /// Every module, each before what is inside it, otherwise in forward order.
    pub fn modules(&self) -> Vec<&Module> {
        fn add<'a>(modules: &'a [Module], out: &mut Vec<&'a Module>) {
            for module in modules {
                out.push(module);
                module.parts.ways().into_iter().for_each(|way| add(way, out));
            }
        }
        let mut out = Vec::new();
        add(&self.trunk, &mut out);
        add(&self.head, &mut out);
        out
    }

    /// The module with this id.
    pub fn find(&self, id: &str) -> Option<&Module> {
        self.modules().into_iter().find(|m| m.id == id)
    }
}

fn named(info: &LayerInfo, input: [usize; 4], shape: [usize; 4], ceiling: Option<f32>, parts: ModuleParts) -> Module {
    let (id, kind, title, parameters) = (info.id.clone(), info.kind, info.title.clone(), info.parameters);
    Module { id, kind, title, input, shape, parameters, ceiling, parts }
}

/// Modules in order.
fn along(nodes: &[Node], mut input: [usize; 4], infos: &HashMap<&str, &LayerInfo>) -> Vec<Module> {
    let module = |node: &Node| {
        let module = module(node, input, infos)?;
        input = module.shape;
        Some(module)
    };
    nodes.iter().filter_map(module).collect()
}

fn module(node: &Node, input: [usize; 4], infos: &HashMap<&str, &LayerInfo>) -> Option<Module> {
    let shape = node.layer.output_shape(input)?;
    let end = |modules: &[Module]| modules.last().map_or(input, |m| m.shape);
    let parts = match node.layer.structure(input) {
        Structure::Leaf(reach) => ModuleParts::Leaf(reach),
        Structure::Sequence(nodes) => ModuleParts::Sequence(along(nodes, input, infos)),
        Structure::Gated(nodes) => ModuleParts::Gated(along(nodes, input, infos)),
        Structure::Branches(ways) => {
            ModuleParts::Branches(ways.iter().map(|nodes| along(nodes, input, infos)).collect())
        }
        Structure::Residual { branch, shortcut, after } => {
            let branch = along(branch, input, infos);
            let (shortcut, after) = (along(shortcut, input, infos), along(after, end(&branch), infos));
            ModuleParts::Residual { branch, shortcut, after }
        }
    };
    let last = |modules: &[Module]| modules.last().and_then(|m| m.ceiling);
    let ceiling = match &parts {
        ModuleParts::Leaf(_) => matches!(node.layer.part(), FusedPart::Clamp(Activation::Relu6)).then_some(6.0),
        ModuleParts::Sequence(inside) => last(inside),
        ModuleParts::Residual { after, .. } => last(after),
        ModuleParts::Branches(_) | ModuleParts::Gated(_) => None,
    };
    infos.get(node.id.as_str()).map(|info| named(info, input, shape, ceiling, parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MODELS, Outline};

    #[test]
    fn the_tree_of_every_network_has_all_its_layers_in_their_order() {
        for spec in MODELS {
            let config = ModelConfig { id: spec.id.to_owned(), ..ModelConfig::default() };
            let (t, h, w) = spec.input;
            let clip = [t, h, w].map(|n| n as usize);
            let tree = ModuleTree::of(&config, 5, clip).unwrap();
            let layers = Outline::of(&config, 5, clip).unwrap().layers;
            let found: Vec<_> = tree.modules().into_iter().map(|m| (&m.id, m.shape, m.parameters)).collect();
            let expected: Vec<_> = layers.iter().map(|l| (&l.id, l.shape, l.parameters)).collect();
            assert_eq!(found, expected, "{}", spec.id);
            for module in tree.modules() {
                for way in module.parts.ways().into_iter().filter(|w| !w.is_empty()) {
                    for pair in way.windows(2) {
                        assert_eq!(pair[0].shape, pair[1].input, "{} {}", spec.id, pair[1].id);
                    }
                }
            }
        }
    }

    #[test]
    fn only_what_a_relu6_ends_has_a_ceiling() {
        let config = ModelConfig { id: "mobilenet-v2-3d".into(), ..ModelConfig::default() };
        let tree = ModuleTree::of(&config, 5, [16, 64, 64]).unwrap();
        let ceiling = |id: &str| tree.find(id).unwrap().ceiling;
        assert_eq!([ceiling("features.0"), ceiling("features.0.2"), ceiling("features.18")], [Some(6.0); 3]);
        assert_eq!([ceiling("features.3"), ceiling("features.0.1"), ceiling("classifier.1")], [None; 3]);
    }
}

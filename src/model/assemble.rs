//! Builds composite layers: residual blocks, inverted residuals, Inception branches.

use super::blocks::{Branches, Gated, Residual, Sequential};
use super::builder::{Builder, Built, LayerInfo, LayerKind};
use super::layers::{Layer, Node};

impl Builder {
    /// Layers one after the other under `name`.
    pub fn sequential(&mut self, name: &str, title: &str, inside: impl FnOnce(&mut Self) -> Built<Vec<Node>>) -> Built {
        self.group(name, title, |b| Ok(Sequential(inside(b)?)))
    }

    /// `x + inside(x)` under `name`.
    pub fn residual(&mut self, name: &str, title: &str, inside: impl FnOnce(&mut Self) -> Built<Vec<Node>>) -> Built {
        self.shortened(name, title, inside, |_| Ok(Vec::new()), |_| Ok(Vec::new()))
    }

    /// `after(branch(x) + shortcut(x))` under `name`.
    pub fn shortened(
        &mut self,
        name: &str,
        title: &str,
        branch: impl FnOnce(&mut Self) -> Built<Vec<Node>>,
        shortcut: impl FnOnce(&mut Self) -> Built<Vec<Node>>,
        after: impl FnOnce(&mut Self) -> Built<Vec<Node>>,
    ) -> Built {
        self.group(name, title, |b| {
            let input = b.shape;
            let branch = branch(b)?;
            let output = std::mem::replace(&mut b.shape, input);
            let shortcut = shortcut(b)?;
            debug_assert_eq!(b.shape, output, "both ways of {name} end in the same shape");
            Ok(Residual { branch, shortcut, after: after(b)? })
        })
    }

    /// Ways from the same input, each built by `branch` from its row of `plan`, whose channels are laid side by side.
    pub fn branches<P>(
        &mut self,
        name: &str,
        title: &str,
        plan: impl IntoIterator<Item = P>,
        branch: impl Fn(&mut Self, P) -> Built<Vec<Node>>,
    ) -> Built {
        self.group(name, title, |b| {
            let (input, mut channels, mut ways) = (b.shape, 0, Vec::new());
            for row in plan {
                b.shape = input;
                ways.push(branch(b, row)?);
                channels += b.shape[0];
            }
            b.shape[0] = channels;
            Ok(Branches(ways))
        })
    }

    /// `x` times the factors that the layers inside make from it.
    pub fn gated(&mut self, name: &str, title: &str, inside: impl FnOnce(&mut Self) -> Built<Vec<Node>>) -> Built {
        self.group(name, title, |b| {
            let input = b.shape;
            let nodes = inside(b)?;
            b.shape = input;
            Ok(Gated(nodes))
        })
    }

    /// Layers under `name` that stay apart, so that a heatmap runs only what is above its layer twice.
    pub fn flat(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> Built<Vec<Node>>) -> Built<Vec<Node>> {
        self.path.push(name.to_owned());
        let nodes = inside(self);
        self.path.pop();
        nodes
    }

    fn group<L: Layer + 'static>(
        &mut self,
        name: &str,
        title: &str,
        inside: impl FnOnce(&mut Self) -> Built<L>,
    ) -> Built {
        let (id, entries, at) = (self.id(name), self.store.iter().count(), self.layers.len());
        self.path.push(name.to_owned());
        let layer = inside(self);
        self.path.pop();
        let layer = layer?;
        let parameters = self.learned_since(entries);
        let (kind, shape) = (LayerKind::Block, self.shape);
        self.layers
            .insert(at, LayerInfo { id: id.clone(), kind, title: title.to_owned(), shape, parameters, cam: true });
        Ok(Node { id, layer: Box::new(layer) })
    }
}

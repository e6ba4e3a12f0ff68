//! Activation checkpointing: the outputs of most layers are dropped in the forward pass and recomputed in the backward pass
//! (Chen et al. 2016, "Training deep nets with sublinear memory cost").
//!
//! The trunk is cut into stretches. Of each only the input is kept; the stretches are then walked from the top, each
//! forward once more, now with a graph, and back. A layer computes the same twice, dropout included, because its masks
//! depend on the seed and the layer alone.

use super::gradients::GradientSet;
use super::layers::{FusedPart, Node, run};
use super::parameters::{EntryId, Store};
use super::parts::Parts;
use super::pass::Pass;
use burn::tensor::{Gradients, Tensor};
use std::ops::Range;
use std::sync::Arc;

/// What is needed to compute forgotten layers again.
pub(super) struct Forgotten {
    parts: Arc<Parts>,
    /// Values as they were on the way forward; handles, no copies.
    store: Store,
    seed: u64,
    frozen_statistics: bool,
    /// Nodes of the trunk and what went in, lowest first.
    stretches: Vec<(Range<usize>, Tensor<5>)>,
    /// What the recorded layers began with.
    top: Option<Tensor<5>>,
}

/// The stretches of the trunk above its first `front` nodes that are computed twice, in order: about the square root of
/// their number, of about equal size. What comes above the last of them is recorded as usual.
pub(super) fn stretches(body: &[Node], front: usize, [t, h, w]: [usize; 3]) -> Vec<Range<usize>> {
    // A normalisation is computed together with the clamp behind it, and may be with what is before it.
    let begins = |i: usize| !matches!(body[i].layer.part(), FusedPart::Norm(_) | FusedPart::Clamp(_));
    let mut shape = Some([3, t, h, w]);
    let sizes: Vec<usize> = body
        .iter()
        .map(|node| {
            shape = shape.and_then(|s| node.layer.output_shape(s));
            shape.map_or(0, |s| s.iter().product())
        })
        .collect();
    let places = (front..body.len()).filter(|i| begins(*i)).count();
    let count = (places as f64).sqrt().ceil().max(1.0) as usize;
    let most = sizes[front.min(body.len())..].iter().sum::<usize>().div_ceil(count);
    let (mut out, mut from, mut held) = (Vec::new(), front, 0);
    for (i, size) in sizes.into_iter().enumerate().skip(front) {
        if i > from && begins(i) && held + size > most {
            out.push(from..i);
            (from, held) = (i, 0);
        }
        held += size;
    }
    out
}

impl Forgotten {
    /// Nothing yet, for a pass with the dropout of `seed`.
    pub fn new(parts: Arc<Parts>, store: Store, seed: u64, frozen_statistics: bool) -> Self {
        Self { parts, store, seed, frozen_statistics, stretches: Vec::new(), top: None }
    }

    /// Walks forward through the stretches, and gives what comes out as the leaf the recorded layers begin with.
    /// Running statistics that move are added to `moved` and `counted`.
    pub fn forward(
        mut self,
        stretches: &[Range<usize>],
        mut x: Tensor<5>,
        moved: &mut Vec<(EntryId, Tensor<1>)>,
        counted: &mut Vec<EntryId>,
    ) -> (Self, Tensor<5>) {
        for nodes in stretches {
            self.stretches.push((nodes.clone(), x.clone()));
            let mut pass = Pass::training_pass(&self.store, self.seed, self.frozen_statistics).unrecorded();
            x = run(&self.parts.body[nodes.clone()], x, &mut pass);
            moved.append(&mut pass.updates);
            counted.append(&mut pass.counted);
        }
        let top = x.autodiff().require_grad();
        self.top = Some(top.clone());
        (self, top)
    }

    /// Goes on from the gradients of the recorded layers down to the lowest parameter that learns.
    pub fn backward(mut self, mut gradients: Gradients, set: &mut GradientSet) {
        let mut above = self.top.take().and_then(|top| top.grad_remove(&mut gradients));
        drop(gradients);
        while let Some((nodes, x)) = self.stretches.pop() {
            let Some(dy) = above.take() else { return };
            let lowest = self.stretches.is_empty();
            let x = if lowest { x } else { x.autodiff().require_grad() };
            let mut pass = Pass::training_pass(&self.store, self.seed, self.frozen_statistics);
            let y = run(&self.parts.body[nodes], x.clone(), &mut pass);
            let leaves = pass.leaves_in_order();
            if !y.is_tracked() {
                return;
            }
            // The gradient of this sum at `y` is `dy`.
            let mut gradients = (y * dy).sum().backward();
            set.add(GradientSet::of(leaves, &mut gradients));
            above = if lowest { None } else { x.grad_remove(&mut gradients) };
        }
    }
}

//! The backward pass: from a loss to the gradients of the parameters.

use super::gradients::GradientSet;
use super::recompute::Forgotten;
use burn::tensor::Tensor;

/// A training pass that has gone forward and can go back once.
pub struct TrainPass {
    /// `[B, classes]`, on the graph.
    pub logits: Tensor<2>,
    /// Leaves of the parameters, in their order; `None` where frozen.
    leaves: Vec<Option<Tensor<1>>>,
    /// Layers below the graph, which are computed again on the way back.
    forgotten: Option<Forgotten>,
}

impl TrainPass {
    pub(super) fn new(logits: Tensor<2>, leaves: Vec<Option<Tensor<1>>>, forgotten: Option<Forgotten>) -> Self {
        Self { logits, leaves, forgotten }
    }

    /// Gradients of `loss`, which must have been computed from [`TrainPass::logits`].
    pub fn backward(self, loss: &Tensor<1>) -> GradientSet {
        let mut gradients = loss.backward();
        let mut set = GradientSet::of(self.leaves, &mut gradients);
        if let Some(forgotten) = self.forgotten {
            forgotten.backward(gradients, &mut set);
        }
        set
    }
}

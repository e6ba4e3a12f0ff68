//! One forward pass: its mode (training or inference), the leaves gradients are wanted for, the layers to tap.

use super::parameters::{EntryId, EntryKind, Store};
use super::random_stream::RandomStream;
use burn::tensor::Tensor;
use std::collections::HashMap;

/// Whether layers behave as in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Running statistics, no dropout, no gradients of parameters.
    Eval,
    /// Batch statistics, dropout from the stream of this seed, a leaf for each trainable parameter.
    Train {
        /// Seed of the dropout masks.
        seed: u64,
    },
}

/// The output of a layer that was asked for, as a leaf of the graph above it.
#[derive(Clone)]
pub struct Tap {
    /// Layer id.
    pub layer: String,
    /// `[B, C, T, H, W]`, without autodiff.
    pub activation: Tensor<5>,
    /// The tensor whose gradient is the gradient at the layer's output.
    leaf: Tensor<5>,
}

impl Tap {
    /// Gradient of what was propagated back, at the layer's output; zeros where it has no influence.
    pub fn gradient(&self, gradients: &burn::tensor::Gradients) -> Tensor<5> {
        self.leaf.grad(gradients).unwrap_or_else(|| self.activation.zeros_like())
    }
}

/// State of one forward pass.
pub(crate) struct Pass<'a> {
    store: &'a Store,
    mode: Mode,
    /// Frozen batch normalisations keep their statistics too.
    frozen_statistics: bool,
    /// Parameters become leaves of a graph; otherwise training leaves no way back.
    recorded: bool,
    /// Convolutions round as little as they can.
    precise: bool,
    /// Parameters used so far, as leaves that require gradients.
    pub leaves: HashMap<usize, Tensor<1>>,
    /// New values of running statistics, applied when the pass is over.
    pub updates: Vec<(EntryId, Tensor<1>)>,
    /// Counters to add one to.
    pub counted: Vec<EntryId>,
    wanted: &'a [&'a str],
    /// Layers caught so far, in forward order.
    pub taps: Vec<Tap>,
    /// Is told of the wanted layers instead of catching them.
    watch: Option<&'a mut Watch<'a>>,
}

/// Is shown the output of a layer as it is computed: its id, and `[B, C, T, H, W]`.
pub(crate) type Watch<'a> = dyn FnMut(&str, &Tensor<5>) + Send + 'a;

impl<'a> Pass<'a> {
    /// Starts a pass that catches nothing.
    pub fn new(store: &'a Store, mode: Mode) -> Self {
        Self::tapped(store, mode, &[])
    }

    /// Starts a pass that catches the outputs of the layers in `wanted`.
    pub fn tapped(store: &'a Store, mode: Mode, wanted: &'a [&'a str]) -> Self {
        let (leaves, updates, counted, taps) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        let (frozen_statistics, recorded, precise, watch) = (true, true, false, None);
        Self { store, mode, frozen_statistics, recorded, precise, leaves, updates, counted, wanted, taps, watch }
    }

    /// Starts a pass as in evaluation that shows the outputs of the layers in `wanted` and keeps none.
    pub fn watched(store: &'a Store, wanted: &'a [&'a str], watch: &'a mut Watch<'a>) -> Self {
        Self { watch: Some(watch), ..Self::tapped(store, Mode::Eval, wanted) }
    }

    /// Starts a training pass with the dropout of `seed`.
    pub fn training_pass(store: &'a Store, seed: u64, frozen_statistics: bool) -> Self {
        Self { frozen_statistics, ..Self::new(store, Mode::Train { seed }) }
    }

    /// The same with convolutions that round as little as they can, where `precise`.
    pub fn precisely(self, precise: bool) -> Self {
        Self { precise, ..self }
    }

    /// True where convolutions are to round as little as they can.
    pub fn precise(&self) -> bool {
        self.precise
    }

    /// The same without a way back.
    pub fn unrecorded(self) -> Self {
        Self { recorded: false, ..self }
    }

    /// Leaves of the parameters used, one for each parameter of the network.
    pub fn leaves_in_order(&mut self) -> Vec<Option<Tensor<1>>> {
        self.store.parameter_ids().map(|id| self.leaves.remove(&id.index())).collect()
    }

    /// True while training.
    pub fn training(&self) -> bool {
        matches!(self.mode, Mode::Train { .. })
    }

    /// True when the running statistics of the normalisation with this scale move, and those of the batch are used.
    pub fn statistics_move(&self, scale: EntryId) -> bool {
        self.moves(scale) || self.training() && !self.frozen_statistics
    }

    /// True when the parameter may move.
    pub fn moves(&self, id: EntryId) -> bool {
        self.training() && matches!(self.store.entry(id).kind, EntryKind::Parameter { trainable: true, .. })
    }

    /// A parameter in the shape PyTorch gives it, or that shape with as many axes as asked for: a kernel of pictures
    /// becomes one of a single frame, one of single cells a matrix. A leaf that requires gradients while training.
    pub fn parameter<const D: usize>(&mut self, id: EntryId) -> Tensor<D> {
        let entry = self.store.entry(id);
        let shape = with_axes(&entry.shape);
        if !self.recorded || !self.moves(id) {
            return entry.value.clone().reshape(shape);
        }
        let leaf = self.leaves.entry(id.index()).or_insert_with(|| entry.value.clone().autodiff().require_grad());
        leaf.clone().reshape(shape)
    }

    /// A running statistic.
    pub fn buffer(&self, id: EntryId) -> Tensor<1> {
        self.store.entry(id).value.clone()
    }

    /// The dropout stream of a layer; `None` outside training.
    pub fn dropout(&self, layer: &str) -> Option<RandomStream> {
        match self.mode {
            Mode::Train { seed } => Some(RandomStream::new(seed, layer)),
            Mode::Eval => None,
        }
    }

    /// True when the output of layer `id` was asked for.
    pub fn wants(&self, id: &str) -> bool {
        self.wanted.contains(&id)
    }

    /// Hands the output of layer `id` on, catching it when it was asked for.
    ///
    /// The first layer caught on a path becomes the root of the graph: nothing below it is recorded. A layer that
    /// already hangs on the graph gets an added leaf of zeros, whose gradient is the gradient at this very place.
    pub fn catch(&mut self, id: &str, x: Tensor<5>) -> Tensor<5> {
        if !self.wants(id) {
            return x;
        }
        if let Some(watch) = &mut self.watch {
            watch(id, &x);
            return x;
        }
        let activation = x.clone().inner();
        let (leaf, x) = if x.is_tracked() {
            let leaf = activation.zeros_like().autodiff().require_grad();
            (leaf.clone(), x + leaf)
        } else {
            let leaf = activation.clone().autodiff().require_grad();
            (leaf.clone(), leaf)
        };
        self.taps.push(Tap { layer: id.to_owned(), activation, leaf });
        x
    }

    /// The same of a layer of the classifier, whose output is rows `[rows, N]`: caught as `[rows, N, 1, 1, 1]`.
    pub fn catch_rows(&mut self, id: &str, x: Tensor<2>) -> Tensor<2> {
        if !self.wants(id) {
            return x;
        }
        let [rows, n] = x.dims();
        self.catch(id, x.reshape([rows, n, 1, 1, 1])).reshape([rows, n])
    }
}

/// `shape` in `D` axes: missing ones come after the first two, where time is; too many are merged into the last.
fn with_axes<const D: usize>(shape: &[usize]) -> [usize; D] {
    let mut out = [1; D];
    if shape.len() >= D {
        out.copy_from_slice(&shape[..D]);
        out[D - 1..].iter_mut().for_each(|last| *last *= shape[D..].iter().product::<usize>());
    } else {
        let (first, rest) = shape.split_at(shape.len().min(2));
        out[..first.len()].copy_from_slice(first);
        out[D - rest.len()..].copy_from_slice(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::with_axes;

    #[test]
    fn shapes_gain_a_time_axis_and_lose_axes_of_one() {
        assert_eq!(with_axes::<5>(&[64, 3, 7, 5]), [64, 3, 1, 7, 5]);
        assert_eq!(with_axes::<5>(&[64, 3, 2, 7, 5]), [64, 3, 2, 7, 5]);
        assert_eq!(with_axes::<2>(&[17, 1024, 1, 1, 1]), [17, 1024]);
        assert_eq!(with_axes::<1>(&[17]), [17]);
    }
}

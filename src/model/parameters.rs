//! The state dict of a network: parameters, running statistics and counters by name.

use burn::tensor::{Device, Tensor, TensorData};

/// Position of an entry in a [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryId(usize);

impl EntryId {
    /// The position itself.
    pub fn index(self) -> usize {
        self.0
    }
}

/// What a parameter does in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterRole {
    /// Kernel of a convolution or matrix of a linear layer.
    Weight,
    /// Added to the output of a convolution or linear layer.
    Bias,
    /// Scale of a batch normalisation.
    NormScale,
    /// Shift of a batch normalisation.
    NormShift,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum EntryKind {
    /// Moved by the optimiser, unless frozen.
    Parameter {
        /// What it does.
        role: ParameterRole,
        /// False when frozen.
        trainable: bool,
    },
    /// Running statistics, moved by training passes.
    Buffer,
    /// `num_batches_tracked`.
    Counter(i64),
}

/// One named array. Values are kept flat; `shape` is the layout PyTorch gives the tensor of that name.
#[derive(Clone)]
pub(crate) struct Entry {
    pub name: String,
    pub shape: Vec<usize>,
    pub kind: EntryKind,
    /// `[shape.product()]`, without autodiff; one element that nobody reads for counters.
    pub value: Tensor<1>,
}

impl Entry {
    /// Elements of the array.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The arrays of a network, in the order PyTorch lists them.
#[derive(Clone)]
pub(crate) struct Store {
    entries: Vec<Entry>,
    device: Device,
}

impl Store {
    /// Without entries, for tensors on `device`.
    pub fn new(device: Device) -> Self {
        Self { entries: Vec::new(), device }
    }

    /// Where the arrays live; never an autodiff device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same arrays on another device.
    pub fn on(&self, device: &Device) -> Self {
        let moved = |entry: &Entry| Entry { value: entry.value.clone().to_device(device), ..entry.clone() };
        Self { entries: self.entries.iter().map(moved).collect(), device: device.clone() }
    }

    /// Takes the values that training moves from a store with the same entries.
    pub fn follow(&mut self, first: &Self) {
        for (mine, theirs) in self.entries.iter_mut().zip(&first.entries) {
            match theirs.kind {
                EntryKind::Parameter { trainable: false, .. } => {}
                EntryKind::Counter(_) => mine.kind = theirs.kind,
                EntryKind::Parameter { .. } | EntryKind::Buffer => {
                    mine.value = theirs.value.clone().to_device(&self.device);
                }
            }
        }
    }

    /// Appends an array; without values it is only counted, and cannot be used.
    pub fn add(&mut self, name: String, shape: Vec<usize>, kind: EntryKind, values: Option<Vec<f32>>) -> EntryId {
        let values = values.unwrap_or_else(|| vec![0.0]);
        let value = flat(values, &self.device);
        self.entries.push(Entry { name, shape, kind, value });
        EntryId(self.entries.len() - 1)
    }

    /// The entry of an id this store gave out.
    pub fn entry(&self, id: EntryId) -> &Entry {
        &self.entries[id.0]
    }

    /// The entry of an id this store gave out.
    pub fn entry_mut(&mut self, id: EntryId) -> &mut Entry {
        &mut self.entries[id.0]
    }

    /// Every entry in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Every entry in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut()
    }

    /// Ids of the parameters, in order.
    pub fn parameter_ids(&self) -> impl Iterator<Item = EntryId> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, e)| matches!(e.kind, EntryKind::Parameter { .. }))
            .map(|(i, _)| EntryId(i))
    }
}

/// A flat tensor of `values` on `device`.
pub(crate) fn flat(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), device)
}

//! How the frames of a convolution are cut into tiles for [`super`].

use crate::model::kernels::Convolution;
use std::ops::Range;

/// A sum over frames, outputs or taps: place and factor of each.
pub(in crate::model::kernels) type Terms = Vec<(usize, f32)>;

/// Tiles of two outputs from four inputs, and of four from six (Winograd 1980): for every product its factors of the
/// inputs, of the taps and of the outputs. The points of the four are 0, 1, -1, 1/2, -2 and infinity, whose rounding
/// errors are about a third of those with 2 instead of 1/2 (Barabasz et al. 2020).
const TWO: [([f32; 4], [f32; 3], [f32; 2]); 4] = [
    ([1.0, 0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0]),
    ([0.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.5], [1.0, 1.0]),
    ([0.0, -1.0, 1.0, 0.0], [0.5, -0.5, 0.5], [1.0, -1.0]),
    ([0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 1.0], [0.0, -1.0]),
];
const FOUR: [([f32; 6], [f32; 3], [f32; 4]); 6] = [
    ([1.0, -1.5, -2.0, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]),
    ([0.0, -1.0, 0.5, 2.5, 1.0, 0.0], [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], [1.0, 1.0, 1.0, 1.0]),
    ([0.0, 1.0, -2.5, 0.5, 1.0, 0.0], [-1.0 / 3.0, 1.0 / 3.0, -1.0 / 3.0], [1.0, -1.0, 1.0, -1.0]),
    ([0.0, -2.0, -1.0, 2.0, 1.0, 0.0], [-16.0 / 15.0, -8.0 / 15.0, -4.0 / 15.0], [1.0, 0.5, 0.25, 0.125]),
    ([0.0, 0.5, -1.0, -0.5, 1.0, 0.0], [1.0 / 15.0, -2.0 / 15.0, 4.0 / 15.0], [1.0, -2.0, 4.0, -8.0]),
    ([0.0, 1.0, -1.5, -2.0, 1.5, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]),
];

/// Two outputs from the only two inputs there are, where the outer taps meet one of them each: a product of Toeplitz
/// matrices of two by two in three multiplications (Winograd 1980).
const BOTH: [([f32; 2], [f32; 3], [f32; 2]); 3] = [
    ([1.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0]),
    ([0.0, 1.0], [0.0, -1.0, 1.0], [1.0, 0.0]),
    ([1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 1.0]),
];

/// Ways to cut frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::model::kernels) enum Cut {
    /// A product for every tap: no fewer multiplications, for any kernel and stride.
    Plain,
    /// Two outputs from four products.
    Two,
    /// Four outputs from six products.
    Four,
    /// Two outputs of two inputs from three products.
    Both,
}

/// Which sums a convolution is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::model::kernels) enum Direction {
    /// Outputs of inputs.
    Forward,
    /// Gradients of inputs of those of outputs.
    Back,
}

/// One of the products of a tile: a sum of input frames times a sum of taps is part of some outputs.
pub(in crate::model::kernels) struct Product {
    /// Frames, counted from that of the tile.
    inputs: Vec<(isize, f32)>,
    pub taps: Terms,
    pub outputs: Terms,
}

/// Tiles along time.
pub(in crate::model::kernels) struct Time {
    /// Input frames from a tile to the next.
    step: usize,
    /// Outputs of a tile.
    pub outputs: usize,
    pub products: Vec<Product>,
    /// Products, one after the other, that are all there is of the same outputs: they may be summed before anything
    /// else is done to them.
    pub groups: Vec<Range<usize>>,
    /// Tiles.
    pub count: usize,
    /// Input and output frames.
    pub frames: [usize; 2],
}

fn terms<const N: usize>(factors: [f32; N]) -> impl Iterator<Item = (usize, f32)> {
    factors.into_iter().enumerate().filter(|(_, f)| *f != 0.0)
}

fn transformed<const I: usize, const O: usize>(
    table: &[([f32; I], [f32; 3], [f32; O])],
    [padding, flip]: [isize; 2],
) -> Vec<Product> {
    let product = |(inputs, taps, outputs): &([f32; I], [f32; 3], [f32; O])| Product {
        inputs: terms(*inputs).map(|(at, f)| (at as isize - padding, f)).collect(),
        taps: terms(*taps).map(|(at, f)| ((flip - at as isize).unsigned_abs(), f)).collect(),
        outputs: terms(*outputs).collect(),
    };
    table.iter().map(product).collect()
}

impl Time {
    /// `None` where the cut does not fit the kernel.
    pub fn new(conv: &Convolution, direction: Direction, cut: Cut) -> Option<Self> {
        let (kernel, stride, padding) = (conv.kernel[0], conv.geometry.stride[0], conv.geometry.padding[0] as isize);
        let frames = match direction {
            Direction::Forward => [conv.input[0], conv.output[0]],
            Direction::Back => [conv.output[0], conv.input[0]],
        };
        let (step, outputs, products): (_, _, Vec<Product>) = match (cut, direction) {
            (Cut::Plain, Direction::Forward) => {
                let product = |tap: usize| Product {
                    inputs: vec![(tap as isize - padding, 1.0)],
                    taps: vec![(tap, 1.0)],
                    outputs: vec![(0, 1.0)],
                };
                (stride, 1, (0..kernel).map(product).collect())
            }
            (Cut::Plain, Direction::Back) => {
                // Inputs that lie a whole number of strides apart are reached by the same taps.
                let product = |tap: usize| {
                    let rest = (tap as isize - padding).rem_euclid(stride as isize);
                    Product {
                        inputs: vec![((rest + padding - tap as isize) / stride as isize, 1.0)],
                        taps: vec![(tap, 1.0)],
                        outputs: vec![(rest as usize, 1.0)],
                    }
                };
                let mut products: Vec<Product> = (0..kernel).map(product).collect();
                products.sort_by_key(|product| product.outputs[0].0);
                (1, stride, products)
            }
            (Cut::Two | Cut::Four | Cut::Both, _) if kernel != 3 || stride != 1 => return None,
            (Cut::Both, _) if padding != 1 || frames != [2, 2] => return None,
            (Cut::Both, Direction::Forward) => (2, 2, transformed(&BOTH, [0, 0])),
            (Cut::Both, Direction::Back) => (2, 2, transformed(&BOTH, [0, 2])),
            (cut, direction) => {
                // Going back, taps run the other way: tap `k` is the one `|2 - k|`, and `|0 - k|` is `k`.
                let ends = match direction {
                    Direction::Forward => [padding, 0],
                    Direction::Back => [2 - padding, 2],
                };
                match cut {
                    Cut::Four => (4, 4, transformed(&FOUR, ends)),
                    _ => (2, 2, transformed(&TWO, ends)),
                }
            }
        };
        let same = products.chunk_by(|a, b| a.outputs == b.outputs).scan(0, |first, same| {
            *first += same.len();
            Some(*first - same.len()..*first)
        });
        let groups = same.collect();
        Some(Self { step, outputs, products, groups, count: frames[1].div_ceil(outputs), frames })
    }

    /// Most products of a group.
    pub fn together(&self) -> usize {
        self.groups.iter().map(Range::len).max().unwrap_or(1)
    }

    /// Input frames whose sum a product of a tile takes; those beyond the ends are zero and left out.
    pub fn inputs(&self, tile: usize, product: usize) -> Terms {
        let first = (tile * self.step) as isize;
        let inside = |(at, f): &(isize, f32)| {
            let frame = usize::try_from(first + at).ok().filter(|frame| *frame < self.frames[0])?;
            Some((frame, *f))
        };
        self.products[product].inputs.iter().filter_map(inside).collect()
    }

    /// Output frames a product of a tile is part of, with its factor and whether it is the first to be.
    pub fn outputs(&self, tile: usize, product: usize) -> Vec<(usize, f32, bool)> {
        if self.inputs(tile, product).is_empty() {
            return Vec::new();
        }
        let term = |(at, factor): &(usize, f32)| {
            let earlier = (0..product)
                .any(|p| self.products[p].outputs.iter().any(|(o, _)| o == at) && !self.inputs(tile, p).is_empty());
            (tile * self.outputs + at < self.frames[1]).then_some((*at, *factor, !earlier))
        };
        self.products[product].outputs.iter().filter_map(term).collect()
    }

    /// Output frames whose gradients a product of a tile takes the sum of.
    pub fn slopes(&self, tile: usize, product: usize) -> Terms {
        let frame = |(at, factor): &(usize, f32)| (tile * self.outputs + at, *factor);
        self.products[product].outputs.iter().map(frame).filter(|(frame, _)| *frame < self.frames[1]).collect()
    }

    /// True where some output is not part of any product.
    pub fn leaves_out(&self) -> bool {
        (0..self.frames[1]).any(|frame| {
            let (tile, at) = (frame / self.outputs, frame % self.outputs);
            !(0..self.products.len()).any(|p| self.outputs(tile, p).iter().any(|(o, ..)| *o == at))
        })
    }
}

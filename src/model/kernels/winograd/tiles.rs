//! Spatial tiling of [`super`]: where tiles lie, and how they are gathered and scattered.

use super::form::{Form, Side};
use super::input_transforms::{Combine, Inputs, Slopes, Spread, Unite};
use super::time_tiling::{Direction, Time};
use crate::model::kernels::Convolution;
use crate::model::kernels::channels_last::Bordered;
use std::ops::Range;

/// Numbers of transformed tiles that are worked on at a time by all threads, so that they stay in the last cache.
const BLOCK: usize = 1 << 20;

/// Numbers of a tile along height and along width.
#[derive(Clone, Copy)]
pub(in crate::model::kernels) struct Sizes {
    pub outputs: usize,
    inputs: usize,
    pub products: usize,
    /// Inputs from a tile to the next.
    step: usize,
    /// Inputs of the first tile before the first one, along height and along width.
    low: [usize; 2],
    /// Outputs of the first tile before the first one.
    pub shift: [usize; 2],
}

impl Side {
    pub fn sizes(self, conv: &Convolution, direction: Direction) -> Sizes {
        let [outputs, inputs, products, step] = match (self, direction) {
            (Self::Two, _) => [2, 4, 4, 2],
            (Self::Four, _) => [4, 6, 6, 4],
            (Self::Strided, Direction::Forward) => [2, 5, 5, 4],
            (Self::Strided, Direction::Back) => [4, 3, 5, 2],
        };
        let padding = [conv.geometry.padding[1], conv.geometry.padding[2]];
        let (low, shift) = match (self, direction) {
            (_, Direction::Forward) => (padding, [0; 2]),
            // An input of an even place of the bordered picture is reached by two gradients, the first of which lies
            // half its place less one from the start.
            (Self::Strided, Direction::Back) => (padding.map(|p| 1 - p / 2), padding.map(|p| p % 2)),
            (_, Direction::Back) => ([conv.kernel[1] - 1 - padding[0], conv.kernel[2] - 1 - padding[1]], [0; 2]),
        };
        Sizes { outputs, inputs, products, step, low, shift }
    }
}

/// Tiles of one convolution, in order of clip, time, height, width.
pub(in crate::model::kernels) struct Tiles {
    pub batch: usize,
    pub time: Time,
    pub side: Side,
    pub sizes: Sizes,
    direction: Direction,
    /// Tiles along height and width.
    pub count: [usize; 2],
    /// The picture that is read, with its border, and the height and width of the one that is written.
    pub source: Bordered,
    pub output: [usize; 2],
}

impl Tiles {
    pub fn new(conv: &Convolution, direction: Direction, form: Form) -> Option<Self> {
        let time = Time::new(conv, direction, form.time)?;
        let (from, to) = match direction {
            Direction::Forward => (conv.input, conv.output),
            Direction::Back => (conv.output, conv.input),
        };
        let sizes = form.side.sizes(conv, direction);
        let Sizes { outputs, inputs, step, low, shift, .. } = sizes;
        let output = [to[1], to[2]];
        let count = std::array::from_fn(|a| (output[a] + shift[a]).div_ceil(outputs));
        // A stride may leave the last row and column out.
        let whole = std::array::from_fn(|a| (count[a] * step + inputs - step).max(low[a] + from[a + 1]));
        let source = Bordered { size: from, low, whole };
        Some(Self { batch: conv.batch, time, side: form.side, sizes, direction, count, source, output })
    }

    /// Rows of tiles.
    pub fn rows(&self) -> usize {
        self.batch * self.time.count * self.count[0]
    }

    /// Clip, time and height of a row of tiles.
    pub fn row(&self, row: usize) -> [usize; 3] {
        let [h, t] = [self.count[0], self.time.count];
        [row / h / t, row / h % t, row % h]
    }

    /// Products of a tile of a frame.
    pub fn products(&self) -> usize {
        let Sizes { products, .. } = self.sizes;
        products * products
    }

    /// Rows worked on at a time by all threads, for channels going in and out.
    pub fn at_once(&self, [i, o]: [usize; 2]) -> usize {
        let tiles = (BLOCK / self.products() / (i + o)).max(i * o / (i + o));
        let rows = (tiles / self.count[1]).clamp(1, self.rows());
        // Blocks of one size, and no small one at the end.
        self.rows().div_ceil(self.rows().div_ceil(rows))
    }

    /// Transforms the inputs of a row of tiles for one product along time.
    pub fn spread(
        &self,
        row: usize,
        product: usize,
        source: &[f32],
        channels: usize,
        combined: &mut Vec<f32>,
        out: &mut [&mut [f32]],
    ) {
        let [clip, t, h] = self.row(row);
        let Sizes { inputs, step, .. } = self.sizes;
        let [height, places] = self.source.whole;
        let line = places * channels;
        let first = (clip * self.time.frames[0] * height + h * step) * line;
        let terms = self.time.inputs(t, product);
        let Some(source) = sum_of(&source[first..], &terms, [height, inputs].map(|rows| rows * line), combined) else {
            out.iter_mut().for_each(|out| out.fill(0.0));
            return;
        };
        let job = Spread { source, places, step, tiles: self.count[1], channels, out };
        match (self.side, self.direction) {
            (Side::Two, _) => job.run::<Inputs, 4, 4>(),
            (Side::Four, _) => job.run::<Inputs, 6, 6>(),
            (Side::Strided, Direction::Forward) => job.run::<Inputs, 5, 5>(),
            (Side::Strided, Direction::Back) => job.run::<Inputs, 3, 5>(),
        }
    }

    /// Transforms the gradients of the outputs of a row of tiles for one product along time.
    pub fn spread_slopes(
        &self,
        row: usize,
        product: usize,
        source: &[f32],
        channels: usize,
        combined: &mut Vec<f32>,
        out: &mut [&mut [f32]],
    ) {
        let [clip, t, h] = self.row(row);
        let Sizes { outputs, .. } = self.sizes;
        let [height, places] = self.count.map(|count| count * outputs);
        let line = places * channels;
        let first = (clip * self.time.frames[1] * height + h * outputs) * line;
        let terms = self.time.slopes(t, product);
        let Some(source) = sum_of(&source[first..], &terms, [height, outputs].map(|rows| rows * line), combined) else {
            out.iter_mut().for_each(|out| out.fill(0.0));
            return;
        };
        let job = Spread { source, places, step: outputs, tiles: self.count[1], channels, out };
        match self.side {
            Side::Two => job.run::<Slopes, 2, 4>(),
            Side::Four => job.run::<Slopes, 4, 6>(),
            Side::Strided => job.run::<Slopes, 2, 5>(),
        }
    }

    /// Adds one product along time of a row of tiles to the rows of the picture it is part of.
    pub fn unite(
        &self,
        t: usize,
        product: usize,
        products: &[&[f32]],
        channels: [usize; 2],
        first: usize,
        rows: &mut Lines<'_>,
    ) {
        let terms = self.time.outputs(t, product);
        let mut frames: Vec<(f32, bool, &mut [&mut [f32]])> = rows
            .iter_mut()
            .enumerate()
            .filter_map(|(at, rows)| {
                let (_, factor, fresh) = terms.iter().find(|(frame, ..)| *frame == at)?;
                Some((*factor, *fresh, rows.as_mut_slice()))
            })
            .collect();
        let shift = self.sizes.shift[1];
        let job = Unite { products, tiles: self.count[1], channels, first, shift, frames: &mut frames };
        match (self.side, self.direction) {
            (Side::Two, _) => job.run::<4, 2>(),
            (Side::Four, _) => job.run::<6, 4>(),
            (Side::Strided, Direction::Forward) => job.run::<5, 2>(),
            (Side::Strided, Direction::Back) => job.run::<5, 4>(),
        }
    }

    /// For `rows` rows of tiles at a time of each tile of frames, their part of the picture
    /// `[batch, channels, time, height, width]`: `[frame][channel]`.
    pub fn shares<'a>(&self, picture: &'a mut [f32], channels: usize, rows: usize) -> Vec<Vec<Vec<&'a mut [f32]>>> {
        let Sizes { outputs, shift, .. } = self.sizes;
        let ([height, width], frames) = (self.output, self.time.frames[1]);
        let parts = self.count[0].div_ceil(rows);
        let mut shares: Vec<Vec<Vec<&mut [f32]>>> = Vec::new();
        for tile in 0..self.batch * self.time.count {
            let first = tile % self.time.count * self.time.outputs;
            let here = self.time.outputs.min(frames - first);
            shares.extend((0..parts).map(|_| (0..here).map(|_| Vec::with_capacity(channels)).collect()));
        }
        for (plane, picture) in picture.chunks_exact_mut(height * width).enumerate() {
            let (clip, frame) = (plane / frames / channels, plane % frames);
            let tile = clip * self.time.count + frame / self.time.outputs;
            let mut rest = picture;
            for part in 0..parts {
                let last = ((part + 1) * rows * outputs - shift[0]).min(height);
                let first = (part * rows * outputs).saturating_sub(shift[0]);
                let (mine, others) = rest.split_at_mut((last - first) * width);
                shares[tile * parts + part][frame % self.time.outputs].push(mine);
                rest = others;
            }
        }
        shares
    }

    /// As [`Tiles::lines`], of some rows of tiles of one frame, whose picture `[frame, row, place, channel]` is alone.
    pub fn own_lines<'a>(
        &self,
        picture: &'a mut [f32],
        channels: usize,
        [first, rows]: [usize; 2],
        frames: usize,
    ) -> Vec<Lines<'a>> {
        let Sizes { outputs, shift, .. } = self.sizes;
        let height = picture.len() / frames / (self.output[1] * channels);
        let start = (self.row(first)[2] * outputs).saturating_sub(shift[0]);
        self.lines_at(picture, channels, first..first + rows, |[_, _, h], frame, i| {
            let row = (h * outputs + i).checked_sub(shift[0] + start)?;
            (frame < frames && row < height).then_some(frame * height + row)
        })
    }

    /// For every row of tiles the rows of the picture it makes; those beyond its edge are empty.
    pub fn lines<'a>(&self, picture: &'a mut [f32], channels: usize) -> Vec<Lines<'a>> {
        let Sizes { outputs, shift, .. } = self.sizes;
        let (height, frames) = (self.output[0], self.time.frames[1]);
        self.lines_at(picture, channels, 0..self.rows(), |[clip, t, h], frame, i| {
            let row = (h * outputs + i).checked_sub(shift[0])?;
            let frame = t * self.time.outputs + frame;
            (frame < frames && row < height).then_some((clip * frames + frame) * height + row)
        })
    }

    /// The rows of a picture by row of tiles, where `place` tells which of them a tile's frame and row is, if any.
    fn lines_at<'a>(
        &self,
        picture: &'a mut [f32],
        channels: usize,
        rows: Range<usize>,
        place: impl Fn([usize; 3], usize, usize) -> Option<usize>,
    ) -> Vec<Lines<'a>> {
        let mut lines: Vec<Option<&mut [f32]>> =
            picture.chunks_exact_mut(self.output[1] * channels).map(Some).collect();
        let mut of = |row: usize| {
            let tile = self.row(row);
            let mut frame = |at: usize| {
                let line = |i: usize| place(tile, at, i).and_then(|line| lines[line].take()).unwrap_or_default();
                (0..self.sizes.outputs).map(line).collect()
            };
            (0..self.time.outputs).map(&mut frame).collect()
        };
        rows.map(&mut of).collect()
    }
}

/// Rows of a picture that a row of tiles makes: `[frame][row]`, `[place, channel]` each.
pub(in crate::model::kernels) type Lines<'a> = Vec<Vec<&'a mut [f32]>>;

/// The sum of terms: of each the first `len` numbers of a frame, which lie `frame` numbers apart. `None` without terms.
fn sum_of<'a>(
    source: &'a [f32],
    terms: &[(usize, f32)],
    [frame, len]: [usize; 2],
    combined: &'a mut Vec<f32>,
) -> Option<&'a [f32]> {
    let rows: Vec<(&[f32], f32)> = terms.iter().map(|(at, f)| (&source[at * frame..][..len], *f)).collect();
    match rows[..] {
        [] => None,
        [(row, 1.0)] => Some(row),
        _ => {
            if combined.len() < len {
                combined.resize(len, 0.0);
            }
            let out = &mut combined[..len];
            Combine { rows: &rows, out: &mut *out }.run();
            Some(out)
        }
    }
}

/// For every row of tiles its part of each of the products, which lie `product` numbers apart.
pub(in crate::model::kernels) fn per_row(
    values: &mut [f32],
    product: usize,
    row: usize,
    rows: usize,
) -> Vec<Vec<&mut [f32]>> {
    let count = values.len() / product;
    let mut parts: Vec<Vec<&mut [f32]>> = (0..rows).map(|_| Vec::with_capacity(count)).collect();
    for product in values.chunks_exact_mut(product) {
        for (to, part) in parts.iter_mut().zip(product.chunks_exact_mut(row)) {
            to.push(part);
        }
    }
    parts
}

//! The transforms of [`super`] in `f64`, along all three axes.

use crate::model::kernels::conv_f64::{Correlation, PaddedInput, finished};
use crate::model::kernels::dot_f64::{Combine, PANEL, Sums};
use crate::model::kernels::{Finish, volume};
use rayon::prelude::*;
use std::ops::Range;

/// Channels with which transforms pay.
const FEWEST: usize = 8;
/// Tiles whose products cost as much as transforming the kernels.
const KERNELS: usize = 80;
/// Multiplications that cost as much as transforming one number of a tile.
const TRANSFORM: usize = 12;

/// How one axis is cut: tiles of outputs, and the factors of inputs, taps and outputs of each product. The points are
/// those of [`super::time_tiling`].
#[derive(Debug)]
pub(in crate::model::kernels) struct Cut {
    /// Outputs of a tile.
    outputs: usize,
    /// Inputs of a tile.
    inputs: usize,
    products: &'static [Product],
}

/// Factors of inputs, taps and outputs.
type Product = (&'static [f64], [f64; 3], &'static [f64]);

/// An output is a product: for kernels of one place.
const ONE: Cut = Cut { outputs: 1, inputs: 1, products: &[(&[1.0], [1.0, 0.0, 0.0], &[1.0])] };
const TWO: Cut = Cut {
    outputs: 2,
    inputs: 4,
    products: &[
        (&[1.0, 0.0, -1.0, 0.0], [1.0, 0.0, 0.0], &[1.0, 0.0]),
        (&[0.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.5], &[1.0, 1.0]),
        (&[0.0, -1.0, 1.0, 0.0], [0.5, -0.5, 0.5], &[1.0, -1.0]),
        (&[0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 1.0], &[0.0, -1.0]),
    ],
};
const FOUR: Cut = Cut {
    outputs: 4,
    inputs: 6,
    products: &[
        (&[1.0, -1.5, -2.0, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0], &[1.0, 0.0, 0.0, 0.0]),
        (&[0.0, -1.0, 0.5, 2.5, 1.0, 0.0], [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], &[1.0, 1.0, 1.0, 1.0]),
        (&[0.0, 1.0, -2.5, 0.5, 1.0, 0.0], [-1.0 / 3.0, 1.0 / 3.0, -1.0 / 3.0], &[1.0, -1.0, 1.0, -1.0]),
        (&[0.0, -2.0, -1.0, 2.0, 1.0, 0.0], [-16.0 / 15.0, -8.0 / 15.0, -4.0 / 15.0], &[1.0, 0.5, 0.25, 0.125]),
        (&[0.0, 0.5, -1.0, -0.5, 1.0, 0.0], [1.0 / 15.0, -2.0 / 15.0, 4.0 / 15.0], &[1.0, -2.0, 4.0, -8.0]),
        (&[0.0, 1.0, -1.5, -2.0, 1.5, 1.0], [0.0, 0.0, 1.0], &[0.0, 0.0, 0.0, 1.0]),
    ],
};

impl Cut {
    fn tiles(&self, outputs: usize) -> usize {
        outputs.div_ceil(self.outputs)
    }

    /// The factors of a product's inputs, each with its place.
    fn of_inputs(&self, product: usize, place: impl Fn(usize) -> usize) -> Vec<(usize, f64)> {
        let factors = self.products[product].0.iter().enumerate();
        factors.filter(|(_, f)| **f != 0.0).map(|(i, f)| (place(i), *f)).collect()
    }

    /// The factors of an output's products, each with its place.
    fn of_output(&self, output: usize, place: impl Fn(usize) -> usize) -> Vec<(usize, f64)> {
        let factors = self.products.iter().map(|p| p.2[output]).enumerate();
        factors.filter(|(_, f)| *f != 0.0).map(|(i, f)| (place(i), f)).collect()
    }
}

/// How all axes are cut.
#[derive(Clone, Copy, Debug)]
pub(in crate::model::kernels) struct Cuts([&'static Cut; 3]);

impl Cuts {
    /// The cheapest cuts; `None` where a kernel is not of threes, or inputs lie a stride apart.
    pub fn best(c: &Correlation<'_>) -> Option<Self> {
        let [kt, kh, kw] = c.conv.kernel;
        let fits = [kh, kw] == [3, 3] && [1, 3].contains(&kt) && c.stride == [1; 3];
        if !fits || c.channels.iter().any(|n| *n < FEWEST) {
            return None;
        }
        let of = |axis: usize| -> &'static [&'static Cut] {
            if c.conv.kernel[axis] == 1 { &[&ONE] } else { &[&TWO, &FOUR] }
        };
        let all = of(0).iter().flat_map(|t| of(1).iter().flat_map(move |h| of(2).iter().map(move |w| Self([t, h, w]))));
        all.min_by_key(|cuts| cuts.cost(c))
    }

    /// Multiplications it is worth.
    pub fn cost(&self, c: &Correlation<'_>) -> usize {
        let [i, o] = c.channels;
        let tiles = volume(self.tiles(c));
        self.products() * (tiles * (i * o + TRANSFORM * (i + o)) + KERNELS * i * o)
    }

    fn products(&self) -> usize {
        self.0.iter().map(|cut| cut.products.len()).product()
    }

    fn tiles(&self, c: &Correlation<'_>) -> [usize; 3] {
        std::array::from_fn(|a| self.0[a].tiles(c.output[a]))
    }
}

/// One clip.
pub(in crate::model::kernels) fn correlate(
    c: &Correlation<'_>,
    cuts: Cuts,
    x: &[f32],
    finish: Finish<'_>,
    out: &mut [f32],
) {
    let (tiles, [_, o]) = (cuts.tiles(c), c.channels);
    let size = std::array::from_fn(|a| {
        let cut = cuts.0[a];
        ((tiles[a] - 1) * cut.outputs + cut.inputs).max(c.input[a] + c.padding[a])
    });
    let picture = PaddedInput::new(x, c.channels[0], c.input, c.padding, size);
    let spread = spread(cuts, tiles, &picture);
    // A row of tiles has one frame's tiles along width; a block is some of them.
    let rows = tiles[0] * tiles[1];
    let at_once = c.blocks(rows);
    let blocks: Vec<(usize, Range<usize>)> = (0..o.div_ceil(PANEL))
        .flat_map(|panel| (0..rows).step_by(at_once).map(move |row| (panel, row..rows.min(row + at_once))))
        .collect();
    let made: Vec<Vec<f32>> = blocks
        .par_iter()
        .with_max_len(1)
        .map(|(panel, rows)| block(c, cuts, &spread, *panel, rows.clone(), finish))
        .collect();
    let ([t, h, w], plane) = (c.output, volume(c.output));
    let [mt, mh, _] = cuts.0.map(|cut| cut.outputs);
    let line = tiles[2] * cuts.0[2].outputs;
    for ((panel, rows), made) in blocks.into_iter().zip(made) {
        let channels = PANEL.min(o - panel * PANEL);
        for (at, from) in made.chunks_exact(line).enumerate() {
            // [row of tiles, frame, height, channel, width]
            let (channel, within) = (at % channels, at / channels);
            let (row, frame, height) = (rows.start + within / mh / mt, within / mh % mt, within % mh);
            let (frame, height) = (row / tiles[1] * mt + frame, row % tiles[1] * mh + height);
            if frame < t && height < h {
                let to = (panel * PANEL + channel) * plane + (frame * h + height) * w;
                out[to..to + w].copy_from_slice(&from[..w]);
            }
        }
    }
}

/// The transformed inputs of every row of tiles: `[row][product][tile][channel]`.
struct Spread {
    values: Vec<f64>,
    /// Numbers of a row, and of a product of it.
    row: usize,
    product: usize,
    channels: usize,
    tiles: usize,
}

fn spread(cuts: Cuts, tiles: [usize; 3], picture: &PaddedInput) -> Spread {
    let channels = picture.channels;
    let product = tiles[2] * channels;
    let row = cuts.products() * product;
    let mut values = vec![0.0; tiles[0] * tiles[1] * row];
    values.par_chunks_mut(row).enumerate().for_each(|(at, out)| spread_row(cuts, tiles, picture, at, out));
    Spread { values, row, product, channels, tiles: tiles[2] }
}

/// One row of tiles: along time, then height, then width.
fn spread_row(cuts: Cuts, tiles: [usize; 3], picture: &PaddedInput, row: usize, out: &mut [f64]) {
    let ([ct, ch, cw], channels) = (cuts.0, picture.channels);
    let first = [row / tiles[1] * ct.outputs, row % tiles[1] * ch.outputs];
    let line = picture.size[2] * channels;
    let (mut frames, mut lines) = (vec![0.0; ch.inputs * line], vec![0.0; line]);
    let product = tiles[2] * channels;
    let mut out = out.chunks_exact_mut(product);
    for t in 0..ct.products.len() {
        for (y, frames) in frames.chunks_exact_mut(line).enumerate() {
            let terms = ct.of_inputs(t, |i| picture.at([first[0] + i, first[1] + y, 0]));
            Combine { from: &picture.values, terms: &terms, out: frames }.run();
        }
        for h in 0..ch.products.len() {
            Combine { from: &frames, terms: &ch.of_inputs(h, |i| i * line), out: &mut lines }.run();
            for w in 0..cw.products.len() {
                let Some(out) = out.next() else { return };
                for (tile, out) in out.chunks_exact_mut(channels).enumerate() {
                    let terms = cw.of_inputs(w, |i| (tile * cw.outputs + i) * channels);
                    Combine { from: &lines, terms: &terms, out }.run();
                }
            }
        }
    }
}

/// The transformed kernels of some output channels: `[product][input channel][output channel]`.
fn kernels(c: &Correlation<'_>, cuts: Cuts, panel: usize) -> Vec<f64> {
    let ([i, o], [kt, kh, kw]) = (c.channels, c.conv.kernel);
    let plane = i * PANEL;
    let mut taps = vec![0.0; kt * kh * kw * plane];
    for (tap, taps) in taps.chunks_exact_mut(plane).enumerate() {
        for (from, taps) in taps.chunks_exact_mut(PANEL).enumerate() {
            for (to, channel) in taps.iter_mut().zip(panel * PANEL..o) {
                *to = c.tap(from, channel, [tap / kw / kh, tap / kw % kh, tap % kw]);
            }
        }
    }
    // One axis after the other: [kt][kh][kw] to [t][h][w].
    let along = |from: &[f64], cut: &Cut, [outer, taps, inner]: [usize; 3]| {
        let mut out = vec![0.0; outer * cut.products.len() * inner];
        for (at, out) in out.chunks_exact_mut(inner).enumerate() {
            let (outer, product) = (at / cut.products.len(), at % cut.products.len());
            let factors = cut.products[product].1.iter().take(taps).enumerate().filter(|(_, f)| **f != 0.0);
            let terms: Vec<(usize, f64)> = factors.map(|(k, f)| ((outer * taps + k) * inner, *f)).collect();
            Combine { from, terms: &terms, out }.run();
        }
        out
    };
    let [ct, ch, cw] = cuts.0;
    let taps = along(&taps, ct, [1, kt, kh * kw * plane]);
    let taps = along(&taps, ch, [ct.products.len(), kh, kw * plane]);
    along(&taps, cw, [ct.products.len() * ch.products.len(), kw, plane])
}

/// Some rows of tiles of some output channels, finished: `[row][frame][height][channel][width]`.
fn block(
    c: &Correlation<'_>,
    cuts: Cuts,
    spread: &Spread,
    panel: usize,
    rows: Range<usize>,
    finish: Finish<'_>,
) -> Vec<f32> {
    let ([ct, ch, cw], lines) = (cuts.0, finish.lines(c.channels[1]));
    let (kernels, plane) = (kernels(c, cuts, panel), spread.channels * PANEL);
    let tile_rows: Vec<usize> =
        rows.clone().flat_map(|row| (0..spread.tiles).map(move |t| row * spread.row + t * spread.channels)).collect();
    // [product][row][tile][channel]
    let (each, line) = (tile_rows.len() * PANEL, spread.tiles * PANEL);
    let mut products = vec![0.0; cuts.products() * each];
    for ((product, out), b) in products.chunks_exact_mut(each).enumerate().zip(kernels.chunks_exact(plane)) {
        let bases = [product * spread.product];
        Sums { a: &spread.values, rows: &tile_rows, bases: &bases, inner: spread.channels, b, out }.run();
    }
    let (np, channels) = ([ct, ch, cw].map(|cut| cut.products.len()), PANEL.min(c.channels[1] - panel * PANEL));
    let width = spread.tiles * cw.outputs;
    let mut out = vec![0.0; rows.len() * ct.outputs * ch.outputs * channels * width];
    let mut made = out.chunks_exact_mut(channels * width);
    let mut frames = vec![0.0; np[1] * np[2] * line];
    let (mut heights, mut one) = (vec![0.0; np[2] * line], vec![0.0; line]);
    for row in 0..rows.len() {
        for t in 0..ct.outputs {
            for (at, frames) in frames.chunks_exact_mut(line).enumerate() {
                let terms = ct.of_output(t, |i| (i * np[1] * np[2] + at) * each + row * line);
                Combine { from: &products, terms: &terms, out: frames }.run();
            }
            for h in 0..ch.outputs {
                let terms = ch.of_output(h, |i| i * np[2] * line);
                Combine { from: &frames, terms: &terms, out: &mut heights }.run();
                let Some(made) = made.next() else { break };
                for w in 0..cw.outputs {
                    Combine { from: &heights, terms: &cw.of_output(w, |i| i * line), out: &mut one }.run();
                    for (channel, made) in made.chunks_exact_mut(width).enumerate() {
                        let line = lines[panel * PANEL + channel];
                        let totals = one.iter().skip(channel).step_by(PANEL);
                        for (to, v) in made.iter_mut().skip(w).step_by(cw.outputs).zip(totals) {
                            *to = finished(*v, line, finish.bounds);
                        }
                    }
                }
            }
        }
    }
    out
}

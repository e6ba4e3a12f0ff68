//! The transforms of pictures for [`super::winograd`], one axis after the other, a vector of channels at a time.

// Places in small arrays are counted; iterators over them would not be kept in registers.
#![allow(clippy::needless_range_loop)]

use super::winograd::{PRODUCTS, Tiles};
use pulp::{Arch, Simd, WithSimd};

/// What is done along one axis. Neither this nor what calls it uses closures: their bodies would not get the
/// instructions that were chosen.
pub(super) trait Along<const FROM: usize, const TO: usize> {
    fn line<S: Simd>(simd: S, from: [S::f32s; FROM]) -> [S::f32s; TO];
}

/// Four inputs to the factors of four products.
struct Inputs;
impl Along<4, 4> for Inputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [d0, d1, d2, d3]: [S::f32s; 4]) -> [S::f32s; 4] {
        [simd.sub_f32s(d0, d2), simd.add_f32s(d1, d2), simd.sub_f32s(d2, d1), simd.sub_f32s(d1, d3)]
    }
}

/// Four products to two outputs.
struct Outputs;
impl Along<4, 2> for Outputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3]: [S::f32s; 4]) -> [S::f32s; 2] {
        [simd.add_f32s(simd.add_f32s(m0, m1), m2), simd.sub_f32s(simd.sub_f32s(m1, m2), m3)]
    }
}

/// Gradients of two outputs to those of four products.
struct OutputGradients;
impl Along<2, 4> for OutputGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [y0, y1]: [S::f32s; 2]) -> [S::f32s; 4] {
        [y0, simd.add_f32s(y0, y1), simd.sub_f32s(y0, y1), simd.neg_f32s(y1)]
    }
}

/// A square of vectors along width and then height.
#[inline(always)]
pub(super) fn both_ways<S: Simd, L: Along<FROM, TO>, const FROM: usize, const TO: usize>(
    simd: S,
    square: [[S::f32s; FROM]; FROM],
) -> [[S::f32s; TO]; TO] {
    let zero = simd.splat_f32s(0.0);
    let mut rows = [[zero; TO]; FROM];
    for h in 0..FROM {
        rows[h] = L::line(simd, square[h]);
    }
    let mut out = [[zero; TO]; TO];
    for w in 0..TO {
        let mut column = [zero; FROM];
        for h in 0..FROM {
            column[h] = rows[h][w];
        }
        let column = L::line(simd, column);
        for h in 0..TO {
            out[h][w] = column[h];
        }
    }
    out
}

/// Along time at one place of squares.
#[inline(always)]
pub(super) fn through<S: Simd, L: Along<FROM, TO>, const FROM: usize, const TO: usize, const SIDE: usize>(
    simd: S,
    squares: &[[[S::f32s; SIDE]; SIDE]; FROM],
    [h, w]: [usize; 2],
) -> [S::f32s; TO] {
    let mut line = [simd.splat_f32s(0.0); FROM];
    for t in 0..FROM {
        line[t] = squares[t][h][w];
    }
    L::line(simd, line)
}

#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, from: &[f32], at: usize) -> S::f32s {
    match from.get(at..at + S::F32_LANES) {
        Some(from) => match S::as_simd_f32s(from).0 {
            [v] => *v,
            _ => simd.splat_f32s(0.0),
        },
        None => simd.splat_f32s(0.0),
    }
}

#[inline(always)]
pub(super) fn store<S: Simd>(to: &mut [f32], at: usize, v: S::f32s) {
    if let Some(to) = to.get_mut(at..at + S::F32_LANES)
        && let [to] = S::as_mut_simd_f32s(to).0
    {
        *to = v;
    }
}

/// Inputs of a row of tiles to the factors of its products.
pub(super) struct Spread<'a, 'b> {
    pub tiles: &'a Tiles,
    pub row: usize,
    /// `[clip, place, channel]`.
    pub source: &'a [f32],
    pub channels: usize,
    /// For every product `[tile, channel]`.
    pub out: &'a mut [&'b mut [f32]],
}

impl Spread<'_, '_> {
    pub fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Spread<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, row, source, channels, out } = self;
        let Some(out) = out.first_chunk_mut::<PRODUCTS>() else { return };
        let [clip, t, h] = tiles.row(row);
        let [frames, height, width] = tiles.input;
        for tile in 0..tiles.count[2] {
            let first = [t, h, tile];
            // Where the inputs lie; `None` beyond the edge.
            let places: [Option<usize>; PRODUCTS] = std::array::from_fn(|i| {
                let digits = [i / 16, i / 4 % 4, i % 4];
                let place: [usize; 3] =
                    std::array::from_fn(|a| (2 * first[a] + digits[a]).wrapping_sub(tiles.padding[a]));
                let inside = place[0] < frames && place[1] < height && place[2] < width;
                let at = ((clip * frames + place[0].min(frames)) * height + place[1].min(height)) * width;
                inside.then(|| (at + place[2]) * channels)
            });
            for c in (0..channels).step_by(S::F32_LANES) {
                // Written out, because an array filled in a loop would be zeroed first.
                let squares = [
                    inputs_square(simd, source, &places, 0, c),
                    inputs_square(simd, source, &places, 1, c),
                    inputs_square(simd, source, &places, 2, c),
                    inputs_square(simd, source, &places, 3, c),
                ];
                let at = tile * channels + c;
                for h in 0..4 {
                    for w in 0..4 {
                        let line = through::<S, Inputs, 4, 4, 4>(simd, &squares, [h, w]);
                        for t in 0..4 {
                            store::<S>(out[t * 16 + h * 4 + w], at, line[t]);
                        }
                    }
                }
            }
        }
    }
}

/// Frame `t` of a tile's inputs, transformed along height and width.
#[inline(always)]
fn inputs_square<S: Simd>(
    simd: S,
    source: &[f32],
    places: &[Option<usize>; PRODUCTS],
    t: usize,
    c: usize,
) -> [[S::f32s; 4]; 4] {
    let mut square = [[simd.splat_f32s(0.0); 4]; 4];
    for h in 0..4 {
        for w in 0..4 {
            if let Some(place) = places[t * 16 + h * 4 + w] {
                square[h][w] = load(simd, source, place + c);
            }
        }
    }
    both_ways::<S, Inputs, 4, 4>(simd, square)
}

/// Products of a row of tiles to its outputs.
pub(super) struct Unite<'a, 'b> {
    pub tiles: &'a Tiles,
    /// Counted from the first of the products.
    pub row: usize,
    /// Every product `[tile, channel]`.
    pub products: &'a [&'a [f32]],
    /// Of the products and of the picture.
    pub channels: [usize; 2],
    /// Where the products' channels begin in the picture.
    pub first: usize,
    /// Rows of the picture `[t][h]`, `[place, channel]` each; empty beyond the edge.
    pub out: &'a mut [&'b mut [f32]; 4],
}

impl Unite<'_, '_> {
    pub fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Unite<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, row, products, channels: [channels, wide], first, out } = self;
        let Ok(products) = <&[&[f32]; PRODUCTS]>::try_from(products) else { return };
        let width = tiles.output[2];
        for tile in 0..tiles.count[2] {
            for c in (0..channels).step_by(S::F32_LANES) {
                let at = (row * tiles.count[2] + tile) * channels + c;
                let squares = [
                    products_square(simd, products, 0, at),
                    products_square(simd, products, 1, at),
                    products_square(simd, products, 2, at),
                    products_square(simd, products, 3, at),
                ];
                for h in 0..2 {
                    for w in 0..2 {
                        let line = through::<S, Outputs, 4, 2, 2>(simd, &squares, [h, w]);
                        let place = 2 * tile + w;
                        if place < width {
                            // Beyond the edge rows are empty, and nothing is stored.
                            store::<S>(out[h], place * wide + first + c, line[0]);
                            store::<S>(out[2 + h], place * wide + first + c, line[1]);
                        }
                    }
                }
            }
        }
    }
}

/// Frame `t` of a tile's products, to what is left of it along height and width.
#[inline(always)]
fn products_square<S: Simd>(simd: S, products: &[&[f32]; PRODUCTS], t: usize, at: usize) -> [[S::f32s; 2]; 2] {
    let mut square = [[simd.splat_f32s(0.0); 4]; 4];
    for h in 0..4 {
        for w in 0..4 {
            square[h][w] = load(simd, products[t * 16 + h * 4 + w], at);
        }
    }
    both_ways::<S, Outputs, 4, 2>(simd, square)
}

/// Gradients of the outputs of a row of tiles to those of its products.
pub(super) struct SpreadGradient<'a, 'b> {
    pub tiles: &'a Tiles,
    pub row: usize,
    /// `[clip, place, channel]`.
    pub source: &'a [f32],
    pub channels: usize,
    /// For every product `[tile, channel]`.
    pub out: &'a mut [&'b mut [f32]],
}

impl SpreadGradient<'_, '_> {
    pub fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for SpreadGradient<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, row, source, channels, out } = self;
        let Some(out) = out.first_chunk_mut::<PRODUCTS>() else { return };
        let [clip, t, h] = tiles.row(row);
        for tile in 0..tiles.count[2] {
            for c in (0..channels).step_by(S::F32_LANES) {
                let first = [2 * t, 2 * h, 2 * tile];
                let squares = [
                    gradients_square(simd, source, tiles, clip, first, channels, c),
                    gradients_square(simd, source, tiles, clip, [first[0] + 1, first[1], first[2]], channels, c),
                ];
                let at = tile * channels + c;
                for h in 0..4 {
                    for w in 0..4 {
                        let line = through::<S, OutputGradients, 2, 4, 4>(simd, &squares, [h, w]);
                        for t in 0..4 {
                            store::<S>(out[t * 16 + h * 4 + w], at, line[t]);
                        }
                    }
                }
            }
        }
    }
}

/// The four output gradients of a frame from `first` on, transformed along height and width.
#[inline(always)]
fn gradients_square<S: Simd>(
    simd: S,
    source: &[f32],
    tiles: &Tiles,
    clip: usize,
    [t, h, w]: [usize; 3],
    channels: usize,
    c: usize,
) -> [[S::f32s; 4]; 4] {
    let [frames, height, width] = tiles.output;
    let mut square = [[simd.splat_f32s(0.0); 2]; 2];
    for ih in 0..2 {
        for iw in 0..2 {
            if t < frames && h + ih < height && w + iw < width {
                let at = ((clip * frames + t) * height + h + ih) * width + w + iw;
                square[ih][iw] = load(simd, source, at * channels + c);
            }
        }
    }
    both_ways::<S, OutputGradients, 2, 4>(simd, square)
}

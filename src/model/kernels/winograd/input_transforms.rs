//! Input and output transforms of [`super`], one axis after the other, a vector of channels at a time.

// Places in small arrays are counted; iterators over them would not be kept in registers.
#![allow(clippy::needless_range_loop)]

use crate::simd::arch;
use pulp::{Simd, WithSimd};

/// Most products a tile of a frame is made of.
const MOST: usize = 36;

/// What is done along one axis. Neither this nor what calls it uses closures: their bodies would not get the
/// instructions that were chosen.
///
/// Lines of four and six have the factors of [`super::time_tiling`]. Lines of five
/// make two outputs two inputs apart: three products for the outer taps, which meet inputs of even places only, and two
/// for the middle one; going back, four inputs of two outputs and the one before.
pub(in crate::model::kernels) trait Along<const FROM: usize, const TO: usize> {
    fn line<S: Simd>(simd: S, from: [S::f32s; FROM]) -> [S::f32s; TO];
}

/// Inputs to the factors of products.
pub(in crate::model::kernels) struct Inputs;
impl Along<4, 4> for Inputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [d0, d1, d2, d3]: [S::f32s; 4]) -> [S::f32s; 4] {
        [simd.sub_f32s(d0, d2), simd.add_f32s(d1, d2), simd.sub_f32s(d2, d1), simd.sub_f32s(d1, d3)]
    }
}
impl Along<6, 6> for Inputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [d0, d1, d2, d3, d4, d5]: [S::f32s; 6]) -> [S::f32s; 6] {
        let (u, v) = (simd.sub_f32s(d3, d1), simd.sub_f32s(d4, d2));
        let more = simd.splat_f32s(1.5);
        [
            simd.mul_add_e_f32s(more, u, simd.add_f32s(simd.sub_f32s(d0, d2), v)),
            simd.mul_add_e_f32s(more, simd.add_f32s(d2, d3), simd.add_f32s(u, v)),
            simd.mul_add_e_f32s(more, simd.sub_f32s(d3, d2), simd.sub_f32s(v, u)),
            simd.mul_add_e_f32s(simd.splat_f32s(2.0), u, v),
            simd.mul_add_e_f32s(simd.splat_f32s(-0.5), u, v),
            simd.mul_add_e_f32s(more, v, simd.sub_f32s(simd.sub_f32s(d5, d3), u)),
        ]
    }
}

impl Along<5, 5> for Inputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [d0, d1, d2, d3, d4]: [S::f32s; 5]) -> [S::f32s; 5] {
        [simd.sub_f32s(d0, d2), d2, simd.sub_f32s(d2, d4), d1, d3]
    }
}

impl Along<3, 5> for Inputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [e0, e1, e2]: [S::f32s; 3]) -> [S::f32s; 5] {
        [simd.sub_f32s(e0, e1), e1, simd.sub_f32s(e1, e2), e1, e2]
    }
}

/// Products to outputs.
pub(in crate::model::kernels) struct Outputs;
impl Along<4, 2> for Outputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3]: [S::f32s; 4]) -> [S::f32s; 2] {
        [simd.add_f32s(simd.add_f32s(m0, m1), m2), simd.sub_f32s(simd.sub_f32s(m1, m2), m3)]
    }
}
impl Along<6, 4> for Outputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3, m4, m5]: [S::f32s; 6]) -> [S::f32s; 4] {
        let (sum, difference) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
        [
            simd.add_f32s(simd.add_f32s(m0, sum), simd.add_f32s(m3, m4)),
            simd.mul_add_e_f32s(simd.splat_f32s(-2.0), m4, simd.mul_add_e_f32s(simd.splat_f32s(0.5), m3, difference)),
            simd.mul_add_e_f32s(simd.splat_f32s(4.0), m4, simd.mul_add_e_f32s(simd.splat_f32s(0.25), m3, sum)),
            simd.mul_add_e_f32s(
                simd.splat_f32s(-8.0),
                m4,
                simd.mul_add_e_f32s(simd.splat_f32s(0.125), m3, simd.add_f32s(difference, m5)),
            ),
        ]
    }
}

impl Along<5, 2> for Outputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3, m4]: [S::f32s; 5]) -> [S::f32s; 2] {
        let middle = [simd.add_f32s(m1, m3), simd.add_f32s(m1, m4)];
        [simd.add_f32s(m0, middle[0]), simd.sub_f32s(middle[1], m2)]
    }
}

impl Along<5, 4> for Outputs {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3, m4]: [S::f32s; 5]) -> [S::f32s; 4] {
        [simd.add_f32s(m0, m1), m3, simd.sub_f32s(m1, m2), m4]
    }
}

/// Gradients of outputs to those of products.
pub(in crate::model::kernels) struct Slopes;
impl Along<2, 4> for Slopes {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [y0, y1]: [S::f32s; 2]) -> [S::f32s; 4] {
        [y0, simd.add_f32s(y0, y1), simd.sub_f32s(y0, y1), simd.neg_f32s(y1)]
    }
}
impl Along<4, 6> for Slopes {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [y0, y1, y2, y3]: [S::f32s; 4]) -> [S::f32s; 6] {
        let (even, odd) = (simd.add_f32s(y0, y2), simd.add_f32s(y1, y3));
        let low = simd.mul_add_e_f32s(simd.splat_f32s(0.25), y2, y0);
        let high = simd.mul_add_e_f32s(simd.splat_f32s(4.0), y2, y0);
        let (by, four) = (simd.mul_add_e_f32s(simd.splat_f32s(0.25), y3, y1), simd.splat_f32s(4.0));
        [
            y0,
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.mul_add_e_f32s(simd.splat_f32s(0.5), by, low),
            simd.mul_add_e_f32s(simd.splat_f32s(-2.0), simd.mul_add_e_f32s(four, y3, y1), high),
            y3,
        ]
    }
}

impl Along<2, 5> for Slopes {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [y0, y1]: [S::f32s; 2]) -> [S::f32s; 5] {
        [y0, simd.add_f32s(y0, y1), simd.neg_f32s(y1), y0, y1]
    }
}

/// A square of vectors that is transformed along width and then height. One is used for many: it is cleared only once.
pub(in crate::model::kernels) struct Square<S: Simd, const FROM: usize, const TO: usize> {
    pub from: [[S::f32s; FROM]; FROM],
    rows: [[S::f32s; TO]; FROM],
    pub to: [[S::f32s; TO]; TO],
}

impl<S: Simd, const FROM: usize, const TO: usize> Square<S, FROM, TO> {
    #[inline(always)]
    pub fn new(simd: S) -> Self {
        let zero = simd.splat_f32s(0.0);
        Self { from: [[zero; FROM]; FROM], rows: [[zero; TO]; FROM], to: [[zero; TO]; TO] }
    }

    #[inline(always)]
    pub fn turn<L: Along<FROM, TO>>(&mut self, simd: S) {
        for h in 0..FROM {
            self.rows[h] = L::line(simd, self.from[h]);
        }
        for w in 0..TO {
            let mut column = [simd.splat_f32s(0.0); FROM];
            for h in 0..FROM {
                column[h] = self.rows[h][w];
            }
            let column = L::line(simd, column);
            for h in 0..TO {
                self.to[h][w] = column[h];
            }
        }
    }
}

#[inline(always)]
pub(in crate::model::kernels) fn load<S: Simd>(simd: S, from: &[f32], at: usize) -> S::f32s {
    match from.get(at..at + S::F32_LANES) {
        Some(from) => match S::as_simd_f32s(from).0 {
            [v] => *v,
            _ => simd.splat_f32s(0.0),
        },
        None => simd.splat_f32s(0.0),
    }
}

/// One of many vectors. Always a value, so that what it is put into need not be cleared before.
#[inline(always)]
fn of<S: Simd>(simd: S, from: &[S::f32s], at: usize) -> S::f32s {
    match from.get(at) {
        Some(v) => *v,
        None => simd.splat_f32s(0.0),
    }
}

#[inline(always)]
pub(in crate::model::kernels) fn store<S: Simd>(to: &mut [f32], at: usize, v: S::f32s) {
    if let Some(to) = to.get_mut(at..at + S::F32_LANES)
        && let [to] = S::as_mut_simd_f32s(to).0
    {
        *to = v;
    }
}

/// A sum of rows times factors; all of one length, whole vectors.
pub(in crate::model::kernels) struct Combine<'a> {
    pub rows: &'a [(&'a [f32], f32)],
    pub out: &'a mut [f32],
}

impl Combine<'_> {
    pub fn run(self) {
        arch().dispatch(self);
    }
}

impl WithSimd for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, out } = self;
        let out = S::as_mut_simd_f32s(out).0;
        // As many rows at a time as the widest transform has.
        for (i, rows) in rows.chunks(5).enumerate() {
            let fresh = i == 0;
            match rows {
                [a] => combine::<S, 1>(simd, [*a], fresh, out),
                [a, b] => combine::<S, 2>(simd, [*a, *b], fresh, out),
                [a, b, c] => combine::<S, 3>(simd, [*a, *b, *c], fresh, out),
                [a, b, c, d] => combine::<S, 4>(simd, [*a, *b, *c, *d], fresh, out),
                [a, b, c, d, e] => combine::<S, 5>(simd, [*a, *b, *c, *d, *e], fresh, out),
                _ => {}
            }
        }
    }
}

#[inline(always)]
fn combine<S: Simd, const N: usize>(simd: S, terms: [(&[f32], f32); N], fresh: bool, out: &mut [S::f32s]) {
    let mut rows: [&[S::f32s]; N] = [&[]; N];
    let mut factors = [simd.splat_f32s(0.0); N];
    for n in 0..N {
        let row = S::as_simd_f32s(terms[n].0).0;
        rows[n] = row.get(..out.len()).unwrap_or(row);
        factors[n] = simd.splat_f32s(terms[n].1);
    }
    for (i, to) in out.iter_mut().enumerate() {
        let mut sum = if fresh { simd.splat_f32s(0.0) } else { *to };
        for n in 0..N {
            let Some(v) = rows[n].get(i) else { break };
            sum = simd.mul_add_e_f32s(factors[n], *v, sum);
        }
        *to = sum;
    }
}

/// A row of tiles to the factors of its products: `FROM` by `FROM` numbers of each to `TO` by `TO`.
pub(in crate::model::kernels) struct Spread<'a, 'b> {
    /// `[row, place, channel]`, from the first row of the tiles on.
    pub source: &'a [f32],
    /// Places of a row.
    pub places: usize,
    /// Places from a tile to the next.
    pub step: usize,
    pub tiles: usize,
    pub channels: usize,
    /// For every product `[tile, channel]`.
    pub out: &'a mut [&'b mut [f32]],
}

impl Spread<'_, '_> {
    pub fn run<L: Along<FROM, TO>, const FROM: usize, const TO: usize>(self) {
        arch().dispatch(SpreadAlong::<L, FROM, TO> { job: self, along: std::marker::PhantomData });
    }
}

struct SpreadAlong<'a, 'b, L, const FROM: usize, const TO: usize> {
    job: Spread<'a, 'b>,
    along: std::marker::PhantomData<L>,
}

impl<L: Along<FROM, TO>, const FROM: usize, const TO: usize> WithSimd for SpreadAlong<'_, '_, L, FROM, TO> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Spread { source, places, step, tiles, channels, out } = self.job;
        if out.len() != TO * TO {
            return;
        }
        let mut products: [&mut [S::f32s]; MOST] = std::array::from_fn(|_| Default::default());
        for (to, out) in products.iter_mut().zip(out) {
            *to = S::as_mut_simd_f32s(out).0;
        }
        let (source, vectors) = (S::as_simd_f32s(source).0, channels / S::F32_LANES);
        let mut square = Square::<S, FROM, TO>::new(simd);
        for tile in 0..tiles {
            for c in 0..vectors {
                for h in 0..FROM {
                    let first = (h * places + tile * step) * vectors + c;
                    for w in 0..FROM {
                        square.from[h][w] = of(simd, source, first + w * vectors);
                    }
                }
                square.turn::<L>(simd);
                let at = tile * vectors + c;
                for h in 0..TO {
                    for w in 0..TO {
                        if let Some(to) = products[h * TO + w].get_mut(at) {
                            *to = square.to[h][w];
                        }
                    }
                }
            }
        }
    }
}

/// Products of a row of tiles to what they are of its outputs.
pub(in crate::model::kernels) struct Unite<'a, 'b> {
    /// Every product `[tile, channel]`.
    pub products: &'a [&'a [f32]],
    pub tiles: usize,
    /// Of the products and of the picture.
    pub channels: [usize; 2],
    /// Where the products' channels begin in the picture.
    pub first: usize,
    /// Outputs of the first tile that lie before the first place.
    pub shift: usize,
    /// For every output frame its factor, whether it is written for the first time, and its rows `[place, channel]`.
    pub frames: &'a mut [(f32, bool, &'a mut [&'b mut [f32]])],
}

impl Unite<'_, '_> {
    /// The products are `FROM` by `FROM`, the outputs of a tile `TO` by `TO`.
    pub fn run<const FROM: usize, const TO: usize>(self)
    where
        Outputs: Along<FROM, TO>,
    {
        arch().dispatch(UniteAlong::<FROM, TO>(self));
    }
}

struct UniteAlong<'a, 'b, const FROM: usize, const TO: usize>(Unite<'a, 'b>);

impl<const FROM: usize, const TO: usize> WithSimd for UniteAlong<'_, '_, FROM, TO>
where
    Outputs: Along<FROM, TO>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Unite { products, tiles, channels: [channels, wide], first, shift, frames } = self.0;
        if products.len() != FROM * FROM {
            return;
        }
        let mut factors: [&[S::f32s]; MOST] = [&[]; MOST];
        for (to, product) in factors.iter_mut().zip(products) {
            *to = S::as_simd_f32s(product).0;
        }
        let mut square = Square::<S, FROM, TO>::new(simd);
        for tile in 0..tiles {
            for c in (0..channels).step_by(S::F32_LANES) {
                let at = (tile * channels + c) / S::F32_LANES;
                for h in 0..FROM {
                    for w in 0..FROM {
                        square.from[h][w] = of(simd, factors[h * FROM + w], at);
                    }
                }
                square.turn::<Outputs>(simd);
                for (factor, fresh, rows) in frames.iter_mut() {
                    let factor = simd.splat_f32s(*factor);
                    for h in 0..TO {
                        let Some(row) = rows.get_mut(h) else { break };
                        for w in 0..TO {
                            // Beyond the edges there are no rows, and nothing is stored.
                            let Some(place) = (tile * TO + w).checked_sub(shift) else { continue };
                            let at = place * wide + first + c;
                            let before = if *fresh { simd.splat_f32s(0.0) } else { load(simd, row, at) };
                            store::<S>(row, at, simd.mul_add_e_f32s(factor, square.to[h][w], before));
                        }
                    }
                }
            }
        }
    }
}

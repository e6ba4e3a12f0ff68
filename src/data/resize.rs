//! Resizing with half-pixel centres: bilinear, bit for bit as OpenCV's `INTER_LINEAR` on 8-bit pictures, so that a network
//! sees here what it saw where it was trained; or with a triangle filter over all source pixels when antialiasing is
//! asked for.

use crate::simd::arch;
use pulp::{Simd, WithSimd};

/// Bits of the weights of bilinear sums, as OpenCV has them.
const BITS: i32 = 11;

/// The two source positions of each output pixel and their weights, in units of `1 / 2^BITS`.
#[derive(Clone, Debug)]
struct Pairs {
    at: Vec<[u32; 2]>,
    weights: Vec<[i32; 2]>,
}

impl Pairs {
    /// `across` says that the axis is the horizontal one: OpenCV gives the border pixel the whole weight there, and
    /// takes it twice in the vertical one.
    fn new(source: u32, target: u32, across: bool) -> Self {
        let scale = 1.0 / (f64::from(target) / f64::from(source));
        let last = i64::from(source) - 1;
        let (mut at, mut weights) = (Vec::with_capacity(target as usize), Vec::with_capacity(target as usize));
        for o in 0..target {
            let centre = ((f64::from(o) + 0.5) * scale - 0.5) as f32;
            let mut low = centre.floor() as i64;
            let mut part = centre - low as f32;
            if across && !(0..last).contains(&low) {
                (low, part) = (low.clamp(0, last), 0.0);
            }
            let one = (1 << BITS) as f32;
            at.push([low, low + 1].map(|p| p.clamp(0, last) as u32));
            weights.push([(1.0 - part) * one, part * one].map(|w| w.round_ties_even() as i32));
        }
        Self { at, weights }
    }

    /// Source positions that weigh anything, and the same axis over a source that has no others.
    fn sparse(&self) -> (Vec<u32>, Self) {
        // A position without weight may as well be the other one.
        let used = |(at, weights): (&[u32; 2], &[i32; 2])| match weights {
            [0, _] => [at[1]; 2],
            [_, 0] => [at[0]; 2],
            _ => *at,
        };
        let at: Vec<[u32; 2]> = self.at.iter().zip(&self.weights).map(used).collect();
        let mut positions = at.as_flattened().to_vec();
        positions.sort_unstable();
        positions.dedup();
        let place = |p: u32| positions.partition_point(|q| *q < p) as u32;
        let at = at.iter().map(|pair| pair.map(place)).collect();
        (positions.clone(), Self { at, weights: self.weights.clone() })
    }
}

/// Source positions and weights of one axis of a filter: output pixel `o` is the sum of `weights[o*taps + i]` times source pixel
/// `first[o] + i`.
#[derive(Clone, Debug)]
struct Axis {
    first: Vec<u32>,
    weights: Vec<f32>,
    taps: usize,
}

impl Axis {
    fn new(source: u32, target: u32) -> Self {
        let scale = f64::from(source) / f64::from(target);
        // A triangle as wide as an output pixel; never narrower than one source pixel, which is plain bilinear.
        let reach = scale.max(1.0);
        let taps = ((2.0 * reach).ceil() as usize + 1).min(source as usize).max(1);
        let (mut first, mut weights) = (Vec::with_capacity(target as usize), Vec::new());
        for o in 0..target {
            let centre = (f64::from(o) + 0.5) * scale - 0.5;
            let low = (centre - reach).ceil() as i64;
            let start = low.clamp(0, i64::from(source) - taps as i64);
            let mut row = vec![0.0_f64; taps];
            for position in low..=(centre + reach).floor() as i64 {
                let weight = 1.0 - (position as f64 - centre).abs() / reach;
                // What is past the edge is left out, and the rest counts for more.
                if position < 0 || position >= i64::from(source) {
                    continue;
                }
                if let Some(w) = usize::try_from(position - start).ok().and_then(|i| row.get_mut(i)) {
                    *w += weight.max(0.0);
                }
            }
            let sum: f64 = row.iter().sum();
            first.push(start as u32);
            weights.extend(row.iter().map(|w| (w / sum) as f32));
        }
        Self { first, weights, taps }
    }

    /// Source positions that weigh anything, and the same axis over a source that has no others.
    fn sparse(&self) -> (Vec<u32>, Self) {
        let rows = || self.first.iter().zip(self.weights.chunks_exact(self.taps));
        // The first and last position of each output that weigh anything.
        let spans: Vec<(u32, &[f32])> = rows()
            .map(|(first, weights)| {
                let start = weights.iter().position(|w| *w != 0.0).unwrap_or(0);
                let end = weights.iter().rposition(|w| *w != 0.0).map_or(start, |e| e + 1);
                (first + start as u32, &weights[start..end])
            })
            .collect();
        let mut positions: Vec<u32> = spans.iter().flat_map(|(at, w)| *at..*at + w.len() as u32).collect();
        positions.sort_unstable();
        positions.dedup();
        let taps = spans.iter().map(|(_, w)| w.len()).max().unwrap_or(1).max(1);
        let mut sparse = Self { first: Vec::with_capacity(spans.len()), weights: Vec::new(), taps };
        for (at, weights) in spans {
            // Outputs of fewer taps are filled up with zeros, before them where nothing is left behind.
            let place = positions.partition_point(|p| *p < at);
            let start = place.min(positions.len().saturating_sub(taps));
            let mut row = vec![0.0; taps];
            row[place - start..place - start + weights.len()].copy_from_slice(weights);
            sparse.first.push(start as u32);
            sparse.weights.extend(row);
        }
        (positions, sparse)
    }
}

/// What a resize does.
#[derive(Clone, Debug)]
enum ResizePlan {
    Nothing,
    Bilinear { x: Pairs, y: Pairs },
    Filter { x: Axis, y: Axis },
}

/// A resize that asks only for the pixels it reads; see [`Resizer::sparse`].
#[derive(Clone, Debug)]
pub struct Sparse {
    /// Rows of the source.
    pub rows: Vec<u32>,
    /// Columns of the source.
    pub columns: Vec<u32>,
    /// Takes the pixels where they meet.
    pub resizer: Resizer,
}

/// Resizes pictures of one size to another; built once, used for every frame.
#[derive(Clone, Debug)]
pub struct Resizer {
    source: (u32, u32),
    target: (u32, u32),
    plan: ResizePlan,
}

impl Resizer {
    /// Plans the resize; sizes are (width, height) and at least 1 each.
    pub fn new(source: (u32, u32), target: (u32, u32), antialias: bool) -> Self {
        let at_least_one = |s: (u32, u32)| (s.0.max(1), s.1.max(1));
        let (source, target) = (at_least_one(source), at_least_one(target));
        let plan = if source == target {
            ResizePlan::Nothing
        } else if antialias {
            ResizePlan::Filter { x: Axis::new(source.0, target.0), y: Axis::new(source.1, target.1) }
        } else {
            ResizePlan::Bilinear { x: Pairs::new(source.0, target.0, true), y: Pairs::new(source.1, target.1, false) }
        };
        Self { source, target, plan }
    }

    /// Rows and columns of the source that weigh anything, ascending, and the resize of a picture made of just those.
    pub fn sparse(&self) -> Sparse {
        let (rows, columns, plan) = match &self.plan {
            ResizePlan::Nothing => ((0..self.source.1).collect(), (0..self.source.0).collect(), ResizePlan::Nothing),
            ResizePlan::Bilinear { x, y } => {
                let ((rows, y), (columns, x)) = (y.sparse(), x.sparse());
                (rows, columns, ResizePlan::Bilinear { x, y })
            }
            ResizePlan::Filter { x, y } => {
                let ((rows, y), (columns, x)) = (y.sparse(), x.sparse());
                (rows, columns, ResizePlan::Filter { x, y })
            }
        };
        let source = (columns.len() as u32, rows.len() as u32);
        Sparse { rows, columns, resizer: Self { source, target: self.target, plan } }
    }

    /// Resizes 8-bit RGB rows without padding. Does nothing when either buffer has the wrong length.
    pub fn rgb(&self, from: &[u8], to: &mut [u8]) {
        let (sw, tw) = (self.source.0 as usize * 3, self.target.0 as usize * 3);
        if from.len() != sw * self.source.1 as usize || to.len() != tw * self.target.1 as usize {
            return;
        }
        match &self.plan {
            ResizePlan::Nothing => to.copy_from_slice(from),
            ResizePlan::Bilinear { x, y } => arch().dispatch(ResizeCall { x, y, from, widths: [sw, tw], to }),
            ResizePlan::Filter { x, y } => arch().dispatch(ResizeCall { x, y, from, widths: [sw, tw], to }),
        }
    }
}

/// A resize in the widest instructions this processor has.
struct ResizeCall<'a, A> {
    x: &'a A,
    y: &'a A,
    from: &'a [u8],
    /// Bytes of a row of the source and of the target.
    widths: [usize; 2],
    to: &'a mut [u8],
}

/// The bilinear one.
impl WithSimd for ResizeCall<'_, Pairs> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, y, from, widths: [sw, tw], to } = self;
        // Sums along the two rows of the source, which the next row of the target often reads again.
        let (mut upper, mut lower) = (vec![0_i32; tw], vec![0_i32; tw]);
        let (mut upper_at, mut lower_at) = (u32::MAX, u32::MAX);
        for ((rows, weights), out) in y.at.iter().zip(&y.weights).zip(to.chunks_exact_mut(tw)) {
            if rows[0] == lower_at {
                std::mem::swap(&mut upper, &mut lower);
                std::mem::swap(&mut upper_at, &mut lower_at);
            }
            if rows[0] != upper_at {
                along(x, &from[rows[0] as usize * sw..][..sw], &mut upper);
                upper_at = rows[0];
            }
            if rows[1] != lower_at {
                along(x, &from[rows[1] as usize * sw..][..sw], &mut lower);
                lower_at = rows[1];
            }
            let [first, second] = *weights;
            for ((out, a), b) in out.iter_mut().zip(&upper).zip(&lower) {
                // The order of the shifts is OpenCV's, and with it what is cut off.
                let sum = ((first * (a >> 4)) >> 16) + ((second * (b >> 4)) >> 16);
                *out = ((sum + 2) >> 2).clamp(0, 255) as u8;
            }
        }
    }
}

/// Sums along a row.
#[inline(always)]
fn along(x: &Pairs, row: &[u8], out: &mut [i32]) {
    let (pixels, _) = row.as_chunks::<3>();
    for ((at, weights), out) in x.at.iter().zip(&x.weights).zip(out.as_chunks_mut::<3>().0) {
        let (a, b) = (&pixels[at[0] as usize], &pixels[at[1] as usize]);
        for c in 0..3 {
            out[c] = i32::from(a[c]) * weights[0] + i32::from(b[c]) * weights[1];
        }
    }
}

/// The filter.
impl WithSimd for ResizeCall<'_, Axis> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, y, from, widths: [sw, tw], to } = self;
        let mut line = vec![0.0_f32; sw];
        let rows = y.first.iter().zip(y.weights.chunks_exact(y.taps));
        for ((top, weights), out) in rows.zip(to.chunks_exact_mut(tw)) {
            line.fill(0.0);
            for (row, weight) in from.chunks_exact(sw).skip(*top as usize).zip(weights) {
                if *weight != 0.0 {
                    line.iter_mut().zip(row).for_each(|(l, p)| *l += weight * f32::from(*p));
                }
            }
            let columns = x.first.iter().zip(x.weights.chunks_exact(x.taps));
            for ((left, weights), pixel) in columns.zip(out.as_chunks_mut::<3>().0) {
                let left = *left as usize * 3;
                let mut sum = [0.0_f32; 3];
                for (rgb, weight) in line[left..left + 3 * x.taps].as_chunks::<3>().0.iter().zip(weights) {
                    sum.iter_mut().zip(rgb).for_each(|(s, v)| *s += weight * v);
                }
                *pixel = sum.map(|s| (s + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::{Digest, Md5};

    fn gray(values: &[u8]) -> Vec<u8> {
        values.iter().flat_map(|v| [*v; 3]).collect()
    }

    fn resize(values: &[u8], from: (u32, u32), to: (u32, u32), antialias: bool) -> Vec<u8> {
        let mut out = vec![0; (to.0 * to.1 * 3) as usize];
        Resizer::new(from, to, antialias).rgb(&gray(values), &mut out);
        out.chunks_exact(3).map(|p| p[0]).collect()
    }

    #[test]
    fn by_hand() {
        // Centres of 2 in 4: 0.5 and 2.5.
        assert_eq!(resize(&[0, 100, 200, 40], (4, 1), (2, 1), false), [50, 120]);
        // Doubling: -0.25 (the border), 0.25, 0.75, 1.25 (the border).
        assert_eq!(resize(&[0, 100], (2, 1), (4, 1), false), [0, 25, 75, 100]);
        assert_eq!(resize(&[7], (1, 1), (3, 2), false), [7; 6]);
        assert_eq!(resize(&[1, 2, 3, 4, 5, 6], (3, 2), (3, 2), true), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn every_byte_is_opencv_s() {
        // MD5 of what OpenCV 5.0's resize with INTER_LINEAR makes of the picture below.
        let truth = [
            ((400, 550), (112, 112), "1503d1b267f0c1b2f4350f22f6045eda"),
            ((640, 480), (112, 112), "12282d11004aeb16f853c8af15bb5f2e"),
            ((161, 121), (64, 48), "92767a6131869baf46ae96f90608a656"),
            ((180, 144), (128, 128), "f1aafdda3740d70f5bb5764f052168ca"),
            ((100, 80), (224, 224), "9490dbf7ef3d4703ffaa5cfd55976dee"),
            ((768, 432), (112, 112), "ea62d30d3de98d1bdfa587b2f9bbe5e3"),
            ((64, 64), (64, 64), "d98ecaccb041a56fc35aec1c8fd28d91"),
            ((224, 224), (112, 112), "6a7f49286707f81c2579e801d24f0346"),
            ((37, 53), (91, 17), "c36c69d6fb09295f3a65b25ead46a2a5"),
            ((2, 1), (5, 3), "4e425b4fa16a135463cb059d60b90abc"),
            ((1, 1), (4, 4), "657a6fca73fda98f921bc60f9723c638"),
            ((5, 7), (3, 11), "0bc4a4019e16b05571a2787355d5f45e"),
            ((1920, 1080), (171, 128), "b26db866233db43848fae479947fd806"),
            ((30, 20), (15, 10), "1d434beafcdf727e40c8cc35b5791259"),
            ((113, 57), (224, 224), "007603eb44b0dddac8b60b91c61559ef"),
        ];
        for ((w, h), to, expected) in truth {
            let from = picture(w, h);
            let mut out = vec![0; (to.0 * to.1 * 3) as usize];
            Resizer::new((w, h), to, false).rgb(&from, &mut out);
            let digest: String = Md5::digest(&out).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(digest, expected, "{w}x{h} to {to:?}");
        }
    }

    fn picture(width: u32, height: u32) -> Vec<u8> {
        (0..width * height * 3).map(|i| (i % 6211 * 7919 % 251) as u8).collect()
    }

    #[test]
    fn asking_only_for_what_is_read_changes_nothing() {
        let shapes = [
            ((400, 550), (112, 112)),
            ((161, 121), (64, 48)),
            ((7, 5), (9, 11)),
            ((64, 64), (64, 64)),
            ((2, 1), (1, 1)),
        ];
        for (((w, h), to), antialias) in shapes.into_iter().flat_map(|s| [(s, false), (s, true)]) {
            let from = picture(w, h);
            let whole = Resizer::new((w, h), to, antialias);
            let (mut expected, mut found) = (vec![0; (to.0 * to.1 * 3) as usize], vec![1; (to.0 * to.1 * 3) as usize]);
            whole.rgb(&from, &mut expected);
            let sparse = whole.sparse();
            let at = |y: u32, x: u32| ((y * w + x) * 3) as usize;
            let pixels = sparse.rows.iter().flat_map(|y| sparse.columns.iter().map(move |x| at(*y, *x)));
            let part: Vec<u8> = pixels.flat_map(|at| from[at..at + 3].to_vec()).collect();
            sparse.resizer.rgb(&part, &mut found);
            assert_eq!(expected, found, "{w}x{h} to {to:?}, antialias {antialias}");
            if (w, to.0, antialias) == (400, 112, false) {
                assert!(part.len() * 4 < from.len(), "{} of {} bytes are asked for", part.len(), from.len());
            }
        }
    }

    #[test]
    fn antialiasing_averages_where_plain_bilinear_skips() {
        let stripes: Vec<u8> = (0..64).map(|i| if i % 4 == 1 { 240 } else { 0 }).collect();
        let plain = resize(&stripes, (64, 1), (8, 1), false);
        assert!(plain.iter().all(|v| *v == 0), "{plain:?}");
        let smooth = resize(&stripes, (64, 1), (8, 1), true);
        assert!(smooth[1..7].iter().all(|v| (*v as i32 - 60).abs() < 8), "{smooth:?}");
    }
}

//! Resizing with half-pixel centres: bilinear as OpenCV's `INTER_LINEAR`, or with a triangle filter over all source
//! pixels when antialiasing is asked for.

use pulp::{Arch, Simd, WithSimd};

/// Source positions and weights of one axis: output pixel `o` is the sum of `weights[o*taps + i]` times source pixel
/// `first[o] + i`.
#[derive(Clone, Debug)]
struct Axis {
    first: Vec<u32>,
    weights: Vec<f32>,
    taps: usize,
}

impl Axis {
    fn new(source: u32, target: u32, antialias: bool) -> Self {
        let scale = f64::from(source) / f64::from(target);
        // A triangle as wide as an output pixel; never narrower than one source pixel, which is plain bilinear.
        let reach = if antialias { scale.max(1.0) } else { 1.0 };
        let taps = ((2.0 * reach).ceil() as usize + 1).min(source as usize).max(1);
        let (mut first, mut weights) = (Vec::with_capacity(target as usize), Vec::new());
        for o in 0..target {
            let centre = (f64::from(o) + 0.5) * scale - 0.5;
            let low = (centre - reach).ceil() as i64;
            let start = low.clamp(0, i64::from(source) - taps as i64);
            let mut row = vec![0.0_f64; taps];
            for position in low..=(centre + reach).floor() as i64 {
                let weight = 1.0 - (position as f64 - centre).abs() / reach;
                // Past the edge OpenCV repeats the border pixel; filters leave it out and rescale.
                if antialias && (position < 0 || position >= i64::from(source)) {
                    continue;
                }
                let inside = position.clamp(0, i64::from(source) - 1);
                if let Some(w) = usize::try_from(inside - start).ok().and_then(|i| row.get_mut(i)) {
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
    x: Axis,
    y: Axis,
    /// Nothing changes.
    same: bool,
}

impl Resizer {
    /// Plans the resize; sizes are (width, height) and at least 1 each.
    pub fn new(source: (u32, u32), target: (u32, u32), antialias: bool) -> Self {
        let at_least_one = |s: (u32, u32)| (s.0.max(1), s.1.max(1));
        let (source, target) = (at_least_one(source), at_least_one(target));
        Self {
            source,
            target,
            x: Axis::new(source.0, target.0, antialias),
            y: Axis::new(source.1, target.1, antialias),
            same: source == target,
        }
    }

    /// Width and height this takes.
    pub fn source(&self) -> (u32, u32) {
        self.source
    }

    /// Rows and columns of the source that weigh anything, ascending, and the resize of a picture made of just those.
    pub fn sparse(&self) -> Sparse {
        let ((rows, y), (columns, x)) = (self.y.sparse(), self.x.sparse());
        let source = (columns.len() as u32, rows.len() as u32);
        let resizer = Self { source, target: self.target, x, y, same: self.same };
        Sparse { rows, columns, resizer }
    }

    /// Resizes 8-bit RGB rows without padding. Does nothing when either buffer has the wrong length.
    pub fn rgb(&self, from: &[u8], to: &mut [u8]) {
        let (sw, tw) = (self.source.0 as usize * 3, self.target.0 as usize * 3);
        if from.len() != sw * self.source.1 as usize || to.len() != tw * self.target.1 as usize {
            return;
        }
        if self.same {
            to.copy_from_slice(from);
            return;
        }
        Arch::new().dispatch(Rows { plan: self, from, to });
    }
}

/// The resize in the widest instructions this processor has.
struct Rows<'a> {
    plan: &'a Resizer,
    from: &'a [u8],
    to: &'a mut [u8],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { plan: Resizer { source, target, x, y, .. }, from, to } = self;
        let (sw, tw) = (source.0 as usize * 3, target.0 as usize * 3);
        let mut line = vec![0.0_f32; sw];
        let rows = y.first.iter().zip(y.weights.chunks_exact(y.taps));
        for ((top, weights), out) in rows.zip(to.chunks_exact_mut(tw)) {
            line.fill(0.0);
            for (row, weight) in from.chunks_exact(sw).skip(*top as usize).zip(weights) {
                if *weight != 0.0 {
                    line.iter_mut().zip(row).for_each(|(l, p)| *l += weight * f32::from(*p));
                }
            }
            match x.taps {
                1 => across::<1>(x, &line, out),
                2 => across::<2>(x, &line, out),
                3 => across::<3>(x, &line, out),
                _ => across::<0>(x, &line, out),
            }
        }
    }
}

/// Sums a line's pixels into those of an output row; `TAPS` is how many, or 0 for any number.
#[inline(always)]
fn across<const TAPS: usize>(x: &Axis, line: &[f32], out: &mut [u8]) {
    let taps = if TAPS == 0 { x.taps } else { TAPS };
    let columns = x.first.iter().zip(x.weights.chunks_exact(taps));
    for ((left, weights), pixel) in columns.zip(out.as_chunks_mut::<3>().0) {
        let left = *left as usize * 3;
        let mut sum = [0.0_f32; 3];
        for (rgb, weight) in line[left..left + 3 * taps].as_chunks::<3>().0.iter().zip(weights) {
            sum.iter_mut().zip(rgb).for_each(|(s, v)| *s += weight * v);
        }
        *pixel = sum.map(|s| (s + 0.5).clamp(0.0, 255.0) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn asking_only_for_what_is_read_changes_nothing() {
        let shapes = [
            ((400, 550), (112, 112)),
            ((161, 121), (64, 48)),
            ((7, 5), (9, 11)),
            ((64, 64), (64, 64)),
            ((2, 1), (1, 1)),
        ];
        for (((w, h), to), antialias) in shapes.into_iter().flat_map(|s| [(s, false), (s, true)]) {
            let from: Vec<u8> = (0..w * h * 3).map(|i| (i % 6211 * 7919 % 251) as u8).collect();
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

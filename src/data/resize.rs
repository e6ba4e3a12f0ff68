//! Resizing with half-pixel centres: bilinear as OpenCV's `INTER_LINEAR`, or with a triangle filter over all source
//! pixels when antialiasing is asked for.

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
}

/// Resizes pictures of one size to another; built once, used for every frame.
#[derive(Clone, Debug)]
pub struct Resizer {
    source: (u32, u32),
    target: (u32, u32),
    x: Axis,
    y: Axis,
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
        }
    }

    /// Width and height this takes.
    pub fn source(&self) -> (u32, u32) {
        self.source
    }

    /// Resizes 8-bit RGB rows without padding. Does nothing when either buffer has the wrong length.
    pub fn rgb(&self, from: &[u8], to: &mut [u8]) {
        let (sw, tw) = (self.source.0 as usize * 3, self.target.0 as usize * 3);
        if from.len() != sw * self.source.1 as usize || to.len() != tw * self.target.1 as usize {
            return;
        }
        if self.source == self.target {
            to.copy_from_slice(from);
            return;
        }
        let mut line = vec![0.0_f32; sw];
        let rows = self.y.first.iter().zip(self.y.weights.chunks_exact(self.y.taps));
        for ((top, weights), out) in rows.zip(to.chunks_exact_mut(tw)) {
            line.fill(0.0);
            for (row, weight) in from.chunks_exact(sw).skip(*top as usize).zip(weights) {
                if *weight != 0.0 {
                    line.iter_mut().zip(row).for_each(|(l, p)| *l += weight * f32::from(*p));
                }
            }
            let columns = self.x.first.iter().zip(self.x.weights.chunks_exact(self.x.taps));
            for ((left, weights), pixel) in columns.zip(out.chunks_exact_mut(3)) {
                let mut sum = [0.0_f32; 3];
                let taps = line.get(*left as usize * 3..).unwrap_or_default().chunks_exact(3);
                for (rgb, weight) in taps.zip(weights) {
                    sum.iter_mut().zip(rgb).for_each(|(s, v)| *s += weight * v);
                }
                pixel.iter_mut().zip(sum).for_each(|(p, s)| *p = (s + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
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
    fn antialiasing_averages_where_plain_bilinear_skips() {
        let stripes: Vec<u8> = (0..64).map(|i| if i % 4 == 1 { 240 } else { 0 }).collect();
        let plain = resize(&stripes, (64, 1), (8, 1), false);
        assert!(plain.iter().all(|v| *v == 0), "{plain:?}");
        let smooth = resize(&stripes, (64, 1), (8, 1), true);
        assert!(smooth[1..7].iter().all(|v| (*v as i32 - 60).abs() < 8), "{smooth:?}");
    }
}

//! The arithmetic behind a curve: smoothing and thinning to what a screen can show.

/// An exponential moving average that starts unbiased (Kingma & Ba 2015, as TensorBoard draws it) and grows with its
/// input: new values cost only themselves.
#[derive(Clone, Debug, Default)]
pub struct Smoothed {
    weight: f64,
    first: Option<f64>,
    sum: f64,
    scale: f64,
    values: Vec<f64>,
}

impl Smoothed {
    /// The smoothed value at a position, once there.
    pub fn get(&self, index: usize) -> Option<f64> {
        self.values.get(index).copied()
    }

    /// Smooths `values` with `weight` (0 follows every value, 0.99 hardly any) and returns one value each. A value that
    /// is not finite stays a gap and does not poison what follows.
    pub fn update(&mut self, values: &[f64], weight: f64) -> &[f64] {
        let weight = weight.clamp(0.0, 0.999);
        let first = values.first().copied();
        let same_start = first.map(f64::to_bits) == self.first.map(f64::to_bits);
        if weight != self.weight || values.len() < self.values.len() || !same_start {
            *self = Self { weight, first, ..Self::default() };
        }
        for &value in values.get(self.values.len()..).unwrap_or_default() {
            if value.is_finite() {
                self.sum = self.sum * weight + (1.0 - weight) * value;
                self.scale = self.scale * weight + (1.0 - weight);
                self.values.push(self.sum / self.scale);
            } else {
                self.values.push(f64::NAN);
            }
        }
        &self.values
    }
}

/// Values that may follow a thinned curve as they are, before it is thinned anew.
const TAIL: usize = 256;

/// A thinned curve that is kept while its values and the range in view stay, and grows with new values: what they cost
/// does not depend on how many came before.
#[derive(Clone, Debug, Default)]
pub struct Thinned {
    points: Vec<[f64; 2]>,
    range: (f64, f64),
    columns: usize,
    weight: f64,
    /// Values when it was thinned, and those taken over by now.
    thinned: usize,
    taken: usize,
    /// The first and the newest value taken over, by which the same curve is known again.
    ends: Option<[[u64; 2]; 2]>,
}

impl Thinned {
    /// The points of [`thin`] over `range`, and behind them what came since. `weight` is that of the smoothing, which
    /// changes every value. A range that moved by less than half a column is still the same to the eye.
    pub fn update(&mut self, xs: &[f64], ys: &[f64], range: (f64, f64), columns: usize, weight: f64) -> &[[f64; 2]] {
        let count = xs.len().min(ys.len());
        let slack = (range.1 - range.0) / columns.max(1) as f64 / 2.0;
        let near = (range.0 - self.range.0).abs() <= slack && (range.1 - self.range.1).abs() <= slack;
        let same = columns == self.columns && weight == self.weight && ends(xs, ys, self.taken) == self.ends;
        if same && near && count >= self.taken && count - self.thinned <= TAIL {
            for (x, y) in slice_of(xs, self.taken, count).iter().zip(slice_of(ys, self.taken, count)) {
                // One point beyond the border is enough for a line to reach it.
                let within = self.points.last().is_none_or(|p| p[0] <= range.1);
                if within && x.is_finite() && y.is_finite() {
                    self.points.push([*x, *y]);
                }
            }
        } else {
            let points = thin(xs, ys, range.0, range.1, columns);
            *self = Self { points, range, columns, weight, thinned: count, ..Self::default() };
        }
        self.taken = count;
        self.ends = ends(xs, ys, count);
        &self.points
    }
}

/// The part of a column that came since; skipping through it would cost all that came before.
fn slice_of(values: &[f64], from: usize, to: usize) -> &[f64] {
    values.get(from..to).unwrap_or_default()
}

/// The bits of the first and the last of the first `count` points; `None` without points.
fn ends(xs: &[f64], ys: &[f64], count: usize) -> Option<[[u64; 2]; 2]> {
    let at = |i: usize| Some([xs.get(i)?.to_bits(), ys.get(i)?.to_bits()]);
    Some([at(0)?, at(count.checked_sub(1)?)?])
}

/// Points of a curve between `from` and `to`, thinned so that no more than four fall on each of `columns` pixel
/// columns: the first, lowest, highest and last there. Peaks survive, whatever the length. `xs` rises; points that are
/// not finite are left out. One point on each side of the range is kept, so that lines reach the border.
pub fn thin(xs: &[f64], ys: &[f64], from: f64, to: f64, columns: usize) -> Vec<[f64; 2]> {
    let count = xs.len().min(ys.len());
    let (xs, ys) = (&xs[..count], &ys[..count]);
    let start = xs.partition_point(|x| *x < from).saturating_sub(1);
    let end = (xs.partition_point(|x| *x <= to) + 1).min(count);
    let width = to - from;
    if end.saturating_sub(start) <= columns.max(1) * 4 || width <= 0.0 || !width.is_finite() {
        return (start..end).map(|i| [xs[i], ys[i]]).filter(|p| p[0].is_finite() && p[1].is_finite()).collect();
    }
    let mut out = Vec::with_capacity(columns * 4 + 8);
    let mut at = start;
    for column in 1..=columns + 1 {
        // The last round takes the point beyond the border.
        let edge = if column > columns { f64::INFINITY } else { from + width * column as f64 / columns as f64 };
        let next = at + xs[at..end].partition_point(|x| *x < edge);
        extremes(&xs[at..next], &ys[at..next], &mut out);
        at = next;
    }
    out
}

/// Adds the first, lowest, highest and last finite point in the order they came in, each once.
fn extremes(xs: &[f64], ys: &[f64], out: &mut Vec<[f64; 2]>) {
    let Some(first) = ys.iter().position(|y| y.is_finite()) else { return };
    let last = ys.iter().rposition(|y| y.is_finite()).unwrap_or(first);
    let (mut low, mut high) = (first, first);
    for i in first..=last {
        if ys[i].is_finite() {
            if ys[i] < ys[low] {
                low = i;
            }
            if ys[i] > ys[high] {
                high = i;
            }
        }
    }
    let mut before = None;
    for i in [first, low.min(high), low.max(high), last] {
        if before.is_none_or(|b| i > b) {
            out.push([xs[i], ys[i]]);
            before = Some(i);
        }
    }
}

/// Index of the last point at or before `x` of a curve that reaches there, give or take `slack`; `None` before its first
/// point and behind its last one, where the curve has no value. `xs` rises.
pub fn within(xs: &[f64], ys: &[f64], x: f64, slack: f64) -> Option<usize> {
    let count = xs.len().min(ys.len());
    let (xs, ys) = (xs.get(..count)?, ys.get(..count)?);
    let there = |i: &usize| xs.get(*i).is_some_and(|x| x.is_finite()) && ys.get(*i).is_some_and(|y| y.is_finite());
    let last = (0..count).rev().find(there)?;
    if x > xs.get(last)? + slack {
        return None;
    }
    let behind = xs.partition_point(|v| *v <= x + slack);
    (0..behind).rev().find(there)
}

/// A value as people write it: four significant digits, powers of ten for the very small and the very large.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "NaN".into() } else { format!("{value}") };
    }
    let size = value.abs();
    if size == 0.0 {
        "0".into()
    } else if !(1e-3..1e6).contains(&size) {
        let text = format!("{value:.3e}");
        match text.split_once('e') {
            Some((mantissa, exponent)) if mantissa.contains('.') => {
                format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => text,
        }
    } else {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_starts_unbiased_and_grows_incrementally() {
        // By hand, weight 0.5: 4, then (4·0.25 + 0·0.5) / 0.75, then (4·0.125 + 0·0.25 + 2·0.5) / 0.875.
        let expected = [4.0, 4.0 / 3.0, 12.0 / 7.0];
        let mut grown = Smoothed::default();
        for n in 1..=3 {
            grown.update(&[4.0, 0.0, 2.0][..n], 0.5);
        }
        for (got, want) in grown.values.iter().zip(expected) {
            assert!((got - want).abs() < 1e-12, "{got} instead of {want}");
        }
        assert_eq!(Smoothed::default().update(&[1.0, 3.0, 2.0], 0.0), [1.0, 3.0, 2.0]);
    }

    #[test]
    fn a_gap_stays_a_gap_and_poisons_nothing() {
        let mut s = Smoothed::default();
        let out = s.update(&[1.0, f64::NAN, 1.0], 0.9).to_vec();
        assert!(out[1].is_nan());
        assert!((out[2] - 1.0).abs() < 1e-12);
        assert_eq!(s.update(&[5.0], 0.9), [5.0], "another run starts afresh");
    }

    #[test]
    fn thinning_keeps_peaks_and_bounds_the_count() {
        let xs: Vec<f64> = (0..100_000).map(f64::from).collect();
        let mut ys = vec![0.0; xs.len()];
        ys[54_321] = 9.0;
        ys[54_322] = -9.0;
        let out = thin(&xs, &ys, 0.0, 100_000.0, 500);
        assert!(out.len() <= 2000, "{} points", out.len());
        assert!(out.contains(&[54_321.0, 9.0]) && out.contains(&[54_322.0, -9.0]));
        assert!(out.windows(2).all(|w| w[0][0] <= w[1][0]), "points stay in order");
    }

    #[test]
    fn a_kept_curve_grows_and_notices_another() {
        let xs: Vec<f64> = (0..10_300).map(f64::from).collect();
        let ys: Vec<f64> = xs.iter().map(|x| (x * 0.7).sin()).collect();
        let mut kept = Thinned::default();
        let grown = |kept: &mut Thinned, n: usize| kept.update(&xs[..n], &ys[..n], (0.0, n as f64), 100, 0.0).to_vec();
        let first = grown(&mut kept, 10_000);
        assert_eq!(first, thin(&xs[..10_000], &ys[..10_000], 0.0, 10_000.0, 100));
        let next = grown(&mut kept, 10_020);
        assert_eq!(next[..first.len()], first, "what was thinned stays");
        assert_eq!(next.len(), first.len() + 20, "every new value is there");
        assert_eq!(next.last(), Some(&[xs[10_019], ys[10_019]]));
        let far = grown(&mut kept, 10_300);
        assert_eq!(far, thin(&xs[..10_300], &ys[..10_300], 0.0, 10_300.0, 100), "thinned anew in time");
        let other: Vec<f64> = ys.iter().map(|y| y + 1.0).collect();
        let swapped = kept.update(&xs, &other, (0.0, 10_300.0), 100, 0.0).to_vec();
        assert_eq!(swapped, thin(&xs, &other, 0.0, 10_300.0, 100), "another run is not taken for the same");
        assert!(kept.update(&[], &[], (0.0, 1.0), 100, 0.0).is_empty());
    }

    #[test]
    fn zooming_in_shows_every_point_and_reaches_the_border() {
        let xs: Vec<f64> = (0..1000).map(f64::from).collect();
        let out = thin(&xs, &xs, 10.5, 13.5, 500);
        assert_eq!(out.iter().map(|p| p[0]).collect::<Vec<_>>(), [10.0, 11.0, 12.0, 13.0, 14.0]);
        assert!(thin(&[], &[], 0.0, 1.0, 10).is_empty());
    }

    #[test]
    fn a_curve_has_no_value_where_it_does_not_reach() {
        let (xs, ys) = ([0.0, 1.0, 2.0, 3.0, 4.0], [f64::NAN, 5.0, f64::NAN, 7.0, f64::NAN]);
        let at = |x| within(&xs, &ys, x, 0.1);
        assert_eq!([0.5, 0.95, 1.9, 2.8, 3.05, 3.2].map(at), [None, Some(1), Some(1), Some(1), Some(3), None]);
        assert_eq!(within(&[], &[], 0.0, 1.0), None);
        assert_eq!(within(&xs, &[f64::NAN; 5], 0.0, 10.0), None);
    }

    #[test]
    fn numbers_read_well() {
        let shown: Vec<_> =
            [0.0, 0.123_456, 12.0, 1234.5678, 1e-4, 2.5e-7, 3e9, f64::NAN].into_iter().map(number).collect();
        assert_eq!(shown, ["0", "0.1235", "12", "1235", "1e-4", "2.5e-7", "3e9", "NaN"]);
    }
}

//! Clips as points: pooled features of a layer, their principal components, which clips look the same to the network.

use super::activations::LayerActivation;
use super::neighbour_map::{NeighbourMap, TRUSTED_NEIGHBOURS, trustworthiness};
use super::pca::principal_components;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Components of a map.
const COMPONENTS: usize = 3;
/// Those that are its axes.
const AXES: usize = 2;

/// Features of clips: a row each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    /// Features of a clip.
    pub features: usize,
    /// `[clips, features]` in C order.
    pub values: Vec<f32>,
}

impl Pooled {
    /// The rows of several, of clips that they took in turns, in the order of the clips.
    pub fn together(parts: &[Self]) -> Self {
        let features = parts.iter().map(|p| p.features).max().unwrap_or_default();
        let clips: usize = parts.iter().map(Self::clips).sum();
        let size = parts.len().max(1);
        let rows = (0..clips).filter_map(|at| parts.get(at % size).map(|part| part.row(at / size)));
        Self { features, values: rows.flatten().copied().collect() }
    }

    /// Adds a clip: the mean of each channel over all cells.
    pub fn add(&mut self, activation: &LayerActivation) {
        self.features = activation.shape[0];
        let mean = |v: &[f32]| (v.iter().map(|v| f64::from(*v)).sum::<f64>() / v.len().max(1) as f64) as f32;
        self.values.extend(activation.channels().map(mean));
    }

    /// Clips.
    pub fn clips(&self) -> usize {
        self.values.len() / self.features.max(1)
    }

    fn row(&self, clip: usize) -> &[f32] {
        self.values.get(clip * self.features..(clip + 1) * self.features).unwrap_or_default()
    }

    /// Euclidean distance of two clips.
    pub fn distance(&self, a: usize, b: usize) -> f64 {
        distance(self.row(a), self.row(b))
    }

    /// The clips nearest to one, itself left out, with their distances; the first of equals first.
    pub fn nearest(&self, clip: usize, most: usize) -> Vec<(usize, f64)> {
        let mut all: Vec<(usize, f64)> =
            (0..self.clips()).filter(|other| *other != clip).map(|other| (other, self.distance(clip, other))).collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        all.truncate(most);
        all
    }
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>().sqrt()
}

/// A clip on a map.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MapPoint {
    /// Where it lies along the first principal components.
    pub place: Vec<f64>,
    /// The clips nearest to it in all features, with their distances.
    pub nearest: Vec<(usize, f64)>,
}

/// Two clips of different parts that look nearly the same to the network.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NearPair {
    /// One.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Distance of their features, as a share of the usual distance of two clips.
    pub distance: f64,
}

/// Clips as points.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClipMap {
    /// Share of the variance along each component.
    pub explained: Vec<f64>,
    /// Usual distance of two clips: the root of the mean of the squared distances of all pairs.
    pub usual_distance: f64,
    /// How far neighbours along the first two components are neighbours indeed, 0…1; see [`trustworthiness`].
    pub trustworthiness: Option<f64>,
    /// The clips, in their order.
    pub points: Vec<MapPoint>,
    /// The same clips arranged by their neighbours, where that was asked for.
    pub neighbours: Option<NeighbourMap>,
}

impl ClipMap {
    /// Of clips, each with its `nearest` neighbours.
    pub fn of(pooled: &Pooled, nearest: usize) -> Self {
        let found = principal_components(&pooled.values, pooled.features, COMPONENTS);
        let share = |v: &f64| if found.total > 0.0 { v / found.total } else { 0.0 };
        let neighbours: Vec<Vec<(usize, f64)>> =
            (0..pooled.clips()).into_par_iter().map(|clip| pooled.nearest(clip, nearest)).collect();
        let axes = |place: &Vec<f64>| [0, 1].map(|axis| place.get(axis).copied().unwrap_or(0.0));
        let flat: Vec<f64> = found.scores.iter().flat_map(axes).collect();
        Self {
            trustworthiness: trustworthiness(&pooled.values, pooled.features, &flat, AXES, TRUSTED_NEIGHBOURS),
            neighbours: None,
            explained: found.variance.iter().map(share).collect(),
            // The mean squared distance of two rows is twice the total variance.
            usual_distance: (2.0 * found.total).sqrt(),
            points: found
                .scores
                .into_iter()
                .zip(neighbours)
                .map(|(place, nearest)| MapPoint { place, nearest })
                .collect(),
        }
    }

    /// Pairs of clips of different parts whose distance is at most `share` of the usual one, the nearest first. `parts` has a number
    /// for each clip; those of `None` are in no part.
    pub fn near_pairs(&self, pooled: &Pooled, parts: &[Option<usize>], share: f64) -> Vec<NearPair> {
        let most = share * self.usual_distance;
        let first = |clip: usize| self.points.get(clip).and_then(|p| p.place.first()).copied().unwrap_or(0.0);
        let mut order: Vec<usize> =
            (0..pooled.clips()).filter(|c| parts.get(*c).is_some_and(Option::is_some)).collect();
        order.sort_by(|a, b| first(*a).total_cmp(&first(*b)).then(a.cmp(b)));
        let of = |at: usize| {
            let a = order[at];
            // A projection is never longer than what is projected: further on no clip can be as near.
            let near = order[at + 1..].iter().take_while(move |b| first(**b) - first(a) <= most);
            near.filter(move |b| parts[a] != parts[**b]).filter_map(move |b| {
                let distance = pooled.distance(a, *b);
                (distance <= most).then(|| NearPair { a: a.min(*b), b: a.max(*b), distance: self.share(distance) })
            })
        };
        let mut pairs: Vec<NearPair> = (0..order.len()).into_par_iter().flat_map_iter(of).collect();
        pairs.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
        pairs
    }

    /// A distance as a share of the usual one.
    pub fn share(&self, distance: f64) -> f64 {
        if self.usual_distance > 0.0 { distance / self.usual_distance } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooled(rows: &[&[f32]]) -> Pooled {
        Pooled { features: rows[0].len(), values: rows.concat() }
    }

    /// Twelve rows of five numbers, and of five rows of twelve, against NumPy's SVD of the centred rows.
    #[test]
    fn components_are_those_of_a_singular_value_decomposition() {
        let values: Vec<f32> = (0..60).map(|i: i32| ((i * i * 37 + i * 11) % 101) as f32 / 10.0).collect();
        for (columns, variance, total, first) in [(5, TALL.0, TALL.1, TALL.2), (12, WIDE.0, WIDE.1, WIDE.2)] {
            let found = principal_components(&values, columns, 3);
            assert!((found.total - total).abs() < 1e-9 * total, "{} {total}", found.total);
            for (a, b) in found.variance.iter().zip(variance) {
                assert!((a - b).abs() < 1e-9 * total, "{:?} {variance:?}", found.variance);
            }
            for (a, b) in found.scores[0].iter().zip(first) {
                assert!((a - b).abs() < 1e-8, "{:?} {first:?}", found.scores[0]);
            }
            for (i, a) in found.directions.iter().enumerate() {
                for (j, b) in found.directions.iter().enumerate() {
                    let product: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                    assert!((product - f64::from(u8::from(i == j))).abs() < 1e-10);
                }
            }
        }
    }

    /// Variances, their sum over all directions, and the first row's scores.
    const TALL: ([f64; 3], f64, [f64; 3]) = (
        [13.352_947_003_614_911, 9.192_900_070_551_872, 7.026_708_891_304_546],
        35.727_196_580_785_765,
        [-5.797_234_885_265_638, -0.291_038_437_195_466_74, 1.045_506_117_281_164_4],
    );
    const WIDE: ([f64; 3], f64, [f64; 3]) = (
        [35.540_744_042_037_34, 21.896_204_318_675_775, 12.093_393_493_531_718],
        80.225_999_737_918_56,
        [2.604_483_304_499_574, 6.753_244_599_809_464, -0.039_955_004_195_696_156],
    );

    #[test]
    fn near_pairs_lie_in_different_parts_only() {
        let rows: [&[f32]; 5] = [&[0.0, 0.0], &[10.0, 0.0], &[0.0, 0.05], &[10.0, 10.0], &[0.02, 0.0]];
        let pooled = pooled(&rows);
        let map = ClipMap::of(&pooled, 2);
        let parts = [Some(0), Some(0), Some(1), Some(1), Some(0)];
        let pairs = map.near_pairs(&pooled, &parts, 0.02);
        assert_eq!(pairs.iter().map(|p| (p.a, p.b)).collect::<Vec<_>>(), [(0, 2), (2, 4)]);
        assert_eq!(map.near_pairs(&pooled, &[None; 5], 0.02), []);
        let nearest: Vec<usize> = map.points[0].nearest.iter().map(|n| n.0).collect();
        assert_eq!(nearest, [4, 2]);
        // All pairs by hand.
        let squares: f64 = (0..5)
            .flat_map(|a| (0..5).map(move |b| (a, b)))
            .filter(|(a, b)| a != b)
            .map(|(a, b)| pooled.distance(a, b).powi(2))
            .sum();
        assert!((map.usual_distance - (squares / 20.0).sqrt()).abs() < 1e-6);
    }

    #[test]
    fn features_are_means_over_all_cells() {
        let mut found = Pooled::default();
        let activation =
            |values: [f32; 4]| LayerActivation { layer: "a".into(), shape: [2, 1, 1, 2], values: values.to_vec() };
        found.add(&activation([1.0, 2.0, -4.0, 0.0]));
        found.add(&activation([0.0; 4]));
        assert_eq!((found.clips(), found.features, found.values.as_slice()), (2, 2, [1.5, -2.0, 0.0, 0.0].as_slice()));
        // Clips that are all the same have no usual distance, and no direction.
        let same = ClipMap::of(&pooled(&[&[1.0, 2.0], &[1.0, 2.0]]), 1);
        assert_eq!((same.usual_distance, same.explained.as_slice()), (0.0, [0.0, 0.0].as_slice()));
        assert!(same.points.iter().flat_map(|p| &p.place).all(|v| *v == 0.0));
    }
}

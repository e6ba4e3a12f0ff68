//! Points of many dimensions as points of a plane that keeps who lies near whom: t-SNE (van der Maaten & Hinton 2008), with
//! Barnes-Hut sums where points are many (van der Maaten 2014); and how far such a map may be trusted.

use super::neighbour_tree::{Push, Tree, push_of_all};
use super::pca::principal_components;
use crate::model::RandomStream;
use crate::progress::Monitor;
use rayon::prelude::*;
use serde::Serialize;

/// How many neighbours of a point count, more or less, unless somebody says otherwise.
pub const PERPLEXITY: f64 = 30.0;
/// Dimensions that are left before distances are taken.
const DIMENSIONS: usize = 50;
/// Points from which sums are taken over squares.
const MANY: usize = 1500;
/// Fewest points that are worth a map.
const FEWEST: usize = 8;
/// Steps in all, and those at first in which neighbours pull harder.
const STEPS: usize = 1000;
const EARLY: usize = 250;
const EXAGGERATION: f64 = 12.0;
/// Points whose neighbours are looked at for the trustworthiness, at most.
const JUDGED: usize = 2000;
/// Neighbours that it looks at.
pub const TRUSTED_NEIGHBOURS: usize = 5;

/// A map of neighbours.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NeighbourMap {
    /// Where each point lies.
    pub places: Vec<[f64; 2]>,
    /// How many neighbours of a point counted, more or less.
    pub perplexity: f64,
    /// What the map does not say of the neighbours: the Kullback-Leibler divergence that was made small, in nats.
    pub divergence: f64,
    /// See [`trustworthiness`].
    pub trustworthiness: Option<f64>,
}

/// Pulls between points: of each, the others with their shares, ascending. All shares together are 1.
type Pulls = Vec<Vec<(u32, f64)>>;

impl NeighbourMap {
    /// Maps rows of `columns` numbers, of which the first 50 principal components count. The same rows and seed give the same map,
    /// whatever the machine's threads. `None` for fewer than 8 rows, and where the monitor said stop.
    pub fn of(values: &[f32], columns: usize, perplexity: f64, seed: u64, monitor: &dyn Monitor) -> Option<Self> {
        let columns = columns.max(1);
        let n = values.len() / columns;
        if n < FEWEST {
            return None;
        }
        let perplexity = perplexity.min((n as f64 - 1.0) / 3.0).max(1.0);
        monitor.stage(STAGE, 0, STEPS as u64);
        let rows = principal_components(values, columns, DIMENSIONS).scores;
        let pulls = pulls(&rows, perplexity, monitor)?;
        let mut points = first_places(&rows, seed);
        let mut moves = vec![[0.0_f64; 2]; n];
        let mut gains = vec![[1.0_f64; 2]; n];
        let rate = (n as f64 / EXAGGERATION / 4.0).max(50.0);
        for step in 0..STEPS {
            if monitor.stopped() {
                return None;
            }
            monitor.stage(STAGE, step as u64, STEPS as u64);
            let (pull, momentum) = if step < EARLY { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
            let gradient = gradient(&points, &pulls, pull).0;
            for (((point, moved), gain), slope) in points.iter_mut().zip(&mut moves).zip(&mut gains).zip(&gradient) {
                for axis in 0..2 {
                    // Slower where it swings, faster where it goes on (Jacobs 1988).
                    let swings = moved[axis] * slope[axis] >= 0.0;
                    gain[axis] = (if swings { gain[axis] * 0.8 } else { gain[axis] + 0.2 }).max(0.01);
                    moved[axis] = momentum * moved[axis] - rate * gain[axis] * slope[axis];
                    point[axis] += moved[axis];
                }
            }
        }
        let divergence = divergence(&points, &pulls);
        let flat: Vec<f64> = points.iter().flatten().copied().collect();
        let trustworthiness = trustworthiness(values, columns, &flat, 2, TRUSTED_NEIGHBOURS);
        Some(Self { places: points, perplexity, divergence, trustworthiness })
    }
}

/// What is told while a map is made.
const STAGE: &str = "arranging clips by their neighbours";

/// The first two components, so small that everything is near, with a little noise of the seed to part what is equal.
fn first_places(rows: &[Vec<f64>], seed: u64) -> Vec<[f64; 2]> {
    let along = |row: &[f64], axis: usize| row.get(axis).copied().unwrap_or(0.0);
    let squares: f64 = rows.iter().map(|row| along(row, 0).powi(2)).sum();
    let deviation = (squares / rows.len() as f64).sqrt();
    let scale = if deviation > 0.0 { 1e-4 / deviation } else { 0.0 };
    let noise = RandomStream::new(seed, "neighbour map").uniform(1e-6, 2 * rows.len());
    let noise = noise.as_chunks::<2>().0;
    rows.iter().zip(noise).map(|(row, n)| [0, 1].map(|axis| along(row, axis) * scale + f64::from(n[axis]))).collect()
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// The `most` rows nearest to one, with their squared distances; the first of equals first.
fn nearest(rows: &[Vec<f64>], of: usize, most: usize) -> Vec<(u32, f64)> {
    let order = |a: &(u32, f64), b: &(u32, f64)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
    let others = rows.iter().enumerate().filter(|(i, _)| *i != of);
    let mut all: Vec<(u32, f64)> = others.map(|(i, row)| (i as u32, squared(&rows[of], row))).collect();
    if all.len() > most {
        all.select_nth_unstable_by(most, order);
        all.truncate(most);
    }
    all.sort_by(order);
    all
}

/// How strongly each point pulls each other: Gaussian shares of its nearest neighbours, as wide as the perplexity asks, the mean
/// of both ways.
fn pulls(rows: &[Vec<f64>], perplexity: f64, monitor: &dyn Monitor) -> Option<Pulls> {
    let n = rows.len();
    let most = ((3.0 * perplexity) as usize).clamp(1, n - 1);
    let one_way: Vec<Vec<(u32, f64)>> = (0..n)
        .into_par_iter()
        .map(|i| if monitor.stopped() { Vec::new() } else { shares(nearest(rows, i, most), perplexity.ln()) })
        .collect();
    if monitor.stopped() {
        return None;
    }
    let mut pulls: Pulls = vec![Vec::new(); n];
    for (i, of) in one_way.iter().enumerate() {
        for (j, share) in of {
            let half = share / (2.0 * n as f64);
            pulls[i].push((*j, half));
            pulls[*j as usize].push((i as u32, half));
        }
    }
    for of in &mut pulls {
        // Stable, so that both ways are added in one order.
        of.sort_by_key(|(j, _)| *j);
        of.dedup_by(|later, first| {
            let same = later.0 == first.0;
            first.1 += if same { later.1 } else { 0.0 };
            same
        });
    }
    Some(pulls)
}

/// Gaussian shares of neighbours by squared distances, of the width at which their entropy is `entropy`.
fn shares(neighbours: Vec<(u32, f64)>, entropy: f64) -> Vec<(u32, f64)> {
    let least = neighbours.first().map_or(0.0, |n| n.1);
    let (mut low, mut high, mut narrow) = (0.0_f64, f64::INFINITY, 1.0_f64);
    let mut weights = Vec::new();
    for _ in 0..200 {
        weights = neighbours.iter().map(|(_, d)| (-(d - least) * narrow).exp()).collect::<Vec<f64>>();
        let sum: f64 = weights.iter().sum();
        let mean: f64 = neighbours.iter().zip(&weights).map(|((_, d), w)| (d - least) * w).sum::<f64>() / sum;
        weights.iter_mut().for_each(|w| *w /= sum);
        let found = sum.ln() + narrow * mean;
        if (found - entropy).abs() < 1e-5 {
            break;
        }
        if found > entropy {
            low = narrow;
            narrow = if high.is_finite() { (low + high) / 2.0 } else { narrow * 2.0 };
        } else {
            high = narrow;
            narrow = (low + high) / 2.0;
        }
    }
    neighbours.into_iter().zip(weights).map(|((j, _), w)| (j, w)).collect()
}

/// The slope of the divergence at each point, where the pulls are taken `pull` times, and the sum of all kernels.
fn gradient(points: &[[f64; 2]], pulls: &Pulls, pull: f64) -> (Vec<[f64; 2]>, f64) {
    let pushes = pushes(points);
    // In their order, so that threads change nothing.
    let total: f64 = pushes.iter().map(|p| p.weight).sum::<f64>().max(f64::MIN_POSITIVE);
    let of = |i: usize| {
        let mut slope = pushes[i].force.map(|f| -f / total);
        for (j, share) in &pulls[i] {
            let other = points[*j as usize];
            let [dx, dy] = [0, 1].map(|axis| points[i][axis] - other[axis]);
            let w = pull * share / (1.0 + dx * dx + dy * dy);
            slope = [slope[0] + w * dx, slope[1] + w * dy];
        }
        slope.map(|s| 4.0 * s)
    };
    ((0..points.len()).into_par_iter().map(of).collect(), total)
}

fn pushes(points: &[[f64; 2]]) -> Vec<Push> {
    if points.len() < MANY {
        return points.par_iter().map(|p| push_of_all(points, *p)).collect();
    }
    let tree = Tree::of(points);
    points.par_iter().map(|p| tree.push(*p)).collect()
}

fn divergence(points: &[[f64; 2]], pulls: &Pulls) -> f64 {
    let total: f64 = pushes(points).iter().map(|p| p.weight).sum::<f64>().max(f64::MIN_POSITIVE);
    let of = |(i, of): (usize, &Vec<(u32, f64)>)| {
        let terms = of.iter().filter(|(_, p)| *p > 0.0).map(|(j, p)| {
            let other = points[*j as usize];
            let w = 1.0 / (1.0 + squared(&points[i], &other));
            p * (p * total / w).ln()
        });
        terms.sum::<f64>()
    };
    pulls.iter().enumerate().map(of).sum()
}

/// How far the neighbours on a map are neighbours indeed, 0…1 (Venna & Kaski 2001; scikit-learn's `trustworthiness`): of each
/// point the `nearest` on the map, and how many others lie nearer to it in all features. `places` has `axes` numbers a point.
/// `None` where points are too few for so many neighbours. Of more than 2,000 points, 2,000 at even distances are judged.
pub fn trustworthiness(values: &[f32], columns: usize, places: &[f64], axes: usize, nearest: usize) -> Option<f64> {
    let (columns, axes) = (columns.max(1), axes.max(1));
    let rows: Vec<&[f32]> = values.chunks_exact(columns).collect();
    let spots: Vec<&[f64]> = places.chunks_exact(axes).collect();
    let (n, k) = (rows.len(), nearest);
    if spots.len() != n || k == 0 || 2 * k >= n {
        return None;
    }
    let judged = n.min(JUDGED);
    let penalty = |i: usize| -> u64 {
        let far = |row: &[f32]| rows[i].iter().zip(row).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let distances: Vec<f64> = rows.iter().map(|row| far(row)).collect();
        let order =
            |a: &usize, b: &usize| squared(spots[i], spots[*a]).total_cmp(&squared(spots[i], spots[*b])).then(a.cmp(b));
        let mut near: Vec<usize> = (0..n).filter(|j| *j != i).collect();
        near.select_nth_unstable_by(k - 1, order);
        let rank = |j: usize| {
            let before = |l: usize| distances[l] < distances[j] || (distances[l] == distances[j] && l < j);
            1 + (0..n).filter(|l| *l != i && before(*l)).count()
        };
        near[..k].iter().map(|j| rank(*j).saturating_sub(k) as u64).sum()
    };
    let penalties: u64 = (0..judged).into_par_iter().map(|at| penalty(at * n / judged)).sum();
    let (points, neighbours) = (n as f64, k as f64);
    let worst = judged as f64 * neighbours * (2.0 * points - 3.0 * neighbours - 1.0) / 2.0;
    Some(1.0 - penalties as f64 / worst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    /// Numbers without order, `[rows, columns]`.
    fn rows(rows: i32, columns: i32) -> Vec<f32> {
        (0..rows * columns).map(|i| ((i * i * 37 + i * 11) % 10_007) as f32 / 100.0).collect()
    }

    #[test]
    fn the_slope_is_that_of_the_divergence() {
        let values = rows(20, 4);
        let scores = principal_components(&values, 4, DIMENSIONS).scores;
        let pulls = pulls(&scores, 5.0, &Silent).unwrap();
        let all: f64 = pulls.iter().flatten().map(|(_, p)| p).sum();
        assert!((all - 1.0).abs() < 1e-9, "{all}");
        let points: Vec<[f64; 2]> = scores.iter().map(|s| [s[0] / 3.0, s[1] / 3.0]).collect();
        let slope = gradient(&points, &pulls, 1.0).0;
        for (i, axis) in [(0, 0), (3, 1), (19, 0)] {
            let moved = |by: f64| {
                let mut points = points.clone();
                points[i][axis] += by;
                divergence(&points, &pulls)
            };
            let measured = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((measured - slope[i][axis]).abs() < 1e-7, "{measured} {}", slope[i][axis]);
        }
    }

    #[test]
    fn as_many_neighbours_count_as_the_perplexity_says() {
        // Equal distances: all count, whatever is asked for; and a width by the entropy of two neighbours.
        let equal = shares((0..4).map(|j| (j, 2.0)).collect(), 2.0_f64.ln());
        assert!(equal.iter().all(|(_, w)| (w - 0.25).abs() < 1e-12));
        let found = shares((0..30).map(|j| (j, f64::from(j))).collect(), 5.0_f64.ln());
        let entropy: f64 = found.iter().filter(|(_, w)| *w > 0.0).map(|(_, w)| -w * w.ln()).sum();
        assert!((entropy.exp() - 5.0).abs() < 1e-3, "{entropy}");
    }

    #[test]
    fn groups_stay_groups_and_the_seed_gives_the_same_map() {
        // Three groups of 20 in 8 dimensions, far apart.
        let noise = RandomStream::new(3, "groups").uniform(0.3, 60 * 8);
        let values: Vec<f32> =
            noise.iter().enumerate().map(|(i, v)| v + if i % 8 == i / 160 { 10.0 } else { 0.0 }).collect();
        let map = NeighbourMap::of(&values, 8, PERPLEXITY, 1, &Silent).unwrap();
        assert!((map.perplexity - 59.0 / 3.0).abs() < 1e-12);
        let spots: Vec<Vec<f64>> = map.places.iter().map(|p| p.to_vec()).collect();
        for i in 0..60 {
            assert!(nearest(&spots, i, 10).iter().all(|(j, _)| *j as usize / 20 == i / 20), "{i}");
        }
        assert!(map.trustworthiness.is_some_and(|t| t > 0.9), "{:?}", map.trustworthiness);
        assert_eq!(map, NeighbourMap::of(&values, 8, PERPLEXITY, 1, &Silent).unwrap());
        assert!(NeighbourMap::of(&values[..56], 8, PERPLEXITY, 1, &Silent).is_none(), "seven points");
    }

    /// Against scikit-learn's `trustworthiness(X, X[:, :2], n_neighbors=k)`.
    #[test]
    fn trust_is_that_of_scikit_learn() {
        for ((n, columns, k), expected) in TRUST {
            let values = rows(n, columns);
            let places: Vec<f64> =
                values.chunks_exact(columns as usize).flat_map(|row| [f64::from(row[0]), f64::from(row[1])]).collect();
            let found = trustworthiness(&values, columns as usize, &places, 2, k).unwrap();
            assert!((found - expected).abs() < 1e-12, "{n} {columns} {k}: {found} {expected}");
        }
        assert_eq!(trustworthiness(&rows(10, 3), 3, &[0.0; 20], 2, 5), None);
    }

    /// Rows, columns, neighbours; what scikit-learn says.
    const TRUST: [((i32, i32, usize), f64); 3] = [
        ((12, 5, 3), 0.714_285_714_285_714_3),
        ((30, 7, 5), 0.719_696_969_696_969_7),
        ((40, 12, 10), 0.700_408_163_265_306_1),
    ];
}

//! Random forests (Breiman 2001).

use super::samples::Samples;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A place in a tree: a question, or an answer where `left` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Node {
    /// The feature asked for.
    pub feature: u32,
    /// Samples go left where the feature is at most this.
    pub threshold: f32,
    /// Position of the node for them; 0 in a leaf. Always behind this node.
    pub left: u32,
    /// Position of the node for the others.
    pub right: u32,
}

/// Trees one behind the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forest {
    /// Classes.
    pub classes: usize,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Share of each class among the samples of a node, `[nodes, classes]`, flat.
    pub shares: Vec<f32>,
    /// Position of the first node of each tree.
    pub roots: Vec<u32>,
}

impl Forest {
    /// Grows `trees` trees. Each sees as many samples as there are, drawn with replacement, and asks at each node for the
    /// best of √features drawn features by Gini impurity, until its leaves are pure; a node whose drawn features part
    /// nothing takes the next one that does.
    pub fn grow(samples: &Samples, trees: usize, seed: u64) -> Self {
        let trees: Vec<Tree> = (0..trees as u64)
            .into_par_iter()
            .map(|tree| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(tree);
                Tree::grow(samples, &mut rng)
            })
            .collect();
        let mut forest = Self { classes: samples.classes, ..Self::default() };
        for tree in trees {
            let root = forest.nodes.len() as u32;
            let moved =
                |n: Node| if n.left == 0 { n } else { Node { left: n.left + root, right: n.right + root, ..n } };
            forest.roots.push(root);
            forest.nodes.extend(tree.nodes.into_iter().map(moved));
            forest.shares.extend(tree.shares);
        }
        forest
    }

    /// The mean over the trees of the shares of each class in the leaf a row comes to.
    pub fn shares(&self, row: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0_f64; self.classes];
        for root in &self.roots {
            let leaf = self.leaf(*root as usize, row);
            let shares = self.shares.chunks_exact(self.classes.max(1)).nth(leaf).unwrap_or_default();
            sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += f64::from(*share));
        }
        sums.into_iter().map(|s| (s / self.roots.len().max(1) as f64) as f32).collect()
    }

    fn leaf(&self, root: usize, row: &[f32]) -> usize {
        let mut at = root;
        while let Some(node) = self.nodes.get(at).filter(|n| n.left != 0) {
            let value = row.get(node.feature as usize).copied().unwrap_or_default();
            at = if value <= node.threshold { node.left } else { node.right } as usize;
        }
        at
    }

    /// True when every node of a forest that was read leads on to later nodes that exist, and everything has its length.
    pub fn is_sound(&self) -> bool {
        let count = self.nodes.len();
        let later = |at: usize, to: u32| to as usize > at && (to as usize) < count;
        let leads = |(at, n): (usize, &Node)| n.left == 0 || later(at, n.left) && later(at, n.right);
        self.shares.len() == count * self.classes
            && !self.roots.is_empty()
            && self.roots.iter().all(|root| (*root as usize) < count)
            && self.nodes.iter().enumerate().all(leads)
    }
}

#[derive(Default)]
struct Tree {
    nodes: Vec<Node>,
    shares: Vec<f32>,
}

/// The best question found for a node.
struct Split {
    feature: usize,
    threshold: f32,
    /// Weighted Gini impurity on both sides, the lower the better.
    impurity: f64,
}

impl Tree {
    fn grow(samples: &Samples, rng: &mut ChaCha8Rng) -> Self {
        let n = samples.len();
        let drawn: Vec<usize> = (0..n).map(|_| rng.random_range(0..n)).collect();
        let mut tree = Self::default();
        let mut features: Vec<usize> = (0..samples.width).collect();
        let root = tree.node(samples, &drawn);
        let mut open = vec![(root, drawn)];
        while let Some((at, members)) = open.pop() {
            let Some(split) = best_split(samples, &members, &mut features, rng) else { continue };
            let value = |i: &usize| samples.row(*i).get(split.feature).copied().unwrap_or_default();
            let (left, right): (Vec<usize>, Vec<usize>) = members.iter().partition(|i| value(i) <= split.threshold);
            let (to_left, to_right) = (tree.node(samples, &left), tree.node(samples, &right));
            if let Some(node) = tree.nodes.get_mut(at) {
                *node = Node {
                    feature: split.feature as u32,
                    threshold: split.threshold,
                    left: to_left as u32,
                    right: to_right as u32,
                };
            }
            open.extend([(to_left, left), (to_right, right)]);
        }
        tree
    }

    /// Adds a leaf with the shares of some samples, and gives its position.
    fn node(&mut self, samples: &Samples, members: &[usize]) -> usize {
        let counts = counts(samples, members);
        self.shares.extend(counts.iter().map(|c| *c as f32 / members.len().max(1) as f32));
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }
}

fn counts(samples: &Samples, members: &[usize]) -> Vec<f64> {
    let mut counts = vec![0.0; samples.classes];
    for label in members.iter().filter_map(|i| samples.labels.get(*i)) {
        counts.get_mut(*label).into_iter().for_each(|n| *n += 1.0);
    }
    counts
}

/// The best question about some samples; `None` where they are of one class, or no feature differs among them.
fn best_split(samples: &Samples, members: &[usize], features: &mut [usize], rng: &mut ChaCha8Rng) -> Option<Split> {
    let all = counts(samples, members);
    if all.iter().filter(|n| **n > 0.0).count() < 2 {
        return None;
    }
    let enough = (samples.width as f64).sqrt().max(1.0) as usize;
    let mut best: Option<Split> = None;
    let mut try_out = |feature: usize| {
        let mut column: Vec<(f32, usize)> = members
            .iter()
            .filter_map(|i| Some((samples.row(*i).get(feature).copied()?, *samples.labels.get(*i)?)))
            .collect();
        column.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((threshold, impurity)) = best_threshold(&column, &all)
            && best.as_ref().is_none_or(|b| impurity < b.impurity)
        {
            best = Some(Split { feature, threshold, impurity });
        }
        best.is_some()
    };
    let (drawn, others) = features.partial_shuffle(rng, enough);
    let mut parted = false;
    for feature in drawn.iter() {
        parted |= try_out(*feature);
    }
    if !parted {
        others.shuffle(rng);
        others.iter().any(|feature| try_out(*feature));
    }
    best
}

/// The threshold between two values of a sorted column that leaves the least impurity.
fn best_threshold(column: &[(f32, usize)], all: &[f64]) -> Option<(f32, f64)> {
    let mut left = vec![0.0_f64; all.len()];
    let mut right = all.to_vec();
    // Sums of squares follow from one moved sample, so that each place costs the same.
    let (mut left_squares, mut right_squares) = (0.0, right.iter().map(|n| n * n).sum::<f64>());
    let (mut on_left, mut on_right) = (0.0, column.len() as f64);
    let mut best: Option<(f32, f64)> = None;
    for (here, next) in column.iter().zip(column.iter().skip(1)) {
        if let (Some(l), Some(r)) = (left.get_mut(here.1), right.get_mut(here.1)) {
            left_squares += 2.0 * *l + 1.0;
            right_squares -= 2.0 * *r - 1.0;
            (*l, *r) = (*l + 1.0, *r - 1.0);
        }
        (on_left, on_right) = (on_left + 1.0, on_right - 1.0);
        // What is not a number never parts anything.
        let differs = here.0 < next.0;
        if !differs {
            continue;
        }
        let impurity = (on_left - left_squares / on_left) + (on_right - right_squares / on_right);
        if best.is_none_or(|(_, least)| impurity < least) {
            let middle = here.0 + (next.0 - here.0) * 0.5;
            best = Some((if middle < next.0 { middle } else { here.0 }, impurity));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_parts_what_can_be_parted() {
        let column = [(1.0, 0), (2.0, 0), (4.0, 1), (4.0, 1)];
        assert_eq!(best_threshold(&column, &[2.0, 2.0]), Some((3.0, 0.0)));
        assert_eq!(best_threshold(&[(1.0, 0), (1.0, 1)], &[1.0, 1.0]), None);
    }

    #[test]
    fn a_forest_learns_what_no_line_can_part_and_is_the_same_again() {
        let rows: Vec<Vec<f32>> =
            (0..80).map(|i| vec![(i % 9) as f32 - 4.0, (i % 7) as f32 - 3.0, (i * 37 % 11) as f32]).collect();
        let labels: Vec<usize> = rows.iter().map(|r| usize::from(r[0] * r[1] > 0.0)).collect();
        let samples = Samples::new(&rows, labels, 2);
        let forest = Forest::grow(&samples, 40, 7);
        let right = samples
            .rows()
            .zip(&samples.labels)
            .filter(|(row, label)| crate::domain::argmax(&forest.shares(row)) == **label);
        assert!(right.count() >= 78);
        assert_eq!(forest, Forest::grow(&samples, 40, 7));
        assert!(forest.is_sound());
        let broken = |change: fn(&mut Forest)| {
            let mut other = forest.clone();
            change(&mut other);
            other.is_sound()
        };
        assert!(!broken(|f| f.nodes[0].left = 1 << 30));
        assert!(!broken(|f| f.nodes[0].right = 0));
        assert!(!broken(|f| f.shares.truncate(3)));
        assert!(!broken(|f| f.roots[0] = u32::MAX));
    }
}

//! A fitted baseline: standardisation and what the solver found.

use super::forest::{Forest, Node};
use super::linear::{Linear, svms};
use super::logistic::logistic;
use super::neighbours::shares;
use super::samples::Samples;
use super::standard::Standardizer;
use crate::model::{ArrayValues, NamedArray};
use std::collections::BTreeMap;

/// How strongly errors count for the linear solvers, on features of unit length.
const LINEAR_C: f64 = 10.0;
/// When their solution is exact enough.
const TOLERANCE: f64 = 1e-4;
/// Neighbours that vote.
const NEIGHBOURS: usize = 5;
/// Trees of a forest.
const TREES: usize = 200;

/// How classes are told from features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Solver {
    /// Linear support vector machine.
    Svm,
    /// Multinomial logistic regression.
    Logistic,
    /// Nearest neighbours.
    Neighbours,
    /// Random forest.
    Forest,
}

impl Solver {
    /// Every solver.
    pub const ALL: [Self; 4] = [Self::Svm, Self::Logistic, Self::Neighbours, Self::Forest];

    /// Its part of an id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Svm => "svm",
            Self::Logistic => "logistic",
            Self::Neighbours => "knn",
            Self::Forest => "forest",
        }
    }

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Svm => "linear SVM",
            Self::Logistic => "logistic regression",
            Self::Neighbours => "5 nearest neighbours",
            Self::Forest => "random forest",
        }
    }
}

/// What a solver found.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    Linear(Linear),
    Neighbours(Samples),
    Forest(Forest),
}

/// A fitted baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    standard: Standardizer,
    classes: usize,
    found: Found,
}

impl Classifier {
    /// Standardises samples and fits a solver to them.
    pub fn fit(solver: Solver, mut samples: Samples, seed: u64) -> Self {
        let standard = Standardizer::of(&samples);
        standard.apply_all(&mut samples);
        // Standardised rows have a squared length of about their width.
        let c = LINEAR_C / samples.width.max(1) as f64;
        let classes = samples.classes;
        let found = match solver {
            Solver::Svm => Found::Linear(svms(&samples, c, TOLERANCE, seed)),
            Solver::Logistic => Found::Linear(logistic(&samples, c, TOLERANCE)),
            Solver::Neighbours => Found::Neighbours(samples),
            Solver::Forest => Found::Forest(Forest::grow(&samples, TREES, seed)),
        };
        Self { standard, classes, found }
    }

    /// Features of a sample.
    pub fn features(&self) -> usize {
        self.standard.mean.len()
    }

    /// Numbers that were learned or kept.
    pub fn parameters(&self) -> usize {
        self.arrays().iter().map(|a| a.values.len()).sum()
    }

    /// Scores of the classes, the softmax of which is what the baseline believes: decision values of the linear solvers;
    /// else the logarithm of the share of votes, with one vote more that is divided between all classes. `row` has
    /// [`Classifier::features`] numbers.
    pub fn logits(&self, row: &[f32]) -> Vec<f32> {
        let mut row = row.to_vec();
        self.standard.apply(&mut row);
        let believed = |shares: Vec<f32>, votes: usize| {
            let (votes, classes) = (votes as f32, self.classes.max(1) as f32);
            shares.into_iter().map(|s| ((s * votes + 1.0 / classes) / (votes + 1.0)).ln()).collect()
        };
        match &self.found {
            Found::Linear(linear) => linear.scores(&row),
            Found::Neighbours(samples) => believed(shares(samples, &row, NEIGHBOURS), NEIGHBOURS.min(samples.len())),
            Found::Forest(forest) => believed(forest.shares(&row), forest.roots.len()),
        }
    }

    /// Everything as named arrays, from which [`Classifier::of_arrays`] makes it again.
    pub fn arrays(&self) -> Vec<NamedArray> {
        let (width, classes) = (self.features(), self.classes);
        let array = |name: &str, shape: &[usize], values: ArrayValues| NamedArray {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values,
        };
        let floats =
            |name: &str, shape: &[usize], values: &[f32]| array(name, shape, ArrayValues::F32(values.to_vec()));
        let counts = |name: &str, values: &mut dyn Iterator<Item = i64>| {
            let values: Vec<i64> = values.collect();
            array(name, &[values.len()], ArrayValues::I64(values))
        };
        let mut arrays = vec![
            floats("standard.mean", &[width], &self.standard.mean),
            floats("standard.deviation", &[width], &self.standard.deviation),
        ];
        match &self.found {
            Found::Linear(linear) => arrays.extend([
                floats("linear.weight", &[classes, width], &linear.weight),
                floats("linear.bias", &[classes], &linear.bias),
            ]),
            Found::Neighbours(samples) => arrays.extend([
                floats("samples.values", &[samples.len(), width], &samples.values),
                counts("samples.labels", &mut samples.labels.iter().map(|l| *l as i64)),
            ]),
            Found::Forest(forest) => {
                let nodes = &forest.nodes;
                let thresholds: Vec<f32> = nodes.iter().map(|n| n.threshold).collect();
                arrays.extend([
                    counts("forest.roots", &mut forest.roots.iter().map(|r| i64::from(*r))),
                    counts("forest.feature", &mut nodes.iter().map(|n| i64::from(n.feature))),
                    counts("forest.left", &mut nodes.iter().map(|n| i64::from(n.left))),
                    counts("forest.right", &mut nodes.iter().map(|n| i64::from(n.right))),
                    floats("forest.threshold", &[nodes.len()], &thresholds),
                    floats("forest.shares", &[nodes.len(), classes], &forest.shares),
                ]);
            }
        }
        arrays
    }

    /// A baseline of `solver` for `classes` classes, from arrays that were read.
    ///
    /// # Errors
    /// An array that is missing, or has another length than the others call for; the end of a sentence.
    pub fn of_arrays(solver: Solver, classes: usize, arrays: Vec<NamedArray>) -> Result<Self, String> {
        let mut arrays = Arrays(arrays.into_iter().map(|a| (a.name, a.values)).collect());
        let mean = arrays.floats("standard.mean", None)?;
        let width = mean.len();
        let deviation = arrays.floats("standard.deviation", Some(width))?;
        let standard = Standardizer { mean, deviation };
        let found = match solver {
            Solver::Svm | Solver::Logistic => Found::Linear(Linear {
                weight: arrays.floats("linear.weight", classes.checked_mul(width))?,
                bias: arrays.floats("linear.bias", Some(classes))?,
            }),
            Solver::Neighbours => {
                let labels = arrays.counts("samples.labels", None)?;
                let values = arrays.floats("samples.values", labels.len().checked_mul(width))?;
                let labels: Vec<usize> = labels.into_iter().map(|l| l as usize).collect();
                if labels.is_empty() || labels.iter().any(|l| *l >= classes) {
                    return Err("samples.labels names classes that the run does not have".to_owned());
                }
                Found::Neighbours(Samples { width, values, labels, classes })
            }
            Solver::Forest => Found::Forest(arrays.forest(classes)?),
        };
        Ok(Self { standard, classes, found })
    }
}

/// Arrays of a file by name.
struct Arrays(BTreeMap<String, ArrayValues>);

impl Arrays {
    fn floats(&mut self, name: &str, length: Option<usize>) -> Result<Vec<f32>, String> {
        match self.0.remove(name) {
            Some(ArrayValues::F32(values)) if length.is_none_or(|l| l == values.len()) => Ok(values),
            other => Err(misfit(name, other)),
        }
    }

    fn counts(&mut self, name: &str, length: Option<usize>) -> Result<Vec<u32>, String> {
        match self.0.remove(name) {
            Some(ArrayValues::I64(values)) if length.is_none_or(|l| l == values.len()) => {
                values.iter().map(|v| u32::try_from(*v).map_err(|_| format!("array {name} holds {v}"))).collect()
            }
            other => Err(misfit(name, other)),
        }
    }

    fn forest(&mut self, classes: usize) -> Result<Forest, String> {
        let threshold = self.floats("forest.threshold", None)?;
        let nodes = Some(threshold.len());
        let feature = self.counts("forest.feature", nodes)?;
        let (left, right) = (self.counts("forest.left", nodes)?, self.counts("forest.right", nodes)?);
        let children = left.into_iter().zip(right);
        let nodes = feature.into_iter().zip(threshold).zip(children);
        let node = |((feature, threshold), (left, right))| Node { feature, threshold, left, right };
        let forest = Forest {
            classes,
            nodes: nodes.map(node).collect(),
            shares: self.floats("forest.shares", None)?,
            roots: self.counts("forest.roots", None)?,
        };
        if forest.is_sound() { Ok(forest) } else { Err("its trees lead nowhere".to_owned()) }
    }
}

fn misfit(name: &str, found: Option<ArrayValues>) -> String {
    match found {
        None => format!("it has no array {name}"),
        Some(values) => format!("array {name} has {} values of another number or type", values.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::argmax;

    fn samples() -> Samples {
        let row = |i: usize| vec![(i % 3) as f32 * 10.0 + (i * 7 % 5) as f32, (i * 3 % 4) as f32, 1.0];
        Samples::new(&(0..30).map(row).collect::<Vec<_>>(), (0..30).map(|i| i % 3).collect(), 3)
    }

    #[test]
    fn every_solver_learns_and_comes_back_from_its_arrays() {
        let samples = samples();
        for solver in Solver::ALL {
            let fitted = Classifier::fit(solver, samples.clone(), 5);
            let logits: Vec<Vec<f32>> = samples.rows().map(|r| fitted.logits(r)).collect();
            for (row, label) in logits.iter().zip(&samples.labels) {
                assert_eq!((argmax(row), row.len()), (*label, 3), "{solver:?}: {row:?}");
                assert!(row.iter().all(|v| v.is_finite()), "{solver:?}: {row:?}");
            }
            let again = Classifier::of_arrays(solver, 3, fitted.arrays()).unwrap();
            assert_eq!(again, fitted, "{solver:?}");
            assert_eq!(samples.rows().map(|r| again.logits(r)).collect::<Vec<_>>(), logits);
        }
    }

    #[test]
    fn votes_become_probabilities_that_are_never_0() {
        let fitted = Classifier::fit(Solver::Neighbours, samples(), 1);
        let logits = fitted.logits(samples().row(0));
        // Five of five votes and a third of one more, of six.
        assert!((logits[0].exp() - (5.0 + 1.0 / 3.0) / 6.0).abs() < 1e-6, "{logits:?}");
        assert!((logits[1].exp() - 1.0 / 18.0).abs() < 1e-6, "{logits:?}");
    }

    #[test]
    fn damaged_arrays_are_refused() {
        for solver in Solver::ALL {
            let arrays = Classifier::fit(solver, samples(), 5).arrays();
            for at in 0..arrays.len() {
                let mut missing = arrays.clone();
                let name = missing.remove(at).name;
                let reason = Classifier::of_arrays(solver, 3, missing).unwrap_err();
                assert!(reason.contains(&name), "{reason}");
                let mut short = arrays.clone();
                match &mut short[at].values {
                    ArrayValues::F32(v) => drop(v.pop()),
                    ArrayValues::I64(v) => v[0] = -1,
                }
                assert!(Classifier::of_arrays(solver, 3, short).is_err(), "{solver:?} {name}");
            }
            assert!(Classifier::of_arrays(solver, 2, arrays).is_err(), "{solver:?}");
        }
    }
}

//! The loss functions: cross-entropy and focal loss over one class a clip, and over sets of classes.

use crate::config::{LossConfig, LossKind};
use crate::data::{Batch, inverse_frequency_weights};
use crate::domain::ClassId;
use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Int, Tensor, TensorData};

/// A loss over logits `[B, K]` and class labels, the mean over the batch.
///
/// Focal loss is that of Lin et al. (ICCV 2017), `-w_y (1 - p_y)^γ ln p_y`, where `p_y` comes from the plain softmax and
/// the class weight is a factor; the mean divides by the number of clips. Cross-entropy follows PyTorch: with class
/// weights the mean divides by the sum of the weights of the labels, and smoothing spreads over weighted classes.
///
/// Where clips have sets of classes, both work class by class on the sigmoid of each logit; see [`Loss::of_sets`].
#[derive(Clone, Debug)]
pub struct Loss {
    kind: LossKind,
    smoothing: f64,
    weights: Option<Vec<f32>>,
}

impl Loss {
    /// The configured loss; `counts` are the training clips of each class, for class weights.
    pub fn new(config: &LossConfig, counts: &[u64]) -> Self {
        let weights = config.class_weights.then(|| inverse_frequency_weights(counts));
        Self::with_weights(config.kind, config.label_smoothing, weights)
    }

    /// A loss with explicit class weights.
    pub fn with_weights(kind: LossKind, smoothing: f32, weights: Option<Vec<f32>>) -> Self {
        Self { kind, smoothing: f64::from(smoothing), weights }
    }

    /// The loss of a batch, a tensor of one value on the device of `logits`. Labels must be below `K`.
    pub fn of(&self, logits: Tensor<2>, labels: &[usize]) -> Tensor<1> {
        let [batch, classes] = logits.dims();
        let device = logits.device();
        let index: Vec<i64> = labels.iter().map(|l| *l as i64).collect();
        let index: Tensor<2, Int> = Tensor::from_data(TensorData::new(index, [batch, 1]), &device);
        let log_p = log_softmax(logits, 1); // [B, K]
        let log_p_y: Tensor<1> = log_p.clone().gather(1, index).reshape([batch]); // [B]
        let of_label =
            |w: &Vec<f32>| -> Vec<f32> { labels.iter().map(|l| w.get(*l).copied().unwrap_or(1.0)).collect() };
        let weights_y = self.weights.as_ref().map(of_label);
        let as_tensor =
            |values: Vec<f32>| -> Tensor<1> { Tensor::from_data(TensorData::new(values, [batch]), &device) };
        match self.kind {
            LossKind::Focal { gamma } => {
                let mut each = log_p_y.clone().neg();
                if gamma != 0.0 {
                    // A power below 1 has no finite slope at 0, where a clip is already perfectly right.
                    let miss = log_p_y.exp().neg().add_scalar(1.0).clamp_min(1e-7);
                    each = each * miss.powf_scalar(gamma);
                }
                if let Some(weights) = weights_y {
                    each = each * as_tensor(weights);
                }
                each.mean()
            }
            LossKind::CrossEntropy => {
                let total = weights_y.as_ref().map_or(batch as f64, |w| w.iter().map(|w| f64::from(*w)).sum());
                let mut each = log_p_y.neg();
                if let Some(weights) = weights_y {
                    each = each * as_tensor(weights);
                }
                let hit = each.sum().div_scalar(total);
                if self.smoothing == 0.0 {
                    return hit;
                }
                let mut all = log_p.neg(); // [B, K]
                if let Some(weights) = &self.weights {
                    all = all * Tensor::<2>::from_data(TensorData::new(weights.clone(), [1, classes]), &device);
                }
                let spread = all.sum().div_scalar(total * classes as f64);
                hit.mul_scalar(1.0 - self.smoothing) + spread.mul_scalar(self.smoothing)
            }
        }
    }

    /// The lowest mean loss that one and the same answer for every clip reaches, where a share `shares[k]` of the clips shows class k.
    /// `several` is true in a multi-label task. A network whose loss is not below that has learned nothing from the clips.
    pub fn of_guessing(&self, shares: &[f64], several: bool) -> f64 {
        let weight = |k: usize| f64::from(self.weights.as_ref().and_then(|w| w.get(k)).copied().unwrap_or(1.0));
        let classes = shares.len().max(1) as f64;
        if several {
            let of_class = |(k, share): (usize, &f64)| best_of_class(self.kind, self.smoothing, weight(k), *share);
            return shares.iter().enumerate().map(of_class).sum::<f64>() / classes;
        }
        let weighted: Vec<f64> = shares.iter().enumerate().map(|(k, share)| share * weight(k)).collect();
        match self.kind {
            LossKind::CrossEntropy => {
                let target = |(k, w): (usize, &f64)| {
                    (1.0 - self.smoothing) * w + self.smoothing / classes * weight(k) * shares.iter().sum::<f64>()
                };
                let targets: Vec<f64> = weighted.iter().enumerate().map(target).collect();
                let all: f64 = targets.iter().sum();
                let cost = |t: &f64| if *t > 0.0 { t * (all / t).ln() } else { 0.0 };
                targets.iter().map(cost).sum::<f64>() / weighted.iter().sum::<f64>().max(f64::MIN_POSITIVE)
            }
            LossKind::Focal { gamma } => {
                let said = best_focal(&weighted, f64::from(gamma));
                weighted.iter().zip(said).filter(|(w, _)| **w > 0.0).map(|(w, q)| w * focal(q, gamma.into())).sum()
            }
        }
    }

    /// What the mean loss of clips counts beside that of others, so that both together are the mean of all: how many they are,
    /// or the weights of their classes where the mean divides by these. `several` is true in a multi-label task.
    pub fn weight_of(&self, labels: &[usize], several: bool) -> f64 {
        match (&self.weights, self.kind) {
            (Some(weights), LossKind::CrossEntropy) if !several => {
                labels.iter().map(|l| f64::from(weights.get(*l).copied().unwrap_or(1.0))).sum()
            }
            _ => labels.len() as f64,
        }
    }

    /// The loss of a batch by its sets of classes, where it has them, else by its labels.
    pub fn of_batch(&self, logits: Tensor<2>, batch: &Batch) -> Tensor<1> {
        if batch.sets.is_empty() { self.of(logits, &batch.labels) } else { self.of_sets(logits, &batch.sets) }
    }

    /// The loss of a batch of logits `[B, K]` whose clips have sets of classes, a tensor of one value: the mean over clips
    /// and classes. Classes must be below `K`.
    ///
    /// Cross-entropy is PyTorch's `BCEWithLogitsLoss`: class weights are its `pos_weight`, and smoothing moves targets
    /// towards one half. Focal loss is the sigmoid form of Lin et al. (ICCV 2017) without their alpha, `-(1 - p_t)^γ ln p_t`
    /// of each class, where `p_t` is the probability of what is true of it; class weights are a factor where it is shown.
    pub fn of_sets(&self, logits: Tensor<2>, sets: &[Vec<ClassId>]) -> Tensor<1> {
        let [batch, classes] = logits.dims();
        let device = logits.device();
        let tensor = |values: Vec<f32>| -> Tensor<2> {
            Tensor::from_data(TensorData::new(values, [batch, classes]), &device) // [B, K]
        };
        let weight = |class: usize| self.weights.as_ref().and_then(|w| w.get(class)).copied().unwrap_or(1.0);
        let mut shown = vec![false; batch * classes];
        for (row, set) in shown.chunks_mut(classes.max(1)).zip(sets) {
            for class in set {
                if let Some(cell) = row.get_mut(*class) {
                    *cell = true;
                }
            }
        }
        let of = |value: &dyn Fn(bool, usize) -> f32| {
            tensor(shown.iter().enumerate().map(|(i, shown)| value(*shown, i % classes.max(1))).collect())
        };
        match self.kind {
            LossKind::Focal { gamma } => {
                // The logit of what is true of each class.
                let logits = logits * of(&|shown, _| if shown { 1.0 } else { -1.0 });
                let mut each = log_sigmoid(logits.clone()).neg();
                if gamma != 0.0 {
                    // (1 - p)^γ by way of its logarithm, which has a slope everywhere.
                    each = each * log_sigmoid(logits.neg()).mul_scalar(gamma).exp();
                }
                if self.weights.is_some() {
                    each = each * of(&|shown, class| if shown { weight(class) } else { 1.0 });
                }
                each.mean()
            }
            LossKind::CrossEntropy => {
                let half = 0.5 * self.smoothing as f32;
                let target = |shown: bool| if shown { 1.0 - half } else { half };
                let hit = log_sigmoid(logits.clone()) * of(&|shown, class| weight(class) * target(shown));
                let miss = log_sigmoid(logits.neg()) * of(&|shown, _| 1.0 - target(shown));
                (hit + miss).neg().mean()
            }
        }
    }
}

/// Focal loss of a clip whose class has the probability `q`.
fn focal(q: f64, gamma: f64) -> f64 {
    -(1.0 - q).powf(gamma) * q.ln()
}

/// Where a function that falls crosses 0, between two places.
fn crossing(mut low: f64, mut high: f64, falling: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        *(if falling(middle) > 0.0 { &mut low } else { &mut high }) = middle;
    }
    0.5 * (low + high)
}

/// The probabilities, which add up to 1, with the lowest focal loss for clips of these weights: where a little more of any class
/// would gain as much (Lagrange).
fn best_focal(weights: &[f64], gamma: f64) -> Vec<f64> {
    let gain = |q: f64| (1.0 - q).powf(gamma) / q - gamma * (1.0 - q).powf(gamma - 1.0) * q.ln();
    let said = |price: f64| -> Vec<f64> {
        let of = |w: &f64| if *w > 0.0 { crossing(1e-12, 1.0 - 1e-12, |q| w * gain(q) - price) } else { 0.0 };
        weights.iter().map(of).collect()
    };
    said(crossing(-30.0, 30.0, |price| said(price.exp()).iter().sum::<f64>() - 1.0).exp())
}

/// The lowest loss of one class of a multi-label task that a share of the clips shows, with the same probability for every clip.
fn best_of_class(kind: LossKind, smoothing: f64, weight: f64, share: f64) -> f64 {
    let (shown, absent) = match kind {
        LossKind::CrossEntropy => {
            let half = 0.5 * smoothing;
            (weight * (share * (1.0 - half) + (1.0 - share) * half), share * half + (1.0 - share) * (1.0 - half))
        }
        LossKind::Focal { .. } => (weight * share, 1.0 - share),
    };
    let gamma = if let LossKind::Focal { gamma } = kind { f64::from(gamma) } else { 0.0 };
    let part = |w: f64, q: f64| if w > 0.0 { w * focal(q, gamma) } else { 0.0 };
    let cost = |q: f64| part(shown, q) + part(absent, 1.0 - q);
    // It falls and then rises.
    let (mut low, mut high) = (1e-9, 1.0 - 1e-9);
    for _ in 0..120 {
        let third = (high - low) / 3.0;
        if cost(low + third) > cost(high - third) { low += third } else { high -= third }
    }
    cost(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ComputeDevice;

    const FOCAL: LossKind = LossKind::Focal { gamma: 2.0 };

    #[test]
    fn guessing_costs_what_is_computed_by_hand() {
        let plain = |kind, smoothing| Loss::with_weights(kind, smoothing, None);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
        let two = 2.0_f64.ln();
        // The entropy of the shares.
        near(plain(LossKind::CrossEntropy, 0.0).of_guessing(&[0.5, 0.25, 0.25, 0.0], false), 1.5 * two);
        let smooth = -(0.95 * 0.95_f64.ln() + 0.05 * 0.05_f64.ln());
        near(plain(LossKind::CrossEntropy, 0.1).of_guessing(&[1.0, 0.0], false), smooth);
        near(plain(FOCAL, 0.0).of_guessing(&[0.5, 0.5], false), 0.25 * two);
        // Weights that make up for unequal shares leave a toss of a coin.
        let weighted = Loss::new(
            &LossConfig { class_weights: true, kind: LossKind::CrossEntropy, label_smoothing: 0.0 },
            &[30, 10],
        );
        near(weighted.of_guessing(&[0.75, 0.25], false), two);
        // One class half of the clips show, and one that all show.
        near(plain(LossKind::CrossEntropy, 0.0).of_guessing(&[0.5, 1.0], true), 0.5 * two);
        near(plain(FOCAL, 0.0).of_guessing(&[0.5, 0.0], true), 0.125 * two);
    }

    #[test]
    fn no_answer_that_is_the_same_for_all_clips_costs_less() {
        let device = ComputeDevice::cpu().tensor_device();
        let weights = Some(vec![0.5, 1.0, 1.5]);
        let labels = [0, 0, 0, 1, 1, 2];
        let sets: Vec<Vec<ClassId>> = vec![vec![0], vec![0, 1], vec![0], vec![], vec![1], vec![0, 2]];
        let rows = |logits: [f32; 3]| -> Tensor<2> {
            let data: Vec<f32> = (0..labels.len()).flat_map(|_| logits).collect();
            Tensor::from_data(TensorData::new(data, [labels.len(), 3]), &device)
        };
        let grid: Vec<f32> = (-12..=12).map(|i| i as f32 / 4.0).collect();
        for (kind, smoothing) in [(LossKind::CrossEntropy, 0.0), (LossKind::CrossEntropy, 0.2), (FOCAL, 0.0)] {
            let loss = Loss::with_weights(kind, smoothing, weights.clone());
            let one = loss.of_guessing(&[3.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0], false);
            let several = loss.of_guessing(&[4.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0], true);
            let value = |t: Tensor<1>| f64::from(t.into_scalar::<f32>());
            let mut least = f64::INFINITY;
            for a in &grid {
                for b in &grid {
                    least = least.min(value(loss.of(rows([*a, *b, 0.0]), &labels)));
                }
            }
            // Each class of a set costs by itself: the best of one is the best beside any others.
            let of_sets = |logits| value(loss.of_sets(rows(logits), &sets));
            let own = |at: usize, logit: f32| of_sets(std::array::from_fn(|k| if k == at { logit } else { 0.0 }));
            let best = |at| grid.iter().map(|logit| own(at, *logit)).fold(f64::INFINITY, f64::min);
            let least_several = best(0) + best(1) + best(2) - 2.0 * of_sets([0.0; 3]);
            assert!(one < least + 1e-5 && least < one + 0.01, "{kind:?}: {one} {least}");
            assert!(
                several < least_several + 1e-5 && least_several < several + 0.02,
                "{kind:?}: {several} {least_several}"
            );
        }
    }
}

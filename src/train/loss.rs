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

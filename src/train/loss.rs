//! The loss function: cross-entropy with class weights and label smoothing.

use crate::config::{LossConfig, LossKind};
use crate::data::inverse_frequency_weights;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};

/// A loss over logits `[B, K]` and class labels, the mean over the batch.
///
/// Focal loss is that of Lin et al. (ICCV 2017), `-w_y (1 - p_y)^γ ln p_y`, where `p_y` comes from the plain softmax and
/// the class weight is a factor; the mean divides by the number of clips. Cross-entropy follows PyTorch: with class
/// weights the mean divides by the sum of the weights of the labels, and smoothing spreads over weighted classes.
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
}

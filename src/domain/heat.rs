use super::ClassId;
use serde::{Deserialize, Serialize};

/// Over which axes a gradient is averaged to weigh a channel. Two algorithms share the name
/// Grad-CAM for video; a map must say which one it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PoolingRule {
    /// Over time, height and width together (pytorch-grad-cam). The default.
    #[default]
    SpaceTime,
    /// Over height and width, each time step for itself (mmaction2, SlowFast).
    PerTimeStep,
}

/// A class-activation map at the resolution the layer really has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatMap {
    /// Method id, for example `"grad-cam"`.
    pub method: String,
    /// Layer id from the network's own tree.
    pub layer: String,
    /// The class whose logit was explained.
    pub class: ClassId,
    /// Cells along time, height and width.
    pub shape: [usize; 3],
    /// `T * H * W` values in C order, before ReLU and normalisation.
    pub values: Vec<f32>,
    /// How gradients were pooled.
    pub pooling: PoolingRule,
}

impl HeatMap {
    /// Largest value after ReLU over the whole clip; 0 when nothing speaks for the class.
    pub fn clip_max(&self) -> f32 {
        self.values.iter().fold(0.0, |m, v| m.max(*v))
    }

    /// Values after ReLU, shifted and scaled to 0…1 over the whole clip (as pytorch-grad-cam does).
    pub fn normalised(&self) -> Vec<f32> {
        let relu: Vec<f32> = self.values.iter().map(|v| v.max(0.0)).collect();
        let min = relu.iter().copied().fold(f32::INFINITY, f32::min);
        let max = relu.iter().copied().fold(0.0_f32, f32::max) - min;
        relu.iter().map(|v| (v - min) / (1e-7 + max)).collect()
    }
}

//! From one layer's activation and gradient to a map. Sums run in f64: a layer has hundreds of channels.

use super::CamError;
use crate::domain::{MapPooling, PoolingRule, choices};
use crate::model::GradientUse;

/// One layer of one clip: what it gave, and how the class score depends on it.
#[derive(Clone, Copy, Debug)]
pub struct LayerMap<'a> {
    /// Activation, `[C, T, H, W]` in C order.
    pub activation: &'a [f32],
    /// Gradient of the logit with respect to the activation, same layout.
    pub gradient: &'a [f32],
    /// Channels.
    pub channels: usize,
    /// Cells along time, height and width.
    pub shape: [usize; 3],
    /// Each frame went through the network by itself: it is a picture of its own, and nothing is pooled over time.
    pub apart: bool,
}

/// What a method made of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// `T * H * W` raw values, before ReLU.
    pub values: Vec<f32>,
    /// How gradients were pooled for them.
    pub pooling: MapPooling,
}

/// Activation and gradient to a map, pooled by a rule where the method pools and the network leaves the choice.
type Compute = fn(LayerMap<'_>, PoolingRule) -> Computed;

/// A row of the method registry.
#[derive(Clone, Copy, Debug)]
pub struct MethodSpec {
    /// Id in files and on the command line.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What it computes, one sentence.
    pub summary: &'static str,
    /// The paper.
    pub paper: &'static str,
    /// What it reads of the gradients, pooled over space and time.
    reads: GradientUse,
    /// The map.
    pub compute: Compute,
}

/// Every method.
pub const METHODS: &[MethodSpec] = &[
    MethodSpec {
        id: "grad-cam",
        title: "Grad-CAM",
        summary: "Channels weighted by their mean gradient.",
        paper: "Selvaraju et al., ICCV 2017",
        reads: GradientUse::Summed,
        compute: grad_cam,
    },
    MethodSpec {
        id: "grad-cam++",
        title: "Grad-CAM++",
        summary: "Channels weighted by positive gradients with higher-order weights; finds several instances.",
        paper: "Chattopadhay et al., WACV 2018",
        reads: GradientUse::ByPlace,
        compute: grad_cam_plus_plus,
    },
    MethodSpec {
        id: "hirescam",
        title: "HiResCAM",
        summary: "Gradient times activation, cell by cell; shows only what the network used.",
        paper: "Draelos & Carin, 2020",
        reads: GradientUse::ByPlace,
        compute: hires_cam,
    },
];

impl MethodSpec {
    /// What it reads of the gradients with a rule of pooling: by the step, a choice between two steps counts.
    pub fn reads(&self, pooling: PoolingRule) -> GradientUse {
        if pooling == PoolingRule::SpaceTime { self.reads } else { GradientUse::ByPlace }
    }

    /// The row called `id`.
    ///
    /// # Errors
    /// An unknown id; the message lists the known ones.
    pub fn find(id: &str) -> Result<&'static MethodSpec, CamError> {
        METHODS.iter().find(|m| m.id == id).ok_or_else(|| CamError::UnknownMethod {
            id: id.to_owned(),
            known: choices(id, METHODS.iter().map(|m| m.id)),
        })
    }
}

/// Adds `Σ_k weight(activation_k, gradient_k) · activation_k`, where a channel is pooled as a whole or step by step.
fn weighted(layer: LayerMap<'_>, rule: PoolingRule, weight: fn(&[f32], &[f32], PoolingRule) -> f64) -> Computed {
    let [t, h, w] = layer.shape;
    let cells = t * h * w;
    let pooling = if layer.apart { MapPooling::PerFrame } else { rule.into() };
    let pooled = match pooling {
        MapPooling::SpaceTime => cells,
        MapPooling::PerTimeStep | MapPooling::PerFrame | MapPooling::None => h * w,
    };
    let mut map = vec![0.0_f64; cells];
    if cells == 0 {
        return Computed { values: Vec::new(), pooling };
    }
    let channels = layer.activation.chunks_exact(cells).zip(layer.gradient.chunks_exact(cells));
    for (activation, gradient) in channels.take(layer.channels) {
        let parts = activation.chunks_exact(pooled).zip(gradient.chunks_exact(pooled));
        for ((a, g), out) in parts.zip(map.chunks_exact_mut(pooled)) {
            let weight = weight(a, g, rule);
            for (out, a) in out.iter_mut().zip(a) {
                *out += weight * f64::from(*a);
            }
        }
    }
    Computed { values: map.into_iter().map(|v| v as f32).collect(), pooling }
}

/// Grad-CAM: the weight of a channel is the mean of its gradient.
fn grad_cam(layer: LayerMap<'_>, rule: PoolingRule) -> Computed {
    weighted(layer, rule, |_, g, _| g.iter().map(|g| f64::from(*g)).sum::<f64>() / g.len() as f64)
}

/// Grad-CAM++: the weight of a channel is the sum of its positive gradients, each weighted by
/// `G² / (2 G² + s + ε)`. Over space and time `s = (Σ A) G³` and `ε = 1e-6`, as pytorch-grad-cam computes it; step by
/// step `s = Σ A G³` and `ε = 1e-8`.
fn grad_cam_plus_plus(layer: LayerMap<'_>, rule: PoolingRule) -> Computed {
    weighted(layer, rule, |activation, gradient, rule| {
        let sum: f64 = activation.iter().map(|a| f64::from(*a)).sum();
        let cubes: f64 = activation.iter().zip(gradient).map(|(a, g)| f64::from(*a) * f64::from(*g).powi(3)).sum();
        let positive = gradient.iter().map(|g| f64::from(*g)).filter(|g| *g > 0.0);
        positive
            .map(|g| {
                let square = g * g;
                let below = match rule {
                    PoolingRule::SpaceTime => 2.0 * square + sum * square * g + 1e-6,
                    PoolingRule::PerTimeStep => 2.0 * square + cubes + 1e-8,
                };
                square / below * g
            })
            .sum()
    })
}

/// HiResCAM: gradient times activation, cell by cell; nothing is pooled.
fn hires_cam(layer: LayerMap<'_>, _rule: PoolingRule) -> Computed {
    let pooling = MapPooling::None;
    let cells = layer.shape.iter().product::<usize>();
    let mut map = vec![0.0_f64; cells];
    if cells == 0 {
        return Computed { values: Vec::new(), pooling };
    }
    let channels = layer.activation.chunks_exact(cells).zip(layer.gradient.chunks_exact(cells));
    for (activation, gradient) in channels.take(layer.channels) {
        for ((out, a), g) in map.iter_mut().zip(activation).zip(gradient) {
            *out += f64::from(*a) * f64::from(*g);
        }
    }
    Computed { values: map.into_iter().map(|v| v as f32).collect(), pooling }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels over one step of 1x2 cells, by hand.
    #[test]
    fn maps_of_a_tiny_layer_by_hand() {
        let (activation, gradient) = ([1.0, 2.0, 3.0, 4.0], [0.5, 0.0, -1.0, 2.0]);
        let layer =
            LayerMap { activation: &activation, gradient: &gradient, channels: 2, shape: [1, 1, 2], apart: false };
        // Weights 0.25 and 0.5.
        assert_eq!(grad_cam(layer, PoolingRule::SpaceTime).values, [0.25 + 1.5, 0.5 + 2.0]);
        assert_eq!(hires_cam(layer, PoolingRule::SpaceTime).values, [0.5 - 3.0, 0.0 + 8.0]);
        let weight = |g: f64, sum: f64| g * g / (2.0 * g * g + sum * g * g * g + 1e-6) * g;
        let (w0, w1) = (weight(0.5, 3.0), weight(2.0, 7.0));
        let expected = [w0 + 3.0 * w1, 2.0 * w0 + 4.0 * w1];
        for (value, expected) in grad_cam_plus_plus(layer, PoolingRule::SpaceTime).values.into_iter().zip(expected) {
            assert!((f64::from(value) - expected).abs() < 1e-6, "{value} {expected}");
        }
        // The same numbers as two frames of one cell: pictures of their own are weighted each by its own gradient.
        let frames = LayerMap { shape: [2, 1, 1], apart: true, ..layer };
        assert_eq!(grad_cam(frames, PoolingRule::SpaceTime).values, [0.5 - 3.0, 0.0 + 8.0]);
        let expected = [weight(0.5, 1.0), 4.0 * weight(2.0, 4.0)];
        for (value, expected) in grad_cam_plus_plus(frames, PoolingRule::SpaceTime).values.into_iter().zip(expected) {
            assert!((f64::from(value) - expected).abs() < 1e-6, "{value} {expected}");
        }
    }

    #[test]
    fn a_map_says_how_it_was_pooled_whatever_was_asked_for() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let layer = LayerMap { activation: &values, gradient: &values, channels: 1, shape: [2, 1, 2], apart: false };
        let of = |id: &str, apart, rule| {
            let computed = (MethodSpec::find(id).unwrap().compute)(LayerMap { apart, ..layer }, rule);
            let empty = LayerMap { activation: &[], gradient: &[], shape: [0, 1, 2], apart, ..layer };
            assert_eq!((MethodSpec::find(id).unwrap().compute)(empty, rule).pooling, computed.pooling);
            (computed.pooling, computed.values)
        };
        for rule in [PoolingRule::SpaceTime, PoolingRule::PerTimeStep] {
            for id in ["grad-cam", "grad-cam++"] {
                assert_eq!(of(id, true, rule).0, MapPooling::PerFrame);
                assert_eq!(of(id, false, rule).0, rule.into());
            }
            for apart in [true, false] {
                assert_eq!(of("hirescam", apart, rule), (MapPooling::None, vec![1.0, 4.0, 9.0, 16.0]));
            }
        }
    }
}

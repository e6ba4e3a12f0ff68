//! The outputs of layers for clips, from one forward pass.

use super::InsideError;
use crate::domain::argmax;
use crate::model::{GradientUse, ModuleTree, Network, layer_choices, read};
use burn::tensor::{Tensor, TensorData};

/// The output of a layer for one clip.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerActivation {
    /// The layer.
    pub layer: String,
    /// Channels, and cells along time, height and width. In the classifier channels are units; where it answers for each
    /// frame or window, these lie along time.
    pub shape: [usize; 4],
    /// `[C, T, H, W]` in C order.
    pub values: Vec<f32>,
}

impl LayerActivation {
    /// Cells of a channel.
    pub fn cells(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// The values of each channel.
    pub fn channels(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.cells().max(1)).take(self.shape.first().copied().unwrap_or(0))
    }

    /// The values of a channel at a time cell, `[H, W]`; `None` outside it.
    pub fn plane(&self, channel: usize, time: usize) -> Option<&[f32]> {
        let [channels, steps, height, width] = self.shape;
        let from = (channel * steps + time) * height * width;
        if channel < channels && time < steps { self.values.get(from..from + height * width) } else { None }
    }

    /// The time cell that covers a frame of a clip of `frames`, and the frames it covers: the first and the one behind the
    /// last.
    pub fn time_cell(&self, frame: usize, frames: usize) -> (usize, [usize; 2]) {
        let (steps, frames) = (self.shape[1].max(1), frames.max(1));
        let cell = (frame.min(frames - 1) * steps / frames).min(steps - 1);
        (cell, [(cell * frames).div_ceil(steps), ((cell + 1) * frames).div_ceil(steps)])
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }
}

/// Refuses layers the network does not have.
///
/// # Errors
/// [`InsideError::UnknownLayer`], with the outermost layers there are.
pub fn require_layers(network: &Network, layers: &[String]) -> Result<(), InsideError> {
    let ids: Vec<&str> = network.layers().iter().map(|l| l.id.as_str()).collect();
    match layers.iter().find(|l| !ids.contains(&l.as_str())) {
        None => Ok(()),
        Some(layer) => Err(InsideError::UnknownLayer {
            model: network.spec().title.to_owned(),
            layer: layer.clone(),
            known: layer_choices(layer, &ids),
        }),
    }
}

/// The layers that are shown where none are named: the outermost of the trunk, from the first to the last, and the classifier's
/// last.
pub fn shown_layers(tree: &ModuleTree) -> Vec<String> {
    tree.trunk.iter().chain(tree.head.last()).map(|m| m.id.clone()).collect()
}

/// Runs clips forward once, recording nothing, and hands the output of each of `layers` to `each`, in forward order and
/// for one clip after the other, with the clip's place in the batch; what it does not keep is freed as the pass goes on.
/// `pixels` is `[batch, 3, T, H, W]`. Gives the logits, `[batch, classes]`.
///
/// # Errors
/// A layer the network does not have, a clip it cannot take, a device that failed, and the first error of `each`, after
/// which it is not called again.
pub fn watch_layers<E: From<InsideError> + Send>(
    network: &Network,
    pixels: impl AsRef<[f32]> + Send + 'static,
    (batch, clip): (usize, [usize; 3]),
    layers: &[String],
    each: &mut (dyn FnMut(usize, LayerActivation) -> Result<(), E> + Send),
) -> Result<Vec<f32>, E> {
    require_layers(network, layers)?;
    let ids: Vec<&str> = layers.iter().map(String::as_str).collect();
    network.device().compute_now(|| {
        let input = network.input(pixels, batch, clip).map_err(InsideError::Model)?;
        let mut ended = Ok(());
        let mut watch = |layer: &str, x: &Tensor<5>| {
            if ended.is_ok() {
                ended = of_clips(layer, x, batch).map_err(E::from).and_then(|clips| {
                    clips.into_iter().enumerate().try_for_each(|(clip, activation)| each(clip, activation))
                });
            }
        };
        let logits = network.forward_watched(input, &ids, &mut watch);
        ended?;
        Ok(read(logits).map_err(InsideError::Model)?)
    })
}

/// The output of a layer, clip by clip.
fn of_clips(layer: &str, x: &Tensor<5>, batch: usize) -> Result<Vec<LayerActivation>, InsideError> {
    let [rows, c, t, h, w] = x.dims();
    let values = read(x.clone())?;
    Ok(split(layer, values, [rows, c, t, h, w], batch))
}

/// `[rows, C, T, H, W]` in C order as clips. Rows of a classifier that answers several times a clip become time.
fn split(layer: &str, values: Vec<f32>, [rows, c, t, h, w]: [usize; 5], batch: usize) -> Vec<LayerActivation> {
    let batch = batch.max(1);
    let (each, cells) = (rows / batch, t * h * w);
    let named = |shape, values| LayerActivation { layer: layer.to_owned(), shape, values };
    if each <= 1 {
        let shape = [c, t, h, w];
        return match rows {
            1 => vec![named(shape, values)],
            _ => values.chunks_exact((c * cells).max(1)).map(|v| named(shape, v.to_vec())).collect(),
        };
    }
    let turned = |clip: &[f32]| {
        let value = |unit: usize| clip.chunks_exact(c).filter_map(move |row| row.get(unit)).copied();
        (0..c).flat_map(value).collect::<Vec<f32>>()
    };
    values.chunks_exact((each * c * cells).max(1)).map(|clip| named([c, each, 1, 1], turned(clip))).collect()
}

/// A layer's output for a clip, with the gradient of a class score there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedLayer {
    /// The output.
    pub activation: LayerActivation,
    /// Gradient of the logit, as [`LayerActivation::values`].
    pub gradient: Vec<f32>,
}

/// Runs one clip, `[3, T, H, W]`, forward and once back from the logit of `class` (`None`: the largest), and gives each of
/// `layers` in the order asked for, with the logits. All of them are held at once.
///
/// # Errors
/// An unknown layer or class, a clip the network cannot take, logits that are not numbers, a device that failed.
pub fn record_layers(
    network: &Network,
    pixels: Vec<f32>,
    clip: [usize; 3],
    layers: &[String],
    class: Option<usize>,
) -> Result<(Vec<f32>, Vec<RecordedLayer>), InsideError> {
    require_layers(network, layers)?;
    let classes = network.classes();
    if let Some(class) = class.filter(|c| *c >= classes) {
        return Err(InsideError::UnknownClass { class, classes });
    }
    let ids: Vec<&str> = layers.iter().map(String::as_str).collect();
    network.device().compute_now(|| {
        let input = network.input(pixels, 1, clip)?;
        let recorded = network.forward_recorded(input, &ids, 1, GradientUse::ByPlace);
        let logits = read(recorded.logits.clone())?;
        if !logits.iter().all(|l| l.is_finite()) {
            return Err(InsideError::NotFinite);
        }
        if recorded.taps.is_empty() {
            return Ok((logits, Vec::new()));
        }
        let mut chosen = vec![0.0_f32; classes];
        let class = class.unwrap_or_else(|| argmax(&logits));
        chosen.get_mut(class).into_iter().for_each(|c| *c = 1.0);
        let device = recorded.logits.device().without_autodiff();
        let chosen: Tensor<2> = Tensor::from_data(TensorData::new(chosen, [1, classes]), &device);
        let gradients = (recorded.logits * chosen).sum().backward();
        let layer = |tap: &crate::model::Tap| {
            let dims = tap.activation.dims();
            let of = |values| split(&tap.layer, values, dims, 1).pop().unwrap_or_default();
            let gradient = of(read(tap.gradient(&gradients))?).values;
            Ok(RecordedLayer { activation: of(read(tap.activation.clone())?), gradient })
        };
        let layers = recorded.taps.iter().map(layer).collect::<Result<Vec<_>, InsideError>>()?;
        Ok((logits, layers))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_classifier_that_answers_for_each_frame_lie_along_time() {
        // Two clips of three frames, two units.
        let values: Vec<f32> = (0..12).map(|v| v as f32).collect();
        let clips = split("fc", values, [6, 2, 1, 1, 1], 2);
        assert_eq!(clips.len(), 2);
        assert_eq!(
            (clips[0].shape, clips[0].values.as_slice()),
            ([2, 3, 1, 1], [0.0, 2.0, 4.0, 1.0, 3.0, 5.0].as_slice())
        );
        assert_eq!(clips[1].values, [6.0, 8.0, 10.0, 7.0, 9.0, 11.0]);
        let trunk = split("a", (0..8).map(|v| v as f32).collect(), [2, 2, 2, 1, 1], 2);
        assert_eq!((trunk[1].shape, trunk[1].values.as_slice()), ([2, 2, 1, 1], [4.0, 5.0, 6.0, 7.0].as_slice()));
        assert_eq!(trunk[1].plane(1, 0), Some([6.0].as_slice()));
        assert_eq!([trunk[1].plane(2, 0), trunk[1].plane(0, 2)], [None; 2]);
    }

    #[test]
    fn a_time_cell_covers_its_share_of_the_frames() {
        let of = |steps| LayerActivation { shape: [1, steps, 1, 1], ..LayerActivation::default() };
        assert_eq!([0, 7, 8, 15, 99].map(|f| of(2).time_cell(f, 16).0), [0, 0, 1, 1, 1]);
        assert_eq!(
            [of(2).time_cell(3, 16).1, of(2).time_cell(8, 16).1, of(1).time_cell(3, 16).1],
            [[0, 8], [8, 16], [0, 16]]
        );
        for (steps, frames) in [(1, 16), (3, 16), (8, 16), (16, 16), (5, 7)] {
            for frame in 0..frames {
                let (_, [from, to]) = of(steps).time_cell(frame, frames);
                assert!((from..to).contains(&frame), "{frame} of {frames} in {steps}: {from}..{to}");
            }
        }
    }
}

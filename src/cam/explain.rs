//! From a clip to its maps: forward once, backward once.

use super::CamError;
use super::methods::{Computed, LayerMap, MethodSpec};
use crate::domain::{ClassId, HeatMap, PoolingRule, argmax};
use crate::model::{GradientUse, Network, read};
use burn::tensor::{Tensor, TensorData};

/// The logit a map explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The largest.
    Predicted,
    /// This one.
    Class(ClassId),
}

/// One map asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MapRequest {
    /// Method id in [`super::METHODS`].
    pub method: String,
    /// Layer id; `None` takes the network's default.
    pub layer: Option<String>,
    /// The logit.
    pub target: Target,
    /// A logit taken off it, so that the map shows what speaks for the one class rather than the other. Has no effect
    /// where both turn out to be the same class.
    pub against: Option<Target>,
    /// How gradients are pooled, where the method pools. In a network that sees frames one by one each frame is pooled by
    /// itself either way.
    pub pooling: PoolingRule,
}

/// What a network says about a clip and where it looked.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// Raw scores in output order.
    pub logits: Vec<f32>,
    /// The maps, in the order asked for.
    pub maps: Vec<HeatMap>,
}

/// Maps of one clip, `pixels` being `[3, T, H, W]` in C order and `clip` being `(T, H, W)`.
///
/// However many maps are asked for, the network runs forward once and backward once, and nothing below the lowest layer
/// asked for is recorded. Each distinct target gets a copy of the upper part of the network.
///
/// # Errors
/// An unknown method, layer or class, a clip the network cannot take, or scores that are not numbers.
pub fn explain(
    network: &Network,
    pixels: Vec<f32>,
    clip: [usize; 3],
    requests: &[MapRequest],
) -> Result<Explained, CamError> {
    let mut all = explain_batch(network, vec![pixels], clip, std::slice::from_ref(&requests.to_vec()))?;
    all.pop().ok_or(CamError::Internal("a clip that was explained has no maps"))
}

/// As [`explain`], of several clips at once, each with requests of its own.
///
/// # Errors
/// As [`explain`], of any clip.
pub fn explain_batch(
    network: &Network,
    clips: Vec<Vec<f32>>,
    clip: [usize; 3],
    requests: &[Vec<MapRequest>],
) -> Result<Vec<Explained>, CamError> {
    network.device().compute_now(|| passes(network, clips, clip, requests))
}

fn passes(
    network: &Network,
    clips: Vec<Vec<f32>>,
    clip: [usize; 3],
    requests: &[Vec<MapRequest>],
) -> Result<Vec<Explained>, CamError> {
    let (batch, classes) = (clips.len(), network.classes());
    let named = requests.iter().flatten().flat_map(|r| [Some(r.target), r.against]).flatten();
    if let Some(class) = named.into_iter().find_map(|t| match t {
        Target::Class(c) if c >= classes => Some(c),
        _ => None,
    }) {
        return Err(CamError::UnknownClass { class, classes });
    }
    let mut use_of = GradientUse::Summed;
    for request in requests.iter().flatten() {
        if MethodSpec::find(&request.method)?.reads(request.pooling) == GradientUse::ByPlace {
            use_of = GradientUse::ByPlace;
        }
    }
    let input = network.input(clips.concat(), batch, clip)?;
    let layer_of = |r: &MapRequest| r.layer.clone().unwrap_or_else(|| network.default_layer().to_owned());
    let layers = distinct(requests.iter().flatten().map(layer_of));
    if layers.is_empty() {
        let logits = finite(read(network.forward(input))?)?;
        let of = |row: &[f32]| Explained { logits: row.to_vec(), maps: Vec::new() };
        return Ok(logits.chunks_exact(classes).map(of).collect());
    }
    let targets: Vec<Vec<Pair>> =
        requests.iter().map(|of_clip| distinct(of_clip.iter().map(|r| (r.target, r.against)))).collect();
    let copies = targets.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let ids: Vec<&str> = layers.iter().map(String::as_str).collect();
    let tapped = network.forward_tapped(input, &ids, copies, use_of)?;
    let rows = finite(read(tapped.logits.clone())?)?; // [batch, copies, classes]
    let logits: Vec<&[f32]> = rows.chunks_exact(classes).step_by(copies).collect();
    let chosen: Vec<Vec<(ClassId, Option<ClassId>)>> =
        targets.iter().zip(&logits).map(|(targets, logits)| chosen(targets, argmax(logits))).collect();

    let device = tapped.logits.device();
    // What is explained is a sum of logits, each with its sign: one row a target.
    let mut signs = vec![0.0_f32; batch * copies * classes];
    for (rows, chosen) in signs.chunks_exact_mut(copies * classes).zip(&chosen) {
        for (row, (class, against)) in rows.chunks_exact_mut(classes).zip(chosen) {
            row[*class] = 1.0;
            if let Some(other) = against {
                row[*other] = -1.0;
            }
        }
    }
    let signs: Tensor<2> = Tensor::from_data(TensorData::new(signs, [batch * copies, classes]), &device);
    let gradients = (tapped.logits * signs).sum().backward();

    let mut caught = Vec::with_capacity(tapped.taps.len());
    for tap in &tapped.taps {
        let [_, channels, t, h, w] = tap.activation.dims();
        let gradient = read(tap.gradient(&gradients))?;
        caught.push((channels, [t, h, w], read(tap.activation.clone())?, gradient));
    }
    let map = |request: &MapRequest, of_clip: usize| {
        let (method, layer) = (MethodSpec::find(&request.method).ok()?, layer_of(request));
        let (channels, shape, activation, gradient) = caught.get(layers.iter().position(|l| *l == layer)?)?;
        let row = targets.get(of_clip)?.iter().position(|t| *t == (request.target, request.against))?;
        let (class, against) = *chosen.get(of_clip)?.get(row)?;
        let size = channels * shape.iter().product::<usize>();
        let row = of_clip * copies + row;
        let of_row = row * size..(row + 1) * size;
        let part = LayerMap {
            activation: activation.get(of_row.clone())?,
            gradient: gradient.get(of_row)?,
            channels: *channels,
            shape: *shape,
            apart: network.spec().per_frame,
        };
        let Computed { values, pooling } = (method.compute)(part, request.pooling);
        Some(HeatMap {
            method: request.method.clone(),
            layer,
            class,
            against,
            shape: *shape,
            values,
            pooling,
            region: HeatMap::WHOLE,
        })
    };
    let explained = logits.iter().zip(requests).enumerate().map(|(clip, (logits, requests))| Explained {
        logits: logits.to_vec(),
        maps: requests.iter().filter_map(|r| map(r, clip)).collect(),
    });
    Ok(explained.collect())
}

/// What is explained, and what is taken off it.
type Pair = (Target, Option<Target>);

/// Targets as classes, once it is known which is the largest.
fn chosen(targets: &[Pair], predicted: ClassId) -> Vec<(ClassId, Option<ClassId>)> {
    let resolve = |target: Target| match target {
        Target::Predicted => predicted,
        Target::Class(class) => class,
    };
    let pairs = targets.iter().map(|(target, against)| {
        let class = resolve(*target);
        (class, against.map(resolve).filter(|other| *other != class))
    });
    pairs.collect()
}

fn finite(logits: Vec<f32>) -> Result<Vec<f32>, CamError> {
    if logits.iter().all(|l| l.is_finite()) { Ok(logits) } else { Err(CamError::NotFinite) }
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut out = Vec::new();
    for item in items {
        if !out.contains(&item) {
            out.push(item);
        }
    }
    out
}

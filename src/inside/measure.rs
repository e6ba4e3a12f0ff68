//! How long each layer takes.

use super::InsideError;
use crate::model::{ModuleTree, Network, read};
use burn::tensor::Tensor;
use std::collections::HashMap;
use std::time::Instant;

/// Seconds each module takes for a batch of one clip, the least of `rounds` passes after one that is not counted. Layers are
/// computed one by one; an ordinary pass computes some of them together and is faster. A group takes what is inside it,
/// and adding or joining its ways.
///
/// # Errors
/// A clip the network cannot take, a device that failed.
pub fn layer_seconds(
    network: &Network,
    tree: &ModuleTree,
    pixels: &[f32],
    clip: [usize; 3],
    rounds: usize,
) -> Result<HashMap<String, f64>, InsideError> {
    let modules = tree.modules();
    let ids: Vec<&str> = modules.iter().map(|m| m.id.as_str()).collect();
    let mut best: HashMap<String, f64> = HashMap::new();
    for round in 0..=rounds.max(1) {
        let input = pixels.to_vec();
        let own = network.device().compute_now(|| -> Result<Vec<(String, f64)>, InsideError> {
            let input = network.input(input, 1, clip)?;
            let (mut own, mut failed) = (Vec::with_capacity(ids.len()), None);
            let mut last = Instant::now();
            let mut watch = |id: &str, x: &Tensor<5>| {
                // A GPU has only been told what to do; what is read must have been done.
                let first = x.clone().slice([0..1, 0..1, 0..1, 0..1, 0..1]);
                failed = failed.take().or(read(first).err());
                let now = Instant::now();
                own.push((id.to_owned(), now.duration_since(last).as_secs_f64()));
                last = Instant::now();
            };
            read(network.forward_watched(input, &ids, &mut watch))?;
            failed.map_or(Ok(own), |error| Err(error.into()))
        })?;
        if round > 0 {
            for (id, seconds) in own {
                best.entry(id).and_modify(|known| *known = known.min(seconds)).or_insert(seconds);
            }
        }
    }
    let own = best.clone();
    for module in modules {
        let inside = |id: &str| crate::model::lies_inside(id, &module.id);
        let seconds: f64 = own.iter().filter(|(id, _)| inside(id)).map(|(_, s)| s).sum();
        best.entry(module.id.clone()).and_modify(|s| *s += seconds);
    }
    Ok(best)
}

//! Data parallelism: each device has a replica of the network, takes a share of the batch and computes its gradient;
//! the mean of these moves the first network, which the copies then follow.
//!
//! As in PyTorch's `DistributedDataParallel`, a batch normalisation sees the clips of its own device only, and the
//! running statistics are those of the first. Without batch normalisation and dropout the step is that of one device, up
//! to rounding.

use super::TrainError;
use super::features::Features;
use super::loss::Loss;
use crate::data::Batch;
use crate::domain::argmax;
use crate::model::{ComputeDevice, GradientSet, Network, read};

/// What is done with a batch.
#[derive(Clone, Copy)]
pub(super) struct BatchTask<'a> {
    pub loss: &'a Loss,
    /// What a frozen backbone makes of the clips, where that is known.
    pub features: Option<&'a Features>,
    /// Frames, rows and columns of a clip.
    pub clip: [usize; 3],
    /// Seed of the dropout masks.
    pub seed: u64,
    /// The loss is multiplied by this on its way back, and the gradients are divided by it.
    pub scale: f64,
}

/// What a batch taught.
pub(super) struct BatchResult {
    /// Mean over the clips.
    pub loss: f64,
    /// Clips that were right: of several classes one was said.
    pub right: u64,
    /// True class of each clip and the one said; none in a multi-label task.
    pub said: Vec<(usize, usize)>,
    /// Gradient of the mean loss, on the first device; `None` when the loss is no number.
    pub gradients: Option<GradientSet>,
}

/// The networks on the other devices.
#[derive(Default)]
pub(super) struct Copies(Vec<Network>);

impl Copies {
    /// Copies of a network for all devices but the first, which has it already.
    pub fn new(network: &Network, devices: &[ComputeDevice]) -> Self {
        Self(devices.iter().skip(1).map(|device| network.on(device)).collect())
    }

    /// Makes the copies equal to the first network again.
    pub fn follow(&mut self, first: &Network) {
        self.0.iter_mut().for_each(|copy| copy.follow(first));
    }

    /// Bytes that the devices of all networks hold for tensors; `None` where one of them does not tell.
    pub fn memory(&self, first: &Network) -> Option<u64> {
        let devices = std::iter::once(first).chain(&self.0).map(Network::device);
        devices.map(|d| d.memory().map(|m| m.reserved)).sum()
    }

    /// Loss and gradients of a batch, shared among all devices.
    pub fn learn(&mut self, first: &mut Network, batch: Batch, task: BatchTask<'_>) -> Result<BatchResult, TrainError> {
        if self.0.is_empty() {
            return learn(first, batch, task, 1.0);
        }
        let several = !batch.sets.is_empty();
        let weight = |labels: &[usize]| task.loss.weight_of(labels, several);
        let all = weight(&batch.labels);
        let share = |part: &Batch| weight(&part.labels) / all;
        let mut parts = split(batch, 1 + self.0.len()).into_iter().enumerate();
        let Some((_, own)) = parts.next() else { return learn(first, Batch::default(), task, 1.0) };
        let device = first.device().tensor_device();
        // A device works on while the next gets its share, so one thread each only keeps reading from holding it up.
        let lessons: Vec<(f64, Result<BatchResult, TrainError>)> = std::thread::scope(|scope| {
            let threads: Vec<_> = parts
                .zip(self.0.iter_mut())
                .map(|((index, part), network)| {
                    let task =
                        BatchTask { seed: task.seed ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15), ..task };
                    let share = share(&part);
                    (share, scope.spawn(move || learn(network, part, task, share)))
                })
                .collect();
            let weight = share(&own);
            let mut all = vec![(weight, learn(first, own, task, weight))];
            all.extend(threads.into_iter().map(|(share, thread)| {
                (share, thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            }));
            all
        });
        let mut sum = BatchResult { loss: 0.0, right: 0, said: Vec::new(), gradients: None };
        let mut finite = true;
        for (share, lesson) in lessons {
            let lesson = lesson?;
            sum.loss += share * lesson.loss;
            sum.right += lesson.right;
            sum.said.extend(lesson.said);
            match lesson.gradients.map(|g| g.to_device(&device)) {
                Some(gradients) => match &mut sum.gradients {
                    Some(sum) => sum.add(gradients),
                    None => sum.gradients = Some(gradients),
                },
                None => finite = false,
            }
        }
        sum.gradients = sum.gradients.filter(|_| finite);
        Ok(sum)
    }
}

/// The lesson of a batch on one device, its gradients times `share`.
fn learn(network: &mut Network, batch: Batch, task: BatchTask<'_>, share: f64) -> Result<BatchResult, TrainError> {
    let device = network.device().clone();
    device.compute(|| pass(network, batch, task, share))
}

fn pass(network: &mut Network, mut batch: Batch, task: BatchTask<'_>, share: f64) -> Result<BatchResult, TrainError> {
    let features = task.features.and_then(|f| f.batch(network, &batch.clips));
    let pass = match features {
        Some(features) => network.forward_train_features(features, task.seed),
        None => {
            let input = network.input(std::mem::take(&mut batch.pixels), batch.size, task.clip)?;
            network.forward_train(input, task.seed)
        }
    };
    let loss = task.loss.of_batch(pass.logits.clone(), &batch);
    let value = read(loss.clone())?.first().copied().unwrap_or(f32::NAN);
    let logits = read(pass.logits.clone())?; // [B, K]
    let predicted: Vec<usize> = logits.chunks(network.classes()).map(argmax).collect();
    let right = predicted.iter().enumerate().filter(|(i, class)| batch.shows(*i, **class)).count() as u64;
    let single = batch.sets.is_empty();
    let said = if single { batch.labels.iter().copied().zip(predicted).collect() } else { Vec::new() };
    if !value.is_finite() {
        return Ok(BatchResult { loss: f64::from(value), right, said, gradients: None });
    }
    let mut gradients = match task.scale {
        1.0 => pass.backward(&loss),
        scale => pass.backward(&loss.mul_scalar(scale)),
    };
    let factor = share / task.scale;
    if factor != 1.0 {
        gradients.scale(factor as f32);
    }
    Ok(BatchResult { loss: f64::from(value), right, said, gradients: Some(gradients) })
}

/// A batch in as many parts of nearly equal size, but no empty ones.
fn split(batch: Batch, parts: usize) -> Vec<Batch> {
    let Batch { pixels, labels, sets, clips, size, index, whole } = batch;
    let per_clip = pixels.len() / size.max(1);
    let (mut out, mut from) = (Vec::with_capacity(parts), 0);
    for part in 0..parts {
        let to = size * (part + 1) / parts;
        if to > from {
            out.push(Batch {
                // Features come without pixels.
                pixels: pixels[from * per_clip..to * per_clip].to_vec().into(),
                labels: labels[from..to].to_vec(),
                sets: sets.get(from..to).unwrap_or_default().to_vec(),
                clips: clips[from..to].to_vec(),
                size: to - from,
                index,
                whole: whole.clone(),
            });
        }
        from = to;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LossKind, ModelConfig, OptimizerConfig};
    use crate::domain::Clip;
    use crate::model::{ParameterInfo, ParameterRole, RandomStream};
    use crate::train::Optimizer;

    const CLIP: [usize; 3] = [8, 32, 32];

    fn batch(size: usize) -> Batch {
        Batch {
            pixels: RandomStream::new(3, "pixels").uniform(1.0, size * 3 * CLIP.iter().product::<usize>()).into(),
            labels: (0..size).map(|i| i * 5 % 3).collect(),
            sets: Vec::new(),
            clips: vec![Clip::window(0, 0); size],
            size,
            index: 0,
            whole: (0..size).map(|i| i * 5 % 3).collect(),
        }
    }

    /// A network whose batch normalisations use what they remember, so that clips do not see each other.
    fn network() -> Network {
        let config = ModelConfig { id: "small-3d".into(), dropout: Some(0.0), ..ModelConfig::default() };
        let mut network = Network::build(&config, 3, CLIP, &ComputeDevice::cpu(), 1).unwrap();
        let infos = network.parameter_infos();
        let norm = |p: &ParameterInfo| matches!(p.role, ParameterRole::NormScale | ParameterRole::NormShift);
        let norms: Vec<String> = infos.into_iter().filter(norm).map(|p| p.name).collect();
        network.set_trainable(|name| !norms.iter().any(|n| n == name));
        network
    }

    fn flat(set: &GradientSet) -> Vec<f32> {
        set.iter().flatten().flat_map(|g| read(g.clone()).unwrap()).collect()
    }

    #[test]
    fn parts_are_the_batch_and_nearly_equal() {
        for (size, parts) in [(8, 2), (7, 3), (2, 4), (1, 1)] {
            let whole = batch(size);
            let parts = split(whole.clone(), parts);
            let sizes: Vec<usize> = parts.iter().map(|p| p.size).collect();
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1 && !sizes.contains(&0), "{sizes:?}");
            assert_eq!(parts.iter().flat_map(|p| p.pixels.to_vec()).collect::<Vec<_>>(), whole.pixels.to_vec());
            assert_eq!(parts.iter().flat_map(|p| p.labels.clone()).collect::<Vec<_>>(), whole.labels);
        }
    }

    #[test]
    fn several_devices_come_to_the_gradient_of_one() {
        let loss = Loss::with_weights(LossKind::CrossEntropy, 0.0, None);
        compare(&loss, batch(5));
        // The same of sets of classes.
        let sets = [vec![0], vec![0, 1], vec![2], vec![0, 1, 2], vec![1]].to_vec();
        compare(&loss, Batch { sets, ..batch(5) });
        // Classes that weigh differently: the mean divides by the weights of the labels.
        let weighted = Loss::with_weights(LossKind::CrossEntropy, 0.0, Some(vec![0.5, 2.0, 1.25]));
        compare(&weighted, batch(5));
    }

    fn compare(loss: &Loss, whole: Batch) {
        let task = BatchTask { loss, features: None, clip: CLIP, seed: 1, scale: 1.0 };
        let mut alone = network();
        let expected = Copies::default().learn(&mut alone, whole.clone(), task).unwrap();
        let gradient = flat(expected.gradients.as_ref().unwrap());
        let largest = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
        // Two, and three that are told a scaled loss.
        for (devices, scale) in [(2, 1.0), (3, 1024.0)] {
            let mut first = network();
            let mut copies = Copies::new(&first, &vec![ComputeDevice::cpu(); devices]);
            let found = copies.learn(&mut first, whole.clone(), BatchTask { scale, ..task }).unwrap();
            assert!((found.loss - expected.loss).abs() < 1e-6 && found.right == expected.right);
            let own = flat(found.gradients.as_ref().unwrap());
            let apart = own.iter().zip(&gradient).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-5 * largest, "{apart} of {largest}");
            // After the step the copies are the first again, and not what they were.
            let mut optimizer = Optimizer::new(&OptimizerConfig::default(), &first.parameter_infos());
            optimizer.step(&mut first, found.gradients.unwrap(), 1e-3);
            let values = |n: &mut Network| n.parameters_mut().map(|p| read(p.clone()).unwrap()).collect::<Vec<_>>();
            let moved = values(&mut first);
            assert_ne!(values(&mut copies.0[0]), moved);
            copies.follow(&first);
            assert!(copies.0.iter_mut().all(|copy| values(copy) == moved));
        }
    }
}

//! What is timed when somebody asks how fast this machine is. One round each: a forward pass, a training step as the
//! loop does it, a heatmap of one clip.

use super::TrainError;
use super::loss::Loss;
use super::optim::Optimizer;
use super::team::{StepSums, Team};
use crate::cam::{MapRequest, Target, explain};
use crate::config::{LossKind, ModelConfig, OptimizerConfig, Precision};
use crate::domain::PoolingRule;
use crate::model::{ComputeDevice, ModelError, ModelSpec, Network, RandomStream, read};
use crate::peers::{Peers, Width};
use crate::progress::Flow;
use burn::tensor::{Tensor, TensorData};
use std::time::Instant;

/// Rows and columns of the matrices of [`large_product`].
const LARGE: usize = 2048;

/// Output units of the networks timed.
const CLASSES: usize = 17;

/// What one round does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// A batch to logits, nothing recorded.
    Forward,
    /// A batch forward, cross-entropy, back, and a step of AdamW.
    Train,
    /// One clip to its Grad-CAM map at the network's default layer.
    GradCam,
}

impl Round {
    /// Every kind with its name.
    pub const ALL: [(&str, Self); 3] =
        [("forward", Self::Forward), ("train", Self::Train), ("grad-cam", Self::GradCam)];
}

/// Multiplications and additions, counted as pairs, that a product of large matrices does in a second on `device`: the
/// fastest of some rounds.
///
/// # Errors
/// A device that was lost.
pub fn large_product(device: &ComputeDevice) -> Result<f64, TrainError> {
    let side = LARGE;
    let matrix = |stream: &str| {
        let values = RandomStream::new(1, stream).uniform(1.0, side * side);
        Tensor::<2>::from_data(TensorData::new(values, [side, side]), &device.tensor_device())
    };
    let (a, b) = (matrix("a"), matrix("b"));
    let mut fastest = f64::INFINITY;
    for _ in 0..5 {
        let begun = Instant::now();
        // One number is read, so that the product is really there.
        read(a.clone().matmul(b.clone()).slice([0..1, 0..1]))?;
        fastest = fastest.min(begun.elapsed().as_secs_f64());
    }
    Ok((side as f64).powi(3) / fastest)
}

/// How training steps compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// What layers compute with.
    pub precision: Precision,
    /// Most layers' outputs are computed twice instead of kept.
    pub recompute: bool,
}

/// A network ready to be timed.
pub struct Subject {
    network: Network,
    optimizer: Optimizer,
    loss: Loss,
    round: Round,
    pixels: Vec<f32>,
    labels: Vec<usize>,
    clip: [usize; 3],
    team: Option<Team<'static>>,
    shared: Shared,
}

/// What the last training step of several processes took beside computing, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shared {
    /// Waiting for the slowest of them.
    pub waiting: f64,
    /// Adding up their gradients.
    pub exchanging: f64,
}

impl Subject {
    /// Builds the network `id` and random clips of (frames, rows, columns), or of its usual size.
    ///
    /// # Errors
    /// An unknown network, clips too small for it, or numbers the device does not compute with.
    pub fn new(
        id: &str,
        round: Round,
        batch: usize,
        clip: Option<[usize; 3]>,
        device: &ComputeDevice,
        how: How,
    ) -> Result<Self, TrainError> {
        let (t, h, w) = ModelSpec::find(id)?.input;
        let clip = clip.unwrap_or([t, h, w].map(|n| n as usize));
        let batch = if round == Round::GradCam { 1 } else { batch.max(1) };
        let config = ModelConfig { id: id.to_owned(), ..ModelConfig::default() };
        let mut network = Network::build(&config, CLASSES, clip, device, 1)?;
        network.set_precision(how.precision)?;
        network.set_recompute(how.recompute);
        let optimizer = Optimizer::new(&OptimizerConfig::default(), &network.parameter_infos());
        Ok(Self {
            network,
            optimizer,
            loss: Loss::with_weights(LossKind::CrossEntropy, 0.0, None),
            round,
            pixels: RandomStream::new(1, "bench").uniform(1.7, batch * 3 * clip.iter().product::<usize>()),
            labels: (0..batch).map(|i| i * 5 % CLASSES).collect(),
            clip,
            team: None,
            shared: Shared::default(),
        })
    }

    /// Has training steps add up gradients with the other processes, as those of a training do.
    pub fn join(&mut self, peers: &'static dyn Peers, width: Width) {
        let shares = self.round == Round::Train && !peers.is_alone();
        self.team = shares.then(|| Team::new(peers, width, &self.network));
    }

    /// Bytes that this process sends in a step, and what the last one took; `None` where it is alone.
    pub fn shared(&self) -> Option<(u64, Shared)> {
        let team = self.team.as_ref()?;
        Some((team.width.bytes(self.network.trainable() as u64, team.peers.size() as u64), self.shared))
    }

    /// Does it once, up to numbers in memory.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn run(&mut self) -> Result<(), TrainError> {
        if self.round == Round::GradCam {
            let (method, pooling) = ("grad-cam".to_owned(), PoolingRule::SpaceTime);
            let request = MapRequest { method, layer: None, target: Target::Class(0), against: None, pooling };
            explain(&self.network, self.pixels.clone(), self.clip, &[request])?;
            return Ok(());
        }
        let input = self.network.input(self.pixels.clone(), self.labels.len(), self.clip)?;
        let device = self.network.device().clone();
        if self.team.is_some() {
            return self.step_together(input, &device);
        }
        device.compute(|| match self.round {
            Round::Forward => read(self.network.forward(input)),
            _ => self.step(input),
        })?;
        Ok(())
    }

    /// A step of several processes, each with a batch of its own.
    fn step_together(&mut self, input: Tensor<5>, device: &ComputeDevice) -> Result<(), TrainError> {
        let (loss, gradients) = device.compute(|| {
            let pass = self.network.forward_train(input, 1);
            let loss = self.loss.of(pass.logits.clone(), &self.labels);
            let gradients = pass.backward(&loss);
            (read(loss), gradients)
        });
        let own = loss.map_err(TrainError::from).map(|loss| StepSums {
            loss: f64::from(loss.first().copied().unwrap_or_default()),
            right: 0,
            flow: Flow::Continue,
            save: false,
            gradients: Some(gradients),
        });
        let Some(team) = &mut self.team else { return Err(TrainError::Internal("a step without a team")) };
        let begun = Instant::now();
        team.peers.barrier()?;
        let met = Instant::now();
        let sums = team.step(own)?;
        let (waiting, exchanging) = ((met - begun).as_secs_f64(), met.elapsed().as_secs_f64());
        self.shared = Shared { waiting, exchanging };
        if let Some(gradients) = sums.gradients {
            let rate = OptimizerConfig::default().learning_rate;
            device.compute(|| self.optimizer.step(&mut self.network, gradients, rate));
        }
        Ok(())
    }

    fn step(&mut self, input: Tensor<5>) -> Result<Vec<f32>, ModelError> {
        let pass = self.network.forward_train(input, 1);
        let loss = self.loss.of(pass.logits.clone(), &self.labels);
        let gradients = pass.backward(&loss);
        self.optimizer.step(&mut self.network, gradients, OptimizerConfig::default().learning_rate);
        read(loss)
    }
}

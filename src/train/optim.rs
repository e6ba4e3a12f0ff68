//! Optimisers: SGD, Adam, AdamW. The arithmetic and its order follow PyTorch's optimisers, and are held against their numbers.

use crate::config::{OptimizerConfig, OptimizerKind};
use crate::model::optimizer_step::{AdamStep, SgdStep, adam_step, sgd_step};
use crate::model::{ArrayValues, GradientSet, ModelError, NamedArray, Network, ParameterInfo, read};
use burn::tensor::{Device, Tensor, TensorData};

/// Name of the step counter among the saved arrays.
const STEP: &str = "step";

/// The running averages of one parameter; for SGD only the first, its momentum.
#[derive(Clone, Debug, Default)]
struct Moments {
    first: Option<Tensor<1>>,
    second: Option<Tensor<1>>,
}

/// AdamW (Loshchilov & Hutter 2019), Adam with L2 (Kingma & Ba 2015) or SGD with momentum, over flat parameters.
#[derive(Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    names: Vec<String>,
    moments: Vec<Moments>,
    step: u64,
}

impl Optimizer {
    /// An optimiser without history for parameters in the order given.
    pub fn new(config: &OptimizerConfig, parameters: &[ParameterInfo]) -> Self {
        let names: Vec<String> = parameters.iter().map(|p| p.name.clone()).collect();
        Self { config: config.clone(), moments: vec![Moments::default(); names.len()], names, step: 0 }
    }

    /// Moves every parameter of a network that has a gradient.
    pub fn step(&mut self, network: &mut Network, gradients: GradientSet, learning_rate: f64) {
        self.apply(network.parameters_mut(), gradients, learning_rate);
    }

    /// Moves parameters, which come in the order of construction; those without a gradient stay.
    pub fn apply<'a>(
        &mut self,
        parameters: impl Iterator<Item = &'a mut Tensor<1>>,
        gradients: GradientSet,
        learning_rate: f64,
    ) {
        self.step += 1;
        let (config, step) = (self.config.clone(), self.step);
        let items = parameters.zip(gradients.into_inner()).zip(self.moments.iter_mut());
        for ((value, gradient), moments) in items {
            if let Some(gradient) = gradient {
                let gradient = if gradient.device().is_autodiff() { gradient.inner() } else { gradient };
                // Left without a value for a moment, so that the step can be made in place.
                let nothing = Tensor::zeros([1], &value.device());
                let old = std::mem::replace(value, nothing);
                *value = moved(&config, old, gradient, moments, step, learning_rate);
            }
        }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Everything needed to go on exactly, as named arrays.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn state(&self) -> Result<Vec<NamedArray>, ModelError> {
        let mut arrays =
            vec![NamedArray { name: STEP.into(), shape: vec![1], values: ArrayValues::I64(vec![self.step as i64]) }];
        for (name, moments) in self.names.iter().zip(&self.moments) {
            for (kind, tensor) in [("first", &moments.first), ("second", &moments.second)] {
                if let Some(tensor) = tensor {
                    let values = read(tensor.clone())?;
                    let (name, shape) = (format!("{kind}.{name}"), vec![values.len()]);
                    arrays.push(NamedArray { name, shape, values: ArrayValues::F32(values) });
                }
            }
        }
        Ok(arrays)
    }

    /// Goes on from saved arrays. Arrays of parameters that no longer exist are left aside.
    pub fn restore(&mut self, arrays: Vec<NamedArray>, device: &Device) {
        for array in arrays {
            match array.values {
                ArrayValues::I64(values) if array.name == STEP => {
                    self.step = values.first().map_or(0, |s| (*s).max(0) as u64);
                }
                ArrayValues::F32(values) => {
                    let Some((kind, name)) = array.name.split_once('.') else { continue };
                    let Some(at) = self.names.iter().position(|n| n == name) else { continue };
                    let Some(moments) = self.moments.get_mut(at) else { continue };
                    let length = values.len();
                    let tensor = Some(Tensor::from_data(TensorData::new(values, [length]), device));
                    match kind {
                        "first" => moments.first = tensor,
                        _ => moments.second = tensor,
                    }
                }
                ArrayValues::I64(_) => {}
            }
        }
    }
}

/// One parameter after one step.
fn moved(
    config: &OptimizerConfig,
    value: Tensor<1>,
    gradient: Tensor<1>,
    moments: &mut Moments,
    step: u64,
    learning_rate: f64,
) -> Tensor<1> {
    let decay = config.weight_decay;
    match config.kind {
        OptimizerKind::AdamW | OptimizerKind::Adam => {
            let apart = config.kind == OptimizerKind::AdamW;
            let mut numbers = adam(config, step, learning_rate);
            if apart {
                numbers.keep = (1.0 - learning_rate * decay) as f32;
            } else {
                numbers.l2 = decay as f32;
            }
            let averages = [moments.first.take(), moments.second.take()];
            let [value, first, second] = adam_step(value, gradient, averages, numbers);
            (moments.first, moments.second) = (Some(first), Some(second));
            value
        }
        OptimizerKind::Sgd { momentum: 0.0, .. } => {
            let gradient = if decay > 0.0 { gradient + value.clone().mul_scalar(decay) } else { gradient };
            value - gradient.mul_scalar(learning_rate)
        }
        OptimizerKind::Sgd { momentum, nesterov } => {
            let numbers = SgdStep { rate: learning_rate as f32, momentum, nesterov, l2: decay as f32 };
            let [value, velocity] = sgd_step(value, gradient, moments.first.take(), numbers);
            moments.first = Some(velocity);
            value
        }
    }
}

/// Adam's numbers for a step, without weight decay.
fn adam(config: &OptimizerConfig, step: u64, learning_rate: f64) -> AdamStep {
    let (beta1, beta2) = (f64::from(config.betas.0), f64::from(config.betas.1));
    let power = step.min(i32::MAX as u64) as i32;
    let (bias1, bias2) = (1.0 - beta1.powi(power), 1.0 - beta2.powi(power));
    AdamStep {
        beta1: config.betas.0,
        beta2: config.betas.1,
        rest1: (1.0 - beta1) as f32,
        rest2: (1.0 - beta2) as f32,
        epsilon: config.epsilon,
        rate: (learning_rate / bias1) as f32,
        root: (1.0 / bias2.sqrt()) as f32,
        keep: 1.0,
        l2: 0.0,
    }
}

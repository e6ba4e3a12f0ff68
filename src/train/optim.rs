//! How weights move. The arithmetic and its order follow PyTorch's optimisers, and are held against their numbers.

use crate::config::{OptimizerConfig, OptimizerKind};
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
                *value = moved(&config, value.clone(), gradient, moments, step, learning_rate);
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
        OptimizerKind::AdamW => {
            let value = if decay > 0.0 { value.mul_scalar(1.0 - learning_rate * decay) } else { value };
            value - adam(config, gradient, moments, step, learning_rate)
        }
        OptimizerKind::Adam => {
            let gradient = if decay > 0.0 { gradient + value.clone().mul_scalar(decay) } else { gradient };
            value - adam(config, gradient, moments, step, learning_rate)
        }
        OptimizerKind::Sgd { momentum, nesterov } => {
            let gradient = if decay > 0.0 { gradient + value.clone().mul_scalar(decay) } else { gradient };
            if momentum == 0.0 {
                return value - gradient.mul_scalar(learning_rate);
            }
            let velocity = match moments.first.take() {
                Some(v) => v.mul_scalar(momentum) + gradient.clone(),
                None => gradient.clone(),
            };
            moments.first = Some(velocity.clone());
            let direction = if nesterov { gradient + velocity.mul_scalar(momentum) } else { velocity };
            value - direction.mul_scalar(learning_rate)
        }
    }
}

/// Adam's step for a gradient, learning rate included.
fn adam(
    config: &OptimizerConfig,
    gradient: Tensor<1>,
    moments: &mut Moments,
    step: u64,
    learning_rate: f64,
) -> Tensor<1> {
    let (beta1, beta2) = (f64::from(config.betas.0), f64::from(config.betas.1));
    let blend = |old: Option<Tensor<1>>, new: Tensor<1>, beta: f64| {
        let new = new.mul_scalar(1.0 - beta);
        old.map_or_else(|| new.clone(), |old| old.mul_scalar(beta) + new.clone())
    };
    let first = blend(moments.first.take(), gradient.clone(), beta1);
    let second = blend(moments.second.take(), gradient.square(), beta2);
    moments.first = Some(first.clone());
    moments.second = Some(second.clone());
    let power = step.min(i32::MAX as u64) as i32;
    let (bias1, bias2) = (1.0 - beta1.powi(power), 1.0 - beta2.powi(power));
    let below = second.sqrt().div_scalar(bias2.sqrt()).add_scalar(f64::from(config.epsilon));
    first.mul_scalar(learning_rate / bias1) / below
}

//! One optimiser step for one parameter on the CPU, in place where the buffer is not shared.

use crate::model::flex::on_cpu;
use crate::model::flex::{in_order, owned, recycle, tensor, values};
use crate::model::kernels::optimizer_step;
use crate::model::profile::timed;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
pub use optimizer_step::{AdamStep, SgdStep};

/// A backend whose optimiser steps are one walk over the numbers.
#[backend_extension(Flex)]
pub(crate) trait StepBackend: Backend {
    /// The value and both averages after a step.
    fn adam_step(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// The value and its velocity after a step.
    fn sgd_step(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl StepBackend for Flex {
    fn adam_step(
        value: FlexTensor,
        gradient: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        step: AdamStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let gradient = in_order(gradient);
        let (mut value, mut first, mut second) = (owned(value), owned(first), owned(second));
        let operation = || optimizer_step::adam(step, &mut value, values(&gradient), &mut first, &mut second);
        timed(|| "Adam".to_owned(), operation);
        recycle(gradient);
        let len = [value.len()];
        (tensor(value, len), tensor(first, len), tensor(second, len))
    }

    fn sgd_step(
        value: FlexTensor,
        gradient: FlexTensor,
        velocity: FlexTensor,
        step: SgdStep,
    ) -> (FlexTensor, FlexTensor) {
        let gradient = in_order(gradient);
        let (mut value, mut velocity) = (owned(value), owned(velocity));
        timed(|| "SGD".to_owned(), || optimizer_step::sgd(step, &mut value, values(&gradient), &mut velocity));
        recycle(gradient);
        let len = [value.len()];
        (tensor(value, len), tensor(velocity, len))
    }
}

/// `[value, first average, second average]` after a step of Adam; `None` for the averages of a first step.
pub fn adam_step(
    value: Tensor<1>,
    gradient: Tensor<1>,
    averages: [Option<Tensor<1>>; 2],
    step: AdamStep,
) -> [Tensor<1>; 3] {
    let [first, second] = averages.map(|average| average.unwrap_or_else(|| value.zeros_like()));
    if on_cpu(&value) {
        let (value, gradient) = (value.into_dispatch(), gradient.into_dispatch());
        let (value, first, second) =
            <Dispatch as StepBackend>::adam_step(value, gradient, first.into_dispatch(), second.into_dispatch(), step);
        return [value, first, second].map(Tensor::from_dispatch);
    }
    let s = step;
    let gradient = if s.l2 == 0.0 { gradient } else { gradient + value.clone().mul_scalar(s.l2) };
    let first = first.mul_scalar(s.beta1) + gradient.clone().mul_scalar(s.rest1);
    let second = second.mul_scalar(s.beta2) + gradient.square().mul_scalar(s.rest2);
    let below = second.clone().sqrt().mul_scalar(s.root).add_scalar(s.epsilon);
    let by = first.clone().mul_scalar(s.rate) / below;
    let value = if s.keep == 1.0 { value } else { value.mul_scalar(s.keep) };
    [value - by, first, second]
}

/// `[value, velocity]` after a step of gradient descent; `None` for the velocity of a first step.
pub fn sgd_step(value: Tensor<1>, gradient: Tensor<1>, velocity: Option<Tensor<1>>, step: SgdStep) -> [Tensor<1>; 2] {
    let velocity = velocity.unwrap_or_else(|| value.zeros_like());
    if on_cpu(&value) {
        let (value, gradient) = (value.into_dispatch(), gradient.into_dispatch());
        let (value, velocity) = <Dispatch as StepBackend>::sgd_step(value, gradient, velocity.into_dispatch(), step);
        return [value, velocity].map(Tensor::from_dispatch);
    }
    let s = step;
    let gradient = if s.l2 == 0.0 { gradient } else { gradient + value.clone().mul_scalar(s.l2) };
    let velocity = velocity.mul_scalar(s.momentum) + gradient.clone();
    let direction = if s.nesterov { gradient + velocity.clone().mul_scalar(s.momentum) } else { velocity.clone() };
    [value - direction.mul_scalar(s.rate), velocity]
}

//! Kernels of convolutions, and how much of them is change over time.

use crate::model::{ArrayValues, LayerKind, ModuleTree, NamedArray};
use serde::Serialize;

/// How the kernels of a layer are best looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelForm {
    /// They see red, green and blue: a film strip each.
    Colour,
    /// One input a filter: a grey strip each.
    Depthwise,
    /// One place over several steps of time: curves.
    Temporal,
    /// One place at one time: a matrix.
    Point,
    /// Everything else: a matrix of norms, and strips of single inputs.
    Deep,
}

impl KernelForm {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Colour => "colour kernels",
            Self::Depthwise => "depthwise kernels",
            Self::Temporal => "kernels over time",
            Self::Point => "kernels of one place",
            Self::Deep => "kernels",
        }
    }
}

/// The kernels of a convolution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kernel {
    /// The layer.
    pub layer: String,
    /// Filters, inputs of each, and its size over time, height and width. Kernels of pictures have one step of time.
    pub shape: [usize; 5],
    /// Channels of the layer's input; more than a filter sees where they are in groups.
    pub channels: usize,
    /// `[O, I, kT, kH, kW]` in C order.
    pub values: Vec<f32>,
}

impl Kernel {
    /// How they are best looked at.
    pub fn form(&self) -> KernelForm {
        let [_, inputs, steps, height, width] = self.shape;
        match (inputs, steps, height * width) {
            (3, _, places) if self.channels == 3 && places > 1 => KernelForm::Colour,
            (1, _, places) if self.channels > 1 && places > 1 => KernelForm::Depthwise,
            (_, 1, 1) => KernelForm::Point,
            (_, _, 1) => KernelForm::Temporal,
            _ => KernelForm::Deep,
        }
    }

    /// Weights of a filter, `[I, kT, kH, kW]`; empty for what is no filter.
    pub fn filter(&self, filter: usize) -> &[f32] {
        let size = self.shape.iter().skip(1).product::<usize>();
        self.values.get(filter * size..(filter + 1) * size).unwrap_or_default()
    }

    /// Weights of one input of a filter, `[kT, kH, kW]`; empty for what is none.
    pub fn input(&self, filter: usize, input: usize) -> &[f32] {
        let size = self.shape.iter().skip(2).product::<usize>();
        self.filter(filter).get(input * size..(input + 1) * size).unwrap_or_default()
    }

    /// Euclidean norm of each input of each filter, `[O, I]`.
    pub fn norms(&self) -> Vec<f32> {
        let size = self.shape.iter().skip(2).product::<usize>().max(1);
        self.values.chunks_exact(size).map(|k| square(k).sqrt() as f32).collect()
    }

    /// Inputs of a filter with their norms, the largest first; the first of equals first.
    pub fn strongest_inputs(&self, filter: usize, most: usize) -> Vec<(usize, f32)> {
        let norm = |input| (input, square(self.input(filter, input)).sqrt() as f32);
        let mut all: Vec<(usize, f32)> = (0..self.shape[1]).map(norm).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(most);
        all
    }

    /// Squared norm of each step of time of a filter over all its inputs.
    pub fn step_squares(&self, filter: usize) -> Vec<f64> {
        let [_, _, steps, height, width] = self.shape;
        let mut out = vec![0.0; steps];
        for slices in self.filter(filter).chunks_exact((steps * height * width).max(1)) {
            let slices = slices.chunks_exact((height * width).max(1));
            out.iter_mut().zip(slices).for_each(|(sum, slice)| *sum += square(slice));
        }
        out
    }

    /// The motion share of a filter, `1 − kT·‖mean_t K‖² / ‖K‖²`: 0 where it is the same at every time, as after inflating a
    /// kernel of pictures; 1 where it is nothing but change. 0 for a filter of zeros.
    pub fn motion_share(&self, filter: usize) -> f64 {
        let [_, _, steps, height, width] = self.shape;
        let (weights, places) = (self.filter(filter), height * width);
        let whole = square(weights);
        if steps == 0 || places == 0 || whole <= 0.0 {
            return 0.0;
        }
        let mut means = 0.0;
        for input in weights.chunks_exact(steps * places) {
            for place in 0..places {
                let along = input.iter().skip(place).step_by(places).map(|v| f64::from(*v));
                let mean = along.sum::<f64>() / steps as f64;
                means += mean * mean;
            }
        }
        (1.0 - steps as f64 * means / whole).clamp(0.0, 1.0)
    }

    /// The motion share of every filter.
    pub fn motion_shares(&self) -> Vec<f64> {
        (0..self.shape[0]).map(|filter| self.motion_share(filter)).collect()
    }

    /// Mean motion share of its filters; `None` where kernels have one step of time and cannot tell change.
    pub fn mean_motion_share(&self) -> Option<f64> {
        let shares = self.motion_shares();
        (self.shape[2] > 1 && !shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    }

    /// Filters, the largest motion share first; where kernels cannot tell change, the largest norm first.
    pub fn by_motion(&self) -> Vec<usize> {
        let key = |filter| if self.shape[2] > 1 { self.motion_share(filter) } else { square(self.filter(filter)) };
        let mut filters: Vec<(usize, f64)> = (0..self.shape[0]).map(|f| (f, key(f))).collect();
        filters.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        filters.into_iter().map(|(filter, _)| filter).collect()
    }
}

fn square(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum()
}

/// The kernels of all convolutions of a network in forward order, from arrays of its `state_dict`. Convolutions without an array of
/// the right form are left out: `arrays` are those of this network.
pub fn kernels(tree: &ModuleTree, arrays: Vec<NamedArray>) -> Vec<Kernel> {
    let mut by_name: std::collections::HashMap<String, NamedArray> =
        arrays.into_iter().map(|a| (a.name.clone(), a)).collect();
    let convolution = |kind| matches!(kind, LayerKind::Conv2d | LayerKind::Conv3d);
    let modules = tree.modules().into_iter().filter(|m| convolution(m.kind));
    modules
        .filter_map(|module| {
            let array = by_name.remove(&format!("{}.weight", module.id))?;
            let shape = match *array.shape.as_slice() {
                [o, i, h, w] => [o, i, 1, h, w],
                [o, i, t, h, w] => [o, i, t, h, w],
                _ => return None,
            };
            let ArrayValues::F32(values) = array.values else { return None };
            (values.len() == shape.iter().product::<usize>()).then(|| Kernel {
                layer: module.id.clone(),
                shape,
                channels: module.input[0],
                values,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(shape: [usize; 5], channels: usize, values: Vec<f32>) -> Kernel {
        Kernel { layer: "conv".into(), shape, channels, values }
    }

    #[test]
    fn the_motion_share_tells_change_from_a_kernel_of_pictures() {
        let still = kernel([1, 1, 3, 1, 2], 1, vec![0.5, -2.0, 0.5, -2.0, 0.5, -2.0]);
        let change = kernel([1, 1, 3, 1, 2], 1, vec![-1.0, 3.0, 0.0, 0.0, 1.0, -3.0]);
        assert_eq!((still.motion_share(0), change.motion_share(0)), (0.0, 1.0));
        // NumPy: K = [1, 2, 4] over time and two inputs, the second [1, 1, 1];
        // 1 - 3 * ((7/3)^2 + 1) / (21 + 3) = 0.19444...
        let mixed = kernel([1, 2, 3, 1, 1], 2, vec![1.0, 2.0, 4.0, 1.0, 1.0, 1.0]);
        assert!((mixed.motion_share(0) - 7.0 / 36.0).abs() < 1e-12, "{}", mixed.motion_share(0));
        assert_eq!(mixed.step_squares(0), [2.0, 5.0, 17.0]);
        assert_eq!(kernel([1, 1, 3, 1, 1], 1, vec![0.0; 3]).motion_share(0), 0.0);
        assert_eq!(kernel([1, 1, 1, 1, 2], 1, vec![1.0, 2.0]).mean_motion_share(), None);
    }

    #[test]
    fn filters_and_inputs_are_found_and_ranked() {
        let values: Vec<f32> = (0..2 * 3 * 2 * 2).map(|v| v as f32).collect();
        let k = kernel([2, 3, 2, 1, 2], 3, values);
        assert_eq!((k.filter(1)[0], k.input(1, 2)), (12.0, [20.0, 21.0, 22.0, 23.0].as_slice()));
        assert_eq!(k.strongest_inputs(0, 2).iter().map(|s| s.0).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(k.norms().len(), 6);
        assert_eq!(k.filter(2), [0.0_f32; 0]);
        // The lower filter has the larger share: its change is the same, its mean smaller.
        assert_eq!(k.by_motion(), [0, 1]);
    }

    #[test]
    fn kernels_are_told_apart_by_their_form() {
        let form = |shape: [usize; 5], channels| kernel(shape, channels, Vec::new()).form();
        assert_eq!(form([64, 3, 3, 7, 7], 3), KernelForm::Colour);
        assert_eq!(form([32, 1, 3, 3, 3], 32), KernelForm::Depthwise);
        assert_eq!(form([64, 45, 3, 1, 1], 45), KernelForm::Temporal);
        assert_eq!(form([64, 45, 1, 1, 1], 45), KernelForm::Point);
        assert_eq!(form([64, 45, 1, 3, 3], 45), KernelForm::Deep);
    }
}

//! Composite layers: residual blocks, inverted residuals, Inception branches.

use super::cpu_ops::add_clamp::add;
use super::layers::{FusedPart, Layer, Node, Structure, run};
use super::ops::{self, Activation};
use super::pass::Pass;
use burn::tensor::Tensor;

/// Layers one after the other.
pub(crate) struct Sequential(pub Vec<Node>);

impl Layer for Sequential {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        run(&self.0, x, pass)
    }

    fn structure(&self, _input: [usize; 4]) -> Structure<'_> {
        Structure::Sequence(&self.0)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        along(&self.0, input)
    }
}

/// `after(branch(x) + shortcut(x))`; a shortcut without layers hands `x` on.
pub(crate) struct Residual {
    pub branch: Vec<Node>,
    pub shortcut: Vec<Node>,
    pub after: Vec<Node>,
}

impl Layer for Residual {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        let y = run(&self.branch, x.clone(), pass);
        let x = run(&self.shortcut, x, pass);
        // The clamp behind the sum is computed with it.
        match self.after.split_first() {
            Some((clamp, after)) if let FusedPart::Clamp(activation) = clamp.layer.part() => {
                let sum = pass.catch(&clamp.id, add(x, y, activation));
                run(after, sum, pass)
            }
            _ => run(&self.after, add(x, y, Activation::None), pass),
        }
    }

    fn structure(&self, _input: [usize; 4]) -> Structure<'_> {
        Structure::Residual { branch: &self.branch, shortcut: &self.shortcut, after: &self.after }
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        along(&self.after, along(&self.branch, input)?)
    }
}

/// Several ways from the same input, whose channels are laid side by side.
pub(crate) struct Branches(pub Vec<Vec<Node>>);

impl Layer for Branches {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        ops::side_by_side(self.0.iter().map(|nodes| run(nodes, x.clone(), pass)).collect())
    }

    fn structure(&self, _input: [usize; 4]) -> Structure<'_> {
        Structure::Branches(&self.0)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        let shapes = self.0.iter().map(|nodes| along(nodes, input)).collect::<Option<Vec<_>>>()?;
        let [_, t, h, w] = *shapes.first()?;
        Some([shapes.iter().map(|s| s[0]).sum(), t, h, w])
    }
}

/// `x` times a factor for each channel and frame, which the layers inside make from `x`.
pub(crate) struct Gated(pub Vec<Node>);

impl Layer for Gated {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        let factor = run(&self.0, x.clone(), pass); // [B, C, T, 1, 1]
        x * factor
    }

    fn structure(&self, _input: [usize; 4]) -> Structure<'_> {
        Structure::Gated(&self.0)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        along(&self.0, input).map(|_| input)
    }
}

/// Shape after layers in order.
fn along(nodes: &[Node], input: [usize; 4]) -> Option<[usize; 4]> {
    nodes.iter().try_fold(input, |shape, node| node.layer.output_shape(shape))
}

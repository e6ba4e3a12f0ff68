//! Looking at what a network computes: outputs of layers as they come, and the gradient of a cell at the clip.

use super::layers::{Node, Structure, run};
use super::network::Network;
use super::pass::{Mode, Pass};
use super::reach::Reach;
use burn::tensor::{Tensor, TensorData};

impl Network {
    /// Logits `[B, classes]` as in evaluation, recording nothing. The output of each of `layers` is shown to `watch` as soon
    /// as it is computed, in forward order: `[B, C, T, H, W]`, and `[rows, C, 1, 1, 1]` for pooling and classifier. What is
    /// not kept there is freed as the pass goes on. Layers that are asked for are computed one by one, not together with
    /// their neighbours.
    pub fn forward_watched(
        &self,
        x: Tensor<5>,
        layers: &[&str],
        watch: &mut (dyn FnMut(&str, &Tensor<5>) + Send),
    ) -> Tensor<2> {
        let mut told = |id: &str, x: &Tensor<5>| watch(id, x);
        let mut pass = Pass::watched(&self.store, layers, &mut told);
        self.above(0, x, &mut pass)
    }

    /// Gradient, at the clip, of the sum of one cell of a trunk layer over all channels: `[B, 3, T, H, W]`. Layers that scale
    /// by the whole clip ([`Reach::Normalised`]) count as the clip when they come first; `None` for what is no layer of the
    /// trunk, or for a cell it does not have.
    pub fn reach_back(&self, x: Tensor<5>, layer: &str, [t, h, w]: [usize; 3]) -> Option<Tensor<5>> {
        let body = &self.parts.body;
        let end = body.iter().position(|n| n.holds(layer))? + 1;
        let [_, _, frames, rows, columns] = x.dims();
        let scales = |n: &&Node| {
            matches!(n.layer.structure([3, frames, rows, columns]), Structure::Leaf(Reach::Normalised)) && n.id != layer
        };
        let front = body[..end].iter().take_while(scales).count();
        let x = run(&body[..front], x, &mut Pass::new(&self.store, Mode::Eval)).autodiff().require_grad();
        let mut seen = None;
        let mut keep = |_: &str, x: &Tensor<5>| seen = Some(x.clone());
        let wanted = [layer];
        run(&body[front..end], x.clone(), &mut Pass::watched(&self.store, &wanted, &mut keep));
        let y = seen?;
        let [_, _, steps, height, width] = y.dims();
        if t >= steps || h >= height || w >= width {
            return None;
        }
        let mut chosen = vec![0.0_f32; steps * height * width];
        *chosen.get_mut((t * height + h) * width + w)? = 1.0;
        let chosen = TensorData::new(chosen, [1, 1, steps, height, width]);
        let chosen: Tensor<5> = Tensor::from_data(chosen, &y.device().without_autodiff());
        let gradients = (y * chosen).sum().backward();
        x.grad(&gradients)
    }
}

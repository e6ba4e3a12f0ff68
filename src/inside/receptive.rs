//! What of a clip a cell of a layer sees: by the windows of the layers below, and by the gradient.

use super::InsideError;
use crate::model::{Module, ModuleParts, ModuleTree, Network, Reach, read};
use serde::Serialize;

/// Further than any clip is long.
const EVERYTHING: i64 = 1 << 40;
/// Share of the gradient that the box of an [`EffectiveField`] holds along each axis.
const HELD: f64 = 0.95;

/// The cells of one axis: cell `i` is made from the places `low + i * step` to `high + i * step`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    step: i64,
    low: i64,
    high: i64,
}

impl Axis {
    const START: Self = Self { step: 1, low: 0, high: 0 };

    /// Behind a window.
    fn window(self, kernel: usize, stride: usize, before: usize) -> Self {
        let (kernel, stride, before) = (kernel as i64, stride as i64, before as i64);
        let high = self.high + (kernel - 1 - before) * self.step;
        Self { step: self.step * stride, low: self.low - before * self.step, high }
    }

    /// Behind something that sees all of it.
    fn whole(self) -> Self {
        Self { step: self.step, low: -EVERYTHING, high: EVERYTHING }
    }

    /// Of both.
    fn with(self, other: Self) -> Self {
        Self { step: self.step, low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// The receptive field of the cells of a layer, over time, height and width of the clip, by the windows of all layers from
/// the clip to it. Layers that scale by the whole clip are not counted ([`Reach::Normalised`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    axes: [Axis; 3],
    clip: [usize; 3],
    /// Cells of the layer along time, height and width.
    pub cells: [usize; 3],
}

impl ReceptiveField {
    /// Of a layer of a network; `None` for what is no layer.
    pub fn of(tree: &ModuleTree, layer: &str) -> Option<Self> {
        let mut at = [Axis::START; 3];
        let found = reach(tree.trunk.iter().chain(&tree.head), layer, &mut at)?;
        let [_, cells @ ..] = tree.find(layer)?.shape;
        Some(Self { axes: found, clip: tree.clip, cells })
    }

    /// Places of the clip from one end of the field to the other, also where that is larger than the clip.
    pub fn size(&self) -> [usize; 3] {
        let size = |a: usize| {
            let axis = self.axes[a];
            if axis.high >= EVERYTHING { self.clip[a] } else { (axis.high - axis.low + 1).max(0) as usize }
        };
        [0, 1, 2].map(size)
    }

    /// Places of the clip between two cells.
    pub fn step(&self) -> [usize; 3] {
        self.axes.map(|a| a.step.max(0) as usize)
    }

    /// The part of the clip that a cell is made from, along time, height and width: the first place and the one behind the last.
    pub fn cell(&self, cell: [usize; 3]) -> [[usize; 2]; 3] {
        [0, 1, 2].map(|a| {
            let (axis, size) = (self.axes[a], self.clip[a] as i64);
            let at = |edge: i64| (edge.saturating_add(cell[a] as i64 * axis.step)).clamp(0, size);
            [at(axis.low) as usize, at(axis.high.saturating_add(1)) as usize]
        })
    }

    /// The cell in the middle.
    pub fn middle(&self) -> [usize; 3] {
        self.cells.map(|n| n / 2)
    }
}

/// The field at `layer`, walking on from `at`; `at` is moved to the end where the layer is not among `modules`.
fn reach<'a>(modules: impl Iterator<Item = &'a Module>, layer: &str, at: &mut [Axis; 3]) -> Option<[Axis; 3]> {
    for module in modules {
        let from = *at;
        match &module.parts {
            ModuleParts::Leaf(reach) => *at = behind(from, *reach),
            ModuleParts::Sequence(inside) => {
                if let Some(found) = reach(inside.iter(), layer, at) {
                    return Some(found);
                }
            }
            ModuleParts::Residual { branch, shortcut, after } => {
                let mut beside = from;
                let found = reach(branch.iter(), layer, at).or_else(|| reach(shortcut.iter(), layer, &mut beside));
                if found.is_some() {
                    return found;
                }
                *at = both(*at, beside);
                if let Some(found) = reach(after.iter(), layer, at) {
                    return Some(found);
                }
            }
            ModuleParts::Branches(ways) => {
                let mut ends: Option<[Axis; 3]> = None;
                for way in ways {
                    let mut end = from;
                    if let Some(found) = reach(way.iter(), layer, &mut end) {
                        return Some(found);
                    }
                    ends = Some(ends.map_or(end, |others| both(end, others)));
                }
                *at = ends.unwrap_or(from);
            }
            ModuleParts::Gated(inside) => {
                let mut factor = from;
                if let Some(found) = reach(inside.iter(), layer, &mut factor) {
                    return Some(found);
                }
                *at = both(from, factor);
            }
        }
        if module.id == layer {
            return Some(*at);
        }
    }
    None
}

fn both(a: [Axis; 3], b: [Axis; 3]) -> [Axis; 3] {
    [0, 1, 2].map(|i| a[i].with(b[i]))
}

fn behind(at: [Axis; 3], reach: Reach) -> [Axis; 3] {
    match reach {
        Reach::Point | Reach::Normalised => at,
        Reach::Window { kernel, stride, before } => [0, 1, 2].map(|a| at[a].window(kernel[a], stride[a], before[a])),
        Reach::Frame => [at[0], at[1].whole(), at[2].whole()],
        Reach::Clip => at.map(Axis::whole),
    }
}

/// The effective receptive field of a cell (Luo et al. 2016): the gradient of the cell, summed over all channels, at every place of
/// a clip.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EffectiveField {
    /// The cell along time, height and width.
    pub cell: [usize; 3],
    /// Frames, rows, columns of the clip.
    pub clip: [usize; 3],
    /// Sum of |gradient| over the colours of each place, `[T, H, W]` in C order.
    #[serde(skip)]
    pub values: Vec<f32>,
    /// Along time, height and width: the part of the clip that holds the middle 95 % of the sum, the first place and the one
    /// behind the last. `None` where nothing of the clip moves the cell.
    pub held: Option<[[usize; 2]; 3]>,
}

/// The effective receptive field of a cell of a trunk layer for one clip, `[3, T, H, W]`, by one pass forward to the layer and one
/// back; `None` for what is no layer of the trunk, or for a cell it does not have.
///
/// # Errors
/// A clip the network cannot take, a device that failed.
pub fn effective_field(
    network: &Network,
    pixels: Vec<f32>,
    clip: [usize; 3],
    layer: &str,
    cell: [usize; 3],
) -> Result<Option<EffectiveField>, InsideError> {
    let gradient = network.device().compute_now(|| {
        let input = network.input(pixels, 1, clip)?;
        network.reach_back(input, layer, cell).map(read).transpose()
    })?;
    Ok(gradient.map(|gradient| {
        let places = clip.iter().product::<usize>();
        let mut values = vec![0.0_f32; places];
        for colour in gradient.chunks_exact(places.max(1)) {
            values.iter_mut().zip(colour).for_each(|(v, g)| *v += g.abs());
        }
        let held = held(&values, clip);
        EffectiveField { cell, clip, values, held }
    }))
}

/// The middle part of the sum along each axis.
fn held(values: &[f32], [t, h, w]: [usize; 3]) -> Option<[[usize; 2]; 3]> {
    let mut along = [vec![0.0_f64; t], vec![0.0; h], vec![0.0; w]];
    for (i, value) in values.iter().enumerate() {
        let place = [i / (h * w), i / w % h, i % w];
        for (sums, at) in along.iter_mut().zip(place) {
            sums.get_mut(at).into_iter().for_each(|s| *s += f64::from(*value));
        }
    }
    let [a, b, c] = along.map(|sums| middle(&sums));
    Some([a?, b?, c?])
}

/// The places left when at most (1 - [`HELD`]) / 2 of the sum is taken off either end.
fn middle(sums: &[f64]) -> Option<[usize; 2]> {
    let total: f64 = sums.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    let off = total * (1.0 - HELD) / 2.0;
    let kept = |sums: &mut dyn Iterator<Item = &f64>| {
        let mut sum = 0.0;
        sums.take_while(|s| {
            sum += **s;
            sum <= off
        })
        .count()
    };
    Some([kept(&mut sums.iter()), sums.len() - kept(&mut sums.iter().rev())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;

    fn field(id: &str, clip: [usize; 3], layer: &str) -> ReceptiveField {
        let config = ModelConfig { id: id.into(), ..ModelConfig::default() };
        ReceptiveField::of(&ModuleTree::of(&config, 5, clip).unwrap(), layer).unwrap()
    }

    /// By the usual recursion, worked out by hand: r += (k - 1) j, j *= s.
    #[test]
    fn fields_of_known_networks() {
        let stem = field("r3d-18", [16, 112, 112], "stem");
        assert_eq!((stem.size(), stem.step()), ([3, 7, 7], [1, 2, 2]));
        assert_eq!(stem.cell([0, 0, 0]), [[0, 2], [0, 4], [0, 4]]);
        assert_eq!(stem.cell([8, 20, 55]), [[7, 10], [37, 44], [107, 112]]);
        // Four further 3x3x3 at step (1, 2, 2).
        assert_eq!(field("r3d-18", [16, 112, 112], "layer1").size(), [11, 23, 23]);
        let c3d = field("c3d", [16, 112, 112], "block2");
        assert_eq!((c3d.size(), c3d.step()), ([6, 10, 10], [2, 4, 4]));
        // The published figure for the last layer of ResNet-18: 435 pixels, step 32; frames stay apart.
        let resnet = field("resnet-18", [8, 224, 224], "layer4");
        assert_eq!((resnet.size(), resnet.step()), ([1, 435, 435], [1, 32, 32]));
        assert_eq!(resnet.cell([3, 3, 3])[0], [3, 4]);
        assert_eq!(field("resnet-18", [8, 224, 224], "fc").cell([0; 3]), [[0, 8], [0, 224], [0, 224]]);
        // Squeeze and excitation sees the whole frame, and no other.
        assert_eq!(field("efficientnet-b0", [8, 64, 64], "features.1").cell([2, 5, 5]), [[2, 3], [0, 64], [0, 64]]);
    }

    #[test]
    fn the_middle_holds_what_is_not_taken_off_the_ends() {
        assert_eq!(middle(&[0.0, 1.0, 98.0, 1.0, 0.0]), Some([2, 3]));
        assert_eq!(middle(&[0.0, 5.0, 5.0, 0.0]), Some([1, 3]));
        assert_eq!(middle(&[0.0; 3]), None);
    }
}

//! Units by example: the clips that excite a channel most.

use super::activations::LayerActivation;
use serde::{Deserialize, Serialize};

/// A clip that excites a channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The clip, by the number it was added with.
    pub clip: usize,
    /// The largest value of the channel in it.
    pub value: f32,
    /// The cell it lies at, along time, height and width.
    pub cell: [usize; 3],
}

/// For each channel of a layer the clips that excite it most, the strongest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Examples {
    /// The layer.
    pub layer: String,
    /// Cells of the layer along time, height and width.
    pub cells: [usize; 3],
    /// Examples of each channel; none where it never fires.
    pub channels: Vec<Vec<Example>>,
    #[serde(skip)]
    most: usize,
}

impl Examples {
    /// With at most so many clips a channel.
    pub fn new(layer: &str, most: usize) -> Self {
        Self { layer: layer.to_owned(), most, ..Self::default() }
    }

    /// What several found in different clips, as one that looks at all clips in their order; at most `most` a channel.
    pub fn together(parts: Vec<Self>, most: usize) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next()?;
        for part in parts {
            if all.channels.is_empty() {
                all.cells = part.cells;
            }
            all.channels.resize(part.channels.len().max(all.channels.len()), Vec::new());
            all.channels.iter_mut().zip(part.channels).for_each(|(own, others)| own.extend(others));
        }
        for examples in &mut all.channels {
            examples.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.clip.cmp(&b.clip)));
            examples.truncate(most);
        }
        Some(Self { most, ..all })
    }

    /// Looks at a clip. Values of 0 and below are no excitement; of equal clips the one added first stays before.
    pub fn add(&mut self, clip: usize, activation: &LayerActivation) {
        let [channels, _, height, width] = activation.shape;
        self.channels.resize(channels, Vec::new());
        self.cells = [1, 2, 3].map(|a| activation.shape[a]);
        for (examples, values) in self.channels.iter_mut().zip(activation.channels()) {
            let finite = values.iter().enumerate().filter(|(_, v)| v.is_finite());
            let largest = finite.fold((0, 0.0_f32), |best, (i, v)| if *v > best.1 { (i, *v) } else { best });
            let (at, value) = largest;
            let place = examples.partition_point(|e| e.value >= value);
            if value > 0.0 && place < self.most {
                let cell = [at / (height * width), at / width % height, at % width];
                examples.insert(place, Example { clip, value, cell });
                examples.truncate(self.most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_taken_in_turns_are_those_of_one_that_saw_all() {
        let clip = |i: usize| {
            let values = (0..6).map(|k| ((i * 7 + k * 5) % 4) as f32 - 1.0).collect();
            LayerActivation { layer: "a".into(), shape: [3, 1, 1, 2], values }
        };
        let seen = |from: usize, step: usize| {
            let mut own = Examples::new("a", 3);
            (from..11).step_by(step).for_each(|i| own.add(i, &clip(i)));
            own
        };
        for size in [2, 3, 20] {
            let parts = (0..size).map(|rank| seen(rank, size)).collect();
            assert_eq!(Examples::together(parts, 3).unwrap(), seen(0, 1), "{size}");
        }
    }

    #[test]
    fn the_strongest_clips_stay_with_their_place() {
        let mut examples = Examples::new("a", 2);
        let clips: [[f32; 8]; 4] = [
            [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 3.0, 0.0, -1.0, -2.0, f32::NAN, 0.0],
            [0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0],
            [1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ];
        for (i, values) in clips.into_iter().enumerate() {
            let activation = LayerActivation { layer: "a".into(), shape: [2, 2, 1, 2], values: values.to_vec() };
            examples.add(i, &activation);
        }
        let found: Vec<_> = examples.channels[0].iter().map(|e| (e.clip, e.value, e.cell)).collect();
        assert_eq!(found, [(1, 3.0, [1, 0, 0]), (2, 2.0, [1, 0, 1])]);
        assert!(examples.channels[1].is_empty());
    }
}

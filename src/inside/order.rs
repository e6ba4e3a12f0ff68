//! In which order the channels of a layer are shown.

use super::InsideError;
use super::activations::LayerActivation;
use crate::domain::choices;
use serde::{Deserialize, Serialize};

/// By what channels are ordered, the greatest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// Largest value.
    #[default]
    Maximum,
    /// Mean over all cells of |gradient × activation|, the gradient being that of a class score: what counts for this
    /// class. In the spirit of Class Feature Pyramids (Stergiou et al. 2019).
    Gradient,
    /// Variance over time, the mean over all places: what changes as the clip goes on.
    Variance,
    /// Their own order.
    Index,
}

impl ChannelOrder {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Maximum, Self::Gradient, Self::Variance, Self::Index];

    /// Name in files and on the command line.
    pub fn id(self) -> &'static str {
        match self {
            Self::Maximum => "maximum",
            Self::Gradient => "gradient",
            Self::Variance => "variance",
            Self::Index => "index",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Maximum => "largest value first",
            Self::Gradient => "largest |gradient × activation| first",
            Self::Variance => "largest variance over time first",
            Self::Index => "in their own order",
        }
    }

    /// The order called `id`.
    ///
    /// # Errors
    /// An unknown name; the message lists the known ones.
    pub fn find(id: &str) -> Result<Self, InsideError> {
        Self::ALL.into_iter().find(|o| o.id() == id).ok_or_else(|| InsideError::UnknownOrder {
            order: id.to_owned(),
            known: choices(id, Self::ALL.map(Self::id)),
        })
    }
}

/// A channel and what it is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChannelScore {
    /// The channel.
    pub channel: usize,
    /// What it is ordered by; 0 by [`ChannelOrder::Index`].
    pub score: f64,
}

/// The channels of a layer in an order. `gradient`, as [`super::RecordedLayer::gradient`], is needed by
/// [`ChannelOrder::Gradient`] alone; without it all scores are 0. Equal channels keep their order; a channel without a
/// number comes last.
pub fn rank_channels(activation: &LayerActivation, gradient: Option<&[f32]>, order: ChannelOrder) -> Vec<ChannelScore> {
    let cells = activation.cells().max(1);
    let [_, steps, height, width] = activation.shape;
    let score = |channel: usize, values: &[f32]| match order {
        ChannelOrder::Maximum => values.iter().map(|v| f64::from(*v)).fold(f64::NEG_INFINITY, f64::max),
        ChannelOrder::Gradient => {
            let Some(gradient) = gradient.and_then(|g| g.get(channel * cells..(channel + 1) * cells)) else {
                return 0.0;
            };
            let products = values.iter().zip(gradient).map(|(a, g)| (f64::from(*a) * f64::from(*g)).abs());
            products.sum::<f64>() / cells as f64
        }
        ChannelOrder::Variance => variance_over_time(values, steps, height * width),
        ChannelOrder::Index => 0.0,
    };
    let mut ranked: Vec<ChannelScore> = activation
        .channels()
        .enumerate()
        .map(|(channel, values)| ChannelScore { channel, score: score(channel, values) })
        .collect();
    let key = |s: &ChannelScore| if s.score.is_nan() { f64::NEG_INFINITY } else { s.score };
    ranked.sort_by(|a, b| key(b).total_cmp(&key(a)).then(a.channel.cmp(&b.channel)));
    ranked
}

/// Mean over all places of the variance along time (divided by the number of steps).
fn variance_over_time(values: &[f32], steps: usize, places: usize) -> f64 {
    if steps < 2 || places == 0 {
        return 0.0;
    }
    let of_place = |place: usize| {
        let along = || values.iter().skip(place).step_by(places).map(|v| f64::from(*v));
        let mean = along().sum::<f64>() / steps as f64;
        along().map(|v| (v - mean) * (v - mean)).sum::<f64>() / steps as f64
    };
    (0..places).map(of_place).sum::<f64>() / places as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_ranked_by_hand() {
        // Two time steps of two places.
        let activation = LayerActivation {
            layer: "a".into(),
            shape: [4, 2, 1, 2],
            values: [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.0], [5.0, 0.0, 5.0, 0.0], [f32::NAN; 4]].concat(),
        };
        let gradient = [[1.0_f32; 4], [-8.0; 4], [0.1; 4], [0.0; 4]].concat();
        let ranked = |order| {
            let ranked = rank_channels(&activation, Some(&gradient), order);
            ranked.iter().map(|s| s.channel).collect::<Vec<_>>()
        };
        assert_eq!(ranked(ChannelOrder::Maximum), [2, 1, 0, 3]);
        assert_eq!(ranked(ChannelOrder::Gradient), [1, 0, 2, 3]);
        assert_eq!(
            ranked(ChannelOrder::Variance),
            [1, 0, 2, 3],
            "a place that stays as it is has no variance over time"
        );
        assert_eq!(ranked(ChannelOrder::Index), [0, 1, 2, 3]);
        let score = |order| rank_channels(&activation, Some(&gradient), order)[0].score;
        assert_eq!([score(ChannelOrder::Gradient), score(ChannelOrder::Variance)], [8.0, 1.0]);
        assert!(ChannelOrder::find("max").unwrap_err().to_string().contains("maximum"));
    }
}

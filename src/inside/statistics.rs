//! Statistics of a layer's output over clips, and which channels do nothing.

use super::activations::LayerActivation;
use super::histogram::{BINS, GrowingHistogram, Histogram};
use crate::domain::counted;
use serde::{Deserialize, Serialize};

/// A channel with more than this share of its values at the ceiling is saturated.
const SATURATED: f64 = 0.5;
/// A layer with more than this share of dead channels is warned about.
const MOSTLY: f64 = 0.5;
/// Clips from which on a channel that never fires says something.
const FEW_CLIPS: u64 = 10;

/// What a layer gave for clips.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LayerStatistics {
    /// The layer.
    pub layer: String,
    /// Channels, and cells along time, height and width.
    pub shape: [usize; 4],
    /// Clips.
    pub clips: u64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean of all values.
    pub mean: f64,
    /// Their standard deviation, divided by their number.
    pub std: f64,
    /// Values that are exactly 0.
    pub zeros: u64,
    /// Their share of all.
    pub zero_share: f64,
    /// Values that are not a number or infinite; they count nowhere else.
    pub not_finite: u64,
    /// How often values occur: of one clip in 32 bins between the extremes, of several in bins whose edges are multiples
    /// of a power of two.
    pub histogram: Histogram,
    /// In how many clips each channel has a value other than 0.
    pub fires_in: Vec<u64>,
    /// Channels that are 0 everywhere in all clips.
    pub dead: Vec<usize>,
    /// Channels with more than half of their values at the ceiling of the layer's activation (6 for ReLU6).
    pub saturated: Vec<usize>,
    /// Channels that have one value everywhere in all clips, and are neither dead nor saturated.
    pub constant: Vec<usize>,
}

impl LayerStatistics {
    /// Channels.
    pub fn channels(&self) -> usize {
        self.fires_in.len()
    }

    /// Dead, saturated and constant channels in words: `14 of 512 channels are 0 in all 200 clips`. `None` where there are
    /// none.
    pub fn idle(&self) -> Option<String> {
        let all = self.channels();
        let clips = match self.clips {
            1 => "in this clip".to_owned(),
            n => format!("in all {}", counted(n, "clip")),
        };
        let kinds = [(&self.dead, "0"), (&self.saturated, "mostly at the ceiling"), (&self.constant, "constant")];
        let said: Vec<String> = kinds
            .into_iter()
            .filter(|(channels, _)| !channels.is_empty())
            .map(|(channels, what)| format!("{} of {all} channels are {what}", channels.len()))
            .collect();
        (!said.is_empty()).then(|| format!("{} {clips}", said.join(", ")))
    }

    /// A sentence for a layer that is mostly dead, or gave what is not a number.
    pub fn warning(&self) -> Option<String> {
        let layer = &self.layer;
        if self.not_finite > 0 {
            return Some(format!(
                "{layer}: {} are not finite; the weights of this checkpoint are broken from here on, take an earlier one",
                counted(self.not_finite, "value")
            ));
        }
        let (dead, all) = (self.dead.len(), self.channels());
        if all == 0 || dead as f64 <= MOSTLY * all as f64 {
            return None;
        }
        Some(match self.clips {
            0..FEW_CLIPS => format!(
                "{layer}: {dead} of {all} channels are 0 in {}; see whether they fire in more clips of a split",
                counted(self.clips, "clip")
            ),
            clips => format!(
                "{layer} is mostly dead: {dead} of {all} channels are 0 in all {clips} clips; look at which epoch they \
                 died in, and train with a lower learning rate from there"
            ),
        })
    }
}

/// What is remembered of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Channel {
    fires_in: u64,
    low: f32,
    high: f32,
    at_ceiling: u64,
}

impl Channel {
    /// Of no clip.
    const NONE: Self = Self { fires_in: 0, low: f32::INFINITY, high: f32::NEG_INFINITY, at_ceiling: 0 };

    fn join(&mut self, other: &Self) {
        self.fires_in += other.fires_in;
        (self.low, self.high) = (self.low.min(other.low), self.high.max(other.high));
        self.at_ceiling += other.at_ceiling;
    }
}

/// The finite values of a clip: how many, their mean, and the sum of their squared distances from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    count: u64,
    mean: f64,
    spread: f64,
}

impl Moments {
    /// Those of two sets of values together.
    fn join(self, other: Self) -> Self {
        if other.count == 0 {
            return self;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let apart = other.mean - self.mean;
        Self {
            count: self.count + other.count,
            mean: self.mean + apart * m / (n + m),
            spread: self.spread + (other.spread + apart * apart * n * m / (n + m)),
        }
    }
}

/// Gathers the statistics of a layer, clip by clip.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LayerTally {
    layer: String,
    ceiling: Option<f32>,
    shape: [usize; 4],
    clips: u64,
    not_finite: u64,
    zeros: u64,
    /// Of each clip: what is summed up in their order is the same whoever looked at them.
    moments: Vec<Moments>,
    channels: Vec<Channel>,
    first: Option<Histogram>,
    histogram: GrowingHistogram,
}

impl LayerTally {
    /// Of a layer whose output is at most `ceiling`, where there is such a value ([`crate::model::Module::ceiling`]).
    pub fn new(layer: &str, ceiling: Option<f32>) -> Self {
        Self {
            layer: layer.to_owned(),
            ceiling,
            shape: [0; 4],
            clips: 0,
            not_finite: 0,
            zeros: 0,
            moments: Vec::new(),
            channels: Vec::new(),
            first: None,
            histogram: GrowingHistogram::new(),
        }
    }

    /// Of one clip.
    pub fn of(activation: &LayerActivation, ceiling: Option<f32>) -> LayerStatistics {
        let mut tally = Self::new(&activation.layer, ceiling);
        tally.add(activation);
        tally.statistics()
    }

    /// Adds the output for a clip.
    pub fn add(&mut self, activation: &LayerActivation) {
        self.shape = activation.shape;
        self.clips += 1;
        self.channels.resize(activation.shape[0], Channel::NONE);
        let finite = || activation.values.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v));
        let count = finite().count() as u64;
        self.not_finite += activation.values.len() as u64 - count;
        // Two passes, and then means joined by their numbers: sums of squares alone would lose digits.
        let mean = finite().sum::<f64>() / count.max(1) as f64;
        let spread: f64 = finite().map(|v| (v - mean) * (v - mean)).sum();
        self.moments.push(Moments { count, mean, spread });
        for (channel, values) in self.channels.iter_mut().zip(activation.channels()) {
            let mut fires = false;
            for value in values.iter().filter(|v| v.is_finite()) {
                (channel.low, channel.high) = (channel.low.min(*value), channel.high.max(*value));
                fires |= *value != 0.0;
                self.zeros += u64::from(*value == 0.0);
                channel.at_ceiling += u64::from(self.ceiling.is_some_and(|c| *value >= c));
            }
            channel.fires_in += u64::from(fires);
        }
        match self.clips {
            1 => self.first = Some(Histogram::of(&activation.values, BINS)),
            _ => self.first = None,
        }
        self.histogram.add(&activation.values);
    }

    /// What several gathered of clips that they took in turns: the same as one of all clips in their order.
    pub fn together(parts: Vec<Self>) -> Option<Self> {
        let clips: u64 = parts.iter().map(|p| p.clips).sum();
        let turns = parts.iter().map(|p| p.moments.len()).max().unwrap_or(0);
        let moments =
            (0..turns).flat_map(|turn| parts.iter().filter_map(move |p| p.moments.get(turn))).copied().collect();
        let mut parts = parts.into_iter();
        let mut all = parts.next()?;
        for part in parts {
            if all.clips == 0 {
                (all.shape, all.first) = (part.shape, part.first);
            }
            all.clips += part.clips;
            all.not_finite += part.not_finite;
            all.zeros += part.zeros;
            all.channels.resize(part.channels.len().max(all.channels.len()), Channel::NONE);
            all.channels.iter_mut().zip(&part.channels).for_each(|(channel, other)| channel.join(other));
            all.histogram.join(part.histogram);
        }
        all.first = all.first.filter(|_| clips == 1);
        Some(Self { moments, ..all })
    }

    /// What was gathered so far.
    pub fn statistics(&self) -> LayerStatistics {
        let each = (self.clips * self.shape.iter().skip(1).map(|n| *n as u64).product::<u64>()).max(1);
        let which = |wanted: &dyn Fn(&Channel) -> bool| -> Vec<usize> {
            let found = self.channels.iter().enumerate().filter(|(_, c)| wanted(c));
            found.map(|(i, _)| i).collect()
        };
        // A channel of values that are not numbers is broken, not dead.
        let dead = |c: &Channel| c.fires_in == 0 && c.low == 0.0 && c.high == 0.0;
        let saturated = |c: &Channel| c.at_ceiling as f64 > SATURATED * each as f64;
        let range = |pick: fn(&Channel) -> f32, fold: fn(f64, f64) -> f64| {
            self.channels.iter().map(|c| f64::from(pick(c))).filter(|v| v.is_finite()).reduce(fold).unwrap_or(0.0)
        };
        let values = self.moments.iter().fold(Moments::default(), |all, clip| all.join(*clip));
        let count = values.count.max(1) as f64;
        LayerStatistics {
            layer: self.layer.clone(),
            shape: self.shape,
            clips: self.clips,
            min: range(|c| c.low, f64::min),
            max: range(|c| c.high, f64::max),
            mean: values.mean,
            std: (values.spread / count).sqrt(),
            zeros: self.zeros,
            zero_share: self.zeros as f64 / count,
            not_finite: self.not_finite,
            histogram: self.first.clone().unwrap_or_else(|| self.histogram.coarse()),
            fires_in: self.channels.iter().map(|c| c.fires_in).collect(),
            dead: which(&dead),
            saturated: which(&saturated),
            // One value alone says nothing of others.
            constant: which(&|c| each > 1 && c.low == c.high && !dead(c) && !saturated(c)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(values: &[[f32; 4]]) -> LayerActivation {
        LayerActivation { layer: "a".into(), shape: [values.len(), 1, 2, 2], values: values.concat() }
    }

    #[test]
    fn a_channel_that_fires_in_any_clip_is_not_dead() {
        let mut tally = LayerTally::new("a", Some(6.0));
        //         dead   sleeps once  saturated             constant  negative
        tally.add(&clip(&[[0.0; 4], [0.0; 4], [6.0, 6.0, 6.0, 1.0], [2.0; 4], [-1.0, 0.0, 0.0, 0.0]]));
        let one = tally.statistics();
        assert_eq!((one.dead.as_slice(), one.constant.as_slice()), ([0, 1].as_slice(), [3].as_slice()));
        tally.add(&clip(&[[0.0; 4], [0.0, 0.0, 0.0, 0.5], [6.0; 4], [2.0; 4], [0.0; 4]]));
        let two = tally.statistics();
        assert_eq!((two.dead.as_slice(), two.saturated.as_slice()), ([0].as_slice(), [2].as_slice()));
        assert_eq!((two.constant.as_slice(), two.fires_in.as_slice()), ([3].as_slice(), [0, 1, 2, 2, 1].as_slice()));
        assert_eq!((two.zeros, two.zero_share), (8 + 7 + 3 + 4, 22.0 / 40.0));
        let said = two.idle().unwrap();
        assert_eq!(
            said,
            "1 of 5 channels are 0, 1 of 5 channels are mostly at the ceiling, 1 of 5 channels are constant in all 2 clips"
        );
        assert_eq!(two.warning(), None);
    }

    #[test]
    fn means_over_clips_are_those_of_all_values_together() {
        let parts = [[1.5, -2.0, 0.25, 3.0], [100.0, 101.0, 102.5, 99.0], [0.0, 0.0, 7.0, -1.0]];
        let mut tally = LayerTally::new("a", None);
        parts.iter().for_each(|p| tally.add(&clip(&[*p])));
        let found = tally.statistics();
        // numpy: mean and std of the twelve values.
        assert!((found.mean - 34.270_833_333_333_336).abs() < 1e-12, "{}", found.mean);
        assert!((found.std - 46.974_888_940_499_07).abs() < 1e-10, "{}", found.std);
        assert_eq!((found.min, found.max), (-2.0, 102.5));
    }

    #[test]
    fn clips_taken_in_turns_come_to_the_same_bits_as_all_in_order() {
        let clips: Vec<LayerActivation> = (0..7)
            .map(|i| {
                let value = |k: usize| ((i * 5 + k * 3) as f32 * 0.37 - 4.0) * 10.0_f32.powi(i as i32 % 4 - 2);
                clip(&[[value(0), 0.0, value(2), value(3)], [0.0, value(5), 0.0, f32::NAN]])
            })
            .collect();
        let mut whole = LayerTally::new("a", Some(6.0));
        clips.iter().for_each(|c| whole.add(c));
        // More than there are clips, too: some have none.
        for size in [1, 2, 3, 9] {
            let parts = (0..size).map(|rank| {
                let mut own = LayerTally::new("a", Some(6.0));
                clips.iter().skip(rank).step_by(size).for_each(|c| own.add(c));
                own
            });
            assert_eq!(LayerTally::together(parts.collect()).unwrap().statistics(), whole.statistics(), "{size}");
        }
        let mut one = LayerTally::new("a", None);
        one.add(&clips[0]);
        let none = LayerTally::new("a", None);
        assert_eq!(LayerTally::together(vec![none, one.clone()]).unwrap().statistics(), one.statistics());
    }

    #[test]
    fn a_layer_that_is_mostly_dead_is_told_of_and_broken_numbers_first() {
        let dead = clip(&[[0.0; 4], [0.0; 4], [1.0; 4]]);
        let once = LayerTally::of(&dead, None).warning().unwrap();
        assert!(once.contains("2 of 3 channels") && once.contains("1 clip;"), "{once}");
        let mut tally = LayerTally::new("a", None);
        (0..20).for_each(|_| tally.add(&dead));
        let told = tally.statistics().warning().unwrap();
        assert!(told.contains("mostly dead") && told.contains("all 20 clips"), "{told}");
        let broken = LayerTally::of(&clip(&[[f32::NAN; 4], [1.0; 4]]), None);
        assert_eq!((broken.dead.len(), broken.not_finite, broken.mean), (0, 4, 1.0));
        assert!(broken.warning().unwrap().contains("not finite"));
    }
}

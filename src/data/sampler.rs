//! Samplers: which clips an epoch draws (shuffled, balanced), and class weights.

use crate::config::SamplingConfig;
use crate::domain::{Clip, Label};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The order in which an epoch draws clips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampler {
    /// As they come: validation and test.
    #[default]
    InOrder,
    /// Every clip once, in random order; with a number, only the first so many of that order.
    Shuffle(Option<usize>),
    /// With replacement, each class equally often; `None` draws as many as there are clips.
    Weighted(Option<usize>),
}

/// A random stream of its own for each purpose, seed and epoch, so that no stream depends on how far another has run.
pub(super) fn stream(purpose: u64, seed: u64, epoch: u64, more: u64) -> ChaCha8Rng {
    let mut key = [0_u8; 32];
    for (slot, value) in key.chunks_exact_mut(8).zip([purpose, seed, epoch, more]) {
        slot.copy_from_slice(&value.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

const ORDER: u64 = 0x006f_7264_6572;

impl Sampler {
    /// The sampler of training clips.
    pub fn training(config: &SamplingConfig) -> Self {
        match config.weighted {
            true => Sampler::Weighted(config.clips_per_epoch),
            false => Sampler::Shuffle(config.clips_per_epoch),
        }
    }

    /// Clips an epoch of `clips` clips draws.
    pub fn draws(self, clips: usize) -> usize {
        match self {
            _ if clips == 0 => 0,
            Sampler::InOrder => clips,
            Sampler::Shuffle(n) => n.unwrap_or(clips).min(clips),
            Sampler::Weighted(n) => n.unwrap_or(clips),
        }
    }

    /// How likely each clip is to be the next one drawn; all of them add up to 1.
    pub fn chances(self, clips: &[Clip]) -> Vec<f64> {
        let mut out = vec![1.0 / clips.len().max(1) as f64; clips.len()];
        if let Sampler::Weighted(_) = self {
            let groups = by_label(clips);
            for group in &groups {
                let each = 1.0 / (groups.len() * group.len()) as f64;
                for at in group {
                    if let Some(chance) = out.get_mut(*at) {
                        *chance = each;
                    }
                }
            }
        }
        out
    }

    /// Positions in `clips`, in the order drawn; the same for the same seed and epoch.
    pub fn order(self, clips: &[Clip], seed: u64, epoch: u64) -> Vec<usize> {
        let draws = self.draws(clips.len());
        let mut random = stream(ORDER, seed, epoch, 0);
        match self {
            Sampler::InOrder => (0..clips.len()).collect(),
            Sampler::Shuffle(_) => {
                let mut order: Vec<usize> = (0..clips.len()).collect();
                order.shuffle(&mut random);
                order.truncate(draws);
                order
            }
            Sampler::Weighted(_) => {
                let groups = by_label(clips);
                let mut pick = || -> Option<usize> {
                    let group = groups.get(random.random_range(0..groups.len()))?;
                    group.get(random.random_range(0..group.len())).copied()
                };
                if clips.is_empty() { Vec::new() } else { (0..draws).filter_map(|_| pick()).collect() }
            }
        }
    }
}

/// Positions of clips with the same label, labels in order; unlabelled clips form a group of their own.
fn by_label(clips: &[Clip]) -> Vec<Vec<usize>> {
    let mut groups: std::collections::BTreeMap<Option<Label>, Vec<usize>> = std::collections::BTreeMap::new();
    for (i, clip) in clips.iter().enumerate() {
        groups.entry(clip.label).or_default().push(i);
    }
    groups.into_values().collect()
}

/// Clips of each class, by output position.
pub fn class_counts(clips: &[Clip], classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for clip in clips {
        if let Some(Label::Class(c)) = clip.label
            && let Some(n) = counts.get_mut(c)
        {
            *n += 1;
        }
    }
    counts
}

/// Class weights from inverse frequency, scaled so that their mean over the classes that occur is 1:
/// `w_c = (1/n_c) / mean(1/n)`. A class without clips weighs 0, for it has nothing to say.
pub fn inverse_frequency_weights(counts: &[u64]) -> Vec<f32> {
    let inverse: Vec<f64> = counts.iter().map(|n| if *n == 0 { 0.0 } else { 1.0 / *n as f64 }).collect();
    let present = counts.iter().filter(|n| **n > 0).count();
    let mean = inverse.iter().sum::<f64>() / present.max(1) as f64;
    inverse.iter().map(|w| if mean > 0.0 { (w / mean) as f32 } else { 1.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clips(labels: &[usize]) -> Vec<Clip> {
        let clip = |(i, c): (usize, &usize)| Clip { label: Some(Label::Class(*c)), ..Clip::window(0, i as u32) };
        labels.iter().enumerate().map(clip).collect()
    }

    #[test]
    fn shuffling_draws_each_clip_once_and_follows_seed_and_epoch() {
        let clips = clips(&[0; 50]);
        let order = Sampler::Shuffle(None).order(&clips, 1, 1);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
        assert_eq!(order, Sampler::Shuffle(None).order(&clips, 1, 1));
        assert_ne!(order, Sampler::Shuffle(None).order(&clips, 1, 2));
        assert_ne!(order, Sampler::Shuffle(None).order(&clips, 2, 1));
        assert_eq!(Sampler::Shuffle(Some(10)).order(&clips, 1, 1), order[..10]);
    }

    #[test]
    fn weighting_draws_rare_classes_as_often_as_common_ones() {
        let mut labels = vec![0; 900];
        labels.extend([1; 90]);
        labels.extend([4; 10]);
        let clips = clips(&labels);
        let order = Sampler::Weighted(Some(6000)).order(&clips, 3, 1);
        let drawn: Vec<Clip> = order.iter().map(|i| clips[*i]).collect();
        let counts = class_counts(&drawn, 5);
        for class in [0, 1, 4] {
            // 2000 expected; five standard deviations are 183.
            assert!((counts[class] as i64 - 2000).abs() < 183, "{counts:?}");
        }
        let chances = Sampler::Weighted(None).chances(&clips);
        assert_eq!([chances[0], chances[900], chances[990]], [1.0 / 2700.0, 1.0 / 270.0, 1.0 / 30.0]);
        assert!(Sampler::Shuffle(Some(10)).chances(&clips).iter().all(|c| *c == 1e-3));
        assert_eq!((counts[2], counts[3]), (0, 0));
    }

    #[test]
    fn weights_are_inverse_to_counts_with_mean_one() {
        let w = inverse_frequency_weights(&[100, 50, 0, 25]);
        assert!((w[1] / w[0] - 2.0).abs() < 1e-6 && (w[3] / w[0] - 4.0).abs() < 1e-6);
        assert_eq!(w[2], 0.0);
        assert!(((w[0] + w[1] + w[3]) / 3.0 - 1.0).abs() < 1e-6);
        assert_eq!(inverse_frequency_weights(&[0, 0]), [1.0, 1.0]);
    }
}

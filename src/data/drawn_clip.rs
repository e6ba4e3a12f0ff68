//! A clip as an epoch of training has it: which frames and changes are drawn for it, and its tensor. Loading threads and
//! whoever shows what they load fill tensors here.

use super::DataError;
use super::augment::Draw;
use super::sampler::Sampler;
use super::source::ClipSource;
use crate::config::AugmentConfig;
use crate::domain::Clip;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// A clip with what an epoch drew for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawnClip {
    /// The clip, with its frames drawn where the sampling draws them.
    pub clip: Clip,
    /// The changes drawn for it; `None` where training clips are left as they are.
    pub draw: Option<Draw>,
}

impl DrawnClip {
    /// A clip that is left as it is.
    pub(super) fn unchanged(clip: Clip) -> Self {
        Self { clip, draw: None }
    }

    /// A clip as epoch `epoch` (from 0) of a training with this seed has it for the `repeat`-th time (from 0).
    pub fn of(
        source: &ClipSource,
        augment: &AugmentConfig,
        (seed, epoch, repeat): (u64, u64, u32),
        clip: &Clip,
    ) -> Self {
        let (clip, draw) = source.draw(augment, seed, epoch, clip, repeat);
        Self { clip, draw }
    }

    /// Its tensor `[3, T, H, W]`, normalised, as a batch of the epoch holds it.
    ///
    /// # Errors
    /// When the video is gone or cannot be decoded.
    pub fn pixels(&self, source: &ClipSource) -> Result<Vec<f32>, DataError> {
        let mut out = vec![0.0; source.clip_len()];
        self.write(source, &mut out, &AtomicBool::new(false))?;
        Ok(out)
    }

    /// Writes its tensor; a panic below becomes an error of this clip.
    pub(super) fn write(&self, source: &ClipSource, out: &mut [f32], stop: &AtomicBool) -> Result<(), DataError> {
        if stop.load(Ordering::Relaxed) {
            return Err(DataError::Stopped);
        }
        let write = || source.write(&self.clip, self.draw.as_ref(), out, stop);
        catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|panic| {
            let reason = panic
                .downcast_ref::<&str>()
                .map(|s| (*s).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "for an unknown reason".into());
            Err(DataError::Thread { reason })
        })
    }

    /// What was drawn, in words.
    pub fn describe(&self) -> String {
        self.draw.unwrap_or_default().describe()
    }
}

/// How often an epoch (from 0) draws a clip of `clips`: once where all are shuffled, any number of times where they are
/// weighted.
pub fn times_drawn(clips: &[Clip], sampler: Sampler, (seed, epoch): (u64, u64), clip: &Clip) -> usize {
    let drawn = sampler.order(clips, seed, epoch).into_iter().filter_map(|at| clips.get(at));
    drawn.filter(|c| c.place() == clip.place()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Label;

    #[test]
    fn an_epoch_draws_a_clip_as_often_as_its_sampler_says() {
        let clips: Vec<Clip> =
            (0..6).map(|i| Clip { label: Some(Label::Class((i / 5) as usize)), ..Clip::window(0, i) }).collect();
        let times = |sampler, clip: usize| times_drawn(&clips, sampler, (3, 0), &clips[clip]);
        assert_eq!((0..6).map(|c| times(Sampler::Shuffle(None), c)).collect::<Vec<_>>(), [1; 6]);
        assert_eq!((0..6).map(|c| times(Sampler::Shuffle(Some(2)), c)).sum::<usize>(), 2);
        // The only clip of its class makes up half of all draws; of the others each a tenth.
        let rare = times(Sampler::Weighted(Some(1000)), 5);
        assert!((450..550).contains(&rare), "{rare}");
        assert_eq!((0..6).map(|c| times(Sampler::Weighted(Some(1000)), c)).sum::<usize>(), 1000);
        assert_eq!(times_drawn(&clips, Sampler::Shuffle(None), (3, 0), &Clip::window(1, 0)), 0);
    }
}

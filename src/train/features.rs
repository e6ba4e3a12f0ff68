//! Features of a frozen backbone, computed once and cached.

use super::TrainError;
use super::logs::Logged;
use super::progress::Work;
use crate::config::RunConfig;
use crate::data::{ClipSource, Loader, LoaderOptions};
use crate::domain::{Clip, Cut};
use crate::eval::{EvalError, clip_shape, hold};
use crate::model::{Network, read};
use crate::progress::{Flow, Monitor, Phase};
use burn::tensor::Tensor;
use std::collections::HashMap;
use std::sync::Arc;

/// Features of clips, by video, first frame and part of the video.
pub(super) struct Features {
    /// `[C, T, H, W]` of one clip.
    shape: [usize; 4],
    rows: HashMap<(usize, u32, Cut), Box<[f32]>>,
}

/// Features of all clips of a training, where they are kept.
#[derive(Default)]
pub(super) struct FrozenFeatures {
    /// Of the clips to train on, where they are the same in every epoch.
    pub train: Option<Features>,
    /// Of the clips to validate on.
    pub val: Option<Features>,
    /// They were computed, or cannot be kept.
    gathered: bool,
}

/// What they are computed from.
pub(super) struct FeaturePhase<'a> {
    pub network: &'a Network,
    pub source: &'a Arc<ClipSource>,
    pub config: &'a RunConfig,
    /// Those to train on and those to validate on.
    pub clips: [&'a [Clip]; 2],
    pub work: Work,
    pub epoch: u32,
    /// No step was made in this run yet.
    pub first: bool,
}

impl FrozenFeatures {
    /// Computes what a frozen backbone makes of the clips, unless it is there, not wanted, or changes every time.
    pub fn gather(&mut self, phase: &FeaturePhase<'_>, monitor: &Logged<'_>) -> Result<(), TrainError> {
        let training = &phase.config.training;
        if self.gathered || !training.cache_features || !phase.network.has_frozen_front() {
            return Ok(());
        }
        let how = Gathering {
            batch_size: training.batch_size,
            workers: training.workers,
            budget: training.cache_mib.saturating_mul(1 << 20),
        };
        let changes = changes_every_epoch(phase.config);
        if phase.config.augment.enabled && phase.first {
            monitor.note(
                "augmentation changes the clips in every epoch, so the frozen backbone sees them all again; \
                 with augment.enabled = false it sees each of them once",
            );
        }
        let [train, val] = phase.clips;
        let parts = [(&mut self.train, (!changes).then_some(train)), (&mut self.val, Some(val))];
        let all = parts.iter().filter_map(|(_, clips)| *clips).map(<[Clip]>::len).sum::<usize>().max(1) as f64;
        let mut before = 0.0;
        for (slot, clips) in parts {
            let Some(clips) = clips else { continue };
            let after = before + clips.len() as f64 / all;
            let (from, to) = phase.work.gathering(phase.epoch, before, after);
            before = after;
            // Where an earlier attempt was stopped, what it completed stays.
            if clips.is_empty() || slot.is_some() {
                continue;
            }
            let part = Phase { inner: monitor, from, to };
            *slot = Features::gather(phase.network, phase.source, clips, how, &part)?;
            if slot.is_none() {
                monitor.note("the frozen backbone's features do not fit into training.cache_mib and are not kept");
                break;
            }
        }
        self.gathered = true;
        Ok(())
    }
}

/// True where training clips are others in every epoch.
pub(super) fn changes_every_epoch(config: &RunConfig) -> bool {
    config.augment.enabled || config.clip.sampling.draws()
}

/// How clips are loaded for it.
#[derive(Clone, Copy)]
struct Gathering {
    batch_size: usize,
    workers: usize,
    /// Most bytes to hold.
    budget: usize,
}

impl Features {
    /// Of `clips` as they are, in their order and in batches of one size: which clips share a batch would otherwise show
    /// in the last digits, and a resumed run differ from one that went through. `None` where they do not fit.
    fn gather(
        network: &Network,
        source: &Arc<ClipSource>,
        clips: &[Clip],
        how: Gathering,
        monitor: &dyn Monitor,
    ) -> Result<Option<Self>, TrainError> {
        let options = LoaderOptions { batch_size: how.batch_size, workers: how.workers, ..LoaderOptions::default() };
        let (total, mut done) = (clips.len() as u64, 0);
        let mut all = Self { shape: [0; 4], rows: HashMap::with_capacity(clips.len()) };
        for batch in Loader::new(source.clone(), clips, &options) {
            if hold(monitor) == Flow::Stop {
                return Err(EvalError::Stopped.into());
            }
            monitor.stage("frozen backbone", done, total);
            let batch = batch?;
            let input = network.input(batch.pixels, batch.size, clip_shape(source))?;
            let features = network.device().compute(|| network.features(input));
            let [_, c, t, h, w] = features.dims();
            all.shape = [c, t, h, w];
            let len = all.shape.iter().product::<usize>();
            if len.saturating_mul(clips.len()).saturating_mul(size_of::<f32>()) > how.budget {
                return Ok(None);
            }
            let values = read(features)?;
            for (clip, row) in batch.clips.iter().zip(values.chunks_exact(len.max(1))) {
                all.rows.insert(clip.place(), row.into());
            }
            done += batch.size as u64;
        }
        monitor.stage("frozen backbone", total, total);
        Ok(Some(all))
    }

    /// A batch of them; `None` when one is not there.
    pub fn batch(&self, network: &Network, clips: &[Clip]) -> Option<Tensor<5>> {
        let [c, t, h, w] = self.shape;
        let mut values = Vec::with_capacity(clips.len() * c * t * h * w);
        for clip in clips {
            values.extend_from_slice(self.rows.get(&clip.place())?);
        }
        Some(network.feature_input(values, [clips.len(), c, t, h, w]))
    }
}

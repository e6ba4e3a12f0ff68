//! What a frozen backbone makes of clips, computed once.

use super::TrainError;
use crate::data::{ClipSource, Loader, LoaderOptions};
use crate::domain::Clip;
use crate::eval::{EvalError, clip_shape, hold};
use crate::model::{Network, read};
use crate::progress::{Flow, Monitor};
use burn::tensor::Tensor;
use std::collections::HashMap;
use std::sync::Arc;

/// Features of clips, by video and first frame.
pub(super) struct Features {
    /// `[C, T, H, W]` of one clip.
    shape: [usize; 4],
    rows: HashMap<(usize, u32), Box<[f32]>>,
}

/// How clips are loaded for it.
#[derive(Clone, Copy)]
pub(super) struct Gathering {
    pub batch_size: usize,
    pub workers: usize,
    /// Most bytes to hold.
    pub budget: usize,
}

impl Features {
    /// Of `clips` as they are, in their order and in batches of one size: which clips share a batch would otherwise show
    /// in the last digits, and a resumed run differ from one that went through. `None` where they do not fit.
    pub fn gather(
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
                all.rows.insert((clip.video, clip.start), row.into());
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
            values.extend_from_slice(self.rows.get(&(clip.video, clip.start))?);
        }
        Some(network.feature_input(values, [clips.len(), c, t, h, w]))
    }
}

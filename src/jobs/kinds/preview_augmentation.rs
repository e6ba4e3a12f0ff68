//! What a training would see of a clip: the tensor an epoch draws, beside the frames it is made of.

use crate::config::RunConfig;
use crate::data::{DrawnClip, FrameRule, Sampler, clips_of, times_drawn};
use crate::domain::{Clip, Dataset, Label, Split, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kept_plan::KeptPlan;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::jobs::requests::{AugmentationView, ClipRef, PreviewClip};
use crate::progress::Monitor;
use rand::{Rng, SeedableRng};
use std::sync::Arc;

/// A training clip as an epoch would have it.
#[derive(Clone, Debug)]
pub struct PreviewAugmentation {
    /// What would be trained on.
    pub dataset: Arc<Dataset>,
    /// How.
    pub config: Box<RunConfig>,
    /// Which clip.
    pub clip: PreviewClip,
    /// Epoch, from 1.
    pub epoch: u32,
    /// How often the epoch has had the clip before.
    pub repeat: u32,
}

impl JobKind for PreviewAugmentation {
    type Answer = Arc<AugmentationView>;

    fn lane(&self) -> Lane {
        Lane::Interactive
    }

    fn title(&self) -> String {
        "augmentation".into()
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let kept = KeptPlan::of(state.take_plan(), &self.dataset, &self.config)?;
        let found = if monitor.stopped() { Err(JobError::Stopped) } else { self.view(&kept) };
        state.keep_plan(kept);
        Ok(Done::Finished(Arc::new(found?)))
    }

    fn output(view: Self::Answer) -> Output {
        Output::Augmentation(view)
    }
}

impl PreviewAugmentation {
    fn view(&self, kept: &KeptPlan) -> Result<AugmentationView, JobError> {
        let KeptPlan { dataset, plan, source, .. } = kept;
        let (clip, note) = self.clip(kept)?;
        let gone = || JobError::Missing(format!("{} has changed; open it again", dataset.root.display()));
        let video = dataset.videos.get(clip.video).ok_or_else(gone)?;
        let config = &self.config;
        let epoch = u64::from(self.epoch.saturating_sub(1));
        let drawn = DrawnClip::of(source, &config.augment, (config.seed, epoch, self.repeat), &clip);
        let pixels = drawn.pixels(source)?;
        let classes = match &plan.targets {
            Some(targets) => targets.of(&clip),
            None => clip.label.and_then(Label::class).into_iter().collect(),
        };
        Ok(AugmentationView {
            clip: ClipRef::of(&video.name, &clip),
            frames: FrameRule::of(&config.clip).shown(video, &drawn.clip),
            classes: classes.into_iter().map(|c| plan.classes.name(c).to_owned()).collect(),
            note,
            seed: config.seed,
            epoch: self.epoch.max(1),
            repeat: self.repeat,
            times_drawn: times_drawn(&plan.train, Sampler::training(&config.sampling), (config.seed, epoch), &clip),
            draw: drawn.draw,
            before: source.pictures(&drawn.clip)?,
            after: source.pictures_of(&pixels),
            shape: [3, config.clip.length, config.clip.height, config.clip.width].map(|n| n as usize),
            pixels,
        })
    }

    /// The clip that is meant, and what to know where no training takes it.
    fn clip(&self, kept: &KeptPlan) -> Result<(Clip, Option<String>), JobError> {
        let KeptPlan { dataset, plan, .. } = kept;
        let (name, frame) = match &self.clip {
            PreviewClip::Random(number) => {
                plan.require_training(dataset)?;
                let at = rand_chacha::ChaCha8Rng::seed_from_u64(*number).random_range(0..plan.train.len());
                let clip = plan.train.get(at).ok_or(JobError::Internal("a sampled clip is not there"))?;
                return Ok((*clip, None));
            }
            PreviewClip::At { video, frame } => (video, *frame),
        };
        let (index, entry) = super::explain::find_video(dataset, name)?;
        let frame = frame.min(entry.frames().saturating_sub(1));
        let clip = &self.config.clip;
        let span = clip.geometry().span();
        let holds = |c: &&Clip| c.video == index && c.start <= frame && frame < c.cut.end_of(c.start, span);
        // Windows overlap: the one that begins last is nearest.
        if let Some(found) = plan.train.iter().filter(holds).max_by_key(|c| c.start) {
            return Ok((*found, None));
        }
        let all = clips_of(dataset, index, clip, clip.train_stride);
        let found = all.iter().filter(holds).max_by_key(|c| c.start).copied();
        let short = leaf(std::path::Path::new(name));
        let note = match plan.parts.get(index) {
            Some(Split::Train) => format!("no training clip holds frame {frame} of {short}: this is what it would be"),
            Some(Split::Val | Split::Test) => {
                let part = plan.parts.get(index).map_or("", |p| p.name());
                format!("{short} is in {part}: training never sees it, and this is what it would see")
            }
            _ => format!("{short} is in no part of a training: this is what it would see"),
        };
        Ok((found.unwrap_or_else(|| Clip::window(index, frame / clip.train_stride * clip.train_stride)), Some(note)))
    }
}

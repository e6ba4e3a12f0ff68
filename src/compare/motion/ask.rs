//! Asks a network about altered clips.

use super::alter::{Alteration, Masks, altered, at_size};
use crate::compare::shared::SharedClip;
use crate::config::RunConfig;
use crate::data::{ClipSource, FrameRule, Loader, LoaderOptions, load_mask};
use crate::domain::{ClassId, Clip, Dataset, Task, argmax};
use crate::eval::metrics::{sigmoid_and_loss, softmax_and_loss};
use crate::eval::{EvalError, clip_shape, hold, shared_places};
use crate::model::{Network, read};
use crate::progress::{Flow, Monitor};
use crate::run_folder::Prediction;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A network with the clips it is asked about.
pub struct Asked<'a> {
    /// The network.
    pub network: &'a Network,
    /// Configuration of its run.
    pub config: &'a RunConfig,
    /// The dataset in the classes of the run.
    pub dataset: &'a Arc<Dataset>,
    /// The clips with their true classes.
    pub clips: &'a [(Clip, ClassId)],
    /// All true classes of each clip, ascending, in a multi-label task; else empty.
    pub truths: &'a [Vec<ClassId>],
    /// What the network was trained for: its probabilities are those of a softmax, or of a sigmoid a class.
    pub trained: Task,
    /// Seed of the shuffled orders.
    pub seed: u64,
}

/// The clips of several runs that have the same video, first frame and class name in all of them: their positions in each
/// run's list. In the order of the first list; `most` of them, evenly spread, where there are more.
pub fn shared_clips(lists: &[Vec<(String, u32, String)>], most: Option<usize>) -> Vec<Vec<usize>> {
    let at: Vec<HashMap<&(String, u32, String), usize>> =
        lists.iter().map(|list| list.iter().enumerate().map(|(i, key)| (key, i)).collect()).collect();
    let mut seen = HashSet::new();
    let first = lists.first().map(Vec::as_slice).unwrap_or_default();
    let everywhere = |key| at.iter().map(|clips| clips.get(key).copied()).collect::<Option<Vec<usize>>>();
    let found: Vec<Vec<usize>> = first.iter().filter(|key| seen.insert(*key)).filter_map(everywhere).collect();
    let most = most.unwrap_or(found.len()).min(found.len());
    let chosen: Vec<&Vec<usize>> = (0..most).map(|i| &found[i * found.len() / most]).collect();
    (0..lists.len()).map(|run| chosen.iter().filter_map(|at| at.get(run).copied()).collect()).collect()
}

/// What a network said: for each alteration, for each clip.
pub type Answers = Vec<Vec<Option<Prediction>>>;

/// What the network says of every clip under every alteration: `[alteration][clip]`, in the order of
/// [`Alteration::ALL`]; `None` where masks are missing. With the clips as [`judge`](super::judge()) takes them. The processes of a
/// job share the clips.
///
/// # Errors
/// Clips or masks that cannot be loaded, a device that fails, [`EvalError::Stopped`], answers that are not numbers.
pub fn ask(asked: &Asked<'_>, monitor: &dyn Monitor) -> Result<(Vec<SharedClip>, Answers), EvalError> {
    let Asked { network, config, dataset, clips, truths, .. } = *asked;
    let truths_of = |i: usize| truths.get(i).cloned().unwrap_or_default();
    let work = |places: &[usize]| rows_of(asked, places, monitor);
    let rows = shared_places(monitor.peers(), clips.len(), config.training.batch_size.max(1), work)?;
    let width = network.classes().max(1);
    let answers: Answers = (0..Alteration::ALL.len())
        .map(|alteration| {
            let said = |(i, row): (usize, &Vec<f32>)| {
                let own = row.get(alteration * (1 + width)..(alteration + 1) * (1 + width))?;
                let (made, logits) = own.split_first()?;
                let (clip, truth) = clips.get(i).filter(|_| *made != 0.0)?;
                Some(answer(asked.trained, dataset, clip, (*truth, truths_of(i)), logits))
            };
            rows.iter().enumerate().map(said).collect()
        })
        .collect();
    if !answers.iter().flatten().flatten().flat_map(|p| &p.probabilities).all(|p| p.is_finite()) {
        return Err(EvalError::NothingToJudge(
            "the network gives values that are not numbers; take another checkpoint".into(),
        ));
    }
    let shared = clips.iter().enumerate().filter_map(|(i, (clip, truth))| {
        let video = dataset.videos.get(clip.video)?;
        let (video, subject) = (video.name.clone(), video.subject.clone());
        Some(SharedClip { video, subject, start: clip.start, truth: *truth, truths: truths_of(i), cut: clip.cut })
    });
    Ok((shared.collect(), answers))
}

/// What the network says of the clips at some places: for each, one alteration after the other, 1 and its logits, or 0 and
/// nothing where masks are missing.
fn rows_of(asked: &Asked<'_>, places: &[usize], monitor: &dyn Monitor) -> Result<Vec<Vec<f32>>, EvalError> {
    let Asked { network, config, dataset, clips, seed, .. } = *asked;
    let plain: Vec<Clip> = places.iter().filter_map(|at| clips.get(*at)).map(|(clip, _)| *clip).collect();
    let source = Arc::new(ClipSource::new(dataset.clone(), config).with_disk(config));
    let shape = clip_shape(&source);
    let options = LoaderOptions {
        batch_size: config.training.batch_size.max(1),
        workers: config.training.workers,
        ..LoaderOptions::default()
    };
    let width = network.classes().max(1);
    let mut out: Vec<Vec<f32>> = Vec::with_capacity(plain.len());
    let mut masks = MaskReader { dataset, config, held: HashMap::new(), video: None };
    for batch in Loader::new(source.clone(), &plain, &options) {
        let batch = batch?;
        let first = out.len();
        out.resize(first + batch.size, Vec::new());
        let pixels: &[f32] = batch.pixels.as_ref();
        let masks = batch.clips.iter().map(|clip| masks.of(clip, shape)).collect::<Result<Vec<_>, _>>()?;
        for alteration in Alteration::ALL {
            if hold(monitor) == Flow::Stop {
                return Err(EvalError::Stopped);
            }
            let made: Vec<Option<Vec<f32>>> = pixels
                .chunks_exact(source.clip_len())
                .zip(&masks)
                .enumerate()
                .map(|(i, (clip, masks))| {
                    let place = places.get(first + i).copied().unwrap_or_default();
                    altered(clip, shape, alteration, masks.as_ref(), (seed, place as u64))
                })
                .collect();
            let rows = logits(network, &made, shape)?;
            let mut rows = rows.chunks_exact(width);
            for (made, out) in made.iter().zip(out.iter_mut().skip(first)) {
                match made.as_ref().and_then(|_| rows.next()) {
                    Some(row) => out.extend(std::iter::once(&1.0).chain(row)),
                    None => out.extend(std::iter::repeat_n(0.0, 1 + width)),
                }
            }
        }
        monitor.stage("testing altered clips", (first + batch.size) as u64, plain.len() as u64);
    }
    Ok(out)
}

/// Logits of the clips that could be made, one row after the other.
fn logits(network: &Network, made: &[Option<Vec<f32>>], shape: [usize; 3]) -> Result<Vec<f32>, EvalError> {
    let there: Vec<f32> = made.iter().flatten().flatten().copied().collect();
    let count = made.iter().flatten().count();
    if count == 0 {
        return Ok(Vec::new());
    }
    let input = network.input(there, count, shape)?;
    Ok(network.device().compute(|| read(network.forward(input)))?)
}

fn answer(
    trained: Task,
    dataset: &Dataset,
    clip: &Clip,
    (truth, truths): (ClassId, Vec<ClassId>),
    logits: &[f32],
) -> Prediction {
    let (probabilities, loss) = match trained {
        Task::SingleLabel => softmax_and_loss(logits, truth),
        Task::MultiLabel => sigmoid_and_loss(logits, &truths),
    };
    let video = dataset.videos.get(clip.video);
    Prediction {
        video: video.map(|v| v.name.clone()).unwrap_or_default(),
        subject: video.map(|v| v.subject.clone()).unwrap_or_default(),
        start: clip.start,
        truth,
        truths,
        predicted: argmax(logits),
        probabilities,
        loss,
        cut: clip.cut,
        ..Prediction::default()
    }
}

/// Masks at the size of clips; those of the video read last are kept, as its clips overlap.
struct MaskReader<'a> {
    dataset: &'a Dataset,
    config: &'a RunConfig,
    held: HashMap<u32, Option<Vec<bool>>>,
    video: Option<usize>,
}

impl MaskReader<'_> {
    /// The masks of all frames of a clip; `None` unless every frame has one.
    fn of(&mut self, clip: &Clip, [_, rows, columns]: [usize; 3]) -> Result<Option<Masks>, EvalError> {
        let Some(entry) = self.dataset.videos.get(clip.video).filter(|v| v.masks.is_some()) else { return Ok(None) };
        if self.video != Some(clip.video) {
            self.held.clear();
            self.video = Some(clip.video);
        }
        let mut out = Masks::new();
        for frame in FrameRule::of(&self.config.clip).shown(entry, clip) {
            let mask = match self.held.entry(frame) {
                Entry::Occupied(held) => held.into_mut(),
                Entry::Vacant(place) => {
                    place.insert(load_mask(entry, frame)?.map(|mask| at_size(&mask, rows, columns)))
                }
            };
            let Some(mask) = mask else { return Ok(None) };
            out.push(mask.clone());
        }
        Ok(Some(out))
    }
}

#[cfg(test)]
mod tests {
    use super::shared_clips;

    #[test]
    fn runs_are_asked_about_the_clips_they_share() {
        let list = |clips: &[(&str, u32, &str)]| -> Vec<(String, u32, String)> {
            clips.iter().map(|(v, s, c)| ((*v).to_owned(), *s, (*c).to_owned())).collect()
        };
        let a = list(&[("v", 0, "sit"), ("v", 8, "sit"), ("w", 0, "stand"), ("w", 8, "stand")]);
        let b = list(&[("w", 8, "stand"), ("v", 8, "stand"), ("v", 0, "sit"), ("w", 0, "stand")]);
        assert_eq!(shared_clips(&[a.clone(), b], None), [vec![0, 2, 3], vec![2, 3, 0]]);
        assert_eq!(shared_clips(std::slice::from_ref(&a), Some(2)), [vec![0, 2]]);
        assert!(shared_clips(&[a, list(&[("x", 0, "sit")])], Some(2)).iter().all(Vec::is_empty));
    }
}

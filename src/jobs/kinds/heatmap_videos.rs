//! Heatmaps as videos: per sample the original, the heatmap, the overlay, both side by side, and the facts.

use super::explain::{Asked, find_video};
use crate::cam::METHODS;
use crate::config::{ClipConfig, RunConfig};
use crate::data::{as_configured, clips_of, views_of};
use crate::domain::{ClassMatch, ClassSet, Clip, Dataset, FrameSampling, HeatMap, RgbImage, SplitChoice, counted};
use crate::eval::{ClassMap, spread_frames};
use crate::files::{TEXT_LIMIT, read_text};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known;
use crate::jobs::lane::{LaneState, Loaded};
use crate::jobs::requests::{CheckpointRef, ClipRef, ClipSample, Explanation, HeatRequest};
use crate::jobs::split_clips::clips_of_split;
use crate::peers::Peers;
use crate::progress::Monitor;
use crate::render::compose::side_by_side;
use crate::render::overlay::CONTOUR_LEVELS;
use crate::render::{
    Blend, ClipPosition, HeatScale, HeatVolume, Interpolation, OverlayParams, composite, heat_picture,
};
use crate::run_folder::Identity;
use crate::video::{Video, VideoWriter};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Clips of each process before all tell each other what they found.
const A_TURN: usize = 4;
/// Beginning of the names of samples' folders.
const SAMPLE: &str = "sample_";
/// What the videos of a sample show.
const METADATA: &str = "metadata.txt";
/// How that file begins.
const FIRST_LINE: &str = "video: ";
/// The videos of a sample; of several maps, each has the last three in a folder of its own.
const VIDEOS: [&str; 4] = ["original.mp4", "heatmap.mp4", "overlay.mp4", "side_by_side.mp4"];

/// Heatmaps to be written as videos.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// Clips to take; empty draws `num_samples` from `split`.
    pub clips: Vec<ClipRef>,
    /// Which of the views of each clip, of several that an evaluation averages, from 0 in their order; `None` takes the clip as
    /// one look.
    pub view: Option<usize>,
    /// Random samples when no clip is named.
    pub num_samples: usize,
    /// Where samples come from.
    pub split: SplitChoice,
    /// Sample only clips the network gets wrong.
    pub misclassified_only: bool,
    /// The maps of each clip.
    pub maps: Vec<HeatRequest>,
    /// How the overlay looks.
    pub look: OverlayParams,
    /// Frames a second of the videos written.
    pub fps: f64,
    /// Seed of the sample.
    pub seed: u64,
    /// Folder to write to; `None` computes the maps and writes nothing.
    pub out: Option<PathBuf>,
    /// Remove the samples of an earlier export from that folder first.
    pub replace: bool,
    /// How labels become classes of the run.
    pub class_match: ClassMatch,
}

impl JobKind for ExportRequest {
    type Answer = (Explanation, PathBuf);

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        "export heatmaps".into()
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Loses
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let dataset = match self.clips.is_empty() {
            false => known::with_videos(&self.dataset, self.clips.iter().map(|c| c.video.as_str()), monitor)?,
            true => {
                let checkpoint = &state.load(&self.checkpoint, monitor)?.checkpoint;
                known::of_split(checkpoint, &self.dataset, self.split, monitor)?
            }
        };
        let request = Self { dataset, ..self };
        let explanation = export(&request, state, monitor)?;
        Ok(Done::Finished((explanation, request.out.unwrap_or_default())))
    }

    fn output((_, folder): Self::Answer) -> Output {
        Output::Exported(folder)
    }
}

/// Chooses clips, explains them, and, with a folder, writes their videos there.
///
/// # Errors
/// A run that cannot be loaded, clips that do not exist, or a folder that cannot be written.
fn export(request: &ExportRequest, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Explanation, JobError> {
    let peers = monitor.peers();
    let leads = peers.leads();
    if let Some(out) = request.out.as_deref().filter(|_| request.replace && leads) {
        // Older samples would look like part of this export.
        remove_export(out)?;
    }
    let loaded = state.load(&request.checkpoint, monitor)?;
    let classes = loaded.checkpoint.state.classes.clone();
    let identity = Identity::of(&loaded.checkpoint);
    let class_map = loaded.checkpoint.class_map(&request.dataset, &request.class_match)?;
    let source = state.source(&request.dataset)?;
    let (candidates, wanted) = candidates(request, state.loaded()?, &class_map, monitor)?;
    let loaded = state.loaded()?;
    let asked = Asked { loaded, source: &source, dataset: &request.dataset, class_map: &class_map };
    let mut samples: Vec<ClipSample> = Vec::new();
    // All know after each round which of its clips were taken, so that as few more are looked at as can be.
    let round = if peers.is_alone() { 1 } else { peers.size() * A_TURN };
    for clips in candidates.chunks(round) {
        if samples.len() >= wanted {
            break;
        }
        monitor.stage("explaining clips", samples.len() as u64, wanted as u64);
        let own = peers.every(clips.len()).filter_map(|at| clips.get(at));
        let own = own.map(|clip| {
            if monitor.stopped() {
                return Err(JobError::Stopped);
            }
            explained(request, &asked, clip)
        });
        for found in in_order(peers, own.collect(), clips.len())?.into_iter().flatten() {
            if samples.len() >= wanted {
                break;
            }
            let told = Told { request, identity: &identity, classes: &classes };
            let written = match request.out.as_deref().filter(|_| leads) {
                Some(out) => write_sample(&told, &found, samples.len(), out, monitor),
                None => Ok(()),
            };
            peers.agree(written, JobError::is_stop)?;
            samples.push(found);
        }
    }
    if request.misclassified_only && samples.len() < wanted {
        let (split, found) = (request.split.name(), samples.len());
        monitor.warn(format!("only {found} clips of the {split} split are misclassified; {wanted} were asked for"));
    }
    let name = Some(identity.checkpoint.clone());
    let checkpoint = CheckpointRef { run: request.checkpoint.run.clone(), name };
    Ok(Explanation { checkpoint, identity, classes, task: class_map.task(), samples })
}

/// What the processes of a job found of clips, of which each looked at every `size`-th, in the order of the clips.
fn in_order<T: Serialize + DeserializeOwned>(
    peers: &dyn Peers,
    own: Result<Vec<T>, JobError>,
    count: usize,
) -> Result<Vec<T>, JobError> {
    if peers.is_alone() {
        return own;
    }
    let own = peers.agree(own, JobError::is_stop)?;
    let mut given: Vec<_> = peers.gather_said(&own)?.into_iter().map(Vec::into_iter).collect();
    let size = given.len().max(1);
    Ok((0..count).filter_map(|at| given.get_mut(at % size)?.next()).collect())
}

/// One clip with its maps, or `None` when it is right and only wrong ones are wanted.
fn explained(request: &ExportRequest, asked: &Asked<'_>, clip: &ClipRef) -> Result<Option<ClipSample>, JobError> {
    if request.misclassified_only {
        // Without maps first: most clips are right, and a forward pass alone is several times cheaper.
        let quick = asked.sample(clip, &[])?;
        if quick.right() != Some(false) {
            return Ok(None);
        }
    }
    asked.sample(clip, &request.maps).map(Some)
}

/// What is told of a sample beside its clip.
struct Told<'a> {
    request: &'a ExportRequest,
    identity: &'a Identity,
    classes: &'a ClassSet,
}

/// The clips to look through, in the order of looking, and how many samples are wanted.
///
/// Labelled are those clips that an evaluation would evaluate.
fn candidates(
    request: &ExportRequest,
    loaded: &Loaded,
    class_map: &ClassMap,
    monitor: &dyn Monitor,
) -> Result<(Vec<ClipRef>, usize), JobError> {
    let config = &loaded.checkpoint.state.config;
    let seen = |clip: ClipRef| match request.view {
        Some(view) => in_view(&clip, view, &config.clip),
        None => Ok(clip),
    };
    let dataset = &request.dataset;
    if !request.clips.is_empty() {
        let configured = as_configured(dataset, config);
        let named = request.clips.iter().map(|clip| {
            let (index, _) = find_video(dataset, &clip.video)?;
            seen(as_evaluated(clip, index, &configured, config, monitor))
        });
        return Ok((named.collect::<Result<_, JobError>>()?, request.clips.len()));
    }
    let (_, clips) = clips_of_split(loaded, dataset, class_map, request.split)?;
    let reference = |c: &Clip| dataset.videos.get(c.video).map(|v| ClipRef::of(&v.name, c));
    let mut clips: Vec<ClipRef> = clips.iter().filter_map(reference).collect();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(request.seed);
    clips.shuffle(&mut rng);
    Ok((clips.into_iter().map(seen).collect::<Result<_, JobError>>()?, request.num_samples))
}

/// A clip that was named by its first frame alone, as an evaluation counts it: for a network that is shown whole instances
/// the one that begins there, or else the shortest that holds the frame.
fn as_evaluated(clip: &ClipRef, index: usize, dataset: &Dataset, config: &RunConfig, monitor: &dyn Monitor) -> ClipRef {
    if config.clip.sampling == FrameSampling::Windows || !clip.cut.is_window_of_video() {
        return clip.clone();
    }
    let instances = clips_of(dataset, index, &config.clip, config.clip.eval_stride);
    let holding = instances.iter().filter(|c| c.cut.start <= clip.start && clip.start < c.cut.end);
    match holding.min_by_key(|c| (c.start != clip.start, c.cut.end - c.cut.start)) {
        Some(found) => ClipRef::of(&clip.video, found),
        None => {
            if let Some(sentence) = spread_frames(&config.clip) {
                monitor.warn(format!("no instance of {} holds frame {}: {sentence}", clip.video, clip.start));
            }
            clip.clone()
        }
    }
}

/// A clip in one of the views in which an evaluation sees it.
fn in_view(clip: &ClipRef, view: usize, config: &ClipConfig) -> Result<ClipRef, JobError> {
    let views = views_of(&clip.clip(0), config);
    views.get(view).map(|found| ClipRef::of(&clip.video, found)).ok_or_else(|| {
        let (video, start, seen) = (&clip.video, clip.start, counted(views.len() as u64, "view"));
        JobError::Missing(format!("{video} frame {start} is seen in {seen}, counted from 0: there is no view {view}"))
    })
}

fn write_sample(
    told: &Told<'_>,
    sample: &ClipSample,
    number: usize,
    out: &Path,
    monitor: &dyn Monitor,
) -> Result<(), JobError> {
    let request = told.request;
    let dir = out.join(format!("{SAMPLE}{number:03}"));
    make_dir(&dir)?;
    // Before the videos, because it marks the folder as one of ours.
    let path = dir.join(METADATA);
    std::fs::write(&path, metadata(told, sample)).map_err(|source| JobError::Write { path, source })?;
    let (_, entry) = find_video(&request.dataset, &sample.clip.video)?;
    let video = Video::open(&entry.path)?;
    let frames =
        sample.frames.iter().map(|n| Ok(video.frame(*n)?.image.clone())).collect::<Result<Vec<_>, JobError>>()?;
    write_video(&dir.join(VIDEOS[0]), request.fps, frames.iter().cloned(), monitor)?;
    let single = sample.maps.len() == 1;
    for map in &sample.maps {
        let place = if single { dir.clone() } else { dir.join(map_folder(map)) };
        make_dir(&place)?;
        write_map_videos(request, map, &frames, &place, monitor)?;
    }
    Ok(())
}

/// True for the name of a folder that an export makes for a sample.
pub fn is_sample(name: &str) -> bool {
    name.strip_prefix(SAMPLE).is_some_and(|n| n.len() >= 3 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Removes what an earlier export wrote to `out`. Files it did not write stay, and so do the folders they lie in.
///
/// # Errors
/// A file that cannot be removed.
fn remove_export(out: &Path) -> Result<(), JobError> {
    for dir in folders_in(out) {
        let named = dir.file_name().and_then(|n| n.to_str()).is_some_and(is_sample);
        let marked = read_text(&dir.join(METADATA), TEXT_LIMIT).is_ok_and(|text| text.starts_with(FIRST_LINE));
        if !named || !marked {
            continue;
        }
        for map in folders_in(&dir) {
            let name = map.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let ours = METHODS.iter().any(|m| name.strip_prefix(m.id).is_some_and(|rest| rest.starts_with('_')));
            if ours && name.contains("_class") {
                remove_videos(&map)?;
            }
        }
        // The mark goes last: what is interrupted here can be done again.
        remove_videos(&dir)?;
        remove(&dir.join(METADATA))?;
        let _ = std::fs::remove_dir(&dir);
    }
    Ok(())
}

/// Removes the videos of an export, finished or not, and then the folder if nothing else is in it.
fn remove_videos(dir: &Path) -> Result<(), JobError> {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let unfinished = name.starts_with(crate::files::UNFINISHED) && name.ends_with(".mp4.part");
        if unfinished || VIDEOS.contains(&name.as_str()) {
            remove(&entry.path())?;
        }
    }
    let _ = std::fs::remove_dir(dir);
    Ok(())
}

fn remove(path: &Path) -> Result<(), JobError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(JobError::Write { path: path.to_path_buf(), source: e })
        }
        _ => Ok(()),
    }
}

/// True when `out` holds samples of an earlier export.
pub fn holds_export(out: &Path) -> bool {
    folders_in(out).iter().any(|d| d.file_name().and_then(|n| n.to_str()).is_some_and(is_sample))
}

/// The folders in a folder, none where it is not there; a link to one is not followed.
fn folders_in(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()).collect()
}

fn map_folder(map: &HeatMap) -> String {
    let against = map.against.map_or(String::new(), |c| format!("_against{c}"));
    format!("{}_{}_class{}{against}", map.method, map.layer, map.class)
}

fn make_dir(path: &Path) -> Result<(), JobError> {
    std::fs::create_dir_all(path).map_err(|source| JobError::Write { path: path.to_path_buf(), source })
}

fn write_map_videos(
    request: &ExportRequest,
    map: &HeatMap,
    frames: &[RgbImage],
    dir: &Path,
    monitor: &dyn Monitor,
) -> Result<(), JobError> {
    let heat = HeatVolume::from_map(map)?;
    let params = &request.look;
    let at = |frame: usize| ClipPosition { frame, frames: frames.len() };
    let overlays: Vec<RgbImage> = frames.iter().enumerate().map(|(i, f)| composite(f, &heat, at(i), params)).collect();
    let alone = frames.iter().enumerate().map(|(i, f)| heat_picture(f.width, f.height, &heat, at(i), params));
    write_video(&dir.join(VIDEOS[1]), request.fps, alone, monitor)?;
    write_video(&dir.join(VIDEOS[2]), request.fps, overlays.iter().cloned(), monitor)?;
    let both = frames.iter().zip(&overlays).map(|(a, b)| side_by_side(a, b));
    write_video(&dir.join(VIDEOS[3]), request.fps, both, monitor)
}

fn write_video(
    path: &Path,
    fps: f64,
    frames: impl Iterator<Item = RgbImage>,
    monitor: &dyn Monitor,
) -> Result<(), JobError> {
    let mut writer: Option<VideoWriter> = None;
    for frame in frames {
        if monitor.stopped() {
            return Err(JobError::Stopped);
        }
        if writer.is_none() {
            writer = Some(VideoWriter::create(path, frame.width, frame.height, fps)?);
        }
        if let Some(writer) = &mut writer {
            writer.push(&frame)?;
        }
    }
    writer.map_or(Ok(()), |w| w.finish().map_err(JobError::from))
}

/// What the videos show, in words.
fn metadata(told: &Told<'_>, sample: &ClipSample) -> String {
    let Told { request, identity, classes } = told;
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        let _ = writeln!(text, "{key}: {value}");
    };
    let (first, last) = (sample.frames.first().copied().unwrap_or(0), sample.frames.last().copied().unwrap_or(0));
    line("video", sample.clip.video.clone());
    line("frames", format!("{first} to {last} ({} frames)", sample.frames.len()));
    let view = sample.clip.cut.view_words(None);
    if !view.is_empty() {
        line("view", view);
    }
    let truths: Vec<&str> = sample.true_classes().into_iter().map(|c| classes.name(c)).collect();
    line("true class", if truths.is_empty() { "unlabelled".into() } else { truths.join("; ") });
    line("predicted class", classes.name(sample.predicted).to_owned());
    line("probability", format!("{:.4}", sample.probabilities.get(sample.predicted).copied().unwrap_or(0.0)));
    line("run", identity.run.display().to_string());
    line("checkpoint", identity.weights());
    line("step", identity.step.to_string());
    line("explained", identity.when().unwrap_or_default());
    let look = &request.look;
    line("overlay alpha", look.alpha.to_string());
    line("colour map", look.color_map.id.to_owned());
    line(
        "scale",
        match look.scale {
            HeatScale::Clip => "0 to the largest value of the clip".into(),
            HeatScale::Frame => "0 to the largest value of each frame".into(),
            HeatScale::Fixed(most) => format!("0 to {most}"),
        },
    );
    let opacity = if look.blend == Blend::FollowsHeat { "grows with the heat" } else { "the same everywhere" };
    line("opacity", opacity.into());
    if look.threshold > 0.0 {
        line("threshold", look.threshold.to_string());
    }
    match look.interpolation {
        Interpolation::Nearest => line("cells", "as they are, not interpolated".into()),
        Interpolation::Cubic => line("cells", "interpolated by cubic curves".into()),
        Interpolation::Smooth => {}
    }
    if look.contours && look.interpolation != Interpolation::Nearest {
        line("contours", CONTOUR_LEVELS.map(|l| l.to_string()).join(", "));
    }
    for map in &sample.maps {
        let [t, h, w] = map.shape;
        let pooling = map.pooling.words();
        line(
            "map",
            format!("{} at {} for {}, {t}x{h}x{w} cells, {pooling}", map.method, map.layer, map.subject(classes)),
        );
        line("largest value", format!("{:.6e}", map.clip_max()));
    }
    line("probabilities", String::new());
    for (class, p) in sample.probabilities.iter().enumerate() {
        line(&format!("  {}", classes.name(class)), format!("{p:.4}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn an_export_is_drawn_as_it_was_asked_for_and_says_how() {
        let dir = tempfile::tempdir().unwrap();
        let map = HeatMap {
            method: "grad-cam".into(),
            layer: "block5".into(),
            class: 0,
            against: None,
            shape: [1, 4, 4],
            values: (0..16).map(|i| (i * 7 % 16) as f32).collect(),
            pooling: Default::default(),
            region: HeatMap::WHOLE,
        };
        let look = OverlayParams {
            contours: true,
            threshold: 0.25,
            alpha: 0.4,
            blend: Blend::Constant,
            ..OverlayParams::default()
        };
        let request = ExportRequest {
            checkpoint: Default::default(),
            class_match: Default::default(),
            dataset: Arc::new(Dataset::default()),
            clips: Vec::new(),
            view: None,
            num_samples: 1,
            split: SplitChoice::All,
            misclassified_only: false,
            maps: Vec::new(),
            look,
            fps: 10.0,
            seed: 1,
            out: None,
            replace: false,
        };
        let frames = vec![RgbImage::new(192, 160, vec![90; 192 * 160 * 3]).unwrap(); 4];
        write_map_videos(&request, &map, &frames, dir.path(), &Silent).unwrap();
        let written = Video::open(&dir.path().join(VIDEOS[2])).unwrap().frame(1).unwrap();
        let (heat, at) = (HeatVolume::from_map(&map).unwrap(), ClipPosition { frame: 1, frames: 4 });
        let off = |params: OverlayParams| {
            let wanted = composite(&frames[1], &heat, at, &params);
            let sum: u64 =
                wanted.data.iter().zip(written.image.data.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            sum as f64 / wanted.data.len() as f64
        };
        // Compression blurs, but less than any other look differs.
        let shown = off(look);
        for other in [
            OverlayParams { contours: false, ..look },
            OverlayParams { threshold: 0.0, ..look },
            OverlayParams { blend: Blend::FollowsHeat, ..look },
            OverlayParams { interpolation: Interpolation::Nearest, ..look },
        ] {
            assert!(shown * 2.0 < off(other), "{shown} as asked for, {} as {other:?}", off(other));
        }
        let sample = ClipSample {
            clip: ClipRef::default(),
            frames: vec![0, 1],
            probabilities: vec![1.0],
            maps: vec![map],
            ..ClipSample::default()
        };
        let (identity, classes) = (Identity::default(), ClassSet::from_names(vec!["squat".to_owned()]));
        let told = metadata(&Told { request: &request, identity: &identity, classes: &classes }, &sample);
        for line in
            ["overlay alpha: 0.4", "threshold: 0.25", "contours: 0.25, 0.5, 0.75", "scale: 0 to the largest value of"]
        {
            assert!(told.contains(line), "'{line}' is missing in {told}");
        }
    }
}

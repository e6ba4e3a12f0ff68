//! Statistics of a dataset: class balance, lengths, splits.

use super::plan::labelled_clips_of;
use super::sampler::class_counts;
use super::{ClassTargets, DataError, FrameRule};
use crate::config::ClipConfig;
use crate::domain::{ClassId, Dataset, DatasetWarning, Label, Split, Task, counted, serialize_path};
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Frames and clips of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassStatistics {
    /// Position among the classes, which is the network's output.
    pub index: usize,
    /// The number in the dataset's files, of a merged class that of its first; -1 is background.
    pub id: i64,
    /// What people read.
    pub name: String,
    /// Labelled frames that exist.
    pub frames: u64,
    /// Windows with this label; one of several classes counts once a class.
    pub clips: u64,
}

/// One split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SplitStatistics {
    /// Videos.
    pub videos: usize,
    /// Subjects; videos without one add none.
    pub subjects: usize,
    /// Windows with a class, at the training stride for training and videos of no split, else at the evaluation stride.
    pub clips: u64,
    /// Frames of its videos.
    pub frames: u64,
    /// Frames labelled as none of the classes.
    pub background_frames: u64,
    /// Frames nobody labelled.
    pub unlabelled_frames: u64,
    /// Per class, in class order.
    pub classes: Vec<ClassStatistics>,
}

/// Properties of one video that could be opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VideoProperties {
    /// File or frame folder.
    #[serde(serialize_with = "serialize_path")]
    pub path: PathBuf,
    /// Pixels in a row, rotation applied.
    pub width: u32,
    /// Rows, rotation applied.
    pub height: u32,
    /// Average frames a second.
    pub fps: f64,
    /// Frames that decode.
    pub frames: u32,
    /// Seconds.
    pub duration_s: f64,
    /// Short codec name.
    pub codec: String,
    /// Who is in it; empty when unknown.
    pub subject: String,
    /// The split it belongs to.
    pub split: Split,
}

/// The report of `inspect`; serialises to its JSON keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Id of the format.
    pub format: String,
    /// Folder or file.
    #[serde(serialize_with = "serialize_path")]
    pub path: PathBuf,
    /// Subjects in all.
    pub subjects: usize,
    /// Videos in all.
    pub videos: usize,
    /// Per class over all splits.
    pub classes: Vec<ClassStatistics>,
    /// Splits that have videos, by name.
    #[serde(serialize_with = "by_name")]
    pub splits: Vec<(Split, SplitStatistics)>,
    /// What the owner should know.
    pub warnings: Vec<DatasetWarning>,
    /// The videos that could be opened.
    pub video_properties: Vec<VideoProperties>,
    /// Changes with files, labels and splits.
    pub fingerprint: String,
}

fn by_name<S: Serializer>(splits: &[(Split, SplitStatistics)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(splits.iter().map(|(split, s)| (split.name(), s)))
}

/// Counts a dataset. With `background`, background frames and windows count as a class of their own (number -1).
pub fn statistics(dataset: &Dataset, clip: &ClipConfig, background: bool) -> Statistics {
    let splits: Vec<(Split, SplitStatistics)> = [Split::Train, Split::Val, Split::Test, Split::Unassigned]
        .into_iter()
        .filter(|split| dataset.videos.iter().any(|v| v.split == *split))
        .map(|split| (split, split_statistics(dataset, clip, background, split)))
        .collect();
    let mut classes = empty_classes(dataset, background);
    for (_, split) in &splits {
        for (all, part) in classes.iter_mut().zip(&split.classes) {
            all.frames += part.frames;
            all.clips += part.clips;
        }
    }
    let properties = |v: &crate::domain::VideoEntry| {
        let f = v.facts.as_ref()?;
        Some(VideoProperties {
            path: v.path.clone(),
            width: f.width,
            height: f.height,
            fps: f.fps,
            frames: f.frames,
            duration_s: f.duration_s,
            codec: f.codec.clone(),
            subject: v.subject.clone(),
            split: v.split,
        })
    };
    Statistics {
        format: dataset.format.clone(),
        path: dataset.root.clone(),
        subjects: subjects(dataset, |_| true),
        videos: dataset.videos.len(),
        classes,
        splits,
        warnings: dataset.warnings.clone(),
        video_properties: dataset.videos.iter().filter_map(properties).collect(),
        fingerprint: dataset.fingerprint.clone(),
    }
}

fn subjects(dataset: &Dataset, keep: impl Fn(Split) -> bool) -> usize {
    let names: BTreeSet<&str> = dataset.videos.iter().filter(|v| keep(v.split)).map(|v| v.subject.as_str()).collect();
    names.iter().filter(|n| !n.is_empty()).count()
}

fn empty_classes(dataset: &Dataset, background: bool) -> Vec<ClassStatistics> {
    let own = dataset.classes.classes.iter().map(|c| (c.id, c.name.as_str()));
    let background = background.then_some((-1, "background"));
    let class = |(index, (id, name)): (usize, (i64, &str))| ClassStatistics {
        index,
        id,
        name: name.into(),
        ..ClassStatistics::default()
    };
    own.chain(background).enumerate().map(class).collect()
}

fn split_statistics(dataset: &Dataset, clip: &ClipConfig, background: bool, split: Split) -> SplitStatistics {
    let mut out = SplitStatistics {
        subjects: subjects(dataset, |s| s == split),
        classes: empty_classes(dataset, background),
        ..SplitStatistics::default()
    };
    let background_class: Option<ClassId> = background.then_some(dataset.classes.len());
    for video in dataset.videos.iter().filter(|v| v.split == split) {
        out.videos += 1;
        out.frames += u64::from(video.frames());
        for (label, frames) in video.frames_by_label() {
            let class = match label {
                Label::Class(c) => Some(c),
                Label::Background => {
                    out.background_frames += frames;
                    background_class
                }
            };
            if let Some(class) = class.and_then(|c| out.classes.get_mut(c)) {
                class.frames += frames;
            }
        }
        out.unlabelled_frames += u64::from(video.frames()).saturating_sub(video.labelled_frames());
    }
    let stride = match split {
        Split::Train | Split::Unassigned => clip.train_stride,
        Split::Val | Split::Test => clip.eval_stride,
    };
    let of_split = |i: usize| dataset.videos.get(i).is_some_and(|v| v.split == split);
    let clips = labelled_clips_of(dataset, clip, background_class, stride, of_split);
    out.clips = clips.len() as u64;
    let classes = dataset.classes.len() + 1;
    let counts = match dataset.task {
        Task::SingleLabel => class_counts(&clips, classes),
        Task::MultiLabel => ClassTargets::new(dataset, FrameRule::of(clip), background_class).counts(&clips, classes),
    };
    for (class, count) in out.classes.iter_mut().zip(counts) {
        class.clips = count;
    }
    out
}

impl Statistics {
    /// A split's numbers.
    pub fn split(&self, split: Split) -> Option<&SplitStatistics> {
        self.splits.iter().find(|(s, _)| *s == split).map(|(_, s)| s)
    }

    /// Tables as (file name, CSV text): `classes.csv`, `splits.csv`, `videos.csv`, `warnings.csv`.
    pub fn csv_tables(&self) -> Vec<(&'static str, String)> {
        let mut classes = table(&["split", "class_id", "class", "frames", "clips"]);
        let everything = [("all", &self.classes)];
        for (split, rows) in everything.into_iter().chain(self.splits.iter().map(|(s, p)| (s.name(), &p.classes))) {
            for c in rows {
                row(&mut classes, &[split, &c.id.to_string(), &c.name, &c.frames.to_string(), &c.clips.to_string()]);
            }
        }
        let mut splits =
            table(&["split", "subjects", "videos", "frames", "background_frames", "unlabelled_frames", "clips"]);
        for (split, s) in &self.splits {
            let numbers = [s.frames, s.background_frames, s.unlabelled_frames, s.clips].map(|n| n.to_string());
            let mut fields = vec![split.name().to_owned(), s.subjects.to_string(), s.videos.to_string()];
            fields.extend(numbers);
            row(&mut splits, &fields);
        }
        let mut videos =
            table(&["path", "subject", "split", "width", "height", "fps", "frames", "duration_s", "codec"]);
        for v in &self.video_properties {
            row(
                &mut videos,
                &[
                    v.path.display().to_string(),
                    v.subject.clone(),
                    v.split.name().to_owned(),
                    v.width.to_string(),
                    v.height.to_string(),
                    format!("{:.3}", v.fps),
                    v.frames.to_string(),
                    format!("{:.3}", v.duration_s),
                    v.codec.clone(),
                ],
            );
        }
        let mut warnings = table(&["path", "message"]);
        for w in &self.warnings {
            row(&mut warnings, &[w.path.display().to_string(), w.message.clone()]);
        }
        [("classes.csv", classes), ("splits.csv", splits), ("videos.csv", videos), ("warnings.csv", warnings)]
            .into_iter()
            .map(|(name, writer)| (name, text_of(writer)))
            .collect()
    }

    /// Writes [`Statistics::csv_tables`] into a folder, which is made if it is missing.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_csv(&self, dir: &Path) -> Result<Vec<PathBuf>, DataError> {
        let write = |path: &Path, text: &str| -> Result<(), DataError> {
            std::fs::write(path, text).map_err(|e| DataError::Write { path: path.to_path_buf(), reason: e.to_string() })
        };
        std::fs::create_dir_all(dir)
            .map_err(|e| DataError::Write { path: dir.to_path_buf(), reason: e.to_string() })?;
        let mut out = Vec::new();
        for (name, text) in self.csv_tables() {
            let path = dir.join(name);
            write(&path, &text)?;
            out.push(path);
        }
        Ok(out)
    }

    /// The report as text for people: splits, classes, video properties in short, warnings.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{}: format {}, {}, {}, {}",
            self.path.display(),
            self.format,
            counted(self.videos as u64, "video"),
            counted(self.subjects as u64, "subject"),
            counted(self.classes.len() as u64, "class")
        );
        let _ = writeln!(
            out,
            "\n{:<12}{:>9}{:>8}{:>10}{:>12}{:>8}",
            "split", "subjects", "videos", "frames", "background", "clips"
        );
        for (split, s) in &self.splits {
            let _ = writeln!(
                out,
                "{:<12}{:>9}{:>8}{:>10}{:>12}{:>8}",
                split.name(),
                s.subjects,
                s.videos,
                s.frames,
                s.background_frames,
                s.clips
            );
        }
        let width = self.classes.iter().map(|c| c.name.chars().count()).max().unwrap_or(0).clamp(8, 40) + 2;
        let _ = write!(out, "\n{:>5}{:>6}  {:<width$}{:>10}{:>8}", "index", "id", "class", "frames", "clips");
        for (split, _) in &self.splits {
            let _ = write!(out, "{:>26}", format!("{} frames/clips", split.name()));
        }
        let _ = writeln!(out);
        for (i, c) in self.classes.iter().enumerate() {
            let _ = write!(out, "{:>5}{:>6}  {:<width$}{:>10}{:>8}", c.index, c.id, c.name, c.frames, c.clips);
            for (_, s) in &self.splits {
                let cell = s.classes.get(i).map_or_else(String::new, |c| format!("{}/{}", c.frames, c.clips));
                let _ = write!(out, "{cell:>26}");
            }
            let _ = writeln!(out);
        }
        let _ = writeln!(out, "\n{}", self.properties_in_short());
        for w in &self.warnings {
            let _ = writeln!(out, "warning: {}: {}", w.path.display(), w.message);
        }
        out
    }

    /// Sizes, rates and codecs with the number of videos that have them, and the range of lengths.
    fn properties_in_short(&self) -> String {
        let counted = |key: &dyn Fn(&VideoProperties) -> String| {
            let mut counts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
            self.video_properties.iter().for_each(|v| *counts.entry(key(v)).or_default() += 1);
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            let more = if counts.len() > 5 { format!(", {} more", counts.len() - 5) } else { String::new() };
            counts.iter().take(5).map(|(k, n)| format!("{k} ({n})")).collect::<Vec<_>>().join(", ") + &more
        };
        let seconds: Vec<f64> = self.video_properties.iter().map(|v| v.duration_s).collect();
        let (low, high) = seconds.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), s| (low.min(*s), high.max(*s)));
        if seconds.is_empty() {
            return "no video could be opened".into();
        }
        format!(
            "size    {}\nrate    {}\ncodec   {}\nlength  {low:.1} s to {high:.1} s, {:.1} s in all",
            counted(&|v| format!("{}x{}", v.width, v.height)),
            counted(&|v| format!("{:.2} frames/s", v.fps)),
            counted(&|v| v.codec.clone()),
            seconds.iter().sum::<f64>()
        )
    }
}

fn table(header: &[&str]) -> csv::Writer<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    row(&mut writer, header);
    writer
}

/// Writing into memory fails only for rows of unequal length, which the tables above do not have.
fn row<S: AsRef<[u8]>>(writer: &mut csv::Writer<Vec<u8>>, fields: &[S]) {
    if let Err(e) = writer.write_record(fields) {
        log::error!("a table row was left out: {e}");
    }
}

fn text_of(writer: csv::Writer<Vec<u8>>) -> String {
    writer.into_inner().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

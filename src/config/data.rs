//! What a clip is, which clips there are, how they are changed and drawn.

use crate::domain::{ClipGeometry, FrameSampling, LabelMap, LabelRule};
use serde::{Deserialize, Serialize};

/// What a clip is and how it becomes numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClipConfig {
    /// Frames in a clip.
    pub length: u32,
    /// Video frames between two frames of a clip.
    pub step: u32,
    /// Pixels in a row of the network's input.
    pub width: u32,
    /// Rows of the network's input.
    pub height: u32,
    /// Pixels of the shorter side that frames are resized to, in their own shape, before the input is cut out of them; `None`
    /// resizes the whole picture to the input.
    pub resize: Option<u32>,
    /// Crops along the longer side of the picture whose probabilities are averaged when a clip is evaluated; 1 is the centre.
    pub crops: u8,
    /// Which clips are taken of a video, and which frames of its instance a clip takes.
    pub sampling: FrameSampling,
    /// Clips of an instance whose probabilities are averaged when it is evaluated.
    pub clips: u16,
    /// Video frames between the starts of two training clips.
    pub train_stride: u32,
    /// Video frames between the starts of two validation or test clips.
    pub eval_stride: u32,
    /// How frame labels become a clip label.
    pub label: LabelRule,
    /// Average over source pixels when shrinking; off matches OpenCV's bilinear resize.
    pub antialias: bool,
    /// Mean of R, G, B subtracted after scaling to 0…1.
    pub mean: [f32; 3],
    /// Standard deviation of R, G, B divided by.
    pub std: [f32; 3],
}

impl Default for ClipConfig {
    fn default() -> Self {
        Self {
            length: 16,
            step: 1,
            width: 112,
            height: 112,
            resize: None,
            crops: 1,
            sampling: FrameSampling::Windows,
            clips: 1,
            train_stride: 8,
            eval_stride: 16,
            label: LabelRule::Majority,
            antialias: false,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
        }
    }
}

impl ClipConfig {
    /// Most clips of an instance.
    pub const MOST_CLIPS: u16 = 100;
    /// Most crops of a picture.
    pub const MOST_CROPS: u8 = 3;
    /// Longest shorter side frames are resized to.
    pub const MOST_RESIZED: u32 = 4096;

    /// Length and step as one value.
    pub fn geometry(&self) -> ClipGeometry {
        ClipGeometry { length: self.length, step: self.step }
    }

    /// What is wrong with the values.
    pub(super) fn fault(&self) -> Option<String> {
        let fault = if self.length == 0 || self.step == 0 || self.width == 0 || self.height == 0 {
            "clip.length, clip.step, clip.width and clip.height must be at least 1"
        } else if self.length > 1024 || self.width > 4096 || self.height > 4096 {
            "clip.length may be at most 1024, clip.width and clip.height at most 4096"
        } else if self.train_stride == 0 || self.eval_stride == 0 {
            "clip.train_stride and clip.eval_stride must be at least 1"
        } else if !(1..=Self::MOST_CLIPS).contains(&self.clips) {
            "clip.clips must be between 1 and 100"
        } else if self.clips > 1 && self.sampling == FrameSampling::Windows {
            "clip.clips is the number of clips of an instance: with clip.sampling = Windows it must be 1, where \
             clip.eval_stride says how many there are"
        } else if !(1..=Self::MOST_CROPS).contains(&self.crops) {
            "clip.crops must be 1, 2 or 3"
        } else if self.crops > 1 && self.resize.is_none() {
            "clip.crops above 1 needs clip.resize: without it the whole picture is the input"
        } else if self.resize.is_some_and(|side| side == 0 || side > Self::MOST_RESIZED) {
            "clip.resize must be between 1 and 4096 pixels"
        } else if self.std.iter().any(|s| !s.is_finite() || *s <= 0.0) || self.mean.iter().any(|m| !m.is_finite()) {
            "clip.mean must be finite and clip.std above 0"
        } else {
            return None;
        };
        Some(fault.into())
    }
}

/// Where validation clips come from during training. Never from the test split unless asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Validation {
    /// The dataset's own validation split, or else a share of the training subjects (at least one).
    Subjects {
        /// Share of the training subjects, 0…1.
        fraction: f64,
    },
    /// The test split. Scores on it are then no longer independent, which every report says.
    TestSplit,
    /// No validation.
    Off,
}

/// Which parts of the dataset are used for what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Turn background frames into clips of an extra class `background`.
    pub background_class: bool,
    /// Regular expression whose first group is the subject, matched on the file name; `None` uses the built-in rules.
    pub subject_pattern: Option<String>,
    /// What becomes of the classes of the dataset. Older configurations give names by the number in its files.
    #[serde(alias = "class_names")]
    pub label_map: LabelMap,
    /// Where validation clips come from.
    pub validation: Validation,
    /// Share of subjects held out for testing when the dataset has no split of its own.
    pub test_fraction: f64,
    /// Use only this share of the training clips; 1 uses all.
    pub fraction: f64,
    /// Number of the fold that is read of a dataset with several official splits; `None` takes the first.
    pub fold: Option<u32>,
    /// Id of the format to read the dataset as; `None` recognises it.
    pub format: Option<String>,
    /// What the files of some formats leave open, as `key=value` (`class=noun`, `tiers=a,b`, `label_fps=25/1`).
    pub choices: Vec<(String, String)>,
    /// The columns of a table of another layout; `None` unless the format is `table`.
    pub table: Option<TableColumns>,
    /// The file of corrections that is laid over its labels, or `none`; `None` takes the file beside the dataset, where there is
    /// one.
    pub corrections: Option<String>,
}

/// Which columns of a table say what. Columns are called by their names, or by numbers from 1 where there is no header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableColumns {
    /// The file, relative to the dataset.
    pub file: String,
    /// Path of the video.
    pub path: String,
    /// Class name or number; without it the videos are unlabelled.
    pub class: Option<String>,
    /// Start of the part.
    pub start: Option<String>,
    /// End of the part.
    pub end: Option<String>,
    /// Who is in the video.
    pub subject: Option<String>,
    /// Part of the dataset: train, val or test.
    pub split: Option<String>,
    /// What start and end count.
    pub unit: TimeUnit,
    /// A part may show several classes at once: each has a row, or they stand in one cell with [`TableColumns::BETWEEN`] between
    /// them, which alone says that none is shown. Those of a whole video stand in one cell.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub several: bool,
}

/// What the times of a table count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeUnit {
    /// Nothing states it: seconds are assumed, and that is told.
    #[default]
    Unstated,
    /// Seconds from the first frame.
    Seconds,
    /// Milliseconds from the first frame.
    Milliseconds,
    /// Frames from 0, the end outside.
    Frames,
    /// Frames from 1, both ends inside.
    FramesFromOne,
}

impl TableColumns {
    /// What stands between the classes of a cell.
    pub const BETWEEN: char = '|';

    /// What is assigned, as [`TableColumns::parse`] reads it: `path=…,class=…`.
    pub fn assignments(&self) -> String {
        let columns = [
            ("path", Some(&self.path)),
            ("class", self.class.as_ref()),
            ("start", self.start.as_ref()),
            ("end", self.end.as_ref()),
            ("subject", self.subject.as_ref()),
            ("split", self.split.as_ref()),
        ];
        let assigned = columns.into_iter().filter_map(|(key, column)| Some(format!("{key}={}", column?)));
        assigned.chain(self.several.then(|| "several=yes".to_owned())).collect::<Vec<_>>().join(",")
    }

    /// From the words of the command line: a file, `path=…,class=…,start=…` (and `several=yes`), and a unit.
    ///
    /// # Errors
    /// An assignment or a unit that there is not, and columns without a path, in words.
    pub fn parse(file: &str, columns: &str, unit: Option<&str>) -> Result<Self, String> {
        let mut out = Self { file: file.to_owned(), ..Self::default() };
        const KNOWN: &str = "path, class, start, end, subject and split";
        for part in columns.split(',').filter(|p| !p.trim().is_empty()) {
            let Some((key, column)) = part.split_once('=') else {
                return Err(format!("'{part}' assigns nothing; write key=column, for instance path=file,class=label"));
            };
            let column = column.trim().to_owned();
            match key.trim() {
                "path" => out.path = column,
                "class" => out.class = Some(column),
                "start" => out.start = Some(column),
                "end" => out.end = Some(column),
                "subject" => out.subject = Some(column),
                "split" => out.split = Some(column),
                "several" => {
                    out.several = match column.as_str() {
                        "yes" => true,
                        "no" => false,
                        _ => {
                            return Err(format!(
                                "several is yes or no (whether a clip may show several classes), not '{column}'"
                            ));
                        }
                    }
                }
                other => return Err(format!("'{other}' is nothing that a column can say; it can say {KNOWN}")),
            }
        }
        if out.path.is_empty() {
            return Err(format!("no column is assigned to path; a column can say {KNOWN}"));
        }
        if let Some(unit) = unit {
            // Both spellings of frames that count from 0 are common.
            let name = if unit == "frames-0" { "frames" } else { unit };
            let found = TimeUnit::ALL.iter().find(|(_, n)| *n == name);
            out.unit = found
                .map(|(u, _)| *u)
                .ok_or_else(|| format!("'{unit}' is no unit; choose from s, ms, frames (or frames-0), frames-1"))?;
        }
        Ok(out)
    }
}

impl TimeUnit {
    /// Those that can be stated, with their names on the command line.
    pub const ALL: [(TimeUnit, &'static str); 4] = [
        (TimeUnit::Seconds, "s"),
        (TimeUnit::Milliseconds, "ms"),
        (TimeUnit::Frames, "frames"),
        (TimeUnit::FramesFromOne, "frames-1"),
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(unit, _)| *unit == self).map_or("s", |(_, name)| name)
    }
}

/// How rows of labels become labels of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelsConfig {
    /// Labels on few frames, such as one a second, hold until the next row; off leaves the frames between unlabelled.
    pub hold: bool,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            background_class: false,
            subject_pattern: None,
            label_map: LabelMap::default(),
            validation: Validation::Subjects { fraction: 0.2 },
            test_fraction: 0.3,
            fraction: 1.0,
            fold: None,
            format: None,
            choices: Vec::new(),
            table: None,
            corrections: None,
        }
    }
}

/// Strengths of colour jitter, each the half-width of a uniform factor around 1 (hue: shift in turns).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColorJitter {
    /// Factor 1 ± this on all channels.
    pub brightness: f32,
    /// Factor 1 ± this on the distance to the mean grey.
    pub contrast: f32,
    /// Factor 1 ± this on the distance to the pixel's grey.
    pub saturation: f32,
    /// Shift of ± this many turns of hue, 0…0.5.
    pub hue: f32,
}

/// A random crop of random size and shape, resized to the clip size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropConfig {
    /// Smallest and largest share of the picture's area.
    pub scale: (f32, f32),
    /// Smallest and largest width/height ratio relative to the picture's own.
    pub ratio: (f32, f32),
}

/// Random changes of training clips, drawn once a clip so that all frames agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Off leaves training clips as they are.
    pub enabled: bool,
    /// Probability of a horizontal flip.
    pub horizontal_flip: f32,
    /// Rotation is uniform in ± this many degrees.
    pub rotation_degrees: f32,
    /// Colour jitter.
    pub color_jitter: ColorJitter,
    /// Random resized crop; `None` uses the whole picture.
    pub crop: Option<CropConfig>,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            horizontal_flip: 0.5,
            rotation_degrees: 10.0,
            color_jitter: ColorJitter { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 },
            crop: None,
        }
    }
}

/// Which training clips an epoch draws.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// Sample clips with replacement, each class equally often; off shuffles all clips.
    pub weighted: bool,
    /// Clips drawn an epoch; `None` draws as many as there are.
    pub clips_per_epoch: Option<usize>,
}

impl DataConfig {
    /// What is wrong with the values.
    pub(super) fn fault(&self) -> Option<String> {
        for (name, v) in [("data.fraction", self.fraction), ("data.test_fraction", self.test_fraction)] {
            if !(v > 0.0 && v <= 1.0) {
                return Some(format!("{name} must be above 0 and at most 1"));
            }
        }
        if let Validation::Subjects { fraction } = self.validation
            && !(fraction > 0.0 && fraction < 1.0)
        {
            return Some("data.validation fraction must be between 0 and 1".into());
        }
        if self.table.as_ref().is_some_and(|t| t.path.trim().is_empty()) {
            return Some("data.table must say which column holds the paths of the videos (path)".into());
        }
        let pattern = self.subject_pattern.as_ref()?;
        match regex::Regex::new(pattern) {
            Ok(re) if re.captures_len() >= 2 => None,
            Ok(_) => Some(format!("data.subject_pattern '{pattern}' needs one group in parentheses")),
            Err(e) => Some(format!("data.subject_pattern '{pattern}' is not a regular expression: {e}")),
        }
    }
}

impl AugmentConfig {
    /// What is wrong with the values.
    pub(super) fn fault(&self) -> Option<String> {
        let sound = (0.0..=1.0).contains(&self.horizontal_flip);
        (!sound).then(|| "augment.horizontal_flip is a probability between 0 and 1".into())
    }
}

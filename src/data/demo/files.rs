//! The dataset's files: where they are and how each is written.

use super::DemoError;
use super::exercise::Exercise;
use super::script::Moment;
use super::studio::Joint2;
use crate::data::poses::COCO_JOINTS;
use crate::domain::{ClassInfo, ClassSet};
use image::ImageEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Paths below a dataset's root.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    root: PathBuf,
}

impl Paths {
    /// Makes the folders.
    pub fn create(root: &Path) -> Result<Paths, DemoError> {
        let paths = Paths { root: root.to_path_buf() };
        for folder in
            ["dataset/anon", "dataset/mask", "dataset/skeleton/yolo", "dataset/skeleton/yolo_pose_csv", "label"]
        {
            make_folder(&root.join(folder))?;
        }
        Ok(paths)
    }

    pub fn video(&self, subject: &str) -> PathBuf {
        self.root.join(format!("dataset/anon/{subject}.mp4"))
    }

    pub fn pose_video(&self, subject: &str) -> PathBuf {
        self.root.join(format!("dataset/skeleton/yolo/{subject}.mp4"))
    }

    pub fn poses(&self, subject: &str) -> PathBuf {
        self.root.join(format!("dataset/skeleton/yolo_pose_csv/{subject}.csv"))
    }

    pub fn masks(&self, subject: &str) -> PathBuf {
        self.root.join(format!("dataset/mask/{subject}"))
    }

    pub fn labels(&self, subject: &str) -> PathBuf {
        self.root.join(format!("label/{subject}.csv"))
    }
}

pub(super) fn make_folder(path: &Path) -> Result<(), DemoError> {
    fs::create_dir_all(path).map_err(|e| DemoError::io("make the folder", path, &e))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), DemoError> {
    fs::write(path, bytes).map_err(|e| DemoError::io("write", path, &e))
}

/// `split.csv`: one row a subject.
pub(super) fn split_csv(subjects: &[(String, &'static str)]) -> String {
    let mut out = String::from("subject,split\n");
    for (subject, split) in subjects {
        let _ = writeln!(out, "{subject},{split}");
    }
    out
}

/// The classes as `classes.ron` holds them.
pub(super) fn classes() -> ClassSet {
    let classes = Exercise::ALL.iter().map(|e| ClassInfo::numbered(e.id(), e.name())).collect();
    ClassSet { classes }
}

/// Adds a frame to a label file; `column1` is the repetition, `column2` the class or -1.
pub(super) fn label_row(out: &mut String, frame: u32, moment: &Moment) {
    let class = moment.exercise.map_or(-1, Exercise::id);
    let _ = writeln!(out, "{frame},{},{class}", moment.repetition);
}

pub(super) const LABEL_HEADER: &str = "frame_number,column1,column2\n";

/// The head line of a pose file.
pub(super) fn pose_header() -> String {
    let mut out = String::from("frame");
    for joint in COCO_JOINTS {
        let _ = write!(out, ",{joint}_x,{joint}_y,{joint}_conf");
    }
    out.push('\n');
    out
}

/// Adds a frame to a pose file, in pixels.
pub(super) fn pose_row(out: &mut String, frame: u32, joints: &[Joint2; 17]) {
    let _ = write!(out, "{frame}");
    for joint in joints {
        let _ = write!(out, ",{:.2},{:.2},{:.2}", joint.at.x, joint.at.y, joint.confidence);
    }
    out.push('\n');
}

/// Writes a mask as a grey PNG.
pub(super) fn write_mask(path: &Path, mask: &[u8], width: u32, height: u32) -> Result<(), DemoError> {
    let mut png = Vec::with_capacity(16 << 10);
    // As differences to the row above a mask is nearly all zeros, which this compressor is made for.
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Up)
        .write_image(mask, width, height, image::ExtendedColorType::L8)
        .map_err(|e| DemoError::Write { doing: "write", path: path.to_path_buf(), reason: e.to_string() })?;
    write(path, &png)
}

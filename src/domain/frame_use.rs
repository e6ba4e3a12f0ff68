//! What became of the frames of videos: how many at least one clip shows, why the others are in none, and where clips repeat
//! frames.

use super::{counted, grouped};
use serde::{Deserialize, Serialize};

/// Why a frame is in no clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoClip {
    /// Its picture is missing or damaged.
    MissingPicture,
    /// Nobody labelled it, or its class is left out or unknown.
    Unlabelled,
    /// It is background, and background is no class.
    Background,
    /// It lies between the frames that a clip takes.
    Skipped,
    /// Its clips are left out to use a share of them only.
    Fraction,
    /// Its clips are left out because other pictures of them are missing or damaged.
    BesideMissing,
    /// Its clips have no label by the rule of the configuration.
    NoLabel,
    /// No clip begins where it would reach it: a rest at the end, or between clips that lie apart.
    Remainder,
    /// Its video is in no part of the split.
    NoPart,
}

impl NoClip {
    /// All of them, in the order of tables.
    pub const ALL: [NoClip; 9] = [
        NoClip::MissingPicture,
        NoClip::Unlabelled,
        NoClip::Background,
        NoClip::Skipped,
        NoClip::Fraction,
        NoClip::BesideMissing,
        NoClip::NoLabel,
        NoClip::Remainder,
        NoClip::NoPart,
    ];

    /// The name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingPicture => "missing-picture",
            Self::Unlabelled => "unlabelled",
            Self::Background => "background",
            Self::Skipped => "skipped",
            Self::Fraction => "fraction",
            Self::BesideMissing => "beside-missing",
            Self::NoLabel => "no-label",
            Self::Remainder => "remainder",
            Self::NoPart => "no-part",
        }
    }

    /// The reason in words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::MissingPicture => "the picture is missing or damaged",
            Self::Unlabelled => "without a label that counts",
            Self::Background => "background, which is no class",
            Self::Skipped => "between the frames that a clip takes",
            Self::Fraction => "in clips that data.fraction leaves out",
            Self::BesideMissing => "in clips with missing or damaged pictures",
            Self::NoLabel => "in clips without a label by the rule",
            Self::Remainder => "where no clip reaches: rests at ends and between clips",
            Self::NoPart => "in videos that are in no part of the split",
        }
    }
}

/// Frames that are in no clip for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusedFrames {
    /// The reason.
    pub reason: NoClip,
    /// How many.
    pub frames: u64,
}

/// A part of a video that is shorter than a clip, so that its clips repeat frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortPart {
    /// Name of the video.
    pub video: String,
    /// First frame.
    pub start: u32,
    /// The frame behind the last.
    pub end: u32,
    /// Clips of it.
    pub clips: u64,
    /// Frames of these clips that repeat another one of the same clip.
    pub repeated: u64,
}

/// Parts that are shorter than a clip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortParts {
    /// Instances, or whole videos where windows slide over them.
    pub parts: u64,
    /// Their clips.
    pub clips: u64,
    /// Repeated frames of these clips.
    pub repeated_frames: u64,
    /// The parts one by one, those that repeat most first; reports of evaluations keep a few.
    pub list: Vec<ShortPart>,
}

/// What became of the frames of some videos: `frames = in_clips + in_none`, of which each reason is one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameUse {
    /// Videos.
    pub videos: u64,
    /// Their frames.
    pub frames: u64,
    /// Frames that at least one clip shows.
    pub in_clips: u64,
    /// The others by reason.
    pub in_none: Vec<UnusedFrames>,
    /// Instances that are shorter than a clip.
    pub short: ShortParts,
}

impl FrameUse {
    /// Frames that are in no clip.
    pub fn unused(&self) -> u64 {
        self.in_none.iter().map(|u| u.frames).sum()
    }

    /// Frames that are in no clip for this reason.
    pub fn unused_for(&self, reason: NoClip) -> u64 {
        self.in_none.iter().filter(|u| u.reason == reason).map(|u| u.frames).sum()
    }

    /// What it says in sentences: the sum, and the instances that are shorter than a clip.
    pub fn sentences(&self) -> Vec<String> {
        let mut out = vec![format!(
            "{} of {}: {} in clips, {} in none",
            counted(self.frames, "frame"),
            counted(self.videos, "video"),
            grouped(self.in_clips),
            grouped(self.unused())
        )];
        let short = &self.short;
        if short.parts > 0 {
            out.push(format!(
                "{} shorter than a clip: {} repeat {}",
                counted(short.parts, "instance"),
                counted(short.clips, "clip"),
                counted(short.repeated_frames, "frame")
            ));
        }
        out
    }
}

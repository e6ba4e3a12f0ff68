//! Records one subject: films every frame and writes its files.

use super::actor::Actor;
use super::files::{self, Paths};
use super::paint::{Canvas, Ink, ellipse, ink, line};
use super::script::Script;
use super::studio::{Joint2, Studio};
use super::{DemoError, FPS, SIZE, Tally};
use crate::video::VideoWriter;
use rand_chacha::ChaCha8Rng;

/// Frames between two looks at the monitor.
const REPORT_EVERY: u32 = 15;

/// One subject's video, planned.
pub(super) struct Take<'a> {
    pub subject: String,
    pub actor: &'a Actor,
    pub script: Script,
    /// Random numbers for the place.
    pub scenery: ChaCha8Rng,
    pub pose_video: bool,
}

/// Makes all files of one subject.
pub(super) fn record(paths: &Paths, mut take: Take<'_>, tally: &Tally<'_>) -> Result<(), DemoError> {
    tally.add(0)?;
    let (width, height) = SIZE;
    let masks = paths.masks(&take.subject);
    files::make_folder(&masks)?;
    let Some(mut studio) = Studio::new(take.actor, width, height, &mut take.scenery) else {
        return Err(DemoError::Options(format!("pictures of {width} x {height} pixels")));
    };
    let mut video = VideoWriter::create(&paths.video(&take.subject), width, height, f64::from(FPS))?;
    let mut pose_video = match take.pose_video {
        true => Some(PoseVideo::create(paths, &take.subject)?),
        false => None,
    };
    let mut labels = String::from(files::LABEL_HEADER);
    let mut poses = files::pose_header();
    for frame in 0..take.script.frames() {
        studio.shoot(&take.script, frame);
        video.push_pixels(width, height, &studio.picture)?;
        files::write_mask(&masks.join(format!("{frame:06}.png")), &studio.mask, width, height)?;
        files::label_row(&mut labels, frame, &take.script.at(frame));
        files::pose_row(&mut poses, frame, &studio.joints);
        if let Some(pose_video) = &mut pose_video {
            pose_video.push(&studio.picture, &studio.joints)?;
        }
        if (frame + 1) % REPORT_EVERY == 0 {
            tally.add(u64::from(REPORT_EVERY))?;
        }
    }
    video.finish()?;
    if let Some(pose_video) = pose_video {
        pose_video.writer.finish()?;
    }
    files::write(&paths.labels(&take.subject), labels.as_bytes())?;
    files::write(&paths.poses(&take.subject), poses.as_bytes())?;
    tally.add(u64::from(take.script.frames() % REPORT_EVERY))
}

/// The video with the pose drawn in, at half size and dimmed, so that the pose stands out and costs little.
struct PoseVideo {
    writer: VideoWriter,
    canvas: Canvas,
    rgb: Vec<u8>,
}

/// Half the picture, both sides even as H.264 wants them.
const POSE_SIZE: (u32, u32) = (SIZE.0 / 4 * 2, SIZE.1 / 4 * 2);

/// Joints connected by a bone, with the colour of the body part.
const BONES: [(usize, usize, Ink); 16] = {
    const LEFT: Ink = ink(0x4fc3f7);
    const RIGHT: Ink = ink(0xffb74d);
    const TRUNK: Ink = ink(0xb9f6ca);
    const HEAD: Ink = ink(0xf48fb1);
    [
        (5, 6, TRUNK),
        (11, 12, TRUNK),
        (5, 11, TRUNK),
        (6, 12, TRUNK),
        (5, 7, LEFT),
        (7, 9, LEFT),
        (11, 13, LEFT),
        (13, 15, LEFT),
        (6, 8, RIGHT),
        (8, 10, RIGHT),
        (12, 14, RIGHT),
        (14, 16, RIGHT),
        (0, 1, HEAD),
        (0, 2, HEAD),
        (1, 3, HEAD),
        (2, 4, HEAD),
    ]
};

impl PoseVideo {
    fn create(paths: &Paths, subject: &str) -> Result<PoseVideo, DemoError> {
        let (width, height) = POSE_SIZE;
        let writer = VideoWriter::create(&paths.pose_video(subject), width, height, f64::from(FPS))?;
        let canvas = Canvas::new(width, height)
            .ok_or_else(|| DemoError::Options(format!("pictures of {width} x {height} pixels")))?;
        Ok(PoseVideo { writer, canvas, rgb: Vec::new() })
    }

    fn push(&mut self, picture: &[u8], joints: &[Joint2; 17]) -> Result<(), DemoError> {
        crate::simd::arch().dispatch(Halve { picture, out: self.canvas.pixmap.data_mut() });
        for (a, b, ink) in BONES {
            let ends = [joints[a].at.times(0.5), joints[b].at.times(0.5)];
            self.canvas.stroke(line(&ends), 2.6, ink);
        }
        for joint in joints {
            let r = if joint.confidence > 0.5 { 2.4 } else { 1.4 };
            self.canvas.fill(ellipse(joint.at.times(0.5), r, r), ink(0xffffff));
        }
        let rgba = self.canvas.pixmap.data();
        self.rgb.resize(rgba.len() / 4 * 3, 0);
        for (px, rgb) in rgba.chunks_exact(4).zip(self.rgb.chunks_exact_mut(3)) {
            rgb.copy_from_slice(&px[..3]);
        }
        let (width, height) = POSE_SIZE;
        Ok(self.writer.push_pixels(width, height, &self.rgb)?)
    }
}

/// [`halve`], compiled once more for each kind of processor.
struct Halve<'a> {
    picture: &'a [u8],
    out: &'a mut [u8],
}

impl pulp::WithSimd for Halve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        halve(self.picture, self.out);
    }
}

/// Averages 2 x 2 pixels of an RGB picture of [`SIZE`] into an RGBA one of [`POSE_SIZE`], at half brightness.
#[inline(always)]
fn halve(picture: &[u8], out: &mut [u8]) {
    let stride = SIZE.0 as usize * 3;
    let rows = picture.chunks_exact(2 * stride);
    for (two, out) in rows.zip(out.chunks_exact_mut(POSE_SIZE.0 as usize * 4)) {
        let (a, b) = two.split_at(stride);
        for ((a, b), out) in a.chunks_exact(6).zip(b.chunks_exact(6)).zip(out.chunks_exact_mut(4)) {
            for c in 0..3 {
                let sum = u16::from(a[c]) + u16::from(a[c + 3]) + u16::from(b[c]) + u16::from(b[c + 3]);
                out[c] = (sum / 8) as u8;
            }
            out[3] = 255;
        }
    }
}

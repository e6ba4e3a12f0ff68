//! What happens in a video, frame by frame: exercises in random order with rests between them.

use super::FPS;
use super::actor::Actor;
use super::exercise::{Exercise, Rest};
use super::geometry::smooth;
use super::pose::Pose;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Frames over which one activity flows into the next; they belong to the rest.
const BLEND: u32 = 9;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Exercise { exercise: Exercise, first_phase: f32, frames_per_turn: f32 },
    Rest(Rest),
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    start: u32,
    end: u32,
    act: Act,
    /// Signed view angle; negative is the mirror image.
    yaw: f32,
}

/// What one frame shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub pose: Pose,
    pub yaw: f32,
    /// The class, or `None` for background.
    pub exercise: Option<Exercise>,
    /// Repetition within the exercise, from 1; 0 while resting.
    pub repetition: u32,
}

/// The plan of one video.
#[derive(Clone, Debug)]
pub(super) struct Script {
    beats: Vec<Beat>,
    amplitude: f32,
}

impl Script {
    /// Draws a plan in which every exercise comes once for `exercise_frames` frames.
    pub fn draw(actor: &Actor, exercise_frames: u32, rest_frames: u32, rng: &mut ChaCha8Rng) -> Script {
        let mut order = Exercise::ALL;
        order.shuffle(rng);
        // One view a motion: both of a reversed pair are seen from the same side, so that
        // nothing but the order of time tells them apart.
        let views: Vec<f32> = Exercise::ALL
            .iter()
            .map(|e| {
                let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
                (e.yaw() + actor.yaw_shift) * side
            })
            .collect();
        let mut beats = Vec::new();
        let mut now = 0;
        let mut push = |beats: &mut Vec<Beat>, frames: u32, act: Act, yaw: f32| {
            beats.push(Beat { start: now, end: now + frames, act, yaw });
            now += frames;
        };
        let mut rests = rests(order.len() + 1, rng);
        for exercise in order {
            let rest = rests.pop().unwrap_or(Rest::Stand);
            push(&mut beats, rest_length(rest, rest_frames, rng), Act::Rest(rest), rng.random_range(-0.5..0.5));
            let yaw = views[exercise.forward() as usize];
            let act = Act::Exercise {
                exercise,
                first_phase: rng.random_range(0.0..1.0),
                frames_per_turn: exercise.period_s() * FPS / actor.tempo,
            };
            push(&mut beats, exercise_frames, act, yaw);
        }
        let rest = rests.pop().unwrap_or(Rest::Stand);
        push(&mut beats, rest_length(rest, rest_frames, rng), Act::Rest(rest), rng.random_range(-0.5..0.5));
        Script { beats, amplitude: actor.amplitude }
    }

    /// Frames of the video.
    pub fn frames(&self) -> u32 {
        self.beats.last().map_or(0, |b| b.end)
    }

    /// What frame `frame` shows.
    pub fn at(&self, frame: u32) -> Moment {
        let i = self.beats.partition_point(|b| b.end <= frame).min(self.beats.len().saturating_sub(1));
        let Some(beat) = self.beats.get(i) else {
            return Moment { pose: Pose::standing(), yaw: 0.0, exercise: None, repetition: 0 };
        };
        let mut pose = self.pose(beat, frame as f32);
        let mut yaw = beat.yaw;
        if let Act::Exercise { exercise, first_phase, frames_per_turn } = beat.act {
            let turns = first_phase + (frame - beat.start) as f32 / frames_per_turn;
            let repetition = turns as u32 + 1;
            return Moment { pose, yaw, exercise: Some(exercise), repetition };
        }
        // A rest begins in the motion before it and ends in the motion after it.
        if let Some(before) = i.checked_sub(1).and_then(|j| self.beats.get(j)) {
            let t = smooth((frame - beat.start + 1) as f32 / (BLEND + 1) as f32);
            pose = self.pose(before, frame as f32).mix(&pose, t);
            yaw = before.yaw + (yaw - before.yaw) * t;
        }
        if let Some(after) = self.beats.get(i + 1) {
            let t = smooth((beat.end - frame) as f32 / (BLEND + 1) as f32);
            pose = self.pose(after, frame as f32).mix(&pose, t);
            yaw = after.yaw + (yaw - after.yaw) * t;
        }
        Moment { pose, yaw, exercise: None, repetition: 0 }
    }

    /// The pose of a beat at any frame, also a little before and after it.
    fn pose(&self, beat: &Beat, frame: f32) -> Pose {
        let since = frame - beat.start as f32;
        match beat.act {
            Act::Exercise { exercise, first_phase, frames_per_turn } => {
                let phase = (first_phase + since / frames_per_turn).rem_euclid(1.0);
                let pose = exercise.pose(phase, self.amplitude);
                // Seen from the other side everything is mirrored, the leading leg too.
                if beat.yaw < 0.0 { pose.mirrored() } else { pose }
            }
            Act::Rest(rest) => rest.pose(since / FPS, (beat.end - beat.start) as f32 / FPS),
        }
    }
}

/// Enough rests in random order, each kind about equally often.
fn rests(n: usize, rng: &mut ChaCha8Rng) -> Vec<Rest> {
    let mut all: Vec<Rest> = Rest::ALL.into_iter().cycle().take(n).collect();
    all.shuffle(rng);
    all
}

/// Frames of a rest: about `usual`, more where there is something to see.
fn rest_length(rest: Rest, usual: u32, rng: &mut ChaCha8Rng) -> u32 {
    let factor: f32 = match rest {
        Rest::Drink => 1.5,
        Rest::Walk | Rest::LookAround => 1.1,
        Rest::Stand | Rest::Shake => 0.8,
    };
    let frames = usual as f32 * factor * rng.random_range(0.85..1.15);
    (frames as u32).max(2 * BLEND + 2)
}

//! How the joints of a person stand and move.

use super::motion::{PARTS, part};
use crate::domain::{Keypoint, PoseTrack};

/// Joint angles and speeds of a clip, for each third of its time: the mean cosine and sine of the angle between every two
/// bones that meet in a joint, then the mean step of every joint to the right, downwards and by length, in heights of the
/// person per frame of the clip. `numbers` are the clip's frames in the video. Frames in which a joint was not seen do not
/// count for it; without any its numbers are 0. The length depends on the skeleton alone.
pub fn pose_features(track: &PoseTrack, numbers: &[u32]) -> Vec<f32> {
    let frames: Vec<&[Keypoint]> =
        numbers.iter().map(|n| track.frames.get(*n as usize).map_or(&[][..], Vec::as_slice)).collect();
    let angles = angles(&track.skeleton.bones);
    let height = person_height(&frames);
    let mut out = Vec::new();
    let of_part = |wanted: usize, count: usize| (0..count).filter(move |i| part(*i, count, PARTS) == wanted);
    for third in 0..PARTS {
        for [a, joint, b] in &angles {
            let turns = of_part(third, frames.len()).filter_map(|t| angle(frames.get(t)?, [*a, *joint, *b]));
            out.extend(mean(turns));
        }
        for joint in 0..track.skeleton.joints.len() {
            let steps = of_part(third, frames.len().saturating_sub(1)).filter_map(|t| {
                let (from, to) = (seen(frames.get(t)?, joint)?, seen(frames.get(t + 1)?, joint)?);
                let (dx, dy) = ((to.0 - from.0) / height?, (to.1 - from.1) / height?);
                Some([dx, dy, dx.hypot(dy)])
            });
            out.extend(mean(steps));
        }
    }
    out
}

/// Every two bones that share a joint, as the joints `[end, shared, end]`.
fn angles(bones: &[(usize, usize)]) -> Vec<[usize; 3]> {
    let mut out = Vec::new();
    for (i, first) in bones.iter().enumerate() {
        for second in bones.iter().skip(i + 1) {
            for ((a, joint), (other, b)) in [
                (*first, *second),
                (*first, (second.1, second.0)),
                ((first.1, first.0), *second),
                ((first.1, first.0), (second.1, second.0)),
            ] {
                if joint == other {
                    out.push([a, joint, b]);
                }
            }
        }
    }
    out
}

fn seen(joints: &[Keypoint], joint: usize) -> Option<(f32, f32)> {
    joints.get(joint).filter(|k| k.confidence > 0.0).map(|k| (k.x, k.y))
}

/// Cosine and sine of the angle at the middle one of three joints; `None` where one is not seen or two coincide.
fn angle(joints: &[Keypoint], [a, joint, b]: [usize; 3]) -> Option<[f32; 2]> {
    let (a, at, b) = (seen(joints, a)?, seen(joints, joint)?, seen(joints, b)?);
    let (u, v) = ((a.0 - at.0, a.1 - at.1), (b.0 - at.0, b.1 - at.1));
    let lengths = u.0.hypot(u.1) * v.0.hypot(v.1);
    let (dot, cross) = (u.0 * v.0 + u.1 * v.1, u.0 * v.1 - u.1 * v.0);
    (lengths > 0.0).then(|| [dot / lengths, cross / lengths])
}

/// The height of a person: the mean over frames of the diagonal of the box around the joints seen; `None` without any.
fn person_height(frames: &[&[Keypoint]]) -> Option<f32> {
    let diagonal = |joints: &&[Keypoint]| {
        let mut places = joints.iter().filter(|k| k.confidence > 0.0).map(|k| (k.x, k.y));
        let first = places.next()?;
        let (low, high) = places.fold((first, first), |(low, high), p| {
            ((low.0.min(p.0), low.1.min(p.1)), (high.0.max(p.0), high.1.max(p.1)))
        });
        Some([(high.0 - low.0).hypot(high.1 - low.1)])
    };
    let [height] = mean(frames.iter().filter_map(diagonal));
    (height > 0.0).then_some(height)
}

/// The mean of each place; 0 without any.
fn mean<const N: usize>(values: impl Iterator<Item = [f32; N]>) -> [f32; N] {
    let (sum, count) = values.fold(([0.0_f64; N], 0_u32), |(mut sum, n), value| {
        sum.iter_mut().zip(value).for_each(|(s, v)| *s += f64::from(v));
        (sum, n + 1)
    });
    sum.map(|s| (s / f64::from(count.max(1))) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Skeleton;

    #[test]
    fn angles_and_steps_by_hand() {
        // An arm with a right angle at the elbow, whose hand rises by 5 pixels in the second of two steps.
        let point = |x, y| Keypoint { x, y, confidence: 1.0 };
        let arm = |hand: f32| vec![point(0.0, 0.0), point(30.0, 0.0), point(30.0, hand)];
        let skeleton =
            Skeleton { joints: ["shoulder", "elbow", "hand"].map(str::to_owned).to_vec(), bones: vec![(0, 1), (1, 2)] };
        let track = PoseTrack { skeleton, frames: vec![arm(40.0), arm(40.0), arm(35.0), Vec::new()] };
        let found = pose_features(&track, &[0, 1, 2]);
        assert_eq!(found.len(), 3 * (2 + 9));
        let height = (2.0 * 50.0 + (30.0_f32 * 30.0 + 35.0 * 35.0).sqrt()) / 3.0;
        for third in 0..3 {
            let part = &found[third * 11..];
            // From the shoulder's direction, to the left, a quarter turn against the clock of the picture.
            assert!(part[0].abs() < 1e-6 && (part[1] + 1.0).abs() < 1e-6, "{third}: {part:?}");
        }
        // Two steps lie in the first and the second third.
        assert_eq!(found[2..11], [0.0; 9]);
        let hand = &found[11 + 8..11 + 11];
        assert!((hand[1] + 5.0 / height).abs() < 1e-6 && (hand[2] - 5.0 / height).abs() < 1e-6, "{hand:?}");
        // Nobody is seen in the last frame, and nowhere past the end.
        assert_eq!(pose_features(&track, &[3, 4, 5]), [0.0; 33]);
    }

    #[test]
    fn every_two_bones_that_meet_make_an_angle() {
        assert_eq!(angles(&[(0, 1), (2, 1), (1, 3), (4, 5)]), [[0, 1, 2], [0, 1, 3], [2, 1, 3]]);
    }
}

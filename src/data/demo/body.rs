//! From a posture to joints in space: proportions, and forward and inverse kinematics.

use super::geometry::{Frame3, V3, reach, v3};
use super::pose::Pose;

/// Proportions of a person in body heights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build {
    /// Half the distance between the shoulder joints.
    pub shoulders: f32,
    /// Half the width of the waist.
    pub waist: f32,
    /// Half the width of the hips (flesh, not joints).
    pub hips: f32,
    /// Thickness of limbs relative to normal.
    pub bulk: f32,
    /// Size of the head relative to normal.
    pub head: f32,
}

/// Length of the upper arm, the forearm, the thigh and the shin.
pub(super) const UPPER_ARM: f32 = 0.162;
pub(super) const FOREARM: f32 = 0.14;
pub(super) const THIGH: f32 = 0.235;
pub(super) const SHIN: f32 = 0.222;
/// Heights of the hip joints and ankles when standing.
const HIP: f32 = 0.497;
const ANKLE: f32 = 0.043;
/// Half the distance between the hip joints.
const HIP_JOINT: f32 = 0.052;
/// From the hip joints to the base of the neck.
const TRUNK: f32 = 0.315;
/// From the base of the neck to the middle of the head.
const NECK: f32 = 0.092;
/// Radius of the ball, in body heights.
pub(super) const BALL_RADIUS: f32 = 0.066;

/// Where everything is. Arrays hold the figure's left side first. The origin is on the floor between the feet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joints {
    pub pelvis: V3,
    pub pelvis_frame: Frame3,
    pub waist: V3,
    pub waist_frame: Frame3,
    pub neck: V3,
    pub chest_frame: Frame3,
    pub head: V3,
    pub head_frame: Frame3,
    pub shoulders: [V3; 2],
    pub elbows: [V3; 2],
    pub wrists: [V3; 2],
    pub hips: [V3; 2],
    pub knees: [V3; 2],
    pub ankles: [V3; 2],
    pub heels: [V3; 2],
    pub toes: [V3; 2],
    /// Between the hands.
    pub grip: V3,
}

/// Puts a body into a posture, turned by `yaw` (see [`Frame3::facing`]).
pub(super) fn solve(build: &Build, pose: &Pose, yaw: f32) -> Joints {
    let ground = Frame3::facing(yaw);
    let ankles = [0, 1].map(|side| {
        let foot = &pose.feet[side];
        // Rising on the toes lifts the ankle.
        let rise = 0.085 * foot.pitch.clamp(0.0, 1.2).sin();
        let out = (HIP_JOINT + foot.at.x) * sign(side);
        ground.at(v3(out, ANKLE + foot.at.y + rise, foot.at.z))
    });
    let pelvis = pelvis_within_reach(ground, pose, &ankles);
    let pelvis_frame = ground.rotated(0.35 * pose.lean.clamp(-0.3, 1.0), 0.15 * pose.bend, 0.25 * pose.twist);
    let hips = [0, 1].map(|side| pelvis + pelvis_frame.left * (HIP_JOINT * sign(side)));
    let mut knees = [V3::default(); 2];
    let mut heels = [V3::default(); 2];
    let mut toes = [V3::default(); 2];
    let mut placed = ankles;
    for side in 0..2 {
        let foot = &pose.feet[side];
        let turned = ground.rotated(0.0, 0.0, foot.turn * sign(side));
        let pole = turned.forward + V3::UP * 0.05;
        (knees[side], placed[side]) = reach(hips[side], ankles[side], THIGH, SHIN, pole);
        let sole = turned.rotated(foot.pitch, 0.0, 0.0);
        heels[side] = placed[side] - sole.forward * 0.026 - sole.up * 0.024;
        toes[side] = placed[side] + sole.forward * 0.088 - sole.up * 0.03;
    }

    let waist_frame = ground.rotated(0.6 * pose.lean, 0.5 * pose.bend, 0.5 * pose.twist);
    let chest_frame = ground.rotated(pose.lean, pose.bend, pose.twist);
    let waist = pelvis + waist_frame.up * (TRUNK * 0.42);
    let neck = waist + chest_frame.up * (TRUNK * 0.58);
    let head_frame = ground.rotated(0.85 * pose.lean + pose.nod, 0.8 * pose.bend, pose.twist + pose.look);
    let head = neck + chest_frame.up * 0.035 + head_frame.up * (NECK - 0.035) + head_frame.forward * 0.012;

    let mut shoulders = [V3::default(); 2];
    let mut elbows = [V3::default(); 2];
    let mut wrists = [V3::default(); 2];
    let arm = UPPER_ARM + FOREARM;
    for side in 0..2 {
        let outward = |v: V3| chest_frame.at(v3(v.x * sign(side), v.y, v.z));
        // A raised arm lifts its shoulder.
        let shrug = 0.02 * pose.hands[side].y.clamp(0.0, 1.0);
        shoulders[side] = neck + outward(v3(build.shoulders - 0.014 - 0.4 * shrug, shrug - 0.042, 0.0));
        let target = shoulders[side] + outward(pose.hands[side]) * arm;
        (elbows[side], wrists[side]) = reach(shoulders[side], target, UPPER_ARM, FOREARM, outward(pose.elbows[side]));
    }
    let palms = [0, 1].map(|s| wrists[s] + (wrists[s] - elbows[s]).unit() * 0.028);
    Joints {
        pelvis,
        pelvis_frame,
        waist,
        waist_frame,
        neck,
        chest_frame,
        head,
        head_frame,
        shoulders,
        elbows,
        wrists,
        hips,
        knees,
        ankles: placed,
        heels,
        toes,
        grip: palms[0].mix(palms[1], 0.5),
    }
}

/// +1 for the figure's left side (index 0), -1 for its right.
fn sign(side: usize) -> f32 {
    if side == 0 { 1.0 } else { -1.0 }
}

/// The pelvis where the pose wants it, lowered as far as needed for both legs to reach their feet.
fn pelvis_within_reach(ground: Frame3, pose: &Pose, ankles: &[V3; 2]) -> V3 {
    let mut pelvis = ground.at(v3(pose.pelvis.x, HIP + pose.pelvis.y, pose.pelvis.z));
    let leg = (THIGH + SHIN) * 0.996;
    for (side, ankle) in ankles.iter().enumerate() {
        let hip = pelvis + ground.left * (HIP_JOINT * sign(side));
        let flat = v3(hip.x - ankle.x, 0.0, hip.z - ankle.z).length();
        let highest = ankle.y + (leg * leg - flat * flat).max(0.0).sqrt();
        pelvis.y = pelvis.y.min(highest);
    }
    pelvis
}

#[cfg(test)]
mod tests {
    use super::super::exercise::Exercise;
    use super::*;

    const BUILD: Build = Build { shoulders: 0.11, waist: 0.08, hips: 0.095, bulk: 1.0, head: 1.0 };

    #[test]
    fn bones_keep_their_length_and_planted_feet_stay() {
        for exercise in Exercise::ALL {
            for i in 0..40 {
                let pose = exercise.pose(i as f32 / 40.0, 1.1);
                let j = solve(&BUILD, &pose, 0.6);
                for side in 0..2 {
                    let bone = |a: V3, b: V3, want: f32| ((b - a).length() - want).abs() < 2e-3;
                    assert!(bone(j.shoulders[side], j.elbows[side], UPPER_ARM), "{exercise:?} {i}");
                    assert!(bone(j.elbows[side], j.wrists[side], FOREARM), "{exercise:?} {i}");
                    assert!(bone(j.hips[side], j.knees[side], THIGH), "{exercise:?} {i}");
                    assert!(bone(j.knees[side], j.ankles[side], SHIN), "{exercise:?} {i}");
                    let wanted = Frame3::facing(0.6).at(v3(
                        (HIP_JOINT + pose.feet[side].at.x) * sign(side),
                        0.0,
                        pose.feet[side].at.z,
                    ));
                    let slip = v3(j.ankles[side].x - wanted.x, 0.0, j.ankles[side].z - wanted.z).length();
                    assert!(slip < 0.012, "{exercise:?} {i}: foot slips {slip}");
                }
            }
        }
    }
}

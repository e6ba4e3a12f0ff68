//! Pose keypoints beside the videos.

use super::DataError;
use super::label_csv::{read_bytes, separator};
use crate::domain::{Keypoint, PoseTrack, Skeleton, VideoEntry};
use regex::Regex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// Joints of the COCO keypoint task, in its order (Lin et al. 2014).
pub(super) const COCO_JOINTS: [&str; 17] = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
];

const COCO_BONES: [(usize, usize); 16] = [
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 4),
    (5, 6),
    (5, 7),
    (7, 9),
    (6, 8),
    (8, 10),
    (5, 11),
    (6, 12),
    (11, 12),
    (11, 13),
    (13, 15),
    (12, 14),
    (14, 16),
];

/// Frames above this are not believed where the video's length is unknown.
const MAX_FRAMES: u32 = 1_000_000;

/// The 17 joints of COCO and the bones between them.
pub fn coco_skeleton() -> Skeleton {
    Skeleton { joints: COCO_JOINTS.map(str::to_owned).to_vec(), bones: COCO_BONES.to_vec() }
}

/// Where the numbers of one joint stand in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct JointColumns {
    x: Option<usize>,
    y: Option<usize>,
    confidence: Option<usize>,
}

/// How a pose file is laid out.
struct Columns {
    frame: usize,
    skeleton: Skeleton,
    joints: Vec<JointColumns>,
}

/// The poses of a video, in pixels of the stored frame; an empty track when the dataset has none. Frames in which several
/// people were found keep the most certain one. Coordinates that all lie in 0…1 are shares of the picture and are scaled.
///
/// # Errors
/// When the file cannot be read or its columns mean nothing.
pub fn load_poses(entry: &VideoEntry) -> Result<PoseTrack, DataError> {
    let Some(path) = &entry.poses else { return Ok(PoseTrack::default()) };
    let bytes = read_bytes(path)?;
    let mut lines = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|l| !l.is_empty()).peekable();
    let Some(first) = lines.peek() else {
        return Err(DataError::Read { path: path.clone(), reason: "it is empty; make the poses again".into() });
    };
    let sep = separator(first);
    let fields = |line: &[u8]| -> Vec<String> {
        line.split(|b| *b == sep)
            .map(|f| String::from_utf8_lossy(f).trim().trim_matches('"').trim().to_owned())
            .collect()
    };
    let head = fields(first);
    let has_header = head.first().is_some_and(|f| f.parse::<f32>().is_err());
    let columns = if has_header { by_name(&head).or_else(|| by_position(head.len())) } else { by_position(head.len()) };
    let columns = columns.ok_or_else(|| unknown_columns(path, &head))?;
    if has_header {
        lines.next();
    }
    let limit = if entry.frames() > 0 { entry.frames() } else { MAX_FRAMES };
    let mut people: BTreeMap<u32, Vec<Keypoint>> = BTreeMap::new();
    for line in lines {
        let row: Vec<f32> = fields(line).iter().map(|f| f.parse().unwrap_or(f32::NAN)).collect();
        let Some(frame) = row.get(columns.frame).filter(|f| **f >= 0.0 && **f <= limit as f32) else { continue };
        let joints: Vec<Keypoint> = columns.joints.iter().map(|c| keypoint(&row, c)).collect();
        let certain = |j: &[Keypoint]| j.iter().map(|k| k.confidence).sum::<f32>();
        let slot = people.entry(*frame as u32).or_default();
        if slot.is_empty() || certain(&joints) > certain(slot) {
            *slot = joints;
        }
    }
    Ok(PoseTrack { skeleton: columns.skeleton, frames: by_frame(people, entry, limit) })
}

/// Puts poses where their frames are, counting from 0, and scales shares of the picture to pixels.
fn by_frame(people: BTreeMap<u32, Vec<Keypoint>>, entry: &VideoEntry, limit: u32) -> Vec<Vec<Keypoint>> {
    let (first, last) = (people.keys().next().copied(), people.keys().next_back().copied());
    // A file that runs from 1 to the number of frames counts from 1.
    let shift = u32::from(first.is_some_and(|f| f >= 1) && last == Some(entry.frames()) && entry.frames() > 0);
    let length = last.map_or(0, |l| (l + 1 - shift).min(limit));
    let size = entry.facts.as_ref().map(|f| (f.width as f32, f.height as f32)).filter(|(w, h)| *w > 4.0 && *h > 4.0);
    let shares = people.values().flatten().filter(|k| k.confidence > 0.0).all(|k| k.x.abs() <= 1.5 && k.y.abs() <= 1.5);
    let scale = size.filter(|_| shares).unwrap_or((1.0, 1.0));
    let mut frames = vec![Vec::new(); length as usize];
    for (frame, mut joints) in people {
        for joint in &mut joints {
            joint.x *= scale.0;
            joint.y *= scale.1;
        }
        if let Some(slot) = frame.checked_sub(shift).and_then(|f| frames.get_mut(f as usize)) {
            *slot = joints;
        }
    }
    frames
}

fn keypoint(row: &[f32], columns: &JointColumns) -> Keypoint {
    let value = |column: Option<usize>| column.and_then(|c| row.get(c)).copied().filter(|v| v.is_finite());
    match (value(columns.x), value(columns.y)) {
        (Some(x), Some(y)) => {
            // Without a column for it, detectors write 0,0 for what they did not see.
            let seen = if x == 0.0 && y == 0.0 { 0.0 } else { 1.0 };
            let confidence = if columns.confidence.is_some() { value(columns.confidence).unwrap_or(0.0) } else { seen };
            Keypoint { x, y, confidence: confidence.clamp(0.0, 1.0) }
        }
        _ => Keypoint { x: 0.0, y: 0.0, confidence: 0.0 },
    }
}

fn unknown_columns(path: &Path, head: &[String]) -> DataError {
    let shown = head.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
    DataError::Read {
        path: path.to_path_buf(),
        reason: format!(
            "its columns ({shown}, …) are not poses; write frame, then x, y, confidence of each joint, or name the columns \
             nose_x, nose_y, nose_conf, …"
        ),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    X,
    Y,
    Confidence,
}

fn axis(word: &str) -> Axis {
    match word {
        "x" => Axis::X,
        "y" => Axis::Y,
        _ => Axis::Confidence,
    }
}

/// `nose_x`, `x_nose`, `kp3_conf`, `x3` → joint and axis.
fn joint_and_axis(name: &str) -> Option<(String, Axis)> {
    static RULES: OnceLock<Option<(Regex, Regex)>> = OnceLock::new();
    let rules = RULES.get_or_init(|| {
        let word = "x|y|c|v|p|s|conf|confidence|score|visibility|likelihood|prob|probability";
        let after = Regex::new(&format!(r"^(.*[^_\-. ])[_\-. ]+({word})$")).ok()?;
        let before = Regex::new(&format!(r"^({word})[_\-. ]*(\d+|[a-z].*)$")).ok()?;
        Some((after, before))
    });
    let (after, before) = rules.as_ref()?;
    let name = name.to_lowercase();
    if let Some(m) = after.captures(&name) {
        return Some((joint_name(m.get(1)?.as_str()), axis(m.get(2)?.as_str())));
    }
    let m = before.captures(&name)?;
    let (word, joint) = (m.get(1)?.as_str(), m.get(2)?.as_str());
    // `class` or `person` are no joints: a one-letter word needs a separator or a number behind it.
    let glued = name.len() == word.len() + joint.len();
    (!glued || joint.bytes().all(|b| b.is_ascii_digit())).then(|| (joint_name(joint), axis(word)))
}

/// One spelling for a joint: `LShoulder`, `l-shoulder` → `left_shoulder`; `kpt_3`, `joint3` → `3`.
fn joint_name(text: &str) -> String {
    let text = text.replace(['-', '.', ' '], "_");
    let number: String = text.chars().skip_while(|c| !c.is_ascii_digit()).collect();
    let word = text[..text.len() - number.len()].trim_matches('_');
    if !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && matches!(word, "" | "kp" | "kpt" | "keypoint" | "joint" | "point" | "j" | "k")
    {
        return number.trim_start_matches('0').to_owned();
    }
    for (short, long) in [("l_", "left_"), ("r_", "right_")] {
        if let Some(rest) = text.strip_prefix(short) {
            return format!("{long}{rest}");
        }
    }
    for (side, long) in [('l', "left_"), ('r', "right_")] {
        if let Some(rest) = text.strip_prefix(side)
            && COCO_JOINTS.contains(&format!("{long}{rest}").as_str())
        {
            return format!("{long}{rest}");
        }
    }
    text
}

/// The layout a header describes.
fn by_name(head: &[String]) -> Option<Columns> {
    let frame = head
        .iter()
        .position(|h| {
            matches!(h.to_lowercase().as_str(), "frame" | "frame_number" | "frame_id" | "frame_index" | "index")
        })
        .unwrap_or(0);
    let mut joints: Vec<(String, JointColumns)> = Vec::new();
    for (i, name) in head.iter().enumerate().filter(|(i, _)| *i != frame) {
        let Some((joint, axis)) = joint_and_axis(name) else { continue };
        let at = joints.iter().position(|(j, _)| *j == joint).unwrap_or_else(|| {
            joints.push((joint, JointColumns::default()));
            joints.len() - 1
        });
        if let Some((_, columns)) = joints.get_mut(at) {
            match axis {
                Axis::X => columns.x = Some(i),
                Axis::Y => columns.y = Some(i),
                Axis::Confidence => columns.confidence = Some(i),
            }
        }
    }
    joints.retain(|(_, c)| c.x.is_some() && c.y.is_some());
    let named = joints.iter().any(|(j, _)| COCO_JOINTS.contains(&j.as_str()));
    if named {
        // Boxes are often written as x1, y1, x2, y2 beside named joints.
        joints.retain(|(j, _)| !j.bytes().all(|b| b.is_ascii_digit()));
    }
    if joints.is_empty() {
        return None;
    }
    if joints.iter().all(|(j, _)| COCO_JOINTS.contains(&j.as_str())) {
        let columns = COCO_JOINTS.map(|name| joints.iter().find(|(j, _)| j == name).map(|(_, c)| c.clone()));
        let joints = columns.into_iter().map(Option::unwrap_or_default).collect();
        return Some(Columns { frame, skeleton: coco_skeleton(), joints });
    }
    let (names, columns): (Vec<String>, Vec<JointColumns>) = joints.into_iter().unzip();
    Some(Columns { frame, skeleton: skeleton_of(names), joints: columns })
}

/// The layout of unnamed columns: frame, perhaps a person number, then triples or pairs.
fn by_position(columns: usize) -> Option<Columns> {
    let rest = columns.checked_sub(1)?;
    let (start, width) = match rest {
        0 | 1 => return None,
        34 => (1, 2),
        35 => (2, 2),
        n if n % 3 == 0 => (1, 3),
        n if (n - 1) % 3 == 0 => (2, 3),
        n if n % 2 == 0 => (1, 2),
        _ => return None,
    };
    let count = (columns - start) / width;
    let joints = (0..count)
        .map(|j| {
            let at = start + j * width;
            JointColumns { x: Some(at), y: Some(at + 1), confidence: (width == 3).then_some(at + 2) }
        })
        .collect();
    Some(Columns { frame: 0, skeleton: skeleton_of((0..count).map(|j| j.to_string()).collect()), joints })
}

/// COCO's skeleton for 17 numbered joints; else the joints with the bones COCO knows between them.
fn skeleton_of(names: Vec<String>) -> Skeleton {
    if names.len() == 17 && names.iter().all(|n| n.bytes().all(|b| b.is_ascii_digit())) {
        return coco_skeleton();
    }
    let at = |i: usize| names.iter().position(|n| n == COCO_JOINTS[i]);
    let bones = COCO_BONES.iter().filter_map(|(a, b)| Some((at(*a)?, at(*b)?))).collect();
    Skeleton { joints: names, bones }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LabelTrack, Split, VideoFacts};

    fn entry(text: &str, frames: u32) -> (tempfile::NamedTempFile, VideoEntry) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let entry = VideoEntry {
            path: "v.mp4".into(),
            name: "v.mp4".into(),
            subject: String::new(),
            split: Split::Unassigned,
            labels: LabelTrack::default(),
            instances: Vec::new(),
            masks: None,
            poses: Some(file.path().to_path_buf()),
            pose_video: None,
            stated_rate: None,
            facts: Some(VideoFacts { width: 200, height: 100, frames, ..VideoFacts::default() }),
            unread: None,
        };
        (file, entry)
    }

    #[test]
    fn unnamed_triples_are_coco_joints() {
        let row = |f: u32, x: f32| {
            let joints: Vec<String> = (0..17).map(|j| format!("{},{},0.9", x + j as f32, 50.0)).collect();
            format!("{f},{}\n", joints.join(","))
        };
        let (_keep, e) = entry(&(row(0, 10.0) + &row(2, 30.0)), 3);
        let track = load_poses(&e).unwrap();
        assert_eq!(track.skeleton, coco_skeleton());
        assert_eq!(track.frames.len(), 3);
        assert!(track.frames[1].is_empty());
        assert_eq!(track.frames[2][4], Keypoint { x: 34.0, y: 50.0, confidence: 0.9 });
    }

    #[test]
    fn named_columns_in_any_order_and_shares_of_the_picture() {
        let text = "frame_number,person_id,left_wrist_y,left_wrist_x,left_wrist_conf,nose_x,nose_y,nose_conf,x1,y1,x2,y2\n\
                    0,0,0.5,0.25,0.8,0.1,0.2,0.7,0,0,1,1\n0,1,0.5,0.75,0.9,0.6,0.2,0.9,0,0,1,1\n";
        let (_keep, e) = entry(text, 1);
        let track = load_poses(&e).unwrap();
        assert_eq!(track.skeleton, coco_skeleton());
        let frame = &track.frames[0];
        assert_eq!((frame[9].x, frame[9].y, frame[9].confidence), (150.0, 50.0, 0.9), "the more certain person");
        assert_eq!(frame[1].confidence, 0.0, "a joint without columns is not seen");
    }

    #[test]
    fn files_that_count_from_one_are_moved() {
        let text = "frame,x_hand,y_hand\n1,10,20\n2,11,21\n3,0,0\n";
        let (_keep, e) = entry(text, 3);
        let track = load_poses(&e).unwrap();
        assert_eq!(track.skeleton.joints, ["hand"]);
        assert_eq!(track.frames.len(), 3);
        assert_eq!(track.frames[0][0], Keypoint { x: 10.0, y: 20.0, confidence: 1.0 });
        assert_eq!(track.frames[2][0].confidence, 0.0);
    }

    #[test]
    fn what_is_no_pose_file_says_so() {
        let (_keep, e) = entry("frame,class\n0,1\n", 1);
        let message = load_poses(&e).unwrap_err().to_string();
        assert!(message.contains("nose_x") && message.contains("frame, class"), "{message}");
    }
}

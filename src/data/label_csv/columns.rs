//! What the columns of label files and split lists are called. One vocabulary for all of them; a column that has another
//! name means nothing here.

use super::numbers::number;
use super::records::{Record, Table};
use std::collections::BTreeMap;

/// What the numbers of a column of times count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Unit {
    Frames,
    Seconds,
    Milliseconds,
    /// The name does not tell.
    Unknown,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Role {
    /// A video; the lower the number, the more surely.
    Path(u8),
    /// The id of a video on YouTube, as Kinetics writes it.
    YoutubeId,
    /// A class by number or name; the lower the number, the more surely.
    Class(u8),
    /// A class by name, beside [`Role::ClassId`].
    ClassName,
    /// A class by number.
    ClassId,
    Subject,
    Split,
    Frame,
    /// The time of one moment.
    Time(Unit),
    Start(Unit),
    /// The end of an interval; whether it lies inside, where the name tells.
    Stop(Unit, Option<bool>),
}

const PATHS: &[&str] = &[
    "clippath",
    "videopath",
    "path",
    "filepath",
    "file",
    "filename",
    "video",
    "videofile",
    "videofilename",
    "videoname",
    "clip",
    "clipname",
    "clipfile",
    "relativepath",
    "relpath",
    "imagepath",
    "image",
    "imagename",
    "framefolder",
    "framespath",
    "videoid",
    "clipid",
    "vidname",
];
/// The first is preferred where a table has several.
const CLASSES: &[&str] = &[
    "class",
    "label",
    "category",
    "action",
    "target",
    "tag",
    "activity",
    "behavior",
    "behaviour",
    "gesture",
    "exercise",
    "groundtruth",
    "column2",
];
const NAMED: &[&str] = &["name", "text", "title", "label", "class"];
const NUMBERED: &[&str] = &["id", "idx", "index", "number", "no", "nr", "num", "code"];
const SUBJECTS: &[&str] =
    &["subject", "subjectid", "person", "personid", "participant", "participantid", "actor", "actorid", "performer"];
const SPLITS: &[&str] = &["split", "set", "subset", "partition", "usage", "group", "fold"];
const FRAMES: &[&str] =
    &["frame", "framenumber", "frameid", "frameindex", "frameidx", "frameno", "framenr", "framenum"];
const STARTS: &[&str] = &["start", "begin", "onset", "from", "first"];
const STOPS: &[&str] = &["stop", "end", "offset", "to", "last", "finish"];
/// Words beside a start or a stop that change nothing.
const FILLERS: &[&str] =
    &["index", "idx", "number", "no", "nr", "num", "id", "of", "the", "action", "segment", "video", "clip", "label"];

/// Lower-case words of a name: `Start Frame`, `start_frame`, `startFrame` and `StartFrame` are the same.
fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in name.chars() {
        let begins = !last.is_alphanumeric() || (c.is_uppercase() && last.is_lowercase());
        match out.last_mut() {
            _ if !c.is_alphanumeric() => {}
            Some(word) if !begins => word.extend(c.to_lowercase()),
            _ => out.push(c.to_lowercase().collect()),
        }
        last = c;
    }
    out
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "frame" | "frames" | "f" => Unit::Frames,
        "time" | "timestamp" | "t" | "s" | "sec" | "secs" | "second" | "seconds" => Unit::Seconds,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => Unit::Milliseconds,
        _ => return None,
    })
}

/// The unit of several words: `time_ms` counts milliseconds.
fn units(words: &[&str]) -> Option<Unit> {
    let mut found = None;
    for word in words.iter().filter(|w| !FILLERS.contains(w)) {
        let unit = unit(word)?;
        found = Some(match (found, unit) {
            (None, u) | (Some(Unit::Seconds), u) => u,
            (Some(u), Unit::Seconds) => u,
            (Some(u), other) if u == other => u,
            _ => return None,
        });
    }
    Some(found.unwrap_or(Unit::Unknown))
}

/// The start or stop that a name tells, also where it is one word such as `startframe`.
fn bound(words: &[String]) -> Option<Role> {
    let mut rest: Vec<&str> = Vec::new();
    let mut start = None;
    let mut inside = None;
    for word in words {
        match word.as_str() {
            w if STARTS.contains(&w) && start.is_none() => start = Some(true),
            w if STOPS.contains(&w) && start.is_none() => start = Some(false),
            "inclusive" | "incl" => inside = Some(true),
            "exclusive" | "excl" => inside = Some(false),
            w => rest.push(w),
        }
    }
    if start.is_none() {
        // One word: what stands before or behind a start or stop must be a unit.
        let [word] = rest.as_slice() else { return None };
        let part = |known: &'static [&'static str]| {
            known
                .iter()
                .find_map(|k| word.strip_prefix(k).or_else(|| word.strip_suffix(k)).filter(|r| unit(r).is_some()))
        };
        let (is_start, other) = match (part(STARTS), part(STOPS)) {
            (Some(r), _) => (true, r),
            (None, r) => (false, r?),
        };
        (start, rest) = (Some(is_start), vec![other]);
    }
    let unit = units(&rest)?;
    // `first` and `to` alone may mean anything.
    let weak = words.iter().any(|w| matches!(w.as_str(), "from" | "to" | "first" | "last" | "offset"));
    if unit == Unit::Unknown && weak {
        return None;
    }
    Some(if start? { Role::Start(unit) } else { Role::Stop(unit, inside) })
}

/// What a column of this name holds, where the vocabulary knows it.
pub(in crate::data) fn role(name: &str) -> Option<Role> {
    let words = words(name);
    let joined = words.concat();
    let at = |known: &[&str]| known.iter().position(|k| *k == joined).and_then(|i| u8::try_from(i).ok());
    if let Some(rank) = at(PATHS) {
        return Some(Role::Path(rank));
    }
    if let Some(rank) = at(CLASSES) {
        return Some(Role::Class(rank));
    }
    if joined == "youtubeid" || joined == "ytid" {
        return Some(Role::YoutubeId);
    }
    let beside =
        |suffixes: &[&str]| CLASSES.iter().any(|c| joined.strip_prefix(c).is_some_and(|rest| suffixes.contains(&rest)));
    if beside(NUMBERED) {
        return Some(Role::ClassId);
    }
    if beside(NAMED) {
        return Some(Role::ClassName);
    }
    if at(SUBJECTS).is_some() {
        return Some(Role::Subject);
    }
    if at(SPLITS).is_some() {
        return Some(Role::Split);
    }
    if at(FRAMES).is_some() {
        return Some(Role::Frame);
    }
    if let Some(bound) = bound(&words) {
        return Some(bound);
    }
    let parts: Vec<&str> = words.iter().map(String::as_str).collect();
    match units(&parts) {
        Some(u @ (Unit::Seconds | Unit::Milliseconds)) if !parts.iter().any(|p| FILLERS.contains(p)) => {
            Some(Role::Time(u))
        }
        _ => ["timems", "timestampms"].contains(&joined.as_str()).then_some(Role::Time(Unit::Milliseconds)),
    }
}

/// The first row of a table, where it names its columns.
#[derive(Clone, Debug, Default)]
pub(in crate::data) struct Header {
    names: Vec<String>,
    roles: Vec<Option<Role>>,
}

impl Header {
    /// Takes a row as a header.
    pub(in crate::data) fn of(record: &Record) -> Self {
        Self { names: record.cells.clone(), roles: record.cells.iter().map(|c| role(c)).collect() }
    }

    /// True when a first row names columns: none of its cells is a number, a path or a time.
    pub(in crate::data) fn is(record: &Record, decimal_comma: bool) -> bool {
        record.cells.iter().all(|c| number(c, decimal_comma).is_none())
            && (record.cells.iter().any(|c| role(c).is_some()) || !record.cells.iter().any(|c| looks_like_a_path(c)))
    }

    /// The names as written, for sentences.
    pub(in crate::data) fn shown(&self) -> String {
        let name = |n: &String| if n.is_empty() { "(unnamed)".to_owned() } else { n.clone() };
        self.names.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// The names as written.
    pub(in crate::data) fn names(&self) -> &[String] {
        &self.names
    }

    /// The column whose role `rank` knows with the lowest value.
    pub(in crate::data) fn best(&self, rank: impl Fn(Role) -> Option<u8>) -> Option<usize> {
        let ranked = self.roles.iter().enumerate().filter_map(|(i, r)| Some((rank((*r)?)?, i)));
        ranked.min().map(|(_, i)| i)
    }

    /// The first column of a role.
    pub(in crate::data) fn find(&self, wanted: impl Fn(Role) -> bool) -> Option<usize> {
        self.best(|r| wanted(r).then_some(0))
    }

    /// The role of a column.
    pub(in crate::data) fn role(&self, at: usize) -> Option<Role> {
        self.roles.get(at).copied().flatten()
    }

    /// The column of paths.
    pub(in crate::data) fn path(&self) -> Option<usize> {
        self.best(|r| if let Role::Path(rank) = r { Some(rank) } else { None })
    }

    /// The columns of classes: what tells classes apart, and the name or number beside it.
    pub(in crate::data) fn class(&self) -> Option<ClassColumns> {
        let generic: Vec<usize> =
            (0..self.roles.len()).filter(|i| matches!(self.role(*i), Some(Role::Class(_)))).collect();
        let id = self.find(|r| r == Role::ClassId);
        let name = self.find(|r| r == Role::ClassName);
        let best = self.best(|r| if let Role::Class(rank) = r { Some(rank) } else { None });
        let others: Vec<usize> = generic.into_iter().filter(|i| Some(*i) != best).collect();
        Some(match (best, name, id) {
            (Some(class), name, id) => ClassColumns { class, beside: name.or(id), others },
            (None, Some(class), id) => ClassColumns { class, beside: id, others },
            (None, None, id) => ClassColumns { class: id?, beside: None, others },
        })
    }

    /// The columns of an interval.
    pub(in crate::data) fn interval(&self) -> Option<(usize, usize)> {
        let of = |unit: &dyn Fn(Unit) -> bool| {
            let start = self.find(|r| matches!(r, Role::Start(u) if unit(u)))?;
            let stop = self.find(|r| matches!(r, Role::Stop(u, _) if unit(u)))?;
            Some((start, stop))
        };
        // Frames are exact where a table has both.
        of(&|u| u == Unit::Frames)
            .or_else(|| of(&|u| matches!(u, Unit::Seconds | Unit::Milliseconds)))
            .or_else(|| of(&|u| u == Unit::Unknown))
    }
}

/// Where the classes of a table stand.
#[derive(Clone, Debug)]
pub(in crate::data) struct ClassColumns {
    /// The column that counts.
    pub(in crate::data) class: usize,
    /// Names for its numbers, or numbers for its names.
    pub(in crate::data) beside: Option<usize>,
    /// Further columns that may mean classes.
    pub(in crate::data) others: Vec<usize>,
}

/// Refuses a second column that may mean the class and does not say the same of every row.
///
/// # Errors
/// The line where they part, and both columns.
pub(in crate::data) fn require_one_class(header: &Header, columns: &ClassColumns, table: &Table) -> Result<(), String> {
    for other in &columns.others {
        let mut there: BTreeMap<&str, &str> = BTreeMap::new();
        let mut back: BTreeMap<&str, &str> = BTreeMap::new();
        for row in table.records.iter().skip(1) {
            let (a, b) = (row.cell(columns.class), row.cell(*other));
            if *there.entry(a).or_insert(b) != b || *back.entry(b).or_insert(a) != a {
                let name = |at: usize| header.names().get(at).map_or("", String::as_str);
                return Err(format!(
                    "line {}: the columns '{}' and '{}' may both mean the class and do not agree; rename the one that \
                     does not",
                    row.line,
                    name(columns.class),
                    name(*other)
                ));
            }
        }
    }
    Ok(())
}

/// True for what is a file or a path rather than the name of a column.
fn looks_like_a_path(cell: &str) -> bool {
    let path = std::path::Path::new(cell);
    cell.contains(['/', '\\']) || crate::data::scan::is_video(path) || crate::data::scan::is_image(path)
}

/// The names of columns that frame labels may have.
pub(in crate::data) const LABEL_COLUMNS: &str = "'frame' (or 'frame_number'), 'time' (seconds), or 'start_frame' and \
     'stop_frame' (or 'start_s' and 'stop_s'), and 'class' (or 'label', 'action', 'category', 'activity', 'target')";
/// The names of columns that lists of videos may have.
pub(in crate::data) const LIST_COLUMNS: &str = "'path' (or 'clip_path', 'video_path', 'video', 'file', 'filename') and \
     'class' (or 'class_name', 'label', 'category', 'action', 'activity', 'target', 'tag')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_vocabulary_in_every_spelling() {
        use Unit::*;
        for (names, wanted) in [
            (&["frame", "Frame Number", "frame_number", "frameIndex", "#frame", "FRAME_ID"][..], Role::Frame),
            (&["class_id", "Label ID", "labelIdx", "action_index"], Role::ClassId),
            (&["class_name", "action name", "ActionLabel", "category_name"], Role::ClassName),
            (
                &["start_frame", "Start Frame", "startFrame", "startframe", "frame_start", "first_frame"],
                Role::Start(Frames),
            ),
            (&["stop_frame", "end_frame", "EndFrame", "last_frame", "frame_end"], Role::Stop(Frames, None)),
            (&["end_frame_exclusive", "stop frame (exclusive)"], Role::Stop(Frames, Some(false))),
            (
                &["start_s", "Start (s)", "start_time", "time_start", "t_start", "start_sec", "from_s"],
                Role::Start(Seconds),
            ),
            (&["end_time", "Stop (s)", "stop_seconds", "time_end", "offset_s"], Role::Stop(Seconds, None)),
            (&["start_ms", "Start (ms)", "start_time_ms"], Role::Start(Milliseconds)),
            (&["start", "Begin", "onset"], Role::Start(Unknown)),
            (&["time", "Time (s)", "time_s", "timestamp", "seconds"], Role::Time(Seconds)),
            (&["time_ms", "Timestamp (ms)"], Role::Time(Milliseconds)),
            (&["Subject", "subject_id", "person"], Role::Subject),
        ] {
            for name in names {
                assert_eq!(role(name), Some(wanted), "{name}");
            }
        }
        for name in
            ["", "walk", "subject_age", "frames", "classes", "column1", "confidence", "last", "to", "x", "scene"]
        {
            assert_eq!(role(name), None, "{name}");
        }
        for (name, path) in [("Clip_Path", true), ("fileName", true), ("video", true), ("name", false)] {
            assert_eq!(matches!(role(name), Some(Role::Path(_))), path, "{name}");
        }
    }

    #[test]
    fn the_surest_column_counts() {
        let header = |cells: &[&str]| {
            Header::of(&Record { line: 1, cells: cells.iter().map(|c| (*c).to_owned()).collect(), ..Record::default() })
        };
        assert_eq!(header(&["clip_name", "clip_path", "label"]).path(), Some(1));
        let both = header(&["frame", "label", "label_name"]).class().unwrap();
        assert_eq!((both.class, both.beside, both.others.len()), (1, Some(2), 0));
        let two = header(&["action", "class"]).class().unwrap();
        assert_eq!((two.class, two.others.as_slice()), (1, &[0][..]));
        assert_eq!(header(&["start", "end", "start_frame", "end_frame"]).interval(), Some((2, 3)));
        assert_eq!(header(&["video", "frame", "subject_id", "action"]).class().unwrap().class, 3);
    }
}

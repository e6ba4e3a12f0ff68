//! Labels with their corrections as files: in the layout of the dataset where that is a label a frame, else as a table.

use crate::config::{TableColumns, TimeUnit};
use crate::data::DataError;
use crate::data::label_csv::BACKGROUND_ID;
use crate::data::scan::{file_name, stem};
use crate::domain::{
    ClassSet, Dataset, Instance, InstanceLabel, Label, LabelTrack, Task, VideoEntry, counted, name_text,
};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The table, where the layout of a dataset is not a label a frame.
const TABLE: &str = "labels.csv";
/// Folders of label files of the two layouts that have one a frame.
const LABELS: &str = "label";
const SEGMENTATION: &str = "groundTruth";
/// What a frame is called that nobody labelled, where every line is a label.
const NOBODY: &str = "unlabelled";

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelFiles {
    /// The files.
    pub files: Vec<PathBuf>,
    /// The folder that takes the place of one of the dataset, where that is its layout.
    pub folder: Option<&'static str>,
    /// The table with its columns, elsewhere.
    pub table: Option<TableColumns>,
    /// What the files cannot say as the dataset does.
    pub notes: Vec<String>,
}

/// True for the name of a file or folder that [`write_labels`] makes.
pub fn is_label_output(name: &str) -> bool {
    [TABLE, LABELS, SEGMENTATION].contains(&name)
}

/// Writes the labels of a dataset, corrections among them, to a folder: all of its label files where it has one of frames a video
/// (exercise recordings, frame-wise segmentation), else a table of annotations in frames.
///
/// # Errors
/// A dataset that was read with a label map, one that nobody looked into as a whole, and files that cannot be written.
pub fn write_labels(dataset: &Dataset, out: &Path) -> Result<LabelFiles, DataError> {
    let refuse = |reason: &str| DataError::Read { path: dataset.root.clone(), reason: reason.to_owned() };
    if dataset.mapped.is_some() {
        return Err(refuse("its labels are written in classes of its files; open it without a label map"));
    }
    super::super::look::require_known(dataset, |_| true)?;
    let single = dataset.task == Task::SingleLabel;
    match dataset.format.as_str() {
        "exercise" if single => per_frame(dataset, out, LABELS),
        "frame-labels" if single => per_frame(dataset, out, SEGMENTATION),
        _ => table(dataset, out),
    }
}

fn save(path: PathBuf, text: &str, out: &mut LabelFiles) -> Result<(), DataError> {
    let told = |e: std::io::Error| DataError::Write { path: path.clone(), reason: e.to_string() };
    std::fs::create_dir_all(crate::files::folder_of(&path)).map_err(told)?;
    crate::files::replace(&path, text.as_bytes()).map_err(told)?;
    out.files.push(path);
    Ok(())
}

/// A label file a video.
fn per_frame(dataset: &Dataset, out: &Path, folder: &'static str) -> Result<LabelFiles, DataError> {
    let files: Vec<Option<String>> = dataset.videos.iter().map(|v| label_file(dataset, v)).collect();
    let mut used: HashMap<&str, usize> = HashMap::new();
    files.iter().flatten().for_each(|name| *used.entry(name).or_default() += 1);
    let mut exported = LabelFiles { folder: Some(folder), ..LabelFiles::default() };
    let rows = folder == LABELS;
    for (video, file) in dataset.videos.iter().zip(&files) {
        if video.labels.is_empty() || video.frames() == 0 {
            continue;
        }
        let ending = if rows { "csv" } else { "txt" };
        // A file that several videos share has the labels of each before it is corrected.
        let own = file.as_ref().filter(|name| used.get(name.as_str()) == Some(&1));
        let name = own.cloned().unwrap_or_else(|| format!("{}.{ending}", stem(&video.path)));
        let text = if rows {
            frame_rows(video, &dataset.classes, &second_column(dataset, video))
        } else {
            frame_names(video, &dataset.classes)
        };
        save(out.join(folder).join(name), &text, &mut exported)?;
    }
    let chosen = dataset.choices.iter().any(|c| c.key == "label_fps" && !c.value.is_empty());
    if chosen && !rows {
        exported.notes.push("the files have a label a frame: read them without the choice label_fps".into());
    }
    Ok(exported)
}

/// The annotations of a video as its files have them.
fn source_of<'a>(dataset: &'a Dataset, video: &'a VideoEntry) -> &'a [Instance] {
    let known = dataset.corrections.as_ref().and_then(|c| c.videos.get(&video.name));
    known.map_or(video.instances.as_slice(), |c| c.source.as_slice())
}

/// Name of the file that labels a video.
fn label_file(dataset: &Dataset, video: &VideoEntry) -> Option<String> {
    source_of(dataset, video).iter().find_map(|i| i.file.as_deref()).map(file_name)
}

fn runs(track: &LabelTrack, frames: u32) -> Vec<Option<Label>> {
    (0..frames).map(|n| track.at(n)).collect()
}

/// What stands between frame and class in the label file of a video, by frame, where it has three columns.
fn second_column(dataset: &Dataset, video: &VideoEntry) -> HashMap<u32, String> {
    let Some(file) = source_of(dataset, video).iter().find_map(|i| i.file.as_deref()) else { return HashMap::new() };
    let text = crate::files::read_text(file, crate::files::TABLE_LIMIT).unwrap_or_default();
    let row = |line: &str| {
        let [frame, second, _] = line.split(',').map(str::trim).collect::<Vec<_>>()[..] else { return None };
        Some((frame.parse().ok()?, second.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

/// `frame,0,class` a labelled frame, -1 for background; in place of 0 what stood there.
fn frame_rows(video: &VideoEntry, classes: &ClassSet, second: &HashMap<u32, String>) -> String {
    let cell = |label: Label| match label {
        Label::Background => BACKGROUND_ID.to_string(),
        Label::Class(class) => match classes.classes.get(class).map(|c| (&c.source, c.id, &c.name)) {
            Some((Some(_), id, _)) => id.to_string(),
            Some((None, _, name)) => quoted(name),
            None => String::new(),
        },
    };
    let labelled = runs(&video.labels, video.frames()).into_iter().zip(0_u32..).filter_map(|(l, n)| Some((n, l?)));
    let mut out = String::from("frame_number,column1,column2\n");
    for (n, label) in labelled {
        let between = second.get(&n).map_or("0", String::as_str);
        out += &format!("{n},{between},{}\n", cell(label));
    }
    out
}

/// The name of a class a frame.
fn frame_names(video: &VideoEntry, classes: &ClassSet) -> String {
    let background = classes.classes.iter().find(|c| c.background).map_or(NOBODY, |c| c.name.as_str());
    let name = |label: Option<Label>| match label {
        None => NOBODY,
        Some(Label::Background) => background,
        Some(Label::Class(class)) => classes.name(class),
    };
    runs(&video.labels, video.frames()).into_iter().map(|l| format!("{}\n", name(l))).collect()
}

fn quoted(text: &str) -> String {
    let plain = !text.contains([',', '"', '\n', '\r']) && text.trim() == text;
    if plain || text.is_empty() { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// A row an annotation. In a dataset with one class a clip a row a class, where an annotation has several all the same.
fn table(dataset: &Dataset, out: &Path) -> Result<LabelFiles, DataError> {
    let mut text = String::from("path,start,end,class,subject,split\n");
    let between = TableColumns::BETWEEN;
    // A name with that mark in it keeps a row of its own.
    let joined = dataset.task == Task::MultiLabel && !dataset.classes.classes.iter().any(|c| c.name.contains(between));
    let (mut several, mut background, mut boxes) = (false, false, false);
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for video in &dataset.videos {
        let split = match video.split {
            crate::domain::Split::Unassigned => "",
            split => split.name(),
        };
        for part in video.instances.iter().filter(|i| i.start < i.end) {
            let names = || part.label.classes().iter().map(|c| dataset.classes.name(*c));
            let cells: Vec<String> = match &part.label {
                InstanceLabel::Unlabelled => vec!["-1".into()],
                InstanceLabel::Background => vec!["background".into()],
                InstanceLabel::Classes(none) if none.is_empty() => vec![between.into()],
                _ if joined => vec![names().collect::<Vec<_>>().join(&between.to_string())],
                _ => names().map(str::to_owned).collect(),
            };
            seen.extend(names());
            several |= cells.len() > 1;
            background |= part.label == InstanceLabel::Background;
            boxes |= part.details.as_ref().is_some_and(|d| !d.boxes.is_empty());
            let who = part.details.as_ref().and_then(|d| d.subject.as_ref()).unwrap_or(&video.subject);
            for cell in cells {
                let row =
                    [quoted(&video.name), part.start.to_string(), part.end.to_string(), quoted(&cell), quoted(who)];
                text += &format!("{},{split}\n", row.join(","));
            }
        }
    }
    let column = |name: &str| Some(name.to_owned());
    let columns = TableColumns {
        file: name_text(out.join(TABLE).as_os_str()),
        path: "path".into(),
        class: column("class"),
        start: column("start"),
        end: column("end"),
        subject: column("subject"),
        split: column("split"),
        unit: TimeUnit::Frames,
        several: dataset.task == Task::MultiLabel,
    };
    let mut exported = LabelFiles { table: Some(columns), ..LabelFiles::default() };
    let mut note = |is: bool, text: &str| exported.notes.extend(is.then(|| text.to_owned()));
    note(several, "annotations with several classes have a row a class");
    note(background, "background is a class of that name in the table");
    note(boxes, "boxes are not in the table");
    let unseen = dataset.classes.classes.iter().filter(|c| !seen.contains(c.name.as_str())).count() as u64;
    note(unseen > 0, &format!("the table leaves out {} without annotations", counted(unseen, "class")));
    save(out.join(TABLE), &text, &mut exported)?;
    Ok(exported)
}

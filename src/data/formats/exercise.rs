//! Exercise recordings with frame labels: `dataset/anon/*.mp4`, `label/*.csv`, `split.csv`, and masks and
//! poses beside the videos. The `dataset` level is optional.

use super::listing::Ignored;
use super::{Annotation, Draft, DraftVideo, Span, bare_entry, companions};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::{Extent, Stops};
use crate::data::label_csv::{BACKGROUND_ID, LabelFile, RawClass, SplitTable, read_labels, read_splits};
use crate::data::names::{Matcher, SubjectRule, folded};
use crate::data::scan::{child_dir, child_file, file_name, is_csv, list, natural, peek, stem, videos_below};
use crate::data::tracks::{LabelInterval, lay};
use crate::domain::{ClassId, ClassInfo, ClassSet, Label, LabelTrack, LedgerEntry, Reason, Split};
use crate::files;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the parts of the layout are.
struct FolderLayout {
    /// Holds `anon`, `mask` and `skeleton`.
    base: PathBuf,
    anon: PathBuf,
    label: Option<PathBuf>,
    split: Option<PathBuf>,
    classes: Option<PathBuf>,
}

/// The folder that a path stands for: a split file stands for the one it lies in.
fn folder(path: &Path) -> Option<&Path> {
    let split = ["split.csv", "splits.csv"].iter().any(|n| file_name(path).eq_ignore_ascii_case(n));
    match path.is_file() {
        true if split => path.parent(),
        true => None,
        false => Some(path),
    }
}

fn layout(path: &Path) -> Option<FolderLayout> {
    let root = folder(path)?;
    let inner = child_dir(root, "dataset").filter(|d| child_dir(d, "anon").is_some());
    let base = inner.clone().unwrap_or_else(|| root.to_path_buf());
    let anon = child_dir(&base, "anon")?;
    let mut places = vec![root.to_path_buf()];
    places.extend(inner);
    // Somebody may have opened the inner folder itself.
    if file_name(root).eq_ignore_ascii_case("dataset")
        && let Some(parent) = root.parent()
    {
        places.push(parent.to_path_buf());
    }
    let label = places.iter().find_map(|p| child_dir(p, "label").or_else(|| child_dir(p, "labels")));
    let file = |names: &[&str]| places.iter().chain(&label).find_map(|p| names.iter().find_map(|n| child_file(p, n)));
    Some(FolderLayout { split: file(&["split.csv", "splits.csv"]), classes: file(&["classes.ron"]), base, anon, label })
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let Some(found) = layout(root) else {
        return Err("there is no folder 'anon' in it or in its folder 'dataset'".into());
    };
    let videos = videos_below(&found.anon, false).map_err(|e| e.to_string())?.len();
    let labels = found.label.as_ref().map_or(0, |d| peek(d).files.iter().filter(|f| is_csv(f)).count());
    if videos == 0 && labels == 0 {
        return Err(format!("{} holds no videos and there are no label files", found.anon.display()));
    }
    Ok(format!("{} with {videos} videos, {labels} label files", found.anon.display()))
}

/// Reads `classes.ron`: a class set, a list of (id, name), a map from ids to names, or a list of names.
fn read_classes(path: &Path) -> Result<Vec<ClassInfo>, String> {
    let text = files::read_text(path, files::TEXT_LIMIT).map_err(|e| e.to_string())?;
    let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    let infos = |pairs: Vec<(i64, String)>| pairs.into_iter().map(|(id, name)| ClassInfo::numbered(id, name)).collect();
    let error = match options.from_str::<ClassSet>(&text) {
        Ok(set) => return Ok(set.classes),
        Err(e) => e.to_string(),
    };
    if let Ok(list) = options.from_str::<Vec<ClassInfo>>(&text) {
        return Ok(list);
    }
    if let Ok(pairs) = options.from_str::<Vec<(i64, String)>>(&text) {
        return Ok(infos(pairs));
    }
    if let Ok(map) = options.from_str::<BTreeMap<i64, String>>(&text) {
        return Ok(infos(map.into_iter().collect()));
    }
    if let Ok(names) = options.from_str::<Vec<String>>(&text) {
        return Ok(infos((0..).zip(names).collect()));
    }
    Err(error)
}

/// The classes of a dataset, and how labels name them.
struct Classes {
    set: ClassSet,
    by_name: HashMap<String, ClassId>,
}

impl Classes {
    /// The classes that `classes.ron` names and those only the labels know: by number, then by name in natural order.
    fn of(found: &FolderLayout, labels: &[(PathBuf, LabelFile)], draft: &mut Draft) -> Self {
        let mut classes: Vec<ClassInfo> = Vec::new();
        if let Some(path) = &found.classes {
            draft.used.push(path.clone());
            match read_classes(path) {
                Ok(list) => classes = list,
                Err(e) => {
                    draft.warn(path, format!("is not a list of classes ({e}); the numbers in the labels are used"));
                }
            }
        }
        let named = !classes.is_empty();
        classes.retain(|c| c.id != BACKGROUND_ID);
        let unknown = |draft: &mut Draft, what: &str| {
            if let Some(path) = found.classes.as_ref().filter(|_| named) {
                draft.warn(path, format!("does not name class {what}, which the labels use; add it"));
            }
        };
        let (numbers, names, files) = seen(labels, draft);
        for id in numbers {
            if !classes.iter().any(|c| c.id == id) {
                unknown(draft, &id.to_string());
                let name = files.get(&id).cloned().unwrap_or_else(|| format!("class {id}"));
                classes.push(ClassInfo::numbered(id, name));
            }
        }
        classes.sort_by_key(|c| c.id);
        classes.dedup_by_key(|c| c.id);
        let mut by_name: HashMap<String, ClassId> =
            classes.iter().enumerate().map(|(i, c)| (folded(&c.name), i)).collect();
        for name in names {
            if by_name.contains_key(&folded(&name)) {
                continue;
            }
            unknown(draft, &format!("'{name}'"));
            by_name.insert(folded(&name), classes.len());
            let id = classes.iter().map(|c| c.id + 1).max().unwrap_or(0);
            classes.push(ClassInfo::named(id, name));
        }
        Self { set: ClassSet { classes }, by_name }
    }

    fn label(&self, class: &RawClass) -> Option<Label> {
        match class {
            RawClass::Background => Some(Label::Background),
            RawClass::Number(id) => self.set.by_id(*id).map(Label::Class),
            RawClass::Name(name) => self.by_name.get(&folded(name)).copied().map(Label::Class),
        }
    }
}

/// Numbers and names of classes that label files use, and the names that they give to numbers. Columns of files with one
/// column a class keep their order.
fn seen(labels: &[(PathBuf, LabelFile)], draft: &mut Draft) -> (BTreeSet<i64>, Vec<String>, BTreeMap<i64, String>) {
    let (mut numbers, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut files: BTreeMap<i64, String> = BTreeMap::new();
    for (path, file) in labels {
        for segment in &file.segments {
            match &segment.class {
                RawClass::Background => {}
                RawClass::Number(id) => drop(numbers.insert(*id)),
                RawClass::Name(name) => drop(names.insert(name.to_string())),
            }
        }
        for (id, name) in &file.names {
            let known = files.entry(*id).or_insert_with(|| name.clone());
            if known != name {
                draft.warn(path, format!("calls class {id} '{name}', another label file '{known}'; the first counts"));
            }
        }
    }
    if let Some((path, _)) = labels.first().filter(|_| !numbers.is_empty() && !names.is_empty()) {
        let dir = path.parent().unwrap_or(path);
        draft.warn(
            dir,
            "some label files write classes as numbers and some as names; they are taken as different classes",
        );
    }
    let mut ordered: Vec<String> = Vec::new();
    for column in labels.iter().flat_map(|(_, f)| &f.columns) {
        if !ordered.contains(column) {
            ordered.push(column.clone());
        }
    }
    let mut rest: Vec<String> = names.into_iter().filter(|n| !ordered.contains(n)).collect();
    rest.sort_by(|a, b| natural(a, b));
    ordered.extend(rest);
    (numbers, ordered, files)
}

/// Labels of one file: of frames, and of times.
#[derive(Clone, Default)]
struct Track {
    labels: LabelTrack,
    timed: Vec<Annotation>,
}

fn track(path: &Path, file: &LabelFile, classes: &Classes, stop_inside: bool, draft: &mut Draft) -> Track {
    let (mut parts, mut timed) = (Vec::new(), Vec::new());
    let shared: Arc<Path> = path.into();
    for segment in &file.segments {
        let Some(label) = classes.label(&segment.class) else { continue };
        match segment.at.resolved(stop_inside) {
            at @ Extent::Seconds { .. } => timed.push(Annotation {
                span: Span::At(at),
                label: Some(label).into(),
                file: shared.clone(),
                line: segment.line,
                rows: segment.rows,
                further: Box::default(),
                details: None,
                adjusted: Vec::new(),
            }),
            Extent::Frames { start, end } => parts.push(LabelInterval { start, end, label, line: segment.line }),
            Extent::Span { .. } => {}
        }
    }
    let (labels, overlap) = lay(parts);
    draft.warnings.extend(overlap.map(|note| super::warning(path, note)));
    Track { labels, timed }
}

/// Label files of a folder, read in parallel.
fn read_label_files(dir: Option<&Path>, draft: &mut Draft) -> Result<Vec<(PathBuf, LabelFile)>, DataError> {
    let Some(dir) = dir else { return Ok(Vec::new()) };
    let files: Vec<PathBuf> = list(dir)?
        .files
        .into_iter()
        .filter(|f| is_csv(f) && !["split", "splits", "classes"].contains(&stem(f).to_lowercase().as_str()))
        .collect();
    let read: Vec<_> = files.into_par_iter().map(|f| (read_labels(&f), f)).collect();
    let mut out = Vec::new();
    let mut refused = Ignored::of(dir);
    let mut columns: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut unnamed = false;
    for (result, path) in read {
        draft.used.push(path.clone());
        match result {
            Ok(mut file) => {
                for note in std::mem::take(&mut file.notes) {
                    draft.warn(&path, note);
                }
                if !file.columns.is_empty() && columns.insert(file.columns.clone()) {
                    let classes = file.columns.join(", ");
                    draft.warn(
                        &path,
                        format!("has one column a class; it and its like are read as the classes {classes}"),
                    );
                }
                if file.unnamed && !std::mem::replace(&mut unnamed, true) {
                    draft.warn(
                        &path,
                        "has no name over its first column; in it and its like that column is taken as the frame number",
                    );
                }
                if file.segments.is_empty() {
                    draft.warn(&path, "holds no labels; write rows such as '0,0,-1' (frame_number, column1, column2)");
                }
                out.push((path, file));
            }
            Err(e) => {
                let message = format!("{e}; its video stays unlabelled");
                refused.note(draft, "more label files cannot be read", &path, message);
            }
        }
    }
    refused.finish(draft);
    Ok(out)
}

fn read_split_file(path: Option<&Path>, draft: &mut Draft) -> SplitTable {
    let Some(path) = path else { return SplitTable::default() };
    draft.used.push(path.to_path_buf());
    match read_splits(path) {
        Ok(mut table) => {
            for note in std::mem::take(&mut table.notes) {
                draft.warn(path, note);
            }
            table
        }
        Err(e) => {
            draft.warn(path, format!("{e}; the dataset opens without splits"));
            SplitTable::default()
        }
    }
}

/// One split a name; a name in two splits is kept out of training and reported.
fn resolve_splits(path: Option<&Path>, table: SplitTable, draft: &mut Draft) -> Vec<(String, Split)> {
    let mut out: Vec<(String, Split)> = Vec::new();
    let mut at: HashMap<String, usize> = HashMap::new();
    for row in table.rows {
        let Some(&i) = at.get(&row.name) else {
            at.insert(row.name.clone(), out.len());
            out.push((row.name, row.split));
            continue;
        };
        let Some((name, split)) = out.get_mut(i) else { continue };
        let Some(path) = path else { continue };
        if *split == row.split {
            draft.warn(path, format!("duplicate row: '{name}' is listed twice; remove one"));
        } else {
            let message = format!(
                "subject '{name}' is in both {} and {}; it is kept out of training, remove one of the rows",
                split.name(),
                row.split.name()
            );
            *split = (*split).max(row.split);
            draft.warn(path, message);
        }
    }
    out
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let mut draft = Draft::default();
    let root = folder(path).unwrap_or(path);
    let Some(found) = layout(root) else {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: "the folder 'anon' is gone".into() });
    };
    let videos = videos_below(&found.anon, false)?;
    if videos.is_empty() {
        return Err(DataError::Empty { path: found.anon, reason: "put the videos there".into() });
    }
    let labels = read_label_files(found.label.as_deref(), &mut draft)?;
    if found.label.is_none() {
        draft.warn(root, "there is no folder 'label'; the videos stay unlabelled, add label/SUBJECT.csv files");
    }
    let table = read_split_file(found.split.as_deref(), &mut draft);
    let splits = resolve_splits(found.split.as_deref(), table, &mut draft);
    let classes = Classes::of(&found, &labels, &mut draft);
    draft.classes = classes.set.clone();
    let mut stops = Stops::default();
    for (path, file) in &labels {
        file.segments.iter().for_each(|s| stops.push(&path.to_string_lossy(), s.at));
    }
    let (inside, note) = stops.inside();
    if let Some((note, dir)) = note.zip(found.label.as_ref()) {
        draft.warn(dir, note);
    }
    let tracks: Vec<Track> = labels.iter().map(|(p, f)| track(p, f, &classes, inside, &mut draft)).collect();

    let stems: Vec<String> = videos.iter().map(|v| stem(v)).collect();
    let mut beside = companions::find(&found.base, &stems);
    for path in std::mem::take(&mut beside.stray_masks).into_iter().take(20) {
        draft.warn(&path, "the mask belongs to no video; name it SUBJECT/000123.png or SUBJECT_000123.png");
    }
    // Files that were refused are told already.
    let unread: BTreeSet<String> = draft.used.iter().map(|f| folded(&stem(f))).collect();
    let label_names: Vec<String> = labels.iter().map(|(p, _)| stem(p)).collect();
    let label_matcher = Matcher::new(&label_names);
    let split_names: Vec<&String> = splits.iter().map(|(n, _)| n).collect();
    let split_matcher = Matcher::new(&split_names);
    let rule = SubjectRule::new(config.subject_pattern.as_deref());
    let mut label_used = vec![false; labels.len()];
    let mut split_used = vec![false; splits.len()];

    for (path, name) in videos.into_iter().zip(stems) {
        let label = label_matcher.find(&name);
        // A split row may speak of the video or of the subject its label file is named after.
        let row = split_matcher
            .find(&name)
            .or_else(|| label.and_then(|l| label_names.get(l)).and_then(|n| split_matcher.find(n)));
        let mut entry = bare_entry(root, path);
        let mut timed = Vec::new();
        let mut frame_rows = Vec::new();
        if let Some(l) = label {
            label_used[l] = true;
            let track = tracks.get(l).cloned().unwrap_or_default();
            (entry.labels, timed) = (track.labels, track.timed);
            if let Some((file, read)) = labels.get(l) {
                other_video(file, read, &entry.path, &mut draft);
                enter(file, read, &entry.name, &mut draft);
                frame_rows.clone_from(&read.frame_rows);
            }
        } else if found.label.is_some() && !unread.contains(&folded(&name)) {
            draft.warn(&entry.path, format!("has no labels; add label/{name}.csv, or it is used for viewing only"));
        }
        if let Some((_, split)) = row.and_then(|r| splits.get(r)) {
            entry.split = *split;
        }
        if let Some(r) = row {
            split_used[r] = true;
        } else if !splits.is_empty()
            && let Some(file) = &found.split
        {
            draft.warn(
                file,
                format!("does not say which split '{name}' belongs to; it is left out of training and testing"),
            );
        }
        entry.subject = subject_of(&rule, &name, label.and_then(|l| label_names.get(l)), row.map(|r| split_names[r]));
        entry.masks = beside.masks.remove(&name);
        entry.poses = beside.poses.remove(&name);
        entry.pose_video = beside.pose_videos.remove(&name);
        let label_file = label.and_then(|l| labels.get(l)).map(|(p, _)| p.clone());
        draft.videos.push(DraftVideo { label_file, annotations: timed, frame_rows, ..DraftVideo::of(entry) });
    }
    for ((path, _), used) in labels.iter().zip(&label_used) {
        if !used {
            draft.warn(path, format!("there is no video for these labels; add it to {}", found.anon.display()));
        }
    }
    if let Some(file) = &found.split {
        for ((name, _), _) in splits.iter().zip(&split_used).filter(|(_, used)| !**used) {
            draft.warn(file, format!("names '{name}', but there is no such video; add it or remove the row"));
        }
    }
    Ok(draft)
}

/// Enters the rows of a label file into the ledger.
fn enter(file: &Path, read: &LabelFile, video: &str, draft: &mut Draft) {
    let shared: Arc<Path> = file.into();
    let entry = |line: u32, reason: Reason| LedgerEntry {
        file: shared.clone(),
        line,
        rows: 1,
        reason,
        video: Some(video.to_owned()),
        text: String::new(),
    };
    draft.ledger.rows += read.rows;
    draft.ledger.ignored.extend(read.ignored.iter().map(|(line, reason)| entry(*line, *reason)));
    draft.ledger.unlabelled.extend(read.unlabelled.iter().map(|line| entry(*line, Reason::NoLabel)));
}

/// Tells of a label file whose rows name another video than its own name does.
fn other_video(file: &Path, read: &LabelFile, video: &Path, draft: &mut Draft) {
    let Some(named) = &read.video else { return };
    let last = named.replace('\\', "/");
    let named_stem = stem(Path::new(last.rsplit('/').next().unwrap_or(&last)));
    if ![stem(video), stem(file)].iter().any(|s| folded(s) == folded(&named_stem)) {
        let video = file_name(video);
        draft.warn(
            file,
            format!("its rows name '{named}', but by its own name it belongs to {video}; correct one of them"),
        );
    }
}

/// The subject: by the configured pattern, else the shorter name a split row or label file gives it
/// (`s01.csv` for `s01_cam1.mp4`), else by a built-in rule, else the video's own name.
fn subject_of(rule: &SubjectRule, video: &str, label: Option<&String>, row: Option<&String>) -> String {
    let by_rule = rule.subject(video);
    if rule.is_custom() && !by_rule.is_empty() {
        return by_rule;
    }
    let shorter = row.into_iter().chain(label).filter(|n| n.len() < video.len()).min_by_key(|n| n.len());
    match shorter {
        Some(name) => name.clone(),
        None if !by_rule.is_empty() => by_rule,
        None => video.to_owned(),
    }
}

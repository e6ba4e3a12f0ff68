//! Exercise recordings with frame labels (S0.1, S0.2): `dataset/anon/*.mp4`, `label/*.csv`, `split.csv`, and masks and
//! poses beside the videos. The `dataset` level is optional.

use super::{Draft, DraftVideo, bare_entry, companions};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::names::{Matcher, SubjectRule};
use crate::data::scan::{child_dir, child_file, file_name, is_csv, list, peek, stem, videos_below};
use crate::data::tables::{LabelFile, SplitTable, read_labels, read_splits};
use crate::domain::{ClassInfo, ClassSet, Label, LabelTrack, Segment, Split};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The number that means "none of the classes".
const BACKGROUND_ID: i64 = -1;

/// Where the parts of the layout are.
struct Layout {
    /// Holds `anon`, `mask` and `skeleton`.
    base: PathBuf,
    anon: PathBuf,
    label: Option<PathBuf>,
    split: Option<PathBuf>,
    classes: Option<PathBuf>,
}

fn layout(root: &Path) -> Option<Layout> {
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
    Some(Layout { split: file(&["split.csv", "splits.csv"]), classes: file(&["classes.ron"]), base, anon, label })
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
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    let infos = |pairs: Vec<(i64, String)>| pairs.into_iter().map(|(id, name)| ClassInfo { id, name }).collect();
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
    if let Ok(map) = options.from_str::<std::collections::BTreeMap<i64, String>>(&text) {
        return Ok(infos(map.into_iter().collect()));
    }
    if let Ok(names) = options.from_str::<Vec<String>>(&text) {
        return Ok(infos((0..).zip(names).collect()));
    }
    Err(error)
}

/// The classes that `classes.ron` names and those only the labels know, by id.
fn class_set(found: &Layout, seen: &BTreeSet<i64>, draft: &mut Draft) -> ClassSet {
    let mut classes: Vec<ClassInfo> = Vec::new();
    if let Some(path) = &found.classes {
        match read_classes(path) {
            Ok(list) => classes = list,
            Err(e) => draft.warn(path, format!("is not a list of classes ({e}); the numbers in the labels are used")),
        }
    }
    let named = !classes.is_empty();
    classes.retain(|c| c.id != BACKGROUND_ID);
    for id in seen {
        if *id == BACKGROUND_ID || classes.iter().any(|c| c.id == *id) {
            continue;
        }
        if named && let Some(path) = &found.classes {
            draft.warn(path, format!("does not name class {id}, which the labels use; add it"));
        }
        classes.push(ClassInfo { id: *id, name: format!("class {id}") });
    }
    classes.sort_by_key(|c| c.id);
    classes.dedup_by_key(|c| c.id);
    ClassSet { classes }
}

fn track(file: &LabelFile, classes: &ClassSet) -> LabelTrack {
    let segments = file
        .segments
        .iter()
        .filter_map(|&(start, end, id)| {
            let label = if id == BACKGROUND_ID { Label::Background } else { Label::Class(classes.by_id(id)?) };
            Some(Segment { start, end, label })
        })
        .collect();
    LabelTrack::from_segments(segments)
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
    for (result, path) in read {
        match result {
            Ok(mut file) => {
                for note in std::mem::take(&mut file.notes) {
                    draft.warn(&path, note);
                }
                if file.segments.is_empty() {
                    draft.warn(&path, "holds no labels; write rows such as '0,0,-1' (frame_number, column1, column2)");
                }
                out.push((path, file));
            }
            Err(e) => draft.warn(&path, format!("{e}; its video stays unlabelled")),
        }
    }
    Ok(out)
}

fn read_split_file(path: Option<&Path>, draft: &mut Draft) -> SplitTable {
    let Some(path) = path else { return SplitTable::default() };
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

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let mut draft = Draft::default();
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
    let seen: BTreeSet<i64> = labels.iter().flat_map(|(_, f)| f.segments.iter().map(|s| s.2)).collect();
    draft.classes = class_set(&found, &seen, &mut draft);
    let tracks: Vec<LabelTrack> = labels.iter().map(|(_, f)| track(f, &draft.classes)).collect();

    let stems: Vec<String> = videos.iter().map(|v| stem(v)).collect();
    let mut beside = companions::find(&found.base, &stems);
    for path in std::mem::take(&mut beside.stray_masks).into_iter().take(20) {
        draft.warn(&path, "the mask belongs to no video; name it SUBJECT/000123.png or SUBJECT_000123.png");
    }
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
        if let Some(l) = label {
            label_used[l] = true;
            entry.labels = tracks.get(l).cloned().unwrap_or_default();
        } else if found.label.is_some() {
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
        draft.videos.push(DraftVideo { entry, label_file });
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

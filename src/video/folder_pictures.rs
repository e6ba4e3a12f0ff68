//! The pictures of a frame folder as they lie on disk: found, arranged, and looked at.

use super::frame_folder::{arrange, is_other_stream, ranges, stream_folder};
use super::stills::{dimensions, look_at};
use crate::domain::{is_system_name, name_text, natural};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const EXTENSIONS: [&str; 8] = ["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff", "gif"];

/// Damaged pictures said one by one before the rest is only counted.
const NAMED: usize = 10;

/// Pictures of another size than the others are frames all the same when more than one in so many has it.
const ODD: usize = 10;

/// The frames of a folder.
pub(super) struct FolderPictures {
    /// The file of each frame; `None` where its number is missing.
    pub files: Vec<Option<PathBuf>>,
    /// Width and height of most of them.
    pub size: (u32, u32),
    /// Frames that cannot be shown, first and the one behind the last, ascending.
    pub gaps: Vec<(u32, u32)>,
    /// Sentences about what is missing, damaged and left out.
    pub notes: Vec<String>,
}

/// Entries of a folder: files with the name of a picture, and folders.
#[derive(Default)]
struct Entries {
    pictures: Vec<PathBuf>,
    dirs: Vec<PathBuf>,
}

fn list(dir: &Path) -> Result<Entries, String> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("the folder cannot be listed ({e})"))?;
    let mut out = Entries::default();
    for entry in entries.flatten() {
        if is_system_name(&name_text(&entry.file_name())) {
            continue;
        }
        let (path, Ok(mut kind)) = (entry.path(), entry.file_type()) else { continue };
        if kind.is_symlink() {
            // A link to nothing is a picture that cannot be read.
            kind = std::fs::metadata(&path).map_or(kind, |target| target.file_type());
        }
        if kind.is_dir() {
            out.dirs.push(path);
        } else if is_picture_name(&path) {
            out.pictures.push(path);
        }
    }
    out.dirs.sort_by(|a, b| natural(&name(a), &name(b)));
    Ok(out)
}

fn is_picture_name(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

fn name(path: &Path) -> String {
    path.file_name().map(name_text).unwrap_or_default()
}

/// Finds the frames of a folder: its pictures, or those of one of its folders where names tell that they are streams of one
/// video. `verify` looks into each picture.
pub(super) fn read(path: &Path, verify: bool) -> Result<FolderPictures, String> {
    let mut found = list(path)?;
    let mut notes = Vec::new();
    let of_streams = |frames: &str, others: &[String]| {
        format!("the frames are {frames}; the folder also holds {}, which are left out", others.join(", "))
    };
    if found.pictures.is_empty() {
        let with: Vec<(PathBuf, Vec<PathBuf>)> = found
            .dirs
            .into_iter()
            .filter_map(|d| Some((list(&d).ok()?.pictures, d)).map(|(p, d)| (d, p)))
            .filter(|(_, pictures)| !pictures.is_empty())
            .collect();
        let names: Vec<String> = with.iter().map(|(d, _)| name(d)).collect();
        let Some(frames) = stream_folder(&names) else {
            return Err("it is a folder without pictures; give a video file, or a folder of JPEG or PNG frames".into());
        };
        let others: Vec<String> = names.iter().filter(|n| **n != names[frames]).map(|n| format!("{n}/")).collect();
        notes.push(of_streams(&format!("in {}/", names[frames]), &others));
        found.pictures = with.into_iter().nth(frames).map(|(_, p)| p).unwrap_or_default();
    } else {
        let others: Vec<String> =
            found.dirs.iter().map(|d| name(d)).filter(|n| is_other_stream(n)).map(|n| format!("{n}/")).collect();
        if !others.is_empty() {
            notes.push(of_streams("the pictures beside it", &others));
        }
    }
    let names: Vec<String> = found.pictures.iter().map(|p| name(p)).collect();
    let arranged = arrange(&names);
    notes.extend(arranged.notes);
    let files: Vec<Option<PathBuf>> =
        arranged.frames.into_iter().map(|f| f.and_then(|i| found.pictures.get(i).cloned())).collect();
    let mut out = FolderPictures { files, size: (0, 0), gaps: Vec::new(), notes };
    let mut shown: Vec<bool> = out.files.iter().map(Option::is_some).collect();
    if verify {
        out.verify(&mut shown)?;
    } else {
        let mut tried = out.files.iter().flatten().map(|f| dimensions(f));
        let first = tried.next().unwrap_or_else(|| Err("it is a folder without pictures".into()));
        out.size = first.or_else(|why| tried.find_map(Result::ok).ok_or(why))?;
    }
    let missing: Vec<u64> = (0..shown.len() as u64).filter(|i| !shown[*i as usize]).collect();
    out.gaps = ranges(&missing).into_iter().map(|(from, to)| (from as u32, to as u32 + 1)).collect();
    Ok(out)
}

impl FolderPictures {
    /// Looks into every picture: those that are torn, or of another size than the others, cannot be shown.
    fn verify(&mut self, shown: &mut [bool]) -> Result<(), String> {
        let looked: Vec<Option<Result<(u32, u32), String>>> =
            self.files.par_iter().map(|f| f.as_ref().map(|f| look_at(f))).collect();
        let mut sizes: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for size in looked.iter().flatten().flatten() {
            *sizes.entry(*size).or_default() += 1;
        }
        let readable: usize = sizes.values().sum();
        let Some((usual, _)) = sizes.iter().max_by_key(|(_, n)| **n).map(|(s, n)| (*s, *n)) else {
            let first = looked.iter().flatten().find_map(|l| l.as_ref().err().cloned()).unwrap_or_default();
            return Err(format!("none of its {} pictures can be read; the first: {first}", self.files.len()));
        };
        self.size = usual;
        let rare = |size: &(u32, u32)| *size != usual && sizes.get(size).is_some_and(|n| n * ODD <= readable);
        if sizes.len() > 1 && sizes.keys().any(|s| *s != usual && !rare(s)) {
            let list: Vec<String> = sizes.iter().map(|((w, h), n)| format!("{w}x{h} ({n})")).collect();
            self.notes.push(format!(
                "its pictures have several sizes: {}; they are scaled to one, check that they belong to one video",
                list.join(", ")
            ));
        }
        let mut faults = Vec::new();
        for (number, (file, look)) in self.files.iter().zip(&looked).enumerate() {
            let fault = match look {
                Some(Err(why)) => format!("is damaged ({why})"),
                Some(Ok(size)) if rare(size) => {
                    format!("has another size ({}x{}, the others {}x{})", size.0, size.1, usual.0, usual.1)
                }
                _ => continue,
            };
            shown[number] = false;
            let path = file.as_ref().map(|f| f.display().to_string()).unwrap_or_default();
            faults.push(format!(
                "{path} {fault}; clips that need frame {number} are left out of training and evaluation, replace the picture"
            ));
        }
        let more = faults.len().saturating_sub(NAMED);
        self.notes.extend(faults.into_iter().take(NAMED));
        if more > 0 {
            self.notes.push(format!("{more} more of its pictures are damaged or have another size"));
        }
        Ok(())
    }
}

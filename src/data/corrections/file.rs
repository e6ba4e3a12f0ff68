//! Where the corrections of a dataset are kept: beside its files, or, where nothing can be written there, in the user's folder.

use crate::data::{DataError, fingerprint};
use crate::domain::{Correction, Corrections, DatasetCorrections, LabelledPart, PartLabel, leaf};
use crate::files;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::ErrorKind;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of corrections in the folder of a dataset; of a dataset that is one file its name stands before it.
pub const CORRECTIONS_FILE: &str = "kinolens_corrections.ron";
/// What `data.corrections` says so that none are read.
pub const NO_CORRECTIONS: &str = "none";
/// Version of the form that is written.
const VERSION: u32 = 1;

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    /// The dataset, for people.
    #[serde(default)]
    dataset: String,
    #[serde(default, deserialize_with = "each_once")]
    videos: BTreeMap<String, Vec<Correction>>,
    #[serde(default, deserialize_with = "each_once")]
    confirmed: BTreeMap<String, Vec<LabelledPart>>,
}

/// The form of a file, whatever else stands in it.
#[derive(Deserialize)]
struct Form {
    version: u32,
}

/// A map in which every key stands once: the last of several would win in silence.
fn each_once<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<BTreeMap<String, T>, D::Error> {
    struct Once<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Once<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of videos")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut out = BTreeMap::new();
            while let Some((video, value)) = map.next_entry::<String, T>()? {
                if out.contains_key(&video) {
                    return Err(M::Error::custom(format!("'{video}' stands there twice")));
                }
                out.insert(video, value);
            }
            Ok(out)
        }
    }
    from.deserialize_map(Once(PhantomData))
}

fn beside(root: &Path) -> PathBuf {
    match root.is_file() {
        true => files::folder_of(root).join(format!("{}.{CORRECTIONS_FILE}", leaf(root))),
        false => root.join(CORRECTIONS_FILE),
    }
}

/// The place in the user's folder, by the place of the dataset.
fn in_folder(root: &Path, folder: &Path) -> PathBuf {
    let whole = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
    let digits = fingerprint::hex(whole.as_os_str().as_encoded_bytes());
    folder.join("corrections").join(format!("{}_{}.ron", leaf(&whole), digits.get(..12).unwrap_or_default()))
}

fn read(path: &Path) -> Result<Corrections, DataError> {
    let refuse = |reason: String| DataError::Read { path: path.to_path_buf(), reason };
    let text = files::read_text(path, files::TABLE_LIMIT).map_err(|e| DataError::read(path, &e))?;
    let damaged = |e: &dyn fmt::Display| {
        refuse(format!("it holds no corrections of labels ({e}); repair it, or move it away to do without"))
    };
    let form: Form = ron::from_str(&text).map_err(|e| damaged(&e))?;
    if form.version > VERSION {
        return Err(refuse(format!(
            "its form {} is newer than this program; take a newer version of it",
            form.version
        )));
    }
    let whole: Document = ron::from_str(&text).map_err(|e| damaged(&e))?;
    for (video, corrections) in &whole.videos {
        for (number, correction) in (1..).zip(corrections) {
            if let Some(why) = senseless(correction) {
                return Err(damaged(&format!("correction {number} of '{video}' {why}")));
            }
        }
    }
    Ok(Corrections { videos: whole.videos, confirmed: whole.confirmed })
}

/// Why a correction says nothing.
fn senseless(correction: &Correction) -> Option<&'static str> {
    let parts = || [&correction.original, &correction.corrected].into_iter().flatten();
    if parts().next().is_none() {
        return Some("names neither what the files say nor what is right");
    }
    let empty = |p: &LabelledPart| matches!(&p.label, PartLabel::Classes(names) if names.is_empty());
    if parts().any(empty) {
        return Some("names a label of no class; write Unlabelled or Background");
    }
    None
}

/// The corrections of a dataset: those of `said` (a file, or [`NO_CORRECTIONS`]), else those beside it, else those in the
/// user's folder. `videos` are the names of its videos.
///
/// # Errors
/// A file that was named and is not there, and one that cannot be read: a dataset is never opened without its corrections in
/// silence.
pub(in crate::data) fn open(
    root: &Path,
    said: Option<&str>,
    folder: Option<&Path>,
    videos: &BTreeSet<&str>,
) -> Result<Option<DatasetCorrections>, DataError> {
    let file = match said {
        Some(NO_CORRECTIONS) => return Ok(None),
        Some(path) => Some(PathBuf::from(path)),
        None => [Some(beside(root)), folder.map(|f| in_folder(root, f))].into_iter().flatten().find(|p| p.is_file()),
    };
    let Some(file) = file else { return Ok(None) };
    let all = read(&file)?;
    let missing = all.videos.keys().filter(|v| !videos.contains(v.as_str())).cloned().collect();
    Ok(Some(DatasetCorrections { file: Some(file), all: Arc::new(all), missing, ..DatasetCorrections::default() }))
}

/// Writes the corrections of a dataset to the file they were read from; where there was none, beside the dataset, or in the
/// user's folder where nothing can be written there. `before` is what is on the disk, as far as it is known. Gives the file;
/// without corrections it is deleted.
///
/// # Errors
/// A file that cannot be written, and [`DataError::CorrectionsChanged`] where something else is on the disk.
pub fn save_corrections(
    root: &Path,
    file: Option<&Path>,
    before: &Corrections,
    now: &Corrections,
    folder: Option<&Path>,
) -> Result<PathBuf, DataError> {
    let place = file.map_or_else(|| beside(root), Path::to_path_buf);
    match write(root, &place, before, now) {
        Err(Fault::Io(e))
            if file.is_none() && matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
        {
            let Some(folder) = folder else { return Err(Fault::Io(e).told(&place)) };
            let place = in_folder(root, folder);
            let made = std::fs::create_dir_all(files::folder_of(&place)).map_err(Fault::Io);
            made.and_then(|()| write(root, &place, before, now)).map_err(|fault| fault.told(&place))?;
            Ok(place)
        }
        Err(fault) => Err(fault.told(&place)),
        Ok(()) => Ok(place),
    }
}

enum Fault {
    Io(std::io::Error),
    Data(DataError),
}

impl Fault {
    fn told(self, path: &Path) -> DataError {
        match self {
            Self::Io(e) => DataError::Write { path: path.to_path_buf(), reason: e.to_string() },
            Self::Data(error) => error,
        }
    }
}

fn write(root: &Path, place: &Path, before: &Corrections, now: &Corrections) -> Result<(), Fault> {
    let there = if place.exists() { read(place).map_err(Fault::Data)? } else { Corrections::default() };
    if there != *before {
        return Err(Fault::Data(DataError::CorrectionsChanged { path: place.to_path_buf() }));
    }
    if now.is_empty() {
        return match std::fs::remove_file(place) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Fault::Io(e)),
            _ => Ok(()),
        };
    }
    files::replace(place, text(root, now).map_err(Fault::Data)?.as_bytes()).map_err(Fault::Io)
}

fn text(root: &Path, all: &Corrections) -> Result<String, DataError> {
    let whole = Document {
        version: VERSION,
        dataset: root.display().to_string(),
        videos: all.videos.clone(),
        confirmed: all.confirmed.clone(),
    };
    ron::ser::to_string_pretty(&whole, ron::ser::PrettyConfig::new())
        .map_err(|e| DataError::Write { path: root.to_path_buf(), reason: e.to_string() })
}

impl DatasetCorrections {
    /// The corrections as their file has them, for a copy of it.
    ///
    /// # Errors
    /// Text that cannot be made of them.
    pub fn text(&self, root: &Path) -> Result<String, DataError> {
        text(root, &self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Corrections {
        let part = |start, end| Some(LabelledPart { start, end, label: PartLabel::Classes(vec!["a".into()]) });
        let mut all = Corrections::default();
        all.set(
            "v",
            vec![Correction { original: part(0, 5), corrected: part(0, 7), made_unix: 9, note: "later".into() }],
        );
        all
    }

    #[test]
    fn they_lie_beside_the_dataset_and_leave_no_trace_when_there_are_none() {
        let (root, none) = (tempfile::tempdir().unwrap(), Corrections::default());
        let place = save_corrections(root.path(), None, &none, &one(), None).unwrap();
        assert_eq!(place, root.path().join(CORRECTIONS_FILE));
        let read = open(root.path(), None, None, &["v"].into()).unwrap().unwrap();
        assert_eq!((&*read.all, &read.missing), (&one(), &Vec::new()));
        assert_eq!(open(root.path(), None, None, &["w"].into()).unwrap().unwrap().missing, ["v"]);
        assert_eq!(open(root.path(), Some(NO_CORRECTIONS), None, &BTreeSet::new()).unwrap(), None);
        // Somebody else has written meanwhile.
        let error = save_corrections(root.path(), None, &none, &one(), None).unwrap_err().to_string();
        assert!(error.contains(CORRECTIONS_FILE) && error.contains("somebody else"), "{error}");
        save_corrections(root.path(), Some(&place), &one(), &none, None).unwrap();
        assert!(!place.exists());
    }

    #[cfg(unix)]
    #[test]
    fn those_of_a_dataset_that_cannot_be_written_to_lie_in_the_users_folder() {
        use std::os::unix::fs::PermissionsExt;
        let (root, user) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let read_only = |mode| std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        read_only(0o555);
        let writable = std::fs::write(root.path().join("probe"), "").is_ok();
        let place = save_corrections(root.path(), None, &Corrections::default(), &one(), Some(user.path())).unwrap();
        read_only(0o755);
        // Whoever may do anything writes anywhere.
        assert_eq!(place.starts_with(user.path()), !writable, "{}", place.display());
        let read = open(root.path(), None, Some(user.path()), &["v"].into()).unwrap().unwrap();
        assert_eq!((*read.all).clone(), one());
    }

    #[test]
    fn what_cannot_be_read_is_never_passed_over() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(CORRECTIONS_FILE), "(version: 1, videos: {").unwrap();
        let error = open(root.path(), None, None, &BTreeSet::new()).unwrap_err().to_string();
        assert!(error.contains(CORRECTIONS_FILE) && error.contains("repair"), "{error}");
        std::fs::write(root.path().join(CORRECTIONS_FILE), "(version: 2)").unwrap();
        let error = open(root.path(), None, None, &BTreeSet::new()).unwrap_err().to_string();
        assert!(error.contains("newer"), "{error}");
        assert!(open(root.path(), Some("/nowhere/c.ron"), None, &BTreeSet::new()).is_err());
        // What is misspelt, left out, said twice or says nothing would change labels, or leave them, in silence.
        let part = "Some((start: 0, end: 5, label: Background))";
        for (inside, told) in [
            (format!("video: {{\"v\": [(original: {part}, corrected: None)]}}"), "video"),
            (format!("videos: {{\"v\": [(original: {part}, correct: {part})]}}"), "correct"),
            (format!("videos: {{\"v\": [(original: {part})]}}"), "corrected"),
            (format!("videos: {{\"v\": [(original: {part}, corrected: None)], \"v\": []}}"), "'v' stands there twice"),
            ("videos: {\"v\": [(original: None, corrected: None)]}".to_owned(), "correction 1 of 'v' names neither"),
            (
                "videos: {\"v\": [(original: None, corrected: Some((start: 0, end: 5, label: Classes([]))))]}"
                    .to_owned(),
                "of no class",
            ),
        ] {
            std::fs::write(root.path().join(CORRECTIONS_FILE), format!("(version: 1, {inside})")).unwrap();
            let error = open(root.path(), None, None, &["v"].into()).unwrap_err().to_string();
            assert!(error.contains(told) && error.contains(CORRECTIONS_FILE), "{inside}: {error}");
        }
        // A newer form may hold what this one does not know.
        std::fs::write(root.path().join(CORRECTIONS_FILE), "(version: 2, tracks: {})").unwrap();
        assert!(open(root.path(), None, None, &BTreeSet::new()).unwrap_err().to_string().contains("newer"));
    }
}

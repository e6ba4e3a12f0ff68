//! From the paths that lists write to files below the opened folder.

use super::Draft;
use super::containers::{is_container, split_of_dir};
use super::listing::Ignored;
use crate::data::names::folded;
use crate::data::scan::{MAX_DEPTH, file_name, is_image, is_video, peek, plainly_holds_pictures, relative_name, stem};
use crate::domain::{Reason, Split};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Paths longer than this name no file.
const LONGEST: usize = 4096;
/// Folders below the root that are searched for videos whatever they are.
const MOST_SEARCHED: usize = 2000;

/// What else a row tells about its video.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hint<'a> {
    pub(super) split: Split,
    /// Name of the class, where it has one: a folder may be called so.
    pub(super) class: Option<&'a str>,
    /// Folder of the list.
    pub(super) list: Option<&'a Path>,
}

/// A file that a row means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Its name is written otherwise than in the list: case, or how accents are composed.
    pub(super) respelt: bool,
}

impl Found {
    /// What was changed so that the row can be used.
    pub(super) fn adjusted(&self) -> Vec<Reason> {
        if self.respelt { vec![Reason::Case] } else { Vec::new() }
    }
}

/// How closely names must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Exact,
    /// Without case, accents composed.
    Folded,
    /// As folded; the last name without its ending.
    Stem,
}

/// Folders with more folders than this are asked at once which of them are videos, by all processors.
const MANY: usize = 256;

/// Places in a list: mostly one.
#[derive(Debug)]
enum Few {
    One(u32),
    Many(Vec<u32>),
}

impl Few {
    /// Adds a place, which is not lower than the last one, once.
    fn push(few: &mut HashMap<String, Few>, name: String, place: usize) {
        let place = place as u32;
        match few.entry(name).or_insert(Few::One(place)) {
            Few::Many(all) if all.last() != Some(&place) => all.push(place),
            other => {
                if let Few::One(first) = *other
                    && first != place
                {
                    *other = Few::Many(vec![first, place]);
                }
            }
        }
    }

    fn places(&self) -> &[u32] {
        match self {
            Few::One(place) => std::slice::from_ref(place),
            Few::Many(places) => places,
        }
    }
}

/// One listing of a folder, by name.
#[derive(Debug, Default)]
struct Folder {
    /// Paths, and which of them are folders.
    entries: Vec<(PathBuf, bool)>,
    exact: HashMap<String, u32>,
    folded: HashMap<String, Few>,
    stems: HashMap<String, Few>,
    /// Which entries are folders that are videos, once it was asked.
    videos: Option<Vec<bool>>,
}

impl Folder {
    fn read(dir: &Path) -> Self {
        let listing = peek(dir);
        let mut out = Self::default();
        let dirs = listing.dirs.into_iter().map(|d| (d, true));
        for (path, is_dir) in listing.files.into_iter().map(|f| (f, false)).chain(dirs) {
            let (name, place) = (file_name(&path), out.entries.len());
            Few::push(&mut out.folded, folded(&name), place);
            if is_dir || is_video(&path) || is_image(&path) {
                let stem = if is_dir { folded(&name) } else { folded(&stem(&path)) };
                Few::push(&mut out.stems, stem, place);
            }
            out.exact.insert(name, place as u32);
            out.entries.push((path, is_dir));
        }
        out
    }

    fn get(&self, name: &str, how: How) -> Option<usize> {
        if how != How::Stem
            && let Some(place) = self.exact.get(name)
        {
            return Some(*place as usize);
        }
        // Two that differ in case only: nobody knows which is meant.
        match self.alike(name, how) {
            [one] => Some(*one as usize),
            _ => None,
        }
    }

    /// Entries that a name fits otherwise than exactly.
    fn alike(&self, name: &str, how: How) -> &[u32] {
        let found = match how {
            How::Exact => None,
            How::Folded => self.folded.get(&folded(name)),
            How::Stem => self.stems.get(&folded(&stem(Path::new(name)))),
        };
        found.map_or(&[], Few::places)
    }

    /// The files that a name fits, where they are several.
    fn several(&self, name: &str, how: How) -> Vec<PathBuf> {
        let places = Some(self.alike(name, how)).filter(|places| places.len() > 1).into_iter().flatten();
        places.filter_map(|place| self.entries.get(*place as usize)).map(|(path, _)| path.clone()).collect()
    }

    /// True where an entry is a folder that is a video.
    fn is_video(&mut self, place: usize) -> bool {
        if self.videos.is_none() && self.entries.iter().filter(|(_, is_dir)| *is_dir).take(MANY).count() == MANY {
            let is_video = |(path, is_dir): &(PathBuf, bool)| *is_dir && is_video_folder(path);
            self.videos = Some(self.entries.par_iter().map(is_video).collect());
        }
        match &self.videos {
            Some(known) => known.get(place).copied().unwrap_or(false),
            None => self.entries.get(place).is_some_and(|(path, is_dir)| *is_dir && is_video_folder(path)),
        }
    }
}

/// A folder of videos: directly below the root, or in one of these that is called like a folder of videos.
#[derive(Clone, Debug)]
struct Inner {
    path: PathBuf,
    /// The split it is called after.
    split: Split,
    /// Letters and digits of its name.
    name: String,
}

impl Inner {
    fn of(path: PathBuf) -> Self {
        Self { split: split_of_dir(&path).unwrap_or_default(), name: compact(&file_name(&path)), path }
    }
}

/// Finds files as lists write them, in this order: below the dataset, below the folder of the split, below one of its
/// other folders; with ever fewer leading folders, which are those of another machine; each exactly, then without case and
/// with accents composed, then by the name without its ending; at last by the file name anywhere. One listing a folder, and
/// nothing outside the opened one.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    root: &'a Path,
    folders: HashMap<PathBuf, Folder>,
    inner: Arc<[Inner]>,
    /// The inner folders by the split and by the name they are called after.
    of_split: HashMap<Split, Vec<PathBuf>>,
    of_name: HashMap<String, Vec<PathBuf>>,
    /// Which inner folders hold a name, folded, with or without its ending.
    holders: Option<HashMap<String, Few>>,
    /// Folders of videos in folders of videos (`videos/train`) are among the inner ones.
    second: bool,
    /// Files in the folder of another split are never meant.
    own_split: bool,
    /// Names of classes: a file in the folder of one belongs to no other.
    classes: BTreeSet<String>,
    /// Searches whole trees for what is not where it should be.
    deep: bool,
    everywhere: Option<HashMap<String, Vec<PathBuf>>>,
    /// Files that what was not found fits, where they are several.
    several: Vec<PathBuf>,
    /// The empty folder that what was not found names.
    empty: Option<PathBuf>,
}

impl<'a> Finder<'a> {
    /// Below `root`; `deep` searches all of it for what is not found otherwise.
    pub(super) fn new(root: &'a Path, deep: bool) -> Self {
        let mut out = Self {
            root,
            folders: HashMap::new(),
            inner: Arc::default(),
            of_split: HashMap::new(),
            of_name: HashMap::new(),
            holders: None,
            second: false,
            own_split: false,
            classes: BTreeSet::new(),
            deep,
            everywhere: None,
            several: Vec::new(),
            empty: None,
        };
        out.search_in(peek(root).dirs.into_iter().map(Inner::of).collect());
        out
    }

    fn search_in(&mut self, inner: Vec<Inner>) {
        (self.holders, self.of_split, self.of_name) = Default::default();
        for dir in &inner {
            if dir.split != Split::Unassigned {
                self.of_split.entry(dir.split).or_default().push(dir.path.clone());
            }
            self.of_name.entry(dir.name.clone()).or_default().push(dir.path.clone());
        }
        self.inner = inner.into();
    }

    /// Tells the names of classes.
    pub(super) fn with_classes<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.classes = names.into_iter().map(compact).collect();
        self
    }

    /// Keeps rows of a split out of the folders of others, where the same names stand for other files.
    pub(super) fn within_splits(mut self) -> Self {
        self.own_split = true;
        self
    }

    /// Files that what was looked for last, and not found, fits: nobody knows which is meant.
    pub(super) fn take_several(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.several)
    }

    /// Leaves out the row whose video was looked for last and is not there.
    pub(super) fn missing(&mut self, ignored: &mut Ignored<'_>, draft: &mut Draft, line: u32, written: &str) {
        let several = self.take_several();
        match self.empty.take().filter(|_| several.is_empty()) {
            Some(folder) => {
                let message = format!(
                    "listed in {} line {line}, but it is a folder without pictures; copy them there or remove the row",
                    ignored.name()
                );
                let name = Some(relative_name(self.root, &folder));
                ignored.enter(draft, (line, Reason::EmptyFolder), name, written);
                ignored.note(draft, "more folders listed here hold no pictures", folder, message);
            }
            None => ignored.missing(draft, self.root, line, written, &several),
        }
    }

    /// The video that a row means: a file, or a folder of pictures.
    pub(super) fn find(&mut self, written: &str, hint: &Hint<'_>) -> Option<Found> {
        self.empty = None;
        let found = self.search(written, hint);
        if found.is_some() {
            self.several.clear();
        }
        found
    }

    fn search(&mut self, written: &str, hint: &Hint<'_>) -> Option<Found> {
        if written.len() > LONGEST {
            return None;
        }
        let written = written.replace('\\', "/");
        let parts: Vec<&str> = written.split('/').map(str::trim).filter(|p| !p.is_empty() && *p != ".").collect();
        if parts.is_empty() || parts.contains(&"..") {
            return None;
        }
        let mut found = self.in_folders(&parts, hint);
        if found.is_none() && self.look_deeper() {
            found = self.in_folders(&parts, hint);
        }
        if found.is_some() || !self.deep {
            return found;
        }
        let name = folded(&stem(Path::new(parts.last()?)));
        let root = self.root;
        let everywhere = self.everywhere.get_or_insert_with(|| {
            let mut all = HashMap::new();
            index(root, 0, &mut all);
            all
        });
        let hits = everywhere.get(&name).cloned().unwrap_or_default();
        let path = self.choose(hits, hint)?;
        let respelt = !same_stem(&path, &parts);
        Some(Found { path, respelt })
    }

    /// Among the folders whose names tell that they are meant, then in the other inner ones.
    fn in_folders(&mut self, parts: &[&str], hint: &Hint<'_>) -> Option<Found> {
        let bases = self.bases(hint);
        let inner = self.inner.clone();
        let own_split = self.own_split;
        let foreign = |i: &Inner| own_split && i.split != hint.split && i.split != Split::Unassigned;
        let own = |i: &&Inner| hint.split == Split::Unassigned || !foreign(i);
        for start in 0..parts.len() {
            let tail = &parts[start..];
            for how in [How::Exact, How::Folded, How::Stem] {
                let first = bases.iter().find_map(|base| self.lookup(base, tail, how));
                let path = match first {
                    Some(path) => Some(path),
                    None => {
                        let holders = self.holders(tail);
                        let dirs = holders.iter().filter_map(|i| inner.get(*i as usize)).filter(own);
                        let hits = dirs.filter_map(|dir| self.lookup(&dir.path, tail, how)).collect();
                        self.choose(hits, hint)
                    }
                };
                if let Some(path) = path {
                    let respelt = how == How::Folded || (how == How::Stem && !same_stem(&path, tail));
                    return Some(Found { path, respelt });
                }
            }
        }
        None
    }

    /// The inner folders that hold what a path begins with.
    fn holders(&mut self, tail: &[&str]) -> Vec<u32> {
        if self.holders.is_none() {
            let inner = self.inner.clone();
            // Where there are very many they are videos themselves, and no folders of videos.
            let searched: Vec<bool> = match inner.len() > MOST_SEARCHED {
                true => inner.par_iter().map(|dir| !plainly_holds_pictures(&dir.path)).collect(),
                false => vec![true; inner.len()],
            };
            let mut all: HashMap<String, Few> = HashMap::new();
            for (i, dir) in inner.iter().enumerate().filter(|(i, _)| searched.get(*i).copied().unwrap_or(true)) {
                let folder = self.folder(&dir.path);
                for name in folder.folded.keys().chain(folder.stems.keys()) {
                    Few::push(&mut all, name.clone(), i);
                }
            }
            self.holders = Some(all);
        }
        let (Some(all), Some(first)) = (&self.holders, tail.first()) else { return Vec::new() };
        let of = |name: &str| all.get(name).map_or(&[] as &[u32], Few::places);
        let mut out = of(&folded(first)).to_vec();
        if tail.len() == 1 {
            out.extend(of(&folded(&stem(Path::new(first)))));
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Adds the folders of videos in the inner ones; false where that was done before, or there are none.
    fn look_deeper(&mut self) -> bool {
        if std::mem::replace(&mut self.second, true) {
            return false;
        }
        let known = self.inner.len();
        let outer = self.inner.iter().filter(|i| is_container(&i.path));
        let more = outer.flat_map(|i| peek(&i.path).dirs).filter(|d| is_container(d)).map(Inner::of);
        let all: Vec<Inner> = self.inner.iter().cloned().chain(more).collect();
        self.search_in(all);
        self.inner.len() > known
    }

    /// Where to look first.
    fn bases(&self, hint: &Hint<'_>) -> Vec<PathBuf> {
        let mut out = vec![self.root.to_path_buf()];
        out.extend(hint.list.filter(|l| *l != self.root).map(Path::to_path_buf));
        out.extend(self.of_split.get(&hint.split).into_iter().flatten().cloned());
        out.extend(hint.class.and_then(|class| self.of_name.get(&compact(class))).into_iter().flatten().cloned());
        out
    }

    fn lookup(&mut self, base: &Path, tail: &[&str], how: How) -> Option<PathBuf> {
        let (last, dirs) = tail.split_last()?;
        let mut at = base.to_path_buf();
        let between = if how == How::Exact { How::Exact } else { How::Folded };
        for dir in dirs {
            let folder = self.folder(&at);
            let (path, is_dir) = folder.entries.get(folder.get(dir, between)?)?;
            if !is_dir {
                return None;
            }
            at = path.clone();
        }
        let folder = self.folder(&at);
        let found = folder.get(last, how);
        let Some((path, is_dir)) = found.and_then(|place| folder.entries.get(place)).cloned() else {
            let several = folder.several(last, how);
            if self.several.is_empty() {
                self.several = several;
            }
            return None;
        };
        // A folder without pictures is no video.
        if !is_dir || found.is_some_and(|place| folder.is_video(place)) {
            return Some(path);
        }
        let listing = peek(&path);
        if listing.dirs.is_empty() && listing.videos().next().is_none() {
            self.empty.get_or_insert(path);
        }
        None
    }

    fn folder(&mut self, dir: &Path) -> &mut Folder {
        self.folders.entry(dir.to_path_buf()).or_insert_with(|| Folder::read(dir))
    }

    /// The only one of several files, or the only one in a folder of the class. A file in the folder of another class is
    /// never meant.
    fn choose(&mut self, hits: Vec<PathBuf>, hint: &Hint<'_>) -> Option<PathBuf> {
        let wanted = hint.class.map(compact);
        let folders = |p: &Path| -> Vec<String> {
            let below = p.strip_prefix(self.root).unwrap_or(p).parent().map(Path::to_path_buf).unwrap_or_default();
            below.components().map(|c| compact(&c.as_os_str().to_string_lossy())).collect()
        };
        let foreign = |p: &PathBuf| {
            folders(p).iter().any(|f| self.classes.contains(f) && Some(f) != wanted.as_ref()) && wanted.is_some()
        };
        let hits: Vec<PathBuf> = hits.into_iter().filter(|p| !foreign(p)).collect();
        match hits.as_slice() {
            [one] => Some(one.clone()),
            many => {
                let mut of_class = many.iter().filter(|p| folders(p).iter().any(|f| Some(f) == wanted.as_ref()));
                let first = of_class.next().cloned().filter(|_| of_class.next().is_none());
                if first.is_none() && self.several.is_empty() {
                    self.several = many.to_vec();
                }
                first
            }
        }
    }
}

/// Finds the video of each id once, where many rows name the same.
#[derive(Debug)]
pub(super) struct ByIds<'a> {
    finder: Finder<'a>,
    /// What was found; else several files that fit.
    known: HashMap<String, Result<Found, Vec<PathBuf>>>,
}

impl<'a> ByIds<'a> {
    /// Anywhere below `root`.
    pub(super) fn new(root: &'a Path) -> Self {
        Self { finder: Finder::new(root, true), known: HashMap::new() }
    }

    /// The video called like the id behind one of the prefixes, which may be folders.
    ///
    /// # Errors
    /// Files that fit, where they are several; nothing where there is none.
    pub(super) fn find(&mut self, id: &str, split: Split, prefixes: &[&str]) -> Result<Found, &[PathBuf]> {
        if !self.known.contains_key(id) {
            let hint = Hint { split, ..Hint::default() };
            let found = prefixes.iter().find_map(|prefix| self.finder.find(&format!("{prefix}{id}"), &hint));
            let found = found.ok_or_else(|| self.finder.take_several());
            self.known.insert(id.to_owned(), found);
        }
        match self.known.get(id) {
            Some(Ok(found)) => Ok(found.clone()),
            Some(Err(several)) => Err(several),
            None => Err(&[]),
        }
    }
}

/// Letters and digits only, without case: folders of classes are spelt in many ways.
pub(super) fn compact(name: &str) -> String {
    folded(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn same_stem(path: &Path, written: &[&str]) -> bool {
    written.last().is_some_and(|w| stem(Path::new(w)) == stem(path))
}

/// True for a folder of pictures, or of streams of one video.
fn is_video_folder(dir: &Path) -> bool {
    if plainly_holds_pictures(dir) {
        return true;
    }
    let listing = peek(dir);
    listing.images().next().is_some() || listing.is_one_video()
}

/// Videos and frame folders below `dir`, by their folded names without endings.
fn index(dir: &Path, depth: usize, out: &mut HashMap<String, Vec<PathBuf>>) {
    let listing = peek(dir);
    let pictures = listing.is_frame_folder() || listing.is_one_video();
    let here = listing.files.iter().filter(|f| is_video(f) || is_image(f));
    for path in here {
        out.entry(folded(&stem(path))).or_default().push(path.clone());
    }
    if depth > 0 && pictures {
        out.entry(folded(&file_name(dir))).or_default().push(dir.to_path_buf());
    }
    if depth < MAX_DEPTH {
        for sub in &listing.dirs {
            index(sub, depth + 1, out);
        }
    }
}

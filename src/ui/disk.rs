//! What the window asks the disk. Questions are answered on a thread of their own, so that a slow disk, or one at the other
//! end of a network, never holds a frame: asking returns what is known, and the window is woken when there is more.

use super::awaited::{Awaited, Wake};
use super::drawn::{Drawn, Form};
use crate::config::RunConfig;
use crate::domain::{ClassSet, RgbImage};
use crate::files::claims_to_be_run;
use crate::jobs::{holds_export, read_classes};
use crate::progress::panic_reason;
use crate::run_folder::{MODEL_FILE, suggestion, taken};
use parking_lot::{Condvar, Mutex};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An answer is taken for the truth this long; after that it is shown until there is another one.
const FRESH: Duration = Duration::from_secs(1);
/// A disk that nobody waits for answers within this time, so that nothing flickers for it.
const AT_ONCE: Duration = Duration::from_millis(8);
/// How long a window that closes waits for a file that is being written.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Answers kept.
const KEPT: usize = 256;
/// Questions that wait; older ones are asked again by whoever still wants to know.
const WAITING: usize = 64;

/// A question about the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// What is at a path?
    At(PathBuf),
    /// Does a folder hold an export of heatmaps?
    HoldsExport(PathBuf),
    /// Which folder is free for a new run, beside the dataset with this root, named after this?
    RunFolder(Option<PathBuf>, String),
    /// Which folder is free for an export of the run in this folder?
    ExportFolder(PathBuf),
    /// Which folder is free for the labels of the dataset with this root?
    LabelFolder(PathBuf),
    /// Where does the demo dataset go when nobody says otherwise?
    DemoFolder,
    /// Which classes does a file list?
    Classes(String),
    /// Which configuration is in a file?
    Config(PathBuf),
    /// Write this text to a file.
    SaveText(PathBuf, String),
    /// Draw something and write it to a file.
    SaveDrawn(PathBuf, Form, Drawn),
    /// Draw something.
    Draw(Drawn),
    /// Open a file with the program this system has for it.
    ShowFile(PathBuf),
}

impl Question {
    /// True for work that must be done once, and to its end.
    fn writes(&self) -> bool {
        matches!(self, Self::SaveText(..) | Self::SaveDrawn(..))
    }
}

/// What is at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Something.
    pub exists: bool,
    /// A file.
    pub file: bool,
    /// A folder.
    pub folder: bool,
    /// A folder with a run in it.
    pub run: bool,
    /// Something that a new run must not replace.
    pub taken: bool,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Question::At`].
    At(Found),
    /// To [`Question::HoldsExport`].
    Holds(bool),
    /// To the questions about folders.
    Folder(PathBuf),
    /// To [`Question::Classes`]; a sentence where it lists none.
    Classes(Result<ClassSet, String>),
    /// To [`Question::Config`]; a sentence where there is none.
    Config(Result<Box<RunConfig>, String>),
    /// To [`Question::Draw`]; a sentence where there is nothing to draw.
    Drawn(Result<RgbImage, String>),
    /// To the questions that ask for something to be done; a sentence where it was not.
    Saved(Result<(), String>),
}

/// What is done once the disk has answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// Open whatever is there: a run, a dataset, a video, weights.
    Open(PathBuf),
    /// Open the demo dataset, or make it.
    Demo,
    /// The same, once it is known where it is.
    OpenDemo(PathBuf),
    /// Open the dataset of a run that was opened alone.
    DatasetOfRun(PathBuf),
    /// Open the dataset of the last session, where it is still there.
    RestoreDataset(PathBuf),
    /// Open a run of the last session, where it is still there.
    RestoreRun(PathBuf),
    /// Offer the folder in the open dialog.
    Suggest,
    /// Start a training with this configuration in the folder that is free.
    StartTraining(Box<RunConfig>),
    /// Say that a file was written, or why not.
    TellSaved(PathBuf),
    /// Put what was drawn on the clipboard.
    CopyPicture,
    /// Say why a file could not be shown.
    TellShown,
}

/// Who answers. A test puts one in its place that takes its time.
pub trait Probe: Send + Sync {
    /// Answers a question; called on a thread of its own.
    fn answer(&self, question: &Question) -> Answer;
}

/// The disk of this machine.
pub struct RealDisk;

impl Probe for RealDisk {
    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::At(path) => Answer::At(look(path)),
            Question::HoldsExport(path) => Answer::Holds(holds_export(path)),
            Question::RunFolder(root, name) => Answer::Folder(suggestion(root.as_deref(), name)),
            Question::ExportFolder(run) => Answer::Folder(free_export(run)),
            Question::LabelFolder(root) => Answer::Folder(free_beside(root, "labels")),
            Question::DemoFolder => Answer::Folder(demo_folder()),
            Question::Classes(file) => Answer::Classes(read_classes(file).map_err(|e| e.to_string())),
            Question::Config(path) => Answer::Config(RunConfig::load(path).map(Box::new).map_err(|e| e.to_string())),
            Question::ShowFile(path) => Answer::Saved(show_file(path)),
            Question::SaveText(path, text) => Answer::Saved(write(path, text.as_bytes())),
            Question::SaveDrawn(path, form, drawn) => {
                Answer::Saved(drawn.bytes(*form).and_then(|bytes| write(path, &bytes)))
            }
            Question::Draw(drawn) => Answer::Drawn(drawn.pixels()),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let failed = |e| format!("cannot write {}: {e}; choose a folder you may write to", path.display());
    crate::files::replace(path, bytes).map_err(failed)
}

/// Has the program of this system for a file open it, and does not wait for it to end.
fn show_file(path: &Path) -> Result<(), String> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let failed = |why: String| format!("{} cannot be opened from here ({why}): open it in a browser.", path.display());
    let quiet = std::process::Stdio::null;
    let started = std::process::Command::new(program).arg(path).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    let mut child = started.map_err(|e| failed(format!("{program}: {e}")))?;
    // Its end is waited for, so that the system can forget it.
    let wait = move || drop(child.wait());
    std::thread::Builder::new().name("shown file".into()).spawn(wait).map(drop).map_err(|e| failed(e.to_string()))
}

/// A checkpoint folder is opened as the run it lies in.
fn look(path: &Path) -> Found {
    let (file, folder) = (path.is_file(), path.is_dir());
    let run = folder && (claims_to_be_run(path) || path.join(MODEL_FILE).is_file());
    Found { exists: file || folder || path.exists(), file, folder, run, taken: taken(path) }
}

/// A folder of its own for each export, unless somebody names another.
fn free_export(run: &Path) -> PathBuf {
    let parent = run.join("visualizations");
    let named = |n: u32| parent.join(if n == 1 { "window".to_owned() } else { format!("window-{n}") });
    (1..1000).map(named).find(|p| !p.exists()).unwrap_or_else(|| named(1))
}

/// A folder that is not there yet, beside another and called after it.
fn free_beside(folder: &Path, what: &str) -> PathBuf {
    let parent = folder.parent().unwrap_or(folder);
    let stem = format!("{}-{what}", crate::domain::leaf(folder));
    let named = |n: u32| parent.join(if n == 1 { stem.clone() } else { format!("{stem}-{n}") });
    (1..1000).map(named).find(|p| !p.exists()).unwrap_or_else(|| named(1))
}

fn demo_folder() -> PathBuf {
    let documents = directories::UserDirs::new().and_then(|d| d.document_dir().map(Path::to_path_buf));
    let home = directories::UserDirs::new().map(|d| d.home_dir().to_path_buf());
    documents.or(home).unwrap_or_else(|| PathBuf::from(".")).join("kinolens-demo")
}

#[derive(Default)]
struct Inner {
    /// Work that must be done, and questions that something waits for: in order.
    first: VecDeque<Question>,
    /// Other questions: the newest is answered first, since the others may be of a text that was typed on.
    others: Vec<Question>,
    busy: Option<Question>,
    answers: HashMap<Question, (Result<Answer, String>, Instant)>,
    started: bool,
    closed: bool,
}

impl Inner {
    fn asked(&self, question: &Question) -> bool {
        self.busy.as_ref() == Some(question) || self.first.contains(question) || self.others.contains(question)
    }

    fn idle(&self) -> bool {
        self.busy.is_none() && self.first.is_empty() && self.others.is_empty()
    }

    fn writing(&self) -> bool {
        self.busy.iter().chain(&self.first).any(Question::writes)
    }

    fn next(&mut self) -> Option<Question> {
        if self.closed {
            let at = self.first.iter().position(Question::writes)?;
            return self.first.remove(at);
        }
        self.first.pop_front().or_else(|| self.others.pop())
    }

    fn known(&self, question: &Question) -> Awaited<Answer> {
        let asked = self.asked(question);
        match self.answers.get(question) {
            Some((Ok(answer), _)) if asked => Awaited::Pending(Some(answer.clone())),
            Some((Ok(answer), _)) => Awaited::Ready(answer.clone()),
            Some((Err(sentence), _)) => Awaited::Unavailable(sentence.clone()),
            None if asked => Awaited::Pending(None),
            None => Awaited::NotAsked,
        }
    }
}

struct Shared {
    inner: Mutex<Inner>,
    work: Condvar,
    answered: Condvar,
    probe: Arc<dyn Probe>,
    wake: Wake,
}

/// See the module's documentation. Dropping it ends the thread, after what is being written.
pub struct Disk(Arc<Shared>);

impl Default for Disk {
    fn default() -> Self {
        Self::new(Arc::new(RealDisk), Arc::new(|| {}))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut inner = self.0.inner.lock();
        inner.closed = true;
        self.0.work.notify_all();
        let end = Instant::now() + LAST_WORDS;
        while inner.writing() && !self.0.answered.wait_until(&mut inner, end).timed_out() {}
    }
}

impl Disk {
    /// `wake` is called when something new is known. The thread starts with the first question.
    pub fn new(probe: Arc<dyn Probe>, wake: Wake) -> Self {
        let (inner, work, answered) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self(Arc::new(Shared { inner, work, answered, probe, wake }))
    }

    /// What is at a path.
    pub fn at(&self, path: &Path) -> Awaited<Found> {
        self.ask(Question::At(path.to_path_buf())).and_then(|a| if let Answer::At(f) = a { Some(f) } else { None })
    }

    /// Whether a folder holds an export.
    pub fn holds_export(&self, path: &Path) -> Awaited<bool> {
        let asked = self.ask(Question::HoldsExport(path.to_path_buf()));
        asked.and_then(|a| if let Answer::Holds(yes) = a { Some(yes) } else { None })
    }

    /// A free folder for a run, beside a dataset and named after something.
    pub fn run_folder(&self, root: Option<&Path>, name: &str) -> Awaited<PathBuf> {
        let asked = self.ask(Question::RunFolder(root.map(Path::to_path_buf), name.to_owned()));
        asked.and_then(|a| if let Answer::Folder(path) = a { Some(path) } else { None })
    }

    /// The classes a file lists, or why there are none.
    pub fn classes(&self, file: &str) -> Awaited<Result<ClassSet, String>> {
        let asked = self.ask(Question::Classes(file.to_owned()));
        asked.and_then(|a| if let Answer::Classes(listed) = a { Some(listed) } else { None })
    }

    /// What is known about a question. It is asked where it was not, or not of late.
    pub fn ask(&self, question: Question) -> Awaited<Answer> {
        let mut inner = self.0.inner.lock();
        let fresh = inner.answers.get(&question).is_some_and(|(_, at)| at.elapsed() < FRESH || question.writes());
        if !fresh && !inner.asked(&question) {
            let idle = inner.idle() && !inner.answers.contains_key(&question);
            inner.others.push(question.clone());
            if inner.others.len() > WAITING {
                inner.others.remove(0);
            }
            self.begin(&mut inner);
            self.give_a_moment(&mut inner, &question, idle);
        }
        inner.known(&question)
    }

    /// Asks anew, whatever is known, before anything else that is only asked: something waits for the answer.
    pub fn ask_first(&self, question: Question) {
        let mut inner = self.0.inner.lock();
        inner.answers.remove(&question);
        inner.others.retain(|q| *q != question);
        if !inner.first.contains(&question) {
            let idle = inner.idle();
            inner.first.push_back(question.clone());
            self.begin(&mut inner);
            self.give_a_moment(&mut inner, &question, idle);
        }
    }

    /// What is known about a question, without asking.
    pub fn known(&self, question: &Question) -> Awaited<Answer> {
        self.0.inner.lock().known(question)
    }

    /// Forgets what is known, where something depends on how it is now.
    pub fn forget(&self) {
        self.0.inner.lock().answers.retain(|question, _| question.writes());
    }

    /// True while a file is being written.
    pub fn writing(&self) -> bool {
        self.0.inner.lock().writing()
    }

    fn begin(&self, inner: &mut Inner) {
        self.0.work.notify_one();
        if inner.started {
            return;
        }
        inner.started = true;
        let theirs = self.0.clone();
        if let Err(error) = std::thread::Builder::new().name("disk".into()).spawn(move || work(&theirs)) {
            log::error!("the disk cannot be asked, its thread does not start: {error}");
            // Tried again with the next question.
            inner.started = false;
            let told = format!("the disk cannot be asked, no thread can be started for it ({error})");
            let waiting: Vec<Question> = inner.first.drain(..).chain(inner.others.drain(..)).collect();
            inner.answers.extend(waiting.into_iter().map(|q| (q, (Err(told.clone()), Instant::now()))));
        }
    }

    /// Waits for the answer of a disk that is quick, but never behind another question.
    fn give_a_moment(&self, inner: &mut parking_lot::MutexGuard<'_, Inner>, question: &Question, idle: bool) {
        let end = Instant::now() + AT_ONCE;
        while idle && inner.asked(question) && !self.0.answered.wait_until(inner, end).timed_out() {}
    }
}

/// The thread.
fn work(shared: &Shared) {
    loop {
        let question = {
            let mut inner = shared.inner.lock();
            loop {
                match inner.next() {
                    Some(question) => {
                        inner.busy = Some(question.clone());
                        break question;
                    }
                    None if inner.closed => return,
                    None => shared.work.wait(&mut inner),
                }
            }
        };
        let answer = catch_unwind(AssertUnwindSafe(|| shared.probe.answer(&question)));
        let answer = answer
            .map_err(|panic| format!("the disk cannot be asked: an internal error ({})", panic_reason(panic.as_ref())));
        let news = {
            let mut inner = shared.inner.lock();
            inner.busy = None;
            let before = inner.answers.insert(question, (answer.clone(), Instant::now()));
            if inner.answers.len() > KEPT {
                let oldest = inner.answers.iter().min_by_key(|(_, (_, at))| *at).map(|(q, _)| q.clone());
                oldest.and_then(|q| inner.answers.remove(&q));
            }
            before.is_none_or(|(known, _)| known != answer)
        };
        shared.answered.notify_all();
        if news {
            (shared.wake)();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits until a question is answered.
    fn answered(disk: &Disk, question: &Question) -> Awaited<Answer> {
        let begun = Instant::now();
        loop {
            match disk.ask(question.clone()) {
                Awaited::Pending(_) | Awaited::NotAsked => {}
                known => return known,
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "no answer to {question:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn what_is_on_the_disk_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (run, disk) = (dir.path().join("run"), Disk::default());
        std::fs::create_dir(&run).unwrap();
        for name in crate::files::RUN_FILES {
            std::fs::write(run.join(name), "()").unwrap();
        }
        let at = |path: &Path| answered(&disk, &Question::At(path.to_path_buf()));
        let found = Found { exists: true, file: false, folder: true, run: true, taken: true };
        assert_eq!(at(&run), Awaited::Ready(Answer::At(found)));
        let file = Found { exists: true, file: true, folder: false, run: false, taken: true };
        assert_eq!(at(&run.join("config.ron")), Awaited::Ready(Answer::At(file)));
        assert_eq!(at(&dir.path().join("none")), Awaited::Ready(Answer::At(Found::default())));
        assert_eq!(
            answered(&disk, &Question::ExportFolder(run.clone())),
            Awaited::Ready(Answer::Folder(run.join("visualizations/window")))
        );
    }

    #[test]
    fn a_saved_configuration_opens_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.ron");
        let mut config = RunConfig::reference();
        config.training.epochs = 7;
        let disk = Disk::default();
        let save = Question::SaveText(path.clone(), config.to_ron());
        disk.ask_first(save.clone());
        // Nothing that was asked to be written is lost when the window closes.
        drop(disk);
        let disk = Disk::default();
        let Awaited::Ready(Answer::Config(Ok(read))) = answered(&disk, &Question::Config(path.clone())) else {
            panic!("the configuration is not there")
        };
        assert_eq!(*read, config);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            let ordinary = dir.path().join("ordinary");
            std::fs::write(&ordinary, "").unwrap();
            assert_eq!(mode(&path), mode(&ordinary), "others may not read it as they may read any new file");
        }
        let nowhere = Question::SaveText(dir.path().join("no/such/c.ron"), config.to_ron());
        let Awaited::Ready(Answer::Saved(Err(told))) = answered(&disk, &nowhere) else {
            panic!("it cannot be written")
        };
        assert!(told.contains("cannot write"), "{told}");
    }

    /// Answers when it is let, and panics for a path called "broken".
    struct Gate(Mutex<bool>, Condvar);

    impl Probe for Gate {
        fn answer(&self, question: &Question) -> Answer {
            let mut open = self.0.lock();
            while !*open {
                self.1.wait(&mut open);
            }
            assert!(*question != Question::At("broken".into()), "the cable is cut");
            Answer::At(Found::default())
        }
    }

    #[test]
    fn asking_a_disk_that_is_late_returns_at_once_and_a_panic_is_a_sentence() {
        let gate = Arc::new(Gate(Mutex::new(false), Condvar::new()));
        let disk = Disk::new(gate.clone(), Arc::new(|| {}));
        for i in 0..100 {
            assert_eq!(disk.at(Path::new(&format!("{}", i % 5))), Awaited::Pending(None));
        }
        *gate.0.lock() = true;
        gate.1.notify_all();
        assert_eq!(answered(&disk, &Question::At("3".into())), Awaited::Ready(Answer::At(Found::default())));
        let Awaited::Unavailable(told) = answered(&disk, &Question::At("broken".into())) else { panic!("it answers") };
        assert!(told.contains("the cable is cut"), "{told}");
        assert_eq!(answered(&disk, &Question::At("4".into())), Awaited::Ready(Answer::At(Found::default())));
        // While it is asked again, what was known is shown.
        *gate.0.lock() = false;
        std::thread::sleep(FRESH + Duration::from_millis(50));
        assert_eq!(disk.at(Path::new("3")), Awaited::Pending(Some(Found::default())));
        *gate.0.lock() = true;
        gate.1.notify_all();
    }
}

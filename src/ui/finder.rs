//! What the palette finds: every action and every thing, by letters in order, ranked by the workspace.

use super::Action;
use super::action::{ChooseAction, OpenAction, WindowAction, WorkAction};
use super::arrangement::Draft;
use super::commands::{COMMANDS, Command, Menu};
use super::derived::Same;
use super::panels::PANELS;
use super::state::{AppState, Filter, Recent, Workspace};
use super::video_rows::with_part;
use crate::config::{KEYS, PRESETS};
use crate::domain::{Dataset, leaf};
use crate::jobs::{CheckpointRef, ClipRef, RunView, SplitChoice};
use crate::run_folder::Predictions;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Things listed at most: whoever wants another one types on.
pub const LISTED: usize = 60;
/// Things of one kind at most, so that a thousand clips do not hide a setting.
const OF_A_KIND: usize = 12;
/// Letters before things are looked for besides actions.
const LETTERS: usize = 2;

/// Words that people use for an action that is called otherwise.
const WORDS: &[(&str, &str)] = &[
    ("Start training", "start fit run learn"),
    ("Pause training", "hold wait"),
    ("Resume the paused training", "resume continue"),
    ("Stop training now", "cancel abort end"),
    ("Evaluate the checkpoint in use", "test score judge accuracy metrics"),
    ("Open a plan of trainings…", "experiment sweep grid search"),
    ("Make a plan of trainings…", "experiment sweep grid search hyperparameter seeds folds cross-validation queue"),
    ("Compare runs…", "runs side by side difference significance"),
    ("Open a run…", "runs checkpoint folder model"),
    ("Import PyTorch weights…", "pretrained pth safetensors torch"),
    ("Make the demo dataset…", "example sample try"),
    ("Next sample of the augmentation", "augment augmentation preview"),
    ("Label map…", "rename merge classes"),
    ("Report…", "html share pdf"),
    ("Export heatmaps…", "save video mp4 share"),
    ("Look at the worst confusion", "most confused pairs mistakes"),
    ("Clear the filter", "show all videos"),
    ("All keys", "shortcuts help"),
    ("Light or dark theme", "colours appearance"),
];

/// What was found.
#[derive(Clone, Debug)]
pub enum Target {
    /// An action.
    Command(&'static Command),
    /// A panel, by its id.
    Panel(&'static str),
    /// A video, by its name.
    Video(String),
    /// A subject.
    Subject(String),
    /// A class of the dataset, by its position.
    Class(usize),
    /// A clip of the evaluation in sight.
    Clip(ClipRef),
    /// A run, by its folder.
    Run(PathBuf),
    /// A checkpoint of a run.
    Checkpoint(CheckpointRef),
    /// Which clips an evaluation is on.
    Split(SplitChoice),
    /// A tag, put on the chosen clip or taken off.
    ClipTag(String),
    /// A tag of videos.
    VideoTag(String),
    /// A setting of a training, by its key.
    Setting(&'static str),
    /// A preset, by its position.
    Preset(usize),
    /// Something that was open before.
    Recent(PathBuf),
}

/// Something that was found, as it is listed.
#[derive(Clone, Debug)]
pub struct Thing {
    /// What it is called.
    pub title: String,
    /// Of what kind it is, and its key where it has one.
    pub kind: String,
    /// What it is.
    pub target: Target,
}

/// What a list of things follows from.
#[derive(Clone, Debug, PartialEq)]
pub struct FinderKey {
    query: String,
    workspace: Workspace,
    dataset: Same<Dataset>,
    runs: Vec<Same<RunView>>,
    clips: Same<Predictions>,
    recent: Vec<Recent>,
    notes: u64,
    tags: usize,
}

impl FinderKey {
    /// What a query is answered from now.
    pub fn of(state: &AppState, query: &str) -> Self {
        Self {
            query: query.to_owned(),
            workspace: state.workspace,
            dataset: Same::maybe(state.dataset.as_ref()),
            runs: state.runs.iter().map(Same::of).collect(),
            clips: Same::maybe(state.evaluation().map(|e| &e.predictions)),
            recent: state.recent.clone(),
            notes: state.notes_revision,
            tags: Arc::as_ptr(&state.video_tags) as usize,
        }
    }
}

/// Lower is better: 0 where a text begins with the query, 1 at the beginning of a word, 2 anywhere, more for letters that
/// are scattered; `None` where a letter is missing.
pub fn score(text: &str, query: &str) -> Option<usize> {
    let (text, query) = (text.to_lowercase(), query.trim().to_lowercase());
    if query.is_empty() || text.starts_with(&query) {
        return Some(0);
    }
    if let Some(at) = text.find(&query) {
        let before = text[..at].chars().next_back();
        return Some(if before.is_some_and(|c| !c.is_alphanumeric()) { 1 } else { 2 });
    }
    // Every word somewhere, in any order.
    let mut words = query.split_whitespace();
    if query.contains(' ') && words.all(|word| text.contains(word)) {
        return Some(3);
    }
    let mut rest = text.chars();
    let mut gaps = 4;
    for wanted in query.chars().filter(|c| !c.is_whitespace()) {
        gaps += rest.position(|c| c == wanted)?;
    }
    Some(gaps)
}

/// A candidate with how well it fits; the smaller, the better.
struct Ranked {
    rank: (usize, usize, usize),
    thing: Thing,
}

/// The kinds of things that a workspace is about, the most important first.
fn about(workspace: Workspace) -> &'static [&'static str] {
    match workspace {
        Workspace::Data => &["video", "subject", "class", "tag"],
        Workspace::Train => &["setting", "preset", "run"],
        Workspace::Evaluate => &["clip", "class", "checkpoint", "split"],
        Workspace::Review => &["clip", "video", "checkpoint", "tag"],
        Workspace::Inside => &["checkpoint", "run", "clip"],
        Workspace::Compare => &["run", "checkpoint"],
    }
}

/// True where an action belongs to what a workspace is for.
fn belongs(command: &Command, workspace: Workspace) -> bool {
    match command.menu {
        Menu::Playback => matches!(workspace, Workspace::Data | Workspace::Review),
        Menu::Run => matches!(workspace, Workspace::Train | Workspace::Evaluate | Workspace::Compare),
        _ => false,
    }
}

struct Finder<'a> {
    query: &'a str,
    state: &'a AppState,
    found: Vec<Ranked>,
}

impl Finder<'_> {
    /// Scattered letters are only looked for in actions: in thousands of names they would be anywhere.
    fn fits(&self, text: &str, scattered: bool) -> Option<usize> {
        score(text, self.query).filter(|s| scattered || *s < 4)
    }

    fn commands(&mut self) {
        let workspace = self.state.workspace;
        for (i, command) in COMMANDS.iter().enumerate() {
            let words = WORDS.iter().find(|(title, _)| *title == command.title).map(|(_, words)| *words);
            let by_name = self.fits(command.title, true);
            let by_word = words.and_then(|w| w.split(' ').filter_map(|w| self.fits(w, false)).min()).map(|s| s + 1);
            let Some(score) = by_name.into_iter().chain(by_word).min() else { continue };
            let disabled = usize::from(!(command.enabled)(self.state));
            let elsewhere = usize::from(!belongs(command, workspace));
            let keys = command.keys.first().map_or_else(String::new, |k| k.text());
            let kind = format!("{}  {keys}", command.menu.title()).trim_end().to_owned();
            let thing = Thing { title: command.title.to_owned(), kind, target: Target::Command(command) };
            self.found.push(Ranked { rank: (score + 3 * disabled, elsewhere, i), thing });
        }
    }

    /// Things of one kind: what is looked at, and what it is called.
    fn things(&mut self, kind: &'static str, all: impl Iterator<Item = (String, String, Target)>) {
        let about = about(self.state.workspace);
        let place = about.iter().position(|k| *k == kind).map_or(about.len() + 2, |at| at + 1);
        let mut of_kind: Vec<Ranked> = Vec::new();
        for (order, (text, title, target)) in all.enumerate() {
            let Some(score) = self.fits(&text, false) else { continue };
            let thing = Thing { title, kind: kind.to_owned(), target };
            of_kind.push(Ranked { rank: (score + usize::from(place > about.len()), place, order), thing });
        }
        of_kind.sort_by_key(|r| r.rank);
        of_kind.truncate(OF_A_KIND);
        self.found.extend(of_kind);
    }

    fn of_dataset(&mut self) {
        let Some(dataset) = self.state.dataset.clone() else { return };
        let name = |name: &str| (name.to_owned(), name.to_owned());
        let with = |(text, title): (String, String), target| (text, title, target);
        let videos = dataset.videos.iter();
        self.things("video", videos.map(|v| with(name(&v.name), Target::Video(v.name.clone()))));
        let subjects: BTreeSet<&str> =
            dataset.videos.iter().map(|v| v.subject.as_str()).filter(|s| !s.is_empty()).collect();
        self.things("subject", subjects.into_iter().map(|s| with(name(s), Target::Subject(s.to_owned()))));
        let classes = dataset.classes.classes.iter().enumerate();
        self.things("class", classes.map(|(i, c)| with(name(&c.name), Target::Class(i))));
        let tags = self.state.video_tags.clone();
        let listed = tags.counts().into_iter();
        let titled = |(tag, n): (&str, usize)| {
            (tag.to_owned(), format!("Videos tagged '{tag}' ({n})"), Target::VideoTag(tag.to_owned()))
        };
        self.things("tag", listed.map(titled));
    }

    fn of_runs(&mut self) {
        let state = self.state;
        let run = |r: &Arc<RunView>| (leaf(&r.path), leaf(&r.path), Target::Run(r.path.clone()));
        self.things("run", state.runs.iter().map(run));
        let of_run = |r: &Arc<RunView>| {
            let (r, name) = (r.clone(), leaf(&r.path));
            let checkpoints: Vec<_> = r
                .checkpoints
                .iter()
                .map(|c| {
                    let title = format!("{} of {name}", super::widgets::network_pick::title(&r, c));
                    let checkpoint = CheckpointRef { run: r.path.clone(), name: Some(c.name.clone()) };
                    (title.clone(), title, Target::Checkpoint(checkpoint))
                })
                .collect();
            checkpoints
        };
        self.things("checkpoint", state.runs.iter().flat_map(of_run));
        if let Some(entry) = state.evaluation() {
            let classes = &entry.evaluation.classes;
            let clip = |p: &crate::run_folder::Prediction| {
                let truth = classes.name(p.truth);
                let said = match p.correct() {
                    true => format!("{truth} recognised"),
                    false => format!("{truth} predicted as {}", classes.name(p.predicted)),
                };
                let title = format!("{said}, frame {} of {}", p.start, p.video);
                let clip = ClipRef { video: p.video.clone(), start: p.start, cut: p.cut };
                (title.clone(), title, Target::Clip(clip))
            };
            self.things("clip", entry.predictions.clips.iter().map(clip));
        }
        let splits = [SplitChoice::Test, SplitChoice::Val, SplitChoice::Train, SplitChoice::All];
        let split = |s: SplitChoice| {
            let title = format!("Results on the {} split", s.name());
            (title.clone(), title, Target::Split(s))
        };
        self.things("split", splits.into_iter().map(split));
        if state.selection.clip.is_some() && state.run().is_some_and(|r| r.notes_problem.is_none()) {
            let notes = state.selection.run.as_ref().and_then(|run| state.notes.get(run));
            let tag = |t: String| {
                let title = format!("Tag the chosen clip: {t}");
                (title.clone(), title, Target::ClipTag(t))
            };
            self.things("tag", super::widgets::tags::known(notes).into_iter().map(tag));
        }
    }

    fn of_training(&mut self) {
        let setting = |k: &'static crate::config::ConfigKey| {
            let words = super::widgets::settings_words::words(k.path);
            (format!("{} {} {words}", k.name, k.path), format!("{}  ({})", k.name, k.path), Target::Setting(k.path))
        };
        self.things("setting", KEYS.iter().map(setting));
        let preset = |(i, p): (usize, &crate::config::Preset)| {
            (format!("preset {}", p.name), format!("Preset {}", p.name), Target::Preset(i))
        };
        self.things("preset", PRESETS.iter().enumerate().map(preset));
    }

    fn of_window(&mut self) {
        let panel = |p: &super::PanelSpec| {
            let at = p.workspaces.first().map_or("", |w| w.title());
            (format!("{} panel", p.title), format!("{} panel of {at}", p.title), Target::Panel(p.id))
        };
        self.things("panel", PANELS.iter().map(panel));
        let recent = self.state.recent.clone();
        let opened = |r: &Recent| {
            let (path, name) = (r.path(), leaf(r.path()));
            (format!("{name} {}", path.display()), format!("Open again: {name}"), Target::Recent(path.to_path_buf()))
        };
        self.things("recent", recent.iter().map(opened));
    }
}

/// What a query finds, the best first. An empty one lists the actions.
pub fn find(state: &AppState, query: &str) -> Vec<Thing> {
    let mut finder = Finder { query: query.trim(), state, found: Vec::new() };
    finder.commands();
    if finder.query.chars().count() >= LETTERS {
        finder.of_dataset();
        finder.of_runs();
        finder.of_training();
        finder.of_window();
    }
    let mut found = finder.found;
    found.sort_by_key(|r| r.rank);
    if !query.trim().is_empty() {
        found.truncate(LISTED);
    }
    found.into_iter().map(|r| r.thing).collect()
}

/// Whether something can be done with it now.
pub fn enabled(state: &AppState, target: &Target) -> bool {
    match target {
        Target::Command(command) => (command.enabled)(state),
        _ => true,
    }
}

/// What choosing it asks for.
pub fn actions(state: &AppState, target: &Target) -> Vec<Action> {
    let to = |workspace| Action::Window(WindowAction::SetWorkspace(workspace));
    let filter = |place: &str, value: &str| {
        Action::Choose(ChooseAction::SetFilter(Filter { text: with_part(&state.filter.text, place, value) }))
    };
    match target {
        Target::Command(command) => vec![(command.action)()],
        Target::Panel(id) => vec![WindowAction::ShowPanel((*id).to_owned()).into()],
        Target::Video(name) => {
            let here = matches!(state.workspace, Workspace::Data | Workspace::Review | Workspace::Inside);
            let place = (!here).then(|| to(Workspace::Data));
            [Action::Choose(ChooseAction::SelectVideo(name.clone()))].into_iter().chain(place).collect()
        }
        Target::Subject(name) => vec![filter("subject", name), to(Workspace::Data)],
        Target::Class(class) => {
            let chosen = Action::Choose(ChooseAction::SelectClass(Some(*class)));
            match state.workspace {
                Workspace::Data => vec![chosen, filter("class", state.classes().name(*class))],
                _ => vec![chosen],
            }
        }
        Target::Clip(clip) => vec![ChooseAction::ReviewClip(clip.clone()).into()],
        Target::Run(run) => {
            vec![ChooseAction::UseNetwork(CheckpointRef { run: run.clone(), name: None }).into()]
        }
        Target::Checkpoint(checkpoint) => vec![ChooseAction::UseNetwork(checkpoint.clone()).into()],
        Target::Split(split) => vec![ChooseAction::SelectSplit(*split).into(), to(Workspace::Evaluate)],
        Target::ClipTag(tag) => {
            let Some(clip) = state.selection.clip.clone() else { return Vec::new() };
            let mut note = state.note(&clip).cloned().unwrap_or_default();
            note.toggle(tag);
            vec![WorkAction::SetNote(clip, note).into()]
        }
        Target::VideoTag(tag) => vec![filter("tag", tag), to(Workspace::Data)],
        Target::Setting(path) => vec![WindowAction::FindSettings((*path).to_owned()).into()],
        Target::Preset(index) => {
            let preset = PRESETS.get(*index).map(|p| p.name.to_owned()).unwrap_or_default();
            let draft = Draft { preset, out: state.draft.out.clone(), ..Draft::default() };
            vec![WindowAction::SetDraft(Box::new(draft)).into(), to(Workspace::Train)]
        }
        Target::Recent(path) => vec![OpenAction::OpenAny(path.clone()).into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(query: &str) -> Vec<String> {
        find(&AppState::default(), query).into_iter().map(|t| t.title).collect()
    }

    #[test]
    fn letters_in_order_find_actions_and_whole_words_come_first() {
        assert_eq!(titles("next fr").first().map(String::as_str), Some("Next frame"));
        assert!(titles("mkdemo").iter().any(|t| t.starts_with("Make the demo")));
        assert!(titles("zzzz").is_empty());
        assert_eq!(titles("").len(), COMMANDS.len());
    }

    #[test]
    fn the_words_people_use_find_actions_and_settings() {
        for (query, wanted) in [
            ("start", "Start training"),
            ("augment", "Next sample of the augmentation"),
            ("compare", "Compare runs…"),
            ("runs", "Compare runs…"),
            ("resume", "Resume the paused training"),
            ("evaluate", "Evaluate the checkpoint in use"),
            ("demo", "Make the demo dataset…"),
            ("report", "Report…"),
            ("lr", "Learning rate  (optimizer.learning_rate)"),
            ("learning", "Learning rate  (optimizer.learning_rate)"),
            ("c3d", "Preset c3d"),
            ("statistics", "Statistics panel of Data"),
        ] {
            assert!(titles(query).iter().any(|t| t == wanted), "{query}: {:?}", titles(query));
        }
    }

    #[test]
    fn every_word_is_of_an_action() {
        for (title, _) in WORDS {
            assert!(COMMANDS.iter().any(|c| c.title == *title), "no action is called {title}");
        }
    }
}

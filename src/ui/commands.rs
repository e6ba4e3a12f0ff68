//! The table of named commands. Menus, keys, the palette and the key help are all drawn from it.

use super::action::Action;
use super::state::{AppState, Dialog, JobStatus, NextStep, PathPurpose, ThemeChoice, Workspace};
use crate::jobs::SplitChoice;
use crate::progress::Flow;
use crate::ui::action::{
    ChooseAction, CompareAction, DrawAction, HistoryAction, OpenAction, SystemAction, TimeAction, WindowAction,
    WorkAction,
};
use egui::Key;

/// Where a command stands in the menu bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Opening, closing, leaving.
    File,
    /// Undo.
    Edit,
    /// What is drawn, and where.
    View,
    /// Training, evaluating, comparing.
    Run,
    /// Time.
    Playback,
    /// Explanations.
    Help,
}

impl Menu {
    /// In the order of the menu bar.
    pub const ALL: [Menu; 6] = [Menu::File, Menu::Edit, Menu::View, Menu::Run, Menu::Playback, Menu::Help];

    /// Name in the menu bar.
    pub fn title(self) -> &'static str {
        match self {
            Menu::File => "File",
            Menu::Edit => "Edit",
            Menu::View => "View",
            Menu::Run => "Run",
            Menu::Playback => "Playback",
            Menu::Help => "Help",
        }
    }
}

/// A key with its modifiers. `ctrl` is the command key on a Mac.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// Ctrl or Command.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// The key.
    pub key: Key,
}

const fn key(key: Key) -> Shortcut {
    Shortcut { ctrl: false, shift: false, key }
}

const fn shift(key: Key) -> Shortcut {
    Shortcut { ctrl: false, shift: true, key }
}

const fn ctrl(key: Key) -> Shortcut {
    Shortcut { ctrl: true, shift: false, key }
}

const fn ctrl_shift(key: Key) -> Shortcut {
    Shortcut { ctrl: true, shift: true, key }
}

impl Shortcut {
    /// For people: `Ctrl+Shift+Z`.
    pub fn text(self) -> String {
        let name = match self.key {
            Key::ArrowLeft => "Left",
            Key::ArrowRight => "Right",
            Key::ArrowUp => "Up",
            Key::ArrowDown => "Down",
            Key::OpenBracket => "[",
            Key::CloseBracket => "]",
            Key::Comma => ",",
            Key::Period => ".",
            Key::Minus => "-",
            Key::Equals => "=",
            Key::Plus => "+",
            Key::Questionmark => "?",
            other => other.name(),
        };
        let ctrl = if !self.ctrl {
            ""
        } else if cfg!(target_os = "macos") {
            "Cmd+"
        } else {
            "Ctrl+"
        };
        // The question mark is typed with shift on most keyboards; saying so would confuse.
        let shift = if self.shift && self.key != Key::Questionmark { "Shift+" } else { "" };
        format!("{ctrl}{shift}{name}")
    }

    /// True when a key press is this shortcut.
    pub fn matches(self, pressed: Key, modifiers: egui::Modifiers) -> bool {
        let shift = self.shift == modifiers.shift || matches!(self.key, Key::Questionmark | Key::Plus);
        pressed == self.key && self.ctrl == modifiers.command && shift && !modifiers.alt
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// What it is called.
    pub title: &'static str,
    /// Its menu.
    pub menu: Menu,
    /// Its keys; the first is shown in menus.
    pub keys: &'static [Shortcut],
    /// What it asks for.
    pub action: fn() -> Action,
    /// Whether it makes sense now.
    pub enabled: fn(&AppState) -> bool,
}

fn always(_: &AppState) -> bool {
    true
}

fn has_dataset(s: &AppState) -> bool {
    s.dataset.is_some()
}

fn has_video(s: &AppState) -> bool {
    s.video().is_some()
}

fn can_explain(s: &AppState) -> bool {
    s.video().is_some() && s.run().is_some()
}

fn can_train(s: &AppState) -> bool {
    s.dataset.is_some() && s.live_training().is_none()
}

fn trains(s: &AppState) -> bool {
    s.live_training().is_some()
}

fn paused(s: &AppState) -> bool {
    s.live_training().is_some_and(|(_, job)| job.status == JobStatus::Paused)
}

fn can_evaluate(s: &AppState) -> bool {
    s.dataset.is_some() && s.checkpoint_name().is_some() && s.run().is_some()
}

fn has_errors(s: &AppState) -> bool {
    s.evaluation().is_some()
}

macro_rules! command {
    ($title:literal, $menu:ident, [$($keys:expr),*], $enabled:expr, $action:expr) => {
        Command { title: $title, menu: Menu::$menu, keys: &[$($keys),*], action: || $action, enabled: $enabled }
    };
}

/// Every named command.
pub const COMMANDS: &[Command] = &[
    command!(
        "Open a dataset…",
        File,
        [ctrl(Key::O)],
        always,
        Action::System(SystemAction::AskPath(PathPurpose::Dataset))
    ),
    command!(
        "Open a run…",
        File,
        [ctrl_shift(Key::O)],
        always,
        Action::System(SystemAction::AskPath(PathPurpose::Run))
    ),
    command!("Open a table…", File, [], always, Action::System(SystemAction::AskPath(PathPurpose::OpenTable))),
    command!(
        "Open a plan of trainings…",
        File,
        [],
        has_dataset,
        Action::System(SystemAction::AskPath(PathPurpose::Plan))
    ),
    command!("Import PyTorch weights…", File, [], always, Action::Open(OpenAction::AskImport(None))),
    command!("Make the demo dataset…", File, [], always, Action::System(SystemAction::AskPath(PathPurpose::Demo))),
    command!(
        "Read the dataset again",
        File,
        [Shortcut { ctrl: false, shift: false, key: Key::F5 }],
        has_dataset,
        Action::Open(OpenAction::ReloadDataset)
    ),
    command!("Export heatmaps…", File, [ctrl(Key::E)], can_explain, Action::Work(WorkAction::AskExport)),
    command!("Export labels…", File, [], has_dataset, Action::Work(WorkAction::AskExportLabels)),
    command!("Welcome page", File, [], always, Action::Window(WindowAction::ShowWelcome(true))),
    command!("Close the dataset", File, [], has_dataset, Action::Open(OpenAction::CloseDataset)),
    command!("Forget recent items", File, [], always, Action::Open(OpenAction::ClearRecent)),
    command!("Quit", File, [ctrl(Key::Q)], always, Action::System(SystemAction::Quit)),
    command!("Undo", Edit, [ctrl(Key::Z)], |s| !s.undo.is_empty(), Action::History(HistoryAction::Undo)),
    command!("Redo", Edit, [ctrl_shift(Key::Z)], |s| !s.redo.is_empty(), Action::History(HistoryAction::Redo)),
    command!("Label map…", Edit, [], has_dataset, Action::Open(OpenAction::AskLabelMap)),
    command!(
        "Clear the filter",
        Edit,
        [],
        |s| !s.filter.text.is_empty(),
        Action::Choose(ChooseAction::SetFilter(Default::default()))
    ),
    command!(
        "Data workspace",
        View,
        [ctrl(Key::Num1)],
        always,
        Action::Window(WindowAction::SetWorkspace(Workspace::Data))
    ),
    command!(
        "Train workspace",
        View,
        [ctrl(Key::Num2)],
        always,
        Action::Window(WindowAction::SetWorkspace(Workspace::Train))
    ),
    command!(
        "Evaluate workspace",
        View,
        [ctrl(Key::Num3)],
        always,
        Action::Window(WindowAction::SetWorkspace(Workspace::Evaluate))
    ),
    command!(
        "Review workspace",
        View,
        [ctrl(Key::Num4)],
        always,
        Action::Window(WindowAction::SetWorkspace(Workspace::Review))
    ),
    command!(
        "Inside workspace",
        View,
        [ctrl(Key::Num5)],
        always,
        Action::Window(WindowAction::SetWorkspace(Workspace::Inside))
    ),
    command!("Heatmap on or off", View, [key(Key::H)], always, Action::Draw(DrawAction::ToggleHeat)),
    command!("Mask on or off", View, [key(Key::M)], always, Action::Draw(DrawAction::ToggleMask)),
    command!("Skeleton on or off", View, [key(Key::K)], always, Action::Draw(DrawAction::ToggleSkeleton)),
    command!("Label caption on or off", View, [key(Key::C)], always, Action::Draw(DrawAction::ToggleCaption)),
    command!("Next heatmap method", View, [key(Key::G)], always, Action::Choose(ChooseAction::CycleMethod)),
    command!("Heatmap fainter", View, [key(Key::Minus)], always, Action::Draw(DrawAction::ChangeAlpha(-0.05))),
    command!(
        "Heatmap stronger",
        View,
        [key(Key::Equals), key(Key::Plus)],
        always,
        Action::Draw(DrawAction::ChangeAlpha(0.05))
    ),
    command!(
        "Next sample of the augmentation",
        View,
        [key(Key::R)],
        |s| s.dataset.is_some() && matches!(s.workspace, Workspace::Data | Workspace::Train),
        Action::Window(WindowAction::NextDraw)
    ),
    command!("Next panel", View, [key(Key::F6)], |s| !s.welcome, Action::Window(WindowAction::FocusPanel(true))),
    command!("Previous panel", View, [shift(Key::F6)], |s| !s.welcome, Action::Window(WindowAction::FocusPanel(false))),
    command!("Light or dark theme", View, [], always, Action::Window(WindowAction::ToggleTheme)),
    command!(
        "Follow the system's theme",
        View,
        [],
        always,
        Action::Window(WindowAction::SetTheme(ThemeChoice::System))
    ),
    command!(
        "Larger text and controls",
        View,
        [ctrl(Key::Plus), ctrl(Key::Equals)],
        always,
        Action::Window(WindowAction::ChangeScale(1))
    ),
    command!(
        "Smaller text and controls",
        View,
        [ctrl(Key::Minus)],
        always,
        Action::Window(WindowAction::ChangeScale(-1))
    ),
    command!("Usual size of text", View, [ctrl(Key::Num0)], always, Action::Window(WindowAction::ResetScale)),
    command!("Put the panels back", View, [], always, Action::Window(WindowAction::ResetLayout)),
    command!("Play or pause", Playback, [key(Key::Space)], has_video, Action::Time(TimeAction::TogglePlay)),
    command!(
        "Next frame",
        Playback,
        [key(Key::ArrowRight), key(Key::Period)],
        has_video,
        Action::Time(TimeAction::Step(1))
    ),
    command!(
        "Previous frame",
        Playback,
        [key(Key::ArrowLeft), key(Key::Comma)],
        has_video,
        Action::Time(TimeAction::Step(-1))
    ),
    command!("Ten frames on", Playback, [key(Key::ArrowDown)], has_video, Action::Time(TimeAction::Step(10))),
    command!("Ten frames back", Playback, [key(Key::ArrowUp)], has_video, Action::Time(TimeAction::Step(-10))),
    command!("First frame", Playback, [key(Key::Home)], has_video, Action::Time(TimeAction::First)),
    command!("Last frame", Playback, [key(Key::End)], has_video, Action::Time(TimeAction::Last)),
    command!("Next video", Playback, [key(Key::PageDown)], has_dataset, Action::Choose(ChooseAction::StepVideo(1))),
    command!("Previous video", Playback, [key(Key::PageUp)], has_dataset, Action::Choose(ChooseAction::StepVideo(-1))),
    command!("Slower", Playback, [key(Key::OpenBracket)], has_video, Action::Time(TimeAction::ChangeSpeed(false))),
    command!("Faster", Playback, [key(Key::CloseBracket)], has_video, Action::Time(TimeAction::ChangeSpeed(true))),
    command!("Loop the clip", Playback, [key(Key::L)], has_video, Action::Time(TimeAction::ToggleLoop)),
    command!("Next segment edge", Playback, [key(Key::E)], has_video, Action::Time(TimeAction::Edge(true))),
    command!("Previous segment edge", Playback, [shift(Key::E)], has_video, Action::Time(TimeAction::Edge(false))),
    command!("Next error", Playback, [key(Key::N)], has_errors, Action::Time(TimeAction::Error(true))),
    command!("Previous error", Playback, [shift(Key::N)], has_errors, Action::Time(TimeAction::Error(false))),
    command!(
        "Next view of the clip",
        Playback,
        [key(Key::V)],
        |s| s.workspace == Workspace::Review && can_explain(s),
        Action::Choose(ChooseAction::StepView(1))
    ),
    command!(
        "Previous view of the clip",
        Playback,
        [shift(Key::V)],
        |s| s.workspace == Workspace::Review && can_explain(s),
        Action::Choose(ChooseAction::StepView(-1))
    ),
    command!("Start training", Run, [], can_train, Action::Work(WorkAction::StartDraft)),
    command!(
        "Make a plan of trainings…",
        Run,
        [],
        has_dataset,
        Action::Window(WindowAction::ShowPanel("experiment".to_owned()))
    ),
    command!(
        "Pause training",
        Run,
        [],
        |s| trains(s) && !paused(s),
        Action::Work(WorkAction::ControlTraining(Flow::Pause))
    ),
    command!("Resume the paused training", Run, [], paused, Action::Work(WorkAction::ControlTraining(Flow::Continue))),
    command!("Finish this epoch, then stop", Run, [], trains, Action::Work(WorkAction::ControlTraining(Flow::Finish))),
    command!("Stop training now", Run, [], trains, Action::Work(WorkAction::ControlTraining(Flow::Stop))),
    command!("Watch a run…", Run, [], always, Action::System(SystemAction::AskPath(PathPurpose::WatchedRun))),
    command!("Stop watching the run", Run, [], |s| s.watching.is_some(), Action::Open(OpenAction::StopWatching)),
    command!("Follow the training", Run, [], trains, Action::Work(WorkAction::FollowTraining(true))),
    command!("Evaluate the checkpoint in use", Run, [], can_evaluate, Action::Work(WorkAction::EvaluateInUse(None))),
    command!(
        "Evaluate on the test split",
        Run,
        [],
        can_evaluate,
        Action::Work(WorkAction::EvaluateInUse(Some(SplitChoice::Test)))
    ),
    command!(
        "Evaluate on the validation split",
        Run,
        [],
        can_evaluate,
        Action::Work(WorkAction::EvaluateInUse(Some(SplitChoice::Val)))
    ),
    command!(
        "Look at the worst confusion",
        Run,
        [],
        |s| s.worst_confusion().is_some(),
        Action::Work(WorkAction::Next(NextStep::WorstConfusion))
    ),
    command!("Report…", Run, [], |s| s.checkpoint_name().is_some(), Action::Compare(CompareAction::ReportInUse)),
    command!("Predict this video", Run, [], can_explain, Action::Work(WorkAction::PredictVideo)),
    command!("Heatmap of the whole video", Run, [], can_explain, Action::Work(WorkAction::ExplainVideo)),
    command!(
        "All keys",
        Help,
        [key(Key::F1), shift(Key::Questionmark)],
        always,
        Action::Window(WindowAction::SetDialog(Some(Dialog::Keys)))
    ),
    command!("Command palette", Help, [ctrl(Key::P)], always, Action::Window(WindowAction::OpenPalette)),
    command!("Messages", Help, [], always, Action::Window(WindowAction::ShowMessages(true))),
    command!("Jobs", Help, [], always, Action::Window(WindowAction::ShowJobs(true))),
    command!("Glossary", Help, [], always, Action::Window(WindowAction::SetDialog(Some(Dialog::Glossary)))),
    command!(
        "First steps",
        Help,
        [],
        |s| s.leading.first_task.dismissed,
        Action::Window(WindowAction::DismissFirstTask(false))
    ),
    command!("About kinolens", Help, [], always, Action::Window(WindowAction::SetDialog(Some(Dialog::About)))),
    command!(
        "Compare workspace",
        View,
        [ctrl(Key::Num6)],
        always,
        Action::Window(WindowAction::SetWorkspace(Workspace::Compare))
    ),
    command!("Compare runs…", Run, [], |s| s.runs.len() > 1, Action::Compare(CompareAction::Open)),
];

/// The command a key press stands for.
pub fn find(pressed: Key, modifiers: egui::Modifiers) -> Option<&'static Command> {
    COMMANDS.iter().find(|c| c.keys.iter().any(|k| k.matches(pressed, modifiers)))
}

/// The keys of the command with this title, for tooltips; empty when it has none.
pub fn keys_of(title: &str) -> String {
    COMMANDS.iter().find(|c| c.title == title).and_then(|c| c.keys.first()).map_or_else(String::new, |k| k.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_stands_for_two_commands_and_no_title_is_used_twice() {
        let mut keys = HashSet::new();
        let mut titles = HashSet::new();
        for command in COMMANDS {
            assert!(titles.insert(command.title), "{} twice", command.title);
            for k in command.keys {
                assert!(keys.insert(k.text()), "{} of {} is taken", k.text(), command.title);
            }
        }
    }

    #[test]
    fn every_key_of_the_design_has_a_command() {
        let none = egui::Modifiers::NONE;
        let plain = [
            Key::Space,
            Key::ArrowLeft,
            Key::ArrowRight,
            Key::Comma,
            Key::Period,
            Key::ArrowUp,
            Key::ArrowDown,
            Key::Home,
            Key::End,
            Key::OpenBracket,
            Key::CloseBracket,
            Key::L,
            Key::N,
            Key::E,
            Key::H,
            Key::M,
            Key::K,
            Key::G,
            Key::Minus,
            Key::Equals,
            Key::F1,
        ];
        for k in plain {
            assert!(find(k, none).is_some(), "{k:?}");
        }
        for k in [Key::O, Key::P, Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Z] {
            assert!(find(k, egui::Modifiers::COMMAND).is_some(), "Ctrl+{k:?}");
        }
        for k in [Key::N, Key::E, Key::Questionmark] {
            assert!(find(k, egui::Modifiers::SHIFT).is_some(), "Shift+{k:?}");
        }
        assert_eq!(find(Key::Z, egui::Modifiers::COMMAND | egui::Modifiers::SHIFT).map(|c| c.title), Some("Redo"));
    }
}

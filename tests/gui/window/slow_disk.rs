//! A disk that answers late never holds a frame.

use super::*;
use kinolens::ui::action::{OpenAction, WindowAction, WorkAction};
use kinolens::ui::disk::{Answer, Probe, Question, RealDisk};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The disk of this machine, which answers only once it is let: until then it is late.
#[derive(Default)]
struct Late {
    open: AtomicBool,
    asked: AtomicUsize,
}

/// A disk that nobody lets answers after this time, so that a window that waits for it is seen to.
const LATE: Duration = Duration::from_secs(5);

impl Probe for Late {
    fn answer(&self, question: &Question) -> Answer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let begun = Instant::now();
        while !self.open.load(Ordering::SeqCst) && begun.elapsed() < LATE {
            std::thread::sleep(Duration::from_millis(2));
        }
        RealDisk.answer(question)
    }
}

/// A window whose disk is late from now on.
fn late(harness: &mut Harness<'static, App>) -> Arc<Late> {
    let disk = Arc::new(Late::default());
    harness.state_mut().ask_disk(disk.clone());
    disk
}

/// Paints frames while the disk is late: each at once, and the disk was asked.
fn paints(harness: &mut Harness<'static, App>, disk: &Late, what: &str, text: &str) {
    let mut longest = Duration::ZERO;
    for letter in text.chars().map(Some).chain([None; 6]) {
        if let Some(letter) = letter {
            harness.event(egui::Event::Text(letter.into()));
        }
        let begun = Instant::now();
        harness.run_steps(1);
        longest = longest.max(begun.elapsed());
    }
    assert!(longest < LATE / 5, "a frame of {what} takes {longest:?} while the disk is late");
    assert!(disk.asked.load(Ordering::SeqCst) > 0, "{what} asks nothing");
    assert!(!disk.open.load(Ordering::SeqCst));
}

fn focus(harness: &mut Harness<'static, App>, field: &str) {
    harness.query_all_by_label(field).last().expect("the field").focus();
    harness.run_steps(1);
}

fn with_run() -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::OpenRun(run_of(&demo()).path.clone()));
    harness.run_steps(3);
    (script, harness)
}

#[test]
fn pages_and_dialogs_are_painted_while_the_disk_is_late() {
    let (_, mut harness) = with_run();
    let disk = late(&mut harness);
    harness.state_mut().send(WindowAction::ShowWelcome(true));
    harness.run_steps(1);
    paints(&mut harness, &disk, "the welcome page", "");
    harness.get_by_label("Make the demo dataset").click();
    paints(&mut harness, &disk, "a click on the demo dataset", "");
    harness.state_mut().send(WindowAction::ShowWelcome(false));

    let disk = late(&mut harness);
    harness.state_mut().send(OpenAction::NoFileDialog(PathPurpose::Run));
    harness.run_steps(2);
    focus(&mut harness, "Path");
    paints(&mut harness, &disk, "the path dialog", "/nowhere/at all");
    disk.open.store(true, Ordering::SeqCst);
    until(&mut harness, "the answer of the disk", |app| app.state().disk.at(Path::new("/")).value().is_some());
    harness.run_steps(2);
    until_label(&mut harness, "There is nothing at");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);

    let disk = late(&mut harness);
    harness.state_mut().send(WorkAction::AskExport);
    harness.run_steps(2);
    focus(&mut harness, "Folder");
    paints(&mut harness, &disk, "the export dialog", "/nowhere/at all");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);

    let disk = late(&mut harness);
    harness.state_mut().send(OpenAction::AskImport(None));
    harness.run_steps(2);
    harness.get_by_label("A list").click();
    harness.run_steps(2);
    for field in ["Class list", "Run folder"] {
        focus(&mut harness, field);
        paints(&mut harness, &disk, "the import dialog", "/nowhere/at all");
    }
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);

    let disk = late(&mut harness);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(2);
    focus(&mut harness, "Run folder");
    paints(&mut harness, &disk, "the configuration of a training", "/nowhere/at all");
    assert!(harness.query_all_by_label_contains("Looking whether the run folder is free").next().is_some());
    disk.open.store(true, Ordering::SeqCst);
    let start = Instant::now();
    while harness.query_all_by_label_contains("Looking whether").next().is_some() {
        assert!(start.elapsed() < Duration::from_secs(10), "the answer never comes");
        harness.run_steps(1);
    }
}

/// Steps until there is a label with these words.
fn until_label(harness: &mut Harness<'static, App>, words: &str) {
    let start = Instant::now();
    while harness.query_all_by_label_contains(words).next().is_none() {
        assert!(start.elapsed() < Duration::from_secs(10), "'{words}' is never said");
        std::thread::sleep(Duration::from_millis(5));
        harness.run_steps(1);
    }
}

#[test]
fn what_is_opened_waits_for_the_disk_and_the_window_does_not() {
    let script = Scripted::default();
    let (dataset, mut harness) = (demo(), window(&script, ThemeChoice::Dark));
    script.0.borrow_mut().dataset = Some(dataset.clone());
    let disk = late(&mut harness);
    harness.state_mut().send(OpenAction::OpenAny(dataset.root.clone()));
    paints(&mut harness, &disk, "opening", "");
    assert!(harness.state().state().dataset.is_none(), "nobody knows yet what is there");
    disk.open.store(true, Ordering::SeqCst);
    until(&mut harness, "the dataset", |app| app.state().dataset.is_some());
}

#[test]
fn configurations_are_read_and_written_while_the_window_is_painted() {
    let (_, mut harness) = with_run();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.ron");
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(4);
    let disk = late(&mut harness);
    // The menu of the panel, not that of the window.
    let menu = |harness: &mut Harness<'static, App>| {
        harness.query_all_by_label("File").last().expect("the menu").click();
        harness.run_steps(3);
    };
    menu(&mut harness);
    focus(&mut harness, "Configuration file");
    harness.event(egui::Event::Text(path.display().to_string()));
    harness.run_steps(2);
    harness.get_by_label("Save file").click();
    paints(&mut harness, &disk, "saving", "");
    assert!(harness.query_by_label("waiting for the disk…").is_some() && !path.exists());
    disk.open.store(true, Ordering::SeqCst);
    until_label(&mut harness, "Saved ");
    let saved = kinolens::config::RunConfig::load(&path).unwrap();
    // Another one in its place is read.
    let mut other = saved.clone();
    other.training.epochs = saved.training.epochs + 3;
    std::fs::write(&path, other.to_ron()).unwrap();
    menu(&mut harness);
    harness.get_by_label("Open file").click();
    harness.run_steps(1);
    until_label(&mut harness, "Read ");
}

/// Everything that touches a disk stands where the thread of the disk calls it, or in a test.
#[test]
fn no_panel_touches_the_disk() {
    let asked = ["disk.rs", "run_folder.rs"];
    let touches =
        ["std::fs", ".exists()", ".is_file()", ".is_dir()", "read_dir", "read_classes", "RunConfig::load", "UserDirs"];
    let mut faults = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            if asked.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate() {
                faults.extend(
                    touches
                        .iter()
                        .filter(|t| line.contains(**t))
                        .map(|t| format!("{}:{}: {t}", path.display(), number + 1)),
                );
            }
        }
    }
    assert!(files > 40, "only {files} files were looked at");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

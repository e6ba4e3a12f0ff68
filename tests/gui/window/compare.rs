//! Runs side by side: chosen with two clicks, what differs said first, lists of clips that lead to Review, tables as files.

use super::*;
use kinolens::compare::motion::{Alteration, MotionReport, judge};
use kinolens::compare::{Comparison, EvaluatedRun, SharedClip};
use kinolens::domain::ClassSet;
use kinolens::eval::metrics::evaluation_of;
use kinolens::jobs::kinds::{CompareRuns, TestMotion, WriteReport};
use kinolens::jobs::{Compared, SplitChoice};
use kinolens::progress::{EpochReport, StepReport};
use kinolens::ui::action::{OpenAction, WindowAction};
use kinolens::ui::disk::{Answer, Probe, Question};
use kinolens::ui::state::PathPurpose;

/// Eight clips of the first video, four of either of two classes; `right` says which of them a run has right.
fn predictions(dataset: &Dataset, right: [bool; 8]) -> Vec<Prediction> {
    let video = dataset.videos[0].name.clone();
    let clip = |(i, right): (usize, bool)| {
        let truth = i / 4;
        let predicted = if right { truth } else { 1 - truth };
        Prediction {
            video: video.clone(),
            start: 16 * i as u32,
            truth,
            predicted,
            probabilities: (0..dataset.classes.len()).map(|c| if c == predicted { 0.9 } else { 0.01 }).collect(),
            loss: 0.5,
            ..Prediction::default()
        }
    };
    right.into_iter().enumerate().map(clip).collect()
}

fn view(dataset: &Dataset, name: &str, right: [bool; 8]) -> Arc<RunView> {
    let clips = predictions(dataset, right);
    let evaluation = Evaluation {
        run: dataset.root.join(name).display().to_string(),
        checkpoint: "last".into(),
        split: "test".into(),
        dataset: dataset.root.display().to_string(),
        dataset_fingerprint: dataset.fingerprint.clone(),
        ..evaluation_of(&dataset.classes, &clips)
    };
    let epoch = |epoch: u32| EpochReport {
        epoch,
        train_loss: 2.0 / epoch as f32,
        val_loss: Some(2.5 / epoch as f32),
        val_accuracy: Some(0.1 * epoch as f32),
        seconds: 3.0,
        ..EpochReport::default()
    };
    Arc::new(RunView {
        path: dataset.root.join(name),
        checkpoints: vec!["last".into(), "best_loss".into()],
        history: (1..=5).map(epoch).collect(),
        evaluations: vec![(Arc::new(evaluation), Arc::new(Predictions { clips }))],
        ..RunView::clone(&run_of(dataset))
    })
}

const FIRST: [bool; 8] = [true, true, true, false, false, false, true, false];
/// Two of the first run's errors are gone (one of either class), and one is new.
const SECOND: [bool; 8] = [true, true, false, true, true, false, true, false];

fn compared(runs: &[Arc<RunView>]) -> Arc<Compared> {
    let of = |run: &Arc<RunView>| EvaluatedRun {
        name: run.path.file_name().unwrap().to_string_lossy().into_owned(),
        path: run.path.clone(),
        config: run.config.clone(),
        history: run.history.clone(),
        evaluation: run.evaluations[0].0.clone(),
        predictions: run.evaluations[0].1.clone(),
        ..EvaluatedRun::default()
    };
    let mut runs: Vec<EvaluatedRun> = runs.iter().map(of).collect();
    runs[0].config.set("optimizer.learning_rate=0.5").unwrap();
    let comparison = Comparison::of(&runs, 1).unwrap();
    Arc::new(Compared { runs, comparison })
}

/// A window on the demo dataset with these runs open, opened in this order.
fn with(runs: &[Arc<RunView>], theme: ThemeChoice) -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(theme);
    script.0.borrow_mut().run = None;
    script.0.borrow_mut().others = runs.to_vec();
    harness.state_mut().type_paths();
    for run in runs {
        harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
        harness.run_steps(3);
    }
    (script, harness)
}

fn two() -> Vec<Arc<RunView>> {
    let dataset = demo();
    vec![view(&dataset, "run one", FIRST), view(&dataset, "run two", SECOND)]
}

/// Waits for the field of a path, and types it.
fn type_path(harness: &mut Harness<'static, App>, path: &Path) {
    until(harness, "a field for the path", |app| matches!(app.state().dialog, Some(Dialog::Path { .. })));
    harness.run_steps(3);
    let Some(Dialog::Path { purpose, note, .. }) = harness.state().state().dialog.clone() else { panic!("no field") };
    let text = path.display().to_string();
    harness.state_mut().send(WindowAction::SetDialog(Some(Dialog::Path { purpose, text, note })));
    harness.run_steps(3);
    until(harness, "whether it is free", |app| app.state().disk.at(path).value().is_some_and(|found| !found.exists));
    harness.run_steps(2);
    let button = if purpose == PathPurpose::Report { "Write it" } else { "Save" };
    // The word stands before the forms of a table too.
    harness.query_all_by_role_and_label(egui::accesskit::Role::Button, button).last().expect("a button").click();
    harness.run_steps(3);
}

/// Pictures of the main tabs on a larger screen.
fn large_shots(harness: &mut Harness<'static, App>, theme: ThemeChoice) {
    harness.set_size(egui::vec2(1920.0, 1080.0));
    harness.run_steps(3);
    for tab in ["Scores and tests", "Classes", "A minus B"] {
        harness.get_by_label(tab).click();
        harness.run_steps(6);
        let image = harness.render().expect("the window renders");
        assert_eq!((image.width(), image.height()), (1920, 1080));
        let name = format!("compare-large-{}-{theme:?}.png", tab.to_lowercase().replace(' ', "-"));
        image.save(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens").join(name)).unwrap();
    }
    harness.set_size(egui::vec2(1280.0, 720.0));
    harness.run_steps(3);
}

/// Answers the job asked for last.
fn answer(script: &Scripted, harness: &mut Harness<'static, App>, output: Output) {
    let job = JobId(script.0.borrow().jobs.len() as u64);
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Finished(output) });
    harness.run_steps(4);
}

fn last_job(script: &Scripted) -> Job {
    script.0.borrow().jobs.last().cloned().expect("a job")
}

fn count(harness: &Harness<'static, App>, part: &str) -> usize {
    harness.query_all_by_label_contains(part).count()
}

/// Two runs compared.
fn side_by_side(theme: ThemeChoice) -> (Scripted, Harness<'static, App>) {
    let runs = two();
    let (script, mut harness) = with(&runs, theme);
    harness.get_by_label("Compare…").click();
    harness.run_steps(4);
    harness.get_by_label("Compare runs").click();
    harness.run_steps(4);
    answer(&script, &mut harness, Output::Comparison(compared(&runs)));
    (script, harness)
}

#[test]
fn two_clicks_lead_from_two_runs_to_their_comparison() {
    let runs = two();
    let (script, mut harness) = with(&runs, ThemeChoice::Dark);
    // The first.
    harness.get_by_label("Compare…").click();
    harness.run_steps(4);
    assert_eq!(harness.state().state().workspace, Workspace::Compare);
    harness.get_by_label("Nothing compared yet");
    // The second: both are chosen already, the one opened first is A.
    harness.get_by_label("Compare runs").click();
    harness.run_steps(4);
    let Job::CompareRuns(CompareRuns { runs: asked, dataset, split, .. }) = last_job(&script) else {
        panic!("not asked")
    };
    assert_eq!(asked.iter().map(|r| r.run.clone()).collect::<Vec<_>>(), [runs[0].path.clone(), runs[1].path.clone()]);
    assert!(asked.iter().all(|r| r.name.as_deref() == Some("last")), "checkpoints are named: {asked:?}");
    assert!(dataset.is_some() && split == Some(SplitChoice::Test));
    assert!(count(&harness, "Comparing…") > 0);
    answer(&script, &mut harness, Output::Comparison(compared(&runs)));
    // By hand: 4 and 5 of 8 right; 2 fixed, 1 broken, 3 right in both, 2 wrong in both.
    harness.get_by_label("accuracy of run one: 50.0 %");
    harness.get_by_label("accuracy of run two: 62.5 %");
    for list in ["both right (3)", "fixed (2)", "broken (1)", "both wrong (2)"] {
        harness.get_by_label(list);
    }
    assert!(count(&harness, "This may be luck: of run one's errors run two has 2 right and makes 1 new one;") > 0);
    assert!(count(&harness, "Data, split and labels are the same.") > 0, "what differs is said");
    shot(&mut harness, "compare-Dark");
    // A run that is taken out is no longer compared, and that what is shown is of others is said.
    harness.get_by_label("Compare run two").click();
    harness.run_steps(4);
    assert_eq!(harness.state().state().to_compare().len(), 1);
    assert!(count(&harness, "What is shown is of other runs or checkpoints") > 0);
    harness.state_mut().send(OpenAction::CloseRun(runs[0].path.clone()));
    harness.run_steps(4);
    assert!(harness.state().state().to_compare().is_empty());
}

#[test]
fn the_palette_leads_there_too_and_a_failure_is_said_where_it_was_asked_for() {
    let (script, mut harness) = with(&two(), ThemeChoice::Dark);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::P);
    harness.run_steps(3);
    harness.get_by_label("Search commands").type_text("compare runs");
    harness.run_steps(3);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(4);
    assert_eq!(harness.state().state().workspace, Workspace::Compare);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num1);
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num6);
    harness.run_steps(3);
    assert_eq!(harness.state().state().workspace, Workspace::Compare);
    harness.get_by_label("Compare runs").click();
    harness.run_steps(3);
    let job = JobId(script.0.borrow().jobs.len() as u64);
    let sentence = "run two was not evaluated: evaluate it.".to_owned();
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Failed(sentence.clone()) });
    harness.run_steps(4);
    assert!(count(&harness, &sentence) > 0);
    assert_eq!(harness.state().state().comparing.failure.as_ref(), Some(&sentence));
}

#[test]
fn a_fixed_clip_is_looked_at_with_both_networks_on_one_clock() {
    let (_, mut harness) = side_by_side(ThemeChoice::Dark);
    let dataset = demo();
    let (first, second) = (dataset.classes.name(0).to_owned(), dataset.classes.name(1).to_owned());
    let video = dataset.videos[0].name.clone();
    // Clip 3 is of the first class: A called it the second.
    let card = format!("{first} predicted as {first} 0.90 (A: {second} 0.90), frame 48 of {video}");
    harness.get_by_label(&card).click();
    harness.run_steps(3);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(4);
    let state = harness.state().state();
    assert_eq!((state.workspace, state.selection.frame), (Workspace::Review, 48));
    assert_eq!(state.selection.views.len(), 2);
    let networks: Vec<String> = (0..2)
        .map(|v| state.selection.network(v).unwrap().run.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(networks, ["run one", "run two"]);
    until(&mut harness, "both maps", |app| {
        let state = app.state();
        let clip = state.explained_clip();
        (0..2).all(|v| {
            let answer = state.selection.network(v).zip(clip.clone()).and_then(|(n, c)| state.explain.answer(&n, &c));
            answer.is_some_and(|a| a.maps.contains_key(&state.selection.views[v]))
        })
    });
    until(&mut harness, "the picture", |app| shown_frame(app) == Some(48));
    harness.run_steps(3);
    // Both tracks say what each network said of this very clip.
    assert_eq!(count(&harness, &format!("predicted {second} with 0.90 by run one, wrong, frames 48")), 1);
    assert_eq!(count(&harness, &format!("predicted {first} with 0.90 by run two, frames 48")), 1);
    shot(&mut harness, "compare-review-Dark");
}

#[test]
fn every_part_of_a_comparison_has_its_tab() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let (_, mut harness) = side_by_side(theme);
        let first = demo().classes.name(0).to_owned();
        let second = demo().classes.name(1).to_owned();
        let tabs = [
            ("Curves", "Loss: ".to_owned()),
            // By hand: of four clips three and three are right; one fixed, one broken.
            ("Classes", format!("{first}: recall 75.0 % by run one, 75.0 % by run two; 4 clips, 1 fixed, 1 broken")),
            ("A minus B", format!("1 more clip of '{second}' recognised by run two than by run one")),
            ("Different settings", "run one of Learning rate (optimizer.learning_rate): 0.5".to_owned()),
        ];
        for (tab, holds) in tabs {
            harness.get_by_label(tab).click();
            harness.run_steps(4);
            assert!(count(&harness, &holds) > 0, "{tab} does not say '{holds}'");
            shot(&mut harness, &format!("compare-{}-{theme:?}", tab.to_lowercase().replace(' ', "-")));
        }
        large_shots(&mut harness, theme);
        // A class that is clicked leaves its clips alone in the list.
        harness.get_by_label("Classes").click();
        harness.run_steps(4);
        harness.get_by_label_contains(&format!("{second}: recall")).click();
        harness.run_steps(4);
        assert!(count(&harness, &format!("clips of {second}")) > 0);
        assert_eq!(count(&harness, "(A: "), 1, "one clip of the second class is fixed");
        harness.get_by_label("Show all").click();
        harness.run_steps(4);
        assert_eq!(count(&harness, "(A: "), 2);
    }
}

#[test]
fn tables_are_sorted_by_their_headings_and_saved() {
    let (_, mut harness) = side_by_side(ThemeChoice::Dark);
    let place = |harness: &Harness<'static, App>, run: &str| {
        harness
            .get_by_label(&format!("accuracy of {run}: {} %", if run == "run one" { "50.0" } else { "62.5" }))
            .rect()
            .top()
    };
    assert!(place(&harness, "run one") < place(&harness, "run two"), "as they were chosen");
    harness.get_by_label("Sort by accuracy").click();
    harness.run_steps(4);
    assert!(place(&harness, "run two") < place(&harness, "run one"), "the best first");
    harness.get_by_label("Sort by accuracy").click();
    harness.run_steps(4);
    assert!(place(&harness, "run one") < place(&harness, "run two"), "the worst first");
    let dir = tempfile::tempdir().unwrap();
    for (format, ending) in [("CSV", "csv"), ("JSON", "json"), ("Markdown", "md"), ("LaTeX", "tex")] {
        harness.get_by_label(&format!("Save scores as {format}")).click();
        harness.run_steps(2);
        let path = dir.path().join(format!("runs.{ending}"));
        type_path(&mut harness, &path);
        until(&mut harness, "the file", |app| {
            app.state().messages.iter().any(|m| m.text.contains(&path.display().to_string()))
        });
        let text = std::fs::read_to_string(&path).unwrap();
        let holds = match format {
            "CSV" => text.lines().nth(1).is_some_and(|l| l.starts_with("run one,")) && text.contains(",0.625,"),
            "JSON" => serde_json::from_str::<serde_json::Value>(&text).unwrap()[1]["accuracy"] == 0.625,
            "Markdown" => text.contains("| 62.5 % |") || text.contains(" 62.5 %"),
            _ => text.contains("\\begin{tabular}") && text.contains("62.5 \\%"),
        };
        assert!(holds, "{format}: {text}");
    }
}

#[test]
fn a_report_is_written_where_somebody_says_and_opened() {
    /// Remembers which files were to be shown.
    struct Shown(std::sync::Mutex<Vec<PathBuf>>);
    impl Probe for Shown {
        fn answer(&self, question: &Question) -> Answer {
            if let Question::ShowFile(path) = question {
                self.0.lock().unwrap().push(path.clone());
            }
            match question {
                Question::ShowFile(_) => Answer::Saved(Ok(())),
                other => kinolens::ui::disk::RealDisk.answer(other),
            }
        }
    }
    let (script, mut harness) = with(&two(), ThemeChoice::Dark);
    let shown = Arc::new(Shown(std::sync::Mutex::default()));
    harness.state_mut().ask_disk(shown.clone());
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(4);
    harness.get_by_label("Report…").click();
    harness.run_steps(2);
    let file = tempfile::tempdir().unwrap().path().join("never.html");
    type_path(&mut harness, &file);
    let Job::WriteReport(WriteReport { compare, out, .. }) = last_job(&script) else { panic!("no report") };
    assert_eq!(out, file);
    assert_eq!(compare.runs.len(), 1);
    answer(&script, &mut harness, Output::Exported(out.clone()));
    harness.get_by_label("Open report").click();
    harness.run_steps(2);
    until(&mut harness, "the file to be shown", |_| !shown.0.lock().unwrap().is_empty());
    assert_eq!(*shown.0.lock().unwrap(), [out]);
}

/// A motion test of forty clips of ten people in which frozen frames cost half: of a checkpoint of a run, on the demo dataset.
fn kept_test(name: &str, checkpoint: &str, clips: usize) -> Arc<MotionReport> {
    let shared: Vec<SharedClip> = (0..clips)
        .map(|i| SharedClip {
            video: format!("v{i}"),
            subject: format!("p{}", i % 10),
            truth: i % 2,
            ..SharedClip::default()
        })
        .collect();
    let answers: Vec<Vec<Option<Prediction>>> = Alteration::ALL
        .into_iter()
        .map(|alteration| {
            let one = |clip: &SharedClip| {
                let predicted = if alteration == Alteration::Frozen { 0 } else { clip.truth };
                let said =
                    Prediction { truth: clip.truth, predicted, probabilities: vec![0.5, 0.5], ..Prediction::default() };
                (!alteration.needs_masks()).then_some(said)
            };
            shared.iter().map(one).collect()
        })
        .collect();
    let mut test = judge(&ClassSet::from_names(["sit", "stand"]), &shared, &answers, 1);
    (test.name, test.split) = (name.into(), "test".into());
    test.identity.checkpoint = checkpoint.into();
    test.dataset_fingerprint.clone_from(&demo().fingerprint);
    Arc::new(MotionReport { notes: Vec::new(), tests: vec![test] })
}

#[test]
fn motion_tests_that_lie_with_runs_are_known_when_the_runs_are_opened() {
    let dataset = demo();
    let with_test = |name: &str, right, checkpoint: &str, clips| {
        let motion = vec![kept_test(name, checkpoint, clips)];
        Arc::new(RunView { motion, ..RunView::clone(&view(&dataset, name, right)) })
    };
    let runs = vec![with_test("run one", FIRST, "last", 40), with_test("run two", SECOND, "last", 30)];
    let (_, mut harness) = with(&runs, ThemeChoice::Dark);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(4);
    harness.get_by_label("Motion test").click();
    harness.run_steps(4);
    assert!(harness.query_by_label("Not tested yet").is_none(), "the run in use has one");
    harness.get_by_label(&format!("run two of {}: 50.0 %", Alteration::Frozen.title()));
    // Both in one table, and that they are of other clips is said.
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Compare));
    harness.run_steps(4);
    harness.get_by_label("Motion test").click();
    harness.run_steps(4);
    for run in ["run one", "run two"] {
        harness.get_by_label(&format!("{run} of {}: 50.0 %", Alteration::Frozen.title()));
    }
    assert!(count(&harness, "made one by one, not on the same clips: run one on 40 clips, run two on 30 clips") > 0);
    // That of other weights is not taken for it.
    let other = vec![with_test("run one", FIRST, "best_loss", 40)];
    let (_, mut harness) = with(&other, ThemeChoice::Dark);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(4);
    harness.get_by_label("Motion test").click();
    harness.run_steps(4);
    harness.get_by_label("Not tested yet");
}

/// A run on ten clips of ten people, each of one class or two.
fn sets(dataset: &Dataset, name: &str, said: [&[usize]; 10]) -> EvaluatedRun {
    let truths: [&[usize]; 10] = [&[0], &[0, 1], &[1], &[0, 1], &[0], &[1], &[0, 1], &[1], &[0], &[0, 1]];
    let clip = |(i, (truth, said)): (usize, (&[usize], &[usize]))| Prediction {
        video: dataset.videos[0].name.clone(),
        subject: format!("p{i}"),
        start: 16 * i as u32,
        truth: truth[0],
        truths: truth.to_vec(),
        predicted: said.first().copied().unwrap_or(2),
        probabilities: (0..dataset.classes.len()).map(|c| if said.contains(&c) { 0.9 } else { 0.1 }).collect(),
        ..Prediction::default()
    };
    let clips: Vec<Prediction> = truths.into_iter().zip(said).enumerate().map(clip).collect();
    let evaluation = Evaluation {
        split: "test".into(),
        ..kinolens::eval::multi_label::evaluation_of_sets(&dataset.classes, &clips)
    };
    EvaluatedRun {
        name: name.into(),
        path: dataset.root.join(name),
        evaluation: Arc::new(evaluation),
        predictions: Arc::new(Predictions { clips }),
        ..EvaluatedRun::default()
    }
}

#[test]
fn runs_of_clips_with_several_classes_are_shown_with_their_scores() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let dataset = demo();
        // The first has eight sets right; the second all but one, of which it says nothing.
        let first = sets(&dataset, "run one", [&[0], &[0], &[1], &[0], &[0], &[1], &[0, 1], &[1], &[0], &[0, 1]]);
        let second = sets(&dataset, "run two", [&[], &[0, 1], &[1], &[0, 1], &[0], &[1], &[0, 1], &[1], &[0], &[0, 1]]);
        let runs = vec![first, second];
        let comparison = Comparison::of(&runs, 1).unwrap();
        let (script, mut harness) = with(&two(), theme);
        harness.get_by_label("Compare…").click();
        harness.run_steps(4);
        harness.get_by_label("Compare runs").click();
        harness.run_steps(4);
        answer(&script, &mut harness, Output::Comparison(Arc::new(Compared { runs, comparison })));
        harness.get_by_label("exact match of run one: 80.0 %");
        harness.get_by_label("exact match of run two: 90.0 %");
        for list in ["both right (7)", "fixed (2)", "broken (1)", "both wrong (0)"] {
            harness.get_by_label(list);
        }
        shot(&mut harness, &format!("compare-sets-{theme:?}"));
        harness.get_by_label("Classes").click();
        harness.run_steps(4);
        // Of the second class the first run wrongly left out two clips: seven clips show it, of which five are said.
        let name = dataset.classes.name(1);
        assert!(count(&harness, &format!("{name}: average precision")) > 0);
        assert!(count(&harness, "7 clips, 2 fixed, 0 broken") > 0, "two decisions about {name}");
        shot(&mut harness, &format!("compare-sets-classes-{theme:?}"));
        harness.get_by_label("A minus B").click();
        harness.run_steps(4);
        assert!(count(&harness, "co-occurrence of run one minus that of run two") > 0);
        shot(&mut harness, &format!("compare-sets-together-{theme:?}"));
    }
}

#[test]
fn the_motion_test_says_what_the_network_needs() {
    let dataset = demo();
    let (script, mut harness) = with(&two(), ThemeChoice::Dark);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(4);
    harness.get_by_label("Motion test").click();
    harness.run_steps(4);
    harness.get_by_label("Not tested yet");
    harness.get_by_label("Test motion").click();
    harness.run_steps(4);
    let Job::TestMotion(TestMotion { runs, split, most, .. }) = last_job(&script) else { panic!("no test") };
    assert_eq!((runs.len(), split, most), (1, SplitChoice::Test, None));
    // Forty clips of ten people: all right as they are and mirrored, none reversed, the second class never when frozen.
    let clips: Vec<SharedClip> = (0..40)
        .map(|i| SharedClip {
            video: format!("v{i}"),
            subject: format!("p{}", i % 10),
            truth: usize::from(i >= 20),
            ..SharedClip::default()
        })
        .collect();
    let says = |alteration: Alteration, truth: usize| match alteration {
        Alteration::AsIs | Alteration::Mirrored => Some(truth),
        Alteration::Reversed => Some(1 - truth),
        Alteration::Frozen | Alteration::Shuffled => Some(0),
        _ => None,
    };
    let answers: Vec<Vec<Option<Prediction>>> = Alteration::ALL
        .into_iter()
        .map(|alteration| {
            let one = |clip: &SharedClip| {
                says(alteration, clip.truth).map(|predicted| Prediction {
                    truth: clip.truth,
                    predicted,
                    probabilities: vec![0.5, 0.5],
                    ..Prediction::default()
                })
            };
            clips.iter().map(one).collect()
        })
        .collect();
    let classes = ClassSet::from_names(["sit", "stand"]);
    let mut test = judge(&classes, &clips, &answers, 1);
    (test.name, test.split) = ("run two".into(), "test".into());
    test.dataset_fingerprint.clone_from(&dataset.fingerprint);
    answer(
        &script,
        &mut harness,
        Output::MotionReport(Arc::new(MotionReport { notes: Vec::new(), tests: vec![test] })),
    );
    assert!(count(&harness, "The direction of time decides") > 0);
    assert!(count(&harness, "Classes that need motion") + count(&harness, "stand") > 0);
    harness.get_by_label(&format!("run two of {}: 50.0 %", Alteration::Frozen.title()));
    harness.get_by_label(&format!("run two difference of {}: -100.0 points", Alteration::Reversed.title()));
    shot(&mut harness, "motion-test-Dark");
    harness.get_by_label("Recall per class").click();
    harness.run_steps(4);
    harness.get_by_label(&format!("{} of stand: 0.0 %", Alteration::Frozen.title()));
    harness.get_by_label(&format!("{} of sit: 100.0 %", Alteration::Frozen.title()));
}

/// Fifty runs of so many steps each.
fn many(steps: u64) -> Harness<'static, App> {
    let dataset = demo();
    let step = |n: u64| StepReport {
        step: n,
        epoch: 1 + (n / 1000) as u32,
        step_in_epoch: (n % 1000) as u32,
        steps_per_epoch: 1000,
        loss: 2.0 + (n as f32 * 0.7).sin(),
        ..StepReport::default()
    };
    let steps: Vec<StepReport> = (1..=steps).map(step).collect();
    let run = |i: usize| {
        Arc::new(RunView { steps: steps.clone(), ..RunView::clone(&view(&dataset, &format!("run {i:02}"), FIRST)) })
    };
    let runs: Vec<Arc<RunView>> = (0..50).map(run).collect();
    let (_, mut harness) = with(&runs, ThemeChoice::Dark);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Compare));
    harness.run_steps(3);
    harness.get_by_label("All").click();
    harness.run_steps(3);
    harness.get_by_label("Curves").click();
    harness.run_steps(3);
    harness.get_by_label("Step").click();
    harness.run_steps(5);
    harness
}

/// Corners of the triangles of a frame.
fn corners(harness: &Harness<'static, App>) -> usize {
    let (shapes, scale) = (harness.output().shapes.clone(), harness.output().pixels_per_point);
    let meshes = harness.ctx.tessellate(shapes, scale);
    let corners = |p: &egui::ClippedPrimitive| match &p.primitive {
        egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
        _ => 0,
    };
    meshes.iter().map(corners).sum()
}

#[test]
fn fifty_runs_of_a_hundred_thousand_steps_cost_a_frame_no_more_than_short_ones() {
    let (mut short, mut long) = (many(2_000), many(100_000));
    let quickest = |harness: &mut Harness<'static, App>, known: Duration| {
        let begun = Instant::now();
        harness.run_steps(1);
        known.min(begun.elapsed())
    };
    let mut times = (Duration::MAX, Duration::MAX);
    (0..15).for_each(|_| times = (quickest(&mut short, times.0), quickest(&mut long, times.1)));
    assert!(times.1 < times.0 * 2 + Duration::from_millis(4), "few steps, and 50 times as many: {times:?}");
    assert!(corners(&long) < 400_000, "too many corners");
    shot(&mut long, "compare-fifty-Dark");
}

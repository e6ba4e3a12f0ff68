//! A run whose class names the dataset does not have: told before anything is computed, and asked about.

use super::*;
use egui::accesskit::Role;
use kinolens::domain::{ClassMatch, ClassSet};
use kinolens::jobs::kinds::Evaluate;
use kinolens::ui::action::{OpenAction, WindowAction};

/// A window on the demo dataset with a run of these classes.
fn with_classes(names: &[&str]) -> (Scripted, Harness<'static, App>, Arc<RunView>) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let mut run = RunView::clone(&run_of(&demo()));
    (run.path, run.classes) = (demo().root.join("run two"), ClassSet::from_names(names.iter().copied()));
    run.evaluations.clear();
    let run = Arc::new(run);
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.run_steps(4);
    (script, harness, run)
}

fn asked(script: &Scripted) -> usize {
    script.0.borrow().jobs.iter().filter(|j| matches!(j, Job::Explain(_) | Job::Evaluate(_))).count()
}

#[test]
fn foreign_classes_are_told_of_before_anything_is_computed_and_asked_about() {
    let (script, mut harness, run) = with_classes(&["bend", "jack", "wave1", "wave2"]);
    let banner = "The classes of run two are not those of this dataset";
    for workspace in [Workspace::Data, Workspace::Evaluate, Workspace::Review] {
        harness.state_mut().send(WindowAction::SetWorkspace(workspace));
        harness.run_steps(4);
        assert_eq!(harness.query_all_by_label_contains(banner).count(), 1, "{workspace:?}");
        shot(&mut harness, &format!("foreign-{}", workspace.title()));
    }
    // Long enough for a heatmap to have been asked for.
    std::thread::sleep(Duration::from_millis(150));
    harness.run_steps(4);
    assert_eq!(asked(&script), 0, "something was computed with foreign classes");
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(3);
    harness.get_by_label("Evaluate checkpoint").click();
    harness.run_steps(4);
    assert_eq!(asked(&script), 0);
    harness.get_by_label("Which class is which?");
    let dataset = demo();
    let (first, second) = (dataset.classes.name(0).to_owned(), dataset.classes.name(1).to_owned());
    for (class, output) in [(&first, "wave1"), (&second, "jack")] {
        harness.get_by_role_and_label(Role::ComboBox, class).click();
        harness.run_steps(3);
        harness.get_by_label(output).click();
        harness.run_steps(3);
    }
    shot(&mut harness, "foreign-table");
    harness.get_by_label("Use these and evaluate").click();
    harness.run_steps(3);
    let job = script.0.borrow().jobs.last().cloned();
    let Some(Job::Evaluate(Evaluate { class_match: ClassMatch::Pairs(pairs), checkpoint, .. })) = job else {
        panic!("{job:?}")
    };
    assert_eq!(checkpoint.run, run.path);
    assert!(pairs.contains(&(first.clone(), "wave1".into())) && pairs.contains(&(second, "jack".into())), "{pairs:?}");
    assert!(pairs.iter().filter(|(_, to)| !to.is_empty()).count() == 2, "{pairs:?}");
    assert_eq!(harness.query_all_by_label_contains(banner).count(), 0);
    assert_eq!(harness.query_all_by_label_contains("classes were matched by hand").count(), 1);
    // Heatmaps use the same table.
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(2);
    until(&mut harness, "a heatmap", explained);
    let jobs = script.0.borrow().jobs.clone();
    let said = jobs.iter().find_map(|j| if let Job::Explain(r) = j { Some(r.class_match.clone()) } else { None });
    assert_eq!(said, Some(ClassMatch::Pairs(pairs)));
}

#[test]
fn a_run_of_foreign_classes_can_be_used_without_labels() {
    let (script, mut harness, _) = with_classes(&["bend", "jack"]);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(4);
    harness.get_by_label("Use without labels").click();
    harness.run_steps(3);
    until(&mut harness, "a heatmap", explained);
    let jobs = script.0.borrow().jobs.clone();
    assert!(jobs.iter().any(|j| matches!(j, Job::Explain(r) if r.class_match == ClassMatch::Unlabelled)));
    assert_eq!(harness.query_all_by_label_contains("the labels of this dataset are not used").count(), 1);
    shot(&mut harness, "foreign-unlabelled");
}

#[test]
fn classes_without_names_are_matched_by_number_and_that_is_said() {
    let names: Vec<String> = (0..demo().classes.len()).map(|i| format!("class {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_, harness, _) = with_classes(&names);
    assert_eq!(harness.query_all_by_label_contains("classes were matched by their numbers").count(), 1);
    // The run's own classes need no word.
    let (_, mut own) = opened(ThemeChoice::Dark);
    own.state_mut().send(OpenAction::OpenRun(run_of(&demo()).path.clone()));
    own.run_steps(4);
    assert_eq!(own.query_all_by_label_contains("Map classes").count(), 0);
}

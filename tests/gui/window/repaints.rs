//! A frame that is painted again finds nothing again, however large the dataset is.

use super::*;
use kinolens::domain::VideoEntry;
use kinolens::ui::Action;
use kinolens::ui::action::{ChooseAction, DrawAction, OpenAction, WindowAction};
use kinolens::ui::derived::made;

/// A dataset of this many videos, those of the demo over and over, of at most sixty people.
fn multiplied(videos: usize) -> Arc<Dataset> {
    let demo = demo();
    let copy = |i: usize| {
        let original = &demo.videos[i % demo.videos.len()];
        let (name, subject) = (format!("copy {i:06}/{}", original.name), format!("p{:02}", i % 60));
        VideoEntry { name, subject, ..original.clone() }
    };
    Arc::new(Dataset {
        videos: (0..videos).map(copy).collect(),
        fingerprint: format!("{videos} videos"),
        root: demo.root.join(format!("{videos} copies")),
        ..Dataset::clone(&demo)
    })
}

/// A run with an evaluation of so many clips of them, every third wrong.
fn evaluated(dataset: &Dataset, clips: usize) -> Arc<RunView> {
    let base = run_of(&demo());
    let prediction = |i: usize| Prediction {
        video: dataset.videos[i % dataset.videos.len()].name.clone(),
        start: (i / dataset.videos.len()) as u32 * 16,
        predicted: usize::from(i.is_multiple_of(3)),
        ..base.evaluations[0].1.clips[0].clone()
    };
    let predictions = Arc::new(Predictions { clips: (0..clips).map(prediction).collect() });
    Arc::new(RunView { evaluations: vec![(base.evaluations[0].0.clone(), predictions)], ..RunView::clone(&base) })
}

/// A window on them, with two views and a mask in Review.
fn large(videos: usize, clips: usize) -> Harness<'static, App> {
    let (script, dataset) = (Scripted::default(), multiplied(videos));
    let run = evaluated(&dataset, clips);
    script.0.borrow_mut().dataset = Some(dataset.clone());
    script.0.borrow_mut().run = Some(run.clone());
    let mut harness = window(&script, ThemeChoice::Dark);
    for action in [
        Action::Open(OpenAction::OpenDataset(dataset.root.clone())),
        Action::Open(OpenAction::OpenRun(run.path.clone())),
        Action::Choose(ChooseAction::SetViewCount(2)),
        Action::Draw(DrawAction::ToggleMask),
        Action::Choose(ChooseAction::SelectVideo(dataset.videos[0].name.clone())),
    ] {
        harness.state_mut().send(action);
        harness.run_steps(3);
    }
    until(&mut harness, "the first picture", |app| shown_frame(app) == Some(0));
    harness
}

/// Shows a workspace until nothing is on its way any more.
fn show(harness: &mut Harness<'static, App>, workspace: Workspace) {
    harness.state_mut().send(WindowAction::SetWorkspace(workspace));
    harness.run_steps(5);
    if workspace == Workspace::Review {
        until(harness, "the heatmaps", explained);
    }
    until(harness, "masks and pictures", |app| app.current().is_some_and(|s| s.mask.is_some()));
    harness.run_steps(5);
}

#[test]
fn painting_again_makes_nothing_again() {
    let mut before = made();
    let mut harness = large(300, 3_000);
    let quiet = |harness: &mut Harness<'static, App>, what: &str| {
        let before = made();
        for i in 0..20 {
            // The pointer wanders over everything.
            harness.hover_at(egui::pos2(60.0 * i as f32, 40.0 + 33.0 * i as f32));
            harness.run_steps(1);
        }
        assert_eq!(made() - before, 0, "{what} makes values again although nothing changed");
    };
    for workspace in Workspace::ALL {
        show(&mut harness, workspace);
        // All but the form of a training and the list of runs show something that follows from the dataset.
        let bare = [Workspace::Train, Workspace::Compare].contains(&workspace);
        assert!(bare || made() > before, "{} keeps nothing", workspace.title());
        quiet(&mut harness, workspace.title());
        before = made();
    }
    show(&mut harness, Workspace::Data);
    for tab in ["Statistics", "Warnings", "Videos"] {
        harness.get_by_label(tab).click();
        harness.run_steps(4);
        quiet(&mut harness, tab);
    }
    // What has changed is made again.
    show(&mut harness, Workspace::Review);
    let before = made();
    harness.state_mut().send(ChooseAction::SelectVideo(multiplied(300).videos[7].name.clone()));
    harness.run_steps(3);
    assert!(made() > before);
}

#[test]
fn a_frame_costs_the_same_whether_the_dataset_is_small_or_large() {
    let (mut small, mut large) = (large(60, 300), large(6_000, 120_000));
    for workspace in Workspace::ALL {
        show(&mut small, workspace);
        show(&mut large, workspace);
        // The quickest of many frames in turns: what else the machine does slows both.
        let quickest = |harness: &mut Harness<'static, App>, known: Duration| {
            let begun = Instant::now();
            harness.run_steps(1);
            known.min(begun.elapsed())
        };
        let mut times = (Duration::MAX, Duration::MAX);
        for _ in 0..25 {
            times = (quickest(&mut small, times.0), quickest(&mut large, times.1));
        }
        let limit = times.0 * 2 + Duration::from_millis(4);
        assert!(times.1 < limit, "{}: {:?} for 100 times the videos, {:?} before", workspace.title(), times.1, times.0);
    }
}

//! A large dataset: listed, filtered and shown while its videos are looked into.

use super::*;
use kinolens::config::DataConfig;
use kinolens::data::open_above;
use kinolens::jobs::kinds::{IndexVideos, Indexing};
use kinolens::jobs::{Done, LaneState, run_kind};
use kinolens::ui::action::{ChooseAction, OpenAction, WorkAction};
use kinolens::ui::state::Filter;

/// The parts of the work that were asked for, with the numbers of their jobs.
fn asked(script: &Scripted) -> Vec<(JobId, IndexVideos)> {
    let jobs = script.0.borrow().jobs.clone();
    let index = |(i, job): (usize, Job)| match job {
        Job::IndexVideos(kind) => Some((JobId(i as u64 + 1), kind)),
        _ => None,
    };
    jobs.into_iter().enumerate().filter_map(index).collect()
}

/// Does a part, and hands back what it found.
fn answer(script: &Scripted, harness: &mut Harness<'static, App>, (job, kind): (JobId, IndexVideos)) {
    let Done::Finished(found) = run_kind(kind, &mut LaneState::default(), &Silent).unwrap() else { panic!() };
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Finished(Output::Indexed(found)) });
    harness.run_steps(4);
}

#[test]
fn a_large_dataset_is_usable_while_its_videos_are_looked_into_and_complete_afterwards() {
    let script = Scripted::default();
    let whole = demo();
    let pending = open_above(&whole.root, &DataConfig::default(), None, 1, &Silent).unwrap();
    assert_eq!(pending.pending(), 3);
    script.0.borrow_mut().dataset = Some(Arc::new(pending));
    let mut harness = window(&script, ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::OpenDataset(whole.root.clone()));
    harness.run_steps(4);

    // The list is there, and how far the work is.
    let names: Vec<&str> = whole.videos.iter().map(|v| v.name.as_str()).collect();
    for name in &names {
        harness.get_by_label(&format!("Video {name}"));
    }
    assert!(harness.query_all_by_label_contains("indexing: 0 of 3 videos").count() >= 1);
    until(&mut harness, "the first picture", |app| shown_frame(app) == Some(0));
    shot(&mut harness, "indexing");
    // It is filtered by what the rows say, also by class.
    let classes = whole.videos[1].classes();
    let class = whole.classes.name(classes[0]).to_owned();
    let passing = |harness: &mut Harness<'static, App>, text: &str| {
        harness.state_mut().send(ChooseAction::SetFilter(Filter { text: text.into() }));
        harness.run_steps(2);
        harness.state().state().filtered.clone()
    };
    let word = class.split_whitespace().next().unwrap();
    assert!(passing(&mut harness, word).contains(&1), "{word}");
    assert_eq!(passing(&mut harness, names[2]), [2]);
    assert_eq!(passing(&mut harness, ""), [0, 1, 2]);
    // Nothing that is not known is shown as zero or as a fault.
    harness.get_by_label("Statistics").click();
    harness.run_steps(3);
    harness.get_by_label_contains("3 videos are not looked into yet and not counted");
    assert_eq!(harness.query_all_by_label_contains("cannot be opened").count(), 0);

    // The chosen video is asked for at once, on the lane of what is shown; the others in the background.
    let parts = asked(&script);
    let chosen = parts.iter().find(|(_, k)| k.now).expect("the chosen video is asked for").clone();
    let background = parts.iter().find(|(_, k)| !k.now).expect("the others are asked for").clone();
    assert_eq!(parts.len(), 2);
    answer(&script, &mut harness, chosen);
    let state = harness.state().state();
    assert_eq!((state.frames(), state.dataset.as_ref().unwrap().pending()), (whole.videos[0].frames(), 2));
    assert!(harness.query_all_by_label_contains("indexing: 1 of 3 videos").count() >= 1);
    // A part that was stopped leaves a button to go on.
    harness.state_mut().send(WorkAction::Control(background.0, Flow::Stop));
    harness.run_steps(4);
    assert!(harness.query_all_by_label_contains("1 of 3 videos are looked into").count() >= 1);
    harness.get_all_by_label("Go on indexing").last().unwrap().click();
    harness.run_steps(3);
    shot(&mut harness, "indexing-stopped");
    let background = asked(&script).last().unwrap().clone();
    assert!(matches!(&background.1.work, Indexing::Look(_, (1, 3))), "{background:?}");
    answer(&script, &mut harness, background);
    let compare = asked(&script).last().unwrap().clone();
    assert!(matches!(compare.1.work, Indexing::Compare(_)));
    assert!(harness.query_all_by_label_contains("comparing 3 videos").count() >= 1);
    answer(&script, &mut harness, compare);

    // Now it is as if it had been opened at once.
    let state = harness.state().state();
    let known = state.dataset.clone().unwrap();
    assert!(known.indexing.is_none() && state.indexing_note().is_none());
    for (a, b) in known.videos.iter().zip(&whole.videos) {
        assert_eq!((&a.facts, &a.labels, &a.instances), (&b.facts, &b.labels, &b.instances), "{}", a.name);
    }
    assert_eq!(harness.query_all_by_label_contains("indexing:").count(), 0);
    assert!(state.messages.iter().any(|m| m.text.contains("All 3 of")), "{:?}", state.messages);
    assert!(state.jobs.iter().all(|j| !j.status.is_live()), "nothing is left to do");
    let all = asked(&script).len();
    harness.run_steps(5);
    assert_eq!(asked(&script).len(), all);
}

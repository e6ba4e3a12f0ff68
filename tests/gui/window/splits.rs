//! The split a run made is seen wherever videos are listed, and before a training the one it would make.

use super::*;
use kinolens::domain::{Label, LabelTrack, Split, VideoFacts};
use kinolens::eval::Training;
use kinolens::run_folder::SplitRow;
use kinolens::ui::action::{ChooseAction, OpenAction, WindowAction};

/// A run that was trained on the demo dataset with this part for each of its videos.
fn trained(parts: [Split; 3]) -> Arc<RunView> {
    let dataset = demo();
    let row = |(video, part): (&kinolens::domain::VideoEntry, Split)| SplitRow {
        video: video.name.clone(),
        subject: video.subject.clone(),
        part,
        clips: 10,
        content: String::new(),
    };
    let rows = dataset.videos.iter().zip(parts).map(row).collect();
    let (root, fingerprint) = (dataset.root.clone(), dataset.fingerprint.clone());
    let training = Training { rows, root, fingerprint, files_fingerprint: String::new() };
    Arc::new(RunView { training: Some(training), ..RunView::clone(&run_of(&dataset)) })
}

#[test]
fn the_split_of_the_run_in_use_stands_beside_every_video() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let own: Vec<Split> = demo().videos.iter().map(|v| v.split).collect();
    // Another part for every video than the dataset's own.
    let other = |s: &Split| if *s == Split::Train { Split::Val } else { Split::Train };
    let parts = [other(&own[0]), other(&own[1]), Split::Unassigned];
    let count = |h: &Harness<'static, App>, label: &str| h.query_all_by_label_contains(label).count();
    assert_eq!(count(&harness, "in run one"), 0);
    let run = trained(parts);
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.run_steps(5);
    // The first video is chosen: it stands in the table and in the inspector.
    for (i, part) in parts.iter().enumerate() {
        let name = if *part == Split::Unassigned { "not used" } else { part.name() };
        let same = parts.iter().filter(|p| *p == part).count();
        let expected = same + usize::from(parts[0] == *part);
        assert_eq!(count(&harness, &format!("{name} in run one")), expected, "video {i}");
        harness.get_by_label(&format!("{name} ({same})"));
    }
    assert_eq!(count(&harness, "split of run run one"), 2, "explorer and table");
    shot(&mut harness, "split-of-run");
    // It can be filtered by.
    harness.state_mut().send(ChooseAction::SetFilter(kinolens::ui::state::Filter { text: parts[0].name().into() }));
    harness.run_steps(3);
    let filtered = harness.state().state().filtered.clone();
    let expected: Vec<usize> = (0..3).filter(|i| parts[*i] == parts[0]).collect();
    assert_eq!(filtered, expected);
    harness.state_mut().send(ChooseAction::SetFilter(Default::default()));
    // In Review too.
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(4);
    assert!(count(&harness, &format!("{} in run one", parts[0].name())) >= 1);
    // A run of other data says nothing about these videos.
    let mut foreign = RunView::clone(&run);
    let mut training = foreign.training.clone().unwrap();
    (training.root, training.fingerprint) = ("/other/data".into(), "other".into());
    training.rows.iter_mut().for_each(|r| r.video = format!("other {}", r.video));
    foreign.training = Some(training);
    script.0.borrow_mut().run = Some(Arc::new(foreign));
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Data));
    harness.run_steps(5);
    assert_eq!(count(&harness, "in run one"), 0);
}

/// Four people doing two exercises, each a video of 64 frames of one class; the last tests. One more video has no label.
fn people() -> Dataset {
    let video = |person: usize, class: Option<usize>| kinolens::domain::VideoEntry {
        path: format!("/people/p{person}_{class:?}.mp4").into(),
        name: format!("p{person}_{class:?}.mp4"),
        subject: format!("person {person}"),
        split: if person == 4 { Split::Test } else { Split::Train },
        labels: class.map_or_else(LabelTrack::default, |c| LabelTrack::whole(Label::Class(c))),
        instances: Vec::new(),
        masks: None,
        poses: None,
        pose_video: None,
        stated_rate: None,
        facts: Some(VideoFacts { frames: 64, fps: 30.0, duration_s: 64.0 / 30.0, ..VideoFacts::default() }),
        unread: None,
    };
    let mut videos: Vec<_> = (1..=4).flat_map(|p| [video(p, Some(0)), video(p, Some(1))]).collect();
    videos.push(video(1, None));
    let classes = kinolens::domain::ClassSet::from_names(["squat", "lunge"]);
    Dataset { root: "/people".into(), name: "people".into(), classes, videos, ..Dataset::default() }
}

#[test]
fn the_split_of_a_training_is_seen_before_it_starts() {
    let script = Scripted::default();
    script.0.borrow_mut().dataset = Some(Arc::new(people()));
    let mut harness = window(&script, ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::OpenDataset("/people".into()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(4);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    let start = Instant::now();
    while harness.query_by_label("Split: 44 train, 8 val, 8 test clips").is_none() {
        assert!(start.elapsed() < Duration::from_secs(10), "no split is shown");
        std::thread::sleep(Duration::from_millis(10));
        harness.run_steps(1);
    }
    // The demo preset takes 12 frames, every second one: 23 from the first to the last. In 64 frames 11 such clips begin
    // 4 apart (training) and 4 begin 12 apart (validation, test). One of the three people trained on validates.
    harness.get_by_label("Split: 44 train, 8 val, 8 test clips").click();
    harness.run_steps(10);
    harness.get_by_label("train: 44 clips of 4 videos, 2 subjects");
    harness.get_by_label("val: 8 clips of 2 videos, 1 subject");
    harness.get_by_label("test: 8 clips of 2 videos, 1 subject");
    harness.get_by_label("not used: 1 video, unlabelled or unreadable");
    harness.get_by_label("person 4");
    for class in ["squat", "lunge"] {
        harness.get_by_label(&format!("{class}: 22 train, 4 val, 4 test"));
    }
    shot(&mut harness, "split-preview");
}

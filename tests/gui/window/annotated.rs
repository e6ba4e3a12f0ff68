//! Annotated parts that overlap, boxes, the ledger, and what files leave open.

use super::*;
use kinolens::domain::{
    Choice, ClassInfo, ClassSet, FrameBox, Instance, InstanceDetails, InstanceLabel, Ledger, LedgerEntry, Reason,
};

/// The demo dataset with instances of its first video, three of which overlap, classes that a source numbers, and a ledger.
fn annotated() -> Arc<Dataset> {
    let mut data = Dataset::clone(&demo());
    let classes = data.classes.classes.iter().enumerate();
    data.classes = ClassSet {
        classes: classes.map(|(i, c)| ClassInfo { source: Some(format!("{}", 40 + i)), ..c.clone() }).collect(),
    };
    let file: Arc<Path> = data.root.join("actions.csv").as_path().into();
    let part = |start: u32, end: u32, label: InstanceLabel, line: u32| Instance {
        start,
        end,
        seconds: Some((f64::from(start) / 25.0, f64::from(end) / 25.0)),
        label,
        file: Some(file.clone()),
        line,
        details: None,
    };
    let boxed = |corners: [f32; 4]| {
        Some(Box::new(InstanceDetails {
            boxes: vec![FrameBox { frame: 0, end: 40, corners }],
            subject: Some("ada".into()),
            ..InstanceDetails::default()
        }))
    };
    let video = &mut data.videos[0];
    video.instances = vec![
        Instance { details: boxed([0.1, 0.2, 0.5, 0.9]), ..part(0, 40, InstanceLabel::Class(1), 2) },
        part(10, 60, InstanceLabel::Classes(vec![0, 2].into()), 3),
        part(20, 30, InstanceLabel::Unlabelled, 4),
    ];
    let name = video.name.clone();
    let entry = |line: u32, reason: Reason, video: Option<String>| LedgerEntry {
        file: file.clone(),
        line,
        rows: 1,
        reason,
        video,
        text: format!("row {line}"),
    };
    data.ledger = Ledger {
        rows: 6,
        unlabelled: vec![entry(4, Reason::NoLabel, Some(name.clone()))],
        ignored: vec![entry(5, Reason::PastEnd, Some(name.clone())), entry(6, Reason::MissingVideo, None)],
        adjusted: vec![entry(3, Reason::EndPastEnd, Some(name))],
        unlisted: vec![data.root.join("stray.mp4")],
    };
    data.choices = vec![Choice {
        key: "class".into(),
        question: "What is the class?".into(),
        value: "verb".into(),
        options: vec!["verb".into(), "noun".into()],
        several: false,
    }];
    data.instance_wise = true;
    Arc::new(data)
}

fn opened_annotated() -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let data = annotated();
    script.0.borrow_mut().dataset = Some(data.clone());
    harness.state_mut().send(OpenAction::OpenDataset(data.root.clone()));
    harness.run_steps(6);
    (script, harness)
}

#[test]
fn overlapping_instances_have_lanes_and_say_where_they_come_from() {
    let (_script, mut harness) = opened_annotated();
    let classes = demo().classes.clone();
    let both = format!("{}, {}, frames 10 to 59", classes.name(0), classes.name(2));
    let [a, b, c] = [&format!("{}, frames 0 to 39", classes.name(1)), &both, "frames 20 to 29"]
        .map(|text| harness.get_by_label_contains(text).rect());
    assert!(a.bottom() <= b.top() + 1.0 && b.bottom() <= c.top() + 1.0, "each lane below the one before: {a} {b} {c}");
    assert!(a.left() < b.left() && b.left() < c.left());
    harness.get_by_label_contains("actions.csv line 3");
    harness.get_by_label_contains("0.400 s to 2.400 s");
    // The class of the box, over the picture.
    harness.get_by_label(&format!("Box: {}", classes.name(1)));
    shot(&mut harness, "lanes");
}

#[test]
fn numbers_of_the_source_stand_beside_the_classes() {
    let (_script, harness) = opened_annotated();
    assert!(harness.query_all_by_label_contains("no. 4").count() > 0);
}

#[test]
fn the_ledger_adds_up_and_leads_to_videos() {
    let (script, mut harness) = opened_annotated();
    harness.get_by_label("Ledger").click();
    harness.run_steps(4);
    harness.get_by_label("6 rows: 3 used, 1 unlabelled, 2 left out");
    harness.get_by_label_contains("1 no such video here");
    harness.get_by_label("actions.csv:6");
    harness.get_by_label("row 6");
    shot(&mut harness, "ledger");
    harness.get_by_label("Changed 1").click();
    harness.run_steps(3);
    harness.get_by_label("actions.csv:3");
    harness.get_by_label("Not listed 1").click();
    harness.run_steps(3);
    harness.get_by_label("stray.mp4");
    // Read another way: the dataset is opened again with that answer.
    let jobs = script.0.borrow().jobs.len();
    harness.get_by_label("class").click();
    harness.run_steps(3);
    harness.get_by_label("noun").click();
    harness.run_steps(3);
    harness.get_by_label("Read again").click();
    harness.run_steps(4);
    let script = script.0.borrow();
    let asked = script.jobs[jobs..].iter().find_map(|j| match j {
        Job::OpenDataset(OpenDataset { data, .. }) => Some(data.choices.clone()),
        _ => None,
    });
    assert_eq!(asked, Some(vec![("class".to_owned(), "noun".to_owned())]));
}

#[test]
fn a_dataset_that_needs_an_answer_asks_before_it_opens() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let root = PathBuf::from("/elan");
    let choice = Choice {
        key: "tiers".into(),
        question: "Which tiers hold the classes?".into(),
        value: String::new(),
        options: vec!["gaze".into(), "action".into()],
        several: true,
    };
    script.0.borrow_mut().hold = true;
    harness.state_mut().send(OpenAction::OpenDataset(root.clone()));
    harness.run_steps(3);
    let id = JobId(script.0.borrow().jobs.len() as u64);
    script.0.borrow_mut().events.push(Event { job: id, body: EventBody::Asked(root, choice) });
    harness.run_steps(4);
    harness.get_by_label("How is elan to be read?");
    shot(&mut harness, "choices");
    for tier in ["action", "gaze"] {
        harness.get_by_label(tier).click();
        harness.run_steps(3);
    }
    let state = harness.state().state();
    let Some(Dialog::Choices(form)) = &state.dialog else { panic!("the dialog is gone: {:?}", state.dialog) };
    assert_eq!(form.choice.value, "gaze,action");
    harness.get_by_label("Open").click();
    harness.run_steps(4);
    let script = script.0.borrow();
    let Some(Job::OpenDataset(OpenDataset { data, .. })) = script.jobs.last() else { panic!("nothing was opened") };
    assert_eq!(data.choices, [("tiers".to_owned(), "gaze,action".to_owned())]);
}

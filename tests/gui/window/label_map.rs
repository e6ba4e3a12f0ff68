//! The table of classes: made, applied, taken back, kept with a training; and the frames that no clip shows.

use super::*;
use kinolens::domain::{LabelMap, Split};
use kinolens::ui::action::WorkAction;

fn map(relabel: &[String]) -> LabelMap {
    LabelMap::parse(relabel, &[]).unwrap()
}

/// The label maps that datasets were asked to be read with.
fn asked(script: &Scripted) -> Vec<LabelMap> {
    let of = |j: &Job| match j {
        Job::OpenDataset(OpenDataset { data, .. }) => Some(data.label_map.clone()),
        _ => None,
    };
    script.0.borrow().jobs.iter().filter_map(of).collect()
}

/// Chooses what becomes of a class.
fn choose(harness: &mut Harness<'static, App>, class: &str, becomes: &str) {
    harness.get_by_label(&format!("What becomes of {class}")).click();
    harness.run_steps(4);
    harness.query_all_by_label(becomes).last().expect("the choice").click();
    harness.run_steps(4);
}

#[test]
fn the_table_of_classes_is_two_clicks_away_and_one_undo_takes_it_back() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let data = demo();
    let names: Vec<String> = data.classes.classes.iter().map(|c| c.name.clone()).collect();
    harness.get_by_label("Label map…").click();
    harness.run_steps(4);
    assert!(matches!(harness.state().state().dialog, Some(Dialog::LabelMap(_))));
    // Counts by the labels themselves.
    let frames: u64 = data
        .videos
        .iter()
        .flat_map(|v| v.frames_by_label())
        .filter(|(l, _)| l.class() == Some(0))
        .map(|(_, n)| n)
        .sum();
    harness.query_all_by_label(&kinolens::domain::grouped(frames)).next().expect("the frames of the first class");
    choose(&mut harness, &names[1], &format!("part of {}", names[0]));
    choose(&mut harness, &names[2], "left out");
    shot(&mut harness, "label-map");
    harness.get_by_label("Apply").click();
    harness.run_steps(4);
    let wanted = map(&[format!("{}={}", names[1], names[0]), format!("{}=", names[2])]);
    assert_eq!(asked(&script).last(), Some(&wanted));
    assert_eq!(harness.state().state().reading.label_map, wanted, "kept with the dataset");
    assert_eq!(harness.state().state().undo.len(), 1, "one step");
    let before = asked(&script).len();
    harness.state_mut().send(HistoryAction::Undo);
    harness.run_steps(4);
    assert_eq!(asked(&script)[before..], [LabelMap::default()]);
    harness.state_mut().send(HistoryAction::Redo);
    harness.run_steps(4);
    assert_eq!(asked(&script).last(), Some(&wanted));
}

#[test]
fn a_fault_in_the_table_is_a_sentence_and_nothing_can_be_applied() {
    let (script, mut harness) = opened(ThemeChoice::Light);
    let names: Vec<String> = demo().classes.classes.iter().map(|c| c.name.clone()).collect();
    harness.state_mut().send(OpenAction::AskLabelMap);
    harness.run_steps(3);
    let before = asked(&script).len();
    choose(&mut harness, &names[0], &format!("part of {}", names[1]));
    choose(&mut harness, &names[1], "left out");
    harness.get_by_label_contains("which is no class of its own");
    harness.get_by_label("Apply").click();
    harness.run_steps(3);
    assert!(asked(&script).len() == before && harness.state().state().dialog.is_some());
    harness.get_by_label("Reset").click();
    harness.run_steps(3);
    harness.get_by_label_contains("as it was read");
    // The order of the classes is a map too.
    harness.get_by_label(&format!("Move {} down", names[0])).click();
    harness.run_steps(3);
    harness.get_by_label("Apply").click();
    harness.run_steps(4);
    let mut order = names.clone();
    order.swap(0, 1);
    assert_eq!(asked(&script).last().map(|m| m.order.clone()), Some(order));
}

/// The demo dataset as it is read with the first two classes merged.
fn merged() -> (LabelMap, Arc<Dataset>) {
    let mut data = Dataset::clone(&demo());
    let (a, b) = (data.classes.name(0).to_owned(), data.classes.name(1).to_owned());
    let map = map(&[format!("{b}={a}")]);
    let mapping = map.resolve(&data.classes).unwrap();
    data.apply(&map, &mapping);
    data.fingerprint = "mapped".into();
    (map, Arc::new(data))
}

#[test]
fn trainings_keep_the_map_of_the_dataset_and_refuse_another() {
    let (map, data) = merged();
    let script = Scripted::default();
    script.0.borrow_mut().dataset = Some(data.clone());
    let mut harness = window(&script, ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::OpenDataset(data.root.clone()));
    harness.run_steps(4);
    let told = format!("{} classes of {} in the files", data.classes.len(), data.classes.len() + 1);
    harness.get_by_label_contains(&told);
    script.0.borrow_mut().hold = true;
    let start = |harness: &mut Harness<'static, App>, label_map: LabelMap| {
        let mut config = kinolens::config::RunConfig::reference();
        config.data.label_map = label_map;
        let out = PathBuf::from("/tmp/kinolens never trained either");
        harness.state_mut().send(WorkAction::StartTraining { config: Box::new(config), out, resume: false });
        harness.run_steps(3);
    };
    start(&mut harness, LabelMap::parse(&["a=b".into()], &[]).unwrap());
    let trained = |script: &Scripted| {
        let of = |j: &Job| match j {
            Job::Train(kind) => Some(kind.config.data.label_map.clone()),
            _ => None,
        };
        script.0.borrow().jobs.iter().filter_map(of).collect::<Vec<_>>()
    };
    assert!(trained(&script).is_empty());
    let messages = &harness.state().state().messages;
    assert!(messages.iter().any(|m| m.text.contains("a label map that the open dataset was not read with")));
    start(&mut harness, LabelMap::default());
    assert_eq!(trained(&script), [map]);
}

#[test]
fn the_ledger_says_what_no_clip_shows() {
    let (_script, mut harness) = opened(ThemeChoice::Dark);
    harness.get_by_label("Ledger").click();
    harness.run_steps(4);
    harness.get_by_label("Frames in clips").click();
    let start = Instant::now();
    while harness.query_by_label_contains("all frames: ").is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "no table is shown");
        std::thread::sleep(Duration::from_millis(10));
        harness.run_steps(1);
    }
    // Numbers of the labels: the demo divides its videos itself.
    let data = demo();
    let of = |split: Split| data.videos.iter().filter(|v| v.split == split).map(|v| u64::from(v.frames())).sum::<u64>();
    let said = text_of(&harness.get_by_label_contains("all frames: "));
    let test = kinolens::domain::grouped(of(Split::Test));
    assert!(said.contains(&format!("{test} test")), "{said}");
    // In clips and in none are all of them.
    let numbers = |title: &str| -> Vec<u64> {
        let said = text_of(&harness.get_by_label_contains(title));
        let parts = said.split_once(": ").unwrap().1.split(", ");
        let digits = |part: &str| part.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
        parts.map(digits).collect()
    };
    let (all, shown, none) = (numbers("all frames: "), numbers("in clips: "), numbers("in none: "));
    for ((all, shown), none) in all.iter().zip(shown).zip(none) {
        assert_eq!(*all, shown + none);
        assert!(shown > 0);
    }
    assert_eq!(all.iter().sum::<u64>(), data.videos.iter().map(|v| u64::from(v.frames())).sum::<u64>());
    shot(&mut harness, "frames-in-clips");
}

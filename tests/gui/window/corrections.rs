//! Labels corrected in place: edges dragged, classes changed, undone and redone, written by a job; labels in doubt answered.

use super::*;
use egui::accesskit::Role;
use kinolens::compare::{EvaluatedRun, LabelIssues};
use kinolens::domain::{Instance, InstanceLabel};
use kinolens::jobs::kinds::{FindLabelIssues, SaveCorrections};
use kinolens::ui::Action;
use kinolens::ui::action::ChooseAction;

fn labels(harness: &Harness<'static, App>) -> Vec<(u32, u32, InstanceLabel)> {
    let dataset = harness.state().state().dataset.clone().unwrap();
    dataset.videos[0].instances.iter().map(|i| (i.start, i.end, i.label.clone())).collect()
}

fn saved(script: &Scripted) -> Vec<SaveCorrections> {
    let of = |job: &Job| match job {
        Job::SaveCorrections(kind) => Some(kind.clone()),
        _ => None,
    };
    script.0.borrow().jobs.iter().filter_map(of).collect()
}

fn click(harness: &mut Harness<'static, App>, label: &str) {
    harness.query_all_by_label(label).last().unwrap_or_else(|| panic!("no '{label}'")).click();
    harness.run_steps(4);
}

fn press(harness: &mut Harness<'static, App>, key: egui::Key, modifiers: egui::Modifiers) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(4);
}

fn undo(harness: &mut Harness<'static, App>) {
    press(harness, egui::Key::Z, egui::Modifiers::COMMAND);
}

fn redo(harness: &mut Harness<'static, App>) {
    press(harness, egui::Key::Z, egui::Modifiers::COMMAND | egui::Modifiers::SHIFT);
}

/// A window of a size, where it is drawn.
fn sized(size: [f32; 2], theme: ThemeChoice) -> (Scripted, Harness<'static, App>) {
    let script = Scripted::default();
    script.0.borrow_mut().run = Some(run_of(&demo()));
    script.0.borrow_mut().dataset = Some(demo());
    let workers = script.clone();
    let mut harness = Harness::builder().with_size(size).wgpu().build_eframe(move |cc| {
        let factory = Box::new(move |_| Box::new(workers) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    harness.state_mut().send(WindowAction::SetTheme(theme));
    harness.state_mut().send(OpenAction::OpenDataset(demo().root.clone()));
    harness.run_steps(6);
    (script, harness)
}

fn picture(harness: &mut Harness<'static, App>, name: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    std::fs::create_dir_all(&dir).unwrap();
    harness.render().expect("the window renders").save(dir.join(format!("{name}.png"))).unwrap();
}

const SIZES: [[f32; 2]; 2] = [[1280.0, 720.0], [1920.0, 1080.0]];

#[test]
fn an_edge_is_dragged_its_neighbour_moves_along_and_undo_takes_it_back() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let before = labels(&harness);
    let (first, second) = (before[0].clone(), before[1].clone());
    assert_eq!(first.1, second.0, "the first two segments touch");
    assert_eq!(harness.query_all_by_label_contains("Start of").count(), 0, "labels are not edited by chance");
    click(&mut harness, "Edit labels");
    let name = |label: &InstanceLabel| match label.classes().first() {
        Some(class) => demo().classes.name(*class).to_owned(),
        None => "background".to_owned(),
    };
    let edge = format!("End of {}, frame {}", name(&first.2), first.1 - 1);
    let from = harness.get_by_label(&edge).rect().center();
    harness.drag_at(from);
    harness.run_steps(1);
    for step in 1..=4 {
        harness.hover_at(from + egui::vec2(6.0 * step as f32, 0.0));
        harness.run_steps(2);
    }
    // While it is dragged: where it goes, and both pictures.
    harness.get_by_label_contains("edge before frame");
    assert_eq!(labels(&harness), before, "nothing changes before the pointer is released");
    until(&mut harness, "the picture of the last frame", |app| app.current().is_some());
    picture(&mut harness, "corrections-drag");
    harness.drop_at(from + egui::vec2(24.0, 0.0));
    harness.run_steps(4);
    let after = labels(&harness);
    let moved = after[0].1;
    assert!(moved > first.1 && after[1].0 == moved && after[1].1 == second.1, "{after:?}");
    assert_eq!(after[2..], before[2..]);
    // It is written at once, by a job that runs to its end.
    let jobs = saved(&script);
    assert_eq!(jobs.len(), 1);
    let video = demo().videos[0].name.clone();
    let (was, now) = (jobs[0].before.clone(), jobs[0].now.of(&video).to_vec());
    assert!(was.is_empty() && now.len() == 2, "{was:?}\n{now:?}\n{after:?}");
    assert_eq!(harness.query_all_by_label_contains("Corrected: ").count(), 2);
    click(&mut harness, "Ledger");
    harness
        .get_by_label_contains("2 annotations corrected (2 changed, 0 added, 0 removed) by kinolens_corrections.ron");
    // It says where.
    let messages = harness.state().state().messages.iter().map(|m| m.text.clone()).collect::<Vec<_>>();
    assert!(messages.iter().any(|m| m.contains("kinolens_corrections.ron")), "{messages:?}");
    undo(&mut harness);
    assert_eq!(labels(&harness), before);
    assert_eq!(harness.state().state().dataset.as_ref().unwrap().fingerprint, demo().fingerprint);
    redo(&mut harness);
    assert_eq!(labels(&harness), after);
    assert_eq!(saved(&script).len(), 3, "undo and redo are written too");
    assert!(harness.state().state().correcting.unsaved.is_empty());
}

#[test]
fn a_menu_changes_the_class_splits_and_deletes() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    click(&mut harness, "Edit labels");
    let before = labels(&harness);
    let at = before.iter().position(|(_, _, label)| !label.classes().is_empty()).unwrap();
    let (start, end, label) = before[at].clone();
    let classes = demo().classes.clone();
    let own = classes.name(label.classes()[0]).to_owned();
    let other = classes.classes.iter().position(|c| c.name != own).unwrap();
    let segment = |class: &str, start: u32, end: u32| format!("Edit {class}, frames {start} to {}", end - 1);
    click(&mut harness, &segment(&own, start, end));
    click(&mut harness, "Class");
    click(&mut harness, classes.name(other));
    assert_eq!(labels(&harness)[at], (start, end, InstanceLabel::Class(other)));
    // Split at the playhead: what is behind it gets its own class back.
    let middle = (start + end) / 2;
    harness.state_mut().send(TimeAction::Seek(middle));
    harness.run_steps(3);
    click(&mut harness, &segment(classes.name(other), start, end));
    click(&mut harness, &format!("Split: from frame {middle} on it is"));
    click(&mut harness, &own);
    let now = labels(&harness);
    assert_eq!(now[at], (start, middle, InstanceLabel::Class(other)));
    assert_eq!(now[at + 1], (middle, end, label.clone()));
    click(&mut harness, &segment(classes.name(other), start, middle));
    picture(&mut harness, "corrections-menu");
    click(&mut harness, "Delete");
    assert_eq!(labels(&harness).len(), now.len() - 1);
    for _ in 0..3 {
        undo(&mut harness);
    }
    assert_eq!(labels(&harness), before);
    assert!(saved(&script).last().unwrap().now.is_empty(), "nothing is left of it on the disk");
}

#[test]
fn instances_that_overlap_are_edited_one_by_one() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let mut data = Dataset::clone(&demo());
    data.instance_wise = true;
    let part = |start, end, class| Instance { start, end, label: InstanceLabel::Class(class), ..Instance::default() };
    data.videos[0].instances = vec![part(0, 60, 1), part(20, 80, 2)];
    data.videos[0].labels = Default::default();
    script.0.borrow_mut().dataset = Some(Arc::new(data));
    harness.state_mut().send(OpenAction::OpenDataset(demo().root.clone()));
    harness.run_steps(6);
    click(&mut harness, "Edit labels");
    harness.state_mut().send(TimeAction::Seek(30));
    harness.run_steps(3);
    let name = demo().classes.name(1).to_owned();
    click(&mut harness, &format!("Edit {name}, frames 0 to 59"));
    click(&mut harness, "End with frame 30");
    let class = InstanceLabel::Class;
    assert_eq!(labels(&harness), [(0, 31, class(1)), (20, 80, class(2))]);
    click(&mut harness, &format!("Edit {}, frames 20 to 79", demo().classes.name(2)));
    click(&mut harness, "Split at frame 30");
    assert_eq!(labels(&harness), [(0, 31, class(1)), (20, 30, class(2)), (30, 80, class(2))]);
}

/// The demo's first video, of whose windows a network takes the second segment for the first one's class.
fn doubts() -> Arc<LabelIssues> {
    let dataset = demo();
    let video = dataset.videos[0].clone();
    let own = |start: u32| video.labels.at(start + 8).and_then(|l| l.class());
    let windows = (0..video.frames().saturating_sub(16)).step_by(16);
    let clips: Vec<Prediction> = windows
        .filter_map(|start| {
            let truth = own(start)?;
            let wrong = start == doubtful();
            let predicted = if wrong { (truth + 1) % dataset.classes.len() } else { truth };
            Some(Prediction {
                video: video.name.clone(),
                start,
                truth,
                predicted,
                probabilities: (0..dataset.classes.len()).map(|c| if c == predicted { 0.9 } else { 0.01 }).collect(),
                ..Prediction::default()
            })
        })
        .collect();
    let evaluation = Evaluation { classes: dataset.classes.clone(), ..Evaluation::default() };
    let run = EvaluatedRun {
        evaluation: Arc::new(evaluation),
        predictions: Arc::new(Predictions { clips }),
        ..EvaluatedRun::default()
    };
    let mut issues = LabelIssues::of(&[run], Some(&dataset)).unwrap();
    let edge =
        video.labels.segments().windows(2).find(|w| w[0].end == w[1].start && w[1].label.class().is_some()).unwrap();
    issues.edges = vec![kinolens::compare::EdgeIssue {
        video: video.name.clone(),
        before: 0,
        after: edge[1].label.class().unwrap(),
        frame: edge[1].start,
        proposed: edge[1].start + 3,
        resolution: 2,
        ..Default::default()
    }];
    Arc::new(issues)
}

/// First frame of a window in the middle of a labelled segment.
fn doubtful() -> u32 {
    let dataset = demo();
    let video = &dataset.videos[0];
    let inside = |start: &u32| {
        let at = |n: u32| video.labels.at(n).and_then(|l| l.class());
        at(*start).is_some() && (*start..*start + 16).all(|n| at(n) == at(*start))
    };
    (0..video.frames()).step_by(16).find(inside).unwrap()
}

fn with_doubts(size: [f32; 2], theme: ThemeChoice) -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = sized(size, theme);
    for action in [
        Action::Open(OpenAction::OpenRun(run_of(&demo()).path.clone())),
        Action::Choose(ChooseAction::SelectSplit(kinolens::jobs::SplitChoice::Test)),
        Action::Window(WindowAction::SetWorkspace(Workspace::Evaluate)),
    ] {
        harness.state_mut().send(action);
        harness.run_steps(4);
    }
    click(&mut harness, "Labels in doubt");
    click(&mut harness, "Find labels in doubt");
    let job = script.0.borrow().jobs.len() as u64;
    assert!(matches!(script.0.borrow().jobs.last(), Some(Job::FindLabelIssues(FindLabelIssues { .. }))));
    let body = EventBody::Finished(Output::LabelIssues(doubts()));
    script.0.borrow_mut().events.push(Event { job: JobId(job), body });
    harness.run_steps(6);
    (script, harness)
}

#[test]
fn doubtful_labels_are_accepted_kept_or_looked_at_by_keys() {
    let (script, mut harness) = with_doubts(SIZES[0], ThemeChoice::Dark);
    let start = doubtful();
    let (dataset, video) = (demo(), demo().videos[0].name.clone());
    let class = dataset.videos[0].labels.at(start).and_then(|l| l.class()).unwrap();
    let looks = (class + 1) % dataset.classes.len();
    let (own, other) = (dataset.classes.name(class).to_owned(), dataset.classes.name(looks).to_owned());
    let row = format!("{own} looks like {other}, 0.01 against 0.90, frame {start} of");
    harness.get_by_label_contains(&row);
    harness.get_by_label("Clips (1)");
    // A click gives the list the keys; A takes the proposal for the frames of the window.
    let at = harness.get_by_label_contains(&row).rect().center();
    harness.drag_at(at);
    harness.run_steps(1);
    harness.drop_at(at);
    harness.run_steps(3);
    press(&mut harness, egui::Key::A, egui::Modifiers::NONE);
    let label_at = |harness: &Harness<'static, App>, n: u32| {
        let dataset = harness.state().state().dataset.clone().unwrap();
        dataset.videos[0].labels.at(n).and_then(|l| l.class())
    };
    assert_eq!([label_at(&harness, start), label_at(&harness, start + 15)], [Some(looks); 2]);
    assert_eq!(label_at(&harness, start + 16), dataset.videos[0].labels.at(start + 16).and_then(|l| l.class()));
    harness.get_by_label("Nothing is left in doubt here.");
    let noted = saved(&script).last().unwrap().now.of(&video).to_vec();
    assert!(noted.iter().any(|c| c.note.contains("label in doubt")), "{noted:?}");
    undo(&mut harness);
    assert_eq!(label_at(&harness, start), Some(class));
    // Kept: no longer listed, and noted on the disk.
    click(&mut harness, "Keep label (D)");
    harness.get_by_label("Nothing is left in doubt here.");
    assert!(saved(&script).last().unwrap().now.confirmed.contains_key(&video));
    assert_eq!(label_at(&harness, start), Some(class));
    click(&mut harness, "Also answered ones");
    harness.get_by_label_contains("of s01.mp4, kept");
    // Enter leads to the clip.
    let at = harness.get_by_label_contains(&row).rect().center();
    harness.drag_at(at);
    harness.run_steps(1);
    harness.drop_at(at);
    harness.run_steps(3);
    press(&mut harness, egui::Key::Enter, egui::Modifiers::NONE);
    let state = harness.state().state();
    assert_eq!((state.workspace, state.selection.frame), (Workspace::Review, start));
}

#[test]
fn a_doubtful_edge_is_moved_to_where_it_is_proposed() {
    let (_script, mut harness) = with_doubts(SIZES[0], ThemeChoice::Dark);
    let edge = doubts().edges[0].clone();
    click(&mut harness, "Edges (1)");
    harness.get_by_label_contains(&format!("at frame {}, proposed {}", edge.frame, edge.proposed));
    click(&mut harness, "Accept proposal (A)");
    let now = labels(&harness);
    assert!(now.iter().any(|l| l.0 == edge.proposed) && !now.iter().any(|l| l.0 == edge.frame), "{now:?}");
    harness.get_by_label("Nothing is left in doubt here.");
}

#[test]
fn pictures_of_labels_in_doubt_and_of_editing() {
    for (theme, size) in [ThemeChoice::Dark, ThemeChoice::Light].into_iter().flat_map(|t| SIZES.map(|s| (t, s))) {
        let (_script, mut harness) = with_doubts(size, theme);
        let name = format!("{theme:?}-{}", size[0]);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(600) {
            harness.run_steps(1);
        }
        assert_eq!(harness.query_all_by_role(Role::ListBoxOption).count(), 1);
        picture(&mut harness, &format!("doubts-clips-{name}"));
        click(&mut harness, "Edges (1)");
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(600) {
            harness.run_steps(1);
        }
        picture(&mut harness, &format!("doubts-edges-{name}"));
        click(&mut harness, "Accept proposal (A)");
        harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Data));
        harness.run_steps(4);
        click(&mut harness, "Edit labels");
        picture(&mut harness, &format!("corrections-data-{name}"));
    }
}

#[test]
fn labels_are_exported_from_the_file_menu_for_the_tool_that_is_chosen() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = run_of(&demo());
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.run_steps(4);
    click(&mut harness, "File");
    click(&mut harness, "Export labels…");
    until(&mut harness, "a folder to be offered", |app| {
        let Some(Dialog::ExportLabels(form)) = &app.state().dialog else { return false };
        form.out.ends_with("-labels") && app.state().disk.at(Path::new(&form.out)).value().is_some()
    });
    picture(&mut harness, "label-export-Dark");
    click(&mut harness, "CVAT");
    click(&mut harness, "Videos");
    click(&mut harness, "test");
    harness.query_all_by_label_contains("Predictions of").last().expect("the run is named").click();
    harness.run_steps(3);
    click(&mut harness, "Export");
    let last = script.0.borrow().jobs.last().cloned();
    let Some(Job::ExportLabels(kind)) = last else { panic!("{last:?}") };
    assert_eq!(kind.tool.map(|t| t.id()), Some("cvat"));
    assert_eq!(
        (kind.split, kind.predictions.map(|c| c.run)),
        (kinolens::jobs::SplitChoice::Test, Some(run.path.clone()))
    );
    assert!(harness.state().state().dialog.is_none());
}

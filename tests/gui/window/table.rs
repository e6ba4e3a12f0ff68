//! Tables of any layout: their columns are assigned over their first rows, once.

use super::*;
use kinolens::config::{TableColumns, TimeUnit};
use kinolens::data::table_preview;
use kinolens::jobs::TableView;
use kinolens::jobs::kinds::ReadTable;

/// Two folders of frames and a table of a layout of its own.
fn made() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let dir = root.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for n in 0..6_u8 {
            let picture = image::RgbImage::from_pixel(16, 12, image::Rgb([n, 9, 9]));
            picture.save(dir.join(format!("{n:03}.png"))).unwrap();
        }
    }
    let file = root.path().join("notes.csv");
    std::fs::write(&file, "where;what;t0;t1\na;nod;0;2\na;bow;2;6\nb;nod;3;x\nz;bow;1;2\n").unwrap();
    (root, file)
}

/// Reads the tables that were asked for, as the files lane does.
fn answer(script: &Scripted, harness: &mut Harness<'static, App>, answered: &mut usize) {
    for _ in 0..4 {
        let asked: Vec<(usize, Job)> = script.0.borrow().jobs.iter().cloned().enumerate().skip(*answered).collect();
        for (at, job) in asked {
            *answered = at + 1;
            let Job::ReadTable(ReadTable { path, columns }) = job else { continue };
            let body = match table_preview(&path, &columns, 12) {
                Ok(preview) => EventBody::Finished(Output::Table(Arc::new(TableView { path, columns, preview }))),
                Err(error) => EventBody::Failed(error.to_string()),
            };
            script.0.borrow_mut().events.push(Event { job: JobId(at as u64 + 1), body });
        }
        harness.run_steps(3);
    }
}

fn assign(harness: &mut Harness<'static, App>, role: &str, column: &str) {
    harness.get_by_label(role).click();
    harness.run_steps(4);
    // The name stands over the rows as well.
    harness.get_by_role_and_label(egui::accesskit::Role::Button, column).click();
    harness.run_steps(4);
}

#[test]
fn a_table_that_nothing_recognises_asks_for_its_columns_and_shows_how_it_is_read() {
    let (_root, file) = made();
    let script = Scripted::default();
    let mut harness = window(&script, ThemeChoice::Dark);
    script.0.borrow_mut().hold = true;
    harness.state_mut().send(OpenAction::OpenDataset(file.clone()));
    harness.run_steps(3);
    let id = JobId(script.0.borrow().jobs.len() as u64);
    let mut answered = id.0 as usize;
    script.0.borrow_mut().events.push(Event { job: id, body: EventBody::AskedTable(file.clone()) });
    harness.run_steps(4);
    harness.get_by_label("What do the columns of notes.csv say?");
    answer(&script, &mut harness, &mut answered);
    harness.get_by_label("Say which column holds the paths of the videos.");
    harness.get_by_label("Open").click();
    harness.run_steps(3);
    assert!(harness.state().state().dialog.is_some(), "nothing is complete yet");
    for (role, column) in
        [("Column of the path of the video", "where"), ("Column of the class", "what"), ("Column of the start", "t0")]
    {
        assign(&mut harness, role, column);
        answer(&script, &mut harness, &mut answered);
    }
    harness.get_by_label("Start and end belong together: say which column holds the end.");
    assign(&mut harness, "Column of the end", "t1");
    answer(&script, &mut harness, &mut answered);
    harness.get_by_label("a: bow, 2.000 s to 6.000 s");
    assign(&mut harness, "Unit of start and end", "frames from 0, the end outside");
    answer(&script, &mut harness, &mut answered);
    harness.get_by_label("a: nod, frames 0 to 1");
    harness.get_by_label("a: bow, frames 2 to 5");
    harness.get_by_label("Line 4: 'x' is no frame number.");
    harness.get_by_label_contains("Line 5: there is no video 'z'");
    harness.get_by_label("2 of the first 4 rows can be read; 4 rows in all");
    shot(&mut harness, "table-columns");
    harness.get_by_label("Open").click();
    harness.run_steps(4);
    assert!(harness.state().state().dialog.is_none());
    let wanted = TableColumns {
        path: "where".into(),
        class: Some("what".into()),
        start: Some("t0".into()),
        end: Some("t1".into()),
        unit: TimeUnit::Frames,
        ..TableColumns::default()
    };
    let opened = |script: &Scripted| match script.0.borrow().jobs.last() {
        Some(Job::OpenDataset(OpenDataset { path, data })) => (path.clone(), data.clone()),
        other => panic!("nothing was opened: {other:?}"),
    };
    let (path, data) = opened(&script);
    assert_eq!((&path, data.table.as_ref()), (&file, Some(&wanted)));
    // As the lane reads it; then it is closed, and opened from the recent ones without a question.
    let dataset = kinolens::data::open_with_cache(&path, &data, None, &Silent).unwrap();
    assert_eq!(dataset.videos.iter().map(|v| v.instances.len()).sum::<usize>(), 2);
    let job = JobId(script.0.borrow().jobs.len() as u64);
    let body = EventBody::Finished(Output::Dataset(Arc::new(dataset)));
    script.0.borrow_mut().events.push(Event { job, body });
    harness.run_steps(4);
    assert_eq!(harness.state().state().dataset.as_ref().map(|d| d.root.clone()), Some(file.clone()));
    harness.state_mut().send(OpenAction::CloseDataset);
    harness.run_steps(3);
    harness.state_mut().send(OpenAction::OpenDataset(file.clone()));
    harness.run_steps(3);
    let (path, data) = opened(&script);
    assert_eq!((&path, data.table.as_ref()), (&file, Some(&wanted)));
}

#[test]
fn open_a_table_is_on_the_welcome_page_and_says_why_a_file_cannot_be_read() {
    let (root, _) = made();
    let script = Scripted::default();
    let mut harness = window(&script, ThemeChoice::Light);
    harness.get_by_label("Open a table…");
    harness.state_mut().send(OpenAction::NoFileDialog(PathPurpose::OpenTable));
    harness.run_steps(3);
    harness.get_by_label("Open a table");
    let gone = root.path().join("gone.csv");
    let mut answered = script.0.borrow().jobs.len();
    harness.state_mut().send(OpenAction::PathChosen(PathPurpose::OpenTable, gone));
    harness.run_steps(3);
    answer(&script, &mut harness, &mut answered);
    assert!(matches!(harness.state().state().dialog, Some(Dialog::Table(_))));
    harness.get_by_label("Cancel").click();
    harness.run_steps(3);
    assert!(harness.state().state().dialog.is_none());
    // Names that are known are assigned at once.
    let file = root.path().join("named.csv");
    std::fs::write(&file, "video,action\na,nod\nb,bow\n").unwrap();
    harness.state_mut().send(OpenAction::PathChosen(PathPurpose::OpenTable, file));
    harness.run_steps(3);
    answer(&script, &mut harness, &mut answered);
    harness.get_by_label("a: nod, the whole video");
    harness.get_by_label("2 of the first 2 rows can be read; 2 rows in all");
}

//! The videos of a dataset: as pictures, tagged together, filtered by what is clicked; the picture zoomed; the keyboard
//! going from panel to panel.

use super::leading::confused_run;
use super::*;
use egui::Modifiers;
use kinolens::run_folder::ClipNote;
use kinolens::ui::action::{ChooseAction, OpenAction, WindowAction, WorkAction};

fn names() -> Vec<String> {
    demo().videos.iter().map(|v| v.name.clone()).collect()
}

#[test]
fn several_videos_are_picked_and_tagged_and_tags_filter() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    let names = names();
    harness.get_by_label(&format!("Video {}", names[0])).click();
    harness.run_steps(2);
    harness.get_by_label(&format!("Video {}", names[2])).click_modifiers(Modifiers::COMMAND);
    harness.run_steps(2);
    assert_eq!(harness.state().state().marks.videos.iter().cloned().collect::<Vec<_>>(), [&names[0][..], &names[2]]);
    harness.get_by_label_contains("2 videos selected");
    harness.get_by_label("Tag videos…").click();
    harness.run_steps(3);
    harness.get_by_label("bad quality").click();
    harness.run_steps(3);
    shot(&mut harness, "videos-tagging-Dark");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    let tags = harness.state().state().video_tags.clone();
    assert!(
        tags.has(&names[0], "bad quality") && !tags.has(&names[1], "bad quality") && tags.has(&names[2], "bad quality")
    );
    harness.get_by_label("Only videos tagged bad quality").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().filtered, [0, 2]);
    // Undo takes the filter back, and then the tag.
    for _ in 0..2 {
        harness.key_press_modifiers(Modifiers::COMMAND, egui::Key::Z);
        harness.run_steps(2);
    }
    let state = harness.state().state();
    assert!(state.video_tags.is_empty() && state.filtered.len() == names.len(), "{:?}", state.filter);
    // Shift picks a range.
    harness.get_by_label(&format!("Video {}, picked", names[0])).click();
    harness.run_steps(2);
    harness.get_by_label(&format!("Video {}", names[2])).click_modifiers(Modifiers::SHIFT);
    harness.run_steps(2);
    assert_eq!(harness.state().state().marks.videos.len(), 3);
}

#[test]
fn pictures_stand_for_videos_and_columns_that_say_nothing_are_left_out() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    let names = names();
    // All of the demo's videos have one rate, size and codec: said once, above the table.
    assert!(harness.query_by_label("Sort by fps").is_none());
    harness.get_by_label("Sort by frames");
    harness.get_by_label_contains("all: ");
    shot(&mut harness, "videos-table-Dark");
    harness.get_by_label("Videos as pictures").click();
    harness.run_steps(3);
    for name in &names {
        harness.get_by_label(&format!("Picture of {name}"));
    }
    for _ in 0..60 {
        std::thread::sleep(Duration::from_millis(20));
        harness.run_steps(1);
    }
    shot(&mut harness, "videos-pictures-Dark");
    harness.get_by_label(&format!("Picture of {}", names[1])).click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().selection.video.as_ref(), Some(&names[1]));
    // Arrows act on what has the focus: the list, not the frames.
    harness.key_press(egui::Key::ArrowDown);
    harness.run_steps(2);
    assert_eq!(harness.state().state().selection.video.as_ref(), Some(&names[2]));
    harness.key_press(egui::Key::ArrowRight);
    harness.run_steps(2);
    assert_eq!(harness.state().state().selection.frame, 1, "left and right stay with the picture");
}

#[test]
fn a_click_on_a_bar_of_the_statistics_filters() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    harness.get_by_label("Statistics").click();
    harness.run_steps(3);
    let class = demo().classes.name(0).to_owned();
    let bar = format!("{class}: ");
    harness
        .get_by(|n| n.role() == egui::accesskit::Role::Button && n.label().is_some_and(|l| l.contains(&bar)))
        .click();
    harness.run_steps(3);
    let wanted = if class.contains(' ') { format!("class:\"{class}\"") } else { format!("class:{class}") };
    assert_eq!(harness.state().state().filter.text, wanted);
    assert!(harness.query_all_by_label_contains("Video ").count() > 0, "the videos are in front");
}

#[test]
fn the_keyboard_goes_from_panel_to_panel() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    until(&mut harness, "the first picture", |app| shown_frame(app) == Some(0));
    let focused = |harness: &Harness<'static, App>| {
        use egui_kittest::kittest::NodeT;
        let panels = ["Explorer panel", "Videos panel", "Viewer panel", "Timeline panel", "Inspector panel"];
        panels.into_iter().find(|p| harness.get_by_label(p).accesskit_node().is_focused())
    };
    let mut seen = Vec::new();
    for _ in 0..5 {
        harness.key_press(egui::Key::F6);
        harness.run_steps(3);
        seen.push(focused(&harness).expect("a panel has the focus"));
    }
    let all: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(all.len(), 5, "{seen:?}");
    shot(&mut harness, "panel-focus-Dark");
    harness.key_press_modifiers(Modifiers::SHIFT, egui::Key::F6);
    harness.run_steps(3);
    assert_eq!(focused(&harness), Some(seen[3]));
}

#[test]
fn notes_are_taken_back_by_undo() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = confused_run(&demo());
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.run_steps(4);
    let clip = kinolens::jobs::ClipRef::window(&names()[0], 32);
    let note = |harness: &Harness<'static, App>| harness.state().state().note(&clip).cloned().unwrap_or_default();
    let tagged = ClipNote { tags: vec!["occluded".into()], text: String::new() };
    harness.state_mut().send(WorkAction::SetNote(clip.clone(), tagged.clone()));
    harness.run_steps(2);
    for text in ["a", "ab", "abc"] {
        let typed = ClipNote { text: text.into(), ..tagged.clone() };
        harness.state_mut().send(WorkAction::SetNote(clip.clone(), typed));
        harness.run_steps(1);
    }
    assert_eq!(note(&harness).text, "abc");
    let undo = |harness: &mut Harness<'static, App>| {
        harness.key_press_modifiers(Modifiers::COMMAND, egui::Key::Z);
        harness.run_steps(2);
    };
    undo(&mut harness);
    assert_eq!(note(&harness), tagged, "what was typed is one step");
    undo(&mut harness);
    assert!(note(&harness).is_empty(), "and the tag another");
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, egui::Key::Z);
    harness.run_steps(2);
    assert_eq!(note(&harness), tagged);
}

#[test]
fn the_picture_is_zoomed_and_all_of_it_shown_again() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = run_of(&demo());
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(3);
    until(&mut harness, "the heatmap", |app| shown_frame(app).is_some() && explained(app));
    harness.run_steps(2);
    let rect = harness.get_by_label_contains("Heatmap view 1").rect();
    let whole = harness.render().unwrap();
    harness.get_by_label("Zoom into the picture").click();
    harness.run_steps(3);
    assert_eq!(harness.get_by_label_contains("Heatmap view 1").rect(), rect, "the place on screen stays");
    let near = harness.render().unwrap();
    // The middle of the picture stays where it is; its surroundings move outwards by half of their distance again.
    let at = |image: &image::RgbaImage, x: f32, y: f32| {
        let p = rect.center() + egui::vec2(x * rect.width(), y * rect.height());
        image.get_pixel(p.x as u32, p.y as u32).0
    };
    let (mut close, mut far) = (0, 0);
    for (x, y) in [(-0.2, -0.2), (0.2, -0.1), (-0.1, 0.2), (0.15, 0.2), (0.0, -0.25), (-0.25, 0.05)] {
        let difference = |a: [u8; 4], b: [u8; 4]| -> i32 {
            a.iter().zip(b).take(3).map(|(a, b)| (i32::from(*a) - i32::from(b)).abs()).sum()
        };
        close += i32::from(difference(at(&whole, x, y), at(&near, x * 1.5, y * 1.5)) < 60);
        far += i32::from(difference(at(&whole, x, y), at(&near, x, y)) > 5);
    }
    assert!(close >= 5 && far >= 2, "{close} of 6 places moved outwards, {far} changed where they were");
    shot(&mut harness, "zoomed-Dark");
    harness.get_by_label("Show the whole picture").click();
    harness.run_steps(3);
    let again = harness.render().unwrap();
    assert_eq!(at(&again, -0.2, -0.2), at(&whole, -0.2, -0.2));
    // The timeline has an overview, and speed can be chosen in Data too.
    harness.get_by_label_contains("Overview of the video, frames 0 to");
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Data));
    harness.run_steps(3);
    harness.query_all_by_label_contains("Speed").next().expect("speed in Data");
    let four = ChooseAction::SetViewCount(4);
    harness.state_mut().send(four);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(3);
    until(&mut harness, "four heatmaps", explained);
    harness.run_steps(3);
    let views = harness.state().state().selection.views.clone();
    for (i, view) in views.iter().enumerate() {
        assert!(views.iter().skip(i + 1).all(|other| other != view), "no view shows what another shows: {views:?}");
    }
    let first = harness.get_by_label_contains("Heatmap view 1").rect();
    let fourth = harness.get_by_label_contains("Heatmap view 4").rect();
    assert!(!first.intersects(fourth), "{first:?} {fourth:?}");
    assert!(first.width() > 120.0, "{first:?}");
    harness.get_by_label("About view 4");
    shot(&mut harness, "review-four-Dark");
}

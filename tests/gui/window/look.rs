//! Type, colours, focus, names of controls, the title and the size of the window.

use super::*;
use egui_kittest::kittest::NodeT;
use kinolens::ui::theme;

/// A window with a dataset, a run with results and a second run.
fn full(theme: ThemeChoice) -> Harness<'static, App> {
    let (script, mut harness) = opened(theme);
    let run = run_of(&demo());
    let second = RunView { path: demo().root.join("run two"), evaluations: Vec::new(), ..RunView::clone(&run) };
    script.0.borrow_mut().others.push(Arc::new(second));
    for path in [demo().root.join("run two"), run.path.clone()] {
        harness.state_mut().send(OpenAction::OpenRun(path));
        harness.run_steps(3);
    }
    until(&mut harness, "the first picture", |app| shown_frame(app).is_some());
    harness
}

fn show(harness: &mut Harness<'static, App>, workspace: Workspace) {
    harness.state_mut().send(WindowAction::SetWorkspace(workspace));
    harness.run_steps(6);
}

/// Every text that is drawn, with its size and colour, its place, and what it says.
fn texts_of(harness: &Harness<'static, App>) -> Vec<(f32, egui::Rect, String)> {
    fn walk(shape: &egui::Shape, out: &mut Vec<(f32, egui::Rect, String)>) {
        match shape {
            egui::Shape::Vec(all) => all.iter().for_each(|s| walk(s, out)),
            egui::Shape::Text(text) => {
                for section in &text.galley.job.sections {
                    let at = text.galley.rect.translate(text.pos.to_vec2());
                    out.push((section.format.font_id.size, at, text.galley.text().to_owned()));
                }
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    for clipped in &harness.output().shapes {
        let mut texts = Vec::new();
        walk(&clipped.shape, &mut texts);
        // What is scrolled or zoomed out of its place is not seen.
        out.extend(texts.into_iter().filter(|(_, at, _)| clipped.clip_rect.intersects(*at)));
    }
    out
}

#[test]
fn nothing_is_written_smaller_than_the_smallest_size() {
    let mut harness = full(ThemeChoice::Dark);
    let mut seen = 0;
    for workspace in Workspace::ALL {
        show(&mut harness, workspace);
        // The graph of a network is zoomed as one likes.
        let graph = harness.query_all_by_label_contains("network graph;").next().map(|n| n.rect());
        for (size, at, text) in texts_of(&harness) {
            let zoomed = graph.is_some_and(|graph| graph.intersects(at));
            assert!(zoomed || size >= theme::SMALL, "'{text}' is {size} points high in {}", workspace.title());
            seen += 1;
        }
    }
    assert!(seen > 300, "only {seen} texts were drawn");
}

#[test]
fn every_control_has_a_name() {
    use egui::Role::*;
    let mut harness = full(ThemeChoice::Dark);
    let mut nameless = Vec::new();
    let mut controls = 0;
    for workspace in Workspace::ALL {
        show(&mut harness, workspace);
        for node in harness.query_all_by(|_| true) {
            let node = node.accesskit_node();
            let control = matches!(
                node.role(),
                Button
                    | CheckBox
                    | RadioButton
                    | ComboBox
                    | Slider
                    | SpinButton
                    | TextInput
                    | MultilineTextInput
                    | Link
                    | Tab
                    | MenuItem
            );
            if !control {
                continue;
            }
            controls += 1;
            let named = node.label().is_some_and(|l| !l.trim().is_empty());
            let placeholder = node.placeholder().is_some_and(|p| !p.is_empty());
            if !named && !placeholder {
                let bounds = node.bounding_box();
                nameless.push(format!("{} {:?} {:?} at {bounds:?}", workspace.title(), node.role(), node.value()));
            }
        }
    }
    assert!(controls > 150, "only {controls} controls were found");
    assert!(nameless.is_empty(), "{}", nameless.join("\n"));
}

#[test]
fn what_has_the_keyboard_has_a_line_around_it() {
    let mut harness = full(ThemeChoice::Dark);
    for workspace in [Workspace::Data, Workspace::Evaluate, Workspace::Review] {
        show(&mut harness, workspace);
        let (mut seen, mut shown) = (0, 0);
        for _ in 0..25 {
            harness.key_press(egui::Key::Tab);
            harness.run_steps(2);
            let focused: Vec<egui::Rect> = harness.query_all_by(|n| n.is_focused()).map(|n| n.rect()).collect();
            let Some(rect) = focused.last().filter(|r| r.is_positive() && r.width() < 1000.0) else { continue };
            seen += 1;
            let around = |shape: &egui::Shape| match shape {
                egui::Shape::Rect(r) => {
                    r.stroke.width == 1.5
                        && r.rect.expand(4.0).intersects(*rect)
                        && r.fill == egui::Color32::TRANSPARENT
                }
                _ => false,
            };
            shown += usize::from(harness.output().shapes.iter().any(|c| around(&c.shape)));
        }
        assert!(seen > 5, "{}: the keyboard reaches {seen} controls", workspace.title());
        assert_eq!(seen, shown, "{}: focus without a line", workspace.title());
    }
}

#[test]
fn the_title_names_what_is_open() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let titles = |harness: &Harness<'static, App>| harness.state().state().title();
    let name = demo().name.clone();
    assert_eq!(titles(&harness), format!("{name} – kinolens"));
    let run = script.0.borrow().run.clone().unwrap();
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    let mut told = Vec::new();
    for _ in 0..4 {
        harness.run_steps(1);
        told.extend(harness.output().viewport_output.values().flat_map(|v| v.commands.clone()));
    }
    let wanted = format!("run one · {name} – kinolens");
    assert!(told.contains(&egui::ViewportCommand::Title(wanted.clone())), "{told:?}");
    assert_eq!(titles(&harness), wanted);
}

#[test]
fn everything_grows_with_a_key_and_stays_so_in_the_next_session() {
    let (script, store) = (Scripted::default(), session::Store::default());
    {
        let mut harness = session::window_with(&script, &store);
        let size = |h: &Harness<'static, App>| h.state().state().scale;
        for (key, expected) in [(egui::Key::Equals, 1.1), (egui::Key::Plus, 1.25), (egui::Key::Minus, 1.1)] {
            harness.key_press_modifiers(egui::Modifiers::COMMAND, key);
            harness.run_steps(3);
            assert_eq!(size(&harness), expected, "{key:?}");
            assert_eq!(harness.ctx.zoom_factor(), expected);
        }
        harness.state_mut().send(WindowAction::SetTheme(ThemeChoice::System));
        harness.run_steps(2);
        eframe::App::save(harness.state_mut(), &mut store.clone());
    }
    let mut harness = session::window_with(&script, &store);
    assert_eq!((harness.state().state().scale, harness.state().state().theme), (1.1, ThemeChoice::System));
    assert_eq!(harness.ctx.zoom_factor(), 1.1);
    assert_eq!(harness.ctx.options(|o| o.theme_preference), egui::ThemePreference::System);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num0);
    harness.run_steps(3);
    assert_eq!(harness.ctx.zoom_factor(), 1.0);
}

#[test]
fn the_glossary_is_in_the_help() {
    let mut harness = full(ThemeChoice::Dark);
    harness.state_mut().send(WindowAction::SetDialog(Some(Dialog::Glossary)));
    harness.run_steps(3);
    for term in ["evaluate", "from scratch", "most confident"] {
        harness.get_by_label(term);
    }
    harness.get_by_label("Close").click();
    harness.run_steps(2);
    assert!(harness.state().state().dialog.is_none());
}

#[test]
fn the_heatmap_has_a_bar_with_its_scale() {
    let mut harness = full(ThemeChoice::Dark);
    show(&mut harness, Workspace::Review);
    until(&mut harness, "the heatmap", |app| shown_frame(app).is_some() && explained(app));
    harness.run_steps(2);
    let bar = harness.get_by_label("Colours of view 1: Turbo, 0 to 1").rect();
    let picture = harness.get_by_label_contains("Heatmap view 1").rect();
    assert!(bar.left() > picture.right(), "it hides nothing of the picture");
    harness.key_press(egui::Key::H);
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("Colours of view").is_none());
}

/// For looking at: every workspace in both themes at four sizes.
#[test]
#[ignore = "slow: 48 pictures of the window"]
fn pictures_of_every_workspace() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    std::fs::create_dir_all(&dir).unwrap();
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let mut harness = full(theme);
        for (width, height) in [(1024, 640), (1280, 720), (1920, 1080), (2560, 1440)] {
            harness.set_size(egui::vec2(width as f32, height as f32));
            for workspace in Workspace::ALL {
                show(&mut harness, workspace);
                std::thread::sleep(Duration::from_millis(300));
                harness.run_steps(8);
                let image = harness.render().expect("the window renders");
                assert_eq!((image.width(), image.height()), (width, height));
                image.save(dir.join(format!("look-{width}-{}-{theme:?}.png", workspace.title()))).unwrap();
            }
        }
    }
}

//! Networks and weights in the window: the card of a network, reports on weight files, and the import of one.

use super::session::{Dropped, shots};
use super::*;
use kinolens::config::{ModelConfig, RunConfig};
use kinolens::jobs::Engine;
use kinolens::model::{ComputeDevice, Network, write_torch};
use kinolens::ui::action::{OpenAction, WindowAction};
use kinolens::ui::widgets::network_card;

/// A window with the lanes of the program.
pub fn real() -> Harness<'static, App> {
    let mut harness = Harness::builder().with_size([1280.0, 720.0]).wgpu().build_eframe(|cc| {
        let factory = Box::new(|wake| Box::new(Engine::new(wake).expect("threads can be started")) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    harness.run_steps(2);
    harness
}

/// Weights of `small-3d` as PyTorch writes them.
pub fn small(dir: &Path, classes: usize) -> PathBuf {
    let config = ModelConfig { id: "small-3d".into(), ..ModelConfig::default() };
    let network = Network::build(&config, classes, [16, 64, 64], &ComputeDevice::cpu(), 7).unwrap();
    let path = dir.join("small.pth");
    write_torch(&path, &network.state_dict().unwrap()).unwrap();
    path
}

/// Steps until a label is there.
fn told(harness: &mut Harness<'static, App>, text: &str) {
    let start = Instant::now();
    while harness.query_all_by_label_contains(text).next().is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain for: {text}");
        std::thread::sleep(Duration::from_millis(10));
        harness.run_steps(1);
    }
    harness.run_steps(2);
}

fn fill(harness: &mut Harness<'static, App>, field: &str, value: &str) {
    harness.get_by_role_and_label(egui::accesskit::Role::TextInput, field).focus();
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    harness.event(egui::Event::Text(value.into()));
    harness.run_steps(3);
}

#[test]
fn a_card_tells_the_exact_size_of_a_network_and_what_its_clips_cost() {
    // Numbers of parameters are those PyTorch counts for 17 classes.
    for (id, parameters, usual) in [("c3d", "27,797,137", [16, 112, 112]), ("i3d", "12,304,689", [16, 224, 224])] {
        let mut config = RunConfig::reference();
        config.model = ModelConfig { id: id.into(), ..ModelConfig::default() };
        (config.clip.length, config.clip.height, config.clip.width) = (16, 128, 128);
        let mut card = Harness::new_ui_state(
            |ui, config: &mut RunConfig| {
                if !ui.style().text_styles.contains_key(&kinolens::ui::theme::caption()) {
                    // Taken up by the next frame.
                    return kinolens::ui::theme::install(ui.ctx());
                }
                network_card::card(ui, config, 17);
            },
            config,
        );
        card.run_steps(2);
        card.get_by_label_contains(&format!("{parameters}, all of them learn"));
        card.get_by_label("16×128×128");
        let memory = |card: &Harness<'_, RunConfig>| {
            let node = card.query_all_by_label_contains("a clip, ").next().expect("memory is told");
            format!("{:?}", node)
        };
        let before = memory(&card);
        card.get_by_label("Use its usual clips").click();
        card.run_steps(3);
        let clip = &card.state().clip;
        assert_eq!([clip.length, clip.height, clip.width], usual);
        assert!(card.query_by_label("Use its usual clips").is_none(), "nothing is left to take over");
        assert_ne!(memory(&card), before, "other clips cost other memory");
        // Only the class layer and what stands before it learn.
        card.state_mut().model.freeze = Some("backbone".into());
        card.run_steps(2);
        assert!(card.query_all_by_label_contains("all of them learn").next().is_none());
        // A clip that is too small for the network is told.
        card.state_mut().clip.height = 4;
        card.state_mut().clip.length = 1;
        card.run_steps(2);
        // I3D pads whatever it is given.
        let told = card.query_all_by_label_contains("Parameters").next().is_none();
        assert_eq!(told, id == "c3d", "{id}");
    }
}

#[test]
fn weights_dropped_on_the_window_become_a_run_that_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let (path, out) = (small(dir.path(), 3), dir.path().join("run"));
    let mut harness = real();
    harness.get_by_label("Import PyTorch weights…");
    shots(&mut harness, "import-welcome");
    harness.input_mut().dropped_files.push(Arc::new(Dropped(path.clone())));
    harness.run_steps(3);
    assert!(matches!(harness.state().state().dialog, Some(Dialog::Import(_))));
    told(&mut harness, "as the weights look");
    told(&mut harness, "class layer classifier.1: taken, 3 classes");
    harness.get_by_label("Numbers, 3 of them");
    fill(&mut harness, "Run folder", &out.display().to_string());
    shots(&mut harness, "import");
    harness.get_by_label("Import").click();
    harness.run_steps(2);
    until(&mut harness, "the run", |app| app.state().run().is_some_and(|r| r.path == out));
    let run = harness.state().state().run().unwrap().clone();
    assert_eq!((run.config.model.id.as_str(), run.classes.len(), run.checkpoints.len()), ("small-3d", 3, 1));
    let state = harness.state().state();
    assert!(state.dialog.is_none() && !state.welcome && state.workspace == Workspace::Evaluate);
    harness.run_steps(3);
    shots(&mut harness, "import-done");
}

#[test]
fn a_file_without_weights_is_refused_where_it_was_chosen() {
    let wrong = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights/refused_list.pth");
    let mut harness = real();
    harness.state_mut().send(OpenAction::AskImport(Some(wrong)));
    told(&mut harness, "holds a list");
    shots(&mut harness, "import-refused");
    harness.get_by_label("Import").click();
    harness.run_steps(3);
    let state = harness.state().state();
    assert!(matches!(state.dialog, Some(Dialog::Import(_))), "nothing is imported");
    assert!(state.messages.is_empty(), "said in place: {:?}", state.messages);
}

#[test]
fn first_weights_are_looked_into_while_the_form_is_filled_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = small(dir.path(), 3);
    let mut harness = real();
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(3);
    shots(&mut harness, "train-network");
    harness.get_by_label("First weights").scroll_to_me();
    harness.run_steps(3);
    harness.state_mut().send(OpenAction::PathChosen(PathPurpose::FirstWeights, path));
    harness.run_steps(3);
    // The first preset trains small-3d; without a dataset there is one class, and the file has three.
    told(&mut harness, "arrays of Small 3D CNN taken");
    told(&mut harness, "the file has 3 classes and this network 1");
    shots(&mut harness, "train-first-weights");
    harness.get_by_label("Clear first weights").click();
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("arrays of Small 3D CNN taken").next().is_none());
    harness.state_mut().send(OpenAction::PathChosen(PathPurpose::FirstWeights, dir.path().join("nowhere.pth")));
    told(&mut harness, "nowhere.pth");
    told(&mut harness, "cannot read");
}

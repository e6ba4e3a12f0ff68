//! Looking inside a network: the graph, channels, statistics, kernels, examples and the map of clips.

use super::networks::{real, small};
use super::*;
use kinolens::config::{ModelConfig, RunConfig};
use kinolens::domain::Split;
use kinolens::inside::{
    ChannelOrder, ChannelScore, ClipMap, Example, Examples, Kernel, LayerActivation, LayerTally, MapPoint,
    ReceptiveField,
};
use kinolens::jobs::kinds::LookInside;
use kinolens::jobs::{
    CheckpointRef, ClipRef, Identity, IdleOf, InsideView, KernelView, LayerSurvey, LayerView, MotionOf, SplitChoice,
    SurveyClip,
};
use kinolens::model::ModuleTree;
use kinolens::ui::action::{ChooseAction, InsideAction, OpenAction, WindowAction};
use kinolens::ui::state::{KernelQuery, Severity, SurveyForm};

/// A window on Inside, with a run of C3D.
pub(super) fn inside() -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::OpenRun(run_of(&demo()).path.clone()));
    harness.run_steps(3);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num5);
    harness.run_steps(3);
    assert_eq!(harness.state().state().workspace, Workspace::Inside);
    // The layer of the heatmap, as long as nobody chose another one.
    assert_eq!(layer(&harness), "block5.5");
    harness.query_all_by_label_contains("block5: ").next().unwrap().click();
    harness.run_steps(2);
    (script, harness)
}

fn tree() -> Arc<ModuleTree> {
    Arc::new(ModuleTree::of(&ModelConfig::default(), demo().classes.len(), [16, 112, 112]).unwrap())
}

fn layer(harness: &Harness<'static, App>) -> String {
    harness.state().state().inside_layer().unwrap()
}

/// Waits for a job of this kind beyond those known, and gives its number.
pub(super) fn asked<T>(
    script: &Scripted,
    harness: &mut Harness<'static, App>,
    known: usize,
    pick: impl Fn(&Job) -> Option<T>,
) -> (JobId, T) {
    let start = Instant::now();
    loop {
        harness.run_steps(1);
        let found = script.0.borrow().jobs.iter().enumerate().skip(known).find_map(|(i, j)| Some((i, pick(j)?)));
        if let Some((at, job)) = found {
            return (JobId(at as u64 + 1), job);
        }
        assert!(start.elapsed() < Duration::from_secs(10), "nothing was asked");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A look at the layer that [`inside`] chose.
pub(super) fn look(job: &Job) -> Option<LookInside> {
    if let Job::LookInside(look) = job { Some(look.clone()).filter(|l| l.layers == ["block5"]) } else { None }
}

pub(super) fn answer(script: &Scripted, harness: &mut Harness<'static, App>, job: JobId, output: Output) {
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Finished(output) });
    harness.run_steps(3);
}

/// What a layer of three channels, two time cells and 2x2 cells gave: channel 1 is 0 everywhere, channel 2 is the strongest.
pub(super) fn view(look: &LookInside) -> Arc<InsideView> {
    let first = [0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0];
    let third = [4.0, 4.0, 4.0, 4.0, 0.0, 0.0, 8.0, 8.0];
    let values = [first, [0.0; 8], third].concat();
    let name = look.layers[0].clone();
    let activation = LayerActivation { layer: name.clone(), shape: [3, 2, 2, 2], values };
    let ranked = [(2, 8.0), (0, 2.0), (1, 0.0)].map(|(channel, score)| ChannelScore { channel, score });
    Arc::new(InsideView {
        checkpoint: look.checkpoint.clone(),
        identity: Identity::default(),
        classes: demo().classes.clone(),
        clip: look.clip.clone(),
        frames: (look.clip.start..look.clip.start + 16).collect(),
        region: [0.0, 0.0, 1.0, 1.0],
        pictures: Vec::new(),
        truth: None,
        predicted: 1,
        probabilities: vec![0.5; 2],
        order: look.order,
        class: None,
        layers: vec![LayerView {
            statistics: LayerTally::of(&activation, None),
            ranked: ranked.to_vec(),
            activation: Some(Arc::new(activation)),
            pictures: None,
            field: ReceptiveField::of(&tree(), &name),
            effective: None,
        }],
        tree: tree(),
        seconds: None,
    })
}

/// As `until`, for what computes for as long as a minute.
fn patiently(harness: &mut Harness<'static, App>, what: &str, holds: impl Fn(&App) -> bool) {
    let start = Instant::now();
    while !holds(harness.state()) {
        assert!(start.elapsed() < Duration::from_secs(90), "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(20));
        harness.run_steps(1);
    }
    harness.run_steps(2);
}

/// Pictures in both themes and both sizes.
pub(super) fn shots(harness: &mut Harness<'static, App>, name: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    std::fs::create_dir_all(&dir).unwrap();
    for (width, height) in [(1280, 720), (1920, 1080)] {
        harness.set_size(egui::vec2(width as f32, height as f32));
        for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
            harness.state_mut().send(WindowAction::SetTheme(theme));
            harness.run_steps(6);
            let image = harness.render().expect("the window renders");
            assert_eq!((image.width(), image.height()), (width, height));
            image.save(dir.join(format!("{name}-{width}-{theme:?}.png"))).unwrap();
        }
    }
    harness.set_size(egui::vec2(1280.0, 720.0));
    harness.run_steps(4);
}

#[test]
fn the_graph_is_clicked_walked_opened_and_searched() {
    let (_, mut harness) = inside();
    // The paper's architecture: 3·64·27 weights, 64 of the bias, and 128 of the normalisation.
    assert_eq!(layer(&harness), "block5");
    let first = harness.query_all_by_label_contains("block1: ").next().map(|n| text_of(&n)).unwrap();
    assert!(first.contains("64×16×56×56 from 3×16×112×112") && first.contains("5,376 parameters"), "{first}");
    harness.query_all_by_label_contains("block2: ").next().unwrap().click();
    harness.run_steps(2);
    let view = harness.state().state().selection.view();
    assert_eq!((layer(&harness).as_str(), view.layer.as_deref()), ("block2", Some("block2")), "the heatmap goes along");
    harness.key_press(egui::Key::ArrowRight);
    harness.run_steps(2);
    assert_eq!(layer(&harness), "block3");
    let frame = harness.state().state().selection.frame;
    harness.key_press(egui::Key::Enter);
    harness.run_steps(2);
    harness.get_by_label("Collapse block3");
    assert!(harness.query_all_by_label_contains("block3.").count() > 1, "what is inside is drawn");
    harness.key_press_modifiers(egui::Modifiers::NONE, egui::Key::ArrowRight);
    harness.run_steps(2);
    assert_eq!(harness.state().state().selection.frame, frame, "arrows belong to the graph");
    harness.get_by_label("Collapse block3").click();
    harness.run_steps(2);
    assert!(harness.query_by_label("Collapse block3").is_none());
    // A search opens what is around what it finds.
    harness.get_by_label("Search the network").focus();
    harness.run_steps(1);
    harness.event(egui::Event::Text("block4".into()));
    harness.run_steps(2);
    harness.get_by_label("Next").click();
    harness.run_steps(2);
    assert_eq!(layer(&harness), "block4");
    harness.get_by_label("Next").click();
    harness.run_steps(3);
    assert!(layer(&harness).starts_with("block4."), "{}", layer(&harness));
    harness.get_by_label("Collapse block4");
    // Undo brings the layer back, and a choice in Review counts here.
    let mut picked = harness.state().state().selection.view();
    picked.layer = Some("block1".into());
    harness.state_mut().send(ChooseAction::SetHeatView(0, picked));
    harness.run_steps(2);
    assert_eq!(layer(&harness), "block1");
    // What gives no heatmap can be looked at all the same.
    harness.get_by_label("Collapse all").click();
    harness.run_steps(2);
    let last = tree().head.last().unwrap().id.clone();
    harness.state_mut().send(InsideAction::ChooseLayer(last.clone()));
    harness.run_steps(3);
    harness.query_all_by_label_contains(&format!("{last}: ")).next().expect("it is brought into sight");
    assert_eq!((layer(&harness), harness.state().state().selection.view().layer), (last, Some("block1".to_owned())));
}

#[test]
fn the_drawing_is_saved_where_somebody_says() {
    let (_, mut harness) = inside();
    let dir = tempfile::tempdir().unwrap();
    harness.get_by_label("Save drawing…").click();
    harness.run_steps(3);
    let path = dir.path().join("c3d.svg");
    harness.state_mut().send(OpenAction::PathChosen(PathPurpose::Drawing, path.clone()));
    until(&mut harness, "the file", |_| path.is_file());
    until(&mut harness, "the message", |app| {
        app.state().messages.iter().any(|m| m.text.contains("Saved") && m.text.contains("c3d.svg"))
    });
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("<svg") && text.contains("64×16×56×56") && text.ends_with("</svg>"));
}

#[test]
fn channels_follow_the_playhead_and_are_freed_with_the_clip() {
    let (script, mut harness) = inside();
    until(&mut harness, "the first picture", |app| shown_frame(app) == Some(0));
    let (job, asked_first) = asked(&script, &mut harness, 0, look);
    assert_eq!((asked_first.layers.as_slice(), asked_first.clip.start), (["block5".to_owned()].as_slice(), 0));
    answer(&script, &mut harness, job, Output::Inside(view(&asked_first)));
    let settings = ViewSettings { color_map: "gray".into(), smooth: false, ..ViewSettings::default() };
    harness.state_mut().send(DrawAction::SetView(settings));
    harness.run_steps(3);
    let tiles: Vec<String> =
        harness.query_all_by_label_contains("of block5, ordered by").map(|n| text_of(&n)).collect();
    assert_eq!(
        tiles,
        [
            "Channel 2 of block5, ordered by 8.0000",
            "Channel 0 of block5, ordered by 2.0000",
            "Channel 1 of block5, ordered by 0.0000; 0 everywhere"
        ]
    );
    harness.get_by_label("Cell 1 of 2 covers frames 0 to 7");
    // Channel 2 is 4 of at most 8 everywhere in the first cell: half of 255.
    let tile = harness.get_by_label("Channel 2 of block5, ordered by 8.0000").rect();
    let gray = |harness: &mut Harness<'static, App>, share: egui::Vec2| {
        let at = tile.min + tile.size() * share;
        harness.hover_at(egui::pos2(2.0, 2.0));
        harness.run_steps(2);
        harness.render().unwrap().get_pixel(at.x as u32, at.y as u32).0[0]
    };
    let half = gray(&mut harness, egui::vec2(0.5, 0.25));
    assert!((127..=129).contains(&half), "{half}");
    // In the second its upper half is 0 and its lower half 8.
    harness.state_mut().send(TimeAction::Seek(9));
    until(&mut harness, "frame 9", |app| shown_frame(app) == Some(9));
    harness.get_by_label("Cell 2 of 2 covers frames 8 to 15");
    assert_eq!([gray(&mut harness, egui::vec2(0.5, 0.2)), gray(&mut harness, egui::vec2(0.5, 0.8))], [0, 255]);
    assert!(harness.query_all_by_label_contains("channel 2 of 3, block5").count() > 0, "the first is shown large");
    harness.get_by_label("Channel 0 of block5, ordered by 2.0000").click();
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("channel 0 of 3, block5\n2×2×2 cells, at most 2.000").count() > 0);
    let before = script.0.borrow().jobs.len();
    harness.run_steps(5);
    assert_eq!(script.0.borrow().jobs.len(), before, "within the clip nothing is computed again");
    assert_eq!(harness.state().state().inside.bytes(), 3 * 8 * 4);
    // Another clip frees it and asks anew, once.
    harness.state_mut().send(TimeAction::Seek(40));
    harness.run_steps(2);
    assert_eq!(harness.state().state().inside.bytes(), 0);
    let (_, next) = asked(&script, &mut harness, before, look);
    assert_eq!((next.clip.start, next.order), (32, ChannelOrder::Maximum));
}

#[test]
fn over_time_and_by_gradient_and_what_fails_is_said() {
    let (script, mut harness) = inside();
    let (job, first) = asked(&script, &mut harness, 0, look);
    answer(&script, &mut harness, job, Output::Inside(view(&first)));
    harness.get_by_label("Over time").click();
    harness.run_steps(3);
    harness.get_by_label("Channel 0 of block5, ordered by 2.0000, cell 2").click();
    harness.run_steps(3);
    let state = harness.state().state();
    assert_eq!((state.selection.frame, state.inside.channel("block5")), (8, Some(0)), "time goes to the cell");
    let known = script.0.borrow().jobs.len();
    let mut settings = harness.state().state().inside.settings;
    settings.order = ChannelOrder::Gradient;
    harness.state_mut().send(InsideAction::Show(settings));
    let (job, second) = asked(&script, &mut harness, known, look);
    assert_eq!(second.order, ChannelOrder::Gradient);
    harness.get_by_label("Class in question");
    let body = EventBody::Failed("the clip has no label: choose another class.".into());
    script.0.borrow_mut().events.push(Event { job, body });
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("the clip has no label").count() > 0);
    let known = script.0.borrow().jobs.len();
    harness.run_steps(10);
    assert_eq!(script.0.borrow().jobs.len(), known, "it is not tried again by itself");
    harness.get_all_by_label("Try again").next().unwrap().click();
    asked(&script, &mut harness, known, look);
}

/// Four clips of the demo dataset; the third is wrong and of another split.
pub(super) fn survey(checkpoint: &CheckpointRef, layers: &[String]) -> Arc<LayerSurvey> {
    let dataset = demo();
    let clip = |i: u32, split, predicted| SurveyClip {
        clip: ClipRef::window(&dataset.videos[0].name, i * 16),
        frames: (i * 16..i * 16 + 16).collect(),
        region: [0.0, 0.0, 1.0, 1.0],
        subject: format!("p{i}"),
        split,
        truth: Some(0),
        predicted,
        probability: 0.75,
    };
    let statistics = |dead: usize| {
        let tally = |name: &String| {
            let mut tally = LayerTally::new(name, None);
            for clip in 0..20_i16 {
                // Channels from `dead` on fire in every second clip.
                let fires = f32::from(clip % 2);
                let values = (0..4).map(|c| if c < dead { 0.0 } else { fires }).collect();
                tally.add(&LayerActivation { layer: name.clone(), shape: [4, 1, 1, 1], values });
            }
            tally.statistics()
        };
        layers.iter().map(tally).collect::<Vec<_>>()
    };
    let example = |clip, value| Example { clip, value, cell: [0, 0, 0] };
    let examples = |name: &String| {
        let mut of = Examples::new(name, 3);
        of.cells = [2, 7, 7];
        of.channels = vec![vec![example(1, 3.5), example(0, 2.25)], Vec::new(), Vec::new(), Vec::new()];
        of
    };
    let point = |x: f64, y: f64, nearest: usize| MapPoint { place: vec![x, y, 0.0], nearest: vec![(nearest, 0.5)] };
    let identity = |name: &str, step| Identity { checkpoint: name.into(), step, ..Identity::default() };
    Arc::new(LayerSurvey {
        identity: identity("best_accuracy", 5),
        classes: dataset.classes.clone(),
        split: SplitChoice::Test,
        clips: vec![
            clip(0, Split::Test, 0),
            clip(1, Split::Test, 0),
            clip(2, Split::Train, 1),
            clip(3, Split::Test, 0),
        ],
        statistics: statistics(3),
        examples: layers.iter().map(examples).collect(),
        fields: layers.iter().map(|l| ReceptiveField::of(&tree(), l)).collect(),
        map_layer: "pool".into(),
        map: Some(ClipMap {
            explained: vec![0.6, 0.3, 0.1],
            usual_distance: 2.0,
            points: vec![point(0.0, 0.0, 3), point(4.0, 0.0, 2), point(4.0, 4.0, 1), point(0.0, 4.0, 0)],
            ..ClipMap::default()
        }),
        near: Vec::new(),
        over_checkpoints: vec![
            IdleOf { identity: identity("last", 3), statistics: statistics(1) },
            IdleOf { identity: identity(checkpoint.name.as_deref().unwrap_or_default(), 5), statistics: statistics(3) },
        ],
    })
}

fn surveyed() -> (Scripted, Harness<'static, App>) {
    let (script, mut harness, (job, request)) = inside_map::surveying();
    assert_eq!(
        (request.clips, request.split, request.layers.contains(&"block5".to_owned())),
        (200, SplitChoice::Test, true)
    );
    harness.run_steps(2);
    harness.get_by_label("Stop");
    answer(&script, &mut harness, job, Output::Survey(survey(&request.checkpoint, &request.layers)));
    (script, harness)
}

#[test]
fn dead_channels_are_counted_over_clips_and_checkpoints() {
    let (_, mut harness) = surveyed();
    harness.get_by_label("20 clips of 'test'");
    harness.get_by_label("3 of 4 channels are 0 in all 20 clips.");
    assert!(
        harness.query_all_by_label_contains("block5 is mostly dead: 3 of 4 channels are 0 in all 20 clips").count() > 0
    );
    let dead = "Channel 1, dead, fires in 0 of 20 clips";
    harness.get_by_label(dead).scroll_to_me();
    harness.run_steps(4);
    harness.get_by_label(dead).click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().inside.channel("block5"), Some(1));
    shots(&mut harness, "inside-statistics");
    harness.get_by_label("last: 1 of 4").scroll_to_me();
    harness.run_steps(4);
    harness.get_by_label("last: 1 of 4").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().selection.checkpoint.as_deref(), Some("last"));
    harness.get_by_label("1 of 4 channels are 0 in all 20 clips.");
}

#[test]
fn examples_of_a_channel_show_place_and_time() {
    let (_, mut harness) = surveyed();
    harness.get_by_label("Units by example").click();
    harness.run_steps(3);
    // The first cell of C3D's last block sees from the first frame on; the demo's class 0 is the label.
    let class = demo().classes.name(0).to_owned();
    let cards: Vec<String> = harness.query_all_by_label_contains(&format!("{class}, ")).map(|n| text_of(&n)).collect();
    let strongest = cards.iter().find(|c| c.contains("3.500, frames 16 to")).unwrap_or_else(|| panic!("{cards:?}"));
    assert!(strongest.contains("frame 16 of"), "{strongest}");
    shots(&mut harness, "inside-units");
    harness.get_by_label(strongest).click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().selection.clip.as_ref().map(|c| c.start), Some(16));
    harness.state_mut().send(InsideAction::ChooseChannel("block5".into(), 2));
    harness.run_steps(3);
    harness.get_by_label("Channel 2 fires in none of the 4 clips surveyed.");
}

#[test]
fn a_box_on_the_map_leads_to_the_clips_in_it() {
    let (_, mut harness) = surveyed();
    harness.get_by_label("Clip map").click();
    harness.run_steps(3);
    let map = harness.get_by_label("Map of 4 clips").rect();
    let at = |x: f32, y: f32| map.min + egui::vec2(x, y) * map.size();
    // The left half: points of the first and the last clip.
    harness.drag_at(at(0.0, 0.0) + egui::vec2(2.0, 2.0));
    harness.run_steps(2);
    harness.hover_at(at(0.3, 0.6));
    harness.run_steps(2);
    harness.hover_at(at(0.5, 1.0) - egui::vec2(0.0, 2.0));
    harness.run_steps(2);
    harness.drop_at(at(0.5, 1.0) - egui::vec2(0.0, 2.0));
    harness.run_steps(3);
    harness.get_by_label("Chosen: 2 clips");
    let before = kinolens::ui::derived::made();
    for i in 0..6 {
        harness.hover_at(at(0.15 * i as f32, 0.3));
        harness.run_steps(1);
    }
    assert_eq!(kinolens::ui::derived::made(), before, "points are made again only where something changed");
    assert_eq!(harness.query_all_by_label_contains("recognised 0.75, frame ").count(), 2);
    shots(&mut harness, "inside-map-chosen");
    // A click beside the points leaves the choice; one on the upper left point chooses the last clip.
    harness.hover_at(at(0.5, 0.5));
    harness.run_steps(1);
    harness.get_by_label("Map of 4 clips").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Chosen: 2 clips").is_none());
    let corner = map.center() - egui::Vec2::splat(map.shrink(10.0).size().min_elem() / 2.0);
    for pressed in [true, false] {
        harness.event(egui::Event::PointerMoved(corner));
        harness.event(egui::Event::PointerButton {
            pos: corner,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        });
        harness.run_steps(1);
    }
    harness.run_steps(3);
    assert_eq!(harness.state().state().selection.clip.as_ref().map(|c| c.start), Some(48));
    let name = demo().videos[0].name.clone();
    // Its nearest lies half a unit away, of two that are usual.
    harness.get_by_label(&format!("{name}:0  25 % of the usual distance"));
}

#[test]
fn kernels_tell_change_over_time() {
    let (script, mut harness) = inside();
    harness.get_by_label("Kernels").click();
    let (job, request) = asked(&script, &mut harness, 0, |j| match j {
        Job::ReadKernels(kernels) => Some(kernels.clone()),
        _ => None,
    });
    assert_eq!(request.layers, ["block5"]);
    // The first filter is the same at both times, the second only changes.
    let still = [0.5, -0.5, 0.25, 1.0].repeat(2).repeat(3);
    let change = [[1.0, 2.0, -1.0, 0.5], [-1.0, -2.0, 1.0, -0.5]].concat().repeat(3);
    let kernel =
        Kernel { layer: "block5.0".into(), shape: [2, 3, 2, 2, 2], channels: 3, values: [still, change].concat() };
    let view = KernelView {
        identity: Identity::default(),
        kernels: vec![kernel],
        motion: vec![("block1.0".into(), 0.125), ("block5.0".into(), 0.5)],
        over_checkpoints: Vec::new(),
    };
    answer(&script, &mut harness, job, Output::Kernels(Arc::new(view)));
    let filters: Vec<String> = harness.query_all_by_label_contains("Filter ").map(|n| text_of(&n)).collect();
    assert!(filters[0].starts_with("Filter 1, motion share 100.0 %"), "{filters:?}");
    assert!(filters[1].starts_with("Filter 0, motion share 0.0 %"), "{filters:?}");
    harness.get_by_label("mean motion share 50.0 %");
    harness.get_by_label("block1.0: mean motion share 12.5 %");
    harness.query_all_by_label_contains("Filter 1,").next().unwrap().hover();
    harness.run_steps(10);
    assert!(harness.query_all_by_label_contains("of 2 steps").count() > 0, "it plays under the pointer");
    assert_eq!(script.0.borrow().jobs.iter().filter(|j| matches!(j, Job::ReadKernels(_))).count(), 1);
    let known = script.0.borrow().jobs.len();
    harness.get_by_label("Over training").click();
    let (job, request) = asked(&script, &mut harness, known, |j| match j {
        Job::ReadKernels(kernels) => Some(kernels.clone()),
        _ => None,
    });
    assert!(request.over_checkpoints && request.layers.is_empty());
    let of = |name: &str, share| MotionOf {
        identity: Identity { checkpoint: name.into(), ..Identity::default() },
        layers: vec![("block1.0".into(), share)],
    };
    let view = KernelView {
        identity: Identity::default(),
        kernels: Vec::new(),
        motion: Vec::new(),
        over_checkpoints: vec![of("epoch_0001", 0.0625), of("last", 0.125)],
    };
    answer(&script, &mut harness, job, Output::Kernels(Arc::new(view)));
    harness.get_by_label("block1.0: mean motion share 12.5 %\nepoch_0001: 6.2 %\nlast: 12.5 %");
    harness.query_all_by_label_contains("Filter 1,").next().expect("the kernels stay");
}

#[test]
fn what_is_missing_is_named() {
    let script = Scripted::default();
    let mut harness = window(&script, ThemeChoice::Dark);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Inside));
    harness.run_steps(3);
    assert!(harness.query_all_by_label("No run is chosen").count() >= 2);
    // A classical baseline has no layers.
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let mut run = RunView::clone(&run_of(&demo()));
    run.config.model.id = kinolens::classical::Baseline::all().next().map(|b| b.id()).unwrap_or_default();
    script.0.borrow_mut().run = Some(Arc::new(run.clone()));
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Inside));
    harness.run_steps(4);
    assert!(harness.query_all_by_label_contains("it has no layers").count() > 0);
}

#[test]
fn imported_weights_are_looked_into_with_the_lanes_of_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = demo();
    let (weights, out) = (small(dir.path(), dataset.classes.len()), dir.path().join("run"));
    let mut harness = real();
    harness.state_mut().send(OpenAction::OpenDataset(dataset.root.clone()));
    patiently(&mut harness, "the dataset", |app| app.state().dataset.is_some());
    let mut config = RunConfig::reference();
    config.model = ModelConfig { id: "small-3d".into(), ..ModelConfig::default() };
    (config.clip.length, config.clip.height, config.clip.width) = (16, 64, 64);
    let (config, classes) = (Box::new(config), dataset.classes.clone());
    harness.state_mut().send(OpenAction::Import { weights, config, classes, out: out.clone() });
    patiently(&mut harness, "the run", |app| app.state().run().is_some());
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Inside));
    let looked = |app: &App| {
        let state = app.state();
        let query = state.inside_layer().and_then(|l| state.look_query(&l));
        query.is_some_and(|q| state.inside.look(&q).is_some()) && shown_frame(app).is_some()
    };
    patiently(&mut harness, "the channels", looked);
    shots(&mut harness, "inside-grid");
    let mut settings = harness.state().state().inside.settings;
    settings.field = true;
    harness.state_mut().send(InsideAction::Show(settings));
    patiently(&mut harness, "the receptive field", looked);
    harness.get_by_label("Layers").click();
    patiently(&mut harness, "every layer", |app| !app.state().inside.busy());
    harness.run_steps(3);
    shots(&mut harness, "inside-layers");
    harness.get_by_label("Expand all").click();
    harness.get_by_label("Measure time").click();
    let run = out.clone();
    patiently(&mut harness, "the times", move |app| app.state().inside.seconds(&run).is_some());
    harness.get_by_label("Kernels").click();
    harness.run_steps(2);
    let first = |app: &App| {
        let run = app.state().run().unwrap();
        run.layers.first().cloned()
    };
    let stem = first(harness.state()).unwrap();
    harness.state_mut().send(InsideAction::ChooseLayer(stem));
    harness.run_steps(3);
    patiently(&mut harness, "the kernels", |app| {
        let (checkpoint, layer) =
            (app.state().selection.checkpoint_ref().unwrap(), app.state().inside_layer().unwrap());
        app.state().inside.kernels(&KernelQuery { checkpoint, layer }).ready().is_some()
    });
    harness.run_steps(3);
    shots(&mut harness, "inside-kernels");
    // A survey of a few clips, with the map and the examples.
    let form = SurveyForm { split: SplitChoice::All, clips: 12, over_checkpoints: false };
    harness.state_mut().send(InsideAction::SetSurvey(form));
    harness.state_mut().send(InsideAction::Survey);
    harness.run_steps(2);
    patiently(&mut harness, "the survey", |app| {
        app.state().inside.survey(&app.state().selection.checkpoint_ref().unwrap()).is_some()
    });
    harness.get_by_label("Clip map").click();
    harness.get_by_label("Units by example").click();
    harness.run_steps(20);
    shots(&mut harness, "inside-survey");
    let failed: Vec<_> = harness
        .state()
        .state()
        .messages
        .iter()
        .filter(|m| m.severity > Severity::Warning)
        .map(|m| m.text.clone())
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}

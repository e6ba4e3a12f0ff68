//! What the network sees of a training clip, before and after: in Data and in Train, re-rolled by a key.

use super::*;
use egui_kittest::kittest::NodeT;
use kinolens::config::{PRESETS, RunConfig};
use kinolens::data::{ClipSource, Loader, LoaderOptions, Sampler, plan};
use kinolens::jobs::{AugmentationView, LaneState, PreviewClip, run};
use kinolens::ui::action::{ChooseAction, OpenAction, WindowAction};
use kinolens::ui::augmentation::AugmentationQuery;
use kinolens::ui::derived::Same;

/// Workers that do looks at augmentation for real, at once.
#[derive(Clone)]
struct Looking(Scripted);

impl Workers for Looking {
    fn start(&self, job: Job) -> JobId {
        if !matches!(job, Job::PreviewAugmentation(_)) {
            return self.0.start(job);
        }
        let mut s = self.0.0.borrow_mut();
        s.jobs.push(job.clone());
        let id = JobId(s.jobs.len() as u64);
        let body = match run(job, &mut LaneState::default(), &Silent) {
            Ok(kinolens::jobs::Done::Finished(output)) => EventBody::Finished(output),
            Ok(kinolens::jobs::Done::Cancelled(_)) => EventBody::Cancelled(None),
            Err(error) => EventBody::Failed(error.to_string()),
        };
        s.events.extend([Event { job: id, body: EventBody::Started }, Event { job: id, body }]);
        id
    }

    fn control(&self, job: JobId, flow: Flow) {
        self.0.control(job, flow);
    }

    fn drain(&self) -> Vec<Event> {
        self.0.drain()
    }

    fn device(&self) -> String {
        self.0.device()
    }
}

fn looking() -> (Scripted, Harness<'static, App>) {
    let (script, dataset) = (Scripted::default(), demo());
    script.0.borrow_mut().dataset = Some(dataset.clone());
    let workers = Looking(script.clone());
    let mut harness = Harness::builder().with_size([1280.0, 720.0]).wgpu().build_eframe(move |cc| {
        let factory = Box::new(move |_| Box::new(workers) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    harness.run_steps(2);
    harness.state_mut().send(OpenAction::OpenDataset(dataset.root.clone()));
    harness.run_steps(4);
    (script, harness)
}

/// The configuration that a training would have: the first preset, unchanged.
fn config() -> RunConfig {
    PRESETS[0].config().unwrap()
}

/// What is shown of a clip.
fn shown(app: &App, clip: PreviewClip, epoch: u32) -> Option<Arc<AugmentationView>> {
    let state = app.state();
    let query = AugmentationQuery {
        dataset: Same::maybe(state.dataset.as_ref()),
        root: state.dataset.as_ref().map(|d| d.root.clone()).unwrap_or_default(),
        config: Arc::new(config()),
        clip,
        epoch,
        repeat: 0,
    };
    state.augmentation.get(&query).ready().cloned()
}

/// The tensor that an epoch (from 1) of the training has of the clip at a place.
fn trained(dataset: &Arc<Dataset>, video: usize, start: u32, epoch: u32) -> Vec<f32> {
    let config = config();
    let plan = plan(dataset, &config).unwrap();
    let mut options = LoaderOptions {
        batch_size: 1,
        workers: 0,
        sampler: Sampler::training(&config.sampling),
        augment: Some(config.augment.clone()),
        seed: config.seed,
        epoch: u64::from(epoch) - 1,
        ..LoaderOptions::default()
    };
    let order = Loader::without_pixels(&plan.train, &options);
    let at = order.iter().position(|b| (b.clips[0].video, b.clips[0].start) == (video, start));
    options.skip_batches = at.expect("the epoch has the clip");
    let source = Arc::new(ClipSource::new(dataset.clone(), &config));
    Loader::new(source, &plan.train, &options).next().unwrap().unwrap().pixels.to_vec()
}

fn texts(harness: &Harness<'static, App>, part: &str) -> Vec<String> {
    harness.query_all_by_label_contains(part).map(|n| text_of(&n)).collect()
}

#[test]
fn augmentation_is_seen_before_and_after_and_re_rolled_by_a_key() {
    let (script, mut harness) = looking();
    let dataset = demo();
    let config = config();
    let plan = plan(&dataset, &config).unwrap();
    let clip = plan.train[plan.train.len() / 2];
    let video = dataset.videos[clip.video].name.clone();
    let asked = || script.0.borrow().jobs.iter().filter(|j| matches!(j, Job::PreviewAugmentation(_))).count();
    assert_eq!(asked(), 0, "a panel nobody looks at asks for nothing");
    harness.state_mut().send(ChooseAction::SelectVideo(video.clone()));
    harness.state_mut().send(TimeAction::Seek(clip.start));
    harness.get_by_label("Augmentation").click();
    harness.run_steps(3);
    let at = PreviewClip::At { video: video.clone(), frame: clip.start };
    until(&mut harness, "the first look", |app| shown(app, at.clone(), 1).is_some());
    harness.get_by_label("Pause the augmented clip").click();
    harness.run_steps(3);
    let mut drawn = Vec::new();
    for epoch in [1, 2, 3] {
        if epoch > 1 {
            harness.key_press(egui::Key::R);
            harness.run_steps(3);
        }
        until(&mut harness, "the look", |app| shown(app, at.clone(), epoch).is_some());
        harness.run_steps(3);
        let view = shown(harness.state(), at.clone(), epoch).unwrap();
        let tensor = trained(&dataset, clip.video, clip.start, epoch);
        assert!(view.pixels.iter().map(|v| v.to_bits()).eq(tensor.iter().map(|v| v.to_bits())), "epoch {epoch}");
        // The numbers stand beside it.
        let draw = view.draw.expect("the preset augments");
        let said = texts(&harness, "Sampled: ");
        assert_eq!(said, [format!("Sampled: {}", draw.describe())]);
        assert!(texts(&harness, &format!("seed {}, epoch {epoch} samples it once", config.seed)).len() == 1);
        assert!(harness.query_all_by_label(&format!("{:+.2}°", draw.degrees)).next().is_some());
        drawn.push(said);
        for side in ["Before augmentation: frame", "After augmentation: frame"] {
            assert_eq!(texts(&harness, side).len(), 1, "{side}");
        }
        shot(&mut harness, &format!("augmentation-{epoch}-Dark"));
        // The pixels on screen are those of the tensor: a cell of it, in the middle of its place.
        let image = harness.render().unwrap();
        let place = harness.get_by_label_contains("After augmentation").rect();
        let frame: usize = {
            let name = texts(&harness, "After augmentation").remove(0);
            let number: u32 = name.rsplit(' ').next().unwrap().parse().unwrap();
            view.frames.iter().position(|f| *f == number).unwrap()
        };
        let (width, height, length) = (config.clip.width, config.clip.height, config.clip.length as usize);
        for (x, y) in [(10, 24), (24, 32), (30, 45), (40, 56)] {
            let on_screen = image.get_pixel(
                (place.left() + (x as f32 + 0.5) * place.width() / width as f32) as u32,
                (place.top() + (y as f32 + 0.5) * place.height() / height as f32) as u32,
            );
            for c in 0..3 {
                let v = tensor[((c * length + frame) * height as usize + y) * width as usize + x];
                let byte = ((v * config.clip.std[c] + config.clip.mean[c]) * 255.0).round().clamp(0.0, 255.0);
                assert!((byte - f32::from(on_screen[c])).abs() <= 3.0, "({x}, {y}) channel {c}: {byte}, {on_screen:?}");
            }
        }
    }
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2], "each epoch draws anew: {drawn:?}");
    let before = asked();
    harness.run_steps(10);
    assert_eq!(asked(), before, "nothing is asked for twice");
    // A random clip, and back.
    harness.get_by_label("Random clip").click();
    harness.run_steps(3);
    until(&mut harness, "a random clip", |app| shown(app, PreviewClip::Random(1), 3).is_some());
    harness.get_by_label("Clip under the playhead").click();
    harness.run_steps(3);
    until(&mut harness, "the clip again", |app| shown(app, at.clone(), 3).is_some());
    // The same panel stands in Train.
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(3);
    // A group of the form beside it has the same name: the tab stands at the right.
    let tabs = harness.query_all_by_label("Augmentation");
    tabs.max_by(|a, b| a.rect().left().total_cmp(&b.rect().left())).expect("the tab").click();
    harness.run_steps(3);
    assert_eq!(texts(&harness, "Sampled: ").len(), 1);
    harness.key_press(egui::Key::R);
    harness.run_steps(3);
    until(&mut harness, "the next draw", |app| shown(app, at.clone(), 4).is_some());
    shot(&mut harness, "augmentation-train-Dark");
}

#[test]
fn a_look_that_fails_says_why_and_playing_stops_when_told() {
    let (script, mut harness) = looking();
    let dataset = demo();
    harness.get_by_label("Augmentation").click();
    harness.run_steps(3);
    let plays = |h: &mut Harness<'static, App>| {
        let before = texts(h, "After augmentation: frame");
        std::thread::sleep(Duration::from_millis(300));
        h.run_steps(2);
        before != texts(h, "After augmentation: frame")
    };
    let video = dataset.videos[0].name.clone();
    let at = PreviewClip::At { video, frame: 0 };
    until(&mut harness, "the look", |app| shown(app, at.clone(), 1).is_some());
    harness.run_steps(3);
    assert!(!harness.get_by_label("Pause the augmented clip").accesskit_node().is_disabled());
    harness.get_by_label("Pause the augmented clip").click();
    harness.run_steps(3);
    assert!(!plays(&mut harness), "it stands");
    // An epoch chosen by hand.
    harness.state_mut().send(WindowAction::ChooseAugmentation(kinolens::ui::augmentation::AugmentationChoice {
        epoch: 9,
        ..Default::default()
    }));
    harness.run_steps(3);
    until(&mut harness, "the look at epoch 9", |app| shown(app, at.clone(), 9).is_some());
    // A video that is gone.
    let job = script.0.borrow().jobs.iter().rev().find_map(|j| match j {
        Job::PreviewAugmentation(kind) => Some(kind.clone()),
        _ => None,
    });
    let mut gone = Dataset::clone(&job.expect("a look was asked for").dataset);
    gone.videos[0].path = dataset.root.join("gone.mp4");
    gone.fingerprint = "without its first video".into();
    gone.root = dataset.root.join("elsewhere");
    let gone = Arc::new(gone);
    script.0.borrow_mut().dataset = Some(gone.clone());
    harness.state_mut().send(OpenAction::OpenDataset(gone.root.clone()));
    harness.run_steps(6);
    until(&mut harness, "the sentence", |app| {
        let _ = app;
        script.0.borrow().jobs.iter().any(|j| matches!(j, Job::PreviewAugmentation(k) if k.dataset.root == gone.root))
    });
    harness.run_steps(4);
    assert!(!texts(&harness, "gone.mp4").is_empty(), "why there is no picture");
    assert!(harness.state().state().messages.iter().all(|m| !m.text.contains("gone.mp4")), "said where it belongs");
}

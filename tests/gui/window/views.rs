//! The views of a clip: how they voted, in Evaluate and in Review, and each with its own frames and its own heatmap.

use super::*;
use kinolens::domain::{CropView, Cut, FrameSampling, TimeView};
use kinolens::jobs::{ClipRef, ExplainRequest};
use kinolens::run_folder::ViewPrediction;
use kinolens::ui::action::{ChooseAction, OpenAction, WindowAction};

/// The instance the clip is: frames 30 to 60 of the first video.
const PART: (u32, u32) = (30, 61);

fn cut(clip: u16, crop: u8) -> Cut {
    let time = TimeView::Fixed { index: clip, of: 2 };
    Cut { start: PART.0, end: PART.1, time, crop: CropView { index: crop, of: 2 } }
}

/// Workers that answer for maps of views: of the part of the picture that the view's crop is.
#[derive(Clone)]
struct Viewing(Scripted);

impl Workers for Viewing {
    fn start(&self, job: Job) -> JobId {
        let Job::Explain(request) = job else { return self.0.start(job) };
        let mut s = self.0.0.borrow_mut();
        s.jobs.push(Job::Explain(request.clone()));
        let id = JobId(s.jobs.len() as u64);
        let samples = request.clips.iter().map(|clip| seen(clip, &request)).collect();
        s.events.push(Event { job: id, body: EventBody::Started });
        let explanation = Explanation {
            checkpoint: request.checkpoint.clone(),
            classes: request.dataset.classes.clone(),
            samples,
            ..Explanation::default()
        };
        s.events.push(Event { job: id, body: EventBody::Finished(Output::Explanation(Arc::new(explanation))) });
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

/// Frames as the views of [`run`] have them, and heat everywhere in the half of the picture that the crop is.
fn seen(clip: &ClipRef, request: &ExplainRequest) -> ClipSample {
    let mut sample = sample(clip, request, false);
    let TimeView::Fixed { index, of } = clip.cut.time else { return sample };
    // Eight or four frames spread over 31, in turns: 30 + 30 i / 7, or 30 + 10 i.
    let spread = |i: u32| if of == 2 { (f64::from(30 * i) / 7.0).round_ties_even() as u32 } else { 10 * i };
    sample.frames = (0..4).map(|i| PART.0 + spread(i * u32::from(of) + u32::from(index))).collect();
    for map in &mut sample.maps {
        (map.shape, map.values) = ([1, 1, 1], vec![1.0]);
        if clip.cut.crop.of == 2 {
            // Pictures are higher than wide: crops are above and below.
            map.region = [0.0, 0.5 * f32::from(clip.cut.crop.index), 1.0, 0.5];
        }
    }
    sample
}

/// A run evaluated in two clips of two crops, of which three of four say the second class.
fn voted(dataset: &Dataset) -> Arc<RunView> {
    let mut run = RunView::clone(&run_of(dataset));
    run.path = dataset.root.join("run in views");
    let clip = &mut run.config.clip;
    (clip.sampling, clip.length, clip.clips, clip.crops, clip.resize) = (FrameSampling::Even, 4, 2, 2, Some(128));
    let classes = dataset.classes.len();
    let row = |class: usize, p: f32| -> Vec<f32> {
        (0..classes).map(|c| if c == class { p } else { (1.0 - p) / (classes - 1) as f32 }).collect()
    };
    let view = |at: usize, class: usize, p: f32| ViewPrediction {
        cut: cut((at / 2) as u16, (at % 2) as u8),
        predicted: class,
        probabilities: row(class, p),
    };
    let prediction = Prediction {
        video: dataset.videos[0].name.clone(),
        start: PART.0,
        truth: 0,
        predicted: 1,
        probabilities: row(1, 0.6),
        cut: Cut { start: PART.0, end: PART.1, time: TimeView::Fixed { index: 0, of: 1 }, ..Cut::default() },
        views: vec![view(0, 1, 0.9), view(1, 0, 0.55), view(2, 1, 0.8), view(3, 1, 0.7)],
        ..Prediction::default()
    };
    let evaluation = run.evaluations[0].0.clone();
    run.evaluations = vec![(evaluation, Arc::new(Predictions { clips: vec![prediction] }))];
    Arc::new(run)
}

fn with_views() -> (Viewing, Harness<'static, App>) {
    let script = Scripted::default();
    let (dataset, viewing) = (demo(), Viewing(script.clone()));
    let run = voted(&dataset);
    script.0.borrow_mut().run = Some(run.clone());
    script.0.borrow_mut().dataset = Some(dataset.clone());
    let workers = viewing.clone();
    let mut harness = Harness::builder().with_size([1280.0, 720.0]).wgpu().build_eframe(move |cc| {
        let factory = Box::new(move |_| Box::new(workers) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    harness.run_steps(2);
    harness.state_mut().send(OpenAction::OpenDataset(dataset.root.clone()));
    harness.run_steps(4);
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.run_steps(4);
    (viewing, harness)
}

/// The clip as an evaluation counts it.
fn whole() -> ClipRef {
    let cut = Cut { time: TimeView::Fixed { index: 0, of: 1 }, crop: CropView::default(), ..cut(0, 0) };
    ClipRef { video: demo().videos[0].name.clone(), start: PART.0, cut }
}

#[test]
fn the_votes_of_a_clip_are_told_in_evaluate_and_lead_to_the_view() {
    let (_, mut harness) = with_views();
    let classes = demo().classes.clone();
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label_contains("views: ").count(), 0, "no clip is chosen");
    harness.state_mut().send(ChooseAction::SelectClip(whole()));
    harness.run_steps(3);
    let summary = format!("views: 3 of 4 predict {}", classes.name(1));
    harness.get_by_label(&summary).click();
    harness.run_steps(12);
    shot(&mut harness, "views-evaluate-Dark");
    // By hand: of `n` classes the others share what is left.
    let rest = 0.1 / (classes.len() - 1) as f32;
    let (said, other) = (classes.name(1), classes.name(0));
    harness
        .get_by_label(&format!("View clip 1 of 2, top crop; predicted {said} 0.90, true {rest:.2}, frames 30 to 56"));
    let second = format!("View clip 1 of 2, bottom crop; predicted {other} 0.55, true 0.55, frames 30 to 56");
    harness.get_by_label(&second).click();
    harness.run_steps(4);
    let state = harness.state().state();
    assert_eq!(state.workspace, Workspace::Review);
    assert_eq!(
        (state.selection.clip.clone(), state.selection.seen.clone().map(|v| v.cut)),
        (Some(whole()), Some(cut(0, 1)))
    );
}

#[test]
fn a_view_in_review_shows_its_frames_and_its_own_heatmap() {
    let (viewing, mut harness) = with_views();
    harness.state_mut().send(ChooseAction::ReviewClip(whole()));
    harness.run_steps(3);
    until(&mut harness, "the heatmap", |app| shown_frame(app) == Some(30) && explained(app));
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("views: 3 of 4 predict").next().is_some());
    // V goes through the views and back to the clip as one look; each is asked for by itself.
    let mut frames = Vec::new();
    for (clip, crop) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        harness.key_press(egui::Key::V);
        harness.run_steps(2);
        until(&mut harness, "the map of the view", explained);
        let state = harness.state().state();
        assert_eq!(state.explained_clip().map(|c| c.cut), Some(cut(clip, crop)));
        frames.push(state.selection.frame);
        let asked: Vec<Cut> = viewing.0.0.borrow().jobs.iter().fold(Vec::new(), |mut all, job| {
            if let Job::Explain(request) = job {
                all.extend(request.clips.iter().map(|c| c.cut));
            }
            all
        });
        assert_eq!(asked.last(), Some(&cut(clip, crop)));
        let name = format!("view clip {} of 2, {} crop:", clip + 1, if crop == 0 { "top" } else { "bottom" });
        assert!(harness.query_all_by_label_contains(&name).next().is_some(), "the badge names the view");
    }
    // 30 i / 7 rounded: 0, 4, 9, 13, 17, 21, 26, 30.
    assert_eq!(frames, [30, 30, 34, 34]);
    // Exactly the frames of the view, by key, at both ends, and while it plays.
    for (key, frame) in [
        (egui::Key::ArrowRight, 43),
        (egui::Key::ArrowRight, 51),
        (egui::Key::ArrowRight, 60),
        (egui::Key::ArrowRight, 60),
        (egui::Key::Home, 34),
        (egui::Key::End, 60),
        (egui::Key::ArrowLeft, 51),
    ] {
        harness.key_press(key);
        harness.run_steps(1);
        assert_eq!(harness.state().state().selection.frame, frame, "{key:?}");
    }
    harness.state_mut().send(TimeAction::Seek(41));
    harness.run_steps(1);
    assert_eq!(harness.state().state().selection.frame, 43, "the nearest frame of the view");
    harness.state_mut().send(TimeAction::TogglePlay);
    harness.run_steps(1);
    let begun = Instant::now();
    while harness.state().state().playback.playing && begun.elapsed() < Duration::from_secs(5) {
        harness.run_steps(1);
        assert!([34, 43, 51, 60].contains(&harness.state().state().selection.frame));
    }
    assert_eq!(harness.state().state().selection.frame, 60, "it plays to the last frame of the view");
    until(&mut harness, "the last picture", |app| shown_frame(app) == Some(60));
    // Heat lies on the lower half alone: there the picture with heat differs from that without.
    let picture = harness.get_by_label_contains("view clip 2 of 2, bottom crop").rect();
    harness.run_steps(2);
    shot(&mut harness, "views-review-Dark");
    let hot = harness.render().unwrap();
    harness.key_press(egui::Key::H);
    harness.run_steps(3);
    let cold = harness.render().unwrap();
    let changed = |top: f32, bottom: f32| {
        let (mut off, mut all) = (0_u32, 0_u32);
        // Badges at the corners come and go with the heat: only the middle counts.
        for y in (picture.top() + picture.height() * top) as u32..(picture.top() + picture.height() * bottom) as u32 {
            for x in (picture.left() + 8.0) as u32..(picture.right() - 8.0) as u32 {
                all += 1;
                off += u32::from(hot.get_pixel(x, y) != cold.get_pixel(x, y));
            }
        }
        f64::from(off) / f64::from(all.max(1))
    };
    let (above, below) = (changed(0.3, 0.48), changed(0.52, 0.85));
    assert!(above < 0.01 && below > 0.9, "{above} of the part not seen is changed, {below} of the part seen");
    // Behind the last view is the clip as one look.
    harness.key_press(egui::Key::H);
    harness.key_press(egui::Key::V);
    harness.run_steps(3);
    assert_eq!(harness.state().state().selection.seen, None);
    harness.key_press_modifiers(egui::Modifiers::SHIFT, egui::Key::V);
    harness.run_steps(3);
    assert_eq!(harness.state().state().selection.seen.clone().map(|v| v.cut), Some(cut(1, 1)));
    // Another clip is shown as it is.
    harness.state_mut().send(ChooseAction::SelectClip(ClipRef {
        start: 3,
        cut: Cut { start: 3, ..whole().cut },
        ..whole()
    }));
    harness.run_steps(2);
    assert_eq!(harness.state().state().selection.seen, None);
}

#[test]
fn a_clip_between_instances_is_doubted_where_the_network_is_shown_whole_instances() {
    let (_, mut harness) = with_views();
    let dataset = demo();
    let video = &dataset.videos[0];
    let free = (0..video.frames()).find(|f| !video.class_spans().any(|s| s.start <= *f && *f < s.end));
    let Some(free) = free else { return };
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.state_mut().send(TimeAction::Seek(free));
    harness.run_steps(3);
    until(&mut harness, "the answer", |app| shown_frame(app) == Some(free) && explained(app));
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("No instance is here").next().is_some());
    let inside = video.class_spans().next().expect("a labelled part");
    harness.state_mut().send(TimeAction::Seek(inside.start));
    harness.run_steps(3);
    let clip = harness.state().state().explained_clip().expect("the instance");
    assert_eq!((clip.start, clip.cut.end), (inside.start, inside.end), "the whole part is one clip");
    until(&mut harness, "the answer", explained);
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label_contains("No instance is here").count(), 0);
}

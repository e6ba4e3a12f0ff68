//! How fast datasets of full size open, and what is done with them, in memory as well.
//!
//! `cargo bench --bench dataset`, or `cargo test --bench dataset` for the development profile. One line a measurement:
//! `dataset <what> n <count> <figure> <value> limit <value> ok|over`. `KINOLENS_BENCH_STRICT=1` makes a figure over its limit
//! the exit code 1; `KINOLENS_BENCH_VIDEOS` changes the number of videos, and names of measurements after that take only those.

// The figures are what it is run for.
#![allow(clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "the files that are measured are made here")]

use eframe::egui;
use egui_kittest::Harness;
use kinolens::config::{DataConfig, RunConfig};
use kinolens::data::{Sampler, look_into, open_above, plan};
use kinolens::domain::{
    ClassSet, Dataset, FrameSampling, Instance, InstanceLabel, Label, LabelTrack, RgbImage, Split, VideoEntry,
    VideoFacts,
};
use kinolens::process_usage::Usage;
use kinolens::progress::Silent;
use kinolens::ui::arrangement::{VideoKey, VideoOrder};
use kinolens::ui::panel::{Panel, PanelCx};
use kinolens::ui::services::Services;
use kinolens::ui::state::Filter;
use kinolens::ui::video_rows::Rows;
use kinolens::ui::{Action, AppState, PANELS, theme};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Classes of Something-Something V2, and its videos in training, validation and test.
const CLASSES: usize = 174;
const SPLITS: [(&str, usize); 3] = [("train", 168_913), ("validation", 24_777), ("test", 27_157)];
/// Pictures in each frame folder: enough for a listing to take its time.
const PICTURES: usize = 12;

/// Prints a figure; true when the limit holds.
fn report(what: &str, n: usize, figure: &str, value: f64, limit: f64) -> bool {
    let ok = value <= limit;
    let word = if ok { "ok" } else { "over" };
    println!("dataset {what} n {n} {figure} {value:.3} limit {limit} {word}");
    ok
}

fn seconds<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let out = work();
    (out, begun.elapsed().as_secs_f64())
}

/// Most memory that this process had so far, in MB, where the system tells.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kb.map_or_else(|| Usage::now().memory_bytes as f64 / 1e6, |kb| kb * 1024.0 / 1e6)
}

/// Forgets the peak, where the system can.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn template(class: usize) -> String {
    format!("Moving [something] number {class} away from [something]")
}

/// The lists of Something-Something V2, with ids in no order.
fn lists(root: &Path, share: f64) -> Vec<(String, Vec<usize>)> {
    let labels: Vec<String> =
        (0..CLASSES).map(|c| format!("\"{}\": \"{c}\"", template(c).replace(['[', ']'], ""))).collect();
    std::fs::write(root.join("something-something-v2-labels.json"), format!("{{{}}}", labels.join(",\n"))).unwrap();
    let mut id = 1_usize;
    let mut out = Vec::new();
    for (split, count) in SPLITS {
        let count = ((count as f64 * share) as usize).max(1);
        // Every id once: a step without a common divisor.
        let ids: Vec<usize> = (0..count).map(|i| id + (i * 7919) % count).collect();
        let mut text = String::from("[\n");
        for (i, video) in ids.iter().enumerate() {
            let comma = if i + 1 < count { "," } else { "" };
            let class = template(video % CLASSES);
            let _ = match split {
                "test" => writeln!(text, "{{\"id\":\"{video}\"}}{comma}"),
                _ => writeln!(
                    text,
                    "{{\"id\":\"{video}\", \"label\":\"moving a cup away from a plate\", \"template\":\"{class}\", \
                     \"placeholders\":[\"a cup\", \"a plate\"]}}{comma}"
                ),
            };
        }
        text.push(']');
        std::fs::write(root.join(format!("something-something-v2-{split}.json")), text).unwrap();
        id += count;
        out.push((split.to_owned(), ids));
    }
    out
}

fn open(root: &Path) -> Dataset {
    open_above(root, &DataConfig::default(), None, 0, &Silent).expect("the dataset opens")
}

/// Something-Something V2 as it is published (files), or as frame folders.
fn something(share: f64, folders: bool) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let picture = {
        let mut bytes = Vec::new();
        let image = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8 * 3, y as u8 * 5, 90]));
        image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        bytes
    };
    let mut all = 0;
    for (split, ids) in lists(root, share) {
        let folder = root.join(if folders { split.as_str() } else { "20bn-something-something-v2" });
        std::fs::create_dir_all(&folder).unwrap();
        all += ids.len();
        for id in ids {
            if !folders {
                std::fs::write(folder.join(format!("{id}.webm")), b"").unwrap();
                continue;
            }
            let frames = folder.join(id.to_string());
            std::fs::create_dir(&frames).unwrap();
            for n in 1..=PICTURES {
                // Only those of a few are ever read.
                let bytes: &[u8] = if id <= LOOKED { &picture } else { &[] };
                std::fs::write(frames.join(format!("{n:05}.png")), bytes).unwrap();
            }
        }
    }
    let what = if folders { "something_v2_frame_folders" } else { "something_v2_files" };
    forget_peak();
    let (dataset, took) = seconds(|| open(root));
    assert_eq!((dataset.videos.len(), dataset.pending()), (all, all));
    let mut ok = report(&format!("{what}_list_complete"), all, "s", took, 10.0);
    ok &= report(&format!("{what}_usable"), all, "s", took, 3.0);
    ok &= rows_of(what, &dataset);
    ok &= report(&format!("{what}_memory"), all, "mb", peak_mb(), 600.0);
    if folders {
        let few: Vec<usize> = (0..dataset.videos.len()).filter(|i| looked(&dataset.videos[*i])).collect();
        let dataset = Arc::new(dataset);
        let (known, took) = seconds(|| look_into(&dataset, &few, &Silent).expect("they can be looked into"));
        let readable = few.iter().filter(|i| known.videos[**i].frames() == PICTURES as u32).count();
        assert_eq!(readable, few.len());
        println!("dataset {what}_looked_into n {} per_s {:.0}", few.len(), few.len() as f64 / took);
        ok &= report(&format!("{what}_memory_with_two_copies"), all, "mb", peak_mb(), 600.0);
    }
    ok
}

/// Ids whose pictures are real.
const LOOKED: usize = 2000;

fn looked(video: &VideoEntry) -> bool {
    video.name.strip_prefix("train/").and_then(|n| n.parse::<usize>().ok()).is_some_and(|id| id <= LOOKED)
}

/// Filtering and sorting.
fn rows_of(what: &str, dataset: &Dataset) -> bool {
    let warnings: HashMap<usize, Vec<String>> = HashMap::new();
    let tags = kinolens::ui::state::VideoTags::default();
    let rows = Rows { dataset, parts: None, warnings: &warnings, tags: &tags };
    let n = dataset.videos.len();
    let mut ok = true;
    for (name, text) in [("by_name", "77"), ("by_class", "number 17"), ("by_words_that_fit_none", "train zebra")] {
        let (found, took) = seconds(|| rows.passing(text));
        std::hint::black_box(found);
        ok &= report(&format!("{what}_filter_{name}"), n, "ms", took * 1e3, 300.0);
    }
    let all = rows.passing("");
    for key in [VideoKey::Name, VideoKey::Split, VideoKey::Frames, VideoKey::Size, VideoKey::Codec] {
        let (sorted, took) = seconds(|| rows.sorted(&all, VideoOrder { key, descending: true }));
        assert_eq!(sorted.len(), n);
        ok &= report(&format!("{what}_sort_by_{key:?}").to_lowercase(), n, "ms", took * 1e3, 300.0);
    }
    ok
}

/// So many videos with so many instances each, looked into, of a dataset whose clips are cut from instances.
fn known(videos: usize, instances: usize) -> Dataset {
    let video = |i: usize| {
        let frames = 2000 + (i % 97) as u32;
        let part = |k: usize| {
            let start = k as u32 * (2000 / instances as u32);
            let class = (i * 31 + k * 7) % CLASSES;
            let label = InstanceLabel::Class(class);
            Instance { start, end: start + 64, label, line: k as u32 + 1, ..Instance::default() }
        };
        let parts: Vec<Instance> = (0..instances).map(part).collect();
        let segment = |p: &Instance| kinolens::domain::Segment {
            start: p.start,
            end: p.end,
            label: Label::Class(p.label.classes()[0]),
        };
        VideoEntry {
            path: format!("/data/videos/subject {}/take {i}.mp4", i % 500).into(),
            name: format!("videos/subject {}/take {i}.mp4", i % 500),
            subject: format!("subject {}", i % 500),
            split: [Split::Train, Split::Train, Split::Train, Split::Val, Split::Test][i % 5],
            labels: LabelTrack::from_segments(parts.iter().map(segment).collect()),
            instances: parts,
            facts: Some(VideoFacts {
                width: 320 + (i % 5) as u32 * 16,
                height: 240,
                fps: 25.0,
                frames,
                duration_s: f64::from(frames) / 25.0,
                codec: if i.is_multiple_of(3) { "vp9" } else { "h264" }.into(),
                ..VideoFacts::default()
            }),
            ..VideoEntry::default()
        }
    };
    Dataset {
        root: "/data".into(),
        name: "data".into(),
        format: "list".into(),
        instance_wise: true,
        classes: ClassSet::from_names((0..CLASSES).map(|c| template(c).replace(['[', ']'], ""))),
        videos: (0..videos).map(video).collect(),
        fingerprint: "f".into(),
        ..Dataset::default()
    }
}

/// An epoch over 200,000 instances: the clips of a run, and the order of an epoch.
fn epoch() -> bool {
    let dataset = known(50_000, 4);
    let mut ok = true;
    for (name, sampling) in [("windows", FrameSampling::Windows), ("clips", FrameSampling::Centre)] {
        let mut config = RunConfig::reference();
        config.clip.sampling = sampling;
        let ((plan, order), took) = seconds(|| {
            let plan = plan(&dataset, &config).expect("there is a plan");
            let order = Sampler::training(&config.sampling).order(&plan.train, 1, 0);
            (plan, order)
        });
        assert_eq!(order.len(), plan.train.len());
        ok &= report(&format!("epoch_plan_{name}"), 200_000, "s", took, 2.0);
    }
    ok
}

struct Screen {
    state: AppState,
    panel: Box<dyn Panel>,
    services: Services,
    actions: Vec<Action>,
}

/// 1,000,000 instances in 50,000 videos: filter and order, and frames of the panels while they are scrolled.
fn instances() -> bool {
    let dataset = Arc::new(known(50_000, 20));
    let mut ok = rows_of("million_instances", &dataset);
    for id in ["videos", "explorer", "statistics"] {
        let spec = PANELS.iter().find(|p| p.id == id).expect("the panel");
        let state = AppState {
            video_by_name: dataset.videos.iter().enumerate().map(|(i, v)| (v.name.clone(), i)).collect(),
            filtered: (0..dataset.videos.len()).collect(),
            dataset: Some(dataset.clone()),
            ..AppState::default()
        };
        let services = Services::new(Arc::new(|| {}), None);
        let screen = Screen { state, panel: (spec.build)(), services, actions: Vec::new() };
        let build = Harness::builder().with_size([620.0, 640.0]).with_context_setup(theme::install);
        let mut harness = build.build_ui_state(
            |ui, screen: &mut Screen| {
                let mut cx = PanelCx { state: &screen.state, services: &screen.services, actions: &mut screen.actions };
                screen.panel.ui(ui, &mut cx);
            },
            screen,
        );
        harness.run_steps(5);
        let frame = |harness: &mut Harness<'static, Screen>| {
            let begun = Instant::now();
            harness.step();
            let shapes = harness.output().shapes.clone();
            std::hint::black_box(harness.ctx.tessellate(shapes, 1.0));
            begun.elapsed().as_secs_f64() * 1e3
        };
        // A filter makes everything new once.
        harness.state_mut().state.filter = Filter { text: "subject 1".into() };
        harness.state_mut().state.filtered_revision += 1;
        let first = frame(&mut harness);
        ok &= report(&format!("million_instances_{id}_after_a_filter"), 1_000_000, "ms", first, 300.0);
        let mut times: Vec<f64> = (0..120)
            .map(|i| {
                harness.hover_at(egui::pos2(200.0, 400.0));
                let delta = egui::vec2(0.0, if i < 100 { -900.0 } else { 400.0 });
                harness.event(egui::Event::MouseWheel {
                    unit: egui::MouseWheelUnit::Point,
                    delta,
                    phase: egui::TouchPhase::Move,
                    source: egui::MouseWheelSource::Unknown,
                    modifiers: egui::Modifiers::NONE,
                });
                frame(&mut harness)
            })
            .collect();
        times.sort_by(f64::total_cmp);
        ok &= report(&format!("million_instances_{id}_scrolled_p95"), 1_000_000, "ms", times[113], 1000.0 / 60.0);
    }
    ok
}

/// One long video with 100,000 rows of AVA, some thousand a second.
fn boxes() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let mut writer = kinolens::video::VideoWriter::create(&root.join("long.mp4"), 64, 64, 25.0).unwrap();
    for n in 0..1000_u32 {
        writer.push(&RgbImage::new(64, 64, vec![(n % 200) as u8; 64 * 64 * 3]).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    let mut actions = String::new();
    for i in 1..=80 {
        let _ = writeln!(actions, "item {{ name: \"action {i}\" id: {i} }}");
    }
    std::fs::write(root.join("ava_action_list_v2.2.pbtxt"), actions).unwrap();
    let mut rows = String::new();
    for i in 0..100_000_usize {
        let (second, one) = (902 + i % 36, i / 36);
        let left = 0.001 * (one % 700) as f64;
        let _ = writeln!(
            rows,
            "long,{second:04},{left:.3},0.1,{:.3},{:.3},{},{}",
            left + 0.2,
            0.3 + 0.0005 * (one / 700) as f64,
            1 + i % 80,
            one / 3
        );
    }
    std::fs::write(root.join("ava_train_v2.2.csv"), rows).unwrap();
    let (dataset, took) = seconds(|| open_above(root, &DataConfig::default(), None, 10, &Silent).expect("it opens"));
    let video = &dataset.videos[0];
    assert!(video.instances.len() > 50_000, "{} instances, {:#?}", video.instances.len(), dataset.warnings);
    let n = video.instances.len();
    let mut ok = report("ava_boxes_open", 100_000, "s", took, 10.0);
    let (lanes, took) = seconds(|| Instance::lanes(&video.instances));
    std::hint::black_box(lanes);
    ok &= report("ava_boxes_lanes", n, "ms", took * 1e3, 300.0);
    let (totals, took) = seconds(|| video.frames_by_label());
    std::hint::black_box(totals);
    ok &= report("ava_boxes_frames_by_label", n, "ms", took * 1e3, 300.0);
    let mut config = RunConfig::reference();
    config.clip.sampling = FrameSampling::Centre;
    let (planned, took) = seconds(|| plan(&dataset, &config));
    std::hint::black_box(planned.map(|p| p.train.len()).unwrap_or_default());
    ok &= report("ava_boxes_plan", n, "s", took, 2.0);
    ok
}

fn main() -> std::process::ExitCode {
    kinolens::process_usage::keep_freed_memory();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let takes = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));
    let all = SPLITS.iter().map(|(_, n)| n).sum::<usize>() as f64;
    let videos = std::env::var("KINOLENS_BENCH_VIDEOS").ok().and_then(|v| v.parse::<f64>().ok()).unwrap_or(all);
    let share = videos / all;
    let mut ok = true;
    let measurements: [(&str, &dyn Fn() -> bool); 5] = [
        ("files", &|| something(share, false)),
        ("folders", &|| something(share, true)),
        ("epoch", &epoch),
        ("instances", &instances),
        ("boxes", &boxes),
    ];
    for (name, measure) in measurements {
        if takes(name) {
            ok &= measure();
        }
    }
    let strict = std::env::var("KINOLENS_BENCH_STRICT").is_ok_and(|v| v == "1");
    if ok || !strict { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

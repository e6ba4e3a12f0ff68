//! Which frames a clip takes of its instance, against mmaction2; and that a loader gives just these.

use crate::support::datasets::{open, temp, video, video_of};
use crate::support::reference::golden;
use kinolens::config::{AugmentConfig, ColorJitter, CropConfig, RunConfig};
use kinolens::data::{
    Batch, ClipSource, FrameRule, Loader, LoaderOptions, SegmentDraws, clips_of, dense_draw, dense_starts, even_starts,
    labelled_clips, segment_centres, views_of, windows,
};
use kinolens::domain::{Clip, ClipGeometry, Cut, Dataset, FrameSampling, Label, LabelTrack, Segment, TimeView};
use kinolens::progress::Silent;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A case of the reference.
struct Case<'a>(&'a Value);

impl Case<'_> {
    fn number(&self, key: &str) -> u32 {
        self.0["config"][key].as_u64().unwrap() as u32
    }

    fn geometry(&self) -> ClipGeometry {
        ClipGeometry { length: self.number("clip_len"), step: self.number("interval") }
    }

    fn frames(&self) -> u32 {
        self.0["frames"].as_u64().unwrap() as u32
    }

    /// First frames of all clips.
    fn offsets(&self) -> Vec<u32> {
        let (n, clips) = (self.frames(), self.number("num_clips"));
        match self.0["kind"].as_str().unwrap() {
            "single_centre" | "even_clips_test" => even_starts(n, self.geometry(), clips),
            "tsn_test" => segment_centres(n, clips).collect(),
            "dense_test" => dense_starts(n, self.number("sample_range"), self.number("num_sample_positions"), clips),
            kind => panic!("no rule for {kind}"),
        }
    }

    /// Frames of all views under a sampling, of an instance that begins at `start`, counted from there.
    fn views(&self, sampling: FrameSampling, geometry: ClipGeometry, views: u32, start: u32) -> Value {
        let rule = FrameRule { geometry, sampling };
        let of_view = |index: u32| {
            let time = TimeView::Fixed { index: index as u16, of: views as u16 };
            let cut = Cut { start, end: start + self.frames(), time, ..Cut::default() };
            let numbers = rule.numbers(&Clip { cut, ..Clip::window(0, start) }, start + self.frames() + 7);
            numbers.into_iter().map(|n| n - start).collect::<Vec<_>>()
        };
        json!((0..views).map(of_view).collect::<Vec<_>>())
    }
}

#[test]
fn every_offset_and_every_frame_is_mmaction2_s() {
    let golden = golden("sampling.json");
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for case in golden["cases"].as_array().unwrap() {
        let (kind, value) = (case["kind"].as_str().unwrap(), case);
        let case = Case(case);
        let (n, told) = (case.frames(), format!("{kind} of {} frames, {}", case.frames(), value["config"]));
        *counted.entry(kind).or_default() += 1;
        match kind {
            // The rule of version 0.x is not offered.
            "centre_clips_test_0x" => {}
            "tsn_train" => {
                let clips = case.number("num_clips");
                let bounds = match SegmentDraws::of(n, case.geometry(), clips) {
                    SegmentDraws::Each(bounds) => bounds,
                    SegmentDraws::Sorted { clips, last } => vec![(0, last); clips as usize],
                };
                assert_eq!(json!(bounds), value["bounds"], "{told}");
            }
            "dense_train" => {
                let range = case.number("sample_range");
                assert_eq!(json!([0, dense_draw(n, range)]), value["start"], "{told}");
            }
            _ => assert_eq!(json!(case.offsets()), value["offsets"], "{told}"),
        }
        // What a configuration can ask for, through the rule that clips are loaded by.
        let clips = value["config"]["num_clips"].as_u64().unwrap() as u32;
        for start in [0, 13] {
            match kind {
                "single_centre" | "even_clips_test" => {
                    let views = case.views(FrameSampling::Centre, case.geometry(), clips, start);
                    assert_eq!(views, value["indices_repeat_last"], "{told}");
                }
                "tsn_test" => {
                    let views = case.views(FrameSampling::Segments, case.geometry(), clips, start);
                    assert_eq!(views, value["indices_loop"], "{told}: views of one frame");
                    let geometry = ClipGeometry { length: clips, step: 1 };
                    let one = case.views(FrameSampling::Segments, geometry, 1, start);
                    assert_eq!(one[0], value["offsets"], "{told}: one view of all");
                }
                "dense_test" if clips == 1 => {
                    let views = case.views(FrameSampling::Dense, case.geometry(), 10, start);
                    assert_eq!(views, value["indices_loop"], "{told}");
                }
                _ => {}
            }
        }
    }
    assert!(counted.len() >= 7, "{counted:?}");
}

/// Clips of 4 frames of every second one, at the size of the test videos.
fn config(sampling: FrameSampling) -> RunConfig {
    let mut config = RunConfig::reference();
    (config.clip.length, config.clip.step) = (4, 2);
    (config.clip.width, config.clip.height) = (8, 6);
    config.clip.sampling = sampling;
    config
}

/// A video of 60 frames with instances of classes 1 and 0, from 10 to 30 and from 35 to 39.
fn two_instances(root: &std::path::Path) -> Arc<Dataset> {
    for class in ["a", "b"] {
        video(root.join(class).join("v"), 60);
    }
    let mut dataset = open(root);
    dataset.videos.truncate(1);
    // Frames labelled one by one.
    dataset.instance_wise = false;
    let segment = |(start, end, class)| Segment { start, end, label: Label::Class(class) };
    dataset.videos[0].labels = LabelTrack::from_segments([(10, 30, 1), (35, 39, 0)].map(segment).to_vec());
    Arc::new(dataset)
}

/// The numbers that the frames of a batch of 8x6 pixels show, clip by clip.
fn shown(batch: &Batch, config: &RunConfig) -> Vec<Vec<u32>> {
    let size = 3 * 4 * 48;
    let red = |v: f32| ((v * config.clip.std[0] + config.clip.mean[0]) * 255.0).round() as u32;
    batch.pixels.chunks_exact(size).map(|clip| clip.chunks_exact(48).take(4).map(|f| red(f[0])).collect()).collect()
}

#[test]
fn the_loader_gives_the_frames_that_the_sampling_says() {
    let root = temp();
    let dataset = two_instances(root.path());
    // Of 20 frames from 10 and of 4 frames from 35; by hand.
    let expected: [(FrameSampling, [[u32; 4]; 2]); 4] = [
        (FrameSampling::Centre, [[16, 18, 20, 22], [35, 37, 37, 37]]),
        (FrameSampling::Even, [[10, 16, 23, 29], [35, 36, 37, 38]]),
        (FrameSampling::Segments, [[12, 17, 22, 27], [35, 36, 37, 38]]),
        (FrameSampling::Dense, [[16, 18, 20, 22], [35, 37, 35, 37]]),
    ];
    for (sampling, frames) in expected {
        let config = config(sampling);
        let clips = labelled_clips(&dataset, &config, 1, |_| true);
        assert_eq!(
            clips.iter().map(|c| (c.start, c.label)).collect::<Vec<_>>(),
            [(10, Some(Label::Class(1))), (35, Some(Label::Class(0))),]
        );
        for cache_mib in [0, 16] {
            let mut config = config.clone();
            config.training.cache_mib = cache_mib;
            let source = Arc::new(ClipSource::new(dataset.clone(), &config));
            let options = LoaderOptions { batch_size: 2, workers: 2, ..LoaderOptions::default() };
            let batch = Loader::new(source, &clips, &options).next().unwrap().unwrap();
            assert_eq!(shown(&batch, &config), frames, "{sampling:?}");
        }
    }
}

#[test]
fn frames_of_training_clips_are_drawn_anew_in_every_epoch_and_stay_in_their_instance() {
    let root = temp();
    let dataset = two_instances(root.path());
    for sampling in [FrameSampling::Segments, FrameSampling::Dense] {
        let config = config(sampling);
        let clips = labelled_clips(&dataset, &config, 1, |_| true);
        let epoch = |epoch, workers| {
            let source = Arc::new(ClipSource::new(dataset.clone(), &config));
            source.preload(&clips, false, &Silent).unwrap();
            let augment = Some(AugmentConfig { enabled: false, ..AugmentConfig::default() });
            let options = LoaderOptions { batch_size: 2, workers, epoch, augment, ..LoaderOptions::default() };
            let batch = Loader::new(source, &clips, &options).next().unwrap().unwrap();
            let rule = FrameRule::of(&config.clip);
            let said: Vec<Vec<u32>> = batch.clips.iter().map(|c| rule.numbers(c, 60)).collect();
            assert_eq!(shown(&batch, &config), said, "a clip says which frames were drawn for it");
            said
        };
        let drawn: Vec<Vec<Vec<u32>>> = (0..12).map(|e| epoch(e, 2)).collect();
        assert_eq!(drawn[3], epoch(3, 0));
        let different: std::collections::BTreeSet<_> = drawn.iter().map(|d| d[0].clone()).collect();
        assert!(different.len() > 6, "{different:?}");
        assert!(drawn.iter().all(|d| d[0].iter().all(|n| (10..30).contains(n))), "{drawn:?}");
        assert!(drawn.iter().all(|d| d[1].iter().all(|n| (35..39).contains(n))), "{drawn:?}");
    }
}

#[test]
fn without_a_word_on_sampling_clips_are_what_they_were() {
    let old = "(clip: (length: 8, step: 2, width: 8, height: 6, train_stride: 4, eval_stride: 8))";
    let config = RunConfig::from_ron(old).unwrap();
    assert_eq!((config.clip.sampling, config.clip.clips, config.clip.crops), (FrameSampling::Windows, 1, 1));
    assert_eq!(config.clip.resize, None);
    let root = temp();
    let dataset = two_instances(root.path());
    let video = &dataset.videos[0];
    let clips = clips_of(&dataset, 0, &config.clip, 4);
    assert_eq!(clips, windows(video, 0, config.clip.geometry(), 4, config.clip.label));
    assert!(clips.iter().all(|c| c.cut == Cut::default() && views_of(c, &config.clip) == [*c]));
    let text = r#"{"video":0,"start":8,"label":{"Class":1}}"#;
    assert_eq!(serde_json::to_string(&clips[2]).unwrap(), text, "written as before");
    assert_eq!(serde_json::from_str::<Clip>(text).unwrap(), clips[2]);
}

#[test]
fn gaps_leave_out_what_would_show_them() {
    let root = temp();
    let mut dataset = Dataset::clone(&two_instances(root.path()));
    dataset.videos[0].facts.as_mut().unwrap().gaps = vec![(36, 37)];
    let starts = |sampling| -> Vec<u32> {
        labelled_clips(&dataset, &config(sampling), 1, |_| true).iter().map(|c| c.start).collect()
    };
    for sampling in [FrameSampling::Centre, FrameSampling::Even, FrameSampling::Segments, FrameSampling::Dense] {
        assert_eq!(starts(sampling), [10], "{sampling:?}");
    }
}

#[test]
fn views_that_cannot_be_are_refused_by_name() {
    let fault = |settings: &[&str]| {
        let mut config = RunConfig::reference();
        settings.iter().for_each(|s| config.set(s).unwrap());
        config.validate().err().map(|e| e.to_string()).unwrap_or_default()
    };
    assert_eq!(fault(&["clip.sampling=Dense", "clip.clips=10", "clip.crops=3", "clip.resize=128"]), "");
    for (settings, key) in [
        (&["clip.clips=3"][..], "clip.sampling"),
        (&["clip.sampling=Even", "clip.clips=0"], "clip.clips"),
        (&["clip.crops=3"], "clip.resize"),
        (&["clip.resize=128", "clip.crops=4"], "clip.crops"),
        (&["clip.resize=0"], "clip.resize"),
    ] {
        assert!(fault(settings).contains(key), "{settings:?}: {}", fault(settings));
    }
}

/// A picture of 24x12 pixels in which red is 10·x and green 20·y, resized to 12x6, of which 4x4 are cut out.
fn cropped() -> RunConfig {
    let mut config = config(FrameSampling::Windows);
    (config.clip.width, config.clip.height, config.clip.resize) = (4, 4, Some(6));
    config
}

/// The columns and rows of the resized picture at the left upper corner of a clip of 4 frames of 4x4 pixels, where every
/// pixel is the one expected there.
fn corner(pixels: &[f32], config: &RunConfig) -> (u32, u32) {
    let byte = |c: usize, v: f32| ((v * config.clip.std[c] + config.clip.mean[c]) * 255.0).round() as i64;
    let at = |c: usize, t: usize, i: usize| byte(c, pixels[(c * 4 + t) * 16 + i]);
    // Half the size has its centres between pixels: red is 20·x + 5, green 40·y + 10.
    let (left, top) = ((at(0, 0, 0) - 5) / 20, (at(1, 0, 0) - 10) / 40);
    for t in 0..4 {
        for i in 0..16 {
            let (x, y) = (left + i as i64 % 4, top + i as i64 / 4);
            assert_eq!((at(0, t, i), at(1, t, i)), (20 * x + 5, 40 * y + 10), "frame {t}, pixel {i}");
        }
    }
    (left as u32, top as u32)
}

#[test]
fn the_shorter_side_is_resized_and_the_input_cut_out() {
    let root = temp();
    video_of(root.path(), 9, (24, 12), |n, x, y| [(10 * x) as u8, (20 * y) as u8, n as u8]);
    let data = Arc::new(open(root.path()));
    let mut config = cropped();
    let source = ClipSource::new(data.clone(), &config);
    let whole = &source.pictures(&Clip::window(0, 0)).unwrap()[0];
    assert_eq!((whole.width, whole.height), (12, 6));
    let corners = |config: &RunConfig| -> Vec<(u32, u32)> {
        let source = ClipSource::new(data.clone(), config);
        let views = views_of(&Clip::window(0, 0), &config.clip);
        views.iter().map(|v| corner(&source.pixels(v, None).unwrap(), config)).collect()
    };
    assert_eq!(corners(&config), [(4, 1)]);
    assert_eq!(source.region(&Clip::window(0, 0)), [4.0 / 12.0, 1.0 / 6.0, 4.0 / 12.0, 4.0 / 6.0]);
    config.clip.crops = 3;
    assert_eq!(corners(&config), [(0, 1), (4, 1), (8, 1)]);

    // Training cuts it out at random; nothing else changes here.
    let plain = AugmentConfig {
        horizontal_flip: 0.0,
        rotation_degrees: 0.0,
        color_jitter: ColorJitter::default(),
        ..AugmentConfig::default()
    };
    let mut seen = std::collections::BTreeSet::new();
    for epoch in 0..400 {
        let (clip, draw) = source.draw(&plain, 1, epoch, &Clip::window(0, 0), 0);
        seen.insert(corner(&source.pixels(&clip, draw.as_ref()).unwrap(), &config));
    }
    let everywhere = (0..=8).flat_map(|x| (0..=2).map(move |y| (x, y))).collect();
    assert_eq!(seen, everywhere);
    // Parts of random size keep the shape of the input: the picture is twice as wide as high.
    let parts = AugmentConfig { crop: Some(CropConfig { scale: (0.1, 0.3), ratio: (1.0, 1.0) }), ..plain };
    for epoch in 0..50 {
        let [left, top, width, height] = source.draw(&parts, 1, epoch, &Clip::window(0, 0), 0).1.unwrap().crop;
        assert!((height / width - 2.0).abs() < 1e-4 && left + width < 1.0001 && top + height < 1.0001);
        assert!((0.099..0.301).contains(&(width * height)), "{width} {height}");
    }
    let off = AugmentConfig { enabled: false, ..AugmentConfig::default() };
    assert_eq!(source.draw(&off, 1, 0, &Clip::window(0, 0), 0), (Clip::window(0, 0), None));
}

//! From clips to the numbers a network gets: exact preprocessing, augmentation that agrees in time, loading that does not
//! depend on threads or memory.

use crate::support::datasets::{open, temp, video, video_of};
use kinolens::config::{AugmentConfig, ColorJitter, CropConfig, ModelConfig, RunConfig};
use kinolens::data::{
    Batch, ClipSource, DataError, Draw, Loader, LoaderOptions, Resizer, Sampler, UNLABELLED, class_counts, windows,
};
use kinolens::domain::{Clip, Dataset, Label};
use kinolens::model::{ComputeDevice, Network, read};
use kinolens::progress::Silent;
use kinolens::video::{Video, VideoWriter};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Clips of 4 frames at the size of the test videos.
fn config() -> RunConfig {
    let mut config = RunConfig::reference();
    (config.clip.length, config.clip.step) = (4, 1);
    (config.clip.width, config.clip.height) = (8, 6);
    config.clip.train_stride = 2;
    config
}

fn clips(dataset: &Dataset, config: &RunConfig) -> Vec<Clip> {
    let of = |(i, v)| windows(v, i, config.clip.geometry(), config.clip.train_stride, config.clip.label);
    dataset.videos.iter().enumerate().flat_map(of).collect()
}

/// Six moving, colourful videos of 12 frames in three classes.
fn colourful(root: &Path) {
    for (v, class) in ["a", "a", "a", "a", "b", "c"].iter().enumerate() {
        video_of(root.join(class).join(format!("s{v}_{class}")), 12, (20, 16), |n, x, y| {
            [(x * 9 + n * 5) as u8, (y * 13 + v as u32 * 20) as u8, (x * y + n * 17) as u8]
        });
    }
}

fn batches(source: &Arc<ClipSource>, clips: &[Clip], options: &LoaderOptions) -> Vec<Batch> {
    Loader::new(source.clone(), clips, options).map(Result::unwrap).collect()
}

fn close(a: &[f32], b: &[f32], tolerance: f32) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tolerance)
}

#[test]
fn a_clip_is_normalised_laid_out_by_channel_and_repeats_the_last_frame() {
    let root = temp();
    video(root.path(), 9);
    let data = Arc::new(open(root.path()));
    let mut config = config();
    config.clip.step = 2;
    let source = ClipSource::new(data, &config);
    let pixels = source.pixels(&Clip::window(0, 5), None).unwrap();
    assert_eq!(pixels.len(), 3 * 4 * 6 * 8);
    // Frames 5, 7, then the last one (8) twice; the frame's number is its red, twice that its green, thrice its blue.
    for (t, frame) in [5_u32, 7, 8, 8].into_iter().enumerate() {
        for channel in 0..3 {
            let value = (frame * (channel as u32 + 1)) as f32;
            let expected = (value / 255.0 - config.clip.mean[channel]) / config.clip.std[channel];
            let plane = &pixels[(channel * 4 + t) * 48..][..48];
            assert!(plane.iter().all(|v| (v - expected).abs() < 1e-6), "{channel} {t}: {} {expected}", plane[0]);
        }
    }
    let past = source.pixels(&Clip::window(0, 9), None);
    assert!(matches!(past, Err(DataError::NoSuchClip { video: 0, start: 9 })));
    assert!(source.pixels(&Clip::window(3, 0), None).is_err());
}

#[test]
fn resizing_numbers_turned_bytes_is_opencv_s_within_rounding() {
    let golden = crate::support::reference::golden("upsample.json");
    let small = &golden["small"];
    let numbers =
        |key: &str| -> Vec<f64> { small[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect() };
    let (from, to) = (numbers("src2d_shape"), numbers("out2d_shape"));
    let size = |s: &[f64]| (s[1] as u32, s[0] as u32);
    let truth = numbers("cv2_resize_linear");
    // The first plane of the volume, as bytes.
    let byte = |v: f64| (v + 1.0) * 127.5;
    let area = (from[0] * from[1]) as usize;
    let source: Vec<u8> = numbers("src")[..area].iter().flat_map(|v| [byte(*v).round() as u8; 3]).collect();
    let mut out = vec![0; truth.len() * 3];
    Resizer::new(size(&from), size(&to), false).rgb(&source, &mut out);
    for (pixel, expected) in out.chunks_exact(3).zip(&truth) {
        // OpenCV's truth is of numbers, not of bytes: half a level comes from rounding the source, half from rounding the
        // result, and the weights of pictures have 11 bits along each axis. (On bytes, every one is OpenCV's: see the
        // resize's own tests.)
        let most = 1.0 + 2.0 * 255.0 / 4096.0;
        assert!((f64::from(pixel[0]) - byte(*expected)).abs() <= most, "{} {}", pixel[0], byte(*expected));
        assert_eq!((pixel[0], pixel[0]), (pixel[1], pixel[2]));
    }
}

#[test]
fn shrinking_takes_the_pixels_around_each_centre() {
    let root = temp();
    // A frame of 20x12 in which red is 10·x and green 10·y; half the size has its centres between pixels.
    video_of(root.path(), 4, (20, 12), |n, x, y| [(10 * x) as u8, (10 * y) as u8, n as u8]);
    let data = Arc::new(open(root.path()));
    let mut config = config();
    (config.clip.width, config.clip.height) = (10, 6);
    let pictures = ClipSource::new(data, &config).pictures(&Clip::window(0, 0)).unwrap();
    assert_eq!(pictures.len(), 4);
    for (n, picture) in pictures.iter().enumerate() {
        for (i, pixel) in picture.data.chunks_exact(3).enumerate() {
            let (x, y) = (i % 10, i / 10);
            assert_eq!(pixel, [(20 * x + 5) as u8, (20 * y + 5) as u8, n as u8]);
        }
    }
}

#[test]
fn loading_does_not_depend_on_threads_or_memory() {
    let root = temp();
    colourful(root.path());
    let data = Arc::new(open(root.path()));
    let mut config = config();
    config.augment.crop = Some(CropConfig { scale: (0.5, 1.0), ratio: (0.8, 1.25) });
    let all = clips(&data, &config);
    assert_eq!(all.len(), 6 * 5);
    for augment in [None, Some(config.augment.clone())] {
        let options = |workers| LoaderOptions {
            batch_size: 7,
            workers,
            sampler: Sampler::Shuffle(None),
            augment: augment.clone(),
            seed: 5,
            epoch: 2,
            skip_batches: 0,
            share: Default::default(),
            targets: None,
        };
        let source = Arc::new(ClipSource::new(data.clone(), &config));
        let truth = batches(&source, &all, &options(0));
        assert_eq!(truth.iter().map(|b| b.size).collect::<Vec<_>>(), [7, 7, 7, 7, 2]);
        assert_eq!(truth.iter().map(|b| b.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        for b in &truth {
            assert_eq!((b.labels.len(), b.clips.len(), b.pixels.len()), (b.size, b.size, b.size * source.clip_len()));
            assert!(b.labels.iter().zip(&b.clips).all(|(l, c)| c.label == Some(Label::Class(*l))));
        }
        for workers in [1, 2, 5] {
            assert_eq!(batches(&source, &all, &options(workers)), truth, "{workers} workers");
        }
        // Without memory every clip is decoded for itself.
        let mut poor = config.clone();
        poor.training.cache_mib = 0;
        let poor = Arc::new(ClipSource::new(data.clone(), &poor));
        assert_eq!(batches(&poor, &all, &options(3)), truth);
        assert_eq!(poor.usage(), (0, 0));
        // The rest of an epoch is the rest of the same epoch.
        let rest = batches(&source, &all, &LoaderOptions { skip_batches: 3, ..options(2) });
        assert_eq!(rest, truth[3..]);
        let other = batches(&source, &all, &LoaderOptions { epoch: 3, ..options(0) });
        assert_ne!(other[0].clips, truth[0].clips);
    }
}

#[test]
fn the_memory_of_a_batch_serves_later_ones_and_nothing_of_it_shows() {
    let root = temp();
    colourful(root.path());
    let data = Arc::new(open(root.path()));
    let mut config = config();
    config.augment.crop = Some(CropConfig { scale: (0.5, 1.0), ratio: (0.8, 1.25) });
    config.augment.rotation_degrees = 20.0;
    let all = clips(&data, &config);
    for augment in [None, Some(config.augment.clone())] {
        let options =
            |workers| LoaderOptions { batch_size: 4, workers, augment: augment.clone(), ..Default::default() };
        let truth = batches(&Arc::new(ClipSource::new(data.clone(), &config)), &all, &options(0));
        for workers in [0, 3] {
            let source = Arc::new(ClipSource::new(data.clone(), &config));
            let mut epochs = (0..3).map(|_| {
                let (mut places, mut decoys) = (BTreeSet::new(), Vec::new());
                for (batch, expected) in Loader::new(source.clone(), &all, &options(workers)).zip(&truth) {
                    let mut batch = batch.unwrap();
                    assert_eq!(batch, *expected);
                    places.insert(batch.pixels.as_ptr() as usize);
                    batch.pixels.fill(f32::NAN);
                    let len = batch.pixels.len();
                    drop(batch);
                    // Takes the block where the allocator has it, so that the same place means the same memory.
                    decoys.push(vec![0.0_f32; len]);
                }
                places
            });
            let first = epochs.next().unwrap();
            // The one in use, and those that the threads are at: so many that each has two clips to do.
            let most = if workers == 0 { 1 } else { 2 + (2 * workers).div_ceil(4) };
            assert!(first.len() <= most.min(truth.len() - 1), "{} blocks for {} batches", first.len(), truth.len());
            assert!(epochs.all(|places| places.is_subset(&first)), "{workers} workers");
        }
    }
}

#[test]
fn a_network_gives_the_memory_of_its_input_back() {
    let root = temp();
    colourful(root.path());
    let data = Arc::new(open(root.path()));
    let mut config = config();
    let clip = [8, 32, 32];
    (config.clip.length, config.clip.height, config.clip.width) = (8, 32, 32);
    let all = clips(&data, &config);
    let source = Arc::new(ClipSource::new(data, &config));
    let model = ModelConfig { id: "small-3d".into(), ..ModelConfig::default() };
    let mut network = Network::build(&model, 3, clip, &ComputeDevice::cpu(), 1).unwrap();
    let options = LoaderOptions { batch_size: 2, ..LoaderOptions::default() };
    let (mut places, mut decoys) = (BTreeSet::new(), Vec::new());
    for (i, batch) in Loader::new(source, &all, &options).take(6).map(Result::unwrap).enumerate() {
        places.insert(batch.pixels.as_ptr() as usize);
        let (values, labels) = (batch.pixels.to_vec(), batch.labels.len());
        let len = values.len();
        let expected = read(network.forward(network.input(values, labels, clip).unwrap())).unwrap();
        let input = network.input(batch.pixels, labels, clip).unwrap();
        if i % 2 == 0 {
            assert_eq!(read(network.forward(input)).unwrap(), expected);
        } else {
            let pass = network.forward_train(input, 1);
            let loss = pass.logits.clone().sum();
            pass.backward(&loss);
        }
        decoys.push(vec![0.0_f32; len]);
    }
    assert_eq!(places.len(), 1, "one batch at a time needs one block");
}

#[test]
fn frames_on_disk_are_those_that_were_decoded() {
    let root = temp();
    for (v, class) in ["a", "a", "b"].iter().enumerate() {
        std::fs::create_dir_all(root.path().join(class)).unwrap();
        let path = root.path().join(class).join(format!("s{v}_{class}.mp4"));
        let mut writer = VideoWriter::create(&path, 48, 32, 25.0).unwrap();
        for n in 0..21 {
            let pixel = |i: usize| [(i * 7 + n * 9) as u8, (i / 48 * 8) as u8, (n * 11 + v * 60) as u8];
            writer.push_pixels(48, 32, (0..48 * 32).flat_map(pixel).collect::<Vec<u8>>().as_slice()).unwrap();
        }
        writer.finish().unwrap();
    }
    let data = Arc::new(open(root.path()));
    let mut rich = config();
    // With a step of 2 the last clip of a video ends with a frame that no step leads to.
    rich.clip.step = 2;
    let mut all = clips(&data, &rich);
    all.extend((0..3).map(|video| Clip { label: Some(Label::Class(0)), ..Clip::window(video, 17) }));
    let mut poor = rich.clone();
    poor.training.cache_mib = 0;
    let options = LoaderOptions { batch_size: 5, workers: 3, ..LoaderOptions::default() };
    let truth = batches(&Arc::new(ClipSource::new(data.clone(), &rich)), &all, &options);
    assert_eq!(batches(&Arc::new(ClipSource::new(data.clone(), &poor)), &all, &options), truth);
    let disk = temp();
    let folder = disk.path().join("frames");
    let kept =
        |config: &RunConfig| Arc::new(ClipSource::new(data.clone(), config).with_disk_at(folder.clone(), 1 << 30));
    let files = || std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect::<Vec<_>>();
    for config in [&poor, &rich, &poor] {
        assert_eq!(batches(&kept(config), &all, &options), truth);
        assert_eq!(files().len(), 3);
    }
    // Damaged ones are noticed and decoded again.
    for path in files() {
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
    }
    assert_eq!(batches(&kept(&poor), &all, &options), truth);
    assert_eq!(batches(&kept(&rich), &all, &options), truth);
    // Without room on disk nothing is written.
    let full = Arc::new(ClipSource::new(data.clone(), &poor).with_disk_at(disk.path().join("none"), 1000));
    assert_eq!(batches(&full, &all, &options), truth);
    assert!(!disk.path().join("none").exists());
}

#[test]
fn a_long_video_decoded_in_parts_gives_the_frames_it_has() {
    let dir = temp();
    // Key frames come every few seconds: there are some.
    video_of(dir.path().join("a").join("s1_a"), 700, (32, 24), |n, x, y| {
        [(x * 7 + n * 3) as u8, (y * 9 + n / 2) as u8, (n % 251) as u8]
    });
    let dataset = open(dir.path());
    let entry = &dataset.videos[0];
    let video = Video::open(&entry.path).unwrap();
    let parts = video.parts(5, 700, 4).unwrap();
    assert!(parts.len() > 1, "{parts:?}");
    assert_eq!((parts[0].0, parts[parts.len() - 1].1), (5, 700));
    assert!(parts.windows(2).all(|p| p[0].1 == p[1].0 && p[0].0 < p[0].1), "{parts:?}");
    assert_eq!(video.parts(5, 700, 1).unwrap(), [(5, 700)]);
    let mut config = config();
    (config.clip.width, config.clip.height) = (32, 24);
    let source = ClipSource::new(Arc::new(dataset.clone()), &config);
    // At its own size a frame is what the decoder gives, in order and one after the other.
    let edges = parts.iter().map(|p| p.0.saturating_sub(3));
    for start in edges.chain([0, 350, 690]) {
        let pictures = source.pictures(&Clip::window(0, start)).unwrap();
        for (number, picture) in (start..).zip(pictures) {
            assert_eq!(picture, video.frame(number.min(699)).unwrap().image, "frame {number}");
        }
    }
}

#[test]
fn only_frames_of_announced_clips_are_kept_until_another_clip_is_asked_for() {
    let root = temp();
    video_of(root.path().join("a").join("s1_a"), 200, (32, 24), |n, x, y| {
        [(x * 7 + n) as u8, (y * 9 + n / 2) as u8, (n % 251) as u8]
    });
    let data = Arc::new(open(root.path()));
    let mut config = config();
    (config.clip.width, config.clip.height, config.clip.step) = (32, 24, 2);
    let clip = |start| Clip::window(0, start);
    // Frames 10, 12, 14, 16, then 14 to 20, then 150 to 156: ten of them.
    let announced = [clip(10), clip(14), clip(150)];
    let whole = ClipSource::new(data.clone(), &config);
    let source = Arc::new(ClipSource::new(data, &config));
    let options = LoaderOptions { batch_size: 2, workers: 2, ..LoaderOptions::default() };
    let loaded = batches(&source, &announced, &options);
    let bytes = 32 * 24 * 3;
    assert_eq!(source.usage().0, 10 * bytes);
    let pixels: Vec<f32> = loaded.into_iter().flat_map(|b| b.pixels.to_vec()).collect();
    // Nothing was announced here, so all of the video is decoded.
    let expected: Vec<f32> = announced.iter().flat_map(|c| whole.pixels(c, None).unwrap()).collect();
    assert_eq!(whole.usage().0, 200 * bytes);
    assert!(pixels == expected, "decoding less gives other pictures");
    assert!(source.pixels(&clip(11), None).unwrap() == whole.pixels(&clip(11), None).unwrap());
    assert_eq!(source.usage().0, 200 * bytes, "a clip nobody announced brings the rest");
}

#[test]
fn memory_stays_within_the_budget_and_holds_what_fits() {
    let root = temp();
    for v in 0..3 {
        video_of(root.path().join(format!("v{v}")), 30, (64, 64), |n, x, _| [n as u8, x as u8, v]);
        std::fs::rename(root.path().join(format!("v{v}")), {
            let to = root.path().join("a").join(format!("s{v}_a"));
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            to
        })
        .unwrap();
    }
    let data = Arc::new(open(root.path()));
    let mut config = config();
    (config.clip.width, config.clip.height) = (128, 128);
    // One video takes 30 · 128 · 128 · 3 bytes = 1.4 MiB.
    config.training.cache_mib = 3;
    let source = Arc::new(ClipSource::new(data.clone(), &config));
    let all = clips(&data, &config);
    source.preload(&all, false, &Silent).unwrap();
    let (held, budget) = source.usage();
    assert_eq!((held, budget), (2 * 30 * 128 * 128 * 3, 3 << 20));
    let options =
        LoaderOptions { batch_size: 4, workers: 3, sampler: Sampler::Shuffle(None), ..LoaderOptions::default() };
    let seen: usize = batches(&source, &all, &options).iter().map(|b| b.size).sum();
    assert_eq!((seen, source.usage().0), (all.len(), held));
}

#[test]
fn all_frames_of_a_clip_get_the_same_change() {
    let root = temp();
    // A still video: whatever differs in time after augmentation was put there by it.
    video_of(root.path(), 6, (32, 24), |_, x, y| [(x * 7) as u8, (y * 10) as u8, (x * y % 256) as u8]);
    let data = Arc::new(open(root.path()));
    let mut config = config();
    (config.clip.width, config.clip.height) = (16, 12);
    config.augment.crop = Some(CropConfig { scale: (0.4, 0.9), ratio: (0.8, 1.25) });
    let source = ClipSource::new(data, &config);
    let mut different = 0;
    let mut last = Vec::new();
    for start in 0..3 {
        let clip = Clip::window(0, start);
        for epoch in 0..5 {
            let draw = Draw::random(&config.augment, 1, epoch, &clip, 0);
            assert_eq!(draw, Draw::random(&config.augment, 1, epoch, &clip, 0));
            let pixels = source.pixels(&clip, Some(&draw)).unwrap();
            for channel in pixels.chunks_exact(4 * 16 * 12) {
                assert!(channel.chunks_exact(16 * 12).all(|frame| frame == &channel[..16 * 12]), "{draw:?}");
            }
            different += usize::from(pixels != last);
            last = pixels;
        }
    }
    assert_eq!(different, 15, "every clip and epoch has a draw of its own");
    let clip = Clip::window(0, 0);
    assert_ne!(Draw::random(&config.augment, 1, 0, &clip, 0), Draw::random(&config.augment, 1, 0, &clip, 1));
    assert_ne!(Draw::random(&config.augment, 1, 0, &clip, 0), Draw::random(&config.augment, 2, 0, &clip, 0));
}

#[test]
fn draws_have_the_configured_ranges_and_probabilities() {
    let augment = AugmentConfig {
        enabled: true,
        horizontal_flip: 0.25,
        rotation_degrees: 10.0,
        color_jitter: ColorJitter { brightness: 0.2, contrast: 0.3, saturation: 0.4, hue: 0.1 },
        crop: Some(CropConfig { scale: (0.5, 0.8), ratio: (0.9, 1.1) }),
    };
    let draws: Vec<Draw> = (0..4000).map(|start| Draw::random(&augment, 9, 1, &Clip::window(2, start), 0)).collect();
    let flips = draws.iter().filter(|d| d.flip).count() as f64;
    // 1000 expected with a standard deviation of 27.
    assert!((flips - 1000.0).abs() < 140.0, "{flips}");
    let range = |f: &dyn Fn(&Draw) -> f32| {
        draws.iter().map(f).fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(v), high.max(v)))
    };
    let within = |(low, high): (f32, f32), a: f32, b: f32| {
        let slack = (b - a) * 0.01;
        low >= a && high <= b && low < a + slack && high > b - slack
    };
    assert!(within(range(&|d| d.degrees), -10.0, 10.0));
    assert!(within(range(&|d| d.brightness), 0.8, 1.2));
    assert!(within(range(&|d| d.contrast), 0.7, 1.3));
    assert!(within(range(&|d| d.saturation), 0.6, 1.4));
    assert!(within(range(&|d| d.hue), -0.1, 0.1));
    let (low, high) = range(&|d| d.crop[2] * d.crop[3]);
    assert!(low > 0.499 && high < 0.801 && high - low > 0.28, "{low} {high}");
    assert!(draws.iter().all(|d| d.crop[0] >= 0.0
        && d.crop[1] >= 0.0
        && d.crop[0] + d.crop[2] <= 1.0001
        && d.crop[1] + d.crop[3] <= 1.0001));
    let off = AugmentConfig { enabled: false, ..augment };
    assert_eq!(Draw::random(&off, 9, 1, &Clip::window(2, 0), 0), Draw::default());
}

#[test]
fn single_changes_do_what_their_names_say() {
    let root = temp();
    video_of(root.path(), 4, (8, 8), |n, x, y| [(20 * x + n) as u8, (25 * y) as u8, 90]);
    let data = Arc::new(open(root.path()));
    let mut config = config();
    (config.clip.width, config.clip.height) = (8, 8);
    let source = ClipSource::new(data, &config);
    let clip = Clip::window(0, 0);
    let plain = source.pixels(&clip, None).unwrap();
    let with = |draw: Draw| source.pixels(&clip, Some(&draw)).unwrap();
    assert!(close(&with(Draw::default()), &plain, 1e-5), "no change is no change");

    let flipped = with(Draw { flip: true, ..Draw::default() });
    let mirrored: Vec<f32> = plain.chunks_exact(8).flat_map(|row| row.iter().rev().copied()).collect();
    assert!(close(&flipped, &mirrored, 1e-5));

    // A quarter turn counter-clockwise: what was at the right is now at the top.
    let turned = with(Draw { degrees: 90.0, ..Draw::default() });
    for plane in 0..12 {
        for (x, y) in [(0, 0), (7, 0), (3, 5), (6, 2)] {
            let (a, b) = (turned[plane * 64 + y * 8 + x], plain[plane * 64 + x * 8 + (7 - y)]);
            assert!((a - b).abs() < 1e-3, "{plane} {x} {y}: {a} {b}");
        }
    }

    // The left upper quarter, blown up: its centre pixel lies between source pixels 1 and 2.
    let cropped = with(Draw { crop: [0.0, 0.0, 0.5, 0.5], ..Draw::default() });
    let red = |v: f32| (v / 255.0 - config.clip.mean[0]) / config.clip.std[0];
    assert!((cropped[4 * 8 + 4] - red(20.0 * 1.75)).abs() < 1e-4, "{} {}", cropped[36], red(35.0));

    let picture = |draw: Draw| source.augmented(&clip, &draw).unwrap()[0].clone();
    let before = picture(Draw::default());
    let dark = picture(Draw { brightness: 0.5, ..Draw::default() });
    let grey = picture(Draw { saturation: 0.0, ..Draw::default() });
    let flat = picture(Draw { contrast: 0.0, ..Draw::default() });
    let hue = picture(Draw { hue: 0.5, ..Draw::default() });
    let luma = |p: &[u8]| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]);
    let mean = flat.data[0];
    for (i, p) in before.data.chunks_exact(3).enumerate() {
        let at = |image: &kinolens::domain::RgbImage| image.data[3 * i..3 * i + 3].to_vec();
        assert!(at(&dark).iter().zip(p).all(|(d, p)| (f32::from(*d) - f32::from(*p) / 2.0).abs() <= 1.0));
        assert!(at(&grey).iter().all(|g| (f32::from(*g) - luma(p)).abs() <= 1.0));
        assert!(at(&flat).iter().all(|f| *f == mean));
        let turned = at(&hue);
        if turned.iter().all(|v| *v > 0 && *v < 255) {
            assert!(
                (luma(&turned) - luma(p)).abs() <= 2.0,
                "half a turn of hue keeps the grey value: {turned:?} {p:?}"
            );
        }
    }
    // The mean grey of the clip: red averages 71.5, green 87.5, blue 90.
    let expected = 0.299 * 71.5 + 0.587 * 87.5 + 0.114 * 90.0;
    assert!((f32::from(mean) - expected).abs() <= 1.0, "{mean} {expected}");
    assert_eq!(Draw::default().describe(), "unchanged");
    assert_eq!(Draw { flip: true, degrees: -4.2, ..Draw::default() }.describe(), "flipped, rotated -4.2°");

    let frames = source.pictures(&clip).unwrap();
    let draw = Draw { flip: true, degrees: 7.0, brightness: 1.1, ..Draw::default() };
    assert_eq!(draw.apply(&frames, &config.clip), source.augmented(&clip, &draw).unwrap());
}

#[test]
fn weighted_epochs_balance_classes() {
    let root = temp();
    colourful(root.path());
    let data = Arc::new(open(root.path()));
    let config = config();
    let all = clips(&data, &config);
    assert_eq!(class_counts(&all, 3), [20, 5, 5]);
    let source = Arc::new(ClipSource::new(data, &config));
    let options = LoaderOptions {
        batch_size: 16,
        workers: 2,
        sampler: Sampler::Weighted(Some(600)),
        augment: Some(config.augment.clone()),
        seed: 1,
        ..LoaderOptions::default()
    };
    let drawn = batches(&source, &all, &options);
    let mut counts = [0_i64; 3];
    drawn.iter().flat_map(|b| &b.labels).for_each(|l| counts[*l] += 1);
    // 200 each; five standard deviations are 58.
    assert!(counts.iter().all(|n| (n - 200).abs() < 58) && counts.iter().sum::<i64>() == 600, "{counts:?}");
    // A clip drawn twice in an epoch is changed in two ways.
    let clip = drawn[0].clips[0];
    let len = source.clip_len();
    let versions: Vec<&[f32]> = drawn
        .iter()
        .flat_map(|b| b.clips.iter().zip(b.pixels.chunks_exact(len)))
        .filter(|(c, _)| **c == clip)
        .map(|(_, p)| p)
        .collect();
    assert!(versions.len() > 1 && versions[1..].iter().all(|v| *v != versions[0]));
}

#[test]
fn unlabelled_clips_load_without_a_label() {
    let root = temp();
    video(root.path(), 9);
    let data = Arc::new(open(root.path()));
    let config = config();
    let source = Arc::new(ClipSource::new(data.clone(), &config));
    let options = LoaderOptions { batch_size: 8, ..LoaderOptions::default() };
    let loaded = batches(&source, &clips(&data, &config), &options);
    assert_eq!((loaded.len(), loaded[0].labels.as_slice()), (1, &[UNLABELLED; 3][..]));
}

#[test]
fn a_dataset_deleted_while_loading_is_an_error_that_names_the_file() {
    let root = temp();
    colourful(root.path());
    let data = Arc::new(open(root.path()));
    let config = config();
    let all = clips(&data, &config);
    let source = Arc::new(ClipSource::new(data, &config));
    for workers in [0, 2] {
        let options = LoaderOptions { batch_size: 4, workers, ..LoaderOptions::default() };
        if workers == 0 {
            assert_eq!(batches(&source, &all, &options).len(), 8);
            std::fs::remove_dir_all(root.path().join("a")).unwrap();
        }
        let results: Vec<_> = Loader::new(source.clone(), &all, &options).collect();
        assert_eq!(results.len(), 1, "the epoch ends with the error");
        let message = results[0].as_ref().unwrap_err().to_string();
        assert!(message.contains("s0_a") && message.contains("gone"), "{message}");
    }
}

#[test]
fn a_loader_that_is_dropped_stops_its_threads() {
    let root = temp();
    colourful(root.path());
    let data = Arc::new(open(root.path()));
    let config = config();
    let all: Vec<Clip> = clips(&data, &config).into_iter().cycle().take(3000).collect();
    let source = Arc::new(ClipSource::new(data, &config));
    let options = LoaderOptions { batch_size: 2, workers: 4, ..LoaderOptions::default() };
    let mut loader = Loader::new(source.clone(), &all, &options);
    assert_eq!((loader.batches(), loader.next().unwrap().unwrap().size), (1500, 2));
    drop(loader);
    // The threads held the source; all of them have let go.
    assert_eq!(Arc::strong_count(&source), 1);
}

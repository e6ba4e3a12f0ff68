//! Views of a video: the clips and crops that are taken, and their averaged probabilities, against PyTorch.

use crate::support::reference::recipe::{self, network, numbers, relative, seed_of, sizes};
use crate::support::reference::{golden, networks::sets};
use kinolens::cam::explain;
use kinolens::config::ClipConfig;
use kinolens::data::{FrameRule, Region, crop, views_of};
use kinolens::domain::{Clip, Cut, FrameSampling, TimeView};
use kinolens::eval::views::{Vote, mean_probabilities};

/// Largest difference of probabilities.
const TOLERANCE: f64 = 2e-5;

#[test]
fn the_probabilities_of_clips_and_crops_are_averaged() {
    let golden = golden("views.json");
    let [c, t, h, w] = sizes(&golden["video_shape"])[..] else { panic!("{}", golden["video_shape"]) };
    let (length, side) = (golden["clip_len"].as_u64().unwrap() as u32, golden["crop"].as_u64().unwrap() as u32);
    let expected = golden["views"].as_array().unwrap();
    let named = sets()[0].named(golden["model"].as_str().unwrap());
    let shape = [length as usize, side as usize, side as usize];
    let classes = golden["mean_probabilities"].as_array().unwrap().len();
    let network = network(&seed_of(&golden), &named, classes, shape);
    let video = recipe::clip(&seed_of(&golden), 0, [c, t, h, w]);

    let starts = expected.iter().map(|v| v["start_frame"].as_u64()).collect::<std::collections::BTreeSet<_>>().len();
    let crops = expected.len() / starts;
    let config = ClipConfig {
        length,
        step: 1,
        width: side,
        height: side,
        resize: Some(side),
        sampling: FrameSampling::Centre,
        clips: starts as u16,
        crops: crops as u8,
        ..ClipConfig::default()
    };
    let cut = Cut { start: 0, end: t as u32, time: TimeView::Fixed { index: 0, of: 1 }, ..Cut::default() };
    let views = views_of(&Clip { cut, ..Clip::window(0, 0) }, &config);
    assert_eq!(views.len(), expected.len());
    let mut logits = Vec::new();
    for (view, expected) in views.iter().zip(expected) {
        let frames = FrameRule::of(&config).numbers(view, t as u32);
        let Region { left, top, width, height } = crop((w as u32, h as u32), (side, side), view.cut.crop);
        assert_eq!((width, height), (side, side));
        let wanted = ["start_frame", "left", "top"].map(|key| expected[key].as_u64().unwrap() as u32);
        assert_eq!([frames[0], left, top], wanted);
        let mut pixels = Vec::new();
        for channel in 0..c {
            for frame in &frames {
                for y in top..top + height {
                    let at = ((channel * t + *frame as usize) * h + y as usize) * w;
                    pixels.extend_from_slice(&video[at + left as usize..at + (left + width) as usize]);
                }
            }
        }
        let sum: f64 = pixels.iter().map(|p| f64::from(*p)).sum();
        assert!((sum - expected["input_sum"].as_f64().unwrap()).abs() < 0.1, "{sum}");
        let row = explain(&network, pixels, shape, &[]).unwrap().logits;
        assert!(relative(&row, &numbers(&expected["logits"])) < TOLERANCE, "{row:?}");
        logits.push(row);
    }
    let close = |found: &[f32], key: &str, truth: &serde_json::Value| {
        for (a, b) in found.iter().zip(numbers(truth)) {
            assert!((f64::from(*a) - b).abs() < TOLERANCE, "{key}: {a} {b}");
        }
    };
    let vote = Vote::of(&logits, 0);
    close(&vote.probabilities, "mean", &golden["mean_probabilities"]);
    assert_eq!(vote.predicted as u64, golden["prediction"].as_u64().unwrap());
    // The crops of one time.
    for (at, truth) in golden["mean_of_one_temporal_view"].as_array().unwrap().iter().enumerate() {
        let of_time = Vote::of(&logits[at * crops..(at + 1) * crops], 0);
        close(&of_time.probabilities, "one time", truth);
    }
    let each: Vec<Vec<f32>> = logits.iter().map(|row| Vote::of(std::slice::from_ref(row), 0).probabilities).collect();
    close(&mean_probabilities(&each), "mean of the views", &golden["mean_probabilities"]);
}

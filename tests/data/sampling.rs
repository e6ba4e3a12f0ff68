//! Which frames a clip takes of its instance, against mmaction2; and that a loader gives just these.

use crate::support::reference::golden;
use kinolens::data::{FrameRule, SegmentDraws, dense_draw, dense_starts, even_starts, segment_centres};
use kinolens::domain::{Clip, ClipGeometry, Cut, FrameSampling, TimeView};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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

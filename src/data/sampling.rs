//! Which frames a clip takes of its instance.
//!
//! Numbers are those of mmaction2's `SampleFrames` and `DenseSampleFrames`; `rint` rounds half to even.

use crate::domain::{Clip, ClipGeometry, FrameSampling, TimeView};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// `part / whole`, rounded half to even.
fn rint(part: u64, whole: u64) -> u64 {
    let (low, rest) = (part / whole, part % whole);
    match (2 * rest).cmp(&whole) {
        std::cmp::Ordering::Less => low,
        std::cmp::Ordering::Greater => low + 1,
        std::cmp::Ordering::Equal => low + low % 2,
    }
}

/// Point `index` of `points` spread over `0..=last`, both ends included; the middle where there is one point.
fn spread(index: u32, points: u32, last: u32) -> u32 {
    match points.checked_sub(1).filter(|gaps| *gaps > 0) {
        Some(gaps) => rint(u64::from(index) * u64::from(last), u64::from(gaps)) as u32,
        None => last / 2,
    }
}

/// Middle frame of each of `segments` equal parts of `frames` frames: `floor((i + 1/2) · frames / segments)`.
pub fn segment_centres(frames: u32, segments: u32) -> impl Iterator<Item = u32> {
    (0..segments).map(move |i| segment_centre(frames, segments, i))
}

/// The middle frame of one of them.
fn segment_centre(frames: u32, segments: u32, index: u32) -> u32 {
    let (frames, segments, index) = (u64::from(frames), u64::from(segments.max(1)), u64::from(index));
    ((2 * index + 1) * frames / (2 * segments)) as u32
}

/// First frames of `clips` clips for testing, spread so that the first and the last touch the ends of the instance; one
/// is in the middle. Clips of a single frame are in the middle of as many segments.
pub fn even_starts(frames: u32, geometry: ClipGeometry, clips: u32) -> Vec<u32> {
    if geometry.length <= 1 {
        return segment_centres(frames, clips).collect();
    }
    let last = frames.saturating_sub(geometry.span());
    (0..clips).map(|i| spread(i, clips, last)).collect()
}

/// What is drawn to place clips at random in the segments of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentDraws {
    /// The first frame of each clip, from the first to the second number, both included.
    Each(Vec<(u32, u32)>),
    /// As many first frames from 0 to `last`, put in order: there is room for a clip, not for one a segment.
    Sorted {
        /// How many.
        clips: u32,
        /// The last frame a clip may begin at.
        last: u32,
    },
}

impl SegmentDraws {
    /// How the first frames of `clips` clips are drawn for training (TSN, Wang et al., ECCV 2016). Short instances leave
    /// nothing to draw; numbers may then lie past the end.
    pub fn of(frames: u32, geometry: ClipGeometry, clips: u32) -> Self {
        let (n, clips_64) = (i64::from(frames), i64::from(clips.max(1)));
        let reach = i64::from(geometry.length) * i64::from(geometry.step);
        let free = n - reach + 1;
        let length = free.div_euclid(clips_64);
        if length > 0 {
            let at = |i: i64| ((i * length) as u32, (i * length + length - 1) as u32);
            return Self::Each((0..clips_64).map(at).collect());
        }
        if n > clips_64.max(reach) {
            return Self::Sorted { clips, last: (free - 1) as u32 };
        }
        let fixed = |i: u64| match u64::try_from(free) {
            Ok(free) if length == 0 => rint(i * free, clips_64 as u64) as u32,
            _ => 0,
        };
        Self::Each((0..clips_64 as u64).map(|i| (fixed(i), fixed(i))).collect())
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> Vec<u32> {
        match self {
            Self::Each(bounds) => bounds.iter().map(|(low, high)| random.random_range(*low..=*high)).collect(),
            Self::Sorted { clips, last } => {
                let mut starts: Vec<u32> = (0..*clips).map(|_| random.random_range(0..=*last)).collect();
                starts.sort_unstable();
                starts
            }
        }
    }
}

/// Positions at which `range` frames in a row may begin; 1 where the instance is not longer.
fn positions(frames: u32, range: u32) -> u32 {
    (frames.saturating_add(1)).saturating_sub(range).max(1)
}

/// First frames of dense clips for testing: `views` places spread over the instance, from each `clips` clips, the `range`
/// frames behind the place divided by their number apart; counted on from the beginning past the end. One view is in the
/// middle.
pub fn dense_starts(frames: u32, range: u32, views: u32, clips: u32) -> Vec<u32> {
    let (last, apart, frames) = (positions(frames, range) - 1, range / clips.max(1), frames.max(1));
    let place = |view: u32| match views.checked_sub(1).filter(|gaps| *gaps > 0) {
        Some(gaps) => (u64::from(view) * u64::from(last) / u64::from(gaps)) as u32,
        None => last / 2,
    };
    (0..views).flat_map(|view| (0..clips).map(move |i| (place(view) + i * apart) % frames)).collect()
}

/// The last frame a dense clip of `range` frames is drawn to begin at, for training; the first is 0. (The very last
/// place there is room at is never drawn.)
pub fn dense_draw(frames: u32, range: u32) -> u32 {
    positions(frames, range).saturating_sub(2)
}

/// What decides which frames a clip takes, besides the clip itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRule {
    /// Frames and their distance. [`FrameSampling::Even`] and [`FrameSampling::Segments`] have no use for the distance.
    pub geometry: ClipGeometry,
    /// How they are placed in an instance.
    pub sampling: FrameSampling,
}

impl FrameRule {
    /// First frame of a clip's instance in a video of `frames` frames, and the one behind the last; at least one frame.
    pub fn bounds(&self, clip: &Clip, frames: u32) -> (u32, u32) {
        let start = clip.cut.start.min(frames.saturating_sub(1));
        (start, clip.cut.end.min(frames).max(start + 1))
    }

    /// Frame numbers of a clip in a video of `frames` frames, as many as the geometry says. A window repeats the last
    /// frame of its instance past the end, [`FrameSampling::Centre`] the last one it takes; [`FrameSampling::Dense`]
    /// begins anew, as its authors do.
    pub fn numbers(&self, clip: &Clip, frames: u32) -> Vec<u32> {
        let (start, end) = self.bounds(clip, frames);
        let (n, last) = (end - start, end - 1);
        let inside = |offset: u32| start.saturating_add(offset).min(last);
        match (clip.cut.time, self.sampling) {
            (TimeView::Window, _) | (_, FrameSampling::Windows) => {
                self.geometry.frame_numbers(clip.start.max(start), end).collect()
            }
            (TimeView::Fixed { index, of }, sampling) => {
                self.fixed(sampling, n, u32::from(index), u32::from(of)).into_iter().map(inside).collect()
            }
            (TimeView::Drawn(number), sampling) => {
                let mut random = ChaCha8Rng::seed_from_u64(u64::from(number));
                self.drawn(sampling, n, &mut random).into_iter().map(inside).collect()
            }
        }
    }

    /// Offsets of view `index` of `of` in an instance of `n` frames.
    fn fixed(&self, sampling: FrameSampling, n: u32, index: u32, of: u32) -> Vec<u32> {
        let ClipGeometry { length, step } = self.geometry;
        // Views of frames that are spread over all of the instance take turns: together they are spread as evenly.
        let points = length.saturating_mul(of);
        let turns = || (0..length).map(|i| i.saturating_mul(of).saturating_add(index));
        match sampling {
            FrameSampling::Windows | FrameSampling::Centre => {
                let start = even_starts(n, self.geometry, of).get(index as usize).copied().unwrap_or(0);
                let last = start + (n - 1).saturating_sub(start) / step.max(1) * step;
                (0..length).map(|i| start.saturating_add(i.saturating_mul(step)).min(last)).collect()
            }
            FrameSampling::Even if points == 1 => vec![segment_centre(n, 1, 0)],
            FrameSampling::Even => turns().map(|i| spread(i, points, n - 1)).collect(),
            FrameSampling::Segments => turns().map(|i| segment_centre(n, points, i)).collect(),
            FrameSampling::Dense => {
                let start =
                    dense_starts(n, length.saturating_mul(step), of, 1).get(index as usize).copied().unwrap_or(0);
                self.round(start, n)
            }
        }
    }

    /// Offsets drawn for training in an instance of `n` frames.
    fn drawn(&self, sampling: FrameSampling, n: u32, random: &mut ChaCha8Rng) -> Vec<u32> {
        let ClipGeometry { length, step } = self.geometry;
        match sampling {
            FrameSampling::Segments => SegmentDraws::of(n, ClipGeometry { length: 1, step: 1 }, length).draw(random),
            FrameSampling::Dense => self.round(random.random_range(0..=dense_draw(n, length.saturating_mul(step))), n),
            other => self.fixed(other, n, 0, 1),
        }
    }

    /// Frames at the step from an offset on, from the beginning past the end.
    fn round(&self, start: u32, n: u32) -> Vec<u32> {
        let (start, step, n) = (u64::from(start), u64::from(self.geometry.step), u64::from(n.max(1)));
        (0..u64::from(self.geometry.length)).map(|i| ((start + i * step) % n) as u32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Cut;

    fn frames(
        sampling: FrameSampling,
        (length, step): (u32, u32),
        (start, end): (u32, u32),
        time: TimeView,
    ) -> Vec<u32> {
        let clip = Clip { cut: Cut { start, end, time, ..Cut::default() }, ..Clip::window(0, start) };
        FrameRule { geometry: ClipGeometry { length, step }, sampling }.numbers(&clip, 100)
    }

    const ONLY: TimeView = TimeView::Fixed { index: 0, of: 1 };

    #[test]
    fn views_for_testing_by_hand() {
        use FrameSampling::{Centre, Dense, Even, Segments};
        let view = |index, of| TimeView::Fixed { index, of };
        // An instance of 10 frames from frame 20: 4 of them from 3 on are in the middle.
        assert_eq!(frames(Centre, (4, 1), (20, 30), ONLY), [23, 24, 25, 26]);
        assert_eq!(frames(Centre, (4, 2), (20, 30), ONLY), [21, 23, 25, 27]);
        assert_eq!(frames(Centre, (1, 1), (20, 30), ONLY), [25]);
        assert_eq!(frames(Centre, (4, 1), (20, 30), view(0, 3)), [20, 21, 22, 23]);
        assert_eq!(frames(Centre, (4, 1), (20, 30), view(2, 3)), [26, 27, 28, 29]);
        // Too short: the last one taken repeats.
        assert_eq!(frames(Centre, (4, 2), (20, 24), ONLY), [20, 22, 22, 22]);
        assert_eq!(frames(Even, (4, 7), (20, 30), ONLY), [20, 23, 26, 29]);
        assert_eq!(frames(Even, (3, 1), (20, 22), ONLY), [20, 20, 21]);
        assert_eq!(frames(Even, (1, 1), (20, 30), ONLY), [25]);
        // Five parts of two frames.
        assert_eq!(frames(Segments, (5, 1), (20, 30), ONLY), [21, 23, 25, 27, 29]);
        assert_eq!(frames(Segments, (1, 1), (20, 30), view(4, 5)), [29]);
        // 2 views of 5 are the 10 frames in turns.
        assert_eq!(frames(Segments, (5, 1), (20, 30), view(0, 2)), [20, 22, 24, 26, 28]);
        assert_eq!(frames(Segments, (5, 1), (20, 30), view(1, 2)), [21, 23, 25, 27, 29]);
        assert_eq!(frames(Dense, (4, 2), (20, 40), view(0, 3)), [20, 22, 24, 26]);
        assert_eq!(frames(Dense, (4, 2), (20, 40), view(2, 3)), [32, 34, 36, 38]);
        assert_eq!(frames(Dense, (4, 2), (20, 40), ONLY), [26, 28, 30, 32]);
        assert_eq!(frames(Dense, (4, 2), (20, 25), ONLY), [20, 22, 24, 21], "it begins anew");
    }

    #[test]
    fn windows_end_with_their_instance() {
        use FrameSampling::{Segments, Windows};
        let window = |start, end| {
            let clip = Clip { cut: Cut { start: 10, end, ..Cut::default() }, ..Clip::window(0, start) };
            FrameRule { geometry: ClipGeometry { length: 4, step: 2 }, sampling: Windows }.numbers(&clip, 20)
        };
        assert_eq!(window(12, u32::MAX), [12, 14, 16, 18]);
        assert_eq!(window(12, 17), [12, 14, 16, 16]);
        assert_eq!(window(4, 17), [10, 12, 14, 16]);
        let whole = Clip::window(0, 3);
        let rule = FrameRule { geometry: ClipGeometry { length: 3, step: 1 }, sampling: Segments };
        assert_eq!(rule.numbers(&whole, 5), [3, 4, 4], "a window is one whatever the sampling");
    }

    #[test]
    fn draws_stay_in_their_segments_and_reach_all_of_them() {
        let drawn: Vec<Vec<u32>> =
            (0..2000).map(|i| frames(FrameSampling::Segments, (4, 1), (20, 40), TimeView::Drawn(i))).collect();
        for segment in 0..4 {
            let mut seen: Vec<u32> = drawn.iter().map(|d| d[segment]).collect();
            seen.sort_unstable();
            seen.dedup();
            let first = 20 + 5 * segment as u32;
            assert_eq!(seen, (first..first + 5).collect::<Vec<_>>());
        }
        // 20 frames hold 8 of step 2, 15 in a row, at 5 places; the last is never drawn.
        let mut starts: Vec<u32> = (0..500)
            .map(|i| frames(FrameSampling::Dense, (8, 2), (20, 40), TimeView::Drawn(i)))
            .inspect(|d| assert!(d.windows(2).all(|w| w[1] == w[0] + 2)))
            .map(|d| d[0])
            .collect();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(starts, [20, 21, 22, 23]);
        let again = |i| frames(FrameSampling::Segments, (4, 1), (20, 40), TimeView::Drawn(i));
        assert_eq!(again(7), again(7));
        // What is not drawn is the middle.
        let centre = frames(FrameSampling::Centre, (4, 1), (20, 30), TimeView::Drawn(3));
        assert_eq!(centre, [23, 24, 25, 26]);
    }
}

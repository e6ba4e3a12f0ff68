//! Clips with something taken away: their motion, the order of their frames, the body, what is around it.
//!
//! Clips are `[3, T, H, W]`, normalised, as a network takes them: 0 is the mean colour.

use crate::domain::GrayImage;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What is done to a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alteration {
    /// Nothing.
    AsIs,
    /// Every frame is the middle one.
    Frozen,
    /// Frames in an order drawn by chance.
    Shuffled,
    /// Last frame first.
    Reversed,
    /// Every second frame is dropped, the one before it shown twice.
    EverySecond,
    /// The body is filled with what was behind it in other frames, or else with what is around it.
    BackgroundOnly,
    /// What is not the body is the mean colour.
    BodyOnly,
    /// Left and right exchanged.
    Mirrored,
}

impl Alteration {
    /// All, the clip as it is first.
    pub const ALL: [Self; 8] = [
        Self::AsIs,
        Self::Frozen,
        Self::Shuffled,
        Self::Reversed,
        Self::EverySecond,
        Self::BackgroundOnly,
        Self::BodyOnly,
        Self::Mirrored,
    ];

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::AsIs => "as they are",
            Self::Frozen => "middle frame frozen",
            Self::Shuffled => "frames shuffled",
            Self::Reversed => "reversed",
            Self::EverySecond => "every second frame dropped",
            Self::BackgroundOnly => "background only",
            Self::BodyOnly => "body only",
            Self::Mirrored => "horizontal flip",
        }
    }

    /// True for what cannot be done without masks of the body.
    pub fn needs_masks(self) -> bool {
        matches!(self, Self::BackgroundOnly | Self::BodyOnly)
    }
}

/// Where the body is in each frame of a clip: `T` planes of `H * W`.
pub type Masks = Vec<Vec<bool>>;

/// The altered clip, `[3, T, H, W]` as it came; `None` where masks are needed and missing, or nothing fits the shape
/// (frames, rows, columns). `order` draws the shuffled frames: the same numbers give the same order.
pub fn altered(
    clip: &[f32],
    [frames, rows, columns]: [usize; 3],
    alteration: Alteration,
    masks: Option<&Masks>,
    order: (u64, u64),
) -> Option<Vec<f32>> {
    let area = rows * columns;
    if clip.len() != 3 * frames * area || clip.is_empty() {
        return None;
    }
    let masks = masks.filter(|m| m.len() == frames && m.iter().all(|plane| plane.len() == area));
    match alteration {
        Alteration::AsIs => Some(clip.to_vec()),
        Alteration::Frozen => Some(reordered(clip, area, &vec![frames / 2; frames])),
        Alteration::Shuffled => Some(reordered(clip, area, &shuffled(frames, order))),
        Alteration::Reversed => Some(reordered(clip, area, &(0..frames).rev().collect::<Vec<_>>())),
        Alteration::EverySecond => Some(reordered(clip, area, &(0..frames).map(|t| t - t % 2).collect::<Vec<_>>())),
        Alteration::BackgroundOnly => Some(without_body(clip, [frames, rows, columns], masks?)),
        Alteration::BodyOnly => Some(only_body(clip, area, masks?)),
        Alteration::Mirrored => {
            let mut out = clip.to_vec();
            out.chunks_exact_mut(columns).for_each(<[f32]>::reverse);
            Some(out)
        }
    }
}

/// The clip with frame `order[t]` in place of frame `t`.
fn reordered(clip: &[f32], area: usize, order: &[usize]) -> Vec<f32> {
    let plane = |channel: &'_ [f32], t: usize| channel[t * area..(t + 1) * area].to_vec();
    clip.chunks_exact(area * order.len())
        .flat_map(|channel| order.iter().flat_map(move |t| plane(channel, *t)))
        .collect()
}

/// An order of frames by chance, never the one they have.
fn shuffled(frames: usize, (seed, stream): (u64, u64)) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let mut order: Vec<usize> = (0..frames).collect();
    while frames > 1 && order.is_sorted() {
        order.shuffle(&mut random);
    }
    order
}

fn only_body(clip: &[f32], area: usize, masks: &Masks) -> Vec<f32> {
    let planes = clip.chunks_exact(area).zip(masks.iter().cycle());
    let pixel = |(value, body): (&f32, &bool)| if *body { *value } else { 0.0 };
    planes.flat_map(|(plane, mask)| plane.iter().zip(mask).map(pixel).collect::<Vec<_>>()).collect()
}

/// Pixels that the edge of a mask is widened by: resizing mixes the body into its surroundings.
const WIDENED: usize = 1;

fn without_body(clip: &[f32], [frames, rows, columns]: [usize; 3], masks: &Masks) -> Vec<f32> {
    let area = rows * columns;
    let covered: Masks = masks.iter().map(|m| widened(m, rows, columns)).collect();
    let mut out = clip.to_vec();
    for channel in out.chunks_exact_mut(frames * area) {
        let plate = plate(channel, &covered, rows, columns);
        for (plane, covered) in channel.chunks_exact_mut(area).zip(&covered) {
            let pixels = plane.iter_mut().zip(covered).zip(&plate);
            pixels.filter(|((_, body), _)| **body).for_each(|((pixel, _), behind)| *pixel = *behind);
        }
    }
    out
}

/// A mask and the pixels beside it.
fn widened(mask: &[bool], rows: usize, columns: usize) -> Vec<bool> {
    let near = |at: usize, end: usize| at.saturating_sub(WIDENED)..(at + WIDENED + 1).min(end);
    let inside = |y: usize, x: usize| near(y, rows).any(|y| near(x, columns).any(|x| mask[y * columns + x]));
    (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))).map(|(y, x)| inside(y, x)).collect()
}

/// What is behind the body, of one channel: the mean over the frames in which a place is free, and where it never is, the
/// mean of the places around it, from the edge inwards.
fn plate(channel: &[f32], covered: &Masks, rows: usize, columns: usize) -> Vec<f32> {
    let area = rows * columns;
    let mut plate: Vec<Option<f32>> = (0..area)
        .map(|at| {
            let free = channel.chunks_exact(area).zip(covered).filter(|(_, body)| !body[at]);
            let (sum, count) = free.fold((0.0, 0), |(sum, count), (plane, _)| (sum + plane[at], count + 1));
            (count > 0).then(|| sum / count as f32)
        })
        .collect();
    if plate.iter().all(Option::is_none) {
        return vec![0.0; area];
    }
    while plate.iter().any(Option::is_none) {
        let known = plate.clone();
        for at in (0..area).filter(|at| known[*at].is_none()) {
            let (y, x) = (at / columns, at % columns);
            let above = (y > 0).then(|| at - columns);
            let below = (y + 1 < rows).then(|| at + columns);
            let left = (x > 0).then(|| at - 1);
            let right = (x + 1 < columns).then(|| at + 1);
            let around: Vec<f32> = [above, below, left, right].into_iter().flatten().filter_map(|n| known[n]).collect();
            if !around.is_empty() {
                plate[at] = Some(around.iter().sum::<f32>() / around.len() as f32);
            }
        }
    }
    plate.into_iter().map(Option::unwrap_or_default).collect()
}

/// A mask at the size of clips: each pixel is what lies at its centre.
pub fn at_size(mask: &GrayImage, rows: usize, columns: usize) -> Vec<bool> {
    let (width, height) = (mask.width as usize, mask.height as usize);
    let source = |at: usize, out: usize, size: usize| (2 * at + 1) * size / (2 * out.max(1));
    let pixel = |(y, x): (usize, usize)| {
        let at = source(y, rows, height) * width + source(x, columns, width);
        mask.data.get(at).is_some_and(|v| *v > 0)
    };
    (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))).map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three channels of frames of 1x2 pixels; channel `c` holds `10 c + 2 t + x`.
    fn clip(frames: usize) -> Vec<f32> {
        (0..3).flat_map(|c| (0..2 * frames).map(move |i| (10 * c + i) as f32)).collect()
    }

    fn first_channel(alteration: Alteration, frames: usize) -> Vec<f32> {
        let out = altered(&clip(frames), [frames, 1, 2], alteration, None, (1, 1)).unwrap();
        let (head, rest) = out.split_at(2 * frames);
        // Every channel is altered alike.
        let plus = |n: f32| head.iter().map(|v| v + n).collect::<Vec<_>>();
        assert_eq!(rest, [plus(10.0), plus(20.0)].concat());
        head.to_vec()
    }

    #[test]
    fn frames_are_frozen_reversed_dropped_and_mirrored() {
        assert_eq!(first_channel(Alteration::AsIs, 3), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(first_channel(Alteration::Frozen, 3), [2.0, 3.0, 2.0, 3.0, 2.0, 3.0]);
        assert_eq!(first_channel(Alteration::Reversed, 3), [4.0, 5.0, 2.0, 3.0, 0.0, 1.0]);
        assert_eq!(first_channel(Alteration::EverySecond, 3), [0.0, 1.0, 0.0, 1.0, 4.0, 5.0]);
        assert_eq!(first_channel(Alteration::Mirrored, 3), [1.0, 0.0, 3.0, 2.0, 5.0, 4.0]);
    }

    #[test]
    fn shuffling_keeps_the_frames_and_never_their_order() {
        for stream in 0..50 {
            let order = shuffled(3, (7, stream));
            assert!(!order.is_sorted());
            assert_eq!(order, shuffled(3, (7, stream)));
            let mut sorted = order;
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
        }
        assert_eq!(shuffled(1, (7, 0)), [0]);
        assert!((0..50).any(|s| shuffled(8, (7, s)) != shuffled(8, (8, s))));
    }

    #[test]
    fn the_body_is_replaced_by_what_was_behind_it() {
        // One row of five pixels over two frames; the body is at 1 in the first frame and at 3 in the second, and its
        // neighbours count as body too.
        let row = |body: usize| (0..5).map(|x| if x == body { 9.0 } else { x as f32 }).collect::<Vec<f32>>();
        let one: Vec<f32> = [row(1), row(3)].concat();
        let clip = [one.clone(), one.clone(), one].concat();
        let masks: Masks = [1, 3].map(|body| (0..5).map(|x| x == body).collect()).to_vec();
        let out = altered(&clip, [2, 1, 5], Alteration::BackgroundOnly, Some(&masks), (0, 0)).unwrap();
        // The middle is never free: the mean of 1, known from the second frame, and 3, known from the first.
        assert_eq!(out[..10], [0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
        let body = altered(&clip, [2, 1, 5], Alteration::BodyOnly, Some(&masks), (0, 0)).unwrap();
        assert_eq!(body[..10], [0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0]);
        assert_eq!(altered(&clip, [2, 1, 5], Alteration::BodyOnly, None, (0, 0)), None);
        assert_eq!(altered(&clip, [2, 1, 5], Alteration::BodyOnly, Some(&masks[..1].to_vec()), (0, 0)), None);
        let all: Masks = vec![vec![true; 5]; 2];
        let nothing = altered(&clip, [2, 1, 5], Alteration::BackgroundOnly, Some(&all), (0, 0)).unwrap();
        assert!(nothing.iter().all(|v| *v == 0.0), "nothing is known of what is behind");
    }

    #[test]
    fn masks_are_read_at_the_centres_of_pixels() {
        let mask = GrayImage { width: 4, height: 2, data: vec![0, 0, 255, 255, 0, 255, 0, 0].into() };
        assert_eq!(at_size(&mask, 2, 4), [false, false, true, true, false, true, false, false]);
        assert_eq!(at_size(&mask, 1, 2), [true, false], "the pixels at (1, 1) and (1, 3)");
        assert_eq!(at_size(&GrayImage { width: 0, height: 0, data: vec![].into() }, 1, 1), [false]);
    }
}

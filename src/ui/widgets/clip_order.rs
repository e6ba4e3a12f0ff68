//! The order of clips on cards.

use super::clip_grid::ClipCard;
use serde::{Deserialize, Serialize};

/// What cards are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClipSort {
    /// The surest first.
    #[default]
    Confidence,
    /// The least decided first.
    Margin,
    /// The most surprising label first.
    Loss,
    /// Clips whose heat lies least on the body first; those without masks or heat last.
    OffBody,
    /// As in the dataset.
    Video,
}

impl ClipSort {
    /// Every order.
    pub const ALL: [ClipSort; 5] =
        [ClipSort::Confidence, ClipSort::Margin, ClipSort::Loss, ClipSort::OffBody, ClipSort::Video];

    /// Name in the picker.
    pub fn name(self) -> &'static str {
        match self {
            ClipSort::Confidence => "most confident first",
            ClipSort::Margin => "least decided first",
            ClipSort::Loss => "largest loss first",
            ClipSort::OffBody => "least heat on body first",
            ClipSort::Video => "by video and time",
        }
    }
}

/// Puts cards in order. Values that are not numbers come last.
pub fn sort(cards: &mut [ClipCard], by: ClipSort) {
    let value = |c: &ClipCard| match by {
        ClipSort::Confidence => -c.confidence,
        ClipSort::Margin => c.margin,
        ClipSort::Loss => -c.loss,
        ClipSort::OffBody => c.on_body.unwrap_or(f32::NAN),
        ClipSort::Video => 0.0,
    };
    cards.sort_by(|a, b| {
        let (x, y) = (value(a), value(b));
        x.is_nan()
            .cmp(&y.is_nan())
            .then(x.total_cmp(&y))
            .then_with(|| (a.clip.video.as_str(), a.clip.start).cmp(&(b.clip.video.as_str(), b.clip.start)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::ClipRef;

    fn clip(start: u32, confidence: f32, margin: f32, loss: f32) -> ClipCard {
        ClipCard {
            clip: ClipRef::window("a.mp4", start),
            path: None,
            frames: vec![start],
            truth: 0,
            truths: Vec::new(),
            predicted: 1,
            said: None,
            confidence,
            margin,
            loss,
            tags: Vec::new(),
            other: None,
            on_body: None,
        }
    }

    #[test]
    fn each_order_puts_the_interesting_clip_first() {
        let mut cards = [clip(0, 0.5, 0.1, 3.0), clip(8, 0.9, 0.8, 1.0), clip(4, f32::NAN, f32::NAN, f32::NAN)];
        let mut starts = |by| {
            sort(&mut cards, by);
            cards.each_ref().map(|c| c.clip.start)
        };
        assert_eq!(starts(ClipSort::Confidence), [8, 0, 4]);
        assert_eq!(starts(ClipSort::Margin), [0, 8, 4]);
        assert_eq!(starts(ClipSort::Loss), [0, 8, 4]);
        assert_eq!(starts(ClipSort::Video), [0, 4, 8]);
    }
}

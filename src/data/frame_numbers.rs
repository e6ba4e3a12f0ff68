//! Whether the numbers of frames in label files begin with 0 or with 1.

use super::DataError;
use super::formats::{Draft, DraftVideo};

/// Videos looked into at a time.
const BATCH: usize = 64;

/// Positions of videos with the first labelled frame and the one behind the last.
type Numbered = Vec<(usize, (u32, u32))>;

/// True when label files plainly count from 1: no file has a frame 0, and most run from 1 to exactly the number of frames of
/// their video. `frames` looks into videos. As soon as a readable video has a frame 0 nobody looks into any more.
pub(super) fn labels_count_from_one(
    draft: &Draft,
    mut frames: impl FnMut(&[usize]) -> Result<Vec<Option<u32>>, DataError>,
) -> Result<bool, DataError> {
    let numbered = |(i, v): (usize, &DraftVideo)| Some((i, v.label_file.as_ref().and(v.labelled_frames())?));
    let (zero, others): (Numbered, Numbered) =
        draft.videos.iter().enumerate().filter_map(numbered).partition(|(_, (first, _))| *first == 0);
    for few in zero.chunks(BATCH) {
        let at: Vec<usize> = few.iter().map(|(i, _)| *i).collect();
        if frames(&at)?.iter().any(Option::is_some) {
            return Ok(false);
        }
    }
    let at: Vec<usize> = others.iter().map(|(i, _)| *i).collect();
    let known = frames(&at)?;
    let readable: Vec<(u32, u32, u32)> =
        others.iter().zip(known).filter_map(|((_, (first, end)), frames)| Some((*first, *end, frames?))).collect();
    let full = readable.iter().filter(|(first, end, frames)| *first == 1 && *end == frames.saturating_add(1)).count();
    Ok(!readable.is_empty() && full * 2 > readable.len())
}

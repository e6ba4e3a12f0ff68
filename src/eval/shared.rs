//! Clips shared among the processes of a job.

use super::EvalError;
use crate::domain::Clip;
use crate::peers::{PeerError, Peers};

/// Rows of numbers of clips, one each and all equally long, in the order of the clips: every process works on each `size`-th
/// batch of `batch` clips, so that the batches are those of one process, and all get all rows.
///
/// # Errors
/// What the work fails with, in any process.
pub(super) fn shared_rows(
    peers: &dyn Peers,
    clips: &[Clip],
    batch: usize,
    work: impl FnOnce(&[Clip]) -> Result<Vec<Vec<f32>>, EvalError>,
) -> Result<Vec<Vec<f32>>, EvalError> {
    if peers.is_alone() {
        return work(clips);
    }
    let own = |places: &[usize]| work(&places.iter().filter_map(|at| clips.get(*at)).copied().collect::<Vec<_>>());
    shared_places(peers, clips.len(), batch, own)
}

/// As rows of clips, of whatever has `count` places, of which the work is told its own.
///
/// # Errors
/// What the work fails with, in any process.
pub fn shared_places(
    peers: &dyn Peers,
    count: usize,
    batch: usize,
    work: impl FnOnce(&[usize]) -> Result<Vec<Vec<f32>>, EvalError>,
) -> Result<Vec<Vec<f32>>, EvalError> {
    let all: Vec<usize> = (0..count).collect();
    if peers.is_alone() {
        return work(&all);
    }
    let batches: Vec<&[usize]> = all.chunks(batch.max(1)).collect();
    let own: Vec<usize> =
        peers.every(batches.len()).filter_map(|at| batches.get(at)).flat_map(|b| b.to_vec()).collect();
    let rows = peers.agree(work(&own), EvalError::is_stop)?;
    let mut told = (rows.first().map_or(0, Vec::len) as u64).to_le_bytes().to_vec();
    rows.iter().for_each(|row| told.extend_from_slice(bytemuck::cast_slice(row)));
    let torn = EvalError::Peers(PeerError::Internal("rows of another process cannot be read"));
    let mut given = Vec::with_capacity(peers.size());
    for bytes in peers.gather(&told)? {
        let Some((width, values)) = bytes.split_first_chunk::<8>() else { return Err(torn) };
        let values: Vec<f32> = values.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let width = u64::from_le_bytes(*width).max(1) as usize;
        given.push(values.chunks_exact(width).map(<[f32]>::to_vec).collect::<Vec<_>>().into_iter());
    }
    let mut out = Vec::with_capacity(count);
    for (at, batch) in batches.iter().enumerate() {
        out.extend(given.get_mut(at % peers.size()).into_iter().flat_map(|rows| rows.take(batch.len())));
    }
    if out.len() == count { Ok(out) } else { Err(torn) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::crew;

    #[test]
    fn rows_are_those_of_the_clips_in_their_order_however_many_work() {
        let clips: Vec<Clip> = (0..11).map(|i| Clip::window(i, 2 * i as u32)).collect();
        let expected: Vec<Vec<f32>> = (0..11).map(|i| vec![i as f32, 2.0 * i as f32]).collect();
        let work = |own: &[Clip]| Ok(own.iter().map(|c| vec![c.video as f32, c.start as f32]).collect());
        for (size, batch) in [(1, 4), (2, 4), (3, 2), (5, 4)] {
            let rows = std::thread::scope(|scope| {
                let threads: Vec<_> = crew(size)
                    .into_iter()
                    .map(|peer| {
                        scope.spawn({
                            let clips = &clips;
                            move || shared_rows(&peer, clips, batch, work).unwrap()
                        })
                    })
                    .collect();
                threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
            });
            assert!(rows.iter().all(|rows| *rows == expected), "{size} {batch}");
        }
    }
}

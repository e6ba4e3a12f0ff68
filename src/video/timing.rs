//! When frames are shown, and how many there are a second.

use super::VideoInfo;
use super::demux::{Demuxed, Packet, Track};
use super::index::Row;
use super::stills::FOLDER_FPS;
use gstreamer as gst;

/// A last frame that is shown for longer is no rounding.
const HELD: u64 = 500_000_000;

/// Equal time stamps are few where no more than one in so many frames has one that was there before.
const FEW: usize = 20;

/// Times of decoded pictures in display order: the container's own where every picture has one, else a steady rate; and a
/// sentence where they are made up.
pub(super) fn display_times(demuxed: &Demuxed, rows: &[(Option<usize>, u32)]) -> (Vec<u64>, Option<String>) {
    let track = &demuxed.track;
    let stamps = |time: fn(&Packet) -> Option<u64>| {
        let times = rows.iter().filter_map(|(packet, _)| track.packets.get((*packet)?).and_then(time));
        let mut times: Vec<u64> = times.collect();
        times.sort_unstable();
        (times.len() == rows.len()).then_some(times)
    };
    let collect = |time: fn(&Packet) -> Option<u64>| stamps(time).filter(|times| times.windows(2).all(|w| w[0] < w[1]));
    // The decoding times of a steady stream are its display times, shifted.
    let shifted = || {
        let times = collect(|p| p.dts)?;
        let first = times.first().copied()?;
        let gaps = || times.windows(2).map(|w| w[1] - w[0]);
        let steady = gaps().max()? * 2 <= gaps().min()? * 3;
        steady.then(|| times.iter().map(|&t| t - first).collect())
    };
    if let Some(times) = collect(|p| p.time) {
        return (times, None);
    }
    let mut made: Vec<usize> = rows.iter().filter_map(|(packet, _)| *packet).collect();
    made.sort_unstable();
    made.dedup();
    let own = stamps(|p| p.time).filter(|_| made.len() == rows.len());
    if let Some(times) = own.as_deref().filter(|stamps| has_few_equal(stamps)).and_then(between) {
        let note = "a few frames have equal time stamps: the times of the second ones are made up";
        return (times, Some(note.to_owned()));
    }
    if let Some(times) = shifted() {
        return (times, None);
    }
    // Matroska is what people keep recordings in whose clock is too coarse for them.
    let coarse = demuxed.elements.iter().any(|e| e == "matroskademux");
    let stamped = if coarse { Some(stamps_of_packets(track)) } else { own };
    if let Some(times) = stamped.and_then(|stamps| even(*stamps.first()?, *stamps.last()?, rows.len())) {
        let note = "frames have equal time stamps because the file's clock is too coarse: their times are made up, and the \
                    rate is an estimate";
        return (times, Some(note.to_owned()));
    }
    let stated = nominal_rate(track);
    let period = 1e9 / stated.unwrap_or(FOLDER_FPS);
    let times = (0..rows.len()).map(|n| (n as f64 * period).round() as u64).collect();
    let made_up =
        format!("the file says neither when its frames are shown nor how many a second: {FOLDER_FPS} are assumed");
    (times, stated.is_none().then_some(made_up))
}

/// The presentation times of all packets, ascending.
fn stamps_of_packets(track: &Track) -> Vec<u64> {
    let mut stamps: Vec<u64> = track.packets.iter().filter_map(|p| p.time).collect();
    stamps.sort_unstable();
    stamps
}

/// True where a few of time stamps (ascending) are equal to the one before. With many the clock is too coarse.
fn has_few_equal(stamps: &[u64]) -> bool {
    let equal = stamps.windows(2).filter(|pair| pair[0] == pair[1]).count();
    equal > 0 && equal * FEW <= stamps.len()
}

/// Equal times (ascending) moved apart, up to the next time; the last ones by the step before them.
fn between(stamps: &[u64]) -> Option<Vec<u64>> {
    let mut times = Vec::with_capacity(stamps.len());
    let groups: Vec<&[u64]> = stamps.chunk_by(|a, b| a == b).collect();
    let mut step = 0;
    for (at, group) in groups.iter().enumerate() {
        let start = *group.first()?;
        step = groups.get(at + 1).and_then(|next| next.first()).map_or(step, |next| next - start);
        let share = step / group.len() as u64;
        // No two frames at once.
        (share > 0 || group.len() == 1).then_some(())?;
        times.extend((0..group.len() as u64).map(|n| start + n * share));
    }
    Some(times)
}

/// As many times, evenly from the first to the last one.
fn even(first: u64, last: u64, frames: usize) -> Option<Vec<u64>> {
    let gaps = u64::try_from(frames).ok()?.checked_sub(1).filter(|gaps| *gaps > 0)?;
    // No two frames at once.
    (last - first >= gaps).then(|| {
        (0..=gaps).map(|n| first + (u128::from(last - first) * u128::from(n) / u128::from(gaps)) as u64).collect()
    })
}

/// The rate the container or the stream's own headers state.
pub(super) fn nominal_rate(track: &Track) -> Option<f64> {
    let rate = track.caps.first()?.structure(0)?.get::<gst::Fraction>("framerate").ok()?;
    (rate.numer() > 0 && rate.denom() > 0).then(|| f64::from(rate.numer()) / f64::from(rate.denom()))
}

/// Fills in rate, length and steadiness. `last`: how long the last frame is shown, and whether that can be believed
/// however long it is.
pub(super) fn timing(info: &mut VideoInfo, rows: &[Row], nominal: Option<f64>, last: Option<(u64, bool)>) {
    let mut gaps: Vec<u64> = rows.windows(2).map(|w| w[1].time.saturating_sub(w[0].time)).collect();
    let (Some(first), Some(end)) = (rows.first(), rows.last()) else { return };
    let span = end.time - first.time;
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2).copied();
    let tolerance = median.map_or(0, |m| 1_100_000.max(m / 10));
    info.variable_frame_rate = median.is_some_and(|m| gaps.iter().any(|&gap| gap.abs_diff(m) > tolerance));
    let steady = median.map_or(40_000_000, |m| m.max(1));
    let last = last.filter(|&(l, certain)| l > 0 && (certain || l < 10 * steady)).map_or(steady, |(l, _)| l);
    // A recording that holds its last picture.
    info.variable_frame_rate |= gaps.len() > 1 && last > HELD.max(3 * steady);
    info.duration_s = (span + last) as f64 / 1e9;
    let measured = match gaps.len() {
        0 => nominal.unwrap_or(1e9 / last as f64),
        n if !info.variable_frame_rate => n as f64 * 1e9 / span.max(1) as f64,
        n => (n + 1) as f64 / info.duration_s.max(1e-9),
    };
    let drift = |rate: f64| (rate - measured).abs() * span as f64 / 1e9;
    info.fps = match nominal {
        // As near as one can tell by counting.
        Some(rate) if !info.variable_frame_rate && (rate - measured).abs() < 0.02 * measured && drift(rate) < 0.5 => {
            rate
        }
        _ => measured,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(times_ms: &[u64]) -> Vec<Row> {
        times_ms.iter().enumerate().map(|(n, t)| Row { time: t * 1_000_000, packet: n as u32, digest: 0 }).collect()
    }

    #[test]
    fn millisecond_rounding_is_not_a_variable_rate() {
        let mut info = VideoInfo::default();
        timing(&mut info, &rows(&[0, 33, 67, 100, 133]), Some(30.0), None);
        assert!(!info.variable_frame_rate);
        assert_eq!(info.fps, 30.0);
    }

    #[test]
    fn made_up_times_lie_evenly() {
        assert_eq!(even(10, 40, 4), Some(vec![10, 20, 30, 40]));
        assert_eq!(even(7, 7, 3), None);
        assert_eq!((even(0, 9, 1), even(0, 9, 0)), (None, None));
    }

    #[test]
    fn a_few_equal_times_leave_the_others_as_they_are() {
        let mut stamps: Vec<u64> = (0..40).map(|n| n * n * 10).collect();
        stamps.insert(6, stamps[5]);
        assert!(has_few_equal(&stamps));
        let times = between(&stamps).unwrap();
        assert_eq!(times[..8], [0, 10, 40, 90, 160, 250, 305, 360]);
        assert_eq!(times[8..], stamps[8..]);
        // At the end: within a step as long as the one before.
        assert_eq!((between(&[0, 10, 10]), between(&[7, 7])), (Some(vec![0, 10, 15]), None));
        assert!(!has_few_equal(&[0, 0, 20, 20, 40, 40]) && !has_few_equal(&[1, 2, 3]));
    }

    #[test]
    fn a_last_frame_that_is_held_is_part_of_the_length() {
        let mut info = VideoInfo::default();
        timing(&mut info, &rows(&[0, 1000, 2000, 3000, 4000]), Some(1.0), Some((6_000_000_000, true)));
        assert!(info.variable_frame_rate && (info.duration_s - 10.0).abs() < 1e-9, "{info:?}");
        assert!((info.fps - 0.5).abs() < 1e-9, "{}", info.fps);
    }

    #[test]
    fn a_gap_makes_the_rate_variable_and_the_mean_honest() {
        let mut info = VideoInfo::default();
        timing(&mut info, &rows(&[0, 100, 300, 400]), Some(10.0), Some((100_000_000, false)));
        assert!(info.variable_frame_rate);
        assert!((info.fps - 8.0).abs() < 1e-9, "{}", info.fps);
        assert!((info.duration_s - 0.5).abs() < 1e-9);
    }
}

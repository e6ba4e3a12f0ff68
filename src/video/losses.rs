//! Signs that packets of a stream are missing: transport packets that are counted and do not come, and time stamps that skip
//! frames.

use super::demux::Demuxed;
use super::index::Row;
use super::packet::Codec;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

/// Places named one by one before the rest is only counted.
const NAMED: usize = 3;
/// Ticks a second of the clock of a transport stream.
const CLOCK: u64 = 90_000;
/// Fewer packets do not show what is usual among them.
const ENOUGH: usize = 20;
/// Skips are losses where no more than one in so many steps is one; more are a rate that varies.
const RARE: usize = 20;
/// Frames at the end of a stream among which a skip is that of a cut: pictures that would be shown before the last ones but
/// are stored behind them were cut off.
const CUT_END: usize = 16;
/// Frames that a skip leaves out at most; longer ones are pauses.
const LONGEST: u64 = 100;

/// What a transport stream tells of one of its parts.
#[derive(Default)]
struct StreamPart {
    counter: Option<u8>,
    video: bool,
    /// First and last presentation time, in ticks.
    first: Option<u64>,
    last: Option<u64>,
    /// Lost before the next time.
    pending: bool,
    lost: Vec<u64>,
}

/// A sentence where the counters of a transport stream (ISO/IEC 13818-1, 2.4.3.3) show that packets of its video are missing.
pub(super) fn transport(path: &Path) -> Option<String> {
    let mut file = std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(path).ok()?);
    let mut head = Vec::new();
    file.by_ref().take(1024).read_to_end(&mut head).ok()?;
    // Plain, with a time before each packet, and with a checksum behind it.
    let synced = |(length, at): &(usize, usize)| {
        head.len() > 4 * length && (0..4).all(|n| head.get(n * length + at) == Some(&0x47))
    };
    let (length, at) = [(188, 0), (192, 4), (204, 0)].into_iter().find(synced)?;
    let mut parts: HashMap<u16, StreamPart> = HashMap::new();
    let mut stream = head.as_slice().chain(file);
    let mut packet = vec![0; length];
    while stream.read_exact(&mut packet).is_ok() {
        take(packet.get(at..at + 188)?, &mut parts);
    }
    let places: Vec<f64> = parts
        .into_values()
        .filter(|part| part.video)
        .flat_map(|mut part| {
            part.lost.extend(part.last.filter(|_| part.pending));
            let first = part.first.unwrap_or(0);
            part.lost.into_iter().map(move |at| at.saturating_sub(first) as f64 / CLOCK as f64)
        })
        .collect();
    let said = some(places.iter().map(|at| format!("{at:.2} s")))?;
    Some(format!(
        "transport packets of its video are missing, near {said}: pictures there are missing or damaged; get a new copy of \
         the file if you can"
    ))
}

/// Reads a packet.
fn take(packet: &[u8], parts: &mut HashMap<u16, StreamPart>) {
    let [0x47, high, low, flags, body @ ..] = packet else { return };
    let (has_field, has_payload) = (flags & 0x20 != 0, flags & 0x10 != 0);
    let field = body.first().copied().map_or(0, usize::from);
    let announced = has_field && field > 0 && body.get(1).is_some_and(|b| b & 0x80 != 0);
    let id = u16::from(high & 0x1f) << 8 | u16::from(*low);
    if !has_payload || id == 0x1fff {
        return;
    }
    let part = parts.entry(id).or_default();
    let counter = flags & 0x0f;
    // A packet may come twice.
    let follows = part.counter.is_none_or(|last| counter == (last + 1) & 0x0f || counter == last);
    part.pending |= !follows && !announced;
    part.counter = Some(counter);
    let payload = body.get(if has_field { field + 1 } else { 0 }..).unwrap_or_default();
    if high & 0x40 == 0 {
        return;
    }
    // The header of a video packet (2.4.3.6), with its time.
    if let [0, 0, 1, 0xe0..=0xef, _, _, _, known, _, time @ ..] = payload
        && let (true, Some([a, b, c, d, e])) = (known & 0x80 != 0, time.first_chunk::<5>())
    {
        let [a, b, c, d, e] = [a, b, c, d, e].map(|byte| u64::from(*byte));
        let now = (a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1;
        part.video = true;
        // Where the clock starts anew, another recording begins.
        let joined = part.last.is_some_and(|last| now + CLOCK < last);
        part.lost.extend(part.last.filter(|_| std::mem::take(&mut part.pending) && !joined));
        (part.first, part.last) = (Some(part.first.map_or(now, |first| first.min(now))), Some(now));
    }
}

/// A sentence where the time stamps of an otherwise steady stream skip frames. What is made behind such a place from pictures
/// before it may be wrong, and only some decoders notice: `damaged` says that this one has.
pub(super) fn skipped(demuxed: &Demuxed, rows: &[Row], damaged: bool) -> Option<String> {
    let track = &demuxed.track;
    // This decoder notices every picture that is missing and that others are made from.
    let noticing = matches!(track.codec, Some(Codec::H265 { .. }));
    // An AVI file's empty chunks have a sentence of their own, and parts of an edit list may have a pause between them.
    let told = demuxed.counted.is_some_and(|counted| counted.empty > 0);
    let parted = track.packets.iter().any(|p| p.restart);
    let alone = track.packets.iter().all(|p| p.key && p.reading.clean_start);
    if noticing && !damaged || told || parted || track.untimed || alone {
        return None;
    }
    let shown = track.packets.iter().filter(|p| p.reading.shown && !p.preroll);
    let mut times: Vec<u64> = shown.map(|p| p.time).collect::<Option<_>>()?;
    times.sort_unstable();
    let skips = skips(&times)?;
    let frames: u64 = skips.iter().map(|(_, frames)| frames).sum();
    let places = skips.iter().map(|(time, _)| {
        let frame = rows.partition_point(|row| row.time <= *time).saturating_sub(1);
        format!("frame {frame} ({:.2} s)", *time as f64 / 1e9)
    });
    let (word, they) = if frames == 1 { ("1 frame", "it was") } else { (&*format!("{frames} frames"), "they were") };
    Some(format!(
        "the time stamps skip {word} behind {}: where {they} lost, the pictures from there to the next key frame may be wrong",
        some(places)?
    ))
}

/// Where times (ascending) skip frames, and how many, where that is rare among equal steps.
fn skips(times: &[u64]) -> Option<Vec<(u64, u64)>> {
    let mut steps: Vec<u64> = times.windows(2).map(|w| w[1] - w[0]).collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().filter(|usual| *usual > 0 && steps.len() >= ENOUGH)?;
    let tolerance = 1_100_000.max(usual / 10);
    let mut out = Vec::new();
    let cut = times.len().saturating_sub(CUT_END);
    for (at, pair) in times.windows(2).enumerate() {
        let step = pair[1] - pair[0];
        let frames = (step + usual / 2) / usual;
        // Steps that are no whole number of frames are those of a rate that varies.
        if step.abs_diff(frames * usual) > tolerance || frames == 0 || frames > LONGEST {
            return None;
        }
        if frames > 1 && at < cut {
            out.push((pair[0], frames - 1));
        }
    }
    (!out.is_empty() && out.len() * RARE <= steps.len()).then_some(out)
}

/// A few places and how many more there are; `None` where there are none.
pub(super) fn some(places: impl Iterator<Item = String>) -> Option<String> {
    let mut places: Vec<String> = places.collect();
    let more = places.len().saturating_sub(NAMED);
    places.truncate(NAMED);
    if more > 0 {
        return Some(format!("{} and {more} more", places.join(", ")));
    }
    let last = places.pop()?;
    Some(if places.is_empty() { last } else { format!("{} and {last}", places.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: u64 = 40_000_000;

    #[test]
    fn a_skip_among_equal_steps_is_told_from_a_rate_that_varies() {
        let steady: Vec<u64> = (0..90).map(|n| n * FRAME).collect();
        assert_eq!(skips(&steady), None);
        let without = |left: &dyn Fn(u64) -> bool| -> Vec<u64> {
            (0..90).filter(|n| !left(*n)).map(|n| n * FRAME + n % 3 * 300_000).collect()
        };
        assert_eq!(skips(&without(&|n| n == 45 || n == 46)), Some(vec![(44 * FRAME + 600_000, 2)]));
        assert_eq!(skips(&without(&|n| n == 10 || n == 60)).map(|s| s.len()), Some(2));
        assert_eq!(skips(&without(&|n| n == 86)), None, "a cut ends within a group of pictures");
        // Every fifth frame left out, steps of any length, a pause.
        assert_eq!(skips(&without(&|n| n % 5 == 1)), None);
        let wild: Vec<u64> = (0..90).map(|n| n * FRAME + if n > 40 { FRAME / 2 } else { 0 }).collect();
        assert_eq!(skips(&wild), None);
        let pause: Vec<u64> = (0..90).map(|n| n * FRAME + if n > 40 { 500 * FRAME } else { 0 }).collect();
        assert_eq!(skips(&pause), None);
    }

    #[test]
    fn places_are_named_and_then_counted() {
        let said = |n: usize| some((0..n).map(|n| n.to_string()));
        assert_eq!(said(0), None);
        assert_eq!((said(1).as_deref(), said(3).as_deref()), (Some("0"), Some("0, 1 and 2")));
        assert_eq!(said(5).as_deref(), Some("0, 1, 2 and 2 more"));
    }
}

//! Which frames a video has: their times, and the packet each is made of.

use super::VideoInfo;
use super::colour::Matrix;
use super::decode::{Decoded, PacketDecoder, decoders};
use super::demux::{Demuxed, Packet, Track};
use super::packet::Codec;
use super::picture::Raw;
use super::runtime;
use gstreamer as gst;
use gstreamer_video as gst_video;

/// One frame of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Presentation time in nanoseconds.
    pub time: u64,
    /// Number of the packet it is made of.
    pub packet: u32,
    /// Digest of the picture as sequential decoding gave it; 0 when it was not decoded yet.
    pub digest: u32,
}

/// Everything about a video that is worth remembering between runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Index {
    pub info: VideoInfo,
    pub mirrored: bool,
    /// Frames in display order.
    pub rows: Vec<Row>,
    /// Number of packets; another number means that the index belongs to other data.
    pub packets: u32,
    /// Pictures do not tell their packet: count them from the start.
    pub by_ordinal: bool,
    /// Starting in the middle has been seen to give wrong pictures: always start at the first packet.
    pub from_start: bool,
    /// The colour matrix.
    pub matrix: Matrix,
    /// Factory name of the decoder; empty for uncompressed streams.
    pub decoder: String,
}

impl Index {
    /// True when every frame has been decoded once.
    pub fn verified(&self) -> bool {
        self.rows.iter().all(|r| r.digest != 0)
    }
}

/// Containers whose presentation times and packet boundaries can be believed without decoding.
const BELIEVED: [&str; 2] = ["qtdemux", "matroskademux"];

/// Indexes a stream: from its packets alone when the container and the codec allow it, else (or when `decode_all` asks
/// for it) by decoding all of it once.
pub(super) fn build(demuxed: &Demuxed, decode_all: bool) -> Result<Index, String> {
    let track = &demuxed.track;
    let caps = track.caps.first().ok_or("the video stream is empty")?;
    let candidates = if is_raw(caps) { vec![None] } else { decoders(caps)?.into_iter().map(Some).collect() };
    let mut reason = String::from("no picture could be decoded");
    for factory in candidates {
        let tried = if !decode_all && believable(demuxed) {
            from_packets(demuxed, factory.as_ref())
        } else {
            by_decoding(demuxed, factory.as_ref())
        };
        match tried {
            Ok(index) => return Ok(index),
            Err(why) => reason = why,
        }
    }
    Err(reason)
}

/// True for uncompressed video.
pub(super) fn is_raw(caps: &gst::CapsRef) -> bool {
    caps.structure(0).is_some_and(|s| s.name() == "video/x-raw")
}

/// True when the packets tell exactly which frames there will be.
fn believable(demuxed: &Demuxed) -> bool {
    let track = &demuxed.track;
    let codec = track.codec.unwrap_or(Codec::Other);
    let mut times: Vec<u64> = shown(track).filter_map(|(_, p)| p.time).collect();
    times.sort_unstable();
    demuxed.elements.iter().any(|e| BELIEVED.contains(&e.as_str()))
        && codec.counts_by_packets()
        && !track.has_fields()
        && track.caps.len() == 1
        && !track.untimed
        && demuxed.error.is_none()
        && missing_time(demuxed, 0).is_none()
        && track.packets.iter().all(|p| p.reading.sound)
        && track.packets.first().is_some_and(|p| p.reading.clean_start)
        && times.windows(2).all(|w| w[0] < w[1])
}

/// Packets that become frames.
fn shown(track: &Track) -> impl Iterator<Item = (usize, &Packet)> {
    track.packets.iter().enumerate().filter(|(_, p)| p.reading.shown && !p.preroll)
}

fn from_packets(demuxed: &Demuxed, factory: Option<&gst::ElementFactory>) -> Result<Index, String> {
    let track = &demuxed.track;
    let mut rows: Vec<Row> =
        shown(track).map(|(number, p)| Row { time: p.time.unwrap_or(0), packet: number as u32, digest: 0 }).collect();
    rows.sort_by_key(|r| r.time);
    // One decoded picture proves that the decoder works and gives the size that headers may lie about.
    let mut first = None;
    run(track, factory, 1, |decoded| {
        first = Some(decoded);
        false
    })?;
    let first = first.ok_or("no picture could be decoded")?;
    if first.packet.is_none() {
        return by_decoding(demuxed, factory);
    }
    Ok(finish(demuxed, factory, rows, &first.raw, Vec::new(), false))
}

fn by_decoding(demuxed: &Demuxed, factory: Option<&gst::ElementFactory>) -> Result<Index, String> {
    let track = &demuxed.track;
    let mut rows: Vec<(Option<usize>, u32)> = Vec::new();
    let (mut first, mut damaged) = (None::<Raw>, 0_u32);
    let _ = runtime::take_complaints();
    let end = run(track, factory, 1, |decoded| {
        let Decoded { packet, damaged: bad, raw, .. } = decoded;
        if packet.and_then(|p| track.packets.get(p)).is_none_or(|p| !p.preroll) {
            damaged += u32::from(bad);
            rows.push((packet, raw.digest()));
            first.get_or_insert(raw);
        }
        true
    });
    let complaints = runtime::take_complaints();
    let first = match (first, end) {
        (Some(first), _) => first,
        (None, Err(why)) => return Err(why),
        (None, Ok(())) => return Err("no picture could be decoded".into()),
    };
    let mut seen = std::collections::HashSet::new();
    let by_ordinal = rows.iter().any(|(packet, _)| packet.is_none_or(|p| !seen.insert(p)));
    let times = display_times(demuxed, &rows);
    let warnings = damage(track, rows.len(), damaged, complaints);
    let rows = rows
        .iter()
        .zip(times)
        .map(|(&(packet, digest), time)| Row { time, packet: packet.unwrap_or(0) as u32, digest })
        .collect();
    Ok(finish(demuxed, factory, rows, &first, warnings, by_ordinal))
}

/// Times of decoded pictures in display order: the container's own where every picture has one, else a steady rate.
fn display_times(demuxed: &Demuxed, rows: &[(Option<usize>, u32)]) -> Vec<u64> {
    let track = &demuxed.track;
    let collect = |time: fn(&Packet) -> Option<u64>| {
        let mut times: Vec<u64> =
            rows.iter().filter_map(|(packet, _)| track.packets.get((*packet)?).and_then(time)).collect();
        times.sort_unstable();
        times.dedup();
        (times.len() == rows.len()).then_some(times)
    };
    // The decoding times of a steady stream are its display times, shifted.
    let shifted = || {
        let times = collect(|p| p.dts)?;
        let first = times.first().copied()?;
        let gaps = || times.windows(2).map(|w| w[1] - w[0]);
        let steady = gaps().max()? * 2 <= gaps().min()? * 3;
        steady.then(|| times.iter().map(|&t| t - first).collect())
    };
    collect(|p| p.time).or_else(shifted).unwrap_or_else(|| {
        let period = 1e9 / nominal_rate(track).unwrap_or(25.0);
        (0..rows.len()).map(|n| (n as f64 * period).round() as u64).collect()
    })
}

/// The rate the container or the stream's own headers state.
fn nominal_rate(track: &Track) -> Option<f64> {
    let rate = track.caps.first()?.structure(0)?.get::<gst::Fraction>("framerate").ok()?;
    (rate.numer() > 0 && rate.denom() > 0).then(|| f64::from(rate.numer()) / f64::from(rate.denom()))
}

/// Sentences about pictures that are not there or not right, from a complete decoding.
fn damage(track: &Track, decoded: usize, flagged: u32, complaints: u32) -> Vec<String> {
    let expected = shown(track).count();
    let counted = track.codec.is_some_and(Codec::counts_by_packets);
    let mut out = Vec::new();
    // Fields, packed and placeholder packets of older codecs are no frames of their own: only where packets are
    // pictures do fewer pictures mean damage.
    if counted && decoded < expected && complaints > 0 {
        out.push(format!(
            "{} of {expected} frames could not be decoded because their data are damaged; frames are numbered without them",
            expected - decoded
        ));
    }
    // Sound files of older codecs bring a complaint or two.
    if complaints > if counted { 0 } else { 2 } {
        let errors = if complaints == 1 { "an error".to_owned() } else { format!("{complaints} errors") };
        out.push(format!(
            "the decoder reported {errors} in the data: some pictures are damaged; get a fresh copy of the file if you can"
        ));
    } else if flagged > 0 {
        out.push(format!("the decoder marked {flagged} pictures as damaged; get a fresh copy of the file if you can"));
    }
    out
}

/// Nanoseconds that the container promises beyond what is there, when that is more than rounding.
fn missing_time(demuxed: &Demuxed, frames: usize) -> Option<u64> {
    let claimed = demuxed.duration?;
    // Where packets have no times, the frames at the stated rate tell how far the file goes.
    let played = nominal_rate(&demuxed.track).map_or(0, |rate| (frames as f64 * 1e9 / rate) as u64);
    let played = if demuxed.track.untimed { played } else { 0 };
    let missing = claimed.checked_sub(demuxed.end.max(played))?;
    (missing > 250_000_000.max(claimed / 50)).then_some(missing)
}

fn finish(
    demuxed: &Demuxed,
    factory: Option<&gst::ElementFactory>,
    rows: Vec<Row>,
    first: &Raw,
    mut warnings: Vec<String>,
    by_ordinal: bool,
) -> Index {
    let track = &demuxed.track;
    if let Some(error) = &demuxed.error {
        let error = error.trim_end_matches('.');
        warnings.push(format!("reading the file stopped early ({error}): only the part before it is here"));
    }
    if let (Some(missing), Some(claimed)) = (missing_time(demuxed, rows.len()), demuxed.duration) {
        let seconds = |ns: u64| ns as f64 / 1e9;
        warnings.push(format!(
            "the file is cut off: it announces {:.2} s but the last {:.2} s are missing; {} frames are there",
            seconds(claimed),
            seconds(missing),
            rows.len()
        ));
    }
    if let Some((width, height)) = track.lying_size {
        warnings
            .push(format!("its header claims {width}x{height} pixels; the size inside the video data is used instead"));
    }
    warnings.extend(demuxed.contradictions.iter().cloned());
    if let Some(cut) = &demuxed.cut {
        warnings.push(cut.clone());
    }
    let (rotation, mirrored) = orientation(track.orientation.as_deref());
    let (width, height) = match rotation {
        90 | 270 => (first.info.height(), first.info.width()),
        _ => (first.info.width(), first.info.height()),
    };
    let par = first.info.par();
    let mut info = VideoInfo {
        width,
        height,
        pixel_aspect: (par.numer().max(1) as u32, par.denom().max(1) as u32),
        rotation,
        frames: rows.len() as u32,
        codec: codec_name(track),
        warnings,
        ..VideoInfo::default()
    };
    let last = rows.last().and_then(|r| track.packets.get(r.packet as usize));
    let last = last.and_then(|p| p.buffer.duration()).map(gst::ClockTime::nseconds);
    timing(&mut info, &rows, nominal_rate(track), last);
    Index {
        info,
        mirrored,
        rows,
        packets: track.packets.len() as u32,
        by_ordinal,
        from_start: by_ordinal,
        matrix: colour_matrix(track, &first.info),
        decoder: factory.map_or_else(String::new, |f| gst::prelude::GstObjectExt::name(f).to_string()),
    }
}

/// What the container or the stream's headers name, else what the decoder found; but GStreamer guesses BT.709 for high
/// pictures that say nothing, and only what was said counts.
fn colour_matrix(track: &Track, info: &gst_video::VideoInfo) -> Matrix {
    match track.matrix {
        Some(said) => Matrix::from_gst(said),
        None if info.height() <= 576 => Matrix::from_gst(info.colorimetry().matrix()),
        None => Matrix::Bt601,
    }
}

/// Fills in rate, length and steadiness.
fn timing(info: &mut VideoInfo, rows: &[Row], nominal: Option<f64>, last: Option<u64>) {
    let mut gaps: Vec<u64> = rows.windows(2).map(|w| w[1].time.saturating_sub(w[0].time)).collect();
    let (Some(first), Some(end)) = (rows.first(), rows.last()) else { return };
    let span = end.time - first.time;
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2).copied();
    let tolerance = median.map_or(0, |m| 1_100_000.max(m / 10));
    info.variable_frame_rate = median.is_some_and(|m| gaps.iter().any(|&gap| gap.abs_diff(m) > tolerance));
    let steady = median.map_or(40_000_000, |m| m.max(1));
    let last = last.filter(|&l| l > 0 && l < 10 * steady).unwrap_or(steady);
    info.duration_s = (span + last) as f64 / 1e9;
    let measured = match gaps.len() {
        0 => nominal.unwrap_or(1e9 / last as f64),
        n if !info.variable_frame_rate => n as f64 * 1e9 / span.max(1) as f64,
        n => (n + 1) as f64 / info.duration_s.max(1e-9),
    };
    info.fps = match nominal {
        Some(rate) if !info.variable_frame_rate && (rate - measured).abs() < 0.02 * measured => rate,
        _ => measured,
    };
}

/// Degrees clockwise and whether the picture is mirrored left to right before it is turned.
fn orientation(tag: Option<&str>) -> (u32, bool) {
    let Some(tag) = tag else { return (0, false) };
    let degrees = tag.rsplit('-').next().and_then(|d| d.parse().ok()).unwrap_or(0);
    (degrees % 360, tag.starts_with("flip"))
}

fn codec_name(track: &Track) -> String {
    let Some(s) = track.caps.first().and_then(|c| c.structure(0)) else { return "unknown".into() };
    match s.name().as_str() {
        "video/x-h264" => "h264".into(),
        "video/x-h265" => "hevc".into(),
        "video/mpeg" => match s.get::<i32>("mpegversion") {
            Ok(4) => "mpeg4".into(),
            Ok(version) => format!("mpeg{version}video"),
            Err(_) => "mpeg".into(),
        },
        "video/x-divx" | "video/x-xvid" => "mpeg4".into(),
        "image/jpeg" => "mjpeg".into(),
        "video/x-raw" => "rawvideo".into(),
        other => other.rsplit('/').next().unwrap_or(other).trim_start_matches("x-").to_owned(),
    }
}

/// Decodes from the first packet on and hands every picture to `each` until it returns false.
pub(super) fn run(
    track: &Track,
    factory: Option<&gst::ElementFactory>,
    threads: u32,
    mut each: impl FnMut(Decoded) -> bool,
) -> Result<(), String> {
    let mut decoder = PacketDecoder::start(factory, threads)?;
    let (mut failure, mut failures) = (None, 0_u32);
    let mut any = false;
    for (number, packet) in track.packets.iter().enumerate() {
        let Some(caps) = track.caps.get(packet.caps) else { continue };
        if let Err(why) = decoder.push(number, &packet.buffer, caps, number == 0) {
            // One bad packet is damage; nothing but bad packets is a decoder that does not fit.
            failure.get_or_insert(why);
            failures += 1;
            if failures > 64 && !any {
                break;
            }
        }
        while let Some(decoded) = decoder.next() {
            any = true;
            if !each(decoded) {
                return Ok(());
            }
        }
    }
    decoder.finish();
    while let Some(decoded) = decoder.next() {
        any = true;
        if !each(decoded) {
            return Ok(());
        }
    }
    match failure {
        Some(why) if !any => Err(why),
        _ => Ok(()),
    }
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
    fn a_gap_makes_the_rate_variable_and_the_mean_honest() {
        let mut info = VideoInfo::default();
        timing(&mut info, &rows(&[0, 100, 300, 400]), Some(10.0), Some(100_000_000));
        assert!(info.variable_frame_rate);
        assert!((info.fps - 8.0).abs() < 1e-9, "{}", info.fps);
        assert!((info.duration_s - 0.5).abs() < 1e-9);
    }

    #[test]
    fn orientation_tags_are_read_as_degrees_clockwise() {
        assert_eq!(orientation(None), (0, false));
        assert_eq!(orientation(Some("rotate-90")), (90, false));
        assert_eq!(orientation(Some("flip-rotate-180")), (180, true));
    }
}

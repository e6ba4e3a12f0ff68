//! Which frames a video has: their times, and the packet each is made of.

use super::VideoInfo;
use super::colour::Matrix;
use super::container::Counted;
use super::decode::{Decoded, PacketDecoder, UNKNOWN_PIXELS, decoders, try_out};
use super::demux::{Demuxed, Packet, Track};
use super::losses;
use super::packet::Codec;
use super::picture::{Orientation, Raw};
use super::runtime::{self, Complaints};
use super::timing::{display_times, nominal_rate, timing};
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
    /// Nothing is damaged or missing.
    pub sound: bool,
    /// Pictures before others are missing, which decoders survive only with several threads.
    pub gaps: bool,
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
        let first = match first_picture(track, factory.as_ref()) {
            Ok(first) => first,
            // The decoder that knows the codec best has no name for such pictures: others show something else.
            Err(why) if why == UNKNOWN_PIXELS => return Err(why),
            Err(why) => {
                reason = why;
                continue;
            }
        };
        let tried = match first {
            // One decoded picture proves that the decoder works and gives the size that headers may lie about.
            Some(Decoded { packet: Some(_), raw, .. }) if !decode_all && believable(demuxed) => {
                Ok(from_packets(demuxed, factory.as_ref(), &raw))
            }
            _ => by_decoding(demuxed, factory.as_ref()),
        };
        match tried {
            Ok(index) => return Ok(index),
            Err(why) => reason = why,
        }
    }
    Err(reason)
}

/// The first picture of a stream, if a decoder makes one. An error where its pictures cannot be taken over, of any kind
/// that the stream announces.
fn first_picture(track: &Track, factory: Option<&gst::ElementFactory>) -> Result<Option<Decoded>, String> {
    let mut first = None;
    for (kind, caps) in track.caps.iter().enumerate() {
        let packets = track.packets.iter().skip_while(|p| p.caps != kind).take_while(|p| p.caps == kind);
        let picture = try_out(factory, packets.map(|p| (&p.buffer, caps)))?;
        first = if kind == 0 { picture } else { first };
    }
    Ok(first)
}

/// True where something here decodes a stream.
pub(super) fn has_decoder(track: &Track) -> bool {
    track.caps.first().is_none_or(|caps| is_raw(caps) || decoders(caps).is_ok())
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
        && track.dropped == 0
        && demuxed.error.is_none()
        && demuxed.cut.is_none()
        && missing_time(demuxed, 0).is_none()
        && track.packets.iter().all(|p| p.reading.sound)
        && track.packets.iter().enumerate().all(|(n, p)| p.reading.clean_start || n > 0 && !p.restart)
        && leading(track).next().is_none()
        && times.windows(2).all(|w| w[0] < w[1])
}

/// Packets that become frames.
fn shown(track: &Track) -> impl Iterator<Item = (usize, &Packet)> {
    track.packets.iter().enumerate().filter(|(_, p)| p.reading.shown && !p.preroll)
}

/// Pictures that are lost where decoding begins at the first packet, or anew behind it.
fn leading(track: &Track) -> impl Iterator<Item = usize> {
    let mut begun = 0;
    let packets = track.packets.iter().enumerate();
    packets
        .filter(move |(number, p)| {
            if *number == 0 || p.restart {
                begun = 1;
            } else if p.reading.clean_start {
                begun += 1;
            }
            begun == 1 && p.reading.leading && !p.preroll
        })
        .map(|(number, _)| number)
}

fn from_packets(demuxed: &Demuxed, factory: Option<&gst::ElementFactory>, first: &Raw) -> Index {
    let mut rows: Vec<Row> = shown(&demuxed.track)
        .map(|(number, p)| Row { time: p.time.unwrap_or(0), packet: number as u32, digest: 0 })
        .collect();
    rows.sort_by_key(|r| r.time);
    finish(demuxed, factory, rows, first, Found::default())
}

/// What a complete decoding brought.
#[derive(Default)]
struct Pass {
    /// Packet and digest of each picture.
    rows: Vec<(Option<usize>, u32)>,
    first: Option<Raw>,
    /// Pictures that the decoder marked as damaged.
    flagged: u32,
    /// The same before the first whole one.
    headless: u32,
    complaints: u32,
    /// Frames that came when the decoder had complained, or that it marked.
    places: Vec<usize>,
    /// See [`Complaints::no_memory`].
    no_memory: bool,
}

impl Pass {
    /// Notes what the decoder said meanwhile, unless that was to be expected.
    fn hear(&mut self, Complaints { count, no_memory }: Complaints, expected: bool) {
        self.complaints += if expected { 0 } else { count };
        if count > 0 && !expected {
            self.places.push(self.rows.len());
        }
        self.no_memory |= no_memory;
    }
}

/// Packets in which decoders miss what came before the first one, where that is no clean start: the first two groups.
fn unsettled(track: &Track) -> usize {
    if track.codec.is_none_or(|codec| !matches!(codec, Codec::H264 { .. })) {
        return 0;
    }
    let mut keys = track.packets.iter().enumerate().skip(1).filter(|(_, p)| p.key).map(|(number, _)| number);
    // Nothing behind a clean start is made from what came before it.
    let clean = track.packets.iter().position(|p| p.reading.clean_start).unwrap_or(track.packets.len());
    keys.nth(1).unwrap_or(track.packets.len()).min(clean)
}

fn decode_all(track: &Track, factory: Option<&gst::ElementFactory>, threads: u32) -> Result<Pass, String> {
    let (mut pass, unsettled) = (Pass::default(), unsettled(track));
    let _ = runtime::take_complaints();
    let end = run(track, factory, threads, |decoded| {
        let Decoded { packet, damaged, raw, .. } = decoded;
        pass.hear(runtime::take_complaints(), packet.is_some_and(|p| p < unsettled));
        if packet.and_then(|p| track.packets.get(p)).is_some_and(|p| p.preroll) {
            return true;
        }
        // Decoders mark what is made from pictures that never came.
        if damaged && pass.rows.is_empty() {
            pass.headless += 1;
            return true;
        }
        if damaged {
            pass.flagged += 1;
            pass.places.push(pass.rows.len());
        }
        pass.rows.push((packet, raw.digest()));
        pass.first.get_or_insert(raw);
        true
    });
    pass.hear(runtime::take_complaints(), unsettled >= track.packets.len());
    match end {
        Err(why) if pass.rows.is_empty() => Err(why),
        _ if pass.rows.is_empty() && pass.headless > 0 => {
            Err(format!("all of its {} pictures are made from pictures that are not in the file", pass.headless))
        }
        _ if pass.rows.is_empty() => Err("no picture could be decoded".into()),
        _ => Ok(pass),
    }
}

fn by_decoding(demuxed: &Demuxed, factory: Option<&gst::ElementFactory>) -> Result<Index, String> {
    let track = &demuxed.track;
    let mut pass = decode_all(track, factory, 1);
    let gaps = pass.as_ref().is_ok_and(|pass| pass.no_memory);
    if gaps {
        // What decoders say on other threads is not heard; what they mark and lose is seen.
        pass = decode_all(track, factory, 2).or(pass);
    }
    let Pass { rows, first, flagged, headless, complaints, mut places, .. } = pass?;
    places.dedup();
    let near = losses::some(places.iter().map(|frame| frame.min(&rows.len().saturating_sub(1)).to_string()));
    let first = first.ok_or("no picture could be decoded")?;
    let made: std::collections::HashSet<usize> = rows.iter().filter_map(|(packet, _)| *packet).collect();
    let by_ordinal = made.len() != rows.len();
    let (times, made_up) = display_times(demuxed, &rows);
    let lost = leading(track).filter(|packet| !made.contains(packet)).count();
    let headless = headless as usize + if by_ordinal { 0 } else { lost };
    let mut found = Found { by_ordinal, gaps, ..Found::default() };
    let missing = if gaps && !by_ordinal {
        // Several threads lose pictures without a word that is heard here.
        let settled = track.packets.iter().enumerate().skip(unsettled(track));
        let meant = settled.filter(|(_, p)| !p.preroll && (p.reading.shown || !p.reading.sound));
        meant.filter(|(n, _)| !made.contains(n)).count()
    } else if complaints > 0 || track.dropped > 0 || track.codec.is_some_and(Codec::shows_each_packet) {
        shown(track).count().saturating_sub(rows.len() + headless)
    } else {
        0
    };
    found.damage = damage(track, missing + track.dropped, flagged, complaints, near.as_deref());
    if headless > 0 {
        found.notes.push(format!(
            "{} at the beginning {} left out because what {} made from is not in the file; frames are numbered without {}",
            if headless == 1 { "a picture".to_owned() } else { format!("{headless} pictures") },
            if headless == 1 { "is" } else { "are" },
            if headless == 1 { "it is" } else { "they are" },
            if headless == 1 { "it" } else { "them" },
        ));
    }
    found.notes.extend(made_up);
    let rows = rows
        .iter()
        .zip(times)
        .map(|(&(packet, digest), time)| Row { time, packet: packet.unwrap_or(0) as u32, digest })
        .collect();
    Ok(finish(demuxed, factory, rows, &first, found))
}

/// Sentences about pictures that are not there or not right, from a complete decoding.
/// `near`: numbers of frames.
fn damage(track: &Track, missing: usize, flagged: u32, complaints: u32, near: Option<&str>) -> Vec<String> {
    let near = near.map_or_else(String::new, |frames| {
        let word = if frames.contains(' ') { "frames" } else { "frame" };
        format!(", near {word} {frames}")
    });
    let expected = track.packets.iter().filter(|p| !p.preroll).count() + track.dropped;
    let counted = track.codec.is_some_and(Codec::counts_by_packets);
    let mut out = Vec::new();
    // Fields, packed and placeholder packets of older codecs are no frames of their own: only where packets are
    // pictures do fewer pictures mean damage.
    if counted && missing > 0 {
        out.push(format!(
            "{missing} of {expected} frames could not be decoded because their data are damaged; frames are numbered without them"
        ));
    }
    // Sound files of older codecs bring a complaint or two.
    if complaints > if counted { 0 } else { 2 } {
        let errors = if complaints == 1 { "an error".to_owned() } else { format!("{complaints} errors") };
        out.push(format!(
            "the decoder reported {errors} in the data: some pictures are damaged{near}; get a new copy of the file if you can"
        ));
    } else if flagged > 0 {
        out.push(format!(
            "the decoder marked {flagged} pictures as damaged{near}; get a new copy of the file if you can"
        ));
    }
    out
}

/// Nanoseconds that the container promises beyond what is there, when that is more than rounding.
fn missing_time(demuxed: &Demuxed, frames: usize) -> Option<u64> {
    let claimed = demuxed.duration.filter(|_| !demuxed.whole)?;
    // Where packets have no times, the frames at the stated rate tell how far the file goes.
    let played = nominal_rate(&demuxed.track).map_or(0, |rate| (frames as f64 * 1e9 / rate) as u64);
    let played = if demuxed.track.untimed { played } else { 0 };
    let missing = claimed.checked_sub(demuxed.end.max(played))?;
    (missing > 250_000_000.max(claimed / 50)).then_some(missing)
}

/// What decoding found beside the pictures.
#[derive(Default)]
struct Found {
    /// Sentences about what is damaged.
    damage: Vec<String>,
    /// Sentences about what people should know of a sound file.
    notes: Vec<String>,
    by_ordinal: bool,
    gaps: bool,
}

/// Sentences about what is missing or contradicts itself in the container.
fn faults(demuxed: &Demuxed, frames: usize) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(error) = &demuxed.error {
        let error = error.trim_end_matches('.');
        faults.push(format!("reading the file stopped early ({error}): only the part before it is here"));
    }
    let missing = missing_time(demuxed, frames);
    if let (Some(missing), Some(claimed)) = (missing, demuxed.duration) {
        let seconds = |ns: u64| ns as f64 / 1e9;
        faults.push(format!(
            "the file is cut off: it announces {:.2} s but the last {:.2} s are missing; {frames} frames are there",
            seconds(claimed),
            seconds(missing)
        ));
    }
    if let Some((width, height)) = demuxed.track.lying_size {
        faults
            .push(format!("its header claims {width}x{height} pixels; the size inside the video data is used instead"));
    }
    faults.extend(demuxed.contradictions.iter().cloned());
    faults.extend(demuxed.lost.clone());
    // Once is enough where it is known how much is missing.
    faults.extend(demuxed.cut.clone().filter(|_| missing.is_none()));
    faults
}

/// Sentences about what people should know of a sound container.
fn notes(demuxed: &Demuxed, frames: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(time) = demuxed.headless {
        notes.push(format!(
            "the first {:.2} s are left out because they hold no picture from which decoding can begin",
            time as f64 / 1e9
        ));
    }
    // Writers of H.264 count fields, and leave every second one empty.
    let fields = matches!(demuxed.track.codec, Some(Codec::H264 { .. }));
    let fields = |c: Counted| fields && c.header as usize == 2 * frames && c.empty as usize == frames;
    if let Some(counted) = demuxed.counted.filter(|c| !fields(*c))
        && counted.header as usize != frames
        && (counted.empty > 0 || (counted.header as usize).abs_diff(frames) > 1)
    {
        let empty = match counted.empty {
            0 => String::new(),
            1 => ", one is empty and repeats the frame before it".to_owned(),
            n => format!(", {n} are empty and repeat the frame before them"),
        };
        notes.push(format!(
            "its header counts {} frames, {frames} are decoded{empty}: labels that count {} frames do not fit",
            counted.header, counted.header
        ));
    }
    notes
}

fn finish(
    demuxed: &Demuxed,
    factory: Option<&gst::ElementFactory>,
    rows: Vec<Row>,
    first: &Raw,
    found: Found,
) -> Index {
    let track = &demuxed.track;
    let mut warnings = found.damage;
    warnings.extend(faults(demuxed, rows.len()));
    let sound = warnings.is_empty();
    warnings.extend(losses::skipped(demuxed, &rows, !sound));
    warnings.extend(found.notes);
    warnings.extend(notes(demuxed, rows.len()));
    let Orientation { rotation, mirrored } = track.orientation;
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
    let last = last.and_then(|p| p.duration);
    let table = demuxed.elements.iter().any(|e| e == "qtdemux") && demuxed.contradictions.is_empty();
    timing(&mut info, &rows, nominal_rate(track), last.map(|last| (last, table)));
    Index {
        info,
        mirrored,
        rows,
        packets: track.packets.len() as u32,
        by_ordinal: found.by_ordinal,
        from_start: found.by_ordinal,
        sound,
        gaps: found.gaps,
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

/// The codec of a stream, as FFmpeg calls it.
pub(super) fn codec_name(track: &Track) -> String {
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

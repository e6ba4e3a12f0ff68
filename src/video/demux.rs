//! Takes a container apart: the compressed packets of its video stream with their times, without decoding.

use super::packet::{Codec, Reading};
use super::picture::MAX_SIDE;
use super::runtime;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use parking_lot::Mutex;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A pipeline that delivers nothing for this long is given up.
const STALL: Duration = Duration::from_secs(4);
/// The same before the first packet; tried twice.
const NO_START: Duration = Duration::from_secs(3);

const STANDSTILL: &str = "reading came to a standstill";

/// One compressed picture (or part of one).
pub(super) struct Packet {
    /// The compressed bytes with the container's time stamps.
    pub buffer: gst::Buffer,
    /// Position in [`Track::caps`].
    pub caps: usize,
    /// Presentation time in nanoseconds; `None` for packets that are decoded but not shown (pre-roll of an edit
    /// list) and for containers without times.
    pub time: Option<u64>,
    /// Lies outside what the container shows: decoded because later pictures need it, but not a frame.
    pub preroll: bool,
    /// Decoding time in nanoseconds.
    pub dts: Option<u64>,
    /// What the packet says about itself.
    pub reading: Reading,
}

/// The packets of one stream, in decoding order.
#[derive(Default)]
pub(super) struct Track {
    pub caps: Vec<gst::Caps>,
    pub packets: Vec<Packet>,
    /// GStreamer's name of the orientation, as `rotate-90` or `flip-rotate-0`.
    pub orientation: Option<String>,
    /// Chosen as the default by the container.
    pub selected: bool,
    /// Some packet had no presentation time although the segment would have shown it.
    pub untimed: bool,
    pub codec: Option<Codec>,
    /// The colour matrix that the container or the stream's headers name.
    pub matrix: Option<gst_video::VideoColorMatrix>,
    /// An impossible size that the container claimed.
    pub lying_size: Option<(i32, i32)>,
    /// Caps as they came last.
    seen: Option<gst::Caps>,
}

/// A container taken apart.
pub(super) struct Demuxed {
    pub track: Track,
    /// Factory names of the elements that took it apart, as `qtdemux` or `h264parse`.
    pub elements: Vec<String>,
    /// Length the container claims, in nanoseconds.
    pub duration: Option<u64>,
    /// Where the last packet of any stream ends, in nanoseconds.
    pub end: u64,
    /// Why reading ended before the end.
    pub error: Option<String>,
    /// A sentence when the size of the file itself shows that its end is missing.
    pub cut: Option<String>,
    /// Sentences about an index that contradicts itself.
    pub contradictions: Vec<String>,
}

/// Why there is nothing to show for a file.
pub(super) enum DemuxError {
    /// No video stream; the media types that were found.
    NoVideo(Vec<String>),
    /// GStreamer's own words.
    Failed(String),
    /// Nothing came, not even an error.
    Standstill,
}

#[derive(Default)]
struct Collected {
    tracks: Vec<(String, Track)>,
    end: u64,
    arrivals: u64,
}

impl Track {
    /// True where pictures may be made of two fields.
    pub fn has_fields(&self) -> bool {
        self.caps.iter().any(|c| {
            c.structure(0).is_some_and(|s| s.get::<&str>("interlace-mode").is_ok_and(|mode| mode != "progressive"))
        })
    }

    fn add(&mut self, buffer: gst::Buffer, caps: &gst::CapsRef, segment: Option<&gst::Segment>) {
        if self.seen.as_deref() != Some(caps) {
            self.seen = Some(caps.to_owned());
            if self.matrix.is_none() {
                self.matrix = colour_matrix(caps);
            }
            let (mut caps, lied) = believable_size(caps);
            // Decoders prefer the container's word on colour to the stream's own, and containers forget the range.
            if matches!(Codec::of(&caps), Codec::H264 { .. } | Codec::H265 { .. }) {
                for s in caps.make_mut().iter_mut() {
                    s.remove_field("colorimetry");
                }
            }
            self.lying_size = self.lying_size.or(lied);
            self.caps.push(caps);
            self.codec = self.caps.last().map(|c| Codec::of(c));
        }
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let codec = self.codec.unwrap_or(Codec::Other);
        let reading = match buffer.map_readable() {
            Ok(map) => codec.read(&map, key),
            Err(_) => Reading::plain(false, true, false),
        };
        self.untimed |= buffer.pts().is_none();
        let time = stream_time(&buffer, segment);
        let preroll = time.is_none() && buffer.pts().is_some();
        self.packets.push(Packet {
            dts: buffer.dts().map(gst::ClockTime::nseconds),
            buffer,
            caps: self.caps.len() - 1,
            time,
            preroll,
            reading,
        });
    }
}

fn colour_matrix(caps: &gst::CapsRef) -> Option<gst_video::VideoColorMatrix> {
    let said = caps.structure(0)?.get::<&str>("colorimetry").ok()?;
    let matrix = gst_video::VideoColorimetry::from_str(said).ok()?.matrix();
    (matrix != gst_video::VideoColorMatrix::Unknown).then_some(matrix)
}

/// Takes an impossible size out of compressed caps: the stream's own headers tell decoders the true one.
fn believable_size(caps: &gst::CapsRef) -> (gst::Caps, Option<(i32, i32)>) {
    let mut caps = caps.to_owned();
    let Some(s) = caps.structure(0) else { return (caps, None) };
    let size = (s.get::<i32>("width").unwrap_or(1), s.get::<i32>("height").unwrap_or(1));
    let possible = 1..=MAX_SIDE as i32;
    if s.name() == "video/x-raw" || (possible.contains(&size.0) && possible.contains(&size.1)) {
        return (caps, None);
    }
    for s in caps.make_mut().iter_mut() {
        s.remove_fields(["width", "height"]);
    }
    (caps, Some(size))
}

fn stream_time(buffer: &gst::BufferRef, segment: Option<&gst::Segment>) -> Option<u64> {
    let pts = buffer.pts()?;
    let segment = segment?.downcast_ref::<gst::ClockTime>()?;
    // A picture that begins where the segment stops is not shown.
    if segment.stop().is_some_and(|stop| pts >= stop && segment.start().is_some_and(|start| start < stop)) {
        return None;
    }
    segment.to_stream_time(pts).map(gst::ClockTime::nseconds)
}

/// Reads a file to its end and keeps the packets of its default video stream.
pub(super) fn demux(path: &Path) -> Result<Demuxed, DemuxError> {
    match demux_once(path, None) {
        // qtdemux takes a track shorter than a fifth of the movie for a preview and leaves it out. Where that leaves
        // nothing to see, the movie is made to claim no length.
        Err(DemuxError::NoVideo(found)) => match movie_length_at(path) {
            Some(place) => demux_once(path, Some(place)),
            None => Err(DemuxError::NoVideo(found)),
        },
        other => other,
    }
}

/// `blank`: bytes of the file that read as zeros.
fn demux_once(path: &Path, blank: Option<Range<u64>>) -> Result<Demuxed, DemuxError> {
    runtime::init().map_err(DemuxError::Failed)?;
    let failed = |e: gst::glib::BoolError| DemuxError::Failed(e.to_string());
    let pipeline = gst::Pipeline::new();
    let collected = Arc::new(Mutex::new(Collected::default()));
    let elements = Arc::new(Mutex::new(Vec::new()));
    pipeline.connect_deep_element_added({
        let elements = elements.clone();
        move |_, _, element| {
            if let Some(factory) = element.factory() {
                elements.lock().push(factory.name().to_string());
            }
        }
    });
    let source = gst::ElementFactory::make("filesrc").property("location", path).build().map_err(failed)?;
    // Naming the demuxer saves the search for it, and parsebin loses streams that are much shorter than others.
    let known = known_demuxer(path).and_then(|name| gst::ElementFactory::make(name).build().ok());
    let parse = match known {
        Some(element) => element,
        None => gst::ElementFactory::make("parsebin").build().map_err(failed)?,
    };
    pipeline.add_many([&source, &parse]).map_err(failed)?;
    source.link(&parse).map_err(failed)?;
    if let (Some(blank), Some(pad)) = (blank, source.static_pad("src")) {
        pad.add_probe(gst::PadProbeType::PULL | gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(buffer) = info.buffer_mut() {
                blank_out(buffer, &blank);
            }
            gst::PadProbeReturn::Ok
        });
    }
    parse.connect_pad_added({
        let (pipeline, collected) = (pipeline.downgrade(), collected.clone());
        move |_, pad| {
            if let Some(pipeline) = pipeline.upgrade() {
                attach(&pipeline, pad, &collected);
            }
        }
    });
    let error = match pipeline.set_state(gst::State::Playing) {
        Ok(_) => watch(&pipeline, &collected),
        Err(_) => Some(bus_error(&pipeline).unwrap_or_else(|| "the file cannot be read".into())),
    };
    let duration = pipeline.query_duration::<gst::ClockTime>().map(gst::ClockTime::nseconds);
    // An element that is stuck would block its own shutdown: let that happen on a thread nobody waits for.
    let (done, finished) = crossbeam_channel::bounded(1);
    std::thread::spawn(move || {
        let _ = pipeline.set_state(gst::State::Null);
        let _ = done.send(());
    });
    let _ = finished.recv_timeout(Duration::from_secs(2));

    let Collected { tracks, end, .. } = std::mem::take(&mut *collected.lock());
    let elements = elements.lock().clone();
    choose(tracks)
        .map(|track| Demuxed {
            track,
            elements,
            duration,
            end,
            error: error.clone(),
            cut: cut_off(path),
            contradictions: super::moov::contradictions(path),
        })
        .map_err(|found| match error {
            Some(error) if found.is_empty() && error == STANDSTILL => DemuxError::Standstill,
            Some(error) if found.is_empty() => DemuxError::Failed(error),
            _ => DemuxError::NoVideo(found),
        })
}

/// Where an MP4 file says how long the whole movie is (the duration field of `mvhd`, ISO/IEC 14496-12, 8.2.2).
fn movie_length_at(path: &Path) -> Option<Range<u64>> {
    let mut file = std::fs::File::open(path).ok()?;
    let end = file.metadata().ok()?.len();
    let mut at = 0_u64;
    while at + 8 <= end {
        let mut head = [0_u8; 16];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut head[..8]).ok()?;
        let (length, kind) = (u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])), &head[4..8]);
        match kind {
            // The movie header is the first box inside the movie.
            b"moov" => at += 8,
            b"mvhd" => {
                file.read_exact(&mut head[..1]).ok()?;
                return Some(if head[0] == 1 { at + 32..at + 40 } else { at + 24..at + 28 });
            }
            _ if length == 1 => {
                file.read_exact(&mut head[8..]).ok()?;
                let length = head[8..].iter().fold(0_u64, |n, &b| (n << 8) | u64::from(b));
                at = at.checked_add(length.max(16))?;
            }
            _ if length >= 8 => at += length,
            _ => return None,
        }
    }
    None
}

/// Zeroes the part of a piece of the file that lies in `blank`.
fn blank_out(buffer: &mut gst::Buffer, blank: &Range<u64>) {
    let start = buffer.offset();
    if start == u64::MAX {
        return;
    }
    let end = start.saturating_add(buffer.size() as u64);
    let (from, to) = (blank.start.max(start), blank.end.min(end));
    if from < to
        && let Ok(mut map) = buffer.make_mut().map_writable()
        && let Some(part) = map.get_mut((from - start) as usize..(to - start) as usize)
    {
        part.fill(0);
    }
}

/// The demuxer for the containers that nearly all videos are in.
fn known_demuxer(path: &Path) -> Option<&'static str> {
    let mut head = [0_u8; 12];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut head)).ok()?;
    match (&head[..4], &head[4..8]) {
        (_, b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip") => Some("qtdemux"),
        (b"\x1a\x45\xdf\xa3", _) => Some("matroskademux"),
        _ => None,
    }
}

/// Containers that announce no length, or forget it when their end is lost, still show by the file's size that it is.
fn cut_off(path: &Path) -> Option<String> {
    let mut head = vec![0_u8; 4096];
    let mut file = std::fs::File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    let read = file.read(&mut head).ok()?;
    head.truncate(read);
    let word = |at: usize| head.get(at..at + 4).map(|b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    if head.starts_with(b"RIFF") {
        let claimed = word(4)? + 8;
        if claimed <= size + 1 {
            return None;
        }
        let share = 100.0 * (claimed - size) as f64 / claimed as f64;
        return Some(format!(
            "the file is cut off: it announces {claimed} bytes, and about {share:.0} % of them are missing"
        ));
    }
    let packets = |length: usize| head.len() > 3 * length && (0..3).all(|n| head[n * length] == 0x47);
    (packets(188) && size % 188 != 0).then(|| {
        "the file ends inside a transport packet: it is cut off, and how much is missing is not known".to_owned()
    })
}

/// The parser that completes the caps of a stream a demuxer hands out as it stands in the container.
fn parser_for(pad: &gst::Pad) -> Option<gst::Element> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let s = caps.structure(0)?;
    if s.has_field("parsed") {
        return None;
    }
    let name = match s.name().as_str() {
        "video/x-h264" => "h264parse",
        "video/x-h265" => "h265parse",
        "video/x-av1" => "av1parse",
        _ => return None,
    };
    gst::ElementFactory::make(name).build().ok()
}

/// Links one stream to a sink that keeps video packets and only looks at the times of everything else.
fn attach(pipeline: &gst::Pipeline, pad: &gst::Pad, collected: &Arc<Mutex<Collected>>) {
    let sink = gst_app::AppSink::builder().sync(false).async_(false).build();
    sink.set_property("wait-on-eos", false);
    let slot = {
        let mut all = collected.lock();
        all.tracks.push((String::new(), Track::default()));
        all.tracks.len() - 1
    };
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample({
                let collected = collected.clone();
                move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    keep(&mut collected.lock(), slot, &sample);
                    Ok(gst::FlowSuccess::Ok)
                }
            })
            .build(),
    );
    if pipeline.add(&sink).is_err() || sink.sync_state_with_parent().is_err() {
        return;
    }
    let Some(target) = sink.static_pad("sink") else { return };
    target.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, {
        let collected = collected.clone();
        move |_, info| {
            if let Some(event) = info.event() {
                note_event(&mut collected.lock(), slot, event);
            }
            gst::PadProbeReturn::Ok
        }
    });
    let parsed = parser_for(pad)
        .filter(|p| pipeline.add(p).is_ok() && p.sync_state_with_parent().is_ok() && p.link(&sink).is_ok());
    let linked = match parsed.and_then(|p| p.static_pad("sink")) {
        Some(entry) => pad.link(&entry),
        None => pad.link(&target),
    };
    if let Err(error) = linked {
        log::debug!("the stream {} is left out: {error}", pad.name());
    }
}

fn keep(all: &mut Collected, slot: usize, sample: &gst::Sample) {
    all.arrivals += 1;
    let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps()) else { return };
    // Parsers of older codecs leave out presentation times; the decoding time is near enough to see a missing end.
    let time = stream_time(&buffer, sample.segment()).or_else(|| buffer.dts().map(gst::ClockTime::nseconds));
    if let Some(time) = time {
        all.end = all.end.max(time + buffer.duration().map_or(0, gst::ClockTime::nseconds));
    }
    let Some((media, track)) = all.tracks.get_mut(slot) else { return };
    if media.is_empty() {
        *media = caps.structure(0).map_or_else(String::new, |s| s.name().to_string());
    }
    if media.starts_with("video/") || media.starts_with("image/") {
        track.add(buffer, caps, sample.segment());
    }
}

fn note_event(all: &mut Collected, slot: usize, event: &gst::Event) {
    let Some((media, track)) = all.tracks.get_mut(slot) else { return };
    match event.view() {
        gst::EventView::Tag(tag) => {
            if let Some(value) = tag.tag().get::<gst::tags::ImageOrientation>() {
                track.orientation = Some(value.get().to_owned());
            }
        }
        gst::EventView::StreamStart(start) => {
            track.selected = start.stream_flags().contains(gst::StreamFlags::SELECT);
        }
        gst::EventView::Caps(caps) if media.is_empty() => {
            *media = caps.caps().structure(0).map_or_else(String::new, |s| s.name().to_string());
        }
        _ => {}
    }
}

/// Waits for the end, an error, or a standstill. Returns why it did not end well.
fn watch(pipeline: &gst::Pipeline, collected: &Mutex<Collected>) -> Option<String> {
    let bus = pipeline.bus()?;
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        let message = bus
            .timed_pop_filtered(gst::ClockTime::from_mseconds(100), &[gst::MessageType::Eos, gst::MessageType::Error]);
        match message.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Eos(_)) => return None,
            Some(gst::MessageView::Error(error)) => return Some(error.error().to_string()),
            _ => {}
        }
        let arrivals = collected.lock().arrivals;
        if arrivals != seen {
            (seen, since) = (arrivals, Instant::now());
        } else if since.elapsed() > if arrivals == 0 { NO_START } else { STALL } {
            return Some(STANDSTILL.into());
        }
    }
}

fn bus_error(pipeline: &gst::Pipeline) -> Option<String> {
    let message = pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
    match message.view() {
        gst::MessageView::Error(error) => Some(error.error().to_string()),
        _ => None,
    }
}

/// The default video stream: not a cover picture, marked as default, else the first. Err: the media types there are.
fn choose(tracks: Vec<(String, Track)>) -> Result<Track, Vec<String>> {
    let found = tracks.iter().map(|(media, _)| media.clone()).filter(|m| !m.is_empty()).collect();
    let several = tracks.iter().filter(|(_, t)| t.packets.len() > 1).count() > 0;
    tracks
        .into_iter()
        .map(|(_, track)| track)
        .filter(|t| !t.packets.is_empty())
        // A cover picture is a stream of one packet beside a real one.
        .filter(|t| !several || t.packets.len() > 1)
        // `min_by_key` keeps the first of equals.
        .min_by_key(|t| !t.selected)
        .ok_or(found)
}

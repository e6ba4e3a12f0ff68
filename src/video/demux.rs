//! Takes a container apart: the compressed packets of its video stream with their times, without decoding.

use super::beginning::{give_headers, headless, note_begin};
use super::container::{self, Counted};
use super::edits;
use super::mjpeg;
use super::moov::{Movie, MovieTrack, change};
use super::packet::{Codec, Reading};
use super::picture::{MAX_SIDE, Orientation};
use super::runtime;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use parking_lot::Mutex;
use std::collections::HashMap;
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
#[derive(Clone)]
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
    /// How long the container shows it, in nanoseconds.
    pub duration: Option<u64>,
    /// A key frame in the container's opinion; parsers call every intra picture one.
    pub key: bool,
    /// Decoding starts anew here: the next part of an edit list.
    pub restart: bool,
    /// What the packet says about itself.
    pub reading: Reading,
}

/// The packets of one stream, in decoding order.
#[derive(Default)]
pub(super) struct Track {
    pub caps: Vec<gst::Caps>,
    pub packets: Vec<Packet>,
    /// Its number in the container.
    pub id: Option<u32>,
    pub orientation: Orientation,
    /// Chosen as the default by the container.
    pub selected: bool,
    /// Some packet had no presentation time although the segment would have shown it.
    pub untimed: bool,
    pub codec: Option<Codec>,
    /// The colour matrix that the container or the stream's headers name.
    pub matrix: Option<gst_video::VideoColorMatrix>,
    /// Packets that its parser found no picture in.
    pub dropped: usize,
    /// An impossible size that the container claimed.
    pub lying_size: Option<(i32, i32)>,
    /// Caps as they came last.
    seen: Option<gst::Caps>,
    /// What came last of the part that the container shows.
    segment: Option<gst::Segment>,
}

/// A container taken apart.
#[derive(Default)]
pub(super) struct Demuxed {
    pub track: Track,
    /// Factory names of the elements that took it apart, as `qtdemux` or `h264parse`.
    pub elements: Vec<String>,
    /// Length the container claims, in nanoseconds.
    pub duration: Option<u64>,
    /// Where the last packet of any stream ends, in nanoseconds.
    pub end: u64,
    /// The same without the video stream.
    end_of_others: u64,
    /// Why reading ended before the end.
    pub error: Option<String>,
    /// A sentence when the size of the file itself shows that its end is missing.
    pub cut: Option<String>,
    /// A sentence when the counters of a transport stream show that packets are missing. The whole file is read for it, so
    /// only whoever makes the index asks for it.
    pub lost: Option<String>,
    /// All bytes that the file announces are there.
    pub whole: bool,
    /// How long the stream runs, in nanoseconds, before there is a picture from which decoding can begin.
    pub headless: Option<u64>,
    /// What an AVI file counts.
    pub counted: Option<Counted>,
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
    /// A container that only libav knows, by libav's name.
    Container(String),
}

#[derive(Default)]
struct Collected {
    streams: Vec<Collecting>,
    arrivals: u64,
}

/// One stream on its way out of the container.
#[derive(Default)]
struct Collecting {
    media: String,
    track: Track,
    /// Where its last packet ends, in nanoseconds.
    end: u64,
    /// How many packets the demuxer handed out.
    given: usize,
    /// How many of them had no presentation time.
    given_untimed: usize,
    /// By presentation time what the demuxer says of a packet before a parser changes it.
    said: HashMap<u64, Said>,
}

#[derive(Clone, Copy)]
struct Said {
    duration: Option<u64>,
    key: bool,
}

impl Said {
    fn of(buffer: &gst::BufferRef) -> Said {
        let duration = buffer.duration().map(gst::ClockTime::nseconds);
        Said { duration, key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) }
    }
}

impl Track {
    /// True where pictures may be made of two fields.
    pub fn has_fields(&self) -> bool {
        self.caps.iter().any(|c| {
            c.structure(0).is_some_and(|s| s.get::<&str>("interlace-mode").is_ok_and(|mode| mode != "progressive"))
        })
    }

    /// The parameter sets that its first packet brings along, each after a start code; `None` where there are none.
    fn parameter_sets(&self) -> Option<Vec<u8>> {
        let map = self.packets.first()?.buffer.map_readable().ok()?;
        let sets = self.codec?.parameter_sets(&map);
        (!sets.is_empty()).then_some(sets)
    }

    /// Gives packets back the time that the one before has too: parsers hand out a time stamp once.
    fn repeat_times(&mut self) {
        let mut last = None;
        for packet in &mut self.packets {
            match (packet.buffer.pts(), last) {
                (Some(pts), _) => last = Some((pts, packet.time, packet.preroll)),
                (None, Some((pts, time, preroll))) => {
                    packet.buffer.make_mut().set_pts(pts);
                    (packet.time, packet.preroll) = (time, preroll);
                }
                (None, None) => {}
            }
        }
        self.untimed = self.packets.iter().any(|p| p.buffer.pts().is_none());
    }

    fn add(&mut self, buffer: gst::Buffer, caps: &gst::CapsRef, segment: Option<&gst::Segment>, said: Said) {
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
        if self.segment.as_ref() != segment {
            self.segment = segment.cloned();
        }
        self.packets.push(Packet {
            dts: buffer.dts().map(gst::ClockTime::nseconds),
            duration: said.duration,
            key: said.key,
            restart: false,
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

/// One time for a whole stream, which begins at `start` or with an earlier packet: nothing is shown earlier or later than
/// the others, or not at all, because a demuxer thought better of where the stream begins.
fn settle(track: &mut Track, start: u64) {
    let own = |p: &Packet| p.buffer.pts().map(gst::ClockTime::nseconds);
    let before = track.packets.iter().filter_map(own).min().unwrap_or(0).min(start);
    for packet in &mut track.packets {
        packet.time = own(packet).map(|t| t - before);
        packet.preroll = false;
    }
}

/// Where the part of a stream that is shown begins, as it was said last.
fn start_of(track: &Track) -> u64 {
    let segment = track.segment.as_ref().and_then(|s| s.downcast_ref::<gst::ClockTime>());
    let start = |s: &gst::FormattedSegment<gst::ClockTime>| s.start()?.checked_sub(s.time().unwrap_or_default());
    segment.and_then(start).map_or(0, gst::ClockTime::nseconds)
}

/// Reads a file to its end and keeps the packets of its default video stream.
pub(super) fn demux(path: &Path) -> Result<Demuxed, DemuxError> {
    runtime::init().map_err(DemuxError::Failed)?;
    if let mjpeg::Jpeg::Several(pictures) = mjpeg::read(path).map_err(DemuxError::Failed)? {
        return Ok(motion_jpeg(&pictures));
    }
    let movie = (container::demuxer(path) == Some("qtdemux")).then(|| Movie::read(path)).flatten();
    let changes = movie.as_ref().map(Movie::without_edits).unwrap_or_default();
    let mut demuxed = demux_once(path, &changes, None)?;
    if demuxed.headless.is_some()
        && let Some(headers) = demuxed.track.parameter_sets()
        && let Ok(earlier) = demux_once(path, &changes, Some(headers))
    {
        demuxed = earlier;
    }
    let Some(movie) = movie else { return Ok(demuxed) };
    demuxed.contradictions = movie.contradictions();
    let mut tracks = movie.tracks();
    let own = tracks.iter().position(|t| Some(t.id) == demuxed.track.id);
    let own = own.or_else(|| (tracks.len() == 1).then_some(0)).map(|at| tracks.swap_remove(at));
    if let Some(own) = own {
        demuxed.believe(&movie, own);
    }
    Ok(demuxed)
}

impl Demuxed {
    /// Takes over what the index of an MP4 file says of the track.
    fn believe(&mut self, movie: &Movie, own: MovieTrack) {
        match own.orientation {
            Some(orientation) => self.track.orientation = orientation,
            None => self.contradictions.push(
                "it is to be shown turned by an angle that is no quarter turn; it is shown as it is stored".to_owned(),
            ),
        }
        // The edit list says how much of the track there is to be; the movie's own length may be older.
        let shown = own.shown_until().filter(|_| !movie.is_fragmented());
        self.duration = shown.or(movie.length()).or(self.duration.filter(|_| movie.is_fragmented()));
        if movie.is_fragmented() {
            // Nobody applies an edit list to fragments beyond where it says that the time begins.
            settle(&mut self.track, own.edits.first().map_or(0, |edit| edit.part.start));
        } else if let Some(packets) = edits::apply(&self.track.packets, &own.edits) {
            self.track.packets = packets;
        }
        let ends = self.track.packets.iter().filter_map(|p| Some(p.time? + p.duration.unwrap_or(0)));
        self.end = ends.max().unwrap_or(0).max(self.end_of_others);
    }
}

/// Raw Motion JPEG, which has no times.
pub(super) fn motion_jpeg(pictures: &mjpeg::Pictures) -> Demuxed {
    let caps = gst::Caps::builder("image/jpeg").field("parsed", true).build();
    let mut track = Track::default();
    for part in &pictures.parts {
        let packet = gst::Buffer::from_mut_slice(pictures.bytes[part.clone()].to_vec());
        track.add(packet, &caps, None, Said { duration: None, key: true });
    }
    let cut = pictures.cut.then(|| "the file is cut off inside its last picture, which is left out".to_owned());
    Demuxed { track, cut, ..Demuxed::default() }
}

/// `changes`: bytes that the file shall have at some places instead of its own. `headers`: parameter sets that a parser of
/// a stream that begins without them shall have from the start.
fn demux_once(path: &Path, changes: &[(u64, Vec<u8>)], headers: Option<Vec<u8>>) -> Result<Demuxed, DemuxError> {
    let failed = |e: gst::glib::BoolError| DemuxError::Failed(e.to_string());
    let pipeline = gst::Pipeline::new();
    let collected = Arc::new(Mutex::new(Collected::default()));
    let elements = Arc::new(Mutex::new(Vec::new()));
    let begins = Arc::new(Mutex::new(Vec::new()));
    pipeline.connect_deep_element_added({
        let (elements, begins) = (elements.clone(), begins.clone());
        move |_, _, element| {
            if let Some(factory) = element.factory() {
                elements.lock().push(factory.name().to_string());
                if ["h264parse", "h265parse"].contains(&factory.name().as_str()) {
                    if let Some(headers) = headers.clone() {
                        give_headers(element, headers);
                    }
                    note_begin(element, &begins);
                }
            }
        }
    });
    let source = gst::ElementFactory::make("filesrc").property("location", path).build().map_err(failed)?;
    // Naming the demuxer saves the search for it, and parsebin loses streams that are much shorter than others.
    let guessed = container::demuxer(path).is_none();
    let known = container::demuxer(path).and_then(|name| gst::ElementFactory::make(name).build().ok());
    let parse = match known {
        Some(element) => element,
        None => gst::ElementFactory::make("parsebin").build().map_err(failed)?,
    };
    pipeline.add_many([&source, &parse]).map_err(failed)?;
    source.link(&parse).map_err(failed)?;
    if let Some(pad) = source.static_pad("src").filter(|_| !changes.is_empty()) {
        let changes = changes.to_vec();
        pad.add_probe(gst::PadProbeType::PULL | gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(buffer) = info.buffer_mut() {
                changes.iter().for_each(|(at, bytes)| change(buffer, *at, bytes));
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

    let Collected { streams, .. } = std::mem::take(&mut *collected.lock());
    let elements: Vec<String> = elements.lock().clone();
    let foreign = elements.iter().find_map(|e| e.strip_prefix("avdemux_")).map(str::to_owned);
    choose(streams)
        .map(|(mut track, end, end_of_others)| {
            if elements.iter().any(|e| e == "matroskademux") {
                let start = start_of(&track);
                settle(&mut track, start);
            }
            Demuxed {
                track,
                elements,
                duration,
                end: end.max(end_of_others),
                end_of_others,
                error: error.clone(),
                cut: container::cut_off(path),
                lost: None,
                whole: container::is_whole(path),
                headless: headless(&begins.lock()).filter(|_| guessed),
                counted: container::counted(path),
                contradictions: Vec::new(),
            }
        })
        .map_err(|found| match error {
            Some(_) if found.is_empty() && foreign.is_some() => DemuxError::Container(foreign.unwrap_or_default()),
            Some(error) if found.is_empty() && error == STANDSTILL => DemuxError::Standstill,
            Some(error) if found.is_empty() => DemuxError::Failed(error),
            _ => DemuxError::NoVideo(found),
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
    // What lies before the part that an edit list shows is needed to decode it.
    sink.set_drop_out_of_segment(false);
    let slot = {
        let mut all = collected.lock();
        all.streams.push(Collecting::default());
        all.streams.len() - 1
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
    pad.add_probe(gst::PadProbeType::BUFFER, {
        let collected = collected.clone();
        move |_, info| {
            let said = info.buffer().and_then(|b| Some((b.pts()?.nseconds(), Said::of(b))));
            if let Some(stream) = collected.lock().streams.get_mut(slot) {
                stream.given += 1;
                stream.given_untimed += usize::from(said.is_none());
                stream.said.extend(said);
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
    let Some(stream) = all.streams.get_mut(slot) else { return };
    let said = buffer.pts().and_then(|pts| stream.said.remove(&pts.nseconds()));
    let said = said.unwrap_or_else(|| Said::of(&buffer));
    // Parsers of older codecs leave out presentation times; the decoding time is near enough to see a missing end.
    let time = match buffer.pts() {
        Some(_) => stream_time(&buffer, sample.segment()),
        None => buffer.dts().map(gst::ClockTime::nseconds),
    };
    if let Some(time) = time {
        stream.end = stream.end.max(time + said.duration.unwrap_or(0));
    }
    if stream.media.is_empty() {
        stream.media = caps.structure(0).map_or_else(String::new, |s| s.name().to_string());
    }
    if stream.media.starts_with("video/") || stream.media.starts_with("image/") {
        stream.track.add(buffer, caps, sample.segment(), said);
    }
}

fn note_event(all: &mut Collected, slot: usize, event: &gst::Event) {
    let Some(Collecting { media, track, .. }) = all.streams.get_mut(slot) else { return };
    match event.view() {
        gst::EventView::Tag(tag) => {
            if let Some(value) = tag.tag().get::<gst::tags::ImageOrientation>() {
                track.orientation = Orientation::of_tag(value.get());
            }
        }
        gst::EventView::StreamStart(start) => {
            track.selected = start.stream_flags().contains(gst::StreamFlags::SELECT);
            track.id = start.stream_id().rsplit('/').next().and_then(|id| id.parse().ok());
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

/// The default video stream: not a cover picture, marked as default, else the first; where it ends, and where all others
/// do. Err: the media types there are.
fn choose(streams: Vec<Collecting>) -> Result<(Track, u64, u64), Vec<String>> {
    let found = streams.iter().map(|s| s.media.clone()).filter(|m| !m.is_empty()).collect();
    let several = streams.iter().filter(|s| s.track.packets.len() > 1).count() > 0;
    let fits = |(_, s): &(usize, &Collecting)| {
        // A cover picture is a stream of one packet beside a real one.
        !s.track.packets.is_empty() && (!several || s.track.packets.len() > 1)
    };
    // `min_by_key` keeps the first of equals.
    let best = streams.iter().enumerate().filter(fits).min_by_key(|(_, s)| !s.track.selected).map(|(at, _)| at);
    let others = streams.iter().enumerate().filter(|(at, _)| Some(*at) != best).map(|(_, s)| s.end).max().unwrap_or(0);
    let chosen = best.and_then(|best| streams.into_iter().nth(best)).map(|mut s| {
        // Parsers make one packet of two fields.
        s.track.dropped = if s.track.has_fields() { 0 } else { s.given.saturating_sub(s.track.packets.len()) };
        if s.given_untimed == 0 && s.given >= s.track.packets.len() {
            s.track.repeat_times();
        }
        (s.track, s.end, others)
    });
    chosen.ok_or(found)
}

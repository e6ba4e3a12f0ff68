//! Takes a container apart: the compressed packets of its video stream with their times, without decoding.

use super::packet::{Codec, Reading};
use super::runtime;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A pipeline that delivers nothing for this long is given up.
const STALL: Duration = Duration::from_secs(4);

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
}

/// Why there is nothing to show for a file.
pub(super) enum DemuxError {
    /// No video stream; the media types that were found.
    NoVideo(Vec<String>),
    /// GStreamer's own words.
    Failed(String),
}

#[derive(Default)]
struct Collected {
    tracks: Vec<(String, Track)>,
    end: u64,
    arrivals: u64,
}

impl Track {
    /// The media type, as `video/x-h264`.
    pub fn media(&self) -> &str {
        self.caps.first().and_then(|c| c.structure(0)).map_or("", |s| s.name().as_str())
    }

    fn add(&mut self, buffer: gst::Buffer, caps: &gst::CapsRef, segment: Option<&gst::Segment>) {
        if self.caps.last().is_none_or(|c| c.as_ref() != caps) {
            self.caps.push(caps.to_owned());
            self.codec = Some(Codec::of(caps));
        }
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let codec = self.codec.unwrap_or(Codec::Other);
        let reading = match buffer.map_readable() {
            Ok(map) => codec.read(&map, key),
            Err(_) => Reading { clean_start: false, shown: true, sound: false },
        };
        self.untimed |= buffer.pts().is_none();
        let time = stream_time(&buffer, segment);
        let preroll = time.is_none() && buffer.pts().is_some();
        self.packets.push(Packet { buffer, caps: self.caps.len() - 1, time, preroll, reading });
    }
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
    runtime::init().map_err(DemuxError::Failed)?;
    let failed = |e: gst::glib::BoolError| DemuxError::Failed(e.to_string());
    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("filesrc").property("location", path).build().map_err(failed)?;
    let parse = gst::ElementFactory::make("parsebin").build().map_err(failed)?;
    pipeline.add_many([&source, &parse]).map_err(failed)?;
    source.link(&parse).map_err(failed)?;

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
    choose(tracks).map(|track| Demuxed { track, elements, duration, end, error: error.clone() }).map_err(|found| {
        match error {
            Some(error) if found.is_empty() => DemuxError::Failed(error),
            _ => DemuxError::NoVideo(found),
        }
    })
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
    let _ = pad.link(&target);
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
        } else if since.elapsed() > STALL {
            return Some("reading came to a standstill".into());
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

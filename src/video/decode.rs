//! One decoder element driven by hand: packets go in, pictures come out, on the caller's thread.
//!
//! No pipeline, no queues and no seeking stand between a packet and its picture. Every packet carries its number as
//! metadata, which decoders hand on to the picture they make of it: pictures are identified by origin, not by
//! time stamps that containers and decoders are known to get wrong.

use super::picture::{MAX_SIDE, Raw, full_range};
use super::runtime;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// A picture and where it came from.
pub(super) struct Decoded {
    /// Number of the packet it was made of; `None` when the decoder dropped the mark.
    pub packet: Option<usize>,
    /// The decoder itself says that the picture is damaged.
    pub damaged: bool,
    pub raw: Raw,
}

#[derive(Default)]
struct Output {
    ready: VecDeque<Decoded>,
    info: Option<(gst_video::VideoInfo, bool)>,
    refused: Option<String>,
}

/// A running decoder.
pub(super) struct PacketDecoder {
    element: gst::Element,
    feed: gst::Pad,
    // Kept alive: the element's source pad is linked to it.
    _drain: gst::Pad,
    bus: gst::Bus,
    output: Arc<Mutex<Output>>,
    mark: gst::Caps,
    caps: Option<gst::Caps>,
}

fn mark_caps() -> gst::Caps {
    gst::Caps::new_empty_simple("timestamp/x-kinolens-packet")
}

impl PacketDecoder {
    /// Starts a decoder made by `factory` (`None`: the stream is not compressed) with at most `threads` threads.
    ///
    /// libav's wrapper crashes on pixel formats that GStreamer has no name for, so [`try_out`] comes before the first one
    /// for a stream.
    pub fn start(factory: Option<&gst::ElementFactory>, threads: u32) -> Result<PacketDecoder, String> {
        Self::start_with(factory, threads, true)
    }

    /// `direct`: the decoder may write its pictures into memory that is handed out here.
    fn start_with(factory: Option<&gst::ElementFactory>, threads: u32, direct: bool) -> Result<PacketDecoder, String> {
        let element = match factory {
            Some(factory) => factory.create().build(),
            None => gst::ElementFactory::make("identity").build(),
        }
        .map_err(|e| e.to_string())?;
        set(&element, "max-threads", threads);
        set(&element, "threads", threads);
        set(&element, "max-errors", -1);
        set(&element, "qos", false);
        set(&element, "output-corrupt", true);
        set(&element, "direct-rendering", direct);
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));

        let output = Arc::new(Mutex::new(Output::default()));
        let feed = gst::Pad::builder(gst::PadDirection::Src).name("feed").build();
        let drain = drain_pad(&output).map_err(|e| e.to_string())?;
        let missing = || "the decoder has no pads".to_owned();
        let (sink, source) = (element.static_pad("sink"), element.static_pad("src"));
        let (sink, source) = (sink.ok_or_else(missing)?, source.ok_or_else(missing)?);
        feed.link(&sink).map_err(|e| e.to_string())?;
        source.link(&drain).map_err(|e| e.to_string())?;
        let start = || -> Result<(), gst::glib::BoolError> {
            drain.set_active(true)?;
            feed.set_active(true)?;
            Ok(())
        };
        start().map_err(|e| e.to_string())?;
        element.set_state(gst::State::Playing).map_err(|_| "the decoder does not start".to_owned())?;
        feed.push_event(gst::event::StreamStart::new("kinolens"));
        Ok(PacketDecoder { element, feed, _drain: drain, bus, output, mark: mark_caps(), caps: None })
    }

    /// Feeds a packet. Pictures that come out wait in [`PacketDecoder::next`].
    pub fn push(&mut self, number: usize, packet: &gst::Buffer, caps: &gst::Caps, fresh: bool) -> Result<(), String> {
        self.feed(number, packet, caps, fresh).map_err(|flow| self.explain(flow))
    }

    fn feed(
        &mut self,
        number: usize,
        packet: &gst::Buffer,
        caps: &gst::Caps,
        fresh: bool,
    ) -> Result<(), gst::FlowError> {
        if self.caps.as_ref() != Some(caps) {
            self.feed.push_event(gst::event::Caps::new(caps));
            if self.caps.is_none() {
                self.push_segment();
            }
            self.caps = Some(caps.clone());
        }
        let mut packet = packet.copy();
        let buffer = packet.make_mut();
        if fresh {
            buffer.set_flags(gst::BufferFlags::DISCONT);
        }
        gst::ReferenceTimestampMeta::add(
            buffer,
            &self.mark,
            gst::ClockTime::from_nseconds(number as u64),
            gst::ClockTime::NONE,
        );
        self.feed.push(packet).map(|_| ())
    }

    /// Lets the decoder hand out what it holds back.
    pub fn finish(&mut self) {
        self.feed.push_event(gst::event::Eos::new());
    }

    /// Forgets everything, ready for a packet from which decoding may start.
    pub fn reset(&mut self) {
        self.feed.push_event(gst::event::FlushStart::new());
        self.feed.push_event(gst::event::FlushStop::new(true));
        self.output.lock().ready.clear();
        if self.caps.is_some() {
            self.push_segment();
        }
    }

    /// The next picture in display order.
    pub fn next(&mut self) -> Option<Decoded> {
        self.output.lock().ready.pop_front()
    }

    fn push_segment(&self) {
        self.feed.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    }

    fn explain(&self, flow: gst::FlowError) -> String {
        if let Some(refused) = self.output.lock().refused.take() {
            return refused;
        }
        let message = self.bus.pop_filtered(&[gst::MessageType::Error]);
        match message.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Error(error)) => error.error().to_string(),
            _ => format!("the decoder gave up ({flow})"),
        }
    }
}

impl Drop for PacketDecoder {
    fn drop(&mut self) {
        let _ = self.feed.set_active(false);
        let _ = self.element.set_state(gst::State::Null);
        self.bus.set_flushing(true);
    }
}

/// The pad that receives pictures: plain memory only, and none of a size that no video has.
fn drain_pad(output: &Arc<Mutex<Output>>) -> Result<gst::Pad, gst::glib::BoolError> {
    let template = gst::PadTemplate::new(
        "drain",
        gst::PadDirection::Sink,
        gst::PadPresence::Always,
        &gst::Caps::new_empty_simple("video/x-raw"),
    )?;
    let (pictures, events) = (output.clone(), output.clone());
    let mark = mark_caps();
    Ok(gst::Pad::builder_from_template(&template)
        .chain_function(move |_, _, buffer| {
            let packet = buffer
                .iter_meta::<gst::ReferenceTimestampMeta>()
                .find(|m| m.reference() == mark.as_ref())
                .and_then(|m| usize::try_from(m.timestamp().nseconds()).ok());
            let mut output = pictures.lock();
            let Some((info, full_range)) = output.info.clone() else { return Err(gst::FlowError::NotNegotiated) };
            output.ready.push_back(Decoded {
                packet,
                damaged: buffer.flags().contains(gst::BufferFlags::CORRUPTED),
                raw: Raw { buffer, info, full_range },
            });
            Ok(gst::FlowSuccess::Ok)
        })
        .query_function(|pad, parent, query| {
            // Pictures with padding at the ends of their rows are welcome: decoders then write into the memory that is
            // handed out here, and copy nothing.
            if let gst::QueryViewMut::Allocation(allocation) = query.view_mut() {
                allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
                return true;
            }
            gst::Pad::query_default(pad, parent, query)
        })
        .event_function(move |pad, parent, event| {
            if let gst::EventView::Caps(caps) = event.view() {
                let mut output = events.lock();
                match gst_video::VideoInfo::from_caps(caps.caps()) {
                    Ok(info) if info.width() <= MAX_SIDE && info.height() <= MAX_SIDE => {
                        let full = full_range(caps.caps(), &info);
                        output.info = Some((info, full));
                    }
                    Ok(info) => {
                        output.refused = Some(format!(
                            "it claims pictures of {}x{} pixels; more than {MAX_SIDE} a side are not supported",
                            info.width(),
                            info.height()
                        ));
                        return false;
                    }
                    Err(error) => {
                        output.refused = Some(format!("its pixel format is not known ({error})"));
                        return false;
                    }
                }
            }
            gst::Pad::event_default(pad, parent, event)
        })
        .build())
}

/// Sets a property where the element has it, of the integer type it has it in.
fn set<T: Into<gst::glib::Value>>(element: &gst::Element, name: &str, value: T) {
    if let Some(property) = element.find_property(name)
        && property.flags().contains(gst::glib::ParamFlags::WRITABLE)
    {
        let value: gst::glib::Value = value.into();
        match value.transform_with_type(property.value_type()) {
            Ok(value) => element.set_property_from_value(name, &value),
            Err(_) => log::debug!("{}: {name} is of type {}", element.name(), property.value_type()),
        }
    }
}

/// Decoders for compressed caps, best first.
pub(super) fn decoders(caps: &gst::CapsRef) -> Result<Vec<gst::ElementFactory>, String> {
    let found = runtime::decoders_for(caps);
    if found.is_empty() { Err(runtime::no_decoder(caps)) } else { Ok(found) }
}

/// Pictures of a kind that GStreamer has no name for.
pub(super) const UNKNOWN_PIXELS: &str = "its pixel format is not supported here";

/// Packets without a picture after which a decoder is no longer waited for.
const PATIENCE: usize = 64;

/// Decodes up to the first picture and gives it; `None` where none comes.
///
/// # Errors
/// A sentence where pictures of this stream cannot be taken over from this decoder, which then must not be used for it.
pub(super) fn try_out<'a>(
    factory: Option<&gst::ElementFactory>,
    packets: impl Iterator<Item = (&'a gst::Buffer, &'a gst::Caps)>,
) -> Result<Option<Decoded>, String> {
    let mut decoder = PacketDecoder::start_with(factory, 1, false)?;
    let mut first = None;
    for (number, (packet, caps)) in packets.take(PATIENCE).enumerate() {
        // Not even its end may be told to a decoder that has seen such pictures.
        if let Err(gst::FlowError::NotNegotiated) = decoder.feed(number, packet, caps, number == 0) {
            return Err(decoder.output.lock().refused.take().unwrap_or_else(|| UNKNOWN_PIXELS.into()));
        }
        first = decoder.next();
        if first.is_some() {
            break;
        }
    }
    if first.is_none() {
        decoder.finish();
        first = decoder.next();
    }
    // It puts the colours of 16 bits at other places than it says.
    let shifts = factory.is_some_and(|f| f.name() == "pngdec");
    match first {
        Some(decoded) if shifts && decoded.raw.info.format() == gst_video::VideoFormat::Argb64 => {
            Err(UNKNOWN_PIXELS.into())
        }
        first => Ok(first),
    }
}

/// Decodes a single packet that is a whole picture, as a JPEG file is.
pub(super) fn picture_of(bytes: Vec<u8>, media: &str) -> Result<Raw, String> {
    runtime::init()?;
    let caps = gst::Caps::new_empty_simple(media);
    let packet = gst::Buffer::from_mut_slice(bytes);
    let mut reason = String::from("no picture could be decoded");
    for factory in decoders(&caps)? {
        match try_out(Some(&factory), std::iter::once((&packet, &caps))) {
            Ok(Some(decoded)) => return Ok(decoded.raw),
            Ok(None) => {}
            Err(why) => reason = why,
        }
    }
    Err(reason)
}

//! A decoder at a position in a stream, brought to any frame.

use super::decode::PacketDecoder;
use super::demux::Track;
use super::index::{Index, is_raw};
use super::packet::Codec;
use super::picture::Raw;
use gstreamer as gst;
use std::collections::VecDeque;
use std::sync::Arc;

/// Pictures a session keeps behind itself, so that stepping back does not decode again.
const RECENT_BYTES: usize = 48 << 20;
const RECENT_FRAMES: usize = 40;

/// The packets of an indexed stream and what is needed to decode them.
pub(super) struct Stream {
    pub index: Arc<Index>,
    track: Track,
    factory: Option<gst::ElementFactory>,
    /// Frame made of each packet; `u32::MAX` for none.
    frame_of: Vec<u32>,
    /// Packets from which decoding may start, ascending.
    starts: Vec<usize>,
}

impl Stream {
    /// Joins an index with the packets it was made from. Err when they do not belong together.
    pub fn new(index: Arc<Index>, track: Track) -> Result<Stream, String> {
        if index.packets as usize != track.packets.len() {
            return Err("the file changed while it was open; open it again".into());
        }
        let caps = track.caps.first().ok_or("the video stream is empty")?;
        let factory = if is_raw(caps) {
            None
        } else {
            Some(gst::ElementFactory::find(&index.decoder).ok_or("its decoder is not installed any more")?)
        };
        let mut frame_of = vec![u32::MAX; track.packets.len()];
        for (frame, row) in index.rows.iter().enumerate() {
            if let Some(slot) = frame_of.get_mut(row.packet as usize) {
                *slot = frame as u32;
            }
        }
        // A container's key frame from which H.264 does not start clean is used only where digests can catch a wrong
        // picture; packets before the first picture of a stream are no better a start than the first one.
        let checked = index.verified();
        let starts = track
            .packets
            .iter()
            .enumerate()
            .filter(|(n, p)| {
                let key = !p.buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
                *n == 0 || p.reading.clean_start || (checked && key)
            })
            .map(|(n, _)| n)
            .collect();
        Ok(Stream { index, track, factory, frame_of, starts })
    }

    /// True for codecs whose decoders really forget everything when flushed. Those of older codecs carry state over
    /// (MPEG-4 with packed B-frames gives other pictures after a flush), and get a new decoder instead.
    fn flushable(&self) -> bool {
        self.track.codec.is_some_and(Codec::counts_by_packets)
    }

    /// Bytes of compressed data held.
    pub fn byte_len(&self) -> usize {
        self.track.packets.iter().map(|p| p.buffer.size()).sum()
    }

    /// The best packet to start from for a frame: the last clean start that is displayed no later than the frame.
    fn start_for(&self, frame: u32) -> usize {
        let Some(row) = self.index.rows.get(frame as usize) else { return 0 };
        let upto = self.starts.partition_point(|&s| s <= row.packet as usize);
        let usable = |s: &&usize| self.frame_of.get(**s).is_some_and(|&shown| shown <= frame);
        self.starts[..upto].iter().rev().find(usable).copied().unwrap_or(0)
    }

    /// Frames between `start` and `end` at which decoding may begin without decoding anything before them, ascending.
    pub fn entries(&self, start: u32, end: u32) -> Vec<u32> {
        let shown = self.starts.iter().filter_map(|s| self.frame_of.get(*s)).copied();
        let mut entries: Vec<u32> = shown.filter(|f| *f > start && *f < end).collect();
        entries.sort_unstable();
        entries
    }

    /// The start before another one.
    fn start_before(&self, start: usize) -> usize {
        let at = self.starts.partition_point(|&s| s < start);
        at.checked_sub(1).and_then(|i| self.starts.get(i)).copied().unwrap_or(0)
    }
}

/// Why a frame was not found.
#[derive(Debug)]
pub(super) enum Miss {
    /// The caller lost interest.
    Cancelled,
    /// The decoder failed or the frame does not come out, even decoding from the start.
    Failed(String),
}

/// What a successful search learned beside the picture.
pub(super) struct Found {
    pub raw: Raw,
    /// Starting in the middle gave a wrong picture, starting at the first packet the right one.
    pub middle_is_wrong: bool,
}

enum Attempt {
    Found(Raw),
    Absent,
    Wrong,
}

/// A decoder somewhere in a stream.
pub(super) struct Session {
    stream: Arc<Stream>,
    decoder: PacketDecoder,
    /// Packet the current run started at; `None` before the first run.
    start: Option<usize>,
    /// Next packet to feed.
    next: usize,
    drained: bool,
    /// Pictures delivered in this run.
    delivered: u32,
    /// Last frame delivered in this run.
    last: Option<u32>,
    recent: VecDeque<(u32, Raw)>,
    recent_bytes: usize,
}

impl Session {
    pub fn new(stream: Arc<Stream>, threads: u32) -> Result<Session, String> {
        // Damaged data decode to the same pictures every time only on one thread.
        let threads = if stream.index.info.warnings.is_empty() && stream.flushable() { threads } else { 1 };
        let decoder = PacketDecoder::start(stream.factory.as_ref(), threads)?;
        Ok(Session {
            stream,
            decoder,
            start: None,
            next: 0,
            drained: false,
            delivered: 0,
            last: None,
            recent: VecDeque::new(),
            recent_bytes: 0,
        })
    }

    /// See [`Stream::entries`].
    pub fn entries(&self, start: u32, end: u32) -> Vec<u32> {
        self.stream.entries(start, end)
    }

    /// How far the decoder would have to go to reach a frame, for choosing among sessions: 0 is at hand.
    pub fn distance(&self, frame: u32) -> u32 {
        if self.recent.iter().any(|(f, _)| *f == frame) {
            return 0;
        }
        match self.last {
            Some(last) if frame > last => frame - last,
            _ => u32::MAX,
        }
    }

    /// Decodes one frame. `from_start` forbids starting anywhere but at the first packet; `cancelled` is asked between
    /// packets.
    pub fn frame(&mut self, frame: u32, from_start: bool, cancelled: &dyn Fn() -> bool) -> Result<Found, Miss> {
        if let Some((_, raw)) = self.recent.iter().find(|(f, _)| *f == frame) {
            return Ok(Found { raw: raw.clone(), middle_is_wrong: false });
        }
        let best = if from_start { 0 } else { self.stream.start_for(frame) };
        let mut wrong = false;
        if self.can_continue_to(frame, best) {
            match self.advance(frame, cancelled)? {
                Attempt::Found(raw) => return Ok(Found { raw, middle_is_wrong: false }),
                Attempt::Absent => {}
                Attempt::Wrong => wrong = self.start != Some(0),
            }
        }
        // The best start, the one before it, and the first packet: each is less likely to be wrong.
        let mut starts = vec![best, self.stream.start_before(best), 0];
        starts.dedup();
        for start in starts {
            self.restart(start)?;
            match self.advance(frame, cancelled)? {
                Attempt::Found(raw) => return Ok(Found { raw, middle_is_wrong: wrong && start == 0 }),
                Attempt::Absent | Attempt::Wrong => wrong |= start != 0,
            }
        }
        Err(Miss::Failed("its data are damaged: the decoder makes no picture of them".into()))
    }

    /// True when feeding on is no slower than starting anew at `best`.
    fn can_continue_to(&self, frame: u32, best: usize) -> bool {
        let Some(start) = self.start else { return false };
        let ahead = self.last.is_none_or(|last| frame > last);
        ahead && start <= best && !self.drained && best <= self.next + 2
            // Everything was fed, but what the decoder held back is waiting.
            || ahead && self.drained && self.last.is_some_and(|last| frame > last)
    }

    fn restart(&mut self, start: usize) -> Result<(), Miss> {
        if self.start.is_some() {
            if self.stream.flushable() {
                self.decoder.reset();
            } else {
                self.decoder = PacketDecoder::start(self.stream.factory.as_ref(), 1).map_err(Miss::Failed)?;
            }
        }
        (self.start, self.next, self.drained) = (Some(start), start, false);
        (self.delivered, self.last) = (0, None);
        Ok(())
    }

    fn advance(&mut self, frame: u32, cancelled: &dyn Fn() -> bool) -> Result<Attempt, Miss> {
        let mut failures = 0_u32;
        loop {
            while let Some(decoded) = self.decoder.next() {
                let number = if self.stream.index.by_ordinal {
                    self.delivered
                } else {
                    decoded.packet.and_then(|p| self.stream.frame_of.get(p)).copied().unwrap_or(u32::MAX)
                };
                self.delivered += 1;
                if number == u32::MAX {
                    continue;
                }
                self.last = Some(number);
                if number == frame {
                    let expected = self.stream.index.rows.get(frame as usize).map_or(0, |r| r.digest);
                    if expected != 0 && self.start != Some(0) && decoded.raw.digest() != expected {
                        return Ok(Attempt::Wrong);
                    }
                    self.remember(number, decoded.raw.clone());
                    return Ok(Attempt::Found(decoded.raw));
                }
                if number > frame {
                    self.remember(number, decoded.raw);
                    return Ok(Attempt::Absent);
                }
                self.remember(number, decoded.raw);
            }
            if cancelled() {
                return Err(Miss::Cancelled);
            }
            let stream = self.stream.clone();
            if let Some(packet) = stream.track.packets.get(self.next) {
                let Some(caps) = stream.track.caps.get(packet.caps) else { return Ok(Attempt::Absent) };
                let fresh = self.start == Some(self.next);
                if let Err(why) = self.decoder.push(self.next, &packet.buffer, caps, fresh) {
                    failures += 1;
                    if failures > 64 {
                        return Err(Miss::Failed(why));
                    }
                }
                self.next += 1;
            } else if !self.drained {
                self.drained = true;
                self.decoder.finish();
            } else {
                return Ok(Attempt::Absent);
            }
        }
    }

    /// Keeps a delivered picture. Those of a run from the middle are kept only where a digest vouches for them or the
    /// start is clean anyway.
    fn remember(&mut self, frame: u32, raw: Raw) {
        let row = self.stream.index.rows.get(frame as usize);
        let leading = self.start.is_some_and(|s| {
            s != 0 && self.stream.frame_of.get(s).is_some_and(|&shown| shown == u32::MAX || frame < shown)
        });
        let wrong = self.start != Some(0) && row.is_none_or(|r| r.digest != 0 && raw.digest() != r.digest);
        if leading || wrong || self.recent.iter().any(|(f, _)| *f == frame) {
            return;
        }
        self.recent_bytes += raw.byte_len();
        self.recent.push_back((frame, raw));
        while self.recent.len() > RECENT_FRAMES || (self.recent_bytes > RECENT_BYTES && self.recent.len() > 2) {
            if let Some((_, old)) = self.recent.pop_front() {
                self.recent_bytes -= old.byte_len();
            }
        }
    }
}

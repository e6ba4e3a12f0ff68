//! A decoder at a position in a stream, brought to any frame.

use super::decode::PacketDecoder;
use super::demux::Track;
use super::index::{Index, is_raw};
use super::packet::Codec;
use super::picture::Raw;
use super::reorder::{self, Prompt};
use gstreamer as gst;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pictures a session keeps behind itself, so that stepping back does not decode again.
const RECENT_BYTES: usize = 48 << 20;
const RECENT_FRAMES: usize = 40;

/// The packets of an indexed stream and what is needed to decode them.
pub(super) struct PacketStream {
    pub index: Arc<Index>,
    track: Track,
    factory: Option<gst::ElementFactory>,
    /// Frame made of each packet; `u32::MAX` for none.
    frame_of: Vec<u32>,
    /// Packets from which decoding may start, ascending.
    starts: Vec<usize>,
    /// Packets that no other needs; none where that cannot be relied on.
    spare: Vec<bool>,
    /// What makes decoders hold back no more pictures than are out of order; `None` where that is not known.
    prompt: Option<Prompt>,
    /// Leaving packets out, or holding back few pictures, has made one go missing: from now on everything is decoded as
    /// it stands.
    careful: AtomicBool,
}

impl PacketStream {
    /// Joins an index with the packets it was made from. Err when they do not belong together.
    pub fn new(index: Arc<Index>, track: Track) -> Result<PacketStream, String> {
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
        let certain = certain(&index, &track);
        let spare = spare_packets(&track, certain);
        let depth = if certain { reorder::depth(&frame_of) } else { None };
        let prompt = depth.and_then(|depth| Prompt::new(&track, depth));
        Ok(PacketStream { index, track, factory, frame_of, starts, spare, prompt, careful: AtomicBool::new(false) })
    }

    fn is_careful(&self) -> bool {
        self.careful.load(Ordering::Relaxed)
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

/// True where a packet is a picture and the data are sound, so that the order of the packets tells that of the pictures.
fn certain(index: &Index, track: &Track) -> bool {
    track.codec.is_some_and(Codec::counts_by_packets) && !index.by_ordinal && !track.has_fields() && index.sound
}

/// Packets that may be left out when nobody asked for their pictures: those that say that no other picture refers to
/// them.
fn spare_packets(track: &Track, certain: bool) -> Vec<bool> {
    // The pictures of a lower temporal layer may be referred to from a higher one.
    let highest = track.packets.iter().map(|p| p.reading.layer).max().unwrap_or(0);
    track.packets.iter().map(|p| certain && p.reading.unreferenced && p.reading.layer == highest).collect()
}

/// Which frames a session is going to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AccessPattern {
    /// This one and perhaps those after it.
    From(u32),
    /// These, ascending, one after the other.
    Only(Arc<[u32]>),
}

impl AccessPattern {
    fn wants(&self, frame: u32) -> bool {
        match self {
            AccessPattern::From(first) => frame >= *first,
            AccessPattern::Only(frames) => frames.binary_search(&frame).is_ok(),
        }
    }

    /// The next frame after one; `None` when that is not known, `Some(None)` when there is none.
    fn after(&self, frame: u32) -> Option<Option<u32>> {
        match self {
            AccessPattern::From(_) => None,
            AccessPattern::Only(frames) => Some(frames.get(frames.partition_point(|f| *f <= frame)).copied()),
        }
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
    stream: Arc<PacketStream>,
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
    plan: AccessPattern,
    /// Frames whose packets were left out in this run.
    left_out: HashSet<u32>,
    /// Packets fed and left out since the session began.
    counts: (u64, u64),
    threads: u32,
    /// The decoder was started when everything was to be decoded as it stands.
    careful: bool,
    /// In this run the decoder was told otherwise than the file says how many pictures to hold back.
    prompted: bool,
}

impl Session {
    pub fn new(stream: Arc<PacketStream>, threads: u32) -> Result<Session, String> {
        // Damaged data decode to the same pictures every time only on one thread.
        let threads = if stream.index.sound && stream.flushable() { threads } else { 1 };
        // See `runtime::Complaints`.
        let threads = if stream.index.gaps { threads.max(2) } else { threads };
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
            plan: AccessPattern::From(0),
            left_out: HashSet::new(),
            counts: (0, 0),
            threads,
            careful: false,
            prompted: false,
        })
    }

    /// Says what comes next, so that packets which matter to none of it are not decoded.
    pub fn expect(&mut self, plan: AccessPattern) {
        self.plan = plan;
    }

    /// Packets decoded, and packets left out because nobody needed them.
    pub fn counts(&self) -> (u64, u64) {
        self.counts
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
                Attempt::Wrong => wrong = self.start != Some(0) && self.left_out.is_empty(),
            }
        }
        // The best start, the one before it, and the first packet: each is less likely to be wrong.
        let mut starts = vec![best, self.stream.start_before(best), 0];
        starts.dedup();
        for start in starts {
            self.restart(start)?;
            let mut attempt = self.advance(frame, cancelled);
            let missed = match &attempt {
                Ok(Attempt::Found(_)) | Err(Miss::Cancelled) => false,
                Ok(Attempt::Wrong) => !self.left_out.is_empty(),
                Ok(Attempt::Absent) | Err(Miss::Failed(_)) => !self.left_out.is_empty() || self.prompted,
            };
            if missed {
                log::debug!(
                    "frame {frame} does not come out the short way; from now on everything is decoded as it stands"
                );
                self.stream.careful.store(true, Ordering::Relaxed);
                self.restart(start)?;
                attempt = self.advance(frame, cancelled);
            }
            match attempt? {
                Attempt::Found(raw) => return Ok(Found { raw, middle_is_wrong: wrong && start == 0 }),
                Attempt::Absent | Attempt::Wrong => wrong |= start != 0,
            }
        }
        Err(Miss::Failed("its data are damaged: the decoder makes no picture of them".into()))
    }

    /// True when feeding on is no slower than starting anew at `best`.
    fn can_continue_to(&self, frame: u32, best: usize) -> bool {
        let Some(start) = self.start else { return false };
        if self.left_out.contains(&frame) {
            return false;
        }
        let ahead = self.last.is_none_or(|last| frame > last);
        ahead && start <= best && !self.drained && best <= self.next + 2
            // Everything was fed, but what the decoder held back is waiting.
            || ahead && self.drained && self.last.is_some_and(|last| frame > last)
    }

    fn restart(&mut self, start: usize) -> Result<(), Miss> {
        if self.start.is_some() {
            // A decoder does not forget by flushing how many pictures it holds back.
            if self.stream.flushable() && self.careful == self.stream.is_careful() {
                self.decoder.reset();
            } else {
                self.decoder =
                    PacketDecoder::start(self.stream.factory.as_ref(), self.threads).map_err(Miss::Failed)?;
            }
        }
        (self.careful, self.prompted) = (self.stream.is_careful(), false);
        (self.start, self.next, self.drained) = (Some(start), start, false);
        (self.delivered, self.last) = (0, None);
        self.left_out.clear();
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
                    let whole = self.start == Some(0) && self.left_out.is_empty();
                    if expected != 0 && !whole && decoded.raw.digest() != expected {
                        return Ok(Attempt::Wrong);
                    }
                    // Who reads frames in order does not come back; kept pictures would only take memory and time.
                    if matches!(self.plan, AccessPattern::From(_)) {
                        self.remember(number, decoded.raw.clone());
                    }
                    return Ok(Attempt::Found(decoded.raw));
                }
                if number > frame {
                    self.remember(number, decoded.raw);
                    return Ok(Attempt::Absent);
                }
                if matches!(self.plan, AccessPattern::From(_)) {
                    self.remember(number, decoded.raw);
                }
            }
            if cancelled() {
                return Err(Miss::Cancelled);
            }
            if self.drained {
                return Ok(Attempt::Absent);
            }
            if self.all_fed(frame) {
                self.drained = true;
                self.decoder.finish();
                continue;
            }
            let stream = self.stream.clone();
            if self.may_leave_out(self.next) {
                self.left_out.extend(stream.frame_of.get(self.next));
                self.counts.1 += 1;
                self.next += 1;
            } else if let Some(packet) = stream.track.packets.get(self.next) {
                self.counts.0 += 1;
                let Some(caps) = stream.track.caps.get(packet.caps) else { return Ok(Attempt::Absent) };
                let prompt = stream.prompt.as_ref().filter(|_| !self.careful);
                let told = (prompt.and_then(|p| p.caps(packet.caps)), prompt.and_then(|p| p.packet(packet)));
                self.prompted |= told.0.is_some() || told.1.is_some();
                let (caps, buffer) = (told.0.unwrap_or(caps), told.1.as_ref().unwrap_or(&packet.buffer));
                let fresh = self.start == Some(self.next);
                if let Err(why) = self.decoder.push(self.next, buffer, caps, fresh) {
                    failures += 1;
                    if failures > 64 {
                        return Err(Miss::Failed(why));
                    }
                }
                self.next += 1;
            } else {
                self.drained = true;
                self.decoder.finish();
            }
        }
    }

    /// True for a packet that neither a wanted picture nor any other packet needs.
    fn may_leave_out(&self, packet: usize) -> bool {
        let spare = self.stream.spare.get(packet).is_some_and(|s| *s) && !self.stream.is_careful();
        // One that makes no frame of its own may be half of another's.
        spare && self.stream.frame_of.get(packet).is_some_and(|frame| *frame != u32::MAX && !self.plan.wants(*frame))
    }

    /// True when what is fed is enough for a frame, and decoding starts anew for the one after it anyway: the decoder
    /// can be made to hand out what it holds instead of being fed packets that push it out.
    fn all_fed(&self, frame: u32) -> bool {
        let Some(after) = self.plan.after(frame) else { return false };
        // Decoders of one packet a picture give back all they hold, and can go on afterwards.
        self.stream.flushable()
            && self.stream.index.rows.get(frame as usize).is_some_and(|row| (row.packet as usize) < self.next)
            && after.is_none_or(|next| self.stream.start_for(next) >= self.next)
    }

    /// Keeps a delivered picture. Those of a run from the middle are kept only where a digest vouches for them or the
    /// start is clean anyway.
    fn remember(&mut self, frame: u32, raw: Raw) {
        let row = self.stream.index.rows.get(frame as usize);
        let leading = self.start.is_some_and(|s| {
            s != 0 && self.stream.frame_of.get(s).is_some_and(|&shown| shown == u32::MAX || frame < shown)
        });
        let whole = self.start == Some(0) && self.left_out.is_empty();
        let wrong = !whole && row.is_none_or(|r| r.digest != 0 && raw.digest() != r.digest);
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

#[cfg(test)]
mod tests {
    use super::super::{demux::demux, index, runtime};
    use super::*;
    use gstreamer::prelude::*;
    use std::path::{Path, PathBuf};

    const FRAMES: u32 = 60;

    /// A video with pictures out of order, by at most two; `None`, with a word, where no encoder can make it.
    fn film() -> Option<(tempfile::TempDir, PathBuf)> {
        runtime::init().unwrap();
        if gst::ElementFactory::find("x264enc").is_none() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "x264enc is missing");
            eprintln!("skipped: x264enc is not installed");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film.mp4");
        let description = format!(
            "videotestsrc num-buffers={FRAMES} pattern=ball ! video/x-raw,format=I420,width=160,height=120 \
             ! x264enc key-int-max=30 bframes=3 b-adapt=false b-pyramid=true ! video/x-h264,stream-format=avc \
             ! mp4mux ! filesink location={}",
            path.display()
        );
        let pipeline = gst::parse::launch(&description).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let end = pipeline.bus().unwrap();
        let end =
            end.timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Eos, gst::MessageType::Error]);
        pipeline.set_state(gst::State::Null).unwrap();
        assert_eq!(end.unwrap().type_(), gst::MessageType::Eos);
        Some((dir, path))
    }

    /// Its packets, with parameter sets that do not say how far the pictures are out of order.
    fn silent(path: &Path) -> (Arc<Index>, Track) {
        let Ok(mut demuxed) = demux(path) else { panic!("{} is no video", path.display()) };
        let index = index::build(&demuxed, true).unwrap();
        assert_eq!(index.info.frames, FRAMES);
        let track = &mut demuxed.track;
        for caps in &mut track.caps {
            let s = caps.make_mut().structure_mut(0).unwrap();
            let record = s.get::<gst::Buffer>("codec_data").unwrap().map_readable().unwrap().to_vec();
            s.set("codec_data", gst::Buffer::from_mut_slice(reorder::silent_configuration(&record)));
        }
        for packet in &mut track.packets {
            let data = reorder::silent_packet(&packet.buffer.map_readable().unwrap());
            packet.buffer = reorder::with_data(&packet.buffer, data).unwrap();
        }
        (Arc::new(index), demuxed.track)
    }

    /// Decodes frames in any order and compares them with what decoding in order gave; returns packets fed in all.
    fn jump(stream: PacketStream, frames: &[u32]) -> (u64, Arc<PacketStream>) {
        let stream = Arc::new(stream);
        let mut fed = 0;
        for frame in frames {
            let mut session = Session::new(stream.clone(), 1).unwrap();
            session.expect(AccessPattern::From(*frame));
            let Ok(found) = session.frame(*frame, false, &|| false) else { panic!("frame {frame} does not come out") };
            assert_eq!(found.raw.digest(), stream.index.rows[*frame as usize].digest, "frame {frame}");
            fed += session.counts().0;
        }
        (fed, stream)
    }

    #[test]
    fn a_decoder_that_knows_the_depth_needs_fewer_packets_and_gives_the_same_pictures() {
        let Some((_dir, path)) = film() else { return };
        let frames: Vec<u32> = (0..FRAMES).collect();
        let (index, track) = silent(&path);
        let (prompt, stream) = jump(PacketStream::new(index, track).unwrap(), &frames);
        assert!(!stream.is_careful(), "a frame did not come out");
        let (index, track) = silent(&path);
        let mut slow = PacketStream::new(index, track).unwrap();
        slow.prompt = None;
        let (waiting, _) = jump(slow, &frames);
        assert!(prompt * 3 < waiting * 2, "{prompt} packets instead of {waiting}");
    }

    #[test]
    fn a_depth_that_is_too_small_loses_no_frame() {
        let Some((_dir, path)) = film() else { return };
        let (index, track) = silent(&path);
        let mut wrong = PacketStream::new(index, track).unwrap();
        wrong.prompt = Prompt::new(&wrong.track, 0);
        let mut session = Session::new(Arc::new(wrong), 1).unwrap();
        let stream = session.stream.clone();
        let frames: Vec<u32> = (0..FRAMES).collect();
        session.expect(AccessPattern::Only(frames.clone().into()));
        for frame in frames {
            let Ok(found) = session.frame(frame, false, &|| false) else { panic!("frame {frame} does not come out") };
            assert_eq!(found.raw.digest(), stream.index.rows[frame as usize].digest, "frame {frame}");
        }
        assert!(stream.is_careful());
    }
}

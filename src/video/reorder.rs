//! How many pictures an H.264 decoder holds back, where the stream forgets to say it.
//!
//! Pictures may be coded in another order than they are shown in. A stream can say how far they are out of order
//! (`max_num_reorder_frames`, ITU-T H.264, E.2.1). Where it does not, a decoder that must not lose any holds back as many as
//! its level has memory for, up to 16: each jump to a frame then decodes a dozen more pictures than it needs, and a
//! dozen pictures travel through memory. The container's times tell the true number, which is put into the parameter set.

use super::demux::{Packet, Track};
use super::packet::{Codec, units};
use gstreamer as gst;

/// Frames that precede another one in decoding order and follow it in display order, at most; `None` where a packet
/// makes no frame of its own.
///
/// `frame_of`: the number of each packet's frame in display order.
pub(super) fn depth(frame_of: &[u32]) -> Option<u32> {
    let mut decoded = vec![false; frame_of.len()];
    let (mut next, mut depth) = (0, 0);
    for (before, frame) in frame_of.iter().enumerate() {
        let slot = decoded.get_mut(*frame as usize)?;
        if std::mem::replace(slot, true) {
            return None;
        }
        if *frame as usize == next {
            // All frames below it were decoded earlier; the others decoded earlier wait for it.
            depth = depth.max(before - next);
            next += decoded[next..].iter().take_while(|d| **d).count();
        }
    }
    u32::try_from(depth).ok()
}

/// What decoders are given instead of what is in the file, so that they know how far its pictures are out of order.
pub(super) struct Prompt {
    depth: u32,
    length_size: Option<usize>,
    /// By position in [`Track::caps`]; `None` where the file says it.
    caps: Vec<Option<gst::Caps>>,
}

impl Prompt {
    /// For an H.264 stream whose pictures are out of order by `depth`; `None` for others.
    pub fn new(track: &Track, depth: u32) -> Option<Self> {
        let Some(Codec::H264 { length_size }) = track.codec.filter(|_| depth <= MOST) else { return None };
        let caps = track.caps.iter().map(|caps| with_depth(caps, depth)).collect();
        Some(Self { depth, length_size, caps })
    }

    /// The caps at a position in [`Track::caps`] with the depth in their parameter sets; `None` where they say it
    /// themselves, or are of a kind that is not understood.
    pub fn caps(&self, at: usize) -> Option<&gst::Caps> {
        self.caps.get(at)?.as_ref()
    }

    /// A packet with the depth in the parameter sets it carries; `None` for one that carries none, or whose sets say it.
    pub fn packet(&self, packet: &Packet) -> Option<gst::Buffer> {
        // Parameter sets come with a picture from which decoding may start.
        if !packet.reading.clean_start {
            return None;
        }
        let data = packet.buffer.map_readable().ok()?;
        with_data(&packet.buffer, access_unit_with_depth(&data, self.length_size, self.depth)?)
    }
}

fn with_depth(caps: &gst::Caps, depth: u32) -> Option<gst::Caps> {
    let data = caps.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
    let record = configuration_with_depth(&data.map_readable().ok()?, depth)?;
    let mut caps = caps.clone();
    caps.make_mut().structure_mut(0)?.set("codec_data", gst::Buffer::from_mut_slice(record));
    Some(caps)
}

/// A packet with other data, and the flags and times it has.
pub(super) fn with_data(packet: &gst::Buffer, data: Vec<u8>) -> Option<gst::Buffer> {
    let mut other = gst::Buffer::from_mut_slice(data);
    let kept = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META;
    packet.copy_into(other.get_mut()?, kept, ..).ok()?;
    Some(other)
}

/// Rewrites the sequence parameter sets among the units of a packet; `None` where there is nothing to rewrite.
fn access_unit_with_depth(data: &[u8], length_size: Option<usize>, depth: u32) -> Option<Vec<u8>> {
    let (mut out, mut copied) = (Vec::new(), 0);
    units(data, length_size, &mut |range| {
        let Some(unit) = sequence_with_depth(&data[range.clone()], depth) else { return };
        let size = length_size.unwrap_or(0);
        let length = (unit.len() as u64).to_be_bytes();
        let Some((beyond, length)) = length.split_at_checked(length.len() - size) else { return };
        if size > 0 && beyond.iter().any(|b| *b != 0) {
            return;
        }
        out.extend_from_slice(&data[copied..range.start - size]);
        out.extend_from_slice(length);
        out.extend(unit);
        copied = range.end;
    });
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(&data[copied..]);
    Some(out)
}

/// Frames that a decoder's memory holds at most (ITU-T H.264, A.3.1).
const MOST: u32 = 16;

/// Rewrites the sequence parameter sets of a decoder configuration record (ISO/IEC 14496-15, 5.3.3.1).
fn configuration_with_depth(record: &[u8], depth: u32) -> Option<Vec<u8>> {
    let (head, mut rest) = record.split_at_checked(6)?;
    if head[0] != 1 {
        return None;
    }
    let mut out = head.to_vec();
    for _ in 0..head[5] & 0x1f {
        let (length, body) = rest.split_first_chunk::<2>()?;
        let (unit, after) = body.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let unit = sequence_with_depth(unit, depth)?;
        out.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
        out.extend(unit);
        rest = after;
    }
    out.extend(rest);
    Some(out)
}

/// Rewrites one sequence parameter set (7.3.2.1.1); `None` for one that says its depth, for fields, and for nonsense.
fn sequence_with_depth(unit: &[u8], depth: u32) -> Option<Vec<u8>> {
    let (header, body) = unit.split_first()?;
    if header & 0x1f != 7 {
        return None;
    }
    let mut bits = Bits::new(body);
    let references = skip_to_usability(&mut bits)?;
    let mut out;
    if bits.flag()? {
        skip_usability(&mut bits)?;
        let said = bits.flag()?;
        if said {
            return None;
        }
        out = bits.read_so_far();
        out.pop();
    } else {
        out = bits.read_so_far();
        out.pop();
        // There is usability information now, of which all parts but the last are absent (E.1.1).
        out.push(true);
        out.extend([false; 8]);
    }
    restriction(&mut out, depth, references);
    let mut unit = vec![*header];
    unit.extend(escaped(&packed(out)));
    Some(unit)
}

/// Everything before it is said whether there is usability information. Gives the number of reference frames; `None` for
/// fields.
fn skip_to_usability(bits: &mut Bits) -> Option<u32> {
    let profile = bits.take(8)?;
    bits.skip(16)?;
    bits.number()?;
    if HIGH_PROFILES.contains(&profile) {
        skip_high(bits)?;
    }
    bits.number()?;
    match bits.number()? {
        0 => bits.skip_numbers(1)?,
        1 => {
            bits.skip(1)?;
            bits.skip_numbers(2)?;
            let cycle = bits.number()?;
            bits.skip_numbers(cycle)?;
        }
        _ => {}
    }
    let references = bits.number()?;
    bits.skip(1)?;
    bits.skip_numbers(2)?;
    let frames_only = bits.flag()?;
    if !frames_only {
        return None;
    }
    bits.skip(1)?;
    if bits.flag()? {
        bits.skip_numbers(4)?;
    }
    Some(references)
}

/// Profiles whose parameter sets tell of chroma and scaling.
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Chroma format, bit depths and scaling lists.
fn skip_high(bits: &mut Bits) -> Option<()> {
    let chroma = bits.number()?;
    bits.skip(usize::from(chroma == 3))?;
    bits.skip_numbers(2)?;
    bits.skip(1)?;
    if !bits.flag()? {
        return Some(());
    }
    for list in 0..if chroma == 3 { 12 } else { 8 } {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8_i32, 8);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = last.checked_add(bits.signed()?)?.rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// Video usability information up to the restriction of the bitstream (E.1.1).
fn skip_usability(bits: &mut Bits) -> Option<()> {
    const EXTENDED_ASPECT: u32 = 255;
    if bits.flag()? && bits.take(8)? == EXTENDED_ASPECT {
        bits.skip(32)?;
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    if bits.flag()? {
        bits.skip(4)?;
        if bits.flag()? {
            bits.skip(24)?;
        }
    }
    if bits.flag()? {
        bits.skip_numbers(2)?;
    }
    if bits.flag()? {
        bits.skip(65)?;
    }
    let mut buffers = false;
    for _ in 0..2 {
        if bits.flag()? {
            buffers = true;
            let count = bits.number()?.checked_add(1)?;
            bits.skip(8)?;
            for _ in 0..count {
                bits.skip_numbers(2)?;
                bits.skip(1)?;
            }
            bits.skip(20)?;
        }
    }
    bits.skip(usize::from(buffers))?;
    bits.skip(1)
}

/// The restriction of the bitstream, with the values that hold for everything else where it is absent.
fn restriction(out: &mut Vec<bool>, depth: u32, references: u32) {
    const BYTES_A_PICTURE: u32 = 2;
    const BITS_A_MACROBLOCK: u32 = 1;
    const MOTION_VECTOR: u32 = 16;
    out.extend([true, true]);
    // References, and those that wait to be shown.
    let memory = references.saturating_add(depth).min(MOST).max(references);
    for value in [BYTES_A_PICTURE, BITS_A_MACROBLOCK, MOTION_VECTOR, MOTION_VECTOR, depth, memory] {
        push_number(out, value);
    }
}

/// An unsigned Exp-Golomb code (9.1).
fn push_number(out: &mut Vec<bool>, value: u32) {
    let code = u64::from(value) + 1;
    let length = 64 - code.leading_zeros();
    out.extend((1..length).map(|_| false));
    out.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
}

/// Bytes of bits, closed by a one and zeros (7.3.2.11).
fn packed(mut bits: Vec<bool>) -> Vec<u8> {
    bits.push(true);
    bits.chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | u8::from(*bit) << (7 - at)))
        .collect()
}

/// With a three where a start code would appear (7.4.1).
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 4);
    for byte in bytes {
        if *byte <= 3 && out.ends_with(&[0, 0]) {
            out.push(3);
        }
        out.push(*byte);
    }
    out
}

/// A parameter set, bit by bit.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn new(escaped: &[u8]) -> Self {
        let (mut bytes, mut zeros) = (Vec::with_capacity(escaped.len()), 0);
        for byte in escaped {
            if zeros >= 2 && *byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            bytes.push(*byte);
        }
        Self { bytes, at: 0 }
    }

    fn bit(&self, at: usize) -> Option<bool> {
        Some(self.bytes.get(at / 8)? >> (7 - at % 8) & 1 == 1)
    }

    fn flag(&mut self) -> Option<bool> {
        let bit = self.bit(self.at)?;
        self.at += 1;
        Some(bit)
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | u32::from(self.flag()?)))
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// An unsigned Exp-Golomb code.
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        (zeros < 32).then_some(())?;
        Some(((1_u64 << zeros) - 1) as u32 + self.take(zeros)?)
    }

    /// A signed Exp-Golomb code (9.1.1).
    fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.number()?);
        i32::try_from(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) }).ok()
    }

    /// Codes of either kind.
    fn skip_numbers(&mut self, count: u32) -> Option<()> {
        (0..count).try_for_each(|_| self.number().map(drop))
    }

    fn read_so_far(&self) -> Vec<bool> {
        (0..self.at).filter_map(|at| self.bit(at)).collect()
    }
}

/// A sequence parameter set that says nothing of usability, as some cameras write it.
#[cfg(test)]
fn silent(unit: &[u8]) -> Vec<u8> {
    let mut bits = Bits::new(&unit[1..]);
    skip_to_usability(&mut bits).unwrap();
    assert!(bits.flag().unwrap(), "it says nothing already");
    let mut out = bits.read_so_far();
    *out.last_mut().unwrap() = false;
    [vec![unit[0]], escaped(&packed(out))].concat()
}

/// A configuration record with such a set.
#[cfg(test)]
pub(super) fn silent_configuration(record: &[u8]) -> Vec<u8> {
    let end = 8 + usize::from(u16::from_be_bytes([record[6], record[7]]));
    let unit = silent(&record[8..end]);
    [&record[..6], &(unit.len() as u16).to_be_bytes(), &unit, &record[end..]].concat()
}

/// A packet (lengths of four bytes) with such sets.
#[cfg(test)]
pub(super) fn silent_packet(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(units(data, Some(4), &mut |range| {
        let unit = &data[range];
        let unit = if unit[0] & 0x1f == 7 { silent(unit) } else { unit.to_vec() };
        out.extend((unit.len() as u32).to_be_bytes());
        out.extend(unit);
    }));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, seq::SliceRandom};

    #[test]
    fn the_depth_is_the_number_of_frames_that_wait_for_an_earlier_one() {
        assert_eq!(depth(&[0, 1, 2, 3]), Some(0));
        // I P B B, and a pyramid: I P B b b.
        assert_eq!(depth(&[0, 3, 1, 2, 6, 4, 5]), Some(1));
        assert_eq!(depth(&[0, 4, 2, 1, 3, 8, 6, 5, 7]), Some(2));
        assert_eq!(depth(&[3, 2, 1, 0]), Some(3));
        assert_eq!(depth(&[]), Some(0));
        // A packet without a frame, one frame twice.
        assert_eq!(depth(&[0, u32::MAX, 1]), None);
        assert_eq!(depth(&[0, 1, 1]), None);
    }

    /// By the definition: frames before another one in decoding order and after it in display order.
    #[test]
    fn the_depth_of_any_order_is_that_of_its_definition() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        for turn in 0..300 {
            let mut order: Vec<u32> = (0..turn % 40).collect();
            order.chunks_mut(1 + turn as usize % 7).for_each(|part| part.shuffle(&mut random));
            let later = |at: usize| order[..at].iter().filter(|f| **f > order[at]).count() as u32;
            assert_eq!(depth(&order), Some((0..order.len()).map(later).max().unwrap_or(0)), "{order:?}");
        }
    }

    /// Numbers and their codes of ITU-T H.264, table 9-2.
    #[test]
    fn numbers_are_written_and_read_as_the_standard_has_them() {
        for (value, code) in [(0, "1"), (1, "010"), (2, "011"), (3, "00100"), (7, "0001000"), (16, "000010001")] {
            let mut bits = Vec::new();
            push_number(&mut bits, value);
            assert_eq!(bits.iter().map(|b| if *b { '1' } else { '0' }).collect::<String>(), code);
            assert_eq!(Bits::new(&packed(bits)).number(), Some(value));
        }
        for value in [0, 1, 254, 255, 65_535, u32::MAX - 1] {
            let mut bits = Vec::new();
            push_number(&mut bits, value);
            assert_eq!(Bits::new(&packed(bits)).number(), Some(value));
        }
        assert_eq!(Bits::new(&[0; 9]).number(), None);
        assert_eq!(Bits::new(&[0b0110_0100]).signed(), Some(-1));
    }

    #[test]
    fn no_start_code_appears_in_what_is_written_and_it_reads_the_same() {
        let bytes = [0, 0, 0, 0, 0, 1, 7, 0, 0, 3, 0, 0, 2, 0, 0];
        let written = escaped(&bytes);
        assert!(written.windows(3).all(|w| w[..2] != [0, 0] || w[2] == 3), "{written:?}");
        assert_eq!(Bits::new(&written).bytes, bytes);
    }

    /// A set of the main profile, level 3.1, 768x432, one reference, written by hand from 7.3.2.1.1; and where it says that
    /// there are no fields.
    fn parameters() -> (Vec<bool>, usize) {
        let mut bits: Vec<bool> =
            [77_u8, 0, 31].iter().flat_map(|b| (0..8).rev().map(move |n| b >> n & 1 == 1)).collect();
        // Number of the set, frame numbers, order of kind 0 with 6 bits, references.
        [0, 0, 0, 2, 1].iter().for_each(|v| push_number(&mut bits, *v));
        bits.push(false);
        [47, 26].iter().for_each(|v| push_number(&mut bits, *v));
        let frames_only = bits.len();
        bits.extend([true, true, false, false]);
        (bits, frames_only)
    }

    fn unit(bits: &[bool]) -> Vec<u8> {
        [vec![0x67], escaped(&packed(bits.to_vec()))].concat()
    }

    #[test]
    fn parameter_sets_in_packets_are_rewritten_where_they_stand() {
        let silent = unit(&parameters().0);
        let told = sequence_with_depth(&silent, 1).unwrap();
        let (delimiter, picture) = ([9_u8, 0xf0], [0x65_u8, 1, 2, 3]);
        let with_lengths = |units: &[&[u8]]| {
            units.iter().flat_map(|u| [&(u.len() as u16).to_be_bytes()[..], u].concat()).collect::<Vec<u8>>()
        };
        let with_codes =
            |units: &[&[u8]]| units.iter().flat_map(|u| [&[0, 0, 0, 1][..], u].concat()).collect::<Vec<u8>>();
        let before: [&[u8]; 4] = [&delimiter, &silent, &silent, &picture];
        let after: [&[u8]; 4] = [&delimiter, &told, &told, &picture];
        assert_eq!(access_unit_with_depth(&with_lengths(&before), Some(2), 1), Some(with_lengths(&after)));
        assert_eq!(access_unit_with_depth(&with_codes(&before), None, 1), Some(with_codes(&after)));
        assert_eq!(access_unit_with_depth(&with_lengths(&after), Some(2), 1), None);
        assert_eq!(access_unit_with_depth(&with_codes(&[&picture]), None, 1), None);
    }

    #[test]
    fn nonsense_is_left_alone() {
        // A scaling list whose first step leads out of all numbers.
        let mut bits: Vec<bool> =
            [100_u8, 0, 31].iter().flat_map(|b| (0..8).rev().map(move |n| b >> n & 1 == 1)).collect();
        [0, 1, 0, 0].iter().for_each(|v| push_number(&mut bits, *v));
        bits.extend([false, true, true]);
        push_number(&mut bits, u32::MAX - 2);
        assert_eq!(sequence_with_depth(&unit(&bits), 1), None);
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let sound = unit(&parameters().0);
        for turn in 0..20_000 {
            let mut data: Vec<u8> =
                if turn % 2 == 0 { sound.clone() } else { (0..40).map(|_| random.random()).collect() };
            data[0] = 0x67;
            let at = random.random_range(1..data.len());
            data[at] = random.random();
            // What comes out says its depth.
            if let Some(told) = sequence_with_depth(&data, 1) {
                assert_eq!(sequence_with_depth(&told, 1), None, "{data:02x?}");
            }
        }
    }

    #[test]
    fn parameter_sets_that_are_cut_or_of_fields_are_left_alone() {
        let (mut bits, frames_only) = parameters();
        let told = sequence_with_depth(&unit(&bits), 1).unwrap();
        let mut read = Bits::new(&told[1..]);
        skip_to_usability(&mut read).unwrap();
        assert!(read.flag().unwrap());
        skip_usability(&mut read).unwrap();
        assert_eq!((read.flag(), read.flag()), (Some(true), Some(true)));
        let said: Vec<u32> = (0..6).map(|_| read.number().unwrap()).collect();
        assert_eq!(said, [2, 1, 16, 16, 1, 2]);
        assert_eq!(sequence_with_depth(&told, 1), None, "it says it now");
        bits[frames_only] = false;
        assert_eq!(sequence_with_depth(&unit(&bits), 1), None);
        assert_eq!(sequence_with_depth(&unit(&bits[..27]), 1), None);
        assert_eq!(sequence_with_depth(&[], 1), None);
        assert_eq!(sequence_with_depth(&[0x68, 1], 1), None);
        assert_eq!(configuration_with_depth(&[1, 77, 0, 31, 0xff, 0xe1, 0, 200, 0x67], 1), None);
    }
}

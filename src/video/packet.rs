//! What a compressed packet says about itself, read from its first bytes: whether decoding may start at it,
//! whether it shows a picture, whether it is whole.

use gstreamer as gst;
use std::ops::Range;

/// Codecs whose packets are understood well enough to count pictures without decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    H264 { length_size: Option<usize> },
    H265 { length_size: Option<usize> },
    Vp8,
    Vp9,
    Av1,
    Mjpeg,
    Other,
}

/// What one packet turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Decoding may start here and every picture from this one on (in display order) comes out right.
    pub clean_start: bool,
    /// A picture is displayed for it.
    pub shown: bool,
    /// Its inner structure is consistent.
    pub sound: bool,
    /// No picture of its temporal layer or a lower one refers to it, and it holds nothing else that a later packet needs.
    pub unreferenced: bool,
    /// Shown before the picture at which decoding may start, and made from pictures before that one: lost where decoding
    /// starts there.
    pub leading: bool,
    /// Temporal layer; 0 for codecs whose pictures say themselves that nobody refers to them.
    pub layer: u8,
}

impl Reading {
    /// A packet that is not understood further: others may refer to it.
    pub const fn plain(clean_start: bool, shown: bool, sound: bool) -> Reading {
        Reading { clean_start, shown, sound, unreferenced: false, leading: false, layer: 0 }
    }
}

impl Codec {
    /// The codec of compressed caps; `codec_data` tells how NAL units are delimited.
    pub fn of(caps: &gst::CapsRef) -> Codec {
        let Some(s) = caps.structure(0) else { return Codec::Other };
        let packed = s.get::<&str>("stream-format").is_ok_and(|f| f != "byte-stream");
        let data = s.get::<gst::Buffer>("codec_data").ok().and_then(|b| b.map_readable().ok().map(|m| m.to_vec()));
        let length_size = |at: usize| {
            let size = usize::from(data.as_ref().and_then(|d| d.get(at)).copied().unwrap_or(3) & 3) + 1;
            packed.then_some(size)
        };
        match s.name().as_str() {
            "video/x-h264" => Codec::H264 { length_size: length_size(4) },
            "video/x-h265" => Codec::H265 { length_size: length_size(21) },
            "video/x-vp8" => Codec::Vp8,
            "video/x-vp9" => Codec::Vp9,
            "video/x-av1" => Codec::Av1,
            "image/jpeg" => Codec::Mjpeg,
            _ => Codec::Other,
        }
    }

    /// Reads a packet. `key` is the container's opinion.
    pub fn read(self, data: &[u8], key: bool) -> Reading {
        let plain = Reading::plain(key, true, !data.is_empty());
        match self {
            Codec::H264 { length_size } => nal_units(data, length_size, h264_unit),
            Codec::H265 { length_size } => nal_units(data, length_size, h265_unit),
            // RFC 6386, 9.1: bit 0 is clear in key frames, bit 4 says that the frame is displayed.
            Codec::Vp8 => match data.first() {
                Some(&b) => Reading::plain(b & 1 == 0, b & 0x10 != 0, true),
                None => Reading::plain(false, false, false),
            },
            Codec::Mjpeg => Reading::plain(true, true, data.starts_with(&[0xff, 0xd8])),
            Codec::Vp9 => Reading { shown: vp9_shows(data), ..plain },
            Codec::Av1 | Codec::Other => plain,
        }
    }

    /// The parameter sets of H.264 (ITU-T H.264, table 7-1) or H.265 (H.265, table 7-1) in a packet, each after a start code.
    pub fn parameter_sets(self, data: &[u8]) -> Vec<u8> {
        let (length_size, is_set): (_, fn(u8) -> bool) = match self {
            Codec::H264 { length_size } => (length_size, |header| matches!(header & 0x1f, 7 | 8)),
            Codec::H265 { length_size } => (length_size, |header| matches!((header >> 1) & 0x3f, 32..=34)),
            _ => return Vec::new(),
        };
        let mut sets = Vec::new();
        units(data, length_size, &mut |unit| {
            let unit = &data[unit];
            if unit.first().copied().is_some_and(is_set) {
                sets.extend([0, 0, 0, 1]);
                sets.extend(unit);
            }
        });
        sets
    }

    /// True when the number of packets that show a picture is the number of pictures, in a sound stream.
    pub fn counts_by_packets(self) -> bool {
        self != Codec::Other
    }

    /// True where each packet that shows a picture shows one of its own: none is half of another's, as fields are.
    pub fn shows_each_packet(self) -> bool {
        matches!(self, Codec::Vp8 | Codec::Vp9 | Codec::Av1)
    }
}

/// True where a packet of VP9 shows a picture (VP9 bitstream specification, 7.2 and annex B: one that holds several frames
/// has an index at its end, and shows the last).
fn vp9_shows(data: &[u8]) -> bool {
    let (Some(first), Some(last)) = (data.first(), data.last()) else { return false };
    // Behind two bits of a mark and two of the profile; the last profile has a reserved one more.
    let next = if first >> 4 & 3 == 3 { 2 } else { 3 };
    let bit = |at: u8| first >> at & 1 == 1;
    let (existing, shown) = (bit(next), bit(next - 2));
    last & 0xe0 == 0xc0 || existing || shown
}

/// What a NAL unit is to the reader of a packet.
enum Nal {
    CleanStart,
    /// A slice: whether others of its layer or a lower one may refer to its picture, and its temporal layer.
    Picture {
        referenced: bool,
        leading: bool,
        layer: u8,
    },
    /// Nothing that another packet needs: messages, delimiters, filling.
    Aside,
    /// Parameter sets, ends of sequences, and what is not known.
    Other,
}

/// ITU-T H.264, table 7-1; two bits of the header, `nal_ref_idc`, are 0 where no picture refers to this one.
fn h264_unit(unit: &[u8]) -> Nal {
    let Some(&header) = unit.first() else { return Nal::Other };
    match header & 0x1f {
        5 => Nal::CleanStart,
        1..=4 => Nal::Picture { referenced: header & 0x60 != 0, leading: false, layer: 0 },
        6 | 9 | 12 => Nal::Aside,
        _ => Nal::Other,
    }
}

/// ITU-T H.265, table 7-1: below 16, even types are of pictures that none of the same temporal sub-layer refers to.
fn h265_unit(unit: &[u8]) -> Nal {
    let Some(&[first, second]) = unit.first_chunk::<2>() else { return Nal::Other };
    let (kind, layer) = ((first >> 1) & 0x3f, (second & 7).saturating_sub(1));
    // Units of other layers (scalable and multi-view video) have a number of their layer.
    let base = first & 1 == 0 && second >> 3 == 0;
    match kind {
        16..=21 => Nal::CleanStart,
        // RASL_N and RASL_R are made from pictures before the clean start they follow.
        0..=15 => Nal::Picture { referenced: !base || kind % 2 == 1, leading: matches!(kind, 8 | 9), layer },
        35 | 38..=40 => Nal::Aside,
        _ => Nal::Other,
    }
}

/// Finds the NAL units of an access unit (ITU-T H.264 / H.265 Annex B, or ISO/IEC 14496-15 length fields). False when the
/// data end in the middle of one.
pub(super) fn units(data: &[u8], length_size: Option<usize>, visit: &mut dyn FnMut(Range<usize>)) -> bool {
    match length_size {
        Some(size) => {
            let mut at = 0;
            while at < data.len() {
                let Some((length, body)) = data[at..].split_at_checked(size) else { return false };
                let length = length.iter().fold(0_usize, |n, &b| (n << 8) | usize::from(b));
                if length == 0 || length > body.len() {
                    return false;
                }
                visit(at + size..at + size + length);
                at += size + length;
            }
        }
        None => {
            let (mut at, mut begun) = (0, None);
            while at + 3 < data.len() {
                if data[at..at + 3] == [0, 0, 1] {
                    // Zeros before a start code belong to no unit.
                    if let Some(begun) = begun.replace(at + 3) {
                        let unit: &[u8] = &data[begun..at];
                        visit(begun..at - unit.iter().rev().take_while(|b| **b == 0).count());
                    }
                    at += 3;
                } else {
                    at += 1;
                }
            }
            if let Some(begun) = begun {
                visit(begun..data.len());
            }
        }
    }
    true
}

/// Reads the NAL units of an access unit.
fn nal_units(data: &[u8], length_size: Option<usize>, kind_of: impl Fn(&[u8]) -> Nal) -> Reading {
    let mut reading = Reading { unreferenced: true, ..Reading::plain(false, false, true) };
    let mut visit = |unit: &[u8]| {
        // forbidden_zero_bit
        if unit.first().is_some_and(|header| header & 0x80 != 0) {
            reading.sound = false;
        }
        match kind_of(unit) {
            Nal::CleanStart => {
                reading.clean_start = true;
                reading.shown = true;
                reading.unreferenced = false;
            }
            Nal::Picture { referenced, leading, layer } => {
                reading.shown = true;
                reading.leading |= leading;
                reading.unreferenced &= !referenced;
                reading.layer = reading.layer.max(layer);
            }
            Nal::Aside => {}
            Nal::Other => reading.unreferenced = false,
        }
    };
    let whole = units(data, length_size, &mut |unit| visit(&data[unit]));
    reading.sound &= whole && reading.shown;
    reading.unreferenced &= reading.sound;
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVC: Codec = Codec::H264 { length_size: Some(4) };

    #[test]
    fn an_idr_slice_is_a_clean_start_and_a_plain_slice_is_not() {
        let idr = [0, 0, 0, 2, 0x65, 0x88];
        let slice = [0, 0, 0, 2, 0x41, 0x9a];
        assert_eq!(AVC.read(&idr, false), Reading::plain(true, true, true));
        // The container calls it a key frame, but it is not an IDR picture: earlier pictures may be referred to.
        assert_eq!(AVC.read(&slice, true), Reading::plain(false, true, true));
    }

    #[test]
    fn only_packets_that_nothing_needs_are_unreferenced() {
        let of = |codec: Codec, units: &[&[u8]]| {
            let packet: Vec<u8> = units
                .iter()
                .flat_map(|u| (u.len() as u32).to_be_bytes().into_iter().chain(u.iter().copied()))
                .collect();
            let reading = codec.read(&packet, false);
            (reading.unreferenced, reading.layer)
        };
        let spare = [0x01, 0x9e];
        assert_eq!(of(AVC, &[&[0x06, 5], &spare, &spare]), (true, 0));
        // One slice of two is referred to, or a parameter set travels along.
        assert_eq!(of(AVC, &[&spare, &[0x21, 0x9e]]), (false, 0));
        assert_eq!(of(AVC, &[&[0x68, 1], &spare]), (false, 0));
        assert!(!AVC.read(&[0, 0, 0, 9, 0x01], false).unreferenced, "a broken packet is left alone");
        let hevc = Codec::H265 { length_size: Some(4) };
        // TRAIL_N and TRAIL_R of temporal layers 0 and 2; TRAIL_N with a picture parameter set; another layer's.
        assert_eq!(of(hevc, &[&[0x00, 0x01, 9]]), (true, 0));
        assert_eq!(of(hevc, &[&[0x02, 0x01, 9]]), (false, 0));
        assert_eq!(of(hevc, &[&[0x00, 0x03, 9]]), (true, 2));
        assert_eq!(of(hevc, &[&[0x44, 0x01], &[0x00, 0x01, 9]]), (false, 0));
        assert_eq!(of(hevc, &[&[0x00, 0x09, 9]]), (false, 0));
    }

    #[test]
    fn a_length_that_leaves_the_packet_is_not_sound() {
        assert!(!AVC.read(&[0, 0, 1, 0, 0x65, 0x88], true).sound);
        assert!(!AVC.read(&[0, 0, 0, 0, 0, 0], true).sound);
        assert!(!AVC.read(&[0, 0], true).sound);
        assert!(!AVC.read(&[], true).sound);
    }

    #[test]
    fn annex_b_units_are_found_by_start_codes() {
        let codec = Codec::H264 { length_size: None };
        assert!(codec.read(&[0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 2], false).clean_start);
        assert!(!codec.read(&[0, 0, 0, 1, 0x67, 1], false).shown);
    }

    #[test]
    fn parameter_sets_are_found_among_other_units() {
        let packet = [0, 0, 0, 1, 0x06, 5, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 4];
        let sets = Codec::H264 { length_size: None }.parameter_sets(&packet);
        assert_eq!(sets, [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3]);
        let packet = [0, 0, 1, 0x40, 1, 9, 0, 0, 1, 0x44, 1, 8, 0, 0, 1, 0x26, 1];
        let sets = Codec::H265 { length_size: None }.parameter_sets(&packet);
        assert_eq!(sets, [0, 0, 0, 1, 0x40, 1, 9, 0, 0, 0, 1, 0x44, 1, 8]);
        assert!(Codec::Vp8.parameter_sets(&packet).is_empty());
    }

    #[test]
    fn a_hidden_vp9_frame_shows_nothing() {
        let shows = |data: &[u8]| Codec::Vp9.read(data, false).shown;
        // Shown and hidden frames of profiles 0 and 3, one shown once more, and a hidden one together with a shown one.
        assert!(shows(&[0x86, 0]) && !shows(&[0x84, 0]) && shows(&[0xb1, 0]) && !shows(&[0xb0, 0]));
        assert!(shows(&[0x88, 0]) && shows(&[0x84, 9, 9, 0xc9]) && !shows(&[]));
    }

    #[test]
    fn a_hidden_vp8_frame_shows_nothing() {
        assert_eq!(Codec::Vp8.read(&[0x10, 0], true), Reading::plain(true, true, true));
        assert_eq!(Codec::Vp8.read(&[0x01, 0], true), Reading::plain(false, false, true));
    }
}

//! What a compressed packet says about itself, read from its first bytes: whether decoding may start at it,
//! whether it shows a picture, whether it is whole.

use gstreamer as gst;

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
        let plain = Reading { clean_start: key, shown: true, sound: !data.is_empty() };
        match self {
            Codec::H264 { length_size } => nal_units(data, length_size, |kind| match kind & 0x1f {
                5 => Some(Nal::CleanStart),
                1..=4 => Some(Nal::Picture),
                _ => None,
            }),
            Codec::H265 { length_size } => nal_units(data, length_size, |kind| match (kind >> 1) & 0x3f {
                16..=21 => Some(Nal::CleanStart),
                0..=15 => Some(Nal::Picture),
                _ => None,
            }),
            // RFC 6386, 9.1: bit 0 is clear in key frames, bit 4 says that the frame is displayed.
            Codec::Vp8 => match data.first() {
                Some(&b) => Reading { clean_start: b & 1 == 0, shown: b & 0x10 != 0, sound: true },
                None => Reading { clean_start: false, shown: false, sound: false },
            },
            Codec::Mjpeg => Reading { clean_start: true, shown: true, sound: data.starts_with(&[0xff, 0xd8]) },
            Codec::Vp9 | Codec::Av1 | Codec::Other => plain,
        }
    }

    /// True when the number of packets that show a picture is the number of pictures, in a sound stream.
    pub fn counts_by_packets(self) -> bool {
        self != Codec::Other
    }
}

enum Nal {
    CleanStart,
    Picture,
}

/// Walks the NAL units of an access unit (ITU-T H.264 / H.265 Annex B, or ISO/IEC 14496-15 length fields).
fn nal_units(data: &[u8], length_size: Option<usize>, kind_of: impl Fn(u8) -> Option<Nal>) -> Reading {
    let mut reading = Reading { clean_start: false, shown: false, sound: true };
    let mut visit = |header: u8| {
        // forbidden_zero_bit
        if header & 0x80 != 0 {
            reading.sound = false;
        }
        match kind_of(header) {
            Some(Nal::CleanStart) => {
                reading.clean_start = true;
                reading.shown = true;
            }
            Some(Nal::Picture) => reading.shown = true,
            None => {}
        }
    };
    let mut whole = true;
    match length_size {
        Some(size) => {
            let mut rest = data;
            while !rest.is_empty() {
                let Some((length, body)) = rest.split_at_checked(size) else {
                    whole = false;
                    break;
                };
                let length = length.iter().fold(0_usize, |n, &b| (n << 8) | usize::from(b));
                if length == 0 || length > body.len() {
                    whole = false;
                    break;
                }
                visit(body[0]);
                rest = &body[length..];
            }
        }
        None => {
            let mut at = 0;
            while at + 3 < data.len() {
                if data[at..at + 3] == [0, 0, 1] {
                    visit(data[at + 3]);
                    at += 3;
                } else {
                    at += 1;
                }
            }
        }
    }
    reading.sound &= whole && reading.shown;
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
        assert_eq!(AVC.read(&idr, false), Reading { clean_start: true, shown: true, sound: true });
        // The container calls it a key frame, but it is not an IDR picture: earlier pictures may be referred to.
        assert_eq!(AVC.read(&slice, true), Reading { clean_start: false, shown: true, sound: true });
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
    fn a_hidden_vp8_frame_shows_nothing() {
        assert_eq!(Codec::Vp8.read(&[0x10, 0], true), Reading { clean_start: true, shown: true, sound: true });
        assert_eq!(Codec::Vp8.read(&[0x01, 0], true), Reading { clean_start: false, shown: false, sound: true });
    }
}

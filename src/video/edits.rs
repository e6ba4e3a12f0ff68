//! Applies the edit list of an MP4 track to its packets.
//!
//! An edit list may begin between two key frames, as every clip does that was cut without encoding it again: what lies
//! before is decoded and not shown. Demuxers end parts at the decoding time and lose pictures that are shown before the
//! end and decoded after it, so they are made to hand out the whole track, and the list is applied here.

use super::demux::Packet;
use super::moov::Edit;
use gstreamer as gst;

/// The packets needed for all parts of a track that are shown, in the order of the list, with the times they are shown
/// at. `None` when nothing would be shown.
pub(super) fn apply(packets: &[Packet], edits: &[Edit]) -> Option<Vec<Packet>> {
    let own = |p: &Packet| p.buffer.pts().map(gst::ClockTime::nseconds);
    let reordered = packets.iter().any(|p| p.dts.is_some() && p.dts != own(p));
    let mut out: Vec<Packet> = Vec::new();
    for edit in edits {
        let before = |p: &Packet| own(p).is_some_and(|time| time <= edit.part.start);
        let entry = packets.iter().rposition(|p| p.key && before(p));
        let entry = entry.or_else(|| packets.iter().rposition(before)).unwrap_or(0);
        // Pictures that belong to the part may be decoded after the first key frame behind it.
        let mut keys_behind = 0;
        for (number, packet) in packets.iter().enumerate().skip(entry) {
            let mut packet = packet.clone();
            let time = own(&packet);
            let inside = time.filter(|time| edit.part.contains(time));
            packet.time = inside.map(|time| edit.at + (time - edit.part.start));
            packet.preroll = inside.is_none();
            packet.restart = number == entry && !out.is_empty();
            let last = time.is_some_and(|t| t.saturating_add(packet.duration.unwrap_or(0)) >= edit.part.end);
            if last && packet.key {
                keys_behind += 1;
            }
            out.push(packet);
            if keys_behind > usize::from(reordered) {
                break;
            }
        }
    }
    out.iter().any(|p| !p.preroll).then_some(out)
}

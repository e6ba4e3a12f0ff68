//! What parsers do at the beginning of a stream, before the first picture from which decoding can begin.

use super::reorder::with_data;
use gstreamer as gst;
use gstreamer::prelude::*;
use parking_lot::Mutex;
use std::sync::Arc;

/// First times at the entry and the exit of a parser.
pub(super) type Begin = [Option<u64>; 2];

/// Parsers drop what comes before a picture from which decoding can begin, without a word.
pub(super) fn note_begin(parser: &gst::Element, begins: &Arc<Mutex<Vec<Begin>>>) {
    let slot = {
        let mut all = begins.lock();
        all.push(Begin::default());
        all.len() - 1
    };
    for (side, pad) in ["sink", "src"].into_iter().enumerate() {
        let Some(pad) = parser.static_pad(pad) else { continue };
        let begins = begins.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let time = info.buffer().and_then(|b| b.dts_or_pts()).map(gst::ClockTime::nseconds);
            if let Some(begin) = begins.lock().get_mut(slot) {
                begin[side] = begin[side].or(time);
            }
            gst::PadProbeReturn::Ok
        });
    }
}

/// Lets the first packet that a parser gets begin with parameter sets that stand later in the stream.
pub(super) fn give_headers(parser: &gst::Element, headers: Vec<u8>) {
    let Some(pad) = parser.static_pad("sink") else { return };
    let headers = Mutex::new(Some(headers));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let (Some(headers), Some(first)) = (headers.lock().take(), info.buffer_mut()) else {
            return gst::PadProbeReturn::Remove;
        };
        let both = first.map_readable().map(|map| [&headers[..], &map].concat());
        if let Some(both) = both.ok().and_then(|both| with_data(first, both)) {
            *first = both;
        }
        gst::PadProbeReturn::Remove
    });
}

/// What the one parser dropped, where that is more than a picture or two.
pub(super) fn headless(begins: &[Begin]) -> Option<u64> {
    let [[Some(entry), Some(exit)]] = begins else { return None };
    exit.checked_sub(*entry).filter(|lost| *lost > 100_000_000)
}

//! The messages of event files, written: records, events, summaries, and what TensorBoard's plugins keep in them.

use crate::domain::RgbImage;
use crate::eval::{PrCurve, THRESHOLDS};
use crate::render::encoded::png;
use std::time::{SystemTime, UNIX_EPOCH};

/// How the names of event files begin.
pub(super) const PREFIX: &str = "events.out.tfevents.";
/// `DT_FLOAT` of a `TensorProto`.
const FLOAT: u64 = 1;
/// `DATA_CLASS_TENSOR` of a `SummaryMetadata`.
const TENSOR_CLASS: u64 = 2;
/// `RGB` of a `Summary.Image`.
const RGB: u64 = 3;

/// Seconds since 1970.
pub(super) fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// CRC-32C, rotated and offset as TensorFlow stores it, so that a checksum of checksums stays meaningful.
pub(super) fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A number.
pub(super) fn number_field(number: u8, value: u64, out: &mut Vec<u8>) {
    out.push(number << 3);
    varint(value, out);
}

/// A double.
pub(super) fn double_field(number: u8, value: f64, out: &mut Vec<u8>) {
    out.push(number << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A length-delimited field.
pub(super) fn bytes_field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A message made of the fields that `fill` adds.
pub(super) fn message(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    fill(&mut out);
    out
}

fn event(step: u64, payload: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    message(|out| {
        double_field(1, wall_time(), out);
        number_field(2, step, out);
        payload(out);
    })
}

/// The event a file begins with.
pub(super) fn first_event() -> Vec<u8> {
    event(0, |out| bytes_field(3, b"brain.Event:2", out))
}

/// An event with values (`Summary.Value`) at one step.
pub(super) fn summary_event(step: u64, values: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let summary = message(|out| values.into_iter().for_each(|value| bytes_field(1, &value, out)));
    event(step, |out| bytes_field(5, &summary, out))
}

/// An event as it stands in a file, with its checksums.
pub(super) fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked_crc(&length).to_le_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&masked_crc(data).to_le_bytes());
    out
}

/// A number with its tag.
pub(super) fn scalar(tag: &str, value: f64) -> Vec<u8> {
    message(|out| {
        bytes_field(1, tag.as_bytes(), out);
        out.push(2 << 3 | 5);
        out.extend_from_slice(&(value as f32).to_le_bytes());
    })
}

/// A picture with its tag; `None` where it has no pixels.
pub(super) fn picture(tag: &str, picture: &RgbImage) -> Option<Vec<u8>> {
    let file = png(picture).ok()?;
    let image = message(|out| {
        number_field(1, picture.height.into(), out);
        number_field(2, picture.width.into(), out);
        number_field(3, RGB, out);
        bytes_field(4, &file, out);
    });
    Some(message(|out| {
        bytes_field(1, tag.as_bytes(), out);
        bytes_field(4, &image, out);
    }))
}

/// A value that belongs to a plugin: 8 `tensor`, 9 `metadata` of a value.
pub(super) fn of_plugin(tag: &str, plugin: &str, content: &[u8], shape: &[usize], values: &[f32]) -> Vec<u8> {
    let dims = message(|out| {
        for size in shape {
            bytes_field(2, &message(|out| number_field(1, *size as u64, out)), out);
        }
    });
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let tensor = message(|out| {
        number_field(1, FLOAT, out);
        bytes_field(2, &dims, out);
        bytes_field(4, &bytes, out);
    });
    let data = message(|out| {
        bytes_field(1, plugin.as_bytes(), out);
        bytes_field(2, content, out);
    });
    let metadata = message(|out| {
        bytes_field(1, &data, out);
        number_field(4, TENSOR_CLASS, out);
    });
    message(|out| {
        bytes_field(1, tag.as_bytes(), out);
        bytes_field(8, &tensor, out);
        bytes_field(9, &metadata, out);
    })
}

/// A precision-recall curve as the plugin `pr_curves` has it: true positives, false positives, true negatives, false
/// negatives, precision and recall, a row each, `[6, THRESHOLDS]`.
pub(super) fn pr_curve(tag: &str, curve: &PrCurve) -> Vec<u8> {
    let counts = |of: &[u64]| of.iter().map(|n| *n as f32).collect::<Vec<f32>>();
    let rest = |all: u64, of: &[u64]| of.iter().map(|n| all.saturating_sub(*n) as f32).collect::<Vec<f32>>();
    let rows = [
        counts(&curve.true_positives),
        counts(&curve.false_positives),
        rest(curve.negatives, &curve.false_positives),
        rest(curve.positives, &curve.true_positives),
        curve.precisions().map(|p| p as f32).collect(),
        curve.recalls().map(|r| r as f32).collect(),
    ];
    let content = message(|out| number_field(2, THRESHOLDS as u64, out));
    of_plugin(tag, "pr_curves", &content, &[rows.len(), THRESHOLDS], &rows.concat())
}

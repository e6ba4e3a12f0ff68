//! What the plugin `hparams` knows of a run: the settings it was trained with, when it began, and how it ended.
//!
//! Metrics are the scalars of the run; TensorBoard finds them by itself, and types and ranges of settings from all runs below
//! the folder that it shows.

use super::message::{bytes_field, double_field, message, number_field, of_plugin, wall_time};
use crate::config::{RunConfig, key, values};
use serde_json::Value;

const PLUGIN: &str = "hparams";
/// Field numbers of `HParamsPluginData`.
const START: u8 = 3;
const END: u8 = 4;
/// `STATUS_SUCCESS` and `STATUS_FAILURE`.
const STATUS: [u64; 2] = [1, 2];

/// A setting as `google.protobuf.Value`; `None` where it is off. Lists are text.
fn setting(text: &str) -> Option<Vec<u8>> {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    Some(message(|out| match &value {
        Value::Number(n) => double_field(2, plain(n.as_f64().unwrap_or(f64::NAN)), out),
        Value::Bool(b) => number_field(4, u64::from(*b), out),
        Value::String(s) => bytes_field(3, s.as_bytes(), out),
        other => bytes_field(3, other.to_string().as_bytes(), out),
    }))
    .filter(|_| !value.is_null())
}

/// A number of 32 bits as people write it: 0.2, and not the nearest one of 64 bits.
fn plain(value: f64) -> f64 {
    let short = value as f32;
    if f64::from(short) == value { short.to_string().parse().unwrap_or(value) } else { value }
}

fn value(tag: &str, field: u8, info: &[u8]) -> Vec<u8> {
    // The plugin takes everything from the metadata; the tensor is a zero that nobody reads.
    of_plugin(tag, PLUGIN, &message(|out| bytes_field(field, info, out)), &[1], &[0.0])
}

/// The settings of a run that begins. Those that a resumed run may change are left out: the plugin knows the first values
/// alone.
pub(super) fn start(config: &RunConfig) -> Vec<u8> {
    let settled = |path: &str| key(path).is_some_and(|k| !k.resumable);
    let info = message(|out| {
        for (path, text) in values(config).iter().filter(|(path, _)| settled(path)) {
            let Some(setting) = setting(text) else { continue };
            let entry = message(|out| {
                bytes_field(1, path.as_bytes(), out);
                bytes_field(2, &setting, out);
            });
            bytes_field(1, &entry, out);
        }
        double_field(5, wall_time(), out);
    });
    value("_hparams_/session_start_info", START, &info)
}

/// The end of a run, well or not.
pub(super) fn end(well: bool) -> Vec<u8> {
    let info = message(|out| {
        number_field(1, STATUS[usize::from(!well)], out);
        double_field(2, wall_time(), out);
    });
    value("_hparams_/session_end_info", END, &info)
}

//! TensorBoard event files: scalar summaries as protocol-buffer records with masked CRC-32C checksums.
//!
//! A record is `length: u64 LE, masked_crc(length): u32 LE, data, masked_crc(data): u32 LE`. The data is a
//! `tensorflow.Event` with the fields 1 `wall_time` (double), 2 `step` (varint), 3 `file_version` (string) or
//! 5 `summary`, whose field 1 repeats a value with 1 `tag` (string) and 2 `simple_value` (float).

use super::TrainError;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const PREFIX: &str = "events.out.tfevents.";

/// Appends scalars to the event file of a run.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
    length: u64,
}

/// Seconds since 1970.
fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// CRC-32C, rotated and offset as TensorFlow stores it, so that a checksum of checksums stays meaningful.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A length-delimited field.
fn bytes_field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn event(step: u64, payload: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![1 << 3 | 1];
    out.extend_from_slice(&wall_time().to_le_bytes());
    out.push(2 << 3);
    varint(step, &mut out);
    payload(&mut out);
    out
}

fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked_crc(&length).to_le_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&masked_crc(data).to_le_bytes());
    out
}

impl EventWriter {
    /// Opens the event file in `dir`, or starts one. What stands behind byte `keep` of an existing file is cut off: it
    /// was written after the checkpoint that training goes on from. A record torn by a crash is cut off too.
    pub fn open(dir: &Path, keep: u64) -> Result<Self, TrainError> {
        let existing = event_files(dir).pop();
        let path = existing
            .clone()
            .unwrap_or_else(|| dir.join(format!("{PREFIX}{}.kinolens.{}", wall_time() as u64, std::process::id())));
        let fail = |e: std::io::Error| TrainError::file("write", &path, &e);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
        let sound = if existing.is_some() { sound_length(&mut file, keep).map_err(fail)? } else { 0 };
        file.set_len(sound).map_err(fail)?;
        file.seek(SeekFrom::End(0)).map_err(fail)?;
        let mut writer = Self { path, file: BufWriter::new(file), length: sound };
        if sound == 0 {
            writer.record(&event(0, |out| bytes_field(3, b"brain.Event:2", out)))?;
        }
        Ok(writer)
    }

    /// Adds scalars at one step.
    pub fn scalars<'a>(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<(), TrainError> {
        let mut summary = Vec::new();
        for (tag, value) in values {
            let mut one = Vec::new();
            bytes_field(1, tag.as_bytes(), &mut one);
            one.push(2 << 3 | 5);
            one.extend_from_slice(&(value as f32).to_le_bytes());
            bytes_field(1, &one, &mut summary);
        }
        self.record(&event(step, |out| bytes_field(5, &summary, out)))
    }

    fn record(&mut self, data: &[u8]) -> Result<(), TrainError> {
        let bytes = framed(data);
        self.file.write_all(&bytes).map_err(|e| TrainError::file("write", &self.path, &e))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Hands everything to the operating system and gives the file's length, to be kept with a checkpoint.
    pub fn flush(&mut self) -> Result<u64, TrainError> {
        self.file.flush().map_err(|e| TrainError::file("write", &self.path, &e))?;
        Ok(self.length)
    }
}

/// Event files of a run folder, oldest first.
pub fn event_files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(PREFIX)))
        .collect();
    files.sort();
    files
}

/// Bytes of whole, undamaged records among the first `limit` bytes.
fn sound_length(file: &mut File, limit: u64) -> std::io::Result<u64> {
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    let mut sound = 0;
    while let Some(next) = record_end(&bytes, sound) {
        sound = next;
    }
    Ok(sound as u64)
}

/// Where the record that begins at `start` ends; `None` when it is torn or damaged.
fn record_end(bytes: &[u8], start: usize) -> Option<usize> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let length = bytes.get(start..start.checked_add(8)?)?;
    let size = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let data_at = start + 12;
    let data = bytes.get(data_at..data_at.checked_add(size)?)?;
    let sound = number(start + 8)? == masked_crc(length) && number(data_at + size)? == masked_crc(data);
    sound.then_some(data_at + size + 4)
}

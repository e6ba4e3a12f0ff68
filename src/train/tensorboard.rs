//! TensorBoard event files: scalars, histograms, pictures, curves and settings as protocol-buffer records with masked CRC-32C checksums.
//!
//! A record is `length: u64 LE, masked_crc(length): u32 LE, data, masked_crc(data): u32 LE`. The data is a
//! `tensorflow.Event` with the fields 1 `wall_time` (double), 2 `step` (varint), 3 `file_version` (string) or
//! 5 `summary`, whose field 1 repeats a value with 1 `tag` (string) and 2 `simple_value` (float), 4 `image`, 5 `histo` (a
//! histogram), or 8 `tensor` and 9 `metadata` of a plugin.

mod confusion;
mod evaluated;
mod message;
mod session;

pub use evaluated::write_evaluation;

use super::TrainError;
use crate::config::RunConfig;
use crate::domain::ClassSet;
use crate::eval::PrCurve;
use crate::inside::{Histogram, LayerStatistics};
use crate::progress::StepReport;
use crate::run_folder::{Confusion, TrainEnd};
use message::{
    PREFIX, bytes_field, double_field, first_event, framed, masked_crc, message, pr_curve, scalar, summary_event,
    wall_time,
};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Appends scalars to the event file of a run.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
    length: u64,
    flushed: Instant,
}

/// How long what was written may wait in memory: others watch the file grow.
const AT_REST: Duration = Duration::from_secs(1);

/// A `HistogramProto`. Values that are not finite are in none of its fields.
fn histogram(statistics: &LayerStatistics) -> Vec<u8> {
    let Histogram { low, high, counts } = &statistics.histogram;
    let num = counts.iter().sum::<u64>() as f64;
    let squares = num * (statistics.std * statistics.std + statistics.mean * statistics.mean);
    let mut out = Vec::new();
    for (number, value) in [statistics.min, statistics.max, num, statistics.mean * num, squares].into_iter().enumerate()
    {
        double_field(number as u8 + 1, value, &mut out);
    }
    let width = (high - low) / counts.len().max(1) as f64;
    let limits: Vec<u8> = (1..=counts.len()).flat_map(|bin| (low + width * bin as f64).to_le_bytes()).collect();
    let buckets: Vec<u8> = counts.iter().flat_map(|n| (*n as f64).to_le_bytes()).collect();
    bytes_field(6, &limits, &mut out);
    bytes_field(7, &buckets, &mut out);
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
        let mut writer = Self { path, file: BufWriter::new(file), length: sound, flushed: Instant::now() };
        if sound == 0 {
            writer.record(&first_event())?;
        }
        Ok(writer)
    }

    /// Adds scalars at one step.
    pub fn scalars<'a>(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<(), TrainError> {
        self.record(&summary_event(step, values.into_iter().map(|(tag, value)| scalar(tag, value))))
    }

    /// Adds histograms at one step, as TensorFlow's `HistogramProto`: 1 `min`, 2 `max`, 3 `num`, 4 `sum`, 5 `sum_squares`
    /// (doubles), 6 `bucket_limit`, 7 `bucket` (packed doubles), in the field 5 `histo` of a value.
    pub fn histograms<'a>(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = (&'a str, &'a LayerStatistics)>,
    ) -> Result<(), TrainError> {
        let value = |(tag, statistics): (&str, &LayerStatistics)| {
            message(|out| {
                bytes_field(1, tag.as_bytes(), out);
                bytes_field(5, &histogram(statistics), out);
            })
        };
        self.record(&summary_event(step, values.into_iter().map(value)))
    }

    /// Adds the precision-recall curve of each class that has one, as `pr_PART/CLASS`.
    pub fn pr_curves(
        &mut self,
        step: u64,
        part: &str,
        classes: &ClassSet,
        curves: &[Option<PrCurve>],
    ) -> Result<(), TrainError> {
        let known = curves.iter().enumerate().filter_map(|(class, curve)| Some((class, curve.as_ref()?)));
        let values: Vec<Vec<u8>> =
            known.map(|(class, curve)| pr_curve(&format!("pr_{part}/{}", classes.name(class)), curve)).collect();
        if values.is_empty() { Ok(()) } else { self.record(&summary_event(step, values)) }
    }

    /// Adds a confusion matrix as the picture `confusion/PART`; one of very many classes is left out.
    pub fn confusion(
        &mut self,
        step: u64,
        part: &str,
        classes: &ClassSet,
        confusion: &Confusion,
    ) -> Result<(), TrainError> {
        match confusion::confusion(&format!("confusion/{part}"), &confusion.counts, classes) {
            Some(picture) => self.record(&summary_event(step, [picture])),
            None => Ok(()),
        }
    }

    /// Adds the settings of a run that begins, for TensorBoard's table of settings and scores; a run that goes on has them.
    pub fn begin_session(&mut self, config: &RunConfig) -> Result<(), TrainError> {
        self.record(&summary_event(0, [session::start(config)]))
    }

    /// Adds how a training ended, `None` for a failure. One that was stopped can go on, and has not ended. Behind the last
    /// checkpoint: a run that goes on after all cuts it off again. What cannot be written any more is of no use to anybody.
    pub fn end_session(&mut self, end: Option<TrainEnd>) {
        if end != Some(TrainEnd::Stopped) {
            let _ = self.record(&summary_event(0, [session::end(end.is_some())])).and_then(|()| self.flush());
        }
    }

    fn record(&mut self, data: &[u8]) -> Result<(), TrainError> {
        let bytes = framed(data);
        self.file.write_all(&bytes).map_err(|e| TrainError::file("write", &self.path, &e))?;
        self.length += bytes.len() as u64;
        if self.flushed.elapsed() >= AT_REST {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands everything to the operating system and gives the file's length, to be kept with a checkpoint.
    pub fn flush(&mut self) -> Result<u64, TrainError> {
        self.file.flush().map_err(|e| TrainError::file("write", &self.path, &e))?;
        self.flushed = Instant::now();
        Ok(self.length)
    }
}

/// The optimiser steps that the event files of a run folder tell of, in order. What an event does not hold is 0: speed,
/// waiting, memory. A damaged record ends its file.
pub fn read_steps(dir: &Path) -> Vec<StepReport> {
    let mut steps: Vec<StepReport> = Vec::new();
    // Epochs end with an event of their own, so every step before it belongs to it.
    let mut epoch = 1;
    for file in event_files(dir) {
        let Ok(file) = File::open(&file) else { continue };
        let mut records = Records::of(file);
        while let Ok(Some(data)) = records.next() {
            let (step, values) = scalars(data);
            let value = |tag: &str| values.iter().find(|(t, _)| *t == tag).map(|(_, v)| *v);
            if let Some(loss) = value("step/loss") {
                // A run that went back to a checkpoint counts from there again.
                steps.truncate(steps.partition_point(|s| s.step < step));
                steps.push(StepReport {
                    step,
                    epoch,
                    loss,
                    accuracy: value("step/accuracy").unwrap_or(f32::NAN),
                    gradient_norm: value("step/gradient_norm").unwrap_or(f32::NAN),
                    learning_rate: f64::from(value("step/learning_rate").unwrap_or(f32::NAN)),
                    ..StepReport::default()
                });
            } else if value("loss/train").is_some() {
                epoch = step as u32 + 1;
            }
        }
    }
    count_within_epochs(&mut steps);
    steps
}

/// Numbers the steps of each epoch; one that is not over is as long as the longest.
fn count_within_epochs(steps: &mut [StepReport]) {
    let last = steps.last().map_or(0, |s| s.epoch);
    let longest = steps.chunk_by(|a, b| a.epoch == b.epoch).map(<[StepReport]>::len).max().unwrap_or(0);
    for epoch in steps.chunk_by_mut(|a, b| a.epoch == b.epoch) {
        let over = epoch.first().is_some_and(|s| s.epoch < last);
        let all = if over { epoch.len() } else { longest } as u32;
        for (i, step) in epoch.iter_mut().enumerate() {
            (step.step_in_epoch, step.steps_per_epoch) = (i as u32 + 1, all);
        }
    }
}

/// Step, and tags with values, of an event.
fn scalars(event: &[u8]) -> (u64, Vec<(&str, f32)>) {
    let (mut step, mut values) = (0, Vec::new());
    for (number, field) in fields(event) {
        match (number, field) {
            (2, Field::Number(n)) => step = n,
            (5, Field::Bytes(summary)) => {
                for (_, value) in fields(summary).into_iter().filter(|(number, _)| *number == 1) {
                    let Field::Bytes(value) = value else { continue };
                    let (mut tag, mut simple) = ("", None);
                    for field in fields(value) {
                        match field {
                            (1, Field::Bytes(name)) => tag = std::str::from_utf8(name).unwrap_or_default(),
                            (2, Field::Four(bits)) => simple = Some(f32::from_le_bytes(bits)),
                            _ => {}
                        }
                    }
                    values.extend(simple.map(|v| (tag, v)));
                }
            }
            _ => {}
        }
    }
    (step, values)
}

/// A value of a protocol buffer.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Four([u8; 4]),
    Eight,
}

/// The fields of a protocol buffer with their numbers, up to the first that is none.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut out = Vec::new();
    while let Some(field) = field(&mut bytes) {
        out.push(field);
    }
    out
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = read_varint(bytes)?;
    let field = match key & 7 {
        0 => Field::Number(read_varint(bytes)?),
        1 => take(bytes, 8).map(|_| Field::Eight)?,
        2 => {
            let length = usize::try_from(read_varint(bytes)?).ok()?;
            Field::Bytes(take(bytes, length)?)
        }
        5 => Field::Four(take(bytes, 4)?.try_into().ok()?),
        _ => return None,
    };
    Some((key >> 3, field))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(head)
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
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
    let mut records = Records::of(file.take(limit));
    while records.next()?.is_some() {}
    Ok(records.sound)
}

/// Most bytes of a record that is read; an event with pictures may have some.
const RECORD_LIMIT: u64 = 256 << 20;

/// The records of an event file one after the other, up to the first that is torn or damaged; of a long file no more
/// than one is held in memory.
struct Records<R> {
    from: BufReader<R>,
    data: Vec<u8>,
    /// Bytes of whole records so far.
    sound: u64,
}

impl<R: Read> Records<R> {
    fn of(from: R) -> Self {
        Self { from: BufReader::with_capacity(1 << 20, from), data: Vec::new(), sound: 0 }
    }

    /// The data of the next record.
    fn next(&mut self) -> std::io::Result<Option<&[u8]>> {
        let Some(length) = self.array::<8>()? else { return Ok(None) };
        let Some(crc) = self.array()? else { return Ok(None) };
        let size = u64::from_le_bytes(length);
        if u32::from_le_bytes(crc) != masked_crc(&length) || size > RECORD_LIMIT {
            return Ok(None);
        }
        self.data.clear();
        (&mut self.from).take(size).read_to_end(&mut self.data)?;
        // Data that is cut short leaves nothing for its checksum to be read from.
        let Some(crc) = self.array()? else { return Ok(None) };
        let sound = u32::from_le_bytes(crc) == masked_crc(&self.data);
        self.sound += if sound { size + 16 } else { 0 };
        Ok(sound.then_some(self.data.as_slice()))
    }

    /// The next bytes; `None` at the end of the file.
    fn array<const N: usize>(&mut self) -> std::io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        match self.from.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    }
}

//! The logs of a run: CSV tables, event files, and a text log that keeps every sentence.

use super::TrainError;
use super::control::Control;
use super::tensorboard::EventWriter;
use crate::domain::ClassSet;
use crate::progress::{
    ConfusionCell, EpochReport, Flow, Monitor, Progress, StepReport, WeightedScores, learned_nothing,
};
use crate::run_folder::files::{csv_text, write_atomic};
use crate::run_folder::history::{ConfusionRow, MetricsRow};
use crate::run_folder::{CONFUSION_FILE, Confusion, METRICS_FILE, PER_CLASS_AP_FILE, PER_CLASS_FILE, RunDir};
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Epochs without a lower training loss before it is said that nothing is learned.
const NOT_LEARNING_AFTER: usize = 3;

/// Writes the tables from the whole history: what is on disk then always is exactly what the checkpoint remembers, and
/// rows past a checkpoint that training went back to are gone.
pub(super) fn write_tables(run: &RunDir, classes: &ClassSet, history: &[EpochReport]) -> Result<(), TrainError> {
    let several = history.iter().any(|r| r.val_map.is_some());
    write_rows(&run.path().join(METRICS_FILE), history.iter().map(|r| MetricsRow::of(r, several)))?;
    let confusion = history.iter().flat_map(|report| report.confusion.iter().map(move |cell| (report.epoch, cell)));
    let name = |class: &u32| classes.name(*class as usize).to_owned();
    let row = |(epoch, ConfusionCell(truth, predicted, clips)): (u32, &ConfusionCell)| ConfusionRow {
        epoch,
        truth: name(truth),
        predicted: name(predicted),
        clips: *clips,
    };
    write_rows(&run.path().join(CONFUSION_FILE), confusion.map(row))?;
    for (file, written) in [(PER_CLASS_FILE, !several), (PER_CLASS_AP_FILE, several)] {
        let path = run.path().join(file);
        if !written || history.is_empty() {
            let _ = std::fs::remove_file(path);
            continue;
        }
        write_atomic(&path, per_class(classes, history).as_bytes())?;
    }
    Ok(())
}

/// The score of each class after each epoch.
fn per_class(classes: &ClassSet, history: &[EpochReport]) -> String {
    let mut header = vec!["epoch".to_owned()];
    header.extend(classes.classes.iter().map(|c| c.name.clone()));
    let rows = history.iter().map(|r| {
        let mut row = vec![r.epoch.to_string()];
        let cell =
            |class: usize| r.class_scores().get(class).copied().flatten().map_or(String::new(), |a: f32| a.to_string());
        row.extend((0..classes.len()).map(cell));
        row
    });
    csv_text(&header, rows)
}

/// Writes a table. One without rows has no header either: then there is no table.
fn write_rows<R: serde::Serialize>(path: &Path, rows: impl Iterator<Item = R>) -> Result<(), TrainError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|e| TrainError::file("write", path, &e.into()))?;
    }
    let bytes = writer.into_inner().map_err(|e| TrainError::file("write", path, &e.into_error()))?;
    if bytes.is_empty() {
        let _ = std::fs::remove_file(path);
        return Ok(());
    }
    write_atomic(path, &bytes)?;
    Ok(())
}

/// Scalars of an optimiser step; the event's step is the optimiser's.
pub(super) fn step_events(events: &mut EventWriter, r: &StepReport) -> Result<(), TrainError> {
    let values = [
        ("step/loss", f64::from(r.loss)),
        ("step/accuracy", f64::from(r.accuracy)),
        ("step/gradient_norm", f64::from(r.gradient_norm)),
        ("step/learning_rate", r.learning_rate),
    ];
    events.scalars(r.step, values)
}

/// Scalars of an epoch; the event's step is the epoch. Where it is `drawn`, also the confusion matrix of its validation: the
/// best epochs are and the last, since drawing takes longer than many a short epoch.
pub(super) fn epoch_events(
    events: &mut EventWriter,
    classes: &ClassSet,
    r: &EpochReport,
    drawn: bool,
) -> Result<(), TrainError> {
    let mut values = vec![
        ("loss/train".to_owned(), f64::from(r.train_loss)),
        ("accuracy/train".to_owned(), f64::from(r.train_accuracy)),
        ("learning_rate".to_owned(), r.learning_rate),
        ("gradient_norm".to_owned(), f64::from(r.gradient_norm)),
        ("clips_per_second".to_owned(), f64::from(r.clips_per_second)),
    ];
    values.extend(r.val_loss.map(|v| ("loss/val".to_owned(), f64::from(v))));
    values.extend(r.val_accuracy.map(|v| ("accuracy/val".to_owned(), f64::from(v))));
    for (part, scores) in [("train", r.train_weighted), ("val", r.val_weighted)] {
        for (name, value) in scores.into_iter().flat_map(WeightedScores::named) {
            values.push((format!("weighted_{name}/{part}"), f64::from(value)));
        }
    }
    values.extend(r.val_map.map(|v| ("mAP/val".to_owned(), f64::from(v))));
    let tag = if r.per_class_ap.is_empty() { "per_class" } else { "per_class_ap" };
    for (class, score) in r.class_scores().iter().enumerate() {
        values.extend(score.map(|s| (format!("{tag}/{}", classes.name(class)), f64::from(s))));
    }
    events.scalars(u64::from(r.epoch), values.iter().map(|(tag, v)| (tag.as_str(), *v)))?;
    if drawn && !r.confusion.is_empty() {
        let confusion = Confusion::of_cells(classes.len(), &r.confusion);
        events.confusion(u64::from(r.epoch), "val", classes, &confusion)?;
    }
    Ok(())
}

/// What to say of a training that learns nothing, once after so many epochs and again at its `end`; a sentence.
pub(super) fn not_learning(history: &[EpochReport], learning_rate: f64, end: bool) -> Option<String> {
    let told_now = end || history.len() == NOT_LEARNING_AFTER + 1;
    if let Some((lowest, guessing)) = learned_nothing(history).filter(|_| told_now) {
        return Some(format!(
            "the training loss has not fallen below {lowest:.4} in {} epochs, and {guessing:.4} is reached by giving every clip the \
             same answer: the network has learned nothing from the clips; try another optimizer.learning_rate (now \
             {learning_rate:.1e}), and look at the labels and at the pictures the network is shown",
            history.len(),
        ));
    }
    let losses: Vec<f32> = history.iter().map(|e| e.train_loss).collect();
    let (first, rest) = losses.split_first()?;
    (rest.len() == NOT_LEARNING_AFTER && rest.iter().all(|l| *l > first * 0.999)).then(|| {
        format!(
            "the training loss has not fallen in {} epochs (it began at {first:.4}); try another \
             optimizer.learning_rate (now {learning_rate:.1e}), and look at the labels",
            losses.len(),
        )
    })
}

/// A monitor that also keeps what is worth keeping in `log.txt`.
pub(super) struct Logged<'a> {
    inner: &'a dyn Monitor,
    file: Mutex<Option<File>>,
    /// Lines from before there was a file.
    early: Mutex<Vec<String>>,
    /// What the folder of the run asks for.
    control: Mutex<Option<Control>>,
}

impl<'a> Logged<'a> {
    /// Passes everything on to `inner`; what is worth keeping waits for [`Logged::write_to`].
    pub fn new(inner: &'a dyn Monitor) -> Self {
        Self { inner, file: Mutex::new(None), early: Mutex::default(), control: Mutex::default() }
    }

    /// Appends to `path` from now on.
    pub fn write_to(&self, path: &Path) -> Result<(), TrainError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        *self.file.lock() = Some(file.map_err(|e| TrainError::file("write", path, &e))?);
        let early = std::mem::take(&mut *self.early.lock());
        early.iter().for_each(|line| self.note(line));
        Ok(())
    }

    /// Does from now on what the folder of the run asks for too.
    pub fn obey(&self, run: &Path) {
        *self.control.lock() = Some(Control::of(run));
    }

    /// Takes back what the folder of the run asked for, which is done.
    pub fn obeyed(&self) {
        self.control.lock().iter_mut().for_each(Control::done);
    }

    /// Adds a line to the file, and tells it as it stands there.
    pub fn note(&self, line: &str) {
        let stamped = format!("{} {line}", timestamp());
        if let Some(file) = self.file.lock().as_mut() {
            // The log is a convenience: a run does not end because it cannot be written. What matters is written
            // elsewhere, and fails with a sentence there.
            let _ = writeln!(file, "{stamped}");
        } else {
            return self.early.lock().push(line.to_owned());
        }
        self.inner.emit(Progress::Logged(stamped));
    }
}

impl Monitor for Logged<'_> {
    fn emit(&self, progress: Progress) {
        match &progress {
            Progress::Log(line) => self.note(line),
            Progress::Warning(sentence) => self.note(&format!("warning: {sentence}")),
            Progress::Epoch(report) => self.note(&epoch_line(report)),
            Progress::Checkpoint { name, epoch } => self.note(&format!("checkpoint {name} (epoch {epoch})")),
            Progress::Weights { lines, .. } => lines.iter().for_each(|line| self.note(line)),
            Progress::Stage { .. }
            | Progress::Share(_)
            | Progress::Step(_)
            | Progress::Layers(_)
            | Progress::WrongClips(_)
            | Progress::Logged(_) => {}
        }
        self.inner.emit(progress);
    }

    fn poll(&self) -> Flow {
        let asked = self.control.lock().as_mut().map_or((Flow::Continue, None), Control::poll);
        asked.1.into_iter().for_each(|line| self.note(&line));
        if asked.0 >= Flow::Finish {
            self.inner.asked_elsewhere();
        }
        self.inner.poll().max(asked.0)
    }

    fn inner(&self) -> Option<&dyn Monitor> {
        Some(self.inner)
    }
}

/// An epoch as people read it.
fn epoch_line(r: &EpochReport) -> String {
    let percent = |v: Option<f32>| v.map_or("-".to_owned(), |v| format!("{:.2} %", 100.0 * v));
    let f1 = |s: Option<WeightedScores>| s.map_or(String::new(), |s| format!(", weighted F1 {:.2} %", 100.0 * s.f1));
    format!(
        "epoch {}: train loss {:.4}, accuracy {}{}; validation loss {}, accuracy {}{}{}; learning rate {:.3e}, {:.1} s, \
         {:.1} clips/s",
        r.epoch,
        r.train_loss,
        percent(Some(r.train_accuracy)),
        f1(r.train_weighted),
        r.val_loss.map_or("-".to_owned(), |v| format!("{v:.4}")),
        percent(r.val_accuracy),
        f1(r.val_weighted),
        r.val_map.map_or(String::new(), |map| format!(", mAP {}", percent(Some(map)))),
        r.learning_rate,
        r.seconds,
        r.clips_per_second,
    )
}

/// The best epoch of a run, as people read it.
pub(super) fn best_line(best: &EpochReport) -> String {
    let score = 100.0 * best.score().unwrap_or(f32::NAN);
    format!("best validation {} {score:.2} % in epoch {}", best.score_name(), best.epoch)
}

/// Now, as `2026-01-31T12:00:00Z`.
fn timestamp() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3600, time / 60 % 60, time % 60)
}

/// Days since 1970-01-01 as a date of the Gregorian calendar, counted in years that begin in March, so that the leap
/// day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (400 * era + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_gregorian() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }
}

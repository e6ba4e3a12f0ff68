//! The end of an epoch, and checkpoints.

use super::Trainer;
use crate::model::write_safetensors;
use crate::progress::{EpochReport, Flow, Monitor, Progress};
use crate::run_folder::files::ron_text;
use crate::run_folder::writer::{remove_checkpoint, write_checkpoint};
use crate::run_folder::{MODEL_FILE, OPTIMIZER_FILE, STATE_FILE, TrainEnd};
use crate::train::TrainError;
use crate::train::best::{Checkpoints, checkpoints, plateau};
use crate::train::logs::{epoch_events, not_learning, write_tables};
use crate::train::progress::EpochSums;
use crate::train::resume::Stored;
use std::time::Instant;

impl Trainer<'_> {
    /// True when the last checkpoint has become old; the first process looks at the clock for all.
    pub(super) fn is_due(&self) -> bool {
        let minutes = self.config.training.checkpoint_minutes;
        self.team.leads() && minutes > 0.0 && self.saved.elapsed().as_secs_f64() >= 60.0 * minutes
    }

    /// Writes the last checkpoint anew when it has become old: a killed process loses minutes, not a long epoch.
    pub(super) fn save_in_time(&mut self) -> Result<(), TrainError> {
        if std::mem::take(&mut self.due) {
            self.checkpoint(&[])?;
            let done = self.state.batch_in_epoch;
            self.monitor.note(&format!("checkpoint last (epoch {}, batch {done})", self.state.epoch + 1));
        }
        Ok(())
    }

    /// Schedule, best values, checkpoints, logs; `Some` when training ends here.
    pub(super) fn finish_epoch(&mut self, report: EpochReport) -> Result<Option<TrainEnd>, TrainError> {
        let (exchanged, trained) = (std::mem::take(&mut self.team.exchanging), self.memory.sums.seconds);
        if exchanged > 0.0 {
            self.monitor.note(&format!(
                "gradients were exchanged in {exchanged:.2} s of {trained:.2} s of training, waits for slower processes included"
            ));
        }
        let mut report = self.team.report(report)?;
        self.scheduler.epoch_finished(f64::from(report.val_loss.unwrap_or(report.train_loss)));
        self.memory.schedule = self.scheduler.state().clone();
        let stop_early = plateau(&mut self.memory.plateau, &mut report, &self.config.training);
        self.state.history.push(report.clone());
        let Checkpoints { written, removed } =
            checkpoints(&self.state.history, &mut self.memory.kept, &self.config.training);
        self.state.epoch = report.epoch;
        self.state.batch_in_epoch = 0;
        self.memory.sums = EpochSums::default();
        let finished = self.state.epoch >= self.config.training.epochs;
        self.state.end = match self.team.flow(self.monitor.poll())? {
            _ if finished => Some(TrainEnd::Completed),
            _ if stop_early => Some(TrainEnd::EarlyStopped),
            Flow::Finish => Some(TrainEnd::FinishedEarly),
            Flow::Stop => Some(TrainEnd::Stopped),
            Flow::Continue | Flow::Pause => None,
        };
        let drawn = self.state.end.is_some() || written.iter().any(|name| name == "best_accuracy");
        let told = self.events.as_mut().map_or(Ok(()), |e| epoch_events(e, &self.state.classes, &report, drawn));
        self.team.agree(told)?;
        self.checkpoint(&written)?;
        let tidied = if self.team.leads() { self.tidy(&removed) } else { Ok(()) };
        self.team.agree(tidied)?;
        let epoch = report.epoch;
        self.monitor.emit(Progress::Share(self.work.training(epoch, 0.0) as f32));
        self.monitor.emit(Progress::Epoch(report));
        for name in written.into_iter().chain(["last".to_owned()]) {
            self.monitor.emit(Progress::Checkpoint { name, epoch });
        }
        let ended = self.state.end.is_some();
        let advice = not_learning(&self.state.history, self.config.optimizer.learning_rate, ended);
        if let Some(advice) = advice.filter(|_| self.team.leads()) {
            self.monitor.warn(advice);
        }
        Ok(self.state.end)
    }

    /// Writes `last`, and the same under other names.
    pub(super) fn checkpoint(&mut self, also: &[String]) -> Result<(), TrainError> {
        self.team.bring_together(&mut self.memory.sums)?;
        let written = match self.trouble.take() {
            Some(error) => Err(error),
            None if self.team.leads() => self.write_checkpoint(also),
            None => Ok(()),
        };
        self.saved = Instant::now();
        self.team.agree(written)
    }

    fn write_checkpoint(&mut self, also: &[String]) -> Result<(), TrainError> {
        if let Some(events) = &mut self.events {
            self.memory.event_bytes = events.flush()?;
        }
        let text = ron_text(&Stored { checkpoint: self.state.clone(), trainer: self.memory.clone() })?;
        let (network, optimizer) = (&self.network, &self.optimizer);
        write_checkpoint(&self.run, also, |folder| {
            network.save(&folder.join(MODEL_FILE))?;
            write_safetensors(&folder.join(OPTIMIZER_FILE), &optimizer.state()?, Default::default())?;
            let path = folder.join(STATE_FILE);
            std::fs::write(&path, &text).map_err(|e| TrainError::file("write", &path, &e))
        })
    }

    /// Removes checkpoints that are no longer among the best, and writes the tables.
    fn tidy(&self, removed: &[String]) -> Result<(), TrainError> {
        for name in removed {
            remove_checkpoint(&self.run, name)?;
        }
        write_tables(&self.run, &self.state.classes, &self.state.history)
    }
}

//! A search of settings as it goes on: which trial is trained next and up to which epoch, and what came of it.

use super::table::{Cell, Table};
use super::words::percent;
use crate::config::{Drawn, Search};
use crate::domain::{counted, duration};
use crate::progress::{EpochReport, best_epoch};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// One trial as far as it is.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// Its epochs so far.
    pub history: Vec<EpochReport>,
    /// It is not trained any further: it came to its end, or stopped early.
    pub over: bool,
    /// Why it failed.
    pub failure: Option<String>,
}

impl Trial {
    /// The best of its epochs up to one, where it has a score.
    fn best(&self, until: u32) -> Option<&EpochReport> {
        let end = self.history.partition_point(|e| e.epoch <= until);
        best_epoch(self.history.get(..end).unwrap_or_default())
    }
}

/// How a search stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// These trials are trained up to this epoch.
    Train(Vec<usize>, u32),
    /// All is done; the trial with the best score, where one has a score.
    Done(Option<usize>),
}

/// The better first: by the best epoch each had until then, those without a score last.
fn order(trials: &[Trial], until: u32, a: usize, b: usize) -> Ordering {
    let best = |i: usize| trials.get(i).filter(|t| t.failure.is_none()).and_then(|t| t.best(until));
    match (best(a), best(b)) {
        (Some(x), Some(y)) => {
            // Which epoch it was says nothing between trials.
            let same = EpochReport { epoch: x.epoch, ..y.clone() };
            x.by_validation(&same).then(a.cmp(&b))
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(&b),
    }
}

/// What is trained next. It follows from the epochs that are there, so that a search that was broken off goes on.
pub fn next(search: &Search, trials: &[Trial], epochs: u32) -> Next {
    let mut alive: Vec<usize> = (0..trials.len()).collect();
    let mut until = 0;
    for (count, upto) in search.rounds(trials.len(), epochs) {
        alive.sort_by(|a, b| order(trials, until, *a, *b));
        alive.truncate(count);
        until = upto;
        let lacking = |i: &usize| {
            trials.get(*i).is_some_and(|t| {
                let trained = t.history.last().map_or(0, |e| e.epoch);
                t.failure.is_none() && !t.over && trained < until
            })
        };
        let mut lacking: Vec<usize> = alive.iter().copied().filter(lacking).collect();
        if !lacking.is_empty() {
            lacking.sort_unstable();
            return Next::Train(lacking, until);
        }
    }
    alive.sort_by(|a, b| order(trials, until, *a, *b));
    Next::Done(
        alive
            .first()
            .copied()
            .filter(|i| trials.get(*i).is_some_and(|t| t.failure.is_none() && t.best(until).is_some())),
    )
}

/// What one trial came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialRow {
    /// Name of its run.
    pub run: String,
    /// The line of training it is a trial of.
    pub arm: String,
    /// What was drawn for it.
    pub values: Drawn,
    /// Epochs trained.
    pub epochs: u32,
    /// Best score of its validations.
    pub score: Option<f64>,
    /// The epoch of it.
    pub best_epoch: Option<u32>,
    /// Validation loss of that epoch.
    pub loss: Option<f64>,
    /// Seconds trained.
    pub seconds: f64,
    /// True for the best of its line.
    pub chosen: bool,
    /// Why it failed.
    pub failure: Option<String>,
}

impl TrialRow {
    /// The row of a trial.
    pub fn of(run: &str, arm: &str, values: &Drawn, trial: &Trial, chosen: bool) -> Self {
        let best = trial.best(u32::MAX);
        Self {
            run: run.to_owned(),
            arm: arm.to_owned(),
            values: values.clone(),
            epochs: trial.history.last().map_or(0, |e| e.epoch),
            score: best.and_then(EpochReport::score).map(f64::from),
            best_epoch: best.map(|e| e.epoch),
            loss: best.and_then(|e| e.val_loss).map(f64::from),
            seconds: trial.history.iter().map(|e| e.seconds).sum(),
            chosen,
            failure: trial.failure.clone(),
        }
    }
}

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SearchReport {
    /// What the score is called.
    pub metric: String,
    /// One row a trial.
    pub trials: Vec<TrialRow>,
    /// What decides, and what was chosen, in sentences.
    pub notes: Vec<String>,
}

impl SearchReport {
    /// With the sentences that say what decided.
    pub fn of(search: &Search, trials: Vec<TrialRow>, metric: &str) -> Self {
        let mut notes = vec![format!(
            "{metric} on the validation clips decides, of the best epoch of each trial; test clips were not looked at to choose"
        )];
        if (trials.len() as u32) < search.trials() {
            notes.push(format!(
                "the ranges hold no more than these values, so fewer than {} were tried",
                search.trials()
            ));
        }
        let arms: BTreeSet<&str> = trials.iter().map(|r| r.arm.as_str()).collect();
        for arm in arms {
            let of_arm = || trials.iter().filter(|r| r.arm == arm);
            let failed = of_arm().filter(|r| r.failure.is_some()).count();
            if failed > 0 {
                notes.push(format!(
                    "{failed} of {} of {arm} failed and could not be chosen: the best of the others need not be the best of all",
                    counted(of_arm().count() as u64, "trial")
                ));
            }
        }
        for row in trials.iter().filter(|r| r.chosen) {
            let values: Vec<String> = row.values.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let score = row.score.map_or_else(|| "no score".to_owned(), percent);
            notes.push(format!("{}: {} is the best, {score} with {}", row.arm, row.run, values.join(", ")));
        }
        notes.push(
            "the best of many trials looks better on the validation clips than it is; its score on the test clips counts".into(),
        );
        Self { metric: metric.to_owned(), trials, notes }
    }

    /// One row a trial, the best first.
    pub fn table(&self) -> Table {
        let keys: Vec<String> =
            self.trials.first().map(|t| t.values.iter().map(|(key, _)| key.clone()).collect()).unwrap_or_default();
        let score = format!("validation {}", self.metric);
        let head = ["trial", "of"].map(str::to_owned).into_iter().chain(keys);
        let tail = [score.as_str(), "at epoch", "validation loss", "epochs", "time", "chosen", "failure"];
        let column = 2 + self.trials.first().map_or(0, |t| t.values.len());
        let mut table = Table::new("Values tried", head.chain(tail.map(str::to_owned)));
        for row in &self.trials {
            let value = |text: &String| match text.parse::<f64>() {
                Ok(number) => Cell::number(Some(number), |_| text.clone()),
                Err(_) => Cell::text(text.clone()),
            };
            let mut cells = vec![Cell::text(row.run.clone()), Cell::text(row.arm.clone())];
            cells.extend(row.values.iter().map(|(_, v)| value(v)));
            cells.extend([
                Cell::number(row.score, percent),
                Cell::count(row.best_epoch.map(u64::from)),
                Cell::number(row.loss, |v| format!("{v:.4}")),
                Cell::count(Some(u64::from(row.epochs))),
                Cell::number(Some(row.seconds), duration),
                Cell::text(if row.chosen { "yes" } else { "" }),
                Cell::text(row.failure.clone().unwrap_or_default()),
            ]);
            table.rows.push(cells);
        }
        table.sorted(column, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SearchMethod;

    fn halving(trials: u32) -> Search {
        Search { method: SearchMethod::Halving { trials, seed: 1, epochs: 1, factor: 3 }, ..Search::default() }
    }

    /// Epochs with these scores.
    fn trial(scores: &[f32]) -> Trial {
        let epoch = |(i, score): (usize, &f32)| EpochReport {
            epoch: i as u32 + 1,
            val_accuracy: Some(*score),
            val_loss: Some(1.0 - score),
            ..EpochReport::default()
        };
        Trial { history: scores.iter().enumerate().map(epoch).collect(), ..Trial::default() }
    }

    #[test]
    fn the_best_third_goes_on_and_the_rest_stays_as_it_is() {
        let search = halving(6);
        let mut trials = vec![Trial::default(); 6];
        assert_eq!(next(&search, &trials, 9), Next::Train(vec![0, 1, 2, 3, 4, 5], 1));
        for (t, score) in trials.iter_mut().zip([0.1, 0.5, 0.3, 0.5, 0.2, 0.4]) {
            *t = trial(&[score]);
        }
        // Of six two go on; equal scores as they came.
        assert_eq!(next(&search, &trials, 9), Next::Train(vec![1, 3], 3));
        trials[1] = trial(&[0.5, 0.5, 0.55]);
        assert_eq!(next(&search, &trials, 9), Next::Train(vec![3], 3), "one is broken off");
        // What went on beyond its round is judged by its epochs up to it.
        trials[3] = trial(&[0.5, 0.6, 0.4, 0.9]);
        assert_eq!(next(&search, &trials, 9), Next::Train(vec![3], 9));
        trials[3] = trial(&[0.5, 0.6, 0.4, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]);
        assert_eq!(next(&search, &trials, 9), Next::Done(Some(3)));
    }

    #[test]
    fn what_failed_does_not_go_on_and_what_stopped_early_may_win() {
        let search = halving(3);
        let failed = Trial { failure: Some("no".into()), ..trial(&[0.9]) };
        let early = Trial { over: true, ..trial(&[0.8]) };
        assert_eq!(next(&search, &[failed.clone(), early, trial(&[0.7])], 9), Next::Done(Some(1)));
        assert_eq!(next(&search, &[failed.clone(), failed], 9), Next::Done(None));
    }

    #[test]
    fn a_random_search_trains_all_to_the_end() {
        let search = Search { method: SearchMethod::Random { trials: 2, seed: 1 }, ..Search::default() };
        assert_eq!(next(&search, &[trial(&[0.5]), trial(&[0.5, 0.5])], 2), Next::Train(vec![0], 2));
        assert_eq!(next(&search, &[trial(&[0.5, 0.7]), trial(&[0.5, 0.6])], 2), Next::Done(Some(0)));
    }

    #[test]
    fn the_table_has_the_best_first_and_says_what_decides() {
        let values = |rate: &str| vec![("optimizer.learning_rate".to_owned(), rate.to_owned())];
        let rows = vec![
            TrialRow::of("net_trial1", "net", &values("0.01"), &trial(&[0.25]), false),
            TrialRow::of("net_trial2", "net", &values("0.1"), &trial(&[0.5, 0.25]), true),
        ];
        let report = SearchReport::of(&halving(2), rows, "accuracy");
        let csv = report.table().csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[0].starts_with("trial,of,optimizer.learning_rate,validation accuracy,at epoch"), "{csv}");
        assert!(lines[1].starts_with("net_trial2,net,0.1,0.5,1,0.5,2"), "{csv}");
        let notes = report.notes.join("\n");
        assert!(notes.contains("accuracy on the validation clips decides") && notes.contains("net_trial2"), "{notes}");
    }
}

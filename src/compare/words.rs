//! Numbers and findings in plain words.

use super::pairs::Pair;
use super::statistics::{DRAWS, LEVEL, Spread};
use super::units::{Resampled, Unit};
use crate::domain::{Task, counted, listed};
use crate::run_folder::ConfidenceInterval;
use serde::{Deserialize, Serialize};

/// What runs are judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Metric {
    /// Share of clips that are right.
    #[default]
    #[serde(rename = "accuracy")]
    Accuracy,
    /// Mean average precision, in a multi-label task.
    #[serde(rename = "mAP")]
    MeanAveragePrecision,
}

impl Metric {
    /// That of a task.
    pub fn of(task: Task) -> Self {
        match task {
            Task::SingleLabel => Self::Accuracy,
            Task::MultiLabel => Self::MeanAveragePrecision,
        }
    }

    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MeanAveragePrecision => "mAP",
        }
    }

    /// True where clips show several classes.
    pub fn of_sets(self) -> bool {
        self == Self::MeanAveragePrecision
    }
}

/// A share of 0…1 as `71.2 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A difference of shares as `+3.2 points`.
pub fn points(difference: f64) -> String {
    format!("{:+.1} points", 100.0 * difference)
}

/// An interval of shares as `[64.0 … 78.1 %]`.
pub fn range(interval: &ConfidenceInterval) -> String {
    format!("[{:.1} … {:.1} %]", 100.0 * interval.low, 100.0 * interval.high)
}

/// An interval of differences as `[-1.0 … +5.2]`.
pub fn point_range(interval: &ConfidenceInterval) -> String {
    format!("[{:+.1} … {:+.1}]", 100.0 * interval.low, 100.0 * interval.high)
}

/// A p value: `0.031`, `< 0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// `p = 0.031`, `p < 0.001`.
fn p_of(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// True where an interval does not hold 0.
pub fn excludes_zero(interval: &ConfidenceInterval) -> bool {
    interval.low > 0.0 || interval.high < 0.0
}

/// How intervals were made, and of what: `percentile bootstrap, 2000 paired draws over 9 subjects`.
pub fn method(resampled: &Resampled) -> String {
    let drawn = counted(resampled.count as u64, resampled.unit.noun());
    format!("percentile bootstrap, {DRAWS} paired samples over {drawn}")
}

/// How intervals were made, and what limits them.
pub fn intervals(resampled: &Resampled) -> String {
    let mut out = format!("Intervals hold 95 %: {}.", method(resampled));
    match resampled.unit {
        Unit::Subjects => {}
        Unit::Videos if resampled.one_subject => {
            out += " All clips show one person: nothing here holds for other people."
        }
        Unit::Videos => {
            out += " The dataset does not say who is in a video; people who are in several make the truth wider."
        }
        Unit::Clips => {
            out += " All clips are of one video, so clips were resampled one by one; they are no independent trials, and the truth is wider.";
        }
    }
    if resampled.few() && resampled.unit != Unit::Clips {
        out += &format!(
            " So few {}s make intervals coarse and rather too narrow; look at the difference of each.",
            resampled.unit.noun()
        );
    }
    out
}

/// The interval of the better run's lead over the other.
fn lead(pair: &Pair) -> String {
    let ConfidenceInterval { low, high } = pair.interval;
    point_range(&if pair.difference >= 0.0 { pair.interval } else { ConfidenceInterval { low: -high, high: -low } })
}

/// `1 new one`, `3 new ones`.
fn new_ones(n: usize) -> String {
    format!("{n} new {}", if n == 1 { "one" } else { "ones" })
}

/// What two runs come to. `a` and `b` are their names.
pub(super) fn verdict(pair: &Pair, a: &str, b: &str, resampled: &Resampled, metric: Metric) -> String {
    if metric.of_sets() {
        return verdict_of_sets(pair, a, b, resampled);
    }
    let (fixed, broken) = (pair.lists.fixed.len(), pair.lists.broken.len());
    if fixed + broken == 0 {
        return format!("{b} is right on exactly the clips {a} is right on.");
    }
    let sums = format!("of {a}'s errors {b} has {fixed} right and makes {}", new_ones(broken));
    if pair.too_few {
        return format!(
            "This may be luck: {sums}; with fewer than 6 clips on which exactly one of them is right, the exact test can \
             never reach 0.05."
        );
    }
    let (better, worse) = if pair.difference >= 0.0 { (b, a) } else { (a, b) };
    let size = format!("{:.1} points {}", 100.0 * pair.difference.abs(), lead(pair));
    let corrected = if pair.p_holm > pair.p { ", corrected for all pairs" } else { "" };
    let p = format!("{}{corrected}", p_of(pair.p_holm));
    let units = format!("{}s", resampled.unit.noun());
    match (pair.p_holm < LEVEL, excludes_zero(&pair.interval)) {
        (true, true) if resampled.few() => format!(
            "{better} is ahead of {worse} by {size}; that is more than luck if clips are counted one by one ({p}), but {} are too \
             few to say that it holds for others: {sums}.",
            counted(resampled.count as u64, resampled.unit.noun())
        ),
        (true, true) => {
            format!("{better} is better than {worse} by {size}, and luck does not explain it ({p}): {sums}.")
        }
        (true, false) => format!(
            "{better} is ahead of {worse} by {size}; that is more than luck if clips are counted one by one ({p}), but \
             other {units} could turn it round: {sums}."
        ),
        (false, true) => format!(
            "{better} is ahead of {worse} by {size}; the interval over {units} excludes 0, but the test over clips does not \
             confirm it ({p}): {sums}."
        ),
        (false, false) => format!("The difference of {size} between {a} and {b} may be luck ({p}): {sums}."),
    }
}

/// The same of clips with several classes: mAP by the draws, whole sets clip by clip.
fn verdict_of_sets(pair: &Pair, a: &str, b: &str, resampled: &Resampled) -> String {
    let (fixed, broken) = (pair.lists.fixed.len(), pair.lists.broken.len());
    let p = pair.exact_p.unwrap_or(1.0);
    let sums = match fixed + broken {
        0 => format!("{b} has the whole set right of exactly the clips {a} has"),
        _ => format!(
            "of the clips whose set {a} has not, {b} has {fixed} right, and loses {broken} that {a} has (exact test of whole sets \
             {})",
            p_of(p)
        ),
    };
    let (better, worse) = if pair.difference >= 0.0 { (b, a) } else { (a, b) };
    let size = format!("{:.1} points of mAP {}", 100.0 * pair.difference.abs(), lead(pair));
    let corrected = if pair.p_holm > pair.p { ", corrected for all pairs" } else { "" };
    let p = format!("bootstrap {}{corrected}", p_of(pair.p_holm));
    let unit = resampled.unit.noun();
    if pair.too_few {
        return format!(
            "{better} is ahead of {worse} by {size}; whether that is luck cannot be told from {}: {sums}.",
            counted(resampled.count as u64, unit)
        );
    }
    if pair.sure() {
        return format!(
            "{better} is better than {worse} by {size}, and luck in the choice of {unit}s does not explain it ({p}): {sums}."
        );
    }
    format!("The difference of {size} between {a} and {b} may be luck ({p}): {sums}.")
}

/// Runs that differ in the seed alone.
pub(super) fn seeds(names: &[&str], accuracy: &Spread, metric: Metric) -> String {
    format!(
        "{} differ in the seed alone: {} {:.1} ± {:.1} % (mean and standard deviation; {:.1} to {:.1} %). A smaller \
         difference between two single runs says nothing.",
        listed(names, 6),
        metric.name(),
        100.0 * accuracy.mean,
        100.0 * accuracy.deviation,
        100.0 * accuracy.low,
        100.0 * accuracy.high
    )
}

//! Is a difference luck? Exact tests, correction for many tests, intervals by resampling, spread over seeds.
//!
//! Pure functions of numbers; what is counted and who is resampled is the caller's.

use crate::run_folder::ConfidenceInterval;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A score with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// The value.
    pub value: f64,
    /// Its percentile interval over subjects, videos or clips.
    pub interval: ConfidenceInterval,
}

/// Fewer clips on which two networks differ can never reach a two-sided p of 0.05: `2 * 0.5^5` is 0.0625.
pub const FEWEST_DISCORDANT: u64 = 6;

/// What counts as significant.
pub const LEVEL: f64 = 0.05;

/// Draws of a bootstrap unless asked otherwise.
pub const DRAWS: usize = 2000;

/// McNemar's exact test of two classifiers on the same clips (McNemar 1947): the two-sided p of so uneven a division of
/// the clips on which one of them alone is right, were both equally likely. `fixed` and `broken` are the two parts; 1
/// where there is none.
pub fn mcnemar(fixed: u64, broken: u64) -> f64 {
    (2.0 * lower_half(fixed.min(broken), fixed + broken)).min(1.0)
}

/// Probability of at most `k` heads in `n` throws of a coin.
fn lower_half(k: u64, n: u64) -> f64 {
    if k >= n {
        return 1.0;
    }
    // The largest term by logarithms, the ones below by their ratios: nothing under- or overflows before it counts.
    let choose: f64 = (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum();
    let mut term = 1.0;
    let mut sum = 1.0;
    for i in (1..=k).rev() {
        term *= i as f64 / (n - i + 1) as f64;
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    ((choose - n as f64 * std::f64::consts::LN_2).exp() * sum).min(1.0)
}

/// p values corrected for having made all these tests (Holm 1979), in the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut out = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, i) in order.into_iter().enumerate() {
        largest = largest.max((p[i] * (p.len() - rank) as f64).min(1.0));
        out[i] = largest;
    }
    out
}

/// The value below which a share `q` of the values lies, linear between neighbours (NumPy's default); `None` without a
/// value. `sorted` ascends.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let low = *sorted.get(at.floor() as usize)?;
    let high = *sorted.get(at.ceil() as usize)?;
    Some(low + (high - low) * at.fract())
}

/// Statistics of a sample that is drawn anew from itself (Efron 1979): of each, its values in all draws, ascending.
///
/// Each of `draws` takes as many of the `units` as there are, with replacement. `statistic` is given how often each unit
/// was drawn, and answers several numbers at once, so that differences are paired: whoever is drawn is drawn for all. What
/// is not finite in a draw is left out there. The same seed gives the same draws, whatever the number of threads.
pub fn resample(units: usize, draws: usize, seed: u64, statistic: impl Fn(&[u32]) -> Vec<f64> + Sync) -> Vec<Vec<f64>> {
    if units == 0 || draws == 0 {
        return Vec::new();
    }
    // Half the random bits of a 64-bit draw; there are never so many units.
    let count = u32::try_from(units).unwrap_or(u32::MAX);
    let draw = |stream: usize| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream as u64);
        let mut times = vec![0_u32; units];
        for _ in 0..units {
            times[random.random_range(0..count) as usize] += 1;
        }
        statistic(&times)
    };
    let drawn: Vec<Vec<f64>> = (0..draws).into_par_iter().map(draw).collect();
    let statistics = drawn.iter().map(Vec::len).max().unwrap_or(0);
    (0..statistics)
        .map(|i| {
            let mut values: Vec<f64> =
                drawn.iter().filter_map(|d| d.get(i).copied()).filter(|v| v.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            values
        })
        .collect()
}

/// The 95 % percentile interval of the values of [`resample`]; not numbers where there is none.
pub fn interval(sorted: &[f64]) -> ConfidenceInterval {
    let at = |q| quantile(sorted, q).unwrap_or(f64::NAN);
    ConfidenceInterval { low: at(LEVEL / 2.0), high: at(1.0 - LEVEL / 2.0) }
}

/// Two-sided p of a difference being 0, from its values in the draws of [`resample`]: twice the share of draws on the smaller
/// side of 0, each side with one draw more than were seen, so that it is never 0 (Davison & Hinkley 1997, chapter 4). 1 without
/// a value.
pub fn bootstrap_p(sorted: &[f64]) -> f64 {
    let up_to = sorted.partition_point(|v| *v <= 0.0);
    let from = sorted.len() - sorted.partition_point(|v| *v < 0.0);
    (2.0 * (up_to.min(from) + 1) as f64 / (sorted.len() + 1) as f64).min(1.0)
}

/// The [`interval`] of every statistic of [`resample`].
pub fn bootstrap(
    units: usize,
    draws: usize,
    seed: u64,
    statistic: impl Fn(&[u32]) -> Vec<f64> + Sync,
) -> Vec<ConfidenceInterval> {
    resample(units, draws, seed, statistic).iter().map(|values| interval(values)).collect()
}

/// Mean, sample standard deviation and range of a score over runs that differ in their seed alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Values.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with `count - 1` below the line; 0 for one value.
    pub deviation: f64,
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
}

impl Spread {
    /// Of some values; `None` without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { count: count as u64, mean, deviation, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/extra_statistics.json")).unwrap()
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn near(got: f64, want: f64, what: &str) {
        assert!((got - want).abs() <= 1e-10 * want.abs().max(1e-12), "{what}: {got} instead of {want}");
    }

    #[test]
    fn mcnemar_is_that_of_statsmodels_on_random_tables() {
        let cases = golden()["mcnemar"].as_array().unwrap().clone();
        assert!(cases.len() >= 200);
        for case in cases {
            let (fixed, broken) = (case["fixed"].as_u64().unwrap(), case["broken"].as_u64().unwrap());
            near(mcnemar(fixed, broken), case["p"].as_f64().unwrap(), &format!("{fixed} against {broken}"));
            assert_eq!(mcnemar(fixed, broken), mcnemar(broken, fixed));
        }
    }

    #[test]
    fn fewer_than_six_discordant_clips_never_suffice_and_six_may() {
        for n in 0..FEWEST_DISCORDANT {
            assert!((0..=n).all(|fixed| mcnemar(fixed, n - fixed) > LEVEL), "{n}");
        }
        near(mcnemar(FEWEST_DISCORDANT, 0), 0.03125, "6 against 0");
        near(mcnemar(5, 0), 0.0625, "5 against 0");
        assert_eq!(mcnemar(0, 0), 1.0);
    }

    #[test]
    fn holm_is_that_of_statsmodels() {
        let cases = golden()["holm"].as_array().unwrap().clone();
        assert!(cases.len() >= 20);
        for case in cases {
            for (got, want) in holm(&numbers(&case["p"])).into_iter().zip(numbers(&case["adjusted"])) {
                near(got, want, "Holm");
            }
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn quantiles_and_spreads_are_numpy_s() {
        let cases = golden()["samples"].as_array().unwrap().clone();
        assert!(cases.len() >= 10);
        for case in cases {
            let mut values = numbers(&case["values"]);
            let spread = Spread::of(&values).unwrap();
            near(spread.mean, case["mean"].as_f64().unwrap(), "mean");
            near(spread.deviation, case["deviation"].as_f64().unwrap(), "deviation");
            values.sort_by(f64::total_cmp);
            assert_eq!((spread.low, spread.high), (values[0], values[values.len() - 1]));
            for pair in case["quantiles"].as_array().unwrap() {
                let (q, want) = (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap());
                near(quantile(&values, q).unwrap(), want, "quantile");
            }
        }
        assert_eq!((quantile(&[], 0.5), Spread::of(&[])), (None, None));
    }

    /// Right and all clips of each subject; the statistic is the share of right ones.
    fn accuracy(subjects: &[(f64, f64)]) -> impl Fn(&[u32]) -> Vec<f64> + Sync + '_ {
        move |times| {
            let sum = |of: fn(&(f64, f64)) -> f64| -> f64 {
                times.iter().zip(subjects).map(|(n, s)| f64::from(*n) * of(s)).sum()
            };
            vec![sum(|s| s.0) / sum(|s| s.1)]
        }
    }

    #[test]
    fn bootstrap_intervals_are_scipy_s_but_for_the_draws() {
        let cases = golden()["bootstrap"].as_array().unwrap().clone();
        assert!(cases.len() >= 5);
        for case in cases {
            let subjects: Vec<(f64, f64)> = numbers(&case["right"]).into_iter().zip(numbers(&case["clips"])).collect();
            let got = bootstrap(subjects.len(), 20_000, 3, accuracy(&subjects))[0];
            let (low, high) = (case["low"].as_f64().unwrap(), case["high"].as_f64().unwrap());
            // Of 20,000 draws a percentile at 2.5 % is known to about a fiftieth of the width.
            let tolerance = (high - low) / 25.0;
            assert!((got.low - low).abs() < tolerance && (got.high - high).abs() < tolerance, "{got:?} {low} {high}");
        }
    }

    #[test]
    fn a_difference_that_no_draw_turns_round_has_the_smallest_p_there_is() {
        let draws = |low: i32| (0..99).map(|i| f64::from(low + i)).collect::<Vec<_>>();
        assert_eq!(bootstrap_p(&draws(1)), 2.0 / 100.0);
        // Ten of 99 at or below 0.
        assert_eq!(bootstrap_p(&draws(-9)), 22.0 / 100.0);
        assert_eq!(bootstrap_p(&draws(-98)), 4.0 / 100.0, "one of them is 0");
        assert_eq!((bootstrap_p(&[0.0; 9]), bootstrap_p(&[])), (1.0, 1.0));
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_one_does_not() {
        let subjects: Vec<(f64, f64)> = (0..12).map(|i| (f64::from(i % 5), 5.0)).collect();
        let of = |seed| bootstrap(12, 300, seed, accuracy(&subjects));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(bootstrap(0, 300, 1, |_| vec![0.0]).is_empty());
        let holes = bootstrap(3, 100, 1, |_| vec![f64::NAN, 2.0]);
        assert!(holes[0].low.is_nan() && (holes[1].low, holes[1].high) == (2.0, 2.0));
    }

    /// People differ, and clips of a person are alike: intervals over subjects cover the truth about as often as they say,
    /// intervals over clips far too seldom.
    #[test]
    fn intervals_over_subjects_cover_at_their_level_and_those_over_clips_do_not() {
        const EXPERIMENTS: u64 = 400;
        const SUBJECTS: usize = 30;
        const CLIPS: usize = 20;
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let (mut over_subjects, mut over_clips) = (0, 0);
        for experiment in 0..EXPERIMENTS {
            // The accuracy of a person is drawn evenly from 0.3 to 0.9: 0.6 is the truth.
            let subjects: Vec<(f64, f64)> = (0..SUBJECTS)
                .map(|_| {
                    let own = 0.3 + 0.6 * random.random::<f64>();
                    let right = (0..CLIPS).filter(|_| random.random::<f64>() < own).count();
                    (right as f64, CLIPS as f64)
                })
                .collect();
            let clips: Vec<(f64, f64)> = subjects
                .iter()
                .flat_map(|(right, all)| {
                    (0..*all as usize).map(move |i| (f64::from(u8::from((i as f64) < *right)), 1.0))
                })
                .collect();
            let covers = |units: &[(f64, f64)]| {
                let interval = bootstrap(units.len(), 400, experiment, accuracy(units))[0];
                u64::from(interval.low <= 0.6 && 0.6 <= interval.high)
            };
            over_subjects += covers(&subjects);
            over_clips += covers(&clips);
        }
        let share = |n: u64| n as f64 / EXPERIMENTS as f64;
        // 95 % with the noise of 400 experiments (2.2 points at two standard errors) and the few subjects.
        assert!((0.91..=0.98).contains(&share(over_subjects)), "{}", share(over_subjects));
        assert!(share(over_clips) < 0.85, "{}", share(over_clips));
    }
}

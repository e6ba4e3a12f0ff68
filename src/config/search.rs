//! A search of settings: which values are tried, and how long each gets.

use super::ConfigError;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Values that are tried for every line of training of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// How values are drawn, and how long each is trained.
    pub method: SearchMethod,
    /// What is drawn, by the key of the configuration.
    pub ranges: BTreeMap<String, SearchRange>,
}

/// How a search goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum SearchMethod {
    /// Every trial is trained to its end (Bergstra & Bengio 2012).
    Random {
        /// How many are tried.
        trials: u32,
        /// Seed of what is drawn.
        #[serde(default)]
        seed: u64,
    },
    /// All trials are trained for a few epochs; of each round the best go on for longer (Jamieson & Talwalkar 2016).
    Halving {
        /// How many are tried.
        trials: u32,
        /// Seed of what is drawn.
        #[serde(default)]
        seed: u64,
        /// Epochs of the first round.
        #[serde(default = "one")]
        epochs: u32,
        /// One of so many goes on, for so many times the epochs.
        #[serde(default = "three")]
        factor: u32,
    },
}

fn one() -> u32 {
    1
}

fn three() -> u32 {
    3
}

impl Default for SearchMethod {
    fn default() -> Self {
        Self::Random { trials: 0, seed: 0 }
    }
}

/// From what a value is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SearchRange {
    /// Evenly between two numbers.
    Uniform(f64, f64),
    /// Evenly in the logarithm.
    Log(f64, f64),
    /// A whole number from the first to the second.
    Int(i64, i64),
    /// One of these.
    OneOf(Vec<SearchValue>),
}

/// A value as a plan writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SearchValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Whatever `--set` takes.
    Text(String),
}

impl SearchValue {
    fn text(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// One draw: the value of each key, as `--set` takes it.
pub type Drawn = Vec<(String, String)>;

/// Draws of one trial before the search is content with fewer trials than were asked for: lists of a few values repeat.
const DRAWS: u32 = 200;

/// Significant digits of a drawn number, that it can be read and typed.
fn rounded(value: f64) -> String {
    let text = format!("{value:.3e}");
    text.parse::<f64>().map_or(text, |v| v.to_string())
}

impl SearchRange {
    fn fault(&self) -> Option<String> {
        let rising = |low: f64, high: f64| low.is_finite() && high.is_finite() && low < high;
        match self {
            Self::Uniform(low, high) if !rising(*low, *high) => {
                Some(format!("Uniform({low}, {high}) needs two numbers that rise"))
            }
            Self::Log(low, high) if !rising(*low, *high) || *low <= 0.0 => {
                Some(format!("Log({low}, {high}) needs two numbers that rise from above 0"))
            }
            Self::Int(low, high) if low >= high => {
                Some(format!("Int({low}, {high}) needs two whole numbers that rise"))
            }
            Self::OneOf(values) if values.is_empty() => Some("OneOf([]) has no value".to_owned()),
            _ => None,
        }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> String {
        match self {
            Self::Uniform(low, high) => rounded(low + (high - low) * random.random::<f64>()),
            Self::Log(low, high) => rounded((low.ln() + (high / low).ln() * random.random::<f64>()).exp()),
            Self::Int(low, high) => random.random_range(*low..=*high).to_string(),
            Self::OneOf(values) => {
                let at = random.random_range(0..values.len().max(1));
                values.get(at).map(SearchValue::text).unwrap_or_default()
            }
        }
    }
}

impl Search {
    /// How many are tried.
    pub fn trials(&self) -> u32 {
        match self.method {
            SearchMethod::Random { trials, .. } | SearchMethod::Halving { trials, .. } => trials,
        }
    }

    /// What is tried. The same plan always draws the same; no two trials are alike, so that there are fewer where ranges do
    /// not hold as many.
    ///
    /// # Errors
    /// A search without trials or ranges, and ranges that hold nothing.
    pub fn draw(&self) -> Result<Vec<Drawn>, ConfigError> {
        let invalid = |sentence: String| Err(ConfigError::Invalid(format!("search: {sentence}")));
        let (trials, seed) = match self.method {
            SearchMethod::Random { trials, seed } | SearchMethod::Halving { trials, seed, .. } => (trials, seed),
        };
        if trials < 2 {
            return invalid("method needs at least 2 trials, as in Random(trials: 20)".to_owned());
        }
        if let SearchMethod::Halving { epochs, factor, .. } = self.method
            && (epochs < 1 || factor < 2)
        {
            return invalid("Halving needs epochs of at least 1 and a factor of at least 2".to_owned());
        }
        if self.ranges.is_empty() {
            return invalid("ranges names no key, as in {\"optimizer.learning_rate\": Log(1e-4, 1e-1)}".to_owned());
        }
        if let Some((key, fault)) = self.ranges.iter().find_map(|(key, range)| Some((key, range.fault()?))) {
            return invalid(format!("{key}: {fault}"));
        }
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for trial in 0..trials {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(u64::from(trial));
            let one = |random: &mut ChaCha8Rng| -> Drawn {
                self.ranges.iter().map(|(key, range)| (key.clone(), range.draw(random))).collect()
            };
            let fresh = (0..DRAWS).map(|_| one(&mut random)).find(|drawn| !seen.contains(drawn));
            if let Some(drawn) = fresh {
                seen.insert(drawn.clone());
                out.push(drawn);
            }
        }
        Ok(out)
    }

    /// The rounds of a search over so many trials of at most so many epochs: how many are trained, and up to which epoch.
    pub fn rounds(&self, trials: usize, epochs: u32) -> Vec<(usize, u32)> {
        let SearchMethod::Halving { epochs: first, factor, .. } = self.method else { return vec![(trials, epochs)] };
        let factor = factor.max(2);
        let (mut left, mut until) = (trials, first.max(1));
        let mut out = Vec::new();
        loop {
            let until_now = if left <= 1 { epochs } else { until.min(epochs) };
            out.push((left, until_now));
            if until_now >= epochs {
                return out;
            }
            left = (left / factor as usize).max(1);
            until = until.saturating_mul(factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str) -> Search {
        let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        options.from_str(text).unwrap()
    }

    const RANGES: &str = r#"ranges: {"optimizer.learning_rate": Log(1e-4, 1e-1), "training.batch_size": OneOf([8, 16]),
        "optimizer.kind": OneOf(["AdamW", "Sgd"]), "clip.length": Int(4, 6), "model.dropout": Uniform(0.1, 0.5)}"#;

    #[test]
    fn the_same_seed_draws_the_same_within_the_ranges() {
        let of = |seed: u64| search(&format!("(method: Random(trials: 40, seed: {seed}), {RANGES})")).draw().unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let drawn = of(1);
        assert_eq!(drawn.len(), 40);
        let value = |d: &Drawn, key: &str| d.iter().find(|(k, _)| k == key).unwrap().1.clone();
        let mut small = 0;
        for d in &drawn {
            let rate: f64 = value(d, "optimizer.learning_rate").parse().unwrap();
            assert!((1e-4..=1e-1).contains(&rate), "{rate}");
            small += usize::from(rate < 3.16e-3);
            assert!(["8", "16"].contains(&value(d, "training.batch_size").as_str()));
            assert!(["AdamW", "Sgd"].contains(&value(d, "optimizer.kind").as_str()));
            assert!((4..=6).contains(&value(d, "clip.length").parse::<i64>().unwrap()));
            assert!((0.1..=0.5).contains(&value(d, "model.dropout").parse::<f64>().unwrap()));
        }
        // Half of the decades are below 10^-2.5: 20 of 40, give or take three standard deviations.
        assert!((11..=29).contains(&small), "{small}");
        assert_eq!(&of(1)[..10], &search(&format!("(method: Random(trials: 10, seed: 1), {RANGES})")).draw().unwrap());
    }

    #[test]
    fn no_two_trials_are_alike() {
        let few = search(r#"(method: Random(trials: 20), ranges: {"training.batch_size": OneOf([8, 16, 32])})"#);
        assert_eq!(few.draw().unwrap().len(), 3);
    }

    #[test]
    fn one_of_three_goes_on_for_three_times_the_epochs() {
        let rounds = |text: &str, trials, epochs| search(&format!("(method: {text}, {RANGES})")).rounds(trials, epochs);
        assert_eq!(rounds("Halving(trials: 9)", 9, 9), [(9, 1), (3, 3), (1, 9)]);
        assert_eq!(rounds("Halving(trials: 20, epochs: 2, factor: 2)", 20, 12), [(20, 2), (10, 4), (5, 8), (2, 12)]);
        assert_eq!(rounds("Halving(trials: 4)", 4, 30), [(4, 1), (1, 30)], "the last one is trained to its end");
        assert_eq!(rounds("Halving(trials: 4, epochs: 8)", 4, 5), [(4, 5)]);
        assert_eq!(rounds("Random(trials: 4)", 4, 5), [(4, 5)]);
    }

    #[test]
    fn faults_are_sentences() {
        for (text, told) in [
            (r#"(method: Random(trials: 1), ranges: {"a": Log(1.0, 2.0)})"#, "at least 2 trials"),
            (r#"(method: Random(trials: 3))"#, "names no key"),
            (r#"(method: Random(trials: 3), ranges: {"a": Log(0.0, 2.0)})"#, "a: Log(0, 2) needs"),
            (r#"(method: Random(trials: 3), ranges: {"a": OneOf([])})"#, "has no value"),
            (r#"(method: Halving(trials: 3, factor: 1), ranges: {"a": Int(1, 2)})"#, "factor of at least 2"),
        ] {
            let error = search(text).draw().unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}

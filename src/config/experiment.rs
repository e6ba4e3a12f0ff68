//! A plan of many trainings: a configuration, what is varied, and how people are divided.
//!
//! ```ron
//! (
//!     data: "../demo",
//!     preset: "demo",
//!     set: ["training.epochs=8"],
//!     variants: [
//!         (name: "2d", set: ["model.id=small-2d"]),
//!         (name: "3d", set: ["model.id=small-3d"]),
//!         (name: "3d-inflated", set: ["model.id=small-3d"], init_from: Variant("2d")),
//!     ],
//!     axes: [(name: "sampling", values: [(name: "dense"), (name: "segments", set: ["clip.sampling=Segments"])])],
//!     seeds: [1, 2, 3],
//!     folds: LeaveOneSubjectOut,
//! )
//! ```

use super::search::{Drawn, Search};
use super::{ConfigError, Preset, RunConfig, Validation};
use crate::domain::{SplitChoice, choices};
use crate::files;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A plan as its file says it. Paths in it are relative to the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExperimentPlan {
    /// The dataset; it may be named on the command line instead.
    pub data: Option<PathBuf>,
    /// Preset that all variants begin with.
    pub preset: Option<String>,
    /// Configuration file that they begin with instead.
    pub config: Option<PathBuf>,
    /// Assignments for all of them, as `--set` takes them.
    pub set: Vec<String>,
    /// What is compared; one called `base` where there is none.
    pub variants: Vec<Variant>,
    /// What is varied besides: every variant is trained with every combination.
    pub axes: Vec<Axis>,
    /// Seeds; that of the configuration where there is none.
    #[serde(deserialize_with = "some_seeds", skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// How people are divided into those trained and those tested on.
    pub folds: Folds,
    /// Which clips are evaluated.
    pub split: SplitChoice,
    /// Values that are tried for every line of training; of each line only the best is evaluated.
    pub search: Option<Search>,
}

/// One thing that is compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variant {
    /// Its name, which run folders begin with.
    pub name: String,
    /// Preset it begins with instead of the plan's.
    pub preset: Option<String>,
    /// Assignments.
    pub set: Vec<String>,
    /// Where its first weights come from; 2D kernels become 3D ones by inflation.
    pub init_from: Option<InitFrom>,
}

/// Where first weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitFrom {
    /// The run of an earlier variant with the same axes, seed and fold.
    Variant(String),
    /// A file of weights, or a run folder.
    File(PathBuf),
}

/// Something that is varied for all variants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Axis {
    /// What it is.
    pub name: String,
    /// Its values.
    pub values: Vec<AxisValue>,
}

/// A value of an axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AxisValue {
    /// Its name, as it stands in the names of run folders.
    pub name: String,
    /// Assignments.
    pub set: Vec<String>,
}

/// How people are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Folds {
    /// As the dataset does, or a training of its own would.
    #[default]
    Dataset,
    /// Each person is tested on once, with a network trained on all others.
    LeaveOneSubjectOut,
    /// People in so many groups, each of which is tested on once.
    BySubject(usize),
}

/// One line of training: a variant with a value of each axis and a seed. With folds it is trained once a fold.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Its name: variant, values of the axes, seed.
    pub name: String,
    /// How it is trained; weights of another arm stand in `init`.
    pub config: RunConfig,
    /// Position of the arm whose weights of the same fold it begins with.
    pub init: Option<usize>,
    /// What a search drew for it; `None` without a search.
    pub trial: Option<ArmTrial>,
}

/// A line of training that is one trial of a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmTrial {
    /// The line it is a trial of: variant and values of the axes.
    pub of: String,
    /// What was drawn.
    pub values: Drawn,
}

/// Seeds that somebody lists: an empty list would train nothing, or what the file does not say.
fn some_seeds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let seeds = Vec::<u64>::deserialize(deserializer)?;
    if seeds.is_empty() {
        let sentence = "seeds lists none: name some, for instance seeds: [1, 2, 3], or leave the line out, which takes the seed \
                        of the configuration";
        return Err(serde::de::Error::custom(sentence));
    }
    Ok(seeds)
}

impl ExperimentPlan {
    /// Reads a plan.
    ///
    /// # Errors
    /// A file that cannot be read, or is no plan: with line, column and reason.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = files::read_text(path, files::TEXT_LIMIT)
            .map_err(|source| ConfigError::Io { path: path.to_path_buf(), source })?;
        Self::from_ron(&text)
            .map_err(|e| ConfigError::Parse { path: path.to_path_buf(), message: format!("{e} (of a plan)") })
    }

    /// Parses RON text.
    ///
    /// # Errors
    /// What is wrong with it, with line and column.
    pub fn from_ron(text: &str) -> Result<Self, String> {
        ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
            .from_str(text)
            .map_err(|e| files::ron_fault(&e))
    }

    /// Pretty RON text that [`ExperimentPlan::load`] reads back.
    pub fn to_ron(&self) -> String {
        let pretty = ron::ser::PrettyConfig::new().extensions(ron::extensions::Extensions::IMPLICIT_SOME);
        ron::ser::to_string_pretty(self, pretty).unwrap_or_default()
    }

    /// Every arm, those others begin with first. `folder` is that of the plan.
    ///
    /// # Errors
    /// Names that cannot be those of folders or come twice, assignments and presets that there are not.
    pub fn arms(&self, folder: &Path) -> Result<Vec<Arm>, ConfigError> {
        if self.folds != Folds::Dataset && self.split != SplitChoice::Test {
            return invalid(
                "folds by subject are evaluated on the people left out: leave split out, or say split: Test",
            );
        }
        self.require_search()?;
        if self.folds == Folds::BySubject(0) || self.folds == Folds::BySubject(1) {
            return invalid("folds: BySubject needs at least 2 groups");
        }
        if let Some(twice) =
            self.seeds.iter().enumerate().find(|(at, seed)| self.seeds.iter().take(*at).any(|s| s == *seed))
        {
            return invalid(&format!(
                "seeds lists {} twice: each seed is a training of its own, and the same seed gives the same one again; list it \
                 once",
                twice.1
            ));
        }
        let base = Variant { name: "base".into(), ..Variant::default() };
        let variants = if self.variants.is_empty() { std::slice::from_ref(&base) } else { &self.variants };
        let combinations = self.combinations()?;
        let seeds: Vec<Option<u64>> = match self.seeds.as_slice() {
            [] => vec![None],
            seeds => seeds.iter().copied().map(Some).collect(),
        };
        let each = combinations.len() * seeds.len();
        let mut arms = Vec::with_capacity(variants.len() * each);
        for (at, variant) in variants.iter().enumerate() {
            let source = self.source(variants, at)?;
            for (which, values) in combinations.iter().enumerate() {
                for (nth, seed) in seeds.iter().enumerate() {
                    let mut config = self.begin(variant, folder)?;
                    let assignments = self.set.iter().chain(&variant.set).chain(values.iter().flat_map(|v| &v.set));
                    assignments.into_iter().try_for_each(|a| config.set(a))?;
                    if let Some(seed) = seed {
                        config.seed = *seed;
                    }
                    if let Some(InitFrom::File(path)) = &variant.init_from {
                        let path = folder.join(path);
                        config.model.init_from = Some(std::path::absolute(&path).unwrap_or(path));
                    }
                    config.validate()?;
                    let mut name = vec![variant.name.clone()];
                    name.extend(values.iter().map(|v| v.name.clone()));
                    name.extend(seed.filter(|_| seeds.len() > 1).map(|s| format!("seed{s}")));
                    let init = source.map(|source| source * each + which * seeds.len() + nth);
                    arms.push(Arm { name: name.join("_"), config, init, trial: None });
                }
            }
        }
        if let Some(search) = &self.search {
            arms = tried(arms, search)?;
        }
        named(&arms)?;
        Ok(arms)
    }

    /// What a search does not go together with.
    fn require_search(&self) -> Result<(), ConfigError> {
        if self.search.is_none() {
            return Ok(());
        }
        if self.folds != Folds::Dataset {
            return invalid("a search decides on the validation clips of one division: leave folds out");
        }
        if self.seeds.len() > 1 {
            return invalid(
                "a search trains with one seed: leave seeds out, and train the best with several afterwards",
            );
        }
        if self.variants.iter().any(|v| matches!(v.init_from, Some(InitFrom::Variant(_)))) {
            return invalid("a search trains each variant by itself: init_from takes a File there");
        }
        Ok(())
    }

    /// Every combination of the values of the axes.
    fn combinations(&self) -> Result<Vec<Vec<&AxisValue>>, ConfigError> {
        let mut out: Vec<Vec<&AxisValue>> = vec![Vec::new()];
        for axis in &self.axes {
            if axis.values.is_empty() {
                return invalid(&format!("the axis '{}' has no values", axis.name));
            }
            let mut longer = Vec::with_capacity(out.len() * axis.values.len());
            for before in &out {
                longer.extend(axis.values.iter().map(|value| [before.as_slice(), &[value]].concat()));
            }
            out = longer;
        }
        Ok(out)
    }

    /// Position of the variant that another one begins with.
    fn source(&self, variants: &[Variant], at: usize) -> Result<Option<usize>, ConfigError> {
        let Some(InitFrom::Variant(wanted)) = variants.get(at).and_then(|v| v.init_from.as_ref()) else {
            return Ok(None);
        };
        let earlier = variants.get(..at).unwrap_or_default();
        match earlier.iter().position(|v| v.name == *wanted) {
            Some(source) => Ok(Some(source)),
            None => {
                let known = choices(wanted, earlier.iter().map(|v| v.name.as_str()));
                invalid(&format!("init_from names the variant '{wanted}', which is none of those before it: {known}"))
            }
        }
    }

    /// What a variant begins with.
    fn begin(&self, variant: &Variant, folder: &Path) -> Result<RunConfig, ConfigError> {
        match (&variant.preset, &self.config, &self.preset) {
            (Some(name), ..) | (None, None, Some(name)) => Preset::find(name)?.config(),
            (None, Some(_), Some(_)) => invalid("a plan begins with a preset or a config, not with both"),
            (None, Some(file), None) => RunConfig::load(&folder.join(file)),
            (None, None, None) => Ok(RunConfig::reference()),
        }
    }
}

/// Every arm with every draw of a search.
fn tried(arms: Vec<Arm>, search: &Search) -> Result<Vec<Arm>, ConfigError> {
    let drawn = search.draw()?;
    let digits = drawn.len().to_string().len();
    let mut out = Vec::with_capacity(arms.len() * drawn.len());
    for arm in arms {
        match arm.config.data.validation {
            Validation::Subjects { .. } => {}
            Validation::TestSplit => {
                return invalid(&format!(
                    "{}: data.validation = TestSplit would choose among the trials by the test clips; set it to \
                     Subjects(fraction: 0.2)",
                    arm.name
                ));
            }
            Validation::Off => {
                return invalid(&format!(
                    "{}: a search decides on validation clips, and data.validation is Off",
                    arm.name
                ));
            }
        }
        for (nth, values) in drawn.iter().enumerate() {
            let mut config = arm.config.clone();
            values.iter().try_for_each(|(key, value)| config.set(&format!("{key}={value}")))?;
            config.validate()?;
            out.push(Arm {
                name: format!("{}_trial{:0digits$}", arm.name, nth + 1),
                config,
                init: None,
                trial: Some(ArmTrial { of: arm.name.clone(), values: values.clone() }),
            });
        }
    }
    Ok(out)
}

/// Names become those of folders, and each is one of its own.
fn named(arms: &[Arm]) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for arm in arms {
        let plain = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
        if arm.name.is_empty() || arm.name.starts_with('.') || !arm.name.chars().all(plain) {
            return invalid(&format!(
                "'{}' becomes the name of a folder: use letters, digits, '-', '_' and '.' in names of variants and values",
                arm.name
            ));
        }
        if !seen.insert(&arm.name) {
            return invalid(&format!(
                "two lines of training are named '{}': give variants and values names of their own",
                arm.name
            ));
        }
    }
    Ok(())
}

fn invalid<T>(sentence: &str) -> Result<T, ConfigError> {
    Err(ConfigError::Invalid(sentence.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Vec<Arm>, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.ron");
        std::fs::write(&path, text).unwrap();
        ExperimentPlan::load(&path)?.arms(dir.path())
    }

    #[test]
    fn every_combination_is_an_arm_and_weights_come_from_the_same_combination() {
        let arms = plan(
            r#"(preset: "demo", set: ["training.epochs=3"], seeds: [1, 2],
                variants: [(name: "2d", set: ["model.id=small-2d"]),
                           (name: "3d", set: ["model.id=small-3d"], init_from: Variant("2d"))],
                axes: [(name: "length", values: [(name: "t8", set: ["clip.length=8"]), (name: "t12")])])"#,
        )
        .unwrap();
        let names: Vec<&str> = arms.iter().map(|a| a.name.as_str()).collect();
        let expected = [
            "2d_t8_seed1",
            "2d_t8_seed2",
            "2d_t12_seed1",
            "2d_t12_seed2",
            "3d_t8_seed1",
            "3d_t8_seed2",
            "3d_t12_seed1",
            "3d_t12_seed2",
        ];
        assert_eq!(names, expected);
        assert!(arms.iter().all(|a| a.config.training.epochs == 3));
        let of = |a: &Arm| (a.config.model.id.clone(), a.config.clip.length, a.config.seed);
        assert_eq!(of(&arms[5]), ("small-3d".into(), 8, 2));
        assert_eq!(of(&arms[6]), ("small-3d".into(), 12, 1));
        let init: Vec<Option<usize>> = arms.iter().map(|a| a.init).collect();
        assert_eq!(init, [None, None, None, None, Some(0), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn every_line_is_tried_with_the_same_draws() {
        let arms = plan(
            r#"(preset: "demo", variants: [(name: "a"), (name: "b", set: ["clip.length=8"])],
                search: (method: Halving(trials: 3, seed: 5), ranges: {"optimizer.learning_rate": Log(1e-4, 1e-1)}))"#,
        )
        .unwrap();
        let names: Vec<&str> = arms.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["a_trial1", "a_trial2", "a_trial3", "b_trial1", "b_trial2", "b_trial3"]);
        let rate = |a: &Arm| a.config.optimizer.learning_rate;
        assert!((0..3).all(|i| rate(&arms[i]) == rate(&arms[i + 3])) && rate(&arms[0]) != rate(&arms[1]));
        let trial = arms[4].trial.as_ref().unwrap();
        assert_eq!((trial.of.as_str(), trial.values[0].1.parse::<f64>().unwrap()), ("b", rate(&arms[4])));
    }

    #[test]
    fn a_plan_without_anything_is_one_training_and_faults_are_sentences() {
        let arms = plan("()").unwrap();
        assert_eq!((arms.len(), arms[0].name.as_str(), arms[0].config.seed), (1, "base", 42));
        for (text, told) in [
            (r#"(variants: [(name: "a"), (name: "a")])"#, "two lines of training are named 'a'"),
            (r#"(variants: [(name: "a/b")])"#, "becomes the name of a folder"),
            (r#"(variants: [(name: "a", init_from: Variant("b")), (name: "b")])"#, "none of those before it"),
            (r#"(set: ["training.epoks=3"])"#, "epoks"),
            (r#"(preset: "demon")"#, "demon"),
            (r#"(axes: [(name: "x")])"#, "the axis 'x' has no values"),
            (r#"(folds: BySubject(1))"#, "at least 2 groups"),
            (r#"(folds: LeaveOneSubjectOut, split: Val)"#, "people left out"),
            (r#"(seed: [1])"#, "seed"),
            (r#"(search: (method: Random(trials: 4)))"#, "names no key"),
            (r#"(search: (method: Random(trials: 4), ranges: {"training.epoks": Int(1, 9)}))"#, "epoks"),
            (r#"(seeds: [1, 2], search: (method: Random(trials: 4), ranges: {"seed": Int(1, 9)}))"#, "one seed"),
            (r#"(folds: LeaveOneSubjectOut, search: (method: Random(trials: 4)))"#, "leave folds out"),
            (
                r#"(set: ["data.validation=TestSplit"], search: (method: Random(trials: 4), ranges: {"seed": Int(1, 9)}))"#,
                "by the test clips",
            ),
        ] {
            let error = plan(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}

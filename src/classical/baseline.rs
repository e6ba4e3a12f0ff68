//! Which baselines there are, and what the id of a configuration means.

use super::classifier::Solver;
use super::features::FeatureSet;
use crate::config::ModelConfig;
use crate::domain::choices;
use crate::model::{MODELS, ModelError, ModelSpec};

/// Beginning of every id.
const PREFIX: &str = "classical-";

/// Features and a solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Baseline {
    /// What it looks at.
    pub features: FeatureSet,
    /// How it decides.
    pub solver: Solver,
}

impl Baseline {
    /// Every baseline, features by features.
    pub fn all() -> impl Iterator<Item = Self> {
        FeatureSet::ALL.into_iter().flat_map(|features| Solver::ALL.map(|solver| Self { features, solver }))
    }

    /// The baseline of an id; `None` for a network's, and for one there is not.
    pub fn find(id: &str) -> Option<Self> {
        let (features, solver) = id.strip_prefix(PREFIX)?.split_once('-')?;
        Some(Self {
            features: FeatureSet::ALL.into_iter().find(|f| f.id() == features)?,
            solver: Solver::ALL.into_iter().find(|s| s.id() == solver)?,
        })
    }

    /// Id in files and on the command line, such as `classical-looks-svm`.
    pub fn id(self) -> String {
        format!("{PREFIX}{}-{}", self.features.id(), self.solver.id())
    }

    /// Name for people.
    pub fn title(self) -> String {
        format!("{}, {}", self.features.title(), self.solver.title())
    }

    /// Refuses what only networks can be told.
    fn require_plain(self, config: &ModelConfig) -> Result<(), ModelError> {
        let given = [
            ("model.init_from", config.init_from.is_some()),
            ("model.freeze", config.freeze.is_some()),
            ("model.dropout", config.dropout.is_some()),
            ("model.options.width", config.options.width.is_some()),
            ("model.options.pooling", config.options.pooling.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((option, _)) => Err(ModelError::UnknownOption {
                model: format!("'{}'", self.id()),
                option: option.to_owned(),
                what: "is for networks".to_owned(),
                known: "leave it out".to_owned(),
            }),
        }
    }
}

/// What learns: a network, or a baseline.
#[derive(Clone, Copy, Debug)]
pub enum Learner {
    /// A row of the registry of networks.
    Network(&'static ModelSpec),
    /// A baseline.
    Baseline(Baseline),
}

impl Learner {
    /// What a configuration names, if that can be told what the configuration tells it.
    ///
    /// # Errors
    /// An unknown id; the message lists the known ones. An option that it does not have.
    pub fn of(config: &ModelConfig) -> Result<Self, ModelError> {
        if let Some(baseline) = Baseline::find(&config.id) {
            baseline.require_plain(config)?;
            return Ok(Self::Baseline(baseline));
        }
        if MODELS.iter().any(|m| m.id == config.id) {
            return Ok(Self::Network(ModelSpec::of(config)?));
        }
        let baselines: Vec<String> = Baseline::all().map(Baseline::id).collect();
        let known = MODELS.iter().map(|m| m.id).chain(baselines.iter().map(String::as_str));
        Err(ModelError::UnknownModel { id: config.id.clone(), known: choices(&config.id, known) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_to_their_baselines_and_no_further() {
        let all: Vec<Baseline> = Baseline::all().collect();
        assert_eq!(all.len(), 16);
        for baseline in all {
            assert_eq!(Baseline::find(&baseline.id()), Some(baseline));
        }
        for wrong in ["classical", "classical-", "classical-looks", "classical-looks-svm-2", "looks-svm", "c3d"] {
            assert_eq!(Baseline::find(wrong), None, "{wrong}");
        }
        assert!(MODELS.iter().all(|m| Baseline::find(m.id).is_none()));
    }

    #[test]
    fn a_configuration_names_a_network_or_a_baseline() {
        let config = |id: &str| ModelConfig { id: id.to_owned(), ..ModelConfig::default() };
        assert!(matches!(Learner::of(&config("c3d")), Ok(Learner::Network(spec)) if spec.id == "c3d"));
        let motion = Learner::of(&config("classical-motion-forest"));
        assert!(matches!(motion, Ok(Learner::Baseline(b)) if b.title().contains("random forest")));
        let unknown = Learner::of(&config("classical-motion-svn")).unwrap_err().to_string();
        assert!(unknown.contains("c3d") && unknown.contains("did you mean 'classical-motion-svm'?"), "{unknown}");
        let told = ModelConfig { dropout: Some(0.5), ..config("classical-looks-knn") };
        let refused = Learner::of(&told).unwrap_err().to_string();
        assert!(refused.contains("classical-looks-knn") && refused.contains("model.dropout"), "{refused}");
    }
}

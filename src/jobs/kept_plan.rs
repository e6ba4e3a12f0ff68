//! The clips a training would take of a dataset, which a lane keeps between looks at their augmentation.

use super::error::JobError;
use crate::config::RunConfig;
use crate::data::{ClipPlan, ClipSource, as_configured, plan};
use crate::domain::Dataset;
use std::path::PathBuf;
use std::sync::Arc;

/// A dataset as a configuration would train on it.
pub struct KeptPlan {
    /// Root and fingerprint of the dataset, and the configuration.
    key: (PathBuf, String, RunConfig),
    /// With its labels as configured.
    pub dataset: Arc<Dataset>,
    /// The clips of a training.
    pub plan: ClipPlan,
    /// Where they get their pixels. Nothing is kept in memory or on disk: what is looked at is a clip here and a clip there.
    pub source: Arc<ClipSource>,
}

impl KeptPlan {
    /// What was kept, if it is of this dataset and configuration; else made now.
    ///
    /// # Errors
    /// A configuration that cannot work, or that has too few outputs for the dataset.
    pub fn of(kept: Option<Self>, dataset: &Arc<Dataset>, config: &RunConfig) -> Result<Self, JobError> {
        let same = |k: &Self| k.key.0 == dataset.root && k.key.1 == dataset.fingerprint && k.key.2 == *config;
        if let Some(kept) = kept.filter(same) {
            return Ok(kept);
        }
        config.validate().map_err(crate::train::TrainError::from)?;
        let key = (dataset.root.clone(), dataset.fingerprint.clone(), config.clone());
        let dataset = as_configured(dataset, config);
        let plan = plan(&dataset, config)?;
        let mut bare = config.clone();
        bare.training.cache_mib = 0;
        let source = Arc::new(ClipSource::new(dataset.clone(), &bare));
        Ok(Self { key, dataset, plan, source })
    }
}

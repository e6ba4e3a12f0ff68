//! The network of a run, and what only some networks can be told.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Id in the model registry, such as `c3d`.
    pub id: String,
    /// Output units; `None` takes the dataset's classes.
    pub num_classes: Option<usize>,
    /// Dropout before the classifier; `None` takes the architecture default default.
    pub dropout: Option<f64>,
    /// What only some networks can be told.
    pub options: ModelOptions,
    /// What of it does not learn: `backbone`, `norms` (its batch normalisations), `none`, or a layer, which is frozen with all below it. `None` takes the
    /// network's own: nothing, except where a network is made of a finished backbone and a head.
    pub freeze: Option<String>,
    /// Frozen batch normalisations keep their running statistics and use them in training too.
    pub freeze_statistics: bool,
    /// File or run its first weights are taken from; `None` draws them.
    pub init_from: Option<PathBuf>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            id: "c3d".into(),
            num_classes: None,
            dropout: None,
            options: ModelOptions::default(),
            init_from: None,
            freeze: None,
            freeze_statistics: true,
        }
    }
}

impl ModelConfig {
    /// What is wrong with the values.
    pub(super) fn fault(&self) -> Option<String> {
        match self.dropout {
            Some(d) if !(0.0..1.0).contains(&d) => Some("model.dropout must be at least 0 and below 1".into()),
            _ => self.options.fault(),
        }
    }
}

/// How the answers of a network to the places or frames of a clip become one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pooling {
    /// Features are averaged over the whole clip.
    Average,
    /// Features are averaged over each frame, and the largest of all frames is taken.
    MaxFeatures,
    /// Each frame gets its own scores, and the largest of all frames is taken.
    MaxLogits,
    /// Features are averaged in windows that overlap, each window gets its own scores, and those are averaged: the
    /// edges of a clip count less than its middle. Needs clips large enough for one window.
    Windows,
}

impl Pooling {
    /// What it does, for people.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Average => "Features are averaged over the whole clip",
            Self::MaxFeatures => "The largest of each feature over all frames",
            Self::MaxLogits => "Each frame is scored by itself, and the largest scores count",
            Self::Windows => "The average of the scores of overlapping windows; needs clips of at least one window",
        }
    }
}

impl std::fmt::Display for Pooling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Average => "Average",
            Self::MaxFeatures => "MaxFeatures",
            Self::MaxLogits => "MaxLogits",
            Self::Windows => "Windows",
        })
    }
}

/// Options that some networks have; a network refuses one it does not have. `None` takes the architecture default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelOptions {
    /// Factor on the channels of every layer.
    pub width: Option<f64>,
    /// How the answers to a clip's frames become one.
    pub pooling: Option<Pooling>,
}

impl ModelOptions {
    /// Narrowest and widest network that is built.
    pub const WIDTHS: std::ops::RangeInclusive<f64> = 0.1..=4.0;

    /// The sentence about a value that no network can take.
    pub(super) fn fault(&self) -> Option<String> {
        let width = self.width?;
        let (narrow, wide) = (Self::WIDTHS.start(), Self::WIDTHS.end());
        (!Self::WIDTHS.contains(&width))
            .then(|| format!("model.options.width must be between {narrow} and {wide}; 1 is the usual network"))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Pooling, RunConfig};

    #[test]
    fn options_are_set_read_back_and_kept_within_bounds() {
        let mut config = RunConfig::reference();
        config.set("model.options.width=0.5").unwrap();
        config.set("model.options.pooling=MaxLogits").unwrap();
        assert_eq!((config.model.options.width, config.model.options.pooling), (Some(0.5), Some(Pooling::MaxLogits)));
        assert_eq!(RunConfig::from_ron(&config.to_ron()).unwrap(), config);
        config.set("model.options.pooling=None").unwrap();
        assert_eq!(config.model.options.pooling, None);
        assert!(config.set("model.options.pooling=Median").unwrap_err().to_string().contains("MaxFeatures"));
        assert!(config.set("model.options.depth=3").unwrap_err().to_string().contains("width"));
        assert!(RunConfig::from_ron("(model: (id: \"c3d\", options: (wdth: 2.0)))").is_err());
        for wrong in ["0", "-1", "0.05", "5", "nan"] {
            config.model.options.width = Some(wrong.parse().unwrap());
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains("model.options.width") && error.contains("between 0.1 and 4"), "{error}");
        }
    }
}

//! The settings in which runs differ, model and training apart from data and code.

use super::evaluated::EvaluatedRun;
use crate::config;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a setting belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SettingKind {
    /// The network.
    Model,
    /// How it was trained.
    Training,
    /// What it was trained on.
    Data,
    /// The program and the machine.
    Code,
}

impl SettingKind {
    /// Heading of a list of such settings.
    pub fn title(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Training => "training",
            Self::Data => "data",
            Self::Code => "code and machine",
        }
    }
}

/// A setting in which runs differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// What it belongs to.
    pub kind: SettingKind,
    /// Dotted path, as in a configuration file, or a name.
    pub path: String,
    /// The name people know it by, where it has one.
    pub name: Option<String>,
    /// Its value in each run; `None` where a run has no such setting.
    pub values: Vec<Option<String>>,
}

/// Values that change neither weights nor scores.
pub(super) const OF_THE_MACHINE: &[&str] =
    &["device", "training.workers", "training.cache_mib", "training.disk_cache_mib", "training.cache_features"];

fn kind(path: &str) -> SettingKind {
    match path.split('.').next().unwrap_or_default() {
        _ if OF_THE_MACHINE.contains(&path) => SettingKind::Code,
        "model" => SettingKind::Model,
        "clip" | "data" | "labels" => SettingKind::Data,
        _ => SettingKind::Training,
    }
}

/// All settings in which runs differ: of their configurations, and of what their folders tell of data and program.
pub fn differing(runs: &[EvaluatedRun]) -> Vec<Setting> {
    let configs: Vec<BTreeMap<String, String>> = runs.iter().map(|r| config::values(&r.config)).collect();
    let paths: BTreeSet<&String> = configs.iter().flat_map(BTreeMap::keys).collect();
    let mut out: Vec<Setting> = paths
        .into_iter()
        .map(|path| Setting {
            kind: kind(path),
            path: path.clone(),
            name: config::key(path).map(|k| k.name.to_owned()),
            values: configs.iter().map(|c| c.get(path).map(|v| plain(v))).collect(),
        })
        .collect();
    let environment = |name: &str, kind, of: &dyn Fn(&crate::run_folder::Environment) -> String| Setting {
        kind,
        path: name.to_owned(),
        name: None,
        values: runs.iter().map(|r| r.environment.as_ref().map(of).filter(|v| !v.is_empty() && v != "0")).collect(),
    };
    let of_data =
        |name: &str, of: &dyn Fn(&crate::run_folder::Environment) -> String| environment(name, SettingKind::Data, of);
    out.push(of_data("dataset", &|e| e.dataset_name.clone()));
    out.push(of_data("dataset format", &|e| e.dataset_format.clone()));
    out.push(of_data("dataset fingerprint", &|e| e.dataset_fingerprint.chars().take(12).collect()));
    out.push(of_data("corrected labels", &|e| match e.corrections.applied() {
        0 => String::new(),
        _ => e.corrections.words(),
    }));
    out.push(of_data("training clips", &|e| e.train_clips.to_string()));
    out.push(of_data("validation clips", &|e| e.val_clips.to_string()));
    out.push(environment("kinolens", SettingKind::Code, &|e| e.kinolens.clone()));
    out.push(environment("platform", SettingKind::Code, &|e| e.platform.clone()));
    out.push(environment("trained on", SettingKind::Code, &|e| e.device.clone()));
    out.push(environment("processor threads", SettingKind::Code, &|e| e.threads.to_string()));
    out.retain(|s| s.values.iter().any(|v| *v != s.values[0]));
    out.sort_by_key(|s| s.kind);
    out
}

/// A value without the quotes of JSON.
fn plain(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Null) => "none".to_owned(),
        _ => json.to_owned(),
    }
}

/// Positions of runs that differ in their seed alone, as groups of at least two.
pub fn seed_groups(runs: &[EvaluatedRun]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let mut values = config::values(&run.config);
        values.retain(|path, _| path != "seed" && !OF_THE_MACHINE.contains(&path.as_str()));
        let data = run.environment.as_ref().map(|e| e.dataset_fingerprint.as_str()).unwrap_or_default();
        let key = format!("{values:?} {data}");
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(i),
            None => groups.push((key, vec![i])),
        }
    }
    // Two checkpoints of one run have one seed.
    let seeds = |g: &[usize]| g.iter().map(|i| runs[*i].config.seed).collect::<BTreeSet<_>>().len();
    groups.into_iter().map(|(_, g)| g).filter(|g| g.len() > 1 && seeds(g) == g.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::run_folder::Environment;

    fn run(set: &[&str]) -> EvaluatedRun {
        let mut config = RunConfig::reference();
        set.iter().for_each(|s| config.set(s).unwrap());
        EvaluatedRun { config, environment: Some(Environment::default()), ..EvaluatedRun::default() }
    }

    #[test]
    fn only_what_differs_is_listed_and_data_stand_apart() {
        let runs = [
            run(&[]),
            run(&["model.id=\"r3d-18\"", "clip.length=8", "optimizer.learning_rate=0.5", "training.workers=9"]),
        ];
        let found = differing(&runs);
        let paths: Vec<(SettingKind, &str)> = found.iter().map(|s| (s.kind, s.path.as_str())).collect();
        assert_eq!(
            paths,
            [
                (SettingKind::Model, "model.id"),
                (SettingKind::Training, "optimizer.learning_rate"),
                (SettingKind::Data, "clip.length"),
                (SettingKind::Code, "training.workers"),
            ]
        );
        assert_eq!(found[0].values, [Some("c3d".to_owned()), Some("r3d-18".to_owned())]);
        assert_eq!(found[0].name.as_deref(), Some("Network"));
        assert!(differing(&[run(&[]), run(&[])]).is_empty());
    }

    #[test]
    fn runs_that_differ_in_the_seed_alone_belong_together() {
        let other = run(&["seed=3", "optimizer.learning_rate=0.5"]);
        let runs = [run(&["seed=1"]), run(&["seed=2", "training.workers=1"]), other, run(&["seed=3"])];
        assert_eq!(seed_groups(&runs), [vec![0, 1, 3]]);
        assert!(seed_groups(&[run(&[]), run(&[])]).is_empty(), "one run twice has no spread");
    }
}

//! A form over a whole [`RunConfig`]: grouped, searchable, checked while typing, compared with its preset.

mod data;
mod network;
mod schedule;
mod training;

use super::form_rows::{Around, Rows};
use super::{network_card, settings_words, style};
use crate::classical::{Baseline, Learner};
use crate::config::RunConfig;
use crate::domain::{bytes, counted};
use crate::model::ModelError;
use crate::ui::theme;
use egui::Ui;

/// What the form remembers.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    /// Words to look for.
    pub search: String,
    /// What cannot be on this machine and this dataset, as it was found when the form was drawn last.
    pub impossible: Option<String>,
}

/// A group of rows.
struct Group {
    title: &'static str,
    open: bool,
    /// It means nothing to a classical baseline, which is fitted at once.
    networks_only: bool,
    rows: fn(&mut Rows<'_>),
}

const GROUPS: &[Group] = &[
    Group { title: "Network", open: true, networks_only: false, rows: network::network },
    Group { title: "Training", open: true, networks_only: false, rows: training::training },
    Group { title: "Optimizer", open: true, networks_only: true, rows: training::optimiser },
    Group { title: "Schedule", open: false, networks_only: true, rows: schedule::schedule },
    Group { title: "Loss and sampling", open: false, networks_only: true, rows: training::loss },
    Group { title: "Clips", open: false, networks_only: false, rows: data::clips },
    Group { title: "Data", open: false, networks_only: false, rows: data::data },
    Group { title: "Augmentation", open: false, networks_only: true, rows: data::augmentation },
    Group { title: "Device and seed", open: false, networks_only: false, rows: training::device },
];

/// The sentence that says what is wrong with a configuration; `None` when it can be used. Covers what
/// [`RunConfig::validate`] cannot know: whether the network exists.
pub fn fault(config: &RunConfig) -> Option<String> {
    let learner = Learner::of(&config.model);
    if let Err(ModelError::UnknownModel { .. }) = learner {
        return Some(format!("model.id names no network of this program: '{}'", config.model.id));
    }
    let sentence = config.validate().err().map(|e| e.to_string());
    sentence.or_else(|| learner.err().map(|e| e.to_string()))
}

/// Draws the form. `base` is the preset that changes are marked against. True when a value changed.
pub fn show(ui: &mut Ui, config: &mut RunConfig, base: &RunConfig, around: &Around<'_>, state: &mut FormState) -> bool {
    let before = config.clone();
    let mut base = base.clone();
    let query = state.search.trim().to_lowercase();
    state.impossible = impossible(ui, config, around);
    let fault = fault(config).or_else(|| state.impossible.clone());
    if let Some(sentence) = &fault {
        style::notice(ui, theme::palette(ui).bad, sentence);
    }
    let doubts = config.doubts();
    for sentence in config.advice(around.classes, around.task) {
        style::notice(ui, theme::palette(ui).warn, &sentence);
    }
    let mut found = 0;
    let baseline = Baseline::find(&config.model.id).is_some();
    for group in GROUPS.iter().filter(|g| !(baseline && g.networks_only)) {
        let mut counted = Rows::count(config, &mut base, &query, fault.as_deref());
        (group.rows)(&mut counted);
        let (matching, changed, faulty) = (counted.matching, counted.changed, counted.faulty);
        found += matching;
        if matching == 0 {
            continue;
        }
        let marks = match changed {
            0 => String::new(),
            n => format!("  ({n} changed)"),
        };
        let mut title = egui::RichText::new(format!("{}{marks}", group.title)).text_style(theme::section());
        if faulty {
            title = title.color(theme::palette(ui).bad);
        }
        let mut header = egui::CollapsingHeader::new(title).id_salt(group.title).default_open(group.open);
        if !query.is_empty() || faulty {
            header = header.open(Some(true));
        }
        header.show_unindented(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let mut rows = Rows::draw(ui, config, &mut base, &query, fault.as_deref());
            (rows.around, rows.doubts) = (Some(around), &doubts);
            (group.rows)(&mut rows);
        });
    }
    if found == 0 {
        let missing = settings_words::not_offered(&query);
        ui.weak(missing.unwrap_or_else(|| format!("No setting matches '{}'.", state.search.trim())));
    }
    *config != before
}

/// What cannot be here: a batch that is larger than all clips, or than the memory.
fn impossible(ui: &Ui, config: &RunConfig, around: &Around<'_>) -> Option<String> {
    if Baseline::find(&config.model.id).is_some() {
        return None;
    }
    let batch = config.training.batch_size as u64;
    let clips = around.training_clips.filter(|clips| *clips > 0 && *clips < batch);
    if let Some(clips) = clips {
        return Some(format!(
            "training.batch_size {batch} is more than the {} there are to train on: take {clips} at most",
            counted(clips, "clip")
        ));
    }
    let (needed, there) = (network_card::batch_bytes(ui, config, around.classes)?, around.memory?);
    (needed > there).then(|| {
        format!(
            "training.batch_size {batch} needs about {} of memory, this machine has {}: take smaller batches or clips, or \
             optimizer.accumulate",
            bytes(needed),
            bytes(there)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PRESETS;
    use std::collections::BTreeSet;

    /// Leaf keys of a configuration as dotted paths, enum payloads left out: the form edits those as one value.
    fn keys(value: &serde_json::Value, prefix: &str, depth: usize, out: &mut BTreeSet<String>) {
        match value.as_object() {
            Some(map) if depth < 2 => {
                for (k, v) in map {
                    keys(v, &format!("{prefix}{}{k}", if prefix.is_empty() { "" } else { "." }), depth + 1, out);
                }
            }
            _ => drop(out.insert(prefix.to_owned())),
        }
    }

    #[test]
    fn every_value_of_a_configuration_has_a_row_that_the_search_finds() {
        let mut all = BTreeSet::new();
        let mut config = RunConfig::reference();
        // One that can be told more than most.
        config.model.id = "mobilenet-v2-3d".into();
        keys(&serde_json::to_value(&config).unwrap(), "", 0, &mut all);
        assert!(all.len() > 40, "{all:?}");
        let mut base = config.clone();
        for key in all {
            let found: usize = GROUPS
                .iter()
                .map(|g| {
                    let mut rows = Rows::count(&mut config, &mut base, &key, None);
                    (g.rows)(&mut rows);
                    rows.matching
                })
                .sum();
            assert!(found >= 1, "no row for {key}");
        }
    }

    #[test]
    fn what_a_baseline_cannot_be_told_has_no_row() {
        let mut config = RunConfig::reference();
        config.model.id = "classical-motion-svm".into();
        let mut base = config.clone();
        let mut rows_of = |key: &str| -> usize {
            let groups = GROUPS.iter().filter(|g| !g.networks_only);
            groups
                .map(|g| {
                    let mut rows = Rows::count(&mut config, &mut base, key, None);
                    (g.rows)(&mut rows);
                    rows.matching
                })
                .sum()
        };
        for key in [
            "training.epochs",
            "training.batch_size",
            "model.dropout",
            "model.freeze",
            "model.init_from",
            "training.devices",
        ] {
            assert_eq!(rows_of(key), 0, "{key}");
        }
        for key in
            ["optimizer.learning_rate", "schedule.warmup_epochs", "loss.label_smoothing", "augment.horizontal_flip"]
        {
            assert_eq!(rows_of(key), 0, "{key}");
        }
        for key in ["model.id", "clip.length", "training.workers", "seed"] {
            assert!(rows_of(key) >= 1, "{key}");
        }
    }

    #[test]
    fn presets_have_no_fault_and_a_wrong_network_is_named() {
        for preset in PRESETS {
            assert_eq!(fault(&preset.config().unwrap()), None, "{}", preset.name);
        }
        let mut config = RunConfig::reference();
        config.model.id = "resnet-9000".into();
        assert!(fault(&config).unwrap().contains("resnet-9000"));
        config.model.id = "classical-motion-svm".into();
        assert_eq!(fault(&config), None);
        config.model.dropout = Some(0.5);
        assert!(fault(&config).unwrap().contains("model.dropout"));
    }
}

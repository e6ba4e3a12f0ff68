//! The network, its first weights and what of it is frozen.

use super::super::form_rows::{Rows, choice, fraction, optional, switch, whole};
use super::super::{network_card, weight_report};
use crate::classical::Learner;
use crate::config::{ModelConfig, ModelOptions, Pooling};
use crate::model::{BACKBONE, MODELS, NORMS, NOTHING};
use crate::ui::Action;
use crate::ui::action::SystemAction;
use crate::ui::state::PathPurpose;
use crate::ui::weights::WeightQuery;
use std::path::PathBuf;

pub(super) fn network(r: &mut Rows<'_>) {
    let classes = r.around.map_or(0, |a| a.classes);
    r.row("model.id", |c| &mut c.model.id, |ui, id| network_card::picker(ui, "model", id, classes, true));
    r.block(|ui, config, around| {
        network_card::card(ui, config, around.classes);
    });
    if r.baseline() {
        return told_in_vain(r);
    }
    frozen(r);
    r.row("model.freeze_statistics", |c| &mut c.model.freeze_statistics, switch);
    first_weights(r);
    network_options(r);
    r.row(
        "model.dropout",
        |c| &mut c.model.dropout,
        optional("architecture default", 0.5, fraction(0.0..=1.0, 0.01, "")),
    );
    r.row("model.num_classes", |c| &mut c.model.num_classes, optional("as the dataset", 17, whole(1..=10_000, "")));
}

/// What a baseline was told that only networks can be: one click takes it all away.
fn told_in_vain(r: &mut Rows<'_>) {
    r.block(|ui, config, _| {
        if Learner::of(&config.model).is_err() && ui.button("Forget what is for networks").clicked() {
            let plain = ModelConfig::default();
            config.model = ModelConfig { id: config.model.id.clone(), num_classes: config.model.num_classes, ..plain };
        }
    });
}

/// Where the first weights come from, and what of that file would be taken.
fn first_weights(r: &mut Rows<'_>) {
    let around = r.around;
    r.row(
        "model.init_from",
        |c| &mut c.model.init_from,
        |ui, path| {
            let before = path.as_ref().map_or_else(String::new, |p| p.display().to_string());
            let mut text = before.clone();
            let kinds = ["A file of weights…", "A run folder…"];
            let asked = weight_report::path_field_of(ui, "First weights", "random", &mut text, &kinds);
            if let (Some(kind), Some(around)) = (asked, around) {
                let purpose = if kind == 0 { PathPurpose::FirstWeights } else { PathPurpose::FirstRun };
                around.actions.borrow_mut().push(Action::System(SystemAction::AskPath(purpose)));
            }
            if text != before {
                *path = (!text.trim().is_empty()).then(|| text.into());
            }
        },
    );
    r.block(|ui, config, around| {
        let Some(path) = config.model.init_from.clone() else { return };
        let classes = config.model.num_classes.unwrap_or(around.classes.max(1));
        let path = PathBuf::from(path.to_string_lossy().trim());
        let query = WeightQuery::report(&path, &config.model, classes);
        let mut actions = around.actions.borrow_mut();
        let look = weight_report::look(ui, "first weights", &query, around.weights, &mut actions);
        ui.indent("first weights report", |ui| {
            weight_report::show(ui, look);
            if ui.button("Clear first weights").clicked() {
                config.model.init_from = None;
            }
        });
    });
}

/// What does not learn. Layers are named on the command line or in a file; one that is named there stays to choose.
fn frozen(r: &mut Rows<'_>) {
    let mut options = vec![
        (None, "architecture default".to_owned(), "Nothing, except where a network is a finished backbone and a head."),
        (Some(BACKBONE.to_owned()), "the backbone".to_owned(), "Only the head learns."),
        (
            Some(NORMS.to_owned()),
            "batch normalisations".to_owned(),
            "They keep what they remember: for batches of few clips, and for several machines.",
        ),
        (Some(NOTHING.to_owned()), "nothing".to_owned(), "All of it learns."),
    ];
    if let Some(layer) = r.config().model.freeze.clone().filter(|f| ![BACKBONE, NORMS, NOTHING].contains(&f.as_str())) {
        options.push((Some(layer.clone()), format!("up to {layer}"), "This layer and all below it."));
    }
    r.row(
        "model.freeze",
        |c| &mut c.model.freeze,
        |ui, value| {
            let options: Vec<_> =
                options.iter().map(|(value, name, help)| (value.clone(), name.as_str(), *help)).collect();
            choice(ui, "freeze", value, &options);
        },
    );
}

/// Rows of what only some networks can be told; a value that is there can always be taken away.
fn network_options(r: &mut Rows<'_>) {
    let (model, spec) = (&r.config().model, MODELS.iter().find(|m| m.id == r.config().model.id));
    let wide = model.options.width.is_some() || spec.is_some_and(|s| s.width);
    let poolings = spec.map_or(&[][..], |s| s.poolings);
    let pooled = model.options.pooling.is_some() || !poolings.is_empty();
    if wide {
        r.row(
            "model.options.width",
            |c| &mut c.model.options.width,
            optional("the usual width", 1.0, fraction(ModelOptions::WIDTHS, 0.01, "")),
        );
    }
    if pooled {
        let options: Vec<(Option<Pooling>, String, &str)> = std::iter::once((None, "architecture default".into(), ""))
            .chain(poolings.iter().map(|p| (Some(*p), p.to_string(), p.summary())))
            .collect();
        r.row(
            "model.options.pooling",
            |c| &mut c.model.options.pooling,
            |ui, value| {
                let options: Vec<_> =
                    options.iter().map(|(value, name, help)| (*value, name.as_str(), *help)).collect();
                choice(ui, "pooling", value, &options);
            },
        );
    }
}

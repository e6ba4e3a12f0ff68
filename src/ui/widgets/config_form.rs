//! A form over a whole [`RunConfig`]: grouped, searchable, checked while typing, compared with its preset.

use super::form_rows::{Around, Rows, choice, fraction, magnitude, optional, parsed, switch, whole};
use super::{network_card, style, weight_report};
use crate::config::{
    ColorJitter, CropConfig, DeviceChoice, EarlyStopping, LossKind, ModelOptions, OptimizerKind, Pooling, Precision,
    RunConfig, Schedule, Validation,
};
use crate::domain::LabelRule;
use crate::model::{BACKBONE, MODELS, ModelSpec, NOTHING};
use crate::ui::Action;
use crate::ui::state::PathPurpose;
use crate::ui::weights::WeightWish;
use egui::{DragValue, Ui};
use std::path::PathBuf;

/// What the form remembers.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    /// Words to look for.
    pub search: String,
}

/// A group of rows.
struct Group {
    title: &'static str,
    open: bool,
    rows: fn(&mut Rows<'_>),
}

const GROUPS: &[Group] = &[
    Group { title: "Network", open: true, rows: network },
    Group { title: "Training", open: true, rows: training },
    Group { title: "Optimiser", open: true, rows: optimiser },
    Group { title: "Schedule", open: false, rows: schedule },
    Group { title: "Loss and sampling", open: false, rows: loss },
    Group { title: "Clips", open: false, rows: clips },
    Group { title: "Data", open: false, rows: data },
    Group { title: "Augmentation", open: false, rows: augmentation },
    Group { title: "Device and seed", open: false, rows: device },
];

/// The sentence that says what is wrong with a configuration; `None` when it can be used. Covers what
/// [`RunConfig::validate`] cannot know: whether the network exists.
pub fn fault(config: &RunConfig) -> Option<String> {
    if !MODELS.iter().any(|m| m.id == config.model.id) {
        return Some(format!("model.id names no network of this program: '{}'", config.model.id));
    }
    let sentence = config.validate().err().map(|e| e.to_string());
    sentence.or_else(|| ModelSpec::of(&config.model).err().map(|e| e.to_string()))
}

/// Draws the form. `base` is the preset that changes are marked against. True when a value changed.
pub fn show(ui: &mut Ui, config: &mut RunConfig, base: &RunConfig, around: &Around<'_>, state: &mut FormState) -> bool {
    let before = config.clone();
    let mut base = base.clone();
    let query = state.search.trim().to_lowercase();
    let fault = fault(config);
    if let Some(sentence) = &fault {
        style::notice(ui, style::error_color(ui), sentence);
    }
    for sentence in config.advice(around.classes) {
        style::notice(ui, style::warn_color(ui), &sentence);
    }
    let mut found = 0;
    for group in GROUPS {
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
        let mut title = egui::RichText::new(format!("{}{marks}", group.title)).strong();
        if faulty {
            title = title.color(style::error_color(ui));
        }
        let mut header = egui::CollapsingHeader::new(title).id_salt(group.title).default_open(group.open);
        if !query.is_empty() || faulty {
            header = header.open(Some(true));
        }
        header.show_unindented(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let mut rows = Rows::draw(ui, config, &mut base, &query, fault.as_deref());
            rows.around = Some(around);
            (group.rows)(&mut rows);
        });
    }
    if found == 0 {
        ui.weak(format!("No setting is called '{}'.", state.search.trim()));
    }
    *config != before
}

fn network(r: &mut Rows<'_>) {
    let classes = r.around.map_or(0, |a| a.classes);
    r.row(
        "model.id",
        "Network",
        "The network that is trained.",
        |c| &mut c.model.id,
        |ui, id| network_card::picker(ui, "model", id, classes),
    );
    r.block(|ui, config, around| {
        network_card::card(ui, config, around.classes);
    });
    frozen(r);
    r.row(
        "model.freeze_statistics",
        "Frozen statistics",
        "Frozen batch normalisations keep their running statistics and use them in training too.",
        |c| &mut c.model.freeze_statistics,
        switch,
    );
    first_weights(r);
    network_options(r);
    r.row(
        "model.dropout",
        "Dropout",
        "Share of features dropped before the classifier, 0…1. Off takes the network's own.",
        |c| &mut c.model.dropout,
        optional("the network's own", 0.5, fraction(0.0..=1.0, 0.01, "")),
    );
    r.row(
        "model.num_classes",
        "Output units",
        "Classes the network can name. Off takes the classes of the dataset.",
        |c| &mut c.model.num_classes,
        optional("as the dataset", 17, whole(1..=10_000, "")),
    );
}

/// Where the first weights come from, and what of that file would be taken.
fn first_weights(r: &mut Rows<'_>) {
    let around = r.around;
    r.row(
        "model.init_from",
        "First weights",
        "A PyTorch file (.pth, .pt), a .safetensors file or a run to start from. Empty starts from fresh weights.",
        |c| &mut c.model.init_from,
        |ui, path| {
            let before = path.as_ref().map_or_else(String::new, |p| p.display().to_string());
            let mut text = before.clone();
            let kinds = ["A file of weights…", "A run folder…"];
            let asked = weight_report::path_field_of(ui, "First weights", "fresh", &mut text, &kinds);
            if let (Some(kind), Some(around)) = (asked, around) {
                let purpose = if kind == 0 { PathPurpose::FirstWeights } else { PathPurpose::FirstRun };
                around.actions.borrow_mut().push(Action::AskPath(purpose));
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
        let wish = WeightWish::report(&path, &config.model, classes);
        let mut actions = around.actions.borrow_mut();
        let look = weight_report::look(ui, "first weights", &wish, around.weights, &mut actions);
        ui.indent("first weights report", |ui| {
            weight_report::show(ui, look);
            if ui.small_button("Clear first weights").clicked() {
                config.model.init_from = None;
            }
        });
    });
}

/// What does not learn. Layers are named on the command line or in a file; one that is named there stays to choose.
fn frozen(r: &mut Rows<'_>) {
    let mut options = vec![
        (None, "the network's own".to_owned(), "Nothing, except where a network is a finished backbone and a head."),
        (Some(BACKBONE.to_owned()), "the backbone".to_owned(), "Only the head learns."),
        (Some(NOTHING.to_owned()), "nothing".to_owned(), "All of it learns."),
    ];
    if let Some(layer) = r.config().model.freeze.clone().filter(|f| ![BACKBONE, NOTHING].contains(&f.as_str())) {
        options.push((Some(layer.clone()), format!("up to {layer}"), "This layer and all below it."));
    }
    r.row(
        "model.freeze",
        "Frozen",
        "What keeps the weights it has while the rest learns.",
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
            "Width",
            "Factor on the channels of every layer: 0.5 is a narrower and faster network.",
            |c| &mut c.model.options.width,
            optional("the usual width", 1.0, fraction(ModelOptions::WIDTHS, 0.01, "")),
        );
    }
    if pooled {
        let options: Vec<(Option<Pooling>, String, &str)> = std::iter::once((None, "the network's own".into(), ""))
            .chain(poolings.iter().map(|p| (Some(*p), p.to_string(), p.summary())))
            .collect();
        r.row(
            "model.options.pooling",
            "Answer for a clip",
            "How the answers to the frames or places of a clip become one.",
            |c| &mut c.model.options.pooling,
            |ui, value| {
                let options: Vec<_> =
                    options.iter().map(|(value, name, help)| (*value, name.as_str(), *help)).collect();
                choice(ui, "pooling", value, &options);
            },
        );
    }
}

fn training(r: &mut Rows<'_>) {
    r.row("training.epochs", "Epochs", "Most epochs.", |c| &mut c.training.epochs, whole(0..=100_000, ""));
    r.row(
        "training.batch_size",
        "Batch size",
        "Clips in a batch. More need more memory.",
        |c| &mut c.training.batch_size,
        whole(0..=4096, " clips"),
    );
    r.row(
        "training.early_stopping",
        "Early stopping",
        "Stops when validation accuracy has not risen by the given amount for so many epochs.",
        |c| &mut c.training.early_stopping,
        optional("never", EarlyStopping { patience: 10, min_delta: 0.001 }, |ui, stop: &mut EarlyStopping| {
            ui.add(DragValue::new(&mut stop.patience).range(1..=10_000).speed(0.1).suffix(" epochs"));
            ui.weak("by").on_hover_text("Smallest rise of accuracy that counts, 0…1");
            magnitude(ui, &mut stop.min_delta);
        }),
    );
    r.row(
        "training.checkpoint_every",
        "Checkpoint every",
        "A checkpoint is kept every so many epochs, besides the best ones and the last.",
        |c| &mut c.training.checkpoint_every,
        whole(0..=10_000, " epochs"),
    );
    r.row(
        "training.checkpoint_minutes",
        "Save within epochs",
        "Within a long epoch the last checkpoint is written anew after so many minutes; 0 writes it at its end only.",
        |c| &mut c.training.checkpoint_minutes,
        |ui, minutes: &mut f64| {
            ui.add(DragValue::new(minutes).range(0.0..=1440.0).speed(0.1).suffix(" min"));
        },
    );
    r.row(
        "training.keep_best",
        "Keep best",
        "How many checkpoints by validation accuracy are kept.",
        |c| &mut c.training.keep_best,
        whole(0..=1000, ""),
    );
    r.row(
        "training.workers",
        "Loading threads",
        "Threads that decode and augment clips; 0 loads in the training thread.",
        |c| &mut c.training.workers,
        whole(0..=256, ""),
    );
    r.row(
        "training.cache_mib",
        "Frame cache",
        "Memory for decoded frames at training size.",
        |c| &mut c.training.cache_mib,
        whole(0..=1_048_576, " MiB"),
    );
    r.row(
        "training.disk_cache_mib",
        "Frame cache on disk",
        "Disk space for decoded frames at training size: later runs on the same videos decode nothing. 0 keeps none.",
        |c| &mut c.training.disk_cache_mib,
        whole(0..=16_777_216, " MiB"),
    );
    r.row(
        "training.cache_features",
        "Keep frozen features",
        "What a frozen backbone makes of a clip is computed once, where augmentation does not change the clip.",
        |c| &mut c.training.cache_features,
        switch,
    );
}

fn optimiser(r: &mut Rows<'_>) {
    r.row(
        "optimizer.kind",
        "Rule",
        "How gradients move the weights.",
        |c| &mut c.optimizer.kind,
        |ui, kind| {
            let momentum = match kind {
                OptimizerKind::Sgd { momentum, nesterov } => (*momentum, *nesterov),
                _ => (0.9, false),
            };
            let sgd = OptimizerKind::Sgd { momentum: momentum.0, nesterov: momentum.1 };
            ui.vertical(|ui| {
                let options = [
                    (OptimizerKind::AdamW, "AdamW", "Adam with decoupled weight decay (Loshchilov & Hutter 2019)"),
                    (OptimizerKind::Adam, "Adam", "Adam with L2 regularisation (Kingma & Ba 2015)"),
                    (sgd, "SGD", "Stochastic gradient descent with momentum"),
                ];
                choice(ui, "optimiser", kind, &options);
                if let OptimizerKind::Sgd { momentum, nesterov } = kind {
                    ui.horizontal(|ui| {
                        ui.add(DragValue::new(momentum).range(0.0..=1.0).speed(0.005).prefix("momentum "));
                        ui.checkbox(nesterov, "Nesterov");
                    });
                }
            });
        },
    );
    r.row(
        "optimizer.learning_rate",
        "Learning rate",
        "Learning rate at the start. Too large makes the loss jump or become NaN.",
        |c| &mut c.optimizer.learning_rate,
        magnitude,
    );
    r.row(
        "optimizer.weight_decay",
        "Weight decay",
        "Pull of the weights towards 0.",
        |c| &mut c.optimizer.weight_decay,
        magnitude,
    );
    r.row(
        "optimizer.betas",
        "Betas",
        "Decay rates of Adam's averages of the gradient and of its square.",
        |c| &mut c.optimizer.betas,
        |ui, (a, b)| {
            ui.add(DragValue::new(a).range(0.0..=1.0).speed(0.002).max_decimals(5));
            ui.add(DragValue::new(b).range(0.0..=1.0).speed(0.002).max_decimals(5));
        },
    );
    r.row("optimizer.epsilon", "Epsilon", "Adam's epsilon.", |c| &mut c.optimizer.epsilon, magnitude);
    r.row(
        "optimizer.clip_norm",
        "Clip gradient",
        "Largest norm of the whole gradient; larger ones are scaled down.",
        |c| &mut c.optimizer.clip_norm,
        optional("never", 1.0, fraction(0.0..=1e6, 0.05, "")),
    );
    r.row(
        "optimizer.accumulate",
        "Accumulate",
        "Batches whose gradients are added before one step: a larger batch in the same memory.",
        |c| &mut c.optimizer.accumulate,
        whole(0..=4096, " batches"),
    );
}

fn schedule(r: &mut Rows<'_>) {
    r.row(
        "schedule.warmup_epochs",
        "Warm-up",
        "Epochs in which the learning rate rises to its start value.",
        |c| &mut c.schedule.warmup_epochs,
        whole(0..=10_000, " epochs"),
    );
    r.row(
        "schedule.schedule",
        "Schedule",
        "How the learning rate moves.",
        |c| &mut c.schedule.schedule,
        |ui, s| {
            ui.vertical(|ui| {
                let mut kind = std::mem::discriminant(s);
                let starts = schedule_starts();
                let options: Vec<_> =
                    starts.iter().map(|(name, help, start)| (std::mem::discriminant(start), *name, *help)).collect();
                let before = kind;
                choice(ui, "schedule", &mut kind, &options);
                if kind != before
                    && let Some((_, _, start)) = starts.into_iter().find(|(_, _, s)| std::mem::discriminant(s) == kind)
                {
                    *s = start;
                }
                schedule_values(ui, s);
            });
        },
    );
}

/// Every schedule with the values it starts from when it is chosen.
fn schedule_starts() -> [(&'static str, &'static str, Schedule); 6] {
    [
        (
            "reduce on plateau",
            "Falls when the validation loss stops falling",
            Schedule::ReduceOnPlateau { factor: 0.5, patience: 5, threshold: 1e-4, min_lr: 1e-7 },
        ),
        ("cosine", "Half a cosine wave down to the last epoch", Schedule::Cosine { min_lr: 0.0 }),
        ("one cycle", "Rises, then falls, step by step (Smith & Topin 2018)", Schedule::OneCycle { warmup: 0.3 }),
        ("steps", "Falls by a factor every so many epochs", Schedule::Step { every: 5, gamma: 0.5 }),
        (
            "milestones",
            "Falls by a factor at given epochs",
            Schedule::MultiStep { milestones: vec![20, 30, 40], gamma: 0.1 },
        ),
        ("constant", "Never changes", Schedule::Constant),
    ]
}

fn schedule_values(ui: &mut Ui, schedule: &mut Schedule) {
    let part = |ui: &mut Ui, name: &str, help: &str, add: &mut dyn FnMut(&mut Ui)| {
        ui.horizontal(|ui| {
            ui.weak(name).on_hover_text(help);
            ui.name_inputs(name, |ui| add(ui));
        });
    };
    match schedule {
        Schedule::Constant => {}
        Schedule::ReduceOnPlateau { factor, patience, threshold, min_lr } => {
            part(ui, "factor", "Factor of each fall, 0…1", &mut |ui| {
                ui.add(DragValue::new(factor).range(0.0..=1.0).speed(0.005));
            });
            part(ui, "patience", "Epochs without improvement before it", &mut |ui| {
                ui.add(DragValue::new(patience).range(0..=10_000).speed(0.1).suffix(" epochs"));
            });
            part(ui, "threshold", "Relative improvement that counts", &mut |ui| magnitude(ui, threshold));
            part(ui, "lowest rate", "Never below this", &mut |ui| magnitude(ui, min_lr));
        }
        Schedule::Step { every, gamma } => {
            part(ui, "every", "Epochs between falls", &mut |ui| {
                ui.add(DragValue::new(every).range(1..=10_000).speed(0.1).suffix(" epochs"));
            });
            part(ui, "factor", "Factor of each fall", &mut |ui| magnitude(ui, gamma));
        }
        Schedule::MultiStep { milestones, gamma } => {
            part(ui, "at epochs", "Epochs counted from 0, separated by commas", &mut |ui| {
                parsed(ui, "milestones", milestones, |m| list(m), read_list);
            });
            part(ui, "factor", "Factor of each fall", &mut |ui| magnitude(ui, gamma));
        }
        Schedule::Cosine { min_lr } => {
            part(ui, "last rate", "Learning rate at the last epoch", &mut |ui| magnitude(ui, min_lr));
        }
        Schedule::OneCycle { warmup } => {
            part(ui, "rising", "Share of the steps spent rising, 0…1", &mut |ui| {
                ui.add(DragValue::new(warmup).range(0.0..=1.0).speed(0.005));
            });
        }
    }
}

fn list(values: &[u32]) -> String {
    values.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

fn read_list(text: &str) -> Option<Vec<u32>> {
    text.split([',', ' ']).filter(|t| !t.is_empty()).map(|t| t.parse().ok()).collect()
}

fn loss(r: &mut Rows<'_>) {
    r.row(
        "loss.kind",
        "Loss",
        "What is minimised.",
        |c| &mut c.loss.kind,
        |ui, kind| {
            let gamma = if let LossKind::Focal { gamma } = kind { *gamma } else { 2.0 };
            let options = [
                (LossKind::Focal { gamma }, "focal", "Hard clips count more (Lin et al. 2017)"),
                (LossKind::CrossEntropy, "cross-entropy", "The usual loss"),
            ];
            ui.vertical(|ui| {
                choice(ui, "loss", kind, &options);
                if let LossKind::Focal { gamma } = kind {
                    ui.add(DragValue::new(gamma).range(0.0..=10.0).speed(0.02).prefix("gamma "))
                        .on_hover_text("0 is cross-entropy; larger values look at hard clips only");
                }
            });
        },
    );
    r.row(
        "loss.class_weights",
        "Class weights",
        "Weigh classes by the inverse of how often they occur in training clips.",
        |c| &mut c.loss.class_weights,
        switch,
    );
    r.row(
        "loss.label_smoothing",
        "Label smoothing",
        "Probability spread over all classes, for cross-entropy, 0…1. 0.1 is usual.",
        |c| &mut c.loss.label_smoothing,
        fraction(0.0..=1.0, 0.005, ""),
    );
    r.row(
        "sampling.weighted",
        "Balanced draw",
        "Draw clips with replacement, each class equally often. Off shuffles all clips.",
        |c| &mut c.sampling.weighted,
        switch,
    );
    r.row(
        "sampling.clips_per_epoch",
        "Clips an epoch",
        "Clips drawn an epoch. Off draws as many as there are.",
        |c| &mut c.sampling.clips_per_epoch,
        optional("all", 1000, whole(1..=10_000_000, " clips")),
    );
}

fn clips(r: &mut Rows<'_>) {
    r.row("clip.length", "Frames", "Frames in a clip.", |c| &mut c.clip.length, whole(0..=2000, ""));
    r.row(
        "clip.step",
        "Frame step",
        "Video frames between two frames of a clip: 2 takes every other frame.",
        |c| &mut c.clip.step,
        whole(0..=1000, ""),
    );
    r.row(
        "clip.width",
        "Width",
        "Pixels in a row of the network's input.",
        |c| &mut c.clip.width,
        whole(0..=5000, " px"),
    );
    r.row("clip.height", "Height", "Rows of the network's input.", |c| &mut c.clip.height, whole(0..=5000, " px"));
    usual_input(r);
    r.row(
        "clip.train_stride",
        "Train stride",
        "Video frames between the starts of two training clips; less than a clip's length overlaps.",
        |c| &mut c.clip.train_stride,
        whole(0..=10_000, " frames"),
    );
    r.row(
        "clip.eval_stride",
        "Test stride",
        "Video frames between the starts of two validation or test clips.",
        |c| &mut c.clip.eval_stride,
        whole(0..=10_000, " frames"),
    );
    r.row(
        "clip.label",
        "Clip label",
        "How frame labels become a clip's label.",
        |c| &mut c.clip.label,
        |ui, rule| {
            let options = [
                (LabelRule::Majority, "majority", "The label most frames have"),
                (LabelRule::Centre, "middle frame", "The label of the middle frame"),
                (LabelRule::Pure, "only pure clips", "Only clips whose frames all agree"),
            ];
            choice(ui, "label rule", rule, &options);
        },
    );
    r.row(
        "clip.antialias",
        "Antialias",
        "Average over source pixels when shrinking. Off matches OpenCV's bilinear resize.",
        |c| &mut c.clip.antialias,
        switch,
    );
    r.row("clip.mean", "Mean RGB", "Subtracted after scaling to 0…1.", |c| &mut c.clip.mean, three);
    r.row("clip.std", "Deviation RGB", "Divided by after subtracting the mean.", |c| &mut c.clip.std, three);
}

fn three(ui: &mut Ui, values: &mut [f32; 3]) {
    ui.spacing_mut().item_spacing.x = 3.0;
    for value in values {
        ui.add(DragValue::new(value).speed(0.001).max_decimals(4));
    }
}

/// Offers the clip size the chosen network is usually given, when it differs.
fn usual_input(r: &mut Rows<'_>) {
    let c = r.config();
    let Some(spec) = MODELS.iter().find(|m| m.id == c.model.id) else { return };
    let (length, height, width) = spec.input;
    if (c.clip.length, c.clip.height, c.clip.width) == spec.input {
        return;
    }
    let title = spec.title;
    r.line(move |ui, config| {
        let text = format!("use {length}×{height}×{width}");
        let help = format!("{title} is usually given clips of {length} frames of {width}×{height} pixels");
        if ui.small_button(text).on_hover_text(help).clicked() {
            (config.clip.length, config.clip.height, config.clip.width) = (length, height, width);
        }
    });
}

fn data(r: &mut Rows<'_>) {
    r.row(
        "data.validation",
        "Validation",
        "Where validation clips come from during training.",
        |c| &mut c.data.validation,
        |ui, v| {
            let fraction = if let Validation::Subjects { fraction } = v { *fraction } else { 0.2 };
            let options = [
                (
                    Validation::Subjects { fraction },
                    "training subjects",
                    "The dataset's validation split, or else a share of the training subjects",
                ),
                (Validation::TestSplit, "the test split", "Scores on the test split are then no longer independent"),
                (Validation::Off, "none", "No validation, no best checkpoint, no early stopping"),
            ];
            ui.vertical(|ui| {
                choice(ui, "validation", v, &options);
                if let Validation::Subjects { fraction } = v {
                    ui.add(DragValue::new(fraction).range(0.0..=1.0).speed(0.005).prefix("share "))
                        .on_hover_text("Share of the training subjects, when the dataset has no validation split");
                }
            });
        },
    );
    r.row(
        "data.fraction",
        "Use",
        "Share of the training clips that is used, 0…1; 0.05 is enough to see whether anything runs.",
        |c| &mut c.data.fraction,
        fraction(0.0..=1.0, 0.005, ""),
    );
    r.row(
        "data.test_fraction",
        "Hold out",
        "Share of subjects held out for testing when the dataset has no split of its own.",
        |c| &mut c.data.test_fraction,
        fraction(0.0..=1.0, 0.005, ""),
    );
    r.row(
        "data.fold",
        "Fold",
        "Number of the fold of a dataset with several official splits, read when it is opened by the command line. Off \
         takes the first.",
        |c| &mut c.data.fold,
        optional("the first", 1, whole(1..=100, "")),
    );
    r.row(
        "labels.hold",
        "Hold labels",
        "Labels on few frames, such as one a second, hold until the next one.",
        |c| &mut c.labels.hold,
        switch,
    );
    r.row(
        "data.background_class",
        "Background class",
        "Turn background frames into clips of an extra class.",
        |c| &mut c.data.background_class,
        switch,
    );
    r.row(
        "data.subject_pattern",
        "Subject pattern",
        "Regular expression whose first group is the subject, matched on the file name. Off uses the built-in rules.",
        |c| &mut c.data.subject_pattern,
        optional("built-in rules", "_(s[0-9]+)_".to_owned(), |ui: &mut Ui, text: &mut String| {
            ui.add(egui::TextEdit::singleline(text).desired_width(ui.available_width()));
        }),
    );
    r.row(
        "data.class_names",
        "Class names",
        "Names that override those of the dataset: the number in its files, and the name.",
        |c| &mut c.data.class_names,
        class_names,
    );
}

fn class_names(ui: &mut Ui, names: &mut Vec<(i64, String)>) {
    ui.vertical(|ui| {
        let mut gone = None;
        for (i, (id, name)) in names.iter_mut().enumerate() {
            ui.horizontal(|ui| {
                ui.add(DragValue::new(id).speed(0.1));
                ui.add(egui::TextEdit::singleline(name).desired_width(ui.available_width() - 34.0));
                let remove = ui.small_button("x").on_hover_text("Remove this name");
                if remove.accessible_name(format!("remove class name {i}")).clicked() {
                    gone = Some(i);
                }
            });
        }
        if let Some(i) = gone {
            names.remove(i);
        }
        if ui.small_button("add a name").clicked() {
            let next = names.iter().map(|(id, _)| id + 1).max().unwrap_or(0);
            names.push((next, format!("class {next}")));
        }
    });
}

fn augmentation(r: &mut Rows<'_>) {
    r.row(
        "augment.enabled",
        "Augment",
        "Random changes of training clips, drawn once a clip so that all frames agree.",
        |c| &mut c.augment.enabled,
        switch,
    );
    r.row(
        "augment.horizontal_flip",
        "Mirror",
        "Probability that a clip is mirrored left to right. 0 where left and right are different classes.",
        |c| &mut c.augment.horizontal_flip,
        fraction(0.0..=1.0, 0.005, ""),
    );
    r.row(
        "augment.rotation_degrees",
        "Rotation",
        "Turned by up to this many degrees either way.",
        |c| &mut c.augment.rotation_degrees,
        fraction(0.0..=180.0, 0.1, "°"),
    );
    r.row(
        "augment.color_jitter",
        "Colour jitter",
        "Brightness, contrast and saturation: half-width of a factor around 1. Hue: shift in turns, 0…0.5.",
        |c| &mut c.augment.color_jitter,
        |ui, jitter: &mut ColorJitter| {
            ui.vertical(|ui| {
                let parts = [
                    ("brightness ", &mut jitter.brightness, 1.0),
                    ("contrast ", &mut jitter.contrast, 1.0),
                    ("saturation ", &mut jitter.saturation, 1.0),
                    ("hue ", &mut jitter.hue, 0.5),
                ];
                for (name, value, most) in parts {
                    ui.add(DragValue::new(value).range(0.0..=most).speed(0.002).max_decimals(3).prefix(name));
                }
            });
        },
    );
    r.row(
        "augment.crop",
        "Random crop",
        "A crop of random size and shape, resized to the clip: share of the area, and width over height relative to the picture.",
        |c| &mut c.augment.crop,
        optional("whole picture", CropConfig { scale: (0.6, 1.0), ratio: (0.8, 1.25) }, |ui, crop: &mut CropConfig| {
            ui.vertical(|ui| {
                for (name, (low, high), most) in [("area ", &mut crop.scale, 1.0), ("shape ", &mut crop.ratio, 10.0)] {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 3.0;
                        ui.add(DragValue::new(low).range(0.01..=most).speed(0.005).prefix(name));
                        ui.add(DragValue::new(high).range(0.01..=most).speed(0.005).prefix("to "));
                    });
                }
            });
        }),
    );
}

fn device(r: &mut Rows<'_>) {
    r.row(
        "device",
        "Device",
        "Where tensors live.",
        |c| &mut c.device,
        |ui, device| {
            let options = [
                (DeviceChoice::Auto, "automatic", "CUDA, then the platform GPU, then the CPU"),
                (DeviceChoice::Cuda, "CUDA", "NVIDIA through CUDA"),
                (DeviceChoice::Gpu, "GPU", "The platform GPU through Vulkan, Metal or DirectX"),
                (DeviceChoice::Cpu, "CPU", "The processor"),
            ];
            choice(ui, "device", device, &options);
        },
    );
    r.row(
        "training.devices",
        "GPUs",
        "GPUs of the chosen kind that share every batch; 0 takes all there are. A batch normalisation sees the clips of its \
         own GPU only.",
        |c| &mut c.training.devices,
        whole(0..=16, ""),
    );
    r.row(
        "training.precision",
        "Precision",
        "Numbers the layers compute with while they learn. 16 bits need a GPU that has them.",
        |c| &mut c.training.precision,
        |ui, precision| choice(ui, "precision", precision, &Precision::ALL),
    );
    r.row(
        "training.recompute",
        "Recompute layers",
        "Keeps the outputs of a few layers only and computes the others again on the way back: somewhat less memory, \
         more work, the same numbers.",
        |c| &mut c.training.recompute,
        switch,
    );
    r.row(
        "seed",
        "Seed",
        "Seed of every random stream: the same seed gives the same run on the CPU.",
        |c| &mut c.seed,
        whole(0..=u64::MAX, ""),
    );
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
    fn presets_have_no_fault_and_a_wrong_network_is_named() {
        for preset in PRESETS {
            assert_eq!(fault(&preset.config().unwrap()), None, "{}", preset.name);
        }
        let mut config = RunConfig::reference();
        config.model.id = "resnet-9000".into();
        assert!(fault(&config).unwrap().contains("resnet-9000"));
    }

    #[test]
    fn lists_of_epochs_read_as_they_are_written() {
        assert_eq!(read_list("20, 30,40"), Some(vec![20, 30, 40]));
        assert_eq!(read_list(""), Some(vec![]));
        assert_eq!(read_list("20, x"), None);
        assert_eq!(read_list(&list(&[1, 2])), Some(vec![1, 2]));
    }
}

//! Epochs, checkpoints, caches, the optimiser, the loss, sampling and the device.

use super::super::form_rows::{Rows, choice, fraction, magnitude, optional, parsed, switch, whole};
use crate::config::{DeviceChoice, EarlyStopping, LossKind, OptimizerKind, Precision};
use crate::peers::Width;
use egui::DragValue;

pub(super) fn training(r: &mut Rows<'_>) {
    if !r.baseline() {
        epochs(r);
    }
    r.row("training.workers", |c| &mut c.training.workers, whole(0..=256, ""));
    r.row("training.cache_mib", |c| &mut c.training.cache_mib, whole(0..=1_048_576, " MiB"));
    r.row("training.disk_cache_mib", |c| &mut c.training.disk_cache_mib, whole(0..=16_777_216, " MiB"));
    if !r.baseline() {
        r.row("training.cache_features", |c| &mut c.training.cache_features, switch);
    }
}

/// What only networks are trained in.
fn epochs(r: &mut Rows<'_>) {
    r.row("training.epochs", |c| &mut c.training.epochs, whole(0..=100_000, ""));
    r.row("training.batch_size", |c| &mut c.training.batch_size, whole(0..=4096, " clips"));
    r.row(
        "training.early_stopping",
        |c| &mut c.training.early_stopping,
        optional("never", EarlyStopping { patience: 10, min_delta: 0.001 }, |ui, stop: &mut EarlyStopping| {
            ui.add(DragValue::new(&mut stop.patience).range(1..=10_000).speed(0.1).suffix(" epochs"));
            ui.weak("by").on_hover_text("Smallest rise of accuracy that counts, 0…1");
            magnitude(ui, &mut stop.min_delta);
        }),
    );
    r.row("training.checkpoint_every", |c| &mut c.training.checkpoint_every, whole(0..=10_000, " epochs"));
    r.row(
        "training.checkpoint_minutes",
        |c| &mut c.training.checkpoint_minutes,
        |ui, minutes: &mut f64| {
            ui.add(DragValue::new(minutes).range(0.0..=1440.0).speed(0.1).suffix(" min"));
        },
    );
    r.row("training.keep_best", |c| &mut c.training.keep_best, whole(0..=1000, ""));
    r.row("training.statistics_every", |c| &mut c.training.statistics_every, whole(0..=1_000_000, " steps"));
    r.row(
        "training.statistics_layers",
        |c| &mut c.training.statistics_layers,
        |ui, layers| {
            let read =
                |text: &str| Some(text.split(',').map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect());
            parsed(ui, "statistics layers", layers, |l| l.join(", "), read);
        },
    );
}

pub(super) fn optimiser(r: &mut Rows<'_>) {
    r.row(
        "optimizer.kind",
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
                choice(ui, "optimizer", kind, &options);
                if let OptimizerKind::Sgd { momentum, nesterov } = kind {
                    ui.horizontal(|ui| {
                        ui.add(DragValue::new(momentum).range(0.0..=1.0).speed(0.005).prefix("momentum "));
                        ui.checkbox(nesterov, "Nesterov");
                    });
                }
            });
        },
    );
    r.row("optimizer.learning_rate", |c| &mut c.optimizer.learning_rate, magnitude);
    r.row("optimizer.weight_decay", |c| &mut c.optimizer.weight_decay, magnitude);
    r.row(
        "optimizer.betas",
        |c| &mut c.optimizer.betas,
        |ui, (a, b)| {
            ui.add(DragValue::new(a).range(0.0..=1.0).speed(0.002).max_decimals(5));
            ui.add(DragValue::new(b).range(0.0..=1.0).speed(0.002).max_decimals(5));
        },
    );
    r.row("optimizer.epsilon", |c| &mut c.optimizer.epsilon, magnitude);
    r.row("optimizer.clip_norm", |c| &mut c.optimizer.clip_norm, optional("never", 1.0, fraction(0.0..=1e6, 0.05, "")));
    r.row("optimizer.accumulate", |c| &mut c.optimizer.accumulate, whole(0..=4096, " batches"));
}

pub(super) fn loss(r: &mut Rows<'_>) {
    r.row(
        "loss.kind",
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
    r.row("loss.class_weights", |c| &mut c.loss.class_weights, switch);
    r.row("loss.label_smoothing", |c| &mut c.loss.label_smoothing, fraction(0.0..=1.0, 0.005, ""));
    r.row("sampling.weighted", |c| &mut c.sampling.weighted, switch);
    r.row(
        "sampling.clips_per_epoch",
        |c| &mut c.sampling.clips_per_epoch,
        optional("all", 1000, whole(1..=10_000_000, " clips")),
    );
}

pub(super) fn device(r: &mut Rows<'_>) {
    if !r.baseline() {
        devices(r);
    }
    r.row("seed", |c| &mut c.seed, whole(0..=u64::MAX, ""));
}

/// What networks compute on; baselines need no GPU.
fn devices(r: &mut Rows<'_>) {
    r.row(
        "device",
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
    r.row("training.devices", |c| &mut c.training.devices, whole(0..=16, ""));
    r.row(
        "training.precision",
        |c| &mut c.training.precision,
        |ui, precision| choice(ui, "precision", precision, &Precision::ALL),
    );
    r.row("training.exchange", |c| &mut c.training.exchange, |ui, width| choice(ui, "exchange", width, &Width::ALL));
    r.row("training.recompute", |c| &mut c.training.recompute, switch);
}

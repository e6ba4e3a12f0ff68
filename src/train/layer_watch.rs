//! Statistics of layers while a network trains: how large outputs and gradients are, which channels are silent. They cost a
//! forward pass of one clip each time and change nothing: neither the weights nor any random stream.

use super::TrainError;
use super::tensorboard::EventWriter;
use crate::config::RunConfig;
use crate::data::Batch;
use crate::domain::counted;
use crate::inside::{LayerActivation, LayerStatistics, LayerTally, require_layers, shown_layers, watch_layers};
use crate::model::{GradientSet, ModuleTree, Network, read};
use crate::progress::{LayerReport, Monitor};
use crate::run_folder::files::write_atomic;
use crate::run_folder::{LAYERS_FILE, RunDir};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// A layer that is watched.
struct Watched {
    id: String,
    /// The largest value its activation lets through, where there is one.
    ceiling: Option<f32>,
    /// Positions of its parameters.
    parameters: Vec<usize>,
}

/// Watches layers of a network every so many steps.
pub(super) struct LayerWatch {
    every: u64,
    layers: Vec<Watched>,
    /// Frames, rows and columns of a clip.
    clip: [usize; 3],
    path: PathBuf,
}

/// What a step shows, gathered in two parts: the outputs before the step, the gradients in it.
#[derive(Default)]
pub(super) struct LayerStep {
    /// By layer; empty without a clip.
    outputs: Vec<LayerStatistics>,
}

impl LayerWatch {
    /// As configured; `None` where nothing is watched. Rows of the table behind `step` are from a training
    /// that went on from there before, and go. A training that is too short for any row, at `per_epoch` steps, is told.
    ///
    /// # Errors
    /// A layer the network does not have; a table that cannot be written.
    pub fn new(
        config: &RunConfig,
        network: &Network,
        run: &RunDir,
        [step, per_epoch]: [u64; 2],
        monitor: &dyn Monitor,
    ) -> Result<Option<Self>, TrainError> {
        let path = run.path().join(LAYERS_FILE);
        let mut kept = run.layer_reports()?;
        if kept.last().is_some_and(|row| row.step > step) {
            kept.retain(|row| row.step <= step);
            write_atomic(&path, &table(&kept, true, &path)?)?;
        }
        let every = u64::from(config.training.statistics_every);
        if every == 0 {
            return Ok(None);
        }
        let total = per_epoch * u64::from(config.training.epochs);
        if total / every == step / every {
            monitor.warn(format!(
                "training.statistics_every is {every}, but {}: no statistics of layers are written; set it to at most {}",
                match step {
                    0 => format!("the whole training has {}", counted(total, "optimizer step")),
                    _ => format!("only {} are left", counted(total - step.min(total), "optimizer step")),
                },
                total.saturating_sub(step).max(1)
            ));
        }
        let clip = [config.clip.length, config.clip.height, config.clip.width].map(|n| n as usize);
        let tree = ModuleTree::of(&config.model, network.classes(), clip)?;
        let named = &config.training.statistics_layers;
        let ids = if named.is_empty() { shown_layers(&tree) } else { named.clone() };
        require_layers(network, &ids)?;
        let infos = network.parameter_infos();
        let watched = |id: String| {
            let within = format!("{id}.");
            let of_it = infos.iter().enumerate().filter(|(_, info)| info.name.starts_with(&within));
            let parameters = of_it.map(|(at, _)| at).collect();
            let ceiling = tree.find(&id).and_then(|m| m.ceiling);
            Watched { id, ceiling, parameters }
        };
        Ok(Some(Self { every, layers: ids.into_iter().map(watched).collect(), clip, path }))
    }

    /// The outputs for the first clip of a batch, if the step that begins is one to watch; `step` counts from 1.
    ///
    /// # Errors
    /// A device that failed.
    pub fn before(&self, step: u64, network: &Network, batch: Option<&Batch>) -> Result<Option<LayerStep>, TrainError> {
        if !step.is_multiple_of(self.every) {
            return Ok(None);
        }
        let clip = batch.filter(|b| b.size > 0 && !b.pixels.is_empty());
        let Some(pixels) = clip.and_then(|b| b.pixels.get(..b.pixels.len() / b.size)) else {
            return Ok(Some(LayerStep::default()));
        };
        let ids: Vec<String> = self.layers.iter().map(|l| l.id.clone()).collect();
        let mut outputs = vec![LayerStatistics::default(); ids.len()];
        let mut each = |_: usize, activation: LayerActivation| -> Result<(), TrainError> {
            let known = self.layers.iter().zip(&mut outputs).find(|(l, _)| l.id == activation.layer);
            if let Some((layer, output)) = known {
                *output = LayerTally::of(&activation, layer.ceiling);
            }
            Ok(())
        };
        watch_layers(network, pixels.to_vec(), (1, self.clip), &ids, &mut each)?;
        Ok(Some(LayerStep { outputs }))
    }

    /// Completes what was gathered before the step by its gradients, which have not been clipped or applied yet; writes it to
    /// the table and the event file.
    ///
    /// # Errors
    /// A device that failed, a file that cannot be written.
    pub fn after(
        &self,
        gathered: &LayerStep,
        step: u64,
        network: &mut Network,
        gradients: &GradientSet,
        events: &mut EventWriter,
    ) -> Result<Vec<LayerReport>, TrainError> {
        let of_parameters = gradients.iter().collect::<Vec<_>>();
        let weights = network.parameters_mut().map(|p| p.clone()).collect::<Vec<_>>();
        let mut reports = Vec::with_capacity(self.layers.len());
        let mut drawn: Vec<(String, LayerStatistics)> = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            let (mut values, mut squares) = (Vec::new(), 0.0_f64);
            for parameter in &layer.parameters {
                let Some(Some(gradient)) = of_parameters.get(*parameter) else { continue };
                values.extend(read((*gradient).clone())?);
                let weight = weights.get(*parameter).map(|w| read(w.clone())).transpose()?;
                squares += square_sum(&weight.unwrap_or_default());
            }
            let output = gathered.outputs.get(at).filter(|o| o.clips > 0);
            let learns = !values.is_empty();
            reports.push(LayerReport {
                step,
                layer: layer.id.clone(),
                mean: output.map(|o| o.mean as f32),
                std: output.map(|o| o.std as f32),
                zero_share: output.map(|o| o.zero_share as f32),
                silent: output.map(|o| o.dead.len() as u32),
                channels: output.map(|o| o.channels() as u32),
                gradient_norm: learns.then(|| square_sum(&values).sqrt() as f32),
                weight_norm: learns.then(|| squares.sqrt() as f32),
            });
            drawn.extend(output.map(|o| (format!("activations/{}", layer.id), o.clone())));
            if learns {
                let shape = [1, 1, 1, values.len()];
                let as_output = LayerActivation { layer: layer.id.clone(), shape, values };
                drawn.push((format!("gradients/{}", layer.id), LayerTally::of(&as_output, None)));
            }
        }
        events.histograms(step, drawn.iter().map(|(tag, statistics)| (tag.as_str(), statistics)))?;
        self.append(&reports)?;
        Ok(reports)
    }

    fn append(&self, reports: &[LayerReport]) -> Result<(), TrainError> {
        let fail = |e: std::io::Error| TrainError::file("write", &self.path, &e);
        let fresh = !self.path.is_file();
        let bytes = table(reports, fresh, &self.path)?;
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(fail)?;
        std::io::Write::write_all(&mut file, &bytes).map_err(fail)
    }
}

fn square_sum(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum()
}

/// Rows as CSV, with a header or without.
fn table(rows: &[LayerReport], header: bool, path: &Path) -> Result<Vec<u8>, TrainError> {
    let mut writer = csv::WriterBuilder::new().has_headers(header).from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|e| TrainError::file("write", path, &e.into()))?;
    }
    writer.into_inner().map_err(|e| TrainError::file("write", path, &e.into_error()))
}

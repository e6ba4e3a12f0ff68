//! What a run was made with.

use crate::data::Plan;
use crate::domain::{Dataset, Split};
use crate::eval::{Environment, SplitRow, WeightsOrigin};
use crate::model::{ComputeDevice, Network};
use std::time::{SystemTime, UNIX_EPOCH};

/// Versions, device, dataset and seed of a run that begins now.
pub(super) fn environment(
    dataset: &Dataset,
    plan: &Plan,
    network: &Network,
    devices: &[ComputeDevice],
    seed: u64,
    weights: Option<WeightsOrigin>,
) -> Environment {
    Environment {
        dataset_root: std::path::absolute(&dataset.root).unwrap_or_else(|_| dataset.root.clone()),
        dataset_name: dataset.name.clone(),
        dataset_format: dataset.format.clone(),
        dataset_fingerprint: dataset.fingerprint.clone(),
        train_clips: plan.train.len() as u64,
        val_clips: plan.val.len() as u64,
        weights,
        device: titles(devices),
        ..without_data(network, network.device(), seed)
    }
}

/// The devices of a run, for people.
pub(super) fn titles(devices: &[ComputeDevice]) -> String {
    devices.iter().map(ComputeDevice::title).collect::<Vec<_>>().join(" + ")
}

/// Versions, device and seed of a run that no dataset belongs to yet.
pub(super) fn without_data(network: &Network, device: &ComputeDevice, seed: u64) -> Environment {
    Environment {
        kinolens: env!("CARGO_PKG_VERSION").to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        device: device.title().to_owned(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        seed,
        parameters: network.parameters() as u64,
        started_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        ..Environment::default()
    }
}

/// The part every video plays, with its clips, for `split.csv`.
pub(super) fn split_rows(dataset: &Dataset, plan: &Plan) -> Vec<SplitRow> {
    let videos =
        dataset.videos.iter().zip(&plan.parts).enumerate().filter(|(_, (_, part))| **part != Split::Unassigned);
    videos
        .map(|(index, (video, part))| SplitRow {
            video: video.name.clone(),
            subject: video.subject.clone(),
            part: *part,
            clips: plan.clips(*part).iter().filter(|c| c.video == index).count() as u64,
            content: video.content().to_owned(),
        })
        .collect()
}

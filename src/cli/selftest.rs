//! `kinolens selftest`: does everything work on this machine?

use super::args::SelftestArgs;
use super::common::Outcome;
use super::monitor::{print_json, print_line};
use crate::cam::{MapRequest, Target};
use crate::config::{ModelConfig, Precision};
use crate::domain::{PoolingRule, RgbImage};
use crate::model::{ComputeDevice, MODELS, Network};
use crate::video::{Video, VideoWriter};
use anyhow::{anyhow, ensure};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;

/// Small clips keep the whole test within seconds; every network takes them.
const CLIP: [usize; 3] = [16, 64, 64];
const CLASSES: usize = 4;

pub(super) fn selftest(args: &SelftestArgs) -> Outcome {
    let mut checks = Vec::new();
    let mut check = |name: &str, result: anyhow::Result<String>| {
        let (ok, detail) = match result {
            Ok(detail) => (true, detail),
            Err(error) => (false, format!("{error:#}")),
        };
        if !args.json.json {
            print_line(&format!("{}  {name}: {detail}", if ok { "ok    " } else { "FAILED" }));
        }
        checks.push(json!({ "name": name, "ok": ok, "detail": detail }));
        ok
    };
    let mut all = check("encode and decode", round_trip());
    let (device, messages) = ComputeDevice::choose(args.device.into());
    let detail = std::iter::once(described(&device)).chain(messages).collect::<Vec<_>>().join("; ");
    all &= check("device", Ok(detail));
    for spec in MODELS {
        all &= check(&format!("{}: build, forward, backward", spec.id), network(spec.id, &device));
    }
    all &= check("heatmap overlay on the GPU", overlay());
    if args.json.json {
        print_json(&json!({ "checks": checks }));
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes a video whose frames differ in brightness and reads single frames back.
fn round_trip() -> anyhow::Result<String> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("selftest.mp4");
    let frames = 30_u32;
    let gray = |n: u32| 20 + (n * 7) as u8;
    let mut writer = VideoWriter::create(&path, 64, 48, 30.0)?;
    for n in 0..frames {
        let data: Arc<Vec<u8>> = vec![gray(n); 64 * 48 * 3].into();
        writer.push(&RgbImage { width: 64, height: 48, data })?;
    }
    writer.finish()?;
    let video = Video::open(&path)?;
    ensure!(video.info().frames == frames, "wrote {frames} frames, found {}", video.info().frames);
    for n in [17, 3, 29, 0] {
        let frame = video.frame(n)?;
        let mean = frame.image.data.iter().map(|b| f64::from(*b)).sum::<f64>() / frame.image.data.len() as f64;
        ensure!((mean - f64::from(gray(n))).abs() < 3.0, "frame {n} has brightness {mean:.1}, not {}", gray(n));
    }
    Ok(format!("{frames} frames of {}, exact", video.info().codec))
}

/// A device, and what a GPU can be trained with.
fn described(device: &ComputeDevice) -> String {
    if !device.tunes() {
        return device.title().to_owned();
    }
    let can = Precision::ALL.into_iter().filter(|(p, ..)| device.require(*p).is_ok()).map(|(_, name, _)| name);
    format!("{}, trains with {}", device.title(), can.collect::<Vec<_>>().join(", "))
}

fn network(id: &str, device: &ComputeDevice) -> anyhow::Result<String> {
    let config = ModelConfig { id: id.to_owned(), ..ModelConfig::default() };
    let network = Network::build(&config, CLASSES, CLIP, device, 1)?;
    let values = 3 * CLIP.iter().product::<usize>();
    let pixels: Vec<f32> = (0..values).map(|i| ((i * 7919) % 255) as f32 / 127.5 - 1.0).collect();
    let request = MapRequest {
        method: "grad-cam".into(),
        layer: None,
        target: Target::Predicted,
        against: None,
        pooling: PoolingRule::SpaceTime,
    };
    let explained = crate::cam::explain(&network, pixels, CLIP, &[request])?;
    ensure!(explained.logits.len() == CLASSES, "{} scores instead of {CLASSES}", explained.logits.len());
    let map = explained.maps.first().ok_or_else(|| anyhow!("no heatmap"))?;
    ensure!(map.values.iter().all(|v| v.is_finite()), "the heatmap is not a number");
    let [t, h, w] = map.shape;
    Ok(format!("{} parameters, heatmap of {t}x{h}x{w} cells at {}", network.parameters(), map.layer))
}

/// The shader against the CPU compositor.
fn overlay() -> anyhow::Result<String> {
    let report = crate::render::overlay_gpu_check::check()?;
    ensure!(
        report.largest_difference <= 2,
        "{} differs from the CPU by {} of 255",
        report.adapter,
        report.largest_difference
    );
    Ok(format!("{}, within {} of 255 of the CPU", report.adapter, report.largest_difference))
}

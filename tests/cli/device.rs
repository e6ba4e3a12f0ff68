//! Devices: what is chosen, what is tested first, and what is said when there is nothing to choose.

use kinolens::config::DeviceChoice;
use kinolens::model::ComputeDevice;
use std::process::Command;

fn kinolens() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinolens"));
    // No verdict from before may stand in for the test.
    command.env("KINOLENS_CACHE", "");
    command
}

/// The first line of the testing process: what it found.
fn probe() -> (String, bool, String) {
    let out = kinolens().args(["probe-device", "gpu"]).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let lines: Vec<&str> = text.lines().filter(|l| l.starts_with('{') || l.starts_with('"')).collect();
    (lines.first().map_or(String::new(), |l| (*l).to_owned()), out.status.success(), text)
}

#[test]
fn an_adapter_that_is_there_computes_what_the_processor_computes() {
    let (found, works, all) = probe();
    if found.contains("Absent") {
        assert!(std::env::var_os("CI").is_none_or(|v| v != "true"), "CI has a software driver, but: {found}");
        eprintln!("skipped: no graphics adapter here, not even a software one");
        return;
    }
    assert!(found.contains("Found") && works && all.contains("\"Passed\""), "{all}");
}

#[test]
fn selftest_names_the_device_it_used() {
    let out = kinolens().args(["selftest", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let device = checks.iter().find(|c| c["name"] == "device").unwrap();
    assert_eq!(device["ok"], true);
    let detail = device["detail"].as_str().unwrap();
    let (found, ..) = probe();
    if found.contains("Software") || found.contains("Absent") {
        assert!(detail.starts_with("CPU, "), "{detail}");
    }
    assert!(checks.iter().all(|c| c["ok"] == true), "{report}");
    assert!(out.status.success());
}

#[test]
fn a_gpu_that_was_asked_for_is_never_silently_replaced() {
    // A test program is no kinolens to test devices with, so there is no GPU here.
    let (device, messages) = ComputeDevice::choose(DeviceChoice::Gpu);
    assert!(device.title().starts_with("CPU"), "{}", device.title());
    assert!(messages.iter().any(|m| m.contains("CPU is used")), "{messages:?}");
}

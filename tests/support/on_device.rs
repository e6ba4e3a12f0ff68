//! The device the tests compute on.
//!
//! `KINOLENS_TEST_DEVICE` names it as `--device` does (`cpu`, `gpu`, `cuda`); the CPU when it is not set. A device that
//! was named and cannot be used is a failure. A driver that imitates a GPU carries small shapes only; the others are left
//! out there, in words.

use kinolens::config::DeviceChoice;
use kinolens::model::ComputeDevice;
use std::sync::OnceLock;

/// How much larger than on the CPU the distance to the reference may be on another device, which adds up in another order
/// and has approximate functions.
const SLACK: f64 = 20.0;
/// Numbers of an input that a driver on the CPU carries in reasonable time.
const SMALL: usize = 3 * 16 * 64 * 64;

/// The program that tests a GPU in a process of its own: the one built with the tests, or `KINOLENS_TEST_PROGRAM` where
/// they were built on another machine.
pub fn program() -> std::path::PathBuf {
    std::env::var_os("KINOLENS_TEST_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_kinolens").into(), Into::into)
}

/// The device.
pub fn device() -> ComputeDevice {
    static DEVICE: OnceLock<ComputeDevice> = OnceLock::new();
    DEVICE
        .get_or_init(|| {
            let choice = match std::env::var("KINOLENS_TEST_DEVICE").as_deref() {
                Err(_) | Ok("" | "cpu") => return ComputeDevice::cpu(),
                Ok("gpu") => DeviceChoice::Gpu,
                Ok("cuda") => DeviceChoice::Cuda,
                Ok(other) => panic!("KINOLENS_TEST_DEVICE is '{other}', not cpu, gpu or cuda"),
            };
            kinolens::model::device::set_program(program());
            let (device, messages) = ComputeDevice::choose(choice);
            assert!(device.tunes(), "KINOLENS_TEST_DEVICE={choice:?} cannot be used: {messages:?}");
            eprintln!("on {}", device.title());
            device
        })
        .clone()
}

/// A software driver or a real GPU, whatever is there besides the CPU; `None` where there is nothing. CI has one.
pub fn another() -> Option<ComputeDevice> {
    kinolens::model::device::set_program(program());
    let (device, messages) = ComputeDevice::choose(DeviceChoice::Gpu);
    if device.tunes() {
        return Some(device);
    }
    assert!(std::env::var_os("CI").is_none_or(|v| v != "true"), "CI has a software driver, but: {messages:?}");
    eprintln!("skipped: no graphics adapter here, not even a software one");
    None
}

/// What may be allowed where the CPU is allowed `tolerance`.
pub fn allowed(tolerance: f64) -> f64 {
    if device().tunes() { SLACK * tolerance } else { tolerance }
}

/// False, in words, for an input that the device would take too long for.
pub fn carries(what: &str, input: &[usize]) -> bool {
    let small = input.iter().product::<usize>() <= SMALL;
    if !small && device().is_software() {
        eprintln!("{what}: left out, too large for {}", device().title());
    }
    small || !device().is_software()
}

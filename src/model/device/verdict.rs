//! Runs the test of a device in a process of its own, and caches the result.

use super::protocol::{Candidate, DeviceRequest, Line, SUBCOMMAND, argument};
use crate::files::{TEXT_LIMIT, read_text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Longest a device may take; compiling kernels for the first time is slow on some drivers.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is known of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Verdict {
    /// It computes what it should.
    Works { candidate: Candidate, adapter: String, driver: String },
    /// There is none.
    Absent { reason: String },
    /// There is one, but it must not be used.
    Fails { reason: String },
    /// Nobody knows: there is no program that could test one.
    Untestable { reason: String },
}

/// Kind, name and driver of a device, as the testing process told them.
type Found = (Candidate, String, String);

/// The program that is started to test devices; `None` until [`set_program`] was called.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the kinolens program, which is started again to test a GPU. Without it no GPU is used. The first call counts.
pub fn set_program(path: PathBuf) {
    let _ = PROGRAM.set(path);
}

/// The verdict on a device, asked for once in a process and, when it works, once on a machine with the same drivers.
pub(super) fn verdict(wanted: DeviceRequest) -> Verdict {
    static KNOWN: Mutex<BTreeMap<String, Verdict>> = Mutex::new(BTreeMap::new());
    // A poisoned lock still holds whole verdicts.
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(verdict) = known.get(&argument(wanted)) {
        return verdict.clone();
    }
    let verdict = remembered(wanted).unwrap_or_else(|| {
        let verdict = match PROGRAM.get() {
            Some(program) => ask(program, wanted, PATIENCE),
            None => Verdict::Untestable {
                reason: "GPUs are left alone, because this program did not name one that tests them first \
                         (kinolens::model::device::set_program)"
                    .to_owned(),
            },
        };
        // Only good news is kept: a driver that failed may have been repaired since.
        if matches!(verdict, Verdict::Works { .. }) {
            remember(wanted, &verdict);
        }
        verdict
    });
    known.insert(argument(wanted), verdict.clone());
    verdict
}

/// Starts `program` to test a device and waits for it, at most `patience`.
fn ask(program: &Path, wanted: DeviceRequest, patience: Duration) -> Verdict {
    let child = Command::new(program)
        .args([SUBCOMMAND, &argument(wanted)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(e) => {
            let reason = format!("the GPU could not be tested ({} does not start: {e})", program.display());
            return Verdict::Fails { reason };
        }
    };
    let (send, lines) = mpsc::sync_channel::<Line>(16);
    if let Some(out) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // Drivers print too; only our own lines count.
                if let Ok(line) = serde_json::from_str(&line)
                    && send.send(line).is_err()
                {
                    return;
                }
            }
        });
    }
    let until = Instant::now() + patience;
    let mut found = None;
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Line::Absent(reason)) => {
                reap(&mut child, until);
                return Verdict::Absent { reason };
            }
            Ok(Line::Found { candidate, adapter, driver }) => found = Some((candidate, adapter, driver)),
            Ok(Line::Failed(why)) => {
                reap(&mut child, until);
                let reason = format!("{} failed a test computation ({why}); update its driver", name(found));
                return Verdict::Fails { reason };
            }
            // A driver can still crash or hang while it shuts down, and would then do so here.
            Ok(Line::Passed) => {
                return match (reap(&mut child, until), found) {
                    (Some(status), Some((candidate, adapter, driver))) if status.success() => {
                        Verdict::Works { candidate, adapter, driver }
                    }
                    (status, found) => gave_up(found, status, patience),
                };
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                reap(&mut child, until);
                return gave_up(found, None, patience);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = reap(&mut child, until);
                return gave_up(found, status, patience);
            }
        }
    }
}

/// Waits for the process to end; ends it at `until`, and then there is no status.
fn reap(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// The verdict on a device whose test ended badly, or did not end.
fn gave_up(found: Option<Found>, status: Option<ExitStatus>, patience: Duration) -> Verdict {
    let how = match status {
        Some(status) => format!("crashed in a test computation ({})", ended(status)),
        None => format!("did not finish a test computation in {} s", patience.as_secs()),
    };
    Verdict::Fails { reason: format!("{} {how}; update its driver", name(found)) }
}

fn name(found: Option<Found>) -> String {
    found.map_or_else(|| "the GPU's driver".to_owned(), |(_, adapter, _)| format!("the GPU {adapter}"))
}

fn ended(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.to_string()
}

/// Verdicts kept between runs, with what they depend on.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    machine: String,
    verdicts: BTreeMap<String, Verdict>,
}

fn memory_file() -> Option<PathBuf> {
    Some(crate::files::cache_dir()?.join("devices.ron"))
}

/// What a verdict depends on: this program, and the drivers installed.
fn machine() -> String {
    let mut parts = vec![env!("CARGO_PKG_VERSION").to_owned()];
    if let Some(written) = PROGRAM.get().and_then(|p| std::fs::metadata(p).ok()?.modified().ok()) {
        parts.push(format!("{written:?}"));
    }
    // What chooses among drivers and cards.
    let chosen = ["VK_ICD_FILENAMES", "VK_DRIVER_FILES", "WGPU_BACKEND", "CUDA_VISIBLE_DEVICES"];
    for name in chosen.into_iter().chain(["DRI_PRIME", "MESA_VK_DEVICE_SELECT"]) {
        parts.push(format!("{name}={}", std::env::var(name).unwrap_or_default()));
    }
    parts.extend(read_text(Path::new("/proc/driver/nvidia/version"), TEXT_LIMIT));
    for folder in ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"] {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<String> = entries
            .map(|e| format!("{:?} {:?}", e.file_name(), e.metadata().and_then(|m| m.modified()).ok()))
            .collect();
        files.sort();
        parts.extend(files);
    }
    // The cards themselves.
    let cards = std::fs::read_dir("/sys/class/drm").into_iter().flatten().flatten();
    let mut cards: Vec<String> = cards
        .filter_map(|card| {
            let id = |file: &str| read_text(&card.path().join("device").join(file), TEXT_LIMIT).ok();
            Some(format!("{:?} {} {}", card.file_name(), id("vendor")?.trim(), id("device")?.trim()))
        })
        .collect();
    cards.sort();
    parts.extend(cards);
    parts.join("\n")
}

fn remembered(wanted: DeviceRequest) -> Option<Verdict> {
    let memory: Memory = ron::from_str(&read_text(&memory_file()?, TEXT_LIMIT).ok()?).ok()?;
    (memory.machine == machine()).then(|| memory.verdicts.get(&argument(wanted)).cloned()).flatten()
}

/// Drops what is remembered of a device, so that the next start tests it.
pub(super) fn forget(wanted: DeviceRequest) {
    keep(|verdicts| drop(verdicts.remove(&argument(wanted))));
}

fn remember(wanted: DeviceRequest, verdict: &Verdict) {
    keep(|verdicts| drop(verdicts.insert(argument(wanted), verdict.clone())));
}

fn keep(change: impl FnOnce(&mut BTreeMap<String, Verdict>)) {
    let Some(file) = memory_file() else { return };
    let machine = machine();
    let old = read_text(&file, TEXT_LIMIT).ok().and_then(|text| ron::from_str::<Memory>(&text).ok());
    let mut memory = old.filter(|m| m.machine == machine).unwrap_or_default();
    memory.machine = machine;
    change(&mut memory.verdicts);
    // A cache that cannot be written costs a second at the next start.
    let written = ron::to_string(&memory)
        .map_err(std::io::Error::other)
        .and_then(|text| crate::files::replace_cached(&file, text.as_bytes()));
    if let Err(e) = written {
        log::warn!("{} could not be written: {e}", file.display());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A program that behaves as a testing process might.
    fn asked(script: &str, patience: Duration) -> Verdict {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("program");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        ask(&path, DeviceRequest::Gpu, patience)
    }

    fn reason(verdict: Verdict) -> String {
        match verdict {
            Verdict::Fails { reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    const FOUND: &str = r#"echo '{"Found":{"candidate":"Discrete","adapter":"Foo 9","driver":"1.2"}}'"#;

    #[test]
    fn every_way_a_driver_can_go_wrong_is_a_sentence() {
        let long = Duration::from_secs(20);
        let passed = asked(&format!("echo noise; {FOUND}; echo '\"Passed\"'"), long);
        assert_eq!(
            passed,
            Verdict::Works { candidate: Candidate::Discrete, adapter: "Foo 9".into(), driver: "1.2".into() }
        );
        let crash = reason(asked(&format!("{FOUND}; kill -SEGV $$"), long));
        assert!(crash.contains("Foo 9 crashed") && crash.contains("signal 11"), "{crash}");
        let early = reason(asked("exit 3", long));
        assert!(early.contains("driver crashed"), "{early}");
        let wrong = reason(asked(&format!("{FOUND}; echo '{{\"Failed\":\"a score differs\"}}'"), long));
        assert!(wrong.contains("Foo 9 failed") && wrong.contains("a score differs"), "{wrong}");
        let begun = Instant::now();
        let hang = reason(asked(&format!("{FOUND}; exec sleep 60"), Duration::from_millis(300)));
        assert!(hang.contains("did not finish") && begun.elapsed() < long, "{hang}");
        let late = reason(asked(&format!("{FOUND}; echo '\"Passed\"'; kill -SEGV $$"), long));
        assert!(late.contains("Foo 9 crashed"), "{late}");
        let stuck = reason(asked(&format!("{FOUND}; echo '\"Passed\"'; exec sleep 60"), Duration::from_millis(300)));
        assert!(stuck.contains("did not finish") && begun.elapsed() < long, "{stuck}");
        assert_eq!(asked("echo '{\"Absent\":\"none\"}'", long), Verdict::Absent { reason: "none".into() });
        let missing = reason(ask(Path::new("/nowhere/kinolens"), DeviceRequest::Gpu, long));
        assert!(missing.contains("does not start"), "{missing}");
    }
}

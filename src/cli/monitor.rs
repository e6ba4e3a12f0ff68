//! The command line's side of a job: progress on standard error, events as JSON lines, Ctrl+C as a stop.

use crate::progress::{Flow, Monitor, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU8, Ordering};

/// How often Ctrl+C was pressed. Once asks for a checkpoint; a second time leaves at once.
static INTERRUPTS: AtomicU8 = AtomicU8::new(0);

/// Makes Ctrl+C (and a polite kill) ask the running job to stop with a checkpoint.
pub fn catch_interrupts() {
    let caught = ctrlc::set_handler(|| {
        if INTERRUPTS.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(130);
        }
        eprintln!("\nstopping with a checkpoint; press Ctrl+C again to leave at once");
    });
    if let Err(error) = caught {
        log::warn!("Ctrl+C will end the program without a checkpoint: {error}");
    }
}

/// True once Ctrl+C was pressed.
pub fn interrupted() -> bool {
    INTERRUPTS.load(Ordering::SeqCst) > 0
}

/// Prints one line on standard output. A closed pipe (`| head`) is no error worth a message.
pub fn print_line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Prints a JSON document or event on one line.
pub fn print_json(value: &Value) {
    print_line(&value.to_string());
}

/// Shows progress as a bar on a terminal, as JSON events where asked for.
pub struct TerminalMonitor {
    /// Every event as a JSON line on standard output.
    events: bool,
    epochs: u32,
    bar: Option<ProgressBar>,
    label: Mutex<String>,
    /// Weight reports and warnings are said by the subcommand itself.
    quiet: bool,
}

impl TerminalMonitor {
    /// `events`: print every event as a JSON line. `epochs`: how many a training will have, 0 for other jobs.
    pub fn new(events: bool, epochs: u32) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { events, epochs, bar, label: Mutex::default(), quiet: false }
    }

    /// Shows nothing: for commands that say everything at their end.
    pub fn quiet() -> Self {
        Self { events: false, epochs: 0, bar: None, label: Mutex::default(), quiet: true }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn advance(&self, label: &str, done: u64, total: u64) {
        let Some(bar) = &self.bar else { return };
        let mut shown = self.label.lock();
        if *shown != label {
            *shown = label.to_owned();
            bar.reset();
            bar.set_message(label.to_owned());
        }
        bar.set_length(total);
        bar.set_position(done);
    }
}

impl Drop for TerminalMonitor {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A progress message as an event object; `None` for those that scripts have no use for.
pub fn event(progress: &Progress) -> Option<Value> {
    let (name, body) = match progress {
        Progress::Step(step) => ("step", serde_json::to_value(step).ok()?),
        Progress::Epoch(epoch) => ("epoch", serde_json::to_value(epoch).ok()?),
        Progress::Checkpoint { name, epoch } => ("checkpoint", json!({ "name": name, "epoch": epoch })),
        Progress::Warning(message) => ("warning", json!({ "message": message })),
        Progress::Weights { report, .. } => ("weights", report.clone()),
        Progress::Stage { .. } | Progress::Log(_) | Progress::WrongClips(_) => return None,
    };
    Some(tagged(name, body))
}

/// `{"event": name, …fields of body}`.
pub fn tagged(name: &str, body: Value) -> Value {
    let mut object = serde_json::Map::new();
    object.insert("event".into(), name.into());
    if let Value::Object(fields) = body {
        object.extend(fields);
    }
    Value::Object(object)
}

impl Monitor for TerminalMonitor {
    fn emit(&self, progress: Progress) {
        if self.quiet {
            return;
        }
        if self.events
            && let Some(value) = event(&progress)
        {
            print_json(&value);
        }
        match progress {
            Progress::Stage { label, done, total } => self.advance(&label, done, total),
            Progress::Step(s) => {
                let label = format!("epoch {}/{} loss {:.3}", s.epoch, self.epochs, s.loss);
                // The bar keeps its place within the epoch; only the text changes with every step.
                if let Some(bar) = &self.bar {
                    bar.set_message(label);
                    bar.set_length(u64::from(s.steps_per_epoch));
                    bar.set_position(u64::from(s.step_in_epoch));
                }
            }
            Progress::Epoch(e) if !self.events => {
                let val = match (e.val_loss, e.val_accuracy) {
                    (Some(loss), Some(accuracy)) => format!("  val loss {loss:.4} accuracy {:.1} %", accuracy * 100.0),
                    _ => String::new(),
                };
                self.say(&format!(
                    "epoch {:>3}/{}  train loss {:.4} accuracy {:.1} %{val}  lr {:.2e}  {:.1} s  {:.1} clips/s",
                    e.epoch,
                    self.epochs,
                    e.train_loss,
                    e.train_accuracy * 100.0,
                    e.learning_rate,
                    e.seconds,
                    e.clips_per_second
                ));
            }
            Progress::Warning(message) => self.say(&format!("warning: {message}")),
            Progress::Weights { lines, .. } => lines.iter().for_each(|line| self.say(line)),
            Progress::Log(line) if !self.events => self.say(&line),
            _ => {}
        }
    }

    fn poll(&self) -> Flow {
        if interrupted() { Flow::Stop } else { Flow::Continue }
    }
}

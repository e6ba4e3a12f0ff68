//! The command line's side of a job: progress on standard error, events as JSON lines, Ctrl+C as a stop.

use crate::peers::{Peers, of_process};
use crate::progress::{Flow, Meter, Monitor, Progress};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// Length of the bar of a whole job.
const BAR: u64 = 1000;

/// How often Ctrl+C was pressed. Once asks for a checkpoint; a second time leaves at once.
static INTERRUPTS: AtomicU8 = AtomicU8::new(0);

/// Makes Ctrl+C (and a polite kill) ask the running job to stop with a checkpoint.
pub fn catch_interrupts() {
    let caught = ctrlc::set_handler(|| {
        if INTERRUPTS.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(130);
        }
        let peers = of_process();
        if peers.is_alone() {
            eprintln!("\nstopping (a training writes a checkpoint first); press Ctrl+C again to leave at once");
        } else if peers.leads() {
            eprintln!(
                "{}",
                peers.named(
                    "asked to end. A training writes a checkpoint first where all its processes still live; where one of them \
                     died, the last checkpoint is whole. Resume with --resume RUN"
                )
            );
        }
    });
    if let Err(error) = caught {
        log::warn!("Ctrl+C will end the program without a checkpoint: {error}");
    }
}

/// True once Ctrl+C was pressed.
pub fn interrupted() -> bool {
    INTERRUPTS.load(Ordering::SeqCst) > 0
}

/// Prints one line on standard output; of several processes the first one speaks. A closed pipe (`| head`) is no error worth a
/// message.
pub fn print_line(text: &str) {
    if !of_process().leads() {
        return;
    }
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
    meter: Mutex<Meter>,
    /// Weight reports and warnings are said by the subcommand itself.
    quiet: bool,
}

impl TerminalMonitor {
    /// `events`: print every event as a JSON line. `epochs`: how many a training will have, 0 for other jobs.
    pub fn new(events: bool, epochs: u32) -> Self {
        let bar = (std::io::stderr().is_terminal() && of_process().leads()).then(|| {
            let bar = ProgressBar::new(BAR);
            let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %{prefix}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { events, epochs, bar, meter: Mutex::new(Meter::new(epochs)), quiet: false }
    }

    /// Shows nothing: for commands that say everything at their end.
    pub fn quiet() -> Self {
        Self { events: false, epochs: 0, bar: None, meter: Mutex::default(), quiet: true }
    }

    /// What is being done, where the progress tells it.
    fn words(&self, progress: &Progress) -> Option<String> {
        match progress {
            Progress::Stage { label, total: 0, .. } => Some(label.clone()),
            Progress::Stage { label, done, total } => Some(format!("{label} {done}/{total}")),
            Progress::Step(s) => Some(format!("epoch {}/{} loss {:.3}", s.epoch, self.epochs, s.loss)),
            _ => None,
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Moves the bar, which shows the whole job; `words` say what is being done.
    fn advance(&self, progress: &Progress, words: Option<String>) {
        let Some(bar) = &self.bar else { return };
        let (mut meter, now) = (self.meter.lock(), Instant::now());
        meter.take(progress, now);
        bar.set_position((f64::from(meter.share().unwrap_or(0.0)) * BAR as f64) as u64);
        let left = meter.eta_s(now).map(|s| HumanDuration(Duration::from_secs_f64(s.round())));
        bar.set_prefix(left.map_or(String::new(), |left| format!(", {left} left")));
        if let Some(words) = words {
            bar.set_message(words);
        }
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
        Progress::Layers(layers) => ("layers", json!({ "layers": layers })),
        Progress::Epoch(epoch) => ("epoch", serde_json::to_value(epoch).ok()?),
        Progress::Checkpoint { name, epoch } => ("checkpoint", json!({ "name": name, "epoch": epoch })),
        Progress::Warning(message) => ("warning", json!({ "message": message })),
        Progress::Weights { report, .. } => ("weights", report.clone()),
        Progress::Stage { .. }
        | Progress::Share(_)
        | Progress::Log(_)
        | Progress::Logged(_)
        | Progress::WrongClips(_) => return None,
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
        if !of_process().leads() {
            // The first process says the same, but for what is wrong here.
            if let Progress::Warning(message) = progress {
                eprintln!("{}", of_process().named(&format!("warning: {message}")));
            }
            return;
        }
        if self.events
            && let Some(value) = event(&progress)
        {
            print_json(&value);
        }
        self.advance(&progress, self.words(&progress));
        match progress {
            Progress::Epoch(e) if !self.events => {
                let val = match (e.val_loss, e.val_accuracy) {
                    (Some(loss), Some(accuracy)) => {
                        let map = e.val_map.map_or(String::new(), |map| format!(" mAP {:.1} %", map * 100.0));
                        format!("  val loss {loss:.4} accuracy {:.1} %{map}", accuracy * 100.0)
                    }
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

    fn peers(&self) -> &dyn Peers {
        of_process()
    }
}

//! The command line. Every subcommand builds the same jobs as the window and prints what comes back.
//!
//! `args` is the contract with scripts; `commands` sends each subcommand to its file, which builds a job and runs it in this
//! thread with a monitor on standard error. Results go to standard output as text or as one JSON document. `hints` adds to an
//! error the argument that mends it, so that the sentences of errors can be shared with the window.

mod args;
mod bench;
mod bench_data;
mod commands;
mod common;
mod compare;
mod corrections;
mod desktop;
mod experiment;
mod explain;
mod explain_features;
mod export;
mod export_labels;
mod frames;
mod hints;
mod import;
mod inspect;
mod instances;
mod label_issues;
mod look_inside;
mod monitor;
mod motion_test;
mod output;
mod reading;
mod report;
mod selftest;
mod train;

use crate::domain::choices;
use crate::peers;
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

pub use args::Cli;

/// Exit code of a job that failed.
const FAILED: u8 = 1;
/// Exit code of wrong arguments or a wrong configuration.
const USAGE: u8 = 2;
/// Exit code after Ctrl+C.
const INTERRUPTED: u8 = 130;

/// How a subcommand can end other than well.
pub(crate) enum Exit {
    /// Wrong arguments or configuration.
    Usage(anyhow::Error),
    /// The job failed.
    Failed(anyhow::Error),
    /// Ctrl+C; state was saved.
    Interrupted,
    /// Another process of the job failed with this exit code, and says why.
    Elsewhere(u8),
}

impl<E: Into<anyhow::Error>> From<E> for Exit {
    fn from(error: E) -> Self {
        Exit::Failed(error.into())
    }
}

/// What the program should do.
pub enum Start {
    /// A subcommand ran; leave with this code.
    Done(ExitCode),
    /// Open the window, on this path if there is one.
    Window(Option<std::path::PathBuf>),
}

/// Reads the arguments and runs the subcommand, if there is one.
pub fn start() -> Start {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are printed through the same door and are no errors.
            match unknown_command(std::env::args_os().nth(1)).filter(|_| error.use_stderr()) {
                Some(sentence) => eprintln!("error: {sentence}"),
                None => drop(error.print()),
            }
            return Start::Done(if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS });
        }
    };
    if let Err(error) = crate::simd::asked() {
        say(&error.into());
        return Start::Done(ExitCode::from(USAGE));
    }
    let Some(command) = cli.command else { return Start::Window(cli.path) };
    monitor::catch_interrupts();
    Start::Done(together(command))
}

/// Runs a subcommand, with the other processes that a launcher started where there are some.
fn together(command: args::Command) -> ExitCode {
    // The program tests a GPU by calling itself; that process is nobody's peer.
    if matches!(command, args::Command::ProbeDevice { .. }) {
        return run_command(command).unwrap_or_else(ExitCode::from);
    }
    if let Err(error) = peers::join() {
        // Each of them knows as much; one says it.
        if peers::launched().is_none_or(|launch| launch.rank == 0) {
            say(&error.into());
        }
        peers::leave();
        return ExitCode::from(USAGE);
    }
    let all = peers::of_process();
    if !all.is_alone() && !is_shared(&command) {
        if all.leads() {
            eprintln!(
                "error: several processes train, evaluate, predict, explain, test motion, look inside and bench together; all else \
                 is done by one, so start it once"
            );
        }
        peers::leave();
        return ExitCode::from(USAGE);
    }
    match run_command(command) {
        Ok(code) => {
            peers::leave();
            code
        }
        Err(code) => {
            // Where the others do not know that this one ends, they would wait for it.
            if peers::agreed_to_end() {
                peers::leave()
            } else {
                peers::abort(code)
            }
            ExitCode::from(code)
        }
    }
}

/// True for what several processes do together.
fn is_shared(command: &args::Command) -> bool {
    use args::Command as C;
    matches!(
        command,
        C::Train(_)
            | C::Evaluate(_)
            | C::Predict(_)
            | C::Explain(_)
            | C::MotionTest(_)
            | C::LookInside(_)
            | C::Bench(_)
    )
}

/// Runs a subcommand and says what went wrong.
fn run_command(command: args::Command) -> Result<ExitCode, u8> {
    let result = std::panic::catch_unwind(|| commands::dispatch(command));
    Err(match result {
        Ok(Ok(code)) => return Ok(code),
        Ok(Err(Exit::Elsewhere(code))) => code,
        Ok(Err(Exit::Failed(error))) if told_elsewhere(&error) => FAILED,
        Ok(Err(Exit::Usage(error))) => {
            say(&error);
            USAGE
        }
        Ok(Err(Exit::Failed(error))) if monitor::interrupted() && is_stop(&error) => {
            eprintln!("interrupted");
            INTERRUPTED
        }
        Ok(Err(Exit::Failed(error))) => {
            say(&error);
            FAILED
        }
        Ok(Err(Exit::Interrupted)) => {
            if peers::of_process().leads() {
                eprintln!("interrupted");
            }
            INTERRUPTED
        }
        Err(panic) => {
            eprintln!("error: {}", crate::jobs::panic_sentence("kinolens", panic.as_ref()));
            FAILED
        }
    })
}

/// A sentence about a first word that is neither a command nor a path. The parser takes it for a path and complains about
/// the words behind it.
fn unknown_command(first: Option<std::ffi::OsString>) -> Option<String> {
    let first = first?.into_string().ok().filter(|w| !w.starts_with('-') && !std::path::Path::new(w).exists())?;
    let commands = Cli::command();
    let names: Vec<&str> = commands.get_subcommands().filter(|c| !c.is_hide_set()).map(|c| c.get_name()).collect();
    let known = commands.get_subcommands().any(|c| c.get_name() == first);
    (!known).then(|| format!("there is no command and no file '{first}'; commands are {}", choices(&first, names)))
}

/// True for an error that another process tells of.
fn told_elsewhere(error: &anyhow::Error) -> bool {
    let job = error.downcast_ref::<crate::jobs::JobError>();
    job.and_then(crate::jobs::JobError::peer).is_some_and(peers::PeerError::is_told_elsewhere)
}

/// True for an error that only says that the work ended as it was asked to.
fn is_stop(error: &anyhow::Error) -> bool {
    let stopped = |e: &(dyn std::error::Error + 'static)| {
        matches!(e.downcast_ref(), Some(crate::jobs::JobError::Stopped))
            || matches!(e.downcast_ref(), Some(crate::data::DataError::Stopped))
            || e.downcast_ref().is_some_and(crate::eval::EvalError::is_stop)
            || e.downcast_ref().is_some_and(crate::train::TrainError::is_stop)
    };
    error.chain().any(stopped)
}

fn say(error: &anyhow::Error) {
    eprintln!("error: {}", peers::of_process().named(&sentence(error)));
    if let Some(hint) = hints::hint(error) {
        eprintln!("hint: {hint}");
    }
}

/// The error and what caused it in one line, without saying the same twice.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

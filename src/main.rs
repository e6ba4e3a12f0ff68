//! Chooses between the window and the command line, nothing else.

use kinolens::cli::{self, Start};
use kinolens::ui::{LaunchOptions, Workers};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    kinolens::process_usage::keep_freed_memory();
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error,wgpu_hal=off")).init();
    // A GPU is tested by a second process of this program.
    if let Ok(program) = std::env::current_exe() {
        kinolens::model::device::set_program(program);
    }
    match cli::start() {
        Start::Done(code) => code,
        Start::Window(open) => match kinolens::ui::run(LaunchOptions { open, fresh: false }, Box::new(lanes)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("error: {message}");
                ExitCode::FAILURE
            }
        },
    }
}

/// The real worker lanes for the window.
fn lanes(wake: Arc<dyn Fn() + Send + Sync>) -> Box<dyn Workers> {
    match kinolens::jobs::Engine::new(wake) {
        Ok(engine) => Box::new(engine),
        Err(error) => {
            eprintln!(
                "error: no worker threads can be started: {error}. Close other programs and start kinolens again."
            );
            std::process::exit(1);
        }
    }
}

//! FFmpeg as the independent maker and decoder of test files.

use std::process::Command;

/// True where the checks of a change are made: there nothing may be skipped.
fn everything_counts() -> bool {
    std::env::var_os("CI").is_some_and(|v| v == "true")
}

/// Says aloud that a test is skipped; where everything counts, that is a failure.
pub fn skip(why: &str) {
    assert!(
        !everything_counts(),
        "{why}; with CI=true nothing may be skipped (scripts/setup installs what is missing)"
    );
    eprintln!("skipped: {why}");
}

/// Runs FFmpeg and gives its standard output; `None` (see [`skip`]) where it or an encoder is missing.
pub fn ffmpeg(arguments: &[&str]) -> Option<Vec<u8>> {
    run("ffmpeg", arguments)
}

fn run(program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new(program).args(["-nostdin", "-v", "error", "-y"]).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("Unknown encoder") || said.contains("Unrecognized option"), "{arguments:?}: {said}");
            skip(&format!("this FFmpeg cannot make it: {}", said.lines().next().unwrap_or_default()));
            None
        }
        Err(error) => {
            skip(&format!("{program} does not run here ({error})"));
            None
        }
    }
}

#[test]
fn without_ffmpeg_a_test_is_skipped_but_not_where_everything_counts() {
    let result = std::panic::catch_unwind(|| run("no-such-ffmpeg", &[]));
    match result {
        Ok(made) => assert!(made.is_none() && !everything_counts()),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().unwrap();
            assert!(everything_counts() && said.contains("no-such-ffmpeg does not run here"), "{said}");
        }
    }
}

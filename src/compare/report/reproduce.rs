//! The commands that make the runs and the report again.

use crate::compare::evaluated::EvaluatedRun;
use crate::domain::shell_quoted;
use std::path::{Path, PathBuf};

/// Commands with places to fill in; a name before each.
pub(super) const COMMANDS: &str = include_str!("reproduce.txt");

fn command(name: &str, values: &[(&str, &str)]) -> String {
    let prefix = format!("{name}: ");
    let line = COMMANDS.lines().find_map(|l| l.strip_prefix(&prefix)).unwrap_or_default();
    values.iter().fold(line.to_owned(), |line, (place, value)| line.replace(&format!("{{{place}}}"), value))
}

/// The dataset that a run was evaluated on, from whichever folder the command is given: where it is the one it was trained on, as the
/// run remembers it.
fn evaluated_on(run: &EvaluatedRun) -> PathBuf {
    let evaluated = PathBuf::from(&run.evaluation.dataset);
    let trained = run.environment.as_ref().filter(|e| {
        let known = !e.dataset_fingerprint.is_empty();
        known && e.dataset_fingerprint == run.evaluation.dataset_fingerprint
    });
    match trained {
        Some(environment) if evaluated.is_relative() => environment.dataset_root.clone(),
        _ => evaluated,
    }
}

/// A place of its own for what is made again: nothing is written over what is there.
fn again(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(ending) => format!("{stem}-again.{}", ending.to_string_lossy()),
        None => format!("{stem}-again"),
    };
    path.with_file_name(name)
}

/// The commands of a report, in the order in which they have to be given. `config` is where the configuration of a run lies.
pub(super) fn commands(
    runs: &[EvaluatedRun],
    motion: bool,
    out: &Path,
    config: impl Fn(&EvaluatedRun) -> PathBuf,
) -> Vec<String> {
    let quoted = |path: &Path| shell_quoted(path);
    let mut lines = Vec::new();
    for run in runs {
        let place = quoted(&again(&run.path));
        match run.environment.as_ref().and_then(|e| e.weights.as_ref()).filter(|_| run.history.is_empty()) {
            Some(weights) => lines.push(command(
                "import",
                &[("weights", &quoted(&weights.path)), ("model", &run.config.model.id), ("run", &place)],
            )),
            None => {
                let dataset = run.environment.as_ref().map(|e| quoted(&e.dataset_root)).unwrap_or_default();
                let dataset = if dataset.is_empty() { "DATASET".to_owned() } else { dataset };
                let config = quoted(&config(run));
                lines.push(command("train", &[("dataset", &dataset), ("config", &config), ("run", &place)]));
            }
        }
    }
    let checkpoint = |r: &EvaluatedRun| {
        let inside = Path::new(crate::run_folder::CHECKPOINTS).join(&r.evaluation.checkpoint);
        let there = r.path.join(&inside).is_dir();
        quoted(&if there { again(&r.path).join(inside) } else { again(&r.path) })
    };
    for run in runs {
        let (data, split) = (quoted(&evaluated_on(run)), &run.evaluation.split);
        lines.push(command("evaluate", &[("checkpoint", &checkpoint(run)), ("data", &data), ("split", split)]));
    }
    let Some(first) = runs.first() else { return lines };
    let checkpoints = runs.iter().map(checkpoint).collect::<Vec<_>>().join(" ");
    let out = std::path::absolute(out).unwrap_or_else(|_| out.to_path_buf());
    let (data, report) = (quoted(&evaluated_on(first)), quoted(&again(&out)));
    let split = first.evaluation.split.as_str();
    let values = [("checkpoints", checkpoints.as_str()), ("data", &data), ("split", split), ("report", &report)];
    if motion {
        lines.push(command("motion", &values));
    }
    if runs.len() > 1 {
        lines.push(command("compare", &values));
    }
    lines.push(command("report", &values));
    lines
}

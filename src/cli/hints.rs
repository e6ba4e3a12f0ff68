//! Which argument mends an error. The sentences of errors are also shown by the window, where there are no arguments.

use crate::data::DataError;
use crate::data::demo::DemoError;
use crate::eval::{ClassMatchError, EvalError};
use crate::jobs::JobError;
use crate::model::ModelError;
use crate::run_folder::RunError;
use crate::train::TrainError;
use std::path::Path;

/// The argument that mends an error, where there is one.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(job) = error.downcast_ref::<JobError>() {
        return match job {
            JobError::Train(train) => of_training(train),
            JobError::Model(model) => of_network(model),
            JobError::Demo(demo) => of_demo(demo),
            JobError::Eval(eval) => of_evaluation(eval),
            JobError::Data(DataError::Choice { choice, .. }) => Some(format!("--choose {}=VALUE", choice.key)),
            JobError::Data(DataError::UnknownFormat { path, .. }) => Some(of_layout(path)),
            JobError::Run(RunError::NobodyTrains(run)) => {
                Some(format!("kinolens train DATASET --resume {}", run.display()))
            }
            _ => None,
        };
    }
    (error.downcast_ref().and_then(of_training))
        .or_else(|| error.downcast_ref().and_then(of_network))
        .or_else(|| error.downcast_ref().and_then(of_evaluation))
}

fn of_layout(path: &Path) -> String {
    let all = format!("kinolens inspect {} --layouts tells what each layout looks for", path.display());
    match crate::data::is_table(path) {
        true => "--table FILE --columns path=…,class=… assigns the columns of a table".to_owned(),
        false => all,
    }
}

fn of_training(error: &TrainError) -> Option<String> {
    Some(match error {
        TrainError::Run(RunError::Exists(_)) => "--resume RUN goes on with it, --force replaces it".to_owned(),
        TrainError::Imported(run) => format!("kinolens train DATASET --init-from {} --out RUN", run.display()),
        TrainError::ClassCount { .. } => "--classes takes a number, or a file with a name a line".to_owned(),
        TrainError::UnknownWeights { .. } => "--model ID; kinolens models lists them".to_owned(),
        TrainError::Incomplete { path, class_layer: true, .. } => {
            format!("kinolens train DATASET --init-from {} --out RUN", path.display())
        }
        TrainError::Incomplete { .. } => "--model ID chooses the network; without it the weights tell it".to_owned(),
        TrainError::Model(model) => return of_network(model),
        _ => return None,
    })
}

fn of_network(error: &ModelError) -> Option<String> {
    Some(match error {
        ModelError::Device { .. } => "--device cpu".to_owned(),
        ModelError::UnknownLayer { .. } => "kinolens models --json lists all layers".to_owned(),
        ModelError::Mismatch { .. } => "--model ID chooses the network".to_owned(),
        _ => return None,
    })
}

fn of_evaluation(error: &EvalError) -> Option<String> {
    let EvalError::Classes { reason: ClassMatchError::Foreign { dataset, .. }, .. } = error else { return None };
    let first = dataset.first().map_or("A", String::as_str);
    Some(format!("--map-classes {first}=CLASS_OF_THE_RUN, or --map-classes numbers where their numbers agree"))
}

fn of_demo(error: &DemoError) -> Option<String> {
    matches!(error, DemoError::Occupied { ours: true, .. }).then(|| "--force replaces it".to_owned())
}

//! `kinolens export`.

use super::Exit;
use super::args::{ExportArgs, WeightFormatArg};
use super::common::{Outcome, checkpoint_ref, require_run};
use super::monitor::{print_json, print_line};
use crate::files;
use crate::model::{WeightFormat, write_torch};
use anyhow::{Context, anyhow};
use serde_json::json;
use std::process::ExitCode;

pub(super) fn export(args: &ExportArgs) -> Outcome {
    let format = match args.format {
        WeightFormatArg::Safetensors => WeightFormat::SafeTensors,
        WeightFormatArg::Pth => WeightFormat::TorchZip,
        WeightFormatArg::Onnx => {
            return Err(Exit::Usage(anyhow!(
                "kinolens does not write ONNX: there is no writer for its networks. Export the weights with --format \
                 pth, load them in Python into the network of the same architecture (model.load_state_dict(torch.load(\
                 \"weights.pth\"))), and write it there: torch.onnx.export(model, (clip,), \"model.onnx\")"
            )));
        }
    };
    require_run(&args.run.path)?;
    super::output::refuse_file(&args.out, args.force)?;
    let checkpoint = crate::jobs::open_checkpoint(&checkpoint_ref(&args.run.path))?;
    checkpoint.require_network()?;
    let from = checkpoint.path.join(crate::run_folder::MODEL_FILE);
    match format {
        WeightFormat::TorchZip => write_torch(&args.out, &crate::model::read_safetensors(&from)?)?,
        _ => {
            let bytes =
                files::read(&from, files::WEIGHTS_LIMIT).with_context(|| format!("cannot read {}", from.display()))?;
            files::replace(&args.out, &bytes).with_context(|| format!("cannot write {}", args.out.display()))?;
        }
    }
    let model = &checkpoint.state.config.model.id;
    let classes: Vec<&str> = checkpoint.state.classes.classes.iter().map(|c| c.name.as_str()).collect();
    if args.json.json {
        print_json(&json!({ "file": args.out, "checkpoint": checkpoint.path, "model": model, "classes": classes }));
        return Ok(ExitCode::SUCCESS);
    }
    let file = args.out.display();
    print_line(&format!("{model} with {} classes from {}: {file}", classes.len(), checkpoint.path.display()));
    print_line(&match format {
        WeightFormat::TorchZip => format!("in Python: model.load_state_dict(torch.load(\"{file}\"))"),
        _ => format!("in Python: model.load_state_dict(safetensors.torch.load_file(\"{file}\"))"),
    });
    Ok(ExitCode::SUCCESS)
}

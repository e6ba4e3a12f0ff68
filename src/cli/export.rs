//! `kinolens export`.

use super::Exit;
use super::args::{ExportArgs, WeightFormatArg};
use super::common::{Outcome, checkpoint_ref, require_run, say_damage};
use super::monitor::{print_json, print_line};
use crate::files;
use crate::model::{WeightFormat, write_torch};
use anyhow::{Context, anyhow};
use serde_json::json;
use std::process::ExitCode;

pub(super) fn export(args: &ExportArgs) -> Outcome {
    let ending = args.out.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let of_torch = ["pth", "pt"].contains(&ending.as_str());
    let told = args.format.unwrap_or(match (of_torch, ending.as_str()) {
        (true, _) => WeightFormatArg::Pth,
        (false, "onnx") => WeightFormatArg::Onnx,
        _ => WeightFormatArg::Safetensors,
    });
    let format = match told {
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
    if of_torch != (format == WeightFormat::TorchZip) && ["pth", "pt", "safetensors"].contains(&ending.as_str()) {
        return Err(Exit::Usage(anyhow!(
            "--out {} ends like a file of another kind than --format writes; choose another name, or leave --format out",
            args.out.display()
        )));
    }
    if let Some(folder) = args.out.parent().filter(|p| !p.as_os_str().is_empty() && !p.is_dir()) {
        return Err(Exit::Usage(anyhow!("the folder {} does not exist; make it, or name another", folder.display())));
    }
    super::output::refuse_file(&args.out, args.force)?;
    say_damage(&args.run.path)?;
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

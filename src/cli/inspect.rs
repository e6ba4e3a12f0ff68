//! `kinolens inspect` and `kinolens probe`: looking without changing.

use super::args::{InspectArgs, ProbeArgs};
use super::common::{Outcome, open_whole, resolve_config};
use super::monitor::{print_json, print_line};
use super::output::{is_table_or_plot, refuse_overwrite};
use super::{Exit, frames, instances};
use crate::jobs::LaneState;
use anyhow::Context;
use serde_json::json;
use std::process::ExitCode;

pub(super) fn inspect(args: &InspectArgs) -> Outcome {
    if args.layouts {
        return layouts(args);
    }
    let mut config = resolve_config(&args.config, None)?;
    args.reading.apply(&args.dataset, &mut config.data)?;
    refuse_overwrite(&args.to, is_table_or_plot)?;
    let mut state = LaneState::default();
    let opened = open_whole(&args.dataset, &config.data, &mut state)?;
    let dataset = crate::data::as_configured(&opened, &config);
    let statistics = crate::data::statistics(&dataset, &config.clip, config.data.background_class);
    let uses = match crate::data::plan(&dataset, &config) {
        Ok(plan) => crate::data::frame_uses(&dataset, &config, &plan),
        Err(error) => {
            eprintln!("warning: {error}");
            Vec::new()
        }
    };
    if let Some(out) = &args.to.out {
        let cannot = || format!("cannot write the inspection to {}", out.display());
        crate::jobs::write_inspection(&dataset, &statistics, out).with_context(cannot)?;
        for (name, text) in crate::data::frame_use_tables(&uses) {
            std::fs::write(out.join(name), text).with_context(cannot)?;
        }
    }
    if args.instances && args.json.json {
        print_json(&serde_json::to_value(crate::data::instance_list(&opened))?);
        return Ok(ExitCode::SUCCESS);
    }
    if args.json.json {
        let mut document = serde_json::to_value(&statistics)?;
        document["choices"] = serde_json::to_value(&opened.choices)?;
        document["ledger"] = instances::ledger_totals(&opened);
        document["frame_use"] = frames::document(&uses);
        document["label_map"] = crate::data::mapped_classes(&opened);
        document["corrections"] = crate::data::corrections_document(&opened, false);
        print_json(&document);
    } else {
        if args.instances {
            print_line(instances::text(&opened).trim_end());
        } else {
            print_line(statistics.text().trim_end());
            print_line(instances::summary(&opened).trim_end());
            print_line(&format!("\n{}", frames::table(&uses).trim_end()));
        }
        if let Some(out) = &args.to.out {
            print_line(&format!("tables and plots in {}", out.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `--layouts`: what each format looks for, and whether it finds it.
fn layouts(args: &InspectArgs) -> Outcome {
    if !args.dataset.exists() {
        let path = args.dataset.clone();
        return Err(crate::data::DataError::Missing { path }.into());
    }
    let found = crate::data::layouts(&args.dataset);
    if args.json.json {
        let row = |(format, found): &(&crate::data::FormatSpec, Result<String, String>)| {
            let (fits, reason) = match found {
                Ok(reason) => (true, reason),
                Err(reason) => (false, reason),
            };
            json!({ "format": format.id, "looks_for": format.looks_for, "fits": fits, "reason": reason })
        };
        print_json(&found.iter().map(row).collect());
        return Ok(ExitCode::SUCCESS);
    }
    for (format, found) in found {
        let (mark, reason) = match &found {
            Ok(reason) => ("fits", reason),
            Err(reason) => ("no", reason),
        };
        print_line(&format!("{:14} {mark:>4}  looks for {}: {reason}", format.id, format.looks_for));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn probe(args: &ProbeArgs) -> Outcome {
    let picture = |index: u32| format!("frame_{index:06}.png");
    refuse_overwrite(&args.to, |name| args.frames.iter().any(|index| name == picture(*index)))?;
    let report = crate::video::probe(&args.video, &args.frames).map_err(|error| match error {
        crate::video::VideoError::OutOfRange { .. } => Exit::Usage(error.into()),
        other => Exit::Failed(other.into()),
    })?;
    if let Some(out) = &args.to.out {
        std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
        let video = crate::video::Video::open(&args.video)?;
        for index in &args.frames {
            let path = out.join(picture(*index));
            let frame = video.frame(*index)?;
            crate::render::write_png(&path, &frame.image)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    for warning in &report.warnings {
        eprintln!("warning: {warning}");
    }
    for note in &report.notes {
        eprintln!("note: {note}");
    }
    if args.json.json {
        print_json(&serde_json::to_value(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&format!("{}", args.video.display()));
    print_line(&format!(
        "{}x{} pixels (aspect {}), rotation {}°, {}, {} frames, {:.3} fps{}, {:.3} s",
        report.width,
        report.height,
        report.pixel_aspect,
        report.rotation,
        report.codec,
        report.frames,
        report.fps,
        if report.variable_frame_rate { " (variable)" } else { "" },
        report.duration_s
    ));
    for s in &report.samples {
        let luma = s.luma.map_or_else(String::new, |l| format!("  luma {l:.3}"));
        print_line(&format!(
            "frame {:>6}  {:>9.3} s{luma}  rgb {:.2} {:.2} {:.2}  md5 {}",
            s.index, s.pts_s, s.mean.r, s.mean.g, s.mean.b, s.md5
        ));
    }
    Ok(ExitCode::SUCCESS)
}

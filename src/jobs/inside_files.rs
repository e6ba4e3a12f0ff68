//! What was found inside a network as files: pictures, tables, drawings, and one page with all of them.

use super::error::JobError;
use super::inside_report::{Report, histogram, statistics_table};
use super::inside_view::{InsideView, KernelView, LayerSurvey, LayerView};
use crate::domain::{bytes, grouped};
use crate::files;
use crate::inside::{
    Graph, Kernel, KernelForm, LayerStatistics, film_strips, graph_svg, norm_matrix, strongest_strips,
};
use crate::render::compose::side_by_side;
use crate::render::plots::{class_probabilities, named_curves};
use crate::render::{ColorMap, color_map};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The page with everything.
const PAGE_FILE: &str = "index.html";
/// The network drawn.
const GRAPH_FILE: &str = "graph.svg";
/// Filters shown of a layer.
const FILTERS: usize = 32;
/// Strips below each other.
const ROWS: usize = 8;
/// Strongest inputs shown of a filter.
const INPUTS: usize = 8;

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct InsideParts<'a> {
    /// The network and a clip.
    pub view: &'a InsideView,
    /// The kernels.
    pub kernels: &'a KernelView,
    /// Layers, or modules with layers inside, whose kernels are drawn; the first convolution where there are none.
    pub kernels_of: &'a [String],
    /// Layers over many clips.
    pub survey: Option<&'a LayerSurvey>,
}

/// True for the name of a file that every report writes, or of an output of a layer.
pub fn is_inside_file(name: &str) -> bool {
    [PAGE_FILE, GRAPH_FILE].contains(&name) || name.ends_with(".npy")
}

/// Writes a report to a folder: pictures as PNG, plots as PNG and SVG, tables as CSV, and `index.html`, which holds all of it.
/// Gives the files.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_inside(parts: &InsideParts<'_>, out: &Path) -> Result<Vec<PathBuf>, JobError> {
    let mut report = Report::new(out, title(parts.view))?;
    fill(&mut report, parts)?;
    report.finish(PAGE_FILE)
}

/// Writes a report to one HTML file, which needs no other.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_inside_page(parts: &InsideParts<'_>, file: &Path) -> Result<(), JobError> {
    let mut report = Report::page_alone(title(parts.view));
    fill(&mut report, parts)?;
    let failed = |source| JobError::Write { path: file.to_path_buf(), source };
    files::replace(file, report.html().as_bytes()).map_err(failed)
}

fn title(view: &InsideView) -> String {
    format!("{}, frame {}: inside {}", view.clip.video, view.clip.start, view.tree.title)
}

fn fill(report: &mut Report<'_>, parts: &InsideParts<'_>) -> Result<(), JobError> {
    let view = parts.view;
    report.text(view.identity.to_string());
    clip(report, view)?;
    network(report, view)?;
    layers(report, view)?;
    kernels(report, parts)?;
    match parts.survey {
        Some(survey) => super::inside_survey::write(report, survey),
        None => Ok(()),
    }
}

/// The clip and what the network says about it.
fn clip(report: &mut Report<'_>, view: &InsideView) -> Result<(), JobError> {
    report.heading("Clip");
    let name = |class: usize| view.classes.name(class);
    let probability = view.probabilities.get(view.predicted).copied().unwrap_or(0.0) * 100.0;
    let truth = view.truth.map_or("it has no label".to_owned(), |t| format!("its label is {}", name(t)));
    report.text(format!("Predicted {} ({probability:.1} %); {truth}.", name(view.predicted)));
    let strip = view
        .pictures
        .iter()
        .skip(1)
        .fold(view.pictures.first().cloned(), |strip, frame| strip.map(|strip| side_by_side(&strip, frame)));
    let (first, last) = (view.frames.first().copied().unwrap_or(0), view.frames.last().copied().unwrap_or(0));
    if let Some(strip) = strip {
        report.picture("frames", &format!("What the network sees: frames {first} to {last}"), strip)?;
    }
    let classes: Vec<String> = view.classes.classes.iter().map(|c| c.name.clone()).collect();
    let plot = class_probabilities(&classes, &view.probabilities, view.truth);
    report.plot("probabilities", "Probability of each class", plot)
}

fn network(report: &mut Report<'_>, view: &InsideView) -> Result<(), JobError> {
    report.heading("Network");
    let graph = Graph::of(&view.tree, &BTreeSet::new(), view.seconds.as_ref());
    let svg = graph_svg(&graph, view.tree.title);
    let caption = "Modules from left to right; on the edges channels, time, height and width";
    report.drawing(GRAPH_FILE, caption, svg)?;
    let whole =
        graph_svg(&Graph::of(&view.tree, &Graph::expand_all(&view.tree), view.seconds.as_ref()), view.tree.title);
    report.write("graph_expanded.svg", whole.as_bytes())?;
    let rows = view.tree.modules().into_iter().map(|m| {
        let [c, t, h, w] = m.shape;
        let seconds = view.seconds.as_ref().and_then(|s| s.get(&m.id));
        vec![
            m.id.clone(),
            m.title.clone(),
            format!("{c}x{t}x{h}x{w}"),
            grouped(m.parameters as u64),
            bytes((m.shape.iter().product::<usize>() * size_of::<f32>()) as u64),
            seconds.map_or_else(String::new, |s| format!("{:.3}", s * 1000.0)),
        ]
    });
    report.table("modules", &["module", "what", "output", "parameters", "size of the output", "ms"], rows.collect())
}

fn layers(report: &mut Report<'_>, view: &InsideView) -> Result<(), JobError> {
    report.heading("Layers");
    let class = view.class.map_or(String::new(), |c| format!(" for {}", view.classes.name(c)));
    report.text(format!("Channels are ordered: {}{class}.", view.order.words()));
    let strips = view.layers.iter().filter_map(|l| l.pictures.as_ref()).map(|p| p.strip.clone());
    if let Some(all) = strips.reduce(|a, b| side_by_side(&a, &b)) {
        report.picture("layers", "The first channels of each layer, from the first layer to the last", all)?;
    }
    let statistics: Vec<&LayerStatistics> = view.layers.iter().map(|l| &l.statistics).collect();
    statistics_table(report, "statistics", &statistics)?;
    for layer in &view.layers {
        self::layer(report, layer)?;
    }
    Ok(())
}

fn layer(report: &mut Report<'_>, view: &LayerView) -> Result<(), JobError> {
    let (statistics, layer) = (&view.statistics, view.statistics.layer.as_str());
    report.subheading(layer);
    if let Some(idle) = statistics.idle() {
        report.text(format!("{idle}."));
    }
    if let Some(field) = &view.field {
        let ([t, h, w], [dt, dh, dw]) = (field.size(), field.step());
        let mut said = format!(
            "Each cell is made from {t} frames of {h} rows and {w} columns; the next cell lies {dt} frames, {dh} rows and {dw} \
             columns on."
        );
        if let Some(held) = view.effective.as_ref().and_then(|e| e.held) {
            let [t, h, w] = held.map(|[from, to]| to - from);
            said += &format!(" 95 % of what moves the middle cell lie in {t} frames, {h} rows and {w} columns.");
        }
        report.text(said);
    }
    if let Some(pictures) = &view.pictures {
        let [from, to] = pictures.frames;
        let when = match to - from {
            0 | 1 => format!("frame {from} of the clip"),
            _ => format!("frames {from} to {} of the clip", to - 1),
        };
        let caption = format!("Channels of {layer} at {when}");
        report.picture(&format!("{layer}_channels"), &caption, pictures.grid.clone())?;
        if let Some(over_time) = &pictures.over_time {
            let caption = format!("The first channels of {layer} over time: a row each");
            report.picture(&format!("{layer}_time"), &caption, over_time.clone())?;
        }
    }
    histogram(report, &format!("{layer}_histogram"), statistics)
}

fn kernels(report: &mut Report<'_>, parts: &InsideParts<'_>) -> Result<(), JobError> {
    let view = parts.kernels;
    report.heading("Kernels");
    report.text(
        "The motion share of a filter is the part of its kernel that changes over time: 0 where it is the same at every time, \
         as after inflating a kernel of pictures, and 1 where it is nothing but change.",
    );
    let rows = view.kernels.iter().map(|k| {
        let [o, i, t, h, w] = k.shape;
        let share = k.mean_motion_share().map_or_else(String::new, |s| format!("{s:.4}"));
        vec![k.layer.clone(), k.form().words().to_owned(), format!("{o}x{i}x{t}x{h}x{w}"), share]
    });
    report.table("motion_share", &["layer", "what", "shape", "mean motion share"], rows.collect())?;
    over_checkpoints(report, view)?;
    let wanted = |k: &&Kernel| parts.kernels_of.iter().any(|l| crate::model::belongs_to(&k.layer, l));
    let named: Vec<&Kernel> = view.kernels.iter().filter(wanted).collect();
    let first = view.kernels.first().filter(|k| named.iter().all(|n| n.layer != k.layer));
    first.into_iter().chain(named).try_for_each(|k| kernel(report, k))
}

/// Mean motion share of each layer over the checkpoints of the run.
fn over_checkpoints(report: &mut Report<'_>, view: &KernelView) -> Result<(), JobError> {
    let Some(first) = view.over_checkpoints.first().filter(|_| view.over_checkpoints.len() > 1) else { return Ok(()) };
    let names: Vec<&String> = first.layers.iter().map(|(layer, _)| layer).collect();
    let share = |of: &[(String, f64)], layer: &str| of.iter().find(|(l, _)| l == layer).map(|(_, s)| *s);
    let rows = view.over_checkpoints.iter().map(|of| {
        let shares = names.iter().map(|l| share(&of.layers, l).map_or_else(String::new, |s| format!("{s:.4}")));
        [of.identity.weights(), of.identity.step.to_string()].into_iter().chain(shares).collect()
    });
    let header: Vec<&str> = ["checkpoint", "step"].into_iter().chain(names.iter().map(|n| n.as_str())).collect();
    report.table("motion_share_checkpoints", &header, rows.collect())?;
    let curve = |layer: &&String| {
        let at = |of: &super::inside_view::MotionOf| Some((of.identity.step as f64, share(&of.layers, layer)?));
        ((*layer).clone(), view.over_checkpoints.iter().filter_map(at).collect())
    };
    let curves: Vec<(String, Vec<(f64, f64)>)> = names.iter().map(curve).collect();
    let plot = named_curves("Mean motion share over training", "a curve each layer", ("step", "motion share"), &curves);
    report.plot("motion_share_checkpoints", "Did the network learn time? Mean motion share of each layer", plot)
}

fn kernel(report: &mut Report<'_>, kernel: &Kernel) -> Result<(), JobError> {
    let layer = &kernel.layer;
    let [_, _, steps, height, width] = kernel.shape;
    report.subheading(&format!("Kernels of {layer}"));
    let order = kernel.by_motion();
    let filters: Vec<usize> = order.iter().copied().take(FILTERS).collect();
    let sorted = if steps > 1 { "largest motion share first" } else { "largest norm first" };
    match kernel.form() {
        KernelForm::Colour | KernelForm::Depthwise => {
            let small = if height.min(width) < 5 { ", so small that only blobs of colour can be told" } else { "" };
            let caption = format!(
                "Filters of {layer}, {steps} steps of time from left to right, {width}x{height} weights each{small}; {sorted}, mid grey \
                 is 0: {}",
                listed(&filters)
            );
            report.picture(&format!("{layer}_kernels"), &caption, film_strips(kernel, &filters, ROWS))?;
        }
        KernelForm::Temporal => {
            let curve = |filter: &usize| {
                let (input, _) = kernel.strongest_inputs(*filter, 1).first().copied().unwrap_or_default();
                let weights = kernel.input(*filter, input).iter().enumerate();
                let points = weights.map(|(t, v)| (t as f64, f64::from(*v))).collect();
                (format!("{filter} of {input}"), points)
            };
            let curves: Vec<(String, Vec<(f64, f64)>)> = filters.iter().take(INPUTS).map(curve).collect();
            let subtitle = format!("{sorted}; each with its strongest input");
            let plot = named_curves(&format!("Kernels of {layer}"), &subtitle, ("step of time", "weight"), &curves);
            report.plot(&format!("{layer}_kernels"), &format!("Kernels of {layer} over time"), plot)?;
            matrix(report, kernel)?;
        }
        KernelForm::Point => matrix(report, kernel)?,
        KernelForm::Deep => {
            matrix(report, kernel)?;
            if let (Some(filter), Ok(map)) = (order.first(), color_map("coolwarm")) {
                let inputs: Vec<usize> = kernel.strongest_inputs(*filter, INPUTS).iter().map(|i| i.0).collect();
                let caption = format!("Filter {filter} of {layer}: its strongest inputs, {}", listed(&inputs));
                let strips = strongest_strips(kernel, *filter, INPUTS, map);
                report.picture(&format!("{layer}_inputs"), &caption, strips)?;
            }
        }
    }
    Ok(())
}

fn matrix(report: &mut Report<'_>, kernel: &Kernel) -> Result<(), JobError> {
    let map: &ColorMap = color_map("viridis")?;
    let caption = format!("Norms of {}: a row a filter, a column an input", kernel.layer);
    report.picture(&format!("{}_norms", kernel.layer), &caption, norm_matrix(kernel, map))
}

fn listed(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

//! What a survey of layers found, as tables and plots of a report.

use super::error::JobError;
use super::inside_report::{Report, histogram, statistics_table};
use super::inside_view::{IdleOf, LayerSurvey, SurveyClip};
use crate::domain::counted;
use crate::inside::{Example, ReceptiveField};
use crate::render::plots::named_curves;
use serde_json::json;

/// Clips of different splits that are called near, as a share of the usual distance, in words.
const NEARLY: &str = "Clips of different splits that look nearly the same to the network: what is learned by heart in one is \
                      evaluated in the other. Watch them before you believe a score.";

/// What the trustworthiness says.
const TRUST: &str = "1 where the five nearest on the map are the nearest indeed (Venna & Kaski 2001).";

/// Adds a survey to a report.
pub(super) fn write(report: &mut Report<'_>, survey: &LayerSurvey) -> Result<(), JobError> {
    let clips = counted(survey.clips.len() as u64, "clip");
    report.heading(&format!("Layers over {clips} of '{}'", survey.split.name()));
    statistics_table(report, "survey_statistics", &survey.statistics.iter().collect::<Vec<_>>())?;
    for statistics in &survey.statistics {
        report.subheading(&statistics.layer);
        report.text(
            statistics.idle().map_or_else(
                || format!("Every channel fires in one of the {clips} at least."),
                |idle| format!("{idle}."),
            ),
        );
        histogram(report, &format!("{}_survey_histogram", statistics.layer), statistics)?;
    }
    channels(report, survey)?;
    over_checkpoints(report, survey)?;
    examples(report, survey)?;
    map(report, survey)
}

/// In how many clips each channel fires.
fn channels(report: &mut Report<'_>, survey: &LayerSurvey) -> Result<(), JobError> {
    let idle = |s: &crate::inside::LayerStatistics, channel: usize| {
        let kinds = [(&s.dead, "dead"), (&s.saturated, "saturated"), (&s.constant, "constant")];
        kinds.into_iter().find(|(list, _)| list.contains(&channel)).map_or("", |(_, kind)| kind)
    };
    let rows = survey.statistics.iter().flat_map(|s| {
        let row = move |(channel, clips): (usize, &u64)| {
            vec![
                s.layer.clone(),
                channel.to_string(),
                clips.to_string(),
                s.clips.to_string(),
                idle(s, channel).to_owned(),
            ]
        };
        s.fires_in.iter().enumerate().map(row)
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    // What does nothing stands first, and so on the page.
    rows.sort_by_key(|row| row.last().is_none_or(String::is_empty));
    report.subheading("Channels");
    report.table("channels", &["layer", "channel", "fires in", "clips", "what"], rows)
}

fn over_checkpoints(report: &mut Report<'_>, survey: &LayerSurvey) -> Result<(), JobError> {
    if survey.over_checkpoints.len() < 2 {
        return Ok(());
    }
    report.subheading("Dead channels over training");
    let names: Vec<&str> = survey.statistics.iter().map(|s| s.layer.as_str()).collect();
    let rows = survey.over_checkpoints.iter().map(|of| {
        let dead = of.statistics.iter().map(|s| format!("{} of {}", s.dead.len(), s.channels()));
        [of.identity.weights(), of.identity.step.to_string()].into_iter().chain(dead).collect()
    });
    let header: Vec<&str> = ["checkpoint", "step"].into_iter().chain(names.iter().copied()).collect();
    report.table("dead_checkpoints", &header, rows.collect())?;
    let share = |of: &IdleOf, layer: usize| {
        let s = of.statistics.get(layer)?;
        (s.channels() > 0).then(|| (of.identity.step as f64, s.dead.len() as f64 / s.channels() as f64))
    };
    let curve = |(i, name): (usize, &&str)| {
        ((*name).to_owned(), survey.over_checkpoints.iter().filter_map(|of| share(of, i)).collect())
    };
    let curves: Vec<(String, Vec<(f64, f64)>)> = names.iter().enumerate().map(curve).collect();
    let plot =
        named_curves("Dead channels over training", "share of the channels of a layer", ("step", "share"), &curves);
    report.plot("dead_checkpoints", "When did channels die?", plot)
}

fn clip_name(clip: &SurveyClip) -> String {
    format!("{}:{}", clip.clip.video, clip.clip.start)
}

/// The examples of each channel, with what of the clip the cell is made from.
fn examples(report: &mut Report<'_>, survey: &LayerSurvey) -> Result<(), JobError> {
    if survey.examples.is_empty() {
        return Ok(());
    }
    let example = |e: &Example, field: Option<&ReceptiveField>| {
        let clip = survey.clips.get(e.clip);
        json!({
            "video": clip.map(|c| &c.clip.video), "start": clip.map(|c| c.clip.start), "value": e.value, "cell": e.cell,
            "field": field.map(|f| f.cell(e.cell)),
        })
    };
    let layers: Vec<_> = survey
        .examples
        .iter()
        .zip(&survey.fields)
        .map(|(of, field)| {
            let channels: Vec<Vec<_>> =
                of.channels.iter().map(|c| c.iter().map(|e| example(e, field.as_ref())).collect()).collect();
            json!({ "layer": of.layer, "cells": of.cells, "channels": channels })
        })
        .collect();
    report.write("examples.json", json!({ "layers": layers }).to_string().as_bytes())?;
    report.subheading("Channels by example");
    let more = if report.has_files() { "; examples.json has all with their cells" } else { "" };
    report.text(format!(
        "The clips that excite each channel most, and what of them the cell is made from (frames of the clip, rows, \
         columns){more}."
    ));
    let mut rows = Vec::new();
    for (of, field) in survey.examples.iter().zip(&survey.fields) {
        for (channel, examples) in of.channels.iter().enumerate() {
            for (rank, e) in examples.iter().enumerate() {
                let span = |axis: usize| {
                    let [from, to] = field.as_ref().map(|f| f.cell(e.cell)[axis]).unwrap_or_default();
                    format!("{from} to {}", to.saturating_sub(1))
                };
                let clip = survey.clips.get(e.clip).map(clip_name).unwrap_or_default();
                let mut row = vec![of.layer.clone(), channel.to_string(), (rank + 1).to_string(), clip];
                row.push(format!("{:.4}", e.value));
                row.extend([0, 1, 2].map(span));
                rows.push(row);
            }
        }
    }
    report.table("examples", &["layer", "channel", "rank", "clip", "value", "frames", "rows", "columns"], rows)
}

fn map(report: &mut Report<'_>, survey: &LayerSurvey) -> Result<(), JobError> {
    let Some(map) = &survey.map else { return Ok(()) };
    report.heading(&format!("Clips by what {} gives for them", survey.map_layer));
    let explained: Vec<String> = map.explained.iter().map(|e| format!("{:.1} %", e * 100.0)).collect();
    report.text(format!("The first principal components hold {} of the variance.", explained.join(", ")));
    if let Some(trust) = map.trustworthiness {
        report.text(format!("Trustworthiness along the first two of them: {trust:.3}. {TRUST}"));
    }
    if let Some(near) = &map.neighbours {
        let trust = near.trustworthiness.map_or_else(String::new, |t| format!(", trustworthiness {t:.3}"));
        report.text(format!(
            "Arranged by neighbours (t-SNE, perplexity {:.1}, divergence {:.3}{trust}), the columns near_x and near_y: who lies \
             beside whom means something; distances between groups, their sizes and the axes do not.",
            near.perplexity, near.divergence
        ));
    }
    let class = |c: Option<usize>| c.map_or("", |c| survey.classes.name(c)).to_owned();
    let rows = survey.clips.iter().zip(&map.points).enumerate().map(|(i, (c, point))| {
        let right = c.truth.map_or_else(String::new, |t| (t == c.predicted).to_string());
        let mut row =
            vec![c.clip.video.clone(), c.clip.start.to_string(), c.split.name().to_owned(), c.subject.clone()];
        row.extend([class(c.truth), class(Some(c.predicted)), format!("{:.4}", c.probability), right]);
        row.extend((0..3).map(|i| point.place.get(i).map_or_else(String::new, |v| format!("{v:.5}"))));
        let nearest = point.nearest.first();
        row.push(nearest.and_then(|n| survey.clips.get(n.0)).map(clip_name).unwrap_or_default());
        row.push(nearest.map_or_else(String::new, |n| format!("{:.4}", map.share(n.1))));
        let near = map.neighbours.as_ref().and_then(|n| n.places.get(i));
        row.extend([0, 1].map(|axis| near.map_or_else(String::new, |place| format!("{:.5}", place[axis]))));
        row
    });
    let header = [
        "video",
        "start",
        "split",
        "subject",
        "true",
        "predicted",
        "probability",
        "right",
        "x",
        "y",
        "z",
        "nearest",
        "distance",
        "near_x",
        "near_y",
    ];
    report.table("clip_map", &header, rows.collect())?;
    if survey.near.is_empty() {
        return Ok(());
    }
    report.subheading("Nearly the same in different splits");
    report.warning(NEARLY);
    let rows = survey.near.iter().filter_map(|pair| {
        let (a, b) = (survey.clips.get(pair.a)?, survey.clips.get(pair.b)?);
        let split = |c: &SurveyClip| c.split.name().to_owned();
        Some(vec![clip_name(a), split(a), clip_name(b), split(b), format!("{:.4}", pair.distance)])
    });
    report.table("near_clips", &["clip", "split", "other", "its split", "distance"], rows.collect())
}

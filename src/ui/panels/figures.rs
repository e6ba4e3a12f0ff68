//! Saving and copying what is on screen, from its context menu: the confusion matrix, curves, a picture with its heatmap.

use crate::domain::RgbImage;
use crate::progress::EpochReport;
use crate::render::compose::with_caption;
use crate::render::plots::{CoOccurrence, Scene, co_occurrence_matrix, confusion_matrix, training_overview};
use crate::render::{HeatVolume, RenderError, composite};
use crate::run_folder::Evaluation;
use crate::ui::Action;
use crate::ui::action::{CompareAction, SystemAction, WorkAction};
use crate::ui::committed::Committed;
use crate::ui::drawn::{Drawn, Form};
use crate::ui::panel::PanelCx;
use crate::ui::state::ViewSettings;
use crate::ui::widgets::matrix::MatrixMode;
use crate::ui::widgets::picture::{HeatLayer, params};
use egui::{Response, Ui};
use std::fmt::Write as _;
use std::sync::Arc;

/// A figure that can be saved and copied.
struct Figure<'a> {
    drawn: &'a dyn Fn() -> Drawn,
    /// It has shapes that can be saved as SVG.
    shapes: bool,
    /// Its numbers as a table, with tabs between the columns.
    table: Option<&'a dyn Fn() -> String>,
}

/// What can be done with a figure, as rows of a menu.
fn rows(ui: &mut Ui, figure: &Figure<'_>) -> Option<Action> {
    ui.set_min_width(190.0);
    let mut chosen: Option<Action> = None;
    if ui.button("Save as PNG…").clicked() {
        chosen = Some(CompareAction::SaveDrawn(Form::Png, (figure.drawn)()).into());
    }
    if figure.shapes && ui.button("Save as SVG…").clicked() {
        chosen = Some(CompareAction::SaveDrawn(Form::Svg, (figure.drawn)()).into());
    }
    if ui.button("Copy as image").clicked() {
        chosen = Some(CompareAction::CopyDrawn((figure.drawn)()).into());
    }
    if let Some(table) = figure.table
        && ui.button("Copy as table").clicked()
    {
        chosen = Some(SystemAction::Copy(table()).into());
    }
    if chosen.is_some() {
        ui.close();
    }
    chosen
}

/// The menu of the matrix of an evaluation, as it is shown: counts, or shares of the true class.
pub fn matrix(response: &Response, cx: &mut PanelCx<'_>, evaluation: &Arc<Evaluation>, mode: MatrixMode) {
    let drawn = || {
        let evaluation = evaluation.clone();
        Drawn::plot(move || matrix_plot(&evaluation, mode != MatrixMode::Counts))
    };
    let table = || matrix_table(evaluation);
    let figure = Figure { drawn: &drawn, shapes: true, table: Some(&table) };
    let mut chosen = None;
    response.container_context_menu(|ui| chosen = rows(ui, &figure));
    cx.actions.extend(chosen);
}

fn matrix_plot(evaluation: &Evaluation, shares: bool) -> Result<Scene, RenderError> {
    let names: Vec<String> = evaluation.classes.classes.iter().map(|c| c.name.clone()).collect();
    match &evaluation.multi_label {
        None => confusion_matrix(&evaluation.confusion.counts, &names, shares),
        Some(several) => {
            let together = CoOccurrence {
                counts: &several.co_occurrence.counts,
                said_nothing: &several.said_nothing,
                average_precision: &several.average_precision,
                map: several.map,
            };
            let support: Vec<u64> = evaluation.per_class.iter().map(|c| c.support).collect();
            co_occurrence_matrix(&together, &support, &names)
        }
    }
}

fn matrix_table(evaluation: &Evaluation) -> String {
    let counts = evaluation.multi_label.as_ref().map_or(&evaluation.confusion, |m| &m.co_occurrence);
    let names: Vec<&str> = evaluation.classes.classes.iter().map(|c| c.name.as_str()).collect();
    let mut text = format!("true \\ predicted\t{}\n", names.join("\t"));
    for (name, row) in names.iter().zip(&counts.counts) {
        let row: Vec<String> = row.iter().map(u64::to_string).collect();
        let _ = writeln!(text, "{name}\t{}", row.join("\t"));
    }
    text
}

/// The menu of the curves of a training.
pub fn curves(response: &Response, cx: &mut PanelCx<'_>, history: &[EpochReport]) {
    if history.is_empty() {
        return;
    }
    let drawn = || {
        let history = history.to_vec();
        Drawn::plot(move || training_overview(&history))
    };
    let table = || curves_table(history);
    let figure = Figure { drawn: &drawn, shapes: true, table: Some(&table) };
    let mut chosen = None;
    response.container_context_menu(|ui| chosen = rows(ui, &figure));
    cx.actions.extend(chosen);
}

fn curves_table(history: &[EpochReport]) -> String {
    let number = |value: Option<f32>| value.map_or_else(String::new, |v| v.to_string());
    let mut text =
        "epoch\ttrain loss\ttrain accuracy\tvalidation loss\tvalidation accuracy\tlearning rate\n".to_owned();
    for e in history {
        let (loss, accuracy) = (number(e.val_loss), number(e.val_accuracy));
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{loss}\t{accuracy}\t{}",
            e.epoch, e.train_loss, e.train_accuracy, e.learning_rate
        );
    }
    text
}

/// The menu of a picture with its heatmap.
pub fn still(response: &Response, cx: &mut PanelCx<'_>, frame: &Committed, heat: Option<&HeatLayer>, caption: &str) {
    let view = &cx.state.view;
    let drawn = || {
        let (image, heat, view) = (frame.image.clone(), heat.cloned(), view.clone());
        let caption = caption.to_owned();
        Drawn::picture(move || still_picture(&image, heat.as_ref(), &view, &caption))
    };
    let figure = Figure { drawn: &drawn, shapes: false, table: None };
    let run = cx.state.run().is_some();
    let mut chosen = None;
    response.context_menu(|ui| {
        ui.label("This picture, with its caption");
        chosen = rows(ui, &figure);
        ui.separator();
        let mut ask = |ui: &mut Ui, name: &str, action: Action| {
            if ui.add_enabled(run, egui::Button::new(name)).clicked() {
                chosen = Some(action);
                ui.close();
            }
        };
        ask(ui, "Whole video as MP4…", CompareAction::SaveVideo(false).into());
        ask(ui, "Whole video beside the plain one…", CompareAction::SaveVideo(true).into());
        ask(ui, "Heatmap videos of clips…", WorkAction::AskExport.into());
    });
    cx.actions.extend(chosen);
}

/// Heat over the frame at the frame's own size, with a line of text a line of the caption below it.
fn still_picture(
    image: &RgbImage,
    heat: Option<&HeatLayer>,
    view: &ViewSettings,
    caption: &str,
) -> Result<RgbImage, String> {
    let map = heat.and_then(|h| Some((h.map.as_ref()?, h.position)));
    let mut picture = match map {
        None => image.clone(),
        Some((map, position)) => {
            let volume = HeatVolume::from_map(map).map_err(|e| e.to_string())?;
            composite(image, &volume, position, &params(view, false))
        }
    };
    for line in caption.lines().filter(|l| !l.trim().is_empty()) {
        picture = with_caption(&picture, line);
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClassSet;
    use crate::run_folder::Confusion;

    #[test]
    fn a_copied_matrix_is_a_table_with_names() {
        let evaluation = Evaluation {
            classes: ClassSet::from_names(["squat", "lunge"]),
            confusion: Confusion { counts: vec![vec![3, 1], vec![0, 4]] },
            ..Evaluation::default()
        };
        assert_eq!(matrix_table(&evaluation), "true \\ predicted\tsquat\tlunge\nsquat\t3\t1\nlunge\t0\t4\n");
        assert!(matrix_plot(&evaluation, true).unwrap().svg().unwrap().contains("lunge"));
    }

    #[test]
    fn a_still_has_a_strip_for_each_line_of_its_caption() {
        let image = RgbImage::new(64, 48, vec![90; 64 * 48 * 3]).unwrap();
        let plain = still_picture(&image, None, &ViewSettings::default(), "").unwrap();
        assert_eq!(plain, image);
        let strip = crate::render::compose::caption_height(64);
        let told = still_picture(&image, None, &ViewSettings::default(), "one\n\ntwo").unwrap();
        assert_eq!((told.width, told.height), (64, 48 + 2 * strip));
    }
}

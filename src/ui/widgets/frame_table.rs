//! What became of the frames of the open dataset under the training that is set up: in clips, in none and why; and which
//! instances are shorter than a clip.

use super::planned::{Planned, Work};
use crate::config::RunConfig;
use crate::data::{as_configured, frame_uses, plan};
use crate::domain::{Dataset, FrameUse, NoClip, ShortPart, Split, grouped};
use crate::ui::action::ChooseAction;
use crate::ui::panel::PanelCx;
use crate::ui::theme;
use egui::{RichText, Ui};
use std::sync::Arc;

/// A dataset by its place in memory, and what of a configuration decides on its clips.
type Key = (usize, RunConfig);

/// The parts of a split with what became of their frames.
type Uses = Vec<(Split, FrameUse)>;

/// The table.
#[derive(Default)]
pub struct FrameTable {
    planned: Planned<Key, Uses>,
    /// Short instances are listed instead.
    short: bool,
}

impl FrameTable {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, dataset: &Arc<Dataset>, config: &RunConfig) {
        let key = (Arc::as_ptr(dataset) as usize, relevant(config));
        self.planned.refresh(ui, "the use of frames", key, |(_, config)| work(dataset.clone(), config.clone()));
        let p = theme::palette(ui);
        match self.planned.shown() {
            None => drop(ui.weak("Planning…")),
            Some(Err(sentence)) => drop(ui.colored_label(p.bad, sentence)),
            Some(Ok(uses)) => {
                let short: u64 = uses.iter().map(|(_, part)| part.short.parts).sum();
                ui.horizontal(|ui| {
                    ui.selectable_value(&mut self.short, false, "Frames");
                    ui.selectable_value(&mut self.short, true, format!("Shorter than a clip {}", grouped(short)));
                    ui.weak("with the training set up in Train");
                });
                if self.short { list(ui, cx, uses) } else { table(ui, uses) }
            }
        }
    }
}

fn work(dataset: Arc<Dataset>, config: RunConfig) -> Work<Uses> {
    Box::new(move || {
        let dataset = as_configured(&dataset, &config);
        let plan = plan(&dataset, &config).map_err(|e| e.to_string())?;
        Ok(frame_uses(&dataset, &config, &plan))
    })
}

/// The configuration without what does not matter here.
fn relevant(config: &RunConfig) -> RunConfig {
    let mut out = RunConfig::reference();
    (out.data, out.clip, out.labels) = (config.data.clone(), config.clip.clone(), config.labels);
    (out.model.num_classes, out.seed) = (config.model.num_classes, config.seed);
    out
}

fn name(split: Split) -> &'static str {
    if split == Split::Unassigned { "no part" } else { split.name() }
}

/// A row a reason, a column a part, and the sum of all parts.
fn table(ui: &mut Ui, uses: &Uses) {
    let mut rows: Vec<(&str, Vec<u64>, bool)> = Vec::new();
    let mut row = |title, strong, of: &dyn Fn(&FrameUse) -> u64| {
        rows.push((title, uses.iter().map(|(_, part)| of(part)).collect(), strong));
    };
    row("all frames", true, &|part| part.frames);
    row("in clips", true, &|part| part.in_clips);
    row("in none", true, &FrameUse::unused);
    for reason in NoClip::ALL {
        if uses.iter().any(|(_, part)| part.unused_for(reason) > 0) {
            row(reason.words(), false, &move |part| part.unused_for(reason));
        }
    }
    row("frames that clips repeat", true, &|part| part.short.repeated_frames);
    let area = egui::ScrollArea::both().id_salt("frame use").auto_shrink(false);
    area.show(ui, |ui| {
        egui::Grid::new("frame use").num_columns(uses.len() + 2).spacing([18.0, 3.0]).striped(true).show(ui, |ui| {
            let head =
                |ui: &mut Ui, text: &str| drop(ui.label(RichText::new(text).text_style(theme::caption()).weak()));
            head(ui, "frames");
            uses.iter().for_each(|(split, _)| head(ui, name(*split)));
            head(ui, "together");
            ui.end_row();
            for (title, cells, strong) in &rows {
                let text = if *strong { RichText::new(*title).strong() } else { RichText::new(format!("    {title}")) };
                let response = ui.add(egui::Label::new(text).selectable(false));
                let parts: Vec<String> =
                    uses.iter().zip(cells).map(|((split, _), n)| format!("{} {}", grouped(*n), name(*split))).collect();
                let said = format!("{title}: {}", parts.join(", "));
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &said));
                for n in cells.iter().copied().chain([cells.iter().sum()]) {
                    ui.label(grouped(n));
                }
                ui.end_row();
            }
        });
    });
}

/// Short instances, each a way to its video.
fn list(ui: &mut Ui, cx: &mut PanelCx<'_>, uses: &Uses) {
    let lengths: Vec<usize> = uses.iter().map(|(_, part)| part.short.list.len()).collect();
    let total: usize = lengths.iter().sum();
    if total == 0 {
        ui.weak("None.");
        return;
    }
    let at = |mut row: usize| -> Option<(Split, &ShortPart)> {
        for (split, part) in uses {
            match part.short.list.get(row) {
                Some(short) => return Some((*split, short)),
                None => row -= part.short.list.len(),
            }
        }
        None
    };
    egui::ScrollArea::vertical().id_salt("short instances").auto_shrink(false).show_rows(
        ui,
        18.0,
        total,
        |ui, rows| {
            for (split, short) in rows.filter_map(at) {
                let (frames, last) = (short.end - short.start, short.end.saturating_sub(1));
                let text = format!(
                    "{} · frames {} to {last} · {} · {frames} frames, {} repeated",
                    short.video,
                    short.start,
                    name(split),
                    grouped(short.repeated)
                );
                let button =
                    egui::Button::new(RichText::new(&text).text_style(theme::caption())).frame(false).truncate();
                if ui.add(button).on_hover_text(text).clicked() {
                    cx.send(ChooseAction::SelectVideo(short.video.clone()));
                }
            }
        },
    );
}

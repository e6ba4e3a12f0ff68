//! What the dataset's owner should know: the file, what is wrong, what to do.

use crate::domain::{Dataset, DatasetWarning};
use crate::ui::action::{ChooseAction, SystemAction};
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use egui::RichText;
use std::collections::HashMap;
use std::path::Path;

/// The list.
#[derive(Default)]
pub struct Warnings {
    /// Name of the video that each warning is of.
    videos: Derived<Same<Dataset>, Vec<Option<String>>>,
}

impl Panel for Warnings {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let Some(dataset) = cx.state.dataset.clone() else {
            ui.weak("No dataset is open.");
            return;
        };
        if dataset.warnings.is_empty() {
            ui.weak("Nothing suspicious was found in this dataset.");
            return;
        }
        ui.horizontal(|ui| {
            ui.weak(format!("{} found while opening", dataset.warnings.len()));
            if ui.button("Copy all warnings").clicked() {
                let lines: Vec<String> =
                    dataset.warnings.iter().map(|w| format!("{}: {}", w.path.display(), w.message)).collect();
                cx.send(SystemAction::Copy(lines.join("\n")));
            }
        });
        let videos = self.videos.get(Same::of(&dataset), || {
            let named: HashMap<&Path, &str> =
                dataset.videos.iter().map(|v| (v.path.as_path(), v.name.as_str())).collect();
            let of = |w: &DatasetWarning| named.get(w.path.as_path()).map(|name| (*name).to_owned());
            dataset.warnings.iter().map(of).collect()
        });
        let height = 46.0;
        egui::ScrollArea::vertical().auto_shrink(false).show_rows(ui, height, dataset.warnings.len(), |ui, rows| {
            let warnings = dataset.warnings.iter().zip(videos.iter());
            for (warning, video) in warnings.skip(rows.start).take(rows.len()) {
                row(ui, cx, &dataset, (warning, video.as_deref()), height);
            }
        });
    }
}

fn row(
    ui: &mut egui::Ui,
    cx: &mut PanelCx<'_>,
    dataset: &Dataset,
    (warning, video): (&DatasetWarning, Option<&str>),
    height: f32,
) {
    let p = theme::palette(ui);
    let path = warning.path.strip_prefix(&dataset.root).unwrap_or(&warning.path).display().to_string();
    ui.allocate_ui(egui::vec2(ui.available_width(), height - ui.spacing().item_spacing.y), |ui| {
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(16.0), egui::Sense::hover());
            icons::paint(ui.painter(), rect, Icon::Warning, p.warn);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                let name = if path.is_empty() { dataset.name.clone() } else { path };
                match video {
                    Some(video) => {
                        let link = egui::Button::new(RichText::new(&name).color(p.accent)).frame(false);
                        if ui.add(link).clicked() {
                            cx.send(ChooseAction::SelectVideo(video.to_owned()));
                        }
                    }
                    None => drop(ui.label(RichText::new(&name).strong())),
                }
                let text = RichText::new(&warning.message).text_style(theme::caption());
                ui.add(egui::Label::new(text).truncate()).on_hover_text(&warning.message);
            });
        });
    });
}

//! Runs on the same clips: what differs, how the tests read, and every score in one table.

use super::compare_parts::{found, notes, sentence};
use crate::compare::words;
use crate::jobs::Compared;
use crate::ui::action::CompareAction;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::widgets::table_view::{self, ShownTable, TableOrder};
use egui::{RichText, Ui};

/// The panel.
#[derive(Default)]
pub struct CompareTable {
    order: TableOrder,
    /// Runs stand side by side instead of below each other.
    turned: bool,
    shown: Derived<(Same<Compared>, TableOrder, bool), ShownTable>,
}

impl Panel for CompareTable {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some(found) = found(ui, cx.state) else { return };
        let comparison = &found.compared.comparison;
        notes(ui, comparison);
        let height = (ui.available_height() * 0.42).max(60.0);
        egui::ScrollArea::vertical().id_salt("readings").max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            for pair in &comparison.pairs {
                sentence(ui, &pair.sentence, pair.sure());
            }
            for seeds in &comparison.seeds {
                sentence(ui, &seeds.sentence, false);
            }
            ui.weak(comparison.interval_note());
            let few = comparison.pairs.iter().filter(|p| !p.units.is_empty());
            for pair in few {
                let each = |u: &crate::compare::UnitDifference| format!("{} {}", u.name, words::points(u.difference));
                let all: Vec<String> = pair.units.iter().map(each).collect();
                let name = |run: usize| comparison.runs.get(run).map_or("", |r| r.name.as_str());
                let sets = if comparison.metric.of_sets() { ", share of whole sets right" } else { "" };
                let of = format!("{} minus {}{sets}", name(pair.b), name(pair.a));
                ui.weak(format!(
                    "{of}, {} by {}: {}",
                    comparison.resampled.unit.noun(),
                    comparison.resampled.unit.noun(),
                    all.join(", ")
                ));
            }
        });
        let key = (Same::of(&found.compared), self.order, self.turned);
        let shown = self.shown.get(key, || {
            let table = comparison.scores().without_empty();
            match self.turned {
                true => ShownTable::of(&table.sorted_by(self.order).transposed(), None),
                false => ShownTable::of(&table, self.order),
            }
        });
        ui.horizontal(|ui| {
            ui.label(RichText::new("Scores").text_style(theme::section()));
            ui.checkbox(&mut self.turned, "Runs side by side").on_hover_text("One column a run instead of one row");
            ui.add_space(8.0);
            if let Some(format) = table_view::save_buttons(ui, "scores") {
                let full = comparison.scores().sorted_by(self.order);
                cx.send(CompareAction::SaveTable(format, Box::new(full)));
            }
        });
        let order = if self.turned { None } else { self.order };
        if let Some(order) = table_view::show(ui, "scores", &shown, order)
            && !self.turned
        {
            self.order = order;
            ui.ctx().request_repaint();
        }
    }
}

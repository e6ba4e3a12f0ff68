//! Only the settings in which the runs differ.

use super::compare_parts::{found, notes};
use crate::compare::{Cell, Comparison, Table};
use crate::domain::counted;
use crate::jobs::Compared;
use crate::ui::action::CompareAction;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::widgets::table_view::{self, ShownTable, TableOrder};
use egui::Ui;

/// The panel.
#[derive(Default)]
pub struct CompareSettings {
    order: TableOrder,
    shown: Derived<(Same<Compared>, TableOrder), ShownTable>,
}

/// One row a setting: what it belongs to, and its value in every run.
fn table(comparison: &Comparison) -> Table {
    let runs = comparison.runs.iter().map(|r| r.name.clone());
    let header = ["setting".to_owned(), "of".to_owned()].into_iter().chain(runs);
    let mut table = Table::new("Settings in which the runs differ", header);
    for setting in &comparison.settings {
        let name = match &setting.name {
            Some(name) => format!("{name} ({})", setting.path),
            None => setting.path.clone(),
        };
        let values = setting.values.iter().map(|v| Cell::text(v.clone().unwrap_or_default()));
        table.rows.push([Cell::text(name), Cell::text(setting.kind.title())].into_iter().chain(values).collect());
    }
    table
}

impl Panel for CompareSettings {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some(found) = found(ui, cx.state) else { return };
        let comparison = &found.compared.comparison;
        notes(ui, comparison);
        if comparison.settings.is_empty() {
            ui.label("The runs have the same settings, data and code.");
            return;
        }
        ui.horizontal(|ui| {
            let count = comparison.settings.len();
            let differ = if count == 1 { "differs" } else { "differ" };
            ui.weak(format!("{} {differ}; all others are the same.", counted(count as u64, "setting")));
            ui.add_space(8.0);
            if let Some(format) = table_view::save_buttons(ui, "settings") {
                cx.send(CompareAction::SaveTable(format, Box::new(table(comparison))));
            }
        });
        let shown =
            self.shown.get((Same::of(&found.compared), self.order), || ShownTable::of(&table(comparison), self.order));
        if let Some(order) = table_view::show(ui, "settings", &shown, self.order) {
            self.order = order;
            ui.ctx().request_repaint();
        }
    }
}

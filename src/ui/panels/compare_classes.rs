//! Every class in two runs: recall side by side, what was fixed and broken, and whether that is luck.

use super::compare_parts::of_pair;
use crate::jobs::Compared;
use crate::ui::action::CompareAction;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::selection::MatrixSelection;
use crate::ui::widgets::paired_bars::{self, PairSort};
use crate::ui::widgets::table_view;
use egui::Ui;

/// The panel.
#[derive(Default)]
pub struct CompareClasses {
    sort: PairSort,
    order: Derived<(Same<Compared>, usize, PairSort), Vec<usize>>,
}

impl Panel for CompareClasses {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some((found, shown, names)) = of_pair(ui, cx) else { return };
        let (comparison, comparing) = (&found.compared.comparison, &cx.state.comparing);
        ui.horizontal(|ui| {
            let label = ui.weak("sorted");
            egui::ComboBox::from_id_salt("class order")
                .selected_text(self.sort.name())
                .show_ui(ui, |ui| {
                    for sort in PairSort::ALL {
                        ui.selectable_value(&mut self.sort, sort, sort.name());
                    }
                })
                .response
                .labelled_by(label.id);
            ui.add_space(8.0);
            if let Some(format) = table_view::save_buttons(ui, "classes") {
                let at = comparison.pairs.iter().position(|p| p == shown).unwrap_or(0);
                cx.send(CompareAction::SaveTable(format, Box::new(comparison.class_changes(at))));
            }
        });
        let key = (Same::of(&found.compared), comparing.pair, self.sort);
        let order = self.order.get(key, || paired_bars::order(&shown.classes, self.sort));
        let selected = comparing.cell;
        let picked = paired_bars::show(ui, &shown.classes, &order, [shown.a, shown.b], names, selected);
        if let Some(class) = picked {
            let row = MatrixSelection::Row(class);
            cx.send(CompareAction::ShowCell((selected != Some(row)).then_some(row)));
        }
    }
}

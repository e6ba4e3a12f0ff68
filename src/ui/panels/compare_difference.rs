//! The confusion matrix of A minus that of B.

use super::compare_parts::of_pair;
use crate::jobs::Compared;
use crate::ui::action::CompareAction;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::widgets::matrix_difference::{self, MatrixDifference};
use egui::Ui;

/// The panel.
#[derive(Default)]
pub struct CompareDifference {
    /// The largest count of the pair that is shown.
    most: Derived<(Same<Compared>, usize), u64>,
}

impl Panel for CompareDifference {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some((found, shown, runs)) = of_pair(ui, cx) else { return };
        let (comparison, comparing) = (&found.compared.comparison, &cx.state.comparing);
        let (counts, classes) = (shown.confusion_difference.as_slice(), comparison.classes.as_slice());
        let most = self
            .most
            .get((Same::of(&found.compared), comparing.pair), || MatrixDifference::new(counts, classes, runs).most);
        let several = comparison.metric.of_sets();
        let matrix = MatrixDifference { counts, classes, runs, most: *most, several };
        let selected = comparing.cell;
        if let Some(pick) = matrix_difference::show(ui, &matrix, selected) {
            cx.send(CompareAction::ShowCell((selected != Some(pick)).then_some(pick)));
        }
    }
}

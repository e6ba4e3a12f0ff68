//! What is chosen, in facts.

use crate::ui::panel::{Panel, PanelCx};

/// The inspector.
pub struct Inspector;

impl Panel for Inspector {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let Some((_, video)) = cx.state.video() else {
            ui.weak("Nothing is chosen.");
            return;
        };
        ui.strong(&video.name);
    }
}

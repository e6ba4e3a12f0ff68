//! The confusion matrix through training, epoch by epoch.

use crate::progress::EpochReport;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::text;
use egui::Ui;

/// The matrix through training.
#[derive(Default)]
pub struct Through {
    /// The validation of an epoch is shown instead of the evaluation.
    pub on: bool,
    /// Position among the epochs that were validated.
    at: usize,
    playing: bool,
    /// When the next epoch is due, on egui's clock.
    due: f64,
}

/// Epochs a second while the matrix plays.
const PLAY_RATE: f64 = 3.0;

impl Through {
    /// The epoch whose matrix is drawn.
    pub fn epoch<'a>(&self, history: &'a [EpochReport]) -> Option<&'a EpochReport> {
        let validated = |e: &&EpochReport| !e.confusion.is_empty();
        let count = history.iter().filter(validated).count();
        let at = self.at.min(count.saturating_sub(1));
        history.iter().filter(validated).nth(at).filter(|_| self.on)
    }

    /// The switch, and the slider over the epochs.
    pub fn ui(&mut self, ui: &mut Ui, history: &[EpochReport]) {
        let epochs: Vec<&EpochReport> = history.iter().filter(|e| !e.confusion.is_empty()).collect();
        let Some(last) = epochs.len().checked_sub(1) else { return };
        let help = "Watch the matrix of the validation clips form, epoch by epoch";
        if ui.toggle_value(&mut self.on, "Through training").on_hover_text(help).clicked() && self.on {
            (self.at, self.playing) = (last, false);
            // Cards and matrix of this frame are drawn already, from the evaluation.
            ui.ctx().request_repaint();
            return;
        }
        if !self.on {
            return;
        }
        self.at = self.at.min(last);
        let shown = self.at;
        let (icon, name) =
            if self.playing { (Icon::Pause, "Hold the matrix") } else { (Icon::Play, "Play the matrix") };
        if icons::button(ui, icon, name).clicked() {
            self.playing = !self.playing;
            self.due = ui.input(|i| i.time) + 1.0 / PLAY_RATE;
            if self.playing && self.at == last {
                self.at = 0;
            }
        }
        self.play(ui, last);
        ui.spacing_mut().slider_width = (ui.available_width() - 190.0).clamp(60.0, 220.0);
        let slider = ui.add(egui::Slider::new(&mut self.at, 0..=last).show_value(false));
        text::name(&slider, "Epoch of the matrix");
        if slider.changed() {
            self.playing = false;
        }
        if let Some(e) = epochs.get(shown) {
            let accuracy = e.val_accuracy.map_or(String::new(), |a| format!(", {:.1} %", a * 100.0));
            ui.label(format!("epoch {}, validation{accuracy}", e.epoch));
        }
    }

    fn play(&mut self, ui: &Ui, last: usize) {
        if !self.playing {
            return;
        }
        let now = ui.input(|i| i.time);
        if now >= self.due {
            self.at = (self.at + 1).min(last);
            self.due = now + 1.0 / PLAY_RATE;
            ui.ctx().request_repaint();
        }
        self.playing = self.at < last;
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64((self.due - now).max(0.0)));
    }
}

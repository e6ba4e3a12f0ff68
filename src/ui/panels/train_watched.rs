//! What stands above the curves of a run that another process trains: who that is, and what it can be asked.

use crate::domain::duration;
use crate::progress::Flow;
use crate::ui::action::{OpenAction, WorkAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::Watching;
use crate::ui::theme;
use crate::ui::widgets::style;
use egui::Ui;

/// Seconds without anything new after which that is told.
const SILENT: f64 = 5.0;

/// Draws it.
pub(super) fn bar(ui: &mut Ui, cx: &mut PanelCx<'_>, watching: &Watching) {
    let p = theme::palette(ui);
    ui.horizontal_wrapped(|ui| {
        match &watching.worker {
            Some(worker) if !worker.ended => {
                ui.label(format!("trained by {}", worker.name));
                let silent = watching.changed.elapsed().as_secs_f64();
                if silent > SILENT {
                    ui.weak(format!("nothing new for {}", duration(silent.round())));
                }
                match watching.asked {
                    Flow::Continue => {}
                    Flow::Pause => drop(ui.colored_label(p.warn, "asked to pause")),
                    Flow::Finish => drop(ui.weak("asked to finish the epoch")),
                    Flow::Stop => drop(ui.weak("asked to stop")),
                }
            }
            Some(worker) => {
                drop(ui.colored_label(p.warn, format!("{} is over, without an end of the run", worker.name)))
            }
            None if watching.run.as_ref().is_some_and(|run| run.resumable) => {
                ui.weak("not trained now; it can be resumed");
            }
            None => drop(ui.colored_label(p.good, "training has ended")),
        }
        buttons(ui, cx, watching);
    });
    if let Some(sentence) = &watching.failure {
        style::notice(ui, p.warn, sentence);
    }
}

fn buttons(ui: &mut Ui, cx: &mut PanelCx<'_>, watching: &Watching) {
    let can = watching.is_trained() && watching.asking.is_none();
    let first = match watching.asked {
        Flow::Pause => ("Ask to go on", Flow::Continue, "Goes on with the training that was paused"),
        _ => ("Ask to pause", Flow::Pause, "Holds the training until it is asked to go on"),
    };
    for (name, flow, told) in [
        first,
        ("Ask to finish the epoch", Flow::Finish, "Ends after this epoch, with a checkpoint"),
        ("Ask to stop", Flow::Stop, "Ends at once, with a checkpoint to go on from"),
    ] {
        let button = ui.add_enabled(can, egui::Button::new(name)).on_hover_text(told);
        if button.on_disabled_hover_text("Nobody trains this run now").clicked() {
            cx.send(WorkAction::AskWatched(flow));
        }
    }
    if ui.button("Stop watching").on_hover_text("The run stays in the list, and its training goes on").clicked() {
        cx.send(OpenAction::StopWatching);
    }
}

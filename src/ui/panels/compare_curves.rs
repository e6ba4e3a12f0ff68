//! Curves of all runs that are compared in one plot each.

use super::train_tracks::{Axis, Tracks};
use crate::domain::leaf;
use crate::jobs::RunView;
use crate::progress::best_epoch;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::widgets::curves::{self, Chart, CurveState, Look, Mark, Series, Unit};
use crate::ui::widgets::style;
use crate::ui::{AppState, theme};
use egui::Ui;
use std::collections::HashMap;
use std::path::PathBuf;

/// Points of all curves of a plot together.
const BUDGET: usize = 24_000;
/// With more curves than this, names are not listed above a plot, and raw values not drawn behind smoothed ones.
const FEW: usize = 12;

/// The panel.
pub struct CompareCurves {
    curves: CurveState,
    tracks: HashMap<PathBuf, Tracks>,
    axis: Axis,
    log: bool,
    training: bool,
    validation: bool,
}

impl Default for CompareCurves {
    fn default() -> Self {
        Self {
            curves: CurveState::new(0.6),
            tracks: HashMap::new(),
            axis: Axis::Epoch,
            log: false,
            training: true,
            validation: true,
        }
    }
}

/// A run as it is drawn: its names in the legend and where its colour stands.
struct Drawn<'a> {
    run: &'a RunView,
    at: usize,
    names: [String; 2],
}

/// The runs that are chosen, each once; one in training as it grows.
fn drawn(state: &AppState) -> Vec<Drawn<'_>> {
    let mut out: Vec<Drawn<'_>> = Vec::new();
    for (at, network) in state.to_compare().into_iter().enumerate() {
        let live = state.training.as_ref().map(|live| &live.run).filter(|run| run.path == network.run);
        let Some(run) = live.or_else(|| state.run_at(&network.run).map(|r| r.as_ref())) else { continue };
        if out.iter().any(|d| d.run.path == run.path) {
            continue;
        }
        let name = leaf(&run.path);
        let same = out.iter().filter(|d| leaf(&d.run.path) == name).count();
        let name = if same > 0 { format!("{name} ({})", same + 1) } else { name };
        out.push(Drawn { run, at, names: [format!("{name}, training"), name] });
    }
    out
}

impl Panel for CompareCurves {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let runs = drawn(cx.state);
        if runs.is_empty() {
            style::empty_state(ui, "No run is chosen", "Choose the runs on the left.", None);
            return;
        }
        self.controls(ui, &runs);
        self.tracks.retain(|path, _| runs.iter().any(|d| d.run.path == *path));
        for d in &runs {
            let last = d.run.history.last().map_or(0, |e| u64::from(e.train_loss.to_bits()));
            let tracks = self.tracks.entry(d.run.path.clone()).or_default();
            tracks.update(last, &d.run.steps, &d.run.history, d.run.steps_per_epoch, self.axis);
        }
        self.curves.begin();
        let wide = ui.available_width() >= 560.0;
        let height = if wide { ui.available_height() - 34.0 } else { 180.0 }.max(120.0);
        egui::ScrollArea::vertical().id_salt("overlaid curves").auto_shrink([false, false]).show(ui, |ui| {
            if wide {
                ui.columns_const(|[left, right]| {
                    self.chart(left, &runs, true, height);
                    self.chart(right, &runs, false, height);
                });
            } else {
                self.chart(ui, &runs, true, height);
                self.chart(ui, &runs, false, height);
            }
        });
    }
}

impl CompareCurves {
    fn controls(&mut self, ui: &mut Ui, runs: &[Drawn<'_>]) {
        ui.horizontal_wrapped(|ui| {
            ui.weak("Across");
            let steps = runs.iter().any(|d| !d.run.steps.is_empty());
            if !steps && self.axis == Axis::Step {
                self.axis = Axis::Epoch;
            }
            ui.add_enabled_ui(steps, |ui| ui.selectable_value(&mut self.axis, Axis::Step, "Step"));
            ui.selectable_value(&mut self.axis, Axis::Epoch, "Epoch");
            ui.selectable_value(&mut self.axis, Axis::Time, "Time");
            ui.add_space(8.0);
            ui.checkbox(&mut self.training, "Training");
            ui.checkbox(&mut self.validation, "Validation");
            ui.checkbox(&mut self.log, "Log scale").on_hover_text("Loss on a log scale");
            ui.add_space(8.0);
            let label = ui.weak("Smoothing");
            ui.spacing_mut().slider_width = 90.0;
            ui.add(egui::Slider::new(&mut self.curves.smoothing, 0.0..=0.99).max_decimals(2)).labelled_by(label.id);
        });
    }

    /// The loss of every run, or what the best epoch is chosen by.
    fn chart(&mut self, ui: &mut Ui, runs: &[Drawn<'_>], loss: bool, height: f32) {
        let (x_name, x_unit) = match self.axis {
            Axis::Step => ("step", Unit::Plain),
            Axis::Epoch => ("epoch", Unit::Plain),
            Axis::Time => ("after", Unit::Seconds),
        };
        let mut series = Vec::new();
        let mut marks = Vec::new();
        for d in runs {
            let Some(t) = self.tracks.get(&d.run.path) else { continue };
            let color = theme::class_color(d.at);
            if self.training {
                let faint = color.gamma_multiply(0.6);
                let (xs, ys, look) = match (t.step_x.is_empty(), loss) {
                    (false, true) => (&t.step_x, &t.step_loss, Look::Smoothed),
                    (false, false) => (&t.step_x, &t.step_accuracy, Look::Smoothed),
                    (true, true) => (&t.epoch_x, &t.train_loss, Look::Plain),
                    (true, false) => (&t.epoch_x, &t.train_accuracy, Look::Plain),
                };
                series.push(Series { name: &d.names[0], color: faint, xs, ys, look });
            }
            if self.validation {
                let ys = if loss { &t.val_loss } else { &t.score };
                series.push(Series { name: &d.names[1], color, xs: &t.epoch_x, ys, look: Look::Dotted });
            }
            marks.extend(best(d, t, loss).filter(|_| self.validation));
        }
        let many = series.len() > FEW;
        let chart = Chart {
            title: if loss { "Loss" } else { "Accuracy, or mAP" },
            height,
            x_name,
            x_unit,
            y_unit: if loss { Unit::Plain } else { Unit::Percent },
            log: loss && self.log,
            empty: "no values yet",
            legend: !many,
            raw: !many,
            mark_lines: false,
            budget: BUDGET,
            ..Chart::default()
        };
        curves::show(ui, &chart, &series, &marks, &mut self.curves);
    }
}

/// The best epoch of a run.
fn best(d: &Drawn<'_>, tracks: &Tracks, loss: bool) -> Option<Mark> {
    let epoch = best_epoch(&d.run.history)?;
    let at = d.run.history.iter().position(|e| e.epoch == epoch.epoch)?;
    let y = if loss { epoch.val_loss } else { epoch.score() };
    let label = format!("{}: best validation {} in epoch {}", d.names[1], epoch.score_name(), epoch.epoch);
    Some(Mark { x: *tracks.epoch_x.get(at)?, y: y.map(f64::from), label })
}

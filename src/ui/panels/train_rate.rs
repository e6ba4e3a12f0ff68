//! Which learning rates a training can take: the range test, its curve and what it proposes.

use crate::config::RunConfig;
use crate::jobs::Job;
use crate::progress::Flow;
use crate::train::RateTest;
use crate::ui::action::WorkAction;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::PanelCx;
use crate::ui::theme;
use crate::ui::widgets::curves::{self, Chart, CurveState, Look, Mark, Series};
use crate::ui::widgets::style;
use egui::Ui;
use std::sync::Arc;

/// The curve as it is drawn.
#[derive(Debug, Default)]
struct Curve {
    /// Logarithms of the rates.
    rates: Vec<f64>,
    losses: Vec<f64>,
    smoothed: Vec<f64>,
}

/// What the range test shows.
#[derive(Default)]
pub(super) struct TrainRate {
    curve: Derived<Same<RateTest>, Curve>,
    curves: CurveState,
    /// The test whose curve was put away.
    away: Option<Same<RateTest>>,
}

impl TrainRate {
    /// Draws the button, and what the test found.
    pub(super) fn show(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, config: &RunConfig, sound: bool) {
        let state = cx.state;
        let job = state.live_job(|job| matches!(job, Job::FindRate(_)));
        ui.horizontal_wrapped(|ui| {
            let ready = sound && state.dataset.is_some() && job.is_none();
            let help = "Trains a new network for a hundred steps while the learning rate grows from 1e-7 to 1, and shows where \
                        the loss falls fastest. Nothing is written.";
            let button = ui.add_enabled(ready, egui::Button::new("Find a learning rate")).on_hover_text(help);
            if button.clicked() {
                cx.send(WorkAction::FindRate(Box::new(config.clone())));
            }
            let Some(job) = job else { return };
            ui.spinner();
            match &job.stage {
                Some((label, done, total)) if *total > 0 => drop(ui.weak(format!("{label} {done} / {total}"))),
                _ => drop(ui.weak("waiting for its turn…")),
            }
            if ui.button("Stop").clicked() {
                cx.send(WorkAction::Control(job.id, Flow::Stop));
            }
        });
        if let Some(sentence) = &state.rate_test.failure {
            style::notice(ui, theme::palette(ui).bad, sentence);
        }
        let Some(found) = &state.rate_test.found else { return };
        if self.away != Some(Same::of(found)) {
            self.found(ui, cx, found, config);
        }
    }

    fn found(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, found: &Arc<RateTest>, config: &RunConfig) {
        let curve = self.curve.get(Same::of(found), || Curve {
            rates: found.points.iter().map(|p| p.rate.log10()).collect(),
            losses: found.points.iter().map(|p| p.loss).collect(),
            smoothed: found.points.iter().map(|p| p.smoothed).collect(),
        });
        let p = theme::palette(ui);
        let (raw, smooth) = (p.muted, theme::class_color(0));
        let series = [
            Series { name: "loss", color: raw, xs: &curve.rates, ys: &curve.losses, look: Look::Plain },
            Series { name: "smoothed", color: smooth, xs: &curve.rates, ys: &curve.smoothed, look: Look::Plain },
        ];
        let at = |rate: Option<f64>, what: &str| {
            rate.map(|rate| Mark { x: rate.log10(), y: None, label: format!("{what}: {rate:.1e}") })
        };
        let marks: Vec<Mark> =
            [at(found.steepest, "falls fastest"), at(found.lowest, "lowest")].into_iter().flatten().collect();
        let chart = Chart {
            title: "Loss by learning rate",
            height: 110.0,
            x_name: "learning rate, as a power of 10",
            empty: "no step was made",
            ..Chart::default()
        };
        self.curves.begin();
        curves::show(ui, &chart, &series, &marks, &mut self.curves);
        ui.add(egui::Label::new(egui::RichText::new(sentence(&found.words())).small()).wrap());
        ui.horizontal_wrapped(|ui| {
            if let Some(rate) = found.steepest {
                let used = config.optimizer.learning_rate == rounded(rate);
                let name = format!("Use {:.1e}", rate);
                let button = ui.add_enabled(!used, egui::Button::new(name));
                crate::ui::widgets::text::name(&button, "Use this rate");
                let said = button.on_hover_text("Puts it into the form as the learning rate");
                if said.on_disabled_hover_text("The form has it").clicked() {
                    cx.send(WorkAction::UseRate(rounded(rate)));
                }
            }
            if ui.button("Hide the curve").clicked() {
                self.away = Some(Same::of(found));
            }
        });
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Two digits are more than the test can tell.
fn rounded(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

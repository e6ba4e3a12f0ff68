//! Statistics of layers while a network trains, as curves.

use super::super::theme;
use super::super::widgets::curves::{self, Chart, CurveState, Look, Series, Unit};
use crate::progress::{LayerReport, StepReport};
use egui::{RichText, Ui};

/// What is drawn of each layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantity {
    /// Mean of the output.
    Mean,
    /// Standard deviation of the output.
    #[default]
    Deviation,
    /// Share of outputs that are 0.
    Zeros,
    /// Share of channels that are 0 everywhere.
    Silent,
    /// Norm of the gradient.
    Gradient,
    /// The same divided by the norm of the weights.
    Relative,
}

/// Every quantity with its name and what it tells.
const QUANTITIES: [(Quantity, &str, &str); 6] = [
    (Quantity::Mean, "Output mean", "Mean of the layer's output for one clip of the batch"),
    (
        Quantity::Deviation,
        "Output deviation",
        "Standard deviation of that output; one that grows from layer to layer explodes",
    ),
    (Quantity::Zeros, "Zeros", "Share of outputs that are exactly 0"),
    (Quantity::Silent, "Silent channels", "Share of channels that are 0 everywhere in the clip"),
    (Quantity::Gradient, "Gradient norm", "Norm of the gradient of the layer's parameters, before clipping"),
    (Quantity::Relative, "Gradient / weights", "The same divided by the norm of the parameters"),
];

/// Columns of one quantity.
#[derive(Clone, Debug, Default)]
pub struct LayerCurves {
    quantity: Quantity,
    /// The run, the quantity, reports, steps, and the place of the last step, which tells the axis.
    made_from: Option<(u64, Quantity, usize, usize, u64)>,
    /// Names of the layers with positions and values.
    lines: Vec<(String, Vec<f64>, Vec<f64>)>,
}

/// A quantity of a layer; NaN where it is not known.
fn value(report: &LayerReport, quantity: Quantity) -> f64 {
    let or_nan = |v: Option<f32>| v.map_or(f64::NAN, f64::from);
    match quantity {
        Quantity::Mean => or_nan(report.mean),
        Quantity::Deviation => or_nan(report.std),
        Quantity::Zeros => or_nan(report.zero_share),
        Quantity::Silent => match (report.silent, report.channels) {
            (Some(silent), Some(channels)) if channels > 0 => f64::from(silent) / f64::from(channels),
            _ => f64::NAN,
        },
        Quantity::Gradient => or_nan(report.gradient_norm),
        Quantity::Relative => match report.weight_norm {
            Some(weights) if weights > 0.0 => or_nan(report.gradient_norm) / f64::from(weights),
            _ => f64::NAN,
        },
    }
}

impl LayerCurves {
    /// Takes over what is new; `step_x` holds the position of each of `steps`. Costs nothing while nothing changed.
    fn update(&mut self, run: u64, reports: &[LayerReport], steps: &[StepReport], step_x: &[f64]) {
        let made_from =
            Some((run, self.quantity, reports.len(), steps.len(), step_x.last().map_or(0, |x| x.to_bits())));
        if self.made_from == made_from {
            return;
        }
        self.made_from = made_from;
        self.lines.clear();
        for report in reports {
            let at = steps.partition_point(|s| s.step < report.step);
            let x = match steps.get(at).filter(|s| s.step == report.step) {
                Some(_) => step_x.get(at).copied(),
                None => None,
            };
            let Some(x) = x else { continue };
            let place = match self.lines.iter().position(|(layer, _, _)| *layer == report.layer) {
                Some(place) => place,
                None => {
                    self.lines.push((report.layer.clone(), Vec::new(), Vec::new()));
                    self.lines.len() - 1
                }
            };
            if let Some((_, xs, ys)) = self.lines.get_mut(place) {
                xs.push(x);
                ys.push(value(report, self.quantity));
            }
        }
    }

    /// The section of the dashboard; nothing where no statistics were gathered.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        chart: Chart<'_>,
        (run, reports): (u64, &[LayerReport]),
        (steps, step_x): (&[StepReport], &[f64]),
        state: &mut CurveState,
    ) {
        if reports.is_empty() {
            return;
        }
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Layers").strong());
            for (quantity, name, help) in QUANTITIES {
                ui.selectable_value(&mut self.quantity, quantity, name).on_hover_text(help);
            }
        });
        self.update(run, reports, steps, step_x);
        let name = QUANTITIES.iter().find(|(q, _, _)| *q == self.quantity).map_or("", |(_, name, _)| *name);
        let title = format!("{name} of each layer");
        let series: Vec<Series<'_>> = self
            .lines
            .iter()
            .enumerate()
            .map(|(i, (layer, xs, ys))| Series {
                name: layer,
                color: theme::class_color(i),
                xs,
                ys,
                look: Look::Smoothed,
            })
            .collect();
        let shares = matches!(self.quantity, Quantity::Zeros | Quantity::Silent);
        let chart = Chart {
            title: &title,
            y_unit: if shares { Unit::Percent } else { Unit::Plain },
            legend: series.len() <= 12,
            empty: "appears with the first steps",
            ..chart
        };
        curves::show(ui, &chart, &series, &[], state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_one_a_layer_at_the_places_of_their_steps() {
        let report = |step, layer: &str, silent| LayerReport {
            step,
            layer: layer.into(),
            silent: Some(silent),
            channels: Some(8),
            gradient_norm: Some(3.0),
            weight_norm: Some(12.0),
            ..LayerReport::default()
        };
        let steps: Vec<StepReport> = (1..=4).map(|step| StepReport { step, ..StepReport::default() }).collect();
        let reports = [report(2, "a", 2), report(2, "b", 0), report(4, "a", 4), report(4, "b", 8), report(9, "a", 1)];
        let mut curves = LayerCurves { quantity: Quantity::Silent, ..LayerCurves::default() };
        curves.update(1, &reports, &steps, &[0.25, 0.5, 0.75, 1.0]);
        let expected =
            [("a".to_owned(), vec![0.5, 1.0], vec![0.25, 0.5]), ("b".to_owned(), vec![0.5, 1.0], vec![0.0, 1.0])];
        assert_eq!(curves.lines, expected, "a step that is not known has no place");
        assert_eq!(value(&reports[0], Quantity::Relative), 0.25);
        assert!(value(&reports[0], Quantity::Mean).is_nan());
    }
}

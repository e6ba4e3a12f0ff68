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
    /// The run and the quantity that the lines are of.
    made_for: Option<(u64, Quantity)>,
    /// Reports taken over.
    taken: usize,
    /// The step of the last of them, and the bits of its place: another place is another axis.
    last: Option<(u64, u64)>,
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
    /// Takes over what is new; `step_x` holds the position of each of `steps`. What was taken over costs nothing again. A report
    /// whose step is not told yet waits for it.
    fn update(&mut self, run: u64, reports: &[LayerReport], steps: &[StepReport], step_x: &[f64]) {
        let place = |step: u64| {
            let at = steps.partition_point(|s| s.step < step);
            steps.get(at).filter(|s| s.step == step).and_then(|_| step_x.get(at).copied())
        };
        let unmoved = self.last.is_none_or(|(step, x)| place(step).map(f64::to_bits) == Some(x));
        if self.made_for != Some((run, self.quantity)) || !unmoved || reports.len() < self.taken {
            self.lines.clear();
            (self.made_for, self.taken, self.last) = (Some((run, self.quantity)), 0, None);
        }
        let told = steps.last().map_or(0, |s| s.step);
        for report in reports.iter().skip(self.taken).take_while(|r| r.step <= told) {
            self.taken += 1;
            let Some(x) = place(report.step) else { continue };
            self.last = Some((report.step, x.to_bits()));
            let at = match self.lines.iter().position(|(layer, _, _)| *layer == report.layer) {
                Some(at) => at,
                None => {
                    self.lines.push((report.layer.clone(), Vec::new(), Vec::new()));
                    self.lines.len() - 1
                }
            };
            if let Some((_, xs, ys)) = self.lines.get_mut(at) {
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
            ui.label(RichText::new("Layers").text_style(theme::section()));
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
        // It gets one once its step is told; another axis moves all.
        let more: Vec<StepReport> = [1, 2, 3, 4, 9].map(|step| StepReport { step, ..StepReport::default() }).to_vec();
        curves.update(1, &reports, &more, &[0.25, 0.5, 0.75, 1.0, 2.25]);
        assert_eq!(curves.lines[0], ("a".to_owned(), vec![0.5, 1.0, 2.25], vec![0.25, 0.5, 0.125]));
        curves.update(1, &reports, &more, &[1.0, 2.0, 3.0, 4.0, 9.0]);
        assert_eq!(curves.lines[0].1, [2.0, 4.0, 9.0]);
        assert_eq!(curves.lines[1], ("b".to_owned(), vec![2.0, 4.0], vec![0.0, 1.0]));
        assert_eq!(value(&reports[0], Quantity::Relative), 0.25);
        assert!(value(&reports[0], Quantity::Mean).is_nan());
    }
}

//! How the learning rate moves.

use super::super::form_rows::{Rows, choice, magnitude, parsed, whole};
use crate::config::Schedule;
use egui::{DragValue, Ui};

pub(super) fn schedule(r: &mut Rows<'_>) {
    r.row("schedule.warmup_epochs", |c| &mut c.schedule.warmup_epochs, whole(0..=10_000, " epochs"));
    r.row(
        "schedule.schedule",
        |c| &mut c.schedule.schedule,
        |ui, s| {
            ui.vertical(|ui| {
                let mut kind = std::mem::discriminant(s);
                let starts = schedule_starts();
                let options: Vec<_> =
                    starts.iter().map(|(name, help, start)| (std::mem::discriminant(start), *name, *help)).collect();
                let before = kind;
                choice(ui, "schedule", &mut kind, &options);
                if kind != before
                    && let Some((_, _, start)) = starts.into_iter().find(|(_, _, s)| std::mem::discriminant(s) == kind)
                {
                    *s = start;
                }
                schedule_values(ui, s);
            });
        },
    );
}

/// Every schedule with the values it starts from when it is chosen.
fn schedule_starts() -> [(&'static str, &'static str, Schedule); 6] {
    [
        (
            "reduce on plateau",
            "Falls when the validation loss stops falling",
            Schedule::ReduceOnPlateau { factor: 0.5, patience: 5, threshold: 1e-4, min_lr: 1e-7 },
        ),
        ("cosine", "Half a cosine wave down to the last epoch", Schedule::Cosine { min_lr: 0.0 }),
        ("one cycle", "Rises, then falls, step by step (Smith & Topin 2018)", Schedule::OneCycle { warmup: 0.3 }),
        ("steps", "Falls by a factor every so many epochs", Schedule::Step { every: 5, gamma: 0.5 }),
        (
            "milestones",
            "Falls by a factor at given epochs",
            Schedule::MultiStep { milestones: vec![20, 30, 40], gamma: 0.1 },
        ),
        ("constant", "Never changes", Schedule::Constant),
    ]
}

fn schedule_values(ui: &mut Ui, schedule: &mut Schedule) {
    let part = |ui: &mut Ui, name: &str, help: &str, add: &mut dyn FnMut(&mut Ui)| {
        ui.horizontal(|ui| {
            ui.weak(name).on_hover_text(help);
            ui.name_inputs(name, |ui| add(ui));
        });
    };
    match schedule {
        Schedule::Constant => {}
        Schedule::ReduceOnPlateau { factor, patience, threshold, min_lr } => {
            part(ui, "factor", "Factor of each fall, 0…1", &mut |ui| {
                ui.add(DragValue::new(factor).range(0.0..=1.0).speed(0.005));
            });
            part(ui, "patience", "Epochs without improvement before it", &mut |ui| {
                ui.add(DragValue::new(patience).range(0..=10_000).speed(0.1).suffix(" epochs"));
            });
            part(ui, "threshold", "Relative improvement that counts", &mut |ui| magnitude(ui, threshold));
            part(ui, "lowest rate", "Never below this", &mut |ui| magnitude(ui, min_lr));
        }
        Schedule::Step { every, gamma } => {
            part(ui, "every", "Epochs between falls", &mut |ui| {
                ui.add(DragValue::new(every).range(1..=10_000).speed(0.1).suffix(" epochs"));
            });
            part(ui, "factor", "Factor of each fall", &mut |ui| magnitude(ui, gamma));
        }
        Schedule::MultiStep { milestones, gamma } => {
            part(ui, "at epochs", "Epochs counted from 0, separated by commas", &mut |ui| {
                parsed(ui, "milestones", milestones, |m| list(m), read_list);
            });
            part(ui, "factor", "Factor of each fall", &mut |ui| magnitude(ui, gamma));
        }
        Schedule::Cosine { min_lr } => {
            part(ui, "last rate", "Learning rate at the last epoch", &mut |ui| magnitude(ui, min_lr));
        }
        Schedule::OneCycle { warmup } => {
            part(ui, "rising", "Share of the steps spent rising, 0…1", &mut |ui| {
                ui.add(DragValue::new(warmup).range(0.0..=1.0).speed(0.005));
            });
        }
    }
}

fn list(values: &[u32]) -> String {
    values.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

fn read_list(text: &str) -> Option<Vec<u32>> {
    text.split([',', ' ']).filter(|t| !t.is_empty()).map(|t| t.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_epochs_read_as_they_are_written() {
        assert_eq!(read_list("20, 30,40"), Some(vec![20, 30, 40]));
        assert_eq!(read_list(""), Some(vec![]));
        assert_eq!(read_list("20, x"), None);
        assert_eq!(read_list(&list(&[1, 2])), Some(vec![1, 2]));
    }
}

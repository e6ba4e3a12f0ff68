//! Clips, the dataset and augmentation.

use super::super::form_rows::{Rows, choice, fraction, optional, parsed, switch, whole};
use crate::config::{ClipConfig, ColorJitter, CropConfig, TableColumns, TimeUnit, Validation};
use crate::data::{FORMATS, NO_CORRECTIONS};
use crate::domain::{Becomes, ClassRule, FrameSampling, LabelMap, LabelRule, counted};
use crate::model::MODELS;
use egui::{DragValue, Ui};

pub(super) fn clips(r: &mut Rows<'_>) {
    r.row("clip.length", |c| &mut c.clip.length, whole(0..=2000, ""));
    r.row("clip.step", |c| &mut c.clip.step, whole(0..=1000, ""));
    r.row("clip.width", |c| &mut c.clip.width, whole(0..=5000, " px"));
    r.row("clip.height", |c| &mut c.clip.height, whole(0..=5000, " px"));
    usual_input(r);
    r.row(
        "clip.resize",
        |c| &mut c.clip.resize,
        optional("whole picture", 128, whole(1..=ClipConfig::MOST_RESIZED, " px")),
    );
    r.row("clip.crops", |c| &mut c.clip.crops, whole(1..=ClipConfig::MOST_CROPS, ""));
    r.row(
        "clip.sampling",
        |c| &mut c.clip.sampling,
        |ui, sampling| {
            let options = [
                (FrameSampling::Windows, "sliding windows", "Frames at the step from every stride on"),
                (FrameSampling::Centre, "middle", "Frames at the step in the middle of an instance"),
                (FrameSampling::Even, "evenly spread", "Frames spread from the first to the last of an instance"),
                (
                    FrameSampling::Segments,
                    "segments",
                    "One frame of each segment of an instance: at random for training, the middle one for testing",
                ),
                (
                    FrameSampling::Dense,
                    "dense",
                    "Frames at the step from a random place in an instance for training, from evenly spread ones for testing",
                ),
            ];
            choice(ui, "sampling", sampling, &options);
        },
    );
    r.row("clip.clips", |c| &mut c.clip.clips, whole(1..=ClipConfig::MOST_CLIPS, ""));
    r.row("clip.train_stride", |c| &mut c.clip.train_stride, whole(0..=10_000, " frames"));
    r.row("clip.eval_stride", |c| &mut c.clip.eval_stride, whole(0..=10_000, " frames"));
    r.row(
        "clip.label",
        |c| &mut c.clip.label,
        |ui, rule| {
            let options = [
                (LabelRule::Majority, "majority", "The label most frames have"),
                (LabelRule::Centre, "middle frame", "The label of the middle frame"),
                (LabelRule::Pure, "only pure clips", "Only clips whose frames all agree"),
            ];
            choice(ui, "label rule", rule, &options);
        },
    );
    r.row("clip.antialias", |c| &mut c.clip.antialias, switch);
    r.row("clip.mean", |c| &mut c.clip.mean, three);
    r.row("clip.std", |c| &mut c.clip.std, three);
}

fn three(ui: &mut Ui, values: &mut [f32; 3]) {
    ui.spacing_mut().item_spacing.x = 3.0;
    for value in values {
        ui.add(DragValue::new(value).speed(0.001).max_decimals(4));
    }
}

/// Offers the clip size the chosen network is usually given, when it differs.
fn usual_input(r: &mut Rows<'_>) {
    let c = r.config();
    let Some(spec) = MODELS.iter().find(|m| m.id == c.model.id) else { return };
    let (length, height, width) = spec.input;
    if (c.clip.length, c.clip.height, c.clip.width) == spec.input {
        return;
    }
    let title = spec.title;
    r.line(move |ui, config| {
        let text = format!("use {length}×{height}×{width}");
        let help = format!("{title} is usually given clips of {length} frames of {width}×{height} pixels");
        if ui.button(text).on_hover_text(help).clicked() {
            (config.clip.length, config.clip.height, config.clip.width) = (length, height, width);
        }
    });
}

pub(super) fn data(r: &mut Rows<'_>) {
    r.row(
        "data.validation",
        |c| &mut c.data.validation,
        |ui, v| {
            let fraction = if let Validation::Subjects { fraction } = v { *fraction } else { 0.2 };
            let options = [
                (
                    Validation::Subjects { fraction },
                    "training subjects",
                    "The dataset's validation split, or else a share of the training subjects",
                ),
                (Validation::TestSplit, "the test split", "Scores on the test split are then no longer independent"),
                (Validation::Off, "none", "No validation, no best checkpoint, no early stopping"),
            ];
            ui.vertical(|ui| {
                choice(ui, "validation", v, &options);
                if let Validation::Subjects { fraction } = v {
                    ui.add(DragValue::new(fraction).range(0.0..=1.0).speed(0.005).prefix("share "))
                        .on_hover_text("Share of the training subjects, when the dataset has no validation split");
                }
            });
        },
    );
    r.row("data.fraction", |c| &mut c.data.fraction, fraction(0.0..=1.0, 0.005, ""));
    r.row("data.test_fraction", |c| &mut c.data.test_fraction, fraction(0.0..=1.0, 0.005, ""));
    r.row("data.fold", |c| &mut c.data.fold, optional("the first", 1, whole(1..=100, "")));
    r.row("labels.hold", |c| &mut c.labels.hold, switch);
    r.row("data.background_class", |c| &mut c.data.background_class, switch);
    r.row(
        "data.subject_pattern",
        |c| &mut c.data.subject_pattern,
        optional("built-in rules", "_(s[0-9]+)_".to_owned(), |ui: &mut Ui, text: &mut String| {
            ui.add(egui::TextEdit::singleline(text).desired_width(ui.available_width()));
        }),
    );
    r.row("data.label_map", |c| &mut c.data.label_map, label_map);
    r.row(
        "data.corrections",
        |c| &mut c.data.corrections,
        optional("those of the dataset", NO_CORRECTIONS.to_owned(), |ui: &mut Ui, text: &mut String| {
            ui.add(egui::TextEdit::singleline(text).desired_width(ui.available_width()));
        }),
    );
    r.row(
        "data.format",
        |c| &mut c.data.format,
        optional("recognised", FORMATS.first().map_or_else(String::new, |f| f.id.to_owned()), |ui, id: &mut String| {
            let options: Vec<(String, &str, &str)> =
                FORMATS.iter().map(|f| (f.id.to_owned(), f.id, f.looks_for)).collect();
            choice(ui, "dataset format", id, &options);
        }),
    );
    r.row(
        "data.choices",
        |c| &mut c.data.choices,
        |ui, pairs: &mut Vec<(String, String)>| {
            parsed(ui, "choices", pairs, |pairs| choices_text(pairs), choices_of);
        },
    );
    r.row("data.table", |c| &mut c.data.table, optional("none", TableColumns::default(), table));
}

fn choices_text(pairs: &[(String, String)]) -> String {
    // A value may have commas of its own, and no value has an equals sign behind one.
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// `tiers=a,b, label_fps=25` as pairs: a part without an equals sign belongs to the value before it.
fn choices_of(text: &str) -> Option<Vec<(String, String)>> {
    let mut out: Vec<(String, String)> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        match (part.split_once('='), out.last_mut()) {
            (Some((key, value)), _) => out.push((key.trim().to_owned(), value.trim().to_owned())),
            (None, Some((_, value))) => *value = format!("{value},{part}"),
            (None, None) => return None,
        }
    }
    Some(out)
}

/// The file, its columns, and what times count.
fn table(ui: &mut Ui, table: &mut TableColumns) {
    ui.vertical(|ui| {
        let width = ui.available_width().min(190.0);
        let mut line = |hint: &'static str, text: &mut String| {
            ui.add(egui::TextEdit::singleline(text).hint_text(hint).desired_width(width)).on_hover_text(hint);
        };
        line("file, below the dataset", &mut table.file);
        line("column of paths", &mut table.path);
        for (hint, column) in [
            ("column of classes", &mut table.class),
            ("column of starts", &mut table.start),
            ("column of ends", &mut table.end),
            ("column of subjects", &mut table.subject),
            ("column of splits", &mut table.split),
        ] {
            let mut text = column.clone().unwrap_or_default();
            line(hint, &mut text);
            *column = Some(text).filter(|t| !t.is_empty());
        }
        let mut units = vec![(TimeUnit::Unstated, "not stated", "Seconds are assumed, and a warning says so")];
        units.extend(TimeUnit::ALL.iter().map(|(unit, name)| (*unit, *name, "")));
        choice(ui, "unit of times", &mut table.unit, &units);
        ui.checkbox(&mut table.several, "several classes a clip");
    });
}

/// What a label map changes; it is made where the classes of the dataset are.
fn label_map(ui: &mut Ui, map: &mut LabelMap) {
    if map.is_empty() {
        ui.weak("that of the dataset").on_hover_text("Data has a table of the classes: Label map…");
        return;
    }
    let told = |rule: &ClassRule| match &rule.becomes {
        Becomes::Class(name) => format!("{} is {name}", rule.class),
        Becomes::Background => format!("{} is background", rule.class),
        Becomes::LeftOut => format!("{} is left out", rule.class),
    };
    let lines: Vec<String> = map.rules.iter().map(told).collect();
    ui.label(counted(map.rules.len() as u64, "class") + " mapped").on_hover_text(lines.join("\n"));
    if ui.button("clear").on_hover_text("Take the label map of the dataset").clicked() {
        *map = LabelMap::default();
    }
}

pub(super) fn augmentation(r: &mut Rows<'_>) {
    r.row("augment.enabled", |c| &mut c.augment.enabled, switch);
    r.row("augment.horizontal_flip", |c| &mut c.augment.horizontal_flip, fraction(0.0..=1.0, 0.005, ""));
    r.row("augment.rotation_degrees", |c| &mut c.augment.rotation_degrees, fraction(0.0..=180.0, 0.1, "°"));
    r.row(
        "augment.color_jitter",
        |c| &mut c.augment.color_jitter,
        |ui, jitter: &mut ColorJitter| {
            ui.vertical(|ui| {
                let parts = [
                    ("brightness ", &mut jitter.brightness, 1.0),
                    ("contrast ", &mut jitter.contrast, 1.0),
                    ("saturation ", &mut jitter.saturation, 1.0),
                    ("hue ", &mut jitter.hue, 0.5),
                ];
                for (name, value, most) in parts {
                    ui.add(DragValue::new(value).range(0.0..=most).speed(0.002).max_decimals(3).prefix(name));
                }
            });
        },
    );
    r.row(
        "augment.crop",
        |c| &mut c.augment.crop,
        optional("whole picture", CropConfig { scale: (0.6, 1.0), ratio: (0.8, 1.25) }, |ui, crop: &mut CropConfig| {
            ui.vertical(|ui| {
                for (name, (low, high), most) in [("area ", &mut crop.scale, 1.0), ("shape ", &mut crop.ratio, 10.0)] {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 3.0;
                        ui.add(DragValue::new(low).range(0.01..=most).speed(0.005).prefix(name));
                        ui.add(DragValue::new(high).range(0.01..=most).speed(0.005).prefix("to "));
                    });
                }
            });
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_a_line_of_text() {
        let pairs = vec![("tiers".to_owned(), "a,b c".to_owned()), ("label_fps".to_owned(), "25/1".to_owned())];
        assert_eq!(choices_text(&pairs), "tiers=a,b c, label_fps=25/1");
        assert_eq!(choices_of(&choices_text(&pairs)), Some(pairs));
        assert_eq!(choices_of(" , "), Some(Vec::new()));
        assert_eq!(choices_of("tiers"), None);
    }
}

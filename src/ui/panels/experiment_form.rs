//! A plan made of the training that is set up: networks, seeds, people in folds, values of any key.

use crate::config::{Axis, AxisValue, ExperimentPlan, Folds, KEYS, PRESETS, RunConfig, Variant, values};
use crate::model::MODELS;
use crate::ui::action::ExperimentAction;
use crate::ui::arrangement::Draft;
use crate::ui::panel::PanelCx;
use crate::ui::theme;
use crate::ui::widgets::text;
use egui::{RichText, Ui};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Values of a key that every line is trained with.
#[derive(Clone, Debug, Default, PartialEq)]
struct Varied {
    key: String,
    values: String,
}

/// What is varied, as typed.
#[derive(Clone, Debug)]
pub(super) struct PlanForm {
    networks: BTreeSet<String>,
    seeds: String,
    folds: Folds,
    varied: Vec<Varied>,
    /// The folder as typed; empty takes the suggestion.
    folder: String,
}

impl Default for PlanForm {
    fn default() -> Self {
        Self {
            networks: BTreeSet::new(),
            seeds: String::new(),
            folds: Folds::Dataset,
            varied: Vec::new(),
            folder: String::new(),
        }
    }
}

/// Groups of people unless somebody says another number.
const GROUPS: usize = 5;

/// `1, 2, 5` or `1-5`.
fn seeds(text: &str) -> Result<Vec<u64>, String> {
    let mut out = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let number =
            |t: &str| t.trim().parse::<u64>().map_err(|_| format!("'{part}' is no seed: write 1, 2, 3 or 1-5"));
        match part.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first || last - first >= 1000 {
                    return Err(format!("'{part}' is no range of seeds: write 1-5"));
                }
                out.extend(first..=last);
            }
            None => out.push(number(part)?),
        }
    }
    Ok(out)
}

/// A value as part of the name of a folder.
fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c) { c } else { '-' };
    text.chars().map(plain).collect()
}

impl PlanForm {
    /// The plan of the training that is set up with what is varied.
    fn plan(&self, draft: &Draft) -> Result<ExperimentPlan, String> {
        let (index, base, config) = draft.configs();
        let preset = index.and_then(|i| PRESETS.get(i)).map(|p| p.name.to_owned());
        let base = if preset.is_some() { base } else { RunConfig::reference() };
        let before = values(&base);
        let changed = values(&config).into_iter().filter(|(key, value)| before.get(key) != Some(value));
        let set = changed.map(|(key, value)| format!("{key}={value}")).collect();
        let variant =
            |id: &String| Variant { name: id.clone(), set: vec![format!("model.id={id}")], ..Variant::default() };
        let mut axes = Vec::new();
        for varied in &self.varied {
            let key = varied.key.trim();
            if !KEYS.iter().any(|k| k.path == key) {
                return Err(format!("'{key}' is no key: choose one of the list"));
            }
            let short = key.rsplit('.').next().unwrap_or(key);
            let list: Vec<AxisValue> = varied
                .values
                .split(',')
                .map(str::trim)
                .filter(|v| !v.is_empty())
                .map(|v| AxisValue { name: plain(&format!("{short}-{v}")), set: vec![format!("{key}={v}")] })
                .collect();
            if list.is_empty() {
                return Err(format!("{key} has no values: write them with commas between them"));
            }
            axes.push(Axis { name: short.to_owned(), values: list });
        }
        Ok(ExperimentPlan {
            preset,
            set,
            variants: self.networks.iter().map(variant).collect(),
            axes,
            seeds: seeds(&self.seeds)?,
            folds: self.folds,
            ..ExperimentPlan::default()
        })
    }

    /// Draws the form.
    pub(super) fn show(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        ui.label("Every combination is trained, with the settings of the form on the left for the rest.");
        self.networks_row(ui, cx);
        ui.horizontal(|ui| {
            let label = ui.label("Seeds");
            let field = egui::TextEdit::singleline(&mut self.seeds).hint_text("that of the form").desired_width(120.0);
            ui.add(field).labelled_by(label.id).on_hover_text("1, 2, 3 or 1-5: each line is trained once with each");
            let label = ui.label("Test split");
            egui::ComboBox::from_id_salt("experiment folds")
                .selected_text(folds_name(self.folds))
                .width(190.0)
                .show_ui(ui, |ui| {
                    for folds in [Folds::Dataset, Folds::LeaveOneSubjectOut, Folds::BySubject(GROUPS)] {
                        ui.selectable_value(&mut self.folds, folds, folds_name(folds));
                    }
                })
                .response
                .labelled_by(label.id);
            if let Folds::BySubject(groups) = &mut self.folds {
                ui.add(egui::DragValue::new(groups).range(2..=100)).accessible_name("Number of folds");
            }
        });
        self.varied_rows(ui);
        let root = cx.state.dataset.as_ref().map(|d| d.root.clone());
        let suggested = root.as_deref().map(suggestion).unwrap_or_default();
        ui.horizontal(|ui| {
            let label = ui.label("Folder of the runs");
            let hint = suggested.display().to_string();
            let field = egui::TextEdit::singleline(&mut self.folder).hint_text(hint).desired_width(f32::INFINITY);
            ui.add(field).labelled_by(label.id);
        });
        let plan = self.plan(&cx.state.draft);
        let p = theme::palette(ui);
        ui.horizontal_wrapped(|ui| {
            let ready = plan.is_ok() && root.is_some();
            let button = match ready {
                true => egui::Button::new(RichText::new("Lay out").color(p.on_accent)).fill(p.accent),
                false => egui::Button::new("Lay out"),
            };
            let help = "Shows every run before anything is trained";
            let response = ui.add_enabled(ready, button).on_hover_text(help);
            if response.on_disabled_hover_text("Open a dataset first").clicked()
                && let Ok(plan) = plan.clone()
            {
                let typed = self.folder.trim();
                let out = if typed.is_empty() { suggested.clone() } else { PathBuf::from(typed) };
                cx.send(ExperimentAction::LayOut(Box::new(plan), out));
            }
            if let Err(sentence) = &plan {
                ui.colored_label(p.bad, sentence);
            }
        });
    }

    fn networks_row(&mut self, ui: &mut Ui, cx: &PanelCx<'_>) {
        ui.horizontal_wrapped(|ui| {
            ui.label("Networks");
            ui.menu_button("Choose networks…", |ui| {
                egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                    for spec in MODELS {
                        let mut on = self.networks.contains(spec.id);
                        if ui.checkbox(&mut on, spec.id).on_hover_text(spec.summary).changed() {
                            if on {
                                self.networks.insert(spec.id.to_owned());
                            } else {
                                self.networks.remove(spec.id);
                            }
                        }
                    }
                });
            });
            let told = match self.networks.len() {
                0 => format!("{}, that of the form", cx.state.draft.config().model.id),
                _ => self.networks.iter().cloned().collect::<Vec<_>>().join(", "),
            };
            ui.weak(text::elide(&told, 90));
        });
    }

    fn varied_rows(&mut self, ui: &mut Ui) {
        let mut gone = None;
        for (at, varied) in self.varied.iter_mut().enumerate() {
            ui.horizontal(|ui| {
                let label = ui.label("Setting");
                egui::ComboBox::from_id_salt(("varied key", at))
                    .selected_text(if varied.key.is_empty() { "choose" } else { varied.key.as_str() })
                    .width(210.0)
                    .show_ui(ui, |ui| {
                        for key in KEYS.iter().filter(|k| k.path != "seed") {
                            let row = ui.selectable_label(varied.key == key.path, key.path);
                            if row.on_hover_text(key.help).clicked() {
                                varied.key = key.path.to_owned();
                            }
                        }
                    })
                    .response
                    .labelled_by(label.id);
                let field =
                    egui::TextEdit::singleline(&mut varied.values).hint_text("0.01, 0.001").desired_width(150.0);
                ui.add(field).accessible_name(format!("Values of {}", varied.key));
                if ui.button("Remove").clicked() {
                    gone = Some(at);
                }
            });
        }
        if let Some(at) = gone {
            self.varied.remove(at);
        }
        if ui.button("Vary a setting…").on_hover_text("Every line is trained with each of its values").clicked() {
            self.varied.push(Varied { key: "optimizer.learning_rate".to_owned(), values: String::new() });
        }
    }
}

fn folds_name(folds: Folds) -> &'static str {
    match folds {
        Folds::Dataset => "as in the dataset",
        Folds::LeaveOneSubjectOut => "leave one subject out",
        Folds::BySubject(_) => "by subject, in folds",
    }
}

/// A folder beside the dataset.
fn suggestion(root: &Path) -> PathBuf {
    let name = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    root.parent().unwrap_or(root).join(format!("{name}-experiment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_a_plan_that_trains_every_combination() {
        let mut config = crate::ui::arrangement::preset(0);
        config.set("training.epochs=3").unwrap();
        let draft = Draft { preset: PRESETS[0].name.to_owned(), config: config.to_ron(), ..Draft::default() };
        let form = PlanForm {
            networks: ["small-2d", "small-3d"].map(str::to_owned).into(),
            seeds: "1, 4-5".into(),
            varied: vec![Varied { key: "optimizer.learning_rate".into(), values: "0.1, 0.01".into() }],
            ..PlanForm::default()
        };
        let plan = form.plan(&draft).unwrap();
        assert_eq!(plan.set, ["training.epochs=3"]);
        let arms = plan.arms(Path::new("")).unwrap();
        assert_eq!(arms.len(), 12, "2 networks, 2 rates, 3 seeds");
        let last = arms.last().unwrap();
        assert_eq!(last.name, "small-3d_learning_rate-0.01_seed5");
        assert_eq!((last.config.seed, last.config.optimizer.learning_rate), (5, 0.01));
        assert!(arms.iter().all(|a| a.config.training.epochs == 3));
        // The same from the text that is kept of it.
        let again = ExperimentPlan::from_ron(&plan.to_ron()).unwrap();
        assert_eq!(again, plan);
    }

    #[test]
    fn what_is_no_seed_and_no_key_is_said() {
        let wrong = |seeds: &str, key: &str| {
            let varied = vec![Varied { key: key.into(), values: "1".into() }];
            PlanForm { seeds: seeds.into(), varied, ..PlanForm::default() }.plan(&Draft::default()).unwrap_err()
        };
        assert!(wrong("one", "training.epochs").contains("'one' is no seed"));
        assert!(wrong("5-1", "training.epochs").contains("no range"));
        assert!(wrong("1", "training.epoks").contains("'training.epoks' is no key"));
    }
}

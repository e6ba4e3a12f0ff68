//! The dialog that makes a run of PyTorch weights: file, network, classes, clips, folder, and what would go where.

use super::dialogs::{answer, buttons};
use crate::config::{PRESETS, RunConfig};
use crate::domain::{ClassSet, counted};
use crate::jobs::config_for;
use crate::model::{MODELS, WeightReport};
use crate::ui::action::{OpenAction, SystemAction, WindowAction};
use crate::ui::awaited::Awaited;
use crate::ui::panel::PanelCx;
use crate::ui::state::{AppState, Dialog, ImportClasses, ImportForm, PathPurpose};
use crate::ui::weights::{WeightAnswer, WeightQuery};
use crate::ui::widgets::{network_card, text, weight_report};
use crate::ui::{Action, theme};
use egui::{RichText, Ui};
use std::path::{Path, PathBuf};

/// Why clips matter.
const SAME_CLIPS: &str = "What the network was trained with elsewhere must be the same here, or its answers are worse.";

/// What the form comes to.
#[derive(Default)]
struct ImportPlan {
    config: Option<RunConfig>,
    classes: Option<ClassSet>,
    /// The run folder; `None` until a free one is known.
    folder: Option<PathBuf>,
    /// Why it cannot be imported yet.
    obstacle: Option<String>,
}

/// Draws the dialog.
pub fn ui(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::Import(form)) = &cx.state.dialog else { return };
    let before = (**form).clone();
    let mut form = before.clone();
    let mut done: Option<Action> = None;
    let mut actions = Vec::new();
    let response = egui::Modal::new(egui::Id::unique("import dialog")).show(ui.ctx(), |ui| {
        ui.set_width(600.0);
        ui.heading("Import PyTorch weights");
        let told = "Makes a run of a .pth, .pt or .safetensors file. Nothing in the file is executed.";
        ui.label(RichText::new(told).weak());
        ui.add_space(4.0);
        let guess = guess(ui, cx.state, &form, &mut actions);
        let mut plan = ImportPlan::default();
        egui::Grid::new("import fields").num_columns(2).spacing([12.0, 7.0]).min_col_width(90.0).show(ui, |ui| {
            fields(ui, cx.state, &mut form, &guess, &mut plan, &mut actions);
        });
        report(ui, cx.state, &form, &mut plan, &mut actions);
        ui.add_space(4.0);
        let p = theme::palette(ui);
        buttons(ui, |ui| {
            let ready =
                plan.obstacle.is_none() && plan.config.is_some() && plan.classes.is_some() && plan.folder.is_some();
            let button = egui::Button::new(RichText::new("Import").color(p.on_accent)).fill(p.accent);
            if ui.add_enabled(ready, button).clicked()
                && let (Some(config), Some(classes), Some(out)) =
                    (plan.config.take(), plan.classes.take(), plan.folder.take())
            {
                let weights = PathBuf::from(form.weights.trim());
                done = Some(Action::Open(OpenAction::Import { weights, config: Box::new(config), classes, out }));
            }
            if ui.button("Cancel").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
            if let Some(sentence) = &plan.obstacle {
                ui.add(egui::Label::new(RichText::new(sentence).small().color(p.muted)).wrap());
            }
        });
    });
    cx.actions.extend(actions);
    let changed = (form != before).then(|| Dialog::Import(Box::new(form)));
    answer(cx, done, response.should_close(), changed);
}

/// A free run folder named after the weights, once the disk has told one.
fn suggested(state: &AppState, form: &ImportForm) -> Option<PathBuf> {
    let name = Path::new(form.weights.trim()).file_stem().map(|n| n.to_string_lossy().into_owned());
    let name = name.filter(|n| !n.is_empty()).unwrap_or_else(|| "imported".into());
    let root = state.dataset.as_ref().map(|d| d.root.as_path());
    state.disk.run_folder(root, &name).value()
}

/// What the weights look like, as far as it is known.
fn guess(ui: &Ui, state: &AppState, form: &ImportForm, actions: &mut Vec<Action>) -> Awaited<WeightAnswer> {
    let path = form.weights.trim();
    if path.is_empty() {
        return Awaited::NotAsked;
    }
    let query = WeightQuery::Network(PathBuf::from(path));
    weight_report::look(ui, "import network", &query, &state.weights, actions).clone()
}

/// The network that is meant: the one somebody chose, or else the one the weights look like.
fn model_of(form: &ImportForm, guess: &Awaited<WeightAnswer>) -> Option<String> {
    let guessed = || match guess {
        Awaited::Ready(WeightAnswer::Network(Some(spec))) => Some(spec.id.to_owned()),
        _ => None,
    };
    form.model.clone().or_else(guessed)
}

fn fields(
    ui: &mut Ui,
    state: &AppState,
    form: &mut ImportForm,
    guess: &Awaited<WeightAnswer>,
    plan: &mut ImportPlan,
    actions: &mut Vec<Action>,
) {
    ui.label("Weights");
    if weight_report::path_field(ui, "Weights", "/path/to/weights.pth", &mut form.weights) {
        actions.push(Action::System(SystemAction::AskPath(PathPurpose::Import)));
    }
    ui.end_row();
    ui.label("Network");
    network(ui, form, guess, plan);
    ui.end_row();
    ui.label("Clips");
    clips(ui, form, plan);
    ui.end_row();
    ui.label("Classes");
    classes(ui, state, form, plan, actions);
    ui.end_row();
    ui.label("Run folder");
    let suggested = suggested(state, form);
    let hint = suggested.as_ref().map_or_else(String::new, |p| p.display().to_string());
    let field = egui::TextEdit::singleline(&mut form.out).hint_text(hint);
    let field = ui.add(field.desired_width(ui.available_width()));
    text::name(&field, "Run folder");
    let typed = form.out.trim();
    plan.folder = if typed.is_empty() { suggested } else { Some(PathBuf::from(typed)) };
    ui.end_row();
}

fn network(ui: &mut Ui, form: &mut ImportForm, guess: &Awaited<WeightAnswer>, plan: &mut ImportPlan) {
    let model = model_of(form, guess);
    ui.horizontal(|ui| {
        let mut id = model.clone().unwrap_or_default();
        ui.name_inputs("Network", |ui| network_card::picker(ui, "import network", &mut id, 0, false));
        if !id.is_empty() && Some(&id) != model.as_ref() {
            form.model = Some(id);
        }
        let told = match guess {
            Awaited::Pending(_) => "looking…",
            Awaited::Ready(WeightAnswer::Network(Some(_))) if form.model.is_none() => "as the weights look",
            Awaited::Ready(WeightAnswer::Network(Some(spec))) if form.model.as_deref() == Some(spec.id) => {
                "as the weights look"
            }
            Awaited::Ready(WeightAnswer::Network(Some(_))) => "the weights look like another",
            Awaited::Ready(WeightAnswer::Network(None)) => "not known by its weights: choose the nearest",
            Awaited::NotAsked | Awaited::Unavailable(_) | Awaited::Ready(WeightAnswer::Report(_)) => "",
        };
        ui.weak(told);
    });
    match (&model_of(form, guess), guess) {
        (None, _) if form.weights.trim().is_empty() => plan.obstacle = Some("Name the weights first.".into()),
        (None, Awaited::Unavailable(_)) => plan.obstacle = Some("These weights cannot be used.".into()),
        (None, Awaited::Ready(WeightAnswer::Network(None))) => plan.obstacle = Some("Choose the network.".into()),
        (None, _) => plan.obstacle = Some("Looking into the weights…".into()),
        (Some(id), _) => match configured(id, form.preset) {
            Ok(config) => plan.config = Some(config),
            Err(sentence) => plan.obstacle = Some(sentence),
        },
    }
}

/// Clips and normalisation of the preset, or what is usual for the network.
fn configured(model: &str, preset: Option<usize>) -> Result<RunConfig, String> {
    let usual = config_for(model).map_err(|e| e.to_string())?;
    let Some(preset) = preset.and_then(|i| PRESETS.get(i)) else { return Ok(usual) };
    let clip = preset.config().map_err(|e| e.to_string())?.clip;
    Ok(RunConfig { clip, ..usual })
}

fn clips(ui: &mut Ui, form: &mut ImportForm, plan: &ImportPlan) {
    ui.horizontal(|ui| {
        let usual = "usual for the network";
        let now = form.preset.and_then(|i| PRESETS.get(i)).map_or(usual, |p| p.name);
        ui.name_inputs("Clips", |ui| {
            egui::ComboBox::from_id_salt("import clips").width(190.0).selected_text(now).show_ui(ui, |ui| {
                ui.selectable_value(&mut form.preset, None, usual);
                for (i, preset) in PRESETS.iter().enumerate() {
                    ui.selectable_value(&mut form.preset, Some(i), preset.name).on_hover_text(preset.summary);
                }
            })
        });
        if let Some(clip) = plan.config.as_ref().map(|c| &c.clip) {
            let size = format!("{}×{}×{}", clip.length, clip.height, clip.width);
            ui.weak(size).on_hover_text(SAME_CLIPS);
        }
    });
    if let Some(clip) = plan.config.as_ref().map(|c| &c.clip) {
        ui.end_row();
        ui.label("");
        let numbers = |of: [f32; 3]| of.map(|x| format!("{x:.3}")).join(", ");
        let norm = format!("mean {}, deviation {}", numbers(clip.mean), numbers(clip.std));
        ui.weak(norm).on_hover_text(SAME_CLIPS);
    }
}

/// The report with as many classes as the file has, once that is known; with one class before.
fn whole_report<'a>(
    ui: &Ui,
    state: &'a AppState,
    form: &ImportForm,
    config: &RunConfig,
    actions: &mut Vec<Action>,
) -> &'a Awaited<WeightAnswer> {
    let path = PathBuf::from(form.weights.trim());
    let first = WeightQuery::report(&path, &config.model, 1);
    let look = weight_report::look(ui, "import report", &first, &state.weights, actions);
    match look {
        Awaited::Ready(WeightAnswer::Report(found)) => match found.class_layer.found {
            Some(n) if n > 1 => {
                let query = WeightQuery::report(&path, &config.model, n);
                weight_report::look(ui, "import whole report", &query, &state.weights, actions)
            }
            _ => look,
        },
        _ => look,
    }
}

/// The report that is known for the form, without asking.
fn known<'a>(state: &'a AppState, form: &ImportForm, config: &RunConfig) -> Option<&'a WeightReport> {
    let query = WeightQuery::report(&PathBuf::from(form.weights.trim()), &config.model, 1);
    match state.weights.get(&query) {
        Awaited::Ready(WeightAnswer::Report(report)) => Some(report),
        _ => None,
    }
}

fn classes(ui: &mut Ui, state: &AppState, form: &mut ImportForm, plan: &mut ImportPlan, actions: &mut Vec<Action>) {
    let own = state.classes();
    let found = plan.config.as_ref().and_then(|c| known(state, form, c)).and_then(|r| r.class_layer.found);
    let fits = !own.classes.is_empty() && found == Some(own.len());
    let automatic = if fits { ImportClasses::Dataset } else { ImportClasses::Numbered };
    let mut now = form.classes.unwrap_or(automatic);
    let mut listed = None;
    ui.vertical(|ui| {
        ui.horizontal(|ui| {
            let numbered = found.map_or("Numbers".to_owned(), |n| format!("Numbers, {n} of them"));
            ui.radio_value(&mut now, ImportClasses::Numbered, numbered)
                .on_hover_text("As many as the weights have, named by their number");
            let dataset = egui::RadioButton::new(now == ImportClasses::Dataset, "Those of the open dataset");
            let told = match (own.classes.is_empty(), found) {
                (true, _) => "No dataset is open.".to_owned(),
                (_, Some(n)) if n != own.len() => format!("The dataset has {} classes, the weights {n}.", own.len()),
                _ => counted(own.len() as u64, "class"),
            };
            let able = fits || now == ImportClasses::Dataset;
            if ui.add_enabled(able, dataset).on_hover_text(&told).on_disabled_hover_text(&told).clicked() {
                now = ImportClasses::Dataset;
            }
            ui.radio_value(&mut now, ImportClasses::List, "A list").on_hover_text("A .txt, .csv, .json or .ron file");
        });
        if now == ImportClasses::List {
            if weight_report::path_field(ui, "Class list", "/path/to/classes.txt", &mut form.list) {
                actions.push(Action::System(SystemAction::AskPath(PathPurpose::ClassList)));
            }
            listed = state.disk.classes(form.list.trim()).value().filter(|_| !form.list.trim().is_empty());
            match &listed {
                Some(Ok(set)) => drop(ui.weak(counted(set.len() as u64, "class"))),
                Some(Err(sentence)) => {
                    let text = RichText::new(sentence).small().color(theme::palette(ui).bad);
                    ui.add(egui::Label::new(text).wrap());
                }
                None => {}
            }
        }
    });
    if form.classes.is_some() || now != automatic {
        form.classes = Some(now);
    }
    plan.classes = match now {
        ImportClasses::Numbered => found.and_then(|n| state.disk.classes(&n.to_string()).value()).and_then(Result::ok),
        ImportClasses::Dataset => Some(own.clone()),
        ImportClasses::List => listed.and_then(Result::ok),
    };
    if now == ImportClasses::List && plan.classes.is_none() {
        plan.obstacle.get_or_insert_with(|| "Name a list of the classes.".into());
    }
    if let (Some(n), Some(set)) = (found, &plan.classes)
        && set.len() != n
    {
        let told = format!("The weights have {n} classes and these are {}.", set.len());
        plan.obstacle.get_or_insert(told);
    }
}

/// What would go where, and why it cannot be done.
fn report(ui: &mut Ui, state: &AppState, form: &ImportForm, plan: &mut ImportPlan, actions: &mut Vec<Action>) {
    let guessed = state.weights.get(&WeightQuery::Network(PathBuf::from(form.weights.trim())));
    let look = match (&plan.config, guessed) {
        (Some(config), _) => whole_report(ui, state, form, config, actions),
        // A file that is refused is refused for every network.
        (None, refused @ Awaited::Unavailable(_)) => refused,
        (None, _) => &Awaited::NotAsked,
    };
    ui.separator();
    // The dialog keeps its height while answers come and go.
    egui::ScrollArea::vertical().id_salt("import report").max_height(190.0).auto_shrink([false, false]).show(
        ui,
        |ui| match (&plan.config, look) {
            (None, Awaited::NotAsked) => drop(ui.weak("What of the file would go where stands here.")),
            _ => weight_report::show(ui, look),
        },
    );
    let sentence = match look {
        Awaited::Ready(WeightAnswer::Report(report)) => unfit(report),
        Awaited::Unavailable(_) => Some("These weights cannot be used.".to_owned()),
        _ => Some("Looking into the weights…".to_owned()),
    };
    let found = plan.folder.as_ref().and_then(|folder| state.disk.at(folder).value());
    let taken = match found {
        Some(found) => found.taken.then(|| "The run folder is taken: name another.".to_owned()),
        None => Some("Looking whether the run folder is free…".to_owned()),
    };
    if let Some(sentence) = sentence.or(taken) {
        plan.obstacle.get_or_insert(sentence);
    }
}

/// Why a run cannot be made of what is in the file.
fn unfit(report: &WeightReport) -> Option<String> {
    let title = MODELS.iter().find(|m| m.id == report.model).map_or(report.model.as_str(), |m| m.title);
    if !report.is_backbone_complete() {
        return Some(format!("The file does not hold the whole of {title}: choose another network."));
    }
    match report.class_layer.found {
        None => Some("The file has no class layer: start a training from it instead (First weights).".into()),
        Some(_) if !report.is_complete() => Some("The class layer of the file does not fit.".into()),
        Some(_) => None,
    }
}

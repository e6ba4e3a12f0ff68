//! Rows of a form: a name, an editor, a mark when the value was changed, and the sentence when it is wrong.

use super::series::number;
use super::settings_words;
use crate::classical::Baseline;
use crate::config::{ConfigKey, Doubt, RunConfig, key};
use crate::domain::Task;
use crate::ui::Action;
use crate::ui::theme;
use crate::ui::weights::WeightStore;
use egui::{DragValue, Response, Sense, Ui, vec2};
use std::cell::RefCell;

/// Gives access to one value of a configuration.
pub type Lens<T> = fn(&mut RunConfig) -> &mut T;

/// What lies around a form.
pub struct Around<'a> {
    /// Classes of the open dataset; 0 without one.
    pub classes: usize,
    /// How many classes its clips may have.
    pub task: Task,
    /// Clips to train on, where they were counted.
    pub training_clips: Option<u64>,
    /// Memory for what is trained, in bytes, where it is known: that of the machine, for trainings on its processor.
    pub memory: Option<u64>,
    /// What was found in weight files.
    pub weights: &'a WeightStore,
    /// What rows ask the window for.
    pub actions: RefCell<Vec<Action>>,
}

/// A pass over the rows of a form: it counts them (without `ui`) or draws them.
pub struct Rows<'a> {
    ui: Option<&'a mut Ui>,
    config: &'a mut RunConfig,
    base: &'a mut RunConfig,
    query: &'a str,
    fault: Option<&'a str>,
    /// Values outside of what is usual.
    pub doubts: &'a [Doubt],
    /// What lies around the form; only while it is drawn.
    pub around: Option<&'a Around<'a>>,
    /// Rows that match the search.
    pub matching: usize,
    /// Matching rows whose value differs from the preset's.
    pub changed: usize,
    /// True when the error sentence speaks of one of the rows.
    pub faulty: bool,
}

/// Width of the names: that of the longest in the table of keys.
const NAME: f32 = 172.0;
/// What a value needs beside its name; in narrow forms names are cut before values.
const VALUE: f32 = 196.0;

/// Width of the names in the room there is.
fn name_width(ui: &Ui) -> f32 {
    (ui.available_width() - VALUE).clamp(104.0, NAME)
}

impl<'a> Rows<'a> {
    /// Counts rows; `query` is in lower case.
    pub fn count(config: &'a mut RunConfig, base: &'a mut RunConfig, query: &'a str, fault: Option<&'a str>) -> Self {
        Self { ui: None, config, base, query, fault, matching: 0, changed: 0, faulty: false, doubts: &[], around: None }
    }

    /// Draws rows.
    pub fn draw(
        ui: &'a mut Ui,
        config: &'a mut RunConfig,
        base: &'a mut RunConfig,
        query: &'a str,
        fault: Option<&'a str>,
    ) -> Self {
        Self {
            ui: Some(ui),
            config,
            base,
            query,
            fault,
            matching: 0,
            changed: 0,
            faulty: false,
            doubts: &[],
            around: None,
        }
    }

    /// The configuration being edited.
    pub fn config(&self) -> &RunConfig {
        self.config
    }

    /// True where the configuration is of a classical baseline, to which much of a training means nothing.
    pub fn baseline(&self) -> bool {
        Baseline::find(&self.config.model.id).is_some()
    }

    /// One row. `path` is the dotted key of the value; its name and help come from the table of keys.
    pub fn row<T: Clone + PartialEq>(&mut self, path: &str, lens: Lens<T>, edit: impl FnOnce(&mut Ui, &mut T)) {
        let unknown = ConfigKey { path: "", name: "unknown setting", help: "", resumable: false };
        let ConfigKey { name, help, .. } = key(path).copied().unwrap_or(unknown);
        let key = path;
        let known = [key, name, help, settings_words::words(key)];
        let found = self.query.is_empty() || known.iter().any(|text| text.to_lowercase().contains(self.query));
        if !found {
            return;
        }
        self.matching += 1;
        let usual = lens(self.base).clone();
        let changed = *lens(self.config) != usual;
        self.changed += usize::from(changed);
        let fault = self.fault.filter(|f| names_key(f, key));
        self.faulty |= fault.is_some();
        let doubt = self.doubts.iter().find(|d| d.key == key).filter(|_| fault.is_none());
        let Some(ui) = self.ui.as_deref_mut() else { return };
        let value = lens(self.config);
        let names = name_width(ui);
        ui.horizontal(|ui| {
            let color = match (fault, doubt) {
                (Some(_), _) => Some(theme::palette(ui).bad),
                (None, Some(_)) => Some(theme::palette(ui).warn),
                _ => None,
            };
            label(ui, (name, names), key, help, changed, color);
            let reset_width = 22.0;
            let width = (ui.available_width() - reset_width).max(60.0);
            ui.allocate_ui_with_layout(vec2(width, 24.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.set_width(width);
                ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Truncate);
                ui.name_inputs(name, |ui| edit(ui, value));
            });
            if changed && reset(ui, name).clicked() {
                *value = usual;
            }
        });
        let p = theme::palette(ui);
        let told = fault.map(|f| (f, p.bad)).or(doubt.map(|d| (d.told.as_str(), p.warn)));
        if let Some((sentence, color)) = told {
            ui.horizontal(|ui| {
                ui.add_space(names + 4.0);
                let text = egui::RichText::new(sentence).text_style(theme::caption()).color(color);
                ui.add(egui::Label::new(text).wrap());
            });
        }
    }

    /// Something as wide as the form between the rows, shown unless somebody searches.
    pub fn block(&mut self, add: impl FnOnce(&mut Ui, &mut RunConfig, &Around<'_>)) {
        if let (Some(ui), Some(around), true) = (self.ui.as_deref_mut(), self.around, self.query.is_empty()) {
            add(ui, self.config, around);
        }
    }

    /// Something between the rows that is no value of its own, shown unless somebody searches.
    pub fn line(&mut self, add: impl FnOnce(&mut Ui, &mut RunConfig)) {
        if !self.query.is_empty() {
            return;
        }
        let Some(ui) = self.ui.as_deref_mut() else { return };
        let names = name_width(ui);
        ui.horizontal(|ui| {
            ui.add_space(names + 8.0);
            add(ui, self.config);
        });
    }
}

/// True when the sentence names the key as a whole word: `clip.length`, not `clip.lengthy`.
fn names_key(sentence: &str, key: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    sentence.match_indices(key).any(|(at, _)| {
        let before = sentence[..at].chars().next_back().is_none_or(|c| !part(c));
        let after = sentence[at + key.len()..].chars().next().is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        before && after
    })
}

fn label(ui: &mut Ui, (name, width): (&str, f32), key: &str, help: &str, changed: bool, marked: Option<egui::Color32>) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 24.0), Sense::hover());
    let plain = if changed { ui.visuals().strong_text_color() } else { ui.visuals().text_color() };
    let color = marked.unwrap_or(plain);
    if changed {
        ui.painter().circle_filled(egui::pos2(rect.left() + 4.0, rect.center().y), 3.0, ui.visuals().hyperlink_color);
    }
    let mut job =
        egui::text::LayoutJob::simple_singleline(name.to_owned(), egui::TextStyle::Body.resolve(ui.style()), color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width - 14.0);
    let galley = ui.painter().layout_job(job);
    let galley_cut = galley.elided;
    ui.painter().galley(egui::pos2(rect.left() + 12.0, rect.center().y - galley.size().y / 2.0), galley, color);
    response.on_hover_ui(|ui| {
        ui.set_max_width(320.0);
        if galley_cut {
            ui.strong(name);
        }
        ui.label(help);
        ui.weak(key);
    });
}

/// The button that brings the preset's value back: an arrow that turns round.
fn reset(ui: &mut Ui, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(18.0, 20.0), Sense::click());
    let label = format!("reset {name}");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &label));
    let color = if response.hovered() || response.has_focus() {
        ui.visuals().strong_text_color()
    } else {
        ui.visuals().weak_text_color()
    };
    let center = rect.center();
    let points: Vec<egui::Pos2> = (0..=20)
        .map(|i| {
            let angle = -0.4 + i as f32 / 20.0 * 5.0;
            center + 5.0 * egui::Vec2::angled(-angle)
        })
        .collect();
    if let Some(start) = points.first().copied() {
        let head = vec![start + vec2(-4.0, 0.5), start + vec2(3.0, 0.5), start + vec2(0.0, 4.5)];
        ui.painter().add(egui::Shape::convex_polygon(head, color, egui::Stroke::NONE));
    }
    ui.painter().line(points, egui::Stroke::new(1.4, color));
    response.on_hover_text(format!("Back to the preset's value of {name}"))
}

/// A whole number.
pub fn whole<T: egui::emath::Numeric>(
    range: std::ops::RangeInclusive<T>,
    suffix: &'static str,
) -> impl FnOnce(&mut Ui, &mut T) {
    move |ui, value| {
        ui.add(DragValue::new(value).range(range).speed(0.15));
        unit(ui, suffix);
    }
}

/// A number with a fraction; `step` is one point of dragging.
pub fn fraction<T: egui::emath::Numeric>(
    range: std::ops::RangeInclusive<T>,
    step: f64,
    suffix: &'static str,
) -> impl FnOnce(&mut Ui, &mut T) {
    move |ui, value| {
        ui.add(plain(value).range(range).speed(step));
        unit(ui, suffix);
    }
}

/// The unit stands beside the field, not in it: a field with a suffix would be called by its suffix.
fn unit(ui: &mut Ui, suffix: &str) {
    if !suffix.is_empty() {
        ui.weak(suffix.trim());
    }
}

/// A number whose size matters more than its digits, such as a learning rate: dragging multiplies.
pub fn magnitude<T: egui::emath::Numeric>(ui: &mut Ui, value: &mut T) {
    let speed = (value.to_f64().abs() * 0.02).max(1e-9);
    ui.add(plain(value).speed(speed));
}

fn plain<T: egui::emath::Numeric>(value: &mut T) -> DragValue<'_> {
    DragValue::new(value)
        .custom_formatter(|v, _| number(v))
        .custom_parser(|text| text.trim().replace(',', ".").parse().ok())
        .max_decimals(8)
}

/// Yes or no.
pub fn switch(ui: &mut Ui, value: &mut bool) {
    let text = if *value { "on" } else { "off" };
    ticked(ui, value, text);
}

/// A box to tick with its state in words behind it: the box itself is called like its row. True when it changed.
fn ticked(ui: &mut Ui, value: &mut bool, text: &str) -> bool {
    let mut changed = ui.checkbox(value, "").changed();
    if !text.is_empty() && ui.add(egui::Label::new(text).sense(Sense::CLICK)).clicked() {
        *value = !*value;
        changed = true;
    }
    changed
}

/// A value that may be left out. `none` says what happens then.
pub fn optional<T: Clone>(
    none: &'static str,
    usual: T,
    edit: impl FnOnce(&mut Ui, &mut T),
) -> impl FnOnce(&mut Ui, &mut Option<T>) {
    move |ui, value| {
        let mut on = value.is_some();
        let text = if on { "" } else { none };
        if ticked(ui, &mut on, text) {
            *value = on.then_some(usual);
        }
        if let Some(inner) = value {
            edit(ui, inner);
        }
    }
}

/// One of a few values, named.
pub fn choice<T: Clone + PartialEq>(ui: &mut Ui, salt: &str, value: &mut T, options: &[(T, &str, &str)]) {
    let now = options.iter().find(|(o, _, _)| o == value).map_or("?", |(_, name, _)| *name);
    let width = ui.available_width().min(190.0);
    let combo = egui::ComboBox::from_id_salt(salt).width(width).truncate().selected_text(now);
    let shown = combo.show_ui(ui, |ui| {
        for (option, name, help) in options {
            let response = ui.selectable_label(option == value, *name);
            let response = if help.is_empty() { response } else { response.on_hover_text(*help) };
            if response.clicked() {
                *value = option.clone();
            }
        }
    });
    shown.response.on_hover_text(now);
}

/// Text that stands for a value: what is being typed is kept as it is, and read whenever it can be.
pub fn parsed<T>(
    ui: &mut Ui,
    salt: &str,
    value: &mut T,
    show: impl Fn(&T) -> String,
    read: impl Fn(&str) -> Option<T>,
) {
    let id = ui.make_persistent_id(salt);
    let typed: Option<String> = ui.data(|d| d.get_temp(id));
    let mut text = typed.unwrap_or_else(|| show(value));
    let wrong = read(&text).is_none();
    let mut edit = egui::TextEdit::singleline(&mut text).desired_width(ui.available_width().min(190.0));
    if wrong {
        edit = edit.text_color(theme::palette(ui).bad);
    }
    let response = ui.add(edit);
    if response.changed()
        && let Some(new) = read(&text)
    {
        *value = new;
    }
    if response.has_focus() {
        ui.data_mut(|d| d.insert_temp(id, text));
    } else {
        ui.data_mut(|d| d.remove_temp::<String>(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_whole_keys_only() {
        assert!(names_key("clip.length, clip.step and more", "clip.step"));
        assert!(names_key("the key is clip.step.", "clip.step"));
        assert!(!names_key("clip.steps must be", "clip.step"));
        assert!(!names_key("eclip.step", "clip.step"));
        assert!(!names_key("nothing", "clip.step"));
    }

    #[test]
    fn counting_finds_matches_changes_and_faults() {
        let mut base = RunConfig::reference();
        let mut config = base.clone();
        config.training.epochs = 0;
        let fault = config.validate().unwrap_err().to_string();
        let mut rows = Rows::count(&mut config, &mut base, "epoch", Some(&fault));
        rows.row("training.epochs", |c| &mut c.training.epochs, whole(0..=9, ""));
        rows.row("training.batch_size", |c| &mut c.training.batch_size, whole(0..=9, ""));
        assert_eq!((rows.matching, rows.changed, rows.faulty), (1, 1, true));
    }
}

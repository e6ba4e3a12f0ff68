//! What the dataset's owner should know: the file, what is wrong, what to do. Warnings of one cause stand together.

use crate::domain::{Dataset, DatasetWarning};
use crate::ui::action::{ChooseAction, SystemAction};
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use egui::RichText;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

const HEIGHT: f32 = 46.0;

/// Warnings that have one cause.
struct Cause {
    /// Positions of the warnings.
    members: Vec<usize>,
}

/// What is found out about the warnings of a dataset once.
struct Found {
    /// Name of the video that each warning is of.
    videos: Vec<Option<String>>,
    /// In the order in which they came first.
    causes: Vec<Cause>,
}

/// A row of the list.
#[derive(Clone, Copy)]
enum Row {
    /// Of several warnings: how many, and what the first of them says.
    Cause(usize),
    /// A warning.
    Warning(usize),
}

/// The list.
#[derive(Default)]
pub struct Warnings {
    found: Derived<Same<Dataset>, Found>,
    /// Causes whose warnings are listed one by one, and of which dataset.
    open: (Same<Dataset>, BTreeSet<usize>),
    rows: Derived<(Same<Dataset>, BTreeSet<usize>), Vec<Row>>,
}

impl Panel for Warnings {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let Some(dataset) = cx.state.dataset.clone() else {
            ui.weak("No dataset is open.");
            return;
        };
        if dataset.warnings.is_empty() {
            ui.weak("Nothing suspicious was found in this dataset.");
            return;
        }
        if self.open.0 != Same::of(&dataset) {
            self.open = (Same::of(&dataset), BTreeSet::new());
        }
        let found = self.found.get(Same::of(&dataset), || Found::of(&dataset));
        ui.horizontal(|ui| {
            let causes = found.causes.len();
            let text = match causes == dataset.warnings.len() {
                true => format!("{causes} found while opening"),
                false => format!("{} found while opening, of {causes} kinds", dataset.warnings.len()),
            };
            ui.weak(text);
            if ui.button("Copy all warnings").clicked() {
                let lines: Vec<String> =
                    dataset.warnings.iter().map(|w| format!("{}: {}", w.path.display(), w.message)).collect();
                cx.send(SystemAction::Copy(lines.join("\n")));
            }
        });
        let rows = self.rows.get(self.open.clone(), || found.rows(&self.open.1));
        let mut toggled = None;
        egui::ScrollArea::vertical().auto_shrink(false).show_rows(ui, HEIGHT, rows.len(), |ui, range| {
            for row in rows.get(range).unwrap_or_default() {
                match *row {
                    Row::Cause(cause) => {
                        let open = self.open.1.contains(&cause);
                        if found.causes.get(cause).is_some_and(|c| group(ui, &dataset, c, open)) {
                            toggled = Some(cause);
                        }
                    }
                    Row::Warning(at) => {
                        let video = found.videos.get(at).and_then(Option::as_deref);
                        if let Some(warning) = dataset.warnings.get(at) {
                            self::row(ui, cx, &dataset, (warning, video));
                        }
                    }
                }
            }
        });
        if let Some(cause) = toggled
            && !self.open.1.remove(&cause)
        {
            self.open.1.insert(cause);
        }
    }
}

impl Found {
    fn of(dataset: &Dataset) -> Self {
        let named: HashMap<&Path, &str> = dataset.videos.iter().map(|v| (v.path.as_path(), v.name.as_str())).collect();
        let of = |w: &DatasetWarning| named.get(w.path.as_path()).map(|name| (*name).to_owned());
        let mut causes: Vec<Cause> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (at, warning) in dataset.warnings.iter().enumerate() {
            let cause = *known.entry(cause_of(&warning.message)).or_insert_with(|| {
                causes.push(Cause { members: Vec::new() });
                causes.len() - 1
            });
            if let Some(cause) = causes.get_mut(cause) {
                cause.members.push(at);
            }
        }
        Self { videos: dataset.warnings.iter().map(of).collect(), causes }
    }

    fn rows(&self, open: &BTreeSet<usize>) -> Vec<Row> {
        let mut rows = Vec::new();
        for (at, cause) in self.causes.iter().enumerate() {
            match cause.members.as_slice() {
                [only] => rows.push(Row::Warning(*only)),
                members => {
                    rows.push(Row::Cause(at));
                    if open.contains(&at) {
                        rows.extend(members.iter().map(|m| Row::Warning(*m)));
                    }
                }
            }
        }
        rows
    }
}

/// A message without what is of one file alone: numbers, quoted names, paths.
fn cause_of(message: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for word in message.split(' ') {
        let opens = word.starts_with(['\'', '"']);
        let closes = word.trim_end_matches([',', '.', ';', ':', ')']).ends_with(['\'', '"']);
        let inside = quoted || opens;
        quoted = if opens && !closes { true } else { quoted && !closes };
        let path = word.contains('/')
            || word
                .rsplit_once('.')
                .is_some_and(|(_, end)| (2..=5).contains(&end.len()) && end.contains(char::is_alphabetic));
        match inside || path {
            true => out.push('*'),
            false => out.extend(word.chars().map(|c| if c.is_ascii_digit() { '#' } else { c })),
        }
        out.push(' ');
    }
    for (several, one) in [("##", "#"), ("* *", "*")] {
        while out.contains(several) {
            out = out.replace(several, one);
        }
    }
    out
}

/// Several warnings of one cause; true when the row was clicked.
fn group(ui: &mut egui::Ui, dataset: &Dataset, cause: &Cause, open: bool) -> bool {
    let p = theme::palette(ui);
    let first = cause.members.first().and_then(|at| dataset.warnings.get(*at));
    let (count, message) = (cause.members.len(), first.map_or("", |w| w.message.as_str()));
    let size = egui::vec2(ui.available_width(), HEIGHT - ui.spacing().item_spacing.y);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
    let told = format!("{count} warnings alike: {message}");
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, open, &told));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, p.card);
    }
    let icon = egui::Rect::from_min_size(rect.min + egui::vec2(2.0, 3.0), egui::Vec2::splat(14.0));
    icons::paint(ui.painter(), icon, if open { Icon::Down } else { Icon::Forward }, p.muted);
    let builder = egui::UiBuilder::new().max_rect(egui::Rect::from_min_max(rect.min + egui::vec2(22.0, 0.0), rect.max));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        let head = format!("{count} alike, the first:");
        ui.add(egui::Label::new(RichText::new(head).color(p.warn).strong()).selectable(false));
        let text = RichText::new(message).text_style(theme::caption());
        ui.add(egui::Label::new(text).truncate().selectable(false));
    });
    response.on_hover_text(told).clicked()
}

fn row(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset, (warning, video): (&DatasetWarning, Option<&str>)) {
    let p = theme::palette(ui);
    let path = warning.path.strip_prefix(&dataset.root).unwrap_or(&warning.path).display().to_string();
    ui.allocate_ui(egui::vec2(ui.available_width(), HEIGHT - ui.spacing().item_spacing.y), |ui| {
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(16.0), egui::Sense::hover());
            icons::paint(ui.painter(), rect, Icon::Warning, p.warn);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                let name = if path.is_empty() { dataset.name.clone() } else { path };
                match video {
                    Some(video) => {
                        let link = egui::Button::new(RichText::new(&name).color(p.accent)).frame(false);
                        if ui.add(link).clicked() {
                            cx.send(ChooseAction::SelectVideo(video.to_owned()));
                        }
                    }
                    None => drop(ui.label(RichText::new(&name).strong())),
                }
                let text = RichText::new(&warning.message).text_style(theme::caption());
                ui.add(egui::Label::new(text).truncate()).on_hover_text(&warning.message);
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_that_differ_in_names_and_numbers_have_one_cause() {
        let same = |a: &str, b: &str| cause_of(a) == cause_of(b);
        assert!(same(
            "runs at 29.97 frames a second, the others at 30",
            "runs at 12.5 frames a second, the others at 30"
        ));
        assert!(same("the same file as 'a b.mp4'; remove one", "the same file as 'c.mp4'; remove one"));
        assert!(same("labels.csv line 12: no such video /a/b.mp4", "labels.csv line 7: no such video /c/d.mp4"));
        assert!(!same("runs at 30 frames a second", "has 30 frames"));
        let warning = |message: &str| DatasetWarning { path: "/d/a.mp4".into(), message: message.into() };
        let warnings = vec![warning("has 3 frames"), warning("is dark"), warning("has 4 frames")];
        let dataset = Dataset { warnings, ..Dataset::default() };
        let found = Found::of(&dataset);
        assert_eq!(found.causes.iter().map(|c| c.members.clone()).collect::<Vec<_>>(), [vec![0, 2], vec![1]]);
        assert_eq!((found.rows(&BTreeSet::new()).len(), found.rows(&BTreeSet::from([0])).len()), (2, 4));
    }
}

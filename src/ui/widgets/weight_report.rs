//! What of a weight file would go where, in words, with the names behind them.

use super::{style, text};
use crate::model::WeightReport;
use crate::ui::Action;
use crate::ui::action::OpenAction;
use crate::ui::awaited::Awaited;
use crate::ui::theme;
use crate::ui::weights::{WeightAnswer, WeightQuery, WeightStore};
use egui::{RichText, Ui};
use std::time::Duration;

/// Seconds a path must stand before anybody looks into it: half of a name that is being typed is no file.
const REST: f64 = 0.3;

/// Asks once a question has stood for a moment, and gives what is known about it.
pub fn look<'a>(
    ui: &Ui,
    salt: &str,
    query: &WeightQuery,
    store: &'a WeightStore,
    actions: &mut Vec<Action>,
) -> &'a Awaited<WeightAnswer> {
    let known = store.get(query);
    if matches!(known, Awaited::NotAsked) {
        let id = egui::Id::unique(("weight query", salt));
        let now = ui.input(|i| i.time);
        let since = ui.data(|d| d.get_temp::<(WeightQuery, f64)>(id)).filter(|(w, _)| w == query).map(|(_, t)| t);
        match since {
            Some(since) if now - since >= REST => {
                actions.push(Action::Open(OpenAction::LookIntoWeights(query.clone())))
            }
            Some(_) => {}
            None => drop(ui.data_mut(|d| d.insert_temp(id, (query.clone(), now)))),
        }
        ui.request_repaint_after(Duration::from_secs_f64(REST));
    }
    known
}

/// What is known, or that somebody is at it.
pub fn show(ui: &mut Ui, look: &Awaited<WeightAnswer>) {
    match look {
        Awaited::Ready(WeightAnswer::Report(found)) => report(ui, found),
        Awaited::Unavailable(sentence) => style::notice(ui, theme::palette(ui).bad, sentence),
        Awaited::NotAsked | Awaited::Pending(_) | Awaited::Ready(WeightAnswer::Network(_)) => {
            drop(ui.weak("looking into the file…"))
        }
    }
}

fn report(ui: &mut Ui, report: &WeightReport) {
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.spacing_mut().interact_size.y = 16.0;
    let color = if report.is_backbone_complete() { theme::palette(ui).good } else { theme::palette(ui).warn };
    let head = format!("{} of {} arrays of {} taken", report.taken(), report.arrays, report.title);
    ui.label(RichText::new(head).color(color));
    // The first line names the file, which stands above; counts and names stand below.
    let sentence = |line: &&String| ["names: ", "inflated: ", "class layer "].iter().any(|s| line.starts_with(s));
    for line in report.lines(false).iter().filter(sentence) {
        ui.add(egui::Label::new(RichText::new(line).small()).wrap());
    }
    for warning in &report.warnings {
        style::notice(ui, theme::palette(ui).warn, warning);
    }
    let taken = report.matched.iter().map(|m| match m.name == m.from {
        true => m.name.clone(),
        false => format!("{}  ← {}", m.name, m.from),
    });
    let title = if report.counters > 0 { "Taken, counters of batches too" } else { "Taken" };
    names(ui, title, report.matched.len(), || taken.collect());
    let misfits = report.mismatched.iter().map(|m| format!("{} {:?}, the file has {:?}", m.name, m.wanted, m.found));
    names(ui, "Of another shape, initialised from scratch", report.mismatched.len(), || misfits.collect());
    names(ui, "Missing in the file, initialised from scratch", report.missing.len(), || report.missing.clone());
    names(ui, "In the file and not used", report.unused.len(), || report.unused.clone());
}

/// A count that opens to the names it counts.
fn names(ui: &mut Ui, title: &str, count: usize, list: impl FnOnce() -> Vec<String>) {
    if count == 0 {
        return;
    }
    let head = RichText::new(format!("{title}: {count}")).small();
    let salt = format!("weight names {title}");
    egui::CollapsingHeader::new(head).id_salt(&salt).show(ui, |ui| {
        let names = list();
        let rows = egui::TextStyle::Small;
        let height = ui.text_style_height(&rows);
        egui::ScrollArea::vertical().id_salt(salt).max_height(150.0).auto_shrink([false, true]).show_rows(
            ui,
            height,
            names.len(),
            |ui, range| {
                for name in names.get(range).unwrap_or_default() {
                    ui.add(egui::Label::new(RichText::new(name).small().monospace()).truncate());
                }
            },
        );
    });
}

/// A path that can be typed, and a button beside it; true when the button was pressed.
pub fn path_field(ui: &mut Ui, name: &str, hint: &str, path: &mut String) -> bool {
    beside_path(ui, name, hint, path, |ui| {
        let pressed = ui.button("Browse…");
        text::name(&pressed, &format!("Browse for {}", name.to_lowercase()));
        pressed.clicked()
    })
}

/// The same where there are several kinds of things to look for, each by its caption: the one that was chosen.
pub fn path_field_of(ui: &mut Ui, name: &str, hint: &str, path: &mut String, kinds: &[&str]) -> Option<usize> {
    beside_path(ui, name, hint, path, |ui| {
        let menu = ui.menu_button("Browse…", |ui| {
            let chosen = kinds.iter().position(|kind| ui.button(*kind).clicked());
            if chosen.is_some() {
                ui.close();
            }
            chosen
        });
        text::name(&menu.response, &format!("Browse for {}", name.to_lowercase()));
        menu.inner.flatten()
    })
}

fn beside_path<R>(ui: &mut Ui, name: &str, hint: &str, path: &mut String, button: impl FnOnce(&mut Ui) -> R) -> R {
    const BUTTON: f32 = 86.0;
    ui.horizontal(|ui| {
        let field = egui::TextEdit::singleline(path).hint_text(hint);
        let field = ui.add(field.desired_width((ui.available_width() - BUTTON).max(36.0)));
        text::name(&field, name);
        let shown = path.trim().to_owned();
        if !shown.is_empty() {
            field.on_hover_text(shown);
        }
        button(ui)
    })
    .inner
}

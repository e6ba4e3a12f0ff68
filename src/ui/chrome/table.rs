//! The dialog that says what the columns of a table are, over its first rows as they are read.

use super::dialogs::{answer, buttons};
use crate::config::TimeUnit;
use crate::data::{PreviewRow, TablePreview};
use crate::domain::{counted, leaf};
use crate::ui::action::{OpenAction, WindowAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{ColumnRole, Dialog, TableForm};
use crate::ui::widgets::text::{self, elide};
use crate::ui::{Action, theme};
use egui::{RichText, Ui};

/// Faults named below the rows.
const FAULTS: usize = 4;
/// Letters of a cell.
const CELL: usize = 28;

/// Draws the dialog.
pub fn ui(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    let Some(Dialog::Table(form)) = &cx.state.dialog else { return };
    let before = (**form).clone();
    let mut form = before.clone();
    let mut done: Option<Action> = None;
    let response = egui::Modal::new(egui::Id::unique("table dialog")).show(ui.ctx(), |ui| {
        ui.set_width((ui.ctx().content_rect().width() - 80.0).clamp(420.0, 860.0));
        ui.heading(format!("What do the columns of {} say?", leaf(&form.path)));
        let told = match form.unrecognised {
            true => {
                "Its layout is none of the known ones. What is set here is kept with the dataset and with its runs."
            }
            false => "What is set here is kept with the dataset and with its runs.",
        };
        ui.label(RichText::new(told).weak());
        ui.add_space(6.0);
        let preview = form.preview.as_ref().and_then(|(_, read)| read.as_ref().ok()).cloned();
        if let Some(preview) = &preview {
            roles(ui, &mut form, preview);
            ui.add_space(6.0);
            rows(ui, &form, preview);
        } else {
            ui.add_space(40.0);
        }
        ui.add_space(6.0);
        sentences(ui, &form, preview.as_deref());
        buttons(ui, |ui| {
            let p = theme::palette(ui);
            let button = egui::Button::new(RichText::new("Open").color(p.on_accent)).fill(p.accent);
            if ui.add_enabled(form.missing().is_none(), button).clicked() {
                done = Some(Action::Open(OpenAction::OpenTable(form.path.clone(), Box::new(form.columns.clone()))));
            }
            if ui.button("Cancel").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
        });
    });
    if done.is_none() && !response.should_close() && form != before {
        form.touched = true;
        done = Some(Action::Open(OpenAction::AssignTable(Box::new(form))));
    }
    answer(cx, done, response.should_close(), None);
}

/// A box for each thing that a column can say.
fn roles(ui: &mut Ui, form: &mut TableForm, preview: &TablePreview) {
    egui::Grid::new("table roles").num_columns(4).spacing([12.0, 6.0]).show(ui, |ui| {
        for (at, (role, name)) in ColumnRole::ALL.into_iter().enumerate() {
            ui.label(name);
            let now = role.of(&form.columns);
            let title = preview.columns.iter().find(|c| c.key == now).map(|c| c.title.clone());
            let shown = title.unwrap_or_else(|| if now.is_empty() { "no column".to_owned() } else { now.clone() });
            let mut chosen = now.clone();
            let combo = egui::ComboBox::from_id_salt(("column of", name)).width(190.0).truncate();
            let response = combo.selected_text(elide(&shown, CELL)).show_ui(ui, |ui| {
                ui.selectable_value(&mut chosen, String::new(), "no column");
                for column in &preview.columns {
                    ui.selectable_value(&mut chosen, column.key.clone(), &column.title);
                }
            });
            text::name(&response.response, &format!("Column of the {name}"));
            if chosen != now {
                role.assign(&mut form.columns, chosen);
            }
            if at % 2 == 1 {
                ui.end_row();
            }
        }
        ui.label("start and end count");
        let words = |unit: TimeUnit| match unit {
            TimeUnit::Unstated => "seconds, as nothing states it",
            TimeUnit::Seconds => "seconds",
            TimeUnit::Milliseconds => "milliseconds",
            TimeUnit::Frames => "frames from 0, the end outside",
            TimeUnit::FramesFromOne => "frames from 1, the end inside",
        };
        let timed = form.columns.start.is_some() || form.columns.end.is_some();
        ui.add_enabled_ui(timed, |ui| {
            let combo = egui::ComboBox::from_id_salt("unit of the table").width(190.0).truncate();
            let response = combo.selected_text(words(form.columns.unit)).show_ui(ui, |ui| {
                for (unit, _) in TimeUnit::ALL {
                    ui.selectable_value(&mut form.columns.unit, unit, words(unit));
                }
            });
            text::name(&response.response, "Unit of start and end");
        });
        ui.checkbox(&mut form.columns.several, "Several classes a clip").on_hover_text(
            "Classes of one part have a row each, or stand in one cell with | between them; those of a whole video in one cell",
        );
        ui.end_row();
    });
}

/// The first rows, and how they are read.
fn rows(ui: &mut Ui, form: &TableForm, preview: &TablePreview) {
    let p = theme::palette(ui);
    let small = |text: &str| RichText::new(text).text_style(theme::caption());
    let area = egui::ScrollArea::both().id_salt("table rows").max_height(230.0).auto_shrink([false, true]);
    area.show(ui, |ui| {
        egui::Grid::new("table rows").spacing([14.0, 3.0]).striped(true).show(ui, |ui| {
            ui.label(small("line").weak());
            for column in &preview.columns {
                let used = ColumnRole::ALL.iter().find(|(role, _)| role.of(&form.columns) == column.key);
                let text = small(&elide(&column.title, CELL));
                let response = ui.label(if used.is_some() { text.color(p.accent) } else { text.weak() });
                response.on_hover_text(used.map_or("not used", |(_, name)| *name));
            }
            ui.label(small("is read as").weak());
            ui.end_row();
            for row in &preview.rows {
                ui.label(small(&row.line.to_string()).weak());
                for at in 0..preview.columns.len() {
                    let cell = row.cells.get(at).map(String::as_str).unwrap_or_default();
                    ui.label(small(&elide(cell, CELL))).on_hover_text(cell);
                }
                match reading(row) {
                    None => ui.label(small("")),
                    Some(Ok(words)) => ui.label(small(&words).color(p.good)),
                    Some(Err(words)) => ui.label(small(&words).color(p.bad)),
                };
                ui.end_row();
            }
        });
    });
}

/// How a row is read: the video, the class and the part, or why it is not.
fn reading(row: &PreviewRow) -> Option<Result<String, String>> {
    let reading = row.reading.as_ref()?;
    if let Some(fault) = reading.faults().next() {
        return Some(Err(fault.clone()));
    }
    let video = reading.video.clone().unwrap_or_default();
    let class = reading.class.clone().ok().filter(|c| !c.is_empty()).unwrap_or_else(|| "unlabelled".to_owned());
    let part = reading.part.clone().unwrap_or_default();
    let further = if reading.further.is_empty() { String::new() } else { format!(" · {}", reading.further) };
    Some(Ok(format!("{video}: {class}, {part}{further}")))
}

/// What is missing, what is wrong with rows, how many there are.
fn sentences(ui: &mut Ui, form: &TableForm, preview: Option<&TablePreview>) {
    let p = theme::palette(ui);
    if let Some(missing) = form.missing() {
        ui.colored_label(p.warn, missing);
    }
    let Some(preview) = preview else { return };
    let faults: Vec<String> = preview
        .rows
        .iter()
        .filter_map(|row| Some(format!("Line {}: {}.", row.line, row.reading.as_ref()?.faults().next()?)))
        .collect();
    for fault in faults.iter().take(FAULTS) {
        ui.colored_label(p.bad, fault);
    }
    if faults.len() > FAULTS {
        ui.colored_label(p.bad, format!("{} more of these rows cannot be read.", faults.len() - FAULTS));
    }
    if preview.rows.iter().any(|r| r.reading.is_some()) {
        let read = preview.rows.len() - faults.len();
        let text = format!(
            "{read} of the first {} can be read; {} in all",
            counted(preview.rows.len() as u64, "row"),
            counted(preview.total as u64, "row")
        );
        ui.weak(text);
    }
}

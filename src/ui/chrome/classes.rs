//! The table that says which class of a run each class of the dataset is.

use super::dialogs::{answer, buttons};
use crate::domain::{ClassMatch, leaf};
use crate::jobs::RunView;
use crate::ui::action::{WindowAction, WorkAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{AppState, ClassForm, Dialog};
use crate::ui::widgets::text;
use crate::ui::{Action, theme};
use egui::{RichText, Sense, Ui, Vec2};

/// Draws the dialog.
pub fn ui(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    let state = cx.state;
    let Some(Dialog::Classes(form)) = &state.dialog else { return };
    let Some(run) = state.run_at(&form.run) else { return };
    let before = (**form).clone();
    let mut form = before.clone();
    let mut done: Option<Action> = None;
    let response = egui::Modal::new(egui::Id::unique("classes dialog")).show(ui.ctx(), |ui| {
        ui.set_width(500.0);
        ui.heading("Which class is which?");
        let data = state.dataset.as_ref().map_or("the dataset", |d| d.name.as_str());
        let told = format!(
            "Names of {data} and of {} differ. Say which class of the run each class of the dataset is; clips of classes \
             that are left out are not evaluated.",
            leaf(&run.path)
        );
        ui.label(RichText::new(told).weak());
        ui.add_space(6.0);
        egui::ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
            table(ui, state, run, &mut form);
        });
        ui.add_space(6.0);
        let p = theme::palette(ui);
        let matched = form.outputs.iter().flatten().count();
        buttons(ui, |ui| {
            let title = if form.then.is_some() { "Use these and evaluate" } else { "Use these classes" };
            let button = egui::Button::new(RichText::new(title).color(p.on_accent)).fill(p.accent);
            if ui.add_enabled(matched > 0, button).clicked() {
                done = Some(Action::Work(WorkAction::SetClasses(form.run.clone(), said(state, run, &form), form.then.clone())));
            }
            if ui.button("Cancel").clicked() {
                done = Some(Action::Window(WindowAction::SetDialog(None)));
            }
            let help = "Takes the numbers of both sides for the same; only right where they were made from one list";
            if ui.button("By number").on_hover_text(help).clicked() {
                let ids = state.classes().classes.iter();
                form.outputs = ids.map(|c| run.classes.by_id(c.id)).collect();
            }
            ui.weak(format!("{matched} of {} matched", form.outputs.len()));
        });
    });
    let changed = (form != before).then(|| Dialog::Classes(Box::new(form)));
    answer(cx, done, response.should_close(), changed);
}

/// A row for each class of the dataset.
fn table(ui: &mut Ui, state: &AppState, run: &RunView, form: &mut ClassForm) {
    egui::Grid::new("class table").num_columns(2).spacing([16.0, 6.0]).min_col_width(180.0).show(ui, |ui| {
        ui.label(RichText::new("Class of the dataset").text_style(theme::caption()).weak());
        ui.label(RichText::new(format!("Class of {}", leaf(&run.path))).text_style(theme::caption()).weak());
        ui.end_row();
        for (class, output) in form.outputs.iter_mut().enumerate() {
            let name = state.classes().name(class);
            let label = ui
                .horizontal(|ui| {
                    let (rect, _) = ui.allocate_exact_size(Vec2::splat(10.0), Sense::hover());
                    ui.painter().rect_filled(rect, 2.0, theme::class_color(class));
                    ui.label(text::elide(name, 30)).on_hover_text(name)
                })
                .inner;
            let text = output.map_or("left out", |o| run.classes.name(o));
            let combo = egui::ComboBox::from_id_salt(("class of", class)).width(210.0);
            combo
                .selected_text(text::elide(text, 30))
                .show_ui(ui, |ui| {
                    ui.selectable_value(output, None, "left out");
                    for (o, c) in run.classes.classes.iter().enumerate().filter(|(_, c)| c.id != -1) {
                        ui.selectable_value(output, Some(o), &c.name);
                    }
                })
                .response
                .labelled_by(label.id);
            ui.end_row();
        }
    });
}

/// The table as pairs of names, those among them that would not be matched by themselves.
fn said(state: &AppState, run: &RunView, form: &ClassForm) -> ClassMatch {
    let pair = |(class, output): (usize, &Option<usize>)| {
        let to = output.map_or(String::new(), |o| run.classes.name(o).to_owned());
        (state.classes().name(class).to_owned(), to)
    };
    ClassMatch::Pairs(form.outputs.iter().enumerate().map(pair).collect())
}

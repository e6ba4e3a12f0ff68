//! Fields for what the files of a dataset leave open.

use crate::domain::Choice;
use crate::ui::widgets::text::name;
use egui::Ui;

/// A choice with its question, as rows of a dialog.
pub fn rows(ui: &mut Ui, choice: &mut Choice) {
    ui.label(&choice.question);
    if choice.options.is_empty() {
        let field = ui.add(egui::TextEdit::singleline(&mut choice.value).desired_width(200.0));
        return name(&field, &choice.key);
    }
    if choice.several {
        let mut chosen: Vec<String> = values(choice);
        for option in &choice.options {
            let mut on = chosen.contains(option);
            if ui.checkbox(&mut on, option).changed() {
                chosen.retain(|c| c != option);
                if on {
                    chosen.push(option.clone());
                }
            }
        }
        // In the order of the options, whatever the order of the clicks.
        chosen.sort_by_key(|c| choice.options.iter().position(|o| o == c));
        choice.value = chosen.join(",");
        return;
    }
    for option in choice.options.clone() {
        ui.radio_value(&mut choice.value, option.clone(), option);
    }
}

/// A choice in one line.
pub fn inline(ui: &mut Ui, choice: &mut Choice) {
    let shown = if choice.value.is_empty() { "default".to_owned() } else { choice.value.clone() };
    if choice.options.is_empty() {
        ui.label(&choice.key).on_hover_text(&choice.question);
        let field = ui.add(egui::TextEdit::singleline(&mut choice.value).desired_width(70.0).hint_text("default"));
        return name(&field, &choice.key);
    }
    let label = ui.label(&choice.key).on_hover_text(&choice.question);
    let combo = egui::ComboBox::from_id_salt(("choice", &choice.key));
    let response = combo.selected_text(crate::ui::widgets::text::elide(&shown, 24)).show_ui(ui, |ui| {
        if choice.several {
            rows(ui, choice);
        } else {
            for option in choice.options.clone() {
                ui.selectable_value(&mut choice.value, option.clone(), option);
            }
        }
    });
    response.response.labelled_by(label.id);
}

fn values(choice: &Choice) -> Vec<String> {
    choice.value.split(',').filter(|v| !v.is_empty()).map(str::to_owned).collect()
}

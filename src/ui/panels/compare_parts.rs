//! What the panels of the Compare workspace share: what differs is said before any number, and which pair is looked at.

use crate::compare::{Comparison, Pair};
use crate::domain::counted;
use crate::ui::action::CompareAction;
use crate::ui::panel::PanelCx;
use crate::ui::state::FoundComparison;
use crate::ui::widgets::{style, table_view, text};
use crate::ui::{AppState, theme};
use egui::Ui;

/// The comparison that is shown; says so where there is none.
pub(super) fn found<'a>(ui: &mut Ui, state: &'a AppState) -> Option<&'a FoundComparison> {
    let found = state.comparing.found.as_ref();
    if found.is_none() {
        let (title, text) = if state.comparing_job().is_some() {
            ("Comparing…", "Tables, lists of clips and tests appear here when every run was evaluated.")
        } else {
            ("Nothing compared yet", "Choose two or more runs on the left and press Compare runs.")
        };
        style::empty_state(ui, title, text, None);
    }
    found
}

/// What differs in data, split or labels: said above every number.
pub(super) fn notes(ui: &mut Ui, comparison: &Comparison) {
    let clips = counted(comparison.clips.len() as u64, "clip");
    let on = format!("{} of {}: {clips} that all runs were evaluated on.", comparison.split, comparison.dataset);
    if comparison.notes.is_empty() {
        ui.weak(format!("{on} Data, split and labels are the same."));
        return;
    }
    let told = comparison.notes.join("; ");
    style::notice_with(ui, theme::palette(ui).warn, |ui| {
        let label = egui::Label::new(format!("Not the same: {told}.")).truncate();
        let response = ui.add(label);
        let lines: Vec<String> = comparison.notes.iter().map(|n| format!("- {n}")).collect();
        response.on_hover_text(lines.join("\n"));
    });
    ui.weak(on);
}

/// The box the pair is chosen in, where there are several; its two names otherwise.
pub(super) fn pair(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    let comparing = &cx.state.comparing;
    let (Some(comparison), Some((_, shown))) = (comparing.comparison(), comparing.pair()) else { return };
    let name = |run: usize| comparison.runs.get(run).map_or("", |r| r.name.as_str());
    let mut asked = None;
    ui.horizontal(|ui| {
        if comparison.pairs.len() > 1 {
            let label = ui.weak("Pair");
            let title = |a: usize, b: usize, most: usize| {
                format!("{} and {}", text::elide_middle(name(a), most), text::elide_middle(name(b), most))
            };
            egui::ComboBox::from_id_salt("pair")
                .selected_text(title(shown.a, shown.b, 18))
                .width(220.0)
                .show_ui(ui, |ui| {
                    for (i, pair) in comparison.pairs.iter().enumerate() {
                        if ui.selectable_label(pair == shown, title(pair.a, pair.b, 60)).clicked() {
                            asked = Some(i);
                        }
                    }
                })
                .response
                .labelled_by(label.id);
        }
        for (letter, run) in [("A", shown.a), ("B", shown.b)] {
            table_view::run_dot(ui, run);
            ui.label(format!("{letter}: {}", text::elide_middle(name(run), 24))).on_hover_text(name(run));
        }
    });
    if let Some(pair) = asked {
        cx.send(CompareAction::ShowPair(pair));
    }
}

/// What the panels of one pair begin with: the comparison, what differs, and the box the pair is chosen in. `None` where there is
/// no pair; then that was said.
pub(super) fn of_pair<'a>(ui: &mut Ui, cx: &mut PanelCx<'a>) -> Option<(&'a FoundComparison, &'a Pair, [&'a str; 2])> {
    let state = cx.state;
    let found = found(ui, state)?;
    notes(ui, &found.compared.comparison);
    pair(ui, cx);
    let ((_, shown), names) = state.comparing.pair().zip(state.comparing.pair_names())?;
    Some((found, shown, names))
}

/// The reading of a test, with the colour of what it says.
pub(super) fn sentence(ui: &mut Ui, text: &str, sure: bool) {
    let p = theme::palette(ui);
    style::notice(ui, if sure { p.good } else { p.muted }, text);
}

/// Where a run that was compared stands among those on the list, as its letter.
pub(super) fn outdated(state: &AppState, found: &FoundComparison) -> bool {
    // Lines of a plan with all their folds are no runs of the list.
    !found.networks.is_empty() && state.to_compare() != found.networks
}

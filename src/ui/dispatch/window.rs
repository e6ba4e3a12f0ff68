//! What the window itself shows: workspaces, dialogs, lists, the theme, the arrangement of panels.

use super::{importing, leading};
use crate::ui::action::WindowAction;
use crate::ui::state::{AppState, Dialog, ThemeChoice};

/// How large everything can be drawn, as factors on what the screen asks for.
const SCALES: [f32; 11] = [0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0];

pub(super) fn fulfil(state: &mut AppState, action: WindowAction) {
    match action {
        WindowAction::SetWorkspace(workspace) => {
            state.workspace = workspace;
            state.welcome = false;
        }
        WindowAction::SetDialog(Some(Dialog::Import(form))) => importing::set(state, *form),
        // Help over a dialog covers it and must not lose what was typed there.
        WindowAction::SetDialog(Some(Dialog::Keys)) if state.dialog.as_ref().is_some_and(|d| *d != Dialog::Keys) => {
            state.keys_over = true;
        }
        WindowAction::SetDialog(None) if state.keys_over => state.keys_over = false,
        WindowAction::SetDialog(dialog) => state.dialog = dialog,
        WindowAction::OpenPalette => state.dialog = Some(Dialog::Palette { query: String::new(), chosen: 0 }),
        WindowAction::ShowMessages(on) => state.show_messages = on,
        WindowAction::ClearMessages => state.messages.clear(),
        WindowAction::ShowJobs(on) => state.show_jobs = on,
        WindowAction::ShowWelcome(on) => state.welcome = on,
        WindowAction::SetTheme(theme) => state.theme = theme,
        WindowAction::ToggleTheme => {
            state.theme = if state.dark { ThemeChoice::Light } else { ThemeChoice::Dark };
        }
        WindowAction::ChangeScale(steps) => {
            let at = SCALES.iter().position(|s| *s >= state.scale).unwrap_or(SCALES.len() - 1);
            let next = at.saturating_add_signed(steps).min(SCALES.len() - 1);
            state.scale = SCALES.get(next).copied().unwrap_or(1.0);
        }
        WindowAction::ResetScale => state.scale = 1.0,
        WindowAction::ChooseAugmentation(choice) => state.augmentation.choice = choice,
        WindowAction::NextDraw => state.augmentation.next_draw(),
        WindowAction::ResetLayout => state.layout_generation += 1,
        WindowAction::ShowPanel(id) => leading::show_panel(state, &id),
        WindowAction::FocusPanel(forward) => state.leading.focus = (state.leading.focus.0 + 1, forward),
        WindowAction::FindSettings(text) => leading::find_settings(state, text),
        WindowAction::DismissFirstTask(dismissed) => leading::dismiss(state, dismissed),
        WindowAction::ShowEpoch(epoch) => state.epoch_shown = epoch,
        WindowAction::SetOrder(order) => state.order = order,
        WindowAction::SetDraft(draft) => state.draft = *draft,
        WindowAction::Arrange(arrangement) => {
            if let Some(run) = state.selection.run.clone() {
                state.arrangements.keep_run(&run, arrangement);
            }
        }
    }
}

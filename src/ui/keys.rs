//! Keys taken before egui sees them, so that arrows step frames instead of moving the focus and space plays instead of
//! pressing the last button.

use super::action::Action;
use super::commands;
use egui::{Event, Id, Key, RawInput};

/// An egui plugin that turns key presses into actions, unless somebody types or a widget owns its keys.
#[derive(Default)]
pub struct KeyTaker {
    /// Set while a dialog is open: only Escape and function keys are ours then.
    pub modal: bool,
    actions: Vec<Action>,
    owner: Option<(Id, u64)>,
}

impl KeyTaker {
    /// What was pressed since the last call.
    pub fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }
}

/// Keys a widget with focus may keep for itself.
fn is_navigation(key: Key) -> bool {
    matches!(
        key,
        Key::ArrowLeft
            | Key::ArrowRight
            | Key::ArrowUp
            | Key::ArrowDown
            | Key::Home
            | Key::End
            | Key::Space
            | Key::PageUp
            | Key::PageDown
    )
}

/// Lets the widget `id` keep arrows, space, Home and End while it has the focus (a matrix one walks through, a slider).
/// Call it every frame the widget is drawn.
pub fn keep_navigation(ctx: &egui::Context, id: Id) {
    if ctx.memory(|m| m.has_focus(id)) {
        let pass = ctx.cumulative_pass_nr();
        ctx.with_plugin(|p: &mut KeyTaker| p.owner = Some((id, pass)));
    }
}

impl egui::Plugin for KeyTaker {
    fn debug_name(&self) -> &'static str {
        "kinolens keys"
    }

    fn input_hook(&mut self, ctx: &egui::Context, input: &mut RawInput) {
        if !input.events.iter().any(|e| matches!(e, Event::Key { pressed: true, .. })) {
            return;
        }
        if self.modal || ctx.any_popup_open() || ctx.text_edit_focused() {
            // F1 helps everywhere; the rest belongs to whoever has the keyboard.
            return;
        }
        let focused = ctx.memory(|m| m.focused());
        let now = ctx.cumulative_pass_nr();
        let owned = self.owner.is_some_and(|(id, pass)| focused == Some(id) && now.saturating_sub(pass) < 3);
        let actions = &mut self.actions;
        input.events.retain(|event| {
            let Event::Key { key, pressed: true, modifiers, repeat, .. } = event else { return true };
            if owned && is_navigation(*key) && !modifiers.any() {
                return true;
            }
            let Some(command) = commands::find(*key, *modifiers) else { return true };
            let action = (command.action)();
            // Holding a key may step and fade, but must not toggle.
            if !repeat || matches!(action, Action::Step(_) | Action::ChangeAlpha(_) | Action::StepVideo(_)) {
                actions.push(action);
            }
            false
        });
    }
}

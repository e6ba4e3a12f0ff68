//! Keys taken before egui sees them, so that arrows step frames instead of moving the focus and space plays instead of
//! pressing the last button.

use super::action::Action;
use super::commands;
use super::state::Dialog;
use crate::ui::action::{ChooseAction, DrawAction, TimeAction, WindowAction};
use crate::ui::widgets::navigation::keeps_navigation;
use egui::{Event, Key, RawInput};

/// An egui plugin that turns key presses into actions, unless somebody types or a widget owns its keys.
#[derive(Default)]
pub struct KeyTaker {
    /// Set while a dialog is open: only F1 is ours then, and Escape that of the dialog.
    pub modal: bool,
    actions: Vec<Pressed>,
    /// Keys that are down. Which presses are repeats is told only after this plugin.
    held: Vec<Key>,
}

/// What a key press asks for.
#[derive(Clone, Debug)]
pub struct Pressed {
    /// The action.
    pub action: Action,
    /// The key is held, and has asked for it before.
    pub repeat: bool,
}

/// True for the action that is heard whoever has the keyboard: help.
fn helps(key: Key, action: &Action) -> bool {
    key == Key::F1 && matches!(action, Action::Window(WindowAction::SetDialog(Some(Dialog::Keys))))
}

impl KeyTaker {
    /// What was pressed since the last call.
    pub fn take(&mut self) -> Vec<Pressed> {
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

impl egui::Plugin for KeyTaker {
    fn debug_name(&self) -> &'static str {
        "kinolens keys"
    }

    fn input_hook(&mut self, ctx: &egui::Context, input: &mut RawInput) {
        if !input.focused {
            // Releases go to another window.
            self.held.clear();
        }
        if !input.events.iter().any(|e| matches!(e, Event::Key { .. })) {
            return;
        }
        // F1 helps everywhere; the rest belongs to whoever has the keyboard.
        let guarded = self.modal || ctx.any_popup_open() || ctx.text_edit_focused();
        let owned = keeps_navigation(ctx);
        let (actions, held) = (&mut self.actions, &mut self.held);
        input.events.retain(|event| {
            let Event::Key { key, pressed, modifiers, repeat, .. } = event else { return true };
            let repeat = *repeat || held.contains(key);
            held.retain(|k| k != key);
            if !pressed {
                return true;
            }
            held.push(*key);
            if owned && is_navigation(*key) && !modifiers.any() {
                return true;
            }
            let Some(command) = commands::find(*key, *modifiers) else { return true };
            let action = (command.action)();
            if guarded && !helps(*key, &action) {
                return true;
            }
            if guarded {
                // A list or menu that is open would cover the help.
                egui::Popup::close_all(ctx);
            }
            // Holding a key may step and fade, but must not toggle.
            if !repeat
                || matches!(
                    action,
                    Action::Time(TimeAction::Step(_))
                        | Action::Draw(DrawAction::ChangeAlpha(_))
                        | Action::Choose(ChooseAction::StepVideo(_))
                )
            {
                actions.push(Pressed { action, repeat });
            }
            false
        });
    }
}

//! What a panel is. The list of all panels is [`super::PANELS`].

use super::services::Services;
use super::{Action, AppState, Workspace};

/// A row of the panel registry.
pub struct PanelSpec {
    /// Id in saved layouts; never changes once released.
    pub id: &'static str,
    /// Name on the tab.
    pub title: &'static str,
    /// Workspaces that can show it.
    pub workspaces: &'static [Workspace],
    /// Makes the panel with its own view state.
    pub build: fn() -> Box<dyn Panel>,
}

/// A part of the window with view state of its own (scroll positions, sort orders, text being typed).
pub trait Panel {
    /// Draws the panel and pushes what the person asked for.
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>);
}

/// What a panel sees while it draws.
pub struct PanelCx<'a> {
    /// Everything the window knows; read only.
    pub state: &'a AppState,
    /// Frames, masks, poses, thumbnails and the GPU.
    pub services: &'a Services,
    /// What the person asked for in this frame; [`super::dispatch`] does it afterwards.
    pub actions: &'a mut Vec<Action>,
}

impl PanelCx<'_> {
    /// Asks for something.
    pub fn send(&mut self, action: impl Into<Action>) {
        self.actions.push(action.into());
    }
}

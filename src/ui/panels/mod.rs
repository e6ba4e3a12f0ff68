//! The panels and their registry.

mod explorer;
mod inspector;

use super::panel::PanelSpec;
use super::state::Workspace;

/// Every panel.
pub const PANELS: &[PanelSpec] = &[
    PanelSpec {
        id: "explorer",
        title: "Explorer",
        workspaces: &[Workspace::Data, Workspace::Review],
        build: || Box::<explorer::Explorer>::default(),
    },
    PanelSpec {
        id: "inspector",
        title: "Inspector",
        workspaces: &[Workspace::Data, Workspace::Review],
        build: || Box::new(inspector::Inspector),
    },
];

/// A panel by its id.
pub fn find(id: &str) -> Option<&'static PanelSpec> {
    PANELS.iter().find(|p| p.id == id)
}

//! The panels and their registry.
//!
//! A panel draws from the state and the services it is given, keeps only view state of its own (scroll positions, text being
//! typed), and sends actions. It never changes the state, starts a job or touches the disk.

mod augmentation;
mod evaluate_clips;
mod evaluate_report;
mod explorer;
mod inspector;
mod ledger;
mod review;
mod review_controls;
mod statistics;
mod timeline;
mod timeline_tracks;
mod train_config;
mod train_live;
mod train_tracks;
mod transport;
mod videos;
mod viewer;
mod warnings;

pub(super) use timeline_tracks::instance_name;

use super::panel::{PanelCx, PanelSpec};
use super::state::{Filter, Workspace};
use crate::ui::action::ChooseAction;

use Workspace::{Data, Review};

/// Says so where the filter leaves no video of the dataset, with a way back; true then.
fn nothing_passes(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) -> bool {
    let Some(sentence) = cx.state.narrowed().filter(|_| cx.state.filtered.is_empty()) else { return false };
    let text = format!("The filter is '{}'.", cx.state.filter.text.trim());
    if super::widgets::style::empty_state(ui, &sentence, &text, Some("Show all videos")) {
        cx.send(ChooseAction::SetFilter(Filter::default()));
    }
    true
}

/// Every panel.
pub const PANELS: &[PanelSpec] = &[
    PanelSpec {
        id: "explorer",
        title: "Explorer",
        workspaces: &[Data, Review],
        build: || Box::<explorer::Explorer>::default(),
    },
    PanelSpec {
        id: "inspector",
        title: "Inspector",
        workspaces: &[Data, Review],
        build: || Box::<inspector::Inspector>::default(),
    },
    PanelSpec {
        id: "timeline",
        title: "Timeline",
        workspaces: &[Data, Review],
        build: || Box::<timeline::Timeline>::default(),
    },
    PanelSpec { id: "videos", title: "Videos", workspaces: &[Data], build: || Box::<videos::Videos>::default() },
    PanelSpec { id: "viewer", title: "Viewer", workspaces: &[Data], build: || Box::new(viewer::Viewer) },
    PanelSpec {
        id: "statistics",
        title: "Statistics",
        workspaces: &[Data],
        build: || Box::<statistics::StatisticsPanel>::default(),
    },
    PanelSpec {
        id: "warnings",
        title: "Warnings",
        workspaces: &[Data],
        build: || Box::<warnings::Warnings>::default(),
    },
    PanelSpec { id: "ledger", title: "Ledger", workspaces: &[Data], build: || Box::<ledger::LedgerPanel>::default() },
    PanelSpec {
        id: "augmentation",
        title: "Augmentation",
        workspaces: &[Data, Workspace::Train],
        build: || Box::<augmentation::Augmentation>::default(),
    },
    PanelSpec { id: "review", title: "Review", workspaces: &[Review], build: || Box::new(review::Review) },
    PanelSpec {
        id: "train-config",
        title: "Configuration",
        workspaces: &[Workspace::Train],
        build: || Box::<train_config::TrainConfig>::default(),
    },
    PanelSpec {
        id: "train-live",
        title: "Dashboard",
        workspaces: &[Workspace::Train],
        build: || Box::<train_live::TrainLive>::default(),
    },
    PanelSpec {
        id: "evaluate-report",
        title: "Report",
        workspaces: &[Workspace::Evaluate],
        build: || Box::<evaluate_report::EvaluateReport>::default(),
    },
    PanelSpec {
        id: "evaluate-clips",
        title: "Clips",
        workspaces: &[Workspace::Evaluate],
        build: || Box::<evaluate_clips::EvaluateClips>::default(),
    },
];

/// A panel by its id.
pub fn find(id: &str) -> Option<&'static PanelSpec> {
    PANELS.iter().find(|p| p.id == id)
}

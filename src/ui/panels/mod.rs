//! The panels and their registry.
//!
//! A panel draws from the state and the services it is given, keeps only view state of its own (scroll positions, text being
//! typed), and sends actions. It never changes the state, starts a job or touches the disk.

mod activations;
mod augmentation;
mod channel_picture;
mod clip_map;
mod clip_menu;
mod compare_classes;
mod compare_clips;
mod compare_curves;
mod compare_difference;
mod compare_parts;
mod compare_runs;
mod compare_settings;
mod compare_table;
mod evaluate_clips;
mod evaluate_epochs;
mod evaluate_report;
mod experiment;
mod experiment_form;
mod explorer;
mod figures;
mod inside_parts;
mod inspector;
mod kernels;
mod label_issue_rows;
mod label_issues;
mod layer_statistics;
mod ledger;
mod motion_test;
mod network_graph;
pub mod next_steps;
mod review;
mod review_controls;
mod review_features;
mod statistics;
mod survey_cards;
mod timeline;
mod timeline_edit;
mod timeline_overview;
mod timeline_tracks;
mod train_config;
mod train_layers;
mod train_live;
mod train_others;
mod train_rate;
mod train_tracks;
mod train_watched;
mod transport;
mod units;
mod videos;
mod videos_grid;
mod videos_list;
mod videos_table;
mod viewer;
mod warnings;

pub(super) use timeline_tracks::instance_name;

use super::panel::{PanelCx, PanelSpec};
use super::state::{Filter, Workspace};
use super::theme;
use crate::ui::action::{ChooseAction, WorkAction};

use Workspace::{Compare, Data, Inside, Review};

/// Says so where the filter leaves no video of the dataset, with a way back; true then.
fn nothing_passes(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) -> bool {
    let Some(sentence) = cx.state.narrowed().filter(|_| cx.state.filtered.is_empty()) else { return false };
    let text = format!("The filter is '{}'.", cx.state.filter.text.trim());
    if super::widgets::style::empty_state(ui, &sentence, &text, Some("Show all videos")) {
        cx.send(ChooseAction::SetFilter(Filter::default()));
    }
    true
}

/// Narrows the dataset to what has this at this place, besides what the filter says already; an empty value takes that off.
fn narrow(cx: &mut PanelCx<'_>, place: &str, value: &str) {
    let text = super::video_rows::with_part(&cx.state.filter.text, place, value);
    cx.send(ChooseAction::SetFilter(Filter { text }));
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
    PanelSpec { id: "review", title: "Review", workspaces: &[Review], build: || Box::<review::Review>::default() },
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
        id: "experiment",
        title: "Experiment",
        workspaces: &[Workspace::Train],
        build: || Box::<experiment::ExperimentPanel>::default(),
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
    PanelSpec {
        id: "network-graph",
        title: "Network graph",
        workspaces: &[Inside],
        build: || Box::<network_graph::NetworkGraph>::default(),
    },
    PanelSpec {
        id: "activations",
        title: "Activations",
        workspaces: &[Inside],
        build: || Box::<activations::Activations>::default(),
    },
    PanelSpec { id: "kernels", title: "Kernels", workspaces: &[Inside], build: || Box::<kernels::Kernels>::default() },
    PanelSpec {
        id: "clip-map",
        title: "Clip map",
        workspaces: &[Inside],
        build: || Box::<clip_map::ClipMapPanel>::default(),
    },
    PanelSpec {
        id: "layer-statistics",
        title: "Layer statistics",
        workspaces: &[Inside],
        build: || Box::<layer_statistics::LayerStatisticsPanel>::default(),
    },
    PanelSpec {
        id: "units",
        title: "Units by example",
        workspaces: &[Inside],
        build: || Box::<units::Units>::default(),
    },
    PanelSpec {
        id: "motion-test",
        title: "Motion test",
        workspaces: &[Workspace::Evaluate, Compare],
        build: || Box::<motion_test::MotionTestPanel>::default(),
    },
    PanelSpec {
        id: "label-issues",
        title: "Labels in doubt",
        workspaces: &[Workspace::Evaluate, Compare],
        build: || Box::<label_issues::LabelIssuesPanel>::default(),
    },
    PanelSpec {
        id: "compare-runs",
        title: "Runs to compare",
        workspaces: &[Compare],
        build: || Box::<compare_runs::CompareRunsPanel>::default(),
    },
    PanelSpec {
        id: "compare-table",
        title: "Scores and tests",
        workspaces: &[Compare],
        build: || Box::<compare_table::CompareTable>::default(),
    },
    PanelSpec {
        id: "compare-curves",
        title: "Curves",
        workspaces: &[Compare],
        build: || Box::<compare_curves::CompareCurves>::default(),
    },
    PanelSpec {
        id: "compare-classes",
        title: "Classes",
        workspaces: &[Compare],
        build: || Box::<compare_classes::CompareClasses>::default(),
    },
    PanelSpec {
        id: "compare-difference",
        title: "A minus B",
        workspaces: &[Compare],
        build: || Box::<compare_difference::CompareDifference>::default(),
    },
    PanelSpec {
        id: "compare-settings",
        title: "Different settings",
        workspaces: &[Compare],
        build: || Box::<compare_settings::CompareSettings>::default(),
    },
    PanelSpec {
        id: "compare-clips",
        title: "Fixed and broken clips",
        workspaces: &[Compare],
        build: || Box::<compare_clips::CompareClips>::default(),
    },
];

/// How far looking into the videos of a large dataset is, with a button where it was stopped.
fn indexing(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let Some((note, goes_on)) = cx.state.indexing_note() else { return };
    ui.horizontal_wrapped(|ui| {
        ui.label(egui::RichText::new(note).text_style(theme::caption()).weak()).on_hover_text(
            "The dataset is large: its lists are read, its videos are looked into in the background, those on screen first. \
             What is not known yet is not counted.",
        );
        if !goes_on && ui.button("Go on indexing").clicked() {
            cx.send(WorkAction::IndexOn);
        }
    });
}

/// A panel by its id.
pub fn find(id: &str) -> Option<&'static PanelSpec> {
    PANELS.iter().find(|p| p.id == id)
}

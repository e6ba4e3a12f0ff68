//! The kinds of jobs, one a file.
//!
//! Each is a struct of what is asked, with its lane, its title, what a stop does to it, its work and its answer
//! ([`JobKind`](super::JobKind)). The list of them is in `jobs/job.rs`.

mod ask_run;
mod compare_runs;
mod evaluate;
mod explain;
mod export_labels;
mod find_label_issues;
mod find_rate;
mod guess_network;
mod heatmap_videos;
mod import_weights;
mod index_videos;
mod inspect_weights;
mod lay_out_experiment;
mod look_inside;
mod make_demo;
mod open_dataset;
mod open_run;
mod overlay_video;
mod predict_video;
mod preview_augmentation;
mod read_kernels;
mod read_table;
mod run_experiment;
mod save_corrections;
mod save_notes;
mod survey_layers;
mod test_motion;
mod train;
mod watch_run;
mod write_inside_page;
mod write_report;

pub use ask_run::AskRun;
pub use compare_runs::CompareRuns;
pub use evaluate::Evaluate;
pub use explain::{ExplainRequest, heat_on_body};
pub use export_labels::ExportLabels;
pub use find_label_issues::FindLabelIssues;
pub use find_rate::FindRate;
pub use guess_network::GuessNetwork;
pub use heatmap_videos::{ExportRequest, holds_export, is_sample};
pub use import_weights::ImportWeights;
pub use index_videos::{IndexVideos, Indexing};
pub use inspect_weights::InspectWeights;
pub use lay_out_experiment::LayOutExperiment;
pub use look_inside::LookInside;
pub use make_demo::MakeDemo;
pub use open_dataset::OpenDataset;
pub use open_run::OpenRun;
pub use overlay_video::OverlayVideo;
pub use predict_video::PredictVideo;
pub use preview_augmentation::PreviewAugmentation;
pub use read_kernels::ReadKernels;
pub use read_table::ReadTable;
pub use run_experiment::RunExperiment;
pub use save_corrections::SaveCorrections;
pub use save_notes::SaveNotes;
pub use survey_layers::SurveyLayers;
pub use test_motion::TestMotion;
pub use train::Train;
pub use watch_run::WatchRun;
pub use write_inside_page::WriteInsidePage;
pub use write_report::WriteReport;

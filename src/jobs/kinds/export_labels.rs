//! Labels of a dataset as files: in its own layout, or for other tools with what a network says beside them.

use super::compare_runs::CompareRuns;
use crate::compare::EvaluatedRun;
use crate::data::{LabelFiles, LabelTool, SaidPart, WrittenLabels, export_labels, look_into_all, write_labels};
use crate::domain::{ClassMatch, Dataset, SplitChoice};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::jobs::requests::CheckpointRef;
use crate::progress::Monitor;
use std::path::PathBuf;
use std::sync::Arc;

/// Writes labels as files.
#[derive(Clone, Debug)]
pub struct ExportLabels {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// The videos of which part.
    pub split: SplitChoice,
    /// The tool; `None` writes the labels of all videos, corrections among them, in the layout of the dataset or as a table.
    pub tool: Option<LabelTool>,
    /// The network whose predictions stand beside the labels: those of an evaluation that is there, or of a new one.
    pub predictions: Option<CheckpointRef>,
    /// How labels become classes of its run.
    pub class_match: ClassMatch,
    /// The folder to write to.
    pub out: PathBuf,
}

impl JobKind for ExportLabels {
    type Answer = (PathBuf, Arc<WrittenLabels>);

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        match self.tool {
            Some(tool) => format!("export labels for {}", tool.title()),
            None => "export labels".to_owned(),
        }
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let Self { dataset, split, tool, predictions, class_match, out } = self;
        let dataset = look_into_all(&dataset, monitor)?;
        let Some(tool) = tool else {
            let LabelFiles { files, notes, .. } = write_labels(&dataset, &out)?;
            notes.iter().for_each(|sentence| monitor.warn(sentence.clone()));
            return Ok(Done::Finished((out, Arc::new(WrittenLabels { files, ..WrittenLabels::default() }))));
        };
        let said = match predictions {
            Some(checkpoint) => {
                let compare = CompareRuns {
                    runs: vec![checkpoint],
                    dataset: Some(dataset.clone()),
                    split: Some(split),
                    class_match,
                    time: false,
                    seed: 0,
                };
                Some(compare.evaluated(state, monitor)?.iter().flat_map(said_parts).collect::<Vec<_>>())
            }
            None => None,
        };
        let written = export_labels(&dataset, split, said.as_deref(), tool, &out, monitor)?;
        written.left_out.iter().for_each(|sentence| monitor.warn(sentence.clone()));
        Ok(Done::Finished((out, Arc::new(written))))
    }

    fn output((out, _): Self::Answer) -> Output {
        Output::Exported(out)
    }
}

/// What a network said about each clip: the most probable class, or of a multi-label task those of one half or more.
fn said_parts(run: &EvaluatedRun) -> Vec<SaidPart> {
    let span = run.config.clip.geometry().span();
    let classes = &run.evaluation.classes;
    let parts = run.predictions.clips.iter().flat_map(|clip| {
        clip.said_classes().into_iter().map(move |class| SaidPart {
            video: clip.video.clone(),
            start: clip.start,
            end: clip.cut.end_of(clip.start, span),
            class: classes.name(class).to_owned(),
            confidence: clip.probabilities.get(class).copied().unwrap_or(0.0),
        })
    });
    parts.collect()
}

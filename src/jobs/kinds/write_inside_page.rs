//! The inside of a network for a clip as one page.

use super::look_inside::LookInside;
use super::read_kernels::ReadKernels;
use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::inside_files::{InsideParts, write_inside_page};
use crate::jobs::inside_view::LayerSurvey;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::progress::Monitor;
use std::path::PathBuf;
use std::sync::Arc;

/// Writes what the layers of a network give for a clip, its kernels and the network drawn to one HTML file.
#[derive(Clone, Debug)]
pub struct WriteInsidePage {
    /// The network, the clip and the layers; with pictures.
    pub look: LookInside,
    /// Layers whose kernels are drawn.
    pub kernels_of: Vec<String>,
    /// Layers over many clips, where that is known.
    pub survey: Option<Arc<LayerSurvey>>,
    /// The file.
    pub out: PathBuf,
}

impl JobKind for WriteInsidePage {
    type Answer = PathBuf;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        format!("page of the inside of {}", leaf(&self.look.checkpoint.run))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.look.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let Self { look, kernels_of, survey, out } = self;
        let checkpoint = look.checkpoint.clone();
        let Done::Finished(view) = look.work(state, monitor)? else { return Err(JobError::Stopped) };
        let read = ReadKernels { checkpoint, layers: Vec::new(), over_checkpoints: false };
        let Done::Finished(kernels) = read.work(state, monitor)? else { return Err(JobError::Stopped) };
        monitor.stage("writing the page", 0, 0);
        let parts = InsideParts { view: &view, kernels: &kernels, kernels_of: &kernels_of, survey: survey.as_deref() };
        write_inside_page(&parts, &out)?;
        Ok(Done::Finished(out))
    }

    fn output(out: Self::Answer) -> Output {
        Output::Exported(out)
    }
}

//! Reading the first rows of a table whose columns somebody assigns.

use crate::config::TableColumns;
use crate::data::table_preview;
use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::jobs::requests::TableView;
use crate::progress::Monitor;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows that are read.
const ROWS: usize = 12;

/// Reads the first rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadTable {
    /// The table.
    pub path: PathBuf,
    /// What its columns say so far.
    pub columns: TableColumns,
}

impl JobKind for ReadTable {
    type Answer = Arc<TableView>;

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        format!("read {}", leaf(&self.path))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, _: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let preview = table_preview(&self.path, &self.columns, ROWS)?;
        Ok(Done::Finished(Arc::new(TableView { path: self.path, columns: self.columns, preview })))
    }

    fn output(view: Self::Answer) -> Output {
        Output::Table(view)
    }
}

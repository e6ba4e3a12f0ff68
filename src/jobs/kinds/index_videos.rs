//! Looking into the videos of a large dataset while people work with what is known.

use crate::data::{Part, conclude};
use crate::domain::Dataset;
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::jobs::requests::{Indexed, News};
use crate::progress::Monitor;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Looks into videos that nobody looked into yet, for a while; then into no more, so that what was found can be shown. Once
/// none is left, it compares them.
#[derive(Clone, Debug)]
pub struct IndexVideos {
    /// What is to be done.
    pub work: Indexing,
    /// Somebody waits for it.
    pub now: bool,
    /// How long videos are looked into.
    pub time: Duration,
}

/// A part of the work of indexing.
#[derive(Clone, Debug)]
pub enum Indexing {
    /// Look into some videos of a dataset of so many, of which so many are known.
    Look(Arc<Part>, (u64, u64)),
    /// Compare all videos.
    Compare(Arc<Dataset>),
}

impl Indexing {
    /// The dataset, or what is known of it.
    fn dataset(&self) -> &Dataset {
        match self {
            Self::Look(part, _) => part.dataset(),
            Self::Compare(dataset) => dataset,
        }
    }
}

impl JobKind for IndexVideos {
    type Answer = Box<Indexed>;

    fn lane(&self) -> Lane {
        if self.now { Lane::Interactive } else { Lane::Index }
    }

    fn title(&self) -> String {
        format!("index {}", self.work.dataset().name)
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let dataset = self.work.dataset();
        if dataset.indexing.is_none() {
            let root = dataset.root.display();
            return Err(JobError::Missing(format!("there is nothing to index in {root}: all of it is known")));
        }
        let news = match self.now {
            true => self.news(monitor),
            // The other processors are for the shown clip, and for whatever else runs.
            false => {
                let half = std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2));
                let pool = rayon::ThreadPoolBuilder::new().num_threads(half).build();
                pool.map_or_else(|_| self.news(monitor), |pool| pool.install(|| self.news(monitor)))
            }
        };
        let (root, fingerprint) = (dataset.root.clone(), dataset.fingerprint.clone());
        Ok(Done::Finished(Box::new(Indexed { root, fingerprint, news: news? })))
    }

    fn output(indexed: Self::Answer) -> Output {
        Output::Indexed(indexed)
    }
}

impl IndexVideos {
    fn news(&self, monitor: &dyn Monitor) -> Result<News, JobError> {
        match &self.work {
            Indexing::Compare(dataset) => Ok(News::Compared(conclude(dataset, monitor)?)),
            Indexing::Look(part, count) => {
                let begun = Instant::now();
                Ok(News::Videos(part.look(*count, &|| begun.elapsed() >= self.time, monitor)?))
            }
        }
    }
}

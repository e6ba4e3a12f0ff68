//! The worker lanes: one thread each, fed by commands, answering with events.

use super::error::JobError;
use super::event::{Event, EventBody, JobId};
use super::job::{Job, run};
use super::kind::{Done, Lane, OnStop};
use super::lane::LaneState;
use crate::config::DeviceChoice;
use crate::data::DataError;
use crate::progress::{Flow, Monitor, Progress, Silent, StepReport, panic_reason};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Called from worker threads whenever there is something to drain.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// How a job is run.
type Run = fn(Job, &mut LaneState, &dyn Monitor) -> Result<Done, JobError>;

/// Events waiting for the window. Training emits a handful an epoch, so this is minutes of a hidden window.
const QUEUE: usize = 4096;
/// Jobs that may wait for a lane; people ask for a handful.
const WAITING: usize = 1024;
/// How long the end of the program waits for jobs that a stop does not end.
const LAST_WRITES: Duration = Duration::from_secs(10);
/// Step reports kept for a window that does not look; older ones give way.
const STEPS_KEPT: usize = 20_000;

/// What the threads and the window share about one job.
#[derive(Debug, Default)]
struct Shared {
    flow: AtomicU8,
    /// It has ended.
    over: AtomicBool,
    /// A stop does not end it.
    must_finish: bool,
    share: Mutex<Option<Progress>>,
    stage: Mutex<Option<Progress>>,
    steps: Mutex<Vec<StepReport>>,
}

fn to_flow(v: u8) -> Flow {
    match v {
        1 => Flow::Pause,
        2 => Flow::Finish,
        3 => Flow::Stop,
        _ => Flow::Continue,
    }
}

fn from_flow(f: Flow) -> u8 {
    match f {
        Flow::Continue => 0,
        Flow::Pause => 1,
        Flow::Finish => 2,
        Flow::Stop => 3,
    }
}

struct LaneMonitor {
    job: JobId,
    shared: Arc<Shared>,
    events: Sender<Event>,
    wake: Wake,
}

impl LaneMonitor {
    /// Sends an event that must not be lost. Blocks only when thousands are unread.
    fn send(&self, body: EventBody) {
        // A closed channel means the window is gone; the job then ends by its flow flag.
        let _ = self.events.send(Event { job: self.job, body });
        (self.wake)();
    }
}

impl Monitor for LaneMonitor {
    fn emit(&self, progress: Progress) {
        match progress {
            // Steps and stages are too frequent to queue: they wait in place until somebody looks.
            Progress::Step(step) => {
                let mut steps = self.shared.steps.lock();
                if steps.len() >= STEPS_KEPT {
                    steps.drain(..STEPS_KEPT / 2);
                }
                steps.push(step);
                // A stage told before this step is over.
                *self.shared.stage.lock() = None;
            }
            Progress::Stage { .. } => *self.shared.stage.lock() = Some(progress),
            Progress::Share(_) => *self.shared.share.lock() = Some(progress),
            Progress::Log(_) | Progress::Logged(_) => {
                let event = Event { job: self.job, body: EventBody::Progress(progress) };
                if let Err(TrySendError::Full(_)) = self.events.try_send(event) {
                    log::debug!("a log line was dropped: nobody drains the events");
                }
            }
            other => return self.send(EventBody::Progress(other)),
        }
        (self.wake)();
    }

    fn poll(&self) -> Flow {
        if self.shared.must_finish {
            return Flow::Continue;
        }
        to_flow(self.shared.flow.load(Ordering::Relaxed))
    }
}

struct Ticket {
    id: JobId,
    job: Job,
    shared: Arc<Shared>,
}

/// Starts jobs and hands their events back. Dropping it asks every job to stop, and waits a while for those that a stop
/// does not end.
pub struct Engine {
    lanes: HashMap<Lane, Sender<Ticket>>,
    jobs: Mutex<HashMap<JobId, Arc<Shared>>>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    next: AtomicU64,
    device: Arc<Mutex<String>>,
}

impl Engine {
    /// Starts the lanes. `wake` is called from worker threads whenever there is something to drain.
    pub fn new(wake: Wake) -> std::io::Result<Engine> {
        Self::with(wake, run)
    }

    /// Starts the lanes with another way to run a job.
    fn with(wake: Wake, run: Run) -> std::io::Result<Engine> {
        let (sender, events) = crossbeam_channel::bounded(QUEUE);
        let device = Arc::new(Mutex::new(String::new()));
        let mut lanes = HashMap::new();
        for lane in Lane::ALL {
            let (tx, rx) = crossbeam_channel::bounded::<Ticket>(WAITING);
            let (events, wake, device) = (sender.clone(), wake.clone(), device.clone());
            std::thread::Builder::new().name(format!("lane-{}", lane.name())).spawn(move || {
                let mut state = LaneState::new(device);
                if lane == Lane::Interactive {
                    // Testing a GPU takes a moment; it is done before anybody waits for it. What went wrong is told
                    // by the first job that would have used it.
                    state.device(DeviceChoice::Auto, &Silent);
                    state.forget();
                    wake();
                }
                for ticket in rx {
                    let monitor = LaneMonitor {
                        job: ticket.id,
                        shared: ticket.shared,
                        events: events.clone(),
                        wake: wake.clone(),
                    };
                    let body = work(ticket.job, &mut state, &monitor, run);
                    monitor.shared.over.store(true, Ordering::Release);
                    monitor.send(body);
                }
            })?;
            lanes.insert(lane, tx);
        }
        Ok(Engine { lanes, jobs: Mutex::default(), events, sender, next: AtomicU64::new(1), device })
    }

    /// Queues a job on its lane.
    pub fn start(&self, job: Job) -> JobId {
        let id = JobId(self.next.fetch_add(1, Ordering::Relaxed));
        let shared = Arc::new(Shared { must_finish: job.on_stop() == OnStop::Ignored, ..Shared::default() });
        self.jobs.lock().insert(id, shared.clone());
        let sent = match self.lanes.get(&job.lane()) {
            Some(lane) => lane.try_send(Ticket { id, job, shared: shared.clone() }),
            None => return self.refuse(id, &shared, "there is no worker thread for this job"),
        };
        match sent {
            Ok(()) => id,
            Err(TrySendError::Full(_)) => {
                self.refuse(id, &shared, "too many jobs wait already; try again when some have ended")
            }
            Err(TrySendError::Disconnected(_)) => {
                let gone = "the worker thread for this job is gone; save your work and start kinolens again";
                self.refuse(id, &shared, gone)
            }
        }
    }

    /// Ends a job that no lane takes.
    fn refuse(&self, id: JobId, shared: &Shared, why: &str) -> JobId {
        shared.over.store(true, Ordering::Release);
        let _ = self.sender.try_send(Event { job: id, body: EventBody::Failed(why.to_owned()) });
        id
    }

    /// Tells a job to pause, go on, finish or stop; it looks between its steps.
    pub fn control(&self, job: JobId, flow: Flow) {
        if let Some(shared) = self.jobs.lock().get(&job) {
            shared.flow.store(from_flow(flow), Ordering::Relaxed);
        }
    }

    /// Everything that happened since the last call, in order; of stages only the newest.
    pub fn drain(&self) -> Vec<Event> {
        let mut out = Vec::new();
        let mut jobs = self.jobs.lock();
        let queued: Vec<Event> = self.events.try_iter().collect();
        // Steps lie beside the queue. They go first, so that an epoch's steps come before its end.
        for (id, shared) in jobs.iter() {
            let steps = std::mem::take(&mut *shared.steps.lock());
            let (share, stage) = (shared.share.lock().take(), shared.stage.lock().take());
            let all = share.into_iter().chain(steps.into_iter().map(Progress::Step)).chain(stage);
            out.extend(all.map(|p| Event { job: *id, body: EventBody::Progress(p) }));
        }
        for event in queued {
            let over = match event.body {
                EventBody::Started | EventBody::Progress(_) => false,
                EventBody::Finished(_) | EventBody::Cancelled(_) | EventBody::Asked(..) => true,
                EventBody::AskedTable(_) | EventBody::Failed(_) => true,
            };
            if over {
                jobs.remove(&event.job);
            }
            out.push(event);
        }
        out
    }

    /// Jobs queued or running.
    pub fn running(&self) -> usize {
        self.jobs.lock().len()
    }

    /// The device computations run on, for people; empty until the first network was used.
    pub fn device(&self) -> String {
        self.device.lock().clone()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let jobs = self.jobs.lock();
        for shared in jobs.values() {
            shared.flow.store(from_flow(Flow::Stop), Ordering::Relaxed);
        }
        let began = Instant::now();
        while jobs.values().any(|s| s.must_finish && !s.over.load(Ordering::Acquire)) && began.elapsed() < LAST_WRITES {
            // Lanes send what they have to say; nobody else reads it any more.
            self.events.try_iter().for_each(drop);
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Runs one job and turns every way it can end into an event.
fn work(
    job: Job,
    state: &mut LaneState,
    monitor: &LaneMonitor,
    run: impl FnOnce(Job, &mut LaneState, &dyn Monitor) -> Result<Done, JobError>,
) -> EventBody {
    if monitor.stopped() {
        return EventBody::Cancelled(None);
    }
    monitor.send(EventBody::Started);
    let title = job.title();
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| run(job, state, monitor)));
    match result {
        Ok(Ok(Done::Finished(output))) => EventBody::Finished(output),
        Ok(Ok(Done::Cancelled(output))) => EventBody::Cancelled(output),
        Ok(Err(JobError::Stopped)) => EventBody::Cancelled(None),
        Ok(Err(JobError::Data(DataError::Choice { path, choice }))) => EventBody::Asked(path, *choice),
        Ok(Err(JobError::Data(DataError::UnknownFormat { path, .. }))) if crate::data::is_table(&path) => {
            EventBody::AskedTable(path)
        }
        Ok(Err(error)) => EventBody::Failed(error.to_string()),
        Err(panic) => {
            // Whatever the lane had loaded may be half changed; the next job loads afresh.
            state.forget();
            EventBody::Failed(panic_sentence(&title, panic.as_ref()))
        }
    }
}

/// What a caught panic says, as a sentence for people.
pub fn panic_sentence(title: &str, panic: &(dyn std::any::Any + Send)) -> String {
    let reason = panic_reason(panic);
    format!(
        "'{title}' ended by an internal error: {reason}. Nothing else was affected; checkpoints on disk are whole. \
         Please report this with the log."
    )
}

#[cfg(test)]
mod tests {
    use super::super::kinds::{
        Evaluate, ExplainRequest, IndexVideos, Indexing, OpenRun, PredictVideo, SaveNotes, Train,
    };
    use super::super::requests::{CheckpointRef, ClipRef};
    use super::*;
    use crate::domain::SplitChoice;

    #[test]
    fn a_job_that_panics_becomes_a_sentence_and_the_lane_goes_on() {
        let (events, told) = crossbeam_channel::bounded(8);
        let monitor = LaneMonitor { job: JobId(1), shared: Arc::new(Shared::default()), events, wake: Arc::new(|| {}) };
        let mut state = LaneState::default();
        let job = || Job::OpenRun(OpenRun { path: "run".into() });
        let first = work(job(), &mut state, &monitor, |_, _, _| panic!("index 7 is out of range"));
        assert!(matches!(&first, EventBody::Failed(s) if s.contains("internal error") && s.contains("index 7")));
        // The same lane state serves the next job, which fails for a reason of its own.
        let second = work(job(), &mut state, &monitor, run);
        assert!(matches!(&second, EventBody::Failed(s) if s.contains("does not exist")), "{second:?}");
        assert_eq!(told.len(), 2, "both jobs were told to have started");
    }

    /// Panics for a job whose files are called "broken", and runs the others.
    fn fragile(job: Job, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done, JobError> {
        let broken = matches!(&job, Job::Explain(r) if r.checkpoint.run.ends_with("broken"));
        if broken || job.title().contains("broken") || matches!(&job, Job::PredictVideo(kind) if kind.video == "broken")
        {
            // The index is not known to the compiler, so that this is an ordinary panic of ordinary code.
            let none: Vec<u8> = Vec::with_capacity(job.title().len());
            let _ = none[job.title().len()];
        }
        run(job, state, monitor)
    }

    /// A job of each lane that works on `name`.
    fn jobs(name: &str) -> [Job; 5] {
        let dataset = Arc::new(crate::domain::Dataset { name: name.into(), ..Default::default() });
        let mut config = Box::new(crate::config::RunConfig::reference());
        config.device = DeviceChoice::Cpu;
        let checkpoint = CheckpointRef { run: format!("/nowhere/{name}").into(), name: None };
        [
            Train {
                dataset: dataset.clone(),
                config,
                out: name.into(),
                resume: false,
                force: false,
                debug: false,
                until: None,
            }
            .into(),
            PredictVideo { checkpoint: checkpoint.clone(), dataset: dataset.clone(), video: name.into() }.into(),
            heatmap_of(checkpoint, dataset.clone()),
            IndexVideos { work: Indexing::Compare(dataset), now: false, time: Duration::ZERO }.into(),
            OpenRun { path: format!("/nowhere/{name}").into() }.into(),
        ]
    }

    /// A heatmap of one clip.
    fn heatmap_of(checkpoint: CheckpointRef, dataset: Arc<crate::domain::Dataset>) -> Job {
        let clips = vec![ClipRef::default()];
        let request = ExplainRequest {
            checkpoint,
            dataset,
            clips,
            maps: Vec::new(),
            on_body: false,
            class_match: Default::default(),
        };
        request.into()
    }

    #[test]
    fn every_lane_survives_a_panic_and_goes_on() {
        let engine = Engine::with(Arc::new(|| {}), fragile).unwrap();
        let mut lanes = std::collections::HashSet::new();
        let mut wanted = Vec::new();
        for (broken, whole) in jobs("broken").into_iter().zip(jobs("whole")) {
            lanes.insert(broken.lane());
            // Both are queued at once: the second waits behind the one that panics.
            wanted.push((broken.title(), engine.start(broken), engine.start(whole)));
        }
        assert_eq!(lanes.len(), Lane::ALL.len(), "a lane is left out");
        let mut ended = HashMap::new();
        let begun = Instant::now();
        while ended.len() < 2 * Lane::ALL.len() {
            for event in engine.drain() {
                match event.body {
                    EventBody::Failed(sentence) => assert!(ended.insert(event.job, sentence).is_none(), "ended twice"),
                    EventBody::Started | EventBody::Progress(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(100), "only {ended:?} ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        for (title, broken, whole) in wanted {
            let sentence = &ended[&broken];
            for words in [title.as_str(), "internal error", "index out of bounds", "checkpoints on disk are whole"] {
                assert!(sentence.contains(words), "'{words}' is missing in: {sentence}");
            }
            // The next job of the lane ran, and failed for a reason of its own.
            assert!(!ended[&whole].contains("internal error"), "{}", ended[&whole]);
            assert!(
                ["does not exist", "nothing to train on", "nothing to index"].iter().any(|w| ended[&whole].contains(w)),
                "{}",
                ended[&whole]
            );
        }
        assert_eq!(engine.running(), 0);
    }
    fn evaluation() -> Job {
        let dataset = Arc::new(crate::domain::Dataset::default());
        let split = SplitChoice::All;
        Evaluate { checkpoint: CheckpointRef::default(), dataset, split, class_match: Default::default(), out: None }
            .into()
    }

    /// How long until the engine tells that `job` has ended.
    fn seconds_until_over(engine: &Engine, job: JobId, began: Instant) -> f64 {
        loop {
            assert!(began.elapsed() < Duration::from_secs(30), "the job never ends");
            for event in engine.drain() {
                if event.job == job && !matches!(event.body, EventBody::Started | EventBody::Progress(_)) {
                    return began.elapsed().as_secs_f64();
                }
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Evaluations and exports take until they are stopped, a heatmap takes 60 ms, and none of them the processor.
    fn patient(job: Job, _: &mut LaneState, monitor: &dyn Monitor) -> Result<Done, JobError> {
        match job {
            Job::Explain(_) => std::thread::sleep(Duration::from_millis(60)),
            _ => {
                while !monitor.stopped() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
        Err(JobError::Stopped)
    }

    #[test]
    fn a_heatmap_does_not_wait_for_batch_work() {
        let engine = Engine::with(Arc::new(|| {}), patient).unwrap();
        let heatmap = || heatmap_of(CheckpointRef::default(), Arc::new(crate::domain::Dataset::default()));
        let median = |engine: &Engine| {
            let mut times: Vec<f64> = (0..5)
                .map(|_| {
                    let began = Instant::now();
                    seconds_until_over(engine, engine.start(heatmap()), began)
                })
                .collect();
            times.sort_by(f64::total_cmp);
            times[2]
        };
        // The first one waits for the device to be tested.
        median(&engine);
        let alone = median(&engine);
        let dataset = Arc::new(crate::domain::Dataset::default());
        let predict = PredictVideo { checkpoint: CheckpointRef::default(), dataset, video: "a".into() };
        let busy: Vec<JobId> = [evaluation(), predict.into()].into_iter().map(|job| engine.start(job)).collect();
        let beside = median(&engine);
        busy.into_iter().for_each(|job| engine.control(job, Flow::Stop));
        assert!(beside <= 1.5 * alone, "{beside:.3} s beside an evaluation, {alone:.3} s alone");
    }

    #[test]
    fn notes_reach_the_disk_although_everything_is_told_to_stop() {
        let dir = tempfile::tempdir().unwrap();
        // The lane of the notes is busy with something that does end when it is told to.
        let engine = Engine::with(Arc::new(|| {}), |job, state, monitor| match job {
            Job::SaveNotes(_) => run(job, state, monitor),
            other => patient(other, state, monitor),
        });
        let engine = engine.unwrap();
        let before = engine.start(OpenRun { path: "anything".into() }.into());
        let mut notes = crate::run_folder::Notes::default();
        let note = crate::run_folder::ClipNote { text: "arm hidden".into(), ..Default::default() };
        notes.set("a.mp4", 16, note);
        let saving = engine.start(SaveNotes { run: dir.path().into(), notes: notes.clone() }.into());
        for job in [saving, before] {
            engine.control(job, Flow::Stop);
        }
        drop(engine);
        assert_eq!(crate::run_folder::Notes::load(dir.path()).unwrap(), notes);
    }
}

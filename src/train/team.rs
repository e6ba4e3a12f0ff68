//! What the processes of a training say to each other while it runs.
//!
//! All go through the same batches, of which each takes every `size`-th clip; the gradients of their clips are added up, so that
//! a step is that of one process with the whole batch, up to rounding. With the gradients travel loss, right clips, what each was
//! asked to do and whether it failed: nobody leaves the loop alone. A batch normalisation sees the clips of its own process only,
//! as on several devices; before it validates, every process takes the running statistics of the first.

use super::TrainError;
use super::arrays::{pack, unpack};
use super::crew::gathered;
use super::optim::Optimizer;
use super::progress::EpochSums;
use crate::config::RunConfig;
use crate::data::Share;
use crate::domain::bytes;
use crate::eval::hold;
use crate::model::{ArrayValues, GradientSet, NamedArray, Network, ParameterRole, read};
use crate::peers::{Peers, Width, all_know_of_the_end};
use crate::progress::{ConfusionCell, EpochReport, Flow, Monitor};
use burn::tensor::{Device, Tensor, TensorData};
use md5::{Digest, Md5};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How often processes that pause ask each other whether they go on.
const PAUSE: Duration = Duration::from_millis(200);

/// This process among those of the training.
pub(super) struct Team<'a> {
    pub peers: &'a dyn Peers,
    /// How wide gradients travel.
    pub width: Width,
    /// How many numbers each parameter has; 0 of one that does not learn.
    lengths: Vec<usize>,
    device: Device,
    /// Seconds spent on exchanging gradients since the last epoch ended.
    pub exchanging: f64,
    /// What this process counted of what was said, until it is brought together.
    said: EpochSums,
}

/// What a step came to: in this process, then in all.
pub(super) struct StepSums {
    /// Its share of the mean loss.
    pub loss: f64,
    pub right: u64,
    /// What to do next.
    pub flow: Flow,
    /// A checkpoint is due.
    pub save: bool,
    /// `None` where there are no clips or the loss is no number.
    pub gradients: Option<GradientSet>,
}

impl<'a> Team<'a> {
    pub fn new(peers: &'a dyn Peers, width: Width, network: &Network) -> Self {
        let length = |p: crate::model::ParameterInfo| if p.trainable { p.shape.iter().product() } else { 0 };
        Self {
            peers,
            width,
            lengths: network.parameter_infos().into_iter().map(length).collect(),
            device: network.device().tensor_device(),
            exchanging: 0.0,
            said: EpochSums::default(),
        }
    }

    pub fn leads(&self) -> bool {
        self.peers.leads()
    }

    /// The clips of every batch that are this process's.
    pub fn share(&self) -> Share {
        Share { first: self.peers.rank(), of: self.peers.size() }
    }

    /// What dropout seeds differ by, so that no two processes drop the same features.
    pub fn salt(&self) -> u64 {
        (self.peers.rank() as u64).wrapping_mul(0xD1B5_4A32_D192_ED03)
    }

    /// What became of something, once all know of it; see [`Peers`].
    pub fn agree<T>(&self, own: Result<T, TrainError>) -> Result<T, TrainError> {
        self.peers.agree(own, TrainError::is_stop)
    }

    /// What all are to do: the most urgent of what each was asked.
    pub fn flow(&self, own: Flow) -> Result<Flow, TrainError> {
        if self.peers.is_alone() {
            return Ok(own);
        }
        Ok(ended(flow_of(self.peers.max(u64::from(own as u8))? as u8)))
    }

    /// Waits as long as one of them is asked to pause; what to do then. `told` is what was agreed with the last step.
    pub fn hold(&self, told: Option<Flow>, monitor: &dyn Monitor) -> Result<Flow, TrainError> {
        if self.peers.is_alone() {
            return Ok(hold(monitor));
        }
        let mut flow = match told {
            Some(flow) => flow,
            None => self.flow(monitor.poll())?,
        };
        while flow == Flow::Pause {
            std::thread::sleep(PAUSE);
            flow = self.flow(monitor.poll())?;
        }
        Ok(flow)
    }

    /// A step of all processes, of what it came to in each.
    pub fn step(&mut self, own: Result<StepSums, TrainError>) -> Result<StepSums, TrainError> {
        if self.peers.is_alone() {
            return own;
        }
        let begun = Instant::now();
        let (flat, present, own) = match own.and_then(|sums| self.flat(sums)) {
            Ok((flat, present, sums)) => (flat, present, Ok(sums)),
            Err(error) => (self.zeros(), vec![0; self.lengths.len()], Err(error)),
        };
        let mut flat = flat;
        let notes = self.peers.sum(&mut flat, self.width, &note(&own, &present))?;
        let all: Vec<Note> = notes.iter().filter_map(|bytes| Note::read(bytes, self.lengths.len())).collect();
        if all.len() != notes.len() {
            return Err(TrainError::Internal("processes of this training say different things"));
        }
        self.exchanging += begun.elapsed().as_secs_f64();
        if all.iter().any(|n| n.failed) {
            self.agree(own)?;
            return Err(TrainError::Internal("a process failed without saying why"));
        }
        let loss: f64 = all.iter().map(|n| n.loss).sum();
        let learned = |at: usize| all.iter().any(|n| n.present.get(at).is_some_and(|p| *p != 0));
        Ok(StepSums {
            loss,
            right: all.iter().map(|n| n.right).sum(),
            flow: ended(flow_of(all.iter().map(|n| n.flow).max().unwrap_or_default())),
            save: all.iter().any(|n| n.save),
            gradients: loss.is_finite().then(|| self.set(&flat, learned)),
        })
    }

    fn zeros(&self) -> Vec<f32> {
        vec![0.0; self.lengths.iter().sum()]
    }

    /// All gradients one behind the other, and which of them there are.
    fn flat(&self, mut sums: StepSums) -> Result<(Vec<f32>, Vec<u8>, StepSums), TrainError> {
        let mut flat = self.zeros();
        let mut present = vec![0; self.lengths.len()];
        let Some(gradients) = sums.gradients.take() else { return Ok((flat, present, sums)) };
        let mut rest = flat.as_mut_slice();
        let each = gradients.into_inner().into_iter().zip(&self.lengths).zip(&mut present);
        for ((gradient, length), present) in each {
            let (own, behind) = rest.split_at_mut(*length);
            rest = behind;
            if let Some(gradient) = gradient
                && *length > 0
            {
                let values = read(gradient)?;
                if values.len() != own.len() {
                    return Err(TrainError::Internal("a gradient of another length than its parameter"));
                }
                own.copy_from_slice(&values);
                *present = 1;
            }
        }
        Ok((flat, present, sums))
    }

    fn set(&self, flat: &[f32], learned: impl Fn(usize) -> bool) -> GradientSet {
        let mut rest = flat;
        let gradients = self.lengths.iter().enumerate().map(|(at, length)| {
            let (own, behind) = rest.split_at_checked(*length)?;
            rest = behind;
            let tensor = || Tensor::from_data(TensorData::new(own.to_vec(), [*length]), &self.device);
            (*length > 0 && learned(at)).then(tensor)
        });
        GradientSet::new(gradients.collect())
    }

    /// Counts what was said of this process's clips.
    pub fn count(&mut self, said: Vec<(usize, usize)>, sums: &mut EpochSums) {
        if self.peers.is_alone() { sums.count(said) } else { self.said.count(said) }
    }

    /// Brings together what all counted.
    pub fn bring_together(&mut self, sums: &mut EpochSums) -> Result<(), TrainError> {
        if self.peers.is_alone() {
            return Ok(());
        }
        let all: Vec<Vec<ConfusionCell>> = gathered(self.peers, &self.said.said)?;
        all.iter().for_each(|cells| sums.add_cells(cells));
        self.said = EpochSums::default();
        Ok(())
    }

    /// The report of the first process, for all: whether to stop or slow down must not hang on the last digits of one of them.
    pub fn report(&self, own: EpochReport) -> Result<EpochReport, TrainError> {
        if self.peers.is_alone() {
            return Ok(own);
        }
        let unread = TrainError::Internal("the report of the first process cannot be read");
        let Ok(text) = ron::to_string(&own) else { return Err(unread) };
        let text = self.peers.broadcast(text.into_bytes())?;
        let told = std::str::from_utf8(&text).ok().and_then(|text| ron::from_str(text).ok());
        told.ok_or(unread)
    }

    /// Gives all processes the running statistics of the first one; and its weights as well, where those of another process are
    /// no longer the same to the last bit. True where that was so.
    pub fn align(&self, network: &mut Network, optimizer: &mut Optimizer) -> Result<bool, TrainError> {
        if self.peers.is_alone() {
            return Ok(false);
        }
        let learned: HashSet<String> = network.parameter_infos().into_iter().map(|p| p.name).collect();
        let (weights, statistics): (Vec<NamedArray>, Vec<NamedArray>) =
            network.state_dict()?.into_iter().partition(|array| learned.contains(&array.name));
        let mut digest = Md5::new();
        for array in &weights {
            if let ArrayValues::F32(values) = &array.values {
                digest.update(bytemuck::cast_slice::<f32, u8>(values));
            }
        }
        let digests = self.peers.gather(&digest.finalize())?;
        let apart = digests.iter().any(|digest| Some(digest) != digests.first());
        let lead = self.leads();
        let told = |arrays: &[NamedArray]| if lead { pack(arrays) } else { Ok(Vec::new()) };
        let statistics = self.peers.broadcast(told(&statistics)?)?;
        if !lead {
            network.load_state_dict(&unpack(&statistics)?, false)?;
        }
        if apart {
            let weights = self.peers.broadcast(told(&weights)?)?;
            let moments = self.peers.broadcast(if lead { pack(&optimizer.state()?)? } else { Vec::new() })?;
            if !lead {
                network.load_state_dict(&unpack(&weights)?, false)?;
                optimizer.restore(unpack(&moments)?, &self.device);
            }
        }
        Ok(apart)
    }
}

/// What the processes of a training do, in words; nothing where there is one.
pub(super) fn tell(monitor: &dyn Monitor, network: &Network, config: &RunConfig) -> Vec<String> {
    let peers = monitor.peers();
    if peers.is_alone() {
        return Vec::new();
    }
    let (size, batch) = (peers.size(), config.training.batch_size);
    let numbers = network.trainable() as u64;
    let mut out = vec![format!(
        "{size} processes share every batch of {batch} clips, {} each at most; a step sends {} from each, {}",
        batch.div_ceil(size),
        bytes(config.training.exchange.bytes(numbers, size as u64)),
        Width::ALL.iter().find(|w| w.0 == config.training.exchange).map_or("", |w| w.2)
    )];
    if network.parameter_infos().iter().any(|p| p.role == ParameterRole::NormScale && p.trainable) {
        out.push(
            "batch normalisation: every process normalises by its own clips of a batch; validation and checkpoints take the \
             running statistics of rank 0"
                .to_owned(),
        );
    }
    if batch < size {
        out.push(format!(
            "{} of the processes have nothing to do: a batch has {batch} clips; raise training.batch_size",
            size - batch
        ));
    }
    out
}

/// Remembers an end that all know of.
fn ended(flow: Flow) -> Flow {
    if flow == Flow::Stop {
        all_know_of_the_end();
    }
    flow
}

/// What travels with the gradients of a process.
struct Note {
    loss: f64,
    right: u64,
    flow: u8,
    save: bool,
    failed: bool,
    /// Which parameters it has gradients of.
    present: Vec<u8>,
}

fn note(own: &Result<StepSums, TrainError>, present: &[u8]) -> Vec<u8> {
    let (loss, right, flow, save) =
        own.as_ref().map_or((0.0, 0, Flow::Continue, false), |s| (s.loss, s.right, s.flow, s.save));
    let mut out = loss.to_le_bytes().to_vec();
    out.extend(right.to_le_bytes());
    out.extend([flow as u8, u8::from(save), u8::from(own.is_err())]);
    out.extend(present);
    out
}

impl Note {
    fn read(bytes: &[u8], parameters: usize) -> Option<Self> {
        let (loss, rest) = bytes.split_first_chunk()?;
        let (right, rest) = rest.split_first_chunk()?;
        let (&[flow, save, failed], present) = rest.split_first_chunk()?;
        let (loss, right) = (f64::from_le_bytes(*loss), u64::from_le_bytes(*right));
        let note = Self { loss, right, flow, save: save != 0, failed: failed != 0, present: present.to_vec() };
        (note.present.len() == parameters).then_some(note)
    }
}

/// What a number on the way between processes stands for.
fn flow_of(code: u8) -> Flow {
    Flow::WORDS.iter().map(|w| w.0).find(|flow| *flow as u8 == code).unwrap_or(Flow::Stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_travels_with_the_gradients_arrives() {
        let sums = StepSums { loss: 0.1, right: 3, flow: Flow::Finish, save: true, gradients: None };
        let note = Note::read(&note(&Ok(sums), &[1, 0, 1]), 3).unwrap();
        assert_eq!((note.loss, note.right, flow_of(note.flow)), (0.1, 3, Flow::Finish));
        assert_eq!((note.save, note.failed, note.present.as_slice()), (true, false, [1, 0, 1].as_slice()));
        let failed = Note::read(&super::note(&Err(TrainError::Internal("x")), &[0]), 1).unwrap();
        assert!(failed.failed && Note::read(&[0; 19], 1).is_none());
        for flow in [Flow::Continue, Flow::Pause, Flow::Finish, Flow::Stop] {
            assert_eq!(flow_of(flow as u8), flow);
        }
    }
}

//! Peers by the Message Passing Interface.

use super::launch::{Launch, strangers};
use super::watch::Watch;
use super::{PeerError, Peers};
use mpi::Threading;
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::topology::{Communicator, SimpleCommunicator};
use mpi::traits::{CommunicatorCollectives, Root};
use parking_lot::Mutex;
use std::thread::ThreadId;

/// Bytes that one process gives and takes at a time: lengths and places are counted with 31 bits.
const AT_ONCE: usize = 1 << 30;

/// Held so long as MPI is in use; dropping it is its end.
static UNIVERSE: Mutex<Option<Universe>> = Mutex::new(None);

/// All processes that were started together.
pub(super) struct World {
    rank: usize,
    size: usize,
    host: String,
    /// The only thread that may speak with the others.
    thread: ThreadId,
    watch: Watch,
}

impl World {
    /// Meets the others.
    pub fn meet(launch: &Launch) -> Result<Self, PeerError> {
        let begun = mpi::initialize_with_threading(Threading::Funneled);
        let (universe, threading) = begun.ok_or(PeerError::Internal("MPI was begun before"))?;
        let world = universe.world();
        *UNIVERSE.lock() = Some(universe);
        if threading == Threading::Single {
            return Err(PeerError::Launch(
                "the MPI library allows programs of one thread only; build it with support for threads".into(),
            ));
        }
        let (rank, size) = (world.rank().max(0) as usize, world.size().max(1) as usize);
        if size != launch.size {
            return Err(strangers(launch, size));
        }
        let host = mpi::environment::processor_name().unwrap_or_else(|_| "a machine without a name".into());
        let watch = Watch::new(format!("rank {rank} of {size} on {host}"));
        Ok(Self { rank, size, host, thread: std::thread::current().id(), watch })
    }

    /// Ends the use of MPI, when all come here.
    pub fn part() {
        drop(UNIVERSE.lock().take());
    }

    /// Ends all processes.
    pub fn end_all(code: u8) {
        SimpleCommunicator::world().abort(i32::from(code));
    }

    fn world(&self) -> Result<SimpleCommunicator, PeerError> {
        if std::thread::current().id() != self.thread {
            return Err(PeerError::Internal("another thread speaks with the other processes"));
        }
        Ok(SimpleCommunicator::world())
    }

    /// Everybody's lengths, of what each gives to each: `lengths[from * size + to]`.
    fn lengths(&self, own: &[u64]) -> Result<Vec<u64>, PeerError> {
        let mut all = vec![0_u64; self.size * own.len()];
        let _waiting = self.watch.begin();
        self.world()?.all_gather_into(own, &mut all[..]);
        Ok(all)
    }
}

/// Counts and places of parts that stand one behind the other.
fn places(lengths: impl Iterator<Item = usize>) -> (Vec<i32>, Vec<i32>) {
    let mut end = 0;
    lengths
        .map(|length| {
            let place = end;
            end += length as i32;
            (length as i32, place)
        })
        .unzip()
}

/// The part of `bytes` that is sent in a round.
fn piece(bytes: &[u8], round: usize, limit: usize) -> &[u8] {
    let start = (round * limit).min(bytes.len());
    bytes.get(start..(start + limit).min(bytes.len())).unwrap_or_default()
}

fn piece_length(length: u64, round: usize, limit: usize) -> usize {
    (length as usize).saturating_sub(round * limit).min(limit)
}

/// Cuts what came in one block into what each gave, behind what came before.
fn deal(block: &[u8], counts: &[i32], out: &mut [Vec<u8>]) {
    let mut rest = block;
    for (count, own) in counts.iter().zip(out) {
        let Some((part, behind)) = rest.split_at_checked(*count as usize) else { return };
        own.extend_from_slice(part);
        rest = behind;
    }
}

impl Peers for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn exchange(&self, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, PeerError> {
        let own: Vec<u64> = parts.iter().map(|part| part.len() as u64).collect();
        if own.len() != self.size {
            return Err(PeerError::Internal("a part for every process"));
        }
        let all = self.lengths(&own)?;
        let mine: Vec<u64> = all.iter().skip(self.rank).step_by(self.size).copied().collect();
        let limit = AT_ONCE / self.size;
        let rounds = (all.iter().copied().max().unwrap_or(0) as usize).div_ceil(limit);
        let mut out: Vec<Vec<u8>> = mine.iter().map(|length| Vec::with_capacity(*length as usize)).collect();
        for round in 0..rounds {
            let pieces: Vec<&[u8]> = parts.iter().map(|part| piece(part, round, limit)).collect();
            let (counts, starts) = places(pieces.iter().map(|piece| piece.len()));
            let given = pieces.concat();
            let (taken, from) = places(mine.iter().map(|length| piece_length(*length, round, limit)));
            let mut block = vec![0_u8; taken.iter().sum::<i32>() as usize];
            {
                let _waiting = self.watch.begin();
                let send = Partition::new(&given[..], counts, starts);
                let mut receive = PartitionMut::new(&mut block[..], &taken[..], from);
                self.world()?.all_to_all_varcount_into(&send, &mut receive);
            }
            deal(&block, &taken, &mut out);
        }
        Ok(out)
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, PeerError> {
        let lengths = self.lengths(&[own.len() as u64])?;
        let limit = AT_ONCE / self.size;
        let rounds = (lengths.iter().copied().max().unwrap_or(0) as usize).div_ceil(limit);
        let mut out: Vec<Vec<u8>> = lengths.iter().map(|length| Vec::with_capacity(*length as usize)).collect();
        for round in 0..rounds {
            let (counts, starts) = places(lengths.iter().map(|length| piece_length(*length, round, limit)));
            let mut block = vec![0_u8; counts.iter().sum::<i32>() as usize];
            {
                let _waiting = self.watch.begin();
                let mut receive = PartitionMut::new(&mut block[..], &counts[..], starts);
                self.world()?.all_gather_varcount_into(piece(own, round, limit), &mut receive);
            }
            deal(&block, &counts, &mut out);
        }
        Ok(out)
    }

    fn broadcast(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>, PeerError> {
        let lengths = self.lengths(&[bytes.len() as u64])?;
        bytes.resize(lengths.first().copied().unwrap_or(0) as usize, 0);
        let _waiting = self.watch.begin();
        let world = self.world()?;
        for part in bytes.chunks_mut(AT_ONCE) {
            world.process_at_rank(0).broadcast_into(part);
        }
        Ok(bytes)
    }
}

//! The processes that do one job together, each on a machine of its own: what one of them says to the others.
//!
//! [`Peers`] is the door. [`Alone`] is behind it unless a launcher of the Message Passing Interface (`mpirun`, `srun`) started
//! the program several times and the program was built with the feature `mpi`; threads of one process stand in for machines
//! in tests. What is said is bytes; sums, agreement and sharing are made of them here, once for all kinds, so that the numbers
//! do not depend on the kind.
//!
//! Every process must come to every call, in the same order: what one alone decides (a stop, a failure) is told to the others
//! by [`agree`](trait.Peers.html#method.agree) or with the next sum, and never acted on before.

mod error;
mod half;
mod launch;
#[cfg(feature = "mpi")]
mod mpi_world;
mod process;
mod sum;
mod threads;
#[cfg(feature = "mpi")]
mod watch;

pub use error::PeerError;
pub use launch::{Launch, launched};
pub use process::{abort, join, leave, of_process};
pub use sum::Width;
pub use threads::{PeerThread, crew};

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

/// A process among those that do one job together.
pub trait Peers: Send + Sync {
    /// Which one this is, from 0. The first one leads: it alone writes files.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// The name of its machine.
    fn host(&self) -> &str;

    /// Gives `parts[r]` to process `r`; what each process gave to this one, in their order.
    ///
    /// # Errors
    /// A process that is gone.
    fn exchange(&self, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, PeerError>;

    /// What every process gives to all, in their order.
    ///
    /// # Errors
    /// A process that is gone.
    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, PeerError>;

    /// What the first process gives to all; what the others give is left aside.
    ///
    /// # Errors
    /// A process that is gone.
    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, PeerError>;
}

/// One process that does its job by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Peers for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn host(&self) -> &str {
        "this machine"
    }

    fn exchange(&self, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, PeerError> {
        Ok(parts.iter().map(|part| part.to_vec()).collect())
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, PeerError> {
        Ok(vec![own.to_vec()])
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, PeerError> {
        Ok(bytes)
    }
}

/// True once all processes have agreed to end; see [`Peers`].
static AGREED_TO_END: AtomicBool = AtomicBool::new(false);

/// True once the processes of this job have agreed that it ends early, so that each may leave by itself.
pub fn agreed_to_end() -> bool {
    AGREED_TO_END.load(Ordering::Relaxed)
}

/// Remembers that all processes know of the end.
pub fn all_know_of_the_end() {
    AGREED_TO_END.store(true, Ordering::Relaxed);
}

const FINE: u8 = 0;
const FAILED: u8 = 1;
const STOPPED: u8 = 2;

impl<'p> dyn Peers + 'p {
    /// True where nobody else takes part.
    pub fn is_alone(&self) -> bool {
        self.size() <= 1
    }

    /// True for the process that writes files and tells of the job.
    pub fn leads(&self) -> bool {
        self.rank() == 0
    }

    /// The largest of what all give.
    ///
    /// # Errors
    /// A process that is gone.
    pub fn max(&self, own: u64) -> Result<u64, PeerError> {
        let all = self.gather(&own.to_le_bytes())?;
        let number = |bytes: &Vec<u8>| bytes.as_slice().try_into().map(u64::from_le_bytes).unwrap_or(0);
        Ok(all.iter().map(number).max().unwrap_or(own))
    }

    /// What every process says, in their order.
    ///
    /// # Errors
    /// A process that is gone, or says what cannot be read.
    pub fn gather_said<T: Serialize + DeserializeOwned>(&self, own: &T) -> Result<Vec<T>, PeerError> {
        let unread = PeerError::Internal("what another process says cannot be read");
        let Ok(text) = ron::to_string(own) else { return Err(unread) };
        let all = self.gather(text.as_bytes())?;
        let read = |bytes: &Vec<u8>| std::str::from_utf8(bytes).ok().and_then(|text| ron::from_str(text).ok());
        all.iter().map(read).collect::<Option<_>>().ok_or(unread)
    }

    /// Waits until all have come here.
    ///
    /// # Errors
    /// A process that is gone.
    pub fn barrier(&self) -> Result<(), PeerError> {
        self.gather(&[]).map(drop)
    }

    /// What became of a part of the work, when it became well in all processes; where it failed in one, all end with an error:
    /// the first one that failed with its own, which it is to tell, and the others with [`PeerError::Other`]. Where one was
    /// asked to stop, the others end with [`PeerError::Stopped`].
    ///
    /// # Errors
    /// That of this process or of another one.
    pub fn agree<T, E: From<PeerError> + Display>(
        &self,
        own: Result<T, E>,
        is_stop: impl Fn(&E) -> bool,
    ) -> Result<T, E> {
        if self.is_alone() {
            return own;
        }
        let mut told = match &own {
            Ok(_) => vec![FINE],
            Err(error) if is_stop(error) => vec![STOPPED],
            Err(_) => vec![FAILED],
        };
        told.extend((self.host().len() as u32).to_le_bytes());
        told.extend(self.host().as_bytes());
        told.extend(own.as_ref().err().map(ToString::to_string).unwrap_or_default().as_bytes());
        let all = self.gather(&told)?;
        let first = |kind: u8| all.iter().position(|t| t.first() == Some(&kind));
        let (kind, rank) = match (first(FAILED), first(STOPPED)) {
            (Some(rank), _) => (FAILED, rank),
            (None, Some(rank)) => (STOPPED, rank),
            (None, None) => return own,
        };
        all_know_of_the_end();
        match own {
            Err(error) if kind == STOPPED && is_stop(&error) => Err(error),
            Err(error) if kind == FAILED && rank == self.rank() => Err(error),
            _ if kind == STOPPED => Err(PeerError::Stopped.into()),
            _ => {
                let told = all.get(rank).map_or(&[][..], Vec::as_slice);
                let length = told.get(1..5).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
                let words = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
                let (host, sentence) = (words(told.get(5..5 + length)), words(told.get(5 + length..)));
                Err(PeerError::Other { rank, host, sentence }.into())
            }
        }
    }

    /// Says something in the name of this process, where there are several.
    pub fn named(&self, sentence: &str) -> String {
        if self.is_alone() {
            return sentence.to_owned();
        }
        format!("rank {} of {} on {}: {sentence}", self.rank(), self.size(), self.host())
    }

    /// The positions below `count` that are this process's when every process takes each `size`-th.
    pub fn every(&self, count: usize) -> impl Iterator<Item = usize> {
        (self.rank()..count).step_by(self.size().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_end_when_one_fails_and_one_alone_tells_of_it() {
        let results: [[Result<u8, PeerError>; 3]; 3] = [
            [Ok(1), Ok(2), Ok(3)],
            [Ok(1), Err(PeerError::Launch("the disk is full".into())), Err(PeerError::Launch("no video".into()))],
            [Ok(1), Err(PeerError::Stopped), Ok(3)],
        ];
        let said: Vec<Vec<String>> = results
            .into_iter()
            .map(|results| {
                let peers = crew(3);
                let work = peers.into_iter().zip(results).map(|(peer, own)| {
                    move || {
                        let peer: &dyn Peers = &peer;
                        match peer.agree(own, |e| matches!(e, PeerError::Stopped)) {
                            Ok(value) => value.to_string(),
                            Err(error) => error.to_string(),
                        }
                    }
                });
                std::thread::scope(|scope| {
                    let threads: Vec<_> = work.map(|work| scope.spawn(work)).collect();
                    threads.into_iter().map(|t| t.join().unwrap()).collect()
                })
            })
            .collect();
        assert_eq!(said[0], ["1", "2", "3"]);
        let other = "rank 1 on thread 1 failed: the disk is full";
        assert_eq!(said[1], [other, "the disk is full", other]);
        assert_eq!(said[2], ["stopped", "stopped", "stopped"]);
    }

    #[test]
    fn every_position_is_somebodys() {
        let crew = crew(3);
        let mut all: Vec<usize> = crew.iter().flat_map(|peer| (peer as &dyn Peers).every(8)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>());
        let alone: &dyn Peers = &Alone;
        assert_eq!(alone.every(3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((alone.max(7).unwrap(), alone.named("fine")), (7, "fine".to_owned()));
    }
}

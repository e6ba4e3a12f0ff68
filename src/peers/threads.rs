//! Threads of one process as peers: what machines do, without machines.

use super::{PeerError, Peers};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;

/// A thread among those that do one job together.
#[derive(Debug)]
pub struct PeerThread {
    rank: usize,
    host: String,
    table: Arc<Table>,
}

/// Where they lay down what they give each other.
#[derive(Debug)]
struct Table {
    seats: Mutex<Seats>,
    changed: Condvar,
}

#[derive(Debug)]
struct Seats {
    /// What each gives to each in this round.
    given: Vec<Option<Vec<Vec<u8>>>>,
    /// How many have taken what is theirs.
    taken: usize,
    gone: Vec<bool>,
}

/// So many peers, in their order, for a thread each.
pub fn crew(size: usize) -> Vec<PeerThread> {
    let seats = Seats { given: vec![None; size], taken: 0, gone: vec![false; size] };
    let table = Arc::new(Table { seats: Mutex::new(seats), changed: Condvar::new() });
    (0..size).map(|rank| PeerThread { rank, host: format!("thread {rank}"), table: table.clone() }).collect()
}

impl Peers for PeerThread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.table.seats.lock().given.len()
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn exchange(&self, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut seats = self.table.seats.lock();
        // The round before may not be over.
        while seats.given.get(self.rank).is_some_and(Option::is_some) {
            seats.wait(&self.table)?;
        }
        if let Some(seat) = seats.given.get_mut(self.rank) {
            *seat = Some(parts.iter().map(|part| part.to_vec()).collect());
        }
        self.table.changed.notify_all();
        while seats.given.iter().any(Option::is_none) {
            seats.wait(&self.table)?;
        }
        let mine = |parts: &Option<Vec<Vec<u8>>>| parts.as_ref()?.get(self.rank).cloned();
        let own =
            seats.given.iter().map(|parts| mine(parts).ok_or(PeerError::Internal("a part for every peer"))).collect();
        seats.taken += 1;
        if seats.taken == seats.given.len() {
            seats.given.fill(None);
            seats.taken = 0;
            self.table.changed.notify_all();
        }
        own
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, PeerError> {
        self.exchange(&vec![own; self.size()])
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, PeerError> {
        let given: &[u8] = if self.rank == 0 { &bytes } else { &[] };
        let all = self.gather(given)?;
        all.into_iter().next().ok_or(PeerError::Gone)
    }
}

impl Drop for PeerThread {
    fn drop(&mut self) {
        if let Some(gone) = self.table.seats.lock().gone.get_mut(self.rank) {
            *gone = true;
        }
        self.table.changed.notify_all();
    }
}

trait Wait {
    fn wait(&mut self, table: &Table) -> Result<(), PeerError>;
}

impl Wait for parking_lot::MutexGuard<'_, Seats> {
    /// Waits for a change, unless one that has to come first is gone.
    fn wait(&mut self, table: &Table) -> Result<(), PeerError> {
        if self.given.iter().zip(&self.gone).any(|(given, gone)| *gone && given.is_none()) {
            return Err(PeerError::Gone);
        }
        table.changed.wait(self);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_do_not_mix_and_one_that_is_gone_is_noticed() {
        let mut crew = crew(3);
        let last = crew.pop().unwrap();
        std::thread::scope(|scope| {
            for peer in crew {
                scope.spawn(move || {
                    for round in 0..50_u8 {
                        let own = [peer.rank as u8, round];
                        let all = peer.gather(&own).unwrap();
                        assert_eq!(all, [[0, round], [1, round], [2, round]]);
                        assert_eq!(peer.broadcast(own.to_vec()).unwrap(), [0, round]);
                    }
                    assert_eq!(peer.gather(&[]), Err(PeerError::Gone));
                });
            }
            for round in 0..50 {
                last.gather(&[2, round]).unwrap();
                last.broadcast(Vec::new()).unwrap();
            }
            drop(last);
        });
    }
}

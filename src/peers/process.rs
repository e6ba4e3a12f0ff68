//! The peers of this process, as it was started.

use super::{Alone, PeerError, Peers, launch};
use std::sync::OnceLock;

#[cfg(feature = "mpi")]
use super::mpi_world::World;

/// Without MPI nothing is ever put here.
static WORLD: OnceLock<Box<dyn Peers>> = OnceLock::new();

/// The peers of this process; it is alone unless [`join`] found others.
pub fn of_process() -> &'static dyn Peers {
    match WORLD.get() {
        Some(world) => world.as_ref(),
        None => &Alone,
    }
}

/// Meets the other processes that a launcher started, if it did. To be called once, by the thread that will speak with them.
///
/// # Errors
/// Several processes of a program that cannot speak with others.
pub fn join() -> Result<(), PeerError> {
    let Some(launch) = launch::launched() else { return Ok(()) };
    #[cfg(not(feature = "mpi"))]
    return Err(launch::refusal(&launch));
    #[cfg(feature = "mpi")]
    {
        let world: Box<dyn Peers> = Box::new(World::meet(&launch)?);
        WORLD.set(world).map_err(|_| PeerError::Internal("met twice"))
    }
}

/// Parts from the others, all at the same place. To be called by the thread that met them.
pub fn leave() {
    #[cfg(feature = "mpi")]
    World::part();
}

/// Ends all processes at once, where this one alone knows why.
pub fn abort(code: u8) {
    #[cfg(feature = "mpi")]
    if WORLD.get().is_some() {
        World::end_all(code);
    }
    // Alone there is nobody else to end.
    let _ = code;
}

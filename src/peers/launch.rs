//! How a launcher of parallel programs started this process.

use super::PeerError;

/// What a launcher said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Processes it started.
    pub size: usize,
    /// Which of them this is, where it is told.
    pub rank: usize,
    /// The variable of the environment that says so.
    pub variable: &'static str,
}

/// Variables that launchers set: how many processes, and which one. Those of SLURM count only beside one of a process manager,
/// because it sets them for programs that know nothing of each other too.
const VARIABLES: &[(&str, &str, &[&str])] = &[
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", &[]),
    ("PMI_SIZE", "PMI_RANK", &[]),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", &[]),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", &["PMIX_RANK", "PMI_FD", "PMI_JOBID"]),
];

/// Who started this process as one of several; `None` where it is one by itself.
pub fn launched() -> Option<Launch> {
    launched_by(|name| std::env::var(name).ok())
}

fn launched_by(variable: impl Fn(&str) -> Option<String>) -> Option<Launch> {
    let number = |name: &str| variable(name)?.trim().parse::<usize>().ok();
    VARIABLES.iter().find_map(|(size, rank, beside)| {
        let count = number(size).filter(|n| *n > 1)?;
        let known = beside.is_empty() || beside.iter().any(|name| variable(name).is_some());
        known.then(|| Launch { size: count, rank: number(rank).unwrap_or(0), variable: size })
    })
}

/// Refuses to be one of several where they could not speak with each other.
#[cfg(any(test, not(feature = "mpi")))]
pub(super) fn refusal(launch: &Launch) -> PeerError {
    let Launch { size, variable, .. } = launch;
    PeerError::Launch(format!(
        "this program was started as {size} processes ({variable} is {size}), but it was built without MPI: each would do all \
         the work, in one folder. Build it with the cargo feature mpi, start it once, or unset {variable} if these processes have \
         nothing to do with each other"
    ))
}

/// Refuses to work alone where a launcher started several, and the library knows of another number.
#[cfg(feature = "mpi")]
pub(super) fn strangers(launch: &Launch, found: usize) -> PeerError {
    PeerError::Launch(format!(
        "{} processes were started ({}), but the MPI library of this program knows of {found}: the launcher belongs to \
         another MPI. Start it with the launcher of the MPI it was built with",
        launch.size, launch.variable
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_known_by_what_they_set() {
        let of = |set: &[(&str, &str)]| {
            launched_by(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
                .map(|l| (l.size, l.rank))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("OMPI_COMM_WORLD_SIZE", "1"), ("OMPI_COMM_WORLD_RANK", "0")]), None);
        assert_eq!(of(&[("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "3")]), Some((4, 3)));
        assert_eq!(of(&[("PMI_SIZE", "2"), ("PMI_RANK", "1")]), Some((2, 1)));
        // A job of SLURM whose steps are started by themselves, and one whose steps speak with each other.
        assert_eq!(of(&[("SLURM_STEP_NUM_TASKS", "8"), ("SLURM_PROCID", "2")]), None);
        assert_eq!(of(&[("SLURM_STEP_NUM_TASKS", "8"), ("SLURM_PROCID", "2"), ("PMIX_RANK", "2")]), Some((8, 2)));
        let told = refusal(&Launch { size: 4, rank: 0, variable: "PMI_SIZE" }).to_string();
        assert!(told.contains("4 processes") && told.contains("feature mpi") && told.contains("unset PMI_SIZE"));
    }
}

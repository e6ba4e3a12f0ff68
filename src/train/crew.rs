//! How the processes of a training begin together: who they are, that they have the same program, data and network, and what
//! the first one has read or made for all of them.

use super::TrainError;
use super::arrays::{pack, unpack};
use super::optim::Optimizer;
use super::resume::Stored;
use crate::config::RunConfig;
use crate::data::{ClipPlan, as_configured, plan_with};
use crate::domain::{Clip, Dataset, Split};
use crate::model::{ComputeDevice, Network};
use crate::peers::{PeerError, Peers};
use crate::run_folder::files::ron_text;
use crate::run_folder::titles;
use md5::{Digest, Md5};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who takes part, and what all must have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Member {
    host: String,
    device: String,
    version: String,
    fingerprint: String,
}

/// What the first process tells before the others can build anything.
#[derive(Serialize, Deserialize)]
pub(super) struct Start {
    config: String,
    parts: Vec<Split>,
}

impl Start {
    /// What a prepared training begins with.
    pub fn of(config: &RunConfig, plan: &ClipPlan) -> Self {
        Self { config: config.to_ron(), parts: plan.parts.clone() }
    }

    /// Configuration, dataset and plan of another process, of what the first one told.
    pub fn plan(&self, dataset: &Arc<Dataset>) -> Result<(RunConfig, Arc<Dataset>, ClipPlan), TrainError> {
        let unread = |_| TrainError::Internal("the configuration of the first process cannot be read");
        let config = RunConfig::from_ron(&self.config).map_err(unread)?;
        let dataset = as_configured(dataset, &config);
        let plan = plan_with(&dataset, &config, &self.parts)?;
        Ok((config, dataset, plan))
    }
}

/// The processes by name, machine and device, once all are known to run the same program on the same data; none where there is
/// but one.
///
/// # Errors
/// A process that differs from the first one, as a sentence.
pub(super) fn introduce(
    peers: &dyn Peers,
    dataset: &Dataset,
    devices: &[ComputeDevice],
) -> Result<Vec<String>, TrainError> {
    if peers.is_alone() {
        return Ok(Vec::new());
    }
    let own = Member {
        host: peers.host().to_owned(),
        device: titles(devices),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        fingerprint: dataset.fingerprint.clone(),
    };
    let members: Vec<Member> = gathered(peers, &own)?;
    let differing = members.first().and_then(|first| difference(first, &members));
    peers.agree(differing.map_or(Ok(()), |sentence| Err(PeerError::Differs(sentence).into())), TrainError::is_stop)?;
    Ok(members.iter().enumerate().map(|(rank, m)| format!("rank {rank} on {}: {}", m.host, m.device)).collect())
}

/// The first process that is not as the first one, in words.
fn difference(first: &Member, members: &[Member]) -> Option<String> {
    members.iter().enumerate().find_map(|(rank, other)| {
        let host = &other.host;
        if other.version != first.version {
            return Some(format!(
                "rank {rank} on {host} runs kinolens {}, rank 0 on {} runs {}: install the same version on all machines",
                other.version, first.host, first.version
            ));
        }
        (other.fingerprint != first.fingerprint).then(|| {
            format!(
                "rank {rank} on {host} reads another dataset than rank 0 on {}: files, labels or splits differ (fingerprint \
                 {} there, {} here). Give all machines the same folder, or copies of it that are equal",
                first.host, other.fingerprint, first.fingerprint
            )
        })
    })
}

/// Makes sure that all processes have planned the same clips and built the same network.
///
/// # Errors
/// A process whose clips or network are others.
pub(super) fn compare(peers: &dyn Peers, plan: &ClipPlan, network: &Network) -> Result<(), TrainError> {
    if peers.is_alone() {
        return Ok(());
    }
    let names: Vec<String> =
        network.parameter_infos().into_iter().map(|p| format!("{} {:?} {}", p.name, p.shape, p.trainable)).collect();
    let all: Vec<(String, String, [String; 2])> =
        gathered(peers, &(peers.host().to_owned(), names.join("\n"), [digest(&plan.train), digest(&plan.val)]))?;
    let sentence = all.first().and_then(|first| {
        all.iter().enumerate().find_map(|(rank, other)| {
            let what = if other.2 != first.2 {
                "plans other clips".to_owned()
            } else if other.1 != first.1 {
                let (theirs, ours) = (other.1.lines(), first.1.lines());
                let pair = theirs.zip(ours).find(|(a, b)| a != b);
                format!(
                    "builds another network ({})",
                    pair.map_or("its length".to_owned(), |(a, b)| format!("{a}, not {b}"))
                )
            } else {
                return None;
            };
            Some(format!(
                "rank {rank} on {} {what} than rank 0 on {}: give all machines the same program and the same dataset",
                other.0, first.0
            ))
        })
    });
    peers.agree(sentence.map_or(Ok(()), |s| Err(PeerError::Differs(s).into())), TrainError::is_stop)
}

fn digest(clips: &[Clip]) -> String {
    let mut digest = Md5::new();
    clips.iter().for_each(|clip| digest.update(format!("{clip:?}")));
    format!("{:x?}", digest.finalize())
}

/// Gives all processes the weights of the first one and, where it goes on with a run, what it read of it.
pub(super) fn share(
    peers: &dyn Peers,
    (network, optimizer): (&mut Network, &mut Optimizer),
    stored: Option<Stored>,
) -> Result<Option<Stored>, TrainError> {
    if peers.is_alone() {
        return Ok(stored);
    }
    let lead = peers.leads();
    let weights = peers.broadcast(if lead { pack(&network.state_dict()?)? } else { Vec::new() })?;
    let moments = peers.broadcast(if lead { pack(&optimizer.state()?)? } else { Vec::new() })?;
    let text = stored.as_ref().map(ron_text).transpose()?.unwrap_or_default();
    let text = peers.broadcast(text.into_bytes())?;
    if lead {
        return Ok(stored);
    }
    network.load_state_dict(&unpack(&weights)?, true)?;
    optimizer.restore(unpack(&moments)?, &network.device().tensor_device());
    if text.is_empty() {
        return Ok(None);
    }
    let unread = |_| TrainError::Internal("the state of the first process cannot be read");
    std::str::from_utf8(&text).ok().map(|text| ron::from_str(text).map_err(unread)).transpose()
}

/// What every process says, in their order.
pub(super) fn gathered<T: Serialize + DeserializeOwned>(peers: &dyn Peers, own: &T) -> Result<Vec<T>, TrainError> {
    Ok(peers.gather_said(own)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_differs_is_named_with_its_machine() {
        let member = |host: &str, version: &str, fingerprint: &str| Member {
            host: host.into(),
            device: "CPU".into(),
            version: version.into(),
            fingerprint: fingerprint.into(),
        };
        let first = member("a", "1", "x");
        let told = |others: &[Member]| difference(&first, &[std::slice::from_ref(&first), others].concat());
        assert_eq!(told(&[member("b", "1", "x")]), None);
        let version = told(&[member("b", "1", "x"), member("c", "2", "x")]).unwrap();
        assert!(version.starts_with("rank 2 on c runs kinolens 2, rank 0 on a runs 1"), "{version}");
        let data = told(&[member("b", "1", "y")]).unwrap();
        assert!(data.contains("rank 1 on b reads another dataset") && data.contains("y there, x here"), "{data}");
    }
}

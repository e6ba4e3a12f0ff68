//! Several GPUs of one machine, for data-parallel training.

use super::ComputeDevice;
use super::open::{Identity, Refusal, open};
use super::protocol::{Candidate, DeviceRequest};
use super::verdict::{Verdict, forget, verdict};

/// GPUs of one kind that are looked for.
const MOST: usize = 16;

impl ComputeDevice {
    /// This device and others of its kind that were tested too: as many as asked for, 0 for all there are. Also sentences
    /// about what could not be had.
    pub fn team(&self, wanted: usize) -> (Vec<Self>, Vec<String>) {
        let (team, messages, stale) = gather(self, wanted, &mut verdict, &mut open);
        stale.into_iter().for_each(forget);
        (team, messages)
    }
}

type Gathered = (Vec<ComputeDevice>, Vec<String>, Vec<DeviceRequest>);

fn gather(
    first: &ComputeDevice,
    wanted: usize,
    verdict: &mut dyn FnMut(DeviceRequest) -> Verdict,
    open: &mut dyn FnMut(Candidate, usize) -> Result<Identity, Refusal>,
) -> Gathered {
    let (mut team, mut messages, mut stale) = (vec![first.clone()], Vec::new(), Vec::new());
    let most = if wanted == 0 { MOST } else { wanted.min(MOST) };
    if let Some((candidate, 0)) = first.gpu.filter(|(candidate, _)| *candidate != Candidate::Software) {
        for index in 1..MOST {
            if team.len() == most {
                break;
            }
            let asked = DeviceRequest::Another(candidate, index);
            match verdict(asked) {
                Verdict::Works { adapter, driver, .. } => match open(candidate, index) {
                    Ok(found) if (&found.adapter, &found.driver) == (&adapter, &driver) => {
                        team.push(ComputeDevice::of(candidate, index, found));
                    }
                    _ => {
                        stale.push(asked);
                        messages.push(format!("the GPU {adapter} is not the one that was tested, and is left alone"));
                    }
                },
                Verdict::Absent { .. } => break,
                // One that fails does not stand for those behind it.
                Verdict::Fails { reason } => messages.push(reason),
                Verdict::Untestable { reason } => {
                    messages.push(reason);
                    break;
                }
            }
        }
    }
    match (team.len(), wanted) {
        (1, 1) => {}
        (1, _) => messages.push(format!("there is one device of its kind, {}: it trains alone", first.title)),
        (found, wanted) if found < wanted => {
            messages.push(format!("training.devices asks for {wanted} GPUs, but {found} can be used; those are"));
        }
        _ => {}
    }
    (team, messages, stale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(index: usize) -> Identity {
        Identity { adapter: format!("Foo {index}, vulkan"), driver: "1.2".into() }
    }

    /// A machine with so many cards, of which one may be broken.
    fn found(cards: usize, broken: Option<usize>, wanted: usize) -> (Vec<String>, Vec<String>) {
        let first = ComputeDevice::of(Candidate::Discrete, 0, card(0));
        let mut verdict = |asked| {
            let DeviceRequest::Another(Candidate::Discrete, index) = asked else { panic!("{asked:?}") };
            match index {
                _ if index >= cards => Verdict::Absent { reason: "none".into() },
                _ if Some(index) == broken => Verdict::Fails { reason: format!("Foo {index} crashed") },
                _ => {
                    let Identity { adapter, driver } = card(index);
                    Verdict::Works { candidate: Candidate::Discrete, adapter, driver }
                }
            }
        };
        let (team, messages, _) = gather(&first, wanted, &mut verdict, &mut |_, index| Ok(card(index)));
        (team.iter().map(|d| d.title().to_owned()).collect(), messages)
    }

    #[test]
    fn as_many_as_asked_for_and_there_are_are_used() {
        let names = |n: &[usize]| n.iter().map(|i| card(*i).adapter).collect::<Vec<_>>();
        assert_eq!(found(4, None, 1), (names(&[0]), vec![]));
        assert_eq!(found(4, None, 2), (names(&[0, 1]), vec![]));
        assert_eq!(found(4, None, 0), (names(&[0, 1, 2, 3]), vec![]));
        let (team, messages) = found(2, None, 4);
        assert!(team == names(&[0, 1]) && messages[0].contains("asks for 4") && messages[0].contains("2 can"));
        let (team, messages) = found(1, None, 0);
        assert!(team == names(&[0]) && messages[0].contains("alone"), "{messages:?}");
        let (team, messages) = found(3, Some(1), 0);
        assert!(team == names(&[0, 2]) && messages == ["Foo 1 crashed"], "{messages:?}");
    }

    #[test]
    fn the_cpu_is_one_device() {
        let mut untouched = |_| panic!("nothing is tested");
        let (team, messages, _) =
            gather(&ComputeDevice::cpu(), 0, &mut untouched, &mut |_, _| panic!("nothing is opened"));
        assert!(team.len() == 1 && messages[0].contains("CPU"), "{messages:?}");
    }
}

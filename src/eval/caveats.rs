//! Caveats: leakage, missing classes, a majority baseline that is nearly as good.

use super::evaluate::Training;
use super::same_data;
use crate::config::{ClipConfig, Validation};
use crate::data::{copies_across, left_out};
use crate::domain::{Dataset, FrameSampling, Split, SplitChoice, Task, counted, listed};
use crate::progress::learned_nothing;
use crate::run_folder::{Checkpoint, Evaluation, MultiLabel, Predictions};
use std::collections::BTreeSet;

/// Fewer clips than this make every percentage coarse.
const FEW_CLIPS: u64 = 100;
/// Names in a sentence before the rest are only counted.
const LISTED: usize = 8;

/// What was evaluated, and what is known of the training.
pub(super) struct Setting<'a> {
    pub checkpoint: &'a Checkpoint,
    pub dataset: &'a Dataset,
    pub split: SplitChoice,
    /// The part of each video of the dataset.
    pub parts: &'a [Split],
    /// The dataset is the one that was trained on.
    pub same: bool,
    pub training: Option<&'a Training>,
}

/// Sentences that put a score in doubt.
pub(super) fn caveats(setting: &Setting<'_>, evaluation: &Evaluation, predictions: &Predictions) -> Vec<String> {
    let mut out = Vec::new();
    learning(setting, &mut out);
    selection(setting, &mut out);
    subjects(setting, predictions, &mut out);
    copies(setting, predictions, &mut out);
    task(setting, &mut out);
    data(setting, &mut out);
    numbers(evaluation, &mut out);
    out
}

/// Windows of consecutive frames are nothing that a network was taught whose clips are spread over whole instances; `None`
/// for one that knows such windows.
pub fn spread_frames(clip: &ClipConfig) -> Option<String> {
    let taught = match clip.sampling {
        FrameSampling::Windows | FrameSampling::Dense => return None,
        FrameSampling::Even => "frames spread evenly over a whole instance",
        FrameSampling::Segments => "a frame of each of as many parts of a whole instance",
        FrameSampling::Centre => "the middle of each instance",
    };
    let name = clip.sampling.name();
    let shown = match (clip.length, clip.step) {
        (1, _) => "any single frame of the video".to_owned(),
        (n, 1) => format!("{n} consecutive frames"),
        (n, step) => format!("{n} frames at a step of {step}"),
    };
    Some(format!(
        "the network was trained on {taught} (clip.sampling = {name}) and is shown {shown} here, wherever they lie: it was \
         never taught such clips, so what it says of them may be far off; evaluate it on labelled instances to know how good \
         it is"
    ))
}

/// The network had learned nothing when it was saved.
fn learning(setting: &Setting<'_>, out: &mut Vec<String>) {
    if let Some((lowest, guessing)) = learned_nothing(&setting.checkpoint.state.history) {
        out.push(format!(
            "the network has learned nothing from the clips it was trained on: its training loss has not fallen below \
             {lowest:.3}, and {guessing:.3} is reached by giving every clip the same answer"
        ));
    }
}

/// The network, or the choice among checkpoints, has seen these clips.
fn selection(setting: &Setting<'_>, out: &mut Vec<String>) {
    if !setting.same {
        return;
    }
    let chosen = setting.checkpoint.name.starts_with("best");
    let on_test = setting.checkpoint.state.config.data.validation == Validation::TestSplit;
    match setting.split {
        SplitChoice::Train => out.push(
            "these are the clips the network was trained on: the score says how well it remembers, not how well it \
             recognises"
                .into(),
        ),
        SplitChoice::All => out.push(
            "this includes the clips the network was trained on; evaluate it on `test` to learn how well it recognises \
             new people"
                .into(),
        ),
        SplitChoice::Val if chosen => {
            out.push("the checkpoint was chosen by its score on these clips, which makes the score optimistic".into());
        }
        SplitChoice::Test if on_test => out.push(
            "training was validated on the test split and the checkpoint chosen on it: the score is optimistic".into(),
        ),
        SplitChoice::Val | SplitChoice::Test => {}
    }
}

/// The network was trained for one class a clip, and the clips have several.
fn task(setting: &Setting<'_>, out: &mut Vec<String>) {
    if setting.dataset.task == Task::MultiLabel && setting.checkpoint.state.task == Task::SingleLabel {
        out.push(
            "the network was trained for one class a clip, so its probabilities add up to 1: at most two classes of a clip \
             can reach one half"
                .into(),
        );
    }
}

fn subjects(setting: &Setting<'_>, predictions: &Predictions, out: &mut Vec<String>) {
    let evaluated: BTreeSet<&str> =
        predictions.clips.iter().map(|c| c.subject.as_str()).filter(|s| !s.is_empty()).collect();
    if let Some(training) = setting.training
        && matches!(setting.split, SplitChoice::Val | SplitChoice::Test)
    {
        let trained = training.subjects();
        let both: Vec<&str> = evaluated.intersection(&trained).copied().collect();
        if !both.is_empty() && setting.same {
            out.push(format!(
                "{} of {} evaluated subjects were also trained on ({}): the score does not hold for new people",
                both.len(),
                evaluated.len(),
                listed(&both, LISTED)
            ));
        } else if !both.is_empty() {
            out.push(format!(
                "subjects named {} were also trained on; if they are the same people, the score does not hold for \
                 new people",
                listed(&both, LISTED)
            ));
        }
    }
    if evaluated.len() == 1 {
        out.push("all clips show one subject; another one may be much easier or harder".into());
    }
}

/// Recordings that were trained on are evaluated, under whatever name.
fn copies(setting: &Setting<'_>, predictions: &Predictions, out: &mut Vec<String>) {
    if matches!(setting.split, SplitChoice::Train | SplitChoice::All) {
        return;
    }
    if setting.same {
        out.extend(copies_across(setting.dataset, setting.parts).map(|w| w.message));
        let pending = setting.dataset.pending() as u64;
        if pending > 0 {
            out.push(format!(
                "{} of the dataset were not looked into, so whether evaluated ones are copies of them is not known",
                counted(pending, "video")
            ));
        }
        return;
    }
    let evaluated: BTreeSet<&str> = predictions.clips.iter().map(|c| c.video.as_str()).collect();
    let trained = setting.training.map(|t| same_data::trained_on(&t.rows, setting.dataset)).unwrap_or_default();
    let both: Vec<&str> = trained
        .iter()
        .filter_map(|i| setting.dataset.videos.get(*i))
        .map(|v| v.name.as_str())
        .filter(|n| evaluated.contains(n))
        .collect();
    if !both.is_empty() {
        out.push(format!(
            "{} of {} were trained on, byte by byte ({}): the score is too good",
            both.len(),
            counted(evaluated.len() as u64, "evaluated video"),
            listed(&both, LISTED)
        ));
    }
}

fn data(setting: &Setting<'_>, out: &mut Vec<String>) {
    let map = &setting.checkpoint.state.config.data.label_map;
    if setting.same && setting.training.is_some_and(|t| !t.is_unchanged(setting.dataset, map)) {
        let new = setting.parts.iter().filter(|p| **p == Split::Unassigned).count();
        let more = if new > 0 && setting.split != SplitChoice::All {
            format!("; {new} videos are new and belong to no part of the run, so they are not evaluated")
        } else {
            String::new()
        };
        out.push(format!("the dataset has changed since the network was trained on it{more}"));
    }
    let evaluated = |i: usize| setting.split.takes(setting.parts.get(i).copied());
    let config = &setting.checkpoint.state.config;
    out.extend(left_out(setting.dataset, config, setting.parts, evaluated).map(|w| w.message));
    let unread =
        setting.dataset.videos.iter().filter(|v| v.is_labelled() && v.frames() == 0 && !v.is_pending()).count();
    if unread > 0 {
        out.push(format!("{unread} labelled videos could not be opened and are not evaluated"));
    }
}

fn numbers(evaluation: &Evaluation, out: &mut Vec<String>) {
    let e = evaluation;
    if let Some(m) = &e.multi_label {
        return multi_label(e, m, out);
    }
    let shown: Vec<&str> = e.per_class.iter().filter(|c| c.support > 0).map(|c| c.class.as_str()).collect();
    if let [only] = shown.as_slice() {
        out.push(format!(
            "all clips are of one class, '{only}': whoever always says so is right in 100 %, so the accuracy says nothing"
        ));
    }
    let absent: Vec<&str> = e.per_class.iter().filter(|c| c.support == 0).map(|c| c.class.as_str()).collect();
    if !absent.is_empty() {
        out.push(format!("no clip shows {}; the score says nothing about it", listed(&absent, LISTED)));
    }
    if e.clips < FEW_CLIPS {
        out.push(format!(
            "only {} clips were evaluated: the true accuracy may lie anywhere from {:.0} to {:.0} %",
            e.clips,
            100.0 * e.accuracy_interval.low,
            100.0 * e.accuracy_interval.high
        ));
    }
    if e.accuracy_interval.low <= e.majority_baseline {
        let most = e.per_class.iter().max_by_key(|c| c.support).map_or("?", |c| c.class.as_str());
        out.push(format!(
            "the accuracy ({:.1} %) is not clearly above always saying '{most}' ({:.1} %)",
            100.0 * e.accuracy,
            100.0 * e.majority_baseline
        ));
    }
}

/// The same of several classes a clip.
fn multi_label(e: &Evaluation, m: &MultiLabel, out: &mut Vec<String>) {
    let absent: Vec<&str> = e.per_class.iter().filter(|c| c.support == 0).map(|c| c.class.as_str()).collect();
    if !absent.is_empty() {
        out.push(format!("no clip shows {}; mAP leaves it out", listed(&absent, LISTED)));
    }
    let everywhere: Vec<&str> =
        e.per_class.iter().filter(|c| c.support == e.clips && e.clips > 0).map(|c| c.class.as_str()).collect();
    if !everywhere.is_empty() {
        out.push(format!(
            "every clip shows {}: its average precision is 100 % whatever is predicted",
            listed(&everywhere, LISTED)
        ));
    }
    if e.clips < FEW_CLIPS {
        out.push(format!("only {} clips were evaluated, so average precision is coarse", e.clips));
    }
    if m.map <= m.chance {
        out.push(format!(
            "mAP ({:.1} %) is not above that of an order by chance ({:.1} %)",
            100.0 * m.map,
            100.0 * m.chance
        ));
    }
    let silent: u64 = m.said_nothing.iter().sum();
    if silent > 0 && m.said.iter().all(|n| *n == 0) {
        out.push(
            "no class was predicted for any clip: no probability reaches one half, so precision and recall are 0"
                .into(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_folder::ClassMetrics;

    #[test]
    fn windows_of_a_network_taught_on_whole_instances_are_doubted() {
        let said = |sampling| spread_frames(&ClipConfig { sampling, ..ClipConfig::default() });
        assert_eq!([said(FrameSampling::Windows), said(FrameSampling::Dense)], [None, None]);
        for sampling in [FrameSampling::Even, FrameSampling::Segments, FrameSampling::Centre] {
            let sentence = said(sampling).unwrap();
            assert!(sentence.contains(&format!("clip.sampling = {sampling:?}")), "{sentence}");
            assert!(sentence.contains("16 consecutive frames"), "{sentence}");
        }
    }

    #[test]
    fn a_score_on_one_class_says_nothing() {
        let class = |name: &str, support| ClassMetrics { class: name.into(), support, ..ClassMetrics::default() };
        let told = |per_class| {
            let mut out = Vec::new();
            numbers(&Evaluation { clips: 200, accuracy: 1.0, per_class, ..Evaluation::default() }, &mut out);
            out.into_iter().filter(|s| s.contains("100 %")).collect::<Vec<_>>()
        };
        let lone = told(vec![class("walk", 200), class("run", 0)]);
        assert!(lone.len() == 1 && lone[0].contains("'walk'"), "{lone:?}");
        assert!(told(vec![class("walk", 100), class("run", 100)]).is_empty());
    }
}

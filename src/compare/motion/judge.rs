//! What the answers to altered clips say of a network: scores with paired intervals, and what it looks at.

use super::alter::Alteration;
use super::conclude::conclude;
use crate::compare::pairs::{ClassDifference, class_differences};
use crate::compare::sets::{Ranked, class_differences_of_sets, map_of};
use crate::compare::shared::SharedClip;
use crate::compare::statistics::{DRAWS, LEVEL, bootstrap_p, holm, interval, mcnemar, resample};
use crate::compare::units::{Resampled, Units};
use crate::compare::words::Metric;
use crate::domain::{ClassSet, Task};
use crate::eval::multi_label::evaluation_of_sets;
use crate::run_folder::{ConfidenceInterval, Confusion, Identity, Prediction};
use serde::{Deserialize, Serialize};

/// How well altered clips are recognised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlteredScore {
    /// What was done to them.
    pub alteration: Alteration,
    /// Clips that it could be done to.
    pub clips: u64,
    /// Accuracy on them; in a multi-label task the share of those whose whole set is right.
    pub accuracy: f64,
    /// Mean average precision on them, in a multi-label task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<f64>,
    /// The interval of the score: of mAP in a multi-label task, else of accuracy.
    pub interval: ConfidenceInterval,
    /// The score minus that on the same clips as they are.
    pub difference: f64,
    /// Its paired interval.
    pub difference_interval: ConfidenceInterval,
    /// McNemar's exact p of the difference; in a multi-label task that of mAP by the bootstrap.
    pub p: f64,
    /// The same corrected for all alterations (Holm).
    pub p_holm: f64,
    /// Recall of each class as the clips are and altered, in output order.
    pub classes: Vec<ClassDifference>,
}

impl AlteredScore {
    /// What the network is judged by: mAP in a multi-label task, else accuracy.
    pub fn score(&self) -> f64 {
        self.map.unwrap_or(self.accuracy)
    }

    /// True where the network is clearly worse than on the clips as they are: by the test and by the interval.
    pub fn clear_loss(&self) -> bool {
        self.p_holm < LEVEL && self.difference_interval.high < 0.0
    }
}

/// What decides for a network, as far as the test can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// One frame is enough.
    Looks,
    /// Several frames, whatever their order.
    SeveralFrames,
    /// Frames that follow each other, in either direction.
    Order,
    /// The direction of time.
    Direction,
    /// The body.
    Body,
    /// What is around the body.
    Background,
    /// Body and background together.
    BodyAndBackground,
    /// Which side something happens on.
    Side,
}

/// A network on altered clips.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MotionTest {
    /// What the run is called.
    pub name: String,
    /// The weights that answered.
    pub identity: Identity,
    /// Network id.
    pub model: String,
    /// Dataset root.
    pub dataset: String,
    /// Its fingerprint.
    pub dataset_fingerprint: String,
    /// Split tested.
    pub split: String,
    /// What the network is evaluated by.
    #[serde(default)]
    pub metric: Metric,
    /// Accuracy of always predicting the majority class; in a multi-label task mAP of an order by chance.
    pub majority_baseline: f64,
    /// What was drawn for intervals.
    pub resampled: Resampled,
    /// One score an alteration, the clips as they are first; those that could not be made are missing.
    pub scores: Vec<AlteredScore>,
    /// What could not be tested, in sentences.
    pub missing: Vec<String>,
    /// What decides.
    pub causes: Vec<Cause>,
    /// Classes that are recognised clearly worse from the frozen middle frame.
    pub motion_classes: Vec<String>,
    /// Classes that are recognised clearly worse shuffled or reversed.
    pub order_classes: Vec<String>,
    /// What it comes to, in sentences.
    pub findings: Vec<String>,
}

impl MotionTest {
    /// The score of an alteration.
    pub fn score(&self, alteration: Alteration) -> Option<&AlteredScore> {
        self.scores.iter().find(|s| s.alteration == alteration)
    }
}

/// The score of knowing nothing: of always predicting the majority class, or of an order by chance.
fn baseline(metric: Metric, classes: &ClassSet, clips: &[SharedClip], as_is: &[Option<Prediction>]) -> f64 {
    match metric {
        Metric::Accuracy => {
            Confusion::count(classes.len(), clips.iter().map(|c| (c.truth, c.truth))).majority_baseline()
        }
        Metric::MeanAveragePrecision => {
            let answers: Vec<Prediction> = as_is.iter().flatten().cloned().collect();
            evaluation_of_sets(classes, &answers).multi_label.map_or(0.0, |m| m.chance)
        }
    }
}

/// Judges answers to clips. `answers[k][i]` is what was said about clip `i` under `Alteration::ALL[k]`; `None` where that
/// could not be made.
pub fn judge(classes: &ClassSet, clips: &[SharedClip], answers: &[Vec<Option<Prediction>>], seed: u64) -> MotionTest {
    let units = Units::of(clips);
    let Some(as_is) = answers.first() else { return MotionTest::default() };
    let several = clips.iter().any(|c| !c.truths.is_empty());
    let metric = Metric::of(if several { Task::MultiLabel } else { Task::SingleLabel });
    let mut out = MotionTest {
        resampled: units.resampled,
        metric,
        majority_baseline: baseline(metric, classes, clips, as_is),
        ..MotionTest::default()
    };
    let intervals = match metric {
        Metric::Accuracy => intervals(&units, as_is, answers, seed),
        Metric::MeanAveragePrecision => intervals_of_sets(classes.len(), &units, as_is, answers, seed),
    };
    for ((alteration, altered), (interval, difference_interval, drawn_p)) in
        Alteration::ALL.into_iter().zip(answers).zip(intervals)
    {
        let both: (Vec<Prediction>, Vec<Prediction>) =
            as_is.iter().zip(altered).filter_map(|(a, b)| Some((a.clone()?, b.clone()?))).unzip();
        let (before, after) = &both;
        if after.is_empty() {
            out.missing.push(format!("'{}' was not tested: the dataset has no masks of the body", alteration.title()));
            continue;
        }
        if after.len() < clips.len() {
            let (some, all, title) = (after.len(), clips.len(), alteration.title());
            out.missing.push(format!("'{title}' was tested on the {some} of {all} clips that have masks of the body"));
        }
        let right = |list: &[Prediction]| list.iter().filter(|p| p.exact()).count() as f64;
        let (share, lost) = (right(after) / after.len() as f64, (right(after) - right(before)) / after.len() as f64);
        let (map, difference, p, classes) = match metric {
            Metric::Accuracy => {
                let classes = class_differences(classes, before, after);
                let sum = |of: fn(&ClassDifference) -> u64| classes.iter().map(of).sum::<u64>();
                (None, lost, mcnemar(sum(|c| c.fixed), sum(|c| c.broken)), classes)
            }
            Metric::MeanAveragePrecision => {
                let of = |list: &[Prediction]| map_of(classes.len(), list).unwrap_or(0.0);
                let p = if alteration == Alteration::AsIs { 1.0 } else { drawn_p };
                (Some(of(after)), of(after) - of(before), p, class_differences_of_sets(classes, before, after))
            }
        };
        out.scores.push(AlteredScore {
            alteration,
            clips: after.len() as u64,
            accuracy: share,
            map,
            interval,
            difference,
            difference_interval,
            p,
            p_holm: p,
            classes,
        });
    }
    // The clips as they are are no test.
    let corrected = holm(&out.scores.iter().skip(1).map(|s| s.p).collect::<Vec<_>>());
    out.scores.iter_mut().skip(1).zip(corrected).for_each(|(score, p)| score.p_holm = p);
    conclude(&mut out);
    out
}

/// Intervals of the accuracy and of the difference under every alteration, from the same draws.
fn intervals(
    units: &Units,
    as_is: &[Option<Prediction>],
    answers: &[Vec<Option<Prediction>>],
    seed: u64,
) -> Vec<Drawn> {
    // Clips, right ones, and right ones more than as they are, of each unit and alteration.
    let mut sums = vec![vec![[0.0_f64; 3]; answers.len()]; units.count()];
    for (k, altered) in answers.iter().enumerate() {
        for ((before, after), unit) in as_is.iter().zip(altered).zip(&units.of_clip) {
            let (Some(before), Some(after), Some(sums)) = (before, after, sums.get_mut(*unit)) else { continue };
            let [before, after] = [before, after].map(|p| f64::from(u8::from(p.exact())));
            sums[k].iter_mut().zip([1.0, after, after - before]).for_each(|(sum, n)| *sum += n);
        }
    }
    let statistic = |times: &[u32]| -> Vec<f64> {
        (0..answers.len())
            .flat_map(|k| {
                let total = |i: usize| times.iter().zip(&sums).map(|(n, s)| f64::from(*n) * s[k][i]).sum::<f64>();
                [total(1) / total(0), total(2) / total(0)]
            })
            .collect()
    };
    read(&resample(units.count(), DRAWS, seed, statistic))
}

/// Interval of a score, of its difference to the clips as they are, and the bootstrap p of that.
type Drawn = (ConfidenceInterval, ConfidenceInterval, f64);

/// The draws of a score and of its difference, one alteration after the other.
fn read(drawn: &[Vec<f64>]) -> Vec<Drawn> {
    let (pairs, _) = drawn.as_chunks::<2>();
    pairs.iter().map(|[score, difference]| (interval(score), interval(difference), bootstrap_p(difference))).collect()
}

/// The same of mean average precision, where clips show several classes.
fn intervals_of_sets(
    classes: usize,
    units: &Units,
    as_is: &[Option<Prediction>],
    answers: &[Vec<Option<Prediction>>],
    seed: u64,
) -> Vec<Drawn> {
    // As they are and altered, on the clips that could be altered.
    let ranked: Vec<[Ranked; 2]> = answers
        .iter()
        .map(|altered| {
            let both = as_is.iter().zip(altered).zip(&units.of_clip);
            let both: Vec<(usize, [&Prediction; 2])> =
                both.filter_map(|((a, b), unit)| Some((*unit, [a.as_ref()?, b.as_ref()?]))).collect();
            [0, 1].map(|i| Ranked::of(classes, &both.iter().map(|(unit, ab)| (*unit, ab[i])).collect::<Vec<_>>()))
        })
        .collect();
    let statistic = |times: &[u32]| -> Vec<f64> {
        let of = |[before, after]: &[Ranked; 2]| {
            let after = after.map(times);
            [after, after - before.map(times)]
        };
        ranked.iter().flat_map(of).collect()
    };
    read(&resample(units.count(), DRAWS, seed, statistic))
}

#[cfg(test)]
mod tests {
    use super::super::alter::{Masks, altered};
    use super::*;

    const SHAPE: [usize; 3] = [6, 4, 8];

    /// Clips of ten people in which brightness rises (class 0) or falls (class 1) over time within the region where the
    /// body is (columns 0 to 3), or does nothing there and is bright (0) or dark (1) around it.
    struct Planted {
        clips: Vec<SharedClip>,
        pixels: Vec<Vec<f32>>,
        masks: Masks,
    }

    fn planted(value: impl Fn(usize, usize, bool) -> f32) -> Planted {
        let [frames, rows, columns] = SHAPE;
        let body = |x: usize| x < 4;
        let clip = |truth: usize| -> Vec<f32> {
            let plane = |t: usize| (0..rows * columns).map(move |i| (t, i % columns));
            let one: Vec<f32> = (0..frames).flat_map(plane).map(|(t, x)| value(truth, t, body(x))).collect();
            [one.clone(), one.clone(), one].concat()
        };
        let clips: Vec<SharedClip> = (0..80)
            .map(|i| SharedClip {
                video: format!("v{i}"),
                subject: format!("p{}", i % 10),
                truth: i % 2,
                ..SharedClip::default()
            })
            .collect();
        let pixels = clips.iter().map(|c| clip(c.truth)).collect();
        let masks = vec![(0..rows * columns).map(|i| body(i % columns)).collect(); frames];
        Planted { clips, pixels, masks }
    }

    /// The planted network: class 0 where `evidence` of a clip is above 0; a coin where it is 0.
    fn tested(planted: &Planted, masks: bool, evidence: impl Fn(&[f32]) -> f32) -> MotionTest {
        let classes = ClassSet::from_names(["rise", "fall"]);
        let answer = |(i, clip): (usize, &SharedClip), alteration: Alteration| -> Option<Prediction> {
            let masks = masks.then_some(&planted.masks);
            let pixels = altered(&planted.pixels[i], SHAPE, alteration, masks, (5, i as u64))?;
            let sum = evidence(&pixels);
            let predicted = match sum.abs() < 1e-4 {
                true => (i / 2) % 2,
                false => usize::from(sum < 0.0),
            };
            Some(Prediction {
                video: clip.video.clone(),
                subject: clip.subject.clone(),
                start: 0,
                truth: clip.truth,
                predicted,
                probabilities: vec![0.5, 0.5],
                loss: 0.0,
                ..Prediction::default()
            })
        };
        let answers: Vec<Vec<Option<Prediction>>> = Alteration::ALL
            .into_iter()
            .map(|alteration| planted.clips.iter().enumerate().map(|c| answer(c, alteration)).collect())
            .collect();
        judge(&classes, &planted.clips, &answers, 1)
    }

    /// Brightness of frame `t`.
    fn brightness(clip: &[f32], t: usize) -> f32 {
        let area = SHAPE[1] * SHAPE[2];
        clip[t * area..(t + 1) * area].iter().sum()
    }

    #[test]
    fn a_network_that_needs_the_direction_of_time_is_found_out() {
        let planted = planted(|truth, t, body| match (body, truth) {
            (false, _) => 1.0,
            (true, 0) => t as f32 - 2.5,
            (true, _) => 2.5 - t as f32,
        });
        let test = tested(&planted, true, |clip| brightness(clip, 5) - brightness(clip, 0));
        assert_eq!(test.causes, [Cause::Direction, Cause::Body], "{:#?}", test.findings);
        let accuracy = |a| test.score(a).unwrap().accuracy;
        assert_eq!((accuracy(Alteration::AsIs), accuracy(Alteration::Reversed)), (1.0, 0.0));
        assert_eq!(accuracy(Alteration::Frozen), 0.5, "a coin");
        assert_eq!(accuracy(Alteration::Mirrored), 1.0);
        assert_eq!(test.order_classes, ["rise", "fall"]);
        assert_eq!(test.motion_classes, ["rise", "fall"]);
    }

    #[test]
    fn a_network_that_looks_at_one_region_of_any_frame_is_found_out() {
        let planted = planted(|truth, t, body| match body {
            true => t as f32 - 2.5,
            false => 1.0 - 2.0 * truth as f32,
        });
        // The mean of the columns where no body is.
        let around = |clip: &[f32]| clip.chunks_exact(SHAPE[2]).map(|row| row[5..].iter().sum::<f32>()).sum();
        let test = tested(&planted, true, around);
        assert_eq!(test.causes, [Cause::Looks, Cause::Background, Cause::Side], "{:#?}", test.findings);
        assert!(test.motion_classes.is_empty() && test.order_classes.is_empty());
        let without = tested(&planted, false, around);
        assert_eq!(without.causes, [Cause::Looks, Cause::Side]);
        assert_eq!(without.missing.len(), 2);
        assert!(without.missing[0].contains("no masks"), "{:?}", without.missing);
    }

    #[test]
    fn several_frames_without_order_and_order_without_direction_are_told_apart() {
        // What decides is the sum of the first and the last frame, and both are unlike the middle.
        let ends = planted(|truth, t, _| if t == 0 || t == 5 { 1.0 - 2.0 * truth as f32 } else { 0.0 });
        let all_frames = tested(&ends, false, |clip| (0..6).map(|t| brightness(clip, t)).sum());
        assert_eq!(all_frames.causes, [Cause::SeveralFrames], "{:#?}", all_frames.findings);
        // Neighbours that are alike or not: the same backwards.
        let steps = planted(|truth, t, _| {
            if truth == 0 {
                if t < 3 { 1.0 } else { -1.0 }
            } else if t % 2 == 0 {
                1.0
            } else {
                -1.0
            }
        });
        let alike = |clip: &[f32]| {
            let product = |t: usize| brightness(clip, t) * brightness(clip, t + 1);
            let sum: f32 = (0..5).map(product).sum();
            if brightness(clip, 0) == brightness(clip, 3) && brightness(clip, 0) == brightness(clip, 5) {
                0.0
            } else {
                sum
            }
        };
        let order = tested(&steps, false, alike);
        assert_eq!(order.causes, [Cause::Order], "{:#?}", order.findings);
    }

    #[test]
    fn a_loss_that_may_be_luck_is_no_proof_that_looks_decide() {
        let classes = ClassSet::from_names(["rise", "fall"]);
        let clips: Vec<SharedClip> = (0..24)
            .map(|i| SharedClip {
                video: format!("v{i}"),
                subject: format!("p{}", i / 4),
                truth: i % 2,
                ..SharedClip::default()
            })
            .collect();
        // Frozen, five of 24 are lost, four of them of one person: McNemar's p is 0.06, and others might lose far more.
        let answer = |(i, clip): (usize, &SharedClip), alteration: Alteration| {
            let lost = alteration == Alteration::Frozen && i < 5;
            let said = if lost { 1 - clip.truth } else { clip.truth };
            let probabilities = (0..2).map(|c| if c == said { 0.9 } else { 0.1 }).collect();
            Some(Prediction { truth: clip.truth, predicted: said, probabilities, ..Prediction::default() })
                .filter(|_| !alteration.needs_masks())
        };
        let answers: Vec<Vec<Option<Prediction>>> =
            Alteration::ALL.into_iter().map(|a| clips.iter().enumerate().map(|c| answer(c, a)).collect()).collect();
        let test = judge(&classes, &clips, &answers, 1);
        assert!(test.causes.is_empty(), "{:?}", test.findings);
        let told = &test.findings[0];
        assert!(
            told.starts_with("These clips do not tell whether time matters: middle frame frozen -20.8 points ["),
            "{told}"
        );
        assert!(!told.contains("shuffled"), "{told}");
    }

    #[test]
    fn of_clips_with_several_classes_mean_average_precision_is_told() {
        // Forty clips of ten people, each with class 0 or 1 and half of them with class 2 besides; shown reversed, the network
        // takes 0 for 1.
        let classes = ClassSet::from_names(["rise", "fall", "hop"]);
        let clips: Vec<SharedClip> = (0..40)
            .map(|i| SharedClip {
                video: format!("v{i}"),
                subject: format!("p{}", i % 10),
                truth: i % 2,
                truths: if (i / 2) % 2 == 0 { vec![i % 2] } else { vec![i % 2, 2] },
                ..SharedClip::default()
            })
            .collect();
        let answer = |clip: &SharedClip, alteration: Alteration| {
            let turned = alteration == Alteration::Reversed;
            let says = |class: usize| match class {
                2 => clip.truths.contains(&2),
                class => clip.truths.contains(&class) != turned,
            };
            let probabilities: Vec<f32> = (0..3).map(|c| if says(c) { 0.9 } else { 0.1 }).collect();
            Some(Prediction { truth: clip.truth, truths: clip.truths.clone(), probabilities, ..Prediction::default() })
                .filter(|_| !alteration.needs_masks())
        };
        let answers: Vec<Vec<Option<Prediction>>> =
            Alteration::ALL.into_iter().map(|a| clips.iter().map(|c| answer(c, a)).collect()).collect();
        let test = judge(&classes, &clips, &answers, 1);
        assert_eq!(test.metric, Metric::MeanAveragePrecision);
        // Each class is of half of the clips.
        assert!((test.majority_baseline - 0.5).abs() < 1e-12, "{}", test.majority_baseline);
        let score = |a| test.score(a).unwrap();
        assert_eq!((score(Alteration::AsIs).map, score(Alteration::AsIs).accuracy), (Some(1.0), 1.0));
        let reversed = score(Alteration::Reversed);
        // Of 0 and 1 the twenty wrong ones come first, so that all forty are seen at once for the right ones: 20 of 40.
        assert!((reversed.map.unwrap() - 2.0 / 3.0).abs() < 1e-9, "{:?}", reversed.map);
        assert!((reversed.difference + 1.0 / 3.0).abs() < 1e-9 && reversed.accuracy == 0.0);
        assert!(reversed.clear_loss() && !score(Alteration::Frozen).clear_loss());
        assert_eq!(test.causes, [Cause::Direction], "{:?}", test.findings);
        assert_eq!(test.order_classes, ["rise", "fall"]);
    }

    #[test]
    fn of_a_network_that_knows_nothing_nothing_is_said() {
        let planted = planted(|_, _, _| 1.0);
        let test = tested(&planted, true, |_| 0.0);
        assert!(test.causes.is_empty());
        assert!(test.findings[0].contains("not clearly better than always predicting"), "{:?}", test.findings);
    }
}

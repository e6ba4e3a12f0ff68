//! Metrics of multi-label tasks, as scikit-learn defines them: average precision, and precision, recall and F1 of the classes
//! said at one half.

use super::metrics::{average, in_top_k, ratio, wilson_interval};
use crate::domain::ClassSet;
use crate::run_folder::{ClassMetrics, ConfidenceInterval, Confusion, Evaluation, MultiLabel, Prediction};
use rayon::prelude::*;

/// Average precision of one class (scikit-learn's `average_precision_score`): the sum of precisions at each score, times
/// how much the recall rises there. Clips of equal score are taken together, whatever their order. `None` without a clip
/// that shows the class.
pub fn average_precision(clips: impl IntoIterator<Item = (f32, bool)>) -> Option<f64> {
    let mut clips: Vec<(f32, bool)> = clips.into_iter().collect();
    let shown = clips.iter().filter(|(_, shown)| *shown).count() as f64;
    clips.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut seen, mut hits, mut sum) = (0, 0, 0.0);
    for equal in clips.chunk_by(|a, b| a.0 == b.0) {
        let new = equal.iter().filter(|(_, shown)| *shown).count();
        seen += equal.len();
        hits += new;
        sum += new as f64 * hits as f64 / seen as f64;
    }
    (shown > 0.0).then(|| sum / shown)
}

/// Average precision of each of `classes` classes over clips: probabilities in output order, and the classes shown.
pub fn average_precisions<'a>(
    classes: usize,
    clips: impl Iterator<Item = (&'a [f32], &'a [usize])> + Clone + Sync,
) -> Vec<Option<f64>> {
    let of_class =
        |class: usize| {
            average_precision(clips.clone().map(|(scores, shown)| {
                (scores.get(class).copied().unwrap_or(f32::NEG_INFINITY), shown.contains(&class))
            }))
        };
    (0..classes).into_par_iter().map(of_class).collect()
}

/// The mean over the classes that a clip shows; `None` without one.
pub fn mean_average_precision(per_class: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = per_class.iter().copied().flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// Everything an [`Evaluation`] of a multi-label task can say from the clips alone; names and warnings are left to the
/// caller. Accuracy is the share of clips whose most probable class is among theirs.
pub fn evaluation_of_sets(classes: &ClassSet, clips: &[Prediction]) -> Evaluation {
    let count = classes.len();
    let multi_label = multi_label(count, clips);
    let hits = |class: usize| multi_label.co_occurrence.counts.get(class).and_then(|r| r.get(class)).copied();
    let per_class: Vec<ClassMetrics> = (0..count)
        .map(|class| {
            let support = clips.iter().filter(|c| c.true_classes().contains(&class)).count() as u64;
            let said = multi_label.said.get(class).copied().unwrap_or(0);
            let hit = hits(class).unwrap_or(0) as f64;
            ClassMetrics {
                class: classes.name(class).to_owned(),
                precision: ratio(hit, said as f64),
                recall: ratio(hit, support as f64),
                f1: ratio(2.0 * hit, (support + said) as f64),
                support,
            }
        })
        .collect();
    let occurs = per_class.iter().zip(&multi_label.said).map(|(c, said)| f64::from(u8::from(c.support + said > 0)));
    let macro_average = average(&per_class, occurs);
    let weighted_average = average(&per_class, per_class.iter().map(|c| c.support as f64));
    let right = clips.iter().filter(|c| c.correct()).count() as u64;
    let all = clips.len() as f64;
    let in_top = |k| {
        let among = |c: &&Prediction| c.true_classes().iter().any(|t| in_top_k(&c.probabilities, *t, k));
        ratio(clips.iter().filter(among).count() as f64, all)
    };
    let shown: Vec<&ClassMetrics> = per_class.iter().filter(|c| c.support > 0).collect();
    Evaluation {
        classes: classes.clone(),
        clips: clips.len() as u64,
        accuracy: ratio(right as f64, all),
        accuracy_interval: wilson_interval(right, clips.len() as u64),
        accuracy_interval_method: ConfidenceInterval::WILSON.to_owned(),
        top3_accuracy: in_top(3),
        top5_accuracy: in_top(5),
        mean_class_accuracy: ratio(shown.iter().map(|c| c.recall).sum(), shown.len() as f64),
        loss: ratio(clips.iter().map(|c| f64::from(c.loss)).sum(), all),
        majority_baseline: ratio(per_class.iter().map(|c| c.support).max().unwrap_or(0) as f64, all),
        macro_average,
        weighted_average,
        per_class,
        multi_label: Some(multi_label),
        ..Evaluation::default()
    }
}

fn multi_label(classes: usize, clips: &[Prediction]) -> MultiLabel {
    let mut co_occurrence = Confusion::count(classes, []);
    let (mut said_nothing, mut said_of, mut silent) = (vec![0; classes], vec![0; classes], 0);
    for clip in clips {
        let said = clip.said_classes();
        silent += u64::from(said.is_empty());
        for class in &said {
            if let Some(n) = said_of.get_mut(*class) {
                *n += 1;
            }
        }
        for truth in clip.true_classes() {
            said.iter().for_each(|class| co_occurrence.add(*truth, *class));
            if let Some(n) = said_nothing.get_mut(*truth).filter(|_| said.is_empty()) {
                *n += 1;
            }
        }
    }
    let scored = clips.iter().map(|c| (c.probabilities.as_slice(), c.true_classes()));
    let average_precision = average_precisions(classes, scored);
    let shown = average_precision.iter().filter(|ap| ap.is_some()).count() as f64;
    let labels: usize = clips.iter().map(|c| c.true_classes().len()).sum();
    MultiLabel {
        map: mean_average_precision(&average_precision).unwrap_or(0.0),
        chance: ratio(labels as f64, clips.len() as f64 * shown),
        average_precision,
        co_occurrence,
        said_nothing,
        said: said_of,
        silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_precision_by_hand() {
        let ap = |clips: &[(f32, bool)]| average_precision(clips.iter().copied());
        // Right at ranks 1 and 3: (1/1 + 2/3) / 2.
        let clips = [(0.9, true), (0.8, false), (0.7, true), (0.1, false)];
        assert!((ap(&clips).unwrap() - 5.0 / 6.0).abs() < 1e-12);
        // Four of one score, one of them right: precision 1/4, whatever their order.
        let tied = [(0.5, false), (0.5, true), (0.5, false), (0.5, false)];
        assert_eq!(ap(&tied), Some(0.25));
        assert_eq!((ap(&[(0.5, false)]), ap(&[])), (None, None));
        assert_eq!(mean_average_precision(&[Some(0.5), None, Some(1.0)]), Some(0.75));
        assert_eq!(mean_average_precision(&[None]), None);
    }

    #[test]
    fn what_is_said_together_is_counted_by_label() {
        let clip = |truths: &[usize], probabilities: &[f32]| Prediction {
            truth: truths[0],
            truths: truths.to_vec(),
            predicted: crate::domain::argmax(probabilities),
            probabilities: probabilities.to_vec(),
            ..Prediction::default()
        };
        let clips = [clip(&[0, 2], &[0.9, 0.5, 0.4]), clip(&[0], &[0.1, 0.2, 0.3]), clip(&[2], &[0.49, 0.6, 0.7])];
        let e = evaluation_of_sets(&ClassSet::from_names(["a", "b", "c"]), &clips);
        let m = e.multi_label.unwrap();
        assert_eq!(m.co_occurrence.counts, [[1, 1, 0], [0, 0, 0], [1, 2, 1]]);
        assert_eq!((m.said_nothing, m.said, m.silent), (vec![1, 0, 0], vec![1, 2, 1], 1));
        // Labels on three clips: two of a, none of b, two of c.
        assert!((m.chance - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!(m.average_precision, [Some((1.0 + 2.0 / 3.0) / 2.0), None, Some(1.0)]);
        let supports: Vec<u64> = e.per_class.iter().map(|c| c.support).collect();
        assert_eq!((supports, e.confusion.counts.len()), (vec![2, 0, 2], 0));
        assert!((e.accuracy - 2.0 / 3.0).abs() < 1e-12 && (e.mean_class_accuracy - 0.5).abs() < 1e-12);
    }
}

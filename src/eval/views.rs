//! Views: several clips or crops of one instance, whose probabilities are averaged into one prediction (as two-stream and
//! non-local networks are tested: Simonyan & Zisserman, NIPS 2014; Wang et al., CVPR 2018).

use super::metrics::{argmax, probabilities_of, ratio, sigmoid_and_loss, softmax_and_loss};
use crate::domain::{ClassId, Clip, Task};
use crate::run_folder::{ViewCounts, ViewPrediction};

/// What the views of a clip say together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vote {
    /// The mean of the views' probabilities, in output order: of a softmax, or of a sigmoid a class in a multi-label task.
    pub probabilities: Vec<f32>,
    /// The class of the largest.
    pub predicted: ClassId,
    /// Cross-entropy of what is true by these probabilities; in a multi-label task binary, the mean over classes.
    pub loss: f32,
}

/// The mean of probabilities, `[views][classes]`; empty without views.
pub fn mean_probabilities(views: &[Vec<f32>]) -> Vec<f32> {
    let classes = views.first().map_or(0, Vec::len);
    let mut sums = vec![0.0_f64; classes];
    for view in views {
        sums.iter_mut().zip(view).for_each(|(sum, p)| *sum += f64::from(*p));
    }
    sums.into_iter().map(|sum| (sum / views.len() as f64) as f32).collect()
}

impl Vote {
    /// Of logits of the views, `[views][classes]`, of a network that says one class of a clip.
    pub fn of(logits: &[Vec<f32>], truth: ClassId) -> Self {
        if let [only] = logits {
            let (probabilities, loss) = softmax_and_loss(only, truth);
            return Self { predicted: argmax(only), probabilities, loss };
        }
        let views: Vec<Vec<f32>> = logits.iter().map(|row| softmax_and_loss(row, truth).0).collect();
        let probabilities = mean_probabilities(&views);
        let own = probabilities.get(truth).copied().unwrap_or(0.0);
        Self { predicted: argmax(&probabilities), loss: -own.max(f32::MIN_POSITIVE).ln(), probabilities }
    }

    /// The same of a network that says each class by itself; `truths` are the classes that are true.
    pub fn of_sets(logits: &[Vec<f32>], truths: &[ClassId]) -> Self {
        if let [only] = logits {
            let (probabilities, loss) = sigmoid_and_loss(only, truths);
            return Self { predicted: argmax(only), probabilities, loss };
        }
        let views: Vec<Vec<f32>> = logits.iter().map(|row| probabilities_of(Task::MultiLabel, row)).collect();
        let probabilities = mean_probabilities(&views);
        let loss = |(class, p): (usize, &f32)| {
            let p = f64::from(*p);
            let own = if truths.contains(&class) { p } else { 1.0 - p };
            -own.max(f64::from(f32::MIN_POSITIVE)).ln()
        };
        let sum: f64 = probabilities.iter().enumerate().map(loss).sum();
        let loss = ratio(sum, probabilities.len() as f64) as f32;
        Self { predicted: argmax(&probabilities), probabilities, loss }
    }
}

/// Each view by itself; none where a clip has just one.
pub(super) fn one_by_one(trained: Task, views: &[Clip], logits: &[Vec<f32>]) -> Vec<ViewPrediction> {
    if views.len() < 2 {
        return Vec::new();
    }
    let each = |(clip, row): (&Clip, &Vec<f32>)| {
        let probabilities = probabilities_of(trained, row);
        ViewPrediction { cut: clip.cut, predicted: argmax(row), probabilities }
    };
    views.iter().zip(logits).map(each).collect()
}

/// How many views clips have; `None` for one.
pub(super) fn counts(views: &[Clip]) -> Option<ViewCounts> {
    let crops = views.first().map_or(1, |c| c.cut.crop.of.max(1));
    let clips = views.len() / usize::from(crops);
    (views.len() > 1).then_some(ViewCounts { clips: clips as u16, crops })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_averaged_and_not_logits() {
        // Softmax of (0, ln 3) is (1/4, 3/4), of (ln 9, 0) (9/10, 1/10).
        let logits = [vec![0.0, 3.0_f32.ln()], vec![9.0_f32.ln(), 0.0]];
        let vote = Vote::of(&logits, 1);
        let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(close(vote.probabilities[0], 0.575) && close(vote.probabilities[1], 0.425), "{vote:?}");
        assert_eq!(vote.predicted, 0);
        assert!(close(vote.loss, -(0.425_f32.ln())));
        let one = Vote::of(&logits[..1], 1);
        let (probabilities, loss) = softmax_and_loss(&logits[0], 1);
        assert_eq!(one, Vote { probabilities, predicted: 1, loss });
        assert_eq!(mean_probabilities(&[]), [0.0; 0]);
    }

    #[test]
    fn of_several_classes_the_sigmoids_are_averaged() {
        // The sigmoid of ln(p / (1 - p)) is p: 3/4 and 1/4, 1/2 and 1/10.
        let logits = [vec![3.0_f32.ln(), 0.0], vec![-(3.0_f32.ln()), -(9.0_f32.ln())]];
        let vote = Vote::of_sets(&logits, &[1]);
        let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(close(vote.probabilities[0], 0.5) && close(vote.probabilities[1], 0.3), "{vote:?}");
        assert_eq!(vote.predicted, 0);
        assert!(close(vote.loss, -(0.5_f32.ln() + 0.3_f32.ln()) / 2.0), "{vote:?}");
        let one = Vote::of_sets(&logits[..1], &[0]);
        assert!(close(one.probabilities[0], 0.75) && close(one.loss, -(0.75_f32.ln() + 0.5_f32.ln()) / 2.0));
        let each = one_by_one(Task::MultiLabel, &[Clip::window(0, 0); 2], &logits);
        assert!(close(each[1].probabilities[1], 0.1) && each[1].predicted == 0, "{each:?}");
    }
}

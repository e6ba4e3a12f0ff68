//! What a confusion matrix, or the co-occurrence matrix of a multi-label task, says: counts, shares, order, sentences.

use crate::domain::ClassSet;
use crate::run_folder::{ClassMetrics, Confusion, Evaluation, MultiLabel};
use crate::ui::selection::MatrixSelection as MatrixPick;
use serde::{Deserialize, Serialize};

/// The column of clips of which no class was said.
const NOTHING: &str = "none predicted";

/// What the shade and number of a cell say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatrixMode {
    /// Clips.
    #[default]
    Counts,
    /// Per cent of the true class's clips: recall on the diagonal.
    ByRow,
    /// Per cent of the clips called so: precision on the diagonal.
    ByColumn,
}

/// Order of rows and columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatrixSort {
    /// As the network's outputs.
    #[default]
    Index,
    /// Classes with most clips first.
    Support,
    /// Classes with most mistakes, made or received, first.
    Confusion,
}

/// Short text about a part of the matrix: "lunge predicted as squat: 12".
pub fn title(pick: MatrixPick, matrix: &Matrix<'_>) -> String {
    let name = |c| matrix.classes.name(c);
    if matrix.together.is_some() {
        return match pick {
            MatrixPick::Cell { truth, predicted } => {
                let said = matrix.said(predicted);
                format!("labelled {} and {said}: {}", name(truth), matrix.count(truth, predicted))
            }
            MatrixPick::Row(c) => format!("labelled {}: {}", name(c), matrix.row(c)),
            MatrixPick::Column(c) => format!("{}: {}", matrix.said(c), matrix.column(c)),
        };
    }
    match pick {
        MatrixPick::Cell { truth, predicted } => {
            format!("{} predicted as {}: {}", name(truth), name(predicted), matrix.count(truth, predicted))
        }
        MatrixPick::Row(c) => format!("true {}: {}", name(c), matrix.row(c)),
        MatrixPick::Column(c) => format!("predicted {}: {}", name(c), matrix.column(c)),
    }
}

/// Counts with the names of their classes.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    /// The counts.
    pub confusion: &'a Confusion,
    /// The classes in output order.
    pub classes: &'a ClassSet,
    /// What cells do not add up to where clips have several classes; `None` for a confusion matrix.
    pub together: Option<Together<'a>>,
}

/// Numbers of clips beside a matrix of what was said together with each label: a clip lies in several of its cells.
#[derive(Clone, Copy, Debug)]
pub struct Together<'a> {
    /// How many clips show each class, and its name.
    pub metrics: &'a [ClassMetrics],
    /// What was said of them.
    pub several: &'a MultiLabel,
}

impl<'a> Matrix<'a> {
    /// The confusion matrix of an evaluation, or in a multi-label one what was said together with each label.
    pub fn of(evaluation: &'a Evaluation) -> Self {
        let classes = &evaluation.classes;
        match &evaluation.multi_label {
            None => Self { confusion: &evaluation.confusion, classes, together: None },
            Some(several) => {
                let together = Together { metrics: &evaluation.per_class, several };
                Self { confusion: &several.co_occurrence, classes, together: Some(together) }
            }
        }
    }
}

impl Matrix<'_> {
    /// Clips of `truth` called `predicted`; 0 outside the matrix.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if let Some(together) = self.together.as_ref().filter(|_| predicted == self.len()) {
            return together.several.said_nothing.get(truth).copied().unwrap_or(0);
        }
        self.confusion.counts.get(truth).and_then(|r| r.get(predicted)).copied().unwrap_or(0)
    }

    /// Clips of a class.
    pub fn row(&self, truth: usize) -> u64 {
        if let Some(together) = &self.together {
            return together.metrics.get(truth).map_or(0, |m| m.support);
        }
        self.confusion.counts.get(truth).map_or(0, |r| r.iter().sum())
    }

    /// Clips called a class.
    pub fn column(&self, predicted: usize) -> u64 {
        if let Some(together) = &self.together {
            return together.several.said.get(predicted).copied().unwrap_or(together.several.silent);
        }
        self.confusion.counts.iter().filter_map(|r| r.get(predicted)).sum()
    }

    /// What a column says: "said squat", or behind the last class "none predicted".
    fn said(&self, predicted: usize) -> String {
        if predicted == self.len() { NOTHING.to_owned() } else { format!("predicted {}", self.classes.name(predicted)) }
    }

    /// What stands above a column.
    pub fn column_name(&self, predicted: usize) -> &str {
        if predicted == self.len() { NOTHING } else { self.classes.name(predicted) }
    }

    /// The classes of the columns, where rows are in the order `rows`.
    pub fn columns(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().copied().chain(self.together.is_some().then_some(self.len())).collect()
    }

    /// Rows, and columns but that of nothing.
    pub fn len(&self) -> usize {
        self.classes.len().max(self.confusion.counts.len())
    }

    /// True without a class.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Share of the mode's whole that a cell holds, 0…1.
    pub fn share(&self, mode: MatrixMode, truth: usize, predicted: usize) -> f32 {
        let whole = match mode {
            MatrixMode::Counts => return self.count(truth, predicted) as f32,
            MatrixMode::ByRow => self.row(truth),
            MatrixMode::ByColumn => self.column(predicted),
        };
        if whole == 0 { 0.0 } else { self.count(truth, predicted) as f32 / whole as f32 }
    }

    /// Classes in the order asked for.
    pub fn order(&self, sort: MatrixSort) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        let mistakes = |c: usize| (self.row(c) + self.column(c)).saturating_sub(2 * self.count(c, c));
        match sort {
            MatrixSort::Index => {}
            MatrixSort::Support => order.sort_by_key(|c| std::cmp::Reverse(self.row(*c))),
            MatrixSort::Confusion => order.sort_by_key(|c| std::cmp::Reverse(mistakes(*c))),
        }
        order
    }

    /// The same, of the classes that are called like `search` and those they are confused with; all where it is empty.
    pub fn order_of(&self, sort: MatrixSort, search: &str) -> Vec<usize> {
        let (mut order, search) = (self.order(sort), search.trim().to_lowercase());
        if search.is_empty() {
            return order;
        }
        let called: Vec<usize> =
            order.iter().copied().filter(|c| self.classes.name(*c).to_lowercase().contains(&search)).collect();
        let confused = |c: usize| called.iter().any(|k| *k == c || self.count(*k, c) > 0 || self.count(c, *k) > 0);
        order.retain(|c| confused(*c));
        order
    }

    /// The sentence about a part of the matrix.
    pub fn sentence(&self, pick: MatrixPick, mode: MatrixMode) -> String {
        let name = |c| self.classes.name(c);
        let percent =
            |n: u64, of: u64| if of == 0 { String::new() } else { format!(" ({:.0} %)", n as f64 / of as f64 * 100.0) };
        if self.together.is_some() {
            let n = |truth, predicted| self.count(truth, predicted);
            return match pick {
                MatrixPick::Cell { truth, predicted } if mode == MatrixMode::ByColumn => {
                    let (n, of, said) = (n(truth, predicted), self.column(predicted), self.said(predicted));
                    format!("{n} of {of} clips ({said}) are labelled '{}'{}", name(truth), percent(n, of))
                }
                MatrixPick::Cell { truth, predicted } => {
                    let (n, of, said) = (n(truth, predicted), self.row(truth), self.said(predicted));
                    format!("{n} of {of} clips labelled '{}': {said}{}", name(truth), percent(n, of))
                }
                MatrixPick::Row(c) => {
                    let (n, of) = (n(c, c), self.row(c));
                    format!("{of} clips labelled '{}', predicted for {n}{}", name(c), percent(n, of))
                }
                MatrixPick::Column(c) if c == self.len() => format!("{} clips: {NOTHING}", self.column(c)),
                MatrixPick::Column(c) => {
                    let (n, of) = (n(c, c), self.column(c));
                    format!("'{}' predicted for {of} clips, {n} of them labelled so{}", name(c), percent(n, of))
                }
            };
        }
        match pick {
            MatrixPick::Cell { truth, predicted } => {
                let n = self.count(truth, predicted);
                if mode == MatrixMode::ByColumn {
                    let of = self.column(predicted);
                    return format!(
                        "{n} of {of} clips predicted as '{}' are '{}'{}",
                        name(predicted),
                        name(truth),
                        percent(n, of)
                    );
                }
                let of = self.row(truth);
                format!("{n} of {of} '{}' clips predicted as '{}'{}", name(truth), name(predicted), percent(n, of))
            }
            MatrixPick::Row(c) => {
                let (right, of) = (self.count(c, c), self.row(c));
                format!("'{}': {of} clips, {right} correct{}", name(c), percent(right, of))
            }
            MatrixPick::Column(c) => {
                let (right, of) = (self.count(c, c), self.column(c));
                format!("predicted '{}': {of} clips, {right} of them correctly{}", name(c), percent(right, of))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (Confusion, ClassSet) {
        let confusion = Confusion { counts: vec![vec![61, 12, 7], vec![1, 20, 0], vec![0, 0, 3]] };
        (confusion, ClassSet::from_names(["lunge", "squat", "raise"]))
    }

    #[test]
    fn sentences_name_the_whole_they_are_a_part_of() {
        let (confusion, classes) = example();
        let m = Matrix { confusion: &confusion, classes: &classes, together: None };
        let cell = MatrixPick::Cell { truth: 0, predicted: 1 };
        assert_eq!(m.sentence(cell, MatrixMode::Counts), "12 of 80 'lunge' clips predicted as 'squat' (15 %)");
        assert_eq!(m.sentence(cell, MatrixMode::ByColumn), "12 of 32 clips predicted as 'squat' are 'lunge' (38 %)");
        assert_eq!(m.sentence(MatrixPick::Row(0), MatrixMode::Counts), "'lunge': 80 clips, 61 correct (76 %)");
        assert_eq!(title(cell, &m), "lunge predicted as squat: 12");
    }

    #[test]
    fn orders_by_support_and_by_mistakes() {
        let (confusion, classes) = example();
        let m = Matrix { confusion: &confusion, classes: &classes, together: None };
        assert_eq!(m.order(MatrixSort::Index), [0, 1, 2]);
        assert_eq!(m.order(MatrixSort::Support), [0, 1, 2]);
        // Mistakes made and received: lunge 19 + 1, squat 1 + 12, raise 0 + 7.
        assert_eq!(m.order(MatrixSort::Confusion), [0, 1, 2]);
        let turned = Confusion { counts: vec![vec![1, 0], vec![5, 9]] };
        let m = Matrix { confusion: &turned, classes: &classes, together: None };
        assert_eq!(m.order(MatrixSort::Support)[0], 1);
    }

    #[test]
    fn a_class_without_clips_divides_by_nothing() {
        let confusion = Confusion { counts: vec![vec![0, 0], vec![0, 0]] };
        let classes = ClassSet::from_names(["a", "b"]);
        let m = Matrix { confusion: &confusion, classes: &classes, together: None };
        assert_eq!(
            m.sentence(MatrixPick::Cell { truth: 0, predicted: 1 }, MatrixMode::ByRow),
            "0 of 0 'a' clips predicted as 'b'"
        );
        assert_eq!(m.share(MatrixMode::ByRow, 0, 0), 0.0);
        assert!(Matrix { confusion: &Confusion::default(), classes: &ClassSet::default(), together: None }.is_empty());
    }
    #[test]
    fn what_is_said_together_is_a_part_of_the_labelled_clips_and_not_of_a_row() {
        let metrics = |support| ClassMetrics { support, ..ClassMetrics::default() };
        let evaluation = Evaluation {
            classes: ClassSet::from_names(["walk", "talk"]),
            per_class: vec![metrics(10), metrics(4)],
            multi_label: Some(MultiLabel {
                co_occurrence: Confusion { counts: vec![vec![8, 5], vec![2, 1]] },
                said_nothing: vec![1, 2],
                said: vec![9, 6],
                silent: 3,
                ..MultiLabel::default()
            }),
            ..Evaluation::default()
        };
        let m = Matrix::of(&evaluation);
        let cell = |truth, predicted| MatrixPick::Cell { truth, predicted };
        assert_eq!((m.row(0), m.column(1), m.column(2), m.count(1, 2)), (10, 6, 3, 2));
        assert_eq!(m.columns(&m.order(MatrixSort::Index)), [0, 1, 2]);
        assert_eq!(title(cell(0, 1), &m), "labelled walk and predicted talk: 5");
        assert_eq!(title(cell(1, 2), &m), "labelled talk and none predicted: 2");
        assert_eq!(m.sentence(cell(0, 1), MatrixMode::ByRow), "5 of 10 clips labelled 'walk': predicted talk (50 %)");
        assert_eq!(
            m.sentence(cell(0, 1), MatrixMode::ByColumn),
            "5 of 6 clips (predicted talk) are labelled 'walk' (83 %)"
        );
        assert_eq!(
            m.sentence(MatrixPick::Row(0), MatrixMode::Counts),
            "10 clips labelled 'walk', predicted for 8 (80 %)"
        );
        assert_eq!((m.share(MatrixMode::ByRow, 0, 0), m.share(MatrixMode::ByRow, 1, 2)), (0.8, 0.5));
    }
}

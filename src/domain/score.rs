/// Probability from which a class counts as said, in a multi-label task.
pub const SAID_AT: f32 = 0.5;

/// The classes that are said, ascending: those whose probability is [`SAID_AT`] or more.
pub fn said(probabilities: &[f32]) -> impl Iterator<Item = usize> + '_ {
    probabilities.iter().enumerate().filter(|(_, p)| **p >= SAID_AT).map(|(class, _)| class)
}

/// Position of the largest value; the first of equal ones, 0 where there is none. What is not a number is never chosen.
pub fn argmax(values: &[f32]) -> usize {
    values.iter().enumerate().fold((0, f32::NEG_INFINITY), |b, (i, v)| if *v > b.1 { (i, *v) } else { b }).0
}

#[cfg(test)]
mod tests {
    use super::argmax;

    #[test]
    fn the_first_of_equals_and_never_nan() {
        assert_eq!(argmax(&[0.1, 0.7, 0.7]), 1);
        assert_eq!(argmax(&[f32::NAN, -3.0, -2.0]), 2);
        assert_eq!(argmax(&[]), 0);
    }
}

/// The names there are, for a message about one that is not among them: `a, b, c`, and which of them was probably meant.
pub fn choices<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let list = known.join(", ");
    match nearest(word, known) {
        Some(meant) => format!("{list}; did you mean '{meant}'?"),
        None => list,
    }
}

/// A few names and how many more there are: `a, b and 7 more`.
pub fn listed<S: AsRef<str>>(names: &[S], shown: usize) -> String {
    let (first, rest) = names.split_at(names.len().min(shown));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{}{more}", first.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", "))
}

/// The name most like a mistyped one; `None` when none is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = (word.chars().count() / 3).max(2);
    let by_distance = known.into_iter().map(|k| (distance(&word, &k.to_lowercase()), k));
    // Of a short name nothing would be left after so many changes.
    by_distance.filter(|(d, k)| *d <= near && *d < k.chars().count()).min().map(|(_, k)| k)
}

/// Letters to insert, remove or exchange to turn one word into the other (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = i + 1;
        let mut diagonal = std::mem::replace(&mut row[0], before);
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let exchanged = diagonal + usize::from(x != *y);
            diagonal = *cell;
            *cell = exchanged.min(*cell + 1).min(before + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_names_are_listed_and_the_others_counted() {
        assert_eq!(listed(&["a", "b", "c"], 3), "a, b, c");
        assert_eq!(listed(&["a", "b", "c"], 2), "a, b and 1 more");
    }

    #[test]
    fn distances_by_hand() {
        for (a, b, d) in [("", "abc", 3), ("kitten", "sitting", 3), ("epoch", "epochs", 1), ("lr", "lr", 0)] {
            assert_eq!((distance(a, b), distance(b, a)), (d, d), "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered_and_none_when_all_are_far() {
        let known = ["c3d", "small-3d", "small-2d", "lr"];
        assert_eq!(choices("smal-3d", known), "c3d, small-3d, small-2d, lr; did you mean 'small-3d'?");
        assert_eq!(nearest("C3D", known), Some("c3d"));
        assert_eq!(nearest("qq", ["lr"]), None);
        assert_eq!(choices("resnet", known), "c3d, small-3d, small-2d, lr");
    }
}

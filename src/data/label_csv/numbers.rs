//! Numbers and times in cells.

/// Whole numbers above this are not exact in tables of programs that compute with floating point: 2^53.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// A finite number; with `decimal_comma`, `0,5` is one too.
pub(in crate::data) fn number(cell: &str, decimal_comma: bool) -> Option<f64> {
    let cell = cell.trim();
    // Words such as "inf" and "nan" are no numbers here.
    if !cell.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | ',')) {
        return None;
    }
    let value: f64 = match cell.split_once(',') {
        Some((whole, part)) if decimal_comma && !cell.contains('.') => format!("{whole}.{part}").parse().ok()?,
        _ => cell.parse().ok()?,
    };
    value.is_finite().then_some(value)
}

/// A whole number. Spreadsheets and data frames like to write `12.0`.
pub(in crate::data) fn integer(cell: &str, decimal_comma: bool) -> Option<i64> {
    if let Ok(n) = cell.trim().parse() {
        return Some(n);
    }
    whole(number(cell, decimal_comma)?)
}

/// A whole number that is exact.
pub(in crate::data) fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= LARGEST).then_some(value as i64)
}

/// True for a word that R, pandas and databases write where a value is missing.
pub(in crate::data) fn is_missing(cell: &str) -> bool {
    const WORDS: &[&str] = &["na", "n/a", "#n/a", "<na>", "nan", "null"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(cell.trim()))
}

/// A sentence about cells that hold such words among names of classes, by their lines; `None` where there are none.
pub(in crate::data) fn missing_words<'a>(cells: impl Iterator<Item = (u32, &'a str)>) -> Option<String> {
    let found: Vec<(u32, &str)> = cells.filter(|(_, cell)| is_missing(cell)).collect();
    let (line, first) = found.first()?;
    let rows = if found.len() == 1 { "1 row".to_owned() } else { format!("{} rows", found.len()) };
    Some(format!(
        "line {line}: '{first}' is taken as the name of a class, and programs write missing values so ({rows}); leave the \
         cell empty where there is no class, or give the class another name"
    ))
}

/// Seconds, also as `MM:SS` and `HH:MM:SS` with or without a fraction.
pub(in crate::data) fn seconds(cell: &str, decimal_comma: bool) -> Option<f64> {
    let cell = cell.trim();
    let negative = cell.starts_with('-');
    let mut parts = cell.trim_start_matches('-').split(':').rev();
    let mut value = number(parts.next()?, decimal_comma).filter(|v| *v >= 0.0)?;
    for (part, unit) in parts.by_ref().take(2).zip([60.0, 3600.0]) {
        value += unit * f64::from(part.parse::<u32>().ok()?);
    }
    parts.next().is_none().then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_hand() {
        assert_eq!(number("0,50", true), Some(0.5));
        assert_eq!([number("0,50", false), number("1.000,5", true), number("1,2,3", true)], [None; 3]);
        assert_eq!([number("nan", true), number("inf", true), number("", true), number("1e999", true)], [None; 4]);
        assert_eq!([integer("12.0", false), integer("-1,0", true), integer("+3", true)], [Some(12), Some(-1), Some(3)]);
        assert_eq!([integer("1.5", false), integer("1e300", false), integer("x1", false)], [None; 3]);
    }

    #[test]
    fn words_for_missing_values() {
        assert!(["NA", "nan", "NULL", "N/A", " <NA>"].iter().all(|w| is_missing(w)));
        assert!(["", "none", "nap", "n", "0"].iter().all(|w| !is_missing(w)));
        let said = missing_words([(2, "a"), (3, "NA"), (5, "null")].into_iter()).unwrap();
        assert!(said.starts_with("line 3: 'NA'") && said.contains("2 rows"), "{said}");
        assert_eq!(missing_words([(2, "a")].into_iter()), None);
    }

    #[test]
    fn times_by_hand() {
        assert_eq!([seconds("1.5", false), seconds("01:02,5", true)], [Some(1.5), Some(62.5)]);
        assert_eq!([seconds("01:00:00.25", false), seconds("-0:01", false)], [Some(3600.25), Some(-1.0)]);
        assert_eq!([seconds("1:2:3:4", false), seconds("a:1", false), seconds("", false)], [None; 3]);
    }
}

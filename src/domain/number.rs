/// A count with its thousands apart: `12,345`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count and what is counted, in the singular: `1 video`, `12,345 videos`, `2 classes`.
pub fn counted(count: u64, noun: &str) -> String {
    let ending = match (count, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {noun}{ending}", grouped(count))
}

#[cfg(test)]
mod tests {
    use super::{counted, grouped};

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([grouped(7), grouped(28_413), grouped(1_000_000)], ["7", "28,413", "1,000,000"]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "video"), "1 video");
        assert_eq!([counted(0, "video"), counted(2_000, "class")], ["0 videos", "2,000 classes"]);
    }
}

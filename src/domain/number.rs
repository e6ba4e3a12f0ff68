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

/// A number of bytes in binary units, as memory and caches are counted: `212 MiB`, `1.5 GiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("bytes");
    let tenths = (value * 10.0).round() / 10.0;
    if tenths >= 100.0 || tenths.fract() == 0.0 { format!("{value:.0} {name}") } else { format!("{tenths:.1} {name}") }
}

/// A length of time: `4.4 s`, `42 s`, `3:05 min`, `2:10 h`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    let s = seconds.round() as u64;
    match s {
        0..60 if seconds < 9.95 && seconds != seconds.round() => format!("{seconds:.1} s"),
        0..60 => format!("{s} s"),
        60..3600 => format!("{}:{:02} min", s / 60, s % 60),
        _ => format!("{}:{:02} h", s / 3600, (s % 3600) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, counted, duration, grouped};

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([grouped(7), grouped(28_413), grouped(1_000_000)], ["7", "28,413", "1,000,000"]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "video"), "1 video");
        assert_eq!([counted(0, "video"), counted(2_000, "class")], ["0 videos", "2,000 classes"]);
    }

    #[test]
    fn sizes_and_durations_have_one_unit_that_fits() {
        assert_eq!(
            [bytes(999), bytes(1536), bytes(212 << 20), bytes(3 << 40)],
            ["999 bytes", "1.5 KiB", "212 MiB", "3 TiB"]
        );
        assert_eq!(bytes((1 << 20) - 1), "1 MiB");
        let said = [0.4, 4.0, 59.4, 65.0, 7389.0].map(duration);
        assert_eq!(said, ["0.4 s", "4 s", "59 s", "1:05 min", "2:03 h"]);
        assert_eq!(duration(f64::NAN), "?");
    }
}

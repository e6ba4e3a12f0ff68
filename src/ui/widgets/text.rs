//! Numbers as people read them, and names of widgets.

/// Gives a widget an accessible name, also where it would be named by its hint.
pub fn name(response: &egui::Response, name: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// `1:05`, `2:03:09`, `4 s`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    let s = seconds.round() as u64;
    match (s / 3600, s % 3600 / 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

/// `212 MB` (powers of ten, as file managers say it).
pub fn bytes(n: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or("B");
    if unit == 0 || value >= 99.5 { format!("{value:.0} {name}") } else { format!("{value:.1} {name}") }
}

/// `30`, `29.97`: frames a second without needless digits.
pub fn fps(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `13.90 s` below a minute, `2:05.3` above.
pub fn timestamp(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "?".into();
    }
    if seconds < 60.0 {
        return format!("{seconds:.2} s");
    }
    let minutes = (seconds / 60.0).floor();
    format!("{minutes:.0}:{:04.1}", seconds - minutes * 60.0)
}

/// A name shortened in its middle: runs of one dataset begin alike and end in what tells them apart.
pub fn elide_middle(text: &str, max: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= max {
        return text.to_owned();
    }
    let (head, tail) = (max.saturating_sub(1).div_ceil(2), max.saturating_sub(1) / 2);
    let part = |letters: &[char]| letters.iter().collect::<String>();
    format!("{}…{}", part(&letters[..head]), part(&letters[letters.len() - tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_ends() {
        assert_eq!(elide_middle("demo-20260412-1530", 11), "demo-…-1530");
        assert_eq!(elide_middle("demo", 11), "demo");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([duration(4.4), duration(65.0), duration(7389.0)], ["4 s", "1:05", "2:03:09"]);
        assert_eq!([bytes(999), bytes(1500), bytes(212_000_000)], ["999 B", "1.5 kB", "212 MB"]);
        assert_eq!([fps(30.0), fps(29.97), fps(12.5)], ["30", "29.97", "12.5"]);
        assert_eq!([timestamp(13.9), timestamp(125.3)], ["13.90 s", "2:05.3"]);
    }
}

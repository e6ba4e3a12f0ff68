//! Numbers as people read them, and names of widgets.

/// Gives a widget an accessible name, also where it would be named by its hint.
pub fn name(response: &egui::Response, name: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// A title with signs that the window's font has: the arrows of layers in words.
pub fn drawable(title: &str) -> String {
    title.replace('→', " to ")
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

/// `text`, cut at its end: the first `max` characters, with an ellipsis when some are missing.
pub fn elide(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
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
        assert_eq!([fps(30.0), fps(29.97), fps(12.5)], ["30", "29.97", "12.5"]);
        assert_eq!(drawable("Linear 256→17"), "Linear 256 to 17");
        assert_eq!([timestamp(13.9), timestamp(125.3)], ["13.90 s", "2:05.3"]);
    }
}

//! Times of day as people read them here. GLib, which comes with GStreamer, knows the time zone.

/// Seconds since 1970 as the local date and time, `2026-04-12 23:58`; `None` for a time that has none.
pub fn local_time(unix: u64) -> Option<String> {
    let time = gstreamer::glib::DateTime::from_unix_local(i64::try_from(unix).ok()?).ok()?;
    time.format("%Y-%m-%d %H:%M").ok().map(|t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::local_time;

    #[test]
    fn a_time_reads_as_a_date_and_minutes() {
        let text = local_time(1_700_000_000).unwrap();
        // The 14th of November 2023 at 22:13 in London, at most a day away elsewhere.
        assert!(text.starts_with("2023-11-1") && text.len() == 16 && text.contains(':'), "{text}");
        assert_eq!(local_time(u64::MAX), None);
    }
}

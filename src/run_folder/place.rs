//! Where runs go when nobody says otherwise.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// True where something is that a new run must not replace.
pub fn taken(out: &Path) -> bool {
    out.exists() && std::fs::read_dir(out).map_or(true, |mut entries| entries.next().is_some())
}

/// `DATASET/../runs/NAME-DATE`, or the platform's data folder when nothing can be written beside the dataset.
pub fn suggestion(root: Option<&Path>, name: &str) -> PathBuf {
    let beside = root.and_then(Path::parent).filter(|p| writable(p)).map(|p| p.join("runs"));
    let runs = beside.unwrap_or_else(|| {
        directories::ProjectDirs::from("", "", "kinolens")
            .map_or_else(|| std::env::temp_dir().join("kinolens"), |d| d.data_dir().to_path_buf())
            .join("runs")
    });
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let base = format!("{name}-{}", stamp(seconds));
    let free = (1..1000).map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") });
    runs.join(free.into_iter().find(|n| !runs.join(n).exists()).unwrap_or(base))
}

fn writable(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|m| m.is_dir() && !m.permissions().readonly())
}

/// Seconds since 1970 as `20260412-0931` (UTC).
fn stamp(seconds: u64) -> String {
    let days = (seconds / 86_400) as i64;
    // Days to a date of the proleptic Gregorian calendar, with years that begin in March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * part + 2) / 5 + 1;
    let month = if part < 10 { part + 3 } else { part - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (seconds % 86_400 / 3600, seconds % 3600 / 60);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // `date -u -d @N +%Y%m%d-%H%M`
        for (seconds, text) in [(0, "19700101-0000"), (951_827_696, "20000229-1234"), (1_775_986_260, "20260412-0931")]
        {
            assert_eq!(stamp(seconds), text);
        }
    }

    #[test]
    fn a_suggested_folder_lies_beside_the_dataset_and_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let first = suggestion(Some(&dir.path().join("data")), "demo");
        assert!(first.starts_with(dir.path().join("runs")), "{first:?}");
        std::fs::create_dir_all(&first).unwrap();
        assert!(!suggestion(Some(&dir.path().join("data")), "demo").exists());
    }
}

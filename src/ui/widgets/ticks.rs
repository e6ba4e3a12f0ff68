//! Round places on the axes of plots.

use super::series::number;
use crate::domain::bytes;
use egui_plot::GridMark;

/// Steps of an axis of seconds.
const SECONDS: [f64; 17] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 18_000.0, 43_200.0,
    86_400.0,
];

/// Lines at 1, 2 or 5 times a power of ten, at most about `lines` of them: a narrow range has labels too.
pub fn decimal(range: (f64, f64), lines: f64) -> Vec<GridMark> {
    let rough = (range.1 - range.0) / lines;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(power * 10.0);
    every(step, range, lines)
}

/// Lines at whole seconds, minutes and hours that people count by.
pub fn seconds(range: (f64, f64), lines: f64) -> Vec<GridMark> {
    let rough = (range.1 - range.0) / lines;
    if rough < 0.5 {
        return decimal(range, lines);
    }
    match SECONDS.into_iter().find(|s| *s >= rough) {
        Some(step) => every(step, range, lines),
        None => every((rough / 86_400.0).ceil() * 86_400.0, range, lines),
    }
}

/// Lines at powers of two.
pub fn sizes(range: (f64, f64), lines: f64) -> Vec<GridMark> {
    let rough = (range.1 - range.0) / lines;
    every(2_f64.powf(rough.max(1.0).log2().ceil()), range, lines)
}

fn every(step: f64, (low, high): (f64, f64), lines: f64) -> Vec<GridMark> {
    let range = high - low;
    if !range.is_finite() || range <= 0.0 || !step.is_finite() || step <= 0.0 {
        return Vec::new();
    }
    let first = (low / step).ceil() as i64;
    // As many as there can be, whatever rounding does.
    let at = |i: i64| GridMark { value: (first + i) as f64 * step, step_size: range };
    (0..lines as i64 + 2).map(at).take_while(|m| m.value <= high).collect()
}

/// A place on an axis of seconds: `30 s`, `2 min`, `1:30 min`, `5 h`.
pub fn seconds_text(value: f64) -> String {
    let s = value.round().abs() as u64;
    let sign = if value < -0.5 { "-" } else { "" };
    match s {
        _ if value.fract().abs() > 1e-6 => format!("{} s", number(value)),
        0 => "0".into(),
        1..60 => format!("{sign}{s} s"),
        _ if s.is_multiple_of(3600) => format!("{sign}{} h", s / 3600),
        60..3600 if s.is_multiple_of(60) => format!("{sign}{} min", s / 60),
        60..3600 => format!("{sign}{}:{:02} min", s / 60, s % 60),
        _ => format!("{sign}{}:{:02} h", s / 3600, s % 3600 / 60),
    }
}

/// A place on an axis of bytes.
pub fn bytes_text(value: f64) -> String {
    if value <= 0.0 { "0".into() } else { bytes(value as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(marks: &[GridMark], text: fn(f64) -> String) -> Vec<String> {
        marks.iter().map(|m| text(m.value)).collect()
    }

    #[test]
    fn times_stand_at_seconds_minutes_and_hours_people_count_by() {
        assert_eq!(
            places(&seconds((0.0, 170.0), 6.0), seconds_text),
            ["0", "30 s", "1 min", "1:30 min", "2 min", "2:30 min"]
        );
        assert_eq!(
            places(&seconds((0.0, 700.0), 7.0), seconds_text),
            ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]
        );
        assert_eq!(
            places(&seconds((50.0, 1500.0), 6.0), seconds_text),
            ["5 min", "10 min", "15 min", "20 min", "25 min"]
        );
        assert_eq!(places(&seconds((0.0, 20_000.0), 4.0), seconds_text), ["0", "2 h", "4 h"]);
        assert_eq!(places(&seconds((0.0, 1.0), 4.0), seconds_text), ["0", "0.5 s", "1 s"]);
        assert_eq!(places(&seconds((0.0, 400_000.0), 2.0), seconds_text), ["0", "72 h"]);
    }

    #[test]
    fn sizes_stand_at_powers_of_two() {
        const MIB: f64 = 1024.0 * 1024.0;
        assert_eq!(places(&sizes((0.0, 900.0 * MIB), 4.0), bytes_text), ["0", "256 MiB", "512 MiB", "768 MiB"]);
        assert_eq!(places(&sizes((0.0, 1700.0 * MIB), 4.0), bytes_text), ["0", "512 MiB", "1 GiB", "1.5 GiB"]);
    }

    #[test]
    fn other_values_stand_at_one_two_and_five() {
        let values = |range, lines| decimal(range, lines).iter().map(|m| m.value).collect::<Vec<_>>();
        assert_eq!(values((0.0, 1.0), 4.0), [0.0, 0.5, 1.0]);
        assert_eq!(values((0.0, 12.0), 6.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        assert!(values((1.0, 1.0), 4.0).is_empty() && values((0.0, f64::NAN), 4.0).is_empty());
    }
}

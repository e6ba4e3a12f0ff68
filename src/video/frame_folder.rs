//! Which pictures of a folder are the frames of a video, and which of them stands at which number.
//!
//! Folders hold more than one thing: optical flow beside the pictures, several cameras, a thumbnail, the same pictures in two
//! kinds of file. Names tell them apart: `img_00001.jpg` is the text `img_`, the number 1 and the ending `jpg`. Pictures with
//! the same text are a series, in which the number says the place; a number that is missing leaves its place empty.

use super::stream_names::{is_about, is_camera, is_picture, kind_of_words, words};
use crate::domain::natural;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers that reach further apart than so many times the number of pictures are times, not places.
const SPARSEST: u64 = 10;
/// Numbers up to here are places all the same.
const FEW: u64 = 100;
/// Pictures whose numbers go up by more than one each, before that counts as meant.
const STEPS_FROM: usize = 4;
/// Names said one by one before the rest is only counted.
const NAMED: usize = 3;
/// Two kinds of file are about equally many where they differ by no more, or by a tenth.
const ABOUT: usize = 2;
const JPEG: &str = "jpg";

/// The frames of a folder.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Arranged {
    /// Position in the names given, frame by frame; `None` where a number is missing.
    pub frames: Vec<Option<usize>>,
    /// Sentences about what is missing and what was left out.
    pub notes: Vec<String>,
}

/// A file name in parts: texts with numbers between them.
struct Name {
    texts: Vec<String>,
    numbers: Vec<u64>,
    /// Where each number begins and ends in the name.
    places: Vec<(usize, usize)>,
    ending: String,
}

impl Name {
    fn of(name: &str) -> Self {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let mut out =
            Self { texts: vec![String::new()], numbers: Vec::new(), places: Vec::new(), ending: ending.to_lowercase() };
        let mut rest = stem;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let at = stem.len() - rest.len();
            let text = if digits > 0 {
                match rest[..digits].parse() {
                    Ok(number) => {
                        out.numbers.push(number);
                        out.places.push((at, at + digits));
                        out.texts.push(String::new());
                        rest = &rest[digits..];
                        continue;
                    }
                    // More digits than a number has: a text.
                    Err(_) => &rest[..digits],
                }
            } else {
                &rest[..rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len())]
            };
            if let Some(last) = out.texts.last_mut() {
                last.push_str(&text.to_lowercase());
            }
            rest = &rest[text.len()..];
        }
        out
    }

    /// What kind of file it is.
    fn kind(&self) -> &str {
        if self.ending == "jpeg" { JPEG } else { &self.ending }
    }
}

/// Pictures that belong together.
#[derive(Clone, Debug)]
struct Series {
    /// Words of its names.
    words: Vec<String>,
    /// Number and position of each picture.
    members: Vec<(u64, usize)>,
    /// Which of the numbers in its names counts; `None` where none does.
    field: Option<usize>,
}

/// Arranges the pictures of a folder by their names.
pub(super) fn arrange(names: &[String]) -> Arranged {
    let parsed: Vec<Name> = names.iter().map(|n| Name::of(n)).collect();
    let series = all_series(&parsed);
    let kinds: Vec<Option<&str>> = series.iter().map(|s| other_kind(s, &series)).collect();
    let main: Vec<usize> = (0..series.len()).filter(|i| kinds[*i].is_none()).collect();
    // Nothing but flow: then that is what the folder is about.
    let main = if main.is_empty() { (0..series.len()).collect() } else { main };
    let loose: usize = main.iter().map(|i| &series[*i].members).filter(|m| m.len() < 2).map(Vec::len).sum();
    let best = main.iter().copied().filter(|i| series[*i].field.is_some()).max_by(|a, b| {
        let rank = |i: usize| (is_picture(&series[i].words), series[i].members.len());
        rank(*a).cmp(&rank(*b)).then_with(|| natural(first_name(&series[*b], names), first_name(&series[*a], names)))
    });
    let counted = best.filter(|i| series[*i].members.len() >= 2 && series[*i].members.len() > loose);
    let mut notes = Vec::new();
    let frames = match counted {
        Some(best) => {
            let (chosen, joined) = join(&series, &main, best);
            let others: Vec<(&Series, Option<&str>)> =
                (0..series.len()).filter(|i| !joined.contains(i)).map(|i| (&series[i], kinds[i])).collect();
            say_others(&pattern(&chosen, names, &parsed), &others, names, &parsed, &mut notes);
            numbered(&chosen, names, &parsed, &mut notes)
        }
        None => in_order(&series, &main, &kinds, names, &parsed, &mut notes),
    };
    Arranged { frames, notes }
}

fn first_name<'a>(series: &Series, names: &'a [String]) -> &'a str {
    series.members.first().map_or("", |(_, i)| names[*i].as_str())
}

/// Groups names by their texts, and by camera where several wrote into one folder.
fn all_series(parsed: &[Name]) -> Vec<Series> {
    let mut groups: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (i, name) in parsed.iter().enumerate() {
        groups.entry(&name.texts).or_default().push(i);
    }
    groups.into_iter().flat_map(|(texts, members)| series_of(texts, &members, parsed)).collect()
}

fn series_of(texts: &[String], members: &[usize], parsed: &[Name]) -> Vec<Series> {
    let fields = texts.len() - 1;
    let number = |i: usize, field: usize| parsed[i].numbers.get(field).copied().unwrap_or(0);
    let distinct = |field: usize| members.iter().map(|i| number(*i, field)).collect::<BTreeSet<u64>>();
    let whole: BTreeSet<&[u64]> = members.iter().map(|i| parsed[*i].numbers.as_slice()).collect();
    let varying: Vec<usize> = (0..fields).filter(|f| distinct(*f).len() > 1).collect();
    let series = |field: Option<usize>| {
        let mut members: Vec<(u64, usize)> = members.iter().map(|i| (field.map_or(0, |f| number(*i, f)), *i)).collect();
        members.sort_unstable();
        vec![Series { words: words(texts), members, field }]
    };
    match varying.as_slice() {
        [] => series(fields.checked_sub(1)),
        [one] => series(Some(*one)),
        many => {
            // A number and a time, say: each alone tells the pictures apart, and the denser one counts.
            let alone = many.iter().copied().filter(|f| distinct(*f).len() == whole.len());
            let span =
                |f: &usize| distinct(*f).last().copied().unwrap_or(0) - distinct(*f).first().copied().unwrap_or(0);
            if let Some(field) = alone.min_by_key(span) {
                return series(Some(field));
            }
            match many.iter().copied().find(|f| words(&texts[..=*f]).last().is_some_and(|w| is_camera(w))) {
                Some(camera) if many.len() == 2 => distinct(camera)
                    .into_iter()
                    .flat_map(|value| {
                        let own: Vec<usize> = members.iter().copied().filter(|i| number(*i, camera) == value).collect();
                        series_of(texts, &own, parsed)
                    })
                    .collect(),
                _ => series(None),
            }
        }
    }
}

/// What a series is, where it is not the pictures themselves.
fn other_kind(series: &Series, all: &[Series]) -> Option<&'static str> {
    let has = |pair: &str, series: &Series, of: &str| {
        let renamed: Vec<&str> = series.words.iter().map(|w| if w == of { pair } else { w.as_str() }).collect();
        all.iter().any(|other| other.words == renamed)
    };
    kind_of_words(&series.words).or_else(|| {
        let pairs = [("x", "y"), ("y", "x"), ("u", "v"), ("v", "u"), ("dx", "dy"), ("dy", "dx")];
        let paired = |(a, b): &(&str, &str)| series.words.iter().any(|w| w == *a) && has(b, series, a);
        pairs.iter().any(paired).then_some("optical flow")
    })
}

/// The folders of streams among the folders that hold pictures: which of them has the frames, when names tell that all are
/// streams of one video (`flow_x`, `flow_y`, `img`).
pub(super) fn stream_folder(names: &[String]) -> Option<usize> {
    let series: Vec<Series> = names
        .iter()
        .enumerate()
        .map(|(i, n)| Series { words: words(&Name::of(n).texts), members: vec![(0, i)], field: None })
        .collect();
    let kinds: Vec<Option<&str>> = series.iter().map(|s| other_kind(s, &series)).collect();
    let mut main = (0..series.len()).filter(|i| kinds[*i].is_none());
    let frames = main.next()?;
    let named = is_picture(&series[frames].words) && !series[frames].words.is_empty();
    (names.len() > 1 && named && main.next().is_none()).then_some(frames)
}

/// True for the name of a folder with a stream other than the pictures.
pub(super) fn is_other_stream(name: &str) -> bool {
    kind_of_words(&words(&Name::of(name).texts)).is_some()
}

/// The chosen series and those that go on where it ends (cameras begin a new name after 9999 pictures).
fn join(series: &[Series], main: &[usize], best: usize) -> (Series, BTreeSet<usize>) {
    let mut chosen = series[best].clone();
    let mut joined = BTreeSet::from([best]);
    let span = |s: &Series| (s.members.first().map_or(0, |m| m.0), s.members.last().map_or(0, |m| m.0));
    loop {
        let (first, last) = span(&chosen);
        let next = main.iter().copied().filter(|i| !joined.contains(i) && series[*i].field.is_some()).find(|i| {
            let (from, to) = span(&series[*i]);
            series[*i].members.len() >= 2 && (from == last + 1 || to + 1 == first)
        });
        let Some(next) = next else { return (chosen, joined) };
        chosen.members.extend_from_slice(&series[next].members);
        chosen.members.sort_unstable();
        joined.insert(next);
    }
}

/// `img_*.jpg` for the names of a series.
fn pattern(series: &Series, names: &[String], parsed: &[Name]) -> String {
    let Some((_, i)) = series.members.first() else { return String::new() };
    match series.field.and_then(|f| parsed[*i].places.get(f)) {
        Some((from, to)) => format!("{}*{}", &names[*i][..*from], &names[*i][*to..]),
        None => names[*i].clone(),
    }
}

fn say_others(
    frames: &str,
    others: &[(&Series, Option<&str>)],
    names: &[String],
    parsed: &[Name],
    notes: &mut Vec<String>,
) {
    let (streams, foreign): (Vec<_>, Vec<_>) =
        others.iter().partition(|(s, kind)| s.field.is_some() && (s.members.len() > 1 || kind.is_some()));
    if !streams.is_empty() {
        let list: Vec<String> = streams
            .iter()
            .map(|(s, kind)| format!("{} ({})", pattern(s, names, parsed), kind.unwrap_or("another series")))
            .collect();
        let unknown = streams.iter().any(|(_, kind)| kind.is_none());
        let remedy = if unknown { "; put them into a folder of their own if they are another video" } else { "" };
        notes.push(format!(
            "the frames are {frames}; the folder also holds {}, which are left out{remedy}",
            list.join(", ")
        ));
    }
    let mut foreign: Vec<&str> =
        foreign.iter().flat_map(|(s, _)| s.members.iter().map(|(_, i)| names[*i].as_str())).collect();
    foreign.sort_by(|a, b| natural(a, b));
    if !foreign.is_empty() {
        let (verb, they) =
            if foreign.len() == 1 { ("does not belong", "it is") } else { ("do not belong", "they are") };
        notes.push(format!("{} {verb} to the frames {frames}; {they} left out", listed(&foreign)));
    }
}

/// A few names and how many more there are.
fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

/// Pictures whose names count nothing, in natural order.
fn in_order(
    series: &[Series],
    main: &[usize],
    kinds: &[Option<&str>],
    names: &[String],
    parsed: &[Name],
    notes: &mut Vec<String>,
) -> Vec<Option<usize>> {
    let mut all: Vec<usize> = main.iter().flat_map(|i| series[*i].members.iter().map(|(_, i)| *i)).collect();
    let about: Vec<usize> = all.iter().copied().filter(|i| is_about(&words(&parsed[*i].texts))).collect();
    if about.len() < all.len() && !about.is_empty() {
        all.retain(|i| !about.contains(i));
        let left: Vec<&str> = about.iter().map(|i| names[*i].as_str()).collect();
        notes.push(format!("{} is about the video and no frame of it; left out", listed(&left)));
    }
    all.sort_by(|a, b| natural(&names[*a], &names[*b]));
    let streams: Vec<String> = (0..series.len())
        .filter(|i| !main.contains(i))
        .map(|i| format!("{} ({})", pattern(&series[i], names, parsed), kinds[i].unwrap_or_default()))
        .collect();
    if !streams.is_empty() {
        notes.push(format!("the folder also holds {}, which are left out", streams.join(", ")));
    }
    if let Some(odd) =
        main.iter().map(|i| &series[*i]).find(|s| s.field.is_none() && s.members.len() > 2 && !s.words.is_empty())
        && parsed[odd.members[0].1].numbers.len() > 1
    {
        notes.push(format!(
            "several numbers change in names such as {}; the frames are the pictures in the order of their names",
            names[odd.members[0].1]
        ));
    }
    all.into_iter().map(Some).collect()
}

/// The frames of a series by their numbers.
fn numbered(series: &Series, names: &[String], parsed: &[Name], notes: &mut Vec<String>) -> Vec<Option<usize>> {
    let mut at: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (number, i) in &series.members {
        at.entry(*number).or_default().push(*i);
    }
    let chosen = one_a_number(series, &at, names, parsed, notes);
    let numbers: Vec<u64> = chosen.keys().copied().collect();
    let (Some(first), Some(last)) = (numbers.first().copied(), numbers.last().copied()) else { return Vec::new() };
    let gcd = numbers.windows(2).fold(0, |sum, pair| gcd(sum, pair[1] - pair[0]));
    let step = if numbers.len() >= STEPS_FROM { gcd.max(1) } else { 1 };
    let places = ((last - first) / step).saturating_add(1);
    if places > FEW && places / SPARSEST > numbers.len() as u64 {
        notes.push(format!(
            "the numbers in {} go from {first} to {last} for {} pictures: they are times or ids and no frame numbers, so the \
             frames are the pictures in their order",
            pattern(series, names, parsed),
            numbers.len()
        ));
        return chosen.into_values().map(Some).collect();
    }
    if step > 1 {
        notes.push(format!(
            "the numbers in {} go up by {step}: frame 0 is number {first}, frame 1 is number {}",
            pattern(series, names, parsed),
            first + step
        ));
    }
    let frames: Vec<Option<usize>> = (0..places).map(|n| chosen.get(&(first + n * step)).copied()).collect();
    let missing: Vec<u64> = (0..places).filter(|n| frames[*n as usize].is_none()).collect();
    if !missing.is_empty() {
        let ranges = ranges(&missing);
        let of = |offset: u64, scale: u64| -> String {
            let text = |(from, to): &(u64, u64)| {
                let number = |n: u64| offset + n * scale;
                if from == to { format!("{}", number(*from)) } else { format!("{} to {}", number(*from), number(*to)) }
            };
            let shown = ranges.iter().take(NAMED).map(text).collect::<Vec<_>>().join(", ");
            if ranges.len() > NAMED { format!("{shown}, …") } else { shown }
        };
        let (word, frame, keep) = match missing.len() {
            1 => ("number is", "frame", "keeps its place"),
            _ => ("numbers are", "frames", "keep their places"),
        };
        notes.push(format!(
            "{} {word} missing among {} ({first} to {last}): {}; {frame} {} {keep} and cannot be shown, clips that need \
             such frames are left out of training and evaluation; bring the pictures back or number them anew",
            missing.len(),
            pattern(series, names, parsed),
            of(first, step),
            of(0, 1),
        ));
    }
    frames
}

/// One picture for each number. Where several have it (`1.jpg` and `1.png`), all are of one kind of file: that of most, and
/// of about equally many JPEG, which no mask is kept in.
fn one_a_number(
    series: &Series,
    at: &BTreeMap<u64, Vec<usize>>,
    names: &[String],
    parsed: &[Name],
    notes: &mut Vec<String>,
) -> BTreeMap<u64, usize> {
    let mut kinds: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for (number, several) in at {
        for i in several {
            kinds.entry(parsed[*i].kind()).or_default().insert(*number);
        }
    }
    let most = kinds.values().map(BTreeSet::len).max().unwrap_or(0);
    let rank = |kind: &str| {
        let count = kinds.get(kind).map_or(0, BTreeSet::len);
        let as_many = most - count <= ABOUT.max(most / 10);
        (as_many && kind == JPEG, count)
    };
    let best = kinds.keys().copied().rev().max_by_key(|kind| rank(kind)).unwrap_or_default();
    let own = kinds.get(best).cloned().unwrap_or_default();
    // A kind that shares most of its numbers is a series beside the frames, which fills none of their gaps.
    let beside = |kind: &str| {
        kind != best && kinds.get(kind).is_some_and(|numbers| 2 * numbers.intersection(&own).count() >= numbers.len())
    };
    let order = |i: &usize| (parsed[*i].kind() != best, std::cmp::Reverse(rank(parsed[*i].kind())), &names[*i]);
    let mut out = BTreeMap::new();
    let mut left = Vec::new();
    for (number, several) in at {
        let chosen = several.iter().copied().filter(|i| !beside(parsed[*i].kind())).min_by_key(order);
        out.extend(chosen.map(|i| (*number, i)));
        left.extend(several.iter().filter(|i| Some(**i) != chosen).map(|i| names[*i].as_str()));
    }
    if !left.is_empty() {
        let verb = if left.len() == 1 {
            "has a number that another picture has too"
        } else {
            "have numbers that other pictures have too"
        };
        let of = series.members.iter().filter(|(_, i)| parsed[*i].kind() == best).copied().collect();
        let frames = pattern(&Series { members: of, ..series.clone() }, names, parsed);
        notes.push(format!("{} {verb}; left out, the frames are {frames}", listed(&left)));
    }
    out
}

/// Runs of following numbers, as first and last.
pub(super) fn ranges(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut out: Vec<(u64, u64)> = Vec::new();
    for n in numbers {
        match out.last_mut() {
            Some((_, last)) if *last + 1 == *n => *last = *n,
            _ => out.push((*n, *n)),
        }
    }
    out
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(prefix: &str, numbers: impl IntoIterator<Item = u32>, ending: &str) -> Vec<String> {
        numbers.into_iter().map(|n| format!("{prefix}{n:05}.{ending}")).collect()
    }

    /// Names of the frames, `-` where one is missing, and the notes.
    fn arranged(names: &[String]) -> (Vec<String>, String) {
        let found = arrange(names);
        let name = |f: &Option<usize>| f.map_or_else(|| "-".to_owned(), |i| names[i].clone());
        (found.frames.iter().map(name).collect(), found.notes.join("\n"))
    }

    #[test]
    fn streams_beside_the_pictures_are_left_out_and_named() {
        for (frames, others) in [
            ("img_", ["flow_x_", "flow_y_"]),
            ("rgb_", ["x_", "y_"]),
            ("frame", ["u", "v"]),
            ("", ["flow_x_", "flow_y_"]),
            ("Image-", ["Depth-", "IR-"]),
            ("view_", ["flow_", "depth_"]),
            ("v_Archery_g01_c01_", ["v_Archery_g01_c01_flow_x_", "v_Archery_g01_c01_flow_y_"]),
        ] {
            let truth = many(frames, 1..=20, "jpg");
            let mut names = truth.clone();
            others.iter().for_each(|o| names.extend(many(o, 1..=20, "jpg")));
            names.reverse();
            let (found, notes) = arranged(&names);
            assert_eq!(found, truth, "{notes}");
            for other in others {
                assert!(notes.contains(&format!("{other}*.jpg")), "{other}: {notes}");
            }
        }
        // Flow has one picture less than there are frames.
        let names = [many("img_", 1..=9, "jpg"), many("flow_x_", 1..=8, "jpg"), many("flow_y_", 1..=8, "jpg")].concat();
        assert_eq!(arranged(&names).0, many("img_", 1..=9, "jpg"));
        // A class whose clips are called so is no stream.
        for prefix in ["flow_x_", "x", "mask_dance_"] {
            assert_eq!(arranged(&many(prefix, 0..5, "png")), (many(prefix, 0..5, "png"), String::new()));
        }
    }

    #[test]
    fn a_missing_number_keeps_its_place() {
        for first in [0, 1, 371] {
            let all = many("img_", first..first + 20, "jpg");
            let names: Vec<String> =
                all.iter().enumerate().filter(|(i, _)| ![7, 8, 15].contains(i)).map(|(_, n)| n.clone()).collect();
            let (found, notes) = arranged(&names);
            let place = |i: usize| if [7, 8, 15].contains(&i) { "-".to_owned() } else { all[i].clone() };
            assert_eq!(found, (0..20).map(place).collect::<Vec<_>>());
            let (a, b, c) = (first + 7, first + 8, first + 15);
            assert!(notes.contains(&format!("{a} to {b}, {c}")), "{notes}");
            assert!(notes.contains("3 numbers are missing") && notes.contains("frames 7 to 8, 15"), "{notes}");
        }
        // frame1 … frame12 without zeros: 10 is missing.
        let names: Vec<String> = (1..=12).filter(|n| *n != 10).map(|n| format!("frame{n}.jpg")).collect();
        let found = arrange(&names);
        assert_eq!(found.frames.iter().position(Option::is_none), Some(9));
    }

    #[test]
    fn numbers_in_steps_and_times_are_told_from_gaps() {
        let steps: Vec<String> = (0..12).map(|n| format!("f{}.png", 10 + 5 * n)).collect();
        let (found, notes) = arranged(&steps);
        assert_eq!(found, steps);
        assert!(notes.contains("go up by 5") && notes.contains("frame 1 is number 15"), "{notes}");
        let mut gap = steps.clone();
        gap.remove(4);
        let (found, notes) = arranged(&gap);
        assert_eq!(found.iter().position(|f| f == "-"), Some(4));
        assert!(notes.contains("1 number is missing") && notes.contains(": 30;"), "{notes}");
        // Times in milliseconds.
        let times: Vec<String> = (0..30_u64).map(|n| format!("{}.jpg", 1_623_423_000_000 + n * 100 / 3)).collect();
        let (found, notes) = arranged(&times);
        assert_eq!(found, times);
        assert!(notes.contains("no frame numbers"), "{notes}");
        // A number and a time: the number counts.
        let both: Vec<String> = (0..9).filter(|n| *n != 3).map(|n| format!("frame_{n:03}_{}ms.jpg", 40 * n)).collect();
        assert_eq!(arrange(&both).frames.iter().position(Option::is_none), Some(3));
    }

    #[test]
    fn foreign_pictures_and_second_copies_are_left_out_with_a_word() {
        let truth = many("img_", 1..=5, "jpg");
        let mut names = truth.clone();
        names.extend(["thumbnail.jpg", "00_cover.png", "img_00002 (1).jpg"].map(str::to_owned));
        names.extend(many("img_", 1..=4, "png"));
        let (found, notes) = arranged(&names);
        assert_eq!(found, truth);
        for word in ["thumbnail.jpg", "00_cover.png", "img_00002 (1).jpg", "img_00001.png", "and 1 more", "left out"] {
            assert!(notes.contains(word), "{word}: {notes}");
        }
        // Frames in two kinds of file, one after the other.
        let mixed = [many("", 0..4, "png"), many("", 4..9, "jpg")].concat();
        assert_eq!(arranged(&mixed), (mixed.clone(), String::new()));
        // A name that goes on under another one.
        let renamed = [many("DSC", 9990..=9999, "jpg"), many("EVT", 10_000..10_010, "jpg")].concat();
        assert_eq!(arranged(&renamed), (renamed.clone(), String::new()));
    }

    #[test]
    fn of_two_kinds_of_file_with_the_same_numbers_all_frames_are_of_one() {
        for (frames, masks) in
            [("jpg", "png"), ("JPG", "PNG"), ("jpeg", "png"), ("jpg", "bmp"), ("png", "tif"), ("jpg", "webp")]
        {
            for prefix in ["", "img_"] {
                let truth = many(prefix, 1..=20, frames);
                let others = many(prefix, 1..=20, masks);
                let mixed = truth.iter().zip(&others).enumerate();
                let mixed = mixed.flat_map(|(i, (a, b))| if i % 3 == 0 { [b, a] } else { [a, b] });
                for names in [
                    mixed.cloned().collect::<Vec<_>>(),
                    [truth.clone(), others.clone()].concat(),
                    [others.clone(), truth.clone()].concat(),
                    // One mask more or less, and one in five.
                    [others[1..].to_vec(), truth.clone()].concat(),
                    [others.iter().step_by(5).cloned().collect(), truth.clone()].concat(),
                ] {
                    let (found, notes) = arranged(&names);
                    assert_eq!(found, truth, "{notes}");
                    let said = format!("left out, the frames are {prefix}*.{frames}");
                    assert!(notes.contains(&said) && notes.contains(masks), "{notes}");
                }
            }
        }
        // A mask more than there are frames is no frame.
        let names = [many("", 1..=21, "png"), many("", 1..=20, "jpg")].concat();
        assert_eq!(arranged(&names).0, many("", 1..=20, "jpg"));
        // Most are of the other kind.
        let names = [many("", 1..=40, "png"), many("", 1..=25, "jpg")].concat();
        assert_eq!(arranged(&names).0, many("", 1..=40, "png"));
        // Two kinds one after the other that share a number.
        let names = [many("", 0..=4, "png"), many("", 4..=9, "jpg")].concat();
        assert_eq!(arranged(&names).0, [many("", 0..4, "png"), many("", 4..=9, "jpg")].concat());
    }

    #[test]
    fn cameras_are_told_apart_and_unknown_series_are_named() {
        let cameras = [many("cam1_", 0..6, "jpg"), many("cam2_", 0..6, "jpg")].concat();
        let (found, notes) = arranged(&cameras);
        assert_eq!(found, many("cam1_", 0..6, "jpg"));
        assert!(notes.contains("cam2_*.jpg") && notes.contains("another series"), "{notes}");
        let unknown = [many("a_", 1..=6, "jpg"), many("b_", 1..=6, "jpg")].concat();
        let (found, notes) = arranged(&unknown);
        assert_eq!(found, many("a_", 1..=6, "jpg"));
        assert!(notes.contains("b_*.jpg") && notes.contains("folder of their own"), "{notes}");
    }

    #[test]
    fn names_that_count_nothing_are_in_natural_order() {
        let names = ["z.png", "a.png", "b10.png", "b9.png", "c.jpg"].map(str::to_owned);
        assert_eq!(arranged(&names).0, ["a.png", "b9.png", "b10.png", "c.jpg", "z.png"]);
        let dates: Vec<String> = (0..70).map(|s| format!("2024-05-01_10-{:02}-{:02}.jpg", s / 60, s % 60)).collect();
        let (found, _) = arranged(&dates);
        assert_eq!(found, dates);
        assert_eq!(arranged(&["00007.png".to_owned()]), (vec!["00007.png".to_owned()], String::new()));
        let two = ["img_00001.jpg", "thumb.jpg"].map(str::to_owned);
        let (found, notes) = arranged(&two);
        assert_eq!(found, ["img_00001.jpg"]);
        assert!(notes.contains("thumb.jpg"), "{notes}");
        assert_eq!(arrange(&[]), Arranged::default());
        let huge = ["99999999999999999999999.jpg", "5.jpg"].map(str::to_owned);
        assert_eq!(arrange(&huge).frames.len(), 2);
    }

    #[test]
    fn folders_of_streams_are_told_from_folders_of_videos() {
        let of = |names: &[&str]| stream_folder(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["flow_x", "flow_y", "img"]), Some(2));
        assert_eq!(of(&["rgb", "x", "y"]), Some(0));
        assert_eq!(of(&["depth", "rgb"]), Some(1));
        for videos in [&["v1", "v2"][..], &["img"], &["flow_x", "flow_y"], &["img", "rgb"], &["wave", "flow"]] {
            assert_eq!(of(videos), None, "{videos:?}");
        }
    }
}

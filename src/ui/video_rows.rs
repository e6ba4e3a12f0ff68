//! Which videos pass a filter, and in what order they stand: quick also where they are many.

use super::arrangement::{VideoKey, VideoOrder};
use super::state::VideoTags;
use crate::domain::{Dataset, Label, Split, VideoEntry, VideoFacts};
use std::cmp::Ordering;
use std::collections::HashMap;

/// What filter and order look at.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// The part each video plays in the run in use, where there is one.
    pub parts: Option<&'a [Split]>,
    /// Warnings by position of the video.
    pub warnings: &'a HashMap<usize, Vec<String>>,
    /// Tags of the videos.
    pub tags: &'a VideoTags,
}

/// Where a word of a filter is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In everything.
    Anywhere,
    Name,
    Subject,
    Split,
    Codec,
    Class,
    Tag,
}

/// A part of a filter, with what it fits.
enum Term {
    /// A word, in lower case, at a place.
    Word(Word),
    /// Videos of a length, from this many seconds up to, not including, that many.
    Seconds(f64, f64),
}

struct Word {
    place: Place,
    text: String,
    /// Classes whose names hold it; where a place is named and one is called just so, only that one.
    classes: Vec<bool>,
    any_class: bool,
    background: bool,
    warning: bool,
}

/// The words of a filter: quotes hold several together, as in `class:"push up"`.
fn split_words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A filter that holds another part besides what it had; a part of the same place is replaced.
pub fn with_part(filter: &str, place: &str, value: &str) -> String {
    let quoted = |word: &str| match word.split_once(':') {
        Some((place, value)) if value.contains(char::is_whitespace) => format!("{place}:\"{value}\""),
        None if word.contains(char::is_whitespace) => format!("\"{word}\""),
        _ => word.to_owned(),
    };
    let begins = format!("{place}:");
    let mut words: Vec<String> =
        split_words(filter).into_iter().filter(|w| !w.starts_with(&begins)).map(|w| quoted(&w)).collect();
    if !value.is_empty() {
        words.push(quoted(&format!("{place}:{}", value.replace('"', ""))));
    }
    words.join(" ")
}

impl Term {
    fn of(word: &str, names: &[String]) -> Self {
        let word = word.to_lowercase();
        let places = [
            ("name", Place::Name),
            ("subject", Place::Subject),
            ("split", Place::Split),
            ("codec", Place::Codec),
            ("class", Place::Class),
            ("tag", Place::Tag),
        ];
        let named = word.split_once(':').filter(|(_, value)| !value.is_empty());
        if let Some(("seconds", range)) = named
            && let Some((from, to)) = range.split_once('-')
            && let (Ok(from), Ok(to)) = (from.parse(), to.parse())
        {
            return Term::Seconds(from, to);
        }
        let found = named.and_then(|(place, value)| Some((places.iter().find(|(name, _)| *name == place)?.1, value)));
        let (place, text) = found.unwrap_or((Place::Anywhere, word.as_str()));
        let just_so = place == Place::Class && (names.iter().any(|n| n == text) || text == "background");
        let fits = |name: &str| if just_so { name == text } else { name.contains(text) };
        let classes: Vec<bool> = names.iter().map(|n| fits(n)).collect();
        Term::Word(Word {
            place,
            any_class: classes.contains(&true),
            background: fits("background"),
            warning: "warning".contains(text),
            classes,
            text: text.to_owned(),
        })
    }
}

impl Rows<'_> {
    fn part(&self, index: usize, video: &VideoEntry) -> Split {
        self.parts.and_then(|p| p.get(index)).copied().unwrap_or(video.split)
    }

    /// Positions of the videos that hold every word of a text in their name, subject, split, codec, classes or tags; a word
    /// such as `class:squat`, `subject:s01`, `split:test`, `codec:h264`, `tag:dark` or `seconds:2-5` in that alone. Of videos
    /// that nobody looked into yet, the classes that their rows name count.
    pub fn passing(&self, text: &str) -> Vec<usize> {
        let videos = &self.dataset.videos;
        let names: Vec<String> = match text.trim().is_empty() {
            true => return (0..videos.len()).collect(),
            false => self.dataset.classes.classes.iter().map(|c| c.name.to_lowercase()).collect(),
        };
        let terms: Vec<Term> = split_words(text).iter().map(|w| Term::of(w, &names)).collect();
        let passes = |(i, video): &(usize, &VideoEntry)| terms.iter().all(|t| self.fits(*i, video, t));
        videos.iter().enumerate().filter(passes).map(|(i, _)| i).collect()
    }

    fn fits(&self, index: usize, video: &VideoEntry, term: &Term) -> bool {
        match term {
            Term::Word(word) => self.holds(index, video, word),
            Term::Seconds(from, to) => {
                video.facts.as_ref().is_some_and(|f| *from <= f.duration_s && f.duration_s < *to)
            }
        }
    }

    fn holds(&self, index: usize, video: &VideoEntry, word: &Word) -> bool {
        let text = word.text.as_str();
        let within = |part: &str| match part.is_ascii() && text.is_ascii() {
            true => holds_ascii(part.as_bytes(), text.as_bytes()),
            false => part.to_lowercase().contains(text),
        };
        let split = || self.part(index, video).name().contains(text);
        let codec = || video.facts.as_ref().is_some_and(|f| within(&f.codec));
        let class = || (word.any_class || word.background) && shows(video, word);
        match word.place {
            Place::Name => within(&video.name),
            Place::Subject => video.subject.to_lowercase() == text,
            Place::Split => self.part(index, video).name() == text,
            Place::Codec => codec(),
            Place::Class => class(),
            Place::Tag => self.tags.has(&video.name, text),
            Place::Anywhere => {
                within(&video.name)
                    || within(&video.subject)
                    || split()
                    || codec()
                    || (word.warning && self.warnings.contains_key(&index))
                    || self.tags.of(&video.name).any(within)
                    || class()
            }
        }
    }

    /// Puts positions into an order; where the key is equal, names decide.
    pub fn sorted(&self, rows: &[usize], order: VideoOrder) -> Vec<usize> {
        let video = |i: usize| self.dataset.videos.get(i);
        let mut rows: Vec<(usize, &VideoEntry)> = rows.iter().filter_map(|i| Some((*i, video(*i)?))).collect();
        let warnings = |i: usize| self.warnings.get(&i).map_or(0, Vec::len);
        let by = |(i, a): (usize, &VideoEntry), (j, b): (usize, &VideoEntry)| match order.key {
            VideoKey::Warnings => warnings(i).cmp(&warnings(j)),
            VideoKey::Split => self.part(i, a).cmp(&self.part(j, b)),
            key => compare(a, b, key),
        };
        rows.sort_by(|a, b| by(*a, *b).then_with(|| a.1.name.cmp(&b.1.name)));
        if order.descending {
            rows.reverse();
        }
        rows.into_iter().map(|(i, _)| i).collect()
    }
}

/// True where a text holds another, which is in lower case, whatever its own case.
fn holds_ascii(text: &[u8], word: &[u8]) -> bool {
    word.is_empty() || text.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word))
}

fn shows(video: &VideoEntry, word: &Word) -> bool {
    let class = |c: usize| word.classes.get(c).copied().unwrap_or(false);
    if let Some(unread) = &video.unread {
        return unread.classes.iter().any(|c| class(*c));
    }
    video.class_spans().any(|s| match s.label {
        Label::Class(c) => class(c),
        Label::Background => word.background,
    })
}

fn compare(a: &VideoEntry, b: &VideoEntry, key: VideoKey) -> Ordering {
    let (fa, fb) = (a.facts.as_ref(), b.facts.as_ref());
    match key {
        VideoKey::Name | VideoKey::Warnings | VideoKey::Split => Ordering::Equal,
        VideoKey::Subject => a.subject.cmp(&b.subject),
        VideoKey::Frames => a.frames().cmp(&b.frames()),
        VideoKey::Fps => fa.map_or(0.0, |f| f.fps).total_cmp(&fb.map_or(0.0, |f| f.fps)),
        VideoKey::Size => {
            let area = |f: Option<&VideoFacts>| f.map_or(0, |f| u64::from(f.width) * u64::from(f.height));
            area(fa).cmp(&area(fb))
        }
        VideoKey::Codec => fa.map(|f| &f.codec).cmp(&fb.map(|f| &f.codec)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClassSet, Opaque, Unread};
    use std::sync::Arc;

    #[test]
    fn words_are_found_in_every_column_also_before_a_video_was_looked_into() {
        let entry = |name: &str, split: Split| VideoEntry { name: name.into(), split, ..VideoEntry::default() };
        let unread =
            |class: usize| Some(Arc::new(Unread { classes: [class].into(), labelled: true, rows: Opaque::new(()) }));
        let facts = VideoFacts { codec: "h264".into(), frames: 9, ..VideoFacts::default() };
        let videos = vec![
            VideoEntry { unread: unread(1), ..entry("a/10.webm", Split::Train) },
            VideoEntry { unread: unread(0), subject: "Ärzte".into(), ..entry("a/2.webm", Split::Val) },
            VideoEntry { facts: Some(facts), ..entry("B/3.mp4", Split::Test) },
        ];
        let classes = ClassSet::from_names(["Pushing something", "Tearing paper"]);
        let dataset = Dataset { videos, classes, ..Dataset::default() };
        let warnings = HashMap::from([(2, vec!["is short".to_owned()])]);
        let mut tags = VideoTags::default();
        tags.set("a/2.webm", "Too dark", true);
        let rows = Rows { dataset: &dataset, parts: None, warnings: &warnings, tags: &tags };
        for (text, wanted) in [
            ("", vec![0, 1, 2]),
            ("WEBM", vec![0, 1]),
            ("tear", vec![0]),
            ("something val", vec![1]),
            ("ärz", vec![1]),
            ("h264", vec![2]),
            ("b/3 warn", vec![2]),
            ("webm h264", vec![]),
            ("tag:\"too dark\"", vec![1]),
            ("dark", vec![1]),
            ("class:\"tearing paper\" webm", vec![0]),
            ("class:tear", vec![0]),
            ("class:webm", vec![]),
            ("split:test", vec![2]),
            ("subject:ärzte", vec![1]),
            ("seconds:0-3.5", vec![2]),
            ("seconds:3.5-9", vec![]),
        ] {
            assert_eq!(rows.passing(text), wanted, "{text}");
        }
        assert_eq!(with_part("s01 class:\"push up\" tag:a", "class", "sit up"), "s01 tag:a class:\"sit up\"");
        assert_eq!(with_part("s01 class:\"push up\" tag:a", "tag", ""), "s01 class:\"push up\"");
        let order = |key, descending| VideoOrder { key, descending };
        assert_eq!(rows.sorted(&[0, 1, 2], order(VideoKey::Name, false)), [2, 0, 1]);
        assert_eq!(rows.sorted(&[0, 1, 2], order(VideoKey::Frames, true)), [2, 1, 0]);
        assert_eq!(rows.sorted(&[2, 0, 1], order(VideoKey::Split, false)), [0, 1, 2]);
        assert_eq!(rows.sorted(&[1, 2], order(VideoKey::Warnings, true)), [2, 1]);
    }
}

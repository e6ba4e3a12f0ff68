//! What file names tell: who is in a video, and which label file or split row belongs to it.

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Finds the subject in a file name.
pub(super) struct SubjectRule {
    custom: Option<Regex>,
}

/// Rules tried in this order when the configuration has no pattern; the first group is the subject.
/// KTH `person01_…`, `subject_3`, `actor12`; NTU `…P003R001A…`; UCF `v_PullUps_g07_c04`; `s3_wave1`.
const BUILT_IN: &[&str] = &[
    r"(?i)(?:^|[^a-z0-9])((?:person|subject|subj|actor|participant)[_\-]?\d+)(?:[^0-9]|$)",
    r"(P\d{3})R\d{3}A\d{3}",
    r"_(g\d{2})_c\d+",
    r"(?i)(?:^|[_\-. ])([sp]\d+)(?:[_\-. ]|$)",
    r"_(g\d+)(?:_|$)",
];

impl SubjectRule {
    /// The configured pattern, which [`crate::config::RunConfig::validate`] has checked, or the built-in rules.
    pub(super) fn new(pattern: Option<&str>) -> Self {
        Self { custom: pattern.and_then(|p| Regex::new(p).ok()) }
    }

    /// The subject named in `stem`, or an empty string.
    pub(super) fn subject(&self, stem: &str) -> String {
        static RULES: OnceLock<Vec<Regex>> = OnceLock::new();
        let built_in = RULES.get_or_init(|| BUILT_IN.iter().filter_map(|r| Regex::new(r).ok()).collect());
        let group = |rule: &Regex| rule.captures(stem).and_then(|c| c.get(1)).map(|m| m.as_str().to_owned());
        match &self.custom {
            Some(rule) => group(rule),
            None => built_in.iter().find_map(group),
        }
        .unwrap_or_default()
    }

    /// True when the pattern comes from the configuration.
    pub(super) fn is_custom(&self) -> bool {
        self.custom.is_some()
    }
}

/// A video's name without the mark of a mirrored copy (`a_mirror.mp4` → `a`), so that both stay on one side of a split.
pub(super) fn without_mirror_mark(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(s, _)| s);
    let lower = stem.to_ascii_lowercase();
    for mark in ["mirrored", "mirror", "flipped", "flip", "hflip"] {
        if let Some(rest) = lower.strip_suffix(mark)
            && let Some(rest) = rest.strip_suffix(['_', '-', '.', ' '])
        {
            return stem[..rest.len()].to_owned();
        }
    }
    stem.to_owned()
}

/// A name with its accents composed (NFC): equal where two names look the same.
pub(super) fn composed(name: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(name).into_owned()
}

/// A name as it is compared where lists and files differ in spelling only: accents composed (NFC), without case. Bytes that
/// are no UTF-8, which [`crate::domain::name_text`] writes as `\\xE9`, become the letters they are in Latin-1.
pub(super) fn folded(name: &str) -> String {
    if name.is_ascii() && !name.contains('\\') {
        return name.to_ascii_lowercase();
    }
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let name = if name.contains("\\x") { latin(name) } else { name.to_owned() };
    nfc.normalize(&nfc.normalize(&name).to_lowercase()).into_owned()
}

/// Letters for the bytes that stand as `\\xE9`.
fn latin(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find("\\x") {
        out.push_str(&rest[..at]);
        let byte = rest.get(at + 2..at + 4).and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|b| *b >= 0xA0);
        match byte {
            Some(byte) => out.push(char::from(byte)),
            None => out.push_str("\\x"),
        }
        rest = &rest[at + if byte.is_some() { 4 } else { 2 }..];
    }
    out + rest
}

/// Splits `S01_anon-2` into `s`, `1`, `anon`, `2`: lower case, numbers without leading zeros.
fn tokens(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in folded(name).chars() {
        if !c.is_alphanumeric() {
            last = ' ';
            continue;
        }
        let joins = last.is_alphanumeric() && last.is_numeric() == c.is_numeric();
        match out.last_mut() {
            Some(token) if joins => token.push(c),
            _ => out.push(c.to_string()),
        }
        last = c;
    }
    for token in &mut out {
        let trimmed = token.trim_start_matches('0');
        if trimmed.len() < token.len() && token.chars().all(char::is_numeric) {
            *token = if trimmed.is_empty() { "0".into() } else { trimmed.into() };
        }
    }
    out
}

/// Where `needle` starts in `hay`.
fn find_run(hay: &[String], needle: &[String]) -> Option<usize> {
    if needle.is_empty() || needle.len() > hay.len() {
        return None;
    }
    hay.windows(needle.len()).position(|w| w == needle)
}

/// Words that say what kind of file something is or that a number follows, and nothing about what it shows.
const GENERIC: &[&str] = &[
    "subject",
    "subj",
    "person",
    "participant",
    "actor",
    "patient",
    "p",
    "s",
    "id",
    "no",
    "nr",
    "video",
    "vid",
    "v",
    "clip",
    "rec",
    "recording",
    "take",
    "session",
    "trial",
    "file",
    "label",
    "labels",
    "labelled",
    "annotation",
    "annotations",
    "anno",
    "ann",
    "gt",
    "groundtruth",
    "frame",
    "frames",
    "mask",
    "masks",
    "pose",
    "poses",
    "keypoints",
    "skeleton",
    "anon",
    "anonymized",
    "csv",
    "yolo",
];

fn is_number(token: &str) -> bool {
    token.chars().all(char::is_numeric)
}

/// True where `part` of `whole` is enough to take one for the other. A number alone is not: `p1_lunge` and `p1_squat` have
/// the same one. It is where nothing but words such as `subject` or `label` stands beside it.
fn tells(part: &[String], whole: &[String]) -> bool {
    !part.iter().all(|t| is_number(t))
        || whole.iter().filter(|t| is_number(t)).count() == part.len()
            && whole.iter().all(|t| is_number(t) || GENERIC.contains(&t.as_str()))
}

/// Finds, for the name of a video, the one of `keys` (label files, split rows, masks) that means it: equal names
/// first (without case, accents composed), then equal up to separators and leading zeros, then one name inside the other
/// (prefixes and suffixes such as `_anon`). Numbers alone never match. Two equally good keys are no match.
pub(super) struct Matcher {
    exact: HashMap<String, usize>,
    /// `None` for several that differ in spelling only.
    folded: HashMap<String, Option<usize>>,
    keys: Vec<Vec<String>>,
}

impl Matcher {
    pub(super) fn new<S: AsRef<str>>(keys: &[S]) -> Self {
        let (mut exact, mut alike) = (HashMap::new(), HashMap::new());
        for (i, key) in keys.iter().map(AsRef::as_ref).enumerate() {
            exact.entry(key.to_owned()).or_insert(i);
            alike.entry(folded(key)).and_modify(|one| *one = None).or_insert(Some(i));
        }
        Self { exact, folded: alike, keys: keys.iter().map(|k| tokens(k.as_ref())).collect() }
    }

    /// Position of the key that means `name`.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        if let Some(i) = self.exact.get(name).copied().or_else(|| self.folded.get(&folded(name)).copied().flatten()) {
            return Some(i);
        }
        let name = tokens(name);
        // Higher is better: (kind of match, tokens matched, earliness).
        let rank = |key: &Vec<String>| -> Option<(u8, usize, usize)> {
            if *key == name {
                return Some((4, 0, 0));
            }
            if let Some(at) = find_run(&name, key).filter(|_| tells(key, &name)) {
                return Some((3, key.len(), usize::MAX - at));
            }
            let at = find_run(key, &name).filter(|_| tells(&name, key))?;
            Some((2, usize::MAX - key.len(), usize::MAX - at))
        };
        let mut best: Option<((u8, usize, usize), usize)> = None;
        let mut tie = false;
        for (i, key) in self.keys.iter().enumerate() {
            let Some(r) = rank(key) else { continue };
            match &best {
                Some((b, _)) if r < *b => {}
                Some((b, _)) if r == *b => tie = true,
                _ => {
                    best = Some((r, i));
                    tie = false;
                }
            }
        }
        best.filter(|_| !tie).map(|(_, i)| i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_rules_know_the_usual_names() {
        let rule = SubjectRule::new(None);
        for (stem, subject) in [
            ("v_PullUps_g07_c04", "g07"),
            ("s3_jack_mirror", "s3"),
            ("s12_wave1", "s12"),
            ("person01_boxing_d1_uncomp", "person01"),
            ("S001C001P003R001A051", "P003"),
            ("wave_subject_4", "subject_4"),
            ("RATRACE_wave_f_nm_np1_fr_goo_37", ""),
            ("lesson5", ""),
        ] {
            assert_eq!(rule.subject(stem), subject, "{stem}");
        }
        assert_eq!(SubjectRule::new(Some("^([a-z]+)_")).subject("daria_walk"), "daria");
        assert_eq!(SubjectRule::new(Some("^([a-z]+)_")).subject("42"), "");
    }

    #[test]
    fn names_match_despite_prefixes_suffixes_and_zeros() {
        let keys = ["s01", "s1b", "s10", "subject_2"];
        let m = Matcher::new(&keys);
        let found = |n: &str| m.find(n).map(|i| keys[i]);
        assert_eq!(found("S01"), Some("s01"));
        assert_eq!(found("s01_anon"), Some("s01"));
        assert_eq!(found("anon_s1"), Some("s01"));
        assert_eq!(found("s10_cam2"), Some("s10"));
        assert_eq!(found("subject02_cam1"), Some("subject_2"));
        assert_eq!(found("nobody"), None);
        let labels = Matcher::new(&["label_s3_frames", "label_s4_frames"]);
        assert_eq!(labels.find("s4"), Some(1));
    }

    #[test]
    fn numbers_alone_never_match() {
        let find = |keys: &[&str], name: &str| Matcher::new(keys).find(name).map(|i| keys[i].to_owned());
        assert_eq!(find(&["p1_lunge", "p2_squat"], "p1_squat"), None);
        assert_eq!(find(&["p1_lunge", "p1_squat"], "p1_squat").as_deref(), Some("p1_squat"));
        assert_eq!(find(&["subject_2"], "video2"), None);
        for (key, name) in
            [("1", "p1_squat"), ("01", "take_1_day_2"), ("lunge 7", "7"), ("2024_05", "cam_2024_05_lunge")]
        {
            assert_eq!(find(&[key], name), None, "{key} {name}");
        }
        // Nothing else is said: the number is the name.
        for (key, name) in [("01", "s01"), ("label_12_frames", "12"), ("7", "subject_007_anon"), ("p1", "p1_squat")] {
            assert_eq!(find(&[key], name).as_deref(), Some(key), "{key} {name}");
        }
    }

    #[test]
    fn names_are_equal_however_accents_and_case_are_written() {
        let (nfc, nfd) = ("\u{dc}bung_s0", "U\u{308}bung_s0");
        assert_eq!(folded(nfc), folded(nfd));
        assert_eq!(folded("HandStandPushups"), folded("HandstandPushups"));
        assert_eq!(folded("caf\u{e9}_1"), folded("caf\\xE9_1"));
        assert_eq!(folded("a\\xZZ\\x"), "a\\xzz\\x");
        // Hangul and several marks too.
        assert_eq!(folded("\u{1112}\u{1161}\u{11ab}"), folded("\u{d55c}"));
        let matcher = Matcher::new(&[nfd, "U\u{308}bung_s1"]);
        assert_eq!(matcher.find(nfc), Some(0));
        assert_eq!(matcher.find("\u{dc}bung_s1_cam2"), Some(1));
    }

    #[test]
    fn mirrored_copies_share_a_name() {
        assert_eq!(without_mirror_mark("bend/s1_bend_mirror.mp4"), "bend/s1_bend");
        assert_eq!(without_mirror_mark("bend/s1_bend.mp4"), "bend/s1_bend");
        assert_eq!(without_mirror_mark("kickflip.mp4"), "kickflip");
    }
}

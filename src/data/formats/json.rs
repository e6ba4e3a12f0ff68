//! JSON files whose records are told by their lines.

use crate::data::DataError;
use crate::data::label_csv::numbers::whole;
use crate::data::label_csv::text;
use crate::domain::DatasetWarning;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::path::Path;

/// Letters of a faulty place that a sentence shows.
const SHOWN: usize = 20;

/// A value, with the lines where its lists and objects begin.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// With the line of each value.
    List(u32, Vec<Json>, Vec<u32>),
    /// Keys in the order of the file; one that stands twice is there twice.
    Object(u32, Vec<(String, Json)>),
}

impl Json {
    /// Reads a file, and tells where it is not plain UTF-8.
    ///
    /// # Errors
    /// What is no JSON or nested too deeply, by its line.
    pub(super) fn read(path: &Path) -> Result<(Self, Option<DatasetWarning>), DataError> {
        let read = text::read(path)?;
        let json = parse(&read.text).map_err(|reason| DataError::Read { path: path.to_path_buf(), reason })?;
        Ok((json, read.note.map(|note| super::warning(path, note))))
    }

    /// The line of a list or an object.
    pub(super) fn line(&self) -> Option<u32> {
        match self {
            Self::List(line, ..) | Self::Object(line, _) => Some(*line),
            _ => None,
        }
    }

    /// The first value under a key of an object.
    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        self.entries()?.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// The entries of an object.
    pub(super) fn entries(&self) -> Option<&[(String, Json)]> {
        if let Self::Object(_, entries) = self { Some(entries) } else { None }
    }

    /// The values of a list.
    pub(super) fn list(&self) -> Option<&[Json]> {
        if let Self::List(_, values, _) = self { Some(values) } else { None }
    }

    /// The values of a list, each with the line it begins in.
    pub(super) fn items(&self) -> impl Iterator<Item = (u32, &Json)> {
        let (values, lines) = match self {
            Self::List(_, values, lines) => (values.as_slice(), lines.as_slice()),
            _ => Default::default(),
        };
        lines.iter().copied().zip(values)
    }

    /// A finite number.
    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number).filter(|n| n.is_finite()) } else { None }
    }

    /// A whole number that is exact.
    pub(super) fn integer(&self) -> Option<i64> {
        self.number().and_then(whole)
    }

    /// A name: text, or a number as text.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
            Self::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// True for null, and for text of spaces only.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    /// What it is, for sentences.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(..) => "a list",
            Self::Object(..) => "an object",
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(written) => f.write_str(&text::shown(written)),
            other => f.write_str(other.kind()),
        }
    }
}

/// Bytes one by one, so that the line is known at any time.
struct Lines<'a> {
    rest: &'a [u8],
    line: &'a Cell<u32>,
}

impl Read for Lines<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let (Some((byte, rest)), Some(first)) = (self.rest.split_first(), out.first_mut()) else { return Ok(0) };
        let ends = *byte == b'\n' || (*byte == b'\r' && rest.first() != Some(&b'\n'));
        self.line.set(self.line.get().saturating_add(u32::from(ends)));
        (*first, self.rest) = (*byte, rest);
        Ok(1)
    }
}

/// Makes a value where the line is known.
#[derive(Clone, Copy)]
struct At<'a>(&'a Cell<u32>);

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Json, D::Error> {
        from.deserialize_any(self)
    }
}

/// The same for a value of a list, whose first letter is the last that was read.
#[derive(Clone, Copy)]
struct Item<'a>(At<'a>);

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = (u32, Json);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(u32, Json), D::Error> {
        let line = self.0.0.get();
        Ok((line, self.0.deserialize(from)?))
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        // The bracket is the last that was read.
        let line = self.0.get();
        let (mut values, mut lines) = (Vec::new(), Vec::new());
        while let Some((line, value)) = seq.next_element_seed(Item(self))? {
            lines.push(line);
            values.push(value);
        }
        Ok(Json::List(line, values, lines))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let line = self.0.get();
        let mut out = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            out.push((key, map.next_value_seed(self)?));
        }
        Ok(Json::Object(line, out))
    }
}

fn parse(text: &str) -> Result<Json, String> {
    let line = Cell::new(1);
    let mut from = serde_json::Deserializer::from_reader(Lines { rest: text.as_bytes(), line: &line });
    At(&line).deserialize(&mut from).and_then(|json| from.end().map(|()| json)).map_err(|e| fault(text, &e, line.get()))
}

/// What is wrong with a text, and in which line.
fn fault(text: &str, error: &serde_json::Error, line: u32) -> String {
    if text.trim().is_empty() {
        return "line 1: it is empty".into();
    }
    if error.is_eof() {
        return format!("line {line}: the file ends too early; get it again or mend it");
    }
    let said = error.to_string();
    // Its own lines end in line feeds only.
    let what = said.split(" at line ").next().unwrap_or(&said);
    if what.contains("recursion") {
        return format!("line {line}: lists and objects are nested too deeply; it is no file of annotations");
    }
    let at = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let from = at.as_bytes().get(error.column().saturating_sub(1)..).unwrap_or_default();
    let word: String = String::from_utf8_lossy(from)
        .chars()
        .enumerate()
        .take_while(|(i, c)| *i < SHOWN && (*i == 0 || c.is_alphanumeric() || *c == '-' || *c == '.'))
        .map(|(_, c)| c)
        .collect();
    format!("line {line}: it is no JSON at '{}' ({what}); correct the line", word.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_objects_know_their_lines() {
        let text = "{\n\"a\": [1, \"x\",\r\n{\"b\": null}],\n\"c\":\n{}, \"c\": true}\n";
        let json = parse(text).unwrap();
        let a = json.get("a").unwrap();
        assert_eq!((json.line(), a.line(), a.list().unwrap()[2].line()), (Some(1), Some(2), Some(3)));
        assert_eq!(json.get("c").unwrap().line(), Some(5));
        assert_eq!(a.items().map(|(line, _)| line).collect::<Vec<_>>(), [2, 2, 3]);
        let plain = parse("[\n7,\n null\n,\n[],\n\"a\nb\"\n, {}]").unwrap_err();
        assert!(plain.contains("line"), "a line break within quotation marks is no JSON: {plain}");
        let plain = parse("[\n7,\n null\n,\n[],\n\"ab\"\n, {}]").unwrap();
        assert_eq!(plain.items().map(|(line, _)| line).collect::<Vec<_>>(), [2, 3, 5, 6, 7]);
        assert_eq!(json.entries().unwrap().len(), 3);
        assert_eq!((a.list().unwrap()[0].number(), a.list().unwrap()[1].name()), (Some(1.0), Some("x".into())));
        assert_eq!(parse("[\r[1],\r[2]]").unwrap().list().unwrap()[1].line(), Some(3));
    }

    #[test]
    fn faults_are_named_by_their_lines() {
        let said = |text: &str, words: &[&str]| {
            let error = parse(text).unwrap_err();
            assert!(words.iter().all(|w| error.contains(w)), "{text:?}: {error}");
        };
        said("{\n\"a\": [NaN, 1]}", &["line 2", "NaN"]);
        said("{\n\"a\": -Infinity}", &["line 2"]);
        said("{\"a\": 1,\n", &["ends too early"]);
        said("[1]\n[2]", &["line 2"]);
        said(" \n", &["line 1", "empty"]);
        said("{\n\"a\": 1e999}", &["line 2", "number"]);
        for open in ["[", "{\"a\":"] {
            said(&open.repeat(1_000_000), &["line 1", "deeply"]);
        }
    }
}

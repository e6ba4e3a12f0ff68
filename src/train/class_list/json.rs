//! Class lists in JSON: lists, names with numbers, numbers with names, by themselves or under a key.

use super::{FORMS, Row, counted, located, unquoted};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Keys the list may lie under.
const KEYS: [&str; 16] = [
    "id2label",
    "label2id",
    "classes",
    "class_names",
    "classnames",
    "class_list",
    "categories",
    "labels",
    "label_names",
    "label_map",
    "labels_map",
    "names",
    "class_to_idx",
    "idx_to_class",
    "class2id",
    "id2class",
];
/// Keys of a name within an entry.
const NAME: [&str; 8] = ["name", "label", "class", "class_name", "title", "action", "category", "text"];
/// Keys of a number within an entry.
const NUMBER: [&str; 6] = ["id", "index", "class_id", "label_id", "idx", "number"];

/// JSON whose objects keep their order, and their rows where a key is there twice.
#[derive(Clone, Debug)]
enum Json {
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    Text(String),
    Number(i64),
    Other,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element()? {
            out.push(item);
        }
        Ok(Json::List(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rows: A) -> Result<Json, A::Error> {
        let mut out = Vec::new();
        while let Some(row) = rows.next_entry()? {
            out.push(row);
        }
        Ok(Json::Object(out))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Other, Json::Number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        // As tables of pandas write whole numbers.
        let whole = number.fract() == 0.0 && number.abs() < 1e9;
        Ok(if whole { Json::Number(number as i64) } else { Json::Other })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }
}

impl Json {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

type Pairs = Vec<(Option<i64>, String)>;

/// The classes of a list in JSON, in the order of the file.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, String> {
    let json: Json = serde_json::from_str(text).map_err(|e| format!("it is no JSON ({e}); {FORMS}"))?;
    let (pairs, key) = found(text, &json)?;
    // Lines are counted from where the list begins.
    let from = key.and_then(|key| text.find(&format!("\"{key}\""))).unwrap_or(0);
    let above = text[..from].matches('\n').count();
    let mut rows = located(&text[from..], pairs.into_iter());
    for row in &mut rows {
        (row.line, row.name) = (row.line + above, unquoted(&row.name));
    }
    Ok(rows)
}

/// The list, and the key it lies under.
fn found<'a>(text: &str, json: &'a Json) -> Result<(Pairs, Option<&'a str>), String> {
    let Json::Object(rows) = json else { return Ok((list(text, json)?, None)) };
    let under = KEYS.iter().filter_map(|key| rows.iter().find(|(k, v)| k.to_lowercase() == *key && holds_more(v)));
    let mut under: Vec<&(String, Json)> = under.collect();
    if under.is_empty()
        && let [only @ (key, value)] = rows.as_slice()
        && key.parse::<i64>().is_err()
        && holds_more(value)
    {
        under.push(only);
    }
    let Some((key, first)) = under.first() else { return Ok((list(text, json)?, None)) };
    let pairs = list(text, first)?;
    for (other_key, other) in under.iter().skip(1) {
        // A list of something else may lie under another usual key.
        if let Ok(other) = list(text, other)
            && sorted(&other) != sorted(&pairs)
        {
            return Err(format!("its lists under '{key}' and '{other_key}' are not the same; leave the right one"));
        }
    }
    Ok((pairs, Some(key)))
}

fn holds_more(json: &Json) -> bool {
    matches!(json, Json::List(_) | Json::Object(_))
}

/// Names in output order, for comparing.
fn sorted(pairs: &Pairs) -> Vec<String> {
    let mut pairs: Vec<(i64, &String)> =
        (0..).zip(pairs).map(|(at, (number, name))| (number.unwrap_or(at), name)).collect();
    pairs.sort();
    pairs.into_iter().map(|(_, name)| unquoted(name)).collect()
}

fn list(text: &str, json: &Json) -> Result<Pairs, String> {
    match json {
        Json::List(entries) => entries.iter().enumerate().map(|(i, e)| entry(i, e)).collect(),
        Json::Object(rows) => mapping(text, rows),
        _ => Err(format!("it holds neither a list of names nor names with numbers; {FORMS}")),
    }
}

/// `"name"`, `{"name": "run", "id": 3}`, `[3, "run"]` or `["run", 3]`.
fn entry(at: usize, entry: &Json) -> Result<(Option<i64>, String), String> {
    let bad = || format!("entry {} of its list is no name; {FORMS}", at + 1);
    match entry {
        Json::Text(name) => Ok((None, name.clone())),
        Json::Object(rows) => {
            let of = |keys: &[&str]| keys.iter().find_map(|key| rows.iter().find(|(k, _)| k.to_lowercase() == *key));
            let name = of(&NAME).and_then(|(_, value)| value.text()).ok_or_else(bad)?;
            Ok((of(&NUMBER).and_then(|(_, value)| value.number()), name.to_owned()))
        }
        Json::List(pair) => match pair.as_slice() {
            [Json::Number(number), Json::Text(name)] | [Json::Text(name), Json::Number(number)] => {
                Ok((Some(*number), name.clone()))
            }
            _ => Err(bad()),
        },
        _ => Err(bad()),
    }
}

/// `{"run": 3}`, or `{"3": "run"}` as ImageNet's `{"3": ["n01491361", "tiger_shark"]}`.
fn mapping(text: &str, rows: &[(String, Json)]) -> Result<Pairs, String> {
    let by_value: Option<Pairs> = rows.iter().map(|(key, value)| Some((Some(value.number()?), key.clone()))).collect();
    let by_key: Option<Pairs> = rows
        .iter()
        .map(|(key, value)| {
            let name = match value {
                Json::Text(name) => name.as_str(),
                Json::List(names) => names.last()?.text()?,
                Json::Object(_) => {
                    return entry(0, value).ok().and_then(|e| Some((Some(key.trim().parse().ok()?), e.1)));
                }
                _ => return None,
            };
            Some((Some(key.trim().parse().ok()?), name.to_owned()))
        })
        .collect();
    match (by_value, by_key) {
        // Both are numbers: one of them counts the outputs.
        (Some(by_value), Some(by_key)) => match (is_counted(&by_value), is_counted(&by_key)) {
            (true, true) if sorted(&by_value) != sorted(&by_key) => {
                Err(format!("its names are numbers, so that names and outputs cannot be told apart; {FORMS}"))
            }
            (true, false) => Ok(by_value),
            _ => Ok(by_key),
        },
        (Some(pairs), None) | (None, Some(pairs)) => Ok(pairs),
        (None, None) => Err(no_pair(text, rows)),
    }
}

fn is_counted(pairs: &Pairs) -> bool {
    let rows: Vec<Row> =
        pairs.iter().map(|(number, name)| Row { line: 0, number: *number, name: name.clone() }).collect();
    counted(&rows).is_ok()
}

/// The sentence about the first row that is neither a name with a number nor a number with a name.
fn no_pair(text: &str, rows: &[(String, Json)]) -> String {
    let numbered = |key: &str| key.trim().parse::<i64>().is_ok();
    let odd = rows.iter().find(|(key, value)| {
        value.number().is_none() && !(numbered(key) && matches!(value, Json::Text(_) | Json::List(_) | Json::Object(_)))
    });
    let Some((key, _)) = odd else { return format!("some of its rows are by name and some by number; {FORMS}") };
    let line = text.find(&format!("\"{key}\"")).map_or(1, |at| 1 + text[..at].matches('\n').count());
    format!("'{key}' (line {line}) is neither a name with its number nor a number with its name; {FORMS}")
}

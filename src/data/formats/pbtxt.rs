//! Lists of classes in the text form of protocol buffers: blocks `item { name: "…" id: 1 }`.

use super::Draft;
use super::lists::unnamed;
use crate::data::DataError;
use crate::data::label_csv::text;
use crate::domain::{ClassInfo, ClassSet};
use std::collections::BTreeMap;
use std::path::Path;

/// A word of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Open,
    Close,
    /// `:`, `,` or `;`.
    Mark,
    Bare(String),
    Quoted(String),
}

/// Words with their lines.
struct Words<'a> {
    rest: &'a str,
    line: u32,
}

impl Words<'_> {
    fn step(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        let ends = c == '\n' || (c == '\r' && !self.rest.starts_with('\n'));
        self.line = self.line.saturating_add(u32::from(ends));
        Some(c)
    }

    /// The next word and its line.
    fn next(&mut self) -> Result<Option<(u32, Word)>, String> {
        loop {
            let line = self.line;
            let word = match self.step() {
                None => return Ok(None),
                Some('#') => {
                    while self.rest.starts_with(|c| c != '\n' && c != '\r') {
                        self.step();
                    }
                    continue;
                }
                Some('{' | '<') => Word::Open,
                Some('}' | '>') => Word::Close,
                Some(':' | ',' | ';') => Word::Mark,
                Some(quote @ ('"' | '\'')) => Word::Quoted(self.quoted(quote, line)?),
                Some(c) if c.is_whitespace() => continue,
                Some(c) => {
                    let mut word = String::from(c);
                    while self.rest.starts_with(|c: char| !c.is_whitespace() && !"{}<>:,;#\"'".contains(c)) {
                        word.extend(self.step());
                    }
                    Word::Bare(word)
                }
            };
            return Ok(Some((line, word)));
        }
    }

    fn quoted(&mut self, quote: char, line: u32) -> Result<String, String> {
        let mut out = String::new();
        loop {
            match self.step() {
                Some(c) if c == quote => return Ok(out),
                Some('\\') => out.extend(self.step()),
                Some(c) => out.push(c),
                None => return Err(format!("line {line}: a quote is opened and never closed; correct the line")),
            }
        }
    }
}

/// A block by its line, its number and its name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Block {
    line: u32,
    id: Option<String>,
    name: Option<String>,
}

/// The blocks of a text; blocks in blocks tell nothing.
fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let mut words = Words { rest: text, line: 1 };
    let (mut out, mut depth, mut key) = (Vec::new(), 0_u32, None::<String>);
    let mut block = Block::default();
    while let Some((line, word)) = words.next()? {
        match word {
            Word::Open => {
                depth += 1;
                if depth == 1 {
                    block = Block { line, ..Block::default() };
                }
                key = None;
            }
            Word::Close if depth == 0 => {
                return Err(format!("line {line}: a bracket closes nothing; correct the line"));
            }
            Word::Close => {
                depth -= 1;
                if depth == 0 {
                    out.push(std::mem::take(&mut block));
                }
                key = None;
            }
            Word::Mark => {}
            Word::Bare(value) | Word::Quoted(value) => match key.take().as_deref() {
                Some("id" | "label_id") if depth == 1 => block.id = Some(value),
                Some("name") if depth == 1 => block.name = Some(value),
                Some(_) => {}
                None => key = Some(value),
            },
        }
    }
    if depth > 0 {
        return Err(format!("line {}: a bracket is opened and never closed; the file ends too early", block.line));
    }
    Ok(out)
}

/// The classes in the order of their numbers, which are those of the source.
///
/// # Errors
/// A file that cannot be read or is no list of blocks, and a number that stands twice.
pub(super) fn classes(path: &Path, draft: &mut Draft) -> Result<ClassSet, DataError> {
    let refuse = |reason: String| DataError::Read { path: path.to_path_buf(), reason };
    let read = text::read(path)?;
    draft.warnings.extend(read.note.map(|n| super::warning(path, n)));
    let mut known: BTreeMap<i64, ClassInfo> = BTreeMap::new();
    for block in blocks(&read.text).map_err(refuse)? {
        let line = block.line;
        let Some(id) = block.id.as_deref().and_then(|id| id.parse::<i64>().ok()).filter(|id| *id >= 0) else {
            draft.warn(path, format!("line {line}: the block has no number 'id'; it is skipped"));
            continue;
        };
        let class = block.name.map(|name| ClassInfo::numbered(id, name.trim()));
        let class = class.or_else(|| unnamed([id]).classes.pop()).unwrap_or_default();
        if known.insert(id, class).is_some() {
            return Err(refuse(format!("line {line}: number {id} stands twice; correct one of the blocks")));
        }
    }
    if known.is_empty() {
        return Err(refuse("line 1: it holds no blocks 'item { name: \"…\" id: 1 }'; get it again".into()));
    }
    Ok(ClassSet { classes: known.into_values().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_every_spelling() {
        let text = "# actions\nitem {\n  name: \"bend/bow (at the waist)\"\n  id: 1\n}\r\nlabel { label_id: 12 name: 'say \\'hi\\'' \
                    label_type: PERSON_MOVEMENT more { id: 3 } }\nitem{name:\"a}b\",id:80}";
        let of = |line, id: &str, name: &str| Block { line, id: Some(id.into()), name: Some(name.into()) };
        assert_eq!(
            blocks(text).unwrap(),
            [of(2, "1", "bend/bow (at the waist)"), of(6, "12", "say 'hi'"), of(7, "80", "a}b")]
        );
        for (text, words) in [
            ("item {\n name: \"a\n id: 1 }", &["line 2", "quote"][..]),
            ("\nitem { id: 1", &["line 2", "too early"]),
            ("item { id: 1 }\n}", &["line 2", "closes nothing"]),
        ] {
            let error = blocks(text).unwrap_err();
            assert!(words.iter().all(|w| error.contains(w)), "{error}");
        }
    }
}

//! JSON files value by value, each with the line it starts in: of large lists only one value is in memory at a time.

use crate::data::DataError;
use serde_json::{Deserializer, Value};
use std::path::Path;

/// The text of a file, and how far it was read.
pub(super) struct Values<'t> {
    path: &'t Path,
    text: &'t str,
    at: usize,
    /// The line of the byte at `seen`.
    line: u32,
    seen: usize,
}

impl<'t> Values<'t> {
    /// Of the text of a file.
    pub(super) fn of(path: &'t Path, text: &'t str) -> Self {
        // A text that was cut off ends in its last line, not in the one below.
        Self { path, text: text.trim_end(), at: 0, line: 1, seen: 0 }
    }

    /// Reads a file that is one list; `each` gets the line and the value of each item. `what` says what the items are.
    ///
    /// # Errors
    /// A file that holds anything else, with its line; what `each` returns.
    pub(super) fn list(
        mut self,
        what: &str,
        mut each: impl FnMut(u32, Value) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        self.open(b'[', &format!("a list of {what}"))?;
        self.items(b']', |values| {
            let line = values.here();
            let value = values.value()?;
            each(line, value)
        })
    }

    /// Reads a file that is one object; `each` gets line, name and value of each entry, also of names that stand twice.
    ///
    /// # Errors
    /// As [`Values::list`].
    pub(super) fn object(
        mut self,
        what: &str,
        mut each: impl FnMut(u32, String, Value) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        self.open(b'{', &format!("an object of {what}"))?;
        self.items(b'}', |values| {
            let line = values.here();
            let Value::String(name) = values.value()? else {
                return Err(values.refuse(line, "a name in quotation marks must stand here; correct the line"));
            };
            values.skip();
            if !values.take(b':') {
                return Err(values.unexpected("':' and a value"));
            }
            let value = values.value()?;
            each(line, name, value)
        })
    }

    fn open(&mut self, bracket: u8, what: &str) -> Result<(), DataError> {
        self.skip();
        if self.take(bracket) {
            return Ok(());
        }
        let line = self.here();
        let is = match self.peek() {
            None => return Err(self.refuse(line, "the file is empty")),
            Some(b'[') => "a list",
            Some(b'{') => "an object",
            Some(_) => "something else",
        };
        Err(self.refuse(line, &format!("it holds {is}, where {what} must be")))
    }

    /// Everything up to the closing bracket, which is the end of the file.
    fn items(
        &mut self,
        bracket: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        self.skip();
        let mut open = !self.take(bracket);
        while open {
            self.skip();
            item(self)?;
            self.skip();
            open = match self.peek() {
                Some(b',') => self.take(b','),
                Some(byte) if byte == bracket => !self.take(bracket),
                _ => return Err(self.unexpected("a comma")),
            };
        }
        self.skip();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the file")),
        }
    }

    fn value(&mut self) -> Result<Value, DataError> {
        self.skip();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut stream = Deserializer::from_str(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => {
                self.at += stream.byte_offset();
                Ok(value)
            }
            Some(Err(e)) if !e.is_eof() => {
                // The parser counts lines and columns from where it began.
                let before: usize = rest.split_inclusive('\n').take(e.line().saturating_sub(1)).map(str::len).sum();
                self.at = (self.at + before + e.column().saturating_sub(1)).min(self.text.len());
                let line = self.here();
                let text = e.to_string();
                let reason = text.split(" at line ").next().unwrap_or(&text);
                let found = self.text.get(self.at..).unwrap_or_default();
                let reason = if found.starts_with("NaN") { "NaN is no JSON" } else { reason };
                Err(self.refuse(line, &format!("{reason}; correct the line")))
            }
            _ => Err(self.too_early()),
        }
    }

    fn too_early(&mut self) -> DataError {
        self.at = self.text.len();
        let line = self.here();
        self.refuse(line, "the text ends too early, in the middle of a value; the file was cut off, copy it again")
    }

    fn unexpected(&mut self, wanted: &str) -> DataError {
        let Some(found) = self.text.get(self.at..).and_then(|t| t.chars().next()) else { return self.too_early() };
        let line = self.here();
        self.refuse(line, &format!("'{found}' stands where {wanted} must be; correct the line"))
    }

    fn refuse(&self, line: u32, reason: &str) -> DataError {
        DataError::Read { path: self.path.to_path_buf(), reason: format!("line {line}: {reason}") }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn skip(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The line, from 1, of where it is read.
    fn here(&mut self) -> u32 {
        let bytes = self.text.as_bytes();
        for at in self.seen..self.at.min(bytes.len()) {
            let ends = match bytes.get(at) {
                Some(b'\n') => true,
                Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line = self.line.saturating_add(u32::from(ends));
        }
        self.seen = self.seen.max(self.at);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<Vec<(u32, String)>, String> {
        let mut out = Vec::new();
        let read = Values::of(Path::new("a.json"), text).list("records", |line, value| {
            out.push((line, value.to_string()));
            Ok(())
        });
        read.map(|()| out).map_err(|e| e.to_string())
    }

    #[test]
    fn items_have_the_lines_they_start_in() {
        let text = "\n[ 7, null,\r\n{\"a\": [1,\n 2]},\r\"x\"\n]\n \n";
        let items = [(2, "7"), (2, "null"), (3, "{\"a\":[1,2]}"), (5, "\"x\"")];
        assert_eq!(list(text).unwrap(), items.map(|(l, t)| (l, t.to_owned())));
        assert_eq!(list("[]").unwrap(), []);
        let mut names = Vec::new();
        let object = "{\"b\": 1,\n\"a\":\n\"0\", \"b\": {}}";
        let read = Values::of(Path::new("a.json"), object).object("names", |line, name, value| {
            names.push((line, name, value.to_string()));
            Ok(())
        });
        read.unwrap();
        let truth = [(1, "b", "1"), (2, "a", "\"0\""), (3, "b", "{}")];
        assert_eq!(names, truth.map(|(l, n, v)| (l, n.to_owned(), v.to_owned())));
    }

    #[test]
    fn damage_is_named_by_its_line() {
        for (text, words) in [
            ("[\n{\"id\": 1},\n{\"id\": \"2\", \"te\n", &["a.json", "line 3", "ends too early"][..]),
            ("[1,\n2", &["line 2", "ends too early"]),
            ("[1,\n2,", &["line 2", "ends too early"]),
            ("{\"a\": 1}", &["line 1", "an object", "a list of records"]),
            ("[1\n2]", &["line 2", "'2'", "comma"]),
            ("[1]\n[2]", &["line 2", "end of the file"]),
            ("[\r\r{\"a\": NaN}]", &["line 3", "NaN is no JSON"]),
            ("[\nNaN]", &["line 2", "NaN is no JSON"]),
            ("[{\n\"a\": 1,\n'b': 2}]", &["line 3"]),
            ("\n", &["line 1", "empty"]),
        ] {
            let error = list(text).unwrap_err();
            assert!(words.iter().all(|w| error.contains(w)), "{text:?}: {words:?} in {error}");
        }
        let deep = "[".repeat(1_000_000);
        assert!(list(&deep).unwrap_err().contains("recursion"));
    }
}

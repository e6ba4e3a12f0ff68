//! Records of CSV files: comma, semicolon or tab, quotes that hold separators and line breaks, numbers of physical lines.

use super::numbers::number;
use super::text::{self, line_end};
use crate::data::DataError;
use std::path::Path;

/// A row of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::data) struct Record {
    /// The line of the file where it starts, from 1.
    pub(in crate::data) line: u32,
    /// Its cells, trimmed.
    pub(in crate::data) cells: Vec<String>,
    /// Cells that had spaces around them.
    pub(super) spaced: Vec<usize>,
}

impl Record {
    /// A row of trimmed cells.
    pub(in crate::data) fn new(line: u32, cells: Vec<String>) -> Self {
        Self { line, cells, spaced: Vec::new() }
    }

    /// The text of a cell; empty where the row is too short.
    pub(in crate::data) fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map(String::as_str).unwrap_or_default()
    }

    /// The column of this name, where the row is a header.
    pub(in crate::data) fn column(&self, name: &str) -> Option<usize> {
        self.cells.iter().position(|cell| cell.eq_ignore_ascii_case(name))
    }

    /// True where spaces stood around a cell.
    pub(in crate::data) fn is_spaced(&self, at: usize) -> bool {
        self.spaced.contains(&at)
    }

    /// The row in short, for sentences.
    pub(in crate::data) fn shown(&self) -> String {
        text::shown(&self.cells.join(","))
    }
}

/// A file as rows, the header among them.
#[derive(Debug)]
pub(in crate::data) struct Table {
    pub(in crate::data) separator: char,
    pub(in crate::data) records: Vec<Record>,
    /// What its owner should know about how it was read.
    pub(in crate::data) note: Option<String>,
}

impl Table {
    /// True where numbers may have a decimal comma.
    pub(in crate::data) fn decimal_comma(&self) -> bool {
        self.separator != ','
    }
}

/// Reads a table.
///
/// # Errors
/// A file that cannot be read, one in UTF-16, or a quote that nothing closes.
pub(in crate::data) fn read_table(path: &Path) -> Result<Table, DataError> {
    let text = text::read(path)?;
    let (separator, records) =
        parse(&text.text).map_err(|reason| DataError::Read { path: path.to_path_buf(), reason })?;
    Ok(Table { separator, records, note: text.note })
}

/// The separator that occurs most in a line.
pub(in crate::data) fn separator(line: &[u8]) -> u8 {
    let count = |c: u8| line.iter().filter(|b| **b == c).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|c| (count(*c), *c == b',')).unwrap_or(b',')
}

/// The separator of a table, by its first line. Where all cells between semicolons or tabs are numbers, commas are
/// decimal ones.
fn separator_of(first: &str) -> char {
    let numbers =
        |separator: char| first.contains(separator) && first.split(separator).all(|c| number(c.trim(), true).is_some());
    if let Some(separator) = [';', '\t'].into_iter().find(|s| numbers(*s)) {
        return separator;
    }
    let mut quoted = false;
    let plain: Vec<u8> = first
        .bytes()
        .filter(|b| {
            quoted ^= *b == b'"';
            !quoted
        })
        .collect();
    char::from(separator(&plain))
}

/// The separator and the records of a text.
fn parse(text: &str) -> Result<(char, Vec<Record>), String> {
    parse_from(text, 1)
}

/// The separator and the records of a text whose first line has this number in its file.
///
/// # Errors
/// A quote that nothing closes.
pub(in crate::data) fn parse_from(text: &str, first_line: u32) -> Result<(char, Vec<Record>), String> {
    let Some((number, first)) = text::lines(text).next() else { return Ok((',', Vec::new())) };
    let number = number + first_line - 1;
    // Spreadsheets may say which separator they mean.
    let said = first.strip_prefix("sep=").and_then(|s| s.chars().next()).filter(|_| first.len() <= 5);
    let separator = said.unwrap_or_else(|| separator_of(first));
    let mut reader = Reader { rest: text, line: first_line, separator };
    let mut records = Vec::new();
    while let Some(record) = reader.record()? {
        let blank = record.cells.iter().all(String::is_empty);
        let says_separator = said.is_some() && record.line == number;
        if !blank && !says_separator {
            records.push(record);
        }
    }
    Ok((separator, records))
}

struct Reader<'a> {
    rest: &'a str,
    line: u32,
    separator: char,
}

impl Reader<'_> {
    fn record(&mut self) -> Result<Option<Record>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut record = Record { line: self.line, ..Record::default() };
        loop {
            let (cell, spaced) = self.cell()?;
            if spaced {
                record.spaced.push(record.cells.len());
            }
            record.cells.push(cell);
            if let Some(rest) = self.rest.strip_prefix(self.separator) {
                self.rest = rest;
                continue;
            }
            self.rest = &self.rest[line_end(self.rest)..];
            self.line = self.line.saturating_add(1);
            return Ok(Some(record));
        }
    }

    /// The next cell, and whether spaces around it were removed; what follows is a separator, a line end or nothing.
    fn cell(&mut self) -> Result<(String, bool), String> {
        let ends = |c: char| c == self.separator || c == '\n' || c == '\r';
        let start = self.rest.trim_start_matches(|c: char| c.is_whitespace() && !ends(c));
        let led = start.len() < self.rest.len();
        let mut out = String::new();
        if let Some(quoted) = start.strip_prefix('"') {
            let opened = self.line;
            self.rest = quoted;
            loop {
                let Some(at) = self.rest.find('"') else {
                    return Err(format!("line {opened}: a quote is opened and never closed; correct the line"));
                };
                let part = &self.rest[..at];
                self.line = self.line.saturating_add(breaks(part));
                out.push_str(part);
                self.rest = &self.rest[at + 1..];
                let Some(rest) = self.rest.strip_prefix('"') else { break };
                out.push('"');
                self.rest = rest;
            }
        }
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        out.push_str(&self.rest[..end]);
        self.rest = &self.rest[end..];
        let cell = out.trim();
        let spaced = !cell.is_empty() && (led || cell.len() < out.len());
        Ok((cell.to_owned(), spaced))
    }
}

/// Line ends in a text.
fn breaks(text: &str) -> u32 {
    let ends = text.bytes().filter(|b| matches!(b, b'\r' | b'\n')).count();
    u32::try_from(ends - text.matches("\r\n").count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Vec<String>)> {
        parse(text).unwrap().1.into_iter().map(|r| (r.line, r.cells)).collect()
    }

    #[test]
    fn separators_quotes_and_line_ends() {
        let truth = vec![
            (1, vec!["path".to_owned(), "label".to_owned()]),
            (2, vec!["a, b.mp4".to_owned(), "say \"hi\"\nto all".to_owned()]),
            (5, vec!["c.mp4".to_owned(), "walk".to_owned()]),
        ];
        for separator in [",", ";", "\t"] {
            for end in ["\n", "\r\n", "\r"] {
                let text = "path|label$\"a, b.mp4\"| \"say \"\"hi\"\"\nto all\" $$ c.mp4 |walk";
                assert_eq!(rows(&text.replace('|', separator).replace('$', end)), truth, "{separator:?} {end:?}");
            }
        }
        assert_eq!(rows("sep=;\na;b\n"), [(2, vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(rows("tuning \"old\" radios,1\n")[0].1[0], "tuning \"old\" radios");
        assert_eq!(rows(""), []);
    }

    #[test]
    fn spaces_around_cells_are_removed_and_known() {
        let records = parse("file,label\na.jpg, b \nc.jpg,\"d \"\n \"e\" ,f\ng,  \n").unwrap().1;
        let spaced: Vec<Vec<bool>> = records.iter().map(|r| vec![r.is_spaced(0), r.is_spaced(1)]).collect();
        assert_eq!(spaced, [[false, false], [false, true], [false, true], [true, false], [false, false]]);
        assert_eq!((records[2].cell(1), records[3].cell(0)), ("d", "e"));
    }

    #[test]
    fn commas_between_semicolons_and_tabs_are_decimal_ones() {
        for (text, separator) in [
            ("0,0;1,0;-1,0\n", ';'),
            ("0,0;1,0\n", ';'),
            ("0,5\t1\n", '\t'),
            ("0,1,2\n", ','),
            ("\"a;b;c\",d\n", ','),
            ("frame;class\n0,0;1,0\n", ';'),
        ] {
            assert_eq!(parse(text).unwrap().0, separator, "{text:?}");
        }
    }

    #[test]
    fn an_open_quote_is_named_by_its_line() {
        let error = parse("a,b\nc,\"d\ne,f\n").unwrap_err();
        assert!(error.contains("line 2") && error.contains("quote"), "{error}");
    }
}

//! The CSV files of datasets: frame labels and splits. Tolerant of headers, separators and bad rows.

use super::DataError;
use super::scan;
use crate::domain::Split;
use std::path::Path;

/// Bad rows reported one by one before the rest is only counted.
const ROWS_REPORTED: usize = 5;

/// A run of frames with the same number in the class column: start, end (exclusive), class id of the file.
pub(super) type RawSegment = (u32, u32, i64);

/// A label file, compressed to segments while reading.
#[derive(Debug, Default)]
pub(super) struct LabelFile {
    pub(super) segments: Vec<RawSegment>,
    /// Sentences about rows that were skipped or contradict each other.
    pub(super) notes: Vec<String>,
}

pub(super) fn read_text(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = std::fs::read(path).map_err(|e| DataError::read(path, &e))?;
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        bytes.drain(..3);
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(DataError::Read {
            path: path.to_path_buf(),
            reason: "it is UTF-16 text; save it as UTF-8 CSV".into(),
        });
    }
    Ok(bytes)
}

/// The separator that occurs most in a line.
pub(super) fn separator(line: &[u8]) -> u8 {
    let count = |c: u8| line.iter().filter(|b| **b == c).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|c| (count(*c), *c == b',')).unwrap_or(b',')
}

fn trim(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")).unwrap_or(field).trim_ascii()
}

fn integer(field: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(trim(field)).ok()?;
    if let Ok(n) = text.parse() {
        return Some(n);
    }
    // Spreadsheets and data frames like to write 12.0.
    let value: f64 = text.parse().ok()?;
    (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
}

/// Which columns hold the frame number and the class.
fn label_columns(first: &[u8], sep: u8) -> (bool, usize, usize) {
    let names: Vec<String> =
        first.split(|b| *b == sep).map(|f| String::from_utf8_lossy(trim(f)).to_lowercase()).collect();
    let by_position = if names.len() >= 3 { 2 } else { 1 };
    if names.first().is_some_and(|f| integer(f.as_bytes()).is_some()) {
        return (false, 0, by_position);
    }
    let find = |known: &[&str]| names.iter().position(|n| known.contains(&n.as_str()));
    let frame = find(&["frame_number", "frame", "frame_id", "frame_index", "framenumber"]).unwrap_or(0);
    let class = find(&["column2", "class", "class_id", "label", "exercise"]).unwrap_or(by_position);
    (true, frame, class)
}

/// Reads `frame_number, column1, column2` rows (S0.2), with or without a header line.
pub(super) fn read_labels(path: &Path) -> Result<LabelFile, DataError> {
    let bytes = read_text(path)?;
    let mut rows: Vec<(u32, i64, u32)> = Vec::new();
    let mut bad: Vec<(u32, String)> = Vec::new();
    let mut bad_count = 0_usize;
    let mut columns = None;
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let line_number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let (sep, frame_column, class_column) = match columns {
            Some(c) => c,
            None => {
                let sep = separator(line);
                let (header, frame, class) = label_columns(line, sep);
                columns = Some((sep, frame, class));
                if header {
                    continue;
                }
                (sep, frame, class)
            }
        };
        let mut frame = None;
        let mut class = None;
        for (i, field) in line.split(|b| *b == sep).enumerate() {
            if i == frame_column {
                frame = integer(field);
            }
            if i == class_column {
                class = integer(field);
            }
        }
        match (frame.and_then(|f| u32::try_from(f).ok()).filter(|f| *f < u32::MAX), class) {
            (Some(f), Some(c)) => rows.push((f, c, line_number)),
            _ => {
                bad_count += 1;
                if bad.len() < ROWS_REPORTED {
                    let text: String = String::from_utf8_lossy(line).chars().take(60).collect();
                    bad.push((line_number, text));
                }
            }
        }
    }
    let mut notes: Vec<String> = bad
        .iter()
        .map(|(line, text)| {
            format!("line {line} ('{text}') is not a frame number and a class number; it is skipped, correct the row")
        })
        .collect();
    if bad_count > bad.len() {
        notes.push(format!("{} more rows like that are skipped", bad_count - bad.len()));
    }
    Ok(compress(rows, notes))
}

/// Sorts rows where needed, lets the last of repeated rows win, and joins equal neighbours.
fn compress(mut rows: Vec<(u32, i64, u32)>, mut notes: Vec<String>) -> LabelFile {
    if !rows.is_sorted_by_key(|r| r.0) {
        rows.sort_by_key(|r| r.0);
    }
    let mut segments: Vec<RawSegment> = Vec::new();
    let mut repeated: Option<(u32, u32, u32)> = None;
    let mut repeats = 0_usize;
    for (i, (frame, class, line)) in rows.iter().enumerate() {
        if let Some((next, _, next_line)) = rows.get(i + 1)
            && next == frame
        {
            repeats += 1;
            repeated.get_or_insert((*frame, *line, *next_line));
            continue;
        }
        match segments.last_mut() {
            Some(s) if s.1 == *frame && s.2 == *class => s.1 = frame + 1,
            _ => segments.push((*frame, frame + 1, *class)),
        }
    }
    if let Some((frame, a, b)) = repeated {
        notes.push(format!(
            "{repeats} duplicate rows: frame {frame} is labelled in line {a} and again in line {b}; the last row counts, \
             remove the others"
        ));
    }
    LabelFile { segments, notes }
}

/// One line of a split file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SplitRow {
    pub(super) name: String,
    pub(super) split: Split,
}

/// A split file.
#[derive(Debug, Default)]
pub(super) struct SplitTable {
    pub(super) rows: Vec<SplitRow>,
    /// Sentences about rows that mean nothing.
    pub(super) notes: Vec<String>,
}

/// What a word says about the split.
pub(super) fn split_word(word: &str) -> Option<Split> {
    match word.trim().to_ascii_lowercase().as_str() {
        "train" | "training" | "trn" => Some(Split::Train),
        "val" | "valid" | "validation" | "dev" => Some(Split::Val),
        "test" | "testing" | "tst" | "eval" | "evaluation" => Some(Split::Test),
        _ => None,
    }
}

fn flag(word: &str) -> bool {
    matches!(word.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "y" | "x" | "1.0")
}

/// How a split file is laid out.
enum SplitLayout {
    /// A name column and a column with split words.
    Word { name: usize, split: usize },
    /// A name column and one yes/no column a split.
    Flags { name: usize, columns: Vec<(usize, Split)> },
    /// One column a split, with names below it.
    Lists(Vec<Split>),
}

/// Decides the layout by the first row; also says whether that row is a header.
fn split_layout(first: &[String], second: Option<&Vec<String>>) -> Option<(SplitLayout, bool)> {
    let words: Vec<Option<Split>> = first.iter().map(|f| split_word(f)).collect();
    let lower: Vec<String> = first.iter().map(|f| f.to_lowercase()).collect();
    let is_name = |n: &String| {
        ["subject", "name", "id", "person", "video", "file", "filename", "subject_id", "participant"]
            .contains(&n.as_str())
    };
    let is_split = |n: &String| ["split", "set", "subset", "partition", "usage", "group", "fold"].contains(&n.as_str());
    if words.iter().all(Option::is_some) {
        return Some((SplitLayout::Lists(words.into_iter().flatten().collect()), true));
    }
    let named = words.iter().filter(|w| w.is_some()).count();
    if let (Some(name), true) = (lower.iter().position(is_name), named > 0) {
        let columns = words.iter().enumerate().filter_map(|(i, w)| w.map(|s| (i, s))).collect();
        return Some((SplitLayout::Flags { name, columns }, true));
    }
    if let Some(split) = words.iter().position(Option::is_some) {
        let name = (0..first.len()).find(|i| *i != split)?;
        return Some((SplitLayout::Word { name, split }, false));
    }
    if let Some(split) = lower.iter().position(is_split) {
        let name = lower.iter().position(is_name).or_else(|| (0..first.len()).find(|i| *i != split))?;
        return Some((SplitLayout::Word { name, split }, true));
    }
    // An unknown header: the row below it tells which column speaks of splits.
    let split = second?.iter().position(|f| split_word(f).is_some())?;
    let name = lower.iter().position(is_name).or_else(|| (0..first.len()).find(|i| *i != split))?;
    Some((SplitLayout::Word { name, split }, true))
}

/// Reads `subject,split` rows; columns may be swapped, unnamed, or be one list a split.
pub(super) fn read_splits(path: &Path) -> Result<SplitTable, DataError> {
    let bytes = read_text(path)?;
    let mut lines: Vec<(usize, Vec<String>)> = Vec::new();
    let mut sep = None;
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let sep = *sep.get_or_insert_with(|| separator(line));
        let fields = line.split(|b| *b == sep).map(|f| String::from_utf8_lossy(trim(f)).into_owned()).collect();
        lines.push((number + 1, fields));
    }
    let mut table = SplitTable::default();
    let layout = lines.first().and_then(|(_, first)| split_layout(first, lines.get(1).map(|(_, f)| f)));
    let Some((layout, header)) = layout else {
        table.notes.push("no column names train and test; write rows such as 's01,train' below 'subject,split'".into());
        return Ok(table);
    };
    let mut unknown = 0_usize;
    for (line, fields) in lines.iter().skip(usize::from(header)) {
        let field = |i: usize| fields.get(i).map(String::as_str).unwrap_or_default();
        let mut push = |name: &str, split: Split| {
            if !name.is_empty() {
                table.rows.push(SplitRow { name: bare_name(name), split });
            }
        };
        match &layout {
            SplitLayout::Lists(splits) => splits.iter().enumerate().for_each(|(i, s)| push(field(i), *s)),
            SplitLayout::Flags { name, columns } => {
                columns.iter().filter(|(i, _)| flag(field(*i))).for_each(|(_, s)| push(field(*name), *s));
            }
            SplitLayout::Word { name, split } => match split_word(field(*split)) {
                Some(s) => push(field(*name), s),
                None => {
                    unknown += 1;
                    if unknown <= ROWS_REPORTED {
                        table.notes.push(format!(
                            "line {line}: unknown split '{}' for '{}'; write train, val or test",
                            field(*split),
                            field(*name)
                        ));
                    }
                }
            },
        }
    }
    if unknown > ROWS_REPORTED {
        table.notes.push(format!("{} more rows name an unknown split", unknown - ROWS_REPORTED));
    }
    Ok(table)
}

/// `anon/s01.mp4` becomes `s01`.
fn bare_name(name: &str) -> String {
    let name = name.replace('\\', "/");
    let leaf = name.rsplit('/').next().unwrap_or(&name);
    scan::stem(Path::new(leaf))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temp(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn labels_read_with_and_without_header() {
        for text in [
            "frame_number,column1,column2\n0,7,-1\n1,7,-1\n2,8,3\n3,8,3\n5,8,3\n",
            "0,7,-1\r\n1,7,-1\r\n2,8,3\r\n3,8,3\r\n5,8,3\r\n",
            "\u{feff}class;frame\n-1;0\n-1;1\n3;2\n3;3\n3;5\n",
            "0\t7\t-1.0\n1\t7\t-1.0\n2\t8\t3.0\n3\t8\t3.0\n5\t8\t3.0",
        ] {
            let file = read_labels(temp(text).path()).unwrap();
            assert_eq!(file.segments, [(0, 2, -1), (2, 4, 3), (5, 6, 3)], "{text:?}");
            assert!(file.notes.is_empty(), "{:?}", file.notes);
        }
    }

    #[test]
    fn bad_and_repeated_rows_are_named_and_survived() {
        let file = read_labels(temp("0,0,1\nzero,0,1\n1,0,1\n-4,0,1\n2,0\n1,0,2\n").path()).unwrap();
        assert_eq!(file.segments, [(0, 1, 1), (1, 2, 2)]);
        let notes = file.notes.join("\n");
        for part in ["line 2", "line 4", "line 5", "line 3 and again in line 6"] {
            assert!(notes.contains(part), "{part} in {notes}");
        }
    }

    #[test]
    fn splits_read_in_every_layout() {
        let rows = |text: &str| {
            let table = read_splits(temp(text).path()).unwrap();
            assert!(table.notes.is_empty(), "{text}: {:?}", table.notes);
            let mut rows: Vec<_> = table.rows.into_iter().map(|r| (r.name, r.split)).collect();
            rows.sort();
            rows
        };
        let truth = vec![("s01".to_owned(), Split::Train), ("s02".to_owned(), Split::Test)];
        for text in [
            "subject,split\ns01,train\ns02,test\n",
            "s01,train\ns02,test\n",
            "Split;Subject\nTraining;s01\nTesting;s02\n",
            "train,test\ns01,s02\n",
            "subject,train,test\ns01,1,0\ns02,0,1\n",
            "who,where\ns01.mp4,train\nanon/s02.mp4,test\n",
        ] {
            assert_eq!(rows(text), truth, "{text}");
        }
        let table = read_splits(temp("subject,split\ns01,train\ns02,banana\n").path()).unwrap();
        assert_eq!(table.rows.len(), 1);
        assert!(table.notes[0].contains("line 3") && table.notes[0].contains("banana"), "{:?}", table.notes);
    }
}

//! What somebody says about the columns of a table.

use crate::config::TableColumns;
use crate::data::TablePreview;
use std::path::PathBuf;
use std::sync::Arc;

/// What a column of a table can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnRole {
    /// The path of the video.
    Path,
    /// Its class.
    Class,
    /// The start of the part.
    Start,
    /// Its end.
    End,
    /// Who is in it.
    Subject,
    /// Its part of the dataset.
    Split,
}

impl ColumnRole {
    /// All of them with their names, in the order of the dialog.
    pub const ALL: [(ColumnRole, &'static str); 6] = [
        (ColumnRole::Path, "path of the video"),
        (ColumnRole::Class, "class"),
        (ColumnRole::Start, "start"),
        (ColumnRole::End, "end"),
        (ColumnRole::Subject, "subject"),
        (ColumnRole::Split, "split"),
    ];

    /// The column that says so; empty where none does.
    pub fn of(self, columns: &TableColumns) -> String {
        match self {
            Self::Path => Some(columns.path.clone()),
            Self::Class => columns.class.clone(),
            Self::Start => columns.start.clone(),
            Self::End => columns.end.clone(),
            Self::Subject => columns.subject.clone(),
            Self::Split => columns.split.clone(),
        }
        .unwrap_or_default()
    }

    /// Says which column it is; an empty one for none.
    pub fn assign(self, columns: &mut TableColumns, column: String) {
        let some = Some(column.clone()).filter(|c| !c.is_empty());
        match self {
            Self::Path => columns.path = column,
            Self::Class => columns.class = some,
            Self::Start => columns.start = some,
            Self::End => columns.end = some,
            Self::Subject => columns.subject = some,
            Self::Split => columns.split = some,
        }
    }
}

/// The dialog that assigns the columns of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableForm {
    /// The table.
    pub path: PathBuf,
    /// It was opened, and nothing recognised it.
    pub unrecognised: bool,
    /// What its columns say.
    pub columns: TableColumns,
    /// Somebody has said something; before, what the names of the columns say is taken.
    pub touched: bool,
    /// Its first rows, and the assignment they were read under; a sentence where it cannot be read.
    pub preview: Option<(TableColumns, Result<Arc<TablePreview>, String>)>,
}

impl TableForm {
    /// The dialog for a table, with an assignment that was made earlier.
    pub fn of(path: PathBuf, unrecognised: bool, known: Option<TableColumns>) -> Self {
        let touched = known.is_some();
        Self { path, unrecognised, columns: known.unwrap_or_default(), touched, preview: None }
    }

    /// What is missing before the table can be opened; `None` when nothing is.
    pub fn missing(&self) -> Option<String> {
        let (start, end) = (self.columns.start.is_some(), self.columns.end.is_some());
        if self.columns.path.is_empty() {
            return Some("Say which column holds the paths of the videos.".into());
        }
        if start != end {
            let other = if start { "end" } else { "start" };
            return Some(format!("Start and end belong together: say which column holds the {other}."));
        }
        match &self.preview {
            Some((of, Ok(preview))) if *of == self.columns => preview.fault.clone().map(|fault| format!("{fault}.")),
            Some((_, Err(sentence))) => Some(sentence.clone()),
            _ => Some("Reading…".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_opens_once_its_columns_are_assigned_and_read() {
        let mut form = TableForm::of("/t.csv".into(), true, None);
        assert!(form.missing().unwrap().contains("paths"));
        for (role, name) in ColumnRole::ALL {
            assert_eq!(role.of(&form.columns), "");
            if role != ColumnRole::End {
                role.assign(&mut form.columns, name.to_owned());
                assert_eq!(role.of(&form.columns), name);
            }
        }
        assert!(form.missing().unwrap().contains("the end"));
        ColumnRole::End.assign(&mut form.columns, "stop".into());
        assert_eq!(form.missing().as_deref(), Some("Reading…"));
        form.preview = Some((form.columns.clone(), Ok(Arc::default())));
        assert_eq!(form.missing(), None);
        ColumnRole::Class.assign(&mut form.columns, String::new());
        assert_eq!((form.columns.class.clone(), form.missing().as_deref()), (None, Some("Reading…")));
        form.preview = Some((form.columns.clone(), Err("It is gone.".into())));
        assert_eq!(form.missing().as_deref(), Some("It is gone."));
    }
}

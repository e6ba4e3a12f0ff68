//! Tables as CSV, Markdown, LaTeX and HTML.

use crate::inside::escaped;
use serde::Serialize;
use serde_json::{Value, json};
use std::cmp::Ordering;

/// A table with more columns is set smaller on a page.
const MANY: usize = 8;

/// A cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Not known.
    #[default]
    Missing,
    /// Words.
    Text(String),
    /// A number, and how people read it.
    Number {
        /// The number.
        value: f64,
        /// The same for people.
        shown: String,
    },
}

impl Cell {
    /// Words; none are a missing cell.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Missing } else { Self::Text(text) }
    }

    /// A number as `show` writes it; what is not there or not finite is missing.
    pub fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> Self {
        match value {
            Some(value) if value.is_finite() => Self::Number { value, shown: show(value) },
            _ => Self::Missing,
        }
    }

    /// A whole number.
    pub fn count(value: Option<u64>) -> Self {
        Self::number(value.map(|v| v as f64), |v| crate::domain::grouped(v as u64))
    }

    /// What people read; `-` where nothing is known.
    pub fn shown(&self) -> &str {
        match self {
            Self::Missing => "-",
            Self::Text(text) => text,
            Self::Number { shown, .. } => shown,
        }
    }

    /// What programs read: the number itself, nothing where nothing is known.
    pub fn raw(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number { value, .. } => value.to_string(),
        }
    }

    /// The same as JSON.
    pub fn value(&self) -> Value {
        match self {
            Self::Missing => Value::Null,
            Self::Text(text) => json!(text),
            Self::Number { value, .. } => json!(value),
        }
    }

    /// Numbers by size, before words by letters.
    fn cmp_to(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number { value: a, .. }, Self::Number { value: b, .. }) => a.total_cmp(b),
            (Self::Number { .. }, Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number { .. }) => Ordering::Greater,
            _ => self.shown().cmp(other.shown()),
        }
    }

    /// True where it stands to the right.
    fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// A form a table is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values, numbers in full.
    Csv,
    /// A list of objects, numbers in full.
    Json,
    /// A Markdown table, numbers as people read them.
    Markdown,
    /// A LaTeX `tabular` for booktabs, numbers as people read them.
    Latex,
}

impl TableFormat {
    /// Every form.
    pub const ALL: [TableFormat; 4] = [Self::Csv, Self::Json, Self::Markdown, Self::Latex];

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Markdown => "Markdown",
            Self::Latex => "LaTeX",
        }
    }

    /// Ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Markdown => "md",
            Self::Latex => "tex",
        }
    }
}

/// A table with a heading in the first row and the first column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Headings of the columns.
    pub header: Vec<String>,
    /// Rows, each as long as the header.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows yet.
    pub fn new<S: Into<String>>(title: &str, header: impl IntoIterator<Item = S>) -> Self {
        Self { title: title.to_owned(), header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// The same with rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let first = |row: &Vec<Cell>| row.first().map_or_else(String::new, |c| c.shown().to_owned());
        let header = self.header.first().cloned().into_iter().chain(self.rows.iter().map(first)).collect();
        let column = |(i, name): (usize, &String)| {
            let cells = self.rows.iter().map(|row| row.get(i).cloned().unwrap_or_default());
            std::iter::once(Cell::text(name.clone())).chain(cells).collect()
        };
        Self { title: self.title.clone(), header, rows: self.header.iter().enumerate().skip(1).map(column).collect() }
    }

    /// The same without the columns that hold nothing.
    pub fn without_empty(&self) -> Self {
        let known = |i: usize| i == 0 || self.rows.iter().any(|r| r.get(i).is_some_and(|c| *c != Cell::Missing));
        let keep: Vec<usize> = (0..self.header.len()).filter(|i| known(*i)).collect();
        let row = |row: &Vec<Cell>| keep.iter().map(|i| row.get(*i).cloned().unwrap_or_default()).collect();
        Self {
            title: self.title.clone(),
            header: keep.iter().filter_map(|i| self.header.get(*i).cloned()).collect(),
            rows: self.rows.iter().map(row).collect(),
        }
    }

    /// The same with its rows in the order of a column, equal ones as they were; what is missing comes last.
    pub fn sorted(&self, column: usize, descending: bool) -> Self {
        let mut rows = self.rows.clone();
        let missing = |row: &[Cell]| row.get(column).is_none_or(|c| *c == Cell::Missing);
        rows.sort_by(|a, b| {
            let order = match (a.get(column), b.get(column)) {
                (Some(a), Some(b)) if descending => b.cmp_to(a),
                (Some(a), Some(b)) => a.cmp_to(b),
                _ => Ordering::Equal,
            };
            missing(a).cmp(&missing(b)).then(order)
        });
        Self { rows, ..self.clone() }
    }

    /// The same in the order of a column (its position, and whether its largest value comes first), or as it is.
    pub fn sorted_by(&self, order: Option<(usize, bool)>) -> Self {
        order.map_or_else(|| self.clone(), |(column, descending)| self.sorted(column, descending))
    }

    /// The text of a file of this form.
    pub fn text(&self, format: TableFormat) -> String {
        match format {
            TableFormat::Csv => self.csv(),
            TableFormat::Json => serde_json::to_string_pretty(&self.json()).unwrap_or_default() + "\n",
            TableFormat::Markdown => self.markdown(),
            TableFormat::Latex => self.latex(),
        }
    }

    /// As CSV, with numbers in full.
    pub fn csv(&self) -> String {
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::raw).collect::<Vec<_>>());
        crate::run_folder::files::csv_text(&self.header, rows)
    }

    /// As a list of JSON objects, one a row, by the headings.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| -> Value {
            self.header.iter().cloned().zip(row.iter().map(Cell::value)).collect::<serde_json::Map<_, _>>().into()
        };
        Value::Array(self.rows.iter().map(object).collect())
    }

    /// True for a column of numbers, which stand to the right.
    pub fn right(&self, column: usize) -> bool {
        column > 0 && self.rows.iter().all(|r| r.get(column).is_none_or(Cell::is_number))
    }

    /// As a Markdown table, in columns of equal width, so that it reads well on a terminal too.
    pub fn markdown(&self) -> String {
        let clean = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
        let mut lines: Vec<Vec<String>> = vec![self.header.iter().map(|h| clean(h)).collect()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(|c| clean(c.shown())).collect()));
        let width =
            |i: usize| lines.iter().filter_map(|l| l.get(i)).map(|t| t.chars().count()).max().unwrap_or(0).max(3);
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut out = String::new();
        for (at, line) in lines.iter().enumerate() {
            let cell = |(i, width): (usize, &usize)| {
                let text = line.get(i).map_or("", String::as_str);
                if self.right(i) { format!("{text:>width$}") } else { format!("{text:<width$}") }
            };
            let cells: Vec<String> = widths.iter().enumerate().map(cell).collect();
            out += &format!("| {} |\n", cells.join(" | "));
            if at == 0 {
                let rule = |(i, width): (usize, &usize)| match self.right(i) {
                    true => format!("{}:", "-".repeat(width - 1)),
                    false => "-".repeat(*width),
                };
                let rules: Vec<String> = widths.iter().enumerate().map(rule).collect();
                out += &format!("| {} |\n", rules.join(" | "));
            }
        }
        out
    }

    /// As a LaTeX `tabular` for the package booktabs.
    pub fn latex(&self) -> String {
        let columns: String = (0..self.header.len()).map(|i| if self.right(i) { 'r' } else { 'l' }).collect();
        let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        let mut out =
            format!("% {}; needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n", self.title);
        out += &line(self.header.iter().map(|h| latex(h)).collect());
        out += "\\midrule\n";
        for row in &self.rows {
            out += &line(row.iter().map(|c| latex(c.shown())).collect());
        }
        out + "\\bottomrule\n\\end{tabular}\n"
    }

    /// As an HTML table.
    pub fn html(&self) -> String {
        let class = if self.header.len() > MANY { " class=\"many\"" } else { "" };
        let mut out = format!("<table{class}><caption>{}</caption><thead><tr>", escaped(&self.title));
        for (i, name) in self.header.iter().enumerate() {
            let class = if self.right(i) { " class=\"n\"" } else { "" };
            out += &format!("<th{class} scope=\"col\">{}</th>", escaped(name));
        }
        out += "</tr></thead><tbody>\n";
        for row in &self.rows {
            out += "<tr>";
            for (i, cell) in row.iter().enumerate() {
                let class = if self.right(i) { " class=\"n\"" } else { "" };
                let (open, close) =
                    if i == 0 { ("<th scope=\"row\"".to_owned(), "</th>") } else { (format!("<td{class}"), "</td>") };
                out += &format!("{open}>{}{close}", escaped(cell.shown()));
            }
            out += "</tr>\n";
        }
        out + "</tbody></table>\n"
    }
}

/// Text that LaTeX takes for nothing else.
fn latex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out += "\\textbackslash{}",
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '…' => out += "\\ldots{}",
            '±' => out += "$\\pm$",
            '<' => out += "$<$",
            '>' => out += "$>$",
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("Runs", ["run", "accuracy", "note"]);
        let percent = |v: f64| format!("{:.1} %", 100.0 * v);
        table.rows.push(vec!["a_1".into(), Cell::number(Some(0.5), percent), "x|y & <z>".into()]);
        table.rows.push(vec!["b".into(), Cell::number(None, percent), Cell::Missing]);
        table
    }

    #[test]
    fn a_table_reads_the_same_in_every_form() {
        let t = table();
        assert_eq!(t.csv(), "run,accuracy,note\na_1,0.5,x|y & <z>\nb,,\n");
        assert_eq!(
            t.markdown(),
            "| run | accuracy | note       |\n| --- | -------: | ---------- |\n| a_1 |   50.0 % | x\\|y & <z> |\n\
             | b   |        - | -          |\n"
        );
        let latex = t.latex();
        assert!(
            latex.contains("\\begin{tabular}{lrl}") && latex.contains("a\\_1 & 50.0 \\% & x|y \\& $<$z$>$ \\\\"),
            "{latex}"
        );
        let html = t.html();
        assert!(
            html.contains("<th scope=\"row\">a_1</th><td class=\"n\">50.0 %</td><td>x|y &amp; &lt;z&gt;</td>"),
            "{html}"
        );
        assert_eq!(t.json()[0]["accuracy"], 0.5);
        assert_eq!(t.json()[1]["accuracy"], Value::Null);
    }

    #[test]
    fn rows_are_ordered_by_a_column_and_what_is_missing_comes_last() {
        let mut t = Table::new("Runs", ["run", "value"]);
        let cell = |v: Option<f64>| Cell::number(v, |v| format!("{v}"));
        for (name, value) in [("a", Some(9.0)), ("b", None), ("c", Some(10.0)), ("d", Some(9.0))] {
            t.rows.push(vec![name.into(), cell(value)]);
        }
        let names = |t: Table| t.rows.iter().map(|r| r[0].shown().to_owned()).collect::<String>();
        assert_eq!(names(t.sorted(1, false)), "adcb", "9 before 10, as numbers");
        assert_eq!(names(t.sorted(1, true)), "cadb");
        assert_eq!(names(t.sorted(0, true)), "dcba");
        assert_eq!(names(t.sorted(7, false)), "abcd", "there is no such column");
        assert_eq!(t.text(TableFormat::Csv), t.csv());
        assert!(t.text(TableFormat::Json).contains("\"value\": null"));
    }

    #[test]
    fn rows_become_columns_and_empty_ones_go() {
        let turned = table().transposed();
        assert_eq!(turned.header, ["run", "a_1", "b"]);
        assert_eq!(turned.rows[0], [Cell::text("accuracy"), table().rows[0][1].clone(), Cell::Missing]);
        let mut t = table();
        t.rows.remove(0);
        assert_eq!(t.without_empty().header, ["run"]);
    }
}

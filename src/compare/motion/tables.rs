//! The motion tests of several runs in one table.

use super::alter::Alteration;
use super::judge::{AlteredScore, MotionTest};
use crate::compare::table::{Cell, Table};
use crate::compare::words::{Metric, intervals, p_value, percent, point_range, points, range};
use crate::run_folder::RunError;
use crate::run_folder::files::{create_dir, write_atomic};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Motion tests of runs on the same clips.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MotionReport {
    /// What differs between the runs' clips, as sentences.
    pub notes: Vec<String>,
    /// One a run, in the order asked for.
    pub tests: Vec<MotionTest>,
}

impl MotionReport {
    /// What the runs are judged by.
    pub fn metric(&self) -> Metric {
        self.tests.first().map(|t| t.metric).unwrap_or_default()
    }

    /// Accuracy (mAP in a multi-label task) under every alteration, one column a run, with its difference to the clips as they
    /// are.
    pub fn table(&self) -> Table {
        let names = self
            .tests
            .iter()
            .flat_map(|t| [t.name.clone(), format!("{} difference", t.name), format!("{} 95 %", t.name)]);
        let title = format!("Motion test: {} on altered clips", self.metric().name());
        let mut table = Table::new(&title, std::iter::once("clips".to_owned()).chain(names));
        for alteration in Alteration::ALL {
            let cells = self.tests.iter().flat_map(|test| {
                let score = test.score(alteration);
                let changed = score.filter(|_| alteration != Alteration::AsIs);
                [
                    Cell::number(score.map(AlteredScore::score), percent),
                    Cell::number(changed.map(|s| s.difference), points),
                    score.map_or(Cell::Missing, |s| {
                        Cell::text(changed.map_or_else(|| range(&s.interval), |s| point_range(&s.difference_interval)))
                    }),
                ]
            });
            table.rows.push(std::iter::once(Cell::text(alteration.title())).chain(cells).collect());
        }
        table
    }

    /// One row a run and alteration, for programs.
    pub fn rows(&self) -> Table {
        let header = [
            "run",
            "network",
            "alteration",
            "clips",
            self.metric().name(),
            "low",
            "high",
            "difference",
            "difference low",
            "difference high",
            if self.metric().of_sets() { "bootstrap p" } else { "McNemar p" },
            "Holm p",
        ];
        let mut table = Table::new("Motion test", header);
        let number = |v: f64| Cell::number(Some(v), |v| v.to_string());
        for (test, score) in self.tests.iter().flat_map(|t| t.scores.iter().map(move |s| (t, s))) {
            table.rows.push(vec![
                Cell::text(test.name.clone()),
                Cell::text(test.model.clone()),
                Cell::text(score.alteration.title()),
                Cell::count(Some(score.clips)),
                number(score.score()),
                number(score.interval.low),
                number(score.interval.high),
                number(score.difference),
                number(score.difference_interval.low),
                number(score.difference_interval.high),
                Cell::number(Some(score.p), p_value),
                Cell::number(Some(score.p_holm), p_value),
            ]);
        }
        table
    }

    /// Recall (average precision in a multi-label task) of every class under every alteration, of one run.
    pub fn classes(&self, run: usize) -> Table {
        let Some(test) = self.tests.get(run) else { return Table::default() };
        let header = ["class", "clips"].into_iter().chain(test.scores.iter().map(|s| s.alteration.title()));
        let measure = if test.metric.of_sets() { "Average precision" } else { "Recall" };
        let mut table = Table::new(&format!("{measure} per class: {}", test.name), header);
        let whole = test.scores.first().map(|s| s.classes.as_slice()).unwrap_or_default();
        for (class, of) in whole.iter().enumerate().filter(|(_, c)| c.support > 0) {
            let recall = |s: &AlteredScore| Cell::number(s.classes.get(class).and_then(|c| c.values()[1]), percent);
            let mut row = vec![Cell::text(of.class.clone()), Cell::count(Some(of.support))];
            row.extend(test.scores.iter().map(recall));
            table.rows.push(row);
        }
        table
    }

    /// Everything for people, as Markdown.
    pub fn markdown(&self) -> String {
        let mut out = String::from("# Motion test\n");
        if let Some(test) = self.tests.first() {
            let clips = test.scores.first().map_or(0, |s| s.clips);
            out += &format!("\n{} clips of '{}' of {}\n", crate::domain::grouped(clips), test.split, test.dataset);
        }
        self.notes.iter().for_each(|note| out += &format!("\n- {note}\n"));
        out += &format!("\n{}", self.table().markdown());
        if let Some(test) = self.tests.first() {
            out += &format!("\n{}\n", intervals(&test.resampled));
        }
        for (run, test) in self.tests.iter().enumerate() {
            out += &format!("\n## {} ({})\n\n", test.name, test.model);
            test.findings.iter().chain(&test.missing).for_each(|line| out += &format!("- {line}\n"));
            out += &format!("\n{}", self.classes(run).markdown());
        }
        out
    }

    /// Writes `motion_test.json`, `.md`, `.csv`, `.tex` and `motion_test_classes_N.csv`, a file a run; gives the files.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, out: &Path) -> Result<Vec<PathBuf>, RunError> {
        create_dir(out)?;
        let mut files = vec![
            ("motion_test.json".to_owned(), serde_json::to_string_pretty(self).unwrap_or_default()),
            ("motion_test.md".to_owned(), self.markdown()),
            ("motion_test.csv".to_owned(), self.rows().csv()),
            ("motion_test.tex".to_owned(), self.table().latex()),
        ];
        let classes = |run: usize| (format!("motion_test_classes_{}.csv", run + 1), self.classes(run).csv());
        files.extend((0..self.tests.len()).map(classes));
        let write = |(name, text): (String, String)| {
            let path = out.join(name);
            write_atomic(&path, text.as_bytes())?;
            Ok(path)
        };
        files.into_iter().map(write).collect()
    }
}

/// True for the name of a file that [`MotionReport::write`] makes.
pub fn is_motion_file(name: &str) -> bool {
    name.starts_with("motion_test.") || name.starts_with("motion_test_classes_")
}

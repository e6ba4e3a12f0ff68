//! The tables of a comparison, and the files they are written to.

use super::comparison::{ComparedRun, Comparison};
use super::settings::SettingKind;
use super::table::{Cell, Table};
use super::words::{p_value, percent, point_range, points, range};
use crate::domain::{bytes, duration, grouped};
use crate::run_folder::RunError;
use crate::run_folder::files::{create_dir, csv_text, write_atomic};
use std::path::{Path, PathBuf};

/// A number of bytes or seconds for people.
fn size(value: Option<u64>) -> Cell {
    Cell::number(value.map(|v| v as f64), |v| bytes(v as u64))
}

fn seconds(value: Option<f64>) -> Cell {
    Cell::number(value, |v| if v < 1.0 { format!("{:.1} ms", 1000.0 * v) } else { duration(v) })
}

/// A heading, and what stands below it for a run.
type Column<'a> = (&'a str, &'a dyn Fn(&ComparedRun) -> Cell);

impl Comparison {
    /// What the runs are and how they score: one row a run.
    pub fn scores(&self) -> Table {
        let columns: &[Column<'_>] = &[
            ("network", &|r| Cell::text(r.facts.model.clone())),
            ("first weights", &|r| Cell::text(r.facts.init_from.clone().unwrap_or_default())),
            ("checkpoint", &|r| Cell::text(r.evaluation.identity().weights())),
            ("accuracy", &|r| Cell::number(Some(r.accuracy.value), percent)),
            ("accuracy 95 %", &|r| Cell::text(range(&r.accuracy.interval))),
            ("mean class accuracy", &|r| Cell::number(Some(r.mean_class_accuracy.value), percent)),
            ("mean class 95 %", &|r| Cell::text(range(&r.mean_class_accuracy.interval))),
            ("top-3", &|r| Cell::number(Some(r.evaluation.top3_accuracy), percent)),
            ("top-5", &|r| Cell::number(Some(r.evaluation.top5_accuracy), percent)),
            ("macro precision", &|r| Cell::number(Some(r.evaluation.macro_average.precision), percent)),
            ("macro recall", &|r| Cell::number(Some(r.evaluation.macro_average.recall), percent)),
            ("macro F1", &|r| Cell::number(Some(r.evaluation.macro_average.f1), percent)),
            ("weighted precision", &|r| Cell::number(Some(r.evaluation.weighted_average.precision), percent)),
            ("weighted recall", &|r| Cell::number(Some(r.evaluation.weighted_average.recall), percent)),
            ("weighted F1", &|r| Cell::number(Some(r.evaluation.weighted_average.f1), percent)),
            ("mAP", &|r| Cell::number(r.mean_average_precision, percent)),
            ("loss", &|r| Cell::number(Some(r.evaluation.loss), |v| format!("{v:.4}"))),
            ("majority baseline", &|r| Cell::number(Some(r.evaluation.majority_baseline), percent)),
            ("frame accuracy", &|r| Cell::number(r.evaluation.frames.map(|f| f.accuracy), percent)),
            ("clips", &|r| Cell::count(Some(r.evaluation.clips))),
            ("parameters", &|r| Cell::count(r.facts.parameters)),
            ("trainable", &|r| Cell::count(r.facts.trainable)),
            ("file size", &|r| size(r.facts.file_bytes)),
            ("time per clip", &|r| seconds(r.facts.seconds_per_clip)),
            ("training time", &|r| seconds(r.facts.training_seconds)),
            ("training clips per second", &|r| Cell::number(r.facts.training_clips_per_second, |v| format!("{v:.1}"))),
            ("peak memory", &|r| size(r.facts.memory_bytes)),
            ("peak GPU memory", &|r| size(r.facts.device_memory_bytes)),
            ("epochs", &|r| Cell::count(r.facts.epochs.map(u64::from))),
            ("training clips", &|r| Cell::count(r.facts.train_clips)),
            ("device", &|r| Cell::text(r.facts.device.clone().unwrap_or_default())),
            ("seed", &|r| Cell::number(Some(r.facts.seed as f64), |_| r.facts.seed.to_string())),
        ];
        let mut table = Table::new("Runs on the same clips", std::iter::once("run").chain(columns.iter().map(|c| c.0)));
        let row = |run: &ComparedRun| {
            std::iter::once(Cell::text(run.name.clone())).chain(columns.iter().map(|(_, of)| of(run))).collect()
        };
        table.rows = self.runs.iter().map(row).collect();
        table
    }

    /// Recall and F1 of every class that has clips, run by run.
    pub fn per_class(&self) -> Table {
        let names = |what: &str| self.runs.iter().map(|r| format!("{what} {}", r.name)).collect::<Vec<_>>();
        let header = ["class".to_owned(), "clips".to_owned()].into_iter().chain(names("recall")).chain(names("F1"));
        let mut table = Table::new("Recall and F1 per class", header);
        for (class, name) in self.classes.iter().enumerate() {
            let of = |r: &ComparedRun| r.evaluation.per_class.get(class).cloned().unwrap_or_default();
            let support = self.runs.first().map_or(0, |r| of(r).support);
            if support == 0 {
                continue;
            }
            let mut row = vec![Cell::text(name.clone()), Cell::count(Some(support))];
            row.extend(self.runs.iter().map(|r| Cell::number(Some(of(r).recall), percent)));
            row.extend(self.runs.iter().map(|r| Cell::number(Some(of(r).f1), percent)));
            table.rows.push(row);
        }
        table
    }

    /// The settings in which the runs differ, of one kind.
    pub fn settings_of(&self, kind: SettingKind) -> Table {
        let header = std::iter::once("setting".to_owned()).chain(self.runs.iter().map(|r| r.name.clone()));
        let mut table = Table::new(&format!("Different settings: {}", kind.title()), header);
        for setting in self.settings.iter().filter(|s| s.kind == kind) {
            let values = setting.values.iter().map(|v| Cell::text(v.clone().unwrap_or_default()));
            table.rows.push(std::iter::once(Cell::text(setting.path.clone())).chain(values).collect());
        }
        table
    }

    fn settings_csv(&self) -> String {
        let mut header = vec!["kind".to_owned(), "setting".to_owned()];
        header.extend(self.runs.iter().map(|r| r.name.clone()));
        let rows = self.settings.iter().map(|s| {
            let values = s.values.iter().map(|v| v.clone().unwrap_or_default());
            [s.kind.title().to_owned(), s.path.clone()].into_iter().chain(values).collect()
        });
        csv_text(&header, rows)
    }

    /// Every two runs compared, with tests.
    pub fn pair_table(&self) -> Table {
        let header =
            ["A", "B", "B - A", "95 %", "both right", "fixed", "broken", "both wrong", "McNemar p", "Holm p", "units"];
        let mut table = Table::new("Pairs: fixed and broken clips, exact McNemar test, paired bootstrap", header);
        let name = |run: usize| self.runs.get(run).map_or("", |r| r.name.as_str());
        for pair in &self.pairs {
            let counts = pair.lists.named().map(|(_, clips)| Cell::count(Some(clips.len() as u64)));
            let mut row = vec![
                name(pair.a).into(),
                name(pair.b).into(),
                Cell::number(Some(pair.difference), points),
                Cell::text(point_range(&pair.interval)),
            ];
            row.extend(counts);
            row.push(Cell::number(Some(pair.p), p_value));
            row.push(Cell::number(Some(pair.p_holm), p_value));
            row.push(Cell::text(crate::domain::counted(self.resampled.count as u64, self.resampled.unit.noun())));
            table.rows.push(row);
        }
        table
    }

    /// What every class gained and lost between two runs.
    pub fn class_changes(&self, pair: usize) -> Table {
        let Some(pair) = self.pairs.get(pair) else { return Table::default() };
        let name = |run: usize| self.runs.get(run).map_or("", |r| r.name.as_str());
        let (a, b) = (name(pair.a), name(pair.b));
        let header =
            ["class", "clips", &format!("recall {a}"), &format!("recall {b}"), "fixed", "broken", "p", "Holm p"];
        let mut table = Table::new(&format!("Per class: {a} and {b}"), header);
        for class in pair.classes.iter().filter(|c| c.support > 0) {
            table.rows.push(vec![
                Cell::text(class.class.clone()),
                Cell::count(Some(class.support)),
                Cell::number(class.recall_a, percent),
                Cell::number(class.recall_b, percent),
                Cell::count(Some(class.fixed)),
                Cell::count(Some(class.broken)),
                Cell::number(Some(class.p), p_value),
                Cell::number(Some(class.p_holm), p_value),
            ]);
        }
        table
    }

    /// The difference of each subject or video, where they are too few for an interval.
    pub fn unit_changes(&self, pair: usize) -> Option<Table> {
        let pair = self.pairs.get(pair).filter(|p| !p.units.is_empty())?;
        let name = |run: usize| self.runs.get(run).map_or("", |r| r.name.as_str());
        let title = format!("{} minus {} per {}", name(pair.b), name(pair.a), self.resampled.unit.noun());
        let mut table = Table::new(&title, [self.resampled.unit.noun(), "clips", "difference"]);
        for unit in &pair.units {
            let difference = Cell::number(Some(unit.difference), points);
            table.rows.push(vec![Cell::text(unit.name.clone()), Cell::count(Some(unit.clips)), difference]);
        }
        Some(table)
    }

    /// Confusion matrix of the first minus that of the second run of a pair, in clips.
    pub fn confusion_difference_csv(&self, pair: usize) -> String {
        let matrix = self.pairs.get(pair).map(|p| p.confusion_difference.as_slice()).unwrap_or_default();
        let mut header = vec!["true \\ predicted".to_owned()];
        header.extend(self.classes.iter().cloned());
        let rows = matrix
            .iter()
            .zip(&self.classes)
            .map(|(row, name)| std::iter::once(name.clone()).chain(row.iter().map(i64::to_string)).collect());
        csv_text(&header, rows)
    }

    /// Every clip with what each run said and in which of the four lists each pair has it.
    fn clips_csv(&self) -> String {
        let mut header: Vec<String> = ["video", "subject", "start", "true"].map(str::to_owned).to_vec();
        for run in &self.runs {
            header.extend(["predicted", "probability"].map(|what| format!("{what} {}", run.name)));
        }
        let name = |run: usize| self.runs.get(run).map_or("", |r| r.name.as_str());
        header.extend(self.pairs.iter().map(|p| format!("{} to {}", name(p.a), name(p.b))));
        let mut lists = vec![vec![""; self.pairs.len()]; self.clips.len()];
        for (i, pair) in self.pairs.iter().enumerate() {
            for (list, clips) in pair.lists.named() {
                for clip in clips {
                    lists[*clip][i] = list;
                }
            }
        }
        let class = |at: usize| self.classes.get(at).cloned().unwrap_or_default();
        let rows = self.clips.iter().enumerate().map(|(i, clip)| {
            let mut row = vec![clip.video.clone(), clip.subject.clone(), clip.start.to_string(), class(clip.truth)];
            for answer in self.runs.iter().filter_map(|r| r.answers.get(i)) {
                row.extend([class(answer.predicted), answer.confidence().to_string()]);
            }
            row.extend(lists[i].iter().map(|l| (*l).to_owned()));
            row
        });
        csv_text(&header, rows)
    }

    /// Everything for people, as Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {} runs on {} ({})\n\n", self.runs.len(), self.dataset, self.split);
        let clips = grouped(self.clips.len() as u64);
        let same = format!("All numbers are of the {clips} clips that all runs were evaluated on.");
        match self.notes.as_slice() {
            [] => out += &format!("{same} Data, split and labels are the same.\n"),
            notes => {
                out += &format!("{same} **Not the same:**\n\n");
                notes.iter().for_each(|note| out += &format!("- {note}\n"));
            }
        }
        for run in self.runs.iter().filter(|r| !r.evaluation.warnings.is_empty()) {
            out += &format!("\n{}:\n\n", run.name);
            run.evaluation.warnings.iter().for_each(|w| out += &format!("- {w}\n"));
        }
        let mut section = |table: Table| {
            if !table.rows.is_empty() {
                out += &format!("\n## {}\n\n{}", table.title, table.markdown());
            }
        };
        section(self.scores().transposed());
        section(self.pair_table());
        out += &format!("\n{}\n", self.interval_note());
        for sentence in self.pairs.iter().map(|p| &p.sentence).chain(self.seeds.iter().map(|s| &s.sentence)) {
            out += &format!("\n- {sentence}");
        }
        out += "\n";
        let mut section = |table: Table| {
            if !table.rows.is_empty() {
                out += &format!("\n## {}\n\n{}", table.title, table.markdown());
            }
        };
        (0..self.pairs.len()).filter_map(|i| self.unit_changes(i)).for_each(&mut section);
        section(self.per_class());
        (0..self.pairs.len()).for_each(|i| section(self.class_changes(i)));
        for kind in [SettingKind::Model, SettingKind::Training, SettingKind::Data, SettingKind::Code] {
            section(self.settings_of(kind));
        }
        out
    }

    /// Writes `comparison.json`, `comparison.md`, `runs.{csv,tex}`, `per_class.{csv,tex}`, `pairs.{csv,tex}`,
    /// `settings.csv`, `clips.csv`, and for each pair `classes_A_B.csv` and `confusion_difference_A_B.csv` with the
    /// positions of its runs counted from 1; gives the files.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, out: &Path) -> Result<Vec<PathBuf>, RunError> {
        create_dir(out)?;
        let mut files = vec![
            ("comparison.json".to_owned(), serde_json::to_string_pretty(self).unwrap_or_default()),
            ("comparison.md".to_owned(), self.markdown()),
            ("settings.csv".to_owned(), self.settings_csv()),
            ("clips.csv".to_owned(), self.clips_csv()),
        ];
        let scores = self.scores();
        let tables = [("runs", &scores, scores.transposed()), ("per_class", &self.per_class(), self.per_class())];
        let pairs = self.pair_table();
        for (name, table, upright) in tables.into_iter().chain([("pairs", &pairs, pairs.clone())]) {
            files.push((format!("{name}.csv"), table.csv()));
            files.push((format!("{name}.tex"), upright.latex()));
        }
        for (i, pair) in self.pairs.iter().enumerate() {
            let which = format!("{}_{}", pair.a + 1, pair.b + 1);
            files.push((format!("classes_{which}.csv"), self.class_changes(i).csv()));
            files.push((format!("confusion_difference_{which}.csv"), self.confusion_difference_csv(i)));
        }
        let write = |(name, text): (String, String)| {
            let path = out.join(name);
            write_atomic(&path, text.as_bytes())?;
            Ok(path)
        };
        files.into_iter().map(write).collect()
    }
}

/// True for the name of a file that [`Comparison::write`] makes.
pub fn is_comparison_file(name: &str) -> bool {
    let known = ["comparison.json", "comparison.md", "settings.csv", "clips.csv"];
    let tables = ["runs.", "per_class.", "pairs.", "classes_", "confusion_difference_"];
    known.contains(&name)
        || tables.iter().any(|t| name.starts_with(t)) && (name.ends_with(".csv") || name.ends_with(".tex"))
}

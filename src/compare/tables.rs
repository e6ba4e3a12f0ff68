//! The tables of a comparison, and the files they are written to.

use super::comparison::{ComparedRun, Comparison};
use super::sets::SetScores;
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
type Column = (&'static str, fn(&ComparedRun) -> Cell);

fn share(value: f64) -> Cell {
    Cell::number(Some(value), percent)
}

fn plain(value: f64) -> Cell {
    Cell::number(Some(value), |v| format!("{v:.4}"))
}

fn sets(run: &ComparedRun) -> SetScores {
    run.sets.unwrap_or_default()
}

const HEAD: &[Column] = &[
    ("network", |r| Cell::text(r.facts.model.clone())),
    ("first weights", |r| Cell::text(r.facts.init_from.clone().unwrap_or_default())),
    ("checkpoint", |r| Cell::text(r.evaluation.identity().weights())),
];

/// Scores of clips with one class each.
const OF_CLASSES: &[Column] = &[
    ("accuracy", |r| share(r.accuracy.value)),
    ("accuracy 95 %", |r| Cell::text(range(&r.accuracy.interval))),
    ("mean class accuracy", |r| share(r.mean_class_accuracy.value)),
    ("mean class 95 %", |r| Cell::text(range(&r.mean_class_accuracy.interval))),
    ("top-3", |r| share(r.evaluation.top3_accuracy)),
    ("top-5", |r| share(r.evaluation.top5_accuracy)),
];

/// Scores of clips with several.
const OF_SETS: &[Column] = &[
    ("mAP", |r| share(sets(r).map.value)),
    ("mAP 95 %", |r| Cell::text(range(&sets(r).map.interval))),
    ("exact match", |r| share(sets(r).exact_match.value)),
    ("exact match 95 %", |r| Cell::text(range(&sets(r).exact_match.interval))),
    ("Hamming loss", |r| plain(sets(r).hamming_loss)),
    ("most probable right", |r| share(r.accuracy.value)),
];

const AVERAGES: &[Column] = &[
    ("macro precision", |r| share(r.evaluation.macro_average.precision)),
    ("macro recall", |r| share(r.evaluation.macro_average.recall)),
    ("macro F1", |r| share(r.evaluation.macro_average.f1)),
    ("weighted precision", |r| share(r.evaluation.weighted_average.precision)),
    ("weighted recall", |r| share(r.evaluation.weighted_average.recall)),
    ("weighted F1", |r| share(r.evaluation.weighted_average.f1)),
];

const LAST_OF_CLASSES: &[Column] = &[
    ("mAP", |r| Cell::number(r.mean_average_precision, percent)),
    ("loss", |r| plain(r.evaluation.loss)),
    ("majority baseline", |r| share(r.evaluation.majority_baseline)),
];

const LAST_OF_SETS: &[Column] = &[
    ("loss", |r| plain(r.evaluation.loss)),
    ("mAP by chance", |r| Cell::number(r.evaluation.multi_label.as_ref().map(|m| m.chance), percent)),
];

/// What runs are and cost.
const FACTS: &[Column] = &[
    ("frame accuracy", |r| Cell::number(r.evaluation.frames.map(|f| f.accuracy), percent)),
    ("clips", |r| Cell::count(Some(r.evaluation.clips))),
    ("parameters", |r| Cell::count(r.facts.parameters)),
    ("trainable", |r| Cell::count(r.facts.trainable)),
    ("file size", |r| size(r.facts.file_bytes)),
    ("time per clip", |r| seconds(r.facts.seconds_per_clip)),
    ("training time", |r| seconds(r.facts.training_seconds)),
    ("training clips per second", |r| Cell::number(r.facts.training_clips_per_second, |v| format!("{v:.1}"))),
    ("peak memory", |r| size(r.facts.memory_bytes)),
    ("peak GPU memory", |r| size(r.facts.device_memory_bytes)),
    ("epochs", |r| Cell::count(r.facts.epochs.map(u64::from))),
    ("training clips", |r| Cell::count(r.facts.train_clips)),
    ("device", |r| Cell::text(r.facts.device.clone().unwrap_or_default())),
    ("seed", |r| Cell::number(Some(r.facts.seed as f64), |_| r.facts.seed.to_string())),
];

impl Comparison {
    /// What the runs are and how they score: one row a run.
    pub fn scores(&self) -> Table {
        let (first, last) = if self.metric.of_sets() { (OF_SETS, LAST_OF_SETS) } else { (OF_CLASSES, LAST_OF_CLASSES) };
        let columns = || [HEAD, first, AVERAGES, last, FACTS].into_iter().flatten();
        let mut table = Table::new("Runs on the same clips", std::iter::once("run").chain(columns().map(|c| c.0)));
        let row = |run: &ComparedRun| {
            std::iter::once(Cell::text(run.name.clone())).chain(columns().map(|(_, of)| of(run))).collect()
        };
        table.rows = self.runs.iter().map(row).collect();
        table
    }

    /// Recall and F1 of every class that has clips, run by run; average precision before them in a multi-label task.
    pub fn per_class(&self) -> Table {
        let names = |what: &str| self.runs.iter().map(|r| format!("{what} {}", r.name)).collect::<Vec<_>>();
        let sets = self.metric.of_sets();
        let precision = if sets { names("AP") } else { Vec::new() };
        let header = ["class".to_owned(), "clips".to_owned()].into_iter().chain(precision);
        let header = header.chain(names("recall")).chain(names("F1"));
        let title =
            if sets { "Average precision per class, and recall and F1 at one half" } else { "Recall and F1 per class" };
        let mut table = Table::new(title, header);
        for (class, name) in self.classes.iter().enumerate() {
            let of = |r: &ComparedRun| r.evaluation.per_class.get(class).cloned().unwrap_or_default();
            let support = self.runs.first().map_or(0, |r| of(r).support);
            if support == 0 {
                continue;
            }
            let mut row = vec![Cell::text(name.clone()), Cell::count(Some(support))];
            if sets {
                row.extend(self.runs.iter().map(|r| Cell::number(r.average_precision(class), percent)));
            }
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
        let sets = self.metric.of_sets();
        let (title, p, exact) = match sets {
            false => ("Pairs: fixed and broken clips, exact McNemar test, paired bootstrap", "McNemar p", None),
            true => {
                let title = "Pairs: mAP by paired bootstrap, fixed and broken sets, exact McNemar test of whole sets";
                (title, "bootstrap p", Some("McNemar p of sets"))
            }
        };
        let header = ["A", "B", "B - A", "95 %", "both right", "fixed", "broken", "both wrong", p, "Holm p"];
        let mut table = Table::new(title, header.into_iter().chain(exact).chain(["units"]));
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
            if sets {
                row.push(Cell::number(pair.exact_p, p_value));
            }
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
        let sets = self.metric.of_sets();
        let of = |what: &str| [a, b].map(|name| format!("{what} {name}"));
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let mut header = words(&["class", "clips"]);
        if sets {
            header.extend(of("AP").into_iter().chain(of("F1")));
        }
        header.extend(of("recall"));
        header.extend(words(&["fixed", "broken", "p", "Holm p"]));
        let mut table = Table::new(&format!("Per class: {a} and {b}"), header);
        for class in pair.classes.iter().filter(|c| c.support > 0) {
            let mut row = vec![Cell::text(class.class.clone()), Cell::count(Some(class.support))];
            if sets {
                row.extend([class.ap_a, class.ap_b, class.f1_a, class.f1_b].map(|v| Cell::number(v, percent)));
            }
            row.extend([
                Cell::number(class.recall_a, percent),
                Cell::number(class.recall_b, percent),
                Cell::count(Some(class.fixed)),
                Cell::count(Some(class.broken)),
                Cell::number(Some(class.p), p_value),
                Cell::number(Some(class.p_holm), p_value),
            ]);
            table.rows.push(row);
        }
        table
    }

    /// The difference of each subject or video, where they are too few for an interval.
    pub fn unit_changes(&self, pair: usize) -> Option<Table> {
        let pair = self.pairs.get(pair).filter(|p| !p.units.is_empty())?;
        let name = |run: usize| self.runs.get(run).map_or("", |r| r.name.as_str());
        let what = if self.metric.of_sets() { ", share of whole sets right" } else { "" };
        let title = format!("{} minus {} per {}{what}", name(pair.b), name(pair.a), self.resampled.unit.noun());
        let mut table = Table::new(&title, [self.resampled.unit.noun(), "clips", "difference"]);
        for unit in &pair.units {
            let difference = Cell::number(Some(unit.difference), points);
            table.rows.push(vec![Cell::text(unit.name.clone()), Cell::count(Some(unit.clips)), difference]);
        }
        Some(table)
    }

    /// Confusion matrix of the first minus that of the second run of a pair, in clips; in a multi-label task of how often each
    /// class was said of clips labelled with each.
    pub fn confusion_difference_csv(&self, pair: usize) -> String {
        let matrix = self.pairs.get(pair).map(|p| p.confusion_difference.as_slice()).unwrap_or_default();
        let first = if self.metric.of_sets() { "labelled \\ said" } else { "true \\ predicted" };
        let mut header = vec![first.to_owned()];
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
            let said =
                if self.metric.of_sets() { ["said", "largest probability"] } else { ["predicted", "probability"] };
            header.extend(said.map(|what| format!("{what} {}", run.name)));
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
        let rows = self.clips.iter().enumerate().map(|(i, clip)| {
            let truth = self.names(clip.true_classes());
            let mut row = vec![clip.video.clone(), clip.subject.clone(), clip.start.to_string(), truth];
            for answer in self.runs.iter().filter_map(|r| r.answers.get(i)) {
                row.extend([self.names(&answer.said_classes()), answer.confidence().to_string()]);
            }
            row.extend(lists[i].iter().map(|l| (*l).to_owned()));
            row
        });
        csv_text(&header, rows)
    }

    /// Names of classes: one, or several with ` + ` between them.
    pub fn names(&self, classes: &[usize]) -> String {
        let name = |class: &usize| self.classes.get(*class).map_or("", String::as_str);
        classes.iter().map(name).collect::<Vec<_>>().join(" + ")
    }

    /// Name of the files that hold [`Comparison::confusion_difference_csv`].
    pub fn difference_name(&self) -> &'static str {
        if self.metric.of_sets() { "co_occurrence_difference" } else { "confusion_difference" }
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
    /// `settings.csv`, `clips.csv`, and for each pair `classes_A_B.csv` and `confusion_difference_A_B.csv` (in a multi-label task
    /// `co_occurrence_difference_A_B.csv`) with the positions of its runs counted from 1; gives the files.
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
            files.push((format!("{}_{which}.csv", self.difference_name()), self.confusion_difference_csv(i)));
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
    let tables = ["runs.", "per_class.", "pairs.", "classes_", "confusion_difference_", "co_occurrence_difference_"];
    known.contains(&name)
        || tables.iter().any(|t| name.starts_with(t)) && (name.ends_with(".csv") || name.ends_with(".tex"))
}

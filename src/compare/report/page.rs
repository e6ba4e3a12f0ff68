//! The page of a report, section by section.

use super::figures::{self, Figure};
use super::reproduce::commands;
use crate::compare::CompareError;
use crate::compare::comparison::Comparison;
use crate::compare::evaluated::EvaluatedRun;
use crate::compare::motion::MotionReport;
use crate::compare::settings::SettingKind;
use crate::compare::table::{Cell, Table};
use crate::domain::{ClassChange, Split, counted, grouped};
use crate::inside::escaped;
use crate::render::encoded::base64;
use crate::run_folder::files::{create_dir, write_atomic};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const STYLE: &str = include_str!("style.css");

/// What a network said about a clip, and where it looked.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Name of the run.
    pub run: String,
    /// What it said, with the probability.
    pub said: String,
    /// What the pictures show: method, layer, class.
    pub map: String,
    /// Frames of the clip side by side with the map over them, as a PNG file.
    pub strip: Vec<u8>,
    /// The clip with the map over it, as a GIF file that plays over and over.
    pub moving: Vec<u8>,
}

/// A clip worth looking at.
#[derive(Clone, Debug, Default)]
pub struct ErrorExample {
    /// Which of the four lists it is in: `fixed`, `broken`, `both wrong`; `wrong` in a report of one run.
    pub list: String,
    /// Name of the video.
    pub video: String,
    /// First frame.
    pub start: u32,
    /// Its label.
    pub truth: String,
    /// What every run said, in the order of the report.
    pub shown: Vec<Shown>,
}

/// Everything a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// The runs.
    pub runs: &'a [EvaluatedRun],
    /// What comparing them found.
    pub comparison: &'a Comparison,
    /// Their motion tests, where there are any.
    pub motion: Option<&'a MotionReport>,
    /// Clips worth looking at.
    pub errors: &'a [ErrorExample],
    /// Why there are no pictures of clips, where there are none; a sentence.
    pub no_pictures: Option<&'a str>,
    /// When it is made, for people.
    pub made: &'a str,
}

/// The folder beside a report: `report_files` for `report.html`.
pub fn files_folder(out: &Path) -> PathBuf {
    let stem = out.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    out.with_file_name(format!("{stem}_files"))
}

/// Writes the report to `out`, and its figures as SVG with their data as CSV, tables as CSV and pictures into
/// [`files_folder`]; gives the files, the report first.
///
/// # Errors
/// A figure that cannot be drawn, or files that cannot be written.
pub fn write_report(input: &ReportInput<'_>, out: &Path) -> Result<Vec<PathBuf>, CompareError> {
    let folder = files_folder(out);
    create_dir(&folder)?;
    let mut page = Page { body: String::new(), contents: Vec::new(), folder, files: Vec::new() };
    summary(&mut page, input);
    data(&mut page, input)?;
    settings(&mut page, input)?;
    page.section("Curves");
    for figure in figures::curves(input.runs)? {
        page.figure(&figure)?;
    }
    if input.runs.iter().all(|r| r.history.is_empty()) {
        page.note("No run was trained here, so there are no curves.");
    }
    scores(&mut page, input)?;
    page.section("Classes");
    page.figures(figures::per_class(input.comparison)?)?;
    page.table("per_class", &input.comparison.per_class())?;
    for (i, pair) in input.comparison.pairs.iter().enumerate() {
        page.table(&format!("classes_{}_{}", pair.a + 1, pair.b + 1), &input.comparison.class_changes(i))?;
    }
    page.section(if input.comparison.metric.of_sets() { "Classes predicted together" } else { "Confusion matrices" });
    page.figures(figures::matrices(input.comparison)?)?;
    page.figures(figures::differences(input.comparison)?)?;
    errors(&mut page, input)?;
    if let Some(motion) = input.motion {
        motion_test(&mut page, motion)?;
    }
    environment(&mut page, input, out)?;
    let title = title(input);
    let contents: String = page
        .contents
        .iter()
        .enumerate()
        .map(|(i, name)| format!("<li><a href=\"#s{}\">{}</a></li>", i + 1, escaped(name)))
        .collect();
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{0}</title><style>\n{STYLE}</style></head><body>\n\
         <h1>{0}</h1>\n<p class=\"note\">{1}</p>\n<nav><ol>{contents}</ol></nav>\n{2}</body></html>\n",
        escaped(&title),
        escaped(&format!("Made {} by kinolens {}", input.made, env!("CARGO_PKG_VERSION"))),
        page.body
    );
    write_atomic(out, text.as_bytes())?;
    Ok(std::iter::once(out.to_path_buf()).chain(page.files).collect())
}

fn title(input: &ReportInput<'_>) -> String {
    let c = input.comparison;
    match input.runs {
        [run] => format!("{} on {} ({})", run.name, c.dataset, c.split),
        runs => format!("{} runs on {} ({})", runs.len(), c.dataset, c.split),
    }
}

/// The page as it grows, and the files beside it.
struct Page {
    body: String,
    contents: Vec<String>,
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Page {
    fn section(&mut self, name: &str) {
        self.contents.push(name.to_owned());
        self.body += &format!("<h2 id=\"s{}\">{}</h2>\n", self.contents.len(), escaped(name));
    }

    fn note(&mut self, text: &str) {
        self.body += &format!("<p class=\"note\">{}</p>\n", escaped(text));
    }

    fn list<S: AsRef<str>>(&mut self, class: &str, lines: impl IntoIterator<Item = S>) {
        let items: String = lines.into_iter().map(|l| format!("<li>{}</li>\n", escaped(l.as_ref()))).collect();
        if !items.is_empty() {
            self.body += &format!("<ul class=\"{class}\">\n{items}</ul>\n");
        }
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), CompareError> {
        let path = self.folder.join(name);
        write_atomic(&path, bytes)?;
        self.files.push(path);
        Ok(())
    }

    /// A table that has rows, also as CSV.
    fn table(&mut self, name: &str, table: &Table) -> Result<(), CompareError> {
        if table.rows.is_empty() {
            return Ok(());
        }
        self.body += &format!("<div class=\"wide\">{}</div>\n", table.html());
        self.write(&format!("{name}.csv"), table.csv().as_bytes())
    }

    fn figure(&mut self, figure: &Figure) -> Result<(), CompareError> {
        let svg = figure.scene.svg()?;
        let number = self.files.iter().filter(|f| f.extension().is_some_and(|e| e == "svg")).count() + 1;
        self.body += &format!(
            "<figure>{}<figcaption>Figure {number}. {}.</figcaption></figure>\n",
            inline(&svg),
            escaped(&figure.caption)
        );
        self.write(&format!("{}.svg", figure.name), svg.as_bytes())?;
        self.write(&format!("{}.csv", figure.name), figure.csv.as_bytes())
    }

    fn figures(&mut self, figures: impl IntoIterator<Item = Figure>) -> Result<(), CompareError> {
        figures.into_iter().try_for_each(|f| self.figure(&f))
    }
}

/// An SVG document as part of a page: without a declaration of its own.
fn inline(svg: &str) -> &str {
    svg.find("<svg").and_then(|at| svg.get(at..)).unwrap_or(svg)
}

fn summary(page: &mut Page, input: &ReportInput<'_>) {
    let c = input.comparison;
    page.section("Findings");
    let scores = c.runs.iter().map(|r| {
        let (score, what) = (r.score(), c.metric.name());
        let range = format!("{:.1} to {:.1} %", 100.0 * score.interval.low, 100.0 * score.interval.high);
        format!("{} ({}): {what} {:.1} %, 95 % interval {range}.", r.name, r.facts.model, 100.0 * score.value)
    });
    let sentences = c.pairs.iter().map(|p| p.sentence.clone()).chain(c.seeds.iter().map(|s| s.sentence.clone()));
    let motion = input
        .motion
        .into_iter()
        .flat_map(|m| &m.tests)
        .flat_map(|t| t.findings.iter().map(move |finding| format!("{}: {finding}", t.name)));
    page.list("findings", scores.chain(sentences).chain(motion).collect::<Vec<_>>());
    page.note(&c.interval_note());
}

fn data(page: &mut Page, input: &ReportInput<'_>) -> Result<(), CompareError> {
    let c = input.comparison;
    page.section("Data and splits");
    let clips = counted(c.clips.len() as u64, "clip");
    let subjects: BTreeSet<&str> = c.clips.iter().map(|c| c.subject.as_str()).filter(|s| !s.is_empty()).collect();
    let videos: BTreeSet<&str> = c.clips.iter().map(|c| c.video.as_str()).collect();
    let people = match subjects.len() {
        0 => "the dataset does not say of how many people".to_owned(),
        n => format!("of {}", counted(n as u64, "subject")),
    };
    page.note(&format!(
        "All numbers are of the same {clips} from {} ({people}), split '{}' of {}.",
        counted(videos.len() as u64, "video"),
        c.split,
        c.dataset
    ));
    if !c.notes.is_empty() {
        page.body += "<p><strong>Not the same in all runs:</strong></p>\n";
        page.list("note", &c.notes);
    }
    let header = ["run", "dataset", "format", "fingerprint", "part", "videos", "subjects", "clips"];
    let mut table = Table::new("What the runs were trained, validated and tested on", header);
    for run in input.runs {
        let environment = run.environment.clone().unwrap_or_default();
        for part in [Split::Train, Split::Val, Split::Test] {
            let rows = || run.split.iter().filter(|r| r.part == part);
            if rows().next().is_none() {
                continue;
            }
            let subjects: BTreeSet<&str> = rows().map(|r| r.subject.as_str()).filter(|s| !s.is_empty()).collect();
            let fingerprint: String = environment.dataset_fingerprint.chars().take(12).collect();
            table.rows.push(vec![
                Cell::text(run.name.clone()),
                Cell::text(environment.dataset_name.clone()),
                Cell::text(environment.dataset_format.clone()),
                Cell::text(fingerprint),
                Cell::text(part.name()),
                Cell::count(Some(rows().count() as u64)),
                Cell::count(Some(subjects.len() as u64)),
                Cell::count(Some(rows().map(|r| r.clips).sum())),
            ]);
        }
    }
    page.table("splits", &table)?;
    let words = |run: &EvaluatedRun| -> Vec<String> {
        let words = ClassChange::words(&run.evaluation.label_map).into_iter();
        words.map(|words| format!("{}: {words}", run.name)).collect()
    };
    let maps: Vec<String> = input.runs.iter().flat_map(words).collect();
    if !maps.is_empty() {
        page.body += "<h3>Label maps</h3>\n";
        page.list("note", maps);
    }
    let corrected = |run: &EvaluatedRun| -> Vec<String> {
        let trained = run.environment.iter().map(|e| ("trained", e.corrections));
        let both = trained.chain([("evaluated", run.evaluation.corrections)]).filter(|(_, c)| c.applied() > 0);
        both.map(|(what, c)| format!("{}: {what} with {}", run.name, c.words())).collect()
    };
    let corrections: Vec<String> = input.runs.iter().flat_map(corrected).collect();
    if !corrections.is_empty() {
        page.body += "<h3>Corrected labels</h3>\n";
        page.list("note", corrections);
    }
    let mut seen: Vec<(&[String], Vec<&str>)> = Vec::new();
    for run in &c.runs {
        let warnings = run.evaluation.warnings.as_slice();
        match seen.iter_mut().find(|(known, _)| *known == warnings) {
            Some((_, names)) => names.push(&run.name),
            None => seen.push((warnings, vec![&run.name])),
        }
    }
    for (warnings, names) in seen.iter().filter(|(w, _)| !w.is_empty()) {
        page.body += &format!("<h3>Caveats: {}</h3>\n", escaped(&names.join(", ")));
        page.list("note", warnings.iter());
    }
    Ok(())
}

fn settings(page: &mut Page, input: &ReportInput<'_>) -> Result<(), CompareError> {
    page.section("Configuration");
    if input.runs.len() < 2 {
        page.note("There is one run; its whole configuration is its config.ron.");
    } else if input.comparison.settings.is_empty() {
        page.note("The runs do not differ in any setting.");
    }
    for kind in [SettingKind::Model, SettingKind::Training, SettingKind::Data, SettingKind::Code] {
        let name = format!("settings_{}", kind.title().split(' ').next().unwrap_or_default());
        page.table(&name, &input.comparison.settings_of(kind))?;
    }
    for run in input.runs {
        page.write(&config_file(run), run.config.to_ron().as_bytes())?;
    }
    Ok(())
}

/// The file of a run's configuration in the folder of a report.
fn config_file(run: &EvaluatedRun) -> String {
    format!("config_{}.ron", file_name(&run.name))
}

fn scores(page: &mut Page, input: &ReportInput<'_>) -> Result<(), CompareError> {
    let c = input.comparison;
    page.section("Results");
    page.table("runs", &c.scores().without_empty().transposed())?;
    page.table("pairs", &c.pair_table())?;
    page.note(&c.interval_note());
    for i in 0..c.pairs.len() {
        if let (Some(table), Some(pair)) = (c.unit_changes(i), c.pairs.get(i)) {
            page.table(&format!("units_{}_{}", pair.a + 1, pair.b + 1), &table)?;
        }
    }
    Ok(())
}

fn errors(page: &mut Page, input: &ReportInput<'_>) -> Result<(), CompareError> {
    page.section("Errors worth looking at");
    if let Some(why) = input.no_pictures {
        page.note(why);
    }
    if input.errors.is_empty() && input.no_pictures.is_none() {
        page.note("No clip is wrong.");
    }
    for (i, error) in input.errors.iter().enumerate() {
        page.body += &format!(
            "<figure class=\"error\"><p><strong>{}</strong> · {} from frame {} · true: <strong>{}</strong></p>\n",
            escaped(&error.list),
            escaped(&error.video),
            grouped(u64::from(error.start)),
            escaped(&error.truth)
        );
        for (k, shown) in error.shown.iter().enumerate() {
            let name = format!("error_{}_{}", i + 1, k + 1);
            page.body += &format!(
                "<p>{}: {} <span>· {}</span></p>\n",
                escaped(&shown.run),
                escaped(&shown.said),
                escaped(&shown.map)
            );
            for (class, kind, bytes) in [("strip", "png", &shown.strip), ("loop", "gif", &shown.moving)] {
                if bytes.is_empty() {
                    continue;
                }
                let about = format!("{}, {} from frame {}", shown.map, error.video, error.start);
                page.body += &format!(
                    "<img class=\"{class}\" alt=\"{}\" src=\"data:image/{kind};base64,{}\">\n",
                    escaped(&about),
                    base64(bytes)
                );
                page.write(&format!("{name}.{kind}"), bytes)?;
            }
        }
        page.body += "</figure>\n";
    }
    Ok(())
}

fn motion_test(page: &mut Page, motion: &MotionReport) -> Result<(), CompareError> {
    page.section("Motion test");
    page.note(
        "The same clips as they are, with the middle frame frozen, frames shuffled, reversed, every second frame dropped, \
         without the body, without the background, and flipped horizontally. Pictures with parts missing are unlike anything the networks \
         were trained on, which alone costs accuracy.",
    );
    page.list("note", &motion.notes);
    page.figures(figures::motion(motion)?)?;
    page.table("motion_test", &motion.table())?;
    for (run, test) in motion.tests.iter().enumerate() {
        page.list("findings", test.findings.iter().chain(&test.missing).map(|f| format!("{}: {f}", test.name)));
        page.table(&format!("motion_test_classes_{}", run + 1), &motion.classes(run))?;
    }
    Ok(())
}

fn environment(page: &mut Page, input: &ReportInput<'_>, out: &Path) -> Result<(), CompareError> {
    page.section("Environment, and how to reproduce");
    let header = ["run", "kinolens", "platform", "device", "threads", "seed", "network", "first weights"];
    let mut table = Table::new("Where the runs were made", header);
    for run in input.runs {
        let e = run.environment.clone().unwrap_or_default();
        table.rows.push(vec![
            Cell::text(run.name.clone()),
            Cell::text(e.kinolens),
            Cell::text(e.platform),
            Cell::text(e.device),
            Cell::count(Some(e.threads as u64).filter(|n| *n > 0)),
            Cell::text(run.config.seed.to_string()),
            Cell::text(run.config.model.id.clone()),
            Cell::text(run.facts.init_from.clone().unwrap_or_default()),
        ]);
    }
    page.table("environment", &table)?;
    page.note(
        "Commands, with the configurations that lie beside this report as config_RUN.ron; what they make has names of its own:",
    );
    let folder = page.folder.clone();
    let config = |run: &EvaluatedRun| folder.join(config_file(run));
    let lines: Vec<String> = commands(input.runs, input.motion.is_some(), out, config);
    page.body += &format!("<pre>{}</pre>\n", escaped(&lines.join("\n")));
    page.write("reproduce.sh", format!("{}\n", lines.join("\n")).as_bytes())
}

/// A name that is safe as a file's.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_files_lies_beside_the_report() {
        assert_eq!(files_folder(Path::new("/a/report.html")), Path::new("/a/report_files"));
        assert_eq!(file_name("a/b c"), "a_b_c");
        assert_eq!(inline("<?xml?>\n<svg>x</svg>"), "<svg>x</svg>");
    }
}

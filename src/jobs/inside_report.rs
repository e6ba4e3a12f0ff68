//! A report on the inside of a network: files in a folder and a page that holds them all, or the page alone.

use super::error::JobError;
use crate::domain::{RgbImage, counted};
use crate::files;
use crate::inside::{Block, LayerStatistics, Page};
use crate::render::plots::{Scene, value_histogram};
use crate::render::{RenderError, write_png};
use std::path::{Path, PathBuf};

/// Rows of a long table that stand on the page; its file has all.
const SHOWN: usize = 40;

/// A report that grows.
pub(super) struct Report<'a> {
    /// Where files go; none are written without it.
    out: Option<&'a Path>,
    page: Page,
    files: Vec<PathBuf>,
}

impl<'a> Report<'a> {
    /// Makes the folder.
    pub(super) fn new(out: &'a Path, title: String) -> Result<Self, JobError> {
        std::fs::create_dir_all(out).map_err(|source| JobError::Write { path: out.to_path_buf(), source })?;
        Ok(Self { out: Some(out), page: Page::new(title), files: Vec::new() })
    }

    /// A page without files beside it.
    pub(super) fn page_alone(title: String) -> Self {
        Self { out: None, page: Page::new(title), files: Vec::new() }
    }

    /// The page as HTML.
    pub(super) fn html(&self) -> String {
        self.page.html()
    }

    /// True where there are files beside the page.
    pub(super) fn has_files(&self) -> bool {
        self.out.is_some()
    }

    /// Writes the page, and gives all files.
    pub(super) fn finish(mut self, page: &str) -> Result<Vec<PathBuf>, JobError> {
        let html = self.page.html();
        self.write(page, html.as_bytes())?;
        Ok(self.files)
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.page.push(Block::Heading(text.to_owned()));
    }

    pub(super) fn subheading(&mut self, text: &str) {
        self.page.push(Block::Subheading(text.to_owned()));
    }

    pub(super) fn text(&mut self, text: impl Into<String>) {
        self.page.push(Block::Text(text.into()));
    }

    pub(super) fn warning(&mut self, text: impl Into<String>) {
        self.page.push(Block::Warning(text.into()));
    }

    pub(super) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), JobError> {
        let Some(path) = self.out.map(|out| out.join(name)) else { return Ok(()) };
        files::replace_cached(&path, bytes).map_err(|source| JobError::Write { path: path.clone(), source })?;
        self.files.push(path);
        Ok(())
    }

    pub(super) fn picture(&mut self, name: &str, caption: &str, picture: RgbImage) -> Result<(), JobError> {
        if picture.width == 0 || picture.height == 0 {
            return Ok(());
        }
        if let Some(path) = self.out.map(|out| out.join(format!("{name}.png"))) {
            write_png(&path, &picture).map_err(|e| RenderError::Write { path: path.clone(), reason: e.to_string() })?;
            self.files.push(path);
        }
        self.page.push(Block::Picture { caption: caption.to_owned(), picture });
        Ok(())
    }

    /// An SVG document.
    pub(super) fn drawing(&mut self, name: &str, caption: &str, svg: String) -> Result<(), JobError> {
        self.write(name, svg.as_bytes())?;
        self.page.push(Block::Drawing { caption: caption.to_owned(), svg });
        Ok(())
    }

    /// A plot; one without data is left out.
    pub(super) fn plot(&mut self, name: &str, caption: &str, plot: Result<Scene, RenderError>) -> Result<(), JobError> {
        let scene = match plot {
            Err(RenderError::NothingToPlot { .. }) => return Ok(()),
            plot => plot?,
        };
        if let Some(out) = self.out {
            self.files.extend(scene.save(&out.join(name))?);
        }
        self.page.push(Block::Drawing { caption: caption.to_owned(), svg: scene.svg()? });
        Ok(())
    }

    /// A table with all its rows as a file, and with the first on the page.
    pub(super) fn table(&mut self, name: &str, header: &[&str], mut rows: Vec<Vec<String>>) -> Result<(), JobError> {
        let file = format!("{name}.csv");
        let mut csv = csv::Writer::from_writer(Vec::new());
        let written = csv.write_record(header).and_then(|()| rows.iter().try_for_each(|row| csv.write_record(row)));
        let path = self.out.unwrap_or(Path::new("")).join(&file);
        let failed = |e: String| JobError::Write { path: path.clone(), source: std::io::Error::other(e) };
        written.map_err(|e| failed(e.to_string()))?;
        let bytes = csv.into_inner().map_err(|e| failed(e.to_string()))?;
        self.write(&file, &bytes)?;
        let more = rows.len().saturating_sub(SHOWN);
        rows.truncate(SHOWN);
        self.page.push(Block::Table { header: header.iter().map(|h| (*h).to_owned()).collect(), rows });
        if more > 0 {
            self.text(match self.out {
                Some(_) => format!("{more} more rows are in {file}."),
                None => format!("{more} more rows are left out."),
            });
        }
        Ok(())
    }
}

/// Statistics of layers, and warnings.
pub(super) fn statistics_table(
    report: &mut Report<'_>,
    name: &str,
    statistics: &[&LayerStatistics],
) -> Result<(), JobError> {
    let header = [
        "layer",
        "output",
        "clips",
        "mean",
        "std",
        "min",
        "max",
        "zeros %",
        "channels",
        "dead",
        "saturated",
        "constant",
    ];
    let rows = statistics.iter().map(|s| {
        let [c, t, h, w] = s.shape;
        let mut row = vec![s.layer.clone(), format!("{c}x{t}x{h}x{w}"), s.clips.to_string()];
        row.extend([s.mean, s.std, s.min, s.max].map(|v| format!("{v:.5}")));
        row.push(format!("{:.2}", s.zero_share * 100.0));
        row.extend([s.channels(), s.dead.len(), s.saturated.len(), s.constant.len()].map(|n| n.to_string()));
        row
    });
    report.table(name, &header, rows.collect())?;
    statistics.iter().filter_map(|s| s.warning()).for_each(|warning| report.warning(warning));
    Ok(())
}

/// How often values of a layer occur.
pub(super) fn histogram(report: &mut Report<'_>, name: &str, s: &LayerStatistics) -> Result<(), JobError> {
    let subtitle = format!(
        "mean {:.4}, standard deviation {:.4}, {:.1} % are exactly 0, {}",
        s.mean,
        s.std,
        s.zero_share * 100.0,
        counted(s.clips, "clip")
    );
    let range = (s.histogram.low, s.histogram.high);
    let plot = value_histogram(&format!("Values of {}", s.layer), &subtitle, range, &s.histogram.counts);
    report.plot(name, &format!("How often values of {} occur", s.layer), plot)
}

//! What became of every row of the dataset's files: used, unlabelled, left out and why; and how the files were read.

use crate::config::RunConfig;
use crate::domain::{Choice, Dataset, Ledger, LedgerEntry, counted, grouped};
use crate::ui::action::{ChooseAction, OpenAction, SystemAction};
use crate::ui::arrangement::Draft;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::widgets::choice_rows;
use crate::ui::widgets::frame_table::FrameTable;
use egui::{RichText, Sense, Vec2};
use std::path::{Path, PathBuf};

/// Which rows are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Listed {
    #[default]
    Ignored,
    Unlabelled,
    Adjusted,
    Unlisted,
}

impl Listed {
    const ALL: [Listed; 4] = [Listed::Ignored, Listed::Unlabelled, Listed::Adjusted, Listed::Unlisted];

    fn title(self) -> &'static str {
        match self {
            Listed::Ignored => "Left out",
            Listed::Unlabelled => "Unlabelled",
            Listed::Adjusted => "Changed",
            Listed::Unlisted => "Not listed",
        }
    }

    fn explains(self) -> &'static str {
        match self {
            Listed::Ignored => "Rows that are not used, and why",
            Listed::Unlabelled => "Rows without a label: their videos can be predicted and are never trained on",
            Listed::Adjusted => "Used rows of which something was changed",
            Listed::Unlisted => "Videos on the disk that no usable row names; they are no part of the dataset",
        }
    }

    fn entries(self, ledger: &Ledger) -> &[LedgerEntry] {
        match self {
            Listed::Ignored => &ledger.ignored,
            Listed::Unlabelled => &ledger.unlabelled,
            Listed::Adjusted => &ledger.adjusted,
            Listed::Unlisted => &[],
        }
    }

    fn count(self, ledger: &Ledger) -> u64 {
        match self {
            Listed::Unlisted => ledger.unlisted.len() as u64,
            other => other.entries(ledger).iter().map(|e| e.rows).sum(),
        }
    }
}

/// The table.
#[derive(Default)]
pub struct LedgerPanel {
    listed: Listed,
    /// Sentences on the reasons of each list.
    reasons: Derived<Same<Dataset>, [String; 4]>,
    /// What became of the frames is shown instead of rows.
    frames: bool,
    frame_table: FrameTable,
    /// The training that is set up for the dataset.
    config: Derived<Draft, RunConfig>,
    /// Other values of choices, before the dataset is read again.
    changed: Vec<Choice>,
    /// The dataset they are of, and its own values.
    changed_of: (PathBuf, Vec<Choice>),
    /// Rows of each list.
    counts: Derived<Same<Dataset>, (u64, [u64; 4])>,
    /// What is corrected of the labels, in words; empty where nothing is.
    corrected: Derived<Same<Dataset>, String>,
}

impl Panel for LedgerPanel {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let Some(dataset) = cx.state.dataset.clone() else {
            ui.weak("No dataset is open.");
            return;
        };
        if self.changed_of.0 != dataset.root || self.changed_of.1 != dataset.choices {
            self.changed_of = (dataset.root.clone(), dataset.choices.clone());
            self.changed.clone_from(&dataset.choices);
        }
        let ledger = &dataset.ledger;
        let count = || (ledger.used(), Listed::ALL.map(|listed| listed.count(ledger)));
        let counts = self.counts.get(Same::of(&dataset), count);
        let (used, [ignored, unlabelled, ..]) = *counts;
        ui.horizontal_wrapped(|ui| {
            let pending = match dataset.pending() as u64 {
                0 => String::new(),
                left => format!("; rows of {} are not placed yet and count as used", counted(left, "video")),
            };
            let text = format!(
                "{}: {} used, {} unlabelled, {} left out{pending}",
                counted(ledger.rows, "row"),
                grouped(used),
                grouped(unlabelled),
                grouped(ignored)
            );
            ui.label(RichText::new(text).text_style(theme::caption()).weak());
            if ui.button("Copy as CSV").clicked() {
                cx.send(SystemAction::Copy(csv(&dataset)));
            }
        });
        let corrected = self.corrected.get(Same::of(&dataset), || corrected(&dataset));
        if !corrected.is_empty() {
            ui.label(RichText::new(corrected.as_str()).text_style(theme::caption()));
        }
        self.choices(ui, cx, &dataset);
        ui.horizontal_wrapped(|ui| {
            for (listed, rows) in Listed::ALL.into_iter().zip(counts.1) {
                let title = format!("{} {}", listed.title(), grouped(rows));
                let chosen = !self.frames && self.listed == listed;
                if ui.selectable_label(chosen, title).on_hover_text(listed.explains()).clicked() {
                    (self.listed, self.frames) = (listed, false);
                }
            }
            let help =
                "Frames that no clip of the training set up in Train shows, and why; instances shorter than a clip";
            if ui.selectable_label(self.frames, "Frames in clips").on_hover_text(help).clicked() {
                self.frames = true;
            }
        });
        if self.frames {
            let config = self.config.get(cx.state.draft.clone(), || cx.state.draft.config());
            return self.frame_table.show(ui, cx, &dataset, &config);
        }
        let reasons = self.reasons.get(Same::of(&dataset), || Listed::ALL.map(|listed| summary(listed, ledger)));
        let at = Listed::ALL.iter().position(|l| *l == self.listed).unwrap_or(0);
        if let Some(text) = reasons.get(at).filter(|t| !t.is_empty()) {
            ui.label(RichText::new(text).text_style(theme::caption()));
        }
        self.rows(ui, cx, &dataset);
    }
}

impl LedgerPanel {
    /// How the files were read, with a button that reads them another way.
    fn choices(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset) {
        if self.changed.is_empty() {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Read with").text_style(theme::caption()).weak());
            for choice in &mut self.changed {
                choice_rows::inline(ui, choice);
            }
            if self.changed != dataset.choices && ui.button("Read again").clicked() {
                let values = self.changed.iter().map(|c| (c.key.clone(), c.value.clone())).collect();
                cx.send(OpenAction::Choose(dataset.root.clone(), values));
            }
        });
    }

    fn rows(&self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset) {
        let ledger = &dataset.ledger;
        let entries = self.listed.entries(ledger);
        let count = if self.listed == Listed::Unlisted { ledger.unlisted.len() } else { entries.len() };
        if count == 0 {
            let text = if ledger.rows == 0 { "This dataset is not read from lists." } else { "None." };
            ui.weak(text);
            return;
        }
        let height = 20.0;
        egui::ScrollArea::vertical().auto_shrink(false).show_rows(ui, height, count, |ui, rows| {
            for i in rows {
                match (entries.get(i), ledger.unlisted.get(i)) {
                    (Some(entry), _) if self.listed != Listed::Unlisted => row(ui, cx, dataset, entry, height),
                    (_, Some(path)) => drop(ui.add(egui::Label::new(relative(dataset, path)).truncate())),
                    _ => {}
                }
            }
        });
    }
}

fn row(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset, entry: &LedgerEntry, height: f32) {
    let p = theme::palette(ui);
    let place = match entry.line {
        0 => relative(dataset, &entry.file),
        line => format!("{}:{line}", relative(dataset, &entry.file)),
    };
    let times = if entry.rows > 1 { format!(" ({} rows)", entry.rows) } else { String::new() };
    let what = format!("{}{times}", entry.reason.words());
    let about = entry.video.clone().unwrap_or_else(|| entry.text.clone());
    ui.allocate_ui(Vec2::new(ui.available_width(), height - ui.spacing().item_spacing.y), |ui| {
        ui.horizontal(|ui| {
            let small = |text: &str| RichText::new(text).text_style(theme::caption());
            let wide = ui.available_width();
            let cell = |ui: &mut egui::Ui, share: f32, text: RichText, hover: &str| {
                let size = Vec2::new(wide * share, height - 4.0);
                let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(rect));
                ui.add(egui::Label::new(text).truncate()).on_hover_text(hover);
            };
            cell(ui, 0.34, small(&place).color(p.muted), &place);
            cell(ui, 0.34, small(&what), &what);
            match &entry.video {
                Some(video) if cx.state.video_by_name.contains_key(video) => {
                    let link = egui::Button::new(small(video).color(p.accent)).frame(false).truncate();
                    if ui.add(link).on_hover_text(video).clicked() {
                        cx.send(ChooseAction::SelectVideo(video.clone()));
                    }
                }
                _ => drop(ui.add(egui::Label::new(small(&about)).truncate()).on_hover_text(about)),
            }
        });
    });
}

fn relative(dataset: &Dataset, path: &Path) -> String {
    path.strip_prefix(&dataset.root).unwrap_or(path).display().to_string()
}

/// How many labels are corrected, and where that stands.
fn corrected(dataset: &Dataset) -> String {
    let Some(corrections) = dataset.corrections.as_ref().filter(|c| !c.all.videos.is_empty()) else {
        return String::new();
    };
    let file = corrections.file.as_ref().map_or_else(String::new, |f| format!(" by {}", relative(dataset, f)));
    format!("{}{file}; the files stay as they are", corrections.counts().words())
}

/// How often each reason occurs, one line.
fn summary(listed: Listed, ledger: &Ledger) -> String {
    let totals = Ledger::totals(listed.entries(ledger));
    let part = |(reason, rows): &(crate::domain::Reason, u64)| format!("{} {}", grouped(*rows), reason.words());
    totals.iter().map(part).collect::<Vec<_>>().join(" · ")
}

/// The ledger as a table of its own.
fn csv(dataset: &Dataset) -> String {
    let mut out = String::from("fate,file,line,rows,reason,video,text\n");
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    for listed in [Listed::Ignored, Listed::Unlabelled, Listed::Adjusted] {
        for e in listed.entries(&dataset.ledger) {
            let fields = [
                quoted(listed.title()),
                quoted(&relative(dataset, &e.file)),
                e.line.to_string(),
                e.rows.to_string(),
                e.reason.name().to_owned(),
                quoted(e.video.as_deref().unwrap_or_default()),
                quoted(&e.text),
            ];
            out.push_str(&fields.join(","));
            out.push('\n');
        }
    }
    for path in &dataset.ledger.unlisted {
        out.push_str(&format!("\"Not listed\",,,,,{},\n", quoted(&relative(dataset, path))));
    }
    out
}

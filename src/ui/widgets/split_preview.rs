//! How a training would divide the dataset: subjects, videos and clips of each part, clips of each class.

use super::planned::Planned;
use crate::config::RunConfig;
use crate::data::{ClipPlan, plan};
use crate::domain::{ClassSet, Dataset, Split, counted, grouped};
use crate::ui::theme;
use egui::{RichText, Ui};
use std::sync::Arc;

/// What of a configuration decides on the split and its clips.
#[derive(Clone, PartialEq)]
struct PreviewKey {
    dataset: usize,
    /// Videos that nobody looked into yet.
    pending: usize,
    config: RunConfig,
}

/// A part of the split, counted.
struct PartCount {
    name: &'static str,
    videos: usize,
    subjects: Vec<String>,
    /// Clips of each class.
    clips: Vec<u64>,
}

/// A planned split, counted.
struct Counted {
    classes: ClassSet,
    parts: Vec<PartCount>,
    /// Videos that are in no part.
    unused: usize,
    warnings: Vec<String>,
}

impl Counted {
    fn of(plan: &ClipPlan, dataset: &Dataset) -> Self {
        let part = |split: Split| PartCount {
            name: split.name(),
            videos: plan.parts.iter().filter(|p| **p == split).count(),
            subjects: plan.subjects(dataset, split),
            clips: plan.class_counts(split),
        };
        Self {
            parts: [Split::Train, Split::Val, Split::Test].map(part).into(),
            unused: plan.parts.iter().filter(|p| **p == Split::Unassigned).count(),
            warnings: plan.warnings.iter().map(|w| w.message.clone()).collect(),
            classes: plan.classes.clone(),
        }
    }
}

/// The preview, planned on a thread of its own whenever what it depends on has changed.
#[derive(Default)]
pub struct SplitPreview {
    planned: Planned<PreviewKey, Counted>,
}

impl SplitPreview {
    /// Draws the preview: a line that says how many clips each part has, and below it, once opened, the rest.
    pub fn show(&mut self, ui: &mut Ui, dataset: &Arc<Dataset>, config: &RunConfig) {
        if dataset.pending() > 0 {
            // A training looks into the videos that it needs by itself.
            let left = counted(dataset.pending() as u64, "video");
            ui.weak(format!("Split: shown when all videos are indexed; {left} are left"));
            return;
        }
        let key =
            PreviewKey { dataset: Arc::as_ptr(dataset) as usize, pending: dataset.pending(), config: relevant(config) };
        self.planned.refresh(ui, "the split", key, |key| {
            let (dataset, config) = (dataset.clone(), key.config.clone());
            Box::new(move || plan(&dataset, &config).map(|p| Counted::of(&p, &dataset)).map_err(|e| e.to_string()))
        });
        let p = theme::palette(ui);
        let shown = self.planned.shown();
        let title = match shown {
            Some(Ok(split)) => {
                let clips = |part: &PartCount| format!("{} {}", grouped(part.clips.iter().sum()), part.name);
                format!("Split: {} clips", split.parts.iter().map(clips).collect::<Vec<_>>().join(", "))
            }
            Some(Err(_)) => "Split: there is none".to_owned(),
            None => "Split: planning…".to_owned(),
        };
        let header =
            egui::CollapsingHeader::new(RichText::new(title).text_style(theme::section())).id_salt("split preview");
        header.default_open(false).show(ui, |ui| match shown {
            None => {}
            Some(Err(sentence)) => drop(ui.colored_label(p.bad, sentence)),
            Some(Ok(split)) => draw(ui, split),
        });
    }
}

impl SplitPreview {
    /// Training clips of the split that was planned last, or of one epoch where that draws fewer.
    pub fn training_clips(&self, config: &RunConfig) -> Option<u64> {
        let split = self.planned.shown()?.as_ref().ok()?;
        let clips: u64 = split.parts.first()?.clips.iter().sum();
        Some(config.sampling.clips_per_epoch.map_or(clips, |drawn| clips.min(drawn as u64)))
    }
}

/// The configuration without what does not matter here, so that typing elsewhere plans nothing again.
fn relevant(config: &RunConfig) -> RunConfig {
    let mut out = RunConfig::reference();
    out.data = config.data.clone();
    out.clip = config.clip.clone();
    out.model.num_classes = config.model.num_classes;
    out.seed = config.seed;
    out
}

fn draw(ui: &mut Ui, counted_split: &Counted) {
    let p = theme::palette(ui);
    for part in &counted_split.parts {
        let clips: u64 = part.clips.iter().sum();
        let mut text = format!("{}: {}", part.name, counted(clips, "clip"));
        // Validated on the test split: clips, but no videos of their own.
        match (part.videos, clips) {
            (0, 0) => text = format!("{}: none", part.name),
            (0, _) => text.push_str(", those of the test split"),
            _ => {
                text.push_str(&format!(" of {}", counted(part.videos as u64, "video")));
                if !part.subjects.is_empty() {
                    text.push_str(&format!(", {}", counted(part.subjects.len() as u64, "subject")));
                }
            }
        }
        ui.label(text);
        if !part.subjects.is_empty() {
            let names = part.subjects.join(", ");
            let label = egui::Label::new(RichText::new(&names).text_style(theme::caption()).weak()).truncate();
            ui.add(label).on_hover_text(names);
        }
    }
    if counted_split.unused > 0 {
        let text = format!("not used: {}, unlabelled or unreadable", counted(counted_split.unused as u64, "video"));
        ui.weak(text);
    }
    for warning in &counted_split.warnings {
        ui.label(RichText::new(warning).text_style(theme::caption()).color(p.warn));
    }
    ui.add_space(4.0);
    let area = egui::ScrollArea::vertical().id_salt("split classes").max_height(260.0).auto_shrink([false, true]);
    area.show(ui, |ui| per_class(ui, counted_split));
}

fn per_class(ui: &mut Ui, counted_split: &Counted) {
    let p = theme::palette(ui);
    egui::Grid::new("split classes").num_columns(4).spacing([14.0, 3.0]).striped(true).show(ui, |ui| {
        ui.label(RichText::new("clips per class").text_style(theme::caption()).weak());
        for part in &counted_split.parts {
            ui.label(RichText::new(part.name).text_style(theme::caption()).weak());
        }
        ui.end_row();
        for class in 0..counted_split.classes.len() {
            let name = counted_split.classes.name(class);
            let of = |part: &PartCount| part.clips.get(class).copied().unwrap_or(0);
            let label = egui::Label::new(super::text::elide(name, 26)).selectable(false);
            let response = ui.add(label).on_hover_text(name);
            let said: Vec<String> =
                counted_split.parts.iter().map(|part| format!("{} {}", grouped(of(part)), part.name)).collect();
            response.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{name}: {}", said.join(", ")))
            });
            for part in &counted_split.parts {
                let n = of(part);
                let missing = n == 0 && part.clips.iter().any(|c| *c > 0);
                let text = RichText::new(grouped(n));
                ui.label(if missing { text.color(p.bad).text_style(theme::section()) } else { text });
            }
            ui.end_row();
        }
    });
}

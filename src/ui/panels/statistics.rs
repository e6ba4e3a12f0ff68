//! Class balance and lengths of what passes the filter.

use crate::config::ClipConfig;
use crate::domain::{Dataset, counted, grouped};
use crate::ui::derived::Same;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use egui::{RichText, Sense, Vec2};
use egui_plot::{Bar, BarChart, Plot};
use std::sync::Arc;

/// The statistics, kept until filter or dataset change.
#[derive(Default)]
pub struct StatisticsPanel {
    made_from: Option<(Same<Dataset>, u64)>,
    /// Frames of each class, background last.
    frames: Vec<u64>,
    /// Windows of the reference clip length in each class.
    clips: Vec<u64>,
    unlabelled: u64,
    /// Videos that nobody looked into yet.
    pending: u64,
    /// How many videos are how long: the width of a bin in seconds, and the videos in each.
    lengths: (f64, Vec<u32>),
}

impl Panel for StatisticsPanel {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let Some(dataset) = cx.state.dataset.clone() else {
            ui.weak("No dataset is open.");
            return;
        };
        self.refresh(cx, &dataset);
        if super::nothing_passes(ui, cx) {
            return;
        }
        let total: u64 = self.frames.iter().sum();
        let text = format!(
            "{} · {} · {} unlabelled",
            cx.state.narrowed().unwrap_or_else(|| counted(dataset.videos.len() as u64, "video")),
            counted(total, "labelled frame"),
            grouped(self.unlabelled)
        );
        ui.label(RichText::new(text).text_style(theme::caption()).weak());
        if self.pending > 0 {
            let text = format!("{} are not looked into yet and not counted", counted(self.pending, "video"));
            ui.label(RichText::new(text).text_style(theme::caption()));
        }
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            self.balance(ui, &dataset);
            ui.add_space(8.0);
            self.histogram(ui);
        });
    }
}

impl StatisticsPanel {
    fn refresh(&mut self, cx: &PanelCx<'_>, dataset: &Arc<Dataset>) {
        let from = Some((Same::of(dataset), cx.state.filtered_revision));
        if self.made_from == from {
            return;
        }
        let classes = dataset.classes.len();
        let clip = ClipConfig::default();
        self.frames = vec![0; classes + 1];
        self.clips = vec![0; classes + 1];
        (self.unlabelled, self.pending) = (0, 0);
        let mut lengths = Vec::new();
        for video in cx.state.filtered.iter().filter_map(|i| dataset.videos.get(*i)) {
            for (label, length) in video.frames_by_label() {
                let slot = label.class().unwrap_or(classes);
                if let (Some(f), Some(c)) = (self.frames.get_mut(slot), self.clips.get_mut(slot)) {
                    *f += length;
                    *c += length / u64::from(clip.eval_stride.max(1));
                }
            }
            self.pending += u64::from(video.is_pending());
            self.unlabelled += u64::from(video.frames()).saturating_sub(video.labelled_frames());
            if let Some(facts) = &video.facts {
                lengths.push(facts.duration_s);
            }
        }
        self.lengths = histogram(&lengths);
        self.made_from = from;
    }

    /// One bar a class, in the class colour, with its name and number.
    fn balance(&self, ui: &mut egui::Ui, dataset: &Dataset) {
        let p = theme::palette(ui);
        ui.strong("Frames per class");
        let most = self.frames.iter().copied().max().unwrap_or(0).max(1);
        ui.spacing_mut().item_spacing.y = 2.0;
        for (class, frames) in self.frames.iter().enumerate() {
            let background = class == dataset.classes.len();
            let name = if background { "background" } else { dataset.classes.name(class) };
            let color = if background { p.muted.gamma_multiply(0.6) } else { theme::class_color(class) };
            let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 17.0), Sense::hover());
            let font = theme::caption().resolve(ui.style());
            let names = (rect.width() * 0.3).clamp(60.0, 130.0);
            let name_rect = egui::Rect::from_min_size(rect.min, Vec2::new(names, rect.height()));
            ui.painter_at(name_rect).text(rect.left_center(), egui::Align2::LEFT_CENTER, name, font.clone(), p.text);
            let room = (rect.width() - names - 60.0).max(10.0);
            let width = (*frames as f32 / most as f32 * room).max(if *frames > 0 { 1.5 } else { 0.0 });
            let bar = egui::Rect::from_min_size(rect.min + Vec2::new(names + 4.0, 2.0), Vec2::new(width, 13.0));
            ui.painter().rect_filled(bar, 2.0, color);
            let at = egui::pos2(bar.right() + 5.0, rect.center().y);
            ui.painter().text(at, egui::Align2::LEFT_CENTER, grouped(*frames), font, p.muted);
            let clips = self.clips.get(class).copied().unwrap_or(0);
            let text = format!("{name}: {}, about {} of 16 frames", counted(*frames, "frame"), counted(clips, "clip"));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
            response.on_hover_text(text);
        }
    }

    fn histogram(&self, ui: &mut egui::Ui) {
        let p = theme::palette(ui);
        ui.strong("Length of videos, in seconds");
        let (width, counts) = (self.lengths.0, &self.lengths.1);
        if counts.is_empty() {
            ui.weak(match self.pending {
                0 => "None of these videos could be opened: the Warnings panel says why.",
                _ => "None of these videos is looked into yet.",
            });
            return;
        }
        let bars = counts
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(i, n)| Bar::new((i as f64 + 0.5) * width, f64::from(*n)).width(width * 0.92).fill(p.plain));
        let chart = BarChart::new("videos", bars.collect()).color(p.plain);
        Plot::new("lengths")
            .height(120.0)
            .include_y(0.0)
            .include_x(0.0)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .show_grid([false, true])
            .show(ui, |plot| plot.bar_chart(chart));
    }
}

/// Divides lengths in seconds into bins of one width; none where nothing has a length.
fn histogram(lengths: &[f64]) -> (f64, Vec<u32>) {
    let longest = lengths.iter().copied().fold(0.0, f64::max);
    if longest <= 0.0 {
        return (0.0, Vec::new());
    }
    let bins = 20.0_f64.min(lengths.len() as f64).max(5.0);
    let width = longest / bins;
    let mut counts = vec![0_u32; bins as usize + 1];
    for length in lengths {
        let bin = ((length / width) as usize).min(bins as usize - 1);
        if let Some(slot) = counts.get_mut(bin) {
            *slot += 1;
        }
    }
    (width, counts)
}

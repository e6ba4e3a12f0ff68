//! Class balance and lengths of what passes the filter.

use crate::config::ClipConfig;
use crate::domain::{Dataset, counted, grouped};
use crate::ui::action::WindowAction;
use crate::ui::derived::Same;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use egui::{RichText, Sense, Vec2};
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
            self.balance(ui, cx, &dataset);
            ui.add_space(8.0);
            self.histogram(ui, cx);
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
    fn balance(&self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset) {
        let p = theme::palette(ui);
        ui.horizontal(|ui| {
            ui.strong("Frames per class");
            ui.label(RichText::new("a click on a bar shows its videos").text_style(theme::caption()).weak());
        });
        let most = self.frames.iter().copied().max().unwrap_or(0).max(1);
        ui.spacing_mut().item_spacing.y = 2.0;
        for (class, frames) in self.frames.iter().enumerate() {
            let background = class == dataset.classes.len();
            let name = if background { "background" } else { dataset.classes.name(class) };
            let color = if background { p.muted.gamma_multiply(0.6) } else { theme::class_color(class) };
            let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 17.0), Sense::click());
            if response.hovered() || response.has_focus() {
                ui.painter().rect_filled(rect, 3.0, p.card);
            }
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
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &text));
            if response.on_hover_text(text).clicked() {
                super::narrow(cx, "class", name);
                cx.send(WindowAction::ShowPanel("videos".into()));
            }
        }
    }

    fn histogram(&self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let p = theme::palette(ui);
        ui.horizontal(|ui| {
            ui.strong("Length of videos, in seconds");
            ui.label(RichText::new("a click on a bar shows its videos").text_style(theme::caption()).weak());
        });
        let (width, counts) = (self.lengths.0, &self.lengths.1);
        if counts.is_empty() {
            ui.weak(match self.pending {
                0 => "None of these videos could be opened: the Warnings panel says why.",
                _ => "None of these videos is looked into yet.",
            });
            return;
        }
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let last = counts.iter().rposition(|n| *n > 0).map_or(0, |at| at + 1);
        let (area, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 120.0), Sense::hover());
        let font = theme::caption().resolve(ui.style());
        let (floor, ceiling) = (area.bottom() - 16.0, area.top() + 14.0);
        let each = area.width() / last.max(1) as f32;
        for (bin, n) in counts.iter().copied().enumerate().take(last) {
            let left = area.left() + bin as f32 * each;
            let column = egui::Rect::from_x_y_ranges(left..=left + each, area.top()..=floor);
            let (from, to) = (bin as f64 * width, (bin + 1) as f64 * width);
            if bin % 2 == 0 || each > 44.0 {
                let at = egui::pos2(left, area.bottom());
                ui.painter().text(at, egui::Align2::LEFT_BOTTOM, format!("{from:.1}"), font.clone(), p.muted);
            }
            if n == 0 {
                continue;
            }
            let response = ui.interact(column, ui.scope_id().with(("length", bin)), Sense::click());
            let text = format!("{from:.2} to {to:.2} s: {}", counted(u64::from(n), "video"));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &text));
            let top = floor - (floor - ceiling) * n as f32 / most as f32;
            let bar = egui::Rect::from_x_y_ranges(left + 1.0..=left + each - 1.0, top.min(floor - 2.0)..=floor);
            let hot = response.hovered() || response.has_focus();
            ui.painter().rect_filled(bar, 2.0, if hot { p.accent } else { p.plain });
            let above = egui::pos2(bar.center().x, bar.top() - 1.0);
            ui.painter().text(above, egui::Align2::CENTER_BOTTOM, grouped(u64::from(n)), font.clone(), p.muted);
            if response.on_hover_text(text).clicked() {
                // The longest video belongs to the last bin, whose end it is.
                let to = if bin + 1 == last { to + 1.0 } else { to };
                super::narrow(cx, "seconds", &format!("{from:.4}-{to:.4}"));
                cx.send(WindowAction::ShowPanel("videos".into()));
            }
        }
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

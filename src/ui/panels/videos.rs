//! The table of videos.

use crate::domain::{Dataset, Split, VideoEntry, counted, grouped, leaf};
use crate::ui::action::{ChooseAction, WindowAction, WorkAction};
use crate::ui::arrangement::{VideoKey, VideoOrder};
use crate::ui::derived::Same;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::video_rows::Rows;
use crate::ui::widgets::text::fps;
use egui::{RichText, Sense, Vec2};
use egui_extras::{Column, TableBuilder};
use std::collections::HashMap;
use std::sync::Arc;

const COLUMNS: [(VideoKey, &str, f32); 8] = [
    (VideoKey::Name, "video", 70.0),
    (VideoKey::Subject, "subject", 48.0),
    (VideoKey::Split, "split", 50.0),
    (VideoKey::Frames, "frames", 46.0),
    (VideoKey::Fps, "fps", 30.0),
    (VideoKey::Size, "size", 56.0),
    (VideoKey::Codec, "codec", 40.0),
    (VideoKey::Warnings, "!", 18.0),
];

/// What the rows follow from: the dataset, the filter by its revision, the order, and the parts videos play in the run.
type RowsKey = (Same<Dataset>, u64, VideoOrder, Same<Vec<Split>>);

/// The table with its order.
#[derive(Default)]
pub struct Videos {
    rows: Vec<usize>,
    /// Classes present in the videos that were on screen.
    classes: HashMap<usize, Vec<usize>>,
    /// Frames of the videos in the table, as far as they are known.
    frames: u64,
    /// Videos on screen that nobody looked into yet, as they were told of last.
    pending: Vec<usize>,
    made_from: Option<RowsKey>,
    classes_of: Same<Dataset>,
    shown: Option<String>,
}

impl Panel for Videos {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let Some(dataset) = cx.state.dataset.clone() else {
            ui.weak("No dataset is open.");
            return;
        };
        self.refresh(cx, &dataset);
        ui.horizontal(|ui| {
            let videos = cx.state.narrowed().unwrap_or_else(|| counted(self.rows.len() as u64, "video"));
            let known = if dataset.pending() > 0 { " in those looked into" } else { "" };
            let mut text = format!("{videos}, {}{known}", counted(self.frames, "frame"));
            if let Some(run) = cx.state.run().filter(|_| cx.state.run_parts.parts.is_some()) {
                text.push_str(&format!(" · split of run {}", leaf(&run.path)));
            }
            ui.label(RichText::new(text).text_style(theme::caption()).weak());
        });
        super::indexing(ui, cx);
        if super::nothing_passes(ui, cx) {
            return;
        }
        self.table(ui, cx, &dataset);
    }
}

impl Videos {
    fn refresh(&mut self, cx: &PanelCx<'_>, dataset: &Arc<Dataset>) {
        if self.classes_of != Same::of(dataset) {
            self.classes_of = Same::of(dataset);
            self.classes.clear();
        }
        let parts = Same::maybe(cx.state.run_parts.parts.as_ref());
        let order = cx.state.order;
        let from = Some((Same::of(dataset), cx.state.filtered_revision, order, parts));
        if self.made_from == from {
            return;
        }
        let parts = cx.state.run_parts.parts.as_ref().map(|p| p.as_slice());
        let rows = Rows { dataset, parts, warnings: &cx.state.warnings_by_video };
        self.rows = rows.sorted(&cx.state.filtered, order);
        let videos = self.rows.iter().filter_map(|i| dataset.videos.get(*i));
        self.frames = videos.map(|v| u64::from(v.frames())).sum();
        self.made_from = from;
    }

    fn table(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset) {
        let mut sort = None;
        let order = cx.state.order;
        let height = 22.0;
        ui.spacing_mut().item_spacing.x = 6.0;
        let wide = ui.available_width();
        let chosen = cx.state.selection.video.clone();
        let moved = self.shown != chosen;
        self.shown.clone_from(&chosen);
        let (listed, classes) = (&self.rows, &mut self.classes);
        let mut pending = Vec::new();
        egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
            let mut table = TableBuilder::new(ui)
                .striped(false)
                .sense(Sense::click())
                .auto_shrink(false)
                .cell_layout(egui::Layout::left_to_right(egui::Align::Center));
            // On a wide window names and splits are shown whole.
            let spare = (wide - COLUMNS.iter().map(|(_, _, width)| width).sum::<f32>() - 160.0).max(0.0);
            for (key, _, width) in COLUMNS {
                let more = match key {
                    VideoKey::Name => (spare * 0.5).min(260.0),
                    VideoKey::Subject | VideoKey::Split => (spare * 0.1).min(50.0),
                    _ => 0.0,
                };
                table = table.column(Column::initial(width + more).clip(true).resizable(true));
            }
            table = table.column(Column::remainder().at_least(60.0).clip(true));
            if moved
                && let Some(row) =
                    listed.iter().position(|i| dataset.videos.get(*i).map(|v| &v.name) == chosen.as_ref())
            {
                table = table.scroll_to_row(row, None);
            }
            table
                .header(22.0, |mut header| {
                    for (key, title, _) in COLUMNS {
                        header.col(|ui| {
                            let on = order.key == key;
                            if heading(ui, title, on.then_some(order.descending)).clicked() {
                                sort = Some(key);
                            }
                        });
                    }
                    header.col(|ui| drop(ui.label(RichText::new("classes").text_style(theme::caption()).weak())));
                })
                .body(|body| {
                    body.rows(height, listed.len(), |mut row| {
                        let Some(index) = listed.get(row.index()).copied() else { return };
                        let Some(video) = dataset.videos.get(index) else { return };
                        if video.is_pending() {
                            pending.push(index);
                        }
                        let classes = classes.entry(index).or_insert_with(|| video.classes());
                        row.set_selected(chosen.as_deref() == Some(video.name.as_str()));
                        cells(&mut row, cx, dataset, index, video, classes);
                        let response = row.response();
                        response.widget_info(|| {
                            egui::WidgetInfo::labeled(egui::Role::Row, true, format!("Video {}", video.name))
                        });
                        if response.clicked() {
                            cx.send(ChooseAction::SelectVideo(video.name.clone()));
                        }
                    });
                });
        });
        if !pending.is_empty() && self.pending != pending {
            self.pending.clone_from(&pending);
            cx.send(WorkAction::IndexFirst(pending));
        }
        if let Some(key) = sort {
            let descending = order.key == key && !order.descending;
            cx.send(WindowAction::SetOrder(VideoOrder { key, descending }));
        }
    }
}

fn heading(ui: &mut egui::Ui, title: &str, descending: Option<bool>) -> egui::Response {
    let p = theme::palette(ui);
    let color = if descending.is_some() { p.text } else { p.muted };
    let text = RichText::new(title).text_style(theme::caption()).color(color);
    let response = ui.add(egui::Button::new(text).frame(false));
    if let Some(down) = descending {
        // In the gap between two columns, beside the word.
        let tip = response.rect.right_center() + Vec2::new(4.5, if down { 3.0 } else { -3.0 });
        let side = if down { -5.0 } else { 5.0 };
        let points = vec![tip, tip + Vec2::new(-3.5, side), tip + Vec2::new(3.5, side)];
        let around = ui.clip_rect().expand2(Vec2::new(8.0, 0.0));
        let painter = ui.painter().with_clip_rect(around);
        painter.add(egui::Shape::convex_polygon(points, p.text, egui::Stroke::NONE));
    }
    let name = if title == "!" { "warnings" } else { title };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Sort by {name}")));
    response.on_hover_text(format!("Sort by {name}"))
}

fn cells(
    row: &mut egui_extras::TableRow<'_, '_>,
    cx: &PanelCx<'_>,
    dataset: &Dataset,
    index: usize,
    video: &VideoEntry,
    classes: &[usize],
) {
    let facts = video.facts.as_ref();
    let unknown = if video.is_pending() { "…" } else { "–" };
    let text = |ui: &mut egui::Ui, text: String| {
        ui.add(egui::Label::new(RichText::new(text).text_style(theme::caption())).truncate().selectable(false));
    };
    row.col(|ui| text(ui, video.name.rsplit('/').next().unwrap_or(&video.name).to_owned()));
    row.col(|ui| text(ui, video.subject.clone()));
    row.col(|ui| split(ui, cx, index, video));
    row.col(|ui| text(ui, facts.map_or_else(|| unknown.into(), |f| grouped(u64::from(f.frames)))));
    row.col(|ui| text(ui, facts.map_or_else(|| unknown.into(), |f| fps(f.fps))));
    row.col(|ui| text(ui, facts.map_or_else(|| unknown.into(), |f| format!("{}×{}", f.width, f.height))));
    row.col(|ui| text(ui, facts.map_or_else(|| unknown.into(), |f| f.codec.clone())));
    row.col(|ui| {
        let p = theme::palette(ui);
        if let Some(warnings) = cx.state.warnings_by_video.get(&index) {
            let label = RichText::new(warnings.len().to_string()).text_style(theme::caption()).color(p.warn);
            ui.label(label).on_hover_text(warnings.join("\n"));
        }
    });
    row.col(|ui| {
        // As wide as they fit; so narrow that none can be told apart they are only counted.
        let gap = if classes.len() > 12 { 1.0 } else { 2.0 };
        let each = (ui.available_width() / classes.len().max(1) as f32 - gap).min(9.0);
        if each < 2.0 {
            ui.weak(counted(classes.len() as u64, "class"));
            return;
        }
        ui.spacing_mut().item_spacing.x = gap;
        for class in classes {
            let (rect, response) = ui.allocate_exact_size(Vec2::new(each, 12.0), Sense::hover());
            ui.painter().rect_filled(rect, (each * 0.25).min(2.0), theme::class_color(*class));
            response.on_hover_text(dataset.classes.name(*class));
        }
    });
}

/// The part a video plays in the run in use, or else in the dataset.
fn split(ui: &mut egui::Ui, cx: &PanelCx<'_>, index: usize, video: &VideoEntry) {
    let (name, told) = match (cx.state.part_in_run(index), cx.state.run()) {
        (Some(part), Some(run)) => {
            let name = if part == Split::Unassigned { "not used" } else { part.name() };
            (name, format!("{name} in {}", leaf(&run.path)))
        }
        _ => (video.split.name(), video.split.name().to_owned()),
    };
    let label = egui::Label::new(RichText::new(name).text_style(theme::caption())).truncate().selectable(false);
    let response = ui.add(label);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &told));
    response.on_hover_text(told);
}

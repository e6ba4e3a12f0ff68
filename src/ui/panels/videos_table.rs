//! One row a video.

use super::videos_list::{self, Listed};
use crate::domain::{Dataset, Split, VideoEntry, counted, grouped, leaf};
use crate::ui::action::{WindowAction, WorkAction};
use crate::ui::arrangement::{VideoKey, VideoOrder};
use crate::ui::panel::PanelCx;
use crate::ui::theme;
use crate::ui::widgets::text::fps;
use egui::{RichText, Sense, Vec2};
use egui_extras::{Column, TableBuilder};

/// A column of the table.
pub struct VideoColumn {
    /// What it says, and sorts by.
    pub key: VideoKey,
    /// Its heading.
    pub title: &'static str,
    /// How wide it is at first; the name takes what is left.
    width: f32,
}

const fn column(key: VideoKey, title: &'static str, width: f32) -> VideoColumn {
    VideoColumn { key, title, width }
}

/// Every column besides those of classes and tags.
pub const COLUMNS: [VideoColumn; 8] = [
    column(VideoKey::Name, "video", 84.0),
    column(VideoKey::Subject, "subject", 54.0),
    column(VideoKey::Split, "split", 56.0),
    column(VideoKey::Frames, "frames", 50.0),
    column(VideoKey::Fps, "fps", 34.0),
    column(VideoKey::Size, "size", 62.0),
    column(VideoKey::Codec, "codec", 44.0),
    column(VideoKey::Warnings, "!", 18.0),
];

/// Width of the column of classes at first.
const CLASSES: f32 = 132.0;
/// The same in a narrow panel.
const NARROW: f32 = 84.0;
/// Width of the column of tags.
const TAGS: f32 = 74.0;
/// Room between the edge of a cell and what it says.
const INSET: f32 = 5.0;

/// What a video says in a column.
pub fn said(cx: &PanelCx<'_>, key: VideoKey, index: usize, video: &VideoEntry) -> String {
    let facts = video.facts.as_ref();
    let unknown = if video.is_pending() { "…" } else { "–" };
    match key {
        VideoKey::Name => video.name.rsplit('/').next().unwrap_or(&video.name).to_owned(),
        VideoKey::Subject => video.subject.clone(),
        VideoKey::Split => split_name(cx, index, video).0.to_owned(),
        VideoKey::Frames => facts.map_or_else(|| unknown.into(), |f| grouped(u64::from(f.frames))),
        VideoKey::Fps => facts.map_or_else(|| unknown.into(), |f| fps(f.fps)),
        VideoKey::Size => facts.map_or_else(|| unknown.into(), |f| format!("{}×{}", f.width, f.height)),
        VideoKey::Codec => facts.map_or_else(|| unknown.into(), |f| f.codec.clone()),
        VideoKey::Warnings => cx.state.warnings_by_video.get(&index).map_or_else(String::new, |w| w.len().to_string()),
    }
}

/// The part a video plays in the run in use, or else in the dataset, and the same in more words.
fn split_name(cx: &PanelCx<'_>, index: usize, video: &VideoEntry) -> (&'static str, String) {
    match (cx.state.part_in_run(index), cx.state.run()) {
        (Some(part), Some(run)) => {
            let name = if part == Split::Unassigned { "not used" } else { part.name() };
            (name, format!("{name} in {}", leaf(&run.path)))
        }
        _ => (video.split.name(), video.split.name().to_owned()),
    }
}

/// Draws the table.
pub fn show(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, dataset: &Dataset, listed: &mut Listed, fresh: &mut String) {
    let order = cx.state.order;
    let mut sort = None;
    ui.spacing_mut().item_spacing.x = 6.0;
    let warned = !cx.state.warnings_by_video.is_empty();
    let shown: Vec<&VideoColumn> = COLUMNS
        .iter()
        .filter(|c| !listed.constant.iter().any(|(key, _)| *key == c.key))
        .filter(|c| c.key != VideoKey::Warnings || warned)
        .collect();
    let tagged = !cx.state.video_tags.is_empty();
    // Where there is little room the classes are colours alone.
    let classes_width = if ui.available_width() < if tagged { 520.0 } else { 400.0 } { NARROW } else { CLASSES };
    let rows = std::mem::take(&mut listed.rows);
    let scroll_to = listed.moved_to(cx, dataset, &rows);
    let chosen = cx.state.selection.video.clone();
    let mut pending = Vec::new();
    egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        let mut table = TableBuilder::new(ui)
            .striped(false)
            .sense(Sense::click())
            .auto_shrink(false)
            .cell_layout(egui::Layout::left_to_right(egui::Align::Center));
        for column in &shown {
            table = table.column(match column.key {
                // Names are what one looks for: they take whatever the others leave.
                VideoKey::Name => Column::remainder().at_least(column.width).clip(true),
                _ => Column::initial(column.width).clip(true).resizable(true),
            });
        }
        table = table.column(Column::initial(classes_width).at_least(60.0).clip(true).resizable(true));
        if tagged {
            table = table.column(Column::initial(TAGS).clip(true).resizable(true));
        }
        if let Some(row) = scroll_to {
            table = table.scroll_to_row(row, None);
        }
        table
            .header(22.0, |mut header| {
                for column in &shown {
                    header.col(|ui| {
                        ui.add_space(INSET);
                        let on = order.key == column.key;
                        if heading(ui, column.title, on.then_some(order.descending)).clicked() {
                            sort = Some(column.key);
                        }
                    });
                }
                for title in ["classes"].into_iter().chain(tagged.then_some("tags")) {
                    header.col(|ui| plain_heading(ui, title));
                }
            })
            .body(|body| {
                body.rows(22.0, rows.len(), |mut row| {
                    let at = row.index();
                    let Some(index) = rows.get(at).copied() else { return };
                    let Some(video) = dataset.videos.get(index) else { return };
                    if video.is_pending() {
                        pending.push(index);
                    }
                    let classes = listed.classes_of(index, video);
                    let marked = cx.state.marks.videos.contains(&video.name);
                    row.set_selected(marked || chosen.as_deref() == Some(video.name.as_str()));
                    for column in &shown {
                        cell(&mut row, cx, column.key, index, video);
                    }
                    row.col(|ui| {
                        ui.add_space(INSET);
                        self::classes(ui, dataset, classes);
                    });
                    if tagged {
                        let tags = cx.state.video_tags.of(&video.name).collect::<Vec<_>>().join(", ");
                        row.col(|ui| {
                            ui.add_space(INSET);
                            plain(ui, tags);
                        });
                    }
                    let response = row.response();
                    let picked = if marked { ", picked" } else { "" };
                    response.widget_info(|| {
                        egui::WidgetInfo::labeled(egui::Role::Row, true, format!("Video {}{picked}", video.name))
                    });
                    if response.clicked() {
                        videos_list::clicked_row(&response, cx, &rows, at);
                    }
                    videos_list::menu(&response, cx, video, fresh);
                });
            });
    });
    listed.rows = rows;
    if !pending.is_empty() && listed.pending != pending {
        listed.pending.clone_from(&pending);
        cx.send(WorkAction::IndexFirst(pending));
    }
    if let Some(key) = sort {
        let descending = order.key == key && !order.descending;
        cx.send(WindowAction::SetOrder(VideoOrder { key, descending }));
    }
}

/// The heading of a column that nothing is sorted by.
fn plain_heading(ui: &mut egui::Ui, title: &str) {
    ui.add_space(INSET);
    let text = RichText::new(title).text_style(theme::caption()).weak();
    ui.add(egui::Button::new(text).frame(false).sense(Sense::hover()));
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

fn plain(ui: &mut egui::Ui, text: String) {
    ui.add(egui::Label::new(RichText::new(text).text_style(theme::caption())).truncate().selectable(false));
}

fn cell(row: &mut egui_extras::TableRow<'_, '_>, cx: &PanelCx<'_>, key: VideoKey, index: usize, video: &VideoEntry) {
    row.col(|ui| {
        ui.add_space(INSET);
        content(ui, cx, key, index, video);
    });
}

fn content(ui: &mut egui::Ui, cx: &PanelCx<'_>, key: VideoKey, index: usize, video: &VideoEntry) {
    match key {
        VideoKey::Split => {
            let (name, told) = split_name(cx, index, video);
            let label = egui::Label::new(RichText::new(name).text_style(theme::caption())).truncate().selectable(false);
            let response = ui.add(label);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &told));
            response.on_hover_text(told);
        }
        VideoKey::Warnings => {
            if let Some(warnings) = cx.state.warnings_by_video.get(&index) {
                let color = theme::palette(ui).warn;
                let label = RichText::new(warnings.len().to_string()).text_style(theme::caption()).color(color);
                ui.label(label).on_hover_text(warnings.join("\n"));
            }
        }
        _ => plain(ui, said(cx, key, index, video)),
    }
}

/// The classes of a video: by name where there are few, else by colour and number.
pub fn classes(ui: &mut egui::Ui, dataset: &Dataset, classes: &[usize]) {
    let name = |class: &usize| dataset.classes.name(*class);
    let swatch = |ui: &mut egui::Ui, class: usize, width: f32| {
        let (rect, response) = ui.allocate_exact_size(Vec2::new(width, 12.0), Sense::hover());
        ui.painter().rect_filled(rect, (width * 0.25).min(2.0), theme::class_color(class));
        response
    };
    ui.spacing_mut().item_spacing.x = 3.0;
    match classes {
        [] => {}
        [class] => {
            swatch(ui, *class, 8.0);
            plain(ui, name(class).to_owned());
        }
        _ => {
            let text = counted(classes.len() as u64, "class");
            let all = classes.iter().map(name).collect::<Vec<_>>().join(", ");
            // As wide as they fit beside the number; so narrow that none can be told apart they are only counted.
            let gap = if classes.len() > 12 { 1.0 } else { 2.0 };
            let each = ((ui.available_width() - 62.0) / classes.len() as f32 - gap).min(8.0);
            ui.spacing_mut().item_spacing.x = gap;
            if each >= 2.0 {
                for class in classes {
                    swatch(ui, *class, each).on_hover_text(name(class));
                }
                ui.add_space(4.0);
            }
            let label = RichText::new(text).text_style(theme::caption()).weak();
            ui.add(egui::Label::new(label).truncate().selectable(false)).on_hover_text(all);
        }
    }
}

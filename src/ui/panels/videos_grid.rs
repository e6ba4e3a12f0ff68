//! One picture a video.

use super::videos_list::{self, Listed};
use super::videos_table::classes;
use crate::domain::{Dataset, VideoEntry};
use crate::ui::action::{ChooseAction, WindowAction, WorkAction};
use crate::ui::awaited::Awaited;
use crate::ui::panel::PanelCx;
use crate::ui::state::Workspace;
use crate::ui::theme;
use crate::ui::theme::overlay;
use crate::ui::thumbs::Thumbs;
use crate::ui::widgets::clip_grid::Pictures;
use egui::{Align2, Rect, RichText, Sense, Stroke, StrokeKind, Ui, Vec2};
use std::time::Duration;

/// Height of the two lines below a picture.
const TEXT: f32 = 38.0;
const GAP: f32 = 8.0;
/// Pictures of a video that go by under the pointer, and how long each stays.
const SHOWN: u32 = 8;
const STAY: f64 = 0.35;

/// Draws the pictures in rows that fill the width.
pub fn show(
    ui: &mut Ui,
    cx: &mut PanelCx<'_>,
    dataset: &Dataset,
    listed: &mut Listed,
    (thumbs, width): (&Thumbs, f32),
    fresh: &mut String,
) {
    let columns = (((ui.available_width() - 12.0 + GAP) / (width + GAP)).floor() as usize).max(1);
    let card = Vec2::new(width, width * 0.75 + TEXT);
    let rows = std::mem::take(&mut listed.rows);
    let scroll_to = listed.moved_to(cx, dataset, &rows);
    let mut pending = Vec::new();
    let lines = rows.len().div_ceil(columns);
    ui.spacing_mut().item_spacing = Vec2::splat(GAP);
    egui::ScrollArea::vertical().id_salt("video pictures").auto_shrink(false).show_rows(
        ui,
        card.y,
        lines,
        |ui, range| {
            let first = range.start;
            for line in range {
                ui.horizontal(|ui| {
                    for at in line * columns..((line + 1) * columns).min(rows.len()) {
                        let Some(index) = rows.get(at).copied() else { continue };
                        let Some(video) = dataset.videos.get(index) else { continue };
                        if video.is_pending() {
                            pending.push(index);
                        }
                        let of_video = listed.classes_of(index, video);
                        let response = self::card(ui, cx, dataset, (video, of_video), thumbs, card);
                        if response.double_clicked() {
                            cx.send(ChooseAction::SelectVideo(video.name.clone()));
                            cx.send(WindowAction::SetWorkspace(Workspace::Review));
                        } else if response.clicked() {
                            videos_list::clicked_row(&response, cx, &rows, at);
                        }
                        videos_list::menu(&response, cx, video, fresh);
                    }
                });
            }
            if let Some(row) = scroll_to {
                let top = ui.max_rect().top() - first as f32 * (card.y + GAP);
                let y = top + (row / columns) as f32 * (card.y + GAP);
                let target = Rect::from_min_size(egui::pos2(ui.max_rect().left(), y), Vec2::new(1.0, card.y));
                ui.scroll_to_rect(target, None);
            }
        },
    );
    listed.rows = rows;
    if !pending.is_empty() && listed.pending != pending {
        listed.pending.clone_from(&pending);
        cx.send(WorkAction::IndexFirst(pending));
    }
}

fn card(
    ui: &mut Ui,
    cx: &PanelCx<'_>,
    dataset: &Dataset,
    (video, of_video): (&VideoEntry, &[usize]),
    thumbs: &Thumbs,
    size: Vec2,
) -> egui::Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let marked = cx.state.marks.videos.contains(&video.name);
    let chosen = cx.state.selection.video.as_deref() == Some(video.name.as_str());
    let picked = if marked { ", picked" } else { "" };
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::Role::Button, true, chosen, format!("Picture of {}{picked}", video.name))
    });
    let fill = if chosen || marked { p.accent_soft } else { p.card };
    ui.painter().rect_filled(rect, 5.0, fill);
    let stage = Rect::from_min_size(rect.min, Vec2::new(size.x, size.x * 0.75));
    ui.painter().rect_filled(stage, 5.0, overlay::EMPTY);
    let frames = video.frames();
    if frames > 0 {
        let frame = match response.hovered() {
            true => {
                ui.ctx().request_repaint_after(Duration::from_secs_f64(STAY / 2.0));
                let at = (ui.input(|i| i.time) / STAY) as u64 % u64::from(SHOWN);
                (u64::from(frames - 1) * (2 * at + 1) / u64::from(2 * SHOWN)) as u32
            }
            false => frames / 2,
        };
        match thumbs.picture(ui.ctx(), &video.path, frame) {
            Awaited::Ready(thumbnail) | Awaited::Pending(Some(thumbnail)) => {
                let shape = Vec2::new(thumbnail.aspect.max(0.05), 1.0);
                let scale = (stage.width() / shape.x).min(stage.height() / shape.y);
                let at = Rect::from_center_size(stage.center(), shape * scale);
                let whole = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
                ui.painter().image(thumbnail.texture, at, whole, overlay::TEXT);
            }
            Awaited::Unavailable(_) => note(ui, stage, "no picture"),
            Awaited::NotAsked | Awaited::Pending(None) => {}
        }
    } else {
        note(ui, stage, if video.is_pending() { "…" } else { "cannot be opened" });
    }
    let text = Rect::from_min_max(egui::pos2(rect.left() + 5.0, stage.bottom() + 1.0), rect.max - Vec2::splat(2.0));
    let builder = egui::UiBuilder::new().max_rect(text).layout(egui::Layout::top_down(egui::Align::Min));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing = Vec2::new(4.0, 1.0);
        let leaf = video.name.rsplit('/').next().unwrap_or(&video.name);
        let name = RichText::new(leaf).text_style(theme::caption()).color(p.text);
        ui.add(egui::Label::new(name).truncate().selectable(false));
        let tags = cx.state.video_tags.of(&video.name).collect::<Vec<_>>().join(", ");
        ui.horizontal(|ui| match tags.is_empty() {
            true => classes(ui, dataset, of_video),
            false => {
                let tags = RichText::new(tags).text_style(theme::caption()).color(p.warn);
                drop(ui.add(egui::Label::new(tags).truncate().selectable(false)));
            }
        });
    });
    if chosen || marked {
        ui.painter().rect_stroke(rect, 5.0, Stroke::new(1.5, p.accent), StrokeKind::Inside);
    }
    response
}

fn note(ui: &Ui, rect: Rect, text: &str) {
    let font = theme::caption().resolve(ui.style());
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, overlay::MUTED);
}

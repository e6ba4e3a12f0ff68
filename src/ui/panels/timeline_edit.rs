//! Editing labels in the timeline: edges are dragged, a click on a segment shows what can be done with it. Every edit is a
//! correction that is kept apart from the files.

use super::timeline_tracks::{Lanes, Strip, instance_name};
use crate::data::LabelEdit;
use crate::domain::{Dataset, Instance, InstanceLabel};
use crate::ui::action::{CorrectAction, TimeAction};
use crate::ui::awaited::Awaited;
use crate::ui::panel::PanelCx;
use crate::ui::theme;
use crate::ui::thumbs::Thumbs;
use crate::ui::widgets::clip_grid::Pictures;
use egui::{CursorIcon, PointerButton, Rect, Sense, Stroke, StrokeKind, Ui, Vec2};

/// Half the width of the place where an edge is taken.
const GRIP: f32 = 5.0;
/// Edges that can be taken at a time: closer ones cannot be told apart anyway.
const EDGES: usize = 200;
/// Height of a picture at an edge.
const PICTURE: f32 = 96.0;

/// An edge under the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dragged {
    part: usize,
    /// The first frame is dragged, or else the end.
    start: bool,
    /// Where it is now: the first frame, or one past the last.
    frame: u32,
}

/// Editing, and the edge that is being dragged.
#[derive(Default)]
pub struct LabelEditing {
    /// Labels can be edited.
    pub on: bool,
    dragged: Option<Dragged>,
    thumbs: Option<Thumbs>,
}

impl LabelEditing {
    /// Draws what can be taken and clicked over the row of labels.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, strip: &Strip, rect: Rect, lanes: &Lanes) {
        let Some(dataset) = cx.state.dataset.clone().filter(|_| self.on) else {
            self.dragged = None;
            return;
        };
        let Some((_, video)) = cx.state.video() else { return };
        let seen = |i: &Instance| f64::from(i.end) >= strip.range.0 && f64::from(i.start) <= strip.range.1;
        let parts: Vec<(usize, Instance)> = video
            .instances
            .iter()
            .enumerate()
            .filter(|(_, i)| seen(i))
            .take(EDGES)
            .map(|(i, p)| (i, p.clone()))
            .collect();
        let name = video.name.clone();
        for (at, part) in &parts {
            let Some(span) = strip.span(lanes.row(*at, rect), part.start, part.end) else { continue };
            segment(ui, cx, &dataset, &name, (*at, part), span);
        }
        for (at, part) in &parts {
            for start in [true, false] {
                self.edge(ui, cx, strip, lanes.row(*at, rect), (*at, part, start), &name);
            }
        }
        if let Some(dragged) = self.dragged {
            self.preview(ui, cx, strip, lanes.row(dragged.part, rect), dragged);
        }
    }

    fn edge(
        &mut self,
        ui: &mut Ui,
        cx: &mut PanelCx<'_>,
        strip: &Strip,
        row: Rect,
        (at, part, start): (usize, &Instance, bool),
        video: &str,
    ) {
        let frame = if start { part.start } else { part.end };
        let x = strip.x_of(f64::from(frame));
        if x < row.left() - GRIP || x > row.right() + GRIP {
            return;
        }
        let place = Rect::from_x_y_ranges(x - GRIP..=x + GRIP, row.y_range());
        let id = ui.make_persistent_id(("label edge", at, start));
        let response = ui.interact(place, id, Sense::drag()).on_hover_cursor(CursorIcon::ResizeHorizontal);
        let what = if start { "Start" } else { "End" };
        let text = format!(
            "{what} of {}, frame {}",
            instance_name(cx.state, part),
            if start { frame } else { frame.saturating_sub(1) }
        );
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Slider, true, &text));
        if response.hovered() || response.dragged() {
            let line = [egui::pos2(x, row.top()), egui::pos2(x, row.bottom())];
            ui.painter().line_segment(line, Stroke::new(2.0, theme::palette(ui).accent));
        }
        if response.dragged_by(PointerButton::Primary)
            && let Some(pointer) = response.interact_pointer_pos()
        {
            let to = strip.frame_at(pointer.x).round().clamp(0.0, f64::from(strip.frames)) as u32;
            let to = if start { to.min(part.end.saturating_sub(1)) } else { to.max(part.start + 1) };
            self.dragged = Some(Dragged { part: at, start, frame: to });
            // The large picture shows what would be the first or the last frame.
            let shown = if start { to } else { to.saturating_sub(1) };
            if shown != cx.state.selection.frame {
                cx.send(TimeAction::Seek(shown));
            }
        }
        if response.drag_stopped()
            && let Some(dragged) = self.dragged.take().filter(|d| (d.part, d.start) == (at, start) && d.frame != frame)
        {
            let (start, end) = if start { (dragged.frame, part.end) } else { (part.start, dragged.frame) };
            edit(cx, video, LabelEdit::Move { part: at, start, end });
        }
    }

    /// Where the segment would lie, with both pictures at the edge.
    fn preview(&mut self, ui: &mut Ui, cx: &PanelCx<'_>, strip: &Strip, row: Rect, dragged: Dragged) {
        let Some((_, video)) = cx.state.video() else { return };
        let Some(part) = video.instances.get(dragged.part) else { return };
        let p = theme::palette(ui);
        let (start, end) = if dragged.start { (dragged.frame, part.end) } else { (part.start, dragged.frame) };
        if let Some(span) = strip.span(row, start, end) {
            ui.painter().rect_stroke(span, 2.0, Stroke::new(2.0, p.accent), StrokeKind::Inside);
        }
        let before = if dragged.start { part.start } else { part.end };
        let shift = i64::from(dragged.frame) - i64::from(before);
        let text = format!("edge before frame {} ({shift:+})", dragged.frame);
        let path = video.path.clone();
        let frames = [dragged.frame.checked_sub(1), Some(dragged.frame).filter(|f| *f < strip.frames)];
        let thumbs = self.thumbs.get_or_insert_with(|| Thumbs::of_window(ui.ctx()));
        let at = egui::pos2(strip.x_of(f64::from(dragged.frame)), row.top() - 8.0);
        egui::Area::new(ui.make_persistent_id("pictures at the edge"))
            .pivot(egui::Align2::CENTER_BOTTOM)
            .fixed_pos(at)
            .order(egui::Order::Tooltip)
            .interactable(false)
            .show(ui.ctx(), |ui| {
                egui::Frame::popup(ui.style()).show(ui, |ui| {
                    ui.horizontal(|ui| {
                        for frame in frames.into_iter().flatten() {
                            ui.vertical(|ui| {
                                match thumbs.picture(ui.ctx(), &path, frame) {
                                    Awaited::Ready(one) => {
                                        let size = Vec2::new(PICTURE * one.aspect, PICTURE);
                                        ui.image((one.texture, size));
                                    }
                                    _ => drop(ui.allocate_space(Vec2::new(PICTURE, PICTURE))),
                                }
                                ui.label(format!("frame {frame}"));
                            });
                        }
                    });
                    ui.label(text);
                });
            });
    }
}

fn edit(cx: &mut PanelCx<'_>, video: &str, edit: LabelEdit) {
    cx.send(CorrectAction::Edit { video: video.to_owned(), edit, note: String::new() });
}

/// A segment that shows what can be done with it.
fn segment(
    ui: &mut Ui,
    cx: &mut PanelCx<'_>,
    dataset: &Dataset,
    video: &str,
    (at, part): (usize, &Instance),
    span: Rect,
) {
    let id = ui.make_persistent_id(("edited label", at));
    let response = ui.interact(span, id, Sense::click());
    let text =
        format!("Edit {}, frames {} to {}", instance_name(cx.state, part), part.start, part.end.saturating_sub(1));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &text));
    if response.hovered() {
        let edge = Stroke::new(1.5, theme::palette(ui).accent.gamma_multiply(0.7));
        ui.painter_at(span.expand(1.0)).rect_stroke(span.shrink2(Vec2::new(0.5, 2.0)), 2.0, edge, StrokeKind::Inside);
    }
    egui::Popup::menu(&response).id(id.with("menu")).show(|ui| menu(ui, cx, dataset, video, (at, part)));
    egui::Popup::context_menu(&response).id(id.with("context")).show(|ui| menu(ui, cx, dataset, video, (at, part)));
}

fn menu(ui: &mut Ui, cx: &mut PanelCx<'_>, dataset: &Dataset, video: &str, (at, part): (usize, &Instance)) {
    ui.set_max_width(260.0);
    let runs = dataset.joins_runs();
    let frame = cx.state.selection.frame;
    ui.strong(format!("{}, frames {} to {}", instance_name(cx.state, part), part.start, part.end.saturating_sub(1)));
    let mut chosen = None;
    ui.menu_button("Class", |ui| {
        chosen = classes(ui, dataset, &part.label).map(|label| LabelEdit::Relabel { part: at, label });
    });
    let inside = part.start < frame && frame < part.end;
    ui.add_enabled_ui(inside, |ui| {
        if runs {
            ui.menu_button(format!("Split: from frame {frame} on it is"), |ui| {
                let rest = classes(ui, dataset, &InstanceLabel::Unlabelled);
                chosen = rest.map(|rest| LabelEdit::Split { part: at, at: frame, rest }).or(chosen.take());
            });
        } else if ui.button(format!("Split at frame {frame}")).clicked() {
            chosen = Some(LabelEdit::Split { part: at, at: frame, rest: part.label.clone() });
        }
    });
    let starts = frame != part.start && frame < part.end;
    if ui.add_enabled(starts, egui::Button::new(format!("Start at frame {frame}"))).clicked() {
        chosen = Some(LabelEdit::Move { part: at, start: frame, end: part.end });
    }
    let ends = frame + 1 != part.end && frame >= part.start;
    if ui.add_enabled(ends, egui::Button::new(format!("End with frame {frame}"))).clicked() {
        chosen = Some(LabelEdit::Move { part: at, start: part.start, end: frame + 1 });
    }
    let help = if runs { "Its frames are unlabelled then" } else { "Takes the annotation away" };
    if ui.button("Delete").on_hover_text(help).clicked() {
        chosen = Some(LabelEdit::Delete { part: at });
    }
    if let Some(change) = chosen {
        edit(cx, video, change);
        ui.close();
    }
}

/// Every class, and background where frames have one label each; what it is now is marked.
fn classes(ui: &mut Ui, dataset: &Dataset, now: &InstanceLabel) -> Option<InstanceLabel> {
    let mut chosen = None;
    egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
        let background = dataset.joins_runs().then_some((InstanceLabel::Background, "background"));
        let named = dataset.classes.classes.iter().enumerate().map(|(i, c)| (InstanceLabel::Class(i), c.name.as_str()));
        for (label, name) in named.chain(background) {
            if ui.selectable_label(label == *now, name).clicked() && label != *now {
                chosen = Some(label);
                ui.close();
            }
        }
    });
    chosen
}

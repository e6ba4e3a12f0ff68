//! What a layer gives for the clip under the playhead: its channels as small pictures, and one of them over the frame.

use super::inside_parts::{self, Shown};
use super::{channel_picture, review_controls, transport};
use crate::inside::{ChannelOrder, LayerActivation, shown_layers};
use crate::jobs::{InsideView, LayerView};
use crate::model::ModuleTree;
use crate::render::{COLOR_MAPS, HeatScale, color_map};
use crate::ui::action::{ChooseAction, InsideAction, TimeAction};
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{ChannelLayout, LookSettings};
use crate::ui::theme;
use crate::ui::widgets::channel_tiles::{self, Plane, TileLook, TileRows};
use egui::{Color32, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};
use std::sync::Arc;

/// Width of a tile.
const TILE: f32 = 72.0;
/// Room between tiles, and below them for their numbers.
const GAP: f32 = 4.0;
const NUMBER: f32 = 14.0;

/// What rows of tiles are made from.
#[derive(Clone, Debug, PartialEq)]
struct TilesKey {
    activation: Same<LayerActivation>,
    /// The order of channels is that of this answer.
    view: Same<InsideView>,
    /// The time cell; all of them in rows.
    time: Option<usize>,
    columns: usize,
    color_map: String,
    smooth: bool,
    scale: HeatScale,
    own_scale: bool,
}

/// The panel.
#[derive(Default)]
pub struct Activations {
    tiles: TileRows<TilesKey>,
    strips: Vec<TileRows<TilesKey>>,
    ranges: Derived<(Same<LayerActivation>, usize), (f32, f32)>,
    picture: channel_picture::ChannelPicture,
}

impl Panel for Activations {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some((_, tree)) = inside_parts::with_clip(ui, cx) else { return };
        let Some(layer) = cx.state.inside_layer() else { return };
        controls(ui, cx, &layer);
        let Some(shown) = inside_parts::look(ui, cx, &layer) else { return };
        let Some(of) = shown.layer() else { return };
        let Some(activation) = of.activation.clone() else { return };
        let at = frame_of(cx, &shown.view);
        let (time, frames) = activation.time_cell(at, shown.view.frames.len());
        ui.horizontal(|ui| {
            ui.allocate_ui(vec2(250.0, 24.0), |ui| transport::ui(ui, cx, true));
            cells(ui, cx, &shown.view, &activation, time, frames);
        });
        let space = ui.available_rect_before_wrap();
        let foot = review_controls::foot(ui, 30.0);
        let middle = Rect::from_min_max(space.min, space.max - vec2(0.0, foot));
        let left = Rect::from_min_max(middle.min, pos2(middle.left() + middle.width() * 0.58, middle.bottom()));
        let right = Rect::from_min_max(pos2(left.right() + 8.0, middle.top()), middle.max);
        ui.scope_builder(egui::UiBuilder::new().max_rect(left), |ui| {
            ui.set_clip_rect(left.intersect(ui.clip_rect()));
            match cx.state.inside.settings.layout {
                ChannelLayout::Grid => self.grid(ui, cx, &shown, &activation, Some(time)),
                ChannelLayout::Time => self.grid(ui, cx, &shown, &activation, None),
                ChannelLayout::Layers => self.layers(ui, cx, &tree, &shown.view, at),
            }
        });
        ui.scope_builder(egui::UiBuilder::new().max_rect(right), |ui| self.picture.ui(ui, cx, right, &shown));
        let below = Rect::from_min_max(pos2(space.left(), space.bottom() - foot + 4.0), space.max);
        let drawn = ui.scope_builder(egui::UiBuilder::new().max_rect(below), |ui| review_controls::bottom(ui, cx));
        review_controls::keep_foot(ui, foot, drawn.response.rect);
    }
}

/// Layout, order and what else is drawn.
fn controls(ui: &mut Ui, cx: &mut PanelCx<'_>, layer: &str) {
    let before = cx.state.inside.settings;
    let mut now = before;
    let mut target = cx.state.selection.view();
    let asked = target.clone();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let layouts = [
            (ChannelLayout::Grid, "Grid", "Channels at the moment under the playhead"),
            (ChannelLayout::Time, "Over time", "A row a channel, a column a time cell"),
            (ChannelLayout::Layers, "Layers", "The first channels of every layer, a column a layer"),
        ];
        for (layout, name, help) in layouts {
            if ui.add(egui::Button::selectable(now.layout == layout, name)).on_hover_text(help).clicked() {
                now.layout = layout;
            }
        }
        ui.separator();
        let combo =
            egui::ComboBox::from_id_salt("order of channels").width(150.0).selected_text(short(now.order)).truncate();
        let response = ui.name_inputs("Order of channels", |ui| {
            combo
                .show_ui(ui, |ui| {
                    for order in ChannelOrder::ALL {
                        ui.selectable_value(&mut now.order, order, short(order)).on_hover_text(order.words());
                    }
                })
                .response
        });
        response.on_hover_text(now.order.words());
        if now.order == ChannelOrder::Gradient {
            review_controls::class_choice(ui, cx, "Class in question", 110.0, &mut target);
        }
        ui.toggle_value(&mut now.own_scale, "own scales")
            .on_hover_text("Each channel from its smallest to its largest value, instead of one scale for all");
        ui.toggle_value(&mut now.field, "receptive field")
            .on_hover_text("What of the clip the cell under the pointer is made from, and what moves the middle cell");
        if let Some(text) = scale_words(cx, layer) {
            let text = egui::RichText::new(text).text_style(theme::caption()).weak();
            ui.label(text).on_hover_text("What the lowest and the highest colour of the small pictures stand for");
        }
    });
    if now != before {
        cx.send(InsideAction::Show(LookSettings { ..now }));
    }
    if target != asked {
        cx.send(ChooseAction::SetHeatView(cx.state.selection.active_view, target));
    }
}

/// What the colours of the tiles of a layer span.
fn scale_words(cx: &PanelCx<'_>, layer: &str) -> Option<String> {
    let settings = cx.state.inside.settings;
    let (_, of) = cx.state.inside.earlier_look(&cx.state.look_query(layer)?)?;
    Some(match (settings.own_scale, cx.state.view.scale) {
        (true, _) => "colours: each channel its own range".to_owned(),
        (_, HeatScale::Fixed(most)) => format!("colours: 0 to {most}"),
        (_, HeatScale::Frame) => "colours: the range of this moment".to_owned(),
        (_, HeatScale::Clip) if settings.layout == ChannelLayout::Layers => {
            "colours: each layer its own range".to_owned()
        }
        (_, HeatScale::Clip) => {
            format!("colours: {:.3} to {:.3}", of.statistics.min.min(0.0), of.statistics.max.max(0.0))
        }
    })
}

fn short(order: ChannelOrder) -> &'static str {
    match order {
        ChannelOrder::Maximum => "largest value",
        ChannelOrder::Gradient => "|gradient × activation|",
        ChannelOrder::Variance => "variance over time",
        ChannelOrder::Index => "index",
    }
}

/// Which frame of the clip is under the playhead.
fn frame_of(cx: &PanelCx<'_>, view: &InsideView) -> usize {
    view.frames.partition_point(|f| *f <= cx.state.selection.frame).saturating_sub(1)
}

/// The frames of the clip with the time cells of the layer; where one points, there time goes.
fn cells(
    ui: &mut Ui,
    cx: &mut PanelCx<'_>,
    view: &InsideView,
    activation: &LayerActivation,
    time: usize,
    [first, behind]: [usize; 2],
) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::click_and_drag());
    let (all, steps) = (view.frames.len().max(1), activation.shape[1].max(1));
    let number = |at: usize| view.frames.get(at.min(all - 1)).copied().unwrap_or(0);
    let (from, to) = (number(first), number(behind.saturating_sub(1)));
    let text = format!("Cell {} of {steps} covers frames {from} to {to}", time + 1);
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &text));
    let x = |at: f32| rect.left() + at / all as f32 * rect.width();
    let bar = Rect::from_min_max(rect.min, pos2(rect.right(), rect.top() + 10.0));
    ui.painter().rect_filled(bar, 2.0, p.well);
    let cell = Rect::from_x_y_ranges(x(first as f32)..=x(behind as f32), bar.y_range());
    ui.painter().rect_filled(cell, 2.0, p.accent_soft);
    ui.painter().rect_stroke(cell, 2.0, Stroke::new(1.0, p.accent), StrokeKind::Inside);
    for step in 1..steps {
        let edge = x((step * all) as f32 / steps as f32);
        ui.painter().vline(edge, bar.y_range(), Stroke::new(1.0, p.line));
    }
    let here = x(frame_of(cx, view) as f32 + 0.5);
    ui.painter().vline(here, bar.y_range(), Stroke::new(2.0, p.accent));
    let font = theme::caption().resolve(ui.style());
    let at = rect.left_bottom() - vec2(0.0, -1.0);
    ui.painter().text(at, egui::Align2::LEFT_BOTTOM, &text, font, p.muted);
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked()) {
        let share = ((pointer.x - rect.left()) / rect.width().max(1.0)).clamp(0.0, 1.0);
        let frame = number((share * all as f32) as usize);
        if frame != cx.state.selection.frame {
            cx.send(TimeAction::Seek(frame));
        }
    }
    response.on_hover_text("Frames of the clip and the time cells of the layer; click or drag to go there");
}

/// Height over width of what the network saw, on the screen.
fn aspect(cx: &PanelCx<'_>, view: &InsideView) -> f32 {
    let [_, _, width, height] = view.region;
    let seen = cx.services.shown().map(|s| (s.image.width as f32 * width, s.image.height as f32 * height));
    seen.map_or(1.0, |(w, h)| (h / w.max(1.0)).clamp(0.2, 3.0))
}

/// How the tiles of a layer are coloured.
struct Colours {
    look: TileLook,
    common: (f32, f32),
    own: bool,
}

impl Colours {
    fn range(&self, values: &[f32]) -> (f32, f32) {
        if self.own { extremes(values) } else { self.common }
    }
}

fn extremes(values: &[f32]) -> (f32, f32) {
    let finite = values.iter().filter(|v| v.is_finite());
    finite.fold((0.0, 0.0), |(low, high), v| (f32::min(low, *v), f32::max(high, *v)))
}

impl Activations {
    fn colours(
        &self,
        cx: &PanelCx<'_>,
        activation: &Arc<LayerActivation>,
        all: (f32, f32),
        time: Option<usize>,
    ) -> Colours {
        let view = &cx.state.view;
        let look = TileLook { map: color_map(&view.color_map).unwrap_or(&COLOR_MAPS[0]), smooth: view.smooth };
        let common = match (view.scale, time) {
            (HeatScale::Fixed(most), _) => (0.0, most),
            (HeatScale::Frame, Some(time)) => *self.ranges.get((Same::of(activation), time), || {
                let planes = (0..activation.shape[0]).filter_map(|c| activation.plane(c, time));
                planes.map(extremes).fold((0.0, 0.0), |a, b| (f32::min(a.0, b.0), f32::max(a.1, b.1)))
            }),
            _ => (all.0.min(0.0), all.1.max(0.0)),
        };
        Colours { look, common, own: cx.state.inside.settings.own_scale }
    }

    /// Channels at a time cell, or a row each over all of them.
    fn grid(
        &mut self,
        ui: &mut Ui,
        cx: &mut PanelCx<'_>,
        shown: &Shown,
        activation: &Arc<LayerActivation>,
        time: Option<usize>,
    ) {
        let Some(of) = shown.layer() else { return };
        let [_, steps, height, width] = activation.shape;
        let layer = of.statistics.layer.as_str();
        let ratio = if height * width <= 1 { 0.4 } else { aspect(cx, &shown.view) };
        let room = ui.available_width() - 12.0;
        let (columns, across) = match time {
            Some(_) => {
                let columns = (((room + GAP) / (TILE + GAP)).floor() as usize).max(1);
                (columns, (room + GAP) / columns as f32 - GAP)
            }
            None => (steps.max(1), ((room - 64.0 + GAP) / steps.max(1) as f32 - GAP).clamp(14.0, TILE)),
        };
        let tile = vec2(across, (across * ratio).max(8.0));
        let colours = self.colours(cx, activation, (of.statistics.min as f32, of.statistics.max as f32), time);
        self.tiles.begin(TilesKey {
            activation: Same::of(activation),
            view: Same::of(&shown.view),
            time,
            columns,
            color_map: cx.state.view.color_map.clone(),
            smooth: cx.state.view.smooth,
            scale: cx.state.view.scale,
            own_scale: cx.state.inside.settings.own_scale,
        });
        let rows = if time.is_some() { of.ranked.len().div_ceil(columns) } else { of.ranked.len() };
        let tall = tile.y + if time.is_some() { NUMBER } else { 0.0 } + GAP;
        let chosen = cx.state.inside.channel(layer);
        let tiles = &mut self.tiles;
        let here = time.unwrap_or_else(|| activation.time_cell(frame_of(cx, &shown.view), shown.view.frames.len()).0);
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let scroll = egui::ScrollArea::both().id_salt(("channels", time.is_some())).auto_shrink([false, false]);
        scroll.show_rows(ui, tall, rows, |ui, range| {
            for row in range {
                let (place, _) = ui.allocate_exact_size(vec2(room, tall), Sense::hover());
                let at = |i: usize| pos2(place.left() + i as f32 * (tile.x + GAP), place.top());
                let cells = (height, width);
                if time.is_some() {
                    let channels =
                        of.ranked.get(row * columns..((row + 1) * columns).min(of.ranked.len())).unwrap_or_default();
                    let texture = tiles.row(ui.ctx(), row, colours.look, cells, || {
                        let plane = |c: usize| {
                            let values = activation.plane(c, here)?;
                            Some(Plane { values, range: colours.range(channel(activation, c)) })
                        };
                        channels.iter().filter_map(|s| plane(s.channel)).collect()
                    });
                    for (i, score) in channels.iter().enumerate() {
                        let rect = Rect::from_min_size(at(i), tile);
                        let uv = channel_tiles::place(i, channels.len(), cells);
                        let text = told(of, score.channel, score.score);
                        if draw(ui, rect, (texture, uv), chosen == Some(score.channel), &text) {
                            cx.send(InsideAction::ChooseChannel(layer.to_owned(), score.channel));
                        }
                        number(ui, rect, score.channel);
                    }
                } else if let Some(score) = of.ranked.get(row) {
                    let texture = tiles.row(ui.ctx(), row, colours.look, cells, || {
                        let range = colours.range(channel(activation, score.channel));
                        let planes = (0..steps).filter_map(|t| activation.plane(score.channel, t));
                        planes.map(|values| Plane { values, range }).collect()
                    });
                    name(ui, place, score.channel);
                    for t in 0..steps {
                        let rect = Rect::from_min_size(at(t) + vec2(52.0, 0.0), tile);
                        let uv = channel_tiles::place(t, steps, cells);
                        let text = format!("{}, cell {}", told(of, score.channel, score.score), t + 1);
                        let on = chosen == Some(score.channel) && t == here;
                        if draw(ui, rect, (texture, uv), on, &text) {
                            cx.send(InsideAction::ChooseChannel(layer.to_owned(), score.channel));
                            let frame = shown.view.frames.get((t * shown.view.frames.len()).div_ceil(steps));
                            frame.into_iter().for_each(|f| cx.send(TimeAction::Seek(*f)));
                        }
                    }
                }
            }
        });
    }

    /// The first channels of all outer layers at the frame under the playhead, a column a layer.
    fn layers(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, tree: &Arc<ModuleTree>, view: &Arc<InsideView>, at: usize) {
        let layers = shown_layers(tree);
        self.strips.resize_with(layers.len(), TileRows::default);
        let ratio = aspect(cx, view);
        let now = cx.state.inside_layer();
        let mut strips = std::mem::take(&mut self.strips);
        egui::ScrollArea::both().id_salt("layers").auto_shrink([false, false]).show(ui, |ui| {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing = vec2(GAP * 2.0, 2.0);
                for (layer, rows) in layers.iter().zip(&mut strips) {
                    ui.allocate_ui_with_layout(vec2(TILE, 40.0), egui::Layout::top_down(egui::Align::Min), |ui| {
                        ui.set_width(TILE);
                        let on = now.as_ref() == Some(layer);
                        let name = egui::Button::selectable(on, layer.as_str()).truncate();
                        if ui.add(name).on_hover_text(layer).clicked() {
                            cx.send(InsideAction::ChooseLayer(layer.clone()));
                        }
                        self.strip(ui, cx, rows, layer, (view.frames.len(), at, ratio));
                    });
                }
            });
        });
        self.strips = strips;
    }

    fn strip(
        &self,
        ui: &mut Ui,
        cx: &mut PanelCx<'_>,
        rows: &mut TileRows<TilesKey>,
        layer: &str,
        (frames, at, ratio): (usize, usize, f32),
    ) {
        let Some(query) = cx.state.strip_query(layer) else { return };
        let Some(strip) = cx.state.inside.strip(&query) else {
            let text = cx.state.inside.failure(&query).unwrap_or("…");
            ui.weak(crate::ui::widgets::text::elide(text, 24)).on_hover_text(text);
            return;
        };
        let activation = &strip.activation;
        let (time, _) = activation.time_cell(at, frames);
        let colours = self.colours(cx, activation, extremes(&activation.values), Some(time));
        let [count, _, height, width] = activation.shape;
        let view = &cx.state.view;
        rows.begin(TilesKey {
            activation: Same::of(activation),
            view: Same::default(),
            time: Some(time),
            columns: count,
            color_map: view.color_map.clone(),
            smooth: view.smooth,
            scale: view.scale,
            own_scale: cx.state.inside.settings.own_scale,
        });
        let texture = rows.row(ui.ctx(), 0, colours.look, (height, width), || {
            let plane = |c: usize| {
                let values = activation.plane(c, time)?;
                Some(Plane { values, range: colours.range(channel(activation, c)) })
            };
            (0..count).filter_map(plane).collect()
        });
        ui.weak(egui::RichText::new(crate::inside::shape_label(strip.shape)).small());
        let ratio = if height * width <= 1 { 0.3 } else { ratio };
        let channels = strip.channels.clone();
        for (i, number) in channels.iter().enumerate() {
            let (rect, _) = ui.allocate_exact_size(vec2(TILE, TILE * ratio), Sense::hover());
            let on = cx.state.inside.channel(layer) == Some(*number);
            let text = format!("Channel {number} of {layer}");
            if draw(ui, rect, (texture, channel_tiles::place(i, count, (height, width))), on, &text) {
                cx.send(InsideAction::ChooseLayer(layer.to_owned()));
                cx.send(InsideAction::ChooseChannel(layer.to_owned(), *number));
            }
        }
    }
}

/// All values of a channel.
fn channel(activation: &LayerActivation, channel: usize) -> &[f32] {
    let cells = activation.cells();
    activation.values.get(channel * cells..(channel + 1) * cells).unwrap_or_default()
}

/// What a channel is, in words.
fn told(of: &LayerView, channel: usize, score: f64) -> String {
    let statistics = &of.statistics;
    let idle = [
        (&statistics.dead, "; 0 everywhere"),
        (&statistics.saturated, "; mostly at the ceiling"),
        (&statistics.constant, "; constant"),
    ];
    let idle = idle.into_iter().find(|(list, _)| list.contains(&channel)).map_or("", |(_, text)| text);
    format!("Channel {channel} of {}, ordered by {score:.4}{idle}", statistics.layer)
}

/// Draws a tile; true when it was clicked.
fn draw(ui: &Ui, rect: Rect, (texture, uv): (egui::TextureId, Rect), chosen: bool, text: &str) -> bool {
    let p = theme::palette(ui);
    let response = ui.interact(rect, ui.make_persistent_id(("tile", text)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, text));
    ui.painter().image(texture, rect, uv, Color32::WHITE);
    if chosen || response.hovered() {
        let stroke = if chosen { Stroke::new(2.0, p.accent) } else { Stroke::new(1.0, p.text) };
        ui.painter().rect_stroke(rect, 1.0, stroke, StrokeKind::Outside);
    }
    response.on_hover_text(text).clicked()
}

/// The number of a channel below its tile.
fn number(ui: &Ui, rect: Rect, channel: usize) {
    let font = egui::TextStyle::Small.resolve(ui.style());
    let p = theme::palette(ui);
    ui.painter().text(rect.left_bottom() + vec2(1.0, 1.0), egui::Align2::LEFT_TOP, channel, font, p.muted);
}

/// The number of a channel before its row.
fn name(ui: &Ui, place: Rect, channel: usize) {
    let font = egui::TextStyle::Small.resolve(ui.style());
    let p = theme::palette(ui);
    let at = pos2(place.left() + 2.0, place.center().y);
    ui.painter().text(at, egui::Align2::LEFT_CENTER, format!("ch {channel}"), font, p.muted);
}

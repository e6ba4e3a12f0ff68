//! Kernels in time: film strips of the first layer, norms and strongest inputs of deeper ones, curves of those that see one place.

use super::inside_parts;
use crate::domain::{RgbImage, counted};
use crate::inside::{Kernel, KernelForm, film_strips, norm_matrix, strip_tile, strongest_strips};
use crate::jobs::{KernelView, MotionOf};
use crate::render::{COLOR_MAPS, ColorMap, color_map};
use crate::ui::action::InsideAction;
use crate::ui::awaited::Awaited;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::KernelQuery;
use crate::ui::theme;
use crate::ui::widgets::channel_tiles::TileRows;
use crate::ui::widgets::style;
use egui::{
    Align2, Color32, ColorImage, Rect, Response, RichText, Role, Sense, Shape, Stroke, StrokeKind, TextureId, Ui,
    WidgetInfo, pos2, vec2,
};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Inputs shown of a unit.
const INPUTS: usize = 8;
/// Steps of time a second while a kernel plays under the pointer.
const RATE: f64 = 3.0;
/// Pixels a weight.
const WEIGHT: f32 = 8.0;
/// Room between strips and plots.
const GAP: f32 = 8.0;

/// What filters are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FilterOrder {
    #[default]
    Motion,
    Norm,
    Index,
}

impl FilterOrder {
    const ALL: [Self; 3] = [Self::Motion, Self::Norm, Self::Index];

    fn name(self) -> &'static str {
        match self {
            Self::Motion => "motion share",
            Self::Norm => "norm",
            Self::Index => "index",
        }
    }
}

/// A filter with its motion share and its norm.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Filter {
    filter: usize,
    motion: f64,
    norm: f64,
}

/// What was made from the kernels of a layer.
type KernelKey = (Same<KernelView>, String);

/// The panel.
#[derive(Default)]
pub struct Kernels {
    order: FilterOrder,
    filters: Derived<(KernelKey, FilterOrder), Vec<Filter>>,
    norms: Derived<KernelKey, Vec<f32>>,
    /// Strips of filters, a texture a row.
    strips: TileRows<(KernelKey, FilterOrder, usize)>,
    matrix: TileRows<(KernelKey, bool)>,
    inputs: TileRows<(KernelKey, usize)>,
}

impl Panel for Kernels {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        if inside_parts::network(ui, cx).is_none() {
            return;
        }
        let (Some(checkpoint), Some(layer)) = (cx.state.selection.checkpoint_ref(), cx.state.inside_layer()) else {
            return;
        };
        let query = KernelQuery { checkpoint, layer };
        match cx.state.inside.kernels(&query) {
            Awaited::Ready(view) => self.view(ui, cx, &view, &query.layer),
            Awaited::Unavailable(sentence) => style::notice(ui, theme::palette(ui).bad, &sentence),
            Awaited::Pending(_) => drop(ui.weak(format!("Reading the kernels of {}…", query.layer))),
            Awaited::NotAsked => cx.send(InsideAction::ReadKernels(query)),
        }
    }
}

impl Kernels {
    fn view(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, view: &Arc<KernelView>, layer: &str) {
        let space = ui.available_rect_before_wrap();
        let split = space.left() + (space.width() * 0.26).clamp(150.0, 260.0);
        let left = Rect::from_min_max(space.min, pos2(split, space.bottom()));
        let right = Rect::from_min_max(pos2(split + 10.0, space.top()), space.max);
        ui.scope_builder(egui::UiBuilder::new().max_rect(left), |ui| layers(ui, cx, view, layer));
        ui.scope_builder(egui::UiBuilder::new().max_rect(right), |ui| {
            ui.set_clip_rect(right.intersect(ui.clip_rect()));
            let Some(kernel) = view.kernels.first() else {
                let text = format!("{layer} has no convolution. Choose one at the left or in the graph.");
                style::empty_state(ui, "No kernels here", &text, None);
                return;
            };
            self.head(ui, cx, view, kernel);
            let key = (Same::of(view), kernel.layer.clone());
            let filters = self.filters.get((key.clone(), self.order), || ordered(kernel, self.order));
            match kernel.form() {
                KernelForm::Colour | KernelForm::Depthwise => self.strips(ui, cx, kernel, key, &filters),
                KernelForm::Temporal => curves(ui, cx, kernel, &filters),
                KernelForm::Point | KernelForm::Deep => self.deep(ui, cx, kernel, key, &filters),
            }
        });
    }

    fn head(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, view: &KernelView, kernel: &Kernel) {
        let [filters, inputs, t, h, w] = kernel.shape;
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(&kernel.layer).text_style(theme::section()));
            let form = kernel.form().words();
            ui.label(format!("{filters} × {inputs} {form} of {t}×{h}×{w}"));
            if let Some(mean) = kernel.mean_motion_share() {
                ui.label(format!("mean motion share {:.1} %", mean * 100.0)).on_hover_text(
                    "0 % where kernels are the same at every time, as after inflating a network of pictures; 100 % where they \
                     are nothing but change. Random kernels of T steps have about 1 - 1/T.",
                );
            }
            if h * w < 25 && kernel.form() == KernelForm::Colour {
                ui.weak("too small to show shapes: only colours and their change can be seen");
            }
            let combo = egui::ComboBox::from_id_salt("order of filters").width(96.0).selected_text(self.order.name());
            ui.name_inputs("Order of filters", |ui| {
                combo
                    .show_ui(ui, |ui| {
                        for order in FilterOrder::ALL {
                            ui.selectable_value(&mut self.order, order, order.name());
                        }
                    })
                    .response
            });
            if view.kernels.len() > 1 {
                let combo = egui::ComboBox::from_id_salt("other kernels").width(120.0);
                let combo = combo.selected_text(format!("first of {}", view.kernels.len()));
                ui.name_inputs("Convolutions of this layer", |ui| {
                    combo
                        .show_ui(ui, |ui| {
                            for other in &view.kernels {
                                if ui.selectable_label(false, &other.layer).clicked() {
                                    cx.send(InsideAction::ChooseLayer(other.layer.clone()));
                                }
                            }
                        })
                        .response
                });
            }
        });
    }

    /// A film strip a filter, as many in a row as there is room.
    fn strips(
        &mut self,
        ui: &mut Ui,
        cx: &mut PanelCx<'_>,
        kernel: &Kernel,
        key: KernelKey,
        filters: &Rc<Vec<Filter>>,
    ) {
        let [_, _, steps, height, width] = kernel.shape;
        let strip = vec2(steps as f32 * (width as f32 * WEIGHT + 2.0) + 2.0, height as f32 * WEIGHT + 4.0);
        let room = ui.available_width() - 14.0;
        let scale = (room / strip.x).min(1.0);
        let (strip, below) = (strip * scale, 15.0);
        let columns = (((room + GAP) / (strip.x + GAP)).floor() as usize).max(1);
        self.strips.begin((key, self.order, columns));
        let textures = &mut self.strips;
        let chosen = cx.state.inside.channel(&kernel.layer);
        let rows = filters.len().div_ceil(columns);
        let scroll = egui::ScrollArea::vertical().id_salt("film strips").auto_shrink([false, false]);
        scroll.show_rows(ui, strip.y + below, rows, |ui, range| {
            for row in range {
                let shown = filters.get(row * columns..((row + 1) * columns).min(filters.len())).unwrap_or_default();
                let ids: Vec<usize> = shown.iter().map(|f| f.filter).collect();
                let texture = textures.picture(ui.ctx(), row, false, || color_image(&film_strips(kernel, &ids, 1)));
                let (place, _) =
                    ui.allocate_exact_size(vec2(room, strip.y + below - ui.spacing().item_spacing.y), Sense::hover());
                for (i, f) in shown.iter().enumerate() {
                    let rect = Rect::from_min_size(place.min + vec2(i as f32 * (strip.x + GAP), 0.0), strip);
                    let tile = |step: usize| {
                        uv(strip_tile(kernel, (shown.len() * (steps + 1), 1), (i * (steps + 1) + step, 0)))
                    };
                    let all = Rect::from_min_max(tile(0).min, tile(steps.saturating_sub(1)).max);
                    if filter(ui, rect, (texture, all), chosen == Some(f.filter), f, kernel, tile).clicked() {
                        cx.send(InsideAction::ChooseChannel(kernel.layer.clone(), f.filter));
                    }
                }
            }
        });
    }

    /// Norms of all inputs of all units, and the strongest inputs of the chosen unit.
    fn deep(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, kernel: &Kernel, key: KernelKey, filters: &[Filter]) {
        let [units, inputs, steps, height, width] = kernel.shape;
        let norms = self.norms.get(key.clone(), || kernel.norms());
        let chosen = cx.state.inside.channel(&kernel.layer).filter(|c| *c < units);
        let unit = chosen.or(filters.first().map(|f| f.filter)).unwrap_or(0);
        let space = ui.available_rect_before_wrap();
        let side = (space.height() - 20.0).min(space.width() * 0.46).max(60.0);
        self.matrix.begin((key.clone(), true));
        let texture = self.matrix.picture(ui.ctx(), 0, false, || color_image(&norm_matrix(kernel, map("viridis"))));
        let shape = vec2(inputs as f32, units as f32);
        let fit = shape * (side / shape.max_elem());
        let rect = Rect::from_min_size(space.min, fit.max(vec2(24.0, 24.0)).min(vec2(side, side)));
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().image(texture, rect, whole, Color32::WHITE);
        let p = theme::palette(ui);
        let row = |unit: usize| rect.top() + rect.height() * unit as f32 / units.max(1) as f32;
        let line = Rect::from_x_y_ranges(rect.x_range(), row(unit)..=row(unit + 1).max(row(unit) + 2.0));
        ui.painter().rect_stroke(line, 0.0, Stroke::new(1.0, p.accent), StrokeKind::Outside);
        let response = ui.interact(rect, ui.make_persistent_id("matrix of norms"), Sense::click());
        let text = format!("Norms of {}: a row a unit, a column an input", kernel.layer);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &text));
        if let Some(at) = response.hover_pos() {
            let share = (at - rect.min) / rect.size();
            let place = |share: f32, all: usize| ((share * all as f32) as usize).min(all.saturating_sub(1));
            let (unit, input) = (place(share.y, units), place(share.x, inputs));
            let norm = norms.get(unit * inputs + input).copied().unwrap_or(0.0);
            if response.clicked() {
                cx.send(InsideAction::ChooseChannel(kernel.layer.clone(), unit));
            }
            response.on_hover_text(format!("unit {unit}, input {input}: norm {norm:.4}\nClick: its strongest inputs"));
        }
        let caption = theme::caption().resolve(ui.style());
        let below = rect.left_bottom() + vec2(0.0, 3.0);
        ui.painter().text(below, Align2::LEFT_TOP, "norms: a row a unit, a column an input", caption, p.muted);

        let right = Rect::from_min_max(pos2(space.left() + side + 14.0, space.top()), space.max);
        ui.scope_builder(egui::UiBuilder::new().max_rect(right), |ui| {
            let motion = filters.iter().find(|f| f.filter == unit).map_or(0.0, |f| f.motion);
            let share = if steps > 1 { format!(", motion share {:.1} %", motion * 100.0) } else { String::new() };
            ui.label(RichText::new(format!("Strongest inputs of unit {unit}{share}")).text_style(theme::caption()));
            self.inputs.begin((key, unit));
            let strongest = kernel.strongest_inputs(unit, INPUTS);
            let texture = self
                .inputs
                .picture(ui.ctx(), 0, false, || color_image(&strongest_strips(kernel, unit, INPUTS, map("gray"))));
            egui::ScrollArea::vertical().id_salt("strongest inputs").auto_shrink([false, false]).show(ui, |ui| {
                let tile = vec2(width as f32 * WEIGHT, height as f32 * WEIGHT).max(vec2(16.0, 16.0));
                for (row, (input, norm)) in strongest.iter().enumerate() {
                    let size = vec2(ui.available_width(), tile.y + 4.0);
                    let (place, _) = ui.allocate_exact_size(size, Sense::hover());
                    let uv_of = |step| uv(strip_tile(kernel, (steps, strongest.len()), (step, row)));
                    let rect = Rect::from_min_size(place.min, vec2(steps as f32 * (tile.x + 2.0), tile.y));
                    for step in 0..steps {
                        let at = Rect::from_min_size(rect.min + vec2(step as f32 * (tile.x + 2.0), 0.0), tile);
                        ui.painter().image(texture, at, uv_of(step), Color32::WHITE);
                    }
                    let text = format!("Input {input} of unit {unit}, norm {norm:.4}");
                    let response = ui.interact(rect, ui.make_persistent_id(("strongest", row)), Sense::hover());
                    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &text));
                    let font = theme::caption().resolve(ui.style());
                    let words = format!("input {input}  {norm:.3}");
                    ui.painter().text(rect.right_center() + vec2(6.0, 0.0), Align2::LEFT_CENTER, words, font, p.muted);
                    playing(response, texture, &text, steps, uv_of);
                }
            });
        });
    }
}

/// All layers whose kernels can tell change, with their mean motion share, and where that was read with its way through training.
fn layers(ui: &mut Ui, cx: &mut PanelCx<'_>, view: &KernelView, chosen: &str) {
    let p = theme::palette(ui);
    let run = cx.state.run().cloned();
    let over = run.as_ref().and_then(|r| cx.state.inside.motion(&r.path)).cloned().unwrap_or_default();
    ui.horizontal(|ui| {
        ui.label(RichText::new("Mean motion share").text_style(theme::caption()).weak());
        let several = run.as_ref().is_some_and(|r| r.checkpoints.len() > 1);
        let reading = run.as_ref().is_some_and(|r| cx.state.inside.reading_motion(&r.path).is_some());
        let text = if reading { "Reading…" } else { "Over training" };
        let help = "Reads the kernels of every checkpoint of the run: did the network learn time?";
        if several && ui.add_enabled(!reading, egui::Button::new(text)).on_hover_text(help).clicked() {
            cx.send(InsideAction::ReadMotion);
        }
    });
    if view.motion.is_empty() {
        ui.weak("The kernels of this network have one step of time: it cannot see change within a layer.");
    }
    let tall = if over.len() > 1 { 34.0 } else { 18.0 };
    let scroll = egui::ScrollArea::vertical().id_salt("motion of layers").auto_shrink([false, false]);
    scroll.show_rows(ui, tall, view.motion.len(), |ui, range| {
        for (layer, share) in view.motion.get(range).unwrap_or_default() {
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), tall), Sense::click());
            let on = layer == chosen;
            let way = way_of(&over, layer);
            let text = told(layer, *share, &way);
            response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, on, &text));
            let fill = if on || response.hovered() { p.accent_soft } else { p.well };
            ui.painter().rect_filled(rect, 2.0, fill);
            let line = Rect::from_min_size(rect.min, vec2(rect.width(), 18.0));
            let bar = Rect::from_min_size(rect.min, vec2(rect.width() * *share as f32, 18.0));
            ui.painter().rect_filled(bar, 2.0, p.train.gamma_multiply(0.35));
            let font = theme::caption().resolve(ui.style());
            let name = crate::ui::widgets::text::elide_middle(layer, ((rect.width() - 48.0) / 6.2) as usize);
            ui.painter().text(line.left_center() + vec2(4.0, 0.0), Align2::LEFT_CENTER, name, font.clone(), p.text);
            let share = format!("{:.0} %", share * 100.0);
            ui.painter().text(line.right_center() - vec2(4.0, 0.0), Align2::RIGHT_CENTER, share, font, p.text);
            if way.len() > 1 {
                let plot = Rect::from_min_max(line.left_bottom() + vec2(4.0, 2.0), rect.max - vec2(4.0, 2.0));
                let last = (way.len() - 1) as f32;
                let point = |(i, (_, share)): (usize, &(String, f64))| {
                    pos2(plot.left() + i as f32 / last * plot.width(), plot.bottom() - *share as f32 * plot.height())
                };
                let points = way.iter().enumerate().map(point).collect();
                ui.painter().add(Shape::line(points, Stroke::new(1.4, p.val)));
            }
            if response.on_hover_text(text).clicked() {
                cx.send(InsideAction::ChooseLayer(layer.clone()));
            }
        }
    });
}

/// The mean motion share of a layer in every checkpoint.
fn way_of(over: &[MotionOf], layer: &str) -> Vec<(String, f64)> {
    let share =
        |of: &MotionOf| of.layers.iter().find(|(l, _)| l == layer).map(|(_, share)| (of.identity.weights(), *share));
    over.iter().filter_map(share).collect()
}

fn told(layer: &str, share: f64, way: &[(String, f64)]) -> String {
    let mut text = format!("{layer}: mean motion share {:.1} %", share * 100.0);
    for (weights, share) in way {
        text += &format!("\n{weights}: {:.1} %", share * 100.0);
    }
    text
}

/// Filters in an order, with what they are ordered by.
fn ordered(kernel: &Kernel, order: FilterOrder) -> Vec<Filter> {
    let square = |values: &[f32]| values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
    let of = |filter: usize| Filter {
        filter,
        motion: kernel.motion_share(filter),
        norm: square(kernel.filter(filter)).sqrt(),
    };
    let mut all: Vec<Filter> = match order {
        FilterOrder::Motion => kernel.by_motion().into_iter().map(of).collect(),
        _ => (0..kernel.shape[0]).map(of).collect(),
    };
    if order == FilterOrder::Norm {
        all.sort_by(|a, b| b.norm.total_cmp(&a.norm).then(a.filter.cmp(&b.filter)));
    }
    all
}

fn map(id: &str) -> &'static ColorMap {
    color_map(id).unwrap_or(&COLOR_MAPS[0])
}

fn color_image(picture: &RgbImage) -> ColorImage {
    ColorImage::from_rgb([picture.width as usize, picture.height as usize], &picture.data)
}

fn uv([left, top, right, bottom]: [f32; 4]) -> Rect {
    Rect::from_min_max(pos2(left, top), pos2(right, bottom))
}

/// Draws a strip with its number; under the pointer it plays.
fn filter(
    ui: &Ui,
    rect: Rect,
    (texture, all): (TextureId, Rect),
    chosen: bool,
    f: &Filter,
    kernel: &Kernel,
    tile: impl Fn(usize) -> Rect,
) -> Response {
    let p = theme::palette(ui);
    ui.painter().image(texture, rect, all, Color32::WHITE);
    let response = ui.interact(rect, ui.make_persistent_id(("filter", f.filter)), Sense::click());
    let text = format!("Filter {}, motion share {:.1} %, norm {:.3}", f.filter, f.motion * 100.0, f.norm);
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, &text));
    if chosen || response.hovered() {
        let stroke = if chosen { Stroke::new(2.0, p.accent) } else { Stroke::new(1.0, p.text) };
        ui.painter().rect_stroke(rect, 1.0, stroke, StrokeKind::Outside);
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    let share = if kernel.shape[2] > 1 { format!("  {:.0} %", f.motion * 100.0) } else { String::new() };
    let words = format!("{}{share}", f.filter);
    ui.painter().text(rect.left_bottom() + vec2(1.0, 1.0), Align2::LEFT_TOP, words, font, p.muted);
    playing(response, texture, &text, kernel.shape[2], tile)
}

/// Plays the steps of time of a kernel under the pointer.
fn playing(response: Response, texture: TextureId, text: &str, steps: usize, tile: impl Fn(usize) -> Rect) -> Response {
    response.on_hover_ui(|ui| {
        let step = (ui.input(|i| i.time) * RATE) as usize % steps.max(1);
        let (rect, _) = ui.allocate_exact_size(vec2(112.0, 112.0), Sense::hover());
        ui.painter().image(texture, rect, tile(step), Color32::WHITE);
        ui.label(text);
        if steps > 1 {
            ui.weak(format!("step {} of {}", step + 1, counted(steps as u64, "step")));
            ui.ctx().request_repaint_after(Duration::from_secs_f64(1.0 / RATE));
        }
    })
}

/// A plot a filter: its strongest inputs over time.
fn curves(ui: &mut Ui, cx: &mut PanelCx<'_>, kernel: &Kernel, filters: &[Filter]) {
    let p = theme::palette(ui);
    let plot = vec2(112.0, 62.0);
    let room = ui.available_width() - 14.0;
    let columns = (((room + GAP) / (plot.x + GAP)).floor() as usize).max(1);
    let chosen = cx.state.inside.channel(&kernel.layer);
    let rows = filters.len().div_ceil(columns);
    let scroll = egui::ScrollArea::vertical().id_salt("curves of kernels").auto_shrink([false, false]);
    scroll.show_rows(ui, plot.y + 16.0, rows, |ui, range| {
        for row in range {
            let size = vec2(room, plot.y + 16.0 - ui.spacing().item_spacing.y);
            let (place, _) = ui.allocate_exact_size(size, Sense::hover());
            let shown = filters.get(row * columns..((row + 1) * columns).min(filters.len())).unwrap_or_default();
            for (i, f) in shown.iter().enumerate() {
                let rect = Rect::from_min_size(place.min + vec2(i as f32 * (plot.x + GAP), 0.0), plot);
                let on = chosen == Some(f.filter);
                let text = format!(
                    "Filter {}, motion share {:.1} %, its {INPUTS} strongest inputs",
                    f.filter,
                    f.motion * 100.0
                );
                let response = ui.interact(rect, ui.make_persistent_id(("curve", f.filter)), Sense::click());
                response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, on, &text));
                ui.painter().rect_filled(rect, 2.0, p.well);
                curve(ui, rect, kernel, f.filter);
                if on || response.hovered() {
                    ui.painter().rect_stroke(rect, 2.0, Stroke::new(1.5, p.accent), StrokeKind::Inside);
                }
                let font = egui::TextStyle::Small.resolve(ui.style());
                let words = format!("{}  {:.0} %", f.filter, f.motion * 100.0);
                ui.painter().text(rect.left_bottom() + vec2(1.0, 1.0), Align2::LEFT_TOP, words, font, p.muted);
                if response.on_hover_text(text).clicked() {
                    cx.send(InsideAction::ChooseChannel(kernel.layer.clone(), f.filter));
                }
            }
        }
    });
}

/// Weights of the strongest inputs of a filter over time; 0 is the line in the middle.
fn curve(ui: &Ui, rect: Rect, kernel: &Kernel, filter: usize) {
    let p = theme::palette(ui);
    let plot = rect.shrink(4.0);
    ui.painter().hline(plot.x_range(), plot.center().y, Stroke::new(1.0, p.line));
    let strongest = kernel.strongest_inputs(filter, INPUTS);
    let values = || strongest.iter().map(|(input, _)| kernel.input(filter, *input));
    let most = values().flatten().fold(0.0_f32, |m, v| m.max(v.abs())).max(f32::MIN_POSITIVE);
    for (i, weights) in values().enumerate() {
        let last = weights.len().saturating_sub(1).max(1) as f32;
        let point = |(t, v): (usize, &f32)| {
            pos2(plot.left() + t as f32 / last * plot.width(), plot.center().y - v / most * plot.height() / 2.0)
        };
        let points = weights.iter().enumerate().map(point).collect();
        ui.painter().add(Shape::line(points, Stroke::new(1.4, theme::class_color(i))));
    }
}

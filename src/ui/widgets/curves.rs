//! Curves of a training run: smoothed over raw, thinned to pixels, with one cursor through all plots.

use super::line_names::{self, LineName};
use super::series::{Smoothed, Thinned, number, within};
use super::ticks;
use crate::domain::{bytes, duration};
use crate::ui::theme;
use crate::ui::widgets::text;
use egui::{Color32, Role, Sense, Stroke, Ui, WidgetInfo};
use egui_plot::{Line, LineStyle, MarkerShape, Plot, PlotPoints, PlotTransform, Points};
use std::collections::{BTreeSet, HashMap};

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// A line.
    #[default]
    Plain,
    /// A smoothed line over the faint raw one.
    Smoothed,
    /// Points joined by a line: few values, such as one an epoch.
    Dotted,
    /// A thin line: single steps, whose means are the series behind it in the list, which has the same colour. The two
    /// are switched together.
    Steps,
    /// A dashed line: what is planned, not measured.
    Planned,
}

/// Values to draw. `xs` rises; a value that is not finite is a gap.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Name in the legend and in the values under the pointer.
    pub name: &'a str,
    /// Colour of the line.
    pub color: Color32,
    /// Positions on the horizontal axis.
    pub xs: &'a [f64],
    /// Values, as many as `xs`.
    pub ys: &'a [f64],
    /// How it is drawn.
    pub look: Look,
}

/// A place on the horizontal axis worth pointing out.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where.
    pub x: f64,
    /// The value there, when the mark belongs to a value.
    pub y: Option<f64>,
    /// What it says under the pointer.
    pub label: String,
}

/// How numbers of an axis read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// As they are.
    #[default]
    Plain,
    /// A share of 1, shown as per cent.
    Percent,
    /// Bytes, shown as MiB or GiB.
    Bytes,
    /// Seconds, shown as minutes or hours.
    Seconds,
}

impl Unit {
    /// The value as text.
    pub fn text(self, value: f64) -> String {
        match self {
            Unit::Plain => number(value),
            Unit::Percent => format!("{} %", number((value * 1e4).round() / 100.0)),
            Unit::Bytes => bytes(value.max(0.0) as u64),
            Unit::Seconds => duration(value),
        }
    }
}

/// One plot.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// Heading; also the plot's identity and accessible name.
    pub title: &'a str,
    /// Height of the plot area.
    pub height: f32,
    /// Name of the horizontal axis ("epoch").
    pub x_name: &'a str,
    /// How horizontal positions read.
    pub x_unit: Unit,
    /// How values read.
    pub y_unit: Unit,
    /// Logarithmic values; those not above 0 are left out.
    pub log: bool,
    /// Values that must be in view.
    pub include: &'a [f64],
    /// Shown while there is nothing to draw.
    pub empty: &'a str,
    /// Names of series stand where their curves end, or in the heading, and switch them; false when there are too many.
    pub legend: bool,
    /// Points that all of its curves may have together, so that many of them cost no more than one.
    pub budget: usize,
    /// The raw values stand faintly behind smoothed ones.
    pub raw: bool,
    /// Marks have a line from top to bottom.
    pub mark_lines: bool,
}

impl Default for Chart<'_> {
    fn default() -> Self {
        Self {
            title: "",
            height: 150.0,
            x_name: "epoch",
            x_unit: Unit::Plain,
            y_unit: Unit::Plain,
            log: false,
            include: &[],
            empty: "no values yet",
            legend: true,
            budget: usize::MAX,
            raw: true,
            mark_lines: true,
        }
    }
}

/// A curve is thinned to no fewer columns than these.
const MIN_COLUMNS: usize = 60;

/// What the plots of one screen share and remember.
#[derive(Debug, Default)]
pub struct CurveState {
    /// Weight of the moving average, 0…0.99.
    pub smoothing: f64,
    /// Series switched off, as `plot/series`.
    pub hidden: BTreeSet<String>,
    /// Position of the cursor on the horizontal axis, shared by all plots.
    cursor: Option<f64>,
    next_cursor: Option<f64>,
    cache: HashMap<String, Smoothed>,
    /// What was drawn last, so that a screen that only hovers does not look at every step again.
    thinned: HashMap<String, Thinned>,
}

impl CurveState {
    /// Plots smoothed with this weight, 0…0.99.
    pub fn new(smoothing: f64) -> Self {
        Self { smoothing, ..Self::default() }
    }

    /// To be called once before the plots of a frame: passes the cursor of the last frame on to all of them.
    pub fn begin(&mut self) {
        self.cursor = self.next_cursor.take();
    }
}

/// Range of finite positions over all series.
fn x_range(series: &[Series<'_>]) -> Option<(f64, f64)> {
    let ends = series.iter().filter_map(|s| {
        let first = s.xs.iter().copied().find(|x| x.is_finite())?;
        let last = s.xs.iter().rev().copied().find(|x| x.is_finite())?;
        Some((first, last))
    });
    ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The empty plot: axes, grid, and what the pointer may do.
fn frame(ui: &Ui, chart: &Chart<'_>, (low, high): (f64, f64), width: f32) -> Plot<'static> {
    let (x_unit, y_unit, log) = (chart.x_unit, chart.y_unit, chart.log);
    let mut plot = Plot::new(("curves", chart.title))
        .width(width)
        .height(chart.height)
        .show_background(false)
        .allow_scroll(false)
        .allow_zoom([true, false])
        .allow_drag([true, false])
        .show_x(false)
        .show_y(false)
        .include_x(low)
        .include_x(if high > low { high } else { low + 1.0 })
        .set_margin_fraction(egui::vec2(0.01, 0.08))
        .y_axis_min_width(46.0)
        .grid_spacing(28.0..=220.0)
        .grid_color(ui.visuals().text_color().gamma_multiply(GRID))
        .label_formatter(|_| None)
        .x_axis_formatter(move |m, _| match x_unit {
            Unit::Seconds => ticks::seconds_text(m.value),
            // There is no epoch 1.5 on the axis, although a step may lie there.
            _ if m.value.fract().abs() > 1e-6 => String::new(),
            _ => number(m.value),
        })
        .y_axis_formatter(move |m, _| match y_unit {
            Unit::Seconds => ticks::seconds_text(m.value),
            Unit::Bytes => ticks::bytes_text(m.value),
            _ => y_unit.text(if log { 10_f64.powf(m.value) } else { m.value }),
        });
    let across = f64::from((width / 80.0).max(2.0));
    plot = plot.x_grid_spacer(move |input| match x_unit {
        Unit::Seconds => ticks::seconds(input.bounds, across),
        // Steps and epochs are whole.
        _ => ticks::decimal(input.bounds, across).into_iter().filter(|m| m.value.fract() == 0.0).collect(),
    });
    if !log {
        let lines = f64::from((chart.height / 34.0).max(2.0));
        plot = plot.y_grid_spacer(move |input| match y_unit {
            Unit::Seconds => ticks::seconds(input.bounds, lines),
            Unit::Bytes => ticks::sizes(input.bounds, lines),
            _ => ticks::decimal(input.bounds, lines),
        });
    }
    plot
}

/// Opacity of grid lines: there for who looks for them, and never as strong as data.
const GRID: f32 = 0.08;
/// A plot narrower than this has no room for names beside it.
const ROOM_FOR_NAMES: f32 = 300.0;

/// The series whose switch a series has: its own, or that of the means behind single steps.
fn switch<'a>(series: &[Series<'a>], index: usize) -> &'a str {
    let own = series.get(index).map_or("", |s| s.name);
    let behind = series.get(index + 1).map_or(own, |s| s.name);
    if series.get(index).is_some_and(|s| s.look == Look::Steps) { behind } else { own }
}

/// The series that have a switch, each name once.
fn named<'s, 'a>(series: &'s [Series<'a>]) -> Vec<&'s Series<'a>> {
    let mut seen = BTreeSet::new();
    series.iter().filter(|s| s.look != Look::Steps && seen.insert(s.name)).collect()
}

/// The names of the curves at their ends; a click hides or shows one.
fn ends(
    ui: &Ui,
    chart: &Chart<'_>,
    series: &[Series<'_>],
    state: &mut CurveState,
    column: egui::Rect,
    transform: &PlotTransform,
    lift: impl Fn(f64) -> f64,
) {
    let frame = *transform.frame();
    let names: Vec<LineName<'_>> = named(series)
        .into_iter()
        .map(|s| {
            let on = !state.hidden.contains(&format!("{}/{}", chart.title, s.name));
            let last = s.ys.iter().rev().copied().map(&lift).find(|y| y.is_finite());
            let smooth = state.cache.get(&format!("{}/{}", chart.title, s.name)).filter(|_| s.look == Look::Smoothed);
            let last =
                smooth.and_then(|c| c.get(s.ys.len().checked_sub(1)?)).map(&lift).filter(|y| y.is_finite()).or(last);
            let end = last.map(|y| transform.position_from_point_y(y).clamp(frame.top(), frame.bottom()));
            LineName { name: s.name, color: s.color, end: end.filter(|_| on), on }
        })
        .collect();
    if let Some(name) = line_names::show(ui, column.with_max_y(frame.bottom()), chart.title, &names) {
        toggle(state, chart.title, name);
    }
}

fn toggle(state: &mut CurveState, title: &str, name: &str) {
    let key = format!("{title}/{name}");
    if !state.hidden.remove(&key) {
        state.hidden.insert(key);
    }
}

/// Draws a plot with its heading.
pub fn show(ui: &mut Ui, chart: &Chart<'_>, series: &[Series<'_>], marks: &[Mark], state: &mut CurveState) {
    let names = named(series);
    let fits = names.len() as f32 * line_names::ROW <= chart.height - 20.0;
    let beside = chart.legend && fits && ui.available_width() >= ROOM_FOR_NAMES;
    heading(ui, chart, &names, state, beside);
    let on = |i: &usize| !state.hidden.contains(&format!("{}/{}", chart.title, switch(series, *i)));
    let shown: Vec<&Series<'_>> = (0..series.len()).filter(on).filter_map(|i| series.get(i)).collect();
    let drawn = |(x, y): (&f64, &f64)| x.is_finite() && y.is_finite() && (!chart.log || *y > 0.0);
    let has_values = shown.iter().any(|s| s.xs.iter().zip(s.ys).any(drawn));
    if !has_values && shown.len() == series.len() {
        empty_plot(ui, chart);
        return;
    }
    let lift = |y: f64| {
        if !chart.log {
            y
        } else if y > 0.0 {
            y.log10()
        } else {
            f64::NAN
        }
    };
    let (low, high) = x_range(series).unwrap_or((0.0, 1.0));
    let full = ui.available_width();
    let column = if beside { line_names::width(ui, names.iter().map(|s| s.name)) } else { 0.0 };
    let mut plot = frame(ui, chart, (low, high), full - column);
    for y in chart.include {
        let y = lift(*y);
        if y.is_finite() {
            plot = plot.include_y(y);
        }
    }
    let weight = state.smoothing;
    let (cache, thinned) = (&mut state.cache, &mut state.thinned);
    // Each column of pixels has four points at most.
    let share = chart.budget / (4 * shown.len().max(1));
    let width = ((full - column).max(50.0) as usize).min(share.max(MIN_COLUMNS));
    let mark_color = ui.visuals().weak_text_color();
    let gold = theme::palette(ui).gold;
    let draw = |plot_ui: &mut egui_plot::PlotUi<'_>| {
        let bounds = plot_ui.plot_bounds();
        let (from, to) = if bounds.is_valid_x() { (bounds.min()[0], bounds.max()[0]) } else { (low, high) };
        let mut draw = |s: &Series<'_>, ys: &[f64], color: Color32, width_pt: f32, faint: bool| {
            let kept = thinned.entry(format!("{}/{}/{:?}/{faint}", chart.title, s.name, s.look)).or_default();
            let lifted = kept.update(s.xs, ys, (from, to), width, weight).iter().map(|[x, y]| [*x, lift(*y)]);
            let points: Vec<[f64; 2]> = lifted.filter(|p| p[1].is_finite()).collect();
            if s.look == Look::Dotted && points.len() <= 120 {
                plot_ui.points(Points::new(s.name, PlotPoints::from(points.clone())).color(color).radius(2.2));
            }
            let style = if s.look == Look::Planned { LineStyle::dashed_dense() } else { LineStyle::Solid };
            plot_ui.line(Line::new(s.name, PlotPoints::from(points)).color(color).width(width_pt).style(style));
        };
        for s in &shown {
            let (thick, strength) = match s.look {
                Look::Steps => (1.0, 0.55),
                Look::Planned => (1.2, 1.0),
                Look::Smoothed => (1.8, 1.0),
                Look::Plain | Look::Dotted => (1.6, 1.0),
            };
            let color = s.color.gamma_multiply(strength);
            if matches!(s.look, Look::Smoothed | Look::Steps) && weight > 0.0 {
                if chart.raw {
                    draw(s, s.ys, color.gamma_multiply(0.28), 1.0, true);
                }
                let key = format!("{}/{}", chart.title, s.name);
                let smooth = cache.entry(key).or_default().update(s.ys, weight);
                draw(s, smooth, color, thick, false);
            } else {
                draw(s, s.ys, color, thick, false);
            }
        }
        for mark in marks {
            if chart.mark_lines {
                let line = egui_plot::VLine::new("", mark.x).color(mark_color);
                plot_ui.vline(line.style(LineStyle::dotted_loose()).width(1.0));
            }
            if let Some(y) = mark.y.map(lift).filter(|y| y.is_finite()) {
                let star = Points::new("", PlotPoints::from(vec![[mark.x, y]]));
                plot_ui.points(star.shape(MarkerShape::Asterisk).radius(6.0).color(gold));
            }
        }
    };
    // Justified columns would stretch the plot over the names beside it.
    let layout = egui::Layout::top_down(egui::Align::Min);
    let response = ui.with_layout(layout, |ui| {
        as_captions(ui);
        plot.show(ui, draw)
    });
    let response = response.inner;
    let name = spoken(chart, &shown);
    response.response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &name));
    if let Some(pointer) = response.response.hover_pos() {
        state.next_cursor = Some(response.transform.value_from_position(pointer).x);
    }
    if let Some(x) = state.next_cursor.or(state.cursor) {
        cursor(ui, chart, &shown, marks, state, &response.transform, x, &response.response, lift);
    }
    if beside {
        let plot = response.response.rect;
        let column = egui::Rect::from_min_max(plot.right_top(), egui::pos2(plot.right() + column, plot.bottom()));
        ends(ui, chart, series, state, column, &response.transform, lift);
    }
}

/// What is written next, such as the numbers of axes, is as small and faint as captions.
fn as_captions(ui: &mut Ui) {
    let caption = theme::caption().resolve(ui.style());
    ui.style_mut().text_styles.insert(egui::TextStyle::Body, caption);
    ui.visuals_mut().override_text_color = Some(theme::palette(ui).muted);
}

/// A heading, with a switch for each series where their names do not stand beside the plot.
fn heading(ui: &mut Ui, chart: &Chart<'_>, names: &[&Series<'_>], state: &mut CurveState, beside: bool) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        ui.label(egui::RichText::new(chart.title).text_style(theme::section()));
        if !chart.legend || beside {
            return;
        }
        for s in names {
            let on = !state.hidden.contains(&format!("{}/{}", chart.title, s.name));
            if legend_chip(ui, s, on, chart.title).clicked() {
                toggle(state, chart.title, s.name);
            }
        }
    });
}

fn legend_chip(ui: &mut Ui, series: &Series<'_>, on: bool, title: &str) -> egui::Response {
    let font = egui::TextStyle::Small.resolve(ui.style());
    let ink = if on { ui.visuals().text_color() } else { ui.visuals().weak_text_color() };
    let galley = ui.painter().layout_no_wrap(text::elide(series.name, 28), font, ink);
    let size = egui::vec2(galley.size().x + 18.0, galley.size().y.max(14.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let label = format!("{} in {}", series.name, title);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, &label));
    let color = if on { series.color } else { series.color.gamma_multiply(0.3) };
    let y = rect.center().y;
    let stroke = Stroke::new(2.5, color);
    if series.look == Look::Planned {
        for x in [0.0, 5.0, 10.0] {
            ui.painter().line_segment([egui::pos2(rect.left() + x, y), egui::pos2(rect.left() + x + 3.0, y)], stroke);
        }
    } else {
        ui.painter().line_segment([egui::pos2(rect.left(), y), egui::pos2(rect.left() + 13.0, y)], stroke);
    }
    ui.painter().galley(egui::pos2(rect.left() + 17.0, y - galley.size().y / 2.0), galley, ink);
    if !on {
        ui.painter().hline(rect.left() + 17.0..=rect.right(), y, Stroke::new(1.0, ink));
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect.expand(2.0), 3.0, ui.visuals().selection.stroke, egui::StrokeKind::Outside);
    }
    response.on_hover_text(if on { "Click to hide this curve" } else { "Click to show this curve" })
}

fn empty_plot(ui: &mut Ui, chart: &Chart<'_>) {
    let size = egui::vec2(ui.available_width(), chart.height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, format!("{}: {}", chart.title, chart.empty)));
    ui.painter().rect_filled(rect, 4.0, ui.visuals().extreme_bg_color);
    ui.painter().text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        chart.empty,
        egui::TextStyle::Small.resolve(ui.style()),
        ui.visuals().weak_text_color(),
    );
}

/// What a screen reader says about a plot: the newest value of each series.
fn spoken(chart: &Chart<'_>, series: &[&Series<'_>]) -> String {
    let values: Vec<String> = series
        .iter()
        .take(8)
        .filter_map(|s| {
            let y = s.ys.iter().rev().find(|y| y.is_finite())?;
            Some(format!("{} {}", s.name, chart.y_unit.text(*y)))
        })
        .collect();
    let places = series.iter().map(|s| s.ys.len()).max().unwrap_or(0);
    format!("{}: {} (over {places} values)", chart.title, values.join(", "))
}

/// Points of the screen that the pointer may be beyond the end of a curve and still read its last value.
const REACH: f64 = 6.0;

/// The vertical line through all plots and, in the one under the pointer, the values at it.
#[expect(clippy::too_many_arguments, reason = "one drawing step of `show`, cut out for length only")]
fn cursor(
    ui: &Ui,
    chart: &Chart<'_>,
    series: &[&Series<'_>],
    marks: &[Mark],
    state: &CurveState,
    transform: &PlotTransform,
    x: f64,
    response: &egui::Response,
    lift: impl Fn(f64) -> f64,
) {
    let frame = *transform.frame();
    let at = transform.position_from_point_x(x);
    if !frame.x_range().contains(at) {
        return;
    }
    let painter = ui.painter().with_clip_rect(frame);
    painter.vline(at, frame.y_range(), Stroke::new(1.0, ui.visuals().weak_text_color()));
    let slack = REACH * transform.dvalue_dpos()[0].abs();
    let (mut rows, mut beyond) = (Vec::new(), Vec::new());
    for s in series {
        let Some(i) = within(s.xs, s.ys, x, slack) else {
            beyond.push((s.name, s.color));
            continue;
        };
        let drawn_smooth = matches!(s.look, Look::Smoothed | Look::Steps);
        let smooth = state.cache.get(&format!("{}/{}", chart.title, s.name)).filter(|_| drawn_smooth);
        let raw = s.ys[i];
        let drawn = smooth.filter(|_| state.smoothing > 0.0).and_then(|c| c.get(i)).unwrap_or(raw);
        let spot = egui::pos2(transform.position_from_point_x(s.xs[i]), transform.position_from_point_y(lift(drawn)));
        painter.circle_filled(spot, 3.0, s.color);
        rows.push((s.name, s.color, s.xs[i], drawn, raw));
    }
    if !response.hovered() || rows.is_empty() {
        return;
    }
    rows.sort_by(|a, b| b.3.total_cmp(&a.3));
    let place = |x: f64| {
        let text = if chart.x_unit == Unit::Seconds { chart.x_unit.text(x) } else { number(x) };
        format!("{} {text}", chart.x_name)
    };
    // Each value stands at a place of its own; where it is one for all, it is said once.
    let common = rows.first().map(|r| r.2).filter(|first| rows.iter().all(|r| r.2 == *first));
    response.show_tooltip_ui(|ui| {
        if let Some(x) = common {
            ui.label(egui::RichText::new(place(x)).text_style(theme::section()));
        }
        egui::Grid::new("values").num_columns(4).spacing([8.0, 2.0]).show(ui, |ui| {
            for (name, color, x, drawn, raw) in rows.iter().take(16) {
                let (dot, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), Sense::hover());
                ui.painter().circle_filled(dot.center(), 4.0, *color);
                ui.label(text::elide(name, 32));
                let text = chart.y_unit.text(*drawn);
                ui.label(if drawn == raw { text } else { format!("{text}  (raw {})", chart.y_unit.text(*raw)) });
                if common.is_none() {
                    ui.weak(place(*x));
                }
                ui.end_row();
            }
            // Where a curve does not reach it has no value.
            for (name, color) in beyond.iter().take(16_usize.saturating_sub(rows.len())) {
                let (dot, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), Sense::hover());
                ui.painter().circle_stroke(dot.center(), 3.5, Stroke::new(1.0, *color));
                ui.label(text::elide(name, 32));
                ui.weak("–");
                ui.end_row();
            }
        });
        if rows.len() > 16 {
            ui.weak(format!("and {} more", rows.len() - 16));
        }
        let near = |m: &&Mark| (transform.position_from_point_x(m.x) - at).abs() < 6.0;
        for mark in marks.iter().filter(near) {
            ui.colored_label(theme::palette(ui).gold, &mark.label);
        }
    });
}

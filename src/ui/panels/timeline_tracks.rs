//! The tracks of the timeline. Everything is cut to what is in sight, so that long videos stay fast.

use crate::data::each_correction;
use crate::domain::{Correction, Dataset, Instance, Task, VideoEntry, leaf};
use crate::jobs::{CheckpointRef, HeatRequest, VideoPrediction};
use crate::run_folder::{Evaluation, Prediction, Predictions};
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::PanelCx;
use crate::ui::state::AppState;
use crate::ui::theme;
use egui::{Align2, Color32, Rect, Sense, Stroke, StrokeKind, Vec2};
use std::collections::HashSet;
use std::rc::Rc;

/// Segments with an accessible name of their own; beyond, they would bury a screen reader.
const NAMED: usize = 200;

/// The mapping between frames and pixels.
#[derive(Clone, Copy, Debug)]
pub struct Strip {
    /// Where the tracks lie.
    pub rect: Rect,
    /// First and last frame in sight.
    pub range: (f64, f64),
    /// Frames of the video.
    pub frames: u32,
}

impl Strip {
    /// Position of the left edge of a frame.
    pub fn x_of(&self, frame: f64) -> f32 {
        let share = (frame - self.range.0) / (self.range.1 - self.range.0).max(1e-9);
        self.rect.left() + (share * f64::from(self.rect.width())) as f32
    }

    /// Frame at a position, with fractions.
    pub fn frame_at(&self, x: f32) -> f64 {
        let share = f64::from((x - self.rect.left()) / self.rect.width().max(1.0));
        self.range.0 + share * (self.range.1 - self.range.0)
    }

    /// The part of `start..end` in sight, as a rectangle of a track.
    pub fn span(&self, track: Rect, start: u32, end: u32) -> Option<Rect> {
        let (x0, x1) = (self.x_of(f64::from(start)), self.x_of(f64::from(end)));
        if x1 < track.left() || x0 > track.right() {
            return None;
        }
        let x0 = x0.max(track.left());
        Some(Rect::from_x_y_ranges(x0..=x1.min(track.right()).max(x0 + 1.0), track.y_range()))
    }
}

/// Frame numbers and seconds.
pub fn ruler(ui: &egui::Ui, strip: &Strip, rect: Rect, fps: f64) {
    let p = theme::palette(ui);
    let width = strip.range.1 - strip.range.0;
    let per_mark = width / f64::from(rect.width().max(1.0)) * 90.0;
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000];
    let step = steps.into_iter().find(|s| f64::from(*s) >= per_mark).unwrap_or(500_000);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let mut frame = (strip.range.0 / f64::from(step)).ceil() as i64 * i64::from(step);
    let painter = ui.painter_at(rect);
    while (frame as f64) < strip.range.1 {
        let x = strip.x_of(frame as f64);
        painter
            .line_segment([egui::pos2(x, rect.bottom() - 4.0), egui::pos2(x, rect.bottom())], Stroke::new(1.0, p.line));
        let seconds = frame as f64 / fps;
        let text = format!("{frame}  {seconds:.1} s");
        let text = painter.layout_no_wrap(text, font.clone(), p.muted);
        // A number that is cut reads as another number.
        if x + 3.0 + text.size().x <= rect.right() {
            painter.galley(egui::pos2(x + 3.0, rect.top() + 1.0), text, p.muted);
        }
        frame += i64::from(step);
    }
}

/// Room below which a name would be a letter and an ellipsis.
const MIN_NAME: f32 = 30.0;

/// A block with its name, when the name fits.
fn block(ui: &egui::Ui, rect: Rect, color: Color32, text: &str) {
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect.shrink2(Vec2::new(0.5, 2.0)), 2.0, color);
    let room = rect.width() - 6.0;
    if room < MIN_NAME {
        return;
    }
    let p = theme::palette(ui);
    let ink = theme::segment_text(color, p.panel, &p);
    let caption = theme::caption().resolve(ui.style());
    // In closer lines rather than cut.
    let small = caption.clone();
    let mut galley = ui.painter().layout_no_wrap(text.to_owned(), caption, ink);
    let word = |word: &str| ui.painter().layout_no_wrap(word.to_owned(), small.clone(), ink).size().x;
    if galley.size().x > room && text.split_whitespace().any(|w| word(w) > room) {
        // A word that has to be broken is cut instead.
        let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), small, ink);
        job.wrap = egui::text::TextWrapping::truncate_at_width(room);
        galley = ui.painter().layout_job(job);
    } else if galley.size().x > room {
        let line = small.size * 1.08;
        let mut job = egui::text::LayoutJob::simple(text.to_owned(), small, ink, room);
        job.wrap.max_rows = ((rect.height() / line) as usize).clamp(1, 3);
        for section in &mut job.sections {
            section.format.line_height = Some(line);
        }
        job.wrap.break_anywhere = false;
        galley = ui.painter().layout_job(job);
    }
    painter.galley(rect.left_center() + Vec2::new(3.0, -galley.size().y / 2.0), galley, ink);
}

/// The lanes of the chosen video's instances: none where one row of labels says it all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lanes {
    /// The lane of each instance of the video.
    of: Vec<usize>,
    /// How many there are.
    pub count: usize,
}

impl Lanes {
    fn of(video: &VideoEntry) -> Self {
        let of = Instance::lanes(&video.instances);
        let count = of.iter().max().map_or(0, |most| most + 1);
        let several = video.instances.iter().any(|i| i.label.classes().len() > 1);
        if count > 1 || several || video.labels.is_empty() { Self { of, count } } else { Self::default() }
    }

    /// Where an instance lies in the row of labels.
    pub fn row(&self, instance: usize, rect: Rect) -> Rect {
        let height = rect.height() / self.count.max(1) as f32;
        let top = rect.top() + self.of.get(instance).copied().unwrap_or(0) as f32 * height;
        Rect::from_x_y_ranges(rect.x_range(), top..=top + height)
    }
}

/// Height below which a lane has no room for a name.
const MIN_LANE: f32 = 11.0;

/// Instances that overlap, each in its lane.
fn instances(ui: &egui::Ui, cx: &PanelCx<'_>, strip: &Strip, rect: Rect, lanes: &Lanes) {
    let p = theme::palette(ui);
    let Some((_, video)) = cx.state.video() else { return };
    let height = rect.height() / lanes.count.max(1) as f32;
    for (named, instance) in video.instances.iter().enumerate() {
        let row = lanes.row(named, rect);
        let Some(span) = strip.span(row, instance.start, instance.end) else { continue };
        let name = instance_name(cx.state, instance);
        let classes = instance.label.classes();
        let written = if height >= MIN_LANE { name.as_str() } else { "" };
        match classes {
            [] => {
                block(ui, span, theme::segment_color(instance.label.single(), &p), written);
                // What nobody labelled has no colour; its frame says that something is there.
                let edge = span.shrink2(Vec2::new(0.5, 2.0));
                ui.painter_at(span).rect_stroke(edge, 2.0, Stroke::new(1.0, p.muted), StrokeKind::Inside);
            }
            // Stripes of all its classes.
            several => {
                let each = span.height() / several.len() as f32;
                for (i, class) in several.iter().enumerate() {
                    let y = span.top() + i as f32 * each;
                    let stripe = Rect::from_x_y_ranges(span.x_range(), y..=y + each);
                    let text = if several.len() == 1 { written } else { "" };
                    block(ui, stripe, theme::segment(theme::class_color(*class)), text);
                }
            }
        }
        if named < NAMED {
            let id = ui.make_persistent_id(("instance", named));
            let response = ui.interact(span, id, Sense::hover());
            let text = instance_text(cx.state, instance);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
            response.on_hover_text_at_pointer(text);
        }
    }
}

/// The classes of an instance, with commas between them.
pub fn instance_name(state: &AppState, instance: &Instance) -> String {
    match instance.label.classes() {
        [] => state.label_name(instance.label.single()).to_owned(),
        classes => classes.iter().map(|c| state.classes().name(*c)).collect::<Vec<_>>().join(", "),
    }
}

/// An instance in words: classes, frames, seconds, and where the source says so.
fn instance_text(state: &AppState, instance: &Instance) -> String {
    let mut text =
        format!("{}, frames {} to {}", instance_name(state, instance), instance.start, instance.end.saturating_sub(1));
    if let Some((start, end)) = instance.seconds {
        text.push_str(&format!(", {start:.3} s to {end:.3} s"));
    }
    if let Some(details) = &instance.details {
        details.subject.iter().for_each(|who| text.push_str(&format!(", {who}")));
        details.notes.iter().for_each(|(name, value)| text.push_str(&format!(", {name} {value}")));
    }
    if let (Some(file), true) = (&instance.file, instance.line > 0) {
        text.push_str(&format!(" ({} line {})", leaf(file), instance.line));
    }
    text
}

/// What the frames show, by the dataset.
pub fn labels(ui: &egui::Ui, cx: &PanelCx<'_>, strip: &Strip, rect: Rect, lanes: &Lanes) {
    let p = theme::palette(ui);
    let Some((_, video)) = cx.state.video() else { return };
    if lanes.count > 0 {
        return instances(ui, cx, strip, rect, lanes);
    }
    if video.labels.is_empty() {
        let font = theme::caption().resolve(ui.style());
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, "no labels", font, p.muted);
        return;
    }
    for (named, segment) in video.labels.clipped(strip.frames).enumerate() {
        let Some(span) = strip.span(rect, segment.start, segment.end) else { continue };
        let name = cx.state.label_name(Some(segment.label));
        // What lies between exercises needs no name; its grey says it.
        let written = if segment.label.class().is_some() { name } else { "" };
        block(ui, span, theme::segment_color(Some(segment.label), &p), written);
        if named < NAMED {
            let id = ui.make_persistent_id(("label segment", segment.start));
            let response = ui.interact(span, id, Sense::hover());
            let text = format!("{name}, frames {} to {}", segment.start, segment.end.saturating_sub(1));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
            response.on_hover_text_at_pointer(text);
        }
    }
}

/// A run of frames with what the network says about them.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionSpan {
    /// First frame.
    pub start: u32,
    /// One past the last frame.
    pub end: u32,
    /// Name of the class.
    pub class: String,
    /// Position of the class for its colour.
    pub color: usize,
    /// Probability.
    pub probability: f32,
    /// Whether it is the label's class; `None` when there is no label.
    pub correct: Option<bool>,
}

/// What spans are made from: network and video, the prediction along it, the evaluation, answers, dataset, windows.
type SpanKey = (
    Option<CheckpointRef>,
    Option<String>,
    Same<VideoPrediction>,
    (Same<Evaluation>, Same<Predictions>),
    u64,
    Same<Dataset>,
    (u32, u32),
);

/// A part of the video with the heat of its map: first frame, one past the last, mean heat of a cell.
pub type HeatBar = (u32, u32, f32);

/// What heat is made from: network and video, the map, answers.
type HeatKey = (Option<CheckpointRef>, Option<String>, HeatRequest, u64);

/// What is known along the chosen video, found again only when it has changed.
pub struct Known {
    spans: Derived<SpanKey, Vec<PredictionSpan>>,
    bars: Derived<HeatKey, Vec<HeatBar>>,
    lanes: Derived<(Same<Dataset>, Option<String>), Lanes>,
    marks: Derived<(Same<Dataset>, Option<String>), Vec<CorrectedPart>>,
}

/// A part of the video whose label is corrected: first frame, one past the last, in words.
pub type CorrectedPart = (u32, u32, String);

fn corrected_parts(state: &AppState) -> Vec<CorrectedPart> {
    let Some((dataset, (_, video))) = state.dataset.as_ref().zip(state.video()) else { return Vec::new() };
    let Some(corrections) = &dataset.corrections else { return Vec::new() };
    let of_video = each_correction(corrections).filter(|(name, _, why)| *name == video.name && why.is_none());
    let part = |c: &Correction| {
        let place = c.corrected.as_ref().or(c.original.as_ref())?;
        Some((place.start, place.end, format!("Corrected: {}", c.words())))
    };
    of_video.filter_map(|(_, correction, _)| part(correction)).collect()
}

/// Marks what is corrected below the labels.
pub fn corrections(ui: &egui::Ui, strip: &Strip, rect: Rect, parts: &[CorrectedPart]) {
    let p = theme::palette(ui);
    for (named, (start, end, text)) in parts.iter().enumerate() {
        let Some(span) = strip.span(rect, *start, *end) else { continue };
        let line = Rect::from_min_max(egui::pos2(span.left(), span.bottom() - 3.0), span.max);
        ui.painter_at(rect).rect_filled(line, 0.0, p.accent);
        if named < NAMED {
            let response = ui.interact(line.expand(2.0), ui.make_persistent_id(("corrected", named)), Sense::hover());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
            response.on_hover_text_at_pointer(text);
        }
    }
}

/// Views have as many networks at most.
const NETWORKS: usize = 4;

impl Default for Known {
    fn default() -> Self {
        Self {
            spans: Derived::keeping(NETWORKS),
            bars: Derived::default(),
            lanes: Derived::default(),
            marks: Derived::default(),
        }
    }
}

impl Known {
    /// The lanes of the video's instances.
    pub fn lanes(&self, state: &AppState) -> Rc<Lanes> {
        let key = (Same::maybe(state.dataset.as_ref()), state.selection.video.clone());
        self.lanes.get(key, || state.video().map(|(_, video)| Lanes::of(video)).unwrap_or_default())
    }

    /// What is corrected of the video's labels.
    pub fn corrected(&self, state: &AppState) -> Rc<Vec<CorrectedPart>> {
        let key = (Same::maybe(state.dataset.as_ref()), state.selection.video.clone());
        self.marks.get(key, || corrected_parts(state))
    }

    /// What a network says about the frames.
    pub fn spans(&self, state: &AppState, network: Option<CheckpointRef>) -> Rc<Vec<PredictionSpan>> {
        let video = state.selection.video.clone();
        let along = network.clone().zip(video.clone()).and_then(|key| state.video_predictions.get(&key));
        let entry = network.as_ref().and_then(|n| state.evaluation_of(n));
        let evaluation = (Same::maybe(entry.map(|e| &e.evaluation)), Same::maybe(entry.map(|e| &e.predictions)));
        let key = (
            network.clone(),
            video,
            Same::maybe(along),
            evaluation,
            state.explain.generation(),
            Same::maybe(state.dataset.as_ref()),
            state.geometry_of(network.as_ref().map(|n| n.run.as_path())),
        );
        self.spans.get(key, || network.map(|n| prediction_spans(state, &n)).unwrap_or_default())
    }

    /// How much heat each moment of the explained clips has.
    pub fn bars(&self, state: &AppState) -> Rc<Vec<HeatBar>> {
        let (network, video) = (state.selection.checkpoint_ref(), state.selection.video.clone());
        self.bars.get((network, video, state.selection.view(), state.explain.generation()), || heat_bars(state))
    }
}

/// What was said of a clip, in words: several classes, or the most probable one where none is said.
fn called(evaluation: &Evaluation, clip: &Prediction) -> String {
    let said = clip.said_classes();
    let said = if said.is_empty() { &[clip.predicted][..] } else { &said };
    said.iter().map(|c| evaluation.classes.name(*c)).collect::<Vec<_>>().join(" + ")
}

/// What is known about the chosen video: the prediction along it, else the clips of the evaluation, else what was
/// explained.
fn prediction_spans(state: &AppState, checkpoint: &CheckpointRef) -> Vec<PredictionSpan> {
    let Some((_, video)) = state.video() else { return Vec::new() };
    let map = state.run_at(&checkpoint.run).map(|run| state.class_map(run));
    let of_dataset = |output: usize| map.as_ref().and_then(|map| map.as_ref().as_ref().ok()?.class_of(output));
    // As the class of the dataset it is; that of its name where the classes of the run are not known.
    let color = |name: &str, output: usize| {
        let class = of_dataset(output).or_else(|| state.classes().by_name(name));
        class.unwrap_or(output)
    };
    if let Some(along) = state.video_predictions.get(&(checkpoint.clone(), video.name.clone())) {
        let mut spans: Vec<PredictionSpan> = Vec::new();
        for (frame, (class, probability)) in along.frames.iter().enumerate() {
            // Of several classes those that are said, in the colour of the most probable one.
            let name = match along.task {
                Task::SingleLabel => along.classes.name(*class).to_owned(),
                Task::MultiLabel => {
                    let said = along.said.get(frame).map_or(&[][..], Vec::as_slice);
                    if said.is_empty() {
                        continue;
                    }
                    said.iter().map(|(class, _)| along.classes.name(*class)).collect::<Vec<_>>().join(" + ")
                }
            };
            let frame = frame as u32;
            // Runs of nearly equal probability become one block.
            let bucket = |p: f32| (p * 10.0).round() as i32;
            match spans.last_mut() {
                Some(s) if s.end == frame && s.class == name && bucket(s.probability) == bucket(*probability) => {
                    s.end = frame + 1;
                }
                _ => spans.push(PredictionSpan {
                    start: frame,
                    end: frame + 1,
                    color: color(along.classes.name(*class), *class),
                    class: name,
                    probability: *probability,
                    correct: None,
                }),
            }
        }
        return spans;
    }
    let (span, stride) = state.geometry_of(Some(&checkpoint.run));
    let length = stride.min(span).max(1);
    let frames = video.frames();
    let mut spans: Vec<PredictionSpan> = match state.evaluation_of(checkpoint) {
        Some(entry) => {
            let index = state.clips_by_video(entry);
            let mine = index.of_video(&video.name).map_or(&[][..], |of_video| &of_video.clips);
            mine.iter()
                .filter_map(|at| entry.predictions.clips.get(*at))
                .map(|c| PredictionSpan {
                    start: c.start,
                    end: c.cut.end_of(c.start, length).min(frames.max(c.start + 1)),
                    class: called(&entry.evaluation, c),
                    color: color(entry.evaluation.classes.name(c.predicted), c.predicted),
                    probability: c.confidence(),
                    correct: Some(c.correct()),
                })
                .collect()
        }
        None => Vec::new(),
    };
    let evaluated: HashSet<u32> = spans.iter().map(|s| s.start).collect();
    for (clip, answer) in state.explain.answers_of(checkpoint, &video.name) {
        if !evaluated.contains(&clip.start) {
            let name = answer.classes.name(answer.predicted);
            spans.push(PredictionSpan {
                start: clip.start,
                end: clip.end(length).min(frames.max(clip.start + 1)),
                class: name.to_owned(),
                color: color(name, answer.predicted),
                probability: answer.probabilities.get(answer.predicted).copied().unwrap_or(0.0),
                correct: answer.right,
            });
        }
    }
    spans.sort_by_key(|s| s.start);
    spans
}

/// What the frames show, by the network; opacity is probability, a red line marks errors.
pub fn predictions(
    ui: &egui::Ui,
    cx: &PanelCx<'_>,
    strip: &Strip,
    rect: Rect,
    spans: &[PredictionSpan],
    network: Option<&CheckpointRef>,
) {
    let p = theme::palette(ui);
    let of = network.map_or_else(String::new, |n| format!(" by {}", leaf(&n.run)));
    if spans.is_empty() {
        let text =
            if cx.state.run().is_some() { "not predicted yet: Run, Predict this video" } else { "no run is chosen" };
        let font = theme::caption().resolve(ui.style());
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, p.muted);
        return;
    }
    for (named, span) in spans.iter().enumerate() {
        let Some(area) = strip.span(rect, span.start, span.end) else { continue };
        let color = theme::segment(theme::class_color(span.color)).gamma_multiply(span.probability.clamp(0.12, 1.0));
        block(ui, area, color, &span.class);
        if span.correct == Some(false) {
            let line = Rect::from_min_size(area.left_bottom() - Vec2::new(0.0, 3.0), Vec2::new(area.width(), 2.5));
            ui.painter_at(rect).rect_filled(line, 0.0, p.bad);
        }
        if named < NAMED {
            let id = ui.make_persistent_id(("prediction span", span.start, network));
            let response = ui.interact(area, id, Sense::hover());
            let wrong = if span.correct == Some(false) { ", wrong" } else { "" };
            let text = format!(
                "predicted {} with {:.2}{of}{wrong}, frames {} to {}",
                span.class,
                span.probability,
                span.start,
                span.end.saturating_sub(1)
            );
            if network.is_some() {
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
            }
            response.on_hover_text_at_pointer(text);
        }
    }
}

/// The heat of each moment of the explained clips of the chosen video.
fn heat_bars(state: &AppState) -> Vec<HeatBar> {
    let (Some(checkpoint), Some((_, video))) = (state.selection.checkpoint_ref(), state.video()) else {
        return Vec::new();
    };
    let view = state.selection.view();
    let mut bars = Vec::new();
    for (clip, answer) in state.explain.answers_of(&checkpoint, &video.name) {
        let Some(map) = answer.maps.get(&view) else { continue };
        let [steps, rows, columns] = map.shape;
        let cells = (rows * columns).max(1);
        let last = answer.frames.last().copied().unwrap_or(clip.start) + 1;
        let length = f64::from(last.saturating_sub(clip.start)) / steps.max(1) as f64;
        for (step, values) in map.values.chunks(cells).take(steps).enumerate() {
            let energy = values.iter().map(|v| v.max(0.0)).sum::<f32>() / cells as f32;
            let start = f64::from(clip.start) + step as f64 * length;
            bars.push((start.round() as u32, (start + length).round() as u32, energy));
        }
    }
    bars
}

/// How much heat each moment of the explained clips has, relative to the hottest moment known.
pub fn heat(ui: &egui::Ui, cx: &PanelCx<'_>, strip: &Strip, rect: Rect, bars: &[HeatBar]) {
    let p = theme::palette(ui);
    if cx.state.selection.run.is_none() {
        return;
    }
    if bars.is_empty() {
        let font = theme::caption().resolve(ui.style());
        let text = if cx.state.view.heat { "heat of explained clips appears here" } else { "heatmap is off (H)" };
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, p.muted);
        return;
    }
    let most = bars.iter().fold(1e-12_f32, |m, (_, _, e)| m.max(*e));
    let painter = ui.painter_at(rect);
    for (start, end, energy) in bars.iter().copied() {
        if let Some(area) = strip.span(rect, start, end) {
            let height = (energy / most * (rect.height() - 2.0)).max(1.0);
            let bar = Rect::from_min_max(
                egui::pos2(area.left() + 0.5, rect.bottom() - height),
                egui::pos2(area.right() - 0.5, rect.bottom()),
            );
            painter.rect_filled(bar, 1.0, p.warn.gamma_multiply(0.85));
        }
    }
}

/// The frames the network saw for the map on screen.
pub fn clip_window(ui: &egui::Ui, cx: &PanelCx<'_>, strip: &Strip, rect: Rect) {
    let p = theme::palette(ui);
    let Some(clip) = cx.state.explained_clip() else { return };
    let (span, _) = cx.state.window_geometry();
    let Some(area) = strip.span(rect, clip.start, clip.end(span).min(strip.frames)) else { return };
    let pinned = cx.state.selection.clip.is_some();
    let stroke = Stroke::new(if pinned { 2.0 } else { 1.2 }, p.text.gamma_multiply(0.8));
    let area = Rect::from_min_max(egui::pos2(area.left(), area.top() + 16.0), area.max);
    ui.painter_at(rect.expand(2.0)).rect_stroke(area, 3.0, stroke, StrokeKind::Outside);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_pixels_agree() {
        let rect = Rect::from_min_size(egui::pos2(10.0, 0.0), Vec2::new(200.0, 20.0));
        let strip = Strip { rect, range: (100.0, 200.0), frames: 1000 };
        assert_eq!(strip.x_of(100.0), 10.0);
        assert_eq!(strip.x_of(150.0), 110.0);
        assert!((strip.frame_at(110.0) - 150.0).abs() < 1e-9);
        assert!(strip.span(rect, 0, 50).is_none() && strip.span(rect, 300, 400).is_none());
        assert_eq!(strip.span(rect, 0, 150).map(|r| (r.left(), r.right())), Some((10.0, 110.0)));
    }
}

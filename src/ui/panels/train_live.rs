//! The dashboard of a training: live, ended, or read from disk.

use super::train_layers::LayerCurves;
use super::train_others::OtherRuns;
use super::train_tracks::{Axis, Tracks, planned, troubles};
use super::{clip_menu, figures, next_steps, train_watched};
use crate::data::FrameRule;
use crate::domain::{bytes, counted, duration, leaf};
use crate::ui::theme;

use crate::jobs::{ClipRef, RunView};
use crate::progress::{EpochReport, best_epoch};
use crate::ui::AppState;
use crate::ui::action::ChooseAction;
use crate::ui::derived::Derived;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{JobStatus, JobView, LiveRun};
use crate::ui::thumbs::Thumbs;
use crate::ui::widgets::clip_grid::{self, CardMenu, ClipCard, ClipEvent};
use crate::ui::widgets::curves::{self, Chart, CurveState, Look, Mark, Series, Unit};
use crate::ui::widgets::usage::UsageMeter;
use crate::ui::widgets::{class_heat, style};
use egui::{RichText, Ui};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

/// Height of the large charts on a small screen.
const HIGH: f32 = 168.0;

/// Which classes are drawn as lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ClassLines {
    All,
    /// The weakest ones: those one wants to watch.
    #[default]
    Weakest,
    Chosen,
}

/// The panel.
pub struct TrainLive {
    curves: CurveState,
    tracks: Tracks,
    layers: LayerCurves,
    others: OtherRuns,
    axis: Axis,
    log: bool,
    lines: ClassLines,
    heat: bool,
    top: usize,
    chosen: Vec<usize>,
    thumbs: Option<Thumbs>,
    usage: UsageMeter,
    /// Height of the large charts.
    high: f32,
    /// Sentences about a run that goes wrong.
    troubles: Derived<(u64, usize, usize), Vec<String>>,
}

impl Default for TrainLive {
    fn default() -> Self {
        Self {
            curves: CurveState::new(0.6),
            tracks: Tracks::default(),
            layers: LayerCurves::default(),
            others: OtherRuns::default(),
            axis: Axis::Epoch,
            log: false,
            lines: ClassLines::Weakest,
            heat: false,
            top: 5,
            chosen: Vec::new(),
            thumbs: None,
            usage: UsageMeter::default(),
            high: HIGH,
            troubles: Derived::default(),
        }
    }
}

/// The run on screen, and the job that trains it where this session does.
#[derive(Clone, Copy)]
struct Shown<'a> {
    run: &'a RunView,
    live: Option<(&'a LiveRun, Option<&'a JobView>)>,
}

impl std::ops::Deref for Shown<'_> {
    type Target = RunView;

    fn deref(&self) -> &RunView {
        self.run
    }
}

impl Shown<'_> {
    /// Optimiser steps of an epoch, where that is known.
    fn steps_per_epoch(&self) -> Option<u32> {
        self.steps.last().map(|s| s.steps_per_epoch).or(self.run.steps_per_epoch)
    }
}

/// The run that is watched, where it is in use; else the training of this session, unless another run was chosen.
fn shown(state: &AppState) -> Option<Shown<'_>> {
    if let Some(run) = state.watched_run().and_then(|w| w.run.as_deref()) {
        return Some(Shown { run, live: None });
    }
    let chosen = state.run();
    if let Some(live) = state.training.as_ref()
        && (state.live_training().is_some() || chosen.is_none_or(|r| r.path == live.run.path))
    {
        return Some(Shown { run: &live.run, live: Some((live, state.job(live.job))) });
    }
    let run: &RunView = chosen.or(state.runs.first())?;
    Some(Shown { run, live: None })
}

/// One number for what is drawn of a run: another run of the same length is another one.
fn identity(run: &Shown<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&run.path, run.live.map(|(l, _)| l.job.0), run.steps_per_epoch()).hash(&mut hasher);
    run.history.last().map(|e| (e.epoch, e.train_loss.to_bits())).hash(&mut hasher);
    hasher.finish()
}

impl Panel for TrainLive {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let Some(run) = shown(state) else {
            let text = if state.dataset.is_some() {
                "Press Start training on the left, with this preset or another one. Curves, wrong clips and the log \
                 appear here while it runs."
            } else {
                "Open a dataset first. Then choose a preset on the left and press Start training."
            };
            style::empty_state(ui, "No run yet", text, None);
            return;
        };
        let made_from = (identity(&run), run.steps.len(), run.history.len());
        let troubles = self.troubles.get(made_from, || troubles(&run.steps, &run.history));
        header(ui, &run, &mut self.usage, &troubles);
        if let Some(watching) = state.watched_run() {
            train_watched::bar(ui, cx, watching);
        }
        next_steps::after_training(ui, cx, &run.path);
        self.controls(ui, &run, state);
        self.tracks.update(identity(&run), &run.steps, &run.history, run.steps_per_epoch(), self.axis);
        self.curves.begin();
        // On large screens charts grow with the page.
        self.high = (ui.available_height() * 0.26).clamp(HIGH, 320.0).floor();
        egui::ScrollArea::vertical().id_salt("dashboard").auto_shrink([false, false]).show(ui, |ui| {
            let charts = ui.scope(|ui| self.charts(ui, &run, state)).response;
            figures::curves(&charts, cx, &run.history);
            self.weighted(ui);
            self.classes(ui, &run);
            let chart = self.chart("");
            let layers = (identity(&run), run.layer_reports.as_slice());
            self.layers.show(ui, chart, layers, (&run.steps, &self.tracks.step_x), &mut self.curves);
            self.small_charts(ui, &run);
            if let Some((live, _)) = run.live {
                self.wrong_strip(ui, live, cx);
            }
            log_pane(ui, &run.log);
        });
    }
}

/// Name, where it stands, how long it will take, and what is wrong with it.
fn header(ui: &mut Ui, run: &Shown<'_>, usage: &mut UsageMeter, troubles: &[String]) {
    let last = run.history.last();
    let step = run.steps.last();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 14.0;
        ui.label(RichText::new(leaf(&run.path)).heading()).on_hover_text(run.path.display().to_string());
        let epoch = step.map_or(0, |s| s.epoch).max(last.map_or(0, |e| e.epoch));
        ui.label(format!("epoch {epoch} / {}", run.config.training.epochs));
        let job = run.live.and_then(|(_, job)| job);
        let live = job.is_some_and(|j| j.status.is_live());
        // The numbers of the chip and the status bar.
        if let Some(share) = job.filter(|_| live).and_then(|j| j.fraction) {
            ui.label(format!("{:.0} %", share * 100.0)).on_hover_text("Share of the whole training that is done");
        }
        if let Some(eta) = job.filter(|_| live).and_then(|j| j.eta_s) {
            ui.label(format!("ETA {}", duration(eta)));
        }
        if let Some(s) = step.filter(|_| live) {
            ui.label(format!("{:.0} clips/s", s.clips_per_second))
                .on_hover_text(format!("{:.0} % of each step is spent waiting for data", s.data_wait * 100.0));
        }
        if live && let Some(memory) = step.and_then(|s| s.device_memory_bytes) {
            ui.label(format!("GPU {}", bytes(memory))).on_hover_text(
                "Memory held on the GPU for tensors, with what is kept for reuse; how busy it is cannot be asked through \
                 its graphics interface",
            );
        }
        if live && let Some((memory, busy)) = usage.read(Instant::now()) {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            ui.label(format!("CPU {busy:.1} of {threads} threads, {}", bytes(memory)))
                .on_hover_text("Processor threads kept busy and memory held by kinolens, over the last second");
        }
        if let (Some(stop), Some(e)) = (run.config.training.early_stopping, last) {
            let text = format!("plateau {} of {}", e.epochs_without_improvement, stop.patience);
            let near = e.epochs_without_improvement * 3 >= stop.patience * 2;
            let color = if near { theme::palette(ui).warn } else { ui.visuals().text_color() };
            ui.colored_label(color, text).on_hover_text(
                "Epochs since the validation's accuracy (mAP where clips have several classes) last rose; training stops when \
                 the patience is used up",
            );
        }
        if let Some(e) = best_epoch(&run.history) {
            let score = Unit::Percent.text(f64::from(e.score().unwrap_or(f32::NAN)));
            let name = if e.val_map.is_some() { "mAP " } else { "" };
            ui.colored_label(theme::palette(ui).gold, format!("best {name}{score} in epoch {}", e.epoch));
        }
        if let Some(job) = job {
            let early = last.filter(|e| e.epoch < run.config.training.epochs).map(|e| e.epoch);
            status(ui, job, step.is_none() && last.is_none(), early);
        }
    });
    if let Some(JobStatus::Failed(sentence)) = run.live.and_then(|(_, j)| j).map(|j| &j.status) {
        style::notice(ui, theme::palette(ui).bad, sentence);
    }
    for sentence in troubles {
        style::notice(ui, theme::palette(ui).warn, sentence);
    }
}

/// How the job stands; `early` is the last epoch of a training that ended before all were trained.
fn status(ui: &mut Ui, job: &JobView, starting: bool, early: Option<u32>) {
    match &job.status {
        JobStatus::Queued => drop(ui.weak("waiting for its turn")),
        JobStatus::Running => match &job.stage {
            // The epoch stands beside the name already.
            Some((label, ..)) if label.starts_with("epoch ") => {}
            Some((label, done, total)) if *total > 0 => drop(ui.weak(format!("{label} {done} / {total}"))),
            None if !starting => {}
            other => {
                ui.spinner();
                ui.weak(other.as_ref().map_or("preparing…".to_owned(), |(label, ..)| format!("{label}…")));
            }
        },
        JobStatus::Paused => drop(ui.colored_label(theme::palette(ui).warn, "paused")),
        JobStatus::Stopping => drop(ui.weak("stopping…")),
        JobStatus::Done => {
            let told = early.map_or_else(|| "done".to_owned(), |epoch| format!("ended after epoch {epoch}"));
            ui.colored_label(theme::palette(ui).good, told);
        }
        JobStatus::Cancelled => drop(ui.weak("stopped")),
        JobStatus::Failed(_) => drop(ui.colored_label(theme::palette(ui).bad, "failed")),
    }
}

impl TrainLive {
    fn controls(&mut self, ui: &mut Ui, run: &Shown<'_>, state: &AppState) {
        ui.horizontal_wrapped(|ui| {
            ui.weak("Across");
            let steps_known = !run.steps.is_empty();
            if !steps_known && self.axis == Axis::Step {
                self.axis = Axis::Epoch;
            }
            ui.add_enabled_ui(steps_known, |ui| {
                ui.selectable_value(&mut self.axis, Axis::Step, "Step")
                    .on_disabled_hover_text("Single steps are not known: this run has no event file that can be read");
            });
            ui.selectable_value(&mut self.axis, Axis::Epoch, "Epoch");
            ui.selectable_value(&mut self.axis, Axis::Time, "Time");
            ui.add_space(8.0);
            ui.checkbox(&mut self.log, "Log scale")
                .on_hover_text("Loss, learning rate and gradient norm on a log scale");
            ui.add_space(8.0);
            let label = ui.weak("Smoothing");
            ui.spacing_mut().slider_width = 90.0;
            ui.add(egui::Slider::new(&mut self.curves.smoothing, 0.0..=0.99).max_decimals(2)).labelled_by(label.id);
            self.others.menu(ui, state, run);
        });
    }

    /// Height of the small charts.
    fn low(&self) -> f32 {
        (self.high * 2.0 / 3.0).floor()
    }

    fn chart<'a>(&self, title: &'a str) -> Chart<'a> {
        let (x_name, x_unit) = match self.axis {
            Axis::Step => ("step", Unit::Plain),
            Axis::Epoch => ("epoch", Unit::Plain),
            Axis::Time => ("after", Unit::Seconds),
        };
        Chart { title, x_name, x_unit, height: self.high, empty: "appears with the first steps", ..Chart::default() }
    }

    fn charts(&mut self, ui: &mut Ui, run: &Shown<'_>, state: &AppState) {
        let others = self.others.drawn(state, run, self.axis);
        let several = several(&run.history);
        let title = if several { "mAP, and accuracy of the most probable class" } else { "Accuracy" };
        let (loss, accuracy) =
            (Chart { log: self.log, ..self.chart("Loss") }, Chart { y_unit: Unit::Percent, ..self.chart(title) });
        let (train, val) = (theme::palette(ui).train, theme::palette(ui).val);
        let t = &self.tracks;
        let dotted = Look::Dotted;
        let mut losses = Vec::new();
        let mut accuracies = Vec::new();
        if !t.step_x.is_empty() {
            let step = |name, ys| Series { name, color: train, xs: &t.step_x, ys, look: Look::Steps };
            losses.push(step("step", &t.step_loss));
            accuracies.push(step("step", &t.step_accuracy));
        }
        let epoch = |name, color, ys| Series { name, color, xs: &t.epoch_x, ys, look: dotted };
        losses.extend([epoch("train", train, &t.train_loss), epoch("validation", val, &t.val_loss)]);
        accuracies.extend([epoch("train", train, &t.train_accuracy), epoch("validation", val, &t.val_accuracy)]);
        if several {
            accuracies.push(epoch("validation mAP", theme::palette(ui).gold, &t.score));
        }
        for (name, color, path) in &others {
            let Some(o) = self.others.tracks(path) else { continue };
            let line = |ys| Series { name: name.as_str(), color: *color, xs: &o.epoch_x, ys, look: Look::Plain };
            losses.push(line(&o.val_loss));
            accuracies.push(line(&o.score));
        }
        let marks: Vec<(Mark, Mark)> = best_epoch(&run.history)
            .and_then(|e| {
                let i = run.history.iter().position(|x| x.epoch == e.epoch)?;
                let x = *t.epoch_x.get(i)?;
                let label = format!("best validation {}: epoch {}", e.score_name(), e.epoch);
                let mark = |y: Option<f32>| Mark { x, y: y.map(f64::from), label: label.clone() };
                Some((mark(e.val_loss), mark(e.score())))
            })
            .into_iter()
            .collect();
        let (loss_marks, accuracy_marks): (Vec<Mark>, Vec<Mark>) = marks.into_iter().unzip();
        let curves = &mut self.curves;
        pair(
            ui,
            curves,
            |ui, curves| curves::show(ui, &loss, &losses, &loss_marks, curves),
            |ui, curves| curves::show(ui, &accuracy, &accuracies, &accuracy_marks, curves),
        );
    }

    /// Precision and F1 weighted by support, where clips have one class each.
    fn weighted(&mut self, ui: &mut Ui) {
        let t = &self.tracks;
        let [train, val] = &t.weighted;
        if train.is_empty() && val.is_empty() {
            return;
        }
        ui.add_space(6.0);
        let chart = |title| Chart { height: self.low(), y_unit: Unit::Percent, ..self.chart(title) };
        let (precision, f1) = (chart("Weighted precision (weighted recall is the accuracy)"), chart("Weighted F1"));
        let colors = (theme::palette(ui).train, theme::palette(ui).val);
        let series = |name, color, ys| Series { name, color, xs: &t.epoch_x, ys, look: Look::Dotted };
        let both = |a, b| [series("train", colors.0, a), series("validation", colors.1, b)];
        let precisions = both(&train.precision, &val.precision);
        let f1s = both(&train.f1, &val.f1);
        let curves = &mut self.curves;
        pair(
            ui,
            curves,
            |ui, curves| curves::show(ui, &precision, &precisions, &[], curves),
            |ui, curves| curves::show(ui, &f1, &f1s, &[], curves),
        );
    }

    /// Accuracy of each class, as lines or as a map of epochs and classes.
    fn classes(&mut self, ui: &mut Ui, run: &Shown<'_>) {
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Classes").text_style(theme::section()));
            ui.selectable_value(&mut self.heat, false, "Lines");
            ui.selectable_value(&mut self.heat, true, "Heatmap")
                .on_hover_text("Epochs to the right, classes downwards");
            if self.heat {
                ui.weak("click a class to choose it");
                return;
            }
            ui.separator();
            ui.selectable_value(&mut self.lines, ClassLines::All, "All");
            ui.selectable_value(&mut self.lines, ClassLines::Weakest, "Weakest")
                .on_hover_text("The classes with the lowest value now");
            if self.lines == ClassLines::Weakest {
                ui.add(egui::DragValue::new(&mut self.top).range(1..=50).speed(0.1))
                    .accessible_name("Number of classes");
            }
            ui.selectable_value(&mut self.lines, ClassLines::Chosen, "Chosen")
                .on_hover_text("Classes chosen in the heatmap");
        });
        if self.heat {
            if let Some(class) = class_heat::show(ui, &run.history, &run.classes, &self.chosen, 260.0) {
                match self.chosen.iter().position(|c| *c == class) {
                    Some(at) => drop(self.chosen.remove(at)),
                    None => self.chosen.push(class),
                }
                self.lines = ClassLines::Chosen;
            }
            return;
        }
        let last = |c: &usize| {
            let values = self.tracks.classes.get(*c);
            values.and_then(|v| v.iter().rev().copied().find(|v| v.is_finite())).unwrap_or(f64::INFINITY)
        };
        let mut wanted: Vec<usize> = match self.lines {
            ClassLines::Chosen => self.chosen.clone(),
            _ => (0..self.tracks.classes.len()).collect(),
        };
        if self.lines == ClassLines::Weakest {
            wanted.sort_by(|a, b| last(a).total_cmp(&last(b)));
            wanted.truncate(self.top);
        }
        let series: Vec<Series<'_>> = wanted
            .iter()
            .filter_map(|c| {
                let ys = self.tracks.classes.get(*c)?;
                let look = Look::Dotted;
                Some(Series {
                    name: run.classes.name(*c),
                    color: theme::class_color(*c),
                    xs: &self.tracks.epoch_x,
                    ys,
                    look,
                })
            })
            .collect();
        let empty = match self.lines {
            ClassLines::Chosen => "choose classes in the heatmap",
            _ => "appears after the first validation",
        };
        let chart = Chart {
            y_unit: Unit::Percent,
            include: &[0.0, 1.0],
            legend: series.len() <= 12,
            empty,
            ..self.chart(if several(&run.history) {
                "Average precision of each class"
            } else {
                "Accuracy of each class"
            })
        };
        curves::show(ui, &chart, &series, &[], &mut self.curves);
    }

    fn small_charts(&mut self, ui: &mut Ui, run: &Shown<'_>) {
        ui.add_space(6.0);
        let color = theme::palette(ui).plain;
        let small =
            |title, y_unit, log| Chart { height: self.low(), y_unit, log, include: &[0.0], ..self.chart(title) };
        let (rate, gradient) =
            (small("Learning rate", Unit::Plain, self.log), small("Gradient norm", Unit::Plain, self.log));
        let (speed, memory) = (small("Clips per second", Unit::Plain, false), small("Memory", Unit::Bytes, false));
        let t = &self.tracks;
        let by_step = !t.step_x.is_empty();
        let values = |name, steps, epochs| {
            if by_step {
                Series { name, color, xs: t.step_x.as_slice(), ys: steps, look: Look::Smoothed }
            } else {
                Series { name, color, xs: t.epoch_x.as_slice(), ys: epochs, look: Look::Dotted }
            }
        };
        let (plan_x, plan) =
            if self.axis == Axis::Epoch { planned(&run.config, run.steps_per_epoch()) } else { Default::default() };
        let mut used = values("used", t.step_rate.as_slice(), t.rate.as_slice());
        if by_step {
            used.look = Look::Plain;
        } else {
            // Written down at the first step of each epoch.
            used.xs = &t.rate_x;
        }
        let mut rates = vec![used];
        if !plan.is_empty() {
            let color = ui.visuals().weak_text_color();
            rates.insert(0, Series { name: "planned", color, xs: &plan_x, ys: &plan, look: Look::Planned });
        }
        let gradients = [values("gradient norm", t.step_gradient.as_slice(), t.gradient.as_slice())];
        let speeds = if t.step_speed.iter().any(|v| v.is_finite()) {
            [values("clips/s", t.step_speed.as_slice(), &[])]
        } else {
            [Series { name: "clips/s", color, xs: &t.epoch_x, ys: &t.speed, look: Look::Dotted }]
        };
        let busy = [Series { name: "threads busy", color, xs: &t.epoch_x, ys: &t.busy, look: Look::Dotted }];
        let mut memories = vec![Series { name: "process", color, xs: &t.epoch_x, ys: &t.memory, look: Look::Dotted }];
        if t.device_memory.iter().any(|b| b.is_finite()) {
            let color = theme::palette(ui).gold;
            memories.push(Series { name: "GPU", color, xs: &t.epoch_x, ys: &t.device_memory, look: Look::Dotted });
        }
        let rates_chart = Chart { legend: rates.len() > 1, ..rate };
        let times = [Series { name: "epoch", color, xs: &t.epoch_x, ys: &t.seconds, look: Look::Dotted }];
        let [gradient, speed, memory, threads, epoch_time] = [
            gradient,
            speed,
            memory,
            small("Processor threads busy", Unit::Plain, false),
            small("Time of an epoch", Unit::Seconds, false),
        ]
        .map(|chart| Chart { legend: false, ..chart });
        let memory = Chart { legend: memories.len() > 1, ..memory };
        let curves = &mut self.curves;
        pair(
            ui,
            curves,
            |ui, curves| curves::show(ui, &rates_chart, &rates, &[], curves),
            |ui, curves| curves::show(ui, &gradient, &gradients, &[], curves),
        );
        pair(
            ui,
            curves,
            |ui, curves| curves::show(ui, &speed, &speeds, &[], curves),
            |ui, curves| curves::show(ui, &threads, &busy, &[], curves),
        );
        pair(
            ui,
            curves,
            |ui, curves| curves::show(ui, &memory, &memories, &[], curves),
            |ui, curves| curves::show(ui, &epoch_time, &times, &[], curves),
        );
    }

    fn wrong_strip(&mut self, ui: &mut Ui, live: &LiveRun, cx: &mut PanelCx<'_>) {
        if live.wrong.is_empty() {
            return;
        }
        ui.add_space(6.0);
        ui.label(
            RichText::new(format!("Wrong in the last validation: {}", live.wrong.len())).text_style(theme::section()),
        );
        let rule = FrameRule::of(&live.run.config.clip);
        let cards: Vec<ClipCard> = live
            .wrong
            .iter()
            .take(60)
            .map(|w| {
                let video = cx.state.video_named(&w.video);
                let clip = ClipRef { video: w.video.clone(), start: w.start, cut: w.cut };
                ClipCard {
                    path: video.map(|v| v.path.clone()),
                    frames: rule.numbers(&clip.clip(0), video.map_or(u32::MAX, |v| v.frames())),
                    clip,
                    truth: w.truth,
                    truths: w.truths.clone(),
                    predicted: w.predicted,
                    said: None,
                    confidence: w.probability,
                    margin: f32::NAN,
                    loss: f32::NAN,
                    tags: Vec::new(),
                    on_body: None,
                    other: None,
                }
            })
            .collect();
        let thumbs = self.thumbs.get_or_insert_with(|| Thumbs::of_window(ui.ctx()));
        let chosen = cx.state.selection.clip.clone();
        let menu: CardMenu<'_> = &mut |ui, card| clip_menu::show(ui, cx, card);
        match clip_grid::strip(ui, &cards, &live.run.classes, thumbs, chosen.as_ref(), menu) {
            Some(ClipEvent::Select(clip)) => cx.send(ChooseAction::SelectClip(clip)),
            Some(ClipEvent::Open(clip)) => cx.send(ChooseAction::ReviewClip(clip)),
            None => {}
        }
    }
}

/// True for the epochs of a multi-label task.
fn several(history: &[EpochReport]) -> bool {
    history.iter().any(|e| e.val_map.is_some())
}

/// Two things side by side where there is room, below each other otherwise.
fn pair<T>(ui: &mut Ui, shared: &mut T, left: impl FnOnce(&mut Ui, &mut T), right: impl FnOnce(&mut Ui, &mut T)) {
    if ui.available_width() < 560.0 {
        left(ui, shared);
        right(ui, shared);
        return;
    }
    ui.columns_const(|[a, b]| {
        left(a, shared);
        right(b, shared);
    });
}

fn log_pane(ui: &mut Ui, log: &[String]) {
    if log.is_empty() {
        return;
    }
    ui.add_space(6.0);
    let title = format!("Log ({})", counted(log.len() as u64, "line"));
    egui::CollapsingHeader::new(RichText::new(title).text_style(theme::section()))
        .id_salt("log")
        .default_open(true)
        .show_unindented(ui, |ui| {
            let height = ui.text_style_height(&egui::TextStyle::Monospace);
            egui::ScrollArea::vertical()
                .id_salt("log lines")
                .max_height(140.0)
                .auto_shrink([false, true])
                .stick_to_bottom(true)
                .show_rows(ui, height, log.len(), |ui, range| {
                    for line in log.get(range).unwrap_or_default() {
                        ui.add(egui::Label::new(RichText::new(line).monospace()).truncate());
                    }
                });
        });
}

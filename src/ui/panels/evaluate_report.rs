//! How good a checkpoint is, what puts the number in doubt, and the matrix behind it.

use super::compare_runs::report_line;
use super::evaluate_epochs::Through;
use super::{figures, next_steps};
use crate::domain::{ClassChange, counted, leaf};
use crate::jobs::{CheckpointRef, Job, RunView, SplitChoice};
use crate::progress::EpochReport;
use crate::run_folder::{ClassMetrics, ConfusedPair, Confusion, Evaluation};
use crate::ui::action::{ChooseAction, CompareAction, SystemAction, WindowAction, WorkAction};
use crate::ui::arrangement::RunArrangement;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{NextStep, PathPurpose, Workspace};
use crate::ui::widgets::class_bars::{self, BarState, ClassBars};
use crate::ui::widgets::matrix::{self, Matrix, MatrixPick, MatrixState};
use crate::ui::widgets::score_card::{self, Interval, figure as card};
use crate::ui::widgets::{class_notice, confused_pairs, network_pick, style, text};
use crate::ui::{Action, AppState, theme};
use egui::{RichText, Ui};
use std::path::PathBuf;

/// A run, an epoch of it, and how many epochs it had.
type EpochKey = (Same<RunView>, u32, usize);
/// The confusion matrix of an epoch with the metrics of each class.
type EpochMatrix = (Confusion, Vec<ClassMetrics>);

/// The panel.
#[derive(Default)]
pub struct EvaluateReport {
    matrix: MatrixState,
    bars: BarState,
    /// Pairs of classes instead of the bars of classes, where there is no room for both.
    pairs: bool,
    /// The validation's matrix of an epoch instead of the evaluation's.
    through: Through,
    /// The matrix of an epoch with what follows from it.
    of_epoch: Derived<EpochKey, EpochMatrix>,
    /// How the results of which run are looked at, as it was taken over.
    seen: (Option<PathBuf>, RunArrangement),
    /// The same as it was last asked to be kept.
    sent: RunArrangement,
}

impl Panel for EvaluateReport {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        if cx.state.runs.is_empty() {
            let awaited = cx.state.awaited_run();
            let next = awaited.as_deref().unwrap_or("Train one, or open a run folder.");
            let button = if awaited.is_some() { "Watch it learn" } else { "Train one" };
            if style::empty_state(
                ui,
                "No run yet",
                &format!("Evaluation needs a trained network. {next}"),
                Some(button),
            ) {
                cx.send(WindowAction::SetWorkspace(Workspace::Train));
            }
            ui.vertical_centered(|ui| {
                if ui.button("Open a run…").clicked() {
                    cx.send(SystemAction::AskPath(PathPurpose::Run));
                }
            });
            return;
        }
        pickers(ui, cx);
        if let Some(run) = cx.state.run().cloned() {
            class_notice::show(ui, cx, &run);
        }
        let state = cx.state;
        let Some(entry) = state.evaluation() else {
            if state.epoch_shown.is_some() {
                cx.send(WindowAction::ShowEpoch(None));
            }
            missing(ui, cx);
            return;
        };
        let evaluation = entry.evaluation.as_ref();
        self.follow(state);
        let history = state.run_at(&entry.run).map_or(&[][..], |r| r.history.as_slice());
        let epoch = self.through.epoch(history);
        let now = epoch.map(|e| e.epoch);
        if now != state.epoch_shown {
            cx.send(WindowAction::ShowEpoch(now));
        }
        match epoch {
            Some(epoch) => {
                // Nothing of the evaluation belongs to that epoch: all that is shown is made from its own counts.
                let key = (Same::maybe(state.run_at(&entry.run)), epoch.epoch, evaluation.classes.len());
                let made = self.of_epoch.get(key, || {
                    let confusion = Confusion::of_cells(evaluation.classes.len(), &epoch.confusion);
                    let metrics = confusion.per_class(&evaluation.classes);
                    (confusion, metrics)
                });
                let (confusion, metrics) = made.as_ref();
                epoch_cards(ui, epoch, confusion);
                let shown = Matrix { confusion, classes: &evaluation.classes, together: None };
                let bars = ClassBars { metrics, average_precision: None };
                self.body(ui, &shown, bars, None, (history, None));
            }
            None => {
                identity(ui, state, evaluation);
                summary(ui, evaluation);
                let shown = Matrix::of(evaluation);
                let selected = state.selection.cell;
                let average_precision = evaluation.multi_label.as_ref().map(|m| m.average_precision.as_slice());
                let bars = ClassBars { metrics: &evaluation.per_class, average_precision };
                let confused = state.confused_pairs();
                let more = (history, confused.as_ref().map(|p| p.as_slice()));
                let (pick, figure) = self.body(ui, &shown, bars, selected, more);
                if let Some(pick) = pick {
                    select(cx, pick, selected);
                }
                if let Some(figure) = figure {
                    figures::matrix(&figure, cx, &entry.evaluation, self.matrix.mode);
                }
            }
        }
        self.keep(cx);
    }
}

impl EvaluateReport {
    /// Takes over how the results of the chosen run were looked at.
    fn follow(&mut self, state: &AppState) {
        let now = (state.selection.run.clone(), state.run_arrangement());
        if self.seen == now {
            return;
        }
        if self.seen.0 != now.0 {
            self.through = Through::default();
        }
        (self.matrix.mode, self.matrix.sort) = (now.1.mode, now.1.matrix);
        self.bars = BarState { sort: now.1.bars, descending: now.1.bars_descending };
        self.sent.clone_from(&now.1);
        self.seen = now;
    }

    /// Has it kept with the run when it changed.
    fn keep(&mut self, cx: &mut PanelCx<'_>) {
        let now = RunArrangement {
            mode: self.matrix.mode,
            matrix: self.matrix.sort,
            bars: self.bars.sort,
            bars_descending: self.bars.descending,
            ..cx.state.run_arrangement()
        };
        if now != self.sent {
            self.sent.clone_from(&now);
            cx.send(WindowAction::Arrange(now));
        }
    }

    /// The matrix, and beside it the bars of the classes and the pairs that are confused; what was chosen.
    fn body(
        &mut self,
        ui: &mut Ui,
        shown: &Matrix<'_>,
        bars: ClassBars<'_>,
        selected: Option<MatrixPick>,
        (history, confused): (&[EpochReport], Option<&[ConfusedPair]>),
    ) -> (Option<MatrixPick>, Option<egui::Response>) {
        let mut figure = None;
        ui.add_space(4.0);
        let mut size = ui.available_size();
        let low = size.y < LOWEST;
        size.y = size.y.max(LOWEST);
        let three = size.x >= THREE_COLUMNS && confused.is_some();
        let bars_width = (size.x * 0.42).clamp(260.0, 520.0);
        let pairs_width = if three { 360.0 } else { 0.0 };
        // No wider than cells become: what stands beside them is not to be looked for at the other end of the screen.
        let most = matrix::widest(shown.classes.len());
        let matrix_width = (size.x - bars_width - pairs_width - 28.0).clamp(160.0, most.max(520.0));
        let mut picked = None;
        let mut parts = |ui: &mut Ui| {
            ui.horizontal_top(|ui| {
                column(ui, egui::vec2(matrix_width, size.y), |ui| {
                    self.matrix.counts_only = self.through.on;
                    ui.horizontal_wrapped(|ui| {
                        ui.spacing_mut().item_spacing.x = 5.0;
                        if !self.through.on {
                            matrix::controls(ui, &mut self.matrix, shown.together.is_some());
                        }
                        matrix::size_controls(ui, &mut self.matrix, shown.classes.len());
                        self.through.ui(ui, history);
                    });
                    let shown = ui.scope(|ui| picked = matrix::show(ui, shown, selected, &mut self.matrix)).response;
                    figure = Some(shown);
                });
                let bars_width = if three { bars_width } else { ui.available_width() };
                column(ui, egui::vec2(bars_width, size.y), |ui| {
                    if let Some(pairs) = confused.filter(|_| !three) {
                        ui.horizontal(|ui| {
                            ui.selectable_value(&mut self.pairs, false, "Per class");
                            ui.selectable_value(&mut self.pairs, true, "Most confused");
                        });
                        if self.pairs {
                            picked = confused_pairs::show(ui, pairs, shown, selected).or(picked);
                            return;
                        }
                    }
                    picked = class_bars::show(ui, bars, selected, &mut self.bars).or(picked);
                });
                if let Some(pairs) = confused.filter(|_| three) {
                    let rest = egui::vec2(ui.available_width().min(640.0), size.y);
                    column(ui, rest, |ui| {
                        ui.strong("Most confused");
                        picked = confused_pairs::show(ui, pairs, shown, selected).or(picked);
                    });
                }
            })
        };
        match low {
            true => drop(egui::ScrollArea::vertical().id_salt("matrix and classes").show(ui, parts)),
            false => drop(parts(ui)),
        }
        (picked, figure)
    }
}

/// A matrix and the classes beside it need this height; where there is less they are scrolled.
const LOWEST: f32 = 150.0;
/// Wider than this there is room for a third column.
const THREE_COLUMNS: f32 = 1500.0;

/// Something in a column of this size.
fn column(ui: &mut Ui, size: egui::Vec2, add: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.set_min_size(size);
        ui.set_max_size(size);
        add(ui);
    });
}

/// What is known of an epoch's validation.
fn epoch_cards(ui: &mut Ui, epoch: &EpochReport, confusion: &Confusion) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 6.0);
        let at = format!("validation, epoch {}", epoch.epoch);
        let clips = counted(confusion.total(), "clip");
        let accuracy = epoch.val_accuracy.map_or(f64::NAN, f64::from);
        card(ui, "Accuracy", &percent(accuracy), &format!("{at}, {clips}"), "Of the validation clips after this epoch");
        let recalls: Vec<f64> = confusion.recalls().into_iter().flatten().collect();
        let mean = recalls.iter().sum::<f64>() / recalls.len() as f64;
        card(ui, "Mean class", &percent(mean), &at, "Mean recall of the classes that have clips");
        let loss = epoch.val_loss.map_or("–".to_owned(), |l| format!("{l:.3}"));
        card(ui, "Loss", &loss, &at, "Mean loss of the validation clips");
    });
}

/// Choosing the same part again lets go of it.
fn select(cx: &mut PanelCx<'_>, pick: MatrixPick, selected: Option<MatrixPick>) {
    let pick = (selected != Some(pick)).then_some(pick);
    let output = match pick {
        Some(MatrixPick::Row(c) | MatrixPick::Column(c) | MatrixPick::Cell { truth: c, .. }) => Some(c),
        None => None,
    };
    let class = output.and_then(|output| cx.state.class_of_output(output));
    cx.send(ChooseAction::SelectCell(pick));
    cx.send(ChooseAction::SelectClass(class));
}

/// Run, checkpoint and split, and the button that evaluates.
fn pickers(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    let state = cx.state;
    let mut actions = Vec::new();
    ui.horizontal_wrapped(|ui| {
        let label = ui.weak("Run");
        let name = state.run().map_or_else(|| "choose a run".to_owned(), |r| leaf(&r.path));
        let combo = egui::ComboBox::from_id_salt("run").selected_text(text::elide(&name, 26)).width(150.0);
        combo
            .show_ui(ui, |ui| {
                if let Some(path) = network_pick::runs(ui, state, state.selection.run.as_deref()) {
                    actions.push(Action::Choose(ChooseAction::SelectRun(Some(path))));
                }
            })
            .response
            .labelled_by(label.id);
        if let Some(run) = state.run() {
            let label = ui.weak("Checkpoint");
            let chosen = state.checkpoint_name();
            let text = match chosen.and_then(|name| run.checkpoint(name)) {
                Some(checkpoint) => network_pick::title(run, checkpoint),
                None => chosen.unwrap_or("none yet").to_owned(),
            };
            egui::ComboBox::from_id_salt("checkpoint")
                .selected_text(text)
                .width(150.0)
                .show_ui(ui, |ui| {
                    if let Some(name) = network_pick::checkpoints(ui, run, chosen) {
                        actions.push(Action::Choose(ChooseAction::SelectCheckpoint(Some(name))));
                    }
                })
                .response
                .labelled_by(label.id);
        }
        let label = ui.weak("Split");
        egui::ComboBox::from_id_salt("split")
            .selected_text(state.selection.split.name())
            .width(70.0)
            .show_ui(ui, |ui| {
                for split in [SplitChoice::Test, SplitChoice::Val, SplitChoice::Train, SplitChoice::All] {
                    if ui.selectable_label(state.selection.split == split, split.name()).clicked() {
                        actions.push(Action::Choose(ChooseAction::SelectSplit(split)));
                    }
                }
            })
            .response
            .labelled_by(label.id);
        let busy = running(state);
        let name = state.checkpoint_name().map(str::to_owned);
        let ready = state.dataset.is_some() && state.run().is_some() && name.is_some() && busy.is_none();
        let p = theme::palette(ui);
        // What is evaluated leads on; evaluating it again is no next step.
        let button = if ready && state.evaluation().is_none() {
            egui::Button::new(RichText::new("Evaluate checkpoint").color(p.on_accent)).fill(p.accent)
        } else {
            egui::Button::new("Evaluate checkpoint")
        };
        let why = match (state.dataset.is_some(), state.run().is_some()) {
            (false, _) => "Open a dataset first",
            (_, false) => "Choose a run first",
            _ if busy.is_some() => "An evaluation is running",
            _ => "This run has no checkpoint yet",
        };
        if ui.add_enabled(ready, button).on_disabled_hover_text(why).clicked()
            && let Some(run) = state.run()
        {
            let checkpoint = CheckpointRef { run: run.path.clone(), name };
            actions.push(Action::Work(WorkAction::Evaluate(checkpoint, state.selection.split)));
        }
        if let Some(text) = busy {
            ui.spinner();
            ui.weak(text);
        }
        if state.selection.cell.is_none() && state.next_steps().contains(&NextStep::WorstConfusion) {
            next_steps::button(ui, cx, &NextStep::WorstConfusion, true);
        }
        more(ui, state, &mut actions);
        if state.dataset.is_none() && ui.button("Open a dataset…").clicked() {
            actions.push(Action::System(SystemAction::AskPath(PathPurpose::Dataset)));
        }
    });
    for action in actions {
        cx.send(action);
    }
}

/// A report on the run in use, other runs beside it, and the training that is followed.
fn more(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let network = state.selection.checkpoint_ref().filter(|_| state.checkpoint_name().is_some());
    if let Some(network) = network {
        let help = "One HTML file: scores, tests, curves, errors with maps over them";
        if ui.button("Report…").on_hover_text(help).clicked() {
            let split = Some(state.selection.split).filter(|_| state.dataset.is_some());
            actions.push(CompareAction::AskReport(vec![network], split).into());
        }
        if state.runs.len() > 1 && ui.button("Compare…").on_hover_text("With other runs, on the same clips").clicked()
        {
            actions.push(CompareAction::Open.into());
        }
    }
    if state.live_training().is_some_and(|(live, _)| state.run_at(&live.run.path).is_some()) {
        let mut on = state.follow_training;
        let help = "Evaluates the newest weights of the run in training after each of its validations";
        if ui.checkbox(&mut on, "Follow training").on_hover_text(help).changed() {
            actions.push(WorkAction::FollowTraining(on).into());
        }
    }
    report_line(ui, state, actions);
}

/// What the evaluation that runs is doing.
fn running(state: &AppState) -> Option<String> {
    let job = state.jobs.iter().rev().find(|j| j.status.is_live() && matches!(j.job, Job::Evaluate(_)))?;
    Some(match &job.stage {
        Some((label, done, total)) if *total > 0 => format!("{label} {done} / {total}"),
        Some((label, ..)) => format!("{label}…"),
        None => "starting…".into(),
    })
}

/// Which weights the numbers below are of, on what and from when; and where something else is in use by now.
fn identity(ui: &mut Ui, state: &AppState, e: &Evaluation) {
    let p = theme::palette(ui);
    let identity = e.identity();
    let data = std::path::Path::new(&e.dataset);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let on = if data.as_os_str().is_empty() { String::new() } else { format!(" of {}", leaf(data)) };
        let when = identity.when().map_or(String::new(), |w| format!(", {w}"));
        let text = format!("Evaluated: {} · {}{on}, {}{when}", identity.weights(), e.split, counted(e.clips, "clip"));
        ui.label(RichText::new(text).color(p.muted)).on_hover_text(format!("{}\n{}", e.run, e.dataset));
    });
    if !e.label_map.is_empty() {
        let text = format!("Label map: {}", ClassChange::words(&e.label_map).join(", "));
        ui.add(egui::Label::new(RichText::new(&text).color(p.muted)).truncate()).on_hover_text(text);
    }
    let now = state.run().and_then(|r| r.checkpoint(&e.checkpoint));
    if let Some(now) = now.filter(|now| now.epoch.is_some() && now.step != e.step) {
        let trained = now.epoch.map_or(String::new(), |n| format!(" (epoch {n} now)"));
        let text = format!(
            "{} was trained further since{trained}: these numbers are of {}. Evaluate it again.",
            e.checkpoint,
            identity.weights()
        );
        style::notice(ui, theme::palette(ui).warn, &text);
    }
    if state.dataset.is_some() && !data.as_os_str().is_empty() && !state.is_of_dataset(e) {
        let text = format!("These numbers are of {}, which is not the open dataset.", data.display());
        style::notice(ui, theme::palette(ui).warn, &text);
    }
}

fn missing(ui: &mut Ui, cx: &mut PanelCx<'_>) {
    let state = cx.state;
    let (title, text) = match state.run() {
        None => ("Choose a run", "Choose the run to evaluate at the top.".to_owned()),
        Some(_) if running(state).is_some() => {
            ("Evaluating…", "The score and the matrix appear here as soon as every clip has been seen.".to_owned())
        }
        Some(run) => (
            "Not evaluated yet",
            format!(
                "{} of {} has not been evaluated on the {} clips.",
                state.checkpoint_name().unwrap_or("This checkpoint"),
                leaf(&run.path),
                state.selection.split.name()
            ),
        ),
    };
    let can = state.dataset.is_some() && state.checkpoint_name().is_some() && running(state).is_none();
    let button = can.then(|| format!("Evaluate on {}", state.selection.split.name()));
    if style::empty_state(ui, title, &text, button.as_deref()) {
        cx.send(WorkAction::EvaluateInUse(None));
    }
    let others = state.evaluations_of_run();
    if others.is_empty() {
        return;
    }
    ui.add_space(14.0);
    ui.vertical_centered(|ui| {
        ui.weak("Results of other checkpoints of this run");
        for entry in others {
            let e = entry.evaluation.as_ref();
            let text = format!("{}: {} on {}", e.identity().weights(), percent(e.score()), e.split);
            if ui.button(text).clicked() {
                cx.send(ChooseAction::SelectCheckpoint(Some(e.checkpoint.clone())));
            }
        }
    });
}

fn percent(value: f64) -> String {
    if value.is_finite() { format!("{:.1} %", value * 100.0) } else { "–".into() }
}

fn cards(ui: &mut Ui, e: &Evaluation) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(16.0, 6.0);
        headline(ui, e);
        ui.vertical(|ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| figures(ui, e));
        });
    });
}

/// The number of the page, twice as large as the others, with its interval.
fn headline(ui: &mut Ui, e: &Evaluation) {
    if let Some(m) = &e.multi_label {
        let help = "Mean average precision of the classes that a clip shows. Clips have several classes, so there is no \
                    confusion matrix";
        let scale = Interval { value: m.map, low: m.map, high: m.map, baseline: m.chance };
        score_card::headline(ui, "mAP", &percent(m.map), &format!("by chance {}", percent(m.chance)), help, scale);
        return;
    }
    let i = &e.accuracy_interval;
    let scale = Interval { value: e.accuracy, low: i.low, high: i.high, baseline: e.majority_baseline };
    score_card::headline(ui, "Accuracy", &percent(e.accuracy), &interval(e), INTERVAL, scale);
}

const INTERVAL: &str =
    "Wilson's 95 % interval over single clips. Clips of one video are alike, so the truth may lie further out.";

fn interval(e: &Evaluation) -> String {
    let (low, high) = (e.accuracy_interval.low * 100.0, e.accuracy_interval.high * 100.0);
    format!("{low:.0}–{high:.0} % (Wilson), {}", counted(e.clips, "clip"))
}

fn figures(ui: &mut Ui, e: &Evaluation) {
    ui.spacing_mut().item_spacing = egui::vec2(20.0, 6.0);
    if e.multi_label.is_some() {
        card(ui, "Most probable correct", &percent(e.accuracy), &interval(e), INTERVAL);
    }
    let with_clips = e.per_class.iter().filter(|c| c.support > 0).count();
    let classes = format!("{with_clips} of {} classes", e.per_class.len());
    card(ui, "Mean class", &percent(e.mean_class_accuracy), &classes, "Mean recall of the classes that have clips");
    let top5 = format!("top 5 {}", percent(e.top5_accuracy));
    card(ui, "Top 3", &percent(e.top3_accuracy), &top5, "The label is among the most probable classes");
    let weighted = format!("weighted {:.2}", e.weighted_average.f1);
    let f1 = format!("{:.2}", e.macro_average.f1);
    card(ui, "F1", &f1, &weighted, "Mean over classes; weighted: by their clips");
    let (kind, help) = match e.multi_label {
        None => ("cross-entropy", "Mean cross-entropy of the clips"),
        Some(_) => ("binary cross-entropy", "Mean binary cross-entropy of clips and classes"),
    };
    card(ui, "Loss", &format!("{:.3}", e.loss), kind, help);
    card(
        ui,
        "Baseline",
        &percent(e.majority_baseline),
        "always the majority class",
        "Accuracy of always predicting the majority class",
    );
    if let Some(f) = &e.frames {
        let text = format!("edit {:.0}, F1@25 {:.0}", f.edit, f.f1_25);
        let with = f
            .accuracy_with_background
            .map_or_else(String::new, |a| format!(" With background, as MS-TCN counts: {}.", percent(a)));
        let help = format!(
            "Frame by frame, background left out.{with} F1@10 {:.0}, @25 {:.0}, @50 {:.0}",
            f.f1_10, f.f1_25, f.f1_50
        );
        card(ui, "Frames", &percent(f.accuracy), &text, &help);
    }
}

/// Narrower than this the doubts lie below the cards instead of beside them.
const BESIDE: f32 = 1000.0;

/// The cards, and beside them, where there is room, what puts them in doubt: the matrix needs the height.
fn summary(ui: &mut Ui, e: &Evaluation) {
    if e.warnings.is_empty() || ui.available_width() < BESIDE {
        cards(ui, e);
        if !e.warnings.is_empty() {
            ui.add_space(4.0);
            warnings(ui, e, 64.0);
        }
        return;
    }
    let before = ui.cursor().min;
    let width = ui.available_width();
    let share = (width * 0.62).max(620.0);
    let cards = ui.scope_builder(
        egui::UiBuilder::new().max_rect(egui::Rect::from_min_size(before, egui::vec2(share, 400.0))),
        |ui| cards(ui, e),
    );
    let height = cards.response.rect.height();
    let left = cards.response.rect.right() + 12.0;
    let rest = egui::Rect::from_min_max(egui::pos2(left, before.y), egui::pos2(before.x + width, before.y + height));
    let mut beside = ui.new_child(egui::UiBuilder::new().max_rect(rest));
    beside.set_clip_rect(rest.intersect(ui.clip_rect()));
    warnings(&mut beside, e, height);
}

/// Sentences that put the score in doubt; a few at full length, the others by scrolling.
fn warnings(ui: &mut Ui, e: &Evaluation, height: f32) {
    egui::ScrollArea::vertical().id_salt("doubts").max_height(height).auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        for sentence in &e.warnings {
            let text = RichText::new(sentence).text_style(theme::caption());
            style::notice_with(ui, theme::palette(ui).warn, |ui| drop(ui.label(text)));
        }
    });
}

//! What is chosen, in facts.

use crate::domain::{Label, SAID_AT, Split, Task, TimeView, VideoEntry, counted, duration, leaf};
use crate::run_folder::ClipNote;
use crate::ui::action::{ChooseAction, WorkAction};
use crate::ui::awaited::Awaited;
use crate::ui::committed::Committed;
use crate::ui::explain::ClipAnswer;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{JobStatus, Workspace};
use crate::ui::theme;
use crate::ui::widgets::tags;
use crate::ui::widgets::text::{fps, name};
use crate::ui::widgets::view_votes::{self, ViewVotes};
use egui::{RichText, Sense, Vec2};

/// Probability bars shown.
const BARS: usize = 6;

/// The inspector.
#[derive(Default)]
pub struct Inspector {
    /// A new tag while it is typed.
    fresh: String,
    /// How the views of the explained clip voted.
    votes: ViewVotes,
}

impl Panel for Inspector {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let Some((index, video)) = state.video() else {
            ui.weak("Nothing is chosen.");
            return;
        };
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            ui.spacing_mut().interact_size.y = 18.0;
            if state.workspace == Workspace::Review {
                prediction(ui, cx);
                self.views(ui, cx);
                ui.add_space(8.0);
                self.notes(ui, cx);
            }
            frame(ui, cx, video);
            ui.add_space(8.0);
            facts(ui, cx, index, video);
        });
    }
}

impl Inspector {
    /// The views in which an evaluation sees the explained clip: how they voted, and which of them is shown.
    fn views(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let (Some(_), Some(clip)) = (state.run(), state.clip_with_views()) else { return };
        let entry = state.evaluation();
        let found = entry.and_then(|e| Some((state.prediction_of(e, &clip)?, &e.evaluation.classes)));
        let voted = found.and_then(|(prediction, classes)| view_votes::summary(prediction, classes));
        let views = state.views(&clip).len();
        if voted.is_none() && views < 2 {
            return;
        }
        ui.add_space(8.0);
        section(ui, "Views");
        ui.label(voted.unwrap_or_else(|| format!("views: {views}; evaluate the run to see how they vote")));
        let one = state.selection.view_of(&clip).is_none();
        let button = egui::Button::selectable(one, RichText::new("The clip as one look").text_style(theme::caption()));
        let help = "Frames and crop in the middle: what is explained while no view is chosen (V goes to the next view)";
        if ui.add(button).on_hover_text(help).clicked() {
            cx.send(ChooseAction::SelectView(clip.clone(), None));
        }
        if let Some(view) = self.votes.table(ui, state, &clip, entry) {
            cx.send(ChooseAction::SelectView(clip, Some(view)));
        }
    }

    /// Tags and notes of the explained clip.
    fn notes(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        let state = cx.state;
        let (Some(run), Some(clip)) = (state.run(), state.explained_clip()) else { return };
        section(ui, "Notes");
        if let Some(problem) = &run.notes_problem {
            ui.colored_label(theme::palette(ui).bad, problem);
            return;
        }
        let note = state.note(&clip).cloned().unwrap_or_default();
        let mut changed = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            changed = tags::menu(ui, &note, state.notes.get(&run.path), &mut self.fresh);
            changed = tags::row(ui, &note).or(changed.take());
        });
        let mut written = note.text.clone();
        let field = egui::TextEdit::multiline(&mut written).desired_rows(2).desired_width(f32::INFINITY);
        let field = ui.add(field.hint_text("A note on this clip…"));
        name(&field, "Note");
        if written != note.text {
            changed = Some(ClipNote { text: written, ..changed.unwrap_or(note) });
        }
        if let Some(note) = changed {
            cx.send(WorkAction::SetNote(clip, note));
        }
        ui.add_space(8.0);
    }
}

fn section(ui: &mut egui::Ui, title: &str) {
    ui.label(RichText::new(title).text_style(theme::section()));
}

/// The left column of a fact.
fn name_column(ui: &mut egui::Ui, text: RichText) {
    ui.scope(|ui| {
        ui.set_min_width(62.0);
        ui.label(text);
    });
}

fn pair(ui: &mut egui::Ui, name: &str, value: impl Into<String>) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        let caption = RichText::new(name).text_style(theme::caption()).color(p.muted);
        name_column(ui, caption);
        let value = value.into();
        ui.add(egui::Label::new(RichText::new(&value).text_style(theme::caption())).truncate()).on_hover_text(value);
    });
}

fn frame(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, video: &VideoEntry) {
    section(ui, "Frame");
    let Some(shown) = cx.services.shown().filter(|s| s.video == video.name) else {
        ui.weak("decoding…");
        return;
    };
    let mut labels: Vec<Option<Label>> = shown.labels.iter().copied().map(Some).collect();
    if labels.is_empty() {
        labels.push(None);
    }
    for label in labels {
        ui.horizontal(|ui| {
            let p = theme::palette(ui);
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(11.0), Sense::hover());
            ui.painter().rect_filled(rect, 2.0, theme::label_color(label, &p));
            ui.strong(cx.state.label_name(label));
        });
    }
    pair(ui, "frame", format!("{} / {}", shown.index, video.frames().saturating_sub(1)));
    pair(ui, "time", format!("{:.3} s", shown.pts_s));
    let track = &video.labels;
    if let Some(segment) = track.segments().iter().find(|s| s.start <= shown.index && shown.index < s.end) {
        let end = segment.end.min(video.frames());
        let frames = counted(u64::from(end - segment.start), "frame");
        pair(ui, "segment", format!("{} to {} ({frames})", segment.start, end.saturating_sub(1)));
    }
}

fn facts(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, index: usize, video: &VideoEntry) {
    let p = theme::palette(ui);
    section(ui, "Video");
    ui.add(egui::Label::new(RichText::new(&video.name).strong()).truncate())
        .on_hover_text(video.path.display().to_string());
    if !video.subject.is_empty() {
        pair(ui, "subject", &video.subject);
    }
    match (cx.state.part_in_run(index), cx.state.run()) {
        (Some(part), Some(run)) => {
            let part = if part == Split::Unassigned { "not used" } else { part.name() };
            pair(ui, "split", format!("{part} in {}", leaf(&run.path)));
            if video.split.name() != part {
                pair(ui, "", format!("{} in the dataset", video.split.name()));
            }
        }
        _ => pair(ui, "split", video.split.name()),
    }
    match &video.facts {
        Some(f) => {
            pair(ui, "size", format!("{}×{}", f.width, f.height));
            let variable = if f.variable_frame_rate { ", variable" } else { "" };
            pair(ui, "rate", format!("{} fps{variable}", fps(f.fps)));
            pair(ui, "length", format!("{}, {}", counted(u64::from(f.frames), "frame"), duration(f.duration_s)));
            pair(ui, "codec", &f.codec);
        }
        None if video.is_pending() => drop(ui.weak("This video is not indexed yet.")),
        None => drop(ui.colored_label(p.bad, "This video cannot be opened; see the Warnings panel.")),
    }
    let there = |yes: bool| if yes { "yes" } else { "none" };
    pair(ui, "masks", there(video.masks.is_some()));
    pair(ui, "poses", there(video.poses.is_some()));
    if let Some(warnings) = cx.state.warnings_by_video.get(&index) {
        for warning in warnings.iter().take(5) {
            ui.colored_label(p.warn, RichText::new(warning).text_style(theme::caption()));
        }
    }
    classes(ui, cx, video);
}

/// Classes of the video as buttons that choose the class everywhere.
fn classes(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, video: &VideoEntry) {
    let totals = video.frames_by_label();
    if totals.is_empty() {
        return;
    }
    ui.add_space(8.0);
    section(ui, "Labels");
    for (label, frames) in totals {
        let p = theme::palette(ui);
        ui.horizontal(|ui| {
            // As high as the button beside it, so that both stand on one line.
            let (rect, _) = ui.allocate_exact_size(Vec2::new(10.0, 24.0), Sense::hover());
            let square = egui::Rect::from_center_size(rect.center(), Vec2::splat(10.0));
            ui.painter().rect_filled(square, 2.0, theme::label_color(Some(label), &p));
            let chosen = label.class().is_some() && cx.state.selection.class == label.class();
            let source =
                label.class().and_then(|c| cx.state.classes().classes.get(c)).and_then(|c| c.source.as_deref());
            let number = source.map_or_else(String::new, |s| format!(" (no. {s})"));
            let counted = counted(frames, "frame");
            let right = RichText::new(&counted).text_style(theme::caption()).color(p.muted);
            let name = cx.state.label_name(Some(label));
            let button = egui::Button::selectable(chosen, format!("{name}{number}"))
                .truncate()
                .right_text(right)
                .min_size(Vec2::new(ui.available_width(), 24.0));
            let source = source.map_or_else(String::new, |s| format!(", number {s} in the files"));
            if ui.add(button).on_hover_text(format!("{name}: {counted}{source}")).clicked() {
                cx.send(ChooseAction::SelectClass(if chosen { None } else { label.class() }));
            }
        });
    }
}

fn prediction(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let p = theme::palette(ui);
    section(ui, "Clip");
    let state = cx.state;
    let Some(checkpoint) = state.selection.checkpoint_ref() else {
        ui.weak("No run is chosen.");
        return;
    };
    let shown = cx.services.shown();
    let clip = shown.and_then(|s| state.clip_at(&s.video, s.index)).or_else(|| state.explained_clip());
    let Some(clip) = clip else { return };
    let (span, _) = state.window_geometry();
    ui.horizontal(|ui| {
        let last = clip.end(span).min(state.frames().max(clip.start + 1)) - 1;
        let text = format!("frames {} to {last}", clip.start);
        ui.label(RichText::new(text).text_style(theme::caption()));
        if state.selection.clip.is_some()
            && ui.small_button("unpin").on_hover_text("Let the clip follow the playhead again").clicked()
        {
            cx.send(ChooseAction::FollowPlayhead);
        }
    });
    if let Some(view) = state.selection.view_of(&clip) {
        pair(ui, "view", view.cut.view_words(state.is_wide(view)));
    }
    if let Some(run) = state.run() {
        pair(ui, "run", leaf(&run.path));
        pair(ui, "weights", state.identity().map_or_else(|| "none yet".to_owned(), |i| i.weights()));
        if state.is_foreign(run) {
            ui.colored_label(p.bad, "Its classes are not those of this dataset: map them first.");
            return;
        }
    }
    let asked = state.explain.verdict(&checkpoint, &clip);
    let Awaited::Ready(answer) = asked else {
        // What stands below must not jump when the answer comes.
        let rows = state.run().map_or(0, |r| r.classes.len()).min(BARS) as f32;
        ui.scope(|ui| {
            ui.set_min_height(rows * 20.0 + 70.0);
            match asked.reason() {
                Some(sentence) => drop(ui.colored_label(p.bad, sentence)),
                None => drop(ui.weak("asking the network…")),
            }
        });
        return;
    };
    let windowed = state.run().filter(|_| matches!(clip.cut.time, TimeView::Window));
    if let Some(sentence) = windowed.and_then(|r| crate::eval::spread_frames(&r.config.clip)) {
        ui.colored_label(
            p.warn,
            RichText::new(format!("No instance is here: {sentence}.")).text_style(theme::caption()),
        );
    }
    verdict(ui, answer);
    bars(ui, cx, answer);
    if let Some(frame) = shown {
        heat_on_body(ui, cx, frame, answer);
    }
    let predicting = state.jobs.iter().any(|j| {
        j.status.is_live() && j.status != JobStatus::Stopping && matches!(j.job, crate::jobs::Job::PredictVideo(_))
    });
    let known = state.video_predictions.get(&(checkpoint, clip.video.clone()));
    for warning in known.iter().flat_map(|p| &p.warnings) {
        ui.colored_label(p.warn, RichText::new(format!("Prediction track: {warning}.")).text_style(theme::caption()));
    }
    if known.is_none() && ui.add_enabled(!predicting, egui::Button::new("Predict whole video")).clicked() {
        cx.send(WorkAction::PredictVideo);
    }
}

fn verdict(ui: &mut egui::Ui, answer: &ClipAnswer) {
    let p = theme::palette(ui);
    let said = answer.classes.name(answer.predicted);
    let probability = answer.probabilities.get(answer.predicted).copied().unwrap_or(0.0);
    let truths: Vec<&str> = answer.truths.iter().map(|c| answer.classes.name(*c)).collect();
    if !truths.is_empty() {
        pair(ui, "true", truths.join(" + "));
    }
    if answer.task == Task::MultiLabel {
        let said: Vec<String> = crate::domain::said(&answer.probabilities)
            .map(|c| format!("{} {:.2}", answer.classes.name(c), answer.probabilities.get(c).copied().unwrap_or(0.0)))
            .collect();
        let text = if said.is_empty() { format!("nothing at {SAID_AT} or more") } else { said.join(" + ") };
        pair(ui, "predicted", text);
    }
    ui.horizontal(|ui| {
        let name = if answer.task == Task::MultiLabel { "most probable" } else { "predicted" };
        name_column(ui, RichText::new(name).text_style(theme::caption()).color(p.muted));
        let (color, mark) = match answer.right {
            Some(true) => (p.good, ", right"),
            Some(false) => (p.bad, ", wrong"),
            None => (p.text, ""),
        };
        // The name may be cut, what follows it never: a class with a long name is the first of the bars below.
        let end = format!(" {probability:.2}{mark}");
        let small = |text: &str| RichText::new(text).text_style(theme::caption()).color(color);
        let font = theme::caption().resolve(ui.style());
        let taken = ui.painter().layout_no_wrap(end.clone(), font, color).size().x;
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - taken).max(24.0));
            ui.add(egui::Label::new(small(said)).truncate());
        });
        ui.add(egui::Label::new(small(&end)).extend()).on_hover_text(format!("{said}{end}"));
    });
}

fn bars(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, answer: &ClipAnswer) {
    let p = theme::palette(ui);
    let mut order: Vec<(usize, f32)> = answer.probabilities.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let is_true = |class: usize| answer.truths.contains(&class);
    let mut shown: Vec<(usize, f32)> = order.iter().copied().take(BARS).collect();
    shown.extend(order.iter().copied().skip(BARS).filter(|(class, _)| is_true(*class)));
    ui.spacing_mut().item_spacing.y = 2.0;
    for (class, probability) in shown {
        let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 18.0), Sense::click());
        let name = answer.classes.name(class);
        let of_dataset = cx.state.class_of_output(class).or_else(|| cx.state.classes().by_name(name));
        let color_of = of_dataset.unwrap_or(class);
        ui.painter().rect_filled(rect, 3.0, p.card);
        let width = rect.width() * probability.clamp(0.0, 1.0);
        let fill = egui::Rect::from_min_size(rect.min, Vec2::new(width, rect.height()));
        ui.painter().rect_filled(fill, 3.0, theme::class_color(color_of).gamma_multiply(0.55));
        let font = theme::caption().resolve(ui.style());
        let mark = if is_true(class) { " (true)" } else { "" };
        let painter = ui.painter_at(rect);
        let room = (rect.width() - 48.0).max(20.0);
        let job = egui::text::LayoutJob::simple_singleline(format!("{name}{mark}"), font.clone(), p.text);
        let galley = painter
            .layout_job(egui::text::LayoutJob { wrap: egui::text::TextWrapping::truncate_at_width(room), ..job });
        painter.galley(rect.left_center() + Vec2::new(6.0, -galley.size().y / 2.0), galley, p.text);
        painter.text(
            rect.right_center() - Vec2::new(6.0, 0.0),
            egui::Align2::RIGHT_CENTER,
            format!("{probability:.2}"),
            font,
            p.text,
        );
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Probability of {name}: {probability:.2}"))
        });
        let view = cx.state.selection.view();
        let target = crate::jobs::TargetClass::Class(class);
        if response.on_hover_text(format!("Explain '{name}'")).clicked() {
            cx.send(ChooseAction::SetHeatView(
                cx.state.selection.active_view,
                crate::jobs::HeatRequest { target, ..view },
            ));
        }
    }
}

/// Share of the heat at the shown moment that lies inside the mask, against the mask's share of the picture.
fn heat_on_body(ui: &mut egui::Ui, cx: &PanelCx<'_>, frame: &Committed, answer: &ClipAnswer) {
    if cx.state.video().is_none_or(|(_, v)| v.masks.is_none()) {
        return;
    }
    let Some(mask) = &frame.mask else {
        return pair(ui, "on body", "turn the mask on (M)");
    };
    let Some(map) = answer.maps.get(&cx.state.selection.view()) else {
        return pair(ui, "on body", "…");
    };
    let at = answer.position_of(frame.index);
    let text = cx.services.volumes.on_mask(map, mask, at, answer.frames.len()).map_or_else(
        || "no heat or no body in this frame".to_owned(),
        |share| {
            let [heat, picture] = [share.of_heat(), share.of_picture()].map(|v| v * 100.0);
            format!("{heat:.0} % in this frame (body {picture:.0} %)")
        },
    );
    pair(ui, "on body", text);
}

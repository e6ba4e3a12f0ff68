//! Running work: chips in the top bar and the job list.

use crate::domain::duration;
use crate::jobs::Job;
use crate::progress::Flow;
use crate::ui::action::{WindowAction, WorkAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{JobStatus, JobView};
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use egui::{RichText, Sense, Vec2};

/// Chips shown before the rest is summed up.
const CHIPS: usize = 2;

/// Chips of live work, right to left.
pub fn chips(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let state = cx.state;
    let live: Vec<&JobView> = state.jobs.iter().filter(|j| j.status.is_live() && !j.quiet).collect();
    if live.is_empty() && cx.state.explain.busy() && cx.state.run().is_some() {
        ui.label(RichText::new("computing heatmap…").text_style(theme::caption()).weak());
    }
    if live.is_empty() && !state.awaiting.is_empty() {
        ui.label(RichText::new("waiting for the disk…").text_style(theme::caption()).weak());
    }
    if live.len() > CHIPS && ui.button(format!("+{}", live.len() - CHIPS)).on_hover_text("Show all jobs").clicked() {
        cx.send(WindowAction::ShowJobs(true));
    }
    for job in live.into_iter().rev().take(CHIPS) {
        chip(ui, cx, job);
    }
}

fn chip(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, job: &JobView) {
    let p = theme::palette(ui);
    if icons::small_button(ui, Icon::Stop, &format!("Cancel {}", job.title)).clicked() {
        cx.send(WorkAction::Control(job.id, Flow::Stop));
    }
    if matches!(job.job, Job::Train(_)) {
        let paused = job.status == JobStatus::Paused;
        let (icon, verb, flow) =
            if paused { (Icon::Play, "Resume", Flow::Continue) } else { (Icon::Pause, "Pause", Flow::Pause) };
        if icons::small_button(ui, icon, &format!("{verb} {}", job.title)).clicked() {
            cx.send(WorkAction::Control(job.id, flow));
        }
    }
    let words = summary(job);
    let text = format!("{}  {words}", shorten(&job.title, 26));
    let font = theme::caption().resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.clone(), font, p.text);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(galley.size().x + 18.0, 22.0), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Job {text}")));
    ui.painter().rect_filled(rect, 11.0, p.card);
    if let Some(fraction) = job.fraction {
        let width = rect.width() * fraction.clamp(0.0, 1.0);
        let part = egui::Rect::from_min_size(rect.min, Vec2::new(width.max(8.0), rect.height()));
        ui.painter().rect_filled(part, 11.0, p.accent_soft);
    }
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, p.text);
    let stage = phase(job).unwrap_or_else(|| "waiting for its turn".to_owned());
    let response = response.on_hover_text(format!("{}: {stage}. Click for the job list.", job.title));
    if response.clicked() {
        // The list opens under the chip that was pressed, and stays there when the chip is gone.
        ui.ctx().data_mut(|d| d.insert_temp(list_place(), rect.right_bottom()));
        cx.send(WindowAction::ShowJobs(!cx.state.show_jobs));
    }
}

/// Where the upper right corner of the job list lies is kept under this.
fn list_place() -> egui::Id {
    egui::Id::unique("job list place")
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// How far a job is, in few words.
pub fn summary(job: &JobView) -> String {
    let part = job.fraction.map(|f| format!("{:.0} %", f * 100.0));
    let count =
        job.stage.as_ref().filter(|(_, done, total)| *total == 0 && *done > 0).map(|(_, done, _)| done.to_string());
    let left = job.eta_s.map(|s| format!("{} left", duration(s)));
    let progress = [part.or(count), left].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    match &job.status {
        JobStatus::Queued => "waiting".into(),
        JobStatus::Running if progress.is_empty() => "…".into(),
        JobStatus::Running => progress,
        JobStatus::Paused => format!("paused {progress}").trim().to_owned(),
        JobStatus::Stopping => "stopping…".into(),
        JobStatus::Done => "done".into(),
        JobStatus::Cancelled => "cancelled".into(),
        JobStatus::Failed(_) => "failed".into(),
    }
}

/// True when Escape was pressed for a window that lies over the panels, and for nothing above it.
pub fn escaped(ui: &egui::Ui, cx: &PanelCx<'_>) -> bool {
    let covered = cx.state.dialog.is_some() || ui.ctx().any_popup_open();
    !covered && ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Escape))
}

/// What a live job is doing, with its count.
pub fn phase(job: &JobView) -> Option<String> {
    let (label, done, total) = job.stage.as_ref().filter(|_| job.status.is_live())?;
    Some(if *total > 0 { format!("{label} {done} of {total}") } else { label.clone() })
}

/// The job list.
pub fn window(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    if !cx.state.show_jobs {
        return;
    }
    let mut open = !escaped(ui, cx);
    let jobs = &cx.state.jobs;
    let screen = ui.ctx().content_rect();
    let corner = egui::pos2(screen.right() - 10.0, screen.top() + 34.0);
    let under = ui.ctx().data(|d| d.get_temp::<egui::Pos2>(list_place())).unwrap_or(corner);
    let width = 460.0_f32.min(screen.width() - 40.0);
    // Far enough to the right for all of it.
    let at = egui::pos2(under.x.max(screen.left() + width + 40.0).min(corner.x), under.y + 6.0);
    let window = egui::Window::new("Jobs").open(&mut open).default_width(width).collapsible(false);
    window.pivot(egui::Align2::RIGHT_TOP).fixed_pos(at).show(ui.ctx(), |ui| {
        if jobs.is_empty() {
            ui.weak("Nothing has run yet in this session.");
            return;
        }
        egui::ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
            for job in jobs.iter().rev() {
                row(ui, cx, job);
                ui.separator();
            }
        });
        if ui.button("Clear ended jobs").clicked() {
            cx.send(WorkAction::ClearJobs);
        }
    });
    if !open {
        cx.send(WindowAction::ShowJobs(false));
    }
}

fn row(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, job: &JobView) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        let lane = job.job.lane().name();
        ui.label(RichText::new(lane).text_style(theme::caption()).color(p.muted));
        ui.label(&job.title);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if job.status.is_live()
                && icons::small_button(ui, Icon::Stop, &format!("Stop {} in the list", job.title)).clicked()
            {
                cx.send(WorkAction::Control(job.id, Flow::Stop));
            }
            let color = match &job.status {
                JobStatus::Failed(_) => p.bad,
                JobStatus::Done => p.good,
                _ => p.muted,
            };
            ui.label(RichText::new(summary(job)).color(color));
            if let (Some(start), Some(end)) = (job.started, job.ended) {
                ui.weak(duration((end - start).as_secs_f64()));
            }
        });
    });
    if let Some(fraction) = job.fraction.filter(|_| job.status.is_live()) {
        ui.add(egui::ProgressBar::new(fraction).desired_height(4.0));
    }
    if let JobStatus::Failed(sentence) = &job.status {
        ui.colored_label(p.bad, sentence);
    } else if let Some(phase) = phase(job) {
        ui.weak(phase);
    }
}

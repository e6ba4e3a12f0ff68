//! The task of a first session, above the panels: three steps that tick themselves, until somebody puts it away for good.

use crate::ui::Action;
use crate::ui::action::{TimeAction, WindowAction, WorkAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{NextStep, Workspace};
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use egui::{RichText, Sense, Vec2};

/// A step as it is drawn.
struct Step {
    name: &'static str,
    help: &'static str,
    done: bool,
    actions: Vec<Action>,
}

fn steps(cx: &PanelCx<'_>) -> [Step; 3] {
    let (state, task) = (cx.state, cx.state.leading.first_task);
    let to = |workspace| Action::Window(WindowAction::SetWorkspace(workspace));
    let why = match state.evaluation() {
        None if state.checkpoint_name().is_some() => vec![Action::Work(WorkAction::Next(NextStep::Evaluate))],
        None => vec![to(Workspace::Evaluate)],
        Some(_) => vec![to(Workspace::Review), Action::Time(TimeAction::Error(true))],
    };
    [
        Step {
            name: "look through a video",
            help: "Play it or step with the arrow keys: labels, masks and skeleton belong to the frame on screen",
            done: task.looked,
            actions: vec![to(Workspace::Data)],
        },
        Step {
            name: "train a network",
            help: "Press Start training and watch it learn; the demo preset takes a few minutes",
            done: task.trained,
            actions: vec![to(Workspace::Train)],
        },
        Step {
            name: "see why it errs",
            help: "Evaluate it, then look at the heatmap of a clip that was predicted wrong (N goes to the next one)",
            done: task.explained,
            actions: why,
        },
    ]
}

/// Draws the bar where it is wanted.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    if cx.state.leading.first_task.dismissed || cx.state.dataset.is_none() {
        return;
    }
    let p = theme::palette(ui);
    let frame = egui::Frame::new().fill(p.card).inner_margin(egui::Margin::symmetric(10, 3));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_width(ui.available_width());
            ui.spacing_mut().item_spacing.x = 6.0;
            let steps = steps(cx);
            let next = steps.iter().position(|s| !s.done);
            for (i, step) in steps.into_iter().enumerate() {
                if i > 0 {
                    ui.add_space(14.0);
                }
                if self::step(ui, i + 1, &step, next == Some(i)).clicked() {
                    cx.actions.extend(step.actions);
                }
            }
            if next.is_none() {
                ui.label(RichText::new("All done: these are the three things kinolens is for.").color(p.good));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icons::small_button(ui, Icon::Close, "Put the first steps away for good").clicked() {
                    cx.send(WindowAction::DismissFirstTask(true));
                }
            });
        });
    });
}

fn step(ui: &mut egui::Ui, number: usize, step: &Step, next: bool) -> egui::Response {
    let p = theme::palette(ui);
    let color = if step.done { p.muted } else { p.text };
    let text = RichText::new(format!("{number}  {}", step.name)).color(color);
    let text = if next { text.strong() } else { text };
    let tick = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover()).0;
    let stroke = egui::Stroke::new(1.6, if step.done { p.good } else { p.line });
    if step.done {
        let at = |x: f32, y: f32| tick.min + Vec2::new(x, y);
        ui.painter().line(vec![at(2.0, 7.5), at(5.5, 11.0), at(12.0, 3.5)], stroke);
    } else {
        ui.painter().circle_stroke(tick.center(), 5.0, if next { egui::Stroke::new(1.6, p.accent) } else { stroke });
    }
    let response = ui.add(egui::Button::new(text).frame(false));
    let done = if step.done { ", done" } else { "" };
    let spoken = format!("Step {number}: {}{done}", step.name);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &spoken));
    response.on_hover_text(step.help)
}

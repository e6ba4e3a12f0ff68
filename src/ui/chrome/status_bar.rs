//! One line at the bottom: what runs, what is looked at, memory, messages.

use super::jobs::{phase, summary};
use crate::domain::bytes;
use crate::ui::action::WindowAction;
use crate::ui::panel::PanelCx;
use crate::ui::state::{JobView, Severity};
use crate::ui::theme;
use egui::RichText;

/// Draws the line.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let p = theme::palette(ui);
    let small = |text: String| RichText::new(text).text_style(theme::caption()).color(p.muted);
    ui.horizontal(|ui| {
        let live: Option<&JobView> = cx.state.jobs.iter().rev().find(|j| j.status.is_live() && !j.quiet);
        let doing = |j: &JobView| {
            let parts = [Some(format!("{} {}", j.title, summary(j))), phase(j)];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
        };
        let now = live.map_or_else(|| "idle".to_owned(), doing);
        ui.label(small(now));
        if let Some((_, video)) = cx.state.video() {
            ui.label(small("·".into()));
            let facts = video.facts.as_ref().map_or_else(
                || if video.is_pending() { "not looked into yet" } else { "cannot be opened" }.to_owned(),
                |f| {
                    format!("{}×{}  {:.4} fps  {}  {} frames", f.width, f.height, f.fps, f.codec, f.frames)
                        .replace(".0000", "")
                },
            );
            ui.label(small(format!("{}  {facts}", video.name)));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let messages = &cx.state.messages;
            let worst = messages.iter().map(|m| m.severity).max();
            let color = match worst {
                Some(Severity::Error) => p.bad,
                Some(Severity::Warning) => p.warn,
                _ => p.muted,
            };
            let text = match messages.len() {
                0 => "no messages".to_owned(),
                1 => "1 message".to_owned(),
                n => format!("{n} messages"),
            };
            let button = egui::Button::new(RichText::new(text).text_style(theme::caption()).color(color)).frame(false);
            if ui.add(button).on_hover_text("Show every warning and error of this session").clicked() {
                cx.send(WindowAction::ShowMessages(!cx.state.show_messages));
            }
            ui.label(small("·".into()));
            let (used, budget) = cx.services.frames.usage();
            ui.label(small(format!("cache {}", bytes(used as u64))))
                .on_hover_text(format!("Decoded frames in memory, of at most {}.", bytes(budget as u64)));
        });
    });
}

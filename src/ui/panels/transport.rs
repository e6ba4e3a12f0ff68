//! Play, step, speed, loop, and where one is.

use crate::ui::action::TimeAction;
use crate::ui::panel::PanelCx;
use crate::ui::state::Playback;
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::text::timestamp;
use egui::RichText;

/// One row of controls; `compact` leaves out what does not fit beside a small picture.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, compact: bool) {
    let state = cx.state;
    let frames = state.frames();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        if !compact && icons::button(ui, Icon::First, "First frame (Home)").clicked() {
            cx.send(TimeAction::First);
        }
        if icons::button(ui, Icon::Back, "Previous frame (Left)").clicked() {
            cx.send(TimeAction::Step(-1));
        }
        let (icon, name) =
            if state.playback.playing { (Icon::Pause, "Pause (Space)") } else { (Icon::Play, "Play (Space)") };
        if icons::button(ui, icon, name).clicked() {
            cx.send(TimeAction::TogglePlay);
        }
        if icons::button(ui, Icon::Forward, "Next frame (Right)").clicked() {
            cx.send(TimeAction::Step(1));
        }
        if !compact && icons::button(ui, Icon::Last, "Last frame (End)").clicked() {
            cx.send(TimeAction::Last);
        }
        if icons::toggle(ui, Icon::Loop, "Loop the clip (L)", state.playback.loop_clip).clicked() {
            cx.send(TimeAction::ToggleLoop);
        }
        ui.add_space(6.0);
        let last = frames.saturating_sub(1);
        let shown = cx.services.shown().filter(|s| Some(&s.video) == state.selection.video.as_ref());
        // Number and time of the picture on screen, also while another one is on its way.
        let wanted = state.selection.frame;
        let (frame, seconds) = shown.map_or((wanted, f64::from(wanted) / state.fps()), |s| (s.index, s.pts_s));
        place(ui, [frame, last], [seconds, f64::from(last) / state.fps()]);
        if !compact {
            ui.add_space(8.0);
            speed(ui, cx);
        }
    });
}

/// Frame and time of all, in as many words as there is room for.
fn place(ui: &mut egui::Ui, frames: [u32; 2], seconds: [f64; 2]) {
    let [long, short, bare]: [fn(u32, u32, &str) -> String; 3] = [
        |frame, last, time| format!("frame {frame} / {last}   {time}"),
        |frame, last, time| format!("{frame} / {last}   {time}"),
        |frame, last, _| format!("{frame} / {last}"),
    ];
    let font = theme::caption().resolve(ui.style());
    // By the widest that will come (of a minute's last seconds), so that nothing jumps while it plays.
    let last = format!("{:7}", timestamp(seconds[1]));
    let fits = |words: &fn(u32, u32, &str) -> String| {
        let text = words(frames[1], frames[1], &last);
        let text = ui.painter().layout_no_wrap(text, font.clone(), egui::Color32::PLACEHOLDER);
        text.size().x <= ui.available_width()
    };
    let words = [long, short].into_iter().find(fits).unwrap_or(bare);
    let now = timestamp(seconds[0]);
    let text = RichText::new(words(frames[0], frames[1], &now)).text_style(theme::caption());
    ui.label(text).on_hover_text(long(frames[0], frames[1], &now));
}

fn speed(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let now = cx.state.playback.speed;
    let combo = egui::ComboBox::new("speed", "").width(58.0).selected_text(format!("{now}×"));
    let response = ui.name_inputs("Speed", |ui| {
        combo
            .show_ui(ui, |ui| {
                for speed in Playback::SPEEDS {
                    if ui.selectable_label((speed - now).abs() < 1e-3, format!("{speed}×")).clicked() {
                        cx.send(TimeAction::SetSpeed(speed));
                    }
                }
            })
            .response
    });
    response.on_hover_text("Speed ([ slower, ] faster)");
}

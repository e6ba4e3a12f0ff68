//! Play, step, speed, loop, and where one is.

use crate::ui::action::TimeAction;
use crate::ui::panel::PanelCx;
use crate::ui::state::Playback;
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::text::timestamp;
use crate::ui::widgets::zoom;
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
        let controls = if compact { 62.0 } else { 190.0 };
        place(ui, controls, [frame, last], [seconds, f64::from(last) / state.fps()]);
        ui.add_space(if compact { 2.0 } else { 8.0 });
        speed(ui, cx);
        zoom(ui, compact);
    });
}

/// Frame and time of all, in as many words as there is room for.
///
/// `controls` is the width of what stands behind it.
fn place(ui: &mut egui::Ui, controls: f32, frames: [u32; 2], seconds: [f64; 2]) {
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
        text.size().x <= ui.available_width() - controls
    };
    let words = [long, short].into_iter().find(fits).unwrap_or(bare);
    let now = timestamp(seconds[0]);
    let text = RichText::new(words(frames[0], frames[1], &now)).text_style(theme::caption());
    ui.label(text).on_hover_text(long(frames[0], frames[1], &now));
}

/// How large the picture is, against the size at which all of it is seen.
fn zoom(ui: &mut egui::Ui, compact: bool) {
    let now = zoom::of(ui.ctx());
    if compact && now.scale <= 1.0 {
        return;
    }
    if icons::button(ui, Icon::Down, "Zoom out of the picture").clicked() {
        zoom::set(ui.ctx(), now.by(1.0 / zoom::STEP, [0.5, 0.5]));
    }
    let text = RichText::new(format!("{:.0} %", now.scale * 100.0)).text_style(theme::caption());
    let response = ui.add(egui::Button::new(text).frame(false));
    crate::ui::widgets::text::name(&response, "Show the whole picture");
    let help = "Show the whole picture. The wheel zooms at the pointer, dragging moves, a double click shows all of it";
    if response.on_hover_text(help).clicked() {
        zoom::set(ui.ctx(), zoom::Zoom::default());
    }
    if icons::button(ui, Icon::Up, "Zoom into the picture").clicked() {
        zoom::set(ui.ctx(), now.by(zoom::STEP, [0.5, 0.5]));
    }
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

//! The picture of the Data workspace, with mask, skeleton and caption.

use super::{figures, transport};
use crate::ui::Action;
use crate::ui::action::DrawAction;
use crate::ui::awaited::Awaited;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::theme;
use crate::ui::theme::overlay;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::picture::{self, Picture};
use crate::ui::widgets::zoom;
use egui::{Align2, Rect, Vec2};

/// The viewer.
pub struct Viewer;

impl Panel for Viewer {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
        if cx.state.video().is_none() {
            if !super::nothing_passes(ui, cx) {
                ui.weak("Choose a video in the table or the explorer.");
            }
            return;
        }
        toggles(ui, cx);
        let space = ui.available_rect_before_wrap();
        let bar = 30.0;
        let stage = Rect::from_min_max(space.min, space.max - Vec2::new(0.0, bar));
        show_frame(ui, cx, stage, 1, "Picture");
        frame_menu(ui, cx, stage, 1);
        let below = Rect::from_min_max(egui::pos2(space.min.x, space.max.y - bar + 3.0), space.max);
        ui.scope_builder(egui::UiBuilder::new().max_rect(below), |ui| transport::ui(ui, cx, true));
    }
}

/// Mask, skeleton and caption on or off.
pub fn toggles(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let Some((_, video)) = cx.state.video() else { return };
    let (masks, poses) = (video.masks.is_some(), video.poses.is_some());
    let view = cx.state.view.clone();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let mut toggle = |on: bool, there: bool, icon: Icon, name: &str, key: &str, action: Action| {
            let response = ui.add_enabled_ui(there, |ui| icons::word_toggle(ui, icon, name, on)).inner;
            let missing = format!("This dataset has no {} for this video.", name.to_lowercase());
            if response.on_hover_text(format!("{name} on or off ({key})")).on_disabled_hover_text(missing).clicked() {
                cx.send(action);
            }
        };
        toggle(view.mask, masks, Icon::Mask, "Mask", "M", Action::Draw(DrawAction::ToggleMask));
        toggle(view.skeleton, poses, Icon::Skeleton, "Skeleton", "K", Action::Draw(DrawAction::ToggleSkeleton));
        toggle(view.caption, true, Icon::Caption, "Caption", "C", Action::Draw(DrawAction::ToggleCaption));
    });
}

/// What can be done with the frame on screen.
pub fn frame_menu(ui: &egui::Ui, cx: &mut PanelCx<'_>, rect: Rect, view: u64) {
    let Some(frame) = cx.services.shown() else { return };
    let at = picture::fit(rect, frame.image.width, frame.image.height);
    let response = ui.interact(at, ui.make_persistent_id(("picture menu", view)), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Menu of the picture"));
    if response.double_clicked() {
        zoom::set(ui.ctx(), zoom::Zoom::default());
    }
    let labels = cx.state.label_names(&frame.labels);
    let caption = format!("{}   frame {}   {labels}", frame.video, frame.index);
    figures::still(&response, cx, frame, None, &caption);
}

/// The committed frame without heat, or why there is none.
pub fn show_frame(ui: &mut egui::Ui, cx: &PanelCx<'_>, rect: Rect, view: u64, name: &str) {
    let p = theme::palette(ui);
    match cx.services.frame() {
        Awaited::Ready(frame) | Awaited::Pending(Some(frame)) => {
            let at = picture::show(ui, cx, rect, &Picture { view, frame, heat: None, name });
            picture::caption(ui, cx.state, frame, at);
        }
        Awaited::NotAsked | Awaited::Unavailable(_) => drop(ui.painter().rect_filled(rect, 4.0, p.stage)),
        Awaited::Pending(None) => {
            ui.painter().rect_filled(rect, 4.0, p.stage);
            picture::badge(ui, rect, Align2::CENTER_CENTER, "decoding…", overlay::MUTED);
        }
    }
    if let Some(error) = cx.services.frame().reason() {
        picture::badge(ui, rect, Align2::CENTER_CENTER, error, overlay::ERROR);
        let response = ui.interact(rect, ui.scope_id().with(("no picture", view)), egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, error));
    } else if let Some(note) = cx.services.annotation_note() {
        picture::badge(ui, rect, Align2::LEFT_TOP, note, overlay::NOTE);
    }
}

//! What can be done with a clip, on its card.

use super::videos_list;
use crate::ui::action::{ChooseAction, CompareAction, SystemAction, TimeAction, WindowAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::Workspace;
use crate::ui::widgets::clip_grid::{ClipCard, ClipEvent};
use egui::containers::menu::{MenuConfig, SubMenuButton};
use egui::{Button, PopupCloseBehavior, Ui};

/// The context menu of a card; gives what the panel itself answers to.
pub(super) fn show(ui: &mut Ui, cx: &mut PanelCx<'_>, card: &ClipCard) -> Option<ClipEvent> {
    ui.set_min_width(190.0);
    let clip = &card.clip;
    if ui.button("Look at it in Review").clicked() {
        ui.close();
        return Some(ClipEvent::Open(clip.clone()));
    }
    let known = card.path.is_some();
    let missing = "The open dataset has no such video";
    if ui.add_enabled(known, Button::new("Show its video in Data")).on_disabled_hover_text(missing).clicked() {
        cx.send(ChooseAction::SelectVideo(clip.video.clone()));
        cx.send(TimeAction::Seek(clip.start));
        cx.send(WindowAction::SetWorkspace(Workspace::Data));
        ui.close();
    }
    ui.separator();
    let stays = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    ui.add_enabled_ui(known, |ui| {
        SubMenuButton::new("Tags of its video").config(stays).ui(ui, |ui| {
            let id = egui::Id::unique("new tag of a clip's video");
            let mut fresh: String = ui.data(|d| d.get_temp(id)).unwrap_or_default();
            videos_list::tags(ui, cx, std::slice::from_ref(&clip.video), &mut fresh);
            ui.data_mut(|d| d.insert_temp(id, fresh));
        });
    });
    if ui.button("Copy name and frame").clicked() {
        cx.send(SystemAction::Copy(format!("{} frame {}", clip.video, clip.start)));
        ui.close();
    }
    if let Some(folder) = card.path.as_deref().and_then(std::path::Path::parent)
        && ui.button("Open folder").clicked()
    {
        cx.send(CompareAction::ShowFile(folder.to_path_buf()));
        ui.close();
    }
    None
}

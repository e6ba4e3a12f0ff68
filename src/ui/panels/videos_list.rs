//! Choosing videos in a list: one by a click or with arrows, several with Ctrl and Shift; their tags and their menu.

use crate::domain::{Dataset, VideoEntry};
use crate::ui::action::{ChooseAction, CompareAction, SystemAction, TimeAction, WindowAction};
use crate::ui::arrangement::VideoKey;
use crate::ui::derived::Same;
use crate::ui::panel::PanelCx;
use crate::ui::state::{Marks, Workspace};
use crate::ui::widgets::{navigation, text};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{EventFilter, Key, Modifiers, Ui};
use std::collections::HashMap;
use std::sync::Arc;

/// Tags offered before anybody has made one.
const USUAL: [&str; 4] = ["look again", "bad quality", "wrong label", "good example"];
/// Rows that PageUp and PageDown go.
const PAGE: usize = 12;

/// The videos that are listed, in order.
#[derive(Default)]
pub struct Listed {
    /// Positions in the dataset.
    pub rows: Vec<usize>,
    /// Classes present in the videos that were on screen.
    pub classes: HashMap<usize, Vec<usize>>,
    /// Columns in which all of them say the same, with what they say.
    pub constant: Vec<(VideoKey, String)>,
    /// Videos on screen that nobody looked into yet, as they were told of last.
    pub pending: Vec<usize>,
    /// The chosen video as it was last brought into sight.
    pub shown: Option<String>,
    of: Same<Dataset>,
}

impl Listed {
    /// Forgets what belongs to another dataset.
    pub fn follow(&mut self, dataset: &Arc<Dataset>) {
        if self.of != Same::of(dataset) {
            self.of = Same::of(dataset);
            self.classes.clear();
        }
    }

    /// The row of the chosen video, where it is another one than last time and has to be brought into sight.
    pub fn moved_to(&mut self, cx: &PanelCx<'_>, dataset: &Dataset, rows: &[usize]) -> Option<usize> {
        let chosen = cx.state.selection.video.as_ref();
        if self.shown.as_ref() == chosen {
            return None;
        }
        self.shown = chosen.cloned();
        rows.iter().position(|i| dataset.videos.get(*i).map(|v| &v.name) == chosen)
    }

    /// Classes of a video, found once.
    pub fn classes_of(&mut self, index: usize, video: &VideoEntry) -> &[usize] {
        self.classes.entry(index).or_insert_with(|| video.classes())
    }
}

fn name_at<'a>(cx: &'a PanelCx<'_>, rows: &[usize], row: usize) -> Option<&'a str> {
    let index = rows.get(row)?;
    Some(cx.state.dataset.as_ref()?.videos.get(*index)?.name.as_str())
}

/// What a click on a row asks for: with Ctrl it is picked or let go, with Shift all up to it are picked.
pub fn clicked_row(response: &egui::Response, cx: &mut PanelCx<'_>, rows: &[usize], row: usize) {
    response.ctx.memory_mut(|m| m.request_focus(navigation::panel_id("videos")));
    let modifiers = response.ctx.input(|i| i.modifiers);
    choose(cx, rows, row, modifiers);
}

fn choose(cx: &mut PanelCx<'_>, rows: &[usize], row: usize, modifiers: Modifiers) {
    let Some(name) = name_at(cx, rows, row).map(str::to_owned) else { return };
    let (state, mut marks) = (cx.state, cx.state.marks.clone());
    let chosen = state.selection.video.clone();
    if modifiers.command {
        if marks.videos.is_empty() {
            marks.videos.extend(chosen);
        }
        if !marks.videos.remove(&name) {
            marks.videos.insert(name.clone());
        }
        marks.from = Some(name);
        return cx.send(ChooseAction::Mark(marks));
    }
    if modifiers.shift {
        let from = marks.from.clone().or(chosen);
        let at = (0..rows.len()).find(|r| name_at(cx, rows, *r) == from.as_deref()).unwrap_or(row);
        let range = at.min(row)..=at.max(row);
        marks.videos = range.filter_map(|r| name_at(cx, rows, r).map(str::to_owned)).collect();
        marks.from = from.or(Some(name.clone()));
        cx.send(ChooseAction::Mark(marks));
    } else {
        cx.send(ChooseAction::Mark(Marks { from: Some(name.clone()), ..Marks::default() }));
    }
    cx.send(ChooseAction::SelectVideo(name));
}

/// Arrows of the list while it has the focus: up and down choose a video, with Shift they pick several; left, right and
/// space belong to the picture.
pub fn keyboard(ui: &Ui, cx: &mut PanelCx<'_>, listed: &Listed) {
    let id = navigation::panel_id("videos");
    if !ui.memory(|m| m.has_focus(id)) {
        return;
    }
    navigation::keep_navigation(ui.ctx(), id);
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(id, filter));
    let rows = &listed.rows;
    let (step, edge, shift, time, play, open, all) = ui.input_mut(|i| {
        let shift = i.modifiers.shift_only();
        let with = if shift { Modifiers::SHIFT } else { Modifiers::NONE };
        let all = i.consume_key(Modifiers::COMMAND, Key::A);
        let mut press = |key| i.consume_key(with, key);
        let moves =
            [(Key::ArrowUp, -1), (Key::ArrowDown, 1), (Key::PageUp, -(PAGE as i64)), (Key::PageDown, PAGE as i64)];
        let step: i64 = moves.into_iter().filter(|(key, _)| press(*key)).map(|(_, by)| by).sum();
        let edge = (press(Key::Home), press(Key::End));
        let time = i64::from(press(Key::ArrowRight)) - i64::from(press(Key::ArrowLeft));
        (step, edge, shift, time, press(Key::Space), press(Key::Enter), all)
    });
    if all {
        let videos = (0..rows.len()).filter_map(|r| name_at(cx, rows, r).map(str::to_owned)).collect();
        cx.send(ChooseAction::Mark(Marks { videos, from: cx.state.selection.video.clone() }));
    }
    if time != 0 {
        cx.send(TimeAction::Step(time));
    }
    if play {
        cx.send(TimeAction::TogglePlay);
    }
    if open {
        cx.send(WindowAction::SetWorkspace(Workspace::Review));
    }
    if step == 0 && edge == (false, false) {
        return;
    }
    let chosen = cx.state.selection.video.as_deref();
    let now = (0..rows.len()).find(|r| name_at(cx, rows, *r) == chosen);
    let last = rows.len().saturating_sub(1);
    let next = match (edge, now) {
        ((true, _), _) => 0,
        ((_, true), _) => last,
        (_, None) => 0,
        (_, Some(at)) => (at as i64 + step).clamp(0, last as i64) as usize,
    };
    choose(cx, rows, next, if shift { Modifiers::SHIFT } else { Modifiers::NONE });
}

/// The videos a menu is about: all that are picked where it was opened on one of them, else that one.
fn meant(cx: &PanelCx<'_>, name: &str) -> Vec<String> {
    let marked = &cx.state.marks.videos;
    if marked.contains(name) { marked.iter().cloned().collect() } else { vec![name.to_owned()] }
}

/// What can be done with a video, on its row or picture.
pub fn menu(response: &egui::Response, cx: &mut PanelCx<'_>, video: &VideoEntry, fresh: &mut String) {
    let stays = MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    response.context_menu(|ui| {
        ui.set_min_width(190.0);
        let videos = meant(cx, &video.name);
        let several = if videos.len() > 1 { format!(" ({} videos)", videos.len()) } else { String::new() };
        let mut done = false;
        if ui.button("Look at it in Review").clicked() {
            cx.send(ChooseAction::SelectVideo(video.name.clone()));
            cx.send(WindowAction::SetWorkspace(Workspace::Review));
            done = true;
        }
        if !video.subject.is_empty() && ui.button(format!("Only subject {}", video.subject)).clicked() {
            super::narrow(cx, "subject", &video.subject);
            done = true;
        }
        ui.separator();
        egui::containers::menu::SubMenuButton::new(format!("Tags{several}")).config(stays).ui(ui, |ui| {
            tags(ui, cx, &videos, fresh);
        });
        if ui.button(format!("Copy names{several}")).clicked() {
            cx.send(SystemAction::Copy(videos.join("\n")));
            done = true;
        }
        if ui.button("Copy all tags as a table").clicked() {
            cx.send(SystemAction::Copy(cx.state.video_tags.table()));
            done = true;
        }
        if let Some(folder) = video.path.parent()
            && ui.button("Open folder").clicked()
        {
            cx.send(CompareAction::ShowFile(folder.to_path_buf()));
            done = true;
        }
        if done {
            ui.close();
        }
    });
}

/// A button with the tags of these videos.
pub fn tag_button(ui: &mut Ui, cx: &mut PanelCx<'_>, videos: &[String], fresh: &mut String) {
    let stays = MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    let (response, _) = MenuButton::new("Tag videos…").config(stays).ui(ui, |ui| tags(ui, cx, videos, fresh));
    response.on_hover_text("Put tags on all of them; tags are kept with the dataset on this machine");
}

/// The tags there are, to be put on videos or taken off, and a field for another one.
pub fn tags(ui: &mut Ui, cx: &mut PanelCx<'_>, videos: &[String], fresh: &mut String) {
    ui.set_min_width(170.0);
    let known = cx.state.video_tags.clone();
    let mut names: Vec<String> = known.counts().into_keys().map(str::to_owned).collect();
    names.extend(USUAL.iter().filter(|u| !names.iter().any(|n| n == *u)).map(|u| (*u).to_owned()).collect::<Vec<_>>());
    for name in names {
        let lower = name.to_lowercase();
        let mut on = videos.iter().all(|v| known.has(v, &lower));
        if ui.checkbox(&mut on, &name).changed() {
            cx.send(ChooseAction::TagVideos(videos.to_vec(), name, on));
        }
    }
    ui.separator();
    let told = "kept on this machine, with the dataset; \"Copy all tags as a table\" takes them along";
    ui.add(egui::Label::new(egui::RichText::new(told).text_style(crate::ui::theme::caption()).weak()).wrap());
    let field = ui.add(egui::TextEdit::singleline(fresh).hint_text("new tag, Enter").desired_width(150.0));
    text::name(&field, "New tag of videos");
    if field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) && !fresh.trim().is_empty() {
        cx.send(ChooseAction::TagVideos(videos.to_vec(), fresh.trim().to_owned(), true));
        fresh.clear();
    }
}

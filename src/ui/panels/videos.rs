//! The videos of the dataset, as a table or as pictures: sorted, filtered, picked out together, tagged.

use super::videos_list::{self, Listed};
use super::{next_steps, videos_grid, videos_table};
use crate::domain::{Dataset, Split, VideoEntry, counted, leaf};
use crate::ui::action::ChooseAction;
use crate::ui::arrangement::{VideoKey, VideoOrder};
use crate::ui::derived::Same;
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::{Marks, NextStep, VideoTags};
use crate::ui::theme;
use crate::ui::thumbs::Thumbs;
use crate::ui::video_rows::Rows;
use egui::{RichText, Ui};
use std::sync::Arc;

/// What the rows follow from: the dataset, the filter by its revision, the order, and the parts videos play in the run.
type RowsKey = (Same<Dataset>, u64, VideoOrder, Same<Vec<Split>>, Same<VideoTags>);

/// The list with its order.
pub struct Videos {
    listed: Listed,
    /// Frames of the listed videos, as far as they are known.
    frames: u64,
    made_from: Option<RowsKey>,
    /// Pictures instead of rows.
    pictures: bool,
    /// Width of a picture, in points.
    size: f32,
    thumbs: Option<Thumbs>,
    /// A new tag while it is typed.
    fresh: String,
}

impl Default for Videos {
    fn default() -> Self {
        Self {
            listed: Listed::default(),
            frames: 0,
            made_from: None,
            pictures: false,
            size: 150.0,
            thumbs: None,
            fresh: String::new(),
        }
    }
}

impl Panel for Videos {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some(dataset) = cx.state.dataset.clone() else {
            ui.weak("No dataset is open.");
            return;
        };
        self.refresh(cx, &dataset);
        self.head(ui, cx, &dataset);
        self.marked(ui, cx);
        super::indexing(ui, cx);
        if super::nothing_passes(ui, cx) {
            return;
        }
        videos_list::keyboard(ui, cx, &self.listed);
        if self.pictures {
            let thumbs = self.thumbs.get_or_insert_with(|| Thumbs::of_window(ui.ctx()));
            videos_grid::show(ui, cx, &dataset, &mut self.listed, (thumbs, self.size), &mut self.fresh);
        } else {
            videos_table::show(ui, cx, &dataset, &mut self.listed, &mut self.fresh);
        }
    }
}

impl Videos {
    fn refresh(&mut self, cx: &PanelCx<'_>, dataset: &Arc<Dataset>) {
        let state = cx.state;
        self.listed.follow(dataset);
        let parts = Same::maybe(state.run_parts.parts.as_ref());
        let tags = Same::of(&state.video_tags);
        let from = Some((Same::of(dataset), state.filtered_revision, state.order, parts, tags));
        if self.made_from == from {
            return;
        }
        let parts = state.run_parts.parts.as_ref().map(|p| p.as_slice());
        let rows = Rows { dataset, parts, warnings: &state.warnings_by_video, tags: &state.video_tags };
        self.listed.rows = rows.sorted(&state.filtered, state.order);
        let videos = || self.listed.rows.iter().filter_map(|i| Some((*i, dataset.videos.get(*i)?)));
        self.frames = videos().map(|(_, v)| u64::from(v.frames())).sum();
        self.listed.constant = constant(cx, videos);
        self.made_from = from;
    }

    /// How many there are, and how they are shown.
    fn head(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, dataset: &Dataset) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            for (on, name, help) in [
                (false, "Table", "One row a video"),
                (true, "Pictures", "One picture of each video, which plays under the pointer"),
            ] {
                let button = egui::Button::selectable(self.pictures == on, name);
                let response = ui.add(button).on_hover_text(help);
                crate::ui::widgets::text::name(&response, &format!("Videos as {}", name.to_lowercase()));
                if response.clicked() {
                    self.pictures = on;
                }
            }
            if self.pictures {
                ui.spacing_mut().slider_width = 80.0;
                let slider = egui::Slider::new(&mut self.size, 90.0..=320.0).show_value(false);
                crate::ui::widgets::text::name(&ui.add(slider), "Size of the pictures");
            }
            if cx.state.next_steps().first() == Some(&NextStep::Train) {
                next_steps::button(ui, cx, &NextStep::Train, true);
            }
            let videos = cx.state.narrowed().unwrap_or_else(|| counted(self.listed.rows.len() as u64, "video"));
            let known = if dataset.pending() > 0 { " in those indexed" } else { "" };
            let mut text = format!("{videos}, {}{known}", counted(self.frames, "frame"));
            if let Some(run) = cx.state.run().filter(|_| cx.state.run_parts.parts.is_some()) {
                text.push_str(&format!(" · split of run {}", leaf(&run.path)));
            }
            let same = self.listed.constant.iter().map(|(_, said)| said.as_str()).filter(|said| !said.is_empty());
            let same: Vec<&str> = same.collect();
            if !same.is_empty() {
                text.push_str(&format!(" · all: {}", same.join(", ")));
            }
            let label = egui::Label::new(RichText::new(&text).text_style(theme::caption()).weak()).truncate();
            ui.add(label).on_hover_text(text);
        });
    }

    /// What can be done with the videos that are picked out, and the tags there are as a filter. The line is always there,
    /// so that no row moves away below the pointer when videos are picked.
    fn marked(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let marked: Vec<String> = cx.state.marks.videos.iter().cloned().collect();
        let counts = cx.state.video_tags.counts();
        let mut filter = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            let text = ui.text_style_height(&egui::TextStyle::Button) + 2.0 * ui.spacing().button_padding.y;
            ui.allocate_space(egui::vec2(0.0, text.max(ui.spacing().interact_size.y)));
            if marked.len() < 2 && counts.is_empty() {
                let hint = "Ctrl or Shift and a click pick several videos, to tag them.";
                ui.add(egui::Label::new(RichText::new(hint).text_style(theme::caption()).weak()).truncate());
            }
            if marked.len() > 1 {
                ui.strong(format!("{} selected", counted(marked.len() as u64, "video")));
                videos_list::tag_button(ui, cx, &marked, &mut self.fresh);
                if ui.button("Deselect").on_hover_text("Select none of them any more").clicked() {
                    cx.send(ChooseAction::Mark(Marks::default()));
                }
            }
            if !counts.is_empty() {
                ui.weak("tags");
            }
            for (tag, count) in counts {
                let part = crate::ui::video_rows::with_part("", "tag", tag);
                let on = cx.state.filter.text.contains(&part);
                let response = ui.add(egui::Button::selectable(on, format!("{tag} {count}")));
                crate::ui::widgets::text::name(&response, &format!("Only videos tagged {tag}"));
                if response.on_hover_text("Only videos with this tag; once more shows the others too").clicked() {
                    filter = Some(if on { String::new() } else { tag.to_owned() });
                }
            }
        });
        if let Some(tag) = filter {
            super::narrow(cx, "tag", &tag);
        }
    }
}

/// Columns in which all of these videos say the same, with what they say. Of a single video none.
fn constant<'a, I: Iterator<Item = (usize, &'a VideoEntry)>>(
    cx: &PanelCx<'_>,
    videos: impl Fn() -> I,
) -> Vec<(VideoKey, String)> {
    let mut out = Vec::new();
    if videos().nth(1).is_none() {
        return out;
    }
    for column in videos_table::COLUMNS {
        if matches!(column.key, VideoKey::Name | VideoKey::Warnings) {
            continue;
        }
        let said = |(i, v): (usize, &VideoEntry)| videos_table::said(cx, column.key, i, v);
        let mut all = videos().map(said);
        let first = all.next().unwrap_or_default();
        if all.all(|s| s == first) {
            let known = !matches!(first.as_str(), "" | "…" | "–");
            out.push((column.key, if known { format!("{} {first}", column.title) } else { String::new() }));
        }
    }
    out
}

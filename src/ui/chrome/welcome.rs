//! The page one sees first: three ways in, what was open before, and a place to drop things.

use crate::domain::leaf;
use crate::jobs::Job;
use crate::ui::action::{OpenAction, SystemAction, WindowAction};
use crate::ui::panel::PanelCx;
use crate::ui::state::{PathPurpose, Recent};
use crate::ui::theme;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::mark;
use egui::{RichText, Sense, Vec2};

/// Size of a card.
const CARD: Vec2 = Vec2::new(226.0, 118.0);

/// Size of the picture of what one will see.
const HERO: Vec2 = Vec2::new(302.0, 160.0);

/// Draws the page.
pub fn ui(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let p = theme::palette(ui);
    let width = CARD.x * 3.0 + 2.0 * 16.0;
    let left = ((ui.available_width() - width) / 2.0).max(16.0);
    let top = ((ui.available_height() - 560.0) / 2.0).max(12.0);
    let rect = egui::Rect::from_min_size(
        ui.max_rect().min + Vec2::new(left, top),
        Vec2::new(width, (ui.available_height() - top).max(100.0)),
    );
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect), |ui| {
        head(ui, cx, width);
        ui.add_space(14.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            demo_card(ui, cx);
            let told = "A folder of videos with labels, one video, or a folder of frames.";
            if card(ui, Icon::Folder, "Open a dataset…", told, false).clicked() {
                cx.send(SystemAction::AskPath(PathPurpose::Dataset));
            }
            let told = "An earlier training: its curves, scores and heatmaps.";
            if card(ui, Icon::Chart, "Open a run…", told, false).clicked() {
                cx.send(SystemAction::AskPath(PathPurpose::Run));
            }
        });
        ui.add_space(16.0);
        drop_hint(ui, width);
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            if ui.button("Import PyTorch weights…").clicked() {
                cx.send(OpenAction::AskImport(None));
            }
            let told = "makes a run of a .pth, .pt or .safetensors file, to evaluate and look into";
            ui.label(RichText::new(told).text_style(theme::caption()).color(p.muted));
        });
        ui.horizontal(|ui| {
            if ui.button("Open a table…").clicked() {
                cx.send(SystemAction::AskPath(PathPurpose::OpenTable));
            }
            let told = "any CSV, TSV or JSON lines with labels: you say what the columns are";
            ui.label(RichText::new(told).text_style(theme::caption()).color(p.muted));
        });
        ui.add_space(12.0);
        recent(ui, cx);
        if cx.state.dataset.is_some() {
            ui.add_space(10.0);
            if ui.button("Back to the open dataset").clicked() {
                cx.send(WindowAction::ShowWelcome(false));
            }
        }
    });
}

/// Name and purpose, and beside them what one will see.
fn head(ui: &mut egui::Ui, cx: &mut PanelCx<'_>, width: f32) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        let text = Vec2::new(width - HERO.x - ui.spacing().item_spacing.x, HERO.y);
        ui.allocate_ui_with_layout(text, egui::Layout::top_down(egui::Align::Min), |ui| {
            ui.set_min_size(text);
            ui.add_space(22.0);
            ui.horizontal(|ui| {
                mark::show(ui, cx.services, 40.0);
                ui.label(RichText::new("kinolens").text_style(theme::title()).strong());
            });
            ui.label(
                RichText::new("See what a video model sees: browse labels, train, and scrub heatmaps frame by frame.")
                    .color(p.muted),
            );
            ui.add_space(8.0);
            let first = "New here? Make the demo dataset, train on it for a few minutes, and look at why it errs.";
            ui.label(first);
        });
        hero(ui);
    });
}

/// A frame of the demo and its heatmap.
fn hero(ui: &mut egui::Ui) {
    let id = egui::Id::unique("welcome picture");
    let known = ui.data(|d| d.get_temp::<egui::TextureHandle>(id));
    let texture = known.or_else(|| {
        let picture = image::load_from_memory(include_bytes!("../../../assets/welcome.jpg")).ok()?.into_rgb8();
        let size = [picture.width() as usize, picture.height() as usize];
        let pixels = egui::ColorImage::from_rgb(size, picture.as_raw());
        let texture = ui.ctx().load_texture("welcome", pixels, egui::TextureOptions::LINEAR);
        ui.data_mut(|d| d.insert_temp(id, texture.clone()));
        Some(texture)
    });
    let (rect, response) = ui.allocate_exact_size(HERO, Sense::hover());
    let told = "A frame of the demo dataset, and beside it where a network looks in it";
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, told));
    if let Some(texture) = texture {
        egui::Image::new(&texture).corner_radius(8).paint_at(ui, rect);
    }
}

/// The first thing to do; while it is under way, how far it is.
fn demo_card(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    let state = cx.state;
    let making = state.live_job(|job| matches!(job, Job::MakeDemo(_) | Job::OpenDataset(_)));
    let told = match making {
        None => "Animated people doing exercises, with true masks and poses. Start here.".to_owned(),
        Some(job) => {
            let phase = super::jobs::phase(job).map_or_else(String::new, |p| format!(", {p}"));
            format!("{}{phase}", super::jobs::summary(job))
        }
    };
    let title = match making.map(|j| &j.job) {
        None => "Make the demo dataset",
        Some(Job::MakeDemo(_)) => "Making the demo dataset…",
        Some(_) => "Opening…",
    };
    let response = card(ui, Icon::Spark, title, &told, true);
    if let Some(job) = making {
        let p = theme::palette(ui);
        let share = job.fraction.unwrap_or(0.0).clamp(0.0, 1.0);
        let inner = response.rect.shrink(14.0);
        let track = egui::Rect::from_min_max(egui::pos2(inner.left(), inner.bottom() - 5.0), inner.max);
        ui.painter().rect_filled(track, 2.5, p.well);
        let part = egui::Rect::from_min_size(track.min, Vec2::new(track.width() * share, track.height()));
        ui.painter().rect_filled(part, 2.5, p.accent);
    } else if response.clicked() {
        cx.send(OpenAction::OpenDemo);
    }
}

fn card(ui: &mut egui::Ui, icon: Icon, title: &str, text: &str, primary: bool) -> egui::Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(CARD, Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, title));
    let hot = response.hovered() || response.has_focus();
    let fill = if primary { p.accent_soft } else { p.panel };
    let stroke = egui::Stroke::new(if hot { 1.5 } else { 1.0 }, if hot { p.accent } else { p.line });
    ui.painter().rect(rect, 9.0, fill, stroke, egui::StrokeKind::Inside);
    let inner = rect.shrink(14.0);
    icons::paint(ui.painter(), egui::Rect::from_min_size(inner.min, Vec2::splat(22.0)), icon, p.accent);
    let font = theme::section().resolve(ui.style());
    let head = ui.painter().layout_no_wrap(title.to_owned(), font, p.text);
    ui.painter().galley(inner.min + Vec2::new(0.0, 32.0), head, p.text);
    let body = ui.painter().layout(text.to_owned(), theme::caption().resolve(ui.style()), p.muted, inner.width());
    ui.painter().galley(inner.min + Vec2::new(0.0, 54.0), body, p.muted);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn drop_hint(ui: &mut egui::Ui, width: f32) {
    let p = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(width, 44.0), Sense::hover());
    let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
    ui.painter().extend(egui::Shape::dashed_line(&corners, egui::Stroke::new(1.0, p.line), 6.0, 5.0));
    let font = egui::TextStyle::Body.resolve(ui.style());
    let text = "or drop a folder, a video or PyTorch weights here";
    ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, text, font, p.muted);
}

fn recent(ui: &mut egui::Ui, cx: &mut PanelCx<'_>) {
    if cx.state.recent.is_empty() {
        return;
    }
    let p = theme::palette(ui);
    ui.label(RichText::new("Recent").text_style(theme::caption()).color(p.muted));
    let items: Vec<Recent> = cx.state.recent.iter().take(6).cloned().collect();
    egui::ScrollArea::vertical().max_height(170.0).show(ui, |ui| {
        for item in items {
            let path = item.path();
            let name = leaf(path);
            let kind = if matches!(item, Recent::Run(_)) { "run" } else { "dataset" };
            ui.horizontal(|ui| {
                let there = cx.state.disk.at(path).value().is_none_or(|found| found.exists);
                let button =
                    egui::Button::new(RichText::new(&name).color(if there { p.accent } else { p.muted })).frame(false);
                let missing = "It is no longer there.";
                let response = ui.add_enabled(there, button).on_disabled_hover_text(missing);
                if response.clicked() {
                    cx.send(OpenAction::OpenAny(path.to_path_buf()));
                }
                let where_ = path.parent().map_or_else(String::new, |f| f.display().to_string());
                ui.label(RichText::new(format!("{kind}  {where_}")).text_style(theme::caption()).color(p.muted));
            });
        }
    });
}

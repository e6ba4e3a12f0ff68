//! What the network sees of a training clip: the frames as they are, and the tensor an epoch draws of them, side by side.

use crate::config::RunConfig;
use crate::domain::{Dataset, FrameSampling, RgbImage, counted, leaf};
use crate::jobs::{AugmentationView, PreviewClip};
use crate::ui::action::{ChooseAction, WindowAction, WorkAction};
use crate::ui::arrangement::{Draft, Reading};
use crate::ui::augmentation::{AugmentationChoice, AugmentationQuery};
use crate::ui::awaited::Awaited;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::AppState;
use crate::ui::theme;
use crate::ui::theme::overlay;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::{picture, style};
use egui::{Color32, ColorImage, Rect, RichText, Sense, TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo, pos2};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Frames a second while the clip plays.
const RATE: f64 = 12.0;
/// Room below the pictures for what was drawn.
const WRITTEN: f32 = 112.0;

/// What the configuration of a training follows from.
type Configured = (Draft, Reading, Same<Dataset>);

/// What a texture was made of: the clip, and which of its frames.
type Made = (Same<AugmentationView>, usize);

/// The panel.
pub struct Augmentation {
    playing: bool,
    /// Position in the clip, in frames.
    at: f64,
    /// Time of the last paint.
    painted: f64,
    config: Derived<Configured, Arc<RunConfig>>,
    /// The clip under the playhead, as it was before time ran.
    followed: Option<PreviewClip>,
    textures: [Option<(Made, TextureHandle)>; 2],
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            playing: true,
            at: 0.0,
            painted: 0.0,
            config: Derived::default(),
            followed: None,
            textures: [None, None],
        }
    }
}

impl Panel for Augmentation {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let Some(query) = self.query(cx.state) else {
            ui.weak("Open a dataset to see what a training would make of its clips.");
            return;
        };
        if cx.state.augmentation.lacks(&query) {
            cx.send(WorkAction::PreviewAugmentation(Box::new(query.clone())));
        }
        let known = cx.state.augmentation.get(&query);
        self.controls(ui, cx, &known);
        if let Some(sentence) = known.reason() {
            style::notice(ui, theme::palette(ui).warn, sentence);
            return;
        }
        let Some(view) = known.get() else {
            ui.weak("looking at the clip…");
            return;
        };
        let late = known.ready().is_none();
        let frame = self.frame(ui, view.before.len().min(view.after.len()));
        facts(ui, cx.state, view, frame);
        let space = ui.available_rect_before_wrap();
        let height = (space.height() - WRITTEN).max(space.height() * 0.5);
        let stage = Rect::from_min_size(space.min, Vec2::new(space.width(), height));
        self.pictures(ui, stage, view, frame, late);
        let below = Rect::from_min_max(pos2(space.left(), stage.bottom() + 4.0), space.max);
        ui.scope_builder(egui::UiBuilder::new().max_rect(below), |ui| written(ui, view));
    }
}

impl Augmentation {
    /// The look that is meant now; `None` without a dataset.
    fn query(&mut self, state: &AppState) -> Option<AugmentationQuery> {
        let dataset = state.dataset.as_ref()?;
        let key = (state.draft.clone(), state.reading.clone(), Same::of(dataset));
        let make = || Arc::new(state.reading.training(dataset, state.draft.config()));
        let config = Arc::clone(&self.config.get(key, make));
        let AugmentationChoice { epoch, repeat, random } = state.augmentation.choice;
        let clip = match (random, &state.selection.video) {
            (Some(number), _) => PreviewClip::Random(number),
            (None, None) => PreviewClip::Random(0),
            (None, Some(video)) => {
                let other = |c: &PreviewClip| !matches!(c, PreviewClip::At { video: v, .. } if v == video);
                // A video that plays is not run after.
                if !state.playback.playing || self.followed.as_ref().is_none_or(other) {
                    // Frames between two windows are of the same one.
                    let stride = match config.clip.sampling {
                        FrameSampling::Windows => config.clip.train_stride.max(1),
                        _ => 1,
                    };
                    let frame = state.selection.frame / stride * stride;
                    self.followed = Some(PreviewClip::At { video: video.clone(), frame });
                }
                self.followed.clone()?
            }
        };
        let root = dataset.root.clone();
        Some(AugmentationQuery { dataset: Same::of(dataset), root, config, clip, epoch, repeat })
    }

    fn controls(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, known: &Awaited<Arc<AugmentationView>>) {
        let before = cx.state.augmentation.choice.clone();
        let mut choice = before.clone();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            let (icon, name) = if self.playing {
                (Icon::Pause, "Pause the augmented clip")
            } else {
                (Icon::Play, "Play the augmented clip")
            };
            if icons::button(ui, icon, name).clicked() {
                self.playing = !self.playing;
            }
            if ui.button("Next sample").on_hover_text("The sample of the next epoch (R)").clicked() {
                cx.send(WindowAction::NextDraw);
            }
            let label = ui.label("epoch").id;
            let epoch = egui::DragValue::new(&mut choice.epoch).range(1..=1_000_000).speed(0.1);
            if ui.add(epoch).labelled_by(label).on_hover_text("Epoch whose sample is shown").changed() {
                choice.repeat = 0;
            }
            let times = known.get().map_or(1, |v| v.times_drawn).max(1) as u32;
            if times > 1 {
                let label = ui.label(format!("of {times} samples number")).id;
                let mut number = choice.repeat + 1;
                let drag = egui::DragValue::new(&mut number).range(1..=times).speed(0.1);
                ui.add(drag).labelled_by(label).on_hover_text("The epoch samples this clip several times");
                choice.repeat = number.saturating_sub(1);
            }
            ui.separator();
            if ui.button("Random clip").on_hover_text("Another training clip").clicked() {
                choice.random = Some(choice.random.map_or(1, |n| n.wrapping_add(1)));
                choice.repeat = 0;
            }
            let follows = egui::Button::selectable(choice.random.is_none(), "Clip under the playhead");
            let has_video = cx.state.selection.video.is_some();
            if ui.add_enabled(has_video, follows).on_disabled_hover_text("Choose a video first.").clicked() {
                (choice.random, choice.repeat) = (None, 0);
            }
            if let Some(view) = known.ready().filter(|_| choice.random.is_some())
                && ui.button("Go there").on_hover_text("Choose this clip's video and frame").clicked()
            {
                cx.send(ChooseAction::SelectClip(view.clip.clone()));
            }
        });
        if choice != before {
            cx.send(WindowAction::ChooseAugmentation(choice));
        }
    }

    /// The frame of the clip that is shown, of so many.
    fn frame(&mut self, ui: &Ui, frames: usize) -> usize {
        let now = ui.input(|i| i.time);
        if self.playing && frames > 1 {
            // A hidden window must not jump far ahead.
            self.at += (now - self.painted).clamp(0.0, 0.5) * RATE;
            ui.ctx().request_repaint_after(Duration::from_secs_f64(1.0 / RATE));
        }
        self.painted = now;
        self.at = self.at.rem_euclid(frames.max(1) as f64);
        (self.at as usize).min(frames.saturating_sub(1))
    }

    /// Before and after, as large as they can stand side by side.
    fn pictures(&mut self, ui: &mut Ui, stage: Rect, view: &Arc<AugmentationView>, frame: usize, late: bool) {
        let half = Vec2::new((stage.width() - 6.0) / 2.0, stage.height());
        let number = view.frames.get(frame).copied().unwrap_or(0);
        let sides = [
            ("before", &view.before, format!("Before augmentation: frame {number}")),
            ("after, as the network sees it", &view.after, format!("After augmentation: frame {number}")),
        ];
        for (side, (title, pictures, name)) in sides.into_iter().enumerate() {
            let place = Rect::from_min_size(stage.min + Vec2::new((half.x + 6.0) * side as f32, 0.0), half);
            ui.painter().rect_filled(place, 4.0, theme::palette(ui).stage);
            let (Some(image), Some(slot)) = (pictures.get(frame), self.textures.get_mut(side)) else { continue };
            let made = (Same::of(view), frame);
            let texture = texture(ui, slot, made, image);
            let inner = picture::fit(place, image.width, image.height);
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), inner, uv, Color32::WHITE);
            if late {
                ui.painter().rect_filled(inner, 0.0, overlay::DIMMED);
            }
            let title = format!("{title}, {}×{}", image.width, image.height);
            picture::badge(ui, inner, egui::Align2::LEFT_TOP, &title, overlay::TEXT);
            let response = ui.interact(inner, ui.scope_id().with(("augmented", side)), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
        }
    }
}

/// The texture of a picture, written again only when it is another one.
fn texture<'a>(
    ui: &Ui,
    slot: &'a mut Option<(Made, TextureHandle)>,
    made: Made,
    image: &RgbImage,
) -> &'a TextureHandle {
    let pixels = || ColorImage::from_rgb([image.width as usize, image.height as usize], &image.data);
    // Pixels as they are, not interpolated: this is what the network gets.
    let (known, texture) = slot.get_or_insert_with(|| {
        (made.clone(), ui.ctx().load_texture("augmentation", pixels(), TextureOptions::NEAREST))
    });
    if *known != made {
        texture.set(pixels(), TextureOptions::NEAREST);
        *known = made;
    }
    texture
}

/// Which clip this is, and when a training has it.
fn facts(ui: &mut Ui, state: &AppState, view: &AugmentationView, frame: usize) {
    let p = theme::palette(ui);
    let caption = |text: String| RichText::new(text).text_style(theme::caption());
    let (first, last) =
        (view.frames.iter().min().copied().unwrap_or(0), view.frames.iter().max().copied().unwrap_or(0));
    let classes = if view.classes.is_empty() { "unlabelled".to_owned() } else { view.classes.join(" + ") };
    let clip = leaf(Path::new(&view.clip.video));
    let [_, frames, height, width] = view.shape;
    let text = format!(
        "{clip}, {classes}, {} from {first} to {last}, now {}",
        counted(frames as u64, "frame"),
        view.frames.get(frame).copied().unwrap_or(0)
    );
    ui.add(egui::Label::new(caption(text)).truncate()).on_hover_text(&view.clip.video);
    let times = match view.times_drawn {
        0 => "does not sample it".to_owned(),
        1 => "samples it once".to_owned(),
        n => format!("samples it {n} times"),
    };
    let of = state.draft.preset.as_str();
    let of = if of.is_empty() { String::new() } else { format!(", configuration {of}") };
    let text = format!("seed {}, epoch {} {times}{of}; tensor 3×{frames}×{height}×{width}", view.seed, view.epoch);
    ui.add(egui::Label::new(caption(text).color(p.muted)).truncate());
    if let Some(note) = &view.note {
        ui.label(caption(note.clone()).color(p.warn));
    }
}

/// What was drawn: in words, and every number.
fn written(ui: &mut Ui, view: &AugmentationView) {
    let p = theme::palette(ui);
    let caption = |text: &str| RichText::new(text).text_style(theme::caption());
    egui::ScrollArea::vertical().id_salt("drawn").auto_shrink(false).show(ui, |ui| {
        let Some(draw) = &view.draw else {
            ui.label("Augmentation is off: training clips stay as they are.");
            return;
        };
        ui.label(RichText::new(format!("Sampled: {}", draw.describe())).text_style(theme::section()));
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (name, value) in draw.parameters() {
                ui.label(caption(name).color(p.muted));
                ui.label(caption(&value).monospace());
                ui.add_space(6.0);
            }
        });
    });
}

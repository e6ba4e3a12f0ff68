//! What a network is, beside the box it is chosen in: sizes, input, memory.

use crate::classical::Baseline;
use crate::config::{ModelConfig, PRESETS, RunConfig};
use crate::domain::{bytes, grouped};
use crate::model::{MODELS, ModelSpec, Outline};
use crate::ui::theme;
use egui::{RichText, Ui};
use std::sync::Arc;

/// Classes that are counted with where no dataset says how many there are.
const SOME_CLASSES: usize = 10;

type CountsKey = (ModelConfig, usize, [usize; 3]);
type Known = Arc<Result<Outline, String>>;

/// The outline of a configured network, worked out when the configuration changes and not in every frame.
fn outline(ui: &Ui, config: &RunConfig, classes: usize) -> Known {
    let clip = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
    let key: CountsKey = (ModelConfig { init_from: None, ..config.model.clone() }, classes, clip);
    let id = egui::Id::unique("network outline");
    if let Some((of, known)) = ui.data(|d| d.get_temp::<(CountsKey, Known)>(id))
        && of == key
    {
        return known;
    }
    let known: Known = Arc::new(Outline::of(&key.0, classes, clip).map_err(|e| e.to_string()));
    ui.data_mut(|d| d.insert_temp(id, (key, known.clone())));
    known
}

/// Parameters of every network as it is without options, for `classes`.
fn sizes(ui: &Ui, classes: usize) -> Arc<Vec<Option<usize>>> {
    let id = egui::Id::unique("network sizes");
    if let Some((of, known)) = ui.data(|d| d.get_temp::<(usize, Arc<Vec<Option<usize>>>)>(id))
        && of == classes
    {
        return known;
    }
    let size = |spec: &ModelSpec| {
        let config = ModelConfig { id: spec.id.to_owned(), ..ModelConfig::default() };
        let (t, h, w) = spec.input;
        Outline::of(&config, classes, [t as usize, h as usize, w as usize]).ok().map(|o| o.parameters)
    };
    let known = Arc::new(MODELS.iter().map(size).collect::<Vec<_>>());
    ui.data_mut(|d| d.insert_temp(id, (classes, known.clone())));
    known
}

/// `33.2 M`, `290 k`.
pub fn short(parameters: usize) -> String {
    match parameters as f64 {
        n if n >= 99.95e6 => format!("{:.0} M", n / 1e6),
        n if n >= 0.9995e6 => format!("{:.1} M", n / 1e6),
        n if n >= 999.5 => format!("{:.0} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

/// The box a network is chosen in: every entry with its size and what it is for; below them the classical baselines, where
/// one of those will do.
pub fn picker(ui: &mut Ui, salt: &str, id: &mut String, classes: usize, with_baselines: bool) {
    let unknown = if id.is_empty() { "choose…" } else { id.as_str() };
    let network = MODELS.iter().find(|m| m.id == *id).map(|m| m.title.to_owned());
    let now = network.or_else(|| Baseline::find(id).map(Baseline::title)).unwrap_or_else(|| unknown.to_owned());
    let width = ui.available_width().min(190.0);
    egui::ComboBox::from_id_salt(salt).width(width).height(420.0).truncate().selected_text(now).show_ui(ui, |ui| {
        ui.set_min_width(300.0);
        let sizes = sizes(ui, if classes == 0 { SOME_CLASSES } else { classes });
        for (spec, size) in MODELS.iter().zip(sizes.iter()) {
            let size = size.map(short).unwrap_or_default();
            let right = RichText::new(size).text_style(theme::caption()).color(theme::palette(ui).muted);
            let entry = egui::Button::selectable(spec.id == id, spec.title)
                .right_text(right)
                .min_size(egui::vec2(ui.available_width(), 22.0));
            if ui.add(entry).on_hover_text(spec.summary).clicked() {
                *id = spec.id.to_owned();
            }
        }
        if with_baselines {
            baselines(ui, id);
        }
    });
}

/// Every classical baseline.
fn baselines(ui: &mut Ui, id: &mut String) {
    ui.separator();
    ui.label(RichText::new("Classical baselines").text_style(theme::caption()).color(theme::palette(ui).muted));
    for baseline in Baseline::all() {
        let entry = egui::Button::selectable(baseline.id() == *id, baseline.title())
            .min_size(egui::vec2(ui.available_width(), 22.0));
        if ui.add(entry).on_hover_text(baseline.features.summary()).clicked() {
            *id = baseline.id();
        }
    }
}

/// The card of the chosen network; true when the clip settings were changed to its usual input.
pub fn card(ui: &mut Ui, config: &mut RunConfig, classes: usize) -> bool {
    if let Some(baseline) = Baseline::find(&config.model.id) {
        baseline_card(ui, baseline);
        return false;
    }
    let Some(spec) = MODELS.iter().find(|m| m.id == config.model.id) else { return false };
    let assumed = classes == 0 && config.model.num_classes.is_none();
    let classes = config.model.num_classes.unwrap_or(if assumed { SOME_CLASSES } else { classes });
    let known = outline(ui, config, classes);
    let mut changed = false;
    card_frame(ui).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.spacing_mut().interact_size.y = 16.0;
        let wrapped = |ui: &mut Ui, text: RichText| drop(ui.add(egui::Label::new(text).wrap()));
        wrapped(ui, RichText::new(spec.summary));
        match &*known {
            Err(sentence) => wrapped(ui, RichText::new(sentence).color(theme::palette(ui).bad)),
            Ok(outline) => facts(ui, outline, config, classes, assumed),
        }
        changed = usual_input(ui, spec, config);
    });
    changed
}

/// Memory that a batch costs a training, about, in bytes; `None` for a classical baseline and a network that is not known.
pub fn batch_bytes(ui: &Ui, config: &RunConfig, classes: usize) -> Option<u64> {
    MODELS.iter().find(|m| m.id == config.model.id)?;
    let classes = config.model.num_classes.unwrap_or(if classes == 0 { SOME_CLASSES } else { classes });
    let known = outline(ui, config, classes);
    let clip = known.as_ref().as_ref().ok()?.training_bytes_per_clip as u64;
    Some(clip.saturating_mul(config.training.batch_size as u64))
}

/// True where a preset gives the network clips of this size: then nothing is unusual about it.
fn as_in_a_preset(config: &RunConfig) -> bool {
    static CLIPS: std::sync::OnceLock<Vec<(String, [u32; 3])>> = std::sync::OnceLock::new();
    let clips = CLIPS.get_or_init(|| {
        let of = |c: RunConfig| (c.model.id, [c.clip.length, c.clip.height, c.clip.width]);
        PRESETS.iter().filter_map(|p| p.config().ok()).map(of).collect()
    });
    let now = [config.clip.length, config.clip.height, config.clip.width];
    clips.iter().any(|(id, clip)| *id == config.model.id && *clip == now)
}

fn card_frame(ui: &Ui) -> egui::Frame {
    egui::Frame::new()
        .fill(theme::palette(ui).accent_soft.gamma_multiply(0.5))
        .inner_margin(egui::Margin::symmetric(10, 7))
        .corner_radius(5.0)
}

fn baseline_card(ui: &mut Ui, baseline: Baseline) {
    card_frame(ui).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.add(egui::Label::new(baseline.features.summary()).wrap());
        let fitted = "Fitted at once on the CPU: epochs, optimizer, schedule, loss, sampling and augmentation do not apply. \
                      It has no heatmaps.";
        ui.add(egui::Label::new(RichText::new(fitted).text_style(theme::caption())).wrap());
    });
}

fn facts(ui: &mut Ui, outline: &Outline, config: &RunConfig, classes: usize, assumed: bool) {
    let muted = theme::palette(ui).muted;
    let mut fact = |name: &str, value: String, help: &str| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(RichText::new(name).text_style(theme::caption()).color(muted));
            ui.label(RichText::new(value).text_style(theme::caption())).on_hover_text(help);
        });
    };
    let learn = match outline.trainable == outline.parameters {
        true => "all of them learn".to_owned(),
        false => format!("{} learn", grouped(outline.trainable as u64)),
    };
    let help = match assumed {
        true => format!("No dataset is open: counted with {classes} classes."),
        false => format!("With {classes} classes."),
    };
    fact("Parameters", format!("{}, {learn}", grouped(outline.parameters as u64)), &help);
    let (c, step) = (&config.clip, config.clip.step);
    let every = if step > 1 { format!(", one video frame in {step}") } else { String::new() };
    fact("Input", format!("{}×{}×{}{every}", c.length, c.height, c.width), "Frames, rows and columns of a clip.");
    let clip = outline.training_bytes_per_clip as u64;
    let batch = config.training.batch_size as u64;
    let memory = format!("{} a clip, {} a batch of {batch}", bytes(clip), bytes(clip.saturating_mul(batch)));
    let help = "About what clips cost a training, besides the network and its optimizer's state.";
    fact("Memory", memory, help);
}

/// Offers the clip size the network is usually given, when it differs.
fn usual_input(ui: &mut Ui, spec: &ModelSpec, config: &mut RunConfig) -> bool {
    let (length, height, width) = spec.input;
    let preset = as_in_a_preset(config);
    let clip = &mut config.clip;
    if (clip.length, clip.height, clip.width) == spec.input || preset {
        return false;
    }
    ui.horizontal_wrapped(|ui| {
        let hint = format!("Usually given {length}×{height}×{width}.");
        ui.label(RichText::new(hint).text_style(theme::caption()).color(theme::palette(ui).warn));
        let help = format!("Sets clips of {length} frames of {width}×{height} pixels");
        let pressed = ui.button("Use its usual clips").on_hover_text(help).clicked();
        if pressed {
            (clip.length, clip.height, clip.width) = (length, height, width);
        }
        pressed
    })
    .inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!([short(33_174_993), short(289_921), short(999_600)], ["33.2 M", "290 k", "1.0 M"]);
    }
}

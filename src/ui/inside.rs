//! Which layer is looked at and what of it is wanted now: the answers lie in [`InsideStore`](super::state::InsideStore).

use super::state::{AppState, ChannelLayout, LookQuery, SurveyForm, Workspace};
use crate::classical::Baseline;
use crate::inside::{ChannelOrder, PERPLEXITY, shown_layers};
use crate::jobs::kinds::{LookInside, SurveyLayers, WriteInsidePage};
use crate::jobs::{CheckpointRef, RunView, TargetClass};
use crate::model::{MODELS, ModuleTree};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// Seed of the draw of a survey: the same clips for every checkpoint.
const SEED: u64 = 0;
/// Examples kept of each channel.
const EXAMPLES: usize = 12;

impl AppState {
    /// The modules of the network of a run, or why there are none.
    pub fn modules_of(&self, run: &Arc<RunView>) -> Rc<Result<Arc<ModuleTree>, String>> {
        self.inside.trees.get(super::derived::Same::of(run), || {
            let (config, name) = (&run.config, crate::domain::leaf(&run.path));
            if let Some(baseline) = Baseline::find(&config.model.id) {
                let title = baseline.title();
                return Err(format!("{name} is a classical baseline ({title}): it has no layers. Choose another run."));
            }
            let clip = [config.clip.length, config.clip.height, config.clip.width].map(|n| n as usize);
            ModuleTree::of(&config.model, run.classes.len(), clip).map(Arc::new).map_err(|e| e.to_string())
        })
    }

    /// The layer that is looked at: the one chosen in Inside, or that of the heatmap.
    pub fn inside_layer(&self) -> Option<String> {
        let run = self.run()?;
        let view = self.selection.view();
        let chosen = self.inside.chosen(&run.path, view.layer.as_deref()).map(str::to_owned);
        let usual = || MODELS.iter().find(|m| m.id == run.config.model.id).map(|m| m.default_layer.to_owned());
        chosen.or(view.layer).or_else(usual)
    }

    /// The query for a layer of the clip under the playhead; `None` where no network or no clip is chosen, or the classes of
    /// the run are foreign to the dataset.
    pub fn look_query(&self, layer: &str) -> Option<LookQuery> {
        let run = self.run().filter(|r| !self.is_foreign(r))?;
        self.modules_of(run).as_ref().as_ref().ok()?;
        let settings = self.inside.settings;
        let gradient = settings.order == ChannelOrder::Gradient;
        Some(LookQuery {
            checkpoint: self.selection.checkpoint_ref()?,
            clip: self.explained_clip()?,
            layer: layer.to_owned(),
            order: settings.order,
            target: if gradient { self.selection.view().target } else { TargetClass::Predicted },
            effective: settings.field,
            strip: false,
        })
    }

    /// The query for the first channels of a layer.
    pub fn strip_query(&self, layer: &str) -> Option<LookQuery> {
        Some(LookQuery { strip: true, effective: false, ..self.look_query(layer)? })
    }
}

/// What the window wants to see inside the network in use now, what matters most first.
pub fn wanted(state: &AppState) -> Vec<LookQuery> {
    if state.workspace != Workspace::Inside || state.welcome {
        return Vec::new();
    }
    let Some(query) = state.inside_layer().and_then(|layer| state.look_query(&layer)) else { return Vec::new() };
    let mut all = vec![query.clone()];
    if state.inside.settings.layout == ChannelLayout::Layers
        && let Some(run) = state.run()
        && let Ok(tree) = state.modules_of(run).as_ref()
    {
        let strip = |layer: String| LookQuery { layer, strip: true, effective: false, ..query.clone() };
        all.extend(shown_layers(tree).into_iter().map(strip));
    }
    all
}

/// The job for a query.
pub fn job_of(state: &AppState, query: &LookQuery) -> Option<LookInside> {
    let tree = state.modules_of(state.run_at(&query.checkpoint.run)?);
    let module = tree.as_ref().as_ref().ok()?.find(&query.layer)?;
    let bytes = module.shape.iter().product::<usize>() * size_of::<f32>();
    Some(LookInside {
        checkpoint: query.checkpoint.clone(),
        dataset: state.dataset.clone()?,
        clip: query.clip.clone(),
        class_match: state.class_match(&query.checkpoint.run),
        layers: vec![query.layer.clone()],
        order: query.order,
        target: query.target,
        budget: super::state::InsideStore::budget(bytes),
        pictures: None,
        measure: false,
        effective: query.effective,
        out: None,
    })
}

/// The job that measures how long each module takes.
pub fn measure_job(state: &AppState) -> Option<LookInside> {
    let query = LookQuery { order: ChannelOrder::Index, effective: false, ..state.look_query(&state.inside_layer()?)? };
    Some(LookInside { measure: true, budget: 0, ..job_of(state, &query)? })
}

/// Channels of a layer on a page.
const PAGE_CHANNELS: usize = 64;

/// The job that writes a page on the outermost layers and the chosen one, for the clip under the playhead.
pub fn page_job(state: &AppState, out: PathBuf) -> Option<WriteInsidePage> {
    let chosen = state.inside_layer()?;
    let query = LookQuery { strip: false, ..state.look_query(&chosen)? };
    let tree = state.modules_of(state.run_at(&query.checkpoint.run)?);
    let mut layers = shown_layers(tree.as_ref().as_ref().ok()?);
    layers.extend(Some(chosen.clone()).filter(|l| !layers.contains(l)));
    let pictures = crate::render::color_map("viridis").ok().map(|map| (PAGE_CHANNELS, map));
    Some(WriteInsidePage {
        survey: state.inside.survey(&query.checkpoint).cloned(),
        look: LookInside { layers, budget: 0, pictures, ..job_of(state, &query)? },
        kernels_of: vec![chosen],
        out,
    })
}

/// The job that surveys the outermost layers and the chosen one.
pub fn survey_job(state: &AppState, checkpoint: CheckpointRef, form: SurveyForm) -> Option<SurveyLayers> {
    let run = state.run_at(&checkpoint.run)?;
    let tree = state.modules_of(run);
    let mut layers = shown_layers(tree.as_ref().as_ref().ok()?);
    layers.extend(state.inside_layer().filter(|l| !layers.contains(l)));
    Some(SurveyLayers {
        dataset: state.dataset.clone()?,
        split: form.split,
        clips: form.clips,
        seed: SEED,
        class_match: state.class_match(&checkpoint.run),
        checkpoint,
        layers,
        examples: EXAMPLES,
        map: Some(String::new()),
        perplexity: PERPLEXITY,
        over_checkpoints: form.over_checkpoints,
    })
}

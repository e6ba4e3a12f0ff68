//! What panels read besides the state: decoded frames, masks, poses and the GPU. Each loads on threads of its own;
//! asking never blocks.

use super::annotations::Annotations;
use super::awaited::{Awaited, Wake};
use super::committed::{Committed, FrameStage};
use super::derived::{Derived, Same};
use super::state::AppState;
use crate::domain::{GrayImage, HeatMap, MaskShare};
use crate::render::HeatVolume;
use crate::render::overlay_gpu::OverlayRenderer;
use crate::video::FrameServer;
use eframe::egui_wgpu::RenderState;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Memory for decoded frames of the viewer, in bytes.
const FRAME_BUDGET: usize = 512 << 20;

/// See the module's documentation.
pub struct Services {
    /// Frames of the viewer.
    pub frames: FrameServer,
    /// Masks and poses.
    pub annotations: Annotations,
    /// True when overlays are drawn by the GPU; else the CPU compositor draws them.
    pub gpu: bool,
    /// Pictures drawn without the GPU pass, by view, with what they were made from.
    pub textures: RefCell<HashMap<u64, (u64, egui::TextureHandle)>>,
    /// Heatmaps as volumes.
    pub volumes: Volumes,
    stage: FrameStage,
}

/// Volumes kept: those of four views, and those they showed before.
const VOLUMES: usize = 16;

/// A heatmap that can be drawn.
pub struct Volume {
    /// Its cells.
    pub heat: HeatVolume,
    /// Another number for each volume, never 0, so that textures know when to be written again.
    pub generation: u64,
}

/// A mask, a map, the frame of its clip, and how many frames the clip has.
type OnMaskKey = (Same<GrayImage>, Same<HeatMap>, usize, usize);

/// Heatmaps as volumes, made once for each map.
pub struct Volumes {
    kept: Derived<Same<HeatMap>, Option<Volume>>,
    count: Cell<u64>,
    /// How much of a map lies on a mask, by mask, map, frame of the clip and frames of the clip.
    on_mask: Derived<OnMaskKey, Option<MaskShare>>,
}

impl Default for Volumes {
    fn default() -> Self {
        Self { kept: Derived::keeping(VOLUMES), count: Cell::new(0), on_mask: Derived::default() }
    }
}

impl Volumes {
    /// The volume of a map; `None` for one that has no shape.
    pub fn of(&self, map: &Arc<HeatMap>) -> Rc<Option<Volume>> {
        self.kept.get(Same::of(map), || {
            self.count.set(self.count.get() + 1);
            let generation = self.count.get();
            HeatVolume::from_map(map).ok().map(|heat| Volume { heat, generation })
        })
    }

    /// How much of the heat of frame `at` of a clip of `frames` lies on a mask.
    pub fn on_mask(&self, map: &Arc<HeatMap>, mask: &Arc<GrayImage>, at: usize, frames: usize) -> Option<MaskShare> {
        let key = (Same::of(mask), Same::of(map), at, frames);
        *self.on_mask.get(key, || map.share_on(mask, at, frames))
    }
}

impl Services {
    /// Starts the loading threads and compiles the overlay pass.
    pub fn new(wake: Wake, gpu: Option<&RenderState>) -> Self {
        if let Some(state) = gpu {
            let renderer = OverlayRenderer::new(&state.device, state.target_format);
            state.renderer.write().callback_resources.insert(renderer);
        }
        Self {
            frames: FrameServer::new(FRAME_BUDGET, wake.clone()),
            annotations: Annotations::new(wake),
            gpu: gpu.is_some(),
            textures: RefCell::default(),
            volumes: Volumes::default(),
            stage: FrameStage::default(),
        }
    }

    /// Takes over the frame on screen; returns when to look again.
    pub fn commit(&mut self, state: &AppState, now: Instant) -> Option<Duration> {
        self.stage.commit(state, &self.frames, &self.annotations, now)
    }

    /// The frame on screen with everything that belongs to it; the one before while the one asked for is on its way.
    pub fn shown(&self) -> Option<&Committed> {
        self.stage.frame.get()
    }

    /// The frame asked for, as far as it is there.
    pub fn frame(&self) -> &Awaited<Committed> {
        &self.stage.frame
    }

    /// Why masks or poses cannot be shown.
    pub fn annotation_note(&self) -> Option<&str> {
        self.stage.note.as_deref()
    }
}

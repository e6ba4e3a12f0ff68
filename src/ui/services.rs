//! What panels read besides the state: decoded frames, masks, poses and the GPU. Each loads on threads of its own;
//! asking never blocks.

use super::annotations::Annotations;
use super::committed::{Committed, Stage};
use super::state::AppState;
use crate::render::overlay_gpu::OverlayRenderer;
use crate::video::FrameServer;
use eframe::egui_wgpu::RenderState;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Wakes the window from another thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

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
    stage: Stage,
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
            stage: Stage::default(),
        }
    }

    /// Takes over the frame on screen; returns when to look again.
    pub fn commit(&mut self, state: &AppState, now: Instant) -> Option<Duration> {
        self.stage.commit(state, &self.frames, &self.annotations, now)
    }

    /// The frame on screen with everything that belongs to it.
    pub fn shown(&self) -> Option<&Committed> {
        self.stage.shown.as_ref()
    }

    /// Why the frame asked for cannot be shown.
    pub fn frame_error(&self) -> Option<&str> {
        self.stage.error.as_deref()
    }

    /// Why masks or poses cannot be shown.
    pub fn annotation_note(&self) -> Option<&str> {
        self.stage.note.as_deref()
    }
}

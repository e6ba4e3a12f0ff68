//! What panels read besides the state: decoded frames and the GPU. Each loads on threads of its own; asking never
//! blocks.

use crate::video::FrameServer;
use std::sync::Arc;

/// Wakes the window from another thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Memory for decoded frames of the viewer, in bytes.
const FRAME_BUDGET: usize = 512 << 20;

/// See the module's documentation.
pub struct Services {
    /// Frames of the viewer.
    pub frames: FrameServer,
    /// How the window's GPU is reached; `None` without wgpu.
    pub gpu: Option<egui_wgpu_state::RenderState>,
}

/// The window's GPU under the name eframe gives it.
pub mod egui_wgpu_state {
    pub use eframe::egui_wgpu::RenderState;
}

impl Services {
    /// Starts the loading threads.
    pub fn new(wake: Wake, gpu: Option<egui_wgpu_state::RenderState>) -> Self {
        Self { frames: FrameServer::new(FRAME_BUDGET, wake), gpu }
    }
}

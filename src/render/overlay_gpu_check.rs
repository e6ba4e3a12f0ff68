//! Draws one overlay off screen and compares it with the CPU compositor, so that a machine can say whether its driver
//! draws what we mean.

use super::overlay_gpu::{OverlayRenderer, OverlayUniforms};
use super::{ClipPosition, HeatVolume, OverlayParams, Region, RenderError, composite};
use crate::domain::RgbImage;
use std::task::{Context, Poll, Waker};

/// Why the check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GpuCheckError {
    /// No adapter.
    #[error(
        "there is no graphics adapter, not even a software one ({0}); install a Vulkan driver (mesa-vulkan-drivers)"
    )]
    NoAdapter(String),
    /// The adapter gave no device.
    #[error("the graphics adapter {adapter} cannot be used: {reason}")]
    NoDevice {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// The picture could not be read back.
    #[error("the picture drawn by {adapter} could not be read back: {reason}")]
    ReadBack {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// Uploading failed.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuCheck {
    /// Name and backend of the adapter.
    pub adapter: String,
    /// Largest difference of a channel to the CPU compositor, of 255.
    pub largest_difference: u8,
}

/// wgpu's native futures are ready soon; this polls until they are.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

/// Draws a gradient with a map of 2x4x3 cells over it on the best adapter there is.
///
/// # Errors
/// No adapter, or one that does not work.
pub fn check() -> Result<GpuCheck, GpuCheckError> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = wait(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
        .map_err(|e| GpuCheckError::NoAdapter(e.to_string()))?;
    let info = adapter.get_info();
    let name = format!("{} ({:?})", info.name, info.backend);
    let (device, queue) = wait(adapter.request_device(&wgpu::DeviceDescriptor::default()))
        .map_err(|e| GpuCheckError::NoDevice { adapter: name.clone(), reason: e.to_string() })?;

    let (width, height) = (61_u32, 45_u32);
    let bytes: Vec<u8> = (0..width * height * 3).map(|i| ((i * 37) % 256) as u8).collect();
    let frame = RgbImage { width, height, data: bytes.into() };
    let cells: Vec<f32> = (0..24).map(|i| ((i * 7) % 11) as f32 - 2.0).collect();
    let heat = HeatVolume::new([2, 4, 3], &cells)?;
    let params = OverlayParams { threshold: 0.2, ..OverlayParams::default() };
    let position = ClipPosition { frame: 6, frames: 16 };
    let expected = composite(&frame, &heat, position, &params);

    let format = wgpu::TextureFormat::Rgba8Unorm;
    let mut renderer = OverlayRenderer::new(&device, format);
    renderer.upload_frame(&queue, 0, &frame, 1)?;
    renderer.upload_heat(&queue, 0, Some(&heat), 1)?;
    let uniforms =
        OverlayUniforms { params, position: Some(position), source: Region::FULL, viewport: [width, height] };
    renderer.prepare(&queue, 0, &uniforms);
    let drawn = draw(&device, &queue, &renderer, [width, height], format)
        .map_err(|reason| GpuCheckError::ReadBack { adapter: name.clone(), reason })?;
    let differences = drawn.chunks_exact(4).zip(expected.data.chunks_exact(3));
    let largest = differences.flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).collect::<Vec<_>>()).max();
    Ok(GpuCheck { adapter: name, largest_difference: largest.unwrap_or(u8::MAX) })
}

/// RGBA bytes of one pass.
fn draw(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    renderer: &OverlayRenderer,
    [width, height]: [u32; 2],
    format: wgpu::TextureFormat,
) -> Result<Vec<u8>, String> {
    let target = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("overlay check"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let stride = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("overlay check"),
        size: u64::from(stride * height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let view = target.create_view(&wgpu::TextureViewDescriptor::default());
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let operations =
            wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store };
        let attachment =
            wgpu::RenderPassColorAttachment { view: &view, depth_slice: None, resolve_target: None, ops: operations };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(attachment)],
            ..Default::default()
        });
        renderer.paint(&mut pass, 0);
    }
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(stride), rows_per_image: Some(height) };
    let copy = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    encoder.copy_texture_to_buffer(target.as_image_copy(), copy, target.size());
    queue.submit([encoder.finish()]);
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| {
        let _ = sender.send(result);
    });
    device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| e.to_string())?;
    receiver.recv().map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
    let mapped = buffer.slice(..).get_mapped_range().map_err(|e| e.to_string())?;
    let rows = mapped.chunks_exact(stride as usize);
    Ok(rows.flat_map(|row| row.iter().take((width * 4) as usize).copied().collect::<Vec<u8>>()).collect())
}

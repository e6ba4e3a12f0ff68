//! The overlay on the GPU: frame, heat volume at layer resolution and colour table become pixels in one pass
//! (`shaders/overlay.wgsl`), equal to [`overlay_cpu`](super::overlay_cpu) within 2/255 where the frame is drawn at
//! its own size.
//!
//! One [`OverlayRenderer`] serves any number of views. Uploads carry a generation number and are skipped when the
//! view already has it, so a caller may hand in the current frame every time it draws: a pass that was prepared but
//! never painted loses nothing.

use super::RenderError;
use super::colormap::COLOR_MAPS;
use super::contour::{contour_lines, coverage};
use super::heat_volume::{HeatVolume, Interpolation};
use super::overlay::{Blend, ClipPosition, OverlayParams, Region};
use crate::domain::RgbImage;
use bytemuck::{Pod, Zeroable};
use std::collections::HashMap;

/// Names a view; the caller chooses.
pub type ViewId = u64;

/// Most samples of the frame a target pixel averages along one side, when the frame is drawn smaller than it is.
const MAX_TAPS: u32 = 8;

/// Coverage of a contour line's halo and core.
const CONTOUR_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rg8Unorm;

const FLAG_HEAT: u32 = 1;
const FLAG_SMOOTH: u32 = 2;
const FLAG_FOLLOWS_HEAT: u32 = 4;
const FLAG_CONTOURS: u32 = 8;
const FLAG_CUBIC: u32 = 16;

/// What one view shows, besides its frame and its heat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverlayUniforms {
    /// How the heat looks.
    pub params: OverlayParams,
    /// Which frame of the explained clip is shown; `None` draws the frame without heat.
    pub position: Option<ClipPosition>,
    /// The part of the frame that fills the viewport, for zooming, panning and views that are partly off screen.
    pub source: Region,
    /// Size of the viewport in physical pixels.
    pub viewport: [u32; 2],
}

/// `Uniforms` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
struct Uniforms {
    source: [f32; 4],
    region: [f32; 4],
    pixel: [f32; 4],
    cells: [f32; 4],
    look: [f32; 4],
    choice: [u32; 4],
}

/// A texture and the size it was made for.
struct Image {
    texture: wgpu::Texture,
    size: [u32; 3],
}

/// What the pixels of contour lines depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ContourKey {
    heat: Option<u64>,
    position: ClipPosition,
    interpolation: Interpolation,
    scale: f32,
    region: Region,
    source: Region,
    viewport: [u32; 2],
}

struct View {
    frame: Option<Image>,
    /// Pixels of the frame before it was reduced to fit the GPU.
    frame_generation: Option<u64>,
    heat: Option<Image>,
    heat_volume: Option<HeatVolume>,
    heat_generation: Option<u64>,
    /// Coverage of the contour lines, and what it was made from.
    contours: Option<(Image, ContourKey)>,
    uniforms: wgpu::Buffer,
    bindings: Option<wgpu::BindGroup>,
}

/// Draws overlays into any number of views; one per device and target format.
pub struct OverlayRenderer {
    device: wgpu::Device,
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    color_table: wgpu::Texture,
    color_table_written: bool,
    no_heat: wgpu::Texture,
    no_contours: wgpu::Texture,
    views: HashMap<ViewId, View>,
}

impl std::fmt::Debug for OverlayRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OverlayRenderer").field("views", &self.views.len()).finish_non_exhaustive()
    }
}

impl OverlayRenderer {
    /// Compiles the pass for targets of `target_format`; sRGB formats get the same colours as others.
    pub fn new(device: &wgpu::Device, target_format: wgpu::TextureFormat) -> Self {
        let layout = bind_group_layout(device);
        let pipeline = pipeline(device, &layout, target_format);
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("overlay frame"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        let color_table = texture(
            device,
            "colour tables",
            [256, COLOR_MAPS.len() as u32, 1],
            wgpu::TextureDimension::D2,
            wgpu::TextureFormat::Rgba8Unorm,
        );
        let no_heat = texture(device, "no heat", [1, 1, 1], wgpu::TextureDimension::D3, wgpu::TextureFormat::R32Float);
        let no_contours = texture(device, "no contours", [1, 1, 1], wgpu::TextureDimension::D2, CONTOUR_FORMAT);
        Self {
            device: device.clone(),
            pipeline,
            layout,
            sampler,
            color_table,
            color_table_written: false,
            no_heat,
            no_contours,
            views: HashMap::new(),
        }
    }

    /// Gives a view its frame; nothing happens when the view has this generation already. A frame without pixels
    /// empties the view; one larger than the GPU's limit is reduced.
    ///
    /// # Errors
    /// [`RenderError::OutOfMemory`]; the view then shows nothing.
    pub fn upload_frame(
        &mut self,
        queue: &wgpu::Queue,
        view: ViewId,
        frame: &RgbImage,
        generation: u64,
    ) -> Result<(), RenderError> {
        let limit = self.device.limits().max_texture_dimension_2d;
        let device = self.device.clone();
        let view = self.view(view);
        if view.frame_generation == Some(generation) {
            return Ok(());
        }
        view.frame_generation = Some(generation);
        let (width, height, pixels) = rgba_within(frame, limit);
        if width == 0 || height == 0 {
            (view.frame, view.bindings) = (None, None);
            return Ok(());
        }
        let size = [width, height, 1];
        if view.frame.as_ref().is_none_or(|f| f.size != size) {
            (view.frame, view.bindings) = (None, None);
            let made = guarded(&device, "frame", || {
                let (dimension, format) = (wgpu::TextureDimension::D2, wgpu::TextureFormat::Rgba8Unorm);
                texture(&device, "overlay frame", size, dimension, format)
            })?;
            view.frame = Some(Image { texture: made, size });
        }
        if let Some(frame) = &view.frame {
            write(queue, frame, &pixels);
        }
        Ok(())
    }

    /// Gives a view its heat, or takes it away; nothing happens when the view has this generation already.
    ///
    /// # Errors
    /// [`RenderError::HeatTooLarge`], [`RenderError::OutOfMemory`]; the view then shows the frame without heat.
    pub fn upload_heat(
        &mut self,
        queue: &wgpu::Queue,
        view: ViewId,
        heat: Option<&HeatVolume>,
        generation: u64,
    ) -> Result<(), RenderError> {
        let limit = self.device.limits().max_texture_dimension_3d;
        let device = self.device.clone();
        let view = self.view(view);
        if view.heat_generation == Some(generation) {
            return Ok(());
        }
        view.heat_generation = Some(generation);
        view.heat_volume = None;
        let Some(heat) = heat else { return Ok(()) };
        let [t, h, w] = heat.shape();
        if [t, h, w].iter().any(|side| *side > limit as usize) {
            return Err(RenderError::HeatTooLarge { shape: heat.shape(), limit });
        }
        let size = [w as u32, h as u32, t as u32];
        if view.heat.as_ref().is_none_or(|old| old.size != size) {
            (view.heat, view.bindings) = (None, None);
            let made = guarded(&device, "heatmap", || {
                let (dimension, format) = (wgpu::TextureDimension::D3, wgpu::TextureFormat::R32Float);
                texture(&device, "overlay heat", size, dimension, format)
            })?;
            view.heat = Some(Image { texture: made, size });
        }
        if let Some(image) = &view.heat {
            write(queue, image, bytemuck::cast_slice(heat.values()));
        }
        view.heat_volume = Some(heat.clone());
        Ok(())
    }

    /// Sets how a view will be painted. Call it after the uploads and before the render pass.
    pub fn prepare(&mut self, queue: &wgpu::Queue, view: ViewId, uniforms: &OverlayUniforms) {
        if !self.color_table_written {
            let size = [256, COLOR_MAPS.len() as u32, 1];
            write(queue, &Image { texture: self.color_table.clone(), size }, &color_table_bytes());
            self.color_table_written = true;
        }
        self.view(view);
        let Some(view) = self.views.get_mut(&view) else { return };
        if view.frame.is_none() {
            return;
        }
        if let Err(error) = draw_contours(&self.device, queue, view, uniforms) {
            log::warn!("{error}");
        }
        let Some(frame) = &view.frame else { return };
        let values = shader_uniforms(uniforms, frame.size, view.heat_volume.as_ref(), view.contours.is_some());
        queue.write_buffer(&view.uniforms, 0, bytemuck::bytes_of(&values));
        if view.bindings.is_none() {
            let heat = view.heat.as_ref().map_or(&self.no_heat, |h| &h.texture);
            let full = |t: &wgpu::Texture| t.create_view(&wgpu::TextureViewDescriptor::default());
            let (frame, heat, table) = (full(&frame.texture), full(heat), full(&self.color_table));
            let contours = full(view.contours.as_ref().map_or(&self.no_contours, |(image, _)| &image.texture));
            let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
            view.bindings = Some(self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("overlay"),
                layout: &self.layout,
                entries: &[
                    entry(0, view.uniforms.as_entire_binding()),
                    entry(1, wgpu::BindingResource::TextureView(&frame)),
                    entry(2, wgpu::BindingResource::Sampler(&self.sampler)),
                    entry(3, wgpu::BindingResource::TextureView(&heat)),
                    entry(4, wgpu::BindingResource::TextureView(&table)),
                    entry(5, wgpu::BindingResource::TextureView(&contours)),
                ],
            }));
        }
    }

    /// Draws a view over the viewport that is set on the pass; nothing when the view has no frame.
    pub fn paint(&self, pass: &mut wgpu::RenderPass<'_>, view: ViewId) {
        if let Some(bindings) = self.views.get(&view).and_then(|v| v.bindings.as_ref()) {
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, bindings, &[]);
            pass.draw(0..3, 0..1);
        }
    }

    /// Frees what a view holds.
    pub fn remove(&mut self, view: ViewId) {
        self.views.remove(&view);
    }

    /// Frees every view that `keep` does not want.
    pub fn retain(&mut self, mut keep: impl FnMut(ViewId) -> bool) {
        self.views.retain(|id, _| keep(*id));
    }

    fn view(&mut self, id: ViewId) -> &mut View {
        let device = &self.device;
        self.views.entry(id).or_insert_with(|| View {
            frame: None,
            frame_generation: None,
            heat: None,
            heat_volume: None,
            heat_generation: None,
            contours: None,
            uniforms: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("overlay uniforms"),
                size: size_of::<Uniforms>() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
            bindings: None,
        })
    }
}

/// The part of the frame on screen.
fn source_of(wanted: &OverlayUniforms) -> Region {
    if wanted.source.is_valid() { wanted.source } else { Region::FULL }
}

/// Brings the coverage of a view's contour lines up to date; the view has none where none are drawn.
fn draw_contours(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    view: &mut View,
    wanted: &OverlayUniforms,
) -> Result<(), RenderError> {
    let drawn = view.heat_volume.as_ref().zip(wanted.position).map(|(heat, position)| {
        let params = &wanted.params;
        (heat, position, params.resolve(heat, position), params.scale_value(heat, position))
    });
    let most = device.limits().max_texture_dimension_2d;
    let viewport = wanted.viewport.map(|side| side.clamp(1, most));
    let Some((heat, position, resolved, scale)) = drawn.filter(|(_, _, resolved, _)| resolved.contours) else {
        if view.contours.take().is_some() {
            view.bindings = None;
        }
        return Ok(());
    };
    let (region, source) = (resolved.region, source_of(wanted));
    let interpolation = wanted.params.interpolation;
    let key = ContourKey { heat: view.heat_generation, position, interpolation, scale, region, source, viewport };
    if view.contours.as_ref().is_some_and(|(_, made)| *made == key) {
        return Ok(());
    }
    let side = |region: f32, source: f32, pixels: u32| region / source * pixels as f32;
    let size = [
        side(region.x1 - region.x0, source.x1 - source.x0, viewport[0]),
        side(region.y1 - region.y0, source.y1 - source.y0, viewport[1]),
    ];
    let bytes = coverage(&contour_lines(heat, position, &wanted.params, size), region, source, viewport);
    let size = [viewport[0], viewport[1], 1];
    let image = match view.contours.take() {
        Some((image, _)) if image.size == size => image,
        _ => {
            view.bindings = None;
            let made = guarded(device, "contour lines", || {
                texture(device, "contour lines", size, wgpu::TextureDimension::D2, CONTOUR_FORMAT)
            })?;
            Image { texture: made, size }
        }
    };
    write(queue, &image, &bytes);
    view.contours = Some((image, key));
    Ok(())
}

fn shader_uniforms(wanted: &OverlayUniforms, frame: [u32; 3], heat: Option<&HeatVolume>, contours: bool) -> Uniforms {
    let source = source_of(wanted);
    let [width, height] = wanted.viewport.map(|side| side.max(1) as f32);
    let pixel = [(source.x1 - source.x0) / width, (source.y1 - source.y0) / height];
    // Each sample averages two texels a side, so a pixel over four texels needs two.
    let taps = |share: f32, texels: u32| ((share * texels as f32 * 0.5).ceil() as u32).clamp(1, MAX_TAPS);
    let mut values = Uniforms {
        source: [source.x0, source.y0, source.x1, source.y1],
        region: [0.0, 0.0, 1.0, 1.0],
        pixel: [pixel[0], pixel[1], 0.0, 0.0],
        cells: [1.0; 4],
        look: [0.0; 4],
        choice: [0, taps(pixel[0], frame[0]), taps(pixel[1], frame[1]), 0],
    };
    if let (Some(heat), Some(position)) = (heat, wanted.position) {
        let params = &wanted.params;
        let resolved = params.resolve(heat, position);
        let region = resolved.region;
        let [t, h, w] = heat.shape().map(|side| side as f32);
        values.region = [region.x0, region.y0, region.x1, region.y1];
        values.cells = [t, h, w, resolved.time];
        values.look = [resolved.alpha, resolved.threshold, resolved.inverse_scale, 0.0];
        values.choice[0] = params.color_map.row() as u32;
        let bit = |on: bool, flag: u32| if on { flag } else { 0 };
        values.choice[3] = FLAG_HEAT
            | bit(params.interpolation == Interpolation::Smooth, FLAG_SMOOTH)
            | bit(params.interpolation == Interpolation::Cubic, FLAG_CUBIC)
            | bit(params.blend == Blend::FollowsHeat, FLAG_FOLLOWS_HEAT)
            | bit(resolved.contours && contours, FLAG_CONTOURS);
    }
    values
}

fn color_table_bytes() -> Vec<u8> {
    COLOR_MAPS.iter().flat_map(|map| map.lut().iter().flat_map(|[r, g, b]| [*r, *g, *b, 255])).collect()
}

/// The frame as RGBA, reduced by a whole factor (averaging blocks) until no side exceeds `limit`.
fn rgba_within(frame: &RgbImage, limit: u32) -> (u32, u32, Vec<u8>) {
    let factor = frame.width.max(frame.height).div_ceil(limit.max(1)).max(1);
    // A block at the right or lower edge that is not whole is left out; a picture thinner than a block keeps a pixel.
    let side = |n: u32| if n == 0 { 0 } else { (n / factor).max(1) };
    let (width, height) = (side(frame.width), side(frame.height));
    if factor == 1 {
        let rgba = frame.data.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        return (width, height, rgba);
    }
    let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
    for y in 0..height {
        for x in 0..width {
            let (rows, columns) =
                (y * factor..((y + 1) * factor).min(frame.height), x * factor..((x + 1) * factor).min(frame.width));
            let count = (rows.len() * columns.len()).max(1) as u64;
            let mut sum = [0_u64; 3];
            for row in rows {
                let line = row as usize * frame.width as usize;
                for column in columns.clone() {
                    let at = (line + column as usize) * 3;
                    for (s, byte) in sum.iter_mut().zip(frame.data.iter().skip(at)) {
                        *s += u64::from(*byte);
                    }
                }
            }
            rgba.extend(sum.map(|s| ((s + count / 2) / count) as u8));
            rgba.push(255);
        }
    }
    (width, height, rgba)
}

fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
        ty,
        count: None,
    };
    let picture = |view_dimension, filterable| wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable },
        view_dimension,
        multisampled: false,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("overlay"),
        entries: &[
            entry(
                0,
                wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
            ),
            entry(1, picture(wgpu::TextureViewDimension::D2, true)),
            entry(2, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            entry(3, picture(wgpu::TextureViewDimension::D3, false)),
            entry(4, picture(wgpu::TextureViewDimension::D2, false)),
            entry(5, picture(wgpu::TextureViewDimension::D2, false)),
        ],
    })
}

fn pipeline(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    format: wgpu::TextureFormat,
) -> wgpu::RenderPipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("overlay"),
        source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/overlay.wgsl").into()),
    });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("overlay"),
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("overlay"),
        layout: Some(&pipeline_layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vs_main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some(if format.is_srgb() { "fs_srgb" } else { "fs_unorm" }),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(format.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}

fn extent([width, height, depth_or_array_layers]: [u32; 3]) -> wgpu::Extent3d {
    wgpu::Extent3d { width, height, depth_or_array_layers }
}

fn texture(
    device: &wgpu::Device,
    label: &str,
    size: [u32; 3],
    dimension: wgpu::TextureDimension,
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: extent(size),
        mip_level_count: 1,
        sample_count: 1,
        dimension,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

/// Makes a texture; a refusal for want of memory comes back as an error instead of the device's panic.
fn guarded(
    device: &wgpu::Device,
    what: &'static str,
    make: impl FnOnce() -> wgpu::Texture,
) -> Result<wgpu::Texture, RenderError> {
    let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let made = make();
    // Native backends answer at once, so the future is ready the first time it is asked.
    let mut answer = std::pin::pin!(scope.pop());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match answer.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Some(error)) => Err(RenderError::OutOfMemory { what, reason: error.to_string() }),
        _ => Ok(made),
    }
}

/// Fills a texture.
fn write(queue: &wgpu::Queue, image: &Image, bytes: &[u8]) {
    let [width, height, depth] = image.size;
    let texels = (width * height * depth).max(1) as usize;
    let row = width * (bytes.len() / texels) as u32;
    queue.write_texture(
        image.texture.as_image_copy(),
        bytes,
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: Some(height) },
        extent(image.size),
    );
}

//! The overlay: upsampling against PyTorch and OpenCV, compositing against hand-computed pixels, and the GPU against the CPU.

use crate::support::reference::golden;
use kinolens::domain::RgbImage;
use kinolens::render::overlay_gpu::{OverlayRenderer, OverlayUniforms};
use kinolens::render::{
    Blend, COLOR_MAPS, ClipPosition, HeatScale, HeatVolume, Interpolation, OverlayParams, Region, color_map, composite,
    heat_picture,
};
use rand::{Rng, SeedableRng};
use std::future::Future;

mod contours;

fn floats(value: &serde_json::Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

fn sizes<const N: usize>(value: &serde_json::Value) -> [usize; N] {
    let list: Vec<usize> = value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
    list.try_into().unwrap()
}

/// The golden source has negative values, which a volume drops; interpolation is linear, so shift it above 0 and back.
fn upsampled(shape: [usize; 3], source: &[f32], size: [usize; 3]) -> Vec<f32> {
    let lifted: Vec<f32> = source.iter().map(|v| v + 4.0).collect();
    let volume = HeatVolume::new(shape, &lifted).unwrap();
    volume.upsample(size, Interpolation::Smooth).iter().map(|v| v - 4.0).collect()
}

fn assert_close(got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= tolerance, "element {i}: {g}, expected {w}");
    }
}

#[test]
fn upsampling_is_pytorch_trilinear() {
    let golden = golden("upsample.json");
    let small = &golden["small"];
    let (shape, size) = (sizes::<3>(&small["src_shape"]), sizes::<3>(&small["out_shape"]));
    let got = upsampled(shape, &floats(&small["src"]), size);
    assert_close(&got, &floats(&small["torch_trilinear_ac_false"]), 4e-6);
}

#[test]
fn upsampling_a_picture_is_opencv_linear() {
    let golden = golden("upsample.json");
    let small = &golden["small"];
    let ([h, w], [oh, ow]) = (sizes::<2>(&small["src2d_shape"]), sizes::<2>(&small["out2d_shape"]));
    let source = &floats(&small["src"])[..h * w];
    let got = upsampled([1, h, w], source, [1, oh, ow]);
    assert_close(&got, &floats(&small["cv2_resize_linear"]), 4e-6);
    assert_close(&got, &floats(&small["torch_bilinear_ac_false"]), 4e-6);
}

fn picture(width: u32, height: u32, mut pixel: impl FnMut(u32, u32) -> [u8; 3]) -> RgbImage {
    let data: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    RgbImage::new(width, height, data).unwrap()
}

fn gray(alpha: f32) -> OverlayParams {
    let color_map = color_map("gray").unwrap();
    OverlayParams { alpha, color_map, blend: Blend::Constant, ..OverlayParams::default() }
}

const FIRST: ClipPosition = ClipPosition { frame: 0, frames: 1 };

#[test]
fn blending_by_hand() {
    // Two cells over four pixels: v = 0, 0.25, 0.75, 1 at the pixel centres.
    let heat = HeatVolume::new([1, 1, 2], &[0.0, 3.0]).unwrap();
    let frame = picture(4, 1, |_, _| [200, 100, 0]);
    let out = composite(&frame, &heat, FIRST, &gray(0.5));
    // 0.5 * frame + 0.5 * 255 v.
    let want = [[100, 50, 0], [132, 82, 32], [196, 146, 96], [228, 178, 128]];
    for (pixel, want) in out.data.chunks(3).zip(want) {
        for (a, b) in pixel.iter().zip(want) {
            assert!(a.abs_diff(b) <= 1, "{:?}", out.data);
        }
    }
    // A threshold of one half keeps the cold half of the frame.
    let cut = composite(&frame, &heat, FIRST, &OverlayParams { threshold: 0.5, ..gray(1.0) });
    assert_eq!(&cut.data[..6], [200, 100, 0, 200, 100, 0]);
    assert_eq!(&cut.data[6..], [191, 191, 191, 255, 255, 255]);
    // Opacity that follows heat leaves the coldest pixel and replaces the hottest.
    let follows = composite(&frame, &heat, FIRST, &OverlayParams { blend: Blend::FollowsHeat, ..gray(1.0) });
    assert_eq!(&follows.data[..3], [200, 100, 0]);
    assert_eq!(&follows.data[9..], [255, 255, 255]);
    // Nearest shows the two cells.
    let cells = OverlayParams { interpolation: Interpolation::Nearest, ..gray(1.0) };
    assert_eq!(*composite(&frame, &heat, FIRST, &cells).data, [[0; 6], [255; 6]].concat());
}

#[test]
fn scales_differ_as_documented() {
    let heat = HeatVolume::new([2, 1, 1], &[1.0, 4.0]).unwrap();
    let brightness = |scale, frame| {
        let params = OverlayParams { scale, ..gray(1.0) };
        heat_picture(1, 1, &heat, ClipPosition { frame, frames: 2 }, &params).data[0]
    };
    assert_eq!([0, 1].map(|f| brightness(HeatScale::Clip, f)), [64, 255]);
    assert_eq!([0, 1].map(|f| brightness(HeatScale::Frame, f)), [255, 255]);
    assert_eq!([0, 1].map(|f| brightness(HeatScale::Fixed(8.0), f)), [32, 128]);
    assert_eq!([0, 1].map(|f| brightness(HeatScale::Fixed(0.0), f)), [0, 0]);
}

#[test]
fn pixels_the_network_did_not_see_stay() {
    let heat = HeatVolume::new([1, 1, 1], &[1.0]).unwrap();
    let frame = picture(8, 8, |_, _| [10, 20, 30]);
    let region = Region { x0: 0.25, y0: 0.5, x1: 0.75, y1: 1.0 };
    let out = composite(&frame, &heat, FIRST, &OverlayParams { region, ..gray(1.0) });
    for (i, pixel) in out.data.chunks(3).enumerate() {
        let (x, y) = (i % 8, i / 8);
        let inside = (2..6).contains(&x) && y >= 4;
        assert_eq!(pixel, if inside { [255; 3] } else { [10, 20, 30] }, "pixel {x},{y}");
    }
}

#[test]
fn nothing_breaks_without_pixels_or_heat() {
    let heat = HeatVolume::new([2, 3, 3], &[0.0; 18]).unwrap();
    let empty = RgbImage::new(0, 0, Vec::new()).unwrap();
    assert_eq!(composite(&empty, &heat, FIRST, &OverlayParams::default()), empty);
    let frame = picture(5, 3, |x, y| [x as u8, y as u8, 9]);
    for scale in [HeatScale::Frame, HeatScale::Clip, HeatScale::Fixed(f32::NAN)] {
        let params = OverlayParams { scale, threshold: 0.1, contours: true, ..OverlayParams::default() };
        assert_eq!(composite(&frame, &heat, FIRST, &params), frame, "no heat lies above the threshold");
    }
}

#[test]
fn contours_run_where_the_level_is_crossed() {
    // A ramp of 200 pixels: 0.5 is crossed in the middle.
    let heat = HeatVolume::new([1, 1, 2], &[0.0, 1.0]).unwrap();
    let frame = picture(200, 3, |_, _| [90; 3]);
    let plain = composite(&frame, &heat, FIRST, &gray(0.0));
    let lines = composite(&frame, &heat, FIRST, &OverlayParams { contours: true, ..gray(0.0) });
    assert_eq!(plain, frame);
    let changed: Vec<usize> = (0..200).filter(|x| lines.data[x * 3] != 90).collect();
    // The ramp rises from pixel 50 to 150; the levels lie at 75, 100, 125, each line two pixels each side.
    assert!(changed.iter().all(|x| [75, 100, 125].iter().any(|c: &usize| x.abs_diff(*c) <= 2)), "{changed:?}");
    for centre in [75, 100, 125] {
        assert!((centre - 1..=centre).any(|x| lines.data[x * 3] > 150), "no bright core at {centre}");
    }
}

// ---- GPU ------------------------------------------------------------------------------------------------------

struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

/// wgpu's native futures are ready at once; this polls until they are.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}

/// Any GPU, the software one included; without one tests are skipped, except in CI.
fn gpu() -> Option<Gpu> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = match wait(instance.request_adapter(&wgpu::RequestAdapterOptions::default())) {
        Ok(adapter) => adapter,
        Err(e) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no GPU, not even a software one: {e}");
            eprintln!("skipped: no GPU, not even a software one: {e}");
            return None;
        }
    };
    eprintln!("on {}", adapter.get_info().name);
    let (device, queue) = wait(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    Some(Gpu { device, queue })
}

impl Gpu {
    fn target(&self, [width, height]: [u32; 2], format: wgpu::TextureFormat) -> wgpu::Texture {
        self.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        })
    }

    /// Clears the target to magenta, lets `draw` paint, and reads RGBA back.
    fn render(&self, target: &wgpu::Texture, draw: impl FnOnce(&mut wgpu::RenderPass<'_>)) -> Vec<u8> {
        let (width, height) = (target.width(), target.height());
        let stride = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(stride * height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let view = target.create_view(&wgpu::TextureViewDescriptor::default());
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color { r: 1.0, g: 0.0, b: 1.0, a: 1.0 }),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            draw(&mut pass);
        }
        encoder.copy_texture_to_buffer(
            target.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(stride),
                    rows_per_image: Some(height),
                },
            },
            target.size(),
        );
        self.queue.submit([encoder.finish()]);
        buffer.slice(..).map_async(wgpu::MapMode::Read, Result::unwrap);
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        let mapped = buffer.slice(..).get_mapped_range().unwrap();
        mapped.chunks(stride as usize).flat_map(|row| row[..(width * 4) as usize].to_vec()).collect()
    }

    /// One view drawn at the frame's own size.
    fn overlay(
        &self,
        renderer: &mut OverlayRenderer,
        format: wgpu::TextureFormat,
        frame: &RgbImage,
        heat: Option<&HeatVolume>,
        uniforms: &OverlayUniforms,
        generation: u64,
    ) -> Vec<u8> {
        renderer.upload_frame(&self.queue, 0, frame, generation).unwrap();
        renderer.upload_heat(&self.queue, 0, heat, generation).unwrap();
        renderer.prepare(&self.queue, 0, uniforms);
        let target = self.target(uniforms.viewport, format);
        self.render(&target, |pass| renderer.paint(pass, 0))
    }
}

fn full(params: OverlayParams, position: ClipPosition, frame: &RgbImage) -> OverlayUniforms {
    OverlayUniforms { params, position: Some(position), source: Region::FULL, viewport: [frame.width, frame.height] }
}

/// Largest difference of a channel, with the pixel it occurs at.
fn worst(gpu: &[u8], cpu: &RgbImage) -> (u8, usize) {
    assert_eq!(gpu.len(), cpu.data.len() / 3 * 4);
    let mut worst = (0, 0);
    for (i, (a, b)) in gpu.chunks(4).zip(cpu.data.chunks(3)).enumerate() {
        for c in 0..3 {
            worst = worst.max((a[c].abs_diff(b[c]), i));
        }
    }
    worst
}

fn random_frame(rng: &mut impl Rng, width: u32, height: u32) -> RgbImage {
    let data: Vec<u8> = (0..width * height * 3).map(|_| rng.random()).collect();
    RgbImage::new(width, height, data).unwrap()
}

/// Values as layers have them: many zeros, a few peaks, any magnitude.
fn random_heat(rng: &mut impl Rng, shape: [usize; 3]) -> HeatVolume {
    let magnitude = 10.0_f32.powi(rng.random_range(-9..5));
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| (rng.random::<f32>() * 1.6 - 0.6) * magnitude).collect();
    HeatVolume::new(shape, &values).unwrap()
}

fn random_params(rng: &mut impl Rng, heat: &HeatVolume) -> OverlayParams {
    OverlayParams {
        alpha: if rng.random_bool(0.2) { 1.0 } else { rng.random() },
        threshold: if rng.random_bool(0.4) { 0.0 } else { rng.random() },
        color_map: &COLOR_MAPS[rng.random_range(0..COLOR_MAPS.len())],
        interpolation: Interpolation::ALL[rng.random_range(0..3)].1,
        scale: match rng.random_range(0..3) {
            0 => HeatScale::Frame,
            1 => HeatScale::Clip,
            _ => HeatScale::Fixed(heat.clip_max() * rng.random_range(0.3..2.0)),
        },
        blend: if rng.random() { Blend::Constant } else { Blend::FollowsHeat },
        contours: rng.random_bool(0.3),
        region: if rng.random_bool(0.7) {
            Region::FULL
        } else {
            Region { x0: 0.125, y0: rng.random_range(0.0..0.4), x1: 0.875, y1: rng.random_range(0.6..1.0) }
        },
    }
}

#[test]
fn gpu_equals_cpu() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let formats = [wgpu::TextureFormat::Rgba8Unorm, wgpu::TextureFormat::Rgba8UnormSrgb];
    let mut renderers = formats.map(|f| OverlayRenderer::new(&gpu.device, f));
    let shapes = [[1, 1, 1], [2, 7, 7], [16, 4, 4], [1, 3, 5], [4, 14, 14], [16, 1, 9], [3, 112, 112], [8, 6, 1]];
    let frames = [(1, 1), (7, 3), (64, 64), (171, 101), (333, 127), (112, 112), (255, 2)];
    let (mut compared, mut most) = (0, 0);
    for round in 0..160_u64 {
        let shape = shapes[round as usize % shapes.len()];
        let (width, height) = frames[rng.random_range(0..frames.len())];
        let frame = random_frame(&mut rng, width, height);
        let heat = random_heat(&mut rng, shape);
        let params = random_params(&mut rng, &heat);
        let frames = rng.random_range(1..33);
        let position = ClipPosition { frame: rng.random_range(0..frames), frames };
        let cpu = composite(&frame, &heat, position, &params);
        for (renderer, format) in renderers.iter_mut().zip(formats) {
            let uniforms = full(params, position, &frame);
            let out = gpu.overlay(renderer, format, &frame, Some(&heat), &uniforms, round);
            let (difference, at) = worst(&out, &cpu);
            assert!(
                difference <= 2,
                "round {round}, {format:?}: pixel {at} of {width}x{height} differs by {difference}; {shape:?} {params:?} {position:?}"
            );
            most = most.max(difference);
            compared += cpu.data.len() / 3;
        }
    }
    eprintln!("{compared} pixels compared, largest difference {most}/255");
}

/// What OpenCV 5.0.0 makes of these cells with `cv2.resize(cells, (7, 5), interpolation=cv2.INTER_CUBIC)`.
#[test]
fn cubic_interpolation_is_opencv_bicubic() {
    let cells = [0.0, 1.0, 4.0, 2.0, 3.0, 0.5, 0.0, 1.5, 2.0, 5.0, 1.0, 0.25];
    #[rustfmt::skip]
    let want = [
        -0.420554, -0.037925, 0.817464, 3.060251, 4.404441, 3.049134, 1.81623,
        1.310809, 0.862602, 0.437654, 1.403313, 2.436024, 2.176034, 1.848376,
        3.24804, 2.178891, 0.666135, -0.125, 0.062728, 0.958136, 1.648825,
        2.543082, 2.991193, 3.316549, 1.793406, 0.211776, 0.393245, 0.736206,
        1.553966, 3.372797, 5.430429, 3.685313, 0.840441, 0.192503, 0.034157,
    ];
    let volume = HeatVolume::new([1, 3, 4], &cells).unwrap();
    assert_close(&volume.upsample([1, 5, 7], Interpolation::Cubic), &want, 2e-5);
    // Time stays linear: halfway between two moments is their mean.
    let both = HeatVolume::new([2, 3, 4], &[cells, [0.0; 12]].concat()).unwrap();
    let half: Vec<f32> = want.iter().map(|v| v / 2.0).collect();
    assert_close(&both.upsample([3, 5, 7], Interpolation::Cubic)[35..70], &half, 2e-5);
}

#[test]
fn cubic_maps_are_the_same_on_the_gpu_within_one_step() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let format = wgpu::TextureFormat::Rgba8Unorm;
    let mut renderer = OverlayRenderer::new(&gpu.device, format);
    let shapes = [[2, 7, 7], [1, 1, 1], [16, 4, 4], [1, 3, 5], [4, 14, 14], [8, 6, 1]];
    let mut most = 0;
    for round in 0..60_u64 {
        let frame = random_frame(&mut rng, 120, 90);
        let heat = random_heat(&mut rng, shapes[round as usize % shapes.len()]);
        let params =
            OverlayParams { interpolation: Interpolation::Cubic, contours: false, ..random_params(&mut rng, &heat) };
        let position = ClipPosition { frame: rng.random_range(0..16), frames: 16 };
        let cpu = composite(&frame, &heat, position, &params);
        let uniforms = full(params, position, &frame);
        let out = gpu.overlay(&mut renderer, format, &frame, Some(&heat), &uniforms, round + 1);
        let (difference, at) = worst(&out, &cpu);
        assert!(difference <= 1, "round {round}: pixel {at} differs by {difference}; {params:?}");
        most = most.max(difference);
    }
    eprintln!("largest difference {most}/255");
}

#[test]
fn by_default_cold_places_keep_the_picture() {
    let heat = HeatVolume::new([1, 1, 2], &[0.0, 1.0]).unwrap();
    let frame = picture(8, 1, |x, _| [30 * x as u8, 200, 7]);
    let out = composite(&frame, &heat, FIRST, &OverlayParams::default());
    assert_eq!(out.data[..6], frame.data[..6], "no heat, no tint");
    assert_ne!(out.data[21..], frame.data[21..], "the hot end is coloured");
}

#[test]
fn without_heat_the_frame_comes_back_exactly() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(8);
    let format = wgpu::TextureFormat::Rgba8Unorm;
    let mut renderer = OverlayRenderer::new(&gpu.device, format);
    let frame = random_frame(&mut rng, 101, 67);
    let heat = random_heat(&mut rng, [2, 7, 7]);
    let mut uniforms = full(OverlayParams::default(), ClipPosition { frame: 3, frames: 16 }, &frame);
    let bare = gpu.overlay(&mut renderer, format, &frame, None, &uniforms, 1);
    assert_eq!(worst(&bare, &frame).0, 0);
    let with = gpu.overlay(&mut renderer, format, &frame, Some(&heat), &uniforms, 2);
    assert!(worst(&with, &frame).0 > 20);
    uniforms.position = None;
    let hidden = gpu.overlay(&mut renderer, format, &frame, Some(&heat), &uniforms, 2);
    assert_eq!(worst(&hidden, &frame).0, 0);
}

#[test]
fn views_are_independent_and_generations_decide() {
    let Some(gpu) = gpu() else { return };
    let format = wgpu::TextureFormat::Rgba8Unorm;
    let mut renderer = OverlayRenderer::new(&gpu.device, format);
    let colors = [[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0]];
    let flat = colors.map(|c| picture(8, 6, |_, _| c));
    for (id, frame) in flat.iter().enumerate() {
        renderer.upload_frame(&gpu.queue, id as u64, frame, 1).unwrap();
        let uniforms =
            OverlayUniforms { position: None, viewport: [8, 6], ..full(OverlayParams::default(), FIRST, frame) };
        renderer.prepare(&gpu.queue, id as u64, &uniforms);
    }
    let target = gpu.target([32, 6], format);
    let draw = |renderer: &OverlayRenderer| {
        gpu.render(&target, |pass| {
            for id in 0..4_u64 {
                pass.set_viewport(id as f32 * 8.0, 0.0, 8.0, 6.0, 0.0, 1.0);
                renderer.paint(pass, id);
            }
        })
    };
    let at = |out: &[u8], x: usize| [out[x * 4], out[x * 4 + 1], out[x * 4 + 2]];
    let out = draw(&renderer);
    assert_eq!([4, 12, 20, 28].map(|x| at(&out, x)), colors);
    // The same generation is not uploaded again; the next one is, also at another size.
    renderer.upload_frame(&gpu.queue, 0, &flat[1], 1).unwrap();
    assert_eq!(at(&draw(&renderer), 4), colors[0]);
    renderer.upload_frame(&gpu.queue, 0, &picture(3, 9, |_, _| [1, 2, 3]), 2).unwrap();
    renderer.prepare(&gpu.queue, 0, &full(OverlayParams::default(), FIRST, &flat[0]));
    assert_eq!(at(&draw(&renderer), 4), [1, 2, 3]);
    // A view that is gone paints nothing: the cleared target shows.
    renderer.remove(2);
    renderer.retain(|id| id != 3);
    let out = draw(&renderer);
    assert_eq!([20, 28].map(|x| at(&out, x)), [[255, 0, 255]; 2]);
}

#[test]
fn zooming_shows_the_part_asked_for() {
    let Some(gpu) = gpu() else { return };
    let format = wgpu::TextureFormat::Rgba8Unorm;
    let mut renderer = OverlayRenderer::new(&gpu.device, format);
    let frame = picture(40, 20, |x, y| [if x < 20 { 200 } else { 40 }, if y < 10 { 180 } else { 20 }, 77]);
    let heat = HeatVolume::new([1, 1, 1], &[1.0]).unwrap();
    let quarter = OverlayUniforms {
        params: gray(0.0),
        position: Some(FIRST),
        source: Region { x0: 0.5, y0: 0.5, x1: 1.0, y1: 1.0 },
        viewport: [60, 30],
    };
    let out = gpu.overlay(&mut renderer, format, &frame, Some(&heat), &quarter, 1);
    let (w, inner) = (60, |x: usize, y: usize| &out[(y * 60 + x) * 4..][..3]);
    assert_eq!(inner(w / 2, 15), [40, 20, 77]);
    assert_eq!(inner(w - 1, 29), [40, 20, 77]);
    // A source beyond the frame leaves the target as it was.
    let beyond = OverlayUniforms { source: Region { x0: -1.0, y0: 0.0, x1: 1.0, y1: 1.0 }, ..quarter };
    let out = gpu.overlay(&mut renderer, format, &frame, Some(&heat), &beyond, 1);
    assert_eq!(&out[..3], [255, 0, 255]);
    assert_eq!(&out[40 * 4..][..3], [200, 180, 77]);
}

#[test]
fn a_frame_drawn_small_is_averaged() {
    let Some(gpu) = gpu() else { return };
    let format = wgpu::TextureFormat::Rgba8Unorm;
    let mut renderer = OverlayRenderer::new(&gpu.device, format);
    // Stripes of one pixel at an eighth of the size: without averaging the result is stripes or a solid colour.
    let frame = picture(256, 64, |x, _| [if x % 2 == 0 { 255 } else { 0 }; 3]);
    let uniforms = OverlayUniforms { viewport: [32, 8], ..full(gray(0.0), FIRST, &frame) };
    let out = gpu.overlay(&mut renderer, format, &frame, None, &uniforms, 1);
    for pixel in out.chunks(4).skip(1).take(30) {
        assert!(pixel[0].abs_diff(128) <= 6, "{pixel:?}");
    }
}

#[test]
fn sizes_that_do_not_fit_are_survived() {
    let Some(gpu) = gpu() else { return };
    let format = wgpu::TextureFormat::Rgba8Unorm;
    let mut renderer = OverlayRenderer::new(&gpu.device, format);
    let heat = HeatVolume::new([1, 1, 1], &[1.0]).unwrap();
    let empty = RgbImage::new(0, 0, Vec::new()).unwrap();
    let uniforms = OverlayUniforms { viewport: [0, 0], ..full(gray(1.0), FIRST, &empty) };
    renderer.upload_frame(&gpu.queue, 0, &empty, 1).unwrap();
    renderer.upload_heat(&gpu.queue, 0, Some(&heat), 1).unwrap();
    renderer.prepare(&gpu.queue, 0, &uniforms);
    let target = gpu.target([4, 4], format);
    assert_eq!(&gpu.render(&target, |pass| renderer.paint(pass, 0))[..3], [255, 0, 255]);
    // Wider than any texture: reduced by a whole factor, colours kept.
    let limit = gpu.device.limits().max_texture_dimension_2d;
    let wide = picture(limit + 10, 2, |x, _| if x < limit / 2 { [9, 9, 200] } else { [200, 9, 9] });
    renderer.upload_frame(&gpu.queue, 0, &wide, 2).unwrap();
    renderer.prepare(&gpu.queue, 0, &OverlayUniforms { position: None, viewport: [4, 4], ..uniforms });
    let out = gpu.render(&target, |pass| renderer.paint(pass, 0));
    assert_eq!((&out[..3], &out[12..15]), (&[9, 9, 200][..], &[200, 9, 9][..]));
    // A volume larger than the GPU takes is refused in a sentence, and the frame stays.
    let limit = gpu.device.limits().max_texture_dimension_3d as usize;
    let long = HeatVolume::new([1, 1, limit + 1], &vec![1.0; limit + 1]).unwrap();
    let message = renderer.upload_heat(&gpu.queue, 0, Some(&long), 2).unwrap_err().to_string();
    assert!(message.contains("choose a deeper layer"), "{message}");
    renderer.prepare(&gpu.queue, 0, &OverlayUniforms { viewport: [4, 4], ..uniforms });
    let out = gpu.render(&target, |pass| renderer.paint(pass, 0));
    assert_eq!(&out[..3], [9, 9, 200]);
}

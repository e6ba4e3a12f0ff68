// The heatmap overlay. The arithmetic is defined in src/render/overlay.rs and src/render/heat_volume.rs; the CPU
// compositor does the same, and tests compare the two pixel by pixel.

struct Uniforms {
    // Part of the frame that fills the viewport: left, top, right, bottom; shares of width and height.
    source: vec4<f32>,
    // Part of the frame the network saw, likewise.
    region: vec4<f32>,
    // xy: shares of the frame a target pixel covers.
    pixel: vec4<f32>,
    // Cells along time, height, width; the moment, in cells.
    cells: vec4<f32>,
    // Opacity, threshold, 1 / scale.
    look: vec4<f32>,
    // Row of the colour table, samples of the frame a pixel along x and along y, FLAG_* bits.
    choice: vec4<u32>,
}

const FLAG_HEAT: u32 = 1u;
const FLAG_SMOOTH: u32 = 2u;
const FLAG_FOLLOWS_HEAT: u32 = 4u;
const FLAG_CONTOURS: u32 = 8u;
const FLAG_CUBIC: u32 = 16u;

const BORDER_EPSILON: f32 = 1.0 / 16384.0;
const REGION_EPSILON: f32 = 1.0 / 65536.0;
const THRESHOLD_RAMP: f32 = 1.0 / 32.0;
const CONTOUR_HALO: f32 = 0.55;
const CONTOUR_CORE: f32 = 0.9;

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var frame_texture: texture_2d<f32>;
@group(0) @binding(2) var frame_sampler: sampler;
// 32-bit floats, which devices need not filter: read cell by cell.
@group(0) @binding(3) var heat_texture: texture_3d<f32>;
@group(0) @binding(4) var color_table: texture_2d<f32>;
// How much of each target pixel the halo and the core of contour lines cover.
@group(0) @binding(5) var contour_coverage: texture_2d<f32>;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
}

// One triangle that covers the viewport.
@vertex
fn vs_main(@builtin(vertex_index) index: u32) -> Vertex {
    let corner = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    var out: Vertex;
    out.position = vec4<f32>(corner.x * 2.0 - 1.0, 1.0 - corner.y * 2.0, 0.0, 1.0);
    out.at = u.source.xy + corner * (u.source.zw - u.source.xy);
    return out;
}

// The frame, averaged over the target pixel when the frame is drawn smaller than it is.
fn frame_color(at: vec2<f32>) -> vec3<f32> {
    let taps = u.choice.yz;
    var sum = vec3<f32>(0.0);
    for (var j = 0u; j < taps.y; j++) {
        for (var i = 0u; i < taps.x; i++) {
            let offset = (vec2<f32>(vec2<u32>(i, j)) + 0.5) / vec2<f32>(taps) - 0.5;
            sum += textureSampleLevel(frame_texture, frame_sampler, at + offset * u.pixel.xy, 0.0).rgb;
        }
    }
    return sum / f32(taps.x * taps.y);
}

fn cell(t: i32, y: i32, x: i32) -> f32 {
    return textureLoad(heat_texture, vec3<i32>(x, y, t), 0).r;
}

// Weights of four neighbours at a share of the way from the second to the third (Keys 1981, a = -0.75).
fn cubic_weights(f: f32) -> vec4<f32> {
    let a = -0.75;
    let near = vec2<f32>(f, 1.0 - f);
    let far = vec2<f32>(1.0 + f, 2.0 - f);
    let n = ((a + 2.0) * near - (a + 3.0)) * near * near + 1.0;
    let w = ((a * far - 5.0 * a) * far + 8.0 * a) * far - 4.0 * a;
    return vec4<f32>(w.x, n.x, n.y, w.y);
}

// Cubic in height and width, linear in time.
fn cubic_heat(position: vec3<f32>, last: vec3<f32>) -> f32 {
    let time = clamp(position.x, 0.0, last.x);
    let step = floor(time);
    let steps = vec2<i32>(i32(step), i32(min(step + 1.0, last.x)));
    let low = floor(position.yz);
    let rows = cubic_weights(position.y - low.x);
    let columns = cubic_weights(position.z - low.y);
    var value = 0.0;
    for (var j = 0; j < 4; j++) {
        let y = i32(clamp(low.x + f32(j - 1), 0.0, last.y));
        var row = 0.0;
        for (var i = 0; i < 4; i++) {
            let x = i32(clamp(low.y + f32(i - 1), 0.0, last.z));
            row += columns[i] * mix(cell(steps.x, y, x), cell(steps.y, y, x), time - step);
        }
        value += rows[j] * row;
    }
    return value;
}

// The heat at a point of the frame, scaled to 0…1.
fn heat(at: vec2<f32>) -> f32 {
    let share = (at - u.region.xy) / (u.region.zw - u.region.xy);
    let position = vec3<f32>(u.cells.w, share.y * u.cells.y - 0.5, share.x * u.cells.z - 0.5);
    let last = u.cells.xyz - 1.0;
    var value: f32;
    if (u.choice.w & FLAG_CUBIC) != 0u {
        value = cubic_heat(position, last);
    } else if (u.choice.w & FLAG_SMOOTH) != 0u {
        let inside = clamp(position, vec3<f32>(0.0), last);
        let low = floor(inside);
        let f = inside - low;
        let a = vec3<i32>(low);
        let b = vec3<i32>(min(low + 1.0, last));
        let row_a = mix(
            mix(cell(a.x, a.y, a.z), cell(b.x, a.y, a.z), f.x),
            mix(cell(a.x, b.y, a.z), cell(b.x, b.y, a.z), f.x),
            f.y,
        );
        let row_b = mix(
            mix(cell(a.x, a.y, b.z), cell(b.x, a.y, b.z), f.x),
            mix(cell(a.x, b.y, b.z), cell(b.x, b.y, b.z), f.x),
            f.y,
        );
        value = mix(row_a, row_b, f.z);
    } else {
        let c = vec3<i32>(clamp(floor(position + 0.5 + BORDER_EPSILON), vec3<f32>(0.0), last));
        value = cell(c.x, c.y, c.z);
    }
    return clamp(value * u.look.z, 0.0, 1.0);
}

fn table_color(v: f32) -> vec3<f32> {
    let at = v * 255.0;
    let low = min(floor(at), 254.0);
    let row = i32(u.choice.x);
    let a = textureLoad(color_table, vec2<i32>(i32(low), row), 0).rgb;
    let b = textureLoad(color_table, vec2<i32>(i32(low) + 1, row), 0).rgb;
    return mix(a, b, at - low);
}

// Coverage of the halo and the core of contour lines at a point of the frame.
fn contour(at: vec2<f32>) -> vec2<f32> {
    let pixel = vec2<i32>(floor((at - u.source.xy) / u.pixel.xy));
    let last = vec2<i32>(textureDimensions(contour_coverage)) - 1;
    return textureLoad(contour_coverage, clamp(pixel, vec2<i32>(0), last), 0).rg;
}

// The pixel at a point of the frame, as sRGB values.
fn overlay(at: vec2<f32>) -> vec3<f32> {
    var color = frame_color(at);
    let outside = any(at < u.region.xy - REGION_EPSILON) || any(at > u.region.zw + REGION_EPSILON);
    if (u.choice.w & FLAG_HEAT) == 0u || outside {
        return color;
    }
    let v = heat(at);
    var opacity = u.look.x;
    if u.look.y > 0.0 {
        opacity *= clamp((v - u.look.y) / THRESHOLD_RAMP, 0.0, 1.0);
    }
    if (u.choice.w & FLAG_FOLLOWS_HEAT) != 0u {
        opacity *= v;
    }
    color = mix(color, table_color(v), opacity);
    if (u.choice.w & FLAG_CONTOURS) != 0u {
        let line = contour(at);
        color *= 1.0 - line.x * CONTOUR_HALO;
        color = mix(color, vec3<f32>(1.0), line.y * CONTOUR_CORE);
    }
    return color;
}

fn outside_frame(at: vec2<f32>) -> bool {
    return any(at < vec2<f32>(0.0)) || any(at > vec2<f32>(1.0));
}

// For targets that store what they are given.
@fragment
fn fs_unorm(in: Vertex) -> @location(0) vec4<f32> {
    if outside_frame(in.at) {
        discard;
    }
    return vec4<f32>(overlay(in.at), 1.0);
}

// For sRGB targets, which encode linear light while storing: undo that beforehand.
@fragment
fn fs_srgb(in: Vertex) -> @location(0) vec4<f32> {
    if outside_frame(in.at) {
        discard;
    }
    let color = overlay(in.at);
    let low = color / 12.92;
    let high = pow((color + 0.055) / 1.055, vec3<f32>(2.4));
    return vec4<f32>(select(high, low, color <= vec3<f32>(0.04045)), 1.0);
}

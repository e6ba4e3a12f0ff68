//! Contour lines against the definition of the map they lie on, written down here a second time and in f64.

use super::{FIRST, gray, picture, random_heat};
use kinolens::render::contour::{ContourLine, contour_lines};
use kinolens::render::overlay::CONTOUR_LEVELS;
use kinolens::render::{ClipPosition, HeatScale, HeatVolume, Interpolation, OverlayParams, composite};
use rand::{Rng, SeedableRng};

const POSITION: ClipPosition = ClipPosition { frame: 5, frames: 16 };

fn lined(params: OverlayParams) -> OverlayParams {
    OverlayParams { contours: true, interpolation: Interpolation::Smooth, ..params }
}

/// The scaled map at a share of width and height: linear between cell centres in all three directions, constant beyond
/// the outermost ones.
fn value(heat: &HeatVolume, position: ClipPosition, scale: f64, at: [f64; 2]) -> f64 {
    let [steps, rows, columns] = heat.shape();
    let time = (position.frame as f64 + 0.5) * steps as f64 / position.frames as f64 - 0.5;
    let axis = |at: f64, cells: usize| {
        let at = at.clamp(0.0, (cells - 1) as f64);
        let low = at.floor() as usize;
        (low, (low + 1).min(cells - 1), at - low as f64)
    };
    let (t, y, x) =
        (axis(time, steps), axis(at[1] * rows as f64 - 0.5, rows), axis(at[0] * columns as f64 - 0.5, columns));
    let cell = |t: usize, y: usize, x: usize| f64::from(heat.values()[(t * rows + y) * columns + x]);
    let mix = |a: f64, b: f64, f: f64| a + (b - a) * f;
    let row = |t: usize, y: usize| mix(cell(t, y, x.0), cell(t, y, x.1), x.2);
    let plane = |t: usize| mix(row(t, y.0), row(t, y.1), y.2);
    mix(plane(t.0), plane(t.1), t.2) / scale
}

fn f64s(p: [f32; 2]) -> [f64; 2] {
    p.map(f64::from)
}

fn pieces(line: &ContourLine) -> Vec<[[f64; 2]; 2]> {
    let mut points: Vec<[f64; 2]> = line.points.iter().map(|p| f64s(*p)).collect();
    if line.closed {
        points.push(points[0]);
    }
    points.windows(2).map(|w| [w[0], w[1]]).collect()
}

/// Maps as layers have them, and one that is all saddles.
fn maps() -> Vec<HeatVolume> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(23);
    let shapes = [[2, 7, 7], [1, 4, 9], [4, 14, 14], [1, 1, 5], [8, 6, 1], [1, 28, 28]];
    let mut maps: Vec<HeatVolume> = shapes.iter().map(|shape| random_heat(&mut rng, *shape)).collect();
    let board: Vec<f32> =
        (0..49).map(|i| if (i / 7 + i % 7) % 2 == 0 { 1.0 } else { rng.random::<f32>() * 0.2 }).collect();
    maps.push(HeatVolume::new([1, 7, 7], &board).unwrap());
    maps
}

#[test]
fn every_point_lies_on_its_level_and_every_line_is_whole() {
    let (mut lines_seen, mut closed_seen) = (0, 0);
    for heat in maps() {
        for (size, scale) in [([400.0, 300.0], HeatScale::Clip), ([64.0, 64.0], HeatScale::Frame)] {
            let params = lined(OverlayParams { scale, ..OverlayParams::default() });
            let most = f64::from(params.scale_value(&heat, POSITION));
            let lines = contour_lines(&heat, POSITION, &params, size);
            for line in &lines {
                let level = f64::from(line.level);
                assert!(CONTOUR_LEVELS.contains(&line.level) && line.points.len() >= 2);
                for p in &line.points {
                    let v = value(&heat, POSITION, most, f64s(*p));
                    assert!((v - level).abs() < 2e-5, "{v} instead of {level} at {p:?} of {:?}", heat.shape());
                }
                // Between two points the line strays less than a pixel: the level is crossed within that distance.
                for [a, b] in pieces(line) {
                    let along = [(b[0] - a[0]) * f64::from(size[0]), (b[1] - a[1]) * f64::from(size[1])];
                    let length = (along[0] * along[0] + along[1] * along[1]).sqrt();
                    if length < 1e-3 {
                        continue;
                    }
                    let off = [-along[1] / length / f64::from(size[0]), along[0] / length / f64::from(size[1])];
                    let beside = |d: f64| {
                        let p = [(a[0] + b[0]) / 2.0 + off[0] * d, (a[1] + b[1]) / 2.0 + off[1] * d];
                        value(&heat, POSITION, most, p)
                    };
                    let around = [-1.0, -0.5, 0.0, 0.5, 1.0].map(beside);
                    let (low, high) = around.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
                    // Where the map is flat or turns sharply, a little beside it.
                    let slack = 0.1 * (high - low) + 1e-4;
                    assert!(low - slack <= level && level <= high + slack, "{level} is not within {around:?}");
                }
                let border = |p: [f32; 2]| p.iter().any(|v| v.abs() < 1e-6 || (v - 1.0).abs() < 1e-6);
                let ends = [line.points[0], line.points[line.points.len() - 1]];
                assert!(line.closed || ends.into_iter().all(border), "loose ends at {ends:?} of {:?}", heat.shape());
                lines_seen += 1;
                closed_seen += usize::from(line.closed);
            }
        }
    }
    assert!(lines_seen > 100 && closed_seen > 30 && closed_seen < lines_seen, "{closed_seen} of {lines_seen}");
}

/// The whiteness that contour lines give to the pixels of a black picture.
fn drawn(heat: &HeatVolume, width: u32, height: u32) -> Vec<u8> {
    let frame = picture(width, height, |_, _| [0; 3]);
    let out = composite(&frame, heat, POSITION, &lined(gray(0.0)));
    out.data.chunks(3).map(|p| p[0]).collect()
}

#[test]
fn there_is_a_line_wherever_a_level_is_crossed_and_nowhere_else() {
    let (w, h) = (210_usize, 180_usize);
    let mut crossings = 0;
    for heat in maps() {
        let seen = drawn(&heat, w as u32, h as u32);
        let most = f64::from(heat.clip_max());
        let v: Vec<f64> = (0..w * h)
            .map(|i| [(i % w) as f64 + 0.5, (i / w) as f64 + 0.5])
            .map(|p| value(&heat, POSITION, most, [p[0] / w as f64, p[1] / h as f64]))
            .collect();
        let level_between =
            |a: f64, b: f64| CONTOUR_LEVELS.iter().map(|l| f64::from(*l)).any(|l| (a < l - 2e-5) != (b < l - 2e-5));
        for y in 0..h - 1 {
            for x in 0..w - 1 {
                let here = y * w + x;
                for there in [here + 1, here + w] {
                    if level_between(v[here], v[there]) {
                        crossings += 1;
                        // The line runs between the two centres: half a pixel from one of them at most.
                        let most = seen[here].max(seen[there]);
                        assert!(most > 140, "a gap at {x},{y} of {:?}: {most}", heat.shape());
                    }
                }
            }
        }
        for (i, white) in seen.iter().enumerate().filter(|(_, white)| **white > 0) {
            // Within the reach of a line and a little more, by quarters of a pixel: summits lie between the centres.
            let near = |k: i32| f64::from(k % 13 - 6) * 0.25;
            let around = (0..169).map(|k| {
                let (x, y) = ((i % w) as f64 + 0.5 + near(k), (i / w) as f64 + 0.5 + near(k / 13));
                value(&heat, POSITION, most, [x / w as f64, y / h as f64])
            });
            let (low, high) = around.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
            let slack = 0.05 * (high - low) + 1e-4;
            let (x, y, shape) = (i % w, i / w, heat.shape());
            assert!(level_between(low - slack, high + slack), "{white} at {x},{y} of {shape:?}, {low} to {high}");
        }
    }
    assert!(crossings > 5000, "{crossings} crossings");
}

#[test]
fn lines_are_as_wide_on_gentle_slopes_as_on_steep_ones() {
    // A ramp over so many pixels; the sum of whiteness across a line is its width.
    let width_on = |pixels: u32| {
        let heat = HeatVolume::new([1, 1, 2], &[0.0, 1.0]).unwrap();
        let seen = drawn(&heat, pixels * 2, 1);
        // The ramp rises from half a ramp on; half of it is crossed at its middle.
        let (middle, reach) = (pixels as usize, (pixels as usize / 10).clamp(4, 20));
        seen[middle - reach..middle + reach].iter().map(|v| f64::from(*v) / 255.0).sum::<f64>()
    };
    let usual = width_on(100);
    // A pixel and a half, nine tenths white.
    assert!((usual - 1.35).abs() < 0.1, "{usual}");
    for pixels in [40, 400, 1500, 4000] {
        let width = width_on(pixels);
        assert!((width - usual).abs() < 0.05, "{width} on a ramp of {pixels} pixels, {usual} on one of 100");
    }
}

#[test]
fn nothing_is_drawn_between_cells_that_are_shown_as_they_are() {
    for heat in maps() {
        let plain = OverlayParams { interpolation: Interpolation::Nearest, ..gray(0.6) };
        let asked = OverlayParams { contours: true, ..plain };
        assert!(contour_lines(&heat, POSITION, &asked, [300.0, 300.0]).is_empty());
        let frame = picture(60, 40, |x, y| [x as u8, y as u8, 9]);
        assert_eq!(composite(&frame, &heat, FIRST, &asked), composite(&frame, &heat, FIRST, &plain));
    }
}

#[test]
fn plateaus_have_lines_around_them_and_not_through_them() {
    // Half of the map lies exactly on a level, up to rounding.
    let cells: Vec<f32> = (0..64).map(|i| if i % 8 < 4 { 0.5 + (i % 3) as f32 * 1e-8 } else { 1.0 }).collect();
    let heat = HeatVolume::new([1, 8, 8], &cells).unwrap();
    let lines = contour_lines(&heat, FIRST, &lined(OverlayParams::default()), [200.0, 200.0]);
    let at_half = lines.iter().filter(|l| l.level == 0.5).count();
    assert_eq!(at_half, 0, "the plateau counts as reached: nothing lies below it");
    assert_eq!(lines.iter().filter(|l| l.level == 0.75).count(), 1, "one line along the slope");
}

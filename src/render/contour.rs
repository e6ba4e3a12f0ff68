//! Contour lines of an interpolated heatmap: marching squares over the map, and the pixels the lines cover.
//!
//! The smooth map is bilinear between cell centres and constant beyond the outermost ones. The lattice that is marched
//! has every cell centre as a node and divides each patch finely enough for the screen. Along a lattice edge the map is
//! linear, so every point of a line lies exactly on its level; a square with two lines is decided by the value at its
//! saddle, as the map itself decides it. Lines are therefore closed, or end at the border of the map, and never break. Of a
//! cubic map the same holds for its values at the nodes, which lie two pixels apart or less.

use super::heat_volume::{HeatVolume, Interpolation, Tap};
use super::overlay::{CONTOUR_LEVELS, CONTOUR_OPACITY, ClipPosition, OverlayParams, Region};
use std::collections::HashMap;

/// Distance between nodes of the lattice, about, in pixels.
const PITCH: f32 = 2.0;
/// Most nodes between two cell centres.
const FINEST: usize = 64;
/// Most nodes of a lattice.
const MOST_NODES: usize = 1 << 20;
/// A value this near to a level counts as on it: a plateau that rounds to either side has no line through it.
const ON_LEVEL: f32 = 1e-5;
/// Half the width of a line in pixels: its dark halo, its white core.
const HALF_WIDTHS: [f32; 2] = [2.5, 1.25];

/// A line along which the map has one value.
#[derive(Clone, Debug, PartialEq)]
pub struct ContourLine {
    /// The value, of [`CONTOUR_LEVELS`].
    pub level: f32,
    /// Points in shares of the map's width and height, in order along the line.
    pub points: Vec<[f32; 2]>,
    /// The last point is joined to the first one; otherwise both lie on the border of the map.
    pub closed: bool,
}

/// The contour lines of a map at one moment. `size` is how many pixels the whole map is drawn on, along x and y; a finer
/// picture has more points on the same lines. Empty without heat and where cells are not interpolated.
pub fn contour_lines(
    heat: &HeatVolume,
    position: ClipPosition,
    params: &OverlayParams,
    size: [f32; 2],
) -> Vec<ContourLine> {
    let resolved = params.resolve(heat, position);
    if !resolved.contours || resolved.inverse_scale <= 0.0 {
        return Vec::new();
    }
    let [_, rows, columns] = heat.shape();
    let mut plane = heat.plane(resolved.time, params.interpolation);
    plane.iter_mut().for_each(|v| *v *= resolved.inverse_scale);
    let lattice = Lattice::new(&plane, [rows, columns], size, params.interpolation);
    CONTOUR_LEVELS.iter().flat_map(|level| lattice.lines(*level)).collect()
}

/// Nodes along one side: positions in cells (cell `k` has its centre at `k`), from border to border.
fn nodes(cells: usize, each: usize) -> Vec<f32> {
    let mut at = vec![-0.5];
    at.extend((0..(cells - 1) * each).map(|i| (i / each) as f32 + (i % each) as f32 / each as f32));
    at.extend([(cells - 1) as f32, cells as f32 - 0.5]);
    at
}

/// The map at the nodes of a grid of lines that runs through every cell centre.
struct Lattice {
    xs: Vec<f32>,
    ys: Vec<f32>,
    /// `ys * xs` values.
    values: Vec<f32>,
    /// Cells along height and width.
    cells: [usize; 2],
}

impl Lattice {
    fn new(plane: &[f32], [rows, columns]: [usize; 2], size: [f32; 2], interpolation: Interpolation) -> Self {
        let each = |pixels: f32, cells: usize| {
            // `as` turns what is no number into 0 and stops at the largest one.
            let wanted = (pixels / cells as f32 / PITCH).ceil() as usize;
            let side = (MOST_NODES as f32).sqrt() as usize;
            wanted.clamp(1, FINEST).min((side / cells).max(1))
        };
        let (xs, ys) = (nodes(columns, each(size[0], columns)), nodes(rows, each(size[1], rows)));
        let across: Vec<Tap> = xs.iter().map(|x| Tap::at(*x, columns, interpolation)).collect();
        let mut values = Vec::with_capacity(xs.len() * ys.len());
        for y in &ys {
            let tap = Tap::at(*y, rows, interpolation);
            let row: Vec<f32> = (0..columns).map(|x| tap.mix(|r| plane[r * columns + x])).collect();
            values.extend(across.iter().map(|tap| tap.mix(|x| row[x])));
        }
        Self { xs, ys, values, cells: [rows, columns] }
    }

    fn value(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.xs.len() + x]
    }

    /// Every line of one level.
    fn lines(&self, level: f32) -> Vec<ContourLine> {
        let mut found = Crossings::default();
        for y in 0..self.ys.len() - 1 {
            for x in 0..self.xs.len() - 1 {
                self.march(level, x, y, &mut found);
            }
        }
        found.chained(level)
    }

    /// The pieces of line within one square. Its corners are a b above, c d below.
    fn march(&self, level: f32, x: usize, y: usize, found: &mut Crossings) {
        let corners = [self.value(x, y), self.value(x + 1, y), self.value(x, y + 1), self.value(x + 1, y + 1)];
        let hot = corners.map(|v| v >= level - ON_LEVEL);
        if hot == [hot[0]; 4] {
            return;
        }
        let [a, b, c, d] = corners;
        let [top, bottom, left, right] = [0, 1, 2, 3];
        let sides = [(0, 1), (2, 3), (0, 2), (1, 3)];
        let crossed: Vec<usize> = (0..4).filter(|side| hot[sides[*side].0] != hot[sides[*side].1]).collect();
        let pairs: Vec<[usize; 2]> = match crossed.as_slice() {
            [one, other] => vec![[*one, *other]],
            // Two opposite corners are hot: the saddle between them tells whether they are one hill or two.
            _ => {
                let saddle = (a * d - b * c) / (a + d - b - c);
                if (saddle >= level - ON_LEVEL) == hot[0] {
                    vec![[top, right], [left, bottom]]
                } else {
                    vec![[top, left], [right, bottom]]
                }
            }
        };
        for pair in pairs {
            let ends = pair.map(|side| found.point(self.edge(x, y, side), || self.crossing(level, x, y, side)));
            found.join(ends);
        }
    }

    /// One number for each edge of the lattice.
    fn edge(&self, x: usize, y: usize, side: usize) -> usize {
        let at = |x: usize, y: usize, vertical: usize| 2 * (y * self.xs.len() + x) + vertical;
        match side {
            0 => at(x, y, 0),
            1 => at(x, y + 1, 0),
            2 => at(x, y, 1),
            _ => at(x + 1, y, 1),
        }
    }

    /// Where a side is crossed, in shares of width and height.
    fn crossing(&self, level: f32, x: usize, y: usize, side: usize) -> [f32; 2] {
        let (from, to) = match side {
            0 => ((x, y), (x + 1, y)),
            1 => ((x, y + 1), (x + 1, y + 1)),
            2 => ((x, y), (x, y + 1)),
            _ => ((x + 1, y), (x + 1, y + 1)),
        };
        let (low, high) = (self.value(from.0, from.1), self.value(to.0, to.1));
        let share = ((level - low) / (high - low)).clamp(0.0, 1.0);
        let between = |nodes: &[f32], a: usize, b: usize, cells: usize| {
            (nodes[a] + (nodes[b] - nodes[a]) * share + 0.5) / cells as f32
        };
        [between(&self.xs, from.0, to.0, self.cells[1]), between(&self.ys, from.1, to.1, self.cells[0])]
    }
}

/// Points on edges of the lattice and which of them are joined: no point has more than two neighbours, because an edge
/// has a square on either side and each square joins the point once.
#[derive(Default)]
struct Crossings {
    by_edge: HashMap<usize, usize>,
    points: Vec<[f32; 2]>,
    neighbours: Vec<[Option<usize>; 2]>,
}

impl Crossings {
    fn point(&mut self, edge: usize, make: impl FnOnce() -> [f32; 2]) -> usize {
        *self.by_edge.entry(edge).or_insert_with(|| {
            self.points.push(make());
            self.neighbours.push([None; 2]);
            self.points.len() - 1
        })
    }

    fn join(&mut self, [a, b]: [usize; 2]) {
        for (from, to) in [(a, b), (b, a)] {
            if let Some(free) = self.neighbours[from].iter_mut().find(|n| n.is_none()) {
                *free = Some(to);
            }
        }
    }

    /// The points as lines: first those with ends, then the closed ones.
    fn chained(&self, level: f32) -> Vec<ContourLine> {
        let mut seen = vec![false; self.points.len()];
        let ends = (0..self.points.len()).filter(|p| self.neighbours[*p][1].is_none());
        let starts: Vec<usize> = ends.chain(0..self.points.len()).collect();
        let mut lines = Vec::new();
        for start in starts {
            if seen[start] {
                continue;
            }
            let closed = self.neighbours[start][1].is_some();
            let (mut points, mut at) = (Vec::new(), Some(start));
            while let Some(here) = at {
                seen[here] = true;
                points.push(self.points[here]);
                at = self.neighbours[here].iter().flatten().copied().find(|n| !seen[*n]);
            }
            lines.push(ContourLine { level, points, closed });
        }
        lines
    }
}

/// The lines alone, as pixels of a viewport that the whole frame fills: four bytes each, premultiplied with the opacity.
/// Laid over the frame they look as in [`composite`](super::composite), and are as wide however large the frame is drawn.
pub fn contour_picture(
    heat: &HeatVolume,
    position: ClipPosition,
    params: &OverlayParams,
    viewport: [u32; 2],
) -> Vec<u8> {
    let region = params.resolve(heat, position).region;
    let [width, height] = viewport.map(|side| side as f32);
    let size = [width * (region.x1 - region.x0), height * (region.y1 - region.y0)];
    let lines = contour_lines(heat, position, params, size);
    let pixel = |covered: &[u8]| {
        let [halo, core] = [covered[0], covered[1]].map(|byte| f32::from(byte) / 255.0);
        let white = core * CONTOUR_OPACITY[1];
        let opacity = 1.0 - (1.0 - halo * CONTOUR_OPACITY[0]) * (1.0 - white);
        [white, white, white, opacity].map(|v| (v * 255.0).round() as u8)
    };
    coverage(&lines, region, Region::FULL, viewport).chunks_exact(2).flat_map(pixel).collect()
}

/// How much of each pixel the halo and the core of the lines cover, as two bytes a pixel, row by row. The map lies on
/// `region` of the frame, and `source` of the frame fills the `viewport`. Both compositors read these bytes.
pub(super) fn coverage(lines: &[ContourLine], region: Region, source: Region, viewport: [u32; 2]) -> Vec<u8> {
    let [width, height] = viewport.map(|side| side as usize);
    let mut distances = vec![f32::INFINITY; width * height];
    let across = |share: f32, from: f32, to: f32, low: f32, high: f32, pixels: u32| {
        (from + share * (to - from) - low) / (high - low) * pixels as f32
    };
    let place = |p: [f32; 2]| {
        [
            across(p[0], region.x0, region.x1, source.x0, source.x1, viewport[0]),
            across(p[1], region.y0, region.y1, source.y0, source.y1, viewport[1]),
        ]
    };
    for line in lines {
        let mut points: Vec<[f32; 2]> = line.points.iter().map(|p| place(*p)).collect();
        if line.closed {
            points.extend(points.first().copied());
        }
        for pair in points.windows(2) {
            stroke(pair[0], pair[1], &mut distances, width, height);
        }
    }
    let byte = |distance: f32, half: f32| ((half - distance).clamp(0.0, 1.0) * 255.0).round() as u8;
    distances.iter().flat_map(|d| HALF_WIDTHS.map(|half| byte(*d, half))).collect()
}

/// Lowers the distances around a piece of line to the distance of each pixel's centre from it.
fn stroke(a: [f32; 2], b: [f32; 2], distances: &mut [f32], width: usize, height: usize) {
    let reach = HALF_WIDTHS[0];
    let range = |a: f32, b: f32, most: usize| {
        let low = (a.min(b) - reach - 0.5).ceil().max(0.0) as usize;
        let high = (a.max(b) + reach - 0.5).floor().min(most as f32 - 1.0);
        // Nothing where the piece lies beyond the picture.
        low..if high < 0.0 { 0 } else { high as usize + 1 }
    };
    let along = [b[0] - a[0], b[1] - a[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    for y in range(a[1], b[1], height) {
        for x in range(a[0], b[0], width) {
            let from = [x as f32 + 0.5 - a[0], y as f32 + 0.5 - a[1]];
            let share =
                if length > 0.0 { ((from[0] * along[0] + from[1] * along[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
            let off = [from[0] - share * along[0], from[1] - share * along[1]];
            let distance = (off[0] * off[0] + off[1] * off[1]).sqrt();
            if let Some(known) = distances.get_mut(y * width + x) {
                *known = known.min(distance);
            }
        }
    }
}

//! Colours and shapes on a canvas that remembers which part of it was touched.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point,
    RadialGradient, Rect, Shader, SpreadMode, Stroke, Transform,
};

/// An opaque colour, sRGB, 0…255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ink(pub f32, pub f32, pub f32);

/// A colour from its usual hexadecimal notation.
pub(super) const fn ink(hex: u32) -> Ink {
    Ink(((hex >> 16) & 255) as f32, ((hex >> 8) & 255) as f32, (hex & 255) as f32)
}

impl Ink {
    /// From this colour (`t` = 0) to another (`t` = 1).
    pub fn mix(self, o: Ink, t: f32) -> Ink {
        let m = |a: f32, b: f32| a + (b - a) * t;
        Ink(m(self.0, o.0), m(self.1, o.1), m(self.2, o.2))
    }

    /// In shadow: darker and a little cooler.
    pub fn shade(self, t: f32) -> Ink {
        self.mix(Ink(self.0 * 0.42, self.1 * 0.4, self.2 * 0.55), t)
    }

    /// In light: towards warm white.
    pub fn light(self, t: f32) -> Ink {
        self.mix(Ink(255.0, 250.0, 238.0), t)
    }

    /// Under coloured light: each channel times that of `light`, which is near 1.
    pub fn under(self, light: [f32; 3]) -> Ink {
        Ink((self.0 * light[0]).min(255.0), (self.1 * light[1]).min(255.0), (self.2 * light[2]).min(255.0))
    }

    /// How different two colours look, roughly (distance weighted as the eye does).
    pub fn distance(self, o: Ink) -> f32 {
        let (r, g, b) = (self.0 - o.0, self.1 - o.1, self.2 - o.2);
        (2.0 * r * r + 4.0 * g * g + 3.0 * b * b).sqrt()
    }

    pub fn color(self, alpha: f32) -> Color {
        let c = |v: f32| (v / 255.0).clamp(0.0, 1.0);
        Color::from_rgba(c(self.0), c(self.1), c(self.2), alpha.clamp(0.0, 1.0)).unwrap_or(Color::BLACK)
    }
}

/// A point in the picture, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct P2 {
    pub x: f32,
    pub y: f32,
}

/// Shorthand for a point.
pub(super) const fn p2(x: f32, y: f32) -> P2 {
    P2 { x, y }
}

impl P2 {
    pub fn plus(self, o: P2) -> P2 {
        p2(self.x + o.x, self.y + o.y)
    }

    pub fn minus(self, o: P2) -> P2 {
        p2(self.x - o.x, self.y - o.y)
    }

    pub fn times(self, k: f32) -> P2 {
        p2(self.x * k, self.y * k)
    }

    pub fn length(self) -> f32 {
        self.x.hypot(self.y)
    }

    pub fn unit(self) -> P2 {
        let l = self.length();
        if l > 1e-5 { self.times(1.0 / l) } else { p2(0.0, -1.0) }
    }

    /// Turned a quarter clockwise on screen.
    pub fn turned(self) -> P2 {
        p2(-self.y, self.x)
    }

    pub fn mix(self, o: P2, t: f32) -> P2 {
        p2(self.x + (o.x - self.x) * t, self.y + (o.y - self.y) * t)
    }

    fn sk(self) -> Point {
        Point::from_xy(self.x, self.y)
    }
}

/// A picture being painted.
pub(super) struct Canvas {
    pub pixmap: Pixmap,
    /// Left, top, right, bottom of everything painted since [`Canvas::clear`], in pixels.
    touched: Option<[f32; 4]>,
    /// Pixels of the pixmap per pixel of the picture, along each axis. Above 1 edges are not smoothed here: whoever
    /// shrinks the pixmap to the picture smooths them, at a fraction of the cost of anti-aliased filling.
    fine: u32,
}

impl Canvas {
    /// A transparent canvas; `None` when a side is 0.
    pub fn new(width: u32, height: u32) -> Option<Canvas> {
        Some(Canvas { pixmap: Pixmap::new(width, height)?, touched: None, fine: 1 })
    }

    /// A transparent canvas of `fine` x `fine` pixels for every pixel of a `width` x `height` picture.
    pub fn finer(width: u32, height: u32, fine: u32) -> Option<Canvas> {
        Some(Canvas { pixmap: Pixmap::new(width * fine, height * fine)?, touched: None, fine })
    }

    pub fn width(&self) -> f32 {
        (self.pixmap.width() / self.fine) as f32
    }

    pub fn height(&self) -> f32 {
        (self.pixmap.height() / self.fine) as f32
    }

    /// Makes everything painted so far transparent again.
    pub fn clear(&mut self) {
        if let Some([x0, y0, x1, y1]) = self.touched_pixels() {
            let (stride, fine) = (self.pixmap.width() as usize * 4, self.fine as usize);
            for row in self.pixmap.data_mut().chunks_exact_mut(stride).take(y1 * fine).skip(y0 * fine) {
                row[x0 * fine * 4..x1 * fine * 4].fill(0);
            }
        }
        self.touched = None;
    }

    fn transform(&self) -> Transform {
        Transform::from_scale(self.fine as f32, self.fine as f32)
    }

    /// Columns and rows of the picture that may hold paint: left, top, right, bottom (ends exclusive).
    pub fn touched_pixels(&self) -> Option<[usize; 4]> {
        let [l, t, r, b] = self.touched?;
        let (w, h) = (self.width(), self.height());
        let px = |v: f32, max: f32| v.clamp(0.0, max) as usize;
        Some([px(l - 1.0, w), px(t - 1.0, h), px(r + 2.0, w), px(b + 2.0, h)])
    }

    fn touch(&mut self, bounds: Rect, margin: f32) {
        let [l, t, r, b] = self.touched.unwrap_or([f32::MAX, f32::MAX, f32::MIN, f32::MIN]);
        self.touched = Some([
            l.min(bounds.left() - margin),
            t.min(bounds.top() - margin),
            r.max(bounds.right() + margin),
            b.max(bounds.bottom() + margin),
        ]);
    }

    fn fill_with(&mut self, path: Option<Path>, shader: Shader<'_>) {
        let Some(path) = path else { return };
        self.touch(path.bounds(), 0.0);
        let paint = Paint { shader, anti_alias: self.fine == 1, ..Paint::default() };
        self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.transform(), None);
    }

    pub fn fill(&mut self, path: Option<Path>, ink: Ink) {
        self.fill_with(path, Shader::SolidColor(ink.color(1.0)));
    }

    /// Fills a smooth closed outline in shade, and inside it, shifted towards the light, in its own colour.
    ///
    /// Lighter than a gradient to compute, and the same two tones as the limbs.
    pub fn fill_toned(&mut self, outline: &[P2], towards: P2, base: Ink, shade: f32) {
        self.fill(blob(outline), base.shade(shade));
        let n = outline.len().max(1) as f32;
        let centre = outline.iter().fold(p2(0.0, 0.0), |sum, p| sum.plus(*p)).times(1.0 / n);
        let reach = outline.iter().map(|p| p.minus(centre).length()).fold(f32::MAX, f32::min);
        let lit: Vec<P2> = outline
            .iter()
            .map(|p| {
                let arm = p.minus(centre);
                let facing = (arm.unit().x * towards.x + arm.unit().y * towards.y).min(0.0);
                p.plus(arm.unit().times(reach * 0.42 * facing))
            })
            .collect();
        self.fill(blob(&lit), base);
    }

    pub fn fill_soft(&mut self, path: Option<Path>, ink: Ink, alpha: f32) {
        self.fill_with(path, Shader::SolidColor(ink.color(alpha)));
    }

    /// Fills with a gradient from `a` at point `from` to `b` at point `to`.
    pub fn fill_gradient(&mut self, path: Option<Path>, from: P2, a: Ink, to: P2, b: Ink) {
        self.fill_fade(path, (from, a, 1.0), (to, b, 1.0));
    }

    /// Fills with a gradient between two points with a colour and an opacity each.
    pub fn fill_fade(&mut self, path: Option<Path>, from: (P2, Ink, f32), to: (P2, Ink, f32)) {
        let stops = vec![GradientStop::new(0.0, from.1.color(from.2)), GradientStop::new(1.0, to.1.color(to.2))];
        let shader = LinearGradient::new(from.0.sk(), to.0.sk(), stops, SpreadMode::Pad, Transform::identity());
        self.fill_with(path, shader.unwrap_or(Shader::SolidColor(from.1.color(from.2))));
    }

    /// A soft round glow (or shadow) that fades to nothing at `radius`, squeezed in height by `flat`.
    pub fn glow(&mut self, centre: P2, radius: f32, flat: f32, ink: Ink, alpha: f32) {
        let stops = vec![
            GradientStop::new(0.0, ink.color(alpha)),
            GradientStop::new(0.55, ink.color(alpha * 0.45)),
            GradientStop::new(1.0, ink.color(0.0)),
        ];
        let squeeze = Transform::from_row(1.0, 0.0, 0.0, flat, 0.0, centre.y * (1.0 - flat));
        let shader = RadialGradient::new(centre.sk(), 0.0, centre.sk(), radius, stops, SpreadMode::Pad, squeeze);
        if let Some(shader) = shader {
            self.fill_with(ellipse(centre, radius, radius * flat), shader);
        }
    }

    /// A line with round ends.
    pub fn stroke(&mut self, path: Option<Path>, width: f32, ink: Ink) {
        self.stroke_soft(path, width, ink, 1.0);
    }

    pub fn stroke_soft(&mut self, path: Option<Path>, width: f32, ink: Ink, alpha: f32) {
        let Some(path) = path else { return };
        self.touch(path.bounds(), width);
        let paint =
            Paint { shader: Shader::SolidColor(ink.color(alpha)), anti_alias: self.fine == 1, ..Paint::default() };
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixmap.stroke_path(&path, &paint, &stroke, self.transform(), None);
    }

    pub fn rect(&mut self, x: f32, y: f32, w: f32, h: f32, ink: Ink) {
        self.fill(rect(x, y, w, h), ink);
    }
}

/// An upright rectangle.
pub(super) fn rect(x: f32, y: f32, w: f32, h: f32) -> Option<Path> {
    Some(PathBuilder::from_rect(Rect::from_xywh(x, y, w, h)?))
}

/// An upright rectangle with rounded corners.
pub(super) fn rounded(x: f32, y: f32, w: f32, h: f32, r: f32) -> Option<Path> {
    let r = r.min(w / 2.0).min(h / 2.0);
    let k = r * 0.448; // distance of a cubic's handle from the corner, for a quarter circle
    let (x1, y1) = (x + w, y + h);
    let mut b = PathBuilder::new();
    b.move_to(x + r, y);
    b.line_to(x1 - r, y);
    b.cubic_to(x1 - k, y, x1, y + k, x1, y + r);
    b.line_to(x1, y1 - r);
    b.cubic_to(x1, y1 - k, x1 - k, y1, x1 - r, y1);
    b.line_to(x + r, y1);
    b.cubic_to(x + k, y1, x, y1 - k, x, y1 - r);
    b.line_to(x, y + r);
    b.cubic_to(x, y + k, x + k, y, x + r, y);
    b.close();
    b.finish()
}

/// An upright ellipse.
pub(super) fn ellipse(c: P2, rx: f32, ry: f32) -> Option<Path> {
    PathBuilder::from_oval(Rect::from_xywh(c.x - rx, c.y - ry, 2.0 * rx, 2.0 * ry)?)
}

/// A closed polygon.
pub(super) fn polygon(points: &[P2]) -> Option<Path> {
    let mut b = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    b.move_to(first.x, first.y);
    for p in rest {
        b.line_to(p.x, p.y);
    }
    b.close();
    b.finish()
}

/// An open line through points.
pub(super) fn line(points: &[P2]) -> Option<Path> {
    let mut b = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    b.move_to(first.x, first.y);
    for p in rest {
        b.line_to(p.x, p.y);
    }
    b.finish()
}

/// A closed smooth curve through points (Catmull-Rom as cubic Béziers).
pub(super) fn blob(points: &[P2]) -> Option<Path> {
    let n = points.len();
    if n < 3 {
        return None;
    }
    let mut b = PathBuilder::new();
    b.move_to(points[0].x, points[0].y);
    for i in 0..n {
        let (p0, p1) = (points[(i + n - 1) % n], points[i]);
        let (p2, p3) = (points[(i + 1) % n], points[(i + 2) % n]);
        let c1 = p1.plus(p2.minus(p0).times(1.0 / 6.0));
        let c2 = p2.minus(p3.minus(p1).times(1.0 / 6.0));
        b.cubic_to(c1.x, c1.y, c2.x, c2.y, p2.x, p2.y);
    }
    b.close();
    b.finish()
}

/// A limb: two circles and everything between them.
pub(super) fn capsule(a: P2, ra: f32, b: P2, rb: f32) -> Option<Path> {
    let mut builder = PathBuilder::new();
    push_capsule(&mut builder, a, ra, b, rb);
    builder.finish()
}

/// Several limbs of one colour as one shape, without seams.
pub(super) fn capsules(parts: &[(P2, f32, P2, f32)]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (a, ra, b, rb) in parts {
        push_capsule(&mut builder, *a, *ra, *b, *rb);
    }
    builder.finish()
}

fn push_capsule(builder: &mut PathBuilder, a: P2, ra: f32, b: P2, rb: f32) {
    let axis = b.minus(a);
    let distance = axis.length();
    if distance <= (ra - rb).abs() + 1e-3 {
        let (c, r) = if ra > rb { (a, ra) } else { (b, rb) };
        arc(builder, c, r, 0.0, std::f32::consts::TAU, true);
        builder.close();
        return;
    }
    // The outer tangents touch both circles at this angle from the axis.
    let angle = axis.y.atan2(axis.x);
    let spread = ((ra - rb) / distance).clamp(-1.0, 1.0).acos();
    arc(builder, a, ra, angle + spread, std::f32::consts::TAU - 2.0 * spread, true);
    arc(builder, b, rb, angle - spread, 2.0 * spread, false);
    builder.close();
}

/// Adds a circular arc of `sweep` radians from angle `start`, as cubics of at most a quarter turn.
fn arc(builder: &mut PathBuilder, c: P2, r: f32, start: f32, sweep: f32, moves: bool) {
    let at = |angle: f32| p2(c.x + r * angle.cos(), c.y + r * angle.sin());
    let first = at(start);
    if moves {
        builder.move_to(first.x, first.y);
    } else {
        builder.line_to(first.x, first.y);
    }
    let pieces = (sweep / std::f32::consts::FRAC_PI_2).ceil().max(1.0);
    let step = sweep / pieces;
    let handle = 4.0 / 3.0 * (step / 4.0).tan() * r;
    for i in 0..pieces as usize {
        let (a0, a1) = (start + step * i as f32, start + step * (i + 1) as f32);
        let (from, to) = (at(a0), at(a1));
        builder.cubic_to(
            from.x - handle * a0.sin(),
            from.y + handle * a0.cos(),
            to.x + handle * a1.sin(),
            to.y - handle * a1.cos(),
            to.x,
            to.y,
        );
    }
}

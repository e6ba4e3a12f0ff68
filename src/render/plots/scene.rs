//! A drawing as a list of shapes, written as PNG and SVG.
//!
//! Plots are laid out once, in points of a white page; both files get the same shapes. The PNG is drawn twice as large
//! and averaged down, which smooths lines and text alike.

use crate::render::RenderError;
use crate::render::compose::mix;
use crate::render::font::{rasterise, text_width};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::{Path, PathBuf};

/// Enlargement of the PNG while it is drawn.
const OVERSAMPLING: u32 = 2;
/// plotters' SVG backend divides font sizes by this.
const SVG_FONT_FACTOR: f64 = 1.24;

/// Colour of text.
pub(super) const INK: [u8; 3] = [34, 36, 42];
/// Colour of lesser text and of axes.
pub(super) const SOFT_INK: [u8; 3] = [98, 102, 112];
/// Colour of grid lines.
pub(super) const GRID: [u8; 3] = [228, 230, 235];

/// Where a text stands relative to its point; vertically it is always centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

#[derive(Clone, Debug)]
enum Shape {
    Rect { corners: [(f32, f32); 2], color: [u8; 3] },
    Line { points: Vec<(f32, f32)>, color: [u8; 3], opacity: f32, width: f32 },
    Dot { at: (f32, f32), radius: f32, color: [u8; 3] },
    Text { at: (f32, f32), text: String, size: f32, color: [u8; 3], align: Align, upwards: bool },
}

/// A finished plot, not yet written.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Points in a row; pixels of the PNG.
    pub width: u32,
    /// Rows.
    pub height: u32,
    shapes: Vec<Shape>,
}

impl Scene {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self { width, height, shapes: Vec::new() }
    }

    pub(super) fn rect(&mut self, from: (f32, f32), to: (f32, f32), color: [u8; 3]) {
        self.shapes.push(Shape::Rect { corners: [from, to], color });
    }

    pub(super) fn line(&mut self, points: Vec<(f32, f32)>, color: [u8; 3], width: f32) {
        self.line_faint(points, color, width, 1.0);
    }

    pub(super) fn line_faint(&mut self, points: Vec<(f32, f32)>, color: [u8; 3], width: f32, opacity: f32) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line { points, color, opacity, width });
        }
    }

    pub(super) fn dot(&mut self, at: (f32, f32), radius: f32, color: [u8; 3]) {
        self.shapes.push(Shape::Dot { at, radius, color });
    }

    pub(super) fn text(&mut self, at: (f32, f32), text: &str, size: f32, color: [u8; 3], align: Align) {
        self.shapes.push(Shape::Text { at, text: text.to_owned(), size, color, align, upwards: false });
    }

    /// A centred text that reads upwards.
    pub(super) fn text_upwards(&mut self, at: (f32, f32), text: &str, size: f32, color: [u8; 3], align: Align) {
        self.shapes.push(Shape::Text { at, text: text.to_owned(), size, color, align, upwards: true });
    }

    /// Writes `STEM.png` and `STEM.svg`, creating the folder; returns both paths.
    ///
    /// # Errors
    /// [`RenderError::Write`], [`RenderError::Draw`].
    pub fn save(&self, stem: &Path) -> Result<[PathBuf; 2], RenderError> {
        let named = |extension: &str| {
            let mut name = stem.as_os_str().to_owned();
            name.push(extension);
            PathBuf::from(name)
        };
        let (png, svg) = (named(".png"), named(".svg"));
        if let Some(folder) = stem.parent() {
            std::fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
        }
        image::save_buffer(&png, &self.pixels()?, self.width, self.height, image::ExtendedColorType::Rgb8)
            .map_err(|e| failed(&png, &e))?;
        std::fs::write(&svg, self.svg()?).map_err(|e| failed(&svg, &e))?;
        Ok([png, svg])
    }

    /// The plot as RGB, `width * height * 3` bytes.
    ///
    /// # Errors
    /// [`RenderError::Draw`].
    pub fn pixels(&self) -> Result<Vec<u8>, RenderError> {
        let (width, height) = (self.width * OVERSAMPLING, self.height * OVERSAMPLING);
        let mut large = vec![255; width as usize * height as usize * 3];
        // Runs of shapes without text go to plotters; text between them is drawn on the same buffer, in order.
        for run in self.shapes.chunk_by(|a, b| is_text(a) == is_text(b)) {
            if run.first().is_some_and(is_text) {
                run.iter().for_each(|shape| draw_text(&mut large, (width, height), shape));
            } else {
                let area = BitMapBackend::with_buffer(&mut large, (width, height)).into_drawing_area();
                draw(&area, run, OVERSAMPLING as f32)?;
            }
        }
        Ok(halve(&large, self.width as usize, self.height as usize))
    }

    /// The plot as an SVG document.
    ///
    /// # Errors
    /// [`RenderError::Draw`].
    pub fn svg(&self) -> Result<String, RenderError> {
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, (self.width, self.height)).into_drawing_area();
            area.fill(&WHITE).map_err(|e| unpainted(&e))?;
            draw(&area, &self.shapes, 1.0)?;
        }
        Ok(text)
    }
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> RenderError {
    RenderError::Write { path: path.to_path_buf(), reason: reason.to_string() }
}

fn unpainted(reason: &dyn std::fmt::Display) -> RenderError {
    RenderError::Draw { what: "a plot".into(), reason: reason.to_string() }
}

fn is_text(shape: &Shape) -> bool {
    matches!(shape, Shape::Text { .. })
}

fn draw<DB: DrawingBackend>(
    area: &DrawingArea<DB, plotters::coord::Shift>,
    shapes: &[Shape],
    scale: f32,
) -> Result<(), RenderError> {
    let at = |(x, y): (f32, f32)| ((x * scale).round() as i32, (y * scale).round() as i32);
    for shape in shapes {
        let drawn = match shape {
            Shape::Rect { corners: [a, b], color } => {
                let (a, b) = (at(*a), at(*b));
                area.draw(&Rectangle::new([a, b], rgba(*color, 1.0).filled()))
            }
            Shape::Line { points, color, opacity, width } => {
                let style = rgba(*color, *opacity).stroke_width((width * scale).round().max(1.0) as u32);
                area.draw(&PathElement::new(points.iter().map(|p| at(*p)).collect::<Vec<_>>(), style))
            }
            Shape::Dot { at: centre, radius, color } => {
                area.draw(&Circle::new(at(*centre), (radius * scale).round() as i32, rgba(*color, 1.0).filled()))
            }
            Shape::Text { at: point, text, size, color, align, upwards } => {
                let anchor = match align {
                    Align::Left => HPos::Left,
                    Align::Centre => HPos::Center,
                    Align::Right => HPos::Right,
                };
                let mut font =
                    FontDesc::new(FontFamily::SansSerif, f64::from(*size) * SVG_FONT_FACTOR, FontStyle::Normal);
                if *upwards {
                    font = font.transform(FontTransform::Rotate270);
                }
                let style = font.color(&rgba(*color, 1.0)).pos(Pos::new(anchor, VPos::Center));
                area.draw(&Text::new(text.clone(), at(*point), style))
            }
        };
        drawn.map_err(|e| unpainted(&e))?;
    }
    area.present().map_err(|e| unpainted(&e))
}

fn rgba([r, g, b]: [u8; 3], opacity: f32) -> RGBAColor {
    RGBAColor(r, g, b, f64::from(opacity))
}

fn draw_text(pixels: &mut [u8], (width, height): (u32, u32), shape: &Shape) {
    let Shape::Text { at, text, size, color, align, upwards } = shape else { return };
    let scale = OVERSAMPLING as f32;
    let size = size * scale;
    let length = text_width(text, size);
    let back = match align {
        Align::Left => 0.0,
        Align::Centre => length / 2.0,
        Align::Right => length,
    };
    // From the middle of small letters to the base line.
    let drop = size * 0.33;
    let (x, y) = (at.0 * scale, at.1 * scale);
    let origin = if *upwards { (x + drop, y + back) } else { (x - back, y + drop) };
    rasterise(text, size, origin, *upwards, |x, y, coverage| {
        if x >= 0 && y >= 0 && (x as u32) < width && (y as u32) < height {
            let first = (y as usize * width as usize + x as usize) * 3;
            for (byte, ink) in pixels.iter_mut().skip(first).take(3).zip(color) {
                *byte = mix(*byte, *ink, coverage);
            }
        }
    });
}

/// Averages blocks of 2 by 2 pixels.
fn halve(large: &[u8], width: usize, height: usize) -> Vec<u8> {
    let stride = width * 2 * 3;
    let mut out = Vec::with_capacity(width * height * 3);
    for rows in large.chunks_exact(stride * 2).take(height) {
        let (upper, lower) = rows.split_at(stride);
        for (a, b) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            for c in 0..3 {
                let sum: u32 = [a[c], a[c + 3], b[c], b[c + 3]].into_iter().map(u32::from).sum();
                out.push(((sum + 2) / 4) as u8);
            }
        }
    }
    out
}

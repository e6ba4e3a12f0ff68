use super::{ClassId, ClassSet, GrayImage};
use serde::{Deserialize, Serialize};

/// Over which axes a gradient is to be averaged to weigh a channel, where a method and a network leave the choice. Two
/// algorithms share the name Grad-CAM for video; what a map was made by stands in its [`MapPooling`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PoolingRule {
    /// Over time, height and width together (pytorch-grad-cam). The default.
    #[default]
    SpaceTime,
    /// Over height and width, each time step for itself (mmaction2, SlowFast).
    PerTimeStep,
}

/// How the gradients of a map were pooled to weigh a channel: what was computed, whatever was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MapPooling {
    /// Over time, height and width together.
    #[default]
    SpaceTime,
    /// Over height and width, each time step for itself.
    PerTimeStep,
    /// Over height and width of each frame: the network sees frames one by one, so that each is a picture of its own.
    PerFrame,
    /// Not at all: the method weighs each cell by its own gradient.
    None,
}

impl From<PoolingRule> for MapPooling {
    /// What a rule comes to where method and network follow it.
    fn from(rule: PoolingRule) -> Self {
        match rule {
            PoolingRule::SpaceTime => Self::SpaceTime,
            PoolingRule::PerTimeStep => Self::PerTimeStep,
        }
    }
}

impl MapPooling {
    /// In a few words, for a badge.
    pub fn short(self) -> &'static str {
        match self {
            Self::SpaceTime => "pooled over T,H,W",
            Self::PerTimeStep => "pooled per time step",
            Self::PerFrame => "pooled per frame",
            Self::None => "not pooled",
        }
    }

    /// As a description of the map.
    pub fn words(self) -> &'static str {
        match self {
            Self::SpaceTime => "gradients pooled over time, height and width",
            Self::PerTimeStep => "gradients pooled for each time step",
            Self::PerFrame => "gradients pooled for each frame, which the network sees by itself",
            Self::None => "gradients not pooled, each cell weighed by its own",
        }
    }
}

/// A class-activation map at the resolution the layer really has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatMap {
    /// Method id, for example `"grad-cam"`.
    pub method: String,
    /// Layer id from the architecture default tree.
    pub layer: String,
    /// The class whose logit was explained.
    pub class: ClassId,
    /// The class whose logit was taken off it: the map then shows what speaks for `class` rather than for this one.
    #[serde(default)]
    pub against: Option<ClassId>,
    /// Cells along time, height and width.
    pub shape: [usize; 3],
    /// `T * H * W` values in C order, before ReLU and normalisation.
    pub values: Vec<f32>,
    /// How gradients were pooled.
    pub pooling: MapPooling,
    /// The part of the picture that was seen, which the cells divide: left, top, width and height as shares of the picture.
    #[serde(default = "whole_picture")]
    pub region: [f32; 4],
}

/// All of a picture, as a region of it.
fn whole_picture() -> [f32; 4] {
    HeatMap::WHOLE
}

impl HeatMap {
    /// All of a picture, as a region of it.
    pub const WHOLE: [f32; 4] = [0.0, 0.0, 1.0, 1.0];

    /// The class or pair of classes it speaks of, for people: `'lunge' against 'squat'`.
    pub fn subject(&self, classes: &ClassSet) -> String {
        let against = self.against.map_or(String::new(), |c| format!(" against '{}'", classes.name(c)));
        format!("'{}'{against}", classes.name(self.class))
    }

    /// Largest value after ReLU over the whole clip; 0 when nothing speaks for the class.
    pub fn clip_max(&self) -> f32 {
        self.values.iter().fold(0.0, |m, v| m.max(*v))
    }

    /// Values after ReLU, shifted and scaled to 0…1 over the whole clip (as pytorch-grad-cam does).
    pub fn normalised(&self) -> Vec<f32> {
        let relu: Vec<f32> = self.values.iter().map(|v| v.max(0.0)).collect();
        let min = relu.iter().copied().fold(f32::INFINITY, f32::min);
        let max = relu.iter().copied().fold(0.0_f32, f32::max) - min;
        relu.iter().map(|v| (v - min) / (1e-7 + max)).collect()
    }

    /// How much of the heat of frame `frame` of a clip of `frames` lies on a mask (anything above 0); each cell's heat is
    /// spread evenly over its part of the picture, and values below 0 are no heat; outside the region there is none. `None` where there is nothing to
    /// share out.
    pub fn share_on(&self, mask: &GrayImage, frame: usize, frames: usize) -> Option<MaskShare> {
        let [steps, rows, columns] = self.shape;
        let (width, height) = (mask.width as usize, mask.height as usize);
        if steps * rows * columns == 0 || width * height == 0 || frames == 0 || mask.data.len() < width * height {
            return None;
        }
        let step = (frame * steps / frames).min(steps - 1);
        let plane = self.values.get(step * rows * columns..(step + 1) * rows * columns)?;
        // Pixels on the mask and in all, a cell.
        let mut counts = vec![(0_u32, 0_u32); rows * columns];
        let across: Vec<Option<usize>> = cells_along(self.region[0], self.region[2], width, columns);
        let down = cells_along(self.region[1], self.region[3], height, rows);
        for (line, row) in mask.data.chunks_exact(width).zip(&down) {
            let Some(cells) = row.and_then(|row| counts.get_mut(row * columns..(row + 1) * columns)) else { continue };
            for (v, column) in line.iter().zip(&across) {
                let Some(cell) = column.and_then(|column| cells.get_mut(column)) else { continue };
                cell.0 += u32::from(*v > 0);
                cell.1 += 1;
            }
        }
        let (mut share, mut covered) = (MaskShare::default(), 0_u64);
        for ((on, all), heat) in counts.iter().zip(plane) {
            let heat = f64::from(heat.max(0.0));
            share.heat_on += heat * f64::from(*on);
            share.heat += heat * f64::from(*all);
            covered += u64::from(*on);
        }
        let seen: u64 = counts.iter().map(|(_, all)| u64::from(*all)).sum();
        share.picture = covered as f64 / seen.max(1) as f64;
        share.frames = 1;
        (share.heat > 0.0).then_some(share)
    }
}

/// The cell each pixel of an axis lies in, where `cells` of them divide a part of it; `None` outside that.
fn cells_along(start: f32, share: f32, pixels: usize, cells: usize) -> Vec<Option<usize>> {
    if (start, share) == (0.0, 1.0) {
        return (0..pixels).map(|at| Some(at * cells / pixels)).collect();
    }
    let inside = |at: usize| ((at as f64 + 0.5) / pixels as f64 - f64::from(start)) / f64::from(share);
    let cell = |at: usize| {
        let place = inside(at);
        (0.0..1.0).contains(&place).then(|| ((place * cells as f64) as usize).min(cells.saturating_sub(1)))
    };
    (0..pixels).map(cell).collect()
}

/// Heat on a mask, summed over frames.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MaskShare {
    heat_on: f64,
    heat: f64,
    picture: f64,
    frames: u32,
}

impl MaskShare {
    /// Share of the heat that lies on the mask, 0…1.
    pub fn of_heat(&self) -> f32 {
        if self.heat > 0.0 { (self.heat_on / self.heat) as f32 } else { 0.0 }
    }

    /// Share of the picture, of the region that was seen, that the mask covers, 0…1, the mean over frames.
    pub fn of_picture(&self) -> f32 {
        (self.picture / f64::from(self.frames.max(1))) as f32
    }

    /// With the heat of other frames of the same map.
    pub fn with(self, other: Self) -> Self {
        Self {
            heat_on: self.heat_on + other.heat_on,
            heat: self.heat + other.heat,
            picture: self.picture + other.picture,
            frames: self.frames + other.frames,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_on_a_mask_is_counted_by_area() {
        let map = HeatMap {
            method: "grad-cam".into(),
            layer: "l".into(),
            class: 0,
            against: None,
            shape: [2, 1, 2],
            values: vec![1.0, 3.0, 5.0, -1.0],
            pooling: MapPooling::SpaceTime,
            region: HeatMap::WHOLE,
        };
        let mask = GrayImage { width: 4, height: 1, data: vec![0, 0, 255, 255].into() };
        let first = map.share_on(&mask, 0, 2).unwrap();
        assert_eq!((first.of_heat(), first.of_picture()), (0.75, 0.5));
        // Negative values speak against the class and are no heat.
        let second = map.share_on(&mask, 1, 2).unwrap();
        assert_eq!(second.of_heat(), 0.0);
        let both = first.with(second);
        assert!((both.of_heat() - 3.0 / 9.0).abs() < 1e-6);
        assert_eq!(both.of_picture(), 0.5);
        // A map of the middle half of the picture, pixels 1 and 2: a cell each.
        let cropped = HeatMap { region: [0.25, 0.0, 0.5, 1.0], ..map };
        let share = cropped.share_on(&mask, 0, 2).unwrap();
        assert_eq!((share.of_heat(), share.of_picture()), (0.75, 0.5));
        let mask = GrayImage { width: 4, height: 1, data: vec![255, 0, 0, 255].into() };
        assert_eq!(cropped.share_on(&mask, 0, 2).unwrap().of_heat(), 0.0, "what was not seen has no heat");
    }
}

//! The confusion matrix as a picture of an event file.

use super::message::picture;
use crate::domain::{ClassSet, RgbImage};
use crate::render::plots::confusion_matrix;

/// Classes of the largest matrix that is drawn: names are not to be read in a larger one, and it takes long.
const LARGEST: usize = 200;

/// The matrix with each row as shares of its class; `None` where there is none, or one too large to be read.
pub(super) fn confusion(tag: &str, counts: &[Vec<u64>], classes: &ClassSet) -> Option<Vec<u8>> {
    if counts.is_empty() || counts.len() > LARGEST {
        return None;
    }
    let names: Vec<String> = classes.classes.iter().map(|c| c.name.clone()).collect();
    let scene = confusion_matrix(counts, &names, true).ok()?;
    let pixels = scene.pixels().ok()?;
    picture(tag, &RgbImage::new(scene.width, scene.height, pixels)?)
}

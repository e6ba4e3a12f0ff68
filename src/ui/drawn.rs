//! Pictures and plots that are drawn when they are wanted, on the thread that writes them.

use crate::domain::RgbImage;
use crate::render::RenderError;
use crate::render::encoded::png;
use crate::render::plots::Scene;
use std::fmt::{Debug, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a drawing is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Pixels.
    Png,
    /// Shapes; only plots have them.
    Svg,
}

impl Form {
    /// Ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Form::Png => "png",
            Form::Svg => "svg",
        }
    }
}

/// What is drawn.
enum What {
    Plot(Scene),
    Picture(RgbImage),
}

type Draw = dyn Fn() -> Result<What, String> + Send + Sync;

/// Something that can be drawn. Equal only to itself.
#[derive(Clone)]
pub struct Drawn(Arc<Draw>);

impl Drawn {
    /// A plot.
    pub fn plot(make: impl Fn() -> Result<Scene, RenderError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || make().map(What::Plot).map_err(|e| e.to_string())))
    }

    /// A picture.
    pub fn picture(make: impl Fn() -> Result<RgbImage, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || make().map(What::Picture)))
    }

    /// The pixels.
    ///
    /// # Errors
    /// A sentence where there is nothing to draw.
    pub fn pixels(&self) -> Result<RgbImage, String> {
        match (self.0)()? {
            What::Picture(picture) => Ok(picture),
            What::Plot(scene) => {
                let data = scene.pixels().map_err(|e| e.to_string())?;
                RgbImage::new(scene.width, scene.height, data).ok_or_else(|| "the plot has no pixels".to_owned())
            }
        }
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// A sentence where there is nothing to draw, or it has no shapes to be written.
    pub fn bytes(&self, form: Form) -> Result<Vec<u8>, String> {
        match form {
            Form::Png => png(&self.pixels()?).map_err(|e| e.to_string()),
            Form::Svg => match (self.0)()? {
                What::Plot(scene) => scene.svg().map(String::into_bytes).map_err(|e| e.to_string()),
                What::Picture(_) => Err("a picture is made of pixels: save it as PNG".into()),
            },
        }
    }
}

impl Debug for Drawn {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("Drawn")
    }
}

impl PartialEq for Drawn {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Drawn {}

impl Hash for Drawn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).cast::<()>().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plots::confusion_matrix;

    #[test]
    fn a_plot_is_pixels_or_shapes_and_a_picture_pixels_only() {
        let counts = vec![vec![3, 1], vec![0, 4]];
        let names = ["squat".to_owned(), "lunge".to_owned()];
        let plot = Drawn::plot(move || confusion_matrix(&counts, &names, false));
        let svg = String::from_utf8(plot.bytes(Form::Svg).unwrap()).unwrap();
        assert!(svg.contains("<svg") && svg.contains("squat"), "{svg}");
        assert!(plot.bytes(Form::Png).unwrap().starts_with(b"\x89PNG"));
        let black = RgbImage::new(2, 1, vec![0; 6]).unwrap();
        let picture = Drawn::picture(move || Ok(black.clone()));
        assert_eq!(picture.pixels().unwrap().width, 2);
        assert!(picture.bytes(Form::Svg).unwrap_err().contains("PNG"));
        assert!(picture == picture.clone() && picture != plot);
    }
}

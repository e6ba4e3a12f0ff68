use std::path::PathBuf;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The number of heat values does not fit the shape.
    #[error(
        "a heatmap of {}×{}×{} cells needs {expected} values but has {found}; recompute it",
        shape[0], shape[1], shape[2]
    )]
    HeatShape {
        /// Cells along time, height and width.
        shape: [usize; 3],
        /// Values the shape asks for.
        expected: usize,
        /// Values there are.
        found: usize,
    },
    /// A colour map id that is not in the registry.
    #[error("there is no colour map named '{id}'; choose one of {known}")]
    UnknownColorMap {
        /// What was asked for.
        id: String,
        /// Ids in the registry.
        known: String,
    },
    /// The GPU cannot hold a heatmap of this size.
    #[error(
        "a heatmap of {}×{}×{} cells is larger than this GPU's limit of {limit} cells a side; choose a deeper layer",
        shape[0], shape[1], shape[2]
    )]
    HeatTooLarge {
        /// Cells along time, height and width.
        shape: [usize; 3],
        /// Largest side of a 3-D texture.
        limit: u32,
    },
    /// The GPU refused a texture.
    #[error("the GPU has no room for the {what} ({reason}); close other views or choose a smaller window")]
    OutOfMemory {
        /// What was to be stored.
        what: &'static str,
        /// The driver's words.
        reason: String,
    },
    /// A plot or picture could not be written.
    #[error("could not write {path}: {reason}; check that the folder exists and the disk has room")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The drawing library failed.
    #[error("could not draw {what}: {reason}")]
    Draw {
        /// What was being drawn.
        what: String,
        /// The library's words.
        reason: String,
    },
    /// The plot has nothing to show.
    #[error("there is nothing to plot for {what}: {hint}")]
    NothingToPlot {
        /// The plot.
        what: String,
        /// What would give it data.
        hint: &'static str,
    },
    /// Bytes of a picture do not fit its size.
    #[error("a picture of {width}×{height} pixels cannot be built from {bytes} bytes")]
    PictureSize {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes given.
        bytes: usize,
    },
}

//! How far a layer looks.

/// Which places of its input an output of a layer is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The same place.
    Point,
    /// A window that moves.
    Window {
        /// Size over time, height and width.
        kernel: [usize; 3],
        /// Distance of two windows.
        stride: [usize; 3],
        /// Places before the first of the input that the first window covers.
        before: [usize; 3],
    },
    /// The whole frame.
    Frame,
    /// The whole clip.
    Clip,
    /// The same place, in a scale that is taken from the whole clip.
    Normalised,
}

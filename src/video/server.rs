use super::SharedFrame;
/// What a viewer gets when it asks for a frame.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The exact frame, or the nearest decoded one while the exact one is on its way.
    pub frame: Option<SharedFrame>,
    /// True when `frame` is the one asked for.
    pub exact: bool,
    /// A sentence when the frame cannot be decoded.
    pub error: Option<String>,
}

/// One joint of one person in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keypoint {
    /// Pixels from the left edge of the stored frame.
    pub x: f32,
    /// Pixels from the top edge of the stored frame.
    pub y: f32,
    /// 0…1; 0 means not seen.
    pub confidence: f32,
}

/// Names of the joints and which of them are connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skeleton {
    /// Joint names in file order.
    pub joints: Vec<String>,
    /// Pairs of positions in `joints` to draw a bone between.
    pub bones: Vec<(usize, usize)>,
}

/// Poses of one video.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoseTrack {
    /// What the keypoints mean.
    pub skeleton: Skeleton,
    /// `frames[n]` holds the joints seen in frame `n`; empty when nobody was found.
    pub frames: Vec<Vec<Keypoint>>,
}

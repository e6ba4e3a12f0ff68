//! Networks, their weights, and the devices they run on.

/// A row of the model registry.
#[derive(Clone, Copy, Debug)]
pub struct ModelSpec {
    /// Id in files and on the command line.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What it is for, one sentence.
    pub summary: &'static str,
    /// Usual input as (frames, rows, columns).
    pub input: (u32, u32, u32),
}

/// Every network.
pub const MODELS: &[ModelSpec] = &[
    ModelSpec {
        id: "small-3d",
        title: "Small 3D CNN",
        summary: "For small clips and quick looks on a CPU.",
        input: (16, 64, 64),
    },
    ModelSpec { id: "c3d", title: "C3D", summary: "The exercise-recognition reference.", input: (16, 112, 112) },
    ModelSpec {
        id: "mobilenet-v2-3d",
        title: "MobileNetV2-3D",
        summary: "A tenth of C3D's parameters.",
        input: (16, 128, 128),
    },
    ModelSpec {
        id: "mobilenet-v2-3d-high-temporal",
        title: "MobileNetV2-3D, high temporal",
        summary: "Keeps all frames to the last layer, so heatmaps are exact in time.",
        input: (16, 128, 128),
    },
];

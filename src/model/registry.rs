//! The registry of networks.

use super::builder::{Builder, Built};
use super::error::ModelError;
use super::module_path::belongs_to;
use super::networks::{c3d, efficientnet, i3d, mobilenet, resnet, small, video_resnet};
use super::parts::Parts;
use super::settings::{BACKBONE, NOTHING, Settings};
use crate::config::{ModelConfig, Pooling};
use crate::domain::choices;

/// Adds a network's layers to a builder.
type Build = fn(&mut Builder, &Settings) -> Built<Parts>;

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
    /// Layer heatmaps are made at unless another is asked for.
    pub default_layer: &'static str,
    /// Modules behind the backbone: what is trained for new classes while the backbone stays as it is.
    pub head: &'static [&'static str],
    /// True where the backbone is frozen unless the configuration says otherwise.
    pub frozen: bool,
    /// True where each frame goes through the layers by itself, as a picture.
    pub per_frame: bool,
    /// True where `model.options.width` is known.
    pub width: bool,
    /// What `model.options.pooling` may be, its own first; empty where it is not known.
    pub poolings: &'static [Pooling],
    build: Build,
}

/// How a network that sees frames one by one may answer for a clip.
const OVER_FRAMES: &[Pooling] = &[Pooling::Average, Pooling::MaxFeatures, Pooling::MaxLogits];

/// Every network.
pub const MODELS: &[ModelSpec] = &[
    ModelSpec {
        id: "small-3d",
        title: "Small 3D CNN",
        summary: "For small clips and quick looks on a CPU.",
        input: (16, 64, 64),
        default_layer: "stage3",
        head: &["classifier"],
        frozen: false,
        per_frame: false,
        width: false,
        poolings: &[],
        build: small::build,
    },
    ModelSpec {
        id: "small-2d",
        title: "Small 2D CNN",
        summary: "The small network frame by frame: when it does as well, the task needs no time.",
        input: (16, 64, 64),
        default_layer: "stage3",
        head: &["classifier"],
        frozen: false,
        per_frame: false,
        width: false,
        poolings: &[],
        build: small::frame_by_frame,
    },
    ModelSpec {
        id: "c3d",
        title: "C3D",
        summary: "The exercise-recognition reference.",
        input: (16, 112, 112),
        // The last ReLU: 2x7x7 cells of a usual clip, where the pool after it leaves 1x3x3.
        default_layer: "block5.5",
        head: &["classifier"],
        frozen: false,
        per_frame: false,
        width: false,
        poolings: &[],
        build: c3d::build,
    },
    ModelSpec {
        id: "mobilenet-v2-3d",
        title: "MobileNetV2-3D",
        summary: "A tenth of C3D's parameters.",
        input: (16, 128, 128),
        default_layer: "features.18",
        head: &["classifier"],
        frozen: false,
        per_frame: false,
        width: true,
        poolings: &[],
        build: mobilenet::standard,
    },
    ModelSpec {
        id: "mobilenet-v2-3d-high-temporal",
        title: "MobileNetV2-3D, high temporal",
        summary: "Keeps all frames to the last layer, so heatmaps are exact in time.",
        input: (16, 128, 128),
        default_layer: "features.18",
        head: &["classifier"],
        frozen: false,
        per_frame: false,
        width: true,
        poolings: &[],
        build: mobilenet::high_temporal,
    },
    ModelSpec {
        id: "r3d-18",
        title: "R3D-18",
        summary: "3D kernels throughout; the usual start from Kinetics weights.",
        input: (16, 112, 112),
        default_layer: "layer4",
        head: &["fc"],
        frozen: false,
        per_frame: false,
        width: false,
        poolings: &[],
        build: video_resnet::r3d,
    },
    ModelSpec {
        id: "r2plus1d-18",
        title: "R(2+1)D-18",
        summary: "Kernels over the picture and over time by turns; often a little better than R3D-18, and slower.",
        input: (16, 112, 112),
        default_layer: "layer4",
        head: &["fc"],
        frozen: false,
        per_frame: false,
        width: false,
        poolings: &[],
        build: video_resnet::r2plus1d,
    },
    ModelSpec {
        id: "mc3-18",
        title: "MC3-18",
        summary: "3D kernels at the bottom, 2D ones above: a third of R3D-18's parameters, and all frames to the end.",
        input: (16, 112, 112),
        default_layer: "layer4",
        head: &["fc"],
        frozen: false,
        per_frame: false,
        width: false,
        poolings: &[],
        build: video_resnet::mc3,
    },
    ModelSpec {
        id: "i3d",
        title: "I3D",
        summary: "Inception with kernels over time: few parameters for large clips, and weights from Kinetics.",
        input: (16, 224, 224),
        default_layer: "Mixed_5c",
        head: &["logits"],
        frozen: false,
        per_frame: false,
        width: false,
        poolings: &[Pooling::Average, Pooling::Windows],
        build: i3d::build,
    },
    ModelSpec {
        id: "resnet-18",
        title: "ResNet-18",
        summary: "Frame by frame from ImageNet weights: what can be told without seeing time.",
        input: (8, 224, 224),
        default_layer: "layer4",
        head: &["fc"],
        frozen: false,
        per_frame: true,
        width: false,
        poolings: OVER_FRAMES,
        build: resnet::resnet18,
    },
    ModelSpec {
        id: "resnet-50",
        title: "ResNet-50",
        summary: "Frame by frame, deeper than ResNet-18.",
        input: (8, 224, 224),
        default_layer: "layer4",
        head: &["fc"],
        frozen: false,
        per_frame: true,
        width: false,
        poolings: OVER_FRAMES,
        build: resnet::resnet50,
    },
    ModelSpec {
        id: "efficientnet-b0",
        title: "EfficientNet-B0",
        summary: "Frame by frame with 4 million parameters.",
        input: (8, 224, 224),
        default_layer: "features.8",
        head: &["classifier"],
        frozen: false,
        per_frame: true,
        width: false,
        poolings: OVER_FRAMES,
        build: efficientnet::build,
    },
    ModelSpec {
        id: "har-resnet-50",
        title: "ResNet-50 with an image head",
        summary: "Single pictures: two convolutions learn on a frozen ResNet-50.",
        input: (1, 224, 224),
        default_layer: "relu2",
        head: &["conv1", "bn1", "conv2", "bn2", "fc"],
        frozen: true,
        per_frame: true,
        width: false,
        poolings: OVER_FRAMES,
        build: resnet::image_head,
    },
];

impl ModelSpec {
    /// The row called `id`.
    ///
    /// # Errors
    /// An unknown id; the message lists the known ones.
    pub fn find(id: &str) -> Result<&'static Self, ModelError> {
        MODELS.iter().find(|m| m.id == id).ok_or_else(|| ModelError::UnknownModel {
            id: id.to_owned(),
            known: choices(id, MODELS.iter().map(|m| m.id)),
        })
    }

    /// The row a configuration names, if that network can be told what the configuration tells it.
    ///
    /// # Errors
    /// An unknown id, or an option the network does not have.
    pub fn of(config: &ModelConfig) -> Result<&'static Self, ModelError> {
        let spec = Self::find(&config.id)?;
        let unknown = |option: &str, what: &str, known: Vec<&str>| {
            let known = match known.as_slice() {
                [] => "leave it out".to_owned(),
                _ => format!("there are: {}", known.join(", ")),
            };
            let option = format!("model.options.{option}");
            Err(ModelError::UnknownOption { model: spec.title.to_owned(), option, what: what.to_owned(), known })
        };
        let with = |has: fn(&Self) -> bool| MODELS.iter().filter(move |m| has(m)).map(|m| m.id).collect::<Vec<_>>();
        if config.options.width.is_some() && !spec.width {
            return unknown("width", &format!("is known to {}", with(|m| m.width).join(", ")), Vec::new());
        }
        if let Some(pooling) = config.options.pooling
            && !spec.poolings.contains(&pooling)
        {
            let known: Vec<String> = spec.poolings.iter().map(Pooling::to_string).collect();
            let what = match known.is_empty() {
                true => format!("is known to {}", with(|m| !m.poolings.is_empty()).join(", ")),
                false => format!("cannot be {pooling} there"),
            };
            return unknown("pooling", &what, known.iter().map(String::as_str).collect());
        }
        Ok(spec)
    }

    /// True where only what changes from frame to frame is seen: of clips that stand still nothing is left.
    pub fn sees_only_changes(&self) -> bool {
        self.id.starts_with("small-")
    }

    /// True when the array `name` belongs to the head rather than to the backbone.
    pub fn is_head(&self, name: &str) -> bool {
        self.head.iter().any(|h| belongs_to(name, h))
    }

    /// What `model.freeze` is for a configuration: what it says, or else the architecture default.
    pub fn frozen_by<'a>(&self, config: &'a ModelConfig) -> &'a str {
        config.freeze.as_deref().unwrap_or(if self.frozen { BACKBONE } else { NOTHING })
    }

    /// Adds its layers to a builder.
    pub(super) fn add(&self, builder: &mut Builder, config: &ModelConfig, classes: usize) -> Built<Parts> {
        let own = self.poolings.first().copied().unwrap_or(Pooling::Average);
        let settings = Settings {
            classes,
            dropout: config.dropout,
            width: config.options.width.unwrap_or(1.0),
            pooling: config.options.pooling.unwrap_or(own),
        };
        (self.build)(builder, &settings)
    }
}

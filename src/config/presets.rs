use super::{ConfigError, RunConfig};
use crate::domain::choices;

/// A named configuration that travels inside the program; the same text stands in `configs/`.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Name on the command line and in the picker.
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// RON text.
    pub ron: &'static str,
}

impl Preset {
    /// The configuration.
    pub fn config(&self) -> Result<RunConfig, ConfigError> {
        RunConfig::from_ron(self.ron).map_err(|message| ConfigError::Parse { path: self.name.into(), message })
    }

    /// Finds a preset by name.
    pub fn find(name: &str) -> Result<&'static Preset, ConfigError> {
        PRESETS.iter().find(|p| p.name == name).ok_or_else(|| ConfigError::UnknownPreset {
            name: name.to_owned(),
            known: choices(name, PRESETS.iter().map(|p| p.name)),
        })
    }
}

/// Every preset.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "demo",
        summary: "A small network that learns the demo dataset in minutes on a CPU.",
        ron: include_str!("../../configs/demo.ron"),
    },
    Preset {
        name: "small-clips",
        summary: "Clips of 64x64 pixels and few classes; minutes on a CPU.",
        ron: include_str!("../../configs/small-clips.ron"),
    },
    Preset {
        name: "c3d",
        summary: "C3D with focal loss, the exercise-recognition reference.",
        ron: include_str!("../../configs/c3d.ron"),
    },
    Preset {
        name: "mobilenet-v2-3d",
        summary: "MobileNetV2-3D: a tenth of C3D's parameters.",
        ron: include_str!("../../configs/mobilenet-v2-3d.ron"),
    },
    Preset {
        name: "r3d-18",
        summary: "R3D-18 on 16 frames of 112x112, normalised as its Kinetics weights were.",
        ron: include_str!("../../configs/r3d-18.ron"),
    },
    Preset {
        name: "r2plus1d-18",
        summary: "R(2+1)D-18 on 16 frames of 112x112, normalised as its Kinetics weights were.",
        ron: include_str!("../../configs/r2plus1d-18.ron"),
    },
    Preset {
        name: "mc3-18",
        summary: "MC3-18 on 16 frames of 112x112, normalised as its Kinetics weights were.",
        ron: include_str!("../../configs/mc3-18.ron"),
    },
    Preset {
        name: "i3d",
        summary: "I3D on 16 frames of 224x224 with colours from -1 to 1.",
        ron: include_str!("../../configs/i3d.ron"),
    },
    Preset {
        name: "resnet-18",
        summary: "ResNet-18 frame by frame on 8 frames of 224x224, normalised as its ImageNet weights were.",
        ron: include_str!("../../configs/resnet-18.ron"),
    },
    Preset {
        name: "resnet-50",
        summary: "ResNet-50 frame by frame on 8 frames of 224x224, normalised as its ImageNet weights were.",
        ron: include_str!("../../configs/resnet-50.ron"),
    },
    Preset {
        name: "efficientnet-b0",
        summary: "EfficientNet-B0 frame by frame on 8 frames of 224x224, normalised as its ImageNet weights were.",
        ron: include_str!("../../configs/efficientnet-b0.ron"),
    },
    Preset {
        name: "har-resnet-50",
        summary: "Actions in single pictures: an image head on a frozen ResNet-50.",
        ron: include_str!("../../configs/har-resnet-50.ron"),
    },
    Preset {
        name: "ucf-resnet-18",
        summary: "2D against 3D on UCF-101: ResNet-18 over 20 frames, features averaged.",
        ron: include_str!("../../configs/ucf-resnet-18.ron"),
    },
    Preset {
        name: "ucf-r3d-18",
        summary: "2D against 3D on UCF-101: R3D-18 over 16 frames of 224x224.",
        ron: include_str!("../../configs/ucf-r3d-18.ron"),
    },
    Preset {
        name: "ssv2-resnet-50",
        summary: "From 2D to 3D on Something-Something V2: ResNet-50 over 8 frames.",
        ron: include_str!("../../configs/ssv2-resnet-50.ron"),
    },
    Preset {
        name: "ssv2-r3d-18",
        summary: "From 2D to 3D on Something-Something V2: R3D-18 over 16 frames.",
        ron: include_str!("../../configs/ssv2-r3d-18.ron"),
    },
];

/// Replaces the value at a dotted key. Goes through a JSON tree so that every field, present or future, has a key.
pub(super) fn set_value(config: &mut RunConfig, key: &str, value: &str) -> Result<(), ConfigError> {
    let fail = |message: String| ConfigError::Set { key: key.to_owned(), message };
    let mut tree = serde_json::to_value(&*config).map_err(|e| fail(e.to_string()))?;
    let mut node = &mut tree;
    for part in key.split('.') {
        let Some(map) = node.as_object() else { return Err(fail(format!("'{part}' lies below a plain value"))) };
        let known = choices(part, map.keys().map(String::as_str));
        let missing = || fail(format!("there is no '{part}' here; there are: {known}"));
        node = node.get_mut(part).ok_or_else(missing)?;
    }
    *node = parse_value(value);
    let parsed = serde_json::from_value(tree.clone()).or_else(|first| {
        // A value that is free text may look like a number (`model.id=18`).
        if let Some(node) = key.split('.').try_fold(&mut tree, |node, part| node.get_mut(part)) {
            *node = serde_json::Value::String(value.to_owned());
        }
        serde_json::from_value(tree).map_err(|_| first)
    });
    *config = parsed.map_err(|e| fail(e.to_string()))?;
    Ok(())
}

/// RON where it parses as a value, plain text otherwise (`model.id=c3d` needs no quotes).
fn parse_value(text: &str) -> serde_json::Value {
    match text {
        "None" | "none" | "null" => return serde_json::Value::Null,
        _ => {}
    }
    if let Ok(v) = serde_json::from_str(text) {
        return v;
    }
    // `Focal(gamma: 2)`: a RON enum with fields becomes JSON's {"Focal": {"gamma": 2}}.
    if let Some((name, rest)) = text.split_once('(')
        && let Some(body) = rest.strip_suffix(')')
        && !name.is_empty()
        && let Ok(ron::Value::Map(map)) = ron::from_str::<ron::Value>(&format!("({body})"))
            .or_else(|_| ron::from_str::<ron::Value>(&format!("{{{}}}", quote_keys(body))))
    {
        let fields = map
            .iter()
            .filter_map(|(k, v)| match k {
                ron::Value::String(k) => Some((k.clone(), serde_json::to_value(v).ok()?)),
                _ => None,
            })
            .collect::<serde_json::Map<_, _>>();
        return serde_json::json!({ name: fields });
    }
    serde_json::Value::String(text.to_owned())
}

/// `gamma: 2, x: 1` becomes `"gamma": 2, "x": 1`.
fn quote_keys(body: &str) -> String {
    body.split(',')
        .map(|pair| match pair.split_once(':') {
            Some((k, v)) => format!("\"{}\":{v}", k.trim()),
            None => pair.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LossKind;

    #[test]
    fn every_preset_parses_validates_and_survives_a_round_trip() {
        for preset in PRESETS {
            let config = preset.config().unwrap();
            config.validate().unwrap();
            assert_eq!(RunConfig::from_ron(&config.to_ron()).unwrap(), config, "{}", preset.name);
        }
    }

    #[test]
    fn set_takes_numbers_words_options_and_enums() {
        let mut c = RunConfig::reference();
        for s in ["training.epochs=3", "model.id=mobilenet-v2-3d", "optimizer.clip_norm=None", "loss.kind=CrossEntropy"]
        {
            c.set(s).unwrap();
        }
        assert_eq!((c.training.epochs, c.model.id.as_str(), c.optimizer.clip_norm), (3, "mobilenet-v2-3d", None));
        assert_eq!(c.loss.kind, LossKind::CrossEntropy);
        c.set("loss.kind=Focal(gamma: 1.5)").unwrap();
        assert_eq!(c.loss.kind, LossKind::Focal { gamma: 1.5 });
        let error = c.set("training.epoch=3").unwrap_err().to_string();
        assert!(error.contains("did you mean 'epochs'?"), "{error}");
        let error = c.set("training.unheard_of=3").unwrap_err().to_string();
        assert!(!error.contains("did you mean") && error.contains("batch_size"), "{error}");
        assert!(c.set("training.epochs=many").is_err());
        for text in ["18", "true", "none", "[1]"] {
            c.set(&format!("model.id={text}")).unwrap();
            assert_eq!(c.model.id, text);
        }
    }
}

//! Ways to read the names of foreign arrays.
//!
//! The same module has other names in other programs: `module.fc.weight` where it was trained on several GPUs,
//! `backbone.fc.weight` where it is part of something, `7.0.conv1.weight` where the children of a network were put into
//! a `Sequential`. A [`Reading`] is one rule for all names of a file: take a prefix off, rename, put a prefix on. All
//! readings that make sense for the names at hand are tried in a fixed order, the plainest first.

use std::collections::BTreeSet;

/// Prefixes that say how a network was wrapped, not what it is.
const WRAPPERS: [&str; 16] = [
    "module",
    "_orig_mod",
    "model",
    "net",
    "network",
    "backbone",
    "encoder",
    "trunk",
    "base_model",
    "base",
    "resnet",
    "feature_extractor",
    "cnn",
    "_model",
    "student",
    "body",
];
/// Most prefixes that are tried.
const MOST_PREFIXES: usize = 24;

/// How modules are called in other places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rename {
    /// As they are.
    None,
    /// `0`, `1`, `4` … `7` are the children of a 2D ResNet.
    ChildrenOfResNet,
    /// `0` … `4` are the children of a 3D ResNet of torchvision.
    ChildrenOfVideoResNet,
    /// `0` is what torchvision calls `features`.
    ChildrenOfFeatures,
    /// The other way about: a ResNet's names where its children have numbers.
    ResNetToChildren,
    /// A 2D ResNet's names for a 3D ResNet.
    ResNetToVideo,
    /// A 2D ResNet's stem for an I3D's.
    ResNetToI3d,
}

const RESNET: [(&str, &str); 6] =
    [("conv1", "0"), ("bn1", "1"), ("layer1", "4"), ("layer2", "5"), ("layer3", "6"), ("layer4", "7")];
const VIDEO_RESNET: [(&str, &str); 5] =
    [("stem", "0"), ("layer1", "1"), ("layer2", "2"), ("layer3", "3"), ("layer4", "4")];

impl Rename {
    const ALL: [Self; 7] = [
        Self::None,
        Self::ChildrenOfResNet,
        Self::ChildrenOfVideoResNet,
        Self::ChildrenOfFeatures,
        Self::ResNetToChildren,
        Self::ResNetToVideo,
        Self::ResNetToI3d,
    ];

    /// The name under which the target may have it; `None` where the rule says nothing about it.
    fn apply(self, name: &str) -> Option<String> {
        let (first, rest) = name.split_once('.')?;
        let find = |table: &[(&str, &str)], backwards: bool| {
            table
                .iter()
                .map(|(a, b)| if backwards { (*b, *a) } else { (*a, *b) })
                .find(|(a, _)| *a == first)
                .map(|t| t.1.to_owned())
        };
        let first = match self {
            Self::None => return Some(name.to_owned()),
            Self::ChildrenOfResNet => find(&RESNET, true)?,
            Self::ChildrenOfVideoResNet => find(&VIDEO_RESNET, true)?,
            Self::ChildrenOfFeatures => (first == "0").then(|| "features".to_owned())?,
            Self::ResNetToChildren => find(&RESNET, false)?,
            Self::ResNetToVideo => return to_video(name),
            Self::ResNetToI3d => match first {
                "conv1" => "Conv3d_1a_7x7.conv3d".to_owned(),
                "bn1" => "Conv3d_1a_7x7.bn".to_owned(),
                _ => return None,
            },
        };
        Some(format!("{first}.{rest}"))
    }

    /// For people.
    fn words(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::ChildrenOfResNet => "0, 1, 4 to 7 read as the children of a ResNet",
            Self::ChildrenOfVideoResNet => "0 to 4 read as the children of a 3D ResNet",
            Self::ChildrenOfFeatures => "0 read as features",
            Self::ResNetToChildren => "conv1, bn1, layer1 to layer4 read as 0, 1, 4 to 7",
            Self::ResNetToVideo => "layers of a 2D ResNet read as those of a 3D ResNet",
            Self::ResNetToI3d => "the first convolution of a 2D ResNet read as I3D's",
        })
    }
}

/// `layer2.0.conv1.weight` of a 2D ResNet is `layer2.0.conv1.0.weight` of torchvision's 3D ones, its normalisation
/// `bn1` is `conv1.1` there, and the stem is `stem.0`, `stem.1`.
fn to_video(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    Some(match parts.as_slice() {
        ["conv1", leaf] => format!("stem.0.{leaf}"),
        ["bn1", leaf] => format!("stem.1.{leaf}"),
        [layer, block, conv, leaf] if layer.starts_with("layer") => {
            let (kind, number) = conv.split_at(conv.len().checked_sub(1)?);
            match kind {
                "conv" => format!("{layer}.{block}.conv{number}.0.{leaf}"),
                "bn" => format!("{layer}.{block}.conv{number}.1.{leaf}"),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// One rule for all names of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Taken off where a name has it; with its dot, or empty.
    strip: String,
    rename: Rename,
    /// Put on where the target has such a name; with its dot, or empty.
    prepend: String,
}

impl Reading {
    /// The names under which a target may have the array `name`, the likeliest first.
    pub fn candidates(&self, name: &str) -> impl Iterator<Item = String> {
        let bare = name.strip_prefix(self.strip.as_str()).unwrap_or(name);
        let renamed = self.rename.apply(bare);
        let full = renamed.as_ref().map(|r| format!("{}{r}", self.prepend));
        [full, renamed, Some(bare.to_owned()), Some(name.to_owned())].into_iter().flatten()
    }

    /// For people; empty where names are taken as they are.
    pub fn words(&self) -> Vec<String> {
        let strip = (!self.strip.is_empty()).then(|| format!("'{}' taken off", self.strip));
        let prepend = (!self.prepend.is_empty()).then(|| format!("'{}' put before", self.prepend));
        strip.into_iter().chain(self.rename.words().map(str::to_owned)).chain(prepend).collect()
    }

    /// Every reading that makes sense for these names, the plainest first.
    pub fn all<'a>(
        sources: impl Iterator<Item = &'a str> + Clone,
        targets: impl Iterator<Item = &'a str> + Clone,
    ) -> Vec<Self> {
        let (strips, prepends) = (prefixes(sources), prefixes(targets));
        let mut out = Vec::new();
        for rename in Rename::ALL {
            for strip in &strips {
                for prepend in &prepends {
                    out.push(Self { strip: strip.clone(), rename, prepend: prepend.clone() });
                }
            }
        }
        out
    }
}

/// Nothing; chains of wrappers that names begin with; and what all names have in common.
fn prefixes<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut common: Option<Vec<&str>> = None;
    for name in names {
        let parts: Vec<&str> = name.split('.').collect();
        let modules = &parts[..parts.len() - 1];
        let wrapped = modules.iter().take_while(|p| WRAPPERS.contains(p)).count();
        for n in 1..=wrapped {
            found.insert(modules[..n].join("."));
        }
        let shared = common.get_or_insert_with(|| modules.to_vec());
        let same = shared.iter().zip(modules).take_while(|(a, b)| a == b).count();
        shared.truncate(same);
    }
    if let Some(shared) = common
        && !shared.is_empty()
    {
        found.insert(shared.join("."));
    }
    let mut out: Vec<String> = found.into_iter().map(|p| p + ".").collect();
    out.sort_by_key(|p| p.matches('.').count());
    out.truncate(MOST_PREFIXES);
    out.insert(0, String::new());
    out
}

/// True for modules that classify: their names at the end of a network.
pub(super) fn is_class_module(module: &str) -> bool {
    const LEAVES: [&str; 14] = [
        "fc",
        "classifier",
        "head",
        "cls",
        "linear",
        "logits",
        "last_linear",
        "output",
        "out",
        "fc_cls",
        "projection",
        "proj",
        "conv3d",
        "final",
    ];
    let mut parts = module.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let named = |part: &str| {
        LEAVES.contains(&part) || part.starts_with("fc") || part.contains("classifier") || part.contains("head")
    };
    named(last) || (last.chars().all(|c| c.is_ascii_digit()) && parts.next().is_some_and(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(names: &[&str], targets: &[&str], name: &str, target: &str) -> bool {
        Reading::all(names.iter().copied(), targets.iter().copied())
            .iter()
            .any(|r| r.candidates(name).next().as_deref() == Some(target))
    }

    #[test]
    fn wrappers_come_off_in_any_order() {
        let wrapped = ["module.model.layer1.0.conv1.weight", "module.model.fc.weight", "criterion.weight"];
        assert!(reads(&wrapped, &["fc.weight"], "module.model.fc.weight", "fc.weight"));
        let compiled = ["_orig_mod.module.fc.weight", "_orig_mod.module.fc.bias"];
        assert!(reads(&compiled, &["fc.weight"], "_orig_mod.module.fc.weight", "fc.weight"));
        // A prefix nobody knows, which all names have.
        let own = ["my_net.a.weight", "my_net.b.weight"];
        assert!(reads(&own, &["a.weight"], "my_net.a.weight", "a.weight"));
    }

    #[test]
    fn children_of_a_sequential_have_names() {
        let names = ["feature_extractor.0.weight", "feature_extractor.7.1.bn2.bias", "fc.weight"];
        assert!(reads(&names, &["fc.weight"], "feature_extractor.0.weight", "conv1.weight"));
        assert!(reads(&names, &["fc.weight"], "feature_extractor.7.1.bn2.bias", "layer4.1.bn2.bias"));
        let named = ["conv1.weight", "layer4.1.bn2.bias"];
        let numbered = ["base_model.0.weight", "base_model.7.1.bn2.bias", "conv1.weight"];
        assert!(reads(&named, &numbered, "conv1.weight", "base_model.0.weight"));
        assert!(reads(&named, &numbered, "layer4.1.bn2.bias", "base_model.7.1.bn2.bias"));
    }

    #[test]
    fn a_2d_resnet_has_its_places_in_a_3d_one() {
        for (flat, deep) in [
            ("conv1.weight", Some("stem.0.weight")),
            ("bn1.running_var", Some("stem.1.running_var")),
            ("layer3.1.conv2.weight", Some("layer3.1.conv2.0.weight")),
            ("layer3.1.bn2.bias", Some("layer3.1.conv2.1.bias")),
            ("layer2.0.downsample.0.weight", None),
            ("fc.bias", None),
        ] {
            assert_eq!(to_video(flat).as_deref(), deep, "{flat}");
        }
    }

    #[test]
    fn class_modules_are_known_by_their_names() {
        for module in
            ["fc", "backbone.fc", "classifier.1", "classifier", "logits.conv3d", "head.fc", "fc2", "cls_head.0"]
        {
            assert!(is_class_module(module), "{module}");
        }
        for module in ["layer4.1.conv2", "features.18.0", "conv1", "7.1.bn2"] {
            assert!(!is_class_module(module), "{module}");
        }
    }
}

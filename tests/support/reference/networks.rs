//! What the networks of the reference numbers are called here.

use super::{golden, golden_folder, own_folder};
use kinolens::config::{ModelConfig, ModelOptions, Pooling};
use kinolens::model::Network;
use serde_json::Value;
use std::path::PathBuf;

/// A network of the reference.
pub struct Named {
    pub id: String,
    pub options: ModelOptions,
    pub dropout: Option<f64>,
    /// Their name of an array or layer, from ours.
    pub theirs: fn(&str) -> String,
}

impl Named {
    pub fn config(&self) -> ModelConfig {
        ModelConfig { id: self.id.clone(), options: self.options, dropout: self.dropout, ..ModelConfig::default() }
    }

    /// Our id of the layer a map was made at.
    pub fn layer(&self, network: &Network, case: &Value) -> String {
        let theirs = case["layer"].as_str().unwrap();
        let found = network.layers().iter().find(|l| (self.theirs)(&l.id) == theirs);
        found.unwrap_or_else(|| panic!("{} has no layer {theirs}", self.id)).id.clone()
    }
}

/// A set of reference files.
#[derive(Clone)]
pub struct Set {
    prefix: &'static str,
    ours: Option<Value>,
}

/// The reference systems' networks, and those of the registry that they do not have.
pub fn sets() -> [Set; 2] {
    let ours = golden("extra_manifest.json")["ours"].clone();
    [Set { prefix: "", ours: None }, Set { prefix: "extra_", ours: Some(ours) }]
}

impl Set {
    pub fn file(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Names of its files of a kind: of every seed.
    pub fn files(&self, kind: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(&self.file(kind)) && name.ends_with(".json")).collect()
    }

    pub fn folder(&self) -> PathBuf {
        if self.ours.is_some() { own_folder() } else { golden_folder() }
    }

    /// Fails for a network the registry does not have: there is none left that may be missing.
    pub fn named(&self, reference: &str) -> Named {
        if let Some(ours) = self.ours.as_ref().map(|ours| &ours[reference]).filter(|ours| ours.is_object()) {
            let options = serde_json::from_value(ours["options"].clone()).unwrap();
            return Named { id: ours["id"].as_str().unwrap().into(), options, dropout: None, theirs: same };
        }
        let (id, pooling, theirs): (_, _, fn(&str) -> String) = match reference {
            "c3d" => ("c3d", None, same),
            "mobilenetv2_3d_standard" => ("mobilenet-v2-3d", None, same),
            "mobilenetv2_3d_high_temporal" => ("mobilenet-v2-3d-high-temporal", None, same),
            "r3d_18" => ("r3d-18", None, same),
            "r2plus1d_18" => ("r2plus1d-18", None, same),
            "i3d" => ("i3d", Some(Pooling::Windows), same),
            "i3d_adaptive" => ("i3d", None, same),
            "resnet18" => ("resnet-18", None, same),
            "resnet50" => ("resnet-50", None, same),
            "har_resnet50" => ("har-resnet-50", None, same),
            "resnet18_temporal_avg" => ("resnet-18", None, numbered),
            "resnet18_temporal_max" => ("resnet-18", Some(Pooling::MaxFeatures), numbered),
            "resnet2d_004_r18_avg" => ("resnet-18", Some(Pooling::Average), wrapped),
            "resnet2d_004_r18_max" => ("resnet-18", Some(Pooling::MaxLogits), wrapped),
            "resnet2d_004_r50_single" => ("resnet-50", None, wrapped),
            "resnet3d_003" => ("r3d-18", None, backbone),
            "resnet3d_004_r3d18" => ("r3d-18", None, wrapped),
            "resnet3d_004_r2plus1d" => ("r2plus1d-18", None, wrapped),
            other => panic!("the registry has no network for {other}"),
        };
        Named { id: id.into(), options: ModelOptions { pooling, ..ModelOptions::default() }, dropout: None, theirs }
    }
}

fn same(ours: &str) -> String {
    ours.to_owned()
}

/// Everything lies in a child called `backbone`.
fn wrapped(ours: &str) -> String {
    format!("backbone.{ours}")
}

/// Everything but the classifier lies in a child called `backbone`.
fn backbone(ours: &str) -> String {
    if ours.starts_with("fc.") { ours.to_owned() } else { wrapped(ours) }
}

/// The trunk is a sequence without names.
fn numbered(ours: &str) -> String {
    let order = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool"];
    let (first, rest) = ours.split_once('.').unwrap_or((ours, ""));
    match order.iter().position(|name| *name == first) {
        Some(at) if rest.is_empty() => format!("feature_extractor.{at}"),
        Some(at) => format!("feature_extractor.{at}.{rest}"),
        None => ours.to_owned(),
    }
}

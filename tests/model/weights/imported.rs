//! Weights that become a run without training: only those of the network itself.

use super::{build, saved};
use kinolens::domain::ClassSet;
use kinolens::progress::Silent;
use kinolens::train::{TrainError, config_for, import};

#[test]
fn weights_of_a_2d_network_are_inflated_for_a_training_and_not_imported() {
    let dir = tempfile::tempdir().unwrap();
    let weights = dir.path().join("w.pth");
    let classes = ClassSet::from_names(["a", "b", "c", "d"]);
    saved(&build("resnet-18", 4, [1, 32, 32], 3), &weights, str::to_owned);
    for id in ["r3d-18", "mc3-18"] {
        let mut config = config_for(id).unwrap();
        (config.clip.length, config.clip.height, config.clip.width) = (6, 32, 32);
        let out = dir.path().join(id);
        let error = import(&weights, &config, &classes, &out, false, &Silent).unwrap_err();
        let said = error.to_string();
        for words in ["w.pth", "2D", "resnet-18", "start a training"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(matches!(error, TrainError::Incomplete { .. }) && !out.exists(), "{said}");
        // A training may begin with them.
        let report = build(id, 4, [6, 32, 32], 5).init_from(&weights).unwrap();
        assert!(report.is_complete() && report.inflated() > 0, "{:?}", report.lines(true));
    }
    // As what they are they make a run.
    let mut config = config_for("resnet-18").unwrap();
    (config.clip.height, config.clip.width) = (32, 32);
    let done = import(&weights, &config, &classes, &dir.path().join("flat"), false, &Silent);
    assert!(done.is_ok(), "{done:?}");
}

#[test]
fn packed_integers_of_a_quantised_network_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let small = super::small(3, 4);
    // As torch.quantization writes a layer: its weights are packed, its scale and zero point are arrays.
    let packed = |layer: &str, to: &str| {
        let path = dir.path().join(to);
        let rename = |name: &str| match name.strip_prefix("classifier.1.") {
            Some("weight") => format!("{layer}.scale"),
            Some(_) => format!("{layer}.zero_point"),
            None => name.to_owned(),
        };
        saved(&small, &path, rename);
        kinolens::model::inspect(
            &path,
            &kinolens::config::ModelConfig { id: "small-3d".into(), ..Default::default() },
            3,
        )
    };
    let said = packed("classifier.1", "quantised.pth").unwrap_err().to_string();
    assert!(said.contains("quantised.pth") && said.contains("'classifier.1'") && said.contains("before"), "{said}");
    // Scales of observers stand beside weights that are there.
    let observed = packed("classifier.1.weight_fake_quant", "observed.pth");
    assert!(observed.as_ref().is_ok_and(|r| r.taken() > 0), "{observed:?}");
}

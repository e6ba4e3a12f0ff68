//! `look-inside`: its JSON, its files, what it refuses.

use super::{document, fails, fixture, has, list, ok};
use serde_json::Value;
use std::path::Path;

/// Shape and values of a NumPy file.
fn array(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    let shape = header.split(['(', ')']).nth(1).unwrap();
    let shape = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    (shape, bytes[end..].as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)).collect())
}

fn layer<'a>(layers: &'a Value, id: &str) -> &'a Value {
    list(layers).iter().find(|l| l["layer"] == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn a_clip_is_looked_at_layer_by_layer() {
    let f = fixture();
    let out = f.path("inside");
    let words = format!(
        "look-inside {} {} --clip s01.mp4:30 --layer stem --layer stage2.0 --layer classifier.1 --order variance \
         --measure --receptive-field --out {}",
        f.run(),
        f.video(),
        out.display()
    );
    let report = document(&words);
    has(
        &report,
        "run checkpoint epoch video start frames predicted probability probabilities classes layers modules kernels",
    );
    assert_eq!(
        (&report["start"], list(&report["frames"]).len(), &report["order"]),
        (&30.into(), 4, &"variance".into())
    );
    let ids: Vec<_> = list(&report["layers"]).iter().map(|l| l["layer"].as_str().unwrap()).collect();
    assert_eq!(ids, ["stem", "stage2.0", "classifier.1"]);
    for layer in list(&report["layers"]) {
        has(
            layer,
            "shape mean std min max zeros zero_share histogram dead saturated constant fires_in order receptive_field",
        );
        let (shape, values) = array(&out.join(format!("{}.npy", layer["layer"].as_str().unwrap())));
        let said: Vec<usize> = serde_json::from_value(layer["shape"].clone()).unwrap();
        assert_eq!((shape, values.len()), (said.clone(), said.iter().product()));
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
        assert!((mean - layer["mean"].as_f64().unwrap()).abs() < 1e-9 + 1e-6 * mean.abs(), "{layer}");
        assert_eq!(layer["zeros"].as_u64(), Some(values.iter().filter(|v| **v == 0.0).count() as u64));
        let counts: u64 = list(&layer["histogram"]["counts"]).iter().filter_map(Value::as_u64).sum();
        assert_eq!(counts, values.len() as u64);
    }
    // The last layer says what is predicted.
    let (_, logits) = array(&out.join("classifier.1.npy"));
    let total: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
    for (logit, p) in logits.iter().zip(list(&report["probabilities"])) {
        assert!((f64::from(*logit).exp() / total - p.as_f64().unwrap()).abs() < 1e-5);
    }
    // Kernels of three steps of time over 5x5 pixels.
    let stem = layer(&report["kernels"], "stem.0");
    assert_eq!((&stem["shape"], &stem["form"]), (&serde_json::json!([24, 3, 3, 5, 5]), &"colour".into()));
    let share = stem["motion_share"].as_f64().unwrap();
    let mean = list(&stem["motion_shares"]).iter().filter_map(Value::as_f64).sum::<f64>() / 24.0;
    assert!((share - mean).abs() < 1e-12 && (0.0..=1.0).contains(&share), "{share}");
    let field = &layer(&report["layers"], "stem")["receptive_field"];
    assert_eq!((&field["size"], &field["step"]), (&serde_json::json!([3, 5, 5]), &serde_json::json!([1, 4, 4])));
    assert!(list(&report["modules"]).iter().all(|m| m["seconds"].as_f64().is_some_and(|s| s > 0.0)));

    for file in [
        "stem_channels.png",
        "stem_time.png",
        "stem_histogram.svg",
        "stage2.0_norms.png",
        "stage2.0_inputs.png",
        "stem.0_kernels.png",
        "layers.png",
        "frames.png",
        "probabilities.svg",
        "graph_expanded.svg",
        "statistics.csv",
        "modules.csv",
        "motion_share.csv",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert!(image::open(out.join("stem_channels.png")).unwrap().width() > 100);
    let graph = std::fs::read_to_string(out.join("graph.svg")).unwrap();
    assert!(graph.contains("24×4×8×6") && graph.contains("T 4 to 2"), "{graph}");
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("data:image/png;base64,") && page.contains("<svg"), "the page holds its pictures");
    for outside in ["<script", "src=\"http", "href="] {
        assert!(!page.contains(outside), "the page needs {outside}");
    }
    fails(2, &words, &["already holds", "--force"]);
    ok(&format!("{words} --force"));
}

#[test]
fn layers_are_surveyed_over_a_split() {
    let f = fixture();
    let out = f.path("survey");
    let report = document(&format!(
        "look-inside {} {} --layer stage3 --dataset {} --split all --clips 7 --examples 2 --all-checkpoints --out {}",
        f.run(),
        f.video(),
        f.data(),
        out.display()
    ));
    let survey = &report["survey"];
    assert_eq!((list(&survey["clips"]).len(), &survey["split"]), (7, &"all".into()));
    let stage = layer(&survey["layers"], "stage3");
    assert_eq!(stage["clips"], 7);
    let fires = list(&stage["fires_in"]);
    for dead in list(&stage["dead"]) {
        assert_eq!(fires[dead.as_u64().unwrap() as usize], 0);
    }
    assert_eq!(list(&stage["dead"]).len(), fires.iter().filter(|n| **n == 0).count());
    let channels = list(&survey["examples"][0]["channels"]);
    assert_eq!(channels.len(), 96);
    for (channel, fires) in channels.iter().zip(fires) {
        let values: Vec<f64> = list(channel).iter().map(|e| e["value"].as_f64().unwrap()).collect();
        assert_eq!(values.len() as u64, fires.as_u64().unwrap().min(2));
        assert!(values.windows(2).all(|v| v[0] >= v[1]), "{values:?}");
    }
    assert_eq!((&survey["map_layer"], list(&survey["map"]["points"]).len()), (&"pool".into(), 7));
    for point in list(&survey["map"]["points"]) {
        assert_eq!((list(&point["place"]).len(), list(&point["nearest"]).len()), (3, 5));
    }
    let over = list(&survey["over_checkpoints"]);
    assert!(!over.is_empty() && over.iter().all(|o| o["layers"][0]["channels"] == 96), "{over:?}");
    assert_eq!(list(&report["kernels_over_checkpoints"]).len(), over.len());
    let table = std::fs::read_to_string(out.join("clip_map.csv")).unwrap();
    assert_eq!(table.lines().count(), 8);
    assert!(table.starts_with("video,start,split,subject,true,predicted,probability,right,x,y,z,nearest,distance"));
    for file in
        ["examples.json", "examples.csv", "channels.csv", "survey_statistics.csv", "stage3_survey_histogram.png"]
    {
        assert!(out.join(file).is_file(), "{file}");
    }
}

#[test]
fn without_a_folder_nothing_is_written_and_wrong_words_are_told() {
    let f = fixture();
    let said = ok(&format!("look-inside {} {}", f.run(), f.video()));
    assert!(said.contains("predicted") && said.contains("stage3") && said.contains("% zeros"), "{said}");
    let look = |more: &str| format!("look-inside {} {} {more}", f.run(), f.video());
    fails(2, &look("--layer stage9"), &["stage9", "did you mean"]);
    fails(2, &look("--order size"), &["size", "variance"]);
    fails(2, &look("--class nobody"), &["nobody", "predicted"]);
    fails(2, &look("--color-map rainbow"), &["rainbow", "viridis"]);
    fails(2, &look("--channels 0"), &["--channels"]);
    fails(2, &look("--clip s01.mp4:99999"), &["frames"]);
    fails(2, &look("--clips 5"), &["--dataset"]);
    fails(2, &format!("look-inside {} {}", f.run(), f.data()), &["3 videos", "--clip"]);
    fails(1, &look("--class true"), &["no label"]);
}

#[test]
fn a_picture_is_a_clip() {
    let f = fixture();
    let folder = f.path("one-picture");
    ok(&format!("probe {} --frame 3 --out {}", f.video(), folder.display()));
    let report =
        document(&format!("look-inside {} {} --layer stem", f.run(), folder.join("frame_000003.png").display()));
    assert_eq!((list(&report["frames"]).len(), &report["start"]), (4, &0.into()));
}

//! What is told of heatmaps: how they were computed, and not what was asked for.

use super::{document, fixture, list, ok};

#[test]
fn the_pooling_of_a_map_is_the_one_it_was_computed_with() {
    let f = fixture();
    for (option, grad_cam, words) in [
        ("", "SpaceTime", "pooled over time, height and width"),
        ("--per-time-step", "PerTimeStep", "pooled for each time step"),
    ] {
        let out = f.path(&format!("pooled{option}"));
        let methods = "--clip s01.mp4:30 --method grad-cam --method hirescam";
        let command = format!("explain {} {} {methods} {option}", f.run(), f.data());
        let report = document(&format!("{command} --out {}", out.display()));
        let maps = list(&report["samples"][0]["maps"]);
        let told: Vec<_> =
            maps.iter().map(|m| (m["method"].as_str().unwrap(), m["pooling"].as_str().unwrap())).collect();
        assert_eq!(told, [("grad-cam", grad_cam), ("hirescam", "None")]);
        let metadata = std::fs::read_to_string(out.join("sample_000/metadata.txt")).unwrap();
        for text in [metadata, ok(&command)] {
            let line = |method: &str| text.lines().find(|l| l.contains(&format!("{method} at"))).unwrap();
            assert!(line("grad-cam").contains(words), "{text}");
            assert!(line("hirescam").contains("not pooled"), "{text}");
        }
    }
}

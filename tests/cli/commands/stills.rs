//! Actions in single pictures, from the files to the inside of the network.

use super::{document, list, ok_in};
use std::path::Path;

/// Pictures in the layout of the set of human actions in stills: bars that stand or lie, a class each. No label says what the test
/// pictures show.
fn pictures(r: &Path) {
    let draw = |path: &Path, standing: bool, shade: u8| {
        let picture = image::RgbImage::from_fn(32, 32, |x, y| {
            let at = if standing { x } else { y };
            image::Rgb(if at % 8 < 4 { [shade, 220, 40] } else { [20, 20, shade] })
        });
        picture.save(path).unwrap();
    };
    for folder in ["train", "test"] {
        std::fs::create_dir_all(r.join(folder)).unwrap();
    }
    let (mut training, mut testing) = ("filename,label\n".to_owned(), "filename\n".to_owned());
    for n in 1..=40_u8 {
        let (name, standing) = (format!("Image_{n}.jpg"), n % 2 == 0);
        draw(&r.join("train").join(&name), standing, 5 * n);
        training += &format!("{name},{}\n", if standing { "standing" } else { "lying" });
    }
    for n in 1..=4_u8 {
        let name = format!("Image_{n}.jpg");
        draw(&r.join("test").join(&name), n % 2 == 0, 40 * n);
        testing += &format!("{name}\n");
    }
    std::fs::write(r.join("Training_set.csv"), training).unwrap();
    std::fs::write(r.join("Testing_set.csv"), testing).unwrap();
}

#[test]
fn pictures_are_trained_on_evaluated_and_looked_into() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name).display().to_string();
    let cache = root.path().join("cache");
    pictures(&root.path().join("data"));
    // The preset for pictures, with a network that takes seconds. The two small networks see change alone, of which a
    // picture has none.
    let train = format!(
        "train {} --out {} --preset har-resnet-50 --model mobilenet-v2-3d --epochs 1 --batch-size 8 --seed 3 --device cpu \
         --workers 1 --set clip.width=32 --set clip.height=32 --set augment.enabled=false --set model.options.width=0.25",
        at("data"),
        at("run")
    );
    ok_in(&cache, &train);
    let report = document(&format!("evaluate {} {} --split val --out {}", at("run"), at("data"), at("judged")));
    assert_eq!(report["clips"], 8, "a fifth of the labelled pictures");
    let table = std::fs::read_to_string(root.path().join("judged/predictions_val.csv")).unwrap();
    let right = table.lines().filter(|row| row.split(',').nth(5) == Some("true")).count();
    assert_eq!(report["accuracy"].as_f64(), Some(right as f64 / 8.0));
    let weighted = &report["weighted"];
    assert!(["precision", "recall", "f1"].iter().all(|k| weighted[k].is_f64()), "{weighted}");

    let page = root.path().join("page.html");
    let inside = document(&format!(
        "look-inside {} {} --out {} --page {} --dataset {} --split val --clips 8",
        at("run"),
        at("data/test/Image_2.jpg"),
        at("inside"),
        page.display(),
        at("data")
    ));
    assert_eq!(list(&inside["frames"]).len(), 1);
    assert!(list(&inside["layers"]).iter().all(|l| l["shape"][1] == 1), "a picture has one moment");
    let page = std::fs::read_to_string(page).unwrap();
    for part in [
        "Probability of each class",
        "Kernels",
        "How often values of",
        "The first channels of each layer",
        "Clips by what",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<script").count() + page.matches("src=\"http").count(), 0);
    let map = &inside["survey"]["map"];
    assert_eq!(list(&map["neighbours"]["places"]).len(), 8);
}

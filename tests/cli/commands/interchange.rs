//! What other programs take: predictions as arrays, labels for other tools.

use super::{document, fails, fixture, list, ok};
use serde_json::Value;
use std::path::Path;

/// The header of a safetensors file, and the bytes behind it.
fn arrays(path: &Path) -> (Value, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), bytes[8 + length..].to_vec())
}

/// The bytes of an array by eights or fours.
fn values<const N: usize, T>(header: &Value, data: &[u8], name: &str, of: impl Fn([u8; N]) -> T) -> Vec<T> {
    let offsets: [usize; 2] = serde_json::from_value(header[name]["data_offsets"].clone()).unwrap();
    data[offsets[0]..offsets[1]].as_chunks::<N>().0.iter().map(|b| of(*b)).collect()
}

#[test]
fn predictions_are_exported_as_tables_and_arrays() {
    let f = fixture();
    let (table, file) = (f.path("said.csv"), f.path("said.safetensors"));
    let words = format!(
        "evaluate {} {} --split test --out {} --export-predictions {} --export-predictions {}",
        f.run(),
        f.data(),
        f.path("exported").display(),
        table.display(),
        file.display()
    );
    let report = document(&words);
    let mut rows = csv::Reader::from_path(&table).unwrap();
    let header: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(
        header[..9],
        ["video", "subject", "start", "true", "predicted", "correct", "probability", "margin", "loss"]
    );
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len() as u64, report["clips"].as_u64().unwrap());
    let (header, data) = arrays(&file);
    let about = &header["__metadata__"];
    let classes: Vec<String> = serde_json::from_str(about["classes"].as_str().unwrap()).unwrap();
    let clips: Vec<String> = serde_json::from_str(about["clips"].as_str().unwrap()).unwrap();
    assert_eq!((&header["probabilities"]["dtype"], &header["targets"]["dtype"]), (&"F32".into(), &"I64".into()));
    assert_eq!(header["probabilities"]["shape"], serde_json::json!([rows.len(), classes.len()]));
    assert_eq!((about["split"].as_str(), about["task"].as_str()), (Some("test"), Some("single-label")));
    let probabilities = values(&header, &data, "probabilities", f32::from_le_bytes);
    let (targets, starts) =
        (values(&header, &data, "targets", i64::from_le_bytes), values(&header, &data, "starts", i64::from_le_bytes));
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(clips[i], format!("{}:{}", &row[0], &row[2]));
        assert_eq!((starts[i].to_string(), classes[targets[i] as usize].as_str()), (row[2].to_owned(), &row[3]));
        for (class, p) in row.iter().skip(9).enumerate() {
            assert_eq!(probabilities[i * classes.len() + class], p.parse::<f32>().unwrap());
        }
    }
    let mut files = std::fs::read_dir(f.path("exported")).unwrap().flatten();
    assert!(files.any(|e| e.file_name().to_string_lossy().contains("tfevents")));
    fails(2, &format!("{words} --force").replace("said.csv", "said.txt"), &["said.txt", ".csv or .safetensors"]);
    fails(2, &words.replace("exported", "elsewhere"), &["said.csv exists already", "--force"]);
}

#[test]
fn labels_are_exported_with_what_a_run_says() {
    let f = fixture();
    let of = |tool: &str, more: &str| {
        format!("export-labels {} --to {tool} --out {} {more}", f.data(), f.path(&format!("to-{tool}")).display())
    };
    for tool in ["cvat", "fiftyone", "coco"] {
        let said = document(&of(tool, &format!("--split test --predictions {}", f.run())));
        assert_eq!(said["tool"], tool);
        for key in ["videos", "parts", "predictions"] {
            assert!(said[key].as_u64().is_some_and(|n| n > 0), "{said}");
        }
        assert!(list(&said["files"]).iter().all(|f| Path::new(f.as_str().unwrap()).is_file()), "{said}");
    }
    let results: Value = serde_json::from_slice(&std::fs::read(f.path("to-coco/predictions.json")).unwrap()).unwrap();
    assert!(list(&results).iter().all(|r| r["score"].as_f64().is_some_and(|s| (0.0..=1.0).contains(&s))));
    fails(2, &of("coco", ""), &["already holds", "--force"]);
    let text = ok(&of("coco", "--force"));
    assert!(text.contains("3 videos with") && text.contains("to-coco"), "{text}");
    fails(2, &of("voc", ""), &["voc", "fiftyone"]);
    fails(2, &format!("export-labels {} --to cvat", f.data()), &["--out"]);
}

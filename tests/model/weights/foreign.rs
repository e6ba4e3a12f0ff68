//! What other frameworks save: weights beside objects of theirs, weights in such objects, and numbers that are no weights.

use super::{fixture, kinolens, read, same_state, saved, small};
use kinolens::model::{ArrayValues, NamedArray, WeightFile, inspect, read_safetensors, write_safetensors, write_torch};
use std::path::Path;

/// Callbacks, configurations, enumerations, random states, functions, quantised tensors: all stand beside the weights,
/// which `every_format_of_pytorch_gives_its_numbers` reads.
#[test]
fn what_frameworks_keep_beside_the_weights_is_passed_over_and_told() {
    for name in ["framework.pth", "framework_protocol4.pth"] {
        let file = WeightFile::open(&fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        for key in ["callbacks", "loops", "message_hub", "meta", "stage", "hyper_parameters", "quantised", "error"] {
            assert!(file.beside().iter().any(|b| b == key), "{name}: {key} in {:?}", file.beside());
        }
    }
}

/// The sentence names the entry, and its line of Python, with the file's name in it, gives what is read.
#[test]
fn weights_inside_of_something_else_are_said_to_be_there_and_how_to_save_them() {
    for (name, entry, line) in [
        ("elsewhere_module.pth", "[\"model\"] is an object of class", "[\"model\"].state_dict(), \"weights.pth\")"),
        (
            "elsewhere_class.pth",
            "[\"state_dict\"] holds tensors in an object of class mmengine.config.config.ConfigDict",
            "torch.save(dict(torch.load(\"FILE\", weights_only=False)[\"state_dict\"]), \"weights.pth\")",
        ),
        (
            "elsewhere_object.pth",
            ".best[\"net\"] is a dictionary of tensors",
            "torch.save(torch.load(\"FILE\", weights_only=False).best[\"net\"], \"weights.pth\")",
        ),
        (
            "elsewhere_key.pth",
            "[\"my_net\"] is a dictionary of tensors",
            "torch.save(torch.load(\"FILE\", weights_only=False)[\"my_net\"], \"weights.pth\")",
        ),
        (
            "elsewhere_numpy.pth",
            "[\"model\"] holds arrays of NumPy",
            "torch.save({k: torch.as_tensor(v) for k, v in torch.load(\"FILE\", weights_only=False)[\"model\"].items()}",
        ),
    ] {
        let error = read(&fixture(name)).expect_err(name).to_string();
        for word in [name, entry, line] {
            assert!(error.contains(word), "{name}: '{word}' is missing in: {error}");
        }
        assert!(!error.contains("harmful"), "{name}: {error}");
    }
}

/// A safetensors file whose arrays are all of one type, with bytes of zero.
fn safetensors(path: &Path, arrays: &[NamedArray], dtype: &str, bytes: usize) {
    let (mut rows, mut at) = (Vec::new(), 0);
    for array in arrays {
        let len = array.values.len() * bytes;
        let shape = &array.shape;
        rows.push(format!(
            "\"{}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{at},{}]}}",
            array.name,
            at + len
        ));
        at += len;
    }
    let header = format!("{{{}}}", rows.join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    file.resize(file.len() + at, 0);
    std::fs::write(path, file).unwrap();
}

#[test]
fn numbers_that_are_no_weights_are_named_and_not_called_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let source = small(4, 1);
    let arrays: Vec<NamedArray> = source.state_dict().unwrap();
    let first = arrays.iter().find(|a| a.shape.len() > 1).unwrap().name.clone();
    for (dtype, bytes, word) in [
        ("I8", 1, "int8"),
        ("U8", 1, "uint8"),
        ("I32", 4, "int32"),
        ("U16", 2, "uint16"),
        ("U32", 4, "uint32"),
        ("U64", 8, "uint64"),
        ("F8_E4M3", 1, "float8_e4m3fn"),
        ("F8_E5M2", 1, "float8_e5m2"),
        ("C64", 8, "complex64"),
        ("BOOL", 1, "bool"),
    ] {
        // Under the names of the network, and with a prefix.
        for prefix in ["", "module."] {
            let named: Vec<NamedArray> =
                arrays.iter().map(|a| NamedArray { name: format!("{prefix}{}", a.name), ..a.clone() }).collect();
            safetensors(&path, &named, dtype, bytes);
            let mut target = small(4, 2);
            let before = target.state_dict().unwrap();
            let error = target.init_from(&path).unwrap_err().to_string();
            for word in
                [format!("{prefix}{first}"), format!("holds {word} numbers"), ".float()".into(), "w.safetensors".into()]
            {
                assert!(error.contains(&word), "{dtype}: '{word}' is missing in: {error}");
            }
            assert_eq!(target.state_dict().unwrap(), before, "a refused file changes nothing");
            let config = kinolens::config::ModelConfig { id: "small-3d".into(), ..Default::default() };
            assert_eq!(inspect(&path, &config, 4).unwrap_err().to_string(), error);
        }
    }
    // A type that safetensors had not when this was written.
    safetensors(&path, &arrays[..1], "I3", 1);
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains(&arrays[0].name) && error.contains("I3") && !error.contains("damaged"), "{error}");
    // In a file of PyTorch, by the command line.
    let path = dir.path().join("w.pth");
    let whole: Vec<NamedArray> =
        arrays.iter().map(|a| NamedArray { values: ArrayValues::I64(vec![0; a.values.len()]), ..a.clone() }).collect();
    write_torch(&path, &whole).unwrap();
    let (given, out) = (path.display().to_string(), dir.path().join("run").display().to_string());
    let (code, _, error) = kinolens(&["import", &given, "--model", "small-3d", "--classes", "4", "--out", &out]);
    assert!(code == Some(1) && error.contains("int64") && error.contains(".float()"), "{error}");
}

/// What the network has no place for may be of any type.
#[test]
fn numbers_that_are_no_weights_do_no_harm_where_they_are_not_needed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    let source = small(4, 1);
    let mut arrays = source.state_dict().unwrap();
    let counts = ArrayValues::I64(vec![7; 5]);
    arrays.push(NamedArray { name: "class_counts".into(), shape: vec![5], values: counts });
    write_torch(&path, &arrays).unwrap();
    let mut target = small(4, 2);
    let report = target.init_from(&path).unwrap();
    assert_eq!(report.unused, ["class_counts"]);
    assert!(report.is_complete() && same_state(&source, &target));
}

#[test]
fn safetensors_and_pytorch_s_format_carry_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("w.safetensors"), dir.path().join("w.pth"));
    let source = small(4, 1);
    let arrays = saved(&source, &b, str::to_owned);
    write_safetensors(&a, &arrays, Default::default()).unwrap();
    for path in [&a, &b] {
        let mut target = small(4, 2);
        assert!(target.init_from(path).unwrap().is_complete());
        assert!(same_state(&source, &target));
    }
    let mut sorted = arrays;
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(read_safetensors(&a).unwrap(), sorted);
}

#[test]
fn equal_weights_are_equal_files_with_the_metadata_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let arrays = [NamedArray { name: "w".into(), shape: vec![2], values: ArrayValues::F32(vec![1.0, -2.0]) }];
    let metadata = |keys: &[&str]| keys.iter().map(|k| ((*k).to_owned(), format!("of \"{k}\""))).collect();
    let write = |name: &str, keys: &[&str]| {
        let path = dir.path().join(name);
        write_safetensors(&path, &arrays, metadata(keys)).unwrap();
        std::fs::read(path).unwrap()
    };
    let first = write("first", &["format", "model", "classes", "video", "epoch", "z", "a"]);
    let second = write("second", &["a", "z", "epoch", "video", "classes", "model", "format"]);
    assert_eq!(first, second);
    // Still a file of the format, with every word of the metadata.
    let (_, header) = safetensors::SafeTensors::read_metadata(&first).unwrap();
    let read = header.metadata().clone().unwrap();
    assert_eq!((read.len(), read["video"].as_str()), (7, "of \"video\""));
    assert_eq!(read_safetensors(&dir.path().join("first")).unwrap(), arrays);
}

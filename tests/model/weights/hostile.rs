//! Files made to do harm, damaged ones, and what is no weight file at all: each is refused in a sentence.

use super::{fixture, read};
use std::path::Path;

/// Writes a file and gives the sentence with which it is refused.
fn refused(bytes: &[u8]) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weights.pth");
    std::fs::write(&path, bytes).unwrap();
    let error = read(&path).err()?.to_string();
    assert!(error.contains("weights.pth") && !error.contains("panicked"), "{error}");
    Some(error)
}

/// An entry of an archive: name, contents, method of compression, flags.
type Entry<'a> = (&'a str, &'a [u8], u16, u16);

/// A zip archive as it should not always be.
fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut out, mut table) = (Vec::new(), Vec::new());
    for (name, data, method, flags) in entries {
        let mut common = vec![20, 0];
        common.extend(flags.to_le_bytes());
        common.extend(method.to_le_bytes());
        common.extend([0; 8]);
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        table.extend(b"PK\x01\x02\x14\x00");
        table.extend(&common);
        table.extend([0; 10]);
        table.extend((out.len() as u32).to_le_bytes());
        table.extend(name.bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.bytes());
        out.extend(*data);
    }
    let at = out.len() as u32;
    out.extend(&table);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend([(entries.len() as u16).to_le_bytes(); 2].concat());
    out.extend((table.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// An archive with a pickle and one storage of 16 bytes.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    zip(&[("a/data.pkl", pickle, 0, 0), ("a/data/0", &[0; 16], 0, 0), ("a/version", b"3", 0, 0)])
}

fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

/// A state_dict of one tensor; numbers are pickled as they are given.
fn tensor(key: &str, kind: &str, count: &[u8], offset: &[u8], shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let mut p = b"\x80\x02}".to_vec();
    p.extend(text("w"));
    p.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
    p.extend(text("storage"));
    p.extend(format!("ctorch\n{kind}\n").bytes());
    p.extend(text(key));
    p.extend(text("cpu"));
    p.extend(count);
    p.extend(b"tQ");
    p.extend(offset);
    p.extend([b"(", shape, b"t(", strides, b"t\x89}tRs."].concat());
    p
}

const SHORT: &[u8] = b"K\x04";

#[test]
fn the_hand_made_tensor_is_well_made() {
    assert_eq!(refused(&with_pickle(&tensor("0", "FloatStorage", SHORT, b"K\x00", SHORT, b"K\x01"))), None);
}

#[test]
fn files_that_lie_about_their_tensors_are_refused() {
    let huge = b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f".as_slice();
    let giant = [b"\x8a\xff".as_slice(), &[0x7f; 255]].concat();
    let many = [b"J\x00\x00\x00\x40".as_slice(), b"J\x00\x00\x00\x40", b"J\x00\x00\x00\x40"].concat();
    let f = "FloatStorage";
    for (what, pickle, word) in [
        ("beyond the storage", tensor("0", f, SHORT, b"K\x01", SHORT, b"K\x01"), "reaches beyond"),
        ("a stride beyond it", tensor("0", f, SHORT, b"K\x00", SHORT, b"K\x02"), "reaches beyond"),
        ("more numbers than bytes", tensor("0", f, b"K\x05", b"K\x00", b"K\x05", b"K\x01"), "should take 20 bytes"),
        ("a wider type", tensor("0", "DoubleStorage", SHORT, b"K\x00", SHORT, b"K\x01"), "should take 32 bytes"),
        ("a huge count", tensor("0", f, huge, b"K\x00", SHORT, b"K\x01"), "should take"),
        ("a huge offset", tensor("0", f, SHORT, huge, SHORT, b"K\x01"), "reaches beyond"),
        ("a huge stride", tensor("0", f, SHORT, b"K\x00", SHORT, huge), "cannot be"),
        ("a huge size without strides", tensor("0", f, SHORT, b"K\x00", huge, b"K\x00"), "far more numbers"),
        (
            "sizes whose product overflows",
            tensor("0", f, SHORT, b"K\x00", &many, b"K\x00K\x00K\x00"),
            "far more numbers",
        ),
        ("a negative size", tensor("0", f, SHORT, b"K\x00", b"J\xff\xff\xff\xff", b"K\x01"), "is -1"),
        ("a negative stride", tensor("0", f, SHORT, b"K\x00", SHORT, b"J\xff\xff\xff\xff"), "is -1"),
        ("a negative offset", tensor("0", f, SHORT, b"J\xfe\xff\xff\xff", SHORT, b"K\x01"), "is -2"),
        ("a giant number", tensor("0", f, SHORT, b"K\x00", &giant, b"K\x01"), "whole number"),
        ("text for a size", tensor("0", f, SHORT, b"K\x00", &text("4"), b"K\x01"), "whole number"),
        ("fewer strides than sizes", tensor("0", f, SHORT, b"K\x00", SHORT, b""), "1 sizes and 0 strides"),
        ("a hundred dimensions", tensor("0", f, SHORT, b"K\x00", &b"K\x01".repeat(100), b"K\x01"), "100 dimensions"),
        (
            "a storage that is not there",
            tensor("9", f, SHORT, b"K\x00", SHORT, b"K\x01"),
            "'9' of a tensor are missing",
        ),
        ("a way out of the archive", tensor("../../etc/passwd", f, SHORT, b"K\x00", SHORT, b"K\x01"), "are missing"),
        ("an endless key", tensor(&"k".repeat(9999), f, SHORT, b"K\x00", SHORT, b"K\x01"), "not as torch.save"),
        ("an unknown type", tensor("0", "Int3Storage", SHORT, b"K\x00", SHORT, b"K\x01"), "Int3Storage"),
        ("a quantised type", tensor("0", "QUInt4x2Storage", SHORT, b"K\x00", SHORT, b"K\x01"), "quint4x2"),
        ("a long name", tensor("0", &"N".repeat(999), SHORT, b"K\x00", SHORT, b"K\x01"), "name is too long"),
    ] {
        let error = refused(&with_pickle(&pickle)).unwrap_or_else(|| panic!("{what} was taken"));
        assert!(error.contains(word), "{what}: '{word}' is missing in: {error}");
    }
}

#[test]
fn nothing_in_a_file_is_ever_run() {
    let call = |module: &str, name: &str| {
        let mut p = format!("\x02}}c{module}\n{name}\n").into_bytes();
        p.insert(0, 0x80);
        [p, b"(".to_vec(), text("touch /tmp/harm"), b"tR.".to_vec()].concat()
    };
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "exec"),
        ("builtins", "getattr"),
        ("subprocess", "check_output"),
        ("runpy", "run_path"),
        ("webbrowser", "open"),
        ("torch.hub", "load"),
        ("importlib", "import_module"),
        ("numpy.testing._private.utils", "runstring"),
        ("subprocess", "Popen"),
        ("ctypes", "CDLL"),
        ("types", "CodeType"),
        ("cloudpickle.cloudpickle", "_make_function"),
        ("my_project.tools", "build"),
    ] {
        let error = refused(&with_pickle(&call(module, name))).unwrap_or_else(|| panic!("{module}.{name} was taken"));
        assert!(error.contains(&format!("run {module}.{name}")) && error.contains("harmful"), "{error}");
        // A pickle that stands by itself is no weight file; that it would run something counts for more.
        let bare = refused(&call(module, name)).unwrap_or_else(|| panic!("{module}.{name} was taken"));
        assert!(bare.contains(&format!("run {module}.{name}")) && bare.contains("harmful"), "{bare}");
    }
    // The same in the newer notation, and classes whose making would run code.
    let stacked = [b"\x80\x04".to_vec(), text("os"), text("system"), b"\x93)R.".to_vec()].concat();
    assert!(refused(&with_pickle(&stacked)).unwrap().contains("run os.system"));
    // And in the oldest ones.
    let old = [b"\x80\x02(".to_vec(), text("touch /tmp/harm"), b"iposix\nsystem\n.".to_vec()].concat();
    assert!(refused(&with_pickle(&old)).unwrap().contains("run posix.system"));
    let old = [b"\x80\x02(cmy.tools\nbuild\n".to_vec(), text("touch /tmp/harm"), b"o.".to_vec()].concat();
    assert!(refused(&with_pickle(&old)).unwrap().contains("run my.tools.build"));
    for (module, name) in [("__main__", "Net"), ("models.my", "C3D"), ("my_project", "_Config")] {
        let error = refused(&with_pickle(&call(module, name))).unwrap();
        assert!(error.contains(&format!("class {module}.{name}")) && error.contains("state_dict()"), "{error}");
        assert!(!error.contains("harmful"), "{error}");
    }
    // A method of a class is only mentioned; called, or reached through its inside, it would run something.
    let method = |name: &str, end: &[u8]| {
        let named =
            [b"\x80\x02cbuiltins\ngetattr\ncmy.tools\nConfig\n".to_vec(), text(name), b"\x86R".to_vec()].concat();
        refused(&with_pickle(&[named, end.to_vec()].concat())).unwrap()
    };
    assert!(method("mean", b".").contains("a plain value"));
    assert!(method("mean", b")R.").contains("run my.tools.Config.mean"));
    assert!(method("__init__", b".").contains("run builtins.getattr"));
    // So would calling an object that was made.
    let object = b"\x80\x02cmy.tools\nConfig\n)\x81)R.";
    assert!(refused(&with_pickle(object)).unwrap().contains("run an object of my.tools.Config"));
    // A function that is harmless by itself, called on something else's behalf, stays without effect.
    assert!(refused(&with_pickle(&call("collections", "OrderedDict"))).is_some());
}

#[test]
fn pickles_that_go_wrong_are_refused() {
    let nested = [b"\x80\x02".to_vec(), b"]".repeat(300_000), b"a".repeat(299_999), b".".to_vec()].concat();
    let loops = b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.".to_vec();
    let laughs = {
        // A list of ten of a list of ten of …: short, and endless for who walks through it.
        let mut p = b"\x80\x02]q\x00".to_vec();
        for level in 0..200_u8 {
            p.extend([b'0', b'(']);
            p.extend([b'h', level].repeat(10));
            p.extend([b'l', b'q', level + 1]);
        }
        [p, b".".to_vec()].concat()
    };
    // One long list, made a dictionary again and again.
    let copies = {
        let mut p = b"\x80\x02(".to_vec();
        p.extend(b"K\x01K\x02\x86".repeat(100_000));
        p.extend(b"l\x85q\x000}");
        p.extend(b"ccollections\nOrderedDict\nh\x00R0".repeat(1000));
        [p, b".".to_vec()].concat()
    };
    for (what, pickle, word) in [
        ("nothing", Vec::new(), "ends in the middle"),
        ("no end", b"\x80\x02}".to_vec(), "ends in the middle"),
        ("an empty stack", b"\x80\x02.".to_vec(), "damaged"),
        ("nothing below the mark", b"\x80\x02}(a.".to_vec(), "damaged"),
        ("no mark", b"\x80\x02}u.".to_vec(), "damaged"),
        ("an unknown reference", b"\x80\x02h\x05.".to_vec(), "damaged"),
        ("an unknown version", b"\x80\x09}.".to_vec(), "damaged"),
        ("an unknown instruction", b"\x80\x02}\xee.".to_vec(), "0xee"),
        ("an old instruction that imports", b"\x80\x02(S'x'\ni.".to_vec(), "0x53"),
        ("an extension", b"\x80\x02\x82\x01.".to_vec(), "0x82"),
        ("text beyond the end", b"\x80\x02X\xff\xff\xff\x7fabc".to_vec(), "ends in the middle"),
        ("a longer text", b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc".to_vec(), "ends in the middle"),
        ("a giant number", b"\x80\x02\x8b\xff\xff\xff\x7f\x00".to_vec(), "ends in the middle"),
        ("a call of a number", b"\x80\x02K\x01)R.".to_vec(), "damaged"),
        ("a key without a value", b"\x80\x02}(K\x01u.".to_vec(), "damaged"),
        ("deep nesting", nested, "a list"),
        ("a dictionary in itself", loops, "no tensors"),
        ("a billion laughs", laughs, "a list"),
        ("endless copies", copies, "far more than weights need"),
    ] {
        let error = refused(&with_pickle(&pickle)).unwrap_or_else(|| panic!("{what} was taken"));
        assert!(error.contains(word), "{what}: '{word}' is missing in: {error}");
    }
    let twice = {
        let one = tensor("0", "FloatStorage", SHORT, b"K\x00", SHORT, b"K\x01");
        let row = &one[3..one.len() - 2];
        [b"\x80\x02}(".as_slice(), row, row, b"u."].concat()
    };
    assert!(refused(&with_pickle(&twice)).unwrap().contains("w is in it twice"));
}

#[test]
fn archives_that_go_wrong_are_refused() {
    let pickle = tensor("0", "FloatStorage", SHORT, b"K\x00", SHORT, b"K\x01");
    let good: [Entry<'_>; 2] = [("a/data.pkl", &pickle, 0, 0), ("a/data/0", &[0; 16], 0, 0)];
    assert_eq!(refused(&zip(&good)), None);
    let with = |entry: Entry<'static>| zip(&[good[0], good[1], entry]);
    let patched = |at_end: usize, bytes: &[u8]| {
        let mut file = zip(&good);
        let at = file.len() - at_end;
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let tar = {
        let mut head = vec![0_u8; 1024];
        head[..4].copy_from_slice(b"data");
        head[257..262].copy_from_slice(b"ustar");
        head
    };
    for (what, file, word) in [
        ("compressed", zip(&[good[0], ("a/data/0", &[0; 16], 8, 0)]), "compressed"),
        ("encrypted", zip(&[good[0], ("a/data/0", &[0; 16], 0, 1)]), "encrypted"),
        ("two of a name", zip(&[good[0], good[1], good[1]]), "two entries"),
        ("two pickles", with(("b/data.pkl", b"\x80\x02}.", 0, 0)), "no data.pkl"),
        ("big-endian", with(("a/byteorder", b"big", 0, 0)), "byte order"),
        ("no storage", zip(&good[..1]), "are missing"),
        ("a short storage", zip(&[good[0], ("a/data/0", &[0; 15], 0, 0)]), "take 15"),
        ("no entries", b"PK\x05\x06".iter().copied().chain([0; 18]).collect(), "without contents"),
        ("a table beyond the end", patched(6, &[0xff, 0xff, 0xff, 0x7f]), "does not lie within"),
        ("a table that is too large", patched(10, &[0xff, 0xff, 0xff, 0x7f]), "does not lie within"),
        ("too many entries", patched(12, &[0xfe, 0xff]), "does not lie within"),
        ("empty", Vec::new(), "empty"),
        ("text", b"hello".to_vec(), "text"),
        ("a web page", b"<!DOCTYPE html><html>".to_vec(), "web page"),
        ("a pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0".to_vec(), "git lfs pull"),
        ("a tar", tar, "tar archive"),
        ("gzip", b"\x1f\x8b\x08\x00\x00".to_vec(), "compressed"),
        ("HDF5", b"\x89HDF\r\n\x1a\n\x00".to_vec(), "Keras"),
        ("another pickle", b"\x80\x04\x95\x00.".to_vec(), "torch.save did not write"),
        ("noise", vec![7, 0, 255, 3, 1, 0, 0, 9, 8], "neither"),
        ("safetensors that lie", b"\x10\x00\x00\x00\x00\x00\x00\x00{\"a\": 7}        ".to_vec(), "damaged"),
    ] {
        let error = refused(&file).unwrap_or_else(|| panic!("{what} was taken"));
        assert!(error.contains(word), "{what}: '{word}' is missing in: {error}");
    }
}

#[test]
fn a_file_that_was_cut_off_or_changed_never_harms() {
    for name in ["plain.pth", "legacy.pth", "views_legacy.pth", "checkpoint.pth"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for cut in (0..whole.len()).step_by(41).chain([whole.len() - 1]) {
            assert!(refused(&whole[..cut]).is_some(), "{name} cut at {cut} was taken");
        }
        // A changed byte may give other numbers; it must not do anything else.
        for at in (0..whole.len()).step_by(3) {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            refused(&changed);
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link.pth");
    std::os::unix::fs::symlink(dir.path().join("gone.pth"), &link).unwrap();
    assert!(read(&link).unwrap_err().to_string().contains("cannot read"));
    let round = dir.path().join("round.pth");
    std::os::unix::fs::symlink(&round, &round).unwrap();
    assert!(read(&round).is_err());
    assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("no ordinary file"));
}

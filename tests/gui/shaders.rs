//! Every WGSL file is valid, and declares what the program asks of it.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use std::path::Path;

fn parse(path: &Path) -> naga::Module {
    let source = std::fs::read_to_string(path).unwrap();
    naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|e| panic!("{}", e.emit_to_string_with_path(&source, &path.display().to_string())))
}

#[test]
fn every_shader_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("wgsl"), "{} does not belong here", path.display());
        let module = parse(&path);
        // No optional capability: the shader must run on any device that the window runs on.
        Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
        seen += 1;
    }
    assert!(seen > 0, "no shader was found");
}

#[test]
fn the_overlay_has_its_entry_points() {
    let module = parse(&Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders/overlay.wgsl"));
    let names: Vec<&str> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["vs_main", "fs_unorm", "fs_srgb"]);
}

#[test]
fn the_validator_refuses_a_broken_shader() {
    let parsed = naga::front::wgsl::parse_str("fn f() -> f32 { return vec2<f32>(1.0); }");
    let valid =
        parsed.is_ok_and(|m| Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&m).is_ok());
    assert!(!valid);
}

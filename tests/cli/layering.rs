//! Imports only go down, and each heavy dependency has one home.

use std::path::{Path, PathBuf};

/// The layers, lowest first. Modules of one layer do not import each other, except as listed in `SIBLINGS`.
const LAYERS: &[&[&str]] = &[
    &["domain", "config", "progress", "files", "peers", "process_usage", "simd"],
    &["video", "render", "model"],
    &["data", "cam", "inside", "classical"],
    &["run_folder"],
    &["eval"],
    &["train", "compare"],
    &["jobs"],
    &["ui", "cli"],
];

/// Arrows inside a layer that are meant: `config` uses the vocabulary of `domain`, and reads its file as `files` bounds it;
/// `files` writes sizes as `domain` does; `progress` tells of clips in its words, and knows who works on a job with it; `config`
/// says how `peers` send numbers.
const SIBLINGS: &[(&str, &str)] = &[
    ("config", "domain"),
    ("config", "files"),
    ("config", "peers"),
    ("files", "domain"),
    ("progress", "domain"),
    ("progress", "peers"),
];

/// Crates and the only places that may name them (a prefix of the path below `src/`).
const HOMES: &[(&str, &[&str])] = &[
    ("egui", &["ui/"]),
    ("eframe", &["ui/"]),
    ("egui_plot", &["ui/"]),
    ("egui_tiles", &["ui/"]),
    ("egui_extras", &["ui/"]),
    ("rfd", &["ui/"]),
    ("wgpu", &["render/overlay_gpu", "ui/"]),
    ("gstreamer", &["video/"]),
    ("gstreamer_app", &["video/"]),
    ("gstreamer_video", &["video/"]),
    ("burn", &["model/", "cam/", "inside/", "eval/", "train/"]),
    ("mpi", &["peers/mpi_world"]),
    ("plotters", &["render/"]),
    ("sysinfo", &["process_usage"]),
    ("clap", &["cli/"]),
    ("anyhow", &["cli/", "main"]),
];

pub(super) fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

/// Source without comments and literals, so that prose does not count as an import; its lines stay.
pub(super) fn code_of(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let (mut out, mut at, mut word) = (String::new(), 0, false);
    let lines = |from: usize, to: usize| text[from..to].iter().filter(|c| **c == '\n').collect::<String>();
    while let Some(c) = text.get(at).copied() {
        let end = match c {
            '/' if text.get(at + 1) == Some(&'/') => (at..text.len()).find(|i| text[*i] == '\n').unwrap_or(text.len()),
            '"' => end_of_string(&text, at),
            'r' if !word => end_of_raw(&text, at).unwrap_or(at),
            // A character, not a lifetime.
            '\'' if text.get(at + 1) == Some(&'"') => at + 3,
            '\'' if text.get(at + 1) == Some(&'\\') => at + 4,
            _ => at,
        };
        let end = end.min(text.len());
        if end > at {
            out += &lines(at, end);
            at = end;
        } else {
            out.push(c);
            at += 1;
        }
        word = c.is_alphanumeric() || c == '_';
    }
    out
}

/// The place behind the string that begins here.
pub(super) fn end_of_string(text: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() && text[at] != '"' {
        at += 1 + usize::from(text[at] == '\\');
    }
    at + 1
}

/// The same of a raw string; `None` where none begins.
pub(super) fn end_of_raw(text: &[char], start: usize) -> Option<usize> {
    let marks = text[start + 1..].iter().take_while(|c| **c == '#').count();
    let open = start + 1 + marks;
    (text.get(open) == Some(&'"')).then_some(())?;
    let closes =
        |at: &usize| text[*at] == '"' && text[*at + 1..].iter().take(marks).filter(|c| **c == '#').count() == marks;
    Some((open + 1..text.len()).find(closes).map_or(text.len(), |at| at + 1 + marks))
}

/// Names a path starts with: every `word::` that is not itself behind `::`.
fn roots(code: &str, word: &str) -> bool {
    let mut rest = code;
    let mut before = ' ';
    while let Some(at) = rest.find(word) {
        let prev = rest[..at].chars().last().unwrap_or(before);
        let after = &rest[at + word.len()..];
        if !(prev.is_alphanumeric() || prev == '_' || prev == ':') && after.starts_with("::") {
            return true;
        }
        before = word.chars().last().unwrap_or(' ');
        rest = after;
    }
    false
}

fn modules_named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        let list = if let Some(group) = rest.strip_prefix('{') { group } else { rest };
        let many = rest.starts_with('{');
        for part in list.split(',') {
            let name: String = part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push(name);
            if !many {
                break;
            }
        }
    }
    found
}

#[test]
fn imports_only_go_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 10, "the walk found only {} files", files.len());
    let mut faults = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
        let module = relative.split(['/', '.']).next().unwrap_or_default().to_owned();
        let text = std::fs::read_to_string(file).unwrap();
        for (number, code) in code_of(&text).lines().enumerate() {
            if let Some(own) = layer_of(&module) {
                for used in modules_named(code) {
                    let Some(other) = layer_of(&used) else { continue };
                    let sibling = SIBLINGS.contains(&(module.as_str(), used.as_str()));
                    if used != module && (other > own || (other == own && !sibling)) {
                        faults.push(format!("src/{relative}:{}: {module} must not use {used}", number + 1));
                    }
                }
            }
            for (name, homes) in HOMES {
                if roots(code, name) && !homes.iter().any(|h| relative.starts_with(h)) {
                    faults.push(format!("src/{relative}:{}: {name} lives in {homes:?}", number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    let lib = include_str!("../../src/lib.rs");
    for line in lib.lines().filter_map(|l| l.strip_prefix("pub mod ")) {
        let name = line.trim_end_matches(';');
        assert!(layer_of(name).is_some(), "{name} stands in no layer of tests/cli/layering.rs");
    }
}

#[test]
fn the_checker_sees_what_it_should() {
    assert_eq!(modules_named("use crate::{video, ui::Panel};"), ["video", "ui"]);
    assert!(roots("let x = egui::Color32::RED;", "egui"));
    assert!(!roots("let x = my_egui::Color32::RED;", "egui"));
    assert_eq!(code_of(r#"let s = "crate::ui"; // crate::ui"#).trim(), "let s = ;");
    assert_eq!(code_of("a \"x\\\"\ny\" b // c\nd"), "a \n b \nd");
    assert_eq!(code_of(r###"f(r#"a"b\"#, r"\", '"', b'\'', 'x', &'a str)"###), "f(, , , b, 'x', &'a str)");
}

/// The window shows the same sentences as the command line and has no arguments; `cli/hints.rs` adds those.
#[test]
fn only_the_command_line_speaks_of_its_arguments() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        if name.starts_with("cli/") {
            continue;
        }
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let spoken = !line.trim_start().starts_with("//") && line.contains('"');
            let argument = line.match_indices("--").any(|(at, _)| line[at + 2..].starts_with(char::is_alphabetic));
            // Without a display there is no window to read this in.
            if spoken && argument && !line.contains("kinolens --help") {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "sentences that name arguments of the command line:\n{}", found.join("\n"));
}

/// The window asks the disk through `ui/disk.rs`, which answers on a thread of its own.
#[test]
fn the_window_touches_the_disk_in_one_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root.join("ui"), &mut files);
    let mut found = Vec::new();
    for file in files.iter().filter(|f| !f.ends_with("ui/disk.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("\nmod tests {").next().unwrap_or_default();
        for (number, line) in code_of(code).lines().enumerate() {
            let asks = [".exists()", ".is_file()", ".is_dir()", ".metadata()", ".canonicalize()", "File::open"];
            if roots(line, "fs") || line.contains("std::fs") || asks.iter().any(|a| line.contains(a)) {
                found.push(format!("{}:{}: {}", file.strip_prefix(&root).unwrap().display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "these may wait for a slow disk:\n{}", found.join("\n"));
}

/// Long files tell several stories; long functions are found by `clippy::too_many_lines`.
#[test]
fn no_file_is_over_600_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        sources(&root.join(folder), &mut files);
    }
    let length = |f: &PathBuf| std::fs::read_to_string(f).unwrap().lines().count();
    let long: Vec<String> = files
        .iter()
        .map(|f| (f, length(f)))
        .filter(|(_, n)| *n > 600)
        .map(|(f, n)| format!("{}: {n}", f.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

//! The recipes of `ARCHITECTURE.md` name the right files, and no registry holds a row for which a step was left out.

use kinolens::cam::METHODS;
use kinolens::classical::{FeatureSet, Solver};
use kinolens::config::{KEYS, ModelConfig};
use kinolens::data::FORMATS;
use kinolens::model::{MODELS, Outline};
use kinolens::ui::layout::{Pane, default_tree};
use kinolens::ui::{PANELS, Workspace};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// All source below a folder.
fn below(folder: &str) -> String {
    let mut files = Vec::new();
    super::layering::sources(&root().join(folder), &mut files);
    files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_file_the_map_names_is_there() {
    let map = text("ARCHITECTURE.md");
    let places = ["src", "tests", "docs", "shaders", "scripts"];
    let named: Vec<&str> = quoted(&map)
        .into_iter()
        .filter(|q| places.iter().any(|p| *q == *p || q.starts_with(&format!("{p}/"))) && !q.contains("NAME"))
        .collect();
    assert!(named.len() > 40, "{} places", named.len());
    for place in named {
        assert!(root().join(place).exists(), "ARCHITECTURE.md names {place}, which is not there");
    }
    let recipes = map.matches("\n### Add a ").count();
    assert_eq!(recipes, 7, "each recipe has a test below");
}

#[test]
fn every_folder_of_the_source_is_on_the_map() {
    let map = text("ARCHITECTURE.md");
    for line in text("src/lib.rs").lines().filter_map(|l| l.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        let told = [format!("`src/{module}`"), format!("`src/{module}.rs`")].iter().any(|place| map.contains(place));
        assert!(told, "src/{module} is not on the map");
    }
}

#[test]
fn every_format_is_tested_and_documented() {
    let (page, tests) = (text("docs/formats.md"), text("tests/data/formats.rs") + &below("tests/data/formats"));
    for format in FORMATS {
        assert!(page.contains(&format!("| `{}` |", format.id)), "docs/formats.md has no row for {}", format.id);
        assert!(tests.contains(&format!("\"{}\"", format.id)), "tests/data has no miniature of {}", format.id);
    }
}

#[test]
fn every_network_can_be_built_and_is_held_to_the_original() {
    let (page, tests) = (text("docs/networks.md"), text("tests/model/networks.rs") + &below("tests/model"));
    for spec in MODELS {
        assert!(page.contains(&format!("`{}`", spec.id)), "docs/networks.md has no row for {}", spec.id);
        assert!(tests.contains(&format!("\"{}\"", spec.id)), "tests/model does not hold {} to its original", spec.id);
        let config = ModelConfig { id: spec.id.into(), ..ModelConfig::default() };
        let (t, h, w) = spec.input;
        let outline = Outline::of(&config, 5, [t, h, w].map(|n| n as usize)).unwrap();
        let explained = outline.layers.iter().find(|l| l.id == spec.default_layer);
        assert!(explained.is_some_and(|l| l.cam), "{} has no maps at {}", spec.id, spec.default_layer);
        for head in spec.head {
            assert!(outline.layers.iter().any(|l| l.id.starts_with(head)), "{} has no module {head}", spec.id);
        }
    }
}

#[test]
fn every_baseline_is_documented() {
    let page = text("docs/networks.md");
    for features in FeatureSet::ALL {
        let row = format!("| `classical-{}-…` |", features.id());
        assert!(page.contains(&row), "docs/networks.md has no row for {features:?}");
    }
    for solver in Solver::ALL {
        assert!(page.contains(&format!("| `-{}` |", solver.id())), "docs/networks.md has no row for {solver:?}");
    }
}

#[test]
fn every_method_has_its_paper_its_numbers_and_its_row() {
    let (page, tests) = (text("docs/heatmaps.md"), text("tests/model/golden.rs"));
    for method in METHODS {
        let row = page.lines().find(|l| l.starts_with(&format!("| `{}` |", method.id)));
        let row = row.unwrap_or_else(|| panic!("docs/heatmaps.md has no row for {}", method.id));
        assert!(row.contains(method.title) && row.contains(method.paper), "{row}");
        assert!(tests.contains(&format!("\"{}\"", method.id)), "tests/model/golden.rs does not hold {}", method.id);
    }
}

#[test]
fn every_panel_has_its_file_and_its_place() {
    for panel in PANELS {
        let file = format!("src/ui/panels/{}.rs", panel.id.replace('-', "_"));
        assert!(root().join(&file).is_file(), "{} is not in {file}", panel.id);
        assert!(!panel.workspaces.is_empty(), "no workspace shows {}", panel.id);
        for workspace in panel.workspaces {
            let tree = default_tree(*workspace);
            let shown =
                tree.tiles.iter().any(|(_, tile)| matches!(tile, egui_tiles::Tile::Pane(Pane(id)) if id == panel.id));
            assert!(shown, "{} has no place in the layout of {workspace:?}", panel.id);
        }
    }
    for workspace in Workspace::ALL {
        let known = |id: &str| PANELS.iter().any(|p| p.id == id && p.workspaces.contains(&workspace));
        for (_, tile) in default_tree(workspace).tiles.iter() {
            if let egui_tiles::Tile::Pane(Pane(id)) = tile {
                assert!(known(id), "the layout of {workspace:?} shows {id}, which is not made for it");
            }
        }
    }
}

#[test]
fn every_job_kind_is_one_file_and_one_row() {
    let modules: BTreeSet<String> = text("src/jobs/kinds/mod.rs")
        .lines()
        .filter_map(|l| Some(l.strip_prefix("mod ")?.trim_end_matches(';').to_owned()))
        .collect();
    let list = text("src/jobs/job.rs");
    let list = &list[list.find("\njobs! {").expect("the list of kinds")..];
    let list = &list[..list.find("\n}").expect("its end")];
    let rows: Vec<&str> =
        list.lines().filter_map(|l| l.trim().strip_suffix("),")?.split_once('(').map(|(_, kind)| kind)).collect();
    assert_eq!(rows.len(), modules.len(), "{rows:?} and {modules:?}");
    let asked_for = below("src/ui") + &below("src/cli");
    for kind in rows {
        let source = modules.iter().find(|m| {
            let source = text(&format!("src/jobs/kinds/{m}.rs"));
            source.contains(&format!("impl JobKind for {kind} "))
        });
        assert!(source.is_some(), "{kind} has no file in src/jobs/kinds");
        assert!(asked_for.contains(kind), "neither the window nor the command line asks for {kind}");
    }
}

#[test]
fn every_subcommand_is_documented_and_tried() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_kinolens")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let list = help.split("Commands:").nth(1).expect("a list of commands");
    let commands: Vec<&str> = list
        .lines()
        .skip(1)
        .take_while(|l| l.starts_with("  "))
        // A help that does not fit goes on below, further in.
        .filter(|l| !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .filter(|c| *c != "help")
        .collect();
    assert!(commands.len() >= 13, "{commands:?}");
    let (page, tests) = (text("docs/command_line.md"), below("tests/cli") + &below("tests/model"));
    for command in commands {
        let row = page.lines().find(|l| l.starts_with(&format!("| `{command}` |")));
        assert!(
            row.is_some_and(|r| r.contains(&format!("`kinolens {command}"))),
            "docs/command_line.md shows no {command}"
        );
        assert!(
            tests.contains(&format!("\"{command} ")) || tests.contains(&format!("\"{command}\"")),
            "no test runs {command}"
        );
        // An example that is refused would be worse than none: its arguments are known.
        let example = row.and_then(|r| quoted(r).into_iter().find(|q| q.starts_with("kinolens "))).unwrap_or_default();
        let options = example.split_whitespace().filter(|w| w.starts_with("--"));
        let help =
            std::process::Command::new(env!("CARGO_BIN_EXE_kinolens")).args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        for option in options {
            assert!(help.contains(option), "kinolens {command} has no {option}");
        }
    }
}

#[test]
fn the_help_of_set_tells_of_every_key() {
    // That every value has a row, and every row its place in the form, is held by `config/keys.rs` and `config_form`.
    let names: BTreeSet<&str> = KEYS.iter().map(|k| k.name).collect();
    assert!(KEYS.len() > 40 && names.len() > 40, "{} keys", KEYS.len());
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_kinolens")).args(["train", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for key in KEYS {
        assert!(help.contains(key.path), "the help of --set does not tell of {}", key.path);
    }
}

#[test]
fn the_reader_of_the_map_sees_what_is_quoted() {
    assert_eq!(quoted("a `b` c `d`"), ["b", "d"]);
    assert!(Path::new(&root()).join("ARCHITECTURE.md").is_file());
}

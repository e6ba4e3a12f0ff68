//! Dependencies by what `deny.toml` allows, without a network: licences, sources, and how many crates come in two versions.
//! `cargo deny check` asks for the same and also for advisories, where it is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Names that are built in more than one version today: each costs everybody build time. The number may only fall.
const TWICE: usize = 20;

struct Package {
    name: String,
    version: String,
    /// Where it comes from, where that is not the registry.
    elsewhere: bool,
    license: String,
}

/// What is built for this machine, with the features that are on by default.
fn packages() -> Vec<Package> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-e", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}|{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let lines: BTreeSet<String> = String::from_utf8(tree.stdout).unwrap().lines().map(str::to_owned).collect();
    let package = |line: &String| {
        // A package that was shown before is marked.
        let (package, license) = line.trim_end_matches(" (*)").split_once('|')?;
        let mut words = package.split_whitespace();
        let (name, version) = (words.next()?.to_owned(), words.next()?.trim_start_matches('v').to_owned());
        let elsewhere = words.any(|w| w.starts_with('(') && w != "(proc-macro)");
        (name != "kinolens").then(|| Package { name, version, elsewhere, license: license.to_owned() })
    };
    lines.iter().filter_map(package).collect()
}

/// The licences that `deny.toml` allows.
fn allowed() -> BTreeSet<String> {
    let config = include_str!("../../deny.toml");
    let list = config.split("allow = [").nth(1).and_then(|l| l.split(']').next()).expect("a list of licences");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// True where an SPDX expression can be fulfilled with the licences allowed. Older manifests write `/` for `OR`.
fn fits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    fn any(text: &str, allowed: &BTreeSet<String>) -> bool {
        split(text, " OR ").iter().any(|part| all(part, allowed))
    }
    fn all(text: &str, allowed: &BTreeSet<String>) -> bool {
        split(text, " AND ").iter().all(|part| {
            let part = part.trim();
            match part.strip_prefix('(').and_then(|p| p.strip_suffix(')')) {
                Some(inner) => any(inner, allowed),
                None => allowed.contains(part),
            }
        })
    }
    /// At the outermost level only.
    fn split(text: &str, at: &str) -> Vec<String> {
        let (mut parts, mut depth, mut part) = (Vec::new(), 0, String::new());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if depth == 0 && rest.starts_with(at) {
                parts.push(std::mem::take(&mut part));
                rest = &rest[at.len()..];
                continue;
            }
            depth += i32::from(c == '(') - i32::from(c == ')');
            part.push(c);
            rest = &rest[c.len_utf8()..];
        }
        parts.push(part);
        parts
    }
    any(&expression.replace(" / ", " OR ").replace('/', " OR "), allowed)
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed_and_comes_from_the_registry() {
    let (packages, allowed) = (packages(), allowed());
    assert!(packages.len() > 300 && allowed.len() > 8, "{} packages, {} licences", packages.len(), allowed.len());
    let wrong: Vec<String> = packages
        .iter()
        .filter(|p| p.elsewhere || !fits(&p.license, &allowed))
        .map(|p| {
            format!("{} {}: {}", p.name, p.version, if p.elsewhere { "not from the registry" } else { &p.license })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No crate that links MPI is in the graph of the usual build; who may name MPI in our own code is held by `layering.rs`, and the
/// symbols of the program that is packaged are looked at by `scripts/package`.
#[test]
fn the_usual_build_knows_nothing_of_mpi() {
    let of_mpi = |p: &Package| p.name == "mpi" || p.name == "mpi-sys" || p.name.starts_with("build-probe");
    let found: Vec<String> = packages().into_iter().filter(of_mpi).map(|p| p.name).collect();
    assert!(found.is_empty(), "the usual build links MPI: {found:?}");
}

#[test]
fn no_further_crate_is_built_twice() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let twice: Vec<_> = versions.iter().filter(|(_, v)| v.len() > 1).collect();
    assert!(twice.len() <= TWICE, "{} crates in two versions: {twice:#?}", twice.len());
    assert_eq!(twice.len(), TWICE, "fewer crates come twice: lower TWICE, so that it stays so");
}

#[test]
fn expressions_of_licences_are_read_as_they_are_meant() {
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0", "OFL-1.1"].map(str::to_owned).into();
    for fine in ["MIT", "MIT OR GPL-3.0", "Apache-2.0/MIT", "(MIT OR GPL-2.0) AND OFL-1.1", "GPL-2.0 / MIT"] {
        assert!(fits(fine, &allowed), "{fine}");
    }
    for wrong in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND Ubuntu-font-1.0", ""] {
        assert!(!fits(wrong, &allowed), "{wrong}");
    }
}

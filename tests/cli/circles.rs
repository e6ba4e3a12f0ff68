//! Circles between files: a reader of one has to read them all. Their number may only fall.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Files that lie in circles today. Take a file off when its circle is opened; a new one does not pass.
const CIRCLES: &[&[&str]] = &[
    &["config::presets", "config::run"],
    &["data::demo::figure", "data::demo::head"],
    &["data::duplicates", "data::video_facts"],
    &["data::formats::containers", "data::formats::find", "data::formats::people"],
    &["model::kernels::conv_f64", "model::kernels::winograd::transforms_f64"],
    &["model::weights::globals", "model::weights::pickle", "model::weights::tree"],
    &["ui::arrangement", "ui::explain", "ui::networks", "ui::state"],
    &["ui::dispatch::looking", "ui::dispatch::opening"],
    &["video::beginning", "video::demux", "video::edits", "video::reorder"],
    &["video::file", "video::pool", "video::suspects"],
    &["video::folder_pictures", "video::stills", "video::tiff"],
    &["video::index", "video::losses", "video::timing"],
];

/// The source of a module without comments, literals and unit tests.
fn code(text: &str) -> String {
    let own = text.split("\nmod tests {").next().unwrap_or_default();
    // A visibility is no use.
    super::layering::code_of(own).replace("pub(in crate", "pub(in here")
}

/// Every path of a use tree: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let (before, inner) = (&tree[..open], &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())]);
    let (mut out, mut depth, mut part) = (Vec::new(), 0, String::new());
    for c in inner.chars().chain([',']) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !part.trim().is_empty() {
                    out.extend(paths(&part).iter().map(|p| format!("{before}{p}")));
                }
                part.clear();
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    out
}

/// The modules of the crate, what each names, and what each passes on under a name of its own.
#[derive(Default)]
struct Crate {
    code: BTreeMap<String, String>,
    passed_on: BTreeMap<String, String>,
    named: BTreeMap<String, BTreeSet<String>>,
}

impl Crate {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        super::layering::sources(&root, &mut files);
        let mut all = Self::default();
        for file in files {
            let name = file.strip_prefix(&root).unwrap().with_extension("").to_string_lossy().replace('/', "::");
            let name = name.strip_suffix("::mod").unwrap_or(&name).to_owned();
            if !["lib", "main"].contains(&name.as_str()) {
                all.code.insert(name, code(&std::fs::read_to_string(&file).unwrap()));
            }
        }
        for (module, code) in all.code.clone() {
            let named = all.names_of(&module, &code);
            all.named.insert(module, named);
        }
        all
    }

    /// A path as seen from the crate's root; `None` for what lies outside it.
    fn absolute(&self, path: &str, module: &str) -> Option<String> {
        let mut base: Vec<&str> = module.split("::").collect();
        let mut rest: Vec<&str> = path.split("::").map(str::trim).collect();
        match *rest.first()? {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                while rest.get(1) == Some(&"super") {
                    base.pop();
                    rest.remove(0);
                }
                base.pop();
            }
            first if self.code.contains_key(&format!("{module}::{first}")) => rest.insert(0, "self"),
            _ => return None,
        }
        base.extend(&rest[1..]);
        Some(base.join("::"))
    }

    fn names_of(&mut self, module: &str, code: &str) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        let mut rest = String::new();
        for statement in code.split_inclusive(';') {
            let at = ["use "].iter().filter_map(|u| statement.rfind(u)).max();
            let uses = at.filter(|at| {
                let before = statement[..*at].trim_end();
                statement.ends_with(';')
                    && (before.is_empty() || before.ends_with([';', '}', ']', '{', ')']) || before.ends_with("pub"))
            });
            let Some(at) = uses else {
                rest += statement;
                continue;
            };
            rest += &statement[..at];
            let public = statement[..at].trim_end();
            let public = public.ends_with("pub") || public.ends_with(')') && public.rfind("pub(").is_some();
            for path in paths(statement[at + 4..].trim_end_matches(';')) {
                let Some(path) = self.absolute(&path, module) else { continue };
                let own = path.starts_with(&format!("{module}::"));
                if public {
                    let last = path.rsplit("::").next().unwrap_or_default();
                    self.passed_on.insert(format!("{module}::{last}"), path.clone());
                }
                if !(public && own) {
                    named.insert(path);
                }
            }
        }
        for start in ["crate::", "super::"] {
            for (at, _) in rest.match_indices(start) {
                let before = rest[..at].chars().last().unwrap_or(' ');
                if before.is_alphanumeric() || before == '_' || before == ':' {
                    continue;
                }
                let path: String =
                    rest[at..].chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
                named.extend(self.absolute(path.trim_end_matches(':'), module));
            }
        }
        named
    }

    /// The module in which what a path names is written.
    fn home(&self, path: &str) -> Option<String> {
        let mut path = path.to_owned();
        // A name may be passed on several times.
        for _ in 0..8 {
            let parts: Vec<&str> = path.split("::").collect();
            let prefixes = (1..=parts.len()).rev().map(|n| (parts[..n].join("::"), parts[n..].join("::")));
            let mut next = None;
            for (prefix, rest) in prefixes {
                if let Some(to) = self.passed_on.get(&prefix) {
                    next = Some(if rest.is_empty() { to.clone() } else { format!("{to}::{rest}") });
                    break;
                }
                if self.code.contains_key(&prefix) {
                    return Some(prefix);
                }
            }
            path = next?;
        }
        None
    }

    fn arrows(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let to =
            |m: &str, named: &BTreeSet<String>| named.iter().filter_map(|p| self.home(p)).filter(|h| h != m).collect();
        self.named.iter().map(|(m, named)| (m.as_str(), to(m, named))).collect()
    }
}

/// Sets of modules that all lead to each other.
fn circles(arrows: &BTreeMap<&str, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reach = |from: &str| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(next) = todo.pop() {
            for to in arrows.get(next.as_str()).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    todo.push(to.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<String>> = arrows.keys().map(|m| (*m, reach(m))).collect();
    let both = |a: &str, b: &str| reached[a].contains(b) && reached.get(b).is_some_and(|r| r.contains(a));
    reached
        .keys()
        .filter(|m| reached[*m].contains(**m))
        .map(|m| reached.keys().filter(|o| both(m, o)).map(|o| (*o).to_owned()).collect())
        .collect()
}

#[test]
fn circles_between_files_only_become_fewer() {
    let all = Crate::read();
    assert!(all.code.len() > 200, "{} modules", all.code.len());
    let arrows = all.arrows();
    assert!(arrows["jobs::kinds::train"].contains("jobs::kind"), "the checker sees a plain import");
    assert!(arrows["ui::dispatch"].contains("ui::action"), "and one through a parent");
    let known: BTreeSet<Vec<String>> = CIRCLES.iter().map(|c| c.iter().map(|m| (*m).to_owned()).collect()).collect();
    let found = circles(&arrows);
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    for module in new.iter().flat_map(|circle| circle.iter()) {
        eprintln!("{module} names {:?}", arrows[module.as_str()]);
    }
    assert!(
        new.is_empty() && gone.is_empty(),
        "new circles: {new:#?}\nno longer there (take them off the list): {gone:#?}"
    );
}

#[test]
fn the_checker_finds_a_circle() {
    let arrows = BTreeMap::from([
        ("a", BTreeSet::from(["b".to_owned()])),
        ("b", BTreeSet::from(["c".to_owned()])),
        ("c", BTreeSet::from(["b".to_owned()])),
    ]);
    assert_eq!(circles(&arrows), BTreeSet::from([vec!["b".to_owned(), "c".to_owned()]]));
    assert_eq!(paths("x::{a, b::{c, d}}"), ["x::a", "x::b::c", "x::b::d"]);
}

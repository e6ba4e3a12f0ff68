//! Texts use the terms of the glossary: the window's and the command line's, read from the source, and the pages of the
//! documentation.

use super::layering::{end_of_raw, end_of_string};
use kinolens::domain::GLOSSARY;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let (mut out, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|e| e == extension) => out.push(path),
                false => {}
            }
        }
    }
    out.sort();
    out
}

/// The strings of a module outside its unit tests, without the names between their braces; with `help`, also its
/// documentation, which clap shows.
fn strings(text: &str, help: bool) -> Vec<String> {
    let text: Vec<char> = text.split("\nmod tests {").next().unwrap_or_default().chars().collect();
    let (mut out, mut at, mut word) = (Vec::new(), 0, false);
    while let Some(c) = text.get(at).copied() {
        let comment = c == '/' && text.get(at + 1) == Some(&'/');
        let end = match c {
            _ if comment => (at..text.len()).find(|i| text[*i] == '\n').unwrap_or(text.len()),
            '"' => end_of_string(&text, at),
            'r' if !word => end_of_raw(&text, at).unwrap_or(at),
            '\'' if text.get(at + 1) == Some(&'"') => at + 3,
            '\'' if text.get(at + 1) == Some(&'\\') => at + 4,
            _ => at,
        };
        let part: String = text[at..end.min(text.len())].iter().collect();
        if !comment && c != '\'' && end > at && part.len() > 2 || help && part.starts_with("///") {
            out.push(without_names(&part));
        }
        word = c.is_alphanumeric() || c == '_';
        at = end.max(at + 1);
    }
    out
}

/// A literal with its line breaks joined and what stands between braces taken out.
fn without_names(literal: &str) -> String {
    let (mut out, mut depth) = (String::new(), 0_u32);
    for c in literal.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '\\' | '\n' => out.push(' '),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A page without its code, which has names that are no prose.
fn prose(page: &str) -> String {
    let outside: String = page.split("```").step_by(2).collect();
    outside.split('`').step_by(2).collect::<Vec<_>>().join("_")
}

fn has_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
    text.match_indices(&word)
        .any(|(at, _)| !letter(text[..at].chars().next_back()) && !letter(text[at + word.len()..].chars().next()))
}

/// Every text with where it stands. Single words in small letters outside the window are ids of files and formats.
fn texts() -> Vec<(String, String)> {
    let mut out = Vec::new();
    for folder in ["ui", "cli", "config", "compare", "domain", "eval", "jobs", "render", "run_folder", "train"] {
        for path in files(&format!("src/{folder}"), "rs") {
            let unit_tests = path.iter().any(|part| part == "tests" || part == "tests.rs");
            // What people may type in a search, the replaced words among it.
            let searched = ["ui/finder.rs", "ui/widgets/settings_words.rs"].iter().any(|f| path.ends_with(f));
            if unit_tests || searched || path.ends_with("domain/glossary.rs") {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let help = folder == "cli" && path.to_string_lossy().contains("args");
            for text in strings(&source, help) {
                let inner = text.trim_matches('"');
                let id = folder != "ui" && !inner.contains(' ') && inner.chars().all(|c| !c.is_uppercase());
                if !id {
                    out.push((path.display().to_string(), text));
                }
            }
        }
    }
    let pages = files("docs", "md").into_iter().chain([root().join("README.md")]);
    for path in pages.filter(|p| !p.ends_with("glossary.md")) {
        let page = prose(&std::fs::read_to_string(&path).unwrap());
        out.extend(page.lines().map(|line| (path.display().to_string(), line.to_owned())));
    }
    out
}

#[test]
fn texts_use_the_terms_of_the_glossary_and_none_that_they_replace() {
    let texts = texts();
    assert!(texts.len() > 1000, "only {} texts were found", texts.len());
    let mut found = Vec::new();
    for term in GLOSSARY {
        assert!(texts.iter().any(|(_, text)| has_word(text, term.name)), "no text has '{}'", term.name);
        for word in term.instead_of {
            // The heading of a table that scripts read.
            let kept = |text: &str| text.contains("labelled said");
            let wrong = texts.iter().filter(|(_, text)| has_word(text, word) && !kept(text));
            found.extend(wrong.map(|(path, text)| format!("{path}: '{word}' instead of '{}': {text}", term.name)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_page_lists_the_terms_of_the_window() {
    let page = std::fs::read_to_string(root().join("docs/glossary.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|l| l.starts_with("| ") && !l.starts_with("| term")).collect();
    let wanted: Vec<String> = GLOSSARY.iter().map(|t| format!("| {} | {} |", t.name, t.meaning)).collect();
    assert_eq!(rows, wanted);
}

#[test]
fn a_word_that_is_replaced_is_seen_in_a_string_and_in_help_and_not_in_code() {
    let source = "//! called\n/// Said of it.\nfn said() -> &'static str { let called = '\"'; \"a {called} clip \\\n   called so\" }";
    assert_eq!(strings(source, false), ["\"a clip called so\""]);
    assert_eq!(strings(source, true), ["/// Said of it.", "\"a clip called so\""]);
    assert!(
        has_word("Surest first", "surest") && !has_word("mirrored-copy", "mirrored") && !has_word("recalled", "called")
    );
    assert!(!prose("run `said` and\n```\nsaid\n```\nend").contains("said"));
}

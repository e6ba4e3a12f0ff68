//! `kinolens desktop-entry`: the menu entry and icons for those who did not install a package; `kinolens packaging`: man pages and
//! shell completions, made of the definitions of the arguments.

use super::Exit;
use super::args::{Cli, DesktopEntryArgs, PackagingArgs};
use super::common::Outcome;
use super::monitor::print_line;
use anyhow::{Context, anyhow};
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const ENTRY: &str = include_str!("../../assets/linux/kinolens.desktop");
const VECTOR_ICON: &[u8] = include_bytes!("../../assets/icon/kinolens.svg");
const ICONS: [(u32, &[u8]); 3] = [
    (48, include_bytes!("../../assets/icon/kinolens-48.png")),
    (128, include_bytes!("../../assets/icon/kinolens-128.png")),
    (256, include_bytes!("../../assets/icon/kinolens-256.png")),
];

pub(super) fn desktop_entry(args: &DesktopEntryArgs) -> Outcome {
    let program = std::env::current_exe().context("this program's own path is not known")?;
    let entry = entry_for(&program)?;
    if !args.install && !args.remove {
        entry.lines().for_each(print_line);
        return Ok(ExitCode::SUCCESS);
    }
    let home = data_home().ok_or_else(|| Exit::Usage(anyhow!("neither XDG_DATA_HOME nor HOME is set")))?;
    let files = files(&home, &entry);
    if args.remove {
        return remove(&home, files.into_iter().map(|(path, _)| path));
    }
    for (path, bytes) in files {
        let folder = path.parent().unwrap_or(&home);
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        print_line(&path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes an installation, and says which of its files were there.
fn remove(home: &Path, files: impl Iterator<Item = PathBuf>) -> Outcome {
    let mut removed = false;
    for path in files {
        match std::fs::remove_file(&path) {
            Ok(()) => print_line(&format!("removed {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Exit::Failed(anyhow!("cannot remove {}: {error}", path.display()))),
        }
        removed = true;
    }
    if !removed {
        print_line(&format!("there is no menu entry of kinolens below {}: nothing to remove", home.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a user's own menu entries and icons lie.
fn data_home() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))
}

/// The menu entry with the path of the program, quoted as the specification of desktop entries asks for.
fn entry_for(program: &Path) -> Result<String, Exit> {
    let path = program
        .to_str()
        .filter(|p| !p.contains(['\n', '\r']))
        .ok_or_else(|| Exit::Failed(anyhow!("{} cannot stand in a menu entry; move the program", program.display())))?;
    let mut quoted = String::from("\"");
    for c in path.chars() {
        match c {
            '"' | '`' | '$' => quoted.extend(["\\\\", c.encode_utf8(&mut [0; 4])]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    let line = |line: &str| match line.split_once('=') {
        Some(("Exec", rest)) => rest.replacen("kinolens", &format!("Exec={quoted}"), 1),
        Some(("TryExec", _)) => format!("TryExec={}", path.replace('\\', "\\\\")),
        _ => line.to_owned(),
    };
    Ok(ENTRY.lines().map(|l| line(l) + "\n").collect())
}

/// Files of an installation below the data folder.
fn files(home: &Path, entry: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let icons = home.join("icons/hicolor");
    let mut out = vec![
        (home.join("applications/kinolens.desktop"), entry.as_bytes().to_vec()),
        (icons.join("scalable/apps/kinolens.svg"), VECTOR_ICON.to_vec()),
    ];
    out.extend(ICONS.map(|(side, bytes)| (icons.join(format!("{side}x{side}/apps/kinolens.png")), bytes.to_vec())));
    out
}

pub(super) fn packaging(args: &PackagingArgs) -> Outcome {
    let dir = &args.dir;
    let empty = std::fs::read_dir(dir).map_or(!dir.exists(), |mut entries| entries.next().is_none());
    if !empty {
        return Err(Exit::Usage(anyhow!("{} is there and is not an empty folder; name another one", dir.display())));
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let failed = || format!("cannot write to {}", dir.display());
    clap_mangen::generate_to(Cli::command(), dir).with_context(failed)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "kinolens", dir).with_context(failed)?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_the_program_as_the_specification_quotes_it() {
        let of = |path: &str| entry_for(Path::new(path)).ok().unwrap();
        assert!(of("/opt/kino lens/kinolens").contains("\nExec=\"/opt/kino lens/kinolens\" %f\n"));
        assert!(of("/a$b/100%/k").contains("\nExec=\"/a\\\\$b/100%%/k\" %f\n"), "{}", of("/a$b/100%/k"));
        assert!(of("/usr/bin/kinolens").contains("\nTryExec=/usr/bin/kinolens\n"));
        assert!(entry_for(Path::new("/a\nb")).is_err());
        assert_eq!(files(Path::new("/h"), "").len(), 5);
    }
}

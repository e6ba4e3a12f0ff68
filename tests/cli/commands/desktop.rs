//! The menu entry, man pages and shell completions.

use super::*;

/// A command with a data folder of its own.
fn with_home(home: &Path, words: &str) -> String {
    let out = command(home, words).env("XDG_DATA_HOME", home).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{words}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn a_menu_entry_is_installed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let shown = with_home(home, "desktop-entry");
    assert!(
        shown.starts_with("[Desktop Entry]\n") && shown.contains("\nExec=\"/") && shown.contains("/kinolens\" %f\n"),
        "{shown}"
    );
    assert_eq!(std::fs::read_dir(home).unwrap().count(), 0, "showing it writes nothing");
    let written = with_home(home, "desktop-entry --install");
    for path in written.lines() {
        assert!(Path::new(path).is_file() && path.starts_with(&home.display().to_string()), "{path}");
    }
    let entry = home.join("applications/kinolens.desktop");
    assert_eq!(std::fs::read_to_string(&entry).unwrap(), shown);
    // The checker of the specification, where it is installed.
    if let Ok(checked) = std::process::Command::new("desktop-file-validate").arg(&entry).output() {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
    for side in [48_u32, 128, 256] {
        let icon = image::open(home.join(format!("icons/hicolor/{side}x{side}/apps/kinolens.png"))).unwrap();
        assert_eq!((icon.width(), icon.height()), (side, side));
    }
    let removed = with_home(home, "desktop-entry --remove");
    assert!(!entry.exists());
    let paths: Vec<&str> = removed.lines().filter_map(|l| l.strip_prefix("removed ")).collect();
    assert_eq!(paths, written.lines().collect::<Vec<_>>(), "what was installed is removed, file by file");
    let again = with_home(home, "desktop-entry --remove");
    assert!(again.contains("there is no menu entry") && again.contains("nothing to remove"), "{again}");
    fails_in(home, 2, "desktop-entry --install --remove", &["--remove"]);
}

#[test]
fn packages_get_a_page_of_every_command_and_completions_of_three_shells() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("pages");
    with_home(dir.path(), &format!("packaging {}", out.display()));
    let page = |name: &str| std::fs::read_to_string(out.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(page("kinolens.1").contains(".TH kinolens 1"));
    for command in ["train", "evaluate", "explain", "look-inside", "label-issues"] {
        let text = page(&format!("kinolens-{command}.1"));
        assert!(text.contains(".SH OPTIONS") && text.contains("json"), "{command}");
    }
    for name in ["kinolens.bash", "_kinolens", "kinolens.fish"] {
        assert!(page(name).contains("look-inside"), "{name}");
    }
}

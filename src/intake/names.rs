//! What is named on a command line: logs, run folders, folders of either, globs.

use super::foreign::Unreadable;
use crate::engine::in_order;
use crate::input::Source;
use globset::{Glob, GlobMatcher};
use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::path::{Path, PathBuf};

/// What a file's name ends with when a folder is searched for logs: console logs, and what xfstests and blktests leave.
const LOG_ENDINGS: [&str; 4] = [".log", ".dmesg", ".txt", ".console"];
/// And what may follow these.
const PACKED: [&str; 5] = [".gz", ".xz", ".zst", ".bz2", ".lz4"];
/// Archives, whose members are looked at; packed ones, too.
const ARCHIVES: [&str; 3] = [".zip", ".tar", ".tgz"];
/// The file by which a run folder is known, and the log in it.
const MANIFEST: &str = "manifest.json";
const SERIAL: &str = "serial.log";
/// Folders below folders are searched so far down.
const DEPTH: usize = 6;
/// And so far where every file counts: deeper than people nest, far from the end of a stack.
const DEEP: usize = 64;
/// So many arguments one thread looks at before it takes the next: fewer are done before another would have woken up.
const ASKED_TOGETHER: usize = 512;

/// What arguments stand for.
#[derive(Debug, Default)]
pub struct Named {
    /// In the order of the arguments.
    pub sources: Vec<Source>,
    /// What is said about arguments that stand for nothing.
    pub faults: Vec<Unreadable>,
}

/// The sources that arguments stand for: each itself, the serial log of a run folder, all logs of a folder, a glob's matches;
/// sorted by name within an argument. What is not there is a source, too: opening it says so. Of many arguments several threads
/// ask what they are.
#[must_use]
pub fn named<'a>(arguments: impl IntoIterator<Item = &'a OsStr>, threads: usize) -> Named {
    let mut named = Named::default();
    let arguments: Vec<&OsStr> = arguments.into_iter().collect();
    // A shell names ten thousand files where somebody writes a star, and each of them is asked for.
    let asked: Vec<&[&OsStr]> = arguments.chunks(ASKED_TOGETHER).collect();
    let folders = in_order(threads, &asked, |asked| {
        asked.iter().map(|argument| Path::new(argument).is_dir()).collect::<Vec<bool>>()
    });
    for (argument, is_folder) in arguments.into_iter().zip(folders.into_iter().flatten()) {
        let path = Path::new(argument);
        let shown = path.display().to_string();
        let found = if is_folder {
            let mut found = Vec::new();
            search(path, DEPTH, &mut found);
            found
        } else if shown.contains(['*', '?', '[']) && !path.exists() && !shown.contains("://") {
            glob(path)
        } else {
            named.sources.push(Source::new(argument));
            continue;
        };
        if found.is_empty() {
            named.faults.push(Unreadable::Nowhere(shown, LOG_ENDINGS.join(", ")));
        }
        named.sources.extend(found.into_iter().map(Source::Path));
    }
    named
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    walk(folder, depth, &run_log, &|name| is_log(name) || ends_with(name, &ARCHIVES), found);
}

/// The serial log of a run folder: what lies deeper are copies of it at its hits.
fn run_log(folder: &Path) -> Option<PathBuf> {
    let serial = folder.join(SERIAL);
    (folder.join(MANIFEST).is_file() && serial.is_file()).then_some(serial)
}

/// All plain files below a folder whose names are wanted, sorted; each real folder once, links to folders not followed.
///
/// # Errors
/// The folder itself cannot be listed.
pub fn files_below(folder: &Path, wanted: impl Fn(&OsStr) -> bool) -> std::io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?;
    let mut found = Vec::new();
    walk(folder, DEEP, &|_| None, &wanted, &mut found);
    found.sort();
    Ok(found)
}

/// The one walk of folders. `whole` may answer for a folder with the one file that stands for it; a device or a FIFO is
/// never found.
fn walk(
    folder: &Path,
    depth: usize,
    whole: &dyn Fn(&Path) -> Option<PathBuf>,
    wanted: &dyn Fn(&OsStr) -> bool,
    found: &mut Vec<PathBuf>,
) {
    if let Some(file) = whole(folder) {
        found.push(file);
        return;
    }
    for (name, listed) in entries(folder) {
        let path = folder.join(&name);
        // What the folder tells of each need not be asked for, but for links: where they lead.
        let kind =
            if listed.is_symlink() { std::fs::metadata(&path).map(|found| found.file_type()) } else { Ok(listed) };
        let Ok(kind) = kind else { continue };
        if kind.is_dir() {
            // A link to a folder may lead back.
            if depth > 0 && !listed.is_symlink() {
                walk(&path, depth - 1, whole, wanted, found);
            }
        } else if kind.is_file() && wanted(&name) {
            found.push(path);
        }
    }
}

/// What lies in a folder, sorted by name.
fn entries(folder: &Path) -> Vec<(OsString, FileType)> {
    let listed = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> = listed.filter_map(|entry| Some((entry.file_name(), entry.file_type().ok()?))).collect();
    entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    entries
}

/// Whether a file of this name is a log, packed or not.
#[must_use]
pub fn is_log(name: &OsStr) -> bool {
    ends_with(name, &LOG_ENDINGS)
}

fn ends_with(name: &OsStr, endings: &[&str]) -> bool {
    let name = name.to_string_lossy();
    let bare = PACKED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    endings.iter().any(|ending| bare.ends_with(ending))
}

/// What a pattern with `*`, `?` and `[…]` in its components matches; folders that it matches are searched.
fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy().into_owned();
        if !name.contains(['*', '?', '[']) {
            found = found.into_iter().map(|path| path.join(&name)).filter(|path| path.exists()).collect();
            continue;
        }
        let Some(pattern) = pattern_of(&name) else { return Vec::new() };
        found = found
            .iter()
            .flat_map(|path| {
                let listed = entries(if path.as_os_str().is_empty() { Path::new(".") } else { path });
                listed.into_iter().map(|(entry, _)| path.join(entry))
            })
            .filter(|path| {
                let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                pattern.is_match(&file) && (!file.starts_with('.') || name.starts_with('.'))
            })
            .collect();
    }
    let mut logs = Vec::new();
    for path in found {
        if path.is_dir() { search(&path, DEPTH, &mut logs) } else { logs.push(path) }
    }
    logs
}

/// The names that a component of a pattern stands for, as in a shell: `*`, `?`, `[…]`; braces are themselves, and so is all of
/// what is not a pattern.
fn pattern_of(component: &str) -> Option<GlobMatcher> {
    let own = component.replace('{', "[{]").replace('}', "[}]").replace("[^", "[!");
    let glob = Glob::new(&own).or_else(|_| Glob::new(&globset::escape(component)));
    glob.ok().map(|glob| glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_a_shell() {
        let hit = |pattern: &str, text: &str| pattern_of(pattern).is_some_and(|pattern| pattern.is_match(text));
        assert!(hit("*.log", "a.log") && hit("run?", "run1") && hit("a*b*c", "aXbYbc") && hit("[a-c]x", "bx"));
        assert!(!hit("*.log", "a.txt") && !hit("run?", "run") && !hit("[!a]x", "ax") && hit("[x", "[x"));
        assert!(hit("{a,b}*", "{a,b}1") && !hit("{a,b}*", "a1") && !hit("[^a]x", "ax") && hit("[^a]x", "bx"));
    }

    #[test]
    fn a_folder_gives_its_runs_and_its_logs() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("run1/hits/0")).expect("made");
        std::fs::write(at("run1/manifest.json"), "{}").expect("written");
        for name in ["run1/serial.log", "run1/hits/0/serial.log", "b.dmesg", "a.log.gz", "c.png"] {
            std::fs::write(at(name), "x").expect("written");
        }
        let found = |argument: &Path| named([argument.as_os_str()], 1);
        let names: Vec<String> = found(folder.path())
            .sources
            .iter()
            .map(|source| source.to_string().replace(&format!("{}/", folder.path().display()), ""))
            .collect();
        assert_eq!(names, ["a.log.gz", "b.dmesg", "run1/serial.log"]);
        std::os::unix::fs::symlink(folder.path(), at("back")).expect("linked");
        std::os::unix::fs::symlink("/dev/zero", at("endless.log")).expect("linked");
        let below = files_below(folder.path(), is_log).expect("listed");
        assert_eq!(below, ["a.log.gz", "b.dmesg", "run1/hits/0/serial.log", "run1/serial.log"].map(at));
        assert_eq!(found(&at("[ab].*")).sources.len(), 2);
        assert_eq!(found(&at("absent")).sources, [Source::Path(at("absent"))], "opening it says that it is not there");
        let none = found(&at("x*"));
        assert_eq!((none.sources.len(), none.faults.len()), (0, 1));
    }
}

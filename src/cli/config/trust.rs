//! What a `kanalyze.toml` may say that came with a folder: the folder may be a stranger's, cloned or unpacked a minute ago.
//!
//! Such a file changes what is read, sought and shown, and what a guest does. What starts programs of this machine, opens a guest
//! to it, reaches a server or writes outside of the folder is said by the user: on the command line, in the environment, in the
//! file below `$XDG_CONFIG_HOME`, or by naming the folder in `trusted` of that file.

use super::file::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

/// How far a value of an option reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What is read, sought and shown, and what a guest does.
    Inside,
    /// A place that is written: it must lie below the folder of the file.
    Place,
    /// Further: in words, as in "'qemu' starts a program of this machine".
    Beyond(&'static str),
}

/// How far an option of a verb reaches. One that takes a value and is not known here reaches far.
pub(super) fn reach(verb: &[&str], option: &str, takes_value: bool) -> Reach {
    const MAKES: &str = "says what `make` runs";
    const SERVER: &str = "says which server is asked";
    const OPENS: &str = "opens the guest to this machine";
    match (verb.first().copied().unwrap_or_default(), option) {
        (_, "qemu" | "qemu-arg" | "machine") => Reach::Beyond("starts a program of this machine, or says what it does"),
        ("kernel", "source" | "make" | "patch" | "config" | "fragment") => Reach::Beyond(MAKES),
        (_, "tree") => Reach::Beyond("names a kernel tree, whose scripts/get_maintainer.pl may be run"),
        (_, "share" | "open-network" | "persist" | "disk-format") => Reach::Beyond(OPENS),
        (_, "base-url" | "archive-url" | "dashboard-url") => Reach::Beyond(SERVER),
        (_, "in-place") => Reach::Beyond("changes the file that is named"),
        ("mcp", "root") => Reach::Beyond("opens a folder to whoever the client is"),
        ("note", "runs") => Reach::Inside,
        (_, "runs" | "into" | "work" | "output" | "html" | "write-baseline") | ("bisect", "svg") => Reach::Place,
        (_, option) if !takes_value || READ.contains(&option) => Reach::Inside,
        _ => Reach::Beyond("is not among what a file of a folder may say"),
    }
}

/// Options with a value that only say what is read, sought or shown, or what a guest does.
const READ: &[&str] = &[
    "a",
    "ab",
    "accel",
    "again",
    "append",
    "arch",
    "as",
    "attempts",
    "b",
    "base",
    "base-runs",
    "baseline",
    "boot-timeout",
    "boots",
    "bundle",
    "c-repro",
    "color",
    "commit",
    "cpus",
    "crash",
    "disk",
    "exec",
    "executor",
    "extid",
    "features",
    "files-from",
    "format",
    "from",
    "ftrace",
    "ftrace-buffer",
    "grace",
    "grammar",
    "hit",
    "hit-line",
    "index",
    "initrd",
    "interval",
    "introduced-by",
    "jobs",
    "journal",
    "kallsyms",
    "kaslr-offset",
    "keep",
    "kernel",
    "key",
    "list",
    "log",
    "max-time",
    "mbox",
    "memory",
    "mid",
    "modules",
    "namespace",
    "no-output",
    "partition-by",
    "password",
    "procs",
    "profile",
    "program",
    "range",
    "release",
    "replay",
    "repro",
    "reported-within",
    "risk",
    "root",
    "script",
    "seen-within",
    "set",
    "settle",
    "show-bodies",
    "sort",
    "speed",
    "subsystem",
    "syz-bin",
    "syz-flag",
    "sysctl",
    "tag",
    "threads",
    "times",
    "title",
    "to",
    "today",
    "top",
    "transport",
    "type",
    "unset",
    "user",
    "vmlinux",
    "without",
];

/// Whether the path is below the folder: by its words, by no link, and through nothing hidden, such as `.git`.
pub(super) fn is_below(path: &Path, folder: &Path) -> bool {
    let Ok(rest) = path.strip_prefix(folder) else { return false };
    let mut place = folder.to_owned();
    rest.components().next().is_some()
        && rest.components().all(|part| {
            place.push(part);
            let plain = matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."));
            plain && !place.is_symlink()
        })
}

/// The other user to whom a file belongs, if it is neither ours nor the system's: somebody may have put it above the folders that we
/// work in, such as into /tmp.
pub(super) fn stranger(path: &Path) -> Option<u32> {
    let owner = std::fs::metadata(path).ok()?.uid();
    let own = rustix::process::geteuid().as_raw();
    // What sudo was called by is the same person.
    let behind = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok()).filter(|_| own == 0);
    (owner != own && owner != 0 && Some(owner) != behind).then_some(owner)
}

/// Whether the user's own file names the folder, or one above it.
pub(super) fn is_trusted(file: &Path, own: Option<&File>) -> bool {
    let Some(folder) = file.parent().and_then(|folder| folder.canonicalize().ok()) else { return false };
    own.is_some_and(|own| own.trusted.iter().any(|trusted| folder.starts_with(trusted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All verbs with their options: name, and whether it takes a value.
    fn options(command: &clap::Command, path: &[&str], found: &mut Vec<(String, String, bool)>) {
        for option in command.get_arguments().filter(|option| !option.is_hide_set()) {
            if let Some(long) = option.get_long().filter(|long| *long != "help" && *long != "version") {
                found.push((path.join(" "), long.to_owned(), option.get_action().takes_values()));
            }
        }
        for below in command.get_subcommands() {
            options(below, &[path, &[below.get_name()]].concat(), found);
        }
    }

    #[test]
    fn every_option_was_thought_about() {
        let mut command = crate::cli::command();
        command.build();
        let mut found = Vec::new();
        options(&command, &[], &mut found);
        assert!(found.len() > 200, "{}", found.len());
        let unknown: Vec<String> = found
            .iter()
            .filter(|(verb, option, value)| {
                let words: Vec<&str> = verb.split(' ').collect();
                matches!(reach(&words, option, *value), Reach::Beyond(why) if why.starts_with("is not among"))
            })
            .map(|(verb, option, _)| format!("{verb} --{option}"))
            .collect();
        assert!(unknown.is_empty(), "say in `reach` how far these reach: {}", unknown.join(", "));
        let exists = |name: &&&str| found.iter().any(|(_, option, value)| option == **name && *value);
        let gone: Vec<&&str> = READ.iter().filter(|name| !exists(name)).collect();
        assert!(gone.is_empty(), "no verb has these with a value: {gone:?}");
    }

    #[test]
    fn a_file_of_another_user_is_known() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        assert_eq!(stranger(file.path()), None);
        // Only root can give a file away.
        let given = std::os::unix::fs::chown(file.path(), Some(4321), None).is_ok();
        assert_eq!(stranger(file.path()), given.then_some(4321));
    }

    #[test]
    fn places_are_below_by_words_and_by_links() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let folder = root.path().join("project");
        std::fs::create_dir_all(folder.join("runs")).expect("made");
        std::os::unix::fs::symlink("/etc", folder.join("link")).expect("made");
        for (path, expected) in [
            ("runs", true),
            ("runs/new/er", true),
            ("", false),
            ("../elsewhere", false),
            ("runs/../../elsewhere", false),
            (".git/hooks", false),
            ("runs/.hidden", false),
            ("link", false),
            ("link/cron.d", false),
            ("/etc/cron.d", false),
        ] {
            assert_eq!(is_below(&folder.join(path), &folder), expected, "{path:?}");
        }
    }
}

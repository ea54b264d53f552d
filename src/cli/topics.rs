//! `kanalyze help exit|environment|files`: what all verbs have in common, also a man page; the exit statuses are those that the
//! verbs' own help says.

use clap::Command;
use std::fmt::Write as _;

/// A topic of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// Exit statuses.
    Exit,
    /// Variables of the environment.
    Environment,
    /// Files that are read or written without being named.
    Files,
}

impl Topic {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Exit, Self::Environment, Self::Files];

    /// By its word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.word() == word)
    }

    /// Its word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Environment => "environment",
            Self::Files => "files",
        }
    }

    /// Its heading in a man page.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Exit => "EXIT STATUS",
            Self::Environment => "ENVIRONMENT",
            Self::Files => "FILES",
        }
    }

    /// What is to be said: names and their meaning.
    pub(super) fn entries(self, command: &Command) -> Vec<(String, String)> {
        let owned = |entries: &[(&str, &str)]| -> Vec<(String, String)> {
            entries.iter().map(|(name, meaning)| ((*name).to_owned(), (*meaning).to_owned())).collect()
        };
        match self {
            Self::Exit => {
                let mut found = Vec::new();
                exits(command, "", &mut found);
                found
            }
            Self::Environment => owned(&ENVIRONMENT),
            Self::Files => owned(&FILES),
        }
    }

    /// As text.
    pub(super) fn text(self, command: &Command) -> String {
        let mut out = String::new();
        for (name, meaning) in self.entries(command) {
            let _ = writeln!(out, "{name}\n    {meaning}");
        }
        if self == Self::Exit {
            out.push_str("\nA verb that is not listed ends with 0, or with 2 if something went wrong; any verb ends with 2 if its\ncommand line is wrong, and with 128 and the signal's number if a signal ends it.\n");
        }
        out
    }
}

/// The exit statuses that the help of each verb states.
fn exits(command: &Command, above: &str, found: &mut Vec<(String, String)>) {
    for verb in command.get_subcommands() {
        let name = format!("{above}{}", verb.get_name());
        if let Some(meaning) = sections(verb).exit {
            found.push((name.clone(), meaning));
        }
        exits(verb, &format!("{name} "), found);
    }
}

/// The parts of what stands behind a verb's options.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sections {
    /// Commands with their comments, a line each.
    pub(super) examples: Vec<String>,
    /// One sentence.
    pub(super) exit: Option<String>,
    /// Everything else, as it stands.
    pub(super) rest: Vec<String>,
}

/// Takes the help behind the options apart.
pub(super) fn sections(verb: &Command) -> Sections {
    let text = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut parts = Sections::default();
    for paragraph in text.split("\n\n") {
        if let Some(examples) = paragraph.strip_prefix("Examples:\n") {
            parts.examples.extend(examples.lines().map(|line| line.trim_end().to_owned()));
        } else if let Some(meaning) = paragraph.strip_prefix("Exit status: ") {
            parts.exit = Some(meaning.split_whitespace().collect::<Vec<_>>().join(" "));
        } else if !paragraph.trim().is_empty() {
            parts.rest.extend(paragraph.lines().map(|line| line.trim_end().to_owned()));
            parts.rest.push(String::new());
        }
    }
    parts
}

const ENVIRONMENT: [(&str, &str); 17] = [
    (
        "KANALYZE_OPTION",
        "Sets the long option of that name for every verb that has it, such as KANALYZE_COLOR=never or KANALYZE_THREADS=4; `kanalyze config show` lists those in force.",
    ),
    (
        "KANALYZE_TREE",
        "The kernel's git repository for parse, blame, fixed and others, used where a text for people is printed.",
    ),
    ("NO_COLOR", "If set and not empty: no colours, unless --color always says otherwise."),
    ("CLICOLOR_FORCE", "If set and not 0: colours also where stdout is not a terminal."),
    ("TERM", "With `dumb` there are no colours, unless CLICOLOR_FORCE or --color always wants them."),
    ("KANALYZE_PAGER, PAGER", "The pager for text on a terminal [default: less]; `cat` or empty for none."),
    (
        "KANALYZE_LINKS",
        "Where file:line leads on a terminal: a URL with {path}, {line} and {host}, such as vscode://file{path}:{line}, or none [default: file://{host}{path}#{line}].",
    ),
    (
        "KANALYZE_SOURCE_LINKS",
        "Where a source line leads: a URL with {file} and {line}, such as https://elixir.bootlin.com/linux/latest/source/{file}#L{line} [default: nowhere].",
    ),
    ("LESS", "Options of less [default: FRX]."),
    ("XDG_CONFIG_HOME", "Where kanalyze/kanalyze.toml of the user is [default: ~/.config]."),
    ("XDG_CACHE_HOME", "Where indexes and kept pages go [default: ~/.cache]."),
    ("DEBUGINFOD_URLS", "Servers that are asked for debug information, by symbolize."),
    ("DEBUGINFOD_TIMEOUT, DEBUGINFOD_MAXSIZE", "Bounds of what is fetched from them: seconds, bytes."),
    ("KBUILD_OUTPUT", "Where the kernel is built, for kernel build."),
    ("SSL_CERT_FILE", "Certificates that are trusted besides the system's."),
    ("http_proxy, https_proxy, no_proxy", "Proxies for what is fetched."),
    ("HOME", "Where ~ is."),
];

const FILES: [(&str, &str); 7] = [
    (
        "kanalyze.toml",
        "Settings of a project, in the folder one stands in or any above it; a bundle may hold one, too.",
    ),
    ("~/.config/kanalyze/kanalyze.toml", "Settings of the user."),
    ("~/.cache/kanalyze/", "Indexes of debug information, kept pages of servers; may be deleted."),
    ("runs/", "Folders of runs, of run and watch --runs: manifest, serial log, reports, hits."),
    ("*/bundle.json", "What a reproduction needs, of bundle fetch and adopt."),
    ("/dev/kmsg, /var/log, /sys/fs/pstore, /var/lib/systemd/pstore, /var/crash", "Read by host; never written."),
    ("corpus/*.snap", "What is said about a log, reviewed; of corpus accept."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_each_verb_comes_apart() {
        let verb =
            Command::new("x").after_help("Examples:\n  x a   # one\n  x b\n\nWords.\n\nExit status: 0 fine,\n1 not.");
        let parts = sections(&verb);
        assert_eq!(parts.examples, ["  x a   # one", "  x b"]);
        assert_eq!(parts.exit.as_deref(), Some("0 fine, 1 not."));
        assert_eq!(parts.rest, ["Words.", ""]);
    }

    #[test]
    fn the_verbs_state_their_exit_statuses() {
        let entries = Topic::Exit.entries(&crate::cli::command());
        for verb in ["parse", "check", "diff", "host", "watch"] {
            assert!(entries.iter().any(|(name, _)| name == verb), "{verb}: {entries:?}");
        }
    }
}

//! What kind of text this is: whether the kernel speaks in it, whether it is a bisection.

use super::kin::kin;
use crate::engine::Options;
use crate::grammar::{Events, Texts};
use crate::input::lines;
use crate::line::{Wrapper, begins_with_stamp, find, lex};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// What a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nature {
    /// A line that the kernel printed: it has a stamp, the kernel's tag, or words that only a kernel log has.
    pub kernel: bool,
    /// A line of a bisection.
    pub bisection: bool,
    /// Whether only a part of the text was looked at, so that the rest may hold what this says is not there.
    pub partly: bool,
    /// What else it is, where no line is the kernel's.
    pub kin: Option<&'static str>,
}

impl Nature {
    /// The same, with what the whole text is, which [`Nature`] knows of the log in it alone.
    pub(super) fn or_kin(self, whole: &[u8]) -> Self {
        Self { kin: self.kin.or_else(|| if self.kernel { None } else { kin(whole) }), ..self }
    }

    /// Why a text is no log: it is a bisection, or no line in it is the kernel's.
    #[must_use]
    pub fn why_no_log(self) -> Option<&'static str> {
        if self.bisection && !self.kernel { Some(BISECTION) } else { self.silence() }
    }

    /// What is to be said of a text in which no line is the kernel's.
    #[must_use]
    pub fn silence(self) -> Option<&'static str> {
        let none = if self.partly { "no kernel line in its first 4 MiB" } else { "no kernel line in it" };
        (!self.kernel).then(|| self.kin.unwrap_or(none))
    }
}

/// What is said of a bisection that is given for a log.
pub(super) const BISECTION: &str = "is a bisection, not a console log: give it to `kanalyze bisect`";
/// So much of a text is looked at, bytes.
const REACH: usize = 4 << 20;
/// Kernel logs of mails about a bisection are not longer, bytes.
const SHORT: usize = 256 << 10;

/// Words of kernel logs that are found without any stamp.
const LANDMARKS: [&str; 19] = [
    "Linux version ",
    "compressing Linux...",
    "Booting Linux on ",
    "Booting the kernel",
    "Kernel command line:",
    "Command line: ",
    "Call Trace:",
    "Call trace:",
    "Hardware name: ",
    "Modules linked in:",
    "Kernel panic",
    "---[ end ",
    "------------[ cut here ]",
    "BUG: ",
    "RIP: ",
    "INFO: task ",
    "WARNING: CPU: ",
    "general protection fault",
    "Internal error: ",
];

/// What bisections say and nothing else does.
const BISECTIONS: [&str; 8] = [
    "git bisect ",
    "bisecting cause commit",
    "bisecting fixing commit",
    "searching for guilty commit",
    "refs/bisect/",
    " bad commit",
    " new commit",
    "testing commit ",
];

/// One of these words is in each of them, and in few logs.
const COMMON: [&str; 2] = ["bisect", "commit"];

/// What a text holds. Of a long text the first 4 MiB are looked at; where the kernel speaks, bisections are looked for in short
/// texts only.
#[must_use]
pub fn nature(text: &[u8]) -> Nature {
    let spoken = speaker(text);
    let seen = &text[..text.len().min(REACH)];
    Nature { bisection: (!spoken.kernel || seen.len() <= SHORT) && is_bisection(seen), ..spoken }
}

/// The same of what is no bisection.
fn speaker(text: &[u8]) -> Nature {
    let seen = &text[..text.len().min(REACH)];
    let kernel = lines(seen).any(|(line, _)| is_kernel_line(line));
    let kin = if kernel { None } else { kin(seen) };
    Nature { kernel, bisection: false, partly: seen.len() < text.len(), kin }
}

/// What a text holds in which the engine found nothing, asked as [`nature`] asks; `stamped` says that each line begins with its stamp.
/// Where the engine passed over events, a line that is one is the kernel's, and nothing else is said of the text.
#[must_use]
pub(super) fn nature_below(text: &[u8], stamped: bool, options: &Options) -> Nature {
    // Nobody puts stamps before the lines of a bisection.
    let nature = if stamped { speaker(text) } else { nature(text) };
    let passed = match options.sought() {
        Events::None => !nature.kernel && !nature.bisection,
        Events::OfLocks => !nature.kernel || nature.bisection,
        Events::All => false,
    };
    let has_event = || {
        let scanner = options.grammar.scanner(Events::All, false, options.as_syzbot);
        let anchors = scanner.scan(&options.grammar, text, 0, text.len().min(REACH));
        anchors.iter().any(|anchor| !anchor.events.is_empty())
    };
    if passed && has_event() { Nature { kernel: true, bisection: false, kin: None, ..nature } } else { nature }
}

/// Whether a line of a bisection is in a text: one that gives git a verdict, or names a commit in the words of a bisection.
#[must_use]
pub(super) fn is_bisection(text: &[u8]) -> bool {
    static SEARCH: LazyLock<Texts> = LazyLock::new(|| Texts::new(&BISECTIONS.map(str::as_bytes)));
    static HINTS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| COMMON.map(Finder::new));
    if HINTS.iter().all(|word| word.find(text).is_none()) {
        return false;
    }
    let mut from = 0;
    while let Some((which, at)) = SEARCH.find_from(text, from) {
        let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
        if tells_bisection(&text[start..end], BISECTIONS[which]) {
            return true;
        }
        from = at + 1;
    }
    false
}

/// Prose speaks of bisections, too: a commit must be named, or git must be given a verdict.
fn tells_bisection(line: &[u8], words: &str) -> bool {
    let hash = |word: &[u8]| {
        let word = word.strip_prefix(b"[").unwrap_or(word);
        let word = word.strip_suffix(b"]").unwrap_or(word);
        (7..=64).contains(&word.len()) && word.iter().all(u8::is_ascii_hexdigit)
    };
    let bare = line.iter().position(|byte| !matches!(byte, b'>' | b'|' | b'#' | b'$' | b' ' | b'\t'));
    let starts = bare.is_some_and(|at| line[at..].starts_with(b"git bisect "));
    starts && words == "git bisect " || line.split(|byte| matches!(byte, b' ' | b'\t' | b'\'')).any(hash)
}

/// Whether the kernel printed a line, as far as the line alone shows.
#[must_use]
pub(super) fn is_kernel_line(line: &[u8]) -> bool {
    if line.len() < 4 {
        return false;
    }
    let prefix = lex(line);
    if prefix.is_foreign() {
        return false;
    }
    // Forms in which nothing but kernel messages is printed, or which say so in a part that is not read here.
    let printed = matches!(
        prefix.wrapper,
        Wrapper::Kmsg
            | Wrapper::Netconsole
            | Wrapper::Pstore
            | Wrapper::DmesgDecoded
            | Wrapper::DmesgHuman
            | Wrapper::DmesgTimed
            | Wrapper::DmesgJson
            | Wrapper::JournalJson
            | Wrapper::JournalExport
            | Wrapper::Android
            | Wrapper::Lava
    );
    prefix.time.is_some()
        || prefix.caller.is_some()
        || prefix.tag.is_some()
        || printed
        || has_stamp(line)
        || LANDMARKS.iter().any(|words| find(line, words).is_some())
}

/// `[   12.345678]` anywhere in a line, whatever is before it.
fn has_stamp(line: &[u8]) -> bool {
    memchr::memchr_iter(b'[', line).any(|at| begins_with_stamp(&line[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bisections_say_holds_a_common_word() {
        assert!(BISECTIONS.iter().all(|said| COMMON.iter().any(|word| said.contains(word))));
    }

    #[test]
    fn the_kernel_is_known_by_its_stamp_tag_or_words() {
        for line in [
            "[    1.000000] x",
            "vm_1  | [    1.000000] x",
            "Nov 21 07:55:11 host kernel: x",
            "<4>[    1.000000] x",
            "BUG: KASAN: x",
            "6,339,5140900,-,caller=T1;x",
            "03-07 12:12:41.086     0     0 E kernel  : x",
        ] {
            assert!(is_kernel_line(line.as_bytes()), "{line}");
        }
        for line in
            ["root:x:0:0:root:/root:/bin/bash", "Nov 21 07:55:11 host sshd[12]: x", "", "version [1.2.3]", "a = b[1];"]
        {
            assert!(!is_kernel_line(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_bisection_is_known_by_its_commits() {
        let git = "git bisect start\n# bad: [d2ccc5c15263] x\n";
        assert_eq!(nature(git.as_bytes()), Nature { bisection: true, ..Nature::default() });
        assert!(nature(b"  > # first bad commit: [d2ccc5c15263] x\n").bisection);
        assert!(nature(b"d2ccc5c15263 is the first bad commit\n").bisection);
        assert!(!nature(b"we shall use git bisect to find the first bad commit\n").bisection);
        assert!(!nature(b"root:x:0:0:root:/root:/bin/bash\n").bisection);
    }
}

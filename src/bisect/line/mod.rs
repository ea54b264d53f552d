//! What one line of a transcript says, whatever the dialect.

mod git;
mod hash;
mod sentence;
mod typed;

use super::record::{RunResult, Verdict};
use git::{after_hash, comment, git_first_behind, position};
pub(super) use hash::{hash_length, is_hash, split_commit};
use sentence::{host, sentence};
pub(super) use typed::typed;

/// A line, with slices of it. Commits are hex digits, checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Line<'a> {
    /// `<host> starts bisection <time>`.
    Host { host: &'a [u8], time: &'a [u8] },
    /// `bisecting cause commit starting from <H>`, also in the words of 2018.
    Cause(&'a [u8]),
    /// `bisecting fixing commit since <H>`, also in the words of 2018.
    Fix(&'a [u8]),
    /// `building syzkaller on <H>`.
    Syzkaller(&'a [u8]),
    /// `rewritten commit <H> reidentified by title '<title>'`.
    Rewritten { commit: &'a [u8], title: &'a [u8] },
    /// `ensuring issue is reproducible on original commit <H>`.
    Ensuring(&'a [u8]),
    /// `testing commit <H>[ with <compiler>| <family>]`.
    Testing { commit: &'a [u8], label: &'a [u8] },
    /// `compiler: <id>`.
    Compiler(&'a [u8]),
    /// `kernel signature: <sig>`.
    Signature(&'a [u8]),
    /// `testing release <tag>`.
    Release(&'a [u8]),
    /// `testing current HEAD <H>`.
    Head(&'a [u8]),
    /// `picked [...] out of <N> release tags`, what follows the word.
    Picked(&'a [u8]),
    /// `run #<i>: <verdict>`, `try #<i>:` or `all runs:`.
    Run { number: Option<u32>, result: RunResult, title: &'a [u8] },
    /// `representative crash: <title>, types: [<types>]`.
    Representative { title: &'a [u8], types: &'a [u8] },
    /// The reproducer is called flaky, with the estimate of its chance if there is one.
    Flaky(Option<f64>),
    /// `false negative chance: <x>`: only printed for survivors.
    FalseNegative,
    /// `accumulated error probability: <x>`.
    ErrorProbability(f64),
    /// `unable to determine the verdict: …`.
    Undetermined,
    /// `failed building <H>: …`, `kernel build failed: …`, `failed testing reproducer on <H>: …`.
    NotTested { commit: Option<&'a [u8]>, error: &'a [u8] },
    /// `# git bisect start <bad> <good>`.
    Start { bad: &'a [u8], good: &'a [u8] },
    /// `# git bisect good|bad|skip <H>`.
    Told { verdict: Verdict, commit: &'a [u8] },
    /// `Bisecting: <N> revisions left …`.
    Left(u64),
    /// `[<H>] <subject>`.
    Position { commit: &'a [u8], subject: &'a [u8] },
    /// `<H> is the first bad commit`.
    GitFirst(&'a [u8]),
    /// `Breaking commit found:`, KernelCI's heading of the commit.
    Breaking,
    /// git or syz-ci begins a list of candidates.
    AnyOf { summary: bool },
    /// `We cannot bisect more!`.
    CannotBisect,
    /// `parent commit <H> wasn't tested`.
    ParentUntested,
    /// `culprit signature: <sig>`.
    CulpritSignature(&'a [u8]),
    /// `parent  signature: <sig>`, in 2019 `previous signature: <sig>`.
    ParentSignature(&'a [u8]),
    /// `revisions tested: …`, what follows.
    Totals { text: &'a [u8] },
    /// `error: <err>`.
    Error(&'a [u8]),
    /// One of the sentences that say that the bug is there at the end of the range.
    Horizon(&'a [u8]),
    /// `commit msg: <title>`.
    CommitMessage(&'a [u8]),
    /// `first bad commit: <H> <subject>`, also good.
    Answer { fix: bool, commit: &'a [u8], subject: &'a [u8] },
    /// `cc: […]`, `recipients (cc): […]`.
    Cc(&'a [u8]),
    /// `recipients (to): […]`.
    To(&'a [u8]),
    /// `crash: <title>`.
    Crash(&'a [u8]),
    /// A line about merge bases in a cross-tree search.
    MergeBase,
    /// `reproducer does not crash the merge base, so there's no known bad commit`.
    MergeBaseSurvives,
    /// `the bug was not introduced yet; pretend that kernel crashed`.
    Pretend,
    /// A line about the kernel config.
    Config,
    /// `# good: [<H>] <subject>` of a plain git log, with the word.
    Given { word: &'a [u8], commit: &'a [u8], subject: &'a [u8] },
    /// `# first bad commit: [<H>] <subject>` of a plain git log, also `possible first …`.
    FirstComment { possible: bool, word: &'a [u8], commit: &'a [u8], subject: &'a [u8] },
    /// `git bisect <word> <rest>` of a plain git log.
    Command { word: &'a [u8], rest: &'a [u8] },
    /// Nothing but a hash.
    Hash(&'a [u8]),
    /// Empty.
    Blank,
    /// Anything else.
    Unknown,
}

/// What one line says. The line is without its end.
#[must_use]
pub(super) fn read(content: &[u8]) -> Line<'_> {
    let Some(&first) = content.first() else { return Line::Blank };
    let found = match first {
        b'#' => comment(content),
        b'[' => position(content),
        b'0'..=b'9' | b'a'..=b'f' if hash_length(content) >= 7 => after_hash(content).or_else(|| sentence(content)),
        b'a'..=b'z' | b'A'..=b'Z' => sentence(content).or_else(|| git_first_behind(content)),
        b'!'..=b'~' => git_first_behind(content),
        b' ' => sentence(content.trim_ascii_start()).filter(|line| matches!(line, Line::FirstComment { .. })),
        _ => None,
    };
    found
        .or_else(|| host(content))
        .unwrap_or_else(|| if content.trim_ascii().is_empty() { Line::Blank } else { Line::Unknown })
}

/// Whether a line is one of those by which logs are recognised.
#[must_use]
pub(super) fn is_marker(content: &[u8]) -> bool {
    !matches!(
        read(content),
        Line::Unknown | Line::Blank | Line::Hash(_) | Line::Error(_) | Line::Crash(_) | Line::Cc(_) | Line::Config
    )
}

/// Whether a line is one that only syzbot's jobs write.
#[must_use]
pub(super) fn is_of_syzbot(content: &[u8]) -> bool {
    match read(content) {
        Line::Host { .. }
        | Line::Cause(_)
        | Line::Fix(_)
        | Line::Syzkaller(_)
        | Line::Ensuring(_)
        | Line::Totals { .. } => true,
        Line::Testing { commit, .. } => is_hash(commit),
        _ => false,
    }
}

/// Whether a line is one of a plain git log: a comment of git, a command with what it takes, or git's answer.
#[must_use]
pub(super) fn is_of_git(content: &[u8]) -> bool {
    match read(content) {
        Line::Given { .. } | Line::FirstComment { .. } | Line::GitFirst(_) | Line::Breaking | Line::Left(_) => true,
        // `git bisect points to …` is prose.
        Line::Command { word, rest } => match word {
            b"start" => true,
            _ => split_commit(rest).is_some() || rest.is_empty() || !rest.contains(&b' '),
        },
        _ => false,
    }
}

/// Whether a line shows a command as git quotes it, `'sh' './test.sh'`, and a word or two in whatever language: that `git bisect run`
/// starts it.
#[must_use]
pub(super) fn quotes_command(content: &[u8]) -> bool {
    let (Some(first), Some(last)) = (memchr::memchr(b'\'', content), memchr::memrchr(b'\'', content)) else {
        return false;
    };
    let (before, behind) = (content[..first].trim_ascii(), content[last + 1..].trim_ascii());
    let said = [before, behind].iter().any(|words| !words.is_empty());
    let is_word = |word: &[u8]| !word.is_empty() && !word.contains(&b'\'');
    said && first < last
        && before.len().max(behind.len()) <= SAID
        && content[first + 1..last].split(|byte| *byte == b'\'').enumerate().all(|(at, part)| match at % 2 {
            0 => is_word(part),
            _ => part == b" ",
        })
}

/// No language says longer that something runs, bytes.
const SAID: usize = 48;

/// Whether a line is a commit as `git bisect visualize` shows it, with a reference of a bisection; a graph may stand before it.
#[must_use]
pub(super) fn is_decorated(content: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(content, b"refs/bisect/") else { return false };
    let graph = content.iter().take_while(|byte| b"*|\\/_ ".contains(byte)).count();
    let rest = &content[graph.min(at)..];
    split_commit(rest.strip_prefix(b"commit ").unwrap_or(rest)).is_some()
}

fn after<'a>(content: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    content.strip_prefix(prefix.as_bytes())
}

//! What one line of a transcript says, whatever the dialect.

use super::record::{RunResult, Verdict};

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

/// With what prompts end, those of set shells included.
const PROMPTS: [&str; 10] = ["$", "#", "%", ">", "\u{bb}", "\u{3bb}", "\u{276f}", "\u{279c}", "\u{2717}", "\u{2714}"];

/// A line without what a terminal puts before a command: blanks and a prompt, and what runs the command.
#[must_use]
pub(super) fn typed(content: &[u8]) -> &[u8] {
    let content = content.trim_ascii();
    let Some(at) = memchr::memmem::find(&content[..content.len().min(160)], b"git bisect ") else { return content };
    let mut prompt = content[..at].trim_ascii_end();
    for word in [&b" sudo"[..], b" time"] {
        prompt = prompt.strip_suffix(word).map_or(prompt, |rest| rest.trim_ascii_end());
    }
    // A comment that mentions the command is not a prompt; `+` is what `sh -x` shows.
    let is_prompt = prompt.len() < 80 && (prompt == b"+" || PROMPTS.iter().any(|end| prompt.ends_with(end.as_bytes())));
    if is_prompt { &content[at..] } else { content }
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

/// How many digits a whole commit hash has.
const WHOLE: usize = 40;

/// Whether `word` is a whole commit hash or kernel signature.
#[must_use]
pub(super) fn is_hash(word: &[u8]) -> bool {
    matches!(word.len(), 40 | 64) && hash_length(word) == word.len()
}

/// Number of hex digits at the beginning of `content` that end in a blank, a bracket or the end; else 0.
#[must_use]
pub(super) fn hash_length(content: &[u8]) -> usize {
    let digits = content.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    let ends = content
        .get(digits)
        .is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'_' && *next != b'/' && *next != b'.');
    if (7..=64).contains(&digits) && ends { digits } else { 0 }
}

/// The commit at the beginning of `content` and what follows it, trimmed.
#[must_use]
pub(super) fn split_commit(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = hash_length(content);
    (length > 0).then(|| (&content[..length], content[length..].trim_ascii()))
}

fn after<'a>(content: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    content.strip_prefix(prefix.as_bytes())
}

fn comment(content: &[u8]) -> Option<Line<'_>> {
    let rest = after(content, "# ")?;
    if let Some(rest) = after(rest, "git bisect ") {
        let mut words = rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let (verb, one, two) = (words.next()?, words.next()?, words.next());
        return match verb {
            b"start" => Some(Line::Start { bad: one, good: two.unwrap_or_default() }),
            _ => Some(Line::Told { verdict: verdict(verb)?, commit: split_commit(one)?.0 }),
        };
    }
    if ["configuration", "using ", "start config", "config-bisect", "config_bisect", "found config", "testing with gen"]
        .iter()
        .any(|word| after(rest, word).is_some())
    {
        return Some(Line::Config);
    }
    let (possible, named) = after(rest, "possible ").map_or((false, rest), |rest| (true, rest));
    if let Some(named) = after(named, "first ") {
        let at = memchr::memmem::find(named, b" commit: [")?;
        let (commit, subject) = bracketed(&named[at + 9..])?;
        return Some(Line::FirstComment { possible, word: unquoted(&named[..at]), commit, subject });
    }
    let at = memchr::memmem::find(rest, b": [")?;
    let word = rest.get(..at).filter(|word| !word.contains(&b' '))?;
    let (commit, subject) = bracketed(&rest[at + 2..])?;
    Some(Line::Given { word: unquoted(word), commit, subject })
}

/// git 2.55 puts its terms in quotes.
fn unquoted(word: &[u8]) -> &[u8] {
    word.strip_prefix(b"'").and_then(|word| word.strip_suffix(b"'")).unwrap_or(word)
}

fn verdict(word: &[u8]) -> Option<Verdict> {
    match word {
        b"good" => Some(Verdict::Good),
        b"bad" => Some(Verdict::Bad),
        b"skip" => Some(Verdict::Skip),
        _ => None,
    }
}

fn bracketed(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = content.strip_prefix(b"[")?;
    let (commit, rest) = split_commit(inside)?;
    Some((commit, rest.strip_prefix(b"]")?.trim_ascii()))
}

fn position(content: &[u8]) -> Option<Line<'_>> {
    let (commit, subject) = bracketed(content)?;
    Some(Line::Position { commit, subject })
}

fn after_hash(content: &[u8]) -> Option<Line<'_>> {
    let (commit, rest) = split_commit(content)?;
    if rest.is_empty() {
        return is_hash(commit).then_some(Line::Hash(commit));
    }
    let rest = after(rest, "is the first ")?;
    let at = memchr::memmem::find(rest, b" commit").filter(|at| *at < 40)?;
    // A mail program may have joined the line that git prints below it; people end it like a sentence.
    let tail = rest[at + 7..].trim_ascii();
    let again = after(tail, "commit ").and_then(split_commit).is_some_and(|(same, _)| same == commit);
    (again || matches!(tail, b"" | b"." | b":" | b"!")).then_some(Line::GitFirst(commit))
}

/// `I looked for it. <H> is the first bad commit`, `!make<H> is the first bad commit`: git's answer behind a sentence of somebody's
/// own, or glued to what the terminal showed before it.
fn git_first_behind(content: &[u8]) -> Option<Line<'_>> {
    let at = memchr::memmem::find(content, b" is the first ")?;
    let start = at.checked_sub(WHOLE)?;
    let before = &content[..start];
    let ended = matches!(before.trim_ascii_end().last(), Some(b'.' | b':'));
    let glued = before.last().is_some_and(|last| !last.is_ascii_whitespace()) && !before.contains(&b' ');
    let known = is_hash(&content[start..at]);
    if known && if before.ends_with(b" ") { ended } else { glued } { after_hash(&content[start..]) } else { None }
}

fn host(content: &[u8]) -> Option<Line<'_>> {
    let at = memchr::memmem::find(&content[..content.len().min(200)], b" starts bisection ")?;
    // Prose starts bisections, too; the job says when.
    let time = &content[at + 18..];
    time.first().is_some_and(u8::is_ascii_digit).then_some(Line::Host { host: &content[..at], time })
}

/// Sentences that begin with a fixed word or two. The order does not matter: no prefix is one of another's.
fn sentence(content: &[u8]) -> Option<Line<'_>> {
    let commit = |rest| split_commit(rest).map(|(commit, _)| commit);
    let is = |prefix: &str| after(content, prefix);
    match *content.first()? {
        b'a' => {
            if let Some(rest) = is("all runs: ") {
                return run(None, rest);
            }
            is("accumulated error probability: ").map(|rest| Line::ErrorProbability(number(rest)))
        }
        b'B' if content.trim_ascii_end() == b"Breaking commit found:" => Some(Line::Breaking),
        b'B' => {
            let left = is("Bisecting: ")?;
            let digits = left.iter().take_while(|byte| byte.is_ascii_digit()).count();
            std::str::from_utf8(&left[..digits]).ok()?.parse().ok().map(Line::Left)
        }
        b'b' => is("bisecting cause commit starting from ")
            .and_then(commit)
            .map(Line::Cause)
            .or_else(|| is("bisecting fixing commit since ").and_then(commit).map(Line::Fix))
            .or_else(|| is("building syzkaller on ").and_then(commit).map(Line::Syzkaller))
            .or_else(|| is("bisection is inconclusive").map(|_| Line::AnyOf { summary: true }))
            .or_else(|| ["base config", "both halves"].iter().any(|word| is(word).is_some()).then_some(Line::Config)),
        b'c' => is("compiler: ")
            .map(|rest| Line::Compiler(rest.trim_ascii()))
            .or_else(|| is("culprit signature: ").map(|rest| Line::CulpritSignature(rest.trim_ascii())))
            .or_else(|| is("commit msg: ").map(Line::CommitMessage))
            .or_else(|| is("cc: [").map(|_| Line::Cc(&content[4..])))
            .or_else(|| is("crash: ").map(Line::Crash))
            .or_else(|| is("crash still not fixed").map(|_| Line::Horizon(content)))
            .or_else(|| is("checking the merge base").map(|_| Line::MergeBase))
            .or_else(|| {
                ["crash reproduces with baseline", "config minimization failed", "check whether we can drop"]
                    .iter()
                    .any(|word| is(word).is_some())
                    .then_some(Line::Config)
            }),
        b'd' => is("determining the merge base")
            .map(|_| Line::MergeBase)
            .or_else(|| is("disabling configs for").map(|_| Line::Config)),
        b'e' => is("error: ")
            .map(Line::Error)
            .or_else(|| is("ensuring issue is reproducible on original commit ").and_then(commit).map(Line::Ensuring)),
        b'f' => is("first bad commit: ")
            .map(|rest| (false, rest))
            .or_else(|| is("first good commit: ").map(|rest| (true, rest)))
            .and_then(|(fix, rest)| {
                let answer = split_commit(rest).map(|(commit, subject)| Line::Answer { fix, commit, subject });
                // git's comment, of which somebody left the mark out.
                let word = if fix { b"good" } else { &b"bad"[..] };
                let comment = |(commit, subject)| Line::FirstComment { possible: false, word, commit, subject };
                answer.or_else(|| bracketed(rest).map(comment))
            })
            .or_else(|| is("false negative chance: ").map(|_| Line::FalseNegative))
            .or_else(|| not_tested(is("failed building ")).or_else(|| not_tested(is("failed testing reproducer on ")))),
        b'g' => {
            let rest = is("git bisect ").or_else(|| is("git-bisect "))?.trim_ascii();
            let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            Some(Line::Command { word: &rest[..end], rest: rest[end..].trim_ascii() })
        }
        b'H' => is("HEAD had kernel build, boot or test errors").map(|_| Line::Horizon(content)),
        b'h' => is("half crashed").map(|_| Line::Config),
        b'k' => is("kernel signature: ")
            .map(|rest| Line::Signature(rest.trim_ascii()))
            .or_else(|| is("kernel build failed: ").map(|error| Line::NotTested { commit: None, error }))
            .or_else(|| is("kconfig minimization: ").map(|_| Line::Config)),
        b'm' => {
            ["minimized to ", "minimizing config failed"].iter().any(|word| is(word).is_some()).then_some(Line::Config)
        }
        b'M' => is("Minimizing config failed").map(|_| Line::Config),
        b'o' => is("oldest tested release already had the bug")
            .map(|_| Line::Horizon(content))
            .or_else(|| is("only full config crashes").map(|_| Line::Config)),
        b'n' => is("no way to further split").or_else(|| is("no need to test this chunk")).map(|_| Line::Config),
        b'p' => is("picked [")
            .map(|_| Line::Picked(&content[7..]))
            .or_else(|| {
                is("parent commit ").filter(|rest| rest.ends_with(b"wasn't tested")).map(|_| Line::ParentUntested)
            })
            .or_else(|| {
                is("parent  signature: ")
                    .or_else(|| is("parent signature: "))
                    .map(|rest| Line::ParentSignature(rest.trim_ascii()))
            })
            .or_else(|| is("previous signature: ").map(|rest| Line::ParentSignature(rest.trim_ascii())))
            .or_else(|| is("proceeding with the original config").map(|_| Line::Config)),
        b'R' => is("Reproducer flagged being flaky").map(|_| Line::Flaky(None)).or_else(|| kernel_ci(is("Result:  ")?)),
        b'r' => {
            if let Some(rest) = is("run #") {
                return numbered_run(rest);
            }
            is("recipients (to): ")
                .map(Line::To)
                .or_else(|| is("recipients (cc): ").map(Line::Cc))
                .or_else(|| is("revisions tested: ").map(|text| Line::Totals { text }))
                .or_else(|| is("representative crash: ").map(representative))
                .or_else(|| is("reproducer seems to be flaky").map(|_| Line::Flaky(None)))
                .or_else(|| is("reproducer is flaky (").map(|rest| Line::Flaky(Some(number(rest)))))
                .or_else(|| is("reproducer does not crash the merge base").map(|_| Line::MergeBaseSurvives))
                .or_else(|| rewritten(is("rewritten commit ")?))
                .or_else(|| is("repro testing failure: ").map(|error| Line::NotTested { commit: None, error }))
                .or_else(|| is("resulting configs: ").map(|_| Line::Config))
        }
        b's' => is("searching for guilty commit starting from ")
            .and_then(commit)
            .map(Line::Cause)
            .or_else(|| is("searching for fixing commit since ").and_then(commit).map(Line::Fix))
            .or_else(|| is("split chunk").map(|_| Line::Config)),
        b'T' => is("The first ")
            .filter(|rest| rest.ends_with(b"commit could be any of:") && rest.len() < 60)
            .map(|_| Line::AnyOf { summary: false }),
        b't' => testing(content),
        b'u' => is("unable to determine the verdict: ")
            .map(|_| Line::Undetermined)
            .or_else(|| is("unable to test using baseline config").map(|_| Line::Config)),
        b'W' => is("We cannot bisect more!").map(|_| Line::CannotBisect),
        _ => None,
    }
}

/// `Result:     <H> <subject>` of KernelCI's summary.
fn kernel_ci(rest: &[u8]) -> Option<Line<'_>> {
    let (commit, subject) = split_commit(rest.trim_ascii_start())?;
    let is_answer = commit.len() >= 12 && !subject.is_empty();
    is_answer.then_some(Line::FirstComment { possible: false, word: b"bad", commit, subject })
}

fn testing(content: &[u8]) -> Option<Line<'_>> {
    let is = |prefix: &str| after(content, prefix);
    if let Some(rest) = is("testing commit ") {
        return split_commit(rest).map(|(commit, label)| Line::Testing { commit, label });
    }
    if let Some(rest) = is("try #") {
        return numbered_run(rest);
    }
    is("testing release ")
        .map(|tag| Line::Release(tag.trim_ascii()))
        .or_else(|| is("testing current HEAD ").and_then(split_commit).map(|(commit, _)| Line::Head(commit)))
        .or_else(|| {
            let ends = [
                "the crash is still unfixed",
                "the crash already happened on the oldest tested release",
                "the crash still happens on HEAD",
            ];
            ends.iter().any(|end| is(end).is_some()).then_some(Line::Horizon(content))
        })
        .or_else(|| is("the bug was not introduced yet").map(|_| Line::Pretend))
        .or_else(|| {
            let about = [
                "trying half",
                "the chunk can be",
                "testing without sub-chunk",
                "testing baseline config",
                "testing with generated",
                "there was nothing we could",
                "the bug reproduces without the instr",
            ];
            about.iter().any(|word| is(word).is_some()).then_some(Line::Config)
        })
}

fn not_tested(rest: Option<&[u8]>) -> Option<Line<'_>> {
    let (commit, error) = split_commit(rest?)?;
    Some(Line::NotTested { commit: Some(commit), error: error.strip_prefix(b":").unwrap_or(error).trim_ascii() })
}

fn rewritten(rest: &[u8]) -> Option<Line<'_>> {
    let (commit, rest) = split_commit(rest)?;
    let title = after(rest, "reidentified by title ").unwrap_or_default();
    Some(Line::Rewritten { commit, title: unquoted(title) })
}

fn representative(rest: &[u8]) -> Line<'_> {
    let types = b", types: [";
    match memchr::memmem::rfind(rest, types) {
        Some(at) => {
            let list = &rest[at + types.len()..];
            Line::Representative { title: &rest[..at], types: list.strip_suffix(b"]").unwrap_or(list) }
        }
        None => Line::Representative { title: rest, types: b"" },
    }
}

fn numbered_run(rest: &[u8]) -> Option<Line<'_>> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let said = rest[digits..].strip_prefix(b":")?;
    run(Some(number), said.strip_prefix(b" ").unwrap_or(said))
}

fn run(number: Option<u32>, said: &[u8]) -> Option<Line<'_>> {
    if said.trim_ascii_end() == b"OK" {
        return Some(Line::Run { number, result: RunResult::Ok, title: b"" });
    }
    let words = [
        ("crashed:", RunResult::Crashed),
        ("kernel crashed:", RunResult::Crashed),
        ("boot failed:", RunResult::BootFailed),
        ("basic kernel testing failed:", RunResult::BasicFailed),
        ("failed:", RunResult::Failed),
        ("infra problem:", RunResult::Infra),
        ("ignore:", RunResult::Ignored),
    ];
    words.iter().find_map(|(word, result)| {
        let title = after(said, word)?;
        Some(Line::Run { number, result: *result, title: title.trim_ascii() })
    })
}

/// The decimal fraction at the beginning of `text`; not a number when there is none.
fn number(text: &[u8]) -> f64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    std::str::from_utf8(&text[..digits]).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

//! Sentences of jobs and robots, by the words with which they begin.

use super::super::record::RunResult;
use super::git::{bracketed, unquoted};
use super::hash::split_commit;
use super::{Line, after};

/// Sentences that begin with a fixed word or two. The order does not matter: no prefix is one of another's.
pub(super) fn sentence(content: &[u8]) -> Option<Line<'_>> {
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

pub(super) fn host(content: &[u8]) -> Option<Line<'_>> {
    let at = memchr::memmem::find(&content[..content.len().min(200)], b" starts bisection ")?;
    // Prose starts bisections, too; the job says when.
    let time = &content[at + 18..];
    time.first().is_some_and(u8::is_ascii_digit).then_some(Line::Host { host: &content[..at], time })
}

//! What kanalyze itself wrote and somebody gives it back for a log: what is in it was read already, and would count twice.

use crate::line::lex;

/// So much of a text is looked at, bytes: a note is not longer.
const REACH: usize = 64 << 10;

/// An answer names a place within so many lines; somebody who quotes one says something before it, and may have a log below it.
const TOP: usize = 4;

/// What is to be said of a text that kanalyze wrote; nothing of any other, nor where somebody put a log below it.
#[must_use]
pub(super) fn own_words(text: &[u8]) -> Option<&'static str> {
    let head = &text[..text.len().min(REACH)];
    let begin = head.trim_ascii_start();
    if begin.strip_prefix(b"[").unwrap_or(begin).trim_ascii_start().starts_with(b"{\"schema\":\"kanalyze.") {
        return Some("is a record that kanalyze wrote, not a log: name the log that it is about");
    }
    let lines = || head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    // Nearly every log begins with a time, and nothing else is asked of it.
    if lex(begin.split(|byte| *byte == b'\n').next().unwrap_or_default()).time.is_some() {
        return None;
    }
    let words = if is_note(begin, |line| lines().any(|one| one == line)) {
        "is a note that kanalyze wrote, not a log: name the log that it is about"
    } else if is_comparison(begin) {
        "is a comparison that kanalyze wrote, not a log: name the logs that it is about"
    } else if lines().take(TOP).any(is_place) && lines().any(is_count) {
        "is an answer that kanalyze wrote, not a log: name the log that it is about"
    } else {
        return None;
    };
    text.split(|byte| *byte == b'\n').all(|line| lex(line).time.is_none()).then_some(words)
}

/// Markdown or a mail, as `kanalyze note` writes them. A mail begins with whom to copy, or with the subject.
fn is_note(begin: &[u8], has: impl Fn(&[u8]) -> bool) -> bool {
    begin.starts_with(b"# ") && has(b"## Signature") && has(b"## First stack")
        || [&b"Subject: "[..], b"Cc: "].iter().any(|header| begin.starts_with(header))
            && has(b"Hello,")
            && has(b"Hypothesis:")
            && has(b"Next action:")
}

/// Two sides with their runs, or the heading of them.
fn is_comparison(begin: &[u8]) -> bool {
    let mut lines = begin.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut side = |letter: &[u8]| {
        lines
            .next()
            .is_some_and(|line| line.starts_with(letter) && (line.ends_with(b" run)") || line.ends_with(b" runs)")))
    };
    side(b"A  ") && side(b"B  ") || begin.starts_with(b"### kanalyze diff: ")
}

/// `  console.log:289 · 9.34 s · …`, or `  :289  9.34 s  BUG: …`.
fn is_place(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"  ") else { return false };
    memchr::memchr_iter(b':', rest).any(|at| {
        let after = &rest[at + 1..];
        let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let after = &after[digits..];
        digits > 0 && (after.starts_with(" · ".as_bytes()) || at == 0 && (after.is_empty() || after.starts_with(b"  ")))
    })
}

/// `console.log: 3 reports`, `1 of 2 logs pass`.
fn is_count(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ').rev().peekable();
    let mut last: &[u8] = b"";
    while let Some(word) = words.next() {
        let counted = last.starts_with(b"report") || last == b"log" || last == b"logs";
        let after = words.peek().is_some_and(|before| before.ends_with(b":") || *before == b"of");
        if counted && after && !word.is_empty() && word.iter().all(u8::is_ascii_digit) {
            return true;
        }
        last = word;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kanalyze_wrote_is_known() {
        for text in [
            "[{\"schema\":\"kanalyze.report/1\",\"title\":\"BUG: x\"}]",
            "{\"schema\":\"kanalyze.check/1\"}\n",
            "# BUG: x\n\n2026-11-27\n\n## Signature\n\n## First stack\n\n",
            "Subject: BUG: x\n\nHello,\n\nI see \"BUG: x\".\n\nHypothesis:\nmine\n\nNext action:\n\n",
            "A  one.log (1 run)\nB  two (12 runs)\nno difference\n",
            "### kanalyze diff: 1 difference\n",
            "BUG: x in f\n  one.log:289 · 9.34 s · a/57\n  says    BUG: x\n\none.log: 1 report\n",
            "one.log: 2 reports · 6.12.1\n  :289  9.340 s  BUG: x in f\n",
            "BUG: x in f\n  one.log:289 · not known\n0 of 1 logs pass\n",
        ] {
            assert!(own_words(text.as_bytes()).is_some(), "{text}");
        }
        let note = "Subject: BUG: x\n\nHello,\n\nHypothesis:\n\nNext action:\n\n";
        for text in [
            "",
            "[    1.0] {\"schema\":\"kanalyze.report/1\"}\n",
            "Subject: BUG: x\n\nHello,\n\nI see a crash:\n[    1.0] BUG: x\n",
            "# first try\n[    1.0] BUG: x\n## Signature\n",
            "A  one\nB  two\n",
            "BUG: x in f\n  CPU:1 · at 12:30 · y\nno more reports\n",
            &format!("{note}The whole log:\n[    1.000000] BUG: x\n"),
        ] {
            assert_eq!(own_words(text.as_bytes()), None, "{text}");
        }
    }
}

//! What stands before a header in its line, and says that somebody else than the kernel wrote it.

use super::find;
use super::landmarks::LAST_WORDS;

/// So many plain words directly before a header are a sentence.
const SENTENCE: usize = 2;
/// And so many anywhere before it.
const LONG_SENTENCE: usize = 4;

/// Whether a test of the kernel says what it is about to provoke: `### dt-test ### EXPECT \\ : WARNING: <<all>>`.
pub(super) fn is_expected(before: &[u8]) -> bool {
    find(before, " ### EXPECT ").is_some()
}

/// Whether a shell puts it into a variable: `J1="[  120.1] INFO: task a:12 blocked for more than 120 seconds."`.
pub(super) fn is_assigned(before: &[u8]) -> bool {
    let Some(at) = find(before, "=\"").or_else(|| find(before, "='")) else { return false };
    let (words, quote, inside) = (before[..at].trim_ascii(), before[at + 1], &before[at + 2..]);
    let is_name =
        |word: &[u8]| !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    // `export LINE=`; what programs write as `level=info msg=` has more of them.
    words.split(|byte| *byte == b' ').all(is_name) && !inside.contains(&quote)
}

/// Whether a program sets it between stars, as e2fsck does: `/dev/lamp: ********** WARNING: …`.
pub(super) fn is_framed(before: &[u8]) -> bool {
    before.ends_with(b"**** ")
}

/// Whether it stands in a comment of C.
pub(super) fn is_comment(before: &[u8]) -> bool {
    let words = before.trim_ascii();
    words.ends_with(b"/*") || words.starts_with(b"/*") || words.starts_with(b"//") || words == b"*"
}

/// Whether it stands in quotes behind a word, as in `grep 'BUG: soft lockup' messages`.
pub(super) fn is_quoted(before: &[u8], rest: &[u8]) -> bool {
    [b'\'', b'"'].into_iter().any(|quote| {
        let opened = memchr::memrchr(quote, before).is_some_and(|at| {
            before[..at].ends_with(b" ") && !before[..at].trim_ascii().is_empty() && before[at..].get(1) != Some(&b' ')
        });
        let ends = |at: &usize| rest.get(at + 1).is_none_or(|next| !next.is_ascii_alphanumeric());
        opened && memchr::memchr_iter(quote, rest).any(|at| ends(&at))
    })
}

/// Whether a compiler names the place first: `a/b.c:12:10: fatal error: c.h: No such file`.
pub(super) fn ends_in_place(before: &[u8]) -> bool {
    let Some(place) = before.strip_suffix(b": ") else { return false };
    let mut parts = place.rsplit(|byte| *byte == b':');
    let number = parts.next().is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    number && place.contains(&b'.') && !place.contains(&b' ')
}

/// Whether a tool names itself first: `gfortran: Internal error: Killed`. The kernel begins with these words.
pub(super) fn is_of_tool(header: &str, before: &[u8]) -> bool {
    let name = before.strip_suffix(b": ").unwrap_or_default();
    header == "Internal error:" && !name.is_empty() && !name.contains(&b' ')
}

/// Whether it is all of a string in the text of a program: `pr_err("BUG: soft lockup - CPU#%d",`.
pub(super) fn is_string(before: &[u8], rest: &[u8]) -> bool {
    let Some(quote) = before.last().copied().filter(|last| matches!(last, b'"' | b'\'')) else { return false };
    let rest = rest.trim_ascii_end();
    memchr::memrchr(quote, rest).is_some_and(|end| rest[end + 1..].iter().all(|byte| b",;)]} ".contains(byte)))
}

/// Whether words of a sentence stand before the header.
pub(super) fn follows_words(before: &[u8]) -> bool {
    let plain = |word: &&[u8]| word.iter().all(u8::is_ascii_lowercase);
    let words = || before.rsplit(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let labelled = words().any(|word| word.ends_with(b":"));
    words().take(SENTENCE).filter(plain).count() == SENTENCE
        || (!labelled && words().filter(plain).count() >= LONG_SENTENCE)
}

/// `name[123]: ` before the header, behind the last stamp.
pub(super) fn is_tagged(before: &[u8]) -> bool {
    let Some(close) = memchr::memmem::rfind(before, b"]: ") else { return false };
    let Some(open) = memchr::memrchr(b'[', &before[..close]) else { return false };
    let name = before[..open].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_./()@".contains(byte));
    let digits = &before[open + 1..close];
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && name.count() > 0
}

/// Whether a program that writes into the kernel's log says who it is: `widgetd (12) `, `widgetd: (12) `.
pub(super) fn is_numbered(before: &[u8]) -> bool {
    let Some(rest) = before.trim_ascii_end().strip_suffix(b")") else { return false };
    let Some(open) = memchr::memrchr(b'(', rest) else { return false };
    let digits = &rest[open + 1..];
    let name = rest[..open].strip_suffix(b" ").unwrap_or_default();
    let name = name.trim_ascii_start();
    let name = name.strip_suffix(b":").unwrap_or(name);
    !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Whether a row of a tool's table begins so: `PANIC: "`, `reason:    `, `Title: `, `crash: `.
pub(super) fn is_label(before: &[u8]) -> bool {
    const LABELS: [&[u8]; 5] = [LAST_WORDS, b"reason:", b"Title:", b"Job error:", b"crash:"];
    LABELS.contains(&before.trim_ascii())
}

/// Whether somebody counts what his letter refers to: `[2] `, `[2]: `.
pub(super) fn is_reference(before: &[u8]) -> bool {
    let Some(inner) = before.trim_ascii().strip_prefix(b"[") else { return false };
    let inner = inner.strip_suffix(b":").unwrap_or(inner);
    let Some(digits) = inner.strip_suffix(b"]") else { return false };
    (1..=2).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// Whether the transcript of a bisection tells how a test ended: `run #3: crashed: `, `all runs: boot failed: `.
pub(super) fn is_outcome(raw: &[u8]) -> bool {
    let number = raw.strip_prefix(b"run #").unwrap_or_default();
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    raw.starts_with(b"all runs: ") || digits > 0 && number[digits..].starts_with(b": ")
}

/// Whether journald wrote a message of the kernel onto terminals: `kernel[1]: `.
pub(super) fn is_on_the_wall(before: &[u8]) -> bool {
    let rest = before.strip_prefix(b"kernel[").unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest[digits..].starts_with(b"]:")
}

/// Whether a boot loader counts the time before the line: `{ 1774917 }[ XBL ] `.
pub(super) fn has_loaders_stamp(raw: &[u8]) -> bool {
    let Some(inner) = raw.strip_prefix(b"{") else { return false };
    let end = memchr::memchr(b'}', inner).unwrap_or(0);
    let digits = inner[..end].trim_ascii();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Whether the header is a part of a longer word: `TINFO:`, `dmesg.BUG:KCSAN`, `BUG:workqueue_lockup`, `Thread-1::INFO::`, `/BUG: .*/d`, `errors=panic:`.
pub(super) fn is_inside_word(raw: &[u8], at: usize, header: &str) -> bool {
    let first = header.as_bytes().first().copied().unwrap_or_default();
    let before =
        raw[..at].last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'='));
    let after =
        raw.get(at + header.len()).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    (first.is_ascii_alphanumeric() && before) || (header.ends_with(':') && after)
}

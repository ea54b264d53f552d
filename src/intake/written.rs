//! Texts that somebody wrote for readers, by the marks that their form puts at their beginning: manuals, changelogs.

use crate::input::{has_form, lines};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// So many lines that are not empty are looked at, and no more bytes.
const LINES: usize = 40;
const NEAR: usize = 4 << 10;

/// How a directive begins.
const DIRECTIVE: &[u8] = b".. ";
static MARKS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(DIRECTIVE));

/// Whether a text is a manual page (its source or what `man` shows), reStructuredText, the changelog of a package, or what `git log` shows. A log of a kernel that one of
/// them quotes is read as one in a mail.
#[must_use]
pub(super) fn is_written(text: &[u8]) -> bool {
    let mut first = lines(text).map(|(line, _)| line.trim_ascii_end()).filter(|line| !line.is_empty());
    let Some(begins) = first.next() else { return false };
    is_roff(begins)
        || is_heading_of_man(begins)
        || is_debians(begins)
        || is_red_hats(begins)
        || is_gnus(begins)
        || is_gits(begins)
        || may_hold_directives(text) && std::iter::once(begins).chain(first.take(LINES)).any(is_directive)
}

/// Whether the marks of a directive stand anywhere near the beginning of a text: in nearly no log they do.
fn may_hold_directives(text: &[u8]) -> bool {
    MARKS.find(&text[..text.len().min(NEAR)]).is_some()
}

/// `.TH WIDGET 8`, `.Dd`, or a comment of roff.
fn is_roff(line: &[u8]) -> bool {
    [&b".TH "[..], b".Dd ", b".\\\"", b"'\\\" "].iter().any(|start| line.starts_with(start))
}

/// `WIDGET(8)      System Manager's Manual      WIDGET(8)`
fn is_heading_of_man(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (Some(first), Some(last)) = (words.next(), words.next_back()) else { return false };
    first == last && first.ends_with(b")") && first.contains(&b'(') && line.starts_with(first)
}

/// `widget (1.2-3) unstable; urgency=medium`
fn is_debians(line: &[u8]) -> bool {
    let urgent = memchr::memmem::find(line, b"; urgency=").is_some();
    urgent && memchr::memmem::find(line, b" (").is_some() && line[0].is_ascii_alphanumeric()
}

/// `* Mon Jan 02 2023 A Maintainer <a@example.org> - 1.2-3`
fn is_red_hats(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"* ") else { return false };
    let mut words = rest.split(|byte| *byte == b' ');
    let mut is = |wanted: fn(&[u8]) -> bool| words.next().is_some_and(wanted);
    let short = |word: &[u8]| word.len() == 3 && word.iter().all(u8::is_ascii_alphabetic);
    let number = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    is(short) && is(short) && is(number) && is(|year| year.len() == 4) && line.contains(&b'@')
}

/// `2023-01-02  A Maintainer  <a@example.org>`
fn is_gnus(line: &[u8]) -> bool {
    has_form(line, b"0000-00-00  ") && line.ends_with(b">") && line.contains(&b'@')
}

/// `commit 0123456789012345678901234567890123456789`
fn is_gits(line: &[u8]) -> bool {
    const HASH: usize = 40;
    let hash = line.strip_prefix(b"commit ").and_then(|rest| rest.get(..HASH));
    hash.is_some_and(|hash| hash.iter().all(u8::is_ascii_hexdigit))
}

/// `.. SPDX-License-Identifier: …`, `.. note::`, `.. _widget:`
fn is_directive(line: &[u8]) -> bool {
    let Some(rest) = line.trim_ascii_start().strip_prefix(DIRECTIVE) else { return false };
    rest.starts_with(b"SPDX-")
        || rest.starts_with(b"_") && rest.ends_with(b":")
        || rest.ends_with(b"::")
        || rest.starts_with(b"kernel-doc::")
}

#[cfg(test)]
mod tests {
    use super::is_written;

    #[test]
    fn manuals_and_changelogs_are_written_and_logs_are_not() {
        for text in [
            ".TH WIDGET 8 \"January 2023\"\n.SH NAME\n",
            "'\\\" t\n.SH NAME\n",
            "\nWIDGET(8)      System Manager's Manual      WIDGET(8)\n",
            "widget (6.1.4-1) unstable; urgency=medium\n",
            "2023-01-02  A Maintainer  <a@example.org>\n\n\t* lamp.c: dim.\n",
            "commit 0123456789abcdef0123456789abcdef01234567\nAuthor: A Maintainer <a@example.org>\n",
            "* Mon Jan 02 2023 A Maintainer <a@example.org> - 1.2-3\n- fixed\n",
            "=====\nTitle\n=====\n\n.. warning::\n\n   hot\n",
            ".. SPDX-License-Identifier: GPL-2.0\n",
        ] {
            assert!(is_written(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "[    1.000000] Linux version 6.1.0\n",
            "WARNING: CPU: 0 PID: 1 at a/b.c:1 f+0x1/0x2\n",
            "* I see the following:\nBUG: soft lockup\n",
            "...\n.. more\n",
            "==================================================================\nBUG: KASAN: x in f+0x1/0x2\n",
        ] {
            assert!(!is_written(text.as_bytes()), "{text}");
        }
    }
}

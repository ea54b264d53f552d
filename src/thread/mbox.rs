//! A mailbox's messages, whichever of the mbox dialects it is written in.

use std::borrow::Cow;

/// How lines that look like separators were made harmless in bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// `>From ` and `>>From ` had one more `>` put before them (mboxrd: public-inbox, lore).
    Any,
    /// Only `From ` had (mboxo: many mail programs).
    Plain,
    /// Nothing was done (`git format-patch`).
    None,
}

/// The messages of a mailbox, each from its first header on; a text without a separator is one message. Line ends are LF.
#[must_use]
pub(super) fn messages(text: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').map(without_end).collect();
    let Some(first) = lines.iter().position(|line| !line.trim_ascii().is_empty()) else { return all };
    let mut at = first;
    if !is_separator(&lines, at, true) {
        all.push(message(&lines[at..], Escape::None));
        return all;
    }
    while at < lines.len() {
        let escape = escape(lines[at]);
        let start = at + 1;
        let mut end = stated_end(&lines, start).unwrap_or(start);
        while end < lines.len() && !is_separator(&lines, end, lines[end - 1].trim_ascii().is_empty()) {
            end += 1;
        }
        all.push(message(&lines[start..end], escape));
        at = end;
    }
    all
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether the line at `at` begins a message: `From somebody@somewhere Thu Jan  1 00:00:00 1970` after an empty line, and a
/// header after it, so that a `git log` in a body does not.
fn is_separator(lines: &[&[u8]], at: usize, after_blank: bool) -> bool {
    let Some(rest) = lines[at].strip_prefix(b"From ").filter(|_| after_blank) else { return false };
    let words: Vec<&[u8]> = rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).take(8).collect();
    let address = words.first().is_some_and(|word| word.contains(&b'@') || is_hash(word));
    let clock = |word: &&[u8]| word.contains(&b':') && word.iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    let year = |word: &&[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    address
        && words.iter().skip(1).any(clock)
        && words.iter().any(year)
        && lines.get(at + 1).is_some_and(|next| is_header(next))
}

fn is_hash(word: &[u8]) -> bool {
    word.len() == 40 && word.iter().all(u8::is_ascii_hexdigit)
}

/// `Name: value`, or the `>From ` that some mail programs leave above the headers.
fn is_header(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', &line[..line.len().min(80)]) else { return line.starts_with(b">From ") };
    let name = &line[..colon];
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn escape(separator: &[u8]) -> Escape {
    let sender = separator[b"From ".len()..].split(|byte| *byte == b' ').next().unwrap_or_default();
    match sender {
        b"mboxrd@z" => Escape::Any,
        b"git@z" => Escape::None,
        hash if is_hash(hash) => Escape::None,
        _ => Escape::Plain,
    }
}

/// Where the body ends by its `Content-Length` (mboxcl), if a separator or the end is there; the length counts the line ends
/// as they were, so it is tried for both.
fn stated_end(lines: &[&[u8]], start: usize) -> Option<usize> {
    let blank = start + lines[start..].iter().position(|line| line.is_empty())?;
    let field = lines[start..blank].iter().find_map(|line| {
        let (name, value) = line.split_at_checked(b"Content-Length:".len())?;
        name.eq_ignore_ascii_case(b"Content-Length:").then(|| value.trim_ascii())
    })?;
    let length: usize = std::str::from_utf8(field).ok()?.parse().ok()?;
    [1, 2].into_iter().find_map(|line_end| {
        let (mut at, mut seen) = (blank + 1, 0);
        while at < lines.len() && seen < length {
            seen += lines[at].len() + line_end;
            at += 1;
        }
        let next = (at..lines.len()).find(|at| !lines[*at].trim_ascii().is_empty());
        let fits = seen == length && next.is_none_or(|next| is_separator(lines, next, true));
        fits.then_some(at)
    })
}

fn message(lines: &[&[u8]], escape: Escape) -> Vec<u8> {
    let mut text = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    // The empty line before the next separator is the mailbox's.
    let end = if escape == Escape::None { lines.len() } else { lines.len() - usize::from(ends_blank(lines)) };
    for line in &lines[..end] {
        text.extend_from_slice(&unescaped(line, escape));
        text.push(b'\n');
    }
    text
}

fn ends_blank(lines: &[&[u8]]) -> bool {
    lines.last().is_some_and(|line| line.is_empty())
}

fn unescaped(line: &[u8], escape: Escape) -> Cow<'_, [u8]> {
    let marks = line.iter().take_while(|byte| **byte == b'>').count();
    let escaped = match escape {
        Escape::Any => marks > 0,
        Escape::Plain => marks == 1,
        Escape::None => false,
    };
    Cow::Borrowed(if escaped && line[marks..].starts_with(b"From ") { &line[1..] } else { line })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str) -> Vec<String> {
        messages(text.as_bytes())
            .iter()
            .map(|message| {
                let text = String::from_utf8_lossy(message).into_owned();
                text.split_once("\n\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
            })
            .collect()
    }

    #[test]
    fn mboxrd_loses_one_mark_before_any_from() {
        let text = "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: a@b\n\n>From here\n>>From there\n> From a quote\n\n\
                    From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: c@d\n\nsecond\n";
        assert_eq!(bodies(text), ["From here\n>From there\n> From a quote\n", "second\n"]);
    }

    #[test]
    fn mboxo_loses_the_only_mark() {
        let text = "From a@b Sat Nov 21 07:55:11 2026\nFrom: a@b\n\n>From here\n>>From a quote\n";
        assert_eq!(bodies(text), ["From here\n>>From a quote\n"]);
    }

    #[test]
    fn what_git_wrote_is_left_alone() {
        let text = format!(
            "From {} Mon Sep 17 00:00:00 2001\nFrom: a@b\nSubject: x\n\n>From here\n-- \n2.50\n",
            "a".repeat(40)
        );
        assert_eq!(bodies(&text), [">From here\n-- \n2.50\n"]);
    }

    #[test]
    fn a_stated_length_carries_a_body_over_what_looks_like_a_separator() {
        let body = "one\n\nFrom a@b Sat Nov 21 07:55:11 2026\nX: y\n";
        let text = format!(
            "From a@b Sat Nov 21 07:55:11 2026\nContent-Length: {}\nFrom: a@b\n\n{body}\nFrom a@b Sat Nov 21 07:55:11 2026\nFrom: c@d\n\nlast\n",
            body.len()
        );
        assert_eq!(bodies(&text), [body, "last\n"]);
        let lying = text.replacen(&format!("Content-Length: {}", body.len()), "Content-Length: 99999999999", 1);
        assert_eq!(bodies(&lying).len(), 3);
    }

    #[test]
    fn a_body_that_speaks_of_from_is_not_cut() {
        let text = "From mboxrd@z Thu Jan  1 00:00:00 1970\r\nFrom: a@b\r\n\r\nhello\r\n\r\nFrom a@b Sat Nov 21 07:55:11 2026\r\nthe log was this\r\n\r\nFrom now on 12:00:00 2026\r\n";
        assert_eq!(bodies(text).len(), 1);
    }

    #[test]
    fn a_text_without_separator_is_one_message_and_nothing_is_none() {
        assert_eq!(bodies("\nFrom: a@b\nSubject: x\n\nhello\n"), ["hello\n"]);
        assert!(messages(b"").is_empty());
        assert!(messages(b"\n \r\n").is_empty());
    }
}

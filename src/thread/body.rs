//! A message's lines: what its writer wrote, what is quoted, the signature, the diff; and sentences out of what was written.

use schemars::JsonSchema;
use serde::Serialize;

/// What a line of a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Written by the sender.
    Own,
    /// Somebody else's words.
    Quoted,
    /// `On Monday, somebody wrote:`.
    Attribution,
    /// A patch.
    Diff,
    /// What stands at the end of every mail of the sender or list.
    Signature,
}

/// A line of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub role: Role,
    /// Levels of quoting.
    pub depth: usize,
    /// The text without the marks of quoting.
    pub text: String,
}

impl Line {
    /// Whether the sender wrote it; a diff is the sender's, too, but no words.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.role == Role::Own
    }
}

/// Deeper quoting is not distinguished.
const DEEPEST: usize = 50;

/// The lines of a decoded body.
#[must_use]
pub fn lines(text: &str) -> Vec<Line> {
    let mut all: Vec<Line> = Vec::new();
    let (mut signature, mut diff) = (false, false);
    for raw in text.lines() {
        let (depth, rest) = quoting(raw);
        let bare = rest.trim_end();
        signature |= depth == 0 && (rest == "-- " || bare == "--" || is_footer(bare));
        diff = !signature && ((diff && continues_diff(raw)) || (depth == 0 && begins_diff(bare)));
        let role = match (signature, diff, depth) {
            (true, _, _) => Role::Signature,
            (_, true, _) => Role::Diff,
            (_, _, 0) => Role::Own,
            _ => Role::Quoted,
        };
        // In a diff a mark is a mark of nothing: `> ` cannot begin a line of one.
        let text = if diff { raw } else { rest };
        all.push(Line { role, depth: if role == Role::Quoted { depth } else { 0 }, text: text.to_owned() });
    }
    attribute(&mut all);
    all
}

/// Lines that lists put under mails.
fn is_footer(line: &str) -> bool {
    line.len() >= 40 && line.bytes().all(|byte| byte == b'_')
}

/// Where a patch begins. A `---` alone does not: people write it, too.
fn begins_diff(line: &str) -> bool {
    line.starts_with("diff --git ")
        || line.starts_with("diff -")
        || line.starts_with("--- a/")
        || line.starts_with("Index: ")
}

/// Whether a line can stand in a patch; mail programs take the blank of an empty line away.
fn continues_diff(line: &str) -> bool {
    const HEADERS: [&str; 12] = [
        "diff ",
        "index ",
        "new file",
        "deleted file",
        "old mode",
        "new mode",
        "rename ",
        "copy ",
        "similarity ",
        "Binary ",
        "GIT binary",
        "dissimilarity ",
    ];
    line.is_empty()
        || line.starts_with([' ', '+', '-', '@', '\\', '\t'])
        || HEADERS.iter().any(|word| line.starts_with(word))
}

/// Levels of quoting, and the line without them. `>ffff88810…: fb fb`, the guilty row of a KASAN dump, is not quoted.
fn quoting(line: &str) -> (usize, &str) {
    let (mut depth, mut rest) = (0, line);
    while depth < DEEPEST {
        let Some(after) = rest.strip_prefix('>') else { break };
        let next = after.chars().next();
        if depth == 0 && next.is_some_and(|char| char.is_ascii_hexdigit()) && is_row(after) {
            break;
        }
        rest = after.strip_prefix(' ').unwrap_or(after);
        depth += 1;
    }
    (depth, rest)
}

/// `ffff88810a1b2c00: fb fb`.
fn is_row(text: &str) -> bool {
    text.split_once(": ")
        .is_some_and(|(address, _)| address.len() >= 8 && address.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// `On Monday, somebody wrote:` stands directly above a quote, on one line or two.
fn attribute(lines: &mut [Line]) {
    for at in 1..lines.len() {
        if lines[at].role != Role::Quoted {
            continue;
        }
        let mut above = at;
        while above > 0 && lines[above - 1].role == Role::Own && lines[above - 1].text.trim().is_empty() {
            above -= 1;
        }
        let Some(last) = above.checked_sub(1).filter(|last| lines[*last].role == Role::Own) else { continue };
        let words = lines[last].text.trim_end();
        if !words.ends_with(':') {
            continue;
        }
        let names_writer = |text: &str| text.contains('@') || text.ends_with("wrote:") || text.ends_with("writes:");
        let first = last.checked_sub(1).filter(|first| {
            let before = &lines[*first];
            before.role == Role::Own && (before.text.starts_with("On ") || before.text.contains('@'))
        });
        if names_writer(words) || (first.is_some() && words.ends_with("wrote:")) {
            lines[last].role = Role::Attribution;
            if let Some(first) = first.filter(|_| !lines[last].text.starts_with("On ")) {
                lines[first].role = Role::Attribution;
            }
        }
    }
}

/// Text of `format=flowed`: a line that ends with a blank goes on in the next one of the same quoting (RFC 3676).
#[must_use]
pub(super) fn unflowed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let (marks, content) = line.split_at(depth);
        // A blank was put before lines that begin with one, or with `From `.
        let content = content.strip_prefix(' ').unwrap_or(content);
        let flows = content.ends_with(' ') && content != "-- ";
        match open {
            Some(before) if before == depth && content != "-- " => out.push_str(content),
            before => {
                if before.is_some() {
                    out.push('\n');
                }
                out.push_str(marks);
                if depth > 0 && !content.is_empty() {
                    out.push(' ');
                }
                out.push_str(content);
            }
        }
        open = flows.then_some(depth);
        if !flows {
            out.push('\n');
        }
    }
    if open.is_some() {
        out.push('\n');
    }
    out
}

/// The sentences of what the sender wrote, in order: lines of a paragraph are put together, lines of logs and of patches' notes
/// left out.
#[must_use]
pub(super) fn sentences(lines: &[Line]) -> Vec<String> {
    let mut all = Vec::new();
    let mut paragraph = String::new();
    for line in lines {
        let text = line.text.trim();
        if !line.is_own() || text.is_empty() || is_no_prose(&line.text) {
            split_into(&mut all, &std::mem::take(&mut paragraph));
            continue;
        }
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(text);
    }
    split_into(&mut all, &paragraph);
    all
}

/// A line of a kernel log or a frame of a stack.
fn is_no_prose(line: &str) -> bool {
    let stamped = crate::line::lex(line.as_bytes());
    let frame = line.split_whitespace().any(|word| word.contains("+0x") && word.contains("/0x"));
    stamped.time.is_some() || stamped.caller.is_some() || stamped.tag.is_some() || frame
}

fn split_into(all: &mut Vec<String>, paragraph: &str) {
    let mut start = 0;
    let chars: Vec<(usize, char)> = paragraph.char_indices().collect();
    for (at, (offset, char)) in chars.iter().enumerate() {
        let next = chars.get(at + 1).map(|(_, next)| *next);
        let closes = matches!(char, '.' | '?' | '!') && next.is_none_or(char::is_whitespace);
        let quoted = matches!(char, '"' | ')' | '\'' | '”')
            && next.is_none_or(char::is_whitespace)
            && at.checked_sub(1).is_some_and(|before| matches!(chars[before].1, '.' | '?' | '!'));
        if closes || quoted {
            let end = offset + char.len_utf8();
            add(all, &paragraph[start..end]);
            start = end;
        }
    }
    add(all, &paragraph[start..]);
}

fn add(all: &mut Vec<String>, sentence: &str) {
    let sentence = sentence.trim();
    if sentence.chars().any(char::is_alphabetic) {
        all.push(sentence.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(text: &str) -> Vec<Role> {
        lines(text).into_iter().map(|line| line.role).collect()
    }

    #[test]
    fn every_line_has_a_role() {
        use Role::{Attribution, Diff, Own, Quoted, Signature};
        assert_eq!(
            roles("On Mon, 1 Jan 2026, A <a@b> wrote:\n> q\n>> r\nwords\n-- \nme\n"),
            [Attribution, Quoted, Quoted, Own, Signature, Signature]
        );
        assert_eq!(
            roles("Hi,\n\nOn Mon, 1 Jan 2026, A Long Name\n<a@b> wrote:\n\n> q\n"),
            [Own, Own, Attribution, Attribution, Own, Quoted]
        );
        assert_eq!(
            roles("like this:\n\ndiff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n-- \n2.50\n"),
            [Own, Own, Diff, Diff, Diff, Diff, Diff, Diff, Signature, Signature]
        );
        assert_eq!(roles(">ffff88810a1b2c00: fb fb\n> ffff: x\n"), [Own, Quoted]);
    }

    #[test]
    fn words_after_a_diff_are_words() {
        let text = "diff --git a/x b/x\n@@ -1 +1 @@\n-a\n+b\n\nDoes this help?\n";
        assert_eq!(sentences(&lines(text)), ["Does this help?"]);
    }

    #[test]
    fn a_colon_above_a_quote_is_not_always_an_attribution() {
        assert_eq!(roles("This is the line that I mean:\n> q\n"), [Role::Own, Role::Quoted]);
    }

    #[test]
    fn sentences_cross_lines_and_leave_logs_out() {
        let text = "Why is\nthe lock taken here? I do not know.\n[   12.345678] BUG: did you forget?\n ? foo+0x1/0x2\n> Is this quoted?\nSee https://x/y?z=1 for more (is it old?)\n";
        assert_eq!(
            sentences(&lines(text)),
            ["Why is the lock taken here?", "I do not know.", "See https://x/y?z=1 for more (is it old?)"]
        );
    }

    #[test]
    fn quoting_without_end_is_bounded() {
        let line = ">".repeat(100_000);
        assert_eq!(lines(&line)[0].depth, DEEPEST);
    }
}

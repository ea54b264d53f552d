//! Lines as people paste them: quote marks, bars and blanks taken off, lines put together that a mail program broke.

use super::line::{self, Line};
use super::refill::{self, Peeled};
use std::borrow::Cow;

/// The column at which mail programs wrap, with some slack: `format=flowed` and `fmt` stop a little earlier.
const WRAP: usize = 64;
/// At this column and soon behind it mail programs wrap what they send.
const NARROWEST: usize = 70;
/// Nobody wraps beyond this; comments that are longer were not wrapped.
const WIDEST: usize = 110;
/// So many lines that are wider, though they could have been broken, show that nothing was wrapped.
const WIDE: usize = 2;
/// No line that is put together is longer: each part would be looked at again and again.
const LONGEST: usize = 4096;

/// What the beginning of a text says about its wrapping.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// Lines of a bisection stand behind `>` or `|`.
    pub quoted: bool,
    /// It has the headers of a mail.
    pub headers: bool,
    /// It is quoted-printable.
    pub printable: bool,
    /// It is base64, or a page and nothing else.
    pub encoded: bool,
    /// Lines that only syzbot writes.
    pub syzbot: bool,
    /// Lines of a plain git log.
    pub git: bool,
}

impl Signs {
    /// Whether anything of a mail has to be undone.
    #[must_use]
    pub(super) fn is_mail(&self) -> bool {
        self.quoted || self.headers || self.printable
    }
}

/// Looks at the beginning of a text.
#[must_use]
pub(super) fn probe(bytes: &[u8]) -> Signs {
    let mut signs = Signs::default();
    // A bit for each header: `Date:` alone may stand in every commit that git shows.
    let mut headers = 0u8;
    let (mut soft, mut escapes) = (0, 0);
    let (mut page, mut plain) = (false, false);
    for (index, content) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let bare = &content[prefix(content)..];
        if line::is_marker(bare) || line::is_decorated(bare) {
            let marks = &content[..content.len() - bare.len()];
            signs.quoted |= marks.contains(&b'>') || marks.contains(&b'|');
            signs.git |= line::is_of_git(bare);
            signs.syzbot |= line::is_of_syzbot(bare);
        }
        signs.git |= is_bare_first(bare);
        if index < 200 {
            let names = [&b"from:"[..], b"subject:", b"message-id:", b"in-reply-to:", b"date: "];
            headers |= names.iter().position(|name| starts_with_ignoring_case(content, name)).map_or(0, |at| 1 << at);
            signs.printable |= starts_with_ignoring_case(content, b"content-transfer-encoding: quoted-printable");
            signs.encoded |= starts_with_ignoring_case(content, b"content-transfer-encoding: base64");
            page |= starts_with_ignoring_case(content, b"content-type: text/html");
            plain |= starts_with_ignoring_case(content, b"content-type: text/plain");
        }
        // KASAN draws rulers of equal signs.
        soft += u32::from(content.ends_with(b"=") && !content.ends_with(b"=="));
        escapes += u32::from(
            [&b"=3D"[..], b"=20", b"=46rom", b"=3E"].iter().any(|code| memchr::memmem::find(content, code).is_some()),
        );
    }
    signs.headers = headers.count_ones() >= 2;
    signs.encoded |= page && !plain;
    signs.printable |= soft > 0 && escapes > 0 && (signs.headers || signs.quoted || soft + escapes > 3);
    signs
}

fn starts_with_ignoring_case(content: &[u8], prefix: &[u8]) -> bool {
    content.len() >= prefix.len() && content[..prefix.len()].eq_ignore_ascii_case(prefix)
}

/// How many bytes of `>`, `|` and blanks a line begins with.
#[must_use]
pub(super) fn prefix(content: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match content.get(at..) {
            Some([b'>' | b'|' | b' ' | b'\t', ..]) => at += 1,
            Some([0xc2, 0xa0, ..]) => at += 2,
            _ => return at,
        }
    }
}

/// Takes off what stands before the lines of a bisection. Lines between them lose the same; what a commit's message quotes is
/// indented further and keeps that.
#[must_use]
pub(super) fn peeled<'a>(lines: impl Iterator<Item = (u64, Cow<'a, [u8]>)>, signs: &Signs) -> Vec<Peeled> {
    let mut known: Vec<u8> = Vec::new();
    let mut dump = false;
    let mut plain = Vec::new();
    for (number, content) in lines {
        let content = content.strip_suffix(b"\r").unwrap_or(&content);
        let width = content.len();
        let (marks, bare) = content.split_at(prefix(content));
        let deeper = marks.strip_prefix(&known[..]);
        // Nothing of a mailed transcript is indented but messages and statistics.
        let quotes = deeper.is_some_and(|more| !more.is_empty() && (dump || signs.syzbot) && is_blank(more));
        let rest = if (line::is_marker(bare) || line::is_decorated(bare) || is_bare_first(bare)) && !quotes {
            known = marks.to_vec();
            dump = matches!(line::read(bare), Line::GitFirst(_));
            bare
        } else if let Some(rest) = content.strip_prefix(&known[..]).filter(|_| !known.is_empty()) {
            rest
        } else if bare.is_empty() && !known.is_empty() {
            // A mail program takes blanks at the end of a line away.
            bare
        } else if signs.quoted {
            unquoted(content)
        } else {
            content
        };
        let of_dump = [&b" "[..], b"\t", b":", b"commit ", b"Author:", b"Date:", b"Merge:"];
        dump &= rest.is_empty() || line::is_marker(rest) || of_dump.iter().any(|begin| rest.starts_with(begin));
        plain.push(Peeled { number, content: rest.to_vec(), width });
    }
    plain
}

fn is_blank(marks: &[u8]) -> bool {
    !marks.contains(&b'>') && !marks.contains(&b'|')
}

/// Without any `>` and the blanks that belong to them.
fn unquoted(content: &[u8]) -> &[u8] {
    let mut rest = content;
    while let Some(tail) = rest.strip_prefix(b">") {
        rest = tail.strip_prefix(b" ").unwrap_or(tail);
    }
    rest
}

/// Puts lines together that were broken, each with the number of its first part.
#[must_use]
pub(super) fn joined(lines: Vec<Peeled>, signs: &Signs) -> Vec<(u64, Vec<u8>)> {
    let wrapping = Wrapping::of(&lines);
    let mut whole: Vec<(u64, Vec<u8>)> = Vec::with_capacity(lines.len());
    let mut width = 0;
    for (at, line) in lines.iter().enumerate() {
        match whole.last_mut() {
            Some((_, before)) if continues(before, width, &lines[at..], signs, &wrapping) => {
                refill::join(before, &line.content);
            }
            _ => whole.push((line.number, line.content.clone())),
        }
        width = line.width;
    }
    whole
}

/// Whether and where lines were wrapped.
#[derive(Debug)]
struct Wrapping {
    /// Nobody wrapped any: there are wide lines that could have been broken.
    none: bool,
    /// Some comment goes on in the next line.
    seen: bool,
    /// Columns of the longest comment.
    longest: usize,
}

impl Wrapping {
    fn of(lines: &[Peeled]) -> Self {
        let comments = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| matches!(line::read(&line.content), Line::Given { .. } | Line::FirstComment { .. }));
        let (mut seen, mut longest) = (false, 0);
        for (at, line) in comments {
            longest = longest.max(line.width);
            if matches!(line::read(&line.content), Line::Given { .. }) && goes_on(&lines[at + 1..]) {
                seen = true;
                longest = longest.max(lines[at + 1].width);
            }
        }
        let is_wide = |line: &&Peeled| line.content.get(..WIDEST).is_some_and(|begin| begin.contains(&b' '));
        let none = lines.iter().filter(is_wide).take(WIDE).count() == WIDE;
        Self { none, seen: seen && longest <= WIDEST, longest }
    }
}

/// Whether what follows a comment is the rest of its subject: a line or two, and then the log again. git writes the command or the
/// next comment directly below a comment.
fn goes_on(rest: &[Peeled]) -> bool {
    let is_text = |line: &Peeled| {
        !line.content.trim_ascii().is_empty()
            && !line.content.starts_with(b"#")
            && matches!(line::read(&line.content), Line::Unknown)
            && line.content.len() < WIDEST
    };
    let is_log = |line: &Peeled| line::is_of_git(&line.content);
    match rest {
        [one, next, ..] if is_text(one) && is_log(next) => true,
        [one, two, next, ..] => is_text(one) && is_text(two) && is_log(next),
        _ => false,
    }
}

/// So many marks in a row are a line that somebody drew, bytes.
const RULE: usize = 8;

/// Whether a mail program broke the first of `rest` off the line before it.
fn continues(before: &[u8], width: usize, rest: &[Peeled], signs: &Signs, wrapping: &Wrapping) -> bool {
    let Some(line) = rest.first() else { return false };
    let content = &line.content[..];
    // A line that was cut behind its key has lost the blank by which it is known.
    let is_key = content.trim_ascii_end().ends_with(b"signature:");
    // What somebody drew between parts of his text.
    let is_ruled = content.len() >= RULE && !content.iter().any(u8::is_ascii_alphanumeric);
    if content.is_empty() || is_ruled || is_key || before.len() > LONGEST {
        return false;
    }
    let before = before.trim_ascii_end();
    // `# first bad commit:`, and below it, set in by somebody, the commit and its subject.
    if matches!(comment_of_first(before), Some(missing) if missing.is_filled_by(content)) {
        return true;
    }
    if content[0].is_ascii_whitespace() {
        return false;
    }
    // `# first bad commit:` and the bracket, `git bisect start '<commit>'` and more of them.
    let bracket = before.starts_with(b"# ") && before.ends_with(b":") && content.starts_with(b"[");
    if bracket && matches!(line::read(content), Line::Position { .. }) {
        return true;
    }
    let is_argument = content.starts_with(b"'") || content.starts_with(b"--term-");
    if is_argument && matches!(line::read(line::typed(before)), Line::Command { word: b"start", .. }) {
        return true;
    }
    // `commit <commit>`, and below it the references that `git bisect visualize` shows.
    let names = (content.starts_with(b"(") || content.starts_with(b"refs/bisect/")) && !line::is_decorated(before);
    if names && !line::is_decorated(content) {
        let mut both = before.to_vec();
        refill::join(&mut both, content);
        return line::is_decorated(&both);
    }
    if line::is_marker(content) {
        return false;
    }
    if line::is_hash(content.trim_ascii()) {
        let expects = [
            &b"signature:"[..],
            b"testing commit",
            b"bisect good",
            b"bisect bad",
            b"bisect skip",
            b"bisect old",
            b"bisect new",
            b"commit:",
            b"# good: [",
            b"# bad: [",
        ];
        return expects.iter().any(|end| before.ends_with(end)) || is_comment_without_command(before, content);
    }
    let first = content.split(|byte| *byte == b' ').next().unwrap_or(content);
    let short = before.len() + 1 + first.len() <= WRAP;
    match line::read(before) {
        Line::Given { .. } => goes_on(rest),
        // What a person writes below the answer is not a part of its subject.
        Line::FirstComment { .. } if wrapping.seen => {
            width + 1 + first.len() > wrapping.longest && matches!(line::read(content), Line::Unknown)
        }
        Line::FirstComment { .. } => {
            let alone = rest.get(1).is_none_or(|next| next.content.trim_ascii().is_empty());
            let is_sentence = matches!(content.trim_ascii_end().last(), Some(b'.' | b',' | b':' | b'!' | b'?'));
            let wrapped = width + 1 + first.len() > NARROWEST && wrapping.longest <= NARROWEST + 10;
            alone && wrapped && !is_sentence && !content.starts_with(b"http") && line::read(content) == Line::Unknown
        }
        Line::Position { .. }
        | Line::Testing { .. }
        | Line::Compiler(_)
        | Line::Run { .. }
        | Line::Answer { .. }
        | Line::Totals { .. }
        | Line::To(_)
        | Line::Cc(_)
        | Line::Crash(_)
        | Line::CommitMessage(_) => {
            // What a terminal shows next is a prompt, or what `git bisect run` starts.
            let is_command = memchr::memmem::find(content, b"git bisect ").is_some() || line::quotes_command(content);
            !short && !wrapping.none && !is_command && signs.is_mail() && matches!(line::read(content), Line::Unknown)
        }
        _ => false,
    }
}

/// What the comment of the first bad commit lacks on its line.
enum Missing {
    Commit,
    Subject,
}

impl Missing {
    fn is_filled_by(&self, content: &[u8]) -> bool {
        let text = content.trim_ascii();
        match self {
            Self::Commit => matches!(line::read(text), Line::Position { .. }),
            Self::Subject => !text.starts_with(b"http") && matches!(line::read(text), Line::Unknown),
        }
    }
}

fn comment_of_first(before: &[u8]) -> Option<Missing> {
    if is_bare_first(before) {
        return Some(Missing::Commit);
    }
    // git's own comments have a subject.
    let bare = before.starts_with(b"# ") && before.ends_with(b"]");
    (bare && matches!(line::read(before), Line::FirstComment { subject: b"", .. })).then_some(Missing::Subject)
}

/// `# first bad commit:`, and nothing behind it.
fn is_bare_first(content: &[u8]) -> bool {
    let content = content.trim_ascii_end();
    content.ends_with(b" commit:") && (content.starts_with(b"# first ") || content.starts_with(b"# possible first "))
}

/// Outlook joins `git bisect good` to the comment before it and leaves the hash alone on its line.
fn is_comment_without_command(before: &[u8], hash: &[u8]) -> bool {
    before.starts_with(b"# ")
        && memchr::memmem::find(before, hash.trim_ascii()).is_some()
        && memchr::memmem::find(before, b" git bisect").is_some()
}

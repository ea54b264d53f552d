//! Lines that a mailer cut, joined again: where the format says so, or where kernel text cannot end like that.

use super::{Line, Mail};

/// No mailer makes lines longer than this when it wraps, the marks of quoting included.
const WIDEST: usize = 82;

/// A line was cut here only if the next word would have made it longer than this.
const NARROWEST: usize = 66;

/// Texts with which lines of a report begin that mailers cut.
const HEADS: [&str; 22] = [
    "BUG:",
    "WARNING:",
    "INFO:",
    "UBSAN:",
    "general protection fault",
    "Unable to handle",
    "Kernel panic",
    "kernel BUG at",
    "Internal error:",
    "Read of size",
    "Write of size",
    "CPU:",
    "RIP:",
    "pc :",
    "lr :",
    "Code:",
    "Hardware name:",
    "Workqueue:",
    "Modules linked in:",
    "Oops:",
    "task:",
    "Kernel command line:",
];

/// Puts the lines together.
pub(super) fn joined(lines: Vec<Line>) -> Mail {
    let mut mail = Mail { text: Vec::new(), origins: Vec::new() };
    let mut lines = lines.into_iter().peekable();
    let mut after = None;
    while let Some(line) = lines.next() {
        // The line as it stands so far, for what follows a cut.
        let whole = after.take().unwrap_or_else(|| {
            mail.origins.push((mail.text.len(), line.origin));
            mail.text.len()
        });
        mail.text.extend_from_slice(&line.text);
        if let Some(next) = lines.peek()
            && let Some(glue) = glue(&mail.text[whole..], &line, next)
        {
            mail.text.extend_from_slice(glue);
            mail.origins.push((mail.text.len(), next.origin));
            after = Some(whole);
        } else {
            mail.text.push(b'\n');
        }
    }
    mail
}

/// What belongs between two physical lines if they are one.
fn glue(whole: &[u8], line: &Line, next: &Line) -> Option<&'static [u8]> {
    if line.flows {
        return (line.depth == next.depth && !next.text.is_empty()).then_some(b"");
    }
    // A reply's wrapping may push a line's rest out of the quoting, never into it.
    if next.depth > line.depth || next.text.trim_ascii().is_empty() || line.text.trim_ascii().is_empty() {
        return None;
    }
    continues(whole.trim_ascii_end(), line, next).then(|| if line.text.ends_with(b" ") { &b""[..] } else { b" " })
}

fn continues(whole: &[u8], line: &Line, next: &Line) -> bool {
    let rest = next.text.as_slice();
    let first = rest.split(|&byte| byte == b' ').next().unwrap_or_default();
    let full = line.width <= WIDEST && line.width + 1 + first.len() > NARROWEST;
    if is_stamped(whole) {
        // In a log with times a line without one is a cut line's rest.
        return full && !is_stamped(rest) && !rest.starts_with(b" ") && !is_prose(line, next);
    }
    if is_stamped(rest) {
        return false;
    }
    if is_source(rest) {
        return names_function(whole);
    }
    if rest.trim_ascii() == b"[inline]" {
        return ends_with_place(whole);
    }
    if is_hash(rest) {
        return [" good", " bad", " skip", "signature:", "commit"].iter().any(|end| whole.ends_with(end.as_bytes()));
    }
    let head = HEADS.iter().any(|head| whole.starts_with(head.as_bytes()));
    if !head || !full || rest.starts_with(b" ") || is_prose(line, next) {
        return false;
    }
    // Not what begins a line itself: `RAX: …`, `Call Trace:`, a frame after a complete place.
    if first.ends_with(b":") || HEADS.iter().any(|head| rest.starts_with(head.as_bytes())) || first.starts_with(b"==") {
        return false;
    }
    let frame = memchr::memmem::find(first, b"+0x").is_some();
    !frame || memchr::memmem::find(whole, b"+0x").is_none()
}

/// Whether the next line is rather somebody's answer: it left the quoting.
fn is_prose(line: &Line, next: &Line) -> bool {
    next.depth < line.depth && next.text.len() > 40
}

/// `[   12.345678]` at the start, a level before it perhaps.
fn is_stamped(text: &[u8]) -> bool {
    let text = match text {
        [b'<', b'0'..=b'7', b'>', rest @ ..] => rest,
        _ => text,
    };
    let Some(inner) = text.strip_prefix(b"[") else { return false };
    let inner = inner.trim_ascii_start();
    let digits = inner.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    digits > 0 && inner[..digits].contains(&b'.') && inner.get(digits) == Some(&b']')
}

/// `fs/ext4/inode.c:123`, alone or with `[inline]` or a module after it.
fn is_source(text: &[u8]) -> bool {
    let mut words = text.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let Some(place) = words.next() else { return false };
    is_place(place) && words.all(|word| word.starts_with(b"[") && word.ends_with(b"]"))
}

/// `path/file.c:12`.
fn is_place(word: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', word) else { return false };
    let (path, line) = (&word[..colon], &word[colon + 1..]);
    let extension = [&b".c"[..], b".h", b".S", b".rs"].iter().any(|end| path.ends_with(end));
    extension && !line.is_empty() && line.iter().all(u8::is_ascii_digit)
}

fn ends_with_place(text: &[u8]) -> bool {
    text.rsplit(|&byte| byte == b' ').next().is_some_and(is_place)
}

/// Whether a line ends with a function that a place may follow: `foo+0x12/0x34`, or is one word, or says ` at` or ` in`.
fn names_function(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let last = text.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    let offset = memchr::memmem::find(last, b"+0x").is_some();
    let word = last == text && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    offset || word || last == b"at" || last == b"in"
}

/// A commit or signature alone on its line.
fn is_hash(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    (7..=64).contains(&text.len()) && text.iter().all(u8::is_ascii_hexdigit)
}

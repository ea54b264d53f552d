//! Syslog's host and tag, which follow its time.

/// What follows the time.
pub(super) struct Tail {
    /// The tag's name, without pid and colon: start and end.
    pub tag: (usize, usize),
    /// Where the message begins.
    pub message: usize,
    /// Whether it is the kernel's.
    pub kernel: bool,
    /// The level of a `kern.info` word.
    pub level: Option<u8>,
}

/// No host, facility and tag together are longer.
const LONGEST: usize = 320;

/// Reads `[host ][kern.info ]tag[pid]: ` (or RFC 5424's `host tag - - - `) at the start of `rest`.
///
/// Only `kernel` and tags with a pid count: `Internal error: …` after a bare time is a message, not a host and a tag.
pub(super) fn tail(rest: &[u8]) -> Option<Tail> {
    let window = &rest[..rest.len().min(LONGEST)];
    let mut level = None;
    let mut start = 0;
    for _ in 0..4 {
        while window.get(start) == Some(&b' ') {
            start += 1;
        }
        let word_len = window[start..].iter().position(|&byte| byte <= b' ')?;
        let word = &window[start..start + word_len];
        if let Some(tag) = tag(word) {
            let mut message = start + tag.len;
            if window.get(message) == Some(&b' ') {
                message += 1;
            }
            return Some(Tail { tag: (start, start + tag.name), message, kernel: tag.kernel, level });
        }
        if start > 0
            && !word.contains(&b':')
            && let Some(fields) = structured(&window[start + word_len..])
        {
            let message = start + word_len + fields;
            let kernel = word.eq_ignore_ascii_case(b"kernel");
            return Some(Tail { tag: (start, start + word_len), message, kernel, level });
        }
        if word.is_empty() || matches!(word[0], b'[' | b'<' | b'{' | b'"') || word.ends_with(b":") {
            return None;
        }
        if let Some(dot) = memchr::memchr(b'.', word)
            && let Some(named) = level_named(&word[dot + 1..])
        {
            level = Some(named);
        }
        start += word_len;
    }
    None
}

/// A word that is a tag.
struct Tag {
    name: usize,
    len: usize,
    kernel: bool,
}

/// `kernel:`, `kernel[0]:`, `kernel:[` (glued), `sshd[812]:`.
fn tag(word: &[u8]) -> Option<Tag> {
    let name = word.iter().position(|byte| matches!(byte, b'[' | b':'))?;
    if name == 0 {
        return None;
    }
    let kernel = word[..name].eq_ignore_ascii_case(b"kernel");
    let (pid, colon) = if word[name] == b'[' {
        let digits = word[name + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        (digits > 0, if word.get(name + 1 + digits) == Some(&b']') { name + 2 + digits } else { return None })
    } else {
        (false, name)
    };
    (word.get(colon) == Some(&b':') && (kernel || (pid && colon + 1 == word.len()))).then_some(Tag {
        name,
        len: colon + 1,
        kernel,
    })
}

/// RFC 5424's process id, message id and structured data: the length of ` - - - `, with the blanks around it.
fn structured(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..2 {
        let word = rest.get(at + 1..)?.iter().position(|&byte| byte == b' ')?;
        let field = &rest[at + 1..at + 1 + word];
        if rest[at] != b' ' || !(field == b"-" || field.iter().all(u8::is_ascii_digit)) || field.is_empty() {
            return None;
        }
        at += 1 + word;
    }
    let data = rest.get(at + 1..)?;
    let field = match data.first()? {
        b'-' => 1,
        b'[' => 1 + memchr::memmem::find(data, b"] ").filter(|&close| data[..close].contains(&b'='))?,
        _ => return None,
    };
    let end = at + 1 + field;
    match rest.get(end) {
        None => Some(end),
        Some(b' ') => Some(end + 1 + if rest[end + 1..].starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }),
        Some(_) => None,
    }
}

/// printk's number of a level's name, as syslog and dmesg write it.
pub(crate) fn level_named(name: &[u8]) -> Option<u8> {
    const NAMES: [(&[u8], u8); 10] = [
        (b"emerg", 0),
        (b"alert", 1),
        (b"crit", 2),
        (b"err", 3),
        (b"error", 3),
        (b"warn", 4),
        (b"warning", 4),
        (b"notice", 5),
        (b"info", 6),
        (b"debug", 7),
    ];
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, level)| level)
}

/// `host kernel: `, one word before the tag: more would be a sentence of the kernel's.
pub(super) fn hosts_kernel(rest: &[u8]) -> Option<Tail> {
    tail(rest).filter(|tail| tail.kernel && rest[..tail.tag.0].iter().filter(|&&byte| byte == b' ').count() <= 1)
}

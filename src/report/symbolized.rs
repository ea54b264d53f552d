//! Reports with source lines in them, as they are mailed: how to tell them and how to undo it.

use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Whether a line is a copy that a symbolizer made for an inlined function.
#[must_use]
pub fn is_inlined_copy(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b" [inline]")
}

/// Whether a line shows that its report was symbolized.
#[must_use]
pub fn is_symbolized(line: &[u8]) -> bool {
    is_inlined_copy(line) || source_suffix(line).is_some() || decoded_frame(line).is_some()
}

/// The line as it was before symbolization; `None` when it was not there.
#[must_use]
pub fn undo(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    if is_inlined_copy(line) {
        return None;
    }
    if let Some((start, end)) = source_suffix(line) {
        let mut plain = line[..start].to_vec();
        plain.extend_from_slice(&line[end..]);
        return Some(Cow::Owned(plain));
    }
    if let Some((name, rest)) = decoded_frame(line) {
        let mut plain = line[..name].to_vec();
        plain.extend_from_slice(b"+0x0/0x0");
        plain.extend_from_slice(&line[rest..]);
        return Some(Cow::Owned(plain));
    }
    Some(Cow::Borrowed(line))
}

/// The span of ` path/file.c:123` behind `function+0x1/0x2`, if the line has it.
fn source_suffix(line: &[u8]) -> Option<(usize, usize)> {
    static OFFSET: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("+0x"));
    let mut from = 0;
    while let Some(plus) = OFFSET.find(&line[from..]) {
        let hex = |at: usize| line[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let mut at = from + plus + 3;
        from = at;
        at += hex(at);
        if !line[at..].starts_with(b"/0x") {
            continue;
        }
        at += 3;
        at += hex(at);
        if line.get(at) != Some(&b' ') {
            continue;
        }
        let token = line[at + 1..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        if is_source_line(&line[at + 1..at + 1 + token]) {
            return Some((at, at + 1 + token));
        }
    }
    None
}

/// `path/file.c:123`, a discriminator or column behind it included.
fn is_source_line(token: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', token) else { return false };
    let (path, number) = (&token[..colon], &token[colon + 1..]);
    let Some(dot) = memchr::memrchr(b'.', path) else { return false };
    !number.is_empty()
        && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b':')
        && path.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.+".contains(byte))
        && dot + 1 < path.len()
        && path[dot + 1..].iter().all(u8::is_ascii_alphabetic)
}

/// A frame as `decode_stacktrace.sh` writes it, ` name (path/file.c:123 …) [mod]`: where the name ends, where the rest begins.
fn decoded_frame(line: &[u8]) -> Option<(usize, usize)> {
    let start = line.iter().position(|byte| *byte != b' ')?;
    let name = line[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte)).count();
    let open = start + name;
    (name > 0 && line[open..].starts_with(b" (")).then_some(())?;
    let close = open + memchr::memrchr(b')', &line[open..])?;
    let token = line[open + 2..close].split(|byte| *byte == b' ').next()?;
    is_source_line(token).then_some((open, close + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(line: &str) -> Option<String> {
        undo(line.as_bytes()).map(|line| String::from_utf8_lossy(&line).into_owned())
    }

    #[test]
    fn source_lines_behind_a_frame_go() {
        assert_eq!(undone(" do_it+0x1/0x2 net/core/dev.c:123").as_deref(), Some(" do_it+0x1/0x2"));
        assert_eq!(undone(" do_it+0x1/0x2 dev.c:1 [mod]").as_deref(), Some(" do_it+0x1/0x2 [mod]"));
        assert_eq!(undone("RIP: 0010:do_it+0x1/0x2 a/b.h:9").as_deref(), Some("RIP: 0010:do_it+0x1/0x2"));
        assert_eq!(undone(" do_it (net/dev.c:12 net/dev.h:3) [mod]").as_deref(), Some(" do_it+0x0/0x0 [mod]"));
    }

    #[test]
    fn copies_for_inlined_functions_go() {
        assert_eq!(undone(" inner include/linux/x.h:12 [inline]"), None);
    }

    #[test]
    fn other_lines_stay() {
        for line in [" do_it+0x1/0x2", "Code: 00", "x (y) z", " a+0x1/0x2 [mod]", "took 5 (a.b:c)"] {
            assert_eq!(undone(line).as_deref(), Some(line));
            assert!(!is_symbolized(line.as_bytes()));
        }
    }
}

//! The function of a frame and where in it: `name+0x1/0x2`.

use super::super::scan::{after, hex};

/// Names of C, C++ and Rust with the compiler's suffixes.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    let start = bytes.first().copied().unwrap_or_default();
    (start.is_ascii_alphabetic() || matches!(start, b'_' | b'.' | b'<' | b'$' | b'~') || start >= 0x80)
        && bytes.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'_' | b'.'
                        | b'$'
                        | b':'
                        | b'<'
                        | b'>'
                        | b'&'
                        | b'*'
                        | b','
                        | b'~'
                        | b'@'
                        | b'-'
                        | b'{'
                        | b'}'
                        | b'#'
                        | b'['
                        | b']'
                        | b'('
                        | b')'
                        | b' '
                        | b';'
                        | b'='
                )
                || *byte >= 0x80
        })
}

/// Name, offset, size, rest of the line.
pub(super) type Located<'a> = (&'a [u8], u64, Option<u64>, &'a [u8]);

/// Name, offset and size of `name+0x1/0x2` and what follows; a name may hold blanks if it is a demangled one.
pub(super) fn with_offset(bytes: &[u8]) -> Option<Located<'_>> {
    let at = memchr::memchr_iter(b'+', bytes).find(|at| bytes[*at..].starts_with(b"+0x"))?;
    let name = &bytes[..at];
    if !is_name(name) || (name.contains(&b' ') && memchr::memmem::find(name, b"::").is_none()) {
        return None;
    }
    let rest = &bytes[at + 3..];
    let end = rest.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(rest.len());
    let offset = hex(&rest[..end])?;
    let rest = &rest[end..];
    let Some(tail) = after(rest, "/0x") else {
        let ended = rest.is_empty() || rest[0].is_ascii_whitespace() || rest[0] == b'/' || rest[0] == b')';
        return ended.then_some((name, offset, None, rest));
    };
    let end = tail.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(tail.len());
    Some((name, offset, hex(&tail[..end]), &tail[end..]))
}

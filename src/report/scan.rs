//! Small steps over bytes that all structure parsers take: words, numbers, tasks.

use super::Task;
pub(super) use crate::line::{find, find_last};

/// Bytes as text; what is not UTF-8 becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// What follows `prefix`.
pub(super) fn after<'a>(bytes: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    bytes.strip_prefix(prefix.as_bytes())
}

/// What is before and after the first `needle`.
pub(super) fn split<'a>(bytes: &'a [u8], needle: &str) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(bytes, needle)?;
    Some((&bytes[..at], &bytes[at + needle.len()..]))
}

/// What is before and after the last `needle`.
pub(super) fn split_last<'a>(bytes: &'a [u8], needle: &str) -> Option<(&'a [u8], &'a [u8])> {
    let at = find_last(bytes, needle)?;
    Some((&bytes[..at], &bytes[at + needle.len()..]))
}

/// The first word and the rest without the blanks between them.
pub(super) fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let bytes = bytes.trim_ascii_start();
    let end = bytes.iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len());
    (&bytes[..end], bytes[end..].trim_ascii_start())
}

/// The words, separated by blanks.
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// A decimal number at the start and the rest.
pub(super) fn leading_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    Some((number(&bytes[..end])?, &bytes[end..]))
}

/// All of the bytes as a decimal number.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    bytes.iter().try_fold(0u64, |value, byte| match byte {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// All of the bytes as a decimal number with sign: a pid.
pub(super) fn pid(bytes: &[u8]) -> Option<i64> {
    match bytes.strip_prefix(b"-") {
        Some(digits) => number(digits).and_then(|value| i64::try_from(value).ok()).map(|value| -value),
        None => number(bytes).and_then(|value| i64::try_from(value).ok()),
    }
}

/// All of the bytes as a hexadecimal number without `0x`.
pub(super) fn hex(bytes: &[u8]) -> Option<u64> {
    if !is_hex(bytes) || bytes.len() > 16 {
        return None;
    }
    bytes.iter().try_fold(0u64, |value, byte| Some((value << 4) | u64::from((*byte as char).to_digit(16)?)))
}

/// Whether there is something and all of it is hexadecimal digits.
pub(super) fn is_hex(bytes: &[u8]) -> bool {
    !bytes.is_empty() && span(bytes, &HEX) == bytes.len()
}

/// Hexadecimal digits, by byte.
pub(super) static HEX: [bool; 256] = bytes_of(&[(b'0', b'9'), (b'a', b'f'), (b'A', b'F')]);

/// A table of the bytes in some ranges, both ends included.
pub(super) const fn bytes_of(ranges: &[(u8, u8)]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < ranges.len() {
        let (first, last) = ranges[at];
        let mut byte = first as usize;
        while byte <= last as usize {
            table[byte] = true;
            byte += 1;
        }
        at += 1;
    }
    table
}

/// How many bytes at the beginning are in a table. Eight are looked at together, without a decision on each: names and numbers are
/// long.
#[inline]
pub(super) fn span(bytes: &[u8], table: &[bool; 256]) -> usize {
    let mut length = 0;
    while let Some(eight) = bytes[length..].first_chunk::<8>() {
        if !eight.iter().fold(true, |all, byte| all & table[usize::from(*byte)]) {
            break;
        }
        length += eight.len();
    }
    while bytes.get(length).is_some_and(|byte| table[usize::from(*byte)]) {
        length += 1;
    }
    length
}

/// The number after `key`, blanks between them allowed: `pid:   12`.
pub(super) fn keyed(bytes: &[u8], key: &str) -> Option<i64> {
    let rest = bytes[find(bytes, key)? + key.len()..].trim_ascii_start();
    let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'-').unwrap_or(rest.len());
    pid(&rest[..end])
}

/// A task `comm<separator>pid` whose command name may hold the separator.
pub(super) fn task(bytes: &[u8], separator: u8) -> Option<Task> {
    let at = memchr::memrchr(separator, bytes)?;
    let pid = pid(&bytes[at + 1..])?;
    let comm = bytes[..at].trim_ascii();
    // A vendor's kernel sets names in quotes.
    let comm = comm.strip_prefix(b"\"").and_then(|comm| comm.strip_suffix(b"\"")).unwrap_or(comm);
    (at <= 64).then(|| Task { comm: text(comm), pid })
}

#[cfg(test)]
mod tests {
    use super::{HEX, is_hex, span};

    proptest::proptest! {
        #[test]
        fn a_span_ends_where_the_first_other_byte_stands(text in "[0-9a-gA-G]{0,40}") {
            let bytes = text.as_bytes();
            let plain = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            proptest::prop_assert_eq!(span(bytes, &HEX), plain);
            proptest::prop_assert_eq!(is_hex(bytes), plain == bytes.len() && plain > 0);
        }
    }
}

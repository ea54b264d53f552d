//! Small steps over bytes that all structure parsers take: words, numbers, tasks.

use super::Task;

/// Bytes as text; what is no UTF-8 becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What follows `prefix`.
pub(super) fn after<'a>(bytes: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    bytes.strip_prefix(prefix.as_bytes())
}

/// In texts up to this length, bytes, the making of a searcher would cost more than the search.
const SHORT: usize = 512;

/// Where `needle` begins.
#[inline]
pub(super) fn find(bytes: &[u8], needle: &str) -> Option<usize> {
    let needle = needle.as_bytes();
    if bytes.len() > SHORT || needle.is_empty() {
        return memchr::memmem::find(bytes, needle);
    }
    // Of three bytes of the needle the rarest is looked for, and the rest compared.
    let last = needle.len() - 1;
    let mut at = last / 2;
    for other in [0, last] {
        if commonness(needle[other]) < commonness(needle[at]) {
            at = other;
        }
    }
    let end = (bytes.len() + at + 1).checked_sub(needle.len())?;
    let mut from = at;
    while let Some(found) = memchr::memchr(needle[at], bytes.get(from..end)?) {
        let start = from + found - at;
        if bytes[start..].starts_with(needle) {
            return Some(start);
        }
        from += found + 1;
    }
    None
}

/// How often lines of the kernel hold a byte, in rough classes.
const fn commonness(byte: u8) -> u8 {
    match byte {
        b' ' | b'0' => 4,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b'f' | b'd' | b'c' | b'l' | b'_' => 3,
        b'a'..=b'z' | b'1'..=b'9' | b'+' | b'/' | b':' => 2,
        _ => 1,
    }
}

/// Where the last `needle` begins.
pub(super) fn find_last(bytes: &[u8], needle: &str) -> Option<usize> {
    memchr::memmem::rfind(bytes, needle.as_bytes())
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
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_hexdigit)
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
    (at <= 64).then(|| Task { comm: text(bytes[..at].trim_ascii()), pid })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_text_is_found_wherever_it_stands() {
        let long = "x".repeat(600);
        for (text, needle) in [
            ("", "a"),
            ("a", ""),
            ("aab", "aab"),
            ("aaab", "aab"),
            ("a: b: c", ": c"),
            ("Oops: 1", "Oops: "),
            ("an Oops:", "Oops: "),
            ("ab", "abc"),
            (&format!("{long}y"), "xy"),
        ] {
            assert_eq!(find(text.as_bytes(), needle), text.find(needle), "{needle} in {text}");
        }
    }
}

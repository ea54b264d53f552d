//! Finds a text in a line, for the many questions that are asked of one line.

/// In texts up to this length, bytes, the making of a searcher would cost more than the search.
const SHORT: usize = 512;

/// Where `needle` begins.
#[inline]
pub(crate) fn find(bytes: &[u8], needle: &str) -> Option<usize> {
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

//! Finds a text in a line, for the many questions that are asked of one line, and compares lines.

/// In texts up to this length, bytes, the making of a searcher would cost more than the search.
const SHORT: usize = 512;

/// Whether two texts differ in nothing but digits.
pub(crate) fn is_same_but_digits(one: &[u8], other: &[u8]) -> bool {
    let alike = |(one, other): (&u8, &u8)| one == other || one.is_ascii_digit() && other.is_ascii_digit();
    one.len() == other.len() && one.iter().zip(other).all(alike)
}

/// Where `needle` begins.
#[inline]
pub(crate) fn find(bytes: &[u8], needle: &str) -> Option<usize> {
    let needle = needle.as_bytes();
    if bytes.len() > SHORT || needle.is_empty() {
        return memchr::memmem::find(bytes, needle);
    }
    // Of a few bytes of the needle the rarest is looked for, and the rest compared.
    let last = needle.len() - 1;
    let mut at = last / 2;
    for other in [0, last / 4, last - last / 4, last] {
        if COMMONNESS[usize::from(needle[other])] < COMMONNESS[usize::from(needle[at])] {
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

/// How often lines of reports hold a byte, in rough classes: rows of registers are hexadecimal digits.
static COMMONNESS: [u8; 256] = {
    let mut classes = [1; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b' ' | b'0' => 5,
            b'a'..=b'f' | b'1'..=b'9' => 4,
            b't' | b'o' | b'i' | b'n' | b's' | b'r' | b'l' | b'_' => 3,
            b'g'..=b'z' | b'+' | b'/' | b':' => 2,
            _ => 1,
        };
        byte += 1;
    }
    classes
};

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

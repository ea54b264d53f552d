//! Finds a text in a line, for the many questions that are asked of one line, and compares lines.

use super::Letters;

/// In texts up to this length, bytes, the making of a searcher would cost more than the search.
const SHORT: usize = 512;

/// Whether two texts differ in nothing but digits.
pub(crate) fn is_same_but_digits(one: &[u8], other: &[u8]) -> bool {
    let alike = |(one, other): (&u8, &u8)| one == other || one.is_ascii_digit() && other.is_ascii_digit();
    one.len() == other.len() && one.iter().zip(other).all(alike)
}

/// A text that is looked for in lines of which it is known what they are spelled with: most cannot hold it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    text: &'static str,
    letters: Letters,
}

impl Wanted {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, letters: Letters::of(text.as_bytes()) }
    }

    /// What finds it in a whole log.
    pub(crate) fn finder(self) -> memchr::memmem::Finder<'static> {
        memchr::memmem::Finder::new(self.text)
    }

    /// Where it begins in a line, or in a part of a line, that is spelled with `letters`.
    #[inline]
    pub(crate) fn find(self, bytes: &[u8], letters: Letters) -> Option<usize> {
        if letters.may_hold(self.letters) { find(bytes, self.text) } else { None }
    }

    /// What is before it and what is behind it.
    #[inline]
    pub(crate) fn split(self, bytes: &[u8], letters: Letters) -> Option<(&[u8], &[u8])> {
        let at = self.find(bytes, letters)?;
        Some((&bytes[..at], &bytes[at + self.text.len()..]))
    }
}

/// Where `needle` begins.
#[inline]
pub(crate) fn find(bytes: &[u8], needle: &str) -> Option<usize> {
    let needle = needle.as_bytes();
    if bytes.len() > SHORT || needle.is_empty() {
        return memchr::memmem::find(bytes, needle);
    }
    // Of a few bytes of the needle the rarest is looked for, and the rest compared.
    let at = rarest(needle);
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

/// Where the last `needle` begins.
#[inline]
pub(crate) fn find_last(bytes: &[u8], needle: &str) -> Option<usize> {
    let needle = needle.as_bytes();
    if bytes.len() > SHORT || needle.is_empty() {
        return memchr::memmem::rfind(bytes, needle);
    }
    let at = rarest(needle);
    let mut end = (bytes.len() + at + 1).checked_sub(needle.len())?;
    while let Some(found) = memchr::memrchr(needle[at], bytes.get(at..end)?) {
        if bytes[found..].starts_with(needle) {
            return Some(found);
        }
        end = at + found;
    }
    None
}

/// Which byte of a needle is the rarest of a few.
#[inline]
fn rarest(needle: &[u8]) -> usize {
    let last = needle.len() - 1;
    let mut at = last / 2;
    for other in [0, last / 4, last - last / 4, last] {
        if COMMONNESS[usize::from(needle[other])] < COMMONNESS[usize::from(needle[at])] {
            at = other;
        }
    }
    at
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
    use super::super::Letters;
    use super::{Wanted, find, find_last};

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
            assert_eq!(find_last(text.as_bytes(), needle), text.rfind(needle), "last {needle} in {text}");
        }
    }

    #[test]
    fn a_wanted_text_is_found_where_the_letters_allow_it() {
        const WANTED: Wanted = Wanted::new(" by ");
        let line = b"[   T5] freed by task by name";
        let letters = Letters::of(line);
        assert_eq!(WANTED.find(&line[8..], letters), Some(5));
        assert_eq!(WANTED.split(&line[8..], letters), Some((&b"freed"[..], &b"task by name"[..])));
        assert_eq!(WANTED.find(b"y by x", Letters::of(b"others")), None, "the letters were believed");
    }

    proptest::proptest! {
        #[test]
        fn every_text_of_few_letters_is_found(text in "[ab+ ]{0,12}", needle in "[ab+ ]{0,3}") {
            proptest::prop_assert_eq!(find(text.as_bytes(), &needle), text.find(&needle));
            proptest::prop_assert_eq!(find_last(text.as_bytes(), &needle), text.rfind(&needle));
        }
    }
}

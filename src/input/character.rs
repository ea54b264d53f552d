//! How HTML writes the characters of a kernel's line.

/// What is written between `&` and `;` for them.
const NAMED: [(&[u8], u8); 6] =
    [(b"lt", b'<'), (b"gt", b'>'), (b"amp", b'&'), (b"quot", b'"'), (b"apos", b'\''), (b"nbsp", b' ')];
/// No name or number is longer with both, bytes.
const LONGEST: usize = 10;

/// The character for which `&lt;` or `&#60;` at the beginning of a text stands, and how long that is.
#[must_use]
pub(crate) fn character(text: &[u8]) -> Option<(u8, usize)> {
    let reach = &text[..text.len().min(LONGEST)];
    let end = memchr::memchr(b';', reach).filter(|_| reach[0] == b'&')?;
    let name = reach.get(1..end)?;
    let number = || {
        let digits = std::str::from_utf8(name.strip_prefix(b"#")?).ok()?;
        let hex = digits.strip_prefix(['x', 'X']);
        let value = hex.map_or_else(|| digits.parse::<u32>().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
        let plain = u8::try_from(value).ok().filter(|byte| byte.is_ascii_graphic());
        plain.or_else(|| (value == 160 || value == 32).then_some(b' '))
    };
    Some((named(name).or_else(number)?, end + 1))
}

/// The character that has a name.
#[must_use]
pub(crate) fn named(name: &[u8]) -> Option<u8> {
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, byte)| *byte)
}

#[cfg(test)]
mod tests {
    use super::character;

    #[test]
    fn names_and_numbers_stand_for_characters() {
        for (written, wanted) in [
            ("&lt;x", Some((b'<', 4))),
            ("&nbsp;", Some((b' ', 6))),
            ("&#39;", Some((b'\'', 5))),
            ("&#x3c;", Some((b'<', 6))),
            ("&#160;", Some((b' ', 6))),
            ("&dev->lock;", None),
            ("lt;", None),
            ("&", None),
            ("", None),
        ] {
            assert_eq!(character(written.as_bytes()), wanted, "{written}");
        }
    }
}

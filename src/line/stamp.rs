//! printk's stamp, `[   12.345678]`, recognised as it stands in nearly every line: many bytes at once.

/// How wide a stamp is before the uptime has six digits, bytes: `[   12.345678]`.
pub(crate) const USUAL_STAMP: usize = 14;

/// Whether a line begins with a stamp of the usual width, as its bytes show.
#[must_use]
pub(crate) fn is_usual_stamp(line: &[u8]) -> bool {
    // The last eight bytes at once: digits are 0x30 to 0x39, so that six more than one has the same upper half.
    const FORM: u64 = u64::from_le_bytes(*b".000000]");
    const UPPER: u64 = u64::from_le_bytes(*b"\xff\xf0\xf0\xf0\xf0\xf0\xf0\xff");
    const SIX: u64 = u64::from_le_bytes(*b"\0\x06\x06\x06\x06\x06\x06\0");
    let Some(&[b'[', a, b, c, d, e, ref fraction @ ..]) = line.first_chunk::<USUAL_STAMP>() else { return false };
    let fraction = u64::from_le_bytes(*fraction);
    (fraction ^ FORM) & UPPER == 0 && (fraction.wrapping_add(SIX) ^ FORM) & UPPER == 0 && is_padded([a, b, c, d, e])
}

/// Whether these are blanks and then digits, the last one a digit: all five looked at at once, since every line is asked.
fn is_padded([a, b, c, d, e]: [u8; 5]) -> bool {
    const FIVE: u64 = 0x01_0101_0101;
    const HIGH: u64 = FIVE << 7;
    let places = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]);
    // The high bit of each place that holds more than nine, counted from the digit zero; a carry comes from no digit and no blank.
    let value = places ^ (FIVE * 0x30);
    let others = (value.wrapping_add(FIVE * 0x76) | value) & HIGH;
    let differs = places ^ (FIVE * 0x20);
    let unlike_blanks = ((differs & !HIGH).wrapping_add(FIVE * 0x7f) | differs) & HIGH;
    // A place without a digit stands behind another, or is the first.
    let late = others & !(others << 8) & !0x80;
    others & unlike_blanks == 0 && late == 0 && others >> 39 == 0
}

/// Whether each line of a text that is not empty begins with a stamp of the usual width: nothing stands around the lines of such a log.
/// `seen` gets every line that does.
pub(crate) fn all_are_stamped(text: &[u8], mut seen: impl FnMut(&[u8])) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        if is_usual_stamp(line) {
            seen(line);
        } else if !line.trim_ascii().is_empty() {
            return false;
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    true
}

/// How wide a caller is while its number has at most five digits, bytes: `[ T1234]`.
pub(crate) const USUAL_CALLER: usize = 8;

/// Whether a text begins with a caller of the usual width and a blank.
#[must_use]
pub(crate) fn is_usual_caller(text: &[u8]) -> bool {
    let Some([b'[', name @ .., b']', b' ']) = text.first_chunk::<{ USUAL_CALLER + 1 }>() else { return false };
    let digits = match &name[..] {
        [b'C' | b'T', digits @ ..]
        | [b' ', b'C' | b'T', digits @ ..]
        | [b' ', b' ', b'C' | b'T', digits @ ..]
        | [b' ', b' ', b' ', b'C' | b'T', digits @ ..]
        | [b' ', b' ', b' ', b' ', b'C' | b'T', digits @ ..] => digits,
        _ => return false,
    };
    digits.iter().all(u8::is_ascii_digit)
}

/// Whether a text begins with `[   12.345678]`.
#[must_use]
pub(crate) fn begins_with_stamp(text: &[u8]) -> bool {
    let Some(inner) = text.strip_prefix(b"[") else { return false };
    // Most brackets hold a name.
    if !inner.first().is_some_and(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace()) {
        return false;
    }
    let inner = &inner[..inner.len().min(39)];
    let is_timed = |close| is_stamp(&inner[..close]) || core(text).is_some_and(|at| is_stamp(&text[1..at]));
    memchr::memchr(b']', inner).is_some_and(is_timed)
}

/// Where the mark stands before the core that kernels of some vendors print in the stamp: `[    7.216546@0] `, `[    7.216546,00] `.
pub(crate) fn core(text: &[u8]) -> Option<usize> {
    let inner = &text[..text.len().min(40)];
    let close = memchr::memchr(b']', inner)?;
    let digits = inner[..close].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let mark = close.checked_sub(digits + 1)?;
    let marked = match inner[mark] {
        b'@' => true,
        // Elsewhere a comma stands before the fraction.
        b',' => inner.first() == Some(&b'[') && is_stamp(&inner[1..mark]),
        _ => false,
    };
    (digits > 0 && marked).then_some(mark)
}

/// What stands between the brackets of a printk stamp: blanks, digits, a dot, digits.
#[must_use]
pub(crate) fn is_stamp(text: &[u8]) -> bool {
    let digits = text.trim_ascii_start();
    let Some(dot) = digits.iter().position(|byte| !byte.is_ascii_digit()) else { return false };
    let part = &digits[dot + 1..];
    dot > 0 && digits[dot] == b'.' && !part.is_empty() && part.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::{all_are_stamped, begins_with_stamp, is_padded, is_usual_caller, is_usual_stamp};
    use proptest::prelude::*;

    #[test]
    fn a_line_without_a_stamp_is_seen_wherever_it_stands() {
        for log in ["", "\n", "[    1.000000] a", "\n[    1.000000] a\n\r\n[    1.000001]\n  \n"] {
            assert!(all_are_stamped(log.as_bytes(), |_| ()), "{log}");
        }
        for log in ["a", "a\n[    1.000000] a\n", "[    1.000000] a\n b", "[    1.000000] a\n[    1.00000\n"] {
            assert!(!all_are_stamped(log.as_bytes(), |_| ()), "{log}");
        }
    }

    #[test]
    fn stamps_of_the_usual_width_are_known() {
        for line in ["[    0.000000]", "[12345.678901] x", "[   12.345678][ T1] x"] {
            assert!(is_usual_stamp(line.as_bytes()), "{line}");
        }
        for line in ["", "[", "[     .000000]", "[  1 2.345678]", "[   12.34567a]", "[   12.345678)", "[   12:345678]"]
        {
            assert!(!is_usual_stamp(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn callers_of_the_usual_width_are_known() {
        for text in ["[ T1234] x", "[    C0] ", "[T12345] x"] {
            assert!(is_usual_caller(text.as_bytes()), "{text}");
        }
        for text in [
            "[ T1234]x",
            "[T123456] ",
            "[     T] ",
            "[  X123] ",
            "[ T12a4] ",
            "[ T1234]",
            "",
            "[\t   T1] x",
            "[ TT123] ",
        ] {
            assert!(!is_usual_caller(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn callers_are_told_in_every_order_of_their_bytes() {
        let bytes = [b' ', b'0', b'9', b'C', b'T', b'X', b'/', b':'];
        for number in 0..bytes.len().pow(6) {
            let mut rest = number;
            let name = [(); 6].map(|()| {
                let byte = bytes[rest % bytes.len()];
                rest /= bytes.len();
                byte
            });
            let behind = name.trim_ascii_start();
            let plain = behind.len() > 1 && b"CT".contains(&behind[0]) && behind[1..].iter().all(u8::is_ascii_digit);
            assert_eq!(is_usual_caller(&[b"[", &name[..], b"] "].concat()), plain, "{name:?}");
        }
    }

    #[test]
    fn blanks_and_digits_are_told_in_every_order() {
        // All bytes that may be mistaken, in all five places.
        let bytes = [b' ', b'0', b'9', b'/', b':', b'!', 0x1f, 0x10, 0xb0, 0xa0, 0xff, 0];
        for number in 0..bytes.len().pow(5) {
            let mut rest = number;
            let places = [(); 5].map(|()| {
                let byte = bytes[rest % bytes.len()];
                rest /= bytes.len();
                byte
            });
            let digits = &places[places.iter().take_while(|byte| **byte == b' ').count()..];
            let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
            assert_eq!(is_padded(places), plain, "{places:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_told_at_a_glance_is_a_stamp(line in r"\[[ 0-9]{4,6}[.:][0-9:;?/]{5,7}[\]\[]x?") {
            if is_usual_stamp(line.as_bytes()) {
                prop_assert!(begins_with_stamp(line.as_bytes()), "{}", line);
            }
        }
    }
}

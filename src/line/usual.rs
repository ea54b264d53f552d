//! The console's own prefix, read without the tokens: nearly all lines of logs have it and nothing else.

use super::Prefix;
use super::syslog::hosts_kernel;

/// More digits of seconds than this are not an uptime, and would not fit a float exactly.
const SECONDS: usize = 9;
/// printk's fractions are microseconds.
const FRACTION: usize = 6;

/// What [`lex`](super::lex) says of `[   12.345678] message` and `[   12.345678][ T123] message`; `None` for any other form.
/// `text` has no line end.
pub(super) fn usual(text: &[u8]) -> Option<Prefix<'_>> {
    behind_bracket(text, text.strip_prefix(b"[")?)
}

/// The same of `12.345678] message`: the copy of a line that began behind the bracket.
pub(super) fn cut(text: &[u8]) -> Option<Prefix<'_>> {
    // Most lines of any form end here.
    blanks(text).first().filter(|byte| byte.is_ascii_digit())?;
    behind_bracket(text, text)
}

/// Whether a line begins with a stamp but for its bracket.
pub(crate) fn lost_its_bracket(text: &[u8]) -> bool {
    cut(text).is_some()
}

/// What a line says whose stamp begins with `stamp`.
fn behind_bracket<'line>(text: &'line [u8], stamp: &'line [u8]) -> Option<Prefix<'line>> {
    let mut rest = blanks(stamp);
    let (seconds, digits) = digits(rest, SECONDS);
    rest = rest.get(digits..)?.strip_prefix(b".")?;
    let (microseconds, places) = self::digits(rest, FRACTION);
    rest = rest.get(places..)?.strip_prefix(b"]")?;
    if digits == 0 || places != FRACTION {
        return None;
    }
    // Both numbers are exact, so that the quotient is the float nearest to the decimal number.
    let time = Some((seconds * 1_000_000 + microseconds) as f64 / 1e6);
    let mut caller = None;
    if let Some(inner) = rest.strip_prefix(b"[") {
        let name = blanks(inner);
        let digits = self::digits(name.strip_prefix(b"T").or(name.strip_prefix(b"C"))?, SECONDS).1;
        rest = name.get(1 + digits..)?.strip_prefix(b"]")?;
        caller = Some(&name[..1 + digits]).filter(|_| digits > 0);
        caller?;
    }
    rest = rest.strip_prefix(b" ")?;
    let plain = match rest.first()? {
        // Colours, which may stand anywhere.
        0x1b => false,
        // dmesg's own form of the caller; a host's name before the kernel's tag.
        _ if caller.is_none() => rest[0] != b'[' && hosts_kernel(rest).is_none(),
        _ => true,
    };
    let message = text.len() - rest.len();
    plain.then(|| Prefix { message, end: text.len(), time, caller, ..Prefix::default() })
}

fn blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| **byte == b' ').count()..]
}

/// The number that up to `most` digits give, and how many they are.
fn digits(text: &[u8], most: usize) -> (u64, usize) {
    let (mut number, mut count) = (0, 0);
    for byte in text.iter().take(most) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number * 10 + u64::from(digit);
        count += 1;
    }
    (number, count)
}

#[cfg(test)]
mod tests {
    use super::super::lex::by_tokens;
    use super::{cut, usual};
    use proptest::prelude::*;

    #[test]
    fn the_usual_forms_are_read() {
        for line in ["[    0.000000] x", "[12345.678901][ T123] x: y", "[   12.345678][    C0]  y", "[ 1.000001] x [y]"]
        {
            assert_eq!(usual(line.as_bytes()), Some(by_tokens(line.as_bytes())), "{line}");
        }
        for line in [
            "[    0.000000]",
            "[    0.00000] x",
            "[    0.000000] [ T1] x",
            "[    0.000000][ T1@C0] x",
            "[    0.000000][ T1][ C0] x",
            "[    0.000000] \x1b[0mx",
            "[    0.000000] host kernel: x",
            "[    0.000000][ X1] x",
            "x",
        ] {
            assert_eq!(usual(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_stamp_may_have_lost_its_bracket() {
        let line = b"   11.662352] Oops - load access fault [#1]";
        let found = cut(line).expect("a stamp");
        assert_eq!((found.text(line), found.time), (&b"Oops - load access fault [#1]"[..], Some(11.662352)));
        let line = b"   11.662352][   T29] BUG: x";
        let found = cut(line).expect("a stamp and a caller");
        assert_eq!((found.text(line), found.caller), (&b"BUG: x"[..], Some(&b"T29"[..])));
        for line in ["1.5] x", "12.345678]x", "12.345678 x", "", "12"] {
            assert_eq!(cut(line.as_bytes()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_it_reads_is_what_the_tokens_say(
            line in r"\[ {0,4}[0-9]{1,10}\.[0-9]{5,7}\](\[ {0,3}[TCX][0-9]{0,4}\]){0,2} {0,2}(host |kernel: |\[|[a-z:]{0,4}|\x1b\[0m){0,3}"
        ) {
            if let Some(prefix) = usual(line.as_bytes()) {
                prop_assert_eq!(prefix, by_tokens(line.as_bytes()));
            }
        }
    }
}

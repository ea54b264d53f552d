//! The console's own prefix, read without the tokens: nearly all lines of logs have it and nothing else.

use super::Prefix;
use super::stamp::{USUAL_CALLER, USUAL_STAMP, is_usual_caller, is_usual_stamp};
use super::syslog::hosts_kernel;

/// More digits of seconds than this are not an uptime, and would not fit a float exactly.
const SECONDS: usize = 9;
/// printk's fractions are microseconds.
const FRACTION: usize = 6;

/// What [`lex`](super::lex) says of `[   12.345678] message` and `[   12.345678][ T123] message`; `None` for any other form.
/// `text` has no line end.
pub(super) fn usual(text: &[u8]) -> Option<Prefix<'_>> {
    at_a_glance(text).or_else(|| behind_bracket(text, text.strip_prefix(b"[")?))
}

/// The same of a line whose stamp and caller have the usual width, which nearly all have: no digit is looked at by itself.
fn at_a_glance(text: &[u8]) -> Option<Prefix<'_>> {
    let [b'[', stamp @ .., b']'] = text.first_chunk::<USUAL_STAMP>().filter(|_| is_usual_stamp(text))? else {
        return None;
    };
    let [a, b, c, d, e, b'.', u, v, w, x, y, z] = *stamp else { return None };
    let (seconds, microseconds) = (number([0, 0, 0, a, b, c, d, e]), number([0, 0, u, v, w, x, y, z]));
    let rest = &text[USUAL_STAMP..];
    let (caller, message) = if is_usual_caller(rest) {
        (Some(blanks(&rest[1..USUAL_CALLER - 1])), USUAL_STAMP + USUAL_CALLER + 1)
    } else {
        (None, USUAL_STAMP + 1)
    };
    if caller.is_none() && rest.first() != Some(&b' ') {
        return None;
    }
    message_at(text, message, seconds, microseconds, caller)
}

/// The number that eight digits give; blanks and zero bytes before the first count as zeros. Neighbours are added up at once, as pairs,
/// fours and the whole.
fn number(digits: [u8; 8]) -> u64 {
    const TENS: u64 = 10 << 8 | 1;
    const HUNDREDS: u64 = 100 << 16 | 1;
    const MYRIADS: u64 = 10_000 << 32 | 1;
    let ones = u64::from_le_bytes(digits) & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = ones.wrapping_mul(TENS) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(HUNDREDS) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(MYRIADS) >> 32
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
    let mut caller = None;
    if let Some(inner) = rest.strip_prefix(b"[") {
        let name = blanks(inner);
        let digits = self::digits(name.strip_prefix(b"T").or(name.strip_prefix(b"C"))?, SECONDS).1;
        rest = name.get(1 + digits..)?.strip_prefix(b"]")?;
        caller = Some(&name[..1 + digits]).filter(|_| digits > 0);
        caller?;
    }
    rest = rest.strip_prefix(b" ")?;
    message_at(text, text.len() - rest.len(), seconds, microseconds, caller)
}

/// What a line says with this stamp and caller, the message of which begins at `message`.
fn message_at<'line>(
    text: &'line [u8],
    message: usize,
    seconds: u64,
    microseconds: u64,
    caller: Option<&'line [u8]>,
) -> Option<Prefix<'line>> {
    let rest = text.get(message..)?;
    let plain = match rest.first()? {
        // Colours, which may stand anywhere.
        0x1b => false,
        // dmesg's own form of the caller; a host's name before the kernel's tag.
        _ if caller.is_none() => rest[0] != b'[' && hosts_kernel(rest).is_none(),
        _ => true,
    };
    // Both numbers are exact, so that the quotient is the float nearest to the decimal number.
    let time = Some((seconds * 1_000_000 + microseconds) as f64 / 1e6);
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
    use super::{at_a_glance, behind_bracket, cut, number, usual};
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

    #[test]
    fn a_number_is_read_at_once() {
        for (digits, expected) in
            [(b"00000000", 0), (b"12345678", 12_345_678), (b"99999999", 99_999_999), (b"\0  00407", 407)]
        {
            assert_eq!(number(*digits), expected);
        }
    }

    proptest! {
        #[test]
        fn a_glance_says_what_the_digits_say(
            line in r"\[( {4}[0-9]| {2}[0-9]{3}|[0-9]{5})\.[0-9]{6}\](\[( {3}T[0-9]{2}|T[0-9]{5}| {4}C[0-9])\])? (host |kernel: |\[|[a-z:]{0,4}|\x1b\[0m){0,3}"
        ) {
            prop_assert_eq!(at_a_glance(line.as_bytes()), behind_bracket(line.as_bytes(), &line.as_bytes()[1..]));
        }

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

//! Quoted-printable text: `=3D`, `=20`, and `=` at a line's end, which joins it with the next.

use super::Line;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Where a line is broken, and the same with the line end of mails.
static BREAK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("=\n"));
static BREAK_OF_MAILS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("=\r\n"));
/// So much of a text is looked at, bytes.
const SAMPLE: usize = 64 << 10;
/// The encoding makes no line longer than 76; some programs count the line's end.
const LONGEST: usize = 78;
/// A line that the encoding broke is nearly as long; some mailers break between words.
const FULL: usize = 60;
/// So many broken lines show the encoding by themselves; a single one does together with an escape.
const BROKEN: usize = 2;
/// One `=` in so many may be what somebody wrote above.
const FOREIGN_SHARE: usize = 20;

/// Whether a text without a header that says so is encoded: none of its lines is longer than the encoding makes them, some are broken,
/// and what follows `=` are two digits. Nearly every log has a longer line among its first.
pub(super) fn is_encoded<'a>(lines: impl Iterator<Item = (&'a [u8], usize)>) -> bool {
    let (mut broken, mut escapes, mut foreign, mut first) = (0, 0, 0, None);
    for (line, origin) in lines {
        if line.len() > LONGEST {
            return false;
        }
        if origin - *first.get_or_insert(origin) > SAMPLE {
            break;
        }
        for at in memchr::memchr_iter(b'=', line) {
            match line[at + 1..] {
                [] => broken += usize::from(line.len() >= FULL),
                [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => escapes += 1,
                _ => foreign += 1,
            }
        }
    }
    let shown = broken >= BROKEN || broken > 0 && escapes > 0;
    shown && foreign * FOREIGN_SHARE <= broken + escapes
}

/// Whether a line of a text may be broken so, decided at a glance.
pub(super) fn may_be_encoded(text: &[u8]) -> bool {
    let sample = &text[..text.len().min(SAMPLE)];
    BREAK.find(sample).is_some() || memchr::memchr(b'\r', sample).is_some() && BREAK_OF_MAILS.find(sample).is_some()
}

/// Adds the lines that `make` makes of decoded ones.
pub(super) fn decode(body: &[(&[u8], usize)], make: &impl Fn(Vec<u8>, usize) -> Line, lines: &mut Vec<Line>) {
    let mut whole: Option<(Vec<u8>, usize)> = None;
    for &(line, origin) in body {
        let line = line.trim_ascii_end();
        let (line, soft) = line.strip_suffix(b"=").map_or((line, false), |line| (line, true));
        let (text, _) = whole.get_or_insert_with(|| (Vec::new(), origin));
        decode_line(line, text);
        if !soft && let Some((text, origin)) = whole.take() {
            lines.push(make(text, origin));
        }
    }
    if let Some((text, origin)) = whole {
        lines.push(make(text, origin));
    }
}

fn decode_line(line: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < line.len() {
        let digit = |offset: usize| line.get(at + offset).and_then(|&byte| char::from(byte).to_digit(16));
        if line[at] == b'='
            && let (Some(high), Some(low)) = (digit(1), digit(2))
        {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else {
            out.push(line[at]);
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_encoded;

    fn encoded(text: &str) -> bool {
        is_encoded(crate::input::lines(text.as_bytes()))
    }

    #[test]
    fn broken_lines_and_escapes_show_the_encoding() {
        let broken = |end: &str| format!("{}{end}\n", "x".repeat(76 - end.len()));
        assert!(encoded(&format!("a\n{}b\n{}c\n", broken("="), broken("="))));
        assert!(encoded(&format!("a =3D b\n{}c\n", broken("="))));
        // Numbers, a variable without value, a rule, padding, a line that no encoder leaves so long.
        for text in [
            format!("a =3D b\n{}", broken(" ")),
            format!("{}c\n", broken("=")),
            "A=20 B=30\nPATH=\nHOME=\n".to_owned(),
            format!("{}\n{}\n", "=".repeat(66), "=".repeat(66)),
            format!("{}{}a=b c=d\n", broken("="), broken("=")),
            format!("{}{}{}\n", broken("="), broken("="), "y".repeat(79)),
        ] {
            assert!(!encoded(&text), "{text}");
        }
    }
}

//! A log whose colours were written out: programs and pages show the escape character in their own way, or not at all, `^[[32m[    1.0]^[[0m lamp: on`,
//! `[0;1;31mlamp: off[0m`.

use crate::input::{Inside, lines};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// How the escape character is written: by `cat -v`, in strings of programs, by name, as a picture, as what cannot be shown.
const WRITTEN: [&[u8]; 9] = [
    b"^[",
    b"\\x1b",
    b"\\033",
    b"\\u001b",
    b"\\e",
    b"ESC",
    "\u{2190}".as_bytes(),
    "\u{241b}".as_bytes(),
    "\u{fffd}".as_bytes(),
];
/// What ends a colour.
const RESET: &[u8] = b"[0m";
/// So many of them are no chance.
const RESETS: usize = 3;
/// No sequence has more digits and semicolons.
const LONGEST: usize = 16;

/// The text without them, if it has some.
pub(super) fn read_colours(text: &[u8]) -> Option<Inside> {
    static RESETTING: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(RESET));
    let mut resets = RESETTING.find_iter(text);
    // What has its escape character is known on each line.
    resets.next().filter(|at| *at == 0 || text[at - 1] != b'\x1b')?;
    resets.nth(RESETS - 2)?;
    let mut inside = Inside::of(text.len());
    for (line, start) in lines(text) {
        let (mut from, mut at) = (0, 0);
        inside.begin(start);
        while let Some(found) = memchr::memchr(b'[', &line[at..]) {
            at += found;
            let length = sequence(&line[at..]);
            if length > 0 {
                let before = &line[from..at];
                let escape =
                    WRITTEN.iter().find(|written| before.ends_with(written)).map_or(0, |written| written.len());
                inside.text.extend_from_slice(&before[..before.len() - escape]);
                from = at + length;
                inside.begin(start + from);
            }
            at += length.max(1);
        }
        inside.text.extend_from_slice(&line[from..]);
        inside.text.push(b'\n');
    }
    Some(inside)
}

/// Length of `[0;1;31m` at the beginning of a text, 0 if it is none.
fn sequence(text: &[u8]) -> usize {
    let is_parameter = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
    let length = text[1..].iter().take(LONGEST).take_while(|byte| is_parameter(byte)).count();
    if length > 0 && text.get(1 + length) == Some(&b'm') { length + 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_undone_however_their_escapes_are_written() {
        for escape in ["^[", "", "\\x1b", "\\033", "\\u001b", "ESC", "\u{2190}", "\u{fffd}"] {
            let line = format!("{escape}[32m[    1.0]{escape}[0m lamp: [7] on{escape}[0m\n");
            let text = line.repeat(2);
            let inside = read_colours(text.as_bytes()).expect("a log");
            assert_eq!(String::from_utf8_lossy(&inside.text), "[    1.0] lamp: [7] on\n".repeat(2), "{escape}");
            let lamp = memchr::memmem::find(&inside.text, b"lamp").expect("there");
            assert!(text[inside.origin(lamp)..].starts_with("lamp"), "{escape}");
        }
        assert_eq!(read_colours(b"\x1b[32m[    1.0]\x1b[0m a\x1b[0m\n\x1b[0m\n"), None);
        assert_eq!(read_colours(b"[    1.0] a[0m\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(\\[0m){3}[\\[0-9;m^x1b\\\\\n ]{0,60}") {
            let _ = read_colours(text.as_bytes());
        }
    }
}

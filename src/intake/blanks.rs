//! A log whose blanks became such that do not break (U+00A0), as pages and chat programs write them: no word of it with a blank in it is
//! found as it stands.

use crate::input::{Inside, lines};

/// What stands for a blank, in UTF-8.
const BLANK: &[u8] = b"\xc2\xa0";

/// The text with plain blanks, if there are at least as many of the others as lines.
pub(super) fn read_blanks(text: &[u8]) -> Option<Inside> {
    // Most texts have none.
    memchr::memchr(BLANK[0], text)?;
    let found = memchr::memmem::find_iter(text, BLANK).count();
    if found < memchr::memchr_iter(b'\n', text).count().max(1) {
        return None;
    }
    let mut inside = Inside::of(text.len());
    for (line, start) in lines(text) {
        let mut from = 0;
        for at in memchr::memmem::find_iter(line, BLANK).chain([line.len()]) {
            inside.begin(start + from);
            inside.text.extend_from_slice(&line[from..at]);
            inside.text.push(if at == line.len() { b'\n' } else { b' ' });
            from = at + BLANK.len();
        }
    }
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_that_do_not_break_are_blanks() {
        let text = "[\u{a0}\u{a0}1.0]\u{a0}lamp: on\n\u{a0}<TASK>\n".as_bytes();
        let inside = read_blanks(text).expect("a log");
        assert_eq!(String::from_utf8_lossy(&inside.text), "[  1.0] lamp: on\n <TASK>\n");
        let lamp = memchr::memmem::find(&inside.text, b"lamp").expect("there");
        assert!(text[inside.origin(lamp)..].starts_with(b"lamp"));
        let words = "[    1.0] a\n[    2.0] b\n[    3.0]\u{a0}c\n".as_bytes();
        assert_eq!(read_blanks(words), None);
    }
}

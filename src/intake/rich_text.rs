//! A log that was pasted into a word processor and saved as rich text (RTF).

use crate::input::Inside;

/// What a file of rich text begins with.
const MAGIC: &[u8] = b"{\\rtf";
/// Groups whose text is not shown; `\*` begins others that few readers know.
const HIDDEN: [&[u8]; 10] = [
    b"fonttbl",
    b"colortbl",
    b"stylesheet",
    b"listtable",
    b"listoverridetable",
    b"info",
    b"pict",
    b"header",
    b"footer",
    b"filetbl",
];
/// Control words that end a line.
const BREAKS: [&[u8]; 5] = [b"par", b"line", b"row", b"sect", b"page"];
/// Control words that stand for a character of a kernel's line.
const CHARACTERS: [(&[u8], u8); 8] = [
    (b"tab", b'\t'),
    (b"cell", b' '),
    (b"emdash", b'-'),
    (b"endash", b'-'),
    (b"lquote", b'\''),
    (b"rquote", b'\''),
    (b"ldblquote", b'"'),
    (b"rdblquote", b'"'),
];

/// Whether a text begins as rich text does.
pub(super) fn is_rich_text(text: &[u8]) -> bool {
    text.starts_with(MAGIC)
}

/// The lines that a word processor shows, or `None` if the text is no rich text.
pub(super) fn read_rich_text(text: &[u8]) -> Option<Inside> {
    if !is_rich_text(text) {
        return None;
    }
    let mut page =
        Page { inside: Inside::of(text.len()), groups: Vec::new(), hidden: false, fallback: false, begun: false };
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += match byte {
            b'{' => {
                page.groups.push(page.hidden);
                1
            }
            b'}' => {
                page.hidden = page.groups.pop().unwrap_or(page.hidden);
                1
            }
            b'\\' => page.control(&text[at..], at),
            b'\r' | b'\n' | 0 => 1,
            byte => {
                page.show(*byte, at);
                1
            }
        };
    }
    if page.inside.text.last() != Some(&b'\n') {
        page.inside.text.push(b'\n');
    }
    Some(page.inside)
}

struct Page {
    inside: Inside,
    /// Whether what was around each open group is hidden.
    groups: Vec<bool>,
    hidden: bool,
    /// Whether the next character stands for one beyond ASCII, which was read.
    fallback: bool,
    /// Whether something of the line was shown.
    begun: bool,
}

impl Page {
    /// Shows what is written at `at`. A line stands where its first character does: what ends the one above may stand in that one's line.
    fn show(&mut self, byte: u8, at: usize) {
        if !std::mem::take(&mut self.fallback) && !self.hidden {
            self.begin_line(at);
            self.inside.text.push(byte);
        }
    }

    fn begin_line(&mut self, at: usize) {
        if !std::mem::replace(&mut self.begun, true) {
            self.inside.begin(at);
        }
    }

    /// Reads what begins with a backslash at `at`; how long it is.
    fn control(&mut self, text: &[u8], at: usize) -> usize {
        let letters = text[1..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters == 0 {
            return self.symbol(text, at);
        }
        let word = &text[1..=letters];
        let sign = usize::from(text.get(1 + letters) == Some(&b'-'));
        let digits = text[1 + letters + sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = if digits == 0 { 0 } else { sign + digits };
        let end = 1 + letters + number;
        let length = end + usize::from(text.get(end) == Some(&b' '));
        if BREAKS.contains(&word) {
            self.end_line(at);
        } else if word == b"u" {
            let value = std::str::from_utf8(&text[2..end]).ok().and_then(|digits| digits.parse::<i32>().ok());
            let shown = value.and_then(|value| u8::try_from(value).ok()).filter(u8::is_ascii);
            self.show(shown.unwrap_or(if value == Some(0xa0) { b' ' } else { b'?' }), at);
            self.fallback = true;
        } else if HIDDEN.contains(&word) {
            self.hidden = true;
        } else if let Some((_, byte)) = CHARACTERS.iter().find(|(known, _)| *known == word) {
            self.show(*byte, at);
        }
        length
    }

    /// The same of a backslash that no word follows.
    fn symbol(&mut self, text: &[u8], at: usize) -> usize {
        match text.get(1) {
            Some(byte @ (b'\\' | b'{' | b'}')) => self.show(*byte, at),
            Some(b'~') => self.show(b' ', at),
            Some(b'_') => self.show(b'-', at),
            Some(b'*') => self.hidden = true,
            Some(b'\r' | b'\n') => {
                let length = if text.starts_with(b"\\\r\n") { 3 } else { 2 };
                self.end_line(at);
                return length;
            }
            Some(b'\'') => {
                let digits = text.get(2..4).and_then(|digits| std::str::from_utf8(digits).ok());
                let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let shown = match value {
                    Some(0xa0) => b' ',
                    Some(byte) if byte.is_ascii() => byte,
                    _ => b'?',
                };
                self.show(shown, at);
                return text.len().min(4);
            }
            _ => {}
        }
        text.len().min(2)
    }

    fn end_line(&mut self, at: usize) {
        if !self.hidden {
            self.begin_line(at);
            self.inside.text.push(b'\n');
            self.begun = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        read_rich_text(text.as_bytes()).map(|inside| String::from_utf8(inside.text).expect("UTF-8"))
    }

    #[test]
    fn lines_are_those_that_are_shown() {
        let wordpad = "{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0\\fnil Calibri;}}\r\n{\\*\\generator Riched20;}\\pard\\f0\\fs22 [    1.0] a \\{+.+.\\}\\par\r\n\
            [    1.0] C:\\\\x\\tab\\'41\\u8211?\\par\r\n}\r\n\0";
        assert_eq!(shown(wordpad).as_deref(), Some("[    1.0] a {+.+.}\n[    1.0] C:\\x\tA?\n"));
        let inside = read_rich_text(wordpad.as_bytes()).expect("rich text");
        let second = inside.text.iter().position(|byte| *byte == b'\n').expect("lines") + 1;
        assert!(wordpad[inside.origin(0)..].starts_with("[    1.0] a"));
        assert!(wordpad[inside.origin(second)..].starts_with("[    1.0] C:"));
        let textedit = "{\\rtf1\\ansi\n\\f0\\fs22 \\cf0 one\\\ntwo\\\n}";
        assert_eq!(shown(textedit).as_deref(), Some("one\ntwo\n"));
        assert_eq!(shown("[    1.0] {\\rtf1 x}\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\{\\\\rtf[\\\\{}a-z0-9*'\n -]{0,60}") {
            let _ = shown(&text);
        }
    }
}

//! Text of strangers as something that a terminal may get.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with every control character written out (`\u{1b}`), also those that reverse the direction of writing.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for each in text.chars() {
        if is_harmful(each) {
            let _ = write!(safe, "{}", each.escape_default());
        } else {
            safe.push(each);
        }
    }
    Cow::Owned(safe)
}

/// As [`printable`], line by line.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}

fn is_harmful(each: char) -> bool {
    each.is_control()
        || matches!(each, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("BUG: é in f\x1b[2J\r\u{202e}x\u{9b}"), "BUG: é in f\\u{1b}[2J\\r\\u{202e}x\\u{9b}");
        assert!(matches!(printable("plain"), Cow::Borrowed(_)));
        assert_eq!(printable_lines("a\r\nb\tc\n"), "a\nb\\tc");
    }
}

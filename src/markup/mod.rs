//! Text that came from a log, made harmless for where it is shown: terminals, JSON, XML and its dialects, Markdown.

mod json;

pub use json::{json_line, json_pretty, write_json};

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character acts on a terminal, hides, turns the direction of text, or ends a line for some readers.
fn harmful(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                // Tags and variation selectors: whole sentences can be hidden in them.
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The text with every control character (escapes, bells, carriage returns, bidirectional and invisible marks) made
/// visible.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    // Nearly all is plain ASCII, which many bytes at once are known for.
    let plain = text.bytes().fold(true, |plain, byte| plain & (byte.wrapping_sub(b' ') < 0x7f - b' '));
    if plain || !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if char == '\t' {
            out.push(' ');
        } else if harmful(char) {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// Bytes as a part of an address: letters, digits and those of `plain` stay, the others are percent-encoded.
#[must_use]
pub(crate) fn percent_encoded(bytes: &[u8], plain: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || plain.contains(byte) {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Text for XML, SVG and HTML, between tags or within a quoted attribute: nothing in it is markup, control characters are made
/// visible, and what XML 1.0 has no way to write is replaced.
#[must_use]
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in safe(text).chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(char),
        }
    }
    out
}

/// As [`xml`], but line breaks stay.
#[must_use]
pub(crate) fn xml_lines(text: &str) -> String {
    text.split('\n').map(xml).collect::<Vec<_>>().join("\n")
}

/// Text in a cell of a Markdown table: nothing in it is markup, and nobody is mentioned.
#[must_use]
pub(crate) fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in safe(text).chars() {
        match char {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(char);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            _ => out.push(char),
        }
    }
    out
}

/// Text as code in Markdown, in a table too.
#[must_use]
pub(crate) fn code(text: &str) -> String {
    let text = safe(text).replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_holds_commands_nothing() {
        assert_eq!(safe("a\u{e0041}b\u{2060}"), "a\\u{e0041}b\\u{2060}");
        assert_eq!(safe("a\tb\x1b[31m\u{202e}"), "a b\\u{1b}[31m\\u{202e}");
        assert_eq!(safe("a\u{feff}b\u{2028}c\u{200b}"), "a\\u{feff}b\\u{2028}c\\u{200b}");
        assert_eq!(xml("<a b=\"c\" d='e'>&\u{ffff}\x07"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\u{fffd}\\u{7}");
        assert_eq!(cell("a|b*c_d<e>@f"), "a\\|b\\*c\\_d&lt;e&gt;&#64;f");
        assert_eq!(code("a|`b`"), "`` a\\|`b` ``");
    }
}

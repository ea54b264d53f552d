//! A log that somebody made the comment of a program of, ` * [    1.0] lamp: on` between `/*` and `*/`. Where a program stands around the
//! comment, it tells of a log, and is none.

use crate::input::{Inside, lines};

/// The text without the marks of the comment, if it is nothing but one.
pub(super) fn read_comment(text: &[u8]) -> Option<Inside> {
    let inner = text.trim_ascii().strip_prefix(b"/*")?;
    // One star more is how documentation begins.
    let inner = inner.strip_prefix(b"*").unwrap_or(inner);
    if !inner.starts_with(b"\n") && !inner.starts_with(b"\r") && !inner.starts_with(b" ") {
        return None;
    }
    let close = memchr::memmem::find(inner, b"*/").map_or(inner.len(), |at| at + 2);
    if close < inner.len() {
        return None;
    }
    let mut inside = Inside::of(text.len());
    for (number, (line, start)) in lines(text).enumerate().skip_while(|(_, (line, _))| line.trim_ascii().is_empty()) {
        let bare = line.trim_ascii_start();
        if bare.is_empty() {
            continue;
        }
        let marks = bare.iter().take_while(|byte| matches!(byte, b'/' | b'*')).count();
        let first = bare.starts_with(b"/*");
        if marks == 0 || first && number > 0 && !inside.text.is_empty() {
            return None;
        }
        let rest = &bare[marks..];
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let from = line.len() - rest.len();
        let rest = rest.strip_suffix(b"*/").unwrap_or(rest);
        if first && rest.trim_ascii().is_empty() || bare.starts_with(b"*/") {
            continue;
        }
        inside.begin(start + from);
        inside.text.extend_from_slice(rest);
        inside.text.push(b'\n');
    }
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Option<String> {
        read_comment(text.as_bytes()).map(|inside| String::from_utf8(inside.text).expect("UTF-8"))
    }

    #[test]
    fn what_is_nothing_but_a_comment_is_read() {
        let text = "\n/*\n * It says:\n *\n * [    1.0] lamp: on\n *  <TASK>\n */\n";
        assert_eq!(log(text).as_deref(), Some("It says:\n\n[    1.0] lamp: on\n <TASK>\n"));
        let inside = read_comment(text.as_bytes()).expect("a log");
        let lamp = memchr::memmem::find(&inside.text, b"lamp").expect("there");
        assert!(text[inside.origin(lamp)..].starts_with("lamp"));
        assert_eq!(log("/* [    1.0] a\n * [    2.0] b */").as_deref(), Some("[    1.0] a\n[    2.0] b \n"));
        for other in
            ["/*\n * [    1.0] a\n */\nint lamp;\n", "int lamp;\n/*\n * a\n */\n", "/*\nint a;\n */", "/etc/lamp\n", ""]
        {
            assert_eq!(log(other), None, "{other}");
        }
    }
}

//! A log in the strings of a JSON document (a cloud's console output, a log server's answer, a test result), or in one line whose
//! line breaks are written as `\n`: taken out, with its places.

use super::nature::is_kernel_line;
use crate::input::Inside;
use crate::line::{Wrapper, begins_with_stamp, dominant};
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::ops::Range;

/// A string that is a value, without its quotes.
struct Leaf {
    /// Which of the document's places it stands at; elements of a list share one.
    place: usize,
    at: Range<usize>,
}

/// What the strings of one place are.
#[derive(Default)]
struct Place {
    strings: usize,
    stamped: usize,
    /// Whether one of them is a log by itself.
    whole: bool,
}

/// The log in a document, or `None` if the text is not a document, none of its strings is a log, or its lines are read as they stand
/// (`dmesg --json`, a record of the journal).
pub(super) fn read_document(text: &[u8]) -> Option<Inside> {
    let leaves = if begins_document(text) && serde_json::from_slice::<IgnoredAny>(text).is_ok() {
        if dominant(text) != Wrapper::None {
            return None;
        }
        strings(text)
    } else {
        vec![escaped_line(text)?]
    };
    let mut places: HashMap<usize, Place> = HashMap::new();
    for leaf in &leaves {
        let place = places.entry(leaf.place).or_default();
        place.strings += 1;
        let mut lines = lines(text, leaf.at.clone()).peekable();
        place.stamped += usize::from(lines.peek().is_some_and(|(line, _)| begins_with_stamp(line)));
        place.whole |= {
            let (mut count, mut kernel) = (0, false);
            for (line, _) in lines {
                count += 1;
                kernel |= is_kernel_line(&line);
            }
            count > 1 && kernel
        };
    }
    // One line per string is a log where most of them have the kernel's stamp.
    places.retain(|_, place| place.whole || place.strings > 1 && place.stamped * 2 > place.strings);
    let mut inside = Inside::of(text.len());
    for leaf in leaves.into_iter().filter(|leaf| places.contains_key(&leaf.place)) {
        for (line, at) in lines(text, leaf.at) {
            inside.begin(at);
            inside.text.extend_from_slice(&line);
            inside.text.push(b'\n');
        }
    }
    (!inside.text.is_empty()).then_some(inside)
}

/// Whether a text may be a JSON document with strings in it by its first characters, and is not JSON lines. `[` begins a line of a
/// console, too.
#[must_use]
pub(super) fn begins_document(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let end = memchr::memchr(b'\n', text);
    let mut marks = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    matches!((marks.next(), marks.next()), (Some(b'{'), Some(b'"')) | (Some(b'['), Some(b'{' | b'[' | b'"')))
        && end.is_none_or(|end| serde_json::from_slice::<IgnoredAny>(&text[..end]).is_err())
}

/// A text of one line with line breaks in it that are written out; the quotes around it are not part of it.
fn escaped_line(text: &[u8]) -> Option<Leaf> {
    let line = text.trim_ascii_end();
    if memchr::memchr(b'\n', line).is_some() || memchr::memmem::find(line, b"\\n").is_none() {
        return None;
    }
    let quoted = line.len() > 1 && line.starts_with(b"\"") && line.ends_with(b"\"");
    let at = if quoted { 1..line.len() - 1 } else { 0..line.len() };
    Some(Leaf { place: 0, at })
}

/// The lines of a string, decoded, with the place of each; the empty one after a last line break is none.
fn lines(text: &[u8], at: Range<usize>) -> impl Iterator<Item = (Vec<u8>, usize)> {
    let (mut next, end) = (Some(at.start), at.end);
    std::iter::from_fn(move || {
        let start = next.filter(|start| *start < end)?;
        let mut stop = start;
        while stop < end && !text[stop..end].starts_with(b"\\n") {
            stop += if text[stop] == b'\\' { 2 } else { 1 };
        }
        let stop = stop.min(end);
        next = Some(stop + 2);
        Some((decoded(&text[start..stop]), start))
    })
}

/// What an escaped line says; as it stands if it is not escaped as JSON is.
fn decoded(raw: &[u8]) -> Vec<u8> {
    let plain = if memchr::memchr(b'\\', raw).is_none() {
        raw.to_vec()
    } else {
        let quoted = [b"\"", raw, b"\""].concat();
        serde_json::from_slice::<String>(&quoted).map_or_else(|_| raw.to_vec(), String::into_bytes)
    };
    // A carriage return before the break belongs to it.
    plain.strip_suffix(b"\r").map_or_else(|| plain.clone(), <[u8]>::to_vec)
}

/// Where the scan is: in an object below a key, or in a list.
enum Level {
    Object(Range<usize>),
    /// Elements of a list are at one place, those of a list in a list each at its own: `[["17", "line"], …]`.
    List {
        index: usize,
        inner: bool,
    },
}

/// The strings of a document that are values. The text is known to be a document.
fn strings(text: &[u8]) -> Vec<Leaf> {
    let (mut leaves, mut levels, mut known) = (Vec::new(), Vec::new(), HashMap::new());
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b',')) {
        at += found;
        match text[at] {
            b'{' => levels.push(Level::Object(0..0)),
            b'[' => {
                let inner = matches!(levels.last(), Some(Level::List { .. }));
                levels.push(Level::List { index: 0, inner });
            }
            b'}' | b']' => drop(levels.pop()),
            b',' => {
                if let Some(Level::List { index, .. }) = levels.last_mut() {
                    *index += 1;
                }
            }
            _ => {
                let inside = at + 1..end_of_string(text, at + 1);
                at = inside.end;
                let is_key = text[(at + 1).min(text.len())..].trim_ascii_start().starts_with(b":");
                match levels.last_mut() {
                    Some(Level::Object(key)) if is_key => *key = inside,
                    _ => {
                        let count = known.len();
                        let place = *known.entry(path(text, &levels)).or_insert(count);
                        leaves.push(Leaf { place, at: inside });
                    }
                }
            }
        }
        at += 1;
    }
    leaves
}

/// The place of a quote that ends a string.
fn end_of_string(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

/// The place that the levels lead to.
fn path(text: &[u8], levels: &[Level]) -> Vec<u8> {
    let mut path = Vec::new();
    for level in levels {
        match level {
            Level::Object(key) => path.extend_from_slice(&text[key.clone()]),
            Level::List { index, inner: true } => path.extend_from_slice(index.to_string().as_bytes()),
            Level::List { .. } => {}
        }
        path.push(b'\n');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(document: &str) -> Option<String> {
        read_document(document.as_bytes()).map(|inside| String::from_utf8(inside.text).expect("UTF-8"))
    }

    #[test]
    fn a_log_in_one_string() {
        let document =
            r#"{"InstanceId": "i-0", "Output": "[    1.0] a \"b\"\r\n[    2.0] c\u003cd\r\n", "Timestamp": "2026"}"#;
        assert_eq!(log(document).as_deref(), Some("[    1.0] a \"b\"\n[    2.0] c<d\n"));
        let inside = read_document(document.as_bytes()).expect("a log");
        let second = inside.text.iter().position(|byte| *byte == b'\n').expect("two lines") + 1;
        assert!(document[inside.origin(second)..].starts_with("[    2.0]"));
    }

    #[test]
    fn a_line_per_string() {
        let events = r#"{"events": [
            {"timestamp": 1, "message": "[    1.000000] a", "eventId": "3"},
            {"timestamp": 2, "message": " <TASK>", "eventId": "4"},
            {"timestamp": 2, "message": "[    1.000001] b", "eventId": "5"}]}"#;
        assert_eq!(log(events).as_deref(), Some("[    1.000000] a\n <TASK>\n[    1.000001] b\n"));
        let pairs = r#"[{"values": [["17", "[    1.000000] a"], ["18", "[    2.000000] b"]]}]"#;
        assert_eq!(log(pairs).as_deref(), Some("[    1.000000] a\n[    2.000000] b\n"));
    }

    #[test]
    fn one_line_with_written_breaks() {
        assert_eq!(log(r"[    1.0] a\n[    2.0] b").as_deref(), Some("[    1.0] a\n[    2.0] b\n"));
        assert_eq!(log(r#""[    1.0] a\n[    2.0] b\\n""#).as_deref(), Some("[    1.0] a\n[    2.0] b\\n\n"));
    }

    #[test]
    fn a_document_that_is_cut() {
        let document = "{\"Output\": \"[    1.0] a\\n[    2.0] b\\n[    3.0]";
        assert_eq!(log(document).as_deref(), Some("{\"Output\": \"[    1.0] a\n[    2.0] b\n[    3.0]\n"));
    }

    #[test]
    fn other_documents_are_left_alone() {
        for text in [
            r#"{"title": "BUG: x", "crashes": [{"title": "BUG: y"}, {"title": "BUG: z"}]}"#,
            r#"{"a": "one\ntwo"}"#,
            r#"{"dmesg": [{"pri": 6, "time": 1.0, "msg": "a"}, {"pri": 6, "time": 1.0, "msg": "b"}]}"#,
            "{\"log\": \"[    1.0] a\\n\"}\n{\"log\": \"[    1.0] b\\n\"}\n",
            "[    1.0] a\\nb\n[    1.0] c\n",
            "[1, 2, \"",
            "[    1.0] a\n[    2.0] b\n",
            "",
        ] {
            assert_eq!(log(text), None, "{text}");
        }
    }
}

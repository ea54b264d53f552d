//! A log in the strings of a JSON document (a cloud's console output, a log server's answer, a test result), or in one line whose
//! line breaks are written as `\n`: taken out, with its places.

use super::exported::Exported;
use super::leaves::{Leaf, strings};
use super::place::Place;
use crate::line::{Wrapper, dominant};
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::ops::Range;

/// The seconds since 1970 have so many digits.
const MOMENT: usize = 10;

/// The logs in a document, or `None` if the text is not a document, none of its strings is a log, or its lines are read as they stand
/// (`dmesg --json`, a record of the journal). Several logs in one document are not one log: who reads them as one takes the consequence
/// of a crash of one machine for another's.
pub(super) fn read_document(text: &[u8]) -> Option<Exported> {
    let leaves = if begins_document(text) && is_documents(text) {
        // The journal's records take a line each, or are documents.
        if !matches!(dominant(text), Wrapper::None | Wrapper::JournalJson) {
            return None;
        }
        strings(text)
    } else {
        quoted_list(text).or_else(|| Some(vec![escaped_line(text)?]))?
    };
    // A log server gives the moment of each line beside it.
    let leaves: Vec<Leaf> = leaves.into_iter().filter(|leaf| !is_moment(&text[leaf.at.clone()])).collect();
    let mut places: Vec<Place> = Vec::new();
    for (number, leaf) in leaves.iter().enumerate() {
        places.resize_with(places.len().max(leaf.place + 1), Place::default);
        let place = &mut places[leaf.place];
        if place.add(lines(text, leaf.at.clone()).map(|(line, _)| line)) {
            place.logs.push(number);
        }
    }
    let by_line: Vec<usize> = (0..places.len()).filter(|at| places[*at].is_log()).collect();
    let whole: Vec<usize> =
        places.iter().filter(|place| !place.is_log()).flat_map(|place| place.logs.clone()).collect();
    let of_place = |place: usize| leaves.iter().filter(move |leaf| leaf.place == place);
    let logs: Vec<Vec<&Leaf>> = match (&by_line[..], &whole[..]) {
        // The same once as one string and once as a list of lines.
        ([place], [number]) if is_said_again(text, &leaves, *place, *number) => vec![of_place(*place).collect()],
        (places, whole) => {
            let logs: Vec<Vec<&Leaf>> = (places.iter().map(|place| of_place(*place).collect()))
                .chain(whole.iter().map(|number| vec![&leaves[*number]]))
                .collect();
            let is_one = logs.len() == 1;
            Some(logs).filter(|logs| is_one || !logs.is_empty() && are_of_machines(text, logs))?
        }
    };
    let mut exported = Exported { apart: logs.len() > 1, ..Exported::of(text.len()) };
    for leaf in logs.into_iter().flatten() {
        if let Some(host) = &leaf.host {
            exported.begin_host(&text[host.clone()]);
        }
        for (line, at) in lines(text, leaf.at.clone()) {
            exported.inside.begin(at);
            exported.inside.text.extend_from_slice(&line);
            exported.inside.text.push(b'\n');
        }
    }
    Some(exported)
}

/// Whether the strings of each log are of a machine of its own: what a log server answers about several of them.
fn are_of_machines(text: &[u8], logs: &[Vec<&Leaf>]) -> bool {
    let mut seen = BTreeSet::new();
    logs.iter().all(|leaves| {
        let mut hosts = leaves.iter().map(|leaf| leaf.host.as_ref().map(|host| &text[host.clone()]));
        let first = hosts.next().flatten();
        first.is_some_and(|name| seen.insert(name)) && hosts.all(|host| host == first)
    })
}

/// Whether a text is a document, or several, one behind the other.
fn is_documents(text: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>().all(|document| document.is_ok())
}

/// Whether the lines of a string are the strings at a place.
fn is_said_again(text: &[u8], leaves: &[Leaf], place: usize, number: usize) -> bool {
    let whole = lines(text, leaves[number].at.clone()).map(|(line, _)| line);
    let listed = leaves.iter().filter(|leaf| leaf.place == place);
    whole.eq(listed.flat_map(|leaf| lines(text, leaf.at.clone())).map(|(line, _)| line))
}

/// Whether a string is a moment, counted in units of any size.
fn is_moment(string: &[u8]) -> bool {
    string.len() >= MOMENT && string.iter().all(u8::is_ascii_digit)
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

/// The strings of a list in one line as programs in Python show it: `['one', "it's two"]`.
fn quoted_list(text: &[u8]) -> Option<Vec<Leaf>> {
    let line = text.trim_ascii_end();
    let inner = line.strip_prefix(b"[")?.strip_suffix(b"]")?;
    if !matches!(inner.first(), Some(b'\'' | b'"')) || memchr::memchr(b'\n', line).is_some() {
        return None;
    }
    let (mut leaves, mut at) = (Vec::new(), 1);
    loop {
        let quote = *line.get(at).filter(|byte| matches!(byte, b'\'' | b'"'))?;
        let start = at + 1;
        let mut end = start;
        while *line.get(end)? != quote {
            end += if line[end] == b'\\' { 2 } else { 1 };
        }
        leaves.push(Leaf { place: 0, at: start..end, host: None });
        match &line[end + 1..] {
            b"]" => return Some(leaves),
            rest => at = end + 1 + (rest.len() - rest.strip_prefix(b",")?.trim_ascii_start().len()),
        }
    }
}

/// A text of one line with line breaks in it that are written out; the quotes around it are not part of it.
fn escaped_line(text: &[u8]) -> Option<Leaf> {
    let line = text.trim_ascii_end();
    if memchr::memchr(b'\n', line).is_some() || memchr::memmem::find(line, b"\\n").is_none() {
        return None;
    }
    let quoted = line.len() > 1 && line.starts_with(b"\"") && line.ends_with(b"\"");
    let at = if quoted { 1..line.len() - 1 } else { 0..line.len() };
    Some(Leaf { place: 0, at, host: None })
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
    let quoted = memchr::memchr(b'\\', raw).map(|_| [b"\"", raw, b"\""].concat());
    let escaped = quoted.and_then(|quoted| serde_json::from_slice::<String>(&quoted).ok());
    let mut plain = escaped.map_or_else(|| raw.to_vec(), String::into_bytes);
    // A carriage return before the break belongs to it.
    if plain.ends_with(b"\r") {
        plain.pop();
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(document: &str) -> Option<String> {
        read_document(document.as_bytes()).map(|exported| String::from_utf8(exported.inside.text).expect("UTF-8"))
    }

    #[test]
    fn a_list_of_strings_as_python_shows_it() {
        let list = r#"['[    1.000000] a', "[    1.000001] it's b", '[    1.000002] "c"']"#;
        assert_eq!(log(list).as_deref(), Some("[    1.000000] a\n[    1.000001] it's b\n[    1.000002] \"c\"\n"));
        let inside = read_document(list.as_bytes()).expect("a log").inside;
        let second = inside.text.iter().position(|byte| *byte == b'\n').expect("lines") + 1;
        assert!(list[inside.origin(second)..].starts_with("[    1.000001]"));
        for other in ["['[    1.000000] a', 7]", "['[    1.000000] a'", "['a', 'b']", "[]", "['"] {
            assert_eq!(log(other), None, "{other}");
        }
    }

    #[test]
    fn lines_without_stamps_are_known_by_reports() {
        let lines = ["lamp: on", "Call Trace:", " lamp_dim+0x1/0x2", " vfs_write+0x3/0x4", "lamp: off"];
        let listed = |form: &dyn Fn(&str) -> String| lines.map(form).join(",");
        let wanted = Some(lines.map(|line| format!("{line}\n")).concat());
        let events = listed(&|line| format!(r#"{{"timestamp": 1762164000000, "message": "{line}"}}"#));
        assert_eq!(log(&format!(r#"{{"events": [{events}]}}"#)), wanted);
        let records =
            lines.map(|line| format!("{{\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"MESSAGE\" : \"{line}\"\n}}\n")).concat();
        assert_eq!(log(&records), wanted);
        let both = format!(
            r#"{{"stdout": "{}", "stdout_lines": [{}]}}"#,
            lines.join("\\n"),
            listed(&|line| format!("{line:?}"))
        );
        assert_eq!(log(&both), wanted);
        let titles =
            r#"[{"title": "BUG: KASAN: x in a"}, {"title": "WARNING in b"}, {"title": "BUG: c"}, {"title": "BUG: d"}]"#;
        assert_eq!(log(titles), None);
    }

    #[test]
    fn a_log_in_one_string() {
        let document =
            r#"{"InstanceId": "i-0", "Output": "[    1.0] a \"b\"\r\n[    2.0] c\u003cd\r\n", "Timestamp": "2026"}"#;
        assert_eq!(log(document).as_deref(), Some("[    1.0] a \"b\"\n[    2.0] c<d\n"));
        let inside = read_document(document.as_bytes()).expect("a log").inside;
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
        let named = r#"{"values": [["1700000000000000001", "Nov  3 10:11:12 box kernel: a"],
            ["1700000000000000002", "Nov  3 10:11:12 box kernel:  <TASK>"]]}"#;
        let lines = "Nov  3 10:11:12 box kernel: a\nNov  3 10:11:12 box kernel:  <TASK>\n";
        assert_eq!(log(named).as_deref(), Some(lines));
    }

    #[test]
    fn several_logs_are_not_one() {
        for text in [
            r#"[{"stream": "a", "values": [["1", "[    1.000000] a"], ["2", "[    2.000000] b"]]},
                {"stream": "b", "values": [["1", "[    1.000000] c"], ["2", "[    2.000000] d"]]}]"#,
            r#"{"results": [{"excerpt": "[    1.0] a\n[    2.0] b"}, {"excerpt": "[    1.0] c\n[    2.0] d"}]}"#,
            r#"{"before": "[    1.0] a\n[    2.0] b", "after": ["[    1.000000] a", "[    2.000000] b"]}"#,
        ] {
            assert_eq!(log(text), None, "{text}");
        }
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

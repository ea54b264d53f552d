//! A log that somebody pasted into a chat while others spoke: `[12:03] <ann> [    1.0] lamp: on`. What those say who pasted none of it is left
//! out, for it stands between the lines of a report.

use crate::input::{Inside, has_form, lines};
use crate::line::{begins_with_stamp, is_body, level_named};
use std::collections::BTreeMap;

/// So many lines show whether it is a chat, empty ones aside.
const SAMPLE: usize = 8;
/// How many of a hundred lines somebody must have said: what is long goes on in lines of its own.
const SHARE: usize = 60;
/// Who pasted a log has so many lines of one.
const LINES: usize = 3;
/// No name is longer, bytes.
const NAME: usize = 32;
/// Words that stand in the place of a name in logs, besides the names of levels.
const NAMELESS: [&[u8]; 4] = [b"kern", b"kernel", b"trace", b"fatal"];

/// The lines of those who pasted a log, if others speak, too; of one speaker alone the name is a prefix like any other.
pub(super) fn read_chat(text: &[u8]) -> Option<Inside> {
    let full = || lines(text).filter(|(line, _)| !line.trim_ascii().is_empty());
    let most = |said: usize, all: usize| said * 100 >= all * SHARE;
    let first = full().take(SAMPLE);
    let (said, all) =
        first.fold((0, 0), |(said, all), (line, _)| (said + usize::from(said_by(line).is_some()), all + 1));
    if said < 2 || !most(said, all) {
        return None;
    }
    let (mut said, mut all, mut speakers) = (0, 0, BTreeMap::<&[u8], usize>::new());
    for (line, _) in full() {
        all += 1;
        let Some((name, at)) = said_by(line) else { continue };
        said += 1;
        let kernel = begins_with_stamp(&line[at..]) || is_body(&line[at..]);
        *speakers.entry(name).or_default() += usize::from(kernel);
    }
    let pasted = |name: &[u8]| speakers.get(name).is_some_and(|count| *count >= LINES);
    let some = speakers.values().filter(|count| **count >= LINES).count();
    let is_level = speakers
        .keys()
        .any(|name| level_named(name).is_some() || NAMELESS.iter().any(|word| word.eq_ignore_ascii_case(name)));
    if !most(said, all) || some == 0 || some == speakers.len() || is_level {
        return None;
    }
    let mut inside = Inside::of(text.len());
    for (line, start) in lines(text) {
        let (name, at) = said_by(line).map_or((None, 0), |(name, at)| (Some(name), at));
        if name.is_none_or(pasted) {
            inside.begin(start + at);
            inside.text.extend_from_slice(&line[at..]);
            inside.text.push(b'\n');
        }
    }
    Some(inside)
}

/// Who said a line, and where the words begin: `<ann> `, `[12:03] <ann> `, `12:03 ann: `, `12:03:04 ann | `.
fn said_by(line: &[u8]) -> Option<(&[u8], usize)> {
    let clock = clock(line);
    let rest = &line[clock..];
    let rest = rest.trim_ascii_start();
    let (name, behind) = match rest.strip_prefix(b"<") {
        Some(inner) => {
            let end = memchr::memchr(b'>', &inner[..inner.len().min(NAME)])?;
            (inner[..end].trim_ascii(), &inner[end + 1..])
        }
        None if clock > 0 => {
            let end = rest.iter().take(NAME).position(|byte| matches!(byte, b' ' | b':'))?;
            // Programs stamp their lines with seconds.
            let marks = if has_seconds(&line[..clock]) { b" | " } else { &b": "[..] };
            let behind = rest[end..].strip_prefix(marks).or_else(|| rest[end..].strip_prefix(b" | "))?;
            return is_name(&rest[..end]).then_some((&rest[..end], line.len() - behind.len()));
        }
        None => return None,
    };
    let behind = behind.strip_prefix(b" ")?;
    let bare = name.strip_prefix(b"@").or_else(|| name.strip_prefix(b"+")).unwrap_or(name);
    is_name(bare).then_some((bare, line.len() - behind.len()))
}

fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_' || *first >= 0x80)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-|.[]{}^`\\".contains(byte) || *byte >= 0x80)
}

/// Length of the time before what was said, with its blank, 0 if there is none: `[12:03] `, `12:03:04 `, `(12:03) `, `2024-01-02 12:03 `.
fn clock(line: &[u8]) -> usize {
    let open = usize::from(matches!(line.first(), Some(b'[' | b'(')));
    let mut at = open;
    if has_form(&line[at..], b"0000-00-00") && matches!(line.get(at + 10), Some(b' ' | b'T')) {
        at += 11;
    }
    if !has_form(&line[at..], b"00:00") {
        return 0;
    }
    at += 5;
    if has_form(&line[at..], b":00") {
        at += 3;
    }
    let close = usize::from(open > 0);
    let closed = open == 0 || matches!(line.get(at), Some(b']' | b')'));
    if closed && line.get(at + close) == Some(&b' ') { at + close + 1 } else { 0 }
}

fn has_seconds(clock: &[u8]) -> bool {
    clock.iter().filter(|byte| **byte == b':').count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASTED: [&str; 4] =
        ["[    1.0] BUG: lamp", "[    1.0] Call Trace:", "[    1.0]  lamp_on+0x1/0x2", "[    1.0]  do_it+0x1/0x2"];

    #[test]
    fn who_speaks_between_the_lines_is_left_out() {
        for (ann, bob) in [
            ("<ann> ", "<bob> "),
            ("[12:03] <@ann> ", "[12:04] <bob> "),
            ("12:03 ann: ", "12:03 bob: "),
            ("12:03:04 <ann> ", "12:03:05 < bob> "),
            ("12:03:04  ann | ", "12:03:05  bob | "),
            ("2024-01-02 12:03 <ann> ", "2024-01-02 12:03 <bob> "),
        ] {
            let [one, two, three, four] = PASTED;
            let text = format!("{bob}so?\n{ann}{one}\n{ann}{two}\n{bob}oh, a BUG: there\n{ann}{three}\n{ann}{four}\n");
            let inside = read_chat(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(String::from_utf8_lossy(&inside.text), PASTED.map(|line| format!("{line}\n")).concat());
            assert!(text[inside.origin(0)..].starts_with(one));
        }
    }

    #[test]
    fn logs_are_no_chats() {
        let alone: String = PASTED.map(|line| format!("<ann> {line}\n")).concat();
        let levels: String = PASTED.map(|line| format!("<err> {line}\n<info> lamp\n")).concat();
        let syslog: String = PASTED.map(|line| format!("12:03:04 kernel: {line}\n12:03:04 init: x\n")).concat();
        let bare: String = PASTED.map(|line| format!("{line}\n")).concat();
        for text in [alone, levels, syslog, bare, "<ann> hello\n<bob> hi\n<ann> bye\n".to_owned(), String::new()] {
            assert_eq!(read_chat(text.as_bytes()), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "([\\[<(]?[0-2:]{0,9}[\\])>]? ?<?[ab]{0,2}[>:|]? ?\n?){0,9}") {
            let _ = read_chat(text.as_bytes());
        }
    }
}

//! A log in which a program wrote its own word for the level before each line, and that word is one with which the kernel's reports begin:
//! `INFO: Call Trace:`, `2024-01-27 12:00:01,123 WARNING: RAX: 0000000000000000`.

use crate::input::{Inside, Landmark, landmark, lines};
use crate::line::{begins_report_line, begins_with_stamp, stamp_at};

/// So many lines that are not empty are looked at.
const SAMPLE: usize = 200;
/// Of fewer nothing can be said.
const FEWEST: usize = 6;
/// How many of a hundred lines must have the word at the same place.
const SHARE: usize = 90;
/// So many lines behind the word must be the kernel's, and no first ones of reports: where somebody only kept the lines with the word, they
/// are first ones.
const KERNELS: usize = 2;
/// Where the word may end, bytes from the start of the line.
const REACH: usize = 64;

/// The text without the word, where one stands before each line.
pub(super) fn read_level(text: &[u8]) -> Option<Inside> {
    let filled = || lines(text).map(|(line, _)| line).filter(|line| !line.trim_ascii().is_empty()).take(SAMPLE);
    let first = filled().next()?;
    let word = word_in(first)?;
    let (start, word) = (word.start, &first[word]);
    let has = |line: &&[u8]| line.get(start..).is_some_and(|rest| rest.starts_with(word));
    let (all, with) = (filled().count(), filled().filter(has).count());
    let is_kernels = |line: &&[u8]| {
        let rest = line[start + word.len()..].trim_ascii_start();
        stamp_at(rest).is_some() || matches!(landmark(rest), Some(Landmark::Body | Landmark::Tail))
    };
    if all < FEWEST || with * 100 < all * SHARE || filled().filter(has).filter(is_kernels).nth(KERNELS - 1).is_none() {
        return None;
    }
    let mut inside = Inside::of(text.len());
    for (line, origin) in lines(text) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let rest = if has(&line) { start + word.len() } else { 0 };
        let rest = rest + usize::from(rest > 0 && line.get(rest) == Some(&b' '));
        if start > 0 && rest > 0 {
            inside.begin(origin);
            inside.text.extend_from_slice(&line[..start]);
        }
        inside.begin(origin + rest);
        inside.text.extend_from_slice(&line[rest..]);
        inside.text.push(b'\n');
    }
    Some(inside)
}

/// Where the first word in capitals with a colon stands, if reports of the kernel begin with it and no stamp of the kernel's is before it.
fn word_in(line: &[u8]) -> Option<std::ops::Range<usize>> {
    let near = &line[..line.len().min(REACH)];
    let colon = memchr::memchr_iter(b':', near).find(|at| *at > 0 && near[at - 1].is_ascii_uppercase())?;
    let letters = near[..colon].iter().rev().take_while(|byte| byte.is_ascii_uppercase()).count();
    let word = colon - letters..colon + 1;
    let stamped = || memchr::memchr_iter(b'[', &near[..word.start]).any(|at| begins_with_stamp(&near[at..]));
    let alone =
        (word.start == 0 || near[word.start - 1] == b' ') && !near.get(word.end).is_some_and(u8::is_ascii_alphanumeric);
    (alone && begins_report_line(&[&near[word.clone()], &b" "[..]].concat()) && !stamped()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 7] = [
        "lamp: bulb 3 is on",
        "BUG: unable to handle page fault for address: ffffc90000123000",
        "CPU: 1 PID: 411 Comm: dimmer Not tainted 6.9.0-lab #12",
        "RIP: 0010:lamp_dim+0x5c/0x70 [lamp]",
        "Call Trace:",
        " lamp_store+0x3b/0x60 [lamp]",
        " vfs_write+0x2a5/0x440",
    ];

    fn before(prefix: &str) -> String {
        LINES.iter().map(|line| format!("{prefix}{line}\n")).collect()
    }

    #[test]
    fn a_programs_word_is_none_of_the_kernels() {
        for (prefix, left) in
            [("INFO: ", ""), ("WARNING: ", ""), ("2024-01-27 12:00:01,123 WARNING: ", "2024-01-27 12:00:01,123 ")]
        {
            let text = before(prefix);
            let inside = read_level(text.as_bytes()).expect("a log");
            assert_eq!(String::from_utf8_lossy(&inside.text), before(left), "{prefix}");
            let store = memchr::memmem::find(&inside.text, b"lamp_store").expect("there");
            assert!(text[inside.origin(store)..].starts_with("lamp_store"), "{prefix}");
        }
    }

    #[test]
    fn words_of_the_kernel_stay() {
        let stamped = LINES.map(|line| format!("[   12.345678] INFO: {line}\n")).concat();
        let kept = "WARNING: lamp 3 is dim\n".repeat(9);
        let told = "run 3: crashed: BUG: unable to handle kernel paging request in lamp_dim\n".repeat(9);
        for text in [
            before(""),
            before("ERROR: "),
            before("[   12.345678] "),
            stamped,
            kept,
            told,
            before("INFO:console:"),
            "INFO: x\n".into(),
            String::new(),
        ] {
            assert_eq!(read_level(text.as_bytes()), None, "{text}");
        }
    }
}

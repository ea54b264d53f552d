//! What WARN says in words may begin like another report: it stands between `[ cut here ]` and WARN's place, or in old kernels below that.

use crate::grammar::{Anchor, Grammar};
use crate::line::CUT_HERE;
use crate::report::console;
use memchr::memmem::find;

/// Takes from the anchors from `known` on the second of two for the first lines of one warning: the first names it, as for syzbot.
pub(super) fn take_words(grammar: &Grammar, text: &[u8], anchors: &mut [Anchor], known: usize) {
    for below in known.max(1)..anchors.len() {
        let [first, second] = [&anchors[below - 1], &anchors[below]];
        if first.end + 1 != second.start || first.header.is_none() || second.header.is_none() {
            continue;
        }
        let lines = [&text[first.start..first.end], &text[second.start..second.end]];
        let words = match lines.map(is_place) {
            [false, true] if find(line_above(text, first.start), CUT_HERE.as_bytes()).is_some() => first,
            [true, false] => second,
            _ => continue,
        };
        let contexts = lines.map(|line| console(line).context);
        if contexts[0].is_same(contexts[1]) && is_of_no_kind(grammar, words, &text[words.start..words.end]) {
            anchors[below - 1].worded = true;
            let anchor = &mut anchors[below];
            (anchor.header, anchor.second, anchor.part, anchor.carries_on) = (None, false, false, false);
        }
    }
}

/// Whether a line is where a warning is: `WARNING: CPU: 1 PID: 42 at drivers/widget/core.c:77 widget_put+0x1f/0x40`.
fn is_place(line: &[u8]) -> bool {
    let Some(at) = find(line, b"WARNING: ") else { return false };
    let rest = &line[at..];
    let is_source = |word: &[u8]| memchr::memchr(b'/', word).is_some() && memchr::memchr(b':', word).is_some();
    find(rest, b" at ").is_some() && rest.split(|byte| *byte == b' ').any(is_source)
}

/// The line above the one that begins at `start`; nothing above the first.
pub(super) fn line_above(text: &[u8], start: usize) -> &[u8] {
    let end = start.saturating_sub(1);
    let begin = memchr::memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
    &text[begin..end]
}

/// Whether no kind knows the line: the words of its header are all that speaks for a report.
fn is_of_no_kind(grammar: &Grammar, anchor: &Anchor, line: &[u8]) -> bool {
    let kinds = anchor.header.and_then(|header| grammar.kinds.get(header));
    kinds.is_some_and(|kinds| kinds.iter().all(|kind| kind.gate.find_before(line, 0, line.len()).is_none()))
}

#[cfg(test)]
mod tests {
    use crate::engine::read_reports;

    const BELOW: &str = "[    9.1] Modules linked in: lamp\n[    9.1] CPU: 1 PID: 42 Comm: lampd Not tainted 4.9.7 #1\n\
        [    9.1] Call Trace:\n[    9.1]  lamp_put+0x1f/0x40\n[    9.1]  lamp_release+0x2c/0x50\n[    9.1]  vfs_write+0x2a5/0x440\n";
    const CUT: &str = "[    9.1] ------------[ cut here ]------------\n";
    const PLACE: &str = "[    9.1] WARNING: CPU: 1 PID: 42 at drivers/lamp/lamp.c:77 lamp_put+0x1f/0x40\n";

    fn titles(lines: &[&str]) -> Vec<String> {
        let log = [lines, &[BELOW]].concat().concat();
        read_reports("console.log", log.as_bytes()).into_iter().map(|report| report.title).collect()
    }

    #[test]
    fn what_a_warning_says_is_no_report() {
        for words in ["BUG: lamp 3 has no socket", "lamp: BUG: socket 3 is in use", "INFO: lamp 3 is dim"] {
            let words = &format!("[    9.1] {words}\n");
            assert_eq!(titles(&[CUT, words, PLACE]).len(), 1, "{words}");
            assert_eq!(titles(&[CUT, PLACE, words]), ["WARNING in lamp_put"], "{words}");
        }
    }

    #[test]
    fn what_stands_elsewhere_or_is_of_a_kind_is_a_report() {
        let words = "[    9.1] BUG: lamp 3 has no socket\n";
        assert_eq!(titles(&[words, CUT, PLACE]).len(), 2);
        assert_eq!(titles(&[words, PLACE]).len(), 2);
        let fault = "[    9.1] BUG: kernel NULL pointer dereference, address: 0000000000000028\n";
        assert_eq!(titles(&[CUT, fault, PLACE]).len(), 2);
        let others = "[    9.1][    T7] BUG: lamp 3 has no socket\n";
        assert_eq!(titles(&[CUT, others, PLACE]).len(), 2);
    }
}

//! Lines that a terminal cut in the midst of words, at its very width.

use super::{Line, stamp::is_stamped};
use crate::input::{Inside, Landmark, landmark};

/// Whether lines were cut by a terminal: most of those that were cut are just as long as the longest of all. What it cut off belongs to
/// its line without a blank, so that whoever joins lines at blanks leaves them alone.
pub(super) fn is_terminals(widest: usize, cut: impl Iterator<Item = usize>) -> bool {
    let (full, all) = cut.fold((0, 0), |(full, all), width| (full + usize::from(width == widest), all + 1));
    2 * full > all
}

/// Puts lines without stamps together that a terminal cut at a width, and that do not begin as lines of reports do. Where lines have
/// stamps, the dressing of each report says more.
pub(super) fn joined_at(width: usize, lines: &[Line], length: usize) -> Option<Inside> {
    if lines.iter().any(|line| is_stamped(&line.text)) {
        return None;
    }
    let mut inside = Inside::of(length);
    let mut lines = lines.iter().peekable();
    while let Some(line) = lines.next() {
        inside.begin(line.origin);
        inside.text.extend_from_slice(&line.text);
        let goes_on = |next: &&Line| {
            let text = next.text.trim_ascii();
            !text.is_empty() && landmark(text).is_none_or(|landmark| landmark == Landmark::Loose)
        };
        if line.text.len() != width || !lines.peek().is_some_and(goes_on) {
            inside.text.push(b'\n');
        }
    }
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::super::read_wrapped;

    const REPORT: &str = "BUG: sleeping function called from invalid context at drivers/lamp/lamp_bus_core.c:586\n\
        in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 411, name: dimmer-worker\n\
        CPU: 0 UID: 0 PID: 411 Comm: dimmer-worker Tainted: G           O       6.12.31-lab #2 PREEMPT\n\
        Hardware name: Lamps Ltd. Desk Lamp 3000/LAMP-BOARD-REV-C, BIOS 1.16.2-lab-1 04/01/2014\n\
        Call Trace:\n <TASK>\n lamp_bus_under_spin+0x1f/0x40 [lamp_bus]\n lamp_bus_write+0x155/0x1f0 [lamp_bus]\n </TASK>\n\
        CPU: 1 UID: 0 PID: 412 Comm: dimmer-worker Tainted: G           O       6.12.31-lab #2 PREEMPT\n";

    /// The text on a terminal that is 72 columns wide.
    fn cut(prefix: &str) -> String {
        let shown = |line: &str| {
            let line = format!("{prefix}{line}");
            let parts: Vec<&str> =
                line.as_bytes().chunks(72).filter_map(|part| std::str::from_utf8(part).ok()).collect();
            parts.join("\n") + "\n"
        };
        REPORT.lines().map(shown).collect()
    }

    #[test]
    fn what_a_terminal_cut_gets_no_blank() {
        let text = cut("");
        let inside = read_wrapped(text.as_bytes()).expect("it was cut");
        assert_eq!(String::from_utf8_lossy(&inside.text), REPORT);
        let place = memchr::memmem::find(&inside.text, b"6.12.31-lab").expect("there");
        assert!(text[inside.origin(place)..].starts_with("6.12"));
    }

    #[test]
    fn stamped_lines_are_left_to_their_dressing() {
        assert_eq!(read_wrapped(cut("[   44.930114] ").as_bytes()), None);
    }
}

//! Whether a log stands in reverse order, newest line first, as `journalctl -r` prints it.

use super::dressing::stamp_at;
use super::inverted::{first_inverted, is_inverted};
use super::lex;
use super::wall::wall_clock;
use std::ops::Range;

/// So much of a log's end is looked at, bytes.
const REACH: usize = 64 << 10;
/// So many steps back in time there must be.
const STEPS: usize = 6;
/// For each step forward, which each boot makes, there must be so many back.
const EACH: usize = 6;

/// Whether the times of the last lines go back from line to line: nothing in such a log stands above what follows from it.
#[must_use]
pub fn is_reversed(log: &[u8]) -> bool {
    let tail = &log[log.len().saturating_sub(REACH)..];
    let (mut back, mut forward) = (0, 0);
    let mut last: Option<(bool, f64)> = None;
    for (stamped, time) in tail.split(|byte| *byte == b'\n').filter_map(time) {
        match last.filter(|(kind, _)| *kind == stamped) {
            Some((_, before)) if time < before => back += 1,
            Some((_, before)) if time > before => forward += 1,
            _ => {}
        }
        last = Some((stamped, time));
    }
    back >= STEPS && back >= forward * EACH
}

/// So many lines at either end are looked at for a time.
const ENDS: usize = 8;

/// Where the lines of a log stand, bytes, in the order in which they were printed, if its newest line stands first all the way: by their
/// times, or by its reports where it has no times or one time only.
#[must_use]
pub fn upright(log: &[u8]) -> Option<Vec<Range<usize>>> {
    // Nearly every log ends later than it begins.
    let first = log.split(|byte| *byte == b'\n').take(ENDS).find_map(time);
    let last = log.rsplit(|byte| *byte == b'\n').take(ENDS).find_map(time);
    let goes_back = match first.zip(last) {
        Some((first, last)) if first.0 != last.0 || first.1 < last.1 => return None,
        Some((first, last)) => first.1 > last.1,
        None => false,
    };
    let by_times = if goes_back { upright_by_times(log) } else { None };
    by_times.or_else(|| is_inverted(log).then(|| lines_from_the_end(log)))
}

/// The same of a text of people in which a log stands, whose other lines stay where they are.
#[must_use]
pub fn upright_within(text: &[u8]) -> Option<Vec<Range<usize>>> {
    let trace = first_inverted(text)?;
    let line_at =
        |start: usize| &text[start..memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |end| start + end)];
    let timed = time(line_at(trace)).is_some();
    let belongs = |line: &[u8]| if timed { time(line).is_some() } else { !line.trim_ascii().is_empty() };
    let above = text[..trace].split_inclusive(|byte| *byte == b'\n').rev();
    let start = trace - above.take_while(|line| belongs(line.trim_ascii_end())).map(<[u8]>::len).sum::<usize>();
    let below = text[trace..].split_inclusive(|byte| *byte == b'\n');
    let end = trace + below.take_while(|line| belongs(line.trim_ascii_end())).map(<[u8]>::len).sum::<usize>();
    let turned = upright(&text[start..end])?;
    let as_they_are = |part: Range<usize>| {
        let mut at = part.start;
        text[part].split_inclusive(|byte| *byte == b'\n').map(move |line| {
            at += line.len();
            at - line.len()..at
        })
    };
    let turned = turned.into_iter().map(|line| start + line.start..start + line.end);
    Some(as_they_are(0..start).chain(turned).chain(as_they_are(end..text.len())).collect())
}

fn lines_from_the_end(log: &[u8]) -> Vec<Range<usize>> {
    let mut end = log.len();
    let ranges = log.split_inclusive(|byte| *byte == b'\n').rev().map(|line| {
        let range = end - line.len()..end;
        end = range.start;
        range
    });
    ranges.collect()
}

/// Lines without a time stay below the one that they follow. What was printed at one time is turned around, too, unless its stacks stand
/// upright.
fn upright_by_times(log: &[u8]) -> Option<Vec<Range<usize>>> {
    if !is_reversed(log) {
        return None;
    }
    let blocks = blocks(log);
    let (mut back, mut forward) = (0, 0);
    for pair in blocks.windows(2).filter(|pair| pair[0].time.0 == pair[1].time.0) {
        back += usize::from(pair[1].time.1 < pair[0].time.1);
        forward += usize::from(pair[1].time.1 > pair[0].time.1);
    }
    if back < STEPS || back < forward * EACH {
        return None;
    }
    let stands = stands_upright(&blocks);
    let mut out = Vec::new();
    let mut push = |block: &Block<'_>| {
        let mut start = block.start;
        for line in block.text.split_inclusive(|byte| *byte == b'\n') {
            out.push(start..start + line.len());
            start += line.len();
        }
    };
    for group in blocks.chunk_by(|one, other| stands && one.time == other.time).rev() {
        group.iter().for_each(&mut push);
    }
    Some(out)
}

/// A line with a time, and those without one below it.
struct Block<'a> {
    start: usize,
    text: &'a [u8],
    time: (bool, f64),
}

/// What stands above the first time goes with it.
fn blocks(log: &[u8]) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut start = 0;
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        match (time(line.trim_ascii_end()), blocks.last_mut()) {
            (None, None) => {}
            (None, Some(last)) => {
                last.text = &log[last.start..end];
            }
            (Some(time), None) => blocks.push(Block { start: 0, text: &log[..end], time }),
            (Some(time), Some(_)) => blocks.push(Block { start, text: line, time }),
        }
        start = end;
    }
    blocks
}

/// Whether stacks printed at one time stand below what begins them.
fn stands_upright(blocks: &[Block<'_>]) -> bool {
    let holds = |block: &Block<'_>, words: &[u8]| memchr::memmem::find(block.text, words).is_some();
    let (mut below, mut above) = (0, 0);
    for pair in blocks.windows(2).filter(|pair| pair[0].time == pair[1].time) {
        let begins =
            [&b"Call Trace:"[..], b"Call trace:"].map(|words| [holds(&pair[0], words), holds(&pair[1], words)]);
        let frame = |block: &Block<'_>| holds(block, b"+0x") || holds(block, b"<TASK>");
        below += usize::from(begins.iter().any(|begins| begins[0]) && frame(&pair[1]));
        above += usize::from(begins.iter().any(|begins| begins[1]) && frame(&pair[0]));
    }
    below > above
}

/// The printk stamp of a line, or its clock: whether it is a stamp, and seconds.
fn time(line: &[u8]) -> Option<(bool, f64)> {
    if line.is_empty() {
        return None;
    }
    if let Some(stamp) = lex(line).time.or_else(|| stamp_at(line).and_then(|at| lex(&line[at..]).time)) {
        return Some((true, stamp));
    }
    let clock = wall_clock(line)?;
    let colon = memchr::memchr(b':', clock)?;
    let number = |from: usize| std::str::from_utf8(clock.get(from..from + 2)?).ok()?.parse::<u32>().ok();
    let (hours, minutes, seconds) = (number(colon.checked_sub(2)?)?, number(colon + 1)?, number(colon + 4)?);
    Some((false, f64::from((hours * 60 + minutes) * 60 + seconds)))
}

#[cfg(test)]
mod tests {
    use super::is_reversed;

    /// The log turned around.
    fn upright(log: &[u8]) -> Option<Vec<u8>> {
        let mut out: Vec<u8> = Vec::new();
        for line in super::upright(log)? {
            out.extend_from_slice(log[line].trim_ascii_end());
            out.push(b'\n');
        }
        Some(out)
    }

    fn log(forms: impl Fn(u32) -> String, numbers: impl Iterator<Item = u32>) -> Vec<u8> {
        numbers.map(|number| forms(number) + "\n").collect::<String>().into_bytes()
    }

    #[test]
    fn the_newest_line_first_is_reverse_order() {
        let stamp = |number: u32| format!("[{number:5}.000000] x");
        let clock = |number: u32| format!("Jan 30 14:55:{number:02} host kernel: x");
        assert!(is_reversed(&log(stamp, (0..40).rev())));
        assert!(is_reversed(&log(clock, (0..40).rev())));
        assert!(is_reversed(&log(stamp, (0..40).rev().chain((0..40).rev()))));
        assert!(!is_reversed(&log(stamp, 0..40)));
        assert!(!is_reversed(&log(clock, (0..20).chain(0..20))));
        assert!(!is_reversed(&log(stamp, [9, 4, 9, 4, 9, 4, 9, 4, 9, 4, 9, 4, 9, 4].into_iter())));
        assert!(!is_reversed(b""));
    }
    #[test]
    fn a_reversed_log_is_turned_around() {
        let stamp = |number: u32| format!("[{number:5}.000000] x\n  more of {number}");
        let turned = upright(&log(stamp, (0..40).rev()));
        assert_eq!(turned, Some(log(stamp, 0..40)));
        assert_eq!(upright(&log(stamp, 0..40)), None);
        assert_eq!(upright(&log(stamp, (0..40).chain(0..20))), None);
        assert_eq!(upright(b""), None);
        // The last line may have no end.
        let mut open = log(stamp, (0..40).rev());
        open.pop();
        assert_eq!(upright(&open), Some(log(stamp, 0..40)));
    }

    #[test]
    fn a_log_within_a_letter_is_turned_around() {
        let letter = |lines: &mut dyn Iterator<Item = &str>| {
            let log: String = lines.map(|words| format!("Oct 05 00:37:49 host kernel: {words}\n")).collect();
            format!("Hello,\n\nthe viewer shows:\n\n{log}\nBye.\nCall Trace: none\n")
        };
        let log =
            ["Oops", "RIP: 0010:c+0x1/0x2", "RAX: 1", "RDX: 2", "Call Trace:", " <TASK>", " a+0x1/0x2", " </TASK>"];
        let (there, want) = (letter(&mut log.into_iter().rev()), letter(&mut log.into_iter()));
        let lines = super::upright_within(there.as_bytes()).unwrap_or_default();
        assert_eq!(lines.into_iter().map(|line| &there[line]).collect::<String>(), want);
        assert_eq!(super::upright_within(want.as_bytes()), None);
        assert_eq!(super::upright_within(b"Call Trace:"), None);
    }

    #[test]
    fn what_was_printed_at_once_is_turned_around_unless_it_stands_upright() {
        let words = ["Call Trace:", "a+0x1/0x2", "b+0x1/0x2"];
        let clock = |number: u32| format!("Jan 30 14:{:02}:00 host kernel: {}", number / 3, words[number as usize % 3]);
        let strict = log(clock, (0..60).rev());
        assert_eq!(upright(&strict), Some(log(clock, 0..60)));
        let sorted = log(clock, (0..20).rev().flat_map(|minute| 3 * minute..3 * minute + 3));
        assert_eq!(upright(&sorted), Some(log(clock, 0..60)));
    }
}

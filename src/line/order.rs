//! Whether a log stands in reverse order, newest line first, as `journalctl -r` prints it.

use super::lex;
use super::wall::wall_clock;

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

/// The printk stamp of a line, or its clock: whether it is a stamp, and seconds.
fn time(line: &[u8]) -> Option<(bool, f64)> {
    if let Some(stamp) = lex(line).time {
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
}

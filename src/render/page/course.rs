//! The course of a log: its boots, how much was said when, and where nothing was said.

use crate::line::{BOOT_ANCHORS, BootMark, begins_boot, boot_mark, lex, same_boot};
use memchr::memmem::Finder;

/// How many columns of "how much was said" a boot is divided into at most.
const COLUMNS: usize = 160;
/// A silence is at least so long, seconds.
const SILENCE: f64 = 10.0;
/// And at least this share of its boot.
const SHARE: f64 = 0.04;
/// How many silences are reported, the longest first.
const MOST: usize = 12;

/// One boot. Lines are 1-based, of the log's text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Boot {
    /// Its first line.
    pub(super) line: u64,
    /// Its last line.
    pub(super) last: u64,
    /// printk time of its first and last stamped line, seconds; absent without stamps.
    pub(super) times: Option<(f64, f64)>,
    /// Stamped lines: how many per column of its time; of its lines if it has no stamps.
    pub(super) columns: Vec<u32>,
    /// Where nothing was said.
    pub(super) silences: Vec<Silence>,
}

/// A time without a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Silence {
    /// When it began and ended, seconds of printk time.
    pub(super) from: f64,
    pub(super) to: f64,
    /// The line that ended it.
    pub(super) line: u64,
}

impl Boot {
    /// Seconds from its first to its last stamp.
    pub(super) fn seconds(&self) -> f64 {
        self.times.map_or(0.0, |(first, last)| last - first)
    }

    /// Where something is in this boot, 0 to 1: by its time, else by its line.
    pub(super) fn place(&self, time: Option<f64>, line: u64) -> f64 {
        if let (Some((first, last)), Some(time)) = (self.times, time)
            && last > first
        {
            return ((time - first) / (last - first)).clamp(0.0, 1.0);
        }
        let lines = self.last.saturating_sub(self.line).max(1) as f64;
        (line.saturating_sub(self.line) as f64 / lines).clamp(0.0, 1.0)
    }
}

/// The boots of a text, in order; one if it has no line.
pub(super) fn course(text: &[u8]) -> Vec<Boot> {
    let mut boots = vec![Boot { line: 1, ..Boot::default() }];
    let mut stamps: Vec<Vec<(u64, f64)>> = vec![Vec::new()];
    let (mut last_mark, mut stamped): (Option<BootMark>, bool) = (None, false);
    let mut number = 0;
    let anchors: Vec<Finder<'_>> = BOOT_ANCHORS.iter().map(|words| Finder::new(words.as_bytes())).collect();
    for line in text.split(|byte| *byte == b'\n') {
        number += 1;
        let prefix = lex(line);
        if anchors.iter().any(|words| words.find(line).is_some())
            && let Some(mark) = boot_mark(line)
        {
            let first = last_mark.is_none();
            let said = stamps.last().and_then(|stamps| stamps.last()).map(|(_, time)| *time);
            if begins_boot(last_mark, mark, !stamped) && (!first || !same_boot(said, prefix.time)) {
                boots.push(Boot { line: number, ..Boot::default() });
                stamps.push(Vec::new());
            }
            (last_mark, stamped) = (Some(mark), false);
        }
        stamped |= prefix.time.is_some();
        if let (Some(boot), Some(times)) = (boots.last_mut(), stamps.last_mut()) {
            boot.last = number;
            times.extend(prefix.time.map(|time| (number, time)));
        }
    }
    for (boot, stamps) in boots.iter_mut().zip(stamps) {
        finish(boot, &stamps);
    }
    boots
}

/// Works out the times, the columns and the silences of a boot.
fn finish(boot: &mut Boot, stamps: &[(u64, f64)]) {
    let times = stamps.iter().map(|(_, time)| *time);
    let (first, last) = (times.clone().fold(f64::MAX, f64::min), times.fold(f64::MIN, f64::max));
    boot.columns = vec![0; COLUMNS];
    // Most lines have a stamp, or times say little.
    let lines = boot.last + 1 - boot.line.min(boot.last);
    if stamps.len() < 2 || (stamps.len() as u64) * 3 < lines || last <= first {
        boot.columns.clear();
        return;
    }
    boot.times = Some((first, last));
    for (_, time) in stamps {
        let at = ((time - first) / (last - first) * COLUMNS as f64).floor();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of columns"
        )]
        let column = (at as usize).min(COLUMNS - 1);
        boot.columns[column] += 1;
    }
    let least = SILENCE.max((last - first) * SHARE);
    let mut silences: Vec<Silence> = stamps
        .windows(2)
        .filter_map(|pair| match pair {
            [(_, from), (line, to)] if to - from >= least => Some(Silence { from: *from, to: *to, line: *line }),
            _ => None,
        })
        .collect();
    silences.sort_by(|one, other| (other.to - other.from).total_cmp(&(one.to - one.from)));
    silences.truncate(MOST);
    silences.sort_by_key(|silence| silence.line);
    boot.silences = silences;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boots_silences_and_columns_are_found() {
        let text = "[    0.000000] Linux version 6.1\n[    1.000000] a\n[   90.000000] b\n[    0.000000] Linux version 6.1\n[    2.000000] c\n";
        let boots = course(text.as_bytes());
        assert_eq!(boots.len(), 2);
        assert_eq!((boots[0].line, boots[0].last, boots[0].times), (1, 3, Some((0.0, 90.0))));
        assert_eq!(boots[0].silences, [Silence { from: 1.0, to: 90.0, line: 3 }]);
        assert_eq!(boots[1].line, 4);
        assert!((boots[0].place(Some(45.0), 2) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_text_without_stamps_has_one_boot_without_times() {
        let boots = course(b"a\nb\nc\n");
        assert_eq!((boots.len(), boots[0].times), (1, None));
        assert_eq!(course(b"").len(), 1);
    }
}

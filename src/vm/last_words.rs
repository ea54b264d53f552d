//! The end of the workload's output, for the moment when it fails: what it said last, and the line that says why.

use std::collections::VecDeque;

/// So many lines are remembered.
const LINES: usize = 10;
/// Longer lines are cut, characters.
const WIDTH: usize = 300;
/// How the session that follows the workload reports its status; it is not a word of the workload.
const STATUS: &str = "kanalyze-status ";

/// The last lines of an output.
#[derive(Debug, Clone, Default)]
pub struct LastWords {
    lines: VecDeque<String>,
    /// Lines before these.
    forgotten: u64,
    /// The line in which the workload said what is wrong, as far as a known obstacle shows.
    telling: Option<String>,
}

impl LastWords {
    /// Takes a line.
    pub fn take(&mut self, line: &[u8]) {
        let text = cut(line);
        if text.is_empty() || text.starts_with(STATUS) {
            return;
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
            self.forgotten += 1;
        }
        self.lines.push_back(text);
    }

    /// This line says what is wrong; the first one does.
    pub fn take_telling(&mut self, line: &str) {
        self.telling.get_or_insert_with(|| cut(line.as_bytes()));
    }

    /// The last `count` lines, and how many came before them.
    #[must_use]
    pub fn last(&self, count: usize) -> (Vec<String>, u64) {
        let skipped = self.lines.len().saturating_sub(count);
        (self.lines.iter().skip(skipped).cloned().collect(), self.forgotten + skipped as u64)
    }

    /// The line that says why it failed: the one that a known obstacle is recognised by, else the last one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.telling.as_deref().or_else(|| self.lines.back().map(String::as_str))
    }
}

fn cut(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim();
    match text.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_why_unless_another_one_does() {
        let mut words = LastWords::default();
        assert_eq!(words.reason(), None);
        for line in ["one", "", "  two\r", "kanalyze-status 3"] {
            words.take(line.as_bytes());
        }
        assert_eq!(words.reason(), Some("two"));
        words.take_telling("flag provided but not defined: -x");
        words.take(b"  -vv int");
        words.take_telling("another one");
        assert_eq!(words.reason(), Some("flag provided but not defined: -x"));
        assert_eq!(words.last(2), (vec!["two".to_owned(), "-vv int".to_owned()], 1));
    }

    #[test]
    fn endless_output_takes_no_endless_memory() {
        let mut words = LastWords::default();
        for number in 0..1_000 {
            words.take(format!("{number} {}", "x".repeat(10_000)).as_bytes());
        }
        let (lines, before) = words.last(99);
        assert_eq!((lines.len(), before), (LINES, 990));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH + 1));
    }
}

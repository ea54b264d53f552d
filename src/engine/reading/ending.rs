//! A log that ends where a report begins.

use super::super::Options;
use crate::grammar::Anchor;
use crate::line::{lex, unwrap};

/// What every such line holds.
const OPENED: &[u8] = b"--[ ";
/// A log that ends within the line has so much of it, bytes: its rule alone stands elsewhere, too.
const SHORTEST: usize = b"------------[ c".len();

/// The last line of a log, if it announces a report of which nothing more is there.
pub(super) fn mark_at_end(options: &Options, text: &[u8]) -> Option<Anchor> {
    let end = text.trim_ascii_end().len();
    let start = memchr::memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
    // Hardly a log ends in such a line.
    if memchr::memmem::find(&text[start..end], OPENED).is_none() || options.as_syzbot || options.prose {
        return None;
    }
    let shown = unwrap(&text[start..end]);
    let message = lex(&shown).text(&shown).trim_ascii();
    let is_it = |words: &String| message.len() >= SHORTEST && words.as_bytes().starts_with(message);
    let mut headers = options.grammar.headers.iter();
    let header = headers.position(|header| header.ends_log && header.texts.iter().any(is_it))?;
    Some(Anchor { start, end, header: Some(header), second: true, ..Anchor::default() })
}

#[cfg(test)]
mod tests {
    use crate::engine::{Engine, Item, Options, read_reports};

    const MARK: &str = "[    9.2] ------------[ cut here ]------------\n";
    const ABOVE: &str = "[    9.1] eth0: link is up\n";

    #[test]
    fn a_mark_is_a_report_where_the_log_ends() {
        let ends = [ABOVE, MARK].concat();
        let lines = |text: &str| -> Vec<u64> {
            read_reports("console.log", text.as_bytes()).iter().map(|report| report.line).collect()
        };
        assert_eq!(lines(&ends), [2]);
        assert_eq!(lines(ends.trim_end()), [2]);
        assert_eq!(lines(&[MARK, ABOVE].concat()), [0; 0]);
        assert_eq!(lines(&ends[..ends.len() - 19]), [2]);
        assert_eq!(lines(&ends[..ends.len() - 25]), [0; 0]);
        assert_eq!(lines("-- a table --\n"), [0; 0]);
        let warning = "[    9.3] WARNING: CPU: 1 PID: 42 at drivers/lamp/lamp.c:77 lamp_put+0x1f/0x40\n";
        assert_eq!(lines(&[&ends, warning].concat()), [3]);
        assert_eq!(lines(&[&ends, warning, MARK].concat()), [3]);
    }

    /// What is read live goes on: a mark says nothing before the end.
    #[test]
    fn a_mark_is_told_at_the_end_of_a_feed_only() {
        let mut engine = Engine::new(Options::named("-"));
        let mut told = engine.push(ABOVE.as_bytes());
        told.extend(engine.push(MARK.as_bytes()));
        told.extend(engine.flush());
        assert!(told.is_empty());
        let (last, _) = engine.finish();
        assert!(last.iter().any(|item| matches!(item, Item::Closed(report) if report.line == 2 && !report.syzbot)));
    }
}

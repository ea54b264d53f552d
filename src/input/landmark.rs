//! Texts with which lines of kernel reports begin: how a line of a log is distinguished from prose, and from the rest of a cut line.

/// What a line that begins so is to a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landmark {
    /// Opens a report, and other messages too.
    Opener,
    /// Opens a report.
    Header,
    /// Opens a report or follows from one.
    Panic,
    /// Stands below a header and nowhere else.
    Body,
    /// Follows a report.
    Tail,
    /// Stands below a header, and elsewhere too: it may be the rest of a cut line, or a message of its own.
    Loose,
    /// A program of the test machine says it.
    Program,
}

/// The rows of `grammars/vocabulary/lines.toml` as `build.rs` lays them out, the longest beginnings first.
const BEGINNINGS: &[(&str, Landmark)] = include!(concat!(env!("OUT_DIR"), "/landmarks.rs"));

/// What the line is by its beginning. Leading blanks count: give the text without them.
#[must_use]
pub fn landmark(text: &[u8]) -> Option<Landmark> {
    // Most lines are decided by their first byte.
    let first = text.first()?;
    let mut fitting = BEGINNINGS.iter().filter(|(start, _)| start.as_bytes()[0] == *first);
    fitting.find(|(start, _)| text.starts_with(start.as_bytes())).map(|(_, landmark)| *landmark)
}

#[cfg(test)]
mod tests {
    use super::{Landmark, landmark};

    #[test]
    fn the_longest_beginning_decides() {
        for (line, want) in [
            ("kernel BUG at mm/slub.c:1!", Some(Landmark::Header)),
            ("kernel BUG in foo", Some(Landmark::Loose)),
            ("Showing all locks held in the system:", Some(Landmark::Body)),
            ("Showing off", Some(Landmark::Loose)),
            ("BUG: unable to handle", Some(Landmark::Opener)),
            ("Regards,", None),
            ("", None),
        ] {
            assert_eq!(landmark(line.as_bytes()), want, "{line}");
        }
    }
}

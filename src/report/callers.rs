//! Lines of other printers, passed as quickly as they are many: a report's window holds a thousand of them.

use super::console::{Console, Context};
use crate::line::{USUAL_STAMP, is_usual_caller, is_usual_stamp};

/// What stands at the end of a stamp of the usual width, if a caller follows.
const JOINT: [u8; 2] = *b"][";
/// Where it stands in such a line.
const AT: usize = USUAL_STAMP - 1;
/// So many bytes are looked at at once.
const BLOCK: usize = 256;
/// A block, and as much behind it as is asked of the line that begins behind its last byte.
const REACH: usize = BLOCK + AT + JOINT.len();
/// No stamp is wider, bytes.
const WIDEST: usize = 40;

/// Whether a stamp is followed by a caller, decided at a glance: no line of a bare console is.
pub(super) fn has_caller(line: &[u8]) -> bool {
    if is_usual_stamp(line) {
        return line.get(USUAL_STAMP) == Some(&JOINT[1]);
    }
    line.first() == Some(&b'[')
        && memchr::memchr(b']', &line[..line.len().min(WIDEST)]).is_some_and(|end| line.get(end + 1) == Some(&JOINT[1]))
}

/// Whether lines of others may be passed by [`behind_callers`] where those of this console are looked for: its stamps are printk's,
/// which are no narrower, so that what stands at the end of one is a blank.
pub(super) fn may_be_passed(console: &Console<'_>) -> bool {
    console.context == Context::Console && console.stamp.is_some_and(|stamp| stamp.len() + 2 >= USUAL_STAMP)
}

/// Where the first line from `start` on begins that has no caller at the usual place; the length of the text, if none is. A line that
/// ends before that place is not printk's either.
pub(super) fn behind_callers(text: &[u8], mut start: usize) -> usize {
    // Lines of two printers may take turns: blocks are worth it where some of others stand together.
    let mut searched = start + BLOCK;
    while text.get(start + AT..start + AT + JOINT.len()) == Some(&JOINT) {
        let mut at = start;
        if at >= searched {
            while text.get(at..).and_then(<[u8]>::first_chunk).is_some_and(begins_callers_lines) {
                at += BLOCK;
            }
            // The line that was found is not far.
            searched = at + BLOCK;
        }
        start = memchr::memchr(b'\n', text.get(at..).unwrap_or_default()).map_or(text.len(), |length| at + length + 1);
    }
    start
}

/// Whether all lines that begin in a block have a caller at the usual place. Nothing is decided byte by byte, so that sixteen are
/// looked at in one step; that is four times faster than to go from line to line.
fn begins_callers_lines(block: &[u8; REACH]) -> bool {
    let mut others = false;
    for end in 0..BLOCK {
        let joint = (block[end + 1 + AT] == JOINT[0]) & (block[end + 2 + AT] == JOINT[1]);
        others |= (block[end] == b'\n') & !joint;
    }
    !others
}

/// Where the first line from `start` on begins that may be without a stamp; the length of the text, if none is.
pub(super) fn behind_usual_stamps(text: &[u8], mut start: usize) -> usize {
    while let Some(line) = text.get(start..).filter(|line| is_usual_stamp(line))
        && let rest = &line[USUAL_STAMP..]
        && (rest.first() == Some(&b' ') || is_usual_caller(rest))
    {
        start += USUAL_STAMP;
        start = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |length| start + length + 1);
    }
    start
}

#[cfg(test)]
mod tests {
    use super::super::console::{Context, console};
    use super::{AT, BLOCK, JOINT, behind_callers, behind_usual_stamps, has_caller};
    use proptest::prelude::*;

    /// Where the first line begins at whose beginning `wanted` is true, by looking at each.
    fn first(text: &[u8], wanted: impl Fn(usize) -> bool) -> usize {
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        std::iter::once(0).chain(ends).find(|start| wanted(*start)).unwrap_or(text.len())
    }

    #[test]
    fn a_caller_is_told_by_its_place() {
        for line in ["[    1.000000][ T1] x", "[100000.000000][ T1] x", "[    1.000000][", "[1.0][ T1] x"] {
            assert!(has_caller(line.as_bytes()), "{line}");
        }
        for line in ["[    1.000000] [T1] x", "[ 1.0] [T1][C1] x", "x [1][2]", "", "[    1.000000", "[    1.000000]"] {
            assert!(!has_caller(line.as_bytes()), "{line}");
        }
    }

    /// One line without a caller at every place of a block, and in front of every length of what follows.
    #[test]
    fn no_line_is_missed_wherever_it_stands() {
        let other = |length: usize| format!("[    1.000000][ T1] {}\n", "x".repeat(length));
        for above in 0..2 * BLOCK {
            let (above, own) = (other(above % 100) + &other(above), "[    1.000000] own\n");
            for below in [0, 1, 3, BLOCK, 2 * BLOCK] {
                let text = format!("{above}{own}{}", other(below));
                assert_eq!(behind_callers(text.as_bytes(), 0), above.len());
                let text = format!("{above}{}", other(below));
                assert_eq!(behind_callers(text.as_bytes(), 0), text.len());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_passed_is_what_each_line_says(
            lines in proptest::collection::vec(r"(\[ {3}[ 0-9][0-9]\.[0-9]{6}\](\[( {3}| T1)[TC][0-9]{1,3}\]| |)|) ?[a-z\[\]]{0,70}", 0..40),
            end in proptest::bool::ANY,
        ) {
            let text = lines.join("\n") + if end { "\n" } else { "" };
            let text = text.as_bytes();
            let other = |start: usize| text.get(start + AT..start + AT + JOINT.len()) == Some(&JOINT);
            prop_assert_eq!(behind_callers(text, 0), first(text, |start| !other(start)));
            let line = |start: usize| text[start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
            let unknown = first(text, |start| console(line(start)).context == Context::Unknown);
            prop_assert!(behind_usual_stamps(text, 0) <= unknown);
        }
    }
}

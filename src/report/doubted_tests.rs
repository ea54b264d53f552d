//! What becomes of frames that a careful unwinder would not have printed: stacks that have others are as if they had been taken out.

use super::describe::describe_shown;
use super::{Line, Shown, describe};
use crate::grammar::Grammar;

/// Lines of stacks, and whether they are doubted.
const LINES: [(&str, bool); 9] = [
    ("Call Trace:", false),
    (" f+0x1/0x2", false),
    (" ? g+0x1/0x2", true),
    (" [<ffffffff80130b13>] h+0x1/0x2 ? x", true),
    (" ? i (a.c:1)", true),
    (" ? j+0x1/0x2", false),
    ("-> #1 (a){+.+.}:", false),
    ("Allocated in k+0x1/0x2 age=1 cpu=0 pid=1", false),
    ("RIP: 0010:l+0x1/0x2", true),
];
/// So many of them in a row.
const IN_A_ROW: u32 = 4;

#[test]
fn doubted_frames_that_are_not_made_are_those_that_would_be_taken_out() {
    let grammar = Grammar::built_in();
    let mut left = 0;
    for number in 0..LINES.len().pow(IN_A_ROW) {
        let picks = (0..IN_A_ROW).map(|place| LINES[number / LINES.len().pow(place) % LINES.len()]);
        let lines: Vec<(Line<'_>, bool)> = picks
            .zip(1..)
            .map(|((text, doubted), log_line)| (Line { text: text.as_bytes(), log_line, offset: 0 }, doubted))
            .collect();
        let told = describe_shown(
            &grammar,
            lines.iter().map(|(line, doubted)| Shown { doubted: *doubted, ..Shown::of(line) }),
        );
        let plain: Vec<Line<'_>> = lines.iter().map(|(line, _)| *line).collect();
        let mut plain = describe(&grammar, &plain);
        plain.without_doubtful(&lines.iter().filter(|(_, doubted)| *doubted).map(|(line, _)| line.log_line).collect());
        assert_eq!(told, plain, "{lines:?}");
        left += told
            .stacks
            .iter()
            .flat_map(|stack| &stack.frames)
            .filter(|frame| frame.function.as_deref() == Some("g"))
            .count();
    }
    assert!(left > 0, "where there are no others they stay");
}

//! The text of a report as syzbot's rules read it: its lines in one piece, symbolization undone.

use super::console::Context;
use super::excerpt::Excerpt;
use super::frames::frame_line;
use super::markers::lines_with_markers;
use super::printed::KeptLine;
use super::scan::find;
use super::symbolized;

/// The text that the rules for titles and for damage look at.
#[derive(Debug)]
pub struct Wording {
    /// The report's lines, a line break behind each, symbolization undone.
    pub text: Vec<u8>,
    /// How much of `text` may name the report: up to the second report. Bytes.
    pub area: usize,
    /// Whether the report had source lines in it.
    pub symbolized: bool,
    /// Where the lines of `text` begin that may be markers of stacks, in order.
    pub(super) markers: Vec<usize>,
}

/// Most reports have no more text, bytes.
const USUAL_TEXT: usize = 8 << 10;

/// A guest of Xen has segments of its own, which syzbot's rules for the faulting instruction do not know: `RIP: e030:widget_put+0x1/0x2`.
const OF_XEN: &[u8] = b"RIP: e03";

/// No code is where the kernel jumped to, `Code:  Bad EIP value.`; syzbot's rules take the word behind for a function's name.
const NO_CODE: &[u8] = b"IP value.";

/// Adds a line.
fn push(text: &mut Vec<u8>, line: &[u8], mended: bool) {
    if mended && line.ends_with(NO_CODE) {
        text.push(b'\n');
        return;
    }
    text.extend_from_slice(line);
    if mended && line.trim_ascii_start().starts_with(OF_XEN) {
        let segment = text.len() - line.trim_ascii_start().len() + b"RIP: ".len();
        if let Some(digits) = text.get_mut(segment..segment + 4) {
            digits.copy_from_slice(b"0010");
        }
    }
    text.push(b'\n');
}

impl Wording {
    /// The text of an excerpt; `mended`, if its lines are to be as syzbot's rules know them. What is said after a silence names
    /// only a report that syzbot knows.
    #[must_use]
    pub fn of(excerpt: &Excerpt<'_>, mended: bool, of_syzbot: bool) -> Self {
        let lines = &excerpt.lines;
        let own = if of_syzbot { excerpt.before_second } else { excerpt.own };
        // syzbot mails what one task printed, without stamps: a report in it that has no stack goes on in the next one.
        let goes_on = excerpt.context == Context::Unknown
            && own < lines.len()
            && !lines[..own].iter().skip(1).any(|line| frame_line(&line.text, 0).is_some())
            && lines.iter().any(is_symbolized);
        let area_lines = match excerpt.context {
            Context::Caller(_) if of_syzbot => lines.len(),
            _ if goes_on => lines.len(),
            _ => own,
        };
        let symbolized = goes_on || lines[..excerpt.own].iter().any(is_symbolized);
        let (mut text, mut area) = (Vec::with_capacity(USUAL_TEXT), 0);
        for (number, line) in lines.iter().enumerate() {
            if number == area_lines {
                area = text.len();
            }
            if mended && is_left_over(&line.text, lines.get(number + 1)) {
                continue;
            }
            if symbolized {
                let above = number.checked_sub(1).map_or(&b""[..], |above| &lines[above].text);
                if let Some(plain) = symbolized::undo(&line.text, above) {
                    push(&mut text, &plain, mended);
                }
            } else {
                let first = if mended && number == 0 { symbolized::mended(&line.text) } else { None };
                push(&mut text, first.as_deref().unwrap_or(&line.text), mended);
            }
        }
        if area_lines >= lines.len() {
            area = text.len();
        }
        let markers = lines_with_markers(&text);
        Self { text, area, symbolized, markers }
    }
}

/// Whether it is what an earlier call left above the switch to another task, with which the stack of a task that waits begins on
/// PowerPC: `[c000001ff2b57660] [c0000000057c9fb0] rcu_state+0x4fb0/0x5100 (unreliable)`.
fn is_left_over(line: &[u8], next: Option<&KeptLine<'_>>) -> bool {
    line.trim_ascii_end().ends_with(b" (unreliable)")
        && next.is_some_and(|next| find(&next.text, "__switch_to+").is_some())
}

/// Whether a line shows that its report was symbolized: places have a colon, copies a mark.
fn is_symbolized(line: &KeptLine<'_>) -> bool {
    symbolized::is_symbolized(&line.text, line.letters)
}

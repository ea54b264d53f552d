//! The text of a report as syzbot's rules read it: its lines in one piece, symbolization undone.

use super::console::Context;
use super::excerpt::Excerpt;
use super::frames::frame_line;
use super::markers::lines_with_markers;
use super::printed::KeptLine;
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

impl Wording {
    /// The text of an excerpt; `mended`, if the first line is to be as the kernel writes it.
    #[must_use]
    pub fn of(excerpt: &Excerpt<'_>, mended: bool) -> Self {
        let (lines, own) = (&excerpt.lines, excerpt.before_second);
        // syzbot mails what one task printed, without stamps: a report in it that has no stack goes on in the next one.
        let goes_on = excerpt.context == Context::Unknown
            && own < lines.len()
            && !lines[..own].iter().skip(1).any(|line| frame_line(&line.text, 0).is_some())
            && lines.iter().any(is_symbolized);
        let area_lines = match excerpt.context {
            Context::Caller(_) => lines.len(),
            _ if goes_on => lines.len(),
            _ => own,
        };
        let symbolized = goes_on || lines[..excerpt.own].iter().any(is_symbolized);
        let (mut text, mut area) = (Vec::with_capacity(USUAL_TEXT), 0);
        for (number, line) in lines.iter().enumerate() {
            if number == area_lines {
                area = text.len();
            }
            if symbolized {
                let above = number.checked_sub(1).map_or(&b""[..], |above| &lines[above].text);
                if let Some(plain) = symbolized::undo(&line.text, above) {
                    text.extend_from_slice(&plain);
                    text.push(b'\n');
                }
            } else {
                let first = if mended && number == 0 { symbolized::mended(&line.text) } else { None };
                text.extend_from_slice(first.as_deref().unwrap_or(&line.text));
                text.push(b'\n');
            }
        }
        if area_lines >= lines.len() {
            area = text.len();
        }
        let markers = lines_with_markers(&text);
        Self { text, area, symbolized, markers }
    }
}

/// Whether a line shows that its report was symbolized: places have a colon, copies a mark.
fn is_symbolized(line: &KeptLine<'_>) -> bool {
    symbolized::is_symbolized(&line.text, line.letters)
}

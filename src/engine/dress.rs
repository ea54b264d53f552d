//! Takes what other programs put around kernel lines off a window, so that the rules see what the console would show.

use crate::grammar::{Anchor, Grammar, Scanner};
use crate::line::{Unwrapper, Wrapper, lex};

/// A window as the console would have shown it.
#[derive(Debug)]
pub(super) struct Undressed {
    pub(super) text: Vec<u8>,
    pub(super) anchors: Vec<Anchor>,
    /// Index of the report's first line in `anchors`.
    pub(super) at: usize,
    /// Pairs of offsets where lines begin: in `text` and in the window it came from. Ascending.
    lines: Vec<(usize, usize)>,
    /// For each line, how many lines of the window were above it.
    numbers: Vec<usize>,
}

/// How many lines decide whether a log is wrapped.
const SAMPLE: usize = 30;

/// The window without its wrappers, if the report (or the `event`) at `start` is wrapped and so are the lines below it.
pub(super) fn undress(
    grammar: &Grammar,
    scanner: &Scanner,
    window: &[u8],
    start: usize,
    event: Option<usize>,
) -> Option<Undressed> {
    let wrapper = wrapper_at(window, start)?;
    let (mut text, mut lines, mut numbers) = (Vec::with_capacity(window.len()), Vec::new(), Vec::new());
    let mut unwrapper = Unwrapper::new();
    let mut at = 0;
    for (number, line) in window.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let own = lex(line).wrapper;
        // A foreign line in between stays as it is.
        let shown = if own == Wrapper::None && !spreads(wrapper) { Some(line.into()) } else { unwrapper.line(line) };
        if let Some(shown) = shown {
            lines.push((text.len(), at));
            numbers.push(number);
            text.extend_from_slice(&shown);
            if !text.ends_with(b"\n") {
                text.push(b'\n');
            }
        }
        at += line.len();
    }
    let shown = lines.iter().find(|(_, old)| *old == start)?.0;
    let anchors = scanner.scan(grammar, &text, 0, text.len());
    let here = |anchor: &Anchor| match event {
        Some(event) => anchor.events.contains(&event),
        None => anchor.header.is_some(),
    };
    let at = anchors.iter().position(|anchor| anchor.start == shown && here(anchor))?;
    Some(Undressed { text, anchors, at, lines, numbers })
}

/// The wrapper of the line at `start`, if most lines below have it too.
fn wrapper_at(window: &[u8], start: usize) -> Option<Wrapper> {
    let mut lines = window[start..].split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let wrapper = lex(lines.next()?).wrapper;
    if wrapper == Wrapper::None {
        return None;
    }
    let (mut same, mut all) = (0, 0);
    for line in lines.take(SAMPLE) {
        all += 1;
        same += usize::from(lex(line).wrapper == wrapper);
    }
    (spreads(wrapper) || same * 10 >= all * 8).then_some(wrapper)
}

/// Whether a record of this form takes several lines, of which only some look like it.
fn spreads(wrapper: Wrapper) -> bool {
    matches!(wrapper, Wrapper::DmesgJson | Wrapper::JournalExport | Wrapper::Kmsg | Wrapper::Netconsole)
}

impl Undressed {
    /// The offset in the window that an offset in the undressed text came from.
    pub(super) fn original(&self, offset: usize) -> usize {
        let at = self.lines.partition_point(|(new, _)| *new <= offset).saturating_sub(1);
        self.lines.get(at).map_or(0, |(_, old)| *old)
    }

    /// How many lines of the window are above the line at an offset of the undressed text.
    pub(super) fn lines_above(&self, offset: usize) -> usize {
        let at = self.lines.partition_point(|(new, _)| *new <= offset).saturating_sub(1);
        self.numbers.get(at).copied().unwrap_or(0)
    }
}

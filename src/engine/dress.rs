//! Takes what stands around kernel lines off a window, so that the rules see what the console would show.

use super::worded::take_words;
use crate::grammar::{Anchor, Grammar, Scanner};
use crate::line::{Dressing, Shown};

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

/// What became of a window.
#[derive(Debug)]
pub(super) enum Dressed {
    /// It is to be read as it is.
    AsItIs,
    /// It had a dressing.
    Undressed(Box<Undressed>),
    /// Its line is a copy of the one above.
    Repeats,
}

/// The window without its dressing; the report (or the `event`) begins at `start`.
pub(super) fn undress(
    grammar: &Grammar,
    scanner: &Scanner,
    window: &[u8],
    start: usize,
    event: Option<usize>,
    dressing: Option<&Dressing>,
) -> Dressed {
    let Some(dressing) = dressing else { return Dressed::AsItIs };
    let bare = dressing.undress(window, start);
    let shown = match bare.first {
        Shown::At(shown) => shown,
        Shown::Repeats => return Dressed::Repeats,
        Shown::Nothing => return Dressed::AsItIs,
    };
    let mut anchors = scanner.scan(grammar, &bare.text, 0, bare.text.len());
    take_words(grammar, &bare.text, &mut anchors, 0);
    let here = |anchor: &Anchor| match event {
        Some(event) => anchor.events.iter().any(|candidate| candidate.event == event),
        None => anchor.header.is_some(),
    };
    match anchors.iter().position(|anchor| anchor.start == shown && here(anchor)) {
        Some(at) => Dressed::Undressed(Box::new(Undressed {
            text: bare.text,
            anchors,
            at,
            lines: bare.lines,
            numbers: bare.numbers,
        })),
        None => Dressed::AsItIs,
    }
}

impl Dressed {
    /// The undressed window, if it had a dressing.
    pub(super) fn undressed(&self) -> Option<&Undressed> {
        match self {
            Self::Undressed(undressed) => Some(undressed),
            Self::AsItIs | Self::Repeats => None,
        }
    }
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

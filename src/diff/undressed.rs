//! A log without what stands around its messages, where the form is one that has to be inferred from the lines.

use crate::line::{Dressing, Undressed, lex};

/// So many lines are looked at for a stamp.
const LOOKED_AT: usize = 2000;
/// Where in a log its form is looked for, in parts of its length.
const PLACES: [usize; 4] = [1, 2, 3, 0];

/// Whether lines have printk's stamp in a form that is known without looking at others.
pub(super) fn is_stamped(text: &[u8]) -> bool {
    lines(text).take(LOOKED_AT).any(|line| lex(line).time.is_some())
}

/// The log as the console would have shown it; nothing if its lines are known as they stand, or nothing in them looks like a stamp.
pub(super) fn undressed(text: &[u8]) -> Option<Undressed> {
    let starts = PLACES.iter().map(|part| {
        let at = text.len() / 4 * part;
        memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1)
    });
    let dressing = starts.filter_map(|start| Dressing::of(text, start)).find(Dressing::is_stamped)?;
    Some(dressing.undress(text, 0)).filter(|bare| is_stamped(&bare.text))
}

/// The lines, ends included.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at_checked(length).filter(|(line, _)| !line.is_empty())?;
        rest = after;
        Some(line)
    })
}

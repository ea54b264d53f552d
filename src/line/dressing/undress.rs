//! Takes a dressing off the lines of a window, keeping where each line stood.

use super::super::landmarks::is_body;
use super::super::{Unwrapper, Wrapper, is_usual_stamp, lex, lost_its_bracket};
use super::layer::Layer;
use super::sample::spreads;
use super::whole::Wrap;
use super::{Dressing, announces, continues, is_debugger, lines_of, message, stamp_at};
use std::borrow::Cow;

/// A window as the console would have shown it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undressed {
    /// The lines, each with a line break.
    pub text: Vec<u8>,
    /// Pairs of offsets where lines begin: in [`Undressed::text`] and in the window they came from. Ascending.
    pub lines: Vec<(usize, usize)>,
    /// For each of these lines, how many lines of the window, from the first one that is shown, were above it.
    pub numbers: Vec<usize>,
    /// What became of the line that matters.
    pub first: Shown,
}

/// How much of a window above the line that matters is undressed, bytes.
const ABOVE: usize = 16 << 10;

/// Most lines are longer, bytes.
const USUAL_LINE: usize = 64;

/// Between a line of words without a stamp and the part of a report below it stand no more such lines.
const WORDS: usize = 1;

/// What became of the line that matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shown {
    /// It stands at this offset of the undressed text.
    At(usize),
    /// It repeats the line above it.
    Repeats,
    /// It carries no message.
    #[default]
    Nothing,
}

/// The state between two lines.
struct Walk<'a> {
    dressing: &'a Dressing,
    out: Undressed,
    unwrapper: Unwrapper,
    /// Whether a line that begins with a stamp stays as it is.
    keeps_stamped: bool,
    /// The last dressed line, as it is and without its layers: further lines of its message take its prefix.
    last: Option<(&'a [u8], Cow<'a, [u8]>)>,
    /// The line above, as it is and without its layers, and whether this one was left out as its copy.
    above: (&'a [u8], Cow<'a, [u8]>),
    copied: bool,
    /// Whether the line above was kept, for empty lines between all lines.
    kept: bool,
    /// Whether the last line that was written may be continued by the next one.
    open: bool,
}

impl Dressing {
    /// The window without this dressing; the line that matters begins at `start`.
    #[must_use]
    pub fn undress(&self, window: &[u8], start: usize) -> Undressed {
        let mut walk = Walk {
            dressing: self,
            out: Undressed {
                text: Vec::with_capacity(window.len()),
                lines: Vec::with_capacity(window.len() / USUAL_LINE),
                numbers: Vec::with_capacity(window.len() / USUAL_LINE),
                ..Undressed::default()
            },
            unwrapper: Unwrapper::new(),
            keeps_stamped: self.stamped && self.layers.iter().all(|layer| matches!(layer, Layer::BeforeStamp(_))),
            last: None,
            above: (b"", Cow::default()),
            copied: false,
            kept: false,
            open: false,
        };
        // What stands far above is not shown: only the lines right before a report say something about it.
        let far = start.saturating_sub(ABOVE);
        let mut at =
            if far == 0 { 0 } else { memchr::memchr(b'\n', &window[far..start]).map_or(start, |end| far + end + 1) };
        let mut number = 0;
        while at < window.len() {
            let end = memchr::memchr(b'\n', &window[at..]).map_or(window.len(), |length| at + length + 1);
            walk.line(&window[at..end], at, number, at == start, lines_of(&window[at..]).skip(1).take(8));
            (at, number) = (end, number + 1);
        }
        walk.out
    }
}

/// Whether a line without a stamp, below one of a report, goes on with that: with words only where a part of it stands below them, a
/// line of words later at most, as xmon tells which kernel it stopped and where help is.
fn is_bare_part<'a>(line: &[u8], mut below: impl Iterator<Item = &'a [u8]>) -> bool {
    let is_part = |line: &[u8]| line.starts_with(b" ") || is_body(line);
    if line.is_empty() {
        return below.next().is_some_and(is_debugger);
    }
    is_part(line) || below.take(WORDS + 1).take_while(|line| !line.is_empty()).any(is_part)
}

impl<'a> Walk<'a> {
    fn line(
        &mut self,
        whole: &'a [u8],
        at: usize,
        number: usize,
        matters: bool,
        mut below: impl Iterator<Item = &'a [u8]>,
    ) {
        let raw = whole.strip_suffix(b"\n").unwrap_or(whole);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if self.dressing.announced && !matters && (raw.trim_ascii().is_empty() || announces(raw)) {
            return;
        }
        let Some((text, fits)) = self.bare(raw, matters) else { return };
        if self.dressing.doubled && !self.copied && !text.is_empty() && text == self.above.1 {
            self.copied = true;
            if matters {
                self.out.first = Shown::Repeats;
            }
            return;
        }
        self.copied = false;
        // Only what was done to the lines as a whole needs to know what is above.
        let whole = self.dressing.doubled || self.dressing.wrapped.is_some();
        let above = std::mem::replace(&mut self.above, (raw, if whole { text.clone() } else { Cow::default() }));
        if self.dressing.spaced && self.kept && text.trim_ascii().is_empty() {
            self.kept = false;
            return;
        }
        self.kept = true;
        if fits {
            self.write(&text, at, number, matters);
            self.last = Some((raw, text));
            self.open = true;
        } else if matters {
            let text = self.first(&text, below);
            self.write(&text, at, number, true);
            self.open = true;
        } else if let Some(text) =
            continues(raw, || self.last.as_ref().map(|(raw, text)| self.dressing.width(raw, text)))
        {
            let text = [self.prefix(), text].concat();
            self.write(&text, at, number, false);
        } else if self.dressing.bared && self.open && is_bare_part(raw, below.by_ref()) {
            let text = [self.prefix(), raw].concat();
            self.write(&text, at, number, false);
        } else if self.open
            && let Some(wrap) = self.dressing.wrapped
            && let (above, line) = if wrap.inner { (above.1.as_ref(), text.as_ref()) } else { (above.0, raw) }
            && wrap.is_tail(above, line)
        {
            self.join(wrap, above, &text);
        } else {
            self.open = false;
            // Among stamped lines an unstamped one is nobody's; elsewhere a foreign line would be taken for a part.
            if self.dressing.stamped || raw.trim_ascii().is_empty() {
                self.write(&text, at, number, false);
            }
        }
    }

    /// The stamp and the caller of the last dressed line.
    fn prefix(&self) -> &[u8] {
        let Some((_, text)) = self.last.as_ref().filter(|_| self.dressing.stamped) else { return b"" };
        &text[..text.len() - message(text, true).len()]
    }

    /// The line without its layers, and whether it had them; `None` if it carries no message.
    fn bare(&mut self, raw: &'a [u8], matters: bool) -> Option<(Cow<'a, [u8]>, bool)> {
        let dressing = self.dressing;
        if self.keeps_stamped && is_usual_stamp(raw) {
            return Some((Cow::Borrowed(raw), true));
        }
        let mut text: Cow<'a, [u8]> = Cow::Borrowed(raw);
        let mut fits = true;
        for layer in &dressing.layers {
            if let Layer::Known(wrapper) = layer {
                let own = lex(&text);
                // Another program's line is not part of what the kernel says.
                let relayed = own.tag == dressing.relay.as_deref();
                let foreign = own.is_foreign() && !relayed && !matters && stamp_at(&text).is_none();
                let untagged = wrapper.has_tag() && own.wrapper != *wrapper;
                if (own.wrapper == Wrapper::None || untagged) && !spreads(*wrapper) || foreign {
                    fits = false;
                    continue;
                }
                let line = text.into_owned();
                text = Cow::Owned(self.unwrapper.line(&line)?.into_owned());
                continue;
            }
            let (next, had) = layer.off(&text);
            fits &= had;
            if let Some(next) = next {
                text = Cow::Owned(next);
            }
        }
        if dressing.stamped {
            fits = stamp_at(&text) == Some(0);
        }
        Some((text, fits))
    }

    /// The line that matters, without what the others have: it gets the stamp of the next one, a prompt goes.
    fn first(&self, text: &[u8], below: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut message = text.trim_ascii_start();
        message = message.strip_prefix(b"`").unwrap_or(message);
        for prompt in [&b"# "[..], b"$ "] {
            if let Some(at) = memchr::memmem::find(&message[..message.len().min(80)], prompt) {
                message = &message[at + prompt.len()..];
            }
        }
        if !self.dressing.stamped {
            return message.to_vec();
        }
        // A copy that began behind the bracket of the stamp.
        if lost_its_bracket(message) {
            return [b"[", message].concat();
        }
        let mut prefix = self.prefix().to_vec();
        for line in below {
            let (text, fits) = self.dressing.bare(line);
            if fits {
                prefix = text[..text.len() - super::message(&text, true).len()].to_vec();
                break;
            }
        }
        [&prefix, message].concat()
    }

    fn join(&mut self, wrap: Wrap, above: &[u8], tail: &[u8]) {
        if self.out.text.last() == Some(&b'\n') {
            self.out.text.pop();
        }
        wrap.join(&mut self.out.text, above, tail);
        self.out.text.push(b'\n');
    }

    fn write(&mut self, text: &[u8], at: usize, number: usize, matters: bool) {
        // Of a line that carries no message nothing can be said.
        if matters && !text.is_empty() {
            self.out.first = Shown::At(self.out.text.len());
        }
        self.out.lines.push((self.out.text.len(), at));
        self.out.numbers.push(number);
        self.out.text.extend_from_slice(text);
        if !text.ends_with(b"\n") {
            self.out.text.push(b'\n');
        }
    }
}

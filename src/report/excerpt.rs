//! The lines of one report: those of its window that the same task or CPU printed, without their prefixes.

use super::console::{Console, Context, console, is_questionable};
use super::printed::{KeptLine, Printed, asks_others, trim_returns};
use super::printers::{Printers, USUAL_LINES};
use super::scan::find;
use super::symbolized;
use crate::grammar::{Anchor, Output};
use crate::input::part;
use crate::line::{Letters, USUAL_STAMP};

/// A report's lines.
#[derive(Debug)]
pub struct Excerpt<'a> {
    /// Who printed it.
    pub context: Context<'a>,
    /// The printk stamp of the first line, seconds.
    pub time: Option<f64>,
    /// All lines, as printed.
    pub lines: Vec<KeptLine<'a>>,
    /// Lines that a careful unwinder would not have printed (`? func`); no rule looks at them.
    pub doubtful: Vec<KeptLine<'a>>,
    /// How many of `lines` belong to this report before the next one begins.
    pub own: usize,
    /// How many of `lines` come before the next report, a silence or not.
    pub(super) before_second: usize,
}

/// How many lines a report must have before an end mark ends it: it may have lost its head otherwise.
const ENOUGH_LINES: usize = 22;
/// The same for reports of KMSAN, which are shorter.
const ENOUGH_LINES_KMSAN: usize = 16;
/// So long a silence ends a report, seconds.
const SILENCE: f64 = 10.0;
/// And so long a one where its first line announces what comes: a CPU that stalls holds up who tells of it, too.
const LIST: f64 = 60.0;
/// So long other CPUs are waited for that were asked for their stacks, and a bit, seconds.
const ANSWER: f64 = 12.0;
/// Most reports have no more lines that are doubted.
const USUAL_DOUBTFUL: usize = 32;
/// CPUs that print at the same time are not further apart than this, seconds.
const BACK: f64 = 2.0;
/// A part of a pstore holds fewer lines than this.
const LINES_OF_PART: usize = 400;
/// A header that is followed by fewer lines than these may be the beginning of the next report.
const LONE: usize = 5;
/// How many lines before the first one a console, CPU or unknown printer gives context for.
const LINES_BEFORE: usize = 5;
/// The same for a task.
const LINES_BEFORE_TASK: usize = 50;

impl<'a> Excerpt<'a> {
    /// The excerpt of the report whose first line is `anchors[at]`, in the text of `printers` up to `end`. Offsets of
    /// `anchors` are those of the text.
    #[must_use]
    pub fn new(printers: &mut Printers<'a>, end: usize, anchors: &[Anchor], at: usize) -> Self {
        let first = &anchors[at];
        let window = &printers.text()[..end];
        let raw = trim_returns(&window[first.start..first.end]);
        let prefix = console(raw);
        let time = prefix.stamp.and_then(seconds);
        let enough = if holds(raw, "BUG: KMSAN:") { ENOUGH_LINES_KMSAN } else { ENOUGH_LINES };
        let Gathered { mut lines, mut doubtful, .. } = Gathered::new(printers, end, first, &prefix, enough);
        let caller = matches!(prefix.context, Context::Caller(_));
        if let Some(part) = until_other_part(&lines, window, first.start, caller) {
            let end = lines[part].offset;
            lines.truncate(part);
            doubtful.retain(|line| line.offset < end);
        }
        let last_copy = at + copies_below(window, anchors, at);
        // What may carry on another report does not carry on one of its own kind.
        let ends = |anchor: &Anchor| anchor.second || (first.carries_on && anchor.header == first.header);
        let below = &anchors[last_copy + 1..];
        let find_second = |below: &[Anchor]| {
            let mut anchors = below.iter().enumerate();
            let found = anchors.find(|(between, anchor)| {
                ends(anchor)
                    && !symbolized::is_inlined_copy(&window[anchor.start..anchor.end])
                    && !is_echo(window, first, &below[..*between], anchor)
            });
            found.map(|(_, anchor)| anchor.start)
        };
        let end = |below: &[Anchor]| match prefix.context {
            Context::Caller(_) => own_of_caller(&lines, window, below),
            _ => {
                let second = find_second(below);
                lines.iter().take_while(|line| second.is_none_or(|second| line.offset < second)).count()
            }
        };
        let before_second = end(below);
        // To syzbot such a header ends the report; its registers and its stack stand below.
        let own = if is_continued(printers.output(), window, first, below) { end(&below[1..]) } else { before_second };
        let own = own.min(until_silence(&lines[..own], prefix.stamp));
        Self { context: prefix.context, time, lines, doubtful, own, before_second }
    }

    /// The report's own lines as they were printed. A header without a stack that the next one follows at once is the
    /// beginning of that.
    pub fn printed(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.printed_with(Letters::default())
    }

    /// Those of them that may hold a text with these letters.
    pub(crate) fn printed_with(&self, letters: Letters) -> impl Iterator<Item = &[u8]> + Clone {
        let lone = self.own <= LONE && !self.lines[..self.own].iter().skip(1).any(|line| has_frames(&line.text));
        let lines = if lone { &self.lines[..] } else { &self.lines[..self.own] };
        lines.iter().filter(move |line| line.letters.may_hold(letters)).map(|line| line.text.as_ref())
    }
}

/// How many anchors below the first line repeat it, because a symbolizer wrote a copy of it for each inlined function.
#[must_use]
pub fn copies_below(window: &[u8], anchors: &[Anchor], at: usize) -> usize {
    anchors[at..]
        .windows(2)
        .take_while(|pair| {
            let [this, next] = pair else { return false };
            next.start == this.end + 1
                && next.header == this.header
                && symbolized::is_inlined_copy(&window[this.start..this.end])
        })
        .count()
}

/// Whether a line says once more, word for word, what opened a report into which the lines `between` broke: xmon shows again what a
/// BUG is.
#[must_use]
pub fn is_echo(text: &[u8], first: &Anchor, between: &[Anchor], again: &Anchor) -> bool {
    let place = |anchor: &Anchor| {
        let line = &text[anchor.start..anchor.end];
        Some(line[memchr::memmem::find(line, b"BUG at ")?..].trim_ascii_end())
    };
    first.header.is_some()
        && first.header == again.header
        && !first.carries_on
        && between.iter().any(|between| between.carries_on)
        && place(again).is_some_and(|place_again| place(first) == Some(place_again))
}

/// Whether the next header only goes on with the report.
fn is_continued(output: &Output, window: &[u8], first: &Anchor, below: &[Anchor]) -> bool {
    let says = |anchor: &Anchor, words: &str| holds(&window[anchor.start..anchor.end], words);
    let goes_on = |below: &Anchor| {
        let mut pairs = output.goes_on.iter();
        pairs.any(|[words, next]| says(first, words) && says(below, next))
    };
    below.first().is_some_and(goes_on)
}

/// With a caller the area is not cut, but what the report itself says ends at the caller's next report.
fn own_of_caller(lines: &[KeptLine<'_>], window: &[u8], below: &[Anchor]) -> usize {
    let mut next = below
        .iter()
        .filter(|anchor| anchor.second && !symbolized::is_inlined_copy(&window[anchor.start..anchor.end]))
        .map(|anchor| anchor.start)
        .peekable();
    for (number, line) in lines.iter().enumerate().skip(1) {
        while next.next_if(|start| *start < line.offset).is_some() {}
        if next.peek() == Some(&line.offset) {
            return number;
        }
    }
    lines.len()
}

/// The line at which the parts of a pstore go on with another text: with anything but the part below this one, as a file holds them
/// that was put together again. `first` is where the report begins in the window. The lines of one `caller` have others' between them:
/// only where its clock goes back is another text.
fn until_other_part(lines: &[KeptLine<'_>], window: &[u8], first: usize, caller: bool) -> Option<usize> {
    let mut last = None;
    lines.windows(2).enumerate().find_map(|(at, pair)| {
        let [above, next] = pair else { return None };
        // The first line of a part has no stamp and is nobody's: other lines stand between.
        if next.below == above.below + 1 || caller && !goes_back(above, next) {
            return None;
        }
        let other = window[above.offset..next.offset].split(|byte| *byte == b'\n').skip(1).find_map(part)?;
        let own = || window[..first].rsplit(|byte| *byte == b'\n').take(LINES_OF_PART).find_map(part);
        let before = last.replace(other).or_else(own);
        let follows = before.is_some_and(|before| before.0 == other.0 && before.1 == other.1 + 1);
        (!follows).then_some(at + 1)
    })
}

/// A report is printed at once: what the same printer says after a silence is another matter, and so is what it said long
/// before, as the next part of a pstore shows it. How many of the lines come before it; `first` is the stamp of the first one.
fn until_silence(lines: &[KeptLine<'_>], first: Option<&[u8]>) -> usize {
    let Some(mut last) = first.filter(|stamp| seconds(stamp).is_some()) else { return lines.len() };
    for (number, line) in lines.iter().enumerate().skip(1) {
        let Some(stamp) = line.stamp else { continue };
        if !are_of_one_second(stamp, last) {
            let Some((now, before)) = seconds(stamp).zip(seconds(last)) else { continue };
            let above = &lines[number - 1];
            let patience = match above.text.last() {
                Some(b':') if number == 1 => LIST,
                _ if asks_others(above) => ANSWER,
                _ => SILENCE,
            };
            if now - before > patience || before - now > BACK {
                return number;
            }
        }
        last = stamp;
    }
    lines.len()
}

/// Whether the stamp of a line is older than that of the line above it; both have the same width.
fn goes_back(above: &KeptLine<'_>, line: &KeptLine<'_>) -> bool {
    above.stamp.zip(line.stamp).is_some_and(|(above, stamp)| above.len() == stamp.len() && stamp < above)
}

/// Whether two stamps of the usual width are of the same second, as most neighbours are: no number need be read then.
fn are_of_one_second(one: &[u8], other: &[u8]) -> bool {
    const DOT: usize = 5;
    let width = USUAL_STAMP - 2;
    one.len() == width && other.len() == width && one[DOT] == b'.' && one[..=DOT] == other[..=DOT]
}

/// The number in a stamp, seconds.
fn seconds(stamp: &[u8]) -> Option<f64> {
    let stamp = stamp.trim_ascii();
    // Nearly all stamps are read at a glance: both numbers are exact, so that the quotient is the float nearest to the text.
    let exact = stamp.len().checked_sub(7).filter(|whole| (1..=9).contains(whole) && stamp[*whole] == b'.');
    if let Some(whole) = exact {
        let digits = [&stamp[..whole], &stamp[whole + 1..]].into_iter().flatten();
        let number = digits.fold(0, |number: u64, digit| number * 10 + u64::from(digit.wrapping_sub(b'0')));
        return Some(number as f64 / 1e6);
    }
    std::str::from_utf8(stamp).ok()?.parse().ok()
}

fn has_frames(line: &[u8]) -> bool {
    super::stacks::begins(line) || super::frames::frame_line(line, 0).is_some()
}

/// The lines of a report, and those that a careful unwinder would not have printed.
#[derive(Debug)]
struct Gathered<'a> {
    lines: Vec<KeptLine<'a>>,
    doubtful: Vec<KeptLine<'a>>,
    /// How many lines there are besides the doubtful ones.
    taken: usize,
    /// How many there must be before an end mark ends the report.
    enough: usize,
}

impl<'a> Gathered<'a> {
    /// The line of `first`, of which `prefix` is the prefix, and what its printer printed below.
    fn new(printers: &mut Printers<'a>, end: usize, first: &Anchor, prefix: &Console<'a>, enough: usize) -> Self {
        let mut gathered = Self { lines: Vec::with_capacity(USUAL_LINES), doubtful: Vec::new(), taken: 1, enough };
        let everybody = printers.everybody(end, prefix);
        let mut below = printers.from(first, prefix);
        // The printer may have been asked for by a report above.
        let number = below.line().map_or(0, |line| line.below);
        gathered.lines.extend(below.line().map(|line| line.counted_from(number)));
        while let Some(printed) = below.next(end) {
            if !gathered.take(printed, number) {
                break;
            }
            // From here on what other CPUs print is a part of it.
            if printed.sent && !printed.doubted && !printed.noise {
                let _ = everybody.from(printed.next()).all(|printed| gathered.take(&printed, number));
                break;
            }
        }
        gathered
    }

    /// Takes a line, counted from the one with that number; false if it ends the report.
    fn take(&mut self, printed: &Printed<'a>, number: usize) -> bool {
        if printed.doubted {
            if self.doubtful.is_empty() {
                self.doubtful.reserve(USUAL_DOUBTFUL);
            }
            self.doubtful.push(printed.line.counted_from(number));
            return true;
        }
        if printed.ends && self.taken >= self.enough {
            return false;
        }
        self.taken += 1;
        if !printed.noise {
            self.lines.push(printed.line.counted_from(number));
        }
        true
    }
}

/// The lines of the same printer just above the report, newest first, without prefixes.
pub fn lines_before<'a>(window: &'a [u8], start: usize, context: Context<'_>) -> impl Iterator<Item = &'a [u8]> {
    let most = if context.is_task() { LINES_BEFORE_TASK } else { LINES_BEFORE };
    let mut end = start.saturating_sub(1);
    std::iter::from_fn(move || {
        (end > 0).then(|| {
            let begin = memchr::memrchr(b'\n', &window[..end]).map_or(0, |at| at + 1);
            let line = trim_returns(&window[begin..end]);
            end = begin.saturating_sub(1);
            line
        })
    })
    .filter_map(move |line| {
        let prefix = console(line);
        let text = &line[prefix.message.min(line.len())..];
        let fits = prefix.context.is_same(context) && !text.is_empty();
        (fits && (context == Context::Unknown || !is_questionable(text))).then_some(text)
    })
    .take(most)
}

pub(super) fn holds(text: &[u8], needle: &str) -> bool {
    find(text, needle).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Excerpt, KeptLine, Printers, until_silence};
    use crate::grammar::{Events, Grammar};
    use crate::line::Letters;

    /// What 1 report and many cost: each line of a window is read once, however many reports ask for it.
    #[test]
    fn a_line_is_read_once_for_all_reports_of_its_printer() {
        let grammar = Grammar::built_in();
        for caller in ["", "[  T412]", "[    C1]"] {
            for count in [1, 200, 800] {
                let head = |at: usize| format!("[{:5}.{:06}]{caller} ", 100 + at / 1000, at % 1000 * 1000);
                let text: String = (0..count)
                    .map(|at| head(at) + "BUG: KASAN: slab-use-after-free in widget_put+0x1/0x2\n" + &head(at) + "so\n")
                    .collect();
                let anchors = grammar.scanner(Events::None, false, true).scan(&grammar, text.as_bytes(), 0, text.len());
                let mut printers = Printers::new(&grammar.output, text.as_bytes());
                let kept: Vec<usize> = (0..anchors.len())
                    .map(|at| Excerpt::new(&mut printers, text.len(), &anchors, at).lines.len())
                    .collect();
                assert_eq!((anchors.len(), printers.lines_read()), (count, 2 * count), "{caller}");
                assert!(kept.iter().enumerate().all(|(at, kept)| *kept == 2 * (count - at)), "{caller}");
            }
        }
    }

    /// A carriage return within a prefix is no part of the message, and takes none of it away.
    #[test]
    fn a_message_is_whole_whatever_its_prefix_holds() {
        let grammar = Grammar::built_in();
        for text in [
            "host\r login: [    1.000000] BUG: KASAN: use-after-free in f+0x1/0x2\n",
            "[    1.000000] BUG: KASAN: use-after-free\r in f+0x1/0x2\r\n",
            "\r[    1.000000][  T412] BUG: KASAN: use-after-free in f+0x1/0x2\n",
        ] {
            let anchors = grammar.scanner(Events::None, false, true).scan(&grammar, text.as_bytes(), 0, text.len());
            let mut printers = Printers::new(&grammar.output, text.as_bytes());
            let excerpt = Excerpt::new(&mut printers, text.len(), &anchors, 0);
            assert_eq!(excerpt.lines[0].text.as_ref(), b"BUG: KASAN: use-after-free in f+0x1/0x2", "{text:?}");
        }
    }

    /// How many lines with these stamps come before a silence; the first one is the report's.
    fn before_silence(stamps: &[&str]) -> usize {
        let text = stamps.iter().map(|stamp| format!("[{stamp}] x\n")).collect::<String>();
        let lines: Vec<KeptLine<'_>> = text
            .lines()
            .map(|line| KeptLine {
                text: line.as_bytes().into(),
                stamp: Some(&line.as_bytes()[1..line.len() - 3]),
                offset: 0,
                below: 0,
                letters: Letters::default(),
            })
            .collect();
        until_silence(&lines, lines[0].stamp)
    }

    #[test]
    fn a_silence_ends_a_report_however_wide_its_stamps_are() {
        assert_eq!(before_silence(&["    1.000000", "    1.999999", "    2.000000", "   12.000001"]), 3);
        assert_eq!(before_silence(&["    1.000000", "    1.999999", "   11.999999", "   12.000001"]), 4);
        // Each is 9.9 s behind the one above, the last 10.1 s.
        assert_eq!(before_silence(&["    1.0", "   10.9", "   20.8", "   30.7", "   40.8"]), 4);
        assert_eq!(before_silence(&["99999.900000", "100000.000000", "100009.900000", "100020.000000"]), 3);
        assert_eq!(before_silence(&["    5.000000", "    3.100000", "    1.000000"]), 2);
        assert_eq!(before_silence(&["    5.000000", "    5.000000"]), 2);
    }
}

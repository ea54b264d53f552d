//! Finds the few lines of a log that matter: one literal search over all bytes, patterns only on the lines it hits.

use super::anchor::{Anchor, Candidate, Candidates};
use super::plan::sought::{Events, Role, Variant, texts};
use super::search::Search;
use super::words::Hit;
use super::{Grammar, Header, Pattern, load};
use crate::line::{Wrapper, before_colours, boot_mark, gap, lex, render, stamp_at};
use std::collections::BTreeMap;
use std::ops::Range;

/// The longest line that is looked at as a whole, bytes. A longer one is read as pieces of this size.
pub const PIECE: usize = 128 << 10;

/// What a log says is missing: words → how many such lines, and how many messages they count, if they do.
pub type Gaps = BTreeMap<&'static str, (u64, u64)>;

/// What a search needs while it is under way.
#[derive(Debug, Default)]
pub struct Room {
    hits: Vec<Hit>,
    judged: Judged,
}

impl Room {
    /// What the lines that were scanned say is missing, if it was asked for; from then on it is counted anew.
    pub fn take_gaps(&mut self) -> Gaps {
        std::mem::take(&mut self.judged.gaps)
    }
}

/// What is left where lines were judged.
#[derive(Debug, Default)]
struct Judged {
    /// Room for the events that one line may be.
    candidates: Vec<Candidate>,
    gaps: Gaps,
}

/// The literal search of a grammar.
#[derive(Debug)]
pub struct Scanner {
    search: Search,
    /// What each of its texts says of its line.
    roles: Vec<Vec<Role>>,
    never_second: Vec<memchr::memmem::Finder<'static>>,
    gaps: bool,
    as_syzbot: bool,
}

/// What a search step is worth that keeps its bytes in the processor's cache, bytes.
const BLOCK: usize = 64 << 10;

impl Scanner {
    /// The search for a grammar's crashes, for `events`, and for what a log says is missing if asked for. `as_syzbot`
    /// leaves out the crashes that syzbot does not know and opens the lines that are parts of reports.
    #[must_use]
    pub fn new(grammar: &Grammar, events: Events, gaps: bool, as_syzbot: bool) -> Self {
        let variant = Variant { events, gaps, as_syzbot };
        let (texts, roles) =
            texts(&grammar.sought, variant).into_iter().map(|(text, roles)| (text.to_owned(), roles)).unzip();
        let layout = grammar.own_files.is_empty().then(|| load::layout(variant.number())).flatten();
        let finder = |text: &String| memchr::memmem::Finder::new(text).into_owned();
        Self {
            search: Search::new(texts, layout),
            roles,
            never_second: grammar.output.never_second.iter().map(finder).collect(),
            gaps,
            as_syzbot,
        }
    }

    /// How many literals the search looks for, in how many passes over the bytes.
    #[must_use]
    pub fn breadth(&self) -> (usize, usize) {
        self.search.breadth()
    }

    /// Whether each pass is a packed search, as it is on all usual machines: no automaton takes its place.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.search.is_packed()
    }

    /// The anchors whose lines begin in `from..to`, in order. `text` is what is known of the log; a line ends at its end.
    /// `from` must be the beginning of a line or of a piece of one, `to` the end of one.
    #[must_use]
    pub fn scan(&self, grammar: &Grammar, text: &[u8], from: usize, to: usize) -> Vec<Anchor> {
        let mut anchors = Vec::new();
        self.scan_into(grammar, text, from..to, &mut Room::default(), &mut anchors);
        anchors
    }

    /// The same for whoever scans again and again: the anchors are appended, and the room is kept between the searches. The
    /// answer is up to where lines were counted, and how many there are: all of the span, or none where nothing may be a record.
    pub fn scan_into(
        &self,
        grammar: &Grammar,
        text: &[u8],
        span: Range<usize>,
        room: &mut Room,
        anchors: &mut Vec<Anchor>,
    ) -> (usize, u64) {
        let Room { hits, judged } = room;
        let (mut block, mut counted, mut lines) = (span.start..span.start, span.start, 0);
        while block.end < span.end {
            block = block.end..block_end(text, block.end, span.end);
            ask_for(&text[block.clone()]);
            hits.clear();
            self.search.find(text, block.clone(), hits);
            let known = anchors.len();
            self.judge_all(grammar, Lines { text, block: block.clone(), hits }, judged, anchors);
            // Where anchors are many, lines are counted while they are in the cache; where they are few, seldom.
            for anchor in anchors[known..].iter_mut().filter(|anchor| anchor.is_record()) {
                lines += line_breaks(&text[counted..anchor.start]);
                anchor.lines = lines;
                counted = anchor.start;
            }
        }
        // Where there are some, the next ones will want to know, and here the rest is in the cache.
        if counted > span.start {
            lines += line_breaks(&text[counted..span.end]);
            counted = span.end;
        }
        (counted, lines)
    }

    /// Judges the lines of a block that hold hits.
    fn judge_all(
        &self,
        grammar: &Grammar,
        Lines { text, block, hits }: Lines<'_>,
        judged: &mut Judged,
        anchors: &mut Vec<Anchor>,
    ) {
        let mut rest = hits;
        let mut floor = block.start;
        while let Some(first) = rest.first() {
            let start = piece_start(text, floor, first.start);
            let end = piece_end(text, start);
            let (own, below) = rest.split_at(rest.partition_point(|hit| hit.start < end));
            anchors.extend(self.judge(grammar, text, start..end, own, judged));
            rest = below;
            floor = start;
        }
    }

    /// Whether a line opens a crash with the header's text at `place`.
    fn opens(&self, header: &Header, line: &[u8], place: Range<usize>) -> bool {
        if self.as_syzbot {
            return opens(header, line);
        }
        !goes_on(line, place.end) && !stands_before_stamp(line, &place) && opens_at(header, line, place)
    }

    /// What the hits say of a line.
    fn judge(
        &self,
        grammar: &Grammar,
        text: &[u8],
        Range { start, end }: Range<usize>,
        hits: &[Hit],
        Judged { candidates, gaps }: &mut Judged,
    ) -> Option<Anchor> {
        let line = &text[start..end];
        let mut anchor = Anchor { start, end, ..Anchor::default() };
        let (mut header, mut always_second, mut may_be_gap) = (usize::MAX, false, false);
        candidates.clear();
        // What straddles the end of a piece belongs to no piece.
        let whole = |hit: &&Hit| hit.start + self.search.length(hit.text) <= start + line.len();
        for (hit, role) in
            hits.iter().filter(whole).flat_map(|hit| self.roles[hit.text].iter().map(move |role| (hit, role)))
        {
            match *role {
                // The first header of the list whose exceptions the line does not hold.
                Role::Header(at) => {
                    let place = hit.start - start..hit.start + self.search.length(hit.text) - start;
                    if at < header && self.opens(&grammar.headers[at], line, place) {
                        header = at;
                    }
                }
                Role::Suppressed(at) => anchor.suppressed |= grammar.output.suppressed[at].is_match(line),
                Role::Panicked => anchor.panicked = true,
                Role::Disconnected => anchor.disconnected = true,
                Role::Replayed => anchor.replay = true,
                Role::AlwaysSecond => always_second = true,
                Role::Boot => {
                    anchor.boot = anchor.boot.or_else(|| boot_mark(line)).filter(|_| !is_of_debugger(text, start));
                }
                Role::Gap => may_be_gap = self.gaps,
                Role::Executor => anchor.executor = true,
                Role::Event(event) => candidates.push(Candidate { event, sure: false }),
                Role::Demanded(event) if grammar.events[event].text_in(line).is_some() => {
                    candidates.push(Candidate { event, sure: false });
                }
                Role::Demanded(_) => {}
            }
        }
        if may_be_gap && let Some((words, messages)) = gap(line).map(|gap| gap.told()) {
            let known = gaps.entry(words).or_default();
            *known = (known.0 + 1, known.1 + messages);
        }
        if !candidates.is_empty() {
            candidates.sort_unstable();
            candidates.dedup();
            weigh(grammar, line, candidates);
            anchor.events = Candidates::new(candidates);
        }
        anchor.header = (header != usize::MAX).then_some(header);
        if anchor.header.is_some() {
            // A boot loader's line is a mark although only the kernel's own ones are searched for.
            anchor.boot = anchor.boot.or_else(|| boot_mark(line));
        }
        let known = anchor.header.map(|at| &grammar.headers[at]);
        anchor.part =
            !self.as_syzbot && known.is_some_and(|header| header.part.iter().any(|pattern| pattern.is_match(line)));
        anchor.carries_on = known.is_some_and(|header| !header.carries_on.is_empty());
        let goes_on = anchor.part || anchor.carries_on;
        let is_second = |_: &&Header| !goes_on && self.never_second.iter().all(|text| text.find(line).is_none());
        anchor.second = known.filter(is_second).is_some() || always_second;
        let says_something = anchor.header.is_some()
            || anchor.second
            || anchor.panicked
            || anchor.suppressed
            || anchor.disconnected
            || anchor.replay
            || anchor.boot.is_some()
            || anchor.executor
            || !anchor.events.is_empty();
        says_something.then_some(anchor)
    }
}

/// Asks for the first bytes of all pages of a block at once: a processor foresees what will be read, but not across the end of a page, and would wait
/// at each for the memory.
fn ask_for(block: &[u8]) {
    const PAGE: usize = 4096;
    const LINE: usize = 64;
    const LINES: usize = 4;
    let first = block.as_ptr().align_offset(PAGE).min(block.len());
    for line in block[first..].chunks(PAGE).flat_map(|page| page.chunks(LINE).take(LINES)) {
        std::hint::black_box(line[0]);
    }
}

/// Whether PowerPC's debugger says which kernel it stopped: right below the task, `    pid   = 412, comm = widgetd`.
fn is_of_debugger(text: &[u8], start: usize) -> bool {
    let Some(above) = text[..start].strip_suffix(b"\n") else { return false };
    let begin = memchr::memrchr(b'\n', above).map_or(0, |end| end + 1);
    let above = &above[begin..];
    memchr::memmem::find(above, b"pid   = ")
        .is_some_and(|at| memchr::memmem::find(&above[at..], b", comm = ").is_some())
}

/// How many lines end in a text.
#[must_use]
pub fn line_breaks(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// A block and what stands in it.
struct Lines<'a> {
    text: &'a [u8],
    block: Range<usize>,
    hits: &'a [Hit],
}

/// Leaves only the events that the line may be. A trigger alone is not an event: the message must fit the entry's pattern.
/// Behind a prefix that the lexer does not know it may stand anywhere; whoever works the event out knows the prefix from
/// the lines around it.
fn weigh(grammar: &Grammar, line: &[u8], candidates: &mut Vec<Candidate>) {
    let outer = lex(line);
    let shown = render(line, &outer);
    let prefix = if outer.wrapper == Wrapper::None { outer } else { lex(&shown) };
    let message = prefix.text(&shown);
    let unknown = prefix.time.is_none() || matches!(message.trim_ascii_start(), [b'[' | b'(' | b'-', ..]);
    let kernel = prefix.time.is_some() || !outer.is_foreign();
    candidates.retain_mut(|candidate| {
        let pattern = &grammar.events[candidate.event].pattern;
        let fits = pattern.fits(message);
        candidate.sure = fits && kernel;
        fits || (unknown && pattern.is_match_behind(message))
    });
}

/// Whether a header that ends at `end` with a colon goes on without a blank: `INFO:console:` is what a logger writes before each message.
fn goes_on(line: &[u8], end: usize) -> bool {
    line[..end].ends_with(b":")
        && line.get(end).is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, b'_' | b':'))
}

/// Whether a text at `place` stands right before the line's stamp: the word of a program that wrote it before the kernel's line.
fn stands_before_stamp(line: &[u8], place: &Range<usize>) -> bool {
    line[place.end..].trim_ascii_start().starts_with(b"[") && stamp_at(line).is_some_and(|stamp| stamp >= place.end)
}

/// Whether a line with one of the header's texts opens a crash.
fn opens(header: &Header, line: &[u8]) -> bool {
    header.only.as_ref().is_none_or(|pattern| pattern.is_match(before_colours(line)))
        && !header.unless.iter().any(|pattern| pattern.is_match(line))
}

/// The same of the text at `place`. An exception that ends with the text, `DEBUG:`, is another word, and excuses its own place only: what a
/// program writes in front of the kernel's lines (`DEBUG: [   12.3] BUG: …`) says nothing of them.
fn opens_at(header: &Header, line: &[u8], place: Range<usize>) -> bool {
    opens(header, line) || {
        let text = &line[place.clone()];
        let excuses = |pattern: &Pattern| {
            let mut from = 0;
            std::iter::from_fn(|| {
                let found = pattern.find_at(line, from).filter(|found| !found.is_empty())?;
                from = found.end;
                Some(found)
            })
            .any(|found| !line[found.clone()].ends_with(text) || found.end == place.end)
        };
        header.only.is_none() && !header.unless.iter().any(excuses)
    }
}

/// Where a block ends that begins at `start`: with a line or a piece of one.
fn block_end(text: &[u8], start: usize, to: usize) -> usize {
    let near = start + BLOCK;
    if near >= to {
        return to;
    }
    let reach = to.min(near + PIECE);
    match memchr::memchr(b'\n', &text[near..reach]) {
        Some(length) => near + length + 1,
        // A piece of a very long line.
        None => {
            let line = memchr::memrchr(b'\n', &text[start..near]).map_or(start, |back| start + back + 1);
            to.min(line + (near - line).div_ceil(PIECE).max(1) * PIECE)
        }
    }
}

/// Offset of the line, or of the piece of a long line, that holds `at`. `floor` is a known beginning of a line or piece
/// at or before `at`.
#[must_use]
pub(super) fn piece_start(text: &[u8], floor: usize, at: usize) -> usize {
    match memchr::memrchr(b'\n', &text[floor..at]) {
        Some(back) => {
            let line = floor + back + 1;
            line + (at - line) / PIECE * PIECE
        }
        None => floor + (at - floor) / PIECE * PIECE,
    }
}

/// Offset of the end of the line (or piece) that begins at `start`, line break excluded.
#[must_use]
pub fn piece_end(text: &[u8], start: usize) -> usize {
    let limit = text.len().min(start + PIECE);
    memchr::memchr(b'\n', &text[start..limit]).map_or(limit, |length| start + length)
}

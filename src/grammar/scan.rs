//! Finds the few lines of a log that matter: one literal search over all bytes, patterns only on the lines it hits.

use super::{Grammar, Pattern};
use crate::line::{BOOT_ANCHORS, BootMark, GAP_ANCHORS, boot_mark, gap, lex, unwrap};
use aho_corasick::packed;
use memchr::memmem::Finder;

/// The longest line that is looked at as a whole, bytes. A longer one is read as pieces of this size.
pub const PIECE: usize = 128 << 10;

/// The boot marks that the kernel itself prints.
const KERNEL_BOOTS: [&str; 2] = ["Linux version ", "Booting Linux on "];

/// What [`Anchor::executor`] is told by.
const EXECUTOR: &str = " Comm: syz.";

/// A line that matters, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchor {
    /// Offset of the line, bytes.
    pub start: usize,
    /// Offset of its end, line break excluded.
    pub end: usize,
    /// Index of the header that it holds.
    pub header: Option<usize>,
    /// It ends the report above, if it comes later in one.
    pub second: bool,
    /// The kernel panicked.
    pub panicked: bool,
    /// Reports around it are side effects.
    pub suppressed: bool,
    /// The console was cut off.
    pub disconnected: bool,
    /// The line before it will be printed again.
    pub replay: bool,
    /// A boot passes one of its marks.
    pub boot: Option<BootMark>,
    /// The log says that something is missing.
    pub gap: bool,
    /// It names the program of a test executor (`Comm: syz.0.17`).
    pub executor: bool,
    /// Indexes of the events that it may be.
    pub events: Vec<usize>,
}

/// The literal search of a grammar.
#[derive(Debug)]
pub struct Scanner {
    searcher: Searcher,
    headers: Vec<Finder<'static>>,
    suppressed: Vec<(Finder<'static>, usize)>,
    panicked: Vec<Finder<'static>>,
    disconnected: Vec<Finder<'static>>,
    replayed: Vec<Finder<'static>>,
    never_second: Vec<Finder<'static>>,
    always_second: Vec<Finder<'static>>,
    gaps: bool,
    executor: Finder<'static>,
    events: Vec<Finder<'static>>,
}

/// Teddy where the machine has it, an automaton elsewhere or when there are too many literals.
#[derive(Debug)]
enum Searcher {
    Packed(packed::Searcher),
    Automaton(aho_corasick::AhoCorasick),
}

impl Searcher {
    fn new(literals: &[String]) -> Self {
        let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
        builder.extend(literals);
        match builder.build() {
            Some(searcher) => Self::Packed(searcher),
            None => Self::Automaton(
                aho_corasick::AhoCorasick::builder()
                    .build(literals)
                    .expect("a few hundred short literals fit an automaton"),
            ),
        }
    }

    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        match self {
            Self::Packed(searcher) => {
                searcher.find_in(text, aho_corasick::Span { start: from, end: text.len() }).map(|found| found.start())
            }
            Self::Automaton(automaton) => {
                automaton.find(aho_corasick::Input::new(text).range(from..)).map(|found| found.start())
            }
        }
    }
}

impl Scanner {
    /// The search for a grammar's crashes, for its events and for what a log says is missing if asked for.
    #[must_use]
    pub fn new(grammar: &Grammar, events: bool, gaps: bool) -> Self {
        let output = &grammar.output;
        let suppressed: Vec<(String, usize)> = output
            .suppressed
            .iter()
            .enumerate()
            .map(|(at, pattern)| (pattern.required_literal(), at))
            .filter(|(literal, _)| !literal.is_empty())
            .collect();
        let events: Vec<String> =
            if events { grammar.events.iter().map(|event| event.trigger.clone()).collect() } else { Vec::new() };
        let mut literals: Vec<String> = grammar.headers.iter().map(|header| header.text.clone()).collect();
        literals.extend(suppressed.iter().map(|(literal, _)| literal.clone()));
        for list in [&output.panicked, &output.disconnected, &output.replayed, &output.always_second, &events] {
            literals.extend(list.iter().cloned());
        }
        literals.push(EXECUTOR.to_owned());
        // Without gaps only the kernel's own first lines are looked for: nearly every boot prints one of them.
        let boots = BOOT_ANCHORS.iter().filter(|anchor| gaps || KERNEL_BOOTS.contains(anchor));
        literals.extend(boots.map(ToString::to_string));
        if gaps {
            literals.extend(GAP_ANCHORS.iter().map(ToString::to_string));
        }
        let short = output.find.iter().filter(|text| literals.iter().any(|literal| literal.contains(text.as_str())));
        let short: Vec<String> = short.cloned().collect();
        literals.extend(short);
        let finders = |list: &[String]| list.iter().map(|text| Finder::new(text.as_bytes()).into_owned()).collect();
        Self {
            searcher: Searcher::new(&without_covered(literals)),
            headers: grammar.headers.iter().map(|header| Finder::new(header.text.as_bytes()).into_owned()).collect(),
            suppressed: suppressed.iter().map(|(text, at)| (Finder::new(text.as_bytes()).into_owned(), *at)).collect(),
            panicked: finders(&output.panicked),
            disconnected: finders(&output.disconnected),
            replayed: finders(&output.replayed),
            never_second: finders(&output.never_second),
            always_second: finders(&output.always_second),
            gaps,
            executor: Finder::new(EXECUTOR),
            events: finders(&events),
        }
    }

    /// The anchors whose lines begin in `from..to`, in order. `text` is what is known of the log; a line ends at its end.
    /// `from` must be the beginning of a line or of a piece of one.
    #[must_use]
    pub fn scan(&self, grammar: &Grammar, text: &[u8], from: usize, to: usize) -> Vec<Anchor> {
        let mut anchors = Vec::new();
        let mut at = from;
        // Where the line that holds `at` begins, if a long line has been entered.
        let mut line_floor = from;
        while let Some(hit) = self.searcher.find(text, at) {
            let start = piece_start(text, line_floor, hit);
            if start >= to {
                break;
            }
            let end = piece_end(text, start);
            if let Some(anchor) = self.judge(grammar, &text[start..end], start) {
                anchors.push(anchor);
            }
            // A hit that straddles the end of a piece belongs to no piece.
            at = end.max(hit + 1);
            line_floor = start;
        }
        anchors
    }

    fn judge(&self, grammar: &Grammar, line: &[u8], start: usize) -> Option<Anchor> {
        let has = |finders: &[Finder<'static>]| finders.iter().any(|finder| finder.find(line).is_some());
        let header = self.header(grammar, line);
        let anchor = Anchor {
            start,
            end: start + line.len(),
            header,
            second: (header.is_some() && !has(&self.never_second)) || has(&self.always_second),
            panicked: has(&self.panicked),
            suppressed: self
                .suppressed
                .iter()
                .any(|(finder, at)| finder.find(line).is_some() && grammar.output.suppressed[*at].is_match(line)),
            disconnected: has(&self.disconnected),
            replay: has(&self.replayed),
            boot: boot_mark(line),
            executor: self.executor.find(line).is_some(),
            gap: self.gaps && gap(line).is_some(),
            events: self.events(grammar, line),
        };
        let matters = anchor.header.is_some()
            || anchor.second
            || anchor.panicked
            || anchor.suppressed
            || anchor.disconnected
            || anchor.replay
            || anchor.boot.is_some()
            || anchor.gap
            || anchor.executor
            || !anchor.events.is_empty();
        matters.then_some(anchor)
    }

    /// The events whose trigger the line holds and whose pattern its message fits.
    fn events(&self, grammar: &Grammar, line: &[u8]) -> Vec<usize> {
        let triggered: Vec<usize> = self
            .events
            .iter()
            .enumerate()
            .filter(|(_, finder)| finder.find(line).is_some())
            .map(|(at, _)| at)
            .collect();
        if triggered.is_empty() {
            return triggered;
        }
        let shown = unwrap(line);
        let message = lex(&shown).text(&shown);
        triggered.into_iter().filter(|at| grammar.events[*at].pattern.is_match(message)).collect()
    }

    /// The first header that the line contains without one of its own exceptions.
    #[must_use]
    pub fn header(&self, grammar: &Grammar, line: &[u8]) -> Option<usize> {
        self.headers.iter().enumerate().find_map(|(at, finder)| {
            finder.find(line)?;
            let excepted = |pattern: &Pattern| pattern.is_match(line);
            (!grammar.headers[at].unless.iter().any(excepted)).then_some(at)
        })
    }
}

/// Literals without those that contain another one: the shorter one finds their lines too.
fn without_covered(mut literals: Vec<String>) -> Vec<String> {
    literals.sort();
    literals.dedup();
    let all = literals.clone();
    literals.retain(|literal| !all.iter().any(|other| other != literal && literal.contains(other.as_str())));
    literals
}

/// Offset of the line, or of the piece of a long line, that holds `at`. `floor` is a known beginning of a line or piece
/// at or before `at`.
#[must_use]
pub fn piece_start(text: &[u8], floor: usize, at: usize) -> usize {
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

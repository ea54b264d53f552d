//! Finds the few lines of a log that matter: one literal search over all bytes, patterns only on the lines it hits.

use super::{Grammar, Header, Pattern};
use crate::line::{BOOT_ANCHORS, BootMark, GAP_ANCHORS, boot_mark, gap, lex, unwrap};
use aho_corasick::{AhoCorasick, packed};

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
    /// It belongs to the report above, if there is one.
    pub part: bool,
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
    /// All texts, for the lines that the searcher hits.
    texts: AhoCorasick,
    /// What each of the texts says of its line.
    roles: Vec<Role>,
    breadth: usize,
    gaps: bool,
    as_syzbot: bool,
}

/// What a text says of the line that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Header(usize),
    Suppressed(usize),
    Panicked,
    Disconnected,
    Replayed,
    NeverSecond,
    AlwaysSecond,
    Boot,
    Gap,
    Executor,
    Event(usize),
}

/// Teddy where the machine has it, an automaton elsewhere or when there are too many literals.
#[derive(Debug)]
enum Searcher {
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Searcher {
    fn new(literals: &[String]) -> Self {
        let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
        builder.extend(literals);
        match builder.build() {
            Some(searcher) => Self::Packed(searcher),
            None => Self::Automaton(automaton(literals)),
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
    /// The search for a grammar's crashes, for its events and for what a log says is missing if asked for. `as_syzbot`
    /// leaves out the crashes that syzbot does not know and opens the lines that are parts of reports.
    #[must_use]
    pub fn new(grammar: &Grammar, events: bool, gaps: bool, as_syzbot: bool) -> Self {
        let output = &grammar.output;
        let mut texts: Vec<(String, Role)> = Vec::new();
        let mut add = |text: &str, role| texts.push((text.to_owned(), role));
        for (at, header) in grammar.headers.iter().enumerate().filter(|(_, header)| header.syzbot || !as_syzbot) {
            header.texts.iter().for_each(|text| add(text, Role::Header(at)));
        }
        for (at, pattern) in output.suppressed.iter().enumerate() {
            add(&cheapest(pattern, &output.find), Role::Suppressed(at));
        }
        output.panicked.iter().for_each(|text| add(text, Role::Panicked));
        output.disconnected.iter().for_each(|text| add(text, Role::Disconnected));
        output.replayed.iter().for_each(|text| add(text, Role::Replayed));
        output.never_second.iter().for_each(|text| add(text, Role::NeverSecond));
        output.always_second.iter().for_each(|text| add(text, Role::AlwaysSecond));
        add(EXECUTOR, Role::Executor);
        // Without gaps only the kernel's own first lines are looked for: nearly every boot prints one of them.
        let boots = BOOT_ANCHORS.iter().filter(|anchor| gaps || KERNEL_BOOTS.contains(anchor));
        boots.for_each(|text| add(text, Role::Boot));
        if gaps {
            GAP_ANCHORS.iter().for_each(|text| add(text, Role::Gap));
        }
        if events {
            for (at, event) in grammar.events.iter().enumerate() {
                event.triggers.iter().for_each(|text| add(text, Role::Event(at)));
            }
        }
        texts.retain(|(text, _)| !text.is_empty());
        // A line with nothing but the mark of a continued report has a header too, or does not matter.
        let mut literals: Vec<String> =
            texts.iter().filter(|(_, role)| *role != Role::NeverSecond).map(|(text, _)| text.clone()).collect();
        let short = output.find.iter().filter(|text| literals.iter().any(|literal| literal.contains(text.as_str())));
        let short: Vec<String> = short.cloned().collect();
        literals.extend(short);
        let literals = without_covered(literals);
        Self {
            breadth: literals.len(),
            searcher: Searcher::new(&literals),
            texts: automaton(texts.iter().map(|(text, _)| text)),
            roles: texts.iter().map(|(_, role)| *role).collect(),
            gaps,
            as_syzbot,
        }
    }

    /// How many texts the first search looks for: up to 32 at full speed.
    #[must_use]
    pub fn breadth(&self) -> usize {
        self.breadth
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
        let mut anchor = Anchor { start, end: start + line.len(), ..Anchor::default() };
        let (mut header, mut never_second, mut always_second) = (usize::MAX, false, false);
        let mut matters = false;
        for found in self.texts.find_overlapping_iter(line) {
            matters = true;
            match self.roles[found.pattern().as_usize()] {
                // The first header of the list whose exceptions the line does not hold.
                Role::Header(at) => {
                    if at < header && opens(&grammar.headers[at], line) {
                        header = at;
                    }
                }
                Role::Suppressed(at) => anchor.suppressed |= grammar.output.suppressed[at].is_match(line),
                Role::Panicked => anchor.panicked = true,
                Role::Disconnected => anchor.disconnected = true,
                Role::Replayed => anchor.replay = true,
                Role::NeverSecond => never_second = true,
                Role::AlwaysSecond => always_second = true,
                Role::Boot => anchor.boot = anchor.boot.or_else(|| boot_mark(line)),
                Role::Gap => anchor.gap |= self.gaps && gap(line).is_some(),
                Role::Executor => anchor.executor = true,
                Role::Event(at) => anchor.events.push(at),
            }
        }
        if !anchor.events.is_empty() {
            anchor.events.sort_unstable();
            anchor.events.dedup();
            // A trigger alone is no event: the message must fit the entry's pattern. Behind a prefix that the lexer does
            // not know it may stand anywhere; whoever works the event out knows the prefix from the lines around it.
            let shown = unwrap(line);
            let prefix = lex(&shown);
            let message = prefix.text(&shown);
            let unknown = prefix.time.is_none() || matches!(message.trim_ascii_start(), [b'[' | b'(' | b'-', ..]);
            anchor.events.retain(|at| {
                let pattern = &grammar.events[*at].pattern;
                pattern.is_match(message) || (unknown && pattern.is_match_behind(message))
            });
        }
        anchor.header = (header != usize::MAX).then_some(header);
        if anchor.header.is_some() {
            // A boot loader's line is a mark although only the kernel's own ones are searched for.
            anchor.boot = anchor.boot.or_else(|| boot_mark(line));
        }
        let known = anchor.header.map(|at| &grammar.headers[at]);
        anchor.part =
            !self.as_syzbot && known.is_some_and(|header| header.part.iter().any(|pattern| pattern.is_match(line)));
        let carries_on = anchor.part || known.is_some_and(|header| !header.carries_on.is_empty());
        anchor.second = (known.is_some() && !never_second && !carries_on) || always_second;
        let says_something = anchor.header.is_some()
            || anchor.second
            || anchor.panicked
            || anchor.suppressed
            || anchor.disconnected
            || anchor.replay
            || anchor.boot.is_some()
            || anchor.gap
            || anchor.executor
            || !anchor.events.is_empty();
        (matters && says_something).then_some(anchor)
    }
}

/// Of the texts that a pattern demands, one that a short text of the first search stands for; else the longest.
fn cheapest(pattern: &Pattern, short: &[String]) -> String {
    let demanded = pattern.required_literals();
    let covered = demanded.iter().find(|text| short.iter().any(|short| text.contains(short.as_str())));
    covered.cloned().unwrap_or_else(|| pattern.required_literal())
}

/// Whether a line with one of the header's texts opens a crash.
fn opens(header: &Header, line: &[u8]) -> bool {
    header.only.as_ref().is_none_or(|pattern| pattern.is_match(line))
        && !header.unless.iter().any(|pattern| pattern.is_match(line))
}

/// An automaton that finds all texts, overlapping ones too.
fn automaton<'a>(texts: impl IntoIterator<Item = &'a String>) -> AhoCorasick {
    AhoCorasick::builder().build(texts).expect("a few hundred short texts fit an automaton")
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

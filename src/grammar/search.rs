//! Finds many texts in one pass over a block: packed searches for the rarest bytes of each.
//!
//! A packed search looks at four bytes first, so what counts is how rare those are. Each text is searched for by one of its
//! four-byte windows; a window may serve several texts. The windows are chosen greedily by what they cost, and split into as
//! many packed searches as needed (see `buckets.rs`): more texts make the search slower bit by bit, but nothing makes it
//! fall off a cliff.

use super::buckets::searches;
use super::rarity::{WINDOW, share, windows};
use aho_corasick::{AhoCorasick, Span, packed};
use std::collections::BTreeMap;
use std::ops::Range;

/// Up to so many literals that are shorter than a window are searched for together.
const SHORT: usize = 16;
/// What one more literal costs, nanoseconds a line.
const LITERAL_COST: f64 = 0.25;
/// What one hit costs, nanoseconds.
const HIT_COST: f64 = 60.0;

/// What it costs to search for a text by a window that this share of lines holds, nanoseconds a line.
pub(super) fn cost(share: f64) -> f64 {
    LITERAL_COST + HIT_COST * share
}

/// The search for a list of texts.
#[derive(Debug)]
pub(super) struct Search {
    texts: Vec<String>,
    literals: usize,
    groups: Vec<Group>,
}

/// Literals that are searched for together.
#[derive(Debug)]
struct Group {
    searcher: Searcher,
    /// For each literal, the texts that hold it, and where.
    members: Vec<Vec<Member>>,
}

/// A text that is searched for by a literal.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// Its index.
    text: usize,
    /// Where the literal begins in it, bytes.
    offset: usize,
}

/// Bytes that are searched for, and the texts that hold them.
type Literal = (Vec<u8>, Vec<Member>);

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    /// Offset of its first byte.
    pub(super) start: usize,
    /// Its index in the list.
    pub(super) text: usize,
}

/// Teddy where the machine has it, an automaton elsewhere.
#[derive(Debug)]
enum Searcher {
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Searcher {
    fn new(literals: &[&[u8]]) -> Self {
        let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
        builder.extend(literals);
        match builder.build() {
            Some(searcher) => Self::Packed(searcher),
            None => Self::Automaton(
                AhoCorasick::builder()
                    .match_kind(aho_corasick::MatchKind::LeftmostFirst)
                    .build(literals)
                    .expect("a few short texts fit an automaton"),
            ),
        }
    }

    /// The first literal that begins in the span: its index and its offset.
    fn find(&self, text: &[u8], span: Range<usize>) -> Option<(usize, usize)> {
        let found = match self {
            Self::Packed(searcher) => searcher.find_in(text, Span::from(span)),
            Self::Automaton(automaton) => automaton.find(aho_corasick::Input::new(text).range(span)),
        };
        found.map(|found| (found.pattern().as_usize(), found.start()))
    }
}

impl Search {
    /// The search for texts, none of which is empty.
    pub(super) fn new(texts: Vec<String>) -> Self {
        // Those that are shorter than a window slow down all that are searched for with them.
        let literals = literals(&texts);
        let count = literals.len();
        let (short, long): (Vec<_>, Vec<_>) = literals.into_iter().partition(|(literal, _)| literal.len() < WINDOW);
        let bytes: Vec<&[u8]> = long.iter().map(|(literal, _)| literal.as_slice()).collect();
        let together = |search: &Vec<usize>| Group::new(search.iter().map(|at| long[*at].clone()).collect());
        let groups = split(short).into_iter().map(Group::new).chain(searches(&bytes).iter().map(together)).collect();
        Self { texts, literals: count, groups }
    }

    /// How long a text is, bytes.
    pub(super) fn length(&self, text: usize) -> usize {
        self.texts[text].len()
    }

    /// How many literals are searched for, in how many passes.
    pub(super) fn breadth(&self) -> (usize, usize) {
        (self.literals, self.groups.len())
    }

    /// Whether each pass is a packed search.
    pub(super) fn is_packed(&self) -> bool {
        self.groups.iter().all(|group| matches!(group.searcher, Searcher::Packed(_)))
    }

    /// Adds what stands in `block` of `text` to `hits`, in order.
    pub(super) fn find(&self, text: &[u8], block: Range<usize>, hits: &mut Vec<Hit>) {
        for group in &self.groups {
            let mut from = block.start;
            while let Some((literal, at)) = group.searcher.find(text, from..block.end) {
                for member in &group.members[literal] {
                    let wanted = self.texts[member.text].as_bytes();
                    let Some(start) = at.checked_sub(member.offset).filter(|start| *start >= block.start) else {
                        continue;
                    };
                    // Most are told apart by their first byte.
                    if text[start] == wanted[0] && text[start..block.end].starts_with(wanted) {
                        hits.push(Hit { start, text: member.text });
                    }
                }
                from = at + 1;
            }
        }
        hits.sort_unstable();
    }
}

impl Group {
    fn new(literals: Vec<Literal>) -> Self {
        let texts: Vec<&[u8]> = literals.iter().map(|(literal, _)| literal.as_slice()).collect();
        Self { searcher: Searcher::new(&texts), members: literals.into_iter().map(|(_, members)| members).collect() }
    }
}

/// Groups of nearly the same size.
fn split(literals: Vec<Literal>) -> Vec<Vec<Literal>> {
    let size = literals.len().div_ceil(literals.len().div_ceil(SHORT).max(1)).max(1);
    let mut groups = Vec::new();
    let mut rest = literals.into_iter().peekable();
    while rest.peek().is_some() {
        groups.push(rest.by_ref().take(size).collect());
    }
    groups
}

/// What to search for: literals of which none begins with another one, each with the texts that it finds.
fn literals(texts: &[String]) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut open: Vec<usize> = (0..texts.len()).collect();
    // A text without a window is its own literal, and finds all that hold it.
    let mut short: Vec<&String> = texts.iter().filter(|text| text.len() < WINDOW).collect();
    short.sort_by_key(|text| (text.len(), *text));
    for literal in short {
        let place = |text: &usize| Some(Member { text: *text, offset: texts[*text].find(literal)? });
        let members: Vec<Member> = open.iter().filter_map(place).collect();
        open.retain(|text| place(text).is_none());
        if !members.is_empty() {
            found.push((literal.clone().into_bytes(), members));
        }
    }
    let mut places: BTreeMap<[u8; WINDOW], Vec<Member>> = BTreeMap::new();
    for text in open {
        for (offset, window) in windows(&texts[text]).enumerate() {
            let places = places.entry(window).or_default();
            if places.last().is_none_or(|last| last.text != text) {
                places.push(Member { text, offset });
            }
        }
    }
    let mut choices: Vec<(f64, Vec<Member>)> =
        places.into_iter().map(|(window, members)| (cost(share(window)), members)).collect();
    // The window that costs least for each text that it finds; then the same for the rest.
    let price = |choice: &(f64, Vec<Member>)| choice.0 / choice.1.len() as f64;
    while let Some(best) =
        (0..choices.len()).min_by(|one, other| price(&choices[*one]).total_cmp(&price(&choices[*other])))
    {
        let (_, members) = choices.swap_remove(best);
        choices.retain_mut(|(_, others)| {
            others.retain(|other| members.iter().all(|member| member.text != other.text));
            !others.is_empty()
        });
        found.push((agreed(texts, &members), members));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

/// The bytes from the window on as far as all members agree.
fn agreed(texts: &[String], members: &[Member]) -> Vec<u8> {
    let mut rests = members.iter().map(|member| &texts[member.text].as_bytes()[member.offset..]);
    let first = rests.next().unwrap_or_default();
    let length = rests.fold(first.len(), |length, rest| {
        first.iter().zip(rest).take(length).take_while(|(one, other)| one == other).count()
    });
    first[..length].to_vec()
}

//! Finds many texts in a block: long ones by aligned words, short ones by packed searches for the rarest bytes of each.
//!
//! All long texts together are one pass (`words.rs`). Each short one is searched for by bytes of it that are rare (see
//! `plan/windows.rs`), split into as many packed searches as needed (`plan/buckets.rs`): more texts make the search slower bit
//! by bit, but nothing makes it fall off a cliff.

use super::load::RARITY;
use super::plan::windows::{Layout, Literal, Member, layout};
use super::words::{Hit, Words};
use aho_corasick::{AhoCorasick, Span, packed};
use std::ops::Range;

/// The search for a list of texts.
#[derive(Debug)]
pub(super) struct Search {
    texts: Vec<String>,
    words: Words,
    /// How many texts `words` finds, and how many literals find the others.
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

/// A few texts, looked for together in one pass.
#[derive(Debug)]
pub struct Texts(Searcher);

impl Texts {
    /// The search for these texts, none of which is empty. Of two that begin at one place the one that stands first in the list is
    /// found.
    #[must_use]
    pub fn new(texts: &[&[u8]]) -> Self {
        Self(Searcher::new(texts))
    }

    /// The first of them that begins at or behind the byte `from`: which one, and where.
    #[must_use]
    pub fn find_from(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        self.0.find(text, from.min(text.len())..text.len())
    }
}

impl Search {
    /// The search for texts, none of which is empty, as it was laid out before.
    pub(super) fn new(texts: Vec<String>, laid_out: Option<Layout>) -> Self {
        let Layout { runs, literals, groups } = laid_out.unwrap_or_else(|| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            layout(&texts, RARITY)
        });
        let words = Words::new(&texts, &runs);
        Self { texts, words, literals: runs.len() + literals, groups: groups.into_iter().map(Group::new).collect() }
    }

    /// How long a text is, bytes.
    pub(super) fn length(&self, text: usize) -> usize {
        self.texts[text].len()
    }

    /// How many literals are searched for, in how many passes.
    pub(super) fn breadth(&self) -> (usize, usize) {
        (self.literals, usize::from(!self.words.is_empty()) + self.groups.len())
    }

    /// Whether each pass is a packed search.
    pub(super) fn is_packed(&self) -> bool {
        self.groups.iter().all(|group| matches!(group.searcher, Searcher::Packed(_)))
    }

    /// Adds what stands in `block` of `text` to `hits`, in order.
    pub(super) fn find(&self, text: &[u8], block: Range<usize>, hits: &mut Vec<Hit>) {
        self.words.find(&self.texts, text, block.clone(), hits);
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
        let texts: Vec<&[u8]> = literals.iter().map(|literal| literal.bytes.as_slice()).collect();
        Self { searcher: Searcher::new(&texts), members: literals.into_iter().map(|literal| literal.members).collect() }
    }
}

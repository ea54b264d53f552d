//! By which bytes many texts are searched for.
//!
//! Long texts are searched for by aligned words (`aligned.rs`), which costs the same for any number of them; shorter ones by packed
//! searches. A packed search looks at four bytes first, so what counts is how rare those are. Each text is searched for by one of
//! its four-byte windows; a window may serve several texts. The windows are chosen greedily by what they cost.

use super::aligned::{RUN, rarest_run};
use super::buckets::searches;
use super::rarity::{Rarity, WINDOW, windows};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

/// What one more literal of a packed search costs, nanoseconds a line.
const LITERAL_COST: f64 = 0.25;
/// What one more text costs that is searched for by aligned words, nanoseconds a line.
const RUN_COST: f64 = 0.02;
/// What one hit costs, nanoseconds.
const HIT_COST: f64 = 60.0;

/// What the search by aligned words costs, nanoseconds a byte.
const ALIGNED_COST: f64 = 0.16;

/// What it costs to search for a text, nanoseconds a line.
pub(crate) fn cost(text: &str, rarity: Rarity<'_>) -> f64 {
    let own = if text.len() < RUN { LITERAL_COST } else { RUN_COST };
    own + HIT_COST * rarity.rarest(text)
}

/// Bytes that are searched for, and the texts that hold them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Literal {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// The texts that they find.
    pub(crate) members: Vec<Member>,
}

/// A text that is searched for by a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Its index.
    pub(crate) text: usize,
    /// Where the literal begins in it, bytes.
    pub(crate) offset: usize,
}

/// How texts are searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    /// Texts that are searched for by aligned words: their indexes, and where in each of them the run of these begins.
    pub(crate) runs: Vec<(usize, usize)>,
    /// How many literals there are for the others.
    pub(crate) literals: usize,
    /// Those that are searched for together.
    pub(crate) groups: Vec<Vec<Literal>>,
}

/// Beyond so many texts packed searches cost more anyhow.
const FEW: usize = 128;
/// Up to so many literals that are shorter than a window are searched for together.
const SHORT: usize = 16;

/// How to search for texts, none of which is empty: all of them by packed searches, or the long ones by aligned words, which is
/// one more pass but leaves fewer and quicker ones; whatever costs less.
pub(crate) fn layout(texts: &[&str], rarity: Rarity<'_>) -> Layout {
    let runs: Vec<(usize, usize)> =
        texts.iter().enumerate().filter_map(|(at, text)| Some((at, rarest_run(text, rarity)?))).collect();
    let (aligned, cost) = packed(texts, runs, rarity);
    if texts.len() > FEW {
        return aligned;
    }
    let (packed, packed_cost) = packed(texts, Vec::new(), rarity);
    if ALIGNED_COST + cost < packed_cost { aligned } else { packed }
}

/// The layout with these runs, and what its packed searches cost, nanoseconds a byte.
fn packed(texts: &[&str], runs: Vec<(usize, usize)>, rarity: Rarity<'_>) -> (Layout, f64) {
    let all = literals(texts, &runs, rarity);
    let literals = all.len();
    // Those that are shorter than a window slow down all that are searched for with them.
    let (short, long): (Vec<_>, Vec<_>) = all.into_iter().partition(|literal| literal.bytes.len() < WINDOW);
    let bytes: Vec<&[u8]> = long.iter().map(|literal| literal.bytes.as_slice()).collect();
    let (searches, cost) = searches(&bytes);
    let together = searches.into_iter().map(|search| search.iter().map(|at| long[*at].clone()).collect());
    (Layout { runs, literals, groups: split(short).into_iter().chain(together).collect() }, cost)
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

/// A window and the texts that it would find, of those that are still open.
struct Choice {
    /// What it costs for each of them.
    price: f64,
    window: [u8; WINDOW],
    open: usize,
}

/// The cheapest is the greatest; of several, the first by its bytes.
impl Ord for Choice {
    fn cmp(&self, other: &Self) -> Ordering {
        other.price.total_cmp(&self.price).then(other.window.cmp(&self.window))
    }
}

impl PartialOrd for Choice {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Choice {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Choice {}

/// What to search for besides the texts with runs: literals of which none begins with another one, each with the texts that it
/// finds.
fn literals(texts: &[&str], runs: &[(usize, usize)], rarity: Rarity<'_>) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut open: Vec<bool> = vec![true; texts.len()];
    runs.iter().for_each(|(text, _)| open[*text] = false);
    // A text without a window is its own literal, and finds all that hold it.
    let mut short: Vec<&str> = texts.iter().copied().filter(|text| text.len() < WINDOW).collect();
    short.sort_by_key(|text| (text.len(), *text));
    for literal in short {
        let place = |text: usize| Some(Member { text, offset: texts[text].find(literal)? });
        let members: Vec<Member> = (0..texts.len()).filter(|text| open[*text]).filter_map(place).collect();
        members.iter().for_each(|member| open[member.text] = false);
        if !members.is_empty() {
            found.push(Literal { bytes: literal.as_bytes().to_vec(), members });
        }
    }
    let mut places: BTreeMap<[u8; WINDOW], Vec<Member>> = BTreeMap::new();
    for text in (0..texts.len()).filter(|text| open[*text]) {
        for (offset, window) in windows(texts[text].as_bytes()).enumerate() {
            let places = places.entry(window).or_default();
            if places.last().is_none_or(|last| last.text != text) {
                places.push(Member { text, offset });
            }
        }
    }
    let choice = |window: [u8; WINDOW], open: usize| Choice {
        price: (LITERAL_COST + HIT_COST * rarity.share(window)) / open as f64,
        window,
        open,
    };
    let mut choices: BinaryHeap<Choice> =
        places.iter().map(|(window, members)| choice(*window, members.len())).collect();
    // The window that costs least for each text that it finds; then the same for the rest.
    while let Some(best) = choices.pop() {
        let members: Vec<Member> = places[&best.window].iter().copied().filter(|member| open[member.text]).collect();
        if members.is_empty() {
            continue;
        }
        // Others have taken some of its texts: its price for the rest is higher than it said.
        if members.len() < best.open {
            choices.push(choice(best.window, members.len()));
            continue;
        }
        members.iter().for_each(|member| open[member.text] = false);
        found.push(Literal { bytes: agreed(texts, &members), members });
    }
    found.sort_by(|one, other| one.bytes.cmp(&other.bytes));
    found
}

/// The bytes from the window on as far as all members agree.
fn agreed(texts: &[&str], members: &[Member]) -> Vec<u8> {
    let mut rests = members.iter().map(|member| &texts[member.text].as_bytes()[member.offset..]);
    let first = rests.next().unwrap_or_default();
    let length = rests.fold(first.len(), |length, rest| {
        first.iter().zip(rest).take(length).take_while(|(one, other)| one == other).count()
    });
    first[..length].to_vec()
}

//! Which literals are searched for together, so that a packed search rarely stops for nothing.
//!
//! A packed search (Teddy) has eight buckets of literals. It stops wherever each of four bytes has a low and a high half
//! that *some* literal of a bucket has there, and only then compares. Literals that share halves may share a bucket for
//! nothing; two that share none make it stop at fifteen further texts a byte. So the buckets are joined one by one, the
//! cheapest pair first, by how often ordinary lines hold such bytes; and as many searches are made as cost least. Then single literals
//! move to other buckets as long as that costs less: what was joined early may not be where it fits best in the end.

use super::rarity::WINDOW;
use std::sync::LazyLock;

/// Buckets of one search.
const BUCKETS: usize = 8;
/// A search with more literals than four a bucket takes another, slower form.
const LARGEST: usize = 4;
/// What a search costs, nanoseconds a byte.
const PASS_COST: f64 = 0.07;
/// What a stop costs, nanoseconds: nobody foresees it.
const STOP_COST: f64 = 28.0;

/// Lines as kernels print them when all is well.
static ORDINARY: &[u8] = include_bytes!("../ordinary-lines.txt");

/// The share of each byte in ordinary lines.
static SHARES: LazyLock<[f64; 256]> = LazyLock::new(|| {
    // A byte that does not occur there may occur elsewhere.
    let mut counts = [1.0_f64; 256];
    ORDINARY.iter().for_each(|byte| counts[usize::from(*byte)] += 1.0);
    let all: f64 = counts.iter().sum();
    counts.map(|count| count / all)
});

/// A byte's share among those that follow another weighs as much as so many occurrences: few pairs were counted.
const UNSEEN: f64 = 10.0;

/// For each byte, the share of each one among those that follow it in ordinary lines. Letters follow each other as in words.
static FOLLOWERS: LazyLock<Vec<[f64; 256]>> = LazyLock::new(|| {
    let mut counts = vec![SHARES.map(|share| UNSEEN * share); 256];
    for pair in ORDINARY.windows(2) {
        counts[usize::from(pair[0])][usize::from(pair[1])] += 1.0;
    }
    for counts in &mut counts {
        let all: f64 = counts.iter().sum();
        counts.iter_mut().for_each(|count| *count /= all);
    }
    counts
});

/// Low and high halves of bytes, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Halves {
    low: u16,
    high: u16,
}

impl Halves {
    fn of(byte: u8) -> Self {
        Self { low: 1 << (byte & 15), high: 1 << (byte >> 4) }
    }

    fn and(self, other: Self) -> Self {
        Self { low: self.low | other.low, high: self.high | other.high }
    }

    /// The bytes with such halves.
    fn bytes(self) -> impl Iterator<Item = usize> {
        bits(self.high).flat_map(move |high| bits(self.low).map(move |low| high << 4 | low))
    }
}

/// The numbers of the bits that are set.
fn bits(mut set: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = set.trailing_zeros();
        (set != 0).then(|| {
            set &= set - 1;
            lowest as usize
        })
    })
}

/// Literals that share a bucket.
#[derive(Debug, Clone)]
struct Bucket {
    members: Vec<usize>,
    halves: [Halves; WINDOW],
    stops: f64,
}

impl Bucket {
    /// A bucket of some literals.
    fn of(members: Vec<usize>, literals: &[&[u8]]) -> Self {
        let halves = std::array::from_fn(|at| {
            let all = members.iter().map(|member| Halves::of(literals[*member][at]));
            all.reduce(Halves::and).unwrap_or(Halves { low: 0, high: 0 })
        });
        Self { members, halves, stops: stops(&halves) }
    }

    fn joined(&self, other: &Self) -> [Halves; WINDOW] {
        std::array::from_fn(|at| self.halves[at].and(other.halves[at]))
    }
}

/// Stops per byte.
fn stops(halves: &[Halves; WINDOW]) -> f64 {
    let (first, others) = (halves[0], &halves[1..]);
    let mut ends: Vec<(usize, f64)> = first.bytes().map(|byte| (byte, SHARES[byte])).collect();
    for halves in others {
        let share = |byte: usize| ends.iter().map(|(before, share)| share * FOLLOWERS[*before][byte]).sum::<f64>();
        ends = halves.bytes().map(|byte| (byte, share(byte))).collect();
    }
    ends.iter().map(|(_, share)| share).sum()
}

/// So many numbers of searches are tried, from the smallest on: what more of them spare in stops they cost in passes.
const TRIED: usize = 3;

/// The literals (each at least [`WINDOW`] bytes long) of each search, by their indexes and in the order that puts those of
/// one bucket into one bucket: the searcher deals them out in turn. Where a bucket has fewer members than another its last
/// one stands there again. The second answer is what all of them cost, nanoseconds a byte.
pub(super) fn searches(literals: &[&[u8]]) -> (Vec<Vec<usize>>, f64) {
    let single = (0..literals.len()).map(|number| Bucket::of(vec![number], literals));
    let ways = joined(single.collect(), literals).into_iter().rev().take(TRIED);
    let settled = ways.map(|mut buckets| {
        // Buckets of one size stand together, so that little is repeated.
        buckets.sort_by_key(|bucket| bucket.members.len());
        buckets.chunks_mut(BUCKETS).for_each(|search| settle(search, literals));
        let stops: f64 = buckets.iter().map(|bucket| bucket.stops).sum();
        let cost = PASS_COST * buckets.len().div_ceil(BUCKETS) as f64 + STOP_COST * stops;
        (buckets, cost)
    });
    let (buckets, cost) = settled.min_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or_default();
    (buckets.chunks(BUCKETS).map(dealt).collect(), cost)
}

fn dealt(buckets: &[Bucket]) -> Vec<usize> {
    let most = buckets.iter().map(|bucket| bucket.members.len()).max().unwrap_or(0);
    let row = |row: usize| buckets.iter().map(move |bucket| bucket.members[row.min(bucket.members.len() - 1)]);
    (0..most).flat_map(row).collect()
}

/// The buckets, joined to those of fewer and fewer searches; the last are those of the fewest.
fn joined(buckets: Vec<Bucket>, literals: &[&[u8]]) -> Vec<Vec<Bucket>> {
    let mut left = buckets.len();
    let fewest = BUCKETS * left.div_ceil(BUCKETS * LARGEST);
    let mut buckets: Vec<Option<Bucket>> = buckets.into_iter().map(Some).collect();
    // For each bucket the one before it that it is joined with at the least price.
    let mut mates: Vec<Option<(f64, usize)>> = (0..buckets.len()).map(|at| mate(&buckets, at)).collect();
    let mut ways = vec![buckets.iter().flatten().cloned().collect()];
    while left > fewest {
        let pairs = mates.iter().enumerate().filter_map(|(at, mate)| mate.map(|(price, other)| (price, at, other)));
        match pairs.min_by(|one, other| one.0.total_cmp(&other.0)) {
            Some((_, later, earlier)) => {
                let Some(gone) = buckets[later].take() else { break };
                let Some(kept) = buckets[earlier].as_mut() else { break };
                kept.halves = kept.joined(&gone);
                kept.stops = stops(&kept.halves);
                kept.members.extend(gone.members);
                for (at, place) in mates.iter_mut().enumerate().skip(earlier) {
                    *place = match *place {
                        // Its mate is another one now.
                        Some((_, other)) if other == later || other == earlier => mate(&buckets, at),
                        _ if at == earlier || at == later => mate(&buckets, at),
                        found => {
                            let price = price(&buckets, at, earlier);
                            found.into_iter().chain(price).min_by(|one, other| one.0.total_cmp(&other.0))
                        }
                    };
                }
            }
            // None has room for all of another one: the smallest is dealt out to several.
            None => {
                deal_out(&mut buckets, literals);
                mates = (0..buckets.len()).map(|at| mate(&buckets, at)).collect();
            }
        }
        left -= 1;
        if left.is_multiple_of(BUCKETS) {
            ways.push(buckets.iter().flatten().cloned().collect());
        }
    }
    ways
}

/// Puts each member of the smallest bucket into another one that has room, where it costs least.
fn deal_out(buckets: &mut [Option<Bucket>], literals: &[&[u8]]) {
    let sizes = buckets.iter().enumerate().filter_map(|(at, bucket)| Some((bucket.as_ref()?.members.len(), at)));
    let Some(gone) = sizes.min().and_then(|(_, at)| buckets[at].take()) else { return };
    for member in gone.members {
        let with = |bucket: &Bucket| Bucket::of([&bucket.members[..], &[member]].concat(), literals);
        let roomy = buckets.iter_mut().flatten().filter(|bucket| bucket.members.len() < LARGEST);
        let larger = roomy.map(|bucket| (with(bucket), bucket));
        let price = |(larger, bucket): &(Bucket, &mut Bucket)| larger.stops - bucket.stops;
        if let Some((larger, bucket)) = larger.min_by(|one, other| price(one).total_cmp(&price(other))) {
            *bucket = larger;
        }
    }
}

/// A smaller gain, in stops per byte, is not worth looking for.
const LEAST: f64 = 1e-6;

/// Moves literals to other buckets of a search, or lets two of them change places, as long as the search stops less often for that.
fn settle(buckets: &mut [Bucket], literals: &[&[u8]]) {
    let mut goes_on = true;
    while std::mem::take(&mut goes_on) {
        for (one, two) in (0..buckets.len()).flat_map(|two| (0..two).map(move |one| (one, two))) {
            while let Some((_, first, second)) = exchange(&buckets[one], &buckets[two], literals) {
                (buckets[one], buckets[two]) = (first, second);
                goes_on = true;
            }
        }
    }
}

/// The best that two buckets can make of their members by moving one, or by exchanging one for another, if that is a gain.
fn exchange(one: &Bucket, two: &Bucket, literals: &[&[u8]]) -> Option<(f64, Bucket, Bucket)> {
    let mut best: Option<(f64, Bucket, Bucket)> = None;
    if one.stops + two.stops < LEAST {
        return best;
    }
    // Behind the last member stands none.
    for first in 0..=one.members.len() {
        for second in 0..=two.members.len() {
            let (mut ours, mut theirs) = (one.members.clone(), two.members.clone());
            let gone = (first < ours.len()).then(|| ours.remove(first));
            let come = (second < theirs.len()).then(|| theirs.remove(second));
            ours.extend(come);
            theirs.extend(gone);
            if ours.is_empty() || theirs.is_empty() || ours.len().max(theirs.len()) > LARGEST {
                continue;
            }
            let (ours, theirs) = (Bucket::of(ours, literals), Bucket::of(theirs, literals));
            let less = one.stops + two.stops - ours.stops - theirs.stops;
            if less > best.as_ref().map_or(LEAST, |best| best.0) {
                best = Some((less, ours, theirs));
            }
        }
    }
    best
}

/// The bucket before `at` that it is joined with at the least price, and that price.
fn mate(buckets: &[Option<Bucket>], at: usize) -> Option<(f64, usize)> {
    (0..at).filter_map(|other| price(buckets, at, other)).min_by(|one, other| one.0.total_cmp(&other.0))
}

/// The price of joining a bucket with one before it, if they may share one.
fn price(buckets: &[Option<Bucket>], at: usize, other: usize) -> Option<(f64, usize)> {
    let (one, two) = (buckets[at].as_ref()?, buckets[other].as_ref()?);
    (other < at && one.members.len() + two.members.len() <= LARGEST)
        .then(|| (stops(&one.joined(two)) - one.stops - two.stops, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_literal_is_in_one_search_and_no_search_is_too_large() {
        let texts: Vec<String> = (0..150).map(|number| format!("{:08x}", number * 0x0123_4567_u64)).collect();
        let literals: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        let (searches, _) = searches(&literals);
        let mut found: Vec<usize> = Vec::new();
        for search in &searches {
            assert!(search.len() <= BUCKETS * LARGEST, "{search:?}");
            let mut own = search.clone();
            own.sort_unstable();
            own.dedup();
            found.extend(own);
        }
        found.sort_unstable();
        assert_eq!(found, (0..literals.len()).collect::<Vec<_>>());
    }

    /// Of 31 literals no two buckets of three may be joined, but eight buckets of four hold them.
    #[test]
    fn one_search_is_made_where_one_holds_all() {
        let texts: Vec<String> = (0..31).map(|number| format!("{:08x}", number * 0x0876_5421_u64)).collect();
        let literals: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        let single = (0..literals.len()).map(|number| Bucket::of(vec![number], &literals)).collect();
        let ways = joined(single, &literals);
        assert_eq!(ways.iter().map(Vec::len).collect::<Vec<_>>(), [31, 24, 16, 8]);
        for way in ways {
            let mut members: Vec<usize> = way.iter().flat_map(|bucket| bucket.members.clone()).collect();
            members.sort_unstable();
            assert_eq!(members, (0..texts.len()).collect::<Vec<_>>());
            assert!(way.iter().all(|bucket| bucket.members.len() <= LARGEST));
        }
    }

    #[test]
    fn no_exchange_is_a_gain_in_the_end() {
        let texts = ["Oops", "snip", "int3:", "set!", "BUG:", "BUG ", "INFO:", "pid:", "ask:", "[#1]", "eph: ", "MCU "];
        let literals: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        // Badly dealt: words beside marks.
        let mut buckets: Vec<Bucket> = (0..4).map(|at| Bucket::of(vec![at, at + 4, at + 8], &literals)).collect();
        let before: f64 = buckets.iter().map(|bucket| bucket.stops).sum();
        settle(&mut buckets, &literals);
        let after: f64 = buckets.iter().map(|bucket| bucket.stops).sum();
        assert!(after < before / 2.0, "{before} {after}");
        let mut members: Vec<usize> = buckets.iter().flat_map(|bucket| bucket.members.clone()).collect();
        members.sort_unstable();
        assert_eq!(members, (0..texts.len()).collect::<Vec<_>>());
        assert!(buckets.iter().all(|bucket| bucket.members.len() <= LARGEST));
        for (one, two) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            assert!(exchange(&buckets[one], &buckets[two], &literals).is_none(), "{one} {two}");
        }
    }

    #[test]
    fn bytes_that_follow_each_other_in_words_stop_more_often() {
        let of = |text: &[u8]| stops(&std::array::from_fn(|at| Halves::of(text[at])));
        assert!(of(b"ing ") > 3.0 * of(b"gn i"), "{} {}", of(b"ing "), of(b"gn i"));
    }

    #[test]
    fn what_is_alike_shares_a_bucket() {
        let mut texts: Vec<String> = ["WARN", "BUG:", "Oops", "INFO", "NMI ", "KASA"].map(String::from).to_vec();
        texts.extend(["alpha", "blpha", "clpha", "dlpha"].map(String::from));
        let literals: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        let (searches, _) = searches(&literals);
        let alike = |search: &Vec<usize>| {
            (0..BUCKETS).any(|at| {
                let members: Vec<usize> = search.iter().skip(at).step_by(BUCKETS).copied().collect();
                members.iter().filter(|member| **member >= 6).count() >= 2
            })
        };
        assert!(searches.len() == 1 && searches.iter().any(alike), "{searches:?}");
    }
}

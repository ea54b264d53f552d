//! Strands of one boot, put together: by boot id, by lines that they share, else by when the boot began.

use super::clock::Moment;
use super::strand::Strand;
use std::collections::HashSet;

/// So many stamped lines in common make two strands one boot, unless one of them has fewer.
const SHARED: usize = 3;
/// Two sources put the start of a boot at most so far apart, seconds.
const APART: Moment = 150;
/// And for a dump, which is written some time after the end, seconds.
const DUMP_APART: Moment = 900;

/// All that is known of one boot.
pub(super) type Strands = Vec<Strand>;

/// Puts strands together; the newest boot first.
#[must_use]
pub(super) fn joined(strands: Vec<Strand>) -> Vec<Strands> {
    // Those that know most of themselves come first, so that the others find them.
    let mut strands = strands;
    strands.sort_by_key(|strand| (strand.boot_id.is_none(), strand.start.is_none(), strand.dumped.is_some()));
    let mut boots: Vec<Strands> = Vec::new();
    for strand in strands {
        let fits = |boot: &&mut Strands| !boot.iter().any(|known| contradict(known, &strand));
        let same = match boots.iter().position(|boot| boot.iter().any(|known| has_id_of(known, &strand))) {
            Some(at) => boots.get_mut(at),
            None => most_alike(&boots, &strand).and_then(|at| boots.get_mut(at)),
        };
        let home = match same {
            Some(boot) => Some(boot),
            None => boots
                .iter_mut()
                .filter(fits)
                .filter_map(|boot| Some((boot.iter().filter_map(|known| distance(known, &strand)).min()?, boot)))
                .min_by_key(|(distance, _)| *distance)
                .map(|(_, boot)| boot),
        };
        match home {
            Some(boot) => boot.push(strand),
            None => boots.push(vec![strand]),
        }
    }
    boots.sort_by_key(|boot| std::cmp::Reverse(order(boot)));
    boots
}

/// When a boot was, for the order of boots.
fn order(boot: &Strands) -> Option<Moment> {
    let known = |of: fn(&Strand) -> Option<Moment>| boot.iter().filter_map(of).min();
    known(begun).or_else(|| known(|strand| strand.first)).or_else(|| known(|strand| strand.dumped))
}

/// Whether two strands cannot be one boot.
fn contradict(one: &Strand, other: &Strand) -> bool {
    match (&one.boot_id, &other.boot_id) {
        (Some(one), Some(other)) => one != other,
        _ => {
            one.origin == other.origin
                || matches!((&one.release, &other.release), (Some(one), Some(other)) if one != other)
        }
    }
}

/// Whether two strands are one boot for certain.
fn has_id_of(one: &Strand, other: &Strand) -> bool {
    one.boot_id.is_some() && one.boot_id == other.boot_id
}

/// The boot with which a strand shares the most stamped lines, if it is one alone: boots of a machine whose clock shows the same
/// each time cannot be distinguished here.
fn most_alike(boots: &[Strands], strand: &Strand) -> Option<usize> {
    let fitting = boots.iter().enumerate().filter(|(_, boot)| !boot.iter().any(|known| contradict(known, strand)));
    let mut shared: Vec<(usize, usize)> = fitting
        .filter_map(|(at, boot)| {
            let count = boot.iter().map(|known| shared(&known.fingerprints, &strand.fingerprints)).max()?;
            (count > 0).then_some((count, at))
        })
        .collect();
    shared.sort_unstable_by(|one, other| other.cmp(one));
    match shared[..] {
        [(count, at)] => Some((count, at)),
        [(most, at), (second, _), ..] if most > second => Some((most, at)),
        _ => None,
    }
    .map(|(_, at)| at)
}

/// How many lines two strands share; 0 if too few to say anything.
fn shared(one: &HashSet<u64>, other: &HashSet<u64>) -> usize {
    let (less, more) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let count = less.iter().filter(|print| more.contains(print)).count();
    if count >= SHARED.min(less.len()) { count } else { 0 }
}

/// When a strand says that its boot began.
fn begun(strand: &Strand) -> Option<Moment> {
    strand.start.or(strand.first.filter(|_| strand.has_banner))
}

/// How far apart two strands put the start of their boot, if they may be the same.
fn distance(one: &Strand, other: &Strand) -> Option<Moment> {
    if one.zone_unknown || other.zone_unknown {
        return None;
    }
    // Of a dump only the end is known.
    let dumped = |strand: &Strand| Some(strand.dumped? - strand.uptime? as Moment);
    let (start, limit) = match begun(other) {
        Some(start) => (start, APART),
        None => (dumped(other)?, DUMP_APART),
    };
    let distance = (begun(one)? - start).abs();
    (distance <= limit).then_some(distance)
}

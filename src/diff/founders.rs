//! The reports that founded clusters, and which of them a report joins.
//!
//! A report whose title can be trusted joins the first founder of its title that is a little like it: founders of the title that share
//! functions with it are looked up, and only those are compared whose shared functions weigh enough in any order.
//!
//! A damaged report joins only where the stacks are nearly the same. Nearly the same stacks share more than half of what
//! the frames of either weigh, so that one of a stack's rarest frames, taken until they weigh more than half, is in both: the
//! founders that hold one of these are looked at, in place of all founders.

use super::cause::{Cause, likeness, weight};
use super::sample::Sample;
use std::collections::{BTreeMap, BTreeSet};

/// Stacks of one title below this likeness are different causes.
const SAME_TITLE: f64 = 0.1;
/// Stacks from this likeness on are one cause whatever the title says.
///
/// [`Founders`] rests on it. Of two stacks let T be what the frames of the shorter weigh, U of the longer. What they share weighs
/// at most T on either side, for weights fall with the place: 2T ≥ 0.8 (T + U), so U ≤ 1.5 T; and what is not shared weighs at
/// most 0.2 (T + U), which is at most half of T, and for the same reason less than half of U.
const SAME_STACK: f64 = 0.8;
/// Shorter stacks prove nothing, unless they are equal.
const LEAST_FRAMES: usize = 4;

/// The founders of clusters so far.
pub(super) struct Founders<'a> {
    samples: &'a [Sample],
    /// How many samples hold a function.
    frequency: BTreeMap<&'a str, u32>,
    /// The founders of each title whose titles can be trusted.
    by_title: BTreeMap<&'a str, OfTitle<'a>>,
    /// The clusters whose founders have a title and hold a function; those of stacks that prove nothing are left out.
    of_title: BTreeMap<[&'a str; 2], Vec<usize>>,
    /// The clusters whose founders have a type, begin with a function and hold another.
    of_type: BTreeMap<[&'a str; 3], Vec<usize>>,
    /// The founder of each cluster.
    founder: Vec<usize>,
}

/// The founders of one title.
#[derive(Default)]
struct OfTitle<'a> {
    /// Their clusters, in order.
    all: Vec<usize>,
    /// Those without a stack: everything is like them.
    bare: Vec<usize>,
    /// Where a function stands in their stacks: the cluster and the place.
    by_frame: BTreeMap<&'a str, Vec<(usize, usize)>>,
}

impl<'a> Founders<'a> {
    pub(super) fn new(samples: &'a [Sample]) -> Self {
        let mut frequency: BTreeMap<&str, u32> = BTreeMap::new();
        for name in samples.iter().flat_map(|sample| distinct(&sample.cause)) {
            *frequency.entry(name).or_default() += 1;
        }
        Self {
            samples,
            frequency,
            by_title: BTreeMap::new(),
            of_title: BTreeMap::new(),
            of_type: BTreeMap::new(),
            founder: Vec::new(),
        }
    }

    /// Adds the founder of the next cluster.
    pub(super) fn add(&mut self, sample: usize, cluster: usize) {
        let founder = &self.samples[sample];
        if !founder.damaged {
            let of_title = self.by_title.entry(&founder.member.title).or_default();
            of_title.all.push(cluster);
            if founder.cause.stack.is_empty() {
                of_title.bare.push(cluster);
            }
            for (place, name) in founder.cause.stack.iter().enumerate() {
                of_title.by_frame.entry(name).or_default().push((cluster, place));
            }
        }
        if let (Some(first), true) = (founder.cause.stack.first(), founder.cause.stack.len() >= LEAST_FRAMES) {
            for name in distinct(&founder.cause) {
                self.of_title.entry([&founder.member.title, name]).or_default().push(cluster);
                self.of_type.entry([&founder.r#type, first, name]).or_default().push(cluster);
            }
        }
        self.founder.push(sample);
    }

    /// The cluster that a report joins. Reports whose titles can be trusted come before all others.
    pub(super) fn home(&self, sample: &Sample) -> Option<usize> {
        let founder = |cluster: &usize| &self.samples[self.founder[*cluster]];
        if !sample.damaged {
            let near = self.near_of_title(sample)?;
            return near.into_iter().find(|cluster| alike(&sample.cause, &founder(cluster).cause, SAME_TITLE));
        }
        if sample.cause.stack.len() < LEAST_FRAMES {
            return None;
        }
        let first = sample.cause.stack.first()?;
        let same = |cluster: &usize| alike(&sample.cause, &founder(cluster).cause, SAME_STACK);
        let of_title = self.near(&sample.cause, |name| self.of_title.get(&[sample.member.title.as_str(), name]));
        of_title.into_iter().find(same).or_else(|| {
            let of_type = |name| self.of_type.get(&[sample.r#type.as_str(), first, name]);
            self.near(&sample.cause, of_type).into_iter().find(same)
        })
    }

    /// The clusters whose founders have this title and may be a little alike, in their order.
    fn near_of_title(&self, sample: &Sample) -> Option<Vec<usize>> {
        let of_title = self.by_title.get(sample.member.title.as_str())?;
        let stack = &sample.cause.stack;
        if stack.is_empty() {
            return Some(of_title.all.clone());
        }
        // What a founder shares in any order is at least what it shares in one order.
        let mut shared: BTreeMap<usize, f64> = BTreeMap::new();
        for (at, name) in stack.iter().enumerate() {
            for (cluster, place) in of_title.by_frame.get(name.as_str()).into_iter().flatten() {
                *shared.entry(*cluster).or_default() += weight(at) + weight(*place);
            }
        }
        let own = total(stack.len());
        let enough = |(cluster, shared): &(usize, f64)| {
            let other = total(self.samples[self.founder[*cluster]].cause.stack.len());
            // A hair less, since sums of fractions are not exact.
            *shared >= SAME_TITLE * (own + other) - 1e-9
        };
        let alike = shared.into_iter().filter(enough).map(|(cluster, _)| cluster);
        let mut near: Vec<usize> = of_title.bare.iter().copied().chain(alike).collect();
        near.sort_unstable();
        Some(near)
    }

    /// The clusters whose founders may have nearly the same stack, in their order; `holders` gives those that hold a function.
    fn near<'s>(&'s self, cause: &'s Cause, holders: impl Fn(&'s str) -> Option<&'s Vec<usize>>) -> BTreeSet<usize> {
        let mut frames: Vec<(u32, usize)> = cause
            .stack
            .iter()
            .enumerate()
            .map(|(at, name)| (self.frequency.get(name.as_str()).copied().unwrap_or_default(), at))
            .collect();
        frames.sort_unstable();
        let half = total(cause.stack.len()) / 2.0;
        let (mut taken, mut near) = (0.0, BTreeSet::new());
        for (_, at) in frames {
            near.extend(holders(cause.stack[at].as_str()).into_iter().flatten().copied());
            taken += weight(at);
            // A hair more than half, since sums of fractions are not exact.
            if taken > half + 1e-9 {
                break;
            }
        }
        near
    }
}

/// What a stack of so many frames weighs.
fn total(frames: usize) -> f64 {
    (0..frames).map(weight).sum()
}

fn distinct(cause: &Cause) -> BTreeSet<&str> {
    cause.stack.iter().map(String::as_str).collect()
}

fn alike(one: &Cause, other: &Cause, least: f64) -> bool {
    let locks =
        one.locks.is_empty() || other.locks.is_empty() || one.locks.iter().any(|class| other.locks.contains(class));
    locks && likeness(&one.stack, &other.stack) >= least
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::cluster::{Member, clusters};
    use proptest::prelude::*;

    fn damaged(log: usize, title: &str, stack: &[String]) -> Sample {
        Sample {
            member: Member { log: format!("{log:05}.log"), index: 0, title: title.to_owned() },
            r#type: "DoS".into(),
            damaged: true,
            cause: Cause { stack: stack.to_vec(), ..Cause::default() },
            count: 1,
        }
    }

    #[test]
    fn equal_reports_are_one_cluster_however_short_their_stacks() {
        for frames in [vec![], vec!["panic".to_owned()], vec!["out_of_memory".to_owned(), "panic".to_owned()]] {
            let samples: Vec<Sample> = (0..3).map(|log| damaged(log, "kernel panic: no memory", &frames)).collect();
            let found = clusters(samples);
            assert_eq!((found.len(), found[0].size), (1, 3), "{frames:?}");
        }
    }

    #[test]
    fn many_stacks_of_one_title_are_looked_up_and_not_compared_with_each_other() {
        let stack = |number: usize| -> Vec<String> {
            (0..6).map(|at| format!("f{number}_{at}")).chain(["do_syscall_64".to_owned()]).collect()
        };
        let samples: Vec<Sample> = (0..2000).map(|log| damaged(log, "KASAN in corrupted", &stack(log))).collect();
        let mut founders = Founders::new(&samples);
        let mut compared = 0;
        for (at, sample) in samples.iter().enumerate() {
            let holders = |name| founders.of_title.get(&[sample.member.title.as_str(), name]);
            compared += founders.near(&sample.cause, holders).len();
            founders.add(at, at);
        }
        assert_eq!(compared, 0);
        assert_eq!(clusters(samples).len(), 2000);
    }

    proptest! {
        #[test]
        fn no_founder_that_is_alike_is_missed(
            stacks in prop::collection::vec(prop::collection::vec("[a-f]", 0..9), 1..24)
        ) {
            let samples: Vec<Sample> = stacks.iter().enumerate().map(|(log, stack)| damaged(log, "t", stack)).collect();
            let mut founders = Founders::new(&samples);
            for (at, sample) in samples.iter().enumerate() {
                let long = |stack: &[String]| stack.len() >= LEAST_FRAMES;
                let first = samples[..at].iter().position(|other| {
                    long(&other.cause.stack)
                        && long(&sample.cause.stack)
                        && likeness(&sample.cause.stack, &other.cause.stack) >= SAME_STACK
                });
                prop_assert_eq!(founders.home(sample), first);
                founders.add(at, at);
            }
        }

        #[test]
        fn the_first_founder_of_a_title_that_is_alike_is_found(
            stacks in prop::collection::vec(prop::collection::vec("[a-p]", 0..9), 1..24)
        ) {
            let whole = |(log, stack): (usize, &Vec<String>)| Sample { damaged: false, ..damaged(log, "t", stack) };
            let samples: Vec<Sample> = stacks.iter().enumerate().map(whole).collect();
            let mut founders = Founders::new(&samples);
            for (at, sample) in samples.iter().enumerate() {
                let first = samples[..at]
                    .iter()
                    .position(|other| likeness(&sample.cause.stack, &other.cause.stack) >= SAME_TITLE);
                prop_assert_eq!(founders.home(sample), first);
                founders.add(at, at);
            }
        }
    }
}

//! The reports that founded clusters, and which of them a report joins.
//!
//! A report whose title can be trusted joins the first founder of its title that is a little like it; a damaged one joins only
//! where the stacks are nearly the same. Where there are few founders each is looked at; among many they are looked up.
//!
//! Let T be what the frames of one stack weigh, U those of another, and the two be alike from L on: then all that they do not
//! share weighs at most (1 - L) (T + U). Functions have one order, the rarest first. Before the first function in this order
//! that both hold, everything is in one of the two alone. So a founder that is alike is found by a function of the report, where
//! what weighs the rarer functions of the report, and of the founder, is together at most (1 - L) (T + U): of the founders that
//! hold this function, those are looked at whose own part of this sum leaves enough. Nothing else is touched, however many
//! founders have the frames of a system call in common. (This is prefix filtering, as joins of similar sets do it: Chaudhuri,
//! Ganti, Kaushik, "A Primitive Operator for Similarity Joins in Data Cleaning"; Bayardo, Ma, Srikant, "Scaling Up All Pairs
//! Similarity Search".)

use super::cause::{Cause, likeness, weight};
use super::sample::Sample;
use super::stacks::{Stacks, bit};
use std::collections::{BTreeSet, HashMap};

/// Stacks of one title below this likeness are different causes.
const SAME_TITLE: f64 = 0.1;
/// Stacks from this likeness on are one cause whatever the title says.
const SAME_STACK: f64 = 0.8;
/// Shorter stacks prove nothing, unless they are equal.
const LEAST_FRAMES: usize = 4;
/// So many founders are looked at one by one.
const FEW: usize = 16;

/// The founders of clusters so far.
pub(super) struct Founders<'a> {
    samples: &'a [Sample],
    stacks: &'a Stacks,
    /// The groups in which a home may be sought.
    groups: HashMap<Group<'a>, Members>,
    /// Where functions stand in the stacks of founders, in groups of more than a few.
    marks: BTreeSet<Mark>,
    /// The founder of each cluster.
    founder: Vec<usize>,
}

/// Founders among which a report may have its home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Group<'a> {
    /// Those of a title, which can be trusted.
    Trusted(&'a str),
    /// Those of a title that have stacks which prove something.
    Titled(&'a str),
    /// Those of a type whose stacks prove something and begin with this function.
    Begun(&'a str, u32),
}

impl Group<'_> {
    /// From which likeness on its members are one cause.
    fn least(self) -> f64 {
        match self {
            Self::Trusted(_) => SAME_TITLE,
            Self::Titled(_) | Self::Begun(..) => SAME_STACK,
        }
    }

    /// Where a function stands in the order of all, the rarest first. What all members hold says nothing about them.
    fn order(self, stacks: &Stacks, function: u32) -> (bool, u32, u32) {
        let of_all = matches!(self, Self::Begun(_, first) if first == function);
        (of_all, stacks.holders(function), function)
    }
}

/// The founders of a group.
struct Members {
    number: u32,
    /// Their clusters, in order.
    all: Vec<usize>,
    /// Those without a stack: everything is like them.
    bare: Vec<usize>,
}

/// A function in a founder's stack.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    group: u32,
    function: u32,
    /// By how much the rarer functions of this stack weigh more than its part of what two stacks need not share.
    excess: i32,
    cluster: usize,
}

/// Excess is counted in these parts of a weight.
const FINE: f64 = 1024.0;

impl<'a> Founders<'a> {
    /// None yet; a home will be sought for any of `samples`, whose stacks are `stacks`.
    pub(super) fn new(samples: &'a [Sample], stacks: &'a Stacks) -> Self {
        let mut groups = HashMap::new();
        for (at, sample) in samples.iter().enumerate() {
            for group in sought(sample, stacks.stack(at)) {
                let number = u32::try_from(groups.len()).unwrap_or(u32::MAX);
                groups.entry(group).or_insert(Members { number, all: Vec::new(), bare: Vec::new() });
            }
        }
        Self { samples, stacks, groups, marks: BTreeSet::new(), founder: Vec::new() }
    }

    /// Adds the founder of the next cluster.
    pub(super) fn add(&mut self, sample: usize, cluster: usize) {
        self.founder.push(sample);
        let (founder, stack) = (&self.samples[sample], self.stacks.stack(sample));
        let trusted = (!founder.damaged).then_some(Group::Trusted(&founder.member.title));
        for group in trusted.into_iter().chain(proven(founder, stack).into_iter().flatten()) {
            let Some(members) = self.groups.get_mut(&group) else { continue };
            members.all.push(cluster);
            if stack.is_empty() {
                members.bare.push(cluster);
            }
            let unmarked = match members.all.len() {
                ..=FEW => &[][..],
                count if count == FEW + 1 => &members.all,
                _ => std::slice::from_ref(&cluster),
            };
            for cluster in unmarked {
                let stack = self.stacks.stack(self.founder[*cluster]);
                let spared = group.spared(stack.len());
                for (function, rarer) in group.telling(self.stacks, stack) {
                    let excess = parts(rarer - spared);
                    self.marks.insert(Mark { group: members.number, function, excess, cluster: *cluster });
                }
            }
        }
    }

    /// The cluster that a report joins. Reports whose titles can be trusted come before all others.
    pub(super) fn home(&self, sample: usize) -> Option<usize> {
        let (report, stack) = (&self.samples[sample], self.stacks.stack(sample));
        sought(report, stack).find_map(|group| {
            let same = |cluster: &usize| {
                let founder = self.founder[*cluster];
                self.may_be_alike(group, sample, founder)
                    && share_locks(&report.cause, &self.samples[founder].cause)
                    && likeness(stack, self.stacks.stack(founder)) >= group.least()
            };
            let members = self.groups.get(&group)?;
            if stack.is_empty() || members.all.len() <= FEW {
                return members.all.iter().copied().find(same);
            }
            self.near(group, members, stack).into_iter().find(same)
        })
    }

    /// Whether no more than two stacks need not share is in one of them alone, at a glance: the bits of functions show most of what
    /// the other one lacks.
    fn may_be_alike(&self, group: Group<'_>, one: usize, other: usize) -> bool {
        let (first, second) = (self.stacks.stack(one), self.stacks.stack(other));
        let alone = |stack: &[u32], bits: u64| -> f64 {
            let lacking = stack.iter().enumerate().filter(|(_, function)| bit(**function) & bits == 0);
            lacking.map(|(at, _)| weight(at)).sum()
        };
        let spared = group.spared(first.len()) + group.spared(second.len()) + 1e-6;
        first.is_empty()
            || second.is_empty()
            || alone(first, self.stacks.bits(other)) + alone(second, self.stacks.bits(one)) <= spared
    }

    /// The members of a group that may be alike, in their order.
    fn near(&self, group: Group<'_>, members: &Members, stack: &[u32]) -> Vec<usize> {
        let mut near = members.bare.clone();
        let (spared, group_number) = (group.spared(stack.len()), members.number);
        for (function, rarer) in group.telling(self.stacks, stack) {
            let mark = |excess, cluster| Mark { group: group_number, function, excess, cluster };
            // A hair more, since sums of fractions are not exact.
            let most = parts(spared - rarer + 1e-6);
            near.extend(self.marks.range(mark(i32::MIN, 0)..=mark(most, usize::MAX)).map(|mark| mark.cluster));
        }
        near.sort_unstable();
        near.dedup();
        near
    }
}

impl Group<'_> {
    /// What a stack of so many frames adds to what two stacks need not share.
    fn spared(self, frames: usize) -> f64 {
        (1.0 - self.least()) * total(frames)
    }

    /// The functions of a stack by which its likes are found, each with what all rarer ones weigh.
    fn telling(self, stacks: &Stacks, stack: &[u32]) -> Vec<(u32, f64)> {
        let mut places: Vec<((bool, u32, u32), usize)> =
            stack.iter().enumerate().map(|(at, function)| (self.order(stacks, *function), at)).collect();
        places.sort_unstable();
        // What two stacks share weighs at most what the lighter one weighs, on either side: 2 T ≥ L (T + U), so that the other
        // weighs at most T (2 - L) / L.
        let most = self.spared(stack.len()) * 2.0 / self.least() + 1e-6;
        let (mut found, mut rarer) = (Vec::new(), 0.0);
        for functions in places.chunk_by(|one, other| one.0 == other.0) {
            if rarer > most {
                break;
            }
            let (_, holders, function) = functions[0].0;
            // What nobody else holds leads to nobody.
            if holders > 1 {
                found.push((function, rarer));
            }
            rarer += functions.iter().map(|(_, at)| weight(*at)).sum::<f64>();
        }
        found
    }
}

/// The groups in which a report's home is sought, one after the other.
fn sought<'a>(report: &'a Sample, stack: &[u32]) -> impl Iterator<Item = Group<'a>> + use<'a> {
    let groups =
        if report.damaged { proven(report, stack) } else { [Some(Group::Trusted(&report.member.title)), None] };
    groups.into_iter().flatten()
}

/// The groups of a report by its stack.
fn proven<'a>(report: &'a Sample, stack: &[u32]) -> [Option<Group<'a>>; 2] {
    match stack {
        [first, ..] if stack.len() >= LEAST_FRAMES => {
            [Some(Group::Titled(&report.member.title)), Some(Group::Begun(&report.r#type, *first))]
        }
        _ => [None, None],
    }
}

/// What a stack of so many frames weighs.
fn total(frames: usize) -> f64 {
    (0..frames).map(weight).sum()
}

/// A weight in whole parts, rounded down.
fn parts(weight: f64) -> i32 {
    (weight * FINE).floor() as i32
}

fn share_locks(one: &Cause, other: &Cause) -> bool {
    one.locks.is_empty() || other.locks.is_empty() || one.locks.iter().any(|class| other.locks.contains(class))
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

    /// How many founders are compared with reports that found a cluster each, where there are many already.
    fn compared(samples: &[Sample]) -> usize {
        let stacks = Stacks::of(samples);
        let mut founders = Founders::new(samples, &stacks);
        let mut compared = 0;
        for (at, sample) in samples.iter().enumerate() {
            for group in sought(sample, stacks.stack(at)) {
                let members = &founders.groups[&group];
                if members.all.len() > FEW {
                    compared += founders.near(group, members, stacks.stack(at)).len();
                }
            }
            founders.add(at, at);
        }
        compared
    }

    /// Stacks of one or several functions of their own before the same frames of a system call.
    #[test]
    fn frames_of_a_system_call_bring_nothing_together() {
        let outer = ["vfs_write", "ksys_write", "__x64_sys_write", "do_syscall_64", "entry_SYSCALL_64_after_hwframe"];
        let stack = |number: usize| -> Vec<String> {
            let own = (0..1 + number % 10).map(|at| format!("f{}", (number * 31 + at * 17) % 5000));
            own.chain(outer.map(str::to_owned)).collect()
        };
        let damaged_ones: Vec<Sample> = (0..4000).map(|log| damaged(log, "KASAN in corrupted", &stack(log))).collect();
        let count = compared(&damaged_ones);
        assert!(count < 4 * damaged_ones.len(), "{count} comparisons");
        // The last frame is all that many reports of one title share.
        let whole = |log: usize| -> Sample {
            let own = (0..15).map(|at| format!("g{log}_{at}"));
            let stack: Vec<String> = own.chain([outer[4].to_owned()]).collect();
            Sample { damaged: false, ..damaged(log, "BUG in f", &stack) }
        };
        assert_eq!(compared(&(0..2000).map(whole).collect::<Vec<_>>()), 0);
    }

    #[test]
    fn many_stacks_of_one_title_are_looked_up_and_not_compared_with_each_other() {
        let stack = |number: usize| -> Vec<String> {
            (0..6).map(|at| format!("f{number}_{at}")).chain(["do_syscall_64".to_owned()]).collect()
        };
        let samples: Vec<Sample> = (0..2000).map(|log| damaged(log, "KASAN in corrupted", &stack(log))).collect();
        assert_eq!(compared(&samples), 0);
        assert_eq!(clusters(samples).len(), 2000);
    }

    proptest! {
        #[test]
        fn no_founder_that_is_alike_is_missed(
            stacks in prop::collection::vec(prop::collection::vec("[a-f]", 0..9), 1..60)
        ) {
            let samples: Vec<Sample> = stacks.iter().enumerate().map(|(log, stack)| damaged(log, "t", stack)).collect();
            let known = Stacks::of(&samples);
            let mut founders = Founders::new(&samples, &known);
            for (at, sample) in samples.iter().enumerate() {
                let long = |stack: &[String]| stack.len() >= LEAST_FRAMES;
                let first = samples[..at].iter().position(|other| {
                    long(&other.cause.stack)
                        && long(&sample.cause.stack)
                        && likeness(&sample.cause.stack, &other.cause.stack) >= SAME_STACK
                });
                prop_assert_eq!(founders.home(at), first);
                founders.add(at, at);
            }
        }

        #[test]
        fn the_first_founder_of_a_title_that_is_alike_is_found(
            stacks in prop::collection::vec(prop::collection::vec("[a-z]", 0..17), 1..60)
        ) {
            let whole = |(log, stack): (usize, &Vec<String>)| Sample { damaged: false, ..damaged(log, "t", stack) };
            let samples: Vec<Sample> = stacks.iter().enumerate().map(whole).collect();
            let known = Stacks::of(&samples);
            let mut founders = Founders::new(&samples, &known);
            for (at, sample) in samples.iter().enumerate() {
                let first = samples[..at]
                    .iter()
                    .position(|other| likeness(&sample.cause.stack, &other.cause.stack) >= SAME_TITLE);
                prop_assert_eq!(founders.home(at), first);
                founders.add(at, at);
            }
        }
    }
}

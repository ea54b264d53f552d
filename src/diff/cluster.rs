//! Reports grouped by cause: the title, the likeness of the blamed stack, lock classes.
//!
//! Reports are taken in the order of their titles, logs and indices, whatever order they come in. One whose title, stack and
//! locks are those of an earlier one joins it. Any other joins the first cluster of its title whose founder has a like cause;
//! a damaged report, whose title names nothing that can be trusted, joins a cluster of its type only where the stacks are
//! nearly the same. Else it founds a cluster.
//!
//! Alternative titles do not join clusters here: `bad-access in f` stands for every kind of bad access in a function, and on
//! syzbot's bugs of seven years that puts reports of different bugs together more often than it finds one bug again.

use super::cause::{Cause, cause_of, likeness};
use super::founders::Founders;
use crate::report::Report;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The schema name of [`Cluster`].
pub const CLUSTER_SCHEMA: &str = "kanalyze.cluster/1";

/// Reports of one cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Cluster {
    /// [`CLUSTER_SCHEMA`].
    pub schema: &'static str,
    /// Number of the cluster, from 0, the largest first.
    pub cluster: usize,
    /// How many reports.
    pub size: usize,
    /// The representative's title.
    pub title: String,
    /// All titles of the cluster, sorted.
    pub titles: Vec<String>,
    /// What stands for all.
    pub representative: Member,
    /// The representative's cause.
    pub cause: Cause,
    /// The reports, by log and index.
    pub members: Vec<Member>,
}

/// One report of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Member {
    /// The log.
    pub log: String,
    /// The report's number in its log.
    pub index: usize,
    /// Its title.
    pub title: String,
}

/// What clustering needs of a report.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    pub(super) member: Member,
    pub(super) r#type: String,
    pub(super) damaged: bool,
    pub(super) cause: Cause,
}

/// What clustering needs of a report; small, so that very many fit into memory.
#[must_use]
pub fn sample(report: &Report) -> Sample {
    Sample {
        member: Member { log: report.log.clone(), index: report.index, title: report.title.clone() },
        r#type: report.r#type.clone(),
        damaged: report.corrupted.is_some() || report.frame.is_empty(),
        cause: cause_of(report),
    }
}

/// What two reports of one cause share at least: title, type, stack, locks.
type Same<'a> = (&'a str, &'a str, bool, &'a [String], &'a [String]);

impl Sample {
    fn same(&self) -> Same<'_> {
        (&self.member.title, &self.r#type, self.damaged, &self.cause.stack, &self.cause.locks)
    }
}

/// Groups reports; the largest cluster first, equals by title.
#[must_use]
pub fn clusters(mut samples: Vec<Sample>) -> Vec<Cluster> {
    // Whole reports found clusters before damaged ones look for theirs.
    samples.sort_by(|one, other| {
        let key = |sample: &Sample| {
            (sample.damaged, sample.member.title.clone(), sample.member.log.clone(), sample.member.index)
        };
        key(one).cmp(&key(other))
    });
    let mut found: Vec<Vec<usize>> = Vec::new();
    let mut equal: BTreeMap<Same<'_>, usize> = BTreeMap::new();
    let mut founders = Founders::new(&samples);
    for (at, sample) in samples.iter().enumerate() {
        let home = equal.get(&sample.same()).copied().or_else(|| founders.home(sample));
        let cluster = home.unwrap_or_else(|| {
            founders.add(at, found.len());
            found.push(Vec::new());
            found.len() - 1
        });
        equal.entry(sample.same()).or_insert(cluster);
        found[cluster].push(at);
    }
    found.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one[0].cmp(&other[0])));
    found.into_iter().enumerate().map(|(number, members)| cluster(number, &members, &samples)).collect()
}

fn cluster(number: usize, members: &[usize], samples: &[Sample]) -> Cluster {
    // The one that is most like the others stands for them; the first of equals. Very large clusters are judged by a part.
    let judged: Vec<usize> = members.iter().copied().take(50).collect();
    let worth = |at: usize| -> f64 {
        judged.iter().map(|other| likeness(&samples[at].cause.stack, &samples[*other].cause.stack)).sum()
    };
    let mut best = members[0];
    let mut highest = f64::MIN;
    for at in &judged {
        let value = worth(*at);
        if value > highest + 1e-9 {
            (best, highest) = (*at, value);
        }
    }
    let mut all: Vec<Member> = members.iter().map(|at| samples[*at].member.clone()).collect();
    all.sort();
    let mut titles: Vec<String> = all.iter().map(|member| member.title.clone()).collect();
    titles.sort();
    titles.dedup();
    Cluster {
        schema: CLUSTER_SCHEMA,
        cluster: number,
        size: all.len(),
        title: samples[best].member.title.clone(),
        titles,
        representative: samples[best].member.clone(),
        cause: samples[best].cause.clone(),
        members: all,
    }
}

//! What clustering needs of a report.

use super::cause::{Cause, cause_of};
use super::fingerprint::Fingerprint;
use crate::report::Report;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

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

/// What clustering needs of a report, or of several reports of one cause.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// The report that stands for the others: the first by log and index.
    pub member: Member,
    /// syzbot's type.
    pub r#type: String,
    /// Whether the title names nothing that can be trusted.
    pub damaged: bool,
    /// What it is about.
    pub cause: Cause,
    /// How many reports it stands for.
    pub count: u64,
}

/// What clustering needs of a report; small, so that very many fit into memory.
#[must_use]
pub fn sample(report: &Report) -> Sample {
    let member = Member { log: report.log.clone(), index: report.index, title: report.title.clone() };
    let damaged = report.corrupted.is_some() || report.frame.is_empty();
    Sample::new(member, report.r#type.clone(), damaged, cause_of(report))
}

/// What two reports of one cause share at least: title, type, stack, locks.
pub(super) type Same<'a> = (&'a str, &'a str, bool, &'a [String], &'a [String]);

impl Sample {
    /// What stands for one report.
    #[must_use]
    pub fn new(member: Member, r#type: String, damaged: bool, cause: Cause) -> Self {
        Self { member, r#type, damaged, cause, count: 1 }
    }

    /// What it shares with every report of its cause.
    pub(super) fn same(&self) -> Same<'_> {
        (&self.member.title, &self.r#type, self.damaged, &self.cause.stack, &self.cause.locks)
    }

    /// The name of the cause: equal for reports with equal title, type, stack and locks, whichever log they are in and whichever
    /// release reads it.
    #[must_use]
    pub fn cause_id(&self) -> Fingerprint {
        let (title, r#type, damaged, stack, locks) = self.same();
        Fingerprint::default()
            .with(title.as_bytes())
            .with(r#type.as_bytes())
            .with(&[u8::from(damaged)])
            .with_all(stack)
            .with_all(locks)
    }
}

//! What clustering needs of a report.

use super::cause::{Cause, cause_of};
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
pub(super) type Same<'a> = (&'a str, &'a str, bool, &'a [String], &'a [String]);

impl Sample {
    /// That of this one.
    pub(super) fn same(&self) -> Same<'_> {
        (&self.member.title, &self.r#type, self.damaged, &self.cause.stack, &self.cause.locks)
    }
}

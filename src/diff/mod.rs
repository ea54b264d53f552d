//! What changed between two runs, or two groups of runs.
//!
//! [`reduce`] takes a log (its reports, its events and the few lines that [`lines`] reads) down to a [`Run`] in which
//! nothing is left that changes by itself ([`noise`] has the rules). [`compare`] sets two groups of runs against each other;
//! [`statistics`] says what may be claimed. [`baseline`] holds what is known already, [`cluster`] groups reports by
//! cause.
//!
//! One run against one is compared word for word. As soon as both sides have two runs or more, a difference of rates is
//! only claimed when Fisher's exact test, corrected within its area, stays below 5 %; otherwise the finding says how many
//! runs more it would take.

pub mod baseline;
pub mod cause;
pub mod cluster;
mod compare;
mod crashes;
mod facts;
mod fingerprint;
mod founders;
pub mod lines;
pub mod noise;
mod pace;
mod rates;
mod reach;
pub mod record;
mod run;
mod sample;
mod seen;
mod settings;
mod stacks;
pub mod statistics;
mod titles;
mod undressed;

pub use compare::{compare, rules};
pub use fingerprint::Fingerprint;
pub use record::{DIFF_SCHEMA, Difference, Finding, Verdict};
pub use run::{Crash, Group, Run, reduce};
pub use seen::{Area, Seen};

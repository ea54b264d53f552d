//! What the lines of a log say that the engine does not read.

use super::seen::{Area, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// What the lines say.
#[derive(Debug, Default)]
pub struct LineFacts {
    /// Values by area and name.
    pub settings: BTreeMap<(Area, String), String>,
    /// Modules that a message names as loaded, with the line and when it was printed.
    pub modules: Vec<(String, u64, Option<f64>)>,
    /// Modules that reports list.
    pub listed: Option<BTreeSet<String>>,
    /// Stations of the boot, where they are and when they were reached.
    pub milestones: BTreeMap<&'static str, Seen>,
    /// Times of the first and the last message, seconds since boot; nothing if the log has no such times, or holds several boots.
    pub span: Option<(f64, f64)>,
    /// Templates of messages.
    pub messages: BTreeMap<String, Seen>,
    /// Taint letters, with the line and when it was printed.
    pub taints: Vec<(String, u64, Option<f64>)>,
    /// What is printed without a stamp in a log with stamps, by a short name of its template: firmware and user space, which a log
    /// without stamps does not distinguish from the kernel.
    pub unstamped: BTreeSet<u64>,
    /// What the log says is missing: `times` is how much of it.
    pub lost: BTreeMap<&'static str, Seen>,
}

//! How a boot ended: what its lines say, and what those of the next boot say of it.

use super::clock::{Moment, system_time};
use super::join::Strands;
use super::record::{Ending, Evidence, How};
use super::sign::Says;
use super::strand::{Seen, Sign, Strand};
use crate::calendar::utc;
use crate::grammar::Severity;
use std::collections::BTreeSet;

/// So many lines may follow one that says that the boot ends: some services speak until the very end.
const AFTER: u64 = 200;
/// So many lines of evidence are shown of one thing.
const TOLD: usize = 2;

/// What is known besides the boot itself.
#[derive(Debug)]
pub(super) struct Around<'a> {
    /// The boots after it, the newest first.
    pub newer: &'a [Strands],
    /// Readings that keep what other programs than the kernel say.
    pub with_others: &'a BTreeSet<usize>,
    /// The boot id of the one that runs.
    pub running: Option<&'a str>,
}

/// How a boot ended.
#[must_use]
pub(super) fn ending(boot: &Strands, around: &Around<'_>) -> Ending {
    let Around { newer, with_others, running } = *around;
    let ended = |how, evidence, left, because: Option<String>| Ending { how, left, evidence, because };
    if running.is_some_and(|id| boot.iter().any(|strand| strand.boot_id.as_deref() == Some(id))) {
        return ended(How::Running, Vec::new(), None, None);
    }
    if let Some((evidence, because)) = panic(boot) {
        return ended(How::Panic, evidence, None, because);
    }
    let left = |signs: &[(&Strand, &Sign)]| signs.iter().rev().find_map(|(_, sign)| sign.left);
    let clean = signs(boot, Says::Clean, true);
    if !clean.is_empty() {
        // What was begun says more often how the machine was left.
        let how_left = left(&clean).or_else(|| left(&signs(boot, Says::Begun, true)));
        return ended(How::Clean, last(&clean), how_left, None);
    }
    // A dump without a date is next to nothing.
    let next = newer.iter().rev().find(|next| next.iter().any(|strand| strand.start.or(strand.first).is_some()));
    let unclean = next.map(|next| signs(next, Says::Unclean, false)).unwrap_or_default();
    let reset = signs(boot, Says::Reset, true);
    if !reset.is_empty() {
        return ended(How::Reset, last(&reset), None, None);
    }
    let begun = signs(boot, Says::Begun, true);
    if !begun.is_empty() {
        let (mut evidence, how_left) = (last(&begun), left(&begun));
        let because = if unclean.is_empty() {
            "a shutdown was begun; no source keeps what came after"
        } else {
            evidence.extend(first(&unclean));
            "a shutdown was begun, and the next boot found that it had not been finished"
        };
        return ended(How::ShutdownBegun, evidence, how_left, Some(because.to_owned()));
    }
    let Some(next) = next else {
        return ended(How::Unknown, Vec::new(), None, Some("the logs end there".to_owned()));
    };
    // A source that other programs write to, too, and that has a later boot, would have the shutdown.
    let later = |strand: &&Strand| newer.iter().flatten().any(|other| other.origin == strand.origin);
    let witness = boot.iter().filter(|strand| with_others.contains(&strand.origin)).find(later);
    let logger = boot.iter().find_map(|strand| {
        let sign = strand.signs.iter().rfind(|sign| sign.says == Says::LoggerEnds)?;
        (sign.seen.number == strand.lines).then(|| evidence(strand, &sign.seen))
    });
    if let Some(line) = logger {
        let because = "whoever writes the log was told to end, as in a shutdown; nothing that came after is kept";
        return ended(How::Unknown, vec![line], None, Some(because.to_owned()));
    }
    let mut evidence: Vec<Evidence> =
        witness.and_then(|strand| Some(evidence(strand, strand.last_line()?))).into_iter().collect();
    evidence.extend(first(&unclean));
    if evidence.is_empty() {
        let because = "only lines of the kernel are kept, among which a shutdown would not be seen";
        return ended(How::Unknown, evidence, None, Some(because.to_owned()));
    }
    let because = match (witness, unclean.is_empty()) {
        (None, _) => "the next boot says that this one was not shut down in good order".to_owned(),
        (Some(strand), unclear) => format!(
            "{} keeps what the services say, and after this line comes the next boot{}{}",
            strand.sources.first().map_or("the log", String::as_str),
            silence(boot, next).map_or_else(String::new, |seconds| format!(", {seconds} s later")),
            if unclear { "" } else { ", which found traces of it" }
        ),
    };
    ended(How::SilentReset, evidence, None, Some(because))
}

/// Seconds between the last line of a boot and the start of the next.
fn silence(boot: &Strands, next: &Strands) -> Option<Moment> {
    let last = boot.iter().filter_map(|strand| strand.last).max()?;
    let begun = next.iter().filter_map(|strand| strand.start.or(strand.first)).min()?;
    (begun > last).then_some(begun - last)
}

/// The lines that say that the kernel panicked, or what else does.
fn panic(boot: &Strands) -> Option<(Vec<Evidence>, Option<String>)> {
    let mut lines: Vec<Evidence> = Vec::new();
    for strand in boot {
        let is_panic = |severity: Severity| severity == Severity::Panic;
        let found = strand.reports.iter().find(|placed| is_panic(placed.record.severity)).map(|placed| {
            let seen = Seen {
                source: placed.source,
                line: placed.line,
                text: placed.record.title.clone(),
                at: placed.at,
                time: placed.record.time,
                number: 0,
            };
            evidence(strand, &seen)
        });
        let said = strand.signs.iter().filter(|sign| sign.says == Says::Panic);
        // The kernel's own words say more than the header of a record.
        let said = said.min_by_key(|sign| !sign.by_kernel).map(|sign| evidence(strand, &sign.seen));
        lines.extend(said.or(found));
    }
    lines.truncate(TOLD);
    if !lines.is_empty() {
        return Some((lines, None));
    }
    let dump = boot.iter().find(|strand| strand.is_crash_dump)?;
    let named = dump.sources.first().cloned().unwrap_or_default();
    Some((Vec::new(), Some(format!("{named} was saved by the kernel that starts after a crash"))))
}

/// The lines that say a thing, with their strands; `at_end`: only those after which hardly anything came.
fn signs(boot: &Strands, says: Says, at_end: bool) -> Vec<(&Strand, &Sign)> {
    let all = boot.iter().flat_map(|strand| strand.signs.iter().map(move |sign| (strand, sign)));
    all.filter(|(strand, sign)| sign.says == says && (!at_end || sign.seen.number + AFTER >= strand.lines)).collect()
}

fn last(signs: &[(&Strand, &Sign)]) -> Vec<Evidence> {
    signs.last().map(|(strand, sign)| evidence(strand, &sign.seen)).into_iter().collect()
}

fn first(signs: &[(&Strand, &Sign)]) -> Vec<Evidence> {
    signs.first().map(|(strand, sign)| evidence(strand, &sign.seen)).into_iter().collect()
}

fn evidence(strand: &Strand, seen: &Seen) -> Evidence {
    Evidence {
        source: strand.sources.get(seen.source).cloned().unwrap_or_default(),
        line: (seen.line > 0).then_some(seen.line),
        text: seen.text.clone(),
        at: seen.at.map(|at| utc(system_time(at))),
    }
}

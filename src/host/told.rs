//! The record of one boot: when it was, how it ended, what went wrong in it, each thing once.

use super::clock::{Moment, system_time};
use super::ending::{self, Around};
use super::join::Strands;
use super::record::{BOOT_SCHEMA, Boot, Trouble};
use super::strand::{Placed, Strand};
use crate::calendar::utc;
use crate::grammar::Severity;
use std::collections::BTreeSet;

pub(super) fn boot_record(back: usize, boot: &Strands, around: &Around<'_>) -> Boot {
    let earliest = |of: fn(&Strand) -> Option<Moment>| boot.iter().filter_map(of).min();
    let shown = |at: Option<Moment>| at.map(|at| utc(system_time(at)));
    let from_start = boot.iter().any(|strand| strand.has_banner);
    let start = earliest(|strand| strand.start).filter(|_| from_start);
    let mut sources: Vec<String> = boot.iter().flat_map(|strand| strand.sources.clone()).collect();
    sources.dedup();
    let uptime = boot.iter().filter_map(|strand| strand.uptime).max_by(f64::total_cmp);
    Boot {
        schema: BOOT_SCHEMA,
        back,
        boot_id: boot.iter().find_map(|strand| strand.boot_id.clone()),
        first: shown(start.or(earliest(|strand| strand.first))),
        last: shown(boot.iter().filter_map(|strand| strand.last).max()),
        dumped: shown(earliest(|strand| strand.dumped)),
        zone_unknown: boot.iter().all(|strand| strand.zone_unknown || strand.first.is_none())
            && boot.iter().any(|strand| strand.zone_unknown),
        uptime,
        kernel_version: boot.iter().find_map(|strand| strand.release.clone()),
        ending: ending::ending(boot, around),
        sources,
        crashes: crashes(boot),
        events: events(boot),
    }
}

/// One thing that went wrong, as one strand has it.
struct Told<'a> {
    title: &'a str,
    kind: &'a str,
    severity: Severity,
    time: Option<f64>,
    at: Option<Moment>,
    source: &'a str,
    line: u64,
    strand: usize,
}

fn crashes(boot: &Strands) -> Vec<Trouble> {
    let told = boot.iter().enumerate().flat_map(|(number, strand)| {
        strand.reports.iter().filter(|placed| !placed.record.suppressed).map(move |placed| {
            let report = &placed.record;
            told(number, strand, placed, &report.title, &report.kind, report.severity, report.time)
        })
    });
    once_each(told.collect())
}

fn events(boot: &Strands) -> Vec<Trouble> {
    let told = boot.iter().enumerate().flat_map(|(number, strand)| {
        strand.events.iter().map(move |placed| {
            let event = &placed.record;
            told(number, strand, placed, &event.title, &event.kind, event.severity, event.time)
        })
    });
    once_each(told.collect())
}

fn told<'a, T>(
    number: usize,
    strand: &'a Strand,
    placed: &'a Placed<T>,
    title: &'a str,
    kind: &'a str,
    severity: Severity,
    time: Option<f64>,
) -> Told<'a> {
    let source = strand.sources.get(placed.source).map_or("", String::as_str);
    Told { title, kind, severity, time, at: placed.at, source, line: placed.line, strand: number }
}

/// Each title once, with how often it came. What several sources have with one stamp came once; without stamps the source that
/// has most of it counts.
fn once_each(mut told: Vec<Told<'_>>) -> Vec<Trouble> {
    told.sort_by(|one, other| {
        let key = |told: &Told<'_>| told.time.unwrap_or(f64::INFINITY);
        key(one).total_cmp(&key(other)).then(one.strand.cmp(&other.strand)).then(one.line.cmp(&other.line))
    });
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut titles: BTreeSet<&str> = BTreeSet::new();
    for first in &told {
        if !titles.insert(first.title) {
            continue;
        }
        let same = || told.iter().filter(|one| one.title == first.title);
        let stamps: BTreeSet<u64> = same().filter_map(|one| Some((one.time? * 1e6) as u64)).collect();
        let strands: BTreeSet<usize> = same().map(|one| one.strand).collect();
        let unstamped = strands
            .iter()
            .map(|strand| same().filter(|one| one.strand == *strand && one.time.is_none()).count())
            .max()
            .unwrap_or(0);
        troubles.push(Trouble {
            title: first.title.to_owned(),
            kind: first.kind.to_owned(),
            severity: first.severity,
            count: stamps.len().max(unstamped).max(1),
            time: first.time,
            at: same().find_map(|one| one.at).map(|at| utc(system_time(at))),
            source: first.source.to_owned(),
            line: (first.line > 0).then_some(first.line),
        });
    }
    troubles
}

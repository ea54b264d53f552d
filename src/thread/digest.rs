//! What came of a thread: its state, what is open, who objects; every statement with the messages that it rests on.

use super::applied;
use super::contents::Finding;
use super::deeds::{culprits, deeds};
use super::patch::Posting;
use super::record::{Digest, Entry, Participant, Series, Taken};
use super::series::series;
use super::state::state;
use super::talk::{objections, questions, sentence, unanswered};
use super::tree::Merged;
use std::collections::{BTreeMap, BTreeSet};

/// What came of a thread. `sources` are the messages of `entries`, in their order.
pub(super) fn digest(entries: &[Entry], sources: &[&Merged]) -> Digest {
    let in_time = in_time(entries);
    let series = series(entries, sources);
    let questions = questions(entries, sources, &in_time);
    let objections = objections(entries, sources);
    let taken = taken_elsewhere(entries, sources, &series);
    let (state, evidence, words) = state(entries, &in_time, &series, &taken);
    let sentence = sentence(&words, &questions);
    Digest {
        state,
        sentence,
        evidence,
        extid: entries.iter().find_map(|entry| entry.notice.as_ref()?.extid.clone()).or_else(|| addressed(entries)),
        titles: titles(entries),
        first: in_time.iter().find_map(|at| entries[*at].date.clone()),
        last: in_time.iter().rev().find(|at| entries[**at].time.is_some()).map(|at| at + 1),
        people: people(entries),
        unanswered: unanswered(entries, &questions, &objections, &series),
        deeds: deeds(entries, &in_time),
        culprits: culprits(entries, sources, &in_time),
        series,
        taken,
        questions,
        objections,
    }
}

/// Places of the messages in the order in which they were written; those without a date stay where they were read.
fn in_time(entries: &[Entry]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    let mut last = i64::MIN;
    let times: Vec<i64> = entries
        .iter()
        .map(|entry| {
            last = entry.time.unwrap_or(last);
            last
        })
        .collect();
    order.sort_by_key(|at| (times[*at], *at));
    order
}

/// The bug by the address that people copy.
fn addressed(entries: &[Entry]) -> Option<String> {
    let mut people = entries.iter().flat_map(|entry| entry.to.iter().chain(&entry.cc));
    people.find_map(|person| {
        let rest = person.address.strip_prefix("syzbot+")?;
        let name = crate::syzbot::dashboard::BugName::parse(rest.split('@').next()?).ok()?;
        Some(name.key().to_owned())
    })
}

fn titles(entries: &[Entry]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let findings = entries.iter().flat_map(|entry| &entry.findings);
    let titles =
        findings.filter_map(|finding| if let Finding::Report { title, .. } = finding { Some(title) } else { None });
    titles.filter(|title| seen.insert((*title).clone())).cloned().collect()
}

fn people(entries: &[Entry]) -> Vec<Participant> {
    let mut all: Vec<Participant> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        let key = if entry.from.address.is_empty() { &entry.from.name } else { &entry.from.address };
        let at = *places.entry(key).or_insert(all.len());
        match all.get_mut(at) {
            Some(known) => known.messages += 1,
            None => all.push(Participant { person: entry.from.clone(), messages: 1 }),
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.messages));
    all
}

/// Patches that are not here and that somebody says were applied.
fn taken_elsewhere(entries: &[Entry], sources: &[&Merged], series: &[Series]) -> Vec<Taken> {
    if series.iter().any(|series| series.posting != Posting::Inline) {
        return Vec::new();
    }
    let answers = |entry: &&Entry| entry.from.bot || entry.queued.is_some() || applied::answers_a_patch(&entry.subject);
    let told = entries.iter().filter(answers).filter_map(|entry| {
        let found = applied::applied(&sources[entry.number - 1].message)?;
        Some(super::series::taken(entry, found, None))
    });
    told.collect()
}

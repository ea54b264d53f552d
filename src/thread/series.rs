//! Patches of a thread put together: series, their versions, what others gave them.

use super::applied::{self, Applied};
use super::message::Person;
use super::patch::{Posting, plain_title};
use super::record::{Dropped, Entry, Series, Taken};
use super::speech;
use super::tree::Merged;
use std::collections::{BTreeMap, BTreeSet};

/// The patches of a thread, the latest last. `sources` are the messages of `entries`.
pub(super) fn series(entries: &[Entry], sources: &[&Merged]) -> Vec<Series> {
    let heads: Vec<Option<usize>> = (0..entries.len()).map(|at| head(entries, at)).collect();
    let mut groups: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let (Some(head), Some(_)) = (heads[at], &entry.patch) else { continue };
        // A bot's diff is what it tells of, no patch of its own.
        if entry.from.bot && entry.patch.as_ref().is_some_and(|patch| patch.posting == Posting::Inline) {
            continue;
        }
        let inline = entries[head].patch.as_ref().is_some_and(|patch| patch.posting == Posting::Inline);
        let title = if inline {
            format!("inline {}", plain_title(&entries[head].subject))
        } else {
            plain_title(&entries[head].subject)
        };
        groups.entry((entries[head].from.address.clone(), title)).or_default().push(at);
    }
    let mut all: Vec<Series> = groups.into_values().filter_map(|group| one(entries, &heads, &group)).collect();
    for (series, number) in offered(entries, sources, &all) {
        let entry = &entries[number - 1];
        let one: &mut Series = &mut all[series];
        if let Some(found) = applied::applied(&sources[number - 1].message) {
            // Who took an earlier version has not taken the one that came later.
            if entries[one.number - 1].time <= entry.time {
                let about = answered_patch(entries, number, one);
                one.take(taken(entry, found, about));
            }
        } else if let Some(taken) = &one.taken
            && entries[taken.number - 1].from.address == entry.from.address
            && let Some(words) = speech::dropped(&sources[number - 1].message)
        {
            one.dropped = Some(Dropped { number, words });
        }
        if entry.from.address != one.author.address {
            one.tags.extend(
                entry
                    .trailers
                    .iter()
                    .filter(|tag| tag.key.to_ascii_lowercase().ends_with("-by"))
                    .map(|tag| (number, tag.clone())),
            );
        }
    }
    all.sort_by_key(|series| (entries[series.number - 1].time, series.number));
    all
}

/// What a message says of a patch that was applied; `about` is the number of the patch that it answers.
pub(super) fn taken(entry: &Entry, found: Applied, about: Option<u32>) -> Taken {
    let mut patches = found.patches;
    if found.whole {
        patches.clear();
    } else if patches.is_empty() {
        patches.extend(about);
    }
    patches.sort_unstable();
    patches.dedup();
    let who = entry.from.shown().to_owned();
    let Applied { words, title, tree, by, commits, .. } = found;
    Taken { number: entry.number, title, who, by, tree, commits, patches, words }
}

/// The number of the one patch of a series below which a message stands.
fn answered_patch(entries: &[Entry], number: usize, series: &Series) -> Option<u32> {
    let mut above = entries[number - 1].parent;
    while let Some(number) = above {
        let entry = &entries[number - 1];
        if let Some(patch) = entry.patch.as_ref().filter(|patch| patch.posting == series.posting) {
            return (series.total > 1 && patch.number > 0).then_some(patch.number);
        }
        above = entry.parent;
    }
    None
}

/// The first patch or the cover letter of the series that a patch is in.
fn head(entries: &[Entry], at: usize) -> Option<usize> {
    let own = entries[at].patch.as_ref()?;
    let mut head = at;
    let mut above = entries[at].parent;
    while let Some(number) = above {
        let entry = &entries[number - 1];
        let same = entry.patch.as_ref().is_some_and(|patch| {
            patch.posting == own.posting && patch.version == own.version && patch.total == own.total && own.total > 1
        });
        if same && entry.from.address == entries[at].from.address {
            head = number - 1;
        }
        above = entry.parent;
    }
    if head == at && own.number > 1 {
        // Sent without a thread: the series' first patch is another message of the same author, version and length.
        let first = entries.iter().position(|entry| {
            let patch = entry.patch.as_ref();
            entry.from.address == entries[at].from.address
                && patch
                    .is_some_and(|patch| patch.number < 2 && patch.total == own.total && patch.version == own.version)
        });
        return Some(first.unwrap_or(at));
    }
    Some(head)
}

fn one(entries: &[Entry], heads: &[Option<usize>], group: &[usize]) -> Option<Series> {
    let patch = |at: usize| entries[at].patch.as_ref();
    let versions: BTreeSet<u32> = group.iter().filter_map(|at| patch(*at)).map(|patch| patch.version).collect();
    let version = *versions.last()?;
    let latest: Vec<usize> =
        group.iter().copied().filter(|at| patch(*at).is_some_and(|patch| patch.version == version)).collect();
    // A version that was sent again counts once: the last time.
    let start = latest.iter().copied().filter(|at| heads[*at] == Some(*at)).max_by_key(|at| entries[*at].time)?;
    let first = patch(start)?;
    let (mut files, mut insertions, mut deletions, mut numbers) = (BTreeSet::new(), 0, 0, BTreeSet::new());
    for at in latest.iter().filter(|at| heads[**at] == Some(start)) {
        let Some(patch) = patch(*at) else { continue };
        files.extend(patch.files.iter().cloned());
        insertions += patch.insertions;
        deletions += patch.deletions;
        numbers.insert(patch.number);
    }
    numbers.remove(&0);
    Some(Series {
        author: entries[start].from.clone(),
        title: first.title.clone(),
        posting: first.posting,
        version,
        versions: versions.into_iter().collect(),
        total: first.total,
        present: numbers.len(),
        number: start + 1,
        date: entries[start].date.clone(),
        files: files.into_iter().collect(),
        insertions,
        deletions,
        tags: Vec::new(),
        taken: None,
        dropped: None,
    })
}

/// Answers to patches: the series, and the answer's number, in the order of time.
fn offered(entries: &[Entry], sources: &[&Merged], all: &[Series]) -> Vec<(usize, usize)> {
    let key = |person: &Person, title: &str| (person.address.clone(), plain_title(title));
    let known: BTreeMap<(String, String), usize> = all
        .iter()
        .enumerate()
        .map(|(at, series)| (key(&series.author, &entries[series.number - 1].subject), at))
        .collect();
    let mut answers = Vec::new();
    // The series that each message is in, or stands below; a message comes behind what it answers.
    let mut above: Vec<Option<usize>> = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        let place = head(entries, at).and_then(|head| known.get(&key(&entries[head].from, &entries[head].subject)));
        let below = entry.parent.and_then(|number| above.get(number - 1).copied().flatten());
        above.push(place.copied().or(below));
        let own = entry.patch.as_ref().is_some_and(|patch| patch.posting != Posting::Inline);
        if !own
            && sources.get(at).is_some()
            && let Some(series) = below
        {
            answers.push((series, at + 1));
        }
    }
    answers.sort_by_key(|(_, number)| (entries[number - 1].time, *number));
    answers
}

//! How far a thread is, the messages that say so, and the same in words.

use super::command::Verb;
use super::notice::Saying;
use super::patch::Posting;
use super::queue::Fate;
use super::record::{Entry, Series, State, Taken};

/// Words in subjects of reports.
const REPORTS: [&str; 17] = [
    "bug",
    "crash",
    "panic",
    "oops",
    "hang",
    "hung",
    "hangs",
    "deadlock",
    "lockup",
    "stall",
    "stalls",
    "regression",
    "warning",
    "kasan",
    "ubsan",
    "kmsan",
    "syzbot",
];

/// How far it is, the messages that say so, and the same in words.
pub(super) fn state(
    entries: &[Entry],
    in_time: &[usize],
    series: &[Series],
    elsewhere: &[Taken],
) -> (State, Vec<usize>, String) {
    if let Some(told) = told(entries, in_time) {
        return told;
    }
    let posted: Vec<&Series> = series.iter().filter(|series| series.posting != Posting::Inline).collect();
    let stays = |series: &&&Series| series.dropped.is_none();
    if let Some((series, taken)) =
        posted.iter().rev().filter(stays).find_map(|series| Some((series, series.taken.as_ref()?)))
    {
        let part = of_patches(&taken.patches, series.total);
        let words = format!("{part}{} {}", patch_name(series), applied_words(taken));
        let state = if part.is_empty() { State::Applied } else { State::PartlyApplied };
        return (state, vec![series.number, taken.number], words);
    }
    if let Some(series) = posted.last()
        && let (Some(taken), Some(dropped)) = (&series.taken, &series.dropped)
    {
        let words = format!("{} applied and dropped again, says {}", patch_name(series), taken.who);
        return (State::PatchPosted, vec![series.number, taken.number, dropped.number], words);
    }
    if let Some(series) = posted.last() {
        let words = format!("{} posted by {}", patch_name(series), series.author.shown());
        return (State::PatchPosted, vec![series.number], words);
    }
    let report = entries.iter().position(|entry| {
        let first = entry.parent.is_none();
        let subject = entry.subject.to_lowercase();
        let named = subject.split(|char: char| !char.is_alphanumeric()).any(|word| REPORTS.contains(&word));
        !entry.findings.is_empty()
            || (first && named)
            || entry.notice.as_ref().is_some_and(|notice| notice.saying == Saying::Found)
    });
    if let Some(taken) = elsewhere.last() {
        let some = if taken.patches.is_empty() { "" } else { "some patches of " };
        let state = if some.is_empty() { State::Applied } else { State::PartlyApplied };
        let patch =
            taken.title.as_ref().map_or("a patch that is not in these messages".to_owned(), |title| quote(title));
        return (state, vec![taken.number], format!("{some}{patch} was {}", applied_words(taken)));
    }
    if let Some((entry, queued)) = entries.iter().rev().find_map(|entry| Some((entry, entry.queued.as_ref()?))) {
        let fate = if queued.fate == Fate::Failed { "does not apply" } else { "was dropped" };
        let words = format!("{} {fate}, says {}", quote(&queued.patch), entry.from.shown());
        return (State::PatchPosted, vec![entry.number], words);
    }
    let Some(report) = report else {
        return (State::Unknown, Vec::new(), "unknown: no report and no patch in these messages".to_owned());
    };
    let reporter = &entries[report].from.address;
    let talk: Vec<usize> = in_time
        .iter()
        .filter(|at| **at != report && !entries[**at].from.bot && entries[**at].from.address != *reporter)
        .map(|at| at + 1)
        .collect();
    if talk.is_empty() {
        return (State::Reported, vec![report + 1], "reported, no answer in these messages".to_owned());
    }
    let evidence = std::iter::once(report + 1).chain(talk).collect();
    let words = match series.last() {
        Some(tried) => format!(
            "under investigation, no patch posted, a diff by {} (message {})",
            tried.author.shown(),
            tried.number
        ),
        None => "under investigation, no patch".to_owned(),
    };
    (State::Investigating, evidence, words)
}

/// What people told syzbot last about the bug itself.
fn told(entries: &[Entry], in_time: &[usize]) -> Option<(State, Vec<usize>, String)> {
    let mut told = None;
    for at in in_time.iter().copied().filter(|at| !entries[*at].from.bot) {
        let who = entries[at].from.shown();
        for command in &entries[at].commands {
            let title = &command.argument;
            told = match command.verb {
                Verb::Fix => Some((State::Fixed, vec![at + 1], format!("fixed by \"{title}\", says {who}"))),
                Verb::Dup => Some((State::Duplicate, vec![at + 1], format!("a duplicate of \"{title}\", says {who}"))),
                Verb::Invalid => Some((State::Invalid, vec![at + 1], format!("no bug, says {who}"))),
                Verb::Unfix | Verb::Undup => None,
                _ => continue,
            };
        }
    }
    told
}

fn quote(title: &str) -> String {
    format!("\"{title}\"")
}

/// `applied to net (main) by Ann Example, commit 0123456789ab, says a bot`
fn applied_words(taken: &Taken) -> String {
    let mut words = match &taken.tree {
        Some(tree) => format!("applied to {tree}"),
        None => "applied (no tree is named)".to_owned(),
    };
    if let Some(by) = &taken.by {
        words.push_str(&format!(" by {by}"));
    }
    match taken.commits.as_slice() {
        [] => {}
        [one] => words.push_str(&format!(", commit {}", short(one))),
        [first, .., last] => {
            words.push_str(&format!(", {} commits, {} to {}", taken.commits.len(), short(first), short(last)))
        }
    }
    format!("{words}, says {}", taken.who)
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// `patches 1, 3 of 5 of `, where only some were applied.
fn of_patches(patches: &[u32], total: u32) -> String {
    let numbers: Vec<String> = patches.iter().map(u32::to_string).collect();
    match numbers.len() {
        0 => String::new(),
        1 => format!("patch {} of {total} of ", numbers[0]),
        _ => format!("patches {} of {total} of ", numbers.join(", ")),
    }
}

fn patch_name(series: &Series) -> String {
    let kind = match (series.posting, series.total) {
        (Posting::Pull, _) => return "pull request".to_owned(),
        (Posting::Rfc, _) => "RFC patch",
        (_, total) if total > 1 => "patch series",
        _ => "patch",
    };
    format!("{kind} v{}", series.version)
}

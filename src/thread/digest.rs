//! What came of a thread: its state, what is open, who objects; every statement with the messages that it rests on.

use super::applied;
use super::command::Verb;
use super::contents::Finding;
use super::message::one_line;
use super::notice::Saying;
use super::patch::Posting;
use super::queue::Fate;
use super::record::{Deed, Digest, Entry, Objection, Participant, Question, Series, State, Taken};
use super::series::series;
use super::speech::{self, Quotes};
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

/// Whether a person wrote a message, and not a program or a script of somebody's.
fn speaks(entry: &Entry) -> bool {
    !entry.from.bot && entry.queued.is_none()
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

/// Questions of one thread that are kept.
const QUESTIONS: usize = 500;
/// Askers that the sentence names.
const ASKERS: usize = 4;
/// An answer is among so many messages after the question, or below it.
const REACH: usize = 1000;

fn questions(entries: &[Entry], sources: &[&Merged], in_time: &[usize]) -> Vec<Question> {
    let quotes: Vec<Quotes> = sources.iter().map(|merged| Quotes::of(&merged.message)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); entries.len()];
    for (at, entry) in entries.iter().enumerate() {
        if let Some(parent) = entry.parent {
            children[parent - 1].push(at);
        }
    }
    let mut all = Vec::new();
    for (place, at) in in_time.iter().copied().enumerate().filter(|(_, at)| speaks(&entries[*at])) {
        for words in speech::questions(&sources[at].message) {
            if all.len() == QUESTIONS {
                return all;
            }
            // Clocks of mail programs differ: an answer is later or stands below.
            let later = in_time[place + 1..].iter().take(REACH).copied();
            let answers = |other: &usize| {
                let below =
                    entries[*other].parent == Some(at + 1) && entries[*other].from.address != entries[at].from.address;
                !entries[*other].from.bot && ((below && quotes[*other].plain) || quotes[*other].answer(&words))
            };
            let answered_by = children[at].iter().copied().chain(later).find(answers).map(|other| other + 1);
            all.push(Question { number: at + 1, who: entries[at].from.shown().to_owned(), words, answered_by });
        }
    }
    all
}

/// Numbers of the messages that a person other than their author answers.
fn answered(entries: &[Entry]) -> BTreeSet<usize> {
    let people = entries.iter().filter(|entry| !entry.from.bot);
    let others = people.filter_map(|entry| Some((entry, entry.parent?)));
    others.filter(|(entry, to)| entries[to - 1].from.address != entry.from.address).map(|(_, to)| to).collect()
}

fn objections(entries: &[Entry], sources: &[&Merged]) -> Vec<Objection> {
    let (mut all, answered) = (Vec::new(), answered(entries));
    for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| speaks(entry)) {
        let to_another = entry.parent.is_some_and(|parent| entries[parent - 1].from.address != entry.from.address);
        if !to_another {
            continue;
        }
        let message = &sources[at].message;
        let tag = entry.trailers.iter().find(|tag| tag.is_refusal()).map(|tag| format!("{}: {}", tag.key, tag.value));
        let stated = tag.or_else(|| speech::refusal(message));
        let answered = answered.contains(&(at + 1));
        let mut add = |words: String, stated: bool| {
            all.push(Objection { number: at + 1, who: entry.from.shown().to_owned(), words, stated, answered });
        };
        let doubts = speech::doubts(message);
        for words in doubts.into_iter().filter(|words| stated.as_ref() != Some(words)) {
            add(words, false);
        }
        if let Some(words) = stated {
            add(words, true);
        }
    }
    all
}

/// Messages of people that ask, object, report or hold a patch, and that no person answered.
fn unanswered(entries: &[Entry], questions: &[Question], objections: &[Objection], series: &[Series]) -> Vec<usize> {
    let answered = answered(entries);
    // Who replies without the question in a quote may have answered it.
    let left = |question: &&Question| question.answered_by.is_none() && !answered.contains(&question.number);
    let mut open: BTreeSet<usize> = questions.iter().filter(left).map(|question| question.number).collect();
    open.extend(objections.iter().filter(|objection| !objection.answered).map(|objection| objection.number));
    for (at, entry) in entries.iter().enumerate() {
        let wants = entry.patch.as_ref().is_some_and(|patch| patch.number < 2)
            || (!entry.findings.is_empty() && entry.parent.is_none());
        // A bot that tells that it was applied answers, too.
        let taken = series.iter().any(|series| series.number == at + 1 && series.taken.is_some());
        let answered = taken || answered.contains(&(at + 1));
        if wants && !answered && (!entry.from.bot || entry.parent.is_none()) {
            open.insert(at + 1);
        }
    }
    open.into_iter().collect()
}

fn deeds(entries: &[Entry], in_time: &[usize]) -> Vec<Deed> {
    let mut all = Vec::new();
    for at in in_time.iter().copied() {
        let entry = &entries[at];
        let mut add = |words: String| all.push(Deed { number: at + 1, who: entry.from.shown().to_owned(), words });
        for command in &entry.commands {
            let name = verb_name(command.verb);
            add(one_line(&format!("tells syzbot: {name} {}", command.argument)));
        }
        let Some(notice) = &entry.notice else { continue };
        let words = match notice.saying {
            Saying::Found => "reports the bug".to_owned(),
            Saying::Reproducer => "has a reproducer".to_owned(),
            Saying::Bisected if notice.inconclusive => "bisected it without a single commit".to_owned(),
            Saying::Bisected => match &notice.bisected {
                Some(commit) => format!("bisected it to {commit}"),
                None => "bisected it".to_owned(),
            },
            Saying::FixSuspected => match &notice.bisected {
                Some(commit) => format!("suspects that it was fixed by {commit}"),
                None => "suspects that it was fixed".to_owned(),
            },
            Saying::TestPassed => "tested the patch: the reproducer did not trigger anything".to_owned(),
            Saying::TestFailed => "tested the patch: it still crashes".to_owned(),
            Saying::TestImpossible => "could not test the patch: it does not build or boot".to_owned(),
            Saying::Backport => "suggests a backport".to_owned(),
            Saying::Other => continue,
        };
        add(words);
        if notice.saying == Saying::Found
            && let Some(commit) = &notice.bisected
        {
            add(format!("bisected it to {commit}"));
        }
    }
    all
}

fn culprits(entries: &[Entry], sources: &[&Merged], in_time: &[usize]) -> Vec<Deed> {
    let people = in_time.iter().copied().filter(|at| speaks(&entries[*at]));
    let said = people.flat_map(|at| {
        let who = entries[at].from.shown();
        let all = super::culprit::culprits(&sources[at].message).into_iter();
        all.map(move |words| Deed { number: at + 1, who: who.to_owned(), words })
    });
    said.collect()
}

fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Fix => "fix:",
        Verb::Unfix => "unfix",
        Verb::Dup => "dup:",
        Verb::Undup => "undup",
        Verb::Test => "test",
        Verb::Invalid => "invalid",
        Verb::Upstream => "upstream",
        Verb::Set => "set",
        Verb::Unset => "unset",
        Verb::Uncc => "uncc",
        Verb::Unknown => "(a command that it does not know)",
    }
}

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
fn state(entries: &[Entry], in_time: &[usize], series: &[Series], elsewhere: &[Taken]) -> (State, Vec<usize>, String) {
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

fn patch_name(series: &Series) -> String {
    let kind = match (series.posting, series.total) {
        (Posting::Pull, _) => return "pull request".to_owned(),
        (Posting::Rfc, _) => "RFC patch",
        (_, total) if total > 1 => "patch series",
        _ => "patch",
    };
    format!("{kind} v{}", series.version)
}

fn sentence(state: &str, questions: &[Question]) -> String {
    let open: Vec<&Question> = questions.iter().filter(|question| question.answered_by.is_none()).collect();
    let mut askers: Vec<&str> = Vec::new();
    for question in &open {
        if !askers.contains(&question.who.as_str()) {
            askers.push(&question.who);
        }
    }
    let more = askers.len().saturating_sub(ASKERS);
    let mut names = askers[..askers.len() - more].join(", ");
    if more > 0 {
        names.push_str(&format!(" and {more} more"));
    }
    let asked = match open.len() {
        0 => "no open question".to_owned(),
        1 => format!("one open question ({names})"),
        count if questions.len() == QUESTIONS => format!("at least {count} open questions ({names})"),
        count => format!("{count} open questions ({names})"),
    };
    format!("{state}, {asked}")
}

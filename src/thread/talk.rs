//! What is asked and objected in a thread, who answers, and what nobody answered.

use super::record::{Entry, Objection, Question, Series};
use super::speech::{self, Quotes};
use super::tree::Merged;
use std::collections::BTreeSet;

/// Whether a person wrote a message, and not a program or a script of somebody's.
pub(super) fn speaks(entry: &Entry) -> bool {
    !entry.from.bot && entry.queued.is_none()
}

/// Questions of one thread that are kept.
const QUESTIONS: usize = 500;
/// Askers that the sentence names.
const ASKERS: usize = 4;
/// An answer is among so many messages after the question, or below it.
const REACH: usize = 1000;

/// What people ask, and the message that answers it, if one does.
pub(super) fn questions(entries: &[Entry], sources: &[&Merged], in_time: &[usize]) -> Vec<Question> {
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

/// What people refuse or doubt of what another wrote.
pub(super) fn objections(entries: &[Entry], sources: &[&Merged]) -> Vec<Objection> {
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
pub(super) fn unanswered(
    entries: &[Entry],
    questions: &[Question],
    objections: &[Objection],
    series: &[Series],
) -> Vec<usize> {
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

/// How far it is (`state`), and what is open.
pub(super) fn sentence(state: &str, questions: &[Question]) -> String {
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

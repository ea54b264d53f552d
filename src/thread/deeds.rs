//! What was done in a thread, and which commits people name as the cause.

use super::command::Verb;
use super::message::one_line;
use super::notice::Saying;
use super::record::{Deed, Entry};
use super::talk::speaks;
use super::tree::Merged;

/// What people told syzbot, and what syzbot told.
pub(super) fn deeds(entries: &[Entry], in_time: &[usize]) -> Vec<Deed> {
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

/// Commits that people name as the cause, in their words.
pub(super) fn culprits(entries: &[Entry], sources: &[&Merged], in_time: &[usize]) -> Vec<Deed> {
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

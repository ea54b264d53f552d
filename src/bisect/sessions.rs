//! Several sessions in one text: each is reported, and none twice.

use super::record::{Bisection, Origin, Outcome, Role, Verdict};
use std::collections::BTreeSet;

/// A session is compared with so many before it: who quotes one has not written a book between them.
const NEAR: usize = 64;

/// Leaves out sessions that another one of the text contains: a log that was sent before it was finished, or quoted again.
#[must_use]
pub(super) fn told_once(all: Vec<Bisection>) -> Vec<Bisection> {
    let mut kept: Vec<Bisection> = Vec::new();
    for mut found in all {
        let near = |kept: &[Bisection]| kept.len().saturating_sub(NEAR);
        let from = near(&kept);
        if let Some(known) = kept[from..].iter_mut().find(|known| contains(known, &found)) {
            adopt(known, found);
            continue;
        }
        while let Some(at) = kept[near(&kept)..].iter().position(|known| contains(&found, known)) {
            let at = near(&kept) + at;
            adopt(&mut found, kept.remove(at));
        }
        kept.push(found);
    }
    answered_above(&mut kept);
    if kept.iter().any(has_result) {
        kept.retain(has_result);
    }
    kept
}

/// Whether a session says more than where it begins. What does not is advice, or the command that a log shows again below.
fn has_result(found: &Bisection) -> bool {
    let answered = !matches!(found.outcome, Outcome::Incomplete);
    answered || found.revisions_left.is_some() || found.steps.iter().any(|step| step.role != Role::Given)
}

/// People show git's answer first and then the log, without the answer: it ends with the commit that git named.
fn answered_above(kept: &mut Vec<Bisection>) {
    let last_bad = |found: &Bisection| {
        let steps = found.steps.iter().filter(|step| step.role == Role::Bisect);
        steps.rev().find(|step| step.verdict == Some(Verdict::Bad)).map(|step| step.commit.clone())
    };
    let bare =
        |found: &Bisection| found.outcome == Outcome::Culprit && found.steps.iter().all(|step| step.commit == "HEAD");
    let mut left_out = vec![false; kept.len()];
    for answer in 0..kept.len() {
        if !bare(&kept[answer]) {
            continue;
        }
        let named = kept[answer].commits.first().map(String::as_str);
        let is_log = |at: &usize| kept[*at].outcome == Outcome::Incomplete && last_bad(&kept[*at]).as_deref() == named;
        let mut near = answer.saturating_sub(NEAR)..kept.len().min(answer + NEAR);
        let Some(log) = near.find(is_log) else { continue };
        let above = kept[answer].clone();
        let below = &mut kept[log];
        (below.outcome, below.revisions_left) = (Outcome::Culprit, None);
        below.commits.clone_from(&above.commits);
        below.culprit.clone_from(&above.culprit);
        let named = below.steps.iter().rev().find(|step| below.commits.contains(&step.commit));
        let subject = named.and_then(|step| step.subject.clone());
        if let (Some(culprit), Some(subject)) = (&mut below.culprit, subject) {
            culprit.subject = subject;
        }
        below.flags = above.flags;
        adopt(below, above);
        left_out[answer] = true;
    }
    let mut left_out = left_out.into_iter();
    kept.retain(|_| !left_out.next().unwrap_or_default());
}

/// Says what a log without an answer has shown: git looks for the first bad commit among the ancestors of the last one.
pub(super) fn ends_open(found: &mut Bisection) {
    let last = found.steps.iter().rev().find(|step| step.verdict == Some(Verdict::Bad) && step.role != Role::Check);
    let Some(last) = last.filter(|step| step.commit != "HEAD" && !found.truncated) else { return };
    if found.outcome == Outcome::Incomplete && found.dialect.name != Origin::GitVisualize {
        let commit = last.commit.get(..12).unwrap_or(&last.commit);
        let (old, new) = found.terms.as_ref().map_or(("good", "bad"), |terms| (&terms.old[..], &terms.new[..]));
        found.notes.push(if found.steps.iter().any(|step| step.verdict == Some(Verdict::Good)) {
            format!("the first {new} commit is {commit} or one of its ancestors")
        } else {
            format!("no commit is known to be {old}; {commit} is {new}")
        });
    }
}

/// Whether `whole` says everything that `part` says: the same verdicts from the beginning on; or the same answer and verdicts that are
/// among its own, for a terminal shows them without the beginning and without names.
fn contains(whole: &Bisection, part: &Bisection) -> bool {
    let (all, some) = (told(whole), told(part));
    let answered = !part.commits.is_empty() && part.commits == whole.commits;
    let among = || {
        let all: BTreeSet<&(&str, Verdict)> = all.iter().collect();
        // A log has the hashes of the ends that a terminal calls by their names.
        let is_name = |one: &(&str, Verdict)| !one.0.bytes().all(|byte| byte.is_ascii_hexdigit());
        some.iter().all(|one| is_name(one) || all.contains(one))
    };
    let is_excerpt = part.truncated || part.dialect.name == Origin::GitVisualize;
    match (answered, part.commits.is_empty()) {
        (true, _) => among(),
        (false, true) => all.starts_with(&some) || (is_excerpt && among()),
        (false, false) => false,
    }
}

fn told(found: &Bisection) -> Vec<(&str, Verdict)> {
    let steps = found.steps.iter().filter(|step| step.role != Role::Check);
    steps.filter_map(|step| Some((step.commit.as_str(), step.verdict?))).collect()
}

/// Keeps what only the session that is left out shows.
fn adopt(kept: &mut Bisection, left: Bisection) {
    match (&mut kept.culprit, left.culprit) {
        (Some(culprit), Some(other)) if culprit.author.is_none() && culprit.commit == other.commit => {
            let subject = std::mem::take(&mut culprit.subject);
            *culprit = other;
            if !subject.is_empty() {
                culprit.subject = subject;
            }
        }
        _ => {}
    }
    for revert in left.reverts {
        if kept.reverts.iter().all(|known| known.words != revert.words) {
            kept.reverts.push(revert);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bisect::read;

    const FIRST: &str = "git bisect start\ngit bisect bad 1111111\ngit bisect good 2222222\ngit bisect bad 3333333\n";

    fn answers(text: &str) -> Vec<usize> {
        read("-", text.as_bytes(), &|_| Vec::new()).iter().map(|found| found.steps.len()).collect()
    }

    #[test]
    fn a_log_that_is_printed_again_longer_is_one() {
        assert_eq!(answers(&format!("{FIRST}\nlater:\n\n{FIRST}git bisect good 4444444\n")), [4]);
        assert_eq!(answers(&format!("{FIRST}git bisect good 4444444\n\nas I said\n\n{FIRST}")), [4]);
    }

    #[test]
    fn another_log_is_another_session() {
        assert_eq!(answers(&format!("{FIRST}\n{}", FIRST.replace("bad 3333333", "good 3333333"))), [3, 3]);
    }

    #[test]
    fn an_empty_start_and_prose_are_no_sessions() {
        assert_eq!(answers("git bisect start\ngit bisect points to mm\n"), Vec::<usize>::new());
        assert_eq!(answers("root:x:0:0:root:/root:/bin/bash\n"), Vec::<usize>::new());
        assert_eq!(answers(""), Vec::<usize>::new());
    }
}

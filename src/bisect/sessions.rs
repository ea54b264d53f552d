//! Several sessions in one text: each is told, and none twice.

use super::record::{Bisection, Role, Verdict};

/// Leaves out sessions that another one of the text contains: a log that was sent before it was finished, or quoted again.
#[must_use]
pub fn told_once(all: Vec<Bisection>) -> Vec<Bisection> {
    let mut kept: Vec<Bisection> = Vec::new();
    for mut found in all {
        if let Some(known) = kept.iter_mut().find(|known| contains(known, &found)) {
            adopt(known, found);
            continue;
        }
        while let Some(at) = kept.iter().position(|known| contains(&found, known)) {
            adopt(&mut found, kept.remove(at));
        }
        kept.push(found);
    }
    kept
}

/// Whether `whole` says everything that `part` says: the same verdicts from the beginning on, or, where the beginning of `part` is
/// missing, among its own, and the same answer.
fn contains(whole: &Bisection, part: &Bisection) -> bool {
    let (all, some) = (told(whole), told(part));
    let same = part.commits.is_empty() || part.commits == whole.commits;
    let begins = all.starts_with(&some);
    same && (begins || (part.truncated && some.iter().all(|one| all.contains(one) || one.0 == "HEAD")))
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

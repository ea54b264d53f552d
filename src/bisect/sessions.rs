//! Several sessions in one text: each is reported, and none twice.

use super::record::{Bisection, Origin, Role, Verdict};

/// Leaves out sessions that another one of the text contains: a log that was sent before it was finished, or quoted again.
#[must_use]
pub(super) fn told_once(all: Vec<Bisection>) -> Vec<Bisection> {
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

/// Whether `whole` says everything that `part` says: the same verdicts from the beginning on; or the same answer and verdicts that are
/// among its own, for a terminal shows them without the beginning and without names.
fn contains(whole: &Bisection, part: &Bisection) -> bool {
    let (all, some) = (told(whole), told(part));
    let answered = !part.commits.is_empty() && part.commits == whole.commits;
    let among = some.iter().all(|one| all.contains(one) || one.0 == "HEAD");
    let is_excerpt = part.truncated || part.dialect.name == Origin::GitVisualize;
    match (answered, part.commits.is_empty()) {
        (true, _) => among,
        (false, true) => all.starts_with(&some) || (is_excerpt && among),
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

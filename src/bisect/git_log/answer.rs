//! What git answers, and what is known of a session when it ends.

use super::super::record::{Culprit, Flags, Origin, Outcome, Verdict};
use super::super::{summary, words};
use super::{Bisection, Reader, short};

/// How many candidates are kept.
const CANDIDATES: usize = 4096;

impl Reader {
    pub(super) fn first(&mut self, possible: bool, word: &str, commit: &[u8], subject: &[u8]) {
        if !word.is_empty() && self.terms.new == "bad" {
            word.clone_into(&mut self.terms.new);
        }
        self.answer(possible, &words(commit), words(subject));
    }

    pub(super) fn answer(&mut self, possible: bool, commit: &str, subject: String) {
        self.tested();
        (self.answered, self.resumed) = (true, false);
        let subject = subject.trim().to_owned();
        // The comment below may have been broken where the one above was not, or prose may have run into it.
        let subject = match self.subjects.get(commit) {
            Some(known) if known.starts_with(&subject) || subject.starts_with(known) => known.clone(),
            _ => subject,
        };
        if possible {
            self.found.outcome = Outcome::Candidates;
            if self.found.commits.len() < CANDIDATES && !self.found.commits.iter().any(|known| known == commit) {
                self.found.commits.push(commit.to_owned());
            }
        } else {
            self.found.outcome = Outcome::Culprit;
            self.found.commits = vec![commit.to_owned()];
            let known = self.found.culprit.take().filter(|culprit| culprit.commit == commit).unwrap_or_default();
            let subject = if subject.is_empty() { known.subject.clone() } else { subject };
            self.found.culprit = Some(Culprit { commit: commit.to_owned(), subject, ..known });
        }
    }

    pub(super) fn end_dump(&mut self) {
        if let (Some(mut dump), Some(culprit)) = (self.dump.take(), &mut self.found.culprit) {
            dump.fill(culprit);
        }
    }

    pub(super) fn finish(mut self) -> Bisection {
        self.end_dump();
        self.end_runs();
        self.found.reverts.extend(self.prose.end());
        if self.found.steps.is_empty() {
            // Somebody sent the comments and left the commands out.
            for (line, word, commit) in std::mem::take(&mut self.comments) {
                if let Some(verdict) = self.verdict(&word) {
                    self.mark(line, verdict, &commit, "");
                }
            }
        }
        let mut found = self.found;
        // Whoever marked the merge base otherwise went on.
        let holds = |commit: &String| self.marks.get(commit).is_none_or(|(_, verdict)| *verdict == Verdict::Bad);
        match (&self.merge_base, found.outcome) {
            (Some((commit, _)), Outcome::Incomplete) if holds(commit) => found.outcome = Outcome::Horizon,
            (Some((_, words)), Outcome::Incomplete) => found.notes.retain(|note| note != words),
            _ => {}
        }
        if let (Some(refusal), Outcome::Incomplete) = (self.refusal, found.outcome) {
            (found.outcome, found.error) = (Outcome::Error, Some(refusal));
        }
        if let (Some(commit), Some(left), true) = (&self.position, self.left, found.outcome == Outcome::Incomplete) {
            let subject = self.subjects.get(commit).map_or("", String::as_str);
            found.notes.push(format!("git asked last for {} {subject} ({left} left after it)", short(commit)));
        }
        if self.terms.old != "good" || self.terms.new != "bad" {
            found.terms = Some(self.terms);
        }
        if !matches!(found.outcome, Outcome::Culprit | Outcome::Candidates) {
            found.revisions_left = self
                .left
                .or_else(|| self.suspects.checked_sub(1).filter(|others| *others > 0).map(|others| others as u64));
        }
        found.truncated = !self.started && found.dialect.name != Origin::GitVisualize;
        found.start_commit =
            found.steps.iter().find(|step| step.verdict == Some(Verdict::Bad)).map(|step| step.commit.clone());
        if let Some(culprit) = &found.culprit {
            found.flags = Flags {
                merge: culprit.parents.len() > 1 || culprit.subject.starts_with("Merge "),
                no_op: false,
                release: summary::is_release_subject(&culprit.subject),
            };
        }
        found
    }
}

//! What git and `git bisect run` say between the tests.

use super::super::line;
use super::super::record::{Outcome, Role, Step, Verdict};
use super::{Reader, short};

impl Reader {
    /// Takes a sentence of git's; whether it was one.
    pub(super) fn said(&mut self, number: u64, text: &str) -> bool {
        if let Some(rest) = text.trim_start().strip_prefix("The merge base ").filter(|rest| rest.contains(" is bad")) {
            let commit = rest.split_whitespace().next().unwrap_or_default().to_owned();
            let base = short(&commit);
            let words =
                format!("merge base {base} is bad: git takes it that the bug was fixed between it and the good commit");
            self.bad_merge_base(Some((commit, words)));
        } else if is_refusal(text) {
            self.refusal = Some(format!("git says in line {number}: {}", text.trim_end_matches('.')));
        } else if text.starts_with("running '")
            || (self.scripted && text.starts_with("running "))
            || (number == self.asked.0 + 1 && line::quotes_command(text.as_bytes()))
        {
            self.scripted = true;
            self.runs(number, self.left);
        } else {
            return false;
        }
        true
    }

    pub(super) fn bad_merge_base(&mut self, base: Option<(String, String)>) {
        if let Some((_, words)) = base.as_ref().filter(|_| !self.answered) {
            self.found.notes.push(words.clone());
        }
        self.merge_base = base;
    }

    /// git asks for the test of a commit. What it gave a script before was tested: git goes on only then.
    pub(super) fn asks(&mut self, number: u64, commit: String) {
        self.tested();
        if self.before.0 + 1 == number {
            self.left = left_in_words(&self.before.1).or(self.left);
        }
        (self.position, self.asked) = (Some(commit), (number, self.left));
    }

    /// Whatever git says next, a script has tested the commit before.
    pub(super) fn tested(&mut self) {
        if self.scripted {
            let (number, left) = self.asked;
            self.runs(number, left);
        }
    }

    /// `git bisect run` tests the commit that git asked for, and says nowhere what came of it.
    fn runs(&mut self, number: u64, left: Option<u64>) {
        let Some(commit) = self.position.clone().filter(|_| !self.answered) else { return };
        if self.marks.contains_key(&commit) || self.found.steps.iter().any(|step| step.commit == commit) {
            return;
        }
        let mut step = Step::new(Role::Bisect, commit, number);
        step.left = left;
        step.subject = self.subjects.get(&step.commit).cloned();
        self.found.steps.push(step);
    }

    /// Gives the scripted tests the verdict that follows from the answer: git names no commit that was not marked.
    pub(super) fn end_runs(&mut self) {
        let untold = |step: &&mut Step| step.role == Role::Bisect && step.verdict.is_none();
        let mut untold: Vec<&mut Step> = self.found.steps.iter_mut().filter(untold).collect();
        if untold.is_empty() {
            return;
        }
        if let (Outcome::Culprit, [named]) = (self.found.outcome, &self.found.commits[..]) {
            for step in untold.iter_mut().filter(|step| step.commit == *named) {
                step.verdict = Some(Verdict::Bad);
            }
        }
        self.found.notes.push("`git bisect run` does not show its verdicts; `git bisect log` has them".to_owned());
    }
}

/// How many commits are left, from git's sentence in whatever language: it has two numbers, and the second, of steps, follows from the
/// first.
fn left_in_words(text: &str) -> Option<u64> {
    let numbers = text.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let numbers: Vec<u64> = numbers.map_while(|digits| digits.parse().ok()).collect();
    let [left, steps] = numbers[..] else { return None };
    let about = u64::from((left + 1).checked_ilog2()?);
    (about.abs_diff(steps) <= 1).then_some(left)
}

/// Whether git says that it cannot bisect what it was given.
fn is_refusal(text: &str) -> bool {
    let unrelated = text.starts_with("Some ") && text.contains(" revs are not ancestors of the ");
    let both = line::split_commit(text.as_bytes()).is_some_and(|(_, rest)| rest.starts_with(b"was both "));
    unrelated || both || text.starts_with("No testable commit found")
}

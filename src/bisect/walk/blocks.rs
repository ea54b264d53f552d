//! Blocks of a transcript: a test with its runs, and what git printed behind it.

use super::super::commit::Dump;
use super::super::line::Line;
use super::super::record::{Outcome, Range, Role, Run, RunResult, Step, Verdict};
use super::super::words;
use super::{At, Walk};

impl Walk {
    pub(super) fn block(&mut self, line: Line<'_>, number: u64, content: &[u8]) {
        self.unerr();
        if let Line::Testing { commit, label } = line {
            return self.test(number, commit, label);
        }
        let features = &mut self.features;
        let Some(step) = self.found.steps.last_mut() else {
            if let Line::NotTested { commit, .. } = line {
                self.verdict_only(number, commit.unwrap_or_default(), None);
                self.block(Line::NotTested { commit: None, error: content }, number, content);
            }
            return;
        };
        match line {
            Line::Compiler(id) => step.compiler = Some(words(id)),
            Line::Signature(signature) => {
                features.signatures.0 |= signature.len() == 40;
                features.signatures.1 |= signature.len() == 64;
                let signature = words(signature);
                if self.summary || (self.git_first.is_some() && step.role != Role::Parent) {
                    self.found.signatures.get_or_insert_default().culprit = Some(signature);
                } else {
                    step.signature = Some(signature);
                }
            }
            Line::Run { number, result, title } => {
                let title = (result != RunResult::Ok).then(|| words(title)).filter(|title| !title.is_empty());
                features.tries |= content.starts_with(b"try #");
                step.runs.push(Run { number, result, title, detail: Vec::new() });
                self.at = At::Run;
            }
            Line::Representative { title, types } => {
                features.representative = true;
                step.representative = Some(words(title));
                step.types = words(types).split_whitespace().map(str::to_owned).collect();
            }
            Line::NotTested { commit, error } => {
                if commit.is_some_and(|commit| step.commit.as_bytes() != commit) {
                    // No compiler was found for it: the block has no first line of its own.
                    self.verdict_only(number, commit.unwrap_or_default(), None);
                }
                if let Some(step) = self.found.steps.last_mut() {
                    step.failure = Some(words(error));
                }
                self.at = At::Block;
            }
            _ => {}
        }
    }

    pub(super) fn test(&mut self, number: u64, commit: &[u8], label: &[u8]) {
        self.found.tested_commits += 1;
        let label = words(label);
        let (compiler, family) = match label.strip_prefix("with ") {
            Some(id) => (Some(id.to_owned()), None),
            None => (None, Some(label.clone()).filter(|label| !label.is_empty())),
        };
        self.features.label_with |= compiler.is_some();
        self.features.label_family |= family.is_some();
        self.features.label_bare |= label.is_empty();
        let commit = words(commit);
        let (role, release) = self.next.take().unwrap_or_else(|| (self.role_of(&commit), None));
        let mut step = Step::new(role, commit, number);
        (step.compiler, step.family, step.release) = (compiler, family, release);
        if role == Role::Bisect {
            step.left = self.left.take();
            step.subject =
                self.position.take().filter(|(position, _)| *position == step.commit).map(|(_, subject)| subject);
        }
        self.found.steps.push(step);
        self.at = At::Block;
    }

    pub(super) fn role_of(&self, commit: &str) -> Role {
        if self.git_first.is_some() || self.summary {
            Role::Parent
        } else if self.found.range.is_some() {
            Role::Bisect
        } else if self.found.steps.iter().take(1).any(|step| step.role == Role::Original && step.commit == commit) {
            Role::Config
        } else if self.found.steps.is_empty() && self.header {
            Role::Original
        } else if self.position.is_some() {
            Role::Bisect
        } else {
            Role::Given
        }
    }

    /// A step that has no test block of its own.
    pub(super) fn verdict_only(&mut self, number: u64, commit: &[u8], verdict: Option<Verdict>) {
        let (role, release) = self
            .next
            .take()
            .unwrap_or_else(|| (if self.found.range.is_some() { Role::Bisect } else { Role::Given }, None));
        let role = if verdict.is_some() { Role::Bisect } else { role };
        let mut step = Step::new(role, words(commit), number);
        (step.verdict, step.release) = (verdict, release);
        step.left = self.left.take();
        step.subject =
            self.position.take().filter(|(position, _)| *position == step.commit).map(|(_, subject)| subject);
        self.found.steps.push(step);
    }

    pub(super) fn git(&mut self, line: Line<'_>, number: u64, content: &[u8]) {
        if !matches!(line, Line::Hash(_)) {
            self.unerr();
        }
        match line {
            Line::Start { bad, good } => {
                self.features.tags |= !(super::super::line::is_hash(bad) && super::super::line::is_hash(good));
                self.found.range =
                    Some(Range { bad: words(bad), good: words(good), bad_release: None, good_release: None });
                self.next = None;
                self.at = At::Git;
            }
            Line::Told { verdict, commit } => {
                let own = |step: &Step| {
                    step.commit.as_bytes() == commit && step.verdict.is_none() && step.role != Role::Parent
                };
                // In cross-tree searches other commits are tested between git's question and the answer.
                let mut recent = self.found.steps.iter_mut().rev().take_while(|step| step.verdict.is_none()).take(4);
                match recent.find(|step| own(step) && step.role != Role::MergeBase) {
                    Some(step) => step.verdict = Some(verdict),
                    None => self.verdict_only(number, commit, Some(verdict)),
                }
                self.at = At::Git;
            }
            Line::Left(left) => {
                self.left = Some(left);
                self.at = At::Git;
            }
            Line::Position { commit, subject } => {
                self.position = Some((words(commit), words(subject)));
                self.after_git = true;
                self.at = At::Git;
            }
            Line::GitFirst(commit) => {
                self.features.quoted_terms |= content.ends_with(b"' commit");
                self.left = None;
                self.git_first = Some(words(commit));
                self.dump = Dump::default();
                self.at = At::Dump;
            }
            Line::AnyOf { summary } => {
                if summary {
                    self.found.outcome = Outcome::Candidates;
                    self.found.commits.clear();
                    self.summary = true;
                }
                self.at = if summary { At::Candidates } else { At::GitCandidates };
            }
            Line::CannotBisect => self.at = At::Git,
            Line::Hash(commit) => match self.at {
                At::Candidates if commit.len() == 40 => self.found.commits.push(words(commit)),
                At::GitCandidates if commit.len() == 40 => self.git_candidates.push(words(commit)),
                _ => self.belongs(content),
            },
            _ => {}
        }
    }
}

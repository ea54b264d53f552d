//! The end of a transcript: the answer, the report of the crash, an error.

use super::super::line::Line;
use super::super::record::{Culprit, Kind, Outcome, Role};
use super::super::words;
use super::{At, KEPT_BYTES, Walk};

impl Walk {
    pub(super) fn ending(&mut self, line: Line<'_>, content: &[u8]) {
        if self.at == At::Error && !matches!(line, Line::ParentUntested | Line::Error(_)) {
            // An error may run on over anything; only a test that goes on takes it back.
            return self.belongs(content);
        }
        match line {
            Line::Flaky(chance) => {
                self.found.flagged_flaky = true;
                self.features.old_flaky |= chance.is_none();
                self.found.repro_chance = chance.filter(|chance| chance.is_finite());
                return;
            }
            Line::ErrorProbability(probability) => {
                self.found.error_probability = Some(probability).filter(|p| p.is_finite())
            }
            Line::ParentUntested => self.next = Some((Role::Parent, None)),
            Line::CulpritSignature(signature) => {
                self.found.signatures.get_or_insert_default().culprit = Some(words(signature))
            }
            Line::ParentSignature(signature) => {
                self.found.signatures.get_or_insert_default().parent = Some(words(signature))
            }
            Line::Totals { text } => {
                self.found.totals = Some(super::super::summary::totals(&words(text)));
                self.summary = true;
            }
            Line::Error(error) => return self.error(error),
            Line::Horizon(_) => {
                self.found.outcome = Outcome::Horizon;
                self.found.notes.push(words(content));
            }
            Line::CommitMessage(title) => {
                self.found.notes.push(format!("the commit at the end of the range: {}", words(title)))
            }
            Line::Answer { fix, commit, subject } => {
                if fix && !self.header {
                    self.found.kind = Kind::Fix;
                }
                self.found.outcome = Outcome::Culprit;
                self.found.commits = vec![words(commit)];
                self.found.culprit =
                    Some(Culprit { commit: words(commit), subject: words(subject), ..Culprit::default() });
                self.summary = true;
            }
            Line::To(list) => {
                self.features.recipients = true;
                self.found.recipients_to = super::super::summary::quoted_list(&words(list));
            }
            Line::Cc(list) => {
                let old = content.starts_with(b"cc:");
                self.features.old_cc |= old;
                self.features.recipients |= !old;
                self.found.recipients_cc = super::super::summary::quoted_list(&words(list));
            }
            _ => return self.belongs(content),
        }
        self.at = At::Summary;
    }

    pub(super) fn error(&mut self, error: &[u8]) {
        if self.found.error.is_some() {
            return self.belongs(&[b"error: ", error].concat());
        }
        self.found.error = Some(words(&error[..error.len().min(KEPT_BYTES * 4)]));
        self.at = At::Error;
    }

    /// Before February 2023 compilers' complaints were printed raw, and one may begin with `error: `: what looked like the
    /// end was a build failure if the walk goes on.
    pub(super) fn unerr(&mut self) {
        if self.at != At::Error || self.summary {
            return;
        }
        if let (Some(error), Some(step)) = (self.found.error.take(), self.found.steps.last_mut()) {
            step.notes.push(error);
        }
        self.at = At::Block;
    }

    pub(super) fn crash(&mut self, title: &[u8]) -> bool {
        if !(self.summary || (self.git_first.is_some() && self.at == At::Summary)) {
            self.belongs(title);
            return false;
        }
        self.found.crash_title = Some(words(title));
        true
    }
}

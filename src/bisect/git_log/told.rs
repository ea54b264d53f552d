//! What git is told: the start with its ends and terms, and the verdicts.

use super::super::line;
use super::super::record::{Given, Origin, Range, Revert, RevertResult, Role, Step, Verdict};
use super::super::rules::MANY;
use super::super::words;
use super::{Bisection, Reader, short};

impl Reader {
    pub(super) fn command(&mut self, number: u64, word: &str, rest: &str) {
        let Some(verdict) = self.verdict(word) else { return };
        let (commit, remark) = match line::split_commit(rest.as_bytes()) {
            Some((commit, remark)) => (words(commit), words(remark)),
            None if rest.is_empty() || rest.starts_with('#') => (
                self.position
                    .clone()
                    .or_else(|| self.comments.last().map(|(_, _, commit)| commit.clone()))
                    .unwrap_or_else(|| "HEAD".to_owned()),
                rest.to_owned(),
            ),
            None => {
                let (revision, remark) = rest.split_once(' ').unwrap_or((rest, ""));
                (revision.trim_matches('\'').to_owned(), remark.to_owned())
            }
        };
        self.comments.clear();
        self.mark(number, verdict, &commit, &remark);
    }

    /// `git bisect start ['<args>' …]`: terms, then the bad end and the good ones. What went before is another session.
    pub(super) fn start(&mut self, number: u64, rest: &str) -> Option<Bisection> {
        let mut ended = None;
        if self.answered || self.started || !self.found.steps.is_empty() {
            ended = Some(self.end());
        }
        self.started = true;
        let ends = self.arguments(rest);
        let comments = std::mem::take(&mut self.comments);
        if comments.is_empty() {
            for (at, end) in ends.iter().enumerate() {
                self.mark_end(number, if at == 0 { Verdict::Bad } else { Verdict::Good }, end);
            }
        }
        for (at, (line, word, commit)) in comments.into_iter().enumerate() {
            // Without a declaration the first comment is that of the later side.
            let verdict = self.verdict(&word).unwrap_or(if at == 0 { Verdict::Bad } else { Verdict::Good });
            self.declare(&word, verdict);
            self.mark_end(line, verdict, &commit);
        }
        if let [bad, good, ..] = &ends[..] {
            self.found.range =
                Some(Range { bad: bad.clone(), good: good.clone(), bad_release: None, good_release: None });
        }
        ended
    }

    /// The revisions among the arguments of `git bisect start`; its terms are noted.
    fn arguments(&mut self, rest: &str) -> Vec<String> {
        let mut ends = Vec::new();
        let mut arguments = rest.split_whitespace().map(|argument| argument.trim_matches('\''));
        while let Some(argument) = arguments.next() {
            let (name, value) =
                argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value.to_owned())));
            match name {
                "--term-old" | "--term-good" => {
                    self.terms.old = value.or_else(|| arguments.next().map(str::to_owned)).unwrap_or_default()
                }
                "--term-new" | "--term-bad" => {
                    self.terms.new = value.or_else(|| arguments.next().map(str::to_owned)).unwrap_or_default()
                }
                "--" => break,
                "" => {}
                option if option.starts_with("--") => {}
                revision => ends.push(revision.to_owned()),
            }
        }
        // People take the `--` away that stands before paths; no revision ends in a slash.
        if ends.iter().any(|end| end.ends_with('/')) { Vec::new() } else { ends }
    }

    pub(super) fn declare(&mut self, word: &str, verdict: Verdict) {
        match verdict {
            Verdict::Good => self.terms.old = word.to_owned(),
            Verdict::Bad => self.terms.new = word.to_owned(),
            Verdict::Skip => {}
        }
    }

    pub(super) fn verdict(&mut self, word: &str) -> Option<Verdict> {
        let verdict = match word {
            "skip" => Verdict::Skip,
            word if word == self.terms.old => Verdict::Good,
            word if word == self.terms.new => Verdict::Bad,
            // These need no declaration.
            "good" | "old" => Verdict::Good,
            "bad" | "new" => Verdict::Bad,
            _ => return None,
        };
        if word != "skip" {
            self.declare(word, verdict);
        }
        Some(verdict)
    }

    /// A commit that the start gives. The first of each side is a step; of the others there may be hundreds.
    fn mark_end(&mut self, number: u64, verdict: Verdict, commit: &str) {
        if self.found.steps.iter().any(|step| step.verdict == Some(verdict)) {
            self.found.given.push(Given { commit: commit.to_owned(), verdict });
            return self.known(commit, number, verdict);
        }
        let mut step = Step::new(Role::Given, commit.to_owned(), number);
        step.subject = self.subjects.get(commit).cloned();
        step.verdict = Some(verdict);
        self.known(commit, number, verdict);
        self.found.steps.push(step);
    }

    pub(super) fn mark(&mut self, number: u64, verdict: Verdict, commit: &str, remark: &str) {
        let role = match (self.answered, self.started && self.both_ends()) {
            (true, _) => Role::Check,
            (false, true) => Role::Bisect,
            (false, false) => Role::Given,
        };
        let mut step = Step::new(role, commit.to_owned(), number);
        step.verdict = Some(verdict);
        step.left = self.left.take();
        step.subject = self.subjects.get(commit).cloned();
        self.counts(&mut step, remark);
        if let Some(heading) = &self.extra {
            step.notes.push(heading.clone());
            if heading.contains("reverted") {
                let (result, said) = match verdict {
                    Verdict::Good => (RevertResult::Passed, "good"),
                    Verdict::Bad => (RevertResult::Failed, "bad"),
                    Verdict::Skip => (RevertResult::Unknown, "skipped"),
                };
                let words = format!("extra test with the commit reverted: {said}");
                self.found.reverts.push(Revert { line: number, result, words });
            }
        }
        if let Some((before, other)) = self.marks.get(commit)
            && *other != verdict
            && !self.answered
        {
            let words = format!(
                "{} is marked again in line {number} (before in line {before}): the later mark counts",
                short(commit)
            );
            self.found.notes.push(words);
        }
        self.known(commit, number, verdict);
        self.resumed = true;
        // What a script began to test, somebody ended by hand.
        self.found.steps.pop_if(|last| last.verdict.is_none() && last.commit == step.commit);
        self.found.steps.push(step);
    }

    /// Remembers what a commit was marked as.
    fn known(&mut self, commit: &str, number: u64, verdict: Verdict) {
        self.sides = (self.sides.0 || verdict == Verdict::Good, self.sides.1 || verdict == Verdict::Bad);
        self.marks.insert(commit.to_owned(), (number, verdict));
    }

    fn both_ends(&self) -> bool {
        self.sides.0 && self.sides.1
    }

    /// 0-day's columns behind the hash: time, letter, survivors, failures; in old logs `183+` and `0-` are the first count.
    fn counts(&mut self, step: &mut Step, remark: &str) {
        let Some(columns) = remark.trim().strip_prefix('#') else {
            if !remark.is_empty() {
                step.notes.push(remark.to_owned());
            }
            return;
        };
        let mut fields = columns.split_whitespace().peekable();
        let clock = fields.next_if(|field| field.len() == 5 && field.as_bytes()[2] == b':').is_some();
        fields.next_if(|field| matches!(*field, "G" | "B"));
        let number =
            |field: Option<&str>| field.and_then(|field| field.trim_end_matches(['+', '-']).parse::<u32>().ok());
        let (survived, crashed) = (number(fields.next()), number(fields.next()));
        let (true, Some(survived), Some(crashed)) = (clock, survived, crashed) else {
            step.notes.push(columns.trim().to_owned());
            return;
        };
        self.found.dialect.name = Origin::ZeroDay;
        step.survived = survived.min(MANY);
        step.crashed = if step.verdict == Some(Verdict::Bad) { crashed.min(MANY) } else { 0 };
        (step.run_count, step.counted) = (Some(step.survived + step.crashed), true);
        let subject: Vec<&str> = fields.skip_while(|field| field.parse::<u32>().is_ok()).collect();
        step.subject = step.subject.take().or_else(|| Some(subject.join(" ")).filter(|subject| !subject.is_empty()));
    }
}

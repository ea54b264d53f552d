//! Reads a syzbot transcript line by line; a line that says nothing new belongs to what precedes it.

mod blocks;
mod ending;

use super::commit::Dump;
use super::ends::{flags, name_range, picked};
use super::line::{Line, read};
use super::mail::Text;
use super::record::{Bisection, Culprit, Kind, Outcome, Rewritten, Role, RunResult};
use super::words;

/// How many continuation lines of a run or a failure are kept.
const KEPT_LINES: usize = 12;
/// How many bytes of a continuation line are kept.
const KEPT_BYTES: usize = 400;

/// What a transcript says, before anything is concluded from it.
#[derive(Debug)]
pub(super) struct Transcript {
    /// The record, with everything that is printed in the log.
    pub bisection: Bisection,
    /// The crash report in [`Text::bytes`].
    pub crash: Option<std::ops::Range<usize>>,
    /// Features by which the log can be dated.
    pub features: Features,
}

/// Which dated forms a log shows.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Features {
    /// `searching for …`.
    pub searching: bool,
    /// Tags as end points of git's range.
    pub tags: bool,
    /// A 40-digit signature, a 64-digit one.
    pub signatures: (bool, bool),
    /// `cc: [`.
    pub old_cc: bool,
    /// `recipients (`.
    pub recipients: bool,
    /// A blank line after git's output, and whether git's output was ever followed by a test directly.
    pub blank_after_git: (bool, bool),
    /// `with gcc`.
    pub label_with: bool,
    /// A block without any label.
    pub label_bare: bool,
    /// A block with the compiler's family.
    pub label_family: bool,
    /// `representative crash`.
    pub representative: bool,
    /// `false negative chance`.
    pub false_negative: bool,
    /// `reproducer seems to be flaky`, `Reproducer flagged being flaky`.
    pub old_flaky: bool,
    /// `bisecting …` in the header.
    pub bisecting: bool,
    /// git quotes its terms.
    pub quoted_terms: bool,
    /// `unable to determine the verdict`.
    pub undetermined: bool,
    /// `try #`.
    pub tries: bool,
}

/// Where in the log we are: what an unknown line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Header,
    Block,
    Run,
    Git,
    Dump,
    Config,
    GitCandidates,
    Candidates,
    Summary,
    Error,
}

/// Reads the transcripts of a text; each begins with its header.
#[must_use]
pub(super) fn transcripts(log: &str, text: &Text<'_>) -> Vec<Transcript> {
    let mut all: Vec<Transcript> = Vec::new();
    let mut walk = Walk::new(log, text.mailed);
    let mut before = 0;
    for (number, behind, content) in text.lines() {
        let begins = matches!(read(content), Line::Cause(_) | Line::Fix(_) | Line::Host { .. });
        if begins && walk.begun && walk.at != At::Header {
            all.push(std::mem::replace(&mut walk, Walk::new(log, text.mailed)).finish(before));
        }
        before = behind;
        // What follows belongs to the crash report.
        if walk.crash_at.is_none() && walk.line(number, content) {
            walk.crash_at = Some(behind);
        }
        walk.begun |= begins;
    }
    all.push(walk.finish(before));
    all
}

struct Walk {
    found: Bisection,
    features: Features,
    at: At,
    /// Role of the next test block, when a line before it says so.
    next: Option<(Role, Option<String>)>,
    /// What git printed last: revisions left, subject of the next commit.
    left: Option<u64>,
    position: Option<(String, String)>,
    dump: Dump,
    git_first: Option<String>,
    git_candidates: Vec<String>,
    summary: bool,
    header: bool,
    /// Whether a line came with which a transcript begins.
    begun: bool,
    after_git: bool,
    crash_at: Option<usize>,
}

impl Walk {
    fn new(log: &str, mailed: bool) -> Self {
        let mut found = Bisection::empty(log, Kind::Cause);
        found.dialect.mailed = mailed;
        Self {
            found,
            features: Features::default(),
            at: At::Header,
            next: None,
            left: None,
            position: None,
            dump: Dump::default(),
            git_first: None,
            git_candidates: Vec::new(),
            summary: false,
            header: false,
            begun: false,
            after_git: false,
            crash_at: None,
        }
    }

    /// Takes a line; true when the crash report begins behind it.
    fn line(&mut self, number: u64, content: &[u8]) -> bool {
        // Whatever a commit message quotes is indented, and nothing of ours is.
        if self.at == At::Dump && self.dump.line(content) {
            return false;
        }
        let line = read(content);
        if self.after_git && !matches!(line, Line::Position { .. } | Line::Unknown) {
            match line {
                Line::Blank => self.features.blank_after_git.0 = true,
                Line::Testing { .. } => self.features.blank_after_git.1 = true,
                _ => {}
            }
            self.after_git = false;
        }
        match line {
            Line::Blank | Line::FalseNegative | Line::Undetermined | Line::Unknown | Line::Config => {
                self.minor(line, content)
            }
            Line::Crash(title) => return self.crash(title),
            Line::Host { .. }
            | Line::Cause(_)
            | Line::Fix(_)
            | Line::Syzkaller(_)
            | Line::Rewritten { .. }
            | Line::Ensuring(_) => {
                self.heading(line, content);
            }
            Line::Testing { .. }
            | Line::Compiler(_)
            | Line::Signature(_)
            | Line::Run { .. }
            | Line::Representative { .. }
            | Line::NotTested { .. } => {
                self.block(line, number, content);
            }
            Line::Release(_)
            | Line::Head(_)
            | Line::Picked(_)
            | Line::MergeBase
            | Line::MergeBaseSurvives
            | Line::Pretend => {
                self.plan(line, content);
            }
            Line::Start { .. }
            | Line::Told { .. }
            | Line::Left(_)
            | Line::Position { .. }
            | Line::GitFirst(_)
            | Line::AnyOf { .. }
            | Line::CannotBisect
            | Line::Hash(_) => {
                self.git(line, number, content);
            }
            _ => self.ending(line, content),
        }
        false
    }

    /// Lines that only ever add to what precedes them.
    fn minor(&mut self, line: Line<'_>, content: &[u8]) {
        match line {
            Line::FalseNegative => self.features.false_negative = true,
            Line::Undetermined => {
                self.features.undetermined = true;
                if let Some(step) = self.found.steps.last_mut() {
                    step.failure = Some(words(content));
                }
            }
            Line::Config => {
                self.found.config.push(words(content));
                self.at = At::Config;
            }
            Line::Unknown => self.belongs(content),
            _ => {}
        }
    }

    /// Attaches a line to what precedes it.
    fn belongs(&mut self, content: &[u8]) {
        let kept = || words(&content[..content.len().min(KEPT_BYTES)]);
        match self.at {
            At::Run => {
                if let Some(run) = self.found.steps.last_mut().and_then(|step| step.runs.last_mut())
                    && run.detail.len() < KEPT_LINES
                {
                    run.detail.push(kept());
                }
            }
            At::Block | At::Git => {
                if let Some(step) = self.found.steps.last_mut()
                    && step.notes.len() < KEPT_LINES
                {
                    step.notes.push(kept());
                }
            }
            At::Error => {
                if let Some(error) = &mut self.found.error
                    && error.lines().count() < KEPT_LINES
                {
                    error.push('\n');
                    error.push_str(&kept());
                }
            }
            At::Config if self.found.config.len() < 1000 => self.found.config.push(kept()),
            At::Header | At::Summary if self.found.notes.len() < KEPT_LINES => self.found.notes.push(kept()),
            _ => {}
        }
    }

    fn heading(&mut self, line: Line<'_>, content: &[u8]) {
        self.header = true;
        match line {
            Line::Host { host, time } => {
                self.found.dialect.host = Some(words(host));
                self.found.dialect.started = Some(words(time));
            }
            Line::Cause(commit) | Line::Fix(commit) => {
                self.found.kind = if matches!(line, Line::Fix(_)) { Kind::Fix } else { Kind::Cause };
                self.found.start_commit = Some(words(commit));
                let old = content.starts_with(b"searching");
                (self.features.searching, self.features.bisecting) = (old, !old);
            }
            Line::Syzkaller(commit) => self.found.syzkaller = Some(words(commit)),
            Line::Rewritten { commit, title } => {
                let title = Some(words(title)).filter(|title| !title.is_empty());
                self.found.rewritten = Some(Rewritten { commit: words(commit), title });
            }
            Line::Ensuring(commit) => {
                let commit = words(commit);
                let known = self.found.rewritten.is_some() || self.found.start_commit.as_ref() == Some(&commit);
                match &self.found.start_commit {
                    Some(_) if !known => self.found.rewritten = Some(Rewritten { commit, title: None }),
                    None => self.found.start_commit = Some(commit),
                    _ => {}
                }
            }
            _ => {}
        }
        self.at = At::Header;
    }

    fn plan(&mut self, line: Line<'_>, content: &[u8]) {
        self.unerr();
        match line {
            Line::Release(tag) => self.next = Some((Role::Release, Some(words(tag)))),
            Line::Head(_) => self.next = Some((Role::Head, None)),
            Line::Picked(rest) => self.found.picked = Some(picked(&words(rest))),
            Line::MergeBase => {
                self.next = Some((Role::MergeBase, None));
                self.found.notes.push(words(content));
            }
            Line::MergeBaseSurvives => {
                self.found.outcome = Outcome::Horizon;
                self.found.notes.push(words(content));
            }
            _ => {
                // The verdict that follows is about the step's commit, not about the merge base that was tested last.
                self.next = None;
                self.found.notes.push(words(content));
            }
        }
        if self.at == At::Dump {
            self.at = At::Header;
        }
    }

    /// `end` is where its text ends.
    fn finish(mut self, end: usize) -> Transcript {
        let found = &mut self.found;
        found.truncated = !self.header;
        if let Some(commit) = self.git_first {
            let culprit = found.culprit.get_or_insert_with(|| Culprit { commit: commit.clone(), ..Culprit::default() });
            if culprit.commit == commit {
                self.dump.fill(culprit);
            }
            // A log that was cut off behind git's answer still has the answer.
            if found.outcome == Outcome::Incomplete && found.error.is_none() {
                found.outcome = Outcome::Culprit;
                found.commits = vec![commit];
            }
        }
        if found.outcome == Outcome::Incomplete && found.error.is_none() && !self.git_candidates.is_empty() {
            found.outcome = Outcome::Candidates;
            found.commits = self.git_candidates;
        }
        if found.error.is_some() && found.outcome != Outcome::Culprit {
            found.outcome = Outcome::Error;
            found.commits.clear();
        }
        if !matches!(found.outcome, Outcome::Culprit | Outcome::Candidates) {
            found.commits.clear();
            found.culprit = None;
            found.revisions_left = self.left;
        }
        found.flags = flags(found);
        name_range(found);
        for step in &mut found.steps {
            let count =
                |result| u32::try_from(step.runs.iter().filter(|run| run.result == result).count()).unwrap_or(u32::MAX);
            (step.crashed, step.survived) = (count(RunResult::Crashed), count(RunResult::Ok));
            step.counted = step.runs.iter().any(|run| run.number.is_some());
        }
        let crash = self.crash_at.map(|at| at..end);
        Transcript { bisection: self.found, crash, features: self.features }
    }
}

//! Plain git logs: `git bisect log`, what the terminal showed, `git bisect visualize`, the annotated logs of 0-day.

mod answer;
mod said;
mod told;
mod visualized;

use super::commit::Dump;
use super::line::{self, Line};
use super::mail::Text;
use super::record::{Bisection, Kind, Origin, Outcome, Revert, RevertResult, Terms, Verdict};
use super::{prose, sessions, words};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many notes are kept.
const KEPT: usize = 16;

/// Reads the sessions of plain git logs in a text, each once; none without a verdict or an answer.
#[must_use]
pub(super) fn read(log: &str, text: &Text<'_>) -> Vec<Bisection> {
    let mut reader = Reader::new(log, text.mailed);
    let mut all = Vec::new();
    for (number, _, content) in text.lines() {
        all.extend(reader.line(number, content));
    }
    all.push(reader.finish());
    all.retain(|found| !found.steps.is_empty() || !found.commits.is_empty() || found.revisions_left.is_some());
    let mut all = sessions::told_once(all);
    all.iter_mut().for_each(sessions::ends_open);
    all
}

struct Reader {
    found: Bisection,
    dump: Option<Dump>,
    terms: Terms,
    /// Subjects by commit, from the comments.
    subjects: Rc<BTreeMap<String, String>>,
    /// Comments for which no command came yet.
    comments: Vec<(u64, String, String)>,
    /// Line and verdict of each commit's last mark.
    marks: BTreeMap<String, (u64, Verdict)>,
    /// Whether a good and a bad commit are known.
    sides: (bool, bool),
    started: bool,
    answered: bool,
    /// Whether a commit was marked since the answer.
    resumed: bool,
    /// A merge base that is bad, and what was said of it. Behind an answer that is of the log that follows.
    merge_base: Option<(String, String)>,
    /// Whether KernelCI says that the commit follows.
    breaking: bool,
    /// The heading of the extra tests that follow.
    extra: Option<String>,
    left: Option<u64>,
    position: Option<String>,
    /// The line that names the position, and how many commits are left behind it.
    asked: (u64, Option<u64>),
    /// The line before, by its number, if it says nothing that is known.
    before: (u64, String),
    /// Whether `git bisect run` tests the commits.
    scripted: bool,
    /// Why git would not go on, until it does.
    refusal: Option<String>,
    listing: bool,
    /// Commits that `git bisect visualize` lists and that may be the first bad one.
    suspects: usize,
    /// Whether the subject of the last listed commit is still to come.
    undescribed: bool,
    /// What people write around the log.
    prose: prose::Reader,
}

impl Reader {
    fn new(log: &str, mailed: bool) -> Self {
        let mut found = Bisection::empty(log, Kind::Git);
        found.dialect.name = Origin::Git;
        found.dialect.mailed = mailed;
        let terms = Terms { old: "good".to_owned(), new: "bad".to_owned() };
        Self {
            found,
            dump: None,
            terms,
            subjects: Rc::default(),
            comments: Vec::new(),
            marks: BTreeMap::new(),
            sides: (false, false),
            started: false,
            answered: false,
            resumed: false,
            merge_base: None,
            breaking: false,
            extra: None,
            left: None,
            position: None,
            asked: (0, None),
            before: (0, String::new()),
            scripted: false,
            refusal: None,
            listing: false,
            suspects: 0,
            undescribed: false,
            prose: prose::Reader::default(),
        }
    }

    /// Takes a line; gives the session that ends before it, if one does.
    fn line(&mut self, number: u64, content: &[u8]) -> Option<Bisection> {
        if let Some(dump) = &mut self.dump {
            if content.is_empty() || dump.line(content) {
                return None;
            }
            self.end_dump();
        }
        if memchr::memmem::find(content, b"refs/bisect/").is_some() {
            self.decorated(number, content);
            return None;
        }
        let content = line::typed(content);
        if let Some(at) = seam(content) {
            return self.line(number, content[..at].trim_ascii_end()).or(self.line(number, content[at..].trim_ascii()));
        }
        match line::read(content) {
            Line::Command { word: b"start", rest } => self.start(number, &words(rest)),
            Line::Start { bad, good } => self.start(number, &format!("{} {}", words(bad), words(good))),
            line => {
                let ended = match line {
                    Line::GitFirst(commit) | Line::FirstComment { possible: false, commit, .. }
                        if self.is_another(&words(commit)) =>
                    {
                        Some(self.end())
                    }
                    _ => None,
                };
                self.within(number, line, content);
                ended
            }
        }
    }

    /// Whether `commit` is the answer of another bisection than the one that was just answered: git goes on only when it is told
    /// something.
    fn is_another(&self, commit: &str) -> bool {
        let known = self.found.culprit.as_ref().map_or("", |culprit| &culprit.commit[..]);
        let same = known.starts_with(commit) || commit.starts_with(known);
        self.answered && !self.resumed && self.found.outcome == Outcome::Culprit && !same
    }

    /// Ends the session; what follows is another one.
    fn end(&mut self) -> Bisection {
        let mut next = Self::new(&self.found.log, self.found.dialect.mailed);
        // The comments before a start belong to it.
        (next.comments, next.subjects) = (std::mem::take(&mut self.comments), Rc::clone(&self.subjects));
        if self.answered {
            next.bad_merge_base(self.merge_base.take());
        }
        std::mem::replace(self, next).finish()
    }

    /// A line inside of a session.
    fn within(&mut self, number: u64, line: Line<'_>, content: &[u8]) {
        match line {
            Line::Given { word, commit, subject } => {
                let (commit, word) = (words(commit), words(word));
                Rc::make_mut(&mut self.subjects).insert(commit.clone(), words(subject));
                self.comments.push((number, word, commit));
            }
            Line::Command { word: b"run", rest } if !rest.is_empty() => self.scripted = true,
            Line::Command { word, rest } if line::is_of_git(content) => {
                self.command(number, &words(word), &words(rest))
            }
            Line::Told { verdict, commit } => self.mark(number, verdict, &words(commit), ""),
            Line::FirstComment { possible, word, commit, subject } => {
                self.first(possible, &words(word), commit, subject)
            }
            Line::GitFirst(commit) => {
                self.answer(false, &words(commit), String::new());
                self.dump = Some(Dump::default());
            }
            Line::Breaking => self.breaking = true,
            Line::AnyOf { .. } => self.listing = true,
            Line::CannotBisect => self.listing = false,
            Line::Hash(commit) if self.listing => self.answer(true, &words(commit), String::new()),
            Line::Left(left) => (self.left, self.refusal) = (Some(left), None),
            Line::Position { commit, subject } => {
                Rc::make_mut(&mut self.subjects).insert(words(commit), words(subject));
                self.asks(number, words(commit));
            }
            _ => self.other(number, content),
        }
    }

    fn other(&mut self, number: u64, content: &[u8]) {
        let text = words(content);
        if memchr::memchr(b'(', content).is_some() || text.contains('（') {
            self.before = (number, text.clone());
        }
        if self.breaking
            && let Some((commit, b"")) =
                text.strip_prefix("commit ").and_then(|rest| line::split_commit(rest.as_bytes()))
        {
            self.breaking = false;
            self.answer(false, &words(commit), String::new());
            self.dump = Some(Dump::begun());
            return;
        }
        if self.answered
            && let Some(result) = check_of_revert(&text)
        {
            self.found.reverts.push(Revert { line: number, result, words: text });
            return;
        }
        if self.answered {
            self.found.reverts.extend(self.prose.line(number, &text));
        }
        if text.is_empty() {
            return;
        }
        if self.found.dialect.name == Origin::GitVisualize {
            return self.listed(text);
        }
        if let Some(heading) = text.strip_prefix("# extra tests") {
            self.found.dialect.name = Origin::ZeroDay;
            self.extra = Some(format!("extra tests{heading}"));
        } else if let Some(status) = text.strip_prefix("# status: ") {
            self.found.notes.push(status.to_owned());
        } else if self.said(number, &text) {
        } else if !self.started && !self.answered && self.found.notes.len() < KEPT && text.starts_with("warning:") {
            self.found.notes.push(text);
        }
    }
}

/// `revert:     PASS` of KernelCI's checks.
fn check_of_revert(text: &str) -> Option<RevertResult> {
    match text.trim().strip_prefix("revert:")?.trim() {
        "PASS" => Some(RevertResult::Passed),
        "FAIL" => Some(RevertResult::Failed),
        _ => None,
    }
}

/// Where one line holds two: Outlook joins the command to the comment before it, others the comment to the command.
fn seam(content: &[u8]) -> Option<usize> {
    let second = if content.starts_with(b"# ") { &b" git bisect "[..] } else { b" # " };
    if !content.starts_with(b"# ") && !content.starts_with(b"git bisect ") {
        return None;
    }
    let at = memchr::memmem::find(content, second)? + 1;
    line::is_of_git(&content[at..]).then_some(at)
}

/// The first twelve digits.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

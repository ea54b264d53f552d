//! Plain git logs: `git bisect log`, what the terminal showed, `git bisect visualize`, the annotated logs of 0-day.

use super::commit::Dump;
use super::line::{self, Line};
use super::mail::Text;
use super::record::{
    Bisection, Culprit, Flags, Given, Kind, Origin, Outcome, Range, Revert, RevertResult, Role, Step, Terms, Verdict,
};
use super::rules::MANY;
use super::{prose, sessions, words};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many notes are kept.
const KEPT: usize = 16;

/// How many candidates are kept.
const CANDIDATES: usize = 4096;

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

/// A line without what a terminal puts before a command: blanks and a prompt.
pub(super) fn typed(content: &[u8]) -> &[u8] {
    let content = content.trim_ascii();
    let Some(at) = memchr::memmem::find(&content[..content.len().min(160)], b"git bisect ") else { return content };
    let prompt = content[..at].trim_ascii_end();
    // A comment that mentions the command is not a prompt.
    let is_prompt = prompt.len() < 80 && (prompt.ends_with(b"$") || prompt.ends_with(b"#") || prompt.ends_with(b"%"));
    if is_prompt { &content[at..] } else { content }
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
        let content = typed(content);
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

    fn bad_merge_base(&mut self, base: Option<(String, String)>) {
        if let Some((_, words)) = base.as_ref().filter(|_| !self.answered) {
            self.found.notes.push(words.clone());
        }
        self.merge_base = base;
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
            Line::Left(left) => self.left = Some(left),
            Line::Position { commit, subject } => {
                Rc::make_mut(&mut self.subjects).insert(words(commit), words(subject));
                self.position = Some(words(commit));
            }
            _ => self.other(number, content),
        }
    }

    fn other(&mut self, number: u64, content: &[u8]) {
        let text = words(content);
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
            let listed = line::split_commit(text.strip_prefix("commit ").unwrap_or(&text).as_bytes()).is_some();
            self.suspects += usize::from(listed);
            self.undescribed &= !listed;
            if self.undescribed
                && !listed
                && !["Author", "Date", "Commit", "Merge"].iter().any(|head| text.starts_with(head))
            {
                self.undescribed = false;
                if let Some(step) = self.found.steps.last_mut() {
                    step.subject = Some(text);
                }
            }
            return;
        }
        if let Some(heading) = text.strip_prefix("# extra tests") {
            self.found.dialect.name = Origin::ZeroDay;
            self.extra = Some(format!("extra tests{heading}"));
        } else if let Some(status) = text.strip_prefix("# status: ") {
            self.found.notes.push(status.to_owned());
        } else if let Some(rest) =
            text.trim_start().strip_prefix("The merge base ").filter(|rest| rest.contains(" is bad"))
        {
            let commit = rest.split_whitespace().next().unwrap_or_default().to_owned();
            let base = short(&commit);
            let words =
                format!("merge base {base} is bad: git takes it that the bug was fixed between it and the good commit");
            self.bad_merge_base(Some((commit, words)));
        } else if !self.started && !self.answered && self.found.notes.len() < KEPT && text.starts_with("warning:") {
            self.found.notes.push(text);
        }
    }

    fn command(&mut self, number: u64, word: &str, rest: &str) {
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
    fn start(&mut self, number: u64, rest: &str) -> Option<Bisection> {
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

    fn declare(&mut self, word: &str, verdict: Verdict) {
        match verdict {
            Verdict::Good => self.terms.old = word.to_owned(),
            Verdict::Bad => self.terms.new = word.to_owned(),
            Verdict::Skip => {}
        }
    }

    fn verdict(&mut self, word: &str) -> Option<Verdict> {
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

    fn mark(&mut self, number: u64, verdict: Verdict, commit: &str, remark: &str) {
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

    fn first(&mut self, possible: bool, word: &str, commit: &[u8], subject: &[u8]) {
        if !word.is_empty() && self.terms.new == "bad" {
            word.clone_into(&mut self.terms.new);
        }
        self.answer(possible, &words(commit), words(subject));
    }

    fn answer(&mut self, possible: bool, commit: &str, subject: String) {
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

    /// `commit <H> (refs/bisect/bad)`, `<H> (HEAD, refs/bisect/good-<H>) subject`.
    fn decorated(&mut self, number: u64, content: &[u8]) {
        let text = words(content.trim_ascii());
        let rest = text.strip_prefix("commit ").unwrap_or(&text).trim_start_matches(['*', '|', ' ']);
        let Some((commit, tail)) = line::split_commit(rest.as_bytes()) else { return };
        let (commit, tail) = (words(commit), words(tail));
        let Some((refs, subject)) = tail.strip_prefix('(').and_then(|tail| tail.split_once(')')) else { return };
        let Some(name) = refs.split(", ").find_map(|name| name.trim().strip_prefix("refs/bisect/")) else { return };
        self.found.dialect.name = Origin::GitVisualize;
        let word = name.split_once('-').map_or(name, |(word, _)| word).to_owned();
        // The bare name is that of the later side; only the earlier side and skips carry a hash.
        let verdict = self.verdict(&word).unwrap_or(if name.contains('-') { Verdict::Good } else { Verdict::Bad });
        self.declare(&word, verdict);
        let mut step = Step::new(Role::Given, commit, number);
        step.verdict = Some(verdict);
        step.subject = Some(subject.trim().to_owned()).filter(|subject| !subject.is_empty());
        self.suspects += usize::from(verdict == Verdict::Bad);
        self.undescribed = step.subject.is_none();
        self.found.steps.push(step);
    }

    fn end_dump(&mut self) {
        if let (Some(mut dump), Some(culprit)) = (self.dump.take(), &mut self.found.culprit) {
            dump.fill(culprit);
        }
    }

    fn finish(mut self) -> Bisection {
        self.end_dump();
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
                release: super::summary::is_release_subject(&culprit.subject),
            };
        }
        found
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

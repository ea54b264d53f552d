//! Is somebody working on a bug? The dashboard's facts, the bisection, and the threads in one answer.

use super::record::{Digest, State, Thread};
use crate::source::Fixed;
use crate::syzbot::bug::Facts;
use schemars::JsonSchema;
use serde::Serialize;

/// The schema name of [`Work`].
pub const BUG_SCHEMA: &str = "kanalyze.bug/1";

/// How far the work on a bug is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It cannot be determined.
    Unknown,
    /// Nobody has answered.
    Untouched,
    /// People talk about it.
    Investigated,
    /// A patch is posted.
    PatchPosted,
    /// A fix is known and not yet everywhere.
    FixKnown,
    /// It is closed.
    Closed,
}

/// What is known of a bug and of the work on it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Work {
    /// [`BUG_SCHEMA`].
    pub schema: &'static str,
    /// What the dashboard says.
    pub bug: Facts,
    /// How far the work is.
    pub stage: Stage,
    /// The same in one sentence.
    pub answer: String,
    /// What the bisection of its cause says, and how far to trust it.
    pub cause: Option<Cause>,
    /// Whether a kernel tree has a fix; null if no tree was named.
    pub in_tree: Option<Fixed>,
    /// The threads about it.
    pub threads: Vec<Talk>,
    /// What could not be found out, and why.
    pub unknown: Vec<String>,
}

/// A bisection of the cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cause {
    /// Its outcome in one sentence.
    pub answer: String,
    /// The probability that the named commit is right, 0…1; null where nothing can be said.
    pub confidence: Option<f64>,
    /// The commits it names.
    pub commits: Vec<String>,
}

/// A thread about a bug.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Talk {
    /// Its subject.
    pub subject: String,
    /// The id of its first message.
    pub id: String,
    /// How many messages it has.
    pub messages: usize,
    /// When the last was written, RFC 3339.
    pub last: Option<String>,
    /// What came of it.
    pub digest: Digest,
}

impl Talk {
    fn of(thread: Thread) -> Self {
        let last = thread.digest.last.and_then(|last| thread.messages.get(last - 1)?.date.clone());
        Self {
            id: thread.messages.first().map(|first| first.id.clone()).unwrap_or_default(),
            messages: thread.messages.len(),
            subject: thread.subject,
            last,
            digest: thread.digest,
        }
    }
}

/// Puts together what is known. `threads` is `None` if nobody asked for them; `unknown` says what could not be had.
#[must_use]
pub fn work(bug: Facts, cause: Option<Cause>, threads: Option<Vec<Thread>>, unknown: Vec<String>) -> Work {
    let asked = threads.is_some();
    let mut talks: Vec<Talk> = threads.unwrap_or_default().into_iter().map(Talk::of).collect();
    talks.sort_by(|one, other| other.last.cmp(&one.last));
    let (stage, answer) = judge(&bug, &talks, asked);
    Work { schema: BUG_SCHEMA, bug, stage, answer, cause, in_tree: None, threads: talks, unknown }
}

impl Work {
    /// Adds what a kernel tree says.
    #[must_use]
    pub fn in_tree(mut self, found: Fixed) -> Self {
        if found.fixed && !matches!(self.stage, Stage::FixKnown | Stage::Closed) {
            self.answer = format!("a fix is in the named tree; besides: {}", self.answer);
            self.stage = Stage::FixKnown;
        }
        self.in_tree = Some(found);
        self
    }
}

fn judge(bug: &Facts, talks: &[Talk], asked: bool) -> (Stage, String) {
    if !bug.close_time.is_empty() {
        return (Stage::Closed, format!("closed: {}", bug.status));
    }
    if let Some(fix) = bug.fix_commits.first() {
        let place = if fix.hash.is_empty() {
            "in no tested tree yet".to_owned()
        } else {
            format!(
                "{}{}",
                fix.hash.get(..12).unwrap_or(&fix.hash),
                if fix.repo.is_empty() { String::new() } else { format!(" in {}", fix.repo) }
            )
        };
        return (Stage::FixKnown, format!("a fix is known: \"{}\" ({place})", fix.title));
    }
    let furthest = talks.iter().max_by_key(|talk| talk.digest.state);
    let Some(talk) = furthest else {
        return if asked {
            (Stage::Untouched, "nobody works on it as far as the archive knows: there is no mail about it".to_owned())
        } else {
            (Stage::Unknown, "unknown: the archive of mails was not asked".to_owned())
        };
    };
    let last = talk
        .last
        .as_deref()
        .and_then(|last| last.get(..10))
        .map_or_else(String::new, |day| format!("; last mail {day}"));
    let words = format!("{}{last}", talk.digest.sentence);
    match talk.digest.state {
        State::Fixed | State::Applied => (Stage::FixKnown, words),
        State::PatchPosted | State::PartlyApplied => (Stage::PatchPosted, words),
        State::Investigating => (Stage::Investigated, words),
        State::Reported => (Stage::Untouched, words),
        State::Duplicate | State::Invalid => (Stage::Closed, words),
        State::Unknown => (Stage::Unknown, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syzbot::dashboard::Commit;

    #[test]
    fn the_dashboard_is_asked_before_the_mails_and_silence_is_not_idleness() {
        let bug = Facts::default();
        assert_eq!(work(bug.clone(), None, None, Vec::new()).stage, Stage::Unknown);
        assert_eq!(work(bug.clone(), None, Some(Vec::new()), Vec::new()).stage, Stage::Untouched);
        let fixed =
            Facts { fix_commits: vec![Commit { title: "f: fix".to_owned(), ..Commit::default() }], ..bug.clone() };
        let found = work(fixed, None, None, Vec::new());
        assert_eq!(
            (found.stage, found.answer.as_str()),
            (Stage::FixKnown, "a fix is known: \"f: fix\" (in no tested tree yet)")
        );
        let closed =
            Facts { close_time: "2026-01-01T00:00:00Z".to_owned(), status: "closed as invalid".to_owned(), ..bug };
        assert_eq!(work(closed, None, None, Vec::new()).stage, Stage::Closed);
    }
}

//! The commit that git shows when it has found the first bad one.

use super::record::{Changed, Culprit};
use super::words;

/// How many files are kept: merges touch thousands.
const KEPT_FILES: usize = 400;

/// A commit dump while it is read.
#[derive(Debug, Default)]
pub(super) struct Dump {
    commit: Culprit,
    started: bool,
    message: bool,
}

impl Dump {
    /// A dump of which the first line was seen.
    pub(super) fn begun() -> Self {
        Self { started: true, ..Self::default() }
    }

    /// Takes a line; false when it cannot belong to the dump.
    ///
    /// The message is indented by four blanks and may quote anything, other bisections included; only the diffstat and the raw
    /// listing of old gits follow it.
    pub(super) fn line(&mut self, content: &[u8]) -> bool {
        let head = |prefix: &str| content.strip_prefix(prefix.as_bytes()).map(|rest| words(rest.trim_ascii()));
        match content.first() {
            None => true,
            Some(b' ' | b'\t') if !self.started => content.trim_ascii().is_empty(),
            Some(b' ') if content.starts_with(b"    ") && !is_stat(content) => {
                self.message_line(&words(&content[4..]));
                true
            }
            Some(b' ') => {
                self.stat_line(&words(content));
                true
            }
            Some(b':') => {
                if let Some(at) = memchr::memchr(b'\t', content) {
                    self.file(&words(&content[at + 1..]), None);
                }
                true
            }
            Some(_) => {
                if head("commit ").is_some() {
                    self.started = true;
                } else if let Some(author) = head("Author:") {
                    self.commit.author = Some(author);
                } else if let Some(date) = head("Date:") {
                    self.commit.date = Some(date);
                } else if let Some(parents) = head("Merge:") {
                    self.commit.parents = parents.split_whitespace().map(str::to_owned).collect();
                } else {
                    return false;
                }
                true
            }
        }
    }

    fn message_line(&mut self, text: &str) {
        if !self.message {
            self.message = true;
            self.commit.subject = text.to_owned();
        }
        if let Some(commit) = text.trim_start().strip_prefix("Fixes:").and_then(|rest| rest.split_whitespace().next())
            && self.commit.fixes.len() < 16
        {
            self.commit.fixes.push(commit.to_owned());
        }
    }

    /// ` drivers/vhost/net.c | 59 ++++-`, ` 4 files changed, 705 insertions(+), 50 deletions(-)`, ` create mode …`.
    fn stat_line(&mut self, text: &str) {
        if let Some((path, changes)) = text.split_once(" | ") {
            let lines = changes.split_whitespace().next().and_then(|count| count.parse().ok());
            self.file(path.trim(), lines);
        } else if text.contains(" changed") {
            for part in text.split(',') {
                let count = part.split_whitespace().next().and_then(|count| count.parse().ok());
                if part.contains("insertion") {
                    self.commit.insertions = count;
                } else if part.contains("deletion") {
                    self.commit.deletions = count;
                }
            }
        }
    }

    fn file(&mut self, path: &str, lines: Option<u64>) {
        if !path.is_empty() && self.commit.files.len() < KEPT_FILES {
            self.commit.files.push(Changed { path: path.to_owned(), lines });
        }
    }

    /// Moves what was read into `culprit`.
    pub(super) fn fill(&mut self, culprit: &mut Culprit) {
        let read = std::mem::take(&mut self.commit);
        let (commit, subject) = (std::mem::take(&mut culprit.commit), std::mem::take(&mut culprit.subject));
        *culprit = Culprit { commit, subject: if subject.is_empty() { read.subject } else { subject }, ..read };
    }
}

/// Whether a line that begins with blanks is one of the diffstat: a message is indented by four, a statistic by one.
fn is_stat(content: &[u8]) -> bool {
    !content.starts_with(b"    ")
}

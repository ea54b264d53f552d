//! The commit that git shows when it has found the first bad one.

use super::record::{Changed, Culprit};
use super::words;

/// How many files are kept: merges touch thousands.
const KEPT_FILES: usize = 400;

/// A blank that does not break, in UTF-8.
const NO_BREAK: [u8; 2] = [0xc2, 0xa0];

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
        // Some mail programs indent by blanks that do not break.
        let plain;
        let content = if content.windows(2).any(|pair| pair == NO_BREAK) {
            plain = String::from_utf8_lossy(content).replace('\u{a0}', " ").into_bytes();
            &plain[..]
        } else {
            content
        };
        let head = |prefix: &str| content.strip_prefix(prefix.as_bytes()).map(|rest| words(rest.trim_ascii()));
        match content.first() {
            None => true,
            Some(b' ' | b'\t') if !self.started => content.trim_ascii().is_empty(),
            Some(b' ' | b'\t') if is_stat(content) => {
                self.stat_line(&words(content));
                true
            }
            Some(b' ' | b'\t') => {
                self.message_line(&words(content.trim_ascii()));
                true
            }
            Some(b':') => {
                if let Some(at) = memchr::memchr(b'\t', content) {
                    self.file(&words(&content[at + 1..]), None);
                }
                true
            }
            Some(_) => {
                if let Some(author) = head("Author:") {
                    self.commit.author = Some(author);
                } else if let Some(date) = head("Date:") {
                    self.commit.date = Some(date);
                } else if let Some(parents) = head("Merge:") {
                    self.commit.parents = parents.split_whitespace().map(str::to_owned).collect();
                } else if head("commit ").is_none() {
                    return false;
                }
                // The first of these lines may have been joined to git's answer.
                self.started = true;
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

/// Whether a line that begins with blanks is one of the diffstat: a message is indented by four, a statistic by one. What quotes a
/// dump may take a blank of either away or add some, so that the words decide where the columns do not.
fn is_stat(content: &[u8]) -> bool {
    if content.starts_with(b"    ") || content.starts_with(b"\t") {
        return false;
    }
    let text = content.trim_ascii();
    let counted = |at: usize| {
        let count = text[at + 3..].trim_ascii_start();
        count.starts_with(b"Bin ") || count.first().is_some_and(u8::is_ascii_digit)
    };
    let summary = text.first().is_some_and(u8::is_ascii_digit) && memchr::memmem::find(text, b" changed, ").is_some();
    let modes = [&b"create mode "[..], b"delete mode ", b"mode change ", b"rename ", b"copy "];
    memchr::memmem::find(text, b" | ").is_some_and(counted)
        || summary
        || !content.starts_with(b"  ") && modes.iter().any(|begin| text.starts_with(begin))
}

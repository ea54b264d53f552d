//! Whether a text holds a bisection, and who wrote it.

use super::git_log::typed;
use super::line::{self, Line};
use super::mail::Text;

/// Which reader a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// syzbot's job.
    Syzbot,
    /// git, run by people or by 0-day.
    Git,
}

/// Who wrote the bisection in a text; nothing where no line is one of a bisection.
#[must_use]
pub(super) fn writer(text: &Text<'_>) -> Option<Writer> {
    let (mut git, mut run) = (false, false);
    for (_, _, content) in text.lines() {
        if line::is_of_syzbot(content) {
            return Some(Writer::Syzbot);
        }
        match line::read(content) {
            // Without a header or a test block these are weaker than a log of git.
            Line::Run { .. } | Line::Answer { .. } | Line::Release(_) | Line::Representative { .. } => run = true,
            _ => git |= line::is_of_git(typed(content)),
        }
    }
    git |= memchr::memmem::find(text.bytes(), b"refs/bisect/").is_some();
    match (git, run) {
        (true, _) => Some(Writer::Git),
        (false, true) => Some(Writer::Syzbot),
        (false, false) => None,
    }
}

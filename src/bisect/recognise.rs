//! Whether a text holds a bisection, and who wrote it.

use super::line::typed;
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
    // A prompt of root and a command of git look like what the job told git; without a header or a test the rest is weaker than a
    // log of git, too.
    let (mut git, mut told, mut run, mut answer) = (false, false, false, false);
    for (_, _, content) in text.lines() {
        if line::is_of_syzbot(content) {
            return Some(Writer::Syzbot);
        }
        match line::read(content) {
            Line::Start { .. } | Line::Told { .. } => told = true,
            Line::Run { .. } | Line::Release(_) | Line::Representative { .. } => run = true,
            Line::Answer { .. } => answer = true,
            _ => git |= line::is_of_git(typed(content)),
        }
    }
    git |= memchr::memmem::find(text.bytes(), b"refs/bisect/").is_some();
    if told && run || !git && !told && (run || answer) {
        Some(Writer::Syzbot)
    } else {
        (git || told).then_some(Writer::Git)
    }
}

//! The one place that writes to stderr: sentences about the work, made harmless to the terminal.

use crate::render::safe;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal's cursor is in a line that will be written over.
static STATUS: AtomicBool = AtomicBool::new(false);

/// Whether only the answer and what went wrong is wanted.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Says whether only the answer and what went wrong is wanted.
pub(super) fn be_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether it is.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Writes one sentence under the program's name.
pub(super) fn say(sentence: &str) {
    line(&format!("kanalyze: {sentence}"));
}

/// Writes one line; what the terminal would obey in it is made visible.
pub(super) fn line(text: &str) {
    clear();
    let _ = writeln!(std::io::stderr(), "{}", safe(text));
}

/// Writes one line that was made harmless already and may hold colours.
pub(super) fn coloured(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Takes the status away, if there is one: what follows has a line of its own.
fn clear() {
    if STATUS.load(Ordering::Relaxed) {
        status("");
    }
}

/// Writes over the line that the terminal's cursor is in; nothing if it is to be quiet.
pub(super) fn status(text: &str) {
    if is_quiet() {
        return;
    }
    STATUS.store(!text.is_empty(), Ordering::Relaxed);
    let _ = std::io::stderr().write_all(format!("\r\x1b[K{text}").as_bytes());
}

/// Whether somebody reads it at a terminal.
#[must_use]
pub(super) fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Tells why the command gives up. A cause whose words the sentence before it holds already is not said twice.
pub fn fail(error: &anyhow::Error) {
    let mut sentence = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if sentence.contains(&words) {
            continue;
        }
        if !sentence.is_empty() {
            sentence.push_str(": ");
        }
        sentence.push_str(&words);
    }
    say(&plain(&sentence));
}

/// What the system answers, in words that say what to do.
fn plain(sentence: &str) -> String {
    const WORDS: [(&str, &str); 4] = [
        ("No such file or directory (os error 2)", "no such file or folder (mistyped?)"),
        ("Permission denied (os error 13)", "permission denied: run this as a user who may"),
        ("Is a directory (os error 21)", "is a folder, and a file is wanted"),
        ("Not a directory (os error 20)", "a part of this path is a file, not a folder"),
    ];
    WORDS.iter().fold(sentence.to_owned(), |said, (system, ours)| said.replace(system, ours))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn what_the_system_answers_is_said_in_words() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(super::plain(&format!("vmlinux: {error}")), "vmlinux: no such file or folder (mistyped?)");
    }

    #[test]
    fn a_cause_is_reported_once() {
        // Only that nothing panics and the chain ends: what is written is tested through the program.
        let inner = std::io::Error::other("disk is full");
        let error = Err::<(), _>(inner).context("x.log: disk is full").expect_err("an error");
        super::fail(&error);
        assert_eq!(error.chain().count(), 2);
    }
}

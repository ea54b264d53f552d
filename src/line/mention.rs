//! How people speak of a crash: by its title, in a sentence.

use super::find;

/// Headers that people use as words of their sentences, and with what the kernel goes on behind them.
const WORDS: [(&str, &[&str]); 4] = [
    ("kernel BUG", &[" at ", " in "]),
    ("Kernel BUG", &[" at ", " in "]),
    ("Kernel panic", &[" - ", ": "]),
    ("general protection fault", &[": ", ", ", " in "]),
];

/// Whether somebody only speaks of such a thing: `the kernel BUG from dmesg:`.
pub(super) fn is_mentioned(header: &str, rest: &[u8]) -> bool {
    let known = WORDS.iter().find(|(word, _)| *word == header);
    known.is_some_and(|(_, goes_on)| !goes_on.iter().any(|start| rest.starts_with(start.as_bytes())))
}

/// Whether it is what people call a hung task: the kernel names the one that it means, with its number.
pub(super) fn names_no_task(header: &str, rest: &[u8]) -> bool {
    let Some(task) = rest.strip_prefix(b" task ").filter(|_| header == "INFO:") else { return false };
    let Some(at) = find(task, "blocked for more than") else { return false };
    let task = task[..at].trim_ascii_end();
    let number = task.len() - task.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    number == task.len() || !task[..number].ends_with(b":")
}

/// What the kernel never goes on with, but titles of its reports do: it names the address or the place, not the function.
const TITLES: [(&str, &[&str]); 3] = [
    (
        "BUG:",
        &[
            " unable to handle kernel NULL pointer dereference in ",
            " unable to handle kernel paging request in ",
            " soft lockup in ",
        ],
    ),
    ("general protection fault", &[" in "]),
    ("kernel BUG", &[" in "]),
];

/// Whether it is the title that such a report gets; in a letter, any that ends with the name of a function, `WARNING: refcount bug in
/// widget_put (2)`: the kernel mostly says the offset, too.
pub(super) fn is_title(header: &str, rest: &[u8], prose: bool) -> bool {
    let known = TITLES.iter().find(|(word, _)| *word == header);
    let starts = |words: &[&str]| words.iter().any(|words| find(rest, words).is_some());
    known.is_some_and(|(_, words)| starts(words)) || prose && ends_in_name(rest)
}

/// Whether the last words are `in widget_put`, but for the number that tells bugs of one title apart.
pub(super) fn ends_in_name(rest: &[u8]) -> bool {
    let mut words = rest.split(|byte| *byte == b' ').rev().filter(|word| !word.is_empty());
    let is_number = |word: &&[u8]| {
        word.strip_prefix(b"(")
            .and_then(|word| word.strip_suffix(b")"))
            .is_some_and(|word| word.iter().all(u8::is_ascii_digit))
    };
    let last = words.next().and_then(|word| if is_number(&word) { words.next() } else { Some(word) });
    let is_name = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte));
    last.is_some_and(is_name) && words.next() == Some(b"in")
}

/// A sentence that somebody wrote has so many words in a line, and hardly one of so many is not plain.
const WORDY: usize = 6;
const PLAIN: usize = 5;

/// Whether a line is a part of a sentence: plain words, with what stands behind words.
pub(super) fn is_written(line: &[u8]) -> bool {
    let words = || line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let plain = |word: &&[u8]| {
        let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b",")).unwrap_or(word);
        word.iter().all(u8::is_ascii_lowercase)
    };
    let count = words().count();
    count >= WORDY && (count - words().filter(plain).count()) * PLAIN <= count
}

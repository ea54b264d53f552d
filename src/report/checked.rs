//! The words of a report that stand above its first line: WARN's between `[ cut here ]` and that, a failed check's above both.

use super::SourceLine;
use super::between::{Between, FEW, Shown, own_words};
use super::console::{Context, console};
use super::context::cpu_line;
use super::excerpt::Excerpt;
use super::scan::{find, number};
use super::sentence::{AT_ONCE, is_sentence, time_of, unbolded};
use crate::grammar::Grammar;
use crate::line::{CUT_HERE, is_same_but_digits};

/// Lines of others may stand between, so that so many are looked at.
const NEAR: usize = 4 * FEW;
/// How many lines above `[ cut here ]` may be those of a failed check: others print between.
const CHECKED: usize = 4;
/// How many lines above that one are looked at for the same words.
const CHATTER: usize = 32;
/// A check that failed, and calls BUG therefore.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check<'a> {
    /// Where BUG is called.
    pub source: Option<&'a SourceLine>,
    /// The function in which that is.
    pub function: Option<&'a str>,
}

/// The lines between `[ cut here ]` and the header, which WARN prints there; or one above the mark, which a failed check prints before
/// it calls BUG.
pub(super) fn above<'w>(
    grammar: &Grammar,
    window: &'w [u8],
    start: usize,
    excerpt: &Excerpt<'_>,
    check: Option<&Check<'_>>,
) -> Vec<&'w [u8]> {
    let mut found = Vec::new();
    let mut end = start.saturating_sub(1);
    // Most reports have no such mark near them.
    let mut near = end;
    for _ in 0..NEAR {
        near = memchr::memrchr(b'\n', &window[..near]).unwrap_or(0);
    }
    if memchr::memmem::find(&window[near..end], CUT_HERE.as_bytes()).is_none() {
        return Vec::new();
    }
    // How many lines of this printer stand above the mark, once that was met.
    let mut beyond = None;
    for _ in 0..NEAR {
        if end == 0 {
            break;
        }
        let begin = memchr::memrchr(b'\n', &window[..end]).map_or(0, |at| at + 1);
        let raw = window[begin..end].trim_ascii_end();
        end = begin.saturating_sub(1);
        let prefix = console(raw);
        if !prefix.context.is_same(excerpt.context) {
            continue;
        }
        let line = unbolded(&raw[prefix.message.min(raw.len())..]);
        if find(line, CUT_HERE).is_some() {
            match check {
                // BUG prints both in one go: what stands between is another's.
                Some(_) if beyond.is_none() => beyond = Some(0),
                Some(_) => break,
                None => return own_between(grammar, excerpt, found, level(raw)),
            }
            continue;
        }
        if let (Some(check), Some(beyond)) = (check, &mut beyond) {
            let age = prefix.stamp.and_then(time_of).zip(excerpt.time).map(|(stamp, time)| time - stamp);
            if is_sentence(grammar, line, 0)
                && check.says(&grammar.output.findings, line, age)
                && !is_repeated(line, &window[..end], excerpt.context)
            {
                return vec![line];
            }
            *beyond += 1;
            if *beyond == CHECKED || line.starts_with(b"---[") {
                break;
            }
            continue;
        }
        // Lockdep rules its reports off.
        let is_rule = |line: &[u8]| !line.is_empty() && !line.iter().any(u8::is_ascii_alphanumeric);
        if check.is_some() || cpu_line(line).is_some() || is_rule(line) && !line.starts_with(b"---[") {
            continue;
        }
        if line.is_empty() || line.starts_with(b"---[") {
            break;
        }
        found.push(Between { line, stamp: prefix.stamp, level: level(raw) });
    }
    Vec::new()
}

/// The words of a warning among the lines between its mark, of that level, and its place, the last of them first.
fn own_between<'w>(
    grammar: &Grammar,
    excerpt: &Excerpt<'_>,
    mut found: Vec<Between<'w>>,
    level: Option<u8>,
) -> Vec<&'w [u8]> {
    found.reverse();
    let words = match excerpt.context {
        Context::Caller(_) => found.into_iter().map(|between| between.line).collect(),
        _ => own_words(grammar, Shown(&excerpt.lines[..excerpt.own]), found, level),
    };
    if words.len() > FEW { Vec::new() } else { words }
}

/// The level in front of a line, `<4>`.
fn level(raw: &[u8]) -> Option<u8> {
    let digits = raw.strip_prefix(b"<")?;
    let end = digits.iter().position(|byte| *byte == b'>').filter(|end| (1..=3).contains(end))?;
    // The facility stands in the higher bits.
    number(&digits[..end]).map(|number| (number % 8) as u8)
}

impl Check<'_> {
    /// Whether a line that was printed so many seconds before says what the check found: by words that only checks have, at once
    /// or of its own place; or it names the function.
    fn says(&self, findings: &[String], line: &[u8], age: Option<f64>) -> bool {
        let file = self.source.map_or("", |source| source.file.as_str());
        let of_list = ["list_add", "list_del"].iter().any(|start| line.starts_with(start.as_bytes()));
        if of_list && file.ends_with("list_debug.c") {
            return age.is_none_or(|age| age >= 0.0);
        }
        let at_once = age.is_some_and(|age| (0.0..=AT_ONCE).contains(&age));
        let small = line.to_ascii_lowercase();
        let is_found = findings.iter().any(|words| find(&small, words).is_some());
        is_found && (at_once || names_place(&small, file))
            || at_once && self.function.is_some_and(|function| find(line, function).is_some())
    }
}

/// Whether a line names the file or the folder in which the check is: `XFS: Assertion failed` does, of `fs/xfs/xfs_message.c`.
fn names_place(line: &[u8], file: &str) -> bool {
    let mut parts = file.rsplit('/').map(|part| part.split('.').next().unwrap_or_default());
    let parts = [parts.next(), parts.next()];
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    line.split(|byte| !is_name(byte))
        .filter(|name| name.len() > 2)
        .any(|name| parts.iter().flatten().any(|part| part.as_bytes().eq_ignore_ascii_case(name)))
}

/// Whether the same printer has just said the same, other numbers aside: then the line is not what a check says about its finding.
fn is_repeated(line: &[u8], above: &[u8], context: Context<'_>) -> bool {
    above.rsplit(|byte| *byte == b'\n').take(CHATTER).any(|raw| {
        let prefix = console(raw);
        prefix.context.is_same(context) && is_same_but_digits(raw[prefix.message.min(raw.len())..].trim_ascii(), line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_told_from_its_neighbours() {
        let grammar = Grammar::built_in();
        let place = |file: &str| SourceLine { file: file.into(), line: 77 };
        for (file, function, age, line, says) in [
            ("lib/list_debug.c", "__list_add_valid", Some(0.3), "list_add corruption. prev is NULL.", true),
            ("lib/list_debug.c", "__list_add_valid", None, "list_add double add: new=1, prev=2, next=1.", true),
            ("drivers/lamp/lamp.c", "lamp_put", Some(0.001), "usb 1-1: new high-speed USB device number 5", false),
            ("drivers/lamp/lamp.c", "lamp_put", Some(0.001), "list_add corruption. prev is NULL.", false),
            ("fs/ext4/ext4.h", "ext4_bit", None, "EXT4-fs error (device vdb) in ext4_put:5: Corrupt filesystem", false),
            ("drivers/lamp/lamp.c", "lamp_put", Some(0.001), "lamp_put: 3 users are left", true),
            ("fs/xfs/xfs_message.c", "assfail", None, "XFS: Assertion failed: fa == NULL", true),
            ("fs/xfs/xfs_message.c", "assfail", None, "lampfs: Assertion failed: fa == NULL", false),
        ] {
            let source = place(file);
            let check = Check { source: Some(&source), function: Some(function) };
            assert_eq!(check.says(&grammar.output.findings, line.as_bytes(), age), says, "{line}");
        }
    }
}

//! What git writes: the comments of its log and its answers.

use super::super::record::Verdict;
use super::hash::{WHOLE, is_hash, split_commit};
use super::{Line, after};

pub(super) fn comment(content: &[u8]) -> Option<Line<'_>> {
    let rest = after(content, "# ")?;
    if let Some(rest) = after(rest, "git bisect ") {
        let mut words = rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let (verb, one, two) = (words.next()?, words.next()?, words.next());
        return match verb {
            b"start" => Some(Line::Start { bad: one, good: two.unwrap_or_default() }),
            _ => Some(Line::Told { verdict: verdict(verb)?, commit: split_commit(one)?.0 }),
        };
    }
    if ["configuration", "using ", "start config", "config-bisect", "config_bisect", "found config", "testing with gen"]
        .iter()
        .any(|word| after(rest, word).is_some())
    {
        return Some(Line::Config);
    }
    let (possible, named) = after(rest, "possible ").map_or((false, rest), |rest| (true, rest));
    if let Some(named) = after(named, "first ") {
        let at = memchr::memmem::find(named, b" commit: [")?;
        let (commit, subject) = bracketed(&named[at + 9..])?;
        return Some(Line::FirstComment { possible, word: unquoted(&named[..at]), commit, subject });
    }
    let at = memchr::memmem::find(rest, b": [")?;
    let word = rest.get(..at).filter(|word| !word.contains(&b' '))?;
    let (commit, subject) = bracketed(&rest[at + 2..])?;
    Some(Line::Given { word: unquoted(word), commit, subject })
}

/// git 2.55 puts its terms in quotes.
pub(super) fn unquoted(word: &[u8]) -> &[u8] {
    word.strip_prefix(b"'").and_then(|word| word.strip_suffix(b"'")).unwrap_or(word)
}

fn verdict(word: &[u8]) -> Option<Verdict> {
    match word {
        b"good" => Some(Verdict::Good),
        b"bad" => Some(Verdict::Bad),
        b"skip" => Some(Verdict::Skip),
        _ => None,
    }
}

pub(super) fn bracketed(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = content.strip_prefix(b"[")?;
    let (commit, rest) = split_commit(inside)?;
    Some((commit, rest.strip_prefix(b"]")?.trim_ascii()))
}

pub(super) fn position(content: &[u8]) -> Option<Line<'_>> {
    let (commit, subject) = bracketed(content)?;
    Some(Line::Position { commit, subject })
}

pub(super) fn after_hash(content: &[u8]) -> Option<Line<'_>> {
    let (commit, rest) = split_commit(content)?;
    if rest.is_empty() {
        return is_hash(commit).then_some(Line::Hash(commit));
    }
    let rest = after(rest, "is the first ")?;
    let at = memchr::memmem::find(rest, b" commit").filter(|at| *at < 40)?;
    // A mail program may have joined the line that git prints below it; people end it like a sentence.
    let tail = rest[at + 7..].trim_ascii();
    let again = after(tail, "commit ").and_then(split_commit).is_some_and(|(same, _)| same == commit);
    (again || matches!(tail, b"" | b"." | b":" | b"!")).then_some(Line::GitFirst(commit))
}

/// `I looked for it. <H> is the first bad commit`, `!make<H> is the first bad commit`: git's answer behind a sentence of somebody's
/// own, or glued to what the terminal showed before it.
pub(super) fn git_first_behind(content: &[u8]) -> Option<Line<'_>> {
    let at = memchr::memmem::find(content, b" is the first ")?;
    let start = at.checked_sub(WHOLE)?;
    let before = &content[..start];
    let ended = matches!(before.trim_ascii_end().last(), Some(b'.' | b':'));
    let glued = before.last().is_some_and(|last| !last.is_ascii_whitespace()) && !before.contains(&b' ');
    let known = is_hash(&content[start..at]);
    if known && if before.ends_with(b" ") { ended } else { glued } { after_hash(&content[start..]) } else { None }
}
